//! Holds that ran out unpaid, by user: who let a seat go so does not hold it again for a while, and the longer the more
//! often they did, so that nobody keeps a house for nothing by holding it again and again.
//! Always: in the order of their ends, none older than `REMEMBERED` behind the newest; bounded. Known from the rows of
//! expired reservations after a restart. Not here: how long the while is.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::ids::{ScheduleId, SeatId, UserId};
use super::record::Reservation;
use super::time::Timestamp;

/// The time after which a hold that ran out is forgotten. No wait is longer.
pub const REMEMBERED: Duration = Duration::from_secs(60 * 60);
/// The number of times that the wait doubles: from a minute to a quarter of an hour.
const DOUBLINGS_MAX: u32 = 4;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lapses {
    of: HashMap<UserId, VecDeque<Lapse>>,
    /// The owner of each lapse, the next one to forget first; as many as there are.
    order: VecDeque<(Timestamp, UserId)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Lapse {
    /// UTC: a wait goes on while the server is down.
    at: Timestamp,
    schedule: ScheduleId,
    seats: Box<[SeatId]>,
}

/// Seats that a user may not hold yet, and from when on all of them may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    seats: Vec<SeatId>,
    /// The time until which each seat has to wait.
    until: HashMap<SeatId, Timestamp>,
}

impl Lapses {
    /// A reservation expired.
    pub fn note(&mut self, expired: &Reservation) {
        let Some(at) = expired.ended_at else { return };
        let lapse = Lapse { at, schedule: expired.schedule, seats: expired.seats.as_slice().into() };
        self.of.entry(expired.user).or_default().push_back(lapse);
        self.order.push_back((at, expired.user));
    }

    /// Takes the newest back.
    pub fn undo_note(&mut self) {
        let Some((_, user)) = self.order.pop_back() else { return };
        if let Some(own) = self.of.get_mut(&user) {
            own.pop_back();
            if own.is_empty() {
                self.of.remove(&user);
            }
        }
    }

    /// Forgets what is too old, and the oldest beyond `max`.
    pub fn trim(&mut self, max: usize) {
        let Some((newest, _)) = self.order.back().copied() else { return };
        while let Some((at, user)) = self.order.front().copied() {
            if self.order.len() <= max && newest.since(at) < REMEMBERED {
                break;
            }
            self.order.pop_front();
            if let Some(own) = self.of.get_mut(&user) {
                own.pop_front();
                if own.is_empty() {
                    self.of.remove(&user);
                }
            }
        }
    }

    /// The seats that this user has to wait for in a performance, when the first wait is `after`. `None`: nothing.
    pub fn waits_of(
        &self,
        user: UserId,
        schedule: ScheduleId,
        now: Timestamp,
        after: Duration,
    ) -> Option<Waits> {
        // An end that lies ahead is a clock that was set back: nobody waits for that.
        let own = self.of.get(&user).filter(|_| !after.is_zero())?;
        let lately = || own.iter().filter(|lapse| lapse.at <= now && now.since(lapse.at) < REMEMBERED);
        let times = u32::try_from(lately().count()).unwrap_or(u32::MAX);
        let wait = wait_after(after, times);
        let mut until: HashMap<SeatId, Timestamp> = HashMap::new();
        for lapse in lately().filter(|lapse| lapse.schedule == schedule && lapse.at + wait > now) {
            until.extend(lapse.seats.iter().map(|seat| (*seat, lapse.at + wait)));
        }
        (!until.is_empty()).then(|| Waits { seats: until.keys().copied().collect(), until })
    }
}

/// The wait after a hold that ran out, when `times` of them did lately.
fn wait_after(after: Duration, times: u32) -> Duration {
    after.saturating_mul(1 << times.saturating_sub(1).min(DOUBLINGS_MAX)).min(REMEMBERED)
}

impl Waits {
    /// Those that have to wait, in no order.
    pub fn seats(&self) -> &[SeatId] {
        &self.seats
    }

    /// Those of these seats that have to wait, and until when.
    pub fn among(&self, wanted: &[SeatId]) -> Option<(Vec<SeatId>, Timestamp)> {
        let seats: Vec<SeatId> =
            wanted.iter().copied().filter(|seat| self.until.contains_key(seat)).collect();
        let until = seats.iter().filter_map(|seat| self.until.get(seat)).max()?;
        Some((seats, *until))
    }
}
