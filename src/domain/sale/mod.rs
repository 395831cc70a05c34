//! One sale: its waiting room, its seats and the rules that connect them. State, time and a command in; events
//! and an answer, or a refusal, out. Expiry and admission are steps like any other.
//!
//! Always: at most one holder a seat; nobody is admitted out of order, into a full house, or beyond the capacity; a
//! refused command changes nothing, but may find that its caller's place in line is over. Until `commit`, `undo` takes
//! back everything since the last one. Not here: what a wallet holds (it comes in), who is connected where, any clock.

mod booking;
mod box_office;
mod changes;
mod house;
mod life;
mod orders;
mod visits;

use std::collections::BTreeMap;
use std::sync::Arc;

use booking::BestWanted;
use box_office::DeskSale;
use changes::Undo;
use orders::Move;

use super::command::{Answer, Caller, Command, Inputs, Needs, Place, Rejection, SaleFigures, Seen};
use super::concert::Texts;
use super::event::{By, Event, HoldEnd};
use super::guest_holds::{GuestHold, GuestHolds};
use super::ids::{ConcertId, ConnectionId, EntryNo, NodeNo, ReservationId, ScheduleId, SeatId, UserId};
use super::lapses::Lapses;
use super::line::{Order, SeatCounts, Stock};
use super::record::{Reservation, SaleState, ScheduleState, TokenRecord};
use super::reservations::Reservations;
use super::rules::{SalePatch, SaleRules, SaleSettings};
use super::seat_map::{SeatMap, SeatState};
use super::seat_plan::{Money, SeatPlan};
use super::time::{Now, Timestamp};
use super::token_secret::TokenSecret;
use super::user_seats::UserSeats;
use super::waiting_room::{Holds, WaitingRoom};

/// Admissions that one command may cause by itself; a larger wave goes on with the next step.
const ADMISSIONS_PER_COMMAND_MAX: usize = 64;

/// Holds that ran out which are remembered: many more than two batches can end, so that none is forgotten that may yet
/// have to be taken back, and those of an hour of any honest sale.
pub const LAPSES_KEPT_MAX: usize = 65_536;

/// Waiting tokens of a closed sale that the command which opens it may dissolve; a longer line has to be gone.
const DISSOLVED_PER_COMMAND_MAX: u64 = 1_024;

#[derive(Clone, Debug, PartialEq)]
pub struct Sale {
    concert: ConcertId,
    /// Whether it is in the wallets' currency: if not, nothing of it can be bought, whatever its settings say.
    sells: bool,
    token_secret: TokenSecret,
    settings: SaleSettings,
    texts: Texts,
    /// UTC: since when everything is over.
    archived: Option<Timestamp>,
    /// Who changed something last, and when (UTC), since this process runs the sale.
    changes: BTreeMap<Subject, (By, Timestamp)>,
    defaults: SaleRules,
    /// The rules in force: the settings' own over the defaults.
    rules: SaleRules,
    room: WaitingRoom,
    schedules: BTreeMap<ScheduleId, SeatMap>,
    /// Performances in the order of the times (UTC) that end what is held there: their starts, or long ago if they are called
    /// off. Without those that had begun or were called off, with nothing held, when the sale was restored.
    starts: Vec<(Timestamp, ScheduleId)>,
    reservations: Reservations,
    guests: GuestHolds,
    user_seats: UserSeats,
    lapses: Lapses,
    done: u64,
    expired: u64,
    /// The notes that take back each change since the last commit, the newest last.
    undo: Vec<Undo>,
    /// The part of `undo` that belongs to what is being committed; all of it, unless more was decided since.
    sealed: Option<usize>,
}

/// The basis of a decision: a moment, what was read for it, and where to write what happens.
pub struct Step<'a> {
    pub now: Now,
    pub inputs: &'a mut Inputs,
    /// Grows by what happens.
    pub events: &'a mut Vec<Event>,
}

/// What operators change, each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Settings,
    Texts,
    Prices(ScheduleId),
    Start(ScheduleId),
}

