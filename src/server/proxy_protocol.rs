//! The PROXY protocol, versions 1 and 2: a proxy says once, before anything else, whose connection it hands on. Read
//! to the byte, so that whatever follows, TLS or HTTP, begins where it should. Only from proxies of ours.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt};

/// Version 2 begins with this; version 1 is never shorter.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1.
const LINE_BYTES_MAX: usize = 107;
/// The bytes that version 2 may add to the addresses, for other readers than us.
const BLOCK_BYTES_MAX: usize = 4 * 1024;
const LOCAL: u8 = 0x20;
const PROXIED: u8 = 0x21;
const IPV4: u8 = 0x1;
const IPV6: u8 = 0x2;

/// The address of the one behind the proxy; `None` where the proxy is the client itself, or for nobody it can name.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    let mut start = [0; SIGNATURE.len()];
    stream.read_exact(&mut start).await?;
    if start == SIGNATURE { version_2(stream).await } else { version_1(stream, &start).await }
}

async fn version_1(stream: &mut (impl AsyncRead + Unpin), start: &[u8]) -> io::Result<Option<IpAddr>> {
    let mut line = start.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() == LINE_BYTES_MAX {
            return Err(malformed("the line is too long"));
        }
        // A byte at a time: what follows the line is not ours to read.
        line.push(stream.read_u8().await?);
    }
    let line = std::str::from_utf8(&line).map_err(|_| malformed("the line is not text"))?;
    let words: Vec<_> = line.trim_end().split(' ').collect();
    match words[..] {
        ["PROXY", "UNKNOWN", ..] => Ok(None),
        ["PROXY", "TCP4", source, _, _, _] => {
            let source: Ipv4Addr = source.parse().map_err(|_| malformed("the source is no IPv4 address"))?;
            Ok(Some(source.into()))
        }
        ["PROXY", "TCP6", source, _, _, _] => {
            let source: Ipv6Addr = source.parse().map_err(|_| malformed("the source is no IPv6 address"))?;
            Ok(Some(IpAddr::V6(source).to_canonical()))
        }
        _ => Err(malformed("there is none")),
    }
}

async fn version_2(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    let command = stream.read_u8().await?;
    let family = stream.read_u8().await? >> 4;
    let length = usize::from(stream.read_u16().await?);
    if length > BLOCK_BYTES_MAX {
        return Err(malformed("it is too long"));
    }
    let mut block = vec![0; length];
    stream.read_exact(&mut block).await?;
    let cut = || malformed("the addresses are cut off");
    match (command, family) {
        (LOCAL, _) => Ok(None),
        (PROXIED, IPV4) => {
            let source: [u8; 4] = block.first_chunk().copied().filter(|_| length >= 12).ok_or_else(cut)?;
            Ok(Some(IpAddr::from(source)))
        }
        (PROXIED, IPV6) => {
            let source: [u8; 16] = block.first_chunk().copied().filter(|_| length >= 36).ok_or_else(cut)?;
            Ok(Some(IpAddr::from(source).to_canonical()))
        }
        // An unspecified family, or sockets in the file system: nobody who has an address.
        (PROXIED, _) => Ok(None),
        _ => Err(malformed("its version or command is unknown")),
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no PROXY header that can be read: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client that is read, and the bytes that are left behind it.
    async fn read_from(bytes: &[u8]) -> Result<(Option<String>, Vec<u8>), io::ErrorKind> {
        let mut stream = bytes;
        let address = read(&mut stream).await.map_err(|error| error.kind())?;
        Ok((address.map(|address| address.to_string()), stream.to_vec()))
    }

    fn version_2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
        let length = (block.len() as u16).to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, block, b"GET"].concat()
    }

    #[tokio::test]
    async fn the_source_is_read_and_nothing_behind_the_header() {
        let some = |address: &str| Ok((Some(address.to_owned()), b"GET".to_vec()));
        let none = Ok((None, b"GET".to_vec()));
        for (line, expected) in [
            ("PROXY TCP4 203.0.113.7 10.0.0.1 5000 80\r\nGET", some("203.0.113.7")),
            ("PROXY TCP6 2001:db8::7 ::1 5000 80\r\nGET", some("2001:db8::7")),
            ("PROXY UNKNOWN\r\nGET", none.clone()),
            ("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\nGET", none.clone()),
        ] {
            assert_eq!(read_from(line.as_bytes()).await, expected, "{line}");
        }
        let v4 = [203, 0, 113, 7, 10, 0, 0, 1, 1, 1, 0, 80];
        let mut v6 = [0; 40];
        v6[..2].copy_from_slice(&[0x20, 0x01]);
        v6[15] = 7;
        assert_eq!(read_from(&version_2(PROXIED, 0x11, &v4)).await, some("203.0.113.7"));
        assert_eq!(read_from(&version_2(PROXIED, 0x21, &v6)).await, some("2001::7"));
        assert_eq!(read_from(&version_2(LOCAL, 0x00, &[])).await, none.clone());
        assert_eq!(read_from(&version_2(PROXIED, 0x31, &[0; 216])).await, none);
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"PROXY TCP4 host 10.0.0.1 5000 80\r\n",
            b"PROXY TCP4 203.0.113.7\r\n",
            &[b'P'; 200],
            &version_2(0x11, 0x11, &[0; 12]),
            &version_2(PROXIED, 0x11, &[0; 11]),
            &version_2(PROXIED, 0x11, &[0; BLOCK_BYTES_MAX + 1]),
        ] {
            assert_eq!(read_from(bytes).await, Err(io::ErrorKind::InvalidData));
        }
        assert_eq!(read_from(b"PROXY TCP4").await, Err(io::ErrorKind::UnexpectedEof));
    }
}
