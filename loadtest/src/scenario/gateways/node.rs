//! One server that is played: what it says to the others, and what its fans ask the owner.
//!
//! Always: an answer is taken when the rows that it rests on were heard, as a server with a copy does; what is not the answer
//! to what was asked ends this server with a fault.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use bytes::Bytes;
use frontrow::bus::carrier::{Brought, Carrier, To};
use frontrow::bus::clocks::Offset;
use frontrow::bus::conversation::Asking;
use frontrow::bus::message::{Forwarded, Message, Running, Said, Verdict};
use frontrow::bus::nats::{self, Nats};
use frontrow::bus::wire;
use frontrow::clock::Clock;
use frontrow::domain::command::{Answer, Caller, Command};
use frontrow::domain::ids::{
    ConcertId, ConnectionId, NodeNo, QueueToken, ReservationId, ScheduleId, SeatId, UserId,
};
use frontrow::domain::record::TokenStatus;
use frontrow::domain::rejection::Rejection;
use frontrow::domain::time::Timestamp;
use frontrow::fanout::{Refusal, Reply};
use frontrow::limits;
use frontrow::metrics::Metrics;
use frontrow_crowd::claims::Claims;
use frontrow_crowd::crew::Worker;
use frontrow_crowd::record::{Counter, Op, Outcome};
use frontrow_crowd::shop::{Venue, rng_of};
use frontrow_protocol::Reason;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::sync::mpsc;

/// Who is not admitted yet is looked at again after this.
const LOOKED_AGAIN_AFTER: Duration = Duration::from_millis(250);
/// Others who were heard so lately are heard.
const HEARD_FOR: Duration = Duration::from_secs(1);

/// What all servers that are played know.
pub struct Stage {
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub bus: nats::Options,
    pub nodes: Vec<NodeNo>,
    pub owner: NodeNo,
    pub epoch: u64,
    pub concert: ConcertId,
    pub venue: Venue,
    pub claims: Arc<Claims>,
    /// Each fan's user.
    pub users: Vec<u64>,
    /// Holds a second; `None`: nobody holds.
    pub rate: Option<u32>,
    /// Commands that a server may have unanswered.
    pub credits: usize,
    pub seed: u64,
}

/// As the owner's: so many servers do not fill a mailbox.
pub fn credits(nodes: usize) -> usize {
    (limits::MAILBOX_COMMANDS_MAX / (2 * nodes.max(1))).clamp(limits::CREDITS_MIN, limits::CREDITS_MAX)
}

/// The fans of one server, of all.
fn fans_of(index: usize, nodes: usize, fans: usize) -> impl Iterator<Item = usize> {
    (index..fans).step_by(nodes)
}

/// When a server's hold with this number is due, after the beginning: the servers' holds follow each other evenly.
fn due_after(turn: u64, index: usize, nodes: usize, rate: u32) -> Duration {
    Duration::from_secs_f64((turn * nodes as u64 + index as u64) as f64 / f64::from(rate))
}

struct Fan {
    /// Its number among all.
    number: usize,
    user: UserId,
    token: Option<QueueToken>,
}

/// What was asked, of which fan of this server, and since when it counts.
enum Asked {
    Join(usize, Instant),
    Look(usize),
    Hold(usize, ScheduleId, SeatId, Instant),
    Release(usize, ReservationId, Instant),
}

/// An answer that waits for the row that it rests on.
struct Told {
    row: u64,
    since: Timestamp,
    asked: Asked,
    reply: Reply,
}

struct Node {
    stage: Arc<Stage>,
    worker: Rc<Worker>,
    index: usize,
    bus: Arc<Nats>,
    asking: Asking<Asked>,
    open: usize,
    owners_clock: Offset,
    /// The newest row that was heard of. `None`: the owner was not heard yet.
    row: Option<u64>,
    told: VecDeque<Told>,
    missed_at: Timestamp,
    heard: BTreeMap<NodeNo, Timestamp>,
    fans: Vec<Fan>,
    joined: usize,
    /// Who is in line, and when to look at them again.
    waiting: VecDeque<(Timestamp, usize)>,
    /// Who is admitted and has asked nothing.
    free: VecDeque<usize>,
    began: Option<Instant>,
    holds: u64,
    has_rested: bool,
    rng: StdRng,
}

/// Plays the server with this number until the run is over.
pub async fn play(worker: Rc<Worker>, stage: Arc<Stage>, index: usize) {
    let node = stage.nodes[index];
    if let Err(error) = Node::live(worker.clone(), stage, index).await {
        eprintln!("node {node}: {error:#}");
        worker.stats.fault(format!("node {node}: {error:#}"));
    }
}

