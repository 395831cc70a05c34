//! What the box office sells to somebody who stands there, or gives away.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use uuid::Uuid;

use super::note;
use super::orders::Order;
use crate::ids::IdempotencyKey;
use crate::limits::{
    MONEY_MAX, NOTE_CHARS_MAX, SEATS_PER_RESERVATION_MAX, USER_NAME_CHARS_MAX, is_blank, is_control,
};
use crate::time::Timestamp;

/// Sells seats of one performance at once, or gives them away: all of these or none. Nobody has to stand in line for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SellSeats {
    /// By their numbers: free ones, and those that the house keeps.
    #[serde(deserialize_with = "seats")]
    #[schemars(length(min = 1, max = SEATS_PER_RESERVATION_MAX))]
    pub seats: Vec<u32>,
    pub source: DeskSource,
    /// What was told to whoever buys, in minor units of the currency. If they cost something else by now, nothing is sold, and
    /// `CHANGED_MEANWHILE` says what.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "amount")]
    #[schemars(range(min = 0, max = MONEY_MAX))]
    pub amount: Option<i64>,
    /// Who buys, as they want to be called: orders are found by it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "name")]
    #[schemars(length(min = 1, max = USER_NAME_CHARS_MAX))]
    pub name: Option<String>,
    /// For the other operators.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "note")]
    #[schemars(length(min = 1, max = NOTE_CHARS_MAX))]
    pub note: Option<String>,
    /// New for each order: sent again, the call sells nothing twice, and gives the same order.
    pub request_id: IdempotencyKey,
}

fn seats<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    let seats = Vec::<u32>::deserialize(deserializer)?;
    match (1..=SEATS_PER_RESERVATION_MAX as usize).contains(&seats.len()) {
        true => Ok(seats),
        false => Err(de::Error::custom(format_args!("must have 1 to {SEATS_PER_RESERVATION_MAX} seats"))),
    }
}

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let amount = Option::<i64>::deserialize(deserializer)?;
    match amount {
        Some(amount) if !(0..=MONEY_MAX).contains(&amount) => {
            Err(de::Error::custom(format_args!("must be from 0 to {MONEY_MAX}, or left out")))
        }
        _ => Ok(amount),
    }
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(name) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    if name.chars().any(is_control) {
        return Err(de::Error::custom("must have no control characters"));
    }
    if is_blank(&name) || name.chars().count() > USER_NAME_CHARS_MAX {
        return Err(de::Error::custom(format_args!(
            "must have 1 to {USER_NAME_CHARS_MAX} characters, not only spaces or what cannot be seen, or be left out"
        )));
    }
    Ok(Some(name))
}

/// How it is paid at the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeskSource {
    Cash,
    Card,
    /// Not at all: the house gives the seats away.
    Gift,
}

/// What the box office sold, with its tickets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeskOrder {
    pub order: Order,
    /// `false`: the call was sent before, and nothing was sold again.
    pub created: bool,
    /// Who bought; empty if nobody was named.
    pub name: String,
    /// The concert's.
    pub title: String,
    pub venue: String,
    pub starts_at: Timestamp,
    /// The venue's IANA time zone; null while unknown.
    pub time_zone: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// Those that are valid, by seat.
    pub tickets: Vec<DeskTicket>,
}

/// A ticket to be handed out. Whoever shows its code is let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeskTicket {
    pub ticket_id: Uuid,
    pub seat: u32,
    pub label: String,
    pub category: String,
    /// In minor units of the currency.
    pub price: i64,
    pub code: String,
}

/// Paid orders whose money comes back at the desk alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AtDesk {
    pub orders: u64,
    pub seats: u64,
    /// What was paid for them and not given back, in minor units of the currency.
    pub amount: i64,
}

/// The part of the money that was taken at the desk, in minor units of the currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TakenAtDesk {
    pub cash: i64,
    pub card: i64,
}
