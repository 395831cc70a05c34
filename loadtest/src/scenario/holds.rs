//! Durable holds a second: admitted fans hold and release as fast as the server confirms.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use frontrow_crowd::claims::Claims;
use frontrow_crowd::crew::Worker;
use frontrow_crowd::fan::{Reservation, Trouble, hold_request, release_request};
use frontrow_crowd::record::{Counter, Op};
use frontrow_crowd::shop::Venue;
use frontrow_crowd::shop::rng_of;
use frontrow_crowd::tokens::Tokens;
use frontrow_protocol::Reason;
use rand::RngExt;

use super::baseline::{self, measure};
use super::{READY_PATIENCE, open_and_join, play};
use crate::common::{Common, duration};
use crate::run::{Needs, Run};

const ABOUT: &str = "admitted fans hold a seat and give it back, each as fast as the server confirms.";

/// Durable holds a second: admitted fans hold and release as fast as the server confirms.
#[derive(Args)]
pub struct Holds {
    /// Fans, all admitted, each on a websocket of its own.
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    fans: u32,
    /// Seats of each performance. With few of them fans race for the same ones.
    #[arg(long, default_value_t = 50_000)]
    seats: usize,
    #[arg(long, default_value_t = 1)]
    schedules: usize,
    /// Holds a second of all fans together, each at its time. Without: each as soon as the one before is confirmed.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// The time for which figures are taken.
    #[arg(long, default_value = "10s", value_parser = duration)]
    duration: Duration,
    /// The time for which the fans hold and release before that.
    #[arg(long, default_value = "3s", value_parser = duration)]
    warm_up: Duration,
    /// The time for which row-by-row transactions are measured afterwards on the same database; 0s for not at all.
    #[arg(long, default_value = "5s", value_parser = duration)]
    baseline: Duration,
}

/// The state that all fans share.
#[derive(Clone)]
struct Stage {
    tokens: Arc<Tokens>,
    claims: Arc<Claims>,
    venue: Arc<Venue>,
    /// The time from one hold of a fan to the next, and from one fan to the next.
    pace: Option<(Duration, Duration)>,
    seed: u64,
}

impl Holds {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let fans = self.fans as usize;
        let needs = Needs {
            users: fans,
            connections: fans,
            seats: self.seats,
            schedules: self.schedules,
            capacity: self.fans,
            open: true,
            shape: "stadium",
        };
        let mut run = Run::prepare(common, &needs, &[Op::Hold, Op::Release]).await?;
        run.setting("fans", fans);
        run.setting("seats", format!("{} × {}", self.schedules, self.seats));
        let stage = Stage {
            tokens: run.tokens.clone(),
            claims: run.claims.clone(),
            venue: Arc::new(run.venue.clone()),
            pace: self.rate.map(|rate| {
                let between = Duration::from_secs(1) / rate;
                (between * self.fans, between)
            }),
            seed: common.seed,
        };
        if let Some(rate) = self.rate {
            run.setting("holds a second", rate);
        }
        let crew = play(&run, fans, move || stage.clone(), hold_and_release)?;
        run.until(&crew, "all fans are admitted", READY_PATIENCE, || crew.ready() >= fans as u64).await?;
        crew.go();
        run.pass(&crew, self.warm_up).await;
        run.begin_even().await?;
        run.pass(&crew, self.duration).await;
        run.end_even(&crew, Some(fans as u64)).await?;
        run.finish(crew).await?;
        let holds = run.board.done(Op::Hold);
        run.rate_figure(Op::Hold, "holds_per_second", "durable holds");
        run.percentile_figure(Op::Hold, 50.0, "hold_p50", "half of the answers to a hold, at most");
        run.percentile_figure(Op::Hold, 99.0, "hold_p99", "99 of 100 answers to a hold, at most");
        run.cpu_figure(holds, "server_cpu_per_hold", "of the server's CPU for a hold and its release");
        run.check_sale().await?;
        if !self.baseline.is_zero()
            && let Some(database) = baseline::database_of(&run.server)
        {
            let best = measure(&database, self.seats, self.baseline).await?;
            let ours = holds as f64 / run.board.window().as_secs_f64();
            run.figure("baseline_per_second", best.per_second, "/s", "holds row by row, same database");
            run.figure("holds_over_baseline", ours / best.per_second, "×", "as many as row by row");
        }
        run.report("holds", ABOUT)
    }
}

async fn hold_and_release(worker: &Rc<Worker>, stage: &Stage, number: usize) -> Result<(), Trouble> {
    let mut fan = open_and_join(worker, &stage.tokens, number, stage.venue.concert).await?;
    fan.admitted().await?;
    let schedule = stage.venue.schedules[number % stage.venue.schedules.len()];
    let mut rng = rng_of(stage.seed, number);
    let mut held: Option<Reservation> = None;
    worker.ready().await;
    let mut due = stage.pace.map(|(_, between)| tokio::time::Instant::now() + between * number as u32);
    while !worker.stopping() {
        if let (Some(due), Some((interval, _))) = (&mut due, stage.pace) {
            // Who is late does not make up for it: a rush would measure itself.
            tokio::time::sleep_until(*due).await;
            *due = (*due + interval).max(tokio::time::Instant::now());
        }
        let seat = rng.random_range(0..stage.venue.seats) as u32;
        // Both in one write: who changes their mind gives the old seat up for the new one.
        let release = held.take().map(|former| {
            former.seats.iter().for_each(|seat| stage.claims.let_go(schedule, seat.seat, number));
            fan.push(&release_request(former.reservation_id))
        });
        let hold = fan.push(&hold_request(schedule, &[seat]));
        let sent = Instant::now();
        fan.flush().await?;
        if let Some(release) = release {
            let answer: Result<Reservation, _> = fan.answer(release).await;
            fan.note_outcome(Op::Release, sent, &answer);
            answer?;
        }
        let answer: Result<Reservation, _> = fan.answer(hold).await;
        fan.note_outcome(Op::Hold, sent, &answer);
        match answer {
            Ok(reservation) => {
                worker.stats.count(Counter::SeatsHeld, 1);
                stage.claims.hold(schedule, seat, number).unwrap_or_else(|fault| worker.stats.fault(fault));
                held = Some(reservation);
            }
            Err(trouble) if trouble.reason() == Some(Reason::SeatTaken) => {}
            Err(trouble) => return Err(trouble),
        }
        if worker.resting() {
            worker.count_done();
            worker.stopped().await;
        }
    }
    fan.close().await;
    Ok(())
}
