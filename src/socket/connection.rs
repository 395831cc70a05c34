//! The task that owns one websocket. It reads frames, gives its `Session` the inputs, performs the outputs, and writes; it
//! holds no rules of its own but those of the socket: nothing more is read or taken while something waits to be
//! written, a peer that takes nothing for too long is hung up on, and whoever sends without end is read at a pace that
//! leaves the others their turn.
//!
//! A future written by hand, because thousands of them wait at once: nothing lives across a wait but its fields. While
//! the task sleeps, topics write to the socket themselves.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use frontrow_protocol::{
    CloseCode, ErrorObject, Method, RequestId, encode_error, encode_result_raw, parse_request,
};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, Stream as _};

use crate::config::ClientLimits;
use crate::desk::Context;
use crate::desk::outcome::Outcome;
use crate::desk::rate::{Meter, Rate};
use crate::desk::reads::Found;
use crate::desk::translate;
use crate::desk::visitor::Audience;
use crate::dispatcher::ReplyTo;
use crate::domain::ids::ScheduleId;
use crate::domain::time::Timestamp;
use crate::fanout::{Delivery, Subscriber};
use crate::limits::{
    CLOSE_PATIENCE, CONSOLES_PER_SESSION_MAX, CONSOLES_PER_TOKEN_MAX, OUTBOX_BYTES_HIGH,
    WEBSOCKET_CLOSE_BYTES_MAX, WRITE_BYTES_MIN, WRITE_PATIENCE,
};

use super::frame_reader::{Fault, FrameReader, Incoming};
use super::hub::{Draining, Hub};
use super::outbox::Outbox;
use super::permit::Permit;
use super::session::{Input, Newcomer, Output, Session};
use super::stream::Stream;
use super::timers::Timer;
use super::wire::Wire;

/// The work that is read of one connection before the others on its thread have their turn, in parts of
/// `WORK_OF_FRAME`: a third of a millisecond's work. Answers of a burst share a system call.
const WORK_PER_POLL: u32 = 64;
/// A frame, whatever is in it, and each KiB of it.
const WORK_OF_FRAME: u32 = 1;
/// A request is read, looked into and answered.
const WORK_OF_REQUEST: u32 = 2;
/// The work that a connection may give in the long run: twice as much as refusals of requests, which a session answers
/// at a pace of its own, or what its requests may take if that is more. Whatever comes faster stays in the socket, and
/// with the sender.
const WORK_PER_SECOND: u32 = 10_000;
/// Reading of a closing connection before others have their turn.
const DRAIN_READS_PER_POLL: usize = 16;
/// Writing and reading in turns before others on the same thread have theirs.
const TURNS_PER_POLL: usize = 8;

type Questions = FuturesUnordered<BoxFuture<'static, (u32, Result<Found, ErrorObject>)>>;

pub struct Connection {
    hub: Arc<Hub>,
    /// Ours from waking until everything is written; topics write to it meanwhile.
    wire: Arc<Wire>,
    reader: FrameReader,
    session: Session,
    subscriber: Arc<Subscriber>,
    timer: Arc<Timer>,
    outbox: Outbox,
    /// Questions to the store that are not answered; there are none most of the time.
    questions: Option<Box<Questions>>,
    /// A question is there that was not polled yet, so nobody would wake us for it.
    queried: bool,
    /// The peer has not taken everything.
    blocked: Option<Blocked>,
    /// The work that reading may still give in this poll.
    work_left: u32,
    /// Counts what reading did.
    pace: Meter,
    pace_max: Rate,
    /// It was too much: nothing is read before.
    reading_again_at: Option<Timestamp>,
    closing: Option<Closing>,
    left: bool,
    knows_of_restart: bool,
    /// One of all connections that are allowed.
    _permit: Permit,
}

/// The time since which a peer has taken less than it must, and what it had taken by then.
struct Blocked {
    since: Timestamp,
    taken: u64,
}

/// The session is over; what is left is to say goodbye.
struct Closing {
    until: Timestamp,
    shut: bool,
    drained: usize,
}

