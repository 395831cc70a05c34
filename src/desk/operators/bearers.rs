//! The operator behind a session's token, and behind an issuer's token that names roles.
//!
//! Always: who is signed out, shut out, or loses a role may do nothing more at once on this server, and after
//! `OPERATOR_CHECK_INTERVAL` on every other one. Not here: whether a token is good, which `auth` says.

use frontrow_protocol::{ErrorObject, RoleSet};

use super::sessions::{Checked, External, Known};
use super::{Operator, links};
use crate::desk::Context;
use crate::domain::time::Timestamp;
use crate::limits::OPERATOR_SEEN_INTERVAL;
use crate::store::operators::{Operators, SessionRecord};
use crate::store::passkeys::Passkeys;

impl Context {
    /// What the store keeps of operators.
    pub fn operators(&self) -> Result<&dyn Operators, ErrorObject> {
        self.store.operators().ok_or_else(ErrorObject::internal)
    }

    /// What the store keeps of their passkeys.
    pub fn passkeys(&self) -> Result<&dyn Passkeys, ErrorObject> {
        self.store.passkeys().ok_or_else(ErrorObject::internal)
    }

    /// The operator of a session's token, and when the session ends (UTC).
    pub(in crate::desk) async fn operator_of_session(
        &self,
        token: &str,
    ) -> Result<(Operator, Timestamp), ErrorObject> {
        let over = || ErrorObject::unauthenticated("the session is over: sign in again");
        let secret = links::hash_of_token(token).ok_or_else(over)?;
        let (now, steady) = (self.clock.utc(), self.clock.steady());
        let is_good = |known: &Known| {
            self.sessions.is_fresh(known.checked, steady)
                && now < known.seen_at + OPERATOR_SEEN_INTERVAL
                && now < known.expires_at
        };
        let known = match self.sessions.known.get(&secret).filter(is_good) {
            Some(known) => known,
            None => {
                let checked = self.sessions.checked(steady);
                let session = self.read(self.operators()?.session(secret)).await?;
                let session = session.filter(|session| is_live(session, now)).ok_or_else(over)?;
                let known = self.seen(&session, now, checked).await;
                self.sessions.known.insert(secret, known);
                known
            }
        };
        let roles = RoleSet::of(&[known.role]);
        let operator = Operator { id: Some(known.operator), roles, session: Some(known.session) };
        Ok((operator, known.expires_at))
    }

    /// Writes down that somebody was there, from time to time. A store that takes nothing shuts nobody out: operators are
    /// needed most while something is wrong. Then the session ends as it would have, and it is tried again later.
    async fn seen(&self, session: &SessionRecord, now: Timestamp, checked: Checked) -> Known {
        let (mut seen_at, mut expires_at) = (session.seen_at, session.expires_at);
        if seen_at + OPERATOR_SEEN_INTERVAL <= now {
            seen_at = now;
            let later = self.sessions.expires_at(session.made_at, now);
            if let Some(operators) = self.store.operators()
                && self.change(operators.see_session(session.id, seen_at, later)).await.is_ok()
            {
                expires_at = later;
            }
        }
        let (operator, role) = (session.operator.id, session.operator.role);
        Known { session: session.id, operator, role, seen_at, expires_at, checked }
    }

    /// The operator whom an issuer names, with these roles. `None`: they are shut out.
    pub(in crate::desk) async fn operator_of_subject(
        &self,
        issuer: &str,
        subject: &str,
        roles: RoleSet,
    ) -> Result<Option<Operator>, ErrorObject> {
        // The list shows one.
        let Some(role) = roles.iter().next() else { return Ok(None) };
        let (key, steady) = ((issuer.to_owned(), subject.to_owned()), self.clock.steady());
        let is_good = |known: &External| known.role == role && self.sessions.is_fresh(known.checked, steady);
        let known = match self.sessions.externals.get(&key).filter(is_good) {
            Some(known) => known,
            None => {
                let checked = self.sessions.checked(steady);
                let found = self.operators()?.operator_of_subject(issuer, subject, role, self.clock.utc());
                let found = self.read(found).await?;
                let disabled = found.disabled_at.is_some();
                let known = External { operator: found.id, role, disabled, checked };
                self.sessions.externals.insert(key, known);
                known
            }
        };
        Ok((!known.disabled).then_some(Operator { id: Some(known.operator), roles, session: None }))
    }
}

fn is_live(session: &SessionRecord, now: Timestamp) -> bool {
    session.ended_at.is_none() && now < session.expires_at && session.operator.disabled_at.is_none()
}
