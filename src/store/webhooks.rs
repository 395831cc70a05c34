//! Webhooks and what is sent to them: a row for each message and receiver, from when it is to be sent until it arrived or was
//! given up.
//!
//! Always: whoever sends one has claimed it by a conditional change, so two servers do not send it at the same time; one that
//! was claimed by a server that is gone is sent again. A secret is told to nobody but those who sign by it. Not here: sending.

use async_trait::async_trait;
use serde_json::json;
use sqlx::SqlSafeStr;
use uuid::Uuid;

use super::StoreError;
use super::backend::{Backend, again, begin, commit};
use super::columns::{Bind, Cells};
use super::operators::{Note, add_log, cut};
use super::query::{self, Link};
use crate::domain::time::Timestamp;
use crate::limits::{WEBHOOKS_MAX, WEBHOOKS_STOPPED_LISTED_MAX};

/// Characters that are kept of what a receiver answered.
pub const ANSWER_CHARS_MAX: usize = 200;

/// What webhooks are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// By which a receiver knows a repeated one.
    pub id: Uuid,
    pub kind: String,
    /// JSON.
    pub body: String,
    /// UTC.
    pub at: Timestamp,
}

/// Where messages are sent to. Times are UTC.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookRow {
    pub id: u64,
    pub url: String,
    pub secret: Vec<u8>,
    /// The secret of before, and until when it signs as well.
    pub old_secret: Option<(Vec<u8>, Timestamp)>,
    /// What is sent; nothing named: everything.
    pub types: Vec<String>,
    pub made_at: Timestamp,
    /// Nothing is sent any more.
    pub stopped_at: Option<Timestamp>,
}

impl std::fmt::Debug for WebhookRow {
    /// Without the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookRow").field("id", &self.id).field("url", &self.url).finish_non_exhaustive()
    }
}

impl WebhookRow {
    pub fn wants(&self, kind: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|wanted| wanted == kind)
    }
}

/// A message on its way to a webhook. Times are UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: Uuid,
    pub webhook: u64,
    pub message: Message,
    pub tries: u32,
    /// `None`: it arrived, or was given up.
    pub next_at: Option<Timestamp>,
    pub done_at: Option<Timestamp>,
    /// To the last try.
    pub answer: Option<String>,
}

#[async_trait]
pub trait Webhooks: Send + Sync {
    /// `None`: there are as many as there may be.
    async fn add_webhook(
        &self,
        url: &str,
        types: &[String],
        secret: &[u8],
        note: &Note,
    ) -> Result<Option<WebhookRow>, StoreError>;

    /// Live ones by their ids, then those that were stopped last.
    async fn webhooks(&self) -> Result<Vec<WebhookRow>, StoreError>;

    async fn webhook(&self, webhook: u64) -> Result<Option<WebhookRow>, StoreError>;

    /// Gives a live one another secret; the one of before signs until then as well. `None`: there is no such live one.
    async fn rotate_webhook(
        &self,
        webhook: u64,
        secret: &[u8],
        old_until: Timestamp,
        note: &Note,
    ) -> Result<Option<WebhookRow>, StoreError>;

    /// Nothing is sent to it any more, what waits included. `false`: there is no such live one.
    async fn stop_webhook(&self, webhook: u64, note: &Note) -> Result<bool, StoreError>;

    /// Sends one message to one webhook. `None`: there is no such live one.
    async fn send_to_one(&self, webhook: u64, message: &Message) -> Result<Option<Delivery>, StoreError>;

    /// Sends once more what was sent before, as the same message, from the beginning. `None`: there is no such delivery, or its
    /// webhook is stopped.
    async fn resend(&self, delivery: Uuid, note: &Note) -> Result<Option<Delivery>, StoreError>;

    /// The one of a webhook that is due for longest.
    async fn due_delivery(&self, webhook: u64, now: Timestamp) -> Result<Option<Delivery>, StoreError>;

    /// Takes one to be sent: whoever gets `true` sends it, and nobody else does before `until`.
    async fn claim_delivery(&self, delivery: &Delivery, until: Timestamp) -> Result<bool, StoreError>;

