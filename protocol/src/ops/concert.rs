//! What an operator changes of what is said of a concert.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::about::About;
use crate::limits::{TITLE_CHARS_MAX, is_blank, is_control};

/// Changes what is said of a concert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConcertPatch {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "title")]
    #[schemars(length(min = 1, max = TITLE_CHARS_MAX))]
    pub title: Option<String>,
    /// All that its page says: what is left out is said no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// What was seen of these before. If it is not so any more, nothing is changed, and `CHANGED_MEANWHILE` says what is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<ConcertWas>,
}

/// What an operator saw of a concert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConcertWas {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
}

/// What is said of a concert now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConcertInfo {
    pub concert_id: u32,
    pub title: String,
    pub about: About,
}

fn title<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let title = Option::<String>::deserialize(deserializer)?.map(|title| title.trim().to_owned());
    if let Some(title) = &title {
        if title.chars().any(is_control) {
            return Err(de::Error::custom("must have no control characters"));
        }
        if is_blank(title) || title.chars().count() > TITLE_CHARS_MAX {
            return Err(de::Error::custom(format_args!(
                "must have 1 to {TITLE_CHARS_MAX} characters, not only what cannot be seen"
            )));
        }
    }
    Ok(title)
}
