//! Paid orders, and their money back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::reason;
use crate::limits::NOTE_CHARS_MAX;
use crate::result::{ReservationStatus, ReservedSeat};
use crate::time::Timestamp;

/// Gives an order's money back to its user's wallet, and its seats to the sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refund {
    /// Why, as the fan is told.
    #[serde(deserialize_with = "reason")]
    #[schemars(length(min = 1, max = NOTE_CHARS_MAX))]
    pub reason: String,
}

/// An order whose money was given back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefundedOrder {
    pub order: Order,
    /// The wallet after it, in minor units of the currency.
    pub balance: i64,
}

/// A paid order, as operators see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    pub reservation_id: Uuid,
    pub concert_id: u32,
    pub schedule_id: u64,
    pub user_id: u64,
    /// `RESERVED`, or `CANCELLED` once it was given back.
    pub status: ReservationStatus,
    /// What was paid, in minor units of the currency.
    pub amount: i64,
    /// The part of it that was given back.
    pub refunded: i64,
    pub paid_at: Timestamp,
    /// The time at which it was given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why it was given back, as an operator wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub seats: Vec<ReservedSeat>,
}
