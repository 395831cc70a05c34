//! The operators' HTTP calls of a running server, as commands make them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use frontrow::clock::Clock;
use frontrow::desk::auth::Auth;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::DataArgs;
use super::token::DEFAULT_TTL;

const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The options of every command that asks a running server.
#[derive(Args)]
pub struct ServerArgs {
    /// The running server.
    #[arg(
        long,
        global = true,
        default_value = "http://127.0.0.1:8080",
        value_name = "URL",
        env = "FRONTROW_SERVER"
    )]
    server: String,
    /// The authority that vouches for an https:// server's certificate, as a PEM file; if unset, the public ones.
    #[arg(long, global = true, value_name = "FILE", env = "FRONTROW_SERVER_CA")]
    ca: Option<PathBuf>,
    /// An operator's access token. Without one, it is made with the key in the data folder.
    #[arg(long, global = true, env = "FRONTROW_OPERATOR_TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[command(flatten)]
    pub data: DataArgs,
}

impl ServerArgs {
    /// Makes an operators' call, and gives what the server answered.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        self.send(method, path, Bytes::from(body.map(Value::to_string).unwrap_or_default())).await
    }

    /// Sends a file as it is.
    pub async fn upload(&self, path: &str, file: Bytes) -> anyhow::Result<Value> {
        self.send(Method::POST, path, file).await
    }

    /// Writes what the server sends to stdout, or into a file that is there when all of it is.
    pub async fn download(&self, path: &str, into: Option<&Path>) -> anyhow::Result<()> {
        let (token, server) = (self.bearer()?, Server::named(&self.server, self.ca.as_deref())?);
        let response = ask(&server, &token, Method::GET, path, Bytes::new()).await?;
        if !response.status().is_success() {
            return answered(response).await.map(drop);
        }
        let Some(file) = into else { return write(response.into_body(), &mut std::io::stdout()).await };
        let part = file.with_added_extension("part");
        let made = std::fs::File::create(&part);
        let mut made = made.with_context(|| format!("could not make {}", part.display()))?;
        if let Err(error) = write(response.into_body(), &mut made).await {
            // What is not whole is of no use, and names fans.
            let _ = std::fs::remove_file(&part);
            return Err(error);
        }
        std::fs::rename(&part, file).with_context(|| format!("could not make {}", file.display()))
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> anyhow::Result<Value> {
        let (token, server) = (self.bearer()?, Server::named(&self.server, self.ca.as_deref())?);
        answered(ask(&server, &token, method, path, body).await?).await
    }

    fn bearer(&self) -> anyhow::Result<String> {
        Ok(match &self.token {
            Some(token) => token.clone(),
            None => {
                let config = self.data.config()?;
                Auth::open(&config.data, &config.auth)?.mint_operator(Clock::system().utc(), *DEFAULT_TTL)
            }
        })
    }
}

/// The server's address, and the authority that vouches for it, if that matters.
struct Server<'a> {
    url: &'a str,
    authority: &'a str,
    host: &'a str,
    port: u16,
    tls: Option<TlsConnector>,
}

impl<'a> Server<'a> {
    fn named(url: &'a str, ca: Option<&Path>) -> anyhow::Result<Self> {
        let (rest, port, is_secure) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (rest, 80, false),
            (_, Some(rest)) => (rest, 443, true),
            (None, None) => bail!("--server takes an http:// or https:// URL without a path, not `{url}`"),
        };
        let authority = rest.trim_end_matches('/');
        let named = authority.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = named.unwrap_or((authority, port));
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let tls = is_secure.then(|| connector(ca)).transpose()?;
        Ok(Self { url, authority, host, port, tls })
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        let connected = TcpStream::connect((self.host, self.port)).await;
        let stream = connected.with_context(|| format!("no server answers at {}", self.url))?;
        match &self.tls {
            None => converse(TokioIo::new(stream)).await,
            Some(tls) => {
                let name = ServerName::try_from(self.host.to_owned())?;
                let secure = tls.connect(name, stream).await;
                let secure =
                    secure.with_context(|| format!("could not make a secure connection to {}", self.url))?;
                converse(TokioIo::new(secure)).await
            }
        }
    }
}

fn connector(ca: Option<&Path>) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let unread = || format!("could not read certificates from {}", path.display());
            for certificate in CertificateDer::pem_file_iter(path).with_context(unread)? {
                roots.add(certificate.with_context(unread)?).with_context(unread)?;
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The connection is driven for as long as the process lives, which is one request.
async fn converse<I>(io: I) -> anyhow::Result<SendRequest<Full<Bytes>>>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (sender, connection) = hyper::client::conn::http1::handshake(io).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn ask(
    server: &Server<'_>,
    token: &str,
    method: Method,
    path: &str,
    body: Bytes,
) -> anyhow::Result<Response<Incoming>> {
    let mut sender = server.connect().await?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, server.authority)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))?;
    sender.send_request(request).await.context("the server did not answer")
}

/// The pieces of an answer, as they come.
async fn write(mut body: Incoming, out: &mut impl Write) -> anyhow::Result<()> {
    while let Some(frame) = body.frame().await {
        let frame = frame.context("the answer broke off in the middle: what was written is not whole")?;
        if let Ok(piece) = frame.into_data() {
            out.write_all(&piece).context("the answer could not be written")?;
        }
    }
    out.flush().context("the answer could not be written")
}

async fn answered(response: Response<Incoming>) -> anyhow::Result<Value> {
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("the answer could not be read: {error}"))?.to_bytes();
    if status == StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    let answer: Value =
        serde_json::from_slice(&body).with_context(|| format!("the answer is not JSON ({status})"))?;
    if !status.is_success() {
        let said = answer["detail"].as_str().or(answer["title"].as_str()).unwrap_or("no reason was given");
        bail!("{said} ({}, {status})", answer["reason"].as_str().unwrap_or("no reason"));
    }
    Ok(answer)
}
