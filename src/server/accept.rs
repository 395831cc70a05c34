//! One port for HTTP and websockets: who is let in, who is turned away, and how it ends.
//!
//! Always: there are never more connections than allowed, and a client that comes then gets an answer instead of being left
//! to wait; a connection that became a websocket keeps nothing of its time as HTTP.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use frontrow_protocol::ErrorObject;
use frontrow_protocol::call::Call;
use frontrow_protocol::http::Problem;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use super::http_stream::HttpStream;
use super::late_timer::LateTimer;
use super::{file_limit, proxy_protocol};
use crate::desk::address_limits::TooMany;
use crate::desk::visitor::{Door, Visitor, is_forwarded};
use crate::http::{self, Site, Usage};
use crate::limits;
use crate::metrics::Metrics;
use crate::socket::connection::Connection;
use crate::socket::hub::{Draining, Hub};
use crate::socket::kernel;
use crate::socket::permit::Permit;
use crate::socket::stream::Stream;
use crate::socket::tls::{HandshakeError, Tls};
use crate::socket::upgrade::{self, Agreed};

/// A listener with room for everybody who comes back at once after a restart.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server that is started again does not wait for its former connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(limits::LISTEN_BACKLOG)?;
    kernel::bound_unsent(&listener)?;
    Ok(listener)
}

/// The listeners that connections come in by.
pub struct Listeners {
    pub public: TcpListener,
    /// The operators' own, if they have one.
    pub admin: Option<TcpListener>,
}

/// The two doors that a connection may take.
pub struct Doors {
    hub: Arc<Hub>,
    site: Arc<Site>,
    /// `None`: connections are plain.
    tls: Option<Arc<Tls>>,
}

impl Doors {
    pub fn new(site: Arc<Site>, tls: Option<Arc<Tls>>) -> Self {
        Self { hub: Arc::new(Hub::new(site.context.clone())), site, tls }
    }
}

/// Serves everybody who connects until `stop`, then lets everybody finish what they began.
pub async fn serve(listeners: Listeners, doors: Doors, stop: impl Future<Output = ()>) {
    let doors = Arc::new(doors);
    let hub = &doors.hub;
    let room = file_limit::raise();
    let allowed = match hub.context.connections_max {
        Some(wanted) if wanted > room => {
            tracing::warn!(wanted, room, "the limit on open files leaves room for fewer connections");
            room
        }
        wanted => wanted.unwrap_or(room),
    };
    tracing::info!(connections_max = allowed, "listening");
    // Operators have connections of their own: a full house shuts nobody out who must help.
    let rooms = [
        Room::new(Door::Public, allowed, Some(listeners.public)),
        Room::new(Door::Admin, limits::ADMIN_CONNECTIONS_MAX, listeners.admin),
    ];
    let (stopping, stopped) = watch::channel(());
    let wheel = hub.context.dispatcher.supervisor().keep(&Handle::current(), "timers", {
        let hub = hub.clone();
        move || {
            let hub = hub.clone();
            async move { hub.timers.run().await }
        }
    });
    tokio::select! {
        () = stop => {}
        () = rooms[0].accept(&doors, &stopped) => {}
        () = rooms[1].accept(&doors, &stopped) => {}
    }
    let rooms = rooms.map(Room::close);
    drop(stopped);
    // The sender's end is what HTTP connections wait for.
    drop(stopping);
    drain(hub, &rooms).await;
    wheel.abort();
}

/// A listener, and the connections that it may have.
struct Room {
    door: Door,
    listener: Option<TcpListener>,
    allowed: usize,
    connections: Arc<Semaphore>,
}

impl Room {
    fn new(door: Door, allowed: usize, listener: Option<TcpListener>) -> Self {
        Self { door, listener, allowed, connections: Arc::new(Semaphore::new(allowed)) }
    }

    /// Nobody new is let in.
    fn close(self) -> Self {
        Self { listener: None, ..self }
    }

