//! The reply to whoever asked.

use std::time::Duration;

use crate::domain::command::Answer;
use crate::domain::rejection::Rejection;

/// The reply, after the commit that it rests on.
pub type Reply = Result<Answer, Refusal>;

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The rules say no.
    Rejected(Rejection),
    /// Too much waits already. Nothing was tried.
    Overloaded { retry_after: Duration },
    /// Too often, for those who share a limit. Nothing was tried.
    RateLimited { retry_after: Duration, message: &'static str },
    /// The store cannot keep it now. Nothing was kept.
    Unavailable { retry_after: Duration },
    /// The store was asked to keep it and did not say in time whether it did. It may be kept, or appear later.
    OutcomeUnknown,
    /// Our fault; it is in the log. Nothing was kept.
    Internal,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}
