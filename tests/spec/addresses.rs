//! Limits of one address, which others never feel: on both doors, directly and behind proxies.

use std::net::{Ipv4Addr, SocketAddr};

use frontrow::address::AddressSource;
use frontrow::config::Config;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::harness::{Fan, House, Plan, connect_from, http, in_time};

const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

async fn house(settings: fn(&mut Config)) -> House {
    House::open(Plan { settings, ..Plan::default() }).await
}

/// A fan who is known, from this address.
async fn fan_from(house: &House, source: Ipv4Addr) -> Fan {
    let token = house.access_token(house.user(1_000_000).await);
    let mut fan = Fan::connect_from(source, house.address(), &[]).await.unwrap();
    fan.ok("hello", json!({"access_token": token})).await;
    fan
}

/// The sockets that are turned away are gone: what is counted next is what the test makes.
async fn concerts_from(house: &House, source: Ipv4Addr, headers: &[(&str, &str)]) -> u16 {
    http::call_from(source, house.address(), "GET", "/api/v1/concerts", headers, "").await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_so_many_connections_and_others_have_theirs() {
    let house = house(|config| config.address_limits.connections = 3).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(Fan::connect_from(STRANGER, house.address(), &[]).await.unwrap());
    }
    assert_eq!(Fan::connect_from(STRANGER, house.address(), &[]).await.err(), Some(429));
    let refused = http::call_from(STRANGER, house.address(), "GET", "/api/v1/concerts", &[], "").await;
    assert_eq!(refused.outcome(), (429, "RATE_LIMITED".to_owned()));
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(refused.json()["detail"], "this address has as many connections as it may");
    // Clients from elsewhere notice nothing.
    let mut honest = fan_from(&house, NEIGHBOUR).await;
    honest.ok("queue.join", json!({"concert_id": house.concert.0})).await;
    honest.ok("hold", json!({"schedule_id": house.schedule(), "seats": [1]})).await;
    let metrics = http::call(house.address(), "GET", "/metrics", &[], "").await;
    let page = String::from_utf8(metrics.bytes.to_vec()).unwrap();
    assert!(page.contains(r#"frontrow_refused_total{kind="address_connections"} 2"#), "{page}");
    // A place that is given back is free again.
    drop(open.pop());
    house.connections(3).await;
    in_time("a free place", async {
        while concerts_from(&house, STRANGER, &[]).await != 200 {
            house.advance(1);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_makes_connections_so_fast_and_no_faster() {
    let house = house(|config| {
        config.address_limits.handshakes_burst = 4;
        config.address_limits.handshakes_per_second = 1;
    })
    .await;
    let mut made = Vec::new();
    for _ in 0..8 {
        made.push(concerts_from(&house, STRANGER, &[]).await);
    }
    assert_eq!(made, [200, 200, 200, 200, 429, 429, 429, 429]);
    assert_eq!(concerts_from(&house, NEIGHBOUR, &[]).await, 200);
    house.advance(2);
    let again = [
        concerts_from(&house, STRANGER, &[]).await,
        concerts_from(&house, STRANGER, &[]).await,
        concerts_from(&house, STRANGER, &[]).await,
    ];
    assert_eq!(again, [200, 200, 429]);
}

/// The connections behind a proxy are the proxy's; the fans' websockets are counted by the address that the proxy saw.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_proxy_the_address_is_the_one_that_it_names() {
    for source in [AddressSource::XForwardedFor, AddressSource::Forwarded] {
        let mut house = house(|config| {
            config.address_limits.connections = 1;
            config.proxy.trusted = vec![PROXY.to_string().parse().unwrap()];
        })
        .await;
        house.restart_with(|config| config.proxy.address_from = source).await;
        let header = |client: &str| match source {
            AddressSource::Forwarded => ("forwarded", format!("for=\"9.9.9.9:1\", for={client}")),
            _ => ("x-forwarded-for", format!("9.9.9.9, {client}")),
        };
        let connect = async |from: Ipv4Addr, client: &str| {
            let (name, value) = header(client);
            Fan::connect_from(from, house.address(), &[(name, &value)]).await
        };
        let first = connect(PROXY, "203.0.113.7").await.unwrap();
        let second = connect(PROXY, "203.0.113.8").await.unwrap();
        assert_eq!(connect(PROXY, "203.0.113.7").await.err(), Some(429), "{source:?}");
        // Requests are no connections: the proxy uses its own for many clients.
        let (name, value) = header("203.0.113.7");
        assert_eq!(concerts_from(&house, PROXY, &[(name, &value)]).await, 200);
        // A header from elsewhere is nothing: the stranger cannot be somebody else, twice.
        let third = connect(STRANGER, "203.0.113.9").await.unwrap();
        assert_eq!(connect(STRANGER, "203.0.113.10").await.err(), Some(429), "{source:?}");
        drop((first, second, third));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_may_say_the_address_before_anything_else() {
    let house = house(|config| {
        config.address_limits.connections = 1;
        config.proxy.trusted = vec![PROXY.to_string().parse().unwrap()];
        config.proxy.address_from = AddressSource::ProxyProtocol;
    })
    .await;
    let behind_proxy = async |header: &[u8]| {
        let mut tcp = connect_from(PROXY, house.address()).await;
        tcp.write_all(header).await.unwrap();
        Fan::over(tcp, &[("x-forwarded-for", "203.0.113.99")]).await
    };
    let version_2 = |last: u8| {
        let signature = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
        [&signature[..], &[203, 0, 113, last, 127, 0, 0, 1, 19, 136, 31, 144]].concat()
    };
    let mut first = behind_proxy(b"PROXY TCP4 203.0.113.7 127.0.0.1 5000 8080\r\n").await.unwrap();
    assert_eq!(behind_proxy(&version_2(7)).await.err(), Some(429), "either version names the same client");
    let second = behind_proxy(&version_2(8)).await.unwrap();
    // The proxy looks whether we live, for nobody.
    let local = behind_proxy(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0").await.unwrap();
    let token = house.access_token(house.user(0).await);
    first.ok("hello", json!({"access_token": token})).await;
    drop((first, second, local));
    // The same bytes from elsewhere are no request at all.
    assert_eq!(refused_bytes(house.address(), STRANGER, &version_2(7)).await, "HTTP/1.1 400");
    // A proxy that says nothing is hung up on: what it may be handing on is not guessed.
    assert_eq!(refused_bytes(house.address(), PROXY, b"GET /healthz HTTP/1.1\r\n").await, "");
}

/// The first word that is answered to these bytes.
async fn refused_bytes(address: SocketAddr, source: Ipv4Addr, bytes: &[u8]) -> String {
    use tokio::io::AsyncReadExt;
    let mut tcp = connect_from(source, address).await;
    tcp.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = in_time("the end", tcp.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer[..answer.len().min(12)]).into_owned()
}

/// A guest, made over HTTP from this address.
async fn guest_from(house: &House, source: Ipv4Addr) -> Result<String, (u16, String)> {
    let body = json!({"name": "guest"}).to_string();
    let made = http::call_from(source, house.address(), "POST", "/api/v1/users", &[], &body).await;
    match made.status {
        201 => Ok(made.json()["access_token"].as_str().unwrap().to_owned()),
        _ => Err(made.outcome()),
    }
}

/// A guest's connection.
async fn guest_fan(house: &House, source: Ipv4Addr) -> Fan {
    let token = guest_from(house, source).await.unwrap();
    let mut fan = Fan::connect_from(source, house.address(), &[]).await.unwrap();
    fan.access_token = token.clone();
    fan.ok("hello", json!({"access_token": token})).await;
    fan
}

async fn join_over_http(house: &House, source: Ipv4Addr, token: &str) -> (u16, String) {
    let bearer = format!("Bearer {token}");
    let body = json!({"concert_id": house.concert.0}).to_string();
    let headers = [("authorization", bearer.as_str())];
    http::call_from(source, house.address(), "POST", "/api/v1/queue/tokens", &headers, &body).await.outcome()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_of_an_address_are_made_and_join_so_fast_and_others_do_not_notice() {
    let house = house(|config| {
        config.guests = Some(true);
        config.address_limits.guests_burst = 5;
        config.address_limits.joins_burst = 3;
    })
    .await;
    let limited = || (429, "RATE_LIMITED".to_owned());
    let mut tokens = Vec::new();
    for _ in 0..5 {
        tokens.push(guest_from(&house, STRANGER).await.unwrap());
    }
    assert_eq!(guest_from(&house, STRANGER).await, Err(limited()));
    // Joins: of all guests of the address together, through both doors.
    let join = json!({"concert_id": house.concert.0});
    let mut first = Fan::connect_from(STRANGER, house.address(), &[]).await.unwrap();
    first.ok("hello", json!({"access_token": tokens[0]})).await;
    let place = first.ok("queue.join", join.clone()).await;
    assert_eq!(join_over_http(&house, STRANGER, &tokens[1]).await.0, 201);
    // The queue token of a guest is a guest's as well.
    let mut second = Fan::connect_from(STRANGER, house.address(), &[]).await.unwrap();
    second.ok("hello", json!({"queue_token": place["token"]})).await;
    second.ok("queue.join", join.clone()).await;
    assert_eq!(second.refused("queue.join", join.clone()).await, "RATE_LIMITED");
    assert_eq!(first.refused("queue.join", join.clone()).await, "RATE_LIMITED");
    assert_eq!(join_over_http(&house, STRANGER, &tokens[2]).await, limited());
    let mut upgraded =
        Fan::connect_from(STRANGER, house.address(), &[("authorization", &format!("Bearer {}", tokens[3]))])
            .await
            .unwrap();
    assert_eq!(upgraded.refused("queue.join", join.clone()).await, "RATE_LIMITED");
    // Users who are vouched for may share the address, and a guest from elsewhere is another's business.
    let mut known = fan_from(&house, STRANGER).await;
    known.ok("queue.join", join.clone()).await;
    guest_fan(&house, NEIGHBOUR).await.ok("queue.join", join.clone()).await;
    house.advance(1);
    assert_eq!(join_over_http(&house, STRANGER, &tokens[2]).await.0, 201);
    assert!(guest_from(&house, STRANGER).await.is_ok());
    assert_eq!(guest_from(&house, STRANGER).await, Err(limited()));
}

/// One person with 25 guests held a whole house of 100.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guests_of_one_address_do_not_hold_the_house() {
    let mut house =
        House::open(Plan { seats: 100, settings: |config| config.guests = Some(true), ..Plan::default() })
            .await;
    let join = json!({"concert_id": house.concert.0});
    let best = json!({"schedule_id": house.schedule(), "count": 4});
    let mut held = Vec::new();
    for _ in 0..10 {
        let mut guest = guest_fan(&house, STRANGER).await;
        guest.ok("queue.join", join.clone()).await;
        let reservation = guest.ok("hold_best", best.clone()).await;
        held.push((guest, reservation["reservation_id"].clone()));
    }
    // Forty of a hundred seats: the next guest waits, by either request and through either door.
    let mut eleventh = guest_fan(&house, STRANGER).await;
    eleventh.ok("queue.join", join.clone()).await;
    let refused = eleventh.call("hold_best", best.clone()).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), &refused.data["retry_after_ms"]), ("RATE_LIMITED", &json!(10_000)));
    let one = json!({"schedule_id": house.schedule(), "seats": [99]});
    assert_eq!(eleventh.refused("hold", one.clone()).await, "RATE_LIMITED");
    let bearer = format!("Bearer {}", eleventh.access_token);
    let headers = [("authorization", bearer.as_str())];
    let over_http = async |body: &serde_json::Value| {
        let path = "/api/v1/reservations";
        http::call_from(STRANGER, house.address(), "POST", path, &headers, &body.to_string()).await.outcome()
    };
    assert_eq!(over_http(&one).await, (429, "RATE_LIMITED".to_owned()));
    assert_eq!(over_http(&best).await, (429, "RATE_LIMITED".to_owned()));
    // A guest from elsewhere is not concerned, nor somebody who is vouched for.
    let mut neighbour = guest_fan(&house, NEIGHBOUR).await;
    neighbour.ok("queue.join", join.clone()).await;
    neighbour.ok("hold_best", best.clone()).await;
    let mut known = fan_from(&house, STRANGER).await;
    known.ok("queue.join", join.clone()).await;
    known.ok("hold_best", best.clone()).await;
    // Seats that are released may be held by others of the address.
    let (mut first, reservation) = held.pop().unwrap();
    first.ok("release", json!({"reservation_id": reservation})).await;
    eleventh.ok("hold_best", best).await;
    let page = http::call(house.address(), "GET", "/metrics", &[], "").await;
    let page = String::from_utf8(page.bytes.to_vec()).unwrap();
    assert!(page.contains(r#"frontrow_refused_total{kind="address_guest_seats"} 4"#), "{page}");
    // A restart frees none of them.
    house.stop().await;
    house.start().await;
    let mut guest = guest_fan(&house, STRANGER).await;
    guest.ok("queue.join", join).await;
    assert_eq!(guest.refused("hold", one).await, "RATE_LIMITED");
}
