//! A rehearsal of a sale is nobody's business but of those who play it, and leaves nothing behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use frontrow::domain::actor::Actor;
use frontrow::domain::ids::{ConcertId, UserId};
use frontrow::domain::record::SaleState;
use frontrow::domain::rules::{OwnRules, SaleSettings};
use frontrow::domain::time::Timestamp;
use frontrow::store::operators::Note;
use frontrow::store::rehearsals::StoredRehearsal;
use frontrow::store::{NewConcert, Rehearsals, Store};
use frontrow_crowd::claims::Claims;
use frontrow_crowd::crew::Crew;
use frontrow_crowd::door::Door;
use frontrow_crowd::night::{Arrivals, Night, Wishes, arrive_all};
use frontrow_crowd::record::{Board, Counter};
use frontrow_crowd::shop::{Pick, Shop, Venue};
use frontrow_protocol::Role;
use serde_json::{Value, json};

use crate::fold::row_counts;
use crate::harness::{Fan, House, Plan, in_time};

/// Tables of which a rehearsal leaves rows on purpose, and how many: what an operator did, and whose turn it was.
const LEFT: [(&str, u64); 3] = [("operator_log", 3), ("duty", 1), ("rehearsal", 1)];

fn rehearsals(store: &Arc<dyn Store>) -> &dyn Rehearsals {
    store.rehearsals().expect("this store keeps rehearsals")
}

/// A copy of the house's sale with users of its own, as far as it is stored.
async fn stored(house: &House, buyers: u32) -> (ConcertId, u64, Vec<UserId>) {
    let view = house.context().fanout.sale(house.concert).unwrap();
    let topic = view.topics().next().unwrap();
    let at = house.clock.utc();
    let own = OwnRules { capacity: Some(100), ..OwnRules::default() };
    let copy = NewConcert {
        title: view.concert().title.clone(),
        currency: "KRW".into(),
        time_zone: None,
        layout: topic.layout().as_ref().clone(),
        starts_at: vec![topic.schedule().starts_at],
        restricted: Vec::new(),
        about: None,
        again: true,
        settings: SaleSettings { state: SaleState::Open, opens_at: None, message: None, own },
        at,
    };
    let store = rehearsals(house.store());
    let note = Note { by: Actor::UNNAMED, at };
    let (concert, schedules) = store.add_rehearsal(house.concert, &copy, &note).await.unwrap();
    let users = store.add_buyers(concert, buyers, at).await.unwrap();
    store.begin_rehearsal(concert).await.unwrap();
    (concert, schedules[0].0, users)
}

/// A buyer holds this seat, and pays for it.
async fn buy(buyer: &mut Fan, concert: ConcertId, schedule: u64, seat: u32) -> Value {
    buyer.ok("queue.join", json!({"concert_id": concert.0})).await;
    let seats = buyer.ok("schedules", json!({})).await;
    assert_eq!(seats["schedules"][0]["schedule_id"], schedule);
    buyer.ok("seats.watch", json!({"schedule_id": schedule})).await;
    let held = buyer.ok("hold", json!({"schedule_id": schedule, "seats": [seat]})).await;
    assert_eq!(held["seats"][0]["label"].as_str().map(|label| label.starts_with('#')), Some(false), "{held}");
    buyer.ok("charge", json!({"amount": held["amount"], "request_id": "once"})).await;
    buyer.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    held
}

/// What one gets, without what names the concert itself.
fn shown(reply: (u16, String)) -> String {
    format!("{} {}", reply.0, reply.1)
}

