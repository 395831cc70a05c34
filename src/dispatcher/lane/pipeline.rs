//! The pipeline holds the commands of a lane, and says what the lane does next. A command waits, is decided, is kept by the
//! store together with its batch, and then its verdict is published. The pipeline knows how far each one is, and `next`
//! follows from that alone: the lane performs this step and notes here what came of it. The order of the steps is written
//! nowhere else.
//!
//! Always: a verdict can be published only of a batch that was kept, and only once memory agrees. While the store works
//! on a batch, the one before it is published and the beginning of the next one is decided; before any other step
//! everybody has received what was committed. The commands of a batch that was not kept wait again, in the order of arrival.
//! Not here: the store, the sales, the fanout, any clock. All imports are data.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ops::Range;

use crate::dispatcher::mailbox::{Envelope, take_of};
use crate::domain::ids::{ConcertId, UserId};
use crate::domain::record::LedgerEntry;
use crate::domain::time::Timestamp;
use crate::fanout::{Refusal, Reply, ReplyTo};
use crate::limits;
use crate::store::Batch;
use crate::store::error::Cause;

/// A step of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Does whatever has to be done between batches: memory is what was committed, everybody has received it, and nothing
    /// is under way.
    Rest,
    /// Begins a batch, with what was decided ahead, or once more.
    Begin,
    /// Opens the transaction and reads what the batch needs.
    Read,
    /// Decides the commands that wait, behind those that were decided ahead.
    Decide,
    /// Gives the batch to the store. Meanwhile the one before it is published, and commands that come in are decided ahead.
    Commit,
    /// Queries the store whether it kept the batch.
    Settle,
    /// Lets memory, and the copies that others read, take over what the store has kept.
    Confirm,
    /// Publishes what was committed to everybody whom it concerns.
    Publish,
    /// Takes memory back to what was committed.
    Undo,
    /// Ends the transaction in which something was read and nothing is written.
    RollBack,
    /// Refuses all that wait, because deciding broke off and memory is not to be trusted.
    BreakDown,
}

/// The progress of the batch that is being made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// There is no batch.
    #[default]
    Idle,
    /// A batch is to be begun.
    Wanted,
    /// The rest of it is to be decided, perhaps after something was read.
    Begun { reads: bool },
    /// All that it needs was read.
    Ready,
    /// All of it is decided; often nothing has to be written, because nobody changed anything.
    Decided { writes: bool },
    /// The store has it.
    Committing,
    /// The store was given it, and did not say whether it was kept.
    Unknown,
    /// It is durable.
    Kept,
    /// It is not durable and never will be, or a command left it that was decided in it.
    Lost,
    /// Deciding it broke off.
    Broken,
}

/// The commands and dues that go into a batch.
#[derive(Debug, Default, PartialEq, Eq)]
enum Scope {
    /// Everything that waits, as far as a batch goes, and what is due.
    #[default]
    Whole,
    /// The first commands, so many of them, and nothing that is due by itself: the command is looked for whose row the
    /// store refuses.
    First(usize),
    /// Each of these sales alone, after something that is due by itself was refused.
    Dues(VecDeque<ConcertId>),
}

/// The sales of which a batch takes what is due by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dues {
    None,
    All,
    Of(ConcertId),
}

impl Dues {
    pub fn contains(self, sale: ConcertId) -> bool {
        self == Self::All || self == Self::Of(sale)
    }
}

/// The reason why the store did not keep a batch.
#[derive(Debug)]
pub(super) enum Failure {
    /// The same again may succeed.
    RolledBack,
    /// A row was refused, and would be every time.
    Refused(Cause),
    /// The store is out.
    Out,
    /// Another process is the writer of this sale.
    SteppedDown(ConcertId),
}

