//! Operators: who they are, how they come in, and what their roles allow.

mod bearers;
pub mod links;
pub mod passkeys;
pub mod roles;
pub mod sessions;

use std::fmt;

use frontrow_protocol::RoleSet;

use crate::domain::ids::OperatorId;

/// An operator's token, kept for as long as they are connected by it, to see whether it still opens what it did.
#[derive(Clone, PartialEq, Eq)]
pub struct Badge {
    pub operator: Operator,
    pub token: Box<str>,
}

impl fmt::Debug for Badge {
    /// Without the token, which is as good as a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Badge").field(&self.operator).finish()
    }
}

/// Somebody who may make operators' calls, as far as these roles go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// `None`: a token that says of its bearer only that they are one.
    pub id: Option<OperatorId>,
    pub roles: RoleSet,
    /// Where they are signed in; `None`: they have a token of their own.
    pub session: Option<u64>,
}
