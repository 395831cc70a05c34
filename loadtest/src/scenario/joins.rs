//! Durable places in line a second.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;

use super::line::fill;
use super::{READY_PATIENCE, open, play};
use crate::common::Common;
use crate::crew::Worker;
use crate::record::Op;
use crate::session::{Needs, Session};
use crate::tokens::Tokens;

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
        let mut session = Session::prepare(common, &needs, &[Op::Connect, Op::Join]).await?;
        session.setting("fans", fans);
        session.setting("in line before", waiting);
        fill(&mut session, fans..fans + waiting).await?;
        let (tokens, concert) = (session.tokens.clone(), session.venue.concert);
        let join = async move |worker: &Rc<Worker>, tokens: &Arc<Tokens>, number| {
            let mut fan = open(worker, tokens, number).await?;
            worker.ready().await;
            fan.join(concert, Instant::now()).await?;
            worker.tell_done();
            worker.stopped().await;
            fan.close().await;
            Ok(())
        };
        let crew = play(&session, fans, move || tokens.clone(), join)?;
        session.until(&crew, "all fans are there", READY_PATIENCE, || crew.ready() >= fans as u64).await?;
        session.begin();
        crew.go();
        session.until(&crew, "all fans are in line", PATIENCE, || crew.done() >= fans as u64).await?;
        session.end();
        let figures = match session.server.can_operate() {
            true => Some(session.server.figures(concert).await?),
            false => None,
        };
        session.finish(crew).await?;
        let joins = session.board.done(Op::Join);
        session.rate_figure(Op::Join, "joins_per_second", "durable places in line");
        session.percentile_figure(
            Op::Join,
            99.0,
            "join_p99",
            "99 of 100 answers, all asked at once, at most",
        );
        session.cpu_figure(joins, "server_cpu_per_join", "of the server's CPU for a place in line");
        if let Some(figures) = figures {
            let (there, due) = (figures.waiting + figures.progress, (fans + waiting) as u64);
            session.check("everybody has a place", there >= due, format!("{there} of {due}"));
        }
        session.report("joins", ABOUT)
    }
}
