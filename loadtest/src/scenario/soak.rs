//! A mixed hour: everything that happens on an ordinary evening, at the same time, for long.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use frontrow_crowd::crew::Worker;
use frontrow_crowd::fan::{Credential, Event, Fan, Trouble};
use frontrow_crowd::record::{Counter, Op};
use frontrow_crowd::shop::{Pick, Shop, Shopped, Visit, Wish, rng_of};
use frontrow_crowd::tokens::Tokens;
use hyper::body::Bytes;
use rand::RngExt;
use tokio::task::JoinSet;

use super::idle::wait_until_stopped;
use super::{open, open_and_join};
use crate::common::{Common, duration};
use crate::http::HttpClient;
use crate::run::{Needs, Run};
use crate::server::PRICE;

const ABOUT: &str = "buyers come, buy and cancel; a crowd waits, reconnects and polls; others only watch.";
/// The interval at which a waiting fan loses the connection and comes back, on average.
const RECONNECT_INTERVAL: Duration = Duration::from_secs(60);
/// The interval at which a client without a websocket polls its place.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// The factor of memory at the end over that after the warm-up that still counts as flat.
const GROWTH_MAX: f64 = 1.10;

/// A mixed hour at a steady load.
#[derive(Args, Clone)]
pub struct Soak {
    #[arg(long, default_value = "1h", value_parser = duration)]
    duration: Duration,
    /// The time for which everything goes on before memory is looked at for the first time: until what the server keeps
    /// of the past has reached its bound.
    #[arg(long, default_value = "3m", value_parser = duration)]
    warm_up: Duration,
    /// Buyers a second, each on a fresh socket.
    #[arg(long, default_value_t = 300.0)]
    rate: f64,
    /// Users who buy, one visit after the other.
    #[arg(long, default_value_t = 4_000)]
    buyers: usize,
    /// Fans who wait in another sale's line, and reconnect now and then.
    #[arg(long, default_value_t = 2_000)]
    waiting: usize,
    /// Fans who wait there without a websocket, and poll.
    #[arg(long, default_value_t = 100)]
    polling: usize,
    /// Admitted fans who only watch the seats.
    #[arg(long, default_value_t = 300)]
    watching: usize,
    /// The time for which a buyer thinks before holding, and again before paying.
    #[arg(long, default_value = "500ms", value_parser = duration)]
    think: Duration,
    #[arg(long, default_value_t = 5_000)]
    seats: usize,
}

/// The state that all fans share.
struct Evening {
    options: Soak,
    tokens: Arc<Tokens>,
    /// The sale in whose line the crowd waits.
    crowded: u32,
    door: frontrow_crowd::door::Door,
    seed: u64,
    /// The balance of each buyer's wallet.
    balances: Vec<AtomicU64>,
}

impl Evening {
    /// Users in this order: buyers, waiting, polling, watching.
    fn waiting(&self, fan: usize) -> usize {
        self.options.buyers + fan
    }

    fn polling(&self, fan: usize) -> usize {
        self.waiting(self.options.waiting) + fan
    }

    fn watching(&self, fan: usize) -> usize {
        self.polling(self.options.polling) + fan
    }
}

