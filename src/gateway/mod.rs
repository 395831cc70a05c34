//! Connections: who they are, what they may ask, and what they are told.

pub mod auth;
mod context;
pub mod identity;
pub mod origin;
pub mod outcome;
pub mod rate;
mod remembered;
pub mod request;
pub mod session;
pub mod translate;

pub use context::Context;
