//! Peers who take nothing, or send without end: what they cost is bounded, and they are hung up on.

use frontrow::config::Config;
use frontrow::metrics::RequestLabels;
use serde_json::json;

use crate::harness::raw::{Raw, frame};
use crate::harness::{House, Plan, in_time, tls};

const CONTINUATION: u8 = 0x00;
const BEGUN_TEXT: u8 = 0x01;
const PING: u8 = 0x89;

impl House {
    /// Turns the clock until only so many sockets are open.
    async fn sockets(&self, count: i64) {
        in_time("the end of a socket", async {
            while self.context().metrics.sockets.get() != count {
                self.advance(1);
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_endless_frames_is_refused() {
    let house = House::open(Plan::default()).await;
    let mut endless = Raw::websocket(house.address(), None).await;
    endless.send_frame(BEGUN_TEXT, b"{").await;
    for _ in 0..64 {
        endless.send_frame(CONTINUATION, b"").await;
    }
    assert_eq!(endless.close_code().await, Some(1009));
    // Sent together they are more than one turn of the connection.
    let mut endless = Raw::websocket(house.address(), None).await;
    let frames = [frame(BEGUN_TEXT, b"{"), frame(CONTINUATION, b"").repeat(100_000)].concat();
    // It hangs up long before all of it is sent.
    assert!(endless.try_send(frames).await.is_err() || endless.close_code().await == Some(1009));
    house.connections(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_puts_no_deadline_off() {
    let house = House::open(Plan::default()).await;
    let mut stranger = Raw::websocket(house.address(), None).await;
    // More than is read of it at a time, and than may be done for one connection without a pause.
    let pings = frame(PING, b"").repeat(50_000);
    let sending = tokio::spawn(async move {
        while stranger.try_send(&pings).await.is_ok() {}
        stranger
    });
    house.connections(1).await;
    house.advance(11);
    house.connections(0).await;
    // It may be waited for until it has read the close, which it does not.
    house.sockets(0).await;
    in_time("the end of the flood", sending).await.unwrap();
    assert_eq!(house.context().metrics.outbox_drops.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_of_an_answer_over_http_is_hung_up_on() {
    takes_nothing_over_http(House::open(Plan { seats: 20_000, ..Plan::default() }).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_of_an_encrypted_answer_is_hung_up_on() {
    let plan = Plan { seats: 20_000, settings: tls::settings, ..Plan::default() };
    takes_nothing_over_http(House::open(plan).await).await;
}

async fn takes_nothing_over_http(house: House) {
    let path = format!("/api/v1/schedules/{}/layout", house.schedule());
    let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", house.address());
    let mut slow = Raw::connect_to(house.address(), house.is_secure()).await;
    // The first answer is larger than what the kernel takes.
    slow.send(request.repeat(6)).await;
    assert!(slow.head().await.starts_with("HTTP/1.1 200 "));
    house.sockets(0).await;
    let layouts = RequestLabels { method: "layout", outcome: "ok" };
    let begun = house.context().metrics.requests.get_or_create(&layouts).get();
    assert_eq!(begun, 1, "the next request is not begun before the last answer is written");
    let other = house.http("GET", &path, None, "").await;
    assert_eq!(other.status, 200);
    assert_eq!(house.context().metrics.outbox_drops.get(), 1);
    let whole = slow.rest().await.len();
    assert!(whole < other.bytes.len(), "{whole} of {} bytes were kept for it", other.bytes.len());
}

/// Goal: registers begin at the kernel's edge, and too slow is too slow. Method: a watcher reads nothing while so much
/// changes that what is unsent goes over the bound; after its patience the close says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_that_stops_reading_is_hung_up_on() {
    stops_reading(House::open(Plan { seats: 2_000, settings: many_changes, ..Plan::default() }).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_watcher_that_stops_reading_is_hung_up_on() {
    let settings = |config: &mut Config| {
        many_changes(config);
        tls::settings(config);
    };
    stops_reading(House::open(Plan { seats: 2_000, settings, ..Plan::default() }).await).await;
}

fn many_changes(config: &mut Config) {
    config.sale.seats_per_reservation_max = 20;
    config.limits.requests_burst = 100_000;
}

async fn stops_reading(house: House) {
    let schedule = house.schedule();
    let user = house.user(0).await;
    let token = house.access_token(user);
    let mut sleeper = Raw::websocket_to(house.address(), house.is_secure(), Some(&token)).await;
    let join =
        json!({"jsonrpc": "2.0", "id": 1, "method": "queue.join", "params": {"concert_id": house.concert.0}});
    let watch =
        json!({"jsonrpc": "2.0", "id": 2, "method": "seats.watch", "params": {"schedule_id": schedule}});
    for request in [join, watch] {
        sleeper.send_frame(0x81, request.to_string().as_bytes()).await;
    }
    let mut fans = Vec::new();
    for _ in 0..50 {
        fans.push(house.joined(0).await.0);
    }
    fans[0].ok("seats.watch", json!({"schedule_id": schedule})).await;
    let topic = house.context().fanout.sale(house.concert).unwrap().topics().next().unwrap();
    in_time("the watcher", async {
        while topic.watchers() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Changes go on until a delta has to wait for it: a round merged it with the one before. Each time brings it some
    // 20 KB.
    let mut times = 0;
    while topic.coalesced() == 0 {
        times += 1;
        assert!(times < 20, "the kernel takes more than it should");
        let mut held = Vec::new();
        for (number, fan) in fans.iter_mut().enumerate() {
            let seats: Vec<_> = (20 * number..20 * number + 20).collect();
            held.push(fan.send("hold", json!({"schedule_id": schedule, "seats": seats})).await);
        }
        let mut released = Vec::new();
        for (fan, id) in fans.iter_mut().zip(held) {
            let reservation = fan.answer(id).await.unwrap()["reservation_id"].clone();
            released.push(fan.send("release", json!({"reservation_id": reservation})).await);
        }
        for (fan, id) in fans.iter_mut().zip(released) {
            fan.answer(id).await.unwrap();
        }
    }
    house.advance(21);
    house.connections(50).await;
    assert_eq!(house.context().metrics.outbox_drops.get(), 1);
    assert_eq!(sleeper.close_code().await, Some(4001));
    fans[0].ok("ping", json!({})).await;
}
