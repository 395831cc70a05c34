//! One fan on one websocket: sends requests, matches answers, keeps what the pushes say.
//!
//! Always: every answer belongs to a request that was sent and not answered yet; anything else is a fault. Only what a
//! scenario needs is read: the forms that the server writes are recognised by their first bytes, and whatever looks
//! different is read by the book.

use std::borrow::Cow;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use frontrow_protocol::request::{
    Charge, Hello, Hold, HoldBest, NoParams, QueueJoin, Release, ReservationRef, ScheduleRef,
};
use frontrow_protocol::result::{EndReason, QueueStatus, ReservationStatus};
use frontrow_protocol::{
    ErrorObject, IdempotencyKey, Push, Reason, Request, RequestId, SeatList, ServerMessage, encode_request,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::record::{Counter, FanState, Op, Outcome, StateOf, Stats};
use crate::seats::{Applied, SeatModel};
use crate::ws::{Target, WebSocket, WsError};

/// Why a fan cannot go on as planned.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The rules said no.
    #[error("{0}")]
    Refused(ErrorObject),
    #[error("{server}: {cause}")]
    Connection { server: SocketAddr, cause: WsError },
    #[error("a message that does not fit: {0}")]
    Unfitting(String),
    #[error("the token ended ({0:?}) while it was waited for")]
    Ended(Option<EndReason>),
    #[error("the house sold out while it was waited for")]
    SoldOut,
}

impl Trouble {
    /// The reason of a refusal.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused(error) => Some(error.reason()),
            _ => None,
        }
    }

    /// The outcome as it is recorded.
    pub fn outcome(&self) -> Outcome {
        match self {
            // These say that the server could not cope, not that the rules forbid it.
            Self::Refused(error) if error.reason().retryable() || error.reason() == Reason::Internal => {
                Outcome::Failed(error.to_string())
            }
            Self::Refused(error) => Outcome::Refused(error.reason()),
            other => Outcome::Failed(other.to_string()),
        }
    }
}

/// The fields of a queue update that a fan needs.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Place {
    pub token: Uuid,
    pub status: QueueStatus,
    pub position: Option<u64>,
    pub sold_out: bool,
    pub reason: Option<EndReason>,
}

/// The fields of a reservation that a fan needs.
#[derive(Clone, Debug, Deserialize)]
pub struct Reservation {
    pub reservation_id: Uuid,
    pub status: ReservationStatus,
    /// Minor units.
    pub amount: i64,
    pub seats: Vec<Seat>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Seat {
    pub seat: u32,
    /// Minor units.
    pub price: i64,
}

/// The fields of a payment that a fan needs.
#[derive(Debug, Deserialize)]
pub struct Paid {
    /// Minor units.
    pub balance: i64,
    pub tickets: Vec<Seat>,
}

/// The fields of a charge and of a balance.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Balance {
    /// Minor units.
    pub balance: i64,
}

#[derive(Deserialize)]
struct Snapshot<'a> {
    version: u64,
    #[serde(borrow)]
    seats: Cow<'a, str>,
    count: usize,
}

#[derive(Deserialize)]
struct Welcome {
    queue: Option<Place>,
}

#[derive(Deserialize)]
struct Schedules {
    schedules: Vec<Schedule>,
}

#[derive(Deserialize)]
struct Schedule {
    schedule_id: u64,
}

#[derive(Deserialize)]
struct Cancelled {
    balance: i64,
}

/// The way in which a fan gets in.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An access token.
    Access(Rc<str>),
    /// A queue token: resumes.
    Queue(Uuid),
}

/// One message from the server, after the fan has noted what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An answer to a request other than the one that is waited for; kept for `answer`.
    Answer,
    Place,
    Seats(Applied),
    Reservation,
    Other,
    /// The fan came back by another connection: the answer to its hello has said where everything is by now, and no push repeats it.
    Back,
}

pub struct Fan {
    socket: WebSocket,
    server: SocketAddr,
    /// `None`: there is one server, and a connection that ends is the end.
    way: Option<Box<Way>>,
    pub notes: Notes,
}

