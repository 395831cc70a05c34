//! The server and its data.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use frontrow::clock::Clock;
use frontrow::config::{Config, DatabaseUrl};
use frontrow::desk::Context;
use frontrow::desk::auth::KEY_FILE;
use frontrow::desk::operators::links::Secret;
use frontrow::dispatcher::Rows;
use frontrow::domain::actor::Actor;
use frontrow::domain::ids::{ConcertId, SeatId, UserId};
use frontrow::domain::record::SaleState;
use frontrow::domain::rules::{OwnRules, SaleSettings};
use frontrow::domain::time::Timestamp;
use frontrow::metrics::Metrics;
use frontrow::server::{self, Given, Server};
use frontrow::store::operators::{NewLink, Note};
use frontrow::store::{self, DataFolder, NewConcert, NewUser, Store};
use frontrow::venue::{self, ImportOptions, Shape, VenueLayout};
use frontrow_crowd::door::Callers as _;
use frontrow_protocol::Role;
use frontrow_testing::simulated::SimulatedStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, UnixStream};
use tokio::sync::oneshot;

use super::tls::{self, Pipe};
use super::{Fan, HERE, Reply, http, in_time, mariadb};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings that a test wants to be different.
pub struct Plan {
    pub seats: usize,
    pub capacity: u32,
    pub schedules: usize,
    pub state: SaleState,
    /// The seats that the plan keeps from sale.
    pub restricted: &'static [u32],
    /// Time goes on by itself: for servers that wait for each other.
    pub time_goes_on: bool,
    pub settings: fn(&mut Config),
}

impl Default for Plan {
    fn default() -> Self {
        let (state, restricted) = (SaleState::Open, &[][..]);
        let time_goes_on = false;
        Self { seats: 20, capacity: 100, schedules: 1, state, restricted, time_goes_on, settings: |_| {} }
    }
}

/// One concert, its sale and its server.
pub struct House {
    pub clock: Clock,
    pub concert: ConcertId,
    /// The ids of the performances.
    pub schedules: Vec<u64>,
    config: Config,
    /// A database of the test's own, instead of a real one.
    given: Option<SimulatedStore>,
    /// Kept for as long as the house stands.
    _folder: tempfile::TempDir,
    running: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    server: Server,
}

/// A database that nobody else has, where the tests are configured to have theirs; `None` for the embedded one.
async fn database() -> Option<DatabaseUrl> {
    match std::env::var("FRONTROW_TEST_DATABASE").as_deref() {
        Err(_) | Ok("sqlite") => None,
        Ok("mariadb" | "mariadb-tls") => Some(DatabaseUrl::new(mariadb::empty_database().await)),
        Ok(url) if url.contains("://") => Some(DatabaseUrl::new(mariadb::empty_database().await)),
        Ok(other) => panic!(
            "FRONTROW_TEST_DATABASE is {other:?}; it may be `sqlite`, `mariadb`, `mariadb-tls` or a URL"
        ),
    }
}

async fn open_store(config: &Config) -> Arc<dyn Store> {
    store::open(config.database_url.as_ref().map(DatabaseUrl::reveal), &config.data).await.unwrap()
}

fn hall(seats: usize) -> VenueLayout {
    let hall = venue::generate(seats, Shape::Hall).unwrap();
    let prices = venue::suggested_prices(&hall);
    venue::import(hall.to_string().as_bytes(), &prices, ImportOptions::default()).unwrap().layout
}

impl House {
    pub async fn open(plan: Plan) -> Self {
        let settings = plan.settings;
        Self::open_with(plan, settings).await
    }

    /// The same, with settings that a test has made itself.
    pub async fn open_with(plan: Plan, settings: impl FnOnce(&mut Config)) -> Self {
        Self::open_over(plan, settings, None).await
    }

