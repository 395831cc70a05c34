//! Whether a sale is ready before its doors open.

use frontrow_protocol::ErrorObject;
use hyper::StatusCode;

use super::OpsAsked;
use crate::domain::ids::ConcertId;
use crate::http::query::number;
use crate::http::reply::{self, ApiResult};

pub async fn of_sale(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&["concert"])?;
    let missing = || ErrorObject::invalid_params(Some("concert"), "`concert` has to name a sale");
    let concert = ConcertId(number(asked.query.get("concert").ok_or_else(missing)?, "concert")?);
    Ok(reply::json(StatusCode::OK, &asked.context.readiness(concert).await?))
}
