//! Operators' passkeys. What changes one writes its line of the log in the same transaction.
//!
//! Always: a ceremony is spent once, together with what comes of it; a credential is one operator's; the counter of a passkey
//! only rises. Not here: whether a browser's answer is to be believed.

use async_trait::async_trait;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::SqlSafeStr;

use frontrow_protocol::limits::PASSKEYS_MAX;

use super::StoreError;
use super::backend::{Backend, begin, commit};
use super::columns::{Bind, Cells};
use super::operators::{
    NewSession, Note, SESSION, SessionRecord, add_log, begin_session, cut, operator, read_session,
};
use super::query::{self, Link};
use crate::domain::actor::{Actor, FROM_CHARS_MAX, Who};
use crate::domain::ids::OperatorId;
use crate::domain::time::Timestamp;

/// A ceremony that is to be finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceremony {
    pub challenge: [u8; 32],
    /// UTC. Until then it must not be spent again.
    pub ends_at: Timestamp,
}

/// A passkey to be added.
#[derive(Clone, Debug)]
pub struct NewPasskey {
    pub operator: OperatorId,
    pub name: String,
    pub credential: Vec<u8>,
    /// Its public key, as the authenticator wrote it.
    pub key: Vec<u8>,
    pub count: u32,
}

/// A passkey as its owner sees it. Times are UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyRecord {
    pub id: u64,
    pub operator: OperatorId,
    pub name: String,
    pub credential: Vec<u8>,
    pub made_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

/// What a signature is checked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyKey {
    pub id: u64,
    pub operator: OperatorId,
    pub key: Vec<u8>,
    pub count: u32,
}

/// What became of a new passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddOutcome {
    Added(PasskeyRecord),
    /// The ceremony was finished before.
    Spent,
    /// Somebody has it already.
    Known,
    TooMany,
    /// Its operator is not there any more, may do nothing, or signs in elsewhere.
    NoSuchOperator,
}

/// What is kept of passkeys.
#[async_trait]
pub trait Passkeys: Send + Sync {
    async fn add_passkey(
        &self,
        new: &NewPasskey,
        ceremony: Ceremony,
        note: &Note,
    ) -> Result<AddOutcome, StoreError>;

    /// Newest first.
    async fn passkeys(&self, of: OperatorId) -> Result<Vec<PasskeyRecord>, StoreError>;

    /// The passkey that has this credential.
    async fn passkey(&self, credential: &[u8]) -> Result<Option<PasskeyKey>, StoreError>;