/// Every request at either door that names a concert, a performance or an order, and its answer.
async fn answers(house: &House, fan: &mut Fan, concert: u32, schedule: u64, order: &str) -> Vec<String> {
    let mut all = Vec::new();
    let hold = json!({"schedule_id": schedule, "seats": [0]});
    let best = json!({"schedule_id": schedule, "count": 1});
    for (method, params) in [
        ("queue.join", json!({"concert_id": concert})),
        ("seats.watch", json!({"schedule_id": schedule})),
        ("seats.unwatch", json!({"schedule_id": schedule})),
        ("hold", hold.clone()),
        ("hold_best", best.clone()),
        ("release", json!({"reservation_id": order})),
        ("pay", json!({"reservation_id": order})),
        ("cancel", json!({"reservation_id": order})),
    ] {
        all.push(format!("{method} {:?}", fan.call(method, params).await.map_err(|error| error.reason)));
    }
    let token = fan.access_token.clone();
    for (method, path, body) in [
        ("GET", format!("concerts/{concert}"), Value::Null),
        ("POST", "queue/tokens".into(), json!({"concert_id": concert})),
        ("GET", format!("queue/tokens/current?concert_id={concert}"), Value::Null),
        ("DELETE", format!("queue/tokens/current?concert_id={concert}"), Value::Null),
        ("GET", format!("schedules?concert_id={concert}"), Value::Null),
        ("GET", format!("schedules/{schedule}/layout"), Value::Null),
        ("GET", format!("schedules/{schedule}/seats"), Value::Null),
        ("POST", "reservations".into(), hold),
        ("DELETE", format!("reservations/{order}"), Value::Null),
        ("POST", "payments".into(), json!({"reservation_id": order})),
    ] {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = house.http(method, &format!("/api/v1/{path}"), Some(&token), &body).await;
        all.push(format!("{method} {}", shown(reply.outcome())));
    }
    let owner = house.operator_token();
    for (method, path, body) in [
        ("PATCH", format!("sales/{concert}"), json!({"message": "x"})),
        ("GET", format!("schedules/{schedule}/layout"), Value::Null),
        ("GET", format!("schedules/{schedule}/seats"), Value::Null),
        ("POST", format!("schedules/{schedule}/seats"), json!({"restrict": true, "select": {"seats": [0]}})),
        ("PATCH", format!("concerts/{concert}"), json!({"title": "x"})),
        ("POST", format!("concerts/{concert}/call_off"), json!({"reason": "x", "confirm": "CALL OFF"})),
        ("POST", format!("schedules/{schedule}/call_off"), json!({"reason": "x", "confirm": "CALL OFF"})),
    ] {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = house.http(method, &format!("/api/v1/admin/{path}"), Some(&owner), &body).await;
        all.push(format!("admin {method} {}", shown(reply.outcome())));
    }
    for query in
        [format!("?reservation_id={order}"), format!("?concert_id={concert}"), "?name=Rehearsal".into()]
    {
        let found = house.http("GET", &format!("/api/v1/admin/orders{query}"), Some(&owner), "").await;
        all.push(found.json().to_string());
    }
    for path in [format!("orders/{order}"), format!("concerts/{concert}/export/attendees.csv")] {
        let reply = house.http("GET", &format!("/api/v1/admin/{path}"), Some(&owner), "").await;
        all.push(format!("admin GET {}", shown(reply.outcome())));
    }
    // The page is the same as of a concert that does not exist: it says so itself.
    let page = house.http("GET", &format!("/concert/{concert}"), None, "").await;
    all.push(format!("page {} {}", page.status, String::from_utf8_lossy(&page.bytes).contains("A night")));
    all
}

