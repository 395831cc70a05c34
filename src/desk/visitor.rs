//! The listener that a request came in by, and the address that its bytes are from. Not here: who sent it, which takes
//! a token.

use std::net::IpAddr;

use hyper::HeaderMap;

/// The listener that took the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Everybody's.
    Public,
    /// The operators' own, with connections of its own.
    Admin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub door: Door,
    /// The address that counts.
    pub client: IpAddr,
    /// The client is on this machine, and nobody handed the request on.
    pub is_local: bool,
}

/// The headers that proxies add. A request with one of these is not taken for local, whether a proxy wrote it or not.
const FORWARDING: [&str; 6] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

/// Was this request handed on by somebody?
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDING.iter().any(|name| headers.contains_key(*name))
}