/// How a fan comes back when a connection ends.
struct Way {
    /// The server of now, and the others.
    target: Target,
    credential: Credential,
    /// Requests that are not answered, in their order.
    sent: Vec<(i64, String)>,
}

/// A fan tries to come back for so long, at one server after the other.
const BACK_PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two tries.
const BACK_AFTER: Duration = Duration::from_millis(100);
/// The pause before asking again what was refused for now.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Close codes of those who must not come back.
const NOT_AGAIN: std::ops::Range<u16> = 4_500..5_000;

/// The state of a fan; apart from the socket, whose buffer a message is read in.
pub struct Notes {
    stats: Rc<Stats>,
    pub state: StateOf,
    next_id: i64,
    /// Requests that are not answered yet.
    open: Vec<i64>,
    /// Answers that came before they were waited for.
    early: Vec<(i64, Result<Vec<u8>, ErrorObject>)>,
    /// The newest word about the place in line.
    pub place: Option<Place>,
    watched: Option<Watched>,
    /// Reservations that ended without this fan's doing.
    pub lost: Vec<Uuid>,
}

struct Watched {
    schedule: u64,
    model: Rc<RefCell<SeatModel>>,
    version: u64,
}

impl Fan {
    /// Connects, upgrades and says hello; recorded as `op`, with the time since `began`.
    pub async fn connect(
        target: &Target,
        credential: &Credential,
        stats: &Rc<Stats>,
        op: Op,
        began: Instant,
    ) -> Result<Self, Trouble> {
        let opened = Self::try_connect(target, credential, stats).await;
        match &opened {
            Ok(_) => stats.ok(op, began),
            Err(trouble) => stats.record(op, began.elapsed(), &trouble.outcome()),
        }
        opened
    }

    /// Like `connect`, unrecorded: for a fan who tries until it works.
    pub async fn try_connect(
        target: &Target,
        credential: &Credential,
        stats: &Rc<Stats>,
    ) -> Result<Self, Trouble> {
        let state = StateOf::new(stats, FanState::Connecting);
        let mut target = target.clone();
        let mut others = target.others.len().saturating_sub(1);
        let socket = loop {
            match WebSocket::connect(&target, None).await {
                Ok(socket) => break socket,
                Err(_) if others > 0 => (others, target.door) = (others - 1, target.next_door()),
                Err(cause) => return Err(Trouble::Connection { server: target.door.address, cause }),
            }
        };
        let server = target.door.address;
        let way = (target.others.len() > 1)
            .then(|| Box::new(Way { target, credential: credential.clone(), sent: Vec::new() }));
        let notes = Notes {
            stats: stats.clone(),
            state,
            next_id: 1,
            open: Vec::new(),
            early: Vec::new(),
            place: None,
            watched: None,
            lost: Vec::new(),
        };
        let mut fan = Self { socket, server, way, notes };
        fan.hello(credential).await?;
        fan.notes.state.set(FanState::Ready);
        Ok(fan)
    }

    /// Says who this is, also once more on the same socket.
    pub async fn hello(&mut self, credential: &Credential) -> Result<(), Trouble> {
        let id = self.push(&Request::Hello(credential.hello()));
        self.flush().await?;
        let welcome: Welcome = self.answer(id).await?;
        if let Some(place) = welcome.queue {
            self.notes.note_place(place);
        }
        Ok(())
    }

    /// Puts a request beside others that `flush` sends together. Gives its id, for `answer`.
    pub fn push(&mut self, request: &Request) -> i64 {
        let id = self.notes.next_id;
        self.notes.next_id += 1;
        self.notes.open.push(id);
        let text = encode_request(&RequestId::Integer(id), request);
        self.socket.push_text(&text);
        if let Some(way) = &mut self.way {
            way.sent.push((id, text));
        }
        id
    }

    pub async fn flush(&mut self) -> Result<(), Trouble> {
        match self.socket.flush().await {
            Ok(()) => Ok(()),
            Err(lost) => self.come_back(lost).await,
        }
    }

