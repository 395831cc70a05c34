//! Webhooks, and what was sent to them.

use frontrow_protocol::limits::{DELIVERIES_DEFAULT, DELIVERIES_MAX};
use frontrow_protocol::ops::webhooks::NewWebhook;
use frontrow_protocol::{ErrorObject, parse_body};
use hyper::StatusCode;
use uuid::Uuid;

use super::OpsAsked;
use crate::http::query::number;
use crate::http::reply::{self, ApiResult};

pub async fn list(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    Ok(reply::json(StatusCode::OK, &asked.context.list_webhooks().await?))
}

pub async fn add(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    let new: NewWebhook = parse_body(&asked.body)?;
    let made = asked.context.add_webhook(new, &asked.note()?).await?;
    Ok(reply::json(StatusCode::CREATED, &made))
}

pub async fn stop(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    asked.context.stop_webhook(number(id, "webhook_id")?, &asked.note()?).await?;
    Ok(reply::done())
}

pub async fn rotate(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let made = asked.context.rotate_webhook(number(id, "webhook_id")?, &asked.note()?).await?;
    Ok(reply::json(StatusCode::OK, &made))
}

pub async fn test(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let sent = asked.context.test_webhook(number(id, "webhook_id")?).await?;
    Ok(reply::json(StatusCode::ACCEPTED, &sent))
}

pub async fn deliveries(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&["before", "limit"])?;
    let webhook = number(id, "webhook_id")?;
    let before = asked.query.get("before").map(|id| uuid(id, "before")).transpose()?;
    let limit = asked.query.get("limit").map(|limit| number(limit, "limit")).transpose()?;
    let limit = limit.unwrap_or(DELIVERIES_DEFAULT);
    if !(1..=DELIVERIES_MAX).contains(&limit) {
        let problem = format!("`limit` must be 1 to {DELIVERIES_MAX}");
        return Err(ErrorObject::invalid_params(Some("limit"), &problem));
    }
    let found = asked.context.list_deliveries(webhook, before, limit).await?;
    Ok(reply::json(StatusCode::OK, &found))
}

pub async fn resend(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let sent = asked.context.resend(uuid(id, "delivery_id")?, &asked.note()?).await?;
    Ok(reply::json(StatusCode::ACCEPTED, &sent))
}

fn uuid(text: &str, name: &str) -> Result<Uuid, ErrorObject> {
    let refused = |_| ErrorObject::invalid_params(Some(name), &format!("`{name}` is not a UUID"));
    Uuid::try_parse(text).map_err(refused)
}
