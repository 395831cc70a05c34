//! The requests of a client: one variant a method, each with its params. Params are objects, read strictly: an
//! unknown, missing, doubled or mistyped field is refused by its name.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::error::ErrorObject;
use crate::ids::IdempotencyKey;
use crate::limits::{
    CATEGORY_CHARS_MAX, HISTORY_ENTRIES_DEFAULT, HISTORY_ENTRIES_MAX, HOLD_BEST_COUNT_MAX, MONEY_MAX,
};
use crate::roles::{RoleSet, roles};
use crate::seats::SeatList;
use crate::strict::parse_object;

/// The table of methods: variant, name on the wire, params, what it does, and of operators' methods who may. Everything that goes through all methods is
/// made from it, so that none can be forgotten.
macro_rules! methods {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal ($params:ty) $(for $($role:ident)+)?,)+) => {
        /// A method's name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Method {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Method {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The method of this name, if there is one.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The roles of which an operator needs one. `None`: it is no operators' method.
            pub const fn roles(self) -> Option<RoleSet> {
                match self {
                    $(Self::$variant => roles!($($($role)+)?),)+
                }
            }

            /// The method's summary, a sentence.
            pub(crate) const fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+),)+
                }
            }

            pub(crate) fn params_schema(self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                match self {
                    $(Self::$variant => generator.subschema_for::<$params>(),)+
                }
            }
        }

        /// A request without its envelope.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request {
            $($(#[doc = $doc])+ $variant($params),)+
        }

        impl Request {
            pub const fn method(&self) -> Method {
                match self {
                    $(Self::$variant(_) => Method::$variant,)+
                }
            }

            /// Reads the params of a method; none are the same as `{}`.
            pub fn parse(method: Method, params: Option<&RawValue>) -> Result<Self, ErrorObject> {
                let params = params.map_or("{}", RawValue::get);
                match method {
                    $(Method::$variant => parse_object(params).map(Self::$variant),)+
                }
            }
        }

        impl Serialize for Request {
            /// The params alone.
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(params) => params.serialize(serializer),)+
                }
            }
        }
    };
}

methods! {
    /// Says who the client is; the first request, unless the upgrade carried a token.
    Hello = "hello" (Hello),
    /// Lists what is on sale.
    Concerts = "concerts" (NoParams),
    /// Takes a place in the line of a sale, or gets back the one held; the session then carries this token.
    QueueJoin = "queue.join" (QueueJoin),
    /// Returns the place in line, whatever its status.
    QueueGet = "queue.get" (NoParams),
    /// Says "still here" and renews the idle clock.
    QueueExtend = "queue.extend" (NoParams),
    /// Gives the place up, and with it every held seat.
    QueueLeave = "queue.leave" (NoParams),
    /// Lists the performances of the concert, with prices.
    Schedules = "schedules" (NoParams),
    /// Gives a snapshot of a performance's seats; from then on their changes are pushed.
    SeatsWatch = "seats.watch" (ScheduleRef),
    /// Ends the pushes that `seats.watch` began.
    SeatsUnwatch = "seats.unwatch" (ScheduleRef),
    /// Takes all the named seats or none.
    Hold = "hold" (Hold),
    /// Takes the best seats together that are free.
    HoldBest = "hold_best" (HoldBest),
    /// Gives back some or all seats of an unpaid reservation.
    Release = "release" (Release),
    /// Lists the user's reservations in all sales.
    Reservations = "reservations" (NoParams),
    /// Returns the wallet's balance.
    Balance = "balance" (NoParams),
    /// Puts money into the wallet, once for each `request_id`.
    Charge = "charge" (Charge),
    /// Lists the wallet's ledger, newest entry first.
    History = "history" (History),
    /// Pays a reservation from the wallet; its seats are sold.
    Pay = "pay" (ReservationRef),
    /// Gives back a paid reservation; its price is refunded to the wallet.
    Cancel = "cancel" (ReservationRef),
    /// Lists the user's tickets in all sales.
    Tickets = "tickets" (NoParams),
    /// Returns the server's time; does not count as activity.
    Ping = "ping" (NoParams),
    /// Gives the figures of one sale, or of every sale; from then on their changes are pushed.
    OpsWatch = "ops.watch" (OpsScope) for Owner Manager BoxOffice Viewer,
    /// Ends the pushes that `ops.watch` began.
    OpsUnwatch = "ops.unwatch" (OpsScope) for Owner Manager BoxOffice Viewer,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The params of a method that takes none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// The client's identity: exactly one of the two tokens.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "HelloFields", into = "HelloFields")]
pub enum Hello {
    /// A JWT.
    AccessToken(String),
    /// A token given by `queue.join`.
    QueueToken(Uuid),
}

impl fmt::Debug for Hello {
    /// The token is left out: it is as good as a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessToken(_) => "AccessToken(…)",
            Self::QueueToken(_) => "QueueToken(…)",
        })
    }
}

