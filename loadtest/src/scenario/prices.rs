//! Prices that change while fans hold and pay: nobody pays another price than the one that their hold was answered with.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use frontrow_crowd::claims::Claims;
use frontrow_crowd::crew::Worker;
use frontrow_crowd::fan::{Fan, Reservation, Trouble};
use frontrow_crowd::record::{Counter, Op};
use frontrow_crowd::shop::Venue;
use frontrow_crowd::shop::rng_of;
use frontrow_crowd::tokens::Tokens;
use rand::RngExt;

use super::{READY_PATIENCE, open, play};
use crate::common::{Common, duration};
use crate::run::{Needs, Run};

const ABOUT: &str =
    "an operator changes prices all the time while fans hold seats, pay, and give some of them back.";
/// A fan's wallet gets as much before each purchase as the dearest seats may cost.
const CHARGED: i64 = 4 * PRICE_MOST;
const PRICE_MOST: i64 = 200_000;
const SEATS_MOST: usize = 4;

/// Prices changed while fans hold and pay: nobody pays another one than was shown when they held.
#[derive(Args, Clone, Copy)]
pub struct Prices {
    /// Fans, all admitted at once.
    #[arg(long, default_value_t = 200)]
    fans: usize,
    /// The purchases of each; all but the last one are given back.
    #[arg(long, default_value_t = 20)]
    purchases: usize,
    /// The time between two changes of a price.
    #[arg(long, default_value = "50ms", value_parser = duration)]
    every: Duration,
    #[arg(long, default_value_t = 2)]
    schedules: usize,
    /// Give up after this time.
    #[arg(long, default_value = "120s", value_parser = duration)]
    duration: Duration,
}

/// The state that all fans share.
#[derive(Clone)]
struct Stage {
    options: Prices,
    tokens: Arc<Tokens>,
    claims: Arc<Claims>,
    venue: Arc<Venue>,
    seed: u64,
}

impl Prices {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let fans = self.fans;
        let seats = (2 * fans * SEATS_MOST).div_ceil(self.schedules).max(1_000);
        let needs = Needs {
            users: fans,
            connections: fans,
            seats,
            schedules: self.schedules,
            capacity: u32::try_from(fans)?,
            open: true,
            shape: "arena",
        };
        let mut run = Run::prepare(common, &needs, &[Op::Hold, Op::Pay]).await?;
        run.setting("fans", fans);
        run.setting("purchases", self.purchases);
        run.setting("a change every", format!("{} ms", self.every.as_millis()));
        run.setting("seats", format!("{} × {seats}", self.schedules));
        let stage = Stage {
            options: self,
            tokens: run.tokens.clone(),
            claims: run.claims.clone(),
            venue: Arc::new(run.venue.clone()),
            seed: common.seed,
        };
        let crew = play(&run, fans, move || stage.clone(), buy_and_give_back)?;
        run.until(&crew, "all fans are there", READY_PATIENCE, || crew.ready() >= fans as u64).await?;
        let mut operator = run.server.client().await?;
        let categories = run.server.prices(&mut operator, run.venue.schedules[0]).await?;
        let mut rng = rng_of(common.seed, fans);
        run.begin();
        crew.go();
        let (began, mut changes) = (Instant::now(), 0_u64);
        while crew.done() < fans as u64 && began.elapsed() < self.duration && !crew.is_finished() {
            let schedule = run.venue.schedules[rng.random_range(0..self.schedules)];
            let category = &categories[rng.random_range(0..categories.len())];
            let price = rng.random_range(0..=PRICE_MOST);
            run.server.reprice(&mut operator, schedule, category, price).await?;
            changes += 1;
            run.pass(&crew, self.every).await;
        }
        run.end();
        run.finish(crew).await?;
        let (bought, all) = (run.board.done(Op::Journey), (fans * self.purchases) as u64);
        run.rate_figure(Op::Journey, "purchases_per_second", "purchases beside changing prices");
        run.percentile_figure(Op::Hold, 99.0, "hold_p99", "99 of 100 answers to a hold, at most");
        run.figure("price_changes", changes as f64, "", "changes of a price meanwhile");
        run.check(
            "everybody bought, for the prices of their holds",
            bought == all,
            format!("{bought} of {all}"),
        );
        run.check("prices changed meanwhile", changes > 0, format!("{changes} changes"));
        run.check_sale().await?;
        run.report("prices", ABOUT)
    }
}

