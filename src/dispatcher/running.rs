//! A sale in a lane's memory, with its place in the journal and its clock.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::command::Place;
use crate::domain::event::Event;
use crate::domain::ids::{ConcertId, ConnectionId, UserId};
use crate::domain::record::{Reservation, TokenStatus};
use crate::domain::rules::SaleRules;
use crate::domain::sale::{Sale, SaleSnapshot, ScheduleSnapshot};
use crate::domain::seat_map::SeatState;
use crate::domain::time::{Now, Timestamp};
use crate::fanout::{Fanout, SaleView, SeatTopic};
use crate::store::{JournalPosition, LoadedSale, SeatStatus};

pub(super) struct RunningSale {
    pub sale: Sale,
    pub view: Arc<SaleView>,
    /// Where the sale's journal ends.
    pub journal: JournalPosition,
    outages: Duration,
    /// Time never goes back for a sale, whatever the clock does.
    latest: Timestamp,
    /// Decided and not committed yet.
    pub events: Vec<Event>,
}

impl RunningSale {
    /// From the store; presence and idle clocks start at `utc`.
    pub fn restored(loaded: LoadedSale, defaults: SaleRules, utc: Timestamp) -> Self {
        let now = Now::new(utc, loaded.outages);
        let mut topics = Vec::with_capacity(loaded.schedules.len());
        let mut schedules = Vec::with_capacity(loaded.schedules.len());
        for schedule in loaded.schedules {
            let plan = Arc::new(schedule.layout.seat_plan());
            let taken = schedule.taken.iter().filter_map(|(seat, status, reservation)| {
                let state = match status {
                    SeatStatus::Available => return None,
                    SeatStatus::TempReserved => SeatState::Held(*reservation),
                    SeatStatus::Reserved => SeatState::Sold(*reservation),
                };
                Some((*seat, state))
            });
            schedules.push(ScheduleSnapshot {
                id: schedule.schedule.id,
                starts_at: schedule.schedule.starts_at,
                plan: plan.clone(),
                taken: taken.collect(),
            });
            topics.push(SeatTopic::new(
                loaded.concert.id,
                schedule.schedule,
                schedule.layout,
                plan,
                schedule.taken.iter().map(|(seat, status, _)| (*seat, *status)),
                loaded.journal.seq,
            ));
        }
        let waiting = loaded.tokens.iter().filter(|token| token.status == TokenStatus::Waiting);
        let view = SaleView::new(
            loaded.concert.clone(),
            loaded.settings.clone(),
            defaults.clone(),
            loaded.outages,
            waiting.map(|token| token.entry),
            topics,
        );
        let snapshot = SaleSnapshot {
            concert: loaded.concert.id,
            settings: loaded.settings,
            next_entry: loaded.next_entry,
            tokens: loaded.tokens,
            reservations: loaded.reservations,
            schedules,
        };
        Self {
            sale: Sale::restored(snapshot, defaults, now.sale),
            view,
            journal: loaded.journal,
            outages: loaded.outages,
            latest: utc,
            events: Vec::new(),
        }
    }

    /// The sale starts to run at `utc`, with the outages so far.
    pub fn begin(&mut self, outages: Duration, utc: Timestamp) {
        self.outages = outages;
        self.latest = self.latest.max(utc);
        self.view.set_outages(outages);
    }

    /// These were connected when the sale was lost, and still are: they are present, and hear their state afresh.
    pub fn welcome_back(&mut self, present: &[(UserId, ConnectionId)], fanout: &Fanout) {
        let now = self.standing();
        let mut users: Vec<UserId> = Vec::with_capacity(present.len());
        for (user, connection) in present {
            self.sale.connect(*user, *connection);
            users.push(*user);
        }
        users.sort_unstable();
        users.dedup();
        let places: Vec<Place> =
            users.iter().filter_map(|user| self.sale.place_of_user(*user, now)).collect();
        let is_theirs = |held: &&Reservation| users.binary_search(&held.user).is_ok();
        let mut held: Vec<_> = self.sale.held_reservations().filter(is_theirs).cloned().collect();
        // As they were opened, and so that a simulation replays.
        held.sort_unstable_by_key(|held| held.id);
        fanout.retell(&places, &held);
    }

    pub fn concert(&self) -> ConcertId {
        self.sale.concert()
    }

    /// The sale's time at `utc`; never before a time that it has seen.
    pub fn now(&mut self, utc: Timestamp) -> Now {
        self.latest = self.latest.max(utc);
        Now::new(self.latest, self.outages)
    }

    /// The latest time that the sale has seen: where it stands still while the store is out.
    pub fn standing(&self) -> Now {
        Now::new(self.latest, self.outages)
    }

    /// UTC: when something is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.sale.next_due(self.standing())
    }

    /// A heartbeat found that time had stood still. Those who hold and those who are admitted hear their new
    /// deadlines.
    pub fn count_outages(&mut self, outages: Duration, utc: Timestamp, fanout: &Fanout) {
        if outages <= self.outages {
            return;
        }
        tracing::info!(
            concert.id = self.concert().0,
            outage_ms = (outages - self.outages).as_millis() as u64,
            "time stood still for this sale"
        );
        self.outages = outages;
        self.view.set_outages(outages);
        let now = self.now(utc);
        let places: Vec<Place> = self.sale.admitted_places(now);
        let held: Vec<_> = self.sale.held_reservations().cloned().collect();
        fanout.retell(&places, &held);
    }
}
