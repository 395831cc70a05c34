//! A sale as it was committed: what `concerts`, `schedules` and places in line are answered from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use frontrow_protocol::SeatState;
use parking_lot::RwLock;

use super::seat_topic::{ScheduleFacts, ScheduleStanding, SeatCounts, SeatTopic};
use super::tally::{Tallied, Tally};
use crate::domain::command::Place;
use crate::domain::event::{Description, Event, Repricing, ScheduleAdded, SoldAtDesk};
use crate::domain::ids::{ConcertId, ConnectionId, EntryNo, ScheduleId, SeatId};
use crate::domain::line::{self, Line, Order, Stock};
use crate::domain::record::{ScheduleState, Takings, TokenRecord, TokenStatus};
use crate::domain::rules::{SaleRules, SaleSettings};
use crate::domain::seat_plan::SeatPlan;
use crate::domain::time::{Now, Timestamp};
use crate::store::{ConcertRecord, ScheduleRecord};

pub struct SaleView {
    id: ConcertId,
    rehearsal_of: Option<ConcertId>,
    sells: bool,
    defaults: SaleRules,
    /// Grows when a performance is added.
    topics: RwLock<BTreeMap<ScheduleId, Arc<SeatTopic>>>,
    state: RwLock<State>,
    tally: Tally,
    /// Another server runs the sale, and this follows what it commits.
    is_copy: AtomicBool,
    /// Events up to this row of the journal are counted in what the view began with.
    counted_to: u64,
}

struct State {
    /// The last row of the journal that is taken in.
    seq: u64,
    concert: Arc<ConcertRecord>,
    settings: SaleSettings,
    outages: Duration,
    /// The milliseconds by which the machine's clock was set since the process began.
    step: i64,
    /// The rules in force.
    rules: SaleRules,
    /// The journal's place of the last change of what is said of the sale.
    revision: u64,
    /// The same of the concert's texts alone.
    described: u64,
    line: Line,
    /// The tokens that are admitted.
    admitted: BTreeSet<EntryNo>,
}

/// A sale as a view of it begins.
pub struct Begun<'a> {
    pub settings: &'a SaleSettings,
    pub sells: bool,
    pub order: Order,
    pub next_entry: EntryNo,
    /// Those that wait or are admitted.
    pub tokens: &'a [TokenRecord],
}

/// A performance with its seats' figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleView {
    pub schedule: ScheduleRecord,
    pub seats: u64,
    pub available: u64,
    /// Seats that the house keeps from sale.
    pub restricted: u64,
    /// Every seat that is for sale is sold.
    pub sold_out: bool,
    /// Why it was moved or called off.
    pub reason: Option<Arc<str>>,
}

/// How a sale stands, as far as operators see it: its rules and every figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub concert: ConcertRecord,
    pub settings: SaleSettings,
    /// The rules in force.
    pub rules: SaleRules,
    pub waiting: u64,
    pub progress: u64,
    pub admissions_last_minute: u64,
    /// In the order of their start.
    pub schedules: Vec<ScheduleStanding>,
    pub tallied: Tallied,
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowd {
    pub waiting: u64,
    /// Admitted.
    pub progress: u64,
}

impl Standing {
    /// The seats of all performances.
    pub fn counts(&self) -> SeatCounts {
        self.schedules.iter().fold(SeatCounts::default(), |sum, schedule| sum + schedule.counts)
    }
}

impl SaleView {
    /// A view of a sale as a lane begins to run it, at journal place `seq`.
    pub fn new(
        concert: ConcertRecord,
        seq: u64,
        begun: Begun<'_>,
        defaults: SaleRules,
        outages: Duration,
        takings: Takings,
        topics: Vec<Arc<SeatTopic>>,
    ) -> Arc<Self> {
        Arc::new(Self::begun(concert, seq, begun, defaults, outages, takings, topics))
    }

    /// A view of a sale that another server runs. What it sold up to journal place `counted_to`, which may be later than `seq`,
    /// is in `takings`.
    pub fn copied(
        concert: ConcertRecord,
        (seq, counted_to): (u64, u64),
        begun: Begun<'_>,
        defaults: SaleRules,
        outages: Duration,
        takings: Takings,
        topics: Vec<Arc<SeatTopic>>,
    ) -> Arc<Self> {
        let view = Self::begun(concert, seq, begun, defaults, outages, takings, topics);
        Arc::new(Self { is_copy: true.into(), counted_to, ..view })
    }

