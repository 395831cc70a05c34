//! The server as a whole: put together from its settings (`assembly`), who is let in (`accept`), and which door a
//! connection takes.

mod accept;
mod assembly;
mod file_limit;
mod hand_over;
mod http_stream;
mod late_timer;
mod proxy_protocol;

pub use accept::bind;
pub use assembly::{Given, Server, ServerError, start};
