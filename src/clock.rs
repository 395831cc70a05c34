//! The only place that asks what time it is. A test turns a clock by hand; nothing else differs.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use crate::domain::time::Timestamp;

/// Time that only goes forward, for what is measured rather than told. A manual clock is turned for this too.
pub struct SteadyTime {
    clock: Clock,
    begun: Instant,
}

impl SteadyTime {
    pub fn new(clock: Clock) -> Self {
        Self { clock, begun: Instant::now() }
    }

    /// Not UTC: good for differences alone.
    pub fn now(&self) -> Timestamp {
        match &self.clock {
            Clock::System => Timestamp::from_millis(self.begun.elapsed().as_millis() as i64),
            Clock::Manual(_) => self.clock.utc(),
        }
    }

    pub async fn sleep(&self, duration: Duration) {
        match &self.clock {
            Clock::System => tokio::time::sleep(duration).await,
            Clock::Manual(_) => self.clock.sleep_until(self.clock.utc() + duration).await,
        }
    }
}

/// Cheap to clone; clones of a manual clock are the same clock.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Manual(Arc<Hand>),
}

/// The hand of a clock that is turned. It wakes only those whose time has come, in the order of their times, so that
/// a simulation is fast and replays.
#[derive(Debug)]
pub struct Hand {
    state: Mutex<HandState>,
}

#[derive(Debug)]
struct HandState {
    time: Timestamp,
    /// A number for each sleeper: several may sleep until the same time.
    slept: u64,
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
}

/// Ready once the hand has reached `at`.
struct Sleep<'h> {
    hand: &'h Hand,
    at: Timestamp,
    number: Option<u64>,
}

impl Hand {
    fn turn(&self, by: Duration) {
        let due = {
            let state = &mut *self.state.lock();
            state.time = state.time + by;
            let later = state.sleepers.split_off(&(state.time, u64::MAX));
            std::mem::replace(&mut state.sleepers, later)
        };
        due.into_values().for_each(Waker::wake);
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.hand.state.lock();
        if state.time >= self.at {
            return Poll::Ready(());
        }
        let number = self.number.unwrap_or(state.slept);
        state.slept = state.slept.max(number + 1);
        state.sleepers.insert((self.at, number), context.waker().clone());
        drop(state);
        self.number = Some(number);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.hand.state.lock().sleepers.remove(&(self.at, number));
        }
    }
}

impl Clock {
    /// A clock that stands at `start` until it is turned.
    pub fn manual(start: Timestamp) -> Self {
        let state = HandState { time: start, slept: 0, sleepers: BTreeMap::new() };
        Self::Manual(Arc::new(Hand { state: Mutex::new(state) }))
    }

    pub fn utc(&self) -> Timestamp {
        match self {
            #[allow(clippy::disallowed_methods, reason = "this is the one place")]
            Self::System => Timestamp::from_millis(
                SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64),
            ),
            Self::Manual(hand) => hand.state.lock().time,
        }
    }

    /// Turns a manual clock; a system clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(hand) = self {
            hand.turn(by);
        }
    }

    /// Waits until `utc()` is at least `at`.
    pub async fn sleep_until(&self, at: Timestamp) {
        match self {
            Self::System => loop {
                let left = at.since(self.utc());
                if left.is_zero() {
                    return;
                }
                // In pieces, so that a wall clock that is set does not leave us asleep for long.
                tokio::time::sleep(left.min(Duration::from_secs(1))).await;
            },
            Self::Manual(hand) => Sleep { hand, at, number: None }.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_sleeps_wakes_when_the_hand_is_there() {
        let clock = Clock::manual(Timestamp::from_millis(0));
        clock.sleep_until(Timestamp::from_millis(0)).await;
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(Timestamp::from_millis(2)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_millis(1));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_millis(1));
        sleeper.await.unwrap();
        // Who gives up is forgotten.
        let long = tokio::time::timeout(Duration::ZERO, clock.sleep_until(Timestamp::from_millis(9)));
        assert!(long.await.is_err());
        let Clock::Manual(hand) = &clock else { panic!("it is turned by hand") };
        assert!(hand.state.lock().sleepers.is_empty());
    }
}
