//! Orders that are looked for, and the life of one.

use frontrow_protocol::ErrorObject;
use frontrow_protocol::limits::{ORDERS_FOUND_DEFAULT, ORDERS_FOUND_MAX, USER_NAME_CHARS_MAX};
use hyper::StatusCode;
use uuid::Uuid;

use super::OpsAsked;
use crate::desk::ops::orders::{Page, Sought};
use crate::domain::ids::{ConcertId, ReservationId, ScheduleId, UserId};
use crate::http::query::{Query, number};
use crate::http::reply::{self, ApiResult};

/// The ways of finding orders, of which one is named.
const WAYS: [&str; 6] = ["reservation_id", "ticket", "user_id", "name", "concert_id", "schedule_id"];

pub async fn find(asked: &OpsAsked<'_>) -> ApiResult {
    let sought = sought(asked.query)?;
    let limit = match asked.query.get("limit") {
        None => ORDERS_FOUND_DEFAULT,
        Some(limit) => number(limit, "limit")?,
    };
    if !(1..=ORDERS_FOUND_MAX).contains(&limit) {
        let problem = format!("`limit` must be from 1 to {ORDERS_FOUND_MAX}");
        return Err(ErrorObject::invalid_params(Some("limit"), &problem));
    }
    let before = asked.query.get("before").map(|id| order_id(id, "before")).transpose()?;
    let found = asked.context.find_orders(&sought, Page { before, limit }).await?;
    Ok(reply::json(StatusCode::OK, &found))
}

fn sought(query: Query<'_>) -> Result<Sought, ErrorObject> {
    let [reservation, ticket, user, name, concert, schedule] = WAYS;
    query.only(&[reservation, ticket, user, name, concert, schedule, "seat", "before", "limit"])?;
    let mut named = WAYS.iter().copied().filter(|way| query.get(way).is_some());
    let (Some(way), None) = (named.next(), named.next()) else {
        let problem = "name one of `reservation_id`, `ticket`, `user_id`, `name`, `concert_id`, or `schedule_id` with `seat`";
        return Err(ErrorObject::invalid_params(None, problem));
    };
    let value = query.get(way).unwrap_or_default();
    let text = |name: &str| {
        let missing = || ErrorObject::invalid_params(Some(name), &format!("`{name}` is missing"));
        let text = query.text(name)?.ok_or_else(missing)?;
        match text.chars().count() <= USER_NAME_CHARS_MAX {
            true => Ok(text),
            false => {
                let problem = format!("`{name}` has at most {USER_NAME_CHARS_MAX} characters");
                Err(ErrorObject::invalid_params(Some(name), &problem))
            }
        }
    };
    if way != schedule && query.get("seat").is_some() {
        let problem = "`seat` is the label of a seat of a performance, which `schedule_id` names";
        return Err(ErrorObject::invalid_params(Some("seat"), problem));
    }
    Ok(match way {
        "reservation_id" => Sought::Order(order_id(value, way)?),
        "ticket" => Sought::Ticket(text(way)?),
        "user_id" => Sought::User(UserId(number(value, way)?)),
        "name" => Sought::Name(text(way)?),
        "concert_id" => Sought::Concert(ConcertId(number(value, way)?)),
        _ => Sought::Seat(ScheduleId(number(value, way)?), text("seat")?),
    })
}

pub async fn life(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let life = asked.context.order_life(order_id(id, "reservation_id")?).await?;
    Ok(reply::json(StatusCode::OK, &life))
}

fn order_id(id: &str, name: &str) -> Result<ReservationId, ErrorObject> {
    let id = Uuid::try_parse(id).map(ReservationId);
    id.map_err(|_| ErrorObject::invalid_params(Some(name), &format!("`{name}` is not a UUID")))
}
