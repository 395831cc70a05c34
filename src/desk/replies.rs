//! The meaning of a lane's reply to whoever asked, the same at both doors.

use frontrow_protocol::{ErrorObject, Method, Reason};

use super::outcome::Outcome;
use super::translate;
use crate::dispatcher::{Refusal, Reply};
use crate::domain::command::{Answer, Rejection};

/// The outcome of a request by this method.
pub fn outcome(method: Method, reply: Reply) -> Result<Outcome, ErrorObject> {
    match (method, reply) {
        // The bearer of a token that ended gets its own visit, and nothing else.
        (Method::QueueGet, Ok(Answer::Resumed { place, .. })) => Ok(Outcome::Place { place, created: false }),
        (_, Ok(answer)) => Outcome::of(answer).ok_or_else(ErrorObject::internal),
        (_, Err(refusal)) => Err(self::refusal(method, &refusal)),
    }
}

/// Why a request by this method was refused. What was routed by a reservation's id names no sale: without one there is
/// no such reservation.
pub fn refusal(method: Method, refusal: &Refusal) -> ErrorObject {
    let error = translate::refusal(refusal);
    match (method, error.reason()) {
        (Method::Release | Method::Pay | Method::Cancel, Reason::ConcertNotFound) => {
            ErrorObject::reservation_not_found()
        }
        _ => error,
    }
}

/// Why a queue token was not resumed.
pub fn refusal_of_token(refusal: &Refusal) -> ErrorObject {
    match refusal {
        Refusal::Rejected(Rejection::NotInQueue | Rejection::ConcertNotFound) => unknown_queue_token(),
        refusal => translate::refusal(refusal),
    }
}

pub fn unknown_queue_token() -> ErrorObject {
    ErrorObject::unauthenticated("there is no such queue token")
}
