//! A connection's bytes while it speaks HTTP. A peer that takes nothing of an answer for too long is given up on; that
//! costs nothing for as long as every write goes through.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;

use super::alarms::Alarm;
use super::hub::Hub;
use super::stream::Stream;
use crate::domain::time::Timestamp;
use crate::limits::{WRITE_BYTES_MIN, WRITE_PATIENCE};

pub(super) struct HttpStream {
    stream: TokioIo<Stream>,
    hub: Arc<Hub>,
    blocked: Option<Blocked>,
}

/// An answer is being written that the peer does not take at once.
struct Blocked {
    alarm: Arc<Alarm>,
    since: Timestamp,
    /// Bytes since then; of what is encrypted, beyond so many.
    taken: u64,
    sent_before: u64,
}

impl HttpStream {
    pub fn new(stream: Stream, hub: Arc<Hub>) -> Self {
        Self { stream: TokioIo::new(stream), hub, blocked: None }
    }

    pub fn into_inner(self) -> Stream {
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
        let sent = self.stream.inner().sent();
        let blocked = self.blocked.get_or_insert_with(|| Blocked {
            alarm: Alarm::new(),
            since: now,
            taken: 0,
            sent_before: sent,
        });
        if blocked.since + WRITE_PATIENCE <= now {
            if blocked.taken + (sent - blocked.sent_before) < WRITE_BYTES_MIN {
                self.hub.context.metrics.outbox_drops.inc();
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            (blocked.since, blocked.taken, blocked.sent_before) = (now, 0, sent);
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

impl Read for HttpStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for HttpStream {
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

    /// Called once everything is written; what is encrypted of it may still wait.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Pending => self.judged(cx, Poll::Pending).map_ok(|_| ()),
            flushed => {
                self.blocked = None;
                flushed
            }
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
