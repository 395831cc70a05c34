//! Goal: before the doors open an operator sees what is not well yet, and why; what is well is green. Method: a sale that is made
//! well and then spoilt, one thing after the other.

use frontrow::config::Config;
use frontrow::domain::record::SaleState;
use frontrow_testing::simulated::Database;
use serde_json::{Value, json};

use super::harness::{House, Plan};
use super::webhooks::{Receiver, delivery, inside, webhook};

async fn look(house: &House) -> Value {
    let path = format!("/api/v1/admin/readiness?concert={}", house.concert);
    let token = house.operator_token();
    let found = house.http("GET", &path, Some(&token), "").await;
    assert_eq!(found.status, 200, "{:?}", found.outcome());
    found.json()
}

fn state<'a>(found: &'a Value, name: &str) -> &'a str {
    check(found, name)["state"].as_str().unwrap()
}

pub fn check<'a>(found: &'a Value, name: &str) -> &'a Value {
    let checks = found["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {found}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_well_is_seen_before_the_doors_open() {
    let house = House::open_with(Plan { state: SaleState::Scheduled, ..Plan::default() }, inside).await;
    let token = house.operator_token();
    let found = look(&house).await;
    // It never opens.
    assert_eq!((&found["ready"], state(&found, "opening")), (&json!(false), "bad"));
    for name in [
        "store_durable",
        "clock",
        "sale_runs",
        "servers",
        "keys",
        "rules",
        "performances",
        "plan",
        "prices",
        "alarms",
    ] {
        // The tests' own database server is loose on purpose.
        let is_loose = name == "store_durable" && house.database_url().is_some();
        assert_eq!(state(&found, name), if is_loose { "bad" } else { "good" }, "{found}");
    }
    assert_eq!(check(&found, "store_fast")["facts"]["commits"], 10);
    let rehearsal = check(&found, "rehearsal");
    assert_eq!((state(&found, "rehearsal"), &rehearsal["facts"]["played"]), ("look", &json!(false)));
    assert_eq!((state(&found, "webhooks"), &check(&found, "plan")["facts"]["seats"]), ("look", &json!(20)));
    assert_eq!(check(&found, "rules")["facts"]["rules"]["capacity"], 100);

    let sale = format!("/api/v1/admin/sales/{}", house.concert);
    let patch = async |patch: Value| {
        assert_eq!(house.http("PATCH", &sale, Some(&token), &patch.to_string()).await.status, 200);
        look(&house).await
    };
    let print = check(&found, "rules")["facts"]["print"].clone();
    let at = frontrow_protocol::Timestamp::from_millis(house.clock.utc().as_millis() + 3_600_000);
    let found = patch(json!({"opens_at": at, "capacity": 7})).await;
    assert_eq!(
        (state(&found, "opening"), &check(&found, "opening")["facts"]["opens_at"]),
        ("good", &json!(at))
    );
    assert_ne!(check(&found, "rules")["facts"]["print"], print);
    assert_eq!(state(&patch(json!({"state": "PAUSED"})).await, "opening"), "look");
    assert_eq!(state(&patch(json!({"state": "OPEN"})).await, "opening"), "good");

    // A webhook that does not answer is bad, and one that took a message good.
    let mut receiver = Receiver::open(&house.clock).await;
    *receiver.status.lock() = Some(500);
    let (id, _) = webhook(&house, &receiver.url).await;
    assert_eq!(state(&look(&house).await, "webhooks"), "look");
    let test = format!("/api/v1/admin/webhooks/{id}/test");
    for (status, expected) in [(500, "bad"), (204, "good")] {
        // What is sent in the same moment has no order.
        house.advance(1);
        *receiver.status.lock() = Some(status);
        assert_eq!(house.http("POST", &test, Some(&token), "{}").await.status, 202);
        receiver.next_test().await;
        delivery(&house, id, |of| of.answer.as_deref() == Some(&status.to_string())).await;
        assert_eq!(state(&look(&house).await, "webhooks"), expected);
    }

    // Nothing is left to be sold when the performance was called off.
    let off = format!("/api/v1/admin/schedules/{}/call_off", house.schedule());
    let body = json!({"reason": "rain", "confirm": "CALL OFF"}).to_string();
    assert_eq!(house.http("POST", &off, Some(&token), &body).await.status, 200);
    let found = look(&house).await;
    assert_eq!((&found["ready"], state(&found, "performances")), (&json!(false), "bad"));

    for (query, outcome) in [
        ("", (400, "INVALID_PARAMS")),
        ("?concert=x", (400, "INVALID_PARAMS")),
        ("?concert=999", (404, "CONCERT_NOT_FOUND")),
        ("?sale=1", (400, "INVALID_PARAMS")),
    ] {
        let path = format!("/api/v1/admin/readiness{query}");
        let refused = house.http("GET", &path, Some(&token), "").await;
        assert_eq!(refused.outcome(), (outcome.0, outcome.1.to_owned()), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hangs_is_bad_and_keeps_nobody_waiting() {
    let database = Database::new(1);
    let store = database.connect();
    let house = House::open_over(Plan::default(), |_: &mut Config| {}, Some(store.handle())).await;
    assert_eq!(state(&look(&house).await, "sale_runs"), "good");
    let (mut fan, _) = house.joined(0).await;
    store.stand_still(true);
    fan.send("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await;
    let found = house.turning("the list", look(&house)).await;
    assert_eq!((&found["ready"], state(&found, "sale_runs")), (&json!(false), "bad"));
    store.stand_still(false);
}
