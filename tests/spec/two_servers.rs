//! Two servers on one database, both asked to run the same sale: real processes, since one of them is stopped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use frontrow::store;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use serde_json::json;
use sqlx::mysql::MySqlConnection;
use sqlx::{Connection, Row};

use crate::harness::{Fan, http, in_time, mariadb};

struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(url: &str, data: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_frontrow"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--set",
                "guests=true",
                "--database-url",
                url,
                "--data",
            ])
            .arg(data)
            .args(more)
            // All fans of a test come from this machine.
            .env("FRONTROW_LIMITS_ADDRESS_EXEMPT", "127.0.0.0/8,::1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect("it listens").parse().unwrap();
        Self { child, address }
    }

    /// Every thread of it stands still.
    fn stop(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP).unwrap();
        // The signal alone stops the threads one after the other, and a busy machine takes its time.
        let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().expect("it was waited for");
        assert!(status.stopped());
    }

    fn go_on(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    async fn fan(&self, token: &str) -> Fan {
        let mut fan = Fan::connect(self.address, &[]).await.unwrap();
        fan.ok("hello", json!({"access_token": token})).await;
        fan
    }

    async fn new_user(&self) -> String {
        let made = http::call(self.address, "POST", "/api/v1/users", &[], r#"{"name":"Ada"}"#).await;
        made.json()["access_token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The output of a command that succeeds.
fn frontrow(url: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
    let done = command.args(arguments).args(["--database-url", url]).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// The params of a hold of one seat in the demo's first performance.
fn seat(seat: u32) -> serde_json::Value {
    json!({"schedule_id": 1, "seats": [seat]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_servers_sells_and_one_that_was_replaced_changes_nothing() {
    let url = mariadb::empty_database().await;
    let data = tempfile::tempdir().unwrap();
    let first = Server::start(&url, data.path(), &["--demo"]);
    let (ada, bob) = (first.new_user().await, first.new_user().await);
    let mut at_first = first.fan(&ada).await;
    at_first.ok("queue.join", json!({"concert_id": 1})).await;
    let held = at_first.ok("hold", seat(0)).await;
    let mut too_late = first.fan(&bob).await;
    too_late.ok("queue.join", json!({"concert_id": 1})).await;

    // The other one serves nothing of a sale that is not its own, and does not disturb.
    let second_data = tempfile::tempdir().unwrap();
    std::fs::copy(data.path().join("token.key"), second_data.path().join("token.key")).unwrap();
    let fast = ["--set", "limits.requests_per_second=100000", "--set", "limits.requests_burst=100000"];
    let second = Server::start(&url, second_data.path(), &fast);
    let ready = http::call(second.address, "GET", "/readyz", &[], "").await;
    assert_eq!(ready.status, 503);
    assert!(ready.json()["missing"].to_string().contains("sale 1 is run by another server"), "{ready:?}");
    let metrics = http::call(second.address, "GET", "/metrics", &[], "").await;
    let metrics = String::from_utf8(metrics.bytes.to_vec()).unwrap();
    assert!(metrics.contains(r#"frontrow_sale_runs{concert="1",runs="elsewhere",writer=""#), "{metrics}");
    let mut at_second = second.fan(&ada).await;
    assert_eq!(at_second.refused("queue.join", json!({"concert_id": 1})).await, "UNAVAILABLE");
    assert_eq!(at_second.refused("hold", seat(1)).await, "UNAVAILABLE", "it may come back");
    at_first.ok("hold", seat(1)).await;

    // The first stands still with a request in hand, and with a hold that it confirmed and did not write into its tables yet,
    // until the second is the writer.
    let store = store::open(Some(&url), data.path()).await.unwrap();
    in_time("a hold that is not in the tables", async {
        loop {
            at_first.ok("hold", seat(2)).await;
            first.stop();
            if !store.behind().await.unwrap().is_empty() {
                return;
            }
            first.go_on();
            let all_but = json!({"reservation_id": held["reservation_id"], "seats": [2]});
            at_first.ok("release", all_but).await;
        }
    })
    .await;
    let late = too_late.send("hold", seat(5)).await;
    let mut at_second = second.fan(&ada).await;
    in_time("the takeover", async {
        while at_second.call("queue.join", json!({"concert_id": 1})).await.is_err() {}
    })
    .await;
    assert_eq!(http::call(second.address, "GET", "/readyz", &[], "").await.status, 200);
    let open = at_second.ok("reservations", json!({})).await;
    assert_eq!(open["reservations"][0]["reservation_id"], held["reservation_id"]);
    assert_eq!(open["reservations"][0]["seats"].as_array().map(Vec::len), Some(3));
    at_second.ok("hold", seat(5)).await;
    // What the first has in hand is not so any more by the time it goes on.
    at_second.ok("release", json!({"reservation_id": held["reservation_id"], "seats": [2]})).await;
    in_time("the rows that follow", async { while !store.behind().await.unwrap().is_empty() {} }).await;
    let applied = || async {
        let mut link = MySqlConnection::connect(&url).await.unwrap();
        let row = sqlx::query("SELECT CAST(seq AS SIGNED), writer FROM applied")
            .fetch_one(&mut link)
            .await
            .unwrap();
        (row.get::<i64, _>(0), row.get::<Vec<u8>, _>(1))
    };
    let before = applied().await;

    first.go_on();
    let refused = too_late.answer(late).await.unwrap_err();
    assert_eq!(refused.reason, "UNAVAILABLE");
    // Its tables' writer has let go of the sale as well, and neither of them has changed anything.
    in_time("the end of what it had in hand", async {
        loop {
            let metrics = http::call(first.address, "GET", "/metrics", &[], "").await;
            if String::from_utf8_lossy(&metrics.bytes).contains("frontrow_apply_lag_events 0\n") {
                return;
            }
        }
    })
    .await;
    assert_eq!(applied().await, before);
    let report = store.audit().await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
    let loaded = store
        .load_sale(frontrow::domain::ids::ConcertId(1), frontrow::domain::time::Timestamp::default())
        .await
        .unwrap();
    assert_eq!(loaded.schedules[0].taken.iter().map(|(seat, ..)| seat.0).collect::<Vec<_>>(), [0, 1, 5]);
    at_second.ok("hold", seat(6)).await;

    // The history can be read from the database alone, while the sale runs.
    let printed = frontrow(&url, &["history", "--seat", "1:5"]);
    assert_eq!(printed.matches("sale 1, row").count(), 1, "{printed}");
    assert!(frontrow(&url, &["history", "--user", "1"]).lines().count() > 3);
    assert!(frontrow(&url, &["audit"]).ends_with("everything fits\n"));
    assert_eq!(frontrow(&url, &["migrate", "--check"]), "{\"pending\":[]}\n");
}

/// Goal: servers of one database know of each other, and what has to be alike is alike. Method: beside one that lives, one with
/// another key, and one with the same key and other rules.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_fit_the_others_says_so() {
    let url = mariadb::empty_database().await;
    let data = tempfile::tempdir().unwrap();
    let first = Server::start(&url, data.path(), &["--demo", "--set", "cluster.name=a"]);
    assert_eq!(http::call(first.address, "GET", "/readyz", &[], "").await.status, 200);
    let metrics = http::call(first.address, "GET", "/metrics", &[], "").await;
    assert!(String::from_utf8_lossy(&metrics.bytes).contains("frontrow_members 1\n"));

    let other_data = tempfile::tempdir().unwrap();
    let stranger = Server::start(&url, other_data.path(), &["--set", "cluster.name=s"]);
    let ready = http::call(stranger.address, "GET", "/readyz", &[], "").await;
    let missing = ready.json()["missing"].to_string();
    assert!(
        missing.contains("it signs tokens with another key") && missing.contains("than node 1 (a)"),
        "{missing}"
    );
    drop(stranger);

    std::fs::copy(data.path().join("token.key"), other_data.path().join("token.key")).unwrap();
    let rules = ["--set", "cluster.name=b", "--set", "sale.capacity=7"];
    let second = Server::start(&url, other_data.path(), &rules);
    let ready = http::call(second.address, "GET", "/readyz", &[], "").await;
    let missing = ready.json()["missing"].to_string();
    assert!(missing.contains("sale 1 is run by another server, node 1 (a)"), "{missing}");
    assert!(missing.contains("this server takes no sales: its rules for all of them"), "{missing}");
    assert_eq!(http::call(first.address, "GET", "/readyz", &[], "").await.status, 200);

    let listed: serde_json::Value = serde_json::from_str(&frontrow(&url, &["node", "list"])).unwrap();
    let nodes = listed["nodes"].as_array().unwrap();
    let told: Vec<_> =
        nodes.iter().map(|of| (&of["node"], &of["name"], &of["alive"], &of["state"])).collect();
    let [a, stranger, b] = &told[..] else { panic!("{told:?}") };
    assert_eq!(*a, (&json!(1), &json!("a"), &json!(true), &json!("UP")));
    assert_eq!((stranger.0, stranger.1), (&json!(2), &json!("s")));
    assert_eq!(*b, (&json!(3), &json!("b"), &json!(true), &json!("UP")));
    assert_eq!(nodes[0]["key_print"], nodes[2]["key_print"]);
    assert_ne!(nodes[0]["key_print"], nodes[1]["key_print"]);
    assert_ne!(nodes[0]["rules_print"], nodes[2]["rules_print"]);
}
