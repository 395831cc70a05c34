//! The address in a database's URL, `mysql://user:password@host:port/name?socket=/path`, as far as a load test has to know it:
//! where the database is, and the same URL through something that stands before it.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use anyhow::{Context, bail};

/// The way to a database from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    Tcp(SocketAddr),
    Socket(PathBuf),
}

#[derive(Clone, Copy, Debug)]
pub struct DatabaseUrl<'u> {
    scheme: &'u str,
    /// User and password.
    user: Option<&'u str>,
    host: &'u str,
    /// The name, with the slash before it.
    name: &'u str,
    parameters: Option<&'u str>,
}

impl<'u> DatabaseUrl<'u> {
    pub fn parse(url: &'u str) -> anyhow::Result<Self> {
        let (scheme, rest) = url.split_once("://").context("the database's URL has no `://`")?;
        let (rest, parameters) = match rest.split_once('?') {
            Some((rest, parameters)) => (rest, Some(parameters)),
            None => (rest, None),
        };
        let (authority, name) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        Ok(Self { scheme, user, host, name, parameters })
    }

    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        let host = self.host;
        let host = if host.contains(':') { host.to_owned() } else { format!("{host}:3306") };
        host.to_socket_addrs()
            .with_context(|| format!("`{host}` is no address"))?
            .next()
            .with_context(|| format!("`{host}` has no address"))
    }

    /// A socket that is named wins, as it does with every client.
    pub fn way(&self) -> anyhow::Result<Way> {
        match self.socket() {
            Some(path) if path.contains('%') => bail!("the socket `{path}` has to be written as it is"),
            Some(path) => Ok(Way::Socket(path.into())),
            None => self.address().map(Way::Tcp),
        }
    }

    fn socket(&self) -> Option<&'u str> {
        self.parameters?.split('&').find_map(|one| one.strip_prefix("socket="))
    }

    /// The same database by another address.
    pub fn through(&self, address: SocketAddr) -> String {
        let user = self.user.map(|user| format!("{user}@")).unwrap_or_default();
        let parameters = self.parameters.iter().flat_map(|all| all.split('&'));
        let parameters: Vec<_> = parameters.filter(|one| !one.starts_with("socket=")).collect();
        let mark = if parameters.is_empty() { "" } else { "?" };
        format!("{}://{user}{address}{}{mark}{}", self.scheme, self.name, parameters.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_url() {
        let address = |url| DatabaseUrl::parse(url).unwrap().address().unwrap().to_string();
        assert_eq!(address("mysql://root:a%40b@127.0.0.1:3307/frontrow?x=1"), "127.0.0.1:3307");
        assert_eq!(address("mysql://127.0.0.1/frontrow"), "127.0.0.1:3306");
        assert!(DatabaseUrl::parse("sqlite.db").is_err());
    }

    #[test]
    fn a_url_leads_through_another_address() {
        let here = "127.0.0.1:4000".parse().unwrap();
        let through = |url| DatabaseUrl::parse(url).unwrap().through(here);
        assert_eq!(
            through("mysql://root@localhost/frontrow?socket=/tmp/s"),
            "mysql://root@127.0.0.1:4000/frontrow"
        );
        assert_eq!(through("mysql://a/b?ssl-mode=REQUIRED"), "mysql://127.0.0.1:4000/b?ssl-mode=REQUIRED");
        let way = |url| DatabaseUrl::parse(url).unwrap().way().unwrap();
        assert_eq!(way("mysql://root@localhost/frontrow?socket=/tmp/s"), Way::Socket("/tmp/s".into()));
        assert_eq!(way("mysql://127.0.0.1:3307/x"), Way::Tcp("127.0.0.1:3307".parse().unwrap()));
    }
}
