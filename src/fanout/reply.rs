//! The reply to whoever asked.

use std::borrow::Cow;
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
    /// The queue is full. Nothing was tried.
    Overloaded { retry_after: Duration },
    /// The callers who share a limit sent too many requests. Nothing was tried.
    RateLimited { retry_after: Duration, message: Cow<'static, str> },
    /// The store cannot keep it now. Nothing was kept.
    Unavailable { retry_after: Duration },
    /// The store did not answer in time whether it kept it. It may be kept, or appear later.
    OutcomeUnknown,
    /// Our fault; it is in the log. Nothing was kept.
    Internal,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}