/// The state that a sale's memory is built from.
pub struct SaleSnapshot {
    pub concert: ConcertId,
    /// Is it in the wallets' currency?
    pub sells: bool,
    /// What new tokens are made with.
    pub token_secret: TokenSecret,
    pub settings: SaleSettings,
    pub texts: Texts,
    /// UTC: since when everything is over.
    pub archived: Option<Timestamp>,
    /// The order of its line.
    pub order: Order,
    pub next_entry: EntryNo,
    /// Live ones, in ascending order of entries.
    pub tokens: Vec<TokenRecord>,
    /// Held ones.
    pub reservations: Vec<Reservation>,
    /// Expired ones, as far back as `lapses::REMEMBERED`.
    pub lapsed: Vec<Reservation>,
    /// The number of seats that each user has bought and not given back.
    pub bought: Vec<(UserId, u32)>,
    pub schedules: Vec<ScheduleSnapshot>,
}

pub struct ScheduleSnapshot {
    pub id: ScheduleId,
    pub starts_at: Timestamp,
    pub state: ScheduleState,
    pub plan: Arc<SeatPlan>,
    /// The price of each category that does not cost what the plan says, in ascending order.
    pub prices: Vec<(u16, Money)>,
    /// Every seat that is not available.
    pub taken: Vec<(SeatId, SeatState)>,
}

impl Sale {
    /// Presence and idle clocks start anew at `now`.
    pub fn restored(snapshot: SaleSnapshot, defaults: SaleRules, now: Timestamp) -> Self {
        let SaleSnapshot {
            concert,
            sells,
            token_secret,
            settings,
            texts,
            archived,
            order,
            next_entry,
            tokens,
            reservations,
            mut lapsed,
            bought,
            schedules,
        } = snapshot;
        let rules = settings.own.over(&defaults);
        let mut sale = Self {
            room: WaitingRoom::restored(concert, order, next_entry, &tokens, now, &rules),
            concert,
            sells,
            token_secret,
            settings,
            texts,
            archived,
            changes: BTreeMap::new(),
            defaults,
            rules,
            schedules: BTreeMap::new(),
            starts: Vec::new(),
            reservations: Reservations::default(),
            guests: GuestHolds::default(),
            user_seats: UserSeats::default(),
            lapses: Lapses::default(),
            done: 0,
            expired: 0,
            undo: Vec::new(),
            sealed: None,
        };
        for schedule in schedules {
            let mut seats = SeatMap::new(schedule.plan, schedule.starts_at, schedule.state);
            seats.set_prices(&schedule.prices);
            for (seat, state) in schedule.taken {
                seats.set(seat, state);
            }
            let ends_at = ends_holds_at(&seats);
            if ends_at > now || seats.held() > 0 {
                sale.starts.push((ends_at, schedule.id));
            }
            sale.schedules.insert(schedule.id, seats);
        }
        sale.starts.sort_unstable();
        for reservation in reservations {
            let more = |holds: Holds| Holds { open: holds.open + 1, ..holds };
            sale.room.change_holds(reservation.user, &sale.rules, more);
            sale.guests.set(reservation.id, GuestHold::of(&reservation));
            sale.user_seats.change(reservation.user, reservation.seats.len() as i32);
            sale.reservations.hold(reservation);
        }
        for (user, seats) in bought {
            sale.user_seats.change(user, seats.cast_signed());
        }
        // They are noted as they ended, and those that ended together in one order.
        lapsed.sort_by_key(|expired| (expired.ended_at, expired.id));
        lapsed.iter().for_each(|expired| sale.lapses.note(expired));
        sale
    }

    pub fn concert(&self) -> ConcertId {
        self.concert
    }

    pub fn settings(&self) -> &SaleSettings {
        &self.settings
    }

    pub fn rules(&self) -> &SaleRules {
        &self.rules
    }

    /// Is everything over, so that no process runs it any more?
    pub fn is_archived(&self) -> bool {
        self.archived.is_some()
    }

    pub fn waiting(&self) -> u64 {
        self.room.waiting()
    }

    pub fn progress(&self) -> u64 {
        self.room.progress()
    }

