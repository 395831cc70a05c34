//! Goal: when nobody moves who could, it is noticed with nobody looking on, within seconds, and told; once, also over restarts.
//! Method: faults of the test's own making, a clock turned by hand, and a webhook.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use frontrow::domain::time::Timestamp;
use frontrow::store::alarms::{Message, NewAlarm};
use frontrow::store::sqlite::FILE_NAME;
use frontrow::store::{Store, WriterId, random_id};
use frontrow_protocol::{Role, Timestamp as WireTime};
use serde_json::{Value, json};
use sqlx::mysql::MySqlConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::harness::{House, Plan, in_time};
use super::webhooks::{Receiver, inside, webhook};

const PATH: &str = "/api/v1/admin/alarms";

/// Another program that keeps what the lanes write, so that nothing is decided any more: of the embedded database all, of
/// another one the journal.
enum Fault {
    Sqlite(SqliteConnection),
    MySql(MySqlConnection),
}

impl Fault {
    async fn begin(house: &House) -> Self {
        match house.database_url() {
            None => {
                let file = house.data().join(FILE_NAME);
                let mut link = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut link).await.unwrap();
                Self::Sqlite(link)
            }
            Some(url) => {
                let mut link = MySqlConnection::connect(url).await.unwrap();
                sqlx::raw_sql("LOCK TABLES journal WRITE").execute(&mut link).await.unwrap();
                Self::MySql(link)
            }
        }
    }

    async fn end(self) {
        match self {
            Self::Sqlite(link) => link.close().await.unwrap(),
            Self::MySql(link) => link.close().await.unwrap(),
        }
    }
}

/// The answer once it is so.
async fn alarms(house: &House, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let token = house.operator_token();
    let looking = async {
        loop {
            let found = house.http("GET", PATH, Some(&token), "").await;
            if found.status == 200 && is_so(&found.json()) {
                return found.json();
            }
            // Each look is a connection: there are not so many.
            for _ in 0..5 {
                house.step().await;
            }
        }
    };
    in_time(what, looking).await
}

fn find<'a>(list: &'a Value, kind: &str) -> Option<&'a Value> {
    list.as_array().unwrap().iter().find(|alarm| alarm["kind"] == kind)
}

