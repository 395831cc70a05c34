//! Timers: the times at which connections are looked at again without anything having come, one wheel for all,
//! because a sleep each would cost more than it is worth. Coarse on purpose: nothing here is a fan's deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use crate::clock::{Clock, SteadyTime};
use crate::domain::time::Timestamp;

/// A timer rings at most this much too late.
const TICK: Duration = Duration::from_millis(100);
/// A timer further away than a turn of the wheel rings early; its owner sets it again.
const SLOTS: u64 = 256;
/// No tick: the timer is not set.
const NEVER: u64 = u64::MAX;

/// The wheel.
pub struct Timers {
    pub time: SteadyTime,
    wheel: Mutex<Wheel>,
}

struct Wheel {
    /// The last tick that was turned to.
    at: u64,
    slots: Vec<Vec<Arc<Timer>>>,
}

/// One connection's timer, set for one time at most.
pub struct Timer {
    due: AtomicU64,
    rung: AtomicBool,
    waker: AtomicWaker,
}

impl Timer {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { due: AtomicU64::new(NEVER), rung: AtomicBool::new(false), waker: AtomicWaker::new() })
    }

    /// Sets the waker that is woken when it rings.
    pub fn listen(&self, waker: &std::task::Waker) {
        self.waker.register(waker);
    }

    /// Nobody listens any more. A waker keeps the whole task in memory, and the wheel keeps the timer until it is due.
    pub fn ignore(&self) {
        drop(self.waker.take());
    }

    /// Has it rung since the last look?
    pub fn has_rung(&self) -> bool {
        self.rung.swap(false, Ordering::AcqRel)
    }

    fn ring(&self) {
        self.due.store(NEVER, Ordering::Release);
        self.rung.store(true, Ordering::Release);
        self.waker.wake();
    }
}

impl Timers {
    pub fn new(clock: Clock) -> Self {
        let time = SteadyTime::new(clock);
        let at = tick_of(time.now());
        let slots = (0..SLOTS).map(|_| Vec::new()).collect();
        Self { time, wheel: Mutex::new(Wheel { at, slots }) }
    }

    /// Lets the timer ring at `at`, unless it rings earlier anyway. One that is set too late rings at once: its owner read the
    /// time before the wheel was turned past it.
    pub fn set(&self, timer: &Arc<Timer>, at: Timestamp) {
        let mut wheel = self.wheel.lock();
        let tick = (tick_of(at) + 1).min(wheel.at + SLOTS - 1);
        if tick <= wheel.at {
            return timer.ring();
        }
        if tick < timer.due.load(Ordering::Acquire) {
            timer.due.store(tick, Ordering::Release);
            wheel.slots[(tick % SLOTS) as usize].push(timer.clone());
        }
    }

    /// Rings every timer now.
    pub fn ring_all(&self) {
        let mut wheel = self.wheel.lock();
        for slot in &mut wheel.slots {
            std::mem::take(slot).iter().for_each(|timer| timer.ring());
        }
    }

    /// Turns the wheel, for ever.
    pub async fn run(&self) {
        loop {
            self.next_tick().await;
            self.turn(self.time.now());
        }
    }

    /// Waits for the tick behind the last one that was turned to. Time may have passed since that turn, so a whole tick from
    /// now may be too long, and for ever where a test's clock stands still.
    async fn next_tick(&self) {
        let next = (self.wheel.lock().at + 1) * TICK.as_millis() as u64;
        self.time.sleep_until(Timestamp::from_millis(next as i64)).await;
    }

    fn turn(&self, now: Timestamp) {
        let mut wheel = self.wheel.lock();
        let target = tick_of(now).max(wheel.at);
        // One turn meets every slot after a jump.
        for tick in (wheel.at + 1..=target).take(SLOTS as usize) {
            let slot = &mut wheel.slots[(tick % SLOTS) as usize];
            // A timer that was set again for an earlier time is here no more than a memory.
            slot.retain(|timer| match timer.due.load(Ordering::Acquire) {
                NEVER => false,
                due if due > target => due % SLOTS == tick % SLOTS,
                _ => {
                    timer.ring();
                    false
                }
            });
            slot.shrink_to(64);
        }
        wheel.at = target;
    }
}

