//! The task that owns one websocket. It reads frames, asks its `Session` what to do, does that, and writes; it
//! holds no rules of its own but those of the socket: nothing more is read or taken while something waits to be
//! written, and a peer that takes nothing for too long is hung up on.
//!
//! A future written by hand, because thousands of them wait at once: nothing lives across a wait but its fields.
//! Reading goes through tungstenite; writing does not, so that a frame encoded once for many is never copied. While
//! the task sleeps, topics write to the socket themselves.

use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use frontrow_protocol::limits::FRAME_BYTES_MAX;
use frontrow_protocol::{CloseCode, ErrorObject, Method, RequestId, encode_error, encode_result_raw};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, Stream};
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::dispatcher::ReplyTo;
use crate::domain::ids::ScheduleId;
use crate::domain::time::Timestamp;
use crate::fanout::{Delivery, Subscriber};

use super::accept::Permit;
use super::alarms::Alarm;
use super::hub::{Draining, Hub};
use super::outbox::Outbox;
use super::outcome::Outcome;
use super::session::{Arrival, Found, Input, Output, Session};
use super::translate;
use super::wire::Wire;

/// What is read from a socket at a time. Every connection keeps so much for as long as it is open, and most requests
/// are a fraction of it; a larger frame gets the room it needs.
const READ_BUFFER_BYTES: usize = 1024;
/// What tungstenite itself writes are pongs and the reply to a close.
const CONTROL_BUFFER_BYTES: usize = 1024;
/// A peer that has not taken what was written for so long is too slow.
const WRITE_PATIENCE: Duration = Duration::from_secs(20);
/// How long a closed connection is drained, so that its last frames arrive instead of a reset.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
/// What is read and thrown away while a connection closes.
const CLOSE_BYTES_MAX: usize = 1024 * 1024;
/// Frames read before what they gave is written: answers of a burst share a system call.
const FRAMES_PER_TURN: usize = 32;
/// Once so much waits to be written, reading pauses.
const OUTBOX_BYTES_HIGH: usize = 16 * 1024;
/// Turns of one connection before others on the same thread have theirs.
const TURNS_PER_POLL: usize = 8;

type Questions = FuturesUnordered<BoxFuture<'static, (u32, Result<Found, ErrorObject>)>>;

pub(super) struct Connection {
    hub: Arc<Hub>,
    /// Ours from waking until everything is written; topics write to it meanwhile.
    wire: Arc<Wire>,
    reader: WebSocketContext,
    session: Session,
    subscriber: Arc<Subscriber>,
    alarm: Arc<Alarm>,
    outbox: Outbox,
    /// What the store was asked; there are none most of the time.
    questions: Option<Box<Questions>>,
    /// A question is there that was not polled yet, so nobody would wake us for it.
    asked: bool,
    /// Since when the peer has not taken everything.
    blocked_since: Option<Timestamp>,
    closing: Option<Closing>,
    left: bool,
    told_of_restart: bool,
    /// One of all connections that are allowed.
    _permit: Permit,
}

/// The session is over; what is left is to say goodbye.
struct Closing {
    until: Timestamp,
    shut: bool,
    drained: usize,
}

/// What an attempt to go on came to.
enum Turn {
    /// Something happened: try again.
    Again,
    /// Nothing more until somebody wakes us.
    Idle,
    /// The connection is over.
    Over,
}

