//! The slots of a line that are taken, and the number of them that lie before one: a bitmap with a Fenwick tree over
//! its words. Every operation is O(log n); a slot costs about 1.5 bits.

/// A number by which a line is ordered: the smaller one comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(pub u64);

#[derive(Clone, Debug, Default)]
pub struct Rank {
    /// Slots below this are not covered and never taken. A multiple of `WORD`.
    base: u64,
    words: Vec<u64>,
    /// Fenwick tree of the words' population counts; `tree[i]` covers the words up to `i`.
    tree: Vec<u64>,
    len: u64,
}

const WORD: u64 = u64::BITS as u64;

/// The same slots are taken; how far the bitmap reaches does not matter.
impl PartialEq for Rank {
    fn eq(&self, other: &Self) -> bool {
        let (short, long) = match self.words.len() <= other.words.len() {
            true => (&self.words, &other.words),
            false => (&other.words, &self.words),
        };
        let (common, rest) = long.split_at(short.len());
        self.base == other.base && short == common && rest.iter().all(|word| *word == 0)
    }
}

impl Eq for Rank {}

impl Rank {
    /// Empty, for slots from `first` on.
    pub fn starting_at(first: Slot) -> Self {
        Self { base: first.0 / WORD * WORD, ..Self::default() }
    }

    /// The number of taken slots.
    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn contains(&self, slot: Slot) -> bool {
        self.locate(slot).is_some_and(|(word, bit)| self.words.get(word).is_some_and(|w| w & bit != 0))
    }

    /// Takes a slot; one that is taken already changes nothing.
    ///
    /// # Panics
    /// If the slot lies before the first one that this rank covers.
    pub fn insert(&mut self, slot: Slot) {
        let (word, bit) = self.locate(slot).expect("who stood before the base has ended long ago");
        while self.words.len() <= word {
            self.push_word();
        }
        if self.words[word] & bit == 0 {
            self.words[word] |= bit;
            self.len += 1;
            self.update(word, |count| count + 1);
        }
    }

    /// Frees a slot; one that is free changes nothing.
    pub fn remove(&mut self, slot: Slot) {
        let Some((word, bit)) = self.locate(slot) else { return };
        if self.words.get(word).is_some_and(|w| w & bit != 0) {
            self.words[word] &= !bit;
            self.len -= 1;
            self.update(word, |count| count - 1);
        }
    }

    /// The number of taken slots that are smaller than `slot`.
    pub fn before(&self, slot: Slot) -> u64 {
        let Some((word, bit)) = self.locate(slot) else { return 0 };
        if word >= self.words.len() {
            return self.len;
        }
        let mut count = u64::from((self.words[word] & (bit - 1)).count_ones());
        let mut i = word;
        while i > 0 {
            count += self.tree[i - 1];
            i &= i - 1;
        }
        count
    }

    /// The smallest taken slot.
    pub fn first(&self) -> Option<Slot> {
        if self.len == 0 {
            return None;
        }
        // Walks down to the last word before which nothing is taken.
        let mut word = 0;
        let mut step = self.words.len().next_power_of_two();
        while step > 0 {
            if word + step <= self.words.len() && self.tree[word + step - 1] == 0 {
                word += step;
            }
            step /= 2;
        }
        Some(Slot(self.base + word as u64 * WORD + u64::from(self.words[word].trailing_zeros())))
    }

    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        (self.words.capacity() + self.tree.capacity()) * size_of::<u64>()
    }

    fn locate(&self, slot: Slot) -> Option<(usize, u64)> {
        let offset = slot.0.checked_sub(self.base)?;
        Some(((offset / WORD) as usize, 1 << (offset % WORD)))
    }

    fn push_word(&mut self) {
        self.words.push(0);
        let node = self.words.len();
        // A new node covers the nodes that it stands above; the word itself is still empty.
        let mut sum = 0;
        let mut child = node - 1;
        let lowest = node & (node - 1);
        while child > lowest {
            sum += self.tree[child - 1];
            child &= child - 1;
        }
        self.tree.push(sum);
    }

    fn update(&mut self, word: usize, change: impl Fn(u64) -> u64) {
        let mut node = word + 1;
        while node <= self.tree.len() {
            self.tree[node - 1] = change(self.tree[node - 1]);
            node += node & node.wrapping_neg();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn agrees_with_a_sorted_set(
            base in 0_u64..1_000,
            steps in prop::collection::vec((any::<bool>(), 0_u64..600), 1..300),
        ) {
            let mut rank = Rank::starting_at(Slot(base));
            let mut model = BTreeSet::new();
            for (insert, offset) in steps {
                let slot = Slot(base + offset);
                match insert {
                    true => { rank.insert(slot); model.insert(slot); }
                    false => { rank.remove(slot); model.remove(&slot); }
                }
                prop_assert_eq!(rank.len(), model.len() as u64);
                prop_assert_eq!(rank.first(), model.first().copied());
                for probe in [0, offset, offset + 1, 599, 10_000] {
                    let probe = Slot(base + probe);
                    prop_assert_eq!(rank.before(probe), model.range(..probe).count() as u64);
                    prop_assert_eq!(rank.contains(probe), model.contains(&probe));
                }
            }
        }
    }
}
