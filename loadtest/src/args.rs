//! The command line: one subcommand a scenario.

use clap::{Parser, Subcommand};

use crate::common::Common;
use crate::scenario;

/// Load tests for a Frontrow server, checked from the outside.
///
/// Without --server the tool starts a server of its own on a fresh data folder, with a generated venue and as many
/// users as the scenario needs, and runs `frontrow audit` at the end.
#[derive(Parser)]
#[command(name = "frontrow-loadtest", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub scenario: Scenario,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Subcommand)]
pub enum Scenario {
    Onsale(scenario::onsale::Onsale),
    Prices(scenario::prices::Prices),
    Holds(scenario::holds::Holds),
    Journeys(scenario::journeys::Journeys),
    Joins(scenario::joins::Joins),
    Fanout(scenario::fanout::Fanout),
    Gateways(scenario::gateways::Gateways),
    Idle(scenario::idle::Idle),
    Admission(scenario::admission::Admission),
    Storm(scenario::storm::Storm),
    Line(scenario::line::Line),
    Soak(scenario::soak::Soak),
    Crash(scenario::crash::Crash),
    CallOff(scenario::call_off::CallOff),
    Baseline(scenario::baseline::Baseline),
    /// The bare loop that `fanout` is compared with; started by it, of no use alone.
    #[command(hide = true)]
    BareLoop(scenario::bare_loop::BareLoop),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_fits_together() {
        Cli::command().debug_assert();
        let read = |arguments: &[&str]| Cli::try_parse_from(arguments);
        assert!(read(&["loadtest", "holds", "--fans", "10", "--seed", "7", "--expect", "a>=1"]).is_ok());
        assert!(read(&["loadtest", "holds", "--server", "127.0.0.1:1"]).is_err(), "whose tokens?");
        assert!(read(&["loadtest", "holds", "--duration", "10"]).is_err(), "10 of what?");
        let gateways =
            |more: &[&str]| read(&[&["loadtest", "gateways", "--bus", "nats://127.0.0.1:1"], more].concat());
        assert!(gateways(&["--nodes", "50", "--fans", "20000", "--rate", "500"]).is_ok());
        assert!(gateways(&["--idle"]).is_ok());
        assert!(gateways(&["--idle", "--rate", "5"]).is_err(), "nobody does five things a second");
        assert!(gateways(&["--nodes", "0"]).is_err());
        assert!(read(&["loadtest", "gateways"]).is_err(), "over which bus?");
    }

    #[test]
    fn several_servers_are_named_one_by_one_or_together() {
        let servers = |arguments: &[&str]| {
            let line = [&["loadtest", "journeys", "--tokens", "users"], arguments].concat();
            Cli::try_parse_from(line).map(|cli| (cli.common.server, cli.common.pid))
        };
        let both = ["127.0.0.1:1", "127.0.0.1:2"].map(|server| server.parse().unwrap()).to_vec();
        let apart = ["--server", "127.0.0.1:1", "--server", "127.0.0.1:2", "--pid", "7", "--pid", "8"];
        assert_eq!(servers(&apart).unwrap(), (both.clone(), vec![7, 8]));
        let together = ["--server", "127.0.0.1:1,127.0.0.1:2", "--pid", "7,8"];
        assert_eq!(servers(&together).unwrap(), (both, vec![7, 8]));
        assert_eq!(servers(&[]).unwrap(), (Vec::new(), Vec::new()));
        assert!(servers(&["--server", "127.0.0.1:1,nowhere"]).is_err());
    }
}
