//! A websocket's client: asks, remembers what was pushed, and knows the seats it watches as the protocol says.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};

use frontrow_protocol::{SeatState, decode_seats};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::documents::check_frame;
use super::tls::Pipe;
use super::{HERE, connect_from, in_time};

/// A refusal: its reason, and all of its data.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    pub reason: String,
    pub data: Value,
}

pub struct Fan {
    /// Gone once the server closed it.
    socket: Option<WebSocketStream<Pipe>>,
    /// Empty for a stranger.
    pub access_token: String,
    next_id: i64,
    answers: BTreeMap<i64, Value>,
    pushes: VecDeque<Value>,
    /// The seats of watched performances, with their version.
    seats: BTreeMap<u64, (u64, Vec<SeatState>)>,
    watching: BTreeMap<i64, u64>,
    /// The methods of requests that are not answered yet.
    asked: BTreeMap<i64, String>,
    /// Everything that came, in order: `answer ID` or the method of a push.
    pub log: Vec<String>,
    closed: Option<u16>,
}

impl Fan {
    /// An error is the HTTP status that refused the upgrade.
    pub async fn connect(address: SocketAddr, headers: &[(&str, &str)]) -> Result<Self, u16> {
        Self::connect_from(HERE, address, headers).await
    }

    /// Connects from an address of the caller's choice.
    pub async fn connect_from(
        source: Ipv4Addr,
        address: SocketAddr,
        headers: &[(&str, &str)],
    ) -> Result<Self, u16> {
        Self::over(connect_from(source, address).await, headers).await
    }

    /// Connects over a connection that is there already.
    pub async fn over(tcp: TcpStream, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let address = tcp.peer_addr().unwrap();
        Self::connect_through(Box::new(tcp), address, headers).await
    }

