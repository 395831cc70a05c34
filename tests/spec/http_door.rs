//! The demands of HTTP on a request and its promises for every answer, whichever path it is for.

use std::net::Ipv4Addr;

use frontrow_protocol::openapi;
use serde_json::json;

use crate::harness::raw::Raw;
use crate::harness::{House, Plan, Reply, http};

const BALANCE: &str = "/api/v1/balance";

impl House {
    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.http_with("GET", path, headers, "").await
    }

    /// The status line of the answer to these bytes.
    async fn status_of(&self, request: &str) -> String {
        let mut raw = Raw::connect(self.address()).await;
        raw.send(request).await;
        raw.head().await.lines().next().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_names_one_host() {
    let house = House::open(Plan::default()).await;
    for path in ["/healthz", "/ws", "/api/v1/concerts", "/app/main.js"] {
        for hosts in
            ["", "host: a\r\nhost: a\r\n", "host: a\r\nhost: b\r\n", "host: a/b\r\n", "host: u@a\r\n"]
        {
            let status = house.status_of(&format!("GET {path} HTTP/1.1\r\n{hosts}\r\n")).await;
            assert_eq!(status, "HTTP/1.1 400 Bad Request", "{path} {hosts:?}");
        }
    }
    assert_eq!(house.status_of("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await, "HTTP/1.1 200 OK");
    // Brothers: what says who asks, and for what, is there once.
    for (name, path) in
        [("authorization", "/ws"), ("authorization", "/api/v1/balance"), ("origin", "/healthz")]
    {
        let twice = format!("GET {path} HTTP/1.1\r\nhost: a\r\n{name}: http://a\r\n{name}: http://a\r\n\r\n");
        assert_eq!(house.status_of(&twice).await, "HTTP/1.1 400 Bad Request", "{path} {name}");
    }
    assert_eq!(house.status_of("GET /healthz HTTP/1.0\r\n\r\n").await, "HTTP/1.0 200 OK");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_is_answered_like_everything_else() {
    let house = House::open(Plan::default()).await;
    let many: String = (0..100).map(|n| format!("a{n}: b\r\n")).collect();
    let fine = "HEAD /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n";
    for (bytes, status, answers) in [
        ("nonsense\r\n\r\n".to_owned(), 400, 1),
        ("GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n".to_owned(), 400, 1),
        (format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(20_000)), 431, 1),
        (format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"), 431, 1),
        // The nonsense stands behind a request that is understood, with an answer that has no body.
        (format!("{fine}nonsense\r\n\r\n"), 400, 2),
    ] {
        let mut raw = Raw::connect_to(house.address(), house.is_secure()).await;
        raw.send(&bytes).await;
        let received = String::from_utf8(raw.rest().await).unwrap();
        let at: Vec<_> = received.match_indices("HTTP/1.1 ").map(|(at, _)| at).collect();
        assert_eq!(at.len(), answers, "{received}");
        let (head, body) = received[at[answers - 1]..].split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{received}");
        for header in [
            "content-type: application/problem+json",
            "x-content-type-options: nosniff",
            "content-security-policy: default-src 'none'; frame-ancestors 'none'",
            "connection: close",
            &format!("content-length: {}", body.len()),
        ] {
            assert!(head.lines().any(|line| line == header), "{header}: {received}");
        }
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&problem["reason"], &problem["status"]), (&json!("INVALID_REQUEST"), &json!(status)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_announced_too_large_is_refused_before_it_comes() {
    let house = House::open(Plan { settings: |config| config.guests = Some(true), ..Plan::default() }).await;
    let post = "POST /api/v1/users HTTP/1.1\r\nhost: a\r\n";
    for (framing, status) in [
        ("content-length: 16385\r\n\r\n", "HTTP/1.1 413 Payload Too Large"),
        ("content-length: 1099511627776\r\n\r\n", "HTTP/1.1 413 Payload Too Large"),
        ("expect: 100-continue\r\ncontent-length: 16385\r\n\r\n", "HTTP/1.1 413 Payload Too Large"),
        ("expect: 100-continue\r\ncontent-length: 12\r\n\r\n", "HTTP/1.1 100 Continue"),
        ("content-length: 12\r\n\r\n{\"name\":\"a\"}", "HTTP/1.1 201 Created"),
    ] {
        assert_eq!(house.status_of(&format!("{post}{framing}")).await, status, "{framing}");
    }
    let chunk = format!("{:x}\r\n{}\r\n", 16_385, "x".repeat(16_385));
    let chunked = format!("{post}transfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n");
    assert_eq!(house.status_of(&chunked).await, "HTTP/1.1 413 Payload Too Large");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_made_once_compressed_and_known_by_their_coding() {
    let house = House::open(Plan::default()).await;
    let layout = format!("/api/v1/schedules/{}/layout", house.schedule());
    for path in ["/openapi.json", "/asyncapi.json", "/", "/app/main.js", &layout] {
        let plain = house.get(path, &[]).await;
        let gzip = house.get(path, &[("accept-encoding", "gzip")]).await;
        assert_eq!((plain.status, plain.header("content-encoding")), (200, ""), "{path}");
        assert_eq!((gzip.status, gzip.header("content-encoding")), (200, "gzip"), "{path}");
        assert!(gzip.bytes.len() < plain.bytes.len(), "{path}");
        let (plain, gzip) = (plain.header("etag").to_owned(), gzip.header("etag").to_owned());
        assert!(!plain.is_empty() && !gzip.is_empty() && plain != gzip, "{path}: {plain} {gzip}");
        for (coding, etag, status) in
            [("identity", &plain, 304), ("gzip", &gzip, 304), ("identity", &gzip, 200), ("gzip", &plain, 200)]
        {
            let again = house.get(path, &[("accept-encoding", coding), ("if-none-match", etag)]).await;
            assert_eq!((again.status, again.header("vary")), (status, "accept-encoding"), "{path} {coding}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_safe_to_open_and_known_by_its_request() {
    let house = House::open(Plan {
        settings: |config| config.allowed_origins = vec!["https://tickets.example".to_owned()],
        ..Plan::default()
    })
    .await;
    let ours = [("x-request-id", "a1-B2.c3:d/4")];
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "/nothing", 404),
        ("GET", "/healthz", 200),
        ("POST", "/healthz", 405),
        ("GET", "/ws", 426),
        ("POST", "/ws", 405),
        ("GET", BALANCE, 401),
        ("OPTIONS", BALANCE, 204),
        ("HEAD", "/openapi.json", 200),
    ] {
        let reply = house.http_with(method, path, &ours, "").await;
        assert_eq!(reply.status, status, "{method} {path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{method} {path}");
        assert!(reply.header("content-security-policy").contains("default-src 'none'"), "{method} {path}");
        assert_eq!(reply.header("x-request-id"), "a1-B2.c3:d/4", "{method} {path}");
        let varies = reply.headers.get_all("vary").iter().any(|vary| vary == "origin");
        assert!(varies, "{method} {path} says that it depends on the origin, also without one");
    }
    let foreign = house.get("/", &[("origin", "https://evil.example")]).await;
    assert_eq!((foreign.status, foreign.header("x-content-type-options")), (403, "nosniff"));
    for odd in ["a b", "<script>", &"x".repeat(129)] {
        assert_eq!(house.get("/healthz", &[("x-request-id", odd)]).await.header("x-request-id"), "", "{odd}");
    }
    // A client that is turned away for want of room gets an answer just as safe.
    let full =
        House::open(Plan { settings: |config| config.connections_max = Some(1), ..Plan::default() }).await;
    let _only = full.stranger().await;
    let turned_away = full.get("/healthz", &[]).await;
    assert_eq!((turned_away.status, turned_away.header("x-content-type-options")), (503, "nosniff"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn allow_says_what_a_path_allows() {
    let house = House::open(Plan::default()).await;
    for (method, path, allow) in [
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
        ("DELETE", "/", "GET, HEAD, OPTIONS"),
        ("PUT", "/api/v1/users", "POST, OPTIONS"),
        ("GET", "/api/v1/payments", "POST, OPTIONS"),
        ("POST", "/api/v1/concerts", "GET, HEAD, OPTIONS"),
        ("PATCH", "/api/v1/queue/tokens/current", "GET, HEAD, DELETE, OPTIONS"),
        ("PATCH", "/api/v1/reservations", "GET, HEAD, POST, OPTIONS"),
        ("GET", "/api/v1/reservations/1", "DELETE, OPTIONS"),
        ("GET", "/api/v1/admin/sales/1", "PATCH, OPTIONS"),
    ] {
        let refused = house.http(method, path, None, "").await;
        assert_eq!((refused.status, refused.header("allow")), (405, allow), "{method} {path}");
        let asked = house.http("OPTIONS", path, None, "").await;
        assert_eq!((asked.status, asked.header("allow")), (204, allow), "{path}");
    }
    for method in ["GET", "POST", "OPTIONS"] {
        assert_eq!(house.http(method, "/nothing", None, "").await.status, 404, "{method}");
        assert_eq!(house.http(method, "/api/v1/nothing", None, "").await.status, 404, "{method}");
    }
}

/// Goal: what limits a user is the user, however the requests travel. Method: three users through one connection of a
/// proxy that reuses it, and one user over ever new connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_counted_for_their_user_and_not_for_their_connection() {
    let house = House::open(Plan {
        settings: |config| {
            config.limits.requests_burst = 10;
            config.address_limits.exempt.clear();
            config.address_limits.handshakes_burst = 1_000;
        },
        ..Plan::default()
    })
    .await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(house.access_token(house.user(7).await));
    }
    let mut proxy = Raw::connect(house.address()).await;
    for _ in 0..10 {
        for token in &tokens {
            proxy
                .send(format!("GET {BALANCE} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n"))
                .await;
            assert!(proxy.head().await.starts_with("HTTP/1.1 200 "));
            proxy.skip(r#"{"balance":7,"currency":"KRW"}"#.len()).await;
        }
    }
    // Each has used up their own by now, wherever they ask next.
    for token in &tokens {
        let refused = house.http("GET", BALANCE, Some(token), "").await;
        assert_eq!(refused.outcome(), (429, "RATE_LIMITED".to_owned()));
        assert_eq!(refused.header("retry-after"), "1");
    }
    let other = house.access_token(house.user(7).await);
    assert_eq!(house.http("GET", BALANCE, Some(&other), "").await.status, 200);
    house.advance(1);
    assert_eq!(house.http("GET", BALANCE, Some(&tokens[0]), "").await.status, 200);
}

/// Goal: there is no path that somebody unknown may ask without end, and nobody else pays for it. Method: one address
/// uses up its requests on every path, and a user who was there before, a probe, and a neighbour go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_one_rate_for_every_path() {
    let house = House::open(Plan {
        settings: |config| {
            config.address_limits.exempt.clear();
            config.address_limits.requests_burst = 40;
            config.address_limits.requests_per_second = 1;
        },
        ..Plan::default()
    })
    .await;
    let token = house.access_token(house.user(7).await);
    assert_eq!(house.http("GET", BALANCE, Some(&token), "").await.status, 200);
    let paths = ["/openapi.json", "/app/main.js", "/nothing", "/api/v1/concerts", "/ws", "/api/v1/nothing"];
    for asked in 0..60 {
        let status = house.get(paths[asked % paths.len()], &[]).await.status;
        if status == 429 {
            break;
        }
        assert!(asked < 40, "no end of it");
    }
    for path in paths {
        assert_eq!(house.get(path, &[]).await.outcome(), (429, "RATE_LIMITED".to_owned()), "{path}");
    }
    // A token that nobody has seen yet is not even looked at.
    assert_eq!(house.http("GET", BALANCE, Some("nonsense"), "").await.status, 429);
    assert_eq!(house.http("GET", BALANCE, Some(&token), "").await.status, 200);
    assert_eq!(house.get("/healthz", &[]).await.status, 200);
    assert_eq!(house.get("/readyz", &[]).await.status, 200);
    let neighbour = Ipv4Addr::new(127, 0, 0, 3);
    let elsewhere = http::call_from(neighbour, house.address(), "GET", "/openapi.json", &[], "").await;
    assert_eq!(elsewhere.status, 200);
}

#[test]
fn the_document_says_what_is_done() {
    let document = openapi::document();
    for (path, verbs) in document["paths"].as_object().unwrap() {
        for (verb, call) in verbs.as_object().unwrap() {
            let reasons = |status: &str| call["responses"][status]["x-reasons"].clone();
            let has = |status: &str, reason: &str| {
                reasons(status).as_array().is_some_and(|reasons| reasons.contains(&json!(reason)))
            };
            assert!(has("403", "FORBIDDEN"), "{verb} {path}: a page of a foreign origin");
            assert!(has("400", "INVALID_REQUEST"), "{verb} {path}: a request without a host");
            assert!(has("429", "RATE_LIMITED"), "{verb} {path}");
            if call["requestBody"].is_object() {
                assert!(has("413", "INVALID_REQUEST") && has("408", "INVALID_REQUEST"), "{verb} {path}");
            }
        }
    }
    let schema = |name: &str| document["components"]["schemas"][name].clone();
    assert_eq!(schema("ChargeBody")["properties"]["amount"]["minimum"], 1);
    assert_eq!(schema("ReservationBody")["dependentRequired"]["category"], json!(["count"]));
    let metrics = &document["paths"]["/metrics"]["get"]["responses"]["200"]["content"];
    let media: Vec<_> = metrics.as_object().into_iter().flat_map(|content| content.keys()).collect();
    assert_eq!(media, [frontrow::metrics::CONTENT_TYPE]);
}
