//! Alarms, and what is sent of them. Raising or ending one and what webhooks are sent of it are one transaction, so that a
//! server that is killed has forgotten nothing of it.
//!
//! Always: of one kind and subject at most one goes on, whichever servers raise it. Not here: when something is wrong.

use async_trait::async_trait;
use sqlx::SqlSafeStr;

use super::StoreError;
use super::backend::{Backend, again, begin, commit};
use super::columns::{Bind, Cells};
use super::operators::{Note, add_log};
use super::query::{self, Link};
pub use super::webhooks::Message;
use super::webhooks::send_to_all;
use crate::domain::actor::Who;
use crate::domain::ids::OperatorId;
use crate::domain::time::Timestamp;
use crate::limits::ALARMS_OPEN_LISTED_MAX;

/// Characters that a kind and a subject may have, as their columns do.
pub const KIND_CHARS_MAX: usize = 32;
pub const SUBJECT_CHARS_MAX: usize = 100;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAlarm {
    pub kind: String,
    pub subject: String,
    /// UTC.
    pub at: Timestamp,
    /// JSON.
    pub facts: String,
}

/// A row of the alarms. Times are UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmRow {
    pub id: u64,
    pub kind: String,
    pub subject: String,
    pub raised_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// JSON.
    pub facts: String,
    /// Who saw it first, and their name; no id: an operator without a name.
    pub seen_by: Option<(Option<OperatorId>, Option<String>)>,
}

#[async_trait]
pub trait Alarms: Send + Sync {
    /// `false`: one of this kind and subject goes on already, and nothing was done.
    async fn raise_alarm(&self, new: &NewAlarm, message: &Message) -> Result<bool, StoreError>;

    /// `false`: none of this kind and subject goes on, and nothing was done.
    async fn end_alarm(
        &self,
        kind: &str,
        subject: &str,
        at: Timestamp,
        message: &Message,
    ) -> Result<bool, StoreError>;

    /// An operator ends it. `false`: it was over already, and nothing was done.
    async fn close_alarm(&self, alarm: &AlarmRow, message: &Message, note: &Note)
    -> Result<bool, StoreError>;

    async fn alarm(&self, alarm: u64) -> Result<Option<AlarmRow>, StoreError>;

    /// Oldest first.
    async fn open_alarms(&self) -> Result<Vec<AlarmRow>, StoreError>;

    /// Those that are over and have a lower id, newest first.
    async fn past_alarms(&self, before: Option<u64>, limit: u32) -> Result<Vec<AlarmRow>, StoreError>;

    /// Somebody saw it; who saw it first stays. `None`: there is no such alarm.
    async fn see_alarm(&self, alarm: u64, note: &Note) -> Result<Option<AlarmRow>, StoreError>;

    /// Deletes those that were over before this.
    async fn forget_alarms(&self, before: Timestamp) -> Result<(), StoreError>;
}

const RAISE: &str = "INSERT INTO alarms (kind, subject, raised_at, facts, open_as) VALUES (?, ?, ?, ?, ?)";
const END: &str = "UPDATE alarms SET ended_at = ?, open_as = NULL WHERE open_as = ?";
const CLOSE: &str = "UPDATE alarms SET ended_at = ?, open_as = NULL WHERE alarm_id = ? AND ended_at IS NULL";
macro_rules! alarms {
    ($rest:literal) => {
        concat!(
            "SELECT a.alarm_id, a.kind, a.subject, a.raised_at, a.ended_at, a.facts, a.seen_by, o.name \
             FROM alarms a LEFT JOIN operators o ON o.operator_id = a.seen_by WHERE ",
            $rest
        )
    };
}
const OPEN: &str = alarms!("a.open_as > '' ORDER BY a.open_as LIMIT ?");
const PAST: &str = alarms!("a.alarm_id < ? AND a.ended_at IS NOT NULL ORDER BY a.alarm_id DESC LIMIT ?");
const ALARM: &str = alarms!("a.alarm_id = ?");
const SEE: &str = "UPDATE alarms SET seen_by = ? WHERE alarm_id = ? AND seen_by IS NULL";
const FORGET: &str = "DELETE FROM alarms WHERE ended_at < ?";

/// The number that stands for an operator without a name.
const UNNAMED: u64 = 0;

/// Every text above that looks for rows by a key, for a test of their plans. What is forgotten is looked for once an hour.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[END, CLOSE, OPEN, PAST, ALARM, SEE];

/// What the key of those that go on has.
fn open_as(kind: &str, subject: &str) -> String {
    format!("{kind} {subject}")
}

