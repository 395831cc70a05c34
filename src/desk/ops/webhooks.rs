//! Webhooks as operators make them, and what was sent, in the words of the wire.

use frontrow_protocol::ErrorObject;
use frontrow_protocol::ops::webhooks as wire;
use serde_json::json;
use uuid::Uuid;

use crate::desk::{Context, translate};
use crate::limits::{WEBHOOK_SECRET_OVERLAP, WEBHOOKS_MAX};
use crate::ops::webhooks::{message_id, sign};
use crate::store::alarms::Message;
use crate::store::operators::Note;
use crate::store::webhooks::{Delivery, WebhookRow};
use crate::store::{Webhooks, random_id};

const TEST: &str = "webhook.test";

impl Context {
    fn webhook_store(&self) -> Result<&dyn Webhooks, ErrorObject> {
        self.store.webhooks().ok_or_else(ErrorObject::internal)
    }

    pub async fn list_webhooks(&self) -> Result<wire::Webhooks, ErrorObject> {
        let rows = self.read(self.webhook_store()?.webhooks()).await?;
        Ok(wire::Webhooks { webhooks: rows.iter().map(|row| self.webhook(row)).collect() })
    }

    pub async fn add_webhook(
        &self,
        new: wire::NewWebhook,
        note: &Note,
    ) -> Result<wire::MadeWebhook, ErrorObject> {
        let refused = |error| ErrorObject::invalid_params(Some("url"), &format!("`url` {error}"));
        self.webhooks.target(&new.url).map_err(refused)?;
        let secret = sign::new_secret();
        let adding = self.webhook_store()?.add_webhook(&new.url, &new.types, &secret, note);
        let row = self.change(adding).await?;
        let row = row.ok_or_else(|| {
            ErrorObject::invalid_params(
                None,
                &format!("there are {WEBHOOKS_MAX} webhooks already; stop one first"),
            )
        })?;
        self.webhooks.wake();
        Ok(wire::MadeWebhook { webhook: self.webhook(&row), secret: sign::told(&secret) })
    }

    /// Gives a webhook another secret; the one of before signs as well for a while.
    pub async fn rotate_webhook(&self, id: u64, note: &Note) -> Result<wire::MadeWebhook, ErrorObject> {
        let (secret, old_until) = (sign::new_secret(), note.at + WEBHOOK_SECRET_OVERLAP);
        let rotating = self.webhook_store()?.rotate_webhook(id, &secret, old_until, note);
        let row = self.change(rotating).await?.ok_or_else(|| ErrorObject::not_found("webhook"))?;
        self.webhooks.wake();
        Ok(wire::MadeWebhook { webhook: self.webhook(&row), secret: sign::told(&secret) })
    }

    pub async fn stop_webhook(&self, id: u64, note: &Note) -> Result<(), ErrorObject> {
        let stopped = self.change(self.webhook_store()?.stop_webhook(id, note)).await?;
        self.webhooks.wake();
        if stopped { Ok(()) } else { Err(ErrorObject::not_found("webhook")) }
    }

    /// Sends a message that says nothing, to see whether it arrives.
    pub async fn test_webhook(&self, id: u64) -> Result<wire::WebhookDelivery, ErrorObject> {
        let at = self.clock.utc();
        let data = json!({"webhook_id": id, "server": self.alarms.server()});
        let body = json!({"type": TEST, "timestamp": translate::time(at), "data": data}).to_string();
        let message = Message { id: random_id(), kind: TEST.to_owned(), body, at };
        let sent = self.change(self.webhook_store()?.send_to_one(id, &message)).await?;
        self.sent(sent.ok_or_else(|| ErrorObject::not_found("webhook"))?)
    }

    pub async fn resend(&self, id: Uuid, note: &Note) -> Result<wire::WebhookDelivery, ErrorObject> {
        let sent = self.change(self.webhook_store()?.resend(id, note)).await?;
        self.sent(sent.ok_or_else(|| ErrorObject::not_found("delivery to a webhook that is not stopped"))?)
    }

    fn sent(&self, delivery: Delivery) -> Result<wire::WebhookDelivery, ErrorObject> {
        self.webhooks.wake();
        told_delivery(delivery)
    }

    pub async fn list_deliveries(
        &self,
        webhook: u64,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<wire::WebhookDeliveries, ErrorObject> {
        let store = self.webhook_store()?;
        self.read(store.webhook(webhook)).await?.ok_or_else(|| ErrorObject::not_found("webhook"))?;
        // One more than is told says whether there are more.
        let mut found = self.read(store.deliveries(webhook, before, limit + 1)).await?;
        let there_are_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found.last().filter(|_| there_are_more).map(|last| last.id);
        let deliveries = found.into_iter().map(told_delivery).collect::<Result<_, _>>()?;
        Ok(wire::WebhookDeliveries { deliveries, next })
    }

    fn webhook(&self, row: &WebhookRow) -> wire::Webhook {
        let now = self.clock.utc();
        let old_until = row.old_secret.as_ref().map(|(_, until)| *until).filter(|until| *until > now);
        wire::Webhook {
            webhook_id: row.id,
            url: row.url.clone(),
            types: row.types.clone(),
            made_at: translate::time(row.made_at),
            old_until: old_until.map(translate::time),
            stopped_at: row.stopped_at.map(translate::time),
        }
    }
}

fn told_delivery(of: Delivery) -> Result<wire::WebhookDelivery, ErrorObject> {
    Ok(wire::WebhookDelivery {
        delivery_id: of.id,
        webhook_id: of.webhook,
        message_id: message_id(&of.message),
        body: serde_json::from_str(&of.message.body).map_err(|_| ErrorObject::internal())?,
        kind: of.message.kind,
        made_at: translate::time(of.message.at),
        tries: of.tries,
        next_at: of.next_at.map(translate::time),
        done_at: of.done_at.map(translate::time),
        answer: of.answer,
    })
}
