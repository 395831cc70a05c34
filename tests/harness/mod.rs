//! A whole server inside a test, on a port of its own and with a clock that the test turns, and fans that talk to
//! it over real sockets.
//!
//! The server keeps its sales in the embedded database, or in the one that the environment variable
//! `FRONTROW_TEST_DATABASE` names: `sqlite`, `mariadb`, `mariadb-tls`, or the URL of a server (`frontrow_testing::mariadb`).
//!
//! Nothing here sleeps: what is awaited either comes or the test fails after `PATIENCE`.

mod documents;
mod fan;
mod house;
pub mod http;
pub mod raw;
pub mod tls;

pub use fan::{Fan, Refused};
pub use frontrow_testing::mariadb;
pub use house::{House, Plan};
pub use http::Reply;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};

/// Far more than anything here takes: a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The address of a test's clients, unless it says otherwise: no limit by address holds for them.
pub const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A connection from this address. All of 127.0.0.0/8 is this machine, so that a test may have many strangers.
pub async fn connect_from(source: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((source, 0))).unwrap();
    let stream = socket.connect(to).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The value that `awaited` gives; panics if it never comes.
pub async fn in_time<T>(what: &str, awaited: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, awaited).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not come"),
    }
}