    /// What came of a try. `next_at`: it is tried again then; else it is over, and arrived if it is done.
    async fn note_try(
        &self,
        delivery: Uuid,
        next_at: Option<Timestamp>,
        done_at: Option<Timestamp>,
        answer: &str,
    ) -> Result<(), StoreError>;

    /// Those of a webhook that are older than this one, newest first.
    async fn deliveries(
        &self,
        webhook: u64,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    async fn delivery(&self, delivery: Uuid) -> Result<Option<Delivery>, StoreError>;

    /// Deletes those that were made before this, and are over for long.
    async fn forget_deliveries(&self, before: Timestamp) -> Result<(), StoreError>;
}

macro_rules! webhooks {
    ($rest:literal) => {
        concat!(
            "SELECT webhook_id, url, secret, old_secret, old_until, types, made_at, stopped_at FROM webhook ",
            $rest
        )
    };
}
const LIVE: &str = webhooks!("WHERE stopped_at IS NULL ORDER BY webhook_id LIMIT ?");
const STOPPED: &str = webhooks!("WHERE stopped_at IS NOT NULL ORDER BY webhook_id DESC LIMIT ?");
const WEBHOOK: &str = webhooks!("WHERE webhook_id = ?");
const ADD: &str = "INSERT INTO webhook (url, secret, types, made_at) VALUES (?, ?, ?, ?)";
const ROTATE: &str = "UPDATE webhook SET old_secret = secret, old_until = ?, secret = ? \
     WHERE webhook_id = ? AND stopped_at IS NULL";
const STOP: &str = "UPDATE webhook SET stopped_at = ?, old_secret = NULL, old_until = NULL \
     WHERE webhook_id = ? AND stopped_at IS NULL";
const GIVE_UP: &str =
    "UPDATE webhook_delivery SET next_at = NULL WHERE webhook_id = ? AND next_at IS NOT NULL";

macro_rules! deliveries {
    ($rest:literal) => {
        concat!(
            "SELECT delivery_id, webhook_id, event_id, type, body, made_at, tries, next_at, done_at, answer \
             FROM webhook_delivery WHERE ",
            $rest
        )
    };
}
const DUE: &str =
    deliveries!("webhook_id = ? AND next_at IS NOT NULL AND next_at <= ? ORDER BY next_at LIMIT 1");
const OF: &str = deliveries!("webhook_id = ? AND delivery_id < ? ORDER BY delivery_id DESC LIMIT ?");
const DELIVERY: &str = deliveries!("delivery_id = ?");
const SEND: &str = "INSERT INTO webhook_delivery (delivery_id, webhook_id, event_id, type, body, made_at, next_at) \
     VALUES (?, ?, ?, ?, ?, ?, ?)";
const CLAIM: &str = "UPDATE webhook_delivery SET tries = tries + 1, next_at = ? \
     WHERE delivery_id = ? AND tries = ? AND next_at IS NOT NULL";
const NOTE: &str = "UPDATE webhook_delivery SET next_at = ?, done_at = ?, answer = ? WHERE delivery_id = ?";
const FORGET: &str = "DELETE FROM webhook_delivery WHERE made_at < ?";

/// Every text above that looks for rows by a key, for a test of their plans. There are few webhooks, and what is over is looked
/// for once an hour.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[WEBHOOK, ROTATE, STOP, GIVE_UP, DUE, OF, DELIVERY, CLAIM, NOTE];

#[async_trait]
impl<B: Backend> Webhooks for B {
    async fn add_webhook(
        &self,
        url: &str,
        types: &[String],
        secret: &[u8],
        note: &Note,
    ) -> Result<Option<WebhookRow>, StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            if live(&mut *change).await?.len() >= WEBHOOKS_MAX {
                return Ok(None);
            }
            let added = query::run(&mut *change, ADD, |to| {
                to.text(Some(url));
                to.bytes(secret);
                to.text(Some(&json!(types).to_string()));
                to.time(Some(note.at));
            });
            let id = added.await?.last_id;
            let became = json!({"url": url, "types": types});
            add_log(&mut *change, note, "webhook.add", Some(&subject(id)), None, Some(&became)).await?;
            let made = webhook(&mut *change, id).await?;
            commit::<B>(change).await?;
            Ok(made)
        };
        again(make).await
    }

    async fn webhooks(&self) -> Result<Vec<WebhookRow>, StoreError> {
        let mut link = self.reader().await?;
        let mut all = live(&mut *link).await?;
        let values = query::numbers(&[WEBHOOKS_STOPPED_LISTED_MAX.into()]);
        for row in link.all(STOPPED.into_sql_str(), values).await? {
            all.push(read_webhook(&row)?);
        }
        Ok(all)
    }

    async fn webhook(&self, id: u64) -> Result<Option<WebhookRow>, StoreError> {
        webhook(&mut *self.reader().await?, id).await
    }

    async fn rotate_webhook(
        &self,
        id: u64,
        secret: &[u8],
        old_until: Timestamp,
        note: &Note,
    ) -> Result<Option<WebhookRow>, StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let rotated = query::run(&mut *change, ROTATE, |to| {
                to.time(Some(old_until));
                to.bytes(secret);
                to.id(id);
            });
            if rotated.await?.rows == 0 {
                return Ok(None);
            }
            add_log(&mut *change, note, "webhook.rotate", Some(&subject(id)), None, None).await?;
            let now = webhook(&mut *change, id).await?;
            commit::<B>(change).await?;
            Ok(now)
        };
        again(make).await
    }

    async fn stop_webhook(&self, id: u64, note: &Note) -> Result<bool, StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let stopped = query::run(&mut *change, STOP, |to| {
                to.time(Some(note.at));
                to.id(id);
            });
            let stopped = stopped.await?.rows > 0;
            if stopped {
                query::run(&mut *change, GIVE_UP, |to| to.id(id)).await?;
                add_log(&mut *change, note, "webhook.stop", Some(&subject(id)), None, None).await?;
            }
            commit::<B>(change).await?;
            Ok(stopped)
        };
        again(make).await
    }

    async fn send_to_one(&self, id: u64, message: &Message) -> Result<Option<Delivery>, StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let to = webhook(&mut *change, id).await?;
            if to.is_none_or(|to| to.stopped_at.is_some()) {
                return Ok(None);
            }
            let made = send(&mut *change, id, message).await?;
            let sent = delivery(&mut *change, made).await?;
            commit::<B>(change).await?;
            Ok(sent)
        };
        again(make).await
    }

    async fn resend(&self, id: Uuid, note: &Note) -> Result<Option<Delivery>, StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let Some(before) = delivery(&mut *change, id).await? else { return Ok(None) };
            let to = webhook(&mut *change, before.webhook).await?;
            if to.is_none_or(|to| to.stopped_at.is_some()) {
                return Ok(None);
            }
            let message = Message { at: note.at, ..before.message };
            let made = send(&mut *change, before.webhook, &message).await?;
            let what = format!("{}, {}", subject(before.webhook), message.kind);
            add_log(&mut *change, note, "webhook.resend", Some(&what), None, None).await?;
            let sent = delivery(&mut *change, made).await?;
            commit::<B>(change).await?;
            Ok(sent)
        };
        again(make).await
    }

    async fn due_delivery(&self, id: u64, now: Timestamp) -> Result<Option<Delivery>, StoreError> {
        let mut values = <B::Link as Link>::Values::default();
        values.id(id);
        values.time(Some(now));
        let row = query::one(&mut *self.reader().await?, DUE, values).await?;
        row.as_ref().map(read_delivery).transpose()
    }

    async fn claim_delivery(&self, of: &Delivery, until: Timestamp) -> Result<bool, StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let claimed = query::run(&mut *change, CLAIM, |to| {
                to.time(Some(until));
                to.uuid(Some(of.id));
                to.id(of.tries.into());
            });
            let claimed = claimed.await?.rows > 0;
            commit::<B>(change).await?;
            Ok(claimed)
        };
        again(make).await
    }

    async fn note_try(
        &self,
        id: Uuid,
        next_at: Option<Timestamp>,
        done_at: Option<Timestamp>,
        answer: &str,
    ) -> Result<(), StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            query::run(&mut *change, NOTE, |to| {
                to.time(next_at);
                to.time(done_at);
                to.text(Some(cut(answer, ANSWER_CHARS_MAX)));
                to.uuid(Some(id));
            })
            .await?;
            commit::<B>(change).await
        };
        again(make).await
    }

    async fn deliveries(
        &self,
        id: u64,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut values = <B::Link as Link>::Values::default();
        values.id(id);
        values.uuid(Some(before.unwrap_or(Uuid::max())));
        values.id(limit.into());
        let rows = self.reader().await?.all(OF.into_sql_str(), values).await?;
        rows.iter().map(read_delivery).collect()
    }

    async fn delivery(&self, id: Uuid) -> Result<Option<Delivery>, StoreError> {
        delivery(&mut *self.reader().await?, id).await
    }

    async fn forget_deliveries(&self, before: Timestamp) -> Result<(), StoreError> {
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        query::run(&mut *change, FORGET, |to| to.time(Some(before))).await?;
        commit::<B>(change).await
    }
}

