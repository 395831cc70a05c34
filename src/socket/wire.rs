//! One connection's socket, which its task shares with the topics that it watches: a topic writes a delta itself
//! while the task sleeps and has nothing to write.
//!
//! Always: one of them writes at a time, and whole frames only; what a topic could not finish, the task does first.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;

use super::frame::{Begun, Frame};
use super::kernel;
use super::stream::Stream;
use crate::fanout::{Outlet, Written};

/// Frames that are shorter are copied together: `send` costs the kernel less than `writev`, and that more than the
/// copying.
const COPIED_MAX: usize = 1024;

pub(super) struct Wire {
    stream: Stream,
    writer: Mutex<Writer>,
}

/// The one who may write.
enum Writer {
    /// The connection's task: it is at work, or has more to write than the socket takes, or says goodbye.
    Task,
    /// Whichever topic comes first.
    Topics,
    /// The task, once it is awake; a topic has written this frame in part.
    TaskNext(Box<Begun>),
}

impl Wire {
    /// The task that makes it is the one that writes first.
    pub fn new(stream: Stream) -> Self {
        Self { stream, writer: Mutex::new(Writer::Task) }
    }

    /// Reads what is there, or would block.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.try_read(buffer)
    }

    /// Takes as much as it can, or would block. All of it is written only after `flush`.
    pub fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes: usize = slices.iter().map(|slice| slice.len()).sum();
        // Encrypted bytes are copied anyway.
        let (Stream::Plain(tcp), ..=COPIED_MAX) = (&self.stream, bytes) else {
            return self.stream.try_write(slices);
        };
        let mut whole = [0; COPIED_MAX];
        let mut rest = &mut whole[..];
        for slice in slices {
            let (place, after) = rest.split_at_mut(slice.len());
            place.copy_from_slice(slice);
            rest = after;
        }
        tcp.try_write(&whole[..bytes])
    }

    /// Gives the socket what was taken, or would block.
    pub fn flush(&self) -> io::Result<()> {
        self.stream.try_flush()
    }

    /// The encrypted bytes that the socket has taken.
    pub fn sent(&self) -> u64 {
        self.stream.sent()
    }

    /// Ready when it is worth trying to read.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.tcp().poll_read_ready(cx)
    }

    /// Ready when it is worth trying to write.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.tcp().poll_write_ready(cx)
    }

    /// Makes room for the last frames: the kernel takes them however much it has to send before.
    pub fn make_room(&self) {
        kernel::unbound_unsent(self.stream.tcp());
    }

    /// Ready when nothing that was written is still here.
    pub fn poll_sent(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_sent(cx)
    }

    /// Says that nothing more is written.
    pub fn shut_down(&self) -> io::Result<()> {
        kernel::shut_down(self.stream.tcp())
    }

    /// The peer does not take what was written: nothing is kept for it.
    pub fn abandon(&self) {
        kernel::forget_unsent(self.stream.tcp());
    }

    /// Only the task writes from now on. A frame that a topic has begun comes first.
    pub fn claim(&self) -> Option<Box<Begun>> {
        match std::mem::replace(&mut *self.writer.lock(), Writer::Task) {
            Writer::Task | Writer::Topics => None,
            Writer::TaskNext(begun) => Some(begun),
        }
    }

    /// The task sleeps, and everything is written.
    pub fn release(&self) {
        *self.writer.lock() = Writer::Topics;
    }
}

impl Outlet for Wire {
    fn try_write(&self, text: &Bytes) -> Written {
        let mut writer = self.writer.lock();
        if !matches!(*writer, Writer::Topics) {
            return Written::Nothing;
        }
        let frame = Frame::text(text.clone());
        match self.write(&[IoSlice::new(frame.header()), IoSlice::new(frame.payload())]) {
            Ok(written) if written == frame.len() => match self.flush() {
                Ok(()) => Written::Whole,
                // Taken whole, and encrypted: what the socket did not take is the task's to flush.
                Err(_) => {
                    *writer = Writer::Task;
                    Written::Begun
                }
            },
            Ok(written) if written > 0 => {
                *writer = Writer::TaskNext(Box::new(Begun { frame, written }));
                Written::Begun
            }
            // Full, or broken: the task will see which.
            Ok(_) | Err(_) => Written::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use frontrow_protocol::CloseCode;
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::super::outbox::Outbox;
    use super::super::tls;
    use super::*;
    use crate::limits::TLS_HANDSHAKE_PATIENCE as PATIENCE;

    trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
    impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}
    type Peer = Box<dyn Io>;

    /// A connection without TLS, and one with it.
    async fn wires() -> [(Wire, Peer); 2] {
        let (plain, plain_peer) = sockets().await;
        let (tcp, peer) = sockets().await;
        let (server, client) = (tls::tests::server(), tls::tests::client());
        let (server, client) =
            tokio::join!(server.accept(tcp, PATIENCE), client.connect("localhost".try_into().unwrap(), peer));
        [
            (Wire::new(Stream::Plain(plain)), Box::new(plain_peer)),
            (Wire::new(server.unwrap()), Box::new(client.unwrap())),
        ]
    }

    async fn sockets() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.writable().await.unwrap();
        (tcp, peer)
    }

