//! Kinds of settings: how their values are read and written.

use std::fmt::Display;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use frontrow_protocol::{HumanDuration, duration::HumanDurationError};

use crate::address::Network;
use crate::limits::{BUS_SERVERS_MAX, SERVER_NAME_CHARS_MAX};

/// A kind of values: how they are read, in the environment's form, and written, in TOML's.
pub(super) trait Kind<T> {
    fn read(&self, text: &str) -> Result<T, String>;

    /// `Err` holds an example of what could be there when nothing is.
    fn show(&self, value: &T) -> Result<String, &'static str>;

    /// A later source overrules an earlier one.
    fn set(&self, place: &mut T, text: &str) -> Result<(), String> {
        *place = self.read(text)?;
        Ok(())
    }
}

/// A string as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.map(|item| quoted(&item)).collect();
    format!("[{}]", items.join(", "))
}

/// A setting that need not be set, with an example.
pub(super) struct Optional<K>(pub K, pub &'static str);

impl<T, K: Kind<T>> Kind<Option<T>> for Optional<K> {
    fn read(&self, text: &str) -> Result<Option<T>, String> {
        self.0.read(text).map(Some)
    }

    fn show(&self, value: &Option<T>) -> Result<String, &'static str> {
        value.as_ref().map_or(Err(self.1), |value| self.0.show(value))
    }
}

pub(super) struct YesOrNo;

impl Kind<bool> for YesOrNo {
    fn read(&self, text: &str) -> Result<bool, String> {
        match text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(format!("must be true or false, not `{text}`")),
        }
    }

    fn show(&self, value: &bool) -> Result<String, &'static str> {
        Ok(value.to_string())
    }
}

/// A whole number from … to …, both included.
pub(super) struct Whole<T>(pub T, pub T);

impl<T: FromStr + PartialOrd + Display> Kind<T> for Whole<T> {
    fn read(&self, text: &str) -> Result<T, String> {
        let Self(min, max) = self;
        let number = text.parse().ok().filter(|number| (min..=max).contains(&number));
        number.ok_or_else(|| format!("must be a whole number from {min} to {max}, not `{text}`"))
    }

    fn show(&self, value: &T) -> Result<String, &'static str> {
        Ok(value.to_string())
    }
}

pub(super) enum Time {
    /// None at all is a value, too.
    Any,
    Positive,
}

impl Kind<Duration> for Time {
    fn read(&self, text: &str) -> Result<Duration, String> {
        let time: HumanDuration = text.parse().map_err(|error: HumanDurationError| error.to_string())?;
        match self {
            Self::Positive if time.is_zero() => Err("must be more than zero".to_owned()),
            Self::Any | Self::Positive => Ok(time.into()),
        }
    }

    fn show(&self, value: &Duration) -> Result<String, &'static str> {
        Ok(quoted(&HumanDuration::from(*value).to_string()))
    }
}

pub(super) enum Text {
    Any,
    NotEmpty,
}

impl Kind<String> for Text {
    fn read(&self, text: &str) -> Result<String, String> {
        match self {
            Self::NotEmpty if text.is_empty() => Err("must not be empty".to_owned()),
            Self::Any | Self::NotEmpty => Ok(text.to_owned()),
        }
    }

    fn show(&self, value: &String) -> Result<String, &'static str> {
        Ok(quoted(value))
    }
}

/// What something is called, in logs and at places where it is looked for.
pub(super) struct Name;

impl Kind<String> for Name {
    fn read(&self, text: &str) -> Result<String, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        match text.chars().all(is_plain) && (1..=SERVER_NAME_CHARS_MAX).contains(&text.len()) {
            true => Ok(text.to_owned()),
            false => Err(format!(
                "`{text}` is no name: 1 to {SERVER_NAME_CHARS_MAX} letters, digits, `-`, `.`, `_` and `:`"
            )),
        }
    }

    fn show(&self, value: &String) -> Result<String, &'static str> {
        Ok(quoted(value))
    }
}

/// A part of a subject of the bus, of so many characters at most.
pub(super) struct Word(pub usize);

impl Kind<String> for Word {
    fn read(&self, text: &str) -> Result<String, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        match text.chars().all(is_plain) && (1..=self.0).contains(&text.len()) {
            true => Ok(text.to_owned()),
            false => Err(format!("`{text}` is not 1 to {} letters, digits, `-` and `_`", self.0)),
        }
    }

    fn show(&self, value: &String) -> Result<String, &'static str> {
        Ok(quoted(value))
    }
}

/// A file's or folder's.
pub(super) struct Path;

impl Kind<PathBuf> for Path {
    fn read(&self, text: &str) -> Result<PathBuf, String> {
        Text::NotEmpty.read(text).map(PathBuf::from)
    }