impl Node {
    async fn live(worker: Rc<Worker>, stage: Arc<Stage>, index: usize) -> anyhow::Result<()> {
        let (node, clock) = (stage.nodes[index], stage.clock.clone());
        let (bus, brought) = nats::open(stage.bus.clone(), node, clock, stage.metrics.clone()).await?;
        bus.read_sale(stage.concert, true);
        let fan = |number: usize| Fan { number, user: UserId(stage.users[number]), token: None };
        let fans = fans_of(index, stage.nodes.len(), stage.users.len()).map(fan).collect();
        let rng = rng_of(stage.seed, index);
        let node = Self {
            stage,
            worker,
            index,
            bus,
            asking: Asking::new(1),
            open: 0,
            owners_clock: Offset::default(),
            row: None,
            told: VecDeque::new(),
            missed_at: Timestamp::default(),
            heard: BTreeMap::new(),
            fans,
            joined: 0,
            waiting: VecDeque::new(),
            free: VecDeque::new(),
            began: None,
            holds: 0,
            has_rested: false,
            rng,
        };
        node.run(brought).await
    }

    async fn run(mut self, mut brought: mpsc::Receiver<Brought>) -> anyhow::Result<()> {
        let worker = self.worker.clone();
        let (mut go, mut stopped) = (pin!(worker.go()), pin!(worker.stopped()));
        let mut looked = Timestamp::default();
        loop {
            let now = self.stage.clock.steady();
            if now.since(looked) >= limits::PARTNERS_LOOKUP_INTERVAL {
                looked = now;
                self.say_alive(now);
            }
            self.look_what_is_missing(now)?;
            ensure!(!self.asking.is_over(now), "the owner confirms nothing");
            self.join(now);
            self.hold(now);
            while let Some(asks) = self.asking.speak(now) {
                self.say(To::Node(self.stage.owner), Said::Asks(asks), now);
            }
            self.note_rest();
            let due = self.next_due(now, looked + limits::PARTNERS_LOOKUP_INTERVAL);
            tokio::select! {
                biased;
                () = &mut stopped => return Ok(()),
                began = &mut go, if self.began.is_none() => self.began = Some(began),
                first = brought.recv() => {
                    self.hear(first.context("the bus is closed")?)?;
                    for _ in 0..limits::MESSAGES_AT_ONCE_MAX {
                        let Ok(next) = brought.try_recv() else { break };
                        self.hear(next)?;
                    }
                }
                () = tokio::time::sleep_until(due.into()) => {}
            }
        }
    }

    /// When something is to be done, if nothing comes before.
    fn next_due(&self, now: Timestamp, looks: Timestamp) -> Instant {
        let asks = self.asking.next_due();
        let missed = self.told.front().map(|told| (told.since + limits::MISSED_AFTER).max(self.missed_at));
        let waiting = self.waiting.front().map(|(at, _)| *at);
        let due = asks.into_iter().chain(missed).chain(waiting).fold(looks, Timestamp::min);
        let due = Instant::now() + due.since(now);
        match (self.may_ask() && !self.free.is_empty() && !self.worker.resting()).then(|| self.hold_due()) {
            Some(Some(hold)) => due.min(hold),
            _ => due,
        }
    }

    fn may_ask(&self) -> bool {
        self.open < self.stage.credits
    }

    fn hold_due(&self) -> Option<Instant> {
        let after = due_after(self.holds, self.index, self.stage.nodes.len(), self.stage.rate?);
        Some(self.began? + after)
    }

    fn say(&self, to: To, said: Said, now: Timestamp) {
        let stamps = match to {
            To::Node(_) => self.owners_clock.stamps(now),
            To::Sale(_) | To::All => Offset::default().stamps(now),
        };
        let message = Message { from: self.stage.nodes[self.index], stamps, said };
        // What is lost is said again.
        let _ = self.bus.send(to, Bytes::from(wire::encode(&message)));
    }

    fn say_alive(&mut self, now: Timestamp) {
        self.heard.retain(|_, at| now.since(*at) < HEARD_FOR);
        self.say(To::All, Said::Alive { hears: self.heard.keys().copied().collect() }, now);
    }

    fn ask(&mut self, command: Command, asked: Asked, now: Timestamp) {
        let deadline = (!command.is_presence()).then(|| now + limits::FORWARDED_PATIENCE);
        let text = wire::encode(&Forwarded { deadline, command });
        self.open += 1;
        self.asking.ask(self.stage.concert, self.stage.epoch, text.into(), asked, now);
    }

    fn caller(&self, fan: usize) -> Caller {
        let Fan { user, token, .. } = self.fans[fan];
        Caller { user, token, guest_of: None }
    }

