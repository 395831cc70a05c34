//! Instants as they are written on the wire: RFC 3339, UTC, milliseconds.
//! Always written with exactly three digits of a second and `Z`; any RFC 3339 form is read.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant in milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is not an RFC 3339 time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time such as 2026-07-01T19:00:00.000Z")]
pub struct TimestampError;

const DAY_MILLIS: i64 = 86_400_000;
/// Days from 0000-03-01, where the calendar below begins its years, to the epoch.
const EPOCH_DAYS: i64 = 719_468;
const DAYS_OF_400_YEARS: i64 = 146_097;

impl Timestamp {
    /// The first and the last instant with a year of four digits, which is all that RFC 3339 can write.
    pub const MIN: Self = Self(-62_167_219_200_000);
    pub const MAX: Self = Self(253_402_300_799_999);

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The 24 bytes of ASCII that stand for this instant; outside of `MIN..=MAX`, those of the nearer bound.
    pub fn to_ascii(self) -> [u8; 24] {
        let millis = self.0.clamp(Self::MIN.0, Self::MAX.0);
        let (year, month, day) = civil_from_days(millis.div_euclid(DAY_MILLIS));
        let of_day = millis.rem_euclid(DAY_MILLIS);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        write_digits(&mut text[0..4], year);
        write_digits(&mut text[5..7], month);
        write_digits(&mut text[8..10], day);
        write_digits(&mut text[11..13], of_day / 3_600_000);
        write_digits(&mut text[14..16], of_day / 60_000 % 60);
        write_digits(&mut text[17..19], of_day / 1000 % 60);
        write_digits(&mut text[20..23], of_day % 1000);
        text
    }
}

fn write_digits(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Years here begin in March, so that the leap day is the last of its year and months need no table.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAYS;
    let era = days.div_euclid(DAYS_OF_400_YEARS);
    let day_of_era = days.rem_euclid(DAYS_OF_400_YEARS);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096).div_euclid(365);
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_OF_400_YEARS + day_of_era - EPOCH_DAYS
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_from_civil(next_year, next_month, 1) - days_from_civil(year, month, 1)
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        read_rfc3339(text.as_bytes()).ok_or(TimestampError)
    }
}

fn read_rfc3339(text: &[u8]) -> Option<Timestamp> {
    let (stamp, mut rest) = text.split_at_checked(19)?;
    let separators = [stamp[4], stamp[7], stamp[10], stamp[13], stamp[16]];
    if !matches!(separators, [b'-', b'-', b'T' | b't' | b' ', b':', b':']) {
        return None;
    }
    let year = number(&stamp[0..4], 9999)?;
    let month = number(&stamp[5..7], 12)?;
    let day = number(&stamp[8..10], 31)?;
    let hour = number(&stamp[11..13], 23)?;
    let minute = number(&stamp[14..16], 59)?;
    // A leap second is read as the second after it: nothing here counts them.
    let second = number(&stamp[17..19], 60)?;
    if month == 0 || day == 0 || day > days_of_month(year, month) {
        return None;
    }
    let mut millis = 0;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        // Digits beyond the third are cut off, not rounded, so that no time is read as later than it is.
        millis = (0..3).fold(0, |sum, i| {
            sum * 10 + i64::from(fraction[..digits].get(i).copied().unwrap_or(b'0') - b'0')
        });
        rest = &fraction[digits..];
    }
    let offset_minutes = match rest {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), hours @ .., b':', m1, m2] if hours.len() == 2 => {
            let minutes = number(hours, 23)? * 60 + number(&[*m1, *m2], 59)?;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let stamp = Timestamp((seconds - offset_minutes * 60) * 1000 + millis);
    (Timestamp::MIN <= stamp && stamp <= Timestamp::MAX).then_some(stamp)
}

fn number(digits: &[u8], max: i64) -> Option<i64> {
    let mut number = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(digit - b'0');
    }
    (number <= max).then_some(number)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.to_ascii()).expect("digits and separators are ASCII"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .serialize_str(std::str::from_utf8(&self.to_ascii()).expect("digits and separators are ASCII"))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rfc3339;
        impl de::Visitor<'_> for Rfc3339 {
            type Value = Timestamp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 time")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Rfc3339)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "RFC 3339. The server writes UTC with three digits of a second.",
            "type": "string",
            "format": "date-time",
            "examples": ["2026-07-01T19:00:00.000Z"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<i64> {
        text.parse().ok().map(Timestamp::as_millis)
    }

    #[test]
    fn an_instant_is_written_with_three_digits_and_z() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_782_932_400_007, "2026-07-01T19:00:00.007Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ];
        for (millis, text) in cases {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
            assert_eq!(read(text), Some(millis));
        }
        assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_millis(i64::MIN).to_string(), "0000-01-01T00:00:00.000Z");
    }

    #[test]
    fn every_day_of_400_years_is_read_as_it_was_written() {
        let first = days_from_civil(1800, 1, 1);
        let mut previous = civil_from_days(first - 1);
        for day in first..first + DAYS_OF_400_YEARS {
            let civil = civil_from_days(day);
            assert_eq!(days_from_civil(civil.0, civil.1, civil.2), day);
            assert!(civil > previous, "{civil:?} after {previous:?}");
            previous = civil;
        }
        assert_eq!(previous, (2199, 12, 31));
    }

    #[test]
    fn every_form_of_rfc_3339_is_read() {
        let same = read("2026-07-01T19:00:00.000Z").unwrap();
        for text in [
            "2026-07-01T19:00:00Z",
            "2026-07-01t19:00:00z",
            "2026-07-01 19:00:00Z",
            "2026-07-02T04:00:00+09:00",
            "2026-07-01T13:30:00.0-05:30",
            "2026-07-01T19:00:00.000999999Z",
            "2026-07-01T18:59:60Z",
        ] {
            assert_eq!(read(text), Some(same), "{text}");
        }
        assert_eq!(read("2026-07-01T19:00:00.25Z"), Some(same + 250));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-07-01",
            "2026-07-01T19:00:00",
            "2026-07-01T19:00:00.Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00+9:00",
            "2026-01-01T00:00:00+0900",
            "2026-01-01T00:00:00Z ",
            "0000-01-01T00:00:00+01:00",
            "２026-01-01T00:00:00Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
