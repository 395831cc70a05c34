//! Promises that only a process of its own can show: signals, and a log that cannot be written.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use frontrow::clock::Clock;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::webhooks::Receiver;
use crate::harness::{Fan, http, in_time};

struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Serves the demo. `command` runs the program with the arguments that it is given.
    fn start(mut command: Command, data: &Path, stderr: impl Into<Stdio>) -> Self {
        let mut child = command
            .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--set", "log.level=debug", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect("it listens").parse().unwrap();
        Self { child, address }
    }

    /// A fan with a seat held.
    async fn fan(&self, seat: u32) -> Fan {
        let made = http::call(self.address, "POST", "/api/v1/users", &[], r#"{"name":"Ada"}"#).await;
        let mut fan = Fan::connect(self.address, &[]).await.unwrap();
        fan.ok("hello", json!({"access_token": made.json()["access_token"]})).await;
        fan.ok("queue.join", json!({"concert_id": 1})).await;
        fan.ok("hold", json!({"schedule_id": 1, "seats": [seat]})).await;
        fan
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    async fn end_at_once(self) {
        self.signal(Signal::TERM);
        assert!(self.end().await.success());
    }

    async fn end(mut self) -> ExitStatus {
        let ended = tokio::task::spawn_blocking(move || self.child.wait().unwrap());
        in_time("the end of the process", ended).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn frontrow() -> Command {
    Command::new(env!("CARGO_BIN_EXE_frontrow"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_written_ends_no_sale() {
    let data = tempfile::tempdir().unwrap();
    let server =
        Server::start(frontrow(), data.path(), File::options().write(true).open("/dev/full").unwrap());
    server.fan(0).await;
    server.fan(1).await;
    let ready = http::call(server.address, "GET", "/readyz", &[], "").await;
    assert_eq!(ready.status, 200, "{:?}", ready.json());
    let metrics = http::call(server.address, "GET", "/metrics", &[], "").await;
    let metrics = String::from_utf8(metrics.bytes.to_vec()).unwrap();
    let lost = metrics.lines().find_map(|line| line.strip_prefix("frontrow_log_lines_lost_total ")).unwrap();
    assert!(lost.parse::<u64>().unwrap() > 0);
    assert!(metrics.contains("frontrow_task_ends_total 0"), "{metrics}");
    assert!(metrics.contains(r#"frontrow_sale_runs{concert="1",runs="here",writer=""#), "{metrics}");
    server.signal(Signal::TERM);
    assert!(server.end().await.success());
}

/// The pipe is full, and whoever should read it stands still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_nobody_reads_ends_no_sale() {
    let data = tempfile::tempdir().unwrap();
    let (_reader, mut pipe) = std::io::pipe().unwrap();
    // The pipe is filled, so that the first line of the log waits already.
    pipe.write_all(&[b'.'; 64 * 1024]).unwrap();
    let server = Server::start(frontrow(), data.path(), pipe);
    server.fan(0).await;
    server.fan(1).await;
    let ready = http::call(server.address, "GET", "/readyz", &[], "").await;
    assert_eq!(ready.status, 200, "{:?}", ready.json());
    server.signal(Signal::TERM);
    assert!(server.end().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_is_gone_ends_the_server_in_good_order() {
    for signal in [Signal::HUP, Signal::TERM, Signal::INT] {
        let data = tempfile::tempdir().unwrap();
        // A test run by nohup hands on that SIGHUP is ignored.
        let mut command = Command::new("env");
        command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_frontrow")]);
        let server = Server::start(command, data.path(), Stdio::null());
        let mut fan = server.fan(0).await;
        server.signal(signal);
        assert_eq!(fan.closed().await, 1012, "{signal:?}");
        assert!(server.end().await.success(), "{signal:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_started_to_outlive_its_terminal_does() {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap '' HUP; exec "$0" "$@""#, env!("CARGO_BIN_EXE_frontrow")]);
    let server = Server::start(command, data.path(), Stdio::null());
    let mut fan = server.fan(0).await;
    server.signal(Signal::HUP);
    fan.ok("hold", json!({"schedule_id": 1, "seats": [1]})).await;
    server.fan(2).await;
    server.signal(Signal::TERM);
    assert!(server.end().await.success());
}

/// Programs that rotate logs send it to servers that open theirs anew. Ours goes to stderr.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_that_means_nothing_ends_no_sale() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(frontrow(), data.path(), Stdio::null());
    let mut fan = server.fan(0).await;
    for (seat, signal) in [(1, Signal::USR1), (2, Signal::USR2), (3, Signal::PIPE)] {
        server.signal(signal);
        fan.ok("hold", json!({"schedule_id": 1, "seats": [seat]})).await;
        server.fan(seat + 10).await;
    }
    server.signal(Signal::TERM);
    assert!(server.end().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_deleted_is_noticed_and_its_folder_is_not_taken_for_a_new_one() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(frontrow(), data.path(), Stdio::null());
    let mut fan = server.fan(0).await;
    let (file, aside) = (data.path().join("frontrow.db"), data.path().join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    // The answer now is anything but that a seat is held.
    let id = fan.send("hold", json!({"schedule_id": 1, "seats": [1]})).await;
    let ready = http::call(server.address, "GET", "/readyz", &[], "").await;
    assert_eq!(ready.status, 503);
    match fan.answer_or_end(id).await {
        None => {}
        Some(answer) => assert_eq!(answer.unwrap_err().reason, "UNAVAILABLE"),
    }
    // It is back, and so is the sale.
    std::fs::rename(&aside, &file).unwrap();
    in_time("the sale", async {
        while http::call(server.address, "GET", "/readyz", &[], "").await.status != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.fan(2).await;
    server.signal(Signal::TERM);
    assert!(server.end().await.success());

    for name in ["frontrow.db", "frontrow.db-wal", "frontrow.db-shm"] {
        let _ = std::fs::remove_file(data.path().join(name));
    }
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["user", "add", "--name", "Ada"],
        &["migrate"],
        &["migrate", "--check"],
    ] {
        let refused = frontrow().args(arguments).arg("--data").arg(data.path()).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("its database is gone"), "{arguments:?}: {said}");
    }
    assert!(!file.exists());
    let made = frontrow()
        .args(["user", "add", "--name", "Ada", "--new", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Goal: no price is paid from a wallet in another currency, and the operator is not asked for ever. Method: a database of
/// before, with concerts in two currencies, under a running server and without one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wallets_currency_is_changed_under_no_server_and_confirmed_under_any() {
    let data = tempfile::tempdir().unwrap();
    Server::start(frontrow(), data.path(), Stdio::null()).end_at_once().await;
    let file = SqliteConnectOptions::new().filename(data.path().join("frontrow.db"));
    let mut database = file.connect().await.unwrap();
    // A second concert is the first one's copy; what was decided is forgotten.
    let columns = "title, venue, state, cancel_before_start_ms, created_at";
    let copy = format!(
        "INSERT INTO concert ({columns}, currency) SELECT {columns}, 'EUR' FROM concert; DELETE FROM installation"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(copy)).execute(&mut database).await.unwrap();
    database.close().await.unwrap();

    let decide = |code: &str| {
        let decided = frontrow().args(["currency", code, "--data"]).arg(data.path()).output().unwrap();
        let said = if decided.status.success() { decided.stdout } else { decided.stderr };
        (decided.status.success(), String::from_utf8(said).unwrap())
    };
    let server = Server::start(frontrow(), data.path(), Stdio::null());
    let notes = async || {
        let ready = http::call(server.address, "GET", "/readyz", &[], "").await.json();
        ready["notes"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(notes().await, 1);
    let (done, said) = decide("EUR");
    assert!(!done && said.contains("a server is running"), "{said}");
    let (done, said) = decide("KRW");
    assert!(done && said.contains(r#""decided":true"#), "{said}");
    in_time("the server to notice", async {
        while notes().await > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.end_at_once().await;
    let (done, said) = decide("EUR");
    assert!(done && said.contains(r#""currency":"EUR""#), "{said}");
}

/// Goal: what a server that is killed was sending is sent again, and known by its receiver as the same. Method: a receiver that
/// takes a message and never answers, and `kill -9` meanwhile; all of it by `frontrow webhook`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_a_killed_server_was_sending_comes_again_with_its_id() {
    let data = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::open(&Clock::system()).await;
    *receiver.status.lock() = None;
    let start = || {
        let mut command = frontrow();
        // Receivers are on this machine.
        command.env("FRONTROW_WEBHOOKS_ALLOW", "127.0.0.0/8");
        Server::start(command, data.path(), Stdio::null())
    };
    let webhook = async |server: &Server, arguments: &[&str]| {
        let mut command = frontrow();
        command.arg("webhook").args(arguments).arg("--data").arg(data.path());
        command.args(["--server", &format!("http://{}", server.address)]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = in_time("the command", output).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        serde_json::from_slice::<Value>(&output.stdout).map_err(|_| said)
    };
    let server = start();
    let made = webhook(&server, &["add", &receiver.url]).await.unwrap();
    let (id, secret) = (made["webhook_id"].to_string(), made["secret"].as_str().unwrap().to_owned());
    let sent = webhook(&server, &["test", &id]).await.unwrap();
    let first = receiver.next_test().await;
    assert_eq!(first.id(), sent["message_id"].as_str().unwrap());
    server.signal(Signal::KILL);
    assert!(!server.end().await.success());

    let file = SqliteConnectOptions::new().filename(data.path().join("frontrow.db"));
    let mut database = file.connect().await.unwrap();
    // It was taken to be sent, so nobody else sends it for a minute, which goes by.
    let minute = "UPDATE webhook_delivery SET next_at = next_at - 60000 WHERE tries = 1 AND done_at IS NULL";
    assert_eq!(sqlx::query(minute).execute(&mut database).await.unwrap().rows_affected(), 1);
    database.close().await.unwrap();
    *receiver.status.lock() = Some(204);
    let server = start();
    let again = receiver.next_test().await;
    assert_eq!((again.id(), &again.body), (first.id(), &first.body));
    assert!(again.is_signed_by(&secret));
    let arrived = async {
        loop {
            let sent = webhook(&server, &["deliveries", &id, "--limit", "5"]).await.unwrap();
            if sent["deliveries"][0]["done_at"].is_string() {
                return sent;
            }
        }
    };
    let sent = in_time("its arrival", arrived).await;
    assert_eq!(sent["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&sent["deliveries"][0]["tries"], &sent["deliveries"][0]["answer"]),
        (&json!(2), &json!("204"))
    );

    // The rest of the command, in short.
    let rotated = webhook(&server, &["rotate", &id]).await.unwrap();
    assert_ne!(rotated["secret"], made["secret"]);
    let delivery = sent["deliveries"][0]["delivery_id"].as_str().unwrap();
    assert_eq!(
        webhook(&server, &["resend", delivery]).await.unwrap()["message_id"],
        sent["deliveries"][0]["message_id"]
    );
    assert_eq!(receiver.next_test().await.id(), first.id());
    let refused = webhook(&server, &["add", &receiver.url, "--type", "sale.state"]).await.unwrap_err();
    assert!(refused.contains("sale.state"), "{refused}");
    assert_eq!(webhook(&server, &["remove", &id]).await.unwrap(), json!(null));
    let all = webhook(&server, &["list"]).await.unwrap();
    assert!(all["webhooks"][0]["stopped_at"].is_string(), "{all}");
    server.end_at_once().await;
}
