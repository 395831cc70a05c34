//! One websocket's rules: who it is, what it may request now, what becomes of each answer. A machine: one input in,
//! then every output out. It decides and touches nothing; the task that owns the socket does and decides nothing.
//!
//! It is given requests with their plan (`desk::request`), so that it looks nothing up.
//!
//! Always: every request gets one answer; nothing is queried for a stranger; the token that the session carries is
//! known only as far as it was committed. Not here: sockets, JSON of results, the store.

use std::collections::VecDeque;
use std::time::Duration;

use frontrow_protocol::call::Call;
use frontrow_protocol::request::Hello;
use frontrow_protocol::{CloseCode, ErrorObject, Malformed, Method, Reason, RequestId};

use crate::config::ClientLimits;
use crate::desk::admission;
use crate::desk::gate::QueueBearer;
use crate::desk::operators::{Badge, Operator};
use crate::desk::outcome::Outcome;
use crate::desk::rate::{Meter, Rate};
use crate::desk::reads::{Found, Question};
use crate::desk::replies;
use crate::desk::request::{FanCommand, Local, OpsTask, Plan, Reading, Route, Task, View};
use crate::desk::visitor::{Admits, Audience};
use crate::dispatcher::{Refusal, Reply};
use crate::domain::command::{Answer, Caller, Command, Place};
use crate::domain::ids::{AddressBlock, ConcertId, ConnectionId, QueueToken, ScheduleId, UserId};
use crate::domain::record::{Reservation, TokenRecord, TokenStatus};
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::fanout::{SaleNews, Scope};
use crate::limits::{
    CONSOLE_CHECK_INTERVAL, HELLO_AGAIN_PATIENCE, HELLO_PATIENCE, IN_FLIGHT_RETRY_AFTER, MALFORMED_MAX,
    MALFORMED_WINDOW, PING_INTERVAL, PINGS_UNANSWERED_MAX,
};

/// Refusals over the rate are answered at this pace; what comes faster is left unread in the socket. Fast enough
/// that a client which sent far too much learns it at once, slow enough that it costs the others nothing.
const REFUSALS: Rate = Rate::new(5_000, 10_000);

/// An input that a session reacts to.
#[derive(Debug)]
pub enum Input {
    /// A request, and what has to be done for it.
    Request {
        id: RequestId,
        method: Method,
        plan: Plan,
    },
    /// A text frame that was no request.
    Malformed(Malformed),
    /// Any other frame that shows that the peer is there.
    Alive,
    /// A lane's reply to `Output::Submit` or `Output::Charge`.
    Reply {
        tag: u32,
        reply: Reply,
    },
    /// The answer to `Output::Query`.
    Found {
        tag: u32,
        found: Result<Found, ErrorObject>,
    },
    /// Pushed to this connection.
    Place(Place),
    Reservation(Reservation),
    Sale(SaleNews),
    /// The user's wallet changed.
    Wallet,
    /// The user has too many connections, and this is the oldest.
    Superseded,
    /// Time passed. Tokens end by `utc`.
    Tick {
        utc: Timestamp,
    },
    /// The server stops: finish what was begun, then close.
    Restarting,
}

/// An output that the session wants done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// The answer to a request. Without an id where none could be read, without a method where it was none.
    Answer {
        id: Option<RequestId>,
        method: Option<Method>,
        outcome: Result<Outcome, ErrorObject>,
    },
    /// Answer with a snapshot, and push from it on.
    Watch {
        id: Option<RequestId>,
        schedule: ScheduleId,
        /// Also of a performance that has begun, which is sold no more.
        begun: bool,
    },
    /// Answer, and push nothing more of it.
    Unwatch {
        id: Option<RequestId>,
        schedule: ScheduleId,
    },
    /// Answer with the figures of what an operator watches, and push from them on.
    WatchSales {
        id: RequestId,
        scope: Scope,
    },
    /// Answer, and push nothing more of it.
    UnwatchSales {
        id: RequestId,
        scope: Scope,
    },
    Submit {
        tag: u32,
        concert: ConcertId,
        command: Command,
    },
    Charge {
        tag: u32,
        user: UserId,
        amount: Money,
        request_id: Box<str>,
    },
    Query {
        tag: u32,
        question: Question,
    },
    /// The user did something that no sale has a part in; `None`: any sale may be concerned.
    Touch {
        user: UserId,
        concert: Option<ConcertId>,
    },
    /// The connection belongs to this user from now on.
    Register {
        user: UserId,
    },
    /// The connection belongs to this operator from now on.
    RegisterOperator {
        operator: Operator,
    },
    /// The user is connected: every other sale where they have a place counts them as present, and says which it is.
    Greet {
        user: UserId,
        except: Option<ConcertId>,
    },
    /// The user was notified of a place in this sale, which does not know yet that they are connected.
    BePresent {
        user: UserId,
        concert: ConcertId,
    },
    PushPlace(Place),
    PushReservation(Reservation),
    PushSale(SaleNews),
    PushBalance(Money),
    /// The token ended that the session was known by: it has so long to say hello with another one.
    PushHelloAgain {
        within: Duration,
    },
    Ping,
    Close(CloseCode),
}

