//! A seat whose hold ran out unpaid is not held again by the same user for a while: of every seat who let it run out
//! lately, and who held it again.
//!
//! Only what rows say is judged: how long the while was if the sale's operator set it, and nothing where it was the
//! run's own or older than the rule. Not here: that it grows when it happens again.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde_json::Value;

use crate::domain::ids::{ReservationId, ScheduleId, SeatId, UserId};
use crate::domain::lapses::REMEMBERED;
use crate::domain::sale::LAPSES_KEPT_MAX;
use crate::domain::time::Timestamp;
use crate::store::journal::{SeatsChange, SeatsEntry};

#[derive(Default)]
pub struct HeldAgain {
    /// The lapses of each seat, the oldest first.
    lapses: HashMap<(ScheduleId, SeatId), VecDeque<Lapse>>,
    /// The number of holds that ran out so far: a server remembers only so many.
    count: usize,
    /// The operator's last setting; `None`: there was none so far.
    set: Option<Option<Duration>>,
    /// The setting before the first time.
    first: Option<Option<Duration>>,
    found: Vec<Again>,
}

struct Lapse {
    user: UserId,
    reservation: ReservationId,
    /// The time at which it was written, which is no earlier than when it came about.
    at: Timestamp,
    number: usize,
}

/// A seat that was held again by who had let it run out.
#[derive(Clone, Copy)]
pub struct Again {
    pub seat: (ScheduleId, SeatId),
    pub user: UserId,
    pub lapsed: ReservationId,
    /// The time at which it was written, which is no earlier than when it was decided.
    pub at: Timestamp,
    /// The time that it should have lasted, if that was set by then.
    after: Option<Option<Duration>>,
}

impl HeldAgain {
    pub fn set(&mut self, before: &Value, after: &Value) {
        let own = |settings: &Value| settings["hold_again_after_ms"].as_u64().map(Duration::from_millis);
        self.first.get_or_insert(own(before));
        self.set = Some(own(after));
    }

    pub fn change(&mut self, at: Timestamp, change: &SeatsEntry) {
        match &change.change {
            SeatsChange::Hold { .. } | SeatsChange::Add { .. } => self.held(at, change),
            SeatsChange::Lapse { why, .. } if matches!(&**why, "hold_time" | "idle") => {
                self.count += 1;
                for &seat in &change.seats {
                    let of_seat = self.lapses.entry((change.schedule, seat)).or_default();
                    while of_seat.front().is_some_and(|lapse| lapse.at + REMEMBERED < at) {
                        of_seat.pop_front();
                    }
                    let (user, reservation) = (change.user, change.reservation);
                    of_seat.push_back(Lapse { user, reservation, at, number: self.count });
                }
            }
            _ => {}
        }
    }

    fn held(&mut self, at: Timestamp, change: &SeatsEntry) {
        for &seat in &change.seats {
            let seat = (change.schedule, seat);
            let Some(of_seat) = self.lapses.get(&seat) else { continue };
            let own = of_seat.iter().rev().find(|lapse| lapse.user == change.user);
            let Some(lapse) = own.filter(|lapse| self.count - lapse.number < LAPSES_KEPT_MAX) else {
                continue;
            };
            let again = Again { seat, user: change.user, lapsed: lapse.reservation, at, after: self.set };
            // The wait is over by then, whatever was set.
            if at < lapse.at + REMEMBERED {
                self.found.push(again);
            }
        }
    }

    /// Those who came too early. `own` is what is set now, `ended_at` when a reservation ran out.
    pub fn too_early(
        &self,
        own: Option<Duration>,
        ended_at: impl Fn(ReservationId) -> Option<Timestamp>,
    ) -> impl Iterator<Item = (Again, Duration)> {
        let first = self.first.unwrap_or(own);
        self.found.iter().filter_map(move |again| {
            let after = again.after.unwrap_or(first)?.min(REMEMBERED);
            let ended_at = ended_at(again.lapsed)?;
            // A lapse that lies ahead ran out before the machine's clock was set back: nobody waits for that.
            (again.at >= ended_at && again.at < ended_at + after).then_some((*again, after))
        })
    }
}
