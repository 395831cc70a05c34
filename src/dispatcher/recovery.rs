//! Recovery brings sales to their lanes: at start and from then on it looks for those that nobody runs, claims each,
//! loads it and hands it to its lane. A sale that `frontrow import` has added in another process is found the same way.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, watch};

use super::cluster::Held;
use super::handle::Shared;
use super::lane_of;
use super::running::RunningSale;
use super::sales::SaleStatus;
use crate::domain::ids::ConcertId;
use crate::domain::placement::RANK_PATIENCE;
use crate::domain::rules::SaleRules;
use crate::domain::time::Timestamp;
use crate::fanout::Fanout;
use crate::limits;
use crate::store::{Claimed, Holder, LoadedSale, Store, StoreError, WriterId};
use crate::supervisor::Ends;

/// The task's name for its supervisor.
const NAME: &str = "recovery";

pub(super) struct Recovery {
    pub loader: Loader,
    pub shared: Arc<Shared>,
    pub store: Arc<dyn Store>,
    pub fanout: Arc<Fanout>,
    /// Each lane as a writer, and the channel that brings it sales.
    pub lanes: Vec<(WriterId, mpsc::Sender<RunningSale>)>,
    /// Notices from the lanes that a sale was lost.
    pub lost: mpsc::Receiver<ConcertId>,
    pub stopping: watch::Receiver<bool>,
    /// Sales that nobody runs who lives: who held each last, and since when that is known.
    pub free: BTreeMap<ConcertId, (Holder, Timestamp)>,
    /// Sales that were claimed and stand still, because their tables refuse what their journals say: since when.
    pub stuck: BTreeMap<ConcertId, Timestamp>,
    /// Sales that are claimed and loaded at this moment, and what came of it.
    pub loading: FuturesUnordered<BoxFuture<'static, Loaded>>,
    pub in_hand: BTreeSet<ConcertId>,
}

/// What came of claiming and loading a sale since then. It is on its way to its lane, or why not.
pub(super) struct Loaded {
    concert: ConcertId,
    at: Timestamp,
    loaded: Result<(), StoreError>,
}

impl Recovery {
    /// Runs until the dispatcher is shut down.
    pub async fn live(mut self) {
        let (supervisor, mut ends) = (self.shared.supervisor.clone(), Ends::default());
        while let Err(panic) = AssertUnwindSafe(self.run()).catch_unwind().await {
            // Whatever was half claimed is found so.
            (self.loading, self.in_hand) = Default::default();
            if !supervisor.ended(NAME, panic, &mut ends).await {
                return;
            }
            supervisor.is_up(NAME);
        }
    }

    async fn run(&mut self) {
        let shared = self.shared.clone();
        let mut due = self.shared.clock.steady();
        while !*self.stopping.borrow() {
            tokio::select! {
                // The order is fixed, so that a simulation replays.
                biased;
                Some(loaded) = self.loading.next() => {
                    self.settle(loaded);
                    continue;
                }
                () = self.shared.clock.sleep_until(due) => {}
                Some(_) = self.lost.recv() => {}
                () = shared.sales.one_is_named() => {}
                () = shared.cluster.found_free() => {}
                _ = self.stopping.changed() => break,
            }
            self.look().await;
            // Some wait for those who rank before us.
            let waits = match self.free.is_empty() {
                true => limits::SALES_LOOKUP_INTERVAL,
                false => limits::MISSED_LOOK_INTERVAL,
            };
            due = self.shared.clock.steady() + waits;
        }
        // What is claimed by the end is released by it.
        while let Some(loaded) = self.loading.next().await {
            self.settle(loaded);
        }
    }

