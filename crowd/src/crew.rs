//! The threads that play the fans. Each has a runtime of its own on one thread, so that fans share what they know
//! without locks.
//!
//! Always: a run has three phases, and every fan sees them in this order: getting ready, `Go`, `Stop`.

use std::cell::Cell;
use std::error::Error;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinSet, LocalSet};

use crate::door::{Callers, Door};
use crate::fan::Trouble;
use crate::record::{Board, Counter, Stats};
use crate::ws::Target;

/// The interval at which a worker hands its records to the board.
const FLUSH_INTERVAL: Duration = Duration::from_millis(250);

/// Connections that one worker opens at the same time: more would only wait for the server's accept queue.
const CONNECTING_MAX: usize = 128;

/// Source addresses on loopback: 127.0.0.1 and those after it, each with about 28,000 ports.
const SOURCES: usize = 200;

/// The stage of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Ready,
    /// It goes on since this instant.
    Go(Instant),
    Stop,
}

/// The counts that fans keep for the conductor.
#[derive(Default)]
pub struct Signals {
    /// Fans that are where the run can begin.
    pub ready: AtomicU64,
    /// Fans that are done, well or not.
    pub done: AtomicU64,
    resting: AtomicBool,
    stopping: AtomicBool,
}

/// One thread of fans.
pub struct Worker {
    /// The number of this worker, of `count`.
    pub index: usize,
    pub count: usize,
    pub stats: Rc<Stats>,
    pub signals: Arc<Signals>,
    pub connecting: Semaphore,
    doors: Arc<[Door]>,
    callers: Option<Arc<dyn Callers>>,
    phase: watch::Receiver<Phase>,
    connections: Cell<usize>,
}

impl Worker {
    /// This worker's share of the numbers below `all`.
    pub fn share(&self, all: usize) -> impl Iterator<Item = usize> + use<> {
        (self.index..all).step_by(self.count)
    }

    /// The target of the next connection, from a source address that has ports left.
    pub fn target(&self) -> Target {
        let number = self.connections.get() * self.count + self.index;
        self.connections.set(self.connections.get() + 1);
        let door = self.doors[number % self.doors.len()];
        let source = match door.ip() {
            IpAddr::V4(ip) if ip.is_loopback() => {
                Some(Ipv4Addr::new(127, 0, 0, (1 + number % SOURCES) as u8).into())
            }
            // Whoever is to be known by the address has to have one before connecting.
            ip => self.callers.is_some().then_some(ip),
        };
        let (callers, others) = (self.callers.clone(), self.doors.clone());
        Target { source, callers, others, ..Target::plain(door) }
    }

    /// Counts one more fan as ready, and waits for the start.
    pub async fn ready(&self) -> Instant {
        self.signals.ready.fetch_add(1, Ordering::Relaxed);
        self.go().await
    }

    /// Waits for the start, and says when it was.
    pub async fn go(&self) -> Instant {
        let mut phase = self.phase.clone();
        // The conductor is gone only when the whole run is over.
        match phase.wait_for(|phase| *phase > Phase::Ready).await.as_deref() {
            Ok(Phase::Go(began)) => *began,
            _ => Instant::now(),
        }
    }

    /// Is nothing more to be asked for, although the run is not over?
    pub fn resting(&self) -> bool {
        self.signals.resting.load(Ordering::Relaxed)
    }

    /// Is the run over?
    pub fn stopping(&self) -> bool {
        self.signals.stopping.load(Ordering::Relaxed)
    }

    /// Waits until the run is over.
    pub async fn stopped(&self) {
        let _ = self.phase.clone().wait_for(|phase| *phase == Phase::Stop).await;
    }

