//! The rights of each caller, and what becomes known of their tokens.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use frontrow::config::IssuerKey;
use serde_json::json;

use super::harness::{Fan, House, Plan, http, in_time};

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
    let made = Command::new(env!("CARGO_BIN_EXE_frontrow"))
        .args(["operator", "add", "Min", "--role", "viewer", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let link = made["link"]["url"].as_str().unwrap();
    let body = json!({"link": link}).to_string();
    let signed_in = http::call(server.address, "POST", "/api/v1/admin/session", &[], &body).await;
    let session = signed_in.json()["token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {session}");
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(http::call(server.address, "GET", "/api/v1/admin/session", &headers, "").await.status, 200);
    let secret = link.rsplit_once('/').unwrap().1;

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
    let of_fans = [access_token.as_str(), access_token.rsplit('.').next().unwrap(), queue_token.as_str()];
    for token in of_fans.into_iter().chain([secret, session.trim_start_matches("fro_")]) {
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
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("FRONTROW_HOLD_TTL") && !printed.contains("SERVICE_HOST"), "{printed}");
}

#[test]
fn a_short_secret_ends_the_start_and_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_frontrow"))
        .args(["serve", "--listen", "127.0.0.1:0", "--set", "auth.hs256_secret=hushh", "--data"])
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && printed.contains("32 bytes") && !printed.contains("hushh"),
        "{printed}"
    );
}

const HOUR: u64 = 3_600;

