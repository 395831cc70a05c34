//! The HTTP door as an OpenAPI 3.1 document, made from the types, the table of paths and what is said of each call below.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::about::ConcertPage;
use crate::admin::{SaleFigures, SalePatch, Sales};
use crate::call::Call;
use crate::error::Reason;
use crate::http::{ChargeBody, GivenBack, Guest, GuestBody, Health, PROBLEM_JSON, Problem, ReservationBody};
use crate::layout::Layout;
use crate::limits::{
    ALARMS_PAST_DEFAULT, ALARMS_PAST_MAX, DELIVERIES_DEFAULT, DELIVERIES_MAX, HISTORY_ENTRIES_DEFAULT,
    HISTORY_ENTRIES_MAX, IDEMPOTENCY_KEY_CHARS_MAX, LOG_ENTRIES_DEFAULT, LOG_ENTRIES_MAX, ORDERS_FOUND_MAX,
    USER_NAME_CHARS_MAX,
};
use crate::ops::alarms;
use crate::ops::box_office;
use crate::ops::concert::{ConcertInfo, ConcertPatch};
use crate::ops::figures::KeptFigures;
use crate::ops::house;
use crate::ops::life;
use crate::ops::making;
use crate::ops::order_life;
use crate::ops::orders;
use crate::ops::ready;
use crate::ops::rehearsal;
use crate::ops::schedule::{NewSchedule, ScheduleInfo, SchedulePatch};
use crate::ops::seats::{RestrictSeats, RestrictedSeats};
use crate::ops::{passkeys, webhooks, who};
use crate::request::{QueueJoin, ReservationRef};
use crate::result::{
    Balance, Charged, Concerts, History, Paid, QueueUpdate, Reservation, Reservations, Schedules, Snapshot,
    Tickets,
};
use crate::schema::Schemas;

/// The document: every path, every status it may answer with, and the reasons behind each refusal.
pub fn document() -> Value {
    let mut schemas = Schemas::new(SchemaSettings::draft2020_12());
    let problem = schemas.sent_by_server::<Problem>();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for &call in Call::ALL {
        let described = described(call, &mut schemas).describe(call, &problem);
        paths.entry(call.path()).or_default().insert(call.verb().as_str().to_owned(), described);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Frontrow",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Sells the seats of a concert: the second door, for clients that poll. The first is the \
                websocket at /ws, described at /asyncapi.json. The same rules hold behind both. An unknown field in a \
                request is refused; one in an answer is to be ignored. Requests are counted for the user whose token they \
                carry, and without one for the address they come from: 429 says when to come back. An `X-Request-Id` of at \
                most 128 plain characters comes back in the answer. 405 and `OPTIONS` say in `Allow` what a path allows.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"}
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "users"}, {"name": "concerts"}, {"name": "queue"}, {"name": "seats"}, {"name": "reservations"},
            {"name": "wallet"}, {"name": "operators"}, {"name": "server"}
        ],
        "paths": paths,
        "components": {
            "schemas": schemas.into_components(),
            "securitySchemes": {
                "accessToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Names a user: `sub` is the user's id at its issuer, `exp` is required."
                },
                "queueToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Given by joining. Acts as its user in everything but joining another sale."
                },
                "operatorSession": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Given by signing in. `x-roles` says of each call which roles may make it."
                },
                "operatorToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A JWT with `\"role\":\"operator\"`, or one of an issuer whose operators count, with a role. \
                        `x-roles` says of each call which roles may make it."
                }
            }
        }
    })
}

/// The callers that are allowed.
#[derive(Clone, Copy, PartialEq)]
enum Access {
    Anybody,
    /// A fan, by access token or queue token.
    Fan,
    Operator,
}

/// All that is said of a call but its path and verb.
struct Description {
    tag: &'static str,
    summary: &'static str,
    access: Access,
    parameters: Vec<Value>,
    body: Option<Value>,
    /// What the body is, if it is no JSON.
    body_type: &'static str,
    answers: Vec<(u16, Value)>,
    reasons: Vec<Reason>,
}

impl Description {
    fn new(tag: &'static str, access: Access, summary: &'static str) -> Self {
        // `INVALID_PARAMS` also for what takes none: an unknown name in the query is refused. `INVALID_REQUEST` for what
        // does not name one host; `FORBIDDEN` for a page of an origin that is not allowed.
        let mut reasons = vec![
            Reason::InvalidRequest,
            Reason::InvalidParams,
            Reason::Forbidden,
            Reason::RateLimited,
            Reason::Overloaded,
            Reason::Unavailable,
            Reason::OutcomeUnknown,
            Reason::Internal,
        ];
        match access {
            Access::Anybody => {}
            // A queue token may have ended.
            Access::Fan => reasons.extend([
                Reason::Unauthenticated,
                Reason::UserNotFound,
                Reason::TokenExpired,
                Reason::TokenDone,
            ]),
            Access::Operator => reasons.extend([Reason::Unauthenticated, Reason::UserNotFound]),
        }
        let (parameters, answers) = (Vec::new(), Vec::new());
        let body_type = "application/json";
        Self { tag, summary, access, parameters, body: None, body_type, answers, reasons }
    }

    /// A call that touches no sale.
    fn of_server(summary: &'static str) -> Self {
        let mut described = Self::new("server", Access::Anybody, summary);
        described.reasons =
            vec![Reason::InvalidRequest, Reason::Forbidden, Reason::RateLimited, Reason::Overloaded];
        described
    }

    /// Compressed, and known by its `ETag`.
    fn cached(self, empty: &str) -> Self {
        self.header("ETag", "Names what this is, in this coding.")
            .header("Cache-Control", "For how long it may be kept.")
            .header("Vary", "`accept-encoding`: it is compressed for those who take that.")
            .parameter(json!({
                "name": "If-None-Match",
                "in": "header",
                "required": false,
                "description": "The `ETag` of what is there already.",
                "schema": {"type": "string"}
            }))
            .answer_empty(304, empty)
    }

    fn parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    fn body(mut self, schema: Value) -> Self {
        self.body = Some(schema);
        self.reasons.push(Reason::Parse);
        self
    }

    /// A body that is a file.
    fn file(mut self, media_type: &'static str) -> Self {
        self.body = Some(json!({"type": "string", "format": "binary"}));
        self.body_type = media_type;
        self
    }

