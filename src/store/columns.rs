//! The columns of each table: in which order they are written, and what is read from them by name, the same in every
//! backend. A backend says only how it binds and reads a number, a time, a text or a UUID.

use std::fmt::Write;
use std::io::BufReader;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use uuid::Uuid;

use super::rows::{LedgerRow, PaymentRow, SeatRow, WalletRow};
use super::{ConcertRecord, SeatStatus, StoreError, StoredTicket, words};
use crate::domain::actor::{Actor, Who};
use crate::domain::ids::{
    AddressBlock, ConcertId, EntryNo, HistoryId, PaymentId, QueueToken, ReservationId, ScheduleId, SeatId,
    TicketId, UserId,
};
use crate::domain::record::{
    BestRequest, LedgerEntry, Payment, PaymentSource, PaymentStatus, Reservation, Ticket, TokenRecord,
};
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::domain::token_secret::TokenSecret;
use crate::venue::VenueLayout;

/// Takes a row's values in the order of its columns.
pub trait Bind {
    /// Makes room for so many values.
    fn reserve(&mut self, values: usize);
    fn int(&mut self, value: Option<i64>);
    fn text(&mut self, value: Option<&str>);
    fn uuid(&mut self, value: Option<Uuid>);
    fn time(&mut self, value: Option<Timestamp>);
    fn bytes(&mut self, value: &[u8]);

    /// Ids and counters; larger than the store's integers is never true of one that the store gave.
    fn id(&mut self, value: u64) {
        self.int(Some(i64::try_from(value).unwrap_or(-1)));
    }
}

/// Gives a row's values by the names of their columns.
pub trait Cells {
    fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError>;
    fn opt_text(&self, column: &str) -> Result<Option<&str>, StoreError>;
    fn opt_uuid(&self, column: &str) -> Result<Option<Uuid>, StoreError>;
    fn opt_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError>;
    fn opt_bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError>;

    fn int(&self, column: &str) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| missing(column))
    }
    fn text(&self, column: &str) -> Result<&str, StoreError> {
        self.opt_text(column)?.ok_or_else(|| missing(column))
    }
    fn uuid(&self, column: &str) -> Result<Uuid, StoreError> {
        self.opt_uuid(column)?.ok_or_else(|| missing(column))
    }
    fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.opt_time(column)?.ok_or_else(|| missing(column))
    }
    fn bytes(&self, column: &str) -> Result<&[u8], StoreError> {
        self.opt_bytes(column)?.ok_or_else(|| missing(column))
    }
    /// A number that must fit the type it is read as.
    fn number<N: TryFrom<i64>>(&self, column: &str) -> Result<N, StoreError> {
        fitting(self.int(column)?)
    }
}

fn missing(column: &str) -> StoreError {
    StoreError::broken(format!("the column {column} of a row is NULL, which it must never be"))
}

fn fitting<N: TryFrom<i64>>(value: i64) -> Result<N, StoreError> {
    N::try_from(value).map_err(|_| StoreError::broken(format!("{value} is out of range")))
}

pub(super) fn known<T>(read: Option<T>, word: &str) -> Result<T, StoreError> {
    read.ok_or_else(|| StoreError::broken(format!("unknown word {word:?}")))
}