    /// Comes back at the next server that answers, with the place that this fan has, and asks again what is not answered: the
    /// server lets every request be repeated.
    async fn come_back(&mut self, lost: WsError) -> Result<(), Trouble> {
        let server = self.server;
        let is_over = matches!(&lost, WsError::Closed { code, .. } if NOT_AGAIN.contains(code));
        let Some(way) = self.way.as_mut().filter(|_| !is_over) else {
            return Err(Trouble::Connection { server, cause: lost });
        };
        let began = Instant::now();
        self.notes.stats.count(Counter::Reconnects, 1);
        loop {
            way.target.door = way.target.next_door();
            let trouble = match way.try_back(&mut self.notes).await {
                Ok(socket) => {
                    (self.socket, self.server) = (socket, way.target.door.address);
                    self.notes.stats.ok(Op::Resume, began);
                    return Ok(());
                }
                Err(trouble) => trouble,
            };
            let may_be_later = match &trouble {
                Trouble::Connection { .. } => true,
                Trouble::Refused(error) => error.reason().retryable(),
                _ => false,
            };
            if !may_be_later || began.elapsed() > BACK_PATIENCE {
                return Err(trouble);
            }
            tokio::time::sleep(BACK_AFTER).await;
        }
    }

    /// Waits for the answer to the request `id`; what comes before it is noted.
    pub async fn answer<T: DeserializeOwned>(&mut self, id: i64) -> Result<T, Trouble> {
        self.answer_with(id, |_, result| serde_json::from_slice(result).map_err(|error| error.to_string()))
            .await
    }

    async fn answer_with<T>(
        &mut self,
        id: i64,
        read: impl FnOnce(&mut Notes, &[u8]) -> Result<T, String>,
    ) -> Result<T, Trouble> {
        let fitting = |read: Result<T, String>, result: &[u8]| {
            read.map_err(|problem| Trouble::Unfitting(format!("{problem} in {}", shortened(result))))
        };
        if let Some(index) = self.notes.early.iter().position(|(early, _)| *early == id) {
            let result = self.notes.early.swap_remove(index).1.map_err(Trouble::Refused)?;
            return fitting(read(&mut self.notes, &result), &result);
        }
        loop {
            let text = match self.socket.next().await {
                Ok(text) => text,
                Err(lost) => {
                    self.come_back(lost).await?;
                    continue;
                }
            };
            let Some((answered, outcome)) = read_answer(text)? else {
                self.notes.take_push(text)?;
                continue;
            };
            self.notes.close_request(answered)?;
            if let Some(way) = &mut self.way {
                way.sent.retain(|(sent, _)| *sent != answered);
            }
            if answered == id {
                let result = outcome.map_err(Trouble::Refused)?;
                return fitting(read(&mut self.notes, result), result);
            }
            self.notes.early.push((answered, outcome.map(<[u8]>::to_vec)));
        }
    }

    /// The next message, noted.
    pub async fn next(&mut self) -> Result<Event, Trouble> {
        let text = match self.socket.next().await {
            Ok(text) => text,
            Err(lost) => {
                self.come_back(lost).await?;
                return Ok(Event::Back);
            }
        };
        match read_answer(text)? {
            None => self.notes.take_push(text),
            Some((answered, outcome)) => {
                self.notes.close_request(answered)?;
                if let Some(way) = &mut self.way {
                    way.sent.retain(|(sent, _)| *sent != answered);
                }
                self.notes.early.push((answered, outcome.map(<[u8]>::to_vec)));
                Ok(Event::Answer)
            }
        }
    }

    /// Sends a request and waits for its answer; both are recorded as `op`.
    pub async fn ask<T: DeserializeOwned>(&mut self, op: Op, request: &Request) -> Result<T, Trouble> {
        self.ask_since(op, request, Instant::now()).await
    }

