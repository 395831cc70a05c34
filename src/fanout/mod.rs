//! What was committed, for those who read and those who wait. Reads never wait for a commit: positions,
//! schedules and seats are answered from copies that a lane updates after each commit.
//!
//! Always: nothing is here that is not durable. What goes to many is encoded once. A slow connection keeps the
//! newest value of a register, never a backlog. Not here: sockets, SQL, any decision.

mod line;
mod reply;
mod sale_view;
mod seat_topic;
mod subscriber;

use std::collections::HashMap;
use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::RwLock;
use tokio::runtime::Handle;

pub use line::push_places;
pub use reply::{Refusal, Reply, ReplyTo};
pub use sale_view::{SaleView, ScheduleView};
pub use seat_topic::{SeatSnapshot, SeatTopic};
pub use subscriber::{Delivery, Outlet, SaleNews, Subscriber, Written};

use crate::domain::command::{Answer, Place};
use crate::domain::event::Event;
use crate::domain::ids::{ConcertId, ConnectionId, ScheduleId, UserId};
use crate::domain::record::{Reservation, ReservationStatus};
use crate::domain::rules::SaleSettings;
use crate::domain::time::Now;
use crate::supervisor::Supervisor;
use line::PlaceWheel;

/// The sales that run here, and who is connected.
#[derive(Default)]
pub struct Fanout {
    sales: RwLock<Directory>,
    /// Every connection of a user, oldest first.
    users: DashMap<UserId, Vec<Arc<Subscriber>>>,
    wheel: PlaceWheel,
}

#[derive(Default)]
struct Directory {
    by_concert: HashMap<ConcertId, Arc<SaleView>>,
    by_schedule: HashMap<ScheduleId, Arc<SaleView>>,
    /// Sales that do not run here any more, kept for those who still watch them: they may come back.
    hidden: HashMap<ConcertId, Arc<SaleView>>,
}

impl Fanout {
    pub fn sale(&self, concert: ConcertId) -> Option<Arc<SaleView>> {
        self.sales.read().by_concert.get(&concert).cloned()
    }

    pub fn sale_of_schedule(&self, schedule: ScheduleId) -> Option<Arc<SaleView>> {
        self.sales.read().by_schedule.get(&schedule).cloned()
    }

    /// In ascending order of concerts.
    pub fn sales(&self) -> Vec<Arc<SaleView>> {
        let mut sales: Vec<_> = self.sales.read().by_concert.values().cloned().collect();
        sales.sort_by_key(|sale| sale.concert().id);
        sales
    }

    /// Shows a sale that was loaded; an older view of the same sale is replaced, and its watchers move over. Rounds are
    /// written where connections live, and not on the thread of the lane that shows it.
    pub fn show(&self, view: Arc<SaleView>, home: &Handle, supervisor: &Arc<Supervisor>) {
        let mut directory = self.sales.write();
        for topic in view.topics() {
            directory.by_schedule.insert(topic.schedule().id, view.clone());
            // Only a weak one is kept: a topic ends when nobody else has a use for it.
            let kept = Arc::downgrade(topic);
            supervisor.keep(home, format!("rounds of performance {}", topic.schedule().id), move || {
                let topic = kept.upgrade();
                async move {
                    if let Some(topic) = topic {
                        topic.run_rounds().await;
                    }
                }
            });
        }
        let hidden = directory.hidden.remove(&view.concert().id);
        let former = directory.by_concert.insert(view.concert().id, view.clone()).or(hidden);
        drop(directory);
        if let Some(former) = former {
            view.adopt_watchers(&former);
        }
    }

    /// Hides a sale that another process runs now, or that is being rebuilt.
    pub fn hide(&self, concert: ConcertId) {
        let mut directory = self.sales.write();
        if let Some(view) = directory.by_concert.remove(&concert) {
            directory.hidden.insert(concert, view);
        }
        directory.by_schedule.retain(|_, sale| sale.concert().id != concert);
    }

    /// Registers a connection under its user. Gives back the user's oldest one if they are more than `max` now;
    /// the caller closes it.
    pub fn connect(&self, user: UserId, subscriber: &Arc<Subscriber>, max: usize) -> Option<Arc<Subscriber>> {
        let mut connections = self.users.entry(user).or_default();
        if connections.iter().any(|known| known.id() == subscriber.id()) {
            return None;
        }
        connections.push(subscriber.clone());
        (connections.len() > max).then(|| connections.remove(0))
    }

    pub fn is_connected(&self, user: UserId, connection: ConnectionId) -> bool {
        self.users.get(&user).is_some_and(|known| known.iter().any(|known| known.id() == connection))
    }

    pub fn disconnect(&self, user: UserId, connection: ConnectionId) {
        self.users.remove_if_mut(&user, |_, connections| {
            connections.retain(|known| known.id() != connection);
            connections.is_empty()
        });
    }

    /// From now on the connection gets the pushes of its user's token in this sale.
    pub fn attach(&self, concert: ConcertId, subscriber: &Arc<Subscriber>) {
        subscriber.carry(concert);
    }

