//! Operators, where they are signed in, and what they did.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::name::{name, some_name};
use super::passkeys::Assertion;
use crate::limits::OPERATOR_NAME_CHARS_MAX;
use crate::roles::{Role, RoleSet};
use crate::time::Timestamp;

/// The body of `POST /admin/session`: a link, or what a passkey made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// A link that was made for an operator, or the part of it behind `#/in/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = 2000))]
    pub link: Option<String>,
    /// Instead of a link: the ceremony of `POST /admin/session/challenge` and what the browser made for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<PasskeySignIn>,
}

/// Signing in by a passkey.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeySignIn {
    #[schemars(length(min = 1, max = 500))]
    pub ceremony: String,
    pub credential: Assertion,
}

impl fmt::Debug for SignIn {
    /// Without the link, which is as good as a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

/// Somebody signed in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignedIn {
    /// To be sent as `Authorization: Bearer`. It is told this once.
    pub token: String,
    pub session_id: u64,
    /// When the session ends, if nothing is asked for meanwhile.
    pub expires_at: Timestamp,
    pub operator: Operator,
}

impl fmt::Debug for SignedIn {
    /// Without the token, which is as good as a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("session_id", &self.session_id).finish_non_exhaustive()
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operator {
    /// Absent of a token that names no operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub roles: RoleSet,
}

/// The session, or the token, that a request comes with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnSession {
    /// Absent of a token, which is no session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<u64>,
    pub operator: Operator,
    pub expires_at: Timestamp,
    pub way: Way,
}

/// How somebody came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    Link,
    Passkey,
    /// With a token of their own, which is no session.
    Token,
}

/// The body of `POST /admin/operators`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOperator {
    /// Not only spaces.
    #[serde(deserialize_with = "name")]
    #[schemars(length(min = 1, max = OPERATOR_NAME_CHARS_MAX))]
    pub name: String,
    pub role: Role,
}

/// An operator who was made, and the link that signs them in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeOperator {
    #[serde(flatten)]
    pub operator: OperatorInfo,
    pub link: SignInLink,
}

/// A link that signs an operator in once. It is told this once; a newer one of the same operator ends it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignInLink {
    /// What is behind `#` never leaves the browser that opens it, but for signing in.
    pub url: String,
    pub expires_at: Timestamp,
}

impl fmt::Debug for SignInLink {
    /// Without the address, which is as good as a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInLink").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// One of those who run sales.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperatorInfo {
    pub operator_id: u64,
    pub name: String,
    pub role: Role,
    /// They may do nothing.
    pub disabled: bool,
    pub made_at: Timestamp,
    /// An issuer of access tokens names them, and their role.
    pub external: bool,
}

/// All operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operators {
    pub operators: Vec<OperatorInfo>,
}

/// What to change of an operator. An absent field stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorPatch {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_name")]
    #[schemars(with = "String", length(min = 1, max = OPERATOR_NAME_CHARS_MAX))]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// May they do nothing from now on? It ends where they are signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// What was seen of the operator. If it is not so any more, nothing is changed: `CHANGED_MEANWHILE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<OperatorWas>,
}

/// What somebody saw of an operator; an absent field does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorWas {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// Where operators are signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sessions {
    /// Newest first.
    pub sessions: Vec<SessionInfo>,
}

/// Where an operator is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionInfo {
    pub session_id: u64,
    pub operator_id: u64,
    pub name: String,
    pub way: Way,
    pub made_at: Timestamp,
    /// When something was asked for last, to the minute.
    pub seen_at: Timestamp,
    pub expires_at: Timestamp,
    /// The address that it began from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What the browser called itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// It is the one that asks.
    pub own: bool,
}

/// What operators changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Log {
    /// Newest first.
    pub entries: Vec<LogEntry>,
    /// `before` of the page behind this one; `null` if this is the last.
    pub next: Option<u64>,
}

/// A change, and who made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogEntry {
    pub log_id: u64,
    pub at: Timestamp,
    pub who: LogWho,
    /// The address that the request came from; absent of what was done on the server's own machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `operator.add`, `operator.set`, `operator.link`, `passkey.add`, `passkey.remove`, `session.begin`, `session.end`, or a word of a sale's journal: `set`, `keep`, `open`.
    /// There may be others.
    pub what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concert_id: Option<u32>,
    /// The concert's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Which operator, session or performance it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The fields that changed, as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Value>,
    /// The fields that changed, as they are since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub became: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Who made a change: an operator, a user whose token said that they are one, or, if both are absent, a token without a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogWho {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The operator's role of today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<u64>,
}
