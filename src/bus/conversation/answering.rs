//! An owner's half of a conversation.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{
    Answers, AnswersOfSale, Asks, CONFIRMED_AFTER, IN_FLIGHT_BYTES_MAX, MESSAGE_BYTES_MAX, SAID_AGAIN_AFTER,
    UNCONFIRMED_BYTES_MAX, UNCONFIRMED_MAX,
};
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;

/// A command that was taken: its turn has come, and it comes no second time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub concert: ConcertId,
    pub number: u64,
    pub epoch: u64,
    pub attempt: u32,
    pub command: Bytes,
}

/// What an owner answers one gateway.
pub struct Answering {
    conversation: u64,
    sales: BTreeMap<ConcertId, OfSale>,
    /// The length of all answers that the gateway has not confirmed.
    unconfirmed: usize,
}

#[derive(Default)]
struct OfSale {
    /// The number of the next command.
    next: u64,
    /// The last attempt of which a command was not this owner's to decide, and so is none that follows in it.
    refused: Option<u32>,
    /// Answers that the gateway has not confirmed.
    answers: BTreeMap<u64, Answer>,
    /// Those of them that are to be said, and were not since they became so.
    unsaid: BTreeSet<u64>,
    in_flight: usize,
    /// When that which was said and is not confirmed was said last.
    said_at: Timestamp,
    /// Since when the gateway is owed a word about what was taken.
    owes_since: Option<Timestamp>,
}

struct Answer {
    text: Bytes,
    since: Timestamp,
}

impl OfSale {
    fn has_said_something(&self) -> bool {
        self.unsaid.len() < self.answers.len()
    }
}

/// What an answer adds to a message besides itself, and more.
const ANSWER_OVERHEAD: usize = 16;

impl Answering {
    pub fn new(conversation: u64) -> Self {
        Self { conversation, sales: BTreeMap::new(), unconfirmed: 0 }
    }

    pub fn conversation(&self) -> u64 {
        self.conversation
    }

    /// What the gateway says. Gives the commands whose turn it is.
    pub fn hear(&mut self, said: Asks, now: Timestamp) -> Vec<Taken> {
        let mut taken = Vec::new();
        for of in said.sales {
            let sale = self.sales.entry(of.concert).or_default();
            let confirmed: Vec<u64> = sale.answers.range(..of.answered).map(|(number, _)| *number).collect();
            for number in confirmed {
                let answer = sale.answers.remove(&number).map_or(0, |answer| answer.text.len());
                self.unconfirmed -= answer;
                if !sale.unsaid.remove(&number) {
                    sale.in_flight = sale.in_flight.saturating_sub(answer);
                }
                sale.said_at = now;
            }
            if !of.commands.is_empty() {
                // Also for what was taken before: that it was may not be known there.
                sale.owes_since.get_or_insert(now);
            }
            for (number, command) in (of.first..).zip(of.commands) {
                // What is missing before it is said again.
                if number == sale.next {
                    sale.next += 1;
                    let (concert, epoch, attempt) = (of.concert, of.epoch, of.attempt);
                    taken.push(Taken { concert, number, epoch, attempt, command });
                }
            }
        }
        taken
    }

    /// A command of this attempt was not ours to decide. Those behind it are not either, whatever is ours by then: they would
    /// overtake it.
    pub fn refuse(&mut self, concert: ConcertId, attempt: u32) {
        self.sales.entry(concert).or_default().refused = Some(attempt);
    }

    pub fn is_refused(&self, concert: ConcertId, attempt: u32) -> bool {
        self.sales.get(&concert).is_some_and(|sale| sale.refused == Some(attempt))
    }

    /// The answer to a command that was taken.
    pub fn answer(&mut self, concert: ConcertId, number: u64, text: Bytes, now: Timestamp) {
        let sale = self.sales.entry(concert).or_default();
        debug_assert!(number < sale.next, "what is answered was taken");
        self.unconfirmed += text.len();
        let before = sale.answers.insert(number, Answer { text, since: now });
        debug_assert!(before.is_none(), "a command is answered once");
        sale.unsaid.insert(number);
    }

    /// The next message, if there is something to say now. It is asked for again until there is none.
    pub fn speak(&mut self, now: Timestamp) -> Option<Answers> {
        let mut message = Answers { conversation: self.conversation, sales: Vec::new() };
        let mut room = MESSAGE_BYTES_MAX;
        for (concert, sale) in &mut self.sales {
            if room == 0 {
                break;
            }
            if sale.has_said_something() && now.since(sale.said_at) >= SAID_AGAIN_AFTER {
                sale.unsaid = sale.answers.keys().copied().collect();
                sale.in_flight = 0;
            }
            let owes = sale.owes_since.is_some_and(|since| now.since(since) >= CONFIRMED_AFTER);
            let had_said_something = sale.has_said_something();
            let mut answers = Vec::new();
            while let Some(number) = sale.unsaid.first().copied() {
                let text = &sale.answers[&number].text;
                let has_room = text.len() <= room || room == MESSAGE_BYTES_MAX;
                if !has_room || sale.in_flight > 0 && sale.in_flight + text.len() > IN_FLIGHT_BYTES_MAX {
                    break;
                }
                room = room.saturating_sub(text.len() + ANSWER_OVERHEAD);
                sale.in_flight += text.len();
                answers.push((number, text.clone()));
                sale.unsaid.pop_first();
            }
            if answers.is_empty() && !owes {
                continue;
            }
            if !had_said_something {
                sale.said_at = now;
            }
            sale.owes_since = None;
            message.sales.push(AnswersOfSale { concert: *concert, taken: sale.next, answers });
        }
        (!message.sales.is_empty()).then_some(message)
    }

    /// The time at which something is to be said that is not to be said now; `None`: nothing will be.
    pub fn next_due(&self) -> Option<Timestamp> {
        let due = |sale: &OfSale| {
            let again = sale.has_said_something().then(|| sale.said_at + SAID_AGAIN_AFTER);
            let confirmed = sale.owes_since.map(|since| since + CONFIRMED_AFTER);
            again.into_iter().chain(confirmed).min()
        };
        self.sales.values().filter_map(due).min()
    }

    /// Whatever is not confirmed is said again at once: it may be lost.
    pub fn may_be_lost(&mut self) {
        for sale in self.sales.values_mut() {
            sale.said_at = Timestamp::default();
            // What was taken may not be known there either.
            sale.owes_since.get_or_insert(Timestamp::default());
        }
    }

    /// Has the gateway confirmed nothing for so long, or so much not, that nobody counts on it any more?
    pub fn is_over(&self, now: Timestamp) -> bool {
        let oldest = |sale: &OfSale| sale.answers.values().map(|answer| answer.since).min();
        let since = self.sales.values().filter_map(oldest).min();
        since.is_some_and(|since| now.since(since) > UNCONFIRMED_MAX)
            || self.unconfirmed > UNCONFIRMED_BYTES_MAX
    }
}