/// The duty of a lane after a batch was undone.
#[must_use]
pub(super) enum Consequence {
    None,
    /// Another process is the writer of this sale.
    StepDown(ConcertId),
    /// The batch was tried often enough: these are refused for a while.
    GiveUp(VecDeque<Envelope>),
    /// This command's row is refused by the store.
    Refuse(Box<Envelope>, Cause),
    /// Something that is due in this sale by itself is refused by the store.
    PutAway(ConcertId, Cause),
}

/// The result of a command, unless its batch is lost.
pub(super) struct Verdict {
    pub reply: Reply,
    /// The events up to and including this command's, and where its own begin.
    pub events: Option<(ConcertId, Range<usize>)>,
    /// The user whose wallet it charged, now and not when it was first requested.
    pub charged: Option<UserId>,
}

/// The decided part of a batch.
#[derive(Default)]
pub(super) struct Decided {
    /// The commands in the order of arrival.
    pub commands: Vec<(Envelope, Verdict)>,
    /// Events of expiries after the last command.
    pub tail: Vec<(ConcertId, Range<usize>)>,
    pub charges: Vec<LedgerEntry>,
    pub expiries: usize,
    /// Anything more must be in another batch.
    pub is_full: bool,
}

impl Decided {
    fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.tail.is_empty()
    }

    /// The room that is left for commands, of `most`.
    fn room(&self, most: usize) -> usize {
        if self.is_full { 0 } else { most.saturating_sub(self.commands.len()) }
    }

    /// Adds the first of those that wait, with its verdict.
    pub fn push(&mut self, waiting: &mut VecDeque<Envelope>, verdict: Verdict) {
        self.commands.extend(waiting.pop_front().map(|envelope| (envelope, verdict)));
    }
}

/// The beginning of a batch, decided on top of the one that the store has.
#[derive(Default)]
struct Ahead {
    decided: Decided,
    /// The next command needs something read, or has to wait for another reason.
    stopped: bool,
    /// Deciding broke off, and memory is not to be trusted.
    broken: bool,
    /// It must not be used: a command left it, or its sales may have another writer by now.
    void: bool,
}

impl Ahead {
    fn is_empty(&self) -> bool {
        self.decided.is_empty() && !self.broken
    }
}

/// A batch that was committed, with the part that is still to be published, in the order of what happened.
pub(super) struct Committed {
    pub batch: Batch,
    pub answers: std::vec::IntoIter<(Envelope, Verdict)>,
    pub tail: Vec<(ConcertId, Range<usize>)>,
}

/// The commands that are not answered, in the order of arrival.
#[derive(Default)]
struct Pending {
    /// Those in the batch that is being made.
    batch: Decided,
    /// Those that were decided on top of that batch, while the store has it.
    ahead: Ahead,
    /// Those that are not decided.
    waiting: VecDeque<Envelope>,
}

impl Pending {
    /// Lets everything that was decided wait again, in front.
    fn put_back(&mut self) {
        let (batch, ahead) = (std::mem::take(&mut self.batch), std::mem::take(&mut self.ahead));
        for (envelope, _) in batch.commands.into_iter().chain(ahead.decided.commands).rev() {
            self.waiting.push_front(envelope);
        }
    }
}

#[derive(Default)]
pub(super) struct Pipeline {
    pending: Pending,
    stage: Stage,
    scope: Scope,
    /// A command left the batch that was decided in it.
    is_void: bool,
    /// The store has a transaction open for the batch, in which something was read.
    is_open: bool,
    /// The batch as the store keeps it; `None` while it is in use outside.
    sealed: Option<Batch>,
    failure: Option<Failure>,
    /// The batch that was committed last, until everybody has received it.
    committed: Option<Committed>,
    /// The number of times that the batch was tried.
    attempt: u32,
    /// The batch is tried once more: its commands have waited for all of its attempts.
    is_again: bool,
}

