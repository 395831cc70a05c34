//! A sale's new state, opening or message, for those who are in its line and those who watch its seats; that a performance was
//! moved or called off, for whoever is connected. They may be many, so a lane only notes that there is news; a task of its own
//! goes through them.
//!
//! Always: a connection gets what is newest when its turn comes, and nothing older after it.

use std::collections::BTreeMap;
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

/// Those whom news of a sale concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Audience {
    /// Those in line, and those who watch the seats.
    Visitors,
    /// Whoever is connected: those who bought are in no line any more, and who they are is in the store alone.
    Everybody,
}

/// The sales with news that not everybody has yet.
#[derive(Default)]
pub(super) struct PendingNews {
    sales: Mutex<BTreeMap<ConcertId, Audience>>,
    added: Notify,
}

impl PendingNews {
    pub(super) fn add(&self, concert: ConcertId, audience: Audience) {
        let mut sales = self.sales.lock();
        let pending = sales.entry(concert).or_insert(audience);
        *pending = audience.max(*pending);
        drop(sales);
        self.added.notify_one();
    }

    /// Is there news of this sale whose receivers are not known yet?
    pub(super) fn has(&self, concert: ConcertId) -> bool {
        self.sales.lock().contains_key(&concert)
    }

    fn next(&self) -> Option<ConcertId> {
        self.sales.lock().keys().next().copied()
    }

    fn audience(&self, concert: ConcertId) -> Audience {
        self.sales.lock().get(&concert).copied().unwrap_or(Audience::Visitors)
    }

    /// What came meanwhile for more than these stays.
    fn remove(&self, concert: ConcertId, told: Audience) {
        let mut sales = self.sales.lock();
        if sales.get(&concert).is_some_and(|pending| *pending <= told) {
            sales.remove(&concert);
        }
    }
}

impl Fanout {
    async fn publish_news(&self, concert: ConcertId) {
        // A sale that is being rebuilt may come back; its watchers are there all the time.
        let view = self.any_sale(concert).or_else(|| self.hidden_sale(concert));
        let told = self.pending_news.audience(concert);
        let audience = view.as_ref().map(|view| self.audience_of(view, told)).unwrap_or_default();
        // The entry is removed only now: a watcher that leaves before is notified as it leaves. News from here on has
        // another round.
        self.pending_news.remove(concert, told);
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

    /// The connections of a sale's visitors, and those that watch its seats, or all there are, each once.
    fn audience_of(&self, view: &SaleView, whose: Audience) -> Vec<Arc<Subscriber>> {
        if whose == Audience::Everybody {
            return self.users.iter().flat_map(|user| user.connections.clone()).collect();
        }
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
