//! The wallet: what is missing is said by the server, a charge for a reservation happens once, every session of the user
//! is notified of its balance, and nobody pays for what has begun.

use serde_json::{Value, json};

use crate::harness::{Fan, House, Plan};

const DAY: u64 = 24 * 60 * 60;

async fn two_devices(house: &House, balance: i64) -> (Fan, Fan) {
    let (phone, _) = house.joined(balance).await;
    let laptop = house.connection_of_token(&phone.access_token).await;
    (phone, laptop)
}

fn wallet(of: &Value) -> (Option<i64>, Option<&str>) {
    (of["balance"].as_i64(), of["currency"].as_str())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_session_of_the_user_hears_what_the_wallet_has() {
    let house = House::open(Plan::default()).await;
    let (mut phone, mut laptop) = two_devices(&house, 0).await;
    let charge = json!({"amount": 1_000_000, "request_id": "a"});
    let charged = phone.ok("charge", charge.clone()).await;
    assert_eq!(wallet(&charged), (Some(1_000_000), Some("KRW")));
    assert_eq!(wallet(&laptop.pushed("balance.update").await), (Some(1_000_000), Some("KRW")));

    // The same charge again changes nothing, so nobody is notified; the payment is notified next.
    assert_eq!(phone.ok("charge", charge).await, charged);
    let held = phone.ok("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await;
    let paid = phone.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    let left = paid["balance"].as_i64();
    assert_eq!(wallet(&laptop.pushed("balance.update").await), (left, Some("KRW")));

    let cancelled = laptop.ok("cancel", json!({"reservation_id": held["reservation_id"]})).await;
    assert_eq!(cancelled["balance"], 1_000_000);
    assert_eq!(wallet(&phone.pushed("balance.update").await), (Some(1_000_000), Some("KRW")));

    // Both are notified of a charge over HTTP.
    let token = phone.access_token.clone();
    let body = r#"{"amount": 5, "request_id": "b"}"#;
    let reply = house.http("POST", "/api/v1/balance/charges", Some(&token), body).await;
    assert_eq!(wallet(&reply.json()), (Some(1_000_005), Some("KRW")));
    for device in [&mut phone, &mut laptop] {
        assert_eq!(wallet(&device.pushed("balance.update").await), (Some(1_000_005), Some("KRW")));
    }
    let history = phone.ok("history", json!({})).await;
    assert_eq!(
        (history["currency"].as_str(), history["entries"].as_array().unwrap().len()),
        (Some("KRW"), 4)
    );
    assert_eq!(wallet(&phone.ok("balance", json!({})).await), (Some(1_000_005), Some("KRW")));
    house.audit().await;
}

/// Goal: the server is asked first, and what is missing is charged once, however many pages do it. Method: two devices
/// on the same checkout.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_is_said_and_charged_once_for_a_reservation() {
    let house = House::open(Plan::default()).await;
    let (mut phone, mut laptop) = two_devices(&house, 1_000).await;
    let held = phone.ok("hold", json!({"schedule_id": house.schedule(), "seats": [0, 1]})).await;
    let (id, amount) =
        (held["reservation_id"].as_str().unwrap().to_owned(), held["amount"].as_i64().unwrap());
    let pay = json!({"reservation_id": id});
    for device in [&mut phone, &mut laptop] {
        let refused = device.call("pay", pay.clone()).await.unwrap_err();
        assert_eq!(refused.reason, "INSUFFICIENT_BALANCE");
        let data = |name: &str| refused.data[name].as_i64();
        let said = (data("balance"), data("required"), data("missing"));
        assert_eq!(said, (Some(1_000), Some(amount), Some(amount - 1_000)));
    }
    let charge = json!({"amount": amount - 1_000, "request_id": format!("pay {id}")});
    let first = phone.ok("charge", charge.clone()).await;
    let second = laptop.ok("charge", charge).await;
    assert_eq!((&first, wallet(&first).0), (&second, Some(amount)));
    assert_eq!(phone.ok("pay", pay).await["balance"], 0);
    house.audit().await;
}

/// Goal: nobody pays for what has been missed, and the refusal comes at once. Method: the clock is turned to the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_start_of_a_performance_ends_what_is_held_and_takes_no_money() {
    let house = House::open(Plan { schedules: 2, ..Plan::default() }).await;
    house.advance(30 * DAY - 100);
    let (mut fan, _) = house.joined(1_000_000).await;
    let schedules = fan.ok("schedules", json!({})).await;
    let starts_at = schedules["schedules"][0]["starts_at"].clone();
    let held = fan.ok("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await;
    assert_eq!(held["expires_at"], starts_at, "the countdown ends at the start");
    house.advance_with(99, &mut [&mut fan]).await;
    assert_eq!(fan.ok("balance", json!({})).await["balance"], 1_000_000);
    house.advance(1);
    let ended = fan.pushed("reservation.update").await;
    assert_eq!((&ended["reservation_id"], &ended["status"]), (&held["reservation_id"], &json!("EXPIRED")));
    let refused = fan.call("pay", json!({"reservation_id": held["reservation_id"]})).await.unwrap_err();
    assert_eq!((&*refused.reason, &refused.data["status"]), ("RESERVATION_INVALID", &json!("EXPIRED")));
    let body = json!({"reservation_id": held["reservation_id"]}).to_string();
    let reply = house.http("POST", "/api/v1/payments", Some(&fan.access_token), &body).await;
    let problem = reply.json();
    assert_eq!((reply.status, &problem["current_status"]), (409, &json!("EXPIRED")));
    assert_eq!(fan.ok("balance", json!({})).await["balance"], 1_000_000, "nothing was taken");
    // Its seats are shown as little as they are sold.
    for (method, params) in [
        ("seats.watch", json!({"schedule_id": house.schedule()})),
        ("hold", json!({"schedule_id": house.schedule(), "seats": [0]})),
    ] {
        assert_eq!(fan.call(method, params).await.unwrap_err().reason, "SCHEDULE_NOT_FOUND", "{method}");
    }
    let path = format!("/api/v1/schedules/{}/seats", house.schedule());
    let seats = house.http("GET", &path, Some(&fan.access_token), "").await;
    assert_eq!(seats.outcome(), (404, "SCHEDULE_NOT_FOUND".to_owned()));
    // The next evening is sold on.
    let next = fan.ok("schedules", json!({})).await;
    assert_eq!(next["schedules"].as_array().unwrap().len(), 1);
    let held = fan.ok("hold", json!({"schedule_id": house.schedules[1], "seats": [0]})).await;
    fan.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    house.audit().await;
}
