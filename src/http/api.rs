//! The calls of fans below `/api/v1`.

use std::net::IpAddr;

use frontrow_protocol::call::Call;
use frontrow_protocol::http::{ChargeBody, GivenBack, Guest, GuestBody, ReservationBody};
use frontrow_protocol::request::{History, NoParams, QueueJoin, Release, ReservationRef, ScheduleRef};
use frontrow_protocol::result::ReservationStatus;
use frontrow_protocol::{ErrorObject, IdempotencyKey, Method, Request, parse_body};
use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use uuid::Uuid;

use super::Site;
use super::query::{Query, number};
use super::reply::{self, ApiResult, Body};
use crate::desk::identity::Identity;
use crate::desk::outcome::Outcome;
use crate::desk::request::{Local, Plan, Route, Task, View};
use crate::desk::visitor::Audience;
use crate::desk::{Context, admission, replies, translate};
use crate::domain::command::Caller;
use crate::domain::ids::{ConcertId, ScheduleId, UserId};
use crate::limits;
use crate::metrics::Metrics;
use crate::store::NewUser;

/// One request, taken apart.
struct Incoming<'a> {
    site: &'a Site,
    context: &'a Context,
    client: IpAddr,
    identity: Option<Result<Identity, ErrorObject>>,
    query: Query<'a>,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