    /// Has fans join who have not, as soon as it is known how far the sale is, and looks at those in line.
    fn join(&mut self, now: Timestamp) {
        if self.row.is_none() {
            return;
        }
        while self.joined < self.fans.len() && self.may_ask() {
            let Fan { number, user, .. } = self.fans[self.joined];
            let connection = ConnectionId::of(self.stage.nodes[self.index], number as u64 + 1);
            let command = Command::Join { user, connection: Some(connection) };
            self.ask(command, Asked::Join(self.joined, Instant::now()), now);
            self.joined += 1;
        }
        while self.may_ask()
            && let Some((_, fan)) = self.waiting.pop_front_if(|(at, _)| *at <= now)
        {
            self.ask(Command::Get { caller: self.caller(fan), polled: false }, Asked::Look(fan), now);
        }
    }

    /// Has fans hold whose turn it is.
    fn hold(&mut self, now: Timestamp) {
        let schedules = self.stage.venue.schedules.len();
        while self.may_ask()
            && !self.worker.resting()
            && let Some(due) = self.hold_due().filter(|due| *due <= Instant::now())
            && let Some(fan) = self.free.pop_front()
        {
            self.holds += 1;
            let schedule = ScheduleId(self.stage.venue.schedules[self.rng.random_range(0..schedules)]);
            let seat = SeatId(self.rng.random_range(0..self.stage.venue.seats) as u32);
            let command = Command::Hold { caller: self.caller(fan), schedule, seats: vec![seat] };
            self.ask(command, Asked::Hold(fan, schedule, seat, due), now);
        }
    }

    fn note_rest(&mut self) {
        if self.worker.resting() && self.open == 0 && !self.has_rested {
            self.has_rested = true;
            self.worker.count_done();
        }
    }

    fn hear(&mut self, brought: Brought) -> anyhow::Result<()> {
        let now = self.stage.clock.steady();
        let Brought::Message(text) = brought else {
            self.asking.may_be_lost();
            return Ok(());
        };
        let Message { from, stamps, said } = wire::decode(&text).context("a message cannot be read")?;
        let is_owner = from == self.stage.owner;
        if is_owner {
            self.owners_clock.hear(stamps, now);
        }
        match said {
            Said::Answers(answers) if is_owner => {
                for (_, asked, verdict) in self.asking.hear(answers, now) {
                    self.open -= 1;
                    match wire::decode(&verdict).context("a verdict cannot be read")? {
                        Verdict::Reply { at, reply } => {
                            self.told.push_back(Told { row: at.0, since: now, asked, reply });
                        }
                        Verdict::NotMine => bail!("the owner does not run the sale any more"),
                        Verdict::Late => bail!("a command came too late"),
                    }
                }
            }
            Said::Committed(committed) if committed.concert == self.stage.concert && committed.is_last => {
                self.row = self.row.map(|row| row.max(committed.seq));
            }
            Said::Running { sales } if is_owner && self.row.is_none() => {
                let sales = sales.iter().map(|sale| wire::decode::<Running>(sale));
                let ours = sales.flatten().find(|sale| sale.concert == self.stage.concert);
                // A server reads its first copy in the database.
                self.row = ours.map(|sale| sale.seq);
            }
            Said::NotKept { .. } if is_owner => {
                // Here, too, and it is as far as its answers then.
                self.row = self.row.max(self.told.iter().map(|told| told.row).max());
            }
            Said::Alive { .. } => {
                self.heard.insert(from, now);
            }
            Said::Over { conversation } if is_owner && conversation == self.asking.conversation() => {
                bail!("the owner ended the conversation");
            }
            Said::Owns { concert, epoch } if concert == self.stage.concert && epoch > self.stage.epoch => {
                bail!("node {from} took the sale over");
            }
            _ => {}
        }
        while let Some(told) = self.told.pop_front_if(|told| Some(told.row) <= self.row) {
            self.take(told.asked, told.reply, now)?;
        }
        Ok(())
    }

    /// Asks for rows that answers wait for.
    fn look_what_is_missing(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let (Some(first), Some(row)) = (self.told.front(), self.row) else { return Ok(()) };
        ensure!(now.since(first.since) < limits::COPY_PATIENCE, "row {} does not come", first.row);
        if now.since(first.since) >= limits::MISSED_AFTER && now >= self.missed_at {
            self.missed_at = now + limits::MISSED_AGAIN_AFTER;
            let missed = Said::Missed { concert: self.stage.concert, from: row + 1 };
            self.say(To::Node(self.stage.owner), missed, now);
        }
        Ok(())
    }

