//! The address that a request comes from: the socket's, or the one that a configured proxy names.
//!
//! Always: a header counts only as far as proxies of ours wrote it. Each proxy adds the address that it saw at the
//! right end, so the list is read from there, and the first address that is not one of our proxies' is the client's;
//! whatever stands to the left of it was written by somebody else. Not here: how often an address may do what.

mod forwarded;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use hyper::HeaderMap;
use hyper::header::FORWARDED;

use crate::domain::ids::AddressBlock;

/// The first bits of an IPv6 address that one customer of a provider has to themselves.
const IPV6_BLOCK_BITS: u32 = 64;
/// Hops that are looked at: no honest chain of our own proxies is longer.
const HOPS_MAX: usize = 32;
const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// Addresses that begin alike, such as `10.0.0.0/8` or `2001:db8::/32`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.bits
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is not a network such as 10.0.0.0/8 or 2001:db8::/32");
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, bits)| (a, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => whole,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= whole).ok_or_else(wrong)?,
        };
        let network = Self { address, bits };
        if address.to_canonical() != address {
            return Err(format!("`{text}` is a network of IPv4: write it as one"));
        }
        // A bit too many is a slip, and its reader would think of another network than we do.
        let host_bits = match address {
            IpAddr::V4(v4) => u128::from(v4.to_bits()),
            IpAddr::V6(v6) => v6.to_bits(),
        };
        match host_bits.trailing_zeros() >= whole - bits || bits == whole {
            true => Ok(network),
            false => Err(format!("`{text}` has bits set behind the first {bits}")),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The way in which our proxies name the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressSource {
    /// `X-Forwarded-For`, to which each proxy adds the address it saw.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// The PROXY protocol, version 1 or 2: said once, before anything else on the connection.
    ProxyProtocol,
}

impl AddressSource {
    pub const ALL: [(&'static str, Self); 3] = [
        ("x-forwarded-for", Self::XForwardedFor),
        ("forwarded", Self::Forwarded),
        ("proxy-protocol", Self::ProxyProtocol),
    ];
}

/// The proxies in front of us, and how they name the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxies {
    /// The networks whose proxies are believed; nobody else is.
    pub trusted: Vec<Network>,
    pub address_from: AddressSource,
}

impl Default for Proxies {
    fn default() -> Self {
        Self { trusted: Vec::new(), address_from: AddressSource::XForwardedFor }
    }
}

impl Proxies {
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// Must a connection from this address begin with a PROXY header? Never guessed from what it sends: a client that
    /// could choose would choose its address with it.
    pub fn uses_proxy_protocol(&self, peer: IpAddr) -> bool {
        self.address_from == AddressSource::ProxyProtocol && self.trusts(peer)
    }

    /// Do requests on a connection from this address each name their client?
    pub fn names_clients_by_header(&self, peer: IpAddr) -> bool {
        self.address_from != AddressSource::ProxyProtocol && self.trusts(peer)
    }

    /// The client's address. `peer` is the connection's: the socket's, or what its PROXY header said.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.names_clients_by_header(peer) {
            return peer;
        }
        match self.address_from {
            AddressSource::ProxyProtocol => peer,
            AddressSource::XForwardedFor => {
                let lines = headers.get_all(X_FORWARDED_FOR).into_iter().rev();
                let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
                self.first_stranger(peer, hops.map(host))
            }
            AddressSource::Forwarded => {
                let lines = headers.get_all(FORWARDED).into_iter().rev();
                let hops = lines.flat_map(|line| forwarded::elements_from_the_right(line.as_bytes()));
                self.first_stranger(peer, hops.map(|element| forwarded::node_of(element).and_then(host)))
            }
        }
    }

    /// The first hop, from the nearest on, that is not one of our proxies. A hop without an address ends the search:
    /// nobody can say who stands behind it, so the proxy that named it answers for it.
    fn first_stranger(&self, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut nearest = peer;
        for hop in hops.take(HOPS_MAX) {
            let Some(hop) = hop else { break };
            nearest = hop;
            if !self.trusts(hop) {
                break;
            }
        }
        nearest
    }
}

/// The part of a client's address that limits count by: all of an IPv4 address, the first half of an IPv6 one.
pub fn block_of(address: IpAddr) -> AddressBlock {
    match address.to_canonical() {
        IpAddr::V4(v4) => AddressBlock(v4.to_ipv6_mapped().to_bits()),
        // The two never meet: the first 64 bits of an IPv4 address in IPv6's form are all zero, and the rest is not.
        IpAddr::V6(v6) => AddressBlock(v6.to_bits() & !(u128::MAX >> IPV6_BLOCK_BITS)),
    }
}

/// A hop as proxies write it: an address, perhaps with a port, perhaps in brackets.
fn host(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let address = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (address, rest) = bracketed.split_once(']')?;
            is_port(rest).then_some(address)?.parse::<Ipv6Addr>().ok().map(IpAddr::V6)?
        }
        None => match text.split_once(':') {
            // One colon parts an IPv4 address from its port; an IPv6 address has several.
            Some((address, port)) if !port.contains(':') => {
                is_port(&text[address.len()..]).then_some(address)?.parse().ok()?
            }
            _ => text.parse().ok()?,
        },
    };
    Some(address.to_canonical())
}

/// Nothing, or a colon and a port.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests;