    fn begun(
        concert: ConcertRecord,
        seq: u64,
        Begun { settings, sells, order, next_entry, tokens }: Begun<'_>,
        defaults: SaleRules,
        outages: Duration,
        takings: Takings,
        topics: Vec<Arc<SeatTopic>>,
    ) -> Self {
        let (id, rehearsal_of) = (concert.id, concert.rehearsal_of);
        let is_admitted = |token: &&TokenRecord| token.status == TokenStatus::Progress;
        let state = State {
            seq,
            concert: Arc::new(concert),
            rules: settings.own.over(&defaults),
            settings: settings.clone(),
            outages,
            step: 0,
            revision: seq,
            described: seq,
            line: Line::restored(order, next_entry, tokens),
            admitted: tokens.iter().filter(is_admitted).map(|token| token.entry).collect(),
        };
        let topics = topics.into_iter().map(|topic| (topic.id(), topic)).collect();
        let (topics, state, tally) = (RwLock::new(topics), RwLock::new(state), Tally::new(takings));
        let is_copy = false.into();
        Self { id, rehearsal_of, sells, defaults, topics, state, tally, is_copy, counted_to: seq }
    }

    pub fn id(&self) -> ConcertId {
        self.id
    }

    /// The last row of the journal that is taken in.
    pub fn seq(&self) -> u64 {
        self.state.read().seq
    }

    /// Does another server run the sale?
    pub fn is_copy(&self) -> bool {
        self.is_copy.load(Ordering::Acquire)
    }

    /// From now on another server runs the sale.
    pub(super) fn become_copy(&self) {
        self.is_copy.store(true, Ordering::Release);
    }

    /// The journal has rows up to this one, and nothing happened in those that are not taken in.
    pub fn pass(&self, seq: u64) {
        self.state.write().seq = seq;
    }

    /// Is it a hidden copy of another one?
    pub fn is_rehearsal(&self) -> bool {
        self.rehearsal_of.is_some()
    }

    /// What is said of the concert, which an operator may change.
    pub fn concert(&self) -> Arc<ConcertRecord> {
        self.state.read().concert.clone()
    }

    /// Rises with each change of what is said of the concert and its performances, besides the settings: of titles, texts,
    /// prices and starts, and when one is called off. It says nothing else: who has seen a lower one has seen something else.
    pub fn revision(&self) -> u64 {
        self.state.read().revision
    }

    /// The same of what the drawing of a performance says: the concert's texts, and prices of its own.
    pub fn drawing_revision(&self, topic: &SeatTopic) -> u64 {
        self.state.read().described.max(topic.revision())
    }

    /// Is it in the wallets' currency? What is not is shown as closed.
    pub fn sells(&self) -> bool {
        self.sells
    }

    pub fn settings(&self) -> SaleSettings {
        self.state.read().settings.clone()
    }

    /// The rules in force.
    pub fn rules(&self) -> SaleRules {
        self.state.read().rules.clone()
    }

    /// The difference of UTC and sale time: by so many milliseconds a deadline in sale time is later in UTC.
    pub fn ahead(&self) -> i64 {
        let state = self.state.read();
        state.outages.as_millis() as i64 + state.step
    }

    /// The sale's outages, and the step of its owner's clock.
    pub fn time(&self) -> (Duration, i64) {
        let state = self.state.read();
        (state.outages, state.step)
    }

    pub fn now(&self, steady: Timestamp) -> Now {
        let state = self.state.read();
        Now::at(steady, state.outages, state.step)
    }

    /// By performance.
    pub fn topics(&self) -> impl Iterator<Item = Arc<SeatTopic>> + use<> {
        // Nobody holds the lock while they look at one after the other.
        self.topics.read().values().cloned().collect::<Vec<_>>().into_iter()
    }

    pub fn topic(&self, schedule: ScheduleId) -> Option<Arc<SeatTopic>> {
        self.topics.read().get(&schedule).cloned()
    }

    /// The seats of a performance that has not begun and is played: what nobody can hold any more is shown to nobody either.
    pub fn topic_on_sale(&self, schedule: ScheduleId, utc: Timestamp) -> Option<Arc<SeatTopic>> {
        self.topic(schedule).filter(|topic| {
            let ScheduleRecord { starts_at, state, .. } = topic.schedule();
            starts_at > utc && state == ScheduleState::Planned
        })
    }

    pub fn plan(&self, schedule: ScheduleId) -> Option<Arc<SeatPlan>> {
        self.topics.read().get(&schedule).map(|topic| topic.plan().clone())
    }