    async fn look(&mut self) {
        let shared = self.shared.clone();
        shared.cluster.set_sales(shared.sales.running());
        self.loader.look_for_currency(&self.fanout).await;
        let mut concerts = match self.store.concerts_to_run(shared.clock.utc()).await {
            Ok(concerts) => concerts,
            // The lanes find out for themselves, and readiness names it.
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "could not look for sales");
                return;
            }
        };
        for concert in &concerts {
            // It is known before it is loaded, so that readiness names it.
            if shared.sales.status(*concert).is_none() {
                shared.sales.set(*concert, SaleStatus::Loading);
            }
        }
        shared.sales.set_started();
        let offered = shared.sales.take_offered();
        let others = shared.sales.named().into_iter().chain(offered.iter().copied());
        let others: Vec<_> = others.filter(|other| concerts.binary_search(other).is_err()).collect();
        concerts.extend(others);
        self.free.retain(|concert, _| concerts.contains(concert));
        // Of those that another server leaves behind, the one comes first for which the most wait.
        let crowd = |concert: &ConcertId| {
            let crowd = self.fanout.sale(*concert).map(|sale| sale.crowd());
            Reverse(crowd.map_or(0, |crowd| crowd.waiting + crowd.progress))
        };
        concerts.sort_by_cached_key(crowd);
        for concert in concerts {
            self.look_after(concert, offered.contains(&concert)).await;
        }
    }

    /// Begins to load a sale if it is to run here. `is_offered`: another server gave it free for us.
    async fn look_after(&mut self, concert: ConcertId, is_offered: bool) {
        // A lane that is busy adopts later; loading it again meanwhile would only take it away from the first.
        if let Some(SaleStatus::Running | SaleStatus::Handed) = self.shared.sales.status(concert) {
            return;
        }
        if self.in_hand.contains(&concert) || self.shared.sales.was_let_go(concert) {
            return;
        }
        let (writer, lane) = self.lanes[lane_of(concert, self.lanes.len())].clone();
        let is_stuck = self.stuck.contains_key(&concert);
        let seen = self.shared.cluster.holder(concert).filter(|_| !is_offered && !is_stuck);
        if let Some(holder) = seen
            && self.shared.cluster.held(concert, &holder) == Held::Elsewhere
        {
            // Nothing else is known than a moment ago.
            self.free.remove(&concert);
            return self.is_elsewhere(concert, holder.writer);
        }
        if is_stuck && !self.loader.may_go_on(concert, writer).await {
            return;
        }
        let at = self.shared.clock.steady();
        let expected = match self.store.holder(concert).await {
            Ok(holder) => match self.may_replace(concert, holder) {
                Some(expected) => expected,
                None => return,
            },
            Err(error) => return self.settle(Loaded { concert, at, loaded: Err(error) }),
        };
        // The others wait for their turn.
        while self.loading.len() >= limits::SALES_LOADED_AT_ONCE_MAX {
            let Some(loaded) = self.loading.next().await else { break };
            self.settle(loaded);
        }
        let (loader, stuck_since) = (self.loader.clone(), self.stuck.get(&concert).copied());
        self.in_hand.insert(concert);
        self.loading.push(Box::pin(async move {
            let load = async {
                let at = loader.shared.clock.steady();
                let running = loader.load(concert, writer, at, expected, stuck_since).await?;
                // This precedes the sending, because the lane sets it to running.
                loader.shared.sales.set(concert, SaleStatus::Handed);
                // Recovery stops as well if the lane has stopped.
                let _ = lane.send(running).await;
                Ok(())
            };
            Loaded { concert, at, loaded: load.await }
        }));
    }

    /// Notes what came of loading a sale.
    fn settle(&mut self, Loaded { concert, at, loaded }: Loaded) {
        self.in_hand.remove(&concert);
        match loaded {
            Ok(()) => {
                self.free.remove(&concert);
                self.is_not_stuck(concert);
            }
            // Somebody was first, or is heard of again: the next look says what that means.
            Err(StoreError::OtherHolder { found, .. }) => match found.writer {
                Some(_) => self.is_elsewhere(concert, found.writer),
                None => self.shared.sales.set(concert, SaleStatus::Loading),
            },
            Err(StoreError::Claimed { holder, .. }) => self.is_elsewhere(concert, holder),
            Err(error @ StoreError::Refused(_)) => {
                self.stuck.entry(concert).or_insert(at);
                self.shared.sales.set(concert, SaleStatus::Loading);
                self.shared.sales.set_stuck(concert, Some(error.reason()));
                tracing::error!(
                    concert.id = concert.0,
                    error = &error as &dyn std::error::Error,
                    "a sale stands still, as its tables refuse what its journal says"
                );
            }
            Err(error) => {
                self.shared.sales.set(concert, SaleStatus::Loading);
                tracing::error!(
                    concert.id = concert.0,
                    error = &error as &dyn std::error::Error,
                    "could not load a sale"
                );
            }
        }
    }

    /// Whom a claim of this sale may replace, which is held so. `None`: nobody, and its status says why.
    fn may_replace(&mut self, concert: ConcertId, holder: Holder) -> Option<Holder> {
        let cluster = self.shared.cluster.clone();
        match cluster.held(concert, &holder) {
            // Its heartbeat is written by our own lane, meanwhile, too.
            Held::Here => return Some(Holder { heartbeat: None, ..holder }),
            Held::Free => {}
            Held::Elsewhere => {
                self.free.remove(&concert);
                self.is_elsewhere(concert, holder.writer);
                return None;
            }
        }
        self.shared.sales.set(concert, SaleStatus::Loading);
        if !cluster.may_take() {
            return None;
        }
        let now = self.shared.clock.steady();
        let (seen, since) = *self.free.entry(concert).or_insert((holder, now));
        if seen != holder {
            self.free.insert(concert, (holder, now));
            return None;
        }
        let patience = match holder.moves_to {
            Some(heir) if heir == cluster.node() => Duration::ZERO,
            // Somebody else was named, and comes first if they come.
            Some(heir) if cluster.may_own(heir) => {
                limits::HEIR_PATIENCE + RANK_PATIENCE * cluster.rank(concert)
            }
            // Who asks for a sale here is not served by another server.
            _ if self.shared.sales.is_named(concert) => Duration::ZERO,
            _ => RANK_PATIENCE * cluster.rank(concert),
        };
        (now.since(since) >= patience).then_some(holder)
    }

    fn is_elsewhere(&mut self, concert: ConcertId, holder: Option<WriterId>) {
        self.is_not_stuck(concert);
        self.shared.sales.set(concert, SaleStatus::Elsewhere(holder));
    }

    fn is_not_stuck(&mut self, concert: ConcertId) {
        self.stuck.remove(&concert);
        self.shared.sales.set_stuck(concert, None);
    }
}

