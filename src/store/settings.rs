//! A sale's settings as they are stored: its state, opening and message in columns of their own, and what its operator set
//! of its rules as one JSON object (`own_rules`), in the same words as in the journal. Another rule needs nothing here.
//!
//! In this release the rules of before `own_rules` are in their old columns as well, and those decide: an older server
//! beside this one, and people's SQL, change a column alone, and leave the object behind it. What a newer server has set
//! stays in the object, although this one does not know it. The next step is in migrations/README.md.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::columns::{Bind, Cells, known};
use super::{StoreError, words};
use crate::domain::rules::{OwnRule, OwnRules, SaleSettings};

/// The columns of older rules, in the order of `settings_columns`. None is added any more.
const OLD_COLUMNS: [&str; 8] = [
    "capacity",
    "hold_ttl_ms",
    "admission_ttl_ms",
    "idle_ttl_ms",
    "away_ttl_ms",
    "seats_per_reservation_max",
    "cancel_before_start_ms",
    "hold_again_after_ms",
];

/// A sale's settings in the row of its concert, in the order of `bind_settings`.
macro_rules! settings_columns {
    () => {
        "state, opens_at, message, capacity, hold_ttl_ms, admission_ttl_ms, idle_ttl_ms, away_ttl_ms, \
         seats_per_reservation_max, cancel_before_start_ms, hold_again_after_ms, own_rules"
    };
}

/// The values of these columns in a new row. `$merge` is the backend's name for RFC 7396, in which null takes away.
macro_rules! settings_values {
    ($merge:literal) => {
        concat!("?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ", $merge, "('{}', ?)")
    };
}

/// Changes these columns of a row; what a newer server has in `own_rules` stays.
macro_rules! settings_update {
    ($merge:literal) => {
        concat!(
            "UPDATE concert SET state = ?, opens_at = ?, message = ?, capacity = ?, hold_ttl_ms = ?, \
               admission_ttl_ms = ?, idle_ttl_ms = ?, away_ttl_ms = ?, seats_per_reservation_max = ?, \
               cancel_before_start_ms = ?, hold_again_after_ms = ?, own_rules = ",
            $merge,
            "(COALESCE(own_rules, '{}'), ?) WHERE concert_id = ?"
        )
    };
}

/// A new concert: (id, title, venue, currency, its settings, time zone, at). Without an id it gets the next one.
macro_rules! new_concert {
    ($merge:literal) => {
        concat!(
            "INSERT INTO concert (concert_id, title, venue, currency, ",
            settings_columns!(),
            ", time_zone, created_at) VALUES (?, ?, ?, ?, ",
            settings_values!($merge),
            ", ?, ?)"
        )
    };
}
pub(super) use {new_concert, settings_columns, settings_update, settings_values};

/// Every rule by its name, times in milliseconds and with `_ms`; null is what the operator did not set.
pub fn encode(own: &OwnRules) -> Map<String, Value> {
    let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let mut own = *own;
    let rule = |(name, rule): (&str, OwnRule<'_>)| match rule {
        OwnRule::Count(count) => (name.to_owned(), json!(count)),
        OwnRule::Time(time) => (format!("{name}_ms"), json!(time.map(ms))),
    };
    own.each().map(rule).collect()
}

/// Reads what `encode` wrote; names that are not known are a newer server's.
pub fn decode(rules: &Map<String, Value>) -> Result<OwnRules, StoreError> {
    let mut own = OwnRules::default();
    for (name, rule) in own.each() {
        match rule {
            OwnRule::Count(count) => *count = value(rules, name)?,
            OwnRule::Time(time) => *time = value(rules, &format!("{name}_ms"))?.map(Duration::from_millis),
        }
    }
    Ok(own)
}

fn value<N: DeserializeOwned>(rules: &Map<String, Value>, name: &str) -> Result<Option<N>, StoreError> {
    let Some(value) = rules.get(name) else { return Ok(None) };
    let read = Option::deserialize(value);
    read.map_err(|_| StoreError::broken(format!("a sale's rule {name} is {value}, which it cannot be")))
}

/// Binds settings in the order of `settings_columns`.
pub fn bind_settings(to: &mut impl Bind, settings: &SaleSettings) {
    let own = encode(&settings.own);
    to.text(Some(words::sale_state(settings.state)));
    to.time(settings.opens_at);
    to.text(settings.message.as_deref());
    for column in OLD_COLUMNS {
        to.int(own.get(column).and_then(Value::as_i64));
    }
    to.text(Some(&Value::Object(own).to_string()));
}

/// Reads settings from a row with `settings_columns`.
pub fn read_settings(row: &impl Cells) -> Result<SaleSettings, StoreError> {
    let word = row.text("state")?;
    Ok(SaleSettings {
        state: known(words::sale_state_of(word), word)?,
        opens_at: row.opt_time("opens_at")?,
        message: row.opt_text("message")?.map(Box::from),
        own: read_own_rules(row)?,
    })
}

/// Column and object differ where somebody changed the column who does not know the object.
fn read_own_rules(row: &impl Cells) -> Result<OwnRules, StoreError> {
    let stored = row.opt_text("own_rules")?.unwrap_or("{}");
    let mut rules: Map<String, Value> =
        serde_json::from_str(stored).map_err(|error| StoreError::Broken(error.into()))?;
    for column in OLD_COLUMNS {
        rules.insert(column.to_owned(), row.opt_int(column)?.into());
    }
    decode(&rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every rule that there is, each set to something else.
    fn all_set() -> OwnRules {
        let mut own = OwnRules::default();
        for (number, (_, rule)) in (1..).zip(own.each()) {
            match rule {
                OwnRule::Count(count) => *count = Some(number),
                OwnRule::Time(time) => *time = Some(Duration::from_millis(number.into())),
            }
        }
        own
    }

    #[test]
    fn whatever_an_operator_sets_is_read_back() {
        for own in [OwnRules::default(), all_set()] {
            assert_eq!(decode(&encode(&own)).unwrap(), own);
        }
        let written = encode(&all_set());
        assert!(
            written.values().all(|value| value.as_u64().is_some()),
            "each has a name of its own: {written:?}"
        );
    }

    #[test]
    fn old_columns_and_old_journals_keep_their_words() {
        let own = OwnRules { hold_ttl: Some(Duration::from_secs(3)), ..OwnRules::default() };
        let written = encode(&own);
        assert!(OLD_COLUMNS.iter().all(|column| written.contains_key(*column)), "{written:?}");
        assert_eq!((&written["hold_ttl_ms"], &written["capacity"]), (&json!(3_000), &Value::Null));
        // Nobody had set a rule before it was there.
        assert_eq!(decode(&Map::new()).unwrap(), OwnRules::default());
    }

    #[test]
    fn what_is_no_value_of_a_rule_is_named() {
        for (name, value) in [("capacity", json!(-1)), ("capacity", json!("7")), ("hold_ttl_ms", json!(1.5))]
        {
            let rules = Map::from_iter([(name.to_owned(), value.clone())]);
            let StoreError::Broken(cause) = decode(&rules).unwrap_err() else { panic!("{name}: {value}") };
            assert!(cause.to_string().contains(name), "{cause}");
        }
        // A newer server's business.
        assert_eq!(decode(&Map::from_iter([("lucky".to_owned(), json!([7]))])).unwrap(), OwnRules::default());
    }
}
