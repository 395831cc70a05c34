//! One lane: the only writer of its sales. Take what waits; open the transaction and read the wallets that the
//! batch names; decide everything in order of arrival; write; commit; speak. What arrives meanwhile is the next
//! batch: no timer, no fixed delay, one batch in flight. While the store works on it, the batch before it is spoken, and
//! what came so far for the next one is decided, as far as nothing has to be read for it.
//!
//! Always: nobody hears of anything before its commit. After a batch that was not committed, memory is as it was
//! before, and what was decided on top of it is decided again. While the store is out, time stands still for the
//! lane's sales.

use std::collections::{BTreeMap, VecDeque};
use std::future::{pending, poll_fn};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::handle::Shared;
use super::mailbox::{Envelope, Mailbox, Work};
use super::running::RunningSale;
use super::sales::SaleStatus;
use super::sweep::{Sweeper, Swept};
use crate::domain::command::{Answer, Command, Inputs, Needs};
use crate::domain::event::{Event, HoldEnd};
use crate::domain::ids::{ConcertId, ConnectionId, IdSource, UserId};
use crate::domain::record::{ExpiryReason, LedgerEntry, TokenStatus};
use crate::domain::time::Timestamp;
use crate::fanout::{Fanout, Refusal, Reply, ReplyTo, Told};
use crate::limits;
use crate::metrics::Metrics;
use crate::store::{
    self, Batch, CommitError, Facts, JournalPosition, SaleBatch, Store, StoreError, WriterId,
};

pub(super) struct Lane {
    pub shared: Arc<Shared>,
    pub mailbox: Arc<Mailbox>,
    pub fanout: Arc<Fanout>,
    pub store: Arc<dyn Store>,
    pub metrics: Arc<Metrics>,
    /// Where connections live that others use too.
    pub home: Handle,
    /// This lane, to the store.
    pub writer: WriterId,
    pub ids: IdSource,
    pub heartbeat_gap_max: Duration,
    /// Sales that were loaded for this lane.
    pub adopt: mpsc::Receiver<RunningSale>,
    /// Sales that were lost, to be claimed and loaded again when they can be.
    pub lost: mpsc::Sender<ConcertId>,
    pub sweeper: Sweeper,
    pub sales: BTreeMap<ConcertId, RunningSale>,
    /// Who was connected to a sale when it was lost, for when it comes back.
    pub present: BTreeMap<ConcertId, Vec<(UserId, ConnectionId)>>,
    pub connection: Option<Box<dyn store::Lane>>,
    /// Taken from the mailbox and not committed yet, in the order of arrival: those of the batch that is being committed,
    /// those decided on top of it, and those not decided.
    pub pending: VecDeque<Envelope>,
    /// The batch that was committed last, as long as somebody has not heard of it.
    pub unspoken: Option<Unspoken>,
    /// What was decided on top of the batch that was committed last.
    pub ahead: Ahead,
    pub last_heartbeat: Timestamp,
    pub outage: Option<Outage>,
}

/// The store is out: what is tried next, and when.
pub(super) struct Outage {
    next_try: Timestamp,
    backoff: Duration,
}

const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// How often an unknown outcome is asked for before the lane looks after its mailbox again.
const SETTLE_PAUSE: Duration = Duration::from_millis(100);

/// The beginning of a batch, decided while the one before it is being committed.
#[derive(Default)]
pub(super) struct Ahead {
    decided: Decided,
    /// What comes next needs something read, or has to wait for another reason.
    stopped: bool,
    /// We were wrong somewhere, and what memory holds is not to be trusted.
    broken: bool,
}

impl Ahead {
    fn is_empty(&self) -> bool {
        self.decided.spoken.is_empty() && self.decided.tail.is_empty() && !self.broken
    }
}

