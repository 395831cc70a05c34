//! What carries messages between processes: it loses, doubles and delays them, brings later ones first, and may bring nothing
//! one way. What leaves or reaches a process that stands still waits until that goes on, as in the buffers of its kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use frontrow::bus::carrier::{Brought, Carrier, To};
use frontrow::clock::Clock;
use frontrow::domain::ids::{ConcertId, NodeNo};
use frontrow::domain::time::Timestamp;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::mpsc;

/// What a process has not heard yet; of more it is told that something may be lost.
const UNHEARD_MAX: usize = 256;

#[derive(Clone, Copy, Debug)]
pub struct Weather {
    pub lost_per_mille: u32,
    pub doubled_per_mille: u32,
    pub late_max: Duration,
}

impl Weather {
    pub const CALM: Self = Self { lost_per_mille: 0, doubled_per_mille: 0, late_max: Duration::ZERO };
}

pub struct Net {
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    rng: StdRng,
    weather: Weather,
    ends: Vec<End>,
    /// Messages, each with its sender and receiver, by the time at which it arrives and the order of sending.
    under_way: BTreeMap<(Timestamp, u64), (usize, usize, Bytes)>,
    sent: u64,
    lost: u64,
    /// The ways that bring nothing: from whom to whom.
    cut: BTreeSet<(usize, usize)>,
}

struct End {
    node: Option<NodeNo>,
    brings: mpsc::Sender<Brought>,
    stands_still: bool,
    is_gone: bool,
}

/// One process's way to the others.
struct Port {
    net: Arc<Net>,
    index: usize,
}

impl Net {
    pub fn new(seed: u64, clock: Clock) -> Arc<Self> {
        let state = State {
            rng: StdRng::seed_from_u64(seed),
            weather: Weather::CALM,
            ends: Vec::new(),
            under_way: BTreeMap::new(),
            sent: 0,
            lost: 0,
            cut: BTreeSet::new(),
        };
        Arc::new(Self { clock, state: Mutex::new(state) })
    }

    /// The way of the next process, by its number among all of them.
    pub fn connect(self: &Arc<Self>) -> (Arc<dyn Carrier>, mpsc::Receiver<Brought>) {
        let (brings, brought) = mpsc::channel(UNHEARD_MAX);
        let mut state = self.state.lock();
        let index = state.ends.len();
        state.ends.push(End { node: None, brings, stands_still: false, is_gone: false });
        (Arc::new(Port { net: self.clone(), index }), brought)
    }

    /// From now on it can be reached by this number.
    pub fn name(&self, index: usize, node: NodeNo) {
        self.state.lock().ends[index].node = Some(node);
    }

    pub fn stand_still(&self, index: usize, still: bool) {
        self.state.lock().ends[index].stands_still = still;
    }

    pub fn is_gone(&self, index: usize) {
        self.state.lock().ends[index].is_gone = true;
    }

    pub fn set_weather(&self, weather: Weather) {
        self.state.lock().weather = weather;
    }

    /// Nothing is brought this way any more.
    pub fn cut(&self, from: usize, to: usize) {
        self.state.lock().cut.insert((from, to));
    }

    /// Every way brings messages again.
    pub fn mend(&self) {
        self.state.lock().cut.clear();
    }

    /// The number of messages that were sent, and that were lost.
    pub fn counts(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.sent, state.lost)
    }

    /// Brings what is due by now.
    pub fn turn(&self) {
        let now = self.clock.utc();
        let state = &mut *self.state.lock();
        let waiting = std::mem::take(&mut state.under_way);
        for ((due, order), (from, to, message)) in waiting {
            let waits = due > now || state.ends[from].stands_still || state.ends[to].stands_still;
            match waits {
                true => drop(state.under_way.insert((due, order), (from, to, message))),
                false => state.bring(from, to, message),
            }
        }
    }
}

impl State {
    fn bring(&mut self, from: usize, to: usize, message: Bytes) {
        let end = &self.ends[to];
        if end.is_gone || self.cut.contains(&(from, to)) {
            self.lost += 1;
            return;
        }
        if end.brings.try_send(Brought::Message(message)).is_err() {
            self.lost += 1;
            // There is room again when it has heard some of it; what it missed is said again all the same.
            let _ = end.brings.try_send(Brought::MayBeLost);
        }
    }

    fn send(&mut self, from: usize, to: usize, message: &Bytes, now: Timestamp) {
        let Weather { lost_per_mille, doubled_per_mille, late_max } = self.weather;
        let times = 1 + u32::from(self.rng.random_range(0..1_000) < doubled_per_mille);
        for _ in 0..times {
            self.sent += 1;
            if self.rng.random_range(0..1_000) < lost_per_mille {
                self.lost += 1;
                continue;
            }
            let late = Duration::from_millis(self.rng.random_range(0..=late_max.as_millis() as u64));
            let stands = self.ends[from].stands_still || self.ends[to].stands_still;
            match late.is_zero() && !stands {
                true => self.bring(from, to, message.clone()),
                false => {
                    self.under_way.insert((now + late, self.sent), (from, to, message.clone()));
                }
            }
        }
    }
}

impl Carrier for Port {
    fn send(&self, to: To, message: Bytes) -> bool {
        let state = &mut *self.net.state.lock();
        if state.ends[self.index].is_gone {
            return false;
        }
        let is_meant = |index: usize, end: &End| match to {
            To::Node(node) => end.node == Some(node),
            To::Sale(_) | To::All => index != self.index && !end.is_gone,
        };
        let to: Vec<_> = (0..)
            .zip(&state.ends)
            .filter(|(index, end)| is_meant(*index, end))
            .map(|(index, _)| index)
            .collect();
        let now = self.net.clock.utc();
        to.into_iter().for_each(|to| state.send(self.index, to, &message, now));
        true
    }

    /// Everybody reads all sales.
    fn read_sale(&self, _: ConcertId, _: bool) {}

    fn out_since(&self) -> Option<Timestamp> {
        None
    }

    fn name(&self) -> &str {
        "a simulated net"
    }
}
