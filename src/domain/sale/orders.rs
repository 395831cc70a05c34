//! What the house does with paid orders: their money back, whole or seat by seat, each seat once and to its owner's wallet, if
//! it came from there; and another seat for one that was sold.

use super::{Sale, Step};
use crate::domain::actor::Actor;
use crate::domain::command::{Answer, Rejection};
use crate::domain::event::{Event, HouseSeats, RefundWhy, Refunded, SeatMoved};
use crate::domain::ids::{ReservationId, SeatId, UserId};
use crate::domain::record::{Payment, PaymentSource, Reservation, ReservationStatus, Ticket};
use crate::domain::seat_map::SeatState;
use crate::domain::seat_plan::Money;

impl Sale {
    /// Gives back those of these orders that can be.
    pub(super) fn refund(
        &mut self,
        step: &mut Step<'_>,
        orders: &[(ReservationId, UserId)],
        why: &RefundWhy,
    ) -> Answer {
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for (id, user) in orders {
            match self.refund_one(step, *id, *user, None, why) {
                Ok(refunded) => done.push(refunded),
                Err(rejection) => left.push((*id, rejection)),
            }
        }
        Answer::Refunded { done, left }
    }

    /// Gives back single seats of an order, all of these or none.
    pub(super) fn refund_seats(
        &mut self,
        step: &mut Step<'_>,
        id: ReservationId,
        user: UserId,
        seats: &[SeatId],
        why: &RefundWhy,
    ) -> Result<Answer, Rejection> {
        let done = vec![self.refund_one(step, id, user, Some(seats), why)?];
        Ok(Answer::Refunded { done, left: Vec::new() })
    }

    /// Gives back these seats of an order, or all that it has.
    fn refund_one(
        &mut self,
        step: &mut Step<'_>,
        id: ReservationId,
        user: UserId,
        seats: Option<&[SeatId]>,
        why: &RefundWhy,
    ) -> Result<(Reservation, Option<Money>), Rejection> {
        if let Some(held) = self.reservations.held(id) {
            return Err(Rejection::ReservationInvalid { status: held.status });
        }
        let order = self.ended(step, id).filter(|order| order.user == user);
        let order = order.ok_or(Rejection::ReservationNotFound)?;
        let status = order.status;
        let Some(payment) = &order.payment else {
            return Err(Rejection::ReservationInvalid { status });
        };
        let seats = match seats {
            Some(seats) => asked_back(payment, seats)?,
            None => order.seats.clone(),
        };
        match (status, order.ended_at) {
            (ReservationStatus::Reserved, _) => {}
            (ReservationStatus::Cancelled, Some(at)) => {
                return Err(Rejection::AlreadyRefunded { at, seats: Vec::new() });
            }
            _ => return Err(Rejection::ReservationInvalid { status }),
        }
        let map = self.schedules.get(&order.schedule).ok_or(Rejection::ScheduleNotFound)?;
        let is_called_off = map.is_called_off();
        // What the house gives back without an operator follows from what was called off, and is in a wallet: what was paid at
        // the desk is somebody's only once an operator has handed it out.
        if why.by().is_none() && (!is_called_off || payment.source.is_taken_at_desk()) {
            return Err(Rejection::ReservationInvalid { status });
        }
        let (at, amount) = (step.now.utc, map.amount_in(&order, &seats));
        let inputs = &mut *step.inputs;
        let ledger = match payment.source {
            PaymentSource::Wallet => {
                Some(inputs.wallets.refund(user, amount, payment.id, at, &mut inputs.ids)?)
            }
            PaymentSource::Cash | PaymentSource::Card | PaymentSource::Gift => None,
        };
        let balance = ledger.as_ref().map(|entry| entry.balance);
        let refunded = order.refunded(&seats, amount, at, why.reason());
        let (schedule, reservation) = (refunded.schedule, refunded.clone());
        let (of, why) = (seats.clone(), why.clone());
        self.change(step, Event::Refunded(Refunded { reservation, seats: of, amount, at, ledger, why }));
        if is_called_off {
            // A server of before, which does not know that a performance can be called off, sells none of what the house keeps.
            let kept = HouseSeats { schedule, seats, note: None, by: None };
            self.change(step, Event::SeatsRestricted(kept));
        }
        Ok((refunded, balance))
    }
}

