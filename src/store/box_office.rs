//! Reads for the box office: orders that are looked for, and lists of a concert, a page at a time.
//!
//! Always: each page is found by a key or an index, and has its bound. A list is not one view of the database: its pages follow
//! each other by a key that never changes, so each row is in it once, as it was when its page was read.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::SqlSafeStr;

use super::backend::{Backend, close};
use super::columns::{Bind, Cells, known, read_ledger, read_reservation, read_source, read_ticket};
use super::query::{self, Link, numbers};
use super::segments::reservations_of_user;
use super::{ConcertRecord, StoreError, columns, words};
use crate::domain::ids::{ConcertId, PaymentId, ReservationId, ScheduleId, SeatId, TicketId, UserId};
use crate::domain::record::{
    LedgerEntry, LedgerKind, Payment, PaymentSource, PaymentStatus, Reservation, ScheduleState, Ticket,
};
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;

/// A reservation, whose it is and what it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundOrder {
    /// Without the tickets of its payment.
    pub reservation: Reservation,
    /// The user's.
    pub name: String,
    pub title: String,
    pub currency: String,
    pub starts_at: Timestamp,
    pub time_zone: Option<String>,
    /// Of the performance.
    pub state: ScheduleState,
    /// The label, category and imported price of each of its seats, as far as it was ever paid; else they are not looked up.
    pub seats: Vec<(String, String, Money)>,
}

/// Which orders are asked for.
#[derive(Clone, Copy, Debug)]
pub enum OrdersOf {
    One(ReservationId),
    User(UserId),
    Concert(ConcertId),
}

/// A ticket, and whom and what it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedTicket {
    pub ticket: Ticket,
    pub reservation: ReservationId,
    pub user: UserId,
    pub name: String,
    pub label: String,
    pub category: String,
    pub price: Money,
    pub starts_at: Timestamp,
}

/// A paid order of a performance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoldOrder {
    pub order: ReservationId,
    pub source: PaymentSource,
    pub seats: u32,
    /// What was paid and not given back.
    pub amount: Money,
}

/// A ticket of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderTicket {
    pub ticket: Ticket,
    pub label: String,
}

/// Money that came or went for an order.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedMoney {
    pub payment: PaymentId,
    pub reservation: ReservationId,
    pub user: UserId,
    pub source: PaymentSource,
    /// UTC.
    pub at: Timestamp,
    pub kind: LedgerKind,
    /// Negative when it was paid, as the wallet sees it.
    pub change: Money,
}

#[async_trait]
pub trait BoxOffice: Send + Sync {
    /// Orders, paid or not, newest first, from the one behind `before` on.
    async fn orders_of(
        &self,
        of: OrdersOf,
        before: Option<ReservationId>,
        max: u32,
    ) -> Result<Vec<FoundOrder>, StoreError>;

    /// The orders of a ticket's code, whatever became of them.
    async fn orders_of_code(&self, code: &str) -> Result<Vec<ReservationId>, StoreError>;

    /// Users whose names begin so, by name.
    async fn users_named(&self, beginning: &str, max: u32) -> Result<Vec<(UserId, String)>, StoreError>;

    /// The tickets of an order, valid and void, by seat.
    async fn tickets_of_order(&self, order: ReservationId) -> Result<Vec<OrderTicket>, StoreError>;

    async fn concert_record(&self, concert: ConcertId) -> Result<Option<ConcertRecord>, StoreError>;

    /// Orders of a concert that were ever paid, by their ids, from the one behind `after` on.
    async fn paid_orders(
        &self,
        concert: ConcertId,
        after: Option<ReservationId>,
        max: u32,
    ) -> Result<Vec<FoundOrder>, StoreError>;

    /// Paid orders of a performance, by their ids, from the one behind `after` on.
    async fn sold_orders(
        &self,
        concert: ConcertId,
        schedule: ScheduleId,
        after: Option<ReservationId>,
        max: u32,
    ) -> Result<Vec<SoldOrder>, StoreError>;