impl Pipeline {
    pub fn next(&self) -> Step {
        let Pending { batch, ahead, .. } = &self.pending;
        let step = match self.stage {
            Stage::Broken => Step::BreakDown,
            Stage::Idle | Stage::Wanted | Stage::Lost if ahead.broken => Step::BreakDown,
            Stage::Lost => Step::Undo,
            Stage::Idle | Stage::Wanted if ahead.void => Step::Undo,
            Stage::Idle | Stage::Wanted | Stage::Decided { writes: false } if self.is_open => Step::RollBack,
            Stage::Idle if ahead.is_empty() => Step::Rest,
            Stage::Idle | Stage::Wanted => Step::Begin,
            Stage::Begun { reads: true } => Step::Read,
            Stage::Begun { reads: false } | Stage::Ready => Step::Decide,
            Stage::Decided { writes: true } => Step::Commit,
            Stage::Decided { writes: false } | Stage::Kept => Step::Confirm,
            Stage::Committing | Stage::Unknown => Step::Settle,
        };
        debug_assert!(step != Step::Rest || batch.is_empty(), "what was decided is in some stage");
        // This is the only place that says when everybody has to have received what was committed.
        let may_be_later = matches!(step, Step::Begin | Step::Decide | Step::Commit);
        if self.committed.is_some() && !may_be_later { Step::Publish } else { step }
    }

    // Commands come in.

    /// The room for commands that come in, and the queue that they go to.
    pub fn arrivals(&mut self) -> (usize, &mut VecDeque<Envelope>) {
        let Pending { ahead, waiting, .. } = &mut self.pending;
        let begun = ahead.decided.commands.len() + waiting.len();
        (limits::BATCH_COMMANDS_MAX.saturating_sub(begun), waiting)
    }

    /// Takes away all that wait, to be refused.
    pub fn take_waiting(&mut self) -> VecDeque<Envelope> {
        std::mem::take(&mut self.pending.waiting)
    }

    /// Takes away those that wait of one sale.
    pub fn take_waiting_of(&mut self, concert: ConcertId) -> Vec<Envelope> {
        take_of(&mut self.pending.waiting, concert)
    }

    /// Wants a batch of what waits and what is due.
    pub fn want(&mut self) {
        if self.stage == Stage::Idle {
            self.stage = Stage::Wanted;
        }
    }

    // A batch is made.

    /// The batch, of which nothing is decided, is wanted later: something comes first that is done between batches.
    pub fn put_off(&mut self) {
        self.stage = Stage::Idle;
    }

    /// Whether the next batch is made for the first time.
    pub fn is_new(&self) -> bool {
        !self.is_again
    }

    /// Whether the next batch begins with what was decided ahead.
    pub fn has_begun_ahead(&self) -> bool {
        !self.pending.ahead.is_empty()
    }

    /// The commands that the next batch takes besides those that were decided ahead.
    pub fn next_commands(&self) -> impl Iterator<Item = &Envelope> {
        let room = self.pending.ahead.decided.room(self.commands_max());
        self.pending.waiting.iter().take(room)
    }

    /// Step `Begin` is done. If a heartbeat is due, somebody else may be the writer by now, and whatever was decided ahead and
    /// changes nothing would be published without anybody noticing: then it is decided anew after the heartbeat.
    pub fn begin(&mut self, is_beat_due: bool, reads: bool) {
        if is_beat_due && !self.pending.ahead.is_empty() {
            self.pending.ahead.void = true;
            return;
        }
        self.pending.batch = std::mem::take(&mut self.pending.ahead).decided;
        self.attempt += 1;
        self.stage = Stage::Begun { reads };
    }

    /// Step `Read` is done.
    pub fn read(&mut self) {
        self.is_open = true;
        self.stage = if self.is_void { Stage::Lost } else { Stage::Ready };
    }

    /// The number of commands that a batch may have.
    fn commands_max(&self) -> usize {
        match self.scope {
            Scope::Whole => limits::BATCH_COMMANDS_MAX,
            Scope::First(most) => most,
            Scope::Dues(_) => 0,
        }
    }