    /// An answer whose time has come.
    fn take(&mut self, asked: Asked, reply: Reply, now: Timestamp) -> anyhow::Result<()> {
        match (asked, reply) {
            (Asked::Join(fan, since), Ok(Answer::Queue { place, .. })) => {
                self.worker.stats.ok(Op::Join, since);
                self.take_place(fan, place.record.user, place.record.token, place.record.status, now)
            }
            (Asked::Look(fan), Ok(Answer::Queue { place, .. })) => {
                self.take_place(fan, place.record.user, place.record.token, place.record.status, now)
            }
            (Asked::Hold(fan, schedule, seat, due), Ok(Answer::Reservation(held))) => {
                self.worker.stats.ok(Op::Hold, due);
                self.worker.stats.count(Counter::SeatsHeld, 1);
                let Fan { number, user, .. } = self.fans[fan];
                let is_right = (held.user, held.schedule, &*held.seats) == (user, schedule, &[seat]);
                ensure!(is_right, "user {user} holds {held:?} instead of seat {seat}");
                let claimed = self.stage.claims.hold(schedule.0, seat.0, number);
                claimed.map_err(|fault| anyhow!(fault))?;
                // Before it is asked for: nobody knows when it is done.
                self.stage.claims.let_go(schedule.0, seat.0, number);
                let release =
                    Command::Release { caller: self.caller(fan), reservation: held.id, seats: None };
                self.ask(release, Asked::Release(fan, held.id, Instant::now()), now);
                Ok(())
            }
            (Asked::Hold(fan, _, _, since), Err(Refusal::Rejected(Rejection::SeatTaken { .. }))) => {
                let taken = Outcome::Refused(Reason::SeatTaken);
                self.worker.stats.record(Op::Hold, since.elapsed(), &taken);
                self.free.push_back(fan);
                Ok(())
            }
            (Asked::Release(fan, reservation, since), Ok(Answer::Reservation(left))) => {
                self.worker.stats.ok(Op::Release, since);
                ensure!(left.id == reservation, "{} was given back instead of {reservation}", left.id);
                self.free.push_back(fan);
                Ok(())
            }
            (Asked::Join(fan, _), reply) => bail!("user {} joins: {reply:?}", self.fans[fan].user),
            (Asked::Look(fan), reply) => bail!("user {} looks: {reply:?}", self.fans[fan].user),
            (Asked::Hold(fan, ..), reply) => bail!("user {} holds: {reply:?}", self.fans[fan].user),
            (Asked::Release(fan, ..), reply) => bail!("user {} releases: {reply:?}", self.fans[fan].user),
        }
    }

    fn take_place(
        &mut self,
        fan: usize,
        user: UserId,
        token: QueueToken,
        status: TokenStatus,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let own = &mut self.fans[fan];
        let is_own = own.user == user && own.token.is_none_or(|known| known == token);
        ensure!(is_own, "user {} was given a place of user {user}", own.user);
        own.token = Some(token);
        match status {
            TokenStatus::Waiting if self.stage.rate.is_none() => {
                self.worker.signals.ready.fetch_add(1, Ordering::Relaxed);
            }
            TokenStatus::Waiting => self.waiting.push_back((now + LOOKED_AGAIN_AFTER, fan)),
            TokenStatus::Progress => {
                self.free.push_back(fan);
                self.worker.signals.ready.fetch_add(1, Ordering::Relaxed);
            }
            ended @ (TokenStatus::Done | TokenStatus::Expired(_)) => {
                bail!("user {user} joined and is {ended:?}")
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fan_has_one_server_and_every_server_as_many() {
        for (nodes, fans) in [(1, 7), (3, 7), (50, 20_000), (10, 3)] {
            let shares: Vec<Vec<usize>> =
                (0..nodes).map(|index| fans_of(index, nodes, fans).collect()).collect();
            let (least, most) = (fans / nodes, fans.div_ceil(nodes));
            assert!(shares.iter().all(|share| (least..=most).contains(&share.len())), "{nodes} {fans}");
            let mut all = shares.concat();
            all.sort_unstable();
            assert_eq!(all, (0..fans).collect::<Vec<_>>());
        }
    }

    #[test]
    fn holds_of_all_servers_come_at_one_rate() {
        let mut due: Vec<Duration> =
            (0..4).flat_map(|index| (0..25).map(move |turn| due_after(turn, index, 4, 100))).collect();
        due.sort_unstable();
        let evenly = (0..100).map(|hold| Duration::from_secs_f64(f64::from(hold) / 100.0));
        assert!(due.into_iter().eq(evenly));
    }

    #[test]
    fn many_servers_have_fewer_credits_each() {
        assert_eq!([credits(0), credits(2), credits(50), credits(1_000)], [4_096, 4_096, 655, 256]);
    }
}
