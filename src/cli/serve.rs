//! `frontrow serve`: the server, from its settings to its graceful end.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use frontrow::clock::Clock;
use frontrow::config::{Config, LogFormat};
use frontrow::dispatcher::{self, Dispatcher};
use frontrow::domain::record::SaleState;
use frontrow::domain::rules::{OwnRules, SaleSettings};
use frontrow::domain::time::Timestamp;
use frontrow::fanout::{self, Fanout};
use frontrow::gateway::{self, auth::Auth, tls::Tls};
use frontrow::limits::{KEYS_LOOKED_AT_EVERY, LANES_DEFAULT, LEASE};
use frontrow::metrics::Metrics;
use frontrow::store::{DataFolder, FolderError, NewConcert, Store};
use frontrow::venue::{self, ImportOptions, Shape};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use super::{DataArgs, open_store, print_text};

#[derive(Args)]
pub struct Serve {
    /// Where to listen, as address:port. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Make, once, a concert to try things with, its sale open; guests may buy.
    #[arg(long)]
    demo: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// How long the first line on stdout waits for the sales to be in memory. Longer recoveries are told by `/readyz`.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(3);
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
        start_log(&config)?;
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
        let store = open_store(&config).await?;
        let auth = Auth::open(&config.data, &config.auth)?;
        let tls = config.tls.files().map(|files| Tls::open(&files).map(Arc::new)).transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let clock = Clock::System;
        let metrics = Arc::new(Metrics::new());
        let fanout = Arc::new(Fanout::default());
        if config.demo {
            make_demo(&*store, clock.utc()).await.context("could not make the demo's concert")?;
        }
        let listener =
            gateway::bind(config.listen).with_context(|| format!("could not listen on {}", config.listen))?;
        let address = listener.local_addr().context("the listener has no address")?;

        let lanes = if store.is_embedded() { 1 } else { config.lanes.unwrap_or(LANES_DEFAULT) };
        let (writers, mut former) = (dispatcher::new_writers(lanes), Vec::new());
        if let Some(folder) = &folder {
            former = folder.former_writers();
            // Both, for as long as both may have sales: a server that dies on its way leaves no lease behind.
            folder.note_writers(&[former.as_slice(), &writers].concat())?;
        }
        let options = dispatcher::Options {
            writers: writers.clone(),
            // The folder's lock says that no other process writes the embedded database's sales.
            former,
            lease: if store.is_embedded() { Duration::ZERO } else { LEASE },
            threads: true,
            ..dispatcher::Options::new(config.sale.clone())
        };
        let (dispatcher, lanes) =
            dispatcher::start(store.clone(), fanout.clone(), clock.clone(), metrics.clone(), options).await?;
        if let Some(folder) = &folder {
            folder.note_writers(&writers)?;
        }
        tokio::spawn(fanout::push_places(fanout.clone(), clock.clone()));

        let mut terminate = signal(SignalKind::terminate()).context("could not listen for SIGTERM")?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            tracing::info!("stopping");
        };
        let context = gateway::Context::new(&config, dispatcher.clone(), fanout, store, clock, auth, metrics);
        let context = Arc::new(context.with_tls(tls.clone()));
        if let Some(tls) = tls {
            tokio::spawn(tls.watch());
        }
        tokio::spawn({
            let context = context.clone();
            async move { context.layouts.prepare(&context.fanout).await }
        });
        tokio::spawn(reread_keys(context.clone()));
        let serving = tokio::spawn(gateway::serve(listener, context, stop));
        // Whoever reads this line may send the first request, and should find the sales in memory.
        let _ = tokio::time::timeout(RECOVERY_PATIENCE, recovered(&dispatcher)).await;
        print_text(&format!("listening on {scheme}://{address}\n"))?;
        serving.await.context("the gateway ended badly")?;
        lanes.shutdown().await;
        drop(folder);
        Ok(())
    }
}

/// Takes the issuer's new keys when their file changes, for as long as the server runs.
async fn reread_keys(context: Arc<gateway::Context>) {
    let mut look = tokio::time::interval(KEYS_LOOKED_AT_EVERY);
    loop {
        look.tick().await;
        let context = context.clone();
        // A file may lie on a disk that hangs: that is not for a thread which serves connections.
        let _ = tokio::task::spawn_blocking(move || context.auth.reread_keys()).await;
    }
}

async fn recovered(dispatcher: &Dispatcher) {
    while !dispatcher.missing().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn start_log(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log.level)
        .context("`log.level` is not a level or a list of directives")?;
    let log = fmt::layer().with_writer(std::io::stderr);
    let log = match config.log.format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => log.json().boxed(),
    };
    let filter = filter.and(filter_fn(|metadata| may_be_logged(metadata.target(), *metadata.level())));
    tracing_subscriber::registry().with(log.with_filter(filter)).init();
    Ok(())
}

/// Libraries trace what goes through their hands, whole frames with the tokens and ticket codes in them. Ours say
/// nothing secret at any level; of the others, whatever `log.level` says, nothing below `debug` is let through.
fn may_be_logged(target: &str, level: tracing::Level) -> bool {
    let is_ours = target == "frontrow" || target.starts_with("frontrow::");
    is_ours || level <= tracing::Level::DEBUG
}

/// A concert with two performances in a made-up hall, unless there is a concert already.
async fn make_demo(store: &dyn Store, now: Timestamp) -> anyhow::Result<()> {
    if !store.concerts_to_run(Timestamp::default()).await?.is_empty() {
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
        .add_concert(NewConcert {
            title: "Front Row Night".to_owned(),
            currency: "KRW".to_owned(),
            time_zone: imported.time_zone,
            layout: imported.layout,
            starts_at: vec![evening + 30 * DAY, evening + 31 * DAY],
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