/// The lists that are of all sales.
async fn lists(house: &House) -> Vec<Value> {
    let owner = house.operator_token();
    let mut all = vec![house.http("GET", "/api/v1/concerts", None, "").await.json()];
    let mut sales = house.http("GET", "/api/v1/admin/sales", Some(&owner), "").await.json();
    // It follows the clock.
    sales["sales"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(|sale| drop(sale["admissions_per_minute"].take()));
    all.push(sales);
    let mut watcher = house.stranger().await;
    watcher.ok("hello", json!({"access_token": owner})).await;
    let watched = async {
        loop {
            let state = watcher.ok("ops.watch", json!({})).await;
            let sales = state["sales"].as_array().unwrap();
            if !sales.is_empty() {
                return sales.iter().map(|sale| sale["concert_id"].clone()).collect();
            }
        }
    };
    all.push(house.turning("the figures", watched).await);
    let metrics = house.http("GET", "/metrics", None, "").await;
    let metrics = String::from_utf8_lossy(&metrics.bytes).into_owned();
    let counted =
        ["frontrow_seats_sold", "frontrow_holds", "frontrow_admissions", "frontrow_sale", "frontrow_tokens"];
    let lines = metrics.lines().filter(|line| counted.iter().any(|name| line.starts_with(name)));
    all.push(json!(lines.collect::<Vec<_>>()));
    let concerts = house.store().concerts().await.unwrap();
    all.push(concerts.iter().map(|concert| json!(concert.0)).collect());
    all.push(house.http("GET", "/readyz", None, "").await.json());
    all
}

/// Waits until nothing is stored of any rehearsal.
async fn taken_away(house: &House) {
    let gone = async {
        while !rehearsals(house.store()).rehearsals().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let what = "the end of what was left";
    match house.database_url() {
        // Nobody else can be there, and nothing is waited for.
        None => in_time(what, gone).await,
        Some(_) => house.turning(what, gone).await,
    }
}

/// What is of every sale is not of this one.
async fn nothing_is_kept_of(house: &House, concert: ConcertId) {
    assert!(house.store().journal(concert, 0, 10).await.unwrap().is_empty());
    let figures = house.store().figures().expect("this store keeps figures");
    let (from, to) = (Timestamp::from_millis(0), house.clock.utc() + Duration::from_secs(60));
    assert!(figures.figures(concert, from, to, 10).await.unwrap().is_empty());
    let alarms = house.store().alarms().expect("this store keeps alarms");
    let open = alarms.open_alarms().await.unwrap();
    let mut all = alarms.past_alarms(None, 1_000).await.unwrap().into_iter().chain(open);
    assert!(all.all(|alarm| alarm.subject != format!("sale {concert}")));
}

/// The rows that were added, but for those that stay on purpose.
fn added(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> Vec<(String, i64)> {
    let left = |table: &str| LEFT.iter().find(|(of, _)| *of == table).map_or(0, |(_, most)| *most);
    // The clock turns, and the sale itself has its figures; what servers do in turn is begun when it is due, and a busy machine's
    // lateness may be worth an alarm.
    let after = after.iter().filter(|(table, _)| !["sale_figures", "duty", "alarms"].contains(&&***table));
    let difference = after.map(|(table, rows)| {
        let more = *rows as i64 - before.get(table).copied().unwrap_or(0) as i64;
        (table.clone(), if (0..=left(table) as i64).contains(&more) { 0 } else { more })
    });
    difference.filter(|(_, more)| *more != 0).collect()
}

/// Goal: nobody can tell a rehearsal from a concert that does not exist. Method: it is played while a fan and an operator ask
/// for it by every request that names it, and for one that is not there; and all lists are as they were before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rehearsal_is_not_there_for_anybody_else() {
    let house = House::open(Plan::default()).await;
    let (mut fan, _) = house.joined(0).await;
    let (concert, schedule, users) = stored(&house, 2).await;
    let before = lists(&house).await;
    house.context().dispatcher.rehearse(concert).await.unwrap();
    let (mut buyer, mut other) = (house.buyer(users[0]).await, house.buyer(users[1]).await);
    let order = buy(&mut buyer, concert, schedule, 0).await;
    buy(&mut other, concert, schedule, 1).await;

    let order = order["reservation_id"].as_str().unwrap();
    let nobodys = format!("{:08x}{}", concert.0 + 100, &order[8..]);
    let of_it = answers(&house, &mut fan, concert.0, schedule, order).await;
    let of_nothing = answers(&house, &mut fan, concert.0 + 100, schedule + 100, &nobodys).await;
    assert_eq!(of_it, of_nothing);
    assert!(of_it.iter().all(|answer| !answer.contains("Ok(")), "{of_it:#?}");
    assert_eq!(lists(&house).await, before);
    house.audit().await;
    // Who plays it knows of nothing else.
    assert_eq!(
        other.refused("queue.join", json!({"concert_id": house.concert.0})).await,
        "CONCERT_NOT_FOUND"
    );
    assert_eq!(
        other.refused("seats.watch", json!({"schedule_id": house.schedule()})).await,
        "SCHEDULE_NOT_FOUND"
    );
}

/// Goal: a rehearsal that is over leaves no row in any table, also when the server ended in the middle of it, or while it was
/// being taken away. Method: every table of the schema is counted before and after; some of it is sold, some held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_a_rehearsal() {
    let mut house = House::open(Plan { seats: 700, ..Plan::default() }).await;
    for ends in ["as it should", "in the middle", "half taken away", "half made"] {
        let (mut fan, _) = house.joined(1_000_000).await;
        let held = fan.ok("hold_best", json!({"schedule_id": house.schedule(), "count": 1})).await;
        fan.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
        drop(fan);
        house.connections(0).await;
        let before = row_counts(&house).await;
        let (concert, schedule, users) = stored(&house, 150).await;
        house.context().dispatcher.rehearse(concert).await.unwrap();
        let (mut buyer, mut other) = (house.buyer(users[0]).await, house.buyer(users[149]).await);
        buy(&mut buyer, concert, schedule, 0).await;
        other.ok("queue.join", json!({"concert_id": concert.0})).await;
        other.ok("hold", json!({"schedule_id": schedule, "seats": [1, 2]})).await;
        drop((buyer, other));
        let during = row_counts(&house).await;
        for table in ["users", "payment_history", "concert", "concert_seat", "queue", "ticket", "journal"] {
            assert!(during[table] > before[table], "{table}");
        }
        let of = StoredRehearsal { concert, of: house.concert, is_over: false };
        match ends {
            "as it should" => {
                let entered = house.context().stage.enter().await.unwrap().expect("nobody else is there");
                assert!(house.context().stage.enter().await.unwrap().is_none(), "one at a time");
                house.context().stage.leave(entered).await;
                assert!(!house.context().dispatcher.is_rehearsal(concert));
            }
            "in the middle" => {
                house.stop().await;
                house.start().await;
            }
            "half taken away" => {
                let now = house.clock.utc();
                rehearsals(house.store()).end_rehearsal(of, now, None).await.unwrap();
                for _ in 0..3 {
                    rehearsals(house.store()).clear_rehearsal(concert, 100).await.unwrap();
                }
                // The audit names what is left, once, and finds no fault with the rest.
                let faults = house.store().audit().await.unwrap().faults;
                assert_eq!(faults.len(), 1, "{faults:?}");
                assert!(faults[0].contains("is a rehearsal of concert 1 that is being made or taken away"));
                house.stop().await;
                house.start().await;
            }
            _ => {
                house.stop().await;
                let store = house.open_store().await;
                let copy = store.load_sale(house.concert, house.clock.utc()).await.unwrap();
                let new = NewConcert {
                    title: copy.concert.title,
                    currency: copy.concert.currency,
                    time_zone: None,
                    layout: copy.schedules[0].layout.as_ref().clone(),
                    starts_at: vec![copy.schedules[0].schedule.starts_at],
                    restricted: Vec::new(),
                    about: None,
                    again: true,
                    settings: copy.settings,
                    at: house.clock.utc(),
                };
                let note = Note { by: Actor::UNNAMED, at: house.clock.utc() };
                rehearsals(&store).add_rehearsal(house.concert, &new, &note).await.unwrap();
                drop(store);
                house.start().await;
            }
        }
        taken_away(&house).await;
        let after = row_counts(&house).await;
        let more = added(&before, &after);
        // A server that starts says so, and claims its sales.
        let more: Vec<_> = more
            .into_iter()
            .filter(|(table, _)| !["node", "member", "journal", "operator_log", "duty"].contains(&&**table))
            .collect();
        assert_eq!(more, [], "{ends}");
        nothing_is_kept_of(&house, concert).await;
        house.audit().await;
    }
}

/// Goal: rows go a few at a time, and only of a rehearsal that is over. Method: those of the sale itself are asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_rehearsal_loses_no_row() {
    let house = House::open(Plan::default()).await;
    // The server takes rows away, too, when it looks, unless a rehearsal is on.
    let entering = async {
        loop {
            if let Some(entered) = house.context().stage.enter().await.unwrap() {
                return entered;
            }
            tokio::task::yield_now().await;
        }
    };
    let entered = in_time("the stage", entering).await;
    let (concert, ..) = stored(&house, 3).await;
    let before = row_counts(&house).await;
    let store = rehearsals(house.store());
    let now = house.clock.utc();
    let not_one = StoredRehearsal { concert: house.concert, of: house.concert, is_over: false };
    store.end_rehearsal(not_one, now, None).await.unwrap();
    for of in [house.concert, concert] {
        store.clear_rehearsal(of, 1_000_000).await.unwrap();
    }
    assert_eq!(added(&before, &row_counts(&house).await), []);
    let is_it = StoredRehearsal { concert, of: house.concert, is_over: false };
    assert_eq!(store.rehearsals().await.unwrap(), [is_it]);
    let (operator, _) = house.operator(Role::Manager).await;
    let by = Actor {
        who: frontrow::domain::actor::Who::Operator(frontrow::domain::ids::OperatorId(operator)),
        from: None,
    };
    store.end_rehearsal(is_it, now, Some(&Note { by, at: now })).await.unwrap();
    assert!(store.rehearsals().await.unwrap()[0].is_over);
    let mut turns = 0;
    while store.clear_rehearsal(concert, 5).await.unwrap() == frontrow::store::rehearsals::Cleared::Some {
        turns += 1;
    }
    assert!(turns > 4, "{turns}");
    assert_eq!(store.rehearsals().await.unwrap(), []);
    drop(entered);
    let log = house.http("GET", "/api/v1/admin/log", Some(&house.operator_token()), "").await.json();
    let said: Vec<_> = log["entries"].as_array().unwrap().iter().map(|line| &line["what"]).collect();
    assert!(said.contains(&&json!("rehearsal.begin")) && said.contains(&&json!("rehearsal.end")), "{said:?}");
    house.audit().await;
}

