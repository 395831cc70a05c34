//! The names that a client gives to its own requests: `RequestId` matches an answer to its question on one socket,
//! `IdempotencyKey` matches a repeated command to the first one, for ever.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits::{IDEMPOTENCY_KEY_CHARS_MAX, REQUEST_ID_BYTES_MAX};

/// The `id` of a request: an integer, or a string of at most `limits::REQUEST_ID_BYTES_MAX` bytes. Echoed as it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RequestId {
    Integer(i64),
    Text(Box<str>),
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl From<i64> for RequestId {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl de::Visitor<'_> for IdVisitor {
            type Value = RequestId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an integer or a string of at most {REQUEST_ID_BYTES_MAX} bytes")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<RequestId, E> {
                Ok(RequestId::Integer(number))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<RequestId, E> {
                i64::try_from(number)
                    .map(RequestId::Integer)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<RequestId, E> {
                if text.len() > REQUEST_ID_BYTES_MAX {
                    return Err(E::invalid_length(text.len(), &self));
                }
                Ok(RequestId::Text(text.into()))
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

impl JsonSchema for RequestId {
    fn schema_name() -> Cow<'static, str> {
        "RequestId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Chosen by the client, echoed in the answer. A string has at most 64 bytes.",
            "anyOf": [{"type": "integer", "format": "int64"}, {"type": "string", "maxLength": REQUEST_ID_BYTES_MAX}]
        })
    }
}

/// A `request_id`: the client's name for one command, 1 to `limits::IDEMPOTENCY_KEY_CHARS_MAX` characters.
/// The same name again means the same command again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct IdempotencyKey(Box<str>);

/// A `request_id` of no or of too many characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {IDEMPOTENCY_KEY_CHARS_MAX} characters")]
pub struct IdempotencyKeyError;

impl IdempotencyKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for IdempotencyKey {
    type Error = IdempotencyKeyError;

    fn try_from(text: &str) -> Result<Self, IdempotencyKeyError> {
        // Counting stops one past the limit, so a long text costs no more than a short one.
        match text.chars().take(IDEMPOTENCY_KEY_CHARS_MAX + 1).count() {
            1..=IDEMPOTENCY_KEY_CHARS_MAX => Ok(Self(text.into())),
            _ => Err(IdempotencyKeyError),
        }
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for IdempotencyKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Self::try_from(&*text).map_err(de::Error::custom)
    }
}

impl JsonSchema for IdempotencyKey {
    fn schema_name() -> Cow<'static, str> {
        "IdempotencyKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The client's own name for this command: sent again, it is answered again and done once.",
            "type": "string",
            "minLength": 1,
            "maxLength": IDEMPOTENCY_KEY_CHARS_MAX
        })
    }
}
