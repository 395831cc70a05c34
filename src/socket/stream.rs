//! A connection's bytes, with TLS or without. What HTTP reads and writes asynchronously, a websocket does by itself
//! and at once: both come here.
//!
//! Always: what is encrypted is kept here until the socket has taken it, and nothing more is encrypted before; so
//! there is never more than one record of it. A plain connection pays nothing but the choice.

use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use rustls::server::ServerConnection;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::coop;

use super::kernel;

/// The bytes that are encrypted at a time; the largest record that TLS knows has as much.
const RECORD_BYTES: usize = 16 * 1024;

pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl Stream {
    /// The socket below.
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.tcp,
        }
    }

    /// Reads what is there, or would block until the socket is readable.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => read_all_there_is(tcp, buffer),
            Self::Tls(tls) => tls.try_read(buffer),
        }
    }

    /// Takes what it can, or would block until the socket is writable. What was taken is on its way only after
    /// `try_flush`.
    pub fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_write_vectored(slices),
            Self::Tls(tls) => tls.try_write(slices),
        }
    }

    /// Gives the socket what was taken, or would block until it is writable.
    pub fn try_flush(&self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.try_flush(),
        }
    }

    /// The encrypted bytes that the socket has taken; nothing of a plain connection, whose bytes are its own.
    pub fn sent(&self) -> u64 {
        match self {
            Self::Plain(_) => 0,
            Self::Tls(tls) => tls.session.lock().sent,
        }
    }

    /// Ready when everything is said, the end as well, and nothing of it is still here. Nothing may be written behind it.
    pub fn poll_sent(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Self::Tls(tls) = self {
            ready!(tls.when_writable(cx, TlsStream::try_goodbye))?;
        }
        kernel::poll_sent(self.tcp(), cx)
    }
}

/// Reads what is there, or would block. Less than there is room for was all of it: the next attempt need not ask the
/// system to learn so.
fn read_all_there_is(tcp: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut last = None;
    let read = tcp.try_io(Interest::READABLE, || {
        let count = tcp.try_read(buffer)?;
        if (1..buffer.len()).contains(&count) {
            last = Some(count);
            // Said within the attempt, so that what arrives after it still counts as news.
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(count)
    });
    last.map_or(read, Ok)
}

/// A connection with TLS.
pub struct TlsStream {
    tcp: TcpStream,
    /// Reading and writing share its keys: the connection's task reads while a topic may write.
    session: Mutex<Encryption>,
}

struct Encryption {
    keys: ServerConnection,
    /// Bytes that the socket took, since the handshake.
    sent: u64,
}

impl TlsStream {
    pub(super) fn new(tcp: TcpStream, mut keys: ServerConnection) -> Self {
        keys.set_buffer_limit(Some(RECORD_BYTES));
        Self { tcp, session: Mutex::new(Encryption { keys, sent: 0 }) }
    }

    /// Agrees on keys, however long it takes.
    pub(super) async fn shake_hands(&mut self) -> io::Result<()> {
        let session = &mut self.session.get_mut().keys;
        let mut socket = Socket(&self.tcp);
        loop {
            while session.wants_write() {
                match session.write_tls(&mut socket) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.tcp.writable().await?,
                    written => drop(written?),
                }
            }
            if !session.is_handshaking() {
                return Ok(());
            }
            match session.read_tls(&mut socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.tcp.readable().await?;
                    continue;
                }
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => drop(read?),
            }
            if let Err(error) = session.process_new_packets() {
                // The peer may learn why, if there is room for it.
                let _ = session.write_tls(&mut socket);
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let session = &mut self.session.lock().keys;
        match decrypted(session, buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
        // Once only: a peer that sends records without content has no more of our time for it than for others.
        session.read_tls(&mut Socket(&self.tcp))?;
        if let Err(error) = session.process_new_packets() {
            let _ = session.write_tls(&mut Socket(&self.tcp));
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        decrypted(session, buffer)
    }

    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let session = &mut *self.session.lock();
        session.flush(&self.tcp)?;
        let taken = session.keys.writer().write_vectored(slices)?;
        match session.flush(&self.tcp) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    fn try_flush(&self) -> io::Result<()> {
        self.session.lock().flush(&self.tcp)
    }

    /// Says, once, that nothing more comes.
    fn try_goodbye(&self) -> io::Result<()> {
        let session = &mut *self.session.lock();
        session.keys.send_close_notify();
        session.flush(&self.tcp)
    }

    fn when_writable<T>(
        &self,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&Self) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            match attempt(self) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.tcp.poll_write_ready(cx))?;
                }
                done => return Poll::Ready(done),
            }
        }
    }
}

impl Encryption {
    fn flush(&mut self, tcp: &TcpStream) -> io::Result<()> {
        while self.keys.wants_write() {
            match self.keys.write_tls(&mut Socket(tcp))? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => self.sent += count as u64,
            }
        }
        Ok(())
    }
}

/// Reads what was decrypted already. An end without a goodbye is an end: what is said over it has ends of its own.
fn decrypted(session: &mut ServerConnection, buffer: &mut [u8]) -> io::Result<usize> {
    match session.reader().read(buffer) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        read => read,
    }
}

/// A socket as the TLS library wants it: what cannot be done at once would block.
struct Socket<'a>(&'a TcpStream);

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_all_there_is(self.0, buffer)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [one] => self.0.try_write(one),
            many => self.0.try_write_vectored(many),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tls = match self.get_mut() {
            Self::Plain(tcp) => return Pin::new(tcp).poll_read(cx, buffer),
            Self::Tls(tls) => tls,
        };
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        // Bytes that are decrypted already come without the system: it counts all the same, so that others have their
        // turn.
        let turn = ready!(coop::poll_proceed(cx));
        loop {
            match tls.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    turn.made_progress();
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(tls.tcp.poll_read_ready(cx))?;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Tls(tls) => tls.when_writable(cx, |tls| tls.try_write(&[IoSlice::new(bytes)])),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, slices),
            Self::Tls(tls) => tls.when_writable(cx, |tls| tls.try_write(slices)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => tls.when_writable(cx, TlsStream::try_flush),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => {
                ready!(tls.when_writable(cx, TlsStream::try_goodbye))?;
                Pin::new(&mut tls.tcp).poll_shutdown(cx)
            }
        }
    }
}
