//! What is said of a concert, changed while its sale runs: everybody sees it, and nobody overwrites what they did not see.

use frontrow_protocol::Role;
use serde_json::{Value, json};

use crate::harness::{House, Plan, Reply};

async fn change(house: &House, body: &Value) -> Reply {
    let path = format!("/api/v1/admin/concerts/{}", house.concert);
    house.http("PATCH", &path, Some(&house.operator_token()), &body.to_string()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_title_and_a_page_are_changed_for_everybody() {
    let mut house = House::open(Plan::default()).await;
    let (mut fan, _) = house.joined(1_000_000).await;
    let drawing = format!("/api/v1/schedules/{}/layout", house.schedule());
    let etag = house.http("GET", &drawing, None, "").await.header("etag").to_owned();
    let before = fan.ok("schedules", json!({})).await["revision"].as_u64().unwrap();
    let about = json!({"texts": {"description": "One.\n\nTwo.", "age": "12"}});
    let said = json!({"concert_id": house.concert.0, "title": "밤 \"1\"", "about": about});
    let changed = change(&house, &json!({"title": " 밤 \"1\" ", "about": about})).await;
    assert_eq!((changed.status, changed.json()), (200, said.clone()));

    fan.pushed_until("sale.update", |update| update["revision"].as_u64() > Some(before)).await;
    assert_eq!(fan.ok("concerts", json!({})).await["concerts"][0]["title"], "밤 \"1\"");
    let drawn = house.http_with("GET", &drawing, &[("if-none-match", &etag)], "").await;
    assert_eq!((drawn.status, &drawn.json()["title"]), (200, &json!("밤 \"1\"")));
    // A ticket is named as its concert is by now.
    let held = fan.ok("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await;
    fan.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    assert_eq!(fan.ok("tickets", json!({})).await["tickets"][0]["title"], "밤 \"1\"");
    drop(fan);

    // And so it is after a restart; what is not named stays, and what is empty is taken away.
    house.stop().await;
    house.start().await;
    assert_eq!(change(&house, &json!({})).await.json(), said);
    assert_eq!(change(&house, &json!({"title": "One"})).await.json()["about"], about);
    let page = format!("/api/v1/concerts/{}", house.concert);
    house.advance(3);
    assert_eq!(house.http("GET", &page, None, "").await.json()["concert"]["title"], "One");
    assert_eq!(change(&house, &json!({"about": {}})).await.json()["about"], json!({}));
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_operators_who_describe_the_second_is_told_what_it_says() {
    let house = House::open(Plan::default()).await;
    let (_, session) = house.operator(Role::Manager).await;
    let path = format!("/api/v1/admin/concerts/{}", house.concert);
    let seen = |title: &str| json!({"title": title, "was": {"title": "A night", "about": {}}}).to_string();
    let (one, other) = (seen("One"), seen("Other"));
    let (one, other) = tokio::join!(
        house.http("PATCH", &path, Some(&session), &one),
        house.http("PATCH", &path, Some(&session), &other),
    );
    let (won, lost) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!((won.status, lost.outcome()), (200, (409, "CHANGED_MEANWHILE".to_owned())));
    let told = lost.json();
    assert_eq!(told["was"], json!({"title": won.json()["title"], "about": null}));
    assert!(told["by"]["operator_id"].is_u64() && told["at"].is_string(), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_said_is_refused() {
    let house = House::open(Plan::default()).await;
    let unknown = "0".repeat(32);
    for body in [
        json!({"title": ""}),
        json!({"title": "\u{202e}"}),
        json!({"title": "x".repeat(201)}),
        json!({"about": {"texts": {"description": "a\u{202e}"}}}),
        json!({"about": {"map_url": "javascript:alert(1)"}}),
        json!({"about": {"image_id": unknown}}),
        json!({"about": {"texts": {"title": "x"}}}),
        json!({"name": "x"}),
    ] {
        assert_eq!(change(&house, &body).await.outcome(), (400, "INVALID_PARAMS".to_owned()), "{body}");
    }
    let nowhere = house
        .http("PATCH", "/api/v1/admin/concerts/999", Some(&house.operator_token()), r#"{"title":"x"}"#)
        .await;
    assert_eq!(nowhere.outcome(), (404, "CONCERT_NOT_FOUND".to_owned()));
    assert_eq!(change(&house, &json!({})).await.json()["title"], "A night");
}