/// The identity that the upgrade's header gave a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// `hello` is to come.
    Stranger,
    /// The owner of an access token that is valid until `ends_at` (UTC), who may be an operator as well.
    User { user: UserId, guest: bool, ends_at: Timestamp, badge: Option<Badge> },
    /// An operator whose token names no user.
    Operator { badge: Badge, ends_at: Timestamp },
    /// The owner of a queue token.
    Token { user: UserId, guest: bool, token: QueueToken, concert: ConcertId },
}

/// Who came, and by which door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    pub arrival: Arrival,
    /// The block that the limits of their address are counted by, if any hold.
    pub block: Option<AddressBlock>,
    pub admits: Admits,
}

pub struct Session {
    connection: ConnectionId,
    admits: Admits,
    /// The block that the limits of its address are counted by, if any hold.
    block: Option<AddressBlock>,
    identity: Identity,
    /// Once the user is known: nobody vouches for them.
    guest: bool,
    /// By what they are an operator, if they are one.
    bearing: Option<Box<Bearing>>,
    carried: Option<Carried>,
    wallet: Wallet,
    /// Sales that count this connection as their user's presence.
    present_in: Vec<ConcertId>,
    pending: Vec<Pending>,
    next_tag: u32,
    /// Requests that came behind a `hello` that is not answered yet.
    held_back: VecDeque<(RequestId, Method, Plan)>,
    in_flight_max: usize,
    rate: Rate,
    requests: Meter,
    refusals: Meter,
    reading_again_at: Option<Timestamp>,
    malformed: u32,
    malformed_since: Timestamp,
    opened_at: Timestamp,
    /// The milliseconds by which UTC is ahead of the time that sessions are given, as it was at the last tick.
    utc_ahead_millis: i64,
    /// The token ended that the session was known by: closed then, unless it says hello with another one.
    hello_again_until: Option<Timestamp>,
    ping_due: Timestamp,
    pings_unanswered: u8,
    restarting: bool,
    closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Identity {
    Stranger,
    /// `hello` is being looked into.
    Checking,
    Known {
        user: UserId,
        by: Credential,
    },
    /// An operator who is no user.
    Operator,
}

/// What makes an operator of somebody: looked at again and again, since a role may be taken away at any moment.
struct Bearing {
    badge: Badge,
    /// UTC.
    ends_at: Timestamp,
    check_due: Timestamp,
    /// It is being looked at.
    checking: bool,
}

/// The credential that a session is known by. An access token is worth more: a queue token that is said hello with
/// beside it takes nothing away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credential {
    Access {
        /// UTC.
        ends_at: Timestamp,
    },
    Queue(QueueBearer),
}

impl Credential {
    /// UTC: when it opens nothing any more, as far as that is known.
    fn ends_at(self) -> Option<Timestamp> {
        match self {
            Self::Access { ends_at } => Some(ends_at),
            Self::Queue(bearer) => bearer.over_at(),
        }
    }

    fn bearer(&self) -> Option<&QueueBearer> {
        match self {
            Self::Access { .. } => None,
            Self::Queue(bearer) => Some(bearer),
        }
    }

    /// The queue token, once it has ended.
    fn ended(self) -> Option<QueueBearer> {
        self.bearer().copied().filter(|bearer| !bearer.status.is_live())
    }

    fn lists_only(self) -> Option<ConcertId> {
        self.ended().map(|bearer| bearer.concert)
    }
}

/// The stage of the newest balance of the user's wallet on its way to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wallet {
    Sent,
    Queried,
    /// It changed again meanwhile: what is found may be old.
    Outdated,
    /// It could not be read; it is queried again with the next ping.
    Owed,
}

/// The token that the session acts by, as far as it was notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Carried {
    concert: ConcertId,
    token: QueueToken,
    entry: crate::domain::ids::EntryNo,
    status: TokenStatus,
}

struct Pending {
    tag: u32,
    id: Option<RequestId>,
    method: Method,
    then: Then,
}

/// The use of a reply.
enum Then {
    Answer,
    /// `hello`: the user is known next.
    Identify,
    /// Whether they are an operator still is known next.
    Check,
    /// `hello` by queue token: the owner is known next.
    Own {
        token: QueueToken,
        concert: ConcertId,
    },
    /// `hello` by queue token: the token's state is known next.
    Resume {
        user: UserId,
        concert: ConcertId,
    },
    Join {
        concert: ConcertId,
    },
    /// The user's sale is known next, then the request goes on.
    Locate {
        user: UserId,
        task: Box<Task>,
    },
    /// The balance is known next, and pushed.
    PushBalance,
    /// The token's state is known next; if it is admitted, this is shown.
    Admit {
        concert: ConcertId,
        view: View,
    },
}

