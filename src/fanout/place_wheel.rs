//! The places of those who wait, published about every clamp(position / 100, 1, 60) s to every connection of their user,
//! if they changed. A user may stand in several lines.
//! One wheel for all, because a timer each costs more than what it publishes.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Fanout, Queued};
use crate::clock::Clock;
use crate::domain::command::Place;
use crate::domain::record::TokenRecord;
use crate::domain::time::Timestamp;

/// The wheel turns by one slot in this time.
const TICK: Duration = Duration::from_secs(1);
const INTERVAL_MAX_SECONDS: u64 = 60;
/// A place is published at once when it moves for those in front; further back every 100 places add a second.
const PLACES_PER_SECOND: u64 = 100;
const SLOTS: usize = INTERVAL_MAX_SECONDS as usize + 1;

pub(super) struct PlaceWheel {
    slots: Mutex<Slots>,
}

struct Slots {
    next: usize,
    last_id: u64,
    followed: Vec<Vec<Follower>>,
}

/// One following of a place, so that whoever goes and comes back is not followed twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FollowerId(u64);

struct Follower {
    id: FollowerId,
    record: TokenRecord,
    /// The place that was published last: the position, and whether there was anything left to wait for.
    position: u64,
    sold_out: bool,
}

impl Default for PlaceWheel {
    fn default() -> Self {
        let followed = (0..SLOTS).map(|_| Vec::new()).collect();
        Self { slots: Mutex::new(Slots { next: 0, last_id: 0, followed }) }
    }
}

impl PlaceWheel {
    /// The user knows `place`; from now on its changes are published. `None`: it is no place in a line.
    pub(super) fn follow(&self, place: &Place) -> Option<FollowerId> {
        let line = place.line?;
        let mut slots = self.slots.lock();
        slots.last_id += 1;
        let id = FollowerId(slots.last_id);
        let (record, position, sold_out) = (place.record.clone(), line.position, place.sold_out);
        slots.put(Follower { id, record, position, sold_out });
        Some(id)
    }

    fn turn(&self) -> Vec<Follower> {
        let mut slots = self.slots.lock();
        let next = slots.next;
        slots.next = (next + 1) % SLOTS;
        std::mem::take(&mut slots.followed[next])
    }
}

impl Fanout {
    /// Publishes the changed places of one slot's followers, and puts them back where they are due next.
    fn turn_wheel(&self, steady: Timestamp) {
        let due = self.wheel.turn();
        // However this turn ends, those whose turn it was have another one.
        let slots = &self.wheel.slots;
        let mut turn = Turn { slots, again: Vec::with_capacity(due.len()), due: due.into_iter() };
        let Turn { again, due, .. } = &mut turn;
        for mut follower in due {
            let TokenRecord { concert, user, .. } = follower.record;
            let Some(connected) = self.users.get(&user) else { continue };
            let is_this = |of: &Queued| (of.concert, of.follower) == (concert, Some(follower.id));
            if !connected.queued.iter().any(is_this) {
                continue;
            }
            // A sale that is being rebuilt may come back, with the same line.
            let Some(view) = self.any_sale(concert) else {
                again.push(follower);
                continue;
            };
            let Some(place) = view.place_in_line(&follower.record, view.now(steady)) else { continue };
            let Some(line) = place.line else { continue };
            // Nothing moves in a full house; that it is full is the last that those who wait need to know.
            if line.position != follower.position || place.sold_out != follower.sold_out {
                follower.position = line.position;
                follower.sold_out = place.sold_out;
                connected.connections.iter().for_each(|subscriber| subscriber.offer_place(place.clone()));
            }
            again.push(follower);
        }
    }
}

/// One slot's followers on their way back into the wheel.
struct Turn<'w> {
    slots: &'w Mutex<Slots>,
    again: Vec<Follower>,
    due: std::vec::IntoIter<Follower>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut slots = self.slots.lock();
        self.again.drain(..).chain(self.due.by_ref()).for_each(|follower| slots.put(follower));
    }
}

impl Slots {
    fn put(&mut self, follower: Follower) {
        let seconds = (follower.position / PLACES_PER_SECOND).clamp(1, INTERVAL_MAX_SECONDS) as usize;
        let slot = (self.next + seconds - 1) % SLOTS;
        self.followed[slot].push(follower);
    }
}

/// Runs the wheel for as long as the fanout lives.
pub async fn push_places(fanout: Arc<Fanout>, clock: Clock) {
    let mut due = clock.steady() + TICK;
    loop {
        clock.sleep_until(due).await;
        due = due.max(clock.steady() - TICK) + TICK;
        fanout.turn_wheel(clock.steady());
    }
}
