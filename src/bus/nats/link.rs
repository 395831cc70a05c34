//! What is known of the connection to the bus, what was lost, and what the log is told of both.
//!
//! The client's events say that something happened, and its state says what: of many events at once it drops some.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, Event, Server, ServerError};
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{Notify, watch};

use super::inbox::Inbox;
use crate::clock::Clock;
use crate::domain::time::Timestamp;
use crate::limits;
use crate::metrics::{Kind, Metrics};

pub(super) struct Link {
    clock: Clock,
    metrics: Arc<Metrics>,
    inbox: Arc<Inbox>,
    up: watch::Sender<bool>,
    out_since: Mutex<Option<Timestamp>>,
    happened: Notify,
    /// On this connection we may not send or hear what is ours.
    denied: AtomicBool,
    lost: Lost,
    unreachable: Seldom,
    complained: Seldom,
    refused: Seldom,
}

/// Messages that were lost here, by the reason. That others lost some is not known to anybody.
pub(super) struct Lost {
    /// There was no connection when they were sent.
    pub no_connection: Counter,
    /// The queue to the bus was full.
    pub full: Counter,
    /// They were larger than the bus takes.
    pub too_large: Counter,
    /// The connection ended while they waited.
    pub cut: Counter,
    /// Whoever reads what is brought was too slow.
    pub unread: Counter,
    /// Those who hand on what is brought were too slow: the machine is busy.
    pub slow: Counter,
}

impl Lost {
    pub fn new(metrics: &Metrics) -> Self {
        let counter = |kind| metrics.bus_messages_lost.get_or_create(&Kind { kind }).clone();
        Self {
            no_connection: counter("no_connection"),
            full: counter("full"),
            too_large: counter("too_large"),
            cut: counter("cut"),
            unread: counter("unread"),
            slow: counter("slow"),
        }
    }

    /// Those that the log is told of: of an outage it is told by itself, and of what is too large at once.
    fn told(&self) -> [u64; 4] {
        [&self.full, &self.cut, &self.unread, &self.slow].map(Counter::get)
    }
}

/// Lets the log be told of something that may happen all the time.
#[derive(Default)]
struct Seldom(Mutex<Option<Timestamp>>);

impl Seldom {
    fn may_be_said(&self, now: Timestamp) -> bool {
        self.may_be(now, limits::BUS_LOG_PAUSE)
    }

    fn may_be(&self, now: Timestamp, pause: Duration) -> bool {
        let last = &mut *self.0.lock();
        let may = last.is_none_or(|last| now.since(last) >= pause);
        if may {
            *last = Some(now);
        }
        may
    }
}

impl Link {
    pub fn new(clock: Clock, metrics: Arc<Metrics>, inbox: Arc<Inbox>, lost: Lost) -> Self {
        Self {
            out_since: Mutex::new(Some(clock.steady())),
            clock,
            metrics,
            inbox,
            up: watch::Sender::new(false),
            happened: Notify::new(),
            denied: AtomicBool::new(false),
            lost,
            unreachable: Seldom::default(),
            complained: Seldom::default(),
            refused: Seldom::default(),
        }
    }

    pub fn lost(&self) -> &Lost {
        &self.lost
    }

    pub fn up(&self) -> watch::Receiver<bool> {
        self.up.subscribe()
    }

    pub fn out_since(&self) -> Option<Timestamp> {
        *self.out_since.lock()
    }

    /// The client said something.
    pub fn heard(&self, event: &Event) {
        match event {
            Event::SlowConsumer(_) => {
                self.lost.slow.inc();
                self.inbox.may_be_lost();
            }
            // No way to publish here, or to subscribe: nothing else would tell.
            Event::ServerError(complaint) => {
                if is_denial(complaint) {
                    self.denied.store(true, Ordering::Relaxed);
                }
                if self.complained.may_be_said(self.clock.steady()) {
                    tracing::warn!(complaint = %complaint, "the bus complains");
                }
            }
            // What it is follows from what its next attempt is told.
            Event::ClientError(_) => {}
            Event::Connected => self.denied.store(false, Ordering::Relaxed),
            Event::Disconnected | Event::LameDuckMode | Event::Draining | Event::Closed => {}
        }
        self.happened.notify_one();
    }

    /// The client is about to try again, and knows what became of its last attempts.
    pub fn tries(&self, servers: &[Server]) {
        let is_failing = |server: &&Server| server.failed_attempts > 0;
        let failures = servers.iter().filter(is_failing).map(|server| {
            let error = server.last_error.as_deref().unwrap_or("no error");
            format!("{}:{}: {error}", server.addr.host(), server.addr.port())
        });
        let failures: Vec<_> = failures.collect();
        if !failures.is_empty() && self.unreachable.may_be_said(self.clock.steady()) {
            tracing::warn!(servers = failures.join("; "), "the bus cannot be reached");
        }
    }

    /// A message is not sent because it is too large.
    pub fn refuse(&self, bytes: usize, bytes_max: usize) {
        self.lost.too_large.inc();
        if self.refused.may_be_said(self.clock.steady()) {
            tracing::error!(bytes, bytes_max, "a message is larger than the bus takes (max_payload)");
        }
    }

