//! Orders that operators look for, and what became of one: from its rows, and in the order of its sale's journal.
//!
//! Always: a journal is read in pieces, a few journals at a time, so that fans hardly notice. Not here: rows that were moved into
//! files, which `frontrow history` reads.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use frontrow_protocol::ErrorObject;
use frontrow_protocol::limits::{ORDER_EVENTS_MAX, USERS_FOUND_MAX};
use frontrow_protocol::ops::order_life::{self as wire, OrderEvent, OrderLife, SeatLabel};
use frontrow_protocol::ops::who::LogWho;
use frontrow_protocol::result::ReservedSeat;

use crate::desk::Context;
use crate::desk::translate::{self, time};
use crate::dispatcher::Rows;
use crate::domain::actor::{Actor, Who};
use crate::domain::event::RefundWhy;
use crate::domain::ids::{ConcertId, OperatorId, ReservationId, ScheduleId, SeatId, UserId};
use crate::domain::record::{Reservation, ReservationStatus};
use crate::domain::time::Timestamp;
use crate::limits;
use crate::store::box_office::{FoundOrder, OrdersOf};
use crate::store::journal::{Entry, SeatsChange, SeatsEntry};
use crate::store::operators::OperatorRecord;
use crate::store::{BoxOffice, JournalRow};

/// The one way in which orders are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    Order(ReservationId),
    /// A ticket's code, as somebody typed it.
    Ticket(String),
    User(UserId),
    /// The beginning of a user's name.
    Name(String),
    Concert(ConcertId),
    /// A seat by its label: whoever has it or had it.
    Seat(ScheduleId, String),
}

/// Which of the orders that were found are shown.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Only older ones than this.
    pub before: Option<ReservationId>,
    pub limit: u32,
}

impl Context {
    /// What the store has for the box office.
    pub fn box_office(&self) -> Result<&dyn BoxOffice, ErrorObject> {
        self.store.box_office().ok_or_else(ErrorObject::internal)
    }

    pub async fn find_orders(&self, sought: &Sought, page: Page) -> Result<wire::FoundOrders, ErrorObject> {
        let Page { before, limit } = page;
        let mut users = Vec::new();
        let found = match sought {
            Sought::Order(id) => self.orders_by_ids([*id]).await?,
            Sought::Ticket(code) => {
                let ids = self.read(self.box_office()?.orders_of_code(&code_of(code))).await?;
                self.orders_by_ids(ids).await?
            }
            Sought::User(user) => self.orders_of(OrdersOf::User(*user), page).await?,
            Sought::Name(beginning) => {
                let box_office = self.box_office()?;
                let named = || box_office.users_named(beginning, USERS_FOUND_MAX);
                users = self.read_confirmed(Rows::All, named).await?;
                match users.as_slice() {
                    [(user, _)] => self.orders_of(OrdersOf::User(*user), page).await?,
                    _ => Vec::new(),
                }
            }
            Sought::Concert(concert) => self.orders_of(OrdersOf::Concert(*concert), page).await?,
            Sought::Seat(schedule, label) => {
                let ids = self.holders(*schedule, label, before, limit as usize + 1).await?;
                self.orders_by_ids(ids).await?
            }
        };
        let is_more = found.len() > limit as usize;
        let orders: Vec<_> = found.iter().take(limit as usize).map(|order| self.shown(order)).collect();
        let next = orders.last().filter(|_| is_more).map(|order| order.reservation_id);
        let user = |(id, name): (UserId, String)| wire::FoundUser { user_id: id.0, name };
        Ok(wire::FoundOrders { orders, users: users.into_iter().map(user).collect(), next })
    }

    /// A page, and one more if there are more.
    async fn orders_of(&self, of: OrdersOf, page: Page) -> Result<Vec<FoundOrder>, ErrorObject> {
        let (box_office, Page { before, limit }) = (self.box_office()?, page);
        let rows = match of {
            OrdersOf::One(id) => id.concert().map_or(Rows::All, Rows::OfSale),
            OrdersOf::User(user) => Rows::OfUser(user),
            OrdersOf::Concert(concert) => Rows::OfSale(concert),
        };
        self.read_confirmed(rows, || box_office.orders_of(of, before, limit + 1)).await
    }

    async fn orders_by_ids(
        &self,
        ids: impl IntoIterator<Item = ReservationId>,
    ) -> Result<Vec<FoundOrder>, ErrorObject> {
        let mut found = Vec::new();
        for id in ids {
            found.append(&mut self.orders_of(OrdersOf::One(id), Page { before: None, limit: 0 }).await?);
        }
        Ok(found)
    }

