//! Who waits in which line and hears of their place: about every clamp(position / 100, 1, 60) s, if it changed.
//! One wheel for all connections, because a timer each costs more than it tells.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Fanout, SaleView, Subscriber};
use crate::clock::Clock;
use crate::domain::command::Place;
use crate::domain::ids::ConcertId;
use crate::domain::record::TokenRecord;
use crate::domain::time::Timestamp;

/// The wheel turns by one slot in this time.
const TICK: Duration = Duration::from_secs(1);
const INTERVAL_MAX_SECONDS: u64 = 60;
/// A place is heard of at once when it moves for those in front; further back every 100 places add a second.
const PLACES_PER_SECOND: u64 = 100;
const SLOTS: usize = INTERVAL_MAX_SECONDS as usize + 1;

pub(super) struct PlaceWheel {
    slots: Mutex<Slots>,
}

struct Slots {
    next: usize,
    followed: Vec<Vec<Follower>>,
}

struct Follower {
    subscriber: Arc<Subscriber>,
    record: TokenRecord,
    /// The position that it heard last, and whether there was anything left to wait for.
    told: u64,
    told_sold_out: bool,
}

impl Default for PlaceWheel {
    fn default() -> Self {
        let followed = (0..SLOTS).map(|_| Vec::new()).collect();
        Self { slots: Mutex::new(Slots { next: 0, followed }) }
    }
}

impl PlaceWheel {
    /// The connection was just told `place`; from now on it hears of changes.
    pub(super) fn follow(&self, subscriber: Arc<Subscriber>, place: &Place) {
        let Some(line) = place.line else { return };
        if !subscriber.begin_following(place.record.entry) {
            return;
        }
        let (record, told, told_sold_out) = (place.record.clone(), line.position, place.sold_out);
        let follower = Follower { subscriber, record, told, told_sold_out };
        self.slots.lock().put(follower);
    }

    /// Tells one slot's followers whose place changed, and puts them back where they are due next.
    fn turn(&self, steady: Timestamp, sale: impl Fn(ConcertId) -> Option<Arc<SaleView>>) {
        let due = {
            let mut slots = self.slots.lock();
            let next = slots.next;
            slots.next = (next + 1) % SLOTS;
            std::mem::take(&mut slots.followed[next])
        };
        // However this turn ends, those whose turn it was have another one.
        let mut turn =
            Turn { slots: &self.slots, again: Vec::with_capacity(due.len()), due: due.into_iter() };
        let Turn { again, due, .. } = &mut turn;
        for mut follower in due {
            let entry = follower.record.entry;
            if follower.subscriber.is_closed() || !follower.subscriber.follows(entry) {
                continue;
            }
            // A sale that is being rebuilt may come back, with the same line.
            let Some(view) = sale(follower.record.concert) else {
                again.push(follower);
                continue;
            };
            if !view.is_waiting(entry) {
                follower.subscriber.end_following(entry);
                continue;
            }
            let place = view.place(&follower.record, view.now(steady));
            let Some(line) = place.line else { continue };
            // In a full house nothing moves; that it is full is the last that those who wait need to hear.
            if line.position != follower.told || place.sold_out != follower.told_sold_out {
                follower.told = line.position;
                follower.told_sold_out = place.sold_out;
                follower.subscriber.offer_place(place);
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
        let seconds = (follower.told / PLACES_PER_SECOND).clamp(1, INTERVAL_MAX_SECONDS) as usize;
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
        fanout.wheel.turn(clock.steady(), |concert| fanout.sale(concert));
    }
}
