//! Seats on the wire: their states, the lists of them in requests, the packed form of a snapshot.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeTuple as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits::SEATS_NAMED_MAX;

/// A seat's state for everybody who looks. Written as a number in snapshots and deltas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SeatState {
    Available = 0,
    TempReserved = 1,
    Reserved = 2,
    /// The house keeps it: it is not for sale.
    Restricted = 3,
}

impl SeatState {
    pub const fn from_number(number: u8) -> Option<Self> {
        if number < 4 { Some(Self::of_bits(number)) } else { None }
    }

    /// The state in the lowest two bits.
    const fn of_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::Available,
            1 => Self::TempReserved,
            2 => Self::Reserved,
            _ => Self::Restricted,
        }
    }

    /// The name that people and the database use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "AVAILABLE",
            Self::TempReserved => "TEMP_RESERVED",
            Self::Reserved => "RESERVED",
            Self::Restricted => "RESTRICTED",
        }
    }
}

impl Serialize for SeatState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*self as u8)
    }
}

impl<'de> Deserialize<'de> for SeatState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(deserializer)?;
        Self::from_number(number).ok_or_else(|| {
            de::Error::invalid_value(de::Unexpected::Unsigned(number.into()), &"a seat state from 0 to 3")
        })
    }
}

/// One seat's new state in a delta, written as `[seat, state]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatChange {
    pub seat: u32,
    pub state: SeatState,
}

impl Serialize for SeatChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        pair.serialize_element(&self.seat)?;
        pair.serialize_element(&self.state)?;
        pair.end()
    }
}

impl<'de> Deserialize<'de> for SeatChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (seat, state) = Deserialize::deserialize(deserializer)?;
        Ok(Self { seat, state })
    }
}

impl JsonSchema for SeatState {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SeatState".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "0 AVAILABLE, 1 TEMP_RESERVED, 2 RESERVED, 3 RESTRICTED (not for sale).",
            "type": "integer",
            "enum": [0, 1, 2, 3]
        })
    }
}

impl JsonSchema for SeatChange {
    fn schema_name() -> Cow<'static, str> {
        "SeatChange".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A seat's number and its state: 0 AVAILABLE, 1 TEMP_RESERVED, 2 RESERVED, 3 RESTRICTED (not for sale).",
            "type": "array",
            "prefixItems": [
                {"type": "integer", "minimum": 0, "maximum": u32::MAX},
                {"type": "integer", "enum": [0, 1, 2, 3]}
            ],
            "minItems": 2,
            "maxItems": 2
        })
    }
}

/// The seats that a request names: at least one, at most `limits::SEATS_NAMED_MAX`, none of them twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SeatList(Vec<u32>);

/// Why a list of seats is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeatListError {
    #[error("name at least one seat")]
    Empty,
    #[error("name at most {SEATS_NAMED_MAX} seats")]
    TooMany,
    #[error("seat {0} is named twice")]
    Twice(u32),
}

impl SeatList {
    pub fn as_slice(&self) -> &[u32] {
        &self.0
    }

    pub fn into_vec(self) -> Vec<u32> {
        self.0
    }
}

impl TryFrom<Vec<u32>> for SeatList {
    type Error = SeatListError;

    fn try_from(seats: Vec<u32>) -> Result<Self, SeatListError> {
        if seats.is_empty() {
            return Err(SeatListError::Empty);
        }
        if seats.len() > SEATS_NAMED_MAX {
            return Err(SeatListError::TooMany);
        }
        // There are at most a hundred numbers: looking back is quicker than sorting a copy.
        match seats.iter().enumerate().find(|(i, seat)| seats[..*i].contains(seat)) {
            Some((_, seat)) => Err(SeatListError::Twice(*seat)),
            None => Ok(Self(seats)),
        }
    }
}

impl<'de> Deserialize<'de> for SeatList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seats;
        impl<'de> de::Visitor<'de> for Seats {
            type Value = SeatList;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of seat numbers")
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<SeatList, A::Error> {
                let mut seats = Vec::with_capacity(4);
                while let Some(seat) = seq.next_element()? {
                    if seats.len() == SEATS_NAMED_MAX {
                        return Err(de::Error::custom(SeatListError::TooMany));
                    }
                    seats.push(seat);
                }
                SeatList::try_from(seats).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_seq(Seats)
    }
}

