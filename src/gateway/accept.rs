//! One port for HTTP and websockets: who is let in, who is turned away, and how it ends.
//!
//! Always: there are never more connections than allowed, and whoever comes then is told so instead of being left
//! to wait; a connection that became a websocket keeps nothing of its time as HTTP.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use frontrow_protocol::ErrorObject;
use frontrow_protocol::http::{PROBLEM_JSON, Problem};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::connection::Connection;
use super::hub::{Draining, Hub};
use super::session::Arrival;
use super::{Context, file_limit, upgrade};
use crate::http::{self, Usage};
use crate::limits;

/// Where a websocket is opened.
const WEBSOCKET_PATH: &str = "/ws";
/// What a request's head may have.
const HEADERS_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Those who are turned away politely at a time; more are just hung up on.
const TURNED_AWAY_AT_ONCE: usize = 64;
const TURNING_AWAY_PATIENCE: Duration = Duration::from_secs(1);
/// After a failed accept, the reason (no more files, say) is given time to go away.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener with room for everybody who comes back at once after a restart.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server that is started again does not wait for its former connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(limits::LISTEN_BACKLOG)
}

/// Serves everybody who connects until `stop`, then lets everybody finish what they began.
pub async fn serve(listener: TcpListener, context: Arc<Context>, stop: impl Future<Output = ()>) {
    let room = file_limit::raise();
    let allowed = match context.connections_max {
        Some(wanted) if wanted > room => {
            tracing::warn!(wanted, room, "the limit on open files leaves room for fewer connections");
            room
        }
        wanted => wanted.unwrap_or(room),
    };
    tracing::info!(connections_max = allowed, "listening");
    let hub = Arc::new(Hub::new(context));
    let connections = Arc::new(Semaphore::new(allowed));
    let (stopping, stopped) = watch::channel(());
    let wheel = tokio::spawn({
        let hub = hub.clone();
        async move { hub.alarms.run().await }
    });
    accept_until(stop, &listener, &hub, &connections, &stopped).await;
    drop(listener);
    drop(stopped);
    // The sender's end is what HTTP connections wait for.
    drop(stopping);
    drain(&hub, &connections, allowed).await;
    wheel.abort();
}

async fn accept_until(
    stop: impl Future<Output = ()>,
    listener: &TcpListener,
    hub: &Arc<Hub>,
    connections: &Arc<Semaphore>,
    stopped: &watch::Receiver<()>,
) {
    let mut stop = pin!(stop);
    let turning_away = Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE));
    loop {
        let accepted = tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => match connections.clone().try_acquire_owned() {
                Ok(permit) => {
                    tokio::spawn(converse(hub.clone(), tcp, peer, permit, stopped.clone()));
                }
                Err(_) => {
                    crate::metrics::Metrics::count(&hub.context.metrics.refused, "connections");
                    if let Ok(permit) = turning_away.clone().try_acquire_owned() {
                        tokio::spawn(turn_away(tcp, permit));
                    }
                }
            },
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Everybody is asked to finish, then told to; at last nobody is waited for.
async fn drain(hub: &Hub, connections: &Semaphore, allowed: usize) {
    let all = u32::try_from(allowed).unwrap_or(u32::MAX);
    for (how, patience) in
        [(Draining::Finishing, limits::DRAIN_PATIENCE), (Draining::Hurrying, limits::DRAIN_HURRY)]
    {
        hub.drain(how);
        if tokio::time::timeout(patience, connections.acquire_many(all)).await.is_ok() {
            return;
        }
    }
    let left = allowed - connections.available_permits();
    tracing::warn!(connections = left, "some connections did not end in time");
}

/// One connection, as HTTP for as long as it is.
async fn converse(
    hub: Arc<Hub>,
    tcp: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
    mut stopped: watch::Receiver<()>,
) {
    // Frames are small and wanted at once.
    let _ = tcp.set_nodelay(true);
    hub.context.metrics.sockets.inc();
    let _open = OpenSocket(hub.clone());
    let agreed = Arc::new(Mutex::new(None));
    let usage = Arc::new(Usage::default());
    let service = service_fn(|request: Request<Incoming>| {
        let (hub, agreed, usage) = (hub.clone(), agreed.clone(), usage.clone());
        Box::pin(async move {
            if request.uri().path() == WEBSOCKET_PATH {
                let (response, arrival) = upgrade::answer(&hub, &request).await;
                *agreed.lock() = arrival;
                return Ok::<_, Infallible>(response);
            }
            Ok(http::answer(&hub.context, &usage, request).await)
        })
    });
    let mut http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HTTP_REQUEST_PATIENCE)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(tcp), service);
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
    if let Err(error) = ended {
        // A client's fault, or its absence.
        tracing::debug!(error = &error as &dyn std::error::Error, peer = %peer, "an HTTP connection ended early");
        return;
    }
    let parts = http.into_parts();
    let tcp = parts.io.into_inner();
    let arrival = agreed.lock().take();
    match arrival {
        Some(arrival) => become_websocket(hub.clone(), tcp, &parts.read_buf, arrival, permit),
        None => hang_up(tcp).await,
    }
}

/// In a task of its own, so that nothing of this one is kept.
fn become_websocket(
    hub: Arc<Hub>,
    tcp: TcpStream,
    read: &Bytes,
    arrival: Arrival,
    permit: OwnedSemaphorePermit,
) {
    let open = OpenSocket(hub.clone());
    hub.context.metrics.sockets.inc();
    let connection = Connection::new(hub, tcp, read, arrival, permit);
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

async fn hang_up(mut tcp: TcpStream) {
    let _ = tcp.shutdown().await;
}

/// Tells somebody that there is no room.
async fn turn_away(mut tcp: TcpStream, _permit: OwnedSemaphorePermit) {
    let error = ErrorObject::overloaded(limits::FULL_RETRY_AFTER.as_millis() as u64);
    let problem = Problem::from(error);
    let body = serde_json::to_string(&problem).expect("a problem writes to memory: nothing can fail");
    let text = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {}\r\n\
         retry-after: {}\r\nconnection: close\r\n\r\n{body}",
        body.len(),
        problem.retry_after_seconds().unwrap_or(1),
    );
    let told = async {
        // What was asked is read first: closing a socket with unread bytes would reset it before the answer.
        let mut scrap = [0; 2048];
        let _ = tcp.read(&mut scrap).await?;
        tcp.write_all(text.as_bytes()).await?;
        tcp.shutdown().await?;
        while tcp.read(&mut scrap).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    // Whether it was heard is the peer's business.
    let _ = tokio::time::timeout(TURNING_AWAY_PATIENCE, told).await;
}
