//! `frontrow audit`: reads the database, and changes nothing but the alarm that says what it found.

use anyhow::Context;
use clap::Args;
use frontrow::clock::Clock;
use frontrow::ops::alarms::Alarm;
use frontrow::ops::alarms::rules::{self, Kind};
use frontrow::store::alarms::NewAlarm;
use frontrow::store::archive::Archive;
use frontrow::store::{Store, StoreError};
use serde_json::json;

use super::{DataArgs, open_store, print_json, print_text};

#[derive(Args)]
pub struct Audit {
    /// `{ok, seen, faults}` instead of lines for people.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

impl Audit {
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.data.config()?;
        let store = open_store(&config, &self.data).await?;
        let archive = Archive::new(config.journal_archive());
        let report = store.audit_with(Some(&archive)).await.context("could not read the database")?;
        let mut seen: Vec<_> = report.seen.iter().collect();
        seen.sort_unstable();
        if let Err(error) = tell(&*store, report.faults.len()).await {
            // A database that may only be read is audited all the same.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what was found could not be written down"
            );
        }
        if self.json {
            print_json(
                &json!({"ok": report.faults.is_empty(), "seen": report.seen, "faults": report.faults}),
            )?;
        } else {
            let lines: Vec<_> = seen.iter().map(|(what, count)| format!("{count:>10}  {what}\n")).collect();
            print_text(&lines.concat())?;
            for fault in &report.faults {
                print_text(&format!("fault: {fault}\n"))?;
            }
        }
        match report.faults.len() {
            0 if self.json => Ok(()),
            0 => print_text("everything fits\n"),
            1 => anyhow::bail!("1 fault"),
            faults => anyhow::bail!("{faults} faults"),
        }
    }
}

/// Raises the alarm, or ends it. A running server sends the message.
async fn tell(store: &dyn Store, faults: usize) -> Result<(), StoreError> {
    const SUBJECT: &str = "database";
    let Some(alarms) = store.alarms() else { return Ok(()) };
    let (kind, now) = (Kind::Audit.as_str(), Clock::system().utc());
    if faults > 0 {
        let facts = rules::facts([("faults", json!(faults))]);
        let new = NewAlarm {
            kind: kind.to_owned(),
            subject: SUBJECT.to_owned(),
            at: now,
            facts: json!(facts).to_string(),
        };
        let (kind, subject) = (new.kind.clone(), new.subject.clone());
        let alarm = Alarm { id: None, kind, subject, raised_at: now, ended_at: None, facts, seen_by: None };
        return alarms.raise_alarm(&new, &alarm.message(None, None)).await.map(drop);
    }
    let open = alarms.open_alarms().await?;
    let Some(row) = open.iter().find(|row| row.kind == kind && row.subject == SUBJECT) else { return Ok(()) };
    let over = Alarm { ended_at: Some(now.max(row.raised_at)), ..Alarm::of_row(row) };
    alarms.end_alarm(kind, SUBJECT, now.max(row.raised_at), &over.message(None, None)).await.map(drop)
}