    /// Counts one more fan as done with what is measured, although it stays; one that ends counts by its end.
    pub fn count_done(&self) {
        self.signals.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes why a fan could not play to the end.
    pub fn note_end(&self, fan: usize, ended: Result<(), Trouble>) {
        if let Err(trouble) = ended {
            self.stats.count(Counter::FansFailed, 1);
            self.stats.fault(format!("fan {fan}: {trouble}"));
        }
    }

    /// Plays one fan for each number, all at once, and waits for all of them.
    pub async fn play<F>(
        self: &Rc<Self>,
        fans: impl Iterator<Item = usize>,
        fan: impl Fn(Rc<Self>, usize) -> F,
    ) where
        F: Future<Output = ()> + 'static,
    {
        let mut playing = JoinSet::new();
        for number in fans {
            let (worker, played) = (self.clone(), fan(self.clone(), number));
            playing.spawn_local(async move {
                played.await;
                worker.count_done();
            });
        }
        while let Some(ended) = playing.join_next().await {
            if let Err(error) = ended {
                self.stats.fault(format!("a fan itself broke: {error}"));
            }
        }
    }
}

const _: () = assert!(SOURCES < 255, "the last byte of an address");

/// Why a worker came to no good end.
pub type CrewError = Box<dyn Error + Send + Sync>;

/// The conductor's side.
pub struct Crew {
    pub signals: Arc<Signals>,
    phase: watch::Sender<Phase>,
    threads: Vec<std::thread::JoinHandle<Result<(), CrewError>>>,
}

impl Crew {
    /// Starts `threads` workers that play `role` against the servers behind `doors`, which take connections in turn. `callers`: by whom each connection is
    /// announced before it is made.
    pub fn start<R, F, E>(
        threads: usize,
        doors: &[Door],
        callers: Option<Arc<dyn Callers>>,
        board: &Arc<Board>,
        role: R,
    ) -> std::io::Result<Self>
    where
        R: Fn(Rc<Worker>) -> F + Clone + Send + 'static,
        F: Future<Output = Result<(), E>> + 'static,
        E: Into<CrewError> + 'static,
    {
        let (phase, seen) = watch::channel(Phase::Ready);
        let signals = Arc::new(Signals::default());
        let doors: Arc<[Door]> = doors.into();
        let mut crew = Self { signals: signals.clone(), phase, threads: Vec::new() };
        for index in 0..threads {
            let (role, board, phase, signals) = (role.clone(), board.clone(), seen.clone(), signals.clone());
            let (callers, doors) = (callers.clone(), doors.clone());
            let thread = std::thread::Builder::new().name(format!("fans {index}"));
            crew.threads.push(thread.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let worker = Rc::new(Worker {
                    index,
                    count: threads,
                    stats: Stats::new(board),
                    signals,
                    connecting: Semaphore::new(CONNECTING_MAX),
                    doors,
                    callers,
                    phase,
                    connections: Cell::new(0),
                });
                LocalSet::new().block_on(&runtime, work(worker, role))
            })?);
        }
        Ok(crew)
    }

    pub fn ready(&self) -> u64 {
        self.signals.ready.load(Ordering::Relaxed)
    }

    pub fn done(&self) -> u64 {
        self.signals.done.load(Ordering::Relaxed)
    }

    pub fn go(&self) {
        self.phase.send_replace(Phase::Go(Instant::now()));
    }

    /// Has fans who go on and on come to rest; they stay until the run is over.
    pub fn rest(&self) {
        self.signals.resting.store(true, Ordering::Relaxed);
    }

    pub fn stop(&self) {
        self.signals.stopping.store(true, Ordering::Relaxed);
        self.phase.send_replace(Phase::Stop);
    }

    /// Have all workers ended?
    pub fn is_finished(&self) -> bool {
        self.threads.iter().all(|thread| thread.is_finished())
    }

    /// The workers' ends, of those that have come to one; the others are left behind.
    pub fn collect(mut self) -> Result<(), CrewError> {
        let threads = std::mem::take(&mut self.threads);
        for thread in threads.into_iter().filter(|thread| thread.is_finished()) {
            thread.join().map_err(|_| "a worker of the fans broke")??;
        }
        Ok(())
    }
}

impl Drop for Crew {
    /// Nobody goes on without a conductor.
    fn drop(&mut self) {
        self.stop();
    }
}

async fn work<R, F, E>(worker: Rc<Worker>, role: R) -> Result<(), CrewError>
where
    R: Fn(Rc<Worker>) -> F,
    F: Future<Output = Result<(), E>> + 'static,
    E: Into<CrewError>,
{
    let stats = worker.stats.clone();
    let flushed = stats.clone();
    let flushing = tokio::task::spawn_local(async move {
        let mut interval = tokio::time::interval(FLUSH_INTERVAL);
        loop {
            interval.tick().await;
            flushed.flush();
        }
    });
    let ended = role(worker).await;
    flushing.abort();
    stats.flush();
    ended.map_err(Into::into)
}
