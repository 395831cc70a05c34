//! What a gateway and an owner say to each other about commands. The gateway numbers them for each sale, without holes. The
//! owner takes each number once and in order, and keeps each answer until the gateway has it. Both say again what the other
//! has not confirmed, so that what a carrier loses, doubles or delays changes nothing.
//!
//! Always: within a conversation a command is taken at most once. An answer is handed on only when all before it in the same
//! sale were: what is unanswered when a conversation ends is the end of what was asked, and may be asked anew in its order.

mod answering;
mod asking;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

pub use answering::{Answering, Taken};
pub use asking::Asking;

use crate::domain::ids::ConcertId;

/// What was said and not confirmed for so long is said again.
pub const SAID_AGAIN_AFTER: Duration = Duration::from_millis(250);
/// Something else is mostly said within this time, and confirms along the way what was heard.
pub const CONFIRMED_AFTER: Duration = Duration::from_millis(40);
/// A conversation in which something was not confirmed for so long is over.
pub const UNCONFIRMED_MAX: Duration = Duration::from_secs(10);
/// So is one of which this much waits to be confirmed: gateways have credits, and answers of theirs are small.
pub const UNCONFIRMED_BYTES_MAX: usize = 16 << 20;
/// Larger messages would stand in the way of others.
const MESSAGE_BYTES_MAX: usize = 16 << 10;
/// What is under way to the other at a time: more would only add to what makes it late, and all of it may have to be said again.
const IN_FLIGHT_BYTES_MAX: usize = 256 << 10;

/// Commands for an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asks {
    /// Counted by the gateway: a later conversation has a greater number, and voids what waits from this one.
    pub conversation: u64,
    pub sales: Vec<AsksOfSale>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsksOfSale {
    pub concert: ConcertId,
    /// The claim by which the gateway believes that the owner runs the sale.
    pub epoch: u64,
    /// Grows when the gateway begins anew after commands that were not the owner's to decide.
    pub attempt: u32,
    /// The answers to all commands before this number were handed on.
    pub answered: u64,
    /// The number of the first command.
    pub first: u64,
    pub commands: Vec<Bytes>,
}

/// Answers for a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    pub conversation: u64,
    pub sales: Vec<AnswersOfSale>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswersOfSale {
    pub concert: ConcertId,
    /// All commands before this number were taken.
    pub taken: u64,
    /// Each with the number of its command.
    pub answers: Vec<(u64, Bytes)>,
}
