//! The lanes' door for everybody else: a command is posted, and its answer comes after its commit.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use futures_util::future::join_all;

use super::cluster::{Cluster, GivesAll};
use super::exchange::Exchange;
use super::lane_of;
use super::mailbox::{Mailbox, Work};
use super::sales::{SaleStatus, Sales};
use super::tables::{Rows, Tables, Targets};
use super::unapplied::Unapplied;
use crate::bus::carrier::Carrier;
use crate::clock::Clock;
use crate::domain::command::{Command, Rejection};
use crate::domain::ids::{ConcertId, ConnectionId, UserId};
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::fanout::{Refusal, ReplyTo, Subscriber};
use crate::limits;
use crate::metrics::Metrics;
use crate::store::{Behind, Store, StoreError, WriterId};
use crate::supervisor::Supervisor;

/// The lanes' front door. Cheap to clone; never blocks.
#[derive(Clone)]
pub struct Dispatcher {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub clock: Clock,
    pub sales: Arc<Sales>,
    pub mailboxes: Vec<Arc<Mailbox>>,
    /// How far the tables of each lane's sales are.
    pub tables: Vec<Arc<Tables>>,
    pub store: Arc<dyn Store>,
    /// One a lane.
    pub writers: Vec<WriterId>,
    /// This server among the others.
    pub cluster: Arc<Cluster>,
    /// The way to the others; `None`: no bus leads there.
    pub exchange: Option<Arc<Exchange>>,
    /// What carries it.
    pub bus: Option<Arc<dyn Carrier>>,
    pub supervisor: Arc<Supervisor>,
    pub metrics: Arc<Metrics>,
    /// The milliseconds by which the machine's clock was set, as it was noticed last.
    pub clock_step: AtomicI64,
}

/// Where a sale is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Here,
    Elsewhere,
    /// By nobody at this moment.
    Loading,
}

impl Place {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Elsewhere => "elsewhere",
            Self::Loading => "loading",
        }
    }
}

impl Dispatcher {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Posts a command to a sale. An error means that nothing was done, and that `reply` will receive nothing.
    pub fn submit(&self, concert: ConcertId, command: Command, reply: ReplyTo) -> Result<(), Refusal> {
        let exchange = self.shared.exchange.as_ref();
        match self.shared.sales.status(concert) {
            Some(SaleStatus::Running)
                if exchange.is_none_or(|exchange| !exchange.is_at_work_for(concert)) =>
            {
                self.post_while_running(concert, command, reply)
            }
            Some(_) if let Some(exchange) = exchange => exchange.forward(concert, command, reply),
            Some(
                SaleStatus::Running | SaleStatus::Loading | SaleStatus::Handed | SaleStatus::Elsewhere(_),
            ) => Err(Refusal::Unavailable { retry_after: limits::UNAVAILABLE_RETRY_AFTER }),
            None => Err(Refusal::Rejected(Rejection::ConcertNotFound)),
        }
    }

    /// Has a sale loaded that has nothing left to run, because somebody asks for it, and waits until it runs. The caller knows
    /// that the concert exists.
    pub async fn wake(&self, concert: ConcertId) -> Result<(), Refusal> {
        let unavailable = || Refusal::Unavailable { retry_after: limits::UNAVAILABLE_RETRY_AFTER };
        if self.shared.sales.status(concert) == Some(SaleStatus::Running)
            || self.shared.sales.is_copied(concert)
        {
            return Ok(());
        }
        self.shared.sales.name(concert);
        let runs = tokio::time::timeout(limits::WAKE_PATIENCE, self.shared.sales.runs(concert)).await;
        match runs {
            Ok(SaleStatus::Running) => Ok(()),
            Ok(SaleStatus::Elsewhere(_)) if self.shared.sales.is_copied(concert) => Ok(()),
            _ => Err(unavailable()),
        }
    }

    /// Has a rehearsal loaded, of which nobody else hears, and waits until it runs.
    pub async fn rehearse(&self, concert: ConcertId) -> Result<(), Refusal> {
        self.shared.sales.rehearse(concert);
        self.wake(concert).await
    }

    pub fn is_rehearsal(&self, concert: ConcertId) -> bool {
        self.shared.sales.is_rehearsal(concert)
    }

    /// Has a rehearsal leave memory, and waits until it has, for as long as a lane may take. Its rows stay.
    pub async fn dismiss(&self, concert: ConcertId) -> Result<(), Refusal> {
        self.shared.sales.dismiss(concert);
        // The lane looks around when something comes.
        let work = Work::Sale { concert, command: Command::Figures };
        let _ = self.post(concert.0.into(), work, ReplyTo::Nobody);
        let left = tokio::time::timeout(limits::WAKE_PATIENCE, self.shared.sales.has_left(concert)).await;
        left.map_err(|_| Refusal::Unavailable { retry_after: limits::UNAVAILABLE_RETRY_AFTER })
    }

