//! The steps of a batch as the lane performs them: reading what it needs, deciding it, having it kept, and what follows when
//! that fails. The pipeline alone says which step comes next.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::Lane;
use super::pipeline::{Consequence, Failure, Step, Verdict};
use crate::dispatcher::mailbox::{Envelope, Work};
use crate::domain::command::{Answer, Command, Inputs, Needs};
use crate::domain::event::{Event, HoldEnd, Refunded, SoldAtDesk};
use crate::domain::ids::ConcertId;
use crate::domain::record::{ExpiryReason, TokenStatus};
use crate::domain::rejection::Rejection;
use crate::domain::sale;
use crate::fanout::Refusal;
use crate::limits;
use crate::metrics::Metrics;
use crate::store::{self, Batch, CommitError, Facts, JournalPosition, SaleBatch, StoreError};

/// A pause before the store is queried again about an unknown outcome.
const SETTLE_PAUSE: Duration = Duration::from_millis(100);

impl Lane {
    /// Performs a step. Breaks when the lane has nothing to do any more.
    pub(super) async fn perform(&mut self, step: Step) -> ControlFlow<()> {
        match step {
            Step::Rest => return self.rest().await,
            Step::Begin => self.begin().await,
            Step::Read => self.read().await,
            Step::Decide => self.decide(),
            Step::Commit => self.commit().await,
            Step::Settle => self.settle().await,
            Step::Confirm => self.confirm(),
            Step::Publish => self.publish(usize::MAX),
            Step::Undo => self.undo(),
            Step::RollBack => self.roll_back().await,
            Step::BreakDown => self.break_down(),
        }
        ControlFlow::Continue(())
    }

    async fn begin(&mut self) {
        if self.pipeline.is_new() {
            self.begin_waiting();
        }
        if self.tables.are_too_far_behind() && !self.wait_for_tables().await {
            return;
        }
        if self.pipeline.has_begun_ahead() {
            self.call_witness();
            self.take_in();
        }
        self.needs = self.needs_of(self.pipeline.next_commands());
        self.pipeline.begin(self.is_beat_due(), !self.needs.is_empty());
    }

    /// Waits until the tables have less to catch up with. `false`: something else comes first by now.
    async fn wait_for_tables(&mut self) -> bool {
        self.metrics.batches_waited.inc();
        // What is not published is not handed over to the table writer yet.
        self.publish(usize::MAX);
        let tables = self.tables.clone();
        self.patiently(tables.room()).await;
        // Somebody else may be the writer by now, and what is decided and changes nothing would be published unnoticed.
        if self.is_beat_due() && !self.pipeline.has_begun_ahead() {
            self.pipeline.put_off();
        }
        self.pipeline.next() == Step::Begin
    }

    async fn read(&mut self) {
        let needs = std::mem::take(&mut self.needs);
        let read = match self.take_connection().await {
            Ok(mut connection) => {
                let facts = self.patiently(connection.begin(&needs)).await;
                self.connection = Some(connection);
                facts
            }
            Err(error) => Err(error),
        };
        match read {
            Ok(facts) => {
                self.facts = facts;
                self.pipeline.read();
            }
            Err(error) => self.fail(error),
        }
    }

    /// Decides the commands that wait, as far as the batch goes, and then what is due.
    fn decide(&mut self) {
        let facts = std::mem::take(&mut self.facts);
        let deciding = AssertUnwindSafe(|| {
            let mut inputs = self.inputs(facts);
            self.decide_waiting(self.pipeline.room(), &mut inputs);
            self.decide_dues(&mut inputs);
            self.ids = inputs.ids;
        });
        match catch_unwind(deciding) {
            Ok(()) => {
                let batch = self.sealed();
                self.pipeline.decided(batch);
            }
            Err(_) => self.pipeline.broke(),
        }
    }

    fn decide_dues(&mut self, inputs: &mut Inputs) {
        let (utc, dues) = (self.mailbox.horizon(), self.pipeline.dues());
        let (_, decided) = self.pipeline.deciding();
        for (concert, running) in self.sales.iter_mut().filter(|(concert, _)| dues.contains(**concert)) {
            self.deciding = Some(*concert);
            let now = running.now(utc);
            let first = running.events.len();
            let left = limits::BATCH_EXPIRIES_MAX.saturating_sub(decided.expiries);
            let step = sale::Step { now, inputs: &mut *inputs, events: &mut running.events };
            decided.expiries += running.sale.expire_due(step, left);
            if running.events.len() > first {
                decided.tail.push((*concert, first..running.events.len()));
            }
        }
    }

