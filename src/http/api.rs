//! The calls below `/api/v1`.

use std::net::IpAddr;

use frontrow_protocol::admin::{SalePatch, Sales};
use frontrow_protocol::http::{ChargeBody, GivenBack, Guest, GuestBody, ReservationBody};
use frontrow_protocol::request::{History, QueueJoin, ReservationRef};
use frontrow_protocol::{ErrorObject, IdempotencyKey, Method as Call, Request, parse_body};
use hyper::header::{self, HeaderMap};
use hyper::{Method, Response, StatusCode};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::Site;
use super::reply::{self, Body};
use crate::desk::Context;
use crate::desk::gate::QueueBearer;
use crate::desk::identity::Identity;
use crate::desk::outcome::Outcome;
use crate::desk::reads::{Found, Question};
use crate::desk::request::{Route, command, route};
use crate::desk::translate;
use crate::dispatcher::{Refusal, Reply, ReplyTo};
use crate::domain::command::{Answer, Caller, Command, Rejection};
use crate::domain::ids::{ConcertId, HistoryId, ReservationId, ScheduleId, UserId};
use crate::domain::record::{ReservationStatus, TokenStatus};
use crate::limits;
use crate::metrics::Metrics;
use crate::store::NewUser;

/// One request, taken apart.
struct Asked<'a> {
    site: &'a Site,
    context: &'a Context,
    client: IpAddr,
    identity: Option<Result<Identity, ErrorObject>>,
    query: Query<'a>,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

/// The methods that a path is there for, below the prefix; `None`: there is no such path.
pub fn allowed(path: &[&str]) -> Option<&'static str> {
    Some(match path {
        ["users"] | ["queue", "tokens"] | ["balance", "charges"] | ["payments"] => "POST",
        ["concerts"] | ["schedules"] | ["balance"] | ["balance", "history"] | ["tickets"] => "GET, HEAD",
        ["schedules", _, "layout" | "seats"] | ["admin", "sales"] => "GET, HEAD",
        ["queue", "tokens", "current"] => "GET, HEAD, DELETE",
        ["reservations"] => "GET, HEAD, POST",
        ["reservations", _] => "DELETE",
        ["admin", "sales", _] => "PATCH",
        _ => return None,
    })
}

