//! A very long line: its memory, and how soon it is back after a restart.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use frontrow_crowd::crew::Worker;
use frontrow_crowd::record::{Counter, Op};
use frontrow_crowd::tokens::Tokens;
use hyper::Method;
use hyper::body::Bytes;

use crate::common::Common;
use crate::http::HttpClient;
use crate::run::{Needs, Run};

const ABOUT: &str = "a line of absent fans is filled, the server is killed and started again.";
/// Connections that fill the line: enough for large commits.
const FILLING_CONNECTIONS: usize = 256;
/// Fans whose place is looked at before and after the restart.
const PLACES_COMPARED: usize = 200;
const PATIENCE: Duration = Duration::from_secs(3_600);

/// A line of absent fans: memory for each of them, and how soon it is back after a kill.
#[derive(Args)]
pub struct Line {
    /// Fans in line.
    #[arg(long, default_value_t = 1_000_000)]
    fans: usize,
}

impl Line {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let fans = self.fans;
        let needs = Needs {
            users: fans,
            connections: FILLING_CONNECTIONS,
            seats: 1_000,
            schedules: 1,
            capacity: 1,
            open: true,
            shape: "hall",
        };
        let mut run = Run::prepare(common, &needs, &[Op::Http]).await?;
        run.setting("fans", fans);
        let empty = run.server.usage().context("only for a server that was started here")?;
        run.begin();
        fill(&mut run, 0..fans).await?;
        run.end();
        run.cpu_figure(fans as u64, "server_cpu_per_join", "of the server's CPU for a join over HTTP");
        run.rate_figure(Op::Http, "joins_per_second", "joins over HTTP");
        let full = run.server.usage().context("the server is gone")?;
        let before = places(&run, fans).await?;
        let ready = run.server.restart(false).await?;
        let fresh = run.server.usage().context("the server is gone")?;
        let after = places(&run, fans).await?;
        let each = |usage: crate::server::Usage| {
            usage.rss_bytes.saturating_sub(empty.rss_bytes) as f64 / fans as f64
        };
        run.figure("bytes_per_fan", each(full), "B", "resident for a fan in line");
        run.figure("bytes_per_fan_restarted", each(fresh), "B", "resident for a fan in line after a restart");
        run.figure("ready_seconds", ready.as_secs_f64(), "s", "from the start after a kill until ready");
        let kept = before.iter().zip(&after).filter(|(before, after)| before == after).count();
        let all = before.len();
        run.check("every place kept", kept == all && all > 0, format!("{kept} of {all} compared"));
        run.report("line", ABOUT)
    }
}

/// Puts users into the line, over HTTP: they are not connected afterwards.
pub async fn fill(run: &mut Run, users: Range<usize>) -> anyhow::Result<()> {
    if users.is_empty() {
        return Ok(());
    }
    let (tokens, concert) = (run.tokens.clone(), run.venue.concert);
    let (count, first) = (users.len(), users.start);
    let crew = run.crew(move |worker| {
        let tokens = tokens.clone();
        async move {
            let share = FILLING_CONNECTIONS.min(count);
            let play = |worker: Rc<Worker>, connection: usize| {
                let mine: Vec<usize> = (connection..count).step_by(share).map(|user| first + user).collect();
                let tokens = tokens.clone();
                async move {
                    let joined = join_all(&worker, &tokens, concert, mine).await;
                    if let Err(error) = joined {
                        worker.stats.fault(format!("filling the line: {error:#}"));
                    }
                }
            };
            worker.play(worker.share(share), play).await;
            Ok(())
        }
    })?;
    run.until(&crew, "the line is full", PATIENCE, || crew.is_finished()).await?;
    run.finish(crew).await
}

async fn join_all(
    worker: &Rc<Worker>,
    tokens: &Arc<Tokens>,
    concert: u32,
    users: Vec<usize>,
) -> anyhow::Result<()> {
    let target = worker.target();
    let mut client = HttpClient::connect(target.door, target.source).await?;
    let body = Bytes::from(format!(r#"{{"concert_id":{concert}}}"#));
    for user in users {
        let sent = Instant::now();
        let token = Some(tokens.get(user));
        let answer = client.call(Method::POST, "/api/v1/queue/tokens", token, body.clone()).await?;
        answer.json::<serde::de::IgnoredAny>()?;
        worker.stats.ok(Op::Http, sent);
        worker.stats.count(Counter::Arrivals, 1);
    }
    Ok(())
}

/// The token and the position of some fans spread over the line.
async fn places(run: &Run, fans: usize) -> anyhow::Result<Vec<(String, Option<u64>)>> {
    #[derive(serde::Deserialize)]
    struct Place {
        token: String,
        position: Option<u64>,
    }
    let mut client = run.server.client().await?;
    let path = format!("/api/v1/queue/tokens/current?concert_id={}", run.venue.concert);
    let mut places = Vec::new();
    for user in (0..fans).step_by(fans.div_ceil(PLACES_COMPARED)) {
        let place: Place = client.get(&path, Some(run.tokens.get(user))).await?.json()?;
        places.push((place.token, place.position));
    }
    Ok(places)
}
