//! The rules that both doors share, whether a request comes by websocket or over HTTP. Socket and http call this;
//! nothing here knows either of them.

pub mod address_limits;
pub mod admission;
pub mod auth;
pub mod callers;
mod commands;
mod context;
pub mod gate;
pub mod identity;
pub mod operators;
pub mod ops;
pub mod origin;
pub mod outcome;
pub mod prints;
pub mod rate;
pub mod reads;
pub mod remembered;
pub mod replies;
pub mod request;
pub mod request_rates;
pub mod translate;
pub mod visitor;

pub use context::{Context, server_name};
