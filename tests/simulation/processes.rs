//! Processes: they start, stop in good order, stand still, and die.

use std::sync::Arc;
use std::time::Duration;

use frontrow::clock::Clock;
use frontrow::dispatcher::{self, Bus, Dispatcher, JoinError, Joining, Lanes, Options};
use frontrow::domain::ids::{ConnectionId, ScheduleId, SeatId};
use frontrow::domain::time::Timestamp;
use frontrow::fanout::{Fanout, publish_sale_news, push_places};
use frontrow::metrics::Metrics;
use frontrow_testing::simulated::SimulatedStore;
use rand::RngExt;
use tokio::task::JoinHandle;

use crate::world::World;

pub struct Node {
    pub store: SimulatedStore,
    /// Its machine's, which goes as fast as all others.
    pub clock: Clock,
    /// Connections made so far.
    pub connections: u64,
    pub fanout: Arc<Fanout>,
    pub phase: Phase,
    pub metrics: Arc<Metrics>,
    pub gone_at: Option<Timestamp>,
    /// Its tables stand still until then, while it sells.
    tables_stand_until: Option<Timestamp>,
    /// The tasks of the fanout.
    publishing: [JoinHandle<()>; 2],
}

pub enum Phase {
    Starting(JoinHandle<Result<(Dispatcher, Lanes), JoinError>>),
    Up {
        dispatcher: Dispatcher,
        lanes: Lanes,
    },
    /// It stands still until then, as by SIGSTOP.
    Standing {
        dispatcher: Dispatcher,
        lanes: Lanes,
        until: Timestamp,
    },
    Stopping {
        dispatcher: Dispatcher,
        done: JoinHandle<()>,
    },
    Gone,
}

impl Node {
    /// Takes requests.
    pub fn dispatcher(&self) -> Option<&Dispatcher> {
        match &self.phase {
            Phase::Up { dispatcher, .. } => Some(dispatcher),
            _ => None,
        }
    }

    /// A number for a connection to it, as the server itself gives them.
    pub fn next_connection(&mut self) -> ConnectionId {
        self.connections += 1;
        let node = self.dispatcher().expect("a process that is up has joined").cluster().node();
        ConnectionId::of(node, self.connections)
    }

    /// The way to its tables, as long as somebody is at them.
    fn at_tables(&self) -> Option<&Dispatcher> {
        match &self.phase {
            Phase::Up { dispatcher, .. }
            | Phase::Standing { dispatcher, .. }
            | Phase::Stopping { dispatcher, .. } => Some(dispatcher),
            Phase::Starting(_) | Phase::Gone => None,
        }
    }

    /// Its answers reach clients.
    pub fn answers(&self) -> bool {
        matches!(self.phase, Phase::Up { .. } | Phase::Stopping { .. }) && !self.store.is_dead()
    }
}

