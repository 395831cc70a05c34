//! Operators and `/metrics` on a listener of their own, or on everybody's: who may read what, and that a full house shuts
//! nobody out who must help.

use std::net::Ipv4Addr;

use serde_json::json;

use crate::harness::raw::Raw;
use crate::harness::{Fan, House, Plan, Reply, http, in_time, tls};

const PATHS: [&str; 2] = ["/api/v1/admin/sales", "/metrics"];

async fn get(to: std::net::SocketAddr, path: &str, headers: &[(&str, &str)]) -> Reply {
    http::call(to, "GET", path, headers, "").await
}

/// A house of two connections is full until it has seen that the connections of earlier requests ended.
async fn once_let_in(to: std::net::SocketAddr, path: &str, headers: &[(&str, &str)]) -> Reply {
    in_time("room for a request", async {
        loop {
            let reply = get(to, path, headers).await;
            if reply.outcome() != (503, "OVERLOADED".into()) {
                return reply;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_get_in_when_the_house_is_full() {
    let house = House::open(Plan {
        settings: |config| {
            config.connections_max = Some(2);
            config.admin_listen = Some("127.0.0.1:0".parse().unwrap());
        },
        ..Plan::default()
    })
    .await;
    let operator = format!("Bearer {}", house.operator_token());
    let operator = [("authorization", operator.as_str())];
    let first = Fan::connect(house.address(), &[]).await.unwrap();
    let second = Fan::connect(house.address(), &[]).await.unwrap();
    assert_eq!(Fan::connect(house.address(), &[]).await.err(), Some(503), "the house is full");
    // An operator is let in, sees, and steers.
    let sales = get(house.admin(), "/api/v1/admin/sales", &operator).await;
    assert_eq!((sales.status, &sales.json()["sales"][0]["state"]), (200, &json!("OPEN")));
    let path = format!("/api/v1/admin/sales/{}", house.concert.0);
    let paused = http::call(house.admin(), "PATCH", &path, &operator, r#"{"state":"PAUSED"}"#).await;
    assert_eq!((paused.status, &paused.json()["state"]), (200, &json!("PAUSED")));
    let metrics = get(house.admin(), "/metrics", &[]).await;
    assert!(String::from_utf8_lossy(&metrics.bytes).contains("frontrow_connections 2"));
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(house.admin(), path, &[]).await.status, 200, "{path}");
    }
    // The console is where its calls are.
    for path in ["/console/", "/console/main.js", "/vendor/htm/htm.mjs", "/app/style.css"] {
        assert_eq!(get(house.admin(), path, &[]).await.status, 200, "{path}");
    }
    // Nobody else's business is done there.
    for path in ["/", "/app/main.js", "/sale/1", "/api/v1/concerts", "/api/v1/tickets"] {
        // These calls are made by hand: the document is of everybody's listener, where these are.
        let mut raw = Raw::connect(house.admin()).await;
        raw.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
        assert!(raw.head().await.starts_with("HTTP/1.1 404 "), "{path}");
    }
    assert_eq!(
        get(house.admin(), "/api/v1/admin/sales", &[]).await.status,
        401,
        "it is no way around a token"
    );
    // A websocket there is an operator's.
    let mut stranger = Fan::connect(house.admin(), &[]).await.unwrap();
    let fan = house.access_token(house.user(0).await);
    assert_eq!(stranger.refused("hello", json!({"access_token": fan})).await, "FORBIDDEN");
    let bearer = format!("Bearer {fan}");
    assert_eq!(Fan::connect(house.admin(), &[("authorization", &bearer)]).await.err(), Some(403));
    stranger.ok("hello", json!({"access_token": house.operator_token()})).await;
    stranger.ok("ops.watch", json!({})).await;
    let mut console = Fan::connect(house.admin(), &operator).await.unwrap();
    console.ok("ops.watch", json!({})).await;
    drop((stranger, console));
    // Nothing of it is at everybody's door.
    drop((first, second));
    house.connections(0).await;
    for path in PATHS.into_iter().chain(["/console/", "/console/main.js"]) {
        assert_eq!(once_let_in(house.address(), path, &operator).await.status, 404, "{path}");
    }
    for path in ["/healthz", "/readyz", "/api/v1/concerts"] {
        assert_eq!(once_let_in(house.address(), path, &[]).await.status, 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_it_metrics_are_for_operators_and_for_this_machine() {
    let house = House::open(Plan::default()).await;
    let operator = format!("Bearer {}", house.operator_token());
    let fan = format!("Bearer {}", house.access_token(house.user(0).await));
    // Any trace of a proxy makes a request one from elsewhere, whoever wrote it.
    let forwarded = ("x-forwarded-for", "203.0.113.7");
    for (headers, status) in [
        (vec![], 200),
        (vec![forwarded], 401),
        (vec![("forwarded", "for=203.0.113.7")], 401),
        (vec![("via", "1.1 proxy")], 401),
        (vec![forwarded, ("authorization", fan.as_str())], 403),
        (vec![forwarded, ("authorization", "Bearer nonsense")], 401),
        (vec![forwarded, ("authorization", operator.as_str())], 200),
        (vec![("authorization", fan.as_str())], 200),
    ] {
        assert_eq!(get(house.address(), "/metrics", &headers).await.status, status, "{headers:?}");
    }
    let sales = get(house.address(), "/api/v1/admin/sales", &[("authorization", &operator)]).await;
    assert_eq!(sales.status, 200, "as before");
    // A request that a proxy of ours hands on is from elsewhere, even if it runs on this machine and says nothing.
    let proxy = Ipv4Addr::new(127, 0, 0, 9);
    let mut house = house;
    house.restart_with(|config| config.proxy.trusted = vec![proxy.to_string().parse().unwrap()]).await;
    let handed_on = http::call_from(proxy, house.address(), "GET", "/metrics", &[], "").await;
    assert_eq!((handed_on.status, get(house.address(), "/metrics", &[]).await.status), (401, 200));
}

/// Operators' tokens come over their listener: it is as encrypted as everybody's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_listener_uses_tls_where_everybodys_does() {
    let house = House::open(Plan {
        settings: |config| {
            tls::settings(config);
            config.admin_listen = Some("127.0.0.1:0".parse().unwrap());
        },
        ..Plan::default()
    })
    .await;
    let request = |path: &str, token: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n")
    };
    let operator = house.operator_token();
    for path in ["/metrics", "/api/v1/admin/sales", "/readyz"] {
        let mut raw = Raw::connect_to(house.admin(), true).await;
        raw.send(request(path, &operator)).await;
        assert!(raw.head().await.starts_with("HTTP/1.1 200 "), "{path}");
        let mut plain = Raw::connect(house.admin()).await;
        plain.send(request(path, &operator)).await;
        assert!(plain.head().await.starts_with("HTTP/1.1 400 "), "{path} in clear");
    }
}
