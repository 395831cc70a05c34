//! `frontrow repair`: goes past what the tables of a sale refuse of its journal, by an operator's recorded word.

use anyhow::{Context, bail};
use clap::Args;
use frontrow::clock::Clock;
use frontrow::domain::actor::{Actor, Who};
use frontrow::domain::ids::{ConcertId, OperatorId};
use frontrow::store::Store;
use frontrow::store::operators::Note;
use frontrow::store::repair;
use frontrow_protocol::limits::NOTE_CHARS_MAX;
use serde_json::{Value, json};

use super::{DataArgs, open_store, print_json};

#[derive(Args)]
pub struct Repair {
    /// The concert whose sale stands still, as `/readyz` names it.
    #[arg(value_name = "CONCERT")]
    concert: u32,
    /// The operator whose word it is, by number (`frontrow operator list`).
    #[arg(long, value_name = "OPERATOR")]
    by: u64,
    /// Why, for the log: what was wrong with the tables, and what becomes of whom it concerns.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    data: DataArgs,
}

impl Repair {
    pub async fn run(self) -> anyhow::Result<()> {
        let (concert, by) = (ConcertId(self.concert), OperatorId(self.by));
        let reason = self.reason.trim();
        if reason.is_empty() || reason.chars().count() > NOTE_CHARS_MAX {
            bail!("--reason must have 1 to {NOTE_CHARS_MAX} characters");
        }
        let config = self.data.config()?;
        let store = open_store(&config, &self.data).await?;
        if !store.concerts().await?.contains(&concert) {
            bail!("there is no concert {concert}");
        }
        let note = Note { by: operator(&*store, by).await?, at: Clock::system().utc() };
        let repairs = store.repairs().context("this database refuses nothing")?;
        let done = repairs.repair(concert, reason, &note).await;
        match done.with_context(|| format!("could not repair the tables of concert {concert}"))? {
            repair::Repair::NothingRefused { .. } => {
                bail!("nothing is stuck: the tables of concert {concert} take all that its journal says")
            }
            repair::Repair::Done(done) => print_json(&json!({
                "concert_id": concert.0,
                "row": done.row,
                "left_out": done.left_out.iter().map(left_out).collect::<Vec<_>>(),
                "noted": done.noted,
                "applied": done.applied,
                "next": done.next.map(|(row, why)| json!({"row": row, "why": why})),
            })),
        }
    }
}

/// An operator who may still do something.
async fn operator(store: &dyn Store, id: OperatorId) -> anyhow::Result<Actor> {
    let operators = store.operators().context("this database has no operators")?;
    let known = operators.operator(id).await?.filter(|operator| operator.disabled_at.is_none());
    known.with_context(|| format!("there is no operator {id} (`frontrow operator list`)"))?;
    Ok(Actor::of(Who::Operator(id)))
}

fn left_out(event: &repair::LeftOut) -> Value {
    let says: Option<Value> = serde_json::from_str(&event.event).ok();
    json!({"event": event.nr, "says": says, "why": event.why})
}
