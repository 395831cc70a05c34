//! Messages between servers over a real NATS server, which each test has for itself.

mod logins;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use frontrow::bus::carrier::{Brought, Carrier, To};
use frontrow::bus::nats::{self, Login, Nats, Options, Trust};
use frontrow::clock::Clock;
use frontrow::domain::ids::{ConcertId, NodeNo};
use frontrow::limits;
use frontrow::metrics::{Kind, Metrics};
use frontrow_testing::nats::Server;
use tokio::sync::mpsc;

/// What takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(60);
/// Said until it is heard: the interest in it may not have reached the server yet.
const HELLO: &str = "hello";
const SALE: To = To::Sale(ConcertId(7));

pub async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it never came")
}

/// Waits for what nothing tells of.
async fn until(mut what: impl FnMut() -> bool) {
    within(async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

struct Node {
    number: NodeNo,
    nats: Arc<Nats>,
    brought: mpsc::Receiver<Brought>,
    metrics: Arc<Metrics>,
}

fn options(servers: Vec<String>) -> Options {
    Options { servers, prefix: "test".to_owned(), login: Login::Nobody, trust: Trust::default() }
}

impl Node {
    async fn with(number: u32, options: Options) -> Self {
        let (number, metrics) = (NodeNo(number), Arc::new(Metrics::new()));
        let (nats, brought) = nats::open(options, number, Clock::system(), metrics.clone()).await.unwrap();
        Self { number, nats, brought, metrics }
    }

    /// A node that is connected.
    async fn join(number: u32, server: &Server) -> Self {
        let mut node = Self::with(number, options(vec![server.url()])).await;
        node.made_anew().await;
        node
    }

    fn send(&self, to: To, text: impl Into<String>) -> bool {
        self.nats.send(to, Bytes::from(text.into()))
    }

    async fn next(&mut self) -> Brought {
        within(self.brought.recv()).await.unwrap()
    }

    /// The next message. Nothing is lost before it.
    async fn hears(&mut self) -> String {
        loop {
            match self.next().await {
                Brought::Message(message) if message == HELLO => {}
                Brought::Message(message) => return String::from_utf8(message.to_vec()).unwrap(),
                Brought::MayBeLost => panic!("something may be lost"),
            }
        }
    }

    /// What is heard up to this, without it.
    async fn hears_until(&mut self, end: &str) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            match self.hears().await {
                text if text == end => return heard,
                text => heard.push(text),
            }
        }
    }

    /// A connection was made: something may be lost.
    async fn made_anew(&mut self) {
        while self.next().await != Brought::MayBeLost {}
        assert!(self.nats.out_since().is_none());
    }

    async fn is_connected(&self, yes: bool) {
        let mut connected = self.nats.connected();
        within(connected.wait_for(|connected| *connected == yes)).await.unwrap();
    }

    fn lost(&self, kind: &'static str) -> u64 {
        self.metrics.bus_messages_lost.get_or_create(&Kind { kind }).get()
    }
}

/// Each hears the other: what both read has reached the server.
async fn meet(a: &mut Node, b: &mut Node) {
    greet(a, b).await;
    greet(b, a).await;
}

