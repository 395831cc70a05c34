//! The commands that wait for a lane, in order of arrival. Their number is bounded: a full mailbox refuses commands at
//! once, so that nobody waits for an answer that comes too late. Presence is always taken: there are at most one connect and one
//! disconnect a connection and sale, and a lost one would cost a present fan's place, or keep an absent one's for ever.

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
    /// The steady time at which the command is judged.
    pub arrived: Timestamp,
    pub work: Work,
    pub reply: ReplyTo,
}

pub(super) enum Work {
    Sale { concert: ConcertId, command: Command },
    Charge { user: UserId, amount: Money, request_id: Box<str> },
}

impl Work {
    /// Whether this is taken although the mailbox is full.
    pub fn must_not_be_lost(&self) -> bool {
        matches!(self, Self::Sale { command, .. } if command.is_presence())
    }

    /// Is it about this sale?
    pub fn is_of(&self, concert: ConcertId) -> bool {
        matches!(self, Self::Sale { concert: of, .. } if *of == concert)
    }

    /// Whether this asks for nothing but whether the lane answers. It comes each second, and tells by its own answer: that it
    /// waits makes nobody's command one too many.
    fn is_a_look(&self) -> bool {
        matches!(self, Self::Sale { command: Command::Figures, .. })
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
    /// The time since which the lane has left something here, whatever became of it; looks aside.
    untouched_since: Option<Timestamp>,
}

impl State {
    /// The time, read under the lock, so that arrivals and horizons are in one order.
    fn time(&mut self, clock: &Clock) -> Timestamp {
        self.latest = self.latest.max(clock.steady());
        self.latest
    }
}

impl Mailbox {
    pub fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default(), arrived: Notify::new() }
    }

    /// Takes a command. Gives `reply` back if nothing was taken: there is no room, the lane hangs, or it has stopped.
    pub fn post(&self, work: Work, reply: ReplyTo) -> Result<(), ReplyTo> {
        {
            let mut state = self.state.lock();
            let arrived = state.time(&self.clock);
            let is_a_look = work.is_a_look();
            // A lane that hangs is not asked again and again.
            let untouched_since = match is_a_look {
                true => state.queue.front().map(|envelope| envelope.arrived),
                false => Some(*state.untouched_since.get_or_insert(arrived)),
            };
            let stalled = untouched_since.is_some_and(|since| arrived.since(since) > limits::LANE_STALL);
            let full = stalled || state.queue.len() >= limits::MAILBOX_COMMANDS_MAX;
            if state.closed || full && !work.must_not_be_lost() {
                return Err(reply);
            }
            state.queue.push_back(Envelope { arrived, work, reply });
        }
        self.arrived.notify_one();
        Ok(())
    }

    /// The time up to which may be expired now: nothing that waits, or comes later, has reached the mailbox before it.
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
        let left = state.queue.iter().find(|envelope| !envelope.work.is_a_look());
        state.untouched_since = left.map(|envelope| envelope.arrived);
    }

    /// Takes away what waits of one sale, in its order.
    pub fn take_of(&self, concert: ConcertId) -> Vec<Envelope> {
        let mut state = self.state.lock();
        let of_sale = take_of(&mut state.queue, concert);
        let left = state.queue.iter().find(|envelope| !envelope.work.is_a_look());
        state.untouched_since = left.map(|envelope| envelope.arrived);
        of_sale
    }

    /// Takes away the commands that have waited for longer than anybody waits, while the lane hangs in its store.
    pub fn give_up(&self, now: Timestamp) -> Vec<ReplyTo> {
        let mut state = self.state.lock();
        let is_late = |envelope: &Envelope| now.since(envelope.arrived) > limits::COMMAND_PATIENCE;
        let late = state.queue.iter().take_while(|envelope| is_late(envelope)).count();
        let mut given_up = Vec::new();
        // Presence stays, in front as it was.
        let mut kept = VecDeque::new();
        for envelope in state.queue.drain(..late) {
            match envelope.work.must_not_be_lost() {
                true => kept.push_back(envelope),
                false => given_up.push(envelope.reply),
            }
        }
        kept.into_iter().rev().for_each(|envelope| state.queue.push_front(envelope));
        given_up
    }

    /// Whether the lane has taken nothing for so long that new commands are refused.
    pub fn is_stalled(&self) -> bool {
        let mut state = self.state.lock();
        let now = state.time(&self.clock);
        state.untouched_since.is_some_and(|since| now.since(since) > limits::LANE_STALL)
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

    /// Takes nothing from now on; the commands that wait already are still done.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_one();
    }

    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }
}