async fn buy_and_give_back(worker: &Rc<Worker>, stage: &Stage, number: usize) -> Result<(), Trouble> {
    let mut fan = open(worker, &stage.tokens, number).await?;
    let mut rng = rng_of(stage.seed, number);
    worker.ready().await;
    for purchase in 0..stage.options.purchases {
        if worker.stopping() {
            break;
        }
        let began = Instant::now();
        let balance = fan.charge(CHARGED, &format!("{number}-{purchase}")).await?.balance;
        fan.join(stage.venue.concert, Instant::now()).await?;
        fan.admitted().await?;
        let schedule = stage.venue.schedules[rng.random_range(0..stage.venue.schedules.len())];
        let mut held = fan.hold_best(schedule, 1).await?;
        claim(worker, stage, (schedule, number), &held);
        // What was taken first costs what it did then, whatever the others cost.
        for _ in 0..rng.random_range(0..SEATS_MOST) {
            tokio::time::sleep(Duration::from_millis(rng.random_range(0..60))).await;
            let more = fan.hold_best(schedule, 1).await?;
            claim(worker, stage, (schedule, number), &more);
            let kept = |before: &frontrow_crowd::fan::Seat| {
                more.seats.iter().any(|now| (now.seat, now.price) == (before.seat, before.price))
            };
            if !held.seats.iter().all(kept) {
                worker.stats.fault(format!("fan {number}: {held:?} became {more:?}"));
            }
            held = more;
        }
        let gives_back = purchase + 1 < stage.options.purchases;
        pay(worker, stage, &mut fan, (schedule, number), &held, balance, gives_back).await?;
        worker.stats.ok(Op::Journey, began);
    }
    worker.count_done();
    worker.stopped().await;
    fan.close().await;
    Ok(())
}

fn claim(worker: &Worker, stage: &Stage, (schedule, number): (u64, usize), held: &Reservation) {
    for seat in &held.seats {
        let claim = stage.claims.hold(schedule, seat.seat, number);
        claim.unwrap_or_else(|fault| worker.stats.fault(fault));
    }
}

/// What is paid, and what comes back, is what the answer to the hold said.
async fn pay(
    worker: &Rc<Worker>,
    stage: &Stage,
    fan: &mut Fan,
    (schedule, number): (u64, usize),
    held: &Reservation,
    balance: i64,
    gives_back: bool,
) -> Result<(), Trouble> {
    let stats = &worker.stats;
    let shown: i64 = held.seats.iter().map(|seat| seat.price).sum();
    let paid = fan.pay(held.reservation_id).await?;
    for seat in &held.seats {
        stage.claims.sell(schedule, seat.seat, number).unwrap_or_else(|fault| stats.fault(fault));
    }
    stats.count(Counter::SeatsSold, held.seats.len() as u64);
    let tickets: i64 = paid.tickets.iter().map(|ticket| ticket.price).sum();
    if [held.amount, balance - paid.balance, tickets] != [shown; 3] {
        stats.fault(format!(
            "fan {number} was shown {shown}, in all {}, paid {} and got tickets for {tickets}",
            held.amount,
            balance - paid.balance
        ));
    }
    if gives_back {
        for seat in &held.seats {
            stage.claims.let_go(schedule, seat.seat, number);
        }
        let back = fan.cancel(held.reservation_id).await?;
        if back != balance {
            stats.fault(format!("fan {number} paid {shown} and got {} back", back - paid.balance));
        }
    }
    Ok(())
}
