//! Alarms: what is wrong in the sales that run here and on this server, noticed with nobody looking on. The rules are in
//! `rules`; here is what is seen, and what becomes of what follows from it.
//!
//! Always: what was raised is known here at once, and is written down as soon as the store takes it, in order; while it does
//! not, webhooks are told all the same. A row that is open and ours is judged here, whoever raised it, so it ends after a
//! restart and after a sale went to another server; one of a server that is gone is ended by whoever is there. What somebody
//! else ended, and is still wrong, is raised anew. It costs a lane one question a round and sale. Not here: sending, words.

pub mod rules;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use frontrow_protocol::{Method, Reason, Timestamp as WireTime};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::{oneshot, watch};

use self::rules::{Change, Counted, Counters, Facts, Judge, Kind, SaleSeen, Subject};
use crate::clock::Clock;
use crate::dispatcher::{Dispatcher, Place, ReplyTo};
use crate::domain::command::Command;
use crate::domain::ids::{ConcertId, OperatorId, ScheduleId};
use crate::domain::record::{SaleState, ScheduleState};
use crate::domain::time::Timestamp;
use crate::fanout::{Fanout, SaleView, Tallied, Times};
use crate::limits::{ALARMS_KEPT, ALARMS_OPEN_LISTED_MAX, ALARMS_UNSTORED_MAX};
use crate::metrics::{Metrics, RequestLabels};
use crate::ops::refunds::Refunds;
use crate::ops::webhooks::Webhooks;
use crate::store::alarms::{AlarmRow, Message, NewAlarm};
use crate::store::{DUTY_CHARS_MAX, Store, StoreError, WriterId, random_id};

/// Between two rounds.
const ROUND_INTERVAL: Duration = Duration::from_secs(2);
/// The time that lanes have to answer.
const ANSWER_PATIENCE: Duration = Duration::from_millis(900);
/// The time that the store has to take a change, before it is told without it.
const STORE_PATIENCE: Duration = Duration::from_millis(1_500);
/// Between two looks at the alarms that go on, which other servers may have raised.
const ROWS_READ_EVERY: Duration = Duration::from_secs(5);
/// So often a server says that it is there, and looks whether others are that have alarms.
const SERVERS_LOOKED_AT_EVERY: Duration = Duration::from_secs(20);
/// A server that did not say so for so long is gone: a restart takes less, and so does a store that is out for a moment.
const SERVER_GONE_AFTER: Duration = Duration::from_secs(2 * 60);
const DISK_LOOKED_AT_EVERY: Duration = Duration::from_secs(10);
const FORGOTTEN_EVERY: Duration = Duration::from_secs(3_600);
/// What answers and commits are timed over.
const TIMED_OVER: Duration = Duration::from_secs(30);
/// Copies of a sale's times are so far apart.
const TIMED_EVERY: Duration = Duration::from_secs(10);

/// Refusals that are no fan's doing.
const OURS: [Reason; 4] = [Reason::Overloaded, Reason::Unavailable, Reason::OutcomeUnknown, Reason::Internal];

/// The messages about alarms.
pub const RAISED: &str = "alarm.raised";
pub const ENDED: &str = "alarm.ended";

/// An alarm as it is known here.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// `None`: the store has not taken it yet.
    pub id: Option<u64>,
    pub kind: String,
    pub subject: String,
    /// UTC.
    pub raised_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub facts: Facts,
    /// Who saw it first; no id: an operator without a name.
    pub seen_by: Option<(Option<OperatorId>, Option<String>)>,
}

/// The parts of a server that are looked at.
pub struct Looked {
    pub dispatcher: Dispatcher,
    pub fanout: Arc<Fanout>,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub refunds: Arc<Refunds>,
    pub webhooks: Arc<Webhooks>,
    /// The folder whose disk is looked at.
    pub data: PathBuf,
    /// What this server is called, the same after a restart.
    pub server: String,
}

pub struct Alarms {
    at: Looked,
    state: Mutex<State>,
    /// Those that go on.
    open: watch::Sender<Arc<Vec<Alarm>>>,
}