    /// An answer in JSON.
    fn answer(self, status: u16, description: &str, schema: Value) -> Self {
        self.answer_as(status, description, "application/json", schema)
    }

    fn answer_as(mut self, status: u16, description: &str, media_type: &str, schema: Value) -> Self {
        let content = json!({media_type: {"schema": schema}});
        self.answers.push((status, json!({"description": description, "content": content})));
        self
    }

    fn answer_empty(mut self, status: u16, description: &str) -> Self {
        self.answers.push((status, json!({"description": description})));
        self
    }

    /// A header of the answer that was added last.
    fn header(mut self, name: &str, description: &str) -> Self {
        let (_, answer) = self.answers.last_mut().expect("an answer comes before its headers");
        answer["headers"][name] = json!({"description": description, "schema": {"type": "string"}});
        self
    }

    fn refuses(mut self, reasons: &[Reason]) -> Self {
        for reason in reasons {
            if !self.reasons.contains(reason) {
                self.reasons.push(*reason);
            }
        }
        self
    }

    /// Only an admitted fan may call it.
    fn needs_admission(self) -> Self {
        self.refuses(&[Reason::NotInQueue, Reason::Waiting, Reason::TokenExpired, Reason::TokenDone])
    }

    fn describe(self, call: Call, problem: &Value) -> Value {
        let mut responses = Map::new();
        for (status, answer) in self.answers {
            responses.insert(status.to_string(), answer);
        }
        let mut refusals: BTreeMap<u16, Vec<Reason>> = BTreeMap::new();
        for reason in self.reasons {
            let same_status = refusals.entry(reason.http_status()).or_default();
            if !same_status.contains(&reason) {
                same_status.push(reason);
            }
        }
        if self.body.is_some() {
            refusals.insert(408, vec![Reason::InvalidRequest]);
            refusals.insert(413, vec![Reason::InvalidRequest]);
        }
        for (status, reasons) in refusals {
            responses.insert(status.to_string(), refusal(status, &reasons, problem));
        }
        let mut description = json!({
            "operationId": operation_id(call),
            "tags": [self.tag],
            "summary": self.summary,
            "responses": responses,
            "security": match self.access {
                Access::Anybody => json!([]),
                Access::Fan => json!([{"accessToken": []}, {"queueToken": []}]),
                Access::Operator => json!([{"operatorSession": []}, {"operatorToken": []}]),
            }
        });
        if let Some(roles) = call.roles() {
            description["x-roles"] = json!(roles);
        }
        if !self.parameters.is_empty() {
            description["parameters"] = self.parameters.into();
        }
        if let Some(schema) = self.body {
            description["requestBody"] = json!({
                "required": true,
                "description": format!(
                    "At most {} bytes: more is refused before it is read. What `Content-Type` says is not \
                     looked at.",
                    call.body_max()
                ),
                "content": {self.body_type: {"schema": schema}}
            });
        }
        description
    }
}

fn refusal(status: u16, reasons: &[Reason], problem: &Value) -> Value {
    let names: Vec<_> = reasons.iter().map(|reason| format!("`{reason}`")).collect();
    let mut response = json!({
        "description": names.join(", "),
        "content": {PROBLEM_JSON: {"schema": problem}},
        "x-reasons": reasons
    });
    let header =
        |description: &str, schema: &str| json!({"description": description, "schema": {"type": schema}});
    match status {
        401 => response["headers"]["WWW-Authenticate"] = header("`Bearer`", "string"),
        429 | 503 => response["headers"]["Retry-After"] = header("Seconds to wait.", "integer"),
        _ => {}
    }
    response
}

/// `get /api/v1/queue/tokens/current` is `get_queue_tokens_current`.
fn operation_id(call: Call) -> String {
    let mut id = call.verb().as_str().to_owned();
    let path = call.path().strip_prefix("/api/v1").unwrap_or(call.path());
    for word in path.split(['/', '.', '{', '}']).filter(|word| !word.is_empty()) {
        id.push('_');
        id.push_str(word);
    }
    id
}

fn in_query(name: &str, description: &str, schema: Value) -> Value {
    json!({"name": name, "in": "query", "required": false, "description": description, "schema": schema})
}

fn in_path(name: &str, description: &str, schema: Value) -> Value {
    json!({"name": name, "in": "path", "required": true, "description": description, "schema": schema})
}

fn which_sale() -> Value {
    in_query(
        "concert_id",
        "Which sale is meant: for a user in several, whose access token alone would be ambiguous.",
        json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
    )
}

fn schedule_id() -> Value {
    in_path("schedule_id", "A performance.", json!({"type": "integer", "minimum": 0}))
}

fn draft_id() -> Value {
    in_path("draft_id", "A draft.", json!({"type": "integer", "minimum": 0}))
}

fn concert_id() -> Value {
    in_path("concert_id", "A concert.", json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}))
}

fn span_from() -> Value {
    let schema = json!({"type": "string", "format": "date-time"});
    in_query("from", "The beginning; without it, twelve hours before `to`.", schema)
}

fn span_to() -> Value {
    in_query("to", "The end; without it, now.", json!({"type": "string", "format": "date-time"}))
}

fn language() -> Value {
    in_query("lang", "The language of its words; without it, `en`.", json!({"enum": ["en", "ko"]}))
}

fn order_id() -> Value {
    in_path("reservation_id", "An order.", json!({"type": "string", "format": "uuid"}))
}

/// A list of a concert for spreadsheets.
fn export(summary: &'static str) -> Description {
    Description::new("operators", Access::Operator, summary)
        .parameter(concert_id())
        .answer_as(
            200,
            "Comma-separated values (RFC 4180) with a line of names, in UTF-8 behind a byte order mark, by which spreadsheets \
             know it. Money is in minor units of the currency. A text that a spreadsheet would take for a formula stands behind \
             an apostrophe. It is read page by page: what changes meanwhile is told as it was, or as it became.",
            "text/csv",
            json!({"type": "string"}),
        )
        .header("Content-Disposition", "The name of the file.")
        .refuses(&[Reason::ConcertNotFound, Reason::UnknownMethod])
}

fn webhook_id() -> Value {
    in_path("webhook_id", "A webhook.", json!({"type": "integer", "minimum": 0}))
}

