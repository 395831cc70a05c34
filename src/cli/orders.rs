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
    /// Give an order's money back to its user's wallet, and its seats to the sale; or single seats of it.
    Refund {
        /// The order, by the id of its reservation.
        order: Uuid,
        /// Why, for the fan.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Only these of its seats, by their numbers.
        #[arg(long, value_name = "N", value_delimiter = ',')]
        seats: Vec<u32>,
    },
    /// Give who bought a seat another one of the same performance, which costs no less. They pay nothing, and get another ticket.
    Move {
        /// The order, by the id of its reservation.
        order: Uuid,
        /// The seat that they have, by its number.
        #[arg(long, value_name = "N")]
        from: u32,
        /// A seat that is free or kept, by its number.
        #[arg(long, value_name = "N")]
        to: u32,
        /// Keep the seat that they had from sale.
        #[arg(long)]
        keep: bool,
        /// Why, for the other operators.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
}

impl Orders {
    pub async fn run(self) -> anyhow::Result<()> {
        let (path, body) = match &self.call {
            Call::Refund { order, reason, seats } => {
                let mut body = json!({"reason": reason});
                if !seats.is_empty() {
                    body["seats"] = json!(seats);
                }
                (format!("/api/v1/admin/orders/{order}/refund"), body)
            }
            Call::Move { order, from, to, keep, note } => {
                let mut body = json!({"from": from, "to": to, "keep": keep});
                if let Some(note) = note {
                    body["note"] = json!(note);
                }
                (format!("/api/v1/admin/orders/{order}/move"), body)
            }
        };
        print_json(&self.server.call(Method::POST, &path, Some(&body)).await?)
    }
}
