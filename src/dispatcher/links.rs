//! Who is heard over the bus: each server says four times a second that it is alive, and whom it heard of late.
//!
//! Always: what is not heard proves nothing while the bus is out for us, or while we stood still ourselves. Clocks of others are
//! not asked. Not here: who is dead, for which the database is asked as well.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::ids::NodeNo;
use crate::domain::mark::{Mark, Reading};
use crate::domain::time::Timestamp;
use crate::limits;

#[derive(Debug)]
pub(super) struct Links {
    own: NodeNo,
    heard: BTreeMap<NodeNo, Heard>,
    /// When it was looked last who is heard.
    looked: Option<Timestamp>,
    /// The bus is out for us.
    is_out: bool,
}

#[derive(Debug)]
struct Heard {
    times: u64,
    mark: Mark<u64>,
    last: Timestamp,
    hears: BTreeSet<NodeNo>,
    /// Since when it says that it does not hear us.
    deaf_since: Option<Timestamp>,
}

impl Heard {
    fn is_heard(&self, now: Timestamp) -> bool {
        now.since(self.last) <= limits::ALIVE_SILENCE
    }
}

impl Links {
    pub fn new(own: NodeNo) -> Self {
        // Nothing was heard before the first look.
        Self { own, heard: BTreeMap::new(), looked: None, is_out: true }
    }

    /// Another server says that it is alive, and whom it hears.
    pub fn hear(&mut self, from: NodeNo, hears: Vec<NodeNo>, now: Timestamp) {
        let heard = self.heard.entry(from).or_insert_with(|| Heard {
            times: 0,
            mark: Mark::new(0, Reading::at(now)),
            last: now,
            hears: BTreeSet::new(),
            deaf_since: None,
        });
        heard.times += 1;
        heard.last = now;
        heard.hears = hears.into_iter().collect();
        heard.deaf_since = match heard.hears.contains(&self.own) {
            true => None,
            false => Some(heard.deaf_since.unwrap_or(now)),
        };
    }

    /// Looks who is heard, four times a second. `is_out`: nothing can be sent, nor brought.
    pub fn look(&mut self, now: Timestamp, is_out: bool) {
        let stood_still = self.looked.is_none_or(|looked| now.since(looked) > limits::ALIVE_UNREAD_MAX);
        (self.looked, self.is_out) = (Some(now), is_out);
        for heard in self.heard.values_mut() {
            heard.mark.read(heard.times, Reading::at(now));
            if is_out || stood_still {
                heard.last = now;
                heard.deaf_since = heard.deaf_since.map(|_| now);
            }
        }
    }

    /// Those that are heard now.
    pub fn heard(&self, now: Timestamp) -> Vec<NodeNo> {
        self.heard.iter().filter(|(_, heard)| heard.is_heard(now)).map(|(node, _)| *node).collect()
    }

    pub fn is_heard(&self, node: NodeNo, now: Timestamp) -> bool {
        self.heard.get(&node).is_some_and(|heard| heard.is_heard(now))
    }

    /// Was it heard so lately that it cannot be called dead?
    pub fn lives(&self, node: NodeNo) -> bool {
        self.heard.get(&node).is_some_and(|heard| !heard.mark.is_dead())
    }

    /// Was one of these heard before, and is late to be heard again?
    pub fn misses_one_of(&self, mut nodes: impl Iterator<Item = NodeNo>, now: Timestamp) -> bool {
        let is_late = |heard: &Heard| now.since(heard.last) > limits::ALIVE_LATE;
        !self.is_out && nodes.any(|node| self.heard.get(&node).is_some_and(is_late))
    }

    /// Is this server missed, by an observer whose word counts, as it hears itself and half of the others at least?
    pub fn misses(&self, node: NodeNo, living: impl Iterator<Item = NodeNo>, now: Timestamp) -> bool {
        if self.is_out || self.heard.get(&node).is_none_or(|heard| heard.is_heard(now)) {
            return false;
        }
        let (mut others, mut heard) = (0, 0);
        for other in living.filter(|other| *other != node && *other != self.own) {
            others += 1;
            heard += usize::from(self.is_heard(other, now));
        }
        2 * heard >= others
    }

    /// Do most of the others that live say for so long that they cannot hear us?
    pub fn is_unheard(&self, living: impl Iterator<Item = NodeNo>, now: Timestamp) -> bool {
        let is_deaf = |heard: &Heard| {
            heard.is_heard(now)
                && heard.deaf_since.is_some_and(|since| now.since(since) >= limits::UNHEARD_MAX)
        };
        let (mut others, mut deaf) = (0, 0);
        for other in living.filter(|other| *other != self.own) {
            others += 1;
            deaf += usize::from(self.heard.get(&other).is_some_and(is_deaf));
        }
        !self.is_out && 2 * deaf > others
    }

    /// How many say that they hear this server.
    pub fn hearers(&self, node: NodeNo, now: Timestamp) -> usize {
        let is_one = |heard: &&Heard| heard.is_heard(now) && heard.hears.contains(&node);
        self.heard.values().filter(is_one).count()
    }

