//! Rows that are behind their sale's journal are brought up to date: what the journal says since is folded onto them. They
//! are behind after a server was killed, as they follow the journal (`table_writer`).
//!
//! Always: each transaction first moves the sale's row in `applied` on from where it was, as the writer that claimed the
//! sale. So a step is taken once, whoever was at it before, and a run that was broken off goes on where it was.

use async_trait::async_trait;
use sqlx::SqlSafeStr;

use super::backend::{Backend, again, begin, commit};
use super::columns::{Bind, Cells};
use super::fold::{FoldedSale, Touched};
use super::journal::Entry;
use super::query::{self, Link};
use super::{JournalRow, StoreError, WriterId, table_writer};
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
const TAKE: &str = "UPDATE applied SET writer = ? WHERE concert_id = ?";
const BEGIN: &str = "INSERT INTO applied (concert_id, seq, writer) VALUES (?, ?, ?)";
const LAST_TWO: &str = "SELECT seq, form FROM journal WHERE concert_id = ? ORDER BY seq DESC LIMIT 2";

/// Every text above, for a test of their plans.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[TAKE, LAST_TWO];

/// Takes a sale's rows for whoever claims it, before the journal: from now on nobody else follows it.
pub async fn take<L: Link>(link: &mut L, concert: ConcertId, writer: WriterId) -> Result<(), StoreError> {
    let taken = query::run(link, TAKE, |to| {
        to.uuid(Some(writer.0));
        to.id(concert.0.into());
    });
    taken.await.map(drop)
}

/// Follows the row that a claim has just added to the journal. The rows of a sale that nobody claimed yet have all of it, and
/// so do those of one whose last writer was an older server, which wrote them together with it.
pub async fn begin_at<L: Link>(link: &mut L, concert: ConcertId, writer: WriterId) -> Result<(), StoreError> {
    let rows = link.all(LAST_TWO.into_sql_str(), query::numbers(&[concert.0.into()])).await?;
    let lacks = || StoreError::broken(format!("sale {concert} has no journal"));
    let claim: u64 = rows.first().ok_or_else(lacks)?.number("seq")?;
    let before = rows.get(1).map(|row| Ok::<_, StoreError>((row.number::<u64>("seq")?, row.int("form")?)));
    let (before, form) = before.transpose()?.unwrap_or((claim, 0));
    let applied = query::applied(link, concert).await?.map(|(at, _)| at);
    match applied {
        None => {
            let begun = query::run(link, BEGIN, |to| {
                to.id(concert.0.into());
                to.id(claim);
                to.uuid(Some(writer.0));
            });
            begun.await.map(drop)
        }
        Some(at) if at == before || form == 0 => {
            table_writer::step(link, concert, writer, (at, claim)).await.map(drop)
        }
        // The rest is caught up with in transactions of its own.
        Some(_) => Ok(()),
    }
}

#[async_trait]
impl<B: Backend> CatchUp for B {
    async fn catch_up(
        &self,
        concert: ConcertId,
        writer: WriterId,
        events_max: usize,
    ) -> Result<u64, StoreError> {
        let applied = query::applied(&mut *self.reader().await?, concert).await?;
        // The rows of a sale that nobody claimed yet were written together with its journal.
        let Some((first, holder)) = applied else { return Ok(0) };
        let end = query::journal_end(&mut *self.reader().await?, concert).await?.seq;
        if first == end {
            return Ok(0);
        }
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

pub fn is_of_performance(entry: &Entry) -> bool {
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
    if !table_writer::step(&mut *change, concert, writer, (at, last)).await? {
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
    // A guest of one of these rows holds still, or nobody cares any more where they come from.
    let guests = query::guests(&mut *change, concert, (at, last)).await?;
    sale.add_guests(&guests);
    if !guests.is_empty() {
        table_writer::forget_guests(&mut *change, concert, (at, last)).await?;
    }
    store.write_behind(&mut *change, &sale.rows_of(&touched)).await?;
    commit::<B>(change).await
}
