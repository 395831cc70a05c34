use std::sync::Weak;

use futures_util::FutureExt as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::domain::command::Answer;
use crate::domain::ids::ScheduleId;
use crate::domain::time::Timestamp;
use crate::fanout::{Delivery, Outlet, Written};
use crate::venue::{self, ImportOptions, Shape};

const BEGAN_AT: u64 = 10;

fn topic(seats: usize) -> Arc<SeatTopic> {
    let hall = venue::generate(seats, Shape::Hall).unwrap();
    let prices = venue::suggested_prices(&hall);
    let imported = venue::import(hall.to_string().as_bytes(), &prices, ImportOptions::default()).unwrap();
    let plan = Arc::new(imported.layout.seat_plan());
    let schedule =
        ScheduleRecord { id: ScheduleId(7), starts_at: Timestamp::default(), state: ScheduleState::Planned };
    SeatTopic::new(
        ConcertId(1),
        ScheduleFacts { schedule, reason: None, prices: &[] },
        Arc::new(imported.layout),
        plan,
        [].into_iter(),
        BEGAN_AT,
    )
}

/// Holds a seat, as the next commit does.
fn hold(topic: &SeatTopic, seat: u32) {
    let version = topic.snapshot().version + 1;
    topic.apply(version, [(SeatId(seat), SeatState::TempReserved)].into_iter());
}

async fn round(topic: &Arc<SeatTopic>) {
    topic.begin_round().expect("something changed");
    topic.go_round(1).await;
}

/// (from, version, seats)
type Received = (u64, u64, Vec<u32>);

fn received(text: &Bytes) -> Received {
    let mut push: serde_json::Value = serde_json::from_slice(text).unwrap();
    let update: SeatsUpdate = serde_json::from_value(push["params"].take()).unwrap();
    (update.from, update.version, update.changes.iter().map(|change| change.seat).collect())
}

fn taken(subscriber: &Subscriber) -> Vec<Received> {
    let mut delivery = Delivery::default();
    subscriber.take(&mut delivery);
    delivery.seats.iter().map(received).collect()
}

/// A socket that is as free as the test says.
struct Socket {
    now: Mutex<Written>,
    got: Mutex<Vec<Bytes>>,
}

impl Socket {
    fn answers(&self, written: Written) {
        *self.now.lock() = written;
    }

    fn received(&self) -> Vec<Received> {
        self.got.lock().drain(..).map(|text| received(&text)).collect()
    }
}

impl Outlet for Socket {
    fn try_write(&self, text: &Bytes) -> Written {
        let now = *self.now.lock();
        if now != Written::Nothing {
            self.got.lock().push(text.clone());
        }
        now
    }
}

fn connection(id: u64) -> (Arc<Subscriber>, Arc<Socket>) {
    let socket = Arc::new(Socket { now: Mutex::new(Written::Whole), got: Mutex::default() });
    (Subscriber::with_outlet(ConnectionId(id), socket.clone()), socket)
}

fn is_woken(subscriber: &Subscriber) -> bool {
    subscriber.changed().now_or_never().is_some()
}

#[tokio::test]
async fn a_free_socket_is_written_to_and_nobody_is_woken() {
    let topic = topic(20);
    let (alice, socket) = connection(1);
    assert_eq!(topic.watch(&alice).version, 10);
    hold(&topic, 3);
    hold(&topic, 2);
    round(&topic).await;
    assert_eq!(socket.received(), [(10, 12, vec![2, 3])]);
    assert!(!is_woken(&alice));
    assert_eq!(topic.begin_round(), None, "nothing changed since");
    assert_eq!(taken(&alice), []);
}

#[tokio::test]
async fn a_busy_socket_gets_the_newest_later_and_every_delta_leads_on() {
    let topic = topic(20);
    let (alice, socket) = connection(1);
    topic.watch(&alice);
    socket.answers(Written::Nothing);
    hold(&topic, 1);
    round(&topic).await;
    assert!(is_woken(&alice));
    hold(&topic, 2);
    round(&topic).await;
    assert_eq!(topic.coalesced(), 1);
    hold(&topic, 3);
    assert_eq!(taken(&alice), [(10, 13, vec![1, 2, 3])], "as new as when it is taken");
    socket.answers(Written::Whole);
    round(&topic).await;
    assert_eq!(socket.received(), [], "nothing is sent twice");
    hold(&topic, 4);
    round(&topic).await;
    assert_eq!(socket.received(), [(13, 14, vec![4])]);
}

