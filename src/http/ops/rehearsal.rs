//! Rehearsals of a sale.

use frontrow_protocol::ops::rehearsal::BeginRehearsal;
use frontrow_protocol::parse_body;
use hyper::StatusCode;

use super::OpsAsked;
use crate::domain::ids::ConcertId;
use crate::http::query::number;
use crate::http::reply::{self, ApiResult};

pub async fn last(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let concert = ConcertId(number(id, "concert_id")?);
    Ok(reply::json(StatusCode::OK, &asked.context.rehearsal(concert).await?))
}

pub async fn begin(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let concert = ConcertId(number(id, "concert_id")?);
    let wanted: BeginRehearsal = parse_body(&asked.body)?;
    let begun = asked.context.begin_rehearsal(concert, wanted, asked.note()?).await?;
    Ok(reply::json(StatusCode::CREATED, &begun))
}

pub async fn end(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let concert = ConcertId(number(id, "concert_id")?);
    let ends = asked.context.end_rehearsal(concert, asked.note()?).await?;
    Ok(reply::json(StatusCode::OK, &ends))
}
