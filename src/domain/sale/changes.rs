//! The changes of a sale, each beside what takes it back, and where the two are kept until a commit. Always: facts
//! change by `change` alone, and `undo` puts back everything since the last commit, the newest first. Not here:
//! whether something may happen.

use super::{LAPSES_KEPT_MAX, Sale, Step, Subject, ends_holds_at};
use crate::domain::concert::Texts;
use crate::domain::event::{
    By, Description, Event, HoldEnd, HouseSeats, Refunded, Repricing, Rescheduled, ScheduleAdded, SeatMoved,
};
use crate::domain::guest_holds::GuestHold;
use crate::domain::ids::{EntryNo, ReservationId, ScheduleId, SeatId, UserId};
use crate::domain::record::{Reservation, ReservationStatus, ScheduleState, TokenRecord, TokenStatus};
use crate::domain::rules::SaleSettings;
use crate::domain::seat_map::{SeatMap, SeatState};
use crate::domain::seat_plan::Money;
use crate::domain::time::{Now, Timestamp};
use crate::domain::waiting_room::{Holds, LiveToken};

/// The note that takes a change back.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Undo {
    Joined(EntryNo),
    Admitted { entry: EntryNo, before: LiveToken, at: Timestamp },
    TokenEnded { entry: EntryNo, before: LiveToken, done: bool },
    SeatsHeld { seats: Seats, held: Held, holds: Option<Holds> },
    SeatsReleased { seats: Seats, held: Held },
    HoldEnded { seats: Seats, held: Held, holds: Option<Holds>, lapsed: bool },
    SoldAtDesk(Seats),
    Refunded(Seats),
    SeatMoved { from: Seats, to: Seats },
    House { schedule: ScheduleId, before: Vec<(SeatId, SeatState)> },
    Prices { schedule: ScheduleId, before: Vec<(u16, Money)>, changed: Option<(By, Timestamp)> },
    Texts(Texts, Option<(By, Timestamp)>),
    Rescheduled { schedule: ScheduleId, before: Timestamp, changed: Option<(By, Timestamp)> },
    ScheduleAdded(ScheduleId),
    CalledOff(ScheduleId),
    Archived,
    Settings(Box<SaleSettings>, Option<(By, Timestamp)>),
}

/// The former state of some seats.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seats {
    schedule: ScheduleId,
    /// The user who had them, or got them.
    user: UserId,
    before: Vec<(SeatId, SeatState)>,
}

/// The former state of a held reservation; `None`: it was not there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    id: ReservationId,
    user: UserId,
    before: Option<Reservation>,
}

/// The seats that its user has more when one of them is `after` and was `before`.
fn gained(before: SeatState, after: SeatState) -> i32 {
    i32::from(after.is_taken()) - i32::from(before.is_taken())
}

impl Sale {
    /// Makes something happen. The only way in which facts change.
    pub(super) fn change(&mut self, step: &mut Step<'_>, event: Event) {
        let now = step.now;
        let undo = match &event {
            Event::Joined(record) => self.apply_joined(record, now),
            Event::Admitted(record) => self.apply_admitted(record, now),
            Event::TokenEnded(record) => self.apply_token_ended(record),
            Event::SeatsHeld { reservation, seats, opened, .. } => {
                self.apply_seats_held(reservation, seats, *opened)
            }
            Event::SeatsReleased { reservation, seats } => self.apply_seats_released(reservation, seats),
            Event::ReservationEnded { reservation, why } => {
                self.apply_hold_ended(reservation, SeatState::Available, *why == HoldEnd::HoldTime)
            }
            Event::Paid { reservation, .. } => {
                self.apply_hold_ended(reservation, SeatState::Sold(reservation.id), false)
            }
            Event::SoldAtDesk(sold) => self.apply_sold_at_desk(&sold.reservation),
            Event::Refunded(Refunded { reservation, seats, .. }) => self.apply_refunded(reservation, seats),
            Event::SeatMoved(moved) => self.apply_seat_moved(moved),
            Event::SeatsRestricted(kept) => self.apply_house_seats(kept, SeatState::Restricted),
            Event::SeatsUnrestricted(opened) => self.apply_house_seats(opened, SeatState::Available),
            Event::Described(Description { after, by, .. }) => {
                self.apply_texts(after.clone(), Some((By::Actor(by.clone()), now.utc)))
            }
            Event::Repriced(Repricing { schedule, changed, by, .. }) => {
                let prices: Vec<_> = changed.iter().map(|of| (of.category, of.after)).collect();
                self.apply_prices(*schedule, &prices, Some((By::Actor(by.clone()), now.utc)))
            }
            Event::ScheduleAdded(added) => self.apply_schedule_added(added),
            Event::Rescheduled(moved) => self.apply_rescheduled(moved, now),
            Event::CalledOff(off) => self.apply_called_off(off.schedule),
            Event::Archived(archived) => {
                self.archived = Some(archived.at);
                Undo::Archived
            }
            Event::SettingsChanged { after, by, .. } => {
                self.apply_settings((**after).clone(), Some((by.clone(), now.utc)))
            }
        };
        self.undo.push(undo);
        step.events.push(event);
    }

