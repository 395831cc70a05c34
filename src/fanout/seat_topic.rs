//! The seats of one schedule as they were committed, and those who watch them. A round goes through all watchers and
//! writes to each what leads from what it has to what is newest at that moment, encoded once for all who have the
//! same; whoever's socket is not free gets it from the connection's own task, later and then newer.
//! Always: a watcher first gets a snapshot, and every later delta begins at what it has; one round at a time.

use std::collections::{BTreeMap, VecDeque};
use std::ops::{Add, Bound, RangeBounds};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use frontrow_protocol::push::SeatsUpdate;
use frontrow_protocol::{Push, SeatChange, SeatState, encode_seats};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::round_pace::RoundPace;
use super::subscriber::{Delta, Subscriber, Visit, Watched};
use crate::domain::ids::{ConcertId, ConnectionId, ScheduleId, SeatId};
use crate::domain::record::ScheduleState;
use crate::domain::seat_map;
use crate::domain::seat_plan::{Money, SeatPlan};
use crate::domain::time::Timestamp;
use crate::store::ScheduleRecord;
use crate::venue::layout::VenueLayout;

/// Watchers who are written to before requests and answers on the same thread have their turn: a third of a
/// millisecond's work.
const WATCHERS_AT_ONCE: usize = 32;
/// The next ones follow no sooner than this after them. Without a pause a round keeps a core busy until it is through,
/// and its readers, if they are here too, another: measured, holds took 47 instead of 16 ms then (99 of 100), and the
/// last watcher got a change no earlier.
const WATCHERS_INTERVAL: Duration = Duration::from_micros(500);
/// The number of watchers that are one task's work: they take it 160 ms. More are shared by as many tasks as there are
/// threads.
const WATCHERS_PER_TASK: usize = 10_000;
/// Deltas to one version that are kept, encoded, for the next watcher who has the same: what many have, they got in
/// one round, and a round publishes few versions.
const DELTAS_KEPT: usize = 32;
/// The changes that are remembered in order are at most this part of all seats.
const RECENT_PART: usize = 8;

pub struct SeatTopic {
    concert: ConcertId,
    id: ScheduleId,
    layout: Arc<VenueLayout>,
    plan: Arc<SeatPlan>,
    state: Mutex<State>,
    changed: Notify,
    /// Visits that found a connection with a former delta still to be taken.
    coalesced: AtomicU64,
}

struct State {
    schedule: ScheduleRecord,
    /// What a free seat of each category of the plan costs.
    prices: Arc<[Money]>,
    /// The journal's place of the last change of what is said of the performance.
    revision: u64,
    /// Why it was moved or called off, as fans are told.
    reason: Option<Arc<str>>,
    version: u64,
    seats: Vec<SeatState>,
    /// The version of each seat's last change.
    changed_at: Vec<u64>,
    counts: SeatCounts,
    /// The free seats of each category of the plan.
    left: Vec<u32>,
    /// The changes after version `recent_from`, in the order of their versions.
    recent: VecDeque<(u64, SeatId)>,
    recent_from: u64,
    /// The watchers in the order in which rounds go through them, whoever comes and goes meanwhile.
    watchers: BTreeMap<ConnectionId, Arc<Subscriber>>,
    /// The version at the beginning of the last round: every watcher has it, or will get it from their task.
    rounded: u64,
    snapshot: Option<Arc<SeatSnapshot>>,
    /// Deltas to the newest version, encoded once for all who have the same.
    deltas: Vec<Delta>,
}

/// The number of seats in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeatCounts {
    pub available: u64,
    pub held: u64,
    pub sold: u64,
    /// Kept by the house.
    pub restricted: u64,
}

impl SeatCounts {
    pub fn seats(self) -> u64 {
        self.for_sale() + self.restricted
    }

    /// All but those that the house keeps.
    pub fn for_sale(self) -> u64 {
        self.available + self.held + self.sold
    }

    /// Of a performance that is called off nothing is sold, so what nobody has is as good as kept.
    fn with_none_free(self) -> Self {
        Self { available: 0, restricted: self.restricted + self.available, ..self }
    }

