//! The bodies of operators' calls, a file a subject.

pub mod concert;
pub mod figures;
pub mod making;
pub mod name;
pub mod passkeys;
pub mod schedule;
pub mod seats;
pub mod watch;
pub mod who;
