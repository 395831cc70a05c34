//! Holding, releasing, paying and cancelling. Each checks in the stated order; the first refusal wins.

use crate::domain::command::{Answer, Caller, Rejection};
use crate::domain::event::{Event, HoldEnd, RefundWhy, Refunded};
use crate::domain::ids::{ReservationId, ScheduleId, SeatId};
use crate::domain::lapses::Waits;
use crate::domain::record::{
    BestRequest, Payment, PaymentSource, PaymentStatus, Reservation, ReservationStatus, SaleState, Ticket,
    TokenStatus,
};
use crate::domain::seat_map::{SeatMap, SeatState};
use crate::domain::seat_plan::{MONEY_MAX, Money};
use crate::domain::time::Now;

use super::{Sale, Step};

/// The wish of a `hold_best`.
#[derive(Clone, Copy)]
pub(super) struct BestWanted<'a> {
    pub count: u32,
    pub category: Option<&'a str>,
    pub max_price: Option<Money>,
    pub except: &'a [SeatId],
    pub request_id: Option<&'a str>,
}

impl Waits {
    fn allow(&self, wanted: &[SeatId]) -> Result<(), Rejection> {
        match self.among(wanted) {
            None => Ok(()),
            Some((seats, retry_at)) => Err(Rejection::HoldAgainLater { seats, retry_at }),
        }
    }
}

/// No reservation is worth more than money can be: of dearer seats it may have fewer.
pub(super) fn within_money(
    map: &SeatMap,
    open: Option<&Reservation>,
    more: &[SeatId],
) -> Result<(), Rejection> {
    let held = open.map_or(&[][..], |open| &open.seats);
    let mut amount = open.map_or(0, |open| open.amount);
    for (count, seat) in (held.len()..).zip(more) {
        amount += map.price(*seat);
        if amount > MONEY_MAX {
            return Err(Rejection::HoldLimit { max: u32::try_from(count).unwrap_or(u32::MAX) });
        }
    }
    Ok(())
}

