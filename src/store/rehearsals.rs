//! Rehearsals: hidden copies of sales, with users of their own, which are taken away without a trace when they are over.
//!
//! Always: rows go a few at a time, so that others have their turn, and in an order in which a server that is killed in the
//! middle leaves a rehearsal that the next one finds. What is no rehearsal, or is not over, loses no row. Not here: who plays
//! it, and what they do.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::SqlSafeStr;

use super::backend::{Backend, again, begin, commit};
use super::columns::{Bind, Cells, new_seats};
use super::operators::{Note, add_log};
use super::query::{self, Link, numbers};
use super::setup::{self, add_seats};
use super::{NewConcert, StoreError};
use crate::domain::ids::{ConcertId, ScheduleId, UserId};
use crate::domain::time::Timestamp;

/// Seats that are written in one transaction: a few milliseconds in which an embedded database commits no batch.
const SEATS_PER_TRANSACTION: usize = 1_000;
/// Users that are made, or taken away with their ledgers, in one transaction.
const USERS_PER_TRANSACTION: u32 = 100;
/// The least pause between two transactions. Others have their turn for as long as one took, and no less than this.
const PAUSE_MIN: Duration = Duration::from_millis(5);

/// A rehearsal that the store has rows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredRehearsal {
    pub concert: ConcertId,
    /// The concert that it is a copy of.
    pub of: ConcertId,
    /// It is being taken away, or made: whoever finds it later takes it away.
    pub is_over: bool,
}

/// How far a rehearsal is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleared {
    /// There is more to be taken away.
    Some,
    All,
}

/// How a rehearsal ended.
pub struct Outcome<'a> {
    pub began_at: Timestamp,
    /// What the log says.
    pub in_short: &'a Value,
    /// JSON: how it was played, and what it found.
    pub body: &'a str,
}

/// What is kept of rehearsals.
#[async_trait]
pub trait Rehearsals: Send + Sync {
    /// Stores a hidden copy, which nobody runs by themselves. What was stored stays, if it fails in the middle, and is taken for
    /// one that is over.
    async fn add_rehearsal(
        &self,
        of: ConcertId,
        copy: &NewConcert,
        note: &Note,
    ) -> Result<(ConcertId, Vec<ScheduleId>), StoreError>;

    /// Makes the users who play it, with empty wallets.
    async fn add_buyers(
        &self,
        rehearsal: ConcertId,
        count: u32,
        at: Timestamp,
    ) -> Result<Vec<UserId>, StoreError>;

    /// All of it is there: it is not over from now on.
    async fn begin_rehearsal(&self, rehearsal: ConcertId) -> Result<(), StoreError>;

    /// Every one that there are rows of, in ascending order.
    async fn rehearsals(&self) -> Result<Vec<StoredRehearsal>, StoreError>;

    /// The rehearsal is over: what is of it may be taken away from now on. With a note: an operator ended it.
    async fn end_rehearsal(
        &self,
        rehearsal: StoredRehearsal,
        now: Timestamp,
        note: Option<&Note>,
    ) -> Result<(), StoreError>;

