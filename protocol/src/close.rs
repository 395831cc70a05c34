//! Why a websocket is closed. 4000–4499: come back; 4500–4999: do not.

/// The code of a close frame. Append-only: none changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The peer broke the websocket protocol.
    ProtocolError = 1002,
    /// A binary frame.
    UnsupportedData = 1003,
    /// A text frame that is not UTF-8.
    InvalidText = 1007,
    /// A message over `limits::FRAME_BYTES_MAX`, or in more than `limits::FRAGMENTS_MAX` frames.
    TooBig = 1009,
    /// The server restarts; come back after a random 0 to 5 s.
    Restarting = 1012,
    /// No `hello` in time.
    NoHello = 4000,
    /// The client did not take its answers.
    TooSlow = 4001,
    /// The server found a fault of its own and ended the session to be safe.
    ServerFault = 4002,
    /// Neither the upgrade nor `hello` brought a valid token.
    Unauthenticated = 4500,
    /// Too many frames that were no requests.
    TooManyMalformed = 4501,
    /// The user opened more connections than are allowed; this was the oldest.
    TooManyConnections = 4502,
}

impl CloseCode {
    pub const ALL: &'static [Self] = &[
        Self::ProtocolError,
        Self::UnsupportedData,
        Self::InvalidText,
        Self::TooBig,
        Self::Restarting,
        Self::NoHello,
        Self::TooSlow,
        Self::ServerFault,
        Self::Unauthenticated,
        Self::TooManyMalformed,
        Self::TooManyConnections,
    ];

    pub const fn code(self) -> u16 {
        self as u16
    }

    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|close| close.code() == code)
    }

    /// The text of the close frame; at most 123 bytes, as RFC 6455 wants.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ProtocolError => "protocol error",
            Self::UnsupportedData => "binary frames are not accepted",
            Self::InvalidText => "text frames must be UTF-8",
            Self::TooBig => "messages may have at most 16 KiB, in 64 frames",
            Self::Restarting => "restarting: reconnect in 0 to 5 s",
            Self::NoHello => "no hello in time",
            Self::TooSlow => "answers were not read in time",
            Self::ServerFault => "a fault of the server: reconnect",
            Self::Unauthenticated => "unauthenticated",
            Self::TooManyMalformed => "too many malformed requests",
            Self::TooManyConnections => "too many connections of this user",
        }
    }

    /// May the client come back by itself? It may not where it would only be closed again.
    pub const fn may_reconnect(self) -> bool {
        match self {
            Self::Restarting | Self::NoHello | Self::TooSlow | Self::ServerFault => true,
            Self::ProtocolError
            | Self::UnsupportedData
            | Self::InvalidText
            | Self::TooBig
            | Self::Unauthenticated
            | Self::TooManyMalformed
            | Self::TooManyConnections => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_codes_tell_by_their_range_whether_to_come_back() {
        for close in CloseCode::ALL {
            assert_eq!(CloseCode::from_code(close.code()), Some(*close));
            assert!(close.text().len() <= 123);
            if close.code() >= 4000 {
                assert_eq!(close.may_reconnect(), close.code() < 4500, "{close:?}");
            }
        }
        assert_eq!(CloseCode::from_code(4999), None);
    }
}
