//! The only place that asks what time it is. A test turns a clock by hand; nothing else differs.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::domain::time::Timestamp;

/// Cheap to clone; clones of a manual clock are the same clock.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Manual(Arc<Hand>),
}

/// The hand of a clock that is turned. Those who sleep wake in the order in which they fell asleep, so that a
/// simulation replays.
#[derive(Debug)]
pub struct Hand {
    time: Mutex<Timestamp>,
    turned: Notify,
}

impl Clock {
    /// A clock that stands at `start` until it is turned.
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(Hand { time: Mutex::new(start), turned: Notify::new() }))
    }

    pub fn utc(&self) -> Timestamp {
        match self {
            #[allow(clippy::disallowed_methods, reason = "this is the one place")]
            Self::System => Timestamp::from_millis(
                SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64),
            ),
            Self::Manual(hand) => *hand.time.lock(),
        }
    }

    /// Turns a manual clock; a system clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(hand) = self {
            let mut time = hand.time.lock();
            *time = *time + by;
            drop(time);
            hand.turned.notify_waiters();
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
            Self::Manual(hand) => loop {
                // Before the look at the time: a turn in between is not missed.
                let turned = hand.turned.notified();
                if self.utc() >= at {
                    return;
                }
                turned.await;
            },
        }
    }
}
