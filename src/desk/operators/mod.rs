//! Operators: who they are, how they come in, and what their roles allow.

mod bearers;
pub mod links;
pub mod passkeys;
pub mod roles;
pub mod sessions;

use frontrow_protocol::RoleSet;

use crate::domain::ids::OperatorId;

/// Somebody who may make operators' calls, as far as these roles go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// `None`: a token that says of its bearer only that they are one.
    pub id: Option<OperatorId>,
    pub roles: RoleSet,
    /// Where they are signed in; `None`: they have a token of their own.
    pub session: Option<u64>,
}
