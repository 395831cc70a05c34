//! A server put together from its settings, the same for `frontrow serve` and for the tests, and its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};

use super::accept::{self, Doors, Listeners};
use super::hand_over::HandOver;
use crate::bus::nats::{self, Nats};
use crate::bus::wire;
use crate::clock::Clock;
use crate::config::Config;
use crate::desk::auth::{Auth, KeyError};
use crate::desk::ops::{keep_figures, play_rehearsals, tell_operators};
use crate::desk::{Context, prints, server_name};
use crate::dispatcher::{self, Bus, Joining, Lanes};
use crate::domain::membership::About;
use crate::fanout::{self, Fanout};
use crate::http::Site;
use crate::limits::{
    BUS_LEAVE_PATIENCE, DUTIES_END_PATIENCE, KEYS_LOOKED_AT_EVERY, LANES_DEFAULT, LANES_END_PATIENCE,
};
use crate::metrics::Metrics;
use crate::ops::webhooks::Webhooks;
use crate::ops::webhooks::client::{Client, TrustError, connector};
use crate::socket::tls::{Tls, TlsError};
use crate::store::{DataFolder, FolderError, Store, StoreError};

/// The parts that a server is given besides its settings.
pub struct Given {
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    /// `None`: another server of the same database has it, for its keys.
    pub folder: Option<DataFolder>,
    /// A longer gap between two heartbeats was an outage.
    pub heartbeat_gap_max: Duration,
    /// Time goes by the clock of the database's machine, as several servers need a common one.
    pub by_database_clock: bool,
}

/// A server that serves. Dropped without `ended`, it goes on.
pub struct Server {
    pub address: SocketAddr,
    /// The operators' own listener, if they have one.
    pub admin_address: Option<SocketAddr>,
    pub is_secure: bool,
    pub context: Arc<Context>,
    serving: JoinHandle<()>,
    kept: Vec<JoinHandle<()>>,
    lanes: Lanes,
    /// The way to the other servers, if there is one.
    bus: Option<Arc<Nats>>,
    folder: Option<DataFolder>,
}

