//! What is wrong, and was.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::time::Timestamp;

/// The alarms that go on, and those that are over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alarms {
    /// Those that go on, oldest first.
    pub open: Vec<Alarm>,
    /// Those that are over, newest first.
    pub past: Vec<Alarm>,
    /// Older ones come with `before` set to this; null: there are none.
    pub next: Option<u64>,
}

/// Something that is or was wrong. There are never two open ones of the same `kind` and `subject`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alarm {
    /// Null while the database has not taken it: it may be the database that is wrong.
    pub alarm_id: Option<u64>,
    /// `no_movement`, `answers_late`, `commits_slow`, `lane_out`, `refusals_rising`, `differences`, `audit`, `log_lost`,
    /// `outbox_drops`, `disk_low`, `refunds_stuck`, `clock_stepped`. There may be more.
    pub kind: String,
    /// What it is about: `sale 7`, `schedule 9`, `server NAME:PORT`, `lane 0 of NAME:PORT`, or `database`.
    pub subject: String,
    /// The sale that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concert_id: Option<u32>,
    pub raised_at: Timestamp,
    /// Null: it goes on.
    pub ended_at: Option<Timestamp>,
    /// The figures that raised it, by name. Which there are depends on the kind.
    pub facts: BTreeMap<String, Value>,
    /// The operator who said first that they saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_by: Option<SeenBy>,
}

/// An operator who saw an alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeenBy {
    /// Absent of a token that names no operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
