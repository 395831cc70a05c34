//! A client with TLS, and the certificates of `tests/tls`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use frontrow::config::{Config, TlsSettings};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{HERE, connect_from, in_time};

/// A connection, encrypted or not.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}
pub type Pipe = Box<dyn Io>;

/// A file of `tests/tls`.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// The certificate that the files of this name hold.
pub fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file(&format!("{name}.pem"))).unwrap()
}

/// Makes a server use TLS with the first certificate.
pub fn settings(config: &mut Config) {
    config.tls = TlsSettings { cert: Some(file("first.pem")), key: Some(file("first.key")) };
}

/// A connection to the server, encrypted or not.
pub async fn connect(address: SocketAddr, tls: bool) -> Pipe {
    if tls {
        return Box::new(secure(address).await.unwrap());
    }
    Box::new(connect_from(HERE, address).await)
}

/// A connection whose server has shown a certificate of our authority.
pub async fn secure(address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    secure_over(connect_from(HERE, address).await, address).await
}

/// The same over a connection that is open already.
pub async fn secure_over(tcp: TcpStream, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate("ca")).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::from(address.ip());
    in_time("a TLS handshake", TlsConnector::from(Arc::new(config)).connect(name, tcp)).await
}