    /// Follows the connection, for as long as it is polled.
    pub async fn follow(&self, client: &Client) {
        let mut seen = Seen::default();
        loop {
            tokio::select! {
                () = self.happened.notified() => {}
                () = tokio::time::sleep(limits::BUS_LOOK_INTERVAL) => {}
            }
            let connections = client.statistics().connects.load(Ordering::Relaxed);
            let is_connected = client.connection_state() == State::Connected;
            let is_denied = self.denied.load(Ordering::Relaxed);
            self.look(&mut seen, is_connected && !is_denied, connections);
            if is_connected && is_denied && seen.denials.may_be(self.clock.steady(), limits::BUS_DENIED_PAUSE)
            {
                // The bus says it once a connection, and not that it has changed its mind.
                let again = client.force_reconnect();
                let _ = tokio::time::timeout(limits::BUS_CONNECT_PATIENCE, again).await;
            }
        }
    }

    /// The connection is up or not, and was made so many times.
    fn look(&self, seen: &mut Seen, is_up: bool, connections: u64) {
        let now = self.clock.steady();
        if is_up != *self.up.borrow() {
            let since = &mut *self.out_since.lock();
            match is_up {
                true => {
                    tracing::info!(out_ms = millis(since.map(|since| now.since(since))), "the bus is there");
                }
                false if self.denied.load(Ordering::Relaxed) => {
                    tracing::error!("the bus does not let this server send or hear what it has to");
                }
                false => tracing::warn!("the connection to the bus is lost"),
            }
            *since = (!is_up).then_some(now);
            self.metrics.bus_connected.set(is_up.into());
        }
        self.up.send_if_modified(|up| std::mem::replace(up, is_up) != is_up);
        let made = connections.saturating_sub(seen.connections);
        if made > 0 {
            seen.connections = connections;
            self.metrics.bus_connections.inc_by(made);
            self.inbox.may_be_lost();
        }
        let told = self.lost.told();
        if told != seen.told && seen.losses.may_be_said(now) {
            let [full, cut, unread, slow] = std::array::from_fn(|at| told[at] - seen.told[at]);
            tracing::warn!(full, cut, unread, slow, "messages between servers were lost");
            seen.told = told;
        }
    }
}

/// What was seen of the connection, and said of losses.
#[derive(Default)]
struct Seen {
    connections: u64,
    told: [u64; 4],
    losses: Seldom,
    denials: Seldom,
}

/// What is sent and heard here is ours alone: whoever is refused any of it has no bus.
fn is_denial(complaint: &ServerError) -> bool {
    matches!(complaint, ServerError::Other(text) if text.starts_with("Permissions Violation"))
}

fn millis(duration: Option<Duration>) -> u64 {
    duration.map_or(0, |duration| duration.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::bus::carrier::Brought;

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn link() -> (Link, mpsc::Receiver<Brought>, Clock, Arc<Metrics>) {
        let (clock, metrics) = (Clock::manual(START), Arc::new(Metrics::new()));
        let lost = Lost::new(&metrics);
        let (inbox, brought) = Inbox::new(8, metrics.bus_messages_brought.clone(), lost.unread.clone());
        (Link::new(clock.clone(), metrics.clone(), Arc::new(inbox), lost), brought, clock, metrics)
    }

    #[test]
    fn each_connection_may_have_lost_something_also_one_whose_end_nobody_saw() {
        let (link, mut brought, clock, metrics) = link();
        let mut seen = Seen::default();
        assert_eq!((link.out_since(), *link.up().borrow()), (Some(START), false));
        link.look(&mut seen, false, 0);
        assert!(brought.try_recv().is_err());
        for (is_up, connections, out_since, says) in [
            (true, 1, None, true),
            (true, 1, None, false),
            (false, 1, Some(3), false),
            (false, 1, Some(3), false),
            (true, 2, None, true),
            (true, 3, None, true),
        ] {
            clock.advance(Duration::from_secs(1));
            link.look(&mut seen, is_up, connections);
            let since = link.out_since().map(|since| since.since(START).as_secs());
            assert_eq!((since, *link.up().borrow()), (out_since, is_up), "{connections}");
            assert_eq!(brought.try_recv().is_ok(), says, "{connections}");
        }
        assert_eq!((metrics.bus_connections.get(), metrics.bus_connected.get()), (3, 1));
    }

    #[test]
    fn what_the_client_dropped_may_be_lost() {
        let (link, mut brought, ..) = link();
        link.heard(&Event::ServerError(ServerError::Other("Permissions Violation".to_owned())));
        assert!(brought.try_recv().is_err() && link.denied.load(Ordering::Relaxed));
        link.heard(&Event::Connected);
        assert!(!link.denied.load(Ordering::Relaxed), "another connection may be let in");
        link.heard(&Event::SlowConsumer(3));
        assert_eq!(brought.try_recv(), Ok(Brought::MayBeLost));
        assert_eq!(link.lost().slow.get(), 1);
    }

    #[test]
    fn what_happens_all_the_time_is_said_once_in_a_while() {
        let (seldom, mut now) = (Seldom::default(), START);
        for (after, may) in [(Duration::ZERO, true), (Duration::ZERO, false), (limits::BUS_LOG_PAUSE, true)] {
            now = now + after;
            assert_eq!(seldom.may_be_said(now), may);
        }
    }
}
