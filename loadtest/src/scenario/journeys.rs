//! Complete buyers a second: from the line to the ticket.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use frontrow_crowd::crew::Worker;
use frontrow_crowd::fan::Trouble;
use frontrow_crowd::record::Op;
use frontrow_crowd::shop::{Pick, Shop, Shopped, Visit, Wish, rng_of};
use frontrow_crowd::tokens::Tokens;
use tokio::sync::Semaphore;

use super::{READY_PATIENCE, open, play};
use crate::common::{Common, duration};
use crate::run::{Needs, Run, threads};

const ABOUT: &str = "fans join, are admitted, list the performances, watch the seats, hold, charge and pay.";

/// Complete buyers a second: join, admitted, schedules, watch, hold, charge, pay.
#[derive(Args, Clone, Copy)]
pub struct Journeys {
    /// Buyers in all, each a user of their own.
    #[arg(long, default_value_t = 15_000)]
    fans: usize,
    /// Buyers at a time.
    #[arg(long, default_value_t = 400)]
    concurrency: usize,
    /// Open a socket for each buyer within the journey, instead of all of them beforehand.
    #[arg(long)]
    fresh: bool,
    /// Seats that each buys.
    #[arg(long, default_value_t = 1)]
    seats_each: usize,
    /// Seats of each performance. Without: twice as many as are bought, over all performances.
    #[arg(long)]
    seats: Option<usize>,
    #[arg(long, default_value_t = 4)]
    schedules: usize,
    #[arg(long, value_enum, default_value_t = Pick::Uniform)]
    pick: Pick,
    /// Give up after this time.
    #[arg(long, default_value = "120s", value_parser = duration)]
    duration: Duration,
}

impl Journeys {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let fans = self.fans;
        let seats =
            self.seats.unwrap_or_else(|| (2 * fans * self.seats_each).div_ceil(self.schedules).max(100));
        let needs = Needs {
            users: fans,
            connections: if self.fresh { 2 * self.concurrency } else { fans },
            seats,
            schedules: self.schedules,
            capacity: self.concurrency as u32,
            open: true,
            shape: "arena",
        };
        let mut run = Run::prepare(common, &needs, &[Op::Journey, Op::Hold, Op::Pay]).await?;
        run.setting("fans", fans);
        run.setting("at a time", self.concurrency);
        run.setting("sockets", if self.fresh { "fresh" } else { "opened before" });
        run.setting("seats", format!("{} × {seats}", self.schedules));
        let (tokens, venue, claims) = (run.tokens.clone(), run.venue.clone(), run.claims.clone());
        let (seed, at_a_time) = (common.seed, self.concurrency.div_ceil(threads(common)));
        let stage = move || Stage {
            options: self,
            tokens: tokens.clone(),
            shop: Shop::new(&venue, &claims),
            turns: Semaphore::new(at_a_time),
            seed,
        };
        let crew = play(&run, fans, stage, buy)?;
        run.until(&crew, "all fans are there", READY_PATIENCE, || crew.ready() >= fans as u64).await?;
        run.begin_even().await?;
        crew.go();
        let began = Instant::now();
        while crew.done() < fans as u64 && began.elapsed() < self.duration && !crew.is_finished() {
            run.pass(&crew, Duration::from_millis(2)).await;
        }
        run.end_even(&crew, None).await?;
        run.finish(crew).await?;
        let journeys = run.board.done(Op::Journey);
        run.rate_figure(Op::Journey, "journeys_per_second", "complete buyers");
        run.percentile_figure(Op::Journey, 50.0, "journey_p50", "half of the journeys, at most");
        run.percentile_figure(Op::Journey, 99.0, "journey_p99", "99 of 100 journeys, at most");
        run.cpu_figure(journeys, "server_cpu_per_journey", "of the server's CPU for a buyer");
        run.check("everybody bought", journeys == fans as u64, format!("{journeys} of {fans}"));
        run.check_sale().await?;
        run.report("journeys", ABOUT)
    }
}

/// The state that the buyers of one thread share.
struct Stage {
    options: Journeys,
    tokens: Arc<Tokens>,
    shop: Rc<Shop>,
    turns: Semaphore,
    seed: u64,
}

async fn buy(worker: &Rc<Worker>, stage: &Stage, number: usize) -> Result<(), Trouble> {
    let options = &stage.options;
    let opened = match options.fresh {
        true => None,
        false => Some(open(worker, &stage.tokens, number).await?),
    };
    worker.ready().await;
    let turn = stage.turns.acquire().await;
    let began = Instant::now();
    let mut fan = match opened {
        Some(fan) => fan,
        None if worker.stopping() => return Ok(()),
        None => open(worker, &stage.tokens, number).await?,
    };
    if !worker.stopping() {
        fan.join(stage.shop.venue.concert, Instant::now()).await?;
        fan.admitted().await?;
        let wish = Wish {
            seats: options.seats_each,
            pick: options.pick,
            think: Duration::ZERO,
            abandons: false,
            balance: 0,
        };
        let rng = &mut rng_of(stage.seed, number);
        let visit = Visit { shop: &stage.shop, worker, fan: &mut fan, number, wish, rng };
        match visit.shop().await? {
            Shopped::Bought(_) => worker.stats.ok(Op::Journey, began),
            other => worker.stats.fault(format!("fan {number}: {other:?}")),
        }
    }
    drop(turn);
    if !options.fresh {
        // Done, and still there: closing is no part of what is measured.
        worker.count_done();
        worker.stopped().await;
    }
    fan.close().await;
    Ok(())
}
