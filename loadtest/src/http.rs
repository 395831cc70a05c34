//! The few HTTP calls of a load test: making ready, asking operators' figures, filling a line. One connection, requests
//! one after the other.

use std::net::IpAddr;

use anyhow::{Context, bail};
use frontrow_crowd::door::Door;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;

/// A kept connection. Needs a runtime that goes on while it is used.
pub struct HttpClient {
    host: String,
    sender: SendRequest<Full<Bytes>>,
}

/// A status and the body.
pub struct Response {
    pub status: u16,
    pub body: Bytes,
}

impl Response {
    /// The body of a success; a refusal is an error that shows it.
    pub fn json<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        if !(200..300).contains(&self.status) {
            bail!("status {}: {}", self.status, String::from_utf8_lossy(&self.body));
        }
        serde_json::from_slice(&self.body).context("an answer that does not fit")
    }
}

impl HttpClient {
    pub async fn connect(door: Door, source: Option<IpAddr>) -> anyhow::Result<Self> {
        let stream = door.connect(source, None).await.with_context(|| format!("could not reach {door}"))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // The caller who waits for an answer sees the error too.
            let _ = connection.await;
        });
        Ok(Self { host: door.to_string(), sender })
    }

    pub async fn get(&mut self, path: &str, token: Option<&str>) -> anyhow::Result<Response> {
        self.call(Method::GET, path, token, Bytes::new()).await
    }

    pub async fn call(
        &mut self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Bytes,
    ) -> anyhow::Result<Response> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.host);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        self.sender.ready().await?;
        let answer = self.sender.send_request(request.body(Full::new(body))?).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await?.to_bytes();
        Ok(Response { status, body })
    }
}