    /// Tickets of a concert, valid and void, by their ids, from the one behind `after` on.
    async fn tickets_of(
        &self,
        concert: ConcertId,
        after: Option<TicketId>,
        max: u32,
    ) -> Result<Vec<ListedTicket>, StoreError>;

    /// The money of a concert's orders, in the order of these, from the one behind `after` on, and the last order that was
    /// looked at; `None` where there was none.
    async fn money_of(
        &self,
        concert: ConcertId,
        after: Option<ReservationId>,
        orders_max: u32,
    ) -> Result<(Vec<ListedMoney>, Option<ReservationId>), StoreError>;
}

/// Joined from the left alone, so that every planner begins with the table whose index is meant. What is of rehearsals is nobody's
/// order.
macro_rules! found {
    ($from:literal, $which:literal) => {
        concat!(
            "SELECT r.concert_id, r.reservation_id, r.schedule_id, r.user_id, r.status, r.seats, r.amount, r.opened_at, \
               r.expires_at, r.ended_at, r.best_requests, r.guest_of, r.prices, u.name, c.title, c.currency, c.time_zone, p.starts_at, \
               p.state, y.payment_id, y.amount AS paid, y.status AS payment_status, y.at AS paid_at, y.refunded, \
               y.refund_reason, y.source FROM ",
            $from,
            " LEFT JOIN users u ON u.user_id = r.user_id \
             LEFT JOIN concert c ON c.concert_id = r.concert_id \
             LEFT JOIN concert_schedule p ON p.schedule_id = r.schedule_id WHERE c.rehearsal_of IS NULL AND ",
            $which
        )
    };
    ($which:literal) => {
        found!(
            "reservation r \
             LEFT JOIN payment y ON y.concert_id = r.concert_id AND y.reservation_id = r.reservation_id",
            $which
        )
    };
}

/// The same of one user, who is given four times more.
macro_rules! found_of_user {
    ($which:literal) => {
        concat!(
            reservations_of_user!(),
            found!(
                "theirs \
                 CROSS JOIN reservation r ON r.concert_id = theirs.sale AND r.reservation_id = theirs.reservation \
                 LEFT JOIN payment y ON y.concert_id = r.concert_id AND y.reservation_id = r.reservation_id",
                $which
            )
        )
    };
}

const ORDER: &str = found!("r.concert_id = ? AND r.reservation_id = ?");
/// Two of one moment are told apart by their ids, which begin with the concert's.
const ORDERS_OF_USER: &str = found_of_user!(
    "r.user_id = ? ORDER BY r.opened_at DESC, r.concert_id DESC, r.reservation_id DESC LIMIT ?"
);
const ORDERS_OF_USER_BEFORE: &str = found_of_user!(
    "r.user_id = ? AND r.opened_at <= ? AND (r.opened_at < ? OR r.reservation_id < ?) \
     ORDER BY r.opened_at DESC, r.concert_id DESC, r.reservation_id DESC LIMIT ?"
);
/// Found by the primary key, read backwards: ids ascend with time.
const ORDERS_OF_CONCERT: &str =
    found!("r.concert_id = ? AND r.reservation_id < ? ORDER BY r.reservation_id DESC LIMIT ?");
/// Found by `payment_reservation`. What was paid just now may have a payment and no row yet.
const PAID_ORDERS: &str = found!(
    "payment y \
     LEFT JOIN reservation r ON r.concert_id = y.concert_id AND r.reservation_id = y.reservation_id",
    "y.concert_id = ? AND y.reservation_id > ? AND r.reservation_id IS NOT NULL ORDER BY y.reservation_id LIMIT ?"
);
/// Found by the primary key, as those that are refunded.
const SOLD_ORDERS: &str = "SELECT r.reservation_id, r.seats, y.source, y.amount AS paid, y.refunded FROM reservation r \
     LEFT JOIN payment y ON y.concert_id = r.concert_id AND y.reservation_id = r.reservation_id \
     WHERE r.concert_id = ? AND r.reservation_id > ? AND r.schedule_id = ? AND r.status = 'RESERVED' \
     ORDER BY r.reservation_id LIMIT ?";
