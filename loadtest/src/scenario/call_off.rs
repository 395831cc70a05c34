//! Calls performances off with many paid orders: once beside fans of another sale who hold and release, and once with a server
//! that is killed again and again meanwhile.

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use frontrow_crowd::crew::Worker;
use frontrow_crowd::fan::{Reservation, Trouble, release_request};
use frontrow_crowd::record::Op;
use frontrow_crowd::shop::{Venue, rng_of};
use frontrow_crowd::tokens::Tokens;
use frontrow_protocol::ops::life::{CallOff as CallOffBody, Confirmed, RefundProgress, Refunds};
use hyper::Method;
use hyper::body::Bytes;
use rand::RngExt;
use serde_json::Value;

use super::{READY_PATIENCE, open_and_join, play};
use crate::common::{Common, duration};
use crate::run::{Needs, Run};
use crate::server::PRICE;

const ABOUT: &str = "performances with many paid orders are called off, beside another sale's fans and under kills; each order is given \
    back once.";
/// The time that all refunds may take.
const REFUNDS_PATIENCE: Duration = Duration::from_secs(600);
/// The most that refunds may slow down the slowest of a hundred holds in another sale.
const SLOWER_MAX: f64 = 1.3;

/// Performances called off: every order given back once, under kills, and other sales hardly notice.
#[derive(Args)]
pub struct CallOff {
    /// Paid orders of each of the two performances.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    orders: u32,
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=4))]
    seats_per_order: u32,
    /// Fans of another sale who hold and release.
    #[arg(long, default_value_t = 50)]
    holders: usize,
    #[arg(long, default_value_t = 5)]
    kills: usize,
    /// The time for which holds are measured without refunds, before and after.
    #[arg(long, default_value = "10s", value_parser = duration)]
    duration: Duration,
}

/// Answers to holds in another sale, by what was going on.
#[derive(Default)]
struct Latencies {
    phase: AtomicUsize,
    seen: [Mutex<Vec<Duration>>; 3],
}

const NOTHING: usize = 0;
const WITHOUT: usize = 1;
const WITH: usize = 2;

impl Latencies {
    fn note(&self, took: Duration) {
        match self.phase.load(Ordering::Relaxed) {
            NOTHING => {}
            phase => self.seen(phase).push(took),
        }
    }

    fn seen(&self, phase: usize) -> MutexGuard<'_, Vec<Duration>> {
        // Nothing that may panic is done with it.
        self.seen[phase].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn p99_ms(&self, phase: usize) -> f64 {
        let mut seen = self.seen(phase);
        seen.sort_unstable();
        let place = (seen.len() * 99).div_ceil(100).saturating_sub(1);
        seen.get(place).map_or(0.0, |took| took.as_secs_f64() * 1e3)
    }
}

#[derive(Clone)]
struct Stage {
    tokens: Arc<Tokens>,
    venue: Arc<Venue>,
    other: Arc<Venue>,
    latencies: Arc<Latencies>,
    holders: usize,
    seats_per_order: u32,
    seed: u64,
}

impl CallOff {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let (orders, holders) = (self.orders as usize, self.holders);
        let seats = orders * self.seats_per_order as usize;
        let buyers = 2 * orders;
        let needs = Needs {
            users: holders + buyers,
            connections: holders + buyers,
            seats,
            schedules: 2,
            capacity: buyers as u32,
            open: true,
            shape: "stadium",
        };
        let mut run = Run::prepare(common, &needs, &[Op::Hold, Op::Pay]).await?;
        if !run.server.is_spawned() {
            bail!("it kills its server, and so starts one of its own");
        }
        run.setting("orders", format!("2 × {orders} of {} seats", self.seats_per_order));
        run.setting("holders", holders);
        run.setting("kills", self.kills);
        let other = run.server.import(10_000, "arena", 1, holders.max(1) as u32, true).await?;
        let elsewhere = other.concert;
        let latencies = Arc::new(Latencies::default());
        let stage = Stage {
            tokens: run.tokens.clone(),
            venue: Arc::new(run.venue.clone()),
            other: Arc::new(other),
            latencies: latencies.clone(),
            holders,
            seats_per_order: self.seats_per_order,
            seed: common.seed,
        };
        let crew = play(&run, holders + buyers, move || stage.clone(), play_one)?;
        let there = || crew.ready() >= holders as u64 && crew.done() >= buyers as u64;
        run.until(&crew, "everything is paid", READY_PATIENCE, there).await?;
        let sold = run.server.figures(run.venue.concert).await?.sold;
        run.check("every seat is paid", sold == 2 * seats as u64, format!("{sold} of {}", 2 * seats));

