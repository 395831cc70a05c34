//! The bodies that exist over HTTP alone; for the rest, HTTP carries the params and results of the websocket.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

use crate::error::{ChangedBy, ErrorData, ErrorObject, Reason, RefusedStatus};
use crate::ids::IdempotencyKey;
use crate::limits::{
    CATEGORY_CHARS_MAX, HISTORY_ENTRIES_MAX, HOLD_BEST_COUNT_MAX, MONEY_MAX, USER_NAME_CHARS_MAX, is_blank,
    is_control,
};
use crate::request::{Charge, History, Hold, HoldBest, Request, bounded, category_name, price};
use crate::result::{Cancelled, Reservation};
use crate::roles::RoleSet;
use crate::seats::SeatList;
use crate::time::Timestamp;

/// The media type of a `Problem`.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A refusal over HTTP: a problem document as RFC 9457 has it, with the members of a websocket error's `data`. One of
/// them is renamed, because `status` is taken: it is `current_status` here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Always `about:blank`: `reason` says more than a URL would.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// The status in words.
    pub title: Cow<'static, str>,
    /// The status of the response.
    pub status: u16,
    /// A text for a person; may change.
    pub detail: Cow<'static, str>,
    pub reason: Reason,
    /// The same request may be sent again, later.
    pub retryable: bool,
    /// The state that does not allow it, of the queue token or of the reservation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_status: Option<RefusedStatus>,
    /// The time at which the sale opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<Timestamp>,
    /// The time from which the user may hold the seats again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// The seats that are taken, that do not exist, or that have to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<Vec<u32>>,
    /// The number of seats that one reservation may have.
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
    /// The time to wait before sending it again; in whole seconds also in the header `Retry-After`.
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

impl Problem {
    /// A problem with another status than the reason's own, where HTTP is finer: 405, 413.
    pub fn with_status(error: ErrorObject, code: u16) -> Self {
        // Taken apart by name, so that a new member cannot be forgotten.
        let ErrorObject { code: _, message, data } = error;
        let ErrorData {
            reason,
            retryable,
            status,
            opens_at,
            retry_at,
            seats,
            max,
            balance,
            required,
            missing,
            retry_after_ms,
            field,
            needs,
            was,
            by,
            at,
            concert_id,
        } = *data;
        Self {
            kind: "about:blank".into(),
            title: status_title(code).into(),
            status: code,
            detail: message,
            reason,
            retryable,
            current_status: status,
            opens_at,
            retry_at,
            seats,
            max,
            balance,
            required,
            missing,
            retry_after_ms,
            field,
            needs,
            was,
            by,
            at,
            concert_id,
        }
    }

    /// The value of the header `Retry-After`, in whole seconds, rounded up.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after_ms.map(|millis| millis.div_ceil(1000))
    }
}

impl From<ErrorObject> for Problem {
    fn from(error: ErrorObject) -> Self {
        let status = error.reason().http_status();
        Self::with_status(error, status)
    }
}

const fn status_title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

/// The body of `POST /users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuestBody {
    /// The user's name; not only spaces.
    #[serde(deserialize_with = "user_name")]
    #[schemars(length(min = 1, max = USER_NAME_CHARS_MAX))]
    pub name: String,
}

fn user_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.chars().any(is_control) {
        return Err(de::Error::custom("must have no control characters"));
    }
    if is_blank(&name) || name.chars().count() > USER_NAME_CHARS_MAX {
        return Err(de::Error::custom(format_args!(
            "must have 1 to {USER_NAME_CHARS_MAX} characters, not only spaces or what cannot be seen"
        )));
    }
    Ok(name)
}

/// A guest was made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Guest {
    pub user_id: u64,
    /// A JWT, good for 30 days.
    pub access_token: String,
}