/// `identity` is whose the token is that came with it.
#[allow(clippy::too_many_arguments, reason = "a request taken apart")]
pub async fn answer(
    site: &Site,
    client: IpAddr,
    identity: Option<Result<Identity, ErrorObject>>,
    call: Call,
    argument: &str,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Response<Body> {
    let context = &*site.context;
    let incoming =
        Incoming { site, context, client, identity, query: Query(query.unwrap_or("")), headers, body };
    reply::counted(context, call, incoming.answer(call, argument).await)
}

impl Incoming<'_> {
    /// `argument` is what the path names, where it names something.
    async fn answer(&self, call: Call, argument: &str) -> ApiResult {
        match call {
            Call::MakeGuest => self.make_guest().await,
            Call::Concerts => self.respond(StatusCode::OK, Outcome::Concerts),
            Call::Concert => self.concert(argument).await,
            Call::Join => self.join().await,
            Call::Place => self.place().await,
            Call::Leave => self.leave().await,
            Call::Schedules => self.schedules().await,
            Call::Layout => self.layout(argument).await,
            Call::Seats => self.seats(argument).await,
            Call::Hold => self.hold().await,
            Call::Reservations => self.reservations().await,
            Call::Release => self.release(argument).await,
            Call::Balance => self.balance().await,
            Call::Charge => self.charge().await,
            Call::History => self.history().await,
            Call::Pay => self.pay().await,
            Call::Tickets => self.tickets().await,
            // Operators' calls and those about the server are answered elsewhere.
            Call::Sales
            | Call::ChangeSale
            | Call::KeptFigures
            | Call::Report
            | Call::HouseLayout
            | Call::HouseSeats
            | Call::RestrictSeats
            | Call::HouseConcert
            | Call::SoldOrders
            | Call::ChangeConcert
            | Call::ChangeSchedule
            | Call::Drafts
            | Call::AddDraft
            | Call::Draft
            | Call::ChangeDraft
            | Call::DropDraft
            | Call::UploadPlan
            | Call::GeneratePlan
            | Call::DraftLayout
            | Call::DraftPage
            | Call::Announce
            | Call::UploadImage
            | Call::Postpone
            | Call::CallOff
            | Call::CallOffConcert
            | Call::Refunds
            | Call::FindOrders
            | Call::OrderLife
            | Call::ExportOrders
            | Call::ExportAttendees
            | Call::ExportCodes
            | Call::ExportLedger
            | Call::Rehearsal
            | Call::BeginRehearsal
            | Call::EndRehearsal
            | Call::RehearsalPage
            | Call::AddSchedule
            | Call::ArchiveConcert
            | Call::RefundOrder
            | Call::SellSeats
            | Call::MoveSeat
            | Call::SaleReadiness
            | Call::Alarms
            | Call::SeeAlarm
            | Call::EndAlarm
            | Call::Webhooks
            | Call::AddWebhook
            | Call::StopWebhook
            | Call::RotateWebhook
            | Call::TestWebhook
            | Call::Deliveries
            | Call::Resend
            | Call::SignIn
            | Call::SignInChallenge
            | Call::Passkeys
            | Call::PasskeyChallenge
            | Call::AddPasskey
            | Call::RemovePasskey
            | Call::OwnSession
            | Call::SignOut
            | Call::Operators
            | Call::AddOperator
            | Call::ChangeOperator
            | Call::MakeLink
            | Call::Sessions
            | Call::EndSession
            | Call::Log
            | Call::Health
            | Call::Readiness
            | Call::Metrics
            | Call::OpenApi
            | Call::AsyncApi
            | Call::Websocket => Err(ErrorObject::unknown_method(call.path())),
        }
    }

    async fn make_guest(&self) -> ApiResult {
        self.query.only(&[])?;
        if !self.context.guests {
            return Err(ErrorObject::forbidden("guests cannot sign in here"));
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

    async fn join(&self) -> ApiResult {
        let identity = self.identity(Method::QueueJoin)?;
        let join: QueueJoin = parse_body(self.body)?;
        self.serve(&identity, Request::QueueJoin(join)).await
    }

    async fn place(&self) -> ApiResult {
        let named = self.concert_named()?;
        let identity = self.bearer()?;
        // The bearer of a token that has ended gets its own visit.
        if let Some(ended) = identity.queue.filter(|bearer| !bearer.status.is_live())
            && named.is_some_and(|named| named != ended.concert)
        {
            return Err(ended.refusal());
        }
        self.serve(&identity, Request::QueueGet(NoParams {})).await
    }

    async fn leave(&self) -> ApiResult {
        self.concert_named()?;
        self.serve(&self.bearer()?, Request::QueueLeave(NoParams {})).await
    }

    async fn schedules(&self) -> ApiResult {
        self.concert_named()?;
        self.serve(&self.bearer()?, Request::Schedules(NoParams {})).await
    }

    async fn concert(&self, id: &str) -> ApiResult {
        self.query.only(&[])?;
        let concert = ConcertId(number(id, "concert_id")?);
        Ok(self.site.pages.of(self.context, concert)?.document.response(self.headers, "no-cache"))
    }

    async fn layout(&self, id: &str) -> ApiResult {
        self.query.only(&[])?;
        let schedule = schedule_id(id)?;
        let view = self.context.sale_of_schedule(schedule)?;
        let topic = view.topic(schedule).ok_or_else(ErrorObject::schedule_not_found)?;
        let layout = self.site.layouts.of(view, topic).await.ok_or_else(ErrorObject::internal)?;
        Ok(layout.response(self.headers, "no-cache"))
    }

    async fn seats(&self, id: &str) -> ApiResult {
        let schedule_id = schedule_id(id)?.0;
        self.query.only(&["concert_id"])?;
        self.serve(&self.bearer()?, Request::SeatsWatch(ScheduleRef { schedule_id })).await
    }

    async fn hold(&self) -> ApiResult {
        let identity = self.identity(Method::Hold)?;
        let request = parse_body::<ReservationBody>(self.body)?.into_request(self.idempotency_key()?)?;
        self.serve(&identity, request).await
    }

    async fn reservations(&self) -> ApiResult {
        self.query.only(&["concert_id"])?;
        self.serve(&self.bearer()?, Request::Reservations(NoParams {})).await
    }

    /// An unpaid one is released, a paid one cancelled.
    async fn release(&self, id: &str) -> ApiResult {
        let identity = self.identity(Method::Release)?;
        let reservation_id = uuid(id)?;
        let release = Request::Release(Release { reservation_id, seats: None });
        match self.outcome(&identity, release).await {
            Ok(Outcome::Reservation(released)) => {
                let given = GivenBack::Released(translate::reservation(&self.context.fanout, &released));
                Ok(reply::json(StatusCode::OK, &given))
            }
            Ok(_) => Err(ErrorObject::internal()),
            Err(error) if error.data.status == Some(ReservationStatus::Reserved.into()) => {
                self.serve(&identity, Request::Cancel(ReservationRef { reservation_id })).await
            }
            Err(error) => Err(error),
        }
    }

    async fn balance(&self) -> ApiResult {
        self.query.only(&["concert_id"])?;
        self.serve(&self.bearer()?, Request::Balance(NoParams {})).await
    }

    async fn charge(&self) -> ApiResult {
        let identity = self.identity(Method::Charge)?;
        let body: ChargeBody = parse_body(self.body)?;
        self.serve(&identity, body.into_request(self.idempotency_key()?)?).await
    }

    async fn history(&self) -> ApiResult {
        let identity = self.identity(Method::History)?;
        self.query.only(&["before", "limit", "concert_id"])?;
        let page = History::from_query(self.query.get("before"), self.query.get("limit"))?;
        self.serve(&identity, Request::History(page)).await
    }

    async fn pay(&self) -> ApiResult {
        let identity = self.identity(Method::Pay)?;
        let of: ReservationRef = parse_body(self.body)?;
        self.serve(&identity, Request::Pay(of)).await
    }

    async fn tickets(&self) -> ApiResult {
        self.query.only(&["concert_id"])?;
        self.serve(&self.bearer()?, Request::Tickets(NoParams {})).await
    }

    // The caller.

    /// The caller, if they may ask for this: who may not is refused whatever the rest of the request says.
    fn identity(&self, method: Method) -> Result<Identity, ErrorObject> {
        let identity = self.bearer()?;
        identity.may_request(method, self.context.clock.utc())?;
        Ok(identity)
    }

    fn bearer(&self) -> Result<Identity, ErrorObject> {
        self.identity.clone().unwrap_or_else(|| {
            Err(ErrorObject::unauthenticated("an `Authorization: Bearer` header is needed"))
        })
    }

    /// The sale that the query names.
    fn concert_named(&self) -> Result<Option<ConcertId>, ErrorObject> {
        self.query.only(&["concert_id"])?;
        self.query.get("concert_id").map(|id| number(id, "concert_id").map(ConcertId)).transpose()
    }

    /// The sale that the caller stands in line for: the one that is named, that of their queue token, or the only one
    /// that they are in.
    async fn own_sale(&self, identity: &Identity, user: UserId) -> Result<ConcertId, ErrorObject> {
        if let Some(concert) = self.concert_named()?.or(identity.queue.map(|bearer| bearer.concert)) {
            return Ok(concert);
        }
        let tokens = self.context.tokens_of(user).await?;
        let mut live = tokens.iter().filter(|token| token.status.is_live());
        match (live.next(), live.next()) {
            (Some(only), None) => Ok(only.concert),
            (Some(_), Some(_)) => Err(ErrorObject::invalid_params(
                Some("concert_id"),
                "this user is in several sales: name one with `?concert_id=`",
            )),
            (None, _) => tokens.first().map(|last| last.concert).ok_or_else(ErrorObject::not_in_queue),
        }
    }

    // Requests, and their answers.

    /// The answer to a request.
    async fn serve(&self, identity: &Identity, request: Request) -> ApiResult {
        let made = matches!(request.method(), Method::Hold | Method::HoldBest | Method::Pay);
        let outcome = self.outcome(identity, request).await?;
        let status = match outcome {
            Outcome::Place { created: true, .. } => StatusCode::CREATED,
            _ if made => StatusCode::CREATED,
            _ => StatusCode::OK,
        };
        self.respond(status, outcome)
    }

    /// The outcome of a request, by the plan that it has at both doors.
    async fn outcome(&self, identity: &Identity, request: Request) -> Result<Outcome, ErrorObject> {
        let (context, method) = (self.context, request.method());
        let plan = context.plan(Audience::Everybody, request);
        let plan = plan.allowed(method, identity.queue.as_ref(), context.clock.utc())?;
        let user = identity.user()?;
        let is_activity = plan.is_activity_elsewhere();
        // It counts in the user's sale; without a queue token in every one that they are in here.
        let of_token = identity.queue.map(|bearer| bearer.concert);
        // A look at how a visit ended does nothing in the next one.
        let has_ended = identity.queue.is_some_and(|bearer| !bearer.status.is_live());
        let touch = |concert| {
            if is_activity && !has_ended {
                context.touch(user, concert);
            }
        };
        match plan {
            Plan::Local(Local::Concerts) => Ok(Outcome::Concerts),
            Plan::Local(Local::Ping) => Ok(Outcome::Pong),
            // They are about a connection that lasts.
            Plan::Local(Local::Hello(_) | Local::Unwatch(_)) | Plan::Ops(_) => {
                Err(ErrorObject::unknown_method(method.as_str()))
            }
            Plan::Read(reading) => {
                touch(of_token);
                let only = identity.queue.and_then(|bearer| bearer.lists_only());
                context.read_of(user, only, reading).await
            }
            Plan::Charge { amount, request_id } => {
                touch(of_token);
                replies::outcome(method, context.charge(user, amount, &request_id).await)
            }
            Plan::ToSale { route, task } => {
                let concert = match route {
                    Route::Own => self.own_sale(identity, user).await?,
                    Route::Sale(concert) => concert,
                    Route::Nowhere(error) => return Err(*error),
                };
                let token = identity.queue.filter(|bearer| bearer.concert == concert).map(|of| of.token);
                let guest_of = context.guest_of(identity, self.client);
                let caller = Caller { user, token, guest_of };
                match task {
                    Task::View(view) => {
                        touch(Some(concert));
                        let reply = context.submit_and_wait(concert, admission::question(caller)).await;
                        admission::opens(method, reply)?;
                        self.shown(concert, view)
                    }
                    Task::Command(command) => {
                        let command = command.given_by(caller, None);
                        replies::outcome(method, context.submit_and_wait_as(guest_of, concert, command).await)
                    }
                }
            }
        }
    }

    /// The view that the admission gate hides. A poll that finds nothing says so by its status.
    fn shown(&self, concert: ConcertId, view: View) -> Result<Outcome, ErrorObject> {
        match view {
            View::Schedules => {
                let sale = self.context.fanout.sale(concert).ok_or_else(ErrorObject::concert_not_found)?;
                if sale.played(self.context.clock.utc()).is_empty() {
                    return Err(ErrorObject::no_schedules_available());
                }
                Ok(Outcome::Schedules(concert))
            }
            View::Seats(schedule) => {
                let sale = self.context.sale_of_schedule(schedule)?;
                let topic = sale
                    .topic_on_sale(schedule, self.context.clock.utc())
                    .ok_or_else(ErrorObject::schedule_not_found)?;
                let seats = topic.snapshot();
                if seats.available == 0 {
                    return Err(ErrorObject::no_seats_available());
                }
                Ok(Outcome::Snapshot { schedule, seats })
            }
        }
    }

    fn respond(&self, status: StatusCode, outcome: Outcome) -> ApiResult {
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

fn schedule_id(text: &str) -> Result<ScheduleId, ErrorObject> {
    number(text, "schedule_id").map(ScheduleId)
}

fn uuid(text: &str) -> Result<Uuid, ErrorObject> {
    Uuid::try_parse(text)
        .map_err(|_| ErrorObject::invalid_params(Some("reservation_id"), "`reservation_id` is not a UUID"))
}
