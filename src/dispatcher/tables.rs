//! How far a lane's tables follow what it committed. A batch is durable by its journal; places in line, seats and
//! reservations are written behind it by the lane's table writer, which takes its work from here.
//!
//! Always: what is handed over of a sale has no hole and ascends; only what the store has leaves again. Whoever reads the
//! tables for somebody waits here first, until they have all that was committed by then. Not here: the store.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::known_ends::KnownEnds;
use crate::domain::event::Event;
use crate::domain::ids::{ConcertId, UserId};
use crate::limits;
use crate::store::{Following, WriterId};

pub(super) struct Tables {
    writer: WriterId,
    /// Events behind from which batches wait.
    events_max: usize,
    bounds: Bounds,
    state: Mutex<State>,
    /// There may be something to do for the table writer.
    work: Notify,
    /// Tables went on, or a sale is not here any more.
    changed: Notify,
}

/// Numbers of events; a row of the journal is never divided.
#[derive(Clone, Copy)]
struct Bounds {
    /// The newest ones of a rush, which may end soon.
    young: usize,
    /// What is written in one transaction.
    at_once: usize,
    /// What is written without a pause, as none of it ends soon.
    settled: usize,
}

#[derive(Default)]
struct State {
    sales: BTreeMap<ConcertId, Behind>,
    /// Nothing waits for its time any more: the lane ends.
    is_ending: bool,
    /// A batch waits until there is room.
    is_waited_for: bool,
    /// Nothing follows for now.
    stands_still: bool,
    /// The lane has nothing to do, since then.
    rests_since: Option<Instant>,
}

/// How far the tables of a sale are.
#[derive(Default)]
struct Behind {
    /// The last row of the journal that was committed.
    committed: u64,
    /// The last row of it that the tables have.
    applied: u64,
    /// The events in between.
    events: usize,
    /// What was handed over of them.
    parts: VecDeque<Part>,
    /// How places and holds end in them.
    ends: KnownEnds,
    /// The last of these rows that is about each user.
    users: HashMap<UserId, u64>,
    /// Somebody waits for the tables to have this row.
    waited_for: u64,
    /// The sale is not in memory: whoever claims it brings its tables up to date.
    is_lost: bool,
    /// Why the store refuses what follows, until the lane has put the sale away.
    refused: Option<String>,
}

/// A row of the journal.
struct Part {
    seq: u64,
    events: Arc<Vec<Event>>,
    since: Instant,
    /// There are holds in it, most of which end within seconds.
    ends_soon: bool,
}

/// What somebody wants to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    OfUser(UserId),
    OfSale(ConcertId),
    All,
}

/// Events about a user, by sale, each with its row of the journal.
pub(super) type EventsOfUser = Vec<(ConcertId, Vec<(u64, Event)>)>;

/// A row of a sale's journal.
pub(super) type Row = (u64, Arc<Vec<Event>>);

/// Rows of journals that the tables of their sales have to have.
pub(super) type Targets = Vec<(ConcertId, u64)>;

impl Tables {
    pub fn new(writer: WriterId, events_max: usize) -> Self {
        let bounds = Bounds {
            young: limits::FOLLOWED_EVENTS_MIN.min(events_max / 4),
            at_once: limits::FOLLOWED_AT_ONCE_MAX.min(events_max / 4),
            settled: limits::FOLLOWED_SETTLED_MIN.min(events_max / 4),
        };
        let state = Mutex::default();
        Self { writer, events_max, bounds, state, work: Notify::new(), changed: Notify::new() }
    }

    // The lane's side.

    /// A sale is in memory, and its tables have all of its journal.
    pub fn begin(&self, concert: ConcertId, seq: u64) {
        let behind = Behind { committed: seq, applied: seq, ..Behind::default() };
        self.state.lock().sales.insert(concert, behind);
        self.changed.notify_waiters();
    }

    /// A row was committed. Gives the number of the sale's events that its tables do not have.
    pub fn commit(&self, concert: ConcertId, seq: u64, events: &[Event]) -> usize {
        let mut state = self.state.lock();
        let Some(behind) = state.sales.get_mut(&concert) else { return 0 };
        behind.committed = seq;
        if !behind.is_lost {
            behind.events += events.len();
        }
        behind.users.extend(events.iter().filter_map(Event::user).map(|user| (user, seq)));
        behind.events
    }