    pub fn schedules(&self) -> impl Iterator<Item = (ScheduleId, &SeatMap)> {
        self.schedules.iter().map(|(id, seats)| (*id, seats))
    }

    /// Every held reservation, in no order.
    pub fn held_reservations(&self) -> impl Iterator<Item = &Reservation> {
        self.reservations.iter()
    }

    /// Every live token from an entry on, in the order of joining.
    pub fn live_tokens_from(&self, from: EntryNo) -> impl Iterator<Item = TokenRecord> {
        self.room.iter_from(from).filter_map(|(entry, _)| self.room.record(entry))
    }

    /// Is this reservation still to be paid?
    pub fn is_held(&self, reservation: ReservationId) -> bool {
        self.reservations.held(reservation).is_some()
    }

    pub fn live_token(&self, entry: EntryNo) -> Option<TokenRecord> {
        self.room.record(entry)
    }

    pub fn held_reservation(&self, id: ReservationId) -> Option<&Reservation> {
        self.reservations.held(id)
    }

    pub fn seats_of(&self, schedule: ScheduleId) -> Option<&SeatMap> {
        self.schedules.get(&schedule)
    }

    /// The places of all admitted tokens.
    pub fn admitted_places(&self, now: Now) -> Vec<Place> {
        let admitted = self.room.iter().filter(|(_, live)| live.admission.is_some());
        admitted.filter_map(|(entry, _)| self.place(entry, now)).collect()
    }

    /// Adds what has to be read before `command` is decided.
    pub fn needs(&self, command: &Command, needs: &mut Needs) {
        match command {
            Command::Resume { token, .. } => {
                if self.room.entry_of_token(*token).is_none() && self.room.ended(*token).is_none() {
                    needs.tokens.push(*token);
                }
            }
            Command::Get { caller, .. }
            | Command::Extend { caller }
            | Command::Leave { caller }
            | Command::Hold { caller, .. }
            | Command::HoldBest { caller, .. } => self.needs_of_caller(caller, needs),
            Command::Release { caller, reservation, .. } => {
                self.needs_of_caller(caller, needs);
                self.needs_of_reservation(*reservation, needs);
            }
            Command::Pay { caller, reservation } | Command::Cancel { caller, reservation } => {
                self.needs_of_caller(caller, needs);
                self.needs_of_reservation(*reservation, needs);
                needs.wallets.push(caller.user);
            }
            Command::Refund { orders, .. } => {
                for (reservation, user) in orders {
                    self.needs_of_reservation(*reservation, needs);
                    needs.wallets.push(*user);
                }
            }
            Command::MoveSeat { order, .. } => self.needs_of_reservation(*order, needs),
            Command::SellAtDesk { user, .. } => {
                if self.reservations.at_desk(*user).is_none() {
                    needs.desk_orders.push((self.concert, *user));
                }
            }
            Command::RefundSeats { order, user, .. } => {
                self.needs_of_reservation(*order, needs);
                needs.wallets.push(*user);
            }
            Command::Join { .. }
            | Command::Touch { .. }
            | Command::Connect { .. }
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
            | Command::Figures => {}
        }
    }

    /// A token that ended lately, or may end in this batch, is in memory; a token that ended long ago is not, even if
    /// its user has a live one.
    fn needs_of_caller(&self, caller: &Caller, needs: &mut Needs) {
        match caller.token {
            Some(token) => {
                if self.room.entry_of_token(token).is_none() && self.room.ended(token).is_none() {
                    needs.tokens.push(token);
                }
            }
            None => {
                let live = self.room.entry_of_user(caller.user).is_some();
                if !live && self.room.last_ended_of(caller.user).is_none() {
                    needs.last_tokens.push((self.concert, caller.user));
                }
            }
        }
    }

    fn needs_of_reservation(&self, id: ReservationId, needs: &mut Needs) {
        if self.reservations.held(id).is_none() && self.reservations.ended(id).is_none() {
            needs.reservations.push(id);
        }
    }