    fn undo_one(&mut self, undo: Undo) {
        match undo {
            Undo::Joined(entry) => self.undo_joined(entry),
            Undo::Admitted { entry, before, .. } => self.undo_admitted(entry, before),
            Undo::TokenEnded { entry, before, done } => self.undo_token_ended(entry, before, done),
            Undo::SeatsHeld { seats, held, holds } => self.undo_seats_held(seats, held, holds),
            Undo::SeatsReleased { seats, held } => self.undo_seats_released(seats, held),
            Undo::HoldEnded { seats, held, holds, lapsed } => {
                self.undo_hold_ended(seats, held, holds, lapsed);
            }
            Undo::SoldAtDesk(seats) => self.undo_sold_at_desk(seats),
            Undo::Refunded(seats) => self.undo_refunded(seats),
            Undo::SeatMoved { from, to } => self.undo_seat_moved(from, to),
            Undo::House { schedule, before } => self.undo_house_seats(schedule, before),
            Undo::Prices { schedule, before, changed } => {
                drop(self.apply_prices(schedule, &before, changed));
            }
            Undo::Texts(before, changed) => drop(self.apply_texts(before, changed)),
            Undo::Rescheduled { schedule, before, changed } => {
                self.undo_rescheduled(schedule, before, changed);
            }
            Undo::ScheduleAdded(schedule) => self.undo_schedule_added(schedule),
            Undo::CalledOff(schedule) => self.undo_called_off(schedule),
            // Of what is archived already nothing changes.
            Undo::Archived => self.archived = None,
            Undo::Settings(before, changed) => drop(self.apply_settings(*before, changed)),
        }
    }

    /// Everything decided so far is about to be committed; what is decided from now on is not part of that.
    pub fn seal(&mut self) {
        self.sealed = Some(self.undo.len());
    }

    /// Everything sealed is durable now; without a seal, everything since the last commit.
    pub fn commit(&mut self, ended_kept_max: usize) {
        let sealed = self.sealed.take().unwrap_or(self.undo.len());
        for undo in self.undo.drain(..sealed) {
            // Admissions that stay are all that counts for the rate: one that passed out of its window cannot be
            // brought back.
            if let Undo::Admitted { at, .. } = undo {
                self.room.note_admission(at);
            }
        }
        self.room.trim_ended(ended_kept_max);
        self.reservations.trim_ended(ended_kept_max);
        self.lapses.trim(LAPSES_KEPT_MAX);
    }

    /// Takes everything since the last commit back, sealed or not, but for presence and activity: they are no facts,
    /// and who is gone stays gone.
    pub fn undo(&mut self) {
        self.sealed = None;
        while let Some(undo) = self.undo.pop() {
            self.undo_one(undo);
        }
    }

    /// Is there nothing that could be taken back?
    pub fn is_committed(&self) -> bool {
        self.undo.is_empty()
    }

    // A token joined.

