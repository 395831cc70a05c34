//! The gateway's part of forwarding: each sale's commands go to its owner in their order, are held back while it has none,
//! and are asked anew when a conversation ends.
//!
//! Always: of one sale nothing is asked of an owner while something that was asked of another one is open. Who is told
//! `UNAVAILABLE` or `OVERLOADED` asked for something that certainly was not done.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use bytes::Bytes;

use crate::bus::conversation::{Answers, Asking, Asks};
use crate::bus::message::{Forwarded, Verdict};
use crate::bus::wire;
use crate::dispatcher::mailbox::{Mailbox, Work};
use crate::dispatcher::told::{Owner, Told};
use crate::domain::command::Command;
use crate::domain::ids::{ConcertId, NodeNo, UserId};
use crate::domain::time::Timestamp;
use crate::fanout::{Refusal, Reply, ReplyTo};
use crate::limits;

/// A command that is not answered.
pub(in crate::dispatcher) struct Waiting {
    pub command: Command,
    text: Bytes,
    /// `None`: they were told that nobody knows.
    pub reply: Option<ReplyTo>,
    /// Whose windows are told nothing else until it is answered.
    holds: Option<UserId>,
    asked_at: Timestamp,
    /// It may have been done by an owner who cannot be asked any more.
    pub may_be_done: bool,
}

/// A command of a sale that runs here by now.
pub(in crate::dispatcher) type Local = (ConcertId, Waiting);

/// What nobody decided rests on nothing.
const NOWHERE: (u64, u32) = (0, 0);

pub(in crate::dispatcher) struct Gateway {
    own: NodeNo,
    owners: BTreeMap<ConcertId, Owner>,
    sales: BTreeMap<ConcertId, OfSale>,
    asking: BTreeMap<NodeNo, Asking<Waiting>>,
    /// Commands that were asked and not answered, of each owner.
    open: BTreeMap<NodeNo, usize>,
    conversations: u64,
    /// Makes names of requests that have none.
    requests: u64,
    /// Commands that were asked since that was told.
    forwarded: u64,
    /// How many commands of each user are not answered, of those whose windows wait.
    held: HashMap<(ConcertId, UserId), u32>,
    /// Answers that wait for what they rest on.
    kept_back: BTreeMap<ConcertId, usize>,
}

#[derive(Default)]
struct OfSale {
    /// Who was asked for what is open.
    asked: Option<Owner>,
    /// What was asked and is not the owner's to decide, in its order.
    returned: VecDeque<Waiting>,
    /// What was not asked.
    held_back: VecDeque<Waiting>,
    /// The owner is not asked again before.
    not_before: Timestamp,
}

impl OfSale {
    fn is_idle(&self) -> bool {
        self.asked.is_none() && self.returned.is_empty() && self.held_back.is_empty()
    }
}

/// May it be done a second time by whoever runs the sale then? What an operator saw before is not so any more, and a visit that
/// is not named may be a later one.
fn may_be_repeated(command: &Command) -> bool {
    match command {
        Command::Leave { caller } => caller.token.is_some(),
        command => !command.is_of_operators(),
    }
}

impl Gateway {
    pub fn new(own: NodeNo) -> Self {
        Self {
            own,
            owners: BTreeMap::new(),
            sales: BTreeMap::new(),
            asking: BTreeMap::new(),
            open: BTreeMap::new(),
            conversations: 0,
            requests: 0,
            forwarded: 0,
            held: HashMap::new(),
            kept_back: BTreeMap::new(),
        }
    }

    /// Takes a command. An error means that it was not taken.
    pub fn forward(
        &mut self,
        concert: ConcertId,
        command: Command,
        reply: ReplyTo,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let waiting = self.sales.get(&concert).map_or(0, |sale| sale.held_back.len() + sale.returned.len());
        if waiting >= limits::HELD_BACK_COMMANDS_MAX && !command.is_presence() {
            return Err(Refusal::Overloaded { retry_after: limits::OVERLOADED_RETRY_AFTER });
        }
        self.take_over(concert, command, reply, now);
        Ok(())
    }

