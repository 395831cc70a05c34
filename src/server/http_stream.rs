//! A connection's bytes while it carries HTTP. A peer that takes nothing of an answer for too long is given up on; that
//! costs nothing for as long as every write goes through.
//!
//! What is no HTTP reaches no service of ours: hyper answers it with a status alone. That answer is known by its form,
//! and ours is written instead of it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use frontrow_protocol::ErrorObject;
use frontrow_protocol::http::Problem;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;

use crate::domain::time::Timestamp;
use crate::http;
use crate::limits::{WRITE_BYTES_MIN, WRITE_PATIENCE};
use crate::socket::hub::Hub;
use crate::socket::stream::Stream;
use crate::socket::timers::Timer;

/// A status alone is no longer, and our own answers all are.
const BARE_ANSWER_BYTES_MAX: usize = 160;

pub(super) struct HttpStream {
    stream: TokioIo<Stream>,
    hub: Arc<Hub>,
    blocked: Option<Blocked>,
    /// The rest of the answer that is written instead of hyper's.
    instead: Option<Bytes>,
}

/// An answer is being written that the peer does not take at once.
struct Blocked {
    timer: Arc<Timer>,
    since: Timestamp,
    /// Bytes since then; of what is encrypted, beyond so many.
    taken: u64,
    sent_before: u64,
}

impl HttpStream {
    pub fn new(stream: Stream, hub: Arc<Hub>) -> Self {
        Self { stream: TokioIo::new(stream), hub, blocked: None, instead: None }
    }

    pub fn into_inner(self) -> Stream {
        self.stream.into_inner()
    }

    /// Writes our own answer in the place of hyper's `bare` one.
    fn write_instead(&mut self, cx: &mut Context<'_>, bare: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut left = self.instead.get_or_insert_with(|| instead_of(bare)).clone();
            if left.is_empty() {
                return Poll::Ready(Ok(bare.len()));
            }
            let written = Pin::new(&mut self.stream).poll_write(cx, &left);
            match self.judged(cx, written) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    left.advance(count);
                    self.instead = Some(left);
                }
                failed_or_pending => return failed_or_pending,
            }
        }
    }

    /// The outcome of an attempt to write, or that it took too long.
    fn judged(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            if let (Ok(count), Some(blocked)) = (&written, &mut self.blocked) {
                blocked.taken += *count as u64;
            }
            return Poll::Ready(written);
        }
        let timers = &self.hub.timers;
        let now = timers.time.now();
        let sent = self.stream.inner().sent();
        let blocked = self.blocked.get_or_insert_with(|| Blocked {
            timer: Timer::new(),
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
        blocked.timer.listen(cx.waker());
        timers.set(&blocked.timer, blocked.since + WRITE_PATIENCE);
        Poll::Pending
    }
}

/// Does what is to be written end with an answer that is hyper's own? Gives what stands before it, and the answer.
fn bare_answer<'s>(slices: &'s [IoSlice<'_>]) -> Option<(&'s [u8], &'s [u8])> {
    let [all] = slices else { return None };
    let tail = all.len().saturating_sub(BARE_ANSWER_BYTES_MAX);
    let text = all.strip_suffix(b"\r\n\r\n").and_then(|text| text.get(tail..))?;
    let at = tail + text.windows(b"HTTP/1.1 4".len()).rposition(|window| window == b"HTTP/1.1 4")?;
    let (before, bare) = all.split_at(at);
    let head = std::str::from_utf8(bare).ok()?;
    let is_plain =
        |line: &str| ["connection: close", "content-length: 0"].contains(&line) || line.starts_with("date: ");
    let mut lines = head.trim_end().split("\r\n");
    let is_bare = lines.next().is_some_and(|status| !status.is_empty()) && lines.all(is_plain);
    (is_bare && head.contains("content-length: 0")).then_some((before, bare))
}

fn instead_of(bare: &[u8]) -> Bytes {
    let status = bare.get(b"HTTP/1.1 ".len()..).and_then(|rest| rest.get(..3));
    let status = status.and_then(|status| std::str::from_utf8(status).ok()?.parse().ok()).unwrap_or(400);
    let error = ErrorObject::invalid_request(match status {
        431 => "the request's head is too large",
        414 => "the request's path is too long",
        _ => "this is not a request of HTTP/1.1",
    });
    Bytes::from(http::last_words(&Problem::with_status(error, status)))
}

impl Drop for Blocked {
    fn drop(&mut self) {
        self.timer.ignore();
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
        let written = match bare_answer(slices) {
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, slices),
            Some((&[], bare)) => return self.write_instead(cx, bare),
            Some((before, _)) => Pin::new(&mut self.stream).poll_write(cx, before),
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_not_ours_is_known_by_its_form() {
        let date = "date: Sat, 28 Nov 2026 08:33:12 GMT\r\n";
        let bare = format!("HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n{date}\r\n");
        let known = |slices: &[&str]| {
            let slices: Vec<_> = slices.iter().map(|slice| IoSlice::new(slice.as_bytes())).collect();
            bare_answer(&slices).map(|(before, bare)| (before.len(), bare.len()))
        };
        assert_eq!(known(&[&bare]), Some((0, bare.len())));
        let closing = bare.replace("content-length", "connection: close\r\ncontent-length");
        assert!(closing.len() <= BARE_ANSWER_BYTES_MAX);
        assert_eq!(known(&[&closing]), Some((0, closing.len())));
        // The bare answer stands behind another answer.
        let first = "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n";
        assert_eq!(known(&[&format!("{first}{bare}")]), Some((first.len(), bare.len())));
        let ours = String::from_utf8(instead_of(bare.as_bytes()).to_vec()).unwrap();
        assert!(ours.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{ours}");
        assert!(ours.contains("\r\nx-content-type-options: nosniff\r\n"), "{ours}");
        assert!(ours.ends_with('}') && ours.contains(r#""reason":"INVALID_REQUEST""#), "{ours}");
        let head = &ours[..ours.find("\r\n\r\n").unwrap() + 4];
        for not in [head, &ours, first, "", "\r\n\r\n", &bare[..bare.len() - 1]] {
            assert_eq!(known(&[not]), None, "{not}");
        }
        assert_eq!(known(&[&bare, "body"]), None);
        assert_eq!(known(&[&bare.replace("4", "2")]), None, "of another status");
        assert_eq!(known(&[&bare.replace("content-length: 0", "etag: 1")]), None, "with a header of ours");
    }
}
