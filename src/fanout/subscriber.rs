//! What waits for one connection. Answers are a log, in order and never dropped; places, reservations, a sale's
//! state and seats are registers, of which only the newest value waits.
//! Always: what waits is bounded: answers by the requests in flight, registers by what exists to be told.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::Poll;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use super::reply::Reply;
use super::seat_topic::{Round, SeatTopic};
use crate::domain::command::{Answer, Place};
use crate::domain::ids::{ConcertId, ConnectionId, EntryNo, ReservationId, ScheduleId};
use crate::domain::record::{Reservation, SaleState};

/// A sale's state or message changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleNews {
    pub concert: ConcertId,
    pub state: SaleState,
    pub message: Option<Box<str>>,
}

/// Everything that waited, to be sent in the order of the fields.
#[derive(Default)]
pub struct Delivery {
    /// With the tag that the session gave the request.
    pub answers: Vec<(u32, Reply)>,
    pub places: Vec<Place>,
    pub reservations: Vec<Reservation>,
    pub sales: Vec<SaleNews>,
    /// Whole `seats.update` notifications, in JSON.
    pub seats: Vec<Bytes>,
    /// Hold on to these until the frames are written: the next round of a topic waits for them.
    pub rounds: Vec<Arc<Round>>,
    /// The user has too many connections, and this is the oldest.
    pub superseded: bool,
}

impl Delivery {
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
            && self.places.is_empty()
            && self.reservations.is_empty()
            && self.sales.is_empty()
            && self.seats.is_empty()
            && !self.superseded
    }
}

pub struct Subscriber {
    id: ConnectionId,
    /// The sale whose token the session carries; 0 for none.
    carried: AtomicU32,
    /// The entry whose place the wheel tells, plus one; 0 for none.
    following: AtomicU64,
    waiting: AtomicBool,
    closed: AtomicBool,
    waker: AtomicWaker,
    inbox: Mutex<Inbox>,
}

#[derive(Default)]
struct Inbox {
    answers: VecDeque<(u32, Reply)>,
    places: Vec<Place>,
    reservations: Vec<Reservation>,
    sales: Vec<SaleNews>,
    watches: Vec<Watch>,
    superseded: bool,
}

impl Inbox {
    /// What waits was committed before the answer, and answers are sent first: an older state that came after it
    /// would take back what the client has just been told.
    fn forget_older_than(&mut self, answer: &Answer) {
        match answer {
            Answer::Queue { place, .. } => self.forget_place(place),
            Answer::Resumed { place, reservations } => {
                self.forget_place(place);
                reservations.iter().for_each(|reservation| self.forget_reservation(reservation.id));
            }
            Answer::Reservation(reservation) | Answer::Cancelled { reservation, .. } => {
                self.forget_reservation(reservation.id);
            }
            Answer::Paid { payment, .. } => self.forget_reservation(payment.reservation),
            Answer::Charged(_) | Answer::Figures(_) | Answer::Done => {}
        }
    }

    fn forget_place(&mut self, answered: &Place) {
        let told = &answered.record;
        self.places.retain(|p| p.record.concert != told.concert || p.record.entry > told.entry);
    }

    fn forget_reservation(&mut self, answered: ReservationId) {
        self.reservations.retain(|reservation| reservation.id != answered);
    }
}

struct Watch {
    topic: Arc<SeatTopic>,
    /// The version that the client has.
    told: u64,
    news: Option<Arc<Round>>,
}

impl Subscriber {
    pub fn new(id: ConnectionId) -> Arc<Self> {
        Arc::new(Self {
            id,
            carried: AtomicU32::new(0),
            following: AtomicU64::new(0),
            waiting: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            inbox: Mutex::default(),
        })
    }

    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// Does the session carry a token of this sale?
    pub fn carries(&self, concert: ConcertId) -> bool {
        self.carried.load(Ordering::Acquire) == concert.0
    }

