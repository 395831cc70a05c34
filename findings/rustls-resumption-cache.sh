#!/usr/bin/env bash
# Expected: a TLS 1.3 server made by rustls' builder lets clients that come back resume their session, since it sends
# each of them tickets and its session storage is on by default.
# What happens: of 1,000 clients that come back in the order in which they came, none can. The default keeps the sessions
# in the server, 256 of them, and gives each client two; the tickets of whoever connected 128 clients ago mean nothing any
# more, and those who come back replace the sessions of the others. With a ticketer (`ring::Ticketer`) the state is in the
# ticket itself, and all of them resume.
# Versions: rustls 0.23.46 with ring.
# Why it matters: when thousands of fans come back at once (a restart, a network that was away), nearly all of them cost a
# signature, at the moment when the processor is needed most; a test with ten clients shows nothing of it.
# Exits with 0 as long as it is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "resumption"
version = "0.0.0"
edition = "2021"
[dependencies]
rustls = { version = "=0.23.46", default-features = false, features = ["ring", "std"] }
TOML
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -keyout key.pem -out cert.pem \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE 2>/dev/null
cat > src/main.rs <<'RUST'
use rustls::crypto::ring;
use rustls::pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection};
use std::sync::Arc;

const CLIENTS: usize = 1000;

/// Both ends, until nothing more is to be said.
fn connect(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> bool {
    let mut client = ClientConnection::new(client.clone(), "localhost".try_into().unwrap()).unwrap();
    let mut server = ServerConnection::new(server.clone()).unwrap();
    while client.wants_write() || server.wants_write() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut rest = &wire[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets().unwrap();
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut rest = &wire[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    client.handshake_kind() == Some(HandshakeKind::Resumed)
}

fn resumed(server: ServerConfig) -> usize {
    let server = Arc::new(server);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file("cert.pem").unwrap()).unwrap();
    // Each with a memory of its own, as browsers have.
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots.clone())
                .with_no_client_auth();
            Arc::new(config)
        })
        .collect();
    assert!(clients.iter().all(|client| !connect(client, &server)), "nobody has been here before");
    clients.iter().filter(|client| connect(client, &server)).count()
}

fn server() -> ServerConfig {
    let cert = CertificateDer::from_pem_file("cert.pem").unwrap();
    let key = PrivateKeyDer::from_pem_file("key.pem").unwrap();
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .unwrap()
}

fn main() {
    let default = resumed(server());
    let mut config = server();
    config.ticketer = ring::Ticketer::new().unwrap();
    let ticketer = resumed(config);
    println!("rustls 0.23.46: of {CLIENTS} clients that come back, {default} resume by default, {ticketer} with a ticketer");
    // Clients come back in the order in which they came, and each that resumes takes the place of another.
    std::process::exit(i32::from(default > CLIENTS / 4 || ticketer != CLIENTS));
}
RUST
cargo run --quiet
