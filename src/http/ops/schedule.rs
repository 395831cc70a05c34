//! What is sold of a performance, and what an operator changes of it.

use frontrow_protocol::ops::schedule::{NewSchedule, SchedulePatch};
use frontrow_protocol::parse_body;
use hyper::StatusCode;

use super::OpsAsked;
use crate::domain::ids::{ConcertId, ScheduleId};
use crate::http::query::number;
use crate::http::reply::{self, ApiResult};

pub async fn sold(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let sold = asked.context.sold_orders(ScheduleId(number(id, "schedule_id")?)).await?;
    Ok(reply::json(StatusCode::OK, &sold))
}

pub async fn change(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let schedule = ScheduleId(number(id, "schedule_id")?);
    let patch: SchedulePatch = parse_body(&asked.body)?;
    let changed = asked.context.change_schedule(schedule, &patch, &asked.actor()?).await?;
    Ok(reply::json(StatusCode::OK, &changed))
}

pub async fn add(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let concert = ConcertId(number(id, "concert_id")?);
    let new: NewSchedule = parse_body(&asked.body)?;
    let added = asked.context.add_schedule(concert, &new, asked.actor()?).await?;
    Ok(reply::json(StatusCode::CREATED, &added))
}