impl Soak {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        if !common.server.is_empty() {
            bail!("soak needs two sales of its own: run it without --server");
        }
        let at_a_time = self.buyers.min((self.rate * 10.0) as usize);
        let needs = Needs {
            users: self.buyers + self.waiting + self.polling + self.watching,
            connections: at_a_time + self.waiting + self.polling + self.watching,
            seats: self.seats,
            schedules: 2,
            capacity: (self.watching + self.buyers) as u32,
            open: true,
            shape: "arena",
        };
        let mut run = Run::prepare(common, &needs, &[Op::Journey, Op::Hold, Op::Resume]).await?;
        for (name, value) in [
            ("buyers a second", self.rate.to_string()),
            ("waiting", self.waiting.to_string()),
            ("polling", self.polling.to_string()),
            ("watching", self.watching.to_string()),
            ("seats", format!("2 × {}", self.seats)),
        ] {
            run.setting(name, value);
        }
        let crowded = run.server.import(1_000, "hall", 1, 1, true).await?.concert;
        let (time, warm_up) = (self.duration, self.warm_up);
        let evening = Arc::new(Evening {
            balances: (0..self.buyers).map(|_| AtomicU64::new(0)).collect(),
            options: self,
            tokens: run.tokens.clone(),
            crowded,
            door: run.server.door,
            seed: common.seed,
        });
        let (venue, claims) = (run.venue.clone(), run.claims.clone());
        let stage = evening.clone();
        let crew = run.crew(move |worker| {
            let (evening, shop) = (stage.clone(), Shop::new(&venue, &claims));
            async move {
                play_all(&worker, &evening, &shop).await;
                Ok(())
            }
        })?;
        crew.go();
        run.settle_down(&crew, warm_up).await;
        let early = run.server.usage();
        run.begin();
        run.pass(&crew, time).await;
        run.end();
        let late = run.server.usage();
        run.finish(crew).await?;
        run.rate_figure(Op::Journey, "journeys_per_second", "complete buyers");
        run.percentile_figure(Op::Hold, 99.0, "hold_p99", "99 of 100 answers to a hold, at most");
        run.percentile_figure(Op::Resume, 99.0, "resume_p99", "99 of 100 reconnects, at most");
        if let (Some(early), Some(late)) = (early, late) {
            let growth = late.rss_bytes as f64 / early.rss_bytes as f64;
            run.figure(
                "memory_growth",
                growth,
                "×",
                "of the server's memory, at the end and after the warm-up",
            );
            run.check(
                "memory stays flat",
                growth <= GROWTH_MAX,
                format!("{} MiB, then {} MiB", early.rss_bytes >> 20, late.rss_bytes >> 20),
            );
        }
        run.check_sale().await?;
        run.report("soak", ABOUT)
    }
}

async fn play_all(worker: &Rc<Worker>, evening: &Arc<Evening>, shop: &Rc<Shop>) {
    let mut playing = JoinSet::new();
    for fan in worker.share(evening.options.waiting) {
        let (worker, evening) = (worker.clone(), evening.clone());
        playing.spawn_local(async move {
            let user = evening.waiting(fan);
            worker.note_end(user, wait_and_reconnect(&worker, &evening, user).await);
        });
    }
    for fan in worker.share(evening.options.watching) {
        let (worker, evening, shop) = (worker.clone(), evening.clone(), shop.clone());
        playing.spawn_local(async move {
            let user = evening.watching(fan);
            worker.note_end(user, only_watch(&worker, &evening, &shop, user).await);
        });
    }
    for fan in worker.share(evening.options.polling) {
        let (worker, evening) = (worker.clone(), evening.clone());
        playing.spawn_local(async move {
            let user = evening.polling(fan);
            if let Err(error) = poll(&worker, &evening, user).await {
                worker.stats.fault(format!("fan {user} polls: {error:#}"));
            }
        });
    }
    let began = worker.go().await;
    // Open loop: the next buyer comes when it is time, whether the one before is done or not. A user who is still
    // at their last visit is skipped.
    let mut busy = vec![false; evening.options.buyers];
    let (ended, mut ends) = tokio::sync::mpsc::channel(evening.options.buyers.max(1));
    for turn in worker.share(usize::MAX) {
        let due = began + Duration::from_secs_f64(turn as f64 / evening.options.rate);
        tokio::time::sleep_until(due.into()).await;
        if worker.stopping() {
            break;
        }
        while let Ok(user) = ends.try_recv() {
            busy[user] = false;
        }
        let user = turn % evening.options.buyers;
        if std::mem::replace(&mut busy[user], true) {
            worker.stats.fault(format!("fan {user} is still buying when the next visit is due"));
            continue;
        }
        let (worker, evening, shop, ended) = (worker.clone(), evening.clone(), shop.clone(), ended.clone());
        playing.spawn_local(async move {
            worker.stats.count(Counter::Arrivals, 1);
            worker.note_end(user, buy_and_cancel(&worker, &evening, &shop, user, turn, due).await);
            // There is room for every user.
            let _ = ended.try_send(user);
        });
        while playing.try_join_next().is_some() {}
    }
    while playing.join_next().await.is_some() {}
}

