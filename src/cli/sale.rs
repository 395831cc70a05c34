//! `frontrow sale`: the operators' HTTP calls of a running server.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use frontrow::domain::ids::ConcertId;
use hyper::Method;
use serde_json::json;

use super::client::ServerArgs;
use super::rules::{self, Rule};
use super::{node, prices, print_json};

#[derive(Args)]
pub struct Sale {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    call: Call,
}

#[derive(Subcommand)]
enum Call {
    /// The figures of every sale.
    List,
    /// Admit fans, now.
    Open { concert: u32 },
    /// No joins, admissions or new holds; paying works.
    Pause { concert: u32 },
    /// Pause the sale, and dissolve its line.
    Close { concert: u32 },
    /// Change how many fans may be admitted at a time. Lowering it evicts nobody.
    Capacity { concert: u32, places: u32 },
    /// Change rules of the sale, such as hold_ttl=3m; NAME=default puts what the run has for all sales back.
    Set {
        concert: u32,
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = rules::rule)]
        rules: Vec<Rule>,
    },
    /// Change what free seats of a performance cost, such as VIP=120000. Whoever holds or bought some keeps their price.
    Prices {
        /// The performance.
        schedule: u64,
        #[arg(required = true, value_name = "CATEGORY=AMOUNT", value_parser = prices::price)]
        prices: Vec<(String, i64)>,
        /// The same in every performance of the concert that has not begun.
        #[arg(long)]
        all_performances: bool,
        /// Only if free seats cost this: nobody else's change is overwritten.
        #[arg(long, value_name = "CATEGORY=AMOUNT", value_parser = prices::price)]
        was: Vec<(String, i64)>,
    },
    /// Show a message to every fan; an empty one takes it away.
    Message { concert: u32, text: String },
    /// Have another server run the sale, by its number or name, without anybody noticing. Asks the database, not a server.
    Move { concert: u32, node: String },
}

impl Sale {
    pub async fn run(self) -> anyhow::Result<()> {
        let state = |state: &str| json!({"state": state});
        let change = match &self.call {
            Call::List => None,
            Call::Prices { schedule, prices, all_performances, was } => {
                return self.prices(*schedule, prices, *all_performances, was).await;
            }
            Call::Move { concert, node } => {
                return node::move_sale(&self.server.data, ConcertId(*concert), node).await;
            }
            Call::Open { concert } => Some((concert, state("OPEN"))),
            Call::Pause { concert } => Some((concert, state("PAUSED"))),
            Call::Close { concert } => Some((concert, state("CLOSED"))),
            Call::Capacity { concert, places } => Some((concert, json!({"capacity": places}))),
            Call::Set { concert, rules } => Some((concert, rules::patch(rules)?)),
            Call::Message { concert, text } => {
                let message = Some(text.trim()).filter(|text| !text.is_empty());
                Some((concert, json!({"message": message})))
            }
        };
        let answer = match change {
            None => self.server.call(Method::GET, "/api/v1/admin/sales", None).await,
            Some((concert, patch)) => {
                let path = format!("/api/v1/admin/sales/{concert}");
                self.server.call(Method::PATCH, &path, Some(&patch)).await
            }
        };
        print_json(&answer?)
    }

    async fn prices(
        &self,
        schedule: u64,
        prices: &[(String, i64)],
        all_performances: bool,
        was: &[(String, i64)],
    ) -> anyhow::Result<()> {
        let named = |prices: &[(String, i64)]| prices.iter().cloned().collect::<BTreeMap<_, _>>();
        let mut patch = json!({"prices": named(prices), "all_performances": all_performances});
        if !was.is_empty() {
            patch["was"] = json!({"prices": named(was)});
        }
        let path = format!("/api/v1/admin/schedules/{schedule}");
        print_json(&self.server.call(Method::PATCH, &path, Some(&patch)).await?)
    }
}
