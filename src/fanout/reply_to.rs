//! The way that a reply takes.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::Subscriber;
use super::reply::Reply;
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

    /// Does somebody wait for it?
    pub fn is_awaited(&self) -> bool {
        matches!(self, Self::Once(_) | Self::Session { .. })
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
            Self::Nobody => {}
        }
    }
}
