//! The sales: what operators see of them, and what they change.

use frontrow_protocol::admin::{SalePatch, Sales};
use frontrow_protocol::{ErrorObject, Timestamp as WireTime, parse_body};
use futures_util::future::join_all;
use hyper::StatusCode;

use super::OpsAsked;
use crate::desk::ops::POINTS_MAX;
use crate::desk::{Context, translate};
use crate::domain::command::{Answer, Command};
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;
use crate::http::query::number;
use crate::http::reply::{self, ApiResult};
use crate::limits::{FIGURES_OF, FIGURES_PATIENCE};

pub async fn list(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    let context = asked.context;
    // All are asked at once, and none keeps the others from being seen.
    let sales = context.fanout.sales().into_iter().map(|view| async move {
        let answers = tokio::select! {
            biased;
            reply = context.submit_and_wait(view.id(), Command::Figures) => reply.is_ok(),
            () = context.clock.run_out(FIGURES_PATIENCE) => false,
        };
        translate::standing(&view.standing(context.clock.utc()), answers)
    });
    Ok(reply::json(StatusCode::OK, &Sales { sales: join_all(sales).await }))
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
    match ask(
        asked.context,
        concert,
        Command::Configure { patch: Box::new(patch), was: was.map(Box::new), by },
    )
    .await?
    {
        Answer::Figures(figures) => {
            Ok(reply::json(StatusCode::OK, &translate::figures(&view.concert().title, &figures)))
        }
        _ => Err(ErrorObject::internal()),
    }
}

/// What was kept of a sale; of the last hours, unless it is said of which.
pub async fn kept(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&["from", "to", "points"])?;
    let concert = ConcertId(number(id, "concert_id")?);
    let (from, to) = span(asked)?;
    let points = asked.query.get("points").map(|points| number(points, "points")).transpose()?;
    let points = points.unwrap_or(POINTS_MAX);
    if !(1..=POINTS_MAX).contains(&points) {
        let problem = format!("`points` must be 1 to {POINTS_MAX}");
        return Err(ErrorObject::invalid_params(Some("points"), &problem));
    }
    let kept = asked.context.kept_figures(concert, from, to, points).await?;
    Ok(reply::json(StatusCode::OK, &kept))
}

/// The time that figures are asked of: the last hours, unless it is said.
pub fn span(asked: &OpsAsked<'_>) -> Result<(Timestamp, Timestamp), ErrorObject> {
    let moment = |name: &str| -> Result<Option<Timestamp>, ErrorObject> {
        let Some(text) = asked.query.get(name) else { return Ok(None) };
        let moment: WireTime = text.parse().map_err(|_| {
            ErrorObject::invalid_params(
                Some(name),
                &format!("`{name}` is no time such as 2026-07-01T10:00:00Z"),
            )
        })?;
        Ok(Some(Timestamp::from_millis(moment.as_millis())))
    };
    let to = moment("to")?.unwrap_or_else(|| asked.context.clock.utc());
    let from = moment("from")?.unwrap_or_else(|| to - FIGURES_OF);
    if from >= to {
        return Err(ErrorObject::invalid_params(Some("from"), "`from` has to be before `to`"));
    }
    Ok((from, to))
}

async fn ask(context: &Context, concert: ConcertId, command: Command) -> Result<Answer, ErrorObject> {
    let reply = context.submit_and_wait(concert, command).await;
    reply.map_err(|refusal| translate::refusal(&refusal))
}
