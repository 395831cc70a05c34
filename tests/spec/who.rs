//! Who may do what, and what becomes known of their tokens.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use super::harness::{Fan, http};

/// The program itself, on a data folder of its own.
struct Program {
    child: Child,
    address: std::net::SocketAddr,
}

impl Program {
    fn start(data: &Path, settings: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
        command.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.args(settings.iter().flat_map(|setting| ["--set", setting]));
        // Its own log goes to a file, which never makes it wait.
        let log = std::fs::File::create(data.with_extension("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect(&line).parse().unwrap();
        Self { child, address }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_talkative_log_has_no_token_and_no_file_is_open_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Program::start(&data, &["log.level=trace"]);
    let guest = http::call(server.address, "POST", "/api/v1/users", &[], r#"{"name":"fan"}"#).await;
    let access_token = guest.json()["access_token"].as_str().unwrap().to_owned();
    let mut fan = Fan::connect(server.address, &[]).await.unwrap();
    fan.ok("hello", json!({"access_token": access_token})).await;
    let queue_token =
        fan.ok("queue.join", json!({"concert_id": 1})).await["token"].as_str().unwrap().to_owned();
    let mut again = Fan::connect(server.address, &[]).await.unwrap();
    again.ok("hello", json!({"queue_token": queue_token})).await;
    let bearer = format!("Bearer {queue_token}");
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(http::call(server.address, "GET", "/api/v1/balance", &headers, "").await.status, 200);

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let mut names = Vec::new();
    for file in std::fs::read_dir(&data).unwrap() {
        let path = file.unwrap().path();
        let allowed = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), allowed, "{}", path.display());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    for name in ["frontrow.db", "frontrow.db-wal", "token.key"] {
        assert!(names.iter().any(|there| there == name), "{name} is not among {names:?}");
    }

    drop(server);
    let mut log = String::new();
    std::fs::File::open(data.with_extension("log")).unwrap().read_to_string(&mut log).unwrap();
    assert!(!log.is_empty());
    for token in [access_token.as_str(), access_token.rsplit('.').next().unwrap(), queue_token.as_str()] {
        let line = log.lines().find(|line| line.contains(token));
        assert_eq!(line, None);
    }
}

#[test]
fn a_misspelt_variable_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_frontrow"))
        .args(["token", "--operator", "--data"])
        .arg(folder.path().join("data"))
        .env("FRONTROW_HOLD_TTL", "2m")
        .env("FRONTROW_SERVICE_HOST", "10.0.0.1")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("FRONTROW_HOLD_TTL") && !told.contains("SERVICE_HOST"), "{told}");
}

#[test]
fn a_short_secret_ends_the_start_and_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_frontrow"))
        .args(["serve", "--listen", "127.0.0.1:0", "--set", "auth.hs256_secret=hushh", "--data"])
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("32 bytes") && !told.contains("hushh"), "{told}");
}