#[derive(Default)]
struct State {
    judge: Judge,
    counted: Counted,
    sales: BTreeMap<ConcertId, Past>,
    refunds: BTreeMap<ScheduleId, (u64, Timestamp)>,
    disk: Option<(u64, u64)>,
    /// What the store has not taken, oldest first.
    waiting: VecDeque<Waiting>,
    /// Those that go on, as they were read last.
    rows: Vec<AlarmRow>,
    /// Steady: when they were read, the disk and other servers were looked at, and what is old was forgotten.
    rows_read: Option<Timestamp>,
    disk_looked_at: Option<Timestamp>,
    servers_looked_at: Option<Timestamp>,
    forgotten: Option<Timestamp>,
}

/// A sale as it was seen before.
#[derive(Default)]
struct Past {
    seen: Option<SaleSeen>,
    /// Times of answers and commits, oldest first, with the steady time of each.
    times: VecDeque<(Timestamp, Tallied)>,
}

/// A change that is to be written down.
#[derive(Clone)]
struct Waiting {
    change: Change,
    message: Message,
    /// It was sent without the store.
    is_sent: bool,
}

/// What came of writing changes down.
enum Written {
    All,
    /// The store does not take them.
    Not,
}

impl Alarms {
    pub fn new(at: Looked) -> Self {
        Self { at, state: Mutex::default(), open: watch::Sender::default() }
    }

    /// Those that go on, oldest first.
    pub fn open(&self) -> Arc<Vec<Alarm>> {
        self.open.borrow().clone()
    }

    /// What this server is called in alarms.
    pub fn server(&self) -> &str {
        &self.at.server
    }

    /// The folder whose disk is looked at.
    pub fn data(&self) -> &std::path::Path {
        &self.at.data
    }

    /// Looks for ever.
    pub async fn run(&self) {
        loop {
            let began = self.at.clock.steady();
            self.round().await;
            self.at.clock.sleep_until(began + ROUND_INTERVAL).await;
        }
    }

