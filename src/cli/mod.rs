//! The command line: one file a command. Results go to stdout as JSON, everything else to stderr; a command that
//! did not do what it was asked exits with 1 and says why.

mod alarms;
mod apply;
mod audit;
mod client;
mod concert;
mod currency;
mod history;
mod import;
mod journal;
mod migrate;
mod node;
mod operator;
mod orders;
mod prices;
mod rehearse;
mod repair;
mod rules;
mod sale;
mod schedule;
mod seats;
mod serve;
mod token;
mod user;
mod venue;
mod webhook;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use frontrow::config::{Config, Sources};
use frontrow::desk::auth::KEY_FILE;
use frontrow::store::{Store, has_lost_its_database};

/// Sells the seats of a concert, live.
#[derive(Parser)]
#[command(name = "frontrow", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Store a concert from a seating plan.
    Import(import::Import),
    /// Make concerts at a running server, from a draft to the announcement.
    Concert(concert::Concert),
    /// Make up venues.
    #[command(subcommand)]
    Venue(venue::Venue),
    /// Users and their wallets.
    #[command(subcommand)]
    User(user::User),
    /// Show the currency of all wallets, or decide it where concerts are in several.
    Currency(currency::Currency),
    /// Make an access token.
    Token(token::Token),
    /// Those who run sales: their roles, and where they are signed in.
    #[command(subcommand)]
    Operator(operator::Operator),
    /// Watch and steer the sales of a running server.
    Sale(sale::Sale),
    /// Postpone performances of a running server, or call them off.
    Schedule(schedule::Schedule),
    /// Let synthetic buyers play a hidden copy of a running server's sale.
    Rehearse(rehearse::Rehearse),
    /// Paid orders of a running server: give their money back.
    Orders(orders::Orders),
    /// Keep seats of a running server's performances from sale, give them back to it, sell them at the desk, or give them away.
    Seats(seats::Seats),
    /// What is wrong at a running server, and what was.
    Alarms(alarms::Alarms),
    /// Where a running server sends its alarms.
    Webhook(webhook::Webhook),
    /// Prove or refute, from the database alone, that everything fits.
    Audit(audit::Audit),
    /// Show from the journal who held a seat, when, and why it was lost, and who changed a sale.
    History(history::History),
    /// The servers of one database.
    #[command(subcommand)]
    Node(node::Node),
    /// Move old rows of the journal into files.
    #[command(subcommand)]
    Journal(journal::Journal),
    /// Go past what the tables of a sale refuse of its journal, so that the sale goes on.
    Repair(repair::Repair),
    /// Bring the tables up to date with the journal while no server runs, and the schema back for an older release.
    Apply(apply::Apply),
    /// Bring the database's schema up to date; a server does the same when it starts.
    Migrate(migrate::Migrate),
    /// Print every setting, explained, with its default.
    Config,
}

impl Cli {
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(command) => command.run().await,
            Command::Import(command) => command.run().await,
            Command::Concert(command) => command.run().await,
            Command::Venue(command) => command.run(),
            Command::User(command) => command.run().await,
            Command::Currency(command) => command.run().await,
            Command::Token(command) => command.run().await,
            Command::Operator(command) => command.run().await,
            Command::Sale(command) => command.run().await,
            Command::Schedule(command) => command.run().await,
            Command::Rehearse(command) => command.run().await,
            Command::Orders(command) => command.run().await,
            Command::Seats(command) => command.run().await,
            Command::Alarms(command) => command.run().await,
            Command::Webhook(command) => command.run().await,
            Command::Audit(command) => command.run().await,
            Command::History(command) => command.run().await,
            Command::Node(command) => command.run().await,
            Command::Journal(command) => command.run().await,
            Command::Repair(command) => command.run().await,
            Command::Apply(command) => command.run().await,
            Command::Migrate(command) => command.run().await,
            Command::Config => print_text(&Config::default().to_toml()),
        }
    }
}

/// The options of every command that touches the data: where it is.
#[derive(Args)]
struct DataArgs {
    /// The folder with the embedded database and the key of our own access tokens.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A database server instead of the embedded database: MariaDB, or one with the same protocol.
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// A file with settings; `frontrow.toml` is read if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any setting, as `name=value`; `frontrow config` lists them.
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Begin with an empty database in a data folder that has lost its own.
    #[arg(long, global = true)]
    new: bool,
}

impl DataArgs {
    fn config(&self) -> anyhow::Result<Config> {
        let sources = self.sources(Vec::new())?;
        for name in sources.unknown_variables() {
            let _ = writeln!(std::io::stderr(), "frontrow: the environment has {name}, which is no setting");
        }
        Ok(Config::load(&sources)?)
    }

    /// Everything that settings come from, with flags of the command's own by the settings' names.
    fn sources(&self, mut flags: Vec<(&'static str, String)>) -> anyhow::Result<Sources> {
        if let Some(data) = &self.data {
            flags.push(("data", data.to_str().context("--data is not valid UTF-8")?.to_owned()));
        }
        flags.extend(self.database_url.clone().map(|url| ("database_url", url)));
        Ok(Sources {
            file: self.config.clone(),
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            set: self.set.clone(),
            flags,
        })
    }
}

async fn open_store(config: &Config, args: &DataArgs) -> anyhow::Result<Arc<dyn Store>> {
    refuse_lost_database(config, args)?;
    let url = config.database_url.as_ref().map(|url| url.reveal());
    Ok(frontrow::store::open(url, &config.data).await?)
}

/// Refuses to give an empty database to a folder that lost its own.
fn refuse_lost_database(config: &Config, args: &DataArgs) -> anyhow::Result<()> {
    if config.database_url.is_none() && !args.new && has_lost_its_database(&config.data, KEY_FILE) {
        anyhow::bail!(
            "the data folder {} was in use, and its database is gone: bring it back, or begin with an empty one (--new)",
            config.data.display()
        );
    }
    Ok(())
}

/// One line of JSON on stdout.
fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    print_text(&format!("{value}\n"))
}

fn print_text(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("could not write to stdout")
}