    /// Lets in whoever connects, for ever.
    async fn accept(&self, doors: &Arc<Doors>, stopped: &watch::Receiver<()>) {
        let Some(listener) = &self.listener else { return std::future::pending().await };
        let turning_away = Arc::new(Semaphore::new(limits::TURNED_AWAY_AT_ONCE));
        loop {
            match listener.accept().await {
                Ok((tcp, peer)) => match self.let_in(&doors.hub, peer) {
                    Ok((door, permit)) => {
                        tokio::spawn(converse(doors.clone(), door, tcp, peer, permit, stopped.clone()));
                    }
                    Err(refusal) => {
                        if let Ok(permit) = turning_away.clone().try_acquire_owned() {
                            let doors = doors.clone();
                            tokio::spawn(async move {
                                turn_away(&doors, tcp, Some(peer.ip()), refusal).await;
                                drop(permit);
                            });
                        }
                    }
                },
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "could not accept a connection");
                    tokio::time::sleep(limits::ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// A proxy's connections are not its own: whose they are is known when it says so. Operators are not counted by
    /// address, and neither is who plays a rehearsal.
    fn let_in(&self, hub: &Hub, peer: SocketAddr) -> Result<(Door, Permit), ErrorObject> {
        let context = &hub.context;
        let door = match self.door {
            Door::Public if context.callers.take(peer) => Door::Rehearsal,
            door => door,
        };
        let peer = peer.ip();
        let of_address = match door != Door::Public || context.proxies.trusts(peer) {
            true => None,
            false => context.addresses.connect(peer).map_err(|too_many| refused(hub, too_many))?,
        };
        match self.connections.clone().try_acquire_owned() {
            Ok(of_all) => Ok((door, Permit::new(of_all, of_address))),
            Err(_) => {
                Metrics::count(&context.metrics.refused, "connections");
                Err(ErrorObject::overloaded(limits::FULL_RETRY_AFTER.as_millis() as u64))
            }
        }
    }

    /// Waits until every connection has ended.
    async fn is_empty(&self) {
        let all = u32::try_from(self.allowed).unwrap_or(u32::MAX);
        let _ = self.connections.acquire_many(all).await;
    }
}

fn refused(hub: &Hub, too_many: TooMany) -> ErrorObject {
    Metrics::count(&hub.context.metrics.refused, too_many.limit.as_str());
    too_many.error()
}

/// Connections are asked to finish, then hurried; at last nobody is waited for. Where others serve meanwhile, not all are asked at
/// once, as all would go there at once.
async fn drain(hub: &Hub, rooms: &[Room]) {
    let open = || rooms.iter().map(|room| room.allowed - room.connections.available_permits()).sum::<usize>();
    if hub.context.dispatcher.has_bus() {
        let turns = turns(open());
        hub.spread(turns);
        for _ in 1..turns {
            hub.next_turn();
            hub.drain(Draining::Finishing);
            tokio::time::sleep(limits::DRAIN_TURN).await;
            if open() == 0 {
                break;
            }
        }
        hub.spread(0);
        hub.next_turn();
    }
    for (how, patience) in
        [(Draining::Finishing, limits::DRAIN_PATIENCE), (Draining::Hurrying, limits::DRAIN_HURRY)]
    {
        hub.drain(how);
        let all = async {
            for room in rooms {
                room.is_empty().await;
            }
        };
        if tokio::time::timeout(patience, all).await.is_ok() {
            return;
        }
    }
    tracing::warn!(connections = open(), "some connections did not end in time");
}

/// The turns in which so many sockets are asked to finish.
fn turns(sockets: usize) -> u32 {
    let turns_a_second = Duration::from_secs(1).div_duration_f64(limits::DRAIN_TURN);
    let turns = sockets as f64 / limits::SOCKETS_CLOSED_A_SECOND as f64 * turns_a_second;
    (turns.ceil() as u32).clamp(1, limits::DRAIN_SPREAD_MAX.div_duration_f64(limits::DRAIN_TURN) as u32)
}

/// One connection, as HTTP for as long as it is.
async fn converse(
    doors: Arc<Doors>,
    door: Door,
    mut tcp: TcpStream,
    peer: SocketAddr,
    mut permit: Permit,
    mut stopped: watch::Receiver<()>,
) {
    let hub = &doors.hub;
    // Frames are small and wanted at once.
    let _ = tcp.set_nodelay(true);
    hub.context.metrics.sockets.inc();
    let _open = OpenSocket(hub.clone());
    let mut address = peer.ip().to_canonical();
    // A proxy on this machine sends requests of others, also where it does not say so.
    let mut is_local = address.is_loopback() && !hub.context.proxies.trusts(address);
    if door == Door::Public && hub.context.proxies.uses_proxy_protocol(address) {
        is_local = false;
        match tokio::time::timeout(limits::PROXY_HEADER_PATIENCE, proxy_protocol::read(&mut tcp)).await {
            Ok(Ok(Some(client))) => {
                match hub.context.addresses.connect(client) {
                    Ok(of_address) => permit.count_for(of_address),
                    Err(too_many) => return turn_away(&doors, tcp, None, refused(hub, too_many)).await,
                }
                address = client;
            }
            // The proxy itself, which looks whether we live.
            Ok(Ok(None)) => {}
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, peer = %peer, "a trusted proxy must begin with a PROXY header");
                return;
            }
            Err(_) => {
                tracing::debug!(peer = %peer, "a proxy did not say in time whose connection this is");
                return;
            }
        }
    }
    let begun = tokio::select! {
        begun = begin(&doors, door, tcp, limits::TLS_HANDSHAKE_PATIENCE) => begun,
        _ = stopped.changed() => return,
    };
    let stream = match begun {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, peer = %peer, "no TLS handshake");
            return;
        }
    };
    let agreed = Arc::new(Mutex::new(None));
    let usage = Arc::new(Usage::default());
    let service = service_fn(|request: Request<Incoming>| {
        let (doors, agreed, usage) = (doors.clone(), agreed.clone(), usage.clone());
        Box::pin(async move {
            let hub = &doors.hub;
            let client = match door {
                Door::Public => hub.context.proxies.client(address, request.headers()),
                Door::Admin | Door::Rehearsal => address,
            };
            if request.uri().path() != Call::Websocket.path() {
                let is_local = is_local && !is_forwarded(request.headers());
                let visitor = Visitor { door, client, is_local };
                return Ok::<_, Infallible>(http::answer(&doors.site, &usage, visitor, request).await);
            }
            let common = http::Common::of(&hub.context, &request);
            if let Some(refusal) = http::refuse_upgrade(&hub.context, &usage, door, client, &request).await {
                return Ok(common.complete(refusal));
            }
            let (response, newcomer) = upgrade::answer(hub, door, address, &request).await;
            *agreed.lock() = newcomer;
            Ok(common.complete(response.map(http::Body::from)))
        })
    });
    let mut http = http1::Builder::new()
        .timer(LateTimer::default())
        .header_read_timeout(limits::HTTP_REQUEST_PATIENCE)
        .max_headers(limits::HTTP_HEADERS_MAX)
        .max_buf_size(limits::HTTP_HEAD_BYTES_MAX)
        .serve_connection(HttpStream::new(stream, hub.clone()), service);
    let mut stop = pin!(stopped.changed());
    let mut stopping = false;
    let ended = poll_fn(|cx| {
        if !stopping && stop.as_mut().poll(cx).is_ready() {
            stopping = true;
            std::pin::Pin::new(&mut http).graceful_shutdown();
        }
        match http.poll_without_shutdown(cx) {
            Poll::Ready(ended) => Poll::Ready(ended),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    let parts = http.into_parts();
    let stream = parts.io.into_inner();
    let newcomer = agreed.lock().take();
    match (ended, newcomer) {
        (Ok(()), Some(newcomer)) => become_websocket(hub.clone(), stream, &parts.read_buf, newcomer, permit),
        (Ok(()), None) => hang_up(stream).await,
        (Err(error), _) => {
            // A client's fault, or its absence.
            tracing::debug!(error = &error as &dyn std::error::Error, peer = %peer, "an HTTP connection ended early");
            match is_too_slow(&error) {
                true => kernel::forget_unsent(stream.tcp()),
                false => hang_up(stream).await,
            }
        }
    }
}

/// The connection's bytes, behind the TLS handshake where there is one. What does not leave this process needs none.
async fn begin(
    doors: &Doors,
    door: Door,
    tcp: TcpStream,
    patience: Duration,
) -> Result<Stream, HandshakeError> {
    let Some(tls) = doors.tls.as_ref().filter(|_| door != Door::Rehearsal) else {
        return Ok(Stream::Plain(tcp));
    };
    let begun = tls.accept(tcp, patience).await;
    let outcome = match &begun {
        Ok(_) => "ok",
        Err(error) => error.kind(),
    };
    Metrics::count(&doors.hub.context.metrics.tls_handshakes, outcome);
    begun
}

/// Did the peer not take its answer?
fn is_too_slow(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut)
}

/// The websocket gets a task of its own, so that nothing of this one is kept.
fn become_websocket(hub: Arc<Hub>, stream: Stream, read: &Bytes, agreed: Agreed, mut permit: Permit) {
    let Agreed { newcomer, permit: of_address } = agreed;
    // A connection through a proxy that names clients by header is somebody's only from its upgrade on.
    if of_address.is_some() {
        permit.count_for(of_address);
    }
    let open = OpenSocket(hub.clone());
    hub.context.metrics.sockets.inc();
    let connection = Connection::new(hub, stream, read, newcomer, permit);
    tokio::spawn(async move {
        let _open = open;
        connection.await;
    });
}

/// Counts a socket for as long as it is open.
struct OpenSocket(Arc<Hub>);

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.context.metrics.sockets.dec();
    }
}

