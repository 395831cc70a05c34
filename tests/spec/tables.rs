//! Rows follow their sale's journal. Nobody reads less of them than was confirmed, at either door.

use std::time::Duration;

use frontrow::store::sqlite::FILE_NAME;
use frontrow_protocol::Role;
use serde_json::{Value, json};
use sqlx::mysql::MySqlConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::harness::{Fan, House, Plan, in_time};

fn stand(house: &House, still: bool) {
    house.context().dispatcher.let_tables_stand(still);
}

/// Whoever asks for reservations over the websocket and over HTTP is told these, the newest first, and no others.
async fn lists(house: &House, fan: &mut Fan, wanted: &[(&Value, &str)]) {
    let there = fan.ok("reservations", json!({})).await;
    let token = fan.access_token.clone();
    let here = house.http("GET", "/api/v1/reservations", Some(&token), "").await;
    assert_eq!(here.status, 200, "{:?}", here.outcome());
    for list in [there, here.json()] {
        let list = list["reservations"].clone();
        let ids: Vec<_> = list.as_array().unwrap().iter().map(|of| &of["reservation_id"]).collect();
        assert_eq!(ids, wanted.iter().map(|(id, _)| *id).collect::<Vec<_>>(), "{list}");
        let status = |id: &Value| {
            let found = list.as_array().unwrap().iter().find(|of| of["reservation_id"] == *id);
            found.map(|of| of["status"].as_str().unwrap().to_owned())
        };
        for (id, wanted) in wanted {
            assert_eq!(status(id).as_deref(), Some(*wanted), "{list}");
        }
    }
}

/// Goal: whoever was told something reads it at once, whatever the tables have. Method: they stand still where they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fan_reads_what_was_confirmed_before_the_tables_have_it() {
    let house = House::open(Plan::default()).await;
    let (mut alice, _) = house.joined(0).await;
    let (mut bob, _) = house.joined(0).await;
    let hold = |seat: u32| json!({"schedule_id": house.schedule(), "seats": [seat]});
    let first = alice.ok("hold", hold(1)).await;
    lists(&house, &mut alice, &[(&first["reservation_id"], "TEMP_RESERVED")]).await;

    stand(&house, true);
    alice.ok("release", json!({"reservation_id": first["reservation_id"]})).await;
    let second = alice.ok("hold", hold(2)).await;
    let (first, second) = (&first["reservation_id"], &second["reservation_id"]);
    lists(&house, &mut alice, &[(second, "TEMP_RESERVED"), (first, "CANCELLED")]).await;
    // What others did is not theirs, and places and seats are known without the tables.
    lists(&house, &mut bob, &[]).await;
    assert_eq!(alice.ok("queue.get", json!({})).await["status"], "PROGRESS");
    assert_eq!(bob.refused("hold", hold(2)).await, "SEAT_TAKEN");

    // What money made is there at once.
    alice.ok("charge", json!({"amount": 1_000_000, "request_id": "a"})).await;
    assert_eq!(alice.ok("balance", json!({})).await["balance"], 1_000_000);
    let paid = alice.ok("pay", json!({"reservation_id": second})).await;
    lists(&house, &mut alice, &[(second, "RESERVED"), (first, "CANCELLED")]).await;
    assert_eq!(alice.ok("balance", json!({})).await["balance"], paid["balance"]);
    assert_eq!(alice.ok("tickets", json!({})).await["tickets"].as_array().unwrap().len(), 1);
    let token = alice.access_token.clone();
    let tickets = house.http("GET", "/api/v1/tickets", Some(&token), "").await;
    assert_eq!(tickets.json()["tickets"].as_array().unwrap().len(), 1);

    // Who says by an access token who they are is told their last place, and so is who has another one since.
    let place = async || {
        let mut back = house.stranger().await;
        back.ok("hello", json!({"access_token": token})).await;
        back.ok("queue.get", json!({})).await
    };
    assert_eq!(place().await["status"], "DONE");
    let again = alice.ok("queue.join", json!({"concert_id": house.concert.0})).await;
    assert_eq!(place().await["token"], again["token"]);
    assert_eq!(house.store().behind().await.unwrap().len(), 1, "the tables stood still");

    stand(&house, false);
    house.rows_follow().await;
    lists(&house, &mut alice, &[(second, "RESERVED"), (first, "CANCELLED")]).await;
    assert_eq!(place().await["token"], again["token"]);
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

