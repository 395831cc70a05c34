use super::*;
use crate::domain::actor::Actor;
use crate::domain::command::{Answer, Place};
use crate::domain::event::{By, Event, Rescheduled};
use crate::domain::ids::{ConnectionId, EntryNo, ScheduleId, UserId};
use crate::domain::line::Order;
use crate::domain::record::{ExpiryReason, SaleState, ScheduleState, Takings, TokenRecord, TokenStatus};
use crate::domain::rules::{OwnRules, SaleRules, SaleSettings};
use crate::domain::time::{Now, Timestamp};
use crate::domain::token_secret::TokenSecret;
use crate::fanout::{Begun, Delivery, ReplyTo, ScheduleFacts, SeatTopic};
use crate::store::{ConcertRecord, ScheduleRecord};
use crate::venue::{self, ImportOptions, Shape};

const CONCERT: ConcertId = ConcertId(1);
const SCHEDULE: ScheduleId = ScheduleId(7);

fn settings(state: SaleState) -> SaleSettings {
    SaleSettings { state, opens_at: None, message: None, own: OwnRules::default() }
}

fn view() -> Arc<SaleView> {
    let hall = venue::generate(20, Shape::Hall).unwrap();
    let prices = venue::suggested_prices(&hall);
    let hall = venue::import(hall.to_string().as_bytes(), &prices, ImportOptions::default()).unwrap();
    let plan = Arc::new(hall.layout.seat_plan());
    let schedule =
        ScheduleRecord { id: SCHEDULE, starts_at: Timestamp::default(), state: ScheduleState::Planned };
    let facts = ScheduleFacts { schedule, reason: None, prices: &[] };
    let topic = SeatTopic::new(CONCERT, facts, Arc::new(hall.layout), plan, [].into_iter(), 1);
    let concert = ConcertRecord {
        id: CONCERT,
        title: "Anna".to_owned(),
        about: None,
        venue: "Hall".to_owned(),
        currency: "EUR".to_owned(),
        time_zone: None,
        rehearsal_of: None,
    };
    let settings = settings(SaleState::Open);
    let begun = Begun {
        settings: &settings,
        sells: true,
        order: Order::default(),
        next_entry: EntryNo(0),
        tokens: &[],
    };
    SaleView::new(concert, 1, begun, SaleRules::default(), Duration::ZERO, Takings::default(), vec![topic])
}

/// A fanout with one sale, and what its lane does.
struct House {
    fanout: Arc<Fanout>,
    view: Arc<SaleView>,
}

impl House {
    fn new() -> Self {
        let (fanout, view) = (Arc::new(Fanout::default()), view());
        fanout.sales.write().by_concert.insert(CONCERT, view.clone());
        Self { fanout, view }
    }

    fn connect(&self, user: u64, connection: u64) -> Arc<Subscriber> {
        let subscriber = Subscriber::new(ConnectionId(connection));
        self.fanout.connect(UserId(user), &subscriber, 5);
        subscriber
    }

    /// The user is notified of a live token.
    fn admit(&self, user: u64, subscriber: &Arc<Subscriber>) -> TokenRecord {
        let record = TokenRecord {
            concert: CONCERT,
            entry: EntryNo(user),
            token: TokenSecret::new([1; 32]).token(
                CONCERT,
                EntryNo(user),
                UserId(user),
                Timestamp::default(),
            ),
            user: UserId(user),
            status: TokenStatus::Progress,
            entered_at: Timestamp::default(),
            admitted_at: Some(Timestamp::default()),
            expires_at: None,
            ended_at: None,
        };
        self.view.apply(1, &[Event::Joined(record.clone())]);
        let place = Place { record: record.clone(), line: None, waiting: 0, sold_out: false, idle_at: None };
        self.fanout.answer(ReplyTo::Push(subscriber.clone()), Ok(Answer::Queue { place, created: true }));
        record
    }

    /// Commits and publishes.
    fn happened(&self, events: &[Event]) {
        self.view.apply(2, events);
        let now = Now::at(Timestamp::default(), Duration::ZERO, 0);
        events.iter().for_each(|event| self.fanout.publish(&self.view, event, now, None));
    }

    fn set(&self, state: SaleState) -> Event {
        let before = Box::new(self.view.settings());
        Event::SettingsChanged { before, after: Box::new(settings(state)), by: By::Actor(Actor::UNNAMED) }
    }

    /// Publishes whatever is to be published.
    async fn publish(&self) {
        while let Some(concert) = self.fanout.pending_news.next() {
            self.fanout.publish_news(concert).await;
        }
    }
}

fn received(subscriber: &Subscriber) -> Vec<SaleState> {
    let mut delivery = Delivery::default();
    subscriber.take(&mut delivery);
    delivery.sales.iter().map(|news| news.state).collect()
}