    fn apply_joined(&mut self, record: &TokenRecord, now: Now) -> Undo {
        self.room.join(record, now.sale, &self.rules);
        Undo::Joined(record.entry)
    }

    fn undo_joined(&mut self, entry: EntryNo) {
        self.room.undo_join(entry);
    }

    // A token was let in.

    fn apply_admitted(&mut self, record: &TokenRecord, now: Now) -> Undo {
        let before = self.room.admit(record, now.sale, &self.rules);
        Undo::Admitted { entry: record.entry, before, at: now.utc }
    }

    fn undo_admitted(&mut self, entry: EntryNo, before: LiveToken) {
        self.room.put_back(entry, before, &self.rules);
    }

    // A token ended.

    fn apply_token_ended(&mut self, record: &TokenRecord) -> Undo {
        let before = self.room.end(record);
        let done = record.status == TokenStatus::Done;
        *self.count_of(done) += 1;
        Undo::TokenEnded { entry: record.entry, before, done }
    }

    fn undo_token_ended(&mut self, entry: EntryNo, before: LiveToken, done: bool) {
        *self.count_of(done) -= 1;
        self.room.undo_end(entry, before, &self.rules);
    }

    fn count_of(&mut self, done: bool) -> &mut u64 {
        if done { &mut self.done } else { &mut self.expired }
    }

    // Seats joined a reservation.

    fn apply_seats_held(&mut self, reservation: &Reservation, seats: &[SeatId], opened: bool) -> Undo {
        let seats = self.set_seats(reservation, seats, SeatState::Held(reservation.id));
        let held = self.set_held(reservation);
        let one_more = |holds: Holds| Holds { open: holds.open + 1, ..holds };
        let holds = opened.then(|| self.room.change_holds(reservation.user, &self.rules, one_more)).flatten();
        Undo::SeatsHeld { seats, held, holds }
    }

    fn undo_seats_held(&mut self, seats: Seats, held: Held, holds: Option<Holds>) {
        self.reset_holds(held.user, holds);
        self.reset_held(held);
        self.reset_seats(seats);
    }

    // Some of a reservation's seats were given back.

    fn apply_seats_released(&mut self, reservation: &Reservation, seats: &[SeatId]) -> Undo {
        let seats = self.set_seats(reservation, seats, SeatState::Available);
        Undo::SeatsReleased { seats, held: self.set_held(reservation) }
    }

    fn undo_seats_released(&mut self, seats: Seats, held: Held) {
        self.reset_held(held);
        self.reset_seats(seats);
    }

    // A reservation is held no more: it was paid, or ended unpaid.

    fn apply_hold_ended(
        &mut self,
        reservation: &Reservation,
        seats_become: SeatState,
        ran_out: bool,
    ) -> Undo {
        let seats = self.set_seats(reservation, &reservation.seats, seats_become);
        self.guests.set(reservation.id, None);
        let before = self.reservations.unhold(reservation.id).expect("only a held reservation ends");
        let held = Held { id: reservation.id, user: reservation.user, before: Some(before) };
        self.reservations.push_ended(reservation.clone());
        let one_less =
            |holds: Holds| Holds { open: holds.open.saturating_sub(1), ran_out: holds.ran_out || ran_out };
        let holds = self.room.change_holds(reservation.user, &self.rules, one_less);
        let lapsed = reservation.status == ReservationStatus::Expired;
        if lapsed {
            self.lapses.note(reservation);
        }
        Undo::HoldEnded { seats, held, holds, lapsed }
    }

    fn undo_hold_ended(&mut self, seats: Seats, held: Held, holds: Option<Holds>, lapsed: bool) {
        if lapsed {
            self.lapses.undo_note();
        }
        self.reset_holds(held.user, holds);
        self.reservations.pop_ended();
        self.reset_held(held);
        self.reset_seats(seats);
    }

    // Seats were sold at the desk, at once: nobody held them.

