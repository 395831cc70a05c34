//! The committed copies, for those who read and those who wait. Reads never wait for a commit: positions, schedules
//! and seats are answered from copies that a lane updates after each commit.
//!
//! Always: nothing is here that is not durable. What goes to many is encoded once. A slow connection keeps the
//! newest value of a register, never a backlog. Not here: sockets, SQL, any decision.

mod answered;
mod consoles;
mod place_wheel;
mod reply;
mod reply_to;
mod round_pace;
mod sale_news;
mod sale_view;
mod seat_topic;
mod subscriber;
mod tally;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use parking_lot::RwLock;
use tokio::runtime::Handle;

pub use answered::Answered;
pub use consoles::{Console, Consoles};
pub use place_wheel::push_places;
pub use reply::{Refusal, Reply};
pub use reply_to::{FarAsker, ReplyTo};
pub use sale_news::publish_sale_news;
pub use sale_view::{Begun, Crowd, SaleView, ScheduleView, Standing};
pub(crate) use seat_topic::public_state;
pub use seat_topic::{ScheduleFacts, ScheduleStanding, SeatCounts, SeatSnapshot, SeatTopic};
pub use subscriber::{Delivery, Outlet, SaleNews, Scope, Subscriber, Written};
pub use tally::{Tallied, Tally, Times};

use crate::domain::command::{Answer, Place};
use crate::domain::event::{Event, Refunded, SeatMoved};
use crate::domain::ids::{ConcertId, ConnectionId, EntryNo, ScheduleId, UserId};
use crate::domain::record::{ExpiryReason, Reservation, SaleState, TokenRecord, TokenStatus};
use crate::domain::rules::SaleSettings;
use crate::domain::time::{Now, Timestamp};
use crate::store::WalletCurrency;
use crate::supervisor::Supervisor;
use place_wheel::{FollowerId, PlaceWheel};
use round_pace::RoundPace;
use sale_news::{Audience, PendingNews};

/// The sales that run here, copies of those that other servers run, and who is connected.
#[derive(Default)]
pub struct Fanout {
    sales: RwLock<Directory>,
    users: DashMap<UserId, Connected>,
    /// The users of `users` who have the sale in `queued`. Changed with it, while its entry is locked.
    visitors: DashMap<ConcertId, HashSet<UserId>>,
    wheel: PlaceWheel,
    pub consoles: Consoles,
    pending_news: PendingNews,
    round_pace: Arc<RoundPace>,
    /// ISO 4217, of every wallet; not known before the first concert.
    currency: OnceLock<Box<str>>,
    /// The note that operators have to know of currencies, until they decide.
    currency_note: RwLock<Option<String>>,
}

/// A user with a connection.
#[derive(Default)]
struct Connected {
    /// Oldest first. What happens to any token of the user goes to all of them.
    connections: Vec<Arc<Subscriber>>,
    /// One for each sale in which the user is known to wait or to be admitted.
    queued: Vec<Queued>,
}

/// A live token of a connected user.
struct Queued {
    concert: ConcertId,
    entry: EntryNo,
    /// The follower that publishes its place as the line moves; `None` before anybody does.
    follower: Option<FollowerId>,
}

#[derive(Default)]
struct Directory {
    by_concert: HashMap<ConcertId, Arc<SaleView>>,
    by_schedule: HashMap<ScheduleId, Arc<SaleView>>,
    /// Sales that do not run here any more, kept for those who still watch them: they may come back.
    hidden: HashMap<ConcertId, Arc<SaleView>>,
    /// Rehearsals, of which only those know who play them.
    rehearsals: HashMap<ConcertId, Arc<SaleView>>,
}

impl Fanout {
    /// Notes the currency of wallets.
    pub fn know_currency(&self, wallets: &WalletCurrency) {
        if let Some(code) = &wallets.code {
            let _ = self.currency.set(code.as_str().into());
        }
        *self.currency_note.write() = wallets.undecided();
    }

    /// May there be something to know that was not known yet?
    pub fn may_learn_currency(&self) -> bool {
        self.currency.get().is_none() || self.currency_note.read().is_some()
    }

    /// ISO 4217; `None` before the first concert.
    pub fn currency(&self) -> Option<&str> {
        self.currency.get().map(AsRef::as_ref)
    }

    pub fn currency_note(&self) -> Option<String> {
        self.currency_note.read().clone()
    }

    /// A sale that is no rehearsal.
    pub fn sale(&self, concert: ConcertId) -> Option<Arc<SaleView>> {
        self.sales.read().by_concert.get(&concert).cloned()
    }

    /// A sale of whatever kind, for somebody who has to do with it already.
    pub fn any_sale(&self, concert: ConcertId) -> Option<Arc<SaleView>> {
        let sales = self.sales.read();
        sales.by_concert.get(&concert).or_else(|| sales.rehearsals.get(&concert)).cloned()
    }

