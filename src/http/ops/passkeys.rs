//! Passkeys: adding and removing one's own, and signing in by one.

use frontrow_protocol::ops::passkeys::{NewPasskey, PasskeyInfo, Passkeys};
use frontrow_protocol::ops::who::PasskeySignIn;
use frontrow_protocol::{ErrorObject, Role, parse_body};
use hyper::StatusCode;

use super::OpsAsked;
use crate::desk::operators::passkeys::{self, Fault, Purpose, Site};
use crate::desk::translate::time;
use crate::domain::ids::OperatorId;
use crate::http::common::origin_of;
use crate::http::query::number;
use crate::http::reply::{self, ApiResult};
use crate::store::operators::{OperatorRecord, SessionRecord};
use crate::store::passkeys::{self as store, AddOutcome, PasskeyKey, PasskeyRecord};

/// Anybody may begin: nothing is written, and the answer says nothing of who has a passkey.
pub async fn sign_in_challenge(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    asked.may_try()?;
    let (context, site) = (asked.context, site(asked)?);
    let ceremony = passkeys::begin(&context.auth, Purpose::SignIn, context.clock.utc());
    Ok(reply::json(StatusCode::CREATED, &passkeys::request(ceremony, &site)))
}

/// One that is unknown is refused as one that signs wrongly.
pub(super) async fn sign_in(
    asked: &OpsAsked<'_>,
    tried: &PasskeySignIn,
) -> Result<(String, SessionRecord), ErrorObject> {
    let (context, site) = (asked.context, site(asked)?);
    let over = || ErrorObject::unauthenticated("this sign-in is over: begin again");
    let now = context.clock.utc();
    let ceremony = passkeys::resume(&context.auth, &tried.ceremony, Purpose::SignIn, now).ok_or_else(over)?;
    let refused = |fault: Fault| ErrorObject::unauthenticated(format!("the passkey: {fault}"));
    let credential = passkeys::credential_of(&tried.credential).map_err(refused)?;
    let known = context.read(context.passkeys()?.passkey(&credential)).await?;
    let known = known.ok_or_else(|| refused(Fault::WrongSignature))?;
    let count = passkeys::asserted(&tried.credential, &known, &ceremony, &site).map_err(|fault| {
        if fault == Fault::Copied {
            tracing::warn!(passkey = known.id, operator = %known.operator, "a passkey was used with a count of before: there may be a copy of it");
        }
        refused(fault)
    })?;
    let used = PasskeyKey { count, ..known };
    let begun = context.sign_in_by_passkey(&used, ceremony, asked.client, asked.device()).await?;
    begun.ok_or_else(over)
}

/// An owner may ask for somebody else's.
pub async fn all(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&["operator_id"])?;
    let own = asked.operator()?;
    let named = asked.query.get("operator_id").map(|id| number(id, "operator_id").map(OperatorId));
    let of = named.transpose()?.or(own.id);
    if of != own.id && !own.roles.contains(Role::Owner) {
        return Err(ErrorObject::needs_role(super::OWNER));
    }
    let known = match of {
        Some(of) => asked.context.read(asked.context.passkeys()?.passkeys(of)).await?,
        // Nobody knows who asks.
        None => Vec::new(),
    };
    Ok(reply::json(StatusCode::OK, &Passkeys { passkeys: known.iter().map(info).collect() }))
}

pub async fn challenge(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    let (context, site, operator) = (asked.context, site(asked)?, own(asked).await?);
    let known = context.read(context.passkeys()?.passkeys(operator.id)).await?;
    let known: Vec<_> = known.into_iter().map(|passkey| passkey.credential).collect();
    let ceremony = passkeys::begin(&context.auth, Purpose::Add(operator.id), context.clock.utc());
    Ok(reply::json(StatusCode::CREATED, &passkeys::creation(ceremony, &site, &operator, &known)))
}

pub async fn add(asked: &OpsAsked<'_>) -> ApiResult {
    asked.query.only(&[])?;
    let NewPasskey { ceremony, name, credential } = parse_body(&asked.body)?;
    let (context, site, operator) = (asked.context, site(asked)?, own(asked).await?);
    let (note, purpose) = (asked.note()?, Purpose::Add(operator.id));
    let over = || ErrorObject::invalid_params(Some("ceremony"), "it is over or was never begun: begin again");
    let ceremony = passkeys::resume(&context.auth, &ceremony, purpose, note.at).ok_or_else(over)?;
    let made = passkeys::registered(&credential, &ceremony, &site)
        .map_err(|fault| ErrorObject::invalid_params(Some("credential"), &fault.to_string()))?;
    let new = store::NewPasskey {
        operator: operator.id,
        name: name.trim().to_owned(),
        credential: made.credential,
        key: made.key,
        count: made.count,
    };
    match context.change(context.passkeys()?.add_passkey(&new, ceremony, &note)).await? {
        AddOutcome::Added(added) => Ok(reply::json(StatusCode::CREATED, &info(&added))),
        AddOutcome::Spent => Err(over()),
        AddOutcome::Known => {
            Err(ErrorObject::invalid_params(Some("credential"), "this passkey is somebody's already"))
        }
        AddOutcome::TooMany => Err(passkeys::too_many()),
        AddOutcome::NoSuchOperator => Err(signs_in_elsewhere()),
    }
}

/// One's own, or, for an owner, anybody's.
pub async fn remove(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&[])?;
    let (id, own) = (number(id, "passkey_id")?, asked.operator()?);
    let of = match own.roles.contains(Role::Owner) {
        true => None,
        // Nobody's, if nobody knows who asks.
        false => Some(own.id.ok_or_else(|| ErrorObject::not_found("passkey"))?),
    };
    let note = asked.note()?;
    let removed = asked.context.change(asked.context.passkeys()?.remove_passkey(id, of, &note)).await?;
    if removed { Ok(reply::done()) } else { Err(ErrorObject::not_found("passkey")) }
}

/// The operator who asks, if we are the ones who sign them in.
async fn own(asked: &OpsAsked<'_>) -> Result<OperatorRecord, ErrorObject> {
    let own = asked.operator()?;
    let (Some(id), Some(_)) = (own.id, own.session) else { return Err(signs_in_elsewhere()) };
    let known = asked.context.read(asked.context.operators()?.operator(id)).await?;
    known.ok_or_else(signs_in_elsewhere)
}

fn signs_in_elsewhere() -> ErrorObject {
    ErrorObject::invalid_params(None, "only who is signed in here by a link or a passkey can add one")
}

fn site(asked: &OpsAsked<'_>) -> Result<Site, ErrorObject> {
    let base_url = asked.context.admin_base_url.clone().or_else(|| origin_of(asked.headers));
    base_url.as_deref().and_then(Site::of).ok_or_else(|| {
        ErrorObject::invalid_params(
            None,
            "passkeys need a name: open the console by one, or at localhost, not by an IP address",
        )
    })
}

fn info(passkey: &PasskeyRecord) -> PasskeyInfo {
    PasskeyInfo {
        passkey_id: passkey.id,
        operator_id: passkey.operator.0,
        name: passkey.name.clone(),
        made_at: time(passkey.made_at),
        used_at: passkey.used_at.map(time),
    }
}
