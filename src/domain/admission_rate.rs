//! The rate at which a line moved lately: admissions of the last minute, in buckets of a second.

use super::time::Timestamp;

const BUCKETS: usize = 60;
/// A rate from less time than this would promise too much after the burst of an opening.
const WINDOW_MIN_MILLIS: i64 = 10_000;
/// An admission so far in the future means that the clock was set back: what was seen before says nothing any more.
const SET_BACK_SECONDS: i64 = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionRate {
    counts: [u32; BUCKETS],
    /// The second of the newest bucket.
    newest: i64,
    /// The time of the first admission.
    since: Option<Timestamp>,
}

impl Default for AdmissionRate {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], newest: 0, since: None }
    }
}

impl AdmissionRate {
    pub fn record(&mut self, at: Timestamp) {
        let second = at.as_millis() / 1000;
        if second + SET_BACK_SECONDS <= self.newest {
            *self = Self::default();
        }
        self.since.get_or_insert(at);
        if second - self.newest >= BUCKETS as i64 {
            self.counts = [0; BUCKETS];
            self.newest = second;
        }
        while self.newest < second {
            self.newest += 1;
            self.counts[bucket(self.newest)] = 0;
        }
        if self.newest - second < BUCKETS as i64 {
            self.counts[bucket(second)] += 1;
        }
    }

    /// Admissions of the last minute.
    pub fn last_minute(&self, now: Timestamp) -> u64 {
        let now = now.as_millis() / 1000;
        if now + SET_BACK_SECONDS <= self.newest {
            return 0;
        }
        let oldest = now - BUCKETS as i64;
        (self.newest - BUCKETS as i64 + 1..=self.newest)
            .filter(|second| *second > oldest)
            .map(|second| u64::from(self.counts[bucket(second)]))
            .sum()
    }

    /// Seconds until `position` tokens were admitted, at the rate of the last minute; `None` while unknown.
    pub fn eta_seconds(&self, position: u64, now: Timestamp) -> Option<u64> {
        let admitted = self.last_minute(now);
        let seen = now.since(self.since?).as_millis() as i64;
        let window = seen.clamp(WINDOW_MIN_MILLIS, BUCKETS as i64 * 1000) as u64;
        (admitted > 0).then(|| (position * window).div_ceil(admitted * 1000))
    }
}

fn bucket(second: i64) -> usize {
    second.rem_euclid(BUCKETS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + millis)
    }

    #[test]
    fn the_rate_of_the_last_minute_gives_the_eta() {
        let mut rate = AdmissionRate::default();
        assert_eq!(rate.eta_seconds(1, at(0)), None);
        for second in 0..60 {
            rate.record(at(second * 1000));
            rate.record(at(second * 1000 + 500));
        }
        assert_eq!(rate.last_minute(at(59_900)), 120);
        assert_eq!(rate.eta_seconds(20, at(60_000)), Some(11), "119 in a minute by now");
        assert_eq!(rate.eta_seconds(1, at(200_000)), None, "nobody was admitted lately");
    }
}
