//! `--price CATEGORY=AMOUNT`, and times as they are written on a command line.

use anyhow::bail;
use frontrow::domain::time::Timestamp;

/// What clap parses a price with.
pub fn price(text: &str) -> Result<(String, i64), String> {
    frontrow::venue::parse_price(text).map_err(|error| error.to_string())
}

/// RFC 3339, such as `2027-05-01T19:00:00+09:00`.
pub fn time(text: &str) -> Result<Timestamp, String> {
    let parsed: frontrow_protocol::Timestamp = text
        .parse()
        .map_err(|_| format!("`{text}` is not an RFC 3339 time such as 2027-05-01T19:00:00+09:00"))?;
    Ok(Timestamp::from_millis(parsed.as_millis()))
}

/// A name for people: not empty, not endless, no control characters.
pub fn name(what: &str, text: &str, chars_max: usize) -> anyhow::Result<String> {
    let name = text.trim();
    if name.is_empty() {
        bail!("{what} is empty");
    }
    if name.chars().count() > chars_max {
        bail!("{what} has more than {chars_max} characters");
    }
    if name.chars().any(char::is_control) {
        bail!("{what} contains a control character");
    }
    Ok(name.to_owned())
}
