//! What a batch leaves behind in each table, folded from its events: the last state of every row it touched.
//! A backend writes these in a few multi-row statements.

use std::collections::HashMap;

use super::{Batch, SeatStatus};
use crate::domain::event::Event;
use crate::domain::ids::{ConcertId, EntryNo, ReservationId, ScheduleId, SeatId, UserId};
use crate::domain::record::{LedgerEntry, Payment, Reservation, TokenRecord};
use crate::domain::rules::SaleSettings;
use crate::domain::seat_plan::Money;

/// Upserts, in the order in which they may be written. Every list is sorted by its key, so that two
/// transactions lock rows in the same order.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// By (concert, entry); a token that joined and was admitted in one batch is here once.
    pub tokens: Vec<TokenRecord>,
    pub seats: Vec<SeatRow>,
    /// Without their seats: those follow when a reservation ends or is paid.
    pub reservations: Vec<Reservation>,
    /// Reservations of `reservations` whose seats are to be written to `reservation_seat` now.
    pub reservation_seats: Vec<(ReservationId, ConcertId, ScheduleId, SeatId)>,
    /// Payments made or refunded, with their tickets; a refund voids them.
    pub payments: Vec<(ConcertId, Payment)>,
    pub ledger: Vec<LedgerEntry>,
    /// The balance that each wallet has after the batch.
    pub balances: Vec<(UserId, Money)>,
    pub settings: Vec<(ConcertId, SaleSettings)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatRow {
    pub concert: ConcertId,
    pub schedule: ScheduleId,
    pub seat: SeatId,
    pub status: SeatStatus,
    /// `None` exactly when available.
    pub reservation: Option<ReservationId>,
}

impl Rows {
    pub fn of(batch: &Batch) -> Self {
        let mut fold = Fold::default();
        for sale in &batch.sales {
            for event in &sale.events {
                fold.event(sale.concert, event);
            }
        }
        for entry in &batch.charges {
            fold.entry(entry);
        }
        fold.rows()
    }
}

#[derive(Default)]
struct Fold {
    tokens: HashMap<(ConcertId, EntryNo), TokenRecord>,
    seats: HashMap<(ScheduleId, SeatId), SeatRow>,
    reservations: HashMap<ReservationId, Reservation>,
    payments: HashMap<ReservationId, (ConcertId, Payment)>,
    ledger: Vec<LedgerEntry>,
    balances: HashMap<UserId, Money>,
    settings: HashMap<ConcertId, SaleSettings>,
    /// Reservations that ended in this batch, and so get their seats written.
    ended: Vec<ReservationId>,
}

impl Fold {
    fn event(&mut self, concert: ConcertId, event: &Event) {
        match event {
            Event::Joined(token) | Event::Admitted(token) | Event::TokenEnded(token) => {
                self.tokens.insert((concert, token.entry), token.clone());
            }
            Event::SeatsHeld { reservation, seats, .. } => {
                self.seats(reservation, seats, SeatStatus::TempReserved);
                self.reservations.insert(reservation.id, reservation.clone());
            }
            Event::SeatsReleased { reservation, seats } => {
                self.seats(reservation, seats, SeatStatus::Available);
                self.reservations.insert(reservation.id, reservation.clone());
            }
            Event::ReservationEnded { reservation, .. } => {
                self.seats(reservation, &reservation.seats, SeatStatus::Available);
                self.reservations.insert(reservation.id, reservation.clone());
                self.ended.push(reservation.id);
            }
            Event::Paid { reservation, ledger } => {
                self.seats(reservation, &reservation.seats, SeatStatus::Reserved);
                self.payment(concert, reservation);
                self.ended.push(reservation.id);
                self.entry(ledger);
            }
            Event::Refunded { reservation, ledger } => {
                self.seats(reservation, &reservation.seats, SeatStatus::Available);
                self.payment(concert, reservation);
                self.entry(ledger);
            }
            Event::SettingsChanged { after, .. } => {
                self.settings.insert(concert, (**after).clone());
            }
        }
    }

    fn seats(&mut self, reservation: &Reservation, seats: &[SeatId], status: SeatStatus) {
        let holder = (status != SeatStatus::Available).then_some(reservation.id);
        for &seat in seats {
            let row = SeatRow {
                concert: reservation.concert,
                schedule: reservation.schedule,
                seat,
                status,
                reservation: holder,
            };
            self.seats.insert((row.schedule, seat), row);
        }
    }

    fn payment(&mut self, concert: ConcertId, reservation: &Reservation) {
        if let Some(payment) = &reservation.payment {
            self.payments.insert(reservation.id, (concert, payment.clone()));
        }
        self.reservations.insert(reservation.id, reservation.clone());
    }

    fn entry(&mut self, entry: &LedgerEntry) {
        self.balances.insert(entry.user, entry.balance);
        self.ledger.push(entry.clone());
    }

    fn rows(self) -> Rows {
        let mut reservation_seats: Vec<_> = self
            .ended
            .iter()
            .filter_map(|id| self.reservations.get(id))
            .flat_map(|r| r.seats.iter().map(|&seat| (r.id, r.concert, r.schedule, seat)))
            .collect();
        reservation_seats.sort_unstable();
        Rows {
            tokens: sorted(self.tokens.into_values(), |t| (t.concert, t.entry)),
            seats: sorted(self.seats.into_values(), |s| (s.concert, s.schedule, s.seat)),
            reservations: sorted(self.reservations.into_values(), |r| (r.concert, r.id)),
            reservation_seats,
            payments: sorted(self.payments.into_values(), |(concert, p)| (*concert, p.id)),
            ledger: sorted(self.ledger.into_iter(), |e| (e.user, e.id)),
            balances: sorted(self.balances.into_iter(), |(user, _)| *user),
            settings: sorted(self.settings.into_iter(), |(concert, _)| *concert),
        }
    }
}

fn sorted<T, K: Ord>(rows: impl Iterator<Item = T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut rows: Vec<T> = rows.collect();
    rows.sort_by_key(key);
    rows
}
