//! Lanes over a real embedded database, or the simulated one where it must keep them waiting; with a clock turned by
//! hand.

mod nodes;

use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use bytes::Bytes;
use frontrow::clock::Clock;
use frontrow::dispatcher::{self, Dispatcher, Joining, Lanes, Options, Refusal, ReplyTo, Rows};
use frontrow::domain::command::{Answer, Caller, Command, Place, Rejection};
use frontrow::domain::event::Event;
use frontrow::domain::ids::{ConcertId, ConnectionId, ScheduleId, SeatId, UserId};
use frontrow::domain::record::{ExpiryReason, ReservationStatus, SaleState, TokenStatus};
use frontrow::domain::rules::{OwnRules, SaleRules, SaleSettings};
use frontrow::domain::time::Timestamp;
use frontrow::fanout::{Delivery, Fanout, Outlet, Subscriber, Written};
use frontrow::limits;
use frontrow::metrics::{Kind, Metrics};
use frontrow::store::{self, JournalRow, NewConcert, NewUser, Setup, Store, journal};
use frontrow::venue::{self, ImportOptions, Shape};
use frontrow_testing::simulated::{Call, Database, Fault, KeptKind, KeptRow, Weather};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{mpsc, oneshot};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// What takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A house with one sale, that can be stopped and started again.
struct House {
    folder: tempfile::TempDir,
    clock: Clock,
    concert: ConcertId,
    schedule: ScheduleId,
    rules: SaleRules,
    running: Option<Running>,
}

struct Running {
    dispatcher: Dispatcher,
    lanes: Lanes,
    store: Arc<dyn Store>,
    fanout: Arc<Fanout>,
    metrics: Arc<Metrics>,
}

fn new_concert(capacity: u32) -> NewConcert {
    let plan = venue::generate(20, Shape::Hall).unwrap();
    let prices = venue::suggested_prices(&plan);
    let imported = venue::import(plan.to_string().as_bytes(), &prices, ImportOptions::default()).unwrap();
    let own = OwnRules { capacity: Some(capacity), ..OwnRules::default() };
    NewConcert {
        title: "A night".into(),
        currency: "KRW".into(),
        time_zone: Some("Asia/Seoul".into()),
        layout: imported.layout,
        starts_at: vec![START + 30 * DAY],
        restricted: Vec::new(),
        about: None,
        again: true,
        settings: SaleSettings { state: SaleState::Open, opens_at: None, message: None, own },
        at: START,
    }
}

async fn add_fan(store: &dyn Store, balance: i64) -> UserId {
    store.add_user(NewUser { name: "fan".into(), balance, guest: false, at: START }).await.unwrap()
}

impl Running {
    /// A process that has begun, and runs its sales.
    async fn start(store: Arc<dyn Store>, clock: &Clock, options: Options) -> Self {
        let (fanout, metrics) = (Arc::new(Fanout::default()), Arc::new(Metrics::new()));
        let options = Options { seed: Some([clock.steady().as_millis() as u8; 32]), ..options };
        let cluster = dispatcher::join(store.clone(), clock.clone(), Joining::new("a")).await.unwrap();
        let started = dispatcher::start(
            store.clone(),
            fanout.clone(),
            clock.clone(),
            metrics.clone(),
            cluster,
            None,
            options,
        );
        let (dispatcher, lanes) = started.await.unwrap();
        let running = Self { dispatcher, lanes, store, fanout, metrics };
        running.whole().await;
        running
    }

    async fn whole(&self) {
        while !self.dispatcher.missing().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// Lets time pass, the runtime's too, until everybody is served.
    async fn served_again(&self, clock: &Clock) {
        while !self.dispatcher.unready().is_empty() {
            clock.advance(limits::PATIENCE_TICK);
            tokio::time::advance(limits::PATIENCE_TICK).await;
        }
    }

    /// Posts a command to a sale, and waits for the reply.
    async fn request(&self, concert: ConcertId, command: Command) -> dispatcher::Reply {
        let (sender, reply) = oneshot::channel();
        self.dispatcher.submit(concert, command, ReplyTo::Once(sender))?;
        reply.await.unwrap_or(Err(Refusal::OutcomeUnknown))
    }

    fn charge(&self, user: UserId, amount: i64, request: &str) -> oneshot::Receiver<dispatcher::Reply> {
        let (sender, reply) = oneshot::channel();
        self.dispatcher.charge(user, amount, request, ReplyTo::Once(sender)).unwrap();
        reply
    }
}

impl House {
    async fn open(capacity: u32) -> Self {
        Self::with_rules(capacity, SaleRules::default()).await
    }

    async fn with_rules(capacity: u32, rules: SaleRules) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store::open(None, folder.path()).await.unwrap();
        let (concert, schedules) = store.add_concert(new_concert(capacity)).await.unwrap();
        let clock = Clock::manual(START);
        let mut house = Self { folder, clock, concert, schedule: schedules[0], rules, running: None };
        house.start().await;
        house
    }

    async fn start(&mut self) {
        let store = store::open(None, self.folder.path()).await.unwrap();
        let options = Options {
            // A clock that is turned by hand jumps; only a restart is an outage here.
            heartbeat_gap_max: 365 * DAY,
            ..Options::new(self.rules.clone())
        };
        self.running = Some(Running::start(store, &self.clock, options).await);
    }

    async fn stop(&mut self) {
        self.running.take().unwrap().lanes.shutdown().await;
    }

    /// Somebody changes rows with SQL of their own.
    async fn meddle(&self, sql: &'static str) {
        // What follows would only write over it.
        if let Some(running) = &self.running {
            running.dispatcher.tables_have(Rows::All).await.unwrap();
        }
        self.meddle_at_once(sql).await;
    }

