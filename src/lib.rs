//! Frontrow: a websocket-first real-time ticketing server.

pub mod domain;