impl Sale {
    /// Whoever bought `from` gets `to`, and pays nothing. The ticket is another one, so that the door takes no old one for a
    /// seat that may be somebody else's by then.
    pub(super) fn move_seat(&mut self, step: &mut Step<'_>, asked: &Move<'_>) -> Result<Answer, Rejection> {
        let Move { order: id, from, to, keep, note, by } = *asked;
        if let Some(held) = self.reservations.held(id) {
            return Err(Rejection::ReservationInvalid { status: held.status });
        }
        let order = self.ended(step, id).ok_or(Rejection::ReservationNotFound)?;
        if order.status != ReservationStatus::Reserved || order.payment.is_none() {
            return Err(Rejection::ReservationInvalid { status: order.status });
        }
        let map = self.schedules.get(&order.schedule).ok_or(Rejection::ScheduleNotFound)?;
        if map.is_called_off() {
            return Err(Rejection::PerformanceCalledOff);
        }
        if !order.seats.contains(&from) {
            return Err(Rejection::SeatNotFound { seats: vec![from] });
        }
        let was_kept = match map.get(to).ok_or_else(|| Rejection::SeatNotFound { seats: vec![to] })? {
            SeatState::Available => false,
            SeatState::Restricted => true,
            SeatState::Held(_) | SeatState::Sold(_) => return Err(Rejection::SeatTaken { seats: vec![to] }),
        };
        if map.price(to) < map.price(from) {
            return Err(Rejection::SeatCheaper);
        }
        let paid = map.price_in(&order, from);
        let prices = map.prices_moved(&order, from, to);
        let (now, schedule) = (step.now.utc, order.schedule);
        let ticket = Ticket {
            id: step.inputs.ids.ticket(now),
            schedule,
            seat: to,
            price: (!prices.is_empty()).then_some(paid),
            code: step.inputs.ids.ticket_code().into(),
            cancelled_at: None,
            moved_from: Some(from),
            moved_to: None,
        };
        let reservation = order.moved(from, ticket, prices, now);
        if was_kept {
            self.change(step, Event::SeatsUnrestricted(HouseSeats::new(schedule, vec![to], note, by)));
        }
        let (note_of_move, actor) = (note.map(Box::from), by.clone());
        let moved =
            SeatMoved { reservation: reservation.clone(), from, to, at: now, note: note_of_move, by: actor };
        self.change(step, Event::SeatMoved(moved));
        if keep {
            self.change(step, Event::SeatsRestricted(HouseSeats::new(schedule, vec![from], note, by)));
        }
        Ok(Answer::Moved(reservation))
    }
}

/// The wish of a `move_seat`.
#[derive(Clone, Copy)]
pub(super) struct Move<'a> {
    pub order: ReservationId,
    pub from: SeatId,
    pub to: SeatId,
    pub keep: bool,
    pub note: Option<&'a str>,
    pub by: &'a Actor,
}

/// These seats of an order, each once, in ascending order.
fn asked_back(payment: &Payment, seats: &[SeatId]) -> Result<Vec<SeatId>, Rejection> {
    let mut asked = seats.to_vec();
    asked.sort_unstable();
    asked.dedup();
    let of = |seat: &SeatId| tickets_of(payment, *seat);
    let other: Vec<SeatId> = asked.iter().copied().filter(|seat| of(seat).next().is_none()).collect();
    if !other.is_empty() || asked.is_empty() {
        return Err(Rejection::SeatNotFound { seats: other });
    }
    let is_given = |seat: &SeatId| !of(seat).any(Ticket::is_valid);
    let given: Vec<SeatId> = asked.iter().copied().filter(is_given).collect();
    match given.iter().flat_map(of).filter_map(|ticket| ticket.cancelled_at).max() {
        Some(at) => Err(Rejection::AlreadyRefunded { at, seats: given }),
        None => Ok(asked),
    }
}

/// The tickets of a seat, without those that were exchanged for that of another one.
fn tickets_of(payment: &Payment, seat: SeatId) -> impl Iterator<Item = &Ticket> {
    payment.tickets.iter().filter(move |ticket| ticket.seat == seat && ticket.moved_to.is_none())
}
