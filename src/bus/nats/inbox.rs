//! What was brought and waits to be read: one bounded queue for everything that a node hears.
//!
//! Always: nobody waits to put something in, because a subscriber that stands still slows everybody who publishes to it; what
//! does not fit is dropped, counted, and said before the next message that does.

use bytes::Bytes;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{Notify, mpsc};

use crate::bus::carrier::Brought;

pub(super) struct Inbox {
    queue: mpsc::Sender<Brought>,
    /// Something may be lost, and it was not said yet.
    lost: Mutex<bool>,
    unsaid: Notify,
    brought: Counter,
    dropped: Counter,
}

impl Inbox {
    /// Counts what it takes, and what found no room.
    pub fn new(messages_max: usize, brought: Counter, dropped: Counter) -> (Self, mpsc::Receiver<Brought>) {
        let (queue, reader) = mpsc::channel(messages_max);
        (Self { queue, lost: Mutex::new(false), unsaid: Notify::new(), brought, dropped }, reader)
    }

    pub fn bring(&self, message: Bytes) {
        let lost = &mut *self.lost.lock();
        if self.say(lost) && self.queue.try_send(Brought::Message(message)).is_ok() {
            self.brought.inc();
        } else {
            self.dropped.inc();
            *lost = true;
            self.unsaid.notify_one();
        }
    }

    pub fn may_be_lost(&self) {
        let lost = &mut *self.lost.lock();
        *lost = true;
        if !self.say(lost) {
            self.unsaid.notify_one();
        }
    }

    /// Says what is lost as soon as there is room, even if nothing else is brought.
    pub async fn say_losses(&self) {
        loop {
            self.unsaid.notified().await;
            let Ok(place) = self.queue.reserve().await else { return };
            if std::mem::take(&mut *self.lost.lock()) {
                place.send(Brought::MayBeLost);
            }
        }
    }

    /// `true`: nothing is left to be said.
    fn say(&self, lost: &mut bool) -> bool {
        *lost = *lost && self.queue.try_send(Brought::MayBeLost).is_err();
        !*lost
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn message(number: u8) -> Bytes {
        Bytes::copy_from_slice(&[number])
    }

    fn inbox() -> (Arc<Inbox>, mpsc::Receiver<Brought>, Counter, Counter) {
        let (brought, dropped) = (Counter::default(), Counter::default());
        let (inbox, reader) = Inbox::new(2, brought.clone(), dropped.clone());
        (Arc::new(inbox), reader, brought, dropped)
    }

    #[test]
    fn a_loss_is_said_before_the_next_message() {
        let (inbox, mut reader, brought, dropped) = inbox();
        (1..=3).for_each(|number| inbox.bring(message(number)));
        assert_eq!(reader.try_recv(), Ok(Brought::Message(message(1))));
        // One place: for what has to be said, and not for the message behind it.
        inbox.bring(message(4));
        assert_eq!(reader.try_recv(), Ok(Brought::Message(message(2))));
        assert_eq!(reader.try_recv(), Ok(Brought::MayBeLost));
        inbox.bring(message(5));
        assert_eq!(reader.try_recv(), Ok(Brought::MayBeLost));
        assert_eq!(reader.try_recv(), Ok(Brought::Message(message(5))));
        assert!(reader.try_recv().is_err());
        assert_eq!((brought.get(), dropped.get()), (3, 2));
    }

    #[tokio::test]
    async fn a_loss_is_said_though_nothing_follows() {
        let (inbox, mut reader, ..) = inbox();
        let saying = inbox.clone();
        let task = tokio::spawn(async move { saying.say_losses().await });
        (1..=3).for_each(|number| inbox.bring(message(number)));
        assert_eq!(reader.recv().await, Some(Brought::Message(message(1))));
        assert_eq!(reader.recv().await, Some(Brought::Message(message(2))));
        assert_eq!(reader.recv().await, Some(Brought::MayBeLost));
        drop(reader);
        inbox.may_be_lost();
        task.await.unwrap();
    }
}