    /// The performances that have not started, in the order of their start, and those that are called off until they would have.
    pub fn listing(&self, utc: Timestamp) -> Vec<ScheduleView> {
        let mut listed: Vec<_> = self
            .topics
            .read()
            .values()
            .map(|topic| (topic.glance(), topic.reason()))
            .filter(|((schedule, _), _)| schedule.starts_at > utc)
            .map(|((schedule, counts), reason)| {
                let (seats, SeatCounts { available, sold, restricted, .. }) = (counts.seats(), counts);
                let sold_out = sold > 0 && sold == counts.for_sale();
                ScheduleView { schedule, seats, available, restricted, sold_out, reason }
            })
            .collect();
        listed.sort_by_key(|view| (view.schedule.starts_at, view.schedule.id));
        listed
    }

    /// Those of the listed ones that are played.
    pub fn played(&self, utc: Timestamp) -> Vec<ScheduleView> {
        let mut played = self.listing(utc);
        played.retain(|view| view.schedule.state == ScheduleState::Planned);
        played
    }

    /// A token's place by what is committed now; of an admitted one as it is published right after its admission, which is the
    /// first activity: of later ones only the lane knows.
    pub fn place(&self, record: &TokenRecord, now: Now) -> Place {
        self.state.read().place(record, self.stock(now), now)
    }

    /// The place of a token that still waits.
    pub fn place_in_line(&self, record: &TokenRecord, now: Now) -> Option<Place> {
        let stock = self.stock(now);
        let state = self.state.read();
        state.line.contains(record.entry).then(|| state.place(record, stock, now))
    }

    fn stock(&self, now: Now) -> Stock {
        let topics = self.topics.read();
        let glances = topics.values().map(|topic| topic.glance());
        let played = glances.filter(|(schedule, _)| schedule.state == ScheduleState::Planned);
        let counts = |(schedule, counts): (ScheduleRecord, SeatCounts)| line::SeatCounts {
            starts_at: schedule.starts_at,
            for_sale: counts.for_sale(),
            available: counts.available,
            sold: counts.sold,
        };
        Stock::of(played.map(counts), now.utc)
    }

