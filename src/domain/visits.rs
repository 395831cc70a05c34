//! Joining, waiting, being admitted, and how a visit ends.

use super::command::{Answer, Caller, Command, Inputs, Place, Rejection, refusal_of_ended};
use super::event::{Event, HoldEnd};
use super::ids::{ConnectionId, EntryNo, QueueToken, ReservationId, ScheduleId, UserId};
use super::record::{ExpiryReason, Reservation, ReservationStatus, SaleState, TokenRecord, TokenStatus};
use super::sale::Sale;
use super::time::Now;

impl Sale {
    pub(super) fn join(
        &mut self,
        now: Now,
        user: UserId,
        connection: Option<ConnectionId>,
        inputs: &mut Inputs,
        events: &mut Vec<Event>,
    ) -> Result<Answer, Rejection> {
        if let Some(entry) = self.room.entry_of_user(user) {
            self.seen(entry, user, connection, now);
            self.room.touch(entry, now.sale);
            let place = self.place(entry, now).ok_or(Rejection::NotInQueue)?;
            return Ok(Answer::Queue { place, created: false });
        }
        match self.settings.state {
            SaleState::Scheduled | SaleState::Open if self.sells => {}
            SaleState::Scheduled | SaleState::Open => return Err(Rejection::SaleClosed),
            SaleState::Paused => return Err(Rejection::SalePaused),
            SaleState::Closed => return Err(Rejection::SaleClosed),
        }
        let record = TokenRecord {
            concert: self.concert,
            entry: self.room.next_entry(),
            token: inputs.ids.queue_token(self.concert),
            user,
            status: TokenStatus::Waiting,
            entered_at: now.utc,
            admitted_at: None,
            expires_at: None,
            ended_at: None,
        };
        let entry = record.entry;
        self.change(now, Event::Joined(record), events);
        self.seen(entry, user, connection, now);
        let place = self.place(entry, now).ok_or(Rejection::NotInQueue)?;
        Ok(Answer::Queue { place, created: true })
    }

    pub(super) fn resume(
        &mut self,
        now: Now,
        token: QueueToken,
        connection: Option<ConnectionId>,
        inputs: &Inputs,
    ) -> Result<Answer, Rejection> {
        if let Some(entry) = self.room.entry_of_token(token) {
            let user = self.room.get(entry).ok_or(Rejection::NotInQueue)?.user;
            self.seen(entry, user, connection, now);
            let place = self.place(entry, now).ok_or(Rejection::NotInQueue)?;
            let reservations = self.held_of(user);
            return Ok(Answer::Resumed { place, reservations });
        }
        let record = self.room.ended(token).or_else(|| inputs.ended.tokens.get(&token));
        let record = record.ok_or(Rejection::NotInQueue)?.clone();
        // By an old token one is present, too, for the token that one has by now or will have.
        if let Some(connection) = connection {
            self.room.connect(record.user, connection);
        }
        let place = self.place_of(record, now);
        Ok(Answer::Resumed { place, reservations: Vec::new() })
    }

    pub(super) fn get(
        &mut self,
        now: Now,
        caller: &Caller,
        polled: bool,
        inputs: &Inputs,
    ) -> Result<Answer, Rejection> {
        if polled && let Some(entry) = self.room.entry_of_user(caller.user) {
            self.room.poll(entry, now.sale);
        }
        let place = self.last_place(caller, inputs, now).ok_or(Rejection::NotInQueue)?;
        Ok(Answer::Queue { place, created: false })
    }

    pub(super) fn extend(&mut self, now: Now, caller: &Caller, inputs: &Inputs) -> Result<Answer, Rejection> {
        self.touch(caller.user, now);
        let place = self.last_place(caller, inputs, now).ok_or(Rejection::NotInQueue)?;
        match place.record.status.is_live() {
            true => Ok(Answer::Queue { place, created: false }),
            false => Err(refusal_of_ended(place.record.status)),
        }
    }

    pub(super) fn leave(
        &mut self,
        now: Now,
        caller: &Caller,
        inputs: &Inputs,
        events: &mut Vec<Event>,
    ) -> Result<Answer, Rejection> {
        let live = self.room.entry_of_user(caller.user);
        // A repeated `leave` by a token that has ended must not cost the place that its user took since.
        let is_meant = |entry: &EntryNo| {
            caller.token.is_none_or(|token| self.room.entry_of_token(token) == Some(*entry))
        };
        if let Some(entry) = live.filter(is_meant) {
            self.end_holds(caller.user, None, HoldEnd::Left, now, events);
            self.end_token(entry, TokenStatus::Expired(ExpiryReason::Left), now, events);
        }
        // Who left already hears the same again.
        let ended = self.last_ended(caller, inputs).ok_or(Rejection::NotInQueue)?;
        Ok(Answer::Queue { place: self.place_of(ended.clone(), now), created: false })
    }

    /// The user did something, whether it is refused or not.
    pub(super) fn touch(&mut self, user: UserId, now: Now) {
        if let Some(entry) = self.room.entry_of_user(user) {
            self.room.touch(entry, now.sale);
        }
    }

