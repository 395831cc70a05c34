//! Operators who look on: each watches every sale and one with its details, and notes how old what it shows ever is.

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

/// What consoles saw together.
#[derive(Default)]
struct Seen {
    /// Figures count now.
    counts: AtomicBool,
    updates: AtomicU64,
    gaps: AtomicU64,
    /// The oldest that anything ever was which a console showed, in milliseconds.
    oldest_ms: AtomicU64,
}

pub struct Consoles {
    seen: Arc<Seen>,
    tasks: Vec<JoinHandle<anyhow::Result<()>>>,
}

/// What one console has of one scope.
struct Shown {
    seq: u64,
    /// The server's time when it was gathered, in milliseconds.
    at: i64,
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

    /// The number of updates, of gaps, and the oldest that anything was, since `begin`.
    pub fn end(self) -> anyhow::Result<(u64, u64, Duration)> {
        for task in &self.tasks {
            if task.is_finished() {
                bail!("a console was hung up on");
            }
            task.abort();
        }
        let seen = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let oldest = Duration::from_millis(seen(&self.seen.oldest_ms));
        Ok((seen(&self.seen.updates), seen(&self.seen.gaps), oldest))
    }
}

async fn look(mut socket: WebSocket, seen: Arc<Seen>) -> anyhow::Result<()> {
    // Of all sales, and of one.
    let mut shown: [Option<Shown>; 2] = [None, None];
    let mut clock: Option<(i64, Instant)> = None;
    let note_ages = |shown: &[Option<Shown>; 2], clock: Option<(i64, Instant)>| {
        let Some((server, received)) = clock.filter(|_| seen.counts.load(Ordering::Relaxed)) else { return };
        let now = server + received.elapsed().as_millis() as i64;
        for shown in shown.iter().flatten() {
            seen.oldest_ms.fetch_max((now - shown.at).max(0) as u64, Ordering::Relaxed);
        }
    };
    loop {
        let text = String::from_utf8(socket.next().await?.to_vec())?;
        // Until now it showed what it had.
        note_ages(&shown, clock);
        match ServerMessage::parse(&text)? {
            ServerMessage::Response(answer) => {
                let state: OpsState = answer.into_result()?;
                clock = Some((state.server_time.as_millis(), Instant::now()));
                let at = state.at.unwrap_or(state.server_time).as_millis();
                shown[usize::from(state.concert_id.is_some())] = Some(Shown { seq: state.seq, at });
            }
            ServerMessage::Push(Push::OpsUpdate(update)) => {
                let shown = &mut shown[usize::from(update.concert_id.is_some())];
                let Some(known) = shown else { continue };
                if seen.counts.load(Ordering::Relaxed) {
                    seen.updates.fetch_add(1, Ordering::Relaxed);
                    seen.gaps.fetch_add(u64::from(update.from > known.seq), Ordering::Relaxed);
                }
                *known = Shown { seq: update.seq, at: update.at.as_millis() };
            }
            ServerMessage::Push(_) | ServerMessage::UnknownPush(_) => {}
        }
    }
}
