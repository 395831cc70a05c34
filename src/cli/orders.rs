//! `frontrow orders`: orders of a running server.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
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
    /// Find orders, paid or not, newest first.
    Find(Find),
    /// Show an order's whole life: what became of it, of its performance, and of its seats.
    Show {
        /// The order, by the id of its reservation.
        order: Uuid,
    },
    /// Give an order's money back to its user's wallet, or note that it was handed out at the desk if it was paid there, and its
    /// seats to the sale; or single seats of it.
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
    /// Write a list of a concert as comma-separated values, for spreadsheets.
    Export {
        concert: u32,
        list: List,
        /// The file that is written; without it, the list goes to stdout.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum List {
    Orders,
    Attendees,
    Codes,
    Ledger,
}

#[derive(Args)]
struct Find {
    #[command(flatten)]
    by: By,
    /// With --schedule: the seat, by its label as on tickets.
    #[arg(long, value_name = "LABEL", requires = "schedule")]
    seat: Option<String>,
    /// Only older ones than this order.
    #[arg(long, value_name = "ORDER")]
    before: Option<Uuid>,
    /// The most orders.
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct By {
    #[arg(long, value_name = "ID")]
    order: Option<Uuid>,
    /// A ticket's code.
    #[arg(long, value_name = "CODE")]
    ticket: Option<String>,
    #[arg(long, value_name = "ID")]
    user: Option<u64>,
    /// The beginning of a user's name.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    #[arg(long, value_name = "ID")]
    concert: Option<u32>,
    /// The performance of --seat: whoever has that seat or had it.
    #[arg(long, value_name = "ID", requires = "seat")]
    schedule: Option<u64>,
}

impl Orders {
    pub async fn run(self) -> anyhow::Result<()> {
        let admin = "/api/v1/admin";
        let answer = match &self.call {
            Call::Find(find) => {
                let path = format!("{admin}/orders?{}", find.query());
                self.server.call(Method::GET, &path, None).await
            }
            Call::Show { order } => {
                self.server.call(Method::GET, &format!("{admin}/orders/{order}"), None).await
            }
            Call::Refund { order, reason, seats } => {
                let mut body = json!({"reason": reason});
                if !seats.is_empty() {
                    body["seats"] = json!(seats);
                }
                let path = format!("{admin}/orders/{order}/refund");
                self.server.call(Method::POST, &path, Some(&body)).await
            }
            Call::Move { order, from, to, keep, note } => {
                let mut body = json!({"from": from, "to": to, "keep": keep});
                if let Some(note) = note {
                    body["note"] = json!(note);
                }
                let path = format!("{admin}/orders/{order}/move");
                self.server.call(Method::POST, &path, Some(&body)).await
            }
            Call::Export { concert, list, out } => {
                let list = list.to_possible_value().context("every list has a name")?;
                let path = format!("{admin}/concerts/{concert}/export/{}.csv", list.get_name());
                return self.server.download(&path, out.as_deref()).await;
            }
        };
        print_json(&answer?)
    }
}

impl Find {
    fn query(&self) -> String {
        let By { order, ticket, user, name, concert, schedule } = &self.by;
        let pairs = [
            ("reservation_id", order.map(|id| id.to_string())),
            ("ticket", ticket.as_deref().map(escaped)),
            ("user_id", user.map(|id| id.to_string())),
            ("name", name.as_deref().map(escaped)),
            ("concert_id", concert.map(|id| id.to_string())),
            ("schedule_id", schedule.map(|id| id.to_string())),
            ("seat", self.seat.as_deref().map(escaped)),
            ("before", self.before.map(|id| id.to_string())),
            ("limit", self.limit.map(|limit| limit.to_string())),
        ];
        let named = pairs.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        named.collect::<Vec<_>>().join("&")
    }
}

/// A text as it stands behind a question mark.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
