//! Seats that are held, by whom and for how long.

use std::time::Duration;

use frontrow_protocol::SeatState::{Available, TempReserved};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{House, Plan};

async fn short_holds(seats: usize) -> House {
    House::open(Plan {
        seats,
        settings: |config| config.sale.hold_ttl = Duration::from_secs(2),
        ..Plan::default()
    })
    .await
}

fn hold(house: &House, seats: &[u32]) -> Value {
    json!({"schedule_id": house.schedule(), "seats": seats})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unpaid_hold_ends_and_everybody_hears_of_it() {
    let house = short_holds(20).await;
    let (mut alice, _) = house.joined(0).await;
    let (mut bob, _) = house.joined(0).await;
    bob.ok("seats.watch", json!({"schedule_id": house.schedule()})).await;
    let held = alice.ok("hold", hold(&house, &[7])).await;
    bob.seats_until(house.schedule(), &[(7, TempReserved)]).await;
    house.advance(1);
    assert_eq!(bob.refused("hold", hold(&house, &[7])).await, "SEAT_TAKEN");
    house.advance(1);
    let ended = alice.pushed("reservation.update").await;
    assert_eq!((&ended["reservation_id"], &ended["status"]), (&held["reservation_id"], &json!("EXPIRED")));
    assert_eq!(ended["expires_at"], Value::Null);
    bob.seats_until(house.schedule(), &[(7, Available)]).await;
    let refused = alice.call("pay", json!({"reservation_id": held["reservation_id"]})).await.unwrap_err();
    assert_eq!(
        (refused.reason.as_str(), refused.data["status"].as_str()),
        ("RESERVATION_INVALID", Some("EXPIRED"))
    );
    assert_eq!(bob.ok("hold", hold(&house, &[7])).await["status"], "TEMP_RESERVED");
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_freed_seats_of_a_full_house_admit_as_many_in_their_order() {
    let house = short_holds(2).await;
    let (mut alice, _) = house.joined(0).await;
    alice.ok("hold", hold(&house, &[0, 1])).await;
    let mut fans = Vec::new();
    for _ in 0..3 {
        let (fan, place) = house.joined(0).await;
        assert_eq!(place["status"], "WAITING", "nobody is let into a full house");
        fans.push(fan);
    }
    let [bob, carol, dave] = &mut fans[..] else { unreachable!() };
    house.advance(2);
    alice.pushed("reservation.update").await;
    bob.status("PROGRESS").await;
    carol.status("PROGRESS").await;
    assert_eq!(dave.ok("queue.get", json!({})).await["status"], "WAITING");
    bob.ok("hold", hold(&house, &[1])).await;
    bob.ok("queue.leave", json!({})).await;
    dave.status("PROGRESS").await;
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seats_join_one_reservation_up_to_the_limit() {
    let house = House::open(Plan::default()).await;
    let (mut alice, _) = house.joined(0).await;
    let first = alice.ok("hold", hold(&house, &[1])).await;
    let more = alice.ok("hold", hold(&house, &[2, 3])).await;
    assert_eq!(more["reservation_id"], first["reservation_id"]);
    assert_eq!(more["expires_at"], first["expires_at"], "more seats do not reset the clock");
    assert_eq!(more["seats"].as_array().unwrap().len(), 3);
    let refused = alice.call("hold", hold(&house, &[4, 5])).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.data["max"].as_u64()), ("HOLD_LIMIT", Some(4)));
    let same = alice.ok("hold", hold(&house, &[2])).await;
    assert_eq!(same, more, "one's own seat again changes nothing");
    let less = alice.ok("release", json!({"reservation_id": first["reservation_id"], "seats": [2]})).await;
    assert_eq!(less["seats"].as_array().unwrap().len(), 2);
    let none = alice.ok("release", json!({"reservation_id": first["reservation_id"]})).await;
    assert_eq!(none["status"], "CANCELLED");
    let again = alice.ok("release", json!({"reservation_id": first["reservation_id"]})).await;
    assert_eq!(again["status"], "CANCELLED", "already done succeeds");
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_than_those_that_were_proposed_at_both_doors() {
    let house = House::open(Plan { seats: 60, ..Plan::default() }).await;
    let (mut alice, queue) = house.joined(0).await;
    let seats = |held: &Value| -> Vec<u64> {
        held["seats"].as_array().unwrap().iter().map(|seat| seat["seat"].as_u64().unwrap()).collect()
    };
    let first = alice.ok("hold_best", json!({"schedule_id": house.schedule(), "count": 2})).await;
    let proposed = seats(&first);
    let price = first["seats"][0]["price"].as_i64().unwrap();
    alice.ok("release", json!({"reservation_id": first["reservation_id"]})).await;
    let others =
        json!({"schedule_id": house.schedule(), "count": 2, "except": proposed, "max_price": price - 1});
    let second = alice.ok("hold_best", others).await;
    assert!(seats(&second).iter().all(|seat| !proposed.contains(seat)), "{second}");
    assert!(second["seats"].as_array().unwrap().iter().all(|seat| seat["price"].as_i64().unwrap() < price));
    alice.ok("release", json!({"reservation_id": second["reservation_id"]})).await;
    let token = queue["token"].as_str().unwrap();
    let body = json!({"schedule_id": house.schedule(), "count": 2, "except": proposed}).to_string();
    let third = house.http("POST", "/api/v1/reservations", Some(token), &body).await;
    assert_eq!(third.status, 201);
    let third = seats(&third.json());
    assert!(!third.is_empty() && third.iter().all(|seat| !proposed.contains(seat)), "{third:?}");
    let nothing = json!({"schedule_id": house.schedule(), "count": 1, "max_price": 0});
    assert_eq!(alice.refused("hold_best", nothing).await, "NO_SEATS_AVAILABLE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_best_seats_are_together_and_asked_for_once() {
    let house = House::open(Plan { seats: 60, ..Plan::default() }).await;
    let (mut alice, _) = house.joined(0).await;
    let best = json!({"schedule_id": house.schedule(), "count": 2, "request_id": "b"});
    let held = alice.ok("hold_best", best.clone()).await;
    assert_eq!(held["seats"].as_array().unwrap().len(), 2);
    assert_eq!(alice.ok("hold_best", best).await, held, "the same request takes no more seats");
    let other = json!({"schedule_id": house.schedule(), "count": 1, "request_id": "b"});
    assert_eq!(alice.refused("hold_best", other).await, "REQUEST_ID_REUSED");
    let unknown = json!({"schedule_id": house.schedule(), "count": 1, "category": "Nowhere"});
    assert_eq!(alice.refused("hold_best", unknown).await, "INVALID_PARAMS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paid_reservation_is_given_back_for_its_price() {
    let house = House::open(Plan::default()).await;
    let (mut alice, _) = house.joined(1_000_000).await;
    let held = alice.ok("hold", hold(&house, &[1, 2])).await;
    let reservation = json!({"reservation_id": held["reservation_id"]});
    assert_eq!(alice.refused("cancel", reservation.clone()).await, "RESERVATION_INVALID");
    alice.ok("pay", reservation.clone()).await;
    let cancelled = alice.ok("cancel", reservation.clone()).await;
    assert_eq!(cancelled["balance"], 1_000_000);
    assert_eq!(cancelled["reservation"]["status"], "CANCELLED");
    assert_eq!(alice.ok("cancel", reservation).await["balance"], 1_000_000, "and only once");
    let orders = alice.ok("tickets", json!({})).await;
    assert_eq!(orders["tickets"], json!([]));
    let void: Vec<_> = orders["cancelled"].as_array().unwrap().iter().map(|of| of["seat"].clone()).collect();
    assert!(void.contains(&json!(1)) && void.contains(&json!(2)) && void.len() == 2, "{orders}");
    assert!(orders["cancelled"][0]["cancelled_at"].is_string(), "{orders}");
    let ledger = alice.ok("history", json!({})).await;
    for (entry, kind) in ledger["entries"].as_array().unwrap().iter().zip(["REFUND", "PAYMENT"]) {
        assert_eq!(entry["type"], kind, "{ledger}");
        assert_eq!(entry["purchase"]["reservation_id"], held["reservation_id"], "{ledger}");
        assert_eq!(entry["purchase"]["title"], orders["cancelled"][0]["title"], "{ledger}");
        assert_eq!(entry["purchase"]["seats"], 2, "{ledger}");
    }
    house.audit().await;

    let (mut bob, _) = house.joined(1_000_000).await;
    let held = bob.ok("hold", hold(&house, &[1])).await;
    let reservation = json!({"reservation_id": held["reservation_id"]});
    bob.ok("pay", reservation.clone()).await;
    house.advance(29 * 24 * 60 * 60 + 1);
    let mut bob = house.connection_of_token(&bob.access_token).await;
    assert_eq!(bob.refused("cancel", reservation).await, "CANCEL_TOO_LATE");
}

/// Answers, pongs and deltas are written by more than one; the reader of this socket checks every frame.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_at_the_same_time_comes_in_whole_frames() {
    let house = House::open(Plan {
        seats: 400,
        settings: |config| config.limits.requests_burst = 1_000,
        ..Plan::default()
    })
    .await;
    let schedule = house.schedule();
    let (mut alice, _) = house.joined(0).await;
    let (mut bob, _) = house.joined(0).await;
    bob.ok("seats.watch", json!({"schedule_id": schedule})).await;
    for turn in 0..40 {
        let seats = [turn, turn + 100];
        let asked = alice.send("hold", hold(&house, &seats)).await;
        bob.send_message(Message::Ping("still there?".into())).await;
        let balance = bob.send("balance", json!({})).await;
        let pinged = bob.send("ping", json!({})).await;
        let held = alice.answer(asked).await.unwrap();
        bob.answer(balance).await.unwrap();
        bob.answer(pinged).await.unwrap();
        bob.seats_until(schedule, &seats.map(|seat| (seat, TempReserved))).await;
        alice.ok("release", json!({"reservation_id": held["reservation_id"]})).await;
    }
    bob.seats_until(schedule, &[(39, Available), (139, Available)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_late_gets_the_newest_seats() {
    let house = House::open(Plan {
        seats: 20_000,
        settings: |config| config.limits.requests_burst = 100_000,
        ..Plan::default()
    })
    .await;
    let schedule = house.schedule();
    let (mut alice, _) = house.joined(0).await;
    let (mut bob, _) = house.joined(0).await;
    // More snapshots than the socket keeps, and nothing is read meanwhile.
    let mut asked = 0;
    for _ in 0..1_500 {
        asked = bob.send("seats.watch", json!({"schedule_id": schedule})).await;
    }
    for seat in 0..20 {
        let held = alice.ok("hold", hold(&house, &[seat])).await;
        alice.ok("release", json!({"reservation_id": held["reservation_id"]})).await;
    }
    alice.ok("hold", hold(&house, &[5])).await;
    bob.answer(asked).await.unwrap();
    bob.seats_until(schedule, &[(4, Available), (5, TempReserved), (19, Available)]).await;
}
