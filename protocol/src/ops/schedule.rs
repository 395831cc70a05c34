//! What an operator changes of a performance.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::limits::PRICE_MAX;
use crate::time::Timestamp;

/// Changes a performance. What somebody holds or bought costs what it did, whatever becomes of prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SchedulePatch {
    /// What free seats of these categories cost from now on, in the currency's minor unit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "prices")]
    #[schemars(extend("additionalProperties" = {"type": "integer", "minimum": 0, "maximum": PRICE_MAX}))]
    pub prices: BTreeMap<String, i64>,
    /// The same in every other performance of the concert that has not begun: in all of them, or in none.
    #[serde(default, skip_serializing_if = "is_false")]
    pub all_performances: bool,
    /// What was seen of these before. If it is not so any more, nothing is changed, and `CHANGED_MEANWHILE` says what is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<ScheduleWas>,
}

/// Another performance of a concert, in the same hall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSchedule {
    pub starts_at: Timestamp,
    /// What seats of these categories cost there, in the currency's minor unit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "prices")]
    #[schemars(extend("additionalProperties" = {"type": "integer", "minimum": 0, "maximum": PRICE_MAX}))]
    pub prices: BTreeMap<String, i64>,
    /// What seats of the other categories cost: the prices of this performance of the concert. Left out: those that the
    /// concert was announced with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices_of: Option<u64>,
}

/// What an operator saw of a performance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleWas {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "prices")]
    #[schemars(extend("additionalProperties" = {"type": "integer", "minimum": 0, "maximum": PRICE_MAX}))]
    pub prices: BTreeMap<String, i64>,
}

/// A performance as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleInfo {
    pub schedule_id: u64,
    pub starts_at: Timestamp,
    /// What a free seat of each category costs, in the currency's minor unit.
    pub prices: BTreeMap<String, i64>,
    /// The free seats of each category.
    pub left: BTreeMap<String, u32>,
}

/// As serde asks for it.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}

/// Each category once, and no price that no seat may have.
fn prices<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, i64>, D::Error> {
    struct Prices;
    impl<'de> Visitor<'de> for Prices {
        type Value = BTreeMap<String, i64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of categories with their prices")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut prices = BTreeMap::new();
            while let Some((category, price)) = map.next_entry::<String, i64>()? {
                if !(0..=PRICE_MAX).contains(&price) {
                    return Err(de::Error::custom(format_args!("a price must be between 0 and {PRICE_MAX}")));
                }
                if prices.insert(category, price).is_some() {
                    return Err(de::Error::custom("a category is named twice"));
                }
            }
            Ok(prices)
        }
    }
    deserializer.deserialize_map(Prices)
}
