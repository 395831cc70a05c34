//! Rows that are behind their sale's journal are brought up to date: what the journal says since is folded onto them. They
//! are behind after a server was killed, as they follow the journal (`table_writer`).
//!
//! Always: each transaction first moves the sale's row in `applied` on from where it was, as the writer that claimed the
//! sale. So a step is taken once, whoever was at it before, and a run that was broken off goes on where it was.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::Value;
use sqlx::SqlSafeStr;

use super::attempt::{Attempt, Refused, fold_onto, is_others};
use super::backend::{Backend, again, begin, commit};
use super::columns::{Bind, Cells};
use super::journal::Entry;
use super::query::{self, Link};
use super::{JournalRow, StoreError, WriterId, table_writer};
use crate::domain::ids::ConcertId;

/// Bringing a sale's rows up to date with its journal.
#[async_trait]
pub trait CatchUp: Send + Sync + 'static {
    /// Writes what the journal says of places in line, seats and reservations since they were written last, in transactions of
    /// some `events_max` events each. Gives the number of the journal's rows that there were. Only after `claim`, and before
    /// anything is read of the sale or written to it. `Refused`: the tables have all that they take, and what they do not take
    /// first is named.
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
/// so do those of one whose last writer was an older server, which wrote them together with it. Gives the number of the claim's row.
pub async fn begin_at<L: Link>(
    link: &mut L,
    concert: ConcertId,
    writer: WriterId,
) -> Result<u64, StoreError> {
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
            begun.await?;
        }
        Some(at) if at == before || form == 0 => {
            table_writer::step(link, concert, writer, (at, claim)).await?;
        }
        // The rest is caught up with in transactions of its own.
        Some(_) => {}
    }
    Ok(claim)
}

#[async_trait]
impl<B: Backend> CatchUp for B {
    async fn catch_up(
        &self,
        concert: ConcertId,
        writer: WriterId,
        events_max: usize,
    ) -> Result<u64, StoreError> {
        let applied = query::applied(&mut *self.own_reader().await?, concert).await?;
        // The rows of a sale that nobody claimed yet were written together with its journal.
        let Some((first, holder)) = applied else { return Ok(0) };
        let end = query::journal_end(&mut *self.own_reader().await?, concert).await?.seq;
        if first == end {
            return Ok(0);
        }
        if holder != writer {
            return Err(is_others(concert, Some(holder)));
        }
        let ahead = ahead(self, concert, first).await?;
        let (mut at, mut rows_max) = (first, usize::MAX);
        loop {
            let page = query::journal(&mut *self.own_reader().await?, concert, at + 1, PAGE_ROWS).await?;
            let mut events = 0;
            let fits = |row: &&JournalRow| {
                let is_first = events == 0;
                events += row.events.len();
                is_first || events <= events_max
            };
            let rows: Vec<_> = page.iter().take_while(fits).take(rows_max).collect();
            let (Some(next), Some(last)) = (rows.first(), rows.last().map(|row| row.seq)) else { break };
            if next.seq != at + 1 {
                return Err(StoreError::broken(format!(
                    "the journal of sale {concert} lacks row {}",
                    at + 1
                )));
            }
            match again(|| step(self, concert, writer, (at, &ahead), &rows)).await {
                Ok(()) => at = last,
                // From here on one by one, so that what fits is written and what does not is named.
                Err(StoreError::Refused(_)) if rows.len() > 1 => rows_max = 1,
                Err(StoreError::Refused(_)) => {
                    let attempt = Attempt { store: self, concert, writer, as_of: (at, &ahead), row: next };
                    return Err(StoreError::refused(first_refused(attempt).await?));
                }
                Err(error) => return Err(error),
            }
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

/// What the journal says of performances from some row on, and where. Their rows were written together with it, and so are ahead of
/// the others until the last step; operators are few, and so are these.
pub async fn ahead<B: Backend>(
    store: &B,
    concert: ConcertId,
    first: u64,
) -> Result<Vec<(u64, Entry)>, StoreError> {
    let (mut at, mut ahead) = (first, Vec::new());
    loop {
        let page = query::journal(&mut *store.own_reader().await?, concert, at + 1, PAGE_ROWS).await?;
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
pub async fn step<B: Backend>(
    store: &B,
    concert: ConcertId,
    writer: WriterId,
    as_of: (u64, &[(u64, Entry)]),
    rows: &[&JournalRow],
) -> Result<(), StoreError> {
    let mut held = store.own_hold().await?;
    let mut change = begin::<B>(&mut held).await?;
    fold_onto(store, &mut *change, concert, writer, as_of, rows).await?;
    commit::<B>(change).await
}

/// What the tables refuse first of a row of the journal, in words: the event and why.
async fn first_refused<B: Backend>(attempt: Attempt<'_, B>) -> Result<String, StoreError> {
    let (concert, seq) = (attempt.concert, attempt.row.seq);
    let Some(Refused { nr, why }) = attempt.first_refused(&BTreeSet::new()).await? else {
        return Ok(format!("row {seq} of its journal was refused, and fits its tables by now"));
    };
    let (texts, _) = query::old_rows(&mut *attempt.store.own_reader().await?, concert, seq, 1).await?;
    let events = texts.first().and_then(|row| serde_json::from_str::<Vec<Value>>(&row.events).ok());
    let word = events.as_ref().zip(nr).and_then(|(events, nr)| events.get(nr)?.get(0)?.as_str());
    let (word, nr) = (word.unwrap_or("unknown"), nr.unwrap_or_default());
    Ok(format!("event {nr} (\"{word}\") of row {seq} of its journal does not fit its tables: {why}"))
}