    async fn round(&self) {
        let answers = self.ask().await;
        self.look_at_disk().await;
        self.read_rows().await;
        self.judge(&answers);
        self.show();
        if let Written::Not = self.write().await {
            tracing::debug!("alarms wait for the store");
        }
        self.show();
        if let Err(Some(error)) = self.look_at_servers().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "alarms of other servers could not be looked at; it is tried again");
        }
        self.forget().await;
    }

    /// Asks the lane of each sale that runs here whether it answers.
    async fn ask(&self) -> BTreeMap<ConcertId, bool> {
        let here = self.at.dispatcher.whereabouts().into_iter().filter(|(_, place, _)| *place == Place::Here);
        let mut asked = Vec::new();
        for (concert, ..) in here {
            let (sender, reply) = oneshot::channel();
            // A refusal drops the sender, and is no answer.
            let _ = self.at.dispatcher.submit(concert, Command::Figures, ReplyTo::Once(sender));
            asked.push((concert, reply));
        }
        let mut too_late = pin!(self.at.clock.run_out(ANSWER_PATIENCE));
        let (mut is_late, mut answers) = (false, BTreeMap::new());
        for (concert, mut reply) in asked {
            let answered = match is_late {
                true => matches!(reply.try_recv(), Ok(Ok(_))),
                false => tokio::select! {
                    biased;
                    reply = &mut reply => matches!(reply, Ok(Ok(_))),
                    () = &mut too_late => {
                        is_late = true;
                        false
                    }
                },
            };
            answers.insert(concert, answered);
        }
        answers
    }

    async fn look_at_disk(&self) {
        let now = self.at.clock.steady();
        let is_due = |at: Option<Timestamp>| at.is_none_or(|at| now.since(at) >= DISK_LOOKED_AT_EVERY);
        if !is_due(self.state.lock().disk_looked_at) {
            return;
        }
        self.state.lock().disk_looked_at = Some(now);
        let data = self.at.data.clone();
        // A disk may hang: that is not for a thread which serves connections.
        let looked = tokio::task::spawn_blocking(move || room_of_disk(&data));
        tokio::select! {
            biased;
            disk = looked => self.state.lock().disk = disk.ok().flatten(),
            () = self.at.clock.run_out(ANSWER_PATIENCE) => {}
        }
    }

    /// Reads which alarms go on, once in a while.
    async fn read_rows(&self) {
        let Some(store) = self.at.store.alarms() else { return };
        let now = self.at.clock.steady();
        if self.state.lock().rows_read.is_some_and(|read| now.since(read) < ROWS_READ_EVERY) {
            return;
        }
        if let Ok(rows) = self.patiently(store.open_alarms()).await {
            let mut state = self.state.lock();
            (state.rows, state.rows_read) = (rows, Some(now));
        }
    }

    /// Says that this server is there, and ends what goes on of servers that are not, as nobody else does. `Err(None)`: the
    /// store took too long.
    async fn look_at_servers(&self) -> Result<(), Option<StoreError>> {
        let (Some(store), Some(duties)) = (self.at.store.alarms(), self.at.store.duties()) else {
            return Ok(());
        };
        let now = self.at.clock.steady();
        let of_others: Vec<_> = {
            let mut state = self.state.lock();
            if state.servers_looked_at.is_some_and(|at| now.since(at) < SERVERS_LOOKED_AT_EVERY) {
                return Ok(());
            }
            state.servers_looked_at = Some(now);
            let is_others = |row: &&AlarmRow| {
                Subject::server_of(&row.subject).is_some_and(|server| server != self.at.server)
            };
            state.rows.iter().filter(is_others).cloned().collect()
        };
        let utc = self.at.clock.utc();
        let (own, us) = presence(&self.at.server);
        self.patiently(duties.take_duty(&own, us, utc, SERVER_GONE_AFTER)).await?;
        let servers: BTreeSet<_> =
            of_others.iter().filter_map(|row| Subject::server_of(&row.subject)).collect();
        let mut gone = BTreeSet::new();
        for server in servers {
            // For no time: it may be back at any moment.
            let (its, _) = presence(server);
            if self.patiently(duties.take_duty(&its, us, utc, Duration::ZERO)).await? {
                gone.insert(server);
            }
        }
        for row in &of_others {
            let Some(server) = Subject::server_of(&row.subject).filter(|server| gone.contains(server)) else {
                continue;
            };
            let at = utc.max(row.raised_at);
            let over = Alarm { ended_at: Some(at), ..Alarm::of_row(row) };
            let message = over.message(None, Some(&self.at.server));
            if self.patiently(store.end_alarm(&row.kind, &row.subject, at, &message)).await? {
                let (kind, subject) = (&row.kind, &row.subject);
                tracing::info!(kind, subject, server, "an alarm is over, as its server is gone");
                self.look_again();
                self.at.webhooks.wake();
            }
        }
        Ok(())
    }

    fn judge(&self, answers: &BTreeMap<ConcertId, bool>) {
        let Looked { clock, dispatcher, fanout, server, .. } = &self.at;
        let now = (clock.steady(), clock.utc());
        let places: BTreeMap<_, _> =
            dispatcher.whereabouts().into_iter().map(|(concert, place, _)| (concert, place)).collect();
        let mut state = self.state.lock();
        let state = &mut *state;
        state.take_over(server, &places, fanout);
        state.judge.begin_round();
        let mut changes = Vec::new();
        let mut lanes: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
        let mut commits = Times::default();
        state.sales.retain(|concert, _| answers.contains_key(concert));
        for (concert, answered) in answers {
            let lane = lanes.entry(dispatcher.lane_of(*concert)).or_default();
            lane.0 += 1;
            lane.1 += u64::from(*answered);
            let Some(view) = fanout.sale(*concert) else { continue };
            let seen = seen(&view, *answered, now.1);
            let subject = Subject::Sale(*concert);
            let past = state.sales.entry(*concert).or_default();
            let wrong = rules::no_movement(past.seen.as_ref(), &seen);
            past.seen = Some(seen);
            changes.extend(state.judge.see(now, Kind::NoMovement, subject, wrong));
            let (answers, kept) = past.lately(now.0, &view.tally().copy());
            let wrong = rules::answers_late(state.judge.is_up(Kind::AnswersLate, subject), &answers);
            changes.extend(state.judge.see(now, Kind::AnswersLate, subject, wrong));
            commits = commits.and(&kept);
        }
        let wrong = rules::commits_slow(state.judge.is_up(Kind::CommitsSlow, Subject::Server), &commits);
        changes.extend(state.judge.see(now, Kind::CommitsSlow, Subject::Server, wrong));
        for lane in dispatcher.stalled_lanes() {
            lanes.entry(lane).or_default().1 = 0;
        }
        for (lane, (asked, answered)) in lanes {
            let wrong = (answered == 0).then(|| rules::facts([("sales", json!(asked))]));
            changes.extend(state.judge.see(now, Kind::LaneOut, Subject::Lane(lane), wrong));
        }
        changes.extend(state.see_counters(now, self.counters(), &self.at));
        changes.extend(state.see_refunds(now, &self.at));
        if let Some((free, total)) = state.disk {
            let wrong = rules::disk_low(state.judge.is_up(Kind::DiskLow, Subject::Server), free, total);
            changes.extend(state.judge.see(now, Kind::DiskLow, Subject::Server, wrong));
        }
        changes.extend(state.judge.end_round(now));
        for change in changes {
            self.log(&change);
            let message = self.message(&change);
            state.waiting.push_back(Waiting { change, message, is_sent: false });
        }
        while state.waiting.len() > ALARMS_UNSTORED_MAX {
            state.waiting.pop_front();
        }
    }

    fn log(&self, change: &Change) {
        let (kind, subject) = (change.kind.as_str(), change.subject.named(&self.at.server));
        match change.ended_at {
            None => {
                Metrics::count(&self.at.metrics.alarms_raised, kind);
                let facts = json!(change.facts).to_string();
                tracing::warn!(kind, subject, facts, "an alarm was raised");
            }
            Some(_) => tracing::info!(kind, subject, "an alarm is over"),
        }
    }

    fn message(&self, change: &Change) -> Message {
        let alarm = Alarm {
            id: None,
            kind: change.kind.as_str().to_owned(),
            subject: change.subject.named(&self.at.server),
            raised_at: change.raised_at,
            ended_at: change.ended_at,
            facts: change.facts.clone(),
            seen_by: None,
        };
        alarm.message(concert_of(change.subject, &self.at.fanout), Some(&self.at.server))
    }

    fn counters(&self) -> Counters {
        let metrics = &self.at.metrics;
        let refused = OURS.map(|reason| {
            let of = |method: &Method| {
                let labels = RequestLabels { method: method.as_str(), outcome: reason.as_str() };
                metrics.requests.get(&labels).map_or(0, |count| count.get())
            };
            (reason.as_str(), Method::ALL.iter().map(of).sum())
        });
        Counters {
            differences: metrics.sweep_differences.get(),
            log_lost: metrics.log_lines_lost.get(),
            outbox_drops: metrics.outbox_drops.get(),
            clock_steps: metrics.clock_steps.get(),
            refused: refused.into(),
        }
    }

    /// Writes down what waits, in order, until the store does not take it.
    async fn write(&self) -> Written {
        let Some(store) = self.at.store.alarms() else { return Written::All };
        loop {
            let Some(first) = self.state.lock().waiting.front().cloned() else { return Written::All };
            let Waiting { change, message, .. } = &first;
            let (kind, subject) = (change.kind.as_str(), change.subject.named(&self.at.server));
            let written = match change.ended_at {
                None => {
                    let facts = json!(change.facts).to_string();
                    let (kind, at) = (kind.to_owned(), change.raised_at);
                    let new = NewAlarm { kind, subject, at, facts };
                    self.patiently(store.raise_alarm(&new, message)).await
                }
                Some(at) => self.patiently(store.end_alarm(kind, &subject, at, message)).await,
            };
            match written {
                Ok(_) => {
                    let mut state = self.state.lock();
                    // What was too much may have gone meanwhile.
                    state.waiting.retain(|waiting| waiting.message.id != message.id);
                    state.rows_read = None;
                    self.at.webhooks.wake();
                }
                Err(error) => {
                    self.send_unstored();
                    if let Some(error) = error {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "an alarm could not be written down; it is tried again");
                    }
                    return Written::Not;
                }
            }
            self.read_rows().await;
        }
    }

    /// Has everything sent that waits for a store which does not take it: it may be the store that is wrong.
    fn send_unstored(&self) {
        for waiting in self.state.lock().waiting.iter_mut().filter(|waiting| !waiting.is_sent) {
            waiting.is_sent = true;
            self.at.webhooks.send_unstored(&waiting.message);
        }
    }

    /// `Err(None)`: it took too long.
    async fn patiently<T>(
        &self,
        doing: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Option<StoreError>> {
        tokio::select! {
            biased;
            done = doing => done.map_err(Some),
            () = self.at.clock.run_out(STORE_PATIENCE) => Err(None),
        }
    }

    /// Shows those that go on: as the store has them, and what it has not taken yet.
    fn show(&self) {
        let open = self.state.lock().open(&self.at.server);
        let mut by_kind: BTreeMap<&'static str, i64> =
            Kind::ALL.iter().map(|kind| (kind.as_str(), 0)).collect();
        for kind in open.iter().filter_map(|alarm| Kind::from_name(&alarm.kind)) {
            *by_kind.entry(kind.as_str()).or_default() += 1;
        }
        self.at.metrics.set_alarms(by_kind.into_iter());
        self.open.send_if_modified(|shown| {
            let is_new = **shown != open;
            if is_new {
                *shown = Arc::new(open);
            }
            is_new
        });
    }

    /// An operator says that they saw it, or the rows are other ones for another reason.
    pub fn look_again(&self) {
        self.state.lock().rows_read = None;
    }

    async fn forget(&self) {
        let Some(store) = self.at.store.alarms() else { return };
        let now = self.at.clock.steady();
        {
            let mut state = self.state.lock();
            if state.forgotten.is_some_and(|at| now.since(at) < FORGOTTEN_EVERY) {
                return;
            }
            state.forgotten = Some(now);
        }
        let before = self.at.clock.utc() - ALARMS_KEPT;
        if let Err(Some(error)) = self.patiently(store.forget_alarms(before)).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "old alarms could not be deleted; it is tried again");
        }
    }
}

