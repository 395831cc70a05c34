//! `frontrow operator`: who runs sales, straight in the database, whether a server runs or not. A running one notices within
//! seconds.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Subcommand;
use frontrow::clock::Clock;
use frontrow::desk::operators::links::{Secret, base_url};
use frontrow::domain::actor::Actor;
use frontrow::domain::ids::OperatorId;
use frontrow::domain::time::Timestamp;
use frontrow::limits::OPERATOR_LINK_TTL_MAX;
use frontrow::store::Store;
use frontrow::store::operators::{
    ChangeOutcome, NewLink, Note, OperatorChange, OperatorRecord, Operators, SessionRecord,
};
use frontrow_protocol::{HumanDuration, Role};
use serde_json::{Value, json};

use super::{DataArgs, open_store, prices, print_json, print_text};

#[derive(Subcommand)]
pub enum Operator {
    /// Make an operator. Prints a link that signs them in once.
    Add {
        name: String,
        #[arg(long, value_parser = role, value_name = "ROLE")]
        role: Role,
        #[command(flatten)]
        link: LinkArgs,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List the operators, one a line.
    List {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Give an operator another role.
    Role {
        #[arg(value_name = "OPERATOR")]
        id: u64,
        #[arg(value_parser = role)]
        role: Role,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Shut an operator out, and end where they are signed in.
    Disable {
        #[arg(value_name = "OPERATOR")]
        id: u64,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Let an operator in again.
    Enable {
        #[arg(value_name = "OPERATOR")]
        id: u64,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Print a link that signs an operator in once; their older ones end.
    Link {
        #[arg(value_name = "OPERATOR")]
        id: u64,
        #[command(flatten)]
        link: LinkArgs,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List where operators are signed in, one a line.
    Sessions {
        /// Only where this one is.
        #[arg(value_name = "OPERATOR")]
        id: Option<u64>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// End a session.
    End {
        #[arg(value_name = "SESSION")]
        id: u64,
        #[command(flatten)]
        data: DataArgs,
    },
}

#[derive(clap::Args)]
pub struct LinkArgs {
    /// The time for which the link is good, 7d at most.
    #[arg(long, default_value = "15m")]
    ttl: HumanDuration,
}

impl LinkArgs {
    fn ttl(&self) -> anyhow::Result<Duration> {
        let ttl = self.ttl.as_duration();
        if ttl.is_zero() || ttl > OPERATOR_LINK_TTL_MAX {
            bail!("a link is good for more than no time, and for 7 days at most");
        }
        Ok(ttl)
    }
}

fn role(text: &str) -> Result<Role, String> {
    let names: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
    Role::from_name(text).ok_or_else(|| format!("a role is one of {}", names.join(", ")))
}

impl Operator {
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Add { name, role, link, data } => {
                let (name, ttl) = (prices::name("the name", &name, 200)?, link.ttl()?);
                let (config, store) = open(&data).await?;
                let made = add(&*store, &name, role, ttl).await?;
                print_json(&made.to_json(&base_url(&config)))
            }
            Self::List { data } => {
                let (_, store) = open(&data).await?;
                let operators =
                    operators(&*store)?.operators().await.context("could not list the operators")?;
                print_lines(operators.iter().map(in_json))
            }
            Self::Role { id, role, data } => {
                change(&data, id, OperatorChange { role: Some(role), ..OperatorChange::default() }).await
            }
            Self::Disable { id, data } => {
                change(&data, id, OperatorChange { disabled: Some(true), ..OperatorChange::default() }).await
            }
            Self::Enable { id, data } => {
                change(&data, id, OperatorChange { disabled: Some(false), ..OperatorChange::default() }).await
            }
            Self::Link { id, link, data } => {
                let ttl = link.ttl()?;
                let (config, store) = open(&data).await?;
                let (note, secret) = (note(), Secret::random());
                let new = NewLink { secret: secret.hash(), expires_at: note.at + ttl };
                let made = operators(&*store)?.add_link(OperatorId(id), new, &note).await;
                let Some(operator) = made.context("could not make the link")? else {
                    bail!("there is no operator {id} whom a link could sign in");
                };
                let made = Made { operator, secret, expires_at: new.expires_at };
                print_json(&made.to_json(&base_url(&config)))
            }
            Self::Sessions { id, data } => {
                let (_, store) = open(&data).await?;
                let now = Clock::system().utc();
                let sessions = operators(&*store)?.sessions(id.map(OperatorId), now).await;
                print_lines(sessions.context("could not list the sessions")?.iter().map(session_in_json))
            }
            Self::End { id, data } => {
                let (_, store) = open(&data).await?;
                let ended = operators(&*store)?.end_session(id, None, &note()).await;
                match ended.context("could not end the session")? {
                    Some(session) => print_json(&session_in_json(&session)),
                    None => bail!("there is no session {id} that goes on"),
                }
            }
        }
    }
}

/// An operator who was made, or may sign in.
pub struct Made {
    operator: OperatorRecord,
    secret: Secret,
    expires_at: Timestamp,
}

impl Made {
    /// The link by which they sign in.
    pub fn link(&self, base_url: &str) -> String {
        self.secret.link(base_url)
    }

    fn to_json(&self, base_url: &str) -> Value {
        let mut made = in_json(&self.operator);
        made["link"] = json!({"url": self.link(base_url), "expires_at": time(self.expires_at)});
        made
    }
}

/// Makes an operator, and a link that is good for so long.
pub async fn add(store: &dyn Store, name: &str, role: Role, ttl: Duration) -> anyhow::Result<Made> {
    let (note, secret) = (note(), Secret::random());
    let link = NewLink { secret: secret.hash(), expires_at: note.at + ttl };
    let made = operators(store)?.add_operator(name, role, Some(link), &note).await;
    Ok(Made { operator: made.context("could not store the operator")?, secret, expires_at: link.expires_at })
}

async fn change(data: &DataArgs, id: u64, change: OperatorChange) -> anyhow::Result<()> {
    let (_, store) = open(data).await?;
    let outcome = operators(&*store)?.change_operator(OperatorId(id), &change, &note()).await;
    match outcome.context("could not change the operator")? {
        ChangeOutcome::Changed(operator) => print_json(&in_json(&operator)),
        ChangeOutcome::NoSuchOperator => {
            bail!("there is no operator {id}; `frontrow operator list` says who is")
        }
        ChangeOutcome::LastOwner => bail!("nobody else would be an owner: make another one before"),
        ChangeOutcome::IsExternal => bail!("the issuer of this operator's tokens says which role they have"),
        ChangeOutcome::IsOther(_) => bail!("somebody changed the operator meanwhile"),
    }
}

async fn open(data: &DataArgs) -> anyhow::Result<(frontrow::config::Config, std::sync::Arc<dyn Store>)> {
    let config = data.config()?;
    let store = open_store(&config, data).await?;
    Ok((config, store))
}

fn operators(store: &dyn Store) -> anyhow::Result<&dyn Operators> {
    store.operators().context("this store keeps no operators")
}

/// Whoever may open the database needs no name.
fn note() -> Note {
    Note { by: Actor::UNNAMED, at: Clock::system().utc() }
}

fn time(at: Timestamp) -> String {
    frontrow_protocol::Timestamp::from_millis(at.as_millis()).to_string()
}

fn in_json(operator: &OperatorRecord) -> Value {
    json!({
        "operator_id": operator.id.0,
        "name": operator.name,
        "role": operator.role,
        "disabled": operator.disabled_at.is_some(),
        "external": operator.external,
        "made_at": time(operator.made_at),
    })
}

fn session_in_json(session: &SessionRecord) -> Value {
    json!({
        "session_id": session.id,
        "operator_id": session.operator.id.0,
        "name": session.operator.name,
        "way": session.way,
        "made_at": time(session.made_at),
        "seen_at": time(session.seen_at),
        "expires_at": time(session.expires_at),
        "from": session.from,
        "device": session.device,
    })
}

fn print_lines(lines: impl Iterator<Item = Value>) -> anyhow::Result<()> {
    print_text(&lines.map(|line| format!("{line}\n")).collect::<String>())
}