impl JsonSchema for SeatList {
    fn schema_name() -> Cow<'static, str> {
        "SeatList".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Seat numbers of one schedule, each named once.",
            "type": "array",
            "items": {"type": "integer", "minimum": 0, "maximum": u32::MAX},
            "minItems": 1,
            "maxItems": SEATS_NAMED_MAX,
            "uniqueItems": true
        })
    }
}

/// Packs a schedule for a snapshot: two bits a seat, seat 0 in the low bits of byte 0, base64 with padding.
pub fn encode_seats(states: impl IntoIterator<Item = SeatState>) -> String {
    let states = states.into_iter();
    let mut bytes = Vec::with_capacity(states.size_hint().0.div_ceil(4));
    for (seat, state) in states.enumerate() {
        if seat % 4 == 0 {
            bytes.push(0);
        }
        *bytes.last_mut().expect("a byte was just begun") |= (state as u8) << (2 * (seat % 4));
    }
    STANDARD.encode(bytes)
}

/// Why a snapshot's seats cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeatsError {
    #[error("the seats are not base64")]
    NotBase64,
    #[error("{count} seats take {expected} bytes, here are {found}")]
    Length { count: usize, expected: usize, found: usize },
    #[error("the last byte has bits beyond the last seat")]
    Surplus,
}

/// Unpacks a snapshot of `count` seats.
pub fn decode_seats(seats: &str, count: u32) -> Result<Vec<SeatState>, SeatsError> {
    let count = count as usize;
    let bytes = STANDARD.decode(seats).map_err(|_| SeatsError::NotBase64)?;
    let expected = count.div_ceil(4);
    if bytes.len() != expected {
        return Err(SeatsError::Length { count, expected, found: bytes.len() });
    }
    if !count.is_multiple_of(4) && bytes.last().is_some_and(|byte| byte >> (2 * (count % 4)) != 0) {
        return Err(SeatsError::Surplus);
    }
    Ok((0..count).map(|seat| SeatState::of_bits(bytes[seat / 4] >> (2 * (seat % 4)))).collect())
}

#[cfg(test)]
mod tests {
    use super::SeatState::{Available, Reserved, Restricted, TempReserved};
    use super::*;

    #[test]
    fn seat_0_lies_in_the_low_bits_of_byte_0() {
        assert_eq!(encode_seats([TempReserved, Reserved, Available, Reserved, TempReserved]), "iQE=");
        assert_eq!(STANDARD.decode("iQE=").unwrap(), [0b10_00_10_01, 0b01]);
        assert_eq!(encode_seats([Restricted, Available, Restricted]), "Mw==");
        assert_eq!(encode_seats([]), "");
    }

    #[test]
    fn every_count_of_seats_is_unpacked_as_it_was_packed() {
        for count in 0..70_u32 {
            let seats: Vec<_> =
                (0..count).map(|seat| SeatState::from_number((seat * 7 % 4) as u8).unwrap()).collect();
            assert_eq!(decode_seats(&encode_seats(seats.iter().copied()), count), Ok(seats));
        }
    }

    #[test]
    fn a_damaged_snapshot_is_named() {
        assert_eq!(decode_seats("?", 4), Err(SeatsError::NotBase64));
        assert_eq!(decode_seats("AA==", 5), Err(SeatsError::Length { count: 5, expected: 2, found: 1 }));
        assert_eq!(decode_seats("EA==", 2), Err(SeatsError::Surplus));
    }

    #[test]
    fn a_list_of_seats_is_bounded_and_names_each_once() {
        let hundred: Vec<u32> = (0..100).collect();
        assert_eq!(SeatList::try_from(hundred.clone()).unwrap().as_slice(), hundred);
        assert_eq!(SeatList::try_from((0..101).collect::<Vec<_>>()), Err(SeatListError::TooMany));
        assert_eq!(SeatList::try_from(vec![]), Err(SeatListError::Empty));
        assert_eq!(SeatList::try_from(vec![3, 4, 3]), Err(SeatListError::Twice(3)));
    }
}