/// `identity` is whose the token is that came with it.
#[allow(clippy::too_many_arguments, reason = "a request taken apart")]
pub async fn answer(
    site: &Site,
    client: IpAddr,
    identity: Option<Result<Identity, ErrorObject>>,
    method: &Method,
    path: &str,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Response<Body> {
    let context = &*site.context;
    let asked = Asked { site, context, client, identity, query: Query(query.unwrap_or("")), headers, body };
    let segments: Vec<&str> = path.split('/').collect();
    let (name, answered) = asked.answer(method, &segments).await;
    match answered {
        Ok(response) => {
            context.metrics.request(name, "ok");
            response
        }
        Err(error) => {
            context.metrics.request(name, error.reason().as_str());
            reply::refused(error)
        }
    }
}

type Answered = Result<Response<Body>, ErrorObject>;

/// Where a caller stands.
enum Standing {
    /// In this sale, by their newest token there.
    Line(ConcertId, Caller),
    /// Nowhere: the token that they are known by has ended.
    Ended(QueueBearer),
}

impl Standing {
    fn in_line(self) -> Result<(ConcertId, Caller), ErrorObject> {
        match self {
            Self::Line(concert, caller) => Ok((concert, caller)),
            Self::Ended(bearer) => Err(bearer.refusal()),
        }
    }
}

impl Asked<'_> {
    /// With the name that metrics know the call by: that of the websocket's method where there is one.
    async fn answer(&self, method: &Method, path: &[&str]) -> (&'static str, Answered) {
        let (get, post, delete) = (method == Method::GET, method == Method::POST, method == Method::DELETE);
        match path {
            ["users"] if post => ("users", self.make_guest().await),
            ["concerts"] if get => (Call::Concerts.as_str(), self.told(StatusCode::OK, Outcome::Concerts)),
            ["queue", "tokens"] if post => (Call::QueueJoin.as_str(), self.join().await),
            ["queue", "tokens", "current"] if get => (Call::QueueGet.as_str(), self.place().await),
            ["queue", "tokens", "current"] if delete => (Call::QueueLeave.as_str(), self.leave().await),
            ["schedules"] if get => (Call::Schedules.as_str(), self.schedules().await),
            ["schedules", id, "layout"] if get => ("layout", self.layout(id).await),
            ["schedules", id, "seats"] if get => ("seats", self.seats(id).await),
            ["reservations"] if post => (Call::Hold.as_str(), self.hold().await),
            ["reservations"] if get => (Call::Reservations.as_str(), self.reservations().await),
            ["reservations", id] if delete => (Call::Release.as_str(), self.give_back(id).await),
            ["balance"] if get => (Call::Balance.as_str(), self.balance().await),
            ["balance", "charges"] if post => (Call::Charge.as_str(), self.charge().await),
            ["balance", "history"] if get => (Call::History.as_str(), self.history().await),
            ["payments"] if post => (Call::Pay.as_str(), self.pay().await),
            ["tickets"] if get => (Call::Tickets.as_str(), self.tickets().await),
            ["admin", "sales"] if get => ("admin.sales", self.sales().await),
            ["admin", "sales", id] if method == Method::PATCH => ("admin.sale", self.change_sale(id).await),
            _ => ("unknown", Err(ErrorObject::unknown_method(&path.join("/")))),
        }
    }

    async fn make_guest(&self) -> Answered {
        self.query.only(&[])?;
        if !self.context.guests {
            return Err(ErrorObject::forbidden("guests are not let in here"));
        }
        let GuestBody { name } = parse_body(self.body)?;
        if let Err(too_many) = self.context.addresses.make_guest(self.client) {
            Metrics::count(&self.context.metrics.refused, too_many.limit.as_str());
            return Err(too_many.error());
        }
        let now = self.context.clock.utc();
        let new = NewUser { name: name.trim().to_owned(), balance: 0, guest: true, at: now };
        let user = self.context.change(self.context.store.add_user(new)).await?;
        let access_token = self.context.auth.mint_user(user, now, limits::GUEST_TOKEN_TTL);
        Ok(reply::json(StatusCode::CREATED, &Guest { user_id: user.0, access_token }))
    }

    async fn join(&self) -> Answered {
        let identity = self.identity(Call::QueueJoin).await?;
        let user = identity.user()?;
        let QueueJoin { concert_id } = parse_body(self.body)?;
        let concert = ConcertId(concert_id);
        if let Some(bearer) = identity.queue {
            bearer.may_join(concert)?;
        }
        let guest_of = self.context.guest_of(&identity, self.client);
        let joined = self.context.ask_as(guest_of, concert, Command::Join { user, connection: None }).await;
        match joined.map_err(|refusal| translate::refusal(&refusal))? {
            Answer::Queue { place, created } => {
                let status = if created { StatusCode::CREATED } else { StatusCode::OK };
                self.told(status, Outcome::Place { place, created })
            }
            _ => Err(ErrorObject::internal()),
        }
    }

    async fn place(&self) -> Answered {
        match self.standing(Call::QueueGet).await? {
            Standing::Line(concert, caller) => {
                self.tell(StatusCode::OK, self.ask(concert, Command::Get { caller, polled: true }).await?)
            }
            Standing::Ended(bearer) => {
                let resume = Command::Resume { token: bearer.token, connection: None };
                match self.ask(bearer.concert, resume).await? {
                    Answer::Resumed { place, .. } => {
                        self.told(StatusCode::OK, Outcome::Place { place, created: false })
                    }
                    _ => Err(ErrorObject::internal()),
                }
            }
        }
    }

    async fn leave(&self) -> Answered {
        let (concert, caller) = self.standing(Call::QueueLeave).await?.in_line()?;
        self.tell(StatusCode::OK, self.ask(concert, Command::Leave { caller }).await?)
    }

    async fn schedules(&self) -> Answered {
        let (concert, caller) = self.standing(Call::Schedules).await?.in_line()?;
        self.admitted(concert, caller).await?;
        let view = self.context.fanout.sale(concert).ok_or_else(ErrorObject::concert_not_found)?;
        if view.listing(self.context.clock.utc()).is_empty() {
            return Err(ErrorObject::no_schedules_available());
        }
        self.told(StatusCode::OK, Outcome::Schedules(concert))
    }

    async fn layout(&self, id: &str) -> Answered {
        self.query.only(&[])?;
        let schedule = schedule_id(id)?;
        let view = self.context.sale_of_schedule(schedule)?;
        let topic = view.topic(schedule).ok_or_else(ErrorObject::schedule_not_found)?;
        let layout = self.site.layouts.of(view, topic).await.ok_or_else(ErrorObject::internal)?;
        Ok(layout.response(self.headers, "public, max-age=86400, stale-while-revalidate=604800"))
    }

    async fn seats(&self, id: &str) -> Answered {
        let schedule = schedule_id(id)?;
        let identity = self.identity(Call::SeatsWatch).await?;
        self.query.only(&["concert_id"])?;
        let view = self.context.sale_of_schedule(schedule)?;
        let topic = view.topic(schedule).ok_or_else(ErrorObject::schedule_not_found)?;
        let concert = topic.concert();
        self.admitted(concert, self.caller_in(&identity, concert)?).await?;
        let seats = topic.snapshot();
        if seats.available == 0 {
            return Err(ErrorObject::no_seats_available());
        }
        self.told(StatusCode::OK, Outcome::Snapshot { schedule, seats })
    }

    async fn hold(&self) -> Answered {
        let identity = self.identity(Call::Hold).await?;
        let request = parse_body::<ReservationBody>(self.body)?.into_request(self.idempotency_key()?)?;
        self.tell(StatusCode::CREATED, self.routed(&identity, &request).await?)
    }

    async fn reservations(&self) -> Answered {
        let (user, only) = self.active_user(Call::Reservations).await?;
        self.found(Question::Reservations { user, only }).await
    }

    /// An unpaid one is released, a paid one cancelled.
    async fn give_back(&self, id: &str) -> Answered {
        let identity = self.identity(Call::Release).await?;
        let reservation = ReservationId(uuid(id)?);
        let concert = reservation.concert().ok_or_else(ErrorObject::reservation_not_found)?;
        let caller = self.caller_in(&identity, concert)?;
        let release = Command::Release { caller, reservation, seats: None };
        let fanout = &self.context.fanout;
        let paid = Refusal::Rejected(Rejection::ReservationInvalid { status: ReservationStatus::Reserved });
        match self.context.ask(concert, release).await {
            Err(refusal) if refusal == paid => {}
            reply => match self.of_reservation(reply)? {
                Answer::Reservation(released) => {
                    let given = GivenBack::Released(translate::reservation(fanout, &released));
                    return Ok(reply::json(StatusCode::OK, &given));
                }
                _ => return Err(ErrorObject::internal()),
            },
        }
        let cancelled = self.context.ask(concert, Command::Cancel { caller, reservation }).await;
        self.tell(StatusCode::OK, self.of_reservation(cancelled)?)
    }

    async fn balance(&self) -> Answered {
        let (user, _) = self.active_user(Call::Balance).await?;
        self.found(Question::Balance(user)).await
    }

    async fn charge(&self) -> Answered {
        let identity = self.identity(Call::Charge).await?;
        let user = identity.user()?;
        let body: ChargeBody = parse_body(self.body)?;
        let Request::Charge(charge) = body.into_request(self.idempotency_key()?)? else {
            return Err(ErrorObject::internal());
        };
        self.touch(&identity, user);
        let (sender, reply) = oneshot::channel();
        self.context
            .dispatcher
            .charge(user, charge.amount, charge.request_id.as_str(), ReplyTo::Once(sender))
            .map_err(|refusal| translate::refusal(&refusal))?;
        let reply = reply.await.unwrap_or(Err(Refusal::OutcomeUnknown));
        self.tell(StatusCode::OK, reply.map_err(|refusal| translate::refusal(&refusal))?)
    }

    async fn history(&self) -> Answered {
        let identity = self.identity(Call::History).await?;
        let user = identity.user()?;
        self.query.only(&["before", "limit", "concert_id"])?;
        let History { before, limit } =
            History::from_query(self.query.get("before"), self.query.get("limit"))?;
        self.touch(&identity, user);
        self.found(Question::History { user, before: before.map(HistoryId), limit }).await
    }

    async fn pay(&self) -> Answered {
        let identity = self.identity(Call::Pay).await?;
        let of: ReservationRef = parse_body(self.body)?;
        self.tell(StatusCode::CREATED, self.routed(&identity, &Request::Pay(of)).await?)
    }

    async fn tickets(&self) -> Answered {
        let (user, only) = self.active_user(Call::Tickets).await?;
        self.found(Question::Tickets { user, only }).await
    }

    async fn sales(&self) -> Answered {
        self.operator().await?;
        let mut sales = Vec::new();
        for view in self.context.fanout.sales() {
            if let Answer::Figures(figures) = self.ask(view.concert().id, Command::Figures).await? {
                sales.push(translate::figures(&view.concert().title, &figures));
            }
        }
        Ok(reply::json(StatusCode::OK, &Sales { sales }))
    }

    async fn change_sale(&self, id: &str) -> Answered {
        self.operator().await?;
        let concert = ConcertId(number(id, "concert_id")?);
        let patch: SalePatch = parse_body(self.body)?;
        let view = self.context.fanout.sale(concert).ok_or_else(ErrorObject::concert_not_found)?;
        match self.ask(concert, Command::Configure(translate::sale_patch(patch))).await? {
            Answer::Figures(figures) => {
                Ok(reply::json(StatusCode::OK, &translate::figures(&view.concert().title, &figures)))
            }
            _ => Err(ErrorObject::internal()),
        }
    }

    // Who asks.

    /// Who asks for this, if they may.
    async fn identity(&self, call: Call) -> Result<Identity, ErrorObject> {
        let identity = self.bearer()?;
        identity.may_ask(call, self.context.clock.utc())?;
        Ok(identity)
    }

    fn bearer(&self) -> Result<Identity, ErrorObject> {
        self.identity.clone().unwrap_or_else(|| {
            Err(ErrorObject::unauthenticated("an `Authorization: Bearer` header is needed"))
        })
    }

    async fn operator(&self) -> Result<(), ErrorObject> {
        self.query.only(&[])?;
        match self.bearer()?.operator {
            true => Ok(()),
            false => Err(ErrorObject::forbidden("only operators may do this")),
        }
    }

    /// The user of a request that no sale has a part in, and the one sale that they may hear of, if it is one.
    async fn active_user(&self, call: Call) -> Result<(UserId, Option<ConcertId>), ErrorObject> {
        self.query.only(&["concert_id"])?;
        let identity = self.identity(call).await?;
        let user = identity.user()?;
        self.touch(&identity, user);
        Ok((user, identity.queue.and_then(|bearer| bearer.lists_only())))
    }

    /// Counts as activity in the user's sale; without a queue token in every one that they are in here.
    fn touch(&self, identity: &Identity, user: UserId) {
        match identity.queue {
            // Whoever looks how a visit ended does nothing in the next one.
            Some(bearer) if !bearer.status.is_live() => {}
            bearer => self.context.touch(user, bearer.map(|bearer| bearer.concert)),
        }
    }

    /// The sale that the caller stands in line for.
    async fn standing(&self, call: Call) -> Result<Standing, ErrorObject> {
        self.query.only(&["concert_id"])?;
        let identity = self.identity(call).await?;
        let user = identity.user()?;
        let named = match self.query.get("concert_id") {
            Some(id) => Some(ConcertId(number(id, "concert_id")?)),
            None => None,
        };
        if let Some(bearer) = identity.queue.filter(|bearer| !bearer.status.is_live()) {
            return match named.is_none_or(|named| named == bearer.concert) {
                true => Ok(Standing::Ended(bearer)),
                false => Err(bearer.refusal()),
            };
        }
        if let Some(concert) = named {
            return Ok(Standing::Line(concert, self.caller_in(&identity, concert)?));
        }
        if let Some(bearer) = identity.queue {
            return Ok(Standing::Line(bearer.concert, self.caller_in(&identity, bearer.concert)?));
        }
        let tokens = self.context.tokens_of(user).await?;
        let guest_of = self.context.guest_of(&identity, self.client);
        let caller = Caller { user, token: None, guest_of };
        let mut live = tokens.iter().filter(|token| token.status.is_live());
        match (live.next(), live.next()) {
            (Some(only), None) => Ok(Standing::Line(only.concert, caller)),
            (Some(_), Some(_)) => Err(ErrorObject::invalid_params(
                Some("concert_id"),
                "this user is in several sales: name one with `?concert_id=`",
            )),
            (None, _) => match tokens.first() {
                Some(last) => Ok(Standing::Line(last.concert, caller)),
                None => Err(ErrorObject::not_in_queue()),
            },
        }
    }

    fn caller_in(&self, identity: &Identity, concert: ConcertId) -> Result<Caller, ErrorObject> {
        let token = identity.queue.filter(|bearer| bearer.concert == concert).map(|bearer| bearer.token);
        let guest_of = self.context.guest_of(identity, self.client);
        Ok(Caller { user: identity.user()?, token, guest_of })
    }

    /// Counts as activity; refused unless the caller's token is in PROGRESS.
    async fn admitted(&self, concert: ConcertId, caller: Caller) -> Result<(), ErrorObject> {
        self.context.dispatcher.touch(concert, caller.user);
        match self.ask(concert, Command::Get { caller, polled: false }).await? {
            Answer::Queue { place, .. } if place.record.status == TokenStatus::Progress => Ok(()),
            Answer::Queue { place, .. } => {
                Err(ErrorObject::not_admitted(translate::queue_status(place.record.status)))
            }
            _ => Err(ErrorObject::internal()),
        }
    }

    // What is asked, and what is told.

    async fn ask(&self, concert: ConcertId, command: Command) -> Result<Answer, ErrorObject> {
        let reply = self.context.ask(concert, command).await;
        reply.map_err(|refusal| translate::refusal(&refusal))
    }

    /// A request that finds its sale by itself.
    async fn routed(&self, identity: &Identity, request: &Request) -> Result<Answer, ErrorObject> {
        let concert = match route(request) {
            Some(Route::Schedule(schedule)) => self.context.sale_of_schedule(schedule)?.concert().id,
            Some(Route::Reservation(concert)) => concert.ok_or_else(ErrorObject::reservation_not_found)?,
            Some(Route::Carried) | None => return Err(ErrorObject::internal()),
        };
        let caller = self.caller_in(identity, concert)?;
        let command = command(request, caller, false).ok_or_else(ErrorObject::internal)?;
        let reply = self.context.ask(concert, command).await;
        match request {
            Request::Pay(_) => self.of_reservation(reply),
            _ => reply.map_err(|refusal| translate::refusal(&refusal)),
        }
    }

    fn of_reservation(&self, reply: Reply) -> Result<Answer, ErrorObject> {
        reply.map_err(|refusal| translate::refusal_of_reservation(&refusal))
    }

    /// What the store knows.
    async fn found(&self, question: Question) -> Answered {
        match self.context.find(question).await? {
            Found::Outcome(outcome) => self.told(StatusCode::OK, *outcome),
            Found::User { .. } | Found::Owner { .. } | Found::Sale(_) => Err(ErrorObject::internal()),
        }
    }

    fn tell(&self, status: StatusCode, answer: Answer) -> Answered {
        let outcome = Outcome::of(answer).ok_or_else(ErrorObject::internal)?;
        self.told(status, outcome)
    }

    fn told(&self, status: StatusCode, outcome: Outcome) -> Answered {
        let text = translate::result(&self.context.fanout, self.context.clock.utc(), &outcome)?;
        Ok(reply::json_text(status, text))
    }

    fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, ErrorObject> {
        let Some(header) = self.headers.get("idempotency-key") else { return Ok(None) };
        let text = header.to_str().map_err(|_| {
            ErrorObject::invalid_params(Some("Idempotency-Key"), "the header must be visible ASCII")
        })?;
        IdempotencyKey::try_from(text).map(Some).map_err(ErrorObject::invalid_idempotency_key)
    }
}

