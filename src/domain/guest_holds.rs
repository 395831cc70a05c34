//! The unpaid seats of guests, by the address that they came from: one person may be many guests.
//! Always: the seats of an address are those of its held reservations, which say where their guests came from, so that a
//! restart forgets nothing. Not here: how many there may be.

use std::collections::HashMap;

use super::ids::{AddressBlock, ReservationId, ScheduleId};
use super::record::Reservation;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GuestHolds {
    held: HashMap<ReservationId, GuestHold>,
    /// The sums of `held`.
    seats: HashMap<(ScheduleId, AddressBlock), u64>,
}

/// A held reservation of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GuestHold {
    pub schedule: ScheduleId,
    pub block: AddressBlock,
    pub seats: u64,
}

impl GuestHold {
    pub fn of(held: &Reservation) -> Option<Self> {
        let seats = held.seats.len() as u64;
        held.guest_of.map(|block| Self { schedule: held.schedule, block, seats })
    }
}

impl GuestHolds {
    /// The seats that guests of an address hold in a performance, but for this reservation.
    pub fn seats_besides(
        &self,
        schedule: ScheduleId,
        block: AddressBlock,
        own: Option<ReservationId>,
    ) -> u64 {
        let all = self.seats.get(&(schedule, block)).copied().unwrap_or(0);
        let own = own.and_then(|id| self.held.get(&id)).filter(|hold| hold.block == block);
        all - own.map_or(0, |hold| hold.seats)
    }

    /// Says what a reservation is from now on; gives back what it was.
    pub fn set(&mut self, id: ReservationId, hold: Option<GuestHold>) -> Option<GuestHold> {
        let before = match hold {
            Some(hold) => self.held.insert(id, hold),
            None => self.held.remove(&id),
        };
        if let Some(GuestHold { schedule, block, seats }) = before
            && let Some(sum) = self.seats.get_mut(&(schedule, block))
        {
            *sum -= seats;
            if *sum == 0 {
                self.seats.remove(&(schedule, block));
            }
        }
        if let Some(GuestHold { schedule, block, seats }) = hold {
            *self.seats.entry((schedule, block)).or_default() += seats;
        }
        before
    }

    /// Proves what the head of this file says.
    pub fn check<'r>(&self, held: impl Iterator<Item = &'r Reservation>) {
        let mut anew = Self::default();
        for reservation in held {
            anew.set(reservation.id, GuestHold::of(reservation));
        }
        assert_eq!(*self, anew, "the seats of guests by address");
    }
}
