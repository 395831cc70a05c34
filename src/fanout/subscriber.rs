//! Everything that waits for one connection. Answers are a log, in order and never dropped; places, reservations, a
//! sale's state and seats are registers, of which only the newest value waits. Always: what waits is bounded: answers by
//! the requests in flight, registers by what exists. Which seats the client has of a topic is kept here, under the lock
//! that is held while its socket is written to: both change together.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use parking_lot::{Mutex, MutexGuard};

use super::reply::Reply;
use crate::domain::command::{Answer, Place};
use crate::domain::ids::{ConcertId, ConnectionId, ReservationId, ScheduleId, UserId};
use crate::domain::record::{Reservation, SaleState};
use crate::domain::time::Timestamp;

/// What an operator watches: one sale; `None`: every sale.
pub type Scope = Option<ConcertId>;

/// A sale's state, opening or message changed, or what is said of its concert and performances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleNews {
    pub concert: ConcertId,
    pub state: SaleState,
    /// UTC.
    pub opens_at: Option<Timestamp>,
    pub message: Option<Box<str>>,
    /// See `SaleView::revision`.
    pub revision: u64,
}

/// Everything that waited, to be sent in the order of the fields.
#[derive(Default)]
pub struct Delivery {
    /// Answers, each with the tag that the session gave the request.
    pub answers: Vec<(u32, Reply)>,
    pub places: Vec<Place>,
    pub reservations: Vec<Reservation>,
    pub sales: Vec<SaleNews>,
    /// The user's wallet changed. Which balance it has is read then: two lanes may say so in either order.
    pub wallet: bool,
    /// Whole `seats.update` notifications, in JSON.
    pub seats: Vec<Bytes>,
    /// Whole `ops.update` notifications, in JSON.
    pub console: Vec<Bytes>,
    /// The user has too many connections, and this is the oldest.
    pub superseded: bool,
}

impl Delivery {
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
            && self.places.is_empty()
            && self.reservations.is_empty()
            && self.sales.is_empty()
            && !self.wallet
            && self.seats.is_empty()
            && self.console.is_empty()
            && !self.superseded
    }
}

/// A connection's socket, as far as topics write to it themselves.
pub trait Outlet: Send + Sync {
    /// Writes one notification now or not at all; never waits.
    fn try_write(&self, text: &Bytes) -> Written;
}

/// A topic, as far as its watchers use it.
/// A topic's lock may be held when an inbox is locked, so none of this is called with an inbox locked.
pub(super) trait Watched: Send + Sync {
    fn schedule_id(&self) -> ScheduleId;
    /// The delta from this version to the newest one; `None` if it is the newest.
    fn delta_since(&self, version: u64) -> Option<Delta>;
    fn unwatch(&self, connection: ConnectionId);
}

/// The delta from one version of a topic's seats to another, as the notification that says so.
#[derive(Clone)]
pub(super) struct Delta {
    pub from: u64,
    pub version: u64,
    pub text: Bytes,
}

/// The outcome of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Whole,
    /// Its beginning; the rest is up to the connection's task, which has to be woken for it.
    Begun,
    /// Nothing of it: something else is being written, or the connection's task is at work.
    Nothing,
}

/// The outcome of a topic's visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visit {
    /// The connection has it, or its task will get it.
    Done,
    /// An earlier visit's delta is not taken yet; both become one.
    Merged,
}

pub struct Subscriber {
    id: ConnectionId,
    /// Not known before its first hello.
    user: OnceLock<UserId>,
    waiting: AtomicBool,
    closed: AtomicBool,
    waker: AtomicWaker,
    inbox: Mutex<Inbox>,
}

#[derive(Default)]
struct Inbox {
    answers: Vec<(u32, Reply)>,
    places: Vec<Place>,
    reservations: Vec<Reservation>,
    sales: Vec<SaleNews>,
    wallet: bool,
    watches: Vec<Watch>,
    /// The newest of each thing that an operator watches.
    console: Vec<(Scope, Bytes)>,
    superseded: bool,
    /// The socket that topics write to; a subscriber without one gets everything by `take`.
    outlet: Option<Arc<dyn Outlet>>,
}

impl Inbox {
    /// Registers that wait were committed before the answer, and answers are sent first: an older state that came
    /// after it would take back what the client has just received.
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
            Answer::Charged(_)
            | Answer::Figures(_)
            | Answer::Restricted { .. }
            | Answer::Refunded { .. }
            | Answer::SoldAtDesk { .. }
            | Answer::Moved(_)
            | Answer::Done => {}
        }
    }

    fn forget_place(&mut self, answered: &Place) {
        let known = &answered.record;
        self.places.retain(|p| p.record.concert != known.concert || p.record.entry > known.entry);
    }

    fn forget_reservation(&mut self, answered: ReservationId) {
        self.reservations.retain(|reservation| reservation.id != answered);
    }
}

