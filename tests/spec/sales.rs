//! The facts that a sale publishes about itself: where its venue's clocks stand, how many seats one may have, what is left, and
//! every turn that its operator gives it.

use std::process::Command;
use std::time::Duration;

use frontrow::domain::ids::{ReservationId, SeatId};
use frontrow::domain::record::SaleState;
use frontrow::domain::rules::OwnRules;
use frontrow::domain::time::Timestamp;
use frontrow::store::{self, SeatStatus, WriterId};
use frontrow::venue::{self, Shape};
use serde_json::{Value, json};

use crate::harness::{House, Plan, in_time};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_performance_names_its_zone_its_limit_and_what_is_left() {
    let house = House::open(Plan::default()).await;
    let (mut fan, _) = house.joined(1_000_000).await;
    let of_venue = |of: &Value| (of["time_zone"].clone(), of["seats_per_reservation_max"].clone());
    let (zone, limit) = (json!("Asia/Seoul"), json!(4));
    let concerts = fan.ok("concerts", json!({})).await;
    assert_eq!(of_venue(&concerts["concerts"][0]), (zone.clone(), limit.clone()));

    let schedules = fan.ok("schedules", json!({})).await;
    let schedule = &schedules["schedules"][0];
    assert_eq!(of_venue(schedule), (zone.clone(), limit));
    let left = schedule["left"].as_object().unwrap().clone();
    assert!(left.keys().eq(schedule["prices"].as_object().unwrap().keys()));
    let sum = |left: &serde_json::Map<String, Value>| left.values().map(|n| n.as_u64().unwrap()).sum::<u64>();
    assert_eq!(Some(sum(&left)), schedule["available"].as_u64());

    // A seat that is held is not left in its category; given back, it is.
    let held = fan.ok("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await;
    let category = held["seats"][0]["category"].as_str().unwrap();
    let after = fan.ok("schedules", json!({})).await["schedules"][0].clone();
    assert_eq!(after["left"][category].as_u64(), left[category].as_u64().map(|left| left - 1));
    assert_eq!(Some(sum(after["left"].as_object().unwrap())), after["available"].as_u64());
    let paid = fan.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    assert!(paid["tickets"][0].get("time_zone").is_none(), "who pays knows it");
    let tickets = fan.ok("tickets", json!({})).await;
    assert_eq!(tickets["tickets"][0]["time_zone"], zone);
    let path = format!("/api/v1/schedules/{}/layout", house.schedule());
    assert_eq!(house.http("GET", &path, None, "").await.json()["time_zone"], zone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_is_admitted_or_watches_hears_of_every_turn() {
    let house = House::open(Plan { capacity: 2, ..Plan::default() }).await;
    let (mut watcher, _) = house.joined(1_000_000).await;
    watcher.ok("seats.watch", json!({"schedule_id": house.schedule()})).await;
    let held = watcher.ok("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await;
    watcher.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    let (admitted, place) = house.joined(0).await;
    assert_eq!(place["status"], "PROGRESS");
    house.joined(0).await;
    let (waiting, place) = house.joined(0).await;
    assert_eq!(place["status"], "WAITING");

    let operator = house.operator_token();
    let path = format!("/api/v1/admin/sales/{}", house.concert.0);
    // The fan comes on another device, by access token alone.
    let mut phone = house.connection_of_token(&waiting.access_token).await;
    assert_eq!(phone.status("WAITING").await["token"], place["token"]);
    let mut fans = [watcher, admitted, waiting, phone];
    for (patch, state, opens_at, message) in [
        (json!({"message": "Doors at six."}), "OPEN", Value::Null, json!("Doors at six.")),
        (json!({"state": "PAUSED"}), "PAUSED", Value::Null, json!("Doors at six.")),
        (
            json!({"state": "SCHEDULED", "opens_at": "2027-01-20T10:00:00.000Z", "message": null}),
            "SCHEDULED",
            json!("2027-01-20T10:00:00.000Z"),
            Value::Null,
        ),
        // The opening alone is moved.
        (
            json!({"opens_at": "2027-01-20T11:30:00.000Z"}),
            "SCHEDULED",
            json!("2027-01-20T11:30:00.000Z"),
            Value::Null,
        ),
        (json!({"state": "CLOSED"}), "CLOSED", json!("2027-01-20T11:30:00.000Z"), Value::Null),
    ] {
        let changed = house.http("PATCH", &path, Some(&operator), &patch.to_string()).await;
        assert_eq!(changed.status, 200, "{patch}");
        for (index, fan) in fans.iter_mut().enumerate() {
            let update = fan.pushed("sale.update").await;
            let seen = (&update["concert_id"], &update["state"], &update["opens_at"], &update["message"]);
            assert_eq!(seen, (&json!(house.concert.0), &json!(state), &opens_at, &message), "fan {index}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_nobody_sees_is_not_pushed() {
    let house = House::open(Plan { state: SaleState::Open, ..Plan::default() }).await;
    let (mut fan, _) = house.joined(0).await;
    let operator = house.operator_token();
    let path = format!("/api/v1/admin/sales/{}", house.concert.0);
    for patch in [r#"{"capacity": 7}"#, r#"{"state": "PAUSED"}"#] {
        assert_eq!(house.http("PATCH", &path, Some(&operator), patch).await.status, 200);
    }
    assert_eq!(fan.pushed("sale.update").await["state"], "PAUSED");
}

/// The program with these arguments: did it succeed, and what it said.
async fn frontrow(arguments: Vec<String>) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
    command.args(arguments);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = in_time("the command's end", ended).await.unwrap();
    let said = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_sets_the_rules_of_a_sale_and_takes_them_back() {
    let house = House::open(Plan::default()).await;
    let (url, token) = (format!("http://{}", house.address()), house.operator_token());
    let set = async |rules: &str| {
        let words = format!("sale set {} {rules} --server {url} --token {token}", house.concert);
        frontrow(words.split(' ').map(str::to_owned).collect()).await
    };
    let own = |said: &str| serde_json::from_str::<Value>(said).unwrap()["settings_own"].clone();
    let (done, said) = set("hold_ttl=3m seats_per_reservation_max=2").await;
    assert!(done, "{said}");
    assert_eq!(own(&said), json!({"capacity": 100, "hold_ttl": "3m", "seats_per_reservation_max": 2}));
    let (done, said) = set("hold_ttl=default").await;
    assert!(done, "{said}");
    assert_eq!(own(&said), json!({"capacity": 100, "seats_per_reservation_max": 2}));
    for (rules, word) in [
        ("lucky=7", "`lucky`"),
        ("hold_ttl=7", "`hold_ttl`"),
        ("capacity", "NAME=VALUE"),
        ("state=OPEN", "`state` is not a rule"),
        ("capacity=1 capacity=2", "twice"),
    ] {
        let (done, said) = set(rules).await;
        assert!(!done && said.contains(word), "{rules}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_is_imported_with_its_rules() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, data) = (folder.path().join("plan.json"), folder.path().join("data"));
    let hall = venue::generate(20, Shape::Hall).unwrap();
    std::fs::write(&plan, hall.to_string()).unwrap();
    let prices = venue::suggested_prices(&hall);
    let import = async |rules: &[&str]| {
        let (plan, data) = (plan.to_str().unwrap(), data.to_str().unwrap());
        let fixed = ["import", plan, "--title", "t", "--starts-at", "2099-01-01T00:00:00Z", "--data", data];
        let prices = prices.iter().flat_map(|(name, price)| ["--price".into(), format!("{name}={price}")]);
        let rules = rules.iter().flat_map(|rule| ["--rule".to_owned(), (*rule).to_owned()]);
        frontrow(fixed.map(str::to_owned).into_iter().chain(prices).chain(rules).collect()).await
    };
    let (done, said) = import(&["lucky=7"]).await;
    assert!(!done && said.contains("`lucky`"), "{said}");
    let (done, said) = import(&["hold_ttl=3m", "capacity=5"]).await;
    assert!(done, "{said}");
    let store = store::open(None, &data).await.unwrap();
    let [concert] = store.concerts().await.unwrap()[..] else { panic!("one concert") };
    let now = Timestamp::from_millis(0);
    let writer = WriterId(store::random_id());
    store.claim(concert, writer, now, None).await.unwrap();
    let rules = store.load_sale(concert, now).await.unwrap().settings.own;
    let hold_ttl = Some(Duration::from_secs(180));
    assert_eq!(rules, OwnRules { capacity: Some(5), hold_ttl, ..OwnRules::default() });
}

/// Goal: an import that runs twice, in a script or by two people, makes no concert that is sold twice. Method: the program itself,
/// twice at the same moment, and once more with the word for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_import_of_the_same_is_refused_unless_it_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, data) = (folder.path().join("plan.json"), folder.path().join("data"));
    let mut hall = venue::generate(20, Shape::Hall).unwrap();
    hall["zones"][0]["rows"][0]["seats"][1]["status"] = json!("blocked");
    std::fs::write(&plan, hall.to_string()).unwrap();
    let prices = venue::suggested_prices(&hall);
    let import = async |start: &str, more: &[&str]| {
        let (plan, data) = (plan.to_str().unwrap(), data.to_str().unwrap());
        let fixed = ["import", plan, "--title", "t", "--starts-at", start, "--data", data];
        let prices = prices.iter().flat_map(|(name, price)| ["--price".into(), format!("{name}={price}")]);
        let more = more.iter().map(|word| (*word).to_owned());
        frontrow(fixed.map(str::to_owned).into_iter().chain(prices).chain(more).collect()).await
    };
    let (monday, tuesday) = ("2099-01-01T19:00:00Z", "2099-01-02T19:00:00Z");
    let (done, said) = import(tuesday, &[]).await;
    assert!(done && said.contains("the seat is kept from sale"), "{said}");
    let (one, other) = tokio::join!(import(monday, &[]), import(monday, &[]));
    let (((true, _), (false, said)) | ((false, said), (true, _))) = (&one, &other) else {
        panic!("one of them: {one:?} {other:?}")
    };
    assert!(said.contains("this is concert 2 already") && said.contains("--again"), "{said}");
    let (done, said) = import(monday, &["--starts-at", "2099-01-03T19:00:00Z"]).await;
    assert!(!done && said.contains("this is concert 2 already"), "one start in common is enough: {said}");
    let (done, said) = import(monday, &["--again"]).await;
    assert!(done, "{said}");

    let store = store::open(None, &data).await.unwrap();
    let concerts = store.concerts().await.unwrap();
    assert_eq!(concerts.len(), 3);
    for concert in concerts {
        let now = Timestamp::from_millis(0);
        store.claim(concert, WriterId(store::random_id()), now, None).await.unwrap();
        let taken = store.load_sale(concert, now).await.unwrap().schedules.remove(0).taken;
        assert_eq!(taken, [(SeatId(1), SeatStatus::Reserved, ReservationId::house(concert))]);
    }
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_operators_who_change_the_same_the_second_is_told_what_it_is() {
    let house = House::open(Plan::default()).await;
    let path = format!("/api/v1/admin/sales/{}", house.concert.0);
    let operator = house.operator_token();
    let change = async |body: Value| house.http("PATCH", &path, Some(&operator), &body.to_string()).await;
    let (first, second) = tokio::join!(
        change(json!({"hold_ttl": "2m", "was": {"hold_ttl": null}})),
        change(json!({"hold_ttl": "3m", "was": {"hold_ttl": null}})),
    );
    let (won, lost) = if first.status == 200 { (first, second) } else { (second, first) };
    assert_eq!((won.status, lost.outcome()), (200, (409, "CHANGED_MEANWHILE".to_owned())));
    let is = won.json()["settings_own"]["hold_ttl"].clone();
    let told = lost.json();
    assert_eq!(told["was"]["hold_ttl"], is);
    assert_eq!((&told["was"]["state"], &told["was"]["idle_ttl"]), (&json!("OPEN"), &Value::Null));
    assert!(told["at"].is_string() && told["by"].is_object(), "{told}");

    // Whoever has seen it by now may change it; what they did not look at may be as it likes.
    assert_eq!(change(json!({"state": "PAUSED", "was": {"hold_ttl": is}})).await.status, 200);
    let later = change(json!({"state": "CLOSED", "was": {"state": "OPEN"}})).await;
    assert_eq!(
        (later.outcome().1, later.json()["was"]["state"].clone()),
        ("CHANGED_MEANWHILE".to_owned(), json!("PAUSED"))
    );
    let nested = change(json!({"state": "CLOSED", "was": {"was": {"state": "OPEN"}}})).await;
    assert_eq!(nested.outcome(), (400, "INVALID_PARAMS".to_owned()));
}
