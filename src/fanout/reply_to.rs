//! The way that a reply takes.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::Subscriber;
use super::reply::{Refusal, Reply};
use crate::domain::command::Answer;
use crate::domain::ids::ConnectionId;

/// The way that a reply goes.
pub enum ReplyTo {
    Once(oneshot::Sender<Reply>),
    /// A websocket session; `tag` is its own name for the request.
    Session {
        subscriber: Arc<Subscriber>,
        tag: u32,
    },
    /// The place that comes back is news to a connection, which asked for nothing.
    Push(Arc<Subscriber>),
    /// Somebody at another server.
    Far(Box<dyn FarAsker>),
    /// It is asked for the second time, and may have been done before: that nothing was done now says nothing.
    Again(Box<ReplyTo>),
    Nobody,
}

/// Who asked at another server.
pub trait FarAsker: Send + Sync {
    /// Keeps the answer until `send`. `after`: the events of the batch in the sale that were before it.
    fn answer(&self, reply: Reply, after: u32);
    /// Has all answers leave that are kept, in as few messages as they fit in.
    fn send(&self);
    /// Is it not to be decided any more, as it is asked anew elsewhere?
    fn is_void(&self) -> bool;
}

impl ReplyTo {
    /// The connection that asked.
    pub fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Session { subscriber, .. } => Some(subscriber.id()),
            Self::Again(to) => to.connection(),
            Self::Once(_) | Self::Push(_) | Self::Far(_) | Self::Nobody => None,
        }
    }

    /// Whoever it is that hears of it in the end.
    pub fn hearer(&self) -> &Self {
        match self {
            Self::Again(to) => to.hearer(),
            to => to,
        }
    }

    /// Is it not to be decided any more, as it is asked anew elsewhere?
    pub fn is_void(&self) -> bool {
        matches!(self, Self::Far(asker) if asker.is_void())
    }

    /// Does somebody wait for it?
    pub fn is_awaited(&self) -> bool {
        matches!(self.hearer(), Self::Once(_) | Self::Session { .. } | Self::Far(_))
    }

    pub(crate) fn send(self, reply: Reply) {
        match self {
            // The asker may have gone away.
            Self::Once(sender) => drop(sender.send(reply)),
            Self::Session { subscriber, tag } => subscriber.push_answer(tag, reply),
            Self::Push(subscriber) => {
                if let Ok(Answer::Queue { place, .. }) = reply {
                    subscriber.offer_place(place);
                }
            }
            // What was not decided is after nothing.
            Self::Far(asker) => {
                asker.answer(reply, 0);
                asker.send();
            }
            Self::Again(to) => to.send(match reply {
                Err(Refusal::Unavailable { .. } | Refusal::Overloaded { .. } | Refusal::Internal) => {
                    Err(Refusal::OutcomeUnknown)
                }
                reply => reply,
            }),
            Self::Nobody => {}
        }
    }
}
