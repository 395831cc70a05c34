//! Both doors keep the same rules: the same request is answered over either, once, and refused for the same reason.

use frontrow_protocol::Method;
use serde_json::{Value, json};

use crate::harness::{Fan, House, Plan};

/// The standing of somebody who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody knows who it is.
    Stranger,
    /// Stands in no line.
    Nowhere,
    Waiting,
    /// Holds one seat.
    Admitted,
    /// The fan has paid for one seat.
    Bought,
    /// Known by the queue token of a place that was given up.
    Ended,
    /// Known by a live queue token of another sale.
    Elsewhere,
}

const STATES: [State; 7] = [
    State::Stranger,
    State::Nowhere,
    State::Waiting,
    State::Admitted,
    State::Bought,
    State::Ended,
    State::Elsewhere,
];

/// Somebody in such a state.
struct Asker {
    /// Keeps them present.
    home: Fan,
    token: Option<String>,
    /// The params of their hello.
    hello: Value,
    /// A reservation of the sale that is asked about, theirs if they have one there.
    reservation: String,
    seat: u64,
}

impl Asker {
    /// Makes room for the next one.
    async fn leave(mut self) {
        let id = self.home.send("queue.leave", json!({})).await;
        // Somebody who is in no line, or has left, leaves none.
        let _ = self.home.answer(id).await;
    }
}

/// A sale with room for everybody, one in which all but the first wait, and a third that is not asked about.
struct Houses {
    open: House,
    crowded: House,
    elsewhere: u32,
    _first: Fan,
}

impl Houses {
    async fn open() -> Self {
        let mut open = House::open(Plan { seats: 400, capacity: 1_000, ..Plan::default() }).await;
        let elsewhere = open.another_concert(1_000).await.0;
        let crowded = House::open(Plan { capacity: 1, ..Plan::default() }).await;
        let (first, _) = crowded.joined(0).await;
        Self { open, crowded, elsewhere, _first: first }
    }

    fn of(&self, state: State) -> &House {
        if state == State::Waiting { &self.crowded } else { &self.open }
    }

    async fn reach(&self, state: State) -> Asker {
        let house = self.of(state);
        let mut home = house.fan(1_000_000_000).await;
        let mut token = home.access_token.clone();
        let mut hello = json!({"access_token": token});
        // One that nobody has.
        let mut reservation = format!("{:08x}-0000-8000-8000-000000000007", house.concert.0);
        let mut seat = 0;
        let concert = if state == State::Elsewhere { self.elsewhere } else { house.concert.0 };
        if !matches!(state, State::Stranger | State::Nowhere) {
            let place = home.ok("queue.join", json!({"concert_id": concert})).await;
            if matches!(state, State::Ended | State::Elsewhere) {
                token = place["token"].as_str().unwrap().to_owned();
                hello = json!({"queue_token": token});
            }
        }
        if matches!(state, State::Admitted | State::Bought) {
            let best = json!({"schedule_id": house.schedule(), "count": 1});
            let held = home.ok("hold_best", best).await;
            reservation = held["reservation_id"].as_str().unwrap().to_owned();
            seat = held["seats"][0]["seat"].as_u64().unwrap();
        }
        match state {
            State::Bought => drop(home.ok("pay", json!({"reservation_id": reservation})).await),
            State::Ended => drop(home.ok("queue.leave", json!({})).await),
            _ => {}
        }
        let token = Some(token).filter(|_| state != State::Stranger);
        Asker { home, token, hello, reservation, seat }
    }

