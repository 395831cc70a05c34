//! The correct refusals and the failures that a client may see. `reason` is the contract: a code groups reasons, a
//! message is for a person, and no reason ever changes its meaning.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::ids::IdempotencyKeyError;
use crate::result::{QueueStatus, ReservationStatus};
use crate::roles::{Role, RoleSet};
use crate::time::Timestamp;

/// Declares each reason once: what a client does about it, its name here, and its name on the wire.
macro_rules! reasons {
    ($(#[doc = $advice:literal] $reason:ident = $name:literal,)+) => {
        /// Why a request was refused, and what a client does about it. Append-only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $advice] $reason,)+
            /// A reason that is newer than this crate, as a client may read it. Never sent; code and message still have a meaning.
            Unrecognised,
        }

        impl Reason {
            /// Every reason that a server sends.
            pub const ALL: &'static [Self] = &[$(Self::$reason),+];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$reason => $name,)+
                    Self::Unrecognised => "UNRECOGNISED",
                }
            }

            /// The advice to a client, as the published documents give it.
            pub const fn advice(self) -> &'static str {
                match self {
                    $(Self::$reason => $advice.trim_ascii(),)+
                    Self::Unrecognised => "Show the message; send it again only if it is `retryable`.",
                }
            }
        }
    };
}

reasons! {
    /// Fix the client: what it sent is not JSON.
    Parse = "PARSE",
    /// Fix the client, as the message says: what it sent is JSON, but not a request.
    InvalidRequest = "INVALID_REQUEST",
    /// Fix the client, or do without: this server has no such method or path.
    UnknownMethod = "UNKNOWN_METHOD",
    /// Correct what `field` names, and send it again.
    InvalidParams = "INVALID_PARAMS",
    /// Tell the operator; do not repeat it by itself. The fault is the server's, and nothing was kept.
    Internal = "INTERNAL",
    /// Get a new access token, and connect again with it.
    Unauthenticated = "UNAUTHENTICATED",
    /// Forget the token, whose user is not here, and sign in anew.
    UserNotFound = "USER_NOT_FOUND",
    /// Join the line of the sale, then send it again.
    NotInQueue = "NOT_IN_QUEUE",
    /// Wait for the place in line to become `PROGRESS`, then send it again.
    Waiting = "WAITING",
    /// Say that the visit is over; join the line anew. What is still held can be paid until its own end.
    TokenExpired = "TOKEN_EXPIRED",
    /// Show what was bought; to buy more, join the line anew.
    TokenDone = "TOKEN_DONE",
    /// Wait until `opens_at`, or for `sale.update`, then send it again.
    SaleNotOpen = "SALE_NOT_OPEN",
    /// Wait for `sale.update`, then send it again. What is held can be paid meanwhile.
    SalePaused = "SALE_PAUSED",
    /// Treat the sale as over; the message says whether what is held can still be paid.
    SaleClosed = "SALE_CLOSED",
    /// Query `concerts` again, and let the user choose from those.
    ConcertNotFound = "CONCERT_NOT_FOUND",
    /// Query `schedules` again, and let the user choose from those.
    ScheduleNotFound = "SCHEDULE_NOT_FOUND",
    /// Leave out the `seats`, which are not of this performance or reservation, and load the layout again.
    SeatNotFound = "SEAT_NOT_FOUND",
    /// Query `reservations` again: the user has no such one.
    ReservationNotFound = "RESERVATION_NOT_FOUND",
    /// Show the `seats` as taken, and let the user choose others.
    SeatTaken = "SEAT_TAKEN",
    /// Show the `seats` as not for sale, and let the user choose others.
    SeatRestricted = "SEAT_RESTRICTED",
    /// Let the user choose fewer seats, others or another performance, or wait for some to come free.
    NoSeatsAvailable = "NO_SEATS_AVAILABLE",
    /// Tell the user that every performance has begun.
    NoSchedulesAvailable = "NO_SCHEDULES_AVAILABLE",
    /// Release seats, or ask for fewer: `max` says how many there may be.
    HoldLimit = "HOLD_LIMIT",
    /// Say that `max` is how many seats of the sale one user may have; seats that are released or cancelled no longer count.
    PurchaseLimit = "PURCHASE_LIMIT",
    /// Choose other seats, or wait until `retry_at`: these ran out unpaid with this user.
    HoldAgainLater = "HOLD_AGAIN_LATER",
    /// Query `reservations` again, and go on from the `status` that it has.
    ReservationInvalid = "RESERVATION_INVALID",
    /// Let the user enter another amount, as the message says.
    InvalidAmount = "INVALID_AMOUNT",
    /// Charge the wallet by `missing` at least, then pay again.
    InsufficientBalance = "INSUFFICIENT_BALANCE",
    /// Fix the client: a new request needs a new `request_id`.
    RequestIdReused = "REQUEST_ID_REUSED",
    /// Wait for `retry_after_ms`, then send the same again, and send less often.
    RateLimited = "RATE_LIMITED",
    /// Wait for `retry_after_ms`, then send the same again; nothing was kept.
    Overloaded = "OVERLOADED",
    /// Wait for `retry_after_ms`, then send the same again; nothing was kept.
    Unavailable = "UNAVAILABLE",
    /// Look first whether it was done (`reservations`, `balance`), then repeat it with the same ids.
    OutcomeUnknown = "OUTCOME_UNKNOWN",
    /// Tell the user that this order can no longer be cancelled.
    CancelTooLate = "CANCEL_TOO_LATE",
    /// Do not repeat it; the message says why. Another token, page or day may be allowed what this one is not.
    Forbidden = "FORBIDDEN",
    /// Let the user spend from the wallet first: the refund does not fit.
    WalletFull = "WALLET_FULL",
    /// Ask for the list again: what the path names is not there.
    NotFound = "NOT_FOUND",
    /// Ask for a new link: this one was used, is over, or was never made.
    LinkSpent = "LINK_SPENT",
    /// Make somebody else an owner before.
    LastOwner = "LAST_OWNER",
    /// Show what it is now (`was`), and let the operator decide again.
    ChangedMeanwhile = "CHANGED_MEANWHILE",
    /// Say that it has begun: this is for performances that have not.
    PerformanceBegun = "PERFORMANCE_BEGUN",
    /// Look at `concert_id`, which is the same; if this is another one all the same, say `again`.
    AlreadyAnnounced = "ALREADY_ANNOUNCED",
    /// Say that it was called off; what was paid for it comes back by itself. Query `schedules` again.
    PerformanceCalledOff = "PERFORMANCE_CALLED_OFF",
    /// Show the order again: its money was given back, or that of these `seats`, at `at`.
    AlreadyRefunded = "ALREADY_REFUNDED",
    /// Say what is not over, as the message does; what is over can be archived.
    NotOver = "NOT_OVER",
}