fn subject(id: u64) -> String {
    format!("webhook {id}")
}

/// Has a message sent to each webhook that wants it, in the transaction of what it tells of.
pub(super) async fn send_to_all<L: Link>(link: &mut L, message: &Message) -> Result<(), StoreError> {
    for to in live(link).await? {
        if to.wants(&message.kind) {
            send(link, to.id, message).await?;
        }
    }
    Ok(())
}

async fn send<L: Link>(link: &mut L, to: u64, message: &Message) -> Result<Uuid, StoreError> {
    // Version 7 is in the order of time, so that the newest come last.
    let millis = message.at.as_millis().max(0) as u64;
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
    query::run(link, SEND, |values| {
        values.uuid(Some(id));
        values.id(to);
        values.uuid(Some(message.id));
        values.text(Some(&message.kind));
        values.text(Some(&message.body));
        values.time(Some(message.at));
        values.time(Some(message.at));
    })
    .await?;
    Ok(id)
}

async fn live<L: Link>(link: &mut L) -> Result<Vec<WebhookRow>, StoreError> {
    let rows = link.all(LIVE.into_sql_str(), query::numbers(&[WEBHOOKS_MAX as u64])).await?;
    rows.iter().map(read_webhook).collect()
}

async fn webhook<L: Link>(link: &mut L, id: u64) -> Result<Option<WebhookRow>, StoreError> {
    let row = query::one(link, WEBHOOK, query::numbers(&[id])).await?;
    row.as_ref().map(read_webhook).transpose()
}