    /// Writes down how a rehearsal of this concert ended, in the log, and what it found in the place of what the one before did.
    /// It is all that is kept of it.
    async fn note_outcome(&self, of: ConcertId, note: &Note, outcome: &Outcome<'_>)
    -> Result<(), StoreError>;

    /// What the last rehearsal of this concert found, as it was written.
    async fn last_rehearsal(&self, of: ConcertId) -> Result<Option<String>, StoreError>;

    /// Takes away some rows of a rehearsal that is over, at most `rows_max` but for a user's ledger, which goes whole.
    async fn clear_rehearsal(&self, rehearsal: ConcertId, rows_max: u32) -> Result<Cleared, StoreError>;
}

/// The issuer that vouches for the users of a rehearsal, which is no issuer's name: they are found by it.
pub fn issuer_of(rehearsal: ConcertId) -> String {
    format!("{ISSUER_PREFIX}{rehearsal}")
}

/// The rehearsal whose users this issuer vouches for.
pub fn rehearsal_of(issuer: &str) -> Option<ConcertId> {
    issuer.strip_prefix(ISSUER_PREFIX)?.parse().ok().map(ConcertId)
}

/// What the log calls the beginning of one.
pub const BEGAN: &str = "rehearsal.begin";
/// And that it was played to some end, whichever.
pub const OVER: &str = "rehearsal.over";

const ISSUER_PREFIX: &str = "frontrow:rehearsal:";

/// It is taken for one that is over until all of it is there.
const MARK: &str = "UPDATE concert SET rehearsal_of = ?, archived_at = ? WHERE concert_id = ?";
const BEGIN: &str = "UPDATE concert SET archived_at = NULL WHERE concert_id = ? AND rehearsal_of IS NOT NULL";
const BUYER: &str = "INSERT INTO users (name, issuer, subject, created_at) VALUES (?, ?, ?, ?)";
const REHEARSALS: &str = "SELECT concert_id, rehearsal_of, archived_at FROM concert c \
     WHERE rehearsal_of IS NOT NULL ORDER BY concert_id";
const END: &str = "UPDATE concert SET archived_at = ? \
     WHERE concert_id = ? AND rehearsal_of IS NOT NULL AND archived_at IS NULL";
const IS_OVER: &str = "SELECT 1 FROM concert \
     WHERE concert_id = ? AND rehearsal_of IS NOT NULL AND archived_at IS NOT NULL";
/// Rehearsals of a concert are written one after the other, as there is one at a time.
const FORGET: &str = "DELETE FROM rehearsal WHERE concert_id = ?";
const FOUND: &str = "INSERT INTO rehearsal (concert_id, began_at, body) VALUES (?, ?, ?)";
const LAST: &str = "SELECT body FROM rehearsal WHERE concert_id = ?";
const BUYERS: &str = "SELECT user_id FROM users WHERE issuer = ? ORDER BY subject LIMIT ?";
const CLEAR_LEDGER: &str = "DELETE FROM payment_history WHERE user_id = ?";
const CLEAR_BUYER: &str = "DELETE FROM users WHERE user_id = ?";
/// From then on nothing follows its journal any more: what is under way comes first, and is taken away with the rest.
const UNFOLLOW: &str = "DELETE FROM applied WHERE concert_id = ?";
/// What is left when all else is gone, of which there is little. The concert goes last: by it the rest is found.
const CLEAR_REST: [&str; 3] = [
    "DELETE FROM concert_schedule WHERE concert_id = ?",
    "DELETE FROM venue_layout WHERE concert_id = ?",
    "DELETE FROM concert WHERE concert_id = ? AND rehearsal_of IS NOT NULL",
];

/// Every text above that finds rows by a key, for a test of their plans.
#[cfg(test)]
pub const QUESTIONS: &[&str] =
    &[MARK, BEGIN, REHEARSALS, END, IS_OVER, FORGET, LAST, BUYERS, CLEAR_BUYER, UNFOLLOW];

/// Deletes rows of a concert from each table that a sale writes many rows to (concert, how many at most).
macro_rules! clear_rows {
    ($clear:ident) => {
        &[
            $clear!("ticket", "ticket_id"),
            $clear!("payment", "payment_id"),
            $clear!("reservation_seat", "reservation_id, seat"),
            $clear!("reservation", "reservation_id"),
            $clear!("queue", "entry_no"),
            $clear!("concert_seat", "schedule_id, seat"),
            $clear!("sale_figures", "at"),
            $clear!("operator_log", "log_id"),
            $clear!("journal", "seq"),
        ]
    };
}
pub(super) use clear_rows;

#[async_trait]
impl<B: Backend> Rehearsals for B {
    async fn add_rehearsal(
        &self,
        of: ConcertId,
        copy: &NewConcert,
        note: &Note,
    ) -> Result<(ConcertId, Vec<ScheduleId>), StoreError> {
        let add = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let Some((concert, schedules)) = setup::add_without_seats(&mut *change, copy, None).await? else {
                return Err(StoreError::broken("a new concert has the id of another one"));
            };
            query::run(&mut *change, MARK, |to| {
                to.id(of.0.into());
                to.time(Some(copy.at));
                to.id(concert.0.into());
            })
            .await?;
            let became = json!({"title": copy.title});
            let subject = subject(of);
            add_log(&mut *change, note, BEGAN, Some(&subject), None, Some(&became)).await?;
            commit::<B>(change).await?;
            Ok((concert, schedules))
        };
        let (concert, schedules) = again(add).await?;
        let seats = new_seats(&copy.layout, &copy.restricted);
        for schedule in &schedules {
            for some in seats.chunks(SEATS_PER_TRANSACTION) {
                let began = tokio::time::Instant::now();
                let add = || async {
                    let mut held = self.hold().await?;
                    let mut change = begin::<B>(&mut held).await?;
                    add_seats(&mut *change, concert, *schedule, some).await?;
                    commit::<B>(change).await
                };
                again(add).await?;
                tokio::time::sleep(began.elapsed().max(PAUSE_MIN)).await;
            }
        }
        Ok((concert, schedules))
    }

    async fn add_buyers(
        &self,
        rehearsal: ConcertId,
        count: u32,
        at: Timestamp,
    ) -> Result<Vec<UserId>, StoreError> {
        let (issuer, mut made) = (issuer_of(rehearsal), Vec::with_capacity(count as usize));
        while made.len() < count as usize {
            let began = tokio::time::Instant::now();
            let first = made.len() as u32;
            let some = first..count.min(first + USERS_PER_TRANSACTION);
            let add = || async {
                let mut added = Vec::with_capacity(some.len());
                let mut held = self.hold().await?;
                let mut change = begin::<B>(&mut held).await?;
                for number in some.clone() {
                    let new = query::run(&mut *change, BUYER, |to| {
                        to.text(Some(&format!("Rehearsal {}", number + 1)));
                        to.text(Some(&issuer));
                        to.text(Some(&format!("{number:09}")));
                        to.time(Some(at));
                    });
                    added.push(UserId(new.await?.last_id));
                }
                commit::<B>(change).await?;
                Ok(added)
            };
            made.append(&mut again(add).await?);
            tokio::time::sleep(began.elapsed().max(PAUSE_MIN)).await;
        }
        Ok(made)
    }