/// The outcome of an attempt to go on.
enum Turn {
    /// Something happened: try again.
    Again,
    /// Nothing more until somebody wakes us.
    Idle,
    /// There is more to do, but other tasks come first.
    GiveWay,
    /// The connection is over.
    Over,
}

impl Connection {
    /// `read` is what came behind the upgrade already.
    pub fn new(hub: Arc<Hub>, stream: Stream, read: &[u8], newcomer: Newcomer, permit: Permit) -> Self {
        let id = hub.next_connection();
        let mut outputs = Vec::new();
        let now = hub.timers.time.now();
        let utc = hub.context.clock.utc();
        let session = Session::open(id, newcomer, &hub.context.limits, now, utc, &mut outputs);
        let wire = Arc::new(Wire::new(stream));
        let mut connection = Self {
            reader: FrameReader::new(read),
            session,
            subscriber: Subscriber::with_outlet(id, wire.clone()),
            timer: Timer::new(),
            outbox: Outbox::default(),
            questions: None,
            queried: false,
            blocked: None,
            work_left: 0,
            pace: Meter::default(),
            pace_max: pace(&hub.context.limits),
            reading_again_at: None,
            closing: None,
            left: false,
            knows_of_restart: false,
            _permit: permit,
            wire,
            hub,
        };
        connection.hub.context.metrics.connections.inc();
        connection.hub.timers.set(&connection.timer, connection.session.next_tick());
        connection.perform(outputs);
        connection
    }

    fn now(&self) -> Timestamp {
        self.hub.timers.time.now()
    }

    /// Gives the session an input and does what it says.
    fn step(&mut self, input: Input) {
        let mut outputs = Vec::new();
        self.decide(input, &mut outputs);
        self.perform(outputs);
    }

    fn decide(&mut self, input: Input, outputs: &mut Vec<Output>) {
        decide(&mut self.session, &self.hub, input, outputs);
    }

    fn perform(&mut self, outputs: Vec<Output>) {
        let mut outputs = std::collections::VecDeque::from(outputs);
        let mut more = Vec::new();
        while let Some(output) = outputs.pop_front() {
            self.do_one(output, &mut more);
            outputs.extend(more.drain(..));
        }
    }

