//! Several servers of one database, and the bus between them: whichever a fan is connected to, the sale is one.

use frontrow::config::{Config, DatabaseUrl};
use frontrow_protocol::SeatState;
use frontrow_testing::nats::Server;
use serde_json::{Value, json};

use super::ready::check;
use crate::harness::{House, Plan, in_time, mariadb};

const BALANCE: i64 = 10_000_000;

/// The server that runs the sale, with a bus.
async fn owner(bus: &Server, capacity: u32) -> House {
    let (url, database) = (bus.url(), mariadb::empty_database().await);
    let plan = Plan { capacity, time_goes_on: true, ..Plan::default() };
    House::open_with(plan, |config: &mut Config| {
        config.database_url = Some(DatabaseUrl::new(database));
        config.cluster.name = Some("a".to_owned());
        config.cluster.bus = vec![url];
    })
    .await
}

/// Another one, that runs nothing.
async fn gateway(owner: &House, name: &str) -> House {
    owner.beside(|config| config.cluster.name = Some(name.to_owned())).await
}

/// The status of `/readyz`, and what is missing.
async fn readiness(house: &House) -> (u16, Vec<String>) {
    let said = house.http("GET", "/readyz", None, "").await;
    let missing = said.json()["missing"].as_array().cloned().unwrap_or_default();
    (said.status, missing.iter().map(|what| what.as_str().unwrap().to_owned()).collect())
}

async fn ready(houses: &[&House]) {
    for house in houses {
        in_time("a server that is ready", async { while readiness(house).await.0 != 200 {} }).await;
    }
}

/// What is missing while the bus is out, once nothing else is.
async fn without_bus(house: &House) -> String {
    let missing = async {
        loop {
            if let (503, missing) = readiness(house).await
                && let [missing] = &missing[..]
            {
                return missing.clone();
            }
        }
    };
    in_time("a server that misses its bus alone", missing).await
}

fn concert(house: &House) -> Value {
    json!({"concert_id": house.concert.0})
}

fn seats(house: &House, seats: &[u32]) -> Value {
    json!({"schedule_id": house.schedule(), "seats": seats})
}

/// Goal: fans of every server stand in one line, and what one server does for a fan all others know. Method: two servers, a sale of
/// the first with room for one, fans of both, by websocket and by HTTP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fans_of_another_server_buy_in_the_same_sale() {
    let bus = Server::start("").await;
    let a = owner(&bus, 1).await;
    let b = gateway(&a, "b").await;
    ready(&[&a, &b]).await;
    let wires: Vec<_> = a.store().members().await.unwrap().into_iter().map(|of| of.about.wire).collect();
    assert_eq!(wires, [(1, 1), (1, 1)]);
    // Whoever looks before the opening is shown at either server that fans are served there.
    for (house, runs) in [(&a, "here"), (&b, "elsewhere")] {
        let path = format!("/api/v1/admin/readiness?concert={}", a.concert);
        let found = house.http("GET", &path, Some(&house.operator_token()), "").await.json();
        let servers = check(&found, "servers");
        assert_eq!(
            (&servers["state"], &servers["facts"]["runs"]),
            (&json!("good"), &json!(runs)),
            "{servers}"
        );
    }

    // Who came by the other server is in, and those behind wait, wherever they are.
    let mut ada = b.fan(BALANCE).await;
    let place = ada.ok("queue.join", concert(&a)).await;
    assert_eq!(place["status"], "PROGRESS");
    let (mut bob, place) = a.joined(BALANCE).await;
    assert_eq!((&place["status"], &place["position"]), (&json!("WAITING"), &json!(1)));
    let carol = b.user(BALANCE).await;
    let carol = b.access_token(carol);
    let post = async |house: &House, path: &str, body: Value| {
        house.http("POST", &format!("/api/v1/{path}"), Some(&carol), &body.to_string()).await
    };
    let place = post(&b, "queue/tokens", concert(&a)).await.json();
    assert_eq!((&place["status"], &place["position"]), (&json!("WAITING"), &json!(2)));
    assert_eq!(bob.refused("hold", seats(&a, &[0])).await, "WAITING");

    // What her other device holds at the one server she gives back and pays for at the other.
    let mut device = a.connection_of_token(&ada.access_token).await;
    let held = ada.ok("hold", seats(&a, &[0, 1, 2])).await;
    device.ok("release", json!({"reservation_id": held["reservation_id"], "seats": [2]})).await;
    let paid = ada.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    assert_eq!(paid["tickets"].as_array().map(Vec::len), Some(2));
    let again = device.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    assert_eq!(again["payment_id"], paid["payment_id"]);
    // A payment at the one server lets somebody in at the other.
    bob.status("PROGRESS").await;
    assert_eq!(bob.refused("hold", seats(&a, &[1])).await, "SEAT_TAKEN");
    let bobs = bob.ok("hold", seats(&a, &[2])).await;
    bob.ok("pay", json!({"reservation_id": bobs["reservation_id"]})).await;

    // The same over HTTP.
    let held = post(&a, "reservations", json!({"schedule_id": a.schedule(), "count": 2})).await;
    assert_eq!(held.status, 201, "{:?}", held.outcome());
    let held = held.json();
    let charged = post(&b, "balance/charges", json!({"amount": held["amount"], "request_id": "one"})).await;
    assert_eq!(charged.status, 200, "{:?}", charged.outcome());
    let paid = post(&b, "payments", json!({"reservation_id": held["reservation_id"]})).await;
    assert_eq!((paid.status, paid.json()["tickets"].as_array().map(Vec::len)), (201, Some(2)));

    a.rows_follow().await;
    a.audit().await;
    let (here, there) = (&b.context().metrics, &a.context().metrics);
    assert!(here.forwarded.get() > 0 && there.forwarded.get() == 0);
    assert_eq!(here.not_mine.get() + there.not_mine.get(), 0);
}