    /// The events of a row that was committed, once nobody else needs them.
    pub fn hand_over(&self, concert: ConcertId, seq: u64, events: Vec<Event>) {
        let mut state = self.state.lock();
        let Some(behind) = state.sales.get_mut(&concert) else { return };
        let last = behind.parts.back().map_or(behind.applied, |part| part.seq);
        // What was committed before the sale was loaded anew is in its tables.
        if behind.is_lost || seq != last + 1 {
            return;
        }
        let events = Arc::new(events);
        behind.ends.add(seq, &events);
        let ends_soon = events.iter().any(|event| matches!(event, Event::SeatsHeld { .. }));
        behind.parts.push_back(Part { seq, events, since: Instant::now(), ends_soon });
        drop(state);
        self.work.notify_one();
        // Somebody may read what is not in the tables.
        self.changed.notify_waiters();
    }

    /// The sale is not in memory any more; somebody, perhaps this process, claims it and brings its tables up to date.
    pub fn lose(&self, concert: ConcertId) {
        if let Some(behind) = self.state.lock().sales.get_mut(&concert) {
            behind.lose();
        }
        self.changed.notify_waiters();
    }

    /// Nobody asks for the sale any more.
    pub fn forget(&self, concert: ConcertId) {
        self.state.lock().sales.remove(&concert);
        self.changed.notify_waiters();
    }

    /// Do the tables have all that was committed of this sale?
    pub fn are_even(&self, concert: ConcertId) -> bool {
        self.state.lock().sales.get(&concert).is_none_or(|behind| behind.applied >= behind.committed)
    }

    /// Sales of which the store refuses what follows, and why; each once.
    pub fn refused(&self) -> Vec<(ConcertId, String)> {
        let mut state = self.state.lock();
        let refused = state.sales.iter_mut();
        refused.filter_map(|(concert, behind)| Some((*concert, behind.refused.take()?))).collect()
    }

    /// The last row of a sale's journal that its tables have.
    pub fn applied_of(&self, concert: ConcertId) -> u64 {
        self.state.lock().sales.get(&concert).map_or(0, |behind| behind.applied)
    }

    /// Are the tables so far behind that batches wait?
    pub fn are_too_far_behind(&self) -> bool {
        self.state.lock().events() >= self.events_max
    }

    /// Waits until they are not.
    pub async fn room(&self) {
        self.state.lock().is_waited_for = true;
        self.work.notify_one();
        self.until(|state| state.events() < self.events_max).await;
        self.state.lock().is_waited_for = false;
    }

    /// Waits until the tables have everything, and nothing waits for its time any more.
    pub async fn end(&self) {
        self.state.lock().is_ending = true;
        self.work.notify_one();
        self.until(|state| {
            state.sales.values().all(|behind| behind.is_lost || behind.applied >= behind.committed)
        })
        .await;
    }

    /// The lane has nothing to do now, or begins to work.
    pub fn rest(&self, rests: bool) {
        let mut state = self.state.lock();
        state.rests_since = rests.then(Instant::now);
        let is_behind = rests && state.sales.values().any(|behind| !behind.parts.is_empty());
        drop(state);
        if is_behind {
            self.work.notify_one();
        }
    }

    /// Stops following after what is under way, until it is to go on.
    pub fn stand(&self, still: bool) {
        self.state.lock().stands_still = still;
        self.work.notify_one();
    }

    /// Waits for a change until something is so.
    async fn until(&self, mut is_so: impl FnMut(&mut State) -> bool) {
        loop {
            let changed = self.changed.notified();
            if is_so(&mut self.state.lock()) {
                return;
            }
            changed.await;
        }
    }

    // The table writer's side.

