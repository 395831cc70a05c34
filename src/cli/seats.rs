//! `frontrow seats`: which seats of a performance the house keeps from sale, and those that the box office sells or gives away.

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use frontrow::store::random_id;
use frontrow_protocol::{SeatState, decode_seats};
use hyper::Method;
use serde_json::{Value, json};

use super::client::ServerArgs;
use super::print_json;

#[derive(Args)]
pub struct Seats {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    call: Call,
}

#[derive(Subcommand)]
enum Call {
    /// Keep seats from sale. What somebody holds or bought stays theirs, and is named.
    Keep(Change),
    /// Give seats that are kept back to the sale.
    Open(Change),
    /// Sell seats to somebody at the desk, free or kept ones, without a place in line. Prints the order with its tickets' codes.
    Sell {
        #[command(flatten)]
        order: Order,
        /// How it is paid.
        #[arg(long, value_name = "HOW")]
        paid: Paid,
        /// What they were told that it costs, in minor units of the currency: if it is another sum by now, nothing is sold.
        #[arg(long, value_name = "MONEY")]
        amount: Option<i64>,
    },
    /// Give seats away: free tickets.
    Give {
        #[command(flatten)]
        order: Order,
    },
    /// Show how many seats are in which state, and the numbers of those that are kept.
    List { schedule: u64 },
}

#[derive(Args)]
struct Change {
    /// The performance.
    schedule: u64,
    #[command(flatten)]
    select: Select,
    /// Why, for the other operators.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Paid {
    Cash,
    Card,
}

#[derive(Args)]
struct Order {
    /// The performance.
    schedule: u64,
    /// The seats, by their numbers.
    #[arg(long, value_name = "N", value_delimiter = ',', required = true)]
    numbers: Vec<u32>,
    /// Who gets them, as they want to be called.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// For the other operators.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// The request's own name: the same again sells nothing twice. Without it, each call is a new one.
    #[arg(long, value_name = "TEXT")]
    request: Option<String>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Select {
    /// Seats by their labels, as on tickets.
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    seats: Vec<String>,
    /// Seats by their numbers.
    #[arg(long, value_name = "N", value_delimiter = ',')]
    numbers: Vec<u32>,
    /// Rows by their places in the layout, from 0.
    #[arg(long, value_name = "N", value_delimiter = ',')]
    row: Vec<u32>,
    /// Zones by their places in the layout, from 0.
    #[arg(long, value_name = "N", value_delimiter = ',')]
    zone: Vec<u32>,
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    category: Vec<String>,
    /// Every seat.
    #[arg(long)]
    all: bool,
}

impl Seats {
    pub async fn run(self) -> anyhow::Result<()> {
        let answer = match &self.call {
            Call::Keep(change) => self.change(true, change).await,
            Call::Open(change) => self.change(false, change).await,
            Call::Sell { order, paid, amount } => {
                let paid = match paid {
                    Paid::Cash => "cash",
                    Paid::Card => "card",
                };
                self.sell(order, paid, *amount).await
            }
            Call::Give { order } => self.sell(order, "gift", None).await,
            Call::List { schedule } => listed(&self.server.call(Method::GET, &path(*schedule), None).await?),
        };
        print_json(&answer?)
    }

    async fn sell(&self, order: &Order, source: &str, amount: Option<i64>) -> anyhow::Result<Value> {
        let request = order.request.clone().unwrap_or_else(|| random_id().to_string());
        let mut body = json!({"seats": order.numbers, "source": source, "request_id": request});
        let amount = amount.map(|amount| json!(amount));
        let texts = [("name", &order.name), ("note", &order.note)];
        let texts = texts.map(|(field, text)| (field, text.as_ref().map(|text| json!(text))));
        for (field, value) in texts.into_iter().chain([("amount", amount)]) {
            if let Some(value) = value {
                body[field] = value;
            }
        }
        let path = format!("/api/v1/admin/schedules/{}/sell", order.schedule);
        self.server.call(Method::POST, &path, Some(&body)).await
    }

    async fn change(&self, restrict: bool, change: &Change) -> anyhow::Result<Value> {
        let mut body = json!({"restrict": restrict, "select": change.select.wanted()});
        if let Some(note) = &change.note {
            body["note"] = json!(note);
        }
        self.server.call(Method::POST, &path(change.schedule), Some(&body)).await
    }
}

impl Select {
    fn wanted(&self) -> Value {
        match self {
            Self { seats, .. } if !seats.is_empty() => json!({"labels": seats}),
            Self { numbers, .. } if !numbers.is_empty() => json!({"seats": numbers}),
            Self { row, .. } if !row.is_empty() => json!({"rows": row}),
            Self { zone, .. } if !zone.is_empty() => json!({"zones": zone}),
            Self { category, .. } if !category.is_empty() => json!({"categories": category}),
            _ => json!({"all": self.all}),
        }
    }
}

fn path(schedule: u64) -> String {
    format!("/api/v1/admin/schedules/{schedule}/seats")
}

fn listed(snapshot: &Value) -> anyhow::Result<Value> {
    let count = snapshot["count"].as_u64().and_then(|count| u32::try_from(count).ok());
    let packed = snapshot["seats"].as_str().context("the answer has no seats")?;
    let seats = decode_seats(packed, count.context("the answer has no count of seats")?)?;
    let those = |state: SeatState| (0_u32..).zip(&seats).filter(move |(_, is)| **is == state);
    let restricted: Vec<u32> = those(SeatState::Restricted).map(|(seat, _)| seat).collect();
    Ok(json!({
        "schedule_id": snapshot["schedule_id"],
        "seats": seats.len(),
        "available": those(SeatState::Available).count(),
        "held": those(SeatState::TempReserved).count(),
        "sold": those(SeatState::Reserved).count(),
        "restricted": restricted,
    }))
}
