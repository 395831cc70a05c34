//! A mark that somebody moves who lives, as another one sees it. Two clocks are never compared: who looks on counts its own
//! steady time, and only while it could have seen the mark move.
//!
//! Always: whoever moves a mark once in a `LEASE` is never taken for dead, whatever its clock says, however long the place
//! is out where marks are kept, and however long those who look on stood still themselves.

use std::time::Duration;

use super::time::Timestamp;
use crate::limits::{LEASE, LEASE_READINGS_MIN, LEASE_UNREAD_MAX};

/// When a mark was read, by the steady time of who read it: it was so at some moment between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub began: Timestamp,
    pub ended: Timestamp,
}

impl Reading {
    /// For a reading that takes no time.
    pub fn at(now: Timestamp) -> Self {
        Self { began: now, ended: now }
    }
}

/// What was seen of one mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark<T> {
    value: T,
    /// The first of the readings that follow each other closely and found this value, and the last one.
    first: Reading,
    last: Reading,
    readings: u32,
}

impl<T: PartialEq> Mark<T> {
    pub fn new(value: T, reading: Reading) -> Self {
        Self { value, first: reading, last: reading, readings: 1 }
    }

    pub fn value(&self) -> &T {
        &self.value
    }

    /// The mark was read again.
    pub fn read(&mut self, value: T, reading: Reading) {
        let unread = reading.ended.since(self.last.began);
        if value != self.value || unread > LEASE_UNREAD_MAX {
            *self = Self::new(value, reading);
            return;
        }
        self.last = reading;
        self.readings = self.readings.saturating_add(1);
    }

    /// Did it stand still for so long that whoever moves it is dead?
    pub fn is_dead(&self) -> bool {
        self.stood_still(LEASE, LEASE_READINGS_MIN)
    }

    /// Did it stand still for this time, as so many readings show?
    pub fn stood_still(&self, time: Duration, readings_min: u32) -> bool {
        // It may have been moved just before the first answer came, and just after the last question was asked.
        self.last.began.since(self.first.ended) >= time && self.readings >= readings_min
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mark that is read at these seconds, each time with this value.
    fn read(readings: &[(f64, u64)]) -> Mark<u64> {
        let at = |seconds: f64| Reading::at(Timestamp::from_millis((seconds * 1_000.0) as i64));
        let mut mark = Mark::new(readings[0].1, at(readings[0].0));
        readings[1..].iter().for_each(|(seconds, value)| mark.read(*value, at(*seconds)));
        mark
    }

    fn every_second(seconds: std::ops::RangeInclusive<u32>, value: u64) -> Vec<(f64, u64)> {
        seconds.map(|second| (f64::from(second), value)).collect()
    }

    #[test]
    fn what_stands_still_for_five_seconds_is_dead_and_not_a_moment_before() {
        assert!(!read(&every_second(0..=4, 7)).is_dead());
        assert!(!read(&[every_second(0..=4, 7), vec![(4.999, 7)]].concat()).is_dead());
        assert!(read(&every_second(0..=5, 7)).is_dead());
    }

    #[test]
    fn what_moves_lives_on_from_then() {
        let moved = [every_second(0..=4, 7), every_second(5..=9, 8)].concat();
        assert!(!read(&moved).is_dead(), "it stood still twice, for four seconds each");
        assert!(read(&[moved, vec![(10.0, 8)]].concat()).is_dead());
    }

    #[test]
    fn a_mark_that_goes_back_has_moved() {
        assert!(!read(&[every_second(0..=4, 7), every_second(5..=6, 6)].concat()).is_dead());
    }

    #[test]
    fn two_readings_are_too_few_however_far_apart() {
        assert!(!read(&[(0.0, 7), (2.5, 7)]).is_dead());
        assert!(!read(&[(0.0, 7), (9.0, 7)]).is_dead());
        assert!(read(&[(0.0, 7), (2.5, 7), (5.0, 7)]).is_dead());
    }

    #[test]
    fn an_outage_in_which_nothing_could_be_read_proves_nobody_dead() {
        let out = [every_second(0..=4, 7), every_second(60..=64, 7)].concat();
        assert!(!read(&out).is_dead(), "nobody could have moved it for a minute");
        assert!(read(&[out, vec![(65.0, 7)]].concat()).is_dead());
    }

    #[test]
    fn who_stood_still_itself_begins_anew() {
        // It read, was stopped, and reads again as if no time had passed: the others may be at work again a moment later.
        let mut mark = read(&every_second(0..=3, 7));
        let woken = Reading { began: Timestamp::from_millis(4_000), ended: Timestamp::from_millis(30_000) };
        mark.read(7, woken);
        assert!(!mark.is_dead());
        // What it found then may be as old as the question, so that the next reading is the first that counts.
        for second in 31..=35 {
            mark.read(7, Reading::at(Timestamp::from_millis(second * 1_000)));
            assert!(!mark.is_dead());
        }
        mark.read(7, Reading::at(Timestamp::from_millis(36_000)));
        assert!(mark.is_dead());
    }

    #[test]
    fn a_slow_answer_counts_against_a_verdict() {
        // Asked at the whole seconds, and answered 900 ms later: what the first one found may be that old, or not.
        let reading = |second: i64| Reading {
            began: Timestamp::from_millis(second * 1_000),
            ended: Timestamp::from_millis(second * 1_000 + 900),
        };
        let mut mark = Mark::new(7, reading(0));
        (1..=5).for_each(|second| mark.read(7, reading(second)));
        assert!(!mark.is_dead(), "between 4.1 and 5.9 seconds");
        mark.read(7, reading(6));
        assert!(mark.is_dead());
    }

    #[test]
    fn a_mark_that_moves_at_least_every_five_seconds_is_never_dead_however_it_is_read() {
        // Moved every 4.9 s, read at every pace.
        for pace in [100, 250, 700, 1_000, 1_700, 2_400, 3_000] {
            let mut mark = Mark::new(0, Reading::at(Timestamp::from_millis(0)));
            for at in (pace..120_000).step_by(pace as usize) {
                mark.read(at / 4_900, Reading::at(Timestamp::from_millis(at)));
                assert!(!mark.is_dead(), "at {at} ms, read every {pace} ms");
            }
        }
    }
}
