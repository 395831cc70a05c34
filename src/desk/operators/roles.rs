//! The gate of operators' calls: who has one of the roles that a call asks for. Asked before anything of a request's body
//! is read.

use frontrow_protocol::ErrorObject;
use frontrow_protocol::call::Call;

use super::Operator;
use crate::desk::identity::Identity;

/// The operator who may make this call. `identity` is whose token came with it, if one did.
pub fn may(call: Call, identity: Option<&Result<Identity, ErrorObject>>) -> Result<Operator, ErrorObject> {
    let needs = call.roles().unwrap_or_default();
    let identity = match identity {
        None => {
            return Err(ErrorObject::unauthenticated("an operator's `Authorization: Bearer` is needed"));
        }
        Some(identity) => identity.as_ref().map_err(Clone::clone)?,
    };
    identity
        .operator
        .filter(|operator| operator.roles.meets(needs))
        .ok_or_else(|| ErrorObject::needs_role(needs))
}