    /// The number of waiting commands that the batch has room for.
    pub fn room(&self) -> usize {
        self.pending.batch.room(self.commands_max())
    }

    /// The sales whose dues go to the end of the batch, behind the commands.
    pub fn dues(&self) -> Dues {
        match &self.scope {
            Scope::Whole if self.pending.waiting.is_empty() && !self.pending.batch.is_full => Dues::All,
            Scope::Whole | Scope::First(_) => Dues::None,
            Scope::Dues(sales) => sales.front().map_or(Dues::None, |sale| Dues::Of(*sale)),
        }
    }

    /// The commands that wait, and the batch that they are decided for: the one that is being made, or the next one while the
    /// store has that. If deciding breaks off, no command is lost.
    pub fn deciding(&mut self) -> (&mut VecDeque<Envelope>, &mut Decided) {
        let Pending { batch, ahead, waiting } = &mut self.pending;
        match self.stage {
            Stage::Committing => (waiting, &mut ahead.decided),
            _ => (waiting, batch),
        }
    }

    /// Step `Decide` is done, and this is the batch as the store is to keep it.
    pub fn decided(&mut self, batch: Batch) {
        let writes = !batch.sales.is_empty() || !batch.charges.is_empty();
        self.sealed = Some(batch);
        self.stage = Stage::Decided { writes };
    }

    /// Step `Decide` broke off.
    pub fn broke(&mut self) {
        self.stage = Stage::Broken;
    }

    // The store keeps it.

    /// Step `Commit` or `Settle` begins: from now on nobody knows whether it is kept.
    pub fn give_to_store(&mut self) -> Batch {
        self.stage = Stage::Committing;
        self.take_sealed()
    }

    fn take_sealed(&mut self) -> Batch {
        self.sealed.take().expect("each stage that uses a batch is entered with it")
    }

    /// Step `Commit` or `Settle` is done: the batch is durable.
    pub fn kept(&mut self, batch: Batch) {
        (self.sealed, self.stage, self.is_open) = (Some(batch), Stage::Kept, false);
    }

    /// Step `Commit` or `Settle` is done: the batch may be durable.
    pub fn unknown(&mut self, batch: Batch) {
        (self.sealed, self.stage, self.is_open) = (Some(batch), Stage::Unknown, false);
    }

    /// Any step that queries the store has failed: certainly nothing was kept.
    pub fn failed(&mut self, failure: Failure) {
        (self.stage, self.is_open) = (Stage::Lost, false);
        (self.sealed, self.failure) = (None, Some(failure));
    }

    /// Step `RollBack` is done.
    pub fn rolled_back(&mut self) {
        self.is_open = false;
    }

    // Commands are decided ahead meanwhile.

    /// The number of commands that may be decided now, on top of the batch that the store has.
    pub fn room_ahead(&self) -> usize {
        let ahead = &self.pending.ahead;
        let is_wanted = self.stage == Stage::Committing && self.scope == Scope::Whole;
        if !is_wanted || ahead.stopped || ahead.broken || ahead.void {
            return 0;
        }
        ahead.decided.room(limits::BATCH_COMMANDS_MAX)
    }

    pub fn waiting(&self) -> &VecDeque<Envelope> {
        &self.pending.waiting
    }

    /// The queue for commands that come in now.
    pub fn waiting_mut(&mut self) -> &mut VecDeque<Envelope> {
        &mut self.pending.waiting
    }

    /// The first command that waits has to wait until the batch is committed.
    pub fn stop_ahead(&mut self) {
        self.pending.ahead.stopped = true;
    }

    /// The number of commands that are decided ahead.
    pub fn decided_ahead(&self) -> usize {
        self.pending.ahead.decided.commands.len()
    }

    /// Commands were decided ahead, or deciding them broke off.
    pub fn went_ahead(&mut self, broken: bool) {
        self.pending.ahead.broken = broken;
        self.pending.ahead.stopped |= self.pending.ahead.decided.is_full;
    }

