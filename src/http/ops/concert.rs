//! What is said of a concert, and what an operator changes of it.

use frontrow_protocol::ops::concert::ConcertPatch;
use frontrow_protocol::parse_body;
use hyper::StatusCode;

use super::OpsAsked;
use crate::domain::ids::ConcertId;
use crate::http::query::number;
use crate::http::reply::{self, ApiResult};

pub async fn get(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let concert = asked.context.house_concert(ConcertId(number(id, "concert_id")?)).await?;
    Ok(reply::json(StatusCode::OK, &concert))
}

pub async fn change(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let concert = ConcertId(number(id, "concert_id")?);
    let patch: ConcertPatch = parse_body(&asked.body)?;
    let changed = asked.context.describe(concert, patch, &asked.actor()?).await?;
    Ok(reply::json(StatusCode::OK, &changed))
}