/// A batch that was committed, and those who have to hear of it, in the order of what happened.
pub(super) struct Unspoken {
    batch: Batch,
    answers: std::vec::IntoIter<(ReplyTo, Spoken)>,
    tail: Vec<(ConcertId, Range<usize>)>,
}

/// What was decided for `pending`.
#[derive(Default)]
struct Decided {
    /// One for each command decided, in order.
    spoken: Vec<Spoken>,
    /// Events of expiries after the last command.
    tail: Vec<(ConcertId, Range<usize>)>,
    charges: Vec<LedgerEntry>,
    expiries: usize,
    /// More than that must be in another batch.
    is_full: bool,
}

struct Spoken {
    reply: Reply,
    /// The events up to and including this command's, and where its own begin.
    events: Option<(ConcertId, Range<usize>)>,
}

impl Lane {
    /// With its connection, which belongs to the runtime that it is opened on.
    pub async fn opened(mut self) -> Result<Self, StoreError> {
        self.connection = Some(self.store.open_lane().await?);
        Ok(self)
    }

    /// Until the mailbox is closed and everything in it is done.
    pub async fn run(mut self) {
        loop {
            self.rest().await;
            if !self.ahead.is_empty() && self.is_beat_due() {
                // The commit took long, and somebody else may be the writer by now: what changes nothing would be answered
                // without anybody noticing.
                self.speak_all();
                self.undo();
                self.ahead = Ahead::default();
            }
            if !self.ahead.is_empty() {
                // Memory is not what was committed; `look_ahead` sees to it that this ends when something else waits.
                self.take_pending();
                self.run_batch().await;
                continue;
            }
            while let Ok(running) = self.adopt.try_recv() {
                self.adopt_sale(running);
            }
            while let Some(swept) = self.sweeper.take() {
                self.compare(swept);
            }
            self.take_pending();
            if self.pending.is_empty() && self.mailbox.is_closed() {
                break;
            }
            if self.outage.is_some() {
                self.sit_out().await;
                continue;
            }
            if self.is_beat_due() {
                self.beat().await;
            }
            if self.outage.is_none() {
                self.run_batch().await;
                self.sweeper.begin(&self.sales, self.shared.clock.utc());
            }
        }
        let (writer, now) = (self.writer, self.shared.clock.utc());
        let store = self.store.clone();
        let released =
            at_home(&self.home, async move { store.release_claims(writer, Some(now)).await }).await;
        if let Err(error) = released {
            tracing::warn!(error = &error as &dyn std::error::Error, "could not give the sales free");
        }
    }

    fn is_beat_due(&self) -> bool {
        self.shared.clock.utc().since(self.last_heartbeat) >= limits::HEARTBEAT_INTERVAL
    }

    /// Until there is something to do.
    async fn rest(&mut self) {
        let now = self.shared.clock.utc();
        if !self.pending.is_empty() {
            return;
        }
        let due = match &self.outage {
            Some(outage) => outage.next_try,
            None => {
                let due = self.sales.values().filter_map(RunningSale::next_due).min();
                let heartbeat = self.last_heartbeat + limits::HEARTBEAT_INTERVAL;
                due.map_or(heartbeat, |due| due.min(heartbeat))
            }
        };
        if due <= now {
            return;
        }
        let (mut adopted, mut swept) = (None, None);
        tokio::select! {
            // In this order, so that a simulation replays.
            biased;
            () = self.mailbox.wait() => {}
            () = self.shared.clock.sleep_until(due) => {}
            Some(running) = self.adopt.recv() => adopted = Some(running),
            rows = self.sweeper.wait() => swept = rows,
        }
        if let Some(running) = adopted {
            self.adopt_sale(running);
        }
        if let Some(swept) = swept {
            self.compare(swept);
        }
    }

    /// Between batches: memory is what was committed.
    fn compare(&mut self, swept: Swept) {
        let now = self.shared.clock.utc();
        if let Some(concert) = self.sweeper.compare(swept, &self.sales, now) {
            tracing::error!(concert.id = concert.0, "a sale is rebuilt from the store");
            self.lose(concert);
        }
    }

