#!/usr/bin/env bash
# A task that wakes itself is behind all others, but not behind those who would become ready.
#
# Expected: a future that has done its share calls `cx.waker().wake_by_ref()` and returns `Pending`. It goes to the end of
# the queue, so whoever else has something to do comes first, and a request that arrives meanwhile waits for one share.
#
# What happens: the queue is never empty then, and a worker with tasks in its queue looks at its sockets and timers only at
# every 61st poll (`event_interval`). A request that arrives waits for up to 61 shares, and so does the next of its steps.
# `tokio::task::yield_now()` does what was meant: its waker is called only after the worker has looked at sockets and timers.
#
# Seen with tokio 1.54.1, one worker, shares of 1 ms, on a machine that was busy otherwise: a request over loopback takes
# 230 ms (61 shares, each of them late) beside a task that wakes itself, and 8 ms beside one that yields.
#
# Why it matters for a ticketing server: a connection that sends without end is read in shares. With `wake_by_ref` one such
# connection makes everybody's hold on that worker 60 shares late, twice; with `yield_now` one share.
#
# Needs cargo; takes its crates from the registry. Fails if the two no longer differ.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "self-wake"
version = "0.0.0"
edition = "2024"

[dependencies]
tokio = { version = "=1.54.1", features = ["rt-multi-thread", "net", "io-util"] }
TOML
cat > src/main.rs <<'RUST'
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use std::io::{Read, Write};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SHARE: Duration = Duration::from_millis(1);

/// The median time of a request and its answer, beside a task that always has something to do.
fn beside(wakes_itself: bool) -> Duration {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        while let Ok(byte) = stream.read_u8().await {
            stream.write_u8(byte).await.unwrap();
        }
    });
    let mut client = std::net::TcpStream::connect(address).unwrap();
    client.set_nodelay(true).unwrap();
    let mut ask = || {
        // Later than the server looks for more by itself.
        std::thread::sleep(5 * SHARE);
        let began = Instant::now();
        client.write_all(&[1]).unwrap();
        client.read_exact(&mut [0]).unwrap();
        began.elapsed()
    };
    ask();
    let polled = Arc::new(AtomicBool::new(false));
    let busy = polled.clone();
    runtime.spawn(poll_fn(move |cx| {
        busy.store(true, Ordering::Relaxed);
        let began = Instant::now();
        while began.elapsed() < SHARE {}
        if wakes_itself {
            cx.waker().wake_by_ref();
        } else {
            let _ = pin!(tokio::task::yield_now()).poll(cx);
        }
        Poll::<()>::Pending
    }));
    while !polled.load(Ordering::Relaxed) {}
    let mut times: Vec<_> = (0..21).map(|_| ask()).collect();
    times.sort();
    runtime.shutdown_background();
    times[10]
}

fn main() {
    let (woken, yielded) = (beside(true), beside(false));
    println!("a request takes {woken:.1?} beside a task that wakes itself, {yielded:.1?} beside one that yields");
    std::process::exit(if woken > 5 * yielded { 0 } else { 1 });
}
RUST
cargo build --release --quiet
grep -A1 'name = "tokio"' Cargo.lock | tail -1
./target/release/self-wake