/// Claims sales and makes memory of them.
#[derive(Clone)]
pub(super) struct Loader {
    pub shared: Arc<Shared>,
    pub store: Arc<dyn Store>,
    pub defaults: SaleRules,
}

impl Loader {
    /// The wallets' currency may become known while the server runs: by the first concert, or by an operator who settles it.
    /// Once known it changes under no server (`frontrow currency`).
    async fn look_for_currency(&self, fanout: &Fanout) {
        if fanout.may_learn_currency()
            && let Ok(wallets) = self.store.wallet_currency().await
        {
            fanout.know_currency(&wallets);
        }
    }

    /// Do the tables of a sale that stands still take its journal now? It is not claimed for this: each claim is a row of the
    /// journal.
    async fn may_go_on(&self, concert: ConcertId, writer: WriterId) -> bool {
        match self.store.catch_up(concert, writer, limits::CAUGHT_UP_AT_ONCE_MAX).await {
            // Somebody mended them; or went past what they refuse, or runs the sale.
            Ok(_) | Err(StoreError::Claimed { .. } | StoreError::NoSuchConcert { .. }) => true,
            Err(error @ StoreError::Refused(_)) => {
                self.shared.sales.set_stuck(concert, Some(error.reason()));
                false
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    concert.id = concert.0,
                    error,
                    "could not look after a sale that stands still"
                );
                false
            }
        }
    }

    /// Building a line of a million takes a while, and is done on no thread that serves others. A small sale is not worth
    /// the way to another thread.
    async fn build(&self, loaded: LoadedSale) -> Result<RunningSale, StoreError> {
        let seats = loaded.schedules.iter().map(|schedule| schedule.layout.seat_count()).sum::<usize>();
        let is_small = loaded.tokens.len() + seats <= limits::SALE_BUILT_AT_ONCE_MAX;
        let (defaults, clock) = (self.defaults.clone(), self.shared.clock.clone());
        let lacks_secret = || StoreError::broken("a sale that was claimed has no secret to make tokens with");
        let secret = loaded.token_secret.clone().ok_or_else(lacks_secret)?;
        let build = move || RunningSale::restored(loaded, secret, defaults, clock.steady());
        if is_small {
            return catch_unwind(AssertUnwindSafe(build))
                .map_err(|_| StoreError::broken("a sale in the store breaks an invariant"));
        }
        tokio::task::spawn_blocking(build).await.map_err(|panic| StoreError::Broken(panic.into()))
    }

    async fn load(
        &self,
        concert: ConcertId,
        writer: WriterId,
        at: Timestamp,
        holder: Holder,
        stuck_since: Option<Timestamp>,
    ) -> Result<RunningSale, StoreError> {
        let clock = &self.shared.clock;
        let Claimed { epoch, before } = self.store.claim(concert, writer, at, Some(holder)).await?;
        if holder.writer.is_some_and(|former| former.node() != writer.node()) {
            self.shared.metrics.takeovers.inc();
        }
        // The sale's time may be ahead: by another process, or by this machine's clock before it was set back.
        let claimed_at = before.map_or(at, |before| before.max(at));
        clock.go_on_from(claimed_at);
        // It was claimed all the while that it stood still.
        let stood_still = stuck_since.zip(before).map(|(since, before)| before.since(since));
        self.store.catch_up(concert, writer, limits::CAUGHT_UP_AT_ONCE_MAX).await?;
        let loaded = self.store.load_sale(concert, claimed_at).await?;
        let tokens = loaded.tokens.len();
        let mut running = self.build(loaded).await?;
        // Time stood still while we loaded, too.
        let now = clock.steady();
        let stood_still = now.since(claimed_at) + stood_still.unwrap_or_default();
        let outages = self.store.count_outage(concert, writer, stood_still).await?;
        running.begin(epoch, outages, now, self.shared.clock_step.load(Ordering::Relaxed));
        tracing::info!(
            concert.id = concert.0,
            tokens,
            duration_ms = clock.steady().since(claimed_at).as_millis() as u64,
            "a sale is in memory"
        );
        Ok(running)
    }
}