struct Watch {
    topic: Arc<dyn Watched>,
    /// The version that the client has, or whose delta is being written to it.
    version: u64,
    /// There is a newer version, to be fetched when the connection's task comes to it.
    behind: bool,
}

/// Moves all, and leaves no room behind: most connections wait for long, and would keep it for as long as they do.
fn move_with_room<T>(from: &mut Vec<T>, to: &mut Vec<T>) {
    let mut moved = std::mem::take(from);
    match to.is_empty() {
        true => *to = moved,
        false => to.append(&mut moved),
    }
}

/// The watch of this very topic: a rebuilt sale has another one of the same performance, with versions of its own.
fn watch_of<'a>(watches: &'a mut [Watch], topic: &impl Watched) -> Option<&'a mut Watch> {
    watches.iter_mut().find(|watch| std::ptr::addr_eq(Arc::as_ptr(&watch.topic), topic))
}

impl Subscriber {
    /// A connection that receives everything by `take`.
    pub fn new(id: ConnectionId) -> Arc<Self> {
        Self::with_inbox(id, Inbox::default())
    }

    /// A connection whose topics write to it themselves while nothing else is being written.
    pub fn with_outlet(id: ConnectionId, outlet: Arc<dyn Outlet>) -> Arc<Self> {
        Self::with_inbox(id, Inbox { outlet: Some(outlet), ..Inbox::default() })
    }

    fn with_inbox(id: ConnectionId, inbox: Inbox) -> Arc<Self> {
        Arc::new(Self {
            id,
            user: OnceLock::new(),
            waiting: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            inbox: Mutex::new(inbox),
        })
    }

    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// Whose connection it is, as far as that is known.
    pub fn user(&self) -> Option<UserId> {
        self.user.get().copied()
    }

    pub(super) fn is_of(&self, user: UserId) {
        // It never changes.
        let _ = self.user.set(user);
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
        // It is reset before the inbox is emptied: what comes in between sets it again.
        self.waiting.store(false, Ordering::Release);
        let mut inbox = self.inbox.lock();
        move_with_room(&mut inbox.answers, &mut out.answers);
        move_with_room(&mut inbox.places, &mut out.places);
        move_with_room(&mut inbox.reservations, &mut out.reservations);
        move_with_room(&mut inbox.sales, &mut out.sales);
        out.wallet |= std::mem::take(&mut inbox.wallet);
        let mut behind = Vec::new();
        for watch in &mut inbox.watches {
            if std::mem::take(&mut watch.behind) {
                behind.push((watch.topic.clone(), watch.version));
            }
        }
        out.console.extend(std::mem::take(&mut inbox.console).into_iter().map(|(_, text)| text));
        out.superseded |= std::mem::take(&mut inbox.superseded);
        drop(inbox);
        for (topic, version) in behind {
            let Some(delta) = topic.delta_since(version) else { continue };
            let mut inbox = self.inbox.lock();
            // It may be watched no longer, or anew, or by another view.
            let is_same = |watch: &Watch| Arc::ptr_eq(&watch.topic, &topic) && watch.version == version;
            if let Some(watch) = inbox.watches.iter_mut().find(|watch| is_same(watch)) {
                watch.version = delta.version;
                out.seats.push(delta.text);
            }
        }
    }

