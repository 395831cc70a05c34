//! Where messages are sent to, and what was sent. Messages are signed as Standard Webhooks has it (standardwebhooks.com): the
//! headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use uuid::Uuid;

use crate::limits::URL_CHARS_MAX;
use crate::time::Timestamp;

/// What webhooks are sent, besides `webhook.test`.
pub const TYPES: [&str; 2] = ["alarm.raised", "alarm.ended"];

/// The body of `POST /admin/webhooks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// `https://`, or `http://` to the server's own machine. Addresses inside are only for networks that the server's
    /// settings name.
    #[schemars(length(min = 1, max = URL_CHARS_MAX))]
    pub url: String,
    /// Of `alarm.raised`, `alarm.ended`; none named: everything, also what is added later.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "types")]
    pub types: Vec<String>,
}

fn types<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let mut named = Vec::<String>::deserialize(deserializer)?;
    if let Some(unknown) = named.iter().find(|name| !TYPES.contains(&name.as_str())) {
        let known = TYPES.join("`, `");
        return Err(de::Error::custom(format_args!("`{unknown}` is not sent; `types` may have `{known}`")));
    }
    named.sort_unstable();
    named.dedup();
    Ok(named)
}

/// Where messages are sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Webhook {
    pub webhook_id: u64,
    pub url: String,
    /// What is sent; none: everything.
    pub types: Vec<String>,
    pub made_at: Timestamp,
    /// While its secret is exchanged: until then the one of before signs as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_until: Option<Timestamp>,
    /// From then on nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Timestamp>,
}

/// All of them, and those that were stopped lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Webhooks {
    pub webhooks: Vec<Webhook>,
}

/// A webhook, and the secret that signs what is sent to it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeWebhook {
    #[serde(flatten)]
    pub webhook: Webhook,
    /// `whsec_` and base64. It is told this once.
    pub secret: String,
}

impl fmt::Debug for MadeWebhook {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MadeWebhook").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

/// What was sent to a webhook, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookDeliveries {
    pub deliveries: Vec<WebhookDelivery>,
    /// Older ones come with `before` set to this; null: there are none.
    pub next: Option<Uuid>,
}

/// A message on its way to a webhook, or at its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookDelivery {
    pub delivery_id: Uuid,
    pub webhook_id: u64,
    /// As the header `webhook-id` has it: the same if it is sent again.
    pub message_id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub made_at: Timestamp,
    /// How often it was sent.
    pub tries: u32,
    /// When it is sent next; null: it arrived, or was given up.
    pub next_at: Option<Timestamp>,
    /// When it arrived; null: it did not.
    pub done_at: Option<Timestamp>,
    /// What came of the last try: the status that was answered, or why there was none.
    pub answer: Option<String>,
    pub body: Value,
}