    fn apply_sold_at_desk(&mut self, reservation: &Reservation) -> Undo {
        let seats = self.set_seats(reservation, &reservation.seats, SeatState::Sold(reservation.id));
        self.reservations.push_ended(reservation.clone());
        Undo::SoldAtDesk(seats)
    }

    fn undo_sold_at_desk(&mut self, seats: Seats) {
        self.reservations.pop_ended();
        self.reset_seats(seats);
    }

    // Seats of a paid reservation were given back.

    fn apply_refunded(&mut self, reservation: &Reservation, seats: &[SeatId]) -> Undo {
        let seats = self.set_seats(reservation, seats, SeatState::Available);
        self.reservations.push_ended(reservation.clone());
        Undo::Refunded(seats)
    }

    fn undo_refunded(&mut self, seats: Seats) {
        self.reservations.pop_ended();
        self.reset_seats(seats);
    }

    // A seat of a paid reservation became another one.

    fn apply_seat_moved(&mut self, SeatMoved { reservation, from, to, .. }: &SeatMoved) -> Undo {
        let to = self.set_seats(reservation, &[*to], SeatState::Sold(reservation.id));
        let from = self.set_seats(reservation, &[*from], SeatState::Available);
        self.reservations.push_ended(reservation.clone());
        Undo::SeatMoved { from, to }
    }

    fn undo_seat_moved(&mut self, from: Seats, to: Seats) {
        self.reservations.pop_ended();
        self.reset_seats(from);
        self.reset_seats(to);
    }

    // The house keeps seats, or keeps them no more. They are nobody's before and after.

    fn apply_house_seats(
        &mut self,
        HouseSeats { schedule, seats, .. }: &HouseSeats,
        state: SeatState,
    ) -> Undo {
        let map = self.schedules.get_mut(schedule).expect("its schedule is one of the sale's");
        let before = seats.iter().map(|seat| (*seat, map.set(*seat, state))).collect();
        Undo::House { schedule: *schedule, before }
    }

    fn undo_house_seats(&mut self, schedule: ScheduleId, before: Vec<(SeatId, SeatState)>) {
        if let Some(map) = self.schedules.get_mut(&schedule) {
            for (seat, state) in before.into_iter().rev() {
                map.set(seat, state);
            }
        }
    }

    // Prices of free seats were changed; putting the old ones back is the same again.

    fn apply_prices(
        &mut self,
        schedule: ScheduleId,
        prices: &[(u16, Money)],
        changed: Option<(By, Timestamp)>,
    ) -> Undo {
        let map = self.schedules.get_mut(&schedule).expect("its schedule is one of the sale's");
        let before = map.set_prices(prices);
        Undo::Prices { schedule, before, changed: self.note_change(Subject::Prices(schedule), changed) }
    }

    // What is said of the concert was changed; putting the old texts back is the same again.

    fn apply_texts(&mut self, texts: Texts, changed: Option<(By, Timestamp)>) -> Undo {
        let before = std::mem::replace(&mut self.texts, texts);
        Undo::Texts(before, self.note_change(Subject::Texts, changed))
    }

    // There is another performance.

    fn apply_schedule_added(&mut self, added: &ScheduleAdded) -> Undo {
        let plan = self.schedules.values().next().expect("a sale has a performance").plan().clone();
        let mut seats = SeatMap::new(plan, added.starts_at, ScheduleState::Planned);
        seats.set_prices(&added.own_prices());
        self.schedules.insert(added.schedule, seats);
        self.reorder_starts(added.schedule);
        Undo::ScheduleAdded(added.schedule)
    }

    fn undo_schedule_added(&mut self, schedule: ScheduleId) {
        self.starts.retain(|(_, id)| *id != schedule);
        self.schedules.remove(&schedule);
    }

    // A performance begins at another time.

    fn apply_rescheduled(&mut self, Rescheduled { schedule, after, by, .. }: &Rescheduled, now: Now) -> Undo {
        let before = self.start_at(*schedule, *after);
        let by = By::Actor(by.clone());
        let changed = self.note_change(Subject::Start(*schedule), Some((by, now.utc)));
        Undo::Rescheduled { schedule: *schedule, before, changed }
    }