    /// The caller's admitted token, or why there is none.
    pub(super) fn admitted(&self, caller: &Caller, inputs: &Inputs) -> Result<EntryNo, Rejection> {
        let Some(entry) = self.room.entry_of_user(caller.user) else {
            let last = self.last_ended(caller, inputs).ok_or(Rejection::NotInQueue)?;
            return Err(refusal_of_ended(last.status));
        };
        match self.room.get(entry).and_then(|live| live.admission) {
            Some(_) => Ok(entry),
            None => Err(Rejection::Waiting),
        }
    }

    pub(super) fn admit_next(&mut self, now: Now, events: &mut Vec<Event>) {
        let Some(entry) = self.room.line().first() else { return };
        if self.room.is_absent(entry, now.sale, &self.rules) {
            return self.expire_absence(entry, now, events);
        }
        if let Some(mut record) = self.room.record(entry) {
            record.status = TokenStatus::Progress;
            record.admitted_at = Some(now.utc);
            record.expires_at = Some(now.sale + self.rules.admission_ttl);
            self.change(now, Event::Admitted(record), events);
        }
    }

    pub(super) fn expire_hold(&mut self, id: ReservationId, now: Now, events: &mut Vec<Event>) {
        if let Some(held) = self.reservations.held(id).cloned() {
            self.end_hold(held, HoldEnd::HoldTime, now, events);
        }
    }

    pub(super) fn expire_visit(&mut self, entry: EntryNo, idle: bool, now: Now, events: &mut Vec<Event>) {
        let Some(user) = self.room.get(entry).map(|live| live.user) else { return };
        if idle {
            self.end_holds(user, None, HoldEnd::Idle, now, events);
        }
        let reason = if idle { ExpiryReason::Idle } else { ExpiryReason::Time };
        self.end_token(entry, TokenStatus::Expired(reason), now, events);
    }

    pub(super) fn expire_absence(&mut self, entry: EntryNo, now: Now, events: &mut Vec<Event>) {
        self.end_token(entry, TokenStatus::Expired(ExpiryReason::Away), now, events);
    }

    pub(super) fn dissolve(&mut self, entry: EntryNo, now: Now, events: &mut Vec<Event>) {
        self.end_token(entry, TokenStatus::Expired(ExpiryReason::Closed), now, events);
    }

    pub(super) fn end_token(
        &mut self,
        entry: EntryNo,
        status: TokenStatus,
        now: Now,
        events: &mut Vec<Event>,
    ) {
        if let Some(mut record) = self.room.record(entry) {
            record.status = status;
            record.ended_at = Some(now.utc);
            self.change(now, Event::TokenEnded(record), events);
        }
    }

    /// Ends all of a user's held reservations but one.
    pub(super) fn end_holds(
        &mut self,
        user: UserId,
        but: Option<ReservationId>,
        why: HoldEnd,
        now: Now,
        events: &mut Vec<Event>,
    ) {
        for held in self.held_of(user) {
            if Some(held.id) != but {
                self.end_hold(held, why, now, events);
            }
        }
    }

    /// By time it is expired, by its owner's doing cancelled.
    pub(super) fn end_hold(&mut self, held: Reservation, why: HoldEnd, now: Now, events: &mut Vec<Event>) {
        let status = match why {
            HoldEnd::HoldTime | HoldEnd::Idle | HoldEnd::Started => ReservationStatus::Expired,
            HoldEnd::Released | HoldEnd::Left | HoldEnd::BoughtAnother => ReservationStatus::Cancelled,
        };
        let reservation = held.ended(status, now.utc);
        self.change(now, Event::ReservationEnded { reservation, why }, events);
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
    pub(super) fn end_if_over(&mut self, command: &Command, now: Now, events: &mut Vec<Event>) {
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
            Command::Touch { .. } | Command::Disconnect { .. } | Command::Configure(_) | Command::Figures => {
                None
            }
        };
        let Some(entry) = entry else { return };
        if self.is_dissolving() && self.room.get(entry).is_some_and(|live| live.admission.is_none()) {
            self.dissolve(entry, now, events);
        } else if self.room.is_absent(entry, now.sale, &self.rules) {
            self.expire_absence(entry, now, events);
        }
    }

    fn last_place(&self, caller: &Caller, inputs: &Inputs, now: Now) -> Option<Place> {
        match self.room.entry_of_user(caller.user) {
            Some(entry) => self.place(entry, now),
            None => self.last_ended(caller, inputs).map(|record| self.place_of(record.clone(), now)),
        }
    }

    fn last_ended<'a>(&'a self, caller: &Caller, inputs: &'a Inputs) -> Option<&'a TokenRecord> {
        match caller.token {
            Some(token) => self.room.ended(token).or_else(|| inputs.ended.tokens.get(&token)),
            None => {
                let read = || inputs.ended.last_tokens.get(&(self.concert, caller.user));
                self.room.last_ended_of(caller.user).or_else(read)
            }
        }
    }
}
