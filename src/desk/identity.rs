//! The identity behind a token. An access token names a user, an operator, or both; a queue token acts as its user in
//! its sale.

use std::net::IpAddr;

use frontrow_protocol::{ErrorObject, Method, Reason, RoleSet};
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use uuid::Uuid;

use super::auth::Subject;
use super::context::Context;
use super::gate::QueueBearer;
use super::operators::links::TOKEN_PREFIX;
use super::operators::{Badge, Operator};
use super::replies;
use crate::domain::actor::{Actor, Who};
use crate::domain::command::{Answer, Command};
use crate::domain::ids::{AddressBlock, QueueToken, UserId};
use crate::domain::time::Timestamp;
use crate::fanout::Refusal;
use crate::limits;
use crate::store::StoreError;

/// A token's bearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `None`: an operator's token that names nobody.
    pub user: Option<UserId>,
    /// `None`: a fan.
    pub operator: Option<Operator>,
    /// Nobody vouches for them, so limits by address hold.
    pub guest: bool,
    /// Came by this queue token.
    pub queue: Option<QueueBearer>,
    /// UTC: an access token's end.
    pub ends_at: Option<Timestamp>,
}

impl Context {
    /// The owner of a token, access or queue.
    pub async fn identify(&self, token: &str) -> Result<Identity, ErrorObject> {
        match Uuid::try_parse(token) {
            Ok(uuid) => self.owner_of(QueueToken(uuid)).await,
            Err(_) => self.bearer_of(token).await,
        }
    }

    /// The owner of a queue token, whatever its status.
    pub(super) async fn owner_of(&self, token: QueueToken) -> Result<Identity, ErrorObject> {
        let concert = token.concert().ok_or_else(replies::unknown_queue_token)?;
        match self.submit_and_wait(concert, Command::Resume { token, connection: None }).await {
            Ok(Answer::Resumed { place, .. }) => {
                let user = place.record.user;
                let guest = self.is_guest(user).await?.unwrap_or(true);
                let queue = Some(QueueBearer::of(&place.record));
                Ok(Identity { user: Some(user), operator: None, guest, queue, ends_at: None })
            }
            // It was a question: there is no outcome to look for.
            Err(Refusal::OutcomeUnknown) => {
                Err(ErrorObject::unavailable(limits::UNAVAILABLE_RETRY_AFTER.as_millis() as u64))
            }
            Err(refusal) => Err(replies::refusal_of_token(&refusal)),
            Ok(_) => Err(ErrorObject::internal()),
        }
    }

    pub(super) async fn bearer_of(&self, token: &str) -> Result<Identity, ErrorObject> {
        if token.starts_with(TOKEN_PREFIX) {
            let (operator, ends_at) = self.operator_of_session(token).await?;
            let (operator, ends_at) = (Some(operator), Some(ends_at));
            return Ok(Identity { user: None, operator, guest: false, queue: None, ends_at });
        }
        let verified = self
            .auth
            .verify(token, self.clock.utc())
            .map_err(|error| ErrorObject::unauthenticated(error.to_string()))?;
        let mut guest = false;
        let mut operator = unnamed(verified.roles);
        let user = match verified.subject {
            Subject::Nobody => None,
            Subject::User(user) => {
                guest = self.is_guest(user).await?.ok_or_else(ErrorObject::user_not_found)?;
                Some(user)
            }
            Subject::External { issuer, subject } => {
                if operator.is_some() {
                    operator = self.operator_of_subject(&issuer, &subject, verified.roles).await?;
                }
                let key = (issuer, subject);
                Some(match self.externals.get(&key) {
                    Some(user) => user,
                    None => {
                        let made = self.store.user_of_subject(&key.0, &key.1, self.clock.utc());
                        let user = self.read(made).await?;
                        self.externals.insert(key, user);
                        user
                    }
                })
            }
        };
        let ends_at = Some(verified.ends_at);
        Ok(Identity { user, operator, guest, queue: None, ends_at })
    }

    /// Does nobody vouch for this user? `None`: there is no such user, which is looked up every time, because
    /// `frontrow user add` may just make it.
    async fn is_guest(&self, user: UserId) -> Result<Option<bool>, ErrorObject> {
        if let Some(guest) = self.users.get(&user) {
            return Ok(Some(guest));
        }
        let known = self.read(self.store.user(user)).await?;
        Ok(known.map(|known| {
            self.users.insert(user, known.guest);
            known.guest
        }))
    }

    /// The address whose limits on guests hold for this one, if any do.
    pub fn guest_of(&self, identity: &Identity, client: IpAddr) -> Option<AddressBlock> {
        if identity.guest { self.addresses.block(client) } else { None }
    }
}

/// An operator of whom no more is known than what they may.
fn unnamed(roles: RoleSet) -> Option<Operator> {
    (!roles.is_empty()).then_some(Operator { id: None, roles, session: None })
}

impl Identity {
    /// As whoever changes something is noted.
    pub fn actor(&self, client: IpAddr) -> Actor {
        let operator = self.operator.and_then(|operator| operator.id).map(Who::Operator);
        let who = operator.or(self.user.map(Who::User)).unwrap_or(Who::Unnamed);
        Actor { who, from: Some(client.to_string().into()) }
    }

    /// The operator's badge, by the token that they came with.
    pub fn badge(&self, token: impl Into<Box<str>>) -> Option<Badge> {
        self.operator.map(|operator| Badge { operator, token: token.into() })
    }

    /// May this be asked for at `now` (UTC)?
    pub fn may_request(&self, method: Method, now: Timestamp) -> Result<(), ErrorObject> {
        self.queue.map_or(Ok(()), |bearer| bearer.may_request(method, now))
    }

    /// The user; an operator's token names none.
    pub fn user(&self) -> Result<UserId, ErrorObject> {
        self.user.ok_or_else(|| ErrorObject::new(Reason::Forbidden, "this token names no user"))
    }
}

/// The token of an `Authorization` header, if there is one; the scheme's name is written as one likes.
pub fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, ErrorObject> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    token
        .filter(|token| !token.is_empty())
        .map(Some)
        .ok_or_else(|| ErrorObject::unauthenticated("`Authorization` must look like `Bearer` and a token"))
}

/// The store could not answer: the client may ask again, the log has the cause.
pub fn unavailable(error: &StoreError) -> ErrorObject {
    tracing::warn!(error = error as &dyn std::error::Error, "the store could not answer");
    ErrorObject::unavailable(limits::UNAVAILABLE_RETRY_AFTER.as_millis() as u64)
}