    /// The batch that was decided, as the store is to keep it.
    fn sealed(&mut self) -> Batch {
        let changed = self.sales.values_mut().filter(|running| !running.events.is_empty());
        let sales = changed.map(|running| {
            running.sale.seal();
            SaleBatch {
                concert: running.sale.concert(),
                seq: running.journal.seq + 1,
                after: running.journal.batch,
                events: std::mem::take(&mut running.events),
            }
        });
        let sales = sales.collect();
        let (_, decided) = self.pipeline.deciding();
        Batch {
            id: store::random_id(),
            writer: self.writer,
            at: self.shared.clock.utc(),
            sales,
            charges: std::mem::take(&mut decided.charges),
        }
    }

    async fn commit(&mut self) {
        self.commit_began = Instant::now();
        let batch = self.pipeline.give_to_store();
        match self.commit_overlapped(&batch).await {
            Ok(()) => self.kept(batch),
            Err(CommitError::NotCommitted(error)) => self.fail(error),
            Err(CommitError::SteppedDown { concert }) => {
                self.pipeline.failed(Failure::SteppedDown(concert));
            }
            Err(CommitError::OutcomeUnknown(error)) => {
                Metrics::count(&self.metrics.store_errors, "outcome_unknown");
                tracing::warn!(
                    error = &*error as &dyn std::error::Error,
                    "the outcome of a commit is unknown"
                );
                self.connection = None;
                self.pipeline.unknown(batch);
            }
        }
    }

    /// Queries the store once whether it kept the batch. Others are refused for a while; those in the batch wait for the
    /// truth.
    async fn settle(&mut self) {
        let batch = self.pipeline.give_to_store();
        let settled = match self.take_connection().await {
            Ok(mut connection) => {
                let settled = self.patiently(connection.settle(&batch)).await;
                self.connection = Some(connection);
                settled
            }
            Err(error) => Err(error.into()),
        };
        match settled {
            Ok(true) => return self.kept(batch),
            Ok(false) => {
                for sale in &batch.sales {
                    if let Some(running) = self.sales.get_mut(&sale.concert) {
                        running.journal = JournalPosition { seq: sale.seq, batch: batch.void_id() };
                        running.view.pass(sale.seq);
                        if let Some(exchange) = &self.shared.exchange {
                            exchange.committed(sale.concert, sale.seq, running.time(), &[]);
                        }
                        self.tables.commit(sale.concert, sale.seq, &[]);
                        self.tables.hand_over(sale.concert, sale.seq, Vec::new());
                    }
                }
                let lost = std::io::Error::other("the connection was lost before the commit");
                return self.fail(StoreError::RolledBack(lost.into()));
            }
            Err(CommitError::SteppedDown { concert }) => {
                return self.pipeline.failed(Failure::SteppedDown(concert));
            }
            Err(CommitError::NotCommitted(error)) => {
                self.connection = None;
                self.shared.sales.set_store_fault(Some(error.reason()));
            }
            Err(CommitError::OutcomeUnknown(_)) => self.connection = None,
        }
        self.pipeline.unknown(batch);
        let mut arrived = VecDeque::new();
        self.mailbox.take(limits::BATCH_COMMANDS_MAX, &mut arrived);
        for envelope in arrived {
            match envelope.work.must_not_be_lost() {
                // Memory is ahead of the truth: whoever comes now would be told a place that may never have been.
                true => self.pipeline.waiting_mut().push_back(envelope),
                false => self.refuse_while_out(envelope),
            }
        }
        self.patiently(tokio::time::sleep(SETTLE_PAUSE)).await;
    }

    fn kept(&mut self, batch: Batch) {
        self.is_well();
        self.commit_took = self.commit_began.elapsed();
        self.metrics.commit_seconds.observe(self.commit_took.as_secs_f64());
        self.pipeline.kept(batch);
    }