    /// Like `ask`, but the time runs from `since`: when it should have been sent.
    pub async fn ask_since<T: DeserializeOwned>(
        &mut self,
        op: Op,
        request: &Request,
        since: Instant,
    ) -> Result<T, Trouble> {
        let answer = loop {
            let id = self.push(request);
            self.flush().await?;
            let answer = self.answer(id).await;
            match &answer {
                Err(trouble) if self.may_ask_again(trouble, since) => {
                    self.notes.stats.count(Counter::Repeats, 1);
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                _ => break answer,
            }
        };
        self.note_outcome(op, since, &answer);
        answer
    }

    /// Was it refused for now alone? Of several servers one may have too much to do while another one is gone: then fans ask
    /// again, as clients do.
    fn may_ask_again(&self, trouble: &Trouble, since: Instant) -> bool {
        self.way.is_some()
            && since.elapsed() < BACK_PATIENCE
            && trouble.reason().is_some_and(|reason| reason.retryable())
    }

    /// Records how a request ended that was sent by `push` and `flush`.
    pub fn note_outcome<T>(&self, op: Op, since: Instant, answer: &Result<T, Trouble>) {
        match answer {
            Ok(_) => self.notes.stats.ok(op, since),
            Err(trouble) => self.notes.stats.record(op, since.elapsed(), &trouble.outcome()),
        }
    }

    /// Takes a place in line; the time runs from `since`.
    pub async fn join(&mut self, concert: u32, since: Instant) -> Result<Place, Trouble> {
        let request = Request::QueueJoin(QueueJoin { concert_id: concert });
        let place: Place = self.ask_since(Op::Join, &request, since).await?;
        self.notes.note_place(place);
        Ok(place)
    }

    /// Waits for the push that says `PROGRESS`, for as long as there is anything left to wait for.
    pub async fn admitted(&mut self) -> Result<(), Trouble> {
        let began = Instant::now();
        loop {
            match self.notes.place {
                Some(Place { status: QueueStatus::Progress, .. }) => break,
                Some(Place { status: QueueStatus::Done | QueueStatus::Expired, reason, .. }) => {
                    return Err(Trouble::Ended(reason));
                }
                Some(Place { sold_out: true, .. }) => return Err(Trouble::SoldOut),
                _ => self.next().await?,
            };
        }
        self.notes.stats.ok(Op::Wait, began);
        Ok(())
    }

    pub async fn leave(&mut self) -> Result<Place, Trouble> {
        let place: Place = self.ask(Op::Leave, &Request::QueueLeave(NoParams {})).await?;
        self.notes.note_place(place);
        Ok(place)
    }

    /// The ids of the performances.
    pub async fn schedules(&mut self) -> Result<Vec<u64>, Trouble> {
        let answer: Schedules = self.ask(Op::Schedules, &Request::Schedules(NoParams {})).await?;
        Ok(answer.schedules.into_iter().map(|schedule| schedule.schedule_id).collect())
    }

    /// Watches a schedule's seats in `model`.
    pub async fn watch(&mut self, schedule: u64, model: &Rc<RefCell<SeatModel>>) -> Result<(), Trouble> {
        let began = Instant::now();
        let id = self.push(&Request::SeatsWatch(ScheduleRef { schedule_id: schedule }));
        self.flush().await?;
        let model = model.clone();
        let answer = self
            .answer_with(id, |notes, result| {
                let version = take_snapshot(&model, result, SeatModel::take_snapshot)?;
                notes.watched = Some(Watched { schedule, model, version });
                Ok(())
            })
            .await;
        self.note_outcome(Op::Watch, began, &answer);
        answer
    }

    /// The version of the watched seats that this fan has.
    pub fn seats_version(&self) -> Option<u64> {
        self.notes.watched.as_ref().map(|watched| watched.version)
    }

    pub async fn hold(&mut self, schedule: u64, seats: &[u32]) -> Result<Reservation, Trouble> {
        self.ask(Op::Hold, &hold_request(schedule, seats)).await
    }

    pub async fn hold_best(&mut self, schedule: u64, count: u32) -> Result<Reservation, Trouble> {
        let request = Request::HoldBest(HoldBest {
            schedule_id: schedule,
            count,
            category: None,
            max_price: None,
            except: None,
            request_id: None,
        });
        self.ask(Op::HoldBest, &request).await
    }

    pub async fn charge(&mut self, amount: i64, request_id: &str) -> Result<Balance, Trouble> {
        let request_id = IdempotencyKey::try_from(request_id).expect("the load test's keys are short");
        self.ask(Op::Charge, &Request::Charge(Charge { amount, request_id })).await
    }

    pub async fn pay(&mut self, reservation: Uuid) -> Result<Paid, Trouble> {
        self.ask(Op::Pay, &Request::Pay(ReservationRef { reservation_id: reservation })).await
    }

    /// Gives a paid reservation back; the balance after the refund.
    pub async fn cancel(&mut self, reservation: Uuid) -> Result<i64, Trouble> {
        let request = Request::Cancel(ReservationRef { reservation_id: reservation });
        Ok(self.ask::<Cancelled>(Op::Cancel, &request).await?.balance)
    }

    pub async fn balance(&mut self) -> Result<i64, Trouble> {
        Ok(self.ask::<Balance>(Op::Balance, &Request::Balance(NoParams {})).await?.balance)
    }

    pub async fn extend(&mut self) -> Result<Place, Trouble> {
        self.ask(Op::Extend, &Request::QueueExtend(NoParams {})).await
    }

    /// Says goodbye. A request that is still open then was never answered: a fault.
    pub async fn close(self) {
        if !self.notes.open.is_empty() {
            self.notes.stats.fault(format!("{} requests without an answer", self.notes.open.len()));
        }
        self.socket.close().await;
    }
}

/// Takes the answer to a `seats.watch`, and gives its version.
fn take_snapshot(
    model: &RefCell<SeatModel>,
    result: &[u8],
    take: impl FnOnce(&mut SeatModel, u64, &str, usize) -> Result<(), String>,
) -> Result<u64, String> {
    let snapshot: Snapshot<'_> = serde_json::from_slice(result).map_err(|error| error.to_string())?;
    take(&mut model.borrow_mut(), snapshot.version, &snapshot.seats, snapshot.count)?;
    Ok(snapshot.version)
}

impl Credential {
    fn hello(&self) -> Hello {
        match self {
            Self::Access(token) => Hello::AccessToken(token.to_string()),
            Self::Queue(token) => Hello::QueueToken(*token),
        }
    }
}

impl Way {
    /// Tries the server that it leads to now.
    async fn try_back(&self, notes: &mut Notes) -> Result<WebSocket, Trouble> {
        let server = self.target.door.address;
        let broken = |cause| Trouble::Connection { server, cause };
        let mut socket = WebSocket::connect(&self.target, None).await.map_err(broken)?;
        let is_live = |place: &Place| matches!(place.status, QueueStatus::Waiting | QueueStatus::Progress);
        let before = notes.place.filter(is_live);
        // First who it is: a session by a queue token alone ends with its place, which a payment on its way has taken.
        let who = (before.is_none() || matches!(self.credential, Credential::Access(_)))
            .then(|| self.credential.hello());
        let place = before.map(|place| Hello::QueueToken(place.token));
        let mut welcome = Welcome { queue: None };
        for hello in who.into_iter().chain(place) {
            let read = |_: &mut Notes, result: &[u8]| {
                serde_json::from_slice(result).map_err(|error| error.to_string())
            };
            welcome = self.ask(&mut socket, notes, &Request::Hello(hello), read).await?;
        }
        let place = welcome.queue;
        if before.is_some_and(|before| place.is_none_or(|place| place.token != before.token)) {
            notes.stats.fault(format!("{server}: a fan came back to another place"));
        }
        if let Some(place) = place {
            notes.note_place(place);
        }
        // Who has bought meanwhile, and only has not heard so, is let in no more to look.
        if notes.place.is_some_and(|place| place.status != QueueStatus::Progress) {
            notes.watched = None;
        }
        if let Some(schedule) = notes.watched.as_ref().map(|watched| watched.schedule) {
            let watch = Request::SeatsWatch(ScheduleRef { schedule_id: schedule });
            let read = |notes: &mut Notes, result: &[u8]| {
                let watched = notes.watched.as_mut().ok_or("nothing is watched")?;
                watched.version = take_snapshot(&watched.model, result, SeatModel::renew)?;
                Ok(())
            };
            self.ask(&mut socket, notes, &watch, read).await?;
        }
        self.sent.iter().for_each(|(_, text)| socket.push_text(text));
        socket.flush().await.map_err(broken)?;
        Ok(socket)
    }

