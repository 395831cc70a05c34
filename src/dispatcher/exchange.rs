//! Commands for sales that other servers run, and theirs for ours.
//!
//! Nothing here waits for the bus: what is to be said is handed to the carrier, and said again until it is confirmed
//! (`bus::conversation`).

mod frames;
mod gateway;
mod owner;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use self::frames::Frames;
pub(super) use self::gateway::Gateway;
pub(super) use self::owner::{Asker, Heard, Owned};
use super::copies::{Behind, Copies};
use super::mailbox::{Envelope, Work};
use super::sales::Sales;
use super::tables::Row;
use super::told::Owner;
use crate::bus::carrier::{Brought, Carrier, To};
use crate::bus::clocks::Offset;
use crate::bus::message::{Committed, Message, Said, SaleTime, Verdict};
use crate::bus::wire;
use crate::clock::Clock;
use crate::domain::command::Command;
use crate::domain::event::Event;
use crate::domain::ids::{ConcertId, NodeNo, UserId};
use crate::domain::time::Timestamp;
use crate::fanout::{Fanout, FarAsker, Refusal, Reply, ReplyTo};
use crate::limits;

const UNAVAILABLE: Refusal = Refusal::Unavailable { retry_after: limits::UNAVAILABLE_RETRY_AFTER };

/// The way to other servers.
pub struct Bus {
    pub carrier: Arc<dyn Carrier>,
    pub brought: mpsc::Receiver<Brought>,
}

pub(super) struct Exchange {
    carrier: Arc<dyn Carrier>,
    pub(super) node: NodeNo,
    pub(super) clock: Clock,
    sales: Arc<Sales>,
    fanout: Arc<Fanout>,
    /// Locked before `state`, where both are.
    pub(super) copies: Mutex<Copies>,
    pub(super) state: Mutex<State>,
    pub(super) frames: Mutex<Frames>,
    /// The sales of which is heard what is committed.
    read: Mutex<BTreeSet<ConcertId>>,
    /// Is there anybody to tell what is committed here?
    pub(super) has_others: AtomicBool,
    /// There is something to say, or to send on.
    pub(super) work: Notify,
    /// The number of sales of which some command is on its way to its owner.
    pub(super) at_work: AtomicUsize,
}

pub(super) struct State {
    pub(super) gateway: Gateway,
    pub(super) owned: Owned,
    pub(super) clocks: BTreeMap<NodeNo, Offset>,
    /// Conversations that are over, which their gateways do not know yet.
    pub(super) over: Vec<(NodeNo, u64)>,
    /// Sales that were claimed here, which the others do not know yet.
    owns: Vec<(ConcertId, u64)>,
    /// Wallets that changed, which the others do not know yet.
    wallets: Vec<UserId>,
    /// Sales that were given away, with their heirs, who do not know yet.
    given: Vec<(ConcertId, NodeNo)>,
    /// The dead whose connections are counted no more.
    pub(super) gone: BTreeSet<NodeNo>,
}

impl Exchange {
    pub fn new(
        carrier: Arc<dyn Carrier>,
        node: NodeNo,
        clock: Clock,
        sales: Arc<Sales>,
        fanout: Arc<Fanout>,
    ) -> Arc<Self> {
        let state = State {
            gateway: Gateway::new(node),
            owned: Owned::default(),
            clocks: BTreeMap::new(),
            over: Vec::new(),
            owns: Vec::new(),
            wallets: Vec::new(),
            given: Vec::new(),
            gone: BTreeSet::new(),
        };
        let (work, at_work) = (Notify::new(), AtomicUsize::new(0));
        Arc::new(Self {
            carrier,
            node,
            clock,
            sales,
            fanout,
            copies: Mutex::default(),
            state: Mutex::new(state),
            frames: Mutex::default(),
            read: Mutex::default(),
            has_others: AtomicBool::new(true),
            work,
            at_work,
        })
    }

