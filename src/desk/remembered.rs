//! A bounded memory of what was looked up and hardly ever changes. Forgetting costs a look-up, nothing else.

use std::collections::HashMap;
use std::hash::Hash;

use parking_lot::Mutex;

/// Remembers at least the last `max / 2` entries used, at most `max`. When the younger half is full, the older
/// one is dropped whole: cheaper than an order of use, and as good for this.
pub struct Remembered<K, V> {
    half: usize,
    halves: Mutex<(HashMap<K, V>, HashMap<K, V>)>,
}

impl<K: Eq + Hash, V: Copy> Remembered<K, V> {
    pub fn new(max: usize) -> Self {
        Self { half: (max / 2).max(1), halves: Mutex::default() }
    }

    pub fn get(&self, key: &K) -> Option<V> {
        let mut halves = self.halves.lock();
        if let Some(value) = halves.0.get(key) {
            return Some(*value);
        }
        let (key, value) = halves.1.remove_entry(key)?;
        self.put(&mut halves, key, value);
        Some(value)
    }

    /// What was looked up is not so any more.
    pub fn forget(&self, key: &K) {
        let mut halves = self.halves.lock();
        halves.0.remove(key);
        halves.1.remove(key);
    }

    pub fn insert(&self, key: K, value: V) {
        self.put(&mut self.halves.lock(), key, value);
    }

    fn put(&self, halves: &mut (HashMap<K, V>, HashMap<K, V>), key: K, value: V) {
        if halves.0.len() >= self.half {
            halves.1 = std::mem::take(&mut halves.0);
        }
        halves.0.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let memory = Remembered::new(10);
        for key in 0..1_000 {
            memory.insert(key, key);
            assert_eq!(memory.get(&0), Some(0), "used all the time");
            let (young, old) = &*memory.halves.lock();
            assert!(young.len() + old.len() <= 10);
        }
        assert_eq!(memory.get(&999), Some(999));
        assert_eq!(memory.get(&500), None);
        memory.forget(&999);
        assert_eq!(memory.get(&999), None);
    }
}
