//! Waiting for the store. Commands that wait with the lane are not kept for ever: one that is in no batch yet is refused
//! after `COMMAND_PATIENCE`, for nothing was tried; one whose batch hangs may have been kept, and is answered after
//! `OUTCOME_PATIENCE` that the outcome is unknown. The lane itself goes on waiting, because only the store knows.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Context;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Lane;
use crate::clock::Clock;
use crate::domain::time::Timestamp;
use crate::fanout::Refusal;
use crate::limits;

/// The ticks of waiting after which the lane is stalled.
const TICKS_OF_STALL: u128 = limits::LANE_STALL.as_millis() / limits::PATIENCE_TICK.as_millis();

/// The time that the lane has been waiting for its store, in ticks: a clock that is turned by hand may jump, and that is no
/// hanging store.
pub(in crate::dispatcher) struct Patience {
    clock: Clock,
    /// One timer for all that is waited for, because most waits are shorter than making one.
    tick: Option<BoxFuture<'static, ()>>,
    ticks: u128,
    trouble: Option<Trouble>,
}

/// The lane's trouble with its store, which readiness names.
struct Trouble {
    since: Timestamp,
    of_batch: bool,
}

impl Patience {
    pub fn new(clock: Clock) -> Self {
        Self { clock, tick: None, ticks: 0, trouble: None }
    }

    fn has_ticked(&mut self, context: &mut Context<'_>) -> bool {
        let clock = &self.clock;
        let tick = self.tick.get_or_insert_with(|| {
            let (clock, at) = (clock.clone(), clock.steady() + limits::PATIENCE_TICK);
            async move { clock.sleep_until(at).await }.boxed()
        });
        let has_ticked = tick.as_mut().poll(context).is_ready();
        if has_ticked {
            self.tick = None;
            self.ticks += 1;
        }
        has_ticked
    }
}

impl Lane {
    /// Waits for a query of the store.
    pub(super) async fn patiently<T>(&mut self, query: impl Future<Output = T>) -> T {
        let mut query = pin!(query);
        poll_fn(|context| {
            let polled = query.as_mut().poll(context);
            if polled.is_pending() {
                self.lose_patience(context);
            }
            polled
        })
        .await
    }

    /// The lane begins to wait for something new. Another attempt at a batch, or another query for an unknown outcome, is
    /// nothing new: its commands have waited for all of them.
    pub(super) fn begin_waiting(&mut self) {
        self.patience.ticks = 0;
    }

    /// Looks whether commands have waited for too long. This is called whenever the lane would wait.
    pub(super) fn lose_patience(&mut self, context: &mut Context<'_>) {
        while self.patience.has_ticked(context) {
            // A store that has nothing to do is no reason to keep answers: what is left is published at once.
            self.publish(usize::MAX);
            if self.patience.ticks >= TICKS_OF_STALL {
                self.give_up();
            }
        }
    }

    fn give_up(&mut self) {
        let now = self.shared.clock.steady();
        self.note_trouble("has been waiting for the store for a while", self.pipeline.is_with_store());
        for (reply, refusal) in self.pipeline.give_up(now) {
            self.fanout.answer(reply, Err(refusal));
        }
        let retry_after = limits::OVERLOADED_RETRY_AFTER;
        for reply in self.mailbox.give_up(now) {
            self.fanout.answer(reply, Err(Refusal::Overloaded { retry_after }));
        }
    }

    /// A query of the store hangs or failed: readiness names it, although the store may answer others.
    pub(super) fn note_trouble(&mut self, what: &str, of_batch: bool) {
        if self.patience.trouble.is_none() {
            tracing::warn!(lane = self.name, "the lane {what}");
        }
        self.patience.trouble = Some(Trouble { since: self.shared.clock.steady(), of_batch });
        self.shared.sales.set_trouble(&self.name, Some(format!("{} {what}", self.name)));
    }

    /// A batch was committed.
    pub(super) fn is_well(&mut self) {
        if self.patience.trouble.take().is_some() {
            self.shared.sales.set_trouble(&self.name, None);
        }
    }

    /// A heartbeat was written: what went wrong with a batch may not be over, for other rows may be locked.
    pub(super) fn is_alive(&mut self, now: Timestamp) {
        let is_over =
            |trouble: &Trouble| !trouble.of_batch || now.since(trouble.since) >= limits::TROUBLE_LASTS;
        if self.patience.trouble.as_ref().is_some_and(is_over) {
            self.is_well();
        }
    }
}
