//! `frontrow serve`: the server, from its settings to its graceful end.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use frontrow::clock::Clock;
use frontrow::config::{Config, LogFormat};
use frontrow::desk::operators::links;
use frontrow::dispatcher::Dispatcher;
use frontrow::domain::record::SaleState;
use frontrow::domain::rules::{OwnRules, SaleSettings};
use frontrow::domain::time::Timestamp;
use frontrow::limits::{HEARTBEAT_GAP_MAX, OPERATOR_LINK_TTL};
use frontrow::log;
use frontrow::metrics::Metrics;
use frontrow::server::{self, Given};
use frontrow::store::{DataFolder, FolderError, NewConcert, Store};
use frontrow::venue::{self, ImportOptions, Shape};
use frontrow_protocol::{HumanDuration, Role};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use super::{DataArgs, open_store, operator, print_text};

#[derive(Args)]
pub struct Serve {
    /// The address to listen on, as address:port. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Make, once, a concert to try things with, its sale open; guests may buy.
    #[arg(long)]
    demo: bool,
    /// Where there is no operator yet: make an owner, and print a link that signs them in, though nobody may be there to read
    /// it. At a terminal that is done in any case.
    #[arg(long)]
    print_link: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// The time for which the first line on stdout waits for the sales to be in memory. `/readyz` tells of longer
/// recoveries.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(3);
const FIRST_OWNER: &str = "Owner";
const DEMO_SEATS: usize = 1_200;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Serve {
    pub async fn run(self) -> anyhow::Result<()> {
        let mut flags: Vec<(&'static str, String)> = Vec::new();
        flags.extend(self.listen.clone().map(|listen| ("listen", listen)));
        if self.demo {
            flags.push(("demo", "true".to_owned()));
        }
        let sources = self.data.sources(flags)?;
        let config = Config::load(&sources)?;
        let metrics = Arc::new(Metrics::new());
        let _flush = start_log(&config, &metrics)?;
        for name in sources.unknown_variables() {
            tracing::warn!(
                "the environment has {name}, which is no setting; `frontrow config` lists them all"
            );
        }

        // One server a folder of the embedded database: the lock says so before anything is read. Servers of another
        // database may share one, for its keys; only one of them has the lock.
        let folder = match DataFolder::lock(&config.data) {
            Err(FolderError::InUse { .. }) if config.database_url.is_some() => None,
            folder => Some(folder?),
        };
        let store = open_store(&config, &self.data).await?;
        let clock = Clock::system();
        if config.demo {
            make_demo(&*store, clock.utc()).await.context("could not make the demo's concert")?;
        }
        let mut signals = stop_signals()?;
        let stop = async move {
            if let Some(signal) = signals.recv().await {
                tracing::info!(signal, "stopping");
            }
        };
        let given = Given {
            store,
            clock,
            metrics,
            folder,
            heartbeat_gap_max: HEARTBEAT_GAP_MAX,
            by_database_clock: true,
        };
        let server = server::start(&config, given, stop).await?;
        // A caller who reads this line may send the first request, and should find the sales in memory.
        let _ = tokio::time::timeout(RECOVERY_PATIENCE, recovered(&server.context.dispatcher)).await;
        let scheme = if server.is_secure { "https" } else { "http" };
        let mut said = format!("listening on {scheme}://{}\n", server.address);
        if let Some(address) = server.admin_address {
            said.push_str(&format!("operators on {scheme}://{address}\n"));
        }
        if let Err(error) = print_text(&said) {
            // Nobody is there to read it: no reason not to sell.
            tracing::warn!(
                error = &*error as &dyn std::error::Error,
                "could not say where to find the server"
            );
        }
        let prints_link = self.print_link || std::io::stderr().is_terminal();
        let address = server.admin_address.unwrap_or(server.address);
        let base_url = config.admin_base_url.clone();
        let base_url = base_url.unwrap_or_else(|| links::listening_at(address, server.is_secure));
        if let Err(error) = first_owner(&*server.context.store, prints_link.then_some(&base_url)).await {
            tracing::warn!(error = &*error as &dyn std::error::Error, "could not make the first owner");
        }
        Ok(server.ended().await?)
    }
}

/// Makes an owner where nobody is an operator yet, and prints how they get in; without an address to begin with, says how
/// one is made.
async fn first_owner(store: &dyn Store, base_url: Option<&String>) -> anyhow::Result<()> {
    let Some(operators) = store.operators() else { return Ok(()) };
    if !operators.operators().await.context("could not list the operators")?.is_empty() {
        return Ok(());
    }
    let Some(base_url) = base_url else {
        tracing::info!(
            "nobody runs the sales here yet: `frontrow operator add NAME --role owner` prints a link"
        );
        return Ok(());
    };
    let owner = operator::add(store, FIRST_OWNER, Role::Owner, OPERATOR_LINK_TTL).await?;
    // Beside the log and not in it: it is as good as a password.
    let said = format!(
        "\nNobody runs the sales here yet. Whoever opens this link within {} is the owner:\n  {}\n\n",
        HumanDuration::from(OPERATOR_LINK_TTL),
        owner.link(base_url)
    );
    std::io::stderr().write_all(said.as_bytes()).context("could not write to stderr")
}

async fn recovered(dispatcher: &Dispatcher) {
    while !dispatcher.missing().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The signals that ask the server to end, by name. All of them mean the same: finish what was begun.
fn stop_signals() -> anyhow::Result<mpsc::Receiver<&'static str>> {
    let (sender, stop) = mpsc::channel(1);
    // Other servers open their log anew or print figures for these. Without a listener they would end the process at once.
    for (kind, name) in [(SignalKind::user_defined1(), "SIGUSR1"), (SignalKind::user_defined2(), "SIGUSR2")] {
        let mut received = signal(kind).with_context(|| format!("could not listen for {name}"))?;
        tokio::spawn(async move {
            while received.recv().await.is_some() {
                tracing::warn!(signal = name, "a signal that means nothing here");
            }
        });
    }
    let mut signals = vec![(SignalKind::terminate(), "SIGTERM"), (SignalKind::interrupt(), "SIGINT")];
    // A terminal that is gone; `nohup` means that it is not to matter.
    if !ignores_hangup() {
        signals.push((SignalKind::hangup(), "SIGHUP"));
    }
    for (kind, name) in signals {
        let mut received = signal(kind).with_context(|| format!("could not listen for {name}"))?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while received.recv().await.is_some() {
                // One is enough.
                let _ = sender.try_send(name);
            }
        });
    }
    Ok(stop)
}

