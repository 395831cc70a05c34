//! The bodies of operators' calls, a file a subject.

pub mod alarms;
pub mod box_office;
pub mod concert;
pub mod figures;
pub mod house;
pub mod life;
pub mod making;
pub mod name;
pub mod order_life;
pub mod orders;
pub mod passkeys;
pub mod ready;
pub mod rehearsal;
pub mod schedule;
pub mod seats;
pub mod watch;
pub mod webhooks;
pub mod who;

use serde::{Deserialize, Deserializer, de};

use crate::limits::{NOTE_CHARS_MAX, is_blank, is_control};

/// A text that an operator may leave with a change.
fn note<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let note = Option::<String>::deserialize(deserializer)?;
    note.map(checked_note).transpose()
}

/// A text that an operator has to give with a change.
fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked_note(String::deserialize(deserializer)?)
}

fn checked_note<E: de::Error>(text: String) -> Result<String, E> {
    if text.chars().any(is_control) {
        return Err(E::custom("must have no control characters"));
    }
    if is_blank(&text) || text.chars().count() > NOTE_CHARS_MAX {
        return Err(E::custom(format_args!(
            "must have 1 to {NOTE_CHARS_MAX} characters, not only spaces or what cannot be seen"
        )));
    }
    Ok(text)
}
