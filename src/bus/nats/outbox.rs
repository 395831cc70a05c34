//! What waits to be handed to the bus: a queue with a bound in messages and one in bytes. Whoever sends waits for nothing.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::bus::carrier::To;

pub(super) enum Waiting {
    /// A message, and the room that it takes until it is handed over.
    Message(To, Bytes, OwnedSemaphorePermit),
    /// Everything before it was handed over.
    Mark(oneshot::Sender<()>),
}

pub(super) struct Outbox {
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
}

impl Outbox {
    pub fn new(messages_max: usize, bytes_max: usize) -> (Self, mpsc::Receiver<Waiting>) {
        let (queue, reader) = mpsc::channel(messages_max);
        (Self { queue, room: Arc::new(Semaphore::new(bytes_max)) }, reader)
    }

    /// `false`: there is no room.
    pub fn put(&self, to: To, message: Bytes) -> bool {
        let bytes = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let Ok(room) = self.room.clone().try_acquire_many_owned(bytes) else { return false };
        self.queue.try_send(Waiting::Message(to, message, room)).is_ok()
    }

    /// Resolves once everything that was put in before was handed over, or nobody reads any more.
    pub async fn handed_over(&self) {
        let (mark, reached) = oneshot::channel();
        if self.queue.send(Waiting::Mark(mark)).await.is_ok() {
            let _ = reached.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bounds_hold_and_what_is_taken_out_makes_room() {
        let (outbox, mut reader) = Outbox::new(3, 10);
        let put = |bytes: usize| outbox.put(To::All, Bytes::from(vec![0; bytes]));
        assert!(!put(11), "it would never fit");
        assert!(put(6) && put(4));
        assert!(!put(1), "bytes");
        assert!(put(0));
        assert!(!put(0), "messages");
        assert!(reader.try_recv().is_ok());
        assert!(put(6) && !put(0));
    }
}
