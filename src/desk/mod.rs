//! What both doors share: rules that hold for a request whether it comes by websocket or over HTTP. Gateway and http
//! ask here; nothing here knows either of them.

pub mod address_limits;
pub mod gate;
pub mod rate;
pub mod remembered;
pub mod request_rates;
pub mod visitor;
