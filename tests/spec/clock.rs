//! A machine's clock that is set while a sale runs.

use frontrow_protocol::Timestamp;
use serde_json::json;

use crate::harness::{House, Plan};

fn millis(time: &serde_json::Value) -> i64 {
    serde_json::from_value::<Timestamp>(time.clone()).unwrap().as_millis()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_is_as_far_away_as_before_and_shown_in_the_new_time() {
    for step in [-3_600_000, 3_600_000] {
        let house = House::open(Plan::default()).await;
        let (mut alice, place) = house.joined(0).await;
        let held = alice.ok("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await;
        house.clock.set_by(step);
        house.advance(1);
        let moved = alice.pushed("reservation.update").await;
        assert_eq!(millis(&moved["expires_at"]) - millis(&held["expires_at"]), step);
        let update = alice.pushed("queue.update").await;
        assert_eq!(millis(&update["expires_at"]) - millis(&place["expires_at"]), step);
        let now = alice.ok("ping", json!({})).await;
        assert_eq!(
            millis(&moved["expires_at"]) - millis(&now["server_time"]),
            299_000,
            "5 min, and one second ago"
        );
        house.audit().await;
    }
}