    /// Performs an output. Those that follow at once are added to `more`.
    fn do_one(&mut self, output: Output, more: &mut Vec<Output>) {
        let hub = self.hub.clone();
        let context = &hub.context;
        match output {
            Output::Answer { id, method, outcome } => self.answer(id.as_ref(), method, outcome),
            Output::WatchSales { id, scope } => {
                let state = context.watch_sales(scope, &self.subscriber);
                let outcome = state.map(|state| Outcome::Watched(Box::new(state)));
                self.answer(Some(&id), Some(Method::OpsWatch), outcome);
            }
            Output::UnwatchSales { id, scope } => {
                context.unwatch_sales(scope, self.subscriber.id());
                self.answer(Some(&id), Some(Method::OpsUnwatch), Ok(Outcome::Done));
            }
            Output::Watch { id, schedule, begun } => {
                let outcome = self.watch(schedule, begun);
                self.answer(id.as_ref(), Some(Method::SeatsWatch), outcome);
            }
            Output::Unwatch { id, schedule } => {
                let outcome = self.unwatch(schedule);
                self.answer(id.as_ref(), Some(Method::SeatsUnwatch), outcome);
            }
            Output::Submit { tag, concert, command } => {
                let guest_of = self.session.guest_of();
                let audience = self.session.audience();
                let reply = self.reply_to(tag);
                if let Err(refusal) = context.submit(audience, concert, command, guest_of, reply) {
                    self.decide(Input::Reply { tag, reply: Err(refusal) }, more);
                }
            }
            Output::Charge { tag, user, amount, request_id } => {
                let posted = context.dispatcher.charge(user, amount, &request_id, self.reply_to(tag));
                if let Err(refusal) = posted {
                    self.decide(Input::Reply { tag, reply: Err(refusal) }, more);
                }
            }
            Output::Query { tag, question } => {
                let context = context.clone();
                let query = Box::pin(async move { (tag, context.find(question).await) });
                self.questions.get_or_insert_default().push(query);
                self.queried = true;
            }
            Output::Touch { user, concert } => context.touch(user, concert),
            Output::Register { user } => {
                let max = context.limits.connections_per_user as usize;
                if let Some(oldest) = context.fanout.connect(user, &self.subscriber, max) {
                    oldest.supersede();
                }
            }
            Output::RegisterOperator { operator } => {
                let max = match operator.session {
                    Some(_) => CONSOLES_PER_SESSION_MAX,
                    None => CONSOLES_PER_TOKEN_MAX,
                };
                let console = (operator.id, operator.session);
                if let Some(oldest) = context.fanout.consoles.connect(console, &self.subscriber, max) {
                    oldest.supersede();
                }
            }
            Output::Greet { user, except } => {
                let others = context.fanout.visited_sales().into_iter();
                for concert in others.filter(|concert| Some(*concert) != except) {
                    context.dispatcher.connect(concert, user, &self.subscriber);
                }
            }
            Output::BePresent { user, concert } => {
                context.dispatcher.be_present(concert, user, self.subscriber.id());
            }
            Output::PushPlace(place) => self.outbox.text(translate::push_place(&context.fanout, &place)),
            Output::PushReservation(reservation) => {
                self.outbox.text(translate::push_reservation(&context.fanout, &reservation));
            }
            Output::PushSale(news) => self.outbox.text(translate::push_sale(&news)),
            Output::PushBalance(balance) => {
                self.outbox.text(translate::push_balance(&context.fanout, balance));
            }
            Output::PushHelloAgain { within } => {
                self.outbox.text(translate::push_hello_again(within));
            }
            Output::Ping => self.outbox.ping(),
            Output::Close(code) => self.close(code),
        }
    }

    fn reply_to(&self, tag: u32) -> ReplyTo {
        ReplyTo::Session { subscriber: self.subscriber.clone(), tag }
    }

    fn watch(&self, schedule: ScheduleId, begun: bool) -> Result<Outcome, ErrorObject> {
        let context = &self.hub.context;
        let topic = context
            .sale_of_schedule_for(self.session.audience(), schedule)
            .ok()
            .and_then(|view| match begun {
                true => view.topic(schedule),
                false => view.topic_on_sale(schedule, context.clock.utc()),
            })
            .ok_or_else(ErrorObject::schedule_not_found)?;
        Ok(Outcome::Snapshot { schedule, seats: topic.watch(&self.subscriber) })
    }

    fn unwatch(&self, schedule: ScheduleId) -> Result<Outcome, ErrorObject> {
        let view = self.hub.context.sale_of_schedule_for(self.session.audience(), schedule)?;
        if let Some(topic) = view.topic(schedule) {
            topic.unwatch(self.subscriber.id());
        }
        Ok(Outcome::Done)
    }

    fn answer(
        &mut self,
        id: Option<&RequestId>,
        method: Option<Method>,
        outcome: Result<Outcome, ErrorObject>,
    ) {
        let context = &self.hub.context;
        let result =
            outcome.and_then(|outcome| translate::result(&context.fanout, context.clock.utc(), &outcome));
        let counted = result.as_ref().map_or_else(|error| error.reason().as_str(), |_| "ok");
        // What is asked in a rehearsal is no fan's request.
        if self.session.audience() == Audience::Everybody {
            context.metrics.request(method.map_or("none", Method::as_str), counted);
        }
        if method == Some(Method::Hello) {
            // The timer depends on who it is, and until when.
            self.hub.timers.set(&self.timer, self.session.next_tick());
        }
        self.outbox.text(match (result, id) {
            (Ok(result), Some(id)) => encode_result_raw(id, &result),
            (Ok(_), None) => return,
            (Err(error), id) => encode_error(id, &error),
        });
    }

