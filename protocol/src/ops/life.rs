//! What becomes of performances: another start, or none.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use super::box_office::AtDesk;
use super::{note, reason};
use crate::error::Reason;
use crate::limits::NOTE_CHARS_MAX;
use crate::result::ScheduleState;
use crate::time::Timestamp;

/// Another start for a performance that has not begun. Tickets keep their codes, and until when an order may be cancelled
/// follows from the new start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Postpone {
    pub starts_at: Timestamp,
    /// Why, as fans are told.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "note")]
    #[schemars(length(min = 1, max = NOTE_CHARS_MAX))]
    pub reason: Option<String>,
    /// What was seen before. If it is not so any more, nothing is changed, and `CHANGED_MEANWHILE` says what is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<SeenStart>,
}

/// The start that an operator saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenStart {
    pub starts_at: Timestamp,
}

/// Calls a performance off, or every one of a concert. There is no way back: whoever paid gets the money back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallOff {
    /// Why, as fans are told.
    #[serde(deserialize_with = "reason")]
    #[schemars(length(min = 1, max = NOTE_CHARS_MAX))]
    pub reason: String,
    pub confirm: Confirmed,
}

/// `CALL OFF`, so that nobody does it by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed;

impl Confirmed {
    pub const WORDS: &'static str = "CALL OFF";
}

impl Serialize for Confirmed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Self::WORDS)
    }
}

impl<'de> Deserialize<'de> for Confirmed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match &*Cow::<'de, str>::deserialize(deserializer)? {
            Self::WORDS => Ok(Self),
            _ => Err(de::Error::custom(format_args!("must be `{}`", Self::WORDS))),
        }
    }
}

impl JsonSchema for Confirmed {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Confirmed".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"const": Self::WORDS})
    }
}

/// A performance as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleLife {
    pub schedule_id: u64,
    pub concert_id: u32,
    pub starts_at: Timestamp,
    pub state: ScheduleState,
    /// Why it was moved or called off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The refunds of performances that were called off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refunds {
    pub refunds: Vec<RefundProgress>,
}

/// How far the refunds of one performance are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefundProgress {
    pub concert_id: u32,
    pub schedule_id: u64,
    /// Seats paid from wallets whose money is still to be given back; 0: all of it was.
    pub seats_left: u64,
    /// What was paid at the desk, and waits there until somebody comes for it: an operator refunds such an order.
    #[serde(default)]
    pub at_desk: AtDesk,
    /// Orders that were given back since this server began to run the sale.
    pub orders_done: u64,
    /// Orders that cannot be given back now, the first hundred of them. They are tried again from time to time.
    pub stuck: Vec<StuckRefund>,
}

/// An order that cannot be given back now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StuckRefund {
    pub reservation_id: Uuid,
    pub reason: Reason,
    /// A text for a person.
    pub message: String,
}