    /// The sale of a performance that is no rehearsal's.
    pub fn sale_of_schedule(&self, schedule: ScheduleId) -> Option<Arc<SaleView>> {
        self.sales.read().by_schedule.get(&schedule).cloned()
    }

    pub fn rehearsal_of_schedule(&self, schedule: ScheduleId) -> Option<Arc<SaleView>> {
        let sales = self.sales.read();
        sales.rehearsals.values().find(|view| view.topic(schedule).is_some()).cloned()
    }

    /// The sale of a performance of whatever kind, for somebody who has to do with it already.
    pub fn any_sale_of_schedule(&self, schedule: ScheduleId) -> Option<Arc<SaleView>> {
        self.sale_of_schedule(schedule).or_else(|| self.rehearsal_of_schedule(schedule))
    }

    /// A sale that does not run here at the moment, and may come back.
    fn hidden_sale(&self, concert: ConcertId) -> Option<Arc<SaleView>> {
        self.sales.read().hidden.get(&concert).cloned()
    }

    /// The sales in ascending order of concerts, without rehearsals.
    pub fn sales(&self) -> Vec<Arc<SaleView>> {
        let mut sales: Vec<_> = self.sales.read().by_concert.values().cloned().collect();
        sales.sort_by_key(|sale| sale.id());
        sales
    }

    /// Shows a sale that was loaded; an older view of the same sale is replaced, and its watchers move over. Rounds are
    /// written where connections live, and not on the thread of the lane that shows it.
    pub fn show(&self, view: Arc<SaleView>, home: &Handle, supervisor: &Arc<Supervisor>) {
        self.replace(view, home, supervisor);
    }

    /// Shows a copy of a sale that another server runs, unless it runs here by now. Says whether it is shown.
    pub fn show_copy(&self, view: Arc<SaleView>, home: &Handle, supervisor: &Arc<Supervisor>) -> bool {
        self.replace(view, home, supervisor)
    }

    fn replace(&self, view: Arc<SaleView>, home: &Handle, supervisor: &Arc<Supervisor>) -> bool {
        let mut directory = self.sales.write();
        let runs_here = |shown: &Arc<SaleView>| !shown.is_copy();
        if view.is_copy() && directory.by_concert.get(&view.id()).is_some_and(runs_here) {
            return false;
        }
        if view.sells() {
            // The first concert may come while the server runs.
            let _ = self.currency.set(view.concert().currency.as_str().into());
        }
        for topic in view.topics() {
            if !view.is_rehearsal() {
                directory.by_schedule.insert(topic.id(), view.clone());
            }
            self.keep_rounds(&topic, home, supervisor);
        }
        let hidden = directory.hidden.remove(&view.id());
        let shown = match view.is_rehearsal() {
            true => &mut directory.rehearsals,
            false => &mut directory.by_concert,
        };
        let former = shown.insert(view.id(), view.clone()).or(hidden);
        drop(directory);
        if let Some(former) = former {
            view.adopt_watchers(&former);
        }
        true
    }

    /// A sale does not run here any more, and what is shown of it follows whoever runs it.
    pub fn lend(&self, concert: ConcertId) {
        if let Some(view) = self.sales.read().by_concert.get(&concert) {
            view.become_copy();
        }
    }

    /// The rounds of a performance. The reference that is kept is weak: a topic ends when nobody else has a use for it.
    fn keep_rounds(&self, topic: &Arc<SeatTopic>, home: &Handle, supervisor: &Arc<Supervisor>) {
        let (kept, pace) = (Arc::downgrade(topic), self.round_pace.clone());
        supervisor.keep(home, format!("rounds of performance {}", topic.id()), move || {
            let (topic, pace) = (kept.upgrade(), pace.clone());
            async move {
                if let Some(topic) = topic {
                    topic.run_rounds(&pace).await;
                }
            }
        });
    }

    /// Shows a performance that was added to a sale.
    pub fn show_performance(
        &self,
        view: &Arc<SaleView>,
        schedule: ScheduleId,
        home: &Handle,
        supervisor: &Arc<Supervisor>,
    ) {
        if let Some(topic) = view.topic(schedule) {
            self.sales.write().by_schedule.insert(schedule, view.clone());
            self.keep_rounds(&topic, home, supervisor);
        }
    }

    /// Hides a sale that another process runs now, or that is being rebuilt.
    pub fn hide(&self, concert: ConcertId) {
        let mut directory = self.sales.write();
        let view = directory.by_concert.remove(&concert).or_else(|| directory.rehearsals.remove(&concert));
        if let Some(view) = view {
            directory.hidden.insert(concert, view);
        }
        directory.by_schedule.retain(|_, sale| sale.id() != concert);
    }

