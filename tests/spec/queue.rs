//! The waiting room: strictly in order, admission as an event, places that are published.

use std::time::Duration;

use frontrow::config::Config;
use serde_json::{Value, json};

use crate::harness::{Fan, House, Plan};

async fn one_at_a_time() -> (House, Vec<Fan>) {
    let house = House::open(Plan { capacity: 1, ..Plan::default() }).await;
    let mut fans = Vec::new();
    for expected in ["PROGRESS", "WAITING", "WAITING"] {
        let (fan, place) = house.joined(1_000_000).await;
        assert_eq!(place["status"], expected);
        fans.push(fan);
    }
    (house, fans)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joined_first_is_admitted_first_by_a_push() {
    let (house, mut fans) = one_at_a_time().await;
    let [alice, bob, carol] = &mut fans[..] else { unreachable!() };
    let place = carol.ok("queue.get", json!({})).await;
    assert_eq!((place["position"].as_u64(), place["ahead"].as_u64()), (Some(2), Some(1)));
    assert_eq!(place["waiting"], 2);

    // The token ends by leaving …
    let left = alice.ok("queue.leave", json!({})).await;
    assert_eq!((left["status"].as_str(), left["reason"].as_str()), (Some("EXPIRED"), Some("left")));
    let admitted = bob.status("PROGRESS").await;
    assert!(admitted["admitted_at"].is_string() && admitted["expires_at"].is_string());
    assert_eq!(carol.ok("queue.get", json!({})).await["position"], 1);

    // … and by buying.
    let schedule = house.schedule();
    let held = bob.ok("hold", json!({"schedule_id": schedule, "seats": [0]})).await;
    bob.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    carol.status("PROGRESS").await;
    assert_eq!(bob.refused("schedules", json!({})).await, "TOKEN_DONE");
    // Nobody asked: the pushes came by themselves, after the answers that they follow from.
    assert_eq!(carol.log.iter().filter(|line| *line == "queue.update").count(), 1);
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_ends_an_admission_and_admits_the_next() {
    let (house, mut fans) = one_at_a_time().await;
    let [alice, bob, carol] = &mut fans[..] else { unreachable!() };
    house.advance_with(299, &mut [alice, bob, carol]).await;
    alice.ok("queue.extend", json!({})).await;
    // A ping and a look at one's place are not activity.
    house.advance_with(299, &mut [alice, bob, carol]).await;
    assert_eq!(alice.ok("queue.get", json!({})).await["status"], "PROGRESS");
    house.advance(1);
    let expired = alice.status("EXPIRED").await;
    assert_eq!(expired["reason"], "idle");
    bob.status("PROGRESS").await;
    let hold = json!({"schedule_id": house.schedule(), "seats": [0]});
    assert_eq!(alice.refused("hold", hold).await, "TOKEN_EXPIRED");

    // Asking for the balance is activity; the admission ends by its own time.
    house.advance_with(299, &mut [alice, bob, carol]).await;
    bob.ok("balance", json!({})).await;
    // The lane answers, and knows of the activity by then.
    bob.ok("queue.get", json!({})).await;
    house.advance_with(299, &mut [alice, bob, carol]).await;
    bob.ok("balance", json!({})).await;
    assert_eq!(bob.ok("queue.get", json!({})).await["status"], "PROGRESS");
    house.advance(2);
    assert_eq!(bob.status("EXPIRED").await["reason"], "time");
    carol.status("PROGRESS").await;
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joining_again_gives_the_same_place_from_any_device() {
    let (house, mut fans) = one_at_a_time().await;
    let bob = &mut fans[1];
    let join = json!({"concert_id": house.concert.0});
    let place = bob.ok("queue.join", join.clone()).await;
    let mut phone = house.stranger().await;
    phone.ok("hello", json!({"access_token": bob.access_token})).await;
    assert_eq!(phone.ok("queue.get", json!({})).await["token"], place["token"], "known without joining");
    let same = phone.ok("queue.join", join).await;
    assert_eq!((&same["token"], &same["position"]), (&place["token"], &place["position"]));
    fans[0].ok("queue.leave", json!({})).await;
    fans[1].status("PROGRESS").await;
    phone.status("PROGRESS").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_place_there_is_nothing_to_see() {
    let house = House::open(Plan { capacity: 1, ..Plan::default() }).await;
    let mut stranger = house.fan(0).await;
    for method in ["queue.get", "queue.extend", "queue.leave", "schedules"] {
        assert_eq!(stranger.refused(method, json!({})).await, "NOT_IN_QUEUE", "{method}");
    }
    let watch = json!({"schedule_id": house.schedule()});
    assert_eq!(stranger.refused("seats.watch", watch.clone()).await, "NOT_IN_QUEUE");
    let concerts = stranger.ok("concerts", json!({})).await;
    assert_eq!(concerts["concerts"][0]["concert_id"], house.concert.0);
    house.joined(0).await;
    stranger.ok("queue.join", json!({"concert_id": house.concert.0})).await;
    let refused = stranger.call("seats.watch", watch).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.data["status"].as_str()), ("WAITING", Some("WAITING")));
    assert_eq!(refused.data["retryable"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lost_connection_of_a_waiting_fan_costs_nothing_for_a_while() {
    let (house, mut fans) = one_at_a_time().await;
    let carol = fans.pop().unwrap();
    let bob = fans.pop().unwrap();
    let (bobs, carols) = (bob.access_token.clone(), carol.access_token.clone());
    drop(bob);
    drop(carol);
    house.connections(1).await;
    fans[0].ok("queue.extend", json!({})).await;
    house.advance_with(200, &mut [&mut fans[0]]).await;
    let mut bob = house.stranger().await;
    bob.ok("hello", json!({"access_token": bobs})).await;
    assert_eq!(bob.ok("queue.join", json!({"concert_id": house.concert.0})).await["position"], 1);
    fans[0].ok("queue.extend", json!({})).await;
    house.advance_with(100, &mut [&mut fans[0], &mut bob]).await;
    let mut carol = house.stranger().await;
    carol.ok("hello", json!({"access_token": carols})).await;
    let place = carol.ok("queue.get", json!({})).await;
    assert_eq!((place["status"].as_str(), place["reason"].as_str()), (Some("EXPIRED"), Some("away")));
    assert_eq!(bob.ok("queue.get", json!({})).await["status"], "WAITING", "bob was there again in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_pauses_opens_and_raises_the_capacity() {
    let (house, mut fans) = one_at_a_time().await;
    let operator = house.operator_token();
    let path = format!("/api/v1/admin/sales/{}", house.concert.0);
    let patch = |body: &'static str| house.http("PATCH", &path, Some(&operator), body);
    let reply = patch(r#"{"state":"PAUSED","message":"Back in a minute"}"#).await;
    assert_eq!((reply.status, &reply.json()["state"]), (200, &json!("PAUSED")));
    for fan in &mut fans {
        let news = fan.pushed("sale.update").await;
        assert_eq!(
            (news["state"].as_str(), news["message"].as_str()),
            (Some("PAUSED"), Some("Back in a minute"))
        );
    }
    fans[0].ok("queue.leave", json!({})).await;
    let mut late = house.fan(0).await;
    assert_eq!(late.refused("queue.join", json!({"concert_id": house.concert.0})).await, "SALE_PAUSED");
    assert_eq!(
        fans[1].ok("queue.get", json!({})).await["status"],
        "WAITING",
        "nobody is admitted in a pause"
    );
    assert_eq!(patch(r#"{"state":"OPEN","capacity":2}"#).await.status, 200);
    fans[1].status("PROGRESS").await;
    fans[2].status("PROGRESS").await;
    assert_eq!(patch(r#"{"state":"CLOSED"}"#).await.status, 200);
    assert_eq!(late.refused("queue.join", json!({"concert_id": house.concert.0})).await, "SALE_CLOSED");
    let sales = house.http("GET", "/api/v1/admin/sales", Some(&operator), "").await.json();
    assert_eq!(sales["sales"][0]["progress"], 2);
    assert_eq!(sales["sales"][0]["settings_own"]["capacity"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn places_are_pushed_as_the_line_moves() {
    let house = House::open(Plan { capacity: 1, ..Plan::default() }).await;
    let mut fans = Vec::new();
    for _ in 0..5 {
        fans.push(house.joined(0).await.0);
    }
    fans[1].ok("queue.leave", json!({})).await;
    fans[2].ok("queue.leave", json!({})).await;
    house.advance(2);
    let update = fans[4].pushed("queue.update").await;
    assert_eq!((update["position"].as_u64(), update["ahead"].as_u64()), (Some(2), Some(1)));
    assert_eq!(update["waiting"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_hear_when_the_house_is_sold_out() {
    let house = House::open(Plan { capacity: 1, seats: 4, ..Plan::default() }).await;
    let (mut buyer, _) = house.joined(10_000_000).await;
    let (mut last, place) = house.joined(0).await;
    assert_eq!(place["sold_out"], false);
    let hold = json!({"schedule_id": house.schedule(), "seats": [0, 1, 2, 3]});
    let held = buyer.ok("hold", hold).await;
    buyer.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    house.advance(2);
    let update = last.pushed("queue.update").await;
    assert_eq!((update["sold_out"].as_bool(), update["status"].as_str()), (Some(true), Some("WAITING")));
    assert_eq!(update["position"], 1, "the place is what it was");
}

/// Goal: one socket is notified of every line that its user stands in, and is present in all of them. Method: two sales for one
/// fan at a time each; the fan joins both on one socket, loses it, and comes back by the token of one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_socket_hears_of_both_lines_and_keeps_both_places() {
    let hours = |config: &mut Config| {
        config.sale.idle_ttl = Duration::from_secs(36_000);
        config.sale.admission_ttl = Duration::from_secs(36_000);
    };
    let mut house = House::open(Plan { capacity: 1, settings: hours, ..Plan::default() }).await;
    let other = house.another_concert(1).await.0;
    let of = |concert: u32| json!({"concert_id": concert});
    let here = house.concert.0;
    let mut before = Vec::new();
    for concert in [here, other, here, other] {
        let mut fan = house.fan(0).await;
        fan.ok("queue.join", of(concert)).await;
        before.push(fan);
    }
    let mut alice = house.fan(0).await;
    for concert in [here, other] {
        assert_eq!(alice.ok("queue.join", of(concert)).await["position"], 2);
    }
    // The place in the line that the socket did not join.
    let is_about = |update: &Value, concert: u32| update["concert_id"] == concert;
    before[2].ok("queue.leave", json!({})).await;
    house.advance(2);
    let moved = alice.pushed_until("queue.update", |update| is_about(update, here)).await;
    assert_eq!((moved["status"].as_str(), moved["position"].as_u64()), (Some("WAITING"), Some(1)));

    // Back by one token: the other place is published, and nobody is absent from it.
    let tokens = [moved["token"].clone(), alice.ok("queue.get", json!({})).await["token"].clone()];
    let connections = house.context().metrics.connections.get();
    drop(alice);
    house.connections(connections - 1).await;
    let mut alice = house.stranger().await;
    let hello = alice.ok("hello", json!({"queue_token": tokens[1]})).await;
    assert_eq!(hello["queue"]["concert_id"], other);
    let found = alice.pushed_until("queue.update", |update| is_about(update, here)).await;
    assert_eq!((&found["token"], found["position"].as_u64()), (&tokens[0], Some(1)));
    let mut everybody: Vec<&mut Fan> = before.iter_mut().collect();
    everybody.push(&mut alice);
    house.advance_with(700, &mut everybody).await;
    before[0].ok("queue.leave", json!({})).await;
    let admitted = alice.pushed_until("queue.update", |update| is_about(update, here)).await;
    assert_eq!((&admitted["token"], &admitted["status"]), (&tokens[0], &json!("PROGRESS")));

    // A place that is taken elsewhere is notified too.
    let third = house.fan(0).await;
    let token = third.access_token.clone();
    let body = of(other).to_string();
    let mut third = third;
    let reply = house.http("POST", "/api/v1/queue/tokens", Some(&token), &body).await;
    let joined = third.status("WAITING").await;
    assert_eq!((reply.status, &joined["token"]), (201, &reply.json()["token"]));
    house.audit().await;
}