impl State {
    /// Rows that are open and ours, although they were raised elsewhere or before, are judged here from now on; and what is
    /// another server's now is not.
    fn take_over(&mut self, server: &str, places: &BTreeMap<ConcertId, Place>, fanout: &Fanout) {
        // A sale that nobody runs any more has no alarms: whoever sees it ends them.
        let is_ours = |subject: Subject| match (subject, concert_of(subject, fanout)) {
            (Subject::Server | Subject::Lane(_), _) => true,
            (_, Some(concert)) => places.get(&concert).is_none_or(|place| *place == Place::Here),
            (_, None) => true,
        };
        let gone: Vec<_> = self
            .judge
            .up()
            .filter(|(kind, subject)| !is_ours(*subject) || self.is_ended_elsewhere(*kind, *subject, server))
            .collect();
        for (kind, subject) in gone {
            self.judge.forget(kind, subject);
        }
        for row in &self.rows {
            let Some(kind) = Kind::from_name(&row.kind).filter(|kind| *kind != Kind::Audit) else { continue };
            let Some(subject) = Subject::read(&row.subject, server).filter(|of| is_ours(*of)) else {
                continue;
            };
            let is_under_way =
                |waiting: &Waiting| (waiting.change.kind, waiting.change.subject) == (kind, subject);
            if !self.waiting.iter().any(is_under_way) {
                self.judge.adopt(kind, subject, row.raised_at, read_facts(&row.facts));
            }
        }
    }