impl Session {
    /// Gives the outputs of a session that is known from the start, too. `now` is steady time, as in `handle`.
    pub fn open(
        connection: ConnectionId,
        newcomer: Newcomer,
        limits: &ClientLimits,
        now: Timestamp,
        utc: Timestamp,
        out: &mut Vec<Output>,
    ) -> Self {
        let Newcomer { arrival, block, admits } = newcomer;
        let mut session = Self {
            connection,
            admits,
            block,
            identity: Identity::Stranger,
            guest: false,
            bearing: None,
            carried: None,
            wallet: Wallet::Sent,
            present_in: Vec::new(),
            pending: Vec::new(),
            next_tag: 0,
            held_back: VecDeque::new(),
            in_flight_max: limits.requests_in_flight as usize,
            rate: Rate::new(limits.requests_per_second, limits.requests_burst),
            requests: Meter::default(),
            refusals: Meter::default(),
            reading_again_at: None,
            malformed: 0,
            malformed_since: now,
            opened_at: now,
            utc_ahead_millis: utc.as_millis() - now.as_millis(),
            hello_again_until: None,
            ping_due: now + PING_INTERVAL,
            pings_unanswered: 0,
            restarting: false,
            closed: false,
        };
        match arrival {
            Arrival::Stranger => {}
            Arrival::Operator { badge, ends_at } => {
                out.push(Output::RegisterOperator { operator: badge.operator });
                session.identity = Identity::Operator;
                session.bear(now, badge, ends_at);
            }
            Arrival::User { user, guest, ends_at, badge } => {
                session.guest = guest;
                if let Some(badge) = badge {
                    session.bear(now, badge, ends_at);
                }
                session.identity = Identity::Known { user, by: Credential::Access { ends_at } };
                out.push(Output::Register { user });
                out.push(Output::Greet { user, except: None });
            }
            Arrival::Token { user, guest, token, concert } => {
                session.guest = guest;
                session.identity = Identity::Checking;
                session.resume(None, user, token, concert, out);
            }
        }
        session
    }

    /// Whose sales this one may know of.
    pub fn audience(&self) -> Audience {
        self.admits.audience()
    }

    /// The user, once known.
    pub fn user(&self) -> Option<UserId> {
        match self.identity {
            Identity::Known { user, .. } => Some(user),
            Identity::Stranger | Identity::Checking | Identity::Operator => None,
        }
    }

    /// May they watch what operators do?
    pub fn is_operator(&self) -> bool {
        self.bearing.is_some()
    }

    /// The address that this user is a guest of.
    pub fn guest_of(&self) -> Option<AddressBlock> {
        self.block.filter(|_| self.guest)
    }

    /// The sales to notify when the connection ends.
    pub fn present_in(&self) -> &[ConcertId] {
        &self.present_in
    }

    /// May another frame be read?
    pub fn may_read(&self, now: Timestamp) -> bool {
        !self.restarting && !self.closed && self.reading_again_at.is_none_or(|at| at <= now)
    }

    /// The time at which the next `Input::Tick` is due.
    pub fn next_tick(&self) -> Timestamp {
        let hello = (self.identity == Identity::Stranger).then(|| self.opened_at + HELLO_PATIENCE);
        let again = self.hello_again_until.or_else(|| {
            let ends_at = self.ends_at()?;
            Some(Timestamp::from_millis(ends_at.as_millis().saturating_sub(self.utc_ahead_millis)))
        });
        // Whose token has ended is not looked at until they say hello with another one.
        let bearing = self.bearing.as_ref().filter(|_| self.hello_again_until.is_none());
        let check = bearing.map(|bearing| bearing.check_due);
        [hello, again, check, self.reading_again_at].into_iter().flatten().fold(self.ping_due, Timestamp::min)
    }

    fn credential(&self) -> Option<Credential> {
        match self.identity {
            Identity::Known { by, .. } => Some(by),
            Identity::Stranger | Identity::Checking | Identity::Operator => None,
        }
    }

    /// UTC: when what they are known by opens nothing any more, as far as that is known.
    fn ends_at(&self) -> Option<Timestamp> {
        match self.identity {
            Identity::Known { by, .. } => by.ends_at(),
            Identity::Operator => self.bearing.as_ref().map(|bearing| bearing.ends_at),
            Identity::Stranger | Identity::Checking => None,
        }
    }

    fn bear(&mut self, now: Timestamp, badge: Badge, ends_at: Timestamp) {
        let check_due = now + CONSOLE_CHECK_INTERVAL;
        self.bearing = Some(Box::new(Bearing { badge, ends_at, check_due, checking: false }));
    }