async fn delivery<L: Link>(link: &mut L, id: Uuid) -> Result<Option<Delivery>, StoreError> {
    let mut values = L::Values::default();
    values.uuid(Some(id));
    let row = query::one(link, DELIVERY, values).await?;
    row.as_ref().map(read_delivery).transpose()
}

fn read_webhook(row: &impl Cells) -> Result<WebhookRow, StoreError> {
    let types = serde_json::from_str(row.text("types")?);
    let old_secret = row.opt_bytes("old_secret")?.map(<[u8]>::to_vec);
    Ok(WebhookRow {
        id: row.number("webhook_id")?,
        url: row.text("url")?.to_owned(),
        secret: row.bytes("secret")?.to_vec(),
        old_secret: old_secret.zip(row.opt_time("old_until")?),
        types: types.map_err(|error| StoreError::Broken(Box::new(error)))?,
        made_at: row.time("made_at")?,
        stopped_at: row.opt_time("stopped_at")?,
    })
}

fn read_delivery(row: &impl Cells) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.uuid("delivery_id")?,
        webhook: row.number("webhook_id")?,
        message: Message {
            id: row.uuid("event_id")?,
            kind: row.text("type")?.to_owned(),
            body: row.text("body")?.to_owned(),
            at: row.time("made_at")?,
        },
        tries: row.number("tries")?,
        next_at: row.opt_time("next_at")?,
        done_at: row.opt_time("done_at")?,
        answer: row.opt_text("answer")?.map(str::to_owned),
    })
}
