//! The rows that a batch leaves behind in each table, folded from its events: the last state of every row it touched.
//! A backend writes these in a few multi-row statements.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Batch, SeatStatus, StoreError};
use crate::domain::actor::Actor;
use crate::domain::concert::Texts;
use crate::domain::event::{
    Archived, By, CalledOff, Description, Event, HouseSeats, Refunded, Repricing, Rescheduled, ScheduleAdded,
    SeatMoved, SoldAtDesk,
};
use crate::domain::ids::{ConcertId, EntryNo, ReservationId, ScheduleId, SeatId, UserId};
use crate::domain::record::{
    LedgerEntry, Payment, PaymentStatus, Reservation, ReservationStatus, Ticket, TokenRecord,
};
use crate::domain::rules::SaleSettings;
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;

/// Upserts, in the order in which they may be written. Every list is sorted by its key, so that two
/// transactions lock rows in the same order.
#[derive(Debug, Default)]
pub struct Rows<'a> {
    /// The tokens by (concert, entry); a token that joined and was admitted in one batch is here once. A user's token
    /// that ended comes before the one that they got after it.
    pub tokens: Vec<&'a TokenRecord>,
    pub seats: Vec<SeatChange>,
    /// New ones, and those of which anything may have changed.
    pub reservations: Vec<&'a Reservation>,
    /// Those that were there before and of which nothing changed but that they ended, were paid or refunded: their status
    /// and when it came about.
    pub ended_reservations: Vec<&'a Reservation>,
    /// The seats of all that were paid, and those that they got later.
    pub reservation_seats: Vec<(ReservationId, ConcertId, ScheduleId, SeatId)>,
    /// Payments made or refunded, with their tickets, which a refund voids.
    pub payments: Vec<PaymentRow<'a>>,
    /// Each user's in the order they were made.
    pub ledger: Vec<&'a LedgerEntry>,
    pub settings: Vec<(ConcertId, &'a SaleSettings)>,
    /// What is said of concerts of which that changed.
    pub texts: Vec<(ConcertId, Cow<'a, Texts>)>,
    /// The prices of categories that do not cost what they were imported with, of performances whose prices changed.
    pub prices: Vec<(ConcertId, ScheduleId, OwnPrices<'a>)>,
    /// What becomes of performances, in the order of the journal: the last word on one counts.
    pub schedules: Vec<ScheduleRow<'a>>,
    /// Concerts that are archived, and when, UTC.
    pub archived: Vec<(ConcertId, Timestamp)>,
    /// What operators changed, in the order of the journal.
    pub log: Vec<LogRow<'a>>,
}

/// Prices by category.
pub type OwnPrices<'a> = Cow<'a, [(u16, Money)]>;

/// A line of the operators' log, which follows from an event of the journal.
#[derive(Debug, PartialEq)]
pub struct LogRow<'a> {
    pub concert: ConcertId,
    /// The journal's row, and the event's place there.
    pub seq: u64,
    pub nr: u32,
    /// UTC.
    pub at: Timestamp,
    pub by: &'a Actor,
    pub changed: Changed<'a>,
}

/// What an operator changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Changed<'a> {
    Settings {
        before: &'a SaleSettings,
        after: &'a SaleSettings,
    },
    /// Seats that the house keeps from now on.
    Restricted(&'a HouseSeats),
    /// Seats that the house kept until now.
    Unrestricted(&'a HouseSeats),
    Repriced(&'a Repricing),
    Described(&'a Description),
    ScheduleAdded(&'a ScheduleAdded),
    Rescheduled(&'a Rescheduled),
    CalledOff(&'a CalledOff),
    Archived(&'a Archived),
    SeatMoved(&'a SeatMoved),
    SoldAtDesk(&'a SoldAtDesk),
    /// An order of which an operator gave money back.
    Refunded {
        order: &'a Reservation,
        amount: Money,
        /// `None`: all that it had.
        seats: Option<&'a [SeatId]>,
        reason: &'a str,
    },
}

/// What changes of a performance's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduleRow<'a> {
    pub schedule: ScheduleId,
    pub became: Became,
    /// Why, as fans are told.
    pub reason: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It starts then, UTC.
    Moved(Timestamp),
    CalledOff,
    /// It was being made, and is there.
    Added,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentRow<'a> {
    pub concert: ConcertId,
    pub payment: &'a Payment,
    /// UTC; present exactly when it was refunded.
    pub cancelled_at: Option<Timestamp>,
}

/// A ledger entry with its place in the user's ledger: 1, 2, 3, …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerRow<'a> {
    pub entry: &'a LedgerEntry,
    pub entry_no: u64,
}

/// A user's wallet, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalletRow {
    pub user: UserId,
    pub balance: Money,
    pub ledger_entries: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatRow {
    pub concert: ConcertId,
    pub schedule: ScheduleId,
    pub seat: SeatId,
    pub status: SeatStatus,
    /// `None` exactly when available; the house's id of a seat that it keeps.
    pub reservation: Option<ReservationId>,
}

/// A seat's row after a batch, and who had the seat before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatChange {
    pub row: SeatRow,
    /// The reservation that the store must still have there, or memory and store have parted.
    pub before: Option<ReservationId>,
}

impl<'a> Rows<'a> {
    pub fn of(batch: &'a Batch) -> Self {
        let mut fold = Fold::default();
        for sale in &batch.sales {
            for (nr, event) in (0..).zip(&sale.events) {
                fold.event(Place { concert: sale.concert, seq: sale.seq, nr, at: batch.at }, event);
            }
        }
        fold.ledger.extend(&batch.charges);
        fold.rows()
    }

    /// Numbers the ledger's entries on top of the wallets as they were before the batch, and gives the wallets as
    /// they are after it. An entry that does not continue its wallet is a bug, and named.
    pub fn on_wallets(
        &self,
        before: &HashMap<UserId, WalletRow>,
    ) -> Result<(Vec<LedgerRow<'a>>, Vec<WalletRow>), StoreError> {
        let mut ledger = Vec::with_capacity(self.ledger.len());
        let mut after: Vec<WalletRow> = Vec::new();
        for &entry in &self.ledger {
            let wallet = match after.last_mut() {
                Some(wallet) if wallet.user == entry.user => wallet,
                _ => {
                    let unknown = || StoreError::refused(format!("user {} has no wallet", entry.user));
                    after.push(*before.get(&entry.user).ok_or_else(unknown)?);
                    let last = after.len() - 1;
                    &mut after[last]
                }
            };
            if wallet.balance.checked_add(entry.amount_change) != Some(entry.balance) {
                return Err(StoreError::refused(format!(
                    "ledger entry {} of user {} changes {} to {} by {}",
                    entry.id, entry.user, wallet.balance, entry.balance, entry.amount_change
                )));
            }
            wallet.balance = entry.balance;
            wallet.ledger_entries += 1;
            ledger.push(LedgerRow { entry, entry_no: wallet.ledger_entries });
        }
        Ok((ledger, after))
    }

    /// The users whose wallets the batch changes, ascending.
    pub fn wallet_users(&self) -> Vec<UserId> {
        let mut users: Vec<_> = self.ledger.iter().map(|entry| entry.user).collect();
        users.dedup();
        users
    }

    /// Every ticket of `payments`, those that are void first: their seats may have been sold again in the same batch.
    pub fn tickets(&self) -> Vec<(PaymentRow<'a>, &'a Ticket)> {
        let tickets = |row: &PaymentRow<'a>| {
            let row = *row;
            row.payment.tickets.iter().map(move |ticket| (row, ticket))
        };
        let mut tickets: Vec<_> = self.payments.iter().flat_map(tickets).collect();
        tickets.sort_by_key(|(_, ticket)| ticket.is_valid());
        tickets
    }
}

/// Where an event stands in the journal.
#[derive(Clone, Copy)]
struct Place {
    concert: ConcertId,
    seq: u64,
    nr: u32,
    at: Timestamp,
}

#[derive(Default)]
struct Fold<'a> {
    tokens: HashMap<(ConcertId, EntryNo), &'a TokenRecord>,
    seats: HashMap<(ScheduleId, SeatId), SeatChange>,
    /// Each with the answer to: did nothing but its end happen to it?
    reservations: HashMap<ReservationId, (&'a Reservation, bool)>,
    payments: HashMap<ReservationId, PaymentRow<'a>>,
    ledger: Vec<&'a LedgerEntry>,
    settings: HashMap<ConcertId, &'a SaleSettings>,
    texts: HashMap<ConcertId, &'a Texts>,
    prices: HashMap<(ConcertId, ScheduleId), OwnPrices<'a>>,
    schedules: Vec<ScheduleRow<'a>>,
    archived: Vec<(ConcertId, Timestamp)>,
    log: Vec<LogRow<'a>>,
    /// Reservations that were paid in this batch, and so get their seats written.
    paid: Vec<ReservationId>,
    /// Seats that a reservation got which was paid before.
    moved: Vec<(ReservationId, ConcertId, ScheduleId, SeatId)>,
}

impl<'a> Fold<'a> {
    fn event(&mut self, place: Place, event: &'a Event) {
        let concert = place.concert;
        match event {
            Event::Joined(token) | Event::Admitted(token) | Event::TokenEnded(token) => {
                self.tokens.insert((concert, token.entry), token);
            }
            Event::SeatsHeld { reservation, seats, .. } => {
                self.seats(reservation, seats, SeatStatus::TempReserved);
                self.reservations.insert(reservation.id, (reservation, false));
            }
            Event::SeatsReleased { reservation, seats } => {
                self.seats(reservation, seats, SeatStatus::Available);
                self.reservations.insert(reservation.id, (reservation, false));
            }
            Event::ReservationEnded { reservation, .. } => {
                self.ended(reservation, SeatStatus::Available);
            }
            Event::Paid { reservation, ledger } => {
                self.ended(reservation, SeatStatus::Reserved);
                self.payment(concert, reservation);
                self.paid.push(reservation.id);
                self.ledger.push(ledger);
            }
            Event::SoldAtDesk(sold) => {
                let SoldAtDesk { reservation, by, .. } = sold;
                let (schedule, status, id) = (reservation.schedule, SeatStatus::Reserved, reservation.id);
                for &seat in &reservation.seats {
                    self.seat(SeatRow { concert, schedule, seat, status, reservation: Some(id) }, None);
                }
                self.reservations.insert(id, (reservation, false));
                self.payment(concert, reservation);
                self.paid.push(id);
                self.log(place, Some(by), Changed::SoldAtDesk(sold));
            }
            Event::Refunded(Refunded { reservation, seats, amount, ledger, why, .. }) => {
                let is_all = reservation.status == ReservationStatus::Cancelled;
                if is_all {
                    self.ended(reservation, SeatStatus::Available);
                } else {
                    self.seats(reservation, seats, SeatStatus::Available);
                    self.reservations.insert(reservation.id, (reservation, false));
                }
                self.payment(concert, reservation);
                self.ledger.extend(ledger);
                let changed = Changed::Refunded {
                    order: reservation,
                    amount: *amount,
                    seats: (!is_all).then_some(&**seats),
                    reason: why.reason().unwrap_or_default(),
                };
                self.log(place, why.by(), changed);
            }
            Event::SeatMoved(moved) => {
                let SeatMoved { reservation, from, to, .. } = moved;
                let (id, schedule) = (reservation.id, reservation.schedule);
                self.seats(reservation, &[*from], SeatStatus::Available);
                let (seat, status) = (*to, SeatStatus::Reserved);
                self.seat(SeatRow { concert, schedule, seat, status, reservation: Some(id) }, None);
                self.reservations.insert(id, (reservation, false));
                self.payment(concert, reservation);
                // A seat that it has again is written already.
                let of_seat = seats_since_paid(reservation).filter(|(.., seat)| seat == to).count();
                if of_seat == 1 && !self.paid.contains(&id) {
                    self.moved.push((id, concert, schedule, *to));
                }
                self.log(place, Some(&moved.by), Changed::SeatMoved(moved));
            }
            Event::SeatsRestricted(kept) => {
                let house = Some(ReservationId::house(concert));
                self.house_seats(concert, kept, SeatStatus::Reserved, (None, house));
                self.log(place, kept.by.as_ref(), Changed::Restricted(kept));
            }
            Event::SeatsUnrestricted(opened) => {
                let house = Some(ReservationId::house(concert));
                self.house_seats(concert, opened, SeatStatus::Available, (house, None));
                self.log(place, opened.by.as_ref(), Changed::Unrestricted(opened));
            }
            Event::Described(of) => {
                self.texts.insert(concert, &of.after);
                self.log(place, Some(&of.by), Changed::Described(of));
            }
            Event::Repriced(of) => {
                self.prices.insert((concert, of.schedule), Cow::Borrowed(&of.own));
                self.log(place, Some(&of.by), Changed::Repriced(of));
            }
            Event::ScheduleAdded(added) => {
                let schedule = added.schedule;
                self.schedules.push(ScheduleRow { schedule, became: Became::Added, reason: None });
                self.prices.insert((concert, schedule), Cow::Owned(added.own_prices()));
                self.log(place, Some(&added.by), Changed::ScheduleAdded(added));
            }
            Event::Rescheduled(moved) => {
                let (schedule, reason) = (moved.schedule, moved.reason.as_deref());
                self.schedules.push(ScheduleRow { schedule, became: Became::Moved(moved.after), reason });
                self.log(place, Some(&moved.by), Changed::Rescheduled(moved));
            }
            Event::CalledOff(off) => {
                let (schedule, reason) = (off.schedule, Some(&*off.reason));
                self.schedules.push(ScheduleRow { schedule, became: Became::CalledOff, reason });
                self.log(place, Some(&off.by), Changed::CalledOff(off));
            }
            Event::Archived(archived) => {
                self.archived.push((concert, archived.at));
                self.log(place, Some(&archived.by), Changed::Archived(archived));
            }
            Event::SettingsChanged { before, after, by } => {
                self.settings.insert(concert, after);
                let by = match by {
                    By::Actor(by) => Some(by),
                    By::OpensAt => None,
                };
                self.log(place, by, Changed::Settings { before, after });
            }
        }
    }

    fn seats(&mut self, reservation: &'a Reservation, seats: &[SeatId], status: SeatStatus) {
        let holder = (status != SeatStatus::Available).then_some(reservation.id);
        for &seat in seats {
            let row = SeatRow {
                concert: reservation.concert,
                schedule: reservation.schedule,
                seat,
                status,
                reservation: holder,
            };
            // The first change of a seat in a batch tells whose it was: only a free one can be held.
            let before = (status != SeatStatus::TempReserved).then_some(reservation.id);
            self.seat(row, before);
        }
    }

    /// Notes what an operator changed; what comes about by itself is nobody's doing.
    fn log(&mut self, place: Place, by: Option<&'a Actor>, changed: Changed<'a>) {
        let Place { concert, seq, nr, at } = place;
        self.log.extend(by.map(|by| LogRow { concert, seq, nr, at, by, changed }));
    }

    /// With who had them and who has them then. The house keeps only what is free, and gives back only what
    /// it kept.
    fn house_seats(
        &mut self,
        concert: ConcertId,
        HouseSeats { schedule, seats, .. }: &HouseSeats,
        status: SeatStatus,
        (before, reservation): (Option<ReservationId>, Option<ReservationId>),
    ) {
        for &seat in seats {
            self.seat(SeatRow { concert, schedule: *schedule, seat, status, reservation }, before);
        }
    }

    fn seat(&mut self, row: SeatRow, before: Option<ReservationId>) {
        self.seats.entry((row.schedule, row.seat)).or_insert(SeatChange { row, before }).row = row;
    }

    fn ended(&mut self, reservation: &'a Reservation, status: SeatStatus) {
        self.seats(reservation, &reservation.seats, status);
        self.reservations.entry(reservation.id).or_insert((reservation, true)).0 = reservation;
    }

    fn payment(&mut self, concert: ConcertId, reservation: &'a Reservation) {
        if let Some(payment) = &reservation.payment {
            let refunded = payment.status == PaymentStatus::Cancelled;
            let cancelled_at = refunded.then_some(reservation.ended_at).flatten();
            self.payments.insert(reservation.id, PaymentRow { concert, payment, cancelled_at });
        }
    }

    fn rows(self) -> Rows<'a> {
        let mut reservation_seats: Vec<_> = self
            .paid
            .iter()
            .filter_map(|id| self.reservations.get(id))
            .flat_map(|(r, _)| seats_since_paid(r))
            .chain(self.moved)
            .collect();
        reservation_seats.sort_unstable();
        reservation_seats.dedup();
        let (ended, changed): (Vec<_>, Vec<_>) =
            self.reservations.into_values().partition(|(_, only_ended)| *only_ended);
        let by_key = |list: Vec<(&'a Reservation, bool)>| {
            sorted(list.into_iter().map(|(reservation, _)| reservation), |r| (r.concert, r.id))
        };
        Rows {
            tokens: sorted(self.tokens.into_values(), |t| (t.concert, t.entry)),
            seats: sorted(self.seats.into_values(), |s| (s.row.concert, s.row.schedule, s.row.seat)),
            reservations: by_key(changed),
            ended_reservations: by_key(ended),
            reservation_seats,
            payments: sorted(self.payments.into_values(), |row| {
                (row.cancelled_at.is_none(), row.concert, row.payment.id)
            }),
            // One source of ids makes a batch's entries, and its ids ascend in the order they are made.
            ledger: sorted(self.ledger.into_iter(), |entry| (entry.user, entry.id)),
            settings: sorted(self.settings.into_iter(), |(concert, _)| *concert),
            texts: sorted(
                self.texts.into_iter().map(|(concert, texts)| (concert, Cow::Borrowed(texts))),
                |(concert, _)| *concert,
            ),
            prices: sorted(
                self.prices.into_iter().map(|((concert, of), own)| (concert, of, own)),
                |(concert, of, _)| (*concert, *of),
            ),
            schedules: self.schedules,
            archived: self.archived,
            log: self.log,
        }
    }
}

/// The seats that a paid reservation has or had, one for each of its tickets.
pub fn seats_since_paid(
    of: &Reservation,
) -> impl Iterator<Item = (ReservationId, ConcertId, ScheduleId, SeatId)> {
    let tickets = of.payment.iter().flat_map(|payment| &payment.tickets);
    tickets.map(|ticket| (of.id, of.concert, of.schedule, ticket.seat))
}

fn sorted<T, K: Ord>(rows: impl Iterator<Item = T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut rows: Vec<T> = rows.collect();
    rows.sort_by_key(key);
    rows
}
