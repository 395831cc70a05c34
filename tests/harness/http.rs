//! A small HTTP client: one connection a request.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::documents::check_http;
use super::tls::Pipe;
use super::{HERE, connect_from, in_time};

/// The answer to a request.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: hyper::HeaderMap,
    pub bytes: Bytes,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The status and, for a refusal, its reason.
    pub fn outcome(&self) -> (u16, String) {
        (self.status, self.json()["reason"].as_str().unwrap_or_default().to_owned())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub async fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    call_from(HERE, address, method, path, headers, body).await
}

/// A request from an address of the caller's choice.
pub async fn call_from(
    source: Ipv4Addr,
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let tcp = connect_from(source, address).await;
    // The answer is whole when it is closed. Ports that wait for what comes late would be used up by tests that ask until
    // something is so.
    tcp.set_zero_linger().unwrap();
    call_through(Box::new(tcp), address, method, path, headers, body).await
}

/// A request through a connection that is open already.
pub async fn call_through(
    pipe: Pipe,
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(pipe)).await.unwrap();
    let driver = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, address.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap();
    let response = in_time("an answer over HTTP", sender.send_request(request)).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = in_time("a body", body.collect()).await.unwrap().to_bytes();
    driver.abort();
    let reply = Reply { status: head.status.as_u16(), headers: head.headers, bytes };
    if reply.header("content-encoding").is_empty() {
        check_http(method, path, reply.status, reply.header("content-type"), &reply.json());
    }
    reply
}