impl Connection {
    /// `read` is what came behind the upgrade already.
    pub fn new(hub: Arc<Hub>, tcp: TcpStream, read: &[u8], arrival: Arrival, permit: Permit) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(CONTROL_BUFFER_BYTES)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let id = hub.next_connection();
        let mut outputs = Vec::new();
        let now = hub.alarms.time.now();
        let session = Session::open(id, arrival, &hub.context.limits, now, &mut outputs);
        let wire = Arc::new(Wire::new(tcp));
        let mut connection = Self {
            reader: WebSocketContext::from_partially_read(read.to_vec(), Role::Server, Some(config)),
            session,
            subscriber: Subscriber::with_outlet(id, wire.clone()),
            alarm: Alarm::new(),
            outbox: Outbox::default(),
            questions: None,
            asked: false,
            blocked_since: None,
            closing: None,
            left: false,
            told_of_restart: false,
            _permit: permit,
            wire,
            hub,
        };
        connection.hub.context.metrics.connections.inc();
        connection.hub.alarms.set(&connection.alarm, connection.session.next_tick());
        connection.perform(outputs);
        connection
    }

    fn now(&self) -> Timestamp {
        self.hub.alarms.time.now()
    }

    /// Gives the session an input and does what it says.
    fn step(&mut self, input: Input<'_>) {
        let mut outputs = Vec::new();
        self.decide(input, &mut outputs);
        self.perform(outputs);
    }

    fn decide(&mut self, input: Input<'_>, outputs: &mut Vec<Output>) {
        let now = self.hub.alarms.time.now();
        let context = &self.hub.context;
        self.session.handle(
            now,
            input,
            &|schedule| context.sale_of_schedule(schedule).map(|view| view.concert().id),
            outputs,
        );
    }

    fn perform(&mut self, outputs: Vec<Output>) {
        let mut outputs = std::collections::VecDeque::from(outputs);
        let mut more = Vec::new();
        while let Some(output) = outputs.pop_front() {
            self.do_one(output, &mut more);
            outputs.extend(more.drain(..));
        }
    }

    /// What follows at once is added to `more`.
    fn do_one(&mut self, output: Output, more: &mut Vec<Output>) {
        let hub = self.hub.clone();
        let context = &hub.context;
        match output {
            Output::Answer { id, method, outcome } => self.answer(id.as_ref(), method, outcome),
            Output::Watch { id, schedule } => {
                let outcome = self.watch(schedule);
                self.answer(id.as_ref(), Some(Method::SeatsWatch), outcome);
            }
            Output::Unwatch { schedule } => {
                if let Some(topic) = context.fanout.sale_of_schedule(schedule).and_then(|v| v.topic(schedule))
                {
                    topic.unwatch(self.subscriber.id());
                }
            }
            Output::Submit { tag, concert, command } => {
                if let Err(refusal) = context.submit(concert, command, self.reply_to(tag)) {
                    self.decide(Input::Reply { tag, reply: Err(refusal) }, more);
                }
            }
            Output::Charge { tag, user, amount, request_id } => {
                let posted = context.dispatcher.charge(user, amount, &request_id, self.reply_to(tag));
                if let Err(refusal) = posted {
                    self.decide(Input::Reply { tag, reply: Err(refusal) }, more);
                }
            }
            Output::Ask { tag, question } => {
                let context = context.clone();
                let asked = Box::pin(async move { (tag, context.find(question).await) });
                self.questions.get_or_insert_default().push(asked);
                self.asked = true;
            }
            Output::Touch { user, concert } => context.touch(user, concert),
            Output::Register { user } => {
                let max = context.limits.connections_per_user as usize;
                if let Some(oldest) = context.fanout.connect(user, &self.subscriber, max) {
                    oldest.supersede();
                }
            }
            Output::Attach { concert } => context.fanout.attach(concert, &self.subscriber),
            Output::PushPlace(place) => self.outbox.text(translate::push_place(&context.fanout, &place)),
            Output::PushReservation(reservation) => {
                self.outbox.text(translate::push_reservation(&context.fanout, &reservation));
            }
            Output::PushSale(news) => self.outbox.text(translate::push_sale(&news)),
            Output::Ping => self.outbox.ping(),
            Output::Close(code) => self.close(code),
        }
    }

    fn reply_to(&self, tag: u32) -> ReplyTo {
        ReplyTo::Session { subscriber: self.subscriber.clone(), tag }
    }

    fn watch(&self, schedule: ScheduleId) -> Result<Outcome, ErrorObject> {
        let view = self.hub.context.fanout.sale_of_schedule(schedule);
        let topic = view.and_then(|view| view.topic(schedule)).ok_or_else(ErrorObject::schedule_not_found)?;
        Ok(Outcome::Snapshot { schedule, seats: topic.watch(&self.subscriber) })
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
        context.metrics.request(method.map_or("none", Method::as_str), counted);
        self.outbox.text(match (result, id) {
            (Ok(result), Some(id)) => encode_result_raw(id, &result),
            (Ok(_), None) => return,
            (Err(error), id) => encode_error(id, &error),
        });
    }

    /// The last frame; behind it nothing is sent or asked any more.
    fn close(&mut self, code: CloseCode) {
        self.outbox.close(code);
        self.begin_closing();
    }

    fn begin_closing(&mut self) {
        let until = self.now() + CLOSE_PATIENCE;
        self.closing = Some(Closing { until, shut: false, drained: 0 });
        self.hub.alarms.set(&self.alarm, until);
        self.leave();
    }

    /// Nobody tells this connection anything any more, and its user is present by it no longer.
    fn leave(&mut self) {
        if std::mem::replace(&mut self.left, true) {
            return;
        }
        let (context, id) = (&self.hub.context, self.subscriber.id());
        self.subscriber.close();
        if let Some(user) = self.session.user() {
            context.fanout.disconnect(user, id);
            // When everybody leaves because we stop, nobody is absent.
            if self.hub.draining() == Draining::No {
                for concert in self.session.present_in() {
                    context.dispatcher.disconnect(*concert, user, id);
                }
            }
        }
        self.questions = None;
        context.metrics.connections.dec();
    }

    fn turn(&mut self, cx: &mut TaskContext<'_>) -> Turn {
        if self.alarm.has_rung() && matches!(self.ring(), Turn::Over) {
            return Turn::Over;
        }
        if let Poll::Ready(written) = self.poll_write(cx) {
            if written.is_err() {
                return Turn::Over;
            }
        } else {
            if self.blocked_since.is_none() && self.closing.is_none() {
                self.blocked_since = Some(self.now());
            }
            return Turn::Idle;
        }
        self.blocked_since = None;
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
            Turn::Idle if found || taken || self.asked || !self.outbox.is_empty() => Turn::Again,
            turn => turn,
        }
    }

    /// The alarm rang, or the server stops.
    fn ring(&mut self) -> Turn {
        let now = self.now();
        if let Some(closing) = &self.closing {
            if closing.until <= now {
                return Turn::Over;
            }
            self.hub.alarms.set(&self.alarm, closing.until);
            return Turn::Again;
        }
        if self.blocked_since.is_some_and(|since| since + WRITE_PATIENCE <= now) {
            self.hub.context.metrics.outbox_drops.inc();
            self.outbox.drop_unwritten();
            self.close(CloseCode::TooSlow);
            return Turn::Again;
        }
        match self.hub.draining() {
            Draining::No => {}
            Draining::Finishing if self.told_of_restart => {}
            Draining::Finishing => {
                self.told_of_restart = true;
                self.step(Input::Restarting);
            }
            Draining::Hurrying => self.close(CloseCode::Restarting),
        }
        if self.closing.is_none() {
            self.step(Input::Tick);
        }
        if self.closing.is_none() {
            let patience = self.blocked_since.map(|since| since + WRITE_PATIENCE);
            let next = patience.map_or(self.session.next_tick(), |at| at.min(self.session.next_tick()));
            self.hub.alarms.set(&self.alarm, next);
        }
        Turn::Again
    }

    /// Ready when nothing waits to be written.
    fn poll_write(&mut self, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        self.flush_control();
        loop {
            match self.outbox.write_with(|slices| self.wire.write(slices)) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            ready!(self.wire.tcp.poll_write_ready(cx))?;
        }
    }

    /// What tungstenite wants written takes its place among our frames.
    fn flush_control(&mut self) {
        if self.closing.is_some() {
            return;
        }
        let Self { wire, reader, outbox, .. } = self;
        // Nothing can fail in an outbox: it is the end of the conversation that is told in this way.
        if reader.flush(&mut Socket { wire, outbox }).is_err() {
            self.begin_closing();
        }
    }

    fn take_found(&mut self, cx: &mut TaskContext<'_>) -> bool {
        let mut any = false;
        self.asked = false;
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
        if delivery.superseded {
            self.decide(Input::Superseded, &mut outputs);
        }
        self.perform(outputs);
        if self.closing.is_none() {
            delivery.seats.into_iter().for_each(|text| self.outbox.text(text));
        }
        true
    }

    fn read(&mut self, cx: &mut TaskContext<'_>) -> Turn {
        for _ in 0..FRAMES_PER_TURN {
            let now = self.now();
            if !self.session.may_read(now) {
                self.hub.alarms.set(&self.alarm, self.session.next_tick());
                return Turn::Idle;
            }
            if self.outbox.bytes() >= OUTBOX_BYTES_HIGH {
                return Turn::Again;
            }
            let Self { wire, reader, outbox, .. } = self;
            match reader.read(&mut Socket { wire, outbox }) {
                Ok(Message::Text(text)) => self.step(Input::Text(&text)),
                Ok(Message::Binary(_)) => self.close(CloseCode::UnsupportedData),
                // The reply to a close, like a pong, is written by the next read.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_) | Message::Close(_)) => {
                    self.step(Input::Alive);
                }
                Err(WsError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    match self.wire.tcp.poll_read_ready(cx) {
                        Poll::Ready(Ok(())) => continue,
                        Poll::Ready(Err(_)) => return Turn::Over,
                        Poll::Pending => return Turn::Idle,
                    }
                }
                // The peer's close was replied to.
                Err(WsError::ConnectionClosed) => self.begin_closing(),
                Err(error) => match code_of(&error) {
                    Some(code) => self.close(code),
                    None => return Turn::Over,
                },
            }
            if self.closing.is_some() {
                return Turn::Again;
            }
        }
        Turn::Again
    }

    /// Our last frame is written: hang up, and wait until the peer does.
    fn drain(&mut self, cx: &mut TaskContext<'_>) -> Turn {
        let Some(closing) = &mut self.closing else { return Turn::Over };
        if !closing.shut {
            closing.shut = true;
            // The subscriber let go of it when we left.
            let Some(wire) = Arc::get_mut(&mut self.wire) else { return Turn::Over };
            if let Poll::Ready(Err(_)) = Pin::new(&mut wire.tcp).poll_shutdown(cx) {
                return Turn::Over;
            }
        }
        let mut scrap = [0; 2048];
        while closing.drained < CLOSE_BYTES_MAX {
            match self.wire.tcp.try_read(&mut scrap) {
                Ok(0) => return Turn::Over,
                Ok(count) => closing.drained += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match self.wire.tcp.poll_read_ready(cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(_)) => return Turn::Over,
                        Poll::Pending => return Turn::Idle,
                    }
                }
                Err(_) => return Turn::Over,
            }
        }
        Turn::Over
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        self.alarm.listen(cx.waker());
        if let Some(begun) = self.wire.claim() {
            self.outbox.go_on(*begun);
        }
        for _ in 0..TURNS_PER_POLL {
            match self.turn(cx) {
                Turn::Again => {}
                Turn::Idle => {
                    if self.outbox.is_empty() && self.closing.is_none() {
                        self.wire.release();
                    }
                    return Poll::Pending;
                }
                Turn::Over => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Connection {
    /// However it ended.
    fn drop(&mut self) {
        self.leave();
        self.alarm.ignore();
    }
}

/// Why the connection is closed after a fault in reading; `None`: the peer is gone already.
fn code_of(error: &WsError) -> Option<CloseCode> {
    match error {
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => Some(CloseCode::TooBig),
        WsError::Utf8(_) => Some(CloseCode::InvalidText),
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        WsError::Protocol(_) | WsError::Capacity(_) => Some(CloseCode::ProtocolError),
        _ => None,
    }
}

/// A socket as tungstenite wants it: what cannot be read at once would block, and what is written waits its turn.
struct Socket<'a> {
    wire: &'a Wire,
    outbox: &'a mut Outbox,
}

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wire.read(buffer)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outbox.framed(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
