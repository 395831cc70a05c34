//! Bad input over a websocket gets the stated error or close code, and nothing changed.

use frontrow_protocol::SeatState;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::harness::{Fan, House, Plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_named_and_changes_nothing() {
    let house =
        House::open(Plan { settings: |config| config.limits.requests_burst = 1_000, ..Plan::default() })
            .await;
    let schedule = house.schedule();
    let (mut fan, place) = house.joined(7).await;
    let (mut other, _) = house.joined(1_000_000).await;
    let others = other.ok("hold", json!({"schedule_id": schedule, "seats": [9]})).await;
    let others = &others["reservation_id"];
    let nobodys = "00000000-0000-4000-8000-000000000000";
    for (method, params, reason) in [
        ("sing", json!({}), "UNKNOWN_METHOD"),
        ("ping", json!([]), "INVALID_PARAMS"),
        ("ping", json!({"x": 1}), "INVALID_PARAMS"),
        ("queue.join", json!({}), "INVALID_PARAMS"),
        ("queue.join", json!({"concert_id": "1"}), "INVALID_PARAMS"),
        ("queue.join", json!({"concert_id": -1}), "INVALID_PARAMS"),
        ("queue.join", json!({"concert_id": 1e30}), "INVALID_PARAMS"),
        ("queue.join", json!({"concert_id": 99}), "CONCERT_NOT_FOUND"),
        ("seats.watch", json!({"schedule_id": 99}), "SCHEDULE_NOT_FOUND"),
        ("hold", json!({"schedule_id": 99, "seats": [1]}), "SCHEDULE_NOT_FOUND"),
        ("hold", json!({"schedule_id": schedule, "seats": []}), "INVALID_PARAMS"),
        ("hold", json!({"schedule_id": schedule, "seats": [1, 1]}), "INVALID_PARAMS"),
        ("hold", json!({"schedule_id": schedule, "seats": [-1]}), "INVALID_PARAMS"),
        ("hold", json!({"schedule_id": schedule, "seats": [1.5]}), "INVALID_PARAMS"),
        ("hold", json!({"schedule_id": schedule, "seats": [20]}), "SEAT_NOT_FOUND"),
        ("hold", json!({"schedule_id": schedule, "seats": [1, 9]}), "SEAT_TAKEN"),
        ("hold", json!({"schedule_id": schedule, "seats": [0, 1, 2, 3, 4]}), "HOLD_LIMIT"),
        ("hold_best", json!({"schedule_id": schedule, "count": 0}), "INVALID_PARAMS"),
        ("charge", json!({"amount": 0, "request_id": "a"}), "INVALID_AMOUNT"),
        ("charge", json!({"amount": -5, "request_id": "a"}), "INVALID_AMOUNT"),
        ("charge", json!({"amount": 1_i64 << 53, "request_id": "a"}), "INVALID_AMOUNT"),
        ("charge", json!({"amount": 1.5, "request_id": "a"}), "INVALID_PARAMS"),
        ("charge", json!({"amount": 5}), "INVALID_PARAMS"),
        ("charge", json!({"amount": 5, "request_id": ""}), "INVALID_PARAMS"),
        ("pay", json!({"reservation_id": "x"}), "INVALID_PARAMS"),
        ("pay", json!({"reservation_id": nobodys}), "RESERVATION_NOT_FOUND"),
        ("pay", json!({"reservation_id": others}), "RESERVATION_NOT_FOUND"),
        ("release", json!({"reservation_id": others}), "RESERVATION_NOT_FOUND"),
        ("cancel", json!({"reservation_id": others}), "RESERVATION_NOT_FOUND"),
        ("history", json!({"limit": 0}), "INVALID_PARAMS"),
        ("hello", json!({}), "INVALID_PARAMS"),
    ] {
        assert_eq!(fan.refused(method, params.clone()).await, reason, "{method} {params}");
    }
    assert_eq!(fan.ok("balance", json!({})).await["balance"], 7);
    assert_eq!(fan.ok("reservations", json!({})).await["reservations"], json!([]));
    assert_eq!(fan.ok("queue.get", json!({})).await["token"], place["token"]);
    other.ok("pay", json!({"reservation_id": others})).await;
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_is_answered_without_an_id() {
    let house = House::open(Plan::default()).await;
    let mut fan = house.fan(0).await;
    for (text, reason) in [
        ("not json", "PARSE"),
        ("[]", "INVALID_REQUEST"),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, "INVALID_REQUEST"),
        ("5", "INVALID_REQUEST"),
        (r#"{"jsonrpc":"2.0","method":"ping"}"#, "INVALID_REQUEST"),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, "INVALID_REQUEST"),
    ] {
        fan.send_text(text).await;
        assert_eq!(fan.answer(-1).await.unwrap_err().reason, reason, "{text}");
    }
    fan.ok("ping", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_are_not_ours_close_the_connection() {
    let house = House::open(Plan::default()).await;
    let mut bystander = house.fan(0).await;
    let invalid_utf8 = Frame::message(vec![0xFF, 0xFE], OpCode::Data(Data::Text), true);
    let reserved = Frame::message(Vec::new(), OpCode::Data(Data::Reserved(3)), true);
    for (message, code) in [
        (Message::binary(vec![1, 2, 3]), 1003),
        (Message::text("x".repeat(17 * 1024)), 1009),
        (Message::Frame(invalid_utf8), 1007),
        (Message::Frame(reserved), 1002),
    ] {
        let mut fan = house.fan(0).await;
        fan.send_message(message).await;
        assert_eq!(fan.closed().await, code);
    }
    let mut large = house.fan(0).await;
    let padded = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{}}{}}}"#, " ".repeat(16_000));
    large.send_text(padded).await;
    large.answer(1).await.unwrap();
    bystander.ok("ping", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_and_their_tokens() {
    let house = House::open(Plan::default()).await;
    let user = house.user(0).await;
    let good = house.access_token(user);
    let forged = format!("{}x", &good[..good.len() - 1]);
    let unknown = house.access_token(frontrow::domain::ids::UserId(9_999));
    let (mut owner, _) = house.joined(0).await;

    let mut fan = house.stranger().await;
    assert_eq!(fan.refused("balance", json!({})).await, "UNAUTHENTICATED");
    assert_eq!(fan.refused("hello", json!({"access_token": unknown})).await, "USER_NOT_FOUND");
    fan.ok("hello", json!({"access_token": good.clone()})).await;
    let others = owner.ok("queue.get", json!({})).await["token"].clone();
    assert_eq!(fan.refused("hello", json!({"queue_token": others})).await, "INVALID_REQUEST");
    fan.ok("ping", json!({})).await;

    let foreign = "00000001-0000-8000-8000-000000000000";
    for hello in [
        json!({"access_token": forged}),
        json!({"access_token": "nonsense"}),
        json!({"queue_token": foreign}),
        json!({"queue_token": "00000000-0000-0000-0000-000000000000"}),
    ] {
        let mut fan = house.stranger().await;
        assert_eq!(fan.refused("hello", hello.clone()).await, "UNAUTHENTICATED", "{hello}");
        assert_eq!(fan.closed().await, 4500);
    }
    house.clock.advance(std::time::Duration::from_secs(366 * 24 * 60 * 60));
    let mut late = house.stranger().await;
    assert_eq!(late.refused("hello", json!({"access_token": good})).await, "UNAUTHENTICATED", "expired");

    let mut silent = house.stranger().await;
    // Its time runs since it was let in.
    assert_eq!(silent.refused("balance", json!({})).await, "UNAUTHENTICATED");
    house.advance(11);
    assert_eq!(silent.closed().await, 4000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_is_refused_with_a_status() {
    let house = House::open(Plan {
        settings: |config| config.allowed_origins = vec!["https://tickets.example".to_owned()],
        ..Plan::default()
    })
    .await;
    let address = house.address();
    let own = format!("http://{address}");
    let bearer = format!("Bearer {}", house.access_token(house.user(0).await));
    for (headers, expected) in [
        (vec![("sec-websocket-protocol", "frontrow.v1")], Ok(())),
        (vec![("sec-websocket-protocol", "other, frontrow.v1")], Ok(())),
        (vec![("sec-websocket-protocol", "other")], Err(400)),
        (vec![("sec-websocket-version", "12")], Err(426)),
        (vec![("origin", &*own)], Ok(())),
        (vec![("origin", "https://tickets.example")], Ok(())),
        (vec![("origin", "https://evil.example")], Err(403)),
        (vec![("origin", "null")], Err(403)),
        (vec![("authorization", &*bearer)], Ok(())),
        (vec![("authorization", "Bearer nonsense")], Err(401)),
        (vec![("authorization", "Basic YTpi")], Err(401)),
    ] {
        let connected = Fan::connect(address, &headers).await;
        assert_eq!(connected.map(|_| ()), expected, "{headers:?}");
    }
    let mut known = Fan::connect(address, &[("authorization", &bearer)]).await.unwrap();
    assert_eq!(known.ok("balance", json!({})).await["balance"], 0, "the header was the hello");
    assert_eq!(house.http("GET", "/ws", None, "").await.status, 426);
    assert_eq!(house.http("POST", "/ws", None, "").await.status, 405);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_refused_and_hurts_nobody_else() {
    let house = House::open(Plan::default()).await;
    let mut flooder = house.fan(0).await;
    let mut bystander = house.fan(0).await;
    let mut ids = Vec::new();
    for _ in 0..2_000 {
        ids.push(flooder.send("ping", json!({})).await);
    }
    for _ in 0..20 {
        bystander.ok("ping", json!({})).await;
    }
    let mut refused = 0;
    for id in ids {
        if let Err(refusal) = flooder.answer(id).await {
            assert_eq!(refusal.reason, "RATE_LIMITED");
            assert_eq!(refusal.data["retryable"], true);
            assert!(refusal.data["retry_after_ms"].as_u64() > Some(0));
            refused += 1;
        }
    }
    assert_eq!(refused, 2_000 - 59, "the burst is 60, one of them was the hello");
    house.advance(1);
    for _ in 0..20 {
        flooder.ok("ping", json!({})).await;
    }
    assert_eq!(flooder.refused("ping", json!({})).await, "RATE_LIMITED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_much_nonsense_closes_the_connection() {
    let house = House::open(Plan::default()).await;
    let mut fan = house.fan(0).await;
    for _ in 0..101 {
        fan.send_text("nonsense").await;
    }
    assert_eq!(fan.closed().await, 4501);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_too_many_closes_the_oldest() {
    let house = House::open(Plan::default()).await;
    let user = house.user(0).await;
    let mut oldest = house.connection_of(user).await;
    let mut others = Vec::new();
    for _ in 0..5 {
        others.push(house.connection_of(user).await);
    }
    assert_eq!(oldest.closed().await, 4502);
    for fan in &mut others {
        fan.ok("ping", json!({})).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_it_is_full_the_next_one_is_refused_with_that_reason() {
    let house =
        House::open(Plan { settings: |config| config.connections_max = Some(2), ..Plan::default() }).await;
    let first = house.stranger().await;
    let _second = house.stranger().await;
    assert_eq!(Fan::connect(house.address(), &[]).await.err(), Some(503));
    let reply = house.http("GET", "/healthz", None, "").await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "5"));
    assert_eq!(reply.json()["reason"], "OVERLOADED");
    drop(first);
    house.connections(1).await;
    loop {
        // The socket is released a moment after the connection is.
        if let Ok(mut fan) = Fan::connect(house.address(), &[]).await {
            assert_eq!(fan.refused("ping", Value::Object(Default::default())).await, "UNAUTHENTICATED");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_take_their_answers_is_hung_up_on() {
    let house = House::open(Plan {
        seats: 20_000,
        settings: |config| config.limits.requests_burst = 100_000,
        ..Plan::default()
    })
    .await;
    let watch = json!({"schedule_id": house.schedule()});
    let (mut slow, _) = house.joined(0).await;
    let (mut bystander, _) = house.joined(0).await;
    // More snapshots than any socket keeps.
    for _ in 0..4_000 {
        slow.send("seats.watch", watch.clone()).await;
    }
    // Changes for a socket that takes nothing wait for it, and for nobody else.
    let seat = json!({"schedule_id": house.schedule(), "seats": [9]});
    bystander.ok("seats.watch", watch).await;
    for _ in 0..10 {
        let held = bystander.ok("hold", seat.clone()).await;
        bystander.seats_until(house.schedule(), &[(9, SeatState::TempReserved)]).await;
        bystander.ok("release", json!({"reservation_id": held["reservation_id"]})).await;
        bystander.seats_until(house.schedule(), &[(9, SeatState::Available)]).await;
    }
    while house.context().metrics.connections.get() == 2 {
        // It may be hung up on between the look and the turn: the clock never runs past the time that it then has to read why.
        house.advance(1);
        bystander.ok("ping", json!({})).await;
    }
    assert_eq!(slow.closed().await, 4001);
    bystander.ok("ping", json!({})).await;
}
