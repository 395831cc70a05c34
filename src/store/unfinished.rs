//! Performances whose making was broken off: their rows, which nobody knows of (`ADDING`), and taking those away.
//!
//! Always: one is given up before a row of it goes, in the column that says why a performance is called off, and from then on
//! nobody goes on with it, nor is it added to a sale; so whoever makes one and whoever takes it away cannot both have their way. Not here:
//! whether somebody is still at it.

use async_trait::async_trait;
use sqlx::SqlSafeStr;

use super::StoreError;
use super::backend::{Backend, again, begin, commit};
use super::columns::{Bind, Cells};
use super::query::{self, Link, numbers};
use super::rehearsals::Cleared;
use super::setup::LAST_SEAT;
use crate::domain::ids::{ConcertId, ScheduleId};
use crate::domain::time::Timestamp;

/// A performance that is being made, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfinishedSchedule {
    pub concert: ConcertId,
    pub schedule: ScheduleId,
    pub starts_at: Timestamp,
    /// The seats that it has by now, counted from the first one on.
    pub seats: u32,
    /// Nobody goes on with it.
    pub is_given_up: bool,
}

/// What is kept of performances that are not whole.
#[async_trait]
pub trait Unfinished: Send + Sync {
    /// Every one that there are rows of.
    async fn unfinished(&self) -> Result<Vec<UnfinishedSchedule>, StoreError>;

    /// Nobody goes on with it from now on. `false`: somebody did, since it was seen, or it is a performance of its sale by now.
    async fn give_up(&self, seen: &UnfinishedSchedule) -> Result<bool, StoreError>;

    /// Takes away some seats of one that was given up, at most `seats_max`, and with the last of them its own row.
    async fn clear_given_up(
        &self,
        concert: ConcertId,
        schedule: ScheduleId,
        seats_max: u32,
    ) -> Result<Cleared, StoreError>;
}

/// What the row of one that was given up says instead of a reason to call it off.
const GIVEN_UP: &str = "GIVEN_UP";

/// The concerts are few, so they are gone through.
const UNFINISHED: &str = "SELECT s.concert_id, s.schedule_id, s.starts_at, s.reason, \
       (SELECT max(seat) FROM concert_seat k \
        WHERE k.concert_id = s.concert_id AND k.schedule_id = s.schedule_id) AS seat \
     FROM concert c CROSS JOIN concert_schedule s \
     WHERE s.concert_id = c.concert_id AND s.state = 'ADDING' ORDER BY s.schedule_id";
const GIVE_UP: &str =
    "UPDATE concert_schedule SET reason = ? WHERE schedule_id = ? AND state = 'ADDING' AND reason IS NULL";
/// Locks the row.
const IS_GIVEN_UP: &str = "UPDATE concert_schedule SET state = 'ADDING' WHERE schedule_id = ? AND state = 'ADDING' AND reason IS NOT NULL";
const CLEAR_SEATS: &str = "DELETE FROM concert_seat WHERE concert_id = ? AND schedule_id = ? AND seat >= ?";
const CLEAR: &str = "DELETE FROM concert_schedule WHERE schedule_id = ? AND state = 'ADDING'";

/// Every text above that finds rows by a key, for a test of their plans.
#[cfg(test)]
pub const QUESTIONS: &[&str] =
    &[UNFINISHED, GIVE_UP, IS_GIVEN_UP, CLEAR_SEATS, CLEAR, super::setup::STILL_ADDING];

#[async_trait]
impl<B: Backend> Unfinished for B {
    async fn unfinished(&self) -> Result<Vec<UnfinishedSchedule>, StoreError> {
        let rows = self.reader().await?.all(UNFINISHED.into_sql_str(), numbers(&[])).await?;
        let read = |row: &<B::Link as Link>::Row| {
            Ok(UnfinishedSchedule {
                concert: ConcertId(row.number("concert_id")?),
                schedule: ScheduleId(row.number("schedule_id")?),
                starts_at: row.time("starts_at")?,
                seats: counted(row)?,
                is_given_up: row.opt_text("reason")?.is_some(),
            })
        };
        rows.iter().map(read).collect()
    }

    async fn give_up(&self, seen: &UnfinishedSchedule) -> Result<bool, StoreError> {
        let give_up = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let link = &mut *change;
            // First the row, which whoever makes it locks as well: what is counted then is all that there is.
            let given_up = query::run(link, GIVE_UP, |to| {
                to.text(Some(GIVEN_UP));
                to.id(seen.schedule.0);
            });
            let is_so =
                given_up.await?.rows == 1 && seats_of(link, seen.concert, seen.schedule).await? == seen.seats;
            if is_so {
                commit::<B>(change).await?;
            }
            Ok(is_so)
        };
        again(give_up).await
    }

    async fn clear_given_up(
        &self,
        concert: ConcertId,
        schedule: ScheduleId,
        seats_max: u32,
    ) -> Result<Cleared, StoreError> {
        let clear = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let link = &mut *change;
            if query::run(link, IS_GIVEN_UP, |to| to.id(schedule.0)).await?.rows == 0 {
                return Ok(Cleared::All);
            }
            let seats = seats_of(link, concert, schedule).await?;
            let left = seats.saturating_sub(seats_max);
            query::run(link, CLEAR_SEATS, |to| {
                to.id(concert.0.into());
                to.id(schedule.0);
                to.id(left.into());
            })
            .await?;
            if left == 0 {
                query::run(link, CLEAR, |to| to.id(schedule.0)).await?;
            }
            commit::<B>(change).await?;
            Ok(if left == 0 { Cleared::All } else { Cleared::Some })
        };
        again(clear).await
    }
}

async fn seats_of<L: Link>(
    link: &mut L,
    concert: ConcertId,
    schedule: ScheduleId,
) -> Result<u32, StoreError> {
    let row = query::one(link, LAST_SEAT, numbers(&[concert.0.into(), schedule.0])).await?;
    row.as_ref().map_or(Ok(0), counted)
}

/// Seats are made and taken away from one end, so the last one's number says how many there are.
fn counted(row: &impl Cells) -> Result<u32, StoreError> {
    let last = row.opt_int("seat")?;
    let seats = last.map_or(Ok(0), |last| u32::try_from(last + 1));
    seats.map_err(|error| StoreError::Broken(error.into()))
}