fn millis(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<WireTime>().unwrap().as_millis()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_moves_although_fans_wait_and_places_are_free() {
    let house = House::open_with(Plan { capacity: 1, ..Plan::default() }, inside).await;
    let mut receiver = Receiver::open(&house.clock).await;
    let (_, secret) = webhook(&house, &receiver.url).await;
    let (mut ada, _) = house.joined(0).await;
    let (mut bob, place) = house.joined(0).await;
    assert_eq!(place["status"], "WAITING");
    // For a while all is well.
    house
        .stepping("some rounds", house.clock.sleep_until(house.clock.steady() + Duration::from_secs(20)))
        .await;
    let well = alarms(&house, "a list on which all is well", |found| found["open"] == json!([])).await;
    assert!(find(&well["past"], "no_movement").is_none(), "{well}");

    let fault = Fault::begin(&house).await;
    let (began, began_utc) = (house.clock.steady(), house.clock.utc());
    // Her place is free now, and nobody gets it.
    ada.send("queue.leave", json!({})).await;
    let both =
        |found: &Value| ["no_movement", "lane_out"].iter().all(|kind| find(&found["open"], kind).is_some());
    let found = alarms(&house, "both alarms", both).await;
    let alarm = find(&found["open"], "no_movement").unwrap();
    assert_eq!(
        (&alarm["subject"], &alarm["concert_id"], &alarm["ended_at"]),
        (&json!(format!("sale {}", house.concert)), &json!(house.concert.0), &json!(null))
    );
    assert_eq!((&alarm["facts"]["waiting"], &alarm["facts"]["answers"]), (&json!(1), &json!(false)));
    let raised_after = millis(&alarm["raised_at"]) - began_utc.as_millis();
    // After how many rounds it is raised is the rules' own test. Here the clock is turned while a lane and a disk do their work, and
    // on a busy machine it has turned far by the time they have.
    assert!(raised_after <= 60_000, "raised after {raised_after} ms");
    // It is told although the embedded database takes no row of it.
    let told = loop {
        let told = receiver.next_of(&house, "alarm.raised").await;
        if told.json()["data"]["kind"] == "no_movement" {
            break told;
        }
    };
    assert!(told.is_signed_by(&secret));
    assert!(told.at.since(began) <= Duration::from_secs(60), "told after {:?}", told.at.since(began));
    let data = &told.json()["data"];
    assert_eq!((&data["facts"], &data["raised_at"]), (&alarm["facts"], &alarm["raised_at"]));

    fault.end().await;
    house.stepping("bob's turn", bob.status("PROGRESS")).await;
    let over = |found: &Value| found["open"] == json!([]) && find(&found["past"], "no_movement").is_some();
    let found = alarms(&house, "the end", over).await;
    let rows = found["past"].as_array().unwrap().iter().filter(|alarm| alarm["kind"] == "no_movement");
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows.len(), 1, "{found}");
    assert_eq!((&rows[0]["raised_at"], &rows[0]["facts"]), (&alarm["raised_at"], &alarm["facts"]));
    assert!(rows[0]["alarm_id"].is_u64() && millis(&rows[0]["ended_at"]) > millis(&alarm["raised_at"]));
    // Whatever was sent twice has the same id.
    let (mut ids, mut ended) = (BTreeSet::from([told.id().to_owned()]), false);
    while !ended {
        let next = receiver.next(&house).await;
        if next.json()["data"]["kind"] == "no_movement" {
            ended = next.json()["type"] == "alarm.ended";
            ids.insert(next.id().to_owned());
        }
    }
    assert_eq!(ids.len(), 2, "raised once, and ended once");
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_of_before_goes_on_until_it_is_right() {
    let mut house = House::open_with(Plan::default(), inside).await;
    let mut receiver = Receiver::open(&house.clock).await;
    webhook(&house, &receiver.url).await;
    let server = house.context().alarms.server().to_owned();
    house.stop().await;
    let raise = async |house: &House, kind: &str, subject: &str| {
        let store = house.open_store().await;
        let at = house.clock.utc();
        let (kind, subject, facts) = (kind.to_owned(), subject.to_owned(), r#"{"sales":1}"#.to_owned());
        let message = Message { id: random_id(), kind: "alarm.raised".into(), body: "{}".into(), at };
        let alarms = store.alarms().expect("this store keeps alarms");
        assert!(alarms.raise_alarm(&NewAlarm { kind, subject, at, facts }, &message).await.unwrap());
    };
    raise(&house, "lane_out", &format!("lane 0 of {server}")).await;
    raise(&house, "no_movement", &format!("sale {}", house.concert)).await;
    raise(&house, "answers_late", "sale 999").await;
    raise(&house, "disk_low", "server of.another:1").await;
    raise(&house, "audit", "database").await;
    is_there(&*house.open_store().await, house.clock.utc(), "of.another:1").await;
    house.start().await;
    let lane = format!("lane 0 of {server}");
    let is_over = |found: &Value, subject: &str| {
        found["past"].as_array().unwrap().iter().any(|alarm| alarm["subject"] == subject)
    };
    let sale = format!("sale {}", house.concert);
    let found = alarms(&house, "the end", |found| {
        [lane.as_str(), sale.as_str(), "sale 999"].iter().all(|subject| is_over(found, subject))
    })
    .await;
    // Those that nobody here judges stay.
    assert!(find(&found["open"], "disk_low").is_some() && find(&found["open"], "audit").is_some());
    let ended = receiver.next_of(&house, "alarm.ended").await.json();
    assert_eq!(ended["data"]["facts"], json!({"sales": 1}), "{ended}");
    assert!(millis(&ended["data"]["raised_at"]) < millis(&ended["data"]["ended_at"]));
}

/// Another server of this name says that it is there, for the last time.
async fn is_there(store: &dyn Store, now: Timestamp, server: &str) {
    let duties = store.duties().expect("this store has duties");
    let (name, lasts) = (format!("server {server}"), Duration::from_secs(2 * 60));
    assert!(duties.take_duty(&name, WriterId(random_id()), now, lasts).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alarms_of_a_server_that_is_gone_are_ended_and_those_of_others_stay() {
    let mut house = House::open_with(Plan::default(), inside).await;
    let mut receiver = Receiver::open(&house.clock).await;
    webhook(&house, &receiver.url).await;
    house.stop().await;
    let store = house.open_store().await;
    is_there(&*store, house.clock.utc(), "of.another:1").await;
    for (kind, subject) in [
        ("disk_low", "server of.another:1"),
        ("lane_out", "lane 3 of of.another:1"),
        ("disk_low", "server never.seen:1"),
    ] {
        let at = house.clock.utc();
        let (kind, subject, facts) = (kind.to_owned(), subject.to_owned(), "{}".to_owned());
        let message = Message { id: random_id(), kind: "alarm.raised".into(), body: "{}".into(), at };
        let alarms = store.alarms().expect("this store keeps alarms");
        assert!(alarms.raise_alarm(&NewAlarm { kind, subject, at, facts }, &message).await.unwrap());
    }
    drop(store);
    house.start().await;
    let began = house.clock.utc().as_millis();
    // On a slow machine there may be others as well.
    let of_others = |list: &Value| {
        let subjects = list.as_array().unwrap().iter().map(|alarm| alarm["subject"].as_str().unwrap());
        let of_others = subjects.filter(|subject| subject.contains("another") || subject.contains("never"));
        of_others.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    // Of one that nobody has heard of nobody would end it.
    let unheard = "server never.seen:1";
    let is_over = |found: &Value| {
        of_others(&found["past"]).contains(unheard) && !of_others(&found["open"]).contains(unheard)
    };
    let found = alarms(&house, "the end of one", is_over).await;
    let both = ["server of.another:1", "lane 3 of of.another:1"].map(str::to_owned);
    assert_eq!(of_others(&found["open"]), BTreeSet::from(both));
    let found = alarms(&house, "the end of both", |found| of_others(&found["open"]).is_empty()).await;
    for alarm in found["past"].as_array().unwrap() {
        let after = millis(&alarm["ended_at"]) - began;
        let is_gone = alarm["subject"].as_str().unwrap().ends_with("of.another:1");
        assert!(!is_gone || after >= 110_000, "{alarm} was ended after {after} ms");
    }
    let mut told = BTreeSet::new();
    while !told.is_superset(&of_others(&found["past"])) {
        let ended = receiver.next_of(&house, "alarm.ended").await.json();
        told.insert(ended["data"]["subject"].as_str().unwrap().to_owned());
    }
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_ends_an_alarm_and_what_is_still_wrong_is_raised_anew() {
    let house = House::open_with(Plan::default(), inside).await;
    let mut receiver = Receiver::open(&house.clock).await;
    let (_, manager) = house.operator(Role::Manager).await;
    webhook(&house, &receiver.url).await;
    let end =
        async |token: &str, id: u64| house.http("POST", &format!("{PATH}/{id}/end"), Some(token), "{}").await;
    // One that nobody judges here: the audit's.
    let store = house.store().alarms().expect("this store keeps alarms");
    let at = house.clock.utc();
    let (kind, subject, facts) = ("audit".to_owned(), "database".to_owned(), "{}".to_owned());
    let message = Message { id: random_id(), kind: "alarm.raised".into(), body: "{}".into(), at };
    assert!(store.raise_alarm(&NewAlarm { kind, subject, at, facts }, &message).await.unwrap());
    let found = alarms(&house, "the alarm", |found| find(&found["open"], "audit").is_some()).await;
    let id = find(&found["open"], "audit").unwrap()["alarm_id"].as_u64().unwrap();
    let (_, clerk) = house.operator(Role::BoxOffice).await;
    assert_eq!(end(&clerk, id).await.status, 403);
    assert_eq!(end(&manager, 999).await.outcome(), (404, "NOT_FOUND".into()));
    let ended = end(&manager, id).await;
    assert_eq!(ended.status, 200, "{:?}", ended.outcome());
    let over = ended.json();
    assert!(over["ended_at"].is_string(), "{over}");
    // Again: it is as it was, and nobody is told a second time.
    assert_eq!(end(&manager, id).await.json(), over);
    alarms(&house, "the end", |found| find(&found["open"], "audit").is_none()).await;
    let told = receiver.next_of(&house, "alarm.ended").await.json();
    assert_eq!((&told["data"]["kind"], &told["data"]["ended_at"]), (&json!("audit"), &over["ended_at"]));
    let log = house.http("GET", "/api/v1/admin/log", Some(&manager), "").await.json();
    let lines = log["entries"].as_array().unwrap().iter().filter(|entry| entry["what"] == "alarm.end");
    let lines: Vec<_> = lines.collect();
    assert_eq!((lines.len(), &lines[0]["subject"]), (1, &json!("audit, database")));

    // The same from a shell.
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
        command.arg("alarms").args(arguments).arg("--data").arg(house.data());
        command.args(["--server", &format!("http://{}", house.address()), "--token", &manager]);
        let output = in_time("the command", tokio::task::spawn_blocking(move || command.output())).await;
        serde_json::from_slice::<Value>(&output.unwrap().unwrap().stdout).ok()
    };
    let listed = run(&["list", "--limit", "5"]).await.unwrap();
    assert!(listed["past"].as_array().unwrap().contains(&over), "{listed}");
    assert_eq!(run(&["end", &id.to_string()]).await, Some(over));
    let seen = run(&["seen", &id.to_string()]).await.unwrap();
    assert!(seen["seen_by"]["operator_id"].is_u64(), "{seen}");
    assert_eq!(run(&["end", "999"]).await, None);

    // One that is judged here, and is still wrong: for ten minutes it is told.
    house.context().metrics.sweep_differences.inc();
    let differences =
        |found: &Value| find(&found["open"], "differences").and_then(|of| of["alarm_id"].as_u64());
    let found = alarms(&house, "the alarm", |found| differences(found).is_some()).await;
    let first = differences(&found);
    assert_eq!(end(&manager, first.expect("the store takes it")).await.status, 200);
    let found = alarms(&house, "another one", |found| differences(found) > first).await;
    let past = found["past"].as_array().unwrap();
    assert!(past.iter().any(|of| of["alarm_id"].as_u64() == first), "{found}");
    let times = |kind| past.iter().filter(|of| of["kind"] == kind).count();
    assert_eq!((times("audit"), times("differences")), (1, 1), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_is_seen_live_and_by_whom() {
    let house = House::open(Plan::default()).await;
    let (_, viewer) = house.operator(Role::Viewer).await;
    let watch = async |params: Value| {
        let mut console = house.stranger().await;
        console.ok("hello", json!({"access_token": viewer})).await;
        let state = console.ok("ops.watch", params).await;
        assert_eq!(state["alarms"], json!([]));
        console
    };
    let mut all = watch(json!({})).await;
    let mut one = watch(json!({"concert_id": house.concert.0})).await;
    let store = house.store().alarms().expect("this store keeps alarms");
    let raise = async |kind: &str, subject: &str| {
        let at = house.clock.utc();
        let (kind, subject, facts) = (kind.to_owned(), subject.to_owned(), "{}".to_owned());
        let message = Message { id: random_id(), kind: "alarm.raised".into(), body: "{}".into(), at };
        assert!(store.raise_alarm(&NewAlarm { kind, subject, at, facts }, &message).await.unwrap());
    };
    // Another server's, which is there, and one about this sale that the next look does not end at once.
    is_there(&**house.store(), house.clock.utc(), "of.another:1").await;
    raise("disk_low", "server of.another:1").await;
    raise("answers_late", &format!("sale {}", house.concert)).await;
    let told = async |console: &mut super::harness::Fan, count: usize| {
        let reading = async {
            loop {
                let update = console.pushed("ops.update").await;
                if let Some(alarms) = update["alarms"].as_array().filter(|alarms| alarms.len() == count) {
                    return alarms.clone();
                }
            }
        };
        house.stepping("the alarms", reading).await
    };
    let both = told(&mut all, 2).await;
    let about = told(&mut one, 1).await;
    assert_eq!(about[0]["kind"], "answers_late");
    let id = both.iter().find(|alarm| alarm["kind"] == "disk_low").unwrap()["alarm_id"].as_u64().unwrap();
    let metrics = house.http("GET", "/metrics", None, "").await;
    let metrics = String::from_utf8(metrics.bytes.to_vec()).unwrap();
    assert!(metrics.contains("frontrow_alarms_open{kind=\"disk_low\"} 1"), "{metrics}");

    let path = format!("{PATH}/{id}/seen");
    let (operator, session) = house.operator(Role::BoxOffice).await;
    assert_eq!(house.http("POST", &path, Some(&viewer), "{}").await.status, 403);
    let seen = house.http("POST", &path, Some(&session), "{}").await;
    assert_eq!((seen.status, &seen.json()["seen_by"]["operator_id"]), (200, &json!(operator)));
    let again = house.http("POST", &path, Some(&house.operator_token()), "{}").await;
    assert_eq!(again.json()["seen_by"]["operator_id"], json!(operator), "who saw it first stays");
    let log = house.http("GET", "/api/v1/admin/log", Some(&house.operator_token()), "").await.json();
    assert!(log["entries"].as_array().unwrap().iter().any(|entry| entry["what"] == "alarm.see"), "{log}");
    let unknown = house.http("POST", &format!("{PATH}/999/seen"), Some(&session), "{}").await;
    assert_eq!(unknown.outcome(), (404, "NOT_FOUND".into()));
    let found = alarms(&house, "the rows", |found| {
        find(&found["open"], "disk_low").is_some_and(|alarm| alarm["seen_by"]["operator_id"] == operator)
    })
    .await;
    assert_eq!(found["next"], json!(null));
    for query in ["?limit=0", "?limit=201", "?before=x", "?after=1"] {
        let refused = house.http("GET", &format!("{PATH}{query}"), Some(&viewer), "").await;
        assert_eq!(refused.outcome(), (400, "INVALID_PARAMS".into()), "{query}");
    }
}