impl Sale {
    pub(super) fn hold(
        &mut self,
        step: &mut Step<'_>,
        caller: &Caller,
        schedule: ScheduleId,
        seats: &[SeatId],
    ) -> Result<Answer, Rejection> {
        let map = self.schedules.get(&schedule).ok_or(Rejection::ScheduleNotFound)?;
        let open = self.reservations.held_by(caller.user, schedule);
        let is_own = |seat: &SeatId| open.is_some_and(|open| open.seats.contains(seat));
        if let Some(open) = open.filter(|_| seats.iter().all(is_own)) {
            return Ok(Answer::Reservation(open.clone()));
        }
        self.may_hold_anew(step, caller, schedule)?;
        let mut wanted: Vec<SeatId> = seats.iter().copied().filter(|seat| !is_own(seat)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let unknown: Vec<SeatId> = wanted.iter().copied().filter(|seat| map.get(*seat).is_none()).collect();
        // Naming no seat at all is no way to open a reservation.
        if !unknown.is_empty() || wanted.is_empty() {
            return Err(Rejection::SeatNotFound { seats: unknown });
        }
        self.within_limit(open, wanted.len())?;
        self.within_user_limit(caller, wanted.len())?;
        self.within_guests_limit(caller, schedule, wanted.len())?;
        let those = |is: fn(SeatState) -> bool| -> Vec<SeatId> {
            wanted.iter().copied().filter(|seat| map.get(*seat).is_some_and(is)).collect()
        };
        let taken = those(SeatState::is_taken);
        if !taken.is_empty() {
            return Err(Rejection::SeatTaken { seats: taken });
        }
        let restricted = those(|state| state == SeatState::Restricted);
        if !restricted.is_empty() {
            return Err(Rejection::SeatRestricted { seats: restricted });
        }
        if let Some(waits) = self.waits_of(step.now, caller, schedule) {
            waits.allow(&wanted)?;
        }
        within_money(map, open, &wanted)?;
        Ok(Answer::Reservation(self.add_seats(step, caller, schedule, wanted, None)))
    }

    pub(super) fn hold_best(
        &mut self,
        step: &mut Step<'_>,
        caller: &Caller,
        schedule: ScheduleId,
        wanted: BestWanted<'_>,
    ) -> Result<Answer, Rejection> {
        let map = self.schedules.get(&schedule).ok_or(Rejection::ScheduleNotFound)?;
        let request = wanted.request_id.map(|request_id| BestRequest {
            request_id: request_id.into(),
            count: wanted.count,
            category: wanted.category.map(Into::into),
            bounds: BestRequest::bounds_of(wanted.max_price, wanted.except),
        });
        if let Some(request) = &request
            && let Some(known) =
                self.reservations.of_best_request(caller.user, &request.request_id, &self.schedule_ids())
        {
            let same = known.schedule == schedule && known.best_requests.contains(request);
            return if same {
                Ok(Answer::Reservation(known.clone()))
            } else {
                Err(Rejection::RequestIdReused)
            };
        }
        self.may_hold_anew(step, caller, schedule)?;
        let category = match wanted.category {
            None => None,
            Some(name) => {
                let index = map.plan().categories.iter().position(|category| &*category.name == name);
                Some(index.ok_or(Rejection::UnknownCategory)? as u16)
            }
        };
        self.within_limit(self.reservations.held_by(caller.user, schedule), wanted.count as usize)?;
        self.within_user_limit(caller, wanted.count as usize)?;
        self.within_guests_limit(caller, schedule, wanted.count as usize)?;
        let waits = self.waits_of(step.now, caller, schedule);
        let best = |more: &[SeatId]| {
            let mut except = [wanted.except, more].concat();
            except.sort_unstable();
            map.best(wanted.count, category, wanted.max_price, &except)
        };
        let seats = match (best(waits.as_ref().map_or(&[], Waits::seats)), waits) {
            (Some(seats), _) => seats,
            (None, None) => return Err(Rejection::NoSeatsAvailable),
            // Perhaps there are none but those that this caller has to wait for.
            (None, Some(waits)) => {
                waits.allow(&best(&[]).ok_or(Rejection::NoSeatsAvailable)?)?;
                return Err(Rejection::NoSeatsAvailable);
            }
        };
        within_money(map, self.reservations.held_by(caller.user, schedule), &seats)?;
        Ok(Answer::Reservation(self.add_seats(step, caller, schedule, seats, request)))
    }

    pub(super) fn release(
        &mut self,
        step: &mut Step<'_>,
        caller: &Caller,
        id: ReservationId,
        seats: Option<&[SeatId]>,
    ) -> Result<Answer, Rejection> {
        let Some(held) = self.reservations.held(id).filter(|held| held.user == caller.user).cloned() else {
            let ended = self.own_ended(step, caller, id)?;
            return match ended.status {
                ReservationStatus::Expired | ReservationStatus::Cancelled => Ok(Answer::Reservation(ended)),
                status @ (ReservationStatus::Reserved | ReservationStatus::TempReserved) => {
                    Err(Rejection::ReservationInvalid { status })
                }
            };
        };
        let map = self.schedules.get(&held.schedule).ok_or(Rejection::ScheduleNotFound)?;
        let named = seats.unwrap_or(&held.seats);
        let unknown: Vec<SeatId> = named.iter().copied().filter(|seat| map.get(*seat).is_none()).collect();
        if !unknown.is_empty() {
            return Err(Rejection::SeatNotFound { seats: unknown });
        }
        let (given, kept): (Vec<SeatId>, Vec<SeatId>) =
            held.seats.iter().partition(|seat| named.contains(seat));
        if given.is_empty() {
            return Ok(Answer::Reservation(held));
        }
        if kept.is_empty() {
            let ended = held.clone().ended(ReservationStatus::Cancelled, step.now.utc);
            self.end_hold(step, held, HoldEnd::Released);
            return Ok(Answer::Reservation(ended));
        }
        let amount = map.amount_in(&held, &kept);
        let mut reservation = Reservation { amount, ..held };
        reservation.keep(&kept);
        self.change(step, Event::SeatsReleased { reservation: reservation.clone(), seats: given });
        Ok(Answer::Reservation(reservation))
    }

    /// A repeated `pay` comes first; then PROGRESS, one's own reservation, still held, enough balance.
    pub(super) fn pay(
        &mut self,
        step: &mut Step<'_>,
        caller: &Caller,
        id: ReservationId,
    ) -> Result<Answer, Rejection> {
        let now = step.now;
        let ended = self.own_ended(step, caller, id);
        if let Ok(Reservation { status: ReservationStatus::Reserved, payment: Some(payment), .. }) = &ended {
            let balance = step.inputs.wallets.balance(caller.user).ok_or(Rejection::UserNotFound)?;
            return Ok(Answer::Paid { payment: payment.clone(), balance });
        }
        let entry = self.admitted(step, caller)?;
        let Some(held) = self.reservations.held(id).filter(|held| held.user == caller.user).cloned() else {
            let ended = ended?;
            // Of what was called off there is nothing to pay, whatever else became of the hold.
            if self.schedules.get(&ended.schedule).is_some_and(SeatMap::is_called_off) {
                return Err(Rejection::PerformanceCalledOff);
            }
            return Err(Rejection::ReservationInvalid { status: ended.status });
        };
        // The same number of minor units is another sum in the wallet's currency.
        if !self.sells {
            return Err(Rejection::OtherCurrency);
        }
        let payment_id = step.inputs.ids.payment(now.utc);
        let ledger =
            step.inputs.wallets.debit(caller.user, held.amount, payment_id, now.utc, &mut step.inputs.ids)?;
        let tickets = held.seats.iter().map(|seat| Ticket {
            id: step.inputs.ids.ticket(now.utc),
            schedule: held.schedule,
            seat: *seat,
            price: held.price(*seat),
            code: step.inputs.ids.ticket_code().into(),
            cancelled_at: None,
            moved_from: None,
            moved_to: None,
        });
        let payment = Payment {
            id: payment_id,
            reservation: id,
            user: caller.user,
            source: PaymentSource::Wallet,
            amount: held.amount,
            status: PaymentStatus::Done,
            at: now.utc,
            refunded: 0,
            refund_reason: None,
            tickets: tickets.collect(),
        };
        let balance = ledger.balance;
        let reservation = Reservation {
            payment: Some(payment.clone()),
            ..held.ended(ReservationStatus::Reserved, now.utc)
        };
        self.change(step, Event::Paid { reservation, ledger });
        // Buying ends the visit: what else the user held is free for others.
        self.end_holds(step, caller.user, HoldEnd::BoughtAnother);
        self.end_token(step, entry, TokenStatus::Done);
        Ok(Answer::Paid { payment, balance })
    }

    pub(super) fn cancel(
        &mut self,
        step: &mut Step<'_>,
        caller: &Caller,
        id: ReservationId,
    ) -> Result<Answer, Rejection> {
        let now = step.now;
        if let Some(held) = self.reservations.held(id).filter(|held| held.user == caller.user) {
            return Err(Rejection::ReservationInvalid { status: held.status });
        }
        let paid = self.own_ended(step, caller, id)?;
        match paid.status {
            ReservationStatus::Reserved => {}
            ReservationStatus::Cancelled => {
                let balance = step.inputs.wallets.balance(caller.user).ok_or(Rejection::UserNotFound)?;
                return Ok(Answer::Cancelled { reservation: paid, balance });
            }
            status @ (ReservationStatus::Expired | ReservationStatus::TempReserved) => {
                return Err(Rejection::ReservationInvalid { status });
            }
        }
        let map = self.schedules.get(&paid.schedule).ok_or(Rejection::ScheduleNotFound)?;
        // Its refund is on the way.
        if map.is_called_off() {
            return Err(Rejection::PerformanceCalledOff);
        }
        if now.utc >= map.starts_at() - self.rules.cancel_before_start {
            return Err(Rejection::CancelTooLate);
        }
        // What was sold at the desk comes back there alone.
        let payment = paid.payment.as_ref().filter(|payment| payment.source == PaymentSource::Wallet);
        let payment = payment.ok_or(Rejection::ReservationInvalid { status: paid.status })?.id;
        let (at, amount) = (now.utc, paid.amount);
        let inputs = &mut *step.inputs;
        let ledger = inputs.wallets.refund(caller.user, amount, payment, at, &mut inputs.ids)?;
        let (balance, seats, why) = (ledger.balance, paid.seats.clone(), RefundWhy::Cancelled);
        let reservation = paid.refunded(&seats, amount, at, None);
        let (of, ledger) = (reservation.clone(), Some(ledger));
        self.change(step, Event::Refunded(Refunded { reservation: of, seats, amount, at, ledger, why }));
        Ok(Answer::Cancelled { reservation, balance })
    }

    /// May this caller take seats that they do not hold yet?
    fn may_hold_anew(&self, step: &Step<'_>, caller: &Caller, schedule: ScheduleId) -> Result<(), Rejection> {
        match self.settings.state {
            SaleState::Open if self.sells => {}
            SaleState::Open => return Err(Rejection::OtherCurrency),
            SaleState::Scheduled => {
                return Err(Rejection::SaleNotOpen { opens_at: self.settings.opens_at });
            }
            SaleState::Paused => return Err(Rejection::SalePaused),
            SaleState::Closed => return Err(Rejection::SaleClosed),
        }
        let entry = self.admitted(step, caller)?;
        let admission = self.room.get(entry).and_then(|live| live.admission);
        if admission.is_some_and(|admission| admission.expires_at <= step.now.sale) {
            return Err(Rejection::TokenExpired(None));
        }
        match self.schedules.get(&schedule) {
            Some(map) if map.is_called_off() => Err(Rejection::PerformanceCalledOff),
            Some(map) if map.starts_at() > step.now.utc => Ok(()),
            _ => Err(Rejection::ScheduleNotFound),
        }
    }

    /// Seats that the caller let run out unpaid, and may not hold yet.
    fn waits_of(&self, now: Now, caller: &Caller, schedule: ScheduleId) -> Option<Waits> {
        self.lapses.waits_of(caller.user, schedule, now.utc, self.rules.hold_again_after)
    }

    fn within_limit(&self, open: Option<&Reservation>, more: usize) -> Result<(), Rejection> {
        let max = self.rules.seats_per_reservation_max;
        match open.map_or(0, |open| open.seats.len()) + more <= max as usize {
            true => Ok(()),
            false => Err(Rejection::HoldLimit { max }),
        }
    }

    /// Seats that a user has already stay, also if the limit is lower by now.
    fn within_user_limit(&self, caller: &Caller, more: usize) -> Result<(), Rejection> {
        let max = self.rules.seats_per_user_max;
        match max == 0 || self.user_seats.of(caller.user) as usize + more <= max as usize {
            true => Ok(()),
            false => Err(Rejection::PurchaseLimit { max }),
        }
    }

    /// One person may be many guests: together they hold no more of a house than some honest ones would.
    fn within_guests_limit(
        &self,
        caller: &Caller,
        schedule: ScheduleId,
        more: usize,
    ) -> Result<(), Rejection> {
        let Some(block) = caller.guest_of else { return Ok(()) };
        let map = self.schedules.get(&schedule).ok_or(Rejection::ScheduleNotFound)?;
        let open = self.reservations.held_by(caller.user, schedule);
        let others = self.guests.seats_besides(schedule, block, open.map(|open| open.id));
        let own = open.map_or(0, |open| open.seats.len()) + more;
        let max = self.rules.guest_seats.max(map.for_sale());
        match others + own as u64 <= max {
            true => Ok(()),
            false => Err(Rejection::GuestSeats { max }),
        }
    }

    /// Adds free seats to the user's open reservation, or opens one. Its clock starts with the first seat.
    fn add_seats(
        &mut self,
        step: &mut Step<'_>,
        caller: &Caller,
        schedule: ScheduleId,
        seats: Vec<SeatId>,
        request: Option<BestRequest>,
    ) -> Reservation {
        let now = step.now;
        let open = self.reservations.held_by(caller.user, schedule).cloned();
        let opened = open.is_none();
        let mut reservation = open.unwrap_or_else(|| Reservation {
            id: step.inputs.ids.reservation(self.concert, now.utc),
            concert: self.concert,
            schedule,
            user: caller.user,
            status: ReservationStatus::TempReserved,
            seats: Vec::new(),
            prices: Vec::new(),
            amount: 0,
            opened_at: now.utc,
            expires_at: now.sale + self.rules.hold_ttl,
            ended_at: None,
            best_requests: Vec::new(),
            guest_of: None,
            payment: None,
        });
        reservation.guest_of = caller.guest_of.or(reservation.guest_of);
        let map = self.schedules.get(&schedule);
        let prices = map.map(|map| map.add_to(&mut reservation, &seats, request.clone())).unwrap_or_default();
        let event = Event::SeatsHeld { reservation: reservation.clone(), seats, prices, opened, request };
        self.change(step, event);
        reservation
    }

    /// The caller's own reservation that is no longer held.
    fn own_ended(
        &self,
        step: &Step<'_>,
        caller: &Caller,
        id: ReservationId,
    ) -> Result<Reservation, Rejection> {
        let ended = self.ended(step, id).filter(|ended| ended.user == caller.user);
        ended.ok_or(Rejection::ReservationNotFound)
    }

    /// A reservation of this sale that is no longer held.
    pub(super) fn ended(&self, step: &Step<'_>, id: ReservationId) -> Option<Reservation> {
        let ended = self.reservations.ended(id).or_else(|| step.inputs.ended.reservations.get(&id));
        ended.filter(|ended| ended.concert == self.concert).cloned()
    }
}