    /// Whoever has or had a seat, the newest first, and no more than `max`.
    async fn holders(
        &self,
        schedule: ScheduleId,
        label: &str,
        before: Option<ReservationId>,
        max: usize,
    ) -> Result<Vec<ReservationId>, ErrorObject> {
        let view = self.woken_sale_of_schedule(schedule).await?;
        let topic = view.topic(schedule).ok_or_else(ErrorObject::schedule_not_found)?;
        let labels = &topic.layout().seats.label;
        let seat = labels.iter().position(|known| known == label).map(|seat| SeatId(seat as u32));
        let seat = seat.ok_or_else(|| {
            ErrorObject::invalid_params(
                Some("seat"),
                &format!("no seat of this performance is called {label:?}"),
            )
        })?;
        // Ids ascend with time, so the newest are the last.
        let mut holders = BTreeSet::new();
        let take = |row: JournalRow| {
            for entry in &row.events {
                if let Entry::Seats(of) = entry
                    && of.schedule == schedule
                    && of.seats.contains(&seat)
                    && before.is_none_or(|before| of.reservation < before)
                {
                    holders.insert(of.reservation);
                    if holders.len() > max {
                        holders.pop_first();
                    }
                }
            }
        };
        self.read_journal(view.id(), take).await?;
        Ok(holders.into_iter().rev().collect())
    }

    /// An order's whole life.
    pub async fn order_life(&self, id: ReservationId) -> Result<OrderLife, ErrorObject> {
        let box_office = self.box_office()?;
        let found = self.orders_by_ids([id]).await?.pop();
        let found = found.ok_or_else(ErrorObject::reservation_not_found)?;
        let tickets = self.read(box_office.tickets_of_order(id)).await?;
        let operators = self.read(self.operators()?.operators()).await?;
        let mut story = Story::of(&found.reservation, &operators);
        let concert = found.reservation.concert;
        let beginning_archived = self.read_journal(concert, |row| story.take(&row)).await?;

        let mut order = self.shown(&found);
        let mut labels: BTreeMap<u32, String> = BTreeMap::new();
        labels.extend(tickets.iter().map(|of| (of.ticket.seat.0, of.label.clone())));
        let plan = self.fanout.sale_of_schedule(found.reservation.schedule);
        let plan = plan.and_then(|view| view.plan(found.reservation.schedule));
        for seat in story.seats() {
            if labels.contains_key(&seat.0) {
                continue;
            }
            let planned = plan.as_ref().and_then(|plan| plan.seats.get(seat.0 as usize));
            let label = match planned {
                Some(planned) => Some(planned.label.to_string()),
                // The sale does not run here.
                None => self.read(self.store.seat_label(concert, found.reservation.schedule, seat)).await?,
            };
            labels.extend(label.map(|label| (seat.0, label)));
        }
        for seat in order.seats.iter_mut().filter(|seat| seat.category.is_empty()) {
            if let Some(label) = labels.get(&seat.seat) {
                seat.label.clone_from(label);
            }
        }
        let ticket = |of: &crate::store::box_office::OrderTicket| wire::OrderTicket {
            ticket_id: of.ticket.id.0,
            seat: of.ticket.seat.0,
            label: of.label.clone(),
            code: of.ticket.code.to_string(),
            valid: of.ticket.is_valid(),
        };
        Ok(OrderLife {
            order,
            tickets: tickets.iter().map(ticket).collect(),
            left_out: story.left_out,
            events: story.events.into_iter().collect(),
            labels: labels.into_iter().map(|(seat, label)| SeatLabel { seat, label }).collect(),
            beginning_archived,
        })
    }

