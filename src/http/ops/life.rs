//! What becomes of performances, and of the money of their orders.

use frontrow_protocol::ops::life::{CallOff, Postpone};
use frontrow_protocol::ops::orders::{MoveSeat, Refund};
use frontrow_protocol::{ErrorObject, parse_body};
use hyper::StatusCode;
use uuid::Uuid;

use super::OpsAsked;
use crate::domain::ids::{ConcertId, ReservationId, ScheduleId};
use crate::http::query::number;
use crate::http::reply::{self, ApiResult};

pub async fn postpone(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let schedule = ScheduleId(number(id, "schedule_id")?);
    let change: Postpone = parse_body(&asked.body)?;
    let now = asked.context.postpone(schedule, change, asked.actor()?).await?;
    Ok(reply::json(StatusCode::OK, &now))
}

pub async fn call_off(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let schedule = ScheduleId(number(id, "schedule_id")?);
    let change: CallOff = parse_body(&asked.body)?;
    let progress = asked.context.call_off(schedule, change, asked.actor()?).await?;
    Ok(reply::json(StatusCode::OK, &progress))
}

pub async fn call_off_concert(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let concert = ConcertId(number(id, "concert_id")?);
    let change: CallOff = parse_body(&asked.body)?;
    let refunds = asked.context.call_off_concert(concert, change, asked.actor()?).await?;
    Ok(reply::json(StatusCode::OK, &refunds))
}

pub async fn archive(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let concert = ConcertId(number(id, "concert_id")?);
    asked.context.archive(concert, asked.actor()?).await?;
    Ok(reply::json(StatusCode::OK, &frontrow_protocol::result::Done {}))
}

pub async fn refunds(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    Ok(reply::json(StatusCode::OK, &asked.context.refunds_so_far()))
}

pub async fn refund_order(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let order = order_id(id)?;
    let refund: Refund = parse_body(&asked.body)?;
    let refunded = asked.context.refund_order(order, refund, asked.actor()?).await?;
    Ok(reply::json(StatusCode::OK, &refunded))
}

pub async fn move_seat(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let order = order_id(id)?;
    let change: MoveSeat = parse_body(&asked.body)?;
    let moved = asked.context.move_seat(order, change, asked.actor()?).await?;
    Ok(reply::json(StatusCode::OK, &moved))
}

fn order_id(id: &str) -> Result<ReservationId, ErrorObject> {
    let id = Uuid::try_parse(id);
    let id = id
        .map_err(|_| ErrorObject::invalid_params(Some("reservation_id"), "`reservation_id` is not a UUID"))?;
    Ok(ReservationId(id))
}
