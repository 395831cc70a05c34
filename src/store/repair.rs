//! Going past what the tables of a sale refuse of its journal, by an operator's word. The tables cannot refuse anything of
//! ours; but whoever changes rows or rules of theirs by hand can make them, and the sale stands still until somebody decides.
//!
//! Always: first everything is written that they take, row by row. Of the first row that they refuse, as few events are left
//! out as it takes, together with a row of the journal and a line of the operators' log that name them, in one transaction and
//! after a claim: whoever had the sale in memory with them loads it anew. Nothing is left out of what was not refused.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::value::RawValue;
use sqlx::SqlSafeStr;

use super::attempt::{Attempt, Refused};
use super::backend::{Backend, again, begin, commit};
use super::catch_up::{self, ahead};
use super::columns::{Bind, bind_actor};
use super::operators::Note;
use super::query::{self, Link};
use super::{Claims, JournalRow, StoreError, WriterId, batch, claims, journal, random_id};
use crate::domain::ids::ConcertId;

/// What becomes of a repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// The tables take all that the journal says, and have it now. So many rows of it they did not have before.
    NothingRefused {
        rows: u64,
    },
    Done(Repaired),
}

/// What was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The row of the journal that was refused.
    pub row: u64,
    /// The events of it that the tables do not have, in their order.
    pub left_out: Vec<LeftOut>,
    /// The row of the journal that says so.
    pub noted: u64,
    /// The last row of the journal that the tables have now.
    pub applied: u64,
    /// The next row that they refuse, and why: it is for another word.
    pub next: Option<(u64, String)>,
}

/// An event that the tables do not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its place in its row of the journal.
    pub nr: u32,
    /// As the journal has it: JSON.
    pub event: String,
    /// Why it was refused.
    pub why: String,
}

/// Going past what tables refuse.
#[async_trait]
pub trait Repairs: Send + Sync {
    /// Goes past the first row of a sale's journal that its tables refuse. Servers may be running.
    async fn repair(&self, concert: ConcertId, reason: &str, note: &Note) -> Result<Repair, StoreError>;
}

/// The tables of a sale that somebody else moves on meanwhile are looked at again so often.
const LOOKS_MAX: usize = 100;

#[async_trait]
impl<B: Backend> Repairs for B {
    async fn repair(&self, concert: ConcertId, reason: &str, note: &Note) -> Result<Repair, StoreError> {
        let Some((first, _)) = query::applied(&mut *self.reader().await?, concert).await? else {
            query::journal_end(&mut *self.reader().await?, concert).await?;
            return Ok(Repair::NothingRefused { rows: 0 });
        };
        let (at, Some(_)) = follow(self, concert).await? else {
            let end = query::applied(&mut *self.reader().await?, concert).await?.map_or(first, |(at, _)| at);
            return Ok(Repair::NothingRefused { rows: end.saturating_sub(first) });
        };
        let writer = WriterId(random_id());
        let before = again(|| self.claim(concert, writer, note.at, None)).await?.before;
        let repaired = go_past(self, concert, writer, at, reason, note).await;
        // Of a clock that was set back the sale's time knows nothing.
        let now = before.map_or(note.at, |before| before.max(note.at));
        again(|| self.release_claims(writer, Some(now))).await?;
        repaired
    }
}

/// Writes what the tables take of the journal, as whoever has them. Gives the last row that they have then, and why they
/// refuse the next one; `None`: they have all.
async fn follow<B: Backend>(store: &B, concert: ConcertId) -> Result<(u64, Option<String>), StoreError> {
    let mut looks = 0;
    loop {
        let applied = query::applied(&mut *store.reader().await?, concert).await?;
        let (at, holder) =
            applied.ok_or_else(|| StoreError::broken(format!("sale {concert} was taken away")))?;
        let Some(row) = row_behind(store, concert, at).await? else { return Ok((at, None)) };
        let (ahead, rows) = (ahead(store, concert, at).await?, [&row]);
        match again(|| catch_up::step(store, concert, holder, (at, &ahead), &rows)).await {
            Ok(()) => {}
            Err(error @ StoreError::Refused(_)) => return Ok((at, Some(error.reason()))),
            // A server that runs the sale, or has just claimed it, was first.
            Err(StoreError::Claimed { .. }) if looks < LOOKS_MAX => looks += 1,
            Err(error) => return Err(error),
        }
    }
}

