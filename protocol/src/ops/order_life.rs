//! Finding orders, and what became of one: from the rows, and in the order of the sale's journal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::orders::PaymentSource;
use super::who::LogWho;
use crate::result::{ReservationStatus, ReservedSeat, ScheduleState};
use crate::time::Timestamp;

/// The orders that were asked for, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FoundOrders {
    /// Paid ones, and those that are held or were lost before they were paid.
    pub orders: Vec<FoundOrder>,
    /// Those whose names begin as was asked for, by name. Orders are listed if it is one alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<FoundUser>,
    /// `before` of the page behind this one; `null` if this is the last.
    pub next: Option<Uuid>,
}

/// A user whose name begins as was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundUser {
    pub user_id: u64,
    pub name: String,
}

/// A reservation, paid or not, and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FoundOrder {
    pub reservation_id: Uuid,
    pub concert_id: u32,
    /// The concert's.
    pub title: String,
    pub schedule_id: u64,
    pub starts_at: Timestamp,
    /// The venue's IANA time zone; null while unknown.
    pub time_zone: Option<String>,
    /// Of the performance.
    pub state: ScheduleState,
    pub user_id: u64,
    /// The user's.
    pub name: String,
    pub status: ReservationStatus,
    /// The sum of its seats, in minor units of the currency.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    pub opened_at: Timestamp,
    /// The time at which it was given back, or lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Absent of what was never paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<FoundPayment>,
    pub seats: Vec<ReservedSeat>,
}

/// How an order was paid, and what of that was given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundPayment {
    pub payment_id: Uuid,
    pub source: PaymentSource,
    pub at: Timestamp,
    pub amount: i64,
    /// The part of it that was given back.
    pub refunded: i64,
    /// Why it was given back, as an operator wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An order's whole life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLife {
    pub order: FoundOrder,
    /// Valid ones and void ones, by seat.
    pub tickets: Vec<OrderTicket>,
    /// What happened to it, to its performance, and to its seats since it had them, oldest first.
    pub events: Vec<OrderEvent>,
    /// What the seats of these events are called.
    pub labels: Vec<SeatLabel>,
    /// Events at the beginning, but the order's own, that are too many to be listed.
    pub left_out: u64,
    /// The beginning of the sale's journal was moved into files, which are not read here: `frontrow history` does.
    pub beginning_archived: bool,
}

/// What a seat is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeatLabel {
    pub seat: u32,
    pub label: String,
}

/// A ticket of an order. Whoever shows its code is let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderTicket {
    pub ticket_id: Uuid,
    pub seat: u32,
    pub label: String,
    pub code: String,
    pub valid: bool,
}

/// What happened to an order, its performance or its seats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderEvent {
    pub at: Timestamp,
    /// A word of the sale's journal: `hold`, `add`, `release`, `lapse`, `pay`, `refund` (of all that it had), `refund_seats`,
    /// `sell` (at the desk), `move`, `keep`, `open`, `postpone`, `calloff`. There may be others.
    pub what: String,
    /// Whose reservation it was: this one, or that of somebody else who had one of the seats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<u64>,
    /// The seats that it is about, of a `move` the one before it and the one after it; none: the performance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seats: Vec<u32>,
    /// What was paid or given back, in minor units of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// The wallet after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<i64>,
    /// Of a `lapse`: `released`, `left`, `bought_another`, `hold_time`, `idle`, `started`, `called_off`. Of a `refund`:
    /// `cancelled` by its owner, `operator`, `called_off`. Of a `sell`: `cash`, `card`, `gift`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// As an operator wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The operator who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<LogWho>,
    /// Of a `hold`: until when it could be paid. Of a `postpone`: the new start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Of a `postpone`: the start before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Timestamp>,
}
