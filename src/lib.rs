//! Frontrow: a websocket-first real-time ticketing server.

pub mod domain;
pub mod limits;
pub mod metrics;
pub mod store;
pub mod venue;