    /// Adds to a wallet, exactly once for a (user, request id). Answered by `Answer::Charged`.
    pub fn charge(
        &self,
        user: UserId,
        amount: Money,
        request_id: &str,
        reply: ReplyTo,
    ) -> Result<(), Refusal> {
        self.post(user.0, Work::Charge { user, amount, request_id: request_id.into() }, reply)
    }

    /// The user made a request that no sale has a part in: it counts as activity in this one. A touch that finds
    /// the mailbox full is lost: so is every other request then.
    pub fn touch(&self, concert: ConcertId, user: UserId) {
        let _ = self.submit(concert, Command::Touch { user }, ReplyTo::Nobody);
    }

    /// The user is connected, and the connection receives the place that they have in this sale, if they have one. This is
    /// never lost.
    pub fn connect(&self, concert: ConcertId, user: UserId, subscriber: &Arc<Subscriber>) {
        let command = Command::Connect { user, connection: subscriber.id() };
        let _ = self.submit(concert, command, ReplyTo::Push(subscriber.clone()));
    }

    /// The user is connected, by a connection that has received the place already. This is never lost.
    pub fn be_present(&self, concert: ConcertId, user: UserId, connection: ConnectionId) {
        let _ = self.submit(concert, Command::Connect { user, connection }, ReplyTo::Nobody);
    }

    /// A connection is gone, by which its user may have been present in this sale. This is never lost.
    pub fn disconnect(&self, concert: ConcertId, user: UserId, connection: ConnectionId) {
        let _ = self.submit(concert, Command::Disconnect { user, connection }, ReplyTo::Nobody);
    }

    /// The reasons why not every sale can be served yet; empty when ready.
    pub fn missing(&self) -> Vec<String> {
        self.shared.sales.missing()
    }

    /// The reasons why not every request to this server is served; empty when ready. Without a bus another server's sales are
    /// among them, because requests for them are refused here, and a balancer has to send them there; with one, those that are
    /// not shown here yet.
    pub fn unready(&self) -> Vec<String> {
        let down = self.shared.supervisor.down().into_iter().map(|task| format!("{task}: it is begun again"));
        let stalled = self.shared.mailboxes.iter().enumerate().filter(|(_, mailbox)| mailbox.is_stalled());
        let stalled = stalled.map(|(lane, _)| format!("lane {lane} takes nothing"));
        let (sales, cluster) = (&self.shared.sales, &self.shared.cluster);
        let bus = self.shared.bus.iter();
        let bus = bus.filter_map(|bus| Some(self.bus_is_out(&**bus, bus.out_since()?)));
        let unheard = cluster.unheard().into_iter().filter(|_| self.has_bus());
        let unheard = unheard.map(|server| format!("nothing was heard of {server} over the bus yet"));
        let elsewhere = sales.out_of_reach(|of| cluster.named(of));
        let leaves = cluster.leaves().then(|| "this server stops".to_owned());
        let missing = sales.missing().into_iter().chain(sales.troubles()).chain(bus).chain(unheard);
        let missing = missing.chain(elsewhere).chain(leaves);
        missing.chain(cluster.why_it_owns_nothing()).chain(down).chain(stalled).collect()
    }

    fn bus_is_out(&self, bus: &dyn Carrier, since: Timestamp) -> String {
        let seconds = self.shared.clock.steady().since(since).as_secs();
        format!("the bus to the other servers ({}) has been out for {seconds} s", bus.name())
    }

    /// Does a bus lead to the others?
    pub fn has_bus(&self) -> bool {
        self.shared.exchange.is_some()
    }

    /// What an operator has to know of this server although it serves.
    pub fn notes(&self) -> Vec<String> {
        self.shared.cluster.notes()
    }

    /// Gives all sales away to other servers, as this one stops: as long as there are others and a bus to them. Nobody here
    /// notices it.
    pub async fn leave(&self) {
        if self.shared.exchange.is_none() {
            return;
        }
        let (sales, cluster) = (&self.shared.sales, &self.shared.cluster);
        cluster.leave();
        let gone = async {
            loop {
                let changed = sales.changed();
                let has_heir = sales.all().iter().any(|(concert, status)| {
                    *status == SaleStatus::Running && cluster.heir(*concert, GivesAll::Leaves).is_some()
                });
                if !has_heir {
                    return;
                }
                tokio::select! {
                    biased;
                    () = changed => {}
                    () = self.shared.clock.run_out(limits::MISSED_LOOK_INTERVAL) => {}
                }
            }
        };
        tokio::select! {
            biased;
            () = gone => {}
            () = self.shared.clock.run_out(limits::LEAVE_PATIENCE) => {
                tracing::warn!("not every sale could be given away in time");
            }
        }
    }

