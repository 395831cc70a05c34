//! Connections that are encrypted: by which certificate, for how long it may take, and who comes to the wrong port.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{House, Plan, in_time, tls};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_doors_are_open_to_encrypted_connections() {
    let house = House::open(Plan { settings: tls::settings, ..Plan::default() }).await;
    assert_eq!(house.http("GET", "/readyz", None, "").await.status, 200);
    // More than one record holds, and more than a socket takes at once.
    let page = house.http("GET", "/openapi.json", None, "").await;
    assert!(page.bytes.len() > 64 * 1024 && page.json()["openapi"].is_string());
    let mut fan = house.fan(0).await;
    fan.ok("ping", json!({})).await;
    assert_eq!(house.http_with("GET", "/ws", &[], "").await.status, 426);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_is_answered_that_this_port_uses_tls() {
    let house = House::open(Plan { settings: tls::settings, ..Plan::default() }).await;
    let mut plain = TcpStream::connect(house.address()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    in_time("an answer and the end", plain.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
    assert!(body.contains("TLS"), "{answer}");
    // Every other client is served.
    assert_eq!(house.http("GET", "/healthz", None, "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_begins_a_handshake_and_goes_leaves_nothing_behind() {
    let house = House::open(Plan { settings: tls::settings, ..Plan::default() }).await;
    for begun in
        [&b""[..], b"\x16", b"\x16\x03\x01\x00\xff\x01", b"\x16\x03\x01\xff\xff garbage", b"\x00\x01"]
    {
        let mut stranger = TcpStream::connect(house.address()).await.unwrap();
        stranger.write_all(begun).await.unwrap();
        drop(stranger);
    }
    in_time("the end of all of them", async {
        while house.context().metrics.sockets.get() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(house.http("GET", "/healthz", None, "").await.status, 200);
}

/// Operators steer an encrypted server, too, and learn when it is not the one that they take it for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_steers_an_encrypted_server() {
    let house = House::open(Plan { settings: tls::settings, ..Plan::default() }).await;
    let (url, token) = (format!("https://{}", house.address()), house.operator_token());
    let list = async |ca: Option<std::path::PathBuf>| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_frontrow"));
        command.args(["sale", "list", "--server", &url, "--token", &token]);
        command.args(ca.iter().flat_map(|ca| [std::ffi::OsStr::new("--ca"), ca.as_os_str()]));
        let ended = tokio::task::spawn_blocking(move || command.output().unwrap());
        in_time("the command's end", ended).await.unwrap()
    };
    let listed = list(Some(tls::file("ca.pem"))).await;
    let said = String::from_utf8(listed.stderr).unwrap();
    assert!(listed.status.success(), "{said}");
    assert!(String::from_utf8(listed.stdout).unwrap().contains(r#""state":"OPEN""#));
    for ca in [None, Some(tls::file("first.key"))] {
        let refused = list(ca).await;
        assert!(!refused.status.success());
    }
    let said = String::from_utf8(list(None).await.stderr).unwrap();
    assert!(said.contains("could not make a secure connection to https://"), "{said}");
}

/// Goal: nobody holds a connection by not shaking hands. Method: time is the runtime's own here, so that the server's
/// patience ends at once when nothing else is left to do.
#[tokio::test(start_paused = true)]
async fn a_handshake_has_a_deadline() {
    let tls = frontrow::socket::tls::Tls::open(&frontrow::config::TlsFiles {
        cert: tls::file("first.pem"),
        key: tls::file("first.key"),
    })
    .unwrap();
    let listener = frontrow::server::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let _silent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (tcp, _) = listener.accept().await.unwrap();
    let error = tls.accept(tcp, frontrow::limits::TLS_HANDSHAKE_PATIENCE).await.err().unwrap();
    assert_eq!(error.kind(), "late");
}

/// Goal: a renewed certificate is served without a restart, a bad one never, and open connections stay. Method: the files
/// are replaced as a renewal does it, and new connections look at what they are shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_read_again_when_its_files_change() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::copy(tls::file("first.pem"), &cert).unwrap();
    std::fs::copy(tls::file("first.key"), &key).unwrap();
    let files = frontrow::config::TlsSettings { cert: Some(cert.clone()), key: Some(key.clone()) };
    let house = House::open_with(Plan::default(), |config| config.tls = files).await;
    let shown = async || {
        let secure = tls::secure(house.address()).await.unwrap();
        secure.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let (first, second) = (tls::certificate("first"), tls::certificate("second"));
    assert_eq!(shown().await, first);
    let mut early = house.fan(0).await;

    std::fs::copy(tls::file("second.pem"), &cert).unwrap();
    std::fs::copy(tls::file("second.key"), &key).unwrap();
    in_time("the new certificate", async {
        while shown().await != second {
            tokio::task::yield_now().await;
        }
    })
    .await;
    early.ok("ping", json!({})).await;
}
