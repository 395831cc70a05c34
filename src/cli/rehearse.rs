//! `frontrow rehearse`: synthetic buyers play a hidden copy of a running server's sale.

use std::io::Write;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use frontrow_protocol::ops::rehearsal::{BeginRehearsal, Rehearsal, RehearsalOf, RehearsalState};
use hyper::Method;
use serde_json::json;

use super::client::ServerArgs;
use super::print_json;

/// Between two looks at how far it is.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Args)]
pub struct Rehearse {
    #[command(flatten)]
    server: ServerArgs,
    /// The concert whose sale is rehearsed. Fans see nothing of it, and nothing is left of it.
    concert: u32,
    /// Buyers in all, each a user of their own.
    #[arg(long, required_unless_present_any = ["end", "show"])]
    buyers: Option<u32>,
    /// The seconds after which it ends, whether everybody is through or not.
    #[arg(long, default_value_t = 120)]
    seconds: u32,
    /// The seconds within which all buyers arrive, evenly.
    #[arg(long, default_value_t = 5)]
    arrive_within: u32,
    /// The milliseconds for which each thinks before holding, and again before paying.
    #[arg(long, default_value_t = 1_000)]
    think_ms: u32,
    /// The number of 100 buyers who go away with seats in their hands.
    #[arg(long, default_value_t = 5)]
    abandon: u32,
    /// The seed of all randomness: the same one picks the same seats.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// End the one that is played now.
    #[arg(long, conflicts_with_all = ["buyers", "show"])]
    end: bool,
    /// Show the last one, and its report.
    #[arg(long, conflicts_with = "buyers")]
    show: bool,
}

impl Rehearse {
    pub async fn run(self) -> anyhow::Result<()> {
        let path = format!("/api/v1/admin/concerts/{}/rehearsal", self.concert);
        if self.show {
            return print_json(&self.server.call(Method::GET, &path, None).await?);
        }
        if self.end {
            return print_json(&self.server.call(Method::DELETE, &path, None).await?);
        }
        let asked = BeginRehearsal {
            buyers: self.buyers.unwrap_or_default(),
            seconds: self.seconds,
            arrive_within: self.arrive_within,
            think_ms: self.think_ms,
            abandon: self.abandon,
            seed: self.seed,
        };
        self.server.call(Method::POST, &path, Some(&json!(asked))).await?;
        let ended = loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let seen = self.server.call(Method::GET, &path, None).await?;
            let of: RehearsalOf = serde_json::from_value(seen)?;
            let Some(rehearsal) = of.rehearsal else {
                bail!("the server was started anew, and knows nothing of it")
            };
            let _ = writeln!(std::io::stderr(), "{}", progress(&rehearsal));
            if rehearsal.state == RehearsalState::Over {
                break rehearsal;
            }
        };
        print_json(&json!(ended))?;
        if let Some(problem) = ended.problem {
            bail!("{problem}");
        }
        match ended.report {
            Some(report) if report.ok => Ok(()),
            Some(report) => {
                let failed = report.checks.iter().find(|check| !check.ok);
                bail!(
                    "{}",
                    failed.map_or("a check failed".to_owned(), |of| format!("{}: {}", of.name, of.detail))
                )
            }
            None => bail!("it ended before the buyers came"),
        }
    }
}

/// A line for people.
fn progress(rehearsal: &Rehearsal) -> String {
    let of = &rehearsal.figures;
    match rehearsal.state {
        RehearsalState::Preparing => "the copy of the sale is being made".to_owned(),
        RehearsalState::Playing => format!(
            "{:>4} s  {} arrived, {} waiting, {} admitted, {} holding, {} bought {} seats, {} faults",
            of.seconds, of.arrived, of.waiting, of.admitted, of.holding, of.bought, of.seats_sold, of.faults
        ),
        RehearsalState::Ending => "what is left of it is being taken away".to_owned(),
        RehearsalState::Over => {
            format!("{} bought {} seats; nothing is left of it", of.bought, of.seats_sold)
        }
    }
}
