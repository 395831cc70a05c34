//! One lane: the only writer of its sales. It takes what waits, opens the transaction and reads the wallets that the
//! batch names, decides everything in order of arrival, writes, commits, and publishes. What arrives meanwhile is the next
//! batch: no timer, no fixed delay, one batch in flight. While the store works on it, the batch before it is published,
//! and what came so far for the next one is decided, as far as nothing has to be read for it.
//!
//! The `Pipeline` alone says which step comes next; a lane performs it (`batch`, `overlap`), and does between batches what
//! needs memory as it was committed (`rest`).
//!
//! Always: nothing is published before its commit. After a batch that was not committed, memory is as it was
//! before, and what was decided on top of it is decided again. While the store is out, time stands still for the
//! lane's sales.

mod batch;
mod overlap;
mod patience;
mod pipeline;

use std::collections::BTreeMap;
use std::future::pending;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::handle::Shared;
use super::mailbox::{Envelope, Mailbox, Work};
use super::running::RunningSale;
use super::sales::SaleStatus;
use super::sweep::{Sweeper, Swept};
use super::tables::Tables;
use super::witness::Witness;
use super::{Options, lane_of};
use crate::domain::command::{Command, Needs};
use crate::domain::ids::{ConcertId, ConnectionId, IdSource, UserId};
use crate::domain::ledger_budget::LedgerBudget;
use crate::domain::time::Timestamp;
use crate::fanout::{Fanout, Refusal};
use crate::limits;
use crate::metrics::Metrics;
use crate::store::{self, Facts, Store, StoreError, WriterId};
use crate::supervisor::Ends;
use patience::Patience;
use pipeline::Pipeline;

pub(super) struct Lane {
    /// Its number among the lanes.
    index: usize,
    /// Its name in the log and for its supervisor.
    name: String,
    shared: Arc<Shared>,
    mailbox: Arc<Mailbox>,
    fanout: Arc<Fanout>,
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    /// The runtime that polls the pooled connections to the store.
    home: Handle,
    /// Its identity in the store.
    writer: WriterId,
    ids: IdSource,
    heartbeat_gap_max: Duration,
    /// Sales that were loaded for this lane.
    adopt: mpsc::Receiver<RunningSale>,
    /// Sales that were lost, to be claimed and loaded again when they can be.
    lost: mpsc::Sender<ConcertId>,
    sweeper: Sweeper,
    tables: Arc<Tables>,
    ended_kept_max: usize,
    /// The entries that each user added to their ledger today.
    ledger: LedgerBudget,
    sales: BTreeMap<ConcertId, RunningSale>,
    /// The connections that each lost sale had, for when it comes back.
    present: BTreeMap<ConcertId, Vec<(UserId, ConnectionId)>>,
    connection: Option<Box<dyn store::BatchWriter>>,
    /// All commands that were taken from the mailbox and are not answered yet, and what is done next.
    pipeline: Pipeline,
    /// The reads that the batch needs, from when it is begun until they are made.
    needs: Needs,
    /// The result of those reads, until the batch is decided.
    facts: Facts,
    /// The time at which the store was given the batch.
    commit_began: Instant,
    /// The time that it took to keep the last one.
    commit_took: Duration,
    last_heartbeat: Timestamp,
    outage: Option<Outage>,
    patience: Patience,
    /// The sale that was decided in last: the culprit, if deciding breaks off.
    deciding: Option<ConcertId>,
    witness: Option<Witness>,
    /// The milliseconds by which the machine's clock was set, as far as the lane's sales know.
    clock_step: i64,
}

/// The store cannot be used, and is tried again after a growing pause.
struct Outage {
    next_try: Timestamp,
    backoff: Duration,
}

const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(2);

