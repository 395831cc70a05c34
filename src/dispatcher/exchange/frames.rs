//! What an owner tells the others of its commits: sent once, whatever their number, and kept for a while for who missed some.
//!
//! Always: what is kept of a sale has no hole. It is no second journal: who asks for more than is kept reads the database.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::bus::message::{Committed, Running, SaleTime};
use crate::bus::wire;
use crate::domain::event::Event;
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;
use crate::limits;

/// The length of the events that travel in one message: short of what a bus takes, and little enough not to be in the way.
const PART_BYTES: usize = 128 * 1024;

#[derive(Default)]
pub(in crate::dispatcher) struct Frames {
    sales: BTreeMap<ConcertId, OfSale>,
}

struct OfSale {
    epoch: u64,
    end: u64,
    time: SaleTime,
    kept: VecDeque<Kept>,
    bytes: usize,
}

struct Kept {
    seq: u64,
    at: Timestamp,
    /// Whole messages.
    parts: Vec<Bytes>,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.parts.iter().map(Bytes::len).sum()
    }
}

impl Frames {
    /// A sale runs here by this claim, and its journal ends with this row.
    pub fn begin(&mut self, concert: ConcertId, epoch: u64, end: u64, time: SaleTime) {
        let of = OfSale { epoch, end, time, kept: VecDeque::new(), bytes: 0 };
        self.sales.insert(concert, of);
    }

    pub fn end(&mut self, concert: ConcertId) {
        self.sales.remove(&concert);
    }

    /// Its time moved.
    pub fn set_time(&mut self, concert: ConcertId, time: SaleTime) {
        if let Some(of) = self.sales.get_mut(&concert) {
            of.time = time;
        }
    }

    /// Nobody is told of this row: there is no one.
    pub fn pass(&mut self, concert: ConcertId, seq: u64) {
        if let Some(of) = self.sales.get_mut(&concert) {
            (of.end, of.bytes) = (seq, 0);
            of.kept.clear();
        }
    }

    /// Keeps what is said of a row; `parts` are whole messages.
    pub fn keep(&mut self, concert: ConcertId, seq: u64, parts: Vec<Bytes>, now: Timestamp) {
        let Some(of) = self.sales.get_mut(&concert) else { return };
        let kept = Kept { seq, at: now, parts };
        of.end = seq;
        of.bytes += kept.bytes();
        of.kept.push_back(kept);
        while of.bytes > limits::FRAMES_KEPT_BYTES_MAX
            && let Some(first) = of.kept.pop_front()
        {
            of.bytes -= first.bytes();
        }
    }

    /// Forgets what everybody has, or reads in the database.
    pub fn forget(&mut self, now: Timestamp) {
        for of in self.sales.values_mut() {
            while let Some(first) = of.kept.pop_front_if(|kept| now.since(kept.at) > limits::FRAMES_KEPT_FOR)
            {
                of.bytes -= first.bytes();
            }
        }
    }

    /// The messages of the rows from this one on, in pieces that leave room for others; `None`: not all of them are kept.
    pub fn from(&self, concert: ConcertId, from: u64) -> Option<Vec<Bytes>> {
        let of = self.sales.get(&concert)?;
        if from > of.end {
            return Some(Vec::new());
        }
        let first = of.kept.front()?.seq;
        let skipped = usize::try_from(from.checked_sub(first)?).ok()?;
        let mut bytes = 0;
        let fits = |kept: &&Kept| {
            let is_first = bytes == 0;
            bytes += kept.bytes();
            is_first || bytes <= limits::FRAMES_AGAIN_BYTES_MAX
        };
        let again = of.kept.iter().skip(skipped).take_while(fits);
        Some(again.flat_map(|kept| kept.parts.iter().cloned()).collect())
    }

    /// The time of a sale that runs here.
    pub fn time(&self, concert: ConcertId) -> Option<SaleTime> {
        Some(self.sales.get(&concert)?.time)
    }

    /// How each sale stands; `applied` says how far its tables are.
    pub fn running(&self, applied: impl Fn(ConcertId) -> u64) -> Vec<Running> {
        let running = self.sales.iter().map(|(concert, of)| Running {
            concert: *concert,
            epoch: of.epoch,
            seq: of.end,
            applied: applied(*concert),
            time: of.time,
        });
        running.collect()
    }
}

/// What is said of a row of a journal.
pub(super) fn parts(concert: ConcertId, seq: u64, time: SaleTime, events: &[Event]) -> Vec<Committed> {
    let mut parts = vec![Vec::new()];
    let mut bytes = 0;
    for event in events {
        let event = Bytes::from(wire::encode(event));
        if bytes > 0 && bytes + event.len() > PART_BYTES {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += event.len();
        parts.last_mut().expect("there is one from the beginning").push(event);
    }
    let last = parts.len() - 1;
    let part =
        |(part, events)| Committed { concert, seq, part: part as u32, is_last: part == last, events, time };
    parts.into_iter().enumerate().map(part).collect()
}
