//! Goal: what is wrong is told to whoever asked for it, signed, whatever their receiver does, and nobody gets into the house's
//! own network by it. Method: receivers of the test's own over real sockets, and a clock turned by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use frontrow::clock::Clock;
use frontrow::config::Config;
use frontrow::domain::time::Timestamp;
use frontrow::store::webhooks::Delivery;
use frontrow_protocol::Role;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::harness::{House, Plan, in_time};

/// More messages than any test has.
const MESSAGES_MAX: usize = 1_000;

/// Somebody's server that is sent messages.
pub struct Receiver {
    pub url: String,
    messages: mpsc::Receiver<Received>,
    /// The status that it answers; `None`: it takes everything and never answers.
    pub status: Arc<Mutex<Option<u16>>>,
}

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Steady.
    pub at: Timestamp,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Receiver {
    pub async fn open(clock: &Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?a=b", listener.local_addr().unwrap());
        let (sender, messages) = mpsc::channel(MESSAGES_MAX);
        let status = Arc::new(Mutex::new(Some(204)));
        let (answers, clock) = (status.clone(), clock.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(receive(stream, clock.clone(), sender.clone(), answers.clone()));
            }
        });
        Self { url, messages, status }
    }

    pub async fn next(&mut self, house: &House) -> Received {
        let next = house.stepping("a message", self.messages.recv()).await;
        next.expect("the receiver lives")
    }

    /// The next message of a type; what else comes is skipped.
    pub async fn next_of(&mut self, house: &House, kind: &str) -> Received {
        loop {
            let next = self.next(house).await;
            if next.json()["type"] == kind {
                return next;
            }
        }
    }

    /// The next test message, which comes while the clock stands still.
    pub async fn next_test(&mut self) -> Received {
        loop {
            let next = in_time("a message", self.messages.recv()).await.expect("the receiver lives");
            if next.json()["type"] == "webhook.test" {
                return next;
            }
        }
    }

    /// The next one that comes when a pause or a patience is over. The clock must not turn past the patience of a try that is on
    /// its way.
    pub async fn next_later(&mut self, house: &House) -> Received {
        loop {
            let next = house.stepping("a message", self.messages.recv()).await.expect("the receiver lives");
            if next.json()["type"] == "webhook.test" {
                return next;
            }
        }
    }

    /// What came and was not looked at yet.
    pub fn waiting(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.messages.try_recv().ok()).collect()
    }
}

