//! The claims of fans on seats, as they were confirmed. The check from the outside that no seat is given to two fans,
//! whatever the server or its database believe.
//!
//! Always sound: a claim begins when the fan has read that the seat is theirs, and ends before they send anything that
//! could give it up. Two claims on one seat at the same time are therefore a fault of the server, never of timing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seats of all schedules of a run.
pub struct Claims {
    /// The claims by schedule; for each seat `FREE`, or the fan's number plus one, with `SOLD` once it is paid.
    seats: BTreeMap<u64, Vec<AtomicU64>>,
    doubled: AtomicU64,
}

const FREE: u64 = 0;
const SOLD: u64 = 1 << 63;

impl Claims {
    pub fn new(schedules: &[u64], seats: usize) -> Self {
        let free = || (0..seats).map(|_| AtomicU64::new(FREE)).collect();
        Self {
            seats: schedules.iter().map(|schedule| (*schedule, free())).collect(),
            doubled: AtomicU64::new(0),
        }
    }

    /// The seat was confirmed to be held by the fan. An error names the fan who has it already.
    pub fn hold(&self, schedule: u64, seat: u32, fan: usize) -> Result<(), String> {
        let mine = fan as u64 + 1;
        let before = self.seat(schedule, seat)?.swap(mine, Ordering::AcqRel);
        if before == FREE || before == mine {
            return Ok(());
        }
        self.doubled.fetch_add(1, Ordering::Relaxed);
        let (how, other) = if before & SOLD != 0 { ("sold to", before & !SOLD) } else { ("held by", before) };
        Err(format!(
            "seat {seat} of schedule {schedule} was given to fan {fan} and is {how} fan {}",
            other - 1
        ))
    }

    /// The seat was confirmed to be paid by the fan.
    pub fn sell(&self, schedule: u64, seat: u32, fan: usize) -> Result<(), String> {
        let mine = fan as u64 + 1;
        let before = self.seat(schedule, seat)?.swap(mine | SOLD, Ordering::AcqRel);
        if before == mine {
            return Ok(());
        }
        self.doubled.fetch_add(1, Ordering::Relaxed);
        Err(format!("seat {seat} of schedule {schedule} was sold to fan {fan}, who did not hold it alone"))
    }

    /// The fan is about to give the seat up, or to stop caring for it.
    pub fn let_go(&self, schedule: u64, seat: u32, fan: usize) {
        let mine = fan as u64 + 1;
        if let Ok(place) = self.seat(schedule, seat) {
            // Another fan who has it by now keeps it; that was reported when it happened.
            let _ = place.fetch_update(Ordering::AcqRel, Ordering::Acquire, |claim| {
                (claim & !SOLD == mine).then_some(FREE)
            });
        }
    }

    /// Seats that were given to two fans.
    pub fn doubled(&self) -> u64 {
        self.doubled.load(Ordering::Relaxed)
    }

    /// Seats that were confirmed as bought, and have not given back.
    pub fn sold(&self) -> u64 {
        let all = self.seats.values().flatten();
        all.filter(|claim| claim.load(Ordering::Acquire) & SOLD != 0).count() as u64
    }

    /// Seats that were confirmed as held, and not released since.
    pub fn held(&self) -> u64 {
        let held = |claim: &&AtomicU64| {
            let claim = claim.load(Ordering::Acquire);
            claim != FREE && claim & SOLD == 0
        };
        self.seats.values().flatten().filter(held).count() as u64
    }

    fn seat(&self, schedule: u64, seat: u32) -> Result<&AtomicU64, String> {
        self.seats
            .get(&schedule)
            .and_then(|seats| seats.get(seat as usize))
            .ok_or_else(|| format!("seat {seat} of schedule {schedule} does not exist"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_one_fans_at_a_time() {
        let claims = Claims::new(&[7], 3);
        assert!(claims.hold(7, 0, 1).is_ok());
        assert!(claims.hold(7, 0, 1).is_ok(), "holding one's own seat again changes nothing");
        assert!(claims.hold(7, 0, 2).unwrap_err().ends_with("held by fan 1"));
        assert_eq!(claims.doubled(), 1);

        assert!(claims.hold(7, 1, 1).is_ok());
        claims.let_go(7, 1, 1);
        assert!(claims.hold(7, 1, 2).is_ok());
        claims.let_go(7, 1, 1);
        assert!(claims.sell(7, 1, 2).is_ok(), "only its owner lets a seat go");
        assert!(claims.hold(7, 1, 3).unwrap_err().ends_with("sold to fan 2"));

        assert!(claims.sell(7, 2, 4).is_err(), "nobody pays what they do not hold");
        assert!(claims.hold(7, 3, 1).is_err() && claims.hold(8, 0, 1).is_err(), "there are no such seats");
        assert_eq!((claims.doubled(), claims.held(), claims.sold()), (3, 2, 1));
    }
}
