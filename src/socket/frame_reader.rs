//! Websocket frames as they come from a client (RFC 6455, section 5). One frame at a time, so that whoever reads can
//! count what it costs and give way to others; a text that is one frame is never copied.
//!
//! Always: what is kept is bounded by one message and one read; a fault is found as early as its bytes allow; a message
//! has a bounded number of frames, because empty ones would make it endless. Not here: sockets, and what a frame is for.

use std::io;

use frontrow_protocol::CloseCode;
use frontrow_protocol::limits::{FRAGMENTS_MAX, FRAME_BYTES_MAX};

/// The room for one read from a socket. Every connection keeps so much for as long as it is open, and most requests
/// are a fraction of it; a larger frame gets the room it needs.
const READ_BYTES: usize = 1024;
/// The longest head of a client's frame: with a length of 64 bits, and a mask.
const HEAD_BYTES_MAX: usize = 14;
const CONTROL_BYTES_MAX: usize = 125;

/// The content of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming<'a> {
    /// A whole message.
    Text(&'a str),
    /// The beginning of a binary message, which nobody wants.
    Binary,
    /// A part of a message that is not whole yet.
    Fragment,
    Ping(&'a [u8]),
    Pong,
    Close(Option<u16>),
}

/// Why nothing more is read.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nothing is there now.
    Blocked,
    /// The peer hung up, or the connection broke.
    Gone,
    /// The close frame says why.
    Refused(CloseCode),
}

pub(super) struct FrameReader {
    /// The bytes that were read and not yet used lie from `begin` to `end`.
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
    message: Option<Box<Message>>,
}

/// A text of which some frames are here.
struct Message {
    text: Vec<u8>,
    /// The number of bytes that are known to be UTF-8.
    valid: usize,
    fragments: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

struct Head {
    is_last: bool,
    opcode: Opcode,
    mask: [u8; 4],
    /// The length of the head itself.
    len: usize,
    payload: usize,
}

impl Head {
    /// `None`: not all of it is here.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let &[first, second, ..] = bytes else { return Ok(None) };
        let wrong = Err(Fault::Refused(CloseCode::ProtocolError));
        let (is_last, is_masked, short) = (first & 0x80 != 0, second & 0x80 != 0, usize::from(second & 0x7F));
        let opcode = match first & 0x7F {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xA => Opcode::Pong,
            // Reserved, or with a bit of an extension that was not agreed on.
            _ => return wrong,
        };
        let is_control = matches!(opcode, Opcode::Close | Opcode::Ping | Opcode::Pong);
        if !is_masked || (is_control && (!is_last || short > CONTROL_BYTES_MAX)) {
            return wrong;
        }
        let (payload, mask_at) = match short {
            126 => match bytes.get(2..4) {
                Some(long) => (u64::from(u16::from_be_bytes([long[0], long[1]])), 4),
                None => return Ok(None),
            },
            127 => match bytes.get(2..10).and_then(|long| <[u8; 8]>::try_from(long).ok()) {
                Some(long) => (u64::from_be_bytes(long), 10),
                None => return Ok(None),
            },
            short => (short as u64, 2),
        };
        // The shortest of the three forms is to be used, and 63 bits of the longest.
        let shortest = match short {
            126 => 126,
            127 => 0x1_0000,
            _ => 0,
        };
        if payload < shortest || payload >> 63 != 0 {
            return wrong;
        }
        if payload > FRAME_BYTES_MAX as u64 {
            return Err(Fault::Refused(CloseCode::TooBig));
        }
        let Some(mask) = bytes.get(mask_at..mask_at + 4) else { return Ok(None) };
        let mask = [mask[0], mask[1], mask[2], mask[3]];
        Ok(Some(Self { is_last, opcode, mask, len: mask_at + 4, payload: payload as usize }))
    }

    fn whole(&self) -> usize {
        self.len + self.payload
    }
}

impl FrameReader {
    /// `read` is what came behind the upgrade already.
    pub fn new(read: &[u8]) -> Self {
        let mut buffer = read.to_vec();
        buffer.resize(read.len().max(READ_BYTES), 0);
        Self { buffer, begin: 0, end: read.len(), message: None }
    }

