//! Paid orders that are given back by the house. Each once, to its owner's wallet.

use super::{Sale, Step};
use crate::domain::command::{Answer, Rejection};
use crate::domain::event::{Event, HouseSeats, RefundWhy};
use crate::domain::ids::{ReservationId, UserId};
use crate::domain::record::{Reservation, ReservationStatus};
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
            match self.refund_one(step, *id, *user, why) {
                Ok(refunded) => done.push(refunded),
                Err(rejection) => left.push((*id, rejection)),
            }
        }
        Answer::Refunded { done, left }
    }

    fn refund_one(
        &mut self,
        step: &mut Step<'_>,
        id: ReservationId,
        user: UserId,
        why: &RefundWhy,
    ) -> Result<(Reservation, Money), Rejection> {
        if let Some(held) = self.reservations.held(id) {
            return Err(Rejection::ReservationInvalid { status: held.status });
        }
        let order = self.ended(step, id).filter(|order| order.user == user);
        let order = order.ok_or(Rejection::ReservationNotFound)?;
        let status = order.status;
        let Some(payment) = order.payment.as_ref().map(|payment| (payment.amount, payment.id)) else {
            return Err(Rejection::ReservationInvalid { status });
        };
        match (status, order.ended_at) {
            (ReservationStatus::Reserved, _) => {}
            (ReservationStatus::Cancelled, Some(at)) => return Err(Rejection::AlreadyRefunded { at }),
            _ => return Err(Rejection::ReservationInvalid { status }),
        }
        let map = self.schedules.get(&order.schedule).ok_or(Rejection::ScheduleNotFound)?;
        let is_called_off = map.is_called_off();
        // What the house gives back without an operator follows from what was called off.
        if why.by().is_none() && !is_called_off {
            return Err(Rejection::ReservationInvalid { status });
        }
        let (now, (amount, payment)) = (step.now, payment);
        let inputs = &mut *step.inputs;
        let ledger = inputs.wallets.refund(user, amount, payment, now.utc, &mut inputs.ids)?;
        let balance = ledger.balance;
        let refunded = order.refunded(now.utc, why.reason());
        let (schedule, seats) = (refunded.schedule, refunded.seats.clone());
        self.change(step, Event::Refunded { reservation: refunded.clone(), ledger, why: why.clone() });
        if is_called_off {
            // A server of before, which does not know that a performance can be called off, sells none of what the house keeps.
            let kept = HouseSeats { schedule, seats, note: None, by: None };
            self.change(step, Event::SeatsRestricted(kept));
        }
        Ok((refunded, balance))
    }
}
