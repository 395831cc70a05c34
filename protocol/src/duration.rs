//! Durations as people write them: `300s`, `5m`, `1h30m`, `500ms`. Settings, the command line and operators'
//! requests share this one form. A number without a unit is refused, because nobody agrees on which is meant.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits::DURATION_MILLIS_MAX;

/// A length of time in whole milliseconds, from zero to `limits::DURATION_MILLIS_MAX`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HumanDuration(u64);

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HumanDurationError {
    #[error("`{0}` is not a duration such as 500ms, 30s, 5m, 12h, 1d or 1h30m")]
    Malformed(String),
    #[error("`{0}` is longer than 366 days")]
    TooLong(String),
}

/// Largest first, as a duration is written.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl HumanDuration {
    /// Cut to the longest duration that can be written.
    pub const fn from_millis(millis: u64) -> Self {
        Self(if millis > DURATION_MILLIS_MAX { DURATION_MILLIS_MAX } else { millis })
    }

    pub const fn from_secs(seconds: u64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    pub const fn as_millis(self) -> u64 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub const fn as_duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl From<HumanDuration> for Duration {
    fn from(duration: HumanDuration) -> Self {
        duration.as_duration()
    }
}

impl From<Duration> for HumanDuration {
    /// Parts of a millisecond are cut off.
    fn from(duration: Duration) -> Self {
        Self::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }
}

impl FromStr for HumanDuration {
    type Err = HumanDurationError;

    fn from_str(text: &str) -> Result<Self, HumanDurationError> {
        // Echoed in the error, so a long one is cut.
        let shown = || text.chars().take(40).collect::<String>();
        let malformed = || HumanDurationError::Malformed(shown());
        let too_long = || HumanDurationError::TooLong(shown());
        let mut rest = text;
        let mut sum: u64 = 0;
        // Each part has to be of a smaller unit than the one before: 1h30m, never 30m1h or 5m5m.
        let mut units_left = &UNITS[..];
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at(digits);
            let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, after) = after.split_at(letters);
            if number.is_empty() {
                return Err(malformed());
            }
            let place = units_left.iter().position(|(name, _)| *name == unit).ok_or_else(malformed)?;
            let number: u64 = number.parse().map_err(|_| too_long())?;
            sum = number
                .checked_mul(units_left[place].1)
                .and_then(|part| sum.checked_add(part))
                .filter(|sum| *sum <= DURATION_MILLIS_MAX)
                .ok_or_else(too_long)?;
            units_left = &units_left[place + 1..];
            rest = after;
        }
        if text.is_empty() { Err(malformed()) } else { Ok(Self(sum)) }
    }
}

impl fmt::Display for HumanDuration {
    /// One number with the largest unit that leaves no rest: `5m`, `90s`, `1500ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.pad("0s");
        }
        let (name, millis) =
            UNITS.iter().find(|(_, millis)| self.0.is_multiple_of(*millis)).expect("1 divides everything");
        f.pad(&format!("{}{name}", self.0 / millis))
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = HumanDuration;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"300s\" or \"5m\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<HumanDuration, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time, at most 366 days: whole numbers with the units d, h, m, s, ms, larger ones first.",
            "type": "string",
            "pattern": "^(?=.)(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?$",
            "examples": ["300s", "5m", "1h30m", "500ms"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_and_written() {
        for (text, millis, written) in [
            ("500ms", 500, "500ms"),
            ("2s", 2000, "2s"),
            ("300s", 300_000, "5m"),
            ("90s", 90_000, "90s"),
            ("1h30m", 5_400_000, "90m"),
            ("24h", 86_400_000, "1d"),
            ("1m500ms", 60_500, "60500ms"),
            ("0s", 0, "0s"),
            ("366d", DURATION_MILLIS_MAX, "366d"),
        ] {
            let duration: HumanDuration = text.parse().unwrap();
            assert_eq!(duration.as_millis(), millis, "{text}");
            assert_eq!(duration.to_string(), written);
            assert_eq!(written.parse(), Ok(duration));
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_and_named() {
        for text in ["", "5", "s", "5 m", "-5s", "1.5h", "5m5m", "30m1h", "5min", "5S", "٥s"] {
            let error = text.parse::<HumanDuration>().unwrap_err();
            assert_eq!(error, HumanDurationError::Malformed(text.to_owned()));
        }
        for text in ["367d", "99999999999999999999s", "18446744073709551615d", "366d1ms"] {
            assert_eq!(text.parse::<HumanDuration>(), Err(HumanDurationError::TooLong(text.to_owned())));
        }
    }
}
