//! Orders are found by whatever a fan at the box office knows, their whole life is told from the journal, and a concert's lists
//! come whole into a spreadsheet, which runs nothing of them.

use std::ops::Range;
use std::process::Command;

use frontrow::store::NewUser;
use frontrow::store::sqlite::FILE_NAME;
use frontrow_protocol::Role;
use serde_json::{Value, json};
use sqlx::mysql::MySqlConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::harness::raw::Raw;
use crate::harness::{Fan, House, Plan, in_time};

const BALANCE: i64 = 1_000_000_000;

/// A fan with a name of their own, who was admitted.
async fn called(house: &House, name: &str) -> Fan {
    let user = NewUser { name: name.into(), balance: BALANCE, guest: false, at: house.clock.utc() };
    let user = house.store().add_user(user).await.unwrap();
    let mut fan = house.connection_of(user).await;
    let place = fan.ok("queue.join", json!({"concert_id": house.concert.0})).await;
    assert_eq!(place["status"], "PROGRESS");
    fan
}

async fn holds(fan: &mut Fan, schedule: u64, seats: &[u32]) -> String {
    let held = fan.ok("hold", json!({"schedule_id": schedule, "seats": seats})).await;
    held["reservation_id"].as_str().unwrap().to_owned()
}

async fn buys(fan: &mut Fan, schedule: u64, seats: &[u32]) -> String {
    let order = holds(fan, schedule, seats).await;
    fan.ok("pay", json!({"reservation_id": order})).await;
    order
}

/// Buys seats four at a time; gives the orders.
async fn buys_many(house: &House, seats: Range<u32>) -> Vec<String> {
    let mut many = called(house, "many").await;
    let mut orders = Vec::new();
    for first in seats.step_by(4) {
        // No faster than one may ask.
        house.advance(1);
        orders.push(buys(&mut many, house.schedule(), &[first, first + 1, first + 2, first + 3]).await);
        // Buying ends the visit.
        many.ok("queue.join", json!({"concert_id": house.concert.0})).await;
    }
    orders
}

/// Somebody else changes the database.
async fn intrude(house: &House, sql: &'static str) {
    let changed = match house.database_url() {
        None => {
            let file = SqliteConnectOptions::new().filename(house.data().join(FILE_NAME));
            let mut link = file.connect().await.unwrap();
            sqlx::query(sql).execute(&mut link).await.unwrap().rows_affected()
        }
        Some(url) => {
            let mut link = MySqlConnection::connect(url).await.unwrap();
            sqlx::query(sql).execute(&mut link).await.unwrap().rows_affected()
        }
    };
    assert_eq!(changed, 1, "{sql}");
}

async fn get(house: &House, token: &str, path: &str) -> Value {
    let reply = house.http("GET", &format!("/api/v1/admin/{path}"), Some(token), "").await;
    assert_eq!(reply.status, 200, "{path}: {:?}", reply.json());
    reply.json()
}

