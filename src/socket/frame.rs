//! A frame on its way out. What was encoded once for many is written from where it lies, with a header of its own.

use bytes::Bytes;

const FIN: u8 = 0x80;

/// The kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Opcode {
    Text = 0x1,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

pub(super) struct Frame {
    header: [u8; 10],
    header_len: u8,
    payload: Bytes,
}

impl Frame {
    /// Unmasked and whole, as a server's frames are.
    pub fn new(opcode: Opcode, payload: Bytes) -> Self {
        let mut header = [0; 10];
        header[0] = FIN | opcode as u8;
        let header_len = match payload.len() {
            len @ 0..=125 => {
                header[1] = len as u8;
                2
            }
            len @ 126..=0xFFFF => {
                header[1] = 126;
                header[2..4].copy_from_slice(&(len as u16).to_be_bytes());
                4
            }
            len => {
                header[1] = 127;
                header[2..10].copy_from_slice(&(len as u64).to_be_bytes());
                10
            }
        };
        Self { header, header_len, payload }
    }

    pub fn text(text: Bytes) -> Self {
        Self::new(Opcode::Text, text)
    }

    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub fn header(&self) -> &[u8] {
        &self.header[..usize::from(self.header_len)]
    }

    pub fn len(&self) -> usize {
        usize::from(self.header_len) + self.payload.len()
    }
}

/// A frame of which the socket took only so many bytes.
pub(super) struct Begun {
    pub frame: Frame,
    pub written: usize,
}
