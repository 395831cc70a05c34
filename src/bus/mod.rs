//! What servers of one cluster say to each other, and what carries it.
//!
//! Always: what comes from another server is bytes that somebody else wrote, and nothing in them makes this one panic. Not here:
//! who runs a sale, which the store says; clients, whose wire is `protocol/`.

pub mod carrier;
pub mod nats;
pub mod wire;