fn ids(found: &Value) -> Vec<&str> {
    let orders = found["orders"].as_array().unwrap().iter();
    orders.map(|order| order["reservation_id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_found_by_whatever_is_known() {
    let house = House::open(Plan { schedules: 2, ..Plan::default() }).await;
    let (first, second) = (house.schedules[0], house.schedules[1]);
    let mut min = called(&house, "Kim Min-ji").await;
    let mut other = called(&house, "Kim Minsu & =1+1").await;
    // Seat 3 is held and lost by one, and bought by another.
    let lost = holds(&mut other, first, &[3]).await;
    other.ok("release", json!({"reservation_id": lost})).await;
    house.advance(1);
    let order = buys(&mut min, first, &[3, 4]).await;
    house.advance(1);
    let held = holds(&mut other, second, &[3]).await;
    let (_, clerk) = house.operator(Role::BoxOffice).await;
    let find = async |query: &str| get(&house, &clerk, &format!("orders?{query}")).await;

    let found = find(&format!("reservation_id={order}")).await;
    assert_eq!(ids(&found), [order.as_str()]);
    let shown = &found["orders"][0];
    assert_eq!((&shown["name"], &shown["status"]), (&json!("Kim Min-ji"), &json!("RESERVED")));
    assert_eq!(shown["payment"]["source"], "wallet");
    assert_eq!((&shown["payment"]["amount"], &shown["payment"]["refunded"]), (&shown["amount"], &json!(0)));
    let label = shown["seats"][0]["label"].as_str().unwrap().to_owned();
    assert_eq!(shown["seats"].as_array().unwrap().len(), 2);

    let code = min.ok("tickets", json!({})).await["tickets"][0]["code"].as_str().unwrap().to_owned();
    assert_eq!(ids(&find(&format!("ticket={code}")).await), [order.as_str()]);
    // As somebody types it.
    let typed = format!("{}-{}", &code[..4].to_lowercase(), &code[4..]);
    assert_eq!(ids(&find(&format!("ticket={typed}")).await), [order.as_str()]);
    assert_eq!(ids(&find("ticket=0000000000000000").await), [""; 0]);

    // One of that name: their orders; two: who is meant?
    let found = find("name=Kim+Min-").await;
    assert_eq!((ids(&found), &found["users"][0]["name"]), (vec![order.as_str()], &json!("Kim Min-ji")));
    let found = find("name=Kim%20Min").await;
    let names: Vec<_> = found["users"].as_array().unwrap().iter().map(|user| &user["name"]).collect();
    assert_eq!((ids(&found).len(), names), (0, vec![&json!("Kim Min-ji"), &json!("Kim Minsu & =1+1")]));
    assert_eq!(find("name=kim").await, json!({"orders": [], "next": null}));
    let user = found["users"][1]["user_id"].as_u64().unwrap();
    let all = find(&format!("user_id={user}")).await;
    assert_eq!(ids(&all), [held.as_str(), lost.as_str()]);
    assert_eq!(all["orders"][0]["status"], "TEMP_RESERVED");
    assert!(all["orders"][1].get("payment").is_none());

    // A seat: all who ever had it.
    let seat = label.replace(' ', "%20");
    let found = find(&format!("schedule_id={first}&seat={seat}")).await;
    assert_eq!((ids(&found), &found["next"]), (vec![order.as_str(), lost.as_str()], &Value::Null));
    assert_eq!(ids(&find(&format!("schedule_id={second}&seat={seat}")).await), [held.as_str()]);

    // A concert's, page by page; and so a seat's and a user's.
    for query in [format!("concert_id={}", house.concert), format!("user_id={user}")] {
        let whole = find(&query).await;
        let (mut seen, mut before) = (Vec::new(), String::new());
        loop {
            let page = find(&format!("{query}&limit=1{before}")).await;
            seen.extend(ids(&page).into_iter().map(str::to_owned));
            let Some(next) = page["next"].as_str() else { break };
            before = format!("&before={next}");
        }
        assert_eq!(seen, ids(&whole), "{query}");
    }
    let page = find(&format!("schedule_id={first}&seat={seat}&limit=1")).await;
    assert_eq!((ids(&page), &page["next"]), (vec![order.as_str()], &json!(order)));
    let page = find(&format!("schedule_id={first}&seat={seat}&limit=1&before={order}")).await;
    assert_eq!((ids(&page), &page["next"]), (vec![lost.as_str()], &Value::Null));

    for (query, expected) in [
        ("", (400, "INVALID_PARAMS")),
        ("user_id=1&concert_id=1", (400, "INVALID_PARAMS")),
        ("user_id=x", (400, "INVALID_PARAMS")),
        ("name=", (400, "INVALID_PARAMS")),
        ("name=%ff", (400, "INVALID_PARAMS")),
        ("name=a&limit=0", (400, "INVALID_PARAMS")),
        ("name=a&limit=101", (400, "INVALID_PARAMS")),
        ("user_id=1&before=x", (400, "INVALID_PARAMS")),
        ("user_id=1&seat=A", (400, "INVALID_PARAMS")),
        ("schedule_id=1", (400, "INVALID_PARAMS")),
        ("schedule_id=1&seat=Z-9999", (400, "INVALID_PARAMS")),
        ("schedule_id=999&seat=A", (404, "SCHEDULE_NOT_FOUND")),
        ("x=1", (400, "INVALID_PARAMS")),
    ] {
        let query = query.replace("schedule_id=1", &format!("schedule_id={first}"));
        let query = query.replace(&format!("schedule_id={first}999"), "schedule_id=999");
        let path = format!("/api/v1/admin/orders?{query}");
        let refused = house.http("GET", &path, Some(&clerk), "").await;
        assert_eq!(refused.outcome(), (expected.0, expected.1.to_owned()), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orders_whole_life_is_told() {
    let mut house = House::open(Plan::default()).await;
    let schedule = house.schedule();
    let mut min = called(&house, "Min").await;
    let order = holds(&mut min, schedule, &[3]).await;
    min.ok("hold", json!({"schedule_id": schedule, "seats": [4, 5]})).await;
    min.ok("release", json!({"reservation_id": order, "seats": [5]})).await;
    min.ok("pay", json!({"reservation_id": order})).await;
    let (id, manager) = house.operator(Role::Manager).await;
    let post = async |path: &str, body: Value| {
        let reply =
            house.http("POST", &format!("/api/v1/admin/{path}"), Some(&manager), &body.to_string()).await;
        assert_eq!(reply.status, 200, "{path}: {:?}", reply.json());
    };
    let moved = json!({"starts_at": "2099-01-01T00:00:00Z", "reason": "Rain"});
    post(&format!("schedules/{schedule}/postpone"), moved).await;
    post(&format!("orders/{order}/refund"), json!({"reason": "Bought twice"})).await;
    // The seat goes on without them: another fan loses it by the clock, and the house keeps it.
    let mut other = called(&house, "Other").await;
    let theirs = holds(&mut other, schedule, &[3, 7]).await;
    house.advance(10 * 60);
    other.pushed_until("reservation.update", |update| update["status"] == "EXPIRED").await;
    let kept = json!({"restrict": true, "select": {"seats": [3, 8]}, "note": "cameras"});
    post(&format!("schedules/{schedule}/seats"), kept).await;

    let told = async |house: &House| {
        let life = get(house, &house.operator_token(), &format!("orders/{order}")).await;
        assert_eq!((&life["left_out"], &life["beginning_archived"]), (&json!(0), &json!(false)));
        life
    };
    let life = told(&house).await;
    let amount = life["order"]["amount"].as_i64().unwrap();
    let (mine, them) = (Some(order.as_str()), Some(theirs.as_str()));
    let events: Vec<_> = life["events"].as_array().unwrap().iter().collect();
    let words: Vec<_> = events
        .iter()
        .map(|event| {
            (event["what"].as_str().unwrap(), event["reservation_id"].as_str(), event["seats"].clone())
        })
        .collect();
    assert_eq!(
        words,
        [
            ("hold", mine, json!([3])),
            ("add", mine, json!([4, 5])),
            ("release", mine, json!([5])),
            ("pay", mine, json!([3, 4])),
            ("postpone", None, Value::Null),
            ("refund", mine, json!([3, 4])),
            ("hold", them, json!([3])),
            ("lapse", them, json!([3])),
            ("keep", None, json!([3])),
        ]
    );
    let by = json!({"operator_id": id, "name": "a manager", "role": "manager"});
    let [paid, moved, refund, lapse, keep] = [3, 4, 5, 7, 8].map(|at| events[at]);
    assert_eq!((&paid["amount"], &paid["balance"]), (&json!(amount), &json!(BALANCE - amount)));
    assert_eq!((&moved["until"], &moved["reason"]), (&json!("2099-01-01T00:00:00.000Z"), &json!("Rain")));
    assert_eq!((&refund["why"], &refund["reason"]), (&json!("operator"), &json!("Bought twice")));
    assert_eq!((&refund["amount"], &refund["balance"]), (&json!(amount), &json!(BALANCE)));
    assert_eq!((&refund["by"], &moved["by"], &keep["by"]), (&by, &by, &by));
    assert_eq!((&lapse["why"], &lapse["amount"]), (&json!("hold_time"), &Value::Null));
    assert_eq!(keep["reason"], "cameras");
    let tickets = life["tickets"].as_array().unwrap();
    assert!(tickets.len() == 2 && tickets.iter().all(|ticket| ticket["valid"] == false), "{tickets:?}");
    let labels = life["labels"].as_array().unwrap();
    let numbers: Vec<_> = labels.iter().map(|label| label["seat"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [3, 4, 5]);

    // Why did they lose it?
    let life = get(&house, &house.operator_token(), &format!("orders/{theirs}")).await;
    let last = &life["events"].as_array().unwrap()[1];
    assert_eq!((&last["what"], &last["why"]), (&json!("lapse"), &json!("hold_time")));

    // The same after a restart.
    let before = told(&house).await;
    house.stop().await;
    house.start().await;
    assert_eq!(told(&house).await, before);

    for (id, expected) in [
        ("x", (400, "INVALID_PARAMS")),
        ("00000001-019f-8200-8000-0123456789ab", (404, "RESERVATION_NOT_FOUND")),
        ("0f0f0f0f-019f-4200-8000-0123456789ab", (404, "RESERVATION_NOT_FOUND")),
    ] {
        let path = format!("/api/v1/admin/orders/{id}");
        let refused = house.http("GET", &path, Some(&house.operator_token()), "").await;
        assert_eq!(refused.outcome(), (expected.0, expected.1.to_owned()), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seats_that_were_given_back_or_changed_are_told() {
    let house = House::open(Plan::default()).await;
    let mut fan = called(&house, "Min").await;
    let order = buys(&mut fan, house.schedule(), &[3, 4, 6]).await;
    let (id, manager) = house.operator(Role::Manager).await;
    for (call, body) in [
        ("refund", json!({"reason": "One is ill", "seats": [6]})),
        ("move", json!({"from": 4, "to": 5, "keep": true, "note": "Broken"})),
    ] {
        let path = format!("/api/v1/admin/orders/{order}/{call}");
        let done = house.http("POST", &path, Some(&manager), &body.to_string()).await;
        assert_eq!(done.status, 200, "{call}: {:?}", done.json());
    }
    let life = get(&house, &manager, &format!("orders/{order}")).await;
    let told: Vec<_> = life["events"].as_array().unwrap().iter().collect();
    let words: Vec<_> = told.iter().map(|event| (&event["what"], &event["seats"])).collect();
    let words: Vec<_> =
        words.iter().map(|(what, seats)| (what.as_str().unwrap(), (*seats).clone())).collect();
    assert_eq!(
        words[..4],
        [
            ("hold", json!([3, 4, 6])),
            ("pay", json!([3, 4, 6])),
            ("refund_seats", json!([6])),
            ("move", json!([4, 5])),
        ]
    );
    assert_eq!((&told[2]["reason"], &told[3]["reason"]), (&json!("One is ill"), &json!("Broken")));
    assert_eq!((&told[2]["by"]["operator_id"], &told[3]["by"]["operator_id"]), (&json!(id), &json!(id)));
    let tickets = life["tickets"].as_array().unwrap().iter();
    let tickets: Vec<_> =
        tickets.map(|ticket| (ticket["seat"].as_u64().unwrap(), &ticket["valid"])).collect();
    let (valid, void) = (&json!(true), &json!(false));
    assert_eq!(tickets, [(3, valid), (4, void), (5, valid), (6, void)]);
    let payment = &life["order"]["payment"];
    assert_eq!((&life["order"]["status"], &payment["refunded"]), (&json!("RESERVED"), &told[2]["amount"]));
    assert!(life["order"]["seats"].as_array().unwrap().iter().all(|seat| seat["price"].as_i64() > Some(0)));
    let sold = get(&house, &manager, &format!("schedules/{}/sold", house.schedule())).await;
    let left = payment["amount"].as_i64().unwrap() - payment["refunded"].as_i64().unwrap();
    assert_eq!((&sold["seats"], &sold["amount"]), (&json!(2), &json!(left)));
}

/// The lines of a list, each a list of cells, as a spreadsheet reads them.
fn parsed(csv: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut rest = csv.strip_prefix('\u{feff}').expect("a byte order mark").chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => cell.push(rest.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\r' if !quoted => assert_eq!(rest.peek(), Some(&'\n')),
            '\n' if !quoted => {
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            c => cell.push(c),
        }
    }
    assert!(line.is_empty() && cell.is_empty() && !quoted, "the last line ends, too");
    lines
}

/// The cells of one column, without its name.
fn column<'a>(lines: &'a [Vec<String>], name: &str) -> Vec<&'a str> {
    let at = lines[0].iter().position(|known| known == name).unwrap();
    lines[1..].iter().map(|line| line[at].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_whole_into_a_spreadsheet_which_runs_nothing_of_them() {
    // More lines than are read at once.
    let house = House::open(Plan { seats: 700, capacity: 1_000, ..Plan::default() }).await;
    let schedule = house.schedule();
    let hostile = ["=HYPERLINK(\"http://x\",\"y\")", "@SUM(A1)", "-1+1|cmd", "a,\"b\"; c", "김민지", "-12.5"];
    let mut orders = Vec::new();
    for (place, name) in hostile.iter().enumerate() {
        let mut fan = called(&house, name).await;
        orders.push(buys(&mut fan, schedule, &[place as u32]).await);
    }
    orders.extend(buys_many(&house, 10..690).await);
    let (_, manager) = house.operator(Role::Manager).await;
    let refund = format!("/api/v1/admin/orders/{}/refund", orders[1]);
    let refunded = house.http("POST", &refund, Some(&manager), r#"{"reason":"=cmd|'/c calc'!A0"}"#).await;
    assert_eq!(refunded.status, 200);

    let path = |list: &str| format!("/api/v1/admin/concerts/{}/export/{list}.csv", house.concert);
    let list = async |list: &str| {
        let reply = house.http("GET", &path(list), Some(&manager), "").await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, "text/csv; charset=utf-8; header=present")
        );
        let name = format!("attachment; filename=\"concert-{}-{list}.csv\"", house.concert);
        assert_eq!(reply.header("content-disposition"), name);
        parsed(std::str::from_utf8(&reply.bytes).unwrap())
    };
    let lines = list("orders").await;
    let mut sorted = orders.clone();
    sorted.sort();
    assert_eq!(column(&lines, "order"), sorted);
    let of = |order: &str| sorted.iter().position(|id| id == order).unwrap();
    for (order, name) in orders.iter().zip(hostile) {
        let told = column(&lines, "name")[of(order)];
        let harmless = ["=", "@", "-1+"].iter().any(|beginning| name.starts_with(beginning));
        assert_eq!(told, if harmless { format!("'{name}") } else { name.to_owned() });
    }
    let given_back = of(&orders[1]);
    assert_eq!(column(&lines, "reason")[given_back], "'=cmd|'/c calc'!A0");
    assert_eq!(column(&lines, "status")[given_back], "CANCELLED");
    assert_eq!(column(&lines, "refunded")[given_back], column(&lines, "amount")[given_back]);
    assert!(!column(&lines, "labels")[given_back].is_empty());

    // Every ticket is in it once; of those who come, only valid ones.
    let (codes, attendees) = (list("codes").await, list("attendees").await);
    let tickets = column(&codes, "ticket").len();
    assert_eq!(tickets, hostile.len() + 680);
    let distinct: std::collections::BTreeSet<_> = column(&codes, "code").into_iter().collect();
    assert_eq!(distinct.len(), tickets);
    assert_eq!(column(&codes, "state").iter().filter(|state| **state == "void").count(), 1);
    assert_eq!(column(&attendees, "ticket").len(), tickets - 1);

    // Money adds up to what the sale has.
    let ledger = list("ledger").await;
    let amounts = column(&ledger, "amount").into_iter().map(|amount| amount.parse::<i64>().unwrap());
    let sold = get(&house, &manager, &format!("schedules/{schedule}/sold")).await;
    assert_eq!(
        sold,
        json!({
            "concert_id": house.concert.0, "schedule_id": schedule, "orders": orders.len() - 1,
            "seats": tickets - 1, "amount": amounts.sum::<i64>(), "currency": "KRW",
            "at_desk": {"orders": 0, "seats": 0, "amount": 0}
        })
    );
    assert_eq!(column(&ledger, "type").iter().filter(|kind| **kind == "refund").count(), 1);
    let back = ledger.iter().find(|line| line[1] == "refund").unwrap();
    assert!(back[2].starts_with('-'), "{back:?}");

    // Who may, and what there is not.
    let (_, clerk) = house.operator(Role::BoxOffice).await;
    assert_eq!(house.http("GET", &path("ledger"), Some(&clerk), "").await.status, 403);
    let head = house.http("HEAD", &path("orders"), Some(&clerk), "").await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    let none = house.http("GET", "/api/v1/admin/concerts/999/export/orders.csv", Some(&clerk), "").await;
    assert_eq!(none.outcome(), (404, "CONCERT_NOT_FOUND".to_owned()));
    house.audit().await;
}

/// A list under way over a connection with little room: what was asked for, and not read yet.
async fn begun(house: &House, list: &str, token: &str) -> Raw {
    let mut raw = Raw::connect(house.address()).await;
    let path = format!("/api/v1/admin/concerts/{}/export/{list}.csv", house.concert);
    let host = house.address();
    raw.send(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\r\n")).await;
    let head = raw.head().await.to_lowercase();
    assert!(
        head.starts_with("http/1.1 200") && head.contains("\r\ntransfer-encoding: chunked\r\n"),
        "{head}"
    );
    raw
}

/// Goal: nobody takes a part of a list for all of it. Method: the store cannot read a line of the second page, so the list breaks
/// off when much of it was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_breaks_off_does_not_end_as_one_that_is_whole() {
    let house = House::open(Plan { seats: 700, capacity: 1_000, ..Plan::default() }).await;
    let orders = buys_many(&house, 0..600).await.len();
    let (_, manager) = house.operator(Role::Manager).await;
    const END: &[u8] = b"\r\n0\r\n\r\n";
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches(",valid,").count();
    let cut = async |connection: &mut Raw| {
        let came = connection.rest().await;
        assert!(!came.windows(END.len()).any(|piece| piece == END), "the end of a whole answer");
        lines(&came)
    };
    // No seat has that number, so the ticket that comes last has no label to be told.
    intrude(
        &house,
        "UPDATE ticket SET seat = seat + 100000 \
           WHERE ticket_id = (SELECT last FROM (SELECT max(ticket_id) AS last FROM ticket) newest)",
    )
    .await;
    let mut connection = begun(&house, "codes", &manager).await;
    let came = cut(&mut connection).await;
    assert!((1..=500).contains(&came), "{came} lines came");
    // The command says so, and leaves nothing.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codes.csv");
    let (done, said) = run(&house, &["export", "1", "codes", "--out", file.to_str().unwrap()]).await;
    assert!(!done && said.contains("broke off"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    intrude(&house, "UPDATE ticket SET seat = seat - 100000 WHERE seat >= 100000").await;
    let mut connection = begun(&house, "codes", &manager).await;
    // The connection stays open behind a whole one.
    let mut whole = Vec::new();
    while !whole.ends_with(END) {
        whole.push(connection.byte().await);
    }
    assert_eq!(lines(&whole), orders * 4);
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_goes_away_in_the_middle_of_a_list_leaves_nothing_behind() {
    let house = House::open(Plan { seats: 700, capacity: 1_000, ..Plan::default() }).await;
    let orders = buys_many(&house, 0..600).await.len();
    let (_, manager) = house.operator(Role::Manager).await;
    let before = house.context().metrics.connections.get();
    for list in ["orders", "attendees", "codes", "ledger"] {
        let mut left = Vec::new();
        for _ in 0..4 {
            left.push(begun(&house, list, &manager).await);
        }
        drop(left);
        house.connections(before).await;
    }
    let path = format!("/api/v1/admin/concerts/{}/export/orders.csv", house.concert);
    let whole = house.http("GET", &path, Some(&manager), "").await;
    assert_eq!(column(&parsed(std::str::from_utf8(&whole.bytes).unwrap()), "order").len(), orders);
}

/// Runs `frontrow orders`. Gives whether it did what it was asked, and what it said.
async fn run(house: &House, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
    command.arg("orders").args(arguments).arg("--data").arg(house.data());
    command.args(house.database_url().iter().flat_map(|url| ["--database-url", url]));
    let server = format!("http://{}", house.address());
    command.args(["--server", &server, "--token", &house.operator_token()]);
    let output = in_time("the command", tokio::task::spawn_blocking(move || command.output())).await;
    let output = output.unwrap().unwrap();
    let said = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_finds_shows_and_exports() {
    let house = House::open(Plan::default()).await;
    let mut fan = called(&house, "Kim & Söhne").await;
    let order = buys(&mut fan, house.schedule(), &[2]).await;
    let run = async |arguments: &[&str]| run(&house, arguments).await;
    let json = |(done, text): (bool, String)| {
        assert!(done, "{text}");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let found = json(run(&["find", "--name", "Kim & S"]).await);
    assert_eq!((ids(&found), &found["users"][0]["name"]), (vec![order.as_str()], &json!("Kim & Söhne")));
    let label = found["orders"][0]["seats"][0]["label"].as_str().unwrap();
    let schedule = house.schedule().to_string();
    let by_seat = json(run(&["find", "--schedule", &schedule, "--seat", label, "--limit", "5"]).await);
    assert_eq!(ids(&by_seat), [order.as_str()]);
    assert!(!run(&["find", "--schedule", &schedule]).await.0, "without a seat");
    assert!(!run(&["find"]).await.0, "without anything");
    let life = json(run(&["show", &order]).await);
    assert_eq!(life["events"].as_array().unwrap().len(), 2);

    let (done, text) = run(&["export", "1", "orders"]).await;
    assert!(done && column(&parsed(&text), "order") == [order.as_str()], "{text}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.csv");
    let (done, said) = run(&["export", "1", "orders", "--out", file.to_str().unwrap()]).await;
    assert_eq!((done, said.as_str()), (true, ""));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let there_is_none = folder.path().join("none.csv");
    assert!(!run(&["export", "999", "orders", "--out", there_is_none.to_str().unwrap()]).await.0);
    assert!(!there_is_none.exists());
}