    /// Forgets a hidden sale that is archived, or a rehearsal that is over, whose number may become another concert's.
    pub fn forget(&self, concert: ConcertId) {
        let mut directory = self.sales.write();
        directory.rehearsals.remove(&concert);
        directory.hidden.remove(&concert);
        drop(directory);
        self.visitors.remove(&concert);
    }

    /// Registers a connection under its user. Gives back the user's oldest one if they are more than `max` now;
    /// the caller closes it.
    pub fn connect(&self, user: UserId, subscriber: &Arc<Subscriber>, max: usize) -> Option<Arc<Subscriber>> {
        subscriber.is_of(user);
        let mut connected = self.users.entry(user).or_default();
        let connections = &mut connected.connections;
        if connections.iter().any(|known| known.id() == subscriber.id()) {
            return None;
        }
        connections.push(subscriber.clone());
        (connections.len() > max).then(|| connections.remove(0))
    }

    pub fn is_connected(&self, user: UserId, connection: ConnectionId) -> bool {
        let is_this = |known: &Arc<Subscriber>| known.id() == connection;
        self.users.get(&user).is_some_and(|connected| connected.connections.iter().any(is_this))
    }

    /// The connections of a user.
    pub fn connections_of(&self, user: UserId) -> Vec<ConnectionId> {
        let connected = self.users.get(&user);
        connected
            .map_or_else(Vec::new, |connected| connected.connections.iter().map(|known| known.id()).collect())
    }

    /// Every connection, under its user, in no order.
    pub fn connected(&self) -> Vec<(UserId, ConnectionId)> {
        let mut all = Vec::with_capacity(self.users.len());
        for connected in &self.users {
            all.extend(connected.connections.iter().map(|subscriber| (*connected.key(), subscriber.id())));
        }
        all
    }

    /// The connections of those who are known to wait or to be admitted in this sale, with their users; in ascending order.
    pub fn visitors_of(&self, concert: ConcertId) -> Vec<(UserId, ConnectionId)> {
        let users = self.visitors.get(&concert).map(|users| users.clone()).unwrap_or_default();
        let mut present = Vec::with_capacity(users.len());
        for user in users {
            self.each_connection(user, |subscriber| present.push((user, subscriber.id())));
        }
        present.sort_unstable();
        present
    }

    /// Those of these users who are connected.
    pub fn connected_among(&self, users: &[UserId]) -> Vec<UserId> {
        users.iter().copied().filter(|user| self.users.contains_key(user)).collect()
    }

    /// Sales in which somebody waits or is admitted: those that have to know who comes and who goes. In ascending order.
    pub fn visited_sales(&self) -> Vec<ConcertId> {
        let sales = self.sales.read();
        let visited = sales.by_concert.iter().filter(|(_, view)| view.is_visited());
        let mut visited: Vec<_> = visited.map(|(concert, _)| *concert).collect();
        visited.sort_unstable();
        visited
    }

    pub fn disconnect(&self, user: UserId, connection: ConnectionId) {
        self.users.remove_if_mut(&user, |_, connected| {
            connected.connections.retain(|known| known.id() != connection);
            let is_gone = connected.connections.is_empty();
            if is_gone {
                connected.queued.iter().for_each(|queued| self.forget_visitor(queued.concert, user));
            }
            is_gone
        });
    }

    /// Answers, after the commit that the answer rests on.
    pub fn answer(&self, to: ReplyTo, reply: Reply) {
        if let ReplyTo::Session { .. } | ReplyTo::Push(_) = to.hearer()
            && let Ok(Answer::Queue { place, .. } | Answer::Resumed { place, .. }) = &reply
        {
            self.follow(place);
        }
        to.send(reply);
    }

