//! A sale in a lane's memory, with its place in the journal and its clock.

use std::sync::Arc;
use std::time::Duration;

use crate::bus::message::SaleTime;
use crate::domain::command::Place;
use crate::domain::concert::Texts;
use crate::domain::event::Event;
use crate::domain::ids::{ConcertId, ConnectionId, UserId};
use crate::domain::line::Order;
use crate::domain::record::Reservation;
use crate::domain::rules::SaleRules;
use crate::domain::sale::{Sale, SaleSnapshot, ScheduleSnapshot};
use crate::domain::time::{Now, Timestamp};
use crate::domain::token_secret::TokenSecret;
use crate::fanout::{Begun, Fanout, SaleView, ScheduleFacts, SeatTopic};
use crate::store::{JournalPosition, LoadedSale, LoadedSchedule};

pub(super) struct RunningSale {
    pub sale: Sale,
    pub view: Arc<SaleView>,
    /// The end of the sale's journal.
    pub journal: JournalPosition,
    /// The claim by which it is run: the journal's row that this added.
    pub epoch: u64,
    outages: Duration,
    /// The milliseconds by which the machine's clock was set since the process began.
    clock_step: i64,
    /// The latest time of the sale, steady: it never goes back.
    latest: Timestamp,
    /// The events that are decided and not committed yet.
    pub events: Vec<Event>,
}

impl RunningSale {
    /// The sale as it was loaded from the store; presence and idle clocks start at `steady`.
    pub fn restored(
        loaded: LoadedSale,
        token_secret: TokenSecret,
        defaults: SaleRules,
        steady: Timestamp,
    ) -> Self {
        let now = Now::at(steady, loaded.outages, 0);
        let mut topics = Vec::with_capacity(loaded.schedules.len());
        let mut schedules = Vec::with_capacity(loaded.schedules.len());
        for schedule in loaded.schedules {
            let (topic, snapshot) = performance(loaded.concert.id, schedule, loaded.journal.seq);
            topics.push(topic);
            schedules.push(snapshot);
        }
        let snapshot = SaleSnapshot {
            concert: loaded.concert.id,
            sells: loaded.sells,
            token_secret,
            settings: loaded.settings,
            archived: loaded.archived,
            texts: Texts {
                title: loaded.concert.title.as_str().into(),
                about: loaded.concert.about.as_deref().map(Box::from),
            },
            order: Order::default(),
            next_entry: loaded.next_entry,
            tokens: loaded.tokens,
            reservations: loaded.reservations,
            lapsed: loaded.lapsed,
            bought: loaded.bought,
            schedules,
        };
        let (seq, outages, takings) = (loaded.journal.seq, loaded.outages, loaded.takings);
        let begun = Begun {
            settings: &snapshot.settings,
            sells: snapshot.sells,
            order: snapshot.order.clone(),
            next_entry: snapshot.next_entry,
            tokens: &snapshot.tokens,
        };
        let view = SaleView::new(loaded.concert, seq, begun, defaults.clone(), outages, takings, topics);
        Self {
            sale: Sale::restored(snapshot, defaults, now.sale),
            view,
            journal: loaded.journal,
            epoch: 0,
            outages: loaded.outages,
            clock_step: 0,
            latest: steady,
            events: Vec::new(),
        }
    }

    /// The sale starts to run at `steady` by a claim, with the outages so far.
    pub fn begin(&mut self, epoch: u64, outages: Duration, steady: Timestamp, clock_step: i64) {
        (self.epoch, self.outages, self.clock_step) = (epoch, outages, clock_step);
        self.latest = self.latest.max(steady);
        self.view.set_time(outages, clock_step);
    }

    /// These were connected when the sale was lost, and still are: they are present, and receive their state afresh.
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
        // The order is that of their opening, so that a simulation replays.
        held.sort_unstable_by_key(|held| held.id);
        fanout.republish(&places, &held);
    }

    pub fn concert(&self) -> ConcertId {
        self.sale.concert()
    }

    /// The sale's time at `steady`; never before a time that it has seen.
    pub fn now(&mut self, steady: Timestamp) -> Now {
        self.latest = self.latest.max(steady);
        self.standing()
    }

    /// The latest time that the sale has seen: where it stands still while the store is out.
    pub fn standing(&self) -> Now {
        Now::at(self.latest, self.outages, self.clock_step)
    }

    /// The difference of sale time and UTC.
    pub fn time(&self) -> SaleTime {
        SaleTime { outages: self.outages, step: self.clock_step }
    }

    /// The steady time at which something is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.sale.next_due(self.standing()).map(|due| due.shifted(-self.clock_step))
    }

    /// A heartbeat found that time had stood still. Those who hold and those who are admitted receive their new
    /// deadlines.
    pub fn count_outages(&mut self, outages: Duration, steady: Timestamp, fanout: &Fanout) {
        if outages <= self.outages {
            return;
        }
        tracing::info!(
            concert.id = self.concert().0,
            outage_ms = (outages - self.outages).as_millis() as u64,
            "time stood still for this sale"
        );
        self.outages = outages;
        self.deadlines_moved(steady, fanout);
    }

    /// The machine's clock was set. Nobody's time is shorter or longer for it, but in UTC it ends at another time.
    pub fn set_clock_step(&mut self, clock_step: i64, steady: Timestamp, fanout: &Fanout) {
        if clock_step == std::mem::replace(&mut self.clock_step, clock_step) {
            return;
        }
        self.deadlines_moved(steady, fanout);
    }

    fn deadlines_moved(&mut self, steady: Timestamp, fanout: &Fanout) {
        self.view.set_time(self.outages, self.clock_step);
        let now = self.now(steady);
        let places: Vec<Place> = self.sale.admitted_places(now);
        let held: Vec<_> = self.sale.held_reservations().cloned().collect();
        fanout.republish(&places, &held);
    }
}

/// A view of a sale that another server runs, as its rows have it at journal place `seq`.
pub(super) fn copy_of(loaded: LoadedSale, seq: u64, defaults: SaleRules) -> Arc<SaleView> {
    let concert = loaded.concert.id;
    let topics = loaded.schedules.into_iter().map(|schedule| performance(concert, schedule, seq).0).collect();
    let begun = Begun {
        settings: &loaded.settings,
        sells: loaded.sells,
        order: Order::default(),
        next_entry: loaded.next_entry,
        tokens: &loaded.tokens,
    };
    // What money made is written together with the journal.
    let places = (seq, loaded.journal.seq);
    SaleView::copied(loaded.concert, places, begun, defaults, loaded.outages, loaded.takings, topics)
}

/// A performance as readers and as the lane have it, at journal place `seq`.
fn performance(concert: ConcertId, loaded: LoadedSchedule, seq: u64) -> (Arc<SeatTopic>, ScheduleSnapshot) {
    let LoadedSchedule { schedule, reason, layout, prices, taken } = loaded;
    let plan = Arc::new(layout.seat_plan());
    let taken = taken
        .into_iter()
        .filter_map(|(seat, status, reservation)| Some((seat, status.state(Some(reservation))?)));
    let taken: Vec<_> = taken.collect();
    let facts = ScheduleFacts { schedule, reason, prices: &prices };
    let topic = SeatTopic::new(concert, facts, layout, plan.clone(), taken.iter().copied(), seq);
    let snapshot = ScheduleSnapshot {
        id: schedule.id,
        starts_at: schedule.starts_at,
        state: schedule.state,
        plan,
        prices,
        taken,
    };
    (topic, snapshot)
}