    /// Asks on a connection that is not this fan's yet.
    async fn ask<T>(
        &self,
        socket: &mut WebSocket,
        notes: &mut Notes,
        request: &Request,
        read: impl FnOnce(&mut Notes, &[u8]) -> Result<T, String>,
    ) -> Result<T, Trouble> {
        let broken = |cause| Trouble::Connection { server: self.target.door.address, cause };
        let id = notes.next_id;
        notes.next_id += 1;
        socket.push_text(&encode_request(&RequestId::Integer(id), request));
        socket.flush().await.map_err(broken)?;
        loop {
            let text = socket.next().await.map_err(broken)?;
            match read_answer(text)? {
                None => drop(notes.take_push(text)?),
                Some((answered, outcome)) if answered == id => {
                    return read(notes, outcome.map_err(Trouble::Refused)?).map_err(Trouble::Unfitting);
                }
                Some(_) => return Err(Trouble::Unfitting(shortened(text))),
            }
        }
    }
}

pub fn hold_request(schedule: u64, seats: &[u32]) -> Request {
    let seats = SeatList::try_from(seats.to_vec()).expect("a fan names few seats, and none twice");
    Request::Hold(Hold { schedule_id: schedule, seats })
}

/// Gives back all seats of a reservation.
pub fn release_request(reservation: Uuid) -> Request {
    Request::Release(Release { reservation_id: reservation, seats: None })
}

impl Notes {
    fn note_place(&mut self, place: Place) {
        match place.status {
            QueueStatus::Waiting => self.state.set(FanState::Waiting),
            QueueStatus::Progress => {
                if self.place.is_none_or(|known| known.status != QueueStatus::Progress) {
                    self.stats.count(Counter::Admissions, 1);
                    self.state.set(FanState::Admitted);
                }
            }
            QueueStatus::Done | QueueStatus::Expired => self.state.set(FanState::Ready),
        }
        self.place = Some(place);
    }