macro_rules! token_columns {
    () => {
        "concert_id, entry_no, token, user_id, status, reason, entered_at, admitted_at, expires_at, ended_at"
    };
}
macro_rules! reservation_columns {
    () => {
        "concert_id, reservation_id, schedule_id, user_id, status, seats, amount, opened_at, expires_at, \
         ended_at, best_requests, guest_of, prices"
    };
}
macro_rules! ledger_columns {
    () => {
        "history_id, user_id, type, amount_change, balance, at, payment_id, request_id"
    };
}
macro_rules! concert_columns {
    () => {
        "concert_id, title, about, venue, currency, time_zone, rehearsal_of"
    };
}
macro_rules! ticket_list {
    ($refund_reason:literal, $payments:literal) => {
        concat!(
            "SELECT t.ticket_id, t.schedule_id, t.seat, t.code, t.reservation_id, t.concert_id, c.title, c.venue, \
             s.label, s.category, t.price, s.price AS imported_price, p.starts_at, p.state, p.reason, c.time_zone, t.payment_id, \
             t.cancelled_at, t.moved_from, t.moved_to, \
             (SELECT f.label FROM concert_seat f WHERE f.concert_id = t.concert_id AND f.schedule_id = t.schedule_id \
                AND f.seat = t.moved_from) AS moved_from_label, ",
            $refund_reason,
            " AS refund_reason FROM ticket t \
             JOIN concert c ON c.concert_id = t.concert_id \
             JOIN concert_schedule p ON p.schedule_id = t.schedule_id \
             JOIN concert_seat s \
               ON s.concert_id = t.concert_id AND s.schedule_id = t.schedule_id AND s.seat = t.seat",
            $payments
        )
    };
}
pub(super) use {concert_columns, ledger_columns, reservation_columns, ticket_list, token_columns};

pub const TOKEN: usize = 10;

pub fn bind_token(to: &mut impl Bind, token: &TokenRecord) {
    let (status, reason) = words::token_status(token.status);
    to.id(token.concert.0.into());
    to.id(token.entry.0);
    to.uuid(Some(token.token.0));
    to.id(token.user.0);
    to.text(Some(status));
    to.text(reason);
    to.time(Some(token.entered_at));
    to.time(token.admitted_at);
    to.time(token.expires_at);
    to.time(token.ended_at);
}

pub fn read_token(row: &impl Cells) -> Result<TokenRecord, StoreError> {
    let (word, reason) = (row.text("status")?, row.opt_text("reason")?);
    Ok(TokenRecord {
        concert: ConcertId(row.number("concert_id")?),
        entry: EntryNo(row.number("entry_no")?),
        token: QueueToken(row.uuid("token")?),
        user: UserId(row.number("user_id")?),
        status: known(words::token_status_of(word, reason), word)?,
        entered_at: row.time("entered_at")?,
        admitted_at: row.opt_time("admitted_at")?,
        expires_at: row.opt_time("expires_at")?,
        ended_at: row.opt_time("ended_at")?,
    })
}

/// What a sale's tokens are made with; `None`: it was never claimed.
pub fn read_token_secret(row: &impl Cells) -> Result<Option<TokenSecret>, StoreError> {
    let Some(bytes) = row.opt_bytes("token_secret")? else { return Ok(None) };
    let wrong = |_| {
        let (has, needs) = (bytes.len(), TokenSecret::BYTES);
        StoreError::broken(format!("a secret of tokens has {has} bytes instead of {needs}"))
    };
    bytes.try_into().map(TokenSecret::new).map(Some).map_err(wrong)
}

pub const SEAT: usize = 5;

/// (concert, schedule, seat, status, reservation).
pub fn bind_seat(to: &mut impl Bind, seat: &SeatRow) {
    to.id(seat.concert.0.into());
    to.id(seat.schedule.0);
    to.id(seat.seat.0.into());
    to.text(Some(words::seat_status(seat.status)));
    to.uuid(seat.reservation.map(|id| id.0));
}

pub fn read_seat(row: &impl Cells) -> Result<SeatRow, StoreError> {
    let word = row.text("status")?;
    Ok(SeatRow {
        concert: ConcertId(row.number("concert_id")?),
        schedule: ScheduleId(row.number("schedule_id")?),
        seat: SeatId(row.number("seat")?),
        status: known(words::seat_status_of(word), word)?,
        reservation: row.opt_uuid("reservation_id")?.map(ReservationId),
    })
}

pub const RESERVATION: usize = 13;

