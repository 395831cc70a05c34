//! A database that is a network away: what the server and its database say passes through here, and each packet
//! arrives so much later than it was sent. Packets wait beside each other, so a far database is slow to answer and no
//! slower to work. It also counts round trips: how often the server waited for an answer before it said more.
//!
//! Always: bytes come out as they went in, in their order. Not here: loss, and a bound on how much passes in a second.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::database_url::{DatabaseUrl, Way};

/// The most that is on its way in one direction: packets, each of at most so many bytes. A sender waits then.
const PACKETS_MAX: usize = 1_024;
const PACKET_BYTES_MAX: usize = 64 * 1_024;

pub struct FarDatabase {
    /// The database's URL, through here.
    url: String,
    round_trips: Arc<AtomicU64>,
}

impl FarDatabase {
    /// Stands before the database of this URL for as long as the process lives.
    pub fn before(url: &str, delay: Duration) -> anyhow::Result<Self> {
        let url = DatabaseUrl::parse(url)?;
        let listener = TcpListener::bind("127.0.0.1:0").context("could not listen for the database")?;
        let here = listener.local_addr()?;
        let round_trips = Arc::new(AtomicU64::new(0));
        let (counted, way) = (round_trips.clone(), url.way()?);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A database that is not there ends the connection, as it would without us.
                let _ = relay(&way, client, delay, &counted);
            }
        });
        Ok(Self { url: url.through(here), round_trips })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// How often something was said to the database after it had answered, on all connections.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }
}

fn relay(way: &Way, client: TcpStream, delay: Duration, round_trips: &Arc<AtomicU64>) -> io::Result<()> {
    client.set_nodelay(true)?;
    match way {
        Way::Tcp(address) => {
            let database = TcpStream::connect(address)?;
            database.set_nodelay(true)?;
            join(client, database, delay, round_trips)
        }
        Way::Socket(path) => join(client, UnixStream::connect(path)?, delay, round_trips),
    }
}

/// One end of a connection.
trait End: Read + Write + Sized + Send + 'static {
    fn again(&self) -> io::Result<Self>;
    /// Says that nothing more comes.
    fn finish(&self);
}

impl End for TcpStream {
    fn again(&self) -> io::Result<Self> {
        self.try_clone()
    }
    fn finish(&self) {
        let _ = self.shutdown(Shutdown::Write);
    }
}

impl End for UnixStream {
    fn again(&self) -> io::Result<Self> {
        self.try_clone()
    }
    fn finish(&self) {
        let _ = self.shutdown(Shutdown::Write);
    }
}

fn join<D: End>(
    client: TcpStream,
    database: D,
    delay: Duration,
    round_trips: &Arc<AtomicU64>,
) -> io::Result<()> {
    // Set while the database owes an answer.
    let asked = Arc::new(AtomicBool::new(false));
    let (is_asked, counted) = (asked.clone(), round_trips.clone());
    pass(client.again()?, database.again()?, delay, move || {
        if !is_asked.swap(true, Ordering::Relaxed) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    pass(database, client, delay, move || asked.store(false, Ordering::Relaxed));
    Ok(())
}

/// Passes everything on from one end to the other, in two threads, so that nothing is read later because something else waits.
fn pass<F: End, T: End>(mut from: F, mut to: T, delay: Duration, note: impl Fn() + Send + 'static) {
    let (sender, packets) = sync_channel::<(Instant, Vec<u8>)>(PACKETS_MAX);
    thread::spawn(move || {
        let mut buffer = vec![0; PACKET_BYTES_MAX];
        loop {
            match from.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(count) if count > 0 => {
                    let due = Instant::now() + delay;
                    note();
                    if sender.send((due, buffer[..count].to_vec())).is_err() {
                        return;
                    }
                }
                // Either end; what was read before is still passed on.
                Ok(_) | Err(_) => return,
            }
        }
    });
    thread::spawn(move || {
        for (due, packet) in packets {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&packet).is_err() {
                return;
            }
        }
        to.finish();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what is said arrives whole and in order, and no earlier than it should. Method: a database that says back what it
    /// hears; only the least time is looked at, so that a busy machine fails nothing.
    #[test]
    fn each_packet_arrives_whole_in_order_and_late() {
        let database = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = database.local_addr().unwrap();
        thread::spawn(move || {
            for client in database.incoming() {
                let mut client = client.unwrap();
                let mut answers = client.try_clone().unwrap();
                thread::spawn(move || io::copy(&mut client, &mut answers));
            }
        });
        let delay = Duration::from_millis(10);
        let far = FarDatabase::before(&format!("mysql://root:a%40b@{address}/frontrow?x=1"), delay).unwrap();
        let (before, port) = far.url().strip_suffix("/frontrow?x=1").unwrap().rsplit_once(':').unwrap();
        assert_eq!(before, "mysql://root:a%40b@127.0.0.1");
        let mut client = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
        for word in ["one", "two", "three"] {
            let said = Instant::now();
            client.write_all(word.as_bytes()).unwrap();
            let mut heard = vec![0; word.len()];
            client.read_exact(&mut heard).unwrap();
            assert_eq!(heard, word.as_bytes());
            assert!(said.elapsed() >= 2 * delay, "there and back");
        }
        assert_eq!(far.round_trips(), 3);
        let large: Vec<u8> = (0..3 * PACKET_BYTES_MAX).map(|i| i as u8).collect();
        let mut sending = client.try_clone().unwrap();
        let sent = large.clone();
        thread::spawn(move || {
            sending.write_all(&sent).unwrap();
            sending.shutdown(Shutdown::Write).unwrap();
        });
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).unwrap();
        assert!(heard == large, "{} of {} bytes", heard.len(), large.len());
    }
}
