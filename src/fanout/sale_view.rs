//! A sale as it was committed: what `concerts`, `schedules` and places in line are answered from.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use super::seat_topic::SeatTopic;
use crate::domain::admission_rate::AdmissionRate;
use crate::domain::command::{LinePosition, Place};
use crate::domain::event::Event;
use crate::domain::ids::{ConnectionId, EntryNo, ScheduleId, SeatId};
use crate::domain::rank::Rank;
use crate::domain::record::{TokenRecord, TokenStatus};
use crate::domain::rules::{SaleRules, SaleSettings};
use crate::domain::seat_plan::SeatPlan;
use crate::domain::time::{Now, Timestamp};
use crate::store::{ConcertRecord, ScheduleRecord, SeatStatus};

pub struct SaleView {
    concert: ConcertRecord,
    sells: bool,
    defaults: SaleRules,
    topics: BTreeMap<ScheduleId, Arc<SeatTopic>>,
    state: RwLock<State>,
}

struct State {
    settings: SaleSettings,
    outages: Duration,
    /// By how many milliseconds the machine's clock was set since the process began.
    step: i64,
    /// The waiting tokens.
    line: Rank,
    /// How many tokens wait or are admitted.
    live: u64,
    rate: AdmissionRate,
}

/// A performance with its seats' figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleView {
    pub schedule: ScheduleRecord,
    pub seats: u64,
    pub available: u64,
    /// Every seat is sold.
    pub sold_out: bool,
}

impl SaleView {
    pub fn new(
        concert: ConcertRecord,
        sells: bool,
        settings: SaleSettings,
        defaults: SaleRules,
        outages: Duration,
        live: &[TokenRecord],
        topics: Vec<Arc<SeatTopic>>,
    ) -> Arc<Self> {
        let waiting = live.iter().filter(|token| token.status == TokenStatus::Waiting);
        let mut waiting = waiting.map(|token| token.entry).peekable();
        let mut line = Rank::starting_at(waiting.peek().copied().unwrap_or(EntryNo(0)));
        waiting.for_each(|entry| line.insert(entry));
        let live = live.len() as u64;
        let state = State { settings, outages, step: 0, line, live, rate: AdmissionRate::default() };
        let topics = topics.into_iter().map(|topic| (topic.schedule().id, topic)).collect();
        Arc::new(Self { concert, sells, defaults, topics, state: RwLock::new(state) })
    }

    pub fn concert(&self) -> &ConcertRecord {
        &self.concert
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
        self.state.read().settings.own.over(&self.defaults)
    }

    /// The difference of UTC and sale time: by so many milliseconds a deadline in sale time is later in UTC.
    pub fn ahead(&self) -> i64 {
        let state = self.state.read();
        state.outages.as_millis() as i64 + state.step
    }

    pub fn now(&self, steady: Timestamp) -> Now {
        let state = self.state.read();
        Now::at(steady, state.outages, state.step)
    }

    pub fn topics(&self) -> impl Iterator<Item = &Arc<SeatTopic>> {
        self.topics.values()
    }

    pub fn topic(&self, schedule: ScheduleId) -> Option<Arc<SeatTopic>> {
        self.topics.get(&schedule).cloned()
    }

    pub fn plan(&self, schedule: ScheduleId) -> Option<Arc<SeatPlan>> {
        self.topics.get(&schedule).map(|topic| topic.plan().clone())
    }

    /// The performances that have not started, in the order of their start.
    pub fn listing(&self, utc: Timestamp) -> Vec<ScheduleView> {
        let mut listed: Vec<_> = self
            .topics
            .values()
            .filter(|topic| topic.schedule().starts_at > utc)
            .map(|topic| {
                let (available, held, sold) = topic.counts();
                let seats = available + held + sold;
                ScheduleView { schedule: topic.schedule(), seats, available, sold_out: sold == seats }
            })
            .collect();
        listed.sort_by_key(|view| (view.schedule.starts_at, view.schedule.id));
        listed
    }