/// Exactly one of the two tokens.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Hello", extend("minProperties" = 1, "maxProperties" = 1))]
struct HelloFields {
    /// A JWT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    access_token: Option<String>,
    /// The token that `queue.join` gave: resumes the session that had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Uuid")]
    queue_token: Option<Uuid>,
}

impl TryFrom<HelloFields> for Hello {
    type Error = &'static str;

    fn try_from(fields: HelloFields) -> Result<Self, &'static str> {
        match (fields.access_token, fields.queue_token) {
            (Some(token), None) => Ok(Self::AccessToken(token)),
            (None, Some(token)) => Ok(Self::QueueToken(token)),
            _ => Err("give exactly one of `access_token` and `queue_token`"),
        }
    }
}

impl From<Hello> for HelloFields {
    fn from(hello: Hello) -> Self {
        match hello {
            Hello::AccessToken(token) => Self { access_token: Some(token), queue_token: None },
            Hello::QueueToken(token) => Self { access_token: None, queue_token: Some(token) },
        }
    }
}

impl JsonSchema for Hello {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        HelloFields::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        HelloFields::json_schema(generator)
    }
}

/// The concert whose line to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueJoin {
    pub concert_id: u32,
}

/// A performance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleRef {
    pub schedule_id: u64,
}

/// The seats to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    pub schedule_id: u64,
    pub seats: SeatList,
}

/// The number of seats to hold, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldBest {
    pub schedule_id: u64,
    /// The number of seats.
    #[serde(deserialize_with = "best_count")]
    #[schemars(range(min = 1, max = HOLD_BEST_COUNT_MAX))]
    pub count: u32,
    /// The name of a price category; without it, anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "category_name")]
    #[schemars(length(min = 1, max = CATEGORY_CHARS_MAX))]
    pub category: Option<String>,
    /// The highest price of one seat, in minor units of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "price")]
    #[schemars(range(min = 0, max = MONEY_MAX))]
    pub max_price: Option<i64>,
    /// Seats that are not to be among them, such as those that were proposed already. Unknown ones are no mistake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<SeatList>,
    /// Sent again, it gives the same seats again instead of more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<IdempotencyKey>,
}

/// The seats to give back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    pub reservation_id: Uuid,
    /// The seats to release; without it, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<SeatList>,
}

/// The amount to put into the wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// Minor units of the currency. Any integer is read: what is no amount is refused by the rules, with
    /// `INVALID_AMOUNT`.
    #[schemars(range(min = 1, max = MONEY_MAX))]
    pub amount: i64,
    pub request_id: IdempotencyKey,
}

/// The page of the ledger to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "HistoryParams")]
pub struct History {
    /// The `history_id` of the last entry seen: only older ones are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Uuid>,
    /// The number of entries, at most.
    #[serde(default = "history_limit_default", deserialize_with = "history_limit")]
    #[schemars(range(min = 1, max = HISTORY_ENTRIES_MAX))]
    pub limit: u32,
}

impl Default for History {
    fn default() -> Self {
        Self { before: None, limit: HISTORY_ENTRIES_DEFAULT }
    }
}

/// A reservation of this user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationRef {
    pub reservation_id: Uuid,
}

/// What to watch: one sale with its details, or, without a number, every sale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpsScope {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concert_id: Option<u32>,
}

/// Null is the same as absent.
pub(crate) fn price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match Option::<i64>::deserialize(deserializer)? {
        Some(price) if !(0..=MONEY_MAX).contains(&price) => {
            Err(de::Error::custom(format_args!("must be 0 to {MONEY_MAX}")))
        }
        price => Ok(price),
    }
}

pub(crate) fn best_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    bounded(u32::deserialize(deserializer)?, HOLD_BEST_COUNT_MAX)
}

fn history_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    // Null is the same as absent here, as for every other optional param.
    match Option::deserialize(deserializer)? {
        Some(limit) => bounded(limit, HISTORY_ENTRIES_MAX),
        None => Ok(HISTORY_ENTRIES_DEFAULT),
    }
}

fn history_limit_default() -> u32 {
    HISTORY_ENTRIES_DEFAULT
}

pub(crate) fn bounded<E: de::Error>(number: u32, max: u32) -> Result<u32, E> {
    if (1..=max).contains(&number) {
        Ok(number)
    } else {
        Err(E::custom(format_args!("must be 1 to {max}, not {number}")))
    }
}

pub(crate) fn category_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Option::<String>::deserialize(deserializer)? {
        Some(name) if name.is_empty() || name.chars().count() > CATEGORY_CHARS_MAX => {
            Err(de::Error::custom(format_args!("must have 1 to {CATEGORY_CHARS_MAX} characters")))
        }
        name => Ok(name),
    }
}