    fn of(&mut self, state: SeatState) -> &mut u64 {
        match state {
            SeatState::Available => &mut self.available,
            SeatState::TempReserved => &mut self.held,
            SeatState::Reserved => &mut self.sold,
            SeatState::Restricted => &mut self.restricted,
        }
    }
}

impl Add for SeatCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            available: self.available + other.available,
            held: self.held + other.held,
            sold: self.sold + other.sold,
            restricted: self.restricted + other.restricted,
        }
    }
}

/// The state of a seat as everybody sees it, who has it left out.
pub(crate) fn public_state(state: seat_map::SeatState) -> SeatState {
    match state {
        seat_map::SeatState::Available => SeatState::Available,
        seat_map::SeatState::Held(_) => SeatState::TempReserved,
        seat_map::SeatState::Sold(_) => SeatState::Reserved,
        seat_map::SeatState::Restricted => SeatState::Restricted,
    }
}

/// All seats at one version.
#[derive(Debug, PartialEq, Eq)]
pub struct SeatSnapshot {
    pub version: u64,
    /// Two bits a seat, seat 0 in the low bits of byte 0, base64.
    pub seats: String,
    pub count: u32,
    pub available: u32,
}

/// How a performance stands, as far as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleStanding {
    pub schedule: ScheduleRecord,
    pub counts: SeatCounts,
    /// The free seats of each category of the plan.
    pub left: Vec<(Box<str>, u32)>,
    /// Connections that watch the seats.
    pub watchers: usize,
}

/// What is stored of a performance, but for its seats.
pub struct ScheduleFacts<'a> {
    pub schedule: ScheduleRecord,
    /// Why it was moved or called off, as fans are told.
    pub reason: Option<Arc<str>>,
    /// The prices that differ from the plan's.
    pub prices: &'a [(u16, Money)],
}

impl SeatTopic {
    /// `taken` are the seats that are not available. All at journal place `version`.
    pub fn new(
        concert: ConcertId,
        ScheduleFacts { schedule, reason, prices }: ScheduleFacts<'_>,
        layout: Arc<VenueLayout>,
        plan: Arc<SeatPlan>,
        taken: impl Iterator<Item = (SeatId, seat_map::SeatState)>,
        version: u64,
    ) -> Arc<Self> {
        let count = plan.seats.len();
        let mut state = State {
            schedule,
            prices: repriced(&plan.prices(), prices.iter().copied()),
            revision: version,
            reason,
            version,
            seats: vec![SeatState::Available; count],
            changed_at: vec![0; count],
            counts: SeatCounts { available: count as u64, ..SeatCounts::default() },
            left: vec![0; plan.categories.len()],
            recent: VecDeque::new(),
            recent_from: version,
            watchers: BTreeMap::new(),
            rounded: version,
            snapshot: None,
            deltas: Vec::new(),
        };
        for seat in &plan.seats {
            state.left[usize::from(seat.category)] += 1;
        }
        for (seat, taken) in taken {
            state.set(&plan, seat, public_state(taken));
        }
        state.forget_recent();
        Arc::new(Self {
            concert,
            id: schedule.id,
            layout,
            plan,
            state: Mutex::new(state),
            changed: Notify::new(),
            coalesced: AtomicU64::new(0),
        })
    }

    pub fn id(&self) -> ScheduleId {
        self.id
    }

    pub fn schedule(&self) -> ScheduleRecord {
        self.state.lock().schedule
    }

    /// The performance and its figures, as of one moment.
    pub fn glance(&self) -> (ScheduleRecord, SeatCounts) {
        let state = self.state.lock();
        (state.schedule, state.counts)
    }

    /// Why it was moved or called off, as fans are told.
    pub fn reason(&self) -> Option<Arc<str>> {
        self.state.lock().reason.clone()
    }

    /// It was moved to this start, UTC.
    pub(super) fn moved(&self, starts_at: Timestamp, reason: Option<&str>) {
        let mut state = self.state.lock();
        state.schedule.starts_at = starts_at;
        state.reason = reason.map(Arc::from);
    }

