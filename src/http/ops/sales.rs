//! The sales: what operators see of them, and what they change.

use frontrow_protocol::admin::{SalePatch, Sales};
use frontrow_protocol::{ErrorObject, parse_body};
use hyper::StatusCode;

use super::OpsAsked;
use crate::desk::{Context, translate};
use crate::domain::command::{Answer, Command};
use crate::domain::ids::ConcertId;
use crate::http::query::number;
use crate::http::reply::{self, ApiResult};

pub async fn list(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    let mut sales = Vec::new();
    for view in asked.context.fanout.sales() {
        if let Answer::Figures(figures) = ask(asked.context, view.id(), Command::Figures).await? {
            sales.push(translate::figures(&view.concert().title, &figures));
        }
    }
    Ok(reply::json(StatusCode::OK, &Sales { sales }))
}

pub async fn change(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let by = asked.actor()?;
    let concert = ConcertId(number(id, "concert_id")?);
    let mut patch: SalePatch = parse_body(&asked.body)?;
    let was = patch.was.take();
    if was.as_ref().is_some_and(|was| was.was.is_some()) {
        return Err(ErrorObject::invalid_params(Some("was"), "`was` has no `was` in it"));
    }
    let view = asked.context.fanout.sale(concert).ok_or_else(ErrorObject::concert_not_found)?;
    let (patch, was) = (translate::sale_patch(patch), was.map(|was| translate::sale_patch(*was)));
    match ask(asked.context, concert, Command::Configure { patch, was, by }).await? {
        Answer::Figures(figures) => {
            Ok(reply::json(StatusCode::OK, &translate::figures(&view.concert().title, &figures)))
        }
        _ => Err(ErrorObject::internal()),
    }
}

async fn ask(context: &Context, concert: ConcertId, command: Command) -> Result<Answer, ErrorObject> {
    let reply = context.submit_and_wait(concert, command).await;
    reply.map_err(|refusal| translate::refusal(&refusal))
}
