//! What servers of one cluster say to each other: what carries it, how it is written, and how commands and their answers survive
//! what a carrier does to them.
//!
//! Always: what comes from another server is bytes that somebody else wrote, and nothing in them makes this one panic. Not here:
//! who runs a sale, which the store says; clients, whose wire is `protocol/`.

pub mod carrier;
pub mod clocks;
pub mod conversation;
pub mod message;
pub mod nats;
pub mod wire;
