//! What becomes of performances and of the money of orders: by operators' calls, told to fans, each order given back once.

use std::process::Command;
use std::time::Duration;

use frontrow::ops::additions::RESTS_AFTER;
use frontrow_protocol::Role;
use frontrow_protocol::SeatState::{Reserved, Restricted, TempReserved};
use serde_json::{Value, json};

use crate::fold::row_counts;
use crate::harness::{Fan, House, Plan, in_time};

const DAY: u64 = 24 * 60 * 60;

/// An operator's call that is answered.
async fn done(house: &House, token: &str, path: &str, body: Value) -> Value {
    let reply = house.http("POST", &format!("/api/v1/admin/{path}"), Some(token), &body.to_string()).await;
    assert_eq!(reply.status, 200, "{path}: {:?}", reply.json());
    reply.json()
}

async fn refused(house: &House, path: &str, body: Value) -> (u16, String) {
    let token = house.operator_token();
    house.http("POST", &format!("/api/v1/admin/{path}"), Some(&token), &body.to_string()).await.outcome()
}

/// A fan who bought these seats of a performance, and the order.
pub async fn bought(house: &House, schedule: u64, seats: &[u32]) -> (Fan, String) {
    let (mut fan, _) = house.joined(10_000_000).await;
    let held = fan.ok("hold", json!({"schedule_id": schedule, "seats": seats})).await;
    fan.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    (fan, held["reservation_id"].as_str().unwrap().to_owned())
}

