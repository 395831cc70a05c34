//! The seats of one schedule as they were committed, and those who watch them. Changes gather while the last
//! round is being written, at least `ROUND_MIN`; one round is in flight at a time, encoded once for all.
//! Always: a watcher's first word is a snapshot, and every later delta begins at or before what it has.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use frontrow_protocol::push::SeatsUpdate;
use frontrow_protocol::{Push, SeatChange, SeatState, encode_seats};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::subscriber::Subscriber;
use crate::domain::ids::{ConcertId, ConnectionId, SeatId};
use crate::domain::seat_plan::SeatPlan;
use crate::store::{ScheduleRecord, SeatStatus};
use crate::venue::layout::VenueLayout;

/// A round gathers at least this long: more rounds would cost every watcher a system call each, unseen.
const ROUND_MIN: Duration = Duration::from_millis(20);
/// After a round there is a pause of this part of the time that its writing took. While a round is written, a hold
/// waits for its turn behind all of its watchers, again at each of its steps; in the pause it takes all of them, and
/// the next round tells of it.
const PAUSE_PART: u32 = 4;
/// A round whose last frames are not written by then is left to its slow connections.
const ROUND_PATIENCE: Duration = Duration::from_millis(500);

pub struct SeatTopic {
    concert: ConcertId,
    schedule: ScheduleRecord,
    layout: Arc<VenueLayout>,
    plan: Arc<SeatPlan>,
    state: Mutex<State>,
    changed: Notify,
    /// Rounds that a connection did not get because a newer one replaced them.
    coalesced: AtomicU64,
}

struct State {
    version: u64,
    seats: Vec<SeatState>,
    /// The version of each seat's last change.
    changed_at: Vec<u64>,
    counts: [u64; 3],
    /// Seats changed since the last round, and the version before the first of these changes.
    dirty: Vec<SeatId>,
    dirty_from: u64,
    watchers: HashMap<ConnectionId, Arc<Subscriber>>,
    snapshot: Option<Arc<SeatSnapshot>>,
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

/// One delta, encoded once. The next round waits until the last holder of this one has let go.
pub struct Round {
    from: u64,
    version: u64,
    text: Bytes,
    /// Dropped with the round.
    _written: oneshot::Sender<()>,
}

impl Round {
    pub(super) fn from(&self) -> u64 {
        self.from
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn text(&self) -> Bytes {
        self.text.clone()
    }
}

impl SeatTopic {
    /// `taken` are the seats that are not available, at journal place `version`.
    pub fn new(
        concert: ConcertId,
        schedule: ScheduleRecord,
        layout: Arc<VenueLayout>,
        plan: Arc<SeatPlan>,
        taken: impl Iterator<Item = (SeatId, SeatStatus)>,
        version: u64,
    ) -> Arc<Self> {
        let count = plan.seats.len();
        let mut state = State {
            version,
            seats: vec![SeatState::Available; count],
            changed_at: vec![0; count],
            counts: [count as u64, 0, 0],
            dirty: Vec::new(),
            dirty_from: version,
            watchers: HashMap::new(),
            snapshot: None,
        };
        for (seat, status) in taken {
            state.set(seat, status);
        }
        state.dirty.clear();
        Arc::new(Self {
            concert,
            schedule,
            layout,
            plan,
            state: Mutex::new(state),
            changed: Notify::new(),
            coalesced: AtomicU64::new(0),
        })
    }

    pub fn schedule(&self) -> ScheduleRecord {
        self.schedule
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

    /// (available, held, sold)
    pub fn counts(&self) -> (u64, u64, u64) {
        let [available, held, sold] = self.state.lock().counts;
        (available, held, sold)
    }

    pub fn watchers(&self) -> usize {
        self.state.lock().watchers.len()
    }

    /// How many deltas were merged into a later one because a connection was slow.
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
        subscriber.begin_watch(self.clone(), snapshot.version);
        state.watchers.insert(subscriber.id(), subscriber.clone());
        snapshot
    }

    pub fn unwatch(&self, connection: ConnectionId) {
        if let Some(subscriber) = self.state.lock().watchers.remove(&connection) {
            subscriber.end_watch(self.schedule.id);
        }
    }

