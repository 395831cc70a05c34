//! Many servers in one process: it speaks to the owner of a sale as servers do, over the bus, for fans who are numbers here.
//! Whoever runs the sale cannot tell it from as many real ones, so the owner's figures are real. A gateway's own are not: there
//! are no websockets, and of a copy no more than how far it is.

mod node;
mod roster;

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use frontrow::bus::nats;
use frontrow::bus::wire::WIRE;
use frontrow::clock::Clock;
use frontrow::domain::ids::ConcertId;
use frontrow::metrics::Metrics;
use frontrow::store::{self, Store};
use frontrow_crowd::crew::Worker;
use frontrow_crowd::record::Op;

use self::node::{Stage, credits};
use self::roster::{Owner, Roster};
use super::READY_PATIENCE;
use crate::common::{Common, duration};
use crate::run::{Needs, Run};

const ABOUT: &str =
    "one process is many servers of a cluster, whose fans hold and give back seats of a sale elsewhere.";

/// Those who are let in where nothing happens.
const ADMITTED_OF_IDLE: u32 = 1_000;

/// What fans of many servers cost the one that runs their sale: joins, then holds and releases at a steady rate.
#[derive(Args)]
pub struct Gateways {
    /// The servers to play.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    nodes: u32,
    /// Fans, spread over the servers: all of them are admitted, or with --idle all but some wait in line.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    fans: u32,
    /// Holds a second of all fans together, each given back at once. More than the owner can do is as fast as it goes; how
    /// long a hold takes says nothing then.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// The fans are there, and nobody does anything.
    #[arg(long, conflicts_with = "rate")]
    idle: bool,
    #[arg(long, default_value_t = 50_000)]
    seats: usize,
    /// The time for which figures are taken.
    #[arg(long, default_value = "10s", value_parser = duration)]
    duration: Duration,
    /// The time for which the fans hold, or nothing happens, before that.
    #[arg(long, default_value = "5s", value_parser = duration)]
    warm_up: Duration,
    /// A NATS server of the cluster's bus, as nats://host:port without a login; several separated by commas.
    #[arg(long, value_name = "URL", value_delimiter = ',', required = true)]
    bus: Vec<String>,
    /// What the subjects of the cluster's messages begin with.
    #[arg(long, value_name = "WORD", default_value = "frontrow")]
    bus_prefix: String,
    /// The cluster's database, with --server; else it is that of the server which is started.
    #[arg(long, value_name = "URL", requires = "server")]
    database: Option<String>,
}

impl Gateways {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let url = self.database.as_ref().or(common.database_url.as_ref());
        let url =
            url.context("a cluster has a database: give --database-url, or --database with --server")?;
        let mut common = common.clone();
        if common.server.is_empty() {
            let of_cluster = [
                "cluster.name=owner".to_owned(),
                format!("cluster.bus={}", self.bus.join(",")),
                format!("cluster.bus_prefix={}", self.bus_prefix),
            ];
            common.set.splice(0..0, of_cluster);
        }
        let (fans, nodes) = (self.fans as usize, self.nodes as usize);
        let needs = Needs {
            users: fans,
            connections: nodes,
            // Nobody is admitted for whom there is no seat.
            seats: if self.idle { self.seats } else { self.seats.max(fans) },
            schedules: 1,
            capacity: if self.idle { self.fans.min(ADMITTED_OF_IDLE) } else { self.fans },
            open: true,
            shape: "stadium",
        };
        let shown: &[Op] = if self.idle { &[Op::Join] } else { &[Op::Join, Op::Hold, Op::Release] };
        let mut run = Run::prepare(&common, &needs, shown).await?;
        run.setting("servers played", nodes);
        run.setting("fans", fans);
        run.setting("holds a second", if self.idle { 0 } else { self.rate });
        let users = (0..fans).map(|fan| run.tokens.user(fan));
        let users: Option<Vec<u64>> = users.collect();
        let users = users.context("the tokens do not say whose they are: `user_id` is missing")?;
        let store = open(url).await?;
        let clock = Clock::system();
        clock.begin_at(store.database_time().await?);
        let concert = ConcertId(run.venue.concert);
        let owner = Owner::find(&*store, concert).await?;
        eprintln!("{} runs the sale by claim {}", owner.member.named(), owner.epoch);
        if self.idle {
            // What it took to begin is given back within seconds.
            tokio::time::sleep(self.warm_up).await;
        }
        let before = run.server.usage();

