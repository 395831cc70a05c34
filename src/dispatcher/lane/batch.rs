//! One batch of a lane: what it has to have read, deciding it, committing it, and what follows when that fails.

use std::collections::VecDeque;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::Lane;
use super::aside::{Ahead, Unspoken};
use super::decided::{Decided, Spoken};
use crate::dispatcher::mailbox::{Envelope, Work};
use crate::domain::command::{Answer, Command, Inputs, Needs};
use crate::domain::event::{Event, HoldEnd};
use crate::domain::ids::ConcertId;
use crate::domain::record::{ExpiryReason, TokenStatus};
use crate::domain::rejection::Rejection;
use crate::domain::sale::Step;
use crate::fanout::Refusal;
use crate::limits;
use crate::metrics::Metrics;
use crate::store::{self, Batch, CommitError, Facts, JournalPosition, SaleBatch, StoreError};

/// How often an unknown outcome is asked for before the lane looks after its mailbox again.
const SETTLE_PAUSE: Duration = Duration::from_millis(100);

impl Lane {
    /// Decides, writes, commits and speaks what is pending and due.
    pub(super) async fn run_batch(&mut self) {
        let mut attempt = 0;
        // Not with each attempt: who is in the batch has waited for all of them.
        self.begin_waiting();
        while attempt < limits::BATCH_ATTEMPTS_MAX {
            attempt += 1;
            match self.try_batch().await {
                Ok(()) => {
                    if self.narrowed.is_none() || self.pending.is_empty() {
                        self.narrowed = None;
                        return;
                    }
                    // The next ones of the batch that was refused.
                    attempt = 0;
                    self.begin_waiting();
                }
                Err(CommitError::NotCommitted(StoreError::Refused(error))) => {
                    // Halving always ends, so this is no attempt of the others.
                    attempt = 0;
                    if self.close_in(&*error) {
                        return self.part_with_refused_dues().await;
                    }
                }
                Err(CommitError::NotCommitted(StoreError::RolledBack(error))) => {
                    Metrics::count(&self.metrics.store_errors, "rolled_back");
                    tracing::warn!(
                        attempt,
                        error = &*error as &dyn std::error::Error,
                        "a batch was rolled back"
                    );
                    if attempt == limits::BATCH_ATTEMPTS_MAX {
                        self.note_trouble("had its batch rolled back again and again", true);
                        for envelope in std::mem::take(&mut self.pending) {
                            self.refuse_while_out(envelope);
                        }
                    }
                }
                Err(CommitError::NotCommitted(error)) => {
                    self.store_failed(&error);
                    for envelope in std::mem::take(&mut self.pending) {
                        self.refuse_while_out(envelope);
                    }
                    return;
                }
                Err(CommitError::SteppedDown { concert }) => self.step_down(concert),
                // Settled by `try_batch`; what is left of it is one of the above.
                Err(CommitError::OutcomeUnknown(_)) => return,
            }
        }
    }

