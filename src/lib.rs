//! Frontrow: a websocket-first real-time ticketing server.

pub mod address;
pub mod bus;
pub mod clock;
pub mod config;
pub mod desk;
pub mod dispatcher;
pub mod domain;
pub mod fanout;
pub mod http;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod ops;
pub mod server;
pub mod socket;
pub mod store;
pub mod supervisor;
pub mod venue;