    /// Memory and the copies that others read become what was committed; then it can be published.
    fn confirm(&mut self) {
        let batch = self.pipeline.confirm();
        if !batch.sales.is_empty() || !batch.charges.is_empty() {
            self.metrics.commit_batch_commands.observe(self.pipeline.in_batch().len() as f64);
        }
        for entry in &batch.charges {
            self.ledger.count(entry.user, entry.at);
        }
        for event in batch.sales.iter().flat_map(|sale| &sale.events) {
            let entry = match event {
                Event::Paid { ledger, .. } => Some(ledger),
                Event::Refunded(Refunded { ledger, .. }) => ledger.as_ref(),
                _ => None,
            };
            entry.into_iter().for_each(|entry| self.ledger.count(entry.user, entry.at));
        }
        for sale in &batch.sales {
            if let Some(running) = self.sales.get_mut(&sale.concert) {
                running.journal = JournalPosition { seq: sale.seq, batch: batch.id };
                // The copies that others read are new before anything is published.
                running.view.apply(sale.seq, &sale.events);
                for event in &sale.events {
                    if let Event::ScheduleAdded(added) = event {
                        let (view, supervisor) = (&running.view, &self.shared.supervisor);
                        self.fanout.show_performance(view, added.schedule, &self.home, supervisor);
                    }
                }
                if let Some(exchange) = &self.shared.exchange {
                    exchange.committed(sale.concert, sale.seq, running.time(), &sale.events);
                }
                running.view.tally().committed(self.commit_took);
                // What the tables do not have yet can be found nowhere but in memory, and neither can what is decided ahead.
                let behind = self.tables.commit(sale.concert, sale.seq, &sale.events);
                running.sale.commit(self.ended_kept_max + behind + running.events.len());
                self.sweeper.note(sale.concert, &sale.events);
                if !running.view.is_rehearsal() {
                    count_events(&self.metrics, &sale.events);
                }
            }
        }
        let now = self.shared.clock.steady();
        for (envelope, verdict) in self.pipeline.in_batch() {
            if let Work::Sale { concert, command } = &envelope.work
                && envelope.reply.is_awaited()
                // Who only looks whether a sale answers is not who waits for it.
                && *command != Command::Figures
                && let Some(running) = self.sales.get(concert)
            {
                running.view.tally().answered(now.since(envelope.arrived), verdict.reply.as_ref().err());
            }
            if let Err(Refusal::Rejected(Rejection::GuestSeats { .. })) = verdict.reply {
                Metrics::count(&self.metrics.refused, "address_guest_seats");
            }
        }
        self.pipeline.confirmed(batch);
        self.count_tokens();
    }

    async fn roll_back(&mut self) {
        let rolled_back = match self.take_connection().await {
            Ok(mut connection) => {
                let rolled_back = self.patiently(connection.rollback()).await;
                self.connection = Some(connection);
                rolled_back
            }
            Err(error) => Err(error),
        };
        match rolled_back {
            Ok(()) => self.pipeline.rolled_back(),
            Err(error) => self.fail(error),
        }
    }

    /// Notes that certainly nothing of the batch was kept.
    fn fail(&mut self, error: StoreError) {
        let failure = match error {
            StoreError::Refused(error) => Failure::Refused(error),
            StoreError::RolledBack(error) => {
                Metrics::count(&self.metrics.store_errors, "rolled_back");
                tracing::warn!(error = &*error as &dyn std::error::Error, "a batch was rolled back");
                Failure::RolledBack
            }
            error => {
                self.store_failed(&error);
                Failure::Out
            }
        };
        self.pipeline.failed(failure);
    }

    fn undo(&mut self) {
        for running in self.sales.values_mut() {
            running.sale.undo();
            running.events.clear();
        }
        match self.pipeline.undone(self.sales.keys().copied()) {
            Consequence::None => {}
            Consequence::StepDown(concert) => self.step_down(concert),
            Consequence::GiveUp(commands) => {
                self.note_trouble("had its batch rolled back again and again", true);
                commands.into_iter().for_each(|envelope| self.refuse_while_out(envelope));
            }
            Consequence::Refuse(envelope, error) => {
                Metrics::count(&self.metrics.store_errors, "refused");
                let what = match &envelope.work {
                    Work::Sale { concert, command } => format!("{} of sale {concert}", command.name()),
                    Work::Charge { user, .. } => format!("a charge of user {user}"),
                };
                let error = &*error as &dyn std::error::Error;
                tracing::error!(error, what, "the store refuses what was decided, and would every time");
                self.fanout.answer(envelope.reply, Err(Refusal::Internal));
            }
            // The sale is built anew, once a second, until somebody mends its rows.
            Consequence::PutAway(concert, error) => {
                Metrics::count(&self.metrics.store_errors, "refused");
                tracing::error!(
                    error = &*error as &dyn std::error::Error,
                    concert.id = concert.0,
                    "the store refuses what is due in this sale, and would every time"
                );
                self.note_trouble("has something due that the store refuses", true);
                self.put_away(concert);
            }
        }
    }