impl Reason {
    /// The reason of this name; `Unrecognised` when there is none.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == name).unwrap_or(Self::Unrecognised)
    }

    /// The number that JSON-RPC wants.
    pub const fn code(self) -> i32 {
        match self {
            Self::Parse => -32700,
            Self::InvalidRequest => -32600,
            Self::UnknownMethod => -32601,
            Self::InvalidParams => -32602,
            Self::Internal | Self::Unrecognised => -32603,
            Self::Unauthenticated | Self::UserNotFound | Self::LinkSpent => -32001,
            Self::NotInQueue | Self::Waiting | Self::TokenExpired | Self::TokenDone => -32002,
            Self::SaleNotOpen | Self::SalePaused | Self::SaleClosed | Self::PerformanceBegun => -32003,
            Self::ConcertNotFound
            | Self::ScheduleNotFound
            | Self::SeatNotFound
            | Self::ReservationNotFound
            | Self::NotFound => -32004,
            Self::SeatTaken
            | Self::SeatRestricted
            | Self::NoSeatsAvailable
            | Self::NoSchedulesAvailable
            | Self::PerformanceCalledOff => -32005,
            Self::HoldLimit | Self::PurchaseLimit | Self::HoldAgainLater => -32006,
            Self::ReservationInvalid | Self::AlreadyRefunded => -32007,
            Self::InvalidAmount | Self::InsufficientBalance | Self::WalletFull => -32008,
            Self::RequestIdReused => -32009,
            Self::RateLimited | Self::Overloaded | Self::Unavailable | Self::OutcomeUnknown => -32010,
            Self::CancelTooLate
            | Self::Forbidden
            | Self::LastOwner
            | Self::ChangedMeanwhile
            | Self::AlreadyAnnounced
            | Self::NotOver => -32011,
        }
    }

    /// Could the same request succeed later, unchanged and without anybody else's doing?
    pub const fn retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Overloaded | Self::Unavailable)
    }

    /// The status of the same refusal over HTTP.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Parse | Self::InvalidRequest | Self::InvalidParams => 400,
            Self::Unauthenticated | Self::LinkSpent => 401,
            Self::InsufficientBalance => 402,
            Self::NotInQueue | Self::Waiting | Self::TokenExpired | Self::TokenDone | Self::Forbidden => 403,
            Self::UnknownMethod
            | Self::UserNotFound
            | Self::ConcertNotFound
            | Self::ScheduleNotFound
            | Self::SeatNotFound
            | Self::ReservationNotFound
            | Self::NotFound
            | Self::NoSeatsAvailable
            | Self::NoSchedulesAvailable => 404,
            Self::SaleNotOpen
            | Self::SalePaused
            | Self::SaleClosed
            | Self::PerformanceBegun
            | Self::SeatTaken
            | Self::SeatRestricted
            | Self::HoldLimit
            | Self::PurchaseLimit
            | Self::HoldAgainLater
            | Self::ReservationInvalid
            | Self::CancelTooLate
            | Self::WalletFull
            | Self::LastOwner
            | Self::ChangedMeanwhile
            | Self::AlreadyAnnounced
            | Self::PerformanceCalledOff
            | Self::AlreadyRefunded
            | Self::NotOver => 409,
            Self::InvalidAmount | Self::RequestIdReused => 422,
            Self::RateLimited => 429,
            Self::Internal | Self::Unrecognised => 500,
            Self::Overloaded | Self::Unavailable | Self::OutcomeUnknown => 503,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_name(&Cow::<'de, str>::deserialize(deserializer)?))
    }
}

