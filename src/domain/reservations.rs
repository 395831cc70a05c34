//! The reservations of a sale that are held, and those that ended lately.
//! Always: a user holds at most one reservation a schedule; each has its deadline. Not here: which seats are free.

use std::collections::{BTreeSet, HashMap};

use super::ids::{ReservationId, ScheduleId, UserId};
use super::recent::Recent;
use super::record::{PaymentSource, Reservation};
use super::time::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reservations {
    held: HashMap<ReservationId, Reservation>,
    held_by: HashMap<(UserId, ScheduleId), ReservationId>,
    deadlines: BTreeSet<(Timestamp, ReservationId)>,
    ended: Recent<ReservationId, Reservation>,
    /// The ended reservation that each `hold_best` request had led to.
    ended_best: Recent<(UserId, Box<str>), ReservationId>,
    /// The order that was made at the desk for each user.
    at_desk: Recent<UserId, ReservationId>,
}

impl Reservations {
    pub fn held(&self, id: ReservationId) -> Option<&Reservation> {
        self.held.get(&id)
    }

    pub fn held_by(&self, user: UserId, schedule: ScheduleId) -> Option<&Reservation> {
        self.held.get(self.held_by.get(&(user, schedule))?)
    }

    /// Paid, expired or cancelled, if that was lately.
    pub fn ended(&self, id: ReservationId) -> Option<&Reservation> {
        self.ended.get(&id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.held.values()
    }

    /// Adds or replaces a held reservation; gives back what it was.
    pub fn hold(&mut self, reservation: Reservation) -> Option<Reservation> {
        self.held_by.insert((reservation.user, reservation.schedule), reservation.id);
        self.deadlines.insert((reservation.expires_at, reservation.id));
        self.held.insert(reservation.id, reservation)
    }

    /// Takes a held reservation out; gives back what it was.
    pub fn unhold(&mut self, id: ReservationId) -> Option<Reservation> {
        let before = self.held.remove(&id)?;
        self.held_by.remove(&(before.user, before.schedule));
        self.deadlines.remove(&(before.expires_at, id));
        Some(before)
    }

    /// The reservation that a user's `hold_best` request led to, unless it ended long ago.
    pub fn of_best_request(
        &self,
        user: UserId,
        request_id: &str,
        held: &[ScheduleId],
    ) -> Option<&Reservation> {
        let asked = |r: &&Reservation| r.best_requests.iter().any(|b| &*b.request_id == request_id);
        let held = held.iter().filter_map(|schedule| self.held_by(user, *schedule)).find(asked);
        held.or_else(|| self.ended.get(self.ended_best.get(&(user, request_id.into()))?))
    }

    /// The order that was made at the desk for this user, if that, or something else about it, was lately.
    pub fn at_desk(&self, user: UserId) -> Option<&Reservation> {
        self.ended.get(self.at_desk.get(&user)?)
    }

    pub fn push_ended(&mut self, reservation: Reservation) {
        if is_of_desk(&reservation) {
            self.at_desk.push(reservation.user, reservation.id);
        }
        for request in &reservation.best_requests {
            self.ended_best.push((reservation.user, request.request_id.clone()), reservation.id);
        }
        self.ended.push(reservation.id, reservation);
    }

    pub fn pop_ended(&mut self) {
        let Some(reservation) = self.ended.pop() else { return };
        for _ in &reservation.best_requests {
            self.ended_best.pop();
        }
        if is_of_desk(&reservation) {
            self.at_desk.pop();
        }
    }

    pub fn trim_ended(&mut self, max: usize) {
        self.ended.trim(max);
        self.ended_best.trim(max);
        self.at_desk.trim(max);
    }

    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(due, _)| *due)
    }

    /// The reservation that is due first at `now`.
    pub fn due(&self, now: Timestamp) -> Option<ReservationId> {
        self.deadlines.first().filter(|(due, _)| *due <= now).map(|(_, id)| *id)
    }

    /// Held reservations of one schedule, at most `max`, those first whose time is over first.
    pub fn first_of(&self, schedule: ScheduleId, max: usize) -> Vec<Reservation> {
        let held = self.deadlines.iter().filter_map(|(_, id)| self.held.get(id));
        held.filter(|reservation| reservation.schedule == schedule).take(max).cloned().collect()
    }

    /// Proves what the head of this file says.
    pub fn check(&self) {
        assert_eq!(self.held.len(), self.held_by.len(), "one held reservation a user and schedule");
        assert_eq!(self.held.len(), self.deadlines.len(), "each has its deadline");
        for reservation in self.held.values() {
            assert!(self.deadlines.contains(&(reservation.expires_at, reservation.id)));
            assert_eq!(self.held_by.get(&(reservation.user, reservation.schedule)), Some(&reservation.id));
            assert!(!reservation.seats.is_empty(), "a held reservation has seats");
        }
    }
}

fn is_of_desk(reservation: &Reservation) -> bool {
    reservation.payment.as_ref().is_some_and(|payment| payment.source != PaymentSource::Wallet)
}