    /// The last frame; behind it nothing is sent or queried any more.
    fn close(&mut self, code: CloseCode) {
        self.outbox.close(code);
        self.begin_closing();
    }

    fn begin_closing(&mut self) {
        let until = self.now() + CLOSE_PATIENCE;
        self.closing = Some(Closing { until, shut: false, drained: 0 });
        self.hub.timers.set(&self.timer, until);
        self.leave();
    }

    /// Nothing is sent to this connection any more, and its user is present by it no longer.
    fn leave(&mut self) {
        if std::mem::replace(&mut self.left, true) {
            return;
        }
        let (context, id) = (&self.hub.context, self.subscriber.id());
        self.subscriber.close();
        if let Some(user) = self.session.user() {
            context.fanout.disconnect(user, id);
            // Nobody is absent when everybody leaves because we stop.
            if self.hub.draining() == Draining::No {
                // Some were notified that the user is here, and found a place that did not come in here yet.
                let mut sales = context.fanout.visited_sales();
                sales.extend(self.session.present_in());
                sales.sort_unstable();
                sales.dedup();
                for concert in sales {
                    context.dispatcher.disconnect(concert, user, id);
                }
            }
        }
        if self.session.is_operator() {
            context.fanout.consoles.disconnect(id);
        }
        self.questions = None;
        context.metrics.connections.dec();
    }

    fn turn(&mut self, cx: &mut TaskContext<'_>) -> Turn {
        if self.timer.has_rung() && matches!(self.ring(), Turn::Over) {
            return Turn::Over;
        }
        if let Poll::Ready(written) = self.poll_write(cx) {
            if written.is_err() {
                return Turn::Over;
            }
        } else {
            if self.blocked.is_none() && self.closing.is_none() {
                let since = self.now();
                self.blocked = Some(Blocked { since, taken: self.taken() });
                self.hub.timers.set(&self.timer, since + WRITE_PATIENCE);
            }
            return Turn::Idle;
        }
        self.blocked = None;
        if self.closing.is_some() {
            return self.drain(cx);
        }
        let found = self.take_found(cx);
        let taken = self.take_delivery(cx);
        let read = match self.closing {
            None => self.read(cx),
            Some(_) => Turn::Again,
        };
        match read {
            Turn::Idle if found || taken || self.queried || !self.outbox.is_empty() => Turn::Again,
            turn => turn,
        }
    }

    /// The timer rang, or the server stops.
    fn ring(&mut self) -> Turn {
        let now = self.now();
        if let Some(closing) = &self.closing {
            if closing.until <= now {
                if !closing.shut {
                    self.wire.abandon();
                }
                return Turn::Over;
            }
            self.hub.timers.set(&self.timer, closing.until);
            return Turn::Again;
        }
        let taken = self.taken();
        if let Some(blocked) = self.blocked.as_mut().filter(|blocked| blocked.since + WRITE_PATIENCE <= now) {
            if taken < blocked.taken + WRITE_BYTES_MIN {
                self.hub.context.metrics.outbox_drops.inc();
                self.outbox.drop_unwritten();
                self.close(CloseCode::TooSlow);
                // The peer reads why once it reads again.
                self.wire.make_room();
                return Turn::Again;
            }
            *blocked = Blocked { since: now, taken };
        }
        match self.hub.draining_of(self.subscriber.id()) {
            Draining::No => {}
            Draining::Finishing if self.knows_of_restart => {}
            Draining::Finishing => {
                self.knows_of_restart = true;
                self.step(Input::Restarting);
            }
            Draining::Hurrying => self.close(CloseCode::Restarting),
        }
        if self.closing.is_none() {
            let utc = self.hub.context.clock.utc();
            self.step(Input::Tick { utc });
        }
        if self.closing.is_none() {
            let patience = self.blocked.as_ref().map(|blocked| blocked.since + WRITE_PATIENCE);
            let next = [patience, self.reading_again_at].into_iter().flatten();
            self.hub.timers.set(&self.timer, next.fold(self.session.next_tick(), Timestamp::min));
        }
        Turn::Again
    }

