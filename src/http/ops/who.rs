//! Operators, where they are signed in, and what they did.

use frontrow_protocol::limits::{LOG_ENTRIES_DEFAULT, LOG_ENTRIES_MAX};
use frontrow_protocol::ops::who;
use frontrow_protocol::{ErrorObject, Role, RoleSet, parse_body};
use hyper::StatusCode;
use serde_json::json;

use super::{OpsAsked, passkeys};
use crate::desk::operators::links::Secret;
use crate::desk::translate::time;
use crate::domain::ids::{ConcertId, OperatorId};
use crate::domain::time::Timestamp;
use crate::http::common::origin_of;
use crate::http::query::number;
use crate::http::reply::{self, ApiResult};
use crate::limits::OPERATOR_LINK_TTL;
use crate::store::operators::{
    ChangeOutcome, LogEntry, LogQuery, NewLink, OperatorChange, OperatorRecord, Seen, SessionRecord,
};

pub async fn sign_in(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    let context = asked.context;
    asked.may_try()?;
    let (token, session) = match parse_body(&asked.body)? {
        who::SignIn { link: Some(link), passkey: None } => {
            context.sign_in(&link, asked.client, asked.device()).await?
        }
        who::SignIn { link: None, passkey: Some(tried) } => passkeys::sign_in(asked, &tried).await?,
        who::SignIn { .. } => {
            return Err(ErrorObject::invalid_params(None, "either `link` or `passkey` is needed"));
        }
    };
    let signed_in = who::SignedIn {
        token,
        session_id: session.id,
        expires_at: time(session.expires_at),
        operator: operator(&session.operator),
    };
    Ok(reply::json(StatusCode::CREATED, &signed_in))
}

pub async fn own_session(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    let identity = asked.identity()?;
    let known = asked.operator()?;
    let session = match known.session {
        Some(id) => asked.context.read(asked.context.operators()?.session_of_id(id)).await?,
        None => None,
    };
    let own = who::OwnSession {
        session_id: known.session,
        operator: match (&session, known.id) {
            (Some(session), _) => operator(&session.operator),
            (None, Some(id)) => named(asked, id, known.roles).await?,
            (None, None) => who::Operator { operator_id: None, name: None, roles: known.roles },
        },
        expires_at: time(identity.ends_at.ok_or_else(ErrorObject::internal)?),
        way: session.map_or(who::Way::Token, |session| way(&session)),
    };
    Ok(reply::json(StatusCode::OK, &own))
}

/// Whom an issuer names: the roles are those of the token.
async fn named(asked: &OpsAsked<'_>, id: OperatorId, roles: RoleSet) -> Result<who::Operator, ErrorObject> {
    let record = asked.context.read(asked.context.operators()?.operator(id)).await?;
    Ok(who::Operator { operator_id: Some(id.0), name: record.map(|record| record.name), roles })
}

pub async fn sign_out(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    if let Some(session) = asked.operator()?.session {
        let note = asked.note()?;
        asked.context.change(asked.context.operators()?.end_session(session, None, &note)).await?;
        asked.context.sessions.changed();
    }
    Ok(reply::done())
}

pub async fn operators(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    let operators = asked.context.read(asked.context.operators()?.operators()).await?;
    let operators = operators.iter().map(info).collect();
    Ok(reply::json(StatusCode::OK, &who::Operators { operators }))
}

pub async fn add_operator(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    let who::NewOperator { name, role } = parse_body(&asked.body)?;
    let (note, secret) = (asked.note()?, Secret::random());
    let expires_at = note.at + OPERATOR_LINK_TTL;
    let link = NewLink { secret: secret.hash(), expires_at };
    let made = asked.context.operators()?.add_operator(name.trim(), role, Some(link), &note);
    let made = asked.context.change(made).await?;
    let made = who::MadeOperator { operator: info(&made), link: sign_in_link(asked, &secret, expires_at) };
    Ok(reply::json(StatusCode::CREATED, &made))
}

pub async fn change_operator(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let id = OperatorId(number(id, "operator_id")?);
    let who::OperatorPatch { name, role, disabled, was } = parse_body(&asked.body)?;
    let was = was.unwrap_or_default();
    let was = Seen { name: was.name, role: was.role, disabled: was.disabled };
    let change = OperatorChange { name: name.map(|name| name.trim().to_owned()), role, disabled, was };
    let note = asked.note()?;
    let changed = asked.context.operators()?.change_operator(id, &change, &note);
    let outcome = asked.context.change(changed).await?;
    asked.context.sessions.changed();
    match outcome {
        ChangeOutcome::Changed(operator) => Ok(reply::json(StatusCode::OK, &info(&operator))),
        ChangeOutcome::NoSuchOperator => Err(ErrorObject::not_found("operator")),
        ChangeOutcome::LastOwner => Err(ErrorObject::last_owner()),
        ChangeOutcome::IsOther(is) => {
            let disabled = json!(is.disabled_at.is_some());
            let is = [("name", json!(is.name)), ("role", json!(is.role)), ("disabled", disabled)];
            Err(ErrorObject::changed_meanwhile(
                is.map(|(name, is)| (name.to_owned(), is)).into_iter().collect(),
            ))
        }
        ChangeOutcome::IsExternal => Err(ErrorObject::invalid_params(
            None,
            "the issuer of this operator's tokens says their name and roles; here they can be shut out",
        )),
    }
}

