//! The way to the server: where it listens, and whether connections to it are encrypted.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The authority whose certificates the tests use, and one of them for a server that is started here.
const AUTHORITY: &[u8] = include_bytes!("../../tests/tls/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../tests/tls/first.pem");
const KEY: &[u8] = include_bytes!("../../tests/tls/first.key");

/// Small, because everybody carries one.
#[derive(Clone, Copy)]
pub struct Door {
    pub address: SocketAddr,
    /// The certificates to trust; `None`: connections are plain. One for the whole run, so it lives as long.
    tls: Option<&'static Tls>,
}

pub struct Tls(TlsConnector);

impl Tls {
    /// Believes in the authorities of a PEM file; without one, in that of the tests.
    pub fn new(authorities: Option<&Path>) -> anyhow::Result<&'static Self> {
        let pem = match authorities {
            Some(path) => {
                std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?
            }
            None => AUTHORITY.to_vec(),
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate.context("the authorities are not PEM")?)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Box::leak(Box::new(Self(TlsConnector::from(Arc::new(config))))))
    }
}

/// Lays the tests' certificate and its key into a folder, and gives their paths.
pub fn lay_certificate(folder: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let (cert, key) = (folder.join("tls-cert.pem"), folder.join("tls-key.pem"));
    std::fs::write(&cert, CERTIFICATE)?;
    std::fs::write(&key, KEY)?;
    Ok((cert, key))
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

    /// `source`: from which address; `None`: as the system chooses.
    pub async fn connect(&self, source: Option<Ipv4Addr>) -> io::Result<Stream> {
        let tcp = connect_tcp(self.address, source).await?;
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

/// A TCP connection without Nagle's delay.
async fn connect_tcp(address: SocketAddr, source: Option<Ipv4Addr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        socket.bind(SocketAddr::from((source, 0)))?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The operations of a connection.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A connection, encrypted or not.
pub type Stream = Box<dyn Io>;