    /// The bytes that the peer has taken so far; of what is encrypted, as the socket takes it.
    fn taken(&self) -> u64 {
        self.outbox.taken() + self.wire.sent()
    }

    /// Ready when nothing waits to be written.
    fn poll_write(&mut self, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        loop {
            let written = self.outbox.write_with(|slices| self.wire.write(slices));
            match written.and_then(|()| self.wire.flush()) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            ready!(self.wire.poll_writable(cx))?;
        }
    }

    fn take_found(&mut self, cx: &mut TaskContext<'_>) -> bool {
        let mut any = false;
        self.queried = false;
        while let Some(questions) = &mut self.questions {
            match Pin::new(&mut **questions).poll_next(cx) {
                Poll::Ready(Some((tag, found))) => {
                    any = true;
                    self.step(Input::Found { tag, found });
                }
                Poll::Ready(None) => self.questions = None,
                Poll::Pending => break,
            }
        }
        any
    }

    fn take_delivery(&mut self, cx: &mut TaskContext<'_>) -> bool {
        // The future is new each time: who is woken is remembered by the subscriber.
        if self.closing.is_some() || pin!(self.subscriber.changed()).poll(cx).is_pending() {
            return false;
        }
        let mut delivery = Delivery::default();
        self.subscriber.take(&mut delivery);
        let mut outputs = Vec::new();
        for (tag, reply) in delivery.answers {
            self.decide(Input::Reply { tag, reply }, &mut outputs);
        }
        for place in delivery.places {
            self.decide(Input::Place(place), &mut outputs);
        }
        for reservation in delivery.reservations {
            self.decide(Input::Reservation(reservation), &mut outputs);
        }
        for news in delivery.sales {
            self.decide(Input::Sale(news), &mut outputs);
        }
        if delivery.wallet {
            self.decide(Input::Wallet, &mut outputs);
        }
        if delivery.superseded {
            self.decide(Input::Superseded, &mut outputs);
        }
        self.perform(outputs);
        if self.closing.is_none() {
            delivery.seats.into_iter().chain(delivery.console).for_each(|text| self.outbox.text(text));
        }
        true
    }

    /// Reads until nothing is there, something waits to be written, or others should have their turn.
    fn read(&mut self, cx: &mut TaskContext<'_>) -> Turn {
        let before = self.work_left;
        let turn = self.read_frames(cx);
        let done = before - self.work_left;
        if done > 0
            && let Err(wait) = self.pace.charge(self.now(), self.pace_max, done)
        {
            self.reading_again_at = Some(self.now() + wait.max(Duration::from_millis(1)));
        }
        turn
    }

    fn read_frames(&mut self, cx: &mut TaskContext<'_>) -> Turn {
        while self.work_left > 0 {
            let now = self.now();
            if self.reading_again_at.is_some_and(|at| at <= now) {
                self.reading_again_at = None;
            }
            if self.reading_again_at.is_some() || !self.session.may_read(now) {
                let again = self
                    .reading_again_at
                    .map_or(self.session.next_tick(), |at| at.min(self.session.next_tick()));
                self.hub.timers.set(&self.timer, again);
                return Turn::Idle;
            }
            if self.outbox.bytes() >= OUTBOX_BYTES_HIGH {
                return Turn::Again;
            }
            let audience = self.session.audience();
            let Self { wire, reader, outbox, session, hub, .. } = self;
            let mut outputs = Vec::new();
            let mut work = WORK_OF_FRAME;
            match reader.next(|room| wire.read(room)) {
                Ok(Incoming::Text(text)) => {
                    work = WORK_OF_REQUEST + (text.len() / 1024) as u32;
                    decide(session, hub, read_request(&hub.context, audience, text), &mut outputs);
                }
                Ok(Incoming::Binary) => return self.refuse(CloseCode::UnsupportedData),
                Ok(Incoming::Ping(payload)) => {
                    outbox.pong(payload);
                    decide(session, hub, Input::Alive, &mut outputs);
                }
                Ok(Incoming::Pong | Incoming::Fragment) => decide(session, hub, Input::Alive, &mut outputs),
                Ok(Incoming::Close(code)) => {
                    outbox.close_reply(code);
                    self.begin_closing();
                    return Turn::Again;
                }
                Err(Fault::Blocked) => match self.wire.poll_readable(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Turn::Over,
                    Poll::Pending => return Turn::Idle,
                },
                Err(Fault::Gone) => return Turn::Over,
                Err(Fault::Refused(code)) => return self.refuse(code),
            }
            self.work_left = self.work_left.saturating_sub(work);
            self.perform(outputs);
            if self.closing.is_some() {
                return Turn::Again;
            }
        }
        Turn::GiveWay
    }