/// Goal: what an ended queue token opens is the same at both doors. Method: one fan buys; their queue token is then
/// tried with every call.
#[tokio::test(flavor = "multi_thread")]
async fn an_ended_queue_token_moves_no_money_at_either_door() {
    let house = House::open(Plan::default()).await;
    let (mut fan, place) = house.joined(1_000_000).await;
    let token = place["token"].as_str().unwrap().to_owned();
    let held = fan.ok("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await;
    let reservation = held["reservation_id"].clone();
    let mut tab = house.stranger().await;
    tab.ok("hello", json!({"queue_token": token})).await;
    let by = |method: &'static str, path: String, body: &'static str| {
        let (house, token) = (&house, token.clone());
        async move { house.http(method, &path, Some(&token), body).await.outcome() }
    };
    // It acts as its user while it is live.
    assert_eq!(tab.ok("charge", json!({"amount": 5, "request_id": "a"})).await["balance"], 1_000_005);
    assert_eq!(by("GET", "/api/v1/balance".into(), "").await.0, 200);
    let paid = tab.ok("pay", json!({"reservation_id": reservation})).await;
    assert_eq!(paid["payment"]["status"], "DONE");
    tab.status("DONE").await;

    let of_paid = json!({"reservation_id": reservation});
    for (method, params) in [
        ("charge", json!({"amount": 5, "request_id": "b"})),
        ("balance", json!({})),
        ("history", json!({})),
        ("cancel", of_paid.clone()),
        ("pay", of_paid.clone()),
        ("release", of_paid),
        ("hold", json!({"schedule_id": house.schedule(), "seats": [1]})),
        ("hold_best", json!({"schedule_id": house.schedule(), "count": 1})),
        ("schedules", json!({})),
        ("seats.watch", json!({"schedule_id": house.schedule()})),
        ("queue.join", json!({"concert_id": house.concert.0})),
        ("queue.extend", json!({})),
        ("queue.leave", json!({})),
    ] {
        assert_eq!(tab.refused(method, params).await, "TOKEN_DONE", "{method}");
    }
    let done = (403, "TOKEN_DONE".to_owned());
    let id = reservation.as_str().unwrap();
    for (method, path, body) in [
        ("POST", "balance/charges".to_owned(), r#"{"amount":5,"request_id":"c"}"#),
        ("GET", "balance".to_owned(), ""),
        ("GET", "balance/history".to_owned(), ""),
        ("DELETE", format!("reservations/{id}"), ""),
        ("GET", "schedules".to_owned(), ""),
        ("GET", format!("schedules/{}/seats", house.schedule()), ""),
        ("POST", "reservations".to_owned(), r#"{"schedule_id":1,"count":1}"#),
        ("POST", "payments".to_owned(), r#"{"reservation_id":"0"}"#),
        ("POST", "queue/tokens".to_owned(), r#"{"concert_id":1}"#),
        ("DELETE", "queue/tokens/current".to_owned(), ""),
        ("GET", "queue/tokens/current?concert_id=77".to_owned(), ""),
    ] {
        assert_eq!(by(method, format!("/api/v1/{path}"), body).await, done, "{method} {path}");
    }
    // Its end is shown for an hour.
    let ended = |what: &'static str| {
        let (house, token) = (&house, token.clone());
        async move { house.http("GET", &format!("/api/v1/{what}"), Some(&token), "").await }
    };
    assert_eq!(ended("queue/tokens/current").await.json()["status"], "DONE");
    assert_eq!(ended("tickets").await.json()["tickets"].as_array().unwrap().len(), 1);
    assert_eq!(ended("reservations").await.json()["reservations"].as_array().unwrap().len(), 1);
    assert_eq!(tab.ok("queue.get", json!({})).await["status"], "DONE");
    assert_eq!(tab.ok("tickets", json!({})).await["tickets"].as_array().unwrap().len(), 1);

    // The user's next place is not the old token's business, on either door.
    let next = fan.ok("queue.join", json!({"concert_id": house.concert.0})).await;
    assert_ne!(next["token"], token.as_str());
    assert_eq!(tab.ok("queue.get", json!({})).await["token"], token.as_str());
    assert_eq!(ended("queue/tokens/current").await.json()["token"], token.as_str());
    assert_eq!(
        tab.refused("hold", json!({"schedule_id": house.schedule(), "seats": [1]})).await,
        "TOKEN_DONE"
    );

    house.advance_with(HOUR - 80, &mut [&mut fan, &mut tab]).await;
    let mut late = house.stranger().await;
    assert_eq!(late.ok("hello", json!({"queue_token": token})).await["queue"]["status"], "DONE");
    house.advance_with(120, &mut [&mut fan, &mut late]).await;
    assert_eq!(late.pushed("hello.again").await["within_ms"], 60_000);
    for what in ["queue/tokens/current", "tickets", "reservations", "balance"] {
        assert_eq!(ended(what).await.outcome(), done, "{what}");
    }
    let mut later = house.stranger().await;
    assert_eq!(later.refused("hello", json!({"queue_token": token})).await, "TOKEN_DONE");
    // The access token is as good as ever: money is back in the wallet.
    assert_eq!(fan.ok("cancel", json!({"reservation_id": reservation})).await["balance"], 1_000_005);
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_does_not_outlive_its_access_token() {
    let house = House::open(Plan::default()).await;
    let user = house.user(0).await;
    let minutes = std::time::Duration::from_secs(5 * 60);
    let token = |house: &House| house.context().auth.mint_user(user, house.clock.utc(), minutes);
    let mut silent = house.connection_of_token(&token(&house)).await;
    let mut renewed = house.connection_of_token(&token(&house)).await;
    let bearer = format!("Bearer {}", token(&house));
    let mut by_header = Fan::connect(house.address(), &[("authorization", &bearer)]).await.unwrap();
    house.advance_with(301, &mut [&mut silent, &mut renewed, &mut by_header]).await;
    for fan in [&mut silent, &mut renewed, &mut by_header] {
        assert_eq!(fan.pushed("hello.again").await["within_ms"], 60_000);
        // A request that is under way may be finished.
        fan.ok("charge", json!({"amount": 5, "request_id": "while it may"})).await;
    }
    renewed.ok("hello", json!({"access_token": token(&house)})).await;
    // An ended token is no answer, and says so at once.
    let old = silent.access_token.clone();
    assert_eq!(silent.refused("hello", json!({"access_token": old})).await, "UNAUTHENTICATED");
    assert_eq!(silent.closed().await, 4500);
    house.advance_with(61, &mut [&mut renewed]).await;
    assert_eq!(by_header.closed().await, 4500);
    renewed.ok("charge", json!({"amount": 5, "request_id": "a"})).await;
}

const SECRET: &str = "a secret of these tests, and long";

/// A token of an issuer with this secret.
fn signed(house: &House, sub: String, more: serde_json::Value) -> String {
    let mut claims = json!({"sub": sub, "exp": house.clock.utc().as_millis() / 1000 + 60});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

/// Goal: whoever changed a sale can be found out. Method: an operator whom an issuer names, one whom nobody names, and the
/// time of opening change it, and `frontrow history` is asked.
#[tokio::test(flavor = "multi_thread")]
async fn history_tells_who_changed_a_sale() {
    let house = House::open(Plan {
        settings: |config| {
            config.auth.key = Some(IssuerKey::Hs256Secret(SECRET.to_owned()));
            config.auth.operators = true;
        },
        ..Plan::default()
    })
    .await;
    let ada = signed(&house, "ada".to_owned(), json!({"role": "operator"}));
    let opens_at = house.clock.utc() + std::time::Duration::from_secs(60);
    let opens_at = frontrow_protocol::Timestamp::from_millis(opens_at.as_millis()).to_string();
    let scheduled = json!({"state": "SCHEDULED", "opens_at": opens_at}).to_string();
    let path = format!("/api/v1/admin/sales/{}", house.concert);
    for (token, patch) in [(&ada, r#"{"message":"a"}"#), (&house.operator_token(), &*scheduled)] {
        assert_eq!(house.http("PATCH", &path, Some(token), patch).await.status, 200, "{patch}");
    }
    house.advance(61);
    let is_open = |sales: serde_json::Value| sales["sales"][0]["state"] == "OPEN";
    let operator = house.operator_token();
    in_time("the opening", async {
        while !is_open(house.http("GET", "/api/v1/admin/sales", Some(&operator), "").await.json()) {}
    })
    .await;
    let history = |subject: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
        command.arg("history").args(subject).arg("--data").arg(house.data());
        command.args(house.database_url().iter().flat_map(|url| ["--database-url", url]));
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let sale = history(&["--sale", "1"]);
    let mut lines = sale.lines().map(|line| line.split_once(": ").unwrap().1);
    let by_ada = "set message from unset to \"a\"";
    assert_eq!(lines.next(), Some(&*format!("ada (operator 1) from 127.0.0.1 {by_ada}")), "{sale}");
    assert!(
        lines.next().unwrap().starts_with("an operator from 127.0.0.1 set opens_at from unset to "),
        "{sale}"
    );
    assert_eq!(lines.next(), Some("the time of opening set state from SCHEDULED to OPEN"), "{sale}");
    assert_eq!(lines.next(), None, "{sale}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_that_is_too_long_is_refused_for_good() {
    let house = House::open(Plan {
        settings: |config| config.auth.key = Some(IssuerKey::Hs256Secret(SECRET.to_owned())),
        ..Plan::default()
    })
    .await;
    for (sub, expected) in
        [("x".repeat(512), (200, String::new())), ("x".repeat(513), { (401, "UNAUTHENTICATED".to_owned()) })]
    {
        let reply = house.http("GET", "/api/v1/balance", Some(&signed(&house, sub, json!({}))), "").await;
        assert_eq!(reply.outcome(), expected);
    }
    // Nobody becomes an operator by what an issuer says, unless it is trusted to.
    let operator = signed(&house, "o".to_owned(), json!({"role": "operator"}));
    assert_eq!(house.http("GET", "/api/v1/admin/sales", Some(&operator), "").await.status, 403);
}