/// The token of `Bearer TOKEN`; the scheme's name is written as one likes.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn schedule_id(text: &str) -> Result<ScheduleId, ErrorObject> {
    number(text, "schedule_id").map(ScheduleId)
}

fn number<T: std::str::FromStr>(text: &str, name: &str) -> Result<T, ErrorObject> {
    text.parse()
        .map_err(|_| ErrorObject::invalid_params(Some(name), &format!("`{name}` is not a whole number")))
}

fn uuid(text: &str) -> Result<Uuid, ErrorObject> {
    Uuid::try_parse(text)
        .map_err(|_| ErrorObject::invalid_params(Some("reservation_id"), "`reservation_id` is not a UUID"))
}

/// `a=1&b=2`. No value of ours needs escaping.
struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.0.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.pairs().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Refuses names that mean nothing here, for a misspelt one would be overlooked, and those that are there twice.
    fn only(&self, names: &[&str]) -> Result<(), ErrorObject> {
        for (at, (name, _)) in self.pairs().enumerate() {
            let problem = if !names.contains(&name) {
                format!("unknown query parameter `{name}`")
            } else if self.pairs().take(at).any(|(before, _)| before == name) {
                format!("the query parameter `{name}` is there twice")
            } else {
                continue;
            };
            return Err(ErrorObject::invalid_params(Some(name), &problem));
        }
        Ok(())
    }
}
