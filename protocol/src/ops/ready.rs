//! Whether a sale, and the server that runs it, are ready before the doors open.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::time::Timestamp;

/// A list that is all good before the doors open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SaleReadiness {
    pub concert_id: u32,
    /// When it was looked.
    pub at: Timestamp,
    /// Nothing of it is bad.
    pub ready: bool,
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// `store_durable`, `store_fast`, `clock`, `disk`, `files`, `sale_runs`, `servers`, `keys`, `rules`, `performances`, `plan`,
    /// `prices`, `opening`, `rehearsal`, `alarms`, `webhooks`. There may be more.
    pub name: String,
    pub state: CheckState,
    /// What was seen, by name.
    pub facts: BTreeMap<String, Value>,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    Good,
    /// Somebody should look at it.
    Look,
    /// The doors should not be opened.
    Bad,
}
