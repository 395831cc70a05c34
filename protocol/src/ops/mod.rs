//! The bodies of operators' calls.

pub mod who;
