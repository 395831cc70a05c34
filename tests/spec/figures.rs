//! Goal: how a night went can be looked at tomorrow: a row of each sale for each ten seconds, which goes on over a restart, and
//! longer spans of what is old. Method: a sale with a clock turned by hand, and what the server gives of it.

use frontrow::domain::ids::ConcertId;
use frontrow::domain::time::Timestamp;
use frontrow::store::figures::FiguresRow;
use frontrow_protocol::Role;
use serde_json::{Value, json};

use super::harness::{House, Plan};

async fn kept(house: &House, query: &str) -> Value {
    let (_, viewer) = house.operator(Role::Viewer).await;
    let path = format!("/api/v1/admin/sales/{}/figures{query}", house.concert.0);
    let kept = house.http("GET", &path, Some(&viewer), "").await;
    assert_eq!(kept.status, 200, "{:?}", kept.outcome());
    kept.json()
}

/// Turns the clock until what was kept is so.
async fn until(house: &House, what: &str, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let (_, viewer) = house.operator(Role::Viewer).await;
    let path = format!("/api/v1/admin/sales/{}/figures", house.concert.0);
    let looking = async {
        loop {
            let kept = house.http("GET", &path, Some(&viewer), "").await.json();
            // The clock goes on while it is asked: a read that took too long by it is asked again.
            if let Some(points) = kept["points"].as_array().filter(|points| is_so(points)) {
                return points.clone();
            }
            house.advance(2);
        }
    };
    house.turning(what, looking).await
}

fn sum(points: &[Value], field: &str) -> u64 {
    points.iter().map(|point| point[field].as_u64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_night_is_kept_and_goes_on_over_a_restart() {
    let mut house = House::open(Plan::default()).await;
    until(&house, "the first row", |points| !points.is_empty()).await;
    let wanted = json!({"schedule_id": house.schedule(), "seats": [0, 1]});
    let (mut ada, _) = house.joined(1_000_000).await;
    let (mut bob, _) = house.joined(0).await;
    let held = ada.ok("hold", wanted.clone()).await;
    assert_eq!(bob.refused("hold", wanted).await, "SEAT_TAKEN");
    ada.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    let points = until(&house, "the sale", |points| sum(points, "seats_sold") == 2).await;
    let totals = ["joins", "admissions", "seats_held", "refused"].map(|field| sum(&points, field));
    assert_eq!(totals, [2, 2, 2, 1]);
    let last = points.last().unwrap();
    assert_eq!((&last["sold"], &last["money"], &last["available"]), (&json!(2), &held["amount"], &json!(18)));
    assert!(points.iter().any(|point| point["refusals"]["SEAT_TAKEN"] == 1 && point["commit_p99_ms"] != 0.0));

    let rows = points.len();
    house.stop().await;
    house.start().await;
    // What was counted is counted once, and what there was is there again.
    let points = until(&house, "more rows", |points| points.len() > rows + 1).await;
    let totals = ["joins", "admissions", "seats_held", "seats_sold"].map(|field| sum(&points, field));
    assert_eq!(totals, [2, 2, 2, 2]);
    assert_eq!(points.last().unwrap()["money"], held["amount"]);
    // Whoever looks at a long time gets longer spans, with all that happened in them.
    let few = kept(&house, "?points=1").await;
    assert_eq!((few["span_s"].as_u64(), few["points"].as_array().unwrap().len()), (Some(43_200), 1));
    assert_eq!(sum(few["points"].as_array().unwrap(), "seats_sold"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_night_is_told_as_one_page() {
    let house = House::open(Plan::default()).await;
    let (_, viewer) = house.operator(Role::Viewer).await;
    let (_, door) = house.operator(Role::Door).await;
    // Before she comes: the clock runs far ahead, and who says nothing for so long is hung up on.
    until(&house, "the first row", |points| !points.is_empty()).await;
    let wanted = json!({"schedule_id": house.schedule(), "seats": [0, 1]});
    let (mut ada, _) = house.joined(1_000_000).await;
    let held = ada.ok("hold", wanted).await;
    ada.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    until(&house, "the sale", |points| sum(points, "seats_sold") == 2).await;
    let path = format!("/api/v1/admin/sales/{}/report", house.concert.0);
    let report = house.http("GET", &format!("{path}?lang=ko"), Some(&viewer), "").await;
    assert_eq!((report.status, report.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(report.header("content-disposition"), "attachment; filename=\"frontrow-1-report.html\"");
    let page = String::from_utf8(report.bytes.to_vec()).unwrap();
    for part in ["<html lang=\"ko\">", "판매 좌석", "<strong>2</strong>", "<svg"] {
        assert!(page.contains(part), "no `{part}`");
    }
    for (query, token, outcome) in [
        ("?lang=tlh", &viewer, (400, "INVALID_PARAMS")),
        ("?from=yesterday", &viewer, (400, "INVALID_PARAMS")),
        ("?title=x", &viewer, (400, "INVALID_PARAMS")),
        ("", &door, (403, "FORBIDDEN")),
    ] {
        let refused = house.http("GET", &format!("{path}{query}"), Some(token), "").await;
        assert_eq!(refused.outcome(), (outcome.0, outcome.1.to_owned()), "{query}");
    }
    let none = house.http("GET", "/api/v1/admin/sales/99/report", Some(&viewer), "").await;
    assert_eq!(none.outcome(), (404, "CONCERT_NOT_FOUND".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_old_is_put_together() {
    let house = House::open(Plan::default()).await;
    let store = house.store().figures().expect("this store keeps figures");
    let now = house.clock.utc().as_millis() / 600_000 * 600_000;
    let row = |days: i64, seconds: i64| FiguresRow {
        concert: house.concert,
        at: Timestamp::from_millis(now - days * 86_400_000 + seconds * 1_000),
        span_s: 10,
        figures: json!({"seats_sold": 1, "sold": seconds}).to_string().into(),
    };
    let mut rows: Vec<_> = (1..=60).map(|n| row(8, n * 10)).collect();
    rows.extend((1..=60).map(|n| row(91, n * 10)));
    rows.extend((1..=6).map(|n| row(6, n * 10)));
    store.keep_figures(&rows).await.unwrap();
    // The same once more changes nothing, and another sale has its own.
    store.keep_figures(&rows[..2]).await.unwrap();
    store.keep_figures(&[FiguresRow { concert: ConcertId(99), ..row(8, 10) }]).await.unwrap();
    let all = async || {
        let (from, to) = (Timestamp::default(), house.clock.utc());
        store.figures(house.concert, from, to, 1_000).await.unwrap()
    };
    let spans =
        |rows: &[FiguresRow]| [600, 60, 10].map(|span| rows.iter().filter(|row| row.span_s == span).count());
    // A row of now may be there already.
    assert_eq!(spans(&all().await)[..2], [0, 0]);
    let looking = async {
        // In steps: whoever sleeps for an hour is woken once.
        while spans(&all().await)[..2] != [1, 10] {
            house.advance(600);
        }
    };
    house.turning("thinner rows", looking).await;
    let rows = all().await;
    assert_eq!(rows[0].span_s, 600);
    let figures: Value = serde_json::from_str(&rows[0].figures).unwrap();
    assert_eq!((&figures["seats_sold"], &figures["sold"]), (&json!(60), &json!(600)));
    assert_eq!(
        rows.iter()
            .filter(|row| row.at >= Timestamp::from_millis(now - 6 * 86_400_000)
                && row.at <= Timestamp::from_millis(now - 6 * 86_400_000 + 60_000))
            .count(),
        6
    );
}