    pub(super) fn called_off(&self, reason: &str) {
        let mut state = self.state.lock();
        state.schedule.state = ScheduleState::CalledOff;
        state.reason = Some(reason.into());
    }

    pub fn concert(&self) -> ConcertId {
        self.concert
    }

    pub fn layout(&self) -> &Arc<VenueLayout> {
        &self.layout
    }

    pub fn plan(&self) -> &Arc<SeatPlan> {
        &self.plan
    }

    pub fn counts(&self) -> SeatCounts {
        self.state.lock().counts
    }

    /// What a free seat of each category costs, in the plan's order.
    pub fn prices(&self) -> Arc<[Money]> {
        self.state.lock().prices.clone()
    }

    /// The journal's place of the last change of what is said of the performance; of a sale that was loaded since, of its
    /// loading.
    pub fn revision(&self) -> u64 {
        self.state.lock().revision
    }

    /// Prices of some categories changed, at journal place `revision`.
    pub(super) fn reprice(&self, revision: u64, prices: impl Iterator<Item = (u16, Money)>) {
        let mut state = self.state.lock();
        (state.prices, state.revision) = (repriced(&state.prices, prices), revision);
    }

    pub fn standing(&self) -> ScheduleStanding {
        let state = self.state.lock();
        let names = self.plan.categories.iter().map(|category| category.name.clone());
        let is_played = state.schedule.state == ScheduleState::Planned;
        let left = state.left.iter().map(|left| if is_played { *left } else { 0 });
        ScheduleStanding {
            schedule: state.schedule,
            counts: if is_played { state.counts } else { state.counts.with_none_free() },
            left: names.zip(left).collect(),
            watchers: state.watchers.len(),
        }
    }

    /// The free seats of each category, in the plan's order.
    pub fn left(&self) -> Vec<u32> {
        self.state.lock().left.clone()
    }

    pub fn watchers(&self) -> usize {
        self.state.lock().watchers.len()
    }

    pub(super) fn every_watcher(&self) -> Vec<Arc<Subscriber>> {
        self.state.lock().watchers.values().cloned().collect()
    }

    /// The number of deltas that were merged into a later one because a connection was slow.
    pub fn coalesced(&self) -> u64 {
        self.coalesced.load(Ordering::Relaxed)
    }

    pub fn snapshot(&self) -> Arc<SeatSnapshot> {
        self.state.lock().snapshot()
    }

    /// The snapshot, and from its version on the connection gets every change.
    pub fn watch(self: &Arc<Self>, subscriber: &Arc<Subscriber>) -> Arc<SeatSnapshot> {
        let mut state = self.state.lock();
        let snapshot = state.snapshot();
        if subscriber.begin_watch(self.clone(), snapshot.version) {
            state.watchers.insert(subscriber.id(), subscriber.clone());
        }
        snapshot
    }

    pub fn unwatch(&self, connection: ConnectionId) {
        if let Some(subscriber) = self.state.lock().watchers.remove(&connection) {
            subscriber.end_watch(self.id);
        }
    }

    /// Takes over a former view's watchers; each gets the seats that are not as they have them.
    pub(super) fn adopt_watchers(self: &Arc<Self>, former: &SeatTopic) {
        let watchers = std::mem::take(&mut former.state.lock().watchers);
        let versions: Vec<_> = watchers.values().map(|watcher| watcher.seats_version(former)).collect();
        let (mut state, before) = (self.state.lock(), former.state.lock());
        // Of one journal a later place is a later state; what was repaired by hand may be behind it.
        let follows = before.version <= state.version && before.seats.len() == state.seats.len();
        if follows {
            state.go_on_from(&before);
        } else {
            let version = state.version;
            state.changed_at.fill(version);
        }
        drop(before);
        for ((connection, subscriber), version) in watchers.into_iter().zip(versions) {
            // Its version may not fit the new view's: everything is a change to it.
            if subscriber.begin_watch(self.clone(), version.filter(|_| follows).unwrap_or_default()) {
                state.watchers.insert(connection, subscriber);
            }
        }
        state.forget_recent();
        state.deltas.clear();
        state.rounded = 0;
        drop(state);
        self.changed.notify_one();
    }

