//! The doors' way to what operators watch, and the task that tells them what is new.

use std::sync::Arc;

use frontrow_protocol::ErrorObject;
use frontrow_protocol::ops::watch::OpsState;

use super::told::Whole;
use crate::desk::Context;
use crate::domain::ids::{ConcertId, ConnectionId};
use crate::fanout::{Scope, Subscriber};

impl Context {
    fn whole(&self) -> Whole {
        let connections = self.metrics.connections.get().try_into().unwrap_or_default();
        Whole { connections, alarms: self.open_alarms() }
    }

    /// A connection watches this from now on.
    pub fn watch_sales(&self, scope: Scope, subscriber: &Arc<Subscriber>) -> Result<OpsState, ErrorObject> {
        if let Some(concert) = scope {
            self.knows_sale(concert)?;
        }
        let (consoles, latest) = (&self.fanout.consoles, self.gatherer.latest());
        let now = self.clock.utc();
        Ok(self.live.watch(consoles, scope, subscriber, &latest, &self.whole(), now))
    }

    pub fn unwatch_sales(&self, scope: Scope, connection: ConnectionId) {
        self.fanout.consoles.unwatch(scope, connection);
    }

    fn knows_sale(&self, concert: ConcertId) -> Result<(), ErrorObject> {
        let is_known = self.dispatcher.whereabouts().iter().any(|(known, ..)| *known == concert);
        if is_known { Ok(()) } else { Err(ErrorObject::concert_not_found()) }
    }
}

/// Tells operators what was gathered, for ever.
pub async fn tell_operators(context: Arc<Context>) {
    let mut gathered = context.gatherer.subscribe();
    while gathered.changed().await.is_ok() {
        let snapshot = gathered.borrow_and_update().clone();
        context.live.publish(&context.fanout.consoles, &snapshot, &context.whole());
    }
}