impl Lane {
    /// The lane of the mailbox with this number. Loaded sales come from `adopt`, and lost ones go to `lost`.
    pub fn new(
        index: usize,
        shared: &Arc<Shared>,
        fanout: &Arc<Fanout>,
        store: &Arc<dyn Store>,
        options: &Options,
        adopt: mpsc::Receiver<RunningSale>,
        lost: mpsc::Sender<ConcertId>,
    ) -> Self {
        let (clock, metrics, home) = (&shared.clock, &shared.metrics, Handle::current());
        let ids = options.seed.map_or_else(IdSource::from_os, |mut seed| {
            seed[0] ^= index as u8;
            IdSource::seeded(seed)
        });
        Self {
            index,
            name: format!("lane {index}"),
            mailbox: shared.mailboxes[index].clone(),
            writer: shared.writers[index],
            sweeper: Sweeper::new(
                store.clone(),
                shared.tables[index].clone(),
                metrics.clone(),
                home.clone(),
                options.sweep_rows_max,
            ),
            tables: shared.tables[index].clone(),
            ended_kept_max: options.ended_kept_max,
            ledger: LedgerBudget::new(options.ledger_entries_per_day),
            last_heartbeat: clock.steady(),
            patience: Patience::new(clock.clone()),
            metrics: metrics.clone(),
            shared: shared.clone(),
            fanout: fanout.clone(),
            store: store.clone(),
            heartbeat_gap_max: options.heartbeat_gap_max,
            home,
            ids,
            adopt,
            lost,
            sales: BTreeMap::new(),
            present: BTreeMap::new(),
            connection: None,
            pipeline: Pipeline::default(),
            needs: Needs::default(),
            facts: Facts::default(),
            commit_began: Instant::now(),
            commit_took: Duration::ZERO,
            outage: None,
            deciding: None,
            witness: options.witness.clone(),
            clock_step: 0,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Opens the lane's connection, which belongs to the runtime that it is opened on.
    pub async fn opened(mut self) -> Result<Self, StoreError> {
        self.connection = Some(self.store.open_writer().await?);
        Ok(self)
    }

    /// Runs until the mailbox is closed and everything in it is done, however often a fault of ours ends it before.
    pub async fn live(mut self) {
        let (supervisor, name) = (self.shared.supervisor.clone(), self.name.clone());
        let mut ends = Ends::default();
        while let Err(panic) = AssertUnwindSafe(self.run()).catch_unwind().await {
            self.forget();
            if !supervisor.ended(&name, panic, &mut ends).await {
                self.mailbox.close();
                return;
            }
            supervisor.is_up(&name);
        }
    }

    /// Memory is not to be trusted after a panic, and the outcome of what was under way is unknown. The lane's sales are
    /// claimed and loaded anew, which also settles what may still be on its way into the store.
    fn forget(&mut self) {
        self.connection = None;
        self.outage = None;
        self.ledger.forget();
        for reply in self.pipeline.forget() {
            self.fanout.answer(reply, Err(Refusal::OutcomeUnknown));
        }
        let lost: Vec<ConcertId> = self.sales.keys().copied().collect();
        lost.into_iter().for_each(|concert| self.lose(concert));
    }

    async fn run(&mut self) {
        while self.perform(self.pipeline.next()).await.is_continue() {}
        // Whoever claims the sales next has nothing to catch up with.
        if tokio::time::timeout(limits::RELEASE_PATIENCE, self.tables.end()).await.is_err() {
            tracing::warn!("the tables are behind the journal, and the next server brings them up to date");
        }
        let (writer, now) = (self.writer, self.shared.clock.steady());
        let store = self.store.clone();
        let released =
            at_home(self.home.clone(), async move { store.release_claims(writer, Some(now)).await });
        match tokio::time::timeout(limits::RELEASE_PATIENCE, released).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "could not release the sales");
            }
            Err(_) => tracing::warn!("could not release the sales in time"),
        }
    }

    /// Step `Rest`: waits, and does what needs memory as it was committed. Breaks when the mailbox is closed and everything
    /// in it is done.
    async fn rest(&mut self) -> ControlFlow<()> {
        self.call_witness();
        self.put_archived_away();
        self.put_refused_away();
        if self.outage.is_none() {
            self.sweeper.begin(&self.sales, self.shared.clock.steady());
        }
        self.let_go();
        self.give_away();
        self.wait().await;
        self.let_go();
        self.give_away();
        while let Ok(running) = self.adopt.try_recv() {
            self.adopt_sale(running);
        }
        while let Some(swept) = self.sweeper.take() {
            self.compare(swept);
        }
        self.take_in();
        if self.pipeline.waiting().is_empty() && self.mailbox.is_closed() {
            return ControlFlow::Break(());
        }
        if self.outage.is_some() {
            self.sit_out().await;
            return ControlFlow::Continue(());
        }
        if self.is_beat_due() {
            self.beat().await;
        }
        if self.outage.is_none() {
            self.pipeline.want();
        }
        ControlFlow::Continue(())
    }

    /// What is archived is not run any more, once that is committed. Its claim ends by itself.
    fn put_archived_away(&mut self) {
        let is_over = |running: &&RunningSale| {
            running.sale.is_archived()
                && running.sale.is_committed()
                && self.tables.are_even(running.concert())
        };
        let over: Vec<_> = self.sales.values().filter(is_over).map(RunningSale::concert).collect();
        for concert in over {
            self.sales.remove(&concert);
            self.present.remove(&concert);
            self.sweeper.forget(concert);
            self.tables.forget(concert);
            self.shared.exchange.iter().for_each(|exchange| exchange.owns_no_more(concert));
            self.fanout.hide(concert);
            self.fanout.forget(concert);
            self.shared.sales.forget(concert);
            self.count_tokens();
            tracing::info!(concert.id = concert.0, "a sale is archived");
        }
    }

    /// A sale whose tables refuse what its journal says stops alone. Recovery finds out what exactly it is, and looks whether
    /// somebody mended it.
    fn put_refused_away(&mut self) {
        for (concert, why) in self.tables.refused() {
            self.shared.sales.set_stuck(concert, Some(why));
            self.lose(concert);
        }
    }

    /// Sales of which nothing is decided ahead are in memory as they were committed.
    fn call_witness(&self) {
        let Some(witness) = &self.witness else { return };
        for running in self.sales.values().filter(|running| running.sale.is_committed()) {
            witness.look(&running.sale, &running.view, running.standing());
        }
    }

    fn is_beat_due(&self) -> bool {
        self.shared.clock.steady().since(self.last_heartbeat) >= self.heartbeat_interval()
    }

    /// Others may take a sale sooner where a bus tells them more of us.
    fn heartbeat_interval(&self) -> Duration {
        match self.shared.exchange {
            Some(_) => limits::HEARTBEAT_INTERVAL_WITH_BUS,
            None => limits::HEARTBEAT_INTERVAL,
        }
    }

    /// Waits until there is something to do.
    async fn wait(&mut self) {
        let now = self.shared.clock.steady();
        if !self.pipeline.waiting().is_empty() {
            return;
        }
        let due = match &self.outage {
            Some(outage) => outage.next_try,
            None => {
                let due = self.sales.values().filter_map(RunningSale::next_due).min();
                let heartbeat = self.last_heartbeat + self.heartbeat_interval();
                due.map_or(heartbeat, |due| due.min(heartbeat))
            }
        };
        if due <= now {
            return;
        }
        let (mut adopted, mut swept) = (None, None);
        self.tables.rest(true);
        tokio::select! {
            // The order is fixed, so that a simulation replays.
            biased;
            () = self.mailbox.wait() => {}
            () = self.shared.clock.sleep_until(due) => {}
            Some(running) = self.adopt.recv() => adopted = Some(running),
            rows = self.sweeper.wait() => swept = rows,
        }
        self.tables.rest(false);
        if let Some(running) = adopted {
            self.adopt_sale(running);
        }
        if let Some(swept) = swept {
            self.compare(swept);
        }
    }

    /// Compares rows that came with memory, between batches: it is what was committed.
    fn compare(&mut self, swept: Swept) {
        let now = self.shared.clock.steady();
        if let Some(concert) = self.sweeper.compare(swept, &self.sales, now) {
            tracing::error!(concert.id = concert.0, "a sale is rebuilt from the store");
            self.lose(concert);
        }
    }

    fn adopt_sale(&mut self, mut running: RunningSale) {
        let concert = running.concert();
        // A rehearsal may have left while it was loaded once more.
        if running.view.is_rehearsal() && !self.shared.sales.is_rehearsal(concert) {
            return self.shared.sales.forget(concert);
        }
        // Loading took so long that somebody else has the sale by now, and may have told fans here of what happened since.
        let exchange = self.shared.exchange.as_ref();
        if exchange.is_some_and(|exchange| exchange.knows_later_claim(concert, running.epoch)) {
            return self.step_down(concert);
        }
        self.fanout.show(running.view.clone(), &self.home, &self.shared.supervisor);
        // This precedes the count of those who are still connected: from now on nobody leaves unnoticed.
        self.shared.sales.set_running(concert, running.epoch);
        if let Some(exchange) = &self.shared.exchange {
            let (end, time) = (running.journal.seq, running.time());
            if !running.view.is_rehearsal() {
                exchange.owns(concert, running.epoch, end, time);
            }
        }
        let mut present = self.present.remove(&concert).unwrap_or_default();
        present.extend(self.sales.get(&concert).into_iter().flat_map(|former| former.sale.connections()));
        let cluster = &self.shared.cluster;
        present.retain(|(user, connection)| match connection.node() == cluster.node() {
            true => self.fanout.is_connected(*user, *connection),
            false => !cluster.is_dead(connection.node()),
        });
        running.set_clock_step(self.clock_step, self.shared.clock.steady(), &self.fanout);
        // The sale was not there to notice who came meanwhile.
        present
            .extend(self.fanout.connected().into_iter().filter(|(user, _)| running.sale.is_in_line(*user)));
        present.sort_unstable();
        present.dedup();
        running.welcome_back(&present, &self.fanout);
        self.sweeper.forget(concert);
        self.tables.begin(concert, running.journal.seq);
        self.sales.insert(concert, running);
        // The sale may have waited for the lane while time stood still: that must be known before anything expires.
        self.last_heartbeat = Timestamp::default();
        self.count_tokens();
    }

    /// Takes as many commands out of the mailbox as the next batch has room for.
    fn take_in(&mut self) {
        let (room, waiting) = self.pipeline.arrivals();
        self.mailbox.take(room, waiting);
        self.metrics.mailbox_depth.set(self.mailbox.len() as i64);
        let now = self.shared.clock.steady();
        // Fans who waited for too long have given up; an answer to them would only delay the others.
        while let Some(envelope) = waiting.pop_front_if(|front| {
            now.since(front.arrived) > limits::COMMAND_PATIENCE && !front.work.must_not_be_lost()
        }) {
            let retry_after = limits::OVERLOADED_RETRY_AFTER;
            self.fanout.answer(envelope.reply, Err(Refusal::Overloaded { retry_after }));
        }
    }

    /// Notices when the machine's clock was set. Sales go on as if it had not been.
    fn look_at_the_clock(&mut self) {
        let step = self.shared.clock.step();
        if (step - self.clock_step).abs() < limits::CLOCK_STEP_MIN_MS {
            return;
        }
        let known = self.shared.clock_step.swap(step, Ordering::Relaxed);
        if (step - known).abs() >= limits::CLOCK_STEP_MIN_MS {
            self.metrics.clock_steps.inc();
            self.metrics.clock_step_ms.set(step);
            tracing::warn!(by_ms = step - known, in_all_ms = step, "the machine's clock was set");
        }
        self.clock_step = step;
        let now = self.shared.clock.steady();
        self.sales.values_mut().for_each(|running| running.set_clock_step(step, now, &self.fanout));
        self.tell_time();
    }

    /// Tells other servers what time it is in the sales here.
    fn tell_time(&self) {
        if let Some(exchange) = &self.shared.exchange {
            self.sales.iter().for_each(|(concert, running)| exchange.time_moved(*concert, running.time()));
        }
    }

    /// Writes a heartbeat, which says that the sales are alive. After a pause this precedes all that expires: if time stood
    /// still, that must be known first.
    async fn beat(&mut self) {
        self.look_at_the_clock();
        let now = self.shared.clock.steady();
        let (store, writer, gap_max) = (self.store.clone(), self.writer, self.heartbeat_gap_max);
        let beat = at_home(self.home.clone(), async move { heartbeat(&*store, writer, now, gap_max).await });
        self.begin_waiting();
        match self.patiently(beat).await {
            Ok(alive) => {
                self.last_heartbeat = now;
                self.is_alive(now);
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
                self.tell_time();
                for concert in gone {
                    self.step_down(concert);
                }
            }
            Err(error) => self.store_failed(&error),
        }
    }

    /// The store is out. Presence is still noted; everything else is refused for a while.
    async fn sit_out(&mut self) {
        for envelope in self.pipeline.take_waiting() {
            self.refuse_while_out(envelope);
        }
        let now = self.shared.clock.steady();
        let Some(outage) = &mut self.outage else { return };
        if outage.next_try > now && !self.mailbox.is_closed() {
            return;
        }
        outage.backoff = (outage.backoff * 2).min(BACKOFF_MAX);
        outage.next_try = now + outage.backoff;
        let store = self.store.clone();
        self.begin_waiting();
        match self.patiently(store.open_writer()).await {
            Ok(connection) => {
                self.connection = Some(connection);
                // Time begins again only once it is written how long it stood still.
                self.beat().await;
            }
            Err(error) => self.shared.sales.set_store_fault(Some(error.reason())),
        }
    }

    fn refuse_while_out(&mut self, envelope: Envelope) {
        self.refuse(envelope, Refusal::Unavailable { retry_after: limits::UNAVAILABLE_RETRY_AFTER });
    }

    /// Refuses a command without deciding anything; arrivals and departures are noted all the same.
    fn refuse(&mut self, envelope: Envelope, refusal: Refusal) {
        if let Work::Sale { concert, command } = &envelope.work
            && let Some(running) = self.sales.get_mut(concert)
        {
            let standing = running.standing();
            match command {
                Command::Disconnect { user, connection } => {
                    running.sale.disconnect(*user, *connection, standing);
                }
                Command::Connect { user, connection } => {
                    let greeted = running.sale.greet(*user, *connection, standing);
                    return self.fanout.answer(envelope.reply, Ok(greeted));
                }
                Command::Present { connections } => running.sale.greet_all(connections),
                Command::NodeGone { node } => running.sale.node_gone(*node, standing),
                _ => {}
            }
        }
        self.fanout.answer(envelope.reply, Err(refusal));
    }

    fn store_failed(&mut self, error: &StoreError) {
        let kind = match error {
            StoreError::RolledBack(_) => "rolled_back",
            StoreError::Unreachable(_) => "unreachable",
            StoreError::Broken(_) => "broken",
            StoreError::Refused(_) => "refused",
            StoreError::Claimed { .. }
            | StoreError::OtherHolder { .. }
            | StoreError::NoSuchConcert { .. } => "claimed",
            StoreError::OtherCurrency { .. } => "currency",
            StoreError::AlreadyThere { .. } => "already_there",
        };
        Metrics::count(&self.metrics.store_errors, kind);
        if self.outage.is_none() {
            tracing::error!(error = error as &dyn std::error::Error, kind, "the store is out");
        }
        self.connection = None;
        self.shared.sales.set_store_fault(Some(error.reason()));
        let next_try = self.shared.clock.steady() + BACKOFF_MIN;
        self.outage.get_or_insert(Outage { next_try, backoff: BACKOFF_MIN });
    }

    fn count_tokens(&self) {
        let fans = || self.sales.values().filter(|running| !running.view.is_rehearsal());
        self.metrics.tokens_waiting.set(fans().map(|running| running.sale.waiting() as i64).sum());
        self.metrics.tokens_progress.set(fans().map(|running| running.sale.progress() as i64).sum());
    }

    /// Lets rehearsals go that are over.
    fn let_go(&mut self) {
        for concert in self.shared.sales.leaving() {
            if lane_of(concert, self.shared.mailboxes.len()) == self.index {
                self.sales.remove(&concert);
                self.present.remove(&concert);
                self.sweeper.forget(concert);
                self.tables.forget(concert);
                self.fanout.forget(concert);
                self.shared.sales.forget(concert);
                self.count_tokens();
            }
        }
    }

    /// Another process is the writer of this sale now.
    fn step_down(&mut self, concert: ConcertId) {
        tracing::warn!(concert.id = concert.0, "another process runs this sale now");
        self.tables.lose(concert);
        self.send_on(concert);
        let _ = self.lost.try_send(concert);
    }

    /// Lets go of sales that another server is to run. Memory is as it was committed, and everybody has received it; their
    /// claims are released next, by who asked for it.
    fn give_away(&mut self) {
        if self.outage.is_some() {
            return;
        }
        for concert in self.shared.sales.moving() {
            if lane_of(concert, self.shared.mailboxes.len()) != self.index {
                continue;
            }
            if !self.sales.contains_key(&concert) {
                self.shared.sales.keep(concert);
            } else if self.shared.sales.let_go_of(concert) {
                // From now on nobody here loads it before its claim is released, which its tables come before.
                self.send_on(concert);
                self.count_tokens();
            }
        }
    }

    /// Forgets a sale that is run elsewhere: what waits for it here goes there, and what comes follows.
    fn send_on(&mut self, concert: ConcertId) {
        let Some(exchange) = self.shared.exchange.clone() else {
            self.put_out(concert);
            return self.shared.sales.set(concert, SaleStatus::Elsewhere(None));
        };
        let told = exchange.take_over(concert, || {
            self.put_out(concert);
            // Whoever runs it is told who is still connected.
            self.present.remove(&concert);
            self.shared.sales.set(concert, SaleStatus::Elsewhere(None));
            let mut waiting = self.pipeline.take_waiting_of(concert);
            waiting.extend(self.mailbox.take_of(concert));
            waiting
        });
        for (to, reply) in told {
            self.fanout.answer(to, reply);
        }
    }

    /// Forgets a sale; it is claimed and loaded again when that can be done.
    fn lose(&mut self, concert: ConcertId) {
        self.put_away(concert);
        // A full channel holds at least one notice, and recovery looks at all sales for each.
        let _ = self.lost.try_send(concert);
    }

    /// Does as `lose`, but recovery comes to it only with its next look at all sales.
    fn put_away(&mut self, concert: ConcertId) {
        self.tables.lose(concert);
        self.put_out(concert);
    }

    /// Forgets a sale, whose tables go on following what it did.
    fn put_out(&mut self, concert: ConcertId) {
        if let Some(lost) = self.sales.remove(&concert) {
            self.present.insert(concert, lost.sale.connections().collect());
        }
        self.sweeper.forget(concert);
        match &self.shared.exchange {
            // Whoever runs it next says what happens in it.
            Some(exchange) if !self.shared.sales.is_rehearsal(concert) => {
                exchange.owns_no_more(concert);
                self.fanout.lend(concert);
            }
            _ => self.fanout.hide(concert),
        }
        self.shared.sales.set(concert, SaleStatus::Loading);
    }
}

/// Queries the store on a pooled connection, which must not be polled by a lane's runtime.
async fn at_home<T: Send + 'static>(home: Handle, query: impl Future<Output = T> + Send + 'static) -> T {
    // The query is given up together with its caller.
    let mut queries = JoinSet::new();
    queries.spawn_on(query, &home);
    match queries.join_next().await {
        Some(Ok(answer)) => answer,
        Some(Err(broken)) if broken.is_panic() => resume_unwind(broken.into_panic()),
        // The runtime, and with it the process, ends.
        _ => pending().await,
    }
}

/// A heartbeat that was certainly rolled back (two lanes that begin at once may meet in a deadlock) says nothing against the
/// store: the same again may succeed at once, and until then it is no outage.
async fn heartbeat(
    store: &dyn Store,
    writer: WriterId,
    now: Timestamp,
    gap_max: Duration,
) -> Result<Vec<(ConcertId, Duration)>, StoreError> {
    for _ in 1..limits::BATCH_ATTEMPTS_MAX {
        match store.heartbeat(writer, now, gap_max).await {
            Err(StoreError::RolledBack(_)) => {}
            beaten => return beaten,
        }
    }
    store.heartbeat(writer, now, gap_max).await
}