/// Found by `ticket_reservation`; the seats of some orders that follow each other.
const SEATS_OF_ORDERS: &str = "SELECT t.reservation_id, t.seat, s.label, s.category, s.price FROM ticket t \
     LEFT JOIN concert_seat s ON s.concert_id = t.concert_id AND s.schedule_id = t.schedule_id AND s.seat = t.seat \
     WHERE t.concert_id = ? AND t.reservation_id >= ? AND t.reservation_id <= ?";
/// Found by `ticket_reservation`: asked for one value alone, SQLite would rather read all tickets of the concert.
const TICKETS_OF_ORDER: &str = "SELECT t.ticket_id, t.schedule_id, t.seat, t.price, t.code, t.cancelled_at, t.moved_from, t.moved_to, s.label FROM ticket t \
     LEFT JOIN concert_seat s ON s.concert_id = t.concert_id AND s.schedule_id = t.schedule_id AND s.seat = t.seat \
     WHERE t.concert_id = ? AND t.reservation_id >= ? AND t.reservation_id <= ? ORDER BY t.seat, t.ticket_id";
/// Reads all tickets: an index of random codes made each sold seat a tenth dearer, and a code is asked for by hand. One code is
/// one ticket's; more would be a fault, and are shown.
pub const ORDERS_OF_CODE: &str = "SELECT reservation_id FROM ticket WHERE code = ? LIMIT 10";
/// Found by `users_name`.
/// A user who was made for an order of the desk that came to nothing is nobody.
const USERS_NAMED: &str = "SELECT user_id, name FROM users u WHERE name >= ? AND name < ? \
       AND (issuer IS NULL OR issuer NOT LIKE 'frontrow:rehearsal:%') \
       AND (issuer IS NULL OR issuer <> 'frontrow:desk' \
         OR EXISTS (SELECT 1 FROM ticket t WHERE t.user_id = u.user_id AND t.cancelled_at IS NULL) \
         OR EXISTS (SELECT 1 FROM ticket t WHERE t.user_id = u.user_id AND t.cancelled_at IS NOT NULL)) \
     ORDER BY name, user_id LIMIT ?";
/// Found by the primary key.
const TICKETS_OF: &str = "SELECT t.ticket_id, t.schedule_id, t.seat, t.price, t.code, t.reservation_id, t.user_id, \
       t.cancelled_at, t.moved_from, t.moved_to, u.name, s.label, s.category, s.price AS imported_price, p.starts_at FROM ticket t \
     LEFT JOIN users u ON u.user_id = t.user_id \
     LEFT JOIN concert_seat s ON s.concert_id = t.concert_id AND s.schedule_id = t.schedule_id AND s.seat = t.seat \
     LEFT JOIN concert_schedule p ON p.schedule_id = t.schedule_id \
     WHERE t.concert_id = ? AND t.ticket_id > ? ORDER BY t.ticket_id LIMIT ?";
/// What came back at the desk has no entry of a ledger: its last ticket became void when it did.
const PAYMENTS_OF: &str = "SELECT payment_id, reservation_id, user_id, amount, status, at, refunded, refund_reason, source, \
       (SELECT max(t.cancelled_at) FROM ticket t WHERE t.concert_id = payment.concert_id \
          AND t.reservation_id >= payment.reservation_id AND t.reservation_id <= payment.reservation_id \
          AND t.moved_to IS NULL) AS back_at FROM payment WHERE concert_id = ? AND reservation_id > ? ORDER BY reservation_id LIMIT ?";
/// A user's ledger is read for each of their payments: it is short, as charges and orders are limited.
const LEDGER_OF_PAYMENT: &str = concat!(
    "SELECT ",
    columns::ledger_columns!(),
    " FROM payment_history WHERE user_id = ? AND payment_id = ? ORDER BY entry_no"
);
const CONCERT: &str = concat!(
    "SELECT ",
    columns::concert_columns!(),
    " FROM concert WHERE concert_id = ? AND rehearsal_of IS NULL"
);