/// Goal: operators read no less than was confirmed either, and whoever repeats a command is answered as before. Method: the
/// tables stand still; what an operator lists waits, and goes on when they do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_read_what_was_confirmed_and_commands_may_be_repeated() {
    let house = House::open(Plan::default()).await;
    let (_, manager) = house.operator(Role::Manager).await;
    let (mut alice, place) = house.joined(1_000_000).await;
    let schedule = house.schedule();
    stand(&house, true);
    let best = json!({"schedule_id": schedule, "count": 2, "request_id": "best"});
    let held = alice.ok("hold_best", best.clone()).await;
    let id = held["reservation_id"].clone();
    assert_eq!(alice.ok("hold_best", best).await["reservation_id"], id);
    let of = json!({"reservation_id": id});
    let paid = alice.ok("pay", of.clone()).await;
    assert_eq!(alice.ok("pay", of.clone()).await["payment_id"], paid["payment_id"]);
    // The visit that ended is known by its token, and so is the next one.
    assert_eq!(alice.ok("queue.get", json!({})).await["status"], "DONE");
    let mut back = house.stranger().await;
    let welcome = back.ok("hello", json!({"queue_token": place["token"]})).await;
    assert_eq!(welcome["queue"]["status"], "DONE");
    let again = alice.ok("queue.join", json!({"concert_id": house.concert.0})).await;
    assert_ne!(again["token"], place["token"]);
    let other = alice.ok("hold", json!({"schedule_id": schedule, "seats": [19]})).await;
    let of_other = json!({"reservation_id": other["reservation_id"]});
    alice.ok("release", of_other.clone()).await;
    alice.ok("release", of_other).await;
    for _ in 0..2 {
        assert_eq!(alice.ok("cancel", of.clone()).await["balance"], 1_000_000);
    }

    let order = id.as_str().unwrap().to_owned();
    let paths = [
        format!("/api/v1/admin/orders/{order}"),
        format!("/api/v1/admin/orders?reservation_id={order}"),
        format!("/api/v1/admin/concerts/{}/export/orders.csv", house.concert),
    ];
    for path in &paths {
        let asked = house.http("GET", path, Some(&manager), "");
        assert_eq!(house.turning("a refusal", asked).await.status, 503, "{path}");
    }
    stand(&house, false);
    for path in &paths {
        let reply = house.http("GET", path, Some(&manager), "").await;
        let text = String::from_utf8_lossy(&reply.bytes).into_owned();
        assert!(reply.status == 200 && text.contains("CANCELLED"), "{path}: {text}");
    }
    house.audit().await;
}

/// Changes the database as somebody at its shell would.
async fn by_hand(house: &House, sqlite: &'static str, mysql: &'static str) {
    match house.database_url() {
        None => {
            let file = SqliteConnectOptions::new().filename(house.data().join(FILE_NAME));
            let mut link = file.connect().await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(sqlite)).execute(&mut link).await.unwrap();
        }
        Some(url) => {
            let mut link = MySqlConnection::connect(url).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(mysql)).execute(&mut link).await.unwrap();
        }
    }
}

/// Waits for readiness to say that, with these words; time goes on meanwhile.
async fn ready(house: &House, status: u16, words: &str) -> String {
    let looking = async {
        loop {
            let reply = house.http("GET", "/readyz", None, "").await;
            let said = reply.json().to_string();
            if reply.status == status && said.contains(words) {
                return said;
            }
            house.step().await;
        }
    };
    in_time(words, looking).await
}

/// Goal: a sale whose tables refuse a row stands still alone; readiness names the row and the event, until its tables take it.
/// Nothing is added to its journal meanwhile, and no time passes for its fans. Method: a rule that no schema of ours has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_whose_tables_refuse_a_row_stands_still_alone() {
    let mut house =
        House::open_with(Plan::default(), |config| config.sale.hold_ttl = Duration::from_secs(10)).await;
    let other = house.another_concert(100).await;
    let (mut alice, _) = house.joined(0).await;
    let user = house.user(0).await;
    let mut bob = house.connection_of(user).await;
    bob.ok("queue.join", json!({"concert_id": house.concert.0})).await;
    let mut carol = house.fan(0).await;
    carol.ok("queue.join", json!({"concert_id": other.0})).await;
    house.rows_follow().await;
    by_hand(
        &house,
        "CREATE TRIGGER by_hand BEFORE UPDATE ON concert_seat WHEN NEW.seat = 7 AND NEW.status <> 'AVAILABLE' \
           BEGIN SELECT RAISE(ABORT, 'seat 7 is broken'); END",
        "CREATE TRIGGER by_hand BEFORE UPDATE ON concert_seat FOR EACH ROW \
           IF NEW.seat = 7 AND NEW.status <> 'AVAILABLE' THEN \
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'seat 7 is broken'; END IF",
    )
    .await;
    let hold = |seats: &[u32]| json!({"schedule_id": house.schedule(), "seats": seats});
    bob.ok("hold", hold(&[1])).await;
    let held = alice.ok("hold", hold(&[7])).await;
    let row = house.store().behind().await.unwrap()[0].end;
    lists(&house, &mut alice, &[(&held["reservation_id"], "TEMP_RESERVED")]).await;
    ready(&house, 503, &format!("sale {} stands still: ", house.concert)).await;
    // What is not in the tables is known to nobody any more.
    let asked = alice.send("reservations", json!({})).await;
    assert_eq!(house.turning("a refusal", alice.answer(asked)).await.unwrap_err().reason, "UNAVAILABLE");
    // At first the rows that were to be written, then the one that was refused.
    let said = ready(&house, 503, &format!("event 0 (\\\"hold\\\") of row {row} of its journal")).await;
    assert!(said.contains("seat 7 is broken") && said.contains("frontrow repair"), "{said}");

    // Others go on, and fans of this one are asked to come back; what else was confirmed is in the tables.
    assert_eq!(carol.ok("queue.get", json!({})).await["status"], "PROGRESS");
    carol.ok("queue.leave", json!({})).await;
    assert_eq!(bob.refused("hold", hold(&[2])).await, "UNAVAILABLE");
    let rows = house.store().reservations(user).await.unwrap();
    assert_eq!(rows.len(), 1);
    let end = house.store().behind().await.unwrap()[0].end;
    for _ in 0..120 {
        house.step().await;
    }
    assert_eq!(house.store().behind().await.unwrap()[0].end, end, "nobody claims it again and again");

    by_hand(&house, "DROP TRIGGER by_hand", "DROP TRIGGER by_hand").await;
    ready(&house, 200, "").await;
    // A hold that lasts for ten seconds is there after more than twelve.
    let mut alice = house.connection_of_token(&alice.access_token).await;
    lists(&house, &mut alice, &[(&held["reservation_id"], "TEMP_RESERVED")]).await;
    house.audit().await;
}
