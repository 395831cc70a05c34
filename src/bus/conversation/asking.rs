//! A gateway's half of a conversation.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::{
    Answers, Asks, AsksOfSale, CONFIRMED_AFTER, IN_FLIGHT_BYTES_MAX, MESSAGE_BYTES_MAX, SAID_AGAIN_AFTER,
    UNCONFIRMED_BYTES_MAX, UNCONFIRMED_MAX,
};
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;

/// What a gateway asks one owner. `T` is what it remembers of each command until that is answered.
pub struct Asking<T> {
    conversation: u64,
    sales: BTreeMap<ConcertId, OfSale<T>>,
    /// The length of all commands that the owner has not confirmed.
    unconfirmed: usize,
}

struct OfSale<T> {
    epoch: u64,
    attempt: u32,
    /// The number of the first command that is not handed on; those after it follow without holes.
    first: u64,
    open: VecDeque<Open<T>>,
    /// Commands before this number were sent once, and those before `taken` are known to have arrived.
    sent: u64,
    /// The greatest that `sent` ever was.
    ever_sent: u64,
    taken: u64,
    /// The length of what was sent and is not known to have arrived.
    in_flight: usize,
    /// When that which was sent and has not arrived, for all that is known, was sent last.
    sent_at: Timestamp,
    /// Answers that came before their turn.
    early: BTreeMap<u64, Bytes>,
    /// Since when the owner is owed a word about what was handed on.
    owes_since: Option<Timestamp>,
}

/// What a command adds to a message besides itself, and more.
const COMMAND_OVERHEAD: usize = 8;

struct Open<T> {
    command: Bytes,
    of: T,
    asked_at: Timestamp,
}

impl<T> OfSale<T> {
    fn end(&self) -> u64 {
        self.first + self.open.len() as u64
    }

    fn open_from(&self, number: u64) -> impl Iterator<Item = &Open<T>> {
        self.open.iter().skip(number.saturating_sub(self.first) as usize)
    }

    fn unconfirmed_since(&self) -> Option<Timestamp> {
        self.open_from(self.taken).next().map(|open| open.asked_at)
    }
}

impl<T> Asking<T> {
    pub fn new(conversation: u64) -> Self {
        Self { conversation, sales: BTreeMap::new(), unconfirmed: 0 }
    }

    pub fn conversation(&self) -> u64 {
        self.conversation
    }

    /// Takes a command for a sale that is run by this claim. It leaves with the next message.
    pub fn ask(&mut self, concert: ConcertId, epoch: u64, command: Bytes, of: T, now: Timestamp) {
        let sale = self.sales.entry(concert).or_insert_with(|| OfSale {
            epoch,
            attempt: 0,
            first: 0,
            open: VecDeque::new(),
            sent: 0,
            ever_sent: 0,
            taken: 0,
            in_flight: 0,
            sent_at: now,
            early: BTreeMap::new(),
            owes_since: None,
        });
        debug_assert!(sale.open.is_empty() || sale.epoch == epoch, "what was asked before is open");
        sale.epoch = epoch;
        self.unconfirmed += command.len();
        sale.open.push_back(Open { command, of, asked_at: now });
    }

    /// What was asked until now of this sale was not the owner's to decide, and is answered. What follows is another attempt.
    pub fn begin_anew(&mut self, concert: ConcertId) {
        if let Some(sale) = self.sales.get_mut(&concert) {
            debug_assert!(sale.open.is_empty(), "what was asked before is open");
            sale.attempt += 1;
        }
    }

    /// Is something asked of this sale and not answered?
    pub fn is_asked(&self, concert: ConcertId) -> bool {
        self.sales.get(&concert).is_some_and(|sale| !sale.open.is_empty())
    }

    /// The owner's answers. Gives those that can be handed on, in their order.
    pub fn hear(&mut self, said: Answers, now: Timestamp) -> Vec<(ConcertId, T, Bytes)> {
        let mut handed = Vec::new();
        if said.conversation != self.conversation {
            return handed;
        }
        for of in said.sales {
            let Some(sale) = self.sales.get_mut(&of.concert) else { continue };
            let taken = of.taken.clamp(sale.taken, sale.end());
            let confirmed = sale.open_from(sale.taken).take((taken - sale.taken) as usize);
            let confirmed: usize = confirmed.map(|open| open.command.len()).sum();
            self.unconfirmed -= confirmed;
            sale.in_flight = sale.in_flight.saturating_sub(confirmed);
            if taken > sale.taken {
                sale.taken = taken;
                sale.sent = sale.sent.max(taken);
                sale.sent_at = now;
            }
            for (number, answer) in of.answers {
                // What is said again has to be confirmed again.
                sale.owes_since.get_or_insert(now);
                // Nobody answers what was not taken.
                if (sale.first..sale.taken).contains(&number) {
                    sale.early.entry(number).or_insert(answer);
                }
            }
            while let Some(answer) = sale.early.remove(&sale.first) {
                let open = sale.open.pop_front().expect("what is answered was open");
                sale.first += 1;
                handed.push((of.concert, open.of, answer));
            }
        }
        handed
    }