    async fn meddle_at_once(&self, sql: &'static str) {
        let file = self.folder.path().join(store::sqlite::FILE_NAME);
        let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Turns the clock to the next sweep, and waits until what it found is seen to.
    async fn sweep(&self, differences: u64) {
        let running = self.running.as_ref().unwrap();
        let before = running.metrics.sweep_differences.get();
        self.clock.advance(limits::SWEEP_INTERVAL);
        while running.metrics.sweep_differences.get() < before + differences {
            tokio::task::yield_now().await;
        }
        running.whole().await;
    }

    /// The number of times that the sale was claimed, and so built anew.
    async fn claims(&self) -> usize {
        let rows = self.running.as_ref().unwrap().store.journal(self.concert, 0, 1_000).await.unwrap();
        let is_claim = |row: &&JournalRow| matches!(row.events[..], [journal::Entry::Claim { .. }]);
        rows.iter().filter(is_claim).count()
    }

    async fn request(&self, command: Command) -> dispatcher::Reply {
        self.running.as_ref().unwrap().request(self.concert, command).await
    }

    async fn user(&self, balance: i64) -> Caller {
        let store = &self.running.as_ref().unwrap().store;
        let user = add_fan(&**store, balance).await;
        Caller { user, token: None, guest_of: None }
    }

    async fn join(&self, user: UserId) -> Place {
        match self.request(Command::Join { user, connection: None }).await {
            Ok(Answer::Queue { place, .. }) => place,
            other => panic!("{other:?}"),
        }
    }

    async fn hold(&self, caller: Caller, seats: &[u32]) -> dispatcher::Reply {
        let seats = seats.iter().map(|seat| SeatId(*seat)).collect();
        self.request(Command::Hold { caller, schedule: self.schedule, seats }).await
    }
}

/// Goal: whoever starts and drops many servers in one process, as the tests do, keeps no connection of any. Method: a
/// runtime ends with its server; the thread of the lane is the last that has the store.
#[test]
fn a_lane_with_a_thread_ends_with_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let store = runtime.block_on(async {
        let store = store::open(None, folder.path()).await.unwrap();
        store.add_concert(new_concert(1)).await.unwrap();
        let options = Options { threads: true, ..Options::new(SaleRules::default()) };
        let running = Running::start(store, &Clock::manual(START), options).await;
        Arc::downgrade(&running.store)
    });
    drop(runtime);
    let begun = Instant::now();
    while store.strong_count() > 0 {
        assert!(begun.elapsed() < PATIENCE, "the lane's thread goes on");
        thread::yield_now();
    }
}

#[tokio::test]
async fn from_joining_to_a_ticket_and_the_next_is_let_in() {
    let house = House::open(1).await;
    let (alice, bob) = (house.user(1_000_000).await, house.user(0).await);
    assert_eq!(house.join(alice.user).await.record.status, TokenStatus::Progress);
    let place = house.join(bob.user).await;
    assert_eq!(place.record.status, TokenStatus::Waiting);
    assert_eq!(place.line.unwrap().position, 1);
    let Ok(Answer::Reservation(held)) = house.hold(alice, &[3, 4]).await else { panic!("not held") };
    assert_eq!(
        house.hold(bob, &[5]).await,
        Err(Refusal::Rejected(Rejection::Waiting)),
        "nobody holds before being admitted"
    );
    let Ok(Answer::Paid { payment, balance }) =
        house.request(Command::Pay { caller: alice, reservation: held.id }).await
    else {
        panic!("not paid")
    };
    assert_eq!((payment.amount, balance), (held.amount, 1_000_000 - held.amount));
    assert_eq!(payment.tickets.len(), 2);
    let again = house.request(Command::Pay { caller: alice, reservation: held.id }).await;
    assert_eq!(again, Ok(Answer::Paid { payment, balance }), "paying twice is paying once");
    assert_eq!(house.join(bob.user).await.record.status, TokenStatus::Progress);
    assert_eq!(
        house.hold(bob, &[3]).await,
        Err(Refusal::Rejected(Rejection::SeatTaken { seats: vec![SeatId(3)] }))
    );
}

#[tokio::test]
async fn everything_confirmed_is_there_after_a_restart_and_time_stood_still() {
    let mut house = House::open(2).await;
    let (alice, bob, carol) = (house.user(1_000_000).await, house.user(500_000).await, house.user(0).await);
    house.join(alice.user).await;
    house.join(bob.user).await;
    let waiting = house.join(carol.user).await;
    let Ok(Answer::Reservation(paid)) = house.hold(alice, &[0]).await else { panic!("not held") };
    let first = house.request(Command::Pay { caller: alice, reservation: paid.id }).await;
    // Alice's place went to Carol.
    let Ok(Answer::Reservation(held)) = house.hold(bob, &[1, 2]).await else { panic!("not held") };
    house.stop().await;
    house.clock.advance(Duration::from_secs(3_600));
    house.start().await;
    let resumed = house.request(Command::Resume { token: waiting.record.token, connection: None }).await;
    let Ok(Answer::Resumed { place, .. }) = resumed else { panic!("{resumed:?}") };
    assert_eq!(place.record.status, TokenStatus::Progress);
    assert_eq!(place.record.entry, waiting.record.entry);
    let Ok(Answer::Paid { payment, balance }) =
        house.request(Command::Pay { caller: bob, reservation: held.id }).await
    else {
        panic!("an hour of ours cost Bob his seats")
    };
    assert_eq!((payment.tickets.len(), balance), (2, 500_000 - held.amount));
    assert_eq!(house.request(Command::Pay { caller: alice, reservation: paid.id }).await, first);
    let old = house.request(Command::Get { caller: alice, polled: false }).await;
    let Ok(Answer::Queue { place, .. }) = old else { panic!("{old:?}") };
    assert_eq!(place.record.status, TokenStatus::Done);
}

#[tokio::test]
async fn an_unpaid_hold_ends_by_itself_and_a_refund_frees_the_seat() {
    let house = House::open(10).await;
    let (alice, bob) = (house.user(1_000_000).await, house.user(1_000_000).await);
    house.join(alice.user).await;
    house.join(bob.user).await;
    let Ok(Answer::Reservation(held)) = house.hold(alice, &[7]).await else { panic!("not held") };
    house.clock.advance(Duration::from_secs(299));
    let place = house.request(Command::Extend { caller: alice }).await;
    assert!(place.is_ok());
    assert!(house.request(Command::Extend { caller: bob }).await.is_ok());
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(
        house.request(Command::Pay { caller: alice, reservation: held.id }).await,
        Err(Refusal::Rejected(Rejection::ReservationInvalid { status: ReservationStatus::Expired }))
    );
    let Ok(Answer::Reservation(mine)) = house.hold(bob, &[7]).await else { panic!("the seat is not free") };
    assert!(house.request(Command::Pay { caller: bob, reservation: mine.id }).await.is_ok());
    let Ok(Answer::Cancelled { reservation, balance }) =
        house.request(Command::Cancel { caller: bob, reservation: mine.id }).await
    else {
        panic!("not cancelled")
    };
    assert_eq!((reservation.status, balance), (ReservationStatus::Cancelled, 1_000_000));
    // The seat that she let run out is hers to hold again after a while.
    house.clock.advance(Duration::from_secs(60));
    assert!(house.hold(alice, &[7]).await.is_ok());
}