    fn adopt_sale(&mut self, mut running: RunningSale) {
        let concert = running.concert();
        self.fanout.show(running.view.clone());
        // Before it is asked who is still connected: from now on nobody leaves unheard.
        self.shared.sales.set(concert, SaleStatus::Running);
        let mut present = self.present.remove(&concert).unwrap_or_default();
        present.extend(self.sales.get(&concert).into_iter().flat_map(|former| former.sale.connections()));
        present.retain(|(user, connection)| self.fanout.is_connected(*user, *connection));
        running.welcome_back(&present, &self.fanout);
        self.sweeper.forget(concert);
        self.sales.insert(concert, running);
        // It may have waited for us, and time may have stood still: that must be known before anything expires.
        self.last_heartbeat = Timestamp::default();
        self.count_tokens();
    }

    fn take_pending(&mut self) {
        let room = limits::BATCH_COMMANDS_MAX.saturating_sub(self.pending.len());
        self.mailbox.take(room, &mut self.pending);
        self.metrics.mailbox_depth.set(self.mailbox.len() as i64);
        if !self.ahead.is_empty() {
            return;
        }
        let now = self.shared.clock.utc();
        // Who waited for too long has given up; an answer now would only delay the others.
        while let Some(front) = self.pending.front() {
            if now.since(front.arrived) <= limits::COMMAND_PATIENCE || is_presence(&front.work) {
                break;
            }
            if let Some(envelope) = self.pending.pop_front() {
                let retry_after = limits::OVERLOADED_RETRY_AFTER;
                self.fanout.answer(envelope.reply, Err(Refusal::Overloaded { retry_after }));
            }
        }
    }

    /// Says that the sales are alive. Before anything expires after a pause: if time stood still, it must be known.
    async fn beat(&mut self) {
        let now = self.shared.clock.utc();
        let (store, writer, gap_max) = (self.store.clone(), self.writer, self.heartbeat_gap_max);
        match at_home(&self.home, async move { store.heartbeat(writer, now, gap_max).await }).await {
            Ok(alive) => {
                self.last_heartbeat = now;
                if self.outage.take().is_some() {
                    tracing::info!("the store is back");
                    self.shared.sales.set_store_fault(None);
                }
                let alive: BTreeMap<ConcertId, Duration> = alive.into_iter().collect();
                let gone: Vec<_> = self.sales.keys().copied().filter(|c| !alive.contains_key(c)).collect();
                for (concert, outages) in alive {
                    if let Some(running) = self.sales.get_mut(&concert) {
                        running.count_outages(outages, now, &self.fanout);
                    }
                }
                for concert in gone {
                    self.step_down(concert);
                }
            }
            Err(error) => self.store_failed(&error),
        }
    }

    /// The store is out. Presence is still noted; everybody else is told to come back.
    async fn sit_out(&mut self) {
        for envelope in std::mem::take(&mut self.pending) {
            self.refuse_while_out(envelope);
        }
        let now = self.shared.clock.utc();
        let Some(outage) = &mut self.outage else { return };
        if outage.next_try > now && !self.mailbox.is_closed() {
            return;
        }
        outage.backoff = (outage.backoff * 2).min(BACKOFF_MAX);
        outage.next_try = now + outage.backoff;
        match self.store.open_lane().await {
            Ok(connection) => {
                self.connection = Some(connection);
                // Time begins again only once it is written how long it stood still.
                self.beat().await;
            }
            Err(error) => self.shared.sales.set_store_fault(Some(error.to_string())),
        }
    }

    fn refuse_while_out(&mut self, envelope: Envelope) {
        if let Work::Sale { concert, command: Command::Disconnect { user, connection } } = &envelope.work
            && let Some(running) = self.sales.get_mut(concert)
        {
            let standing = running.standing();
            running.sale.disconnect(*user, *connection, standing);
        }
        let retry_after = limits::UNAVAILABLE_RETRY_AFTER;
        self.fanout.answer(envelope.reply, Err(Refusal::Unavailable { retry_after }));
    }