pub fn bind_reservation(to: &mut impl Bind, reservation: &Reservation) {
    to.id(reservation.concert.0.into());
    to.uuid(Some(reservation.id.0));
    to.id(reservation.schedule.0);
    to.id(reservation.user.0);
    to.text(Some(words::reservation_status(reservation.status)));
    to.text(Some(&seat_list(&reservation.seats)));
    to.int(Some(reservation.amount));
    to.time(Some(reservation.opened_at));
    to.time(Some(reservation.expires_at));
    to.time(reservation.ended_at);
    to.text(best_requests(&reservation.best_requests).as_deref());
    to.uuid(reservation.guest_of.map(|block| Uuid::from_u128(block.0)));
    to.text(price_list(&reservation.prices).as_deref());
}

pub const HELD_RESERVATION: usize = 8;

/// (concert, reservation, schedule, user, seats, amount, opened at, expires at): what differs between those that are held.
pub fn bind_held_reservation(to: &mut impl Bind, reservation: &Reservation) {
    to.id(reservation.concert.0.into());
    to.uuid(Some(reservation.id.0));
    to.id(reservation.schedule.0);
    to.id(reservation.user.0);
    to.text(Some(&seat_list(&reservation.seats)));
    to.int(Some(reservation.amount));
    to.time(Some(reservation.opened_at));
    to.time(Some(reservation.expires_at));
}

/// Reads a reservation without its payment, which is a row of its own.
pub fn read_reservation(row: &impl Cells) -> Result<Reservation, StoreError> {
    let word = row.text("status")?;
    Ok(Reservation {
        concert: ConcertId(row.number("concert_id")?),
        id: ReservationId(row.uuid("reservation_id")?),
        schedule: ScheduleId(row.number("schedule_id")?),
        user: UserId(row.number("user_id")?),
        status: known(words::reservation_status_of(word), word)?,
        seats: read_seat_list(row.text("seats")?)?,
        prices: row.opt_text("prices")?.map_or(Ok(Vec::new()), read_price_list)?,
        amount: row.int("amount")?,
        opened_at: row.time("opened_at")?,
        expires_at: row.time("expires_at")?,
        ended_at: row.opt_time("ended_at")?,
        best_requests: row.opt_text("best_requests")?.map_or(Ok(Vec::new()), read_best_requests)?,
        guest_of: row.opt_uuid("guest_of")?.map(|block| AddressBlock(block.as_u128())),
        payment: None,
    })
}

/// Numbers with commas: `12,13`.
pub fn seat_list(seats: &[SeatId]) -> String {
    let mut list = String::with_capacity(seats.len() * 6);
    for seat in seats {
        if !list.is_empty() {
            list.push(',');
        }
        let _ = write!(list, "{}", seat.0);
    }
    list
}

/// The same of prices; nothing where there are none.
fn price_list(prices: &[Money]) -> Option<String> {
    let list: Vec<_> = prices.iter().map(ToString::to_string).collect();
    (!list.is_empty()).then(|| list.join(","))
}

fn read_price_list(list: &str) -> Result<Vec<Money>, StoreError> {
    list.split(',').map(|number| known(number.parse().ok(), list)).collect()
}

/// Prices of a performance's categories, by their numbers in the layout: `[[0,120000]]`; nothing where there are none.
pub fn own_prices(prices: &[(u16, Money)]) -> Option<String> {
    (!prices.is_empty()).then(|| serde_json::json!(prices).to_string())
}

pub fn read_own_prices(text: &str, layout: &VenueLayout) -> Result<Vec<(u16, Money)>, StoreError> {
    let prices: Vec<(u16, Money)> =
        serde_json::from_str(text).map_err(|error| StoreError::Broken(error.into()))?;
    let is_known = |(category, _): &(u16, Money)| usize::from(*category) < layout.categories.len();
    known(prices.iter().all(is_known).then_some(prices), text)
}

fn read_seat_list(list: &str) -> Result<Vec<SeatId>, StoreError> {
    let numbers = list.split(',').filter(|_| !list.is_empty());
    numbers.map(|number| known(number.parse().ok().map(SeatId), list)).collect()
}