    /// What happened since the sale is run here.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    pub fn standing(&self, utc: Timestamp) -> Standing {
        let mut schedules: Vec<_> = self.topics.read().values().map(|topic| topic.standing()).collect();
        schedules.sort_by_key(|standing| (standing.schedule.starts_at, standing.schedule.id));
        let state = self.state.read();
        Standing {
            concert: ConcertRecord::clone(&state.concert),
            settings: state.settings.clone(),
            rules: state.rules.clone(),
            waiting: state.line.len(),
            progress: state.admitted.len() as u64,
            admissions_last_minute: state.line.admissions_last_minute(utc),
            schedules,
            tallied: self.tally.copy(),
        }
    }

    pub fn crowd(&self) -> Crowd {
        let state = self.state.read();
        Crowd { waiting: state.line.len(), progress: state.admitted.len() as u64 }
    }

    /// Is this token still waiting?
    pub fn is_waiting(&self, entry: EntryNo) -> bool {
        self.state.read().line.contains(entry)
    }

    /// The number of tokens that wait.
    pub fn waiting(&self) -> u64 {
        self.state.read().line.len()
    }

    /// Has anybody a live token?
    pub fn is_visited(&self) -> bool {
        self.state.read().is_visited()
    }

    /// The sale's outages, after a heartbeat counted them, and the step of the machine's clock.
    pub fn set_time(&self, outages: Duration, step: i64) {
        let mut state = self.state.write();
        (state.outages, state.step) = (outages, step);
    }

    /// Takes in what a commit at journal place `seq` changed.
    pub fn apply(&self, seq: u64, events: &[Event]) {
        let mut seats: BTreeMap<ScheduleId, Vec<(SeatId, SeatState)>> = BTreeMap::new();
        let mut state = self.state.write();
        state.seq = seq;
        for event in events {
            if seq > self.counted_to {
                self.tally.happened(event);
            }
            match event {
                Event::Joined(token) => state.line.join(token),
                Event::Admitted(token) => {
                    state.line.leave(token.entry);
                    state.admitted.insert(token.entry);
                    state.line.note_admission(token.admitted_at.unwrap_or(token.entered_at));
                }
                Event::TokenEnded(token) => {
                    state.line.leave(token.entry);
                    state.admitted.remove(&token.entry);
                }
                Event::Described(Description { after, .. }) => {
                    (state.revision, state.described) = (seq, seq);
                    let before = &*state.concert;
                    state.concert = Arc::new(ConcertRecord {
                        title: after.title.to_string(),
                        about: after.about.as_ref().map(ToString::to_string),
                        ..before.clone()
                    });
                }
                Event::Repriced(Repricing { schedule, changed, .. }) => {
                    state.revision = seq;
                    if let Some(topic) = self.topic(*schedule) {
                        topic.reprice(seq, changed.iter().map(|of| (of.category, of.after)));
                    }
                }
                Event::ScheduleAdded(added) => {
                    state.revision = seq;
                    self.add_topic(seq, added);
                }
                Event::Rescheduled(moved) => {
                    state.revision = seq;
                    if let Some(topic) = self.topic(moved.schedule) {
                        topic.moved(moved.after, moved.reason.as_deref());
                    }
                }
                // It is shown to nobody any more, as soon as its lane has put it away.
                Event::Archived(_) => {}
                Event::CalledOff(off) => {
                    state.revision = seq;
                    if let Some(topic) = self.topic(off.schedule) {
                        topic.called_off(&off.reason);
                    }
                }
                Event::SettingsChanged { after, .. } => {
                    state.rules = after.own.over(&self.defaults);
                    state.settings = (**after).clone();
                }
                Event::SeatsHeld { reservation, seats: changed, .. } => seats
                    .entry(reservation.schedule)
                    .or_default()
                    .extend(changed.iter().map(|&seat| (seat, SeatState::TempReserved))),
                Event::SeatsReleased { reservation, seats: changed } => seats
                    .entry(reservation.schedule)
                    .or_default()
                    .extend(changed.iter().map(|&seat| (seat, SeatState::Available))),
                Event::Refunded(of) => seats
                    .entry(of.reservation.schedule)
                    .or_default()
                    .extend(of.seats.iter().map(|&seat| (seat, SeatState::Available))),
                Event::SeatMoved(moved) => seats
                    .entry(moved.reservation.schedule)
                    .or_default()
                    .extend([(moved.from, SeatState::Available), (moved.to, SeatState::Reserved)]),
                Event::ReservationEnded { reservation, .. } => seats
                    .entry(reservation.schedule)
                    .or_default()
                    .extend(reservation.seats.iter().map(|&seat| (seat, SeatState::Available))),
                Event::SeatsRestricted(kept) => seats
                    .entry(kept.schedule)
                    .or_default()
                    .extend(kept.seats.iter().map(|&seat| (seat, SeatState::Restricted))),
                Event::SeatsUnrestricted(opened) => seats
                    .entry(opened.schedule)
                    .or_default()
                    .extend(opened.seats.iter().map(|&seat| (seat, SeatState::Available))),
                Event::Paid { reservation, .. } | Event::SoldAtDesk(SoldAtDesk { reservation, .. }) => seats
                    .entry(reservation.schedule)
                    .or_default()
                    .extend(reservation.seats.iter().map(|&seat| (seat, SeatState::Reserved))),
            }
        }
        drop(state);
        for (schedule, changes) in seats {
            if let Some(topic) = self.topic(schedule) {
                topic.apply(seq, changes.into_iter());
            }
        }
    }

    pub(super) fn unwatch_all(&self, connection: ConnectionId) {
        self.topics.read().values().for_each(|topic| topic.unwatch(connection));
    }

    pub(super) fn adopt_watchers(&self, former: &SaleView) {
        for (schedule, topic) in &*self.topics.read() {
            if let Some(old) = former.topic(*schedule) {
                topic.adopt_watchers(&old);
            }
        }
    }

    /// Another performance, in the hall of the others.
    fn add_topic(&self, seq: u64, added: &ScheduleAdded) {
        let mut topics = self.topics.write();
        let Some((layout, plan)) = topics.values().next().map(|of| (of.layout().clone(), of.plan().clone()))
        else {
            return;
        };
        let (id, starts_at, prices) = (added.schedule, added.starts_at, added.own_prices());
        let schedule = ScheduleRecord { id, starts_at, state: ScheduleState::Planned };
        let facts = ScheduleFacts { schedule, reason: None, prices: &prices };
        topics.insert(id, SeatTopic::new(self.id, facts, layout, plan, std::iter::empty(), seq));
    }
}

impl State {
    fn is_visited(&self) -> bool {
        !self.line.is_empty() || !self.admitted.is_empty()
    }

    fn place(&self, record: &TokenRecord, stock: Stock, now: Now) -> Place {
        let active_at = record.admitted_at.map(|at| now.in_sale_time(at));
        self.line.place(record.clone(), active_at, stock, &self.rules, now)
    }
}