#[async_trait]
impl<B: Backend> Alarms for B {
    async fn raise_alarm(&self, new: &NewAlarm, message: &Message) -> Result<bool, StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let mut values = <B::Link as Link>::Values::default();
            values.text(Some(&new.kind));
            values.text(Some(&new.subject));
            values.time(Some(new.at));
            values.text(Some(&new.facts));
            values.text(Some(&open_as(&new.kind, &new.subject)));
            let raised = change.run_unless_there(RAISE.into_sql_str(), values).await?.is_some();
            if raised {
                send_to_all(&mut *change, message).await?;
            }
            commit::<B>(change).await?;
            Ok(raised)
        };
        again(make).await
    }

    async fn end_alarm(
        &self,
        kind: &str,
        subject: &str,
        at: Timestamp,
        message: &Message,
    ) -> Result<bool, StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let ended = query::run(&mut *change, END, |to| {
                to.time(Some(at));
                to.text(Some(&open_as(kind, subject)));
            });
            let ended = ended.await?.rows > 0;
            if ended {
                send_to_all(&mut *change, message).await?;
            }
            commit::<B>(change).await?;
            Ok(ended)
        };
        again(make).await
    }

    async fn close_alarm(
        &self,
        alarm: &AlarmRow,
        message: &Message,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let closed = query::run(&mut *change, CLOSE, |to| {
                to.time(Some(note.at.max(alarm.raised_at)));
                to.id(alarm.id);
            });
            let closed = closed.await?.rows > 0;
            if closed {
                send_to_all(&mut *change, message).await?;
                add_log(&mut *change, note, "alarm.end", Some(&told(alarm)), None, None).await?;
            }
            commit::<B>(change).await?;
            Ok(closed)
        };
        again(make).await
    }

    async fn alarm(&self, id: u64) -> Result<Option<AlarmRow>, StoreError> {
        let row = query::one(&mut *self.reader().await?, ALARM, query::numbers(&[id])).await?;
        row.as_ref().map(read).transpose()
    }

    async fn open_alarms(&self) -> Result<Vec<AlarmRow>, StoreError> {
        let values = query::numbers(&[ALARMS_OPEN_LISTED_MAX.into()]);
        let rows = self.reader().await?.all(OPEN.into_sql_str(), values).await?;
        let mut open: Vec<_> = rows.iter().map(read).collect::<Result<_, _>>()?;
        open.sort_by_key(|alarm: &AlarmRow| (alarm.raised_at, alarm.id));
        Ok(open)
    }

    async fn past_alarms(&self, before: Option<u64>, limit: u32) -> Result<Vec<AlarmRow>, StoreError> {
        let values = query::numbers(&[before.unwrap_or(i64::MAX as u64), limit.into()]);
        let rows = self.reader().await?.all(PAST.into_sql_str(), values).await?;
        rows.iter().map(read).collect()
    }

    async fn see_alarm(&self, id: u64, note: &Note) -> Result<Option<AlarmRow>, StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let seen = query::run(&mut *change, SEE, |to| {
                to.id(match note.by.who {
                    Who::Operator(operator) => operator.0,
                    Who::User(_) | Who::Unnamed => UNNAMED,
                });
                to.id(id);
            });
            let is_first = seen.await?.rows > 0;
            let row = query::one(&mut *change, ALARM, query::numbers(&[id])).await?;
            let alarm = row.as_ref().map(read).transpose()?;
            if let Some(alarm) = alarm.as_ref().filter(|_| is_first) {
                add_log(&mut *change, note, "alarm.see", Some(&told(alarm)), None, None).await?;
            }
            commit::<B>(change).await?;
            Ok(alarm)
        };
        again(make).await
    }

    async fn forget_alarms(&self, before: Timestamp) -> Result<(), StoreError> {
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        query::run(&mut *change, FORGET, |to| to.time(Some(before))).await?;
        commit::<B>(change).await
    }
}

/// What a line of the operators' log calls it.
fn told(alarm: &AlarmRow) -> String {
    format!("{}, {}", alarm.kind, alarm.subject)
}

fn read(row: &impl Cells) -> Result<AlarmRow, StoreError> {
    let seen_by = row.opt_int("seen_by")?.and_then(|id| u64::try_from(id).ok());
    let name = row.opt_text("name")?.map(str::to_owned);
    Ok(AlarmRow {
        id: row.number("alarm_id")?,
        kind: row.text("kind")?.to_owned(),
        subject: row.text("subject")?.to_owned(),
        raised_at: row.time("raised_at")?,
        ended_at: row.opt_time("ended_at")?,
        facts: row.text("facts")?.to_owned(),
        seen_by: seen_by.map(|id| (Some(OperatorId(id)).filter(|_| id != UNNAMED), name)),
    })
}
