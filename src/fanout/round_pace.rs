//! How soon a performance's next round of seats may follow. What a round costs depends on its watchers, on TLS, and on
//! what else the machine has to do; so it is measured, and rounds follow each other as soon as the writing of all of
//! them takes no more than its part of a core.
//!
//! Always: between the beginnings of two rounds lie at least `ROUND_MIN`, and at most `ROUND_MAX` but for what the
//! writing itself takes.

use std::time::Duration;

use parking_lot::Mutex;

/// Between two visits of one watcher lies at least this: more would cost a system call each, unseen.
const ROUND_MIN: Duration = Duration::from_millis(20);
/// However many they are, nobody waits longer than this for the next round, but for what the writing itself takes.
const ROUND_MAX: Duration = Duration::from_millis(100);
/// Rounds take a third of a core as long as that is no more than `ROUND_MAX`, and leave the rest to those who hold and pay.
const TIME_PER_WORK: u32 = 3;
/// The last rounds of which the mean is taken, older ones fading: one that was kept from its core for a moment says little about
/// the next.
const ROUNDS_REMEMBERED: u32 = 4;

/// The work of rounds, of all performances: many small houses are as much to write to as a large one.
#[derive(Default)]
pub(super) struct RoundPace {
    /// What a round takes of each performance whose rounds follow each other, together.
    work: Mutex<Duration>,
}

impl RoundPace {
    /// Rounds of a performance are about to follow each other, until this is dropped.
    pub fn begin(&self) -> Rounds<'_> {
        Rounds { pace: self, work: None }
    }
}

/// Rounds of one performance, for as long as its seats go on changing.
pub(super) struct Rounds<'a> {
    pace: &'a RoundPace,
    /// Its part in the pace's work, as the last rounds took it; `None` before the first.
    work: Option<Duration>,
}

impl Rounds<'_> {
    /// The time from the beginning of the last round, which took so much work, to the next one's.
    pub fn interval_after(&mut self, work: Duration) -> Duration {
        let before = self.work.unwrap_or_default();
        let after = match self.work {
            Some(before) => (before * (ROUNDS_REMEMBERED - 1) + work) / ROUNDS_REMEMBERED,
            None => work,
        };
        self.work = Some(after);
        let mut of_all = self.pace.work.lock();
        *of_all = *of_all - before + after;
        of_all.saturating_mul(TIME_PER_WORK).clamp(ROUND_MIN, ROUND_MAX)
    }
}

impl Drop for Rounds<'_> {
    fn drop(&mut self) {
        *self.pace.work.lock() -= self.work.unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn rounds_become_rarer_with_what_they_cost() {
        let rows = [(0, 20), (1, 20), (7, 21), (10, 30), (33, 99), (34, 100), (80, 100), (600_000, 100)];
        for (work, interval) in rows {
            let pace = RoundPace::default();
            let mut rounds = pace.begin();
            for _ in 0..3 {
                assert_eq!(rounds.interval_after(ms(work)), ms(interval), "{work} ms of work");
            }
        }
    }

    #[test]
    fn one_round_that_was_held_up_is_no_reason_to_wait_for_long() {
        let pace = RoundPace::default();
        let mut rounds = pace.begin();
        for (work, interval) in [(8, 24), (40, 48), (8, 42), (16, 43), (44, 65)] {
            let found = rounds.interval_after(ms(work));
            assert_eq!(found.as_millis(), interval, "after {work} ms of work");
        }
    }

    #[test]
    fn performances_share_one_part_of_a_core_while_they_change() {
        let pace = RoundPace::default();
        let mut first = pace.begin();
        assert_eq!(first.interval_after(ms(10)), ms(30));
        let mut second = pace.begin();
        assert_eq!(second.interval_after(ms(15)), ms(75), "25 ms of work for both of them");
        assert_eq!(first.interval_after(ms(10)), ms(75));
        drop(second);
        assert_eq!(first.interval_after(ms(10)), ms(30), "the other one's seats do not change any more");
        drop(first);
        assert_eq!(*pace.work.lock(), Duration::ZERO);
    }
}
