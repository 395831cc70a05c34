//! Reading what a client sent, to the letter: an object, every field known, of its type, present once.
//! A refusal names the field, which serde_json alone does not do; the slower reading that can is made only
//! after the quick one failed.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::ErrorObject;

/// Characters of a refusal's message. What serde writes echoes the input, which may be long.
const MESSAGE_CHARS_MAX: usize = 300;

/// Reads one JSON object that is known to be JSON: the params of a request.
pub fn parse_object<T: DeserializeOwned>(text: &str) -> Result<T, ErrorObject> {
    // Derived structs would also read an array, by the order of their fields.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(ErrorObject::invalid_params(None, "the params must be a JSON object"));
    }
    serde_json::from_str(text).map_err(|quick| explain::<T>(text, &quick))
}

/// Reads the body of an HTTP request: as `parse_object`, but what is not JSON is `PARSE`.
pub fn parse_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, ErrorObject> {
    let text = std::str::from_utf8(body).map_err(|_| ErrorObject::parse())?;
    let json: &RawValue = serde_json::from_str(text).map_err(|_| ErrorObject::parse())?;
    parse_object(json.get())
}

fn explain<T: DeserializeOwned>(text: &str, quick: &serde_json::Error) -> ErrorObject {
    let mut reader = serde_json::Deserializer::from_str(text);
    let (path, cause) = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Ok(_) => (None, quick.to_string()),
        Err(error) => (known_path(error.path()), error.inner().to_string()),
    };
    // Positions count from the params, not from the frame: they would mislead.
    let cause = cause.rfind(" at line ").map_or(&*cause, |end| &cause[..end]);
    let cause: String = cause.chars().take(MESSAGE_CHARS_MAX).collect();
    // "missing field `x`", "unknown field `x`, expected …" and "duplicate field `x`" name the field in the text alone.
    let quoted = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| cause.strip_prefix(start))
        .and_then(|rest| rest.split_once('`'));
    match (quoted, path) {
        (Some((field, _)), _) => ErrorObject::invalid_params(Some(field), &cause),
        (None, Some(path)) => ErrorObject::invalid_params(Some(&path), &format!("`{path}`: {cause}")),
        (None, None) => ErrorObject::invalid_params(None, &cause),
    }
}

/// The place of the fault, unless it is the object as a whole.
fn known_path(path: &serde_path_to_error::Path) -> Option<String> {
    let mut text = path.to_string();
    if text.len() > MESSAGE_CHARS_MAX {
        text = text.chars().take(MESSAGE_CHARS_MAX).collect();
    }
    (!matches!(&*text, "." | "?")).then_some(text)
}
