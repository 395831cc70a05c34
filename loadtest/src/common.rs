//! The options that every scenario takes on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use frontrow_crowd::door::Tls;
use frontrow_protocol::HumanDuration;

use crate::authority;
use crate::report::Expectation;

#[derive(Args, Clone, Debug)]
pub struct Common {
    /// A server that runs already, as address:port; servers of one cluster, one by one or separated by commas, take fans in
    /// turn. Their connection limits must allow what the scenario does, those by address too: `limits.address.exempt`.
    #[arg(long, global = true, value_name = "ADDR", value_delimiter = ',', requires = "tokens")]
    pub server: Vec<SocketAddr>,
    /// The concert to sell, with --server; if unset, the only one that it has.
    #[arg(long, global = true, value_name = "ID")]
    pub concert: Option<u32>,
    /// The users to play, with --server, as `frontrow user add --count N` printed them.
    #[arg(long, global = true, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    /// The operator's token, with --server, for scenarios that steer the sale and for the last check.
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "FRONTROW_OPERATOR_TOKEN",
        hide_env_values = true
    )]
    pub operator_token: Option<String>,
    /// The server's process, with --server, if it runs on this machine, to watch its CPU and memory; of several servers in
    /// their order.
    #[arg(long, global = true, value_name = "PID", value_delimiter = ',')]
    pub pid: Vec<u32>,
    /// The server to start. Without: `frontrow` beside this tool.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "server")]
    pub server_binary: Option<PathBuf>,
    /// The database of the started server. Without: the embedded one, in a fresh data folder.
    #[arg(long, global = true, value_name = "URL", conflicts_with = "server")]
    pub database_url: Option<String>,
    /// The time that each packet takes to the database, and back from it, as if it were elsewhere: 2ms is another zone. The
    /// tool passes the packets on itself.
    #[arg(long, global = true, value_name = "TIME", requires = "database_url", value_parser = duration)]
    pub database_delay: Option<Duration>,
    /// The database server's process, if it runs on this machine, to count its CPU beside the server's.
    #[arg(long, global = true, value_name = "PID")]
    pub database_pid: Option<u32>,
    /// The folder in which the fresh data folder is made. A folder in memory would make commits free, and the figures a
    /// lie.
    #[arg(long, global = true, value_name = "DIR", default_value = ".", conflicts_with = "server")]
    pub data_parent: PathBuf,
    /// A setting of the started server, as for `frontrow serve --set`; wins over what the scenario sets.
    #[arg(long, global = true, value_name = "KEY=VALUE", conflicts_with = "server")]
    pub set: Vec<String>,
    /// Use TLS (wss, https): with the server that is started, which gets the certificate of the tests, or with
    /// --server.
    #[arg(long, global = true)]
    pub tls: bool,
    /// The authority that is believed, as a PEM file, with --server and --tls; if unset, that of the tests.
    #[arg(long, global = true, value_name = "FILE", requires_all = ["server", "tls"])]
    pub ca: Option<PathBuf>,
    /// Threads that play the fans. Without: half of the processors, because the server needs the others.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// The seed of all randomness: the same seed picks the same seats.
    #[arg(long, global = true, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Write the whole report as JSON.
    #[arg(long, global = true, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the report as one self-contained page.
    #[arg(long, global = true, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// A bound that a figure must keep, such as `holds_per_second>=15000`; else the exit code is 1.
    #[arg(long, global = true, value_name = "BOUND")]
    pub expect: Vec<Expectation>,
}

impl Common {
    /// The certificates to trust; `None`: connections are plain.
    pub fn tls(&self) -> anyhow::Result<Option<&'static Tls>> {
        self.tls.then(|| authority::tls(self.ca.as_deref())).transpose()
    }
}

/// Durations on this command line are written as everywhere in Frontrow.
pub fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<HumanDuration>().map(Duration::from).map_err(|error| error.to_string())
}
