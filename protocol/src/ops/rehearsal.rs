//! Rehearsals: synthetic buyers against a hidden copy of a sale.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::limits::{REHEARSAL_BUYERS_MAX, REHEARSAL_SECONDS_MAX, REHEARSAL_THINK_MS_MAX};
use crate::time::Timestamp;

/// How a rehearsal is to be played. The same seed picks the same seats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginRehearsal {
    /// How many buyers there are, each a user of their own.
    #[serde(deserialize_with = "buyers")]
    #[schemars(range(min = 1, max = REHEARSAL_BUYERS_MAX))]
    pub buyers: u32,
    /// The seconds after which it ends, whether everybody is through or not.
    #[serde(default = "default_seconds", deserialize_with = "seconds")]
    #[schemars(range(min = 1, max = REHEARSAL_SECONDS_MAX))]
    pub seconds: u32,
    /// The seconds within which they all arrive, evenly; 0: at once.
    #[serde(default = "default_arrive_within", deserialize_with = "arrive_within")]
    #[schemars(range(max = REHEARSAL_SECONDS_MAX))]
    pub arrive_within: u32,
    /// The milliseconds for which each thinks before holding, and again before paying: half to one and a half of this.
    #[serde(default = "default_think", deserialize_with = "think")]
    #[schemars(range(max = REHEARSAL_THINK_MS_MAX))]
    pub think_ms: u32,
    /// The number of 100 buyers who go away with seats in their hands.
    #[serde(default = "default_abandon", deserialize_with = "abandon")]
    #[schemars(range(max = 100))]
    pub abandon: u32,
    #[serde(default = "default_seed")]
    pub seed: u32,
}

const fn default_seconds() -> u32 {
    120
}

const fn default_arrive_within() -> u32 {
    5
}

const fn default_think() -> u32 {
    1_000
}

const fn default_abandon() -> u32 {
    5
}

const fn default_seed() -> u32 {
    1
}

fn number<'de, D: Deserializer<'de>>(deserializer: D, min: u32, max: u32) -> Result<u32, D::Error> {
    let number = u32::deserialize(deserializer)?;
    match (min..=max).contains(&number) {
        true => Ok(number),
        false => Err(de::Error::custom(format_args!("must be {min} to {max}"))),
    }
}

fn buyers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    number(deserializer, 1, REHEARSAL_BUYERS_MAX)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    number(deserializer, 1, REHEARSAL_SECONDS_MAX)
}

fn arrive_within<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    number(deserializer, 0, REHEARSAL_SECONDS_MAX)
}

fn think<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    number(deserializer, 0, REHEARSAL_THINK_MS_MAX)
}

fn abandon<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    number(deserializer, 0, 100)
}

/// The last rehearsal of a concert: the one that is played here, or else the last one that came to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalOf {
    pub concert_id: u32,
    /// Null: there was none yet.
    pub rehearsal: Option<Rehearsal>,
}

/// How far a rehearsal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RehearsalState {
    /// The copy is being made, and its users.
    Preparing,
    /// The buyers are there.
    Playing,
    /// Nobody buys any more, and all of it is being taken away.
    Ending,
    /// Nothing of it is left but its report.
    Over,
}

/// A rehearsal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rehearsal {
    pub state: RehearsalState,
    pub began_at: Timestamp,
    /// When nothing of it was left; absent until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    pub asked: RehearsalAsked,
    pub figures: RehearsalFigures,
    /// When the buyers are through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<RehearsalReport>,
    /// Why it came to no good end, in a sentence for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How it is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalAsked {
    pub buyers: u32,
    pub seconds: u32,
    pub arrive_within: u32,
    pub think_ms: u32,
    pub abandon: u32,
    pub seed: u32,
}

impl From<&BeginRehearsal> for RehearsalAsked {
    fn from(asked: &BeginRehearsal) -> Self {
        let BeginRehearsal { buyers, seconds, arrive_within, think_ms, abandon, seed } = *asked;
        Self { buyers, seconds, arrive_within, think_ms, abandon, seed }
    }
}

/// Where the buyers are, and what they did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalFigures {
    /// Since they began; 0 before.
    pub seconds: u32,
    pub arrived: u64,
    pub waiting: u64,
    /// Of these, admitted and without seats in their hands.
    pub admitted: u64,
    pub holding: u64,
    /// Who has tickets.
    pub bought: u64,
    pub seats_sold: u64,
    /// Who went away with seats in their hands.
    pub abandoned: u64,
    /// Things that must not happen.
    pub faults: u64,
}

/// What a rehearsal found, in the words and figures of the load test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalReport {
    /// Is every check good?
    pub ok: bool,
    /// The time for which figures were taken.
    pub window_seconds: f64,
    pub figures: Vec<RehearsalFigure>,
    pub operations: Vec<RehearsalOperation>,
    pub checks: Vec<RehearsalCheck>,
    /// The number of things that must not happen and did, and the first of them in words.
    pub faults: u64,
    pub first_faults: Vec<String>,
    /// The course of it.
    pub seconds: Vec<RehearsalSecond>,
}

/// One number that it is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalFigure {
    /// For programs.
    pub name: String,
    pub value: f64,
    pub unit: String,
    /// For people, in English.
    pub about: String,
}

/// An operation of buyers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalOperation {
    pub op: String,
    pub ok: u64,
    /// Refused by the rules, and why.
    pub refused: u64,
    pub reasons: BTreeMap<String, u64>,
    /// Things that must not happen.
    pub failed: u64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

/// Something that has to be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalCheck {
    pub name: String,
    pub ok: bool,
    pub detail: String,
}

/// One second of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalSecond {
    pub second: u32,
    pub arrived: u64,
    pub admissions: u64,
    pub seats_held: u64,
    pub seats_sold: u64,
    /// Buyers who waited at its end.
    pub waiting: u64,
}