#[tokio::test]
async fn what_was_begun_is_sent() {
    let topic = topic(20);
    let (alice, socket) = connection(1);
    topic.watch(&alice);
    socket.answers(Written::Begun);
    hold(&topic, 1);
    round(&topic).await;
    assert!(is_woken(&alice), "the task has to write the rest");
    assert_eq!(taken(&alice), []);
    socket.answers(Written::Whole);
    hold(&topic, 2);
    round(&topic).await;
    assert_eq!(socket.received(), [(10, 11, vec![1]), (11, 12, vec![2])]);
}

#[tokio::test]
async fn what_waits_already_is_sent_first() {
    let topic = topic(20);
    let (alice, socket) = connection(1);
    topic.watch(&alice);
    alice.push_answer(5, Ok(Answer::Done));
    hold(&topic, 1);
    round(&topic).await;
    assert_eq!(socket.received(), [], "a free socket, but an answer waits for it");
    let mut delivery = Delivery::default();
    alice.take(&mut delivery);
    assert_eq!((delivery.answers.len(), received(&delivery.seats[0])), (1, (10, 11, vec![1])));
}

#[tokio::test]
async fn a_snapshot_is_the_first_word_and_a_new_one_begins_anew() {
    let topic = topic(20);
    let (alice, socket) = connection(1);
    hold(&topic, 1);
    assert_eq!(topic.watch(&alice).version, 11);
    topic.begin_round();
    topic.go_round(1).await;
    assert_eq!(socket.received(), [], "the snapshot has it");
    socket.answers(Written::Nothing);
    hold(&topic, 2);
    round(&topic).await;
    assert_eq!(topic.watch(&alice).version, 12);
    assert_eq!(taken(&alice), [], "so has the second one");
    topic.unwatch(alice.id());
    socket.answers(Written::Whole);
    hold(&topic, 3);
    assert_eq!(topic.begin_round(), None, "nobody watches");
    assert_eq!((socket.received(), taken(&alice)), (vec![], vec![]));
}

#[tokio::test]
async fn a_round_tells_what_is_newest_and_encodes_it_once() {
    /// A watcher in whose turn another seat is held.
    struct Holder(Weak<SeatTopic>);
    impl Outlet for Holder {
        fn try_write(&self, _: &Bytes) -> Written {
            hold(&self.0.upgrade().unwrap(), 2);
            Written::Whole
        }
    }
    let topic = topic(20);
    let holder = Subscriber::with_outlet(ConnectionId(1), Arc::new(Holder(Arc::downgrade(&topic))));
    topic.watch(&holder);
    let many: Vec<_> = (2..=2 * WATCHERS_AT_ONCE as u64).map(connection).collect();
    many.iter().for_each(|(subscriber, _)| drop(topic.watch(subscriber)));
    hold(&topic, 1);
    round(&topic).await;
    let got: Vec<Bytes> = many.iter().map(|(_, socket)| socket.got.lock()[0].clone()).collect();
    let (early, late) = got.split_at(WATCHERS_AT_ONCE - 1);
    assert!(early.iter().all(|text| received(text) == (10, 11, vec![1])));
    assert!(late.iter().all(|text| received(text) == (10, 12, vec![1, 2])));
    assert!([early, late].iter().all(|texts| texts.iter().all(|text| text.as_ptr() == texts[0].as_ptr())));
    // The holder's second change must not be sent by the holder again.
    topic.unwatch(holder.id());
    round(&topic).await;
    let (notified, known) = many.split_at(WATCHERS_AT_ONCE - 1);
    assert!(notified.iter().all(|(_, socket)| socket.received()[1] == (11, 12, vec![2])));
    assert!(known.iter().all(|(_, socket)| socket.received().len() == 1));
}

