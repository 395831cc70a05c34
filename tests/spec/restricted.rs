//! Seats that the house keeps from sale: by an operators' call, before the eyes of those who watch, and never somebody's.

use std::process::Command;

use frontrow_protocol::SeatState::{Available, Restricted, TempReserved};
use serde_json::{Value, json};

use crate::harness::{House, Plan, in_time};

async fn change(house: &House, body: Value) -> Value {
    let path = format!("/api/v1/admin/schedules/{}/seats", house.schedule());
    let reply = house.http("POST", &path, Some(&house.operator_token()), &body.to_string()).await;
    assert_eq!(reply.status, 200, "{:?}", reply.json());
    reply.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_is_kept_before_the_eyes_of_a_fan_and_given_back() {
    let mut house = House::open(Plan { seats: 300, ..Plan::default() }).await;
    let schedule = house.schedule();
    let layout = format!("/api/v1/schedules/{schedule}/layout");
    let layout = house.http("GET", &layout, None, "").await.json();
    let of_row = |row: u64| {
        let rows = layout["seats"]["row"].as_array().unwrap();
        (0_u32..).zip(rows).filter(move |(_, of)| of.as_u64() == Some(row)).map(|(seat, _)| seat)
    };
    let row: Vec<u32> = of_row(1).collect();
    let (mut fan, _) = house.joined(1_000_000).await;
    fan.ok("seats.watch", json!({"schedule_id": schedule})).await;
    fan.ok("hold", json!({"schedule_id": schedule, "seats": [row[0]]})).await;

    let kept = change(&house, json!({"restrict": true, "select": {"rows": [1]}, "note": "Cameras"})).await;
    let left = json!([{"seat": row[0], "label": layout["seats"]["label"][row[0] as usize], "state": 1}]);
    assert_eq!(
        kept,
        json!({"schedule_id": schedule, "changed": row.len() - 1, "left": 1, "left_seats": left})
    );
    let wanted: Vec<_> = row[1..].iter().map(|seat| (*seat, Restricted)).collect();
    fan.seats_until(schedule, &wanted).await;
    let of_fan = fan.call("hold", json!({"schedule_id": schedule, "seats": [row[1], row[2]]})).await;
    let refused = of_fan.unwrap_err();
    assert_eq!((&*refused.reason, &refused.data["seats"]), ("SEAT_RESTRICTED", &json!([row[1], row[2]])));
    let shown = fan.ok("schedules", json!({})).await["schedules"][0].clone();
    assert_eq!(shown["restricted"], row.len() - 1);
    assert_eq!(shown["available"], 300 - row.len());
    assert_eq!(
        shown["left"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>() as usize,
        300 - row.len()
    );

    // It is so for whoever comes later, also after a restart, and for the operators, who need no place in line.
    drop(fan);
    house.stop().await;
    house.start().await;
    let path = format!("/api/v1/admin/schedules/{schedule}/seats");
    let seen = house.http("GET", &path, Some(&house.operator_token()), "").await.json();
    let seats = frontrow_protocol::decode_seats(seen["seats"].as_str().unwrap(), 300).unwrap();
    assert!(row[1..].iter().all(|seat| seats[*seat as usize] == Restricted));
    assert_eq!(seats.iter().filter(|state| **state == Restricted).count(), row.len() - 1);
    let figures = house.http("GET", "/api/v1/admin/sales", Some(&house.operator_token()), "").await.json();
    assert_eq!(figures["sales"][0]["restricted"], row.len() - 1);

    let opened = change(&house, json!({"restrict": false, "select": {"all": true}})).await;
    assert_eq!((&opened["changed"], &opened["left"]), (&json!(row.len() - 1), &json!(0)));
    let (mut late, _) = house.joined(1_000_000).await;
    late.ok("seats.watch", json!({"schedule_id": schedule})).await;
    late.ok("hold", json!({"schedule_id": schedule, "seats": [row[1]]})).await;
    late.seats_until(schedule, &[(row[1], TempReserved), (row[2], Available)]).await;
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_selected_is_named_and_changes_nothing() {
    let house = House::open(Plan::default()).await;
    let path = format!("/api/v1/admin/schedules/{}/seats", house.schedule());
    let (operator, nowhere) = (house.operator_token(), "/api/v1/admin/schedules/999/seats".to_owned());
    for (path, body, expected) in [
        (&path, json!({"restrict": true, "select": {"seats": [0, 9_999_999]}}), (404, "SEAT_NOT_FOUND")),
        (&path, json!({"restrict": true, "select": {"labels": ["Z-999"]}}), (400, "INVALID_PARAMS")),
        (&path, json!({"restrict": true, "select": {"rows": [9_999]}}), (400, "INVALID_PARAMS")),
        (&path, json!({"restrict": true, "select": {"all": false}}), (400, "INVALID_PARAMS")),
        (&path, json!({"restrict": true, "select": {}}), (400, "INVALID_PARAMS")),
        (&path, json!({"restrict": true, "select": {"rows": [0], "zones": [0]}}), (400, "INVALID_PARAMS")),
        (&path, json!({"restrict": true}), (400, "INVALID_PARAMS")),
        (
            &path,
            json!({"restrict": true, "select": {"rows": [0]}, "note": "\u{202e}"}),
            (400, "INVALID_PARAMS"),
        ),
        (&nowhere, json!({"restrict": true, "select": {"seats": [0]}}), (404, "SCHEDULE_NOT_FOUND")),
    ] {
        let reply = house.http("POST", path, Some(&operator), &body.to_string()).await;
        assert_eq!(reply.outcome(), (expected.0, expected.1.to_owned()), "{body}");
    }
    let figures = house.http("GET", "/api/v1/admin/sales", Some(&operator), "").await.json();
    assert_eq!(figures["sales"][0]["restricted"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_operators_who_keep_and_give_back_at_once_leave_each_seat_in_one_state() {
    let house = House::open(Plan { seats: 300, ..Plan::default() }).await;
    let keep = json!({"restrict": true, "select": {"all": true}});
    let open = json!({"restrict": false, "select": {"all": true}});
    let both = async || tokio::join!(change(&house, keep.clone()), change(&house, open.clone()));
    for _ in 0..5 {
        let (kept, opened) = both().await;
        assert_eq!(kept["changed"], 300);
        let given_back = opened["changed"].as_u64().unwrap();
        assert!(given_back == 0 || given_back == 300, "{given_back}");
        change(&house, open.clone()).await;
    }
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_keeps_lists_and_tells_what_was_kept() {
    let house = House::open(Plan { seats: 300, ..Plan::default() }).await;
    let (schedule, address) = (house.schedule().to_string(), house.address().to_string());
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
        command.args(arguments).arg("--data").arg(house.data());
        command.args(house.database_url().iter().flat_map(|url| ["--database-url", url]));
        if arguments[0] == "seats" {
            command.args(["--server", &format!("http://{address}"), "--token", &house.operator_token()]);
        }
        let output = in_time("the command", tokio::task::spawn_blocking(move || command.output())).await;
        String::from_utf8(output.unwrap().unwrap().stdout).unwrap()
    };
    let json = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let kept = json(run(&["seats", "keep", &schedule, "--numbers", "3,4", "--note", "Cameras"]).await);
    assert_eq!(kept["changed"], 2);
    let listed = json(run(&["seats", "list", &schedule]).await);
    assert_eq!((&listed["restricted"], &listed["available"]), (&json!([3, 4]), &json!(298)));
    let opened = json(run(&["seats", "open", &schedule, "--all"]).await);
    assert_eq!(opened["changed"], 2);
    let story = run(&["history", "--seat", &format!("{schedule}:3")]).await;
    assert!(story.contains("an operator from 127.0.0.1 kept it from sale: Cameras"), "{story}");
    assert!(story.contains("an operator from 127.0.0.1 gave it back to the sale"), "{story}");
}
