//! The task that hears what other servers ask and answer, and says what there is to say to them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::copy_reads::CopyReads;
use super::exchange::{Asker, Exchange, FarReply, Heard};
use super::handle::Shared;
use super::lane_of;
use super::mailbox::Work;
use super::sales::SaleStatus;
use super::told::{Owner, Told};
use crate::bus::carrier::Brought;
use crate::bus::clocks::Offset;
use crate::bus::conversation::Taken;
use crate::bus::message::{Forwarded, Message, Said, Verdict};
use crate::bus::wire;
use crate::domain::command::Command;
use crate::domain::ids::NodeNo;
use crate::domain::rules::SaleRules;
use crate::domain::time::Timestamp;
use crate::fanout::{Fanout, Refusal, ReplyTo};
use crate::limits;

/// The task that hears and speaks.
pub(super) struct Forwarding {
    pub exchange: Arc<Exchange>,
    pub shared: Arc<Shared>,
    pub fanout: Arc<Fanout>,
    /// The rules that a sale does not set for itself.
    pub defaults: SaleRules,
    /// The runtime that connections live on.
    pub home: Handle,
}

impl Forwarding {
    /// Runs for as long as the server lives, however often it is begun again.
    pub async fn run(self, brought: Arc<tokio::sync::Mutex<mpsc::Receiver<Brought>>>) {
        let mut brought = brought.lock().await;
        let (mut looked, mut said) = (Timestamp::default(), Timestamp::default());
        let mut reads = CopyReads::default();
        self.exchange.copies.lock().begin_again(self.exchange.clock.steady());
        loop {
            let now = self.exchange.clock.steady();
            if now.since(looked) >= limits::PARTNERS_LOOKUP_INTERVAL {
                looked = now;
                self.say_alive(now);
                self.look_after_partners(now);
                self.look_after_copies(now);
            }
            if now.since(said) >= limits::RUNNING_INTERVAL {
                said = now;
                self.say_what_runs(now);
            }
            self.look_what_is_missing(&mut reads, now);
            self.send_on(now);
            self.exchange.speak(now);
            tokio::select! {
                // The order is fixed, so that a simulation replays.
                biased;
                Some(first) = brought.recv() => {
                    self.hear(first);
                    for _ in 0..limits::MESSAGES_AT_ONCE_MAX {
                        let Ok(next) = brought.try_recv() else { break };
                        self.hear(next);
                    }
                }
                () = self.exchange.work.notified() => {
                    // Whoever else is about to ask or to answer comes along: a message for each would cost the bus the most.
                    tokio::task::yield_now().await;
                }
                Some(read) = reads.next() => self.is_read(read),
                () = self.exchange.clock.sleep_until(self.next_due(now, looked)) => {}
            }
        }
    }

    /// Says that we live, and looks who else does, as far as the bus tells.
    fn say_alive(&self, now: Timestamp) {
        self.shared.cluster.listen(now, self.exchange.is_out());
        self.exchange.say_alive(self.shared.cluster.heard(), now);
    }

    fn next_due(&self, now: Timestamp, looked: Timestamp) -> Timestamp {
        let state = self.exchange.state.lock();
        let said = state.gateway.next_due().into_iter().chain(state.owned.next_due()).min();
        let looks = looked + limits::PARTNERS_LOOKUP_INTERVAL;
        // Nobody says when a sale begins to run here.
        let held_back = (state.gateway.sales_at_work() > 0).then(|| now + limits::HELD_BACK_LOOKUP_INTERVAL);
        drop(state);
        let copies = self.exchange.copies.lock().next_due();
        said.into_iter().chain(held_back).chain(copies).fold(looks, Timestamp::min)
    }