/// Waits until all that was paid for what is called off is given back.
pub async fn given_back(house: &House) {
    in_time("the refunds", async {
        while house.context().refunds.progress().iter().any(|of| of.seats_left > 0) {
            house.clock.advance(Duration::from_millis(100));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_performance_is_postponed_and_who_is_there_is_told() {
    let house = House::open(Plan::default()).await;
    let schedule = house.schedule();
    let (mut owner, order) = bought(&house, schedule, &[0]).await;
    let (mut fan, _) = house.joined(10_000_000).await;
    let before = fan.ok("schedules", json!({})).await;
    let was = before["schedules"][0]["starts_at"].clone();
    let starts_at = house.clock.utc() + Duration::from_secs(60 * DAY);
    let starts_at = frontrow_protocol::Timestamp::from_millis(starts_at.as_millis());
    let body = json!({"starts_at": starts_at, "reason": "Rain", "was": {"starts_at": was}});
    let (id, manager) = house.operator(Role::Manager).await;
    let path = format!("schedules/{schedule}/postpone");
    let now = done(&house, &manager, &path, body.clone()).await;
    assert_eq!(
        now,
        json!({
            "schedule_id": schedule, "concert_id": house.concert.0, "starts_at": starts_at, "state": "PLANNED",
            "reason": "Rain"
        })
    );
    let told = fan.pushed("sale.update").await;
    assert!(told["revision"].as_u64() > before["revision"].as_u64(), "{told}");
    // Who bought is in no line any more, and told all the same.
    assert_eq!(owner.pushed("sale.update").await["revision"], told["revision"]);
    let after = fan.ok("schedules", json!({})).await;
    assert_eq!(after["revision"], told["revision"]);
    assert_eq!(after["schedules"][0]["starts_at"], json!(starts_at));
    assert_eq!(after["schedules"][0]["reason"], "Rain");
    // Who bought has the same code, and may cancel until a day before the new start.
    let tickets = owner.ok("tickets", json!({})).await;
    assert_eq!(tickets["tickets"][0]["starts_at"], json!(starts_at));
    assert_eq!(tickets["tickets"][0]["reason"], "Rain");
    let list = house.http("GET", "/api/v1/concerts", None, "").await.json();
    assert_eq!(list["concerts"][0]["schedules"][0]["starts_at"], json!(starts_at));

    // The second operator saw the first start.
    let again = house.http("POST", &format!("/api/v1/admin/{path}"), Some(&manager), &body.to_string()).await;
    assert_eq!(again.outcome(), (409, "CHANGED_MEANWHILE".to_owned()));
    let again = again.json();
    assert_eq!((&again["was"]["starts_at"], &again["by"]["operator_id"]), (&json!(starts_at), &json!(id)));
    house.advance(59 * DAY - 60);
    assert_eq!(
        owner.ok("cancel", json!({"reservation_id": order})).await["reservation"]["status"],
        "CANCELLED"
    );
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_called_off_is_given_back_and_told_to_whom_it_concerns() {
    let mut house = House::open(Plan { schedules: 2, ..Plan::default() }).await;
    let [first, second] = [house.schedules[0], house.schedules[1]];
    let (mut owner, order) = bought(&house, first, &[0, 1]).await;
    let (mut other, _) = bought(&house, second, &[0]).await;
    let (mut holder, _) = house.joined(0).await;
    let held = holder.ok("hold", json!({"schedule_id": first, "seats": [3]})).await;
    holder.ok("seats.watch", json!({"schedule_id": first})).await;
    holder.seats_until(first, &[(3, TempReserved)]).await;

    let (_, manager) = house.operator(Role::Manager).await;
    let body = json!({"reason": "The singer is ill", "confirm": "CALL OFF"});
    let path = format!("schedules/{first}/call_off");
    let progress = done(&house, &manager, &path, body.clone()).await;
    assert_eq!((&progress["schedule_id"], &progress["stuck"]), (&json!(first), &json!([])));
    let ended = holder.pushed("reservation.update").await;
    assert_eq!((&ended["reservation_id"], &ended["status"]), (&held["reservation_id"], &json!("CANCELLED")));
    assert_eq!(
        holder.refused("hold", json!({"schedule_id": first, "seats": [4]})).await,
        "PERFORMANCE_CALLED_OFF"
    );
    assert_eq!(
        holder.refused("pay", json!({"reservation_id": held["reservation_id"]})).await,
        "PERFORMANCE_CALLED_OFF"
    );
    given_back(&house).await;
    let ended = owner.pushed_until("reservation.update", |update| update["status"] == "CANCELLED").await;
    assert_eq!(ended["reservation_id"], order.as_str());
    assert_eq!(
        owner.pushed_until("balance.update", |update| update["balance"] == 10_000_000).await["currency"],
        "KRW"
    );
    holder.seats_until(first, &[(0, Restricted), (1, Restricted)]).await;
    // At their next visit they are told why.
    let tickets = owner.ok("tickets", json!({})).await;
    assert_eq!(tickets["tickets"], json!([]));
    for ticket in tickets["cancelled"].as_array().unwrap() {
        assert_eq!((&ticket["called_off"], &ticket["reason"]), (&json!(true), &json!("The singer is ill")));
    }
    assert_eq!(other.ok("tickets", json!({})).await["tickets"].as_array().unwrap().len(), 1);
    let list = house.http("GET", "/api/v1/concerts", None, "").await.json();
    let states: Vec<_> =
        list["concerts"][0]["schedules"].as_array().unwrap().iter().map(|s| &s["state"]).collect();
    assert_eq!(states, ["CALLED_OFF", "PLANNED"]);
    // Of its seats none is free, whoever had them, in the figures as in the answer to a change.
    let sales = async |house: &House| {
        let token = house.operator_token();
        let sales = house.http("GET", "/api/v1/admin/sales", Some(&token), "").await.json();
        let path = format!("/api/v1/admin/sales/{}", house.concert);
        let changed = house.http("PATCH", &path, Some(&token), r#"{"capacity": 90}"#).await.json();
        [sales["sales"][0].clone(), changed]
            .map(|of| ["available", "restricted", "sold", "seats"].map(|field| of[field].as_u64().unwrap()))
    };
    assert_eq!(sales(&house).await, [[19, 20, 1, 40]; 2]);

    // There is no way back, also after a restart; and nobody is refunded twice.
    house.stop().await;
    house.start().await;
    let later = json!({"starts_at": "2099-01-01T00:00:00Z"});
    let moved = refused(&house, &format!("schedules/{first}/postpone"), later).await;
    assert_eq!(moved, (409, "PERFORMANCE_CALLED_OFF".to_owned()));
    let again = refused(&house, &format!("orders/{order}/refund"), json!({"reason": "asked"})).await;
    assert_eq!(again, (409, "ALREADY_REFUNDED".to_owned()));
    let again = done(&house, &house.operator_token(), &path, body).await;
    assert_eq!(again["seats_left"], 0);
    let refunds = house.http("GET", "/api/v1/admin/refunds", Some(&house.operator_token()), "").await.json();
    assert_eq!(refunds["refunds"].as_array().unwrap().len(), 1);

    // All of it: the other performance, too, and the sale is closed.
    let all = json!({"reason": "The hall is under water", "confirm": "CALL OFF"});
    let all =
        done(&house, &house.operator_token(), &format!("concerts/{}/call_off", house.concert), all).await;
    assert_eq!(all["refunds"].as_array().unwrap().len(), 2);
    given_back(&house).await;
    let sales = house.http("GET", "/api/v1/admin/sales", Some(&house.operator_token()), "").await.json();
    assert_eq!((&sales["sales"][0]["state"], &sales["sales"][0]["sold"]), (&json!("CLOSED"), &json!(0)));
    let log = format!("/api/v1/admin/log?concert_id={}", house.concert);
    let log = house.http("GET", &log, Some(&house.operator_token()), "").await.json();
    let told = log["entries"].as_array().unwrap().iter();
    let told: Vec<_> = told.map(|entry| (entry["what"].as_str().unwrap(), entry["reason"].clone())).collect();
    assert_eq!(
        told,
        [
            ("set", Value::Null),
            ("calloff", json!("The hall is under water")),
            ("set", Value::Null),
            ("calloff", json!("The singer is ill"))
        ]
    );
    house.audit().await;
}

/// Goal: refunds go on where they were, however often the server ends in the middle. Method: many orders, and a server that is
/// stopped again and again; each wallet has in the end what it had before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunds_go_on_after_each_start() {
    let mut house = House::open(Plan { seats: 300, ..Plan::default() }).await;
    let schedule = house.schedule();
    let mut users = Vec::new();
    for seat in 0..60 {
        let (fan, _) = bought(&house, schedule, &[seat]).await;
        users.push(fan.access_token.clone());
    }
    let body = json!({"reason": "Rain", "confirm": "CALL OFF"});
    done(&house, &house.operator_token(), &format!("schedules/{schedule}/call_off"), body).await;
    let mut starts = 0;
    loop {
        let left: u64 = house.context().refunds.progress().iter().map(|of| of.seats_left).sum();
        if left == 0 {
            break;
        }
        house.stop().await;
        house.start().await;
        starts += 1;
        // Each server gives back something.
        in_time("a refund", async {
            while house.context().refunds.progress().iter().map(|of| of.seats_left).sum::<u64>() == left {
                house.clock.advance(Duration::from_millis(100));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }
    assert!(starts > 0, "the first server was through before it was stopped");
    for token in &users {
        let balance = house.http("GET", "/api/v1/balance", Some(token), "").await.json();
        assert_eq!(balance["balance"], 10_000_000);
        let history = house.http("GET", "/api/v1/balance/history", Some(token), "").await.json();
        let refunds = history["entries"].as_array().unwrap().iter().filter(|entry| entry["type"] == "REFUND");
        assert_eq!(refunds.count(), 1);
    }
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_operators_who_refund_at_once_one_does_and_the_fan_is_told() {
    let house = House::open(Plan::default()).await;
    let (mut fan, order) = bought(&house, house.schedule(), &[0, 1]).await;
    let (path, body) = (format!("/api/v1/admin/orders/{order}/refund"), r#"{"reason":"Bought twice"}"#);
    let (_, manager) = house.operator(Role::Manager).await;
    let owner = house.operator_token();
    let both = tokio::join!(
        house.http("POST", &path, Some(&manager), body),
        house.http("POST", &path, Some(&owner), body)
    );
    let (one, two) = if both.0.status == 200 { (both.0, both.1) } else { (both.1, both.0) };
    let refunded = one.json();
    assert_eq!(
        (&refunded["balance"], &refunded["order"]["refunded"]),
        (&json!(10_000_000), &refunded["order"]["amount"])
    );
    assert_eq!(
        (&refunded["order"]["status"], &refunded["order"]["reason"]),
        (&json!("CANCELLED"), &json!("Bought twice"))
    );
    assert_eq!(two.outcome(), (409, "ALREADY_REFUNDED".to_owned()));
    assert_eq!(two.json()["at"], refunded["order"]["ended_at"]);
    let told = fan.pushed_until("reservation.update", |update| update["status"] == "CANCELLED").await;
    assert_eq!(told["reservation_id"], order.as_str());
    let tickets = fan.ok("tickets", json!({})).await;
    assert_eq!(tickets["cancelled"][0]["reason"], "Bought twice");
    assert!(tickets["cancelled"][0].get("called_off").is_none());
    let history = fan.ok("history", json!({})).await;
    let refunds = history["entries"].as_array().unwrap().iter().filter(|entry| entry["type"] == "REFUND");
    assert_eq!(refunds.count(), 1);
    // What the fan gave back, the operator is told of in the same way; what is held is no order.
    let (mut other, _) = house.joined(10_000_000).await;
    let held = other.ok("hold", json!({"schedule_id": house.schedule(), "seats": [5]})).await;
    let held = held["reservation_id"].as_str().unwrap();
    let refuse = |id: &str| format!("orders/{id}/refund");
    let of_held = refused(&house, &refuse(held), json!({"reason": "x"})).await;
    assert_eq!(of_held, (409, "RESERVATION_INVALID".to_owned()));
    for (path, body, expected) in [
        (refuse("x"), json!({"reason": "x"}), (400, "INVALID_PARAMS")),
        (
            refuse("00000001-019f-8200-8000-0123456789ab"),
            json!({"reason": "x"}),
            (404, "RESERVATION_NOT_FOUND"),
        ),
        (
            refuse("0f0f0f0f-019f-4200-8000-0123456789ab"),
            json!({"reason": "x"}),
            (404, "RESERVATION_NOT_FOUND"),
        ),
        (refuse(&order), json!({}), (400, "INVALID_PARAMS")),
        (refuse(&order), json!({"reason": " "}), (400, "INVALID_PARAMS")),
        ("schedules/1/call_off".to_owned(), json!({"reason": "x"}), (400, "INVALID_PARAMS")),
        (
            "schedules/1/call_off".to_owned(),
            json!({"reason": "x", "confirm": "call off"}),
            (400, "INVALID_PARAMS"),
        ),
        (
            "schedules/1/postpone".to_owned(),
            json!({"starts_at": "2001-01-01T00:00:00Z"}),
            (400, "INVALID_PARAMS"),
        ),
        (
            "schedules/999/postpone".to_owned(),
            json!({"starts_at": "2099-01-01T00:00:00Z"}),
            (404, "SCHEDULE_NOT_FOUND"),
        ),
        (
            "concerts/999/call_off".to_owned(),
            json!({"reason": "x", "confirm": "CALL OFF"}),
            (404, "CONCERT_NOT_FOUND"),
        ),
    ] {
        assert_eq!(refused(&house, &path, body).await, (expected.0, expected.1.to_owned()), "{path}");
    }
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_seats_come_back_and_whoever_waits_for_a_full_house_is_let_in() {
    let mut house = House::open(Plan { seats: 3, ..Plan::default() }).await;
    let schedule = house.schedule();
    let (mut fan, order) = bought(&house, schedule, &[0, 1, 2]).await;
    let paid = 10_000_000 - fan.ok("balance", json!({})).await["balance"].as_i64().unwrap();
    let (mut waiting, place) = house.joined(10_000_000).await;
    assert_eq!((&place["status"], &place["sold_out"]), (&json!("WAITING"), &json!(true)));

    let (id, manager) = house.operator(Role::Manager).await;
    let path = format!("orders/{order}/refund");
    let body = json!({"reason": "The seat is broken", "seats": [1]});
    let refunded = done(&house, &manager, &path, body.clone()).await;
    let (now, back) = (&refunded["order"], refunded["order"]["refunded"].as_i64().unwrap());
    assert_eq!((&now["status"], &now["amount"]), (&json!("RESERVED"), &json!(paid)));
    assert_eq!(refunded["balance"], json!(10_000_000 - paid + back));
    let seats =
        |of: &Value| of["seats"].as_array().unwrap().iter().map(|seat| seat["seat"].clone()).collect();
    let left: Vec<Value> = seats(now);
    assert_eq!(left, [json!(0), json!(2)]);

    // The fan is told, and the other one let in.
    let told = fan.pushed("reservation.update").await;
    let left: Vec<Value> = seats(&told);
    assert_eq!((&told["status"], left), (&json!("RESERVED"), vec![json!(0), json!(2)]));
    assert_eq!(told["amount"], json!(paid - back));
    assert_eq!(fan.pushed("balance.update").await["balance"], refunded["balance"]);
    let tickets = fan.ok("tickets", json!({})).await;
    assert_eq!(tickets["tickets"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&tickets["cancelled"][0]["seat"], &tickets["cancelled"][0]["reason"]),
        (&json!(1), &json!("The seat is broken"))
    );
    let again = fan.ok("pay", json!({"reservation_id": order})).await;
    assert_eq!(again["tickets"], json!(fan_tickets(&again["tickets"], &tickets["tickets"])));
    waiting.pushed_until("queue.update", |update| update["status"] == "PROGRESS").await;
    let held = waiting.ok("hold", json!({"schedule_id": schedule, "seats": [1]})).await;
    waiting.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;

    // Another operator is told who did it, also after a restart; and nothing half is done.
    house.stop().await;
    house.start().await;
    for (seats, expected) in [
        (json!([1]), (409, "ALREADY_REFUNDED")),
        (json!([0, 1]), (409, "ALREADY_REFUNDED")),
        (json!([0, 9]), (404, "SEAT_NOT_FOUND")),
        (json!([]), (400, "INVALID_PARAMS")),
        (json!(vec![0; 101]), (400, "INVALID_PARAMS")),
        (json!([-1]), (400, "INVALID_PARAMS")),
    ] {
        let body = json!({"reason": "x", "seats": seats}).to_string();
        let (path, token) = (format!("/api/v1/admin/{path}"), house.operator_token());
        let reply = house.http("POST", &path, Some(&token), &body).await;
        assert_eq!(reply.outcome(), (expected.0, expected.1.to_owned()), "{body}");
        if expected.1 == "ALREADY_REFUNDED" {
            let told = reply.json();
            assert_eq!((&told["by"]["operator_id"], &told["seats"]), (&json!(id), &json!([1])));
            assert!(told["at"].is_string(), "{told}");
        }
    }
    // Its owner gives back the rest; that was no operator.
    let mut fan = house.connection_of_token(&fan.access_token).await;
    let rest = fan.ok("cancel", json!({"reservation_id": order})).await;
    assert_eq!((&rest["reservation"]["status"], &rest["balance"]), (&json!("CANCELLED"), &json!(10_000_000)));
    let told =
        house.http("POST", &format!("/api/v1/admin/{path}"), Some(&manager), r#"{"reason":"x"}"#).await;
    assert_eq!((told.outcome().1.as_str(), told.json().get("by")), ("ALREADY_REFUNDED", None));
    let log = format!("/api/v1/admin/log?concert_id={}", house.concert);
    let log = house.http("GET", &log, Some(&house.operator_token()), "").await.json();
    let entry = &log["entries"][0];
    assert_eq!((&entry["what"], &entry["subject"]), (&json!("refund"), &json!(format!("order {order}"))));
    assert_eq!(entry["became"], json!({"refunded": back, "seats": [[1, 1]]}));
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sold_seat_becomes_another_one_and_the_old_code_opens_no_door() {
    let house = House::open(Plan { seats: 30, ..Plan::default() }).await;
    let schedule = house.schedule();
    let (mut fan, order) = bought(&house, schedule, &[0, 20]).await;
    let before = fan.ok("tickets", json!({})).await;
    let balance = fan.ok("balance", json!({})).await["balance"].clone();
    let (mut watcher, _) = house.joined(0).await;
    watcher.ok("seats.watch", json!({"schedule_id": schedule})).await;
    let (_, box_office) = house.operator(Role::BoxOffice).await;
    let path = format!("orders/{order}/move");
    let body = json!({"from": 20, "to": 21, "keep": true, "note": "Broken"});
    let now = done(&house, &box_office, &path, body).await;
    let seats: Vec<_> = now["seats"].as_array().unwrap().iter().map(|seat| seat["seat"].clone()).collect();
    assert_eq!((&now["status"], seats), (&json!("RESERVED"), vec![json!(0), json!(21)]));
    let told = fan.pushed("reservation.update").await;
    assert_eq!(
        (&told["status"], &told["seats"], &told["amount"]),
        (&now["status"], &now["seats"], &now["amount"])
    );
    watcher.seats_until(schedule, &[(20, Restricted), (21, Reserved)]).await;
    let after = fan.ok("tickets", json!({})).await;
    assert_eq!(after["cancelled"], json!([]), "nothing came back");
    let of = |tickets: &Value, seat: u32| {
        let mut tickets = tickets["tickets"].as_array().unwrap().iter();
        tickets.find(|ticket| ticket["seat"] == seat).cloned()
    };
    assert_eq!(of(&before, 0), of(&after, 0));
    let (old, new) = (of(&before, 20).unwrap(), of(&after, 21).unwrap());
    assert_eq!((&new["moved_from"], of(&after, 20)), (&old["label"], None));
    assert_ne!((&new["code"], &new["ticket_id"]), (&old["code"], &old["ticket_id"]));
    assert_eq!(fan.ok("balance", json!({})).await["balance"], balance);
    let history = fan.ok("history", json!({})).await;
    assert_eq!(history["entries"][0]["purchase"]["seats"], 2, "an exchanged ticket is not counted twice");

    let held = watcher.ok("hold", json!({"schedule_id": schedule, "seats": [22]})).await;
    assert_eq!(held["status"], "TEMP_RESERVED");
    for (body, expected) in [
        (json!({"from": 21, "to": 22}), (409, "SEAT_TAKEN")),
        (json!({"from": 20, "to": 23}), (404, "SEAT_NOT_FOUND")),
        (json!({"from": 21, "to": 99}), (404, "SEAT_NOT_FOUND")),
        (json!({"from": 0, "to": 29}), (400, "INVALID_PARAMS")),
        (json!({"from": 0}), (400, "INVALID_PARAMS")),
        (json!({"from": 21, "to": 23, "note": ""}), (400, "INVALID_PARAMS")),
    ] {
        assert_eq!(refused(&house, &path, body.clone()).await, (expected.0, expected.1.to_owned()), "{body}");
    }
    let unknown = refused(&house, "orders/x/move", json!({"from": 1, "to": 2})).await;
    assert_eq!(unknown, (400, "INVALID_PARAMS".to_owned()));
    let log = format!("/api/v1/admin/log?concert_id={}", house.concert);
    let log = house.http("GET", &log, Some(&house.operator_token()), "").await.json();
    let told: Vec<_> = log["entries"].as_array().unwrap().iter().map(|entry| &entry["what"]).collect();
    assert_eq!(told, ["keep", "move"]);
    assert_eq!(
        (&log["entries"][1]["was"], &log["entries"][1]["became"]),
        (&json!({"seat": 20}), &json!({"seat": 21}))
    );
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_concert_has_another_performance_which_is_on_sale_at_once() {
    let mut house = House::open(Plan { seats: 40, ..Plan::default() }).await;
    let (mut fan, _) = house.joined(10_000_000).await;
    let before = fan.ok("schedules", json!({})).await;
    let imported = before["schedules"][0]["prices"].clone();
    let (_, manager) = house.operator(Role::Manager).await;
    let path = format!("concerts/{}/schedules", house.concert);
    let at = |days: u64| {
        let at = house.clock.utc() + Duration::from_secs(days * DAY);
        json!(frontrow_protocol::Timestamp::from_millis(at.as_millis()))
    };
    let (late, later, past) = (at(50), at(51), at(0));
    let body = json!({"starts_at": late, "prices": {"VIP": 77_000}}).to_string();
    let added = house.http("POST", &format!("/api/v1/admin/{path}"), Some(&manager), &body).await;
    assert_eq!(added.status, 201, "{:?}", added.json());
    let added = added.json();
    assert_eq!((&added["starts_at"], &added["prices"]["VIP"]), (&late, &json!(77_000)));
    let schedule = added["schedule_id"].as_u64().unwrap();
    let told = fan.pushed("sale.update").await;
    assert!(told["revision"].as_u64() > before["revision"].as_u64(), "{told}");
    let after = fan.ok("schedules", json!({})).await;
    assert_eq!(after["schedules"].as_array().unwrap().len(), 2);
    assert_eq!(after["schedules"][1]["schedule_id"], json!(schedule));
    assert_eq!(
        (after["schedules"][1]["seats"].clone(), &after["schedules"][0]["prices"]),
        (json!(40), &imported)
    );
    let layout = house.http("GET", &format!("/api/v1/schedules/{schedule}/layout"), None, "").await;
    assert_eq!(layout.status, 200);

    // Its seats are watched, held and sold like those of the others, also after a restart.
    fan.ok("seats.watch", json!({"schedule_id": schedule})).await;
    let (mut other, order) = bought(&house, schedule, &[0]).await;
    fan.seats_until(schedule, &[(0, Reserved)]).await;
    assert_eq!(10_000_000 - 77_000, other.ok("balance", json!({})).await["balance"].as_i64().unwrap());
    let list = house.http("GET", "/api/v1/concerts", None, "").await.json();
    assert_eq!(list["concerts"][0]["schedules"].as_array().unwrap().len(), 2);
    house.stop().await;
    house.start().await;
    let list = house.http("GET", "/api/v1/concerts", None, "").await.json();
    assert_eq!(list["concerts"][0]["schedules"][1]["schedule_id"], json!(schedule));
    done(&house, &manager, &format!("orders/{order}/refund"), json!({"reason": "Asked"})).await;

    for (body, expected) in [
        (json!({"starts_at": late}), (400, "INVALID_PARAMS")),
        (json!({"starts_at": past}), (400, "INVALID_PARAMS")),
        (json!({"starts_at": later, "prices": {"Nowhere": 1}}), (400, "INVALID_PARAMS")),
        (json!({"starts_at": later, "prices": {"VIP": -1}}), (400, "INVALID_PARAMS")),
        (json!({"starts_at": later, "prices_of": 999}), (404, "SCHEDULE_NOT_FOUND")),
        (json!({}), (400, "INVALID_PARAMS")),
    ] {
        assert_eq!(refused(&house, &path, body.clone()).await, (expected.0, expected.1.to_owned()), "{body}");
    }
    let nowhere = refused(&house, "concerts/999/schedules", json!({"starts_at": later})).await;
    assert_eq!(nowhere, (404, "CONCERT_NOT_FOUND".to_owned()));
    let body = json!({"starts_at": later, "prices_of": schedule}).to_string();
    let third = house.http("POST", &format!("/api/v1/admin/{path}"), Some(&manager), &body).await.json();
    assert_eq!(third["prices"], added["prices"]);
    house.audit().await;
}

/// Goal: what the plan keeps from sale is kept in another performance from its first moment, also what the box office sold of it; what
/// was put on sale in all of them is for sale. Method: by its calls, and again after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_performance_keeps_the_seats_that_the_plan_keeps() {
    let mut house = House::open(Plan { seats: 40, restricted: &[4, 5, 6], ..Plan::default() }).await;
    let (_, manager) = house.operator(Role::Manager).await;
    let first = house.schedule();
    let gift = json!({"seats": [4], "source": "gift", "request_id": "0198a000-0000-7000-8000-000000000001"});
    let path = format!("/api/v1/admin/schedules/{first}/sell");
    assert_eq!(house.http("POST", &path, Some(&manager), &gift.to_string()).await.status, 201);
    let opened = json!({"restrict": false, "select": {"seats": [5]}});
    done(&house, &manager, &format!("schedules/{first}/seats"), opened).await;

    let at = house.clock.utc() + Duration::from_secs(50 * DAY);
    let at = frontrow_protocol::Timestamp::from_millis(at.as_millis());
    let (path, body) = (format!("concerts/{}/schedules", house.concert), json!({"starts_at": at}));
    let path = format!("/api/v1/admin/{path}");
    let added = house.http("POST", &path, Some(&manager), &body.to_string()).await.json();
    let left: u64 = added["left"].as_object().unwrap().values().map(|left| left.as_u64().unwrap()).sum();
    assert_eq!(left, 38, "{added}");
    let schedule = added["schedule_id"].as_u64().unwrap();
    let (mut fan, _) = house.joined(10_000_000).await;
    for (seat, expected) in [(4, Some("SEAT_RESTRICTED")), (5, None), (6, Some("SEAT_RESTRICTED"))] {
        let wish = json!({"schedule_id": schedule, "seats": [seat]});
        match expected {
            Some(reason) => assert_eq!(fan.refused("hold", wish).await, reason, "{seat}"),
            None => drop(fan.ok("hold", wish).await),
        }
    }
    house.audit().await;
    house.stop().await;
    house.start().await;
    let (mut fan, _) = house.joined(10_000_000).await;
    let wish = json!({"schedule_id": schedule, "seats": [6]});
    assert_eq!(fan.refused("hold", wish).await, "SEAT_RESTRICTED");
    house.audit().await;
}

/// Goal: nothing is left of a performance whose making was broken off, wherever it was. Method: every table is counted before and
/// after; a server is killed in the middle, while it makes one and while it takes one away, and one goes on too slowly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_of_a_performance_that_was_not_made_is_taken_away() {
    let mut house = House::open(Plan { seats: 1_500, ..Plan::default() }).await;
    let starts_at = house.clock.utc() + Duration::from_secs(60 * DAY);
    let rows = async |house: &House| {
        let rows = row_counts(house).await;
        ["concert_schedule", "concert_seat", "concert", "venue_layout"].map(|table| rows[table])
    };
    let before = rows(&house).await;
    for left in ["half made", "whole", "half taken away"] {
        house.stop().await;
        let store = house.open_store().await;
        let seats_max = if left == "half made" { 700 } else { usize::MAX };
        let made = store.prepare_schedule(house.concert, starts_at, seats_max).await.unwrap();
        assert_eq!(made.is_whole, left != "half made");
        let unfinished = store.unfinished().expect("this store has unfinished ones");
        let seen = unfinished.unfinished().await.unwrap();
        if left == "half taken away" {
            assert!(unfinished.give_up(&seen[0]).await.unwrap());
            unfinished.clear_given_up(house.concert, made.schedule, 600).await.unwrap();
        }
        assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
        drop(store);
        house.start().await;
        let gone = async {
            let unfinished = house.store().unfinished().unwrap();
            while !unfinished.unfinished().await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        match house.database_url() {
            // Nobody else can be at it, and nothing is waited for.
            None => in_time("the end of what was left", gone).await,
            Some(_) => house.turning("the end of what was left", gone).await,
        }
        assert_eq!(rows(&house).await, before, "{left}");
    }

    // Another server may be at it: as long as it goes on, it is left alone, and what was given up is gone on with by nobody.
    let (additions, unfinished) = (&house.context().additions, house.store().unfinished().unwrap());
    let mut seen = Default::default();
    for seats in [100, 200, 300] {
        house.store().prepare_schedule(house.concert, starts_at, 100).await.unwrap();
        additions.look(unfinished, &mut seen, false).await.unwrap();
        assert_eq!(unfinished.unfinished().await.unwrap()[0].seats, seats);
        house.clock.advance(RESTS_AFTER - Duration::from_secs(1));
        additions.look(unfinished, &mut seen, false).await.unwrap();
        assert_eq!(unfinished.unfinished().await.unwrap()[0].seats, seats);
    }
    // Who makes one here may take as long as it takes.
    let being_made = additions.begin(house.concert, starts_at).unwrap();
    assert!(additions.begin(house.concert, starts_at).is_none());
    house.clock.advance(RESTS_AFTER);
    additions.look(unfinished, &mut seen, false).await.unwrap();
    assert_eq!(unfinished.unfinished().await.unwrap().len(), 1);
    drop(being_made);
    house.clock.advance(RESTS_AFTER);
    in_time("the end of what was left", async {
        while !unfinished.unfinished().await.unwrap().is_empty() {
            additions.look(unfinished, &mut seen, false).await.unwrap();
        }
    })
    .await;
    assert_eq!(rows(&house).await, before);
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_over_is_archived_and_its_tickets_are_still_there() {
    let mut house = House::open(Plan::default()).await;
    let (mut fan, order) = bought(&house, house.schedule(), &[0]).await;
    let path = format!("concerts/{}/archive", house.concert);
    let archive = async |house: &House| {
        let (path, token) = (format!("/api/v1/admin/{path}"), house.operator_token());
        let reply = house.http("POST", &path, Some(&token), "").await;
        (reply.outcome(), reply.json()["detail"].as_str().map(str::to_owned))
    };
    let not_over = (409, "NOT_OVER".to_owned());
    let sale = format!("/api/v1/admin/sales/{}", house.concert);
    assert_eq!(archive(&house).await, (not_over.clone(), Some("the sale is not closed".to_owned())));
    house.http("PATCH", &sale, Some(&house.operator_token()), r#"{"state":"CLOSED"}"#).await;
    let to_come = format!("performance {} is still to come", house.schedule());
    assert_eq!(archive(&house).await, (not_over, Some(to_come)));
    house.advance(31 * DAY);
    let token = house.operator_token();
    assert_eq!(done(&house, &token, &path, json!({})).await, json!({}));
    // Nobody sees it any more, but for what they bought; and nothing of it changes.
    in_time("the lane", async {
        while house.context().fanout.sale(house.concert).is_some() {
            house.clock.advance(Duration::from_millis(10));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    for restarted in [false, true] {
        if restarted {
            house.stop().await;
            house.start().await;
            fan = house.connection_of_token(&fan.access_token).await;
        }
        let list = house.http("GET", "/api/v1/concerts", None, "").await.json();
        assert_eq!(list["concerts"], json!([]));
        let sales = house.http("GET", "/api/v1/admin/sales", Some(&token), "").await.json();
        assert_eq!(sales["sales"], json!([]));
        assert_eq!(fan.ok("tickets", json!({})).await["tickets"].as_array().unwrap().len(), 1);
        let refund = refused(&house, &format!("orders/{order}/refund"), json!({"reason": "x"})).await;
        assert_eq!(refund, (404, "CONCERT_NOT_FOUND".to_owned()));
        // Asked again, it is so already.
        assert_eq!(archive(&house).await.0.0, 200);
    }
    let nowhere = refused(&house, "concerts/999/archive", json!({})).await;
    assert_eq!(nowhere, (404, "CONCERT_NOT_FOUND".to_owned()));
    let log = format!("/api/v1/admin/log?concert_id={}", house.concert);
    let log = house.http("GET", &log, Some(&token), "").await.json();
    assert_eq!(log["entries"][0]["what"], "archive");
    house.audit().await;
}

/// The tickets of a repeated payment are those that are valid.
fn fan_tickets(paid: &Value, valid: &Value) -> Vec<Value> {
    let codes: Vec<_> = valid.as_array().unwrap().iter().map(|ticket| &ticket["code"]).collect();
    let is_valid = |ticket: &&Value| codes.contains(&&ticket["code"]);
    paid.as_array().unwrap().iter().filter(is_valid).cloned().collect()
}

/// Goal: a show that broke off is refunded long after it. Method: a sale with nothing left to run, which nobody runs after a
/// restart, and which an operator's call loads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_of_long_ago_is_refunded() {
    let mut house = House::open(Plan::default()).await;
    let (fan, order) = bought(&house, house.schedule(), &[0]).await;
    let token = fan.access_token.clone();
    drop(fan);
    house.stop().await;
    house.advance(100 * DAY);
    house.start().await;
    let figures = house.http("GET", "/api/v1/admin/sales", Some(&house.operator_token()), "").await.json();
    assert_eq!(figures["sales"], json!([]), "it has nothing left to run");
    // The clock goes on no faster than the sale is read and the store writes.
    let clock = house.clock.clone();
    let turning = async {
        loop {
            tokio::time::sleep(Duration::from_millis(2)).await;
            clock.advance(Duration::from_millis(5));
        }
    };
    let (path, body) = (format!("orders/{order}/refund"), json!({"reason": "It broke off"}));
    let operator = house.operator_token();
    let refunded = tokio::select! {
        refunded = done(&house, &operator, &path, body) => refunded,
        () = turning => unreachable!("it turns on and on"),
    };
    assert_eq!(refunded["order"]["status"], "CANCELLED");
    assert_eq!(house.http("GET", "/api/v1/balance", Some(&token), "").await.json()["balance"], 10_000_000);
    house.audit().await;
    // Called off as a whole it runs for as long as it takes, without being named.
    let body = json!({"reason": "It broke off", "confirm": "CALL OFF"});
    done(&house, &house.operator_token(), &format!("schedules/{}/call_off", house.schedule()), body).await;
    house.stop().await;
    house.start().await;
    let figures = house.http("GET", "/api/v1/admin/sales", Some(&house.operator_token()), "").await.json();
    assert_eq!(figures["sales"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_does_the_same_and_the_history_tells_it() {
    let house = House::open(Plan { schedules: 2, ..Plan::default() }).await;
    let [first, second] = [house.schedules[0].to_string(), house.schedules[1].to_string()];
    let (_, order) = bought(&house, house.schedules[1], &[2]).await;
    let (_, other) = bought(&house, house.schedules[1], &[4, 5, 6]).await;
    let address = house.address().to_string();
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
        command.args(arguments).arg("--data").arg(house.data());
        command.args(house.database_url().iter().flat_map(|url| ["--database-url", url]));
        if arguments[0] != "history" {
            command.args(["--server", &format!("http://{address}"), "--token", &house.operator_token()]);
        }
        let output = in_time("the command", tokio::task::spawn_blocking(move || command.output())).await;
        let output = output.unwrap().unwrap();
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let json = |(_, text): (bool, String)| serde_json::from_str::<Value>(&text).unwrap();
    let refunded = json(run(&["orders", "refund", &order, "--reason", "Asked"]).await);
    assert_eq!(refunded["order"]["reason"], "Asked");
    let some = json(run(&["orders", "refund", &other, "--reason", "Broken", "--seats", "5,6"]).await);
    assert_eq!(
        (&some["order"]["status"], some["order"]["seats"].as_array().unwrap().len()),
        (&json!("RESERVED"), 1)
    );
    let given =
        json(run(&["orders", "move", &other, "--from", "4", "--to", "3", "--note", "Tall people"]).await);
    assert_eq!(given["seats"][0]["seat"], 3);
    let rest = json(run(&["orders", "refund", &other, "--reason", "Asked"]).await);
    assert_eq!(rest["order"]["refunded"], rest["order"]["amount"]);
    let starts_at = "2099-05-01T19:00:00+09:00";
    let moved =
        json(run(&["schedule", "postpone", &first, "--starts-at", starts_at, "--reason", "Rain"]).await);
    assert_eq!(moved["starts_at"], "2099-05-01T10:00:00.000Z");
    assert!(!run(&["schedule", "call-off", &second, "--reason", "Ill"]).await.0, "without --yes");
    let off = json(run(&["schedule", "call-off", &second, "--reason", "Ill", "--yes"]).await);
    assert_eq!((&off["seats_left"], off["schedule_id"].to_string()), (&json!(0), second.clone()));
    assert_eq!(json(run(&["schedule", "refunds"]).await)["refunds"].as_array().unwrap().len(), 1);
    let concert = house.concert.to_string();
    let another =
        ["schedule", "add", &concert, "--starts-at", "2099-06-01T19:00:00+09:00", "--prices-of", &first];
    let another = json(run(&another).await)["schedule_id"].to_string();
    let (_, told) = run(&["history", "--sale", &house.concert.to_string()]).await;
    for line in [
        format!("moved performance {first} from "),
        format!("added performance {another} at 2099-06-01T10:00:00.000Z"),
        format!("called performance {second} off: Ill"),
        format!("of reservation {order} to user "),
        format!("for 2 seats of reservation {other} to user "),
        format!("seat 3 in the place of seat 4, of reservation {other}: Tall people"),
    ] {
        assert!(told.contains(&line), "{line} is not in\n{told}");
    }
    let (_, told) = run(&["history", "--seat", &format!("{second}:2")]).await;
    assert!(told.contains("by an operator: Asked") && told.contains("off: Ill"), "{told}");
}
