#!/usr/bin/env bash
# Expected: dropping the last handle of an async-nats `Client` ends it, as it does while it is connected.
# What happens: a client that is looking for its server then, because that is away, looks on for ever, every 4 s at each address,
# and shows whoever listens there at last its name and password. Only then it ends.
# Versions: async-nats 0.51.0.
# Why it matters: whoever makes a new client for new settings, or one for each tenant or test, leaves one behind for each that was
# dropped in an outage; and a port that is somebody else's now gets a password. A callback for the pause between attempts
# (`reconnect_delay_callback`) can look whether the owner is still there.
# Needs cargo. Exits with 0 as long as it is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "dropped"
version = "0.0.0"
edition = "2024"

[dependencies]
async-nats = { version = "=0.51.0", default-features = false, features = ["ring"] }
tokio = { version = "1", features = ["rt-multi-thread", "macros", "net", "time", "io-util", "sync"] }
TOML
cat > src/main.rs <<'RUST'
use std::net::SocketAddr;
use std::time::Duration;

use async_nats::{ConnectOptions, Event};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const INFO: &[u8] =
    b"INFO {\"server_id\":\"A\",\"version\":\"2.15.1\",\"proto\":1,\"max_payload\":1048576,\"headers\":true}\r\n";

/// What a NATS server does as a client comes: gives back what the client says of itself.
async fn greet(listener: &TcpListener) -> (BufReader<TcpStream>, String) {
    let mut stream = BufReader::new(listener.accept().await.unwrap().0);
    stream.write_all(INFO).await.unwrap();
    let mut connect = String::new();
    stream.read_line(&mut connect).await.unwrap();
    stream.write_all(b"PONG\r\n").await.unwrap();
    (stream, connect)
}

#[tokio::main]
async fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let (events, mut happened) = mpsc::channel(16);
    let options = ConnectOptions::with_user_and_password("fan".into(), "hush".into()).event_callback(move |event| {
        let events = events.clone();
        async move { drop(events.try_send(event)) }
    });
    let (client, greeted) = tokio::join!(options.connect(address.to_string()), greet(&listener));
    let client = client.unwrap();
    // The server goes away.
    drop((greeted, listener));
    while happened.recv().await.unwrap() != Event::Disconnected {}
    drop(client);
    tokio::time::sleep(Duration::from_secs(10)).await;

    let listener = TcpListener::bind(address).await.unwrap();
    let came = tokio::time::timeout(Duration::from_secs(30), greet(&listener)).await;
    let shows = came.as_ref().is_ok_and(|(_, connect)| connect.contains("hush"));
    println!(
        "async-nats 0.51.0: 10 s after its client was dropped somebody {} the port{}",
        if came.is_ok() { "comes to" } else { "no longer comes to" },
        if shows { ", and shows the password" } else { "" },
    );
    std::process::exit(i32::from(!shows));
}
RUST
cargo run --quiet