    /// Sends the request over a websocket. There is one answer, whatever else comes.
    async fn by_websocket(&self, state: State, method: Method) -> String {
        let (house, asker) = (self.of(state), self.reach(state).await);
        let mut fan = house.stranger().await;
        if asker.token.is_some() {
            fan.ok("hello", asker.hello.clone()).await;
        }
        let params = match method {
            Method::Hello => asker.hello.clone(),
            Method::QueueJoin => json!({"concert_id": house.concert.0}),
            Method::SeatsWatch | Method::SeatsUnwatch => json!({"schedule_id": house.schedule()}),
            Method::Hold => json!({"schedule_id": house.schedule(), "seats": [asker.seat]}),
            Method::HoldBest => json!({"schedule_id": house.schedule(), "count": 1}),
            Method::Release | Method::Pay | Method::Cancel => json!({"reservation_id": asker.reservation}),
            Method::Charge => json!({"amount": 5, "request_id": "r"}),
            Method::Concerts
            | Method::QueueGet
            | Method::QueueExtend
            | Method::QueueLeave
            | Method::Schedules
            | Method::Reservations
            | Method::Balance
            | Method::History
            | Method::Tickets
            | Method::OpsWatch
            | Method::OpsUnwatch
            | Method::Ping => json!({}),
        };
        let id = fan.send(method.as_str(), params).await;
        let answer = fan.answer(id).await;
        // Everything that was sent before the answer to this has come by then.
        let last = fan.send("ping", json!({})).await;
        let _ = fan.answer(last).await;
        let answers = fan.log.iter().filter(|line| **line == format!("answer {id}")).count();
        assert_eq!(answers, 1, "{method} of somebody {state:?}");
        asker.leave().await;
        answer.map_or_else(|refused| refused.reason, |_| "ok".to_owned())
    }

    /// The same over HTTP; `None`: there is no path for it.
    async fn by_http(&self, state: State, method: Method) -> Option<String> {
        let (house, asker) = (self.of(state), self.reach(state).await);
        let reservation = format!("reservations/{}", asker.reservation);
        let seats = format!("schedules/{}/seats", house.schedule());
        let (verb, path, body) = match method {
            Method::Concerts => ("GET", "concerts", json!(null)),
            Method::QueueJoin => ("POST", "queue/tokens", json!({"concert_id": house.concert.0})),
            Method::QueueGet => ("GET", "queue/tokens/current", json!(null)),
            Method::QueueLeave => ("DELETE", "queue/tokens/current", json!(null)),
            Method::Schedules => ("GET", "schedules", json!(null)),
            Method::SeatsWatch => ("GET", seats.as_str(), json!(null)),
            Method::Hold => {
                let body = json!({"schedule_id": house.schedule(), "seats": [asker.seat]});
                ("POST", "reservations", body)
            }
            Method::HoldBest => {
                ("POST", "reservations", json!({"schedule_id": house.schedule(), "count": 1}))
            }
            // One path for both: what is paid is cancelled.
            Method::Release if state != State::Bought => ("DELETE", reservation.as_str(), json!(null)),
            Method::Cancel if state == State::Bought => ("DELETE", reservation.as_str(), json!(null)),
            Method::Reservations => ("GET", "reservations", json!(null)),
            Method::Balance => ("GET", "balance", json!(null)),
            Method::Charge => ("POST", "balance/charges", json!({"amount": 5, "request_id": "r"})),
            Method::History => ("GET", "balance/history", json!(null)),
            Method::Pay => ("POST", "payments", json!({"reservation_id": asker.reservation})),
            Method::Tickets => ("GET", "tickets", json!(null)),
            // They are about a connection that lasts.
            Method::Hello
            | Method::QueueExtend
            | Method::SeatsUnwatch
            | Method::OpsWatch
            | Method::OpsUnwatch
            | Method::Ping
            | Method::Release
            | Method::Cancel => return None,
        };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = house.http(verb, &format!("/api/v1/{path}"), asker.token.as_deref(), &body).await;
        asker.leave().await;
        let (status, reason) = reply.outcome();
        Some(if status < 300 { "ok".to_owned() } else { reason })
    }
}