    /// Gives every row of a sale's journal that is in the database, in their order, and says whether older ones were moved
    /// into files.
    async fn read_journal(
        &self,
        concert: ConcertId,
        mut take: impl FnMut(JournalRow) + Send,
    ) -> Result<bool, ErrorObject> {
        let _turn = self.journals_at_work.acquire().await.map_err(|_| ErrorObject::internal())?;
        let (mut next, mut archived) = (0, false);
        loop {
            let rows = self.read(self.store.journal(concert, next, limits::JOURNAL_ROWS_AT_ONCE)).await?;
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(archived) };
            archived |= first.seq > next;
            next = last.seq + 1;
            rows.into_iter().for_each(&mut take);
        }
    }

    fn shown(&self, of: &FoundOrder) -> wire::FoundOrder {
        let order = &of.reservation;
        let view = self.fanout.sale_of_schedule(order.schedule);
        let plan = view.and_then(|view| view.plan(order.schedule));
        let called = |(at, seat): (usize, &SeatId)| match of.seats.get(at) {
            Some((label, category, price)) => ReservedSeat {
                seat: seat.0,
                label: label.clone(),
                category: category.clone(),
                price: order.price(*seat).unwrap_or(*price),
            },
            None => translate::reserved_seat(plan.as_deref(), *seat, order.price(*seat)),
        };
        let is_over = matches!(order.status, ReservationStatus::Expired | ReservationStatus::Cancelled);
        wire::FoundOrder {
            reservation_id: order.id.0,
            concert_id: order.concert.0,
            title: of.title.clone(),
            schedule_id: order.schedule.0,
            starts_at: time(of.starts_at),
            time_zone: of.time_zone.clone(),
            state: translate::schedule_state(of.state),
            user_id: order.user.0,
            name: of.name.clone(),
            status: translate::reservation_status(order.status),
            amount: order.amount,
            currency: of.currency.clone(),
            opened_at: time(order.opened_at),
            ended_at: order.ended_at.filter(|_| is_over).map(time),
            payment: order.payment.as_ref().map(|payment| wire::FoundPayment {
                payment_id: payment.id.0,
                source: translate::payment_source(payment.source),
                at: time(payment.at),
                amount: payment.amount,
                refunded: payment.refunded,
                reason: payment.refund_reason.as_deref().map(str::to_owned),
            }),
            seats: order.seats.iter().enumerate().map(called).collect(),
        }
    }
}

/// A code as it is stored: its letters are capitals, and those that look like digits are none.
fn code_of(typed: &str) -> String {
    let kept = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
    kept.map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    })
    .collect()
}

/// What a journal tells of one order.
struct Story<'a> {
    order: ReservationId,
    schedule: ScheduleId,
    operators: HashMap<OperatorId, &'a OperatorRecord>,
    /// Every seat that it ever had, as far as the journal was read.
    seats: BTreeSet<SeatId>,
    /// The order is there from here on.
    begun: bool,
    events: VecDeque<OrderEvent>,
    left_out: u64,
}

impl<'a> Story<'a> {
    fn of(order: &Reservation, operators: &'a [OperatorRecord]) -> Self {
        Self {
            order: order.id,
            schedule: order.schedule,
            operators: operators.iter().map(|operator| (operator.id, operator)).collect(),
            seats: order.seats.iter().copied().collect(),
            begun: false,
            events: VecDeque::new(),
            left_out: 0,
        }
    }

    /// Every seat that the events are about.
    fn seats(&self) -> BTreeSet<SeatId> {
        let named = self.events.iter().flat_map(|event| event.seats.iter().copied().map(SeatId));
        named.chain(self.seats.iter().copied()).collect()
    }

    fn take(&mut self, row: &JournalRow) {
        for entry in &row.events {
            let Some(event) = self.event(row.at, entry) else { continue };
            if self.events.len() == ORDER_EVENTS_MAX {
                let own = Some(self.order.0);
                let oldest = self.events.iter().position(|event| event.reservation_id != own);
                self.events.remove(oldest.unwrap_or(0));
                self.left_out += 1;
            }
            self.events.push_back(event);
        }
    }

    fn event(&mut self, at: Timestamp, entry: &Entry) -> Option<OrderEvent> {
        match entry {
            Entry::Seats(of) if of.reservation == self.order => {
                self.begun = true;
                self.seats.extend(&of.seats);
                Some(self.change(at, of))
            }
            Entry::Seats(of)
                if self.is_about(of.schedule) && of.seats.iter().any(|s| self.seats.contains(s)) =>
            {
                let mut event = self.change(at, of);
                event.seats = self.own(&of.seats);
                // What others paid and have is nobody's business.
                (event.amount, event.balance) = (None, None);
                Some(event)
            }
            Entry::Restrict(of) | Entry::Unrestrict(of) if self.is_about(of.schedule) => {
                let seats = self.own(&of.seats);
                let what = if matches!(entry, Entry::Restrict(_)) { "keep" } else { "open" };
                let by = of.by.as_ref().map(|by| self.who(by));
                let reason = of.note.as_deref().map(str::to_owned);
                (!seats.is_empty()).then(|| OrderEvent { seats, by, reason, ..event(at, what) })
            }
            Entry::Postpone(of) if self.is_about(of.schedule) => Some(OrderEvent {
                by: Some(self.who(&of.by)),
                reason: of.reason.as_deref().map(str::to_owned),
                before: Some(time(of.before)),
                until: Some(time(of.after)),
                ..event(at, "postpone")
            }),
            Entry::CallOff(of) if self.is_about(of.schedule) => Some(OrderEvent {
                by: Some(self.who(&of.by)),
                reason: Some(of.reason.to_string()),
                ..event(at, "calloff")
            }),
            _ => None,
        }
    }