fn operator_id() -> Value {
    in_path("operator_id", "An operator.", json!({"type": "integer", "minimum": 0}))
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "In place of `request_id`.",
        "schema": {"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_CHARS_MAX}
    })
}

/// The description of a call. Matched without `_`: a call that has a path is described.
fn described(call: Call, schemas: &mut Schemas) -> Description {
    match call {
        Call::MakeGuest => {
            Description::new("users", Access::Anybody, "Makes a guest, where guests are let in.")
                .body(schemas.sent_by_clients::<GuestBody>())
                .answer(201, "A new user, with a token.", schemas.sent_by_server::<Guest>())
                .refuses(&[Reason::Forbidden])
        }
        Call::Concerts => Description::new("concerts", Access::Anybody, "Lists what is on sale.").answer(
            200,
            "What is on sale.",
            schemas.sent_by_server::<Concerts>(),
        ),
        Call::Concert => Description::new(
            "concerts",
            Access::Anybody,
            "A concert's own page: texts, prices, and what is left; at most two seconds old.",
        )
        .parameter(concert_id())
        .answer(200, "The concert.", schemas.sent_by_server::<ConcertPage>())
        .cached("What is there already.")
        .refuses(&[Reason::ConcertNotFound]),
        Call::Join => Description::new("queue", Access::Fan, "Takes a place in the line of a sale.")
            .body(schemas.sent_by_clients::<QueueJoin>())
            .answer(201, "A new place, at the tail.", schemas.sent_by_server::<QueueUpdate>())
            .answer(200, "The place held already.", schemas.sent_by_server::<QueueUpdate>())
            .refuses(&[Reason::ConcertNotFound, Reason::SalePaused, Reason::SaleClosed, Reason::Forbidden]),
        Call::Place => Description::new("queue", Access::Fan, "Returns the place; counts as presence.")
            .parameter(which_sale())
            .answer(200, "The place, whatever its status.", schemas.sent_by_server::<QueueUpdate>())
            .refuses(&[Reason::NotInQueue, Reason::ConcertNotFound]),
        Call::Leave => Description::new("queue", Access::Fan, "Gives the place up.")
            .parameter(which_sale())
            .answer(200, "The place as it ended.", schemas.sent_by_server::<QueueUpdate>())
            .refuses(&[Reason::NotInQueue, Reason::ConcertNotFound]),
        Call::Schedules => Description::new("concerts", Access::Fan, "Lists the performances, with prices.")
            .parameter(which_sale())
            .answer(200, "The performances that have not started.", schemas.sent_by_server::<Schedules>())
            .needs_admission()
            .refuses(&[Reason::NoSchedulesAvailable, Reason::ConcertNotFound]),
        Call::Layout => Description::new(
            "seats",
            Access::Anybody,
            "The venue's drawing, with labels, categories and prices. Compressed \
                as `Accept-Encoding` allows.",
        )
        .parameter(schedule_id())
        .answer(200, "The drawing, which never changes.", schemas.sent_by_server::<Layout>())
        .cached("The drawing that is there already.")
        .refuses(&[Reason::ScheduleNotFound]),
        Call::Seats => Description::new("seats", Access::Fan, "The seats as they are.")
            .parameter(schedule_id())
            .answer(200, "A snapshot.", schemas.sent_by_server::<Snapshot>())
            .needs_admission()
            .refuses(&[Reason::ScheduleNotFound, Reason::NoSeatsAvailable]),
        Call::Hold => Description::new(
            "reservations",
            Access::Fan,
            "Holds the named seats, all or none, or the best ones together.",
        )
        .parameter(idempotency_key())
        .body(schemas.sent_by_clients::<ReservationBody>())
        .answer(201, "The seats are held.", schemas.sent_by_server::<Reservation>())
        .needs_admission()
        .refuses(&[
            Reason::SaleNotOpen,
            Reason::SalePaused,
            Reason::SaleClosed,
            Reason::ScheduleNotFound,
            Reason::SeatNotFound,
            Reason::SeatTaken,
            Reason::SeatRestricted,
            Reason::NoSeatsAvailable,
            Reason::HoldLimit,
            Reason::PurchaseLimit,
            Reason::HoldAgainLater,
            Reason::PerformanceCalledOff,
            Reason::RequestIdReused,
        ]),
        Call::Reservations => Description::new(
            "reservations",
            Access::Fan,
            "Lists the user's, in all sales.",
        )
        .answer(200, "Newest first.", schemas.sent_by_server::<Reservations>()),
        Call::Release => Description::new(
            "reservations",
            Access::Fan,
            "Gives a reservation back: releases an unpaid one, cancels and refunds \
                a paid one.",
        )
        .parameter(in_path(
            "reservation_id",
            "A reservation of this user.",
            json!({"type": "string", "format": "uuid"}),
        ))
        .answer(200, "What was given back.", schemas.sent_by_server::<GivenBack>())
        .refuses(&[
            Reason::ReservationNotFound,
            Reason::ReservationInvalid,
            Reason::CancelTooLate,
            Reason::PerformanceCalledOff,
            Reason::WalletFull,
        ]),
        Call::Balance => Description::new("wallet", Access::Fan, "Returns the wallet's balance.").answer(
            200,
            "The balance.",
            schemas.sent_by_server::<Balance>(),
        ),
        Call::Charge => {
            Description::new("wallet", Access::Fan, "Puts money into the wallet, once for each `request_id`.")
                .parameter(idempotency_key())
                .body(schemas.sent_by_clients::<ChargeBody>())
                .answer(200, "Charged, now or when it was sent first.", schemas.sent_by_server::<Charged>())
                .refuses(&[Reason::InvalidAmount, Reason::RequestIdReused])
        }
        Call::History => Description::new("wallet", Access::Fan, "Lists the wallet's ledger.")
            .parameter(in_query(
                "before",
                "The `history_id` of the last entry seen: only older ones are listed.",
                json!({"type": "string", "format": "uuid"}),
            ))
            .parameter(in_query(
                "limit",
                "How many entries at most.",
                json!({
                    "type": "integer",
                    "minimum": 1,
                    "maximum": HISTORY_ENTRIES_MAX,
                    "default": HISTORY_ENTRIES_DEFAULT
                }),
            ))
            .answer(200, "Newest first.", schemas.sent_by_server::<History>()),
        Call::Pay => Description::new("wallet", Access::Fan, "Pays a reservation from the wallet.")
            .body(schemas.sent_by_clients::<ReservationRef>())
            .answer(201, "Paid, now or when it was sent first.", schemas.sent_by_server::<Paid>())
            .needs_admission()
            .refuses(&[
                Reason::ReservationNotFound,
                Reason::ReservationInvalid,
                Reason::InsufficientBalance,
                Reason::SaleClosed,
                Reason::PerformanceCalledOff,
            ]),
        Call::Tickets => Description::new("wallet", Access::Fan, "Lists the user's tickets, in all sales.")
            .answer(200, "The next performance first.", schemas.sent_by_server::<Tickets>()),
        Call::Sales => Description::new("operators", Access::Operator, "Figures of each sale.")
            .answer(200, "All sales.", schemas.sent_by_server::<Sales>())
            // This is the answer on everybody's listener, where operators have one of their own.
            .refuses(&[Reason::UnknownMethod]),
        Call::ChangeSale => Description::new("operators", Access::Operator, "Changes a sale while it runs.")
            .parameter(concert_id())
            .body(schemas.sent_by_clients::<SalePatch>())
            .answer(200, "The sale as it is now.", schemas.sent_by_server::<SaleFigures>())
            .refuses(&[Reason::ConcertNotFound, Reason::ChangedMeanwhile, Reason::UnknownMethod]),
        Call::KeptFigures => Description::new(
            "operators",
            Access::Operator,
            "What was kept of a sale: a point for each span, 10 s long at first, longer after a week, and longer for whoever looks at \
                a long time.",
        )
        .parameter(concert_id())
        .parameter(span_from())
        .parameter(span_to())
        .parameter(in_query("points", "The most points; without it, 720.", json!({"type": "integer", "minimum": 1, "maximum": 720})))
        .answer(200, "The points, oldest first.", schemas.sent_by_server::<KeptFigures>())
        .refuses(&[Reason::InvalidParams, Reason::UnknownMethod]),
        Call::Report => Description::new(
            "operators",
            Access::Operator,
            "The report of a night: what was kept of a sale, as one page that needs nothing else.",
        )
        .parameter(concert_id())
        .parameter(span_from())
        .parameter(span_to())
        .parameter(language())
        .answer_as(200, "The page.", "text/html; charset=utf-8", json!({"type": "string"}))
        .refuses(&[Reason::InvalidParams, Reason::ConcertNotFound, Reason::UnknownMethod]),
        Call::HouseLayout => Description::new(
            "operators",
            Access::Operator,
            "The venue's drawing of a performance, also of one that has begun.",
        )
        .parameter(schedule_id())
        .answer(200, "The drawing.", schemas.sent_by_server::<Layout>())
        .cached("The drawing that is there already.")
        .refuses(&[Reason::ScheduleNotFound, Reason::UnknownMethod]),
        Call::HouseSeats => Description::new("operators", Access::Operator, "The seats of a performance.")
            .parameter(schedule_id())
            .answer(200, "All seats, at one version.", schemas.sent_by_server::<Snapshot>())
            .refuses(&[Reason::ConcertNotFound, Reason::ScheduleNotFound, Reason::UnknownMethod]),
        Call::RestrictSeats => Description::new(
            "operators",
            Access::Operator,
            "Keeps seats of a performance from sale, or gives them back to it. What somebody holds or bought stays theirs.",
        )
        .parameter(schedule_id())
        .body(schemas.sent_by_clients::<RestrictSeats>())
        .answer(200, "What became of them.", schemas.sent_by_server::<RestrictedSeats>())
        .refuses(&[Reason::ConcertNotFound, Reason::ScheduleNotFound, Reason::SeatNotFound, Reason::UnknownMethod]),
        Call::HouseConcert => Description::new(
            "operators",
            Access::Operator,
            "What is said of a concert, and what became of each of its performances, with prices.",
        )
        .parameter(concert_id())
        .answer(200, "As it is now.", schemas.sent_by_server::<house::HouseConcert>())
        .refuses(&[Reason::ConcertNotFound, Reason::UnknownMethod]),
        Call::SoldOrders => Description::new(
            "operators",
            Access::Operator,
            "Counts the paid orders of a performance: what calling it off would give back.",
        )
        .parameter(schedule_id())
        .answer(200, "As it is now.", schemas.sent_by_server::<house::SoldOrders>())
        .refuses(&[Reason::ConcertNotFound, Reason::ScheduleNotFound, Reason::UnknownMethod]),
        Call::ChangeConcert => {
            Description::new("operators", Access::Operator, "Changes the title of a concert, and what its page says.")
                .parameter(concert_id())
                .body(schemas.sent_by_clients::<ConcertPatch>())
                .answer(200, "What is said of it now.", schemas.sent_by_server::<ConcertInfo>())
                .refuses(&[Reason::ConcertNotFound, Reason::ChangedMeanwhile, Reason::UnknownMethod])
        }
        Call::ChangeSchedule => Description::new(
            "operators",
            Access::Operator,
            "Changes what free seats of a performance cost. Whoever holds or bought some keeps their price.",
        )
        .parameter(schedule_id())
        .body(schemas.sent_by_clients::<SchedulePatch>())
        .answer(200, "The performance as it is now.", schemas.sent_by_server::<ScheduleInfo>())
        .refuses(&[
            Reason::ConcertNotFound,
            Reason::ScheduleNotFound,
            Reason::PerformanceBegun,
            Reason::ChangedMeanwhile,
            Reason::UnknownMethod,
        ]),
        Call::Drafts => {
            Description::new("operators", Access::Operator, "Lists the concerts that are being made.")
                .answer(200, "Newest first.", schemas.sent_by_server::<making::Drafts>())
                .refuses(&[Reason::UnknownMethod])
        }
        Call::AddDraft => Description::new("operators", Access::Operator, "Begins a draft of a concert.")
            .body(schemas.sent_by_clients::<making::DraftPatch>())
            .answer(201, "The draft, with all that is missing.", schemas.sent_by_server::<making::Draft>())
            .refuses(&[Reason::UnknownMethod]),
        Call::Draft => Description::new("operators", Access::Operator, "A draft, with what is missing of it.")
            .parameter(draft_id())
            .answer(200, "The draft.", schemas.sent_by_server::<making::Draft>())
            .refuses(&[Reason::NotFound, Reason::UnknownMethod]),
        Call::ChangeDraft => Description::new("operators", Access::Operator, "Changes a draft.")
            .parameter(draft_id())
            .body(schemas.sent_by_clients::<making::DraftPatch>())
            .answer(200, "The draft as it is now.", schemas.sent_by_server::<making::Draft>())
            .refuses(&[Reason::NotFound, Reason::ChangedMeanwhile, Reason::UnknownMethod]),
        Call::DropDraft => Description::new("operators", Access::Operator, "Drops a draft.")
            .parameter(draft_id())
            .answer_empty(204, "It is not there any more.")
            .refuses(&[Reason::NotFound, Reason::UnknownMethod]),
        Call::UploadPlan => Description::new(
            "operators",
            Access::Operator,
            "Takes a seating plan as the seats.pretix.eu editor exports it, faults and all: they are named.",
        )
        .parameter(draft_id())
        .parameter(json!({
            "name": "revision",
            "in": "query",
            "required": true,
            "description": "The revision of the draft that was seen.",
            "schema": {"type": "integer", "minimum": 0}
        }))
        .file("application/json")
        .answer(200, "The draft with the plan.", schemas.sent_by_server::<making::Draft>())
        .refuses(&[Reason::NotFound, Reason::ChangedMeanwhile, Reason::UnknownMethod]),
        Call::GeneratePlan => {
            Description::new("operators", Access::Operator, "Makes up a plan for a draft, by size and shape.")
                .parameter(draft_id())
                .body(schemas.sent_by_clients::<making::GeneratePlan>())
                .answer(200, "The draft with the plan.", schemas.sent_by_server::<making::Draft>())
                .refuses(&[Reason::NotFound, Reason::ChangedMeanwhile, Reason::UnknownMethod])
        }
        Call::DraftLayout => Description::new(
            "operators",
            Access::Operator,
            "The drawing of a draft's plan, as far as it can be drawn: as a performance's, with `restricted`, the seats \
                that the plan keeps from sale, and without what only a performance has.",
        )
        .parameter(draft_id())
        .answer(200, "The drawing.", json!({"type": "object"}))
        .cached("The drawing that is there already.")
        .refuses(&[Reason::NotFound, Reason::UnknownMethod]),
        Call::DraftPage => Description::new(
            "operators",
            Access::Operator,
            "The page of the concert that a draft will be, as fans will see it. What is missing is left out; its performances \
                are numbered from 1 on, and the concert's own number is 0.",
        )
        .parameter(draft_id())
        .answer(200, "The page.", schemas.sent_by_server::<ConcertPage>())
        .refuses(&[Reason::NotFound, Reason::UnknownMethod]),
        Call::Announce => Description::new(
            "operators",
            Access::Operator,
            "Makes a concert of a draft, which can be sold from then on.",
        )
        .parameter(draft_id())
        .body(schemas.sent_by_clients::<making::Announce>())
        .answer(201, "The concert.", schemas.sent_by_server::<making::Announced>())
        .refuses(&[
            Reason::NotFound,
            Reason::ChangedMeanwhile,
            Reason::AlreadyAnnounced,
            Reason::UnknownMethod,
        ]),
        Call::UploadImage => Description::new(
            "operators",
            Access::Operator,
            "Takes a picture (JPEG, PNG or WebP) for concerts, and keeps it in three sizes.",
        )
        .file("image/*")
        .answer(201, "The picture.", schemas.sent_by_server::<making::Uploaded>())
        .refuses(&[Reason::UnknownMethod]),
        Call::AddSchedule => Description::new(
            "operators",
            Access::Operator,
            "Adds a performance to a concert, in the same hall, which is on sale at once if the sale is open.",
        )
        .parameter(concert_id())
        .body(schemas.sent_by_clients::<NewSchedule>())
        .answer(201, "The performance.", schemas.sent_by_server::<ScheduleInfo>())
        .refuses(&[
            Reason::ConcertNotFound,
            Reason::ScheduleNotFound,
            Reason::Forbidden,
            Reason::UnknownMethod,
        ]),
        Call::Postpone => Description::new(
            "operators",
            Access::Operator,
            "Gives a performance that has not begun another start, later or earlier.",
        )
        .parameter(schedule_id())
        .body(schemas.sent_by_clients::<life::Postpone>())
        .answer(200, "The performance as it is now.", schemas.sent_by_server::<life::ScheduleLife>())
        .refuses(&[
            Reason::ConcertNotFound,
            Reason::ScheduleNotFound,
            Reason::PerformanceBegun,
            Reason::PerformanceCalledOff,
            Reason::ChangedMeanwhile,
            Reason::UnknownMethod,
        ]),
        Call::CallOff => Description::new(
            "operators",
            Access::Operator,
            "Calls a performance off, for ever: what is held of it ends, and what is paid is given back by and by.",
        )
        .parameter(schedule_id())
        .body(schemas.sent_by_clients::<life::CallOff>())
        .answer(200, "How far the refunds are.", schemas.sent_by_server::<life::RefundProgress>())
        .refuses(&[Reason::ConcertNotFound, Reason::ScheduleNotFound, Reason::UnknownMethod]),
        Call::CallOffConcert => Description::new(
            "operators",
            Access::Operator,
            "Calls every performance of a concert off, and closes its sale.",
        )
        .parameter(concert_id())
        .body(schemas.sent_by_clients::<life::CallOff>())
        .answer(200, "How far the refunds of each are.", schemas.sent_by_server::<life::Refunds>())
        .refuses(&[Reason::ConcertNotFound, Reason::UnknownMethod]),
        Call::ArchiveConcert => Description::new(
            "operators",
            Access::Operator,
            "Archives a concert of which everything is over: its sale is not run any more, and no list has it. Tickets and what \
             happened are still read.",
        )
        .parameter(concert_id())
        .answer(200, "It is archived.", schemas.sent_by_server::<crate::result::Done>())
        .refuses(&[Reason::ConcertNotFound, Reason::NotOver, Reason::UnknownMethod]),
        Call::Refunds => Description::new(
            "operators",
            Access::Operator,
            "Tells how far the refunds of performances are that were called off.",
        )
        .answer(200, "By concert and performance.", schemas.sent_by_server::<life::Refunds>())
        .refuses(&[Reason::UnknownMethod]),
        Call::FindOrders => Description::new(
            "operators",
            Access::Operator,
            "Finds orders, paid or not: one way of finding them is named, and `limit` and `before` with it.",
        )
        .parameter(in_query("reservation_id", "The order with this id.", json!({"type": "string", "format": "uuid"})))
        .parameter(in_query("ticket", "Those of a ticket's code.", json!({"type": "string"})))
        .parameter(in_query("user_id", "A user's.", json!({"type": "integer", "minimum": 0})))
        .parameter(in_query(
            "name",
            "Users whose names begin so, capitals as they are written; if it is one alone, their orders.",
            json!({"type": "string", "minLength": 1, "maxLength": USER_NAME_CHARS_MAX}),
        ))
        .parameter(in_query("concert_id", "All of a concert.", json!({"type": "integer", "minimum": 0, "maximum": u32::MAX})))
        .parameter(in_query(
            "schedule_id",
            "With `seat`: whoever has or had that seat of this performance, as the journal tells it.",
            json!({"type": "integer", "minimum": 0}),
        ))
        .parameter(in_query("seat", "The seat's label, as on tickets.", json!({"type": "string"})))
        .parameter(in_query("before", "Only older ones than this order.", json!({"type": "string", "format": "uuid"})))
        .parameter(in_query(
            "limit",
            "The most orders; without it, 20.",
            json!({"type": "integer", "minimum": 1, "maximum": ORDERS_FOUND_MAX}),
        ))
        .answer(200, "Newest first.", schemas.sent_by_server::<order_life::FoundOrders>())
        .refuses(&[Reason::ScheduleNotFound, Reason::ReservationNotFound, Reason::UnknownMethod]),
        Call::OrderLife => Description::new(
            "operators",
            Access::Operator,
            "An order's whole life: what the journal tells of it, of its performance, and of its seats.",
        )
        .parameter(order_id())
        .answer(200, "Oldest first.", schemas.sent_by_server::<order_life::OrderLife>())
        .refuses(&[Reason::ReservationNotFound, Reason::UnknownMethod]),
        Call::ExportOrders => export("All orders of a concert that were ever paid, a line each."),
        Call::ExportAttendees => export("All valid tickets of a concert, with whom they are of."),
        Call::ExportCodes => export("The codes of all tickets of a concert, valid or void."),
        Call::ExportLedger => export("All money of a concert: what was paid, and what was given back."),
        Call::Rehearsal => Description::new(
            "operators",
            Access::Operator,
            "Tells how far the last rehearsal of a concert is, and what it found.",
        )
        .parameter(concert_id())
        .answer(200, "It, if there is one.", schemas.sent_by_server::<rehearsal::RehearsalOf>())
        .refuses(&[Reason::ConcertNotFound, Reason::UnknownMethod]),
        Call::BeginRehearsal => Description::new(
            "operators",
            Access::Operator,
            "Has synthetic buyers play a hidden copy of a sale, one at a time; it is taken away at the end.",
        )
        .parameter(concert_id())
        .body(schemas.sent_by_clients::<rehearsal::BeginRehearsal>())
        .answer(201, "It has begun.", schemas.sent_by_server::<rehearsal::RehearsalOf>())
        .refuses(&[Reason::ConcertNotFound, Reason::NoSchedulesAvailable, Reason::UnknownMethod]),
        Call::EndRehearsal => Description::new(
            "operators",
            Access::Operator,
            "Ends a rehearsal before its time. What is left of it is taken away.",
        )
        .parameter(concert_id())
        .answer(200, "It ends, or did.", schemas.sent_by_server::<rehearsal::RehearsalOf>())
        .refuses(&[Reason::ConcertNotFound, Reason::UnknownMethod]),
        Call::SellSeats => Description::new(
            "operators",
            Access::Operator,
            "Sells seats, free or kept, to somebody at the desk, or gives them away, without a place in line; the answer has the \
             tickets' codes. While a sale is closed it goes on; before it opens, or while it is paused, only gifts do.",
        )
        .parameter(schedule_id())
        .body(schemas.sent_by_clients::<box_office::SellSeats>())
        .answer(201, "The order.", schemas.sent_by_server::<box_office::DeskOrder>())
        .answer(200, "The same as before: the call was sent again.", schemas.sent_by_server::<box_office::DeskOrder>())
        .refuses(&[
            Reason::ConcertNotFound,
            Reason::ScheduleNotFound,
            Reason::SaleNotOpen,
            Reason::SalePaused,
            Reason::SaleClosed,
            Reason::SeatNotFound,
            Reason::SeatTaken,
            Reason::PerformanceBegun,
            Reason::PerformanceCalledOff,
            Reason::ChangedMeanwhile,
            Reason::HoldLimit,
            Reason::RequestIdReused,
            Reason::UnknownMethod,
        ]),
        Call::RehearsalPage => Description::new(
            "operators",
            Access::Operator,
            "What the last rehearsal of a concert found, as one page that needs nothing else. It is kept until the next one is over.",
        )
        .parameter(concert_id())
        .parameter(language())
        .answer_as(200, "The page.", "text/html; charset=utf-8", json!({"type": "string"}))
        .refuses(&[Reason::InvalidParams, Reason::ConcertNotFound, Reason::NotFound, Reason::UnknownMethod]),
        Call::RefundOrder => Description::new(
            "operators",
            Access::Operator,
            "Gives a paid order's money back to its user's wallet, or that of single seats, once, also after the performance. What was \
             paid at the desk is handed out there, and noted by this.",
        )
        .parameter(order_id())
        .body(schemas.sent_by_clients::<orders::Refund>())
        .answer(200, "The order as it is now.", schemas.sent_by_server::<orders::RefundedOrder>())
        .refuses(&[
            Reason::ConcertNotFound,
            Reason::ReservationNotFound,
            Reason::ReservationInvalid,
            Reason::SeatNotFound,
            Reason::AlreadyRefunded,
            Reason::WalletFull,
            Reason::UnknownMethod,
        ]),
        Call::MoveSeat => Description::new(
            "operators",
            Access::Operator,
            "Gives who bought a seat another one of the same performance, free or kept, that costs no less; they pay nothing, and \
             get another ticket.",
        )
        .parameter(order_id())
        .body(schemas.sent_by_clients::<orders::MoveSeat>())
        .answer(200, "The order as it is now.", schemas.sent_by_server::<orders::Order>())
        .refuses(&[
            Reason::ConcertNotFound,
            Reason::ReservationNotFound,
            Reason::ReservationInvalid,
            Reason::SeatNotFound,
            Reason::SeatTaken,
            Reason::PerformanceCalledOff,
            Reason::UnknownMethod,
        ]),
        Call::SaleReadiness => Description::new(
            "operators",
            Access::Operator,
            "Looks whether a sale and this server are ready before the doors open.",
        )
        .parameter(in_query(
            "concert",
            "The sale; it has to be named.",
            json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
        ))
        .answer(200, "What was looked at.", schemas.sent_by_server::<ready::SaleReadiness>())
        .refuses(&[Reason::ConcertNotFound, Reason::UnknownMethod]),
        Call::Alarms => Description::new("operators", Access::Operator, "Lists what is wrong, and what was.")
            .parameter(in_query(
                "before",
                "The `alarm_id` of the last one seen: of those that are over only older ones are listed.",
                json!({"type": "integer", "minimum": 0}),
            ))
            .parameter(in_query(
                "limit",
                "How many of those that are over at most.",
                json!({"type": "integer", "minimum": 1, "maximum": ALARMS_PAST_MAX, "default": ALARMS_PAST_DEFAULT}),
            ))
            .answer(200, "Those that go on, and those that are over.", schemas.sent_by_server::<alarms::Alarms>())
            .refuses(&[Reason::UnknownMethod]),
        Call::SeeAlarm => Description::new(
            "operators",
            Access::Operator,
            "Says that one has seen an alarm; who said so first stays.",
        )
        .parameter(in_path("alarm_id", "An alarm.", json!({"type": "integer", "minimum": 0})))
        .answer(200, "The alarm.", schemas.sent_by_server::<alarms::Alarm>())
        .refuses(&[Reason::NotFound, Reason::UnknownMethod]),
        Call::EndAlarm => Description::new(
            "operators",
            Access::Operator,
            "Ends an alarm. What is still wrong is raised anew; one that is over stays as it is.",
        )
        .parameter(in_path("alarm_id", "An alarm.", json!({"type": "integer", "minimum": 0})))
        .answer(200, "The alarm.", schemas.sent_by_server::<alarms::Alarm>())
        .refuses(&[Reason::NotFound, Reason::UnknownMethod]),
        Call::Webhooks => Description::new("operators", Access::Operator, "Lists where messages are sent to.")
            .answer(200, "All of them, and those that were stopped lately.", schemas.sent_by_server::<webhooks::Webhooks>())
            .refuses(&[Reason::UnknownMethod]),
        Call::AddWebhook => Description::new(
            "operators",
            Access::Operator,
            "Has messages sent to an address, signed with a secret that is told this once.",
        )
        .body(schemas.sent_by_clients::<webhooks::NewWebhook>())
        .answer(201, "The webhook, with its secret.", schemas.sent_by_server::<webhooks::MadeWebhook>())
        .refuses(&[Reason::UnknownMethod]),
        Call::StopWebhook => {
            Description::new("operators", Access::Operator, "Has nothing sent to an address any more.")
                .parameter(webhook_id())
                .answer_empty(204, "What waited was given up.")
                .refuses(&[Reason::NotFound, Reason::UnknownMethod])
        }
        Call::RotateWebhook => Description::new(
            "operators",
            Access::Operator,
            "Gives a webhook another secret. The one of before signs as well for a day.",
        )
        .parameter(webhook_id())
        .answer(200, "The webhook, with its new secret.", schemas.sent_by_server::<webhooks::MadeWebhook>())
        .refuses(&[Reason::NotFound, Reason::UnknownMethod]),
        Call::TestWebhook => {
            Description::new("operators", Access::Operator, "Sends a webhook `webhook.test`, to see whether it arrives.")
                .parameter(webhook_id())
                .answer(202, "It is on its way.", schemas.sent_by_server::<webhooks::WebhookDelivery>())
                .refuses(&[Reason::NotFound, Reason::UnknownMethod])
        }
        Call::Deliveries => Description::new("operators", Access::Operator, "Lists what was sent to a webhook.")
            .parameter(webhook_id())
            .parameter(in_query(
                "before",
                "The `delivery_id` of the last one seen: only older ones are listed.",
                json!({"type": "string", "format": "uuid"}),
            ))
            .parameter(in_query(
                "limit",
                "How many at most.",
                json!({"type": "integer", "minimum": 1, "maximum": DELIVERIES_MAX, "default": DELIVERIES_DEFAULT}),
            ))
            .answer(200, "Newest first.", schemas.sent_by_server::<webhooks::WebhookDeliveries>())
            .refuses(&[Reason::NotFound, Reason::UnknownMethod]),
        Call::Resend => Description::new(
            "operators",
            Access::Operator,
            "Sends once more what was sent before, with the same `webhook-id`.",
        )
        .parameter(in_path("delivery_id", "A delivery.", json!({"type": "string", "format": "uuid"})))
        .answer(202, "It is on its way.", schemas.sent_by_server::<webhooks::WebhookDelivery>())
        .refuses(&[Reason::NotFound, Reason::UnknownMethod]),
        Call::SignIn => {
            Description::new("operators", Access::Anybody, "Signs an operator in by a link, which is spent, or by a passkey.")
                .body(schemas.sent_by_clients::<who::SignIn>())
                .answer(201, "A session.", schemas.sent_by_server::<who::SignedIn>())
                .refuses(&[Reason::LinkSpent, Reason::Unauthenticated, Reason::UnknownMethod])
        }
        Call::SignInChallenge => Description::new("operators", Access::Anybody, "Begins signing in by a passkey.")
            .answer(201, "What the browser needs.", schemas.sent_by_server::<passkeys::PasskeyChallenge>())
            .refuses(&[Reason::UnknownMethod]),
        Call::Passkeys => Description::new(
            "operators",
            Access::Operator,
            "Lists passkeys: one's own, or, for an owner, those of an operator.",
        )
        .parameter(in_query("operator_id", "Of this operator.", json!({"type": "integer", "minimum": 0})))
        .answer(200, "Newest first.", schemas.sent_by_server::<passkeys::Passkeys>())
        .refuses(&[Reason::UnknownMethod]),
        Call::PasskeyChallenge => Description::new("operators", Access::Operator, "Begins adding a passkey of one's own.")
            .answer(201, "What the browser needs.", schemas.sent_by_server::<passkeys::PasskeyChallenge>())
            .refuses(&[Reason::UnknownMethod]),
        Call::AddPasskey => Description::new("operators", Access::Operator, "Adds a passkey of one's own.")
            .body(schemas.sent_by_clients::<passkeys::NewPasskey>())
            .answer(201, "The passkey.", schemas.sent_by_server::<passkeys::PasskeyInfo>())
            .refuses(&[Reason::UnknownMethod]),
        Call::RemovePasskey => Description::new(
            "operators",
            Access::Operator,
            "Removes a passkey: one's own, or, for an owner, anybody's. Where it signed in, one stays signed in.",
        )
        .parameter(in_path("passkey_id", "A passkey.", json!({"type": "integer", "minimum": 0})))
        .answer_empty(204, "It signs nobody in any more.")
        .refuses(&[Reason::NotFound, Reason::UnknownMethod]),
        Call::OwnSession => {
            Description::new("operators", Access::Operator, "Tells who asks, and what they may.")
                .answer(200, "The session, or the token.", schemas.sent_by_server::<who::OwnSession>())
                .refuses(&[Reason::UnknownMethod])
        }
        Call::SignOut => Description::new("operators", Access::Operator, "Ends the session that asks.")
            .answer_empty(204, "It is over. A token that is no session goes on until its own end.")
            .refuses(&[Reason::UnknownMethod]),
        Call::Operators => Description::new("operators", Access::Operator, "Lists the operators.")
            .answer(200, "By their ids.", schemas.sent_by_server::<who::Operators>())
            .refuses(&[Reason::UnknownMethod]),
        Call::AddOperator => {
            Description::new("operators", Access::Operator, "Makes an operator, and a link that signs them in.")
                .body(schemas.sent_by_clients::<who::NewOperator>())
                .answer(201, "The operator, with the link.", schemas.sent_by_server::<who::MadeOperator>())
                .refuses(&[Reason::UnknownMethod])
        }
        Call::ChangeOperator => Description::new(
            "operators",
            Access::Operator,
            "Changes an operator's name or role, or shuts them out.",
        )
        .parameter(operator_id())
        .body(schemas.sent_by_clients::<who::OperatorPatch>())
        .answer(200, "The operator as they are now.", schemas.sent_by_server::<who::OperatorInfo>())
        .refuses(&[
            Reason::NotFound,
            Reason::LastOwner,
            Reason::ChangedMeanwhile,
            Reason::UnknownMethod,
        ]),
        Call::MakeLink => Description::new(
            "operators",
            Access::Operator,
            "Makes a link that signs an operator in once; their older ones end.",
        )
        .parameter(operator_id())
        .answer(201, "The link.", schemas.sent_by_server::<who::SignInLink>())
        .refuses(&[Reason::NotFound, Reason::UnknownMethod]),
        Call::Sessions => Description::new(
            "operators",
            Access::Operator,
            "Lists where operators are signed in: an owner sees everybody, others see themselves.",
        )
        .parameter(in_query(
            "operator_id",
            "Of this operator alone.",
            json!({"type": "integer", "minimum": 0}),
        ))
        .answer(200, "Newest first.", schemas.sent_by_server::<who::Sessions>())
        .refuses(&[Reason::UnknownMethod]),
        Call::EndSession => Description::new(
            "operators",
            Access::Operator,
            "Ends a session: one's own, or, for an owner, anybody's.",
        )
        .parameter(in_path("session_id", "A session.", json!({"type": "integer", "minimum": 0})))
        .answer_empty(204, "It is over.")
        .refuses(&[Reason::NotFound, Reason::UnknownMethod]),
        Call::Log => Description::new("operators", Access::Operator, "Lists what operators changed.")
            .parameter(in_query(
                "concert_id",
                "Of this concert alone.",
                json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
            ))
            .parameter(in_query(
                "operator_id",
                "By this operator alone.",
                json!({"type": "integer", "minimum": 0}),
            ))
            .parameter(in_query(
                "before",
                "The `log_id` of the last entry seen: only older ones are listed.",
                json!({"type": "integer", "minimum": 0}),
            ))
            .parameter(in_query(
                "limit",
                "How many entries at most.",
                json!({"type": "integer", "minimum": 1, "maximum": LOG_ENTRIES_MAX, "default": LOG_ENTRIES_DEFAULT}),
            ))
            .answer(200, "Newest first.", schemas.sent_by_server::<who::Log>())
            .refuses(&[Reason::UnknownMethod]),
        Call::Health => Description::of_server("Is the server alive?").answer(
            200,
            "It is.",
            schemas.sent_by_server::<Health>(),
        ),
        Call::Readiness => Description::of_server("Can the server serve?")
            .answer(200, "It can.", schemas.sent_by_server::<Health>())
            .answer(503, "Something is missing.", schemas.sent_by_server::<Health>()),
        Call::Metrics => Description::of_server(
            "What the server counts, as Prometheus reads it: for operators, for \
                this machine, or on the operators' listener.",
        )
        .refuses(&[Reason::Unauthenticated, Reason::UserNotFound, Reason::Forbidden, Reason::UnknownMethod])
        .answer_as(
            200,
            "The figures.",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            json!({"type": "string"}),
        ),
        Call::OpenApi => Description::of_server("This document.")
            .answer(200, "This document.", json!({"type": "object"}))
            .cached("The document that is there already."),
        Call::AsyncApi => Description::of_server("The websocket's document.")
            .answer(200, "An AsyncAPI 3 document.", json!({"type": "object"}))
            .cached("The document that is there already."),
        Call::Websocket => Description::new(
            "server",
            Access::Anybody,
            "Opens the websocket; see /asyncapi.json. A token may also follow in \
                `hello`.",
        )
        .parameter(json!({
            "name": "Sec-WebSocket-Protocol",
            "in": "header",
            "required": false,
            "description": "The subprotocol.",
            "schema": {"type": "string", "const": crate::SUBPROTOCOL}
        }))
        .answer_empty(101, "It is open.")
        .answer_empty(426, "The request is no upgrade, or one to another version than 13.")
        .refuses(&[Reason::InvalidRequest, Reason::Unauthenticated, Reason::Forbidden]),
    }
}