    pub(super) fn carry(&self, concert: ConcertId) {
        self.carried.store(concert.0, Ordering::Release);
    }

    /// `false` if the wheel follows this entry already.
    pub(super) fn begin_following(&self, entry: EntryNo) -> bool {
        self.following.swap(entry.0 + 1, Ordering::AcqRel) != entry.0 + 1
    }

    /// Does the wheel still follow this entry, or another one by now?
    pub(super) fn follows(&self, entry: EntryNo) -> bool {
        self.following.load(Ordering::Acquire) == entry.0 + 1
    }

    pub(super) fn end_following(&self, entry: EntryNo) {
        // Another entry may have taken its place meanwhile; that one stays.
        let _ = self.following.compare_exchange(entry.0 + 1, 0, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Resolves when something waits.
    pub async fn changed(&self) {
        poll_fn(|context| {
            if self.waiting.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            self.waker.register(context.waker());
            match self.waiting.load(Ordering::Acquire) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    /// Moves everything that waits to `out`.
    pub fn take(&self, out: &mut Delivery) {
        // Before the inbox is emptied: what comes in between sets it again.
        self.waiting.store(false, Ordering::Release);
        let mut inbox = self.inbox.lock();
        out.answers.extend(inbox.answers.drain(..));
        out.places.append(&mut inbox.places);
        out.reservations.append(&mut inbox.reservations);
        out.sales.append(&mut inbox.sales);
        let mut lagging = Vec::new();
        for watch in &mut inbox.watches {
            let Some(round) = watch.news.take() else { continue };
            if round.version() <= watch.told {
                continue;
            }
            if round.from() <= watch.told {
                watch.told = round.version();
                out.seats.push(round.text());
                out.rounds.push(round);
            } else {
                lagging.push((watch.topic.clone(), watch.told));
            }
        }
        out.superseded |= std::mem::take(&mut inbox.superseded);
        drop(inbox);
        // A topic's lock is taken before an inbox's, never the other way round.
        for (topic, told) in lagging {
            // It missed a round: one delta from what it has to the newest.
            let (version, text) = topic.delta_since(told);
            out.seats.push(text);
            let mut inbox = self.inbox.lock();
            if let Some(watch) = inbox.watches.iter_mut().find(|w| Arc::ptr_eq(&w.topic, &topic)) {
                watch.told = watch.told.max(version);
            }
        }
    }

    /// The connection is gone: nothing more is kept for it.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let watches = std::mem::take(&mut *self.inbox.lock()).watches;
        for watch in watches {
            watch.topic.unwatch(self.id);
        }
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Tells the connection that a newer one of its user takes its place.
    pub fn supersede(&self) {
        self.offer(|inbox| inbox.superseded = true);
    }

    pub(crate) fn push_answer(&self, tag: u32, reply: Reply) {
        self.offer(|inbox| {
            if let Ok(answer) = &reply {
                inbox.forget_older_than(answer);
            }
            inbox.answers.push_back((tag, reply));
        });
    }

    pub(super) fn offer_place(&self, place: Place) {
        self.offer(|inbox| {
            match inbox.places.iter_mut().find(|p| p.record.concert == place.record.concert) {
                Some(known) if known.record.entry > place.record.entry => {}
                Some(known) => *known = place,
                None => inbox.places.push(place),
            }
        });
    }

    pub(super) fn offer_reservation(&self, reservation: Reservation) {
        self.offer(|inbox| match inbox.reservations.iter_mut().find(|r| r.id == reservation.id) {
            Some(known) => *known = reservation,
            None => inbox.reservations.push(reservation),
        });
    }

    pub(super) fn offer_sale(&self, news: SaleNews) {
        self.offer(|inbox| match inbox.sales.iter_mut().find(|s| s.concert == news.concert) {
            Some(known) => *known = news,
            None => inbox.sales.push(news),
        });
    }

    /// The newest round of a topic. `true` if it replaces one that was not sent yet.
    pub(super) fn offer_round(&self, schedule: ScheduleId, round: &Arc<Round>) -> bool {
        let mut replaced = false;
        self.offer(|inbox| {
            if let Some(watch) = inbox.watches.iter_mut().find(|w| w.topic.schedule().id == schedule) {
                replaced = watch.news.replace(round.clone()).is_some();
            }
        });
        replaced
    }

    /// Called by the topic, under its lock: the client has `told` from its snapshot.
    pub(super) fn begin_watch(&self, topic: Arc<SeatTopic>, told: u64) {
        let mut inbox = self.inbox.lock();
        inbox.watches.retain(|w| w.topic.schedule().id != topic.schedule().id);
        inbox.watches.push(Watch { topic, told, news: None });
    }

    pub(super) fn end_watch(&self, schedule: ScheduleId) {
        self.inbox.lock().watches.retain(|w| w.topic.schedule().id != schedule);
    }

    fn offer(&self, change: impl FnOnce(&mut Inbox)) {
        if self.is_closed() {
            return;
        }
        change(&mut self.inbox.lock());
        self.waiting.store(true, Ordering::Release);
        self.waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{IdSource, SeatId, UserId};
    use crate::domain::record::{ReservationStatus, TokenRecord, TokenStatus};
    use crate::domain::time::Timestamp;

    fn reservation(seats: &[u32]) -> Reservation {
        Reservation {
            id: IdSource::seeded([1; 32]).reservation(ConcertId(1), Timestamp::default()),
            concert: ConcertId(1),
            schedule: ScheduleId(1),
            user: UserId(1),
            status: ReservationStatus::TempReserved,
            seats: seats.iter().copied().map(SeatId).collect(),
            amount: 0,
            opened_at: Timestamp::default(),
            expires_at: Timestamp::default(),
            ended_at: None,
            best_requests: Vec::new(),
            payment: None,
        }
    }

    fn place(entry: u64, status: TokenStatus) -> Place {
        let record = TokenRecord {
            concert: ConcertId(1),
            entry: EntryNo(entry),
            token: IdSource::seeded([entry as u8; 32]).queue_token(ConcertId(1)),
            user: UserId(1),
            status,
            entered_at: Timestamp::default(),
            admitted_at: None,
            expires_at: None,
            ended_at: None,
        };
        Place { record, line: None, waiting: 0, sold_out: false, idle_at: None }
    }

    #[test]
    fn an_answer_is_not_followed_by_what_it_has_overtaken() {
        let subscriber = Subscriber::new(ConnectionId(1));
        subscriber.offer_reservation(reservation(&[0]));
        subscriber.push_answer(1, Ok(Answer::Reservation(reservation(&[0, 1]))));
        subscriber.offer_place(place(0, TokenStatus::Progress));
        let left = place(0, TokenStatus::Done);
        subscriber.push_answer(2, Ok(Answer::Queue { place: left, created: false }));
        let mut told = Delivery::default();
        subscriber.take(&mut told);
        assert_eq!(told.answers.len(), 2);
        assert_eq!((told.reservations, told.places), (vec![], vec![]));
    }

    #[test]
    fn what_came_after_an_answer_follows_it() {
        let subscriber = Subscriber::new(ConnectionId(1));
        subscriber.push_answer(1, Ok(Answer::Reservation(reservation(&[0]))));
        subscriber.offer_reservation(reservation(&[0, 1]));
        // About an old token; the user has a newer one by now.
        subscriber.offer_place(place(1, TokenStatus::Waiting));
        let old = place(0, TokenStatus::Done);
        subscriber.push_answer(2, Ok(Answer::Queue { place: old, created: false }));
        let mut told = Delivery::default();
        subscriber.take(&mut told);
        assert_eq!(told.reservations, [reservation(&[0, 1])]);
        assert_eq!(told.places, [place(1, TokenStatus::Waiting)]);
    }
}
