//! The big night: fans arrive as a stated curve, whatever the server does, and buy until the house is sold out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use frontrow_crowd::figures;
use frontrow_crowd::night::{Arrivals, Night, Wishes, arrive_all};
use frontrow_crowd::record::{Counter, Op};
use frontrow_crowd::shop::{Pick, Shop};

use crate::common::{Common, duration};
use crate::run::{Needs, Run};

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

impl Onsale {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let mut common = common.clone();
        if common.server.is_empty() {
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
            wishes: Wishes {
                seats_each: self.seats_each,
                pick: self.pick,
                think: self.think,
                abandon: self.abandon,
            },
            tokens: run.tokens.clone(),
            seed: common.seed,
        });
        let (venue, claims, board) = (run.venue.clone(), run.claims.clone(), run.board.clone());
        let crew = run.crew(move |worker| {
            let (night, shop) = (night.clone(), Shop::new(&venue, &claims));
            async move {
                arrive_all(&worker, &night, &shop).await;
                anyhow::Ok(())
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
        let buyers = board.counter(Counter::Buyers);
        figures::of_night(&board).into_iter().for_each(|figure| run.add_figure(figure));
        run.cpu_figure(buyers, "server_cpu_per_buyer", "of the server's CPU for a fan with tickets");
        run.check_sale().await?;
        run.report("onsale", ABOUT)
    }
}
