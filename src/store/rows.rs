//! The rows that batches leave behind in each table, folded from their events: the last state of every row they touched.
//! A backend writes these in a few multi-row statements.
//!
//! Always: what others than a sale's lane write or rely on, and what money made, is written at once, in the transaction of
//! its batch. Places in line, seats and reservations follow, those of many batches together (`Rows::behind`).

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
    /// Where new ones lie among the sale's (`segments`).
    pub segment: u64,
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
    /// The rows that are written together with a batch's journal.
    pub fn at_once(batch: &'a Batch) -> Self {
        let mut fold = Fold::of(Part::AtOnce);
        for sale in &batch.sales {
            for (nr, event) in (0..).zip(&sale.events) {
                fold.event(Place { concert: sale.concert, seq: sale.seq, nr, at: batch.at }, event);
            }
        }
        fold.ledger.extend(&batch.charges);
        fold.rows()
    }

    /// The rows that follow, after all of these events of one sale, and after these ends of which the others say nothing.
    pub fn behind(
        concert: ConcertId,
        events: impl IntoIterator<Item = &'a Event>,
        ends: impl IntoIterator<Item = &'a Event>,
    ) -> Self {
        let mut fold = Fold::of(Part::Behind);
        // Nothing of it stands in a log, and so its place does not matter.
        let place = Place { concert, seq: 0, nr: 0, at: Timestamp::default() };
        events.into_iter().for_each(|event| fold.event(place, event));
        ends.into_iter().for_each(|event| fold.end(place, event));
        fold.rows()
    }

    /// Is there nothing to write?
    pub fn is_empty(&self) -> bool {
        let Self { tokens, seats, reservations, ended_reservations, reservation_seats, payments, .. } = self;
        let Self { ledger, settings, texts, prices, schedules, archived, log, .. } = self;
        tokens.is_empty()
            && seats.is_empty()
            && reservations.is_empty()
            && ended_reservations.is_empty()
            && reservation_seats.is_empty()
            && payments.is_empty()
            && ledger.is_empty()
            && settings.is_empty()
            && texts.is_empty()
            && prices.is_empty()
            && schedules.is_empty()
            && archived.is_empty()
            && log.is_empty()
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

/// Do the rows that an event changes all follow, and none is written together with its batch?
pub fn is_only_followed(event: &Event) -> bool {
    match event {
        Event::Joined(_)
        | Event::Admitted(_)
        | Event::TokenEnded(_)
        | Event::SeatsHeld { .. }
        | Event::SeatsReleased { .. }
        | Event::ReservationEnded { .. } => true,
        Event::SeatsRestricted(_)
        | Event::SeatsUnrestricted(_)
        | Event::Paid { .. }
        | Event::SoldAtDesk(_)
        | Event::Refunded(_)
        | Event::SeatMoved(_)
        | Event::Described(_)
        | Event::Repriced(_)
        | Event::ScheduleAdded(_)
        | Event::Rescheduled(_)
        | Event::CalledOff(_)
        | Event::Archived(_)
        | Event::SettingsChanged { .. } => false,
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

/// Which of the rows are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    AtOnce,
    Behind,
}

/// Who has a seat; `None`: it is free.
type Has = Option<(SeatStatus, ReservationId)>;

#[derive(Default)]
struct Fold<'a> {
    part: Part,
    tokens: HashMap<(ConcertId, EntryNo), &'a TokenRecord>,
    /// Each with the state of before the first change.
    seats: HashMap<(ScheduleId, SeatId), (SeatRow, Has)>,
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
    fn of(part: Part) -> Self {
        Self { part, ..Self::default() }
    }

    fn event(&mut self, place: Place, event: &'a Event) {
        match self.part {
            Part::AtOnce => self.at_once(place, event),
            Part::Behind => self.behind(place.concert, event),
        }
    }

    /// What an event changes of places in line, seats and reservations.
    fn behind(&mut self, concert: ConcertId, event: &'a Event) {
        let house = || Some((SeatStatus::Reserved, ReservationId::house(concert)));
        match event {
            Event::Joined(token) | Event::Admitted(token) | Event::TokenEnded(token) => {
                self.tokens.insert((concert, token.entry), token);
            }
            Event::SeatsHeld { reservation, seats, .. } => {
                self.seats(reservation, seats, None, Some(SeatStatus::TempReserved));
                self.reservations.insert(reservation.id, (reservation, false));
            }
            Event::SeatsReleased { reservation, seats } => {
                self.seats(reservation, seats, Some(SeatStatus::TempReserved), None);
                self.reservations.insert(reservation.id, (reservation, false));
            }
            Event::ReservationEnded { reservation, .. } => {
                self.seats(reservation, &reservation.seats, Some(SeatStatus::TempReserved), None);
                self.ended(reservation);
            }
            Event::Paid { reservation, .. } => {
                let (held, sold) = (Some(SeatStatus::TempReserved), Some(SeatStatus::Reserved));
                self.seats(reservation, &reservation.seats, held, sold);
                self.ended(reservation);
                self.paid.push(reservation.id);
            }
            Event::SoldAtDesk(SoldAtDesk { reservation, .. }) => {
                self.seats(reservation, &reservation.seats, None, Some(SeatStatus::Reserved));
                self.reservations.insert(reservation.id, (reservation, false));
                self.paid.push(reservation.id);
            }
            Event::Refunded(Refunded { reservation, seats, .. }) => {
                let sold = Some(SeatStatus::Reserved);
                if reservation.status == ReservationStatus::Cancelled {
                    self.seats(reservation, &reservation.seats, sold, None);
                    self.ended(reservation);
                } else {
                    self.seats(reservation, seats, sold, None);
                    self.reservations.insert(reservation.id, (reservation, false));
                }
            }
            Event::SeatMoved(SeatMoved { reservation, from, to, .. }) => {
                let (id, sold) = (reservation.id, Some(SeatStatus::Reserved));
                self.seats(reservation, &[*from], sold, None);
                self.seats(reservation, &[*to], None, sold);
                self.reservations.insert(id, (reservation, false));
                // A seat that it has again is written already.
                let of_seat = seats_since_paid(reservation).filter(|(.., seat)| seat == to).count();
                if of_seat == 1 && !self.paid.contains(&id) {
                    self.moved.push((id, concert, reservation.schedule, *to));
                }
            }
            Event::SeatsRestricted(of) => self.house_seats(concert, of, None, house()),
            Event::SeatsUnrestricted(of) => self.house_seats(concert, of, house(), None),
            Event::Described(_)
            | Event::Repriced(_)
            | Event::ScheduleAdded(_)
            | Event::Rescheduled(_)
            | Event::CalledOff(_)
            | Event::Archived(_)
            | Event::SettingsChanged { .. } => {}
        }
    }

    /// How something ends of whose beginning the tables do not have anything. Seats that came back were nobody's, as far as
    /// the tables know.
    fn end(&mut self, place: Place, event: &'a Event) {
        match event {
            Event::ReservationEnded { reservation, .. } => {
                self.reservations.insert(reservation.id, (reservation, false));
            }
            Event::Paid { reservation, .. } => {
                self.seats(reservation, &reservation.seats, None, Some(SeatStatus::Reserved));
                self.reservations.insert(reservation.id, (reservation, false));
                self.paid.push(reservation.id);
            }
            other => self.behind(place.concert, other),
        }
    }

    /// What an event changes of everything else.
    fn at_once(&mut self, place: Place, event: &'a Event) {
        let concert = place.concert;
        match event {
            Event::Joined(_)
            | Event::Admitted(_)
            | Event::TokenEnded(_)
            | Event::SeatsHeld { .. }
            | Event::SeatsReleased { .. }
            | Event::ReservationEnded { .. } => {}
            Event::Paid { reservation, ledger } => {
                self.payment(concert, reservation);
                self.ledger.push(ledger);
            }
            Event::SoldAtDesk(sold) => {
                self.payment(concert, &sold.reservation);
                self.log(place, Some(&sold.by), Changed::SoldAtDesk(sold));
            }
            Event::Refunded(Refunded { reservation, seats, amount, ledger, why, .. }) => {
                let is_all = reservation.status == ReservationStatus::Cancelled;
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
                self.payment(concert, &moved.reservation);
                self.log(place, Some(&moved.by), Changed::SeatMoved(moved));
            }
            Event::SeatsRestricted(kept) => {
                self.log(place, kept.by.as_ref(), Changed::Restricted(kept));
            }
            Event::SeatsUnrestricted(opened) => {
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

    /// Seats come to a reservation, or go, or are sold to it; `None`: they are free. The first change of a seat tells how it
    /// was before all.
    fn seats(
        &mut self,
        reservation: &'a Reservation,
        seats: &[SeatId],
        from: Option<SeatStatus>,
        to: Option<SeatStatus>,
    ) {
        let Reservation { concert, schedule, id, .. } = *reservation;
        let state = |status: Option<SeatStatus>| status.map(|status| (status, id));
        seats.iter().for_each(|seat| self.seat((concert, schedule, *seat), state(from), state(to)));
    }

    /// Notes what an operator changed; what comes about by itself is nobody's doing.
    fn log(&mut self, place: Place, by: Option<&'a Actor>, changed: Changed<'a>) {
        let Place { concert, seq, nr, at } = place;
        self.log.extend(by.map(|by| LogRow { concert, seq, nr, at, by, changed }));
    }

    /// The house keeps only what is free, and gives back only what it kept.
    fn house_seats(
        &mut self,
        concert: ConcertId,
        HouseSeats { schedule, seats, .. }: &HouseSeats,
        from: Has,
        to: Has,
    ) {
        seats.iter().for_each(|seat| self.seat((concert, *schedule, *seat), from, to));
    }

    fn seat(&mut self, (concert, schedule, seat): (ConcertId, ScheduleId, SeatId), from: Has, to: Has) {
        let (status, reservation) =
            to.map_or((SeatStatus::Available, None), |(status, by)| (status, Some(by)));
        let row = SeatRow { concert, schedule, seat, status, reservation };
        self.seats.entry((schedule, seat)).or_insert((row, from)).0 = row;
    }

    fn ended(&mut self, reservation: &'a Reservation) {
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
        // A seat that is again as it was is not written: an upsert counts only what it changes.
        let seats = self.seats.into_values().filter_map(|(row, before)| {
            let after = row.reservation.map(|by| (row.status, by));
            (before != after).then_some(SeatChange { row, before: before.map(|(_, by)| by) })
        });
        Rows {
            segment: 0,
            tokens: sorted(self.tokens.into_values(), |t| (t.concert, t.entry)),
            seats: sorted(seats, |s| (s.row.concert, s.row.schedule, s.row.seat)),
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
