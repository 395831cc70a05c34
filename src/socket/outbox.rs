//! Frames that wait to be written to one socket, many to a system call.
//!
//! Always: everything that is written to the socket goes through here, but what topics write while this is empty;
//! filled only when it is empty, so it is bounded by what can wait at a time: an answer for each request
//! in flight and one value for each register.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::Bytes;
use frontrow_protocol::CloseCode;

use super::frame::{Begun, Frame, Opcode};

/// Frames in one system call: a good part of what any socket takes at once.
const FRAMES_PER_WRITE: usize = 32;
/// An empty outbox keeps room for a few frames and gives the rest back: most connections rarely have many.
const FRAMES_KEPT: usize = 4;

#[derive(Default)]
pub struct Outbox {
    frames: VecDeque<Frame>,
    /// Bytes of the first frame that are written already.
    written: usize,
    bytes: usize,
    /// Bytes that the socket took since the connection began.
    taken: u64,
}

impl Outbox {
    pub fn text(&mut self, text: impl Into<Bytes>) {
        self.push(Frame::text(text.into()));
    }

    /// Takes over, into an empty outbox, what a topic has begun.
    pub fn go_on(&mut self, Begun { frame, written }: Begun) {
        debug_assert!(self.is_empty(), "topics write only when nothing waits");
        self.bytes = frame.len() - written;
        self.written = written;
        self.frames.push_front(frame);
    }

    pub fn ping(&mut self) {
        self.push(Frame::new(Opcode::Ping, Bytes::new()));
    }

    /// The reply to a ping, with what came in it.
    pub fn pong(&mut self, payload: &[u8]) {
        self.push(Frame::new(Opcode::Pong, Bytes::copy_from_slice(payload)));
    }

    /// The reply to a close, with its code.
    pub fn close_reply(&mut self, code: Option<u16>) {
        let payload = code.map_or_else(Bytes::new, |code| Bytes::copy_from_slice(&code.to_be_bytes()));
        self.push(Frame::new(Opcode::Close, payload));
    }

    pub fn close(&mut self, code: CloseCode) {
        let mut payload = code.code().to_be_bytes().to_vec();
        payload.extend_from_slice(code.text().as_bytes());
        self.push(Frame::new(Opcode::Close, payload.into()));
    }

    fn push(&mut self, frame: Frame) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    /// Forgets every frame that is not begun.
    pub fn drop_unwritten(&mut self) {
        self.frames.truncate(usize::from(self.written > 0));
        self.bytes = self.frames.iter().map(Frame::len).sum::<usize>() - self.written;
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Bytes that the socket took since the connection began: what tells a slow peer from one that takes nothing.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Bytes that are not written yet.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Writes until all is written or `write` would block.
    pub fn write_with(
        &mut self,
        mut write: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<()> {
        while !self.frames.is_empty() {
            // Most writes are of one frame, and clearing room for many is a good part of what such a one costs.
            let (mut few, mut many);
            let slices: &mut [IoSlice<'_>] = match self.frames.len() {
                1 => {
                    few = [IoSlice::new(&[]); 2];
                    &mut few
                }
                _ => {
                    many = [IoSlice::new(&[]); 2 * FRAMES_PER_WRITE];
                    &mut many
                }
            };
            let mut skipped = self.written;
            let mut used = 0;
            for frame in self.frames.iter().take(FRAMES_PER_WRITE) {
                for part in [frame.header(), frame.payload()] {
                    let from = skipped.min(part.len());
                    skipped -= from;
                    if from < part.len() {
                        slices[used] = IoSlice::new(&part[from..]);
                        used += 1;
                    }
                }
            }
            let count = write(&slices[..used])?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.advance(count);
        }
        Ok(())
    }

    fn advance(&mut self, count: usize) {
        self.bytes -= count;
        self.written += count;
        self.taken += count as u64;
        while let Some(first) = self.frames.front()
            && self.written >= first.len()
        {
            self.written -= first.len();
            self.frames.pop_front();
        }
        if self.frames.is_empty() {
            self.frames.shrink_to(FRAMES_KEPT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that a socket gets which takes at most `room` a call.
    fn written(outbox: &mut Outbox, room: usize) -> Vec<u8> {
        let mut got = Vec::new();
        outbox
            .write_with(|slices| {
                let before = got.len();
                for slice in slices {
                    let left = room - (got.len() - before);
                    got.extend_from_slice(&slice[..left.min(slice.len())]);
                }
                Ok(got.len() - before)
            })
            .unwrap();
        got
    }

    #[test]
    fn frames_come_out_whole_however_little_a_socket_takes() {
        for room in [1, 2, 3, 7, 1_000, 1_000_000] {
            let mut outbox = Outbox::default();
            outbox.text("hi");
            outbox.ping();
            outbox.text(vec![b'x'; 200]);
            outbox.text(vec![b'y'; 70_000]);
            outbox.close(CloseCode::NoHello);
            let bytes = outbox.bytes();
            let mut expected = b"\x81\x02hi\x89\x00\x81\x7e\x00\xc8".to_vec();
            expected.extend_from_slice(&[b'x'; 200]);
            expected.extend_from_slice(b"\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x70");
            expected.extend_from_slice(&[b'y'; 70_000]);
            let reason = CloseCode::NoHello.text();
            expected.extend_from_slice(&[0x88, 2 + reason.len() as u8, 0x0f, 0xa0]);
            expected.extend_from_slice(reason.as_bytes());
            assert_eq!(bytes, expected.len());
            assert!(written(&mut outbox, room) == expected, "{room} bytes at a time");
            assert!(outbox.is_empty() && outbox.bytes() == 0);
        }
    }

    #[test]
    fn a_frame_that_was_begun_is_finished() {
        let mut outbox = Outbox::default();
        outbox.text("first");
        outbox.text("second");
        let mut calls = 0;
        let blocked = outbox.write_with(|_| {
            calls += 1;
            if calls == 1 { Ok(3) } else { Err(io::ErrorKind::WouldBlock.into()) }
        });
        assert_eq!(blocked.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        outbox.drop_unwritten();
        outbox.ping();
        assert_eq!(written(&mut outbox, 100), b"irst\x89\x00");
    }
}
