//! Where a webhook may lead: to a public address by `https://`, and elsewhere only as far as the run's settings say. Whoever
//! may make webhooks is not thereby let into the house's own network.

use std::net::IpAddr;

use frontrow_protocol::limits::URL_CHARS_MAX;
use hyper::Uri;

use crate::address::Network;

/// An address that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub is_secure: bool,
    /// As the header names it.
    pub authority: String,
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    pub path: String,
}

/// Why nothing is sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("must be an absolute URL such as https://hooks.example/frontrow")]
    NoUrl,
    #[error("must have {URL_CHARS_MAX} characters at most")]
    TooLong,
    #[error("must begin with https://; http:// is only for this machine, such as http://127.0.0.1:9000/")]
    Insecure,
    #[error("must have no user name or password in it")]
    Credentials,
    #[error("must have no part behind `#`")]
    Fragment,
    #[error(
        "must not lead to an address inside: `webhooks.allow` names the networks that it may lead to besides public ones"
    )]
    Inside,
}

impl Target {
    pub fn read(url: &str) -> Result<Self, TargetError> {
        if url.chars().count() > URL_CHARS_MAX {
            return Err(TargetError::TooLong);
        }
        if url.contains('#') {
            return Err(TargetError::Fragment);
        }
        let uri: Uri = url.parse().map_err(|_| TargetError::NoUrl)?;
        let authority = uri.authority().ok_or(TargetError::NoUrl)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::Credentials);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(TargetError::NoUrl),
        };
        let is_loopback =
            host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        if host.is_empty() {
            return Err(TargetError::NoUrl);
        }
        if !is_secure && !is_loopback {
            return Err(TargetError::Insecure);
        }
        Ok(Self {
            is_secure,
            authority: authority.as_str().to_owned(),
            host,
            port: authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 }),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }

    /// Whether its host is an address that nothing is sent to. A name is looked up when something is sent, and each of its
    /// addresses looked at then.
    pub fn check_host(&self, allowed: &[Network]) -> Result<(), TargetError> {
        let address: Option<IpAddr> = self.host.parse().ok();
        match address.is_none_or(|address| may_reach(address, allowed)) {
            true => Ok(()),
            false => Err(TargetError::Inside),
        }
    }
}

/// May something be sent there?
pub fn may_reach(address: IpAddr, allowed: &[Network]) -> bool {
    let address = address.to_canonical();
    is_public(address) || allowed.iter().any(|network| network.contains(address))
}

/// Networks that are not the public internet, by the registries of special addresses (RFC 6890 and its successors).
const NOT_PUBLIC: [&str; 26] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    // Below 2000::/3 are loopback, what is unspecified, and IPv4 in other clothes; above it private and link-local ones.
    "::/3",
    "4000::/2",
    "8000::/1",
    // Tunnels, which may end at any address.
    "2001::/32",
    "2002::/16",
    "2001:10::/28",
    "2001:20::/28",
    "2001:2::/48",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
];

fn is_public(address: IpAddr) -> bool {
    let is_in = |network: &str| network.parse::<Network>().is_ok_and(|network| network.contains(address));
    !NOT_PUBLIC.iter().any(|network| is_in(network))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_or_refused_with_the_reason() {
        let read = |url: &str| Target::read(url).map(|to| format!("{} {} {}", to.host, to.port, to.path));
        for (url, expected) in [
            ("https://hooks.example", Ok("hooks.example 443 /")),
            ("https://hooks.example:8443/a/b?c=d", Ok("hooks.example 8443 /a/b?c=d")),
            ("https://[2606:4700::1111]/x", Ok("2606:4700::1111 443 /x")),
            ("http://127.0.0.1:9000/x", Ok("127.0.0.1 9000 /x")),
            ("http://localhost/x", Ok("localhost 80 /x")),
            ("http://[::1]:7/", Ok("::1 7 /")),
            ("http://hooks.example/", Err(TargetError::Insecure)),
            ("http://10.0.0.1/", Err(TargetError::Insecure)),
            ("ftp://hooks.example/", Err(TargetError::NoUrl)),
            ("hooks.example", Err(TargetError::NoUrl)),
            ("/x", Err(TargetError::NoUrl)),
            ("https:///x", Err(TargetError::NoUrl)),
            ("https://", Err(TargetError::NoUrl)),
            ("", Err(TargetError::NoUrl)),
            ("https://me:secret@hooks.example/", Err(TargetError::Credentials)),
            ("https://127.0.0.1@hooks.example/", Err(TargetError::Credentials)),
            ("https://hooks.example/#x", Err(TargetError::Fragment)),
            ("https://hooks.example/\r\nx: y", Err(TargetError::NoUrl)),
        ] {
            assert_eq!(read(url), expected.map(str::to_owned), "{url}");
        }
        let long = format!("https://hooks.example/{}", "x".repeat(URL_CHARS_MAX));
        assert_eq!(read(&long), Err(TargetError::TooLong));
    }

    #[test]
    fn nothing_is_sent_inside_unless_it_is_allowed() {
        for (address, public) in [
            ("1.1.1.1", true),
            ("93.184.216.34", true),
            ("172.32.0.1", true),
            ("2606:4700::1111", true),
            ("2a00:1450:4001::1", true),
            ("127.0.0.1", false),
            ("127.9.9.9", false),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("172.31.255.255", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.100.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::1", false),
            ("::", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("::127.0.0.1", false),
            ("64:ff9b::7f00:1", false),
            ("2002:7f00:1::", false),
            ("2001::1", false),
            ("fc00::1", false),
            ("fd12::1", false),
            ("fe80::1", false),
            ("ff02::1", false),
            ("2001:db8::1", false),
        ] {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(may_reach(parsed, &[]), public, "{address}");
            let to = Target::read(&format!(
                "https://{}/",
                if parsed.is_ipv6() { format!("[{address}]") } else { address.to_owned() }
            ));
            assert_eq!(to.unwrap().check_host(&[]).is_ok(), public, "{address}");
        }
        let allowed = ["10.1.0.0/16".parse().unwrap(), "127.0.0.0/8".parse().unwrap()];
        for (address, may) in [
            ("10.1.2.3", true),
            ("10.2.0.1", false),
            ("::ffff:10.1.2.3", true),
            ("127.0.0.1", true),
            ("::1", false),
        ] {
            assert_eq!(may_reach(address.parse().unwrap(), &allowed), may, "{address}");
        }
        // A name is judged when it is looked up.
        assert!(Target::read("https://localhost/").unwrap().check_host(&[]).is_ok());
    }
}