impl World {
    pub fn start_node(&mut self) {
        let store = self.database.connect();
        let fanout = Arc::new(Fanout::default());
        let metrics = Arc::new(Metrics::new());
        let mut seed = [0; 32];
        seed[8..16].copy_from_slice(&self.seed.to_le_bytes());
        seed[16..24].copy_from_slice(&(self.nodes.len() as u64).to_le_bytes());
        let options = Options {
            sweep_rows_max: self.sweep_rows_max,
            ledger_entries_per_day: self.ledger_max,
            events_behind_max: self.events_behind_max,
            ended_kept_max: self.ended_kept_max,
            seed: Some(seed),
            witness: Some(self.memory.witness()),
            ..Options::new(self.defaults.clone())
        };
        // Most clocks are a little off, and some of them much; a process goes by the database's all the same.
        let off = match self.rng.random_range(0..20) {
            _ if self.is_healed => 0,
            0..8 => 0,
            8..19 => self.rng.random_range(-1_900..1_900),
            _ => [-3_600_000, 3_600_000][self.rng.random_range(0..2)],
        };
        let clock = Clock::manual(self.clock.utc());
        clock.set_by(off);
        let joining = Joining {
            lanes: self.lanes,
            by_database_clock: true,
            ..Joining::new(&format!("n{}", self.rng.random_range(0..3)))
        };
        let started = {
            let (store, clock) = (Arc::new(store.handle()), clock.clone());
            let (fanout, metrics) = (fanout.clone(), metrics.clone());
            let ((carrier, brought), net, index) = (self.net.connect(), self.net.clone(), self.nodes.len());
            async move {
                let cluster = dispatcher::join(store.clone(), clock.clone(), joining).await?;
                net.name(index, cluster.node());
                let bus = Some(Bus { carrier, brought });
                Ok(dispatcher::start(store, fanout, clock, metrics, cluster, bus, options).await?)
            }
        };
        let publishing = [
            tokio::spawn(push_places(fanout.clone(), clock.clone())),
            tokio::spawn(publish_sale_news(fanout.clone())),
        ];
        self.note(|| format!("a process starts, its clock {off} ms ahead"));
        self.alone_since = None;
        self.counted_apart |= self.lanes > 1 || self.alive() > 0;
        let phase = Phase::Starting(tokio::spawn(started));
        self.nodes.push(Node {
            store,
            clock,
            connections: 0,
            fanout,
            phase,
            metrics,
            gone_at: None,
            tables_stand_until: None,
            publishing,
        });
    }

    /// Some processes are stopped, stand still or are killed; another one may start.
    pub async fn disturb(&mut self) {
        for index in 0..self.nodes.len() {
            if !matches!(self.nodes[index].phase, Phase::Up { .. }) {
                continue;
            }
            match self.rng.random_range(0..1_000) {
                0..4 => self.nodes[index].store.kill(),
                4..8 => {
                    let until = self.clock.utc() + Duration::from_millis(self.rng.random_range(100..15_000));
                    self.stand_still(index, until);
                }
                8..11 => self.stop(index),
                _ => {}
            }
        }
        if self.rng.random_bool(0.004) {
            self.note(|| "a lane has a bug".to_owned());
            self.database.break_off_next_commit();
        }
        if self.rng.random_bool(0.01) {
            // Any seat of any performance, which may not be there; or none any more.
            let seat = (ScheduleId(self.rng.random_range(1..5)), SeatId(self.rng.random_range(0..4)));
            let seat = self.rng.random_bool(0.7).then_some(seat);
            self.note(|| format!("the store refuses to hold {seat:?}"));
            self.database.refuse_seat(seat);
            self.refused += 1;
        }
        if self.rng.random_bool(0.02) {
            let concerts = self.models.len();
            let concert = *self.models.keys().nth(self.rng.random_range(0..concerts)).expect("there is one");
            self.note(|| format!("somebody takes sale {concert}, and is never heard of again"));
            self.database.take_over(concert, self.clock.steady());
            self.taken_over += 1;
        }
        if self.rng.random_bool(0.02) {
            let index = self.rng.random_range(0..self.nodes.len());
            let until = self.clock.utc() + Duration::from_millis(self.rng.random_range(100..10_000));
            self.let_tables_stand(index, Some(until));
        }
        if self.rng.random_bool(0.02) {
            self.wish();
        }
        self.go_on().await;
        if self.alive() == 1 && self.rng.random_bool(0.02) {
            self.start_node();
        }
    }

    /// Somebody wishes that a process runs a sale, or none.
    fn wish(&mut self) {
        let up = self.nodes.iter().filter_map(|node| Some(node.dispatcher()?.cluster().node()));
        let up: Vec<_> = up.collect();
        let Some(node) = up.get(self.rng.random_range(0..up.len().max(1))).copied() else { return };
        if self.rng.random_bool(0.5) {
            let concert = *self.models.keys().nth(self.rng.random_range(0..self.models.len())).expect("one");
            self.note(|| format!("somebody wishes sale {concert} to move to node {node}"));
            self.database.wish_move(concert, node);
        } else {
            let is_to_drain = self.rng.random_bool(0.7);
            self.note(|| format!("somebody wishes node {node} to be drained: {is_to_drain}"));
            self.database.wish_drain(node, is_to_drain);
        }
        self.wished += 1;
    }