    /// The store refuses a row of the batch for certain, and would every time. The batch is halved until whose row it is
    /// stands alone: they are refused, and the others go on. `true`: it was nobody's, but what is due by itself.
    fn close_in(&mut self, error: &(dyn std::error::Error + 'static)) -> bool {
        let most = self.narrowed.unwrap_or(limits::BATCH_COMMANDS_MAX);
        let tried = most.min(self.pending.len());
        if tried > 1 || tried == 1 && self.narrowed.is_none() {
            // A single one once more, without what is due by itself.
            self.narrowed = Some((tried / 2).max(1));
            return false;
        }
        Metrics::count(&self.metrics.store_errors, "refused");
        self.narrowed = None;
        let Some(envelope) = self.pending.pop_front() else { return true };
        let what = match &envelope.work {
            Work::Sale { concert, command } => format!("{} of sale {concert}", command.name()),
            Work::Charge { user, .. } => format!("a charge of user {user}"),
        };
        tracing::error!(error, what, "the store refuses what was decided, and would every time");
        self.fanout.answer(envelope.reply, Err(Refusal::Internal));
        false
    }

    /// What is due by itself has a row that the store refuses. Each sale is tried alone: those that can go on do, and the
    /// others are built anew, once a second, until somebody mends their rows.
    async fn part_with_refused_dues(&mut self) {
        self.narrowed = Some(0);
        for concert in self.sales.keys().copied().collect::<Vec<_>>() {
            self.due_of = Some(concert);
            self.begin_waiting();
            match self.try_batch().await {
                Ok(()) => {}
                Err(CommitError::NotCommitted(StoreError::Refused(error))) => {
                    tracing::error!(
                        error = &*error as &dyn std::error::Error,
                        concert.id = concert.0,
                        "the store refuses what is due in this sale, and would every time"
                    );
                    self.note_trouble("has something due that the store refuses", true);
                    self.put_away(concert);
                }
                Err(CommitError::NotCommitted(error)) => {
                    self.store_failed(&error);
                    break;
                }
                Err(CommitError::SteppedDown { concert }) => self.step_down(concert),
                Err(CommitError::OutcomeUnknown(_)) => break,
            }
        }
        (self.narrowed, self.due_of) = (None, None);
    }

    /// On an error memory is as it was before, and everything pending is still pending.
    async fn try_batch(&mut self) -> Result<(), CommitError> {
        let mut decided = std::mem::take(&mut self.ahead).decided;
        let mut has_begun = false;
        if !decided.is_full {
            let needs = self.needs(decided.spoken.len());
            has_begun = !needs.is_empty();
            if has_begun {
                self.speak_all();
            }
            let facts = match self.begin(&needs).await {
                Ok(facts) => facts,
                Err(error) => {
                    self.patience.gave_up = false;
                    self.undo();
                    return Err(error.into());
                }
            };
            if std::mem::take(&mut self.patience.gave_up) {
                // Of those who were decided ahead some are gone: the others are decided anew.
                self.undo();
                self.roll_back(0).await?;
                return Ok(());
            }
            if self.decide_unbroken(&mut decided, facts).is_none() {
                self.speak_all();
                self.break_down();
                self.roll_back(0).await?;
                return Ok(());
            }
        }
        let batch = self.batch(&decided);
        let started = Instant::now();
        if batch.sales.is_empty() && batch.charges.is_empty() {
            self.speak_all();
            if has_begun {
                // Whoever is decided stays with what was decided for them; those behind may be given up.
                self.roll_back(decided.spoken.len()).await?;
                self.patience.gave_up = false;
            }
        } else {
            let committed = match self.commit(&batch, decided.spoken.len()).await {
                Err(CommitError::OutcomeUnknown(error)) => {
                    tracing::warn!(
                        error = &*error as &dyn std::error::Error,
                        "the outcome of a commit is unknown"
                    );
                    self.settle(&batch, decided.spoken.len()).await
                }
                other => other,
            };
            let gave_up = std::mem::take(&mut self.patience.gave_up);
            if let Err(error) = committed {
                self.speak_all();
                match std::mem::take(&mut self.ahead).broken {
                    true => self.break_down(),
                    false => self.undo(),
                }
                return Err(error);
            }
            self.is_well();
            self.ahead.void |= gave_up;
            self.metrics.commit_batch_commands.observe(decided.spoken.len() as f64);
            self.metrics.commit_seconds.observe(started.elapsed().as_secs_f64());
        }
        self.committed(decided, batch);
        if self.ahead.broken {
            self.ahead = Ahead::default();
            self.speak_all();
            self.break_down();
        } else if self.ahead.void {
            self.speak_all();
            self.undo();
            self.ahead = Ahead::default();
        }
        if self.ahead.is_empty() {
            self.speak_all();
        }
        Ok(())
    }

    async fn begin(&mut self, needs: &Needs) -> Result<Facts, StoreError> {
        if needs.is_empty() {
            return Ok(Facts::default());
        }
        let mut connection = self.take_connection(0).await?;
        let facts = self.patiently(0, connection.begin(needs)).await;
        self.connection = Some(connection);
        facts
    }

    /// Ends a transaction that wrote nothing, with `in_batch` of the pending commands decided in it.
    async fn roll_back(&mut self, in_batch: usize) -> Result<(), StoreError> {
        let mut connection = self.take_connection(in_batch).await?;
        let done = self.patiently(in_batch, connection.rollback()).await;
        self.connection = Some(connection);
        done
    }

    /// Asks until it is known whether a batch was committed. Meanwhile others are told to come back; who is in
    /// the batch waits for the truth.
    async fn settle(&mut self, batch: &Batch, count: usize) -> Result<(), CommitError> {
        Metrics::count(&self.metrics.store_errors, "outcome_unknown");
        self.connection = None;
        let mut asked = VecDeque::new();
        loop {
            let settled = match self.take_connection(count).await {
                Ok(mut connection) => {
                    let settled = self.patiently(count, connection.settle(batch)).await;
                    self.connection = Some(connection);
                    settled
                }
                Err(error) => Err(error.into()),
            };
            match settled {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    for sale in &batch.sales {
                        if let Some(running) = self.sales.get_mut(&sale.concert) {
                            running.journal = JournalPosition { seq: sale.seq, batch: batch.void_id() };
                        }
                    }
                    let lost = std::io::Error::other("the connection was lost before the commit");
                    return Err(CommitError::NotCommitted(StoreError::RolledBack(lost.into())));
                }
                Err(CommitError::SteppedDown { concert }) => {
                    return Err(CommitError::SteppedDown { concert });
                }
                Err(CommitError::NotCommitted(error)) => {
                    self.connection = None;
                    self.shared.sales.set_store_fault(Some(error.reason()));
                }
                Err(CommitError::OutcomeUnknown(_)) => self.connection = None,
            }
            self.mailbox.take(limits::BATCH_COMMANDS_MAX, &mut asked);
            for envelope in std::mem::take(&mut asked) {
                self.refuse_while_out(envelope);
            }
            self.patiently(count, tokio::time::sleep(SETTLE_PAUSE)).await;
        }
    }

