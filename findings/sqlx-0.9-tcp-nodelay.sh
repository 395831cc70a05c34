#!/usr/bin/env bash
# sqlx 0.9.0 leaves Nagle's algorithm on for its connections by TCP; 0.8 turned it off.
#
# Expected: a driver that asks and waits for the answer sets TCP_NODELAY, as sqlx did since 0.8; no note of 0.9 says otherwise.
#
# What happens: a connection that is made by 0.9.0 has TCP_NODELAY off, one by 0.8.6 has it on. Whoever sends a statement in
# more than one piece then waits up to 40 ms for the acknowledgement of the first: a statement of several TLS records (16 KiB
# each), and a statement that is closed just before the next one is prepared. By a Unix socket nothing of it is seen.
#
# Seen with sqlx 0.9.0 and 0.8.6 on Linux: `0.8.6 true`, `0.9.0 false`. Mended upstream (pull request 4336), not released.
#
# Why it matters for a ticketing server: a batch of a thousand holds is some hundred KiB in a dozen statements. Over TLS to
# MariaDB a server sold 2,700 seats a second instead of 12,000, with a median of 68 ms instead of 20.
#
# Needs cargo and Linux; takes its crates from the registry. Fails if the two no longer differ.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
seen=
for version in 0.8.6 0.9.0; do
    mkdir -p "$version/src"
    cat > "$version/Cargo.toml" <<TOML
[package]
name = "nagle"
version = "0.0.0"
edition = "2021"

[dependencies]
sqlx = { version = "=$version", default-features = false, features = ["runtime-tokio", "mysql"] }
socket2 = "0.6"
rustix = { version = "1", features = ["process"] }
tokio = { version = "1", features = ["rt", "net", "macros", "time"] }
TOML
    cat > "$version/src/main.rs" <<'RUST'
use rustix::process::{getpid, pidfd_getfd, pidfd_open, PidfdFlags, PidfdGetfdFlags};
use sqlx::ConnectOptions;

/// Connects to nobody in particular, and looks at the socket at its own end.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("mysql://fan@127.0.0.1:{}/sale", listener.local_addr().unwrap().port());
    tokio::spawn(async move { url.parse::<sqlx::mysql::MySqlConnectOptions>().unwrap().connect().await });
    let (_server, client) = listener.accept().await.unwrap();
    // What is set after connecting is set by then.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let this = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    for number in 3..64 {
        let Ok(file) = pidfd_getfd(&this, number, PidfdGetfdFlags::empty()) else { continue };
        let socket = socket2::Socket::from(file);
        if socket.local_addr().ok().and_then(|address| address.as_socket()) == Some(client) {
            println!("{}", socket.tcp_nodelay().unwrap());
            return;
        }
    }
    panic!("no such socket");
}
RUST
    nodelay=$(cd "$version" && cargo run --quiet)
    echo "sqlx $version: TCP_NODELAY is $nodelay"
    seen+="$version $nodelay "
done
[ "$seen" = "0.8.6 true 0.9.0 false " ] || { echo "they no longer differ as described"; exit 1; }
