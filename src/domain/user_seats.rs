//! The number of seats of a sale that each user has, held and bought together, in all of its performances. Always: a seat
//! counts while a held reservation holds it, or once it is bought and not given back. Not here: how many somebody may
//! have.

use std::collections::HashMap;

use super::ids::UserId;
use super::record::Reservation;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UserSeats {
    /// Nobody without seats.
    seats: HashMap<UserId, u32>,
}

impl UserSeats {
    pub fn of(&self, user: UserId) -> u32 {
        self.seats.get(&user).copied().unwrap_or(0)
    }

    /// A user has so many more, or fewer.
    pub fn change(&mut self, user: UserId, by: i32) {
        if by == 0 {
            return;
        }
        let seats = self.seats.entry(user).or_default();
        *seats = seats.saturating_add_signed(by);
        if *seats == 0 {
            self.seats.remove(&user);
        }
    }

    /// Proves what the head of this file says; `taken` is how many seats are not free.
    pub fn check<'r>(&self, held: impl Iterator<Item = &'r Reservation>, taken: u64) {
        let all: u64 = self.seats.values().map(|seats| u64::from(*seats)).sum();
        assert_eq!(all, taken, "each seat that is not free is somebody's");
        let mut held_by: HashMap<UserId, u32> = HashMap::new();
        for reservation in held {
            *held_by.entry(reservation.user).or_default() += reservation.seats.len() as u32;
        }
        for (user, seats) in held_by {
            assert!(seats <= self.of(user), "user {user} holds {seats} seats and has {}", self.of(user));
        }
    }
}
