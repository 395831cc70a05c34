//! `frontrow seats`: which seats of a performance the house keeps from sale.

use anyhow::Context;
use clap::{Args, Subcommand};
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
            Call::List { schedule } => listed(&self.server.call(Method::GET, &path(*schedule), None).await?),
        };
        print_json(&answer?)
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