fn best_requests(requests: &[BestRequest]) -> Option<String> {
    let list: Vec<_> = requests.iter().map(best_request).collect();
    (!list.is_empty()).then(|| serde_json::json!(list).to_string())
}

/// Writes a request as a list, without what most do not have; rows of earlier versions look the same.
pub fn best_request(request: &BestRequest) -> Value {
    let BestRequest { request_id, count, category, bounds } = request;
    match bounds {
        0 => serde_json::json!([request_id, count, category]),
        bounds => serde_json::json!([request_id, count, category, bounds]),
    }
}

fn read_best_requests(text: &str) -> Result<Vec<BestRequest>, StoreError> {
    let list: Vec<Value> = serde_json::from_str(text).map_err(|error| StoreError::Broken(error.into()))?;
    list.iter().map(|one| known(read_best_request(one), text)).collect()
}

pub fn read_best_request(value: &Value) -> Option<BestRequest> {
    let (request_id, count, category, bounds) = match value.as_array()?.as_slice() {
        [request_id, count, category] => (request_id, count, category, 0),
        [request_id, count, category, bounds] => (request_id, count, category, bounds.as_u64()?),
        _ => return None,
    };
    let category = if category.is_null() { None } else { Some(category.as_str()?.into()) };
    let count = u32::try_from(count.as_u64()?).ok()?;
    Some(BestRequest { request_id: request_id.as_str()?.into(), count, category, bounds })
}

pub const RESERVATION_SEAT: usize = 4;

/// (concert, reservation, seat, schedule).
pub fn bind_reservation_seat(
    to: &mut impl Bind,
    (id, concert, schedule, seat): &(ReservationId, ConcertId, ScheduleId, SeatId),
) {
    to.id(concert.0.into());
    to.uuid(Some(id.0));
    to.id(seat.0.into());
    to.id(schedule.0);
}

pub const PAYMENT: usize = 11;

/// (concert, payment, reservation, user, amount, status, at, cancelled at, refunded, refund reason, source).
pub fn bind_payment(to: &mut impl Bind, row: &PaymentRow<'_>) {
    let payment = row.payment;
    to.id(row.concert.0.into());
    to.uuid(Some(payment.id.0));
    to.uuid(Some(payment.reservation.0));
    to.id(payment.user.0);
    to.int(Some(payment.amount));
    to.text(Some(words::payment_status(payment.status)));
    to.time(Some(payment.at));
    to.time(row.cancelled_at);
    to.int(Some(payment.refunded));
    to.text(payment.refund_reason.as_deref());
    to.text(Some(words::payment_source(payment.source)));
}

/// Reads a payment without its tickets. A server of before gave a payment back whole, and wrote its status alone.
pub fn read_payment(row: &impl Cells) -> Result<Payment, StoreError> {
    let word = row.text("status")?;
    let (amount, status) = (row.int("amount")?, known(words::payment_status_of(word), word)?);
    Ok(Payment {
        id: PaymentId(row.uuid("payment_id")?),
        reservation: ReservationId(row.uuid("reservation_id")?),
        user: UserId(row.number("user_id")?),
        source: read_source(row)?,
        amount,
        status,
        at: row.time("at")?,
        refunded: if status == PaymentStatus::Cancelled { amount } else { row.int("refunded")? },
        refund_reason: row.opt_text("refund_reason")?.map(Box::from),
        tickets: Vec::new(),
    })
}

pub fn read_source(row: &impl Cells) -> Result<PaymentSource, StoreError> {
    let word = row.text("source")?;
    known(words::payment_source_of(word), word)
}

pub const TICKET: usize = 10;

