//! A database that hangs, as behind a frozen disk: it takes what it is asked and does not answer.

use std::sync::Arc;

use frontrow::config::Config;
use frontrow_testing::simulated::{Call, Database, SimulatedStore};
use serde_json::json;

use crate::harness::{Fan, House, Plan, in_time};

/// A house, and the database that can be made to stand still.
async fn house() -> (House, Arc<Database>, SimulatedStore) {
    let database = Database::new(1);
    let store = database.connect();
    let guests = |config: &mut Config| config.guests = Some(true);
    (House::open_over(Plan::default(), guests, Some(store.handle())).await, database, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_and_reads_are_answered_whatever_hangs() {
    let (house, _, store) = house().await;
    let token = house.access_token(house.user(0).await);
    assert_eq!(house.http("GET", "/api/v1/balance", Some(&token), "").await.status, 200);
    assert_eq!(house.http("GET", "/readyz", None, "").await.status, 200);

    store.stand_still(true);
    let ready = house.turning("readiness", house.http("GET", "/readyz", None, "")).await;
    assert_eq!(ready.status, 503);
    assert!(ready.json()["missing"].to_string().contains("the store does not answer"), "{:?}", ready.json());
    let read = house.turning("a read", house.http("GET", "/api/v1/balance", Some(&token), "")).await;
    assert_eq!(read.outcome(), (503, "UNAVAILABLE".into()));
    let guest = house.http("POST", "/api/v1/users", None, r#"{"name":"Ada"}"#);
    assert_eq!(house.turning("a guest", guest).await.outcome(), (503, "OUTCOME_UNKNOWN".into()));

    store.stand_still(false);
    assert_eq!(house.http("GET", "/api/v1/balance", Some(&token), "").await.status, 200);
    house
        .turning("readiness", async { while house.http("GET", "/readyz", None, "").await.status != 200 {} })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_batch_hangs_is_never_answered_that_nothing_was_kept() {
    let (house, database, store) = house().await;
    let (mut alice, _) = house.joined(0).await;
    let [bob, carol] = [house.user(0).await, house.user(0).await].map(|user| house.access_token(user));
    let join = format!(r#"{{"concert_id":{}}}"#, house.concert.0);
    for token in [&bob, &carol] {
        assert_eq!(house.http("POST", "/api/v1/queue/tokens", Some(token), &join).await.status, 201);
    }
    let wanted = |seat: u32| json!({"schedule_id": house.schedule(), "seats": [seat]});
    let hold = |token, seat| {
        let (house, wanted) = (&house, wanted(seat).to_string());
        async move { house.http("POST", "/api/v1/reservations", Some(token), &wanted).await }
    };
    // She is on her way into the database before he comes.
    let batches = database.calls(Call::Commit);
    store.stand_still(true);
    alice.send("hold", wanted(0)).await;
    in_time("her batch", async {
        while database.calls(Call::Commit) == batches {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let refused = house.turning("what is in no batch", hold(&bob, 1)).await;
    assert_eq!(refused.outcome(), (503, "OVERLOADED".into()));
    assert_eq!(house.turning("the end of her connection", alice.closed()).await, 1012);

    store.stand_still(false);
    let mut alice: Fan = house.connection_of_token(&alice.access_token).await;
    let kept = house.turning("her seat", async { alice.ok("hold", wanted(0)).await }).await;
    assert_eq!(kept["seats"].as_array().map(Vec::len), Some(1));
    let open = alice.ok("reservations", json!({})).await;
    assert_eq!(open["reservations"].as_array().map(Vec::len), Some(1), "it was kept once");
    assert_eq!(house.turning("his seat", hold(&bob, 1)).await.status, 201);

    // There is an answer over HTTP.
    let batches = database.calls(Call::Commit);
    store.stand_still(true);
    let asked = async {
        let mut answer = std::pin::pin!(hold(&carol, 2));
        tokio::select! {
            biased;
            answer = &mut answer => panic!("{answer:?}"),
            () = in_time("her batch", async {
                while database.calls(Call::Commit) == batches {
                    tokio::task::yield_now().await;
                }
            }) => {}
        }
        house.turning("her answer", answer).await
    };
    let unknown = asked.await;
    assert_eq!(unknown.outcome(), (503, "OUTCOME_UNKNOWN".into()));
    assert_eq!((&unknown.json()["retryable"], unknown.header("retry-after")), (&json!(false), ""));
    store.stand_still(false);
    assert_eq!(house.turning("her seat", hold(&carol, 2)).await.status, 201);
}