impl std::fmt::Debug for Guest {
    /// The token is left out: it is as good as a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guest").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// The body of `POST /reservations`: `seats` to hold these, or `count` for the best ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "oneOf" = [{"required": ["seats"]}, {"required": ["count"]}],
    "dependentRequired" = {"category": ["count"], "request_id": ["count"]}
))]
pub struct ReservationBody {
    pub schedule_id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SeatList")]
    pub seats: Option<SeatList>,
    /// The number of seats.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "best_count")]
    #[schemars(with = "u32", range(min = 1, max = HOLD_BEST_COUNT_MAX))]
    pub count: Option<u32>,
    /// The name of a price category, with `count`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "category_name")]
    #[schemars(length(min = 1, max = CATEGORY_CHARS_MAX))]
    pub category: Option<String>,
    /// With `count`: the highest price of one seat, in minor units of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "price")]
    #[schemars(with = "i64", range(min = 0, max = MONEY_MAX))]
    pub max_price: Option<i64>,
    /// With `count`: seats that are not to be among them, such as those that were proposed already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SeatList")]
    pub except: Option<SeatList>,
    /// With `count`: sent again, it gives the same seats again instead of more. The header `Idempotency-Key` does
    /// the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<IdempotencyKey>,
}

fn best_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Option::deserialize(deserializer)?.map(|count| bounded(count, HOLD_BEST_COUNT_MAX)).transpose()
}

impl ReservationBody {
    /// The request that the body stands for: `hold` or `hold_best`. `key` is the header `Idempotency-Key`, which
    /// holding named seats does not need, since holding one's own seats again changes nothing.
    pub fn into_request(self, key: Option<IdempotencyKey>) -> Result<Request, ErrorObject> {
        let Self { schedule_id, seats, count, category, max_price, except, request_id } = self;
        let only_with_count = [
            ("category", category.is_some()),
            ("max_price", max_price.is_some()),
            ("except", except.is_some()),
            ("request_id", request_id.is_some()),
        ];
        match (seats, count) {
            (Some(seats), None) => match only_with_count.iter().find(|(_, given)| *given) {
                None => Ok(Request::Hold(Hold { schedule_id, seats })),
                Some((field, _)) => {
                    Err(ErrorObject::invalid_params(Some(field), &format!("`{field}` goes with `count`")))
                }
            },
            (None, Some(count)) => {
                let request_id = one_key(request_id, key)?;
                let best = HoldBest { schedule_id, count, category, max_price, except, request_id };
                Ok(Request::HoldBest(best))
            }
            _ => Err(ErrorObject::invalid_params(None, "give exactly one of `seats` and `count`")),
        }
    }
}

/// The body of `POST /balance/charges`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargeBody {
    /// Minor units of the currency. Any integer is read: what is no amount is refused by the rules, with
    /// `INVALID_AMOUNT`.
    #[schemars(range(min = 1, max = MONEY_MAX))]
    pub amount: i64,
    /// Needed unless the header `Idempotency-Key` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<IdempotencyKey>,
}

impl ChargeBody {
    /// The request that the body stands for. `key` is the header `Idempotency-Key`.
    pub fn into_request(self, key: Option<IdempotencyKey>) -> Result<Request, ErrorObject> {
        let request_id = one_key(self.request_id, key)?.ok_or_else(|| {
            ErrorObject::invalid_params(
                Some("request_id"),
                "missing `request_id`, or the header `Idempotency-Key` in its place",
            )
        })?;
        Ok(Request::Charge(Charge { amount: self.amount, request_id }))
    }
}

/// A client that sends both has to mean the same.
fn one_key(
    body: Option<IdempotencyKey>,
    header: Option<IdempotencyKey>,
) -> Result<Option<IdempotencyKey>, ErrorObject> {
    match (body, header) {
        (Some(body), Some(header)) if body != header => Err(ErrorObject::invalid_params(
            Some("request_id"),
            "`request_id` and the header `Idempotency-Key` differ",
        )),
        (body, header) => Ok(body.or(header)),
    }
}

impl History {
    /// The page that a query asks for: `?before=…&limit=…`.
    pub fn from_query(before: Option<&str>, limit: Option<&str>) -> Result<Self, ErrorObject> {
        let wrong = |field: &str, cause: &str| {
            ErrorObject::invalid_params(Some(field), &format!("`{field}`: {cause}"))
        };
        let mut page = Self::default();
        if let Some(text) = before {
            page.before = Some(text.parse().map_err(|_| wrong("before", "not a UUID"))?);
        }
        if let Some(text) = limit {
            let limit = text.parse().map_err(|_| wrong("limit", "not a whole number"))?;
            page.limit = bounded::<serde_json::Error>(limit, HISTORY_ENTRIES_MAX)
                .map_err(|error| wrong("limit", &error.to_string()))?;
        }
        Ok(page)
    }
}

