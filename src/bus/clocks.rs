//! How far another server's steady clock is from ours, as far as messages that go both ways show.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// What each message says of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamps {
    /// By the sender's steady clock.
    pub sent: Timestamp,
    /// The last stamp that the sender heard from the one that it speaks to, and how long ago that was.
    pub heard: Option<(Timestamp, Duration)>,
}

/// Two good clocks drift apart by less than this.
const DRIFT_PER_MILLION: u128 = 200;

/// Both clocks go by the database's, and are no further apart than this.
const ERROR_MAX: Duration = Duration::from_secs(1);

/// What is known of one other server's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offset {
    /// The last stamp of theirs, and when it came.
    heard: Option<(Timestamp, Timestamp)>,
    best: Option<Measured>,
}

#[derive(Clone, Copy, Debug)]
struct Measured {
    /// The milliseconds by which their clock is ahead of ours.
    ahead: i64,
    /// How wrong that may have been.
    error: Duration,
    at: Timestamp,
}

impl Measured {
    fn error_at(&self, now: Timestamp) -> Duration {
        let drift = now.since(self.at).as_millis() * DRIFT_PER_MILLION / 1_000_000;
        self.error + Duration::from_millis(u64::try_from(drift).unwrap_or(u64::MAX))
    }
}

impl Offset {
    /// A message of theirs came.
    pub fn hear(&mut self, stamps: Stamps, now: Timestamp) {
        // One that overtook another says nothing new.
        if self.heard.is_some_and(|(last, _)| last >= stamps.sent) {
            return;
        }
        self.heard = Some((stamps.sent, now));
        let Some((ours, theirs_for)) = stamps.heard else { return };
        let under_way = now.since(ours).saturating_sub(theirs_for);
        let error = under_way / 2;
        let ahead = (stamps.sent.as_millis() + error.as_millis() as i64) - now.as_millis();
        // A message that waited for long shows less than is known without it.
        if error <= ERROR_MAX && self.best.is_none_or(|best| error <= best.error_at(now)) {
            self.best = Some(Measured { ahead, error, at: now });
        }
    }

    /// What we say of time in a message to them.
    pub fn stamps(&self, now: Timestamp) -> Stamps {
        Stamps { sent: now, heard: self.heard.map(|(theirs, at)| (theirs, now.since(at))) }
    }

    /// A moment of theirs by our clock. Before anything is known both go by the database's.
    pub fn by_ours(&self, theirs: Timestamp) -> Timestamp {
        theirs.shifted(-self.best.map_or(0, |best| best.ahead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: i64 = 1_800_000_000_000;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(T + ms)
    }

    /// A message of theirs that took `there` milliseconds and answers one of ours that took `back`, by a clock that is `ahead`.
    fn exchange(offset: &mut Offset, begun: i64, (there, back): (i64, i64), ahead: i64) {
        let mut theirs = Offset::default();
        theirs.hear(offset.stamps(at(begun)), at(begun + there + ahead));
        let answered = begun + there + 20;
        offset.hear(theirs.stamps(at(answered + ahead)), at(answered + back));
    }

    #[test]
    fn the_fastest_exchange_says_how_far_a_clock_is_off() {
        let mut offset = Offset::default();
        assert_eq!(offset.by_ours(at(5)), at(5), "nothing is known");
        let mut waited = Offset::default();
        exchange(&mut waited, 0, (12_000, 1), 5_000);
        assert_eq!(waited.by_ours(at(5)), at(5), "that shows less than is known");
        exchange(&mut offset, 0, (100, 300), 5_000);
        let off = offset.by_ours(at(5_000)).as_millis() - T;
        assert!(off.abs() <= 200, "{off}");
        exchange(&mut offset, 1_000, (1, 1), 5_000);
        assert_eq!(offset.by_ours(at(5_000)), at(0));
        // One that stood still for a minute shows nothing better.
        exchange(&mut offset, 2_000, (60_000, 1), 5_000);
        assert_eq!(offset.by_ours(at(5_000)), at(0));
    }

    #[test]
    fn a_clock_that_drifts_is_followed() {
        let mut offset = Offset::default();
        exchange(&mut offset, 0, (1, 1), 0);
        exchange(&mut offset, 1_000_000, (4, 4), 100);
        assert_eq!(offset.by_ours(at(100)), at(0), "an old measurement is worth less");
    }
}