    /// Decides one command that reached the mailbox at this step's moment. Everything due by then has been expired before.
    pub fn decide(&mut self, mut step: Step<'_>, command: &Command) -> Result<Answer, Rejection> {
        let step = &mut step;
        self.end_if_over(step, command);
        let answer = self.obey(step, command)?;
        for _ in 0..ADMISSIONS_PER_COMMAND_MAX {
            if !self.may_admit(step.now) {
                break;
            }
            self.admit_next(step);
        }
        // A join may have been let in by the lines above: its answer says so.
        Ok(match answer {
            Answer::Queue { place, created } => {
                let place = self.place(place.record.entry, step.now).unwrap_or(place);
                Answer::Queue { place, created }
            }
            other => other,
        })
    }

    fn obey(&mut self, step: &mut Step<'_>, command: &Command) -> Result<Answer, Rejection> {
        let now = step.now;
        if self.archived.is_some() && command.is_of_operators() {
            return Err(Rejection::Archived);
        }
        match command {
            Command::Join { user, connection } => self.join(step, *user, *connection),
            Command::Resume { token, connection } => self.resume(step, *token, *connection),
            Command::Get { caller, polled } => self.get(step, caller, *polled),
            Command::Extend { caller } => self.extend(step, caller),
            Command::Leave { caller } => self.leave(step, caller),
            Command::Touch { user } => {
                self.touch(*user, now);
                Ok(Answer::Done)
            }
            Command::Connect { user, connection } => Ok(self.greet(*user, *connection, now)),
            Command::Disconnect { user, connection } => {
                self.room.disconnect(*user, *connection, now.sale);
                Ok(Answer::Done)
            }
            Command::Present { connections } => {
                self.greet_all(connections);
                Ok(Answer::Done)
            }
            Command::NodeGone { node } => {
                self.node_gone(*node, now);
                Ok(Answer::Done)
            }
            Command::Hold { caller, schedule, seats } => {
                self.touch(caller.user, now);
                self.hold(step, caller, *schedule, seats)
            }
            Command::HoldBest { caller, schedule, count, category, max_price, except, request_id } => {
                self.touch(caller.user, now);
                let wanted = BestWanted {
                    count: *count,
                    category: category.as_deref(),
                    max_price: *max_price,
                    except,
                    request_id: request_id.as_deref(),
                };
                self.hold_best(step, caller, *schedule, wanted)
            }
            Command::Release { caller, reservation, seats } => {
                self.touch(caller.user, now);
                self.release(step, caller, *reservation, seats.as_deref())
            }
            Command::Pay { caller, reservation } => {
                self.touch(caller.user, now);
                self.pay(step, caller, *reservation)
            }
            Command::Cancel { caller, reservation } => {
                self.touch(caller.user, now);
                self.cancel(step, caller, *reservation)
            }
            Command::Configure { patch, was, by } => {
                self.is_as_seen(was.as_deref())?;
                self.configure(step, patch, By::Actor(by.clone()))?;
                Ok(Answer::Figures(self.figures(now)))
            }
            Command::Restrict { schedule, seats, note, by } => {
                self.restrict(step, *schedule, seats, note.as_deref(), by)
            }
            Command::Unrestrict { schedule, seats, note, by } => {
                self.unrestrict(step, *schedule, seats, note.as_deref(), by)
            }
            Command::Reprice { schedules, prices, was, by } => self.reprice(step, schedules, prices, was, by),
            Command::Describe { patch, was, by } => self.describe(step, patch, was, by),
            Command::AddSchedule { schedule, starts_at, prices, of_plan, by } => {
                self.add_schedule(step, *schedule, *starts_at, prices, of_plan.as_deref(), by)
            }
            Command::Postpone { schedule, starts_at, was, reason, by } => {
                self.postpone(step, *schedule, *starts_at, *was, reason.as_deref(), by)
            }
            Command::Archive { by } => self.archive(step, by),
            Command::CallOff { schedule, reason, by } => self.call_off(step, *schedule, reason, by),
            Command::Refund { orders, why } => Ok(self.refund(step, orders, why)),
            Command::RefundSeats { order, user, seats, why } => {
                self.refund_seats(step, *order, *user, seats, why)
            }
            Command::SellAtDesk { user, schedule, seats, source, amount, note, by } => {
                let (user, schedule, source, note) = (*user, *schedule, *source, note.as_deref());
                let asked = DeskSale { user, schedule, seats, source, amount: *amount, note, by };
                self.sell_at_desk(step, &asked)
            }
            Command::MoveSeat { order, from, to, keep, note, by } => {
                let (order, from, to, keep, note) = (*order, *from, *to, *keep, note.as_deref());
                self.move_seat(step, &Move { order, from, to, keep, note, by })
            }
            Command::Figures => Ok(Answer::Figures(self.figures(now))),
        }
    }