fn tick_of(at: Timestamp) -> u64 {
    at.as_millis().max(0) as u64 / TICK.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn wheel() -> (Timers, Clock) {
        let clock = Clock::manual(Timestamp::from_millis(5_000_000));
        (Timers::new(clock.clone()), clock)
    }

    fn turned_by(timers: &Timers, clock: &Clock, millis: u64) {
        clock.advance(Duration::from_millis(millis));
        timers.turn(timers.time.now());
    }

    #[test]
    fn a_timer_rings_once_and_not_too_early() {
        let (timers, clock) = wheel();
        let timer = Timer::new();
        timers.set(&timer, timers.time.now() + Duration::from_secs(2));
        turned_by(&timers, &clock, 1_999);
        assert!(!timer.has_rung());
        turned_by(&timers, &clock, 101);
        assert!(timer.has_rung());
        turned_by(&timers, &clock, 60_000);
        assert!(!timer.has_rung());
    }

    #[test]
    fn an_earlier_time_replaces_a_later_one_and_not_the_other_way_round() {
        let (timers, clock) = wheel();
        let timer = Timer::new();
        timers.set(&timer, timers.time.now() + Duration::from_secs(9));
        timers.set(&timer, timers.time.now() + Duration::from_secs(3));
        timers.set(&timer, timers.time.now() + Duration::from_secs(5));
        turned_by(&timers, &clock, 3_100);
        assert!(timer.has_rung());
        turned_by(&timers, &clock, 10_000);
        assert!(!timer.has_rung());
    }

    #[test]
    fn one_that_is_set_too_late_rings_at_once() {
        let (timers, clock) = wheel();
        let timer = Timer::new();
        let before = timers.time.now();
        turned_by(&timers, &clock, 500);
        timers.set(&timer, before + Duration::from_millis(300));
        assert!(timer.has_rung());
        turned_by(&timers, &clock, 60_000);
        assert!(!timer.has_rung());
    }

    #[test]
    fn time_that_passes_behind_a_turn_is_not_waited_for_again() {
        let (timers, clock) = wheel();
        turned_by(&timers, &clock, 500);
        assert!(timers.next_tick().now_or_never().is_none());
        clock.advance(Duration::from_secs(20));
        assert!(timers.next_tick().now_or_never().is_some());
    }

    #[test]
    fn one_that_is_ignored_keeps_no_task() {
        struct Task;
        impl std::task::Wake for Task {
            fn wake(self: Arc<Self>) {}
        }
        let (timers, _) = wheel();
        let (timer, task) = (Timer::new(), Arc::new(Task));
        timers.set(&timer, timers.time.now() + Duration::from_secs(20));
        timer.listen(&task.clone().into());
        assert_eq!(Arc::strong_count(&task), 2);
        timer.ignore();
        assert_eq!(Arc::strong_count(&task), 1);
    }

    #[test]
    fn what_is_too_far_away_rings_early_and_a_jump_misses_nobody() {
        let (timers, clock) = wheel();
        let near = Timer::new();
        let far = Timer::new();
        timers.set(&near, timers.time.now() + Duration::from_secs(1));
        timers.set(&far, timers.time.now() + Duration::from_secs(3_600));
        turned_by(&timers, &clock, 26_000);
        assert!(far.has_rung());
        assert!(near.has_rung());
        timers.set(&near, timers.time.now() + Duration::from_secs(20));
        turned_by(&timers, &clock, 86_400_000);
        assert!(near.has_rung());
        timers.set(&far, timers.time.now() + Duration::from_secs(20));
        timers.ring_all();
        assert!(far.has_rung());
    }
}
