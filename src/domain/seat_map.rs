//! The seats of one schedule, who has them, and what they cost.
//! Always: at most one reservation a seat; available + held + sold + restricted = seats; whoever holds seats pays what they
//! cost when they took them. Not here: money, admission, any clock.

use std::sync::Arc;

use super::best_seats::BestSeats;
use super::ids::{ReservationId, SeatId};
use super::record::{BestRequest, Reservation, ScheduleState};
use super::seat_plan::{Money, SeatPlan};
use super::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeatState {
    Available,
    Held(ReservationId),
    Sold(ReservationId),
    /// The house keeps it from sale.
    Restricted,
}

impl SeatState {
    /// Does a user have it?
    pub fn is_taken(self) -> bool {
        matches!(self, Self::Held(_) | Self::Sold(_))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct SeatMap {
    plan: Arc<SeatPlan>,
    /// What a free seat costs, by the plan's categories.
    prices: Vec<Money>,
    /// Does one of them differ from what the plan says?
    is_repriced: bool,
    /// UTC: when the performance starts, and selling ends.
    starts_at: Timestamp,
    state: ScheduleState,
    seats: Vec<SeatState>,
    available: u64,
    held: u64,
    sold: u64,
    restricted: u64,
    best: BestSeats,
}

impl SeatMap {
    /// All seats available, for the plan's prices.
    pub fn new(plan: Arc<SeatPlan>, starts_at: Timestamp, state: ScheduleState) -> Self {
        let count = plan.seats.len();
        Self {
            best: BestSeats::new(&plan),
            seats: vec![SeatState::Available; count],
            available: count as u64,
            held: 0,
            sold: 0,
            restricted: 0,
            prices: plan.prices(),
            is_repriced: false,
            plan,
            starts_at,
            state,
        }
    }

    pub fn plan(&self) -> &Arc<SeatPlan> {
        &self.plan
    }

    pub fn starts_at(&self) -> Timestamp {
        self.starts_at
    }

    pub(super) fn set_starts_at(&mut self, starts_at: Timestamp) {
        self.starts_at = starts_at;
    }

    pub fn state(&self) -> ScheduleState {
        self.state
    }

    pub(super) fn set_state(&mut self, state: ScheduleState) {
        self.state = state;
    }

    pub fn is_called_off(&self) -> bool {
        self.state == ScheduleState::CalledOff
    }

    pub fn len(&self) -> u64 {
        self.seats.len() as u64
    }

    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    pub fn available(&self) -> u64 {
        self.available
    }

    pub fn held(&self) -> u64 {
        self.held
    }

    pub fn sold(&self) -> u64 {
        self.sold
    }

    pub fn restricted(&self) -> u64 {
        self.restricted
    }

    /// All seats but those that the house keeps.
    pub fn for_sale(&self) -> u64 {
        self.len() - self.restricted
    }

    /// `None`: there is no such seat.
    pub fn get(&self, seat: SeatId) -> Option<SeatState> {
        self.seats.get(seat.0 as usize).copied()
    }

    /// Changes a seat and gives back what it was.
    ///
    /// # Panics
    /// If there is no such seat: the caller has looked.
    pub fn set(&mut self, seat: SeatId, state: SeatState) -> SeatState {
        let former = std::mem::replace(&mut self.seats[seat.0 as usize], state);
        *self.count(former) -= 1;
        *self.count(state) += 1;
        match (former == SeatState::Available, state == SeatState::Available) {
            (true, false) => self.best.take(&self.plan, seat),
            (false, true) => self.best.free(&self.plan, seat),
            _ => {}
        }
        former
    }

    /// What a free seat costs, by the plan's categories.
    pub fn prices(&self) -> &[Money] {
        &self.prices
    }

    /// Changes what free seats of some categories cost, and gives back what they did.
    ///
    /// # Panics
    /// If there is no such category: the caller has looked.
    pub fn set_prices(&mut self, prices: &[(u16, Money)]) -> Vec<(u16, Money)> {
        let set = |&(category, price)| {
            (category, std::mem::replace(&mut self.prices[usize::from(category)], price))
        };
        let before = prices.iter().map(set).collect();
        self.is_repriced = self.prices != self.plan.prices();
        before
    }

    /// What this seat costs whoever takes it now.
    pub fn price(&self, seat: SeatId) -> Money {
        self.prices[usize::from(self.plan.seats[seat.0 as usize].category)]
    }

    /// What this seat costs in an order that has it.
    pub fn price_in(&self, of: &Reservation, seat: SeatId) -> Money {
        of.price(seat).unwrap_or_else(|| self.plan.price(seat.0 as usize))
    }

    /// The sum of the prices of these seats of an order.
    pub fn amount_in(&self, of: &Reservation, seats: &[SeatId]) -> Money {
        seats.iter().map(|seat| self.price_in(of, *seat)).sum()
    }

    /// What each seat of an order costs once `from` has become `to`, by the new order of its seats, if that has to be written.
    pub fn prices_moved(&self, of: &Reservation, from: SeatId, to: SeatId) -> Vec<Money> {
        let same = of.prices.is_empty() && self.plan.price(to.0 as usize) == self.price_in(of, from);
        if same {
            return Vec::new();
        }
        let seat = |seat: SeatId| if seat == from { to } else { seat };
        let mut priced: Vec<_> =
            of.seats.iter().map(|of_it| (seat(*of_it), self.price_in(of, *of_it))).collect();
        priced.sort_unstable();
        priced.into_iter().map(|(_, price)| price).collect()
    }

    /// Adds free seats to an order, for what they cost now, and gives their prices. What the seats of an order cost is
    /// written to it as soon as one was taken for another price than it was imported with.
    pub fn add_to(
        &self,
        reservation: &mut Reservation,
        seats: &[SeatId],
        request: Option<BestRequest>,
    ) -> Vec<Money> {
        let prices: Vec<Money> = seats.iter().map(|seat| self.price(*seat)).collect();
        let is_written = self.is_repriced || !reservation.prices.is_empty();
        if is_written && reservation.prices.is_empty() {
            let imported = reservation.seats.iter().map(|seat| self.plan.price(seat.0 as usize));
            reservation.prices = imported.collect();
        }
        reservation.add(seats, if is_written { &prices } else { &[] }, request);
        reservation.amount += prices.iter().sum::<Money>();
        prices
    }

    /// The `count` available seats that are together and nearest to the stage, in a category or anywhere, none of them
    /// dearer than `max_price` or among `except`, which is in ascending order.
    pub fn best(
        &self,
        count: u32,
        category: Option<u16>,
        max_price: Option<Money>,
        except: &[SeatId],
    ) -> Option<Vec<SeatId>> {
        let free = |seat: SeatId| {
            self.seats[seat.0 as usize] == SeatState::Available
                && max_price.is_none_or(|max| self.price(seat) <= max)
                && (except.is_empty() || except.binary_search(&seat).is_err())
        };
        (1..=self.available)
            .contains(&u64::from(count))
            .then(|| self.best.find(&self.plan, count as usize, category, free))?
    }

    /// Proves what the head of this file says.
    pub fn check(&self) {
        let count = |kind: fn(&SeatState) -> bool| self.seats.iter().filter(|s| kind(s)).count() as u64;
        assert_eq!(self.available, count(|s| *s == SeatState::Available), "available seats");
        assert_eq!(self.held, count(|s| matches!(s, SeatState::Held(_))), "held seats");
        assert_eq!(self.sold, count(|s| matches!(s, SeatState::Sold(_))), "sold seats");
        assert_eq!(self.restricted, count(|s| *s == SeatState::Restricted), "seats that the house keeps");
        let all = self.available + self.held + self.sold + self.restricted;
        assert_eq!(all, self.len(), "every seat is in one state");
        let free = |seat: SeatId| self.seats[seat.0 as usize] == SeatState::Available;
        self.best.check(&self.plan, free);
    }

    fn count(&mut self, state: SeatState) -> &mut u64 {
        match state {
            SeatState::Available => &mut self.available,
            SeatState::Held(_) => &mut self.held,
            SeatState::Sold(_) => &mut self.sold,
            SeatState::Restricted => &mut self.restricted,
        }
    }
}
