//! Seats that the house keeps from sale, or gives back to it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::note;
use crate::limits::NOTE_CHARS_MAX;
use crate::seats::SeatState;

/// Keeps seats of one performance from sale, or gives them back. Those that somebody holds or bought stay theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestrictSeats {
    /// `true`: the house keeps them; `false`: they are for sale.
    pub restrict: bool,
    pub select: SeatSelection,
    /// Why, for the other operators.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "note")]
    #[schemars(length(min = 1, max = NOTE_CHARS_MAX))]
    pub note: Option<String>,
}

/// Seats of one performance, selected in one of these ways. Rows and zones go by their places in the layout, from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeatSelection {
    /// Seats by their numbers.
    Seats(Vec<u32>),
    /// Seats by their labels, as on tickets.
    Labels(Vec<String>),
    Rows(Vec<u32>),
    Zones(Vec<u32>),
    Categories(Vec<String>),
    /// Every seat.
    All(Yes),
}

/// `true`, the one thing that may be said there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Yes;

impl Serialize for Yes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

impl<'de> Deserialize<'de> for Yes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match bool::deserialize(deserializer)? {
            true => Ok(Self),
            false => Err(de::Error::custom("must be true, or left out")),
        }
    }
}

impl JsonSchema for Yes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Yes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"const": true})
    }
}

/// What became of the seats that were selected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestrictedSeats {
    pub schedule_id: u64,
    /// How many are kept now, or for sale again, and were not before.
    pub changed: u32,
    /// How many somebody holds or bought, so that they stayed theirs.
    pub left: u32,
    /// The first hundred of those.
    pub left_seats: Vec<LeftSeat>,
}

/// A seat that stayed whose it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftSeat {
    pub seat: u32,
    pub label: String,
    pub state: SeatState,
}