    /// Publishes a committed event to those whom it concerns, except for what is in an answer already.
    pub fn publish(&self, view: &SaleView, event: &Event, now: Now, answered: Option<&Answered>) {
        match event {
            // The state that it came to in the same batch is published next.
            Event::Joined(record) if !view.is_waiting(record.entry) => {}
            Event::Joined(record) | Event::Admitted(record) => {
                if let Some(place) = self.publish_place(view, record, now, answered) {
                    self.follow(&place);
                }
            }
            Event::TokenEnded(record) => {
                self.publish_place(view, record, now, answered);
                if let Some(mut connected) = self.users.get_mut(&record.user) {
                    let ended = (record.concert, record.entry);
                    let queued = &mut connected.queued;
                    queued.retain(|queued| (queued.concert, queued.entry) != ended);
                    if queued.iter().all(|queued| queued.concert != record.concert) {
                        self.forget_visitor(record.concert, record.user);
                    }
                }
                if let TokenStatus::Expired(why) = record.status {
                    // A fan whom the closing sends away is no visitor any more when the news of it is published.
                    let is_first = why == ExpiryReason::Closed && self.pending_news.has(record.concert);
                    let news = is_first.then(|| SaleNews::of(view));
                    self.each_connection(record.user, |subscriber| {
                        view.unwatch_all(subscriber.id());
                        news.iter().for_each(|news| subscriber.offer_sale(news.clone()));
                    });
                }
            }
            Event::SeatsHeld { reservation, .. }
            | Event::SeatsReleased { reservation, .. }
            | Event::ReservationEnded { reservation, .. }
            | Event::Paid { reservation, .. }
            | Event::Refunded(Refunded { reservation, .. })
            | Event::SeatMoved(SeatMoved { reservation, .. }) => {
                let is_money = matches!(event, Event::Paid { .. } | Event::Refunded(_));
                self.each_connection(reservation.user, |subscriber| {
                    if !answered.is_some_and(|answered| answered.knows_reservation(subscriber, reservation)) {
                        subscriber.offer_reservation(reservation.clone());
                        if is_money {
                            subscriber.offer_wallet();
                        }
                    }
                });
            }
            // Those who watch the seats receive it by their topic. Nobody is connected as who bought at the desk.
            Event::SoldAtDesk(_)
            | Event::SeatsRestricted(_)
            | Event::SeatsUnrestricted(_)
            | Event::Archived(_) => {}
            Event::Described(_) | Event::Repriced(_) | Event::ScheduleAdded(_) => {
                self.pending_news.add(view.id(), Audience::Visitors);
            }
            // Those who bought have to know.
            Event::Rescheduled(_) | Event::CalledOff(_) => {
                self.pending_news.add(view.id(), Audience::Everybody);
            }
            Event::SettingsChanged { before, after, .. } => {
                if shown(before) != shown(after) {
                    self.pending_news.add(view.id(), Audience::Visitors);
                }
            }
        }
    }

    /// A wallet was charged: its user's connections are notified, but for the one that was answered.
    pub fn publish_charge(&self, user: UserId, answered: Option<ConnectionId>) {
        self.each_connection(user, |subscriber| {
            if Some(subscriber.id()) != answered {
                subscriber.offer_wallet();
            }
        });
    }

    /// Publishes places and reservations afresh, after an outage moved the deadlines or the sale was rebuilt.
    pub fn republish(&self, places: &[Place], reservations: &[Reservation]) {
        for place in places {
            self.follow(place);
            self.each_connection(place.record.user, |subscriber| subscriber.offer_place(place.clone()));
        }
        for reservation in reservations {
            self.each_connection(reservation.user, |subscriber| {
                subscriber.offer_reservation(reservation.clone());
            });
        }
    }

    /// Publishes a token's new state to every connection of its user. Gives the place back if it was news to one of them.
    fn publish_place(
        &self,
        view: &SaleView,
        record: &TokenRecord,
        now: Now,
        answered: Option<&Answered>,
    ) -> Option<Place> {
        let connected = self.users.get(&record.user)?;
        let mut place = None;
        for subscriber in &connected.connections {
            if !answered.is_some_and(|answered| answered.knows_token(subscriber, record)) {
                let place = place.get_or_insert_with(|| view.place(record, now));
                subscriber.offer_place(place.clone());
            }
        }
        place
    }

    /// The user knows of a live token: from now on they are notified when its place moves, for as long as they are connected.
    fn follow(&self, place: &Place) {
        let TokenRecord { concert, entry, user, status, .. } = place.record;
        if !status.is_live() {
            return;
        }
        let Some(mut connected) = self.users.get_mut(&user) else { return };
        let all = &mut connected.queued;
        // An older token of the sale has ended.
        all.retain(|queued| queued.concert != concert || queued.entry >= entry);
        let index = all.iter().position(|queued| queued.concert == concert).unwrap_or_else(|| {
            all.push(Queued { concert, entry, follower: None });
            self.visitors.entry(concert).or_default().insert(user);
            all.len() - 1
        });
        let queued = &mut all[index];
        if queued.entry == entry && queued.follower.is_none() {
            queued.follower = self.wheel.follow(place);
        }
    }

    fn forget_visitor(&self, concert: ConcertId, user: UserId) {
        if let Some(mut visitors) = self.visitors.get_mut(&concert) {
            visitors.remove(&user);
        }
    }

    fn each_connection(&self, user: UserId, mut notify: impl FnMut(&Arc<Subscriber>)) {
        if let Some(connected) = self.users.get(&user) {
            connected.connections.iter().for_each(&mut notify);
        }
    }
}

/// The part of a sale's settings that fans see.
fn shown(settings: &SaleSettings) -> (SaleState, Option<Timestamp>, Option<&str>) {
    (settings.state, settings.opens_at, settings.message.as_deref())
}
