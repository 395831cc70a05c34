//! The owner's part of forwarding: commands of gateways are taken in their order, and their answers kept until each gateway
//! has them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::bus::conversation::{Answering, Answers, Asks, Taken};
use crate::bus::message::Verdict;
use crate::bus::wire;
use crate::domain::ids::{ConcertId, NodeNo};
use crate::domain::time::Timestamp;

/// What the commands of one sale in one conversation have in common.
#[derive(Debug, Default)]
pub(in crate::dispatcher) struct Stream {
    /// The conversation is over: nobody waits for what was not decided, and it is asked anew elsewhere.
    is_over: AtomicBool,
    /// 1 + the last attempt of which something was not ours to decide: what follows in it would overtake that.
    refused: AtomicU32,
}

impl Stream {
    /// Is a command of this attempt not to be decided any more?
    pub fn is_void(&self, attempt: u32) -> bool {
        self.is_over.load(Ordering::Acquire) || self.is_refused(attempt)
    }

    fn is_refused(&self, attempt: u32) -> bool {
        self.refused.load(Ordering::Acquire) == attempt + 1
    }
}

#[derive(Default)]
pub(in crate::dispatcher) struct Owned {
    gateways: BTreeMap<NodeNo, OfGateway>,
    /// Conversations up to this number are over.
    over: BTreeMap<NodeNo, u64>,
}

struct OfGateway {
    answering: Answering,
    streams: BTreeMap<ConcertId, Arc<Stream>>,
}

impl OfGateway {
    fn end(&self) {
        self.streams.values().for_each(|stream| stream.is_over.store(true, Ordering::Release));
    }
}

/// What a gateway said.
pub(in crate::dispatcher) enum Heard {
    /// These are to be decided, in this order.
    Commands(Vec<(Taken, Arc<Stream>)>),
    /// It speaks of a conversation that is over.
    Over,
}

impl Owned {
    pub fn hear(&mut self, from: NodeNo, said: Asks, now: Timestamp) -> Heard {
        let conversation = said.conversation;
        if self.over.get(&from).is_some_and(|over| conversation <= *over) {
            return Heard::Over;
        }
        // Of two conversations the later one counts, and voids what waits from the one before.
        if self.gateways.get(&from).is_some_and(|of| of.answering.conversation() < conversation) {
            self.end(from);
        }
        let of = self.gateways.entry(from).or_insert_with(|| OfGateway {
            answering: Answering::new(conversation),
            streams: BTreeMap::new(),
        });
        let taken = of.answering.hear(said, now).into_iter().map(|taken| {
            let stream = of.streams.entry(taken.concert).or_default().clone();
            (taken, stream)
        });
        Heard::Commands(taken.collect())
    }

    /// The conversation with this gateway is over. Gives its number.
    pub fn end(&mut self, gateway: NodeNo) -> Option<u64> {
        let of = self.gateways.remove(&gateway)?;
        of.end();
        let conversation = of.answering.conversation();
        self.over.insert(gateway, conversation);
        Some(conversation)
    }

    /// Forgets those who will never speak again.
    pub fn forget(&mut self, is_forgotten: impl Fn(NodeNo) -> bool) {
        self.over.retain(|gateway, _| !is_forgotten(*gateway));
    }

    pub fn gateways(&self) -> Vec<NodeNo> {
        self.gateways.keys().copied().collect()
    }

    /// The answer to a command that was taken. Nothing is kept for a conversation that is over.
    pub fn answer(&mut self, to: &Asker, verdict: Verdict, now: Timestamp) {
        let Some(of) = self.gateways.get_mut(&to.gateway) else { return };
        if of.answering.conversation() != to.conversation {
            return;
        }
        // What follows a command that came back must come back, too.
        let verdict = match to.stream.is_refused(to.attempt) {
            true => Verdict::NotMine,
            false => verdict,
        };
        if verdict == Verdict::NotMine {
            to.stream.refused.store(to.attempt + 1, Ordering::Release);
        }
        of.answering.answer(to.concert, to.number, wire::encode(&verdict).into(), now);
    }

    /// Conversations in which nothing is confirmed any more, with their gateways.
    pub fn over(&self, now: Timestamp) -> Vec<NodeNo> {
        let over = self.gateways.iter().filter(|(_, of)| of.answering.is_over(now));
        over.map(|(gateway, _)| *gateway).collect()
    }

    /// What there is to say to gateways now.
    pub fn speak(&mut self, now: Timestamp) -> Vec<(NodeNo, Answers)> {
        let mut said = Vec::new();
        for (gateway, of) in &mut self.gateways {
            while let Some(answers) = of.answering.speak(now) {
                said.push((*gateway, answers));
            }
        }
        said
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.gateways.values().filter_map(|of| of.answering.next_due()).min()
    }

    pub fn may_be_lost(&mut self) {
        self.gateways.values_mut().for_each(|of| of.answering.may_be_lost());
    }
}

/// Who asked for a command of a gateway's.
#[derive(Clone, Debug)]
pub(in crate::dispatcher) struct Asker {
    pub gateway: NodeNo,
    pub conversation: u64,
    pub concert: ConcertId,
    pub epoch: u64,
    pub number: u64,
    pub attempt: u32,
    pub stream: Arc<Stream>,
}
