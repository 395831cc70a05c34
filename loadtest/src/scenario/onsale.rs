//! The big night: fans arrive as a stated curve, whatever the server does, and buy until the house is sold out.

use std::rc::Rc;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use rand::RngExt;
use tokio::task::JoinSet;

use super::note_end;
use super::shop::{Pick, Shop, Shopped, Visit, Wish, rng_of};
use crate::common::{Common, duration};
use crate::crew::Worker;
use crate::fan::{Credential, Fan, Trouble};
use crate::record::{Counter, Op};
use crate::run::{Needs, Run};
use crate::tokens::Tokens;

const ABOUT: &str =
    "fans arrive by themselves, join, wait, are let in, look, pick, hold, and most of them pay.";

/// The night itself: fans arrive as a curve says, join, wait, watch, pick, hold, pay; some leave with full hands.
#[derive(Args, Clone)]
pub struct Onsale {
    /// Fans in all, each a user of their own.
    #[arg(long, default_value_t = 4_000)]
    fans: usize,
    /// The times at which they come: `burst` (all at T-0), `burst:10s` (evenly in 10 s), `rate:500` (500 a second at
    /// random times), `ramp:60s` (more and more of them for a minute).
    #[arg(long, default_value = "burst:5s")]
    arrivals: Arrivals,
    /// Seats of each performance.
    #[arg(long, default_value_t = 5_000)]
    seats: usize,
    #[arg(long, default_value_t = 2)]
    schedules: usize,
    /// Fans admitted at a time.
    #[arg(long, default_value_t = 500)]
    capacity: u32,
    /// Seats that each fan wants: 1 up to this.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=4))]
    seats_each: u8,
    #[arg(long, value_enum, default_value_t = Pick::Mixed)]
    pick: Pick,
    /// The time for which a fan thinks before holding, and again before paying: half to one and a half of this.
    #[arg(long, default_value = "1s", value_parser = duration)]
    think: Duration,
    /// The number of 100 fans who go away with seats in their hands.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=100))]
    abandon: u8,
    /// The time for which seats are held unpaid, so that abandoned ones come back within the test.
    #[arg(long, default_value = "10s")]
    hold_ttl: String,
    /// The end, sold out or not.
    #[arg(long, default_value = "5m", value_parser = duration)]
    duration: Duration,
}

/// The times at which fans arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrivals {
    /// Evenly in this time.
    Burst(Duration),
    /// Fans come at random times, so many a second on average.
    Rate(f64),
    /// Their rate grows from nothing for this time.
    Ramp(Duration),
}

impl FromStr for Arrivals {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, value) = text.split_once(':').unwrap_or((text, "0s"));
        match kind {
            "burst" => duration(value).map(Self::Burst),
            "ramp" => duration(value).map(Self::Ramp),
            "rate" => match value.parse() {
                Ok(rate) if rate > 0.0 && rate <= 1e6 => Ok(Self::Rate(rate)),
                _ => Err(format!("`{value}` is not a number of fans a second")),
            },
            _ => Err(format!("`{text}` is none of burst, burst:10s, rate:500, ramp:60s")),
        }
    }
}

impl Arrivals {
    /// The time at which each of `fans` arrives, after T-0, in order.
    pub fn times(self, fans: usize, seed: u64) -> Vec<Duration> {
        let share = |index: usize| index as f64 / fans as f64;
        match self {
            Self::Burst(time) => (0..fans).map(|index| time.mul_f64(share(index))).collect(),
            // The number that has come grows with the square of the time.
            Self::Ramp(time) => (0..fans).map(|index| time.mul_f64(share(index).sqrt())).collect(),
            Self::Rate(rate) => {
                let mut rng = rng_of(seed, usize::MAX);
                let mut at = 0.0;
                let gaps = (0..fans).map(|_| {
                    at += -(1.0 - rng.random::<f64>()).ln() / rate;
                    Duration::from_secs_f64(at)
                });
                gaps.collect()
            }
        }
    }
}

/// The state that all fans share.
struct Night {
    options: Onsale,
    tokens: Arc<Tokens>,
    arrivals: Vec<Duration>,
    seed: u64,
}

