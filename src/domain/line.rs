//! The line of a sale: who waits, in which order, how fast it moves, and the place that a token in it is shown. The waiting room
//! decides by one, readers are answered from another; both are given the same tokens, and everything about places is here.
//!
//! Always: a position is 1 + the number of waiting tokens that are let in earlier. They are let in by class, then as they
//! were drawn, then as they joined. A place costs O(log n) for each class, however long the line is.
//! Not here: who may be let in, and when; presence; which seats are free.

use std::sync::Arc;

use super::admission_rate::AdmissionRate;
use super::command::{LinePosition, Place};
use super::ids::EntryNo;
use super::rank::{Rank, Slot};
use super::record::{TokenRecord, TokenStatus};
use super::rules::SaleRules;
use super::time::{Now, Timestamp};

/// A class of fans who are let in together; the smaller class is before the greater one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub u8);

/// The order of a sale's line. The default is first come, first served.
#[derive(Clone, Debug)]
pub struct Order {
    /// The class of a token, which has to stay the same for as long as it waits.
    class_of: fn(&TokenRecord) -> Class,
    draw: Option<Arc<Draw>>,
}

/// An order among the first entries of a sale that was drawn. Eight bytes an entry, shared by all who know it.
#[derive(Debug, PartialEq, Eq)]
pub struct Draw {
    /// The place that each entry drew.
    drawn: Box<[u32]>,
    /// The entry that drew each place.
    entries: Box<[u32]>,
}

#[derive(Clone, Debug)]
pub struct Line {
    order: Order,
    /// Nobody stands before it.
    base: Slot,
    /// Those who wait, by class.
    classes: Vec<Rank>,
    rate: AdmissionRate,
}

/// A performance's seats, as far as they matter to those who wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatCounts {
    /// UTC.
    pub starts_at: Timestamp,
    /// All seats but those that the house keeps.
    pub for_sale: u64,
    pub available: u64,
    pub sold: u64,
}

/// The stock that is left to wait for: the seats of all performances that have not started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    pub available: u64,
    /// All that is for sale is paid, and something is.
    pub sold_out: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { class_of: |_| Class::default(), draw: None }
    }
}

impl Order {
    /// The order with classes; `class_of` says which one a token is in.
    pub fn by_class(self, class_of: fn(&TokenRecord) -> Class) -> Self {
        Self { class_of, ..self }
    }

    /// Within a class as it was drawn. Who is not part of the draw stands behind those who are, in the order of joining.
    pub fn by_draw(self, draw: Arc<Draw>) -> Self {
        Self { draw: Some(draw), ..self }
    }

    fn slot(&self, entry: EntryNo) -> Slot {
        Slot(swapped(self.draw.as_ref().map(|draw| &*draw.drawn), entry.0))
    }

    /// Nobody who joins from this entry on stands before it.
    fn least_slot_from(&self, entry: EntryNo) -> Slot {
        let drawn = self.draw.as_ref().map_or(0, |draw| draw.drawn.len() as u64);
        Slot(if entry.0 < drawn { 0 } else { entry.0 })
    }

    fn entry(&self, slot: Slot) -> EntryNo {
        EntryNo(swapped(self.draw.as_ref().map(|draw| &*draw.entries), slot.0))
    }
}

/// The number that a table gives for a number; beyond its end, the number itself.
fn swapped(table: Option<&[u32]>, number: u64) -> u64 {
    let found = table.and_then(|table| table.get(usize::try_from(number).ok()?));
    found.map_or(number, |other| u64::from(*other))
}

impl Draw {
    /// `drawn[n]` is the place that entry n drew. `None`: a place is given twice, or lies beyond the number of entries.
    pub fn new(drawn: Vec<u32>) -> Option<Self> {
        let mut entries = vec![u32::MAX; drawn.len()];
        for (entry, place) in (0..).zip(&drawn) {
            let owner = entries.get_mut(*place as usize).filter(|owner| **owner == u32::MAX)?;
            *owner = entry;
        }
        Some(Self { drawn: drawn.into(), entries: entries.into() })
    }
}

impl Stock {
    pub fn of(performances: impl Iterator<Item = SeatCounts>, utc: Timestamp) -> Self {
        let mut stock = Self::default();
        let (mut for_sale, mut sold) = (0, 0);
        for performance in performances.filter(|performance| performance.starts_at > utc) {
            for_sale += performance.for_sale;
            sold += performance.sold;
            stock.available += performance.available;
        }
        stock.sold_out = sold > 0 && sold == for_sale;
        stock
    }
}

