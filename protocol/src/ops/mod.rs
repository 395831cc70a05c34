//! The bodies of operators' calls, a file a subject.

pub mod seats;
pub mod who;