    /// Committed changes, at journal place `version`.
    pub(super) fn apply(&self, version: u64, changes: impl Iterator<Item = (SeatId, SeatState)>) {
        let mut state = self.state.lock();
        state.version = version;
        for (seat, changed) in changes {
            state.set(&self.plan, seat, changed);
        }
        state.snapshot = None;
        state.deltas.clear();
        drop(state);
        self.changed.notify_one();
    }

    /// Sends rounds for as long as anybody else has a use for the topic.
    pub(super) async fn run_rounds(self: Arc<Self>, pace: &RoundPace) {
        while Arc::strong_count(&self) > 1 {
            // A topic that was replaced is woken by nobody, so it looks around now and then.
            let _ = tokio::time::timeout(Duration::from_secs(60), self.changed.notified()).await;
            let mut rounds = pace.begin();
            loop {
                // The runtime's clock, which a simulation turns: a round's length must not depend on the machine there.
                let began = Instant::now();
                let Some(watchers) = self.begin_round() else { break };
                let threads = Handle::current().metrics().num_workers();
                let work = self.go_round(watchers.div_ceil(WATCHERS_PER_TASK).min(threads)).await;
                tokio::time::sleep_until(began + rounds.interval_after(work)).await;
            }
        }
    }

    /// The number of watchers to be notified; `None` if nothing changed.
    fn begin_round(&self) -> Option<usize> {
        let mut state = self.state.lock();
        let changed = state.rounded < state.version;
        state.rounded = state.version;
        (changed && !state.watchers.is_empty()).then_some(state.watchers.len())
    }

    /// Goes through all watchers, and sends each what is newest at that moment. Returns the time that the writing took,
    /// of all tasks together.
    async fn go_round(self: &Arc<Self>, tasks: usize) -> Duration {
        let each = self.watchers().div_ceil(tasks).max(1);
        let begins: Vec<_> = self.state.lock().watchers.keys().copied().skip(each).step_by(each).collect();
        let mut others = JoinSet::new();
        for (index, &begin) in begins.iter().enumerate() {
            let (topic, end) = (self.clone(), begins.get(index + 1).copied());
            others.spawn(async move { topic.go_through(Bound::Included(begin), end).await });
        }
        let mut work = self.go_through(Bound::Unbounded, begins.first().copied()).await;
        while let Some(other) = others.join_next().await {
            work += other.unwrap_or_default();
        }
        work
    }

    /// Notifies the watchers from `begin` on and before `end`, a few at a time. Returns the time that took, without the
    /// pauses.
    async fn go_through(&self, mut begin: Bound<ConnectionId>, end: Option<ConnectionId>) -> Duration {
        let end = end.map_or(Bound::Unbounded, Bound::Excluded);
        let mut work = Duration::ZERO;
        let mut due = Instant::now();
        loop {
            let began = Instant::now();
            let some = self.next_watchers((begin, end));
            let Some(last) = some.last() else { break work };
            begin = Bound::Excluded(last.id());
            self.publish(&some);
            let now = Instant::now();
            work += now - began;
            due += WATCHERS_INTERVAL;
            // Everything else on this thread comes first, also when the round is late.
            if now < due {
                tokio::time::sleep_until(due).await;
            } else {
                tokio::task::yield_now().await;
            }
        }
    }

    fn next_watchers(&self, range: impl RangeBounds<ConnectionId>) -> Vec<Arc<Subscriber>> {
        let state = self.state.lock();
        state.watchers.range(range).take(WATCHERS_AT_ONCE).map(|(_, watcher)| watcher.clone()).collect()
    }

