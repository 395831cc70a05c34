//! What comes back to whoever asked, and the way it takes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Subscriber;
use crate::domain::command::Answer;
use crate::domain::ids::ConnectionId;
use crate::domain::rejection::Rejection;

/// What comes back, after the commit that it rests on.
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

/// Where a reply goes.
pub enum ReplyTo {
    Once(oneshot::Sender<Reply>),
    /// A websocket session; `tag` is its own name for the request.
    Session {
        subscriber: Arc<Subscriber>,
        tag: u32,
    },
    /// The place that comes back is news to a connection, which asked for nothing.
    Push(Arc<Subscriber>),
    Nobody,
}

impl ReplyTo {
    /// The connection that asked.
    pub fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Session { subscriber, .. } => Some(subscriber.id()),
            Self::Once(_) | Self::Push(_) | Self::Nobody => None,
        }
    }

    pub(crate) fn send(self, reply: Reply) {
        match self {
            // Whoever asked may have gone away.
            Self::Once(sender) => drop(sender.send(reply)),
            Self::Session { subscriber, tag } => subscriber.push_answer(tag, reply),
            Self::Push(subscriber) => {
                if let Ok(Answer::Queue { place, .. }) = reply {
                    subscriber.offer_place(place);
                }
            }
            Self::Nobody => {}
        }
    }
}
