//! Joining, waiting, being admitted, and how a visit ends.

use crate::domain::command::{Answer, Caller, Command, Place, Rejection, refusal_of_ended};
use crate::domain::event::{Event, HoldEnd};
use crate::domain::ids::{ConnectionId, EntryNo, QueueToken, ReservationId, ScheduleId, UserId};
use crate::domain::record::{ExpiryReason, Reservation, SaleState, TokenRecord, TokenStatus};
use crate::domain::time::Now;

use super::{Sale, Step};

impl Sale {
    pub(super) fn join(
        &mut self,
        step: &mut Step<'_>,
        user: UserId,
        connection: Option<ConnectionId>,
    ) -> Result<Answer, Rejection> {
        let now = step.now;
        if let Some(entry) = self.room.entry_of_user(user) {
            self.seen(entry, user, connection, now);
            self.room.touch(entry, now.sale);
            let place = self.place(entry, now).ok_or(Rejection::NotInQueue)?;
            return Ok(Answer::Queue { place, created: false });
        }
        match self.settings.state {
            SaleState::Scheduled | SaleState::Open if self.sells => {}
            SaleState::Scheduled | SaleState::Open => return Err(Rejection::OtherCurrency),
            SaleState::Paused => return Err(Rejection::SalePaused),
            SaleState::Closed => return Err(Rejection::SaleClosed),
        }
        let entry = self.room.next_entry();
        let record = TokenRecord {
            concert: self.concert,
            entry,
            token: self.token_secret.token(self.concert, entry, user, now.utc),
            user,
            status: TokenStatus::Waiting,
            entered_at: now.utc,
            admitted_at: None,
            expires_at: None,
            ended_at: None,
        };
        self.change(step, Event::Joined(record));
        self.seen(entry, user, connection, now);
        let place = self.place(entry, now).ok_or(Rejection::NotInQueue)?;
        Ok(Answer::Queue { place, created: true })
    }

    pub(super) fn resume(
        &mut self,
        step: &Step<'_>,
        token: QueueToken,
        connection: Option<ConnectionId>,
    ) -> Result<Answer, Rejection> {
        let now = step.now;
        if let Some(entry) = self.room.entry_of_token(token) {
            let user = self.room.get(entry).ok_or(Rejection::NotInQueue)?.user;
            self.seen(entry, user, connection, now);
            let place = self.place(entry, now).ok_or(Rejection::NotInQueue)?;
            let reservations = self.held_of(user);
            return Ok(Answer::Resumed { place, reservations });
        }
        let record = self.room.ended(token).or_else(|| step.inputs.ended.tokens.get(&token));
        let record = record.ok_or(Rejection::NotInQueue)?.clone();
        // A token that has ended still marks its owner present, for the token that they have by now or will have.
        if let Some(connection) = connection {
            self.room.connect(record.user, connection);
        }
        let place = self.place_of(record, now);
        Ok(Answer::Resumed { place, reservations: Vec::new() })
    }

    pub(super) fn get(
        &mut self,
        step: &Step<'_>,
        caller: &Caller,
        polled: bool,
    ) -> Result<Answer, Rejection> {
        if polled && let Some(entry) = self.room.entry_of_user(caller.user) {
            self.room.poll(entry, step.now.sale);
        }
        let place = self.last_place(step, caller).ok_or(Rejection::NotInQueue)?;
        Ok(Answer::Queue { place, created: false })
    }

    pub(super) fn extend(&mut self, step: &Step<'_>, caller: &Caller) -> Result<Answer, Rejection> {
        self.touch(caller.user, step.now);
        let place = self.last_place(step, caller).ok_or(Rejection::NotInQueue)?;
        match place.record.status.is_live() {
            true => Ok(Answer::Queue { place, created: false }),
            false => Err(refusal_of_ended(place.record.status)),
        }
    }

    pub(super) fn leave(&mut self, step: &mut Step<'_>, caller: &Caller) -> Result<Answer, Rejection> {
        let live = self.room.entry_of_user(caller.user);
        // A repeated `leave` by a token that has ended must not cost the place that its user took since.
        let is_meant = |entry: &EntryNo| {
            caller.token.is_none_or(|token| self.room.entry_of_token(token) == Some(*entry))
        };
        if let Some(entry) = live.filter(is_meant) {
            self.end_holds(step, caller.user, HoldEnd::Left);
            self.end_token(step, entry, TokenStatus::Expired(ExpiryReason::Left));
        }
        // A fan who left already gets the same answer again.
        let ended = self.last_ended(step, caller).ok_or(Rejection::NotInQueue)?;
        Ok(Answer::Queue { place: self.place_of(ended.clone(), step.now), created: false })
    }

    /// The user did something, whether it is refused or not.
    pub(super) fn touch(&mut self, user: UserId, now: Now) {
        if let Some(entry) = self.room.entry_of_user(user) {
            self.room.touch(entry, now.sale);
        }
    }

    /// The caller's admitted token, or why there is none.
    pub(super) fn admitted(&self, step: &Step<'_>, caller: &Caller) -> Result<EntryNo, Rejection> {
        let Some(entry) = self.room.entry_of_user(caller.user) else {
            let last = self.last_ended(step, caller).ok_or(Rejection::NotInQueue)?;
            return Err(refusal_of_ended(last.status));
        };
        match self.room.get(entry).and_then(|live| live.admission) {
            Some(_) => Ok(entry),
            None => Err(Rejection::Waiting),
        }
    }

