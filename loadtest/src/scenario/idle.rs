//! The cost of waiting: memory and CPU of a server with many connections on which nothing happens.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use frontrow_crowd::crew::Worker;
use frontrow_crowd::fan::{Event, Trouble};
use frontrow_crowd::record::Op;
use frontrow_crowd::tokens::Tokens;

use super::{READY_PATIENCE, open_and_join, play};
use crate::common::{Common, duration};
use crate::run::{Needs, Run};

const ABOUT: &str = "fans wait in line on open websockets; nothing moves but the server's pings.";

/// Waiting connections: memory and CPU of the server.
#[derive(Args)]
pub struct Idle {
    /// Fans, each waiting on a websocket of its own.
    #[arg(long, default_value_t = 15_000)]
    fans: usize,
    /// The time for which CPU is measured. The server pings each connection every 20 s.
    #[arg(long, default_value = "60s", value_parser = duration)]
    duration: Duration,
    /// The time for which things may settle before that.
    #[arg(long, default_value = "25s", value_parser = duration)]
    settle: Duration,
}

impl Idle {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let fans = self.fans;
        let needs = Needs {
            users: fans,
            connections: fans,
            seats: 1_000,
            schedules: 1,
            capacity: 1,
            open: true,
            shape: "hall",
        };
        let mut run = Run::prepare(common, &needs, &[Op::Connect, Op::Join]).await?;
        run.setting("fans", fans);
        let before = run.server.usage().context("memory is read on this machine: give --pid")?;
        let (tokens, concert) = (run.tokens.clone(), run.venue.concert);
        let wait = async move |worker: &Rc<Worker>, tokens: &Arc<Tokens>, number| {
            let mut fan = open_and_join(worker, tokens, number, concert).await?;
            worker.ready().await;
            wait_until_stopped(worker, &mut fan).await?;
            fan.close().await;
            Ok(())
        };
        let crew = play(&run, fans, move || tokens.clone(), wait)?;
        run.until(&crew, "all fans wait", READY_PATIENCE, || crew.ready() >= fans as u64).await?;
        crew.go();
        run.settle_down(&crew, self.settle).await;
        let after = run.server.usage().context("the server is gone")?;
        run.begin();
        run.pass(&crew, self.duration).await;
        run.end();
        run.finish(crew).await?;
        let grown = after.rss_bytes.saturating_sub(before.rss_bytes) as f64;
        run.figure("kib_per_connection", grown / 1024.0 / fans as f64, "KiB", "resident for a waiting fan");
        if let Some(used) = run.server_use() {
            run.figure("server_cpu_percent", used.cpu_percent, "%", "of a core");
        }
        run.report("idle", ABOUT)
    }
}

/// Receives what comes, until the run is over.
pub async fn wait_until_stopped(worker: &Worker, fan: &mut frontrow_crowd::fan::Fan) -> Result<(), Trouble> {
    let mut stopped = std::pin::pin!(worker.stopped());
    loop {
        tokio::select! {
            () = &mut stopped => return Ok(()),
            event = fan.next() => {
                let _: Event = event?;
            }
        }
    }
}
