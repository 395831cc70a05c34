//! Connections: who they are, what they may ask, and what they are told.

pub mod auth;