    /// A token's place by what is committed now.
    pub fn place(&self, record: &TokenRecord, now: Now) -> Place {
        let listing = self.listing(now.utc);
        let sold_out = !listing.is_empty() && listing.iter().all(|schedule| schedule.sold_out);
        let full = listing.iter().all(|schedule| schedule.available == 0);
        let state = self.state.read();
        let line = (record.status == TokenStatus::Waiting).then(|| {
            let position = state.line.before(record.entry) + 1;
            // Nobody knows when a seat of a full house becomes free.
            let eta_seconds = (!full).then(|| state.rate.eta_seconds(position, now.utc)).flatten();
            LinePosition { position, eta_seconds }
        });
        let idle_ttl = state.settings.own.idle_ttl.unwrap_or(self.defaults.idle_ttl);
        // Told right after the admission, which is the token's first activity.
        let idle_at = (record.status == TokenStatus::Progress).then(|| now.sale + idle_ttl);
        Place { record: record.clone(), line, waiting: state.line.len(), sold_out, idle_at }
    }

    /// Is this token still waiting?
    pub fn is_waiting(&self, entry: EntryNo) -> bool {
        self.state.read().line.contains(entry)
    }

    /// How many tokens wait.
    pub fn waiting(&self) -> u64 {
        self.state.read().line.len()
    }

    /// Has anybody a live token?
    pub fn is_visited(&self) -> bool {
        self.state.read().live > 0
    }

    /// The sale's outages, after a heartbeat counted them, and the step of the machine's clock.
    pub fn set_time(&self, outages: Duration, step: i64) {
        let mut state = self.state.write();
        (state.outages, state.step) = (outages, step);
    }

    /// What a commit at journal place `seq` changed.
    pub fn apply(&self, seq: u64, events: &[Event]) {
        let mut seats: BTreeMap<ScheduleId, Vec<(SeatId, SeatStatus)>> = BTreeMap::new();
        let mut state = self.state.write();
        for event in events {
            match event {
                Event::Joined(token) => {
                    state.line.insert(token.entry);
                    state.live += 1;
                }
                Event::Admitted(token) => {
                    state.line.remove(token.entry);
                    state.rate.record(token.admitted_at.unwrap_or(token.entered_at));
                }
                Event::TokenEnded(token) => {
                    state.line.remove(token.entry);
                    state.live -= 1;
                }
                Event::SettingsChanged { after, .. } => state.settings = (**after).clone(),
                Event::SeatsHeld { reservation, seats: changed, .. } => seats
                    .entry(reservation.schedule)
                    .or_default()
                    .extend(changed.iter().map(|&seat| (seat, SeatStatus::TempReserved))),
                Event::SeatsReleased { reservation, seats: changed } => seats
                    .entry(reservation.schedule)
                    .or_default()
                    .extend(changed.iter().map(|&seat| (seat, SeatStatus::Available))),
                Event::ReservationEnded { reservation, .. } | Event::Refunded { reservation, .. } => seats
                    .entry(reservation.schedule)
                    .or_default()
                    .extend(reservation.seats.iter().map(|&seat| (seat, SeatStatus::Available))),
                Event::Paid { reservation, .. } => seats
                    .entry(reservation.schedule)
                    .or_default()
                    .extend(reservation.seats.iter().map(|&seat| (seat, SeatStatus::Reserved))),
            }
        }
        drop(state);
        for (schedule, changes) in seats {
            if let Some(topic) = self.topics.get(&schedule) {
                topic.apply(seq, changes.into_iter());
            }
        }
    }

    pub(super) fn unwatch_all(&self, connection: ConnectionId) {
        self.topics.values().for_each(|topic| topic.unwatch(connection));
    }

    pub(super) fn adopt_watchers(&self, former: &SaleView) {
        for (schedule, topic) in &self.topics {
            if let Some(old) = former.topics.get(schedule) {
                topic.adopt_watchers(old);
            }
        }
    }
}
