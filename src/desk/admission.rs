//! The admission gate: who sees what only the admitted see (`request::View`).

use frontrow_protocol::{ErrorObject, Method};

use super::{replies, translate};
use crate::dispatcher::Reply;
use crate::domain::command::{Answer, Caller, Command};
use crate::domain::record::TokenStatus;

/// The command that queries the sale before the gate opens: neither activity nor a sign of life.
pub fn question(caller: Caller) -> Command {
    Command::Get { caller, polled: false }
}

/// Does the gate open, by the reply to `question`?
pub fn opens(method: Method, reply: Reply) -> Result<(), ErrorObject> {
    match reply {
        Ok(Answer::Queue { place, .. }) => match place.record.status {
            TokenStatus::Progress => Ok(()),
            status => Err(ErrorObject::not_admitted(translate::queue_status(status))),
        },
        Ok(_) => Err(ErrorObject::internal()),
        Err(refusal) => Err(replies::refusal(method, &refusal)),
    }
}
