//! A lean websocket client: text frames out, whole messages in. Client and server share a machine in a load test, so
//! every microsecond saved here is one that the server gets.
//!
//! Always: pings are answered, masks are random, what is read is bounded by `MESSAGE_BYTES_MAX`. Not here: JSON,
//! extensions, sending fragments or binary frames, none of which the server wants.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use frontrow_protocol::SUBPROTOCOL;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;

use crate::door::{Callers, Door, Stream};

/// A snapshot of 1,000,000 seats is a third of it.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Bytes of an answer to the upgrade.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Room that a read offers at least. Most messages are smaller; a larger one grows the buffer.
const READ_BYTES: usize = 2 * 1024;

const OPCODE_CONTINUATION: u8 = 0;
const OPCODE_TEXT: u8 = 1;
const OPCODE_BINARY: u8 = 2;
const OPCODE_CLOSE: u8 = 8;
const OPCODE_PING: u8 = 9;
const OPCODE_PONG: u8 = 10;

/// Why a websocket is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum WsError {
    #[error("the connection failed")]
    Io(#[from] io::Error),
    #[error("the server ended the connection without a close frame")]
    Ended,
    /// The code of the server's close frame; 1005 if it had none.
    #[error("the server closed the connection with code {code}: {text}")]
    Closed { code: u16, text: String },
    #[error("the upgrade was answered by `{0}`")]
    NotUpgraded(String),
    #[error("the server broke the websocket protocol: {0}")]
    Protocol(&'static str),
}

/// The target to connect to, and the address to connect from.
#[derive(Clone)]
pub struct Target {
    pub door: Door,
    /// All that lead to the same sales: whose connection ends comes back at the next one. Empty: it is over then.
    pub others: Arc<[Door]>,
    /// `None`: as the system chooses, which gives about 28,000 ports in all.
    pub source: Option<IpAddr>,
    /// By whom the connection is announced before it is made.
    pub callers: Option<Arc<dyn Callers>>,
    /// The path of the websocket.
    pub path: &'static str,
    pub subprotocol: &'static str,
}

impl Target {
    /// The server's websocket, from an address that the system chooses.
    pub fn plain(door: Door) -> Self {
        Self {
            door,
            others: Arc::default(),
            source: None,
            callers: None,
            path: "/ws",
            subprotocol: SUBPROTOCOL,
        }
    }
}

impl Target {
    /// The door after this one, in turn.
    pub fn next_door(&self) -> Door {
        let index = self.others.iter().position(|door| door.address == self.door.address);
        self.others
            .get((index.map_or(0, |index| index + 1)) % self.others.len().max(1))
            .copied()
            .unwrap_or(self.door)
    }
}

/// An open websocket.
pub struct WebSocket {
    stream: Stream,
    /// The bytes that were read and not looked at yet begin at `start`.
    buffer: Vec<u8>,
    start: usize,
    /// The fragments of a message that came so far, and whether it goes on.
    fragments: Vec<u8>,
    fragmented: bool,
    /// Frames that wait for `flush`, and how much of them is written.
    outgoing: Vec<u8>,
    written: usize,
    mask: u32,
}

impl WebSocket {
    /// Connects and upgrades. `authorization` is the bearer token, if it goes with the upgrade.
    pub async fn connect(target: &Target, authorization: Option<&str>) -> Result<Self, WsError> {
        let stream = target.door.connect(target.source, target.callers.as_deref()).await?;
        let mut socket = Self {
            stream,
            buffer: Vec::with_capacity(READ_BYTES),
            start: 0,
            fragments: Vec::new(),
            fragmented: false,
            outgoing: Vec::new(),
            written: 0,
            mask: rand::random::<u32>() | 1,
        };
        socket.upgrade(target, authorization).await?;
        Ok(socket)
    }

    async fn upgrade(&mut self, target: &Target, authorization: Option<&str>) -> Result<(), WsError> {
        let key = generate_key();
        let authorization = authorization.map(|token| format!("Authorization: Bearer {token}\r\n"));
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: {}\r\n{}\r\n",
            target.path,
            target.door,
            target.subprotocol,
            authorization.unwrap_or_default(),
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.stream.flush().await?;
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(WsError::Protocol("the answer to the upgrade does not end"));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(WsError::Ended);
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]);
        let mut lines = head.lines();
        let status = lines.next().unwrap_or_default();
        if status.split(' ').nth(1) != Some("101") {
            return Err(WsError::NotUpgraded(status.to_owned()));
        }
        let accepted = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-accept"))
            .map(|(_, value)| value.trim());
        if accepted != Some(&derive_accept_key(key.as_bytes())) {
            return Err(WsError::Protocol("the upgrade's Sec-WebSocket-Accept is wrong"));
        }
        self.start = end;
        Ok(())
    }

    /// Adds a text frame to what `flush` writes.
    pub fn push_text(&mut self, text: &str) {
        self.push_frame(OPCODE_TEXT, text.as_bytes());
    }

    /// Writes all frames that were pushed, in one system call if the kernel takes them. May be dropped half way and
    /// called again.
    pub async fn flush(&mut self) -> Result<(), WsError> {
        while self.written < self.outgoing.len() {
            self.written += self.stream.write(&self.outgoing[self.written..]).await?;
        }
        // Encrypted parts of it may still wait.
        self.stream.flush().await?;
        self.outgoing.clear();
        self.written = 0;
        Ok(())
    }

    /// The next message, good until the next call. Answers pings on the way. May be dropped while it waits.
    pub async fn next(&mut self) -> Result<&[u8], WsError> {
        if !self.fragmented {
            self.fragments.clear();
        }
        loop {
            let frame = match self.take_frame()? {
                Some(frame) => frame,
                None => {
                    self.fill().await?;
                    continue;
                }
            };
            let payload = frame.begin..frame.end;
            match frame.opcode {
                OPCODE_TEXT if frame.last && !self.fragmented => return Ok(&self.buffer[payload]),
                OPCODE_TEXT if self.fragmented => return Err(WsError::Protocol("a fragment is missing")),
                OPCODE_CONTINUATION if !self.fragmented => {
                    return Err(WsError::Protocol("a fragment without a beginning"));
                }
                OPCODE_TEXT | OPCODE_CONTINUATION => {
                    self.fragmented = !frame.last;
                    if self.fragments.len() + payload.len() > MESSAGE_BYTES_MAX {
                        return Err(WsError::Protocol("a message is too long"));
                    }
                    self.fragments.extend_from_slice(&self.buffer[payload]);
                    if frame.last {
                        return Ok(&self.fragments);
                    }
                }
                OPCODE_PING => {
                    let echo = self.buffer[payload].to_vec();
                    self.push_frame(OPCODE_PONG, &echo);
                    self.flush().await?;
                }
                OPCODE_PONG => {}
                OPCODE_CLOSE => return Err(closed(&self.buffer[payload])),
                OPCODE_BINARY => return Err(WsError::Protocol("a binary frame")),
                _ => return Err(WsError::Protocol("a frame of an unknown kind")),
            }
        }
    }

    /// Says goodbye and waits until the server has said it too, so that nothing sent before is lost.
    pub async fn close(mut self) {
        self.push_frame(OPCODE_CLOSE, &1000_u16.to_be_bytes());
        if self.flush().await.is_ok() {
            while self.next().await.is_ok() {}
        }
    }

    async fn fill(&mut self) -> Result<(), WsError> {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        } else if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(WsError::Ended),
            _ => Ok(()),
        }
    }

    /// The next whole frame of the buffer, its payload as a range; it counts as looked at.
    fn take_frame(&mut self) -> Result<Option<Frame>, WsError> {
        let waiting = &self.buffer[self.start..];
        let &[first, second, ..] = waiting else { return Ok(None) };
        if second & 0x80 != 0 {
            return Err(WsError::Protocol("the server's frame is masked"));
        }
        let (header, length) = match second & 0x7f {
            126 => match waiting.get(2..4) {
                Some(bytes) => (4, u64::from(u16::from_be_bytes([bytes[0], bytes[1]]))),
                None => return Ok(None),
            },
            127 => match waiting.get(2..10).and_then(|bytes| bytes.try_into().ok()) {
                Some(bytes) => (10, u64::from_be_bytes(bytes)),
                None => return Ok(None),
            },
            short => (2, u64::from(short)),
        };
        if length > MESSAGE_BYTES_MAX as u64 {
            return Err(WsError::Protocol("a frame is too long"));
        }
        let begin = self.start + header;
        let end = begin + length as usize;
        if end > self.buffer.len() {
            return Ok(None);
        }
        self.start = end;
        Ok(Some(Frame { last: first & 0x80 != 0, opcode: first & 0x0f, begin, end }))
    }

    fn push_frame(&mut self, opcode: u8, payload: &[u8]) {
        // Xorshift: what matters is that proxies cannot be made to see text that somebody chose.
        self.mask ^= self.mask << 13;
        self.mask ^= self.mask >> 17;
        self.mask ^= self.mask << 5;
        let mask = self.mask.to_ne_bytes();
        let out = &mut self.outgoing;
        out.push(0x80 | opcode);
        match payload.len() {
            length @ 0..126 => out.push(0x80 | length as u8),
            length @ 126..=0xffff => {
                out.push(0x80 | 126);
                out.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                out.push(0x80 | 127);
                out.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        out.extend_from_slice(&mask);
        let begin = out.len();
        out.extend_from_slice(payload);
        for chunk in out[begin..].chunks_mut(4) {
            for (byte, key) in chunk.iter_mut().zip(mask) {
                *byte ^= key;
            }
        }
    }
}

struct Frame {
    last: bool,
    opcode: u8,
    begin: usize,
    end: usize,
}

fn closed(payload: &[u8]) -> WsError {
    match payload {
        [high, low, text @ ..] => WsError::Closed {
            code: u16::from_be_bytes([*high, *low]),
            text: String::from_utf8_lossy(text).into_owned(),
        },
        _ => WsError::Closed { code: 1005, text: String::new() },
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use tokio::net::TcpListener;

    /// A server that answers the upgrade rightly, then sends `bytes`, and gives back what it read after that until
    /// `expected` bytes came.
    async fn serve(bytes: Vec<u8>, expected: usize) -> (Target, tokio::task::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while find(&head, b"\r\n\r\n").is_none() {
                stream.read_buf(&mut head).await.unwrap();
            }
            let head = String::from_utf8(head).unwrap();
            let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
            let accept = derive_accept_key(key.as_bytes());
            let answer = format!("HTTP/1.1 101 Switching\r\nsec-websocket-accept: {accept}\r\n\r\n");
            // The first frames come in the same segment, as a fast server does.
            stream.write_all(&[answer.as_bytes(), &bytes].concat()).await.unwrap();
            let mut read = Vec::new();
            while read.len() < expected {
                stream.read_buf(&mut read).await.unwrap();
            }
            read
        });
        let source = Some(Ipv4Addr::new(127, 0, 0, 9).into());
        (Target { source, ..Target::plain(Door::plain(address)) }, server)
    }

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![first];
        match payload.len() {
            length @ 0..126 => out.push(length as u8),
            length => out.extend_from_slice(&[126, (length >> 8) as u8, length as u8]),
        }
        out.extend_from_slice(payload);
        out
    }

    #[tokio::test]
    async fn messages_come_whole_whatever_their_frames() {
        let long = vec![b'x'; 5_000];
        let bytes = [
            frame(0x81, b"one"),
            frame(0x01, b"tw"),
            frame(0x89, b"ping!"),
            frame(0x00, b""),
            frame(0x80, b"o"),
            frame(0x81, &long),
            frame(0x88, b"\x0f\xa1too slow"),
        ]
        .concat();
        let pong_bytes = 2 + 4 + b"ping!".len();
        let (target, server) = serve(bytes, pong_bytes).await;
        let mut socket = WebSocket::connect(&target, None).await.unwrap();
        assert_eq!(socket.next().await.unwrap(), b"one");
        assert_eq!(socket.next().await.unwrap(), b"two");
        assert_eq!(socket.next().await.unwrap(), long);
        let end = socket.next().await.unwrap_err();
        assert!(matches!(end, WsError::Closed { code: 4001, text } if text == "too slow"));
        let mut pong = server.await.unwrap();
        assert_eq!(pong[..2], [0x8a, 0x85]);
        let mask: [u8; 4] = pong[2..6].try_into().unwrap();
        pong[6..].iter_mut().zip(mask.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        assert_eq!(&pong[6..], b"ping!");
    }

    #[tokio::test]
    async fn what_is_pushed_is_written_at_once_and_masked() {
        let long = "y".repeat(300);
        let (target, server) = serve(Vec::new(), (6 + 2) + (8 + 300)).await;
        let mut socket = WebSocket::connect(&target, Some("token")).await.unwrap();
        socket.push_text("hi");
        socket.push_text(&long);
        socket.flush().await.unwrap();
        let read = server.await.unwrap();
        assert_eq!(read[..2], [0x81, 0x82]);
        assert_eq!(read[8..12], [0x81, 0x80 | 126, 1, 44]);
        let unmasked = |mask: &[u8], payload: &[u8]| -> Vec<u8> {
            payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
        };
        assert_eq!(unmasked(&read[2..6], &read[6..8]), b"hi");
        assert_eq!(unmasked(&read[12..16], &read[16..]), long.as_bytes());
    }

    #[tokio::test]
    async fn a_server_that_breaks_the_protocol_is_found_out() {
        for bytes in [frame(0x82, b"binary"), frame(0x80, b"rest"), vec![0x81, 0x85], vec![0x81, 127, 255]] {
            let bytes = [bytes, vec![0; 16]].concat();
            let (target, _server) = serve(bytes.clone(), 0).await;
            let mut socket = WebSocket::connect(&target, None).await.unwrap();
            assert!(matches!(socket.next().await, Err(WsError::Protocol(_))), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn an_upgrade_that_is_refused_says_why() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").await.unwrap();
        });
        let target = Target::plain(Door::plain(address));
        let Err(error) = WebSocket::connect(&target, None).await else { panic!("refused") };
        assert_eq!(error.to_string(), "the upgrade was answered by `HTTP/1.1 503 Service Unavailable`");
    }
}
