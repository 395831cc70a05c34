//! Operators who are connected, and what each watches. What they get is a register like any other: encoded once for all
//! who watch the same, and of a connection that is slow the newest alone waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::subscriber::{Scope, Subscriber};
use crate::domain::ids::{ConnectionId, OperatorId};

/// By what the connections of an operator are counted: who they are, and where they are signed in.
pub type Console = (Option<OperatorId>, Option<u64>);

#[derive(Default)]
pub struct Consoles {
    watchers: Mutex<BTreeMap<Scope, Vec<Arc<Subscriber>>>>,
    /// Oldest first.
    connected: Mutex<Vec<(Console, Arc<Subscriber>)>>,
    begun: Notify,
}

impl Consoles {
    /// Registers a connection. Gives back the oldest one of this console if they are more than `max` now; the caller
    /// closes it.
    pub fn connect(
        &self,
        console: Console,
        subscriber: &Arc<Subscriber>,
        max: usize,
    ) -> Option<Arc<Subscriber>> {
        let mut connected = self.connected.lock();
        if connected.iter().any(|(_, known)| known.id() == subscriber.id()) {
            return None;
        }
        connected.push((console, subscriber.clone()));
        let mut own = (0..connected.len()).filter(|at| connected[*at].0 == console);
        let oldest = own.next()?;
        (own.count() + 1 > max).then(|| connected.remove(oldest).1)
    }

    /// The connection is gone.
    pub fn disconnect(&self, connection: ConnectionId) {
        self.connected.lock().retain(|(_, known)| known.id() != connection);
        let mut watchers = self.watchers.lock();
        watchers.retain(|_, watching| {
            watching.retain(|known| known.id() != connection);
            !watching.is_empty()
        });
    }

    pub fn watch(&self, scope: Scope, subscriber: &Arc<Subscriber>) {
        let mut watchers = self.watchers.lock();
        let watching = watchers.entry(scope).or_default();
        if watching.iter().all(|known| known.id() != subscriber.id()) {
            watching.push(subscriber.clone());
        }
        drop(watchers);
        self.begun.notify_one();
    }

    pub fn unwatch(&self, scope: Scope, connection: ConnectionId) {
        let mut watchers = self.watchers.lock();
        if let Some(watching) = watchers.get_mut(&scope) {
            watching.retain(|known| known.id() != connection);
            if watching.is_empty() {
                watchers.remove(&scope);
            }
        }
    }

    /// What somebody watches.
    pub fn watched(&self) -> Vec<Scope> {
        self.watchers.lock().keys().copied().collect()
    }

    pub fn is_watched(&self) -> bool {
        !self.watchers.lock().is_empty()
    }

    /// Resolves when somebody began to watch since it resolved last.
    pub async fn begun(&self) {
        self.begun.notified().await;
    }

    /// What is new, for all who watch this.
    pub fn publish(&self, scope: Scope, text: &Bytes) {
        let watching = self.watchers.lock().get(&scope).cloned().unwrap_or_default();
        watching.iter().for_each(|subscriber| subscriber.offer_console(scope, text.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ConcertId;
    use crate::fanout::Delivery;

    fn taken(subscriber: &Subscriber) -> Vec<Bytes> {
        let mut delivery = Delivery::default();
        subscriber.take(&mut delivery);
        delivery.console
    }

    #[test]
    fn what_many_watch_is_one_text_and_a_slow_one_gets_the_newest() {
        let consoles = Consoles::default();
        let [quick, slow, other] = [1, 2, 3].map(|id| Subscriber::new(ConnectionId(id)));
        let sale = Some(ConcertId(7));
        consoles.watch(None, &quick);
        consoles.watch(None, &slow);
        consoles.watch(None, &slow);
        consoles.watch(sale, &slow);
        consoles.watch(sale, &other);
        assert_eq!(consoles.watched(), [None, sale]);
        let texts = ["first", "second"].map(|text| Bytes::from_static(text.as_bytes()));
        consoles.publish(None, &texts[0]);
        let got = taken(&quick);
        assert_eq!(got, ["first"]);
        assert_eq!(got[0].as_ptr(), texts[0].as_ptr(), "encoded once");
        consoles.publish(None, &texts[1]);
        consoles.publish(sale, &texts[0]);
        assert_eq!(taken(&slow), ["second", "first"]);
        assert_eq!((taken(&quick), taken(&other)), (vec![texts[1].clone()], vec![texts[0].clone()]));
        consoles.unwatch(None, slow.id());
        consoles.disconnect(other.id());
        consoles.disconnect(quick.id());
        assert_eq!(consoles.watched(), [sale]);
        consoles.unwatch(sale, slow.id());
        assert!(!consoles.is_watched());
        consoles.publish(sale, &texts[0]);
        assert!(taken(&slow).is_empty());
    }

    #[test]
    fn the_oldest_of_too_many_connections_goes() {
        let consoles = Consoles::default();
        let [first, second, third] = [1, 2, 3].map(|id| Subscriber::new(ConnectionId(id)));
        let (here, there) = ((Some(OperatorId(1)), Some(1)), (Some(OperatorId(1)), Some(2)));
        assert!(consoles.connect(here, &first, 1).is_none());
        assert!(consoles.connect(here, &first, 1).is_none(), "it is the same one");
        assert!(consoles.connect(there, &second, 1).is_none());
        let oldest = consoles.connect(here, &third, 1).expect("two are there");
        assert_eq!(oldest.id(), first.id());
        assert!(consoles.connect(here, &third, 1).is_none());
    }
}