    /// Closes the connection, because what came is not for us.
    fn refuse(&mut self, code: CloseCode) -> Turn {
        self.close(code);
        Turn::Again
    }

    /// Our last frame is written: wait until it is sent, hang up, and wait until the peer does.
    fn drain(&mut self, cx: &mut TaskContext<'_>) -> Turn {
        let Some(closing) = &mut self.closing else { return Turn::Over };
        if !closing.shut {
            match self.wire.poll_sent(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Turn::Over,
                Poll::Pending => return Turn::Idle,
            }
            closing.shut = true;
            if self.wire.shut_down().is_err() {
                return Turn::Over;
            }
        }
        let mut scrap = [0; 2048];
        for _ in 0..DRAIN_READS_PER_POLL {
            if closing.drained >= WEBSOCKET_CLOSE_BYTES_MAX {
                return Turn::Over;
            }
            match self.wire.read(&mut scrap) {
                Ok(0) => return Turn::Over,
                Ok(count) => closing.drained += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match self.wire.poll_readable(cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(_)) => return Turn::Over,
                        Poll::Pending => return Turn::Idle,
                    }
                }
                Err(_) => return Turn::Over,
            }
        }
        Turn::GiveWay
    }
}

fn decide(session: &mut Session, hub: &Hub, input: Input, outputs: &mut Vec<Output>) {
    session.handle(hub.timers.time.now(), input, outputs);
}

/// A text frame as the session takes it. The sale that it is about is looked up here, so that the session need not.
fn read_request(context: &Context, audience: Audience, text: &str) -> Input {
    match parse_request(text) {
        Ok((id, request)) => {
            Input::Request { id, method: request.method(), plan: context.plan(audience, request) }
        }
        Err(malformed) => Input::Malformed(malformed),
    }
}

/// The pace of work that a connection may give in the long run: a burst of two seconds' worth.
fn pace(limits: &ClientLimits) -> Rate {
    let requests = limits.requests_per_second.saturating_mul(2 * WORK_OF_REQUEST);
    let per_second = WORK_PER_SECOND.max(requests);
    Rate::new(per_second, (2 * per_second).max(limits.requests_burst.saturating_mul(2 * WORK_OF_REQUEST)))
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        self.timer.listen(cx.waker());
        if let Some(begun) = self.wire.claim() {
            self.outbox.go_on(*begun);
        }
        self.work_left = WORK_PER_POLL;
        for _ in 0..TURNS_PER_POLL {
            match self.turn(cx) {
                Turn::Again => {}
                Turn::GiveWay => break,
                Turn::Idle => {
                    if self.outbox.is_empty() && self.closing.is_none() {
                        self.wire.release();
                    }
                    return Poll::Pending;
                }
                Turn::Over => return Poll::Ready(()),
            }
        }
        // Woken behind everybody who is ready, and behind a look at who else has become so.
        let _ = pin!(tokio::task::yield_now()).poll(cx);
        Poll::Pending
    }
}

impl Drop for Connection {
    /// However it ended.
    fn drop(&mut self) {
        self.leave();
        self.timer.ignore();
    }
}