#[tokio::test]
async fn a_charge_is_made_once_and_unknown_users_have_no_wallet() {
    let house = House::open(1).await;
    let alice = house.user(0).await;
    let running = house.running.as_ref().unwrap();
    let charge = async |user, amount, request| running.charge(user, amount, request).await.unwrap();
    let first = charge(alice.user, 500, "r1").await;
    assert!(matches!(&first, Ok(Answer::Charged(entry)) if entry.balance == 500));
    assert_eq!(charge(alice.user, 500, "r1").await, first);
    assert_eq!(charge(alice.user, 501, "r1").await, Err(Refusal::Rejected(Rejection::RequestIdReused)));
    assert_eq!(charge(UserId(9_999), 1, "r1").await, Err(Refusal::Rejected(Rejection::UserNotFound)));
    assert_eq!(charge(alice.user, -1, "r2").await, Err(Refusal::Rejected(Rejection::InvalidAmount)));
}

/// Goal: a fan who is let in and leaves in one step receives the leaving last. Method: a place frees at the very time at
/// which the next in line gives up.
#[tokio::test]
async fn no_admission_is_pushed_behind_the_answer_to_leaving() {
    let house = House::open(1).await;
    let (alice, bob) = (house.user(0).await, house.user(0).await);
    house.join(alice.user).await;
    let running = house.running.as_ref().unwrap();
    let connection = ConnectionId(1);
    let subscriber = Subscriber::new(connection);
    running.fanout.connect(bob.user, &subscriber, 1);
    let request = async |tag, command| {
        let to = ReplyTo::Session { subscriber: subscriber.clone(), tag };
        running.dispatcher.submit(house.concert, command, to).unwrap();
        let mut received = Delivery::default();
        while received.answers.is_empty() {
            subscriber.changed().await;
            subscriber.take(&mut received);
        }
        received
    };
    request(1, Command::Join { user: bob.user, connection: Some(connection) }).await;
    // Alice has been idle for too long, which the lane has not seen yet.
    house.clock.advance(Duration::from_secs(300));
    let received = request(2, Command::Leave { caller: bob }).await;
    let Ok(Answer::Queue { place, .. }) = &received.answers[0].1 else { panic!("{:?}", received.answers) };
    assert!(place.record.admitted_at.is_some(), "he was let in first");
    assert_eq!(place.record.status, TokenStatus::Expired(ExpiryReason::Left));
    assert_eq!(received.places, Vec::<Place>::new());
}

/// Goal: a deadline that memory knows nothing of is found by the sweep, and kept. Method: it is moved with SQL.
#[tokio::test]
async fn an_admission_that_is_over_in_the_store_alone_ends() {
    let house = House::open(1).await;
    let (alice, bob) = (house.user(0).await, house.user(0).await);
    assert_eq!(house.join(alice.user).await.record.status, TokenStatus::Progress);
    assert_eq!(house.join(bob.user).await.record.status, TokenStatus::Waiting);
    house.meddle("UPDATE queue SET expires_at = expires_at - 3600000 WHERE entry_no = 0").await;
    house.sweep(1).await;
    assert_eq!(house.join(bob.user).await.record.status, TokenStatus::Progress, "her place is his");
    let old = house.request(Command::Get { caller: alice, polled: false }).await;
    let Ok(Answer::Queue { place, .. }) = old else { panic!("{old:?}") };
    assert_eq!(place.record.status, TokenStatus::Expired(ExpiryReason::Time));
}

/// Goal: any other row that differs is found in its turn, and then the store is right. Method: a seat is given away and
/// a place in line taken with SQL; a look at unchanged rows finds nothing.
#[tokio::test]
async fn rows_that_differ_are_found_and_the_sale_is_rebuilt() {
    let house = House::open(1).await;
    let (alice, bob) = (house.user(1_000_000).await, house.user(0).await);
    house.join(alice.user).await;
    house.join(bob.user).await;
    let Ok(Answer::Reservation(held)) = house.hold(alice, &[3, 4]).await else { panic!("not held") };
    house.clock.advance(limits::SWEEP_INTERVAL);
    assert!(house.request(Command::Extend { caller: alice }).await.is_ok());
    house
        .meddle(
            "UPDATE queue SET status = 'EXPIRED', reason = 'left', ended_at = 1 WHERE entry_no = 1; \
         UPDATE concert_seat SET status = 'AVAILABLE', reservation_id = NULL WHERE seat = 4; \
         UPDATE reservation SET seats = '3', amount = (SELECT price FROM concert_seat WHERE seat = 3)",
        )
        .await;
    assert_eq!(house.claims().await, 1);
    // Bob's place, the seat, and Alice's reservation.
    house.sweep(3).await;
    assert_eq!(house.claims().await, 2);
    assert_eq!(house.running.as_ref().unwrap().metrics.sweep_differences.get(), 3);
    assert_eq!(house.join(bob.user).await.record.entry.0, 2, "at the end of the line");
    let Ok(Answer::Paid { payment, .. }) =
        house.request(Command::Pay { caller: alice, reservation: held.id }).await
    else {
        panic!("not paid")
    };
    assert_eq!(payment.tickets.len(), 1);
    assert!(house.hold(bob, &[4]).await.is_ok(), "the seat is free");
}

/// Goal: what a rebuilt sale still does not agree with is logged again, and is no reason to rebuild it for ever. Method: a
/// reservation is held by its row and has no seat.
#[tokio::test]
async fn a_difference_that_cannot_be_mended_is_logged_and_left() {
    let house = House::open(2).await;
    let (alice, bob) = (house.user(0).await, house.user(0).await);
    house.join(alice.user).await;
    house.join(bob.user).await;
    assert!(house.hold(alice, &[3]).await.is_ok());
    house.meddle("UPDATE concert_seat SET status = 'AVAILABLE', reservation_id = NULL WHERE seat = 3").await;
    house.sweep(1).await;
    assert_eq!(house.claims().await, 2);
    // Memory has no such reservation any more: another difference than before.
    house.sweep(1).await;
    assert_eq!(house.claims().await, 3);
    house.sweep(1).await;
    assert_eq!(house.claims().await, 3, "it was rebuilt for that already");
    assert!(house.hold(bob, &[3]).await.is_ok(), "and sells on");
}