        crew.go();
        run.begin();
        run.pass(&crew, self.duration / 4).await;
        latencies.phase.store(WITHOUT, Ordering::Relaxed);
        run.pass(&crew, self.duration).await;
        latencies.phase.store(WITH, Ordering::Relaxed);
        let (began, first) = (Instant::now(), run.venue.schedules[0]);
        call_off(&run, first).await?;
        while seats_left(&run, first).await? > 0 {
            if began.elapsed() > REFUNDS_PATIENCE {
                bail!("the refunds do not come to their end");
            }
            run.pass(&crew, Duration::from_millis(50)).await;
        }
        let took = began.elapsed();
        latencies.phase.store(WITHOUT, Ordering::Relaxed);
        run.pass(&crew, self.duration).await;
        latencies.phase.store(NOTHING, Ordering::Relaxed);
        run.end();
        run.finish(crew).await?;
        run.figure(
            "refunds_seconds",
            took.as_secs_f64(),
            "s",
            "until all orders of a performance were given back",
        );
        let (without, with) = (latencies.p99_ms(WITHOUT), latencies.p99_ms(WITH));
        run.figure(
            "hold_p99_without",
            without,
            "ms",
            "99 of 100 holds in another sale, at most, without refunds",
        );
        run.figure("hold_p99_with", with, "ms", "the same beside them");
        run.figure("hold_p99_ratio", with / without, "×", "as slow beside refunds");
        let detail = format!("{with:.1} ms beside refunds, {without:.1} ms without");
        run.check("other sales' holds hardly notice", with <= SLOWER_MAX * without, detail);