    fn is_about(&self, schedule: ScheduleId) -> bool {
        self.begun && schedule == self.schedule
    }

    /// The order's seats among these.
    fn own(&self, seats: &[SeatId]) -> Vec<u32> {
        seats.iter().filter(|seat| self.seats.contains(seat)).map(|seat| seat.0).collect()
    }

    fn change(&self, at: Timestamp, of: &SeatsEntry) -> OrderEvent {
        let earlier = |late: &Option<i64>| at.shifted(-late.unwrap_or(0));
        let told = match &of.change {
            SeatsChange::Hold { expires_at, late, taken } => OrderEvent {
                until: Some(time(*expires_at)),
                amount: taken.as_ref().map(|taken| taken.prices.iter().sum()),
                ..event(earlier(late), "hold")
            },
            SeatsChange::Add { taken } => OrderEvent {
                amount: taken.as_ref().map(|taken| taken.prices.iter().sum()),
                ..event(at, "add")
            },
            SeatsChange::Release { .. } => event(at, "release"),
            SeatsChange::Lapse { why, late } => {
                OrderEvent { why: Some(why.clone()), ..event(earlier(late), "lapse") }
            }
            SeatsChange::Pay { amount, late, payment } => OrderEvent {
                amount: Some(*amount),
                balance: payment.as_ref().map(|paid| paid.ledger.balance),
                ..event(earlier(late), "pay")
            },
            SeatsChange::Sell { prices, late, source, note, by, .. } => OrderEvent {
                amount: Some(prices.iter().sum()),
                why: Some(translate::source_word(*source).to_owned()),
                reason: note.as_deref().map(str::to_owned),
                by: Some(self.who(by)),
                ..event(earlier(&Some(*late)), "sell")
            },
            SeatsChange::Refund { amount, late, ledger, why, is_all } => {
                let (word, reason, by) = match why {
                    RefundWhy::Cancelled => ("cancelled", None, None),
                    RefundWhy::CalledOff => ("called_off", None, None),
                    RefundWhy::Operator { reason, by } => {
                        ("operator", Some(reason.to_string()), Some(self.who(by)))
                    }
                };
                OrderEvent {
                    amount: Some(*amount),
                    balance: ledger.map(|ledger| ledger.balance),
                    why: Some(word.to_owned()),
                    reason,
                    by,
                    ..event(earlier(late), if *is_all { "refund" } else { "refund_seats" })
                }
            }
            SeatsChange::Move { late, note, by, .. } => OrderEvent {
                reason: note.as_deref().map(str::to_owned),
                by: Some(self.who(by)),
                ..event(earlier(&Some(*late)), "move")
            },
        };
        OrderEvent {
            reservation_id: Some(of.reservation.0),
            user_id: Some(of.user.0),
            seats: of.seats.iter().map(|seat| seat.0).collect(),
            ..told
        }
    }

    /// An operator by the name and role of today: the journal has neither.
    fn who(&self, by: &Actor) -> LogWho {
        match by.who {
            Who::Operator(id) => {
                let known = self.operators.get(&id);
                let (name, role) = (known.map(|of| of.name.clone()), known.map(|of| of.role));
                LogWho { operator_id: Some(id.0), name, role, user_id: None }
            }
            Who::User(user) => LogWho { user_id: Some(user.0), ..LogWho::default() },
            Who::Unnamed => LogWho::default(),
        }
    }
}

fn event(at: Timestamp, what: &str) -> OrderEvent {
    OrderEvent {
        at: time(at),
        what: what.to_owned(),
        reservation_id: None,
        user_id: None,
        seats: Vec::new(),
        amount: None,
        balance: None,
        why: None,
        reason: None,
        by: None,
        until: None,
        before: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_typed() {
        for (typed, code) in
            [("4ZK9 07QH-2M6X 8TBD", "4ZK907QH2M6X8TBD"), ("oil0", "0110"), (" a-b ", "AB"), ("", "")]
        {
            assert_eq!(code_of(typed), code);
        }
    }
}
