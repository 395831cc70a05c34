//! Websockets: a pure machine for the rules of one connection (`session`), the task that owns its socket and holds no
//! rules (`connection`), and the bytes below both doors, encrypted or not (`stream`, `tls`, `kernel`).

pub mod connection;
mod frame;
mod frame_reader;
pub mod hub;
pub mod kernel;
mod outbox;
pub mod permit;
pub mod session;
pub mod stream;
pub mod timers;
pub mod tls;
pub mod upgrade;
mod wire;