pub async fn make_link(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let id = OperatorId(number(id, "operator_id")?);
    let (note, secret) = (asked.note()?, Secret::random());
    let expires_at = note.at + OPERATOR_LINK_TTL;
    let link = NewLink { secret: secret.hash(), expires_at };
    let made = asked.context.operators()?.add_link(id, link, &note);
    match asked.context.change(made).await? {
        Some(_) => Ok(reply::json(StatusCode::CREATED, &sign_in_link(asked, &secret, expires_at))),
        None => Err(ErrorObject::not_found("operator")),
    }
}

/// An owner sees everybody's, others their own.
pub async fn sessions(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&["operator_id"])?;
    let own = asked.operator()?;
    let named =
        asked.query.get("operator_id").map(|id| number(id, "operator_id").map(OperatorId)).transpose()?;
    let of = match own.roles.contains(Role::Owner) {
        true => named,
        false if named.is_some_and(|named| Some(named) != own.id) => {
            return Err(ErrorObject::needs_role(super::OWNER));
        }
        false => own.id,
    };
    let now = asked.context.clock.utc();
    let sessions = asked.context.read(asked.context.operators()?.sessions(of, now)).await?;
    let sessions = sessions.iter().map(|session| session_info(session, own.session)).collect();
    Ok(reply::json(StatusCode::OK, &who::Sessions { sessions }))
}

/// One's own, or, for an owner, anybody's.
pub async fn end_session(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let (id, own) = (number(id, "session_id")?, asked.operator()?);
    let of = match own.roles.contains(Role::Owner) {
        true => None,
        // Nobody's, if nobody knows who asks.
        false => Some(own.id.ok_or_else(|| ErrorObject::not_found("session"))?),
    };
    let note = asked.note()?;
    let ended = asked.context.change(asked.context.operators()?.end_session(id, of, &note)).await?;
    asked.context.sessions.changed();
    ended.map(|_| reply::done()).ok_or_else(|| ErrorObject::not_found("session"))
}

pub async fn log(asked: &OpsAsked<'_>) -> ApiResult {
    let query = asked.query;
    query.only(&["concert_id", "operator_id", "before", "limit"])?;
    let limit = match query.get("limit") {
        None => LOG_ENTRIES_DEFAULT,
        Some(limit) => match number(limit, "limit")? {
            limit @ 1..=LOG_ENTRIES_MAX => limit,
            _ => {
                let problem = format!("`limit` must be from 1 to {LOG_ENTRIES_MAX}");
                return Err(ErrorObject::invalid_params(Some("limit"), &problem));
            }
        },
    };
    let asked_for = LogQuery {
        concert: query.get("concert_id").map(|id| number(id, "concert_id").map(ConcertId)).transpose()?,
        operator: query.get("operator_id").map(|id| number(id, "operator_id").map(OperatorId)).transpose()?,
        subject: None,
        before: query.get("before").map(|id| number(id, "before")).transpose()?,
        limit,
    };
    let entries = asked.context.read(asked.context.operators()?.log(&asked_for)).await?;
    let next = (entries.len() == limit as usize).then(|| entries.last().map(|entry| entry.id)).flatten();
    let entries = entries.into_iter().map(log_entry).collect();
    Ok(reply::json(StatusCode::OK, &who::Log { entries, next }))
}

fn sign_in_link(asked: &OpsAsked<'_>, secret: &Secret, expires_at: Timestamp) -> who::SignInLink {
    let base_url = asked.context.admin_base_url.clone().or_else(|| origin_of(asked.headers));
    let url = secret.link(&base_url.unwrap_or_default());
    who::SignInLink { url, expires_at: time(expires_at) }
}

fn operator(record: &OperatorRecord) -> who::Operator {
    who::Operator {
        operator_id: Some(record.id.0),
        name: Some(record.name.clone()),
        roles: RoleSet::of(&[record.role]),
    }
}

fn info(record: &OperatorRecord) -> who::OperatorInfo {
    who::OperatorInfo {
        operator_id: record.id.0,
        name: record.name.clone(),
        role: record.role,
        disabled: record.disabled_at.is_some(),
        made_at: time(record.made_at),
        external: record.external,
    }
}

fn way(session: &SessionRecord) -> who::Way {
    match session.way.as_str() {
        "passkey" => who::Way::Passkey,
        _ => who::Way::Link,
    }
}

fn session_info(session: &SessionRecord, own: Option<u64>) -> who::SessionInfo {
    who::SessionInfo {
        session_id: session.id,
        operator_id: session.operator.id.0,
        name: session.operator.name.clone(),
        way: way(session),
        made_at: time(session.made_at),
        seen_at: time(session.seen_at),
        expires_at: time(session.expires_at),
        from: session.from.clone(),
        device: session.device.clone(),
        own: own == Some(session.id),
    }
}

fn log_entry(entry: LogEntry) -> who::LogEntry {
    let (operator_id, name, role) = match entry.operator {
        Some((id, name, role)) => (Some(id.0), Some(name), Some(role)),
        None => (None, None, None),
    };
    let (concert_id, title) = match entry.concert {
        Some((id, title)) => (Some(id.0), Some(title)),
        None => (None, None),
    };
    who::LogEntry {
        log_id: entry.id,
        at: time(entry.at),
        who: who::LogWho { operator_id, name, role, user_id: entry.user.map(|user| user.0) },
        from: entry.from,
        what: entry.what,
        concert_id,
        title,
        subject: entry.subject,
        was: entry.was,
        became: entry.became,
        reason: entry.reason,
    }
}