    fn close_request(&mut self, id: i64) -> Result<(), Trouble> {
        let Some(index) = self.open.iter().position(|open| *open == id) else {
            let fault = format!("an answer to request {id}, which is not open");
            self.stats.fault(fault.clone());
            return Err(Trouble::Unfitting(fault));
        };
        self.open.swap_remove(index);
        Ok(())
    }

    fn take_push(&mut self, text: &[u8]) -> Result<Event, Trouble> {
        let unfitting =
            |error: serde_json::Error| Trouble::Unfitting(format!("{error} in {}", shortened(text)));
        match split_push(text) {
            Some((b"seats.update", params)) => self.take_delta(params).map_err(unfitting)?,
            Some((b"queue.update", params)) => {
                self.stats.count(Counter::QueuePushes, 1);
                let place: Place = serde_json::from_slice(params).map_err(unfitting)?;
                self.note_place(place);
                return Ok(Event::Place);
            }
            Some((b"reservation.update", params)) => {
                self.note_reservation(serde_json::from_slice(params).map_err(unfitting)?);
                return Ok(Event::Reservation);
            }
            _ => return self.take_unusual(text),
        }
        .map_or(Ok(Event::Other), |applied| Ok(Event::Seats(applied)))
    }

    fn note_reservation(&mut self, reservation: Reservation) {
        if matches!(reservation.status, ReservationStatus::Expired | ReservationStatus::Cancelled) {
            self.lost.push(reservation.reservation_id);
        }
    }