    /// Answers, after the commit that the answer rests on.
    pub fn answer(&self, to: ReplyTo, reply: Reply) {
        if let ReplyTo::Session { subscriber, .. } = &to
            && let Ok(Answer::Queue { place, .. } | Answer::Resumed { place, .. }) = &reply
        {
            self.follow_place(subscriber, place);
        }
        to.send(reply);
    }

    /// Tells a committed event to those whom it concerns, except for what `told` was answered already.
    pub fn tell(&self, view: &SaleView, event: &Event, now: Now, told: Option<&Told>) {
        match event {
            Event::Joined(_) => {}
            Event::Admitted(record) | Event::TokenEnded(record) => {
                let place = view.place(record, now);
                self.each_connection(record.user, |subscriber| {
                    if subscriber.carries(record.concert)
                        && !told.is_some_and(|t| t.knows_place(subscriber, &place))
                    {
                        subscriber.offer_place(place.clone());
                    }
                    if matches!(record.status, crate::domain::record::TokenStatus::Expired(_)) {
                        view.unwatch_all(subscriber.id());
                    }
                });
            }
            Event::SeatsHeld { reservation, .. }
            | Event::SeatsReleased { reservation, .. }
            | Event::ReservationEnded { reservation, .. }
            | Event::Paid { reservation, .. }
            | Event::Refunded { reservation, .. } => self.each_connection(reservation.user, |subscriber| {
                if !told.is_some_and(|t| t.knows_reservation(subscriber, reservation)) {
                    subscriber.offer_reservation(reservation.clone());
                }
            }),
            Event::SettingsChanged { before, after } => {
                let shown = |of: &SaleSettings| (of.state, of.opens_at, of.message.clone());
                if shown(before) != shown(after) {
                    let (state, opens_at, message) = shown(after);
                    let news = SaleNews { concert: view.concert().id, state, opens_at, message };
                    for connections in &self.users {
                        for subscriber in connections.iter().filter(|s| s.carries(news.concert)) {
                            subscriber.offer_sale(news.clone());
                        }
                    }
                    // Who watches may be done with the line, or never was in it by this connection.
                    for watcher in view.topics().flat_map(|topic| topic.every_watcher()) {
                        watcher.offer_sale(news.clone());
                    }
                }
            }
        }
    }

    /// Tells a sale's connections their state afresh, after an outage moved the deadlines or the sale was rebuilt.
    pub fn retell(&self, places: &[Place], reservations: &[Reservation]) {
        for place in places {
            self.each_connection(place.record.user, |subscriber| {
                if subscriber.carries(place.record.concert) {
                    subscriber.offer_place(place.clone());
                }
            });
        }
        for reservation in reservations {
            self.each_connection(reservation.user, |subscriber| {
                subscriber.offer_reservation(reservation.clone());
            });
        }
    }

    /// How many users and connections there are.
    pub fn connected_users(&self) -> usize {
        self.users.len()
    }

    fn follow_place(&self, subscriber: &Arc<Subscriber>, place: &Place) {
        if place.line.is_some() {
            self.wheel.follow(subscriber.clone(), place);
        }
    }

    fn each_connection(&self, user: UserId, mut tell: impl FnMut(&Arc<Subscriber>)) {
        if let Some(connections) = self.users.get(&user) {
            for subscriber in connections.iter() {
                tell(subscriber);
            }
        }
    }
}

/// What the asking connection learns from its answer, and need not be pushed again.
pub struct Told {
    connection: ConnectionId,
    place: Option<Place>,
    reservation: Option<(crate::domain::ids::ReservationId, ReservationStatus)>,
}

impl Told {
    pub fn of(to: &ReplyTo, reply: &Reply) -> Option<Self> {
        let (ReplyTo::Session { subscriber, .. }, Ok(answer)) = (to, reply) else { return None };
        let mut told = Self { connection: subscriber.id(), place: None, reservation: None };
        match answer {
            Answer::Queue { place, .. } | Answer::Resumed { place, .. } => told.place = Some(place.clone()),
            Answer::Reservation(reservation) | Answer::Cancelled { reservation, .. } => {
                told.reservation = Some((reservation.id, reservation.status));
            }
            Answer::Paid { payment, .. } => {
                told.reservation = Some((payment.reservation, ReservationStatus::Reserved));
            }
            Answer::Charged(_) | Answer::Figures(_) | Answer::Done => return None,
        }
        Some(told)
    }

    /// The same place as in the answer, or what it was on the way there.
    fn knows_place(&self, subscriber: &Subscriber, place: &Place) -> bool {
        let is_no_newer = |told: &Place| {
            told.record.entry == place.record.entry
                && (told.record == place.record || !told.record.status.is_live())
        };
        subscriber.id() == self.connection && self.place.as_ref().is_some_and(is_no_newer)
    }

    fn knows_reservation(&self, subscriber: &Subscriber, reservation: &Reservation) -> bool {
        subscriber.id() == self.connection && self.reservation == Some((reservation.id, reservation.status))
    }
}
