//! Facts that ended lately: the newest for each key, and a bounded number in all. A repeated command finds its
//! first outcome here; older ones are read from the store.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent<K: Eq + Hash, V> {
    facts: VecDeque<Fact<K, V>>,
    /// The number of facts that were dropped at the front; position − dropped = index.
    dropped: u64,
    /// The position of the newest fact of each key.
    newest: HashMap<K, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Fact<K, V> {
    key: K,
    value: V,
    /// The position of the same key's fact before this one.
    former: Option<u64>,
}

impl<K: Eq + Hash, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { facts: VecDeque::new(), dropped: 0, newest: HashMap::new() }
    }
}

impl<K: Eq + Hash + Clone, V> Recent<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        let index = self.newest.get(key)?.checked_sub(self.dropped)?;
        self.facts.get(index as usize).map(|fact| &fact.value)
    }

    pub fn push(&mut self, key: K, value: V) {
        let position = self.dropped + self.facts.len() as u64;
        let former = self.newest.insert(key.clone(), position);
        self.facts.push_back(Fact { key, value, former });
    }

    /// Takes the last fact back, and what it had replaced is there again.
    pub fn pop(&mut self) -> Option<V> {
        let fact = self.facts.pop_back()?;
        match fact.former {
            Some(former) if former >= self.dropped => self.newest.insert(fact.key, former),
            _ => self.newest.remove(&fact.key),
        };
        Some(fact.value)
    }

    /// Forgets the oldest facts beyond `max`.
    pub fn trim(&mut self, max: usize) {
        if self.dropped == 0 && self.facts.len() > max {
            // A table in which entries come and go and that is more than half full doubles once its gaps are used up, after
            // hours. It is given that size when it is full for the first time, so that memory is flat from then on.
            self.newest.reserve(max + max / 4);
        }
        while self.facts.len() > max {
            let Some(fact) = self.facts.pop_front() else { return };
            if self.newest.get(&fact.key) == Some(&self.dropped) {
                self.newest.remove(&fact.key);
            }
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_one_grows_no_more() {
        const MAX: usize = 20_480;
        let mut recent = Recent::default();
        let mut push = |keys: std::ops::Range<usize>| {
            let mut largest = 0;
            for key in keys {
                // Scattered as ids are, but the same in every run of the test.
                recent.push((key, key.wrapping_mul(0x9e37_79b9_7f4a_7c15)), ());
                recent.trim(MAX);
                largest = largest.max(recent.newest.capacity());
            }
            largest
        };
        let full = push(0..MAX + 1);
        assert_eq!(push(MAX + 1..40 * MAX), full);
    }

    #[test]
    fn the_newest_is_found_taken_back_and_forgotten_in_order() {
        let mut recent = Recent::default();
        recent.push("a", 1);
        recent.push("b", 2);
        recent.push("a", 3);
        assert_eq!(recent.get(&"a"), Some(&3));
        assert_eq!(recent.pop(), Some(3));
        assert_eq!(recent.get(&"a"), Some(&1));
        recent.push("c", 4);
        recent.trim(2);
        assert_eq!((recent.get(&"a"), recent.get(&"b"), recent.get(&"c")), (None, Some(&2), Some(&4)));
        recent.push("b", 5);
        recent.trim(1);
        assert_eq!(recent.get(&"b"), Some(&5));
        recent.pop();
        assert_eq!(recent.get(&"b"), None);
    }
}
