//! Lists of a concert for spreadsheets: orders, attendees, codes and money. Pages are read as the client takes them, so nothing
//! is kept of a list, and whoever goes away leaves nothing behind.

use std::sync::Arc;

use bytes::Bytes;
use frontrow_protocol::ErrorObject;
use futures_util::{StreamExt, stream};
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

use super::OpsAsked;
use crate::desk::Context;
use crate::desk::translate::{self, time};
use crate::dispatcher::Rows;
use crate::domain::ids::{ConcertId, ReservationId, TicketId};
use crate::domain::record::{LedgerKind, ReservationStatus, ScheduleState};
use crate::domain::seat_plan::Money;
use crate::http::csv::{BYTE_ORDER_MARK, Csv};
use crate::http::query::number;
use crate::http::reply::{ApiResult, Body, BrokenOff};
use crate::limits::EXPORT_LINES_AT_ONCE;
use crate::store::box_office::{FoundOrder, ListedMoney, ListedTicket};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Orders,
    Attendees,
    Codes,
    Ledger,
}

impl List {
    fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Attendees => "attendees",
            Self::Codes => "codes",
            Self::Ledger => "ledger",
        }
    }

    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Orders => &[
                "order",
                "performance",
                "starts_at",
                "user",
                "name",
                "status",
                "paid_at",
                "source",
                "seats",
                "labels",
                "amount",
                "refunded",
                "back_at_desk",
                "currency",
                "ended_at",
                "reason",
            ],
            Self::Attendees => &[
                "performance",
                "starts_at",
                "seat",
                "category",
                "price",
                "currency",
                "user",
                "name",
                "order",
                "ticket",
            ],
            Self::Codes => &[
                "code",
                "state",
                "performance",
                "starts_at",
                "seat",
                "category",
                "void_at",
                "order",
                "ticket",
            ],
            Self::Ledger => &["at", "type", "amount", "currency", "source", "payment", "order", "user"],
        }
    }
}

/// The place that a list has come to.
struct Reader {
    context: Arc<Context>,
    concert: ConcertId,
    currency: String,
    list: List,
    order: Option<ReservationId>,
    ticket: Option<TicketId>,
    /// There is no page behind the last one.
    ended: bool,
}