    /// The next message, if there is something to say now. It is asked for again until there is none.
    pub fn speak(&mut self, now: Timestamp) -> Option<Asks> {
        let mut message = Asks { conversation: self.conversation, sales: Vec::new() };
        let mut room = MESSAGE_BYTES_MAX;
        for (concert, sale) in &mut self.sales {
            if room == 0 {
                break;
            }
            if sale.taken < sale.sent && now.since(sale.sent_at) >= SAID_AGAIN_AFTER {
                sale.sent = sale.taken;
                sale.in_flight = 0;
            }
            let owes = sale.owes_since.is_some_and(|since| now.since(since) >= CONFIRMED_AFTER);
            let first = sale.sent;
            let (mut commands, mut in_flight) = (Vec::new(), sale.in_flight);
            for open in sale.open_from(first) {
                let len = open.command.len();
                // A command that is larger than a message should be has one to itself.
                let has_room = len <= room || room == MESSAGE_BYTES_MAX;
                if !has_room || in_flight > 0 && in_flight + len > IN_FLIGHT_BYTES_MAX {
                    break;
                }
                room = room.saturating_sub(len + COMMAND_OVERHEAD);
                in_flight += len;
                commands.push(open.command.clone());
            }
            if commands.is_empty() && !owes {
                continue;
            }
            if sale.taken == sale.sent {
                sale.sent_at = now;
            }
            sale.in_flight = in_flight;
            sale.sent += commands.len() as u64;
            sale.ever_sent = sale.ever_sent.max(sale.sent);
            sale.owes_since = None;
            let (epoch, attempt, answered) = (sale.epoch, sale.attempt, sale.first);
            message.sales.push(AsksOfSale { concert: *concert, epoch, attempt, answered, first, commands });
        }
        (!message.sales.is_empty()).then_some(message)
    }

    /// The time at which something is to be said that is not to be said now; `None`: nothing will be.
    pub fn next_due(&self) -> Option<Timestamp> {
        let due = |sale: &OfSale<T>| {
            let again = (sale.taken < sale.sent).then(|| sale.sent_at + SAID_AGAIN_AFTER);
            let confirmed = sale.owes_since.map(|since| since + CONFIRMED_AFTER);
            again.into_iter().chain(confirmed).min()
        };
        self.sales.values().filter_map(due).min()
    }

    /// Whatever is not confirmed is said again at once: it may be lost.
    pub fn may_be_lost(&mut self) {
        for sale in self.sales.values_mut().filter(|sale| sale.taken < sale.sent) {
            sale.sent_at = Timestamp::default();
        }
    }

    /// Has the owner confirmed nothing for so long, or so much not, that nobody counts on it any more?
    pub fn is_over(&self, now: Timestamp) -> bool {
        let since = self.sales.values().filter_map(OfSale::unconfirmed_since).min();
        since.is_some_and(|since| now.since(since) > UNCONFIRMED_MAX)
            || self.unconfirmed > UNCONFIRMED_BYTES_MAX
    }

    /// All that is not answered, and whether it was sent: of each sale in its order.
    pub fn open_mut(&mut self) -> impl Iterator<Item = (ConcertId, &mut T, bool)> {
        self.sales.iter_mut().flat_map(|(concert, sale)| {
            let ever_sent = sale.ever_sent;
            let open = (sale.first..).zip(&mut sale.open);
            open.map(move |(number, open)| (*concert, &mut open.of, number < ever_sent))
        })
    }

    /// Ends the conversation. Gives what is not answered, and whether it was sent: of each sale in its order.
    pub fn end(self) -> Vec<(ConcertId, T, bool)> {
        let of_sale = |(concert, sale): (ConcertId, OfSale<T>)| {
            let open = (sale.first..).zip(sale.open);
            open.map(move |(number, open)| (concert, open.of, number < sale.ever_sent))
        };
        self.sales.into_iter().flat_map(of_sale).collect()
    }
}
