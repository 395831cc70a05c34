//! A map from entry numbers that costs little where they are dense: chunks, given back when they empty. A line of
//! a million needs no table that doubles.

use std::collections::BTreeMap;

use super::ids::EntryNo;

const CHUNK: u64 = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries<V> {
    chunks: BTreeMap<u64, Chunk<V>>,
    len: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Chunk<V> {
    slots: Box<[Option<V>]>,
    used: usize,
}

impl<V> Default for Entries<V> {
    fn default() -> Self {
        Self { chunks: BTreeMap::new(), len: 0 }
    }
}

impl<V> Entries<V> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn get(&self, entry: EntryNo) -> Option<&V> {
        self.chunks.get(&(entry.0 / CHUNK))?.slots[(entry.0 % CHUNK) as usize].as_ref()
    }

    pub fn get_mut(&mut self, entry: EntryNo) -> Option<&mut V> {
        self.chunks.get_mut(&(entry.0 / CHUNK))?.slots[(entry.0 % CHUNK) as usize].as_mut()
    }

    /// Gives back what was there before.
    pub fn insert(&mut self, entry: EntryNo, value: V) -> Option<V> {
        let chunk = self.chunks.entry(entry.0 / CHUNK).or_insert_with(|| Chunk {
            slots: std::iter::repeat_with(|| None).take(CHUNK as usize).collect(),
            used: 0,
        });
        let former = chunk.slots[(entry.0 % CHUNK) as usize].replace(value);
        if former.is_none() {
            chunk.used += 1;
            self.len += 1;
        }
        former
    }

    pub fn remove(&mut self, entry: EntryNo) -> Option<V> {
        let chunk = self.chunks.get_mut(&(entry.0 / CHUNK))?;
        let former = chunk.slots[(entry.0 % CHUNK) as usize].take()?;
        chunk.used -= 1;
        self.len -= 1;
        if chunk.used == 0 {
            self.chunks.remove(&(entry.0 / CHUNK));
        }
        Some(former)
    }

    /// All entries, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (EntryNo, &V)> {
        self.iter_from(EntryNo(0))
    }

    /// The entries from one on, in ascending order.
    pub fn iter_from(&self, from: EntryNo) -> impl Iterator<Item = (EntryNo, &V)> {
        let chunks = self.chunks.range(from.0 / CHUNK..);
        let entries = chunks.flat_map(|(&chunk, slots)| {
            let numbered = (chunk * CHUNK..).zip(slots.slots.iter());
            numbered.filter_map(|(entry, slot)| Some((EntryNo(entry), slot.as_ref()?)))
        });
        entries.skip_while(move |(entry, _)| *entry < from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order_and_empty_chunks_go() {
        let mut entries = Entries::default();
        for entry in [5_000, 3, 1_024, 1_023] {
            assert_eq!(entries.insert(EntryNo(entry), entry), None);
        }
        assert_eq!(entries.insert(EntryNo(3), 33), Some(3));
        assert_eq!(entries.iter().map(|(e, _)| e.0).collect::<Vec<_>>(), [3, 1_023, 1_024, 5_000]);
        assert_eq!(entries.iter_from(EntryNo(1_024)).map(|(e, _)| e.0).collect::<Vec<_>>(), [1_024, 5_000]);
        assert_eq!(entries.remove(EntryNo(5_000)), Some(5_000));
        assert_eq!(entries.remove(EntryNo(5_000)), None);
        assert_eq!((entries.len(), entries.chunks.len()), (3, 2));
        assert_eq!(entries.get(EntryNo(3)), Some(&33));
    }
}