    /// The lane's connection, for as long as something is asked on it; made if there is none. `in_batch` of the pending
    /// commands wait for it within a batch.
    pub(super) async fn take_connection(
        &mut self,
        in_batch: usize,
    ) -> Result<Box<dyn store::Lane>, StoreError> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let store = self.store.clone();
        let connection = self.patiently(in_batch, store.open_lane()).await?;
        self.shared.sales.set_store_fault(None);
        Ok(connection)
    }

    /// What the pending commands from `first` on have to have read, as far as a batch goes.
    fn needs(&self, first: usize) -> Needs {
        self.needs_of(self.pending.range(first..).take(limits::BATCH_COMMANDS_MAX.saturating_sub(first)))
    }

    pub(super) fn needs_of<'e>(&self, envelopes: impl IntoIterator<Item = &'e Envelope>) -> Needs {
        let mut needs = Needs::default();
        for envelope in envelopes {
            match &envelope.work {
                Work::Sale { concert, command } => {
                    if let Some(running) = self.sales.get(concert) {
                        running.sale.needs(command, &mut needs);
                        if let Command::Pay { caller, reservation } = command
                            && running.sale.is_held(*reservation)
                        {
                            self.ledger.needs(caller.user, envelope.arrived.shifted(self.step), &mut needs);
                        }
                    }
                }
                Work::Charge { user, request_id, .. } => {
                    needs.wallets.push(*user);
                    needs.charges.push((*user, request_id.clone()));
                    self.ledger.needs(*user, envelope.arrived.shifted(self.step), &mut needs);
                }
            }
        }
        needs.wallets.sort_unstable();
        needs.wallets.dedup();
        needs.ledgers.sort_unstable();
        needs
    }

    /// Decides what is left of a batch. `None`: we were wrong somewhere.
    fn decide_unbroken(&mut self, decided: &mut Decided, facts: Facts) -> Option<()> {
        catch_unwind(AssertUnwindSafe(|| self.decide_pending(decided, facts))).ok()
    }

    /// Deciding broke off. The sale that it was about is lost, and will be rebuilt from the store; so is every other one of
    /// the lane that is not whole once it is taken back to what was committed. Whoever asked is told that it is our fault.
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
        for envelope in std::mem::take(&mut self.pending) {
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

    /// Everything that waits, as far as a batch goes, and then what is due.
    fn decide_pending(&mut self, decided: &mut Decided, facts: Facts) {
        let first = decided.spoken.len();
        let most = self.narrowed.unwrap_or(limits::BATCH_COMMANDS_MAX);
        let end = self.pending.len().min(most).max(first);
        let mut inputs = self.inputs(facts);
        self.decide_range(first..end, decided, &mut inputs);
        let is_whole = match self.narrowed {
            None => decided.spoken.len() == self.pending.len(),
            Some(most) => most == 0,
        };
        if is_whole {
            let utc = self.mailbox.horizon();
            let is_due = |concert: &ConcertId| self.due_of.is_none_or(|due| due == *concert);
            for (concert, running) in self.sales.iter_mut().filter(|(concert, _)| is_due(concert)) {
                self.deciding = Some(*concert);
                let now = running.now(utc);
                let first = running.events.len();
                let left = limits::BATCH_EXPIRIES_MAX.saturating_sub(decided.expiries);
                let step = Step { now, inputs: &mut inputs, events: &mut running.events };
                decided.expiries += running.sale.expire_due(step, left);
                if running.events.len() > first {
                    decided.tail.push((*concert, first..running.events.len()));
                }
            }
        }
        self.ids = inputs.ids;
    }

    /// What deciding is given. If it breaks off, the lane goes on with the spare ids: tokens must never be guessed.
    pub(super) fn inputs(&mut self, facts: Facts) -> Inputs {
        let spare = self.ids.spare();
        let ids = std::mem::replace(&mut self.ids, spare);
        self.ledger.learn(facts.ledger_since, facts.ledgers);
        Inputs { wallets: facts.wallets, ended: facts.ended, ids }
    }

    /// Decides these of the pending commands, until one has to wait for the next batch.
    pub(super) fn decide_range(&mut self, range: Range<usize>, decided: &mut Decided, inputs: &mut Inputs) {
        for envelope in self.pending.range(range) {
            let spoken = match &envelope.work {
                Work::Charge { user, amount, request_id } => {
                    self.deciding = None;
                    let at = envelope.arrived.shifted(self.step);
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
                    Spoken { reply, events: None, charged }
                }
                Work::Sale { concert, command } => match self.sales.get_mut(concert) {
                    None => {
                        let retry_after = limits::UNAVAILABLE_RETRY_AFTER;
                        Spoken {
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
                        let step = Step { now, inputs: &mut *inputs, events: &mut running.events };
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
                            // It was a request all the same: activity.
                            (Err(_), Command::Pay { caller, .. }) => &Command::Touch { user: caller.user },
                            _ => command,
                        };
                        let step = Step { now, inputs: &mut *inputs, events: &mut running.events };
                        let reply = running.sale.decide(step, decided);
                        let reply = room.and(reply);
                        let events = Some((*concert, first..running.events.len()));
                        Spoken { reply: reply.map_err(Refusal::from), events, charged: None }
                    }
                },
            };
            decided.spoken.push(spoken);
        }
    }

    fn batch(&mut self, decided: &Decided) -> Batch {
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
        Batch {
            id: store::random_id(),
            writer: self.writer,
            at: self.shared.clock.utc(),
            sales: sales.collect(),
            charges: decided.charges.clone(),
        }
    }

    pub(super) fn undo(&mut self) {
        for running in self.sales.values_mut() {
            running.sale.undo();
            running.events.clear();
        }
    }

    /// Memory is what was committed; who has to hear of it is noted.
    fn committed(&mut self, decided: Decided, batch: Batch) {
        for entry in &batch.charges {
            self.ledger.count(entry.user, entry.at);
        }
        for event in batch.sales.iter().flat_map(|sale| &sale.events) {
            if let Event::Paid { ledger, .. } | Event::Refunded { ledger, .. } = event {
                self.ledger.count(ledger.user, ledger.at);
            }
        }
        for sale in &batch.sales {
            if let Some(running) = self.sales.get_mut(&sale.concert) {
                running.journal = JournalPosition { seq: sale.seq, batch: batch.id };
                // The copies that others read, before anybody hears of it.
                running.view.apply(sale.seq, &sale.events);
                running.sale.commit(limits::ENDED_KEPT_MAX);
                self.sweeper.note(sale.concert, &sale.events);
                count_events(&self.metrics, &sale.events);
            }
        }
        let senders = self.pending.drain(..decided.spoken.len()).map(|envelope| envelope.reply);
        let answers: Vec<_> = senders.zip(decided.spoken).collect();
        for (_, spoken) in &answers {
            if let Err(Refusal::Rejected(Rejection::GuestSeats { .. })) = spoken.reply {
                Metrics::count(&self.metrics.refused, "address_guest_seats");
            }
        }
        debug_assert!(self.unspoken.is_none(), "the batch before this one was spoken while it was committed");
        self.unspoken = Some(Unspoken { batch, answers: answers.into_iter(), tail: decided.tail });
        self.count_tokens();
    }
}

fn count_events(metrics: &Metrics, events: &[Event]) {
    for event in events {
        match event {
            Event::Joined(_)
            | Event::SeatsReleased { .. }
            | Event::Refunded { .. }
            | Event::SettingsChanged { .. } => {}
            Event::Admitted(_) => {
                metrics.admissions.inc();
            }
            Event::SeatsHeld { seats, .. } => {
                metrics.holds.inc_by(seats.len() as u64);
            }
            Event::Paid { reservation, .. } => {
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
