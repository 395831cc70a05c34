//! Folding rows of a journal onto its sale's tables, and trying what they take of one.

use std::collections::BTreeSet;

use super::backend::{Backend, again, begin};
use super::fold::{FoldedSale, Touched};
use super::journal::Entry;
use super::query::{self, Link};
use super::{JournalRow, StoreError, WriterId, table_writer};
use crate::domain::ids::ConcertId;

/// Writing one row of the journal with some of its events.
pub struct Attempt<'a, B> {
    pub store: &'a B,
    pub concert: ConcertId,
    pub writer: WriterId,
    /// The last row that the tables have, and what the journal says of performances behind it.
    pub as_of: (u64, &'a [(u64, Entry)]),
    pub row: &'a JournalRow,
}

/// What the tables refuse of a row, and why.
pub struct Refused {
    /// The event's number in its row; `None`: they refuse it without any event.
    pub nr: Option<usize>,
    pub why: String,
}

impl<B: Backend> Attempt<'_, B> {
    /// The first event of the row without these that the tables refuse; `None`: they take it. Nothing is written.
    pub async fn first_refused(&self, left_out: &BTreeSet<usize>) -> Result<Option<Refused>, StoreError> {
        let (mut taken, mut refused) = (0, self.row.events.len());
        let Some(mut why) = self.refused(left_out, refused).await? else { return Ok(None) };
        // With so many of its first events the row is taken, and with so many it is not: the last one of those is in the way.
        while refused - taken > 1 {
            let middle = taken + (refused - taken) / 2;
            match self.refused(left_out, middle).await? {
                None => taken = middle,
                Some(because) => (refused, why) = (middle, because),
            }
        }
        Ok(Some(Refused { nr: refused.checked_sub(1), why }))
    }

    /// Why the first `count` events of the row without these are refused; `None`: they are not. Nothing is written.
    async fn refused(&self, left_out: &BTreeSet<usize>, count: usize) -> Result<Option<String>, StoreError> {
        let tried = again(|| async {
            let mut held = self.store.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            self.fold(&mut *change, left_out, count).await?;
            change.rollback().await.map_err(B::Link::fault)
        });
        match tried.await {
            Ok(()) => Ok(None),
            Err(error @ StoreError::Refused(_)) => Ok(Some(error.reason())),
            Err(error) => Err(error),
        }
    }

    /// Writes the first `count` events of the row without these, in a transaction of the caller's.
    pub async fn fold(
        &self,
        link: &mut B::Link,
        left_out: &BTreeSet<usize>,
        count: usize,
    ) -> Result<(), StoreError> {
        let events = self.row.events.iter().take(count).enumerate();
        let events = events.filter(|(nr, _)| !left_out.contains(nr)).map(|(_, event)| event.clone());
        let row = JournalRow { seq: self.row.seq, at: self.row.at, events: events.collect() };
        fold_onto(self.store, link, self.concert, self.writer, self.as_of, &[&row]).await
    }
}

/// Somebody else claimed the sale meanwhile.
pub fn is_others(concert: ConcertId, holder: Option<WriterId>) -> StoreError {
    StoreError::Claimed { concert, holder }
}

/// Folds these rows of the journal onto the sale's rows, which are as of `at`, within a transaction. `Refused`: the rows do not take what the journal says.
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
    let mut rows = sale.rows_of(&touched);
    rows.segment = table_writer::segment_for(link, concert, rows.reservations.len()).await?;
    store.write_behind(link, &rows).await
}