    /// Opens a house over a database that the test can make hang.
    pub async fn open_over(
        plan: Plan,
        settings: impl FnOnce(&mut Config),
        given: Option<SimulatedStore>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listen = (HERE, 0).into();
        let mut config =
            Config { data: folder.path().to_owned(), listen, lanes: Some(1), ..Config::default() };
        config.address_limits.exempt = vec![HERE.to_string().parse().unwrap()];
        settings(&mut config);
        let store = match &given {
            Some(given) => Arc::new(given.handle()),
            None => {
                if config.database_url.is_none() {
                    config.database_url = database().await;
                }
                open_store(&config).await
            }
        };
        let own = OwnRules { capacity: Some(plan.capacity), ..OwnRules::default() };
        let days = (0..plan.schedules).map(|n| START + (30 + n as u32) * DAY);
        let concert = NewConcert {
            title: "A night".into(),
            currency: "KRW".into(),
            time_zone: Some("Asia/Seoul".into()),
            layout: hall(plan.seats),
            starts_at: days.collect(),
            restricted: plan.restricted.iter().copied().map(SeatId).collect(),
            about: None,
            again: true,
            settings: SaleSettings { state: plan.state, opens_at: None, message: None, own },
            at: START,
        };
        let (concert, schedules) = store.add_concert(concert).await.unwrap();
        let schedules = schedules.into_iter().map(|schedule| schedule.0).collect();
        let clock = if plan.time_goes_on { Clock::system() } else { Clock::manual(START) };
        clock.begin_at(START);
        let mut house = Self { clock, concert, schedules, config, given, _folder: folder, running: None };
        house.start().await;
        house
    }

    /// One more server of the same database, with the same key and clock.
    pub async fn beside(&self, settings: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(self.data().join(KEY_FILE), folder.path().join(KEY_FILE)).unwrap();
        let mut config = Config { data: folder.path().to_owned(), ..self.config.clone() };
        settings(&mut config);
        let mut house = Self {
            clock: self.clock.clone(),
            concert: self.concert,
            schedules: self.schedules.clone(),
            config,
            given: None,
            _folder: folder,
            running: None,
        };
        house.start().await;
        house
    }

    /// Stores one more concert, which the server knows after a restart.
    pub async fn another_concert(&mut self, capacity: u32) -> ConcertId {
        let own = OwnRules { capacity: Some(capacity), ..OwnRules::default() };
        let concert = NewConcert {
            title: "Another night".into(),
            currency: "KRW".into(),
            time_zone: None,
            layout: hall(20),
            starts_at: vec![START + 40 * DAY],
            restricted: Vec::new(),
            about: None,
            again: true,
            settings: SaleSettings { state: SaleState::Open, opens_at: None, message: None, own },
            at: START,
        };
        let (concert, _) = self.store().add_concert(concert).await.unwrap();
        self.stop().await;
        self.start().await;
        concert
    }

