//! Stands between a client and the server, for tests, and loses what the test says: a COMMIT, its answer, either
//! for a while, or everything from some word of the client's on. A batch that is one statement is its own COMMIT.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::mariadb;
use parking_lot::Mutex;
use sqlx::mysql::MySqlConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc;

/// The fate of the next COMMIT, or of the next statement that commits by itself. The client's connection is closed in any case.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It never arrives, and the server sees the connection end.
    CommitLost,
    /// It is carried out, and its answer is lost.
    AnswerLost,
    /// It is on its way, and the server sees an open transaction.
    CommitDelayed,
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}
type Pipe = Box<dyn Io>;

/// A connection to the server of the tests, by its socket if it has one here.
async fn to_server() -> Pipe {
    let options = mariadb::options();
    match options.get_socket() {
        Some(socket) => Box::new(UnixStream::connect(socket).await.unwrap()),
        None => Box::new(TcpStream::connect((options.get_host(), options.get_port())).await.unwrap()),
    }
}

pub struct Proxy {
    port: u16,
    next: Mutex<Option<Fault>>,
    /// The number of packets from clients that pass before the connection ends: the last one is carried out, and not
    /// answered.
    words_left: AtomicUsize,
    delayed: mpsc::Sender<(Pipe, Vec<u8>)>,
    delayed_here: tokio::sync::Mutex<mpsc::Receiver<(Pipe, Vec<u8>)>>,
}

impl Proxy {
    pub async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (delayed, delayed_here) = mpsc::channel(1);
        let proxy = Arc::new(Self {
            port,
            next: Mutex::new(None),
            words_left: AtomicUsize::new(usize::MAX),
            delayed,
            delayed_here: tokio::sync::Mutex::new(delayed_here),
        });
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serving.clone().relay(client));
            }
        });
        proxy
    }

    /// The same database, through here.
    pub fn url(&self, options: &MySqlConnectOptions) -> String {
        format!("mysql://root@127.0.0.1:{}/{}", self.port, options.get_database().unwrap())
    }

    pub fn arm(&self, fault: Fault) {
        *self.next.lock() = Some(fault);
    }

    pub fn cut_after(&self, words: usize) {
        self.words_left.store(words, Ordering::Relaxed);
    }

    /// The COMMIT that was on its way is lost after all.
    pub async fn drop_delayed(&self) {
        drop(self.delayed_here.lock().await.recv().await.expect("a COMMIT is on its way"));
    }

    /// It arrives after all.
    pub async fn deliver_delayed(&self) {
        let (mut server, commit) =
            self.delayed_here.lock().await.recv().await.expect("a COMMIT is on its way");
        server.write_all(&commit).await.unwrap();
        let mut answer = [0; 64];
        assert!(server.read(&mut answer).await.unwrap() > 0);
    }

    async fn relay(self: Arc<Self>, mut client: TcpStream) {
        let mut server = to_server().await;
        let room = || Vec::with_capacity(64 * 1024);
        let (mut asked, mut answered) = (room(), room());
        let mut watched = Watched::default();
        loop {
            let end = tokio::select! {
                read = client.read_buf(&mut asked) => read.unwrap_or(0) == 0,
                read = server.read_buf(&mut answered) => read.unwrap_or(0) == 0,
            };
            if end {
                return;
            }
            watched.look(&asked, &answered);
            let fault = if watched.is_commit(&asked) { self.next.lock().take() } else { None };
            if let Some(fault) = fault {
                return self.fail(fault, server, asked).await;
            }
            if server.write_all(&asked).await.is_err() || client.write_all(&answered).await.is_err() {
                return;
            }
            if !asked.is_empty() && self.words_left.fetch_sub(1, Ordering::Relaxed) == 1 {
                return;
            }
            if command(&asked) == Some((QUERY, b"COMMIT")) {
                watched.is_in_transaction = false;
            }
            asked.clear();
            answered.clear();
        }
    }

    async fn fail(&self, fault: Fault, mut server: Pipe, commit: Vec<u8>) {
        match fault {
            Fault::CommitLost => {}
            Fault::AnswerLost => {
                server.write_all(&commit).await.unwrap();
                let mut answer = [0; 64];
                assert!(server.read(&mut answer).await.unwrap() > 0);
            }
            Fault::CommitDelayed => self.delayed.send((server, commit)).await.expect("the proxy is there"),
        }
    }
}

/// What is known of a connection. Packets are sent one by one, so they are read one by one.
#[derive(Default)]
struct Watched {
    is_in_transaction: bool,
    /// The statement that adds to a journal is being prepared.
    is_preparing: bool,
    /// Those that were.
    journals: Vec<[u8; 4]>,
}

const QUERY: u8 = 3;
const PREPARE: u8 = 0x16;
const EXECUTE: u8 = 0x17;

impl Watched {
    fn look(&mut self, asked: &[u8], answered: &[u8]) {
        // A packet's length and number, that it is well, and the statement's own number.
        if self.is_preparing && answered.len() > 8 {
            self.is_preparing = false;
            if answered[4] == 0 {
                self.journals.push(answered[5..9].try_into().expect("four bytes"));
            }
        }
        match command(asked) {
            Some((QUERY, b"START TRANSACTION")) => self.is_in_transaction = true,
            Some((QUERY, b"ROLLBACK")) => self.is_in_transaction = false,
            Some((PREPARE, text)) => self.is_preparing = text.starts_with(b"INSERT INTO journal"),
            _ => {}
        }
    }

    fn is_commit(&self, asked: &[u8]) -> bool {
        match command(asked) {
            Some((QUERY, text)) => text == b"COMMIT",
            Some((EXECUTE, rest)) => {
                !self.is_in_transaction && self.journals.iter().any(|journal| rest.starts_with(journal))
            }
            _ => false,
        }
    }
}

/// What a packet asks for, behind its length and number.
fn command(packet: &[u8]) -> Option<(u8, &[u8])> {
    let (command, rest) = packet.get(4..)?.split_first()?;
    Some((*command, rest))
}
