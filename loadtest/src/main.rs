//! Load tests for a Frontrow server, checked from the outside. The fans of a scenario behave as people with a browser
//! do, over real websockets; the server's answers are believed only as far as they can be proved.
//!
//! Always: what was refused by the rules is counted apart from what failed; a fault makes the exit code 1.

mod args;
mod authority;
mod common;
mod consoles;
mod database_counts;
mod database_url;
mod far_database;
mod file_limit;
mod http;
mod report;
mod run;
mod scenario;
mod server;

use std::process::ExitCode;

use args::{Cli, Scenario};
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(cli)));
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("frontrow-loadtest: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all is well.
async fn run(cli: Cli) -> anyhow::Result<bool> {
    let common = &cli.common;
    match cli.scenario {
        Scenario::Onsale(scenario) => scenario.run(common).await,
        Scenario::Prices(scenario) => scenario.run(common).await,
        Scenario::Holds(scenario) => scenario.run(common).await,
        Scenario::Journeys(scenario) => scenario.run(common).await,
        Scenario::Joins(scenario) => scenario.run(common).await,
        Scenario::Fanout(scenario) => scenario.run(common).await,
        Scenario::Gateways(scenario) => scenario.run(common).await,
        Scenario::Idle(scenario) => scenario.run(common).await,
        Scenario::Admission(scenario) => scenario.run(common).await,
        Scenario::Storm(scenario) => scenario.run(common).await,
        Scenario::Line(scenario) => scenario.run(common).await,
        Scenario::Soak(scenario) => scenario.run(common).await,
        Scenario::Crash(scenario) => scenario.run(common).await,
        Scenario::CallOff(scenario) => scenario.run(common).await,
        Scenario::Baseline(scenario) => scenario.run(common).await,
        Scenario::BareLoop(scenario) => scenario.run().await.map(|()| true),
    }
}