    /// Connects over a stream, encrypted or not.
    pub async fn connect_through(
        pipe: Pipe,
        address: SocketAddr,
        headers: &[(&str, &str)],
    ) -> Result<Self, u16> {
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        match in_time("the upgrade", tokio_tungstenite::client_async(request, pipe)).await {
            Ok((socket, _)) => Ok(Self {
                socket: Some(socket),
                access_token: String::new(),
                next_id: 0,
                answers: BTreeMap::new(),
                pushes: VecDeque::new(),
                seats: BTreeMap::new(),
                watching: BTreeMap::new(),
                asked: BTreeMap::new(),
                log: Vec::new(),
                closed: None,
            }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.send_message(Message::text(text.into())).await;
    }

    pub async fn send_message(&mut self, message: Message) {
        let socket = self.socket.as_mut().expect("still open");
        in_time("room to write", socket.send(message)).await.unwrap();
    }

    /// Gives back the request's id.
    pub async fn send(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        self.asked.insert(self.next_id, method.to_owned());
        if method == "seats.watch" {
            self.watching.insert(self.next_id, params["schedule_id"].as_u64().unwrap_or_default());
        }
        let request = json!({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params});
        self.send_text(request.to_string()).await;
        self.next_id
    }

    pub async fn answer(&mut self, id: i64) -> Result<Value, Refused> {
        loop {
            if let Some(mut answer) = self.answers.remove(&id) {
                return match answer.get_mut("error") {
                    Some(error) => {
                        let data = error["data"].take();
                        Err(Refused { reason: data["reason"].as_str().unwrap().to_owned(), data })
                    }
                    None => Ok(answer["result"].take()),
                };
            }
            assert!(self.closed.is_none(), "closed with {:?} before the answer", self.closed);
            self.read_one().await;
        }
    }

    /// Like `answer`; `None`: the server closed the connection instead.
    pub async fn answer_or_end(&mut self, id: i64) -> Option<Result<Value, Refused>> {
        while !self.answers.contains_key(&id) {
            if self.closed.is_some() {
                return None;
            }
            self.read_one().await;
        }
        Some(self.answer(id).await)
    }

    pub async fn call(&mut self, method: &str, params: Value) -> Result<Value, Refused> {
        let id = self.send(method, params).await;
        self.answer(id).await
    }

    /// A call that must succeed.
    pub async fn ok(&mut self, method: &str, params: Value) -> Value {
        self.call(method, params).await.unwrap_or_else(|refused| panic!("{method}: {refused:?}"))
    }

    /// A call that must be refused.
    pub async fn refused(&mut self, method: &str, params: Value) -> String {
        match self.call(method, params).await {
            Err(refused) => refused.reason,
            Ok(result) => panic!("{method} was not refused but answered {result}"),
        }
    }

    /// The next push of this method, its params.
    pub async fn pushed(&mut self, method: &str) -> Value {
        loop {
            if let Some(place) = self.pushes.iter().position(|push| push["method"] == method) {
                return self.pushes.remove(place).unwrap()["params"].take();
            }
            assert!(self.closed.is_none(), "closed with {:?} before {method}", self.closed);
            self.read_one().await;
        }
    }

    /// The next push of this method that is so.
    pub async fn pushed_until(&mut self, method: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        loop {
            let params = self.pushed(method).await;
            if is_so(&params) {
                return params;
            }
        }
    }

    /// The queue update that says so.
    pub async fn status(&mut self, status: &str) -> Value {
        self.pushed_until("queue.update", |update| update["status"] == status).await
    }

    /// Waits until the watched seats are like this.
    pub async fn seats_until(&mut self, schedule: u64, wanted: &[(u32, SeatState)]) {
        while !wanted.iter().all(|(seat, state)| self.seats[&schedule].1[*seat as usize] == *state) {
            assert!(self.closed.is_none(), "closed with {:?}", self.closed);
            self.read_one().await;
        }
    }

    /// The code that the server closed with.
    pub async fn closed(&mut self) -> u16 {
        while self.closed.is_none() {
            self.read_one().await;
        }
        self.closed.unwrap()
    }

    async fn read_one(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        let what = format!("a frame after {:?}", self.log);
        match in_time(&what, socket.next()).await {
            Some(Ok(Message::Text(text))) => self.take(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(frame))) => {
                self.closed = Some(frame.map_or(1005, |frame| frame.code.into()));
                self.socket = None;
            }
            Some(Ok(_)) => {}
            // An abnormal end, as RFC 6455 numbers it.
            Some(Err(_)) | None => {
                self.closed = Some(1006);
                self.socket = None;
            }
        }
    }

    fn take(&mut self, message: Value) {
        let asked = message["id"].as_i64().and_then(|id| self.asked.remove(&id));
        check_frame(asked.as_deref(), &message);
        if let Some(method) = message["method"].as_str() {
            self.log.push(method.to_owned());
            if method == "seats.update" {
                self.apply(&message["params"]);
            }
            self.pushes.push_back(message);
            return;
        }
        // Answers to what was no request have no id.
        let id = message["id"].as_i64().unwrap_or(-1);
        self.log.push(format!("answer {id}"));
        if let Some(schedule) = self.watching.remove(&id)
            && let Some(result) = message.get("result")
        {
            let count = result["count"].as_u64().unwrap() as u32;
            let seats = decode_seats(result["seats"].as_str().unwrap(), count).unwrap();
            self.seats.insert(schedule, (result["version"].as_u64().unwrap(), seats));
        }
        self.answers.insert(id, message);
    }

    /// Applies a delta as the protocol has it: drop what is old, apply what fits, and here nothing may ever be missing.
    fn apply(&mut self, delta: &Value) {
        let schedule = delta["schedule_id"].as_u64().unwrap();
        let (version, seats) = self.seats.get_mut(&schedule).expect("no delta before the snapshot");
        let (from, to) = (delta["from"].as_u64().unwrap(), delta["version"].as_u64().unwrap());
        if to <= *version {
            return;
        }
        assert!(from <= *version, "a gap: from {from}, but the client has {version}");
        for change in delta["changes"].as_array().unwrap() {
            let seat = change[0].as_u64().unwrap() as usize;
            seats[seat] = SeatState::from_number(change[1].as_u64().unwrap() as u8).unwrap();
        }
        *version = to;
        let free = seats.iter().filter(|state| **state == SeatState::Available).count() as u64;
        assert_eq!(delta["available"].as_u64(), Some(free));
    }
}
