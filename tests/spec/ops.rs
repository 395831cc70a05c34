//! Goal: an operator sees the night live: every sale, and one with its details; a sale that does not answer is shown as that,
//! and whoever is an operator no more sees nothing more. Method: consoles over real sockets, which apply updates as the
//! protocol says.

use std::collections::BTreeMap;

use frontrow::config::Config;
use frontrow_protocol::{Role, SeatState};
use frontrow_testing::simulated::{Call, Database};
use serde_json::{Value, json};

use super::harness::{Fan, House, Plan, in_time};

/// Somebody who watches, as a client does.
struct Console {
    fan: Fan,
    scope: Value,
    seq: u64,
    lines: BTreeMap<u64, Value>,
    detail: Value,
}

impl Console {
    /// Watches by this token; `scope` is one sale, or null.
    async fn open(house: &House, token: &str, scope: Value) -> Self {
        let mut fan = house.stranger().await;
        let welcome = fan.ok("hello", json!({"access_token": token})).await;
        assert!(welcome["operator"]["roles"].is_array() && welcome.get("user_id").is_none(), "{welcome}");
        let params = if scope.is_null() { json!({}) } else { json!({"concert_id": scope}) };
        let state = fan.ok("ops.watch", params).await;
        assert_eq!(state["concert_id"], scope);
        let seq = state["seq"].as_u64().unwrap();
        let mut console = Self { fan, scope, seq, lines: BTreeMap::new(), detail: json!(null) };
        console.take(&state);
        console
    }

    fn take(&mut self, news: &Value) {
        for line in news["sales"].as_array().unwrap() {
            self.lines.insert(line["concert_id"].as_u64().unwrap(), line.clone());
        }
        for gone in news["gone"].as_array().into_iter().flatten() {
            self.lines.remove(&gone.as_u64().unwrap());
        }
        if let Some(detail) = news.get("detail") {
            self.detail = detail.clone();
        }
    }

    /// Reads on until it is so, while the clock goes on.
    async fn until(&mut self, house: &House, what: &str, is_so: impl Fn(&Self) -> bool) {
        let reading = async {
            while !is_so(self) {
                let update = self.fan.pushed("ops.update").await;
                if update["concert_id"] != self.scope || update["seq"].as_u64().unwrap() <= self.seq {
                    continue;
                }
                assert!(update["from"].as_u64().unwrap() <= self.seq, "a gap in {update}");
                self.seq = update["seq"].as_u64().unwrap();
                self.take(&update);
            }
        };
        house.turning(what, reading).await;
    }

    fn figures(&self, concert: u64) -> &Value {
        self.lines.get(&concert).map_or(&Value::Null, |line| &line["figures"])
    }
}

