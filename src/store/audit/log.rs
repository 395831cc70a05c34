//! What operators did with a sale, by its journal and by the log: both tell of the same events, and say the same of each.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Findings, sale_name};
use crate::domain::actor::{Actor, Who};
use crate::domain::concert::TextsPatch;
use crate::domain::event::{By, HouseSeats, PriceChange, RefundWhy};
use crate::domain::ids::{ConcertId, OperatorId, ReservationId, ScheduleId, SeatId, UserId};
use crate::domain::record::ScheduleState;
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::store::columns::Cells;
use crate::store::journal::{self, Entry, SeatsChange};
use crate::store::{StoreError, words};

/// A row of the journal, and the event's place there.
pub type Place = (u64, u32);

/// A line of the log about a sale.
#[derive(Debug, PartialEq)]
pub struct Line {
    /// UTC.
    at: Timestamp,
    by: Actor,
    what: String,
    subject: Option<String>,
    was: Option<Value>,
    became: Option<Value>,
    reason: Option<String>,
}

/// The lines that the journal asks for and the log has not given yet.
#[derive(Default)]
pub struct Told {
    expected: BTreeMap<Place, Line>,
}

impl Told {
    /// Takes in an event; what comes about by itself, or is a fan's doing, has no line.
    pub fn event(&mut self, place: Place, at: Timestamp, entry: &Entry) {
        if let Some(line) = line_of(at, entry) {
            self.expected.insert(place, line);
        }
    }

    /// Takes in a line of the log, and says what is wrong with it.
    pub fn line(&mut self, id: u64, place: Place, line: &Line) -> Option<String> {
        let (seq, nr) = place;
        let Some(expected) = self.expected.remove(&place) else {
            return Some(format!(
                "line {id} of the log is about event {nr} of journal row {seq}, which no operator made"
            ));
        };
        let columns = [
            ("at", line.at == expected.at),
            ("who", line.by == expected.by),
            ("what", line.what == expected.what),
            ("subject", line.subject == expected.subject),
            ("was", line.was == expected.was),
            ("became", line.became == expected.became),
            ("reason", line.reason == expected.reason),
        ];
        let other: Vec<_> = columns.iter().filter(|(_, same)| !same).map(|(name, _)| *name).collect();
        let other = (!other.is_empty()).then(|| other.join(", "))?;
        Some(format!("line {id} of the log is not as event {nr} of journal row {seq}: {other}"))
    }

    /// Names the events of which the log says nothing. `since`: servers of before wrote no log.
    pub fn conclude(&self, concert: ConcertId, since: Option<Timestamp>, findings: &mut Findings) {
        for ((seq, nr), line) in &self.expected {
            findings.check(since.is_none_or(|since| line.at < since), || {
                let (sale, what) = (sale_name(concert), &line.what);
                let who = match line.by.who {
                    Who::Operator(operator) => format!("operator {operator}"),
                    Who::User(user) => format!("user {user}"),
                    Who::Unnamed => "an operator without a name".to_owned(),
                };
                format!(
                    "{sale}: event {nr} of journal row {seq}, a `{what}` by {who}, is not in the operators' log"
                )
            });
        }
    }
}

/// Reads a line with its number and the event that it is about.
pub fn read(row: &impl Cells) -> Result<(u64, Place, Line), StoreError> {
    let id = |column: &str| {
        let id = row.opt_int(column)?;
        let read = id.map(u64::try_from).transpose();
        read.map_err(|_| StoreError::broken(format!("{column} is {}", id.unwrap_or_default())))
    };
    let value = |column: &str| {
        let read = row.opt_text(column)?.map(serde_json::from_str).transpose();
        read.map_err(|error| StoreError::Broken(Box::new(error)))
    };
    let owned = |column: &str| Ok::<_, StoreError>(row.opt_text(column)?.map(str::to_owned));
    let who = match (id("operator_id")?, id("user_id")?) {
        (Some(operator), None) => Who::Operator(OperatorId(operator)),
        (None, Some(user)) => Who::User(UserId(user)),
        (None, None) => Who::Unnamed,
        (Some(_), Some(_)) => return Err(StoreError::broken("it names an operator and a user")),
    };
    let line = Line {
        at: row.time("at")?,
        by: Actor { who, from: owned("came_from")?.map(String::into_boxed_str) },
        what: row.text("what")?.to_owned(),
        subject: owned("subject")?,
        was: value("was")?,
        became: value("became")?,
        reason: owned("reason")?,
    };
    Ok((row.number("log_id")?, (row.number("seq")?, row.number("nr")?), line))
}