    /// Lets in whose turn it is; who is absent then has lost it.
    pub(super) fn admit_next(&mut self, step: &mut Step<'_>) {
        let now = step.now;
        let Some(entry) = self.room.line().first() else { return };
        if self.room.is_absent(entry, now.sale, &self.rules) {
            return self.expire_absence(step, entry);
        }
        if let Some(mut record) = self.room.record(entry) {
            record.status = TokenStatus::Progress;
            record.admitted_at = Some(now.utc);
            record.expires_at = Some(now.sale + self.rules.admission_ttl);
            self.change(step, Event::Admitted(record));
        }
    }

    pub(super) fn expire_hold(&mut self, step: &mut Step<'_>, id: ReservationId) {
        if let Some(held) = self.reservations.held(id).cloned() {
            self.end_hold(step, held, HoldEnd::HoldTime);
        }
    }

    pub(super) fn expire_visit(&mut self, step: &mut Step<'_>, entry: EntryNo, idle: bool) {
        let Some(user) = self.room.get(entry).map(|live| live.user) else { return };
        if idle {
            self.end_holds(step, user, HoldEnd::Idle);
        }
        let reason = if idle { ExpiryReason::Idle } else { ExpiryReason::Time };
        self.end_token(step, entry, TokenStatus::Expired(reason));
    }

    pub(super) fn expire_absence(&mut self, step: &mut Step<'_>, entry: EntryNo) {
        self.end_token(step, entry, TokenStatus::Expired(ExpiryReason::Away));
    }

    pub(super) fn dissolve(&mut self, step: &mut Step<'_>, entry: EntryNo) {
        self.end_token(step, entry, TokenStatus::Expired(ExpiryReason::Closed));
    }

    pub(super) fn end_token(&mut self, step: &mut Step<'_>, entry: EntryNo, status: TokenStatus) {
        if let Some(mut record) = self.room.record(entry) {
            record.status = status;
            record.ended_at = Some(step.now.utc);
            self.change(step, Event::TokenEnded(record));
        }
    }

    /// Ends all of a user's held reservations.
    pub(super) fn end_holds(&mut self, step: &mut Step<'_>, user: UserId, why: HoldEnd) {
        for held in self.held_of(user) {
            self.end_hold(step, held, why);
        }
    }

    pub(super) fn end_hold(&mut self, step: &mut Step<'_>, held: Reservation, why: HoldEnd) {
        let reservation = held.ended(why.leaves(), step.now.utc);
        self.change(step, Event::ReservationEnded { reservation, why });
    }

    pub(super) fn schedule_ids(&self) -> Vec<ScheduleId> {
        self.schedules.keys().copied().collect()
    }

    fn held_of(&self, user: UserId) -> Vec<Reservation> {
        let held = self.schedules.keys().filter_map(|schedule| self.reservations.held_by(user, *schedule));
        held.cloned().collect()
    }

    fn seen(&mut self, entry: EntryNo, user: UserId, connection: Option<ConnectionId>, now: Now) {
        match connection {
            Some(connection) => self.room.connect(user, connection),
            None => self.room.poll(entry, now.sale),
        }
    }

    /// A waiting caller who was away for too long, or whose sale was closed, is no longer in line, even if nobody
    /// came to see to it yet.
    pub(super) fn end_if_over(&mut self, step: &mut Step<'_>, command: &Command) {
        let entry = match command {
            Command::Join { user, .. } | Command::Connect { user, .. } => self.room.entry_of_user(*user),
            Command::Resume { token, .. } => self.room.entry_of_token(*token),
            Command::Get { caller, .. }
            | Command::Extend { caller }
            | Command::Leave { caller }
            | Command::Hold { caller, .. }
            | Command::HoldBest { caller, .. }
            | Command::Release { caller, .. }
            | Command::Pay { caller, .. }
            | Command::Cancel { caller, .. } => self.room.entry_of_user(caller.user),
            Command::Touch { .. }
            | Command::Disconnect { .. }
            | Command::Present { .. }
            | Command::NodeGone { .. }
            | Command::Configure { .. }
            | Command::Restrict { .. }
            | Command::Unrestrict { .. }
            | Command::Reprice { .. }
            | Command::Describe { .. }
            | Command::AddSchedule { .. }
            | Command::Postpone { .. }
            | Command::Archive { .. }
            | Command::CallOff { .. }
            | Command::Refund { .. }
            | Command::RefundSeats { .. }
            | Command::SellAtDesk { .. }
            | Command::MoveSeat { .. }
            | Command::Figures => None,
        };
        let Some(entry) = entry else { return };
        if self.is_dissolving() && self.room.get(entry).is_some_and(|live| live.admission.is_none()) {
            self.dissolve(step, entry);
        } else if self.room.is_absent(entry, step.now.sale, &self.rules) {
            self.expire_absence(step, entry);
        }
    }

    fn last_place(&self, step: &Step<'_>, caller: &Caller) -> Option<Place> {
        match self.room.entry_of_user(caller.user) {
            Some(entry) => self.place(entry, step.now),
            None => self.last_ended(step, caller).map(|record| self.place_of(record.clone(), step.now)),
        }
    }

    fn last_ended<'a>(&'a self, step: &'a Step<'_>, caller: &Caller) -> Option<&'a TokenRecord> {
        match caller.token {
            Some(token) => self.room.ended(token).or_else(|| step.inputs.ended.tokens.get(&token)),
            None => {
                let read = || step.inputs.ended.last_tokens.get(&(self.concert, caller.user));
                self.room.last_ended_of(caller.user).or_else(read)
            }
        }
    }
}