async fn operator(house: &House, role: Role) -> String {
    house.operator(role).await.1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_night_is_seen_live() {
    let house = House::open(Plan { capacity: 2, ..Plan::default() }).await;
    let concert = u64::from(house.concert.0);
    let viewer = operator(&house, Role::Viewer).await;
    let mut all = Console::open(&house, &viewer, json!(null)).await;
    let mut one = Console::open(&house, &viewer, json!(concert)).await;
    // On a busy machine the clock may turn past the time that the lane has to answer: then it does in a later round.
    let is_figured = |console: &Console| {
        console.figures(concert)["seats"] == 20 && console.lines[&concert]["answers"] == true
    };
    all.until(&house, "the first figures", is_figured).await;
    let line = &all.lines[&concert];
    assert_eq!((&line["title"], &line["runs"]), (&json!("A night"), &json!("here")));
    assert_eq!(line["figures_at"], json!(null));

    let wanted = |seats: &[u32]| json!({"schedule_id": house.schedule(), "seats": seats});
    let (mut ada, _) = house.joined(1_000_000).await;
    let (mut bob, _) = house.joined(1_000_000).await;
    let (mut cyd, _) = house.joined(0).await;
    let held = ada.ok("hold", wanted(&[0, 1])).await;
    assert_eq!(bob.refused("hold", wanted(&[1])).await, "SEAT_TAKEN");
    let is_held = |console: &Console| {
        let figures = console.figures(concert);
        figures["held"] == 2 && figures["progress"] == 2 && figures["waiting"] == 1
    };
    all.until(&house, "who came", is_held).await;
    one.until(&house, "who came", is_held).await;
    let figures = all.figures(concert);
    assert_eq!(
        (&figures["available"], &figures["sold"], &figures["money"]),
        (&json!(18), &json!(0), &json!(0))
    );
    assert_eq!(
        (&figures["capacity"], &figures["state"], &figures["currency"]),
        (&json!(2), &json!("OPEN"), &json!("KRW"))
    );
    assert!(figures["joins_per_minute"].as_u64().unwrap() >= 3, "{figures}");
    one.until(&house, "the refusal", |console| console.detail["refusals_per_minute"]["SEAT_TAKEN"].is_u64())
        .await;
    assert!(one.detail["answers_ms"]["p50"].as_f64() <= one.detail["answers_ms"]["p99"].as_f64());
    assert!(one.detail["commit_ms"]["p99"].as_f64().unwrap() > 0.0);
    assert_eq!(one.detail["settings"]["capacity"], 2);
    assert_eq!(one.detail["by_schedule"][0]["held"], 2);

    ada.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    all.until(&house, "the sale", |console| console.figures(concert)["money"] == held["amount"]).await;
    let figures = all.figures(concert);
    assert_eq!((&figures["sold"], &figures["held"], &figures["progress"]), (&json!(2), &json!(0), &json!(2)));
    cyd.status("PROGRESS").await;

    // What an operator changes is seen by the others, and what was given back is no money any more.
    let path = format!("/api/v1/admin/sales/{concert}");
    let patch = r#"{"state":"PAUSED","message":"One moment"}"#;
    assert_eq!(house.http("PATCH", &path, Some(&house.operator_token()), patch).await.status, 200);
    ada.ok("cancel", json!({"reservation_id": held["reservation_id"]})).await;
    one.until(&house, "the pause", |console| {
        console.figures(concert)["state"] == "PAUSED" && console.figures(concert)["money"] == 0
    })
    .await;
    assert_eq!(one.detail["message"], "One moment");

    // What is watched no more is not told any more.
    one.fan.ok("ops.unwatch", json!({"concert_id": concert})).await;
    assert_eq!(house.context().fanout.consoles.watched(), [None]);
    assert_eq!(one.fan.refused("ops.watch", json!({"concert_id": 4_000})).await, "CONCERT_NOT_FOUND");
    drop((all, one));
    house.connections(3).await;
    assert!(!house.context().fanout.consoles.is_watched());
}

/// What is called off is no next performance, and nothing of it is free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_go_by_the_performances_that_are_played() {
    let house = House::open(Plan { schedules: 2, ..Plan::default() }).await;
    let (concert, viewer) = (u64::from(house.concert.0), operator(&house, Role::Viewer).await);
    let mut all = Console::open(&house, &viewer, json!(null)).await;
    all.until(&house, "its figures", |all| all.figures(concert)["available"] == 40).await;
    let first = all.figures(concert)["next_start"].clone();
    let mut nexts = Vec::new();
    for (schedule, free) in house.schedules.iter().zip([20, 0]) {
        let path = format!("/api/v1/admin/schedules/{schedule}/call_off");
        let off = json!({"reason": "Ill", "confirm": "CALL OFF"}).to_string();
        assert_eq!(house.http("POST", &path, Some(&house.operator_token()), &off).await.status, 200);
        all.until(&house, "what is free", |all| all.figures(concert)["available"] == free).await;
        nexts.push(all.figures(concert)["next_start"].clone());
    }
    assert!(first.is_string() && nexts[0].is_string() && nexts[0] != first, "{first} {nexts:?}");
    assert_eq!(nexts[1], json!(null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takings_are_known_after_a_restart() {
    let mut house = House::open(Plan::default()).await;
    let concert = u64::from(house.concert.0);
    let buy = async |house: &House, seats: &[u32]| {
        let (mut fan, _) = house.joined(1_000_000).await;
        let held = fan.ok("hold", json!({"schedule_id": house.schedule(), "seats": seats})).await;
        fan.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
        held["amount"].as_i64().unwrap()
    };
    let paid = buy(&house, &[0, 1]).await + buy(&house, &[5]).await;
    house.stop().await;
    house.start().await;
    let mut console = Console::open(&house, &house.operator_token(), json!(null)).await;
    console.until(&house, "the takings", |console| console.figures(concert)["money"] == paid).await;
    let more = buy(&house, &[7]).await;
    console
        .until(&house, "what came to them", |console| console.figures(concert)["money"] == paid + more)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_that_does_not_answer_is_shown_as_that() {
    let database = Database::new(1);
    let store = database.connect();
    let lanes = |config: &mut Config| config.lanes = Some(2);
    let mut house = House::open_over(Plan::default(), lanes, Some(store.handle())).await;
    let (first, second) = (house.concert, house.another_concert(10).await);
    assert_ne!(first.0 % 2, second.0 % 2, "each has a lane of its own");
    let (first, second) = (u64::from(first.0), u64::from(second.0));
    let (mut fan, _) = house.joined(0).await;
    let token = house.operator_token();
    let is_there =
        |console: &Console, concert| console.lines.get(&concert).is_some_and(|line| line["answers"] == true);

    // A batch of the first one is on its way into a database that answers to nothing of its kind. The other lane has no batch, and its
    // heartbeats get through, however far the clock has turned until the console is open.
    let batches = database.calls(Call::Commit);
    database.hold_up(Some(Call::Commit));
    let hold = fan.send("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await;
    in_time("the batch", async {
        while database.calls(Call::Commit) == batches {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut console = Console::open(&house, &token, json!(null)).await;
    let is_known = |console: &Console| console.lines.contains_key(&first) && is_there(console, second);
    console.until(&house, "the figures", is_known).await;
    assert!(!is_there(&console, first), "{:?}", console.lines);
    // Figures are those of the last change.
    assert_eq!(
        (&console.figures(first)["progress"], &console.figures(first)["held"]),
        (&json!(1), &json!(0))
    );
    let list = house.turning("the list", house.http("GET", "/api/v1/admin/sales", Some(&token), "")).await;
    assert_eq!(list.status, 200);
    assert_eq!(list.json()["sales"][0]["answers"], false);
    assert_eq!(list.json()["sales"][0]["progress"], 1);

    database.hold_up(None);
    console.until(&house, "the sale", |console| is_there(console, first)).await;
    let listed = async || house.http("GET", "/api/v1/admin/sales", Some(&token), "").await.json();
    house.turning("its answer", async { while listed().await["sales"][0]["answers"] != true {} }).await;
    // Whatever became of the hold, the fan heard of it.
    fan.answer_or_end(hold).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_an_operator_no_more_is_hung_up_on() {
    let house = House::open(Plan::default()).await;
    let owner = house.operator_token();
    for (change, body) in [
        ("role", r#"{"role":"door"}"#),
        ("shut out", r#"{"disabled":true}"#),
        ("signed out", ""),
        // Another role that may look on is no reason.
        ("stays", r#"{"role":"manager"}"#),
    ] {
        let (id, session) = house.operator(Role::Viewer).await;
        let mut console = Console::open(&house, &session, json!(null)).await;
        let changed = match body {
            "" => house.http("DELETE", "/api/v1/admin/session", Some(&session), "").await,
            body => {
                let path = format!("/api/v1/admin/operators/{id}");
                house.http("PATCH", &path, Some(&owner), body).await
            }
        };
        assert!([200, 204].contains(&changed.status), "{change}: {:?}", changed.outcome());
        if change == "stays" {
            house.advance_with(10, &mut [&mut console.fan]).await;
            console.fan.ok("ops.watch", json!({})).await;
        } else {
            assert_eq!(house.turning("the end", console.fan.closed()).await, 4500, "{change}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_see_seats_without_a_place_in_line() {
    let house = House::open(Plan::default()).await;
    let mut console = house.stranger().await;
    console.ok("hello", json!({"access_token": operator(&house, Role::BoxOffice).await})).await;
    console.ok("seats.watch", json!({"schedule_id": house.schedule()})).await;
    let (mut fan, _) = house.joined(0).await;
    fan.ok("hold", json!({"schedule_id": house.schedule(), "seats": [3]})).await;
    console.seats_until(house.schedule(), &[(3, SeatState::TempReserved)]).await;
    let path = format!("/api/v1/admin/schedules/{}/seats", house.schedule());
    let keep = r#"{"restrict":true,"select":{"seats":[4]}}"#;
    assert_eq!(house.http("POST", &path, Some(&house.operator_token()), keep).await.status, 200);
    console.seats_until(house.schedule(), &[(4, SeatState::Restricted)]).await;
    // Also of a performance that has begun, which fans see no more.
    console.ok("seats.unwatch", json!({"schedule_id": house.schedule()})).await;
    house.advance(31 * 86_400);
    let mut console = house.stranger().await;
    console.ok("hello", json!({"access_token": house.operator_token()})).await;
    console.ok("seats.watch", json!({"schedule_id": house.schedule()})).await;
}
