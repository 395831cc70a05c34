//! `frontrow webhook`: where a running server sends its alarms, and what it sent.

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::json;
use uuid::Uuid;

use super::client::ServerArgs;
use super::print_json;

#[derive(Args)]
pub struct Webhook {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    call: Call,
}

#[derive(Subcommand)]
enum Call {
    /// Have alarms sent to an address. Prints the secret that signs them, this once.
    Add {
        /// `https://`, or `http://` to the server's own machine.
        url: String,
        /// Only messages of this type, as often as you like; without it, everything.
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
    },
    /// List where alarms are sent to, and where they were until lately.
    List,
    /// Have nothing sent to an address any more; what waits is given up.
    Remove {
        #[arg(value_name = "WEBHOOK")]
        id: u64,
    },
    /// Make another secret, and print it this once. The one of before signs as well for a day.
    Rotate {
        #[arg(value_name = "WEBHOOK")]
        id: u64,
    },
    /// Send a message that says nothing, to see whether it arrives: `deliveries` tells.
    Test {
        #[arg(value_name = "WEBHOOK")]
        id: u64,
    },
    /// List what was sent, and what was answered, newest first.
    Deliveries {
        #[arg(value_name = "WEBHOOK")]
        id: u64,
        /// Only older ones than this.
        #[arg(long, value_name = "DELIVERY")]
        before: Option<Uuid>,
        /// The most of them.
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
    /// Send once more what was sent before, as the same message.
    Resend {
        #[arg(value_name = "DELIVERY")]
        id: Uuid,
    },
}

impl Webhook {
    pub async fn run(self) -> anyhow::Result<()> {
        let admin = "/api/v1/admin";
        let (method, path, body) = match self.call {
            Call::Add { url, types } => {
                (Method::POST, "webhooks".to_owned(), Some(json!({"url": url, "types": types})))
            }
            Call::List => (Method::GET, "webhooks".to_owned(), None),
            Call::Remove { id } => (Method::DELETE, format!("webhooks/{id}"), None),
            Call::Rotate { id } => (Method::POST, format!("webhooks/{id}/rotate"), Some(json!({}))),
            Call::Test { id } => (Method::POST, format!("webhooks/{id}/test"), Some(json!({}))),
            Call::Deliveries { id, before, limit } => {
                let before = before.map(|before| format!("before={before}"));
                let limit = limit.map(|limit| format!("limit={limit}"));
                let asked: Vec<_> = before.into_iter().chain(limit).collect();
                (Method::GET, format!("webhooks/{id}/deliveries?{}", asked.join("&")), None)
            }
            Call::Resend { id } => (Method::POST, format!("deliveries/{id}/resend"), Some(json!({}))),
        };
        print_json(&self.server.call(method, &format!("{admin}/{path}"), body.as_ref()).await?)
    }
}