    /// Takes a command that was taken already by somebody else here, at this time.
    pub fn take_over(
        &mut self,
        concert: ConcertId,
        mut command: Command,
        reply: ReplyTo,
        asked_at: Timestamp,
    ) {
        if let Command::HoldBest { request_id: request_id @ None, .. } = &mut command {
            // Asked twice, it is done once.
            self.requests += 1;
            *request_id = Some(format!("~{}.{}", self.own, self.requests).into());
        }
        let sale = self.sales.entry(concert).or_default();
        let deadline = (!command.is_presence()).then(|| asked_at + limits::FORWARDED_PATIENCE);
        let forwarded = Forwarded { deadline, command };
        let text = wire::encode(&forwarded).into();
        let Forwarded { command, .. } = forwarded;
        let holds = match reply.hearer() {
            ReplyTo::Session { subscriber, .. } | ReplyTo::Push(subscriber) => {
                command.user().or_else(|| subscriber.user())
            }
            _ => None,
        };
        if let Some(user) = holds {
            *self.held.entry((concert, user)).or_default() += 1;
        }
        sale.held_back.push_back(Waiting {
            command,
            text,
            reply: Some(reply),
            holds,
            asked_at,
            may_be_done: false,
        });
    }

    /// Notes who runs a sale, unless a later claim is known.
    pub fn learn(&mut self, concert: ConcertId, owner: Owner) {
        let known = self.owners.entry(concert).or_insert(owner);
        if owner.epoch > known.epoch {
            *known = owner;
        }
    }

    pub fn knows_later_claim(&self, concert: ConcertId, epoch: u64) -> bool {
        self.owners.get(&concert).is_some_and(|owner| owner.epoch > epoch)
    }

    /// Is something of this sale on its way?
    pub fn is_at_work_for(&self, concert: ConcertId) -> bool {
        self.sales.contains_key(&concert) || self.kept_back.contains_key(&concert)
    }

    /// Does a window of this user wait for an answer?
    pub fn is_held(&self, concert: ConcertId, user: UserId) -> bool {
        !self.held.is_empty() && self.held.contains_key(&(concert, user))
    }

    /// An answer that held up a user's windows is handed on. Are they held up by another one?
    pub fn let_go(&mut self, concert: ConcertId, user: UserId) -> bool {
        match self.held.entry((concert, user)) {
            Entry::Occupied(mut entry) if *entry.get() > 1 => {
                *entry.get_mut() -= 1;
                true
            }
            Entry::Occupied(entry) => {
                entry.remove();
                false
            }
            Entry::Vacant(_) => false,
        }
    }

    /// So many answers of this sale wait for what they rest on.
    pub fn keeps_back(&mut self, concert: ConcertId, answers: usize) {
        match answers {
            0 => drop(self.kept_back.remove(&concert)),
            answers => drop(self.kept_back.insert(concert, answers)),
        }
    }

    /// The number of sales of which something is on its way.
    pub fn sales_at_work(&self) -> usize {
        self.sales.len() + self.kept_back.len()
    }

    /// Sends on what can be sent on, to owners who are not dead. Gives what this server decides itself, as it runs the sale.
    /// `credits`: how many commands of ours an owner takes before it answers.
    pub fn pump(
        &mut self,
        now: Timestamp,
        credits: usize,
        runs_here: impl Fn(ConcertId) -> bool,
        is_dead: impl Fn(NodeNo) -> bool,
    ) -> Vec<Local> {
        let mut local = Vec::new();
        for (concert, sale) in &mut self.sales {
            if let Some(asked) = sale.asked {
                if self.asking.get(&asked.node).is_some_and(|asking| asking.is_asked(*concert)) {
                    // What came back has to go before what was held back, and comes back in its order.
                    let is_his = sale.returned.is_empty() && self.owners.get(concert) == Some(&asked);
                    if !is_his || runs_here(*concert) {
                        continue;
                    }
                } else {
                    if !sale.returned.is_empty()
                        && let Some(asking) = self.asking.get_mut(&asked.node)
                    {
                        asking.begin_anew(*concert);
                        sale.not_before = now + limits::ASKED_AGAIN_AFTER;
                    }
                    while let Some(waiting) = sale.returned.pop_back() {
                        sale.held_back.push_front(waiting);
                    }
                    sale.asked = None;
                }
            }
            if sale.held_back.is_empty() {
                continue;
            }
            if runs_here(*concert) {
                local.extend(sale.held_back.drain(..).map(|waiting| (*concert, waiting)));
                continue;
            }
            let owner =
                self.owners.get(concert).filter(|owner| owner.node != self.own && !is_dead(owner.node));
            let Some(owner) = owner.copied().filter(|_| now >= sale.not_before) else { continue };
            let conversations = &mut self.conversations;
            let asking = self.asking.entry(owner.node).or_insert_with(|| {
                *conversations += 1;
                Asking::new(*conversations)
            });
            let open = self.open.entry(owner.node).or_default();
            while let Some(waiting) =
                sale.held_back.pop_front_if(|next| *open < credits || next.command.is_presence())
            {
                *open += 1;
                self.forwarded += 1;
                sale.asked = Some(owner);
                asking.ask(*concert, owner.epoch, waiting.text.clone(), waiting, now);
            }
        }
        self.sales.retain(|_, sale| !sale.is_idle());
        local
    }