    /// The next frame. `read` is called until it is whole; what it read stays here if it would block in between.
    pub fn next(
        &mut self,
        mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> Result<Incoming<'_>, Fault> {
        let head = loop {
            let head = Head::parse(&self.buffer[self.begin..self.end])?;
            let wanted = head.as_ref().map_or(HEAD_BYTES_MAX, Head::whole);
            match head {
                Some(head) if self.end - self.begin >= wanted => break head,
                _ => self.fill(wanted, &mut read)?,
            }
        };
        let payload = self.begin + head.len..self.begin + head.whole();
        self.begin = payload.end;
        unmask(&mut self.buffer[payload.clone()], head.mask);
        match head.opcode {
            Opcode::Ping => Ok(Incoming::Ping(&self.buffer[payload])),
            Opcode::Pong => Ok(Incoming::Pong),
            Opcode::Close => close_code(&self.buffer[payload]).map(Incoming::Close),
            Opcode::Text | Opcode::Binary if self.message.is_some() => {
                Err(Fault::Refused(CloseCode::ProtocolError))
            }
            Opcode::Binary => Ok(Incoming::Binary),
            Opcode::Text if head.is_last => {
                str::from_utf8(&self.buffer[payload]).map(Incoming::Text).map_err(not_utf8)
            }
            Opcode::Text => {
                let mut message = Message { text: Vec::new(), valid: 0, fragments: 0 };
                message.add(&self.buffer[payload])?;
                self.message = Some(Box::new(message));
                Ok(Incoming::Fragment)
            }
            Opcode::Continuation => {
                let message = self.message.as_mut().ok_or(Fault::Refused(CloseCode::ProtocolError))?;
                message.add(&self.buffer[payload])?;
                if !head.is_last {
                    return Ok(Incoming::Fragment);
                }
                let text = self.message.take().map(|message| message.text).unwrap_or_default();
                // It lies where the frame lay, which has room for it: what is borrowed has one home.
                self.hold(text)
            }
        }
    }

    /// The text of a message that came in several frames, in front of what was read behind it.
    fn hold(&mut self, text: Vec<u8>) -> Result<Incoming<'_>, Fault> {
        let unread = self.buffer[self.begin..self.end].to_vec();
        let begin = text.len();
        self.buffer = text;
        self.buffer.extend_from_slice(&unread);
        self.begin = begin;
        self.end = self.buffer.len();
        let room = self.end.max(READ_BYTES);
        self.buffer.resize(room, 0);
        str::from_utf8(&self.buffer[..begin]).map(Incoming::Text).map_err(not_utf8)
    }

    /// Reads once, into room for a frame of `wanted` bytes as far as those are likely to come.
    fn fill(
        &mut self,
        wanted: usize,
        read: &mut impl FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> Result<(), Fault> {
        self.buffer.copy_within(self.begin..self.end, 0);
        self.end -= self.begin;
        self.begin = 0;
        let room = self.buffer.len();
        if self.end == room {
            // Doubled, so that room is only there for a frame that really comes.
            self.buffer.resize(wanted.min(2 * room), 0);
        } else if room > READ_BYTES && self.end.max(wanted) <= READ_BYTES {
            self.buffer.truncate(READ_BYTES);
            self.buffer.shrink_to_fit();
        }
        match read(&mut self.buffer[self.end..]) {
            Ok(0) => Err(Fault::Gone),
            Ok(count) => {
                self.end += count;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Fault::Blocked),
            Err(_) => Err(Fault::Gone),
        }
    }
}

impl Message {
    fn add(&mut self, payload: &[u8]) -> Result<(), Fault> {
        self.fragments += 1;
        if self.fragments > FRAGMENTS_MAX || self.text.len() + payload.len() > FRAME_BYTES_MAX {
            return Err(Fault::Refused(CloseCode::TooBig));
        }
        self.text.extend_from_slice(payload);
        match str::from_utf8(&self.text[self.valid..]) {
            Ok(_) => self.valid = self.text.len(),
            // A character may be cut in two.
            Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
            Err(_) => return Err(Fault::Refused(CloseCode::InvalidText)),
        }
        Ok(())
    }
}

