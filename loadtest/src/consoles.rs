//! Operators who look on: each watches every sale and one with its details, and notes how late it hears of what is new. While
//! nothing changes the server says nothing, but for a sign of life; who has heard nothing new then is not behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use frontrow_crowd::ws::{Target, WebSocket};
use frontrow_protocol::ops::watch::OpsState;
use frontrow_protocol::request::OpsScope;
use frontrow_protocol::{Push, Request, RequestId, ServerMessage, encode_request};
use tokio::task::JoinHandle;

use crate::server::Server;

/// The server looks for what is new so often: what an update says may be as much older than the update itself.
const ROUND_MS: i64 = 1_000;
/// Every five seconds there is a sign of life: who hears none for so long has lost the server.
const SILENCE_MAX: Duration = Duration::from_secs(7);

/// What consoles saw together.
#[derive(Default)]
struct Seen {
    /// Figures count now.
    counts: AtomicBool,
    updates: AtomicU64,
    gaps: AtomicU64,
    /// The longest that a console did not know of something, in milliseconds.
    behind_ms: AtomicU64,
}

pub struct Consoles {
    seen: Arc<Seen>,
    tasks: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Consoles {
    pub async fn open(server: &Server, count: usize, concert: u32) -> anyhow::Result<Self> {
        let seen = Arc::new(Seen::default());
        let mut tasks = Vec::with_capacity(count);
        let target = Target::plain(server.door);
        for _ in 0..count {
            let token = server.operator_token().context("consoles need an operator's token")?;
            let mut socket = WebSocket::connect(&target, Some(token)).await?;
            for (id, concert_id) in [(1, None), (2, Some(concert))] {
                let request = Request::OpsWatch(OpsScope { concert_id });
                socket.push_text(&encode_request(&RequestId::from(id), &request));
            }
            socket.flush().await?;
            tasks.push(tokio::spawn(look(socket, seen.clone())));
        }
        Ok(Self { seen, tasks })
    }

    pub fn begin(&self) {
        self.seen.counts.store(true, Ordering::Relaxed);
    }

    /// The number of updates, of gaps, and the longest that a console was behind, since `begin`.
    pub fn end(self) -> anyhow::Result<(u64, u64, Duration)> {
        for task in &self.tasks {
            if task.is_finished() {
                bail!("a console was hung up on");
            }
            task.abort();
        }
        let seen = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let behind = Duration::from_millis(seen(&self.seen.behind_ms));
        Ok((seen(&self.seen.updates), seen(&self.seen.gaps), behind))
    }
}

async fn look(mut socket: WebSocket, seen: Arc<Seen>) -> anyhow::Result<()> {
    // The number of what was told last, of all sales and of one.
    let mut shown: [Option<(u64, Instant)>; 2] = [None, None];
    let mut clock: Option<(i64, Instant)> = None;
    loop {
        let text = String::from_utf8(socket.next().await?.to_vec())?;
        match ServerMessage::parse(&text)? {
            ServerMessage::Response(answer) => {
                let state: OpsState = answer.into_result()?;
                clock = Some((state.server_time.as_millis(), Instant::now()));
                shown[usize::from(state.concert_id.is_some())] = Some((state.seq, Instant::now()));
            }
            ServerMessage::Push(Push::OpsUpdate(update)) => {
                let shown = &mut shown[usize::from(update.concert_id.is_some())];
                let Some((known, heard)) = shown else { continue };
                if seen.counts.load(Ordering::Relaxed) {
                    seen.updates.fetch_add(1, Ordering::Relaxed);
                    seen.gaps.fetch_add(u64::from(update.from > *known), Ordering::Relaxed);
                    if let Some((server, received)) = clock {
                        let now = server + received.elapsed().as_millis() as i64;
                        let behind = (now - update.at.as_millis()).max(0) + ROUND_MS;
                        seen.behind_ms.fetch_max(behind as u64, Ordering::Relaxed);
                        if heard.elapsed() > SILENCE_MAX {
                            seen.behind_ms.fetch_max(heard.elapsed().as_millis() as u64, Ordering::Relaxed);
                        }
                    }
                }
                (*known, *heard) = (update.seq, Instant::now());
            }
            ServerMessage::Push(_) | ServerMessage::UnknownPush(_) => {}
        }
    }
}
