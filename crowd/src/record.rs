//! Counters and timers of a load test that runs. Each worker records into its own `Stats`, without locks, and hands
//! them to the common `Board` about once a second.
//!
//! Always: what is in a figure happened between `Board::begin_window` and `Board::end_window`; what happened outside
//! of it (making connections ready, ending them) is in the plots and in no figure. Latencies are in microseconds.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use frontrow_protocol::Reason;
use hdrhistogram::Histogram;
use serde::Serialize;

/// Three digits: at 25 ms the steps are 16 µs.
const HISTOGRAM_DIGITS: u8 = 3;

macro_rules! names {
    ($(#[$doc:meta])* $kind:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $kind { $($(#[$variant_doc])* $variant,)+ }
        impl $kind {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

names! {
    /// A timed operation. Most are requests, from the sending to the answer.
    Op {
        /// TCP, upgrade and `hello`, until the session is ready.
        Connect = "connect",
        /// `hello` with a queue token, from the moment that reconnecting began.
        Resume = "resume",
        Join = "queue.join",
        Leave = "queue.leave",
        /// The time from the join's answer to the push that says `PROGRESS`.
        Wait = "wait in line",
        /// The time from a freed place to the next fan's `PROGRESS`.
        Admission = "admission",
        Schedules = "schedules",
        Watch = "seats.watch",
        Hold = "hold",
        HoldBest = "hold_best",
        Release = "release",
        Charge = "charge",
        Pay = "pay",
        Cancel = "cancel",
        Balance = "balance",
        Extend = "queue.extend",
        Get = "queue.get",
        /// The time from the first request to the ticket.
        Journey = "journey",
        /// The time from before a hold was sent to the receipt of the delta that shows it.
        Delta = "delta",
        /// The time from the receipt of a hold's answer to the receipt of the delta that shows it; nothing if that came
        /// first.
        DeltaAfterAnswer = "delta after the answer",
        /// One transaction of the baseline.
        Row = "baseline",
        /// A request over HTTP.
        Http = "http",
    }
}

names! {
    /// A counter.
    Counter {
        Arrivals = "arrivals",
        Admissions = "admissions",
        SeatsHeld = "seats_held",
        SeatsSold = "seats_sold",
        SeatsFreed = "seats_freed",
        Buyers = "buyers",
        Abandoned = "abandoned",
        Reconnects = "reconnects",
        /// Requests that were asked again, as they had been refused for that moment.
        Repeats = "repeats",
        FansFailed = "fans_failed",
        Deltas = "deltas",
        Changes = "changes",
        QueuePushes = "queue_pushes",
        DeltaBytes = "delta_bytes",
    }
}

names! {
    /// The state of a fan.
    FanState {
        Connecting = "connecting",
        Ready = "connected",
        Waiting = "waiting",
        Admitted = "admitted",
        Holding = "holding",
    }
}

const OPS: usize = Op::ALL.len();
const COUNTERS: usize = Counter::ALL.len();
const STATES: usize = FanState::ALL.len();

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    /// A correct refusal: the rules said no.
    Refused(Reason),
    /// Something that must not happen: an answer that does not fit, a connection that broke.
    Failed(String),
}

#[derive(Default)]
struct Slot {
    ok: Option<Histogram<u64>>,
    refused: u64,
    failed: u64,
}

impl Slot {
    fn add(&mut self, other: &Self) {
        if let Some(more) = &other.ok {
            let sum = self.ok.get_or_insert_with(histogram);
            sum.add(more).expect("both grow as they need");
        }
        self.refused += other.refused;
        self.failed += other.failed;
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new(HISTOGRAM_DIGITS).expect("three digits are allowed")
}

/// The records of some time.
struct Interval {
    ops: [Slot; OPS],
    counters: [u64; COUNTERS],
    reasons: BTreeMap<(Op, Reason), u64>,
}

impl Default for Interval {
    fn default() -> Self {
        Self {
            ops: std::array::from_fn(|_| Slot::default()),
            counters: [0; COUNTERS],
            reasons: BTreeMap::new(),
        }
    }
}

impl Interval {
    fn add(&mut self, other: &Self) {
        for (sum, more) in self.ops.iter_mut().zip(&other.ops) {
            sum.add(more);
        }
        for (sum, more) in self.counters.iter_mut().zip(&other.counters) {
            *sum += more;
        }
        for (reason, more) in &other.reasons {
            *self.reasons.entry(*reason).or_default() += more;
        }
    }
}

/// One worker's records.
pub struct Stats {
    board: Arc<Board>,
    inner: RefCell<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Records in the window, and outside of it.
    inside: Interval,
    outside: Interval,
    states: [i64; STATES],
    flushed_states: [i64; STATES],
    faults: Vec<String>,
    faults_in_all: u64,
}

impl Stats {
    pub fn new(board: Arc<Board>) -> Rc<Self> {
        Rc::new(Self { board, inner: RefCell::default() })
    }

    /// One operation that took `elapsed` and ended so.
    pub fn record(&self, op: Op, elapsed: Duration, outcome: &Outcome) {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        let interval = if self.board.in_window() { &mut inner.inside } else { &mut inner.outside };
        let slot = &mut interval.ops[op as usize];
        match outcome {
            Outcome::Ok => {
                let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(1);
                let times = slot.ok.get_or_insert_with(histogram);
                times.record(micros).expect("it grows as it needs");
            }
            Outcome::Refused(reason) => {
                slot.refused += 1;
                *interval.reasons.entry((op, *reason)).or_default() += 1;
            }
            Outcome::Failed(fault) => {
                slot.failed += 1;
                inner.fault(format!("{}: {fault}", op.name()));
            }
        }
    }

    pub fn ok(&self, op: Op, since: Instant) {
        self.record(op, since.elapsed(), &Outcome::Ok);
    }

    /// `count` operations that all took `elapsed`.
    pub fn ok_many(&self, op: Op, elapsed: Duration, count: u64) {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        let interval = if self.board.in_window() { &mut inner.inside } else { &mut inner.outside };
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(1);
        let histogram = interval.ops[op as usize].ok.get_or_insert_with(histogram);
        histogram.record_n(micros, count).expect("it grows as it needs");
    }

    pub fn count(&self, counter: Counter, by: u64) {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        let interval = if self.board.in_window() { &mut inner.inside } else { &mut inner.outside };
        interval.counters[counter as usize] += by;
    }

    /// Something that must not happen, in words.
    pub fn fault(&self, fault: String) {
        self.inner.borrow_mut().fault(fault);
    }

    fn shift(&self, from: Option<FanState>, to: Option<FanState>) {
        let mut inner = self.inner.borrow_mut();
        if let Some(from) = from {
            inner.states[from as usize] -= 1;
        }
        if let Some(to) = to {
            inner.states[to as usize] += 1;
        }
    }

    /// Hands everything to the board.
    pub fn flush(&self) {
        self.board.take_in(&mut self.inner.borrow_mut());
    }
}

impl Inner {
    fn fault(&mut self, fault: String) {
        self.faults_in_all += 1;
        if self.faults.len() < FAULTS_KEPT_MAX {
            self.faults.push(fault);
        }
    }
}

/// The state of one fan; counted until it is dropped.
pub struct StateOf {
    stats: Rc<Stats>,
    state: FanState,
}

impl StateOf {
    pub fn new(stats: &Rc<Stats>, state: FanState) -> Self {
        stats.shift(None, Some(state));
        Self { stats: stats.clone(), state }
    }

    pub fn set(&mut self, state: FanState) {
        self.stats.shift(Some(self.state), Some(state));
        self.state = state;
    }
}

impl Drop for StateOf {
    fn drop(&mut self) {
        self.stats.shift(Some(self.state), None);
    }
}

/// Faults that are printed in words; the rest is only counted.
const FAULTS_KEPT_MAX: usize = 50;

/// The records of all workers.
pub struct Board {
    started: Instant,
    window: AtomicBool,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    total: Interval,
    /// The seconds since `started` that are over, and the one that still grows.
    seconds: Vec<Second>,
    growing: BTreeMap<usize, Interval>,
    states: [i64; STATES],
    faults: Vec<String>,
    faults_in_all: u64,
    window_began: Option<Instant>,
    window: Duration,
}

/// One second of the plots.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Second {
    /// Seconds since the start.
    pub second: usize,
    /// Operations that ended well, by name.
    pub ops: BTreeMap<&'static str, SecondOfOp>,
    pub counters: BTreeMap<&'static str, u64>,
    /// Fans by state at the end of the second.
    pub fans: BTreeMap<&'static str, i64>,
    /// Operations that the rules refused, and those that failed.
    pub refused: u64,
    pub failed: u64,
    /// The server's CPU in percent of one core, and its resident memory in bytes; absent while it is not known.
    pub server_cpu_percent: Option<f64>,
    pub server_rss_bytes: Option<u64>,
}

/// One operation in one second; latencies in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct SecondOfOp {
    pub count: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// One operation in the whole window.
#[derive(Clone, Debug, Serialize)]
pub struct OpSummary {
    pub op: &'static str,
    pub ok: u64,
    /// Refusals by the rules, with their reasons.
    pub refused: u64,
    pub reasons: BTreeMap<&'static str, u64>,
    /// The number of things that must not happen.
    pub failed: u64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
}

impl Board {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { started: Instant::now(), window: AtomicBool::new(false), shared: Mutex::default() })
    }

    fn in_window(&self) -> bool {
        self.window.load(Ordering::Relaxed)
    }

    /// Records count from now on.
    pub fn begin_window(&self) {
        self.shared().window_began = Some(Instant::now());
        self.window.store(true, Ordering::Relaxed);
    }

    pub fn end_window(&self) {
        self.window.store(false, Ordering::Relaxed);
        let mut shared = self.shared();
        if let Some(began) = shared.window_began.take() {
            shared.window += began.elapsed();
        }
    }

    /// The time for which the window was open in all; of an open one, up to now.
    pub fn window(&self) -> Duration {
        let shared = self.shared();
        shared.window + shared.window_began.map_or(Duration::ZERO, |began| began.elapsed())
    }

    fn take_in(&self, inner: &mut Inner) {
        let second = self.started.elapsed().as_secs() as usize;
        let (inside, outside) = (std::mem::take(&mut inner.inside), std::mem::take(&mut inner.outside));
        let mut shared = self.shared();
        shared.total.add(&inside);
        let growing = shared.growing.entry(second).or_default();
        growing.add(&inside);
        growing.add(&outside);
        for index in 0..STATES {
            shared.states[index] += inner.states[index] - inner.flushed_states[index];
        }
        inner.flushed_states = inner.states;
        shared.faults_in_all += std::mem::take(&mut inner.faults_in_all);
        for fault in inner.faults.drain(..) {
            shared.keep_fault(fault);
        }
    }

    /// Closes the second that has just ended: the fans' states and the server's use are those of its end.
    pub fn tick(&self, server: Option<(f64, u64)>) -> Second {
        let now = self.started.elapsed().as_secs() as usize;
        let mut shared = self.shared();
        // Records count to the second in which they are handed over, so nothing more comes for earlier ones.
        shared.settle(now);
        let fans = FanState::ALL.iter().map(|state| (state.name(), shared.states[*state as usize])).collect();
        let second = shared.second(now.saturating_sub(1));
        second.fans = fans;
        second.server_cpu_percent = server.map(|(cpu, _)| cpu);
        second.server_rss_bytes = server.map(|(_, rss)| rss);
        second.clone()
    }

    /// Everything up to now is closed; to be called when all workers have flushed for the last time.
    pub fn settle(&self) {
        self.shared().settle(usize::MAX);
    }

    pub fn seconds(&self) -> Vec<Second> {
        self.shared().seconds.clone()
    }

    /// Adds a fault that was found from the outside.
    pub fn fault(&self, fault: String) {
        let mut shared = self.shared();
        shared.faults_in_all += 1;
        shared.keep_fault(fault);
    }

    /// The number of faults, and the first of them in words.
    pub fn faults(&self) -> (u64, Vec<String>) {
        let shared = self.shared();
        (shared.faults_in_all, shared.faults.clone())
    }

    pub fn counter(&self, counter: Counter) -> u64 {
        self.shared().total.counters[counter as usize]
    }

    /// Operations of a kind that ended well in the window.
    pub fn done(&self, op: Op) -> u64 {
        self.shared().total.ops[op as usize].ok.as_ref().map_or(0, Histogram::len)
    }

    /// A percentile of an operation's latency in milliseconds; `None` if there was none.
    pub fn percentile_ms(&self, op: Op, percentile: f64) -> Option<f64> {
        let shared = self.shared();
        let histogram = shared.total.ops[op as usize].ok.as_ref()?;
        Some(millis(histogram.value_at_percentile(percentile)))
    }

    /// Every operation of the window.
    pub fn summary(&self) -> Vec<OpSummary> {
        let seconds = self.window().as_secs_f64();
        let shared = self.shared();
        let mut rows = Vec::new();
        for op in Op::ALL.iter().copied() {
            let slot = &shared.total.ops[op as usize];
            let empty = histogram();
            let times = slot.ok.as_ref().unwrap_or(&empty);
            if times.is_empty() && slot.refused == 0 && slot.failed == 0 {
                continue;
            }
            let reasons = shared.total.reasons.iter().filter(|((of, _), _)| *of == op);
            let at = |percentile| millis(times.value_at_percentile(percentile));
            rows.push(OpSummary {
                op: op.name(),
                ok: times.len(),
                refused: slot.refused,
                reasons: reasons.map(|((_, reason), count)| (reason.as_str(), *count)).collect(),
                failed: slot.failed,
                per_second: if seconds > 0.0 { times.len() as f64 / seconds } else { 0.0 },
                p50_ms: at(50.0),
                p90_ms: at(90.0),
                p99_ms: at(99.0),
                p999_ms: at(99.9),
                max_ms: millis(times.max()),
            });
        }
        rows
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Shared {
    fn keep_fault(&mut self, fault: String) {
        if self.faults.len() < FAULTS_KEPT_MAX {
            self.faults.push(fault);
        }
    }

    /// Turns everything recorded before second `until` into numbers.
    fn settle(&mut self, until: usize) {
        while let Some((&second, _)) = self.growing.first_key_value()
            && second < until
        {
            let Some((_, interval)) = self.growing.pop_first() else { return };
            self.second(second).fill(&interval);
        }
    }

    /// The second of this number, made if it is not there.
    fn second(&mut self, second: usize) -> &mut Second {
        let place = self.seconds.partition_point(|known| known.second < second);
        if self.seconds.get(place).is_none_or(|known| known.second != second) {
            self.seconds.insert(place, Second { second, ..Second::default() });
        }
        &mut self.seconds[place]
    }
}

impl Second {
    fn fill(&mut self, interval: &Interval) {
        for op in Op::ALL.iter().copied() {
            let slot = &interval.ops[op as usize];
            self.refused += slot.refused;
            self.failed += slot.failed;
            if let Some(times) = &slot.ok {
                let at = |percentile| millis(times.value_at_percentile(percentile));
                let of_op = SecondOfOp { count: times.len(), p50_ms: at(50.0), p99_ms: at(99.0) };
                self.ops.insert(op.name(), of_op);
            }
        }
        for counter in Counter::ALL.iter().copied() {
            let count = interval.counters[counter as usize];
            if count > 0 {
                self.counters.insert(counter.name(), count);
            }
        }
    }
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn only_the_window_is_in_the_figures() {
        let board = Board::new();
        let stats = Stats::new(board.clone());
        stats.record(Op::Hold, MS, &Outcome::Ok);
        board.begin_window();
        for millis in 1..=100 {
            stats.record(Op::Hold, MS * millis, &Outcome::Ok);
        }
        stats.record(Op::Hold, MS, &Outcome::Refused(Reason::SeatTaken));
        stats.count(Counter::SeatsHeld, 100);
        board.end_window();
        stats.record(Op::Hold, MS, &Outcome::Failed("no answer".into()));
        stats.flush();
        board.settle();
        let [row] = &board.summary()[..] else { panic!("holds alone") };
        assert_eq!((row.ok, row.refused, row.failed), (100, 1, 0));
        assert_eq!(row.reasons, BTreeMap::from([("SEAT_TAKEN", 1)]));
        assert!((row.p99_ms - 99.0).abs() < 0.1, "{}", row.p99_ms);
        assert_eq!(board.counter(Counter::SeatsHeld), 100);
        assert_eq!(board.faults(), (1, vec!["hold: no answer".to_owned()]));
        let plotted: u64 = board.seconds().iter().map(|second| second.ops["hold"].count).sum();
        assert_eq!(plotted, 101, "the plots show the time before the window too");
    }

    #[test]
    fn fans_are_counted_where_they_are() {
        let board = Board::new();
        let stats = Stats::new(board.clone());
        let mut one = StateOf::new(&stats, FanState::Connecting);
        let two = StateOf::new(&stats, FanState::Connecting);
        one.set(FanState::Waiting);
        stats.flush();
        drop(two);
        stats.flush();
        board.tick(Some((50.0, 1024)));
        board.settle();
        let seconds = board.seconds();
        let last = seconds.last().unwrap();
        assert_eq!((last.fans["connecting"], last.fans["waiting"]), (0, 1));
        assert_eq!(last.server_rss_bytes, Some(1024));
    }
}
