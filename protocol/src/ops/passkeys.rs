//! Passkeys, by which operators sign in. What a browser makes is sent as its own `toJSON()` says it (WebAuthn Level 3, 5.1.8);
//! of it only the fields here are read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::name::name;
use crate::limits::OPERATOR_NAME_CHARS_MAX;
use crate::time::Timestamp;

/// The beginning of a ceremony: of adding a passkey, or of signing in by one. It is good for five minutes, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PasskeyChallenge {
    /// To be sent back with what the browser made.
    pub ceremony: String,
    /// What the browser's `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` takes.
    pub public_key: Map<String, Value>,
}

/// The body of `POST /admin/passkeys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    #[schemars(length(min = 1, max = 500))]
    pub ceremony: String,
    /// The operator's name for it. Not only spaces.
    #[serde(deserialize_with = "name")]
    #[schemars(length(min = 1, max = OPERATOR_NAME_CHARS_MAX))]
    pub name: String,
    pub credential: Registration,
}

/// What a browser made for `navigator.credentials.create`. Binary fields are base64url without padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Registration {
    pub response: RegistrationResponse,
}

/// What the authenticator said of a new passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationResponse {
    #[serde(rename = "clientDataJSON")]
    pub client_data: String,
    pub authenticator_data: String,
}

/// What a browser made for `navigator.credentials.get`. Binary fields are base64url without padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Assertion {
    pub raw_id: String,
    pub response: AssertionResponse,
}

/// What the authenticator signed with a passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssertionResponse {
    #[serde(rename = "clientDataJSON")]
    pub client_data: String,
    pub authenticator_data: String,
    pub signature: String,
}

/// An operator's passkeys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Passkeys {
    /// Newest first.
    pub passkeys: Vec<PasskeyInfo>,
}

/// A passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PasskeyInfo {
    pub passkey_id: u64,
    /// Whose it is.
    pub operator_id: u64,
    pub name: String,
    pub made_at: Timestamp,
    /// When somebody signed in by it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
}