/// Goal: whoever watches a server learns that its bus is gone, and which, and its own sales go on. Method: a bus that comes after
/// the servers, is killed, and is started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_that_is_away_is_seen_at_each_server() {
    let mut bus = Server::start("debug: true").await;
    bus.stop();
    let a = owner(&bus, 100).await;
    let mut b = gateway(&a, "b").await;
    let out = format!("the bus to the other servers ({}) has been out for ", bus.url());
    for house in [&a, &b] {
        let missing = without_bus(house).await;
        assert!(missing.starts_with(&out), "{missing}");
    }
    let (mut ada, _) = a.joined(BALANCE).await;
    ada.ok("hold", seats(&a, &[0])).await;

    bus.go_on().await;
    ready(&[&a, &b]).await;
    let mut bob = b.fan(BALANCE).await;
    let bobs = bob.ok("queue.join", concert(&a)).await;

    bus.stop();
    for house in [&a, &b] {
        let missing = without_bus(house).await;
        assert!(missing.starts_with(&out), "{missing}");
    }
    ada.ok("hold", seats(&a, &[2])).await;
    // Who somebody is that comes by their place is only asked, and may be asked again.
    let mut window = b.stranger().await;
    assert_eq!(window.refused("hello", json!({"queue_token": bobs["token"]})).await, "UNAVAILABLE");
    // What is asked meanwhile waits for the bus.
    let asked = bob.send("queue.leave", json!({})).await;
    bus.go_on().await;
    ready(&[&a, &b]).await;
    bob.answer(asked).await.unwrap();

    // Who ends leaves the bus.
    b.stop().await;
    bus.says("Client connection closed").await;
    a.rows_follow().await;
    a.audit().await;
}

/// Goal: a fan whose server is gone comes back by any other one to what is theirs. Method: three servers, two of which do not run
/// the sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_by_another_server_is_known_there() {
    let bus = Server::start("").await;
    let a = owner(&bus, 100).await;
    let (b, c) = (gateway(&a, "b").await, gateway(&a, "c").await);
    ready(&[&a, &b, &c]).await;
    let mut ada = b.fan(BALANCE).await;
    let place = ada.ok("queue.join", concert(&a)).await;
    let token = ada.access_token.clone();
    drop(ada);
    let mut ada = c.connection_of_token(&token).await;
    assert_eq!(ada.ok("queue.join", concert(&a)).await["token"], place["token"]);
    let held = a.connection_of_token(&token).await.ok("hold", seats(&a, &[4, 5])).await;
    ada.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    a.rows_follow().await;
    a.audit().await;
}

