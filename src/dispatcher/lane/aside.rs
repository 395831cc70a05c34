//! What is done while the store has a batch: the one before it is spoken, and the beginning of the next one is decided.
//! Here and not in tasks of their own, so that nobody is woken for it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Lane;
use super::decided::{Decided, Spoken};
use crate::dispatcher::running::RunningSale;
use crate::domain::event::Event;
use crate::domain::ids::ConcertId;
use crate::fanout::{Fanout, ReplyTo, Told};
use crate::limits;
use crate::store::{Batch, CommitError, Facts};

/// The beginning of a batch, decided while the one before it is being committed.
#[derive(Default)]
pub(in crate::dispatcher) struct Ahead {
    pub(super) decided: Decided,
    /// What comes next needs something read, or has to wait for another reason.
    stopped: bool,
    /// We were wrong somewhere, and what memory holds is not to be trusted.
    pub(super) broken: bool,
    /// Some of those for whom this was decided were refused meanwhile.
    pub(super) void: bool,
}

impl Ahead {
    pub(super) fn is_empty(&self) -> bool {
        self.decided.spoken.is_empty() && self.decided.tail.is_empty() && !self.broken
    }
}

/// A batch that was committed, and those who have to hear of it, in the order of what happened.
pub(in crate::dispatcher) struct Unspoken {
    pub(super) batch: Batch,
    pub(super) answers: std::vec::IntoIter<(ReplyTo, Spoken)>,
    pub(super) tail: Vec<(ConcertId, Range<usize>)>,
}

impl Lane {
    /// Commits a batch of `count` commands. Whenever the store has been given something to do, a part of the batch before
    /// is spoken and a part of what came meanwhile is decided: here and not in a task of its own, so that nobody is
    /// woken for it.
    pub(super) async fn commit(&mut self, batch: &Batch, count: usize) -> Result<(), CommitError> {
        let mut connection = self.take_connection(count).await?;
        let mut commit = connection.commit(batch);
        let committed = poll_fn(|context| {
            let polled = commit.as_mut().poll(context);
            if polled.is_pending() {
                self.speak(limits::SPOKEN_ASIDE_MAX);
                self.look_ahead(count);
                self.lose_patience(context, count);
            }
            polled
        });
        let committed = committed.await;
        drop(commit);
        self.speak_all();
        self.connection = Some(connection);
        committed
    }

    /// Decides what came while a batch of `count` commands is being committed. Not if something waits that is done between
    /// batches, with memory as it was committed.
    pub(super) fn look_ahead(&mut self, count: usize) {
        let decided = self.ahead.decided.spoken.len();
        let is_wanted = !self.ahead.stopped && !self.ahead.broken && decided < limits::BATCH_COMMANDS_MAX;
        let is_wanted = is_wanted && !self.patience.gave_up && self.narrowed.is_none();
        if !is_wanted || self.sweeper.has_news() || !self.adopt.is_empty() || self.is_beat_due() {
            return;
        }
        let (begun, room) = (count + decided, limits::BATCH_COMMANDS_MAX - decided);
        let waiting = self.pending.len() - begun;
        self.mailbox.take(limits::DECIDED_ASIDE_MAX.min(room).saturating_sub(waiting), &mut self.pending);
        let first_in_need =
            (begun..self.pending.len()).find(|&at| !self.needs_of([&self.pending[at]]).is_empty());
        let end = first_in_need.unwrap_or(self.pending.len()).min(begun + limits::DECIDED_ASIDE_MAX);
        if end == begun {
            self.ahead.stopped = first_in_need.is_some();
            return;
        }
        let mut ahead = std::mem::take(&mut self.ahead);
        let deciding = AssertUnwindSafe(|| {
            let mut inputs = self.inputs(Facts::default());
            self.decide_range(begun..end, &mut ahead.decided, &mut inputs);
            self.ids = inputs.ids;
        });
        ahead.broken = catch_unwind(deciding).is_err();
        ahead.stopped = ahead.decided.is_full;
        self.metrics.decided_ahead.inc_by((ahead.decided.spoken.len() - decided) as u64);
        self.ahead = ahead;
    }

    pub(super) fn speak_all(&mut self) {
        self.speak(usize::MAX);
    }

    /// Gives the next `count` answers to the batch that was committed last, each with the pushes that go with it.
    pub(super) fn speak(&mut self, count: usize) {
        let Some(Unspoken { batch, answers, tail }) = &mut self.unspoken else { return };
        let events: BTreeMap<ConcertId, &[Event]> =
            batch.sales.iter().map(|sale| (sale.concert, &sale.events[..])).collect();
        for (to, spoken) in answers.by_ref().take(count) {
            let told = Told::of(&to, &spoken.reply);
            let asked_by = to.connection();
            self.fanout.answer(to, spoken.reply);
            if let Some(user) = spoken.charged {
                self.fanout.tell_charge(user, asked_by);
            }
            if let Some((concert, range)) = spoken.events {
                tell(&self.fanout, &self.sales, &events, concert, range, told.as_ref());
            }
        }
        if answers.len() > 0 {
            return;
        }
        for (concert, range) in tail.drain(..) {
            tell(&self.fanout, &self.sales, &events, concert, range, None);
        }
        self.unspoken = None;
    }
}

fn tell(
    fanout: &Fanout,
    sales: &BTreeMap<ConcertId, RunningSale>,
    events: &BTreeMap<ConcertId, &[Event]>,
    concert: ConcertId,
    range: Range<usize>,
    told: Option<&Told>,
) {
    if let Some(running) = sales.get(&concert)
        && let Some(happened) = events.get(&concert).and_then(|events| events.get(range))
    {
        let now = running.standing();
        happened.iter().for_each(|event| fanout.tell(&running.view, event, now, told));
    }
}