/// The answer of `DELETE /reservations/{id}`: of an unpaid one the reservation, of a paid one the refund too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum GivenBack {
    Cancelled(Cancelled),
    Released(Reservation),
}

/// The answer of `/healthz` and `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    pub status: HealthStatus,
    /// The things that are missing until it can serve; absent when nothing is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The things that an operator has to know although it can serve; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Whether it can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    Ok,
    Unavailable,
}

impl Health {
    /// Ok when nothing is missing.
    pub fn of(missing: Vec<String>) -> Self {
        let status = if missing.is_empty() { HealthStatus::Ok } else { HealthStatus::Unavailable };
        Self { status, missing, notes: Vec::new() }
    }

    pub const fn http_status(&self) -> u16 {
        match self.status {
            HealthStatus::Ok => 200,
            HealthStatus::Unavailable => 503,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{Change, SalePatch};
    use crate::parse_body;
    use serde::de::DeserializeOwned;

    fn key(text: &str) -> Option<IdempotencyKey> {
        Some(text.try_into().expect("a key"))
    }

    /// The reason and the field of a body's refusal.
    fn refused<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> (Reason, String) {
        let data = parse_body::<T>(body.as_bytes()).expect_err(body).data;
        (data.reason, data.field.unwrap_or_default())
    }

    #[test]
    fn a_body_is_read_as_strictly_as_params() {
        let wrong = |field: &str| (Reason::InvalidParams, field.to_owned());
        let unreadable = (Reason::Parse, String::new());
        assert_eq!(refused::<GuestBody>("name=Mina"), unreadable);
        assert_eq!(refused::<GuestBody>(""), unreadable);
        assert_eq!(parse_body::<GuestBody>(b"{\"name\":\"\xff\"}").unwrap_err().reason(), Reason::Parse);
        assert_eq!(refused::<GuestBody>("[\"Mina\"]"), wrong(""));
        assert_eq!(refused::<GuestBody>("{}"), wrong("name"));
        assert_eq!(refused::<GuestBody>(r#"{"name":"  "}"#), wrong("name"));
        assert_eq!(refused::<GuestBody>(r#"{"name":"Mina","role":"operator"}"#), wrong("role"));
        assert_eq!(refused::<ReservationBody>(r#"{"schedule_id":7,"count":101}"#), wrong("count"));
        assert_eq!(refused::<SalePatch>(r#"{"capacity":0}"#), wrong("capacity"));
        assert_eq!(refused::<SalePatch>(r#"{"hold_ttl":"0s"}"#), wrong("hold_ttl"));
        assert_eq!(refused::<SalePatch>(r#"{"hold_ttl":300}"#), wrong("hold_ttl"));
        assert_eq!(refused::<SalePatch>(r#"{"hold_ttl":"5 minutes"}"#), wrong("hold_ttl"));
        assert_eq!(
            refused::<SalePatch>(r#"{"seats_per_reservation_max":21}"#),
            wrong("seats_per_reservation_max")
        );
        assert_eq!(refused::<SalePatch>(r#"{"state":"OPENED"}"#), wrong("state"));
    }

    #[test]
    fn a_patch_tells_absent_from_null() {
        let patch: SalePatch = parse_body(br#"{"capacity":null,"cancel_before_start":"0s"}"#).unwrap();
        assert_eq!((patch.capacity, patch.hold_ttl), (Change::Unset, Change::Keep));
        let mut own = Some(5);
        Change::Keep.apply(&mut own);
        assert_eq!(own, Some(5));
        Change::Set(6).apply(&mut own);
        assert_eq!(own, Some(6));
        patch.capacity.apply(&mut own);
        assert_eq!(own, None);
    }

    #[test]
    fn a_rule_is_read_by_its_former_name_and_written_by_its_own() {
        let former: SalePatch = parse_body(br#"{"cancel_until":"90m"}"#).unwrap();
        let own: SalePatch = parse_body(br#"{"cancel_before_start":"90m"}"#).unwrap();
        assert_eq!(former, own);
        assert_ne!(own.cancel_before_start, Change::Keep);
        assert_eq!(serde_json::to_string(&former).unwrap(), r#"{"cancel_before_start":"90m"}"#);
        // One rule under two names in one patch is no patch.
        let both = refused::<SalePatch>(r#"{"cancel_until":"1h","cancel_before_start":"2h"}"#);
        assert_eq!(both, (Reason::InvalidParams, "cancel_before_start".to_owned()));
    }

    #[test]
    fn a_reservation_is_of_named_or_of_best_seats() {
        let request = |body: &str, header| {
            parse_body::<ReservationBody>(body.as_bytes()).expect(body).into_request(header)
        };
        let named = request(r#"{"schedule_id":7,"seats":[3]}"#, key("k")).unwrap();
        assert!(matches!(named, Request::Hold(Hold { schedule_id: 7, .. })));
        let Request::HoldBest(best) = request(r#"{"schedule_id":7,"count":2}"#, key("k")).unwrap() else {
            panic!("the best seats")
        };
        assert_eq!(best.request_id, key("k"));
        for (body, field) in [
            (r#"{"schedule_id":7}"#, None),
            (r#"{"schedule_id":7,"seats":[3],"count":1}"#, None),
            (r#"{"schedule_id":7,"seats":[3],"category":"VIP"}"#, Some("category")),
            (r#"{"schedule_id":7,"seats":[3],"request_id":"k"}"#, Some("request_id")),
            (r#"{"schedule_id":7,"seats":[3],"max_price":1}"#, Some("max_price")),
            (r#"{"schedule_id":7,"seats":[3],"except":[4]}"#, Some("except")),
            (r#"{"schedule_id":7,"count":1,"request_id":"other"}"#, Some("request_id")),
        ] {
            let error = request(body, key("k")).expect_err(body);
            assert_eq!(
                (error.reason(), error.data.field.as_deref()),
                (Reason::InvalidParams, field),
                "{body}"
            );
        }
    }

    #[test]
    fn a_charge_has_its_key_in_the_header_or_in_the_body() {
        let request =
            |body: &str, header| parse_body::<ChargeBody>(body.as_bytes()).expect(body).into_request(header);
        let charge = Request::Charge(Charge { amount: 5, request_id: key("k").unwrap() });
        assert_eq!(request(r#"{"amount":5}"#, key("k")), Ok(charge.clone()));
        assert_eq!(request(r#"{"amount":5,"request_id":"k"}"#, None), Ok(charge.clone()));
        assert_eq!(request(r#"{"amount":5,"request_id":"k"}"#, key("k")), Ok(charge));
        assert!(request(r#"{"amount":5,"request_id":"k"}"#, key("other")).is_err());
        assert!(request(r#"{"amount":5}"#, None).is_err());
    }

    #[test]
    fn a_page_of_history_is_bounded() {
        assert_eq!(History::from_query(None, None), Ok(History::default()));
        assert_eq!(History::from_query(None, Some("200")).unwrap().limit, 200);
        for (before, limit, field) in [
            (Some("x"), None, "before"),
            (None, Some("0"), "limit"),
            (None, Some("201"), "limit"),
            (None, Some("-1"), "limit"),
        ] {
            let error = History::from_query(before, limit).unwrap_err();
            assert_eq!(error.data.field.as_deref(), Some(field));
        }
    }

    #[test]
    fn a_problem_says_when_to_come_back() {
        let problem = Problem::from(ErrorObject::rate_limited(1001));
        assert_eq!((problem.status, problem.retry_after_seconds()), (429, Some(2)));
        assert_eq!(Problem::from(ErrorObject::parse()).retry_after_seconds(), None);
        let problem = Problem::with_status(ErrorObject::invalid_request("too long"), 413);
        assert_eq!((problem.status, &*problem.title), (413, "Content Too Large"));
    }
}
