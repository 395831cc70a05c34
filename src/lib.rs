//! Frontrow: a websocket-first real-time ticketing server.

pub mod domain;
pub mod limits;
pub mod store;
pub mod venue;