    /// Deciding broke off. The sale that it was about is lost, and will be rebuilt from the store; so is every other one of
    /// the lane that is not whole once it is taken back to what was committed. The refusal says that it is our fault.
    fn break_down(&mut self) {
        let culprit = self.deciding.take();
        for concert in self.sales.keys().copied().collect::<Vec<_>>() {
            if Some(concert) == culprit || !self.is_whole_when_taken_back(concert) {
                tracing::error!(
                    concert.id = concert.0,
                    "an invariant broke while deciding a batch; the sale is rebuilt from the store"
                );
                self.lose(concert);
            }
        }
        for envelope in self.pipeline.broken_down() {
            self.refuse(envelope, Refusal::Internal);
        }
    }

    fn is_whole_when_taken_back(&mut self, concert: ConcertId) -> bool {
        let Some(running) = self.sales.get_mut(&concert) else { return true };
        let check = AssertUnwindSafe(|| {
            running.sale.undo();
            running.events.clear();
            running.sale.check();
        });
        catch_unwind(check).is_ok()
    }

    /// The lane's connection, for as long as a query runs on it; made if there is none.
    pub(super) async fn take_connection(&mut self) -> Result<Box<dyn store::BatchWriter>, StoreError> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let store = self.store.clone();
        let connection = self.patiently(store.open_writer()).await?;
        self.shared.sales.set_store_fault(None);
        Ok(connection)
    }

    /// The reads that these commands need before they are decided.
    pub(super) fn needs_of<'e>(&self, envelopes: impl IntoIterator<Item = &'e Envelope>) -> Needs {
        let mut needs = Needs::default();
        for envelope in envelopes {
            let at = envelope.arrived.shifted(self.clock_step);
            match &envelope.work {
                Work::Sale { concert, command } => {
                    if let Some(running) = self.sales.get(concert) {
                        running.sale.needs(command, &mut needs);
                        if let Command::Pay { caller, reservation } = command
                            && running.sale.is_held(*reservation)
                        {
                            self.ledger.needs(caller.user, at, &mut needs);
                        }
                    }
                }
                Work::Charge { user, request_id, .. } => {
                    needs.wallets.push(*user);
                    needs.charges.push((*user, request_id.clone()));
                    self.ledger.needs(*user, at, &mut needs);
                }
            }
        }
        needs.wallets.sort_unstable();
        needs.wallets.dedup();
        needs.ledgers.sort_unstable();
        needs
    }

    /// The inputs for deciding. If it breaks off, the lane goes on with the spare ids: tokens must never be guessed.
    pub(super) fn inputs(&mut self, facts: Facts) -> Inputs {
        let spare = self.ids.spare();
        let ids = std::mem::replace(&mut self.ids, spare);
        self.ledger.learn(facts.ledger_since, facts.ledgers);
        Inputs { wallets: facts.wallets, ended: facts.ended, ids }
    }

    /// Decides the first `most` of those that wait, until one has to wait for the next batch.
    pub(super) fn decide_waiting(&mut self, most: usize, inputs: &mut Inputs) {
        let (waiting, decided) = self.pipeline.deciding();
        decided.commands.reserve(most.min(waiting.len()));
        for _ in 0..most {
            let Some(envelope) = waiting.front() else { break };
            let verdict = match &envelope.work {
                // Nothing is done, and nobody waits for it here any more.
                _ if envelope.reply.is_void() => {
                    let retry_after = limits::UNAVAILABLE_RETRY_AFTER;
                    Verdict { reply: Err(Refusal::Unavailable { retry_after }), events: None, charged: None }
                }
                Work::Charge { user, amount, request_id } => {
                    self.deciding = None;
                    let at = envelope.arrived.shifted(self.clock_step);
                    // A repeated charge adds no entry.
                    let room = match inputs.wallets.has_charge(*user, request_id) {
                        true => Ok(()),
                        false => self.ledger.check(*user, inputs.wallets.added(*user), at),
                    };
                    let made = room.and_then(|()| {
                        inputs.wallets.charge(*user, *amount, request_id, at, &mut inputs.ids)
                    });
                    let mut charged = None;
                    if let Ok((entry, true)) = &made {
                        decided.charges.push(entry.clone());
                        charged = Some(*user);
                    }
                    let reply = made.map(|(entry, _)| Answer::Charged(entry)).map_err(Refusal::from);
                    Verdict { reply, events: None, charged }
                }
                Work::Sale { concert, command } => match self.sales.get_mut(concert) {
                    None => {
                        let retry_after = limits::UNAVAILABLE_RETRY_AFTER;
                        Verdict {
                            reply: Err(Refusal::Unavailable { retry_after }),
                            events: None,
                            charged: None,
                        }
                    }
                    Some(running) => {
                        self.deciding = Some(*concert);
                        let now = running.now(envelope.arrived);
                        let first = running.events.len();
                        let left = limits::BATCH_EXPIRIES_MAX.saturating_sub(decided.expiries);
                        let step = sale::Step { now, inputs: &mut *inputs, events: &mut running.events };
                        decided.expiries += running.sale.expire_due(step, left);
                        if running.sale.must_expire_first(now) {
                            // The rest is for the next batch: no command overtakes an expiry.
                            decided.tail.push((*concert, first..running.events.len()));
                            decided.is_full = true;
                            break;
                        }
                        // A payment adds an entry, a repeated one none; a refund follows a payment.
                        let room = match command {
                            Command::Pay { caller, reservation } if running.sale.is_held(*reservation) => {
                                self.ledger.check(caller.user, inputs.wallets.added(caller.user), now.utc)
                            }
                            _ => Ok(()),
                        };
                        let decided = match (&room, command) {
                            // A payment that is refused was a request all the same: activity.
                            (Err(_), Command::Pay { caller, .. }) => &Command::Touch { user: caller.user },
                            _ => command,
                        };
                        let step = sale::Step { now, inputs: &mut *inputs, events: &mut running.events };
                        let reply = running.sale.decide(step, decided);
                        if let (Command::Join { user, .. }, Ok(Answer::Queue { created: true, .. })) =
                            (command, &reply)
                        {
                            // They may have a window open that the sale does not know of: it ran elsewhere until then.
                            for connection in self.fanout.connections_of(*user) {
                                running.sale.connect(*user, connection);
                            }
                        }
                        let reply = room.and(reply);
                        let events = Some((*concert, first..running.events.len()));
                        Verdict { reply: reply.map_err(Refusal::from), events, charged: None }
                    }
                },
            };
            decided.push(waiting, verdict);
        }
    }
}