impl JsonSchema for Reason {
    fn schema_name() -> Cow<'static, str> {
        "Reason".into()
    }

    /// Examples instead of an `enum`: new reasons may come.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = Self::ALL.iter().map(|reason| reason.as_str()).collect();
        let advice: Map<_, _> =
            Self::ALL.iter().map(|reason| (reason.as_str().to_owned(), reason.advice().into())).collect();
        json_schema!({
            "description": "Why. `x-advice` says what a client does about each. New reasons may be added; none changes its \
                meaning. Of an unknown one, `retryable` and the message say enough.",
            "type": "string",
            "examples": names,
            "x-advice": advice
        })
    }
}

/// The state that a refusal is about: of the queue token, or of the reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefusedStatus {
    Waiting,
    Progress,
    Done,
    Expired,
    TempReserved,
    Reserved,
    Cancelled,
}

impl From<QueueStatus> for RefusedStatus {
    fn from(status: QueueStatus) -> Self {
        match status {
            QueueStatus::Waiting => Self::Waiting,
            QueueStatus::Progress => Self::Progress,
            QueueStatus::Done => Self::Done,
            QueueStatus::Expired => Self::Expired,
        }
    }
}

impl From<ReservationStatus> for RefusedStatus {
    fn from(status: ReservationStatus) -> Self {
        match status {
            ReservationStatus::TempReserved => Self::TempReserved,
            ReservationStatus::Reserved => Self::Reserved,
            ReservationStatus::Expired => Self::Expired,
            ReservationStatus::Cancelled => Self::Cancelled,
        }
    }
}

/// The facts of a refusal for a program. Each further field is there where its reason has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorData {
    pub reason: Reason,
    /// The same request may be sent again, later.
    pub retryable: bool,
    /// The state that does not allow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<RefusedStatus>,
    /// The time at which the sale opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<Timestamp>,
    /// The time from which the user may hold the seats again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// The seats that are taken, not for sale, that do not exist, that have to wait, or that were given back before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<Vec<u32>>,
    /// The number of seats that one reservation, or one user, may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// The balance of the wallet, in minor units of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<i64>,
    /// The amount that it would need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<i64>,
    /// The amount to charge before: `required` without `balance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<i64>,
    /// The time to wait before sending it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The param that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The roles of which an operator would need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<RoleSet>,
    /// What is there now of what was to be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Map<String, Value>>,
    /// Who made it so, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ChangedBy>,
    /// When it was made so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The concert that is there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concert_id: Option<u32>,
}