    fn store_failed(&mut self, error: &StoreError) {
        let kind = match error {
            StoreError::RolledBack(_) => "rolled_back",
            StoreError::Unreachable(_) => "unreachable",
            StoreError::Broken(_) => "broken",
            StoreError::Claimed { .. } | StoreError::NoSuchConcert { .. } => "claimed",
        };
        Metrics::count(&self.metrics.store_errors, kind);
        if self.outage.is_none() {
            tracing::error!(error = error as &dyn std::error::Error, kind, "the store is out");
        }
        self.connection = None;
        self.shared.sales.set_store_fault(Some(error.to_string()));
        let next_try = self.shared.clock.utc() + BACKOFF_MIN;
        self.outage.get_or_insert(Outage { next_try, backoff: BACKOFF_MIN });
    }

    /// Decides, writes, commits and speaks what is pending and due.
    async fn run_batch(&mut self) {
        for attempt in 1..=limits::BATCH_ATTEMPTS_MAX {
            match self.try_batch().await {
                Ok(()) => return,
                Err(CommitError::NotCommitted(StoreError::RolledBack(error))) => {
                    Metrics::count(&self.metrics.store_errors, "rolled_back");
                    tracing::warn!(
                        attempt,
                        error = &*error as &dyn std::error::Error,
                        "a batch was rolled back"
                    );
                    if attempt == limits::BATCH_ATTEMPTS_MAX {
                        for envelope in std::mem::take(&mut self.pending) {
                            self.refuse_while_out(envelope);
                        }
                    }
                }
                Err(CommitError::NotCommitted(error)) => {
                    self.store_failed(&error);
                    for envelope in std::mem::take(&mut self.pending) {
                        self.refuse_while_out(envelope);
                    }
                    return;
                }
                Err(CommitError::SteppedDown { concert }) => self.step_down(concert),
                // Settled by `try_batch`; what is left of it is one of the above.
                Err(CommitError::OutcomeUnknown(_)) => return,
            }
        }
    }

    /// On an error memory is as it was before, and everything pending is still pending.
    async fn try_batch(&mut self) -> Result<(), CommitError> {
        let mut decided = std::mem::take(&mut self.ahead).decided;
        let mut has_begun = false;
        if !decided.is_full {
            let needs = self.needs(decided.spoken.len());
            has_begun = !needs.is_empty();
            if has_begun {
                self.speak_all();
            }
            let facts = match self.begin(&needs).await {
                Ok(facts) => facts,
                Err(error) => {
                    self.undo();
                    return Err(error.into());
                }
            };
            if self.decide_unbroken(&mut decided, facts).is_none() {
                self.speak_all();
                self.break_down();
                self.connected().await?.rollback().await?;
                return Ok(());
            }
        }
        let batch = self.batch(&decided);
        let started = Instant::now();
        if batch.sales.is_empty() && batch.charges.is_empty() {
            self.speak_all();
            if has_begun {
                self.connected().await?.rollback().await?;
            }
        } else {
            let committed = match self.commit(&batch, decided.spoken.len()).await {
                Err(CommitError::OutcomeUnknown(error)) => {
                    tracing::warn!(
                        error = &*error as &dyn std::error::Error,
                        "the outcome of a commit is unknown"
                    );
                    self.settle(&batch).await
                }
                other => other,
            };
            if let Err(error) = committed {
                self.speak_all();
                self.undo();
                if std::mem::take(&mut self.ahead).broken {
                    self.break_down();
                }
                return Err(error);
            }
            self.metrics.commit_batch_commands.observe(decided.spoken.len() as f64);
            self.metrics.commit_seconds.observe(started.elapsed().as_secs_f64());
        }
        self.committed(decided, batch);
        if self.ahead.broken {
            self.ahead = Ahead::default();
            self.speak_all();
            self.break_down();
        }
        if self.ahead.is_empty() {
            self.speak_all();
        }
        Ok(())
    }

