//! What the page of a concert says besides its title: texts as a promoter writes them, in as many languages as they like.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::limits::{
    ABOUT_BYTES_MAX, ABOUT_LANGUAGES_MAX, ABOUT_LINE_CHARS_MAX, ABOUT_TEXT_CHARS_MAX, URL_CHARS_MAX,
    is_blank, is_control,
};

use crate::result::Concert;
use crate::time::Timestamp;

/// What the page of a concert says. Texts are plain, with line breaks; an absent one is not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// In the language of the house.
    #[serde(default, skip_serializing_if = "AboutTexts::is_empty")]
    pub texts: AboutTexts,
    /// The place on a map; https alone.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "map_url")]
    #[schemars(with = "String", length(min = 9, max = URL_CHARS_MAX))]
    pub map_url: Option<String>,
    /// The picture, by the name that it got when it was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "image_id")]
    #[schemars(with = "String", regex(pattern = "^[0-9a-f]{32}$"))]
    pub image_id: Option<String>,
    /// Whoever pays says before that they agree to the terms. Asked by the page; a client of one's own asks it too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must_agree: bool,
    /// The same texts for those who read another language, by its code, such as `en`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "languages")]
    pub languages: BTreeMap<String, AboutTexts>,
}

/// The texts in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AboutTexts {
    /// What is played, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text")]
    #[schemars(with = "String", length(min = 1, max = ABOUT_TEXT_CHARS_MAX))]
    pub description: Option<String>,
    /// Where the venue is.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "line")]
    #[schemars(with = "String", length(min = 1, max = ABOUT_LINE_CHARS_MAX))]
    pub address: Option<String>,
    /// Who sells, and how they are reached.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "line")]
    #[schemars(with = "String", length(min = 1, max = ABOUT_LINE_CHARS_MAX))]
    pub seller: Option<String>,
    /// What a buyer agrees to.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text")]
    #[schemars(with = "String", length(min = 1, max = ABOUT_TEXT_CHARS_MAX))]
    pub terms: Option<String>,
    /// From what age on one is let in.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "line")]
    #[schemars(with = "String", length(min = 1, max = ABOUT_LINE_CHARS_MAX))]
    pub age: Option<String>,
    /// The picture in words, for those who do not see it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "line")]
    #[schemars(with = "String", length(min = 1, max = ABOUT_LINE_CHARS_MAX))]
    pub image_alt: Option<String>,
}

impl AboutTexts {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl About {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As it is stored. `None`: it is empty. An error: all texts together are too long.
    pub fn to_json(&self) -> Result<Option<String>, AboutTooLong> {
        if self.is_empty() {
            return Ok(None);
        }
        let json = serde_json::to_string(self).expect("texts have a JSON form");
        if json.len() > ABOUT_BYTES_MAX { Err(AboutTooLong) } else { Ok(Some(json)) }
    }
}

/// A concert's own page: what anybody may know before they stand in line. At most two seconds old.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConcertPage {
    /// As in the list.
    pub concert: Concert,
    pub about: About,
    /// The performances that have not begun.
    pub schedules: Vec<PageSchedule>,
    /// Until so long before the start an order may be cancelled.
    pub cancel_before_start_ms: u64,
}

/// A performance, with its prices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PageSchedule {
    pub schedule_id: u64,
    pub starts_at: Timestamp,
    pub sold_out: bool,
    /// The categories in the plan's order.
    pub categories: Vec<PageCategory>,
}

/// A category of a performance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PageCategory {
    pub name: String,
    /// In the currency's minor unit.
    pub price: i64,
    /// Free seats.
    pub left: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("all texts of the page together have more than {ABOUT_BYTES_MAX} bytes")]
pub struct AboutTooLong;