    /// The users who are connected, and by what: a sale that is built anew from the store does not know them.
    pub fn connections(&self) -> impl Iterator<Item = (UserId, ConnectionId)> {
        self.room.connections()
    }

    /// The user was connected all the time, and the sale was built anew.
    pub fn connect(&mut self, user: UserId, connection: ConnectionId) {
        self.room.connect(user, connection);
    }

    /// A user has a connection. Only a user with a live token is present by it; one who takes a token later is counted then, and
    /// says so again.
    pub fn greet(&mut self, user: UserId, connection: ConnectionId, now: Now) -> Answer {
        match self.place_of_user(user, now) {
            Some(place) => {
                self.room.connect(user, connection);
                Answer::Queue { place, created: false }
            }
            None => Answer::Done,
        }
    }

    /// These users have connections, each of which makes those present who have a live token.
    pub fn greet_all(&mut self, connections: &[(UserId, ConnectionId)]) {
        for (user, connection) in connections {
            if self.is_in_line(*user) {
                self.room.connect(*user, *connection);
            }
        }
    }

    /// Has the user a live token?
    pub fn is_in_line(&self, user: UserId) -> bool {
        self.room.entry_of_user(user).is_some()
    }

    /// The place of a user's live token.
    pub fn place_of_user(&self, user: UserId, now: Now) -> Option<Place> {
        self.place(self.room.entry_of_user(user)?, now)
    }

    /// A connection is gone: noted without deciding anything, for when nothing can be decided.
    pub fn disconnect(&mut self, user: UserId, connection: ConnectionId, now: Now) {
        self.room.disconnect(user, connection, now.sale);
    }

    /// All connections to a node are gone, likewise.
    pub fn node_gone(&mut self, node: NodeNo, now: Now) {
        let gone: Vec<_> = self.connections().filter(|(_, connection)| connection.node() == node).collect();
        gone.into_iter().for_each(|(user, connection)| self.disconnect(user, connection, now));
    }

    /// Does what is due by itself, at most `max` things: holds of performances that have begun, opening, other
    /// holds, admissions that end, a line that is dissolved, admissions, absences. A place that frees waits for nobody's
    /// absence, which may be many at once. Gives back how many were done.
    pub fn expire_due(&mut self, mut step: Step<'_>, max: usize) -> usize {
        let mut done = self.end_started(&mut step, max);
        while done < max && self.expire_one(&mut step) {
            done += 1;
        }
        done
    }

    /// The first performance that has begun, or is called off, with seats still held.
    fn started(&self, now: Now) -> Option<ScheduleId> {
        let begun = self.starts.iter().take_while(|(starts_at, _)| *starts_at <= now.utc);
        begun.map(|(_, id)| *id).find(|id| self.schedules[id].held() > 0)
    }

    /// Ends what is held of performances that have begun or are called off, at most `max` reservations: nobody pays for what
    /// has been missed, or will not be.
    fn end_started(&mut self, step: &mut Step<'_>, max: usize) -> usize {
        let mut done = 0;
        while done < max
            && let Some(schedule) = self.started(step.now)
        {
            let held = self.reservations.first_of(schedule, max - done);
            debug_assert!(!held.is_empty(), "a held seat belongs to a held reservation");
            if held.is_empty() {
                break;
            }
            done += held.len();
            let why = match self.schedules[&schedule].is_called_off() {
                true => HoldEnd::CalledOff,
                false => HoldEnd::Started,
            };
            for reservation in held {
                self.end_hold(step, reservation, why);
            }
        }
        done
    }

