//! Time as the domain sees it: a number that the shell passes in. Two scales exist. UTC is what people and
//! `opens_at` go by; *sale time* is UTC minus the outages so far, and every deadline of a fan is kept in it, so
//! that time that stopped for us stopped for fans too. A machine's clock that is set moves UTC and no sale's time.

use std::ops::{Add, Sub};
use std::time::Duration;

/// Milliseconds since the Unix epoch, on one of the two scales.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Later by so many milliseconds, or earlier.
    pub const fn shifted(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The time from `earlier` to here; zero if that lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0) as u64)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// One instant on both scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The time of the wall clock.
    pub utc: Timestamp,
    /// `utc` minus the sale's outages, and as if no clock had been set.
    pub sale: Timestamp,
}

impl Now {
    /// The moment at this steady time, which the machine's UTC is ahead of by `step` milliseconds.
    pub fn at(steady: Timestamp, outages: Duration, step: i64) -> Self {
        Self { utc: steady.shifted(step), sale: steady - outages }
    }

    pub fn new(utc: Timestamp, outages: Duration) -> Self {
        Self { utc, sale: utc - outages }
    }

    /// The time of the sale's clock at this time, UTC, if neither clock was set nor stood still since.
    pub fn in_sale_time(self, utc: Timestamp) -> Timestamp {
        utc.shifted(self.sale.as_millis() - self.utc.as_millis())
    }
}
