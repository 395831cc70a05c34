//! The time until the next fan is in: from a freed place to the push that says `PROGRESS`.

use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Args;
use frontrow_crowd::crew::Worker;
use frontrow_crowd::fan::{Fan, Trouble};
use frontrow_crowd::record::Op;
use frontrow_crowd::tokens::Tokens;
use frontrow_protocol::result::QueueStatus;

use super::{READY_PATIENCE, open_and_join, play};
use crate::common::{Common, duration};
use crate::run::{Needs, Run};

const ABOUT: &str = "one fan at a time is admitted and leaves; the next one waits for the push.";

/// Measure the time from a freed place to the next fan's PROGRESS, with many waiting.
#[derive(Args)]
pub struct Admission {
    /// Fans, each waiting on a websocket of its own.
    #[arg(long, default_value_t = 10_000)]
    fans: usize,
    /// The time for which an admitted fan stays.
    #[arg(long, default_value = "20ms", value_parser = duration)]
    stay: Duration,
    /// The time for which figures are taken.
    #[arg(long, default_value = "30s", value_parser = duration)]
    duration: Duration,
}

/// The time at which the last fan that left began to; taken by the one who is admitted in their place.
type Left = Arc<Mutex<Option<Instant>>>;

impl Admission {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let fans = self.fans;
        let needs = Needs {
            users: fans,
            connections: fans,
            seats: 1_000,
            schedules: 1,
            // Strictly one after the other, so that it is known who is admitted for whom.
            capacity: 1,
            open: true,
            shape: "hall",
        };
        let mut run = Run::prepare(common, &needs, &[Op::Admission, Op::Leave]).await?;
        run.setting("fans", fans);
        run.setting("stay", format!("{} ms", self.stay.as_millis()));
        let (tokens, concert, stay) = (run.tokens.clone(), run.venue.concert, self.stay);
        let left = Left::default();
        let pass_through = async move |worker: &Rc<Worker>, (tokens, left): &(Arc<Tokens>, Left), number| {
            let mut fan = open_and_join(worker, tokens, number, concert).await?;
            worker.ready().await;
            wait_and_leave(worker, &mut fan, stay, left).await?;
            worker.stopped().await;
            fan.close().await;
            Ok(())
        };
        let crew = play(&run, fans, move || (tokens.clone(), left.clone()), pass_through)?;
        run.until(&crew, "all fans wait", READY_PATIENCE, || crew.ready() >= fans as u64).await?;
        run.begin();
        crew.go();
        run.pass(&crew, self.duration).await;
        run.end();
        run.finish(crew).await?;
        let admissions = run.board.done(Op::Admission);
        run.figure("admissions", admissions as f64, "", "fans admitted one after the other");
        run.percentile_figure(Op::Admission, 50.0, "admission_p50", "half of the admissions, at most");
        run.percentile_figure(Op::Admission, 99.0, "admission_p99", "99 of 100 admissions, at most");
        run.check("fans were admitted", admissions > 0, format!("{admissions}"));
        run.report("admission", ABOUT)
    }
}

async fn wait_and_leave(worker: &Worker, fan: &mut Fan, stay: Duration, left: &Left) -> Result<(), Trouble> {
    let mut stopped = std::pin::pin!(worker.stopped());
    while fan.notes.place.is_none_or(|place| place.status == QueueStatus::Waiting) {
        tokio::select! {
            () = &mut stopped => return Ok(()),
            event = fan.next() => event?,
        };
    }
    // The time runs from before the one in front began to leave: more than the server needed, never less.
    if let Some(left) = take(left) {
        worker.stats.ok(Op::Admission, left);
    }
    tokio::time::sleep(stay).await;
    if !worker.stopping() {
        *left.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
        fan.leave().await?;
    }
    Ok(())
}

fn take(left: &Left) -> Option<Instant> {
    left.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
}