/// Takes the commands of one sale out of those that wait; both keep their order.
pub(super) fn take_of(waiting: &mut VecDeque<Envelope>, concert: ConcertId) -> Vec<Envelope> {
    let mut of_sale = Vec::new();
    for envelope in std::mem::take(waiting) {
        match envelope.work.is_of(concert) {
            true => of_sale.push(envelope),
            false => waiting.push_back(envelope),
        }
    }
    of_sale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_lane_that_hangs_nobody_queues_up() {
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let mailbox = Mailbox::new(clock.clone());
        let charge = || Work::Charge { user: UserId(1), amount: 1, request_id: "r".into() };
        assert!(mailbox.post(charge(), ReplyTo::Nobody).is_ok());
        clock.advance(limits::LANE_STALL);
        assert!(mailbox.post(charge(), ReplyTo::Nobody).is_ok(), "not yet");
        clock.advance(std::time::Duration::from_millis(1));
        assert!(mailbox.post(charge(), ReplyTo::Nobody).is_err());
        let (user, connection) = (UserId(1), crate::domain::ids::ConnectionId(1));
        let gone = Work::Sale { concert: ConcertId(1), command: Command::Disconnect { user, connection } };
        assert!(mailbox.post(gone, ReplyTo::Nobody).is_ok(), "presence is always taken");
        let mut batch = VecDeque::new();
        mailbox.take(10, &mut batch);
        assert_eq!(batch.len(), 3);
        assert!(mailbox.post(charge(), ReplyTo::Nobody).is_ok(), "it goes on");
    }

    /// Whoever looks whether a lane answers does so each second: what they left there while a process stood still must not make
    /// the next command one too many.
    #[test]
    fn a_look_that_waits_refuses_nobody_but_other_looks() {
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let mailbox = Mailbox::new(clock.clone());
        let charge = || Work::Charge { user: UserId(1), amount: 1, request_id: "r".into() };
        let look = || Work::Sale { concert: ConcertId(1), command: Command::Figures };
        assert!(mailbox.post(look(), ReplyTo::Nobody).is_ok());
        clock.advance(2 * limits::LANE_STALL);
        assert!(!mailbox.is_stalled());
        assert!(mailbox.post(look(), ReplyTo::Nobody).is_err(), "one is enough");
        assert!(mailbox.post(charge(), ReplyTo::Nobody).is_ok());
        mailbox.take(1, &mut VecDeque::new());
        clock.advance(2 * limits::LANE_STALL);
        assert!(mailbox.is_stalled() && mailbox.post(charge(), ReplyTo::Nobody).is_err(), "the charge waits");
        mailbox.take(1, &mut VecDeque::new());
        assert!(mailbox.post(charge(), ReplyTo::Nobody).is_ok());
    }

    #[test]
    fn who_waited_too_long_is_given_up_and_nobody_comes_in_their_place() {
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let mailbox = Mailbox::new(clock.clone());
        let charge = || Work::Charge { user: UserId(1), amount: 1, request_id: "r".into() };
        let (user, connection) = (UserId(1), crate::domain::ids::ConnectionId(1));
        let gone = Work::Sale { concert: ConcertId(1), command: Command::Disconnect { user, connection } };
        assert!(
            mailbox.post(charge(), ReplyTo::Nobody).is_ok() && mailbox.post(gone, ReplyTo::Nobody).is_ok()
        );
        clock.advance(limits::LANE_STALL);
        assert!(mailbox.post(charge(), ReplyTo::Nobody).is_ok());
        clock.advance(limits::COMMAND_PATIENCE - limits::LANE_STALL);
        assert_eq!(mailbox.give_up(clock.steady()).len(), 0, "not yet");
        clock.advance(std::time::Duration::from_millis(1));
        assert_eq!(mailbox.give_up(clock.steady()).len(), 1);
        assert_eq!(mailbox.len(), 2, "who is gone, and who came later");
        assert!(mailbox.post(charge(), ReplyTo::Nobody).is_err() && mailbox.is_stalled(), "it still hangs");
        clock.advance(limits::LANE_STALL);
        assert_eq!(mailbox.give_up(clock.steady()).len(), 1);
        assert!(mailbox.post(charge(), ReplyTo::Nobody).is_err(), "also with nobody left");
        mailbox.take(10, &mut VecDeque::new());
        assert!(mailbox.post(charge(), ReplyTo::Nobody).is_ok() && !mailbox.is_stalled());
    }
}
