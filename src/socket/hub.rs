//! The state that the connections of one server share besides `Context`: their numbers, their timers, and whether it
//! is time to go.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use super::timers::Timers;
use crate::desk::Context;
use crate::domain::ids::{ConnectionId, NodeNo};

/// The stage of the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Draining {
    No = 0,
    /// Nothing new is begun; what was begun is answered.
    Finishing = 1,
    /// It took too long.
    Hurrying = 2,
}

pub struct Hub {
    pub context: Arc<Context>,
    pub timers: Timers,
    node: NodeNo,
    connections: AtomicU64,
    draining: AtomicU8,
    /// The turns of connections that have come, of so many: not all of them are asked to finish at once.
    turns: AtomicU32,
    turns_max: AtomicU32,
}

impl Hub {
    pub fn new(context: Arc<Context>) -> Self {
        let timers = Timers::new(context.clock.clone());
        let node = context.dispatcher.cluster().node();
        Self {
            context,
            timers,
            node,
            connections: AtomicU64::new(0),
            draining: AtomicU8::new(0),
            turns: AtomicU32::new(1),
            turns_max: AtomicU32::new(1),
        }
    }

    pub fn next_connection(&self) -> ConnectionId {
        ConnectionId::of(self.node, self.connections.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub fn draining(&self) -> Draining {
        match self.draining.load(Ordering::Acquire) {
            0 => Draining::No,
            1 => Draining::Finishing,
            _ => Draining::Hurrying,
        }
    }

    /// The stage of the end for one connection.
    pub fn draining_of(&self, connection: ConnectionId) -> Draining {
        match self.draining() {
            Draining::Finishing if !self.is_its_turn(connection) => Draining::No,
            draining => draining,
        }
    }

    fn is_its_turn(&self, connection: ConnectionId) -> bool {
        let turn = connection.0 % u64::from(self.turns_max.load(Ordering::Acquire));
        turn < u64::from(self.turns.load(Ordering::Acquire))
    }

    /// Has connections asked to finish in so many turns, none of which has come.
    pub fn spread(&self, turns: u32) {
        self.turns.store(0, Ordering::Release);
        self.turns_max.store(turns.max(1), Ordering::Release);
    }

    /// The next turn has come.
    pub fn next_turn(&self) {
        self.turns.fetch_add(1, Ordering::AcqRel);
    }

    /// Notifies every connection.
    pub fn drain(&self, how: Draining) {
        self.draining.store(how as u8, Ordering::Release);
        self.timers.ring_all();
    }
}
