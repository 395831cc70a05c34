//! The seats of a performance, which of them the house keeps, and which the box office sells.

use frontrow_protocol::ops::box_office::SellSeats;
use frontrow_protocol::ops::seats::RestrictSeats;
use frontrow_protocol::{ErrorObject, parse_body};
use hyper::StatusCode;

use super::OpsAsked;
use crate::desk::outcome::Outcome;
use crate::desk::translate;
use crate::domain::ids::ScheduleId;
use crate::http::query::number;
use crate::http::reply::{self, ApiResult};

/// The drawing, also of performances that have begun.
pub async fn layout(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let schedule = ScheduleId(number(id, "schedule_id")?);
    let view = asked.context.sale_of_schedule(schedule)?;
    let topic = view.topic(schedule).ok_or_else(ErrorObject::schedule_not_found)?;
    let layout = asked.layouts.of(view, topic).await.ok_or_else(ErrorObject::internal)?;
    Ok(layout.response(asked.headers, "no-cache"))
}

/// Also of performances that have begun, and without a place in line.
pub async fn all(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let schedule = ScheduleId(number(id, "schedule_id")?);
    let context = asked.context;
    let view = context.woken_sale_of_schedule(schedule).await?;
    let seats = view.topic(schedule).ok_or_else(ErrorObject::schedule_not_found)?.snapshot();
    let snapshot = Outcome::Snapshot { schedule, seats };
    let text = translate::result(&context.fanout, context.clock.utc(), &snapshot)?;
    Ok(reply::json_text(StatusCode::OK, text))
}

pub async fn restrict(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let schedule = ScheduleId(number(id, "schedule_id")?);
    let change: RestrictSeats = parse_body(&asked.body)?;
    let done = asked.context.restrict_seats(schedule, &change, &asked.actor()?).await?;
    Ok(reply::json(StatusCode::OK, &done))
}

pub async fn sell(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let schedule = ScheduleId(number(id, "schedule_id")?);
    let sale: SellSeats = parse_body(&asked.body)?;
    let sold = asked.context.sell_seats(schedule, sale, asked.actor()?).await?;
    let status = if sold.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(reply::json(status, &sold))
}