impl Onsale {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let mut common = common.clone();
        if common.server.is_none() {
            common.set.insert(0, format!("sale.hold_ttl={}", self.hold_ttl));
        }
        let (fans, time) = (self.fans, self.duration);
        let needs = Needs {
            users: fans,
            connections: fans,
            seats: self.seats,
            schedules: self.schedules,
            capacity: self.capacity,
            open: true,
            shape: "arena",
        };
        let mut run = Run::prepare(&common, &needs, &[Op::Join, Op::Hold, Op::Pay]).await?;
        run.setting("fans", fans);
        run.setting("arrivals", format!("{:?}", self.arrivals));
        run.setting("seats", format!("{} × {}", self.schedules, self.seats));
        run.setting("capacity", self.capacity);
        run.setting("think", format!("{} ms", self.think.as_millis()));
        run.setting("abandon", format!("{} %", self.abandon));
        let night = Arc::new(Night {
            arrivals: self.arrivals.times(fans, common.seed),
            options: self,
            tokens: run.tokens.clone(),
            seed: common.seed,
        });
        let (venue, claims, board) = (run.venue.clone(), run.claims.clone(), run.board.clone());
        let crew = run.crew(move |worker| {
            let (night, shop) = (night.clone(), Shop::new(&venue, &claims));
            async move {
                arrive_all(&worker, &night, &shop).await;
                Ok(())
            }
        })?;
        run.begin();
        crew.go();
        let began = Instant::now();
        while crew.done() < fans as u64 && began.elapsed() < time && !crew.is_finished() {
            run.pass(&crew, Duration::from_millis(20)).await;
        }
        run.end();
        run.finish(crew).await?;
        let (sold, buyers) = (board.counter(Counter::SeatsSold), board.counter(Counter::Buyers));
        run.figure("seats_sold", sold as f64, "", "seats sold");
        run.figure("buyers", buyers as f64, "", "fans with tickets");
        run.rate_figure(Op::Pay, "buyers_per_second", "fans with tickets");
        for (op, half, most, about) in [
            (Op::Join, "join_p50", "join_p99", "answers to a join since the fan arrived"),
            (Op::Wait, "wait_p50", "wait_p99", "waits in line"),
            (Op::Hold, "hold_p50", "hold_p99", "answers to a hold"),
            (Op::Pay, "pay_p50", "pay_p99", "answers to a payment"),
        ] {
            run.percentile_figure(op, 50.0, half, about);
            run.percentile_figure(op, 99.0, most, about);
        }
        run.cpu_figure(buyers, "server_cpu_per_buyer", "of the server's CPU for a fan with tickets");
        run.check_sale().await?;
        run.report("onsale", ABOUT)
    }
}

/// Lets this worker's fans arrive when they are due, and waits for all of them.
async fn arrive_all(worker: &Rc<Worker>, night: &Arc<Night>, shop: &Rc<Shop>) {
    let began = worker.go().await;
    let mut playing = JoinSet::new();
    for number in worker.share(night.options.fans) {
        let due = began + night.arrivals[number];
        tokio::time::sleep_until(due.into()).await;
        if worker.stopping() {
            break;
        }
        worker.stats.count(Counter::Arrivals, 1);
        let (worker, night, shop) = (worker.clone(), night.clone(), shop.clone());
        playing.spawn_local(async move {
            let came = come(&worker, &night, &shop, number, due).await;
            note_end(&worker, number, came);
            worker.count_done();
        });
    }
    while playing.join_next().await.is_some() {}
}

/// One fan's night. Times run from when the fan arrived, also if this tool was late.
async fn come(
    worker: &Rc<Worker>,
    night: &Night,
    shop: &Shop,
    number: usize,
    due: Instant,
) -> Result<(), Trouble> {
    let credential = Credential::Access(night.tokens.get(number).into());
    let mut fan = Fan::connect(&worker.target(), &credential, &worker.stats, Op::Connect, due).await?;
    fan.join(shop.venue.concert, due).await?;
    let admitted = tokio::select! {
        admitted = fan.admitted() => match admitted {
            Ok(()) => true,
            Err(Trouble::SoldOut) => false,
            Err(trouble) => return Err(trouble),
        },
        () = worker.stopped() => false,
    };
    if admitted {
        let mut rng = rng_of(night.seed, number);
        let wish = Wish {
            seats: rng.random_range(1..=usize::from(night.options.seats_each)),
            pick: night.options.pick,
            think: night.options.think,
            abandons: rng.random_range(0..100) < night.options.abandon,
            balance: 0,
        };
        let visit = Visit { shop, worker, fan: &mut fan, number, wish, rng: &mut rng };
        match visit.shop().await? {
            Shopped::Bought(bought) => {
                let balance = fan.balance().await?;
                if balance != bought.balance {
                    worker
                        .stats
                        .fault(format!("fan {number}: {balance} in the wallet, not {}", bought.balance));
                }
            }
            // A fan who finds nothing makes room for the next; one who goes away with seats in their hands does not say
            // so.
            Shopped::SoldOut => drop(fan.leave().await?),
            Shopped::Abandoned => {}
        }
    }
    fan.close().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fans_arrive_as_the_curve_says() {
        let seconds = |arrivals: Arrivals| -> Vec<f64> {
            arrivals.times(4, 1).iter().map(Duration::as_secs_f64).collect()
        };
        assert_eq!(seconds("burst".parse().unwrap()), [0.0; 4]);
        assert_eq!(seconds("burst:8s".parse().unwrap()), [0.0, 2.0, 4.0, 6.0]);
        assert_eq!(seconds("ramp:16s".parse().unwrap())[..2], [0.0, 8.0]);
        let rate: Arrivals = "rate:500".parse().unwrap();
        let times = rate.times(10_000, 7);
        assert!(times.is_sorted());
        assert!((19.0..21.0).contains(&times[9_999].as_secs_f64()), "{:?}", times[9_999]);
        for wrong in ["rate", "rate:0", "rate:-1", "burst:5", "flood"] {
            assert!(wrong.parse::<Arrivals>().is_err(), "{wrong}");
        }
    }
}