    fn stand_still(&mut self, index: usize, until: Timestamp) {
        self.note(|| format!("process {index} stands still"));
        self.nodes[index].store.stand_still(true);
        self.net.stand_still(index, true);
        let phase = std::mem::replace(&mut self.nodes[index].phase, Phase::Gone);
        self.nodes[index].phase = match phase {
            Phase::Up { dispatcher, lanes } => Phase::Standing { dispatcher, lanes, until },
            other => other,
        };
    }

    /// The tables of a process stand still until then, or go on.
    pub fn let_tables_stand(&mut self, index: usize, until: Option<Timestamp>) {
        let Some(dispatcher) = self.nodes[index].at_tables() else { return };
        dispatcher.let_tables_stand(until.is_some());
        self.nodes[index].tables_stand_until = until;
        self.fell_behind += u64::from(until.is_some());
        let what = if until.is_some() { "stand still" } else { "go on" };
        self.note(|| format!("the tables of process {index} {what}"));
    }

    /// Asks a process to stop in good order.
    pub fn stop(&mut self, index: usize) {
        self.note(|| format!("process {index} is asked to stop"));
        let phase = std::mem::replace(&mut self.nodes[index].phase, Phase::Gone);
        self.nodes[index].phase = match phase {
            Phase::Up { dispatcher, lanes } => {
                let leaving = dispatcher.clone();
                let done = tokio::spawn(async move {
                    leaving.leave().await;
                    lanes.shutdown().await;
                });
                Phase::Stopping { dispatcher, done }
            }
            other => other,
        };
    }

    /// Work that has begun with the processes goes on; there is always one.
    pub async fn go_on(&mut self) {
        for index in 0..self.nodes.len() {
            let is_dead = self.nodes[index].store.is_dead();
            let phase = std::mem::replace(&mut self.nodes[index].phase, Phase::Gone);
            self.nodes[index].phase = match phase {
                Phase::Gone => Phase::Gone,
                _ if is_dead => self.bury(index),
                Phase::Starting(started) if started.is_finished() => {
                    match started.await.expect("starting does not panic") {
                        Ok((dispatcher, lanes)) => Phase::Up { dispatcher, lanes },
                        Err(_) => self.bury(index),
                    }
                }
                Phase::Standing { dispatcher, lanes, until } if until <= self.clock.utc() => {
                    self.note(|| format!("process {index} goes on"));
                    self.nodes[index].store.stand_still(false);
                    self.net.stand_still(index, false);
                    Phase::Up { dispatcher, lanes }
                }
                Phase::Stopping { done, .. } if done.is_finished() => self.bury(index),
                other => other,
            };
        }
        for index in 0..self.nodes.len() {
            if self.nodes[index].tables_stand_until.is_some_and(|until| until <= self.clock.utc()) {
                self.let_tables_stand(index, None);
            }
        }
        if self.alive() == 0 {
            self.start_node();
        }
        if self.alive() > 1 {
            self.alone_since = None;
        } else {
            self.alone_since.get_or_insert(self.clock.utc());
        }
    }

    pub fn alive(&self) -> usize {
        self.nodes.iter().filter(|node| !matches!(node.phase, Phase::Gone)).count()
    }

    /// The process is gone, and with it its connections and what was asked by them.
    fn bury(&mut self, index: usize) -> Phase {
        self.note(|| format!("process {index} is gone"));
        self.net.is_gone(index);
        self.nodes[index].publishing.iter().for_each(JoinHandle::abort);
        self.nodes[index].gone_at = Some(self.clock.utc());
        for device in 0..self.devices.len() {
            self.devices[device].connection.take_if(|connection| connection.node == index);
            self.forget_asked(device, index);
        }
        Phase::Gone
    }
}