/// One visit of a buyer, who gives the seats back afterwards so that the house never fills.
async fn buy_and_cancel(
    worker: &Rc<Worker>,
    evening: &Evening,
    shop: &Shop,
    user: usize,
    turn: usize,
    due: Instant,
) -> Result<(), Trouble> {
    let credential = Credential::Access(evening.tokens.get(user).into());
    let mut fan = Fan::connect(&worker.target(), &credential, &worker.stats, Op::Connect, due).await?;
    fan.join(shop.venue.concert, due).await?;
    fan.admitted().await?;
    let mut rng = rng_of(evening.seed, turn);
    let before = evening.balances[user].load(Ordering::Relaxed) as i64;
    let wish = Wish {
        seats: rng.random_range(1..=4),
        pick: Pick::Mixed,
        think: evening.options.think,
        abandons: false,
        balance: before,
    };
    let visit = Visit { shop, worker, fan: &mut fan, number: user, wish, rng: &mut rng };
    match visit.shop().await? {
        Shopped::Bought(bought) => {
            worker.stats.ok(Op::Journey, due);
            for seat in &bought.seats {
                shop.claims.let_go(bought.schedule, *seat, user);
            }
            let balance = fan.cancel(bought.reservation).await?;
            worker.stats.count(Counter::SeatsFreed, bought.seats.len() as u64);
            if balance != bought.balance + bought.amount || balance % PRICE != 0 {
                worker.stats.fault(format!("fan {user}: {balance} after a refund of {}", bought.amount));
            }
            evening.balances[user].store(balance as u64, Ordering::Relaxed);
        }
        other => {
            worker.stats.fault(format!("fan {user} came home with {other:?}"));
            fan.leave().await?;
        }
    }
    fan.close().await;
    Ok(())
}

async fn wait_and_reconnect(worker: &Rc<Worker>, evening: &Evening, user: usize) -> Result<(), Trouble> {
    let mut rng = rng_of(evening.seed, user);
    let mut fan = open_and_join(worker, &evening.tokens, user, evening.crowded).await?;
    worker.ready().await;
    loop {
        let lasts = RECONNECT_INTERVAL.mul_f64(rng.random_range(0.5..1.5));
        match tokio::time::timeout(lasts, wait_until_stopped(worker, &mut fan)).await {
            Ok(ended) => {
                ended?;
                fan.close().await;
                return Ok(());
            }
            Err(_) => {
                let Some(before) = fan.notes.place else { return Ok(()) };
                drop(fan);
                worker.stats.count(Counter::Reconnects, 1);
                let credential = Credential::Queue(before.token);
                let began = Instant::now();
                fan = Fan::connect(&worker.target(), &credential, &worker.stats, Op::Resume, began).await?;
                let kept = fan.notes.place.is_some_and(|after| after.token == before.token);
                if !kept {
                    worker.stats.fault(format!("fan {user} came back to another place"));
                }
            }
        }
    }
}

async fn only_watch(worker: &Rc<Worker>, evening: &Evening, shop: &Shop, user: usize) -> Result<(), Trouble> {
    let mut fan = open(worker, &evening.tokens, user).await?;
    fan.join(shop.venue.concert, Instant::now()).await?;
    fan.admitted().await?;
    let schedule = shop.venue.schedules[user % shop.venue.schedules.len()];
    fan.watch(schedule, &shop.model(schedule)).await?;
    worker.ready().await;
    let mut stopped = std::pin::pin!(worker.stopped());
    let mut extend = tokio::time::interval(RECONNECT_INTERVAL);
    loop {
        tokio::select! {
            () = &mut stopped => break,
            event = fan.next() => {
                let _: Event = event?;
            }
            _ = extend.tick() => drop(fan.extend().await?),
        }
    }
    fan.close().await;
    Ok(())
}

async fn poll(worker: &Rc<Worker>, evening: &Evening, user: usize) -> anyhow::Result<()> {
    let token = Some(evening.tokens.get(user));
    let mut client = HttpClient::connect(evening.door, worker.target().source).await?;
    let body = Bytes::from(format!(r#"{{"concert_id":{}}}"#, evening.crowded));
    let joined = client.call(hyper::Method::POST, "/api/v1/queue/tokens", token, body).await?;
    joined.json::<serde::de::IgnoredAny>()?;
    worker.ready().await;
    while !worker.stopping() {
        let sent = Instant::now();
        client.get("/api/v1/queue/tokens/current", token).await?.json::<serde::de::IgnoredAny>()?;
        worker.stats.ok(Op::Http, sent);
        let pause = tokio::time::timeout(POLL_INTERVAL, worker.stopped());
        let _ = pause.await;
    }
    Ok(())
}
