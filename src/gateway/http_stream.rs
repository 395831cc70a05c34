//! A connection's bytes while it speaks HTTP. A peer that takes nothing of an answer for too long is given up on; that
//! costs nothing for as long as every write goes through.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::alarms::Alarm;
use super::hub::Hub;
use crate::domain::time::Timestamp;
use crate::limits::{WRITE_BYTES_MIN, WRITE_PATIENCE};

pub(super) struct HttpStream<S> {
    stream: TokioIo<S>,
    hub: Arc<Hub>,
    blocked: Option<Blocked>,
}

/// An answer is being written that the peer does not take at once.
struct Blocked {
    alarm: Arc<Alarm>,
    since: Timestamp,
    /// Bytes since then.
    taken: u64,
}

impl<S> HttpStream<S> {
    pub fn new(stream: S, hub: Arc<Hub>) -> Self {
        Self { stream: TokioIo::new(stream), hub, blocked: None }
    }

    pub fn into_inner(self) -> S {
        self.stream.into_inner()
    }

    /// What an attempt to write came to, or that it took too long.
    fn judged(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            if let (Ok(count), Some(blocked)) = (&written, &mut self.blocked) {
                blocked.taken += *count as u64;
            }
            return Poll::Ready(written);
        }
        let alarms = &self.hub.alarms;
        let now = alarms.time.now();
        let blocked =
            self.blocked.get_or_insert_with(|| Blocked { alarm: Alarm::new(), since: now, taken: 0 });
        if blocked.since + WRITE_PATIENCE <= now {
            if blocked.taken < WRITE_BYTES_MIN {
                self.hub.context.metrics.outbox_drops.inc();
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            (blocked.since, blocked.taken) = (now, 0);
        }
        blocked.alarm.listen(cx.waker());
        alarms.set(&blocked.alarm, blocked.since + WRITE_PATIENCE);
        Poll::Pending
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        self.alarm.ignore();
    }
}

impl<S: AsyncRead + Unpin> Read for HttpStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> Write for HttpStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judged(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.judged(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called once everything is written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.blocked = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
