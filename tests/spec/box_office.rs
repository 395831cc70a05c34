//! The box office sells to somebody who stands there, or gives seats away: at once, once for each request, seen live by fans, and
//! with its money in no wallet, whatever becomes of it.

use std::process::Command;

use frontrow::domain::ids::UserId;
use frontrow_protocol::Role;
use frontrow_protocol::SeatState::{Available, Reserved, Restricted};
use serde_json::{Value, json};

use crate::harness::{House, Plan, in_time};
use crate::life::{bought, given_back};

async fn post(house: &House, token: &str, path: &str, body: &Value) -> (u16, Value) {
    let reply = house.http("POST", &format!("/api/v1/admin/{path}"), Some(token), &body.to_string()).await;
    (reply.status, reply.json())
}

async fn get(house: &House, token: &str, path: &str) -> Value {
    let reply = house.http("GET", &format!("/api/v1/admin/{path}"), Some(token), "").await;
    assert_eq!(reply.status, 200, "{path}: {:?}", reply.json());
    reply.json()
}

/// Sells seats of the first performance: with this, and what `more` has besides.
async fn sells(house: &House, token: &str, request: &str, seats: &[u32], more: Value) -> (u16, Value) {
    let mut body = json!({"seats": seats, "source": "cash", "request_id": request});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    post(house, token, &format!("schedules/{}/sell", house.schedule()), &body).await
}