    /// This server among the others of its database.
    pub fn cluster(&self) -> &Cluster {
        &self.shared.cluster
    }

    /// The number of lanes.
    pub fn lanes(&self) -> usize {
        self.shared.writers.len()
    }

    /// The lane that has this sale if it runs here.
    pub fn lane_of(&self, concert: ConcertId) -> usize {
        lane_of(concert, self.shared.writers.len())
    }

    /// The lanes that take nothing of what waits for them.
    pub fn stalled_lanes(&self) -> Vec<usize> {
        let mailboxes = self.shared.mailboxes.iter().enumerate();
        mailboxes.filter(|(_, mailbox)| mailbox.is_stalled()).map(|(lane, _)| lane).collect()
    }

    /// Each sale but rehearsals, where it runs, and its writer as far as it is known.
    pub fn whereabouts(&self) -> Vec<(ConcertId, Place, Option<WriterId>)> {
        let place = |(concert, status): (ConcertId, SaleStatus)| match status {
            SaleStatus::Loading | SaleStatus::Handed => (concert, Place::Loading, None),
            SaleStatus::Running => {
                let writer = self.shared.writers[lane_of(concert, self.shared.writers.len())];
                (concert, Place::Here, Some(writer))
            }
            SaleStatus::Elsewhere(holder) => (concert, Place::Elsewhere, holder),
        };
        self.shared.sales.all().into_iter().map(place).collect()
    }

    /// Waits until the tables have all that was confirmed of these rows. Of sales that other servers run: all that is in their
    /// journals now.
    pub async fn tables_have(&self, rows: Rows) -> Result<(), StoreError> {
        let elsewhere = match self.shared.sales.every_one_runs() {
            true => Vec::new(),
            false => self.behind_elsewhere(rows).await?,
        };
        let wanted = self.shared.tables.iter().map(|tables| (tables, tables.targets(rows))).collect();
        self.have(wanted, elsewhere).await
    }

    /// What was committed about a user and is not in the tables yet: rows that are read after this are to be laid under it. Waits,
    /// for what nobody here knows, until the tables have it.
    pub async fn unapplied_of(&self, user: UserId) -> Result<Unapplied, StoreError> {
        let (mut unapplied, mut elsewhere) = (Unapplied::default(), Vec::new());
        if !self.shared.sales.every_one_runs() {
            for of in self.all_behind_elsewhere(Rows::OfUser(user)).await? {
                let Some(exchange) = &self.shared.exchange else {
                    elsewhere.push((of.concert, of.end));
                    continue;
                };
                match exchange.unapplied_of(of.concert, user, (of.applied, of.end)).await {
                    Ok(events) => unapplied.add(of.concert, events),
                    Err(seq) => {
                        exchange.await_tables(of.concert, seq);
                        elsewhere.push((of.concert, seq));
                    }
                }
            }
        }
        let mut wanted = Vec::new();
        for tables in &self.shared.tables {
            let (found, lost) = tables.unapplied_of(user).await;
            found.into_iter().for_each(|(concert, events)| unapplied.add(concert, events));
            wanted.push((tables, lost));
        }
        self.have(wanted, elsewhere).await?;
        Ok(unapplied)
    }

    /// Was something committed here about this user since then?
    pub fn has_more_of(&self, user: UserId, unapplied: &Unapplied) -> bool {
        self.shared.tables.iter().any(|tables| unapplied.lacks(&tables.targets(Rows::OfUser(user))))
    }

    /// Waits until the tables have these rows of journals.
    async fn have(
        &self,
        mut wanted: Vec<(&Arc<Tables>, Targets)>,
        mut elsewhere: Targets,
    ) -> Result<(), StoreError> {
        loop {
            wanted.retain_mut(|(tables, targets)| {
                *targets = tables.missing(targets);
                !targets.is_empty()
            });
            let is_lost = wanted.iter().any(|(tables, targets)| tables.are_lost(targets));
            if wanted.is_empty() && elsewhere.is_empty() {
                return Ok(());
            }
            let have = join_all(wanted.iter().map(|(tables, targets)| tables.have(targets)));
            if elsewhere.is_empty() && !is_lost {
                have.await;
                continue;
            }
            // Nobody here hears of it when another server's tables go on.
            let _ = tokio::time::timeout(limits::TABLES_LOOKUP_INTERVAL, async {
                have.await;
                std::future::pending::<()>().await;
            })
            .await;
            let behind = self.shared.store.behind().await?;
            let has = |(concert, seq): &(ConcertId, u64)| {
                behind.iter().all(|of| of.concert != *concert || of.applied >= *seq)
            };
            for (tables, targets) in &wanted {
                let had = targets.iter().filter(|target| has(target));
                had.for_each(|(concert, seq)| tables.applied(*concert, *seq));
            }
            elsewhere.retain(|target| !has(target));
        }
    }

