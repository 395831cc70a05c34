//! Lanes: each is the only writer of its sales, with their memory and one connection to the store. Commands
//! wait in a mailbox, are decided in order of arrival, written in one transaction, and answered after its commit.

mod cluster;
mod copies;
mod copy_reads;
mod exchange;
mod following;
mod forwarding;
mod handle;
mod known_ends;
mod lane;
mod links;
mod mailbox;
mod moves;
mod recovery;
mod running;
mod sales;
mod sweep;
mod table_writer;
mod tables;
mod told;
mod unapplied;
mod witness;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use tokio::runtime::{self, Handle};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

pub use cluster::{Cluster, JoinError, Joining, join};
pub use exchange::Bus;
pub use handle::{Dispatcher, Place};
pub use tables::Rows;
pub use unapplied::Unapplied;
pub use witness::Witness;

pub use crate::fanout::{Refusal, Reply, ReplyTo};

use crate::clock::Clock;
use crate::domain::ids::ConcertId;
use crate::domain::rules::SaleRules;
use crate::fanout::Fanout;
use crate::limits;
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};
use crate::supervisor::Supervisor;
use exchange::Exchange;
use forwarding::Forwarding;
use handle::Shared;
use lane::Lane;
use mailbox::Mailbox;
use moves::Moves;
use recovery::{Loader, Recovery};
use sales::Sales;
use table_writer::TableWriter;
use tables::Tables;

/// The choices of a run for its dispatcher.
#[derive(Clone, Debug)]
pub struct Options {
    /// The rules that a sale does not set for itself.
    pub defaults: SaleRules,
    /// A longer gap between two heartbeats was an outage.
    pub heartbeat_gap_max: Duration,
    /// The number of rows of each table that a sweep compares at once.
    pub sweep_rows_max: u32,
    /// The number of entries that a user may add to their ledger in a day.
    pub ledger_entries_per_day: u32,
    /// Events that the tables of a lane may be behind: at this many, batches wait.
    pub events_behind_max: usize,
    /// What ended lately and stays in memory, besides all that is not in the tables yet.
    pub ended_kept_max: usize,
    /// The seed of every id; `None`: the operating system's.
    pub seed: Option<[u8; 32]>,
    /// Each lane has a thread of its own, so that its store is not kept waiting until the runtime's threads are through
    /// with their connections. Without, it is a task like any other, and a simulation replays.
    pub threads: bool,
    /// The witness that looks at each sale after each batch.
    pub witness: Option<Witness>,
}

impl Options {
    pub fn new(defaults: SaleRules) -> Self {
        Self {
            defaults,
            heartbeat_gap_max: limits::HEARTBEAT_GAP_MAX,
            sweep_rows_max: limits::SWEEP_ROWS_MAX,
            ledger_entries_per_day: u32::MAX,
            events_behind_max: limits::EVENTS_BEHIND_MAX,
            ended_kept_max: limits::ENDED_KEPT_MAX,
            seed: None,
            threads: false,
            witness: None,
        }
    }
}

/// The running lanes; dropped without `shutdown`, they go on for as long as the runtime that began them.
pub struct Lanes {
    shared: Arc<Shared>,
    stopping: watch::Sender<bool>,
    lanes: Vec<JoinHandle<()>>,
    recovery: JoinHandle<()>,
    /// What goes on for as long as the lanes do.
    beside: Vec<JoinHandle<()>>,
}