    /// For how long a server was not heard, of those that ever were.
    pub fn silence(&self, node: NodeNo, now: Timestamp) -> Option<Duration> {
        self.heard.get(&node).map(|heard| now.since(heard.last))
    }

    /// Forgets those who will never speak again.
    pub fn forget(&mut self, is_forgotten: impl Fn(NodeNo) -> bool) {
        self.heard.retain(|node, heard| !heard.mark.is_dead() || !is_forgotten(*node));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: NodeNo = NodeNo(1);
    const OTHER: NodeNo = NodeNo(2);
    const THIRD: NodeNo = NodeNo(3);
    const FOURTH: NodeNo = NodeNo(4);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + ms)
    }

    /// What is heard in this time of those that speak, who all hear us.
    fn pass(links: &mut Links, ms: std::ops::Range<i64>, speak: &[NodeNo]) {
        for ms in ms.step_by(250) {
            speak.iter().for_each(|node| links.hear(*node, vec![OWN], at(ms)));
            links.look(at(ms), false);
        }
    }

    fn all(nodes: &[NodeNo]) -> impl Iterator<Item = NodeNo> {
        nodes.iter().copied()
    }

    #[test]
    fn who_is_silent_is_late_first_then_missed_and_dead_only_after_a_lease() {
        let mut links = Links::new(OWN);
        pass(&mut links, 0..2_000, &[OTHER]);
        let living = [OWN, OTHER];
        assert!(!links.misses_one_of(all(&living), at(2_000)));
        pass(&mut links, 2_000..2_500, &[]);
        assert!(
            links.misses_one_of(all(&living), at(2_500)) && !links.misses(OTHER, all(&living), at(2_500))
        );
        pass(&mut links, 2_500..3_000, &[]);
        assert!(links.misses(OTHER, all(&living), at(3_000)), "there is nobody else to be heard");
        assert_eq!(links.heard(at(3_000)), []);
        pass(&mut links, 3_000..6_500, &[]);
        assert!(links.lives(OTHER));
        pass(&mut links, 6_500..7_500, &[]);
        assert!(!links.lives(OTHER));
        pass(&mut links, 7_500..7_501, &[OTHER]);
        assert!(links.lives(OTHER) && !links.misses(OTHER, all(&living), at(7_501)));
    }

    #[test]
    fn who_hears_less_than_half_of_the_others_misses_nobody() {
        let mut links = Links::new(OWN);
        pass(&mut links, 0..1_000, &[OTHER, THIRD, FOURTH]);
        pass(&mut links, 1_000..3_000, &[FOURTH]);
        let living = [OWN, OTHER, THIRD, FOURTH];
        assert!(links.misses(OTHER, all(&living), at(3_000)), "it hears one of two");
        pass(&mut links, 3_000..5_000, &[]);
        assert!(!links.misses(OTHER, all(&living), at(5_000)), "it hears none of two");
        assert!(links.misses(OTHER, all(&living[..2]), at(5_000)));
        assert!(!links.misses(NodeNo(9), all(&living[..2]), at(5_000)), "of that one nothing was heard ever");
    }

    #[test]
    fn who_stood_still_or_was_cut_off_itself_begins_to_listen_anew() {
        for is_out in [false, true] {
            let mut links = Links::new(OWN);
            pass(&mut links, 0..1_000, &[OTHER]);
            let living = [OWN, OTHER];
            if is_out {
                (1_000..9_000).step_by(250).for_each(|ms| links.look(at(ms), true));
                assert!(!links.misses(OTHER, all(&living), at(9_000)));
            }
            links.look(at(9_000), false);
            assert!(!links.misses(OTHER, all(&living), at(9_000)));
            pass(&mut links, 9_250..10_250, &[]);
            assert!(links.misses(OTHER, all(&living), at(10_250)));
        }
    }

    #[test]
    fn who_is_told_by_most_for_long_that_they_do_not_hear_it_is_unheard() {
        let mut links = Links::new(OWN);
        let living = [OWN, OTHER, THIRD, FOURTH];
        let speak = |links: &mut Links, ms: std::ops::Range<i64>, deaf: &[NodeNo]| {
            for ms in ms.step_by(250) {
                for node in &living[1..] {
                    let hears = if deaf.contains(node) { vec![FOURTH] } else { vec![OWN, FOURTH] };
                    links.hear(*node, hears, at(ms));
                }
                links.look(at(ms), false);
            }
        };
        speak(&mut links, 0..1_000, &[]);
        speak(&mut links, 1_000..9_000, &[OTHER]);
        assert!(!links.is_unheard(all(&living), at(9_000)), "one of three is deaf itself");
        speak(&mut links, 9_000..11_750, &[OTHER, THIRD]);
        assert!(!links.is_unheard(all(&living), at(11_750)));
        speak(&mut links, 11_750..12_250, &[OTHER, THIRD]);
        assert!(links.is_unheard(all(&living), at(12_250)));
        assert_eq!([OWN, THIRD, FOURTH].map(|node| links.hearers(node, at(12_250))), [1, 0, 3]);
        speak(&mut links, 12_250..12_500, &[OTHER]);
        assert!(!links.is_unheard(all(&living), at(12_500)));
    }
}
