//! A seat whose hold ran out unpaid is not held again by the same user for a while: both doors say so, an operator may set
//! it, and a restart forgets nothing.

use std::time::Duration;

use serde_json::json;

use crate::harness::{House, Plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lets_a_seat_run_out_lets_others_have_it_first() {
    let mut house = House::open(Plan {
        settings: |config| {
            config.sale.hold_ttl = Duration::from_secs(20);
            config.sale.hold_again_after = Duration::from_secs(60);
        },
        ..Plan::default()
    })
    .await;
    let (schedule, concert) = (house.schedule(), house.concert.0);
    let user = house.user(0).await;
    let token = house.access_token(user);
    let mut fan = house.connection_of(user).await;
    fan.ok("queue.join", json!({"concert_id": concert})).await;
    fan.ok("hold", json!({"schedule_id": schedule, "seats": [3, 4]})).await;
    house.advance(20);
    fan.pushed_until("reservation.update", |pushed| pushed["status"] == "EXPIRED").await;
    let ended = house.clock.utc();
    let again = json!({"schedule_id": schedule, "seats": [4, 5]});
    let refused = fan.call("hold", again.clone()).await.unwrap_err();
    assert_eq!(refused.reason, "HOLD_AGAIN_LATER");
    assert_eq!(refused.data["seats"], json!([4]));
    let retry_at = frontrow_protocol::Timestamp::from_millis(ended.as_millis() + 60_000);
    assert_eq!(refused.data["retry_at"], json!(retry_at));
    // The other door says the same.
    let over_http = house.http("POST", "/api/v1/reservations", Some(&token), &again.to_string()).await;
    assert_eq!(over_http.outcome(), (409, "HOLD_AGAIN_LATER".to_owned()));
    assert_eq!(over_http.json()["retry_at"], json!(retry_at));
    // Others may have it, and the best seats are looked for elsewhere.
    let (mut other, _) = house.joined(0).await;
    other.ok("hold", json!({"schedule_id": schedule, "seats": [4]})).await;
    let best = fan.ok("hold_best", json!({"schedule_id": schedule, "count": 1})).await;
    let seat = best["seats"][0]["seat"].as_u64().unwrap();
    assert!(seat != 3 && seat != 4, "{seat}");
    // A restart forgets nothing.
    house.restart_with(|_| {}).await;
    let mut fan = house.connection_of(user).await;
    let three = json!({"schedule_id": schedule, "seats": [3]});
    assert_eq!(fan.refused("hold", three.clone()).await, "HOLD_AGAIN_LATER");
    // An operator may take the wait away.
    let path = format!("/api/v1/admin/sales/{concert}");
    let operator = house.operator_token();
    let patch = json!({"hold_again_after": "0s"}).to_string();
    let figures = house.http("PATCH", &path, Some(&operator), &patch).await;
    assert_eq!((figures.status, &figures.json()["settings"]["hold_again_after"]), (200, &json!("0s")));
    fan.ok("hold", three).await;
    house.audit().await;
}