/// Goal: fans of each server see the same hall and the same line, and read at once what they were told at another one. Method: two
/// servers; the tables of the one that runs the sale stand still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fans_of_each_server_see_one_hall_and_one_line() {
    let bus = Server::start("").await;
    let a = owner(&bus, 2).await;
    let b = gateway(&a, "b").await;
    ready(&[&a, &b]).await;
    for path in ["concerts".to_owned(), format!("schedules/{}/layout", a.schedule())] {
        let path = format!("/api/v1/{path}");
        let (here, there) = (a.http("GET", &path, None, "").await, b.http("GET", &path, None, "").await);
        assert_eq!((here.status, here.json()), (200, there.json()), "{path}");
    }

    a.context().dispatcher.let_tables_stand(true);
    let (mut ada, _) = a.joined(BALANCE).await;
    let mut bob = b.fan(BALANCE).await;
    assert_eq!(bob.ok("queue.join", concert(&a)).await["status"], "PROGRESS");
    let schedule = a.schedule();
    for fan in [&mut ada, &mut bob] {
        fan.ok("seats.watch", json!({"schedule_id": schedule})).await;
    }
    let adas = ada.ok("hold", seats(&a, &[1, 2])).await;
    let bobs = bob.ok("hold", seats(&a, &[3])).await;
    assert_eq!(bob.refused("hold", seats(&a, &[2])).await, "SEAT_TAKEN");
    let held = [1, 2, 3].map(|seat| (seat, SeatState::TempReserved));
    for fan in [&mut ada, &mut bob] {
        fan.seats_until(schedule, &held).await;
    }
    // Each is read at the other server as soon as it was told.
    for (fan, house, told) in [(&ada, &b, &adas), (&bob, &a, &bobs)] {
        let read = house.http("GET", "/api/v1/reservations", Some(&fan.access_token), "").await.json();
        assert_eq!(read["reservations"][0]["reservation_id"], told["reservation_id"], "{read}");
        let mut window = house.connection_of_token(&fan.access_token).await;
        assert_eq!(window.ok("reservations", json!({})).await["reservations"], read["reservations"]);
        assert_eq!(window.ok("queue.get", json!({})).await["status"], "PROGRESS");
    }

    // A second window of hers at the other server hears what she does at the first.
    let mut window = b.connection_of_token(&ada.access_token).await;
    window.status("PROGRESS").await;
    ada.ok("release", json!({"reservation_id": adas["reservation_id"]})).await;
    window.pushed_until("reservation.update", |push| push["status"] == "CANCELLED").await;
    // Those behind move up wherever they are.
    let mut last = b.fan(BALANCE).await;
    assert_eq!(last.ok("queue.join", concert(&a)).await["position"], 1);
    ada.ok("queue.leave", json!({})).await;
    last.status("PROGRESS").await;
    last.ok("hold", seats(&a, &[1])).await;
    bob.seats_until(schedule, &[(1, SeatState::TempReserved), (2, SeatState::Available)]).await;
    // What is paid is there with its ticket and its money.
    let paid = bob.ok("pay", json!({"reservation_id": bobs["reservation_id"]})).await;
    for house in [&a, &b] {
        let read = async |path: &str| {
            house.http("GET", &format!("/api/v1/{path}"), Some(&bob.access_token), "").await.json()
        };
        assert_eq!(read("reservations").await["reservations"][0]["status"], "RESERVED");
        assert_eq!(read("tickets").await["tickets"].as_array().map(Vec::len), Some(1));
        assert_eq!(read("balance").await["balance"], paid["balance"]);
    }
    assert!(!a.store().behind().await.unwrap().is_empty(), "the tables stood still");
    a.context().dispatcher.let_tables_stand(false);
    a.rows_follow().await;
    a.audit().await;
}
