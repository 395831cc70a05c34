//! A bound on how often something happens: a steady rate with bursts, in eight bytes and without a timer.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// A rate with bursts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    interval_micros: i64,
    burst_micros: i64,
}

impl Rate {
    /// `burst` at once after a silence, `per_second` in the long run; both at least 1.
    pub const fn new(per_second: u32, burst: u32) -> Self {
        let per_second = if per_second == 0 { 1 } else { per_second as i64 };
        let interval_micros = if per_second > 1_000_000 { 1 } else { 1_000_000 / per_second };
        let burst = if burst == 0 { 1 } else { burst as i64 };
        Self { interval_micros, burst_micros: interval_micros * burst }
    }

    /// The same in a minute.
    pub const fn per_minute(per_minute: u32, burst: u32) -> Self {
        let Self { interval_micros, burst_micros } = Self::new(per_minute, burst);
        Self { interval_micros: 60 * interval_micros, burst_micros: 60 * burst_micros }
    }
}

/// Counts against a rate. A new one allows a whole burst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    /// The time at which everything taken so far is paid back, in microseconds.
    paid_back_at: i64,
}

impl Meter {
    /// Takes one, or says how long to wait for it.
    pub fn take(&mut self, now: Timestamp, rate: Rate) -> Result<(), Duration> {
        let now = now.as_millis().saturating_mul(1000);
        let after = self.paid_back_at.max(now).saturating_add(rate.interval_micros);
        let over = after.saturating_sub(now).saturating_sub(rate.burst_micros);
        if over > 0 {
            return Err(Duration::from_micros(over as u64));
        }
        self.paid_back_at = after;
        Ok(())
    }

    /// Would a new one give the same answers from now on?
    pub fn is_paid_back(&self, now: Timestamp) -> bool {
        self.paid_back_at <= now.as_millis().saturating_mul(1000)
    }

    /// Takes as many in any case, because they are done already, and says how long to wait before the next if that was
    /// more than there were.
    pub fn charge(&mut self, now: Timestamp, rate: Rate, count: u32) -> Result<(), Duration> {
        let now = now.as_millis().saturating_mul(1000);
        let owed = rate.interval_micros.saturating_mul(i64::from(count));
        self.paid_back_at = self.paid_back_at.max(now).saturating_add(owed);
        match self.paid_back_at.saturating_sub(now).saturating_sub(rate.burst_micros) {
            over if over > 0 => Err(Duration::from_micros(over as u64)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    fn taken(meter: &mut Meter, now: Timestamp, rate: Rate) -> usize {
        (0..10_000).take_while(|_| meter.take(now, rate).is_ok()).count()
    }

    #[test]
    fn a_burst_is_followed_by_the_rate() {
        let rate = Rate::new(20, 60);
        let mut meter = Meter::default();
        assert_eq!(taken(&mut meter, at(0), rate), 60);
        assert_eq!(meter.take(at(0), rate), Err(Duration::from_millis(50)));
        assert_eq!(meter.take(at(49), rate), Err(Duration::from_millis(1)));
        assert_eq!(taken(&mut meter, at(50), rate), 1);
        assert_eq!(taken(&mut meter, at(1_050), rate), 20);
        assert_eq!(taken(&mut meter, at(60_000), rate), 60, "silence saves up no more than a burst");
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing_away() {
        let rate = Rate::new(1, 1);
        let mut meter = Meter::default();
        assert_eq!(meter.take(at(5_000), rate), Ok(()));
        assert!(meter.take(at(0), rate).is_err());
        assert_eq!(meter.take(at(6_000), rate), Ok(()));
    }
}