/// The line that the log has to have of an event.
fn line_of(at: Timestamp, entry: &Entry) -> Option<Line> {
    let line = |by: &Actor, what: &str, subject: Option<String>, became: Value| Line {
        at,
        by: by.clone(),
        what: what.to_owned(),
        subject,
        was: None,
        became: Some(became),
        reason: None,
    };
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Some(match entry {
        Entry::Set { before, after, by: Some(By::Actor(by)) } => {
            let (was, became) = journal::values_that_differ(before.clone(), after.clone());
            Line { was: Some(was), ..line(by, "set", None, became) }
        }
        Entry::Restrict(of) => house("keep", of, line)?,
        Entry::Unrestrict(of) => house("open", of, line)?,
        Entry::Describe { before, after, by } => {
            Line { was: Some(texts(before)), ..line(by, "describe", None, texts(after)) }
        }
        Entry::Price { schedule, changed, by } => {
            let was = Some(prices(changed, |of| of.before));
            Line { was, ..line(by, "price", performance(*schedule), prices(changed, |of| of.after)) }
        }
        Entry::Perform(of) => {
            let mut became = prices(&of.prices, |of| of.after);
            became["starts_at"] = json!(of.starts_at.as_millis());
            line(&of.by, "perform", performance(of.schedule), became)
        }
        Entry::Postpone(of) => {
            let start = |at: Timestamp| json!({"starts_at": at.as_millis()});
            let (was, reason) = (Some(start(of.before)), owned(of.reason.as_deref()));
            Line { was, reason, ..line(&of.by, "postpone", performance(of.schedule), start(of.after)) }
        }
        Entry::CallOff(of) => {
            let became = json!({"state": words::schedule_state(ScheduleState::CalledOff)});
            let reason = owned(Some(&of.reason));
            Line { reason, ..line(&of.by, "calloff", performance(of.schedule), became) }
        }
        Entry::Repair { row, events, reason, by } => Line {
            was: Some(journal::repaired_events(*row, events)),
            became: None,
            reason: Some(reason.clone()),
            ..line(by, "repair", Some(journal::repaired_row(*row)), Value::Null)
        },
        Entry::Archive { late, by } => {
            line(by, "archive", None, json!({"archived_at": at.as_millis() - late}))
        }
        Entry::Seats(of) => match &of.change {
            SeatsChange::Refund { amount, why: RefundWhy::Operator { reason, by }, is_all, .. } => {
                let mut became = json!({"refunded": amount});
                if !is_all {
                    became["seats"] = json!(journal::ranges(&of.seats));
                }
                let reason = owned(Some(reason));
                Line { reason, ..line(by, "refund", order(of.reservation), became) }
            }
            SeatsChange::Sell { prices, source, note, by, .. } => {
                let (source, amount) = (words::payment_source(*source), prices.iter().sum::<Money>());
                let seats = journal::ranges(&of.seats);
                let became = json!({"source": source, "amount": amount, "seats": seats});
                let reason = owned(note.as_deref());
                Line { reason, ..line(by, "sell", order(of.reservation), became) }
            }
            SeatsChange::Move { note, by, .. } => {
                let [from, to] = of.seats[..] else { return None };
                let seat = |seat: SeatId| json!({"seat": seat.0});
                let (was, reason) = (Some(seat(from)), owned(note.as_deref()));
                Line { was, reason, ..line(by, "move", order(of.reservation), seat(to)) }
            }
            _ => return None,
        },
        _ => return None,
    })
}

fn house(
    what: &str,
    of: &HouseSeats,
    line: impl Fn(&Actor, &str, Option<String>, Value) -> Line,
) -> Option<Line> {
    let became = json!({"seats": journal::ranges(&of.seats)});
    let line = line(of.by.as_ref()?, what, performance(of.schedule), became);
    Some(Line { reason: of.note.as_deref().map(str::to_owned), ..line })
}

fn performance(schedule: ScheduleId) -> Option<String> {
    Some(format!("performance {schedule}"))
}

fn order(reservation: ReservationId) -> Option<String> {
    Some(format!("order {reservation}"))
}

fn prices(changed: &[PriceChange], price: impl Fn(&PriceChange) -> Money) -> Value {
    let prices: BTreeMap<_, _> = changed.iter().map(|of| (&*of.name, price(of))).collect();
    json!({"prices": prices})
}

/// The texts that changed; what a page says is not shown as a text, but as what that means.
fn texts(of: &TextsPatch) -> Value {
    let mut told = json!({});
    if let Some(title) = &of.title {
        told["title"] = json!(title);
    }
    if let Some(about) = &of.about {
        let read = about.as_deref().and_then(|text| serde_json::from_str(text).ok());
        told["about"] = read.unwrap_or_else(|| json!(about));
    }
    told
}