    /// Removes one, of this operator alone if one is named. `false`: there is no such one.
    async fn remove_passkey(
        &self,
        passkey: u64,
        of: Option<OperatorId>,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Begins a session of a passkey's operator. `None`: the ceremony was finished before, the passkey is gone or was used
    /// with a higher count meanwhile, or its operator is disabled.
    async fn sign_in_by_passkey(
        &self,
        used: &PasskeyKey,
        ceremony: Ceremony,
        session: &NewSession,
        from: &str,
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, StoreError>;
}

const ADD: &str = "INSERT INTO operator_passkey \
       (operator_id, credential, credential_hash, key_state, sign_count, name, made_at) \
     VALUES (?, ?, ?, ?, ?, ?, ?)";
macro_rules! passkeys {
    ($where:literal) => {
        concat!(
            "SELECT passkey_id, operator_id, credential, key_state, sign_count, name, made_at, used_at \
             FROM operator_passkey WHERE ",
            $where
        )
    };
}
const PASSKEYS: &str = passkeys!("operator_id = ? ORDER BY passkey_id DESC LIMIT ?");
const PASSKEY: &str = passkeys!("passkey_id = ?");
const PASSKEY_OF_CREDENTIAL: &str = passkeys!("credential_hash = ?");
const REMOVE: &str = "DELETE FROM operator_passkey WHERE passkey_id = ?";
/// Nobody else adds one of the same operator before this transaction ends.
const LOCK: &str = "UPDATE operators SET role = role WHERE operator_id = ?";
const USE: &str = "UPDATE operator_passkey SET sign_count = ?, used_at = ? \
     WHERE passkey_id = ? AND (sign_count < ? OR (sign_count = 0 AND ? = 0))";
const SPEND: &str = "INSERT INTO operator_link (secret, kind, operator_id, expires_at, spent_at, spent_from) \
     VALUES (?, ?, ?, ?, ?, ?)";
const FORGET: &str = "DELETE FROM operator_link WHERE expires_at < ? AND kind <> 'sign_in'";

/// Every text above that reads, for a test of their plans.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[PASSKEYS, PASSKEY, PASSKEY_OF_CREDENTIAL];

#[async_trait]
impl<B: Backend> Passkeys for B {
    async fn add_passkey(
        &self,
        new: &NewPasskey,
        ceremony: Ceremony,
        note: &Note,
    ) -> Result<AddOutcome, StoreError> {
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        query::run(&mut *change, LOCK, |to| to.id(new.operator.0)).await?;
        let known = operator(&mut *change, new.operator).await?;
        if known.is_none_or(|known| known.disabled_at.is_some() || known.external) {
            return Ok(AddOutcome::NoSuchOperator);
        }
        let from = note.by.from.as_deref().unwrap_or_default();
        if !spend(&mut *change, ceremony, "add_passkey", new.operator, from, note.at).await? {
            return Ok(AddOutcome::Spent);
        }
        let several = query::numbers(&[new.operator.0, PASSKEYS_MAX as u64]);
        if change.all(PASSKEYS.into_sql_str(), several).await?.len() >= PASSKEYS_MAX {
            return Ok(AddOutcome::TooMany);
        }
        let mut row = <B::Link as Link>::Values::default();
        row.id(new.operator.0);
        row.bytes(&new.credential);
        row.bytes(&hash(&new.credential));
        row.bytes(&new.key);
        row.id(new.count.into());
        row.text(Some(&new.name));
        row.time(Some(note.at));
        let Some(added) = change.run_unless_there(ADD.into_sql_str(), row).await? else {
            return Ok(AddOutcome::Known);
        };
        let (subject, became) = (subject(new.operator), json!({"passkey": new.name}));
        add_log(&mut *change, note, "passkey.add", Some(&subject), None, Some(&became)).await?;
        let row = query::one(&mut *change, PASSKEY, query::numbers(&[added.last_id])).await?;
        let record = row.as_ref().map(read_record).transpose()?;
        commit::<B>(change).await?;
        record
            .map(AddOutcome::Added)
            .ok_or_else(|| StoreError::broken("a passkey that was just added is not there"))
    }

    async fn passkeys(&self, of: OperatorId) -> Result<Vec<PasskeyRecord>, StoreError> {
        let several = query::numbers(&[of.0, PASSKEYS_MAX as u64]);
        let rows = self.reader().await?.all(PASSKEYS.into_sql_str(), several).await?;
        rows.iter().map(read_record).collect()
    }

    async fn passkey(&self, credential: &[u8]) -> Result<Option<PasskeyKey>, StoreError> {
        let mut values = <B::Link as Link>::Values::default();
        values.bytes(&hash(credential));
        let row = query::one(&mut *self.reader().await?, PASSKEY_OF_CREDENTIAL, values).await?;
        row.as_ref().map(read_key).transpose()
    }

    async fn remove_passkey(&self, id: u64, of: Option<OperatorId>, note: &Note) -> Result<bool, StoreError> {
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        let row = query::one(&mut *change, PASSKEY, query::numbers(&[id])).await?;
        let known = row.as_ref().map(read_record).transpose()?;
        let Some(known) = known.filter(|known| of.is_none_or(|of| of == known.operator)) else {
            return Ok(false);
        };
        if query::run(&mut *change, REMOVE, |to| to.id(id)).await?.rows == 0 {
            return Ok(false);
        }
        let (subject, was) = (subject(known.operator), json!({"passkey": known.name}));
        add_log(&mut *change, note, "passkey.remove", Some(&subject), Some(&was), None).await?;
        commit::<B>(change).await?;
        Ok(true)
    }

    async fn sign_in_by_passkey(
        &self,
        used: &PasskeyKey,
        ceremony: Ceremony,
        session: &NewSession,
        from: &str,
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let from = cut(from, FROM_CHARS_MAX);
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        if !spend(&mut *change, ceremony, "use_passkey", used.operator, from, now).await? {
            return Ok(None);
        }
        let counted = query::run(&mut *change, USE, |to| {
            to.id(used.count.into());
            to.time(Some(now));
            to.id(used.id);
            to.id(used.count.into());
            to.id(used.count.into());
        });
        if counted.await?.rows == 0 {
            return Ok(None);
        }
        let operator = operator(&mut *change, used.operator).await?;
        let Some(operator) = operator.filter(|operator| operator.disabled_at.is_none()) else {
            return Ok(None);
        };
        let begun = begin_session(&mut *change, &operator, session, "passkey", from, now).await?;
        let note = Note { by: Actor { who: Who::Operator(operator.id), from: Some(from.into()) }, at: now };
        let name = format!("session {begun}");
        add_log(&mut *change, &note, "session.begin", Some(&name), None, None).await?;
        let row = query::one(&mut *change, SESSION, query::numbers(&[begun])).await?;
        let begun = row.as_ref().map(read_session).transpose()?;
        commit::<B>(change).await?;
        Ok(begun)
    }
}

/// Notes that a ceremony is finished, until it would be over by itself. `false`: it was before.
async fn spend<L: Link>(
    link: &mut L,
    ceremony: Ceremony,
    kind: &str,
    operator: OperatorId,
    from: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    query::run(link, FORGET, |to| to.time(Some(now))).await?;
    let mut row = L::Values::default();
    row.bytes(&ceremony.challenge);
    row.text(Some(kind));
    row.id(operator.0);
    row.time(Some(ceremony.ends_at));
    row.time(Some(now));
    row.text(Some(cut(from, FROM_CHARS_MAX)));
    Ok(link.run_unless_there(SPEND.into_sql_str(), row).await?.is_some())
}

/// Credentials are found by their hash, as they may be too long for an index.
fn hash(credential: &[u8]) -> [u8; 32] {
    Sha256::digest(credential).into()
}

fn subject(operator: OperatorId) -> String {
    format!("operator {operator}")
}

fn read_record(row: &impl Cells) -> Result<PasskeyRecord, StoreError> {
    Ok(PasskeyRecord {
        id: row.number("passkey_id")?,
        operator: OperatorId(row.number("operator_id")?),
        name: row.text("name")?.to_owned(),
        credential: row.bytes("credential")?.to_vec(),
        made_at: row.time("made_at")?,
        used_at: row.opt_time("used_at")?,
    })
}

fn read_key(row: &impl Cells) -> Result<PasskeyKey, StoreError> {
    Ok(PasskeyKey {
        id: row.number("passkey_id")?,
        operator: OperatorId(row.number("operator_id")?),
        key: row.bytes("key_state")?.to_vec(),
        count: row.number("sign_count")?,
    })
}