    fn hear(&self, brought: Brought) {
        let now = self.exchange.clock.steady();
        let text = match brought {
            Brought::Message(text) => text,
            Brought::MayBeLost => {
                // What is missing in a copy is noticed by what comes next.
                let mut state = self.exchange.state.lock();
                state.gateway.may_be_lost();
                state.owned.may_be_lost();
                return;
            }
        };
        let message = match wire::decode::<Message>(&text) {
            Ok(message) => message,
            Err(error) => {
                self.shared.metrics.bus_unread.inc();
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a message of another server cannot be read"
                );
                return;
            }
        };
        let from = message.from;
        let mut state = self.exchange.state.lock();
        if from != self.exchange.node {
            state.clocks.entry(from).or_default().hear(message.stamps, now);
        }
        match message.said {
            Said::Owns { concert, epoch } => {
                let owner = Owner { node: from, epoch };
                state.gateway.learn(concert, owner);
                drop(state);
                self.begin_copy(concert, now);
                self.exchange.copies.lock().learn(concert, owner, now);
                self.name_present(now);
            }
            Said::Committed(committed) => {
                drop(state);
                let concert = committed.concert;
                self.begin_copy(concert, now);
                self.exchange.copies.lock().hear(committed, now);
                self.take_in(concert, now);
            }
            Said::Running { sales } => {
                drop(state);
                self.hear_what_runs(from, &sales, now);
            }
            Said::Missed { concert, from: row } => {
                drop(state);
                let tables = &self.shared.tables[lane_of(concert, self.shared.tables.len())];
                self.exchange.say_again(from, concert, row, || tables.rows_from(concert, row), now);
            }
            Said::NotKept { concert, from: row } => {
                drop(state);
                self.exchange.copies.lock().not_kept(concert, row, now);
            }
            Said::Awaited { concert, seq } => {
                drop(state);
                // They go on at once; whether they did is read in the database.
                self.shared.tables[lane_of(concert, self.shared.tables.len())].missing(&[(concert, seq)]);
            }
            Said::Wallets { users } => {
                drop(state);
                users.into_iter().for_each(|user| self.fanout.publish_charge(user, None));
            }
            Said::Alive { hears } => {
                drop(state);
                if from != self.exchange.node {
                    self.shared.cluster.hear(from, hears, now);
                }
            }
            Said::Yours { concert } => {
                drop(state);
                self.shared.sales.offer(concert);
            }
            Said::Over { conversation } => {
                let told = match state.gateway.conversation_with(from) == Some(conversation) {
                    true => state.gateway.end(from),
                    false => Vec::new(),
                };
                drop(state);
                self.tell(told);
            }
            Said::Answers(answers) => {
                let told = state.gateway.hear(from, answers, now);
                drop(state);
                self.tell(told);
            }
            Said::Asks(asks) => {
                let conversation = asks.conversation;
                match state.owned.hear(from, asks, now) {
                    Heard::Over => state.over.push((from, conversation)),
                    Heard::Commands(commands) => {
                        let clock = state.clocks.get(&from).copied().unwrap_or_default();
                        drop(state);
                        for (taken, stream) in commands {
                            let Taken { concert, number, epoch, attempt, command } = taken;
                            let asker = Asker {
                                gateway: from,
                                conversation,
                                concert,
                                epoch,
                                number,
                                attempt,
                                stream,
                            };
                            self.decide(asker, &command, clock, now);
                        }
                    }
                }
            }
        }
    }

    /// Has a command of another server's decided, if that is ours to do.
    fn decide(&self, asker: Asker, text: &[u8], clock: Offset, now: Timestamp) {
        let answer = |verdict| self.exchange.state.lock().owned.answer(&asker, verdict, now);
        let refuse = |refusal| answer(Verdict::Reply { at: (0, 0), reply: Err(refusal) });
        let (concert, is_ours) =
            (asker.concert, self.shared.sales.epoch_here(asker.concert) == Some(asker.epoch));
        if !is_ours || asker.stream.is_void(asker.attempt) || self.shared.sales.is_rehearsal(concert) {
            self.shared.metrics.not_mine.inc();
            return answer(Verdict::NotMine);
        }
        let Forwarded { deadline, command } = match wire::decode(text) {
            Ok(forwarded) => forwarded,
            Err(error) => {
                self.shared.metrics.bus_unread.inc();
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, node = asker.gateway.0, "a command of another server cannot be read");
                return refuse(Refusal::Internal);
            }
        };
        if deadline.is_some_and(|deadline| clock.by_ours(deadline) < now) {
            return answer(Verdict::Late);
        }
        let mailbox = &self.shared.mailboxes[lane_of(concert, self.shared.mailboxes.len())];
        let reply = FarReply { exchange: self.exchange.clone(), asker: asker.clone() };
        if mailbox.post(Work::Sale { concert, command }, ReplyTo::Far(Box::new(reply))).is_err() {
            answer(match mailbox.is_closed() {
                // We stop, and somebody else has the sale soon.
                true => Verdict::NotMine,
                false => Verdict::Reply {
                    at: (0, 0),
                    reply: Err(Refusal::Overloaded { retry_after: limits::OVERLOADED_RETRY_AFTER }),
                },
            });
        }
    }

    /// Sends on what waits here, and decides what is ours by now.
    fn send_on(&self, now: Timestamp) {
        let shared = &self.shared;
        let credits = credits(shared.cluster.living());
        let runs_here = |concert| shared.sales.status(concert) == Some(SaleStatus::Running);
        let is_dead = |node| shared.cluster.is_dead(node);
        // What waits for a copy goes before what is decided here.
        let own = self.exchange.copies.lock().those(runs_here);
        for concert in own {
            self.drop_copy(concert, now);
        }
        let mut posted = Vec::new();
        let mut state = self.exchange.state.lock();
        let mut told = state.gateway.expire(now);
        // Who gave a sale away says what became of it; who is silent does not, and its successor knows.
        for node in state.gateway.replaced().into_iter().filter(|node| shared.cluster.is_silent(*node)) {
            told.extend(state.gateway.end(node));
        }
        for (concert, waiting) in state.gateway.pump(now, credits, runs_here, is_dead) {
            let mailbox = &shared.mailboxes[lane_of(concert, shared.mailboxes.len())];
            let holds = waiting.holds();
            let not_taken = waiting.post_to(mailbox, concert);
            if let (None, Some(user)) = (&not_taken, holds) {
                posted.push((concert, user));
            }
            told.extend(not_taken);
        }
        // Only now may others post to these sales by themselves.
        self.exchange.at_work.store(state.gateway.sales_at_work(), Ordering::Release);
        shared.metrics.forwarded.inc_by(state.gateway.take_forwarded());
        drop(state);
        self.tell(told);
        for (concert, user) in posted {
            self.let_go(concert, user);
        }
    }

    /// Learns who runs what, ends conversations with the dead, and those in which nothing is confirmed.
    fn look_after_partners(&self, now: Timestamp) {
        let cluster = &self.shared.cluster;
        let (owners, dead) = (cluster.owners(), |node: &NodeNo| cluster.is_dead(*node));
        let mut locked = self.exchange.state.lock();
        let state = &mut *locked;
        for (concert, node, epoch) in &owners {
            state.gateway.learn(*concert, Owner { node: *node, epoch: *epoch });
        }
        let mut told = Vec::new();
        let over = state.gateway.partners().into_iter().filter(dead).chain(state.gateway.over(now));
        for node in over.collect::<Vec<_>>() {
            told.extend(state.gateway.end(node));
        }
        let partners = state.owned.gateways();
        for gateway in partners.into_iter().filter(dead) {
            state.owned.end(gateway);
        }
        for gateway in state.owned.over(now) {
            state.over.extend(state.owned.end(gateway).map(|conversation| (gateway, conversation)));
        }
        state.forget(|node| cluster.is_forgotten(node));
        let dead = cluster.dead();
        let gone: Vec<_> = dead.iter().copied().filter(|node| !state.gone.contains(node)).collect();
        state.gone = dead.into_iter().collect();
        drop(locked);
        gone.into_iter().for_each(|node| self.node_is_gone(node));
        self.tell(told);
    }

    /// From now on its fans are absent, unless they come back elsewhere.
    fn node_is_gone(&self, node: NodeNo) {
        for (concert, status) in self.shared.sales.all() {
            if status == SaleStatus::Running {
                let mailbox = &self.shared.mailboxes[lane_of(concert, self.shared.mailboxes.len())];
                let command = Command::NodeGone { node };
                // A lane that stops has nobody present any more.
                let _ = mailbox.post(Work::Sale { concert, command }, ReplyTo::Nobody);
            }
        }
    }

    /// Tells those who wait, each as soon as the copy of the sale has what their answer rests on.
    pub(super) fn tell(&self, told: Vec<Told>) {
        for told in told {
            let concert = told.concert;
            let now = self.exchange.clock.steady();
            self.begin_copy(concert, now);
            let mut copies = self.exchange.copies.lock();
            let ripe = copies.keep_back(told, now);
            self.exchange.state.lock().gateway.keeps_back(concert, copies.kept_back(concert));
            drop(copies);
            ripe.into_iter().for_each(|told| self.hand_on(told));
        }
    }
}

/// How many commands one server may ask another before that answers: so many of them together do not fill a mailbox.
fn credits(nodes: usize) -> usize {
    (limits::MAILBOX_COMMANDS_MAX / (2 * nodes.max(1))).clamp(limits::CREDITS_MIN, limits::CREDITS_MAX)
}
