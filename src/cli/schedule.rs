//! `frontrow schedule`: what becomes of the performances of a running server.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use frontrow_protocol::Timestamp;
use frontrow_protocol::ops::life::Confirmed;
use hyper::Method;
use serde_json::json;

use super::client::ServerArgs;
use super::prices::price;
use super::print_json;

#[derive(Args)]
pub struct Schedule {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Add a performance to a concert, in the same hall. It is on sale at once, if the sale is open.
    Add {
        concert: u32,
        /// RFC 3339.
        #[arg(long)]
        starts_at: Timestamp,
        /// What seats of a category cost there: NAME=AMOUNT, in the currency's minor unit.
        #[arg(long = "price", value_name = "NAME=AMOUNT", value_parser = price)]
        prices: Vec<(String, i64)>,
        /// The performance whose prices the other categories have. Left out: those that were announced.
        #[arg(long, value_name = "SCHEDULE")]
        prices_of: Option<u64>,
    },
    /// Give a performance that has not begun another start. Tickets keep their codes, and fans are told.
    Postpone {
        schedule: u64,
        /// The new start, RFC 3339.
        #[arg(long)]
        starts_at: Timestamp,
        /// Why, for the fans.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// The start that it has now, as you know it: if it is another one, nothing is changed.
        #[arg(long, value_name = "TIME")]
        was: Option<Timestamp>,
    },
    /// Call a performance off, or with --concert every one of a concert. Whoever paid gets the money back; there is no way
    /// back from it.
    CallOff {
        #[arg(required_unless_present = "concert")]
        schedule: Option<u64>,
        /// Every performance of this concert, whose sale is closed then.
        #[arg(long, conflicts_with = "schedule")]
        concert: Option<u32>,
        /// Why, for the fans.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Yes, it is meant.
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Show how far the refunds are of what was called off.
    Refunds,
}

impl Schedule {
    pub async fn run(self) -> anyhow::Result<()> {
        let admin = "/api/v1/admin";
        let (method, path, body) = match &self.action {
            Action::Add { concert, starts_at, prices, prices_of } => {
                let prices: BTreeMap<_, _> = prices.iter().cloned().collect();
                let mut body = json!({"starts_at": starts_at, "prices": prices});
                if let Some(of) = prices_of {
                    body["prices_of"] = json!(of);
                }
                (Method::POST, format!("{admin}/concerts/{concert}/schedules"), Some(body))
            }
            Action::Postpone { schedule, starts_at, reason, was } => {
                let mut body = json!({"starts_at": starts_at});
                if let Some(reason) = reason {
                    body["reason"] = json!(reason);
                }
                if let Some(was) = was {
                    body["was"] = json!({"starts_at": was});
                }
                (Method::POST, format!("{admin}/schedules/{schedule}/postpone"), Some(body))
            }
            Action::CallOff { schedule, concert, reason, yes: _ } => {
                let path = match (schedule, concert) {
                    (Some(schedule), _) => format!("{admin}/schedules/{schedule}/call_off"),
                    (None, concert) => format!("{admin}/concerts/{}/call_off", concert.unwrap_or_default()),
                };
                (Method::POST, path, Some(json!({"reason": reason, "confirm": Confirmed})))
            }
            Action::Refunds => (Method::GET, format!("{admin}/refunds"), None),
        };
        print_json(&self.server.call(method, &path, body.as_ref()).await?)
    }
}
