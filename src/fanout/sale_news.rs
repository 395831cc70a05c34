//! A sale's new state, opening or message, for those who are in its line and those who watch its seats. They may be
//! everybody who is connected, so a lane only notes that there is news; a task of its own goes through them.
//!
//! Always: a connection gets what is newest when its turn comes, and nothing older after it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Fanout, SaleNews, SaleView, Subscriber};
use crate::domain::ids::ConcertId;

/// Connections that are woken before others on the same thread have their turn: each then has a notification to send.
const CONNECTIONS_AT_ONCE: usize = 32;
/// The next ones follow no sooner than this after them: about a core's work of sending.
const CONNECTIONS_INTERVAL: Duration = Duration::from_micros(500);

/// The sales with news that not everybody has yet.
#[derive(Default)]
pub(super) struct PendingNews {
    sales: Mutex<BTreeSet<ConcertId>>,
    added: Notify,
}

impl PendingNews {
    pub(super) fn add(&self, concert: ConcertId) {
        self.sales.lock().insert(concert);
        self.added.notify_one();
    }

    /// Is there news of this sale whose receivers are not known yet?
    pub(super) fn has(&self, concert: ConcertId) -> bool {
        self.sales.lock().contains(&concert)
    }

    fn next(&self) -> Option<ConcertId> {
        self.sales.lock().first().copied()
    }

    fn remove(&self, concert: ConcertId) {
        self.sales.lock().remove(&concert);
    }
}

impl Fanout {
    async fn publish_news(&self, concert: ConcertId) {
        // A sale that is being rebuilt may come back; its watchers are there all the time.
        let view = self.sale(concert).or_else(|| self.hidden_sale(concert));
        let audience = view.as_ref().map(|view| self.audience_of(view)).unwrap_or_default();
        // The entry is removed only now: a watcher that leaves before is notified as it leaves. News from here on has
        // another round.
        self.pending_news.remove(concert);
        let Some(view) = view else { return };
        let mut due = Instant::now();
        for some in audience.chunks(CONNECTIONS_AT_ONCE) {
            let news = SaleNews::of(&view);
            some.iter().for_each(|subscriber| subscriber.offer_sale(news.clone()));
            due += CONNECTIONS_INTERVAL;
            if Instant::now() < due {
                tokio::time::sleep_until(due).await;
            } else {
                tokio::task::yield_now().await;
            }
        }
    }

    /// The connections of a sale's visitors, and those that watch its seats, each once.
    fn audience_of(&self, view: &SaleView) -> Vec<Arc<Subscriber>> {
        let visitors = self.visitors.get(&view.id()).map(|users| users.clone()).unwrap_or_default();
        let mut audience = Vec::with_capacity(visitors.len());
        for user in visitors {
            self.each_connection(user, |subscriber| audience.push(subscriber.clone()));
        }
        // Watchers may have left the line, or never was in it by this connection.
        for topic in view.topics() {
            audience.extend(topic.every_watcher());
        }
        audience.sort_unstable_by_key(|subscriber| subscriber.id());
        audience.dedup_by_key(|subscriber| subscriber.id());
        audience
    }
}

impl SaleNews {
    pub(super) fn of(view: &SaleView) -> Self {
        let settings = view.settings();
        Self {
            concert: view.id(),
            state: settings.state,
            opens_at: settings.opens_at,
            message: settings.message,
            revision: view.revision(),
        }
    }
}

/// Publishes news of sales for as long as the fanout lives.
pub async fn publish_sale_news(fanout: Arc<Fanout>) {
    loop {
        while let Some(concert) = fanout.pending_news.next() {
            fanout.publish_news(concert).await;
        }
        fanout.pending_news.added.notified().await;
    }
}

#[cfg(test)]
mod tests;