    /// Read by the book, because it does not look like what our server writes.
    fn take_unusual(&mut self, text: &[u8]) -> Result<Event, Trouble> {
        let unfitting = || Trouble::Unfitting(shortened(text));
        let text = std::str::from_utf8(text).map_err(|_| unfitting())?;
        match ServerMessage::parse(text).map_err(|_| unfitting())? {
            ServerMessage::Push(Push::QueueUpdate(update)) => {
                self.note_place(Place {
                    token: update.token,
                    status: update.status,
                    position: update.position,
                    sold_out: update.sold_out,
                    reason: update.reason,
                });
                Ok(Event::Place)
            }
            ServerMessage::Push(Push::SeatsUpdate(update)) => {
                let params = serde_json::to_vec(&update).map_err(|_| unfitting())?;
                let applied = self.take_delta(&params).map_err(|_| unfitting())?;
                Ok(applied.map_or(Event::Other, Event::Seats))
            }
            ServerMessage::Push(Push::ReservationUpdate(update)) => {
                let seats =
                    update.seats.iter().map(|seat| Seat { seat: seat.seat, price: seat.price }).collect();
                self.note_reservation(Reservation {
                    reservation_id: update.reservation_id,
                    status: update.status,
                    amount: update.amount,
                    seats,
                });
                Ok(Event::Reservation)
            }
            ServerMessage::Push(
                Push::SaleUpdate(_) | Push::BalanceUpdate(_) | Push::HelloAgain(_) | Push::OpsUpdate(_),
            )
            | ServerMessage::UnknownPush(_) => Ok(Event::Other),
            ServerMessage::Response(_) => Err(unfitting()),
        }
    }

    /// `None`: not the schedule that is watched, or nothing new.
    fn take_delta(&mut self, params: &[u8]) -> Result<Option<Applied>, serde_json::Error> {
        self.stats.count(Counter::Deltas, 1);
        self.stats.count(Counter::DeltaBytes, (PUSH_BEGIN.len() + DELTA_MIDDLE_BYTES + params.len()) as u64);
        let Some(watched) = &mut self.watched else { return Ok(None) };
        let mut model = watched.model.borrow_mut();
        let applied = model.take_delta(params)?;
        if model.schedule_of_last() != watched.schedule || applied.version <= watched.version {
            return Ok(None);
        }
        if applied.from > watched.version {
            let fault = format!("a gap in the seats: had {}, got {applied:?}", watched.version);
            self.stats.fault(fault);
        }
        watched.version = applied.version;
        Ok(Some(applied))
    }
}

const ANSWER_BEGIN: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
const PUSH_BEGIN: &[u8] = br#"{"jsonrpc":"2.0","method":""#;

/// Bytes of a delta besides its beginning and its params.
const DELTA_MIDDLE_BYTES: usize = br#"seats.update","params":}"#.len();

/// The id of an answered request, and its result where it lies, or its refusal.
type Answer<'a> = (i64, Result<&'a [u8], ErrorObject>);

/// `None`: no answer.
fn read_answer(text: &[u8]) -> Result<Option<Answer<'_>>, Trouble> {
    if text.starts_with(PUSH_BEGIN) {
        return Ok(None);
    }
    if let Some(rest) = text.strip_prefix(ANSWER_BEGIN)
        && let Some((id, rest)) = split_number(rest)
        && let Some(result) = rest.strip_prefix(br#","result":"#)
        && let Some(result) = result.strip_suffix(b"}")
    {
        return Ok(Some((id, Ok(result))));
    }
    let unfitting = || Trouble::Unfitting(shortened(text));
    let message = std::str::from_utf8(text).map_err(|_| unfitting())?;
    match ServerMessage::parse(message).map_err(|_| unfitting())? {
        ServerMessage::Response(answer) => match (answer.id, answer.outcome) {
            (Some(RequestId::Integer(id)), outcome) => {
                Ok(Some((id, outcome.map(|result| result.get().as_bytes()))))
            }
            (_, Err(error)) => Err(Trouble::Refused(error)),
            _ => Err(unfitting()),
        },
        ServerMessage::Push(_) | ServerMessage::UnknownPush(_) => Ok(None),
    }
}

fn split_number(text: &[u8]) -> Option<(i64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = text[..digits]
        .iter()
        .try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_add(i64::from(digit - b'0')))?;
    (digits > 0).then_some((number, &text[digits..]))
}