    // The batch was kept.

    /// Step `Confirm` begins, with the batch that was kept.
    pub fn confirm(&mut self) -> Batch {
        self.take_sealed()
    }

    /// The commands in the batch. They stay there until it is confirmed: if that breaks off, no command is lost.
    pub fn in_batch(&self) -> &[(Envelope, Verdict)] {
        &self.pending.batch.commands
    }

    /// Step `Confirm` is done: memory is what was committed, and it can be published.
    pub fn confirmed(&mut self, batch: Batch) {
        debug_assert!(self.committed.is_none(), "the batch before this one was published");
        let Decided { commands, tail, .. } = std::mem::take(&mut self.pending.batch);
        self.committed = Some(Committed { batch, answers: commands.into_iter(), tail });
        if let Scope::Dues(sales) = &mut self.scope {
            sales.pop_front();
        }
        self.go_on();
    }

    /// The batch to publish, in step `Publish` and during `Commit`. Whoever publishes the last of it takes it away.
    pub fn committed(&mut self) -> &mut Option<Committed> {
        &mut self.committed
    }

    /// Goes on with the next part of a batch that was refused, if there is any.
    fn go_on(&mut self) {
        let is_whole = match &self.scope {
            Scope::Whole => true,
            Scope::First(_) => self.pending.waiting.is_empty(),
            Scope::Dues(sales) => sales.is_empty(),
        };
        (self.attempt, self.is_again) = (0, false);
        if is_whole {
            (self.scope, self.stage) = (Scope::Whole, Stage::Idle);
        } else {
            self.stage = Stage::Wanted;
        }
    }

    // The batch was not kept.

    /// Step `Undo` is done: memory is what was committed, and all commands that were decided wait again. `sales`: all of the
    /// lane's.
    pub fn undone(&mut self, sales: impl Iterator<Item = ConcertId>) -> Consequence {
        self.pending.put_back();
        (self.is_void, self.sealed) = (false, None);
        match self.failure.take() {
            None => self.go_on(),
            Some(Failure::Refused(error)) => return self.narrow(error, sales),
            Some(Failure::Out) => self.end_attempts(),
            Some(Failure::RolledBack) => {
                if !self.try_again() {
                    return Consequence::GiveUp(self.take_waiting());
                }
            }
            Some(Failure::SteppedDown(concert)) => {
                match &mut self.scope {
                    Scope::Dues(sales) => {
                        sales.pop_front();
                        self.go_on();
                    }
                    Scope::Whole | Scope::First(_) => {
                        self.try_again();
                    }
                }
                return Consequence::StepDown(concert);
            }
        }
        Consequence::None
    }

    /// Tries the batch once more. `false`: it was tried often enough.
    fn try_again(&mut self) -> bool {
        let again = self.attempt < limits::BATCH_ATTEMPTS_MAX;
        if again {
            (self.stage, self.is_again) = (Stage::Wanted, true);
        } else {
            self.end_attempts();
        }
        again
    }

    fn end_attempts(&mut self) {
        (self.scope, self.stage) = (Scope::Whole, Stage::Idle);
        (self.attempt, self.is_again) = (0, false);
    }

    /// The store refuses a row of the batch for certain, and would every time. The batch is halved until whose row it is
    /// stands alone: they are refused, and the others go on. If it was nobody's, it is what is due by itself in some sale,
    /// and each is tried alone.
    fn narrow(&mut self, error: Cause, sales: impl Iterator<Item = ConcertId>) -> Consequence {
        // Halving always ends, so this does not count as an attempt.
        self.attempt = 0;
        if let Scope::Dues(sales) = &mut self.scope {
            let refused = sales.pop_front();
            self.go_on();
            return refused.map_or(Consequence::None, |sale| Consequence::PutAway(sale, error));
        }
        (self.stage, self.is_again) = (Stage::Wanted, true);
        let tried = self.commands_max().min(self.pending.waiting.len());
        if tried > 1 || tried == 1 && self.scope == Scope::Whole {
            // A single command is tried once more, without what is due by itself.
            self.scope = Scope::First((tried / 2).max(1));
            return Consequence::None;
        }
        self.scope = Scope::Whole;
        if let Some(envelope) = self.pending.waiting.pop_front() {
            return Consequence::Refuse(Box::new(envelope), error);
        }
        self.scope = Scope::Dues(sales.collect());
        self.go_on();
        Consequence::None
    }