        let second = run.venue.schedules[1];
        call_off(&run, second).await?;
        let mut rng = rng_of(common.seed, usize::MAX);
        // Killed when so many are left. Somebody comes by all the time, as alone it might be over before.
        let mut kill_at: Vec<u64> =
            (0..self.kills).map(|_| rng.random_range(seats as u64 * 4 / 5..seats as u64)).collect();
        kill_at.sort_unstable_by(|one, other| other.cmp(one));
        let (mut in_the_middle, began) = (0, Instant::now());
        for most in kill_at {
            while seats_left(&run, second).await? > most {
                if began.elapsed() > REFUNDS_PATIENCE {
                    bail!("the refunds do not come to their end");
                }
                come_by(&run, elsewhere).await?;
            }
            run.server.kill()?;
            run.server.start_again()?;
            run.server.wait_ready().await?;
            in_the_middle += u64::from(seats_left(&run, second).await? > 0);
        }
        let detail = format!("{in_the_middle} of {}", self.kills);
        run.check("killed while refunds went on", in_the_middle == self.kills as u64, detail);
        let began = Instant::now();
        while seats_left(&run, second).await? > 0 {
            if began.elapsed() > REFUNDS_PATIENCE {
                bail!("the refunds do not come to their end");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let wrong = self.wrong_wallets(&run, buyers).await?;
        run.check(
            "each order was given back once",
            wrong == 0,
            format!("{wrong} wallets have something else"),
        );
        run.report("call-off", ABOUT)
    }

    /// The wallets that do not have what was charged.
    async fn wrong_wallets(&self, run: &Run, buyers: usize) -> anyhow::Result<usize> {
        let mut client = run.server.client().await?;
        let mut wrong = 0;
        for user in self.holders..self.holders + buyers {
            let answer = client.get("/api/v1/balance", Some(run.tokens.get(user))).await?;
            let balance: Value = answer.json()?;
            wrong += usize::from(balance["balance"] != PRICE * i64::from(self.seats_per_order));
        }
        Ok(wrong)
    }
}

async fn call_off(run: &Run, schedule: u64) -> anyhow::Result<()> {
    let body = CallOffBody { reason: "Load test".to_owned(), confirm: Confirmed };
    let path = format!("/api/v1/admin/schedules/{schedule}/call_off");
    let _: RefundProgress =
        run.server.operate(Method::POST, &path, Some(&serde_json::to_value(body)?)).await?;
    Ok(())
}

/// A fan of another sale asks for a place there, which they have.
async fn come_by(run: &Run, concert: u32) -> anyhow::Result<()> {
    let mut client = run.server.client().await?;
    let body = serde_json::json!({ "concert_id": concert }).to_string();
    client.call(Method::POST, "/api/v1/queue/tokens", Some(run.tokens.get(0)), Bytes::from(body)).await?;
    tokio::time::sleep(Duration::from_millis(5)).await;
    Ok(())
}

async fn seats_left(run: &Run, schedule: u64) -> anyhow::Result<u64> {
    let refunds: Refunds = run.server.operate(Method::GET, "/api/v1/admin/refunds", None).await?;
    let of_it = refunds.refunds.iter().find(|of| of.schedule_id == schedule);
    match of_it {
        Some(of) if of.stuck.is_empty() => Ok(of.seats_left),
        Some(of) => bail!("{} orders are stuck: {:?}", of.stuck.len(), of.stuck[0]),
        None => bail!("performance {schedule} is not called off"),
    }
}

async fn play_one(worker: &Rc<Worker>, stage: &Stage, number: usize) -> Result<(), Trouble> {
    match number.checked_sub(stage.holders) {
        Some(buyer) => buy(worker, stage, number, buyer).await,
        None => hold_and_release(worker, stage, number).await,
    }
}

/// Every other buyer buys for the other performance.
async fn buy(worker: &Rc<Worker>, stage: &Stage, number: usize, buyer: usize) -> Result<(), Trouble> {
    let mut fan = open_and_join(worker, &stage.tokens, number, stage.venue.concert).await?;
    fan.admitted().await?;
    let first = (buyer / 2) as u32 * stage.seats_per_order;
    let seats: Vec<u32> = (first..first + stage.seats_per_order).collect();
    fan.charge(PRICE * i64::from(stage.seats_per_order), "call-off").await?;
    let held = fan.hold(stage.venue.schedules[buyer % 2], &seats).await?;
    fan.pay(held.reservation_id).await?;
    fan.close().await;
    Ok(())
}

async fn hold_and_release(worker: &Rc<Worker>, stage: &Stage, number: usize) -> Result<(), Trouble> {
    let mut fan = open_and_join(worker, &stage.tokens, number, stage.other.concert).await?;
    fan.admitted().await?;
    let mut rng = rng_of(stage.seed, number);
    let each = (stage.other.seats / stage.holders) as u32;
    worker.ready().await;
    while !worker.stopping() {
        // Seats of one's own: what is measured is the lane, not who is faster.
        let seat = number as u32 * each + rng.random_range(0..each);
        let sent = Instant::now();
        let held = fan.hold(stage.other.schedules[0], &[seat]).await?;
        stage.latencies.note(sent.elapsed());
        let _: Reservation = fan.ask(Op::Release, &release_request(held.reservation_id)).await?;
        // People think; as fast as it goes, the lane's queue would be all that is measured.
        tokio::time::sleep(Duration::from_millis(rng.random_range(20..60))).await;
    }
    fan.close().await;
    Ok(())
}