async fn receive(
    mut stream: TcpStream,
    clock: Clock,
    sender: mpsc::Sender<Received>,
    answers: Arc<Mutex<Option<u16>>>,
) {
    let mut bytes = Vec::new();
    let head = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers: BTreeMap<_, _> =
        headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let length: usize = headers["content-length"].parse().unwrap();
    while bytes.len() < head + 4 + length {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
    }
    let body = String::from_utf8(bytes[head + 4..].to_vec()).unwrap();
    let answer = *answers.lock();
    sender.send(Received { at: clock.steady(), path, headers, body }).await.unwrap();
    match answer {
        None => drop(stream.read_buf(&mut bytes).await),
        Some(status) => {
            let elsewhere = "location: http://127.0.0.1:1/\r\n";
            let answer = format!("HTTP/1.1 {status} x\r\n{elsewhere}content-length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// Whether one of its signatures is by this secret.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
        let signed = format!("{}.{}.{}", self.id(), self.headers["webhook-timestamp"], self.body);
        self.headers["webhook-signature"].split(' ').any(|signature| {
            let tag = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
            ring::hmac::verify(&key, signed.as_bytes(), &tag).is_ok()
        })
    }
}

/// Receivers are on this machine.
pub fn inside(config: &mut Config) {
    config.webhooks.allow = vec!["127.0.0.0/8".parse().unwrap()];
}

/// Makes a webhook, and gives its id and secret.
pub async fn webhook(house: &House, url: &str) -> (u64, String) {
    let body = json!({"url": url}).to_string();
    let made = house.http("POST", "/api/v1/admin/webhooks", Some(&house.operator_token()), &body).await;
    assert_eq!(made.status, 201, "{:?}", made.outcome());
    let made = made.json();
    (made["webhook_id"].as_u64().unwrap(), made["secret"].as_str().unwrap().to_owned())
}

async fn call(house: &House, method: &str, path: &str) -> (u16, Value) {
    let path = format!("/api/v1/admin/{path}");
    let body = if method == "POST" { "{}" } else { "" };
    let reply = house.http(method, &path, Some(&house.operator_token()), body).await;
    (reply.status, if reply.status == 204 { json!(null) } else { reply.json() })
}

/// The newest delivery, once it is so. The clock stands still.
pub async fn delivery(house: &House, webhook: u64, is_so: impl Fn(&Delivery) -> bool) -> Value {
    let store = house.store().webhooks().expect("this store has webhooks");
    let looking = async {
        loop {
            // On a slow machine there may be alarms as well.
            let sent = store.deliveries(webhook, None, 20).await.unwrap();
            let newest = sent.into_iter().find(|of| of.message.kind == "webhook.test");
            if let Some(newest) = newest.filter(&is_so) {
                return newest.id;
            }
            tokio::task::yield_now().await;
        }
    };
    let id = in_time("what became of it", looking).await.to_string();
    let (_, found) = call(house, "GET", &format!("webhooks/{webhook}/deliveries")).await;
    found["deliveries"].as_array().unwrap().iter().find(|of| of["delivery_id"] == id).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_signed_and_its_secret_exchanged() {
    let house = House::open_with(Plan::default(), inside).await;
    let mut receiver = Receiver::open(&house.clock).await;
    let (id, secret) = webhook(&house, &receiver.url).await;
    assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "{secret}");

    let (status, sent) = call(&house, "POST", &format!("webhooks/{id}/test")).await;
    assert_eq!((status, &sent["type"], &sent["webhook_id"]), (202, &json!("webhook.test"), &json!(id)));
    let first = receiver.next_test().await;
    assert!(first.is_signed_by(&secret));
    assert_eq!((first.id(), first.path.as_str()), (sent["message_id"].as_str().unwrap(), "/hook?a=b"));
    assert_eq!(
        (first.json(), &first.headers["content-type"]),
        (sent["body"].clone(), &"application/json".into())
    );
    let seconds: i64 = first.headers["webhook-timestamp"].parse().unwrap();
    assert!((house.clock.utc().as_millis() / 1_000 - seconds).abs() <= 20, "{seconds}");
    let arrived = delivery(&house, id, |of| of.done_at.is_some()).await;
    assert_eq!(
        (&arrived["answer"], &arrived["tries"], &arrived["next_at"]),
        (&json!("204"), &json!(1), &json!(null))
    );

    // Sent again it is the same message.
    let path = format!("deliveries/{}/resend", arrived["delivery_id"].as_str().unwrap());
    assert_eq!(call(&house, "POST", &path).await.0, 202);
    let again = receiver.next_test().await;
    assert_eq!((again.id(), &again.body), (first.id(), &first.body));

    let (status, rotated) = call(&house, "POST", &format!("webhooks/{id}/rotate")).await;
    assert_eq!(status, 200);
    let new = rotated["secret"].as_str().unwrap();
    assert!(rotated["old_until"].is_string() && new != secret);
    assert_eq!(call(&house, "POST", &format!("webhooks/{id}/test")).await.0, 202);
    let both = receiver.next_test().await;
    assert!(both.is_signed_by(new) && both.is_signed_by(&secret));
    house.advance(24 * 60 * 60);
    assert_eq!(call(&house, "POST", &format!("webhooks/{id}/test")).await.0, 202);
    let later = receiver.next_test().await;
    assert!(later.is_signed_by(new) && !later.is_signed_by(&secret));

    // Secrets are told once, and to nobody else.
    for path in ["webhooks", "log"] {
        let (_, told) = call(&house, "GET", path).await;
        assert!(!told.to_string().contains("whsec_") && told.to_string().contains("webhook"), "{told}");
    }
    assert_eq!(call(&house, "DELETE", &format!("webhooks/{id}")).await.0, 204);
    assert_eq!(call(&house, "DELETE", &format!("webhooks/{id}")).await.0, 404);
    assert_eq!(call(&house, "POST", &format!("webhooks/{id}/test")).await.0, 404);
    let (_, all) = call(&house, "GET", "webhooks").await;
    assert!(all["webhooks"][0]["stopped_at"].is_string(), "{all}");
    // Each change is in the log, and a test changes nothing.
    let (_, log) = call(&house, "GET", "log").await;
    let whats: Vec<_> = log["entries"].as_array().unwrap().iter().map(|entry| &entry["what"]).collect();
    assert_eq!(whats, ["webhook.stop", "webhook.rotate", "webhook.resend", "webhook.add"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_arrive_is_sent_again_also_after_a_restart() {
    let mut house = House::open_with(Plan::default(), inside).await;
    let mut receiver = Receiver::open(&house.clock).await;
    let (id, secret) = webhook(&house, &receiver.url).await;
    // A redirect is no arrival, and is not followed.
    *receiver.status.lock() = Some(307);
    assert_eq!(call(&house, "POST", &format!("webhooks/{id}/test")).await.0, 202);
    let first = receiver.next_test().await;
    let tried = delivery(&house, id, |of| of.answer.as_deref() == Some("307")).await;
    assert!(tried["done_at"].is_null() && tried["next_at"].is_string(), "{tried}");
    *receiver.status.lock() = Some(500);
    let second = receiver.next_later(&house).await;
    assert!(second.at.since(first.at).as_secs() >= 5, "a pause lies between two tries");
    delivery(&house, id, |of| of.answer.as_deref() == Some("500")).await;

    house.stop().await;
    *receiver.status.lock() = Some(200);
    house.start().await;
    let third = receiver.next_later(&house).await;
    assert!(third.id() == first.id() && third.body == first.body && third.is_signed_by(&secret));
    let arrived = delivery(&house, id, |of| of.done_at.is_some()).await;
    assert_eq!((&arrived["tries"], &arrived["answer"]), (&json!(3), &json!("200")));
    house.advance(60);
    assert_eq!(call(&house, "POST", &format!("webhooks/{id}/test")).await.0, 202);
    assert_ne!(receiver.next_test().await.id(), first.id(), "what arrived is not sent again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_hangs_keeps_nobody_else_waiting() {
    let house = House::open_with(Plan::default(), inside).await;
    let (mut hanging, mut other) = (Receiver::open(&house.clock).await, Receiver::open(&house.clock).await);
    *hanging.status.lock() = None;
    let (slow, _) = webhook(&house, &hanging.url).await;
    let (quick, _) = webhook(&house, &other.url).await;
    for _ in 0..3 {
        assert_eq!(call(&house, "POST", &format!("webhooks/{slow}/test")).await.0, 202);
    }
    hanging.next_test().await;
    // From here on the clock stands still: nobody waits for the patience with the slow one.
    let token = house.operator_token();
    for _ in 0..3 {
        let path = format!("/api/v1/admin/webhooks/{quick}/test");
        assert_eq!(house.http("POST", &path, Some(&token), "{}").await.status, 202);
        assert_eq!(in_time("a message", other.messages.recv()).await.unwrap().json()["type"], "webhook.test");
    }
    let (mut fan, _) = house.joined(0).await;
    fan.ok("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await;
    assert_eq!(hanging.waiting().len(), 0, "it gets one at a time");
    // Its patience over, the next one has its turn.
    hanging.next_later(&house).await;
    let store = house.store().webhooks().expect("this store has webhooks");
    let answer = async {
        let is_it = |of: &Delivery| of.answer.as_deref() == Some("no answer within 10 s");
        while !store.deliveries(slow, None, 20).await.unwrap().iter().any(is_it) {
            tokio::task::yield_now().await;
        }
    };
    house.stepping("the answer", answer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_inside_unless_it_is_allowed() {
    let mut house = House::open(Plan::default()).await;
    let mut receiver = Receiver::open(&house.clock).await;
    let token = house.operator_token();
    let add = async |house: &House, body: Value| {
        let made = house.http("POST", "/api/v1/admin/webhooks", Some(&token), &body.to_string()).await;
        (made.outcome(), made.json()["field"].clone())
    };
    let refused = ((400, "INVALID_PARAMS".to_owned()), json!("url"));
    for url in [
        receiver.url.as_str(),
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:127.0.0.1]/",
        "http://hooks.example/",
        "https://me:secret@hooks.example/",
        "nonsense",
        "",
    ] {
        assert_eq!(add(&house, json!({"url": url})).await, refused, "{url}");
    }
    let (unknown, _) = add(&house, json!({"url": "https://hooks.example/", "types": ["sale.state"]})).await;
    assert_eq!(unknown, (400, "INVALID_PARAMS".to_owned()));
    let (_, viewer) = house.operator(Role::Viewer).await;
    assert_eq!(house.http("GET", "/api/v1/admin/webhooks", Some(&viewer), "").await.status, 403);

    // A name that leads inside is found out when something is sent; so is an address that was allowed once.
    let port = receiver.url.split(':').nth(2).unwrap().to_owned();
    let (id, _) = webhook(&house, &format!("http://localhost:{port}")).await;
    assert_eq!(call(&house, "POST", &format!("webhooks/{id}/test")).await.0, 202);
    let tried = delivery(&house, id, |of| of.answer.is_some()).await;
    assert!(tried["answer"].as_str().unwrap().contains("webhooks.allow"), "{tried}");
    house.restart_with(inside).await;
    let (id, _) = webhook(&house, &receiver.url).await;
    house.restart_with(|config| config.webhooks.allow.clear()).await;
    assert_eq!(call(&house, "POST", &format!("webhooks/{id}/test")).await.0, 202);
    let tried = delivery(&house, id, |of| of.answer.is_some()).await;
    assert!(tried["answer"].as_str().unwrap().contains("webhooks.allow"), "{tried}");
    // The one by name was allowed meanwhile, and may have come then.
    assert!(receiver.waiting().iter().all(|came| came.headers["host"].starts_with("localhost")));
}