/// (concert, ticket, payment, reservation, schedule, seat, user, code, issued at, cancelled at).
pub fn bind_ticket(to: &mut impl Bind, (row, ticket): &(PaymentRow<'_>, &Ticket)) {
    let payment = row.payment;
    to.id(row.concert.0.into());
    to.uuid(Some(ticket.id.0));
    to.uuid(Some(payment.id.0));
    to.uuid(Some(payment.reservation.0));
    to.id(ticket.schedule.0);
    to.id(ticket.seat.0.into());
    to.id(payment.user.0);
    to.text(Some(&ticket.code));
    to.time(Some(payment.at));
    to.time(ticket.cancelled_at);
}

pub const MARKED_TICKET: usize = TICKET + 3;

/// The same, and its price, the seat before it, and the one after it.
pub fn bind_marked_ticket(to: &mut impl Bind, of: &(PaymentRow<'_>, &Ticket)) {
    bind_ticket(to, of);
    let seat = |seat: Option<SeatId>| seat.map(|seat| i64::from(seat.0));
    to.int(of.1.price);
    to.int(seat(of.1.moved_from));
    to.int(seat(of.1.moved_to));
}

/// Does it say more than most tickets do?
pub fn is_marked(ticket: &Ticket) -> bool {
    ticket.price.is_some() || ticket.moved_from.is_some() || ticket.moved_to.is_some()
}

pub fn read_ticket(row: &impl Cells) -> Result<Ticket, StoreError> {
    let seat = |column: &str| {
        let number = row.opt_int(column)?;
        number.map(|number| known(u32::try_from(number).ok().map(SeatId), column)).transpose()
    };
    Ok(Ticket {
        id: TicketId(row.uuid("ticket_id")?),
        schedule: ScheduleId(row.number("schedule_id")?),
        seat: SeatId(row.number("seat")?),
        price: row.opt_int("price")?,
        code: row.text("code")?.into(),
        cancelled_at: row.opt_time("cancelled_at")?,
        moved_from: seat("moved_from")?,
        moved_to: seat("moved_to")?,
    })
}

pub fn read_stored_ticket(row: &impl Cells) -> Result<StoredTicket, StoreError> {
    let ticket = read_ticket(row)?;
    let word = row.text("state")?;
    // What was written of this order says more than what was written of all.
    let reason = row.opt_text("refund_reason")?.or(row.opt_text("reason")?);
    Ok(StoredTicket {
        reservation: ReservationId(row.uuid("reservation_id")?),
        concert: ConcertId(row.number("concert_id")?),
        title: row.text("title")?.to_owned(),
        venue: row.text("venue")?.to_owned(),
        label: row.text("label")?.to_owned(),
        category: row.text("category")?.to_owned(),
        price: ticket.price.map_or_else(|| row.int("imported_price"), Ok)?,
        ticket,
        starts_at: row.time("starts_at")?,
        time_zone: row.opt_text("time_zone")?.map(str::to_owned),
        payment: PaymentId(row.uuid("payment_id")?),
        moved_from: row.opt_text("moved_from_label")?.map(str::to_owned),
        state: known(words::schedule_state_of(word), word)?,
        reason: reason.map(str::to_owned),
    })
}

pub const LEDGER: usize = 9;

/// (user, entry number, history id, type, change, balance, at, payment, request id).
pub fn bind_ledger(to: &mut impl Bind, row: &LedgerRow<'_>) {
    let entry = row.entry;
    to.id(entry.user.0);
    to.id(row.entry_no);
    to.uuid(Some(entry.id.0));
    to.text(Some(words::ledger_kind(entry.kind)));
    to.int(Some(entry.amount_change));
    to.int(Some(entry.balance));
    to.time(Some(entry.at));
    to.uuid(entry.payment.map(|id| id.0));
    to.text(entry.request_id.as_deref());
}

pub fn read_ledger(row: &impl Cells) -> Result<LedgerEntry, StoreError> {
    let word = row.text("type")?;
    Ok(LedgerEntry {
        id: HistoryId(row.uuid("history_id")?),
        user: UserId(row.number("user_id")?),
        kind: known(words::ledger_kind_of(word), word)?,
        amount_change: row.int("amount_change")?,
        balance: row.int("balance")?,
        at: row.time("at")?,
        payment: row.opt_uuid("payment_id")?.map(PaymentId),
        request_id: row.opt_text("request_id")?.map(Box::from),
    })
}

/// (operator, user, came from).
pub fn bind_actor(to: &mut impl Bind, by: &Actor) {
    let (operator, user) = match by.who {
        Who::Operator(operator) => (Some(operator.0), None),
        Who::User(user) => (None, Some(user.0)),
        Who::Unnamed => (None, None),
    };
    let id = |id: Option<u64>| id.and_then(|id| i64::try_from(id).ok());
    to.int(id(operator));
    to.int(id(user));
    to.text(by.from.as_deref());
}

pub const WALLET: usize = 3;

/// (user, balance, number of ledger entries).
pub fn bind_wallet(to: &mut impl Bind, row: &WalletRow) {
    to.id(row.user.0);
    to.int(Some(row.balance));
    to.id(row.ledger_entries);
}

/// Reads a concert from a row with `concert_columns`.
pub fn read_concert(row: &impl Cells) -> Result<ConcertRecord, StoreError> {
    Ok(ConcertRecord {
        id: ConcertId(row.number("concert_id")?),
        title: row.text("title")?.to_owned(),
        about: row.opt_text("about")?.map(str::to_owned),
        venue: row.text("venue")?.to_owned(),
        currency: row.text("currency")?.to_owned(),
        time_zone: row.opt_text("time_zone")?.map(str::to_owned),
        rehearsal_of: row.opt_int("rehearsal_of")?.map(fitting).transpose()?.map(ConcertId),
    })
}

/// The part of a seat's row that never changes.
pub struct NewSeat<'l> {
    pub number: usize,
    pub label: &'l str,
    pub category: &'l str,
    pub price: Money,
    /// The house keeps it.
    pub restricted: bool,
}

/// The seats of a layout, in their order. Those of `restricted`, which is in ascending order, the house keeps.
pub fn new_seats<'l>(layout: &'l VenueLayout, restricted: &[SeatId]) -> Vec<NewSeat<'l>> {
    let columns = &layout.seats;
    (0..layout.seat_count())
        .map(|number| {
            let category = &layout.categories[usize::from(columns.category[number])];
            let (label, price) = (columns.label[number].as_str(), category.price);
            let restricted = restricted.binary_search(&SeatId(number as u32)).is_ok();
            NewSeat { number, label, category: &category.name, price, restricted }
        })
        .collect()
}

