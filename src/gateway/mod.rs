//! Connections: who they are, what they may ask, and what they are told.

mod accept;
mod alarms;
mod ask;
pub mod auth;
mod connection;
mod context;
mod file_limit;
mod frame_reader;
mod http_stream;
mod hub;
pub mod identity;
mod kernel;
mod late_timer;
pub mod origin;
mod outbox;
pub mod outcome;
mod proxy_protocol;
pub mod request;
pub mod session;
mod stream;
pub mod tls;
pub mod translate;
mod upgrade;
mod wire;

pub use accept::{Listeners, bind, serve};
pub use context::Context;
