//! The lane's work while the store has a batch: the one before it is published, and the beginning of the next one is decided.
//! Both are done in the lane's own task, so that nobody is woken for it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Lane;
use super::pipeline::Committed;
use crate::dispatcher::running::RunningSale;
use crate::domain::event::Event;
use crate::domain::ids::ConcertId;
use crate::fanout::{Answered, Fanout, ReplyTo};
use crate::limits;
use crate::store::{Batch, CommitError, Facts};

impl Lane {
    /// Lets the store keep a batch. Whenever the store has something to do, a part of the batch before is published and a
    /// part of what came meanwhile is decided.
    pub(super) async fn commit_overlapped(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let mut connection = self.take_connection().await?;
        let mut commit = connection.commit(batch);
        let committed = poll_fn(|context| {
            let polled = commit.as_mut().poll(context);
            if polled.is_pending() {
                self.publish(limits::PUBLISHED_ASIDE_MAX);
                self.look_ahead();
                self.lose_patience(context);
            }
            polled
        });
        let committed = committed.await;
        drop(commit);
        self.connection = Some(connection);
        committed
    }

    /// Decides what came while the store has a batch, unless something waits that is done between batches, with memory as it
    /// was committed.
    fn look_ahead(&mut self) {
        let room = self.pipeline.room_ahead();
        let is_to_rest = self.sweeper.has_news()
            || !self.adopt.is_empty()
            || self.is_beat_due()
            || self.shared.sales.has_moving();
        if room == 0 || is_to_rest {
            return;
        }
        let most = limits::DECIDED_ASIDE_MAX.min(room);
        let waiting = self.pipeline.waiting_mut();
        self.mailbox.take(most.saturating_sub(waiting.len()), waiting);
        let waiting = self.pipeline.waiting().iter().take(most);
        let count = waiting.take_while(|envelope| self.needs_of([*envelope]).is_empty()).count();
        if count == 0 {
            if !self.pipeline.waiting().is_empty() {
                self.pipeline.stop_ahead();
            }
            return;
        }
        let before = self.pipeline.decided_ahead();
        let deciding = AssertUnwindSafe(|| {
            let mut inputs = self.inputs(Facts::default());
            self.decide_waiting(count, &mut inputs);
            self.ids = inputs.ids;
        });
        let broken = catch_unwind(deciding).is_err();
        self.pipeline.went_ahead(broken);
        self.metrics.decided_ahead.inc_by((self.pipeline.decided_ahead() - before) as u64);
    }

    /// Publishes the next `count` answers of the batch that was committed last, each with the pushes that go with it.
    pub(super) fn publish(&mut self, count: usize) {
        let committed = self.pipeline.committed();
        let Some(Committed { batch, answers, tail }) = committed else { return };
        let events: BTreeMap<ConcertId, &[Event]> =
            batch.sales.iter().map(|sale| (sale.concert, &sale.events[..])).collect();
        let mut far = None;
        for (envelope, verdict) in answers.by_ref().take(count) {
            let answered = Answered::by(&envelope.reply, &verdict.reply);
            let asked_by = envelope.reply.connection();
            match envelope.reply {
                ReplyTo::Far(asker) => {
                    // Where nothing was written, everything that was is before.
                    let range = verdict.events.as_ref().filter(|(concert, _)| events.contains_key(concert));
                    let after = range.map_or(u32::MAX, |(_, range)| range.end as u32);
                    asker.answer(verdict.reply, after);
                    far = Some(asker);
                }
                reply => self.fanout.answer(reply, verdict.reply),
            }
            if let Some(user) = verdict.charged {
                self.fanout.publish_charge(user, asked_by);
                self.shared.exchange.iter().for_each(|exchange| exchange.charged(user));
            }
            if let Some((concert, range)) = verdict.events {
                notify(&self.fanout, &self.sales, &events, concert, range, answered.as_ref());
            }
        }
        // One message with all of them costs the bus, and both ends, as much as one with a single answer.
        far.into_iter().for_each(|asker| asker.send());
        if answers.len() > 0 {
            return;
        }
        for (concert, range) in tail.drain(..) {
            notify(&self.fanout, &self.sales, &events, concert, range, None);
        }
        // Nobody needs the events any more but the tables, which follow.
        for sale in committed.take().into_iter().flat_map(|committed| committed.batch.sales) {
            self.tables.hand_over(sale.concert, sale.seq, sale.events);
        }
    }
}

fn notify(
    fanout: &Fanout,
    sales: &BTreeMap<ConcertId, RunningSale>,
    events: &BTreeMap<ConcertId, &[Event]>,
    concert: ConcertId,
    range: Range<usize>,
    answered: Option<&Answered>,
) {
    if let Some(running) = sales.get(&concert)
        && let Some(happened) = events.get(&concert).and_then(|events| events.get(range))
    {
        let now = running.standing();
        happened.iter().for_each(|event| fanout.publish(&running.view, event, now, answered));
    }
}