    fn publish(&self, watchers: &[Arc<Subscriber>]) {
        let mut delta: Option<Delta> = None;
        for subscriber in watchers {
            let Some(version) = subscriber.seats_version(self) else { continue };
            if delta.as_ref().is_none_or(|delta| delta.from != version) {
                delta = self.delta_since(version);
            }
            if let Some(delta) = &delta
                && subscriber.publish_seats(self, delta) == Visit::Merged
            {
                self.coalesced.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn encode(&self, state: &State, from: u64, seats: impl Iterator<Item = SeatId>) -> Bytes {
        let changes = seats.map(|seat| SeatChange { seat: seat.0, state: state.seats[seat.0 as usize] });
        let push = Push::SeatsUpdate(SeatsUpdate {
            schedule_id: self.id.0,
            from,
            version: state.version,
            changes: changes.collect(),
            available: state.counts.available as u32,
        });
        Bytes::from(frontrow_protocol::encode_push(&push))
    }
}

impl Watched for SeatTopic {
    fn schedule_id(&self) -> ScheduleId {
        self.id
    }

    fn delta_since(&self, version: u64) -> Option<Delta> {
        let mut state = self.state.lock();
        if version >= state.version {
            return None;
        }
        if let Some(known) = state.deltas.iter().find(|delta| delta.from == version) {
            return Some(known.clone());
        }
        let text = self.encode(&state, version, state.changed_since(version).into_iter());
        let delta = Delta { from: version, version: state.version, text };
        if state.deltas.len() == DELTAS_KEPT {
            state.deltas.clear();
        }
        state.deltas.push(delta.clone());
        Some(delta)
    }

    fn unwatch(&self, connection: ConnectionId) {
        Self::unwatch(self, connection);
    }
}

fn repriced(before: &[Money], changed: impl Iterator<Item = (u16, Money)>) -> Arc<[Money]> {
    let mut prices = before.to_vec();
    changed.for_each(|(category, price)| prices[usize::from(category)] = price);
    prices.into()
}

impl State {
    fn set(&mut self, plan: &SeatPlan, seat: SeatId, state: SeatState) {
        let index = seat.0 as usize;
        let left = &mut self.left[usize::from(plan.seats[index].category)];
        *left += u32::from(state == SeatState::Available);
        *left -= u32::from(self.seats[index] == SeatState::Available);
        *self.counts.of(self.seats[index]) -= 1;
        *self.counts.of(state) += 1;
        self.seats[index] = state;
        self.changed_at[index] = self.version;
        self.recent.push_back((self.version, seat));
        // More would be found no faster than by looking at every seat.
        if self.recent.len() > self.seats.len() / RECENT_PART
            && let Some((version, _)) = self.recent.pop_front()
        {
            self.recent_from = version;
        }
    }

    /// The seats that are as they were before changed when they did then; if all are, nothing changed since.
    fn go_on_from(&mut self, before: &State) {
        let version = self.version;
        let mut is_same = true;
        for (seat, at) in self.changed_at.iter_mut().enumerate() {
            let same = self.seats[seat] == before.seats[seat];
            *at = if same { before.changed_at[seat] } else { version };
            is_same &= same;
        }
        if is_same {
            self.version = before.version;
            self.snapshot = None;
        }
    }

    fn forget_recent(&mut self) {
        self.recent.clear();
        self.recent_from = self.version;
    }

    /// Each seat once, in ascending order.
    fn changed_since(&self, version: u64) -> Vec<SeatId> {
        if version < self.recent_from {
            let seats = self.changed_at.iter().enumerate();
            return seats.filter(|(_, at)| **at > version).map(|(seat, _)| SeatId(seat as u32)).collect();
        }
        let first = self.recent.partition_point(|(at, _)| *at <= version);
        let mut seats: Vec<_> = self.recent.range(first..).map(|(_, seat)| *seat).collect();
        seats.sort_unstable();
        seats.dedup();
        seats
    }

    fn snapshot(&mut self) -> Arc<SeatSnapshot> {
        if let Some(snapshot) = &self.snapshot {
            return snapshot.clone();
        }
        let snapshot = Arc::new(SeatSnapshot {
            version: self.version,
            seats: encode_seats(self.seats.iter().copied()),
            count: self.seats.len() as u32,
            available: self.counts.available as u32,
        });
        self.snapshot = Some(snapshot.clone());
        snapshot
    }
}

#[cfg(test)]
mod tests;
