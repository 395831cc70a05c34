//! What carries messages between servers. Whoever sends and reads them knows no more of it than stands here.
//!
//! Deliberately absent: answers, acknowledgements, and any promise. What has to arrive is numbered, acknowledged and sent again
//! by those who speak to each other.

use bytes::Bytes;

use crate::domain::ids::{ConcertId, NodeNo};
use crate::domain::time::Timestamp;

/// Whom a message is for. Nobody is brought what they sent themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Node(NodeNo),
    /// Everybody who reads this sale.
    Sale(ConcertId),
    All,
}

/// What a carrier brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It may be a piece of a larger buffer, which lives as long: what is kept for long is copied.
    Message(Bytes),
    /// Some messages may be lost: a queue was full, or a connection was made, be it the first one. It comes before what was sent
    /// after the loss wherever that can be known.
    MayBeLost,
}

/// Promises nothing but that what arrives is what was sent: a message may be lost, doubled, late, or behind a later one of
/// another sender. Those of one sender to one place keep their order.
pub trait Carrier: Send + Sync {
    /// Hands a message over; never waits. `false`: there is no room, or no connection, and it is lost.
    fn send(&self, to: To, message: Bytes) -> bool;

    /// From now on messages to the readers of this sale are brought, or are not any more. What is sent afterwards from here is
    /// behind it on its way.
    fn read_sale(&self, concert: ConcertId, reads: bool);

    /// The steady time since which messages cannot be sent, if they cannot.
    fn out_since(&self) -> Option<Timestamp>;

    /// What somebody finds it by who is to mend it. Nobody's login.
    fn name(&self) -> &str;
}