    /// Waits for something that is to be written. It is asked for again until the store has it, or the sale is lost.
    pub async fn next(&self) -> Following {
        loop {
            let due = {
                let mut state = self.state.lock();
                match state.next_due(self.bounds) {
                    Some((concert, due)) if due <= Instant::now() => {
                        return state.following(concert, self.writer, self.bounds);
                    }
                    other => other.map(|(_, due)| due),
                }
            };
            tokio::select! {
                biased;
                () = self.work.notified() => {}
                () = sleep_until(due) => {}
            }
        }
    }

    /// The tables of a sale have this row.
    pub fn applied(&self, concert: ConcertId, seq: u64) {
        let mut state = self.state.lock();
        let Some(behind) = state.sales.get_mut(&concert) else { return };
        if seq <= behind.applied {
            return;
        }
        behind.applied = seq;
        while let Some(part) = behind.parts.pop_front_if(|part| part.seq <= seq) {
            behind.events = behind.events.saturating_sub(part.events.len());
            behind.ends.forget(&part.events);
        }
        if behind.applied >= behind.committed {
            behind.users.clear();
        } else {
            behind.users.retain(|_, last| *last > seq);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// The store refuses what follows of this sale, and would every time.
    pub fn refuse(&self, concert: ConcertId, why: String) {
        if let Some(behind) = self.state.lock().sales.get_mut(&concert) {
            behind.refused = Some(why);
            behind.lose();
        }
        self.changed.notify_waiters();
    }

    // The readers' side.

    /// What the tables have to have before these rows are read.
    pub fn targets(&self, rows: Rows) -> Targets {
        let state = self.state.lock();
        let target = |(concert, behind): (&ConcertId, &Behind)| {
            let seq = match rows {
                Rows::OfUser(user) => *behind.users.get(&user)?,
                Rows::OfSale(of) if of != *concert => return None,
                Rows::OfSale(_) | Rows::All => behind.committed,
            };
            (behind.applied < seq).then_some((*concert, seq))
        };
        state.sales.iter().filter_map(target).collect()
    }

    /// What was committed about a user and the tables do not have, by sale; and the rows of sales that are not written here any
    /// more, which the tables have to have first. Waits until what is committed was handed over.
    pub async fn unapplied_of(&self, user: UserId) -> (EventsOfUser, Targets) {
        loop {
            let changed = self.changed.notified();
            let found = self.state.lock().unapplied_of(user);
            match found {
                Some(found) => return found,
                None => changed.await,
            }
        }
    }

    /// The rows of a sale from this one on, if the tables have none of them.
    pub fn rows_from(&self, concert: ConcertId, from: u64) -> Option<Vec<Row>> {
        let state = self.state.lock();
        let behind = state.sales.get(&concert).filter(|behind| !behind.is_lost && behind.applied < from)?;
        let rows = behind.parts.iter().filter(|part| part.seq >= from);
        Some(rows.map(|part| (part.seq, part.events.clone())).collect())
    }

    /// Those that the tables do not have yet. Nothing of them waits for its time any more.
    pub fn missing(&self, targets: &[(ConcertId, u64)]) -> Targets {
        let mut state = self.state.lock();
        let mut is_missing = |(concert, seq): &(ConcertId, u64)| {
            let Some(behind) = state.sales.get_mut(concert) else { return false };
            behind.waited_for = behind.waited_for.max(*seq);
            behind.applied < *seq
        };
        let missing: Targets = targets.iter().filter(|target| is_missing(target)).copied().collect();
        drop(state);
        if !missing.is_empty() {
            self.work.notify_one();
        }
        missing
    }

    /// Waits until the tables have all of these, or a sale of them is not written here any more.
    pub async fn have(&self, targets: &[(ConcertId, u64)]) {
        loop {
            let changed = self.changed.notified();
            if self.missing(targets).is_empty() || self.are_lost(targets) {
                return;
            }
            changed.await;
        }
    }

    /// Is it known what was committed of this sale?
    pub fn know(&self, concert: ConcertId) -> bool {
        self.state.lock().sales.contains_key(&concert)
    }

    /// Are there sales among these that this process does not write?
    pub fn are_lost(&self, targets: &[(ConcertId, u64)]) -> bool {
        let state = self.state.lock();
        targets.iter().any(|(concert, _)| state.sales.get(concert).is_some_and(|behind| behind.is_lost))
    }

    /// By how many events, and for how long.
    pub fn lag(&self) -> (usize, Duration) {
        let state = self.state.lock();
        let since = state.sales.values().filter_map(|behind| Some(behind.parts.front()?.since)).min();
        (state.events(), since.map(|since| since.elapsed()).unwrap_or_default())
    }
}

impl State {
    fn events(&self) -> usize {
        self.sales.values().map(|behind| behind.events).sum()
    }

    /// `None`: something of it is not handed over yet.
    fn unapplied_of(&self, user: UserId) -> Option<(EventsOfUser, Targets)> {
        let (mut found, mut lost) = (Vec::new(), Vec::new());
        for (concert, behind) in &self.sales {
            let Some(last) = behind.users.get(&user).copied().filter(|last| *last > behind.applied) else {
                continue;
            };
            if behind.is_lost {
                lost.push((*concert, last));
                continue;
            }
            if behind.parts.back().is_none_or(|part| part.seq < last) {
                return None;
            }
            let of_part = |part: &Part| events_of(user, part.seq, &part.events);
            found.push((*concert, behind.parts.iter().flat_map(of_part).collect()));
        }
        Some((found, lost))
    }

    /// The sale that is due next, and when.
    fn next_due(&self, bounds: Bounds) -> Option<(ConcertId, Instant)> {
        if self.stands_still {
            return None;
        }
        let is_crowded = self.is_waited_for || self.events() >= bounds.young + bounds.at_once;
        let due = |(concert, behind): (&ConcertId, &Behind)| {
            let first = behind.parts.front()?.since;
            let is_due = self.is_ending || is_crowded || behind.waited_for > behind.applied;
            let is_due = is_due || behind.are_settled(bounds.settled);
            let pause = first + limits::FOLLOW_PAUSE;
            let due = self.rests_since.map_or(pause, |since| pause.min(since + limits::FOLLOW_REST));
            Some((*concert, if is_due { first } else { due }))
        };
        self.sales.iter().filter_map(due).min_by_key(|(_, due)| *due)
    }

    /// What is written next of a sale that is due: at least a row of the journal, and nothing that is young, unless somebody waits
    /// for it or nothing comes after it.
    fn following(&mut self, concert: ConcertId, writer: WriterId, bounds: Bounds) -> Following {
        let (all, now) = (self.events(), Instant::now());
        let rests = self.rests_since.is_some_and(|since| now >= since + limits::FOLLOW_REST);
        let is_last_word = self.is_ending || rests;
        let behind = self.sales.get_mut(&concert).expect("what is due is there");
        // What came last may end soon.
        let is_young = |part: &Part, left: usize| {
            let is_new = part.seq > behind.waited_for && now < part.since + limits::FOLLOW_PAUSE / 2;
            part.ends_soon && left < bounds.young && is_new
        };
        let (mut count, mut to, mut events) = (0, behind.applied, Vec::new());
        for part in &behind.parts {
            count += part.events.len();
            let is_later =
                count > bounds.at_once || !is_last_word && is_young(part, all.saturating_sub(count));
            if is_later && to > behind.applied {
                break;
            }
            to = part.seq;
            events.push(part.events.clone());
        }
        let (passed, ends) = behind.ends.give(&events, to);
        Following { concert, writer, from: behind.applied, to, events, passed, ends }
    }
}

impl Behind {
    /// Are there so many events in front of which none ends soon?
    fn are_settled(&self, min: usize) -> bool {
        let mut count = 0;
        let settled = self.parts.iter().take_while(|part| !part.ends_soon);
        settled.map(|part| part.events.len()).any(|events| {
            count += events;
            count >= min
        })
    }

    fn lose(&mut self) {
        self.is_lost = true;
        self.events = 0;
        self.parts.clear();
        self.ends.clear();
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// The events of a row that are about a user.
pub(super) fn events_of(user: UserId, seq: u64, events: &[Event]) -> Vec<(u64, Event)> {
    events.iter().filter(|event| event.user() == Some(user)).map(|event| (seq, event.clone())).collect()
}
