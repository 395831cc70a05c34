//! What servers say to each other, as bytes: small, written without looking anything up, and read with a bound on everything.
//!
//! The types are the domain's, which knows nothing of this. Each is listed here with its fields and variants (`list`), so that
//! one that is added, renamed or taken away does not compile before the list says what becomes of it.
//!
//! ```text
//! number      LEB128, in as few bytes as it takes; signed ones zigzag before
//! id          a number, or the 16 bytes of a UUID
//! text        its number of bytes, and they, in UTF-8
//! list        its number of items, and they
//! optional    0, or 1 and the value
//! struct      its fields, in the order of its list
//! enum        the variant's tag, a number, and its fields
//! ```
//!
//! Always: a value has one encoding, and bytes that are read are that of the value which they give. No more memory is set aside
//! than what is left of the input could fill, or `PREPARED_BYTES`. No listed type is within itself, so that reading goes
//! no deeper than types do.
//!
//! **To change it.** Servers of two releases that follow each other run beside each other. What a release spoke stays as it was:
//! tags are never given to something else, nor fields moved. A new variant has the next tag; who does not know it gets
//! `WireError::Unknown`, and knows by it that the bytes are whole and of a newer release. A new field stands where it likes, as
//! `field since N`: it is left out for those who speak less than N, and read as its default from them. Either makes `WIRE` one
//! more, with fixtures of its own (`testdata/`), and those of the last release stay to be read and written by `decode_as` and
//! `encode_as`.
//!
//! Not here: who speaks which wire, and what is said.

mod commands;
mod events;
mod list;
mod names;
mod plain;
mod records;
mod replies;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use list::{put_field, take_field, wire_enum, wire_struct};

/// The version of what is written here.
pub const WIRE: u16 = 1;

/// The memory that a list may be given before its items are read, however little input is left: a short list of wide items
/// is then allocated once.
const PREPARED_BYTES: usize = 4 * 1024;

/// Why bytes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A newer release has this, or an older one had it. Nothing is wrong with the bytes.
    #[error("no {what} has the tag {tag} here")]
    Unknown { what: &'static str, tag: u64 },
    #[error("the bytes end too early")]
    Ended,
    #[error("the bytes are no {0}")]
    Malformed(&'static str),
    #[error("{0} bytes are left over")]
    LeftOver(usize),
}

/// What can be written.
pub trait Put {
    fn put(&self, to: &mut Writer);
}

/// What can be read.
pub trait Take: Sized {
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError>;
}

pub fn encode<T: Put>(value: &T) -> Vec<u8> {
    encode_as(value, WIRE)
}

/// The same for somebody who speaks an older wire.
pub fn encode_as<T: Put>(value: &T, wire: u16) -> Vec<u8> {
    let mut writer = Writer::new(wire);
    value.put(&mut writer);
    writer.into_bytes()
}

/// Reads a value, which has to be all of it.
pub fn decode<T: Take>(bytes: &[u8]) -> Result<T, WireError> {
    decode_as(bytes, WIRE)
}

/// The same from somebody who speaks an older wire.
pub fn decode_as<T: Take>(bytes: &[u8], wire: u16) -> Result<T, WireError> {
    let mut reader = Reader::new(bytes, wire);
    let value = T::take(&mut reader)?;
    match reader.rest.len() {
        0 => Ok(value),
        left => Err(WireError::LeftOver(left)),
    }
}

/// Bytes that are being written, and the wire that their reader speaks.
pub struct Writer {
    bytes: Vec<u8>,
    wire: u16,
}

impl Writer {
    pub fn new(wire: u16) -> Self {
        // Most of what is said is shorter.
        Self { bytes: Vec::with_capacity(128), wire }
    }

    /// Does the reader know what is there since this wire?
    pub fn speaks(&self, since: u16) -> bool {
        self.wire >= since
    }

    #[inline]
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Bytes that are being read, and the wire that their writer spoke.
pub struct Reader<'b> {
    rest: &'b [u8],
    wire: u16,
}

impl<'b> Reader<'b> {
    pub fn new(bytes: &'b [u8], wire: u16) -> Self {
        Self { rest: bytes, wire }
    }

    /// Did the writer know what is there since this wire?
    pub fn speaks(&self, since: u16) -> bool {
        self.wire >= since
    }

    #[inline]
    pub fn byte(&mut self) -> Result<u8, WireError> {
        let (first, rest) = self.rest.split_first().ok_or(WireError::Ended)?;
        self.rest = rest;
        Ok(*first)
    }

    #[inline]
    pub fn number(&mut self) -> Result<u64, WireError> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            let is_last = byte < 0x80;
            // What 64 bits do not hold, and a last byte that says nothing: the number has a shorter encoding.
            if bits << shift >> shift != bits || is_last && byte == 0 && shift > 0 {
                break;
            }
            number |= bits << shift;
            if is_last {
                return Ok(number);
            }
        }
        Err(WireError::Malformed("number"))
    }

    /// So many bytes.
    pub fn raw(&mut self, count: usize) -> Result<&'b [u8], WireError> {
        let (raw, rest) = self.rest.split_at_checked(count).ok_or(WireError::Ended)?;
        self.rest = rest;
        Ok(raw)
    }

    /// As many bytes as there always are.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(WireError::Ended)?;
        self.rest = rest;
        Ok(*array)
    }

    /// The number of items, or of bytes, that follow. Each is a byte at least, so that what is left bounds it.
    #[inline]
    pub fn count(&mut self) -> Result<usize, WireError> {
        let count = self.number()?;
        usize::try_from(count).ok().filter(|count| *count <= self.rest.len()).ok_or(WireError::Ended)
    }

    /// The items to set memory aside for, of this many that are said to follow.
    fn prepared<T>(&self, count: usize) -> usize {
        count.min(self.rest.len().max(PREPARED_BYTES) / size_of::<T>().max(1))
    }
}
