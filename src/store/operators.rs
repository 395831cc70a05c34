//! Operators, how they sign in, where they are signed in, and the log of what they did. What changes something writes its
//! line of the log in the same transaction.
//!
//! Always: a link is spent once, however many try at the same moment; of a secret only its hash is here. There is an enabled
//! owner of our own for as long as there was one. Not here: the log of sales, whose lines follow from their journals.

use async_trait::async_trait;
use frontrow_protocol::Role;
use serde_json::{Value, json};
use sqlx::SqlSafeStr;

use super::backend::{Backend, begin, commit};
use super::columns::{Bind, Cells, bind_actor, known};
use super::query::{self, Link};
use super::{StoreError, setup::NAME_CHARS_MAX};
use crate::domain::actor::{Actor, FROM_CHARS_MAX, Who};
use crate::domain::ids::{ConcertId, OperatorId, UserId};
use crate::domain::time::Timestamp;
use crate::limits::{
    OPERATOR_LINK_KEPT, OPERATOR_SESSION_KEPT, OPERATOR_SESSIONS_MAX, OPERATORS_LISTED_MAX, SUBJECT_BYTES_MAX,
};

/// The characters that are kept of what a browser calls itself: its name comes early.
pub const DEVICE_CHARS_MAX: usize = 200;

/// The hash that a secret is found by.
pub type SecretHash = [u8; 32];

/// An operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorRecord {
    pub id: OperatorId,
    pub name: String,
    /// Of an external issuer's: what their newest token said first.
    pub role: Role,
    /// UTC. From then on they may do nothing.
    pub disabled_at: Option<Timestamp>,
    pub made_at: Timestamp,
    /// An issuer names them, and their roles.
    pub external: bool,
}

/// What a change has to say of itself.
#[derive(Clone, Debug)]
pub struct Note {
    pub by: Actor,
    /// UTC.
    pub at: Timestamp,
}

/// A link that signs in once.
#[derive(Clone, Copy, Debug)]
pub struct NewLink {
    pub secret: SecretHash,
    /// UTC.
    pub expires_at: Timestamp,
}

/// What is to be changed of an operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorChange {
    pub name: Option<String>,
    pub role: Option<Role>,
    pub disabled: Option<bool>,
    /// What its author saw; refused if it is not so any more.
    pub was: Seen,
}

/// What somebody saw of an operator; what is absent does not matter to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub name: Option<String>,
    pub role: Option<Role>,
    pub disabled: Option<bool>,
}

/// What became of a change of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeOutcome {
    Changed(OperatorRecord),
    NoSuchOperator,
    /// Somebody changed it meanwhile to this.
    IsOther(OperatorRecord),
    /// Nobody would be left who may everything.
    LastOwner,
    /// The issuer says which role they have, and their name.
    IsExternal,
}

/// A session to be begun.
#[derive(Clone, Debug)]
pub struct NewSession {
    pub secret: SecretHash,
    /// UTC.
    pub expires_at: Timestamp,
    /// What the browser calls itself.
    pub device: Option<String>,
}

/// Where an operator is, or was, signed in. Times are UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    pub id: u64,
    pub operator: OperatorRecord,
    pub way: String,
    pub made_at: Timestamp,
    pub seen_at: Timestamp,
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub from: Option<String>,
    pub device: Option<String>,
}

/// Which lines of the log are asked for.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    pub concert: Option<ConcertId>,
    pub operator: Option<OperatorId>,
    /// Those about this alone, as `subject` has it: of the concert's, or of those that are of no sale.
    pub subject: Option<String>,
    /// Only older ones than this.
    pub before: Option<u64>,
    pub limit: u32,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    pub id: u64,
    /// UTC.
    pub at: Timestamp,
    pub operator: Option<(OperatorId, String, Role)>,
    /// A token of before named this user.
    pub user: Option<UserId>,
    pub from: Option<String>,
    pub what: String,
    pub concert: Option<(ConcertId, String)>,
    /// The performance, order or operator that it is about.
    pub subject: Option<String>,
    pub was: Option<Value>,
    pub became: Option<Value>,
    pub reason: Option<String>,
}

/// What is kept of operators.
#[async_trait]
pub trait Operators: Send + Sync {
    /// Makes an operator, and a link for them if there is one.
    async fn add_operator(
        &self,
        name: &str,
        role: Role,
        link: Option<NewLink>,
        note: &Note,
    ) -> Result<OperatorRecord, StoreError>;

