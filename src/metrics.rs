//! The server's counters, as Prometheus sees them. Every name begins with `frontrow_`; counters end in `_total`.
//!
//! Always: every label has a small, fixed set of values, so that no client can make the page grow. Handles are
//! shared: a clone of a field counts into the same number.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use uuid::Uuid;

/// The media type of `Metrics::encode`.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One kind of a thing, for families with a single label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Kind {
    pub kind: &'static str,
}

/// Requests, and how they ended: `method` is a method's name, `outcome` is `ok` or a reason of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    pub method: &'static str,
    pub outcome: &'static str,
}

/// One sale, where it runs (`here`, `elsewhere`, `loading`), and the id of its writer, as the table `node` has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SaleLabels {
    concert: u32,
    runs: &'static str,
    writer: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Status {
    Waiting,
    Progress,
}

impl EncodeLabelValue for Status {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let text = match self {
            Self::Waiting => "waiting",
            Self::Progress => "progress",
        };
        text.encode(encoder)
    }
}

/// Every number that is counted.
pub struct Metrics {
    /// Open websockets.
    pub connections: Gauge,
    /// Open TCP connections, websockets among them.
    pub sockets: Gauge,
    /// Connections and requests turned away because a bound was reached, by which (`connections`, `user`, `rate`).
    pub refused: Family<Kind, Counter>,
    /// TLS handshakes, by how they ended: `ok`, `failed`, `late`, `not_tls`.
    pub tls_handshakes: Family<Kind, Counter>,
    /// Requests through either door.
    pub requests: Family<RequestLabels, Counter>,
    /// Waiting tokens of all sales that run here.
    pub tokens_waiting: Gauge,
    /// Admitted tokens of all sales that run here.
    pub tokens_progress: Gauge,
    pub admissions: Counter,
    /// Seats held.
    pub holds: Counter,
    pub seats_sold: Counter,
    /// Things that ended by time, by kind: `hold`, `idle`, `time`, `away`.
    pub expiries: Family<Kind, Counter>,
    /// Commands in one commit.
    pub commit_batch_commands: Histogram,
    /// Commands among these that were decided while the store worked on the batch before.
    pub decided_ahead: Counter,
    /// The time from the begin of a batch's transaction to the end of its commit.
    pub commit_seconds: Histogram,
    /// Batches that waited because the tables were too far behind the journal.
    pub batches_waited: Counter,
    apply_lag_events: Gauge,
    apply_lag_seconds: Gauge<f64, AtomicU64>,
    /// Sessions closed because they did not take their answers.
    pub outbox_drops: Counter,
    /// Commands that wait for a lane.
    pub mailbox_depth: Gauge,
    /// Failures of the store, by kind: `rolled_back`, `unreachable`, `broken`, `claimed`, `unknown`.
    pub store_errors: Family<Kind, Counter>,
    /// Rows in which the store and a sale's memory differed.
    pub sweep_differences: Counter,
    /// Lines of the log that could not be written.
    pub log_lines_lost: Counter,
    /// Bytes of the embedded database's log.
    pub store_log_bytes: Gauge,
    /// The number of times that the machine's clock was set, and by how much in all since the start.
    pub clock_steps: Counter,
    pub clock_step_ms: Gauge,
    /// Servers of this database that live, this one among them.
    pub members: Gauge,
    /// Other servers that are heard over the bus.
    pub members_heard: Gauge,
    /// Sales that were given away to another server.
    pub moves: Counter,
    /// The milliseconds by which the machine's clock is ahead of the database's.
    pub clock_ahead_ms: Gauge,
    /// Sales that were taken over from another server.
    pub takeovers: Counter,
    /// 1: there is a connection to the bus between servers.
    pub bus_connected: Gauge,
    /// The number of times that it was made.
    pub bus_connections: Counter,
    pub bus_messages_sent: Counter,
    pub bus_messages_brought: Counter,
    /// Messages between servers that were lost here, by why: `no_connection`, `full`, `too_large`, `cut`, `unread`, `slow`.
    pub bus_messages_lost: Family<Kind, Counter>,
    pub bus_unread: Counter,
    pub forwarded: Counter,
    pub not_mine: Counter,
    /// Times that something was missing in a copy of another server's sale, and that one was read in the database.
    pub copies_behind: Counter,
    pub copies_read: Counter,
    /// Tasks that must live and ended by a fault of ours.
    pub task_ends: Counter,
    /// Alarms that were raised here, by kind.
    pub alarms_raised: Family<Kind, Counter>,
    alarms_open: Family<Kind, Gauge>,
    sales: Family<SaleLabels, Gauge>,
    registry: Registry,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    pub fn new() -> Self {
        let tokens = Family::<StatusLabel, Gauge>::default();
        let token_gauge = |status| tokens.get_or_create(&StatusLabel { status }).clone();
        let mut metrics = Self {
            connections: Gauge::default(),
            sockets: Gauge::default(),
            refused: Family::default(),
            tls_handshakes: Family::default(),
            requests: Family::default(),
            tokens_waiting: token_gauge(Status::Waiting),
            tokens_progress: token_gauge(Status::Progress),
            admissions: Counter::default(),
            holds: Counter::default(),
            seats_sold: Counter::default(),
            expiries: Family::default(),
            commit_batch_commands: Histogram::new(exponential_buckets(1.0, 2.0, 14)),
            decided_ahead: Counter::default(),
            commit_seconds: Histogram::new(exponential_buckets(0.000_25, 2.0, 16)),
            batches_waited: Counter::default(),
            apply_lag_events: Gauge::default(),
            apply_lag_seconds: Gauge::default(),
            outbox_drops: Counter::default(),
            mailbox_depth: Gauge::default(),
            store_errors: Family::default(),
            sweep_differences: Counter::default(),
            log_lines_lost: Counter::default(),
            store_log_bytes: Gauge::default(),
            clock_steps: Counter::default(),
            clock_step_ms: Gauge::default(),
            members: Gauge::default(),
            members_heard: Gauge::default(),
            moves: Counter::default(),
            clock_ahead_ms: Gauge::default(),
            takeovers: Counter::default(),
            bus_connected: Gauge::default(),
            bus_connections: Counter::default(),
            bus_messages_sent: Counter::default(),
            bus_messages_brought: Counter::default(),
            bus_messages_lost: Family::default(),
            bus_unread: Counter::default(),
            forwarded: Counter::default(),
            not_mine: Counter::default(),
            copies_behind: Counter::default(),
            copies_read: Counter::default(),
            task_ends: Counter::default(),
            alarms_raised: Family::default(),
            alarms_open: Family::default(),
            sales: Family::default(),
            registry: Registry::with_prefix("frontrow"),
        };
        let r = &mut metrics.registry;
        r.register("connections", "Open websockets", metrics.connections.clone());
        r.register("sockets", "Open TCP connections", metrics.sockets.clone());
        r.register("refused", "Turned away at a bound", metrics.refused.clone());
        r.register("tls_handshakes", "TLS handshakes by how they ended", metrics.tls_handshakes.clone());
        r.register("requests", "Requests by method and outcome", metrics.requests.clone());
        r.register("queue_tokens", "Live queue tokens by status", tokens);
        r.register("admissions", "Tokens admitted", metrics.admissions.clone());
        r.register("holds", "Seats held", metrics.holds.clone());
        r.register("seats_sold", "Seats sold", metrics.seats_sold.clone());
        r.register("expiries", "What ended by time", metrics.expiries.clone());
        r.register("commit_batch_commands", "Commands in one commit", metrics.commit_batch_commands.clone());
        r.register(
            "decided_ahead",
            "Commands decided during the commit before theirs",
            metrics.decided_ahead.clone(),
        );
        r.register_with_unit(
            "commit",
            "Time of a batch in the store",
            Unit::Seconds,
            metrics.commit_seconds.clone(),
        );
        r.register(
            "apply_batches_waited",
            "Batches that waited for the tables",
            metrics.batches_waited.clone(),
        );
        r.register("apply_lag_events", "Events that the tables lack", metrics.apply_lag_events.clone());
        r.register_with_unit(
            "apply_lag",
            "Time since the first of these",
            Unit::Seconds,
            metrics.apply_lag_seconds.clone(),
        );
        r.register("outbox_drops", "Sessions closed for not taking answers", metrics.outbox_drops.clone());
        r.register("mailbox_depth", "Commands that wait for a lane", metrics.mailbox_depth.clone());
        r.register("store_errors", "Failures of the store", metrics.store_errors.clone());
        r.register("sweep_differences", "Rows that differed from memory", metrics.sweep_differences.clone());
        r.register("log_lines_lost", "Log lines that were not written", metrics.log_lines_lost.clone());
        r.register("sale_runs", "1: where each sale runs, and its writer", metrics.sales.clone());
        r.register("store_log_bytes", "The embedded database's log", metrics.store_log_bytes.clone());
        r.register("clock_steps", "Times the machine's clock was set", metrics.clock_steps.clone());
        r.register("clock_step_ms", "How far it was set in all", metrics.clock_step_ms.clone());
        r.register("members", "Servers of this database that live", metrics.members.clone());
        r.register(
            "members_heard",
            "Other servers that are heard over the bus",
            metrics.members_heard.clone(),
        );
        r.register("moves", "Sales that were given away to another server", metrics.moves.clone());
        r.register(
            "clock_ahead_ms",
            "The machine's clock less the database's",
            metrics.clock_ahead_ms.clone(),
        );
        r.register(
            "forwarded",
            "Commands that another server was asked, as it runs their sale",
            metrics.forwarded.clone(),
        );
        r.register(
            "not_mine",
            "Commands of other servers that came back, as their sale is not run here",
            metrics.not_mine.clone(),
        );
        r.register(
            "copies_behind",
            "Times that something was missing in a copy of a sale that another server runs",
            metrics.copies_behind.clone(),
        );
        r.register(
            "copies_read",
            "Copies of sales that another server runs that were read in the database",
            metrics.copies_read.clone(),
        );
        r.register(
            "bus_unread",
            "Messages of other servers that could not be read",
            metrics.bus_unread.clone(),
        );
        r.register("takeovers", "Sales taken over from another server", metrics.takeovers.clone());
        r.register("bus_connected", "1: connected to the bus", metrics.bus_connected.clone());
        r.register("bus_connections", "Connections made to the bus", metrics.bus_connections.clone());
        r.register("bus_messages_sent", "Messages given to the bus", metrics.bus_messages_sent.clone());
        r.register(
            "bus_messages_brought",
            "Messages that the bus brought",
            metrics.bus_messages_brought.clone(),
        );
        r.register(
            "bus_messages_lost",
            "Messages between servers lost here",
            metrics.bus_messages_lost.clone(),
        );
        r.register("alarms_raised", "Alarms that were raised by this server", metrics.alarms_raised.clone());
        r.register("alarms_open", "Alarms that go on, of all servers", metrics.alarms_open.clone());
        r.register("task_ends", "Panics of tasks that must live", metrics.task_ends.clone());
        metrics
    }