fn not_utf8(_: std::str::Utf8Error) -> Fault {
    Fault::Refused(CloseCode::InvalidText)
}

/// The code of a close frame, if it has one; refused if nobody may send it.
fn close_code(payload: &[u8]) -> Result<Option<u16>, Fault> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        _ => return Err(Fault::Refused(CloseCode::ProtocolError)),
    };
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Fault::Refused(CloseCode::ProtocolError));
    }
    str::from_utf8(reason).map(|_| Some(code)).map_err(not_utf8)
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let (words, rest) = payload.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

    /// A client's frame, its length in the shortest form.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            len @ 0..=125 => bytes.push(0x80 | len as u8),
            len @ 126..=0xFFFF => {
                bytes.push(0x80 | 126);
                bytes.extend_from_slice(&(len as u16).to_be_bytes());
            }
            len => {
                bytes.push(0x80 | 127);
                bytes.extend_from_slice(&(len as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(&MASK);
        bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }

    /// The frames of bytes that arrive `step` at a time: a word for each frame, and for the fault that ends it.
    fn read_in_steps(bytes: &[u8], step: usize) -> Vec<String> {
        let mut reader = FrameReader::new(&[]);
        let (mut at, mut seen) = (0, Vec::new());
        loop {
            let incoming = reader.next(|room| {
                let count = step.min(room.len()).min(bytes.len() - at);
                room[..count].copy_from_slice(&bytes[at..at + count]);
                at += count;
                Ok(count)
            });
            seen.push(match incoming {
                Ok(Incoming::Text(text)) if text.len() > 40 => format!("text of {}", text.len()),
                Ok(Incoming::Text(text)) => format!("text {text}"),
                Ok(Incoming::Binary) => "binary".to_owned(),
                Ok(Incoming::Fragment) => "part".to_owned(),
                Ok(Incoming::Ping(payload)) => format!("ping {}", payload.len()),
                Ok(Incoming::Pong) => "pong".to_owned(),
                Ok(Incoming::Close(code)) => format!("close {code:?}"),
                Err(Fault::Blocked) => unreachable!("all is there"),
                Err(Fault::Gone) => return seen,
                Err(Fault::Refused(code)) => {
                    seen.push(format!("refused {}", code.code()));
                    return seen;
                }
            });
        }
    }

    fn check(frames: &[Vec<u8>], expected: &str) {
        let bytes = frames.concat();
        for step in [1, 2, 3, 7, 1024, 65_536] {
            assert_eq!(read_in_steps(&bytes, step).join(", "), expected, "{step} bytes at a time");
        }
    }

    #[test]
    fn messages_come_whole_in_one_frame_or_in_many_with_others_between() {
        check(&[frame(0x81, b"hi"), frame(0x81, b"")], "text hi, text ");
        check(&[frame(0x81, &[b'x'; 126]), frame(0x81, &[b'x'; 16_384])], "text of 126, text of 16384");
        check(
            &[
                frame(0x01, b"Stra\xC3"),
                frame(0x89, b"there?"),
                frame(0x00, b"\x9F"),
                frame(0x8A, b""),
                frame(0x80, b"e"),
                frame(0x81, b"next"),
            ],
            "part, ping 6, part, pong, text Straße, text next",
        );
        check(
            &[frame(0x01, b""), frame(0x80, b""), frame(0x88, b"\x03\xE8bye")],
            "part, text , close Some(1000)",
        );
        check(&[frame(0x88, b"")], "close None");
    }

    #[test]
    fn what_is_no_frame_is_refused_before_the_rest_of_it_comes() {
        // The first two bytes are there, and no more.
        for first_two in [
            [0x83, 0x80],
            [0x8B, 0x80],
            [0x91, 0x80],
            [0xA1, 0x80],
            [0xC1, 0x80],
            [0x81, 0x05],
            [0x09, 0x80],
            [0x08, 0x80],
            [0x89, 0xFE],
            [0x88, 0xFF],
        ] {
            check(&[first_two.to_vec()], "refused 1002");
        }
        check(&[b"\x81\xFE\x00\x7D".to_vec()], "refused 1002");
        check(&[b"\x81\xFF\x00\x00\x00\x00\x00\x00\xFF\xFF".to_vec()], "refused 1002");
        check(&[b"\x81\xFF\x80\x00\x00\x00\x00\x01\x00\x00".to_vec()], "refused 1002");
        check(&[b"\x81\xFE\x40\x01".to_vec()], "refused 1009");
        check(&[b"\x81\xFF\x00\x00\x00\x00\x00\x01\x00\x00".to_vec()], "refused 1009");
    }

    #[test]
    fn frames_in_the_wrong_order_are_refused() {
        check(&[frame(0x80, b"x")], "refused 1002");
        check(&[frame(0x00, b"x")], "refused 1002");
        check(&[frame(0x01, b"a"), frame(0x81, b"b")], "part, refused 1002");
        check(&[frame(0x01, b"a"), frame(0x02, b"b")], "part, refused 1002");
        check(&[frame(0x02, b"x")], "binary");
    }

    #[test]
    fn text_is_utf_8_and_a_fault_is_found_in_the_first_frame_that_has_it() {
        for wrong in [&b"\xFF"[..], b"\xC0\xAF", b"\xED\xA0\x80", b"\xF4\x90\x80\x80", b"ok\x80"] {
            check(&[frame(0x81, wrong)], "refused 1007");
            check(&[frame(0x01, wrong), frame(0x80, b"")], "refused 1007");
        }
        check(
            &[frame(0x01, b"\xF0\x9F"), frame(0x00, b"\x8E"), frame(0x80, b"x")],
            "part, part, refused 1007",
        );
        check(&[frame(0x01, b"\xF0\x9F"), frame(0x80, b"")], "part, refused 1007");
        check(&[frame(0x01, b"\xF0\x9F"), frame(0x80, b"\x8E\xAB")], "part, text 🎫");
    }

    #[test]
    fn a_close_frame_has_a_code_that_may_be_sent_and_a_reason_in_utf_8() {
        check(&[frame(0x88, b"\x03")], "refused 1002");
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1999, 2999, 5000, 65_535_u16] {
            check(&[frame(0x88, &code.to_be_bytes())], "refused 1002");
        }
        for code in [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999_u16] {
            check(&[frame(0x88, &code.to_be_bytes())], &format!("close Some({code})"));
        }
        check(&[frame(0x88, b"\x03\xE8\xFF")], "refused 1007");
    }

    #[test]
    fn a_message_is_bounded_in_bytes_and_in_frames() {
        let most = vec![b'x'; FRAME_BYTES_MAX];
        check(&[frame(0x01, &most), frame(0x80, b"")], "part, text of 16384");
        check(&[frame(0x01, &most), frame(0x80, b"x")], "part, refused 1009");
        let mut many = vec![frame(0x01, b"x")];
        many.resize(FRAGMENTS_MAX, frame(0x00, b""));
        let parts = vec!["part"; FRAGMENTS_MAX].join(", ");
        check(&many, &parts);
        many.push(frame(0x80, b""));
        check(&many, &format!("{parts}, refused 1009"));
    }

    #[test]
    fn room_for_a_large_frame_is_given_back() {
        let mut reader = FrameReader::new(&frame(0x81, &[b'x'; 10_000]));
        assert!(matches!(reader.next(|_| unreachable!()), Ok(Incoming::Text(_))));
        assert!(matches!(reader.next(|_| Err(io::ErrorKind::WouldBlock.into())), Err(Fault::Blocked)));
        assert_eq!(reader.buffer.capacity(), READ_BYTES);
        // A length that is only announced takes no room.
        let mut announced = frame(0x81, &[b'x'; 16_000]);
        announced.truncate(900);
        let mut parts = announced.chunks(300);
        let fault = loop {
            match reader.next(|room| match parts.next() {
                Some(part) => {
                    room[..part.len()].copy_from_slice(part);
                    Ok(part.len())
                }
                None => Err(io::ErrorKind::WouldBlock.into()),
            }) {
                Ok(_) => {}
                Err(fault) => break fault,
            }
        };
        assert!(matches!(fault, Fault::Blocked));
        assert_eq!(reader.buffer.capacity(), READ_BYTES);
    }
}
