//! Durable places in line a second.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use frontrow_crowd::crew::Worker;
use frontrow_crowd::record::Op;
use frontrow_crowd::tokens::Tokens;

use super::line::fill;
use super::{READY_PATIENCE, open, play};
use crate::common::Common;
use crate::run::{Needs, Run};

const ABOUT: &str = "users on sockets opened beforehand all join at once.";
const PATIENCE: Duration = Duration::from_secs(120);

/// Durable queue entries a second, each by its own user, sockets opened beforehand.
#[derive(Args)]
pub struct Joins {
    /// Users, each on a websocket of its own.
    #[arg(long, default_value_t = 15_000)]
    fans: usize,
    /// Fans in line before they come, without connections.
    #[arg(long, default_value_t = 0)]
    waiting: usize,
}

impl Joins {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let Self { fans, waiting } = self;
        let needs = Needs {
            users: fans + waiting,
            connections: fans,
            seats: 1_000,
            schedules: 1,
            capacity: 1,
            open: true,
            shape: "hall",
        };
        let mut run = Run::prepare(common, &needs, &[Op::Connect, Op::Join]).await?;
        run.setting("fans", fans);
        run.setting("in line before", waiting);
        fill(&mut run, fans..fans + waiting).await?;
        let (tokens, concert) = (run.tokens.clone(), run.venue.concert);
        let join = async move |worker: &Rc<Worker>, tokens: &Arc<Tokens>, number| {
            let mut fan = open(worker, tokens, number).await?;
            worker.ready().await;
            fan.join(concert, Instant::now()).await?;
            worker.count_done();
            worker.stopped().await;
            fan.close().await;
            Ok(())
        };
        let crew = play(&run, fans, move || tokens.clone(), join)?;
        run.until(&crew, "all fans are there", READY_PATIENCE, || crew.ready() >= fans as u64).await?;
        run.begin_even().await?;
        crew.go();
        run.until(&crew, "all fans are in line", PATIENCE, || crew.done() >= fans as u64).await?;
        run.end_even(&crew, None).await?;
        let figures = match run.server.can_operate() {
            true => Some(run.server.figures(concert).await?),
            false => None,
        };
        run.finish(crew).await?;
        let joins = run.board.done(Op::Join);
        run.rate_figure(Op::Join, "joins_per_second", "durable places in line");
        run.percentile_figure(Op::Join, 99.0, "join_p99", "99 of 100 answers, all asked at once, at most");
        run.cpu_figure(joins, "server_cpu_per_join", "of the server's CPU for a place in line");
        if let Some(figures) = figures {
            let (there, due) = (figures.waiting + figures.progress, (fans + waiting) as u64);
            run.check("everybody has a place", there >= due, format!("{there} of {due}"));
        }
        run.report("joins", ABOUT)
    }
}