pub const NEW_SEAT: usize = 8;

/// (concert, schedule, seat, label, category, price, status, reservation).
pub fn bind_new_seat(to: &mut impl Bind, concert: ConcertId, schedule: ScheduleId, seat: &NewSeat<'_>) {
    to.id(concert.0.into());
    to.id(schedule.0);
    to.id(seat.number as u64);
    to.text(Some(seat.label));
    to.text(Some(seat.category));
    to.int(Some(seat.price));
    let status = if seat.restricted { SeatStatus::Reserved } else { SeatStatus::Available };
    to.text(Some(words::seat_status(status)));
    to.uuid(seat.restricted.then(|| ReservationId::house(concert).0));
}

/// A layout as it is stored: gzip'd JSON.
pub fn pack_layout(layout: &VenueLayout) -> Result<Vec<u8>, StoreError> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let packed =
        serde_json::to_writer(&mut gzip, layout).map_err(std::io::Error::from).and_then(|()| gzip.finish());
    packed.map_err(|error| StoreError::Broken(error.into()))
}

pub fn read_layout(row: &impl Cells) -> Result<VenueLayout, StoreError> {
    unpack_layout(row.bytes("layout")?)
}

pub fn unpack_layout(packed: &[u8]) -> Result<VenueLayout, StoreError> {
    serde_json::from_reader(BufReader::new(GzDecoder::new(packed)))
        .map_err(|error| StoreError::Broken(error.into()))
}