    /// The number of commands that were asked since this was asked for.
    pub fn take_forwarded(&mut self) -> u64 {
        std::mem::take(&mut self.forwarded)
    }

    /// An owner answered.
    pub fn hear(&mut self, from: NodeNo, said: Answers, now: Timestamp) -> Vec<Told> {
        let Some(asking) = self.asking.get_mut(&from) else { return Vec::new() };
        let mut told = Vec::new();
        for (concert, waiting, text) in asking.hear(said, now) {
            if let Some(open) = self.open.get_mut(&from) {
                *open -= 1;
            }
            let mut rests = NOWHERE;
            let reply = match wire::decode::<Verdict>(&text) {
                Ok(Verdict::NotMine) => {
                    self.sales.entry(concert).or_default().returned.push_back(waiting);
                    continue;
                }
                Ok(Verdict::Late) => Err(Refusal::Overloaded { retry_after: limits::OVERLOADED_RETRY_AFTER }),
                Ok(Verdict::Reply { at, reply }) => {
                    rests = at;
                    reply
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        node = from.0,
                        "an answer cannot be read"
                    );
                    Err(Refusal::OutcomeUnknown)
                }
            };
            told.extend(waiting.told(concert, rests, reply));
        }
        told
    }

    /// Nothing more is said by this owner, or believed.
    pub fn end(&mut self, node: NodeNo) -> Vec<Told> {
        let Some(asking) = self.asking.remove(&node) else { return Vec::new() };
        self.open.remove(&node);
        let (mut told, mut again) = (Vec::new(), BTreeMap::<ConcertId, VecDeque<Waiting>>::new());
        for (concert, mut waiting, was_sent) in asking.end() {
            waiting.may_be_done |= was_sent;
            if waiting.reply.is_none() && !waiting.command.is_presence() {
                continue;
            }
            if waiting.may_be_done && !may_be_repeated(&waiting.command) {
                told.extend(waiting.told(concert, NOWHERE, Err(Refusal::OutcomeUnknown)));
                continue;
            }
            again.entry(concert).or_default().push_back(waiting);
        }
        for (concert, sale) in &mut self.sales {
            if sale.asked.is_none_or(|asked| asked.node != node) {
                continue;
            }
            sale.asked = None;
            let mut first = std::mem::take(&mut sale.returned);
            first.extend(again.remove(concert).into_iter().flatten());
            first.extend(sale.held_back.drain(..));
            sale.held_back = first;
        }
        debug_assert!(again.is_empty(), "what is open was asked");
        told
    }

    /// Conversations that are over by themselves, with their owners.
    pub fn over(&self, now: Timestamp) -> Vec<NodeNo> {
        let over = self.asking.iter().filter(|(_, asking)| asking.is_over(now));
        over.map(|(node, _)| *node).collect()
    }

    /// Owners who are asked for a sale that somebody else claimed since. Nothing that they did not do by then will be done.
    pub fn replaced(&self) -> BTreeSet<NodeNo> {
        let asked = self.sales.iter().filter_map(|(concert, sale)| Some((concert, sale.asked?)));
        let is_later = |(concert, asked): &(&ConcertId, Owner)| {
            self.owners
                .get(concert)
                .is_some_and(|owner| owner.epoch > asked.epoch && owner.node != asked.node)
        };
        asked.filter(is_later).map(|(_, asked)| asked.node).collect()
    }

    /// The conversation with an owner, if there is one.
    pub fn conversation_with(&self, node: NodeNo) -> Option<u64> {
        self.asking.get(&node).map(Asking::conversation)
    }

    /// Owners who are asked something.
    pub fn partners(&self) -> Vec<NodeNo> {
        self.asking.keys().copied().collect()
    }

    /// Those who have waited for as long as anybody does.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Told> {
        let is_late = |asked_at: Timestamp| now.since(asked_at) > limits::FORWARDED_PATIENCE;
        let mut told = Vec::new();
        for asking in self.asking.values_mut() {
            let late = asking.open_mut().filter(|(_, waiting, _)| is_late(waiting.asked_at));
            for (concert, waiting, was_sent) in late {
                // What was not sent is too late for its owner, too.
                waiting.may_be_done |= was_sent;
                let (reply, holds) = (Err(too_late(waiting.may_be_done)), waiting.holds.take());
                told.extend(waiting.reply.take().map(|to| Told { concert, holds, at: NOWHERE, to, reply }));
            }
        }
        for (concert, sale) in &mut self.sales {
            for all in [&mut sale.returned, &mut sale.held_back] {
                // They came in this order.
                if !all.iter().any(|waiting| is_late(waiting.asked_at)) {
                    continue;
                }
                let is_kept = |waiting: &Waiting| !is_late(waiting.asked_at) || waiting.command.is_presence();
                let (kept, late) = std::mem::take(all).into_iter().partition(is_kept);
                *all = kept;
                let late: VecDeque<_> = late;
                told.extend(late.into_iter().filter_map(|waiting| {
                    let reply = Err(too_late(waiting.may_be_done));
                    let Waiting { reply: to, holds, .. } = waiting;
                    Some(Told { concert: *concert, holds, at: NOWHERE, to: to?, reply })
                }));
            }
        }
        told
    }

    /// What there is to say to owners now.
    pub fn speak(&mut self, now: Timestamp) -> Vec<(NodeNo, Asks)> {
        let mut said = Vec::new();
        for (node, asking) in &mut self.asking {
            while let Some(asks) = asking.speak(now) {
                said.push((*node, asks));
            }
        }
        said
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.asking.values().filter_map(Asking::next_due).min()
    }

    pub fn may_be_lost(&mut self) {
        self.asking.values_mut().for_each(Asking::may_be_lost);
    }
}