    /// Is it up here, and over by the rows? An operator ended it, or another server that took us for gone.
    fn is_ended_elsewhere(&self, kind: Kind, subject: Subject, server: &str) -> bool {
        // Rows that are older than what was written last, or not all of them, say nothing.
        let rows_tell = self.rows_read.is_some() && self.rows.len() < ALARMS_OPEN_LISTED_MAX as usize;
        let name = subject.named(server);
        rows_tell
            && !self.rows.iter().any(|row| row.kind == kind.as_str() && row.subject == name)
            && !self.waiting.iter().any(|of| (of.change.kind, of.change.subject) == (kind, subject))
    }

    fn see_counters(
        &mut self,
        now: (Timestamp, Timestamp),
        is: Counters,
        at: &Looked,
    ) -> impl Iterator<Item = Change> + use<> {
        let connections = u64::try_from(at.metrics.connections.get()).unwrap_or_default();
        let step = at.metrics.clock_step_ms.get();
        let up = |kind| self.judge.is_up(kind, Subject::Server);
        let found = [
            (Kind::Differences, self.counted.differences(now.0, &is)),
            (Kind::LogLost, self.counted.log_lost(now.0, &is)),
            (Kind::ClockStepped, self.counted.clock_stepped(now.0, &is, step)),
            (Kind::OutboxDrops, self.counted.outbox_drops(now.0, &is, up(Kind::OutboxDrops), connections)),
            (Kind::RefusalsRising, self.counted.refusals_rising(now.0, &is, up(Kind::RefusalsRising))),
        ];
        self.counted.remember(now.0, is);
        let changes = found.map(|(kind, wrong)| self.judge.see(now, kind, Subject::Server, wrong));
        changes.into_iter().flatten()
    }

