//! The journey from the first click to the ticket.

use frontrow_protocol::SeatState::{Reserved, TempReserved};
use serde_json::json;

use crate::harness::{House, Plan, tls};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fan_buys_two_seats_and_another_sees_it_happen() {
    buy_while_another_watches(House::open(Plan::default()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_over_encrypted_connections() {
    buy_while_another_watches(House::open(Plan { settings: tls::settings, ..Plan::default() }).await).await;
}

async fn buy_while_another_watches(house: House) {
    let schedule = house.schedule();
    let (mut alice, place) = house.joined(0).await;
    assert_eq!(place["status"], "PROGRESS", "there is room, so admission is at once: {place}");
    let (mut bob, _) = house.joined(0).await;

    let schedules = alice.ok("schedules", json!({})).await;
    assert_eq!(schedules["schedules"][0]["schedule_id"], schedule);
    assert_eq!(schedules["schedules"][0]["available"], 20);
    assert!(schedules["schedules"][0]["prices"].as_object().is_some_and(|prices| !prices.is_empty()));
    alice.ok("seats.watch", json!({"schedule_id": schedule})).await;
    bob.ok("seats.watch", json!({"schedule_id": schedule})).await;

    let held = alice.ok("hold", json!({"schedule_id": schedule, "seats": [3, 4]})).await;
    assert_eq!(held["status"], "TEMP_RESERVED");
    bob.seats_until(schedule, &[(3, TempReserved), (4, TempReserved)]).await;
    assert_eq!(
        bob.call("hold", json!({"schedule_id": schedule, "seats": [5, 4]})).await.unwrap_err().data["seats"],
        json!([4])
    );

    let amount = held["amount"].as_i64().unwrap();
    let reservation = json!({"reservation_id": held["reservation_id"]});
    assert_eq!(alice.refused("pay", reservation.clone()).await, "INSUFFICIENT_BALANCE");
    let charged = alice.ok("charge", json!({"amount": amount + 5, "request_id": "one"})).await;
    assert_eq!(charged["balance"], amount + 5);
    let again = alice.ok("charge", json!({"amount": amount + 5, "request_id": "one"})).await;
    assert_eq!(again, charged, "the same charge is made once");
    let paid = alice.ok("pay", reservation.clone()).await;
    assert_eq!(paid["payment"]["status"], "DONE");
    assert_eq!(paid["balance"], 5);
    assert_eq!(paid["tickets"].as_array().unwrap().len(), 2);
    let paid_again = alice.ok("pay", reservation).await;
    assert_eq!(paid_again["payment"], paid["payment"], "and never debited twice");
    assert_eq!(alice.ok("balance", json!({})).await["balance"], 5);
    alice.status("DONE").await;
    bob.seats_until(schedule, &[(3, Reserved), (4, Reserved)]).await;

    let tickets = alice.ok("tickets", json!({})).await;
    let mut codes: Vec<_> = paid["tickets"].as_array().unwrap().iter().map(|t| t["code"].clone()).collect();
    let mut listed: Vec<_> =
        tickets["tickets"].as_array().unwrap().iter().map(|t| t["code"].clone()).collect();
    codes.sort_by_key(ToString::to_string);
    listed.sort_by_key(ToString::to_string);
    assert_eq!(listed, codes);
    let history = alice.ok("history", json!({})).await;
    let kinds: Vec<_> = history["entries"].as_array().unwrap().iter().map(|e| e["type"].clone()).collect();
    assert_eq!(kinds, ["PAYMENT", "CHARGE"]);
    house.audit().await;
}