/// Goal: a process that was replaced answers nothing that it decided before it knew, not even what changes nothing. Method:
/// a charge, which no sale's journal fences, is being committed while a request is decided on top of it; the process then
/// stands still until another one runs the sale.
#[tokio::test(start_paused = true)]
async fn what_was_decided_ahead_is_not_published_by_a_process_that_was_replaced() {
    let (database, clock) = (Database::new(1), Clock::manual(START));
    let former = database.connect();
    let (concert, _) = former.add_concert(new_concert(1)).await.unwrap();
    let options = || Options::new(SaleRules::default());
    let running = Running::start(Arc::new(former.handle()), &clock, options()).await;
    let user = add_fan(&*running.store, 0).await;
    assert!(running.request(concert, Command::Join { user, connection: None }).await.is_ok());

    // Every call takes half a second and more from now on, and the charge is alone in its batch.
    database.set_weather(Weather { hang_per_mille: 1_000, ..Weather::CALM });
    let charged = running.charge(user, 500, "r1");
    running.metrics.mailbox_depth.set(-1);
    while running.metrics.mailbox_depth.get() != 0 {
        tokio::task::yield_now().await;
    }
    let (sender, extended) = oneshot::channel();
    let extend = Command::Extend { caller: Caller { user, token: None, guest_of: None } };
    running.dispatcher.submit(concert, extend, ReplyTo::Once(sender)).unwrap();
    while running.metrics.decided_ahead.get() == 0 {
        tokio::time::advance(Duration::from_millis(1)).await;
    }

    former.stand_still(true);
    database.set_weather(Weather::CALM);
    database.take_over(concert, clock.steady());
    // Its heartbeat tells it.
    clock.advance(limits::HEARTBEAT_INTERVAL);
    former.stand_still(false);
    assert!(matches!(charged.await.unwrap(), Ok(Answer::Charged(entry)) if entry.balance == 500));
    let retry_after = limits::UNAVAILABLE_RETRY_AFTER;
    assert_eq!(extended.await.unwrap(), Err(Refusal::Unavailable { retry_after }));
    running.lanes.shutdown().await;
}

/// Goal: a heartbeat that met a deadlock is no outage; one that never gets through is. Method: the database rolls so many
/// of them back.
#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_is_rolled_back_is_written_again() {
    let (database, clock) = (Database::new(1), Clock::manual(START));
    let store = database.connect();
    store.add_concert(new_concert(1)).await.unwrap();
    let running = Running::start(Arc::new(store), &clock, Options::new(SaleRules::default())).await;
    let attempts = limits::BATCH_ATTEMPTS_MAX;
    for (rolled_back, outages) in [(attempts - 1, 0), (attempts, 1)] {
        let beaten = database.calls(Call::Heartbeat) + u64::from(attempts);
        database.plan(Call::Heartbeat, Fault::RolledBack, rolled_back);
        clock.advance(limits::HEARTBEAT_INTERVAL);
        // Enough for all that follows from it, if time does not go on.
        for _ in 0..10_000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(database.calls(Call::Heartbeat), beaten, "each is written again at once");
        let kind = Kind { kind: "rolled_back" };
        let out = running.metrics.store_errors.get_or_create(&kind).get();
        assert_eq!(out, outages, "after {rolled_back} heartbeats that were rolled back");
        assert_eq!(running.dispatcher.unready().is_empty(), outages == 0);
    }
    while !running.dispatcher.unready().is_empty() {
        clock.advance(Duration::from_millis(10));
        tokio::task::yield_now().await;
    }
    running.lanes.shutdown().await;
}