/// Every text above but the one that reads a user's ledger, for a test of their plans.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[
    ORDER,
    ORDERS_OF_USER,
    ORDERS_OF_USER_BEFORE,
    ORDERS_OF_CONCERT,
    PAID_ORDERS,
    SOLD_ORDERS,
    SEATS_OF_ORDERS,
    TICKETS_OF_ORDER,
    ORDERS_OF_CODE,
    USERS_NAMED,
    TICKETS_OF,
    PAYMENTS_OF,
    CONCERT,
];

#[async_trait]
impl<B: Backend> BoxOffice for B {
    async fn orders_of(
        &self,
        of: OrdersOf,
        before: Option<ReservationId>,
        max: u32,
    ) -> Result<Vec<FoundOrder>, StoreError> {
        let mut view = self.view().await?;
        let found = orders_of(&mut *view, of, before, max).await?;
        close::<B>(view).await?;
        Ok(found)
    }

    async fn orders_of_code(&self, code: &str) -> Result<Vec<ReservationId>, StoreError> {
        let mut values = <B::Link as Link>::Values::default();
        values.text(Some(code));
        let rows = self.reader().await?.all(ORDERS_OF_CODE.into_sql_str(), values).await?;
        rows.iter().map(|row| Ok(ReservationId(row.uuid("reservation_id")?))).collect()
    }

    async fn users_named(&self, beginning: &str, max: u32) -> Result<Vec<(UserId, String)>, StoreError> {
        let mut values = <B::Link as Link>::Values::default();
        values.text(Some(beginning));
        // No name has a character behind the last one of all.
        values.text(Some(&format!("{beginning}{}", char::MAX)));
        values.id(max.into());
        let rows = self.reader().await?.all(USERS_NAMED.into_sql_str(), values).await?;
        rows.iter().map(|row| Ok((UserId(row.number("user_id")?), row.text("name")?.to_owned()))).collect()
    }

    async fn tickets_of_order(&self, order: ReservationId) -> Result<Vec<OrderTicket>, StoreError> {
        let Some(concert) = order.concert() else { return Ok(Vec::new()) };
        let mut values: <B::Link as Link>::Values = numbers(&[concert.0.into()]);
        values.uuid(Some(order.0));
        values.uuid(Some(order.0));
        let rows = self.reader().await?.all(TICKETS_OF_ORDER.into_sql_str(), values).await?;
        let ticket = |row: &<B::Link as Link>::Row| {
            Ok(OrderTicket { ticket: read_ticket(row)?, label: row.text("label")?.to_owned() })
        };
        rows.iter().map(ticket).collect()
    }

    async fn concert_record(&self, concert: ConcertId) -> Result<Option<ConcertRecord>, StoreError> {
        let row = query::one(&mut *self.reader().await?, CONCERT, numbers(&[concert.0.into()])).await?;
        row.as_ref().map(columns::read_concert).transpose()
    }

    async fn paid_orders(
        &self,
        concert: ConcertId,
        after: Option<ReservationId>,
        max: u32,
    ) -> Result<Vec<FoundOrder>, StoreError> {
        let mut view = self.view().await?;
        let values = behind(concert, after.map(|id| id.0), max);
        let rows = view.all(PAID_ORDERS.into_sql_str(), values).await?;
        let mut found = rows.iter().map(read_found).collect::<Result<Vec<_>, _>>()?;
        look_up_seats(&mut *view, &mut found).await?;
        close::<B>(view).await?;
        Ok(found)
    }

    async fn sold_orders(
        &self,
        concert: ConcertId,
        schedule: ScheduleId,
        after: Option<ReservationId>,
        max: u32,
    ) -> Result<Vec<SoldOrder>, StoreError> {
        let mut values: <B::Link as Link>::Values = numbers(&[concert.0.into()]);
        values.uuid(Some(after.map_or(uuid::Uuid::nil(), |after| after.0)));
        values.id(schedule.0);
        values.id(max.into());
        let rows = self.reader().await?.all(SOLD_ORDERS.into_sql_str(), values).await?;
        let order = |row: &<B::Link as Link>::Row| {
            let order = ReservationId(row.uuid("reservation_id")?);
            let amount = row.int("paid")? - row.int("refunded")?;
            let seats = row.text("seats")?.split(',').filter(|seat| !seat.is_empty()).count();
            Ok(SoldOrder { order, source: read_source(row)?, seats: seats as u32, amount })
        };
        rows.iter().map(order).collect()
    }