/// Why a server did not start, or did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("webhooks.ca cannot be used")]
    Trust(#[from] TrustError),
    #[error(transparent)]
    Bus(#[from] nats::OpenError),
    #[error(transparent)]
    Join(#[from] dispatcher::JoinError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("could not listen on {at}")]
    Listen {
        at: SocketAddr,
        #[source]
        cause: std::io::Error,
    },
    #[error("the server ended with an error")]
    Serving(#[source] JoinError),
    #[error("a task could not be kept alive: {0}")]
    Task(String),
}

/// Starts a server that serves until `stop`, or until a task that must live cannot be kept alive. Sales come in as they
/// are claimed and loaded.
pub async fn start(
    config: &Config,
    given: Given,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<Server, ServerError> {
    let Given { store, clock, metrics, folder, heartbeat_gap_max, by_database_clock } = given;
    let auth = Auth::open(&config.data, &config.auth)?;
    let tls = config.tls.files().map(|files| Tls::open(&files).map(Arc::new)).transpose()?;
    let client = Client::new(config.webhooks.allow.clone(), connector(config.webhooks.ca.as_deref())?);
    let bus = nats::Options::of(&config.cluster);
    bus.as_ref().map_or(Ok(()), nats::Options::check)?;
    let (public, address) = listen(config.listen)?;
    let (admin, admin_address) = config.admin_listen.map(listen).transpose()?.unzip();

    let fanout = Arc::new(Fanout::default());
    let lanes = if store.is_embedded() { 1 } else { config.lanes.unwrap_or(LANES_DEFAULT) };
    let mut hand_over = HandOver::from(folder.as_ref());
    let joining = Joining {
        about: About {
            name: server_name(config),
            key_print: prints::of_key(&auth),
            rules_print: prints::of_rules(&config.sale),
            wire: bus.as_ref().map_or((0, 0), |_| (wire::WIRE.into(), wire::WIRE.into())),
            ..Joining::new("").about
        },
        lanes,
        former: hand_over.former().to_vec(),
        by_database_clock,
    };
    let cluster = dispatcher::join(store.clone(), clock.clone(), joining).await?;
    hand_over.begin(folder.as_ref(), cluster.writers())?;
    let (bus, brought) = match bus {
        Some(options) => {
            let (bus, brought) = nats::open(options, cluster.node(), clock.clone(), metrics.clone()).await?;
            (Some(bus), Some(brought))
        }
        None => (None, None),
    };
    let options = dispatcher::Options {
        heartbeat_gap_max,
        threads: true,
        ledger_entries_per_day: config.limits.ledger_entries_per_day,
        events_behind_max: config.events_behind_max,
        ..dispatcher::Options::new(config.sale.clone())
    };
    let (dispatcher, lanes) = dispatcher::start(
        store.clone(),
        fanout.clone(),
        clock.clone(),
        metrics.clone(),
        cluster,
        bus.clone().zip(brought).map(|(carrier, brought)| Bus { carrier, brought }),
        options,
    )
    .await?;
    hand_over.end(folder.as_ref())?;

    let supervisor = dispatcher.supervisor().clone();
    let webhooks = Arc::new(Webhooks::new(store.clone(), clock.clone(), client));
    let context = Context::new(config, dispatcher, fanout.clone(), store, auth, metrics, webhooks);
    let context = Arc::new(context);
    context.rehearsals.listens_at(address);
    let site = Arc::new(Site::new(context.clone()));
    let home = Handle::current();
    let mut kept = vec![
        supervisor.keep(&home, "news of sales", {
            let fanout = fanout.clone();
            move || fanout::publish_sale_news(fanout.clone())
        }),
        supervisor.keep(&home, "places in line", move || fanout::push_places(fanout.clone(), clock.clone())),
        supervisor.keep(&home, "figures", {
            let context = context.clone();
            move || context.gatherer.clone().run()
        }),
        supervisor.keep(&home, "figures for operators", {
            let context = context.clone();
            move || tell_operators(context.clone())
        }),
        supervisor.keep(&home, "kept figures", {
            let context = context.clone();
            move || keep_figures(context.clone())
        }),
        supervisor.keep(&home, "layouts", {
            let site = site.clone();
            move || {
                let site = site.clone();
                async move { site.layouts.prepare(&site.context.fanout).await }
            }
        }),
        supervisor.keep(&home, "refunds", {
            let refunds = context.refunds.clone();
            move || {
                let refunds = refunds.clone();
                async move { refunds.run().await }
            }
        }),
        supervisor.keep(&home, "rehearsals", {
            let context = context.clone();
            move || play_rehearsals(context.clone())
        }),
        supervisor.keep(&home, "what is left of rehearsals", {
            let stage = context.stage.clone();
            move || {
                let stage = stage.clone();
                async move { stage.run().await }
            }
        }),
        supervisor.keep(&home, "what is left of performances", {
            let additions = context.additions.clone();
            move || {
                let additions = additions.clone();
                async move { additions.run().await }
            }
        }),
        supervisor.keep(&home, "alarms", {
            let alarms = context.alarms.clone();
            move || {
                let alarms = alarms.clone();
                async move { alarms.run().await }
            }
        }),
        supervisor.keep(&home, "webhooks", {
            let webhooks = context.webhooks.clone();
            move || webhooks.clone().run()
        }),
        supervisor.keep(&home, "keys", {
            let context = context.clone();
            move || reread_keys(context.clone())
        }),
    ];
    kept.extend(tls.clone().map(|tls| supervisor.keep(&home, "certificate", move || tls.clone().watch())));

    let is_secure = tls.is_some();
    let carries = bus.clone();
    let dispatcher = context.dispatcher.clone();
    let stop = async move {
        tokio::select! {
            () = stop => {}
            task = supervisor.failed() => tracing::error!(task, "stopping"),
            () = breaks(carries) => {
                supervisor.fail("the connection to the bus");
                tracing::error!("stopping");
            }
        }
        // Where others can run our sales they do so before anybody is sent there.
        dispatcher.leave().await;
    };
    let serving = tokio::spawn(accept::serve(Listeners { public, admin }, Doors::new(site, tls), stop));
    Ok(Server { address, admin_address, is_secure, context, serving, kept, lanes, bus, folder })
}

impl Server {
    /// The end: everybody has finished what they began, the lanes have let go of their sales, and the data folder is
    /// free.
    pub async fn ended(self) -> Result<(), ServerError> {
        let served = self.serving.await;
        if tokio::time::timeout(LANES_END_PATIENCE, self.lanes.shutdown()).await.is_err() {
            tracing::error!("the lanes wait for the database, and the end does not wait for them");
        }
        self.kept.iter().for_each(JoinHandle::abort);
        if tokio::time::timeout(DUTIES_END_PATIENCE, self.context.webhooks.end()).await.is_err() {
            tracing::warn!("a duty was not left: another server has it when its time is over");
        }
        // What the lanes said last is still to be carried.
        if let Some(bus) = &self.bus
            && tokio::time::timeout(BUS_LEAVE_PATIENCE, bus.flush()).await.is_err()
        {
            tracing::warn!("the bus did not take what was said last");
        }
        drop(self.folder);
        served.map_err(ServerError::Serving)?;
        match self.context.dispatcher.supervisor().down().as_slice() {
            [] => Ok(()),
            down => Err(ServerError::Task(down.join(", "))),
        }
    }
}

/// Resolves if what carries messages to other servers has broken.
async fn breaks(bus: Option<Arc<Nats>>) {
    match bus {
        Some(bus) => bus.failed().await,
        None => std::future::pending().await,
    }
}

fn listen(at: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let failed = |cause| ServerError::Listen { at, cause };
    let listener = accept::bind(at).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Takes the issuer's new keys when their file changes, for as long as the server runs.
async fn reread_keys(context: Arc<Context>) {
    let mut look = tokio::time::interval(KEYS_LOOKED_AT_EVERY);
    loop {
        look.tick().await;
        let context = context.clone();
        // A file may lie on a disk that hangs: that is not for a thread which serves connections.
        let _ = tokio::task::spawn_blocking(move || context.auth.reread_keys()).await;
    }
}