    /// Starts the server on what is stored.
    pub async fn start(&mut self) {
        let store = match &self.given {
            Some(given) => Arc::new(given.handle()),
            None => open_store(&self.config).await,
        };
        let given = Given {
            store,
            clock: self.clock.clone(),
            metrics: Arc::new(Metrics::new()),
            folder: Some(DataFolder::lock(&self.config.data).unwrap()),
            // A clock that is turned by hand jumps; only a restart is an outage here.
            heartbeat_gap_max: 365 * DAY,
            // It is turned by hand, and the database's is not.
            by_database_clock: false,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        // A house that is dropped stops too.
        let server = server::start(&self.config, given, async { drop(stopped.await) }).await.unwrap();
        in_time("the sale", async {
            while !server.context.dispatcher.missing().is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        self.running = Some(Running { stop, server });
    }

    /// Stops the server and starts it with other settings.
    pub async fn restart_with(&mut self, change: impl FnOnce(&mut Config)) {
        self.stop().await;
        change(&mut self.config);
        self.start().await;
    }

    /// Tells the server to stop, as the operating system would: everybody finishes what they began. The future is
    /// the rest of it.
    pub fn stop(&mut self) -> impl Future<Output = ()> + use<> {
        let running = self.running.take().unwrap();
        running.stop.send(()).unwrap();
        async move {
            in_time("the end of the server", running.server.ended()).await.unwrap();
        }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the server runs")
    }

    pub fn address(&self) -> SocketAddr {
        self.running().server.address
    }

    /// The operators' own listener, if they have one.
    pub fn admin(&self) -> SocketAddr {
        self.running().server.admin_address.expect("the operators' listener was configured")
    }

    pub fn context(&self) -> &Arc<Context> {
        &self.running().server.context
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.context().store
    }

    /// The store, opened by whoever looks while the server is stopped.
    pub async fn open_store(&self) -> Arc<dyn Store> {
        open_store(&self.config).await
    }

    /// The folder of the data; the embedded database is in it.
    pub fn data(&self) -> &Path {
        &self.config.data
    }

    /// The database's address, if it is not the embedded one.
    pub fn database_url(&self) -> Option<&str> {
        self.config.database_url.as_ref().map(DatabaseUrl::reveal)
    }

    /// The folder for old rows of the journal.
    pub fn journal_archive(&self) -> PathBuf {
        self.config.journal_archive()
    }

    /// The first performance.
    pub fn schedule(&self) -> u64 {
        self.schedules[0]
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Turns the clock little by little until this has come. Before each turn the runtime has looked at its sockets once: on a
    /// busy machine the clock would else be hours further before the server has read what it was sent.
    pub async fn turning<T>(&self, what: &str, awaited: impl Future<Output = T>) -> T {
        let turning = async {
            let mut awaited = pin!(awaited);
            let (mut here, mut there) = UnixStream::pair().unwrap();
            loop {
                let look = async {
                    here.write_all(b".").await.unwrap();
                    // More room than is needed: nothing is left to be read without another look.
                    assert_ne!(there.read(&mut [0; 8]).await.unwrap(), 0);
                };
                tokio::select! {
                    biased;
                    came = &mut awaited => return came,
                    () = look => self.clock.advance(Duration::from_millis(5)),
                }
            }
        };
        in_time(what, turning).await
    }

    /// The same, but so slowly that what the server asks of its database comes long before it loses patience.
    pub async fn stepping<T>(&self, what: &str, awaited: impl Future<Output = T>) -> T {
        let stepping = async {
            let mut awaited = pin!(awaited);
            loop {
                tokio::select! {
                    biased;
                    came = &mut awaited => return came,
                    () = self.step() => {}
                }
            }
        };
        in_time(what, stepping).await
    }

    /// Turns the clock by a tenth of a second, after the runtime has looked at its sockets some hundred times.
    pub async fn step(&self) {
        const LOOKS: usize = 400;
        let (mut here, mut there) = UnixStream::pair().unwrap();
        for _ in 0..LOOKS {
            here.write_all(b".").await.unwrap();
            assert_ne!(there.read(&mut [0; 8]).await.unwrap(), 0);
        }
        self.clock.advance(Duration::from_millis(100));
    }

    /// Waits until the server has noticed that only so many connections are left.
    pub async fn connections(&self, count: i64) {
        in_time("the end of a connection", async {
            while self.context().metrics.connections.get() != count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Turns the clock in steps that a connection survives without anybody reading: each fan shows that it is
    /// there, which is no activity.
    pub async fn advance_with(&self, seconds: u64, fans: &mut [&mut Fan]) {
        let mut left = seconds;
        while left > 0 {
            let step = left.min(40);
            self.advance(step);
            left -= step;
            for fan in fans.iter_mut() {
                fan.ok("ping", serde_json::json!({})).await;
            }
        }
    }

    /// A new user's id.
    pub async fn user(&self, balance: i64) -> UserId {
        let user = NewUser { name: "fan".into(), balance, guest: false, at: START };
        self.store().add_user(user).await.unwrap()
    }

    /// A user's access token.
    pub fn access_token(&self, user: UserId) -> String {
        self.context().auth.mint_user(user, self.clock.utc(), 365 * DAY)
    }

    pub fn operator_token(&self) -> String {
        self.context().auth.mint_operator(self.clock.utc(), DAY)
    }

    /// A new operator with a session: their id, and the session's token.
    pub async fn operator(&self, role: Role) -> (u64, String) {
        let operators = self.store().operators().expect("this store keeps operators");
        let (at, secret) = (self.clock.utc(), Secret::random());
        let link = NewLink { secret: secret.hash(), expires_at: at + DAY };
        let note = Note { by: Actor::UNNAMED, at };
        let name = format!("a {role}");
        let operator = operators.add_operator(&name, role, Some(link), &note).await.unwrap();
        (operator.id.0, self.sign_in(&secret.link("")).await)
    }

    /// The token of a session that a link gives.
    pub async fn sign_in(&self, link: &str) -> String {
        let body = serde_json::json!({"link": link}).to_string();
        let signed_in = self.http("POST", "/api/v1/admin/session", None, &body).await;
        assert_eq!(signed_in.status, 201, "{:?}", signed_in.outcome());
        signed_in.json()["token"].as_str().unwrap().to_owned()
    }

    /// Does the server use TLS?
    pub fn is_secure(&self) -> bool {
        self.running().server.is_secure
    }

    /// A connection, encrypted if the server uses TLS.
    async fn pipe(&self) -> Pipe {
        tls::connect(self.address(), self.is_secure()).await
    }

    /// A connection that has not said who it is.
    pub async fn stranger(&self) -> Fan {
        Fan::connect_through(self.pipe().await, self.address(), &[]).await.unwrap()
    }

    /// A new user's connection, after its `hello`.
    pub async fn fan(&self, balance: i64) -> Fan {
        let user = self.user(balance).await;
        self.connection_of(user).await
    }

    /// One more connection of this user.
    pub async fn connection_of(&self, user: UserId) -> Fan {
        self.connection_of_token(&self.access_token(user)).await
    }

    /// A connection of a user who plays a rehearsal, made as the server makes its own.
    pub async fn buyer(&self, user: UserId) -> Fan {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((HERE, 0).into()).unwrap();
        self.context().callers.expect(socket.local_addr().unwrap());
        let mut fan = Fan::over(socket.connect(self.address()).await.unwrap(), &[]).await.unwrap();
        fan.access_token = self.access_token(user);
        fan.ok("hello", serde_json::json!({"access_token": fan.access_token.clone()})).await;
        fan
    }

    /// A connection by this access token.
    pub async fn connection_of_token(&self, access_token: &str) -> Fan {
        let mut fan = self.stranger().await;
        fan.access_token = access_token.to_owned();
        fan.ok("hello", serde_json::json!({"access_token": access_token})).await;
        fan
    }

    /// A new user's connection with a place in line, and the queue update that it got.
    pub async fn joined(&self, balance: i64) -> (Fan, serde_json::Value) {
        let mut fan = self.fan(balance).await;
        let place = fan.ok("queue.join", serde_json::json!({"concert_id": self.concert.0})).await;
        (fan, place)
    }

    /// One HTTP request.
    pub async fn http(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Reply {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        http::call_through(self.pipe().await, self.address(), method, path, &headers, body).await
    }

    /// One HTTP request with these headers.
    pub async fn http_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        http::call_through(self.pipe().await, self.address(), method, path, headers, body).await
    }

    /// Waits until the stored rows have all that was confirmed by now.
    pub async fn rows_follow(&self) {
        let followed = self.context().dispatcher.tables_have(Rows::All);
        in_time("the rows that follow", followed).await.unwrap();
    }

    /// The stored rows must fit each other, whatever happened.
    pub async fn audit(&self) {
        let report = self.store().audit().await.unwrap();
        assert_eq!(report.faults, Vec::<String>::new());
    }
}
