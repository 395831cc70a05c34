//! Prices that an operator changes while a sale runs: fans see the new ones at once, and whoever holds or bought seats keeps
//! theirs, in everything that tells of them.

use std::process::Command;

use frontrow_protocol::Role;
use serde_json::{Value, json};

use crate::harness::{Fan, House, Plan, Reply, in_time};

async fn change(house: &House, schedule: u64, body: &Value) -> Reply {
    let path = format!("/api/v1/admin/schedules/{schedule}");
    house.http("PATCH", &path, Some(&house.operator_token()), &body.to_string()).await
}

/// Seats of a category, by their numbers.
async fn seats_of(house: &House, category: &str) -> Vec<u32> {
    let layout = house.http("GET", &format!("/api/v1/schedules/{}/layout", house.schedule()), None, "").await;
    let layout = layout.json();
    let index =
        layout["categories"].as_array().unwrap().iter().position(|of| of["name"] == category).unwrap();
    let of = layout["seats"]["category"].as_array().unwrap().clone();
    (0..).zip(of).filter(|(_, of)| *of == json!(index)).map(|(seat, _)| seat).collect()
}

async fn prices(fan: &mut Fan) -> (u64, Value) {
    let shown = fan.ok("schedules", json!({})).await;
    (shown["revision"].as_u64().unwrap(), shown["schedules"][0]["prices"]["VIP"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_holds_and_who_bought_keep_their_prices_and_others_see_the_new_ones() {
    let mut house = House::open(Plan { seats: 300, ..Plan::default() }).await;
    let schedule = house.schedule();
    let seats = seats_of(&house, "VIP").await;
    let (mut holder, _) = house.joined(10_000_000).await;
    let (mut buyer, _) = house.joined(10_000_000).await;
    let (mut late, _) = house.joined(10_000_000).await;
    let (before, was) = prices(&mut late).await;
    let was = was.as_i64().unwrap();
    let hold = |seat: u32| json!({"schedule_id": schedule, "seats": [seat]});
    let held = holder.ok("hold", hold(seats[0])).await;
    let bought = buyer.ok("hold", hold(seats[1])).await;
    let paid = buyer.ok("pay", json!({"reservation_id": bought["reservation_id"]})).await;
    assert_eq!((&held["amount"], &paid["payment"]["amount"]), (&json!(was), &json!(was)));

    let path = format!("/api/v1/schedules/{schedule}/layout");
    let drawn = house.http("GET", &path, None, "").await;
    let etag = drawn.header("etag").to_owned();
    assert_eq!(drawn.header("cache-control"), "no-cache");
    let answer = change(&house, schedule, &json!({"prices": {"VIP": was + 7}})).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    assert_eq!(answer.json()["prices"]["VIP"], was + 7);
    assert_eq!(answer.json()["left"]["VIP"], seats.len() - 2);

    // Whoever watches is told, and asks again; the drawing says it, too.
    let told = late.pushed_until("sale.update", |update| update["revision"].as_u64() > Some(before)).await;
    let (revision, now) = prices(&mut late).await;
    assert_eq!((json!(revision), now), (told["revision"].clone(), json!(was + 7)));
    let drawn = house.http_with("GET", &path, &[("if-none-match", &etag)], "").await;
    assert_eq!(drawn.status, 200);
    let categories = drawn.json()["categories"].clone();
    let vip = categories.as_array().unwrap().iter().find(|of| of["name"] == "VIP").unwrap().clone();
    assert_eq!(vip["price"], was + 7);

    // A hold gets one more seat: the first for what it cost then, the second for what it costs now.
    let both = holder.ok("hold", json!({"schedule_id": schedule, "seats": [seats[0], seats[2]]})).await;
    let of = |reservation: &Value| {
        let seats = reservation["seats"].as_array().unwrap().iter();
        seats.map(|seat| seat["price"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((of(&both), &both["amount"]), (vec![was, was + 7], &json!(2 * was + 7)));
    let new = late.ok("hold", hold(seats[3])).await;
    assert_eq!((of(&new), &new["amount"]), (vec![was + 7], &json!(was + 7)));
    let best = json!({"schedule_id": schedule, "count": 1, "category": "VIP", "max_price": was});
    assert_eq!(late.refused("hold_best", best).await, "NO_SEATS_AVAILABLE");

    // And so it is after a restart, with the price changed once more.
    change(&house, schedule, &json!({"prices": {"VIP": was + 9}})).await;
    let (holding, buying) = (both["reservation_id"].clone(), paid["payment"]["reservation_id"].clone());
    let users = [holder, buyer].map(|fan| fan.access_token);
    house.stop().await;
    house.start().await;
    let [mut holder, mut buyer] =
        [house.connection_of_token(&users[0]).await, house.connection_of_token(&users[1]).await];
    let known = holder.ok("reservations", json!({})).await["reservations"][0].clone();
    assert_eq!((of(&known), &known["reservation_id"]), (vec![was, was + 7], &holding));
    holder.ok("queue.join", json!({"concert_id": house.concert.0})).await;
    let paid = holder.ok("pay", json!({"reservation_id": holding})).await;
    let tickets = |paid: &Value| {
        let tickets = paid["tickets"].as_array().unwrap().iter();
        tickets.map(|ticket| ticket["price"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((&paid["payment"]["amount"], tickets(&paid)), (&json!(2 * was + 7), vec![was, was + 7]));
    let mut listed = tickets(&holder.ok("tickets", json!({})).await);
    listed.sort_unstable();
    assert_eq!(listed, [was, was + 7]);
    assert_eq!(tickets(&buyer.ok("tickets", json!({})).await), [was]);
    let balance = buyer.ok("balance", json!({})).await["balance"].as_i64().unwrap();
    let back = buyer.ok("cancel", json!({"reservation_id": buying})).await;
    assert_eq!(back["balance"], balance + was);
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_operators_who_reprice_the_second_is_told_what_it_costs() {
    let house = House::open(Plan { schedules: 2, ..Plan::default() }).await;
    let (first, second) = (house.schedules[0], house.schedules[1]);
    let vip = change(&house, first, &json!({})).await.json()["prices"]["VIP"].as_i64().unwrap();
    let seen = |price: i64, was: i64| json!({"prices": {"VIP": price}, "was": {"prices": {"VIP": was}}});
    let (one, other) = (seen(1, vip), seen(2, vip));
    let (one, other) = tokio::join!(change(&house, first, &one), change(&house, first, &other));
    let (won, lost) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!((won.status, lost.outcome()), (200, (409, "CHANGED_MEANWHILE".to_owned())));
    let told = lost.json();
    assert_eq!(told["was"], json!({"schedule_id": first, "prices": {"VIP": won.json()["prices"]["VIP"]}}));
    assert!(told["at"].is_string() && told["by"].is_object(), "{told}");

    // In all performances or in none: one of them is not as it was seen.
    let all = |price: i64, was: i64| json!({"prices": {"VIP": price}, "all_performances": true, "was": {"prices": {"VIP": was}}});
    let refused = change(&house, second, &all(5, vip)).await;
    assert_eq!((refused.status, &refused.json()["was"]["schedule_id"]), (409, &json!(first)));
    assert_eq!(change(&house, second, &json!({})).await.json()["prices"]["VIP"], vip);
    let is = won.json()["prices"]["VIP"].as_i64().unwrap();
    assert_eq!(change(&house, second, &seen(is, vip)).await.status, 200);
    assert_eq!(change(&house, second, &all(5, is)).await.status, 200);
    for schedule in [first, second] {
        assert_eq!(change(&house, schedule, &json!({})).await.json()["prices"]["VIP"], 5);
    }
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_price_of_a_performance_to_come_is_refused() {
    let house = House::open(Plan { schedules: 2, ..Plan::default() }).await;
    let schedule = house.schedule();
    for (schedule, body, expected) in [
        (schedule, r#"{"prices":{"Royal":1}}"#, (400, "INVALID_PARAMS")),
        (schedule, r#"{"prices":{"VIP":1},"was":{"prices":{"Royal":1}}}"#, (400, "INVALID_PARAMS")),
        (schedule, r#"{"prices":{"VIP":-1}}"#, (400, "INVALID_PARAMS")),
        (schedule, r#"{"prices":{"VIP":1.5}}"#, (400, "INVALID_PARAMS")),
        (schedule, r#"{"prices":{"VIP":9007199254740991}}"#, (400, "INVALID_PARAMS")),
        (schedule, r#"{"prices":{"VIP":1,"VIP":2}}"#, (400, "INVALID_PARAMS")),
        (schedule, r#"{"prices":null}"#, (400, "INVALID_PARAMS")),
        (schedule, r#"{"price":{"VIP":1}}"#, (400, "INVALID_PARAMS")),
        (999, r#"{"prices":{"VIP":1}}"#, (404, "SCHEDULE_NOT_FOUND")),
    ] {
        let path = format!("/api/v1/admin/schedules/{schedule}");
        let reply = house.http("PATCH", &path, Some(&house.operator_token()), body).await;
        assert_eq!(reply.outcome(), (expected.0, expected.1.to_owned()), "{body}");
    }
    house.clock.advance(std::time::Duration::from_secs(30 * 86_400 + 60));
    let begun = change(&house, schedule, &json!({"prices": {"VIP": 1}})).await;
    assert_eq!(begun.outcome(), (409, "PERFORMANCE_BEGUN".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_changes_prices_and_tells_who_did() {
    let house = House::open(Plan { seats: 300, schedules: 2, ..Plan::default() }).await;
    let (_, session) = house.operator(Role::Manager).await;
    let (schedule, address) = (house.schedule().to_string(), house.address().to_string());
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
        command.args(arguments);
        if arguments[0] == "sale" {
            command.args(["--server", &format!("http://{address}"), "--token", &session]);
        } else {
            command.arg("--data").arg(house.data());
            command.args(house.database_url().iter().flat_map(|url| ["--database-url", url]));
        }
        let output = in_time("the command", tokio::task::spawn_blocking(move || command.output())).await;
        let output = output.unwrap().unwrap();
        (output.status.success(), [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()))
    };
    let was = change(&house, house.schedule(), &json!({})).await.json()["prices"]["VIP"].clone();
    let seen = format!("VIP={was}");
    let (done, [out, err]) =
        run(&["sale", "prices", &schedule, "VIP=120000", "--was", &seen, "--all-performances"]).await;
    assert!(done, "{err}");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["prices"]["VIP"], 120_000);
    let (done, [_, err]) = run(&["sale", "prices", &schedule, "VIP=130000", "--was", &seen]).await;
    assert!(!done && err.contains("somebody changed it meanwhile"), "{err}");
    let (_, [story, _]) = run(&["history", "--sale", &house.concert.0.to_string()]).await;
    let told = format!("changed prices of performance {schedule}: VIP from {was} to 120000");
    assert!(story.contains("a manager (operator ") && story.contains(&told), "{story}");
}