    async fn begin_rehearsal(&self, rehearsal: ConcertId) -> Result<(), StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            query::run(&mut *change, BEGIN, |to| to.id(rehearsal.0.into())).await?;
            commit::<B>(change).await
        };
        again(make).await
    }

    async fn rehearsals(&self) -> Result<Vec<StoredRehearsal>, StoreError> {
        let rows = self.reader().await?.all(REHEARSALS.into_sql_str(), numbers(&[])).await?;
        let read = |row: &<B::Link as Link>::Row| {
            Ok(StoredRehearsal {
                concert: ConcertId(row.number("concert_id")?),
                of: ConcertId(row.number("rehearsal_of")?),
                is_over: row.opt_time("archived_at")?.is_some(),
            })
        };
        rows.iter().map(read).collect()
    }

    async fn end_rehearsal(
        &self,
        rehearsal: StoredRehearsal,
        now: Timestamp,
        note: Option<&Note>,
    ) -> Result<(), StoreError> {
        let end = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let ended = query::run(&mut *change, END, |to| {
                to.time(Some(now));
                to.id(rehearsal.concert.0.into());
            });
            let is_news = ended.await?.rows > 0;
            if let Some(note) = note.filter(|_| is_news) {
                let subject = subject(rehearsal.of);
                add_log(&mut *change, note, "rehearsal.end", Some(&subject), None, None).await?;
            }
            commit::<B>(change).await
        };
        again(end).await
    }

    async fn note_outcome(
        &self,
        of: ConcertId,
        note: &Note,
        outcome: &Outcome<'_>,
    ) -> Result<(), StoreError> {
        let tell = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            add_log(&mut *change, note, OVER, Some(&subject(of)), None, Some(outcome.in_short)).await?;
            query::run(&mut *change, FORGET, |to| to.id(of.0.into())).await?;
            query::run(&mut *change, FOUND, |to| {
                to.id(of.0.into());
                to.time(Some(outcome.began_at));
                to.text(Some(outcome.body));
            })
            .await?;
            commit::<B>(change).await
        };
        again(tell).await
    }

    async fn last_rehearsal(&self, of: ConcertId) -> Result<Option<String>, StoreError> {
        let row = query::one(&mut *self.reader().await?, LAST, numbers(&[of.0.into()])).await?;
        row.map(|row| row.text("body").map(str::to_owned)).transpose()
    }

    async fn clear_rehearsal(&self, rehearsal: ConcertId, rows_max: u32) -> Result<Cleared, StoreError> {
        let clear = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let cleared = clear(&mut *change, rehearsal, rows_max).await?;
            commit::<B>(change).await?;
            Ok(cleared)
        };
        again(clear).await
    }
}

/// What a line of the log calls the concert that is rehearsed.
pub fn subject(of: ConcertId) -> String {
    format!("concert {of}")
}

async fn clear<L: Link>(link: &mut L, rehearsal: ConcertId, rows_max: u32) -> Result<Cleared, StoreError> {
    let of = u64::from(rehearsal.0);
    if query::one(link, IS_OVER, numbers(&[of])).await?.is_none() {
        return Ok(Cleared::All);
    }
    query::run(link, UNFOLLOW, |to| to.id(of)).await?;
    // Wallets go first: what is left of a sale whose payments are in no ledger is nobody's money.
    let mut values = L::Values::default();
    values.text(Some(&issuer_of(rehearsal)));
    values.id(rows_max.min(USERS_PER_TRANSACTION).into());
    let users = link.all(BUYERS.into_sql_str(), values).await?;
    for row in &users {
        let user = row.number("user_id")?;
        for sql in [CLEAR_LEDGER, CLEAR_BUYER] {
            query::run(link, sql, |to| to.id(user)).await?;
        }
    }
    if !users.is_empty() {
        return Ok(Cleared::Some);
    }
    let mut left = u64::from(rows_max);
    for sql in L::DIALECT.clear_rows {
        if left == 0 {
            return Ok(Cleared::Some);
        }
        let cleared = query::run(link, sql, |to| {
            to.id(of);
            to.id(left);
        });
        left = left.saturating_sub(cleared.await?.rows);
    }
    if left == 0 {
        return Ok(Cleared::Some);
    }
    for sql in CLEAR_REST {
        query::run(link, sql, |to| to.id(of)).await?;
    }
    Ok(Cleared::All)
}