    fn expire_one(&mut self, step: &mut Step<'_>) -> bool {
        let now = step.now;
        if self.opens_by_itself(now) {
            let patch = SalePatch { state: Some(SaleState::Open), ..SalePatch::default() };
            // Refused only by a closed sale, and this one is scheduled.
            let _ = self.configure(step, &patch, By::OpensAt);
        } else if let Some(id) = self.reservations.due(now.sale) {
            self.expire_hold(step, id);
        } else if let Some((entry, idle)) = self.room.due_visit(now.sale, &self.rules) {
            self.expire_visit(step, entry, idle);
        } else if let Some(entry) = self.room.line().first().filter(|_| self.is_dissolving()) {
            self.dissolve(step, entry);
        } else if self.may_admit(now) {
            self.admit_next(step);
        } else if let Some(entry) = self.room.due_absence(now.sale, &self.rules) {
            self.expire_absence(step, entry);
        } else {
            return false;
        }
        true
    }

    /// Must something be expired before a command of `now` may be decided? Absences and the line of a closed sale
    /// need not be, for they may be many: a command sees to its own caller's.
    pub fn must_expire_first(&mut self, now: Now) -> bool {
        self.opens_by_itself(now)
            || self.reservations.due(now.sale).is_some()
            || self.started(now).is_some()
            || self.room.due_visit(now.sale, &self.rules).is_some()
    }

    /// UTC: when `expire_due` has something to do next; may be too early, never too late.
    pub fn next_due(&self, now: Now) -> Option<Timestamp> {
        if self.may_admit(now) || self.is_dissolving() && self.room.waiting() > 0 {
            return Some(now.utc);
        }
        let ahead = now.utc.as_millis() - now.sale.as_millis();
        let deadlines =
            [self.reservations.next_deadline(), self.room.next_visit(), self.room.next_absence(&self.rules)];
        // These two are times on the wall, which no outage moves.
        let is_planned = self.sells && self.settings.state == SaleState::Scheduled;
        let opening = self.settings.opens_at.filter(|_| is_planned);
        let start = self.starts.iter().find(|(_, id)| self.schedules[id].held() > 0).map(|(at, _)| *at);
        let fans = deadlines.into_iter().flatten().min().map(|due| due.shifted(ahead));
        [fans, opening, start].into_iter().flatten().min()
    }

    /// One waiting, admitted or ended token's place, as of the last decision.
    fn place(&self, entry: EntryNo, now: Now) -> Option<Place> {
        self.room.record(entry).map(|record| self.place_of(record, now))
    }

    fn place_of(&self, record: TokenRecord, now: Now) -> Place {
        let active_at = self.room.active_at(record.entry);
        self.room.line().place(record, active_at, self.stock(now), &self.rules, now)
    }

    fn stock(&self, now: Now) -> Stock {
        let counts = |seats: &SeatMap| SeatCounts {
            starts_at: seats.starts_at(),
            for_sale: seats.for_sale(),
            available: seats.available(),
            sold: seats.sold(),
        };
        let played = self.schedules.values().filter(|seats| !seats.is_called_off());
        Stock::of(played.map(counts), now.utc)
    }

    fn opens_by_itself(&self, now: Now) -> bool {
        let is_planned = self.sells && self.settings.state == SaleState::Scheduled;
        is_planned && self.settings.opens_at.is_some_and(|at| at <= now.utc)
    }

    fn is_dissolving(&self) -> bool {
        self.settings.state == SaleState::Closed
    }

    /// A place is free, somebody waits, and the house has more free seats than admitted fans who have had none.
    fn may_admit(&self, now: Now) -> bool {
        self.sells
            && self.settings.state == SaleState::Open
            && self.room.waiting() > 0
            && self.room.progress() < u64::from(self.rules.capacity)
            && self.room.unserved() < self.stock(now).available
    }

