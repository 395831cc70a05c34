//! A database server that is ours to kill.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// The time that it may take until it takes connections; recovery after a kill included.
const START_PATIENCE: Duration = Duration::from_secs(120);
const START_POLL: Duration = Duration::from_millis(20);

pub struct Database {
    command: String,
    address: SocketAddr,
    child: Child,
}

impl Database {
    /// Starts it by a line for the shell, and waits until `url`'s host takes connections.
    pub async fn start(command: &str, url: &str) -> anyhow::Result<Self> {
        let address = address_of(url)?;
        let child = spawn(command)?;
        let mut database = Self { command: command.to_owned(), address, child };
        database.wait_open().await?;
        Ok(database)
    }

    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.child = spawn(&self.command)?;
        self.wait_open().await
    }

    async fn wait_open(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the database ended with {status}; its command was `{}`", self.command);
            }
            if began.elapsed() > START_PATIENCE {
                bail!("nothing listens on {} after {} s", self.address, START_PATIENCE.as_secs());
            }
            tokio::time::sleep(START_POLL).await;
        }
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // It may be dead already, and nobody is left to read the error.
        let _ = self.kill();
    }
}

/// `exec`: the shell becomes the database, so that a signal reaches it.
fn spawn(command: &str) -> anyhow::Result<Child> {
    Command::new("sh")
        .args(["-c", &format!("exec {command}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("could not run `{command}`"))
}

/// The address in `mysql://user:password@host:port/name`.
fn address_of(url: &str) -> anyhow::Result<SocketAddr> {
    let (_, rest) = url.split_once("://").with_context(|| "the database's URL has no `://`")?;
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:3306") };
    host.to_socket_addrs()
        .with_context(|| format!("`{host}` is no address"))?
        .next()
        .with_context(|| format!("`{host}` has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_url() {
        let address = |url| address_of(url).unwrap().to_string();
        assert_eq!(address("mysql://root:a%40b@127.0.0.1:3307/frontrow?x=1"), "127.0.0.1:3307");
        assert_eq!(address("mysql://127.0.0.1/frontrow"), "127.0.0.1:3306");
        assert!(address_of("sqlite.db").is_err());
    }

    #[tokio::test]
    async fn a_database_that_ends_at_once_is_said_so() {
        let error = Database::start("false", "mysql://127.0.0.1:1/x").await.err().unwrap();
        assert!(error.to_string().contains("`false`"), "{error}");
    }
}
