//! The figures of the night, live over the websocket.
//!
//! An update leads on from one state to the next, as with seats: drop it if `seq` is not above the one that is known, apply
//! it if `from` is not above it either, else ask `ops.watch` again. Lines replace those of the same sale.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alarms::Alarm;
use super::box_office::TakenAtDesk;
use crate::admin::{SaleSettings, SaleSettingsOwn};
use crate::result::{SaleState, ScheduleState};
use crate::time::Timestamp;

/// What is watched, as it stands; `ops.update` leads on from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpsState {
    /// The sale; null: every sale.
    pub concert_id: Option<u32>,
    pub seq: u64,
    pub server_time: Timestamp,
    /// When the figures were gathered; null before that happened once.
    pub at: Option<Timestamp>,
    pub sales: Vec<SaleLine>,
    /// Of the one sale that is watched; absent until its figures were gathered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<SaleDetail>,
    /// Those that go on, oldest first; of the one sale that is watched, those about it.
    #[serde(default)]
    pub alarms: Vec<Alarm>,
}

/// What changed of what is watched. It comes each second in which something did, and every few seconds in any case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpsUpdate {
    /// The sale; null: every sale.
    pub concert_id: Option<u32>,
    /// The `seq` that it leads on from.
    pub from: u64,
    pub seq: u64,
    /// When the figures were gathered.
    pub at: Timestamp,
    /// Lines that changed, whole.
    pub sales: Vec<SaleLine>,
    /// Sales that are not there any more.
    #[serde(default)]
    pub gone: Vec<u32>,
    /// Of the one sale that is watched, if something of it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<SaleDetail>,
    /// If they changed: all that go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<Vec<Alarm>>,
}

/// Where a sale is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Runs {
    /// By the server that says so.
    Here,
    /// By another server of the same database.
    Elsewhere,
    /// By nobody at this moment: it is being loaded.
    Loading,
}

/// A sale in a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SaleLine {
    pub concert_id: u32,
    /// Null of a sale that this server never ran.
    pub title: Option<String>,
    pub runs: Runs,
    /// Is it run here, and did it answer in time when it was asked last? If it is and did not, nothing is decided in it.
    pub answers: bool,
    /// When the figures were taken, of a sale that was run here once; null: they are as new as everything else.
    pub figures_at: Option<Timestamp>,
    /// Absent of a sale that this server never ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<LiveFigures>,
}

/// The figures of a sale, as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveFigures {
    pub venue: String,
    pub state: SaleState,
    pub opens_at: Option<Timestamp>,
    /// The performance that begins next.
    pub next_start: Option<Timestamp>,
    /// The venue's IANA time zone; null while unknown.
    pub time_zone: Option<String>,
    /// Fans in line.
    pub waiting: u64,
    /// Fans admitted.
    pub progress: u64,
    /// Fans admitted at once, at most.
    pub capacity: u32,
    /// Seats of all performances; the next four are how many of them are in which state.
    pub seats: u64,
    pub available: u64,
    pub held: u64,
    pub sold: u64,
    /// Kept by the house.
    pub restricted: u64,
    /// What was paid and not given back, in the currency's minor unit.
    pub money: i64,
    #[serde(default)]
    pub at_desk: TakenAtDesk,
    /// ISO 4217.
    pub currency: String,
    pub joins_per_minute: u32,
    pub admissions_per_minute: u32,
    /// Seats sold.
    pub sales_per_minute: u32,
    /// The seconds until no seat is free at the pace of the last five minutes; null while too little is sold to say so.
    pub sells_out_in_s: Option<u64>,
}

/// More of one sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SaleDetail {
    /// The operator's message to the fans.
    pub message: Option<String>,
    /// The rules in force.
    pub settings: SaleSettings,
    /// Those of them that the operator set; the rest are the run's defaults.
    pub settings_own: SaleSettingsOwn,
    /// In the order of their start.
    pub by_schedule: Vec<ScheduleLine>,
    /// From a request's arrival until what came of it was durable.
    pub answers_ms: Option<Quantiles>,
    /// What the store took to keep a batch.
    pub commit_ms: Option<Quantiles>,
    /// Refusals of the last minute, by their reason.
    pub refusals_per_minute: BTreeMap<String, u32>,
    /// What ended by time in the last minute: `hold`, `idle`, `time`, `away`.
    pub expiries_per_minute: BTreeMap<String, u32>,
    /// Connections that watch the sale's seats.
    pub watchers: u32,
    /// Connections of the whole server.
    pub connections: u32,
}

/// A performance in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleLine {
    pub schedule_id: u64,
    pub starts_at: Timestamp,
    pub state: ScheduleState,
    pub available: u64,
    pub held: u64,
    pub sold: u64,
    pub restricted: u64,
    /// Free seats by category.
    pub left: BTreeMap<String, u32>,
}

/// Of the last minute: half took no longer than `p50`, all but one of a hundred no longer than `p99`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quantiles {
    pub p50: f64,
    pub p99: f64,
}
