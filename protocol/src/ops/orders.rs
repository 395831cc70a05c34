//! Paid orders, and their money back.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use uuid::Uuid;

use super::{note, reason};
use crate::limits::{NOTE_CHARS_MAX, SEATS_NAMED_MAX};
use crate::result::{ReservationStatus, ReservedSeat};
use crate::time::Timestamp;

/// Gives money of an order back to its user's wallet, or, if it was paid at the desk, to who stands there; and the seats to the sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refund {
    /// Why, as the fan is told.
    #[serde(deserialize_with = "reason")]
    #[schemars(length(min = 1, max = NOTE_CHARS_MAX))]
    pub reason: String,
    /// Single seats of it, by their numbers: all of these or none. Left out: all that it has.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_seats")]
    #[schemars(length(min = 1, max = SEATS_NAMED_MAX))]
    pub seats: Option<Vec<u32>>,
}

fn some_seats<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u32>>, D::Error> {
    let seats = Option::<Vec<u32>>::deserialize(deserializer)?;
    match &seats {
        Some(named) if named.is_empty() || named.len() > SEATS_NAMED_MAX => {
            Err(de::Error::custom(format_args!("must have 1 to {SEATS_NAMED_MAX} seats, or be left out")))
        }
        _ => Ok(seats),
    }
}

/// Gives who bought a seat another one of the same performance, for what they paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveSeat {
    /// The seat that they have.
    pub from: u32,
    /// A seat that is free or that the house keeps, and costs no less.
    pub to: u32,
    /// The house keeps the seat that they had: it is broken, for instance. Left out: it is for sale.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep: bool,
    /// Why, for the other operators.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "note")]
    #[schemars(length(min = 1, max = NOTE_CHARS_MAX))]
    pub note: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_false(value: &bool) -> bool {
    !value
}

/// An order of which money was given back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefundedOrder {
    pub order: Order,
    /// The wallet after it, in minor units of the currency; absent if the money was not from one, and is handed out at the desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<i64>,
}

/// How an order was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentSource {
    /// By a fan, from their wallet.
    Wallet,
    /// At the desk; what comes back of it does so there, too.
    Cash,
    Card,
    /// Not at all: the house gave the seats away.
    Gift,
}

/// A paid order, as operators see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    pub reservation_id: Uuid,
    pub concert_id: u32,
    pub schedule_id: u64,
    pub user_id: u64,
    /// `RESERVED`, or `CANCELLED` once all of it was given back.
    pub status: ReservationStatus,
    /// How it was paid.
    pub source: PaymentSource,
    /// What was paid, in minor units of the currency.
    pub amount: i64,
    /// The part of it that was given back.
    pub refunded: i64,
    pub paid_at: Timestamp,
    /// The time at which the last of it was given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why some of it was given back last, as an operator wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Those that it has, or had at its end.
    pub seats: Vec<ReservedSeat>,
}
