//! Concerts that are being made, and the pictures of those that are there.

use frontrow_protocol::ops::making::{Announce, DraftPatch, GeneratePlan, ImageSize, Uploaded};
use frontrow_protocol::{ErrorObject, parse_body};
use hyper::StatusCode;

use super::OpsAsked;
use crate::http::query::number;
use crate::http::reply::{self, ApiResult, Fixed};

/// A drawing changes with its draft.
const LAYOUT_KEPT: &str = "no-cache";

pub async fn drafts(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    Ok(reply::json(StatusCode::OK, &asked.context.drafts().await?))
}

pub async fn add_draft(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    let patch: DraftPatch = parse_body(&asked.body)?;
    Ok(reply::json(StatusCode::CREATED, &asked.context.add_draft(patch, &asked.note()?).await?))
}

pub async fn draft(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    Ok(reply::json(StatusCode::OK, &asked.context.draft(draft_id(id)?).await?))
}

pub async fn change_draft(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let (id, patch): (_, DraftPatch) = (draft_id(id)?, parse_body(&asked.body)?);
    Ok(reply::json(StatusCode::OK, &asked.context.change_draft(id, patch, &asked.note()?).await?))
}

pub async fn drop_draft(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    asked.context.drop_draft(draft_id(id)?, &asked.note()?).await?;
    Ok(reply::done())
}

pub async fn upload_plan(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&["revision"])?;
    let id = draft_id(id)?;
    let revision = asked.query.get("revision").unwrap_or_default();
    let revision = number(revision, "revision")?;
    let plan = asked.body.clone();
    let draft = asked.context.set_plan(id, revision, plan, "draft.plan", &asked.note()?).await?;
    Ok(reply::json(StatusCode::OK, &draft))
}

pub async fn generate_plan(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let (id, of): (_, GeneratePlan) = (draft_id(id)?, parse_body(&asked.body)?);
    Ok(reply::json(StatusCode::OK, &asked.context.generate_plan(id, of, &asked.note()?).await?))
}

pub async fn layout(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let drawing = asked.context.draft_layout(draft_id(id)?).await?;
    let compress = move || Fixed::new("application/json", drawing.as_bytes());
    let drawing = tokio::task::spawn_blocking(compress).await.map_err(|_| ErrorObject::internal())?;
    Ok(drawing.response(asked.headers, LAYOUT_KEPT))
}

pub async fn page(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    Ok(reply::json(StatusCode::OK, &asked.context.draft_page(draft_id(id)?).await?))
}

pub async fn announce(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let (id, how): (_, Announce) = (draft_id(id)?, parse_body(&asked.body)?);
    Ok(reply::json(StatusCode::CREATED, &asked.context.announce_draft(id, how, &asked.note()?).await?))
}

pub async fn upload_image(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    let (image, sizes) = asked.context.add_picture(asked.body.clone(), &asked.note()?).await?;
    let size = |of: &crate::desk::ops::pictures::Picture| ImageSize {
        width: of.width,
        height: of.height,
        bytes: of.jpeg.len() as u32,
    };
    let uploaded = Uploaded { image_id: image.to_string(), sizes: sizes.iter().map(size).collect() };
    Ok(reply::json(StatusCode::CREATED, &uploaded))
}

fn draft_id(text: &str) -> Result<u64, ErrorObject> {
    number(text, "draft_id")
}
