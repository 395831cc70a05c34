//! Sends one request to somebody else's server.
//!
//! Always: a name is looked up once, and a connection made to one of the addresses that were looked at, so that nobody answers
//! differently between the two. No redirect is followed, and nothing of an answer but its status is kept.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::target::{Target, may_reach};
use crate::address::Network;

/// Addresses of one name that are tried.
const ADDRESSES_TRIED_MAX: usize = 4;
const USER_AGENT: &str = concat!("frontrow/", env!("CARGO_PKG_VERSION"));

/// Why the authorities of certificates could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("could not read certificates from {path}")]
    Unread {
        path: String,
        #[source]
        cause: pem::Error,
    },
    #[error("a certificate is none that vouches for others")]
    Certificate(#[from] rustls::Error),
}

/// Makes secure connections. `ca`: the authorities that vouch for certificates, as a PEM file, besides the public ones.
pub fn connector(ca: Option<&Path>) -> Result<TlsConnector, TrustError> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(path) = ca {
        let unread = |cause| TrustError::Unread { path: path.display().to_string(), cause };
        for certificate in CertificateDer::pem_file_iter(path).map_err(unread)? {
            roots.add(certificate.map_err(unread)?)?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("`{0}` is not found: {1}")]
    Lookup(String, io::Error),
    #[error("`{0}` leads to an address inside, which webhooks.allow does not name")]
    Inside(String),
    #[error("no connection: {0}")]
    Connect(io::Error),
    #[error("no secure connection: {0}")]
    Tls(io::Error),
    #[error("the name `{0}` can have no certificate")]
    Name(String),
    #[error("no answer: {0}")]
    Http(String),
}

pub struct Client {
    allowed: Vec<Network>,
    tls: TlsConnector,
}

impl Client {
    pub fn new(allowed: Vec<Network>, tls: TlsConnector) -> Self {
        Self { allowed, tls }
    }

    pub fn allowed(&self) -> &[Network] {
        &self.allowed
    }

    /// Posts JSON, and gives the status that was answered. Dropped, it is broken off.
    pub async fn post(
        &self,
        to: &Target,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<StatusCode, PostError> {
        let stream = self.connect(to).await?;
        if !to.is_secure {
            return converse(to, headers, body, stream).await;
        }
        let name = ServerName::try_from(to.host.clone()).map_err(|_| PostError::Name(to.host.clone()))?;
        let secure = self.tls.connect(name, stream).await.map_err(PostError::Tls)?;
        converse(to, headers, body, secure).await
    }

    async fn connect(&self, to: &Target) -> Result<TcpStream, PostError> {
        let found = lookup_host((to.host.as_str(), to.port)).await;
        let found = found.map_err(|error| PostError::Lookup(to.host.clone(), error))?;
        let may = |at: &SocketAddr| may_reach(at.ip(), &self.allowed);
        let found: Vec<_> = found.filter(may).take(ADDRESSES_TRIED_MAX).collect();
        let mut failed = PostError::Inside(to.host.clone());
        for at in found {
            match TcpStream::connect(at).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = PostError::Connect(error),
            }
        }
        Err(failed)
    }
}

async fn converse<S>(
    to: &Target,
    headers: &[(&'static str, String)],
    body: String,
    stream: S,
) -> Result<StatusCode, PostError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(unanswered)?;
    let mut request = Request::post(&to.path)
        .header(header::HOST, &to.authority)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::CONNECTION, "close")
        .header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(unanswered)?;
    let mut answered = pin!(sender.send_request(request));
    // The connection is driven until the head of the answer is there. What comes behind is not read.
    let answer = tokio::select! {
        biased;
        answer = &mut answered => answer,
        // It may end with the answer.
        _ = connection => answered.await,
    };
    Ok(answer.map_err(unanswered)?.status())
}

fn unanswered(error: impl Display) -> PostError {
    PostError::Http(error.to_string())
}
