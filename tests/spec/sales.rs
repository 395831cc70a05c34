//! What a sale says of itself: where its venue's clocks stand, how many seats one may have, what is left, and every turn
//! that its operator gives it.

use frontrow::domain::record::SaleState;
use serde_json::{Value, json};

use crate::harness::{House, Plan};

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
    // On another device, by who one is alone.
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
            let told = (&update["concert_id"], &update["state"], &update["opens_at"], &update["message"]);
            assert_eq!(told, (&json!(house.concert.0), &json!(state), &opens_at, &message), "fan {index}");
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