pub async fn list(asked: &OpsAsked<'_>, id: &str, list: List) -> ApiResult {
    asked.query.only(&[])?;
    let concert = ConcertId(number(id, "concert_id")?);
    let record = asked.context.read(asked.context.box_office()?.concert_record(concert)).await?;
    let currency = record.ok_or_else(ErrorObject::concert_not_found)?.currency;
    let context = Arc::clone(asked.context);
    let mut reader = Reader { context, concert, currency, list, order: None, ticket: None, ended: false };
    // What cannot be read at all is refused in words; later there is only the end of the connection.
    let mut beginning = Csv::default();
    beginning.names(list.columns());
    let first = format!("{BYTE_ORDER_MARK}{}{}", beginning.into_text(), reader.page().await?);
    let rest = stream::try_unfold(reader, |mut reader| async {
        while !reader.ended {
            let page = reader.page().await.map_err(|error| {
                tracing::warn!(concert.id = reader.concert.0, list = reader.list.name(), %error, "a list broke off");
                BrokenOff(error.to_string())
            })?;
            if !page.is_empty() {
                return Ok(Some((Bytes::from(page), reader)));
            }
        }
        Ok(None)
    });
    let pieces = stream::once(async { Ok(Bytes::from(first)) }).chain(rest);
    let mut response = Response::new(Body::Pieces(Box::pin(pieces)));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = format!("attachment; filename=\"concert-{concert}-{}.csv\"", list.name());
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

impl Reader {
    /// The lines of the next page; it may have none although more come.
    async fn page(&mut self) -> Result<String, ErrorObject> {
        let mut csv = Csv::default();
        let (context, concert, max) = (&self.context, self.concert, EXPORT_LINES_AT_ONCE);
        let box_office = context.box_office()?;
        match self.list {
            List::Orders => {
                let page = || box_office.paid_orders(concert, self.order, max);
                let page = context.read_confirmed(Rows::OfSale(concert), page).await?;
                page.iter().for_each(|order| order_line(&mut csv, order));
                self.ended = page.len() < max as usize;
                self.order = page.last().map(|order| order.reservation.id);
            }
            List::Attendees | List::Codes => {
                let page = context.read(box_office.tickets_of(concert, self.ticket, max)).await?;
                for ticket in &page {
                    match self.list {
                        List::Codes => code_line(&mut csv, ticket),
                        _ if ticket.ticket.cancelled_at.is_none() => {
                            attendee_line(&mut csv, ticket, &self.currency);
                        }
                        _ => {}
                    }
                }
                self.ended = page.len() < max as usize;
                self.ticket = page.last().map(|ticket| ticket.ticket.id);
            }
            List::Ledger => {
                let (page, last) = context.read(box_office.money_of(concert, self.order, max)).await?;
                page.iter().for_each(|money| money_line(&mut csv, money, &self.currency));
                self.ended = last.is_none();
                self.order = last;
            }
        }
        Ok(csv.into_text())
    }
}

fn order_line(csv: &mut Csv, of: &FoundOrder) {
    let (order, payment) = (&of.reservation, of.reservation.payment.as_ref());
    csv.cell(order.id);
    csv.cell(order.schedule);
    csv.time(Some(time(of.starts_at)));
    csv.cell(order.user);
    csv.text(&of.name);
    csv.cell(translate::reservation_status(order.status).as_str());
    csv.time(payment.map(|payment| time(payment.at)));
    csv.cell(payment.map_or("", |payment| translate::source_word(payment.source)));
    csv.cell(order.seats.len());
    let labels: Vec<_> = of.seats.iter().map(|(label, ..)| label.as_str()).collect();
    csv.text(&labels.join(" "));
    csv.cell(payment.map_or(0, |payment| payment.amount));
    csv.cell(payment.map_or(0, |payment| payment.refunded));
    csv.cell(back_at_desk(of));
    csv.text(&of.currency);
    csv.time(order.ended_at.filter(|_| order.status == ReservationStatus::Cancelled).map(time));
    csv.text(payment.and_then(|payment| payment.refund_reason.as_deref()).unwrap_or_default());
    csv.end();
}

/// What whoever bought it at the desk has to come for, as the performance is called off.
fn back_at_desk(of: &FoundOrder) -> Money {
    let is_off = of.state == ScheduleState::CalledOff && of.reservation.status == ReservationStatus::Reserved;
    let payment = of.reservation.payment.as_ref().filter(|payment| payment.source.is_taken_at_desk());
    payment.filter(|_| is_off).map_or(0, |payment| payment.amount - payment.refunded)
}

fn attendee_line(csv: &mut Csv, of: &ListedTicket, currency: &str) {
    csv.cell(of.ticket.schedule);
    csv.time(Some(time(of.starts_at)));
    csv.text(&of.label);
    csv.text(&of.category);
    csv.cell(of.price);
    csv.text(currency);
    csv.cell(of.user);
    csv.text(&of.name);
    csv.cell(of.reservation);
    csv.cell(of.ticket.id);
    csv.end();
}

fn code_line(csv: &mut Csv, of: &ListedTicket) {
    csv.text(&of.ticket.code);
    csv.cell(if of.ticket.cancelled_at.is_none() { "valid" } else { "void" });
    csv.cell(of.ticket.schedule);
    csv.time(Some(time(of.starts_at)));
    csv.text(&of.label);
    csv.text(&of.category);
    csv.time(of.ticket.cancelled_at.map(time));
    csv.cell(of.reservation);
    csv.cell(of.ticket.id);
    csv.end();
}

/// The house's side of it: what was paid is positive.
fn money_line(csv: &mut Csv, of: &ListedMoney, currency: &str) {
    csv.time(Some(time(of.at)));
    csv.cell(match of.kind {
        LedgerKind::Charge => "charge",
        LedgerKind::Payment => "payment",
        LedgerKind::Refund => "refund",
    });
    csv.cell(-of.change);
    csv.text(currency);
    csv.cell(translate::source_word(of.source));
    csv.cell(of.payment);
    csv.cell(of.reservation);
    csv.cell(of.user);
    csv.end();
}
