#!/usr/bin/env bash
# A process that was stopped gives up on bytes that came in time.
#
# Expected: `tokio::time::timeout(1 s, socket.read_u8())` polls the read before it looks at the clock, as its documentation
# says. A byte that came 100 ms after the wait began is read, even if the process was stopped (SIGSTOP) meanwhile and goes
# on (SIGCONT) only after 2 s: the byte has been in the socket since long before the deadline.
#
# What happens: it is `Elapsed`. Linux lets `epoll_wait` fail with EINTR when a process goes on, without any handler of the
# signal (signal(7)). The runtime goes on without having seen a single socket, but does look at its timers; so the read is
# polled, believes its socket to be empty, and the clock decides.
#
# Seen with tokio 1.54.1 on Linux 6.18: 10 of 10 times with a runtime of one thread, and of several.
#
# Why it matters for a ticketing server: every patience of a server (for a request's head, a hello, an answer of the
# database) is such a timer. Stopped for longer than that by a debugger, a container's freezer or an operator's mistake, it
# hangs up on whoever asked meanwhile, and their requests are lost unread. What is over must count only after one more look.
#
# Needs cargo; takes its crates from the registry. Fails if the bytes are read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "stopped"
version = "0.0.0"
edition = "2024"

[dependencies]
tokio = { version = "=1.54.1", features = ["rt-multi-thread", "net", "io-util", "time"] }
TOML
cat > src/main.rs <<'RUST'
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt;

const PATIENCE: Duration = Duration::from_secs(1);

fn serve(threads: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
    let serving = runtime.spawn(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let (mut stream, _) = listener.accept().await.unwrap();
        let read = tokio::time::timeout(PATIENCE, stream.read_u8()).await;
        println!("{}", if read.is_ok() { "read" } else { "elapsed" });
    });
    runtime.block_on(serving).unwrap();
}

/// What a server says of a byte that comes 100 ms after it began to wait; `stopped`: while it is stopped, for twice its
/// patience.
fn tried(threads: usize, stopped: bool) -> String {
    let me = std::env::current_exe().unwrap();
    let mut server = Command::new(me).arg(threads.to_string()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut stream = std::net::TcpStream::connect(lines.next().unwrap().unwrap()).unwrap();
    let signal = |name: &str| {
        if stopped {
            assert!(Command::new("kill").args([name, &server.id().to_string()]).status().unwrap().success());
        }
    };
    std::thread::sleep(PATIENCE / 20);
    signal("-STOP");
    std::thread::sleep(PATIENCE / 20);
    stream.write_all(&[1]).unwrap();
    std::thread::sleep(2 * PATIENCE);
    signal("-CONT");
    let said = lines.next().unwrap().unwrap();
    server.wait().unwrap();
    said
}

fn main() {
    if let Some(threads) = std::env::args().nth(1) {
        return serve(threads.parse().unwrap());
    }
    let mut elapsed = 0;
    for threads in [1, 4] {
        assert_eq!(tried(threads, false), "read");
        let late = (0..5).filter(|_| tried(threads, true) == "elapsed").count();
        println!("{threads} thread(s): of 5 bytes that came in time {late} were given up after a stop");
        elapsed += late;
    }
    std::process::exit(if elapsed >= 5 { 0 } else { 1 });
}
RUST
cargo build --release --quiet
grep -A1 'name = "tokio"' Cargo.lock | tail -1
./target/release/stopped
