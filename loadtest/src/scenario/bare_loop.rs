//! The least that sending costs: a process that does nothing but write the same bytes to the same number of sockets,
//! one after the other. `fanout` starts it as a process of its own, so that its CPU can be measured apart.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use frontrow_crowd::crew::{Crew, Worker};
use frontrow_crowd::door::Door;
use frontrow_crowd::record::Board;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;

use crate::common::{Common, duration};
use crate::run::threads;
use crate::server::usage_of;

/// Connects before it begins to write.
const PATIENCE: Duration = Duration::from_secs(60);

/// The bare loop that `fanout` is compared with.
#[derive(Args)]
pub struct BareLoop {
    #[arg(long)]
    connections: usize,
    #[arg(long)]
    bytes: usize,
    #[arg(long)]
    rounds_per_second: f64,
    #[arg(long, value_parser = duration)]
    duration: Duration,
}

/// The amount that is written.
#[derive(Clone, Copy, Debug)]
pub struct Bare {
    pub connections: usize,
    pub bytes: usize,
    pub rounds_per_second: f64,
}

#[derive(Serialize, Deserialize)]
struct Written {
    frames: u64,
    cpu_seconds: f64,
}

impl BareLoop {
    pub async fn run(self) -> anyhow::Result<()> {
        crate::file_limit::make_room(self.connections)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        println!("{}", listener.local_addr()?);
        let sockets: Vec<TcpStream> = (0..self.connections)
            .map(|_| listener.accept().map(|(socket, _)| socket))
            .collect::<Result<_, _>>()?;
        for socket in &sockets {
            socket.set_nodelay(true)?;
            socket.set_nonblocking(true)?;
        }
        let payload = vec![b'x'; self.bytes];
        let own = std::process::id();
        let before = usage_of(own).context("the loop's own CPU")?;
        let (began, mut frames) = (Instant::now(), 0);
        let interval = Duration::from_secs_f64(1.0 / self.rounds_per_second);
        let mut due = began;
        while began.elapsed() < self.duration {
            for mut socket in &sockets {
                match socket.write(&payload) {
                    Ok(_) => frames += 1,
                    // A reader that is behind misses a round, as the server's slow clients do.
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error.into()),
                }
            }
            due += interval;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let after = usage_of(own).context("the loop's own CPU")?;
        let cpu_seconds = (after.cpu - before.cpu).as_secs_f64();
        println!("{}", serde_json::to_string(&Written { frames, cpu_seconds })?);
        Ok(())
    }
}

/// The loop's CPU for one frame in microseconds, with readers as lean as the watchers are.
pub async fn measure(common: &Common, bare: Bare, time: Duration) -> anyhow::Result<f64> {
    eprintln!("a bare loop writes {bare:?} for {:.0} s", time.as_secs_f64());
    let mut child = Command::new(std::env::current_exe()?)
        .arg("bare-loop")
        .args(["--connections", &bare.connections.to_string(), "--bytes", &bare.bytes.to_string()])
        .args(["--rounds-per-second", &bare.rounds_per_second.to_string()])
        .args(["--duration", &format!("{}ms", time.as_millis())])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("stdout was asked for")?).lines();
    let address: SocketAddr = lines.next().context("the bare loop did not start")??.parse()?;
    let crew = Crew::start(
        threads(common),
        &[Door::plain(address)],
        None,
        &Board::new(),
        move |worker| async move {
            worker.play(worker.share(bare.connections), |worker, _| read_all(worker)).await;
            anyhow::Ok(())
        },
    )?;
    let began = Instant::now();
    while crew.ready() < bare.connections as u64 {
        if began.elapsed() > PATIENCE || crew.is_finished() {
            child.kill()?;
            bail!("only {} of {} sockets of the bare loop could be opened", crew.ready(), bare.connections);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let line = tokio::task::spawn_blocking(move || lines.next()).await?;
    let written: Written = serde_json::from_str(&line.context("the bare loop broke")??)?;
    child.wait()?;
    Ok(1e6 * written.cpu_seconds / written.frames.max(1) as f64)
}

/// Reads until the loop closes the connection.
async fn read_all(worker: Rc<Worker>) {
    let target = worker.target();
    let permit = worker.connecting.acquire().await;
    let connected = target.door.connect(target.source, None).await;
    drop(permit);
    let mut stream = match connected {
        Ok(stream) => stream,
        Err(error) => return worker.stats.fault(format!("a socket of the bare loop: {error}")),
    };
    worker.signals.ready.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut buffer = vec![0; 4 * 1024];
    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}