    /// The sales that do not run here, as far as they may have to do with these rows, whose tables are behind.
    async fn all_behind_elsewhere(&self, rows: Rows) -> Result<Vec<Behind>, StoreError> {
        let is_meant = |concert: ConcertId| {
            let is_asked_for = !matches!(rows, Rows::OfSale(of) if of != concert);
            let is_known = match self.shared.sales.status(concert) {
                Some(SaleStatus::Running) => true,
                // Of one that was lost it is known whom it is about, unless somebody else ran it since; of another server's
                // nothing is.
                Some(SaleStatus::Loading | SaleStatus::Handed) => {
                    let has_copy = |exchange: &Arc<Exchange>| exchange.copies.lock().is_begun(concert);
                    self.shared.tables.iter().any(|tables| tables.know(concert))
                        && !self.shared.exchange.as_ref().is_some_and(has_copy)
                }
                Some(SaleStatus::Elsewhere(_)) | None => false,
            };
            is_asked_for && !is_known
        };
        let behind = self.shared.store.behind().await?.into_iter();
        Ok(behind.filter(|of| is_meant(of.concert)).collect())
    }

    async fn behind_elsewhere(&self, rows: Rows) -> Result<Targets, StoreError> {
        let behind = self.all_behind_elsewhere(rows).await?.into_iter();
        let Some(exchange) = &self.shared.exchange else {
            return Ok(behind.map(|of| (of.concert, of.end)).collect());
        };
        let mut wanted = Vec::new();
        for of in behind {
            let last = match rows {
                Rows::OfUser(user) => exchange.last_of(of.concert, user, of.end).await,
                Rows::OfSale(_) | Rows::All => Some(of.end),
            };
            if let Some(seq) = last.filter(|last| *last > of.applied) {
                exchange.await_tables(of.concert, seq);
                wanted.push((of.concert, seq));
            }
        }
        Ok(wanted)
    }

    /// Has the tables stand still where they are, or go on: for whoever looks at what holds meanwhile.
    pub fn let_tables_stand(&self, still: bool) {
        self.shared.tables.iter().for_each(|tables| tables.stand(still));
    }

    /// By how many events the tables of all sales here are behind, and for how long.
    pub fn lag(&self) -> (usize, Duration) {
        let lags = self.shared.tables.iter().map(|tables| tables.lag());
        lags.fold((0, Duration::ZERO), |(events, since), of| (events + of.0, since.max(of.1)))
    }

    /// The clock that commands are judged by.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// The supervisor of what must live as long as the server.
    pub fn supervisor(&self) -> &Arc<Supervisor> {
        &self.shared.supervisor
    }

    /// Whether every sale that there is runs in this process, or is shown in it.
    pub fn knows_every_sale(&self) -> bool {
        self.shared.sales.all_are_shown()
    }

    /// Resolves when a lane has found that the store cannot be used.
    pub async fn store_is_out(&self) {
        self.shared.sales.store_is_out().await;
    }

    /// The number of commands that wait in all mailboxes.
    pub fn mailbox_depth(&self) -> usize {
        self.shared.mailboxes.iter().map(|mailbox| mailbox.len()).sum()
    }

    /// Posts to a sale that ran here a moment ago. One that was let go of meanwhile has taken what was posted with it, and
    /// this follows.
    fn post_while_running(
        &self,
        concert: ConcertId,
        command: Command,
        reply: ReplyTo,
    ) -> Result<(), Refusal> {
        let Some(exchange) = &self.shared.exchange else {
            return self.post(concert.0.into(), Work::Sale { concert, command }, reply);
        };
        let mut asked = Some((command, reply));
        let posted = self.shared.sales.while_running(concert, || {
            let (command, reply) = asked.take().expect("it is posted once");
            self.post(concert.0.into(), Work::Sale { concert, command }, reply)
        });
        match (posted, asked) {
            (Some(posted), _) => posted,
            (None, Some((command, reply))) => exchange.forward(concert, command, reply),
            (None, None) => Ok(()),
        }
    }

    fn post(&self, spread: u64, work: Work, reply: ReplyTo) -> Result<(), Refusal> {
        let lanes = self.shared.mailboxes.len() as u64;
        // Sales are spread as by `lane_of`; wallets have no sale, and are spread by user.
        let mailbox = &self.shared.mailboxes[(spread % lanes) as usize];
        mailbox.post(work, reply).map_err(|_| match mailbox.is_closed() {
            true => Refusal::Unavailable { retry_after: limits::UNAVAILABLE_RETRY_AFTER },
            false => Refusal::Overloaded { retry_after: limits::OVERLOADED_RETRY_AFTER },
        })
    }
}