/// Goal: a lane is not kept from its next batch by writing to thousands of sockets. Method: it has a thread of its own,
/// and a socket notes which thread writes to it.
#[tokio::test]
async fn rounds_are_not_written_by_the_lane() {
    struct Socket(mpsc::Sender<ThreadId>);
    impl Outlet for Socket {
        fn try_write(&self, _: &Bytes) -> Written {
            self.0.try_send(thread::current().id()).unwrap();
            Written::Whole
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let store = store::open(None, folder.path()).await.unwrap();
    let (concert, schedules) = store.add_concert(new_concert(1)).await.unwrap();
    let user = add_fan(&*store, 0).await;
    let options = Options { threads: true, ..Options::new(SaleRules::default()) };
    let running = Running::start(store, &Clock::manual(START), options).await;
    let (sender, mut writers) = mpsc::channel(1);
    let watcher = Subscriber::with_outlet(ConnectionId(1), Arc::new(Socket(sender)));
    running.fanout.sale(concert).unwrap().topic(schedules[0]).unwrap().watch(&watcher);

    assert!(running.request(concert, Command::Join { user, connection: None }).await.is_ok());
    let caller = Caller { user, token: None, guest_of: None };
    let hold = Command::Hold { caller, schedule: schedules[0], seats: vec![SeatId(0)] };
    assert!(running.request(concert, hold).await.is_ok());
    assert_eq!(writers.recv().await, Some(thread::current().id()), "where the runtime of the connections is");
    running.lanes.shutdown().await;
}

/// Goal: a fault of ours in a lane's own code costs its sales a moment, and nobody is left without an answer. Method: the
/// code that writes a batch panics.
#[tokio::test(start_paused = true)]
async fn a_lane_that_panics_is_begun_again_and_readiness_says_so_meanwhile() {
    let (database, clock) = (Database::new(1), Clock::manual(START));
    let store = database.connect();
    let (concert, schedules) = store.add_concert(new_concert(2)).await.unwrap();
    let running = Running::start(Arc::new(store), &clock, Options::new(SaleRules::default())).await;
    let user = add_fan(&*running.store, 0).await;
    assert!(running.request(concert, Command::Join { user, connection: None }).await.is_ok());
    assert_eq!(running.dispatcher.unready(), Vec::<String>::new());

    database.break_off_next_commit();
    let caller = Caller { user, token: None, guest_of: None };
    let hold = || Command::Hold { caller, schedule: schedules[0], seats: vec![SeatId(0)] };
    assert_eq!(running.request(concert, hold()).await, Err(Refusal::OutcomeUnknown));
    let unready = running.dispatcher.unready();
    assert!(unready.iter().any(|why| why.contains("sale 1 is being recovered")), "{unready:?}");
    while running.dispatcher.unready().iter().all(|why| !why.contains("lane 0: it is begun again")) {
        tokio::task::yield_now().await;
    }
    while !running.dispatcher.unready().is_empty() {
        // Recovery looks for lost sales by this clock.
        clock.advance(Duration::from_millis(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(running.request(concert, hold()).await.is_ok(), "it had not been kept");
    assert_eq!(running.metrics.task_ends.get(), 1);
    running.lanes.shutdown().await;
}

/// Turns the clock little by little until this is answered.
async fn waited_for(clock: &Clock, mut reply: oneshot::Receiver<dispatcher::Reply>) -> dispatcher::Reply {
    loop {
        match reply.try_recv() {
            Ok(reply) => return reply,
            Err(oneshot::error::TryRecvError::Closed) => panic!("nobody answers any more"),
            Err(oneshot::error::TryRecvError::Empty) => clock.advance(Duration::from_millis(50)),
        }
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
}

/// Goal: behind a store that hangs nobody waits for ever, and no answer says that nothing was kept when it may be.
/// Method: the database stands still with a hold in its hands and a request behind it, and goes on later.
#[tokio::test(start_paused = true)]
async fn who_waits_with_a_lane_that_hangs_is_answered_truly_in_time() {
    let (database, clock) = (Database::new(1), Clock::manual(START));
    let store = database.connect();
    let (concert, schedules) = store.add_concert(new_concert(2)).await.unwrap();
    let running = Running::start(Arc::new(store.handle()), &clock, Options::new(SaleRules::default())).await;
    let (alice, bob) = (add_fan(&*running.store, 0).await, add_fan(&*running.store, 0).await);
    for user in [alice, bob] {
        assert!(running.request(concert, Command::Join { user, connection: None }).await.is_ok());
    }
    let hold = |user, seat| {
        let (sender, reply) = oneshot::channel();
        let caller = Caller { user, token: None, guest_of: None };
        let hold = Command::Hold { caller, schedule: schedules[0], seats: vec![SeatId(seat)] };
        running.dispatcher.submit(concert, hold, ReplyTo::Once(sender)).unwrap();
        reply
    };

    store.stand_still(true);
    let in_batch = hold(alice, 0);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let decided_before = running.metrics.decided_ahead.get();
    let early = hold(bob, 1);
    let began = clock.steady();
    let refused = waited_for(&clock, early).await;
    assert!(matches!(refused, Err(Refusal::Overloaded { .. })), "{refused:?}");
    assert!(clock.steady().since(began) > limits::COMMAND_PATIENCE);
    assert!(running.metrics.decided_ahead.get() > decided_before, "it was decided, which was taken back");
    let unready = running.dispatcher.unready();
    assert!(unready.iter().any(|why| why.contains("lane 0 has been waiting")), "{unready:?}");
    let caller = Caller { user: bob, token: None, guest_of: None };
    let (sender, reply) = oneshot::channel();
    running.dispatcher.submit(concert, Command::Extend { caller }, ReplyTo::Once(sender)).unwrap();
    drop(reply);

    assert_eq!(waited_for(&clock, in_batch).await, Err(Refusal::OutcomeUnknown));
    assert!(clock.steady().since(began) > limits::OUTCOME_PATIENCE);

    store.stand_still(false);
    while !running.dispatcher.unready().is_empty() {
        tokio::task::yield_now().await;
    }
    let held = running.request(
        concert,
        Command::Hold {
            caller: Caller { user: alice, token: None, guest_of: None },
            schedule: schedules[0],
            seats: vec![SeatId(0)],
        },
    );
    assert!(held.await.is_ok(), "it was kept, and again is the same");
    let bobs = Command::Hold { caller, schedule: schedules[0], seats: vec![SeatId(1)] };
    assert!(running.request(concert, bobs).await.is_ok(), "nothing of it was kept");
    let holds = |row: &KeptRow| match &row.kind {
        KeptKind::Events(events) => {
            events.iter().filter(|event| matches!(event, Event::SeatsHeld { .. })).count()
        }
        _ => 0,
    };
    assert_eq!(database.journal(concert, 0).iter().map(holds).sum::<usize>(), 2, "each was kept once");
    running.lanes.shutdown().await;
}

/// Goal: what was kept is answered at once, also when the store hangs with the next batch. Method: a batch with more answers
/// than are published at a time is committed, and the commit behind it never ends.
#[tokio::test(start_paused = true)]
async fn a_commit_that_hangs_keeps_no_answer_of_the_batch_before() {
    const FANS: usize = 3 * limits::PUBLISHED_ASIDE_MAX;
    let (database, clock) = (Database::new(1), Clock::manual(START));
    let store = database.connect();
    let (concert, _) = store.add_concert(new_concert(1)).await.unwrap();
    let running = Running::start(Arc::new(store.handle()), &clock, Options::new(SaleRules::default())).await;
    let new = NewUser { name: "fan".into(), balance: 0, guest: false, at: START };
    let users = running.store.add_users(new, FANS as u32 + 1).await.unwrap();
    let join = |user| {
        let (sender, reply) = oneshot::channel();
        let join = Command::Join { user, connection: None };
        running.dispatcher.submit(concert, join, ReplyTo::Once(sender)).unwrap();
        reply
    };
    // A commit takes some time, so that the next batch is begun meanwhile.
    database.set_weather(Weather { latency_max: Duration::from_millis(2), ..Weather::CALM });
    let committed = database.calls(Call::Commit);
    database.hold_up_behind(Call::Commit, committed);
    let mut replies: Vec<_> = users[..FANS].iter().map(|user| join(*user)).collect();
    let moment = Duration::from_millis(1);
    while database.calls(Call::Commit) == committed {
        tokio::time::sleep(moment).await;
    }
    let behind = join(users[FANS]);
    database.hold_up_behind(Call::Commit, committed + 1);
    while database.calls(Call::Commit) == committed + 1 {
        tokio::time::sleep(moment).await;
    }
    assert!(running.metrics.decided_ahead.get() > 0);
    clock.advance(limits::PATIENCE_TICK);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let unanswered = replies.iter_mut().filter_map(|reply| reply.try_recv().err()).count();
    assert_eq!(unanswered, 0, "of {FANS}");
    database.hold_up(None);
    assert!(behind.await.unwrap().is_ok());
    running.lanes.shutdown().await;
}

/// Goal: nobody is told a place that may never have been. Method: a fan's connection comes while it is unknown whether her
/// joining was kept, which it was not.
#[tokio::test(start_paused = true)]
async fn who_comes_while_an_outcome_is_unknown_is_told_no_place_that_never_was() {
    let (database, clock) = (Database::new(1), Clock::manual(START));
    let store = database.connect();
    let (concert, _) = store.add_concert(new_concert(1)).await.unwrap();
    let running = Running::start(Arc::new(store.handle()), &clock, Options::new(SaleRules::default())).await;
    let alice = add_fan(&*running.store, 0).await;
    let subscriber = Subscriber::new(ConnectionId(1));
    running.fanout.connect(alice, &subscriber, 1);
    let received = || {
        let mut received = Delivery::default();
        subscriber.take(&mut received);
        received.places
    };
    let asked = async |queries| {
        while database.calls(Call::Settle) < queries {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };

    database.plan(Call::Commit, Fault::UnknownUndone, 1);
    database.plan(Call::Settle, Fault::Unreachable, 1);
    let before = database.calls(Call::Settle);
    database.hold_up_behind(Call::Settle, before);
    let (sender, reply) = oneshot::channel();
    let join = Command::Join { user: alice, connection: None };
    running.dispatcher.submit(concert, join, ReplyTo::Once(sender)).unwrap();
    asked(before + 1).await;
    running.dispatcher.connect(concert, alice, &subscriber);
    database.hold_up_behind(Call::Settle, before + 1);
    asked(before + 2).await;
    assert_eq!(received(), Vec::<Place>::new(), "nobody knows yet");

    database.hold_up(None);
    let joined = match reply.await.unwrap() {
        Ok(Answer::Queue { place, .. }) => place,
        other => panic!("{other:?}"),
    };
    subscriber.changed().await;
    let tokens: Vec<_> = received().into_iter().map(|place| place.record.token).collect();
    assert_eq!(tokens, [joined.record.token]);
    running.lanes.shutdown().await;
}

/// What became of a batch's commit, and of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It arrives after a sale of it was taken over, and is refused.
    Late,
    /// It was kept before that, and its answer is lost.
    KeptUnheard,
    /// It was lost, and so is its answer.
    LostUnheard,
}

/// Goal: a sale that is taken over in the middle of a batch takes no other one with it: what was kept is told to everybody, and
/// what was not is kept the next time, but for that sale. Method: each of three sales once, with everything that may become
/// of the batch.
#[tokio::test(start_paused = true)]
async fn a_sale_that_is_taken_over_in_the_middle_of_a_batch_takes_no_other_with_it() {
    for fate in [Fate::Late, Fate::KeptUnheard, Fate::LostUnheard] {
        for taken in 0..3 {
            takes_no_other_with_it(fate, taken).await;
        }
    }
}

async fn takes_no_other_with_it(fate: Fate, taken: usize) {
    let (database, clock) = (Database::new(1), Clock::manual(START));
    let store = database.connect();
    let mut concerts = Vec::new();
    for _ in 0..3 {
        concerts.push(store.add_concert(new_concert(1)).await.unwrap().0);
    }
    let running = Running::start(Arc::new(store.handle()), &clock, Options::new(SaleRules::default())).await;
    let fan = add_fan(&*running.store, 0).await;
    let call = match fate {
        Fate::Late => Call::Commit,
        Fate::KeptUnheard => {
            database.plan(Call::Commit, Fault::UnknownDone, 1);
            Call::Settle
        }
        Fate::LostUnheard => {
            database.plan(Call::Commit, Fault::UnknownUndone, 1);
            Call::Settle
        }
    };
    let before = database.calls(call);
    database.hold_up_behind(call, before);
    let mut replies = Vec::new();
    for concert in &concerts {
        let (sender, reply) = oneshot::channel();
        let join = Command::Join { user: fan, connection: None };
        running.dispatcher.submit(*concert, join, ReplyTo::Once(sender)).unwrap();
        replies.push(reply);
    }
    while database.calls(call) == before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    database.take_over(concerts[taken], clock.steady());
    database.hold_up(None);

    let joins = |concert: ConcertId| {
        let is_join = |row: &KeptRow| match &row.kind {
            KeptKind::Events(events) => events.iter().any(|event| matches!(event, Event::Joined(_))),
            _ => false,
        };
        database.journal(concert, 0).iter().filter(|row| is_join(row)).count()
    };
    for (index, reply) in replies.into_iter().enumerate() {
        let is_kept = index != taken || fate == Fate::KeptUnheard;
        let retry_after = limits::UNAVAILABLE_RETRY_AFTER;
        match reply.await.unwrap() {
            Ok(Answer::Queue { .. }) if is_kept => {}
            Err(refusal) if !is_kept => assert_eq!(refusal, Refusal::Unavailable { retry_after }),
            other => panic!("{fate:?}, sale {index} of which {taken} was taken over: {other:?}"),
        }
        assert_eq!(
            joins(concerts[index]),
            usize::from(is_kept),
            "{fate:?}, sale {index}, {taken} taken over"
        );
    }
    running.lanes.shutdown().await;
}

/// Goal: nobody waits longer because a batch is tried again. Method: somebody else has the rows locked, for longer than
/// the store waits for a lock.
#[tokio::test(start_paused = true)]
async fn who_waits_behind_the_locks_of_others_is_answered_in_time() {
    let (database, clock) = (Database::new(1), Clock::manual(START));
    let store = database.connect();
    let (concert, _) = store.add_concert(new_concert(2)).await.unwrap();
    let running = Running::start(Arc::new(store.handle()), &clock, Options::new(SaleRules::default())).await;
    let user = add_fan(&*running.store, 0).await;
    let lock_wait = Duration::from_secs(5);
    database.lock_rows(Some(lock_wait));
    let (sender, mut reply) = oneshot::channel();
    let join = Command::Join { user, connection: None };
    running.dispatcher.submit(concert, join.clone(), ReplyTo::Once(sender)).unwrap();
    let (began, mut unready) = (clock.steady(), None);
    let answer = loop {
        match reply.try_recv() {
            Ok(answer) => break answer,
            Err(oneshot::error::TryRecvError::Closed) => panic!("nobody answers any more"),
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        if unready.is_none() && !running.dispatcher.unready().is_empty() {
            unready = Some(clock.steady().since(began));
        }
        // Both go on: the store waits by the runtime's time, and patience is lost by the clock.
        let step = Duration::from_millis(50);
        clock.advance(step);
        tokio::time::advance(step).await;
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(answer, Err(Refusal::OutcomeUnknown));
    assert!(database.calls(Call::Commit) > 1, "it was tried again");
    let (waited, soon) = (clock.steady().since(began), 2 * limits::PATIENCE_TICK);
    assert!(waited <= limits::OUTCOME_PATIENCE + soon, "{waited:?}");
    let unready = unready.expect("readiness says that nobody is served");
    assert!(unready <= limits::LANE_STALL + soon, "{unready:?}");

    database.lock_rows(None);
    running.served_again(&clock).await;
    assert!(running.request(concert, join).await.is_ok());
    running.lanes.shutdown().await;
}

/// Goal: whoever is decided gets the answer to what they asked and nobody else's, however long a transaction that wrote
/// nothing takes to end. Method: its end hangs with two refusals in it and a request behind it, and comes later.
#[tokio::test(start_paused = true)]
async fn who_is_in_a_transaction_that_does_not_end_is_not_taken_out_of_it() {
    let (database, clock) = (Database::new(1), Clock::manual(START));
    let store = database.connect();
    let (concert, schedules) = store.add_concert(new_concert(2)).await.unwrap();
    let running = Running::start(Arc::new(store.handle()), &clock, Options::new(SaleRules::default())).await;
    let mut payments = Vec::new();
    for seat in 0..2 {
        let user = add_fan(&*running.store, 0).await;
        assert!(running.request(concert, Command::Join { user, connection: None }).await.is_ok());
        let caller = Caller { user, token: None, guest_of: None };
        let hold = Command::Hold { caller, schedule: schedules[0], seats: vec![SeatId(seat)] };
        let Ok(Answer::Reservation(held)) = running.request(concert, hold).await else { panic!("no hold") };
        payments.push(Command::Pay { caller, reservation: held.id });
    }
    let submit = |command: &Command| {
        let (sender, reply) = oneshot::channel();
        running.dispatcher.submit(concert, command.clone(), ReplyTo::Once(sender)).unwrap();
        reply
    };
    let ends = database.calls(Call::Rollback);
    database.hold_up(Some(Call::Rollback));
    let (first, second) = (submit(&payments[0]), submit(&payments[1]));
    while database.calls(Call::Rollback) == ends {
        tokio::task::yield_now().await;
    }
    let behind = submit(&payments[0]);
    let began = clock.steady();
    let refused = waited_for(&clock, behind).await;
    assert!(matches!(refused, Err(Refusal::Overloaded { .. })), "{refused:?}");
    for decided in [first, second] {
        assert_eq!(waited_for(&clock, decided).await, Err(Refusal::OutcomeUnknown));
        assert!(clock.steady().since(began) > limits::OUTCOME_PATIENCE);
    }
    database.hold_up(None);
    running.served_again(&clock).await;
    for payment in payments {
        let refused = running.request(concert, payment).await;
        assert!(
            matches!(refused, Err(Refusal::Rejected(Rejection::InsufficientBalance { .. }))),
            "{refused:?}"
        );
    }
    running.lanes.shutdown().await;
}

/// Goal: a machine's clock that is set costs nobody a seat and keeps nobody out. Method: it is set by an hour either way
/// while a seat is held and somebody waits.
#[tokio::test]
async fn a_hold_runs_out_on_time_whatever_the_clock_is_set_to() {
    for step in [-3_600_000, 3_600_000] {
        let house = House::open(1).await;
        let (alice, bob) = (house.user(0).await, house.user(0).await);
        house.join(alice.user).await;
        assert!(house.hold(alice, &[3]).await.is_ok());
        assert_eq!(house.join(bob.user).await.record.status, TokenStatus::Waiting);
        let metrics = &house.running.as_ref().unwrap().metrics;

        house.clock.set_by(step);
        let rules = SaleRules::default();
        house.clock.advance(rules.hold_ttl - Duration::from_secs(1));
        assert!(house.hold(alice, &[3]).await.is_ok(), "step {step}: it is still hers");
        assert_eq!((metrics.clock_steps.get(), metrics.clock_step_ms.get()), (1, step));
        house.clock.advance(Duration::from_secs(2));
        let reply = house.hold(alice, &[4]).await;
        let Ok(Answer::Reservation(again)) = reply else { panic!("step {step}: {reply:?}") };
        assert_eq!(again.seats.len(), 1, "step {step}: the first one is over");

        house.clock.advance(rules.admission_ttl);
        assert_eq!(house.join(bob.user).await.record.status, TokenStatus::Progress, "step {step}");
    }
}

/// Goal: what is said in UTC goes by UTC. Method: a sale opens at a time that the clock is set to.
#[tokio::test]
async fn a_sale_opens_by_the_machines_clock() {
    let mut new = new_concert(1);
    new.settings = SaleSettings {
        state: SaleState::Scheduled,
        opens_at: Some(START + Duration::from_secs(3_600)),
        ..new.settings
    };
    let folder = tempfile::tempdir().unwrap();
    let store = store::open(None, folder.path()).await.unwrap();
    let (concert, _) = store.add_concert(new).await.unwrap();
    let user = add_fan(&*store, 0).await;
    let clock = Clock::manual(START);
    let options = Options { heartbeat_gap_max: 365 * DAY, ..Options::new(SaleRules::default()) };
    let running = Running::start(store, &clock, options).await;
    let place = async || match running.request(concert, Command::Join { user, connection: None }).await {
        Ok(Answer::Queue { place, .. }) => place.record.status,
        other => panic!("{other:?}"),
    };
    assert_eq!(place().await, TokenStatus::Waiting);
    clock.advance(Duration::from_secs(3_599));
    assert_eq!(place().await, TokenStatus::Waiting);
    clock.set_by(-600_000);
    clock.advance(Duration::from_secs(2));
    assert_eq!(place().await, TokenStatus::Waiting, "it is ten minutes earlier now");
    clock.set_by(600_000);
    clock.advance(limits::HEARTBEAT_INTERVAL);
    assert_eq!(place().await, TokenStatus::Progress);
    running.lanes.shutdown().await;
}

/// Goal: a sale's time goes on also over a restart with a clock that was set back. Method: the next process begins an hour
/// earlier than the last one ended.
#[tokio::test]
async fn a_restart_with_a_clock_that_was_set_back_makes_no_hold_longer() {
    let mut house = House::open(2).await;
    let (alice, bob) = (house.user(0).await, house.user(0).await);
    house.join(alice.user).await;
    house.join(bob.user).await;
    assert!(house.hold(alice, &[3]).await.is_ok());
    let rules = SaleRules::default();
    house.clock.advance(rules.hold_ttl - Duration::from_secs(60));
    assert!(house.request(Command::Extend { caller: alice }).await.is_ok());
    house.stop().await;
    house.clock = Clock::manual(START - Duration::from_secs(3_600));
    house.start().await;
    house.join(bob.user).await;
    house.clock.advance(Duration::from_secs(58));
    let taken = Err(Refusal::Rejected(Rejection::SeatTaken { seats: vec![SeatId(3)] }));
    assert_eq!(house.hold(bob, &[3]).await, taken);
    house.clock.advance(Duration::from_secs(3));
    assert!(house.hold(bob, &[3]).await.is_ok());
}

/// Goal: no reservation is decided that a column cannot keep, and nobody else suffers for who tries. Method: seats at half
/// of all money there can be.
#[tokio::test]
async fn a_reservation_is_never_worth_more_than_money_can_be() {
    let mut new = new_concert(2);
    new.layout.categories.iter_mut().for_each(|category| category.price = 1 << 52);
    let folder = tempfile::tempdir().unwrap();
    let store = store::open(None, folder.path()).await.unwrap();
    let (concert, schedules) = store.add_concert(new).await.unwrap();
    let user = add_fan(&*store, 0).await;
    let running = Running::start(store, &Clock::manual(START), Options::new(SaleRules::default())).await;
    assert!(running.request(concert, Command::Join { user, connection: None }).await.is_ok());
    let caller = Caller { user, token: None, guest_of: None };
    let hold = |seats: &[u32]| {
        let seats = seats.iter().map(|seat| SeatId(*seat)).collect();
        running.request(concert, Command::Hold { caller, schedule: schedules[0], seats })
    };
    let too_many = Err(Refusal::Rejected(Rejection::HoldLimit { max: 1 }));
    assert_eq!(hold(&[0, 1]).await, too_many);
    assert!(hold(&[0]).await.is_ok());
    assert_eq!(hold(&[1]).await, too_many);
    assert_eq!(running.dispatcher.unready(), Vec::<String>::new());
    running.lanes.shutdown().await;
}

/// Goal: a row that the store refuses for certain is its asker's trouble alone. Method: a trigger says no to one seat of
/// sixteen that are wanted at once, and later to a hold's end.
#[tokio::test]
async fn who_asks_for_what_the_store_refuses_is_refused_alone() {
    let house = House::open(100).await;
    let mut fans = Vec::new();
    for _ in 0..16 {
        let fan = house.user(0).await;
        house.join(fan.user).await;
        fans.push(fan);
    }
    house
        .meddle(
            "CREATE TRIGGER never BEFORE INSERT ON journal WHEN new.events LIKE '%[\"hold\",%,[7],%' \
             BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .await;
    let hold = async |(fan, seat): (&Caller, u32)| house.hold(*fan, &[seat]).await;
    let held = futures_util::future::join_all(fans.iter().zip(0..).map(hold)).await;
    for (seat, reply) in held.iter().enumerate() {
        match seat {
            7 => assert_eq!(*reply, Err(Refusal::Internal)),
            _ => assert!(reply.is_ok(), "seat {seat}: {reply:?}"),
        }
    }
    let running = house.running.as_ref().unwrap();
    assert_eq!(running.dispatcher.unready(), Vec::<String>::new());
    assert!(house.hold(fans[7], &[17]).await.is_ok(), "another seat is theirs");

    // Nobody waits for what is due by itself: its sale stops until somebody mends it, and the other goes on.
    let (other, schedules) = running.store.add_concert(new_concert(100)).await.unwrap();
    house.clock.advance(limits::SALES_LOOKUP_INTERVAL);
    while running.dispatcher.whereabouts().len() < 2 {
        tokio::task::yield_now().await;
    }
    running.whole().await;
    let user = house.user(0).await.user;
    assert!(running.request(other, Command::Join { user, connection: None }).await.is_ok());
    house
        .meddle(
            "CREATE TRIGGER stay BEFORE INSERT ON journal WHEN new.concert_id = 1 AND new.events LIKE '%[\"lapse\",%' \
             BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .await;
    house.clock.advance(SaleRules::default().hold_ttl + Duration::from_secs(1));
    while !running.dispatcher.unready().iter().any(|why| why.contains("sale 1")) {
        tokio::task::yield_now().await;
    }
    let caller = Caller { user, token: None, guest_of: None };
    let hold = Command::Hold { caller, schedule: schedules[0], seats: vec![SeatId(0)] };
    // A fan who did nothing for so long joins again.
    assert!(running.request(other, Command::Join { user, connection: None }).await.is_ok());
    assert!(running.request(other, hold).await.is_ok());
    house.meddle("DROP TRIGGER stay").await;
    while !running.dispatcher.unready().is_empty() {
        house.clock.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
}

/// Goal: tables that refuse what was confirmed stop its sale alone, readiness says why, and nothing is lost once somebody has
/// mended them. Method: a trigger of somebody's own.
#[tokio::test]
async fn a_sale_whose_tables_refuse_what_follows_stops_alone() {
    // The clock turns faster than a slow disk writes. A hold that had run out by then would be refused by nobody.
    let (hold_ttl, admission_ttl, idle_ttl) = (365 * DAY, 365 * DAY, 365 * DAY);
    let rules = SaleRules { hold_ttl, admission_ttl, idle_ttl, ..SaleRules::default() };
    let house = House::with_rules(100, rules).await;
    let alice = house.user(0).await;
    house.join(alice.user).await;
    house
        .meddle(
            "CREATE TRIGGER never BEFORE UPDATE ON concert_seat WHEN new.seat = 7 AND new.status <> 'AVAILABLE' \
             BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .await;
    assert!(house.hold(alice, &[7]).await.is_ok(), "it is in the journal");
    let running = house.running.as_ref().unwrap();
    // Somebody waits for it, so it follows at once.
    let dispatcher = running.dispatcher.clone();
    tokio::spawn(async move { dispatcher.tables_have(Rows::All).await });
    let names =
        |why: &String| why.contains("event 0 (\"hold\") of row") && why.contains("does not fit its tables");
    while !running.dispatcher.unready().iter().any(names) {
        house.clock.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    house.meddle_at_once("DROP TRIGGER never").await;
    while !running.dispatcher.unready().is_empty() {
        house.clock.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    let reservations = running.store.reservations(alice.user).await.unwrap();
    assert_eq!(reservations.iter().map(|row| &row.seats[..]).collect::<Vec<_>>(), [&[SeatId(7)][..]]);
    assert_eq!(running.store.audit().await.unwrap().faults, Vec::<String>::new());
}

/// Goal: a fault of ours in one sale is no other's trouble. Method: a hold in a performance that its sale does not have
/// breaks deciding off when its time is over; another sale of the lane goes on in the same memory.
#[tokio::test]
async fn a_sale_that_breaks_takes_no_other_with_it() {
    let mut house = House::open(10).await;
    let alice = house.user(0).await;
    house.join(alice.user).await;
    assert!(house.hold(alice, &[3]).await.is_ok());
    house.stop().await;
    house.meddle("UPDATE reservation SET schedule_id = schedule_id + 90").await;
    house.start().await;
    let running = house.running.as_ref().unwrap();
    let (other, schedules) = running.store.add_concert(new_concert(10)).await.unwrap();
    house.clock.advance(limits::SALES_LOOKUP_INTERVAL);
    while running.dispatcher.whereabouts().len() < 2 {
        tokio::task::yield_now().await;
    }
    running.whole().await;
    let (bob, connection) = (house.user(0).await, ConnectionId(1));
    let request = async |command| running.request(other, command).await;
    assert!(request(Command::Join { user: bob.user, connection: Some(connection) }).await.is_ok());
    let hold = Command::Hold { caller: bob, schedule: schedules[0], seats: vec![SeatId(0)] };
    let Ok(Answer::Reservation(held)) = request(hold).await else { panic!("not held") };
    let view = |concert| running.fanout.sale(concert);
    let (broken, whole) = (view(house.concert).unwrap(), view(other).unwrap());

    house.clock.advance(SaleRules::default().hold_ttl - limits::SALES_LOOKUP_INTERVAL);
    while view(house.concert).is_some_and(|view| Arc::ptr_eq(&view, &broken)) {
        tokio::task::yield_now().await;
    }
    house.meddle("UPDATE reservation SET schedule_id = schedule_id - 90 WHERE schedule_id > 90").await;
    while view(house.concert).is_none_or(|view| view.topics().any(|topic| topic.counts().held > 0)) {
        tokio::task::yield_now().await;
    }
    assert!(Arc::ptr_eq(&view(other).unwrap(), &whole), "it was rebuilt for another's fault");
    let released = request(Command::Release { caller: bob, reservation: held.id, seats: None }).await;
    let Ok(Answer::Reservation(released)) = released else { panic!("{released:?}") };
    assert_eq!(released.status, ReservationStatus::Cancelled);
}
