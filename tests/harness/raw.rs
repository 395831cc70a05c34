//! A client that sends the bytes it likes, and reads only when it likes.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::in_time;
use super::tls::{self, Pipe};

/// A receive buffer so small that the peer's kernel has to keep what is not read.
const LITTLE_ROOM: u32 = 4 * 1024;

pub struct Raw {
    stream: Pipe,
}

impl Raw {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::connect_to(address, false).await
    }

    /// The same, encrypted or not.
    pub async fn connect_to(address: SocketAddr, secure: bool) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(LITTLE_ROOM).unwrap();
        let stream = in_time("a connection", socket.connect(address)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream: match secure {
                true => Box::new(tls::secure_over(stream, address).await.unwrap()),
                false => Box::new(stream),
            },
        }
    }

    /// A websocket, known by its token if there is one.
    pub async fn websocket(address: SocketAddr, token: Option<&str>) -> Self {
        Self::websocket_to(address, false, token).await
    }

    /// The same, encrypted or not.
    pub async fn websocket_to(address: SocketAddr, secure: bool, token: Option<&str>) -> Self {
        let mut raw = Self::connect_to(address, secure).await;
        let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        raw.send(format!(
            "GET /ws HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{bearer}\r\n"
        ))
        .await;
        let head = raw.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        raw
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.unwrap();
    }

    /// An error if the server hung up meanwhile.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        in_time("room to write", async {
            self.stream.write_all(bytes.as_ref()).await?;
            self.stream.flush().await
        })
        .await
    }

    /// One frame of a client, masked with zeros.
    pub async fn send_frame(&mut self, first: u8, payload: &[u8]) {
        self.send(frame(first, payload)).await;
    }

    /// The head of an answer, to its empty line.
    pub async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = in_time("an answer's head", self.stream.read_u8()).await;
            head.push(
                byte.unwrap_or_else(|error| panic!("{error} after {}", String::from_utf8_lossy(&head))),
            );
        }
        String::from_utf8(head).unwrap()
    }

    pub async fn byte(&mut self) -> u8 {
        in_time("a byte", self.stream.read_u8()).await.unwrap()
    }

    /// Reads so many bytes, and forgets them.
    pub async fn skip(&mut self, bytes: usize) {
        in_time("a body", self.stream.read_exact(&mut vec![0; bytes])).await.unwrap();
    }

    /// All that comes until the server hangs up.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // However it hangs up.
        let _ = in_time("the end", self.stream.read_to_end(&mut rest)).await;
        rest
    }

    /// The code of the close frame at the end, if the server said one.
    pub async fn close_code(&mut self) -> Option<u16> {
        let rest = self.rest().await;
        let mut at = 0;
        while let Some(&[first, length]) = rest.get(at..at + 2) {
            let (head, payload) = match length {
                126 => (4, usize::from(u16::from_be_bytes([rest[at + 2], rest[at + 3]]))),
                127 => (10, u64::from_be_bytes(rest[at + 2..at + 10].try_into().unwrap()) as usize),
                short => (2, usize::from(short)),
            };
            if first == 0x88 {
                return Some(u16::from_be_bytes([rest[at + 2], rest[at + 3]]));
            }
            at += head + payload;
        }
        None
    }
}

/// A client's frame, masked with zeros; `payload` has at most 125 bytes.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() <= 125);
    let mut bytes = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    bytes.extend_from_slice(payload);
    bytes
}
