//! The end of a sale's journal that its rows do not have yet: what it says is laid over them, so that both are judged, the
//! rows as of where they are and what follows.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, sale_name};
use crate::domain::ids::{ConcertId, EntryNo, ReservationId, ScheduleId, SeatId};
use crate::domain::record::{Reservation, TokenRecord};
use crate::store::fold::{FoldedSale, Touched};
use crate::store::query::{self, Link};
use crate::store::rows::SeatRow;
use crate::store::{JournalRow, StoreError, catch_up};

/// The journal's rows that are read at a time.
const PAGE_ROWS: u32 = 256;

/// The rows that the end of a journal leaves; each is taken once.
#[derive(Default)]
pub struct Tail {
    pub tokens: BTreeMap<EntryNo, TokenRecord>,
    seats: BTreeMap<(ScheduleId, SeatId), SeatRow>,
    pub reservations: BTreeMap<ReservationId, Reservation>,
    /// The seats of all that were ever paid of these, and those that are stored of them.
    pub reservation_seats: BTreeSet<(ReservationId, ScheduleId, SeatId)>,
    /// Reservations whose seats are among these.
    of: BTreeSet<ReservationId>,
}

impl Tail {
    /// Nothing, if the rows have all of the journal. What does not follow from the rows is a fault.
    pub async fn read(
        source: &mut impl Link,
        concert: ConcertId,
        findings: &mut Findings,
    ) -> Result<Self, StoreError> {
        let end = query::journal_end(source, concert).await;
        let (Some((applied, _)), Ok(end)) = (query::applied(source, concert).await?, end) else {
            return Ok(Self::default());
        };
        if applied > end.seq {
            findings.fault(format!(
                "{}: its rows are said to have row {applied} of its journal, which ends with row {}",
                sale_name(concert),
                end.seq
            ));
        }
        let mut rows: Vec<JournalRow> = Vec::new();
        let mut next = applied + 1;
        while next <= end.seq {
            // A row that cannot be read is named where the journal is.
            let Ok(page) = query::journal(source, concert, next, PAGE_ROWS).await else { break };
            let Some(last) = page.last().map(|row| row.seq) else { break };
            page.iter().for_each(|_| findings.saw("journal rows to follow"));
            rows.extend(page);
            next = last + 1;
        }
        if rows.is_empty() {
            return Ok(Self::default());
        }
        let entries = || rows.iter().flat_map(|row| &row.events);
        let touched = Touched::by(entries());
        let base = match query::base_of(source, concert, &touched).await {
            Ok(base) => base,
            // Which row it is stands where that table is judged.
            Err(StoreError::Broken(_)) => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let ahead: Vec<_> = entries().filter(|entry| catch_up::is_of_performance(entry)).collect();
        let mut sale = FoldedSale::on(base.before(ahead.into_iter()));
        for JournalRow { seq, at, events } in &rows {
            for entry in events {
                if let Err(why) = sale.add(*at, entry) {
                    findings.fault(format!(
                        "{}: row {seq} of its journal, which its rows do not have yet: {why}",
                        sale_name(concert)
                    ));
                }
            }
        }
        sale.add_guests(&query::guests(source, concert, (applied, end.seq)).await.unwrap_or_default());
        let rows = sale.rows_of(&touched);
        let seat = |(id, _, schedule, seat): &(ReservationId, ConcertId, ScheduleId, SeatId)| {
            (*id, *schedule, *seat)
        };
        Ok(Self {
            tokens: rows.tokens.iter().map(|row| (row.entry, (*row).clone())).collect(),
            seats: rows.seats.iter().map(|of| ((of.row.schedule, of.row.seat), of.row)).collect(),
            reservations: rows.reservations.iter().map(|row| (row.id, (*row).clone())).collect(),
            reservation_seats: rows.reservation_seats.iter().map(seat).collect(),
            of: rows.reservations.iter().map(|row| row.id).collect(),
        })
    }

    /// The row of a seat as it is with the end of the journal.
    pub fn seat(&self, row: SeatRow) -> SeatRow {
        self.seats.get(&(row.schedule, row.seat)).copied().unwrap_or(row)
    }

    pub fn token(&mut self, row: TokenRecord) -> TokenRecord {
        self.tokens.remove(&row.entry).unwrap_or(row)
    }

    pub fn reservation(&mut self, row: Reservation) -> Reservation {
        self.reservations.remove(&row.id).unwrap_or(row)
    }

    /// Is this seat's row one of a reservation that the end of the journal changes? Then it is judged with those.
    pub fn takes_seat(&mut self, row: (ReservationId, ScheduleId, SeatId)) -> bool {
        let takes = self.of.contains(&row.0);
        if takes {
            self.reservation_seats.insert(row);
        }
        takes
    }
}