    async fn begin(&mut self, needs: &Needs) -> Result<Facts, StoreError> {
        match needs.is_empty() {
            true => Ok(Facts::default()),
            false => self.connected().await?.begin(needs).await,
        }
    }

    /// Commits a batch of `count` commands. Whenever the store has been given something to do, a part of the batch before
    /// is spoken and a part of what came meanwhile is decided: here and not in a task of its own, so that nobody is
    /// woken for it.
    async fn commit(&mut self, batch: &Batch, count: usize) -> Result<(), CommitError> {
        self.connected().await?;
        let mut connection = self.connection.take().expect("it is connected");
        let mut commit = connection.commit(batch);
        let committed = poll_fn(|context| {
            let polled = commit.as_mut().poll(context);
            if polled.is_pending() {
                self.speak(limits::SPOKEN_ASIDE_MAX);
                self.look_ahead(count);
            }
            polled
        });
        let committed = committed.await;
        drop(commit);
        self.speak_all();
        self.connection = Some(connection);
        committed
    }

    /// Decides what came while a batch of `count` commands is being committed. Not if something waits that is done between
    /// batches, with memory as it was committed.
    fn look_ahead(&mut self, count: usize) {
        let decided = self.ahead.decided.spoken.len();
        let is_wanted = !self.ahead.stopped && !self.ahead.broken && decided < limits::BATCH_COMMANDS_MAX;
        if !is_wanted || self.sweeper.has_news() || !self.adopt.is_empty() || self.is_beat_due() {
            return;
        }
        let (begun, room) = (count + decided, limits::BATCH_COMMANDS_MAX - decided);
        let waiting = self.pending.len() - begun;
        self.mailbox.take(limits::DECIDED_ASIDE_MAX.min(room).saturating_sub(waiting), &mut self.pending);
        let first_in_need =
            (begun..self.pending.len()).find(|&at| !self.needs_of([&self.pending[at]]).is_empty());
        let end = first_in_need.unwrap_or(self.pending.len()).min(begun + limits::DECIDED_ASIDE_MAX);
        if end == begun {
            self.ahead.stopped = first_in_need.is_some();
            return;
        }
        let mut ahead = std::mem::take(&mut self.ahead);
        let deciding =
            AssertUnwindSafe(|| self.decide_range(begun..end, &mut ahead.decided, Facts::default()));
        ahead.broken = catch_unwind(deciding).is_err();
        ahead.stopped = ahead.decided.is_full;
        self.metrics.decided_ahead.inc_by((ahead.decided.spoken.len() - decided) as u64);
        self.ahead = ahead;
    }

