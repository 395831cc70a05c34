//! `--price CATEGORY=AMOUNT`, and names as they are written on a command line.

use anyhow::bail;
use frontrow_protocol::limits::{is_blank, is_control};

/// The parser of prices, for clap.
pub fn price(text: &str) -> Result<(String, i64), String> {
    frontrow::venue::parse_price(text).map_err(|error| error.to_string())
}

/// A name for people: something of it shows, it is not endless, and it has no control characters.
pub fn name(what: &str, text: &str, chars_max: usize) -> anyhow::Result<String> {
    let name = text.trim();
    if name.chars().any(is_control) {
        bail!("{what} contains a control character");
    }
    if is_blank(name) {
        bail!("{what} is empty");
    }
    if name.chars().count() > chars_max {
        bail!("{what} has more than {chars_max} characters");
    }
    Ok(name.to_owned())
}
