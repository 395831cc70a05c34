//! Rows follow their sale's journal. Nobody reads less of them than was confirmed, at either door.

use serde_json::{Value, json};

use crate::harness::{Fan, House, Plan};

fn stand(house: &House, still: bool) {
    house.context().dispatcher.let_tables_stand(still);
}

/// The reservations that the fan lists, over the websocket and over HTTP.
async fn listed(house: &House, fan: &mut Fan) -> [Result<Value, String>; 2] {
    let id = fan.send("reservations", json!({})).await;
    let there = house.turning("an answer", fan.answer(id)).await;
    let token = fan.access_token.clone();
    let asked = house.http("GET", "/api/v1/reservations", Some(&token), "");
    let here = house.turning("a reply", asked).await;
    let here = match here.outcome() {
        (200, _) => Ok(here.json()["reservations"].clone()),
        (503, reason) => Err(reason),
        other => panic!("{other:?}"),
    };
    [there.map(|listed| listed["reservations"].clone()).map_err(|refused| refused.reason), here]
}

async fn lists(house: &House, fan: &mut Fan, wanted: &[(&Value, &str)]) {
    for list in listed(house, fan).await {
        let list = list.unwrap();
        let status = |id: &Value| {
            let found = list.as_array().unwrap().iter().find(|of| of["reservation_id"] == *id);
            found.map(|of| of["status"].as_str().unwrap().to_owned())
        };
        for (id, wanted) in wanted {
            assert_eq!(status(id).as_deref(), Some(*wanted), "{list}");
        }
    }
}

/// Goal: whoever was told something reads it, or is asked to come back. Method: the tables stand still where they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_waits_for_what_was_confirmed_and_no_longer_than_a_second() {
    let house = House::open(Plan::default()).await;
    let (mut alice, _) = house.joined(0).await;
    let (mut bob, _) = house.joined(0).await;
    let hold = |seat: u32| json!({"schedule_id": house.schedule(), "seats": [seat]});
    let first = alice.ok("hold", hold(1)).await;
    lists(&house, &mut alice, &[(&first["reservation_id"], "TEMP_RESERVED")]).await;

    stand(&house, true);
    alice.ok("release", json!({"reservation_id": first["reservation_id"]})).await;
    let second = alice.ok("hold", hold(2)).await;
    let unavailable = Err("UNAVAILABLE".to_owned());
    assert_eq!(listed(&house, &mut alice).await, [unavailable.clone(), unavailable]);
    // What others did is no reason to wait, and places and seats are known without the tables.
    lists(&house, &mut bob, &[]).await;
    assert_eq!(alice.ok("queue.get", json!({})).await["status"], "PROGRESS");
    assert_eq!(bob.refused("hold", hold(2)).await, "SEAT_TAKEN");

    // What money made is there at once.
    alice.ok("charge", json!({"amount": 1_000_000, "request_id": "a"})).await;
    assert_eq!(alice.ok("balance", json!({})).await["balance"], 1_000_000);
    let paid = alice.ok("pay", json!({"reservation_id": second["reservation_id"]})).await;
    assert_eq!(alice.ok("balance", json!({})).await["balance"], paid["balance"]);
    assert_eq!(alice.ok("tickets", json!({})).await["tickets"].as_array().unwrap().len(), 1);
    let token = alice.access_token.clone();
    let tickets = house.http("GET", "/api/v1/tickets", Some(&token), "").await;
    assert_eq!(tickets.json()["tickets"].as_array().unwrap().len(), 1);

    // Who waits is answered as soon as the tables have gone on.
    let id = alice.send("reservations", json!({})).await;
    stand(&house, false);
    let list = alice.answer(id).await.unwrap();
    let of = |id: &Value| {
        let all = list["reservations"].as_array().unwrap();
        all.iter().find(|of| of["reservation_id"] == *id).map(|of| of["status"].clone())
    };
    assert_eq!(of(&first["reservation_id"]), Some(json!("CANCELLED")));
    assert_eq!(of(&second["reservation_id"]), Some(json!("RESERVED")));
    house.audit().await;
}

/// Goal: nothing is behind once a server has stopped, and a server that was killed leaves nothing behind that the next one
/// does not find. Method: what the tables lack is caught up with, or written before the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_leaves_nothing_behind() {
    let mut house = House::open(Plan::default()).await;
    let (mut alice, _) = house.joined(0).await;
    stand(&house, true);
    alice.ok("hold", json!({"schedule_id": house.schedule(), "seats": [1]})).await;
    let behind = house.store().behind().await.unwrap();
    assert_eq!(behind.len(), 1, "{behind:?}");
    house.audit().await;
    stand(&house, false);
    house.stop().await;
    let store = house.open_store().await;
    assert_eq!(store.behind().await.unwrap(), []);
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}
