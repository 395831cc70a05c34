//! A database server that is ours to kill.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::database_url::DatabaseUrl;

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
        let address = DatabaseUrl::parse(url)?.address()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_that_ends_at_once_is_said_so() {
        let error = Database::start("false", "mysql://127.0.0.1:1/x").await.err().unwrap();
        assert!(error.to_string().contains("`false`"), "{error}");
    }
}
