//! The only place that reads the time. A test turns a clock by hand; nothing else differs.
//!
//! Two times there are. *UTC* is what the machine says, and may be set at any moment: openings, starts and tokens of
//! others go by it. *Steady time* began as UTC and goes on by the machine's counter of time that passed: whatever a fan
//! was promised, and whatever is measured, goes by it, so that a clock that is set costs nobody a seat and keeps nobody
//! out. Their difference is the *step*. Servers of one database go by the clock of its machine: both times are corrected by
//! how far our own was found to be off.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use crate::domain::time::Timestamp;

/// Time that only goes forward, for what is measured rather than shown. A manual clock is turned for this too.
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
            Clock::System(_) => Timestamp::from_millis(self.begun.elapsed().as_millis() as i64),
            Clock::Manual(_) => self.clock.steady(),
        }
    }

    /// Waits until `now()` is at least `at`.
    pub async fn sleep_until(&self, at: Timestamp) {
        match &self.clock {
            Clock::System(_) => tokio::time::sleep(at.since(self.now())).await,
            Clock::Manual(_) => self.clock.sleep_until(at).await,
        }
    }
}

/// Cheap to clone; clones of a manual clock are the same clock.
#[derive(Clone, Debug)]
pub enum Clock {
    System(Arc<Passing>),
    Manual(Arc<Hand>),
}

/// Time as it passed since the clock was made.
#[derive(Debug)]
pub struct Passing {
    begun: Instant,
    /// Steady time when it began, in milliseconds; later once, when a sale turns out to be further.
    from: AtomicI64,
    /// The milliseconds by which the machine's clock is ahead of the one that we go by.
    ahead: AtomicI64,
}

/// The hand of a clock that is turned. It wakes only those whose time has come, in the order of their times, so that
/// a simulation is fast and replays.
#[derive(Debug)]
pub struct Hand {
    state: Mutex<HandState>,
}