fn count_events(metrics: &Metrics, events: &[Event]) {
    for event in events {
        match event {
            Event::Joined(_)
            | Event::SeatsReleased { .. }
            | Event::Refunded(_)
            | Event::SeatMoved(_)
            | Event::SeatsRestricted(_)
            | Event::SeatsUnrestricted(_)
            | Event::Described(_)
            | Event::Repriced(_)
            | Event::ScheduleAdded(_)
            | Event::Rescheduled(_)
            | Event::CalledOff(_)
            | Event::Archived(_)
            | Event::SettingsChanged { .. } => {}
            Event::Admitted(_) => {
                metrics.admissions.inc();
            }
            Event::SeatsHeld { seats, .. } => {
                metrics.holds.inc_by(seats.len() as u64);
            }
            Event::Paid { reservation, .. } | Event::SoldAtDesk(SoldAtDesk { reservation, .. }) => {
                metrics.seats_sold.inc_by(reservation.seats.len() as u64);
            }
            Event::ReservationEnded { why: HoldEnd::HoldTime, .. } => {
                Metrics::count(&metrics.expiries, "hold");
            }
            Event::ReservationEnded { .. } => {}
            Event::TokenEnded(record) => match record.status {
                TokenStatus::Expired(ExpiryReason::Idle) => Metrics::count(&metrics.expiries, "idle"),
                TokenStatus::Expired(ExpiryReason::Time) => Metrics::count(&metrics.expiries, "time"),
                TokenStatus::Expired(ExpiryReason::Away) => Metrics::count(&metrics.expiries, "away"),
                _ => {}
            },
        }
    }
}
