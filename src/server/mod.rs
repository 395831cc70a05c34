//! The server as a whole: who is let in, and which door a connection takes.

mod accept;
mod file_limit;
mod http_stream;
mod late_timer;
mod proxy_protocol;

pub use accept::{Doors, Listeners, bind, serve};