/// The answers to each method for a stranger, somebody in no line, one who waits, who is admitted, who has bought,
/// whose token has ended, and who stands elsewhere, in the order of `STATES`.
const EXPECTED: &str = "\
hello         (ok) (ok) (ok) (ok) (ok) (ok) (ok)
concerts      UNAUTHENTICATED/ok ok ok ok ok ok ok
queue.join    UNAUTHENTICATED ok ok ok ok TOKEN_EXPIRED FORBIDDEN
queue.get     UNAUTHENTICATED NOT_IN_QUEUE ok ok ok ok ok
queue.extend  (UNAUTHENTICATED) (NOT_IN_QUEUE) (ok) (ok) (TOKEN_DONE) (TOKEN_EXPIRED) (ok)
queue.leave   UNAUTHENTICATED NOT_IN_QUEUE ok ok ok TOKEN_EXPIRED ok
schedules     UNAUTHENTICATED NOT_IN_QUEUE WAITING ok TOKEN_DONE TOKEN_EXPIRED ok
seats.watch   UNAUTHENTICATED NOT_IN_QUEUE WAITING ok TOKEN_DONE TOKEN_EXPIRED NOT_IN_QUEUE
seats.unwatch (UNAUTHENTICATED) (ok) (ok) (ok) (ok) (ok) (ok)
hold          UNAUTHENTICATED NOT_IN_QUEUE WAITING ok TOKEN_DONE TOKEN_EXPIRED NOT_IN_QUEUE
hold_best     UNAUTHENTICATED NOT_IN_QUEUE WAITING ok TOKEN_DONE TOKEN_EXPIRED NOT_IN_QUEUE
release       UNAUTHENTICATED RESERVATION_NOT_FOUND RESERVATION_NOT_FOUND ok (RESERVATION_INVALID) TOKEN_EXPIRED RESERVATION_NOT_FOUND
reservations  UNAUTHENTICATED ok ok ok ok ok ok
balance       UNAUTHENTICATED ok ok ok ok TOKEN_EXPIRED ok
charge        UNAUTHENTICATED ok ok ok ok TOKEN_EXPIRED ok
history       UNAUTHENTICATED ok ok ok ok TOKEN_EXPIRED ok
pay           UNAUTHENTICATED NOT_IN_QUEUE WAITING ok ok TOKEN_EXPIRED NOT_IN_QUEUE
cancel        (UNAUTHENTICATED) (RESERVATION_NOT_FOUND) (RESERVATION_NOT_FOUND) (RESERVATION_INVALID) ok (TOKEN_EXPIRED) (RESERVATION_NOT_FOUND)
tickets       UNAUTHENTICATED ok ok ok ok ok ok
ping          (UNAUTHENTICATED) (ok) (ok) (ok) (ok) (ok) (ok)
ops.watch     (UNAUTHENTICATED) (FORBIDDEN) (FORBIDDEN) (FORBIDDEN) (FORBIDDEN) (FORBIDDEN) (FORBIDDEN)
ops.unwatch   (UNAUTHENTICATED) (FORBIDDEN) (FORBIDDEN) (FORBIDDEN) (FORBIDDEN) (FORBIDDEN) (FORBIDDEN)
";

/// Goal: whoever may do something may do it at both doors, and is refused for the same reason at both. Method: every
/// method in every state at both doors; what differs is written as `by websocket/by HTTP`, and what HTTP has no path
/// for in brackets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_doors_answer_the_same() {
    let houses = Houses::open().await;
    let mut table = String::new();
    for &method in Method::ALL {
        table.push_str(&format!("{method:13}"));
        for state in STATES {
            let websocket = houses.by_websocket(state, method).await;
            let cell = match houses.by_http(state, method).await {
                Some(http) if http == websocket => websocket,
                Some(http) => format!("{websocket}/{http}"),
                None => format!("({websocket})"),
            };
            table.push_str(&format!(" {cell}"));
        }
        table.push('\n');
    }
    assert_eq!(table, EXPECTED);
    for house in [&houses.open, &houses.crowded] {
        house.audit().await;
    }
}