    /// Takes a command for a sale that another server runs, or nobody at this moment.
    pub fn forward(&self, concert: ConcertId, command: Command, reply: ReplyTo) -> Result<(), Refusal> {
        let now = self.clock.steady();
        let mut state = self.state.lock();
        state.gateway.forward(concert, command, reply, now)?;
        self.at_work.store(state.gateway.sales_at_work(), Ordering::Release);
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    /// Takes what waits in a lane of a sale that is not run here any more. `let_go`: notes that, and gives what waits; whoever
    /// comes meanwhile waits for it, as they are behind. Gives whom to tell that it was not taken.
    pub fn take_over(
        &self,
        concert: ConcertId,
        let_go: impl FnOnce() -> Vec<Envelope>,
    ) -> Vec<(ReplyTo, Reply)> {
        let mut told = Vec::new();
        let mut state = self.state.lock();
        for Envelope { arrived, work, reply } in let_go() {
            match work {
                // They ask anew by themselves.
                _ if matches!(reply, ReplyTo::Far(_)) => told.push((reply, Err(UNAVAILABLE))),
                // Each server finds out by itself who is gone.
                Work::Sale { command: Command::NodeGone { .. }, .. } | Work::Charge { .. } => {}
                Work::Sale { command: Command::Figures, .. } if !reply.is_awaited() => {}
                Work::Sale { command, .. } => state.gateway.take_over(concert, command, reply, arrived),
            }
        }
        self.at_work.store(state.gateway.sales_at_work(), Ordering::Release);
        drop(state);
        self.work.notify_one();
        told
    }

    /// A sale was given free for this server.
    pub fn gave(&self, concert: ConcertId, heir: NodeNo) {
        self.state.lock().given.push((concert, heir));
        self.work.notify_one();
    }

    /// Has something that came before to go its way first?
    pub fn is_at_work_for(&self, concert: ConcertId) -> bool {
        self.at_work.load(Ordering::Acquire) > 0 && self.state.lock().gateway.is_at_work_for(concert)
    }

    /// A sale runs here by this claim, its journal ends with this row, and everybody is to know.
    pub fn owns(&self, concert: ConcertId, epoch: u64, end: u64, time: SaleTime) {
        self.frames.lock().begin(concert, epoch, end, time);
        let mut state = self.state.lock();
        state.gateway.learn(concert, Owner { node: self.node, epoch });
        state.owns.push((concert, epoch));
        drop(state);
        self.work.notify_one();
    }

    /// A sale does not run here any more.
    pub fn owns_no_more(&self, concert: ConcertId) {
        self.frames.lock().end(concert);
    }

    /// This row was committed of a sale that runs here.
    pub fn committed(&self, concert: ConcertId, seq: u64, time: SaleTime, events: &[Event]) {
        if !self.has_others.load(Ordering::Acquire) {
            return self.frames.lock().pass(concert, seq);
        }
        let now = self.clock.steady();
        let parts = frames::parts(concert, seq, time, events).into_iter();
        let messages: Vec<_> = parts.map(|part| self.to_all(Said::Committed(part), now)).collect();
        for message in &messages {
            // Who does not hear it asks for it.
            let _ = self.carrier.send(To::Sale(concert), message.clone());
        }
        self.frames.lock().keep(concert, seq, messages, now);
    }

    /// Time moved for a sale that runs here.
    pub fn time_moved(&self, concert: ConcertId, time: SaleTime) {
        self.frames.lock().set_time(concert, time);
    }

    /// Is there anybody else?
    pub fn know_others(&self, are_there: bool) {
        self.has_others.store(are_there, Ordering::Release);
    }

    /// A wallet changed that no sale had a part in.
    pub fn charged(&self, user: UserId) {
        let mut state = self.state.lock();
        if state.wallets.len() < limits::WALLETS_UNTOLD_MAX && self.has_others.load(Ordering::Acquire) {
            state.wallets.push(user);
            drop(state);
            self.work.notify_one();
        }
    }

    /// A message to many.
    fn to_all(&self, said: Said, now: Timestamp) -> Bytes {
        let stamps = Offset::default().stamps(now);
        Bytes::from(wire::encode(&Message { from: self.node, stamps, said }))
    }

    /// Says something that is lost without harm.
    pub fn say(&self, to: To, said: Said, now: Timestamp) {
        let _ = self.carrier.send(to, self.to_all(said, now));
    }

    /// Says again what was committed of a sale from this row on, as far as it is kept. `unapplied`: the rows that its tables do not
    /// have, if this one is among them, which nobody can read there.
    pub fn say_again(
        &self,
        to: NodeNo,
        concert: ConcertId,
        from: u64,
        unapplied: impl FnOnce() -> Option<Vec<Row>>,
        now: Timestamp,
    ) {
        let (again, time) = {
            let frames = self.frames.lock();
            (frames.from(concert, from), frames.time(concert))
        };
        let again = again.or_else(|| {
            let (rows, time) = (unapplied()?, time?);
            let mut bytes = 0;
            let message = |part| self.to_all(Said::Committed(part), now);
            let rows = rows.into_iter().map(|(seq, events)| frames::parts(concert, seq, time, &events));
            let fits = |parts: &Vec<Committed>| {
                let is_first = bytes == 0;
                bytes += parts.iter().flat_map(|part| &part.events).map(Bytes::len).sum::<usize>();
                is_first || bytes <= limits::FRAMES_AGAIN_BYTES_MAX
            };
            Some(rows.take_while(fits).flatten().map(message).collect())
        });
        match again {
            Some(messages) => messages.into_iter().for_each(|message| {
                let _ = self.carrier.send(To::Node(to), message);
            }),
            None if self.sales.epoch_here(concert).is_some() => {
                self.say(To::Node(to), Said::NotKept { concert, from }, now);
            }
            // Whoever runs it knows.
            None => {}
        }
    }

    /// The row of a sale's journal that its tables have to have before those of this user are read, as far as a copy knows it.
    /// Waits until the copy has all of the journal up to `end`.
    pub async fn last_of(&self, concert: ConcertId, user: UserId, end: u64) -> Option<u64> {
        loop {
            {
                let copies = self.copies.lock();
                match copies.last_of(concert, user, end) {
                    Ok(last) => return last,
                    Err(Behind) if !copies.has(concert) => return Some(end),
                    Err(Behind) => {}
                }
            }
            tokio::time::sleep(limits::COPY_LOOKUP_INTERVAL).await;
        }
    }

    /// What the tables of a sale do not have of a user, where they have the rows up to `applied` and its journal ends with `end`.
    /// Waits until the copy has all of it. `Err`: it does not know, and the tables have to have this row first.
    pub async fn unapplied_of(
        &self,
        concert: ConcertId,
        user: UserId,
        (applied, end): (u64, u64),
    ) -> Result<Vec<(u64, Event)>, u64> {
        match self.last_of(concert, user, end).await.filter(|last| *last > applied) {
            None => Ok(Vec::new()),
            Some(last) => {
                self.copies.lock().unapplied_of(concert, user, (applied, end)).map_err(|Behind| last)
            }
        }
    }

    /// Somebody waits for the tables of a sale to have this row.
    pub fn await_tables(&self, concert: ConcertId, seq: u64) {
        let owner = self.copies.lock().owner(concert);
        if let Some(owner) = owner {
            self.say(To::Node(owner), Said::Awaited { concert, seq }, self.clock.steady());
        }
    }

    /// From now on what is committed of these sales is heard here, also of those that run here at this moment, and of no others.
    pub fn read_sales(&self, sales: BTreeSet<ConcertId>) {
        let mut read = self.read.lock();
        read.difference(&sales).for_each(|concert| self.carrier.read_sale(*concert, false));
        sales.difference(&read).for_each(|concert| self.carrier.read_sale(*concert, true));
        *read = sales;
    }

    /// Is a later claim of this sale known than this one? Fans here may have been told of what happened since.
    pub fn knows_later_claim(&self, concert: ConcertId, epoch: u64) -> bool {
        self.state.lock().gateway.knows_later_claim(concert, epoch)
    }

    /// The verdict about a command that a gateway asked for.
    fn answer(&self, to: &Asker, reply: Reply, after: u32) {
        let is_ours = self.sales.epoch_here(to.concert) == Some(to.epoch);
        let verdict = match reply {
            // Nothing was done, and somebody else may do it.
            Err(Refusal::Unavailable { .. }) if !is_ours => Verdict::NotMine,
            reply => {
                let seq = self.fanout.sale(to.concert).map_or(0, |view| view.seq());
                Verdict::Reply { at: (seq, after), reply }
            }
        };
        self.state.lock().owned.answer(to, verdict, self.clock.steady());
    }

    fn send(&self, state: &State, to: NodeNo, said: Said, now: Timestamp) {
        let stamps = state.clocks.get(&to).copied().unwrap_or_default().stamps(now);
        let message = wire::encode(&Message { from: self.node, stamps, said });
        // What is lost is said again.
        let _ = self.carrier.send(To::Node(to), Bytes::from(message));
    }

    /// Says to everybody that we live, and whom we hear.
    pub fn say_alive(&self, hears: Vec<NodeNo>, now: Timestamp) {
        let message =
            Message { from: self.node, stamps: Offset::default().stamps(now), said: Said::Alive { hears } };
        let _ = self.carrier.send(To::All, Bytes::from(wire::encode(&message)));
    }

    /// Is the bus out for us?
    pub fn is_out(&self) -> bool {
        self.carrier.out_since().is_some()
    }

    /// Says what there is to say now.
    pub fn speak(&self, now: Timestamp) {
        let state = &mut *self.state.lock();
        for (concert, epoch) in std::mem::take(&mut state.owns) {
            // Who does not hear it reads it in the database.
            self.say(To::All, Said::Owns { concert, epoch }, now);
        }
        for users in std::mem::take(&mut state.wallets).chunks(limits::NAMED_AT_ONCE_MAX) {
            self.say(To::All, Said::Wallets { users: users.to_vec() }, now);
        }
        for (concert, heir) in std::mem::take(&mut state.given) {
            // Who does not hear it finds the sale free a second later.
            self.send(state, heir, Said::Yours { concert }, now);
        }
        for (gateway, conversation) in std::mem::take(&mut state.over) {
            self.send(state, gateway, Said::Over { conversation }, now);
        }
        for (owner, asks) in state.gateway.speak(now) {
            self.send(state, owner, Said::Asks(asks), now);
        }
        for (gateway, answers) in state.owned.speak(now) {
            self.send(state, gateway, Said::Answers(answers), now);
        }
    }
}

/// A command of another server's fan or operator.
pub(super) struct FarReply {
    pub exchange: Arc<Exchange>,
    pub asker: Asker,
}

impl FarAsker for FarReply {
    fn answer(&self, reply: Reply, after: u32) {
        self.exchange.answer(&self.asker, reply, after);
    }

    fn send(&self) {
        self.exchange.work.notify_one();
    }

    fn is_void(&self) -> bool {
        self.asker.stream.is_void(self.asker.attempt)
    }
}

impl State {
    /// What is kept of servers that nobody knows any more.
    pub fn forget(&mut self, is_forgotten: impl Fn(NodeNo) -> bool) {
        self.clocks.retain(|node, _| !is_forgotten(*node));
        self.owned.forget(is_forgotten);
    }
}