    fn see_refunds(&mut self, now: (Timestamp, Timestamp), at: &Looked) -> Vec<Change> {
        let progress = at.refunds.progress();
        self.refunds.retain(|schedule, _| progress.iter().any(|of| of.schedule == *schedule));
        let mut changes = Vec::new();
        for of in progress {
            let known = self.refunds.entry(of.schedule).or_insert((of.seats_left, now.0));
            if known.0 != of.seats_left {
                *known = (of.seats_left, now.0);
            }
            let wrong = rules::refunds_stuck(of.seats_left, of.stuck.len() as u64, now.0.since(known.1));
            changes.extend(self.judge.see(now, Kind::RefundsStuck, Subject::Schedule(of.schedule), wrong));
        }
        changes
    }

    /// Those that go on, oldest first: as the store has them, and what it has not taken yet.
    fn open(&self, server: &str) -> Vec<Alarm> {
        let mut open: Vec<Alarm> = self.rows.iter().map(Alarm::of_row).collect();
        for Waiting { change, .. } in &self.waiting {
            let (kind, subject) = (change.kind.as_str(), change.subject.named(server));
            let is_it = |alarm: &Alarm| alarm.kind == kind && alarm.subject == subject;
            match change.ended_at {
                Some(_) => open.retain(|alarm| !is_it(alarm)),
                None if open.iter().any(is_it) => {}
                None => open.push(Alarm {
                    id: None,
                    kind: kind.to_owned(),
                    subject,
                    raised_at: change.raised_at,
                    ended_at: None,
                    facts: change.facts.clone(),
                    seen_by: None,
                }),
            }
        }
        open.sort_by_key(|alarm| alarm.raised_at);
        open
    }
}

impl Alarm {
    pub fn of_row(row: &AlarmRow) -> Self {
        Self {
            id: Some(row.id),
            kind: row.kind.clone(),
            subject: row.subject.clone(),
            raised_at: row.raised_at,
            ended_at: row.ended_at,
            facts: read_facts(&row.facts),
            seen_by: row.seen_by.clone(),
        }
    }