    fn utc(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.as_millis().saturating_add(self.utc_ahead_millis))
    }

    /// Known from now on by this, whatever it was known by before.
    fn known_by(&mut self, user: UserId, by: Credential) {
        self.identity = Identity::Known { user, by };
        self.hello_again_until = None;
    }

    pub fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        if self.closed {
            return;
        }
        match input {
            Input::Request { id, method, plan } => {
                self.pings_unanswered = 0;
                self.arrived(now, id, method, plan, out);
            }
            Input::Malformed(Malformed { id, method, error }) => {
                self.pings_unanswered = 0;
                out.push(Output::Answer { id, method, outcome: Err(error) });
                self.count_malformed(now, out);
            }
            Input::Alive => self.pings_unanswered = 0,
            Input::Reply { tag, reply } => self.reply(now, tag, reply, out),
            Input::Found { tag, found } => self.found(now, tag, found, out),
            Input::Place(place) => {
                // An ended queue token shows its own visit: the user's next token is not for its bearer.
                let ended = self.credential().and_then(Credential::ended);
                if ended.is_none_or(|bearer| bearer.token == place.record.token) {
                    self.note_place(&place);
                    let TokenRecord { concert, user, status, .. } = place.record;
                    if status.is_live() && self.be_present(concert) {
                        out.push(Output::BePresent { user, concert });
                    }
                    out.push(Output::PushPlace(place));
                }
            }
            Input::Reservation(reservation) => {
                let only = self.credential().and_then(Credential::lists_only);
                if only.is_none_or(|only| only == reservation.concert) {
                    out.push(Output::PushReservation(reservation));
                }
            }
            Input::Sale(news) => out.push(Output::PushSale(news)),
            Input::Wallet => self.wallet_changed(out),
            Input::Superseded => self.close(CloseCode::TooManyConnections, out),
            Input::Tick { utc } => self.tick(now, utc, out),
            Input::Restarting => self.restarting = true,
        }
        if self.restarting && self.pending.is_empty() && self.held_back.is_empty() {
            self.close(CloseCode::Restarting, out);
        }
    }

    fn close(&mut self, code: CloseCode, out: &mut Vec<Output>) {
        if !self.closed {
            self.closed = true;
            out.push(Output::Close(code));
        }
    }

    fn tick(&mut self, now: Timestamp, utc: Timestamp, out: &mut Vec<Output>) {
        self.utc_ahead_millis = utc.as_millis() - now.as_millis();
        if self.reading_again_at.is_some_and(|at| at <= now) {
            self.reading_again_at = None;
        }
        if self.identity == Identity::Stranger && self.opened_at + HELLO_PATIENCE <= now {
            return self.close(CloseCode::NoHello, out);
        }
        match self.hello_again_until {
            Some(until) if until <= now => return self.close(CloseCode::Unauthenticated, out),
            Some(_) => {}
            None => {
                if self.ends_at().is_some_and(|ends_at| ends_at <= utc) {
                    // The time runs from now rather than from the end, for a machine that slept.
                    self.hello_again_until = Some(now + HELLO_AGAIN_PATIENCE);
                    out.push(Output::PushHelloAgain { within: HELLO_AGAIN_PATIENCE });
                }
            }
        }
        self.check_bearing(now, out);
        if self.ping_due <= now {
            // Counted in pings rather than in time, so that a machine that slept does not hang up on everybody.
            if self.pings_unanswered >= PINGS_UNANSWERED_MAX {
                return self.close(CloseCode::TooSlow, out);
            }
            if self.wallet == Wallet::Owed {
                self.query_balance(out);
            }
            self.pings_unanswered += 1;
            self.ping_due = now + PING_INTERVAL;
            out.push(Output::Ping);
        }
    }

    fn check_bearing(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let is_over = self.hello_again_until.is_some();
        let Some(bearing) = self.bearing.as_mut().filter(|bearing| bearing.check_due <= now && !is_over)
        else {
            return;
        };
        bearing.check_due = now + CONSOLE_CHECK_INTERVAL;
        if std::mem::replace(&mut bearing.checking, true) {
            return;
        }
        let access_token = bearing.badge.token.to_string();
        let tag = self.pend(None, Method::Hello, Then::Check);
        out.push(Output::Query { tag, question: Question::Identify { access_token } });
    }

    /// What became of the look at an operator's token. While the store does not answer they stay what they were: they are
    /// needed most while something is wrong.
    fn checked(&mut self, now: Timestamp, found: Result<Found, ErrorObject>, out: &mut Vec<Output>) {
        let utc = self.utc(now);
        let Some(bearing) = &mut self.bearing else { return };
        bearing.checking = false;
        match found {
            Ok(Found::User { badge: Some(badge), ends_at, .. } | Found::Operator { badge, ends_at }) => {
                let may_watch = |badge: &Badge| {
                    Method::OpsWatch.roles().is_some_and(|needs| badge.operator.roles.meets(needs))
                };
                let lost = may_watch(&bearing.badge) && !may_watch(&badge);
                (bearing.badge, bearing.ends_at) = (badge, ends_at);
                if lost {
                    self.close(CloseCode::Unauthenticated, out);
                }
            }
            Err(error) if error.data.retryable => {}
            // It ended meanwhile, which has a notice of its own.
            Err(_) if bearing.ends_at <= utc => {}
            _ => self.close(CloseCode::Unauthenticated, out),
        }
    }

    /// A request has its turn, unless there are too many.
    fn arrived(&mut self, now: Timestamp, id: RequestId, method: Method, plan: Plan, out: &mut Vec<Output>) {
        if let Err(wait) = self.requests.take(now, self.rate) {
            if let Err(wait) = self.refusals.take(now, REFUSALS) {
                self.reading_again_at = Some(now + wait.max(Duration::from_millis(1)));
            }
            let error = ErrorObject::rate_limited(millis_up(wait));
            return out.push(answer(id, method, Err(error)));
        }
        if self.pending.len() + self.held_back.len() >= self.in_flight_max {
            let mut error = ErrorObject::rate_limited(IN_FLIGHT_RETRY_AFTER.as_millis() as u64);
            error.message = format!("{} requests are still unanswered", self.in_flight_max).into();
            return out.push(answer(id, method, Err(error)));
        }
        self.request(now, id, method, plan, out);
    }

    fn count_malformed(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if now.since(self.malformed_since) >= MALFORMED_WINDOW {
            self.malformed_since = now;
            self.malformed = 0;
        }
        self.malformed += 1;
        if self.malformed > MALFORMED_MAX {
            self.close(CloseCode::TooManyMalformed, out);
        }
    }

    fn request(&mut self, now: Timestamp, id: RequestId, method: Method, plan: Plan, out: &mut Vec<Output>) {
        match (self.identity, plan) {
            (Identity::Checking, plan) => self.held_back.push_back((id, method, plan)),
            (_, Plan::Local(Local::Hello(hello))) => self.hello(id, hello, out),
            (Identity::Stranger, _) => {
                out.push(answer(id, method, Err(ErrorObject::unauthenticated("send `hello` first"))));
            }
            (Identity::Operator, plan) => self.of_operator(id, method, plan, out),
            (Identity::Known { user, by }, plan) => {
                let plan = match plan.allowed(method, by.bearer(), self.utc(now)) {
                    Ok(plan) => plan,
                    Err(error) => return out.push(answer(id, method, Err(error))),
                };
                if plan.is_activity_elsewhere() && by.ended().is_none() {
                    self.touch(user, out);
                }
                self.of_known(id, user, by, method, plan, out);
            }
        }
    }

    fn hello(&mut self, id: RequestId, hello: Hello, out: &mut Vec<Output>) {
        match hello {
            Hello::AccessToken(access_token) => {
                self.checking();
                self.query(id, Method::Hello, Then::Identify, Question::Identify { access_token }, out);
            }
            Hello::QueueToken(token) => {
                let token = QueueToken(token);
                if let Err(error) = self.admits.of(Some(token), None::<Badge>) {
                    return self.refuse_hello(Some(id), error, out);
                }
                match token.concert() {
                    Some(concert) => {
                        self.checking();
                        let then = Then::Own { token, concert };
                        self.query(id, Method::Hello, then, Question::OwnerOf(token), out);
                    }
                    None => self.refuse_hello(Some(id), replies::unknown_queue_token(), out),
                }
            }
        }
    }

    /// A session that is known already stays so, whatever comes of another `hello`.
    fn checking(&mut self) {
        if self.identity == Identity::Stranger {
            self.identity = Identity::Checking;
        }
    }

    fn refuse_hello(&mut self, id: Option<RequestId>, error: ErrorObject, out: &mut Vec<Output>) {
        if self.identity == Identity::Checking {
            self.identity = Identity::Stranger;
        }
        let reason = error.reason();
        if id.is_some() {
            out.push(Output::Answer { id, method: Some(Method::Hello), outcome: Err(error) });
        }
        for (id, method, _) in std::mem::take(&mut self.held_back) {
            out.push(answer(id, method, Err(ErrorObject::unauthenticated("send `hello` first"))));
        }
        if reason == Reason::Unauthenticated {
            self.close(CloseCode::Unauthenticated, out);
        }
    }

    /// A connection that is one user's never becomes another's.
    fn may_become(&self, user: UserId) -> Result<(), ErrorObject> {
        match self.identity {
            Identity::Known { user: before, .. } if before != user => {
                Err(ErrorObject::invalid_request("this connection already belongs to another user"))
            }
            Identity::Operator => {
                Err(ErrorObject::invalid_request("this connection already belongs to an operator"))
            }
            _ => Ok(()),
        }
    }

    fn may_become_operator(&self, operator: Operator) -> Result<(), ErrorObject> {
        let before = self.bearing.as_ref().map(|bearing| bearing.badge.operator.id);
        match self.identity {
            Identity::Known { .. } => {
                Err(ErrorObject::invalid_request("this connection already belongs to a user"))
            }
            Identity::Operator if before != Some(operator.id) => {
                Err(ErrorObject::invalid_request("this connection already belongs to another operator"))
            }
            _ => Ok(()),
        }
    }

    /// `hello` by an access token was looked into.
    fn identified(
        &mut self,
        now: Timestamp,
        id: Option<RequestId>,
        user: Option<(UserId, bool)>,
        badge: Option<Badge>,
        ends_at: Timestamp,
        out: &mut Vec<Output>,
    ) {
        let welcome = match self.admits.of(user, badge) {
            Ok((Some((user, guest)), badge)) => self.may_become(user).map(|()| {
                self.guest = guest;
                self.register(user, out);
                // The rights of an access token are taken away neither by a queue token nor by one that ends sooner.
                let latest = match self.credential() {
                    Some(Credential::Access { ends_at: before }) => ends_at.max(before),
                    Some(Credential::Queue(_)) | None => ends_at,
                };
                self.known_by(user, Credential::Access { ends_at: latest });
                let operator = badge.as_ref().map(|badge| badge.operator);
                if let Some(badge) = badge {
                    self.bear(now, badge, ends_at);
                }
                (Outcome::Welcome { user: Some(user), operator, resumed: None }, Some(user))
            }),
            Ok((None, Some(badge))) => self.may_become_operator(badge.operator).map(|()| {
                let operator = badge.operator;
                if self.identity != Identity::Operator {
                    out.push(Output::RegisterOperator { operator });
                }
                self.identity = Identity::Operator;
                self.hello_again_until = None;
                self.bear(now, badge, ends_at);
                (Outcome::Welcome { user: None, operator: Some(operator), resumed: None }, None)
            }),
            Ok((None, None)) => Err(ErrorObject::internal()),
            Err(error) => Err(error),
        };
        match welcome {
            Ok((outcome, user)) => {
                out.push(Output::Answer { id, method: Some(Method::Hello), outcome: Ok(outcome) });
                out.extend(user.map(|user| Output::Greet { user, except: None }));
                self.go_on(now, out);
            }
            Err(error) => self.refuse_hello(id, error, out),
        }
    }

    fn register(&self, user: UserId, out: &mut Vec<Output>) {
        if self.user().is_none() {
            out.push(Output::Register { user });
        }
    }

    fn resume(
        &mut self,
        id: Option<RequestId>,
        user: UserId,
        token: QueueToken,
        concert: ConcertId,
        out: &mut Vec<Output>,
    ) {
        // Registered before the token's state is queried: nothing falls between the two.
        self.register(user, out);
        self.be_present(concert);
        let command = Command::Resume { token, connection: Some(self.connection) };
        let tag = self.pend(id, Method::Hello, Then::Resume { user, concert });
        out.push(Output::Submit { tag, concert, command });
    }

    /// A request of a user who is known.
    fn of_known(
        &mut self,
        id: RequestId,
        user: UserId,
        by: Credential,
        method: Method,
        plan: Plan,
        out: &mut Vec<Output>,
    ) {
        match plan {
            Plan::Local(Local::Hello(hello)) => self.hello(id, hello, out),
            Plan::Local(Local::Ping) => out.push(answer(id, method, Ok(Outcome::Pong))),
            Plan::Local(Local::Concerts) => out.push(answer(id, method, Ok(Outcome::Concerts))),
            Plan::Local(Local::Unwatch(schedule)) => out.push(Output::Unwatch { id: Some(id), schedule }),
            Plan::Read(reading) => {
                let question = Question::Of { user, only: by.lists_only(), reading };
                self.query(id, method, Then::Answer, question, out);
            }
            Plan::Ops(task) => self.ops(id, method, task, out),
            Plan::Charge { amount, request_id } => {
                let tag = self.pend(Some(id), method, Then::Answer);
                out.push(Output::Charge { tag, user, amount, request_id });
            }
            Plan::ToSale { route, task } => match (route, self.carried) {
                (Route::Nowhere(error), _) => out.push(answer(id, method, Err(*error))),
                (Route::Sale(concert), _) => self.in_sale(Some(id), user, method, task, concert, out),
                (Route::Own, Some(carried)) => {
                    self.in_sale(Some(id), user, method, task, carried.concert, out);
                }
                // They may have joined on another device.
                (Route::Own, None) => {
                    let then = Then::Locate { user, task: Box::new(task) };
                    self.query(id, method, then, Question::SaleOf(user), out);
                }
            },
        }
    }

    /// A request of an operator who is no user.
    fn of_operator(&mut self, id: RequestId, method: Method, plan: Plan, out: &mut Vec<Output>) {
        let may_look = self.bearing.as_ref().is_some_and(|bearing| {
            Call::HouseSeats.roles().is_some_and(|needs| bearing.badge.operator.roles.meets(needs))
        });
        match plan {
            Plan::Local(Local::Hello(hello)) => self.hello(id, hello, out),
            Plan::Local(Local::Ping) => out.push(answer(id, method, Ok(Outcome::Pong))),
            Plan::Local(Local::Concerts) => out.push(answer(id, method, Ok(Outcome::Concerts))),
            Plan::Local(Local::Unwatch(schedule)) => out.push(Output::Unwatch { id: Some(id), schedule }),
            Plan::Ops(task) => self.ops(id, method, task, out),
            // As over HTTP, they see seats without a place in line.
            Plan::ToSale { route, task: Task::View(View::Seats(schedule)) } if may_look => match route {
                Route::Nowhere(error) => out.push(answer(id, method, Err(*error))),
                Route::Sale(_) | Route::Own => {
                    out.push(Output::Watch { id: Some(id), schedule, begun: true });
                }
            },
            Plan::ToSale { .. } | Plan::Read(_) | Plan::Charge { .. } => {
                out.push(answer(id, method, Err(ErrorObject::forbidden("this token names no user"))));
            }
        }
    }

    fn ops(&self, id: RequestId, method: Method, task: OpsTask, out: &mut Vec<Output>) {
        let needs = method.roles().unwrap_or_default();
        let roles = self.bearing.as_ref().map(|bearing| bearing.badge.operator.roles);
        out.push(match task {
            _ if !roles.is_some_and(|roles| roles.meets(needs)) => {
                answer(id, method, Err(ErrorObject::needs_role(needs)))
            }
            OpsTask::Watch(scope) => Output::WatchSales { id, scope },
            OpsTask::Unwatch(scope) => Output::UnwatchSales { id, scope },
        });
    }

    fn in_sale(
        &mut self,
        id: Option<RequestId>,
        user: UserId,
        method: Method,
        task: Task,
        concert: ConcertId,
        out: &mut Vec<Output>,
    ) {
        let caller = self.caller(user, concert);
        let (then, command) = match task {
            // The state known here may be older than the one known elsewhere: the sale is queried unless the fan is
            // known to be admitted.
            Task::View(view) if self.is_admitted_to(concert) => return out.push(shown(id, concert, view)),
            Task::View(view) => (Then::Admit { concert, view }, admission::question(caller)),
            Task::Command(command) => {
                let then = match command {
                    FanCommand::Join => {
                        self.be_present(concert);
                        Then::Join { concert }
                    }
                    _ => Then::Answer,
                };
                (then, command.given_by(caller, Some(self.connection)))
            }
        };
        let tag = self.pend(id, method, then);
        out.push(Output::Submit { tag, concert, command });
    }

    fn is_admitted_to(&self, concert: ConcertId) -> bool {
        self.carried
            .is_some_and(|carried| carried.concert == concert && carried.status == TokenStatus::Progress)
    }

    fn caller(&self, user: UserId, concert: ConcertId) -> Caller {
        let carried = self.carried.filter(|carried| carried.concert == concert);
        Caller { user, token: carried.map(|carried| carried.token), guest_of: self.guest_of() }
    }

    fn touch(&self, user: UserId, out: &mut Vec<Output>) {
        match self.carried {
            // Those who wait have no idle clock, those who are done have no clock at all.
            Some(carried) if carried.status != TokenStatus::Progress => {}
            carried => out.push(Output::Touch { user, concert: carried.map(|carried| carried.concert) }),
        }
    }

    /// `false`: the sale knows already.
    fn be_present(&mut self, concert: ConcertId) -> bool {
        let is_new = !self.present_in.contains(&concert);
        if is_new {
            self.present_in.push(concert);
        }
        is_new
    }

    fn pend(&mut self, id: Option<RequestId>, method: Method, then: Then) -> u32 {
        let tag = self.next_tag;
        self.next_tag = self.next_tag.wrapping_add(1);
        self.pending.push(Pending { tag, id, method, then });
        tag
    }

    fn query(
        &mut self,
        id: RequestId,
        method: Method,
        then: Then,
        question: Question,
        out: &mut Vec<Output>,
    ) {
        let tag = self.pend(Some(id), method, then);
        out.push(Output::Query { tag, question });
    }

    fn unpend(&mut self, tag: u32) -> Option<Pending> {
        let place = self.pending.iter().position(|pending| pending.tag == tag)?;
        let pending = self.pending.swap_remove(place);
        if self.pending.is_empty() {
            // A waiting fan sends requests rarely: nothing is kept for the next time.
            self.pending = Vec::new();
        }
        Some(pending)
    }

    fn reply(&mut self, now: Timestamp, tag: u32, reply: Reply, out: &mut Vec<Output>) {
        let Some(Pending { id, method, then, .. }) = self.unpend(tag) else { return };
        if matches!(reply, Err(Refusal::OutcomeUnknown)) {
            // No answer would be true. Who comes back learns what became of it, and repeats it safely.
            return self.close(CloseCode::Restarting, out);
        }
        if let Ok(Answer::Queue { place, .. }) = &reply {
            match then {
                // A session carries a token only from a join or a resume on.
                Then::Join { .. } => self.carry(place),
                _ => self.note_place(place),
            }
        }
        match then {
            Then::Resume { user, concert } => match reply {
                Ok(Answer::Resumed { place, reservations }) => {
                    self.resumed(now, id, user, place, reservations, out);
                }
                reply => {
                    let refusal = reply.as_ref().err().unwrap_or(&Refusal::Internal);
                    self.forget_presence(concert, refusal);
                    self.refuse_hello(id, replies::refusal_of_token(refusal), out);
                }
            },
            Then::Join { concert } => {
                if let Err(refusal) = &reply {
                    self.forget_presence(concert, refusal);
                }
                self.answer_with(id, method, reply, out);
            }
            Then::Admit { concert, view } => out.push(match admission::opens(method, reply) {
                Ok(()) => shown(id, concert, view),
                Err(error) => Output::Answer { id, method: Some(method), outcome: Err(error) },
            }),
            Then::Answer
            | Then::Identify
            | Then::Check
            | Then::Own { .. }
            | Then::Locate { .. }
            | Then::PushBalance => {
                self.answer_with(id, method, reply, out);
            }
        }
    }

    fn resumed(
        &mut self,
        now: Timestamp,
        id: Option<RequestId>,
        user: UserId,
        place: Place,
        reservations: Vec<Reservation>,
        out: &mut Vec<Output>,
    ) {
        self.carry(&place);
        // Beside an access token that is still good it says which place is meant, and nothing about who it is.
        let by_access = matches!(self.credential(), Some(Credential::Access { .. }));
        if !by_access || self.hello_again_until.is_some() {
            self.known_by(user, Credential::Queue(QueueBearer::of(&place.record)));
        }
        // A token that ended says who came, and no more: it does not lead to the places that its user has elsewhere. By an
        // access token they are known already.
        let greet = place.record.status.is_live() && !by_access;
        let except = Some(place.record.concert);
        match id {
            Some(id) => {
                let operator = self.bearing.as_ref().map(|bearing| bearing.badge.operator);
                let (user, resumed) = (Some(user), Some((place, reservations)));
                let outcome = Outcome::Welcome { user, operator, resumed };
                out.push(answer(id, Method::Hello, Ok(outcome)));
            }
            // The upgrade's header was the hello, which has no answer but pushes.
            None => {
                out.push(Output::PushPlace(place));
                out.extend(reservations.into_iter().map(Output::PushReservation));
            }
        }
        if greet {
            out.push(Output::Greet { user, except });
        }
        self.go_on(now, out);
    }

    /// A command that the rules refused, or that was never posted, left nothing behind. What could not be kept was
    /// decided, and the sale may have seen that we are here.
    fn forget_presence(&mut self, concert: ConcertId, refusal: &Refusal) {
        let carried = self.carried.map(|carried| carried.concert);
        let left_nothing = matches!(refusal, Refusal::Rejected(_) | Refusal::RateLimited { .. });
        if carried != Some(concert) && left_nothing {
            self.present_in.retain(|present| *present != concert);
        }
    }

    /// Requests that came behind the hello have their turn.
    fn go_on(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        for (id, method, plan) in std::mem::take(&mut self.held_back) {
            self.request(now, id, method, plan, out);
        }
    }

    fn answer_with(&self, id: Option<RequestId>, method: Method, reply: Reply, out: &mut Vec<Output>) {
        out.push(Output::Answer { id, method: Some(method), outcome: replies::outcome(method, reply) });
    }

    fn found(&mut self, now: Timestamp, tag: u32, found: Result<Found, ErrorObject>, out: &mut Vec<Output>) {
        let Some(Pending { id, method, then, .. }) = self.unpend(tag) else { return };
        let outcome = match (then, found) {
            (Then::PushBalance, found) => return self.found_balance(found, out),
            (Then::Check, found) => return self.checked(now, found, out),
            (Then::Identify, Ok(Found::User { user, guest, ends_at, badge })) => {
                return self.identified(now, id, Some((user, guest)), badge, ends_at, out);
            }
            (Then::Identify, Ok(Found::Operator { badge, ends_at })) => {
                return self.identified(now, id, None, Some(badge), ends_at, out);
            }
            (Then::Own { token, concert }, Ok(Found::Owner { user, guest })) => match self.may_become(user) {
                Ok(()) => {
                    self.guest = guest;
                    return self.resume(id, user, token, concert, out);
                }
                Err(error) => Err(error),
            },
            (Then::Identify | Then::Own { .. }, Err(error)) => return self.refuse_hello(id, error, out),
            (Then::Locate { user, task }, Ok(Found::Sale(Some(concert)))) => {
                return self.in_sale(id, user, method, *task, concert, out);
            }
            (Then::Locate { .. }, Ok(Found::Sale(None))) => Err(ErrorObject::not_in_queue()),
            (_, Ok(Found::Outcome(outcome))) => Ok(*outcome),
            (_, Err(error)) => Err(error),
            (_, Ok(Found::User { .. } | Found::Operator { .. } | Found::Owner { .. } | Found::Sale(_))) => {
                Err(ErrorObject::internal())
            }
        };
        out.push(Output::Answer { id, method: Some(method), outcome });
    }

    /// Two lanes may have changed it, and say so in either order: the store knows what it came to.
    fn wallet_changed(&mut self, out: &mut Vec<Output>) {
        // The balance is not shown to the bearer of a queue token that ended.
        if self.credential().and_then(Credential::ended).is_some() {
            return;
        }
        match self.wallet {
            Wallet::Sent | Wallet::Owed => self.query_balance(out),
            Wallet::Queried | Wallet::Outdated => self.wallet = Wallet::Outdated,
        }
    }

    fn query_balance(&mut self, out: &mut Vec<Output>) {
        let Some(user) = self.user() else { return };
        self.wallet = Wallet::Queried;
        let tag = self.pend(None, Method::Balance, Then::PushBalance);
        let question = Question::Of { user, only: None, reading: Reading::Balance };
        out.push(Output::Query { tag, question });
    }

    fn found_balance(&mut self, found: Result<Found, ErrorObject>, out: &mut Vec<Output>) {
        match (self.wallet, found) {
            (Wallet::Outdated, _) => self.query_balance(out),
            (_, Ok(Found::Outcome(outcome))) => {
                self.wallet = Wallet::Sent;
                if let Outcome::Balance(balance) = *outcome {
                    out.push(Output::PushBalance(balance));
                }
            }
            _ => self.wallet = Wallet::Owed,
        }
    }

    fn carry(&mut self, place: &Place) {
        let record = &place.record;
        self.carried = Some(Carried {
            concert: record.concert,
            token: record.token,
            entry: record.entry,
            status: record.status,
        });
    }

    /// A newer token of the same sale is the user's too, joined on another device.
    fn note_place(&mut self, place: &Place) {
        let record = &place.record;
        if let Identity::Known { by: Credential::Queue(bearer), .. } = &mut self.identity
            && bearer.token == record.token
            && bearer.status.is_live()
        {
            *bearer = QueueBearer::of(record);
        }
        if self.carried.is_some_and(|c| c.concert == record.concert && c.entry <= record.entry) {
            self.carry(place);
        }
    }
}

/// The output for a view that the admission gate hides.
fn shown(id: Option<RequestId>, concert: ConcertId, view: View) -> Output {
    match view {
        View::Schedules => {
            let outcome = Ok(Outcome::Schedules(concert));
            Output::Answer { id, method: Some(Method::Schedules), outcome }
        }
        View::Seats(schedule) => Output::Watch { id, schedule, begun: false },
    }
}

fn answer(id: RequestId, method: Method, outcome: Result<Outcome, ErrorObject>) -> Output {
    Output::Answer { id: Some(id), method: Some(method), outcome }
}

fn millis_up(wait: Duration) -> u64 {
    wait.as_micros().div_ceil(1000) as u64
}

#[cfg(test)]
mod tests;