/// Whoever bought is in no line any more: they have to know all the same.
#[tokio::test]
async fn that_a_performance_is_moved_is_told_to_whoever_is_connected() {
    let house = House::new();
    let (visitor, second, stranger) = (house.connect(1, 10), house.connect(1, 11), house.connect(3, 30));
    house.admit(1, &visitor);
    let (before, after) = (Timestamp::default(), Timestamp::from_millis(1));
    let moved = Rescheduled { schedule: SCHEDULE, before, after, reason: None, by: Actor::UNNAMED };
    house.happened(&[Event::Rescheduled(moved), house.set(SaleState::Paused)]);
    house.publish().await;
    for subscriber in [&visitor, &second, &stranger] {
        assert_eq!(received(subscriber), [SaleState::Paused], "once, and what is newest");
    }
    // What comes after it is the visitors' again.
    house.happened(&[house.set(SaleState::Open)]);
    house.publish().await;
    assert_eq!((received(&visitor), received(&stranger)), (vec![SaleState::Open], vec![]));
}

#[tokio::test]
async fn visitors_and_watchers_get_it_once_and_nobody_else_does() {
    let house = House::new();
    let (visitor, second, watcher, stranger) =
        (house.connect(1, 10), house.connect(1, 11), house.connect(2, 20), house.connect(3, 30));
    house.admit(1, &visitor);
    let topic = house.view.topic(SCHEDULE).unwrap();
    topic.watch(&second);
    topic.watch(&watcher);
    let all = [&visitor, &second, &watcher, &stranger];

    house.happened(&[house.set(SaleState::Paused)]);
    assert_eq!(all.map(|one| received(one)), [[]; 4].map(|none: [SaleState; 0]| none.to_vec()));
    house.publish().await;
    let paused = vec![SaleState::Paused];
    assert_eq!(all.map(|one| received(one)), [paused.clone(), paused.clone(), paused, vec![]]);
}

#[tokio::test]
async fn what_is_newest_is_published_and_only_what_fans_see() {
    let house = House::new();
    let visitor = house.connect(1, 10);
    house.admit(1, &visitor);
    house.happened(&[house.set(SaleState::Paused)]);
    house.happened(&[house.set(SaleState::Open)]);
    house.publish().await;
    assert_eq!(received(&visitor), [SaleState::Open]);

    let mut after = house.view.settings();
    after.own.capacity = Some(3);
    let before = Box::new(house.view.settings());
    let by = By::Actor(Actor::UNNAMED);
    house.happened(&[Event::SettingsChanged { before, after: Box::new(after), by }]);
    house.publish().await;
    assert_eq!(received(&visitor), []);
}

#[tokio::test]
async fn whoever_the_closing_sends_away_gets_it_and_is_no_visitor_any_more() {
    let house = House::new();
    let (visitor, buyer) = (house.connect(1, 10), house.connect(2, 20));
    let mut token = house.admit(1, &visitor);
    let mut bought = house.admit(2, &buyer);
    bought.status = TokenStatus::Done;
    house.happened(&[Event::TokenEnded(bought)]);
    token.status = TokenStatus::Expired(ExpiryReason::Closed);
    house.happened(&[house.set(SaleState::Closed), Event::TokenEnded(token)]);
    house.publish().await;
    assert_eq!((received(&visitor), received(&buyer)), (vec![SaleState::Closed], vec![]));

    house.happened(&[house.set(SaleState::Open)]);
    house.publish().await;
    assert_eq!((received(&visitor), received(&buyer)), (vec![], vec![]));
}

/// A long line is dissolved in several batches.
#[tokio::test]
async fn whoever_is_sent_away_later_got_it_with_the_others() {
    let house = House::new();
    let visitor = house.connect(1, 10);
    let mut token = house.admit(1, &visitor);
    house.happened(&[house.set(SaleState::Closed)]);
    house.publish().await;
    assert_eq!(received(&visitor), [SaleState::Closed]);
    token.status = TokenStatus::Expired(ExpiryReason::Closed);
    house.happened(&[Event::TokenEnded(token)]);
    house.publish().await;
    assert_eq!(received(&visitor), []);
}

#[tokio::test]
async fn who_is_gone_is_no_visitor() {
    let house = House::new();
    let visitor = house.connect(1, 10);
    house.admit(1, &visitor);
    assert_eq!(house.fanout.visitors.get(&CONCERT).unwrap().len(), 1);
    house.fanout.disconnect(UserId(1), ConnectionId(10));
    assert_eq!(house.fanout.visitors.get(&CONCERT).unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_sale_of_many_keeps_nobody_else_waiting() {
    let house = House::new();
    let many: Vec<_> = (0..10 * CONNECTIONS_AT_ONCE as u64)
        .map(|user| {
            let subscriber = house.connect(user, user);
            house.admit(user, &subscriber);
            subscriber
        })
        .collect();
    let published = tokio::spawn(publish_sale_news(house.fanout.clone()));
    house.happened(&[house.set(SaleState::Paused)]);
    tokio::task::yield_now().await;
    let first = many.iter().filter(|one| !received(one).is_empty()).count();
    assert_eq!(first, CONNECTIONS_AT_ONCE);
    // It was changed again meanwhile: nobody gets what is not true any more.
    house.happened(&[house.set(SaleState::Open)]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(many.iter().all(|one| received(one) == [SaleState::Open]));
    published.abort();
}