/// Was the process started to ignore SIGHUP? It counts as not, where the system does not say.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}

/// Starts the log. The guard that it gives back sees to the last lines.
fn start_log(config: &Config, metrics: &Metrics) -> anyhow::Result<log::Flush> {
    let filter = EnvFilter::try_new(&config.log.level)
        .context("`log.level` is not a level or a list of directives")?;
    let (lines, flush) = log::write_to(std::io::stderr(), metrics.log_lines_lost.clone())
        .context("could not start the log's thread")?;
    let log = fmt::layer().with_writer(lines).log_internal_errors(false);
    let log = match config.log.format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => log.json().boxed(),
    };
    let filter = filter.and(filter_fn(|metadata| may_be_logged(metadata.target(), *metadata.level())));
    tracing_subscriber::registry().with(log.with_filter(filter)).init();
    log::log_panics();
    Ok(flush)
}

/// Libraries trace what goes through their hands, whole frames with the tokens and ticket codes in them. Ours say
/// nothing secret at any level; of the others, whatever `log.level` says, nothing below `debug` is let through. The bus's
/// client says each attempt and each message that it drops: `bus::nats` says once in a while what comes of them.
fn may_be_logged(target: &str, level: tracing::Level) -> bool {
    let is_of =
        |name: &str| target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    match level {
        _ if is_of("frontrow") => true,
        tracing::Level::DEBUG => true,
        level => level < tracing::Level::DEBUG && !is_of("async_nats"),
    }
}

/// Makes a concert with two performances in a made-up hall, unless there is a concert already.
async fn make_demo(store: &dyn Store, now: Timestamp) -> anyhow::Result<()> {
    // Nearly always, and then there is no hall to be made.
    if !store.concerts().await?.is_empty() {
        return Ok(());
    }
    let plan = venue::generate(DEMO_SEATS, Shape::Hall)?;
    let prices = venue::suggested_prices(&plan);
    let imported = venue::import(plan.to_string().as_bytes(), &prices, ImportOptions::default())
        .map_err(|faults| anyhow::anyhow!("the made-up hall was refused: {}", faults[0]))?;
    // Evenings in Seoul: 19:00 there is 10:00 UTC.
    let midnight = Timestamp::from_millis(now.as_millis() / DAY.as_millis() as i64 * DAY.as_millis() as i64);
    let evening = midnight + Duration::from_secs(10 * 60 * 60);
    store
        .add_first_concert(NewConcert {
            title: "Front Row Night".to_owned(),
            currency: "KRW".to_owned(),
            time_zone: imported.time_zone,
            layout: imported.layout,
            starts_at: vec![evening + 30 * DAY, evening + 31 * DAY],
            restricted: Vec::new(),
            about: None,
            again: true,
            settings: SaleSettings {
                state: SaleState::Open,
                opens_at: None,
                message: None,
                own: OwnRules::default(),
            },
            at: now,
        })
        .await?;
    Ok(())
}
