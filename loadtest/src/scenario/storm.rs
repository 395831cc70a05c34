//! Everyone reconnects at once: after the network was gone, or after the server was.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use frontrow_crowd::crew::Worker;
use frontrow_crowd::fan::{Credential, Fan, Place, Trouble};
use frontrow_crowd::record::{Counter, Op};
use frontrow_crowd::tokens::Tokens;

use super::idle::wait_until_stopped;
use super::{READY_PATIENCE, open_and_join, play};
use crate::common::{Common, duration};
use crate::run::{Needs, Run};

const ABOUT: &str = "waiting fans lose their connections at once and come back with their queue tokens.";
const PATIENCE: Duration = Duration::from_secs(120);
/// The time for which the server settles before it all begins.
const SETTLE_BEFORE: Duration = Duration::from_secs(15);
/// A client that could not connect tries again after this.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Everyone reconnects at once.
#[derive(Args)]
pub struct Storm {
    /// Fans, each waiting on a websocket of its own.
    #[arg(long, default_value_t = 10_000)]
    fans: usize,
    /// Why the connections are lost.
    #[arg(long, value_enum, default_value_t = Cause::Network)]
    cause: Cause,
    /// The time for which the server may settle before its memory is looked at for the last time. The wheel that
    /// publishes places in line meets a connection that is gone within a minute, and keeps a word of it until then.
    #[arg(long, default_value = "75s", value_parser = duration)]
    settle: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cause {
    /// The fans' sockets end without a goodbye.
    Network,
    /// The server is stopped and started again.
    Restart,
    /// The server is killed and started again.
    Kill,
}

impl Storm {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let (fans, cause) = (self.fans, self.cause);
        let needs = Needs {
            users: fans,
            connections: fans,
            seats: 1_000,
            schedules: 1,
            capacity: 1,
            open: true,
            shape: "hall",
        };
        let mut run = Run::prepare(common, &needs, &[Op::Connect, Op::Resume]).await?;
        run.setting("fans", fans);
        run.setting("cause", format!("{cause:?}").to_lowercase());
        let (tokens, concert) = (run.tokens.clone(), run.venue.concert);
        let moved = Arc::new(AtomicU64::new(0));
        let stage = Stage { tokens, concert, cause, moved: moved.clone() };
        let crew = play(&run, fans, move || stage.clone(), lose_and_resume)?;
        run.until(&crew, "all fans wait", READY_PATIENCE, || crew.ready() >= fans as u64).await?;
        run.settle_down(&crew, SETTLE_BEFORE).await;
        let before = run.server.usage();
        run.begin();
        crew.go();
        if cause != Cause::Network {
            let took = run.server.restart(cause == Cause::Restart).await?;
            run.figure("restart_seconds", took.as_secs_f64(), "s", "from the start until ready");
        }
        run.until(&crew, "all fans are back", PATIENCE, || crew.done() >= fans as u64).await?;
        run.end();
        run.settle_down(&crew, self.settle).await;
        let after = run.server.usage();
        run.finish(crew).await?;
        let back = run.board.done(Op::Resume);
        run.percentile_figure(Op::Resume, 100.0, "last_resumed_ms", "until the last fan was back");
        run.percentile_figure(Op::Resume, 50.0, "half_resumed_ms", "until half of the fans were back");
        if let (Some(before), Some(after), Cause::Network) = (before, after, cause) {
            let ratio = after.rss_bytes as f64 / before.rss_bytes as f64;
            run.figure("memory_after_over_before", ratio, "×", "of the server's memory, after and before");
        }
        run.check("everyone is back", back == fans as u64, format!("{back} of {fans}"));
        let moved = moved.load(Ordering::Relaxed);
        run.check("no place lost", moved == 0, format!("{moved} have another place than before"));
        run.report("storm", ABOUT)
    }
}

/// The facts that all fans know.
#[derive(Clone)]
struct Stage {
    tokens: Arc<Tokens>,
    concert: u32,
    cause: Cause,
    /// Fans who found themselves at another place.
    moved: Arc<AtomicU64>,
}

async fn lose_and_resume(worker: &Rc<Worker>, stage: &Stage, number: usize) -> Result<(), Trouble> {
    let mut fan = open_and_join(worker, &stage.tokens, number, stage.concert).await?;
    let mut began = worker.ready().await;
    if stage.cause != Cause::Network {
        // Frames before the end of the connection are of no interest, nor is how it ends.
        while fan.next().await.is_ok() {}
        began = Instant::now();
    }
    let Some(before) = fan.notes.place else { return Ok(()) };
    drop(fan);
    worker.stats.count(Counter::Reconnects, 1);
    let mut fan = resume(worker, before, began).await?;
    let after = fan.notes.place;
    if after.is_none_or(|after| (after.token, after.status, after.position) != place_of(before)) {
        stage.moved.fetch_add(1, Ordering::Relaxed);
    }
    worker.count_done();
    wait_until_stopped(worker, &mut fan).await?;
    fan.close().await;
    Ok(())
}

fn place_of(place: Place) -> (uuid::Uuid, frontrow_protocol::result::QueueStatus, Option<u64>) {
    (place.token, place.status, place.position)
}

/// Tries until the server takes it. Only what comes of the last try is recorded, with the time of all of them.
async fn resume(worker: &Rc<Worker>, place: Place, began: Instant) -> Result<Fan, Trouble> {
    let credential = Credential::Queue(place.token);
    loop {
        let tried = Fan::try_connect(&worker.target(), &credential, &worker.stats).await;
        match tried {
            Ok(fan) => {
                worker.stats.ok(Op::Resume, began);
                return Ok(fan);
            }
            Err(Trouble::Connection { .. }) if began.elapsed() < PATIENCE => {}
            Err(Trouble::Refused(error)) if error.reason().retryable() && began.elapsed() < PATIENCE => {}
            Err(trouble) => {
                worker.stats.record(Op::Resume, began.elapsed(), &trouble.outcome());
                return Err(trouble);
            }
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}