    /// Is what an operator saw still so?
    fn is_as_seen(&self, was: Option<&SalePatch>) -> Result<(), Rejection> {
        match was {
            Some(was) if self.settings.patched(was) != self.settings => Err(Rejection::ChangedMeanwhile {
                is: Box::new(Seen::Settings(self.settings.clone())),
                changed: self.changes.get(&Subject::Settings).cloned(),
            }),
            _ => Ok(()),
        }
    }

    /// The line of a closed sale is gone whole before it opens again, else who stood in front would be worse off.
    fn configure(&mut self, step: &mut Step<'_>, patch: &SalePatch, by: By) -> Result<(), Rejection> {
        if !self.sells && patch.state == Some(SaleState::Open) {
            return Err(Rejection::OtherCurrency);
        }
        let after = self.settings.patched(patch);
        if self.is_dissolving() && after.state != SaleState::Closed {
            if self.room.waiting() > DISSOLVED_PER_COMMAND_MAX {
                return Err(Rejection::SaleClosed);
            }
            while let Some(entry) = self.room.line().first() {
                self.dissolve(step, entry);
            }
        }
        if after != self.settings {
            let before = Box::new(self.settings.clone());
            self.change(step, Event::SettingsChanged { before, after: Box::new(after), by });
        }
        Ok(())
    }

    fn figures(&self, now: Now) -> SaleFigures {
        let sum = |count: fn(&SeatMap) -> u64| self.schedules.values().map(count).sum();
        // Of a performance that is called off nothing is sold, so what nobody has is as good as kept.
        let free = |map: &SeatMap| if map.is_called_off() { 0 } else { map.available() };
        let kept = |map: &SeatMap| map.restricted() + if map.is_called_off() { map.available() } else { 0 };
        SaleFigures {
            concert: self.concert,
            settings: self.settings.clone(),
            rules: self.rules.clone(),
            waiting: self.room.waiting(),
            progress: self.room.progress(),
            done: self.done,
            expired: self.expired,
            seats: sum(SeatMap::len),
            available: sum(free),
            held: sum(SeatMap::held),
            sold: sum(SeatMap::sold),
            restricted: sum(kept),
            admissions_last_minute: self.room.line().admissions_last_minute(now.utc),
        }
    }

    /// The facts alone, as if nobody had been seen connected or active since `now`: two sales with the same facts are
    /// equal.
    pub fn facts(&self, now: Timestamp) -> Self {
        let mut facts = self.clone();
        facts.room.forget_presence(now, &self.rules);
        facts.starts.clear();
        facts.changes.clear();
        facts
    }

    /// Proves the invariants; for tests, the simulation and a lane that suspects a bug.
    ///
    /// # Panics
    /// Names the invariant that does not hold.
    pub fn check(&self) {
        self.room.check();
        self.reservations.check();
        self.guests.check(self.reservations.iter());
        let taken = self.schedules.values().map(|seats| seats.held() + seats.sold()).sum();
        self.user_seats.check(self.reservations.iter(), taken);
        for (id, seats) in &self.schedules {
            seats.check();
            let held: u64 =
                self.reservations.iter().filter(|r| r.schedule == *id).map(|r| r.seats.len() as u64).sum();
            assert_eq!(seats.held(), held, "a held seat of schedule {id} belongs to one held reservation");
        }
        for reservation in self.reservations.iter() {
            let map = &self.schedules[&reservation.schedule];
            for seat in &reservation.seats {
                assert_eq!(map.get(*seat), Some(SeatState::Held(reservation.id)), "seat {seat}");
            }
            assert!(
                reservation.prices.is_empty() || reservation.prices.len() == reservation.seats.len(),
                "each seat of {} has its price",
                reservation.id
            );
            assert_eq!(
                reservation.amount,
                map.amount_in(reservation, &reservation.seats),
                "amount of {}",
                reservation.id
            );
            let entry = self.room.entry_of_user(reservation.user).expect("who holds has a live token");
            let live = self.room.get(entry).expect("a live token is there");
            assert!(live.admission.is_some(), "who holds is admitted");
        }
    }
}

/// The time (UTC) that ends what is held of a performance.
fn ends_holds_at(seats: &SeatMap) -> Timestamp {
    if seats.is_called_off() { Timestamp::default() } else { seats.starts_at() }
}
