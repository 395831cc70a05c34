//! One connection's socket, which its task shares with the topics that it watches: a topic writes a delta itself
//! while the task sleeps and has nothing to write.
//!
//! Always: one of them writes at a time, and whole frames only; what a topic could not finish, the task does first.

use std::io::IoSlice;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::net::TcpStream;

use super::outbox::Frame;
use crate::fanout::{Outlet, Written};

pub(super) struct Wire {
    pub tcp: TcpStream,
    writer: Mutex<Writer>,
}

/// Who may write.
enum Writer {
    /// The connection's task: it is at work, or has more to write than the socket takes, or says goodbye.
    Task,
    /// Whichever topic comes first.
    Topics,
    /// The task, once it is awake; a topic has written this frame in part.
    TaskNext(Box<Begun>),
}

/// A frame of which the socket took only so many bytes.
pub(super) struct Begun {
    pub frame: Frame,
    pub written: usize,
}

impl Wire {
    /// The task that makes it is the one that writes first.
    pub fn new(tcp: TcpStream) -> Self {
        Self { tcp, writer: Mutex::new(Writer::Task) }
    }

    /// From now on only the task writes. What a topic has begun comes first.
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
        match self.tcp.try_write_vectored(&[IoSlice::new(frame.header()), IoSlice::new(frame.payload())]) {
            Ok(written) if written == frame.len() => Written::Whole,
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
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::super::outbox::Outbox;
    use super::*;

    async fn wire() -> (Wire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.writable().await.unwrap();
        (Wire::new(tcp), peer)
    }

    #[tokio::test]
    async fn topics_write_only_while_the_task_sleeps() {
        let (wire, mut peer) = wire().await;
        let text = Bytes::from_static(b"news");
        assert_eq!(wire.try_write(&text), Written::Nothing, "the task has not slept yet");
        wire.release();
        assert_eq!(wire.try_write(&text), Written::Whole);
        assert!(wire.claim().is_none());
        assert_eq!(wire.try_write(&text), Written::Nothing, "the task is at work");
        drop(wire);
        let mut got = Vec::new();
        peer.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"\x81\x04news");
    }

    #[tokio::test]
    async fn the_task_finishes_what_a_topic_began() {
        let (wire, mut peer) = wire().await;
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
        assert_eq!(last == Written::Begun, begun.is_some());
        let frames = whole + usize::from(begun.is_some());
        let mut outbox = Outbox::default();
        if let Some(begun) = begun {
            outbox.go_on(*begun);
        }
        // It is closed meanwhile: what is begun is finished, the rest is forgotten.
        outbox.text("behind it");
        outbox.drop_unwritten();
        outbox.close(CloseCode::TooSlow);
        let reading = tokio::spawn(async move {
            let mut got = Vec::new();
            peer.read_to_end(&mut got).await.unwrap();
            got
        });
        while !outbox.is_empty() {
            wire.tcp.writable().await.unwrap();
            let _ = outbox.write_with(|slices| wire.tcp.try_write_vectored(slices));
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

    #[tokio::test]
    async fn nothing_is_lost_on_a_socket_that_broke() {
        let (wire, peer) = wire().await;
        wire.release();
        drop(peer);
        let text = Bytes::from(vec![b'x'; 60_000]);
        // Sooner or later the socket says so, and the task is asked to look.
        while wire.try_write(&text) == Written::Whole {
            tokio::task::yield_now().await;
        }
    }
}
