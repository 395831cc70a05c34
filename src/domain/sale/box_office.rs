//! What the box office does for somebody who stands there: it sells them seats, or gives them away, at once and without a place
//! in line.
//!
//! Always: all of the seats or none; never what a fan holds or bought; one order for each user, who is made for it, so that a
//! call that is repeated sells nothing twice. Not here: the money, which an operator took or the terminal has.

use super::booking::within_money;
use super::{Sale, Step};
use crate::domain::actor::Actor;
use crate::domain::command::{Answer, Rejection, Seen};
use crate::domain::event::{Event, HouseSeats, SoldAtDesk};
use crate::domain::ids::{ScheduleId, SeatId, UserId};
use crate::domain::record::{
    Payment, PaymentSource, PaymentStatus, Reservation, ReservationStatus, SaleState, Ticket,
};
use crate::domain::seat_map::{SeatMap, SeatState};
use crate::domain::seat_plan::Money;

/// The wish of a `sell_at_desk`.
#[derive(Clone, Copy)]
pub(super) struct DeskSale<'a> {
    pub user: UserId,
    pub schedule: ScheduleId,
    pub seats: &'a [SeatId],
    pub source: PaymentSource,
    /// What the operator saw that it costs.
    pub amount: Option<Money>,
    pub note: Option<&'a str>,
    pub by: &'a Actor,
}

impl Sale {
    /// A repeated request comes first; then the sale, the performance, the seats, and what they cost.
    pub(super) fn sell_at_desk(
        &mut self,
        step: &mut Step<'_>,
        asked: &DeskSale<'_>,
    ) -> Result<Answer, Rejection> {
        let DeskSale { user, schedule, source, note, by, .. } = *asked;
        let known = self.reservations.at_desk(user);
        if let Some(known) = known.or_else(|| step.inputs.ended.desk_orders.get(&(self.concert, user))) {
            return match is_it(known, asked) {
                true => Ok(Answer::SoldAtDesk { order: known.clone(), created: false }),
                false => Err(Rejection::RequestIdReused),
            };
        }
        self.is_at_desk(source)?;
        let (map, seats) = self.named(schedule, asked.seats)?;
        if map.is_called_off() {
            return Err(Rejection::PerformanceCalledOff);
        }
        if map.starts_at() <= step.now.utc {
            return Err(Rejection::PerformanceBegun);
        }
        let those = |is: fn(SeatState) -> bool| -> Vec<SeatId> {
            seats.iter().copied().filter(|seat| map.get(*seat).is_some_and(is)).collect()
        };
        let taken = those(SeatState::is_taken);
        if !taken.is_empty() {
            return Err(Rejection::SeatTaken { seats: taken });
        }
        within_money(map, None, &seats)?;
        let price = |seat: &SeatId| if source == PaymentSource::Gift { 0 } else { map.price(*seat) };
        let prices: Vec<Money> = seats.iter().map(price).collect();
        let amount: Money = prices.iter().sum();
        if asked.amount.is_some_and(|seen| seen != amount) {
            return Err(Rejection::ChangedMeanwhile {
                is: Box::new(Seen::Prices(schedule, prices_of(map, &seats))),
                changed: None,
            });
        }
        let kept = those(|state| state == SeatState::Restricted);
        let reservation = self.order_at_desk(step, asked, (seats, prices, amount));
        if !kept.is_empty() {
            self.change(step, Event::SeatsUnrestricted(HouseSeats::new(schedule, kept, note, by)));
        }
        let sold = SoldAtDesk { reservation: reservation.clone(), note: note.map(Box::from), by: by.clone() };
        self.change(step, Event::SoldAtDesk(sold));
        Ok(Answer::SoldAtDesk { order: reservation, created: true })
    }

    /// Does the box office do this now? While a sale is closed it goes on selling what is left, as the line is gone; before it
    /// opens nobody is served before those who wait. What the house gives away is its own business at any time.
    fn is_at_desk(&self, source: PaymentSource) -> Result<(), Rejection> {
        if !self.sells {
            return Err(Rejection::OtherCurrency);
        }
        match (source, self.settings.state) {
            // Who pays from a wallet has a place in line.
            (PaymentSource::Wallet, _) => Err(Rejection::NotInQueue),
            (PaymentSource::Gift, _) | (_, SaleState::Open | SaleState::Closed) => Ok(()),
            (_, SaleState::Scheduled) => Err(Rejection::SaleNotOpen { opens_at: self.settings.opens_at }),
            (_, SaleState::Paused) => Err(Rejection::SalePaused),
        }
    }

    fn order_at_desk(
        &self,
        step: &mut Step<'_>,
        asked: &DeskSale<'_>,
        (seats, prices, amount): (Vec<SeatId>, Vec<Money>, Money),
    ) -> Reservation {
        let (at, ids, schedule) = (step.now.utc, &mut step.inputs.ids, asked.schedule);
        let id = ids.reservation(self.concert, at);
        let payment = ids.payment(at);
        let tickets = seats.iter().zip(&prices).map(|(seat, price)| Ticket {
            id: ids.ticket(at),
            schedule,
            seat: *seat,
            price: Some(*price),
            code: ids.ticket_code().into(),
            cancelled_at: None,
            moved_from: None,
            moved_to: None,
        });
        let payment = Payment {
            id: payment,
            reservation: id,
            user: asked.user,
            source: asked.source,
            amount,
            status: PaymentStatus::Done,
            at,
            refunded: 0,
            refund_reason: None,
            tickets: tickets.collect(),
        };
        Reservation {
            id,
            concert: self.concert,
            schedule,
            user: asked.user,
            status: ReservationStatus::Reserved,
            seats,
            prices,
            amount,
            opened_at: at,
            expires_at: step.now.sale,
            ended_at: Some(at),
            best_requests: Vec::new(),
            guest_of: None,
            payment: Some(payment),
        }
    }
}

/// Is this the order that the request led to before, whatever became of it since?
fn is_it(order: &Reservation, asked: &DeskSale<'_>) -> bool {
    let Some(payment) = &order.payment else { return false };
    let first = payment.tickets.iter().filter(|ticket| ticket.moved_from.is_none()).map(|ticket| ticket.seat);
    let (mut first, mut wanted): (Vec<_>, Vec<_>) = (first.collect(), asked.seats.to_vec());
    first.sort_unstable();
    wanted.sort_unstable();
    wanted.dedup();
    (order.schedule, payment.source, first) == (asked.schedule, asked.source, wanted)
}

/// What free seats of these seats' categories cost.
fn prices_of(map: &SeatMap, seats: &[SeatId]) -> Vec<(Box<str>, Money)> {
    let plan = map.plan();
    let mut categories: Vec<_> = seats.iter().map(|seat| plan.seats[seat.0 as usize].category).collect();
    categories.sort_unstable();
    categories.dedup();
    let of = |category: u16| {
        let category = usize::from(category);
        (plan.categories[category].name.clone(), map.prices()[category])
    };
    categories.into_iter().map(of).collect()
}