    /// What webhooks are sent of it: that it was raised, or that it is over. `server`: the one that noticed it.
    pub fn message(&self, concert: Option<ConcertId>, server: Option<&str>) -> Message {
        let at = self.ended_at.unwrap_or(self.raised_at);
        let kind = if self.ended_at.is_some() { ENDED } else { RAISED };
        let body = json!({
            "type": kind,
            "timestamp": wire_time(at),
            "data": {
                "kind": self.kind,
                "subject": self.subject,
                "concert_id": concert.map(|concert| concert.0),
                "server": server,
                "raised_at": wire_time(self.raised_at),
                "ended_at": self.ended_at.map(wire_time),
                "facts": self.facts,
            },
        });
        Message { id: random_id(), kind: kind.to_owned(), body: body.to_string(), at }
    }

    /// The sale that it is about, as far as its subject says.
    pub fn concert(&self, fanout: &Fanout) -> Option<ConcertId> {
        concert_of(Subject::read(&self.subject, "")?, fanout)
    }
}

impl Past {
    /// The times of answers and of commits lately, and takes in the newest.
    fn lately(&mut self, now: Timestamp, is: &Tallied) -> (Times, Times) {
        // A sale that was built anew counts from zero.
        if self.times.back().is_some_and(|(_, before)| before.answers.count() > is.answers.count()) {
            self.times.clear();
        }
        let before = self.times.front().map(|(_, before)| before);
        let since = |of: fn(&Tallied) -> &Times| {
            before.map_or_else(Times::default, |before| of(is).since(of(before)))
        };
        let lately = (since(|of| &of.answers), since(|of| &of.commits));
        if self.times.back().is_none_or(|(at, _)| now.since(*at) >= TIMED_EVERY) {
            self.times.push_back((now, is.clone()));
        }
        while self.times.get(1).is_some_and(|(at, _)| now.since(*at) >= TIMED_OVER) {
            self.times.pop_front();
        }
        lately
    }
}

/// The duty that a server of this name has while it is there, and who it is then, in each of its lives.
fn presence(server: &str) -> (String, WriterId) {
    let name = format!("server {server}");
    let from = name.char_indices().rev().nth(DUTY_CHARS_MAX - 1).map_or(0, |(start, _)| start);
    let hash = Sha256::digest(server);
    let holder = uuid::Uuid::from_slice(&hash[..16]).unwrap_or_default();
    (name[from..].to_owned(), WriterId(holder))
}

fn seen(view: &SaleView, answers: bool, utc: Timestamp) -> SaleSeen {
    let (settings, glance) = (view.settings(), view.crowd());
    let free = view
        .topics()
        .map(|topic| topic.glance())
        .filter(|(schedule, _)| schedule.state == ScheduleState::Planned && schedule.starts_at > utc);
    SaleSeen {
        is_open: settings.state == SaleState::Open && settings.opens_at.is_none_or(|opens| opens <= utc),
        waiting: glance.waiting,
        progress: glance.progress,
        capacity: view.rules().capacity.into(),
        free: free.map(|(_, counts)| counts.available).sum(),
        admitted: view.tally().admitted(),
        answers,
    }
}

fn concert_of(subject: Subject, fanout: &Fanout) -> Option<ConcertId> {
    match subject {
        Subject::Sale(concert) => Some(concert),
        Subject::Schedule(schedule) => fanout.sale_of_schedule(schedule).map(|view| view.id()),
        Subject::Server | Subject::Lane(_) => None,
    }
}

fn read_facts(text: &str) -> Facts {
    serde_json::from_str(text).unwrap_or_default()
}

fn wire_time(at: Timestamp) -> Value {
    json!(WireTime::from_millis(at.as_millis()))
}

/// Free bytes of the disk that a folder is on, and all of them.
pub fn room_of_disk(folder: &std::path::Path) -> Option<(u64, u64)> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some((disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_duty_fits_its_column_and_is_its_own() {
        let (name, holder) = presence("web1:8080");
        assert_eq!((name.as_str(), holder), ("server web1:8080", presence("web1:8080").1));
        assert_ne!(holder, presence("web2:8080").1);
        let (long, other) = (format!("{}:65535", "é".repeat(64)), format!("{}:65534", "é".repeat(64)));
        assert_eq!(presence(&long).0.chars().count(), DUTY_CHARS_MAX);
        assert_ne!(presence(&long), presence(&other));
    }
}