    async fn operator(&self, operator: OperatorId) -> Result<Option<OperatorRecord>, StoreError>;

    /// By their ids.
    async fn operators(&self) -> Result<Vec<OperatorRecord>, StoreError>;

    /// Disabling ends their sessions and links.
    async fn change_operator(
        &self,
        operator: OperatorId,
        change: &OperatorChange,
        note: &Note,
    ) -> Result<ChangeOutcome, StoreError>;

    /// Makes a link for an enabled operator of our own, and ends their older ones. `None`: there is no such operator.
    async fn add_link(
        &self,
        operator: OperatorId,
        link: NewLink,
        note: &Note,
    ) -> Result<Option<OperatorRecord>, StoreError>;

    /// Spends a link and begins a session. `None`: it is unknown, spent or over, or its operator is disabled.
    async fn sign_in(
        &self,
        link: SecretHash,
        session: &NewSession,
        from: &str,
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, StoreError>;

    /// The session of a token, whether it is over or not.
    async fn session(&self, secret: SecretHash) -> Result<Option<SessionRecord>, StoreError>;

    async fn session_of_id(&self, session: u64) -> Result<Option<SessionRecord>, StoreError>;

    /// Somebody was there.
    async fn see_session(
        &self,
        session: u64,
        seen_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Ends a session, of this operator alone if one is named. `None`: there is no such one that is live.
    async fn end_session(
        &self,
        session: u64,
        of: Option<OperatorId>,
        note: &Note,
    ) -> Result<Option<SessionRecord>, StoreError>;

    /// Live ones, newest first.
    async fn sessions(
        &self,
        of: Option<OperatorId>,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError>;

    /// The operator of an external issuer, made at first use. Their role is written down for the list.
    async fn operator_of_subject(
        &self,
        issuer: &str,
        subject: &str,
        role: Role,
        now: Timestamp,
    ) -> Result<OperatorRecord, StoreError>;

    /// Newest first.
    async fn log(&self, query: &LogQuery) -> Result<Vec<LogEntry>, StoreError>;
}

const ADD: &str = "INSERT INTO operators (name, role, made_at) VALUES (?, ?, ?)";
const ADD_EXTERNAL: &str =
    "INSERT INTO operators (name, role, made_at, issuer, subject) VALUES (?, ?, ?, ?, ?)";
macro_rules! operator_columns {
    () => {
        "o.operator_id, o.name, o.role, o.disabled_at, o.made_at AS operator_made_at, \
         CASE WHEN o.issuer IS NULL THEN 0 ELSE 1 END AS external"
    };
}
const OPERATOR: &str = concat!("SELECT ", operator_columns!(), " FROM operators o WHERE o.operator_id = ?");
const OPERATOR_OF_SUBJECT: &str =
    concat!("SELECT ", operator_columns!(), " FROM operators o WHERE o.issuer = ? AND o.subject = ?");
const OPERATORS: &str =
    concat!("SELECT ", operator_columns!(), " FROM operators o ORDER BY o.operator_id LIMIT ?");
/// Changes nothing, but lets nobody else change an owner before this transaction ends: two owners who take each other's role
/// away at the same moment come one after the other.
const LOCK_OWNERS: &str = "UPDATE operators SET role = role WHERE role = 'owner'";
const OWNERS: &str = "SELECT count(*) AS owners FROM operators WHERE role = 'owner' AND disabled_at IS NULL AND issuer IS NULL";
const CHANGE: &str = "UPDATE operators SET name = ?, role = ?, disabled_at = ? WHERE operator_id = ?";
const NOTE_ROLE: &str = "UPDATE operators SET role = ? WHERE operator_id = ?";

const ADD_LINK: &str =
    "INSERT INTO operator_link (secret, kind, operator_id, expires_at) VALUES (?, 'sign_in', ?, ?)";
const END_LINKS: &str = "UPDATE operator_link SET expires_at = ? \
     WHERE operator_id = ? AND kind = 'sign_in' AND spent_at IS NULL AND expires_at > ?";
const FORGET_LINKS: &str = "DELETE FROM operator_link WHERE expires_at < ?";
const SPEND: &str = "UPDATE operator_link SET spent_at = ?, spent_from = ? \
     WHERE secret = ? AND kind = 'sign_in' AND spent_at IS NULL AND expires_at > ?";
const OPERATOR_OF_LINK: &str = concat!(
    "SELECT ",
    operator_columns!(),
    " FROM operator_link l JOIN operators o ON o.operator_id = l.operator_id WHERE l.secret = ?"
);

const ADD_SESSION: &str = "INSERT INTO operator_session \
       (secret, operator_id, way, made_at, seen_at, expires_at, made_from, device) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
const FORGET_SESSIONS: &str = "DELETE FROM operator_session WHERE operator_id = ? AND expires_at < ?";
macro_rules! sessions {
    ($where:literal) => {
        concat!(
            "SELECT s.session_id, s.way, s.made_at, s.seen_at, s.expires_at, s.ended_at, s.made_from, s.device, ",
            operator_columns!(),
            " FROM operator_session s JOIN operators o ON o.operator_id = s.operator_id WHERE ",
            $where
        )
    };
}
const SESSION_OF_SECRET: &str = sessions!("s.secret = ?");
pub(super) const SESSION: &str = sessions!("s.session_id = ?");
const SESSIONS: &str =
    sessions!("s.ended_at IS NULL AND s.expires_at > ? ORDER BY s.session_id DESC LIMIT ?");
const SESSIONS_OF: &str = sessions!(
    "s.operator_id = ? AND s.ended_at IS NULL AND s.expires_at > ? ORDER BY s.session_id DESC LIMIT ?"
);
const SEE_SESSION: &str = "UPDATE operator_session SET seen_at = ?, expires_at = ? \
     WHERE session_id = ? AND ended_at IS NULL AND seen_at < ?";
const END_SESSION: &str = "UPDATE operator_session SET ended_at = ? \
     WHERE session_id = ? AND ended_at IS NULL AND expires_at > ?";
const END_SESSIONS_OF: &str =
    "UPDATE operator_session SET ended_at = ? WHERE operator_id = ? AND ended_at IS NULL";

const ADD_LOG: &str = "INSERT INTO operator_log \
       (at, operator_id, user_id, came_from, what, subject, was, became) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
macro_rules! log {
    ($where:literal) => {
        concat!(
            "SELECT l.log_id, l.at, l.operator_id, o.name, o.role, l.user_id, l.came_from, l.what, l.concert_id, \
               c.title, l.subject, l.was, l.became, l.reason \
             FROM operator_log l LEFT JOIN operators o ON o.operator_id = l.operator_id \
             LEFT JOIN concert c ON c.concert_id = l.concert_id \
             WHERE ",
            $where,
            " AND l.log_id < ? ORDER BY l.log_id DESC LIMIT ?"
        )
    };
}
const LOG: &str = log!("1 = 1");
const LOG_OF_CONCERT: &str = log!("l.concert_id = ?");
const LOG_OF_OPERATOR: &str = log!("l.operator_id = ?");
const LOG_OF_BOTH: &str = log!("l.concert_id = ? AND l.operator_id = ?");
const LOG_OF_SUBJECT: &str = log!("l.concert_id = ? AND l.subject = ?");
const LOG_OF_THING: &str = log!("l.concert_id IS NULL AND l.subject = ?");

/// Every text above that reads, for a test of their plans.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[
    OPERATOR,
    OPERATOR_OF_SUBJECT,
    OPERATOR_OF_LINK,
    SESSION_OF_SECRET,
    SESSION,
    SESSIONS_OF,
    LOG,
    LOG_OF_CONCERT,
    LOG_OF_OPERATOR,
    LOG_OF_BOTH,
    LOG_OF_SUBJECT,
    LOG_OF_THING,
];

#[async_trait]
impl<B: Backend> Operators for B {
    async fn add_operator(
        &self,
        name: &str,
        role: Role,
        link: Option<NewLink>,
        note: &Note,
    ) -> Result<OperatorRecord, StoreError> {
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        let added = query::run(&mut *change, ADD, |to| {
            to.text(Some(name));
            to.text(Some(role.as_str()));
            to.time(Some(note.at));
        });
        let id = OperatorId(added.await?.last_id);
        let became = json!({"name": name, "role": role});
        add_log(&mut *change, note, "operator.add", Some(&subject(id)), None, Some(&became)).await?;
        if let Some(link) = link {
            put_link(&mut *change, id, link, note.at).await?;
        }
        let made = operator(&mut *change, id).await?;
        commit::<B>(change).await?;
        made.ok_or_else(|| StoreError::broken("an operator who was just made is not there"))
    }

    async fn operator(&self, id: OperatorId) -> Result<Option<OperatorRecord>, StoreError> {
        operator(&mut *self.reader().await?, id).await
    }

    async fn operators(&self) -> Result<Vec<OperatorRecord>, StoreError> {
        let mut link = self.reader().await?;
        let values = query::numbers(&[OPERATORS_LISTED_MAX.into()]);
        let rows = link.all(OPERATORS.into_sql_str(), values).await?;
        rows.iter().map(read_operator).collect()
    }

    async fn change_operator(
        &self,
        id: OperatorId,
        patch: &OperatorChange,
        note: &Note,
    ) -> Result<ChangeOutcome, StoreError> {
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        query::run(&mut *change, LOCK_OWNERS, |_| {}).await?;
        let Some(before) = operator(&mut *change, id).await? else {
            return Ok(ChangeOutcome::NoSuchOperator);
        };
        if !patch.was.fits(&before) {
            return Ok(ChangeOutcome::IsOther(before));
        }
        if before.external && (patch.name.is_some() || patch.role.is_some()) {
            return Ok(ChangeOutcome::IsExternal);
        }
        let after = OperatorRecord {
            name: patch.name.clone().unwrap_or_else(|| before.name.clone()),
            role: patch.role.unwrap_or(before.role),
            disabled_at: match patch.disabled {
                None => before.disabled_at,
                Some(false) => None,
                Some(true) => before.disabled_at.or(Some(note.at)),
            },
            ..before.clone()
        };
        if after == before {
            return Ok(ChangeOutcome::Changed(before));
        }
        query::run(&mut *change, CHANGE, |to| {
            to.text(Some(&after.name));
            to.text(Some(after.role.as_str()));
            to.time(after.disabled_at);
            to.id(id.0);
        })
        .await?;
        if before.is_owner() && !after.is_owner() {
            let left = query::one(&mut *change, OWNERS, query::numbers(&[])).await?;
            if left.map(|row| row.int("owners")).transpose()?.unwrap_or(0) == 0 {
                return Ok(ChangeOutcome::LastOwner);
            }
        }
        if after.disabled_at.is_some() {
            end_links(&mut *change, id, note.at).await?;
            query::run(&mut *change, END_SESSIONS_OF, |to| {
                to.time(Some(note.at));
                to.id(id.0);
            })
            .await?;
        }
        let (was, became) = difference(&before, &after);
        add_log(&mut *change, note, "operator.set", Some(&subject(id)), Some(&was), Some(&became)).await?;
        commit::<B>(change).await?;
        Ok(ChangeOutcome::Changed(after))
    }

    async fn add_link(
        &self,
        id: OperatorId,
        link: NewLink,
        note: &Note,
    ) -> Result<Option<OperatorRecord>, StoreError> {
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        let known = operator(&mut *change, id).await?;
        let Some(known) = known.filter(|operator| operator.disabled_at.is_none() && !operator.external)
        else {
            return Ok(None);
        };
        put_link(&mut *change, id, link, note.at).await?;
        add_log(&mut *change, note, "operator.link", Some(&subject(id)), None, None).await?;
        commit::<B>(change).await?;
        Ok(Some(known))
    }

    async fn sign_in(
        &self,
        link: SecretHash,
        session: &NewSession,
        from: &str,
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let from = cut(from, FROM_CHARS_MAX);
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        let spent = query::run(&mut *change, SPEND, |to| {
            to.time(Some(now));
            to.text(Some(from));
            to.bytes(&link);
            to.time(Some(now));
        });
        if spent.await?.rows == 0 {
            return Ok(None);
        }
        let mut values = <B::Link as Link>::Values::default();
        values.bytes(&link);
        let row = query::one(&mut *change, OPERATOR_OF_LINK, values).await?;
        let Some(operator) = row.as_ref().map(read_operator).transpose()? else { return Ok(None) };
        if operator.disabled_at.is_some() {
            return Ok(None);
        }
        let begun = begin_session(&mut *change, &operator, session, "link", from, now).await?;
        let note = Note { by: Actor { who: Who::Operator(operator.id), from: Some(from.into()) }, at: now };
        let name = format!("session {begun}");
        add_log(&mut *change, &note, "session.begin", Some(&name), None, None).await?;
        let row = query::one(&mut *change, SESSION, query::numbers(&[begun])).await?;
        let begun = row.as_ref().map(read_session).transpose()?;
        commit::<B>(change).await?;
        Ok(begun)
    }

    async fn session(&self, secret: SecretHash) -> Result<Option<SessionRecord>, StoreError> {
        let mut values = <B::Link as Link>::Values::default();
        values.bytes(&secret);
        let row = query::one(&mut *self.reader().await?, SESSION_OF_SECRET, values).await?;
        row.as_ref().map(read_session).transpose()
    }

    async fn session_of_id(&self, session: u64) -> Result<Option<SessionRecord>, StoreError> {
        let row = query::one(&mut *self.reader().await?, SESSION, query::numbers(&[session])).await?;
        row.as_ref().map(read_session).transpose()
    }

    async fn see_session(
        &self,
        session: u64,
        seen_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        query::run(&mut *change, SEE_SESSION, |to| {
            to.time(Some(seen_at));
            to.time(Some(expires_at));
            to.id(session);
            to.time(Some(seen_at));
        })
        .await?;
        commit::<B>(change).await
    }

    async fn end_session(
        &self,
        session: u64,
        of: Option<OperatorId>,
        note: &Note,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        let ended = query::run(&mut *change, END_SESSION, |to| {
            to.time(Some(note.at));
            to.id(session);
            to.time(Some(note.at));
        });
        if ended.await?.rows == 0 {
            return Ok(None);
        }
        let row = query::one(&mut *change, SESSION, query::numbers(&[session])).await?;
        let Some(record) = row.as_ref().map(read_session).transpose()? else { return Ok(None) };
        if of.is_some_and(|of| of != record.operator.id) {
            return Ok(None);
        }
        let was = json!({"operator_id": record.operator.id.0, "name": record.operator.name});
        let name = format!("session {session}");
        add_log(&mut *change, note, "session.end", Some(&name), Some(&was), None).await?;
        commit::<B>(change).await?;
        Ok(Some(record))
    }

    async fn sessions(
        &self,
        of: Option<OperatorId>,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let mut values = <B::Link as Link>::Values::default();
        if let Some(of) = of {
            values.id(of.0);
        }
        values.time(Some(now));
        values.id(OPERATORS_LISTED_MAX.into());
        let sql = if of.is_some() { SESSIONS_OF } else { SESSIONS };
        let rows = self.reader().await?.all(sql.into_sql_str(), values).await?;
        rows.iter().map(read_session).collect()
    }

    async fn operator_of_subject(
        &self,
        issuer: &str,
        name: &str,
        role: Role,
        now: Timestamp,
    ) -> Result<OperatorRecord, StoreError> {
        if issuer.len() > SUBJECT_BYTES_MAX || name.len() > SUBJECT_BYTES_MAX {
            return Err(StoreError::broken("an issuer or a subject is too long"));
        }
        if let Some(known) = of_subject(&mut *self.reader().await?, issuer, name).await?
            && known.role == role
        {
            return Ok(known);
        }
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        let found = match of_subject(&mut *change, issuer, name).await? {
            Some(known) => {
                query::run(&mut *change, NOTE_ROLE, |to| {
                    to.text(Some(role.as_str()));
                    to.id(known.id.0);
                })
                .await?;
                Some(OperatorRecord { role, ..known })
            }
            None => {
                let mut values = <B::Link as Link>::Values::default();
                values.text(Some(cut(name, NAME_CHARS_MAX)));
                values.text(Some(role.as_str()));
                values.time(Some(now));
                values.text(Some(issuer));
                values.text(Some(name));
                // Somebody else may make the same one at this moment; then theirs is the one.
                let _ = change.run_unless_there(ADD_EXTERNAL.into_sql_str(), values).await?;
                of_subject(&mut *change, issuer, name).await?
            }
        };
        commit::<B>(change).await?;
        match found {
            Some(found) => Ok(found),
            // Theirs was committed behind this transaction's view.
            None => of_subject(&mut *self.reader().await?, issuer, name)
                .await?
                .ok_or_else(|| StoreError::broken("an operator who was just made is not there")),
        }
    }

    async fn log(&self, asked: &LogQuery) -> Result<Vec<LogEntry>, StoreError> {
        let subject = asked.subject.as_deref();
        let sql = match (asked.concert, asked.operator) {
            (Some(_), _) if subject.is_some() => LOG_OF_SUBJECT,
            (None, _) if subject.is_some() => LOG_OF_THING,
            (None, None) => LOG,
            (Some(_), None) => LOG_OF_CONCERT,
            (None, Some(_)) => LOG_OF_OPERATOR,
            (Some(_), Some(_)) => LOG_OF_BOTH,
        };
        let mut values = <B::Link as Link>::Values::default();
        let named =
            [asked.concert.map(|concert| concert.0.into()), asked.operator.map(|operator| operator.0)];
        let named = named.into_iter().take(if subject.is_some() { 1 } else { 2 });
        named.flatten().for_each(|id| values.id(id));
        subject.iter().for_each(|subject| values.text(Some(subject)));
        values.int(Some(asked.before.and_then(|id| i64::try_from(id).ok()).unwrap_or(i64::MAX)));
        values.id(asked.limit.into());
        let rows = self.reader().await?.all(sql.into_sql_str(), values).await?;
        rows.iter().map(read_log).collect()
    }
}

impl OperatorRecord {
    /// May they do everything, by our own word?
    fn is_owner(&self) -> bool {
        self.role == Role::Owner && self.disabled_at.is_none() && !self.external
    }
}

impl Seen {
    fn fits(&self, is: &OperatorRecord) -> bool {
        self.name.as_ref().is_none_or(|name| *name == is.name)
            && self.role.is_none_or(|role| role == is.role)
            && self.disabled.is_none_or(|disabled| disabled == is.disabled_at.is_some())
    }
}

/// What a line of the log calls an operator.
fn subject(id: OperatorId) -> String {
    format!("operator {id}")
}

/// What was, and what became of it, of the fields that changed.
fn difference(before: &OperatorRecord, after: &OperatorRecord) -> (Value, Value) {
    let (mut was, mut became) = (json!({}), json!({}));
    let mut note = |field: &str, from: Value, to: Value| {
        if from != to {
            was[field] = from;
            became[field] = to;
        }
    };
    note("name", json!(before.name), json!(after.name));
    note("role", json!(before.role), json!(after.role));
    note("disabled", json!(before.disabled_at.is_some()), json!(after.disabled_at.is_some()));
    (was, became)
}

pub(super) fn cut(text: &str, chars_max: usize) -> &str {
    text.char_indices().nth(chars_max).map_or(text, |(end, _)| &text[..end])
}

pub(super) async fn operator<L: Link>(
    link: &mut L,
    id: OperatorId,
) -> Result<Option<OperatorRecord>, StoreError> {
    let row = query::one(link, OPERATOR, query::numbers(&[id.0])).await?;
    row.as_ref().map(read_operator).transpose()
}

async fn of_subject<L: Link>(
    link: &mut L,
    issuer: &str,
    subject: &str,
) -> Result<Option<OperatorRecord>, StoreError> {
    let mut values = L::Values::default();
    values.text(Some(issuer));
    values.text(Some(subject));
    let row = query::one(link, OPERATOR_OF_SUBJECT, values).await?;
    row.as_ref().map(read_operator).transpose()
}

/// A new link is the only one, and what nobody can use any more goes.
async fn put_link<L: Link>(
    link: &mut L,
    id: OperatorId,
    new: NewLink,
    now: Timestamp,
) -> Result<(), StoreError> {
    end_links(link, id, now).await?;
    query::run(link, FORGET_LINKS, |to| to.time(Some(now - OPERATOR_LINK_KEPT))).await?;
    query::run(link, ADD_LINK, |to| {
        to.bytes(&new.secret);
        to.id(id.0);
        to.time(Some(new.expires_at));
    })
    .await?;
    Ok(())
}

async fn end_links<L: Link>(link: &mut L, id: OperatorId, now: Timestamp) -> Result<(), StoreError> {
    query::run(link, END_LINKS, |to| {
        to.time(Some(now));
        to.id(id.0);
        to.time(Some(now));
    })
    .await?;
    Ok(())
}

/// The number of a new session. The oldest ends if there would be too many.
pub(super) async fn begin_session<L: Link>(
    link: &mut L,
    operator: &OperatorRecord,
    new: &NewSession,
    way: &str,
    from: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    query::run(link, FORGET_SESSIONS, |to| {
        to.id(operator.id.0);
        to.time(Some(now - OPERATOR_SESSION_KEPT));
    })
    .await?;
    let mut values = L::Values::default();
    values.id(operator.id.0);
    values.time(Some(now));
    values.id(OPERATORS_LISTED_MAX.into());
    let live = link.all(SESSIONS_OF.into_sql_str(), values).await?;
    for row in live.iter().skip(OPERATOR_SESSIONS_MAX - 1) {
        let oldest: u64 = row.number("session_id")?;
        query::run(link, END_SESSION, |to| {
            to.time(Some(now));
            to.id(oldest);
            to.time(Some(now));
        })
        .await?;
    }
    let added = query::run(link, ADD_SESSION, |to| {
        to.bytes(&new.secret);
        to.id(operator.id.0);
        to.text(Some(way));
        to.time(Some(now));
        to.time(Some(now));
        to.time(Some(new.expires_at));
        to.text(Some(from));
        to.text(new.device.as_deref().map(|device| cut(device, DEVICE_CHARS_MAX)));
    });
    Ok(added.await?.last_id)
}

pub(super) async fn add_log<L: Link>(
    link: &mut L,
    note: &Note,
    what: &str,
    subject: Option<&str>,
    was: Option<&Value>,
    became: Option<&Value>,
) -> Result<(), StoreError> {
    let text = |value: Option<&Value>| value.map(Value::to_string);
    query::run(link, ADD_LOG, |to| {
        to.time(Some(note.at));
        bind_actor(to, &note.by);
        to.text(Some(what));
        to.text(subject);
        to.text(text(was).as_deref());
        to.text(text(became).as_deref());
    })
    .await?;
    Ok(())
}

fn read_role(row: &impl Cells) -> Result<Role, StoreError> {
    let word = row.text("role")?;
    known(Role::from_name(word), word)
}

fn read_operator(row: &impl Cells) -> Result<OperatorRecord, StoreError> {
    Ok(OperatorRecord {
        id: OperatorId(row.number("operator_id")?),
        name: row.text("name")?.to_owned(),
        role: read_role(row)?,
        disabled_at: row.opt_time("disabled_at")?,
        made_at: row.time("operator_made_at")?,
        external: row.int("external")? != 0,
    })
}

pub(super) fn read_session(row: &impl Cells) -> Result<SessionRecord, StoreError> {
    Ok(SessionRecord {
        id: row.number("session_id")?,
        operator: read_operator(row)?,
        way: row.text("way")?.to_owned(),
        made_at: row.time("made_at")?,
        seen_at: row.time("seen_at")?,
        expires_at: row.time("expires_at")?,
        ended_at: row.opt_time("ended_at")?,
        from: row.opt_text("made_from")?.map(str::to_owned),
        device: row.opt_text("device")?.map(str::to_owned),
    })
}

fn read_log(row: &impl Cells) -> Result<LogEntry, StoreError> {
    let owned = |column: &str| Ok::<_, StoreError>(row.opt_text(column)?.map(str::to_owned));
    let value = |column: &str| {
        let text = row.opt_text(column)?;
        let read = text.map(serde_json::from_str).transpose();
        read.map_err(|error| StoreError::Broken(Box::new(error)))
    };
    let id = |column: &str| {
        let number = row.opt_int(column)?;
        Ok::<_, StoreError>(number.and_then(|number| u64::try_from(number).ok()))
    };
    let concert = id("concert_id")?.and_then(|id| u32::try_from(id).ok()).map(ConcertId);
    Ok(LogEntry {
        id: row.number("log_id")?,
        at: row.time("at")?,
        operator: match id("operator_id")? {
            None => None,
            Some(id) => Some((OperatorId(id), row.text("name")?.to_owned(), read_role(row)?)),
        },
        user: id("user_id")?.map(UserId),
        from: owned("came_from")?,
        what: row.text("what")?.to_owned(),
        concert: match concert {
            None => None,
            Some(concert) => Some((concert, owned("title")?.unwrap_or_default())),
        },
        subject: owned("subject")?,
        was: value("was")?,
        became: value("became")?,
        reason: owned("reason")?,
    })
}
