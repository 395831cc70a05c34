//! `frontrow orders`: paid orders of a running server.

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::json;
use uuid::Uuid;

use super::client::ServerArgs;
use super::print_json;

#[derive(Args)]
pub struct Orders {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    call: Call,
}

#[derive(Subcommand)]
enum Call {
    /// Give an order's money back to its user's wallet, and its seats to the sale.
    Refund {
        /// The order, by the id of its reservation.
        order: Uuid,
        /// Why, for the fan.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

impl Orders {
    pub async fn run(self) -> anyhow::Result<()> {
        let Call::Refund { order, reason } = &self.call;
        let path = format!("/api/v1/admin/orders/{order}/refund");
        print_json(&self.server.call(Method::POST, &path, Some(&json!({"reason": reason}))).await?)
    }
}
