//! What operators, and what is theirs, may be called.

use serde::{Deserialize, Deserializer, de};

use crate::limits::{OPERATOR_NAME_CHARS_MAX, is_blank, is_control};

pub(super) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    match check_name(&name) {
        Ok(()) => Ok(name),
        Err(problem) => Err(de::Error::custom(problem)),
    }
}

pub(super) fn some_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    name(deserializer).map(Some)
}

/// What an operator may not be called, and why.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.chars().any(is_control) {
        return Err("must have no control characters".to_owned());
    }
    if is_blank(name) || name.chars().count() > OPERATOR_NAME_CHARS_MAX {
        return Err(format!(
            "must have 1 to {OPERATOR_NAME_CHARS_MAX} characters, not only spaces or what cannot be seen"
        ));
    }
    Ok(())
}