impl Line {
    /// Nobody waits yet; the next one to join is `next`.
    pub fn new(order: Order, next: EntryNo) -> Self {
        let base = order.least_slot_from(next);
        Self { order, base, classes: Vec::new(), rate: AdmissionRate::default() }
    }

    /// A line with those of `tokens` in it that wait.
    pub fn restored(order: Order, next: EntryNo, tokens: &[TokenRecord]) -> Self {
        let waiting = || tokens.iter().filter(|token| token.status == TokenStatus::Waiting);
        let mut line = Self::new(order, next);
        line.base = waiting().map(|token| line.order.slot(token.entry)).fold(line.base, Ord::min);
        waiting().for_each(|token| line.join(token));
        line
    }

    /// The number of those who wait.
    pub fn len(&self) -> u64 {
        self.classes.iter().map(Rank::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.classes.iter().all(Rank::is_empty)
    }

    pub fn contains(&self, entry: EntryNo) -> bool {
        let slot = self.order.slot(entry);
        self.classes.iter().any(|rank| rank.contains(slot))
    }

    /// A token waits from now on. Once it waits, to join again changes nothing.
    pub fn join(&mut self, token: &TokenRecord) {
        let class = usize::from((self.order.class_of)(token).0);
        let missing = (class + 1).saturating_sub(self.classes.len());
        self.classes.extend(std::iter::repeat_with(|| Rank::starting_at(self.base)).take(missing));
        self.classes[class].insert(self.order.slot(token.entry));
    }

    /// A token waits no more. To leave again changes nothing.
    pub fn leave(&mut self, entry: EntryNo) {
        let slot = self.order.slot(entry);
        self.classes.iter_mut().for_each(|rank| rank.remove(slot));
    }

    /// The entry whose turn is next.
    pub fn first(&self) -> Option<EntryNo> {
        self.classes.iter().find_map(Rank::first).map(|slot| self.order.entry(slot))
    }

    /// 1 + how many are let in before this token; `None`: it does not wait.
    pub fn position(&self, entry: EntryNo) -> Option<u64> {
        let slot = self.order.slot(entry);
        let mut ahead = 0;
        for rank in &self.classes {
            if rank.contains(slot) {
                return Some(ahead + rank.before(slot) + 1);
            }
            ahead += rank.len();
        }
        None
    }

    /// Somebody was let in, and that cannot be taken back any more. UTC.
    pub fn note_admission(&mut self, at: Timestamp) {
        self.rate.record(at);
    }

    pub fn admissions_last_minute(&self, utc: Timestamp) -> u64 {
        self.rate.last_minute(utc)
    }

    /// Whole seconds until so many were let in, at the rate of the last minute; `None` while that is not known. Nobody
    /// knows when a seat of a full house becomes free.
    pub fn eta(&self, position: u64, stock: Stock, utc: Timestamp) -> Option<u64> {
        (stock.available > 0).then(|| self.rate.eta_seconds(position, utc)).flatten()
    }

    /// The place that the owner of a token is shown. `active_at` is the last activity of an admitted one, in sale time.
    pub fn place(
        &self,
        record: TokenRecord,
        active_at: Option<Timestamp>,
        stock: Stock,
        rules: &SaleRules,
        now: Now,
    ) -> Place {
        let position = match record.status {
            TokenStatus::Waiting => self.position(record.entry),
            TokenStatus::Progress | TokenStatus::Done | TokenStatus::Expired(_) => None,
        };
        let is_admitted = record.status == TokenStatus::Progress;
        Place {
            line: position
                .map(|position| LinePosition { position, eta_seconds: self.eta(position, stock, now.utc) }),
            waiting: self.len(),
            sold_out: stock.sold_out,
            idle_at: active_at.filter(|_| is_admitted).map(|at| at + rules.idle_ttl),
            record,
        }
    }
}

/// The same tokens wait, in the same order.
impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        let (short, long) = match self.classes.len() <= other.classes.len() {
            true => (&self.classes, &other.classes),
            false => (&other.classes, &self.classes),
        };
        let (common, rest) = long.split_at(short.len());
        self.order.draw == other.order.draw
            && self.rate == other.rate
            && short == common
            && rest.iter().all(Rank::is_empty)
    }
}

impl Eq for Line {}

#[cfg(test)]
mod tests;
