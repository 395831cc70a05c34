//! Goal: operators come in by a link that is spent once, stay in as long as they should and no longer, and whatever they change
//! can be read. Method: the server over HTTP, its clock turned by hand, and `frontrow operator` beside it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use frontrow::store::sqlite::FILE_NAME;
use frontrow_protocol::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};
use sqlx::mysql::MySqlConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::harness::raw::Raw;
use super::harness::{House, Plan, Reply, http};

const SESSION: &str = "/api/v1/admin/session";
const OPERATORS: &str = "/api/v1/admin/operators";
const HOUR: u64 = 3_600;

/// `frontrow operator …` on this house's data: what it printed, a value a line.
fn operator(house: &House, args: &[&str]) -> Result<Vec<Value>, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
    command.arg("operator").args(args).arg("--data").arg(house.data());
    command.args(house.database_url().iter().flat_map(|url| ["--database-url", url]));
    let output = command.output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    let printed = String::from_utf8(output.stdout).unwrap();
    Ok(printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

async fn status(house: &House, token: &str) -> u16 {
    house.http("GET", SESSION, Some(token), "").await.status
}

async fn log(house: &House, query: &str) -> Vec<Value> {
    let owner = house.operator_token();
    let log = house.http("GET", &format!("/api/v1/admin/log{query}"), Some(&owner), "").await;
    assert_eq!(log.status, 200);
    log.json()["entries"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_link_is_all_that_is_needed_after_the_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
        command.args(["serve", "--print-link", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect(&line).to_owned();
        (child, address)
    };
    let (mut first, address) = start();
    let mut said = BufReader::new(first.stderr.take().unwrap()).lines();
    let link = loop {
        let line = said.next().expect("the link comes before the end").unwrap();
        if let Some(at) = line.find("http://")
            && line.contains("/console/#/in/")
        {
            break line[at..].to_owned();
        }
    };
    assert!(link.starts_with(&format!("http://{address}/console/#/in/")), "{link}");
    let address = address.parse().unwrap();
    let body = json!({"link": link}).to_string();
    let signed_in = http::call(address, "POST", SESSION, &[], &body).await;
    assert_eq!(signed_in.status, 201);
    let token = format!("Bearer {}", signed_in.json()["token"].as_str().unwrap());
    let bearer = [("authorization", token.as_str())];
    let own = http::call(address, "GET", SESSION, &bearer, "").await.json();
    assert_eq!(own["operator"], json!({"operator_id": 1, "name": "Owner", "roles": ["owner"]}));
    first.kill().unwrap();
    first.wait().unwrap();

    // Somebody is there now: the next start makes nobody, and the session goes on.
    let (mut second, address) = start();
    let address = address.parse().unwrap();
    let operators = http::call(address, "GET", OPERATORS, &bearer, "").await.json();
    assert_eq!(operators["operators"].as_array().unwrap().len(), 1);
    second.kill().unwrap();
    let said = std::io::read_to_string(second.stderr.take().unwrap()).unwrap();
    second.wait().unwrap();
    assert!(!said.contains("/console/"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_many_open_at_once_gives_one_session() {
    let house = House::open(Plan::default()).await;
    let made = operator(&house, &["add", "Min", "--role", "manager", "--ttl", "7d"]).unwrap().remove(0);
    let link = made["link"]["url"].as_str().unwrap();
    // The program's clock is the machine's; the house stands in another year.
    let owner = house.operator_token();
    let id = made["operator_id"].as_u64().unwrap();
    let path = format!("{OPERATORS}/{id}/link");
    let newer = house.http("POST", &path, Some(&owner), "").await;
    assert_eq!(newer.status, 201);
    let newer = newer.json()["url"].as_str().unwrap().to_owned();
    let sign_in = |link: &str| {
        let (house, body) = (&house, json!({"link": link}).to_string());
        async move { house.http("POST", SESSION, None, &body).await }
    };
    assert_eq!(sign_in(link).await.outcome(), (401, "LINK_SPENT".to_owned()), "there is a newer one");
    let replies = join_all((0..20).map(|_| sign_in(&newer))).await;
    let mut outcomes: Vec<_> = replies.iter().map(Reply::outcome).collect();
    outcomes.sort();
    assert_eq!(outcomes[0], (201, String::new()));
    assert!(outcomes[1..].iter().all(|outcome| *outcome == (401, "LINK_SPENT".to_owned())), "{outcomes:?}");
    // The secret alone will do, and what is none is told the same.
    let link = house.http("POST", &path, Some(&owner), "").await.json()["url"].as_str().unwrap().to_owned();
    for link in ["", "x", "/console/#/in/", &"A".repeat(43)] {
        assert_eq!(sign_in(link).await.outcome(), (401, "LINK_SPENT".to_owned()), "{link}");
    }
    assert_eq!(sign_in(link.rsplit_once('/').unwrap().1).await.status, 201);
    let late = house.http("POST", &path, Some(&owner), "").await.json()["url"].as_str().unwrap().to_owned();
    house.advance(15 * 60);
    assert_eq!(sign_in(&late).await.outcome(), (401, "LINK_SPENT".to_owned()), "it is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_when_it_is_idle_or_old_or_ended() {
    let house = House::open(Plan::default()).await;
    let (_, idle) = house.operator(Role::Viewer).await;
    house.advance(12 * HOUR - 1);
    assert_eq!(status(&house, &idle).await, 200, "this is a request, from which it begins anew");
    house.advance(12 * HOUR - 1);
    assert_eq!(status(&house, &idle).await, 200);
    house.advance(12 * HOUR);
    assert_eq!(status(&house, &idle).await, 401);

    let (_, used) = house.operator(Role::Viewer).await;
    for _ in 0..16 {
        house.advance(10 * HOUR);
        assert_eq!(status(&house, &used).await, 200);
    }
    house.advance(8 * HOUR);
    assert_eq!(status(&house, &used).await, 401, "seven days are over");

    // Ended by oneself, elsewhere, or by an owner.
    let owner = house.operator_token();
    let (id, one) = house.operator(Role::Viewer).await;
    let link = house.http("POST", &format!("{OPERATORS}/{id}/link"), Some(&owner), "").await.json();
    let other = house.sign_in(link["url"].as_str().unwrap()).await;
    let (stranger, strangers) = house.operator(Role::Viewer).await;
    let sessions = house.http("GET", "/api/v1/admin/sessions", Some(&one), "").await.json();
    let sessions = sessions["sessions"].as_array().unwrap();
    assert_eq!(sessions.iter().map(|session| &session["own"]).collect::<Vec<_>>(), [false, true]);
    let of_other = sessions[0]["session_id"].as_u64().unwrap();
    let end = |session: u64, token: &str| {
        let (house, path, token) = (&house, format!("/api/v1/admin/sessions/{session}"), token.to_owned());
        async move { house.http("DELETE", &path, Some(&token), "").await.status }
    };
    assert_eq!(end(of_other, &strangers).await, 404, "others' are not theirs to end");
    assert_eq!(end(of_other, &one).await, 204);
    assert_eq!((status(&house, &other).await, status(&house, &one).await), (401, 200));
    assert_eq!(end(of_other, &one).await, 404, "it is over");
    let path = format!("/api/v1/admin/sessions?operator_id={stranger}");
    let refused = house.http("GET", &path, Some(&one), "").await;
    assert_eq!((refused.status, &refused.json()["needs"]), (403, &json!(["owner"])));
    let theirs = house.http("GET", &path, Some(&owner), "").await.json();
    assert_eq!(end(theirs["sessions"][0]["session_id"].as_u64().unwrap(), &owner).await, 204);
    assert_eq!(status(&house, &strangers).await, 401);
    assert_eq!(house.http("DELETE", SESSION, Some(&one), "").await.status, 204);
    assert_eq!(status(&house, &one).await, 401);
}

/// Goal: operators are needed most while something is wrong. Method: another program has what the server would write that
/// somebody was there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_takes_nothing_shuts_no_operator_out() {
    let house = House::open(Plan::default()).await;
    let (_, session) = house.operator(Role::Viewer).await;
    house.advance(HOUR);
    let mut intruder = Intruder::lock(&house, "operator_session").await;
    let own = house.http("GET", SESSION, Some(&session), "");
    assert_eq!(house.turning("an answer", own).await.status, 200);
    intruder.let_go().await;
    // It is made up for: the session would be over by now.
    house.advance(120);
    assert_eq!(status(&house, &session).await, 200);
    house.advance(11 * HOUR + HOUR / 2);
    assert_eq!(status(&house, &session).await, 200);
}

/// Another program's transaction, which has every row of a table.
enum Intruder {
    Sqlite(SqliteConnection),
    MySql(MySqlConnection),
}

impl Intruder {
    async fn lock(house: &House, table: &str) -> Self {
        let lock = AssertSqlSafe(format!("UPDATE {table} SET operator_id = operator_id"));
        match house.database_url() {
            Some(url) => {
                let mut connection = MySqlConnection::connect(url).await.unwrap();
                sqlx::raw_sql("START TRANSACTION").execute(&mut connection).await.unwrap();
                sqlx::raw_sql(lock).execute(&mut connection).await.unwrap();
                Self::MySql(connection)
            }
            None => {
                let file = SqliteConnectOptions::new().filename(house.data().join(FILE_NAME));
                let mut connection = file.connect().await.unwrap();
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
                sqlx::raw_sql(lock).execute(&mut connection).await.unwrap();
                Self::Sqlite(connection)
            }
        }
    }

    async fn let_go(&mut self) {
        match self {
            Self::Sqlite(connection) => drop(sqlx::raw_sql("ROLLBACK").execute(connection).await.unwrap()),
            Self::MySql(connection) => drop(sqlx::raw_sql("ROLLBACK").execute(connection).await.unwrap()),
        }
    }
}

/// On this server at once; what another process changes, after the interval at which it looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_taken_away_in_the_middle_opens_nothing_more() {
    let house = House::open(Plan::default()).await;
    let (owner_id, owner) = house.operator(Role::Owner).await;
    let (id, session) = house.operator(Role::Manager).await;
    let sale = format!("/api/v1/admin/sales/{}", house.concert);
    let change = |token: &str| {
        let (house, sale, token) = (&house, &sale, token.to_owned());
        async move { house.http("PATCH", sale, Some(&token), "{}").await.status }
    };
    assert_eq!(change(&session).await, 200);
    let path = format!("{OPERATORS}/{id}");
    let to_viewer = json!({"role": "viewer", "was": {"role": "manager"}}).to_string();
    assert_eq!(house.http("PATCH", &path, Some(&owner), &to_viewer).await.status, 200);
    assert_eq!((change(&session).await, status(&house, &session).await), (403, 200));
    // The second of two who saw the same is told what it is now.
    let again = house.http("PATCH", &path, Some(&owner), &to_viewer).await;
    assert_eq!(again.outcome(), (409, "CHANGED_MEANWHILE".to_owned()));
    assert_eq!(again.json()["was"], json!({"name": "a manager", "role": "viewer", "disabled": false}));

    let number = id.to_string();
    operator(&house, &["role", &number, "manager"]).unwrap();
    house.advance(5);
    assert_eq!(change(&session).await, 200);
    operator(&house, &["disable", &number]).unwrap();
    house.advance(5);
    assert_eq!(change(&session).await, 401);
    let refused = operator(&house, &["disable", &owner_id.to_string()]).unwrap_err();
    assert!(refused.contains("nobody else would be an owner"), "{refused}");
    let reply =
        house.http("PATCH", &format!("{OPERATORS}/{owner_id}"), Some(&owner), r#"{"role":"door"}"#).await;
    assert_eq!(reply.outcome(), (409, "LAST_OWNER".to_owned()));
    let nobody = house.http("PATCH", &format!("{OPERATORS}/999"), Some(&owner), r#"{"role":"door"}"#).await;
    assert_eq!(nobody.outcome(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(change(&owner).await, 200);
}

/// Every call that changes something is a line with who, from where, before and after. The table has each such call there is;
/// a new one makes this fail until it is in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_tells_each_change() {
    let house = House::open(Plan::default()).await;
    let (owner_id, owner) = house.operator(Role::Owner).await;
    let (id, session) = house.operator(Role::Viewer).await;
    let sessions = house.http("GET", "/api/v1/admin/sessions", Some(&session), "").await.json();
    let viewers = sessions["sessions"][0]["session_id"].as_u64().unwrap();
    let of_viewer = format!("operator {id}");
    let by_owner = json!({"operator_id": owner_id, "name": "a owner", "role": "owner"});
    let (seats, performance) = (
        format!("/api/v1/admin/schedules/{}/seats", house.schedule()),
        format!("performance {}", house.schedule()),
    );
    let select = json!({"seats": [3, 4, 6]});
    let schedule = format!("/api/v1/admin/schedules/{}", house.schedule());
    let is = house.http("PATCH", &schedule, Some(&owner), "{}").await.json();
    let vip = is["prices"]["VIP"].clone();
    let plan = frontrow::venue::generate(20, frontrow::venue::Shape::Hall).unwrap();
    let (drafts, draft) = ("/api/v1/admin/drafts", "/api/v1/admin/drafts/1");
    let prices: BTreeMap<_, _> = frontrow::venue::suggested_prices(&plan).into_iter().collect();
    let all = json!({
        "revision": 3, "title": "A draft", "zone": "Asia/Seoul", "starts_at": ["2099-01-01T19:00"], "prices": prices
    });
    let (mut was, mut became) = (all.clone(), all.clone());
    for (field, before) in
        [("title", json!("")), ("zone", json!(null)), ("starts_at", json!([])), ("prices", json!({}))]
    {
        was[field] = before;
    }
    for side in [&mut was, &mut became] {
        side.as_object_mut().unwrap().remove("revision");
    }
    // What is asked, and what the log says of it: what, subject, was, became.
    let table = [
        (
            "admin.drafts.add",
            "POST",
            drafts.to_owned(),
            json!({}),
            json!(["draft.add", "draft 1", null, null]),
        ),
        (
            "admin.drafts.generate",
            "POST",
            format!("{draft}/generate"),
            json!({"revision": 1, "shape": "arena", "seats": 50}),
            json!(["draft.generate", "draft 1", null, {"venue": "Frontrow Arena", "seats": 50, "faults": 0}]),
        ),
        (
            "admin.drafts.plan",
            "POST",
            format!("{draft}/plan?revision=2"),
            plan.clone(),
            json!(["draft.plan", "draft 1", null, {"venue": plan["name"], "seats": 20, "faults": 0}]),
        ),
        ("admin.drafts.set", "PATCH", draft.to_owned(), all, json!(["draft.set", "draft 1", was, became])),
        (
            "admin.drafts.announce",
            "POST",
            format!("{draft}/announce"),
            json!({"revision": 4}),
            json!(["draft.announce", "draft 1", null, {"concert_id": house.concert.0 + 1, "title": "A draft"}]),
        ),
        (
            "admin.operators.add",
            "POST",
            OPERATORS.to_owned(),
            json!({"name": " Min ", "role": "manager"}),
            json!(["operator.add", format!("operator {}", id + 1), null, {"name": "Min", "role": "manager"}]),
        ),
        (
            "admin.operators.set",
            "PATCH",
            format!("{OPERATORS}/{id}"),
            json!({"role": "door", "name": "Max"}),
            json!(["operator.set", of_viewer, {"name": "a viewer", "role": "viewer"}, {"name": "Max", "role": "door"}]),
        ),
        (
            "admin.operators.link",
            "POST",
            format!("{OPERATORS}/{id}/link"),
            json!(null),
            json!(["operator.link", of_viewer, null, null]),
        ),
        (
            "admin.sessions.end",
            "DELETE",
            format!("/api/v1/admin/sessions/{viewers}"),
            json!(null),
            json!(["session.end", format!("session {viewers}"), {"name": "Max", "operator_id": id}, null]),
        ),
        (
            "admin.seats.restrict",
            "POST",
            seats.clone(),
            json!({"restrict": true, "select": select, "note": "broken"}),
            json!(["keep", performance, null, {"seats": [[3, 4], [6, 6]]}]),
        ),
        (
            "admin.seats.restrict",
            "POST",
            seats,
            json!({"restrict": false, "select": select}),
            json!(["open", performance, null, {"seats": [[3, 4], [6, 6]]}]),
        ),
        (
            "admin.schedule",
            "PATCH",
            schedule,
            json!({"prices": {"VIP": 7}}),
            json!(["price", performance, {"prices": {"VIP": vip}}, {"prices": {"VIP": 7}}]),
        ),
        (
            "admin.concert",
            "PATCH",
            format!("/api/v1/admin/concerts/{}", house.concert),
            json!({"about": {"texts": {"age": "12"}}}),
            json!(["describe", null, {"about": null}, {"about": {"texts": {"age": "12"}}}]),
        ),
    ];
    for (name, method, path, body, expected) in &table {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let before = log(&house, "").await.len();
        let reply = house.http(method, path, Some(&owner), &body).await;
        assert!(reply.status < 300, "{name}: {:?}", reply.outcome());
        let entries = log(&house, "").await;
        assert_eq!(entries.len(), before + 1, "{name}");
        let (entry, null) = (&entries[0], Value::Null);
        let told: Vec<_> = ["what", "subject", "was", "became"]
            .map(|field| entry.get(field).unwrap_or(&null).clone())
            .to_vec();
        assert_eq!(json!(told), *expected, "{name}");
        assert_eq!((&entry["who"], &entry["from"]), (&by_owner, &json!("127.0.0.1")), "{name}");
    }
    // A sale's change is told by its journal, and so is a line as well; what changes nothing is none.
    let sale = format!("/api/v1/admin/sales/{}", house.concert);
    for (patch, lines) in [(r#"{"capacity":7,"message":"Back at noon"}"#, 1), (r#"{"capacity":7}"#, 0)] {
        let before = log(&house, "").await.len();
        assert_eq!(house.http("PATCH", &sale, Some(&owner), patch).await.status, 200);
        assert_eq!(log(&house, "").await.len(), before + lines);
    }
    let of_sale = log(&house, &format!("?concert_id={}", house.concert)).await;
    let whats: Vec<_> = of_sale.iter().map(|entry| &entry["what"]).collect();
    assert_eq!(whats, ["set", "describe", "price", "open", "keep"]);
    assert_eq!(of_sale[4]["reason"], "broken");
    let told = ["what", "title", "who", "from", "was", "became"].map(|field| of_sale[0][field].clone());
    let (was, became) =
        (json!({"capacity": 100, "message": null}), json!({"capacity": 7, "message": "Back at noon"}));
    assert_eq!(json!(told), json!(["set", "A night", by_owner, "127.0.0.1", was, became]));
    let history = Command::new(env!("CARGO_BIN_EXE_frontrow"))
        .args(["history", "--sale", &house.concert.to_string(), "--data"])
        .arg(house.data())
        .args(house.database_url().iter().flat_map(|url| ["--database-url", url]))
        .output()
        .unwrap();
    let history = String::from_utf8(history.stdout).unwrap();
    assert!(history.contains("a owner (operator "), "{history}");
    // Signing in and out is told, too, by whoever does it.
    let link = house.http("POST", &format!("{OPERATORS}/{owner_id}/link"), Some(&owner), "").await.json();
    let again = house.sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!(log(&house, "?limit=1").await[0]["what"], "session.begin");
    house.http("DELETE", SESSION, Some(&again), "").await;
    assert_eq!(log(&house, "?limit=1").await[0]["what"], "session.end");
    // Pages, one after the other, have every line once.
    let all = log(&house, "?limit=200").await;
    let mut paged = Vec::new();
    let mut query = "?limit=3".to_owned();
    loop {
        let page = log(&house, &query).await;
        let Some(last) = page.last() else { break };
        query = format!("?limit=3&before={}", last["log_id"]);
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let theirs = log(&house, &format!("?operator_id={id}")).await;
    assert!(theirs.iter().all(|entry| entry["who"]["operator_id"] == id) && !theirs.is_empty());
    // Nothing that opens anything is in it.
    let text = json!(all).to_string();
    for secret in [&owner, &session, &again] {
        assert!(!text.contains(secret.trim_start_matches("fro_")));
    }
    assert!(!text.contains("#/in/"));

    // What changes something and is of operators' business is in the table above, or is told otherwise.
    let elsewhere = [
        "admin.sign_in",
        "admin.sign_out",
        "admin.sale",
        // These change nothing.
        "admin.sign_in.challenge",
        "admin.passkeys.challenge",
        // In the tests of passkeys.
        "admin.passkeys.add",
        "admin.passkeys.remove",
        // In the tests of making a concert.
        "admin.drafts.drop",
        "admin.images.add",
        // In `life`.
        "admin.schedules.postpone",
        "admin.schedules.call_off",
        "admin.concerts.call_off",
        "admin.orders.refund",
        "admin.orders.move",
        // In `box_office`.
        "admin.seats.sell",
        // In `alarms` and `webhooks`; a test changes nothing.
        "admin.alarms.see",
        "admin.alarms.end",
        "admin.webhooks.add",
        "admin.webhooks.stop",
        "admin.webhooks.rotate",
        "admin.webhooks.test",
        "admin.deliveries.resend",
        // In `rehearsal`.
        "admin.rehearsal.begin",
        "admin.rehearsal.end",
        "admin.schedules.add",
        "admin.concerts.archive",
    ];
    for call in frontrow_protocol::call::Call::ALL {
        let changes = call.verb().as_str() != "get" && call.path().starts_with("/api/v1/admin/");
        let known = table.iter().map(|row| row.0).chain(elsewhere).any(|name| name == call.name());
        assert!(!changes || known, "{} is in no row", call.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_of_an_operator_is_named_and_changes_nothing() {
    let house = House::open(Plan::default()).await;
    let owner = house.operator_token();
    let blank = "\u{200b} ";
    for (body, field) in [
        (json!({"name": "", "role": "viewer"}), "name"),
        (json!({"name": blank, "role": "viewer"}), "name"),
        (json!({"name": "a\u{7}", "role": "viewer"}), "name"),
        (json!({"name": "x".repeat(201), "role": "viewer"}), "name"),
        (json!({"name": "Min", "role": "operator"}), "role"),
        (json!({"name": "Min"}), "role"),
        (json!({"name": "Min", "role": "viewer", "password": "x"}), "password"),
    ] {
        let reply = house.http("POST", OPERATORS, Some(&owner), &body.to_string()).await;
        assert_eq!((reply.status, &reply.json()["field"]), (400, &json!(field)), "{body}");
    }
    for query in
        ["?limit=0", "?limit=201", "?limit=x", "?before=x", "?concert_id=-1", "?x=1", "?limit=1&limit=1"]
    {
        let path = format!("/api/v1/admin/log{query}");
        assert_eq!(house.http("GET", &path, Some(&owner), "").await.status, 400, "{query}");
    }
    let operators = house.http("GET", OPERATORS, Some(&owner), "").await.json();
    assert_eq!(operators["operators"], json!([]));
    // A token that is none, a huge one, and two at once.
    let (_, session) = house.operator(Role::Viewer).await;
    let mut raw = Raw::connect(house.address()).await;
    let twice = format!("authorization: Bearer {session}\r\n").repeat(2);
    raw.send(format!("GET {SESSION} HTTP/1.1\r\nhost: a\r\n{twice}\r\n")).await;
    assert!(raw.head().await.starts_with("HTTP/1.1 400 "));
    let huge = format!("fro_{}", "A".repeat(7_000));
    assert_eq!(status(&house, &huge).await, 401);
    for rubbish in ["fro_", "fro_x", &session[..46], &format!("{session}A"), &session.to_uppercase()] {
        assert_eq!(status(&house, rubbish).await, 401, "{rubbish}");
    }
    assert_eq!(status(&house, &session).await, 200);
    // A session is no fan's token.
    assert_eq!(house.http("GET", "/api/v1/balance", Some(&session), "").await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_tries_links_is_slowed_down() {
    let house = House::open(Plan::default()).await;
    let from = Ipv4Addr::new(127, 0, 0, 9);
    let attempt = || http::call_from(from, house.address(), "POST", SESSION, &[], r#"{"link":"x"}"#);
    for _ in 0..20 {
        assert_eq!(attempt().await.status, 401);
    }
    assert_eq!(attempt().await.outcome(), (429, "RATE_LIMITED".to_owned()));
    house.advance(6);
    assert_eq!(attempt().await.status, 401, "ten a minute");
    assert_eq!(attempt().await.status, 429);
    // Others are not slowed down by it.
    house.operator(Role::Viewer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_sign_in_where_their_calls_are() {
    let house = House::open(Plan {
        settings: |config| {
            config.admin_listen = Some("127.0.0.1:0".parse().unwrap());
            config.admin_base_url = Some("https://console.example".to_owned());
        },
        ..Plan::default()
    })
    .await;
    let owner = format!("Bearer {}", house.operator_token());
    let owner = [("authorization", owner.as_str())];
    let body = r#"{"name":"Min","role":"manager"}"#;
    let made = http::call(house.admin(), "POST", OPERATORS, &owner, body).await;
    let link = made.json()["link"]["url"].as_str().unwrap().to_owned();
    assert!(link.starts_with("https://console.example/console/#/in/"), "{link}");
    let body = json!({"link": link}).to_string();
    let elsewhere = http::call(house.address(), "POST", SESSION, &[], &body).await;
    assert_eq!(elsewhere.status, 404, "nothing of it is at everybody's door, and nothing is spent there");
    assert_eq!(http::call(house.admin(), "POST", SESSION, &[], &body).await.status, 201);
}
