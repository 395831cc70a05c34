//! The listener that a request came in by, and the address that its bytes are from. Not here: who sent it, which takes
//! a token.

use std::net::IpAddr;

use frontrow_protocol::ErrorObject;
use hyper::HeaderMap;

/// The listener that took the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Everybody's.
    Public,
    /// The operators' own, with connections of its own.
    Admin,
    /// That of a rehearsal's buyers, who connect from within this process. No address leads there.
    Rehearsal,
}

/// Whose sales somebody may know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// All sales but rehearsals.
    Everybody,
    /// Rehearsals alone.
    Rehearsal,
}

/// Who may say hello on a websocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admits {
    Everybody,
    /// Operators have a listener of their own.
    Fans,
    Operators,
    /// Those who play a rehearsal.
    Buyers,
}

impl Admits {
    /// Those of these that are let in.
    pub fn of<U, B>(self, user: Option<U>, badge: Option<B>) -> Result<(Option<U>, Option<B>), ErrorObject> {
        match (self, user, badge) {
            (Self::Everybody, user, badge) => Ok((user, badge)),
            (Self::Fans | Self::Buyers, Some(user), _) => Ok((Some(user), None)),
            (Self::Fans, None, _) => {
                Err(ErrorObject::forbidden("operators connect at an address of their own"))
            }
            (Self::Buyers, None, _) => Err(ErrorObject::forbidden("only buyers of a rehearsal connect here")),
            (Self::Operators, _, Some(badge)) => Ok((None, Some(badge))),
            (Self::Operators, _, None) => {
                Err(ErrorObject::forbidden("only operators connect at this address"))
            }
        }
    }

    /// Whose sales they may know of.
    pub fn audience(self) -> Audience {
        match self {
            Self::Buyers => Audience::Rehearsal,
            Self::Everybody | Self::Fans | Self::Operators => Audience::Everybody,
        }
    }
}

impl Door {
    /// `apart`: operators have a listener of their own.
    pub fn admits(self, apart: bool) -> Admits {
        match (self, apart) {
            (Self::Admin, _) => Admits::Operators,
            (Self::Rehearsal, _) => Admits::Buyers,
            (Self::Public, true) => Admits::Fans,
            (Self::Public, false) => Admits::Everybody,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub door: Door,
    /// The address that counts.
    pub client: IpAddr,
    /// The client is on this machine, and nobody handed the request on.
    pub is_local: bool,
}

/// The headers that proxies add. A request with one of these is not taken for local, whether a proxy wrote it or not.
const FORWARDING: [&str; 6] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

/// Was this request handed on by somebody?
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDING.iter().any(|name| headers.contains_key(*name))
}
