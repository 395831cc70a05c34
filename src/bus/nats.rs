//! Messages between servers over NATS: its core alone, which keeps nothing.
//!
//! Always: one connection, on which messages to one place keep their order; nobody who sends waits, whatever becomes of it; a
//! client that has no room is waited for by a task of ours, and only while there is a connection. Deliberately absent: requests
//! and queue groups of the client, which promise what they do not keep (a request to a stopped process is executed when it
//! wakes), and JetStream, a second log that could disagree with the journal.
//!
//! Of the client: while it is disconnected it takes what its queue has room for, and sends it when it is back, late; nothing of
//! what it had written before is sent again, and nobody is told. `flush` waits for the socket, not for the server.

mod inbox;
mod link;
mod login;
mod outbox;
mod subjects;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{AuthError, Client, ConnectOptions, ServerAddr, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use self::inbox::Inbox;
use self::link::{Link, Lost};
pub use self::login::{Login, LoginError, Trust};
use self::outbox::{Outbox, Waiting};
use self::subjects::Subjects;
use super::carrier::{Brought, Carrier, To};
use crate::clock::Clock;
use crate::config::ClusterSettings;
use crate::domain::ids::{ConcertId, NodeNo};
use crate::domain::time::Timestamp;
use crate::limits;
use crate::metrics::Metrics;

/// How a node reaches the bus.
#[derive(Clone, Debug)]
pub struct Options {
    /// Each `nats://host:port` or, all of them, `tls://host:port`. Nobody's name or password.
    pub servers: Vec<String>,
    /// Keeps clusters apart that share a bus: letters, digits, `-` and `_`.
    pub prefix: String,
    pub login: Login,
    pub trust: Trust,
}

/// Why a node cannot even begin to look for the bus. URLs are not quoted.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the bus needs a server at least, and {} at most", limits::BUS_SERVERS_MAX)]
    Servers,
    #[error("a server of the bus is not of the form nats://host:port or tls://host:port")]
    Url,
    #[error("either all servers of the bus are tls:// or none is")]
    Mixed,
    #[error("the prefix of a cluster is 1 to {} letters, digits, `-` and `_`", limits::BUS_PREFIX_CHARS_MAX)]
    Prefix,
    #[error("cannot log in to the bus")]
    Login(#[from] LoginError),
    #[error("the client of the bus does not start")]
    Client(#[source] async_nats::Error),
}

impl Options {
    /// The bus that the settings name, if they do.
    pub fn of(settings: &ClusterSettings) -> Option<Self> {
        let of = settings.clone();
        if of.bus.is_empty() {
            return None;
        }
        // They have one way to log in.
        let by_user =
            of.bus_user.zip(of.bus_password_file).map(|(user, password)| Login::User(user, password));
        let by_file = of.bus_nkey_file.map(Login::Nkey).or(of.bus_credentials_file.map(Login::Credentials));
        Some(Self {
            servers: of.bus,
            prefix: of.bus_prefix,
            login: by_user.or(by_file).unwrap_or_default(),
            trust: Trust { ca: of.bus_ca, own: of.bus_cert.zip(of.bus_key) },
        })
    }

    /// Says what is wrong with them as far as that is seen without the bus.
    pub fn check(&self) -> Result<(), OpenError> {
        self.login.auth(b"")?;
        self.trust.config()?;
        addresses(&self.servers)?;
        Subjects::new(&self.prefix).map(drop).ok_or(OpenError::Prefix)
    }
}

/// A node's way to the bus. Dropped, it is left.
pub struct Nats {
    /// Its servers, by their URLs.
    name: String,
    client: Client,
    link: Arc<Link>,
    up: watch::Receiver<bool>,
    outbox: Outbox,
    sales: Arc<Sales>,
    /// A client that is dropped while it looks for a server would go on looking for ever.
    _is_there: Arc<()>,
    /// They end with us.
    tasks: tokio::sync::Mutex<JoinSet<()>>,
}

/// The sales that are read here.
#[derive(Default)]
struct Sales {
    read: Mutex<BTreeSet<ConcertId>>,
    changed: Notify,
}

/// Goes to the bus, or looks for it from now on if it is not there. What this node hears comes out of the receiver, which has to
/// be read all the time: what finds no room is dropped.
pub async fn open(
    options: Options,
    node: NodeNo,
    clock: Clock,
    metrics: Arc<Metrics>,
) -> Result<(Arc<Nats>, mpsc::Receiver<Brought>), OpenError> {
    // What is wrong with a file is said now, as long as somebody is looking.
    options.check()?;
    let subjects = Arc::new(Subjects::new(&options.prefix).ok_or(OpenError::Prefix)?);
    let servers = addresses(&options.servers)?;
    let lost = Lost::new(&metrics);
    let (inbox, brought) = Inbox::new(
        limits::BUS_BROUGHT_MESSAGES_MAX,
        metrics.bus_messages_brought.clone(),
        lost.unread.clone(),
    );
    let inbox = Arc::new(inbox);
    let link = Arc::new(Link::new(clock, metrics.clone(), inbox.clone(), lost));
    let is_there = Arc::new(());
    let client = connect(&options, node, servers, &link, &is_there).await?;

    let mut readers = Vec::new();
    // Both fit into the client's queue, which is still empty.
    for to in [To::Node(node), To::All] {
        let subscribed = client.subscribe(subjects.of(to)).await;
        let subscriber = subscribed.map_err(|error| OpenError::Client(Box::new(error)))?;
        readers.push(Reader::begin(subscriber, inbox.clone()));
    }
    let (outbox, queue) = Outbox::new(limits::BUS_QUEUE_MESSAGES_MAX, limits::BUS_QUEUE_BYTES_MAX);
    let sales = Arc::new(Sales::default());
    let sender = Sender {
        client: client.clone(),
        subjects,
        up: link.up(),
        link: link.clone(),
        inbox: inbox.clone(),
        sales: sales.clone(),
        readers: BTreeMap::new(),
        metrics,
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { inbox.say_losses().await });
    let (following, followed) = (link.clone(), client.clone());
    tasks.spawn(async move { following.follow(&followed).await });
    tasks.spawn(async move {
        // They read for as long as we send.
        let _readers = readers;
        sender.run(queue).await;
    });
    let (name, up, tasks) = (options.servers.join(", "), link.up(), tasks.into());
    Ok((Arc::new(Nats { name, client, link, up, outbox, sales, _is_there: is_there, tasks }), brought))
}

async fn connect(
    options: &Options,
    node: NodeNo,
    servers: Vec<ServerAddr>,
    link: &Arc<Link>,
    is_there: &Arc<()>,
) -> Result<Client, OpenError> {
    let login = Arc::new(options.login.clone());
    let ways = servers.len();
    let is_secure = servers.iter().any(ServerAddr::tls_required);
    let is_there = Arc::downgrade(is_there);
    let (hears, tries) = (link.clone(), link.clone());
    ConnectOptions::with_auth_callback(move |nonce| {
        let login = login.clone();
        async move {
            let auth = tokio::task::spawn_blocking(move || login.auth(&nonce)).await;
            auth.map_err(AuthError::new)?.map_err(AuthError::new)
        }
    })
    .name(format!("frontrow {node}"))
    // Those of the settings alone: others may not be for us to reach, or not by TLS.
    .ignore_discovered_servers()
    .no_echo()
    .tls_client_config(options.trust.config()?)
    .require_tls(is_secure)
    .retry_on_initial_connect()
    .max_reconnects(None)
    .connection_timeout(limits::BUS_CONNECT_PATIENCE)
    .ping_interval(limits::BUS_PING_INTERVAL)
    .client_capacity(limits::BUS_CLIENT_COMMANDS_MAX)
    .subscription_capacity(limits::BUS_SUBSCRIPTION_MESSAGES_MAX)
    .reconnect_delay_callback(move |attempt| match is_there.strong_count() {
        0 => Duration::from_secs(u32::MAX.into()),
        _ => pause(attempt, ways, rand::random()),
    })
    .reconnect_to_server_callback(move |servers, _| {
        tries.tries(&servers);
        // It chooses itself.
        async { None }
    })
    .event_callback(move |event| {
        hears.heard(&event);
        async {}
    })
    .connect(servers)
    .await
    .map_err(|error| OpenError::Client(Box::new(error)))
}

fn addresses(servers: &[String]) -> Result<Vec<ServerAddr>, OpenError> {
    if servers.is_empty() || servers.len() > limits::BUS_SERVERS_MAX {
        return Err(OpenError::Servers);
    }
    let address = |server: &String| {
        let address: ServerAddr = server.parse().ok()?;
        let is_plain = !address.has_user_pass() && address.password().is_none() && !address.host().is_empty();
        (is_plain && server.contains("://") && !address.is_websocket()).then_some(address)
    };
    let addresses: Vec<_> = servers.iter().map(address).collect::<Option<_>>().ok_or(OpenError::Url)?;
    match addresses.iter().any(|address| address.tls_required() != addresses[0].tls_required()) {
        true => Err(OpenError::Mixed),
        false => Ok(addresses),
    }
}

/// How long to wait before an attempt, counted from 1 since the connection ended. Each server is tried once at once; then the
/// pauses double. By chance, from 0 to 1, nodes that lost the same server do not all come back at the same moment.
fn pause(attempt: usize, servers: usize, chance: f64) -> Duration {
    let again = u32::try_from(attempt.saturating_sub(servers)).unwrap_or(u32::MAX);
    let longest =
        limits::BUS_PAUSE_MIN.saturating_mul(2_u32.saturating_pow(again)).min(limits::BUS_PAUSE_MAX);
    longest.mul_f64(chance)
}

impl Nats {
    /// Whether there is a connection, for who waits for it.
    pub fn connected(&self) -> watch::Receiver<bool> {
        self.up.clone()
    }

    /// Resolves once what was sent so far is on its way, or was lost with the connection. For the end of a server, which waits no
    /// longer than it wants to.
    pub async fn flush(&self) {
        self.outbox.handed_over().await;
    }

    /// Resolves if one of our tasks has ended, by a fault of ours or because nobody reads what is brought: from then on nothing is
    /// carried.
    pub async fn failed(&self) {
        self.tasks.lock().await.join_next().await;
    }
}

impl Carrier for Nats {
    fn send(&self, to: To, message: Bytes) -> bool {
        let lost = self.link.lost();
        // Ours is a moment late, and without it the sender would not take anything.
        if self.client.connection_state() != State::Connected || !*self.up.borrow() {
            lost.no_connection.inc();
            return false;
        }
        let bytes_max = self.client.max_payload().min(limits::BUS_QUEUE_BYTES_MAX);
        if message.len() > bytes_max {
            self.link.refuse(message.len(), bytes_max);
            return false;
        }
        let has_room = self.outbox.put(to, message);
        if !has_room {
            lost.full.inc();
        }
        has_room
    }

    fn read_sale(&self, concert: ConcertId, reads: bool) {
        let changed = match reads {
            true => self.sales.read.lock().insert(concert),
            false => self.sales.read.lock().remove(&concert),
        };
        if changed {
            self.sales.changed.notify_one();
        }
    }

    fn out_since(&self) -> Option<Timestamp> {
        self.link.out_since()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// Hands to the client, in their order, what waits, and which sales are read.
struct Sender {
    client: Client,
    subjects: Arc<Subjects>,
    up: watch::Receiver<bool>,
    link: Arc<Link>,
    inbox: Arc<Inbox>,
    sales: Arc<Sales>,
    readers: BTreeMap<ConcertId, Reader>,
    metrics: Arc<Metrics>,
}

impl Sender {
    async fn run(mut self, mut queue: mpsc::Receiver<Waiting>) {
        let mut sales_changed = false;
        let mut turned = self.up.clone();
        loop {
            let waiting = tokio::select! {
                // Sales first: what is sent after they were named is behind them on its way.
                biased;
                () = self.sales.changed.notified() => {
                    sales_changed = true;
                    None
                }
                turned = turned.changed() => {
                    // The link lives as long as we do.
                    let _ = turned;
                    None
                }
                waiting = queue.recv() => match waiting {
                    Some(waiting) => Some(waiting),
                    None => return,
                },
            };
            if sales_changed && *self.up.borrow() {
                sales_changed = !self.subscribe().await;
            }
            match waiting {
                Some(Waiting::Message(to, message, _room)) => self.publish(to, message).await,
                Some(Waiting::Mark(mark)) => {
                    let _ = self.while_up(self.client.flush()).await;
                    let _ = mark.send(());
                }
                None => {}
            }
        }
    }

    async fn publish(&self, to: To, message: Bytes) {
        let published = self.while_up(self.client.publish(self.subjects.of(to), message)).await;
        match published {
            Some(Ok(())) => self.metrics.bus_messages_sent.inc(),
            // The server that we came to since takes less than the one before, say.
            Some(Err(_)) | None => self.link.lost().cut.inc(),
        };
    }

    /// `false`: there is no connection any more.
    async fn subscribe(&mut self) -> bool {
        let read = self.sales.read.lock().clone();
        self.readers.retain(|concert, _| read.contains(concert));
        for concert in read {
            if self.readers.contains_key(&concert) {
                continue;
            }
            let subject = self.subjects.of(To::Sale(concert));
            let Some(Ok(subscriber)) = self.while_up(self.client.subscribe(subject)).await else {
                return false;
            };
            self.readers.insert(concert, Reader::begin(subscriber, self.inbox.clone()));
        }
        true
    }

    /// Waits for the client no longer than there is a connection: without one it may have no room for ever.
    async fn while_up<T>(&self, does: impl Future<Output = T>) -> Option<T> {
        let mut up = self.up.clone();
        tokio::select! {
            biased;
            _ = up.wait_for(|up| !up) => None,
            done = does => Some(done),
        }
    }
}

/// Brings what comes for one subject. Dropped, it is heard no more.
struct Reader(JoinHandle<()>);

impl Reader {
    fn begin(mut subscriber: Subscriber, inbox: Arc<Inbox>) -> Self {
        Self(tokio::spawn(async move {
            while let Some(message) = subscriber.next().await {
                inbox.bring(message.payload);
            }
        }))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(servers: &[&str]) -> Option<String> {
        let servers: Vec<_> = servers.iter().map(|&server| server.to_owned()).collect();
        addresses(&servers).err().map(|error| error.to_string())
    }

    #[test]
    fn servers_are_addresses_and_nobodys_login() {
        assert_eq!(refused(&["nats://a:4222", "nats://10.0.0.1", "nats://[::1]:4222"]), None);
        assert_eq!(refused(&["tls://a.example:4222", "tls://b.example"]), None);
        let form = "a server of the bus is not of the form nats://host:port or tls://host:port";
        for url in [
            "a:4222",
            "http://a:4222",
            "ws://a:4222",
            "nats://",
            "nats://a:99999",
            "nats://me:hush@a:4222",
            "nats://:hush@a:4222",
            "nats://hush@a:4222",
        ] {
            assert_eq!(refused(&["nats://b:4222", url]).as_deref(), Some(form), "{url}");
        }
        assert!(refused(&["nats://a", "tls://b"]).unwrap().starts_with("either all servers"));
        assert!(refused(&[]).is_some() && refused(&["nats://a"; limits::BUS_SERVERS_MAX + 1]).is_some());
    }

    #[test]
    fn settings_name_a_bus_or_none() {
        assert!(Options::of(&ClusterSettings::default()).is_none());
        let bus = |more: ClusterSettings| {
            let settings = ClusterSettings { bus: vec!["tls://a:4222".to_owned()], ..more };
            Options::of(&settings).unwrap()
        };
        let (none, file) = (ClusterSettings::default, |name: &str| Some(name.into()));
        let plain = bus(none());
        assert_eq!((&*plain.servers[0], &*plain.prefix), ("tls://a:4222", "frontrow"));
        assert_eq!((plain.login, plain.trust), (Login::Nobody, Trust::default()));
        for (settings, login) in [
            (
                ClusterSettings { bus_user: Some("u".to_owned()), bus_password_file: file("p"), ..none() },
                Login::User("u".to_owned(), "p".into()),
            ),
            (ClusterSettings { bus_nkey_file: file("n"), ..none() }, Login::Nkey("n".into())),
            (ClusterSettings { bus_credentials_file: file("c"), ..none() }, Login::Credentials("c".into())),
        ] {
            assert_eq!(bus(settings).login, login);
        }
        let settings =
            ClusterSettings { bus_ca: file("ca"), bus_cert: file("cert"), bus_key: file("key"), ..none() };
        let own = Some(("cert".into(), "key".into()));
        assert_eq!(bus(settings).trust, Trust { ca: file("ca"), own });
    }

    #[test]
    fn each_server_is_tried_at_once_and_then_ever_more_seldom() {
        let millis = |attempt, chance| pause(attempt, 3, chance).as_millis();
        assert_eq!([1, 2, 3, 4, 5, 6].map(|attempt| millis(attempt, 1.0)), [50, 50, 50, 100, 200, 400]);
        assert_eq!(
            [1, 3, 9, 60, usize::MAX].map(|attempt| millis(attempt, 1.0)),
            [50, 50, 2_000, 2_000, 2_000]
        );
        assert_eq!([1, 9].map(|attempt| millis(attempt, 0.25)), [12, 500]);
    }
}
