//! The wire of Frontrow: every name that crosses a socket, and the only place where such a name is written.
//!
//! Three envelopes exist: a request (has an `id`), an answer (echoes it) and a push (has none). Requests are read
//! strictly, an unknown field is refused; answers and pushes are read leniently, so that a server may add fields.
//! All of it derives from the types here: the fixtures are checked against them, and the OpenAPI and AsyncAPI
//! documents are generated from them.
//!
//! Not here: any rule of a sale, any clock, any socket.

pub mod about;
pub mod admin;
pub mod asyncapi;
pub mod call;
pub mod close;
pub mod duration;
pub mod envelope;
pub mod error;
pub mod http;
pub mod ids;
pub mod layout;
pub mod limits;
pub mod openapi;
pub mod ops;
pub mod push;
pub mod request;
pub mod result;
pub mod roles;
mod schema;
pub mod seats;
mod strict;
pub mod time;

pub use close::CloseCode;
pub use duration::HumanDuration;
pub use envelope::{
    Malformed, Response, ServerMessage, encode_error, encode_push, encode_request, encode_result,
    encode_result_raw, parse_request,
};
pub use error::{ErrorData, ErrorObject, Reason, RefusedStatus};
pub use ids::{IdempotencyKey, RequestId};
pub use push::Push;
pub use request::{Method, Request};
pub use roles::{Role, RoleSet};
pub use seats::{SeatChange, SeatList, SeatState, decode_seats, encode_seats};
pub use strict::{parse_body, parse_object};
pub use time::Timestamp;

/// The websocket subprotocol that a client asks for.
pub const SUBPROTOCOL: &str = "frontrow.v1";
