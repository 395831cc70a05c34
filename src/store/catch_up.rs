//! Rows that are behind their sale's journal are brought up to date: what the journal says since is folded onto them.
//! A release that writes them after the journal leaves them so when it is killed; a sale that has no row in `applied`
//! has all that its journal says.
//!
//! Always: each transaction first moves the sale's row in `applied` on from where it was, as the writer that claimed the
//! sale. So a step is taken once, whoever was at it before, and a run that was broken off goes on where it was.

use async_trait::async_trait;

use super::backend::{Backend, again, begin, commit};
use super::columns::Bind;
use super::fold::{FoldedSale, Touched};
use super::journal::Entry;
use super::query;
use super::{JournalRow, StoreError, WriterId};
use crate::domain::ids::ConcertId;

/// Bringing a sale's rows up to date with its journal.
#[async_trait]
pub trait CatchUp: Send + Sync + 'static {
    /// Writes what the journal says of places in line, seats and reservations since they were written last, in transactions of
    /// some `events_max` events each. Gives the number of the journal's rows that there were. Only after `claim`, and before
    /// anything is read of the sale or written to it.
    async fn catch_up(
        &self,
        concert: ConcertId,
        writer: WriterId,
        events_max: usize,
    ) -> Result<u64, StoreError>;
}

/// The journal's rows that are read at a time; a transaction takes as many of them as its events allow.
const PAGE_ROWS: u32 = 64;

/// A claim goes before whoever was at the rows, and waits for what they have under way.
pub const TAKE: &str = "UPDATE applied SET writer = ? WHERE concert_id = ?";
const MOVE: &str = "UPDATE applied SET seq = ? WHERE concert_id = ? AND seq = ? AND writer = ?";
const END: &str = "DELETE FROM applied WHERE concert_id = ? AND seq = ? AND writer = ?";

/// Every text above, for a test of their plans.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[TAKE, MOVE, END];

#[async_trait]
impl<B: Backend> CatchUp for B {
    async fn catch_up(
        &self,
        concert: ConcertId,
        writer: WriterId,
        events_max: usize,
    ) -> Result<u64, StoreError> {
        let behind = query::applied(&mut *self.reader().await?, concert).await?;
        let Some((first, holder)) = behind else { return Ok(0) };
        if holder != writer {
            return Err(is_others(concert, Some(holder)));
        }
        let ahead = ahead(self, concert, first).await?;
        let mut at = first;
        loop {
            let page = query::journal(&mut *self.reader().await?, concert, at + 1, PAGE_ROWS).await?;
            let mut events = 0;
            let fits = |row: &&JournalRow| {
                let is_first = events == 0;
                events += row.events.len();
                is_first || events <= events_max
            };
            let rows: Vec<_> = page.iter().take_while(fits).collect();
            let (Some(next), Some(last)) = (rows.first(), rows.last().map(|row| row.seq)) else { break };
            if next.seq != at + 1 {
                return Err(StoreError::broken(format!(
                    "the journal of sale {concert} lacks row {}",
                    at + 1
                )));
            }
            again(|| step(self, concert, writer, (at, &ahead), &rows)).await?;
            at = last;
        }
        // Nobody adds a row meanwhile: the sale is this writer's, and not in memory yet.
        again(|| end(self, concert, writer, at)).await?;
        tracing::info!(
            concert.id = concert.0,
            rows = at - first,
            "a sale's rows were behind its journal, and are up to date"
        );
        Ok(at - first)
    }
}

/// Somebody else claimed the sale meanwhile.
fn is_others(concert: ConcertId, holder: Option<WriterId>) -> StoreError {
    StoreError::Claimed { concert, holder, heartbeat: None }
}

/// What the journal says of performances from some row on, and where. Their rows were written together with it, and so are ahead of
/// the others until the last step; operators are few, and so are these.
async fn ahead<B: Backend>(
    store: &B,
    concert: ConcertId,
    first: u64,
) -> Result<Vec<(u64, Entry)>, StoreError> {
    let (mut at, mut ahead) = (first, Vec::new());
    loop {
        let page = query::journal(&mut *store.reader().await?, concert, at + 1, PAGE_ROWS).await?;
        let Some(last) = page.last().map(|row| row.seq) else { return Ok(ahead) };
        for JournalRow { seq, events, .. } in page {
            let of_performance = events.into_iter().filter(is_of_performance);
            ahead.extend(of_performance.map(|entry| (seq, entry)));
        }
        at = last;
    }
}

fn is_of_performance(entry: &Entry) -> bool {
    matches!(entry, Entry::Perform(_) | Entry::Price { .. } | Entry::Postpone(_) | Entry::CallOff(_))
}

/// Folds these rows of the journal onto the sale's rows, which are as of `at`.
async fn step<B: Backend>(
    store: &B,
    concert: ConcertId,
    writer: WriterId,
    (at, ahead): (u64, &[(u64, Entry)]),
    rows: &[&JournalRow],
) -> Result<(), StoreError> {
    let mut held = store.hold().await?;
    let mut change = begin::<B>(&mut held).await?;
    let last = rows.last().map_or(at, |row| row.seq);
    let moved = query::run(&mut *change, MOVE, |to| {
        to.id(last);
        to.id(concert.0.into());
        to.id(at);
        to.uuid(Some(writer.0));
    });
    if moved.await?.rows != 1 {
        return Err(is_others(concert, None));
    }
    let touched = Touched::by(rows.iter().flat_map(|row| &row.events));
    let base = query::base_of(&mut *change, concert, &touched).await?;
    let ahead = ahead.iter().filter(|(seq, _)| *seq > at).map(|(_, entry)| entry);
    let mut sale = FoldedSale::on(base.before(ahead));
    for row in rows {
        for entry in &row.events {
            sale.add(row.at, entry).map_err(|why| {
                StoreError::broken(format!("sale {concert}: row {} of its journal: {why}", row.seq))
            })?;
        }
    }
    store.write_behind(&mut *change, &sale.rows_of(&touched)).await?;
    commit::<B>(change).await
}

async fn end<B: Backend>(store: &B, concert: ConcertId, writer: WriterId, at: u64) -> Result<(), StoreError> {
    let mut held = store.hold().await?;
    let mut change = begin::<B>(&mut held).await?;
    let ended = query::run(&mut *change, END, |to| {
        to.id(concert.0.into());
        to.id(at);
        to.uuid(Some(writer.0));
    });
    if ended.await?.rows != 1 {
        return Err(is_others(concert, None));
    }
    commit::<B>(change).await
}