    fn show(&self, value: &PathBuf) -> Result<String, &'static str> {
        Ok(quoted(&value.to_string_lossy()))
    }
}

pub(super) struct Address;

impl Kind<SocketAddr> for Address {
    fn read(&self, text: &str) -> Result<SocketAddr, String> {
        text.parse().map_err(|_| format!("`{text}` is not an address:port"))
    }

    fn show(&self, value: &SocketAddr) -> Result<String, &'static str> {
        Ok(quoted(&value.to_string()))
    }
}

/// The items of a list in the environment, separated by commas.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

pub(super) struct Networks;

impl Kind<Vec<Network>> for Networks {
    fn read(&self, text: &str) -> Result<Vec<Network>, String> {
        items(text).map(str::parse).collect()
    }

    fn show(&self, value: &Vec<Network>) -> Result<String, &'static str> {
        Ok(listed(value.iter().map(Network::to_string)))
    }
}

pub(super) struct Origins;

impl Kind<Vec<String>> for Origins {
    fn read(&self, text: &str) -> Result<Vec<String>, String> {
        items(text).map(origin).collect()
    }

    fn show(&self, value: &Vec<String>) -> Result<String, &'static str> {
        Ok(listed(value.iter().cloned()))
    }
}

/// An origin as browsers send it: scheme, host, and the port unless it is the scheme's own.
fn origin(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    let host = ["https://", "http://"].iter().find_map(|scheme| lower.strip_prefix(scheme));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' ']) => Ok(lower),
        _ => Err(format!("`{text}` is not an origin such as https://tickets.example")),
    }
}

/// Servers of a bus, all of them reached plainly or all by TLS. None of them is quoted: it may have a password in it.
pub(super) struct BusServers;

impl Kind<Vec<String>> for BusServers {
    fn read(&self, text: &str) -> Result<Vec<String>, String> {
        let servers: Vec<_> = items(text).map(str::to_owned).collect();
        if servers.len() > BUS_SERVERS_MAX {
            return Err(format!("names {} servers, and {BUS_SERVERS_MAX} are the most", servers.len()));
        }
        for (at, server) in (1..).zip(&servers) {
            if server.contains('@') {
                return Err(format!("server {at} has a login in it, which has settings of its own"));
            }
            if !is_bus_server(server) {
                return Err(format!("server {at} is not of the form nats://host:port or tls://host:port"));
            }
        }
        let is_secure = |server: &String| server.starts_with("tls://");
        match servers.iter().any(is_secure) && !servers.iter().all(is_secure) {
            true => Err("either all servers are tls:// or none is".to_owned()),
            false => Ok(servers),
        }
    }

    fn show(&self, value: &Vec<String>) -> Result<String, &'static str> {
        Ok(listed(value.iter().cloned()))
    }
}

/// Without a port it is the bus's usual one.
fn is_bus_server(text: &str) -> bool {
    let Some(address) = ["nats://", "tls://"].iter().find_map(|scheme| text.strip_prefix(scheme)) else {
        return false;
    };
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (address, None),
    };
    let is_name = |host: &str| host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => host.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && is_name(host),
    };
    is_host && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// The address of a page's folder, without the slash at its end.
pub(super) struct BaseUrl;

impl Kind<String> for BaseUrl {
    fn read(&self, text: &str) -> Result<String, String> {
        let (url, folder) =
            match text.find("://").and_then(|at| text[at + 3..].find('/').map(|slash| at + 3 + slash)) {
                Some(slash) => text.split_at(slash),
                None => (text, ""),
            };
        let is_plain = !folder.contains(['?', '#', ' ', '"', '<']);
        match origin(url) {
            Ok(_) if is_plain => Ok(text.trim_end_matches('/').to_owned()),
            _ => Err(format!("`{text}` is not an address such as https://tickets.example")),
        }
    }

    fn show(&self, value: &String) -> Result<String, &'static str> {
        Ok(quoted(value))
    }
}

/// One of these names.
pub(super) struct OneOf<T: 'static>(pub &'static [(&'static str, T)]);

impl<T: Copy + PartialEq> Kind<T> for OneOf<T> {
    fn read(&self, text: &str) -> Result<T, String> {
        if let Some((_, value)) = self.0.iter().find(|(name, _)| *name == text) {
            return Ok(*value);
        }
        let names: Vec<_> = self.0.iter().map(|(name, _)| *name).collect();
        let (last, others) = names.split_last().map_or(("", &[][..]), |(last, others)| (*last, others));
        Err(format!("must be {} or {last}, not `{text}`", others.join(", ")))
    }

    fn show(&self, value: &T) -> Result<String, &'static str> {
        let name = self.0.iter().find(|(_, known)| known == value).map_or("", |(name, _)| *name);
        Ok(quoted(name))
    }
}