    fn undo_rescheduled(
        &mut self,
        schedule: ScheduleId,
        before: Timestamp,
        changed: Option<(By, Timestamp)>,
    ) {
        self.start_at(schedule, before);
        self.note_change(Subject::Start(schedule), changed);
    }

    /// Gives back when it started before.
    fn start_at(&mut self, schedule: ScheduleId, starts_at: Timestamp) -> Timestamp {
        let map = self.schedules.get_mut(&schedule).expect("its schedule is one of the sale's");
        let before = map.starts_at();
        map.set_starts_at(starts_at);
        self.reorder_starts(schedule);
        before
    }

    // A performance is called off.

    fn apply_called_off(&mut self, schedule: ScheduleId) -> Undo {
        self.set_schedule_state(schedule, ScheduleState::CalledOff);
        Undo::CalledOff(schedule)
    }

    fn undo_called_off(&mut self, schedule: ScheduleId) {
        self.set_schedule_state(schedule, ScheduleState::Planned);
    }

    fn set_schedule_state(&mut self, schedule: ScheduleId, state: ScheduleState) {
        let map = self.schedules.get_mut(&schedule).expect("its schedule is one of the sale's");
        map.set_state(state);
        self.reorder_starts(schedule);
    }

    /// The time that ends what is held of this performance is another one.
    fn reorder_starts(&mut self, schedule: ScheduleId) {
        self.starts.retain(|(_, id)| *id != schedule);
        self.starts.push((ends_holds_at(&self.schedules[&schedule]), schedule));
        self.starts.sort_unstable();
    }

    // The sale was changed; putting the old settings back is the same again.

    fn apply_settings(&mut self, settings: SaleSettings, changed: Option<(By, Timestamp)>) -> Undo {
        let before = std::mem::replace(&mut self.settings, settings);
        let changed_before = self.note_change(Subject::Settings, changed);
        self.rules = self.settings.own.over(&self.defaults);
        self.room.rekey_visits(&self.rules);
        Undo::Settings(Box::new(before), changed_before)
    }

    // Parts that several changes share.

    /// Notes who changed something, and gives back who did before.
    fn note_change(&mut self, of: Subject, by: Option<(By, Timestamp)>) -> Option<(By, Timestamp)> {
        match by {
            Some(by) => self.changes.insert(of, by),
            None => self.changes.remove(&of),
        }
    }

    /// Seats that are free come to the reservation's user by it, and others go, or stay theirs.
    fn set_seats(&mut self, of: &Reservation, seats: &[SeatId], state: SeatState) -> Seats {
        let (schedule, user) = (of.schedule, of.user);
        let map = self.schedules.get_mut(&schedule).expect("a reservation's schedule is one of the sale's");
        let before: Vec<_> = seats.iter().map(|seat| (*seat, map.set(*seat, state))).collect();
        self.user_seats.change(user, before.iter().map(|(_, before)| gained(*before, state)).sum());
        Seats { schedule, user, before }
    }

    fn reset_seats(&mut self, Seats { schedule, user, before }: Seats) {
        if let Some(map) = self.schedules.get_mut(&schedule) {
            let back = before.into_iter().rev().map(|(seat, state)| gained(map.set(seat, state), state));
            self.user_seats.change(user, back.sum());
        }
    }

    fn set_held(&mut self, reservation: &Reservation) -> Held {
        let id = reservation.id;
        self.guests.set(id, GuestHold::of(reservation));
        let before = self.reservations.hold(reservation.clone());
        Held { id, user: reservation.user, before }
    }

    fn reset_held(&mut self, held: Held) {
        self.guests.set(held.id, held.before.as_ref().and_then(GuestHold::of));
        match held.before {
            Some(before) => drop(self.reservations.hold(before)),
            None => drop(self.reservations.unhold(held.id)),
        }
    }

    fn reset_holds(&mut self, user: UserId, holds: Option<Holds>) {
        if let Some(before) = holds {
            self.room.change_holds(user, &self.rules, |_| before);
        }
    }
}