fn checked<'de, D: Deserializer<'de>>(
    deserializer: D,
    chars_max: usize,
    lines: bool,
) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    // Browsers send line breaks as two characters.
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().any(|character| is_control(character) && !(lines && character == '\n')) {
        return Err(de::Error::custom(match lines {
            true => "must have no control characters but line breaks",
            false => "must have no control characters",
        }));
    }
    if is_blank(text) || text.chars().count() > chars_max {
        return Err(de::Error::custom(format_args!(
            "must have at most {chars_max} characters, not only what cannot be seen"
        )));
    }
    Ok(Some(text.to_owned()))
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, ABOUT_TEXT_CHARS_MAX, true)
}

fn line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, ABOUT_LINE_CHARS_MAX, false)
}

fn map_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(url) = checked(deserializer, URL_CHARS_MAX, false)? else { return Ok(None) };
    let host =
        url.strip_prefix("https://").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    match host {
        Some(host) if !host.is_empty() && !url.contains([' ', '"', '<', '>', '\\', '@']) => Ok(Some(url)),
        _ => Err(de::Error::custom("must be an address that begins with https://")),
    }
}

fn image_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let id = Option::<String>::deserialize(deserializer)?;
    let is_id =
        |id: &String| id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    match id {
        Some(id) if !is_id(&id) => Err(de::Error::custom("must be the name that a picture got")),
        id => Ok(id),
    }
}

fn languages<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, AboutTexts>, D::Error> {
    let languages = BTreeMap::<String, AboutTexts>::deserialize(deserializer)?;
    if languages.len() > ABOUT_LANGUAGES_MAX {
        return Err(de::Error::custom(format_args!("must be at most {ABOUT_LANGUAGES_MAX} languages")));
    }
    let is_code = |code: &str| {
        (2..=16).contains(&code.len())
            && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && code.starts_with(|first: char| first.is_ascii_lowercase())
    };
    match languages.keys().find(|code| !is_code(code)) {
        Some(_) => Err(de::Error::custom("must be languages by their codes, such as \"en\" or \"zh-Hant\"")),
        None => Ok(languages),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(about: Value) -> Result<About, String> {
        serde_json::from_value(about).map_err(|error| error.to_string())
    }

    #[test]
    fn texts_are_plain_and_bounded() {
        let about = read(json!({
            "texts": {"description": " One\r\n\r\ntwo ", "address": ""},
            "map_url": "https://osm.org/1"
        }));
        let about = about.unwrap();
        assert_eq!(about.texts.description.as_deref(), Some("One\n\ntwo"));
        assert_eq!(
            (about.texts.address.as_deref(), about.map_url.as_deref()),
            (None, Some("https://osm.org/1"))
        );
        assert_eq!(
            about.to_json(),
            Ok(Some(r#"{"texts":{"description":"One\n\ntwo"},"map_url":"https://osm.org/1"}"#.into()))
        );
        assert_eq!(About::default().to_json(), Ok(None));
        for wrong in [
            json!({"texts": {"description": "a\u{202e}b"}}),
            json!({"texts": {"description": "\u{200b}"}}),
            json!({"texts": {"description": "x".repeat(ABOUT_TEXT_CHARS_MAX + 1)}}),
            json!({"texts": {"address": "a\nb"}}),
            json!({"map_url": "http://osm.org"}),
            json!({"map_url": "javascript:alert(1)"}),
            json!({"map_url": "https://"}),
            json!({"map_url": "https://a@b/"}),
            json!({"map_url": "https://a/\"onclick=1"}),
            json!({"image_id": "../../etc/passwd"}),
            json!({"image_id": "A".repeat(32)}),
            json!({"languages": {"English please": {}}}),
            json!({"languages": {"en": {"description": 7}}}),
            json!({"must_agree": "yes"}),
            json!({"title": "x"}),
            json!({"texts": {"title": "x"}}),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn all_texts_together_fit_into_their_column() {
        let long =
            AboutTexts { description: Some("가".repeat(ABOUT_TEXT_CHARS_MAX)), ..AboutTexts::default() };
        let languages = ["en", "ja"].map(|code| (code.to_owned(), long.clone())).into();
        let about = About { languages, ..About::default() };
        assert_eq!(about.to_json(), Err(AboutTooLong));
    }
}