    async fn tickets_of(
        &self,
        concert: ConcertId,
        after: Option<TicketId>,
        max: u32,
    ) -> Result<Vec<ListedTicket>, StoreError> {
        let values = behind(concert, after.map(|id| id.0), max);
        let rows = self.reader().await?.all(TICKETS_OF.into_sql_str(), values).await?;
        rows.iter().map(read_listed_ticket).collect()
    }

    async fn money_of(
        &self,
        concert: ConcertId,
        after: Option<ReservationId>,
        orders_max: u32,
    ) -> Result<(Vec<ListedMoney>, Option<ReservationId>), StoreError> {
        let mut view = self.view().await?;
        let values = behind(concert, after.map(|id| id.0), orders_max);
        let rows = view.all(PAYMENTS_OF.into_sql_str(), values).await?;
        let (mut money, mut last) = (Vec::new(), None);
        for row in &rows {
            let payment = columns::read_payment(row)?;
            let mut values: <B::Link as Link>::Values = numbers(&[payment.user.0]);
            values.uuid(Some(payment.id.0));
            let entries = view.all(LEDGER_OF_PAYMENT.into_sql_str(), values).await?;
            let entries = entries.iter().map(read_ledger).collect::<Result<Vec<_>, _>>()?;
            money.extend(moves(&payment, &entries, row.opt_time("back_at")?));
            last = Some(payment.reservation);
        }
        close::<B>(view).await?;
        Ok((money, last))
    }
}

/// What came and went for a payment: as its wallet has it, or, if it was not paid from one, as its own row has it.
fn moves(payment: &Payment, entries: &[LedgerEntry], back_at: Option<Timestamp>) -> Vec<ListedMoney> {
    let one = |at, kind, change| ListedMoney {
        payment: payment.id,
        reservation: payment.reservation,
        user: payment.user,
        source: payment.source,
        at,
        kind,
        change,
    };
    if !entries.is_empty() {
        return entries.iter().map(|entry| one(entry.at, entry.kind, entry.amount_change)).collect();
    }
    let back = (payment.refunded > 0)
        .then(|| one(back_at.unwrap_or(payment.at), LedgerKind::Refund, payment.refunded));
    std::iter::once(one(payment.at, LedgerKind::Payment, -payment.amount)).chain(back).collect()
}

/// The values of a page: (concert, the id that it begins behind, the most rows).
fn behind<V: Bind + Default>(concert: ConcertId, after: Option<uuid::Uuid>, max: u32) -> V {
    let mut values: V = numbers(&[concert.0.into()]);
    values.uuid(Some(after.unwrap_or(uuid::Uuid::nil())));
    values.id(max.into());
    values
}

async fn orders_of<L: Link>(
    link: &mut L,
    of: OrdersOf,
    before: Option<ReservationId>,
    max: u32,
) -> Result<Vec<FoundOrder>, StoreError> {
    let mut values = L::Values::default();
    let sql = match of {
        OrdersOf::One(id) => {
            let Some(concert) = id.concert() else { return Ok(Vec::new()) };
            values.id(concert.0.into());
            values.uuid(Some(id.0));
            ORDER
        }
        OrdersOf::User(user) => {
            // Four times for where they lie.
            [user; 5].iter().for_each(|user| values.id(user.0));
            match before {
                None => {
                    values.id(max.into());
                    ORDERS_OF_USER
                }
                Some(before) => {
                    let Some(of) = query::order(link, before).await? else { return Ok(Vec::new()) };
                    values.time(Some(of.opened_at));
                    values.time(Some(of.opened_at));
                    values.uuid(Some(before.0));
                    values.id(max.into());
                    ORDERS_OF_USER_BEFORE
                }
            }
        }
        OrdersOf::Concert(concert) => {
            values.id(concert.0.into());
            values.uuid(Some(before.map_or(uuid::Uuid::max(), |before| before.0)));
            values.id(max.into());
            ORDERS_OF_CONCERT
        }
    };
    let rows = link.all(sql.into_sql_str(), values).await?;
    let mut found = rows.iter().map(read_found).collect::<Result<Vec<_>, _>>()?;
    look_up_seats(link, &mut found).await?;
    Ok(found)
}