    /// Takes over a former view's watchers; each gets a delta to the newest state.
    pub(super) fn adopt_watchers(self: &Arc<Self>, former: &SeatTopic) {
        let watchers = std::mem::take(&mut former.state.lock().watchers);
        let mut state = self.state.lock();
        for (connection, subscriber) in watchers {
            // What it was told may not fit the new view's versions: everything is a change to it.
            subscriber.begin_watch(self.clone(), 0);
            state.watchers.insert(connection, subscriber);
        }
        let all = state.seats.len() as u32;
        let version = state.version;
        state.changed_at.fill(version);
        state.dirty = (0..all).map(SeatId).collect();
        state.dirty_from = 0;
        drop(state);
        self.changed.notify_one();
    }

    /// Committed changes, at journal place `version`.
    pub(super) fn apply(&self, version: u64, changes: impl Iterator<Item = (SeatId, SeatStatus)>) {
        let mut state = self.state.lock();
        if state.dirty.is_empty() {
            state.dirty_from = state.version;
        }
        state.version = version;
        for (seat, status) in changes {
            state.set(seat, status);
        }
        state.snapshot = None;
        drop(state);
        self.changed.notify_one();
    }

    /// From `told` to the newest version, encoded for one connection.
    pub(super) fn delta_since(&self, told: u64) -> (u64, Bytes) {
        let state = self.state.lock();
        let changed = (0..state.seats.len()).filter(|&seat| state.changed_at[seat] > told);
        let text = self.encode(&state, told, changed.map(|seat| SeatId(seat as u32)));
        (state.version, text)
    }

    /// Sends rounds for as long as anybody else has a use for the topic.
    pub async fn run_rounds(self: Arc<Self>) {
        while Arc::strong_count(&self) > 1 {
            // A topic that was replaced is woken by nobody, so it looks around now and then.
            let _ = tokio::time::timeout(Duration::from_secs(60), self.changed.notified()).await;
            loop {
                // The runtime's clock, which a simulation turns: a round's length must not depend on the machine there.
                let began = tokio::time::Instant::now();
                let Some(written) = self.send_round() else { break };
                // An error is the signal: the round, and with it the sender, was dropped.
                let _ = tokio::time::timeout(ROUND_PATIENCE, written).await;
                let took = began.elapsed();
                tokio::time::sleep(ROUND_MIN.saturating_sub(took).max(took / PAUSE_PART)).await;
            }
        }
    }

    /// `None` if nothing changed.
    fn send_round(&self) -> Option<oneshot::Receiver<()>> {
        let (round, written, watchers) = {
            let mut state = self.state.lock();
            if state.dirty.is_empty() {
                return None;
            }
            let mut seats = std::mem::take(&mut state.dirty);
            let from = state.dirty_from;
            if state.watchers.is_empty() {
                return None;
            }
            seats.sort_unstable();
            seats.dedup();
            let (done, written) = oneshot::channel();
            let text = self.encode(&state, from, seats.into_iter());
            let round = Arc::new(Round { from, version: state.version, text, _written: done });
            let watchers: Vec<_> = state.watchers.values().cloned().collect();
            (round, written, watchers)
        };
        let coalesced = watchers.iter().filter(|s| s.offer_round(self.schedule.id, &round)).count();
        self.coalesced.fetch_add(coalesced as u64, Ordering::Relaxed);
        Some(written)
    }

    fn encode(&self, state: &State, from: u64, seats: impl Iterator<Item = SeatId>) -> Bytes {
        let changes = seats.map(|seat| SeatChange { seat: seat.0, state: state.seats[seat.0 as usize] });
        let push = Push::SeatsUpdate(SeatsUpdate {
            schedule_id: self.schedule.id.0,
            from,
            version: state.version,
            changes: changes.collect(),
            available: state.counts[0] as u32,
        });
        Bytes::from(frontrow_protocol::encode_push(&push))
    }
}

impl State {
    fn set(&mut self, seat: SeatId, status: SeatStatus) {
        let index = seat.0 as usize;
        let state = match status {
            SeatStatus::Available => SeatState::Available,
            SeatStatus::TempReserved => SeatState::TempReserved,
            SeatStatus::Reserved => SeatState::Reserved,
        };
        self.counts[self.seats[index] as usize] -= 1;
        self.counts[state as usize] += 1;
        self.seats[index] = state;
        self.changed_at[index] = self.version;
        self.dirty.push(seat);
    }

    fn snapshot(&mut self) -> Arc<SeatSnapshot> {
        if let Some(snapshot) = &self.snapshot {
            return snapshot.clone();
        }
        let snapshot = Arc::new(SeatSnapshot {
            version: self.version,
            seats: encode_seats(self.seats.iter().copied()),
            count: self.seats.len() as u32,
            available: self.counts[0] as u32,
        });
        self.snapshot = Some(snapshot.clone());
        snapshot
    }
}