/// The row of the journal behind the last one that the tables have.
async fn row_behind<B: Backend>(
    store: &B,
    concert: ConcertId,
    at: u64,
) -> Result<Option<JournalRow>, StoreError> {
    let row = query::journal(&mut *store.reader().await?, concert, at + 1, 1).await?.pop();
    match row {
        Some(row) if row.seq != at + 1 => {
            Err(StoreError::broken(format!("the journal of sale {concert} lacks row {}", at + 1)))
        }
        row => Ok(row),
    }
}

/// As the one who claimed the sale: leaves out of the row behind `at` what is refused, and writes everything behind it that is not.
async fn go_past<B: Backend>(
    store: &B,
    concert: ConcertId,
    writer: WriterId,
    at: u64,
    reason: &str,
    note: &Note,
) -> Result<Repair, StoreError> {
    let lacks = || StoreError::broken(format!("sale {concert} has no row {} any more", at + 1));
    let row = row_behind(store, concert, at).await?.ok_or_else(lacks)?;
    let texts = texts_of(store, concert, row.seq).await?;
    let ahead = ahead(store, concert, at).await?;
    let attempt = Attempt { store, concert, writer, as_of: (at, &ahead), row: &row };
    let mut left_out: Vec<LeftOut> = Vec::new();
    // Each turn leaves one more out, so it ends.
    while let Some(Refused { nr, why }) = attempt.first_refused(&without(&left_out)).await? {
        let nr = nr.filter(|nr| !without(&left_out).contains(nr));
        let nr = nr.ok_or_else(|| StoreError::broken(format!("row {} of sale {concert}: {why}", row.seq)))?;
        let event = texts.get(nr).cloned().ok_or_else(lacks)?;
        left_out.push(LeftOut { nr: nr as u32, event, why });
        left_out.sort_by_key(|event| event.nr);
    }
    if left_out.is_empty() {
        // Somebody has put right what was refused.
        let (applied, _) = follow(store, concert).await?;
        return Ok(Repair::NothingRefused { rows: applied - at });
    }
    let noted = again(|| write(&attempt, &left_out, reason, note)).await?;
    let (applied, next) = follow(store, concert).await?;
    let next = next.map(|why| (applied + 1, why));
    Ok(Repair::Done(Repaired { row: row.seq, left_out, noted, applied, next }))
}

fn without(left_out: &[LeftOut]) -> BTreeSet<usize> {
    left_out.iter().map(|event| event.nr as usize).collect()
}

/// The events of a row as they stand in the journal.
async fn texts_of<B: Backend>(store: &B, concert: ConcertId, seq: u64) -> Result<Vec<String>, StoreError> {
    let (rows, _) = query::old_rows(&mut *store.reader().await?, concert, seq, 1).await?;
    let text = rows.first().filter(|row| row.seq == seq).map(|row| row.events.as_str()).unwrap_or("[]");
    let events: Vec<Box<RawValue>> =
        serde_json::from_str(text).map_err(|error| StoreError::Broken(Box::new(error)))?;
    Ok(events.iter().map(|event| event.get().to_owned()).collect())
}

/// Writes the row without these, and says so in the journal and the log. Gives the row of the journal that says it.
async fn write<B: Backend>(
    attempt: &Attempt<'_, B>,
    left_out: &[LeftOut],
    reason: &str,
    note: &Note,
) -> Result<u64, StoreError> {
    let mut held = attempt.store.hold().await?;
    let mut change = begin::<B>(&mut held).await?;
    let link = &mut *change;
    attempt.fold(link, &without(left_out), attempt.row.events.len()).await?;
    let events: Vec<u32> = left_out.iter().map(|event| event.nr).collect();
    let text = journal::repaired(attempt.row.seq, &events, reason, &note.by);
    claims::add_row(link, attempt.concert, attempt.writer, note.at, &text).await?;
    let noted = query::journal_end(link, attempt.concert).await?.seq;
    let mut values = <B::Link as Link>::Values::default();
    values.id(attempt.concert.0.into());
    values.id(noted);
    values.id(0);
    values.time(Some(note.at));
    bind_actor(&mut values, &note.by);
    values.text(Some("repair"));
    values.text(Some(&journal::repaired_row(attempt.row.seq)));
    values.text(Some(&journal::repaired_events(attempt.row.seq, &events).to_string()));
    values.text(None);
    values.text(Some(reason));
    link.run(batch::LOG.into_sql_str(), values).await?;
    commit::<B>(change).await?;
    Ok(noted)
}