    /// Asks until it is known whether a batch was committed. Meanwhile others are told to come back; who is in
    /// the batch waits for the truth.
    async fn settle(&mut self, batch: &Batch) -> Result<(), CommitError> {
        Metrics::count(&self.metrics.store_errors, "outcome_unknown");
        self.connection = None;
        let mut asked = VecDeque::new();
        loop {
            let settled = match self.connected().await {
                Ok(connection) => connection.settle(batch).await,
                Err(error) => Err(error.into()),
            };
            match settled {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    for sale in &batch.sales {
                        if let Some(running) = self.sales.get_mut(&sale.concert) {
                            running.journal = JournalPosition { seq: sale.seq, batch: batch.void_id() };
                        }
                    }
                    let lost = std::io::Error::other("the connection was lost before the commit");
                    return Err(CommitError::NotCommitted(StoreError::RolledBack(lost.into())));
                }
                Err(CommitError::SteppedDown { concert }) => {
                    return Err(CommitError::SteppedDown { concert });
                }
                Err(CommitError::NotCommitted(error)) => {
                    self.connection = None;
                    self.shared.sales.set_store_fault(Some(error.to_string()));
                }
                Err(CommitError::OutcomeUnknown(_)) => self.connection = None,
            }
            self.mailbox.take(limits::BATCH_COMMANDS_MAX, &mut asked);
            for envelope in std::mem::take(&mut asked) {
                self.refuse_while_out(envelope);
            }
            tokio::time::sleep(SETTLE_PAUSE).await;
        }
    }

    async fn connected(&mut self) -> Result<&mut Box<dyn store::Lane>, StoreError> {
        if self.connection.is_none() {
            self.connection = Some(self.store.open_lane().await?);
            self.shared.sales.set_store_fault(None);
        }
        Ok(self.connection.as_mut().expect("it was just opened"))
    }

    /// What the pending commands from `first` on have to have read, as far as a batch goes.
    fn needs(&self, first: usize) -> Needs {
        self.needs_of(self.pending.range(first..).take(limits::BATCH_COMMANDS_MAX.saturating_sub(first)))
    }

    fn needs_of<'e>(&self, envelopes: impl IntoIterator<Item = &'e Envelope>) -> Needs {
        let mut needs = Needs::default();
        for envelope in envelopes {
            match &envelope.work {
                Work::Sale { concert, command } => {
                    if let Some(running) = self.sales.get(concert) {
                        running.sale.needs(command, &mut needs);
                    }
                }
                Work::Charge { user, request_id, .. } => {
                    needs.wallets.push(*user);
                    needs.charges.push((*user, request_id.clone()));
                }
            }
        }
        needs.wallets.sort_unstable();
        needs.wallets.dedup();
        needs
    }

    /// Decides what is left of a batch. `None`: we were wrong somewhere.
    fn decide_unbroken(&mut self, decided: &mut Decided, facts: Facts) -> Option<()> {
        catch_unwind(AssertUnwindSafe(|| self.decide_pending(decided, facts))).ok()
    }

    /// The lane's sales are lost and will be rebuilt from the store, and whoever asked is told that it is our fault.
    fn break_down(&mut self) {
        tracing::error!("an invariant broke while deciding a batch; its sales are rebuilt from the store");
        let broken: Vec<ConcertId> = self.sales.keys().copied().collect();
        broken.into_iter().for_each(|concert| self.lose(concert));
        for envelope in std::mem::take(&mut self.pending) {
            self.fanout.answer(envelope.reply, Err(Refusal::Internal));
        }
    }

    /// Everything that waits, as far as a batch goes, and then what is due.
    fn decide_pending(&mut self, decided: &mut Decided, facts: Facts) {
        let first = decided.spoken.len();
        let end = self.pending.len().min(limits::BATCH_COMMANDS_MAX).max(first);
        self.decide_range(first..end, decided, facts);
        if decided.spoken.len() == self.pending.len() {
            let utc = self.mailbox.horizon();
            for (concert, running) in &mut self.sales {
                let now = running.now(utc);
                let first = running.events.len();
                let left = limits::BATCH_EXPIRIES_MAX.saturating_sub(decided.expiries);
                decided.expiries += running.sale.expire_due(now, left, &mut running.events);
                if running.events.len() > first {
                    decided.tail.push((*concert, first..running.events.len()));
                }
            }
        }
    }

    /// Decides these of the pending commands, until one has to wait for the next batch.
    fn decide_range(&mut self, range: Range<usize>, decided: &mut Decided, facts: Facts) {
        // If deciding breaks off, the lane goes on with the spare one: tokens must never be guessed.
        let spare = self.ids.spare();
        let mut inputs = Inputs {
            wallets: facts.wallets,
            ended: facts.ended,
            ids: std::mem::replace(&mut self.ids, spare),
        };
        for envelope in self.pending.range(range) {
            let spoken = match &envelope.work {
                Work::Charge { user, amount, request_id } => {
                    let charged =
                        inputs.wallets.charge(*user, *amount, request_id, envelope.arrived, &mut inputs.ids);
                    if let Ok((entry, true)) = &charged {
                        decided.charges.push(entry.clone());
                    }
                    let reply = charged.map(|(entry, _)| Answer::Charged(entry)).map_err(Refusal::from);
                    Spoken { reply, events: None }
                }
                Work::Sale { concert, command } => match self.sales.get_mut(concert) {
                    None => {
                        let retry_after = limits::UNAVAILABLE_RETRY_AFTER;
                        Spoken { reply: Err(Refusal::Unavailable { retry_after }), events: None }
                    }
                    Some(running) => {
                        let now = running.now(envelope.arrived);
                        let first = running.events.len();
                        let left = limits::BATCH_EXPIRIES_MAX.saturating_sub(decided.expiries);
                        decided.expiries += running.sale.expire_due(now, left, &mut running.events);
                        if running.sale.must_expire_first(now) {
                            // The rest is for the next batch: no command overtakes an expiry.
                            decided.tail.push((*concert, first..running.events.len()));
                            decided.is_full = true;
                            break;
                        }
                        let reply = running.sale.decide(now, command, &mut inputs, &mut running.events);
                        let events = Some((*concert, first..running.events.len()));
                        Spoken { reply: reply.map_err(Refusal::from), events }
                    }
                },
            };
            decided.spoken.push(spoken);
        }
        self.ids = inputs.ids;
    }

    fn batch(&mut self, decided: &Decided) -> Batch {
        let changed = self.sales.values_mut().filter(|running| !running.events.is_empty());
        let sales = changed.map(|running| {
            running.sale.seal();
            SaleBatch {
                concert: running.sale.concert(),
                seq: running.journal.seq + 1,
                after: running.journal.batch,
                events: std::mem::take(&mut running.events),
            }
        });
        Batch {
            id: store::random_id(),
            writer: self.writer,
            at: self.shared.clock.utc(),
            sales: sales.collect(),
            charges: decided.charges.clone(),
        }
    }

    fn undo(&mut self) {
        for running in self.sales.values_mut() {
            running.sale.undo();
            running.events.clear();
        }
    }

    /// Memory is what was committed; who has to hear of it is noted.
    fn committed(&mut self, decided: Decided, batch: Batch) {
        for sale in &batch.sales {
            if let Some(running) = self.sales.get_mut(&sale.concert) {
                running.journal = JournalPosition { seq: sale.seq, batch: batch.id };
                // The copies that others read, before anybody hears of it.
                running.view.apply(sale.seq, &sale.events);
                running.sale.commit(limits::ENDED_KEPT_MAX);
                self.sweeper.note(sale.concert, &sale.events);
                count_events(&self.metrics, &sale.events);
            }
        }
        let senders = self.pending.drain(..decided.spoken.len()).map(|envelope| envelope.reply);
        let answers: Vec<_> = senders.zip(decided.spoken).collect();
        debug_assert!(self.unspoken.is_none(), "the batch before this one was spoken while it was committed");
        self.unspoken = Some(Unspoken { batch, answers: answers.into_iter(), tail: decided.tail });
        self.count_tokens();
    }

    fn speak_all(&mut self) {
        self.speak(usize::MAX);
    }

    /// Gives the next `count` answers to the batch that was committed last, each with the pushes that go with it.
    fn speak(&mut self, count: usize) {
        let Some(mut unspoken) = self.unspoken.take() else { return };
        let events: BTreeMap<ConcertId, &[Event]> =
            unspoken.batch.sales.iter().map(|sale| (sale.concert, &sale.events[..])).collect();
        for (to, spoken) in unspoken.answers.by_ref().take(count) {
            let told = Told::of(&to, &spoken.reply);
            self.fanout.answer(to, spoken.reply);
            if let Some((concert, range)) = spoken.events {
                tell(&self.fanout, &self.sales, &events, concert, range, told.as_ref());
            }
        }
        if unspoken.answers.len() > 0 {
            self.unspoken = Some(unspoken);
            return;
        }
        for (concert, range) in unspoken.tail {
            tell(&self.fanout, &self.sales, &events, concert, range, None);
        }
    }

    fn count_tokens(&self) {
        self.metrics.tokens_waiting.set(self.sales.values().map(|r| r.sale.waiting() as i64).sum());
        self.metrics.tokens_progress.set(self.sales.values().map(|r| r.sale.progress() as i64).sum());
    }

    /// Another process is the writer of this sale now.
    fn step_down(&mut self, concert: ConcertId) {
        tracing::warn!(concert.id = concert.0, "another process runs this sale now");
        self.lose(concert);
        self.shared.sales.set(concert, SaleStatus::Elsewhere);
    }

    /// Forgets a sale; it is claimed and loaded again when that can be done.
    fn lose(&mut self, concert: ConcertId) {
        if let Some(lost) = self.sales.remove(&concert) {
            self.present.insert(concert, lost.sale.connections().collect());
        }
        self.sweeper.forget(concert);
        self.fanout.hide(concert);
        self.shared.sales.set(concert, SaleStatus::Loading);
        // A full channel holds at least one word of it, and who listens looks at all sales.
        let _ = self.lost.try_send(concert);
    }
}