/// Adds what the seats of paid orders are called, by their tickets: a few orders at a time, of one concert each.
async fn look_up_seats<L: Link>(link: &mut L, found: &mut [FoundOrder]) -> Result<(), StoreError> {
    let mut known: HashMap<(ReservationId, SeatId), (String, String, Money)> = HashMap::new();
    let paid = found.iter().filter(|order| order.reservation.payment.is_some());
    let mut ids: Vec<_> = paid.map(|order| (order.reservation.concert, order.reservation.id)).collect();
    ids.sort_unstable();
    // Orders of a user lie far apart, those of a list beside each other.
    let spans: Vec<_> = match ids.as_slice() {
        [] => return Ok(()),
        [first, .., last] if found.is_sorted_by_key(|order| order.reservation.id) && first.0 == last.0 => {
            vec![(first.0, first.1, last.1)]
        }
        ids => ids.iter().map(|(concert, id)| (*concert, *id, *id)).collect(),
    };
    for (concert, first, last) in spans {
        let mut values: L::Values = numbers(&[concert.0.into()]);
        values.uuid(Some(first.0));
        values.uuid(Some(last.0));
        for row in link.all(SEATS_OF_ORDERS.into_sql_str(), values).await? {
            let key = (ReservationId(row.uuid("reservation_id")?), SeatId(row.number("seat")?));
            let (label, category) = (row.text("label")?.to_owned(), row.text("category")?.to_owned());
            known.insert(key, (label, category, row.int("price")?));
        }
    }
    for order in found.iter_mut().filter(|order| order.reservation.payment.is_some()) {
        let id = order.reservation.id;
        let seats = order.reservation.seats.iter();
        let called = seats.map(|seat| known.get(&(id, *seat)).cloned());
        order.seats = called.collect::<Option<_>>().unwrap_or_default();
    }
    Ok(())
}

fn read_found(row: &impl Cells) -> Result<FoundOrder, StoreError> {
    let mut reservation = read_reservation(row)?;
    let state = row.text("state")?;
    if let Some(payment) = row.opt_uuid("payment_id")? {
        let word = row.text("payment_status")?;
        let (amount, status) = (row.int("paid")?, known(words::payment_status_of(word), word)?);
        reservation.payment = Some(Payment {
            id: PaymentId(payment),
            reservation: reservation.id,
            user: reservation.user,
            source: read_source(row)?,
            amount,
            status,
            at: row.time("paid_at")?,
            // A server of before gave a payment back whole, and wrote its status alone.
            refunded: if status == PaymentStatus::Cancelled { amount } else { row.int("refunded")? },
            refund_reason: row.opt_text("refund_reason")?.map(Box::from),
            tickets: Vec::new(),
        });
    }
    Ok(FoundOrder {
        reservation,
        name: row.text("name")?.to_owned(),
        title: row.text("title")?.to_owned(),
        currency: row.text("currency")?.to_owned(),
        starts_at: row.time("starts_at")?,
        time_zone: row.opt_text("time_zone")?.map(str::to_owned),
        state: known(words::schedule_state_of(state), state)?,
        seats: Vec::new(),
    })
}

fn read_listed_ticket(row: &impl Cells) -> Result<ListedTicket, StoreError> {
    let ticket = read_ticket(row)?;
    Ok(ListedTicket {
        price: ticket.price.map_or_else(|| row.int("imported_price"), Ok)?,
        ticket,
        reservation: ReservationId(row.uuid("reservation_id")?),
        user: UserId(row.number("user_id")?),
        name: row.text("name")?.to_owned(),
        label: row.text("label")?.to_owned(),
        category: row.text("category")?.to_owned(),
        starts_at: row.time("starts_at")?,
    })
}