        let roster = Arc::new(Roster::join(store, &owner.member, nodes).await?);
        let beating = tokio::spawn(roster.clone().beat());
        let stage = Arc::new(Stage {
            clock,
            metrics: Arc::new(Metrics::new()),
            bus: nats::Options {
                servers: self.bus.clone(),
                prefix: self.bus_prefix.clone(),
                login: nats::Login::default(),
                trust: nats::Trust::default(),
            },
            nodes: roster.nodes().to_vec(),
            owner: owner.member.node,
            epoch: owner.epoch,
            concert,
            venue: run.venue.clone(),
            claims: run.claims.clone(),
            users,
            rate: (!self.idle).then_some(self.rate),
            credits: credits(roster.living()),
            seed: common.seed,
        });
        let began = Instant::now();
        let crew = run.crew(move |worker| {
            let stage = stage.clone();
            async move {
                let play = |worker: Rc<Worker>, index| node::play(worker, stage.clone(), index);
                worker.play(worker.share(stage.nodes.len()), play).await;
                anyhow::Ok(())
            }
        })?;
        run.until(&crew, "all fans have joined", READY_PATIENCE, || crew.ready() >= fans as u64).await?;
        let (joined, used_to_join) = (began.elapsed().as_secs_f64(), run.server.usage());
        crew.go();
        match self.idle {
            true => {
                run.settle_down(&crew, self.warm_up).await;
                run.begin();
                run.pass(&crew, self.duration).await;
                run.end();
            }
            false => {
                run.pass(&crew, self.warm_up).await;
                run.begin_even().await?;
                run.pass(&crew, self.duration).await;
                run.end_even(&crew, Some(nodes as u64)).await?;
            }
        }
        let after = run.server.usage();
        run.finish(crew).await?;
        let has_beaten = !beating.is_finished();
        beating.abort();
        roster.leave().await?;

        run.check("each server's beat was written", has_beaten, format!("{nodes} servers"));
        run.figure("joined_after", joined, "s", "until all fans had joined, the connecting included");
        if let (Some(before), Some(joined)) = (&before, &used_to_join) {
            let micros = joined.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6 / fans as f64;
            run.figure(
                "server_cpu_per_join",
                micros,
                "µs",
                "of the owner's CPU for a join, and the connecting",
            );
        }
        if self.idle
            && let (Some(before), Some(after)) = (before, after)
        {
            let grown = after.rss_bytes.saturating_sub(before.rss_bytes) as f64;
            run.figure(
                "bytes_per_fan",
                grown / fans as f64,
                "B",
                "resident at the owner for a fan elsewhere",
            );
        }
        if let Some(used) = run.server_use() {
            run.figure("server_cpu_percent", used.cpu_percent, "%", "of a core, of the owner");
        }
        if !self.idle {
            let holds = run.board.done(Op::Hold);
            run.rate_figure(Op::Hold, "holds_per_second", "durable holds");
            run.percentile_figure(Op::Hold, 50.0, "hold_p50", "half of the answers to a hold, at most");
            run.percentile_figure(Op::Hold, 99.0, "hold_p99", "99 of 100 answers to a hold, at most");
            run.cpu_figure(holds, "server_cpu_per_hold", "of the owner's CPU for a hold and its release");
        }
        run.check_sale().await?;
        run.report("gateways", ABOUT)
    }
}

/// The cluster's database, which has to be of this release: nothing in it is changed but rows of members.
async fn open(url: &str) -> anyhow::Result<Arc<dyn Store>> {
    let folder = Path::new(".");
    let pending = store::pending_migrations(Some(url), folder).await?;
    ensure!(
        pending.is_empty(),
        "the cluster's database is of another release: it lacks {}",
        pending.join(", ")
    );
    Ok(store::open(Some(url), folder).await?)
}
