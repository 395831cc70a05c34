//! Rows that are behind their sale's journal are brought up to date: what the journal says since is folded onto them. They
//! are behind after a server was killed, as they follow the journal (`table_writer`).
//!
//! Always: each transaction first moves the sale's row in `applied` on from where it was, as the writer that claimed the
//! sale. So a step is taken once, whoever was at it before, and a run that was broken off goes on where it was.

use async_trait::async_trait;
use serde_json::Value;
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
        let (mut at, mut rows_max) = (first, usize::MAX);
        loop {
            let page = query::journal(&mut *self.reader().await?, concert, at + 1, PAGE_ROWS).await?;
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
                    let what = again(|| first_refused(self, (concert, writer), (at, &ahead), next)).await?;
                    return Err(StoreError::refused(what));
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

/// Somebody else claimed the sale meanwhile.
fn is_others(concert: ConcertId, holder: Option<WriterId>) -> StoreError {
    StoreError::Claimed { concert, holder, heartbeat: None }
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
pub async fn step<B: Backend>(
    store: &B,
    concert: ConcertId,
    writer: WriterId,
    as_of: (u64, &[(u64, Entry)]),
    rows: &[&JournalRow],
) -> Result<(), StoreError> {
    let mut held = store.hold().await?;
    let mut change = begin::<B>(&mut held).await?;
    fold_onto(store, &mut *change, concert, writer, as_of, rows).await?;
    commit::<B>(change).await
}

/// The same within a transaction. `Refused`: the rows do not take what the journal says.
pub async fn fold_onto<B: Backend>(
    store: &B,
    link: &mut B::Link,
    concert: ConcertId,
    writer: WriterId,
    (at, ahead): (u64, &[(u64, Entry)]),
    rows: &[&JournalRow],
) -> Result<(), StoreError> {
    let last = rows.last().map_or(at, |row| row.seq);
    if !table_writer::step(link, concert, writer, (at, last)).await? {
        return Err(is_others(concert, None));
    }
    let touched = Touched::by(rows.iter().flat_map(|row| &row.events));
    let base = query::base_of(link, concert, &touched).await?;
    let ahead = ahead.iter().filter(|(seq, _)| *seq > at).map(|(_, entry)| entry);
    let mut sale = FoldedSale::on(base.before(ahead));
    for row in rows {
        for entry in &row.events {
            sale.add(row.at, entry).map_err(|why| {
                StoreError::refused(format!("sale {concert}: row {} of its journal: {why}", row.seq))
            })?;
        }
    }
    // A guest of one of these rows holds still, or nobody cares any more where they come from.
    let guests = query::guests(link, concert, (at, last)).await?;
    sale.add_guests(&guests);
    if !guests.is_empty() {
        table_writer::forget_guests(link, concert, (at, last)).await?;
    }
    store.write_behind(link, &sale.rows_of(&touched)).await
}

/// Why the tables refuse the first `count` events of a row of the journal; `None`: they do not. Nothing is written.
async fn why_refused<B: Backend>(
    store: &B,
    (concert, writer): (ConcertId, WriterId),
    as_of: (u64, &[(u64, Entry)]),
    row: &JournalRow,
    count: usize,
) -> Result<Option<String>, StoreError> {
    let part = JournalRow { seq: row.seq, at: row.at, events: row.events[..count].to_vec() };
    let mut held = store.hold().await?;
    let mut change = begin::<B>(&mut held).await?;
    let folded = fold_onto(store, &mut *change, concert, writer, as_of, &[&part]).await;
    change.rollback().await.map_err(B::Link::fault)?;
    match folded {
        Ok(()) => Ok(None),
        Err(error @ StoreError::Refused(_)) => Ok(Some(error.reason())),
        Err(error) => Err(error),
    }
}

/// What the tables refuse first of a row of the journal, in words: the event and why.
async fn first_refused<B: Backend>(
    store: &B,
    of: (ConcertId, WriterId),
    as_of: (u64, &[(u64, Entry)]),
    row: &JournalRow,
) -> Result<String, StoreError> {
    let (mut taken, mut refused) = (0, row.events.len());
    let why = why_refused(store, of, as_of, row, refused).await?;
    let mut why = why.unwrap_or_else(|| "they take it by now".to_owned());
    while refused - taken > 1 {
        let middle = taken + (refused - taken) / 2;
        match why_refused(store, of, as_of, row, middle).await? {
            None => taken = middle,
            Some(because) => (refused, why) = (middle, because),
        }
    }
    let nr = refused.saturating_sub(1);
    let (texts, _) = query::old_rows(&mut *store.reader().await?, of.0, row.seq, 1).await?;
    let events = texts.first().and_then(|row| serde_json::from_str::<Vec<Value>>(&row.events).ok());
    let word = events.as_ref().and_then(|events| events.get(nr)?.get(0)?.as_str()).unwrap_or("unknown");
    Ok(format!("event {nr} (\"{word}\") of row {} of its journal does not fit its tables: {why}", row.seq))
}
