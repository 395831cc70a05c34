//! Rows that follow their sale's journal while it runs: what a lane committed is written into the tables behind it, the
//! last states that many batches left in one transaction.
//!
//! What is known to have ended by then is written as it ended, and once: most of what is held in a rush is given back within
//! half a second, and leaves one row. Such a row is ahead of the others. Whoever goes on from the rows passes over what the
//! journal still says of it (`FoldedSale::on`).
//!
//! Always: such a transaction first moves the sale's row in `applied` on from where this writer knows it to be. A claim takes
//! that row, too, so the two wait for each other, and a writer whose sale was taken over changes nothing.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::SqlSafeStr;

use super::columns::{Bind, Cells};
use super::ends::End;
use super::query::{self, Link};
use super::rows::Rows;
use super::{StoreError, WriterId, segments};
use crate::domain::event::Event;
use crate::domain::ids::ConcertId;

/// Some rows of a sale's journal, without a hole, whose events the tables do not have.
#[derive(Clone, Debug)]
pub struct Following {
    pub concert: ConcertId,
    /// The writer that added them.
    pub writer: WriterId,
    /// The last row that the tables have.
    pub from: u64,
    /// The last row of these.
    pub to: u64,
    /// The events of each of them, in their order.
    pub events: Vec<Arc<Vec<Event>>>,
    /// Is each of these events passed over, in their order? Its hold or place in line is written as it ended: by `ends`, or before
    /// these rows. Empty: none is.
    pub passed: Vec<bool>,
    /// How holds and places end of which these rows tell, as rows behind `to` say: of holds only such as are opened here, and are
    /// given back, run out or are paid with the seats that they were opened with.
    pub ends: Vec<End>,
}

impl Following {
    /// The rows that they leave.
    pub fn rows(&self) -> Rows<'_> {
        let events = self.events.iter().flat_map(|events| events.iter());
        let passed = self.passed.iter().copied().chain(std::iter::repeat(false));
        let left = events.zip(passed).filter(|(_, is_passed)| !is_passed).map(|(event, _)| event);
        Rows::behind(self.concert, left, self.ends.iter().map(End::event))
    }

    fn has_guests(&self) -> bool {
        let is_guests = |event: &Event| match event {
            Event::SeatsHeld { reservation, .. } | Event::SeatsReleased { reservation, .. } => {
                reservation.guest_of.is_some()
            }
            _ => false,
        };
        self.events.iter().flat_map(|events| events.iter()).any(is_guests)
    }
}

/// The connection that writes what follows, beside a lane's own.
#[async_trait]
pub trait TableWriter: Send {
    /// Writes what these rows of the journal say, if the tables are where `from` says, and gives the last row that they have
    /// then: after an error of which nobody knows whether it was written, the same may be asked again. `Claimed`: another
    /// writer has the sale.
    async fn follow(&mut self, rows: &Following) -> Result<u64, StoreError>;
}

/// The step from one row of the journal to another.
pub const MOVE: &str = "UPDATE applied SET seq = ? WHERE concert_id = ? AND seq = ? AND writer = ?";
/// An address of a guest is kept no longer than its reservation's row has it.
const FORGET_GUESTS: &str = "UPDATE journal SET guests = NULL WHERE concert_id = ? AND seq > ? AND seq <= ?";

/// Every text above, for a test of their plans.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[MOVE, FORGET_GUESTS];

/// Takes the step from row `from` to row `to`. `false`: the tables are somewhere else, or another writer's.
pub async fn step<L: Link>(
    link: &mut L,
    concert: ConcertId,
    writer: WriterId,
    (from, to): (u64, u64),
) -> Result<bool, StoreError> {
    let moved = query::run(link, MOVE, |values| {
        values.id(to);
        values.id(concert.0.into());
        values.id(from);
        values.uuid(Some(writer.0));
    });
    Ok(moved.await?.rows == 1)
}

/// The addresses of guests beside these rows are where they belong.
pub async fn forget_guests<L: Link>(
    link: &mut L,
    concert: ConcertId,
    (from, to): (u64, u64),
) -> Result<(), StoreError> {
    let forgotten = query::run(link, FORGET_GUESTS, |values| {
        values.id(concert.0.into());
        values.id(from);
        values.id(to);
    });
    forgotten.await.map(drop)
}

/// The segment for so many rows of a sale that are written now, within the transaction that writes them.
pub async fn segment_for<L: Link>(link: &mut L, concert: ConcertId, rows: usize) -> Result<u64, StoreError> {
    if rows == 0 {
        return Ok(0);
    }
    query::run(link, segments::COUNT, |to| {
        to.id(rows as u64);
        to.id(concert.0.into());
    })
    .await?;
    let rows = link.all(segments::SEGMENT.into_sql_str(), query::numbers(&[concert.0.into()])).await?;
    let lacks = || StoreError::broken(format!("sale {concert} is written, and nobody knows how far"));
    rows.first().ok_or_else(lacks)?.number("segment")
}

/// The first statement of a transaction that follows. `None`: it may go on. Else the row that the tables have already, and
/// there is nothing to write.
pub async fn begin<L: Link>(link: &mut L, rows: &Following) -> Result<Option<u64>, StoreError> {
    let Following { concert, writer, from, to, .. } = *rows;
    if step(link, concert, writer, (from, to)).await? {
        return Ok(None);
    }
    match query::applied(link, concert).await? {
        Some((at, holder)) if holder == writer && at > from => Ok(Some(at)),
        other => {
            let holder = other.map(|(_, holder)| holder);
            Err(StoreError::Claimed { concert, holder })
        }
    }
}

/// The last statement of one, before its COMMIT.
pub async fn end<L: Link>(link: &mut L, rows: &Following) -> Result<(), StoreError> {
    match rows.has_guests() {
        true => forget_guests(link, rows.concert, (rows.from, rows.to)).await,
        false => Ok(()),
    }
}