    // Commands wait too long, and faults of ours.

    /// Whether all of the batch is decided and the store has to end its transaction: no command leaves it any more, and until
    /// the store has answered nobody knows what becomes of it.
    pub fn is_with_store(&self) -> bool {
        matches!(self.stage, Stage::Committing | Stage::Unknown | Stage::Decided { writes: false })
    }

    /// The lane has been waiting for its store for long. Commands that are not with the store are refused after
    /// `COMMAND_PATIENCE`; those that are receive after `OUTCOME_PATIENCE` that the outcome is unknown, and stay in the batch.
    /// Returned: who is answered what.
    pub fn give_up(&mut self, now: Timestamp) -> Vec<(ReplyTo, Refusal)> {
        let waited = |envelope: &Envelope, patience| now.since(envelope.arrived) > patience;
        let is_late = |envelope: &Envelope| {
            waited(envelope, limits::COMMAND_PATIENCE) && !envelope.work.must_not_be_lost()
        };
        let refusal = || Refusal::Overloaded { retry_after: limits::OVERLOADED_RETRY_AFTER };
        let is_with_store = self.is_with_store();
        let Pending { batch, ahead, waiting } = &mut self.pending;
        let mut given_up = Vec::new();
        if is_with_store {
            for (envelope, _) in &mut batch.commands {
                if waited(envelope, limits::OUTCOME_PATIENCE) && !matches!(envelope.reply, ReplyTo::Nobody) {
                    let reply = std::mem::replace(&mut envelope.reply, ReplyTo::Nobody);
                    given_up.push((reply, Refusal::OutcomeUnknown));
                }
            }
        } else {
            let late = batch.commands.extract_if(.., |(envelope, _)| is_late(envelope));
            given_up.extend(late.map(|(envelope, _)| (envelope.reply, refusal())));
            self.is_void |= !given_up.is_empty();
        }
        let before = given_up.len();
        let late = ahead.decided.commands.extract_if(.., |(envelope, _)| is_late(envelope));
        given_up.extend(late.map(|(envelope, _)| (envelope.reply, refusal())));
        ahead.void |= given_up.len() > before;
        if waiting.iter().any(is_late) {
            for envelope in std::mem::take(waiting) {
                match is_late(&envelope) {
                    true => given_up.push((envelope.reply, refusal())),
                    false => waiting.push_back(envelope),
                }
            }
        }
        given_up
    }

    /// Step `BreakDown` is done, with all commands that are not answered, to be refused. If the batch failed as well, that is
    /// still to be seen to.
    pub fn broken_down(&mut self) -> VecDeque<Envelope> {
        self.pending.put_back();
        let refused = self.take_waiting();
        let (is_open, failure) = (self.is_open, self.failure.take());
        let stage = if failure.is_some() { Stage::Lost } else { Stage::Idle };
        *self = Self { stage, is_open, failure, ..Self::default() };
        refused
    }

    /// The lane itself broke off. Returned: all that were not answered. Of some it is unknown whether they were kept.
    pub fn forget(&mut self) -> impl Iterator<Item = ReplyTo> {
        let Self { committed, mut pending, .. } = std::mem::take(self);
        pending.put_back();
        let committed =
            committed.into_iter().flat_map(|committed| committed.answers).map(|(envelope, _)| envelope);
        committed.chain(pending.waiting).map(|envelope| envelope.reply)
    }
}