#[derive(Debug)]
struct HandState {
    /// Steady.
    time: Timestamp,
    /// The step of the machine's time.
    step: i64,
    /// The milliseconds by which that is ahead of the clock that we go by.
    ahead: i64,
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
        let state = HandState { time: start, step: 0, ahead: 0, slept: 0, sleepers: BTreeMap::new() };
        Self::Manual(Arc::new(Hand { state: Mutex::new(state) }))
    }

    /// The machine's. Steady time begins as its UTC is now.
    pub fn system() -> Self {
        let from = AtomicI64::new(machine_millis());
        Self::System(Arc::new(Passing { begun: Instant::now(), from, ahead: AtomicI64::new(0) }))
    }

    /// What time it is. It may go back.
    pub fn utc(&self) -> Timestamp {
        match self {
            Self::System(passing) => {
                Timestamp::from_millis(machine_millis() - passing.ahead.load(Ordering::Relaxed))
            }
            Self::Manual(hand) => {
                let state = hand.state.lock();
                state.time.shifted(state.step - state.ahead)
            }
        }
    }

    /// What time the machine says that it is, whatever clock we go by.
    pub fn machine(&self) -> Timestamp {
        match self {
            Self::System(_) => Timestamp::from_millis(machine_millis()),
            Self::Manual(hand) => {
                let state = hand.state.lock();
                state.time.shifted(state.step)
            }
        }
    }

    /// It is `utc` now by a clock that we go by from now on instead of the machine's, and so is steady time. Before anybody has
    /// used it: steady time may go back here.
    pub fn begin_at(&self, utc: Timestamp) {
        let behind = utc.as_millis() - self.steady().as_millis();
        match self {
            Self::System(passing) => {
                passing.from.fetch_add(behind, Ordering::Relaxed);
            }
            Self::Manual(hand) => {
                let state = &mut *hand.state.lock();
                (state.time, state.step) = (state.time.shifted(behind), state.step - behind);
            }
        }
        self.follow(utc);
    }

    /// It is `utc` now by the clock that we go by. No time passes, as when the machine's clock is set.
    pub fn follow(&self, utc: Timestamp) {
        let ahead = self.machine().as_millis() - utc.as_millis();
        match self {
            Self::System(passing) => passing.ahead.store(ahead, Ordering::Relaxed),
            Self::Manual(hand) => hand.state.lock().ahead = ahead,
        }
    }

    /// Time that passes as it does for everybody, whatever the machine's clock is set to. It never goes back.
    pub fn steady(&self) -> Timestamp {
        match self {
            Self::System(passing) => {
                let passed = passing.begun.elapsed().as_millis() as i64;
                Timestamp::from_millis(passing.from.load(Ordering::Relaxed) + passed)
            }
            Self::Manual(hand) => hand.state.lock().time,
        }
    }

    /// The milliseconds by which UTC is ahead of steady time: how far the machine's clock was set since we began.
    pub fn step(&self) -> i64 {
        // The two are not read at once; between two reads that are close together there was no pause.
        const CLOSE_MILLIS: i64 = 5;
        loop {
            let (before, utc, after) = (self.steady(), self.utc(), self.steady());
            if after.as_millis() - before.as_millis() <= CLOSE_MILLIS {
                return utc.as_millis() - after.as_millis();
            }
        }
    }

    /// Steady time is at least `at`: another process, whose clock was ahead, has got so far with a sale.
    pub fn go_on_from(&self, at: Timestamp) {
        let behind = at.since(self.steady());
        match self {
            Self::System(passing) => {
                passing.from.fetch_add(behind.as_millis() as i64, Ordering::Relaxed);
            }
            Self::Manual(hand) => hand.turn(behind),
        }
    }

    /// Turns a manual clock; a system clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(hand) = self {
            hand.turn(by);
        }
    }

    /// Sets the UTC of a manual clock, forward or back; no time passes.
    pub fn set_by(&self, millis: i64) {
        if let Self::Manual(hand) = self {
            hand.state.lock().step += millis;
        }
    }

    /// Waits until `steady()` is at least `at`.
    pub async fn sleep_until(&self, at: Timestamp) {
        match self {
            Self::System(_) => loop {
                let left = at.since(self.steady());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left).await;
            },
            Self::Manual(hand) => Sleep { hand, at, number: None }.await,
        }
    }

    /// Waits as somebody does who loses patience. A turn of a manual clock counts for no more than a part of it: what is
    /// under way while a test turns it by an hour has not been waited for.
    pub async fn run_out(&self, patience: Duration) {
        const PARTS: u32 = 4;
        match self {
            Self::System(_) => tokio::time::sleep(patience).await,
            Self::Manual(_) => {
                for _ in 0..PARTS {
                    self.sleep_until(self.steady() + patience / PARTS).await;
                }
            }
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the one place")]
fn machine_millis() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_the_clock_passes_no_time() {
        let clock = Clock::manual(Timestamp::from_millis(5_000));
        clock.set_by(-3_000);
        assert_eq!(
            (clock.steady().as_millis(), clock.utc().as_millis(), clock.step()),
            (5_000, 2_000, -3_000)
        );
        clock.advance(Duration::from_millis(10));
        assert_eq!((clock.steady().as_millis(), clock.utc().as_millis()), (5_010, 2_010));
    }

    #[test]
    fn a_clock_that_goes_by_another_one_is_right_however_the_machines_is_set() {
        for clock in [Clock::system(), Clock::manual(Timestamp::from_millis(5_000))] {
            let right = clock.machine().shifted(-3_600_000);
            clock.begin_at(right);
            let is_right = |time: Timestamp| time >= right && time.since(right) < Duration::from_secs(600);
            assert!(is_right(clock.utc()) && is_right(clock.steady()));
            assert!(clock.step().abs() < 1_000);
            let off = clock.machine().since(clock.utc());
            assert!(off > Duration::from_secs(3_000), "the machine says what it says");
        }
        let clock = Clock::manual(Timestamp::from_millis(5_000));
        clock.begin_at(Timestamp::from_millis(2_000));
        clock.set_by(700);
        assert_eq!((clock.steady().as_millis(), clock.utc().as_millis(), clock.step()), (2_000, 2_700, 700));
        clock.follow(Timestamp::from_millis(2_000));
        assert_eq!((clock.utc().as_millis(), clock.machine().as_millis()), (2_000, 5_700));
    }

    #[test]
    fn a_clock_that_goes_on_from_later_never_goes_back() {
        for clock in [Clock::system(), Clock::manual(Timestamp::from_millis(5_000))] {
            let later = clock.steady() + Duration::from_secs(3_600);
            clock.go_on_from(later);
            assert!(clock.steady() >= later && clock.steady().since(later) < Duration::from_secs(600));
            let now = clock.steady();
            clock.go_on_from(Timestamp::from_millis(0));
            assert!(clock.steady() >= now);
        }
        assert!(Clock::system().step().abs() < 1_000);
    }

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
        // A sleeper that gives up is forgotten.
        let long = tokio::time::timeout(Duration::ZERO, clock.sleep_until(Timestamp::from_millis(9)));
        assert!(long.await.is_err());
        let Clock::Manual(hand) = &clock else { panic!("it is turned by hand") };
        assert!(hand.state.lock().sleepers.is_empty());
    }
}