/// Starts the lanes of a server that joined the others; sales come in as they are claimed and loaded. `bus`: the way to the
/// others, for commands of sales that they run.
pub async fn start(
    store: Arc<dyn Store>,
    fanout: Arc<Fanout>,
    clock: Clock,
    metrics: Arc<Metrics>,
    cluster: Arc<Cluster>,
    bus: Option<Bus>,
    options: Options,
) -> Result<(Dispatcher, Lanes), StoreError> {
    for former in cluster.former() {
        store.release_claims(*former, None).await?;
    }
    let wallets = store.wallet_currency().await?;
    if let Some(note) = wallets.undecided() {
        tracing::error!("{note}");
    }
    fanout.know_currency(&wallets);
    let writers = cluster.writers().to_vec();
    let mailboxes = writers.iter().map(|_| Arc::new(Mailbox::new(clock.clone()))).collect();
    let supervisor = Supervisor::new(metrics.clone());
    let sales = Arc::new(Sales::default());
    let (carrier, brought) = bus.map(|Bus { carrier, brought }| (carrier, brought)).unzip();
    let exchange = carrier.as_ref().map(|carrier| {
        let (carrier, clock) = (carrier.clone(), clock.clone());
        Exchange::new(carrier, cluster.node(), clock, sales.clone(), fanout.clone())
    });
    if exchange.is_some() {
        sales.set_copied(BTreeSet::new());
    }
    let tables = writers.iter().map(|writer| Arc::new(Tables::new(*writer, options.events_behind_max)));
    let shared = Arc::new(Shared {
        tables: tables.collect(),
        store: store.clone(),
        clock: clock.clone(),
        sales,
        mailboxes,
        writers: writers.clone(),
        cluster: cluster.clone(),
        exchange: exchange.clone(),
        bus: carrier,
        supervisor,
        metrics: metrics.clone(),
        clock_step: AtomicI64::new(0),
    });
    let (lost_sender, lost) = mpsc::channel(limits::LOST_SALES_NOTICES_MAX);
    let (stopping_sender, stopping) = watch::channel(false);
    let (mut lanes, mut adopters) = (Vec::new(), Vec::new());
    for (index, writer) in writers.iter().enumerate() {
        let (adopter, adopt) = mpsc::channel(limits::ADOPTED_SALES_WAITING_MAX);
        adopters.push((*writer, adopter));
        let lane = Lane::new(index, &shared, &fanout, &store, &options, adopt, lost_sender.clone());
        lanes.push(match options.threads {
            true => launch(lane, &shared.supervisor).await?,
            false => tokio::spawn(lane.opened().await?.live()),
        });
    }
    let mut beside = Vec::new();
    for (index, tables) in shared.tables.iter().enumerate() {
        let (tables, store, shared) = (tables.clone(), store.clone(), shared.clone());
        let name = format!("tables of lane {index}");
        let run = {
            let (name, shared) = (name.clone(), shared.clone());
            move || {
                let (tables, store, shared) = (tables.clone(), store.clone(), shared.clone());
                TableWriter { tables, store, shared, name: name.clone() }.run()
            }
        };
        beside.push(shared.supervisor.keep(&Handle::current(), &name, run));
    }
    if let Some(exchange) = &exchange {
        cluster.connect_bus();
        let (shared, exchange) = (shared.clone(), exchange.clone());
        let supervisor = shared.supervisor.clone();
        let run = move || Moves { shared: shared.clone(), exchange: exchange.clone() }.run();
        beside.push(supervisor.keep(&Handle::current(), "moves of sales", run));
    }
    if cluster.is_watched() {
        let metrics = metrics.clone();
        let run = move || cluster.clone().run(metrics.clone());
        beside.push(shared.supervisor.keep(&Handle::current(), "membership", run));
    }
    if let (Some(exchange), Some(brought)) = (exchange, brought) {
        let (shared, fanout, defaults) = (shared.clone(), fanout.clone(), options.defaults.clone());
        let brought = Arc::new(tokio::sync::Mutex::new(brought));
        let supervisor = shared.supervisor.clone();
        let run = move || {
            let (exchange, shared, fanout) = (exchange.clone(), shared.clone(), fanout.clone());
            let (home, defaults) = (Handle::current(), defaults.clone());
            Forwarding { exchange, shared, fanout, defaults, home }.run(brought.clone())
        };
        beside.push(supervisor.keep(&Handle::current(), "bus", run));
    }
    beside.push(shared.supervisor.keep(&Handle::current(), "the store's care", {
        let (store, metrics) = (store.clone(), metrics.clone());
        move || {
            let (store, metrics) = (store.clone(), metrics.clone());
            async move { store.tend(&metrics).await }
        }
    }));
    let recovery = Recovery {
        loader: Loader { shared: shared.clone(), store: store.clone(), defaults: options.defaults },
        shared: shared.clone(),
        store,
        fanout,
        lanes: adopters,
        lost,
        stopping,
        free: BTreeMap::new(),
        stuck: BTreeMap::new(),
        loading: FuturesUnordered::new(),
        in_hand: BTreeSet::new(),
    };
    let recovery = tokio::spawn(recovery.live());
    let dispatcher = Dispatcher::new(shared.clone());
    Ok((dispatcher, Lanes { shared, stopping: stopping_sender, lanes, recovery, beside }))
}

/// Runs a lane on a thread of its own, which also polls its connection to the store. The thread ends with the runtime that it
/// was launched from, on which the lane's queries run: nothing would come of them any more.
async fn launch(lane: Lane, supervisor: &Arc<Supervisor>) -> Result<JoinHandle<()>, StoreError> {
    let (name, supervisor) = (lane.name().to_owned(), supervisor.clone());
    let (notify_opened, opened) = oneshot::channel();
    let (notify_ended, ended) = oneshot::channel();
    let (home_is_there, home_is_gone) = oneshot::channel::<()>();
    let run = move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime of one thread can be made");
        let live = async {
            match lane.opened().await {
                Ok(lane) => {
                    // The starter may have gone away.
                    let _ = notify_opened.send(Ok(()));
                    lane.live().await;
                }
                Err(error) => drop(notify_opened.send(Err(error))),
            }
        };
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = live => {}
                // Nobody sends: it is dropped.
                _ = home_is_gone => {}
            }
        });
        let _ = notify_ended.send(());
    };
    std::thread::Builder::new()
        .name(name.clone())
        .spawn(run)
        .map_err(|error| StoreError::Unreachable(error.into()))?;
    opened.await.map_err(|broken| StoreError::Broken(broken.into()))??;
    Ok(tokio::spawn(async move {
        let _home_is_there = home_is_there;
        if ended.await.is_err() {
            // The thread is gone, and with it what would begin the lane again.
            supervisor.fail(&name);
        }
    }))
}

impl Lanes {
    /// Takes no more commands, finishes and answers what waits, and releases the sales.
    pub async fn shutdown(self) {
        self.shared.cluster.leave();
        // Nobody receives this only if recovery has ended already.
        let _ = self.stopping.send(true);
        let _ = self.recovery.await;
        for mailbox in &self.shared.mailboxes {
            mailbox.close();
        }
        for lane in self.lanes {
            if let Err(error) = lane.await {
                tracing::error!(error = &error as &dyn std::error::Error, "a lane did not end well");
            }
        }
        if let Some(exchange) = &self.shared.exchange {
            exchange.speak(self.shared.clock.steady());
        }
        self.beside.iter().for_each(JoinHandle::abort);
        // The others need not wait for a lease: not even for sales that could not be released.
        match tokio::time::timeout(limits::RELEASE_PATIENCE, self.shared.cluster.stop()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "could not say that we stop");
            }
            Err(_) => tracing::warn!("could not say in time that we stop"),
        }
    }
}

fn lane_of(concert: ConcertId, lanes: usize) -> usize {
    concert.0 as usize % lanes
}
