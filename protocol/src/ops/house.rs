//! A concert and its performances as operators look at them before they change something.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::box_office::AtDesk;
use crate::about::{About, PageCategory};
use crate::result::ScheduleState;
use crate::time::Timestamp;

/// What is said of a concert, and every performance of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HouseConcert {
    pub concert_id: u32,
    pub title: String,
    pub about: About,
    /// ISO 4217.
    pub currency: String,
    /// The venue's IANA time zone; null while unknown.
    pub time_zone: Option<String>,
    /// In the order of their start, also those that have begun.
    pub schedules: Vec<HouseSchedule>,
}

/// A performance, with what becomes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HouseSchedule {
    pub schedule_id: u64,
    pub starts_at: Timestamp,
    pub state: ScheduleState,
    /// Why it was moved or called off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// It has begun: it is called off at most.
    pub begun: bool,
    /// What free seats cost, and how many there are, in the plan's order.
    pub categories: Vec<PageCategory>,
}

/// What is sold of a performance: what calling it off gives back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SoldOrders {
    pub concert_id: u32,
    pub schedule_id: u64,
    pub orders: u64,
    pub seats: u64,
    /// What was paid for them and not given back, in minor units of the currency.
    pub amount: i64,
    /// The part of it that was paid at the desk, and comes back there alone.
    #[serde(default)]
    pub at_desk: AtDesk,
    /// ISO 4217.
    pub currency: String,
}