    /// The bytes that the peer gets until the end; over TLS an end without a goodbye is a fault.
    async fn all(peer: &mut Peer) -> Vec<u8> {
        let mut got = Vec::new();
        match peer.read_to_end(&mut got).await {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => panic!("{error}"),
            _ => got,
        }
    }

    #[tokio::test]
    async fn topics_write_only_while_the_task_sleeps() {
        for (wire, mut peer) in wires().await {
            let text = Bytes::from_static(b"news");
            assert_eq!(wire.try_write(&text), Written::Nothing, "the task has not slept yet");
            wire.release();
            assert_eq!(wire.try_write(&text), Written::Whole);
            assert!(wire.claim().is_none());
            assert_eq!(wire.try_write(&text), Written::Nothing, "the task is at work");
            drop(wire);
            assert_eq!(all(&mut peer).await, b"\x81\x04news");
        }
    }

    /// Goal: nothing that arrives is slept through, although a short read is taken for the last. Method: bytes come one by
    /// one and many at a time, and then the end; each time the reader waits until it is notified that there is something.
    #[tokio::test]
    async fn all_that_arrives_is_read_and_then_the_end() {
        for (wire, mut peer) in wires().await {
            let sent: Vec<u8> = (0..200_000_u32).map(|byte| byte as u8).collect();
            let expected = sent.clone();
            let sending = tokio::spawn(async move {
                let (few, many) = sent.split_at(1_000);
                for byte in few {
                    peer.write_all(std::slice::from_ref(byte)).await.unwrap();
                    tokio::task::yield_now().await;
                }
                peer.write_all(many).await.unwrap();
                peer.shutdown().await.unwrap();
                // Dropped with something unread (tickets of TLS, say) it would reset the connection.
                peer
            });
            let (mut got, mut buffer) = (Vec::new(), [0; 512]);
            loop {
                match wire.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => got.extend_from_slice(&buffer[..count]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        wire.stream.tcp().readable().await.unwrap();
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            assert!(got == expected);
            drop(sending.await.unwrap());
        }
    }

    #[tokio::test]
    async fn the_task_finishes_what_a_topic_began() {
        for (wire, mut peer) in wires().await {
            wire.release();
            let text = Bytes::from(vec![b'x'; 60_000]);
            let mut whole = 0;
            let last = loop {
                match wire.try_write(&text) {
                    Written::Whole => whole += 1,
                    last => break last,
                }
            };
            let begun = wire.claim();
            // An encrypted frame may be taken whole, and wait to be flushed.
            assert!(begun.is_none() || last == Written::Begun);
            let frames = whole + usize::from(last == Written::Begun);
            let mut outbox = Outbox::default();
            if let Some(begun) = begun {
                outbox.go_on(*begun);
            }
            // It is closed meanwhile: what is begun is finished, the rest is forgotten.
            outbox.text("behind it");
            outbox.drop_unwritten();
            outbox.close(CloseCode::TooSlow);
            let reading = tokio::spawn(async move { all(&mut peer).await });
            while outbox.write_with(|slices| wire.write(slices)).and_then(|()| wire.flush()).is_err() {
                wire.stream.tcp().writable().await.unwrap();
            }
            drop(wire);
            let mut expected = Vec::new();
            for _ in 0..frames {
                expected.extend_from_slice(b"\x81\x7e\xea\x60");
                expected.extend_from_slice(&text);
            }
            let reason = CloseCode::TooSlow.text();
            expected.extend_from_slice(&[0x88, 2 + reason.len() as u8, 0x0f, 0xa1]);
            expected.extend_from_slice(reason.as_bytes());
            assert!(reading.await.unwrap() == expected);
        }
    }

    #[tokio::test]
    async fn nothing_is_lost_on_a_socket_that_broke() {
        for (wire, peer) in wires().await {
            wire.release();
            drop(peer);
            let text = Bytes::from(vec![b'x'; 60_000]);
            // Sooner or later the socket is writable again, and the task is woken to look.
            while wire.try_write(&text) == Written::Whole {
                tokio::task::yield_now().await;
            }
        }
    }
}
