//! The big night: fans arrive as a stated curve, whatever the server does, and buy until the house is sold out.

use std::rc::Rc;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use frontrow_protocol::HumanDuration;
use rand::RngExt;
use tokio::task::JoinSet;

use crate::crew::Worker;
use crate::fan::{Credential, Fan, Trouble};
use crate::record::{Counter, Op};
use crate::shop::{Pick, Shop, Shopped, Visit, Wish, rng_of};
use crate::tokens::Tokens;

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

fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<HumanDuration>().map(Duration::from).map_err(|error| error.to_string())
}

/// What fans want.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    /// Seats that each fan wants: 1 up to this.
    pub seats_each: u8,
    pub pick: Pick,
    /// The time for which a fan thinks before holding, and again before paying: half to one and a half of this.
    pub think: Duration,
    /// The number of 100 fans who go away with seats in their hands.
    pub abandon: u8,
}

/// The state that all fans share.
pub struct Night {
    pub wishes: Wishes,
    pub tokens: Arc<Tokens>,
    /// When each fan comes, after the beginning, in order.
    pub arrivals: Vec<Duration>,
    pub seed: u64,
}

/// Lets this worker's fans arrive when they are due, and waits for all of them.
pub async fn arrive_all(worker: &Rc<Worker>, night: &Arc<Night>, shop: &Rc<Shop>) {
    let began = worker.go().await;
    let mut playing = JoinSet::new();
    for number in worker.share(night.arrivals.len()) {
        let due = began + night.arrivals[number];
        tokio::time::sleep_until(due.into()).await;
        if worker.stopping() {
            break;
        }
        worker.stats.count(Counter::Arrivals, 1);
        let (worker, night, shop) = (worker.clone(), night.clone(), shop.clone());
        playing.spawn_local(async move {
            let came = come(&worker, &night, &shop, number, due).await;
            worker.note_end(number, came);
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
            seats: rng.random_range(1..=usize::from(night.wishes.seats_each)),
            pick: night.wishes.pick,
            think: night.wishes.think,
            abandons: rng.random_range(0..100) < night.wishes.abandon,
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