/// Asks the store for something on a connection that others use too, which must not live on a lane's runtime.
async fn at_home<T: Send + 'static>(home: &Handle, asking: impl Future<Output = T> + Send + 'static) -> T {
    // Given up together with who asks.
    let mut asked = JoinSet::new();
    asked.spawn_on(asking, home);
    match asked.join_next().await {
        Some(Ok(answer)) => answer,
        Some(Err(broken)) if broken.is_panic() => resume_unwind(broken.into_panic()),
        // The process ends.
        _ => pending().await,
    }
}

fn tell(
    fanout: &Fanout,
    sales: &BTreeMap<ConcertId, RunningSale>,
    events: &BTreeMap<ConcertId, &[Event]>,
    concert: ConcertId,
    range: Range<usize>,
    told: Option<&Told>,
) {
    if let Some(running) = sales.get(&concert)
        && let Some(happened) = events.get(&concert).and_then(|events| events.get(range))
    {
        let now = running.standing();
        happened.iter().for_each(|event| fanout.tell(&running.view, event, now, told));
    }
}

fn count_events(metrics: &Metrics, events: &[Event]) {
    for event in events {
        match event {
            Event::Joined(_)
            | Event::SeatsReleased { .. }
            | Event::Refunded { .. }
            | Event::SettingsChanged { .. } => {}
            Event::Admitted(_) => {
                metrics.admissions.inc();
            }
            Event::SeatsHeld { seats, .. } => {
                metrics.holds.inc_by(seats.len() as u64);
            }
            Event::Paid { reservation, .. } => {
                metrics.seats_sold.inc_by(reservation.seats.len() as u64);
            }
            Event::ReservationEnded { why: HoldEnd::HoldTime, .. } => {
                Metrics::count(&metrics.expiries, "hold");
            }
            Event::ReservationEnded { .. } => {}
            Event::TokenEnded(record) => match record.status {
                TokenStatus::Expired(ExpiryReason::Idle) => Metrics::count(&metrics.expiries, "idle"),
                TokenStatus::Expired(ExpiryReason::Time) => Metrics::count(&metrics.expiries, "time"),
                TokenStatus::Expired(ExpiryReason::Away) => Metrics::count(&metrics.expiries, "away"),
                _ => {}
            },
        }
    }
}

fn is_presence(work: &Work) -> bool {
    matches!(work, Work::Sale { command: Command::Disconnect { .. }, .. })
}
