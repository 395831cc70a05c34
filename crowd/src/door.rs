//! The way to the server: where it listens, and whether connections to it are encrypted.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// Small, because everybody carries one.
#[derive(Clone, Copy)]
pub struct Door {
    pub address: SocketAddr,
    /// The certificates to trust; `None`: connections are plain. One for the whole run, so it lives as long.
    tls: Option<&'static Tls>,
}

pub struct Tls(TlsConnector);

impl Tls {
    /// Believes whoever these authorities vouch for. It is for the whole run of a process, and is never given back.
    pub fn new(authorities: RootCertStore) -> Result<&'static Self, rustls::Error> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        Ok(Box::leak(Box::new(Self(TlsConnector::from(Arc::new(config))))))
    }
}

/// Somebody who wants to know of a connection before it is made, by the address that it comes from.
pub trait Callers: Send + Sync {
    fn expect(&self, from: SocketAddr);

    /// It could not be made.
    fn expect_no_more(&self, from: SocketAddr);
}

impl Door {
    pub fn new(address: SocketAddr, tls: Option<&'static Tls>) -> Self {
        Self { address, tls }
    }

    pub fn plain(address: SocketAddr) -> Self {
        Self::new(address, None)
    }

    pub fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// `source`: from which address; `None`: as the system chooses, so that nobody can know it before.
    pub async fn connect(&self, source: Option<IpAddr>, callers: Option<&dyn Callers>) -> io::Result<Stream> {
        let tcp = connect_tcp(self.address, source, callers).await?;
        let Some(tls) = self.tls else { return Ok(Box::new(tcp)) };
        let secure = tls.0.connect(ServerName::from(self.address.ip()), tcp).await?;
        Ok(Box::new(secure))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.address, f)
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.address, if self.tls.is_some() { " (TLS)" } else { "" })
    }
}

/// A connection that is announced until it is there.
struct Announced<'c> {
    callers: &'c dyn Callers,
    from: SocketAddr,
    is_made: bool,
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        if !self.is_made {
            self.callers.expect_no_more(self.from);
        }
    }
}

/// A TCP connection without Nagle's delay.
async fn connect_tcp(
    address: SocketAddr,
    source: Option<IpAddr>,
    callers: Option<&dyn Callers>,
) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        socket.bind(SocketAddr::from((source, 0)))?;
    }
    let mut announced = match callers {
        None => None,
        Some(callers) => {
            let from = socket.local_addr()?;
            callers.expect(from);
            Some(Announced { callers, from, is_made: false })
        }
    };
    let stream = socket.connect(address).await?;
    if let Some(announced) = &mut announced {
        announced.is_made = true;
    }
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The operations of a connection.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A connection, encrypted or not.
pub type Stream = Box<dyn Io>;
