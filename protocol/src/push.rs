//! The notifications: messages that the server sends without a request.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::ops::watch::OpsUpdate;
use crate::result::{Balance, QueueUpdate, Reservation, SaleState};
use crate::seats::SeatChange;
use crate::time::Timestamp;

/// A push without its envelope.
#[derive(Clone, Debug, PartialEq)]
pub enum Push {
    /// The place in line moved, or the token's status changed.
    QueueUpdate(QueueUpdate),
    /// Seats of a watched performance changed.
    SeatsUpdate(SeatsUpdate),
    /// A reservation of this user ended or changed.
    ReservationUpdate(Reservation),
    /// The user's wallet changed: charged, paid from or refunded to, wherever that was asked for.
    BalanceUpdate(Balance),
    /// A sale changed in which the user waits or is admitted, or whose seats are watched.
    SaleUpdate(SaleUpdate),
    /// The token ended that this session was known by: say `hello` with another one.
    HelloAgain(HelloAgain),
    /// What operators watch changed.
    OpsUpdate(Box<OpsUpdate>),
}

impl Push {
    /// The names of all pushes, in the order of the enum.
    pub const METHODS: &'static [&'static str] = &[
        "queue.update",
        "seats.update",
        "reservation.update",
        "balance.update",
        "sale.update",
        "hello.again",
        "ops.update",
    ];

    pub const fn method(&self) -> &'static str {
        match self {
            Self::QueueUpdate(_) => "queue.update",
            Self::SeatsUpdate(_) => "seats.update",
            Self::ReservationUpdate(_) => "reservation.update",
            Self::BalanceUpdate(_) => "balance.update",
            Self::SaleUpdate(_) => "sale.update",
            Self::HelloAgain(_) => "hello.again",
            Self::OpsUpdate(_) => "ops.update",
        }
    }

    /// Reads the params of a push; `None` for a push that this crate does not know.
    pub fn parse(method: &str, params: &str) -> Option<Result<Self, serde_json::Error>> {
        Some(match method {
            "queue.update" => serde_json::from_str(params).map(Self::QueueUpdate),
            "seats.update" => serde_json::from_str(params).map(Self::SeatsUpdate),
            "reservation.update" => serde_json::from_str(params).map(Self::ReservationUpdate),
            "balance.update" => serde_json::from_str(params).map(Self::BalanceUpdate),
            "sale.update" => serde_json::from_str(params).map(Self::SaleUpdate),
            "hello.again" => serde_json::from_str(params).map(Self::HelloAgain),
            "ops.update" => serde_json::from_str(params).map(Self::OpsUpdate),
            _ => return None,
        })
    }

    /// The schema of each push's params, by the push's name.
    pub(crate) fn params_schemas(generator: &mut SchemaGenerator) -> [(&'static str, Schema); 7] {
        [
            ("queue.update", generator.subschema_for::<QueueUpdate>()),
            ("seats.update", generator.subschema_for::<SeatsUpdate>()),
            ("reservation.update", generator.subschema_for::<Reservation>()),
            ("balance.update", generator.subschema_for::<Balance>()),
            ("sale.update", generator.subschema_for::<SaleUpdate>()),
            ("hello.again", generator.subschema_for::<HelloAgain>()),
            ("ops.update", generator.subschema_for::<OpsUpdate>()),
        ]
    }
}

impl Serialize for Push {
    /// The params alone.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::QueueUpdate(params) => params.serialize(serializer),
            Self::SeatsUpdate(params) => params.serialize(serializer),
            Self::ReservationUpdate(params) => params.serialize(serializer),
            Self::BalanceUpdate(params) => params.serialize(serializer),
            Self::SaleUpdate(params) => params.serialize(serializer),
            Self::HelloAgain(params) => params.serialize(serializer),
            Self::OpsUpdate(params) => params.serialize(serializer),
        }
    }
}

/// Seats that changed, with their absolute states. With v = the client's version: drop it if `version` <= v, apply
/// it if `from` <= v, else watch again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeatsUpdate {
    pub schedule_id: u64,
    /// The version that the changes lead on from.
    pub from: u64,
    /// The version that they lead to.
    pub version: u64,
    pub changes: Vec<SeatChange>,
    /// The free seats at `version`.
    pub available: u32,
}

/// The session is closed with 4500 unless a `hello` comes on the same socket in this time; until then it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HelloAgain {
    pub within_ms: u64,
}

/// A sale changed its state, its opening, its message, or what is said of its concert and performances. It goes to everybody
/// who waits, is admitted, or watches; that a performance was moved or called off, to everybody who is connected, as whoever
/// bought is in no line any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SaleUpdate {
    pub concert_id: u32,
    pub state: SaleState,
    /// The time at which admission begins, if that is planned.
    #[serde(default)]
    pub opens_at: Option<Timestamp>,
    /// The operator's message to the fans; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Higher than in the answer of `schedules`: a start, a price or a text changed since, so ask again.
    #[serde(default)]
    pub revision: u64,
}
