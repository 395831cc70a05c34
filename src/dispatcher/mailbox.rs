//! What waits for a lane, in order of arrival. Bounded: a full mailbox refuses commands at once, so that nobody
//! waits for an answer that comes too late. Presence is always taken: there is at most one disconnect a
//! connection, and a lost one would keep an absent fan's place for ever.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::domain::command::Command;
use crate::domain::ids::{ConcertId, UserId};
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::fanout::ReplyTo;
use crate::limits;

pub(super) struct Envelope {
    /// UTC: a command is judged at this time.
    pub arrived: Timestamp,
    pub work: Work,
    pub reply: ReplyTo,
}

pub(super) enum Work {
    Sale { concert: ConcertId, command: Command },
    Charge { user: UserId, amount: Money, request_id: Box<str> },
}

impl Work {
    /// May this be taken although the mailbox is full?
    fn must_not_be_lost(&self) -> bool {
        matches!(self, Self::Sale { command: Command::Disconnect { .. }, .. })
    }
}

pub(super) struct Mailbox {
    clock: Clock,
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Envelope>,
    closed: bool,
    latest: Timestamp,
}

impl State {
    /// Asked for under the lock, so that arrivals and horizons are in one order even if the clock steps back.
    fn time(&mut self, clock: &Clock) -> Timestamp {
        self.latest = self.latest.max(clock.utc());
        self.latest
    }
}

impl Mailbox {
    pub fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default(), arrived: Notify::new() }
    }

    /// `false`: there is no room, the lane is stuck, or it has stopped, and nothing was taken.
    pub fn post(&self, work: Work, reply: ReplyTo) -> bool {
        {
            let mut state = self.state.lock();
            let arrived = state.time(&self.clock);
            let stalled =
                state.queue.front().is_some_and(|front| arrived.since(front.arrived) > limits::LANE_STALL);
            let full = stalled || state.queue.len() >= limits::MAILBOX_COMMANDS_MAX;
            if state.closed || full && !work.must_not_be_lost() {
                return false;
            }
            state.queue.push_back(Envelope { arrived, work, reply });
        }
        self.arrived.notify_one();
        true
    }

    /// Until when may be expired now: nothing that waits, or comes later, has reached the mailbox before it.
    pub fn horizon(&self) -> Timestamp {
        let mut state = self.state.lock();
        let front = state.queue.front().map(|envelope| envelope.arrived);
        front.unwrap_or_else(|| state.time(&self.clock))
    }

    /// Moves at most `max` envelopes to `batch`.
    pub fn take(&self, max: usize, batch: &mut VecDeque<Envelope>) {
        let mut state = self.state.lock();
        let count = state.queue.len().min(max);
        batch.extend(state.queue.drain(..count));
    }

    pub fn len(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// Resolves when something waits, or nothing more will come.
    pub async fn wait(&self) {
        loop {
            let arrived = self.arrived.notified();
            if self.len() > 0 || self.is_closed() {
                return;
            }
            arrived.await;
        }
    }

    /// From now on nothing is taken; what waits already is still done.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_one();
    }

    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_lane_that_hangs_nobody_queues_up() {
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let mailbox = Mailbox::new(clock.clone());
        let charge = || Work::Charge { user: UserId(1), amount: 1, request_id: "r".into() };
        assert!(mailbox.post(charge(), ReplyTo::Nobody));
        clock.advance(limits::LANE_STALL);
        assert!(mailbox.post(charge(), ReplyTo::Nobody), "not yet");
        clock.advance(std::time::Duration::from_millis(1));
        assert!(!mailbox.post(charge(), ReplyTo::Nobody));
        let (user, connection) = (UserId(1), crate::domain::ids::ConnectionId(1));
        let gone = Work::Sale { concert: ConcertId(1), command: Command::Disconnect { user, connection } };
        assert!(mailbox.post(gone, ReplyTo::Nobody), "presence is always taken");
        let mut batch = VecDeque::new();
        mailbox.take(10, &mut batch);
        assert_eq!(batch.len(), 3);
        assert!(mailbox.post(charge(), ReplyTo::Nobody), "it goes on");
    }
}