    /// The connection is gone: nothing more is kept for it.
    pub fn close(&self) {
        // First, so that nothing is added behind it.
        self.closed.store(true, Ordering::Release);
        // A waker keeps the whole task in memory, and the place wheel keeps this for up to a minute.
        drop(self.waker.take());
        let watches = std::mem::take(&mut *self.inbox.lock()).watches;
        for watch in watches {
            watch.topic.unwatch(self.id);
        }
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Notifies the connection that a newer one of its user takes its place.
    pub fn supersede(&self) {
        self.offer(|inbox| inbox.superseded = true);
    }

    pub(crate) fn push_answer(&self, tag: u32, reply: Reply) {
        self.offer(|inbox| {
            if let Ok(answer) = &reply {
                inbox.forget_older_than(answer);
            }
            inbox.answers.push((tag, reply));
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

    pub(super) fn offer_wallet(&self) {
        self.offer(|inbox| inbox.wallet = true);
    }

    pub(super) fn offer_sale(&self, news: SaleNews) {
        self.offer(|inbox| match inbox.sales.iter_mut().find(|s| s.concert == news.concert) {
            Some(known) => *known = news,
            None => inbox.sales.push(news),
        });
    }

    pub(super) fn offer_console(&self, scope: Scope, text: Bytes) {
        self.offer(|inbox| match inbox.console.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, known)) => *known = text,
            None => inbox.console.push((scope, text)),
        });
    }

    /// The version of a topic's seats that the client has; `None` if it watches them no longer.
    pub(super) fn seats_version(&self, topic: &impl Watched) -> Option<u64> {
        watch_of(&mut self.inbox.lock().watches, topic).map(|watch| watch.version)
    }

    /// A topic's newest seats, written at once if nothing else is being written and nothing waits that was there
    /// first; otherwise the connection's task fetches what is newest by then.
    pub(super) fn publish_seats(&self, topic: &impl Watched, delta: &Delta) -> Visit {
        let mut inbox = self.inbox.lock();
        let Inbox { watches, outlet, .. } = &mut *inbox;
        let Some(watch) = watch_of(watches, topic).filter(|watch| watch.version < delta.version) else {
            return Visit::Done;
        };
        if watch.behind {
            return Visit::Merged;
        }
        let first = watch.version == delta.from && !self.waiting.load(Ordering::Acquire);
        match outlet.as_ref().filter(|_| first).map(|outlet| outlet.try_write(&delta.text)) {
            Some(Written::Whole) => {
                watch.version = delta.version;
                return Visit::Done;
            }
            Some(Written::Begun) => watch.version = delta.version,
            Some(Written::Nothing) | None => watch.behind = true,
        }
        self.wake(inbox);
        Visit::Done
    }

    /// Called by the topic, under its lock: the client has this version from its snapshot. `false` if it is gone.
    pub(super) fn begin_watch(&self, topic: Arc<dyn Watched>, version: u64) -> bool {
        let mut inbox = self.inbox.lock();
        if self.is_closed() {
            return false;
        }
        inbox.watches.retain(|watch| watch.topic.schedule_id() != topic.schedule_id());
        inbox.watches.push(Watch { topic, version, behind: false });
        true
    }

    pub(super) fn end_watch(&self, schedule: ScheduleId) {
        self.inbox.lock().watches.retain(|watch| watch.topic.schedule_id() != schedule);
    }

    fn offer(&self, change: impl FnOnce(&mut Inbox)) {
        if self.is_closed() {
            return;
        }
        let mut inbox = self.inbox.lock();
        change(&mut inbox);
        self.wake(inbox);
    }

    /// Something waits in the inbox.
    fn wake(&self, inbox: MutexGuard<'_, Inbox>) {
        // It is done before the lock is given up, so that no topic writes past what waits.
        self.waiting.store(true, Ordering::Release);
        drop(inbox);
        self.waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Context;

    use super::*;
    use crate::domain::ids::{EntryNo, IdSource, SeatId, UserId};
    use crate::domain::record::{ReservationStatus, TokenRecord, TokenStatus};
    use crate::domain::token_secret::TokenSecret;

    fn reservation(seats: &[u32]) -> Reservation {
        Reservation {
            id: IdSource::seeded([1; 32]).reservation(ConcertId(1), Timestamp::default()),
            concert: ConcertId(1),
            schedule: ScheduleId(1),
            user: UserId(1),
            status: ReservationStatus::TempReserved,
            seats: seats.iter().copied().map(SeatId).collect(),
            prices: Vec::new(),
            amount: 0,
            opened_at: Timestamp::default(),
            expires_at: Timestamp::default(),
            ended_at: None,
            best_requests: Vec::new(),
            guest_of: None,
            payment: None,
        }
    }

    fn place(entry: u64, status: TokenStatus) -> Place {
        let record = TokenRecord {
            concert: ConcertId(1),
            entry: EntryNo(entry),
            token: TokenSecret::new([1; 32]).token(
                ConcertId(1),
                EntryNo(entry),
                UserId(1),
                Timestamp::default(),
            ),
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
    fn a_closed_one_keeps_no_task() {
        struct Task;
        impl std::task::Wake for Task {
            fn wake(self: Arc<Self>) {}
        }
        let (subscriber, task) = (Subscriber::new(ConnectionId(1)), Arc::new(Task));
        let waker = task.clone().into();
        let polled = pin!(subscriber.changed()).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        drop(waker);
        assert_eq!(Arc::strong_count(&task), 2);
        subscriber.close();
        assert_eq!(Arc::strong_count(&task), 1);
    }

    #[test]
    fn an_answer_is_not_followed_by_what_it_has_overtaken() {
        let subscriber = Subscriber::new(ConnectionId(1));
        subscriber.offer_reservation(reservation(&[0]));
        subscriber.push_answer(1, Ok(Answer::Reservation(reservation(&[0, 1]))));
        subscriber.offer_place(place(0, TokenStatus::Progress));
        let left = place(0, TokenStatus::Done);
        subscriber.push_answer(2, Ok(Answer::Queue { place: left, created: false }));
        let mut delivery = Delivery::default();
        subscriber.take(&mut delivery);
        assert_eq!(delivery.answers.len(), 2);
        assert_eq!((delivery.reservations, delivery.places), (vec![], vec![]));
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
        let mut delivery = Delivery::default();
        subscriber.take(&mut delivery);
        assert_eq!(delivery.reservations, [reservation(&[0, 1])]);
        assert_eq!(delivery.places, [place(1, TokenStatus::Waiting)]);
    }
}