    /// Counts one request that ended.
    pub fn request(&self, method: &'static str, outcome: &'static str) {
        self.requests.get_or_create(&RequestLabels { method, outcome }).inc();
    }

    /// Counts one thing of a kind.
    pub fn count(family: &Family<Kind, Counter>, kind: &'static str) {
        Counter::<u64, AtomicU64>::inc(&family.get_or_create(&Kind { kind }));
    }

    /// The place where each sale runs now. No client makes sales, so no client makes the page grow.
    pub fn set_sales(&self, sales: impl Iterator<Item = (u32, &'static str, Option<Uuid>)>) {
        self.sales.clear();
        for (concert, runs, writer) in sales {
            let writer = writer.map(|id| id.to_string()).unwrap_or_default();
            self.sales.get_or_create(&SaleLabels { concert, runs, writer }).set(1);
        }
    }

    /// By how many events the tables are behind the journal, and for how long.
    pub fn set_apply_lag(&self, events: usize, since: Duration) {
        self.apply_lag_events.set(events as i64);
        self.apply_lag_seconds.set(since.as_secs_f64());
    }

    /// How many alarms of each kind go on.
    pub fn set_alarms(&self, open: impl Iterator<Item = (&'static str, i64)>) {
        for (kind, count) in open {
            self.alarms_open.get_or_create(&Kind { kind }).set(count);
        }
    }

    /// The page that Prometheus reads, of the type `CONTENT_TYPE`.
    pub fn encode(&self) -> String {
        let mut page = String::with_capacity(8 * 1024);
        text::encode(&mut page, &self.registry).expect("writing to a string does not fail");
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_what_was_counted() {
        let metrics = Metrics::new();
        metrics.request("hold", "ok");
        metrics.request("hold", "ok");
        metrics.request("hold", "SEAT_TAKEN");
        metrics.tokens_waiting.set(41);
        metrics.commit_seconds.observe(0.003);
        Metrics::count(&metrics.expiries, "idle");
        let page = metrics.encode();
        for line in [
            r#"frontrow_requests_total{method="hold",outcome="ok"} 2"#,
            r#"frontrow_requests_total{method="hold",outcome="SEAT_TAKEN"} 1"#,
            r#"frontrow_queue_tokens{status="waiting"} 41"#,
            r#"frontrow_queue_tokens{status="progress"} 0"#,
            r#"frontrow_expiries_total{kind="idle"} 1"#,
            "frontrow_commit_seconds_count 1",
            "# EOF",
        ] {
            assert!(page.lines().any(|l| l == line), "no `{line}` in\n{page}");
        }
    }
}