fn reason(refused: &(u16, Value)) -> (u16, &str) {
    (refused.0, refused.1["reason"].as_str().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_in_buys_without_a_place_in_line_and_fans_see_it_live() {
    let mut house = House::open(Plan { capacity: 1, ..Plan::default() }).await;
    let schedule = house.schedule();
    let (mut watcher, _) = house.joined(1_000_000).await;
    watcher.ok("seats.watch", json!({"schedule_id": schedule})).await;
    let (id, clerk) = house.operator(Role::BoxOffice).await;
    let more = json!({"name": "  Kim Min-ji ", "note": "Wheelchair"});
    let (status, sold) = sells(&house, &clerk, "one", &[3, 4], more.clone()).await;
    assert_eq!((status, &sold["created"], &sold["name"]), (201, &json!(true), &json!("Kim Min-ji")));
    watcher.seats_until(schedule, &[(3, Reserved), (4, Reserved)]).await;
    assert_eq!(watcher.refused("hold", json!({"schedule_id": schedule, "seats": [3]})).await, "SEAT_TAKEN");
    let (order, tickets) = (&sold["order"], sold["tickets"].as_array().unwrap());
    let amount: i64 = tickets.iter().map(|ticket| ticket["price"].as_i64().unwrap()).sum();
    assert_eq!((&order["status"], &order["source"]), (&json!("RESERVED"), &json!("cash")));
    assert_eq!((&order["amount"], amount > 0), (&json!(amount), true));
    let codes: Vec<_> = tickets.iter().map(|ticket| ticket["code"].as_str().unwrap()).collect();
    assert!(codes.len() == 2 && codes[0] != codes[1] && codes.iter().all(|code| code.len() == 16));

    // Sent again it is the same, also after a restart; something else of that name is refused.
    let again = async |house: &House| {
        let (status, again) = sells(house, &clerk, "one", &[4, 3], json!({"name": "Another"})).await;
        assert_eq!((status, &again["created"]), (200, &json!(false)));
        assert_eq!((&again["order"], &again["tickets"]), (&sold["order"], &sold["tickets"]));
        assert_eq!(again["name"], "Kim Min-ji", "the name of the first time");
    };
    again(&house).await;
    house.stop().await;
    house.start().await;
    again(&house).await;
    let other = sells(&house, &clerk, "one", &[3, 4], json!({"source": "card"})).await;
    assert_eq!(reason(&other), (422, "REQUEST_ID_REUSED"));

    // It is found like any order, and its life is told.
    let order = order["reservation_id"].as_str().unwrap();
    let queries =
        [format!("ticket={}", codes[1]), "name=Kim+Min".to_owned(), format!("reservation_id={order}")];
    for query in queries {
        let found = get(&house, &clerk, &format!("orders?{query}")).await;
        assert_eq!(found["orders"][0]["reservation_id"], order, "{query}");
        assert_eq!(found["orders"][0]["payment"]["source"], "cash");
    }
    let life = get(&house, &clerk, &format!("orders/{order}")).await;
    let event = &life["events"][0];
    assert_eq!(
        (&event["what"], &event["why"], &event["amount"]),
        (&json!("sell"), &json!("cash"), &json!(amount))
    );
    assert_eq!((&event["by"]["operator_id"], &event["reason"]), (&json!(id), &json!("Wheelchair")));
    let log = get(&house, &house.operator_token(), &format!("log?concert_id={}", house.concert)).await;
    let line = &log["entries"][0];
    assert_eq!((&line["what"], &line["subject"]), (&json!("sell"), &json!(format!("order {order}"))));
    let became = json!({"source": "cash", "amount": amount, "seats": [[3, 4]]});
    assert_eq!((&line["became"], &line["reason"]), (&became, &json!("Wheelchair")));
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_sold_there_is_named_and_nothing_is_sold() {
    let house = House::open(Plan { schedules: 2, ..Plan::default() }).await;
    let schedule = house.schedule();
    let (mut fan, _) = house.joined(1_000_000).await;
    fan.ok("hold", json!({"schedule_id": schedule, "seats": [0]})).await;
    let _buyer = bought(&house, schedule, &[1]).await;
    let (_, clerk) = house.operator(Role::BoxOffice).await;
    let taken = sells(&house, &clerk, "a", &[0, 1, 2], json!({})).await;
    assert_eq!(reason(&taken), (409, "SEAT_TAKEN"));
    assert_eq!(taken.1["seats"], json!([0, 1]));
    let detail = taken.1["detail"].as_str().unwrap();
    assert!(detail.contains(" is held by a fan; ") && detail.ends_with(" is sold"), "{detail}");

    let many: Vec<u32> = (5..26).collect();
    for (what, seats, more, expected) in [
        ("no seat", &[][..], json!({}), (400, "INVALID_PARAMS")),
        ("too many", &many[..], json!({}), (400, "INVALID_PARAMS")),
        ("a seat that is not there", &[2, 9_999][..], json!({}), (404, "SEAT_NOT_FOUND")),
        ("another price", &[2][..], json!({"amount": 1}), (409, "CHANGED_MEANWHILE")),
        ("a gift that costs", &[2][..], json!({"source": "gift", "amount": 1}), (409, "CHANGED_MEANWHILE")),
        ("a wallet", &[2][..], json!({"source": "wallet"}), (400, "INVALID_PARAMS")),
        ("a blank name", &[2][..], json!({"name": " "}), (400, "INVALID_PARAMS")),
        ("no request", &[2][..], json!({"request_id": ""}), (400, "INVALID_PARAMS")),
        ("a long request", &[2][..], json!({"request_id": "비".repeat(100)}), (400, "INVALID_PARAMS")),
        ("what there is not", &[2][..], json!({"price": 1}), (400, "INVALID_PARAMS")),
    ] {
        assert_eq!(reason(&sells(&house, &clerk, "b", seats, more).await), expected, "{what}");
    }
    let nowhere = json!({"seats": [2], "source": "cash", "request_id": "c"});
    assert_eq!(
        reason(&post(&house, &clerk, "schedules/999/sell", &nowhere).await),
        (404, "SCHEDULE_NOT_FOUND")
    );
    // Who is made for a request that came to nothing is nobody.
    assert_eq!(get(&house, &clerk, "orders?name=Nobody").await["orders"], json!([]));
    let name = json!({"name": "Nobody", "amount": 1});
    assert_eq!(sells(&house, &clerk, "n", &[2], name).await.0, 409);
    assert_eq!(get(&house, &clerk, "orders?name=Nobody").await, json!({"orders": [], "next": null}));

    let state = async |state: &str| {
        let path = format!("/api/v1/admin/sales/{}", house.concert);
        let patch = json!({"state": state}).to_string();
        assert_eq!(house.http("PATCH", &path, Some(&house.operator_token()), &patch).await.status, 200);
    };
    state("PAUSED").await;
    assert_eq!(reason(&sells(&house, &clerk, "d", &[2][..], json!({})).await), (409, "SALE_PAUSED"));
    assert_eq!(sells(&house, &clerk, "e", &[2][..], json!({"source": "gift"})).await.0, 201);
    state("CLOSED").await;
    assert_eq!(sells(&house, &clerk, "d", &[3], json!({})).await.0, 201, "it goes on when the line is gone");
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takings_and_lists_tell_how_it_was_paid_and_what_waits_at_the_desk() {
    let mut house = House::open(Plan::default()).await;
    let schedule = house.schedule();
    let (_, order) = bought(&house, schedule, &[0]).await;
    let (_, manager) = house.operator(Role::Manager).await;
    let kept = json!({"restrict": true, "select": {"seats": [7]}});
    assert_eq!(post(&house, &manager, &format!("schedules/{schedule}/seats"), &kept).await.0, 200);
    let sum = |sold: &(u16, Value)| {
        assert_eq!(sold.0, 201, "{:?}", sold.1);
        sold.1["order"]["amount"].as_i64().unwrap()
    };
    let cash = sum(&sells(&house, &manager, "1", &[3, 4], json!({"name": "=1+1"})).await);
    let card = sells(&house, &manager, "2", &[7], json!({"source": "card"})).await;
    let card_order = card.1["order"]["reservation_id"].as_str().unwrap().to_owned();
    let card = sum(&card);
    assert_eq!(sum(&sells(&house, &manager, "3", &[9], json!({"source": "gift"})).await), 0);
    let paid = get(&house, &manager, &format!("orders/{order}")).await;
    let wallet = paid["order"]["amount"].as_i64().unwrap();

    // As it was committed, and after a restart.
    for _ in 0..2 {
        let view = house.context().fanout.sale(house.concert).unwrap();
        let takings = view.standing(house.clock.utc()).tallied.takings;
        assert_eq!((takings.wallet, takings.cash, takings.card), (wallet, cash, card));
        drop(view);
        house.stop().await;
        house.start().await;
    }
    let sold = get(&house, &manager, &format!("schedules/{schedule}/sold")).await;
    assert_eq!((&sold["orders"], &sold["amount"]), (&json!(4), &json!(wallet + cash + card)));
    assert_eq!(sold["at_desk"], json!({"orders": 2, "seats": 3, "amount": cash + card}));

    // Called off, the fan's money goes to the wallet and the gift is void; what was paid at the desk waits there.
    let off = json!({"reason": "Rain", "confirm": "CALL OFF"});
    assert_eq!(post(&house, &manager, &format!("schedules/{schedule}/call_off"), &off).await.0, 200);
    given_back(&house).await;
    let fan = UserId(paid["order"]["user_id"].as_u64().unwrap());
    assert_eq!(house.store().balance(fan).await.unwrap(), Some(10_000_000));
    let refunds = async |house: &House| get(house, &manager, "refunds").await["refunds"][0].clone();
    let waits = refunds(&house).await;
    assert_eq!((&waits["seats_left"], &waits["stuck"]), (&json!(0), &json!([])));
    assert_eq!(waits["at_desk"], json!({"orders": 2, "seats": 3, "amount": cash + card}));
    let csv = async |list: &str| {
        let path = format!("/api/v1/admin/concerts/{}/export/{list}.csv", house.concert);
        let reply = house.http("GET", &path, Some(&manager), "").await;
        assert_eq!(reply.status, 200);
        String::from_utf8(reply.bytes.to_vec()).unwrap()
    };
    let orders = csv("orders").await;
    let (header, lines) = orders.split_once("\r\n").unwrap();
    let names: Vec<_> = header.trim_start_matches('\u{feff}').split(',').collect();
    let at = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let cells = lines.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let mut told: Vec<_> = cells
        .map(|cells| (cells[at("source")].to_owned(), cells[at("back_at_desk")].parse().unwrap()))
        .collect();
    told.sort_unstable();
    let due = [("card", card), ("cash", cash), ("gift", 0), ("wallet", 0)];
    assert_eq!(told, due.map(|(source, sum)| (source.to_owned(), sum)));
    assert!(orders.contains("'=1+1"), "{orders}");

    // Whoever comes gets it by their order, once; the answer names no wallet.
    let path = format!("orders/{card_order}/refund");
    let (status, back) = post(&house, &manager, &path, &json!({"reason": "Came for it"})).await;
    assert_eq!((status, back.get("balance")), (200, None));
    assert_eq!((&back["order"]["source"], &back["order"]["refunded"]), (&json!("card"), &json!(card)));
    let again = post(&house, &manager, &path, &json!({"reason": "Again"})).await;
    assert_eq!(reason(&again), (409, "ALREADY_REFUNDED"));
    in_time("what is left at the desk", async {
        while refunds(&house).await["at_desk"] != json!({"orders": 1, "seats": 2, "amount": cash}) {
            house.step().await;
        }
    })
    .await;
    let ledger = csv("ledger").await;
    for line in [
        format!("payment,{card},KRW,card"),
        format!("refund,-{card},KRW,card"),
        format!("payment,{cash},KRW,cash"),
    ] {
        assert!(ledger.contains(&line), "{line} is not in {ledger}");
    }
    let view = house.context().fanout.sale(house.concert).unwrap();
    let takings = view.standing(house.clock.utc()).tallied.takings;
    assert_eq!((takings.wallet, takings.cash, takings.card), (0, cash, 0));
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seats_come_back_there_one_by_one_and_are_for_sale_again() {
    let house = House::open(Plan::default()).await;
    let schedule = house.schedule();
    let (mut fan, _) = house.joined(1_000_000).await;
    fan.ok("seats.watch", json!({"schedule_id": schedule})).await;
    let (_, manager) = house.operator(Role::Manager).await;
    let (_, sold) = sells(&house, &manager, "1", &[3, 4], json!({"source": "card"})).await;
    let order = sold["order"]["reservation_id"].as_str().unwrap();
    let moved = json!({"from": 3, "to": 5, "keep": true});
    assert_eq!(post(&house, &manager, &format!("orders/{order}/move"), &moved).await.0, 200);
    let back = json!({"reason": "One is ill", "seats": [4]});
    let (status, refunded) = post(&house, &manager, &format!("orders/{order}/refund"), &back).await;
    assert_eq!((status, refunded.get("balance")), (200, None));
    fan.seats_until(schedule, &[(3, Restricted), (4, Available), (5, Reserved)]).await;
    fan.ok("hold", json!({"schedule_id": schedule, "seats": [4]})).await;
    house.audit().await;
}

/// Goal: a shell does the same. Method: the program, with the server's address and a token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_sells_and_gives_away() {
    let house = House::open(Plan::default()).await;
    let (schedule, url) = (house.schedule().to_string(), format!("http://{}", house.address()));
    let (_, clerk) = house.operator(Role::BoxOffice).await;
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
        command.args(["seats", "--server", &url, "--token", &clerk]).args(arguments);
        let done = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice::<Value>(&done.stdout).unwrap()
    };
    let sell = ["sell", &schedule, "--numbers", "3,4", "--paid", "card", "--name", "Min", "--request", "r"];
    let (first, second) = (run(&sell).await, run(&sell).await);
    assert_eq!((&first["created"], &second["created"]), (&json!(true), &json!(false)));
    assert_eq!(first["tickets"], second["tickets"]);
    let given = run(&["give", &schedule, "--numbers", "5"]).await;
    assert_eq!((&given["order"]["source"], &given["order"]["amount"]), (&json!("gift"), &json!(0)));
    house.audit().await;
}
