//! The things that every request works with, whichever door it came by: the lanes' door, the committed copies, the
//! store for the rest.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::address::Proxies;
use crate::clock::{Clock, SteadyTime};
use crate::config::{ClientLimits, Config};
use crate::dispatcher::Dispatcher;
use crate::domain::ids::UserId;
use crate::domain::rules::SaleRules;
use crate::fanout::Fanout;
use crate::limits;
use crate::metrics::Metrics;
use crate::ops::additions::Additions;
use crate::ops::alarms::{Alarms, Looked};
use crate::ops::gather::Gatherer;
use crate::ops::refunds::Refunds;
use crate::ops::rehearsals::Stage;
use crate::ops::webhooks::Webhooks;
use crate::store::Store;

use super::address_limits::AddressLimiter;
use super::auth::Auth;
use super::callers::Callers;
use super::operators::sessions::Sessions;
use super::ops::{Live, Rehearsals};
use super::remembered::Remembered;
use super::request_rates::RequestRates;

pub struct Context {
    pub dispatcher: Dispatcher,
    pub fanout: Arc<Fanout>,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub auth: Auth,
    pub metrics: Arc<Metrics>,
    /// The figures of every sale, for operators.
    pub gatherer: Arc<Gatherer>,
    /// What those are told who watch them.
    pub(super) live: Live,
    pub limits: ClientLimits,
    /// The rules of a sale that has none of its own.
    pub usual: SaleRules,
    /// Operators have a listener of their own, so everybody's has nothing for them.
    pub admin_apart: bool,
    /// The proxies that are believed about a client's address.
    pub proxies: Proxies,
    pub addresses: Arc<AddressLimiter>,
    /// Those who play a rehearsal, as they connect.
    pub callers: Arc<Callers>,
    pub rates: RequestRates,
    pub allowed_origins: Vec<String>,
    pub guests: bool,
    /// Operators who asked lately.
    pub sessions: Sessions,
    /// Gives back what was paid for what is called off.
    pub refunds: Arc<Refunds>,
    /// Performances that are being added.
    pub additions: Arc<Additions>,
    /// Where rehearsals are played.
    pub stage: Arc<Stage>,
    pub rehearsals: Rehearsals,
    /// What is wrong here, and elsewhere as far as it was written down.
    pub alarms: Arc<Alarms>,
    /// Sends what others are to be told.
    pub webhooks: Arc<Webhooks>,
    /// Where operators find the console, if somebody said it.
    pub admin_base_url: Option<String>,
    /// Files that come in; each takes a turn, and whoever finds none comes again.
    pub large_bodies: Arc<Semaphore>,
    /// Plans of drafts that are read for their drawing or their announcement; each waits for a turn, and none of an upload.
    pub plans_at_work: Semaphore,
    /// Journals that are read for what they tell of orders; each waits for a turn.
    pub journals_at_work: Semaphore,
    /// The configured number; `None`: what the limit on open files leaves.
    pub connections_max: Option<usize>,
    /// Users of external issuers, by issuer and subject.
    pub(super) externals: Remembered<(String, String), UserId>,
    /// Users that exist, and whether they are guests.
    pub(super) users: Remembered<UserId, bool>,
}

impl Context {
    pub fn new(
        config: &Config,
        dispatcher: Dispatcher,
        fanout: Arc<Fanout>,
        store: Arc<dyn Store>,
        auth: Auth,
        metrics: Arc<Metrics>,
        webhooks: Arc<Webhooks>,
    ) -> Self {
        let clock = dispatcher.clock().clone();
        let time = || SteadyTime::new(clock.clone());
        let refunds = Refunds::new(dispatcher.clone(), fanout.clone(), store.clone(), clock.clone());
        let stage = Stage::new(store.clone(), dispatcher.clone(), clock.clone());
        let refunds = Arc::new(refunds);
        let additions = Arc::new(Additions::new(store.clone(), clock.clone()));
        let alarms = Alarms::new(Looked {
            dispatcher: dispatcher.clone(),
            fanout: fanout.clone(),
            store: store.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            refunds: refunds.clone(),
            webhooks: webhooks.clone(),
            data: config.data.clone(),
            server: server_name(config),
        });
        let addresses = Arc::new(AddressLimiter::new(config.address_limits.clone(), time()));
        Self {
            gatherer: Arc::new(Gatherer::new(dispatcher.clone(), fanout.clone(), clock.clone())),
            live: Live::default(),
            rates: RequestRates::new(&config.limits, addresses.clone(), time()),
            addresses,
            callers: Arc::default(),
            dispatcher,
            fanout,
            store,
            clock,
            auth,
            metrics,
            limits: config.limits,
            usual: config.sale.clone(),
            admin_apart: config.admin_listen.is_some(),
            proxies: config.proxy.clone(),
            allowed_origins: config.allowed_origins.clone(),
            guests: config.guests(),
            sessions: Sessions::new(config.operators),
            stage: Arc::new(stage),
            rehearsals: Rehearsals::default(),
            refunds,
            additions,
            alarms: Arc::new(alarms),
            webhooks,
            admin_base_url: config.admin_base_url.clone(),
            large_bodies: Arc::new(Semaphore::new(limits::LARGE_BODIES_AT_ONCE)),
            plans_at_work: Semaphore::new(limits::LARGE_BODIES_AT_ONCE),
            journals_at_work: Semaphore::new(limits::JOURNALS_AT_ONCE),
            connections_max: config.connections_max,
            externals: Remembered::new(limits::USERS_REMEMBERED_MAX),
            users: Remembered::new(limits::USERS_REMEMBERED_MAX),
        }
    }
}

/// What this server is called among several: as it was set, or the machine, and the port that it listens on. It is the same
/// after a restart.
pub fn server_name(config: &Config) -> String {
    if let Some(name) = &config.cluster.name {
        return name.clone();
    }
    let machine = rustix::system::uname();
    let machine: String =
        machine.nodename().to_string_lossy().chars().take(limits::SERVER_NAME_CHARS_MAX).collect();
    format!("{machine}:{}", config.listen.port())
}