/// A push's name and its params.
fn split_push(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = text.strip_prefix(PUSH_BEGIN)?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    let params = rest[end..].strip_prefix(br#"","params":"#)?;
    Some((&rest[..end], params.strip_suffix(b"}")?))
}

fn shortened(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Board;
    use frontrow_protocol::{encode_error, encode_result_raw};

    fn notes() -> (std::sync::Arc<Board>, Notes) {
        let board = Board::new();
        let stats = Stats::new(board.clone());
        let notes = Notes {
            state: StateOf::new(&stats, FanState::Ready),
            stats,
            next_id: 1,
            open: vec![7],
            early: Vec::new(),
            place: None,
            watched: None,
            lost: Vec::new(),
        };
        (board, notes)
    }

    fn place(status: &str) -> String {
        format!(
            r#"{{"token":"8b1f0000-0000-8000-8000-000000000000","status":"{status}","position":null,"sold_out":false,"reason":null}}"#
        )
    }

    #[test]
    fn answers_are_read_in_either_form() {
        let id = RequestId::Integer(7);
        let usual = encode_result_raw(&id, r#"{"balance":5}"#);
        let odd = r#" { "id" : 7, "result" : {"balance":5}, "jsonrpc" : "2.0" }"#;
        for text in [usual.as_str(), odd] {
            let (answered, outcome) = read_answer(text.as_bytes()).unwrap().unwrap();
            assert_eq!((answered, outcome.unwrap()), (7, br#"{"balance":5}"#.as_slice()));
        }
        let refusal = ErrorObject::new(Reason::SeatTaken, "gone");
        let text = encode_error(Some(&id), &refusal);
        assert_eq!(read_answer(text.as_bytes()).unwrap().unwrap(), (7, Err(refusal)));
        let nameless = encode_error(None, &ErrorObject::parse());
        assert!(matches!(read_answer(nameless.as_bytes()), Err(Trouble::Refused(_))));
        assert!(read_answer(b"nonsense").is_err());
    }

    #[test]
    fn pushes_are_read_in_either_form() {
        let (board, mut notes) = notes();
        let waiting = place("WAITING");
        let usual = format!(r#"{{"jsonrpc":"2.0","method":"queue.update","params":{waiting}}}"#);
        assert_eq!(notes.take_push(usual.as_bytes()).unwrap(), Event::Place);
        assert_eq!(notes.place.unwrap().status, QueueStatus::Waiting);
        let ended = r#"{"jsonrpc":"2.0","method":"reservation.update","params":{"reservation_id":
            "8b1f0000-0000-8000-8000-000000000000","status":"EXPIRED","amount":5,"seats":[{"seat":3,"price":5}]}}"#;
        assert_eq!(notes.take_push(ended.as_bytes()).unwrap(), Event::Reservation);
        assert_eq!(notes.lost.len(), 1);
        let newer = r#"{"method":"weather.update","params":{},"jsonrpc":"2.0"}"#;
        assert_eq!(notes.take_push(newer.as_bytes()).unwrap(), Event::Other);
        assert_eq!(board.faults().0, 0);
    }

    #[test]
    fn an_answer_to_nothing_and_a_gap_are_faults() {
        let (board, mut notes) = notes();
        assert!(notes.close_request(7).is_ok());
        assert!(notes.close_request(7).is_err());
        let model = Rc::new(RefCell::new(SeatModel::new(1)));
        notes.watched = Some(Watched { schedule: 1, model, version: 4 });
        let delta = |from: u64, version: u64| {
            format!(
                r#"{{"jsonrpc":"2.0","method":"seats.update","params":{{"schedule_id":1,"from":{from},"version":{version},"changes":[],"available":0}}}}"#
            )
        };
        assert_eq!(
            notes.take_push(delta(4, 6).as_bytes()).unwrap(),
            Event::Seats(Applied { from: 4, version: 6 })
        );
        assert_eq!(notes.take_push(delta(5, 6).as_bytes()).unwrap(), Event::Other);
        notes.stats.flush();
        assert_eq!(board.faults().0, 1, "the second answer to request 7");
        notes.take_push(delta(7, 8).as_bytes()).unwrap();
        notes.stats.flush();
        assert_eq!(board.faults().0, 2, "and the gap from 6 to 7");
    }
}