/// Begins a rehearsal, and gives what the answer says of it.
async fn begin(house: &House, token: &str, body: Value) -> Value {
    let path = format!("/api/v1/admin/concerts/{}/rehearsal", house.concert);
    let begun = house.http("POST", &path, Some(token), &body.to_string()).await;
    assert_eq!(begun.status, 201, "{:?}", begun.json());
    begun.json()["rehearsal"].clone()
}

/// Waits until the rehearsal is so.
async fn rehearsed(house: &House, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    // The clock stands still: those who play wait for the server alone.
    in_time(what, async {
        loop {
            let of = house.context().rehearsal(house.concert).await.unwrap();
            let rehearsal = serde_json::to_value(of.rehearsal).unwrap();
            if is_so(&rehearsal) {
                return rehearsal;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// What is said of rehearsals before the doors open.
async fn readiness(house: &House) -> Value {
    let path = format!("/api/v1/admin/readiness?concert={}", house.concert);
    let found = house.http("GET", &path, Some(&house.operator_token()), "").await.json();
    found["checks"].as_array().unwrap().iter().find(|check| check["name"] == "rehearsal").unwrap().clone()
}

fn figure(rehearsal: &Value, name: &str) -> f64 {
    let figures = rehearsal["report"]["figures"].as_array().expect("it has a report");
    let found = figures.iter().find(|figure| figure["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    found["value"].as_f64().unwrap()
}

/// The same buyers played from outside, as the load test does.
async fn played_from_outside(buyers: u32, seed: u64) -> (u64, u64) {
    let house = House::open(Plan { seats: 600, schedules: 2, ..Plan::default() }).await;
    let mut tokens = Vec::new();
    for _ in 0..buyers {
        tokens.push(house.access_token(house.user(0).await));
    }
    let (seats, board) = (600, Board::new());
    let claims = Arc::new(Claims::new(&house.schedules, seats));
    let venue = Venue { concert: house.concert.0, schedules: house.schedules.clone(), seats };
    let wishes = Wishes { seats_each: 4, pick: Pick::Mixed, think: Duration::ZERO, abandon: 20 };
    let arrivals = Arrivals::Burst(Duration::ZERO).times(buyers as usize, seed);
    let night = Arc::new(Night { wishes, tokens: Arc::new(tokens.iter().collect()), arrivals, seed });
    let (of_venue, of_claims) = (venue, claims.clone());
    let crew = Crew::start(1, &[Door::plain(house.address())], None, &board, move |worker| {
        let (night, shop) = (night.clone(), Shop::new(&of_venue, &of_claims));
        async move {
            arrive_all(&worker, &night, &shop).await;
            Ok::<(), std::io::Error>(())
        }
    });
    let crew = crew.unwrap();
    board.begin_window();
    crew.go();
    in_time("the buyers' end", async {
        while !crew.is_finished() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    crew.collect().unwrap();
    board.settle();
    assert_eq!(board.faults(), (0, Vec::new()));
    (board.counter(Counter::Buyers), board.counter(Counter::SeatsSold))
}

/// Goal: buyers of a rehearsal do what those of the load test do, count for count, beside fans who notice nothing, and what is
/// left of it is a line that it began. Method: the same seed is played from outside against another house with the same plan.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rehearsal_counts_what_the_load_test_counts() {
    let mut house = House::open(Plan { seats: 600, schedules: 2, ..Plan::default() }).await;
    let (mut fan, _) = house.joined(1_000_000).await;
    let (_, manager) = house.operator(Role::Manager).await;
    let lists_before = lists(&house).await;
    let before = row_counts(&house).await;
    let asked =
        json!({"buyers": 24, "seconds": 600, "arrive_within": 0, "think_ms": 0, "abandon": 20, "seed": 7});
    let begun = begin(&house, &manager, asked.clone()).await;
    assert_eq!((&begun["asked"], &begun["state"]), (&asked, &json!("preparing")));
    let path = format!("/api/v1/admin/concerts/{}/rehearsal", house.concert);
    let second = house.http("POST", &path, Some(&manager), &asked.to_string()).await;
    assert_eq!(second.outcome(), (503, "UNAVAILABLE".to_owned()), "one at a time");

    let over = rehearsed(&house, "the end of it", |of| of["state"] == "over").await;
    let told = house.http("GET", &path, Some(&manager), "").await.json();
    assert_eq!((&over["problem"], &told["rehearsal"]), (&Value::Null, &over));
    let failed = over["report"]["checks"].as_array().unwrap().iter().find(|check| check["ok"] != true);
    assert_eq!((failed, &over["report"]["ok"]), (None, &json!(true)), "{:?}", over["report"]["first_faults"]);
    let outside = played_from_outside(24, 7).await;
    let inside = (figure(&over, "buyers") as u64, figure(&over, "seats_sold") as u64);
    assert_eq!(inside, outside);
    assert!(inside.0 > 12 && inside.0 < 24 && inside.1 > inside.0, "{inside:?}: some walk away");

    assert_eq!(lists(&house).await, lists_before);
    let held = fan.ok("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await;
    assert_eq!(held["status"], "TEMP_RESERVED");
    fan.ok("release", json!({"reservation_id": held["reservation_id"]})).await;
    let more: Vec<_> = added(&before, &row_counts(&house).await);
    let more: Vec<_> =
        more.into_iter().filter(|(table, _)| *table != "journal" && *table != "reservation").collect();
    // The fan's own hold, which is released.
    let more: Vec<_> = more.into_iter().filter(|(table, _)| *table != "reservation_seat").collect();
    assert_eq!(more, []);
    let log = house.http("GET", "/api/v1/admin/log", Some(&manager), "").await.json();
    for (line, what) in [(0, "rehearsal.over"), (1, "rehearsal.begin")] {
        let line = &log["entries"][line];
        let subject = format!("concert {}", house.concert);
        assert_eq!((&line["what"], &line["subject"]), (&json!(what), &json!(subject)));
    }
    let found = readiness(&house).await;
    assert_eq!((&found["state"], &found["facts"]["bought"]), (&json!("good"), &json!(inside.0)), "{found}");

    // What it found is a page that needs nothing else, in either language.
    for (lang, words) in [("en", "Every check is good."), ("ko", "모든 점검이 정상입니다.")] {
        let path = format!("{path}/report?lang={lang}");
        let page = house.http("GET", &path, Some(&manager), "").await;
        let text = String::from_utf8(page.bytes.to_vec()).unwrap();
        assert!(page.status == 200 && text.contains(words) && text.contains("<svg"), "{lang}: {text}");
        assert!(["<script", "http://", "https://"].iter().all(|foreign| !text.contains(foreign)));
    }
    let other = house.http("GET", &format!("{path}/report?lang=xx"), Some(&manager), "").await;
    assert_eq!(other.outcome(), (400, "INVALID_PARAMS".to_owned()));
    house.audit().await;

    // Whoever comes back after a restart finds it, and so does whoever asks another server.
    house.stop().await;
    house.start().await;
    let kept = house.http("GET", &path, Some(&manager), "").await.json();
    assert_eq!(kept["rehearsal"], over);
    let page = house.http("GET", &format!("{path}/report"), Some(&manager), "").await;
    assert_eq!(page.status, 200);
}

/// Goal: whoever began it can end it, and a server that ends in the middle leaves nothing either. Method: buyers who think for
/// long; once it is ended by an operator, once the house is closed and opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rehearsal_ends_before_its_time() {
    let mut house = House::open(Plan { seats: 100, capacity: 10, ..Plan::default() }).await;
    let (id, manager) = house.operator(Role::Manager).await;
    let asked = json!({"buyers": 30, "arrive_within": 0, "think_ms": 60_000});
    let before = row_counts(&house).await;
    begin(&house, &manager, asked.clone()).await;
    rehearsed(&house, "the first buyers", |of| of["state"] != "preparing").await;
    let path = format!("/api/v1/admin/concerts/{}/rehearsal", house.concert);
    assert_eq!(house.http("DELETE", &path, Some(&manager), "").await.status, 200);
    let over = rehearsed(&house, "its end", |of| of["state"] == "over").await;
    assert!(over["report"]["window_seconds"].as_f64().unwrap() < 60.0);
    assert_eq!(house.http("DELETE", &path, Some(&manager), "").await.status, 200, "it stays over");
    let log = house.http("GET", "/api/v1/admin/log", Some(&manager), "").await.json();
    for (line, what) in [(0, "rehearsal.over"), (1, "rehearsal.end"), (2, "rehearsal.begin")] {
        let line = &log["entries"][line];
        assert_eq!((&line["what"], &line["who"]["operator_id"]), (&json!(what), &json!(id)));
    }
    assert_eq!(added(&before, &row_counts(&house).await), []);
    let found = readiness(&house).await;
    assert_eq!((&found["state"], &found["facts"]["ended_early"]), (&json!("look"), &json!(true)), "{found}");

    begin(&house, &manager, json!({"buyers": 30, "arrive_within": 0, "think_ms": 60_000, "seconds": 600}))
        .await;
    rehearsed(&house, "those who hold", |of| of["state"] == "playing").await;
    house.stop().await;
    house.start().await;
    taken_away(&house).await;
    let more = added(&before, &row_counts(&house).await);
    let more: Vec<_> = more
        .into_iter()
        .filter(|(table, _)| !["node", "member", "journal", "operator_log", "duty"].contains(&&**table))
        .collect();
    assert_eq!(more, []);
    nothing_is_kept_of(&house, ConcertId(house.concert.0 + 1)).await;
    // Of this one nothing is known any more, but of the one before; and another one may begin.
    let before = house.http("GET", &path, Some(&house.operator_token()), "").await.json();
    assert_eq!(before["rehearsal"], over);
    let found = readiness(&house).await;
    let facts = (&found["state"], &found["facts"]["ended"], &found["facts"]["goes_on"]);
    assert_eq!(facts, (&json!("look"), &json!(false), &json!(false)), "{found}");
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rehearsal_that_cannot_be_is_refused_with_the_reason() {
    let house = House::open(Plan::default()).await;
    let owner = house.operator_token();
    let path = format!("/api/v1/admin/concerts/{}/rehearsal", house.concert);
    let none = house.http("GET", &path, Some(&owner), "").await.json();
    assert_eq!(none["rehearsal"], Value::Null);
    let page = house.http("GET", &format!("{path}/report"), Some(&owner), "").await;
    assert_eq!(page.outcome(), (404, "NOT_FOUND".to_owned()));
    for (body, field) in [
        (json!({}), None),
        (json!({"buyers": 0}), Some("buyers")),
        (json!({"buyers": 2_001}), Some("buyers")),
        (json!({"buyers": 5, "seconds": 0}), Some("seconds")),
        (json!({"buyers": 5, "abandon": 101}), Some("abandon")),
        (json!({"buyers": 5, "think": 1}), None),
    ] {
        let refused = house.http("POST", &path, Some(&owner), &body.to_string()).await;
        assert_eq!(refused.outcome(), (400, "INVALID_PARAMS".to_owned()), "{body}");
        if let Some(field) = field {
            assert!(refused.json().to_string().contains(field), "{body}: {}", refused.json());
        }
    }
    let elsewhere =
        house.http("POST", "/api/v1/admin/concerts/77/rehearsal", Some(&owner), r#"{"buyers":5}"#).await;
    assert_eq!(elsewhere.outcome(), (404, "CONCERT_NOT_FOUND".to_owned()));
    house.advance(60 * 24 * 60 * 60);
    let too_late = house.http("POST", &path, Some(&house.operator_token()), r#"{"buyers":5}"#).await;
    assert_eq!(too_late.outcome().1, "NO_SCHEDULES_AVAILABLE");
    assert!(rehearsals(house.store()).rehearsals().await.unwrap().is_empty());
}