fn too_late(may_be_done: bool) -> Refusal {
    match may_be_done {
        true => Refusal::OutcomeUnknown,
        false => Refusal::Unavailable { retry_after: limits::UNAVAILABLE_RETRY_AFTER },
    }
}

impl Waiting {
    /// The reply for who waits.
    fn told(self, concert: ConcertId, at: (u64, u32), reply: Reply) -> Option<Told> {
        let to = match self.may_be_done {
            true => ReplyTo::Again(Box::new(self.reply?)),
            false => self.reply?,
        };
        Some(Told { concert, holds: self.holds, at, to, reply })
    }

    /// The one whose windows wait for it.
    pub fn holds(&self) -> Option<UserId> {
        self.holds
    }

    /// Has it decided here, as the sale runs here by now. Gives whom to tell that it was not taken.
    pub fn post_to(mut self, mailbox: &Mailbox, concert: ConcertId) -> Option<Told> {
        if self.reply.is_none() && !self.command.is_presence() {
            return None;
        }
        let reply = self.reply.take().unwrap_or(ReplyTo::Nobody);
        let reply = match self.may_be_done {
            true => ReplyTo::Again(Box::new(reply)),
            false => reply,
        };
        let not_taken = mailbox.post(Work::Sale { concert, command: self.command }, reply).err()?;
        let reply = Err(Refusal::Overloaded { retry_after: limits::OVERLOADED_RETRY_AFTER });
        Some(Told { concert, holds: self.holds, at: NOWHERE, to: not_taken, reply })
    }
}
