//! The kept figures of a sale: how its night went.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::box_office::TakenAtDesk;
use crate::time::Timestamp;

/// What was kept of a sale between two moments, a point for each span in which something was. Older spans are longer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeptFigures {
    pub concert_id: u32,
    pub from: Timestamp,
    pub to: Timestamp,
    /// The length of a span that a point is of, in seconds, unless what is kept of it is longer.
    pub span_s: u32,
    /// The end of each point's span.
    pub at: Vec<Timestamp>,
    pub points: Vec<KeptPoint>,
}

/// How a sale stood at the end of a span, and what happened in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct KeptPoint {
    /// Fans in line.
    pub waiting: u64,
    /// Fans admitted.
    pub progress: u64,
    pub available: u64,
    pub held: u64,
    pub sold: u64,
    /// Kept by the house.
    pub restricted: u64,
    /// What was paid and not given back until then, in the currency's minor unit.
    pub money: i64,
    pub at_desk: TakenAtDesk,
    /// Fans who joined the line in the span.
    pub joins: u64,
    pub admissions: u64,
    /// Seats that were held.
    pub seats_held: u64,
    /// Seats that were sold.
    pub seats_sold: u64,
    /// Holds and visits that ran out.
    pub expiries: u64,
    /// Refusals.
    pub refused: u64,
    /// The same by their reason.
    pub refusals: BTreeMap<String, u64>,
    /// Of the slowest part of the span, as the next three; 0 if nothing was answered.
    pub answers_p50_ms: f64,
    pub answers_p99_ms: f64,
    pub commit_p50_ms: f64,
    pub commit_p99_ms: f64,
}