async fn greet(speaks: &Node, hears: &mut Node) {
    within(async {
        loop {
            speaks.send(To::Node(hears.number), HELLO);
            match tokio::time::timeout(Duration::from_millis(50), hears.brought.recv()).await {
                Ok(Some(Brought::Message(message))) if message == HELLO => return,
                heard => assert!(heard.is_err(), "{heard:?}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_reaches_those_whom_it_is_for_and_nobody_else() {
    let server = Server::start("").await;
    let (mut a, mut b, mut c) =
        (Node::join(1, &server).await, Node::join(2, &server).await, Node::join(3, &server).await);
    meet(&mut a, &mut b).await;
    meet(&mut a, &mut c).await;
    a.nats.read_sale(ConcertId(7), true);
    b.nats.read_sale(ConcertId(7), true);
    // Behind what it reads, on its way.
    assert!(b.send(To::Node(a.number), "b reads"));
    assert_eq!(a.hears().await, "b reads");
    for (to, text) in [
        (SALE, "for the readers of 7"),
        (To::Sale(ConcertId(8)), "for the readers of 8"),
        (To::Node(b.number), "for b"),
        (To::Node(a.number), "for a, by itself"),
        (To::All, "for all"),
    ] {
        assert!(a.send(to, text));
    }
    let mut heard = vec![b.hears().await, b.hears().await, b.hears().await];
    heard.sort_unstable();
    assert_eq!(heard, ["for all", "for b", "for the readers of 7"]);
    assert!(b.send(To::All, "the end"));
    assert_eq!(a.hears_until("the end").await, Vec::<String>::new(), "nobody hears themselves");
    assert_eq!(c.hears_until("the end").await, ["for all"]);

    b.nats.read_sale(ConcertId(7), false);
    assert!(b.send(To::Node(a.number), "b reads no more"));
    assert_eq!(a.hears().await, "b reads no more");
    assert!(a.send(SALE, "for the readers of 7") && a.send(To::Node(b.number), "the end"));
    assert_eq!(b.hears_until("the end").await, Vec::<String>::new());
    assert_eq!(["full", "cut", "unread", "slow", "no_connection"].map(|kind| b.lost(kind)), [0; 5]);
}

#[tokio::test]
async fn clusters_with_other_prefixes_do_not_hear_each_other() {
    let server = Server::start("").await;
    let (mut a, mut b) = (Node::join(1, &server).await, Node::join(2, &server).await);
    let other = Options { prefix: "test-2".to_owned(), ..options(vec![server.url()]) };
    let mut other = Node::with(3, other).await;
    other.made_anew().await;
    meet(&mut a, &mut b).await;
    assert!(other.send(To::All, "from elsewhere") && other.send(To::Node(b.number), "from elsewhere"));
    other.nats.flush().await;
    assert!(a.send(To::All, "the end"));
    assert_eq!(b.hears_until("the end").await, Vec::<String>::new());
}

#[tokio::test]
async fn messages_to_one_place_keep_their_order() {
    const COUNT: usize = 2_000;
    const _: () = assert!(COUNT < limits::BUS_BROUGHT_MESSAGES_MAX && COUNT < limits::BUS_QUEUE_MESSAGES_MAX);
    let server = Server::start("").await;
    let (mut a, mut b) = (Node::join(1, &server).await, Node::join(2, &server).await);
    meet(&mut a, &mut b).await;
    let numbers: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
    assert!(numbers.iter().all(|number| a.send(To::Node(b.number), number)));
    assert!(a.send(To::Node(b.number), "the end"));
    assert!(b.hears_until("the end").await == numbers);
}

#[tokio::test]
async fn a_server_that_is_started_again_is_found_and_sales_are_read_on() {
    let mut server = Server::start("").await;
    let (mut a, mut b) = (Node::join(1, &server).await, Node::join(2, &server).await);
    b.nats.read_sale(ConcertId(7), true);
    meet(&mut a, &mut b).await;
    server.stop();
    a.is_connected(false).await;
    b.is_connected(false).await;
    assert!(!a.send(To::All, "into the void"));
    assert!(a.nats.out_since().is_some() && a.lost("no_connection") > 0);
    b.nats.read_sale(ConcertId(8), true);
    server.go_on().await;
    a.made_anew().await;
    b.made_anew().await;
    meet(&mut a, &mut b).await;
    // What was read before, and what was named meanwhile.
    assert!(b.send(To::Node(a.number), "b reads"));
    assert_eq!(a.hears().await, "b reads");
    assert!(a.send(SALE, "seven") && a.send(To::Sale(ConcertId(8)), "eight"));
    let mut heard = [b.hears().await, b.hears().await];
    heard.sort_unstable();
    assert_eq!(heard, ["eight", "seven"]);
    assert_eq!((a.metrics.bus_connections.get(), a.metrics.bus_connected.get()), (2, 1));
}

#[tokio::test]
async fn a_server_that_comes_later_is_found() {
    let mut server = Server::start("").await;
    server.stop();
    let mut a = Node::with(1, options(vec![server.url()])).await;
    let mut b = Node::with(2, options(vec![server.url()])).await;
    b.nats.read_sale(ConcertId(7), true);
    assert!(!a.send(To::All, "into the void") && a.nats.out_since().is_some());
    server.go_on().await;
    a.made_anew().await;
    b.made_anew().await;
    meet(&mut a, &mut b).await;
    assert!(b.send(To::Node(a.number), "b reads"));
    assert_eq!(a.hears().await, "b reads");
    assert!(a.send(SALE, "seven"));
    assert_eq!(b.hears().await, "seven");
}

#[tokio::test]
async fn all_servers_of_the_list_are_tried() {
    let (mut first, mut second) = (Server::start("").await, Server::start("").await);
    second.stop();
    let both = vec![first.url(), second.url()];
    let mut a = Node::with(1, options(both)).await;
    a.made_anew().await;
    second.go_on().await;
    first.stop();
    a.made_anew().await;
    let mut b = Node::join(2, &second).await;
    meet(&mut a, &mut b).await;
}

#[tokio::test]
async fn a_server_that_stands_still_is_noticed_and_keeps_nobody_waiting() {
    let server = Server::start("").await;
    let (mut a, mut b) = (Node::join(1, &server).await, Node::join(2, &server).await);
    meet(&mut a, &mut b).await;
    server.pause();
    // More than connection, client and queue hold together; each call returns.
    let large = Bytes::from(vec![0; 64 * 1024]);
    for _ in 0..2_000 {
        a.nats.send(To::Node(b.number), large.clone());
        tokio::task::yield_now().await;
    }
    a.is_connected(false).await;
    b.is_connected(false).await;
    assert!(!a.send(To::All, "into the void") && a.nats.out_since().is_some());
    assert!(a.lost("full") > 0);
    // It looks for a server, and finds one that says nothing.
    a.nats.read_sale(ConcertId(7), true);
    within(a.nats.flush()).await;
    server.resume();
    a.is_connected(true).await;
    b.is_connected(true).await;
    b.made_anew().await;
    assert!(b.send(To::Node(a.number), "b is back"));
}

#[tokio::test]
async fn a_full_queue_refuses_and_waits_for_nothing() {
    let server = Server::start("").await;
    let (mut a, mut b) = (Node::join(1, &server).await, Node::join(2, &server).await);
    meet(&mut a, &mut b).await;
    // Nothing else runs on this thread before the next await.
    let elsewhere = To::Node(NodeNo(9));
    let taken = (0..).take_while(|_| a.send(elsewhere, "small")).count();
    assert_eq!((taken, a.lost("full")), (limits::BUS_QUEUE_MESSAGES_MAX, 1));
    within(a.nats.flush()).await;
    let large = Bytes::from(vec![0; 64 * 1024]);
    let taken = (0..).take_while(|_| a.nats.send(elsewhere, large.clone())).count();
    assert_eq!((taken * large.len(), a.lost("full")), (limits::BUS_QUEUE_BYTES_MAX, 2));
    within(a.nats.flush()).await;
    assert!(a.send(To::Node(b.number), "room again"));
    assert_eq!(b.hears().await, "room again");
}

#[tokio::test]
async fn what_is_too_large_for_the_server_is_not_sent() {
    let server = Server::start("max_payload: 1000").await;
    let (mut a, mut b) = (Node::join(1, &server).await, Node::join(2, &server).await);
    meet(&mut a, &mut b).await;
    assert!(!a.send(To::Node(b.number), "x".repeat(1_001)));
    assert!(a.send(To::Node(b.number), "x".repeat(1_000)));
    assert_eq!((b.hears().await.len(), a.lost("too_large")), (1_000, 1));
}

#[tokio::test]
async fn who_does_not_read_is_told_that_something_is_lost() {
    const COUNT: usize = limits::BUS_BROUGHT_MESSAGES_MAX + 1_000;
    const _: () = assert!(COUNT < limits::BUS_QUEUE_MESSAGES_MAX);
    let server = Server::start("").await;
    let (mut a, mut b) = (Node::join(1, &server).await, Node::join(2, &server).await);
    meet(&mut a, &mut b).await;
    assert!((0..COUNT).all(|number| a.send(To::Node(b.number), number.to_string())));
    until(|| b.lost("unread") + b.lost("slow") > 0).await;
    let (mut heard, mut losses) = (Vec::new(), 0);
    loop {
        match b.next().await {
            Brought::Message(message) if message == "the end" => break,
            Brought::Message(message) if message == HELLO => {}
            Brought::Message(message) => {
                heard.push(String::from_utf8(message.to_vec()).unwrap().parse::<usize>().unwrap());
            }
            Brought::MayBeLost => losses += 1,
        }
        // Until there is room for it.
        if losses > 0 {
            a.send(To::Node(b.number), "the end");
        }
    }
    assert!(heard.is_sorted() && heard.len() < COUNT, "{} of {COUNT}", heard.len());
    assert_eq!(heard.first(), Some(&0));
}

#[tokio::test]
async fn who_has_left_hears_nothing_more() {
    let server = Server::start("").await;
    let (mut a, mut b) = (Node::join(1, &server).await, Node::join(2, &server).await);
    meet(&mut a, &mut b).await;
    let Node { nats, mut brought, .. } = b;
    drop(nats);
    while within(brought.recv()).await.is_some() {}
}
