//! Operators: who they are, and what their roles allow.

pub mod roles;

use frontrow_protocol::RoleSet;

/// Somebody who may make operators' calls, as far as these roles go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    pub roles: RoleSet,
}

impl Operator {
    /// `None`: whoever has no role is no operator.
    pub fn with(roles: RoleSet) -> Option<Self> {
        (!roles.is_empty()).then_some(Self { roles })
    }
}