#[tokio::test]
async fn a_new_view_tells_its_watchers_what_differs_and_forgets_who_is_gone() {
    let (former, new) = (topic(6), topic(6));
    let ((alice, socket), (gone, gone_socket)) = (connection(1), connection(2));
    former.watch(&alice);
    former.watch(&gone);
    // Its end comes while the watchers move.
    former.state.lock().watchers.remove(&gone.id());
    gone.close();
    former.state.lock().watchers.insert(gone.id(), gone.clone());
    // Seat 2 is as the watcher will find it, but was not told.
    [1, 2].into_iter().for_each(|seat| hold(&former, seat));
    new.apply(14, [(SeatId(2), SeatState::TempReserved), (SeatId(4), SeatState::Reserved)].into_iter());
    new.adopt_watchers(&former);
    assert_eq!((new.watchers(), former.watchers()), (1, 0));
    assert_eq!(Arc::strong_count(&gone_socket), 1, "nobody keeps a socket that is to be closed");
    round(&new).await;
    assert_eq!(socket.received(), [(10, 14, vec![1, 2, 4])]);
    hold(&new, 1);
    round(&new).await;
    assert_eq!(socket.received(), [(14, 15, vec![1])]);
}

#[tokio::test]
async fn a_new_view_with_the_same_seats_tells_nothing_and_one_of_an_earlier_state_everything() {
    let (former, same) = (topic(6), topic(6));
    let (alice, socket) = connection(1);
    hold(&former, 1);
    former.watch(&alice);
    same.apply(20, [(SeatId(1), SeatState::TempReserved)].into_iter());
    same.adopt_watchers(&former);
    round(&same).await;
    assert_eq!(socket.received(), []);
    hold(&same, 2);
    round(&same).await;
    assert_eq!(socket.received(), [(11, 12, vec![2])]);
    // The tables were mended by hand, and have less of the journal.
    let earlier = topic(6);
    earlier.adopt_watchers(&same);
    round(&earlier).await;
    assert_eq!(socket.received(), [(0, 10, vec![0, 1, 2, 3, 4, 5])]);
}

#[tokio::test]
async fn several_tasks_go_through_all_watchers_once() {
    let topic = topic(20);
    let many: Vec<_> = (1..=101).map(connection).collect();
    many.iter().for_each(|(subscriber, _)| drop(topic.watch(subscriber)));
    for tasks in [1, 2, 3, 7, 200] {
        hold(&topic, 1);
        topic.begin_round();
        topic.go_round(tasks).await;
        assert!(many.iter().all(|(_, socket)| socket.received().len() == 1), "{tasks} tasks");
    }
}

#[test]
fn a_delta_is_the_same_whether_remembered_or_looked_for() {
    let topic = topic(64);
    let mut rng = StdRng::seed_from_u64(7);
    for _ in 0..200 {
        hold(&topic, rng.random_range(0..64));
        let state = topic.state.lock();
        assert!(state.recent.len() <= 64 / RECENT_PART);
        for known in 0..=state.version {
            let looked_for = state.changed_at.iter().enumerate().filter(|(_, at)| **at > known);
            let looked_for: Vec<_> = looked_for.map(|(seat, _)| SeatId(seat as u32)).collect();
            assert_eq!(state.changed_since(known), looked_for, "since {known} of {}", state.version);
        }
    }
}

/// Goal: rounds follow each other soon where they cost little, and spread where they cost much. Method: a clock that is
/// turned by each write.
#[tokio::test(start_paused = true)]
async fn rounds_become_rarer_with_what_their_writing_takes() {
    struct Costly {
        write: Duration,
        written: Mutex<u32>,
    }
    impl Outlet for Costly {
        fn try_write(&self, _: &Bytes) -> Written {
            // The clock is turned by the first poll.
            let _ = tokio::time::advance(self.write).now_or_never();
            *self.written.lock() += 1;
            Written::Whole
        }
    }
    const WATCHERS: u64 = 10;
    for (write, interval) in [(0, 20), (1, 30), (2, 60), (5, 100)] {
        let (write, interval) = (Duration::from_millis(write), Duration::from_millis(interval));
        let topic = topic(20);
        let sockets: Vec<_> = (0..WATCHERS)
            .map(|id| {
                let socket = Arc::new(Costly { write, written: Mutex::default() });
                topic.watch(&Subscriber::with_outlet(ConnectionId(id), socket.clone()));
                socket
            })
            .collect();
        let kept = topic.clone();
        let rounds = tokio::spawn(async move { kept.run_rounds(&RoundPace::default()).await });
        let began = Instant::now();
        let mut seat = 0;
        while began.elapsed() < 20 * interval {
            hold(&topic, seat % 20);
            seat += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for socket in sockets {
            let written = *socket.written.lock();
            assert!((18..=21).contains(&written), "{written} rounds, each with writes of {write:?}");
        }
        rounds.abort();
    }
}
