//! The time zone of a venue: whose name is one, and which instant a time on the venue's clocks is. By the zones that are
//! compiled in, so that the same plan is read alike on every machine, also on one without any.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::domain::time::Timestamp;

/// An IANA time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(TimeZone);

/// A text that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no IANA time zone such as Asia/Seoul")]
pub struct UnknownZone(String);

impl FromStr for Zone {
    type Err = UnknownZone;
    /// Reads a zone's name in whatever case; `name` has the usual one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let zone = TimeZone::get(text).ok().filter(|zone| !zone.is_unknown() && zone.iana_name().is_some());
        zone.map(Self).ok_or_else(|| UnknownZone(text.chars().take(64).collect()))
    }
}

impl Zone {
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The time of day of a moment, as 19:30; in UTC where no zone is known.
    pub fn clock(zone: Option<&Self>, at: Timestamp) -> String {
        civil(zone, at).strftime("%H:%M").to_string()
    }

    /// The day and time of a moment, as 2026-08-15 19:30; in UTC where no zone is known.
    pub fn day_and_clock(zone: Option<&Self>, at: Timestamp) -> String {
        civil(zone, at).strftime("%Y-%m-%d %H:%M").to_string()
    }
}

fn civil(zone: Option<&Zone>, at: Timestamp) -> DateTime {
    // Times of the wire are within four digits of years.
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    match zone {
        Some(zone) => zone.0.to_datetime(at),
        None => TimeZone::UTC.to_datetime(at),
    }
}

/// The start of a performance, as an organiser writes it: with an offset, or by the venue's clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenTime {
    Instant(Timestamp),
    Local(DateTime),
}

/// Why a text is no time, or no one time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    #[error("`{0}` is not an RFC 3339 time such as 2027-05-01T19:00:00+09:00, nor one without its offset")]
    NotATime(String),
    #[error("`{0}` has no offset: name the venue's time zone, or write it like 2027-05-01T19:00:00+09:00")]
    NoZone(DateTime),
    #[error("`{0}` is no one time in {1}, where clocks are changed then: write it with its offset")]
    Ambiguous(DateTime, String),
}

impl FromStr for WrittenTime {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(instant) = text.parse::<frontrow_protocol::Timestamp>() {
            return Ok(Self::Instant(Timestamp::from_millis(instant.as_millis())));
        }
        // A time with a letter or an offset behind it was meant as an instant, and is none.
        let clock = text.split_once(['T', 't', ' ']).map_or("", |(_, clock)| clock);
        let is_plain =
            clock.len() >= 5 && clock.bytes().all(|b| b.is_ascii_digit() || b == b':' || b == b'.');
        match text.parse::<DateTime>() {
            Ok(local) if is_plain => Ok(Self::Local(local)),
            _ => Err(TimeError::NotATime(text.to_owned())),
        }
    }
}

impl WrittenTime {
    pub fn instant(self, zone: Option<&Zone>) -> Result<Timestamp, TimeError> {
        match (self, zone) {
            (Self::Instant(instant), _) => Ok(instant),
            (Self::Local(local), None) => Err(TimeError::NoZone(local)),
            (Self::Local(local), Some(zone)) => match zone.0.to_ambiguous_timestamp(local).unambiguous() {
                Ok(instant) => Ok(Timestamp::from_millis(instant.as_millisecond())),
                Err(_) => Err(TimeError::Ambiguous(local, zone.name().to_owned())),
            },
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    #[test]
    fn a_zone_is_one_of_the_list_in_its_usual_case() {
        assert_eq!(zone("Asia/Seoul").name(), "Asia/Seoul");
        assert_eq!(zone("america/new_york").name(), "America/New_York");
        for wrong in ["", "Seoul", "Asia/Atlantis", "+09:00", "UTC+9", "Etc/Unknown", "/etc/passwd", "../UTC"]
        {
            assert!(wrong.parse::<Zone>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_moment_is_shown_by_the_venues_clocks() {
        let at: WrittenTime = "2027-05-01T16:30:00Z".parse().unwrap();
        let at = at.instant(None).unwrap();
        let seoul = zone("Asia/Seoul");
        assert_eq!(Zone::day_and_clock(Some(&seoul), at), "2027-05-02 01:30");
        assert_eq!((Zone::clock(Some(&seoul), at), Zone::clock(None, at)), ("01:30".into(), "16:30".into()));
    }

    #[test]
    fn a_time_without_an_offset_is_one_by_the_venues_clocks() {
        let at = |text: &str, zone: Option<&Zone>| text.parse::<WrittenTime>()?.instant(zone);
        let (seoul, berlin) = (zone("Asia/Seoul"), zone("Europe/Berlin"));
        let evening = at("2027-05-01T19:00:00+09:00", None).unwrap();
        for text in ["2027-05-01T19:00", "2027-05-01 19:00:00", "2027-05-01T10:00:00Z"] {
            assert_eq!(at(text, Some(&seoul)), Ok(evening), "{text}");
        }
        // The zone has no say where there is an offset.
        assert_eq!(at("2027-05-01T19:00:00+09:00", Some(&berlin)), Ok(evening));
        assert_eq!(at("2027-01-01T20:00", Some(&berlin)), at("2027-01-01T20:00:00+01:00", None));
        assert_eq!(at("2027-07-01T20:00", Some(&berlin)), at("2027-07-01T20:00:00+02:00", None));
        assert!(matches!(at("2027-05-01T19:00", None), Err(TimeError::NoZone(_))));
        // The hour that is left out in spring, and the one that comes twice in autumn.
        for text in ["2027-03-28T02:30", "2027-10-31T02:30"] {
            assert!(matches!(at(text, Some(&berlin)), Err(TimeError::Ambiguous(..))), "{text}");
        }
        for wrong in
            ["", "tomorrow", "2027-05-01", "19:00", "2027-05-01T19", "2027-05-01T19:00+9", "2027-13-01T19:00"]
        {
            assert!(matches!(at(wrong, Some(&seoul)), Err(TimeError::NotATime(_))), "{wrong}");
        }
    }
}