/// Says that this was all, and waits for the peer to hang up too, so that the answer is not lost to a reset. Nothing is
/// kept for a peer that does not take it.
async fn hang_up(stream: Stream) {
    let tcp = stream.tcp();
    let sent = poll_fn(|cx| stream.poll_sent(cx));
    if !matches!(tokio::time::timeout(limits::WRITE_PATIENCE, sent).await, Ok(Ok(()))) {
        return kernel::forget_unsent(tcp);
    }
    if kernel::shut_down(tcp).is_err() {
        return;
    }
    let mut scrap = [0; 2048];
    let mut read = 0;
    let ended = async {
        while read < limits::HTTP_CLOSE_BYTES_MAX && tcp.readable().await.is_ok() {
            match tcp.try_read(&mut scrap) {
                Ok(0) => return,
                Ok(count) => read += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    // The peer may hang up or not.
    let _ = tokio::time::timeout(limits::CLOSE_PATIENCE, ended).await;
}

/// Answers a peer that is not let in with the reason. `peer`: who may have begun with a PROXY header that is not read yet.
async fn turn_away(doors: &Doors, mut tcp: TcpStream, peer: Option<IpAddr>, error: ErrorObject) {
    let text = http::last_words(&Problem::from(error));
    let sent = async {
        if peer.is_some_and(|peer| doors.hub.context.proxies.uses_proxy_protocol(peer)) {
            let _ = proxy_protocol::read(&mut tcp).await?;
        }
        let mut stream = begin(doors, Door::Public, tcp, limits::TURNING_AWAY_PATIENCE)
            .await
            .map_err(std::io::Error::other)?;
        // The request is read first: closing a socket with unread bytes would reset it before the answer.
        let mut scrap = [0; 2048];
        let _ = stream.read(&mut scrap).await?;
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await?;
        while stream.read(&mut scrap).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    // The peer may have read it or not.
    let _ = tokio::time::timeout(limits::TURNING_AWAY_PATIENCE, sent).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_sockets_are_closed_at_once_and_many_within_a_minute() {
        let seconds = |sockets| limits::DRAIN_TURN * turns(sockets);
        assert_eq!([0, 1, 125, 126].map(turns), [1, 1, 1, 2]);
        assert_eq!(seconds(15_000), Duration::from_secs(30));
        assert_eq!(seconds(1_000_000), limits::DRAIN_SPREAD_MAX);
    }
}
