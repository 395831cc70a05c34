//! What is wrong, and who saw it.

use frontrow_protocol::ErrorObject;
use frontrow_protocol::limits::{ALARMS_PAST_DEFAULT, ALARMS_PAST_MAX};
use hyper::StatusCode;

use super::OpsAsked;
use crate::http::query::number;
use crate::http::reply::{self, ApiResult};

pub async fn list(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&["before", "limit"])?;
    let before = asked.query.get("before").map(|before| number(before, "before")).transpose()?;
    let limit = asked.query.get("limit").map(|limit| number(limit, "limit")).transpose()?;
    let limit = limit.unwrap_or(ALARMS_PAST_DEFAULT);
    if !(1..=ALARMS_PAST_MAX).contains(&limit) {
        let problem = format!("`limit` must be 1 to {ALARMS_PAST_MAX}");
        return Err(ErrorObject::invalid_params(Some("limit"), &problem));
    }
    let alarms = asked.context.list_alarms(before, limit).await?;
    Ok(reply::json(StatusCode::OK, &alarms))
}

pub async fn see(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let alarm = asked.context.see_alarm(number(id, "alarm_id")?, &asked.note()?).await?;
    Ok(reply::json(StatusCode::OK, &alarm))
}

pub async fn end(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let alarm = asked.context.end_alarm(number(id, "alarm_id")?, &asked.note()?).await?;
    Ok(reply::json(StatusCode::OK, &alarm))
}