/// An operator who changed something: one of this server's, or a user whom an operator's token names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedBy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<u64>,
}

/// A refusal: the `error` of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorObject {
    /// Groups reasons, as JSON-RPC wants it.
    pub code: i32,
    /// A text for a person; may change.
    pub message: Cow<'static, str>,
    /// Boxed, because every `Result` that may be refused carries the room for it.
    pub data: Box<ErrorData>,
}

impl fmt::Display for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.data.reason, self.message)
    }
}

impl std::error::Error for ErrorObject {}

impl ErrorObject {
    /// A refusal that has nothing to say but its reason and a message.
    pub fn new(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        let data = ErrorData {
            reason,
            retryable: reason.retryable(),
            status: None,
            opens_at: None,
            retry_at: None,
            seats: None,
            max: None,
            balance: None,
            required: None,
            missing: None,
            retry_after_ms: None,
            field: None,
            needs: None,
            was: None,
            by: None,
            at: None,
            concert_id: None,
        };
        Self { code: reason.code(), message: message.into(), data: Box::new(data) }
    }

    pub fn reason(&self) -> Reason {
        self.data.reason
    }

    pub fn parse() -> Self {
        Self::new(Reason::Parse, "not JSON")
    }

    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Reason::InvalidRequest, message)
    }

    pub fn unknown_method(name: &str) -> Self {
        let name: String = name.chars().take(64).collect();
        Self::new(Reason::UnknownMethod, format!("there is no method `{name}`"))
    }

    /// `field` is the path of the param that is wrong.
    pub fn invalid_params(field: Option<&str>, message: &str) -> Self {
        let mut error = Self::new(Reason::InvalidParams, message.to_owned());
        error.data.field = field.map(str::to_owned);
        error
    }

    /// An `Idempotency-Key` header that cannot be a `request_id`.
    pub fn invalid_idempotency_key(error: IdempotencyKeyError) -> Self {
        Self::invalid_params(Some("Idempotency-Key"), &format!("`Idempotency-Key`: {error}"))
    }

    pub fn internal() -> Self {
        Self::new(Reason::Internal, "the server failed; the fault has been logged")
    }

    pub fn unauthenticated(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Reason::Unauthenticated, message)
    }

    pub fn user_not_found() -> Self {
        Self::new(Reason::UserNotFound, "there is no such user")
    }

    pub fn not_in_queue() -> Self {
        Self::new(Reason::NotInQueue, "join the queue first")
    }

    /// The token is not `PROGRESS`: the reason follows from what it is. For `PROGRESS` itself, whose time for new
    /// holds is over, it is `TOKEN_EXPIRED`.
    pub fn not_admitted(status: QueueStatus) -> Self {
        let (reason, message) = match status {
            QueueStatus::Waiting => (Reason::Waiting, "it is not your turn yet"),
            QueueStatus::Done => (Reason::TokenDone, "this place in line has been used to buy; join again"),
            QueueStatus::Expired => (Reason::TokenExpired, "your place in line has ended; join again"),
            QueueStatus::Progress => {
                (Reason::TokenExpired, "your time for choosing is over; what you hold can still be paid")
            }
        };
        let mut error = Self::new(reason, message);
        error.data.status = Some(status.into());
        error
    }

    pub fn sale_not_open(opens_at: Option<Timestamp>) -> Self {
        let mut error = Self::new(Reason::SaleNotOpen, "the sale is not open yet");
        error.data.opens_at = opens_at;
        error
    }

    pub fn sale_paused() -> Self {
        Self::new(Reason::SalePaused, "the sale is paused; what you hold can be paid")
    }

    pub fn sale_closed() -> Self {
        Self::new(Reason::SaleClosed, "the sale is closed; what you hold can be paid")
    }

    /// A sale whose prices are in another currency than the wallets is a closed one to a client (`concerts` says so
    /// too), but the message promises nobody that they could pay what they hold.
    pub fn other_currency() -> Self {
        Self::new(
            Reason::SaleClosed,
            "nothing of this sale can be bought or paid: its prices are in another currency than the wallets",
        )
    }

    pub fn concert_not_found() -> Self {
        Self::new(Reason::ConcertNotFound, "there is no such concert")
    }

    pub fn schedule_not_found() -> Self {
        Self::new(Reason::ScheduleNotFound, "there is no such performance on sale here")
    }

    /// `seats` are those that do not exist in the schedule, or that the reservation does not have.
    pub fn seat_not_found(seats: Vec<u32>) -> Self {
        let mut error = Self::new(Reason::SeatNotFound, "there is no such seat");
        error.data.seats = Some(seats);
        error
    }

    pub fn reservation_not_found() -> Self {
        Self::new(Reason::ReservationNotFound, "you have no such reservation")
    }

    /// `seats` are those of the named ones that somebody else has.
    pub fn seat_taken(seats: Vec<u32>) -> Self {
        let mut error = Self::new(Reason::SeatTaken, "somebody else has taken these seats");
        error.data.seats = Some(seats);
        error
    }

    /// `seats` are those of the named ones that the house keeps.
    pub fn seat_restricted(seats: Vec<u32>) -> Self {
        let mut error = Self::new(Reason::SeatRestricted, "these seats are not for sale");
        error.data.seats = Some(seats);
        error
    }

    pub fn no_seats_available() -> Self {
        let mut error = Self::new(Reason::NoSeatsAvailable, "there are no such seats left");
        error.data.seats = Some(Vec::new());
        error
    }

    pub fn no_schedules_available() -> Self {
        Self::new(Reason::NoSchedulesAvailable, "there is no performance left to sell")
    }

    /// `max` is how many seats one reservation may have.
    pub fn hold_limit(max: u32) -> Self {
        let mut error = Self::new(Reason::HoldLimit, format!("at most {max} seats can be held together"));
        error.data.max = Some(max);
        error
    }

    /// `max` is how many seats of the sale one user may have, held and bought together.
    pub fn purchase_limit(max: u32) -> Self {
        let seats = if max == 1 { "seat" } else { "seats" };
        let message = format!("one person may have {max} {seats} of this sale, held and bought together");
        let mut error = Self::new(Reason::PurchaseLimit, message);
        error.data.max = Some(max);
        error
    }

    /// The user let these seats run out unpaid, and may hold them again from `retry_at` on.
    pub fn hold_again_later(seats: Vec<u32>, retry_at: Timestamp) -> Self {
        let message = "a hold of these seats ran out unpaid; for a while, others may hold them first";
        let mut error = Self::new(Reason::HoldAgainLater, message);
        error.data.seats = Some(seats);
        error.data.retry_at = Some(retry_at);
        error
    }

    /// `status` is what the reservation is; `None` where that is not the fault.
    pub fn reservation_invalid(
        status: Option<ReservationStatus>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let mut error = Self::new(Reason::ReservationInvalid, message);
        error.data.status = status.map(RefusedStatus::from);
        error
    }

    pub fn invalid_amount(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Reason::InvalidAmount, message)
    }

    /// Both in minor units of the currency.
    pub fn insufficient_balance(balance: i64, required: i64) -> Self {
        let mut error = Self::new(Reason::InsufficientBalance, "the wallet has less than is to be paid");
        error.data.balance = Some(balance);
        error.data.required = Some(required);
        error.data.missing = Some(required - balance);
        error
    }

    /// A refund does not fit the wallet, which has `balance`, in minor units of the currency.
    pub fn wallet_full(balance: i64) -> Self {
        let message = "the wallet is too full for the refund: no wallet holds more than 2^53-1";
        let mut error = Self::new(Reason::WalletFull, message);
        error.data.balance = Some(balance);
        error
    }

    pub fn request_id_reused() -> Self {
        Self::new(Reason::RequestIdReused, "this request_id was used for something else")
    }

    pub fn rate_limited(retry_after_ms: u64) -> Self {
        Self::temporary(Reason::RateLimited, "too many requests", retry_after_ms)
    }

    pub fn overloaded(retry_after_ms: u64) -> Self {
        Self::temporary(Reason::Overloaded, "the server is overloaded", retry_after_ms)
    }

    pub fn unavailable(retry_after_ms: u64) -> Self {
        Self::temporary(Reason::Unavailable, "this cannot be done at the moment", retry_after_ms)
    }

    /// It is not known whether it was done, and may be decided later. Never sent over the websocket, which is closed
    /// instead.
    pub fn outcome_unknown() -> Self {
        Self::new(
            Reason::OutcomeUnknown,
            "it is not known whether this was done: look first, then repeat it with the same ids",
        )
    }

    fn temporary(reason: Reason, message: &'static str, retry_after_ms: u64) -> Self {
        let mut error = Self::new(reason, message);
        error.data.retry_after_ms = Some(retry_after_ms);
        error
    }

    pub fn performance_begun() -> Self {
        Self::new(Reason::PerformanceBegun, "the performance has begun")
    }

    pub fn performance_called_off() -> Self {
        Self::new(
            Reason::PerformanceCalledOff,
            "the performance was called off; what was paid for it is given back",
        )
    }

    /// `seats`: those of the asked ones that were given back before, or none if it was the whole order.
    pub fn already_refunded(at: Timestamp, seats: Vec<u32>) -> Self {
        let message = match seats[..] {
            [] => "the money of this order was given back before",
            _ => "the money of these seats was given back before",
        };
        let mut error = Self::new(Reason::AlreadyRefunded, message);
        error.data.seats = (!seats.is_empty()).then_some(seats);
        error.made_so(None, Some(at))
    }

    /// `what` is not over yet.
    pub fn not_over(what: String) -> Self {
        Self::new(Reason::NotOver, what)
    }

    /// Nothing of it changes any more.
    pub fn archived() -> Self {
        Self::new(Reason::ConcertNotFound, "this concert is archived: nothing of it changes any more")
    }

    pub fn cancel_too_late() -> Self {
        Self::new(Reason::CancelTooLate, "it is too late to cancel")
    }

    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Reason::Forbidden, message)
    }

    /// What the path names is not there.
    pub fn not_found(what: &str) -> Self {
        Self::new(Reason::NotFound, format!("there is no such {what}"))
    }

    pub fn link_spent() -> Self {
        Self::new(Reason::LinkSpent, "this link was used, is over, or was never made: ask for a new one")
    }

    pub fn last_owner() -> Self {
        Self::new(Reason::LastOwner, "nobody else would be an owner: make another one before")
    }

    /// `was` is what is there now.
    pub fn changed_meanwhile(was: Map<String, Value>) -> Self {
        let mut error = Self::new(Reason::ChangedMeanwhile, "somebody changed it meanwhile");
        error.data.was = Some(was);
        error
    }

    /// `concert` has this title, this plan and one of these starts.
    pub fn already_announced(concert: u32) -> Self {
        let mut error = Self::new(Reason::AlreadyAnnounced, format!("this is concert {concert} already"));
        error.data.concert_id = Some(concert);
        error
    }

    /// With who made it so, and when, as far as it is known.
    #[must_use]
    pub fn made_so(mut self, by: Option<ChangedBy>, at: Option<Timestamp>) -> Self {
        (self.data.by, self.data.at) = (by, at);
        self
    }

    /// An operator with one of these roles may.
    pub fn needs_role(needs: RoleSet) -> Self {
        let names: Vec<_> = needs.iter().map(Role::as_str).collect();
        let mut error = Self::forbidden(format!("only operators may do this: {}", names.join(", ")));
        error.data.needs = Some(needs);
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_read_by_its_name_and_a_new_one_is_tolerated() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_name(reason.as_str()), *reason);
        }
        let newer = r#"{"code":-32042,"message":"m","data":{"reason":"SOLAR_FLARE","retryable":true,"x":1}}"#;
        let error: ErrorObject = serde_json::from_str(newer).unwrap();
        assert_eq!((error.code, error.reason(), error.data.retryable), (-32042, Reason::Unrecognised, true));
    }

    #[test]
    fn these_and_no_others_are_retryable() {
        let retryable: Vec<_> = Reason::ALL.iter().filter(|reason| reason.retryable()).collect();
        assert_eq!(retryable, [&Reason::RateLimited, &Reason::Overloaded, &Reason::Unavailable]);
        assert!(retryable.iter().all(|reason| reason.code() == -32010));
    }
}
