//! The same journey over HTTP alone, with the statuses that the protocol states.

use frontrow_protocol::{asyncapi, openapi};
use serde_json::json;

use crate::harness::{House, Plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fan_who_polls_buys_a_seat_too() {
    let house =
        House::open(Plan { capacity: 1, settings: |config| config.guests = Some(true), ..Plan::default() })
            .await;
    let schedule = house.schedule();
    let guest = house.http("POST", "/api/v1/users", None, r#"{"name":"Alice"}"#).await;
    assert_eq!(guest.status, 201);
    let alice = guest.json()["access_token"].as_str().unwrap().to_owned();
    let bob = house.access_token(house.user(0).await);
    let join = format!(r#"{{"concert_id":{}}}"#, house.concert.0);

    let concerts = house.http("GET", "/api/v1/concerts", Some(&alice), "").await;
    assert_eq!((concerts.status, &concerts.json()["concerts"][0]["title"]), (200, &json!("A night")));
    let current = "/api/v1/queue/tokens/current";
    assert_eq!(house.http("GET", current, Some(&alice), "").await.outcome(), (403, "NOT_IN_QUEUE".into()));
    let joined = house.http("POST", "/api/v1/queue/tokens", Some(&alice), &join).await;
    assert_eq!((joined.status, &joined.json()["status"]), (201, &json!("PROGRESS")));
    let again = house.http("POST", "/api/v1/queue/tokens", Some(&alice), &join).await;
    assert_eq!((again.status, &again.json()["token"]), (200, &joined.json()["token"]));
    let queue_token = joined.json()["token"].as_str().unwrap().to_owned();

    assert_eq!(house.http("POST", "/api/v1/queue/tokens", Some(&bob), &join).await.json()["position"], 1);
    assert_eq!(
        house.http("GET", "/api/v1/schedules", Some(&bob), "").await.outcome(),
        (403, "WAITING".into())
    );
    // The queue token alone does for everything but joining another sale.
    let schedules = house.http("GET", "/api/v1/schedules", Some(&queue_token), "").await;
    assert_eq!((schedules.status, &schedules.json()["schedules"][0]["schedule_id"]), (200, &json!(schedule)));
    let seats = house.http("GET", &format!("/api/v1/schedules/{schedule}/seats"), Some(&alice), "").await;
    assert_eq!((seats.status, &seats.json()["count"]), (200, &json!(20)));

    let wanted = format!(r#"{{"schedule_id":{schedule},"seats":[0,1]}}"#);
    let held = house.http("POST", "/api/v1/reservations", Some(&queue_token), &wanted).await;
    assert_eq!(held.status, 201);
    let amount = held.json()["amount"].as_i64().unwrap();
    let reservation = json!({"reservation_id": held.json()["reservation_id"]}).to_string();
    let pay = || house.http("POST", "/api/v1/payments", Some(&alice), &reservation);
    assert_eq!(pay().await.outcome(), (402, "INSUFFICIENT_BALANCE".into()));
    let bearer = format!("Bearer {alice}");
    let keyed = [("authorization", bearer.as_str()), ("idempotency-key", "k")];
    let body = json!({"amount": amount}).to_string();
    let charged = house.http_with("POST", "/api/v1/balance/charges", &keyed, &body).await;
    assert_eq!((charged.status, &charged.json()["balance"]), (200, &json!(amount)));
    let other = json!({"amount": amount + 1}).to_string();
    let reused = house.http_with("POST", "/api/v1/balance/charges", &keyed, &other).await;
    assert_eq!(reused.outcome(), (422, "REQUEST_ID_REUSED".into()));
    let nothing =
        house.http("POST", "/api/v1/balance/charges", Some(&alice), r#"{"amount":0,"request_id":"z"}"#).await;
    assert_eq!(nothing.outcome(), (422, "INVALID_AMOUNT".into()));
    let paid = pay().await;
    assert_eq!((paid.status, paid.json()["tickets"].as_array().map(Vec::len)), (201, Some(2)));
    assert_eq!(house.http("GET", "/api/v1/balance", Some(&alice), "").await.json()["balance"], 0);
    let tickets = house.http("GET", "/api/v1/tickets", Some(&alice), "").await.json();
    assert_eq!(tickets["tickets"].as_array().map(Vec::len), Some(2));
    let history = house.http("GET", "/api/v1/balance/history?limit=1", Some(&alice), "").await.json();
    assert_eq!(history["entries"][0]["type"], "PAYMENT");

    // The next fan's poll finds them admitted.
    assert_eq!(house.http("GET", current, Some(&bob), "").await.json()["status"], "PROGRESS");
    let taken = house.http("POST", "/api/v1/reservations", Some(&bob), &wanted).await;
    assert_eq!((taken.outcome(), &taken.json()["seats"]), ((409, "SEAT_TAKEN".into()), &json!([0, 1])));
    let left = house.http("DELETE", current, Some(&bob), "").await;
    assert_eq!((left.status, &left.json()["status"]), (200, &json!("EXPIRED")));

    let id = held.json()["reservation_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/reservations/{id}");
    assert_eq!(house.http("DELETE", &path, Some(&bob), "").await.outcome().0, 404, "it is not bob's");
    let refunded = house.http("DELETE", &path, Some(&alice), "").await;
    assert_eq!((refunded.status, &refunded.json()["balance"]), (200, &json!(amount)));
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_over_http_is_named() {
    let house = House::open(Plan::default()).await;
    let (user, operator) = (house.access_token(house.user(5).await), house.operator_token());
    let forged = format!("{}x", &user[..user.len() - 1]);
    let concert = format!("/api/v1/admin/sales/{}", house.concert.0);
    let layout = format!("/api/v1/schedules/{}/layout", house.schedule());
    let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(70_000));
    let (none, fan, boss) = (None, Some(user.as_str()), Some(operator.as_str()));
    for (method, path, token, body, status, reason) in [
        ("GET", "/api/v1/balance", none, "", 401, "UNAUTHENTICATED"),
        ("GET", "/api/v1/balance", Some("nonsense"), "", 401, "UNAUTHENTICATED"),
        ("GET", "/api/v1/balance", Some(&*forged), "", 401, "UNAUTHENTICATED"),
        ("GET", "/api/v1/balance?colour=red", fan, "", 400, "INVALID_PARAMS"),
        ("POST", "/api/v1/users", none, r#"{"name":"Eve"}"#, 403, "FORBIDDEN"),
        ("POST", "/api/v1/users", none, &large, 413, "INVALID_REQUEST"),
        ("POST", "/api/v1/queue/tokens", fan, "not json", 400, "PARSE"),
        ("POST", "/api/v1/queue/tokens", fan, "{}", 400, "INVALID_PARAMS"),
        ("POST", "/api/v1/queue/tokens", fan, r#"{"concert_id":99}"#, 404, "CONCERT_NOT_FOUND"),
        ("GET", "/api/v1/schedules/99/layout", none, "", 404, "SCHEDULE_NOT_FOUND"),
        ("GET", "/api/v1/schedules/x/layout", none, "", 400, "INVALID_PARAMS"),
        ("POST", "/api/v1/balance/charges", fan, r#"{"amount":-5,"request_id":"a"}"#, 422, "INVALID_AMOUNT"),
        ("POST", "/api/v1/balance/charges", fan, r#"{"amount":5}"#, 400, "INVALID_PARAMS"),
        ("POST", "/api/v1/payments", fan, r#"{"reservation_id":5}"#, 400, "INVALID_PARAMS"),
        ("GET", "/api/v1/admin/sales", none, "", 401, "UNAUTHENTICATED"),
        ("GET", "/api/v1/admin/sales", fan, "", 403, "FORBIDDEN"),
        ("PATCH", &concert, fan, "{}", 403, "FORBIDDEN"),
        ("PATCH", &concert, boss, r#"{"capacity":0}"#, 400, "INVALID_PARAMS"),
        ("PATCH", "/api/v1/admin/sales/99", boss, "{}", 404, "CONCERT_NOT_FOUND"),
        ("GET", "/api/v1/nowhere", fan, "", 404, "UNKNOWN_METHOD"),
        ("GET", "/nowhere", none, "", 404, "UNKNOWN_METHOD"),
    ] {
        let reply = house.http(method, path, token, body).await;
        assert_eq!(reply.outcome(), (status, reason.into()), "{method} {path} {body:.60}");
        assert_eq!(reply.header("content-type"), "application/problem+json", "{method} {path}");
        assert_eq!(reply.json()["retryable"], false);
    }
    let wrong = house.http("PUT", "/api/v1/balance", fan, "").await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "GET, HEAD, OPTIONS"));
    let first = house.http("GET", &layout, none, "").await;
    assert_eq!(first.status, 200);
    let etag = first.header("etag").to_owned();
    assert_eq!(house.http_with("GET", &layout, &[("if-none-match", &etag)], "").await.status, 304);
    let gzip = house.http_with("GET", &layout, &[("accept-encoding", "gzip")], "").await;
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert!(gzip.bytes.len() < first.bytes.len());
    assert_eq!(house.http("HEAD", &layout, none, "").await.bytes.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_tells_how_it_is() {
    let house = House::open(Plan::default()).await;
    let (mut fan, _) = house.joined(0).await;
    fan.ok("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await;
    assert_eq!(house.http("GET", "/healthz", None, "").await.json(), json!({"status": "ok"}));
    assert_eq!(house.http("GET", "/readyz", None, "").await.json(), json!({"status": "ok"}));
    let metrics = house.http("GET", "/metrics", None, "").await;
    let page = String::from_utf8(metrics.bytes.to_vec()).unwrap();
    for line in [
        "frontrow_connections 1",
        "frontrow_queue_tokens{status=\"progress\"} 1",
        "frontrow_admissions_total 1",
        "frontrow_holds_total 1",
        "frontrow_requests_total{method=\"hold\",outcome=\"ok\"} 1",
    ] {
        assert!(page.lines().any(|l| l == line), "no `{line}` in\n{page}");
    }
    // The documents that everything else here is held against are those that are served.
    for (path, document) in [("/openapi.json", openapi::document()), ("/asyncapi.json", asyncapi::document())]
    {
        assert_eq!(house.http("GET", path, None, "").await.json(), document);
    }
    let page = house.http("GET", "/", None, "").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_origins_are_kept_out() {
    let house = House::open(Plan {
        settings: |config| config.allowed_origins = vec!["https://tickets.example".to_owned()],
        ..Plan::default()
    })
    .await;
    let foreign = house.http_with("GET", "/api/v1/concerts", &[("origin", "https://evil.example")], "").await;
    assert_eq!(foreign.outcome(), (403, "FORBIDDEN".into()));
    let allowed = [("origin", "https://tickets.example")];
    let reply = house.http_with("GET", "/api/v1/concerts", &allowed, "").await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, "https://tickets.example"));
    let preflight = house.http_with("OPTIONS", "/api/v1/balance", &allowed, "").await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-headers").contains("authorization"));
}
