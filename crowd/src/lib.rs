//! Synthetic buyers: how they arrive, what they ask over real websockets, how long they think, and what they believe of the
//! answers. The load tester plays them from outside, a rehearsal from within the server; what they do and how it is counted
//! is the same.
//!
//! Always: what was refused by the rules is counted apart from what failed; nobody's word is taken that can be proved. Not
//! here: servers, users, venues, reports.

pub mod claims;
pub mod crew;
pub mod door;
pub mod fan;
pub mod figures;
pub mod night;
pub mod record;
pub mod seats;
pub mod shop;
pub mod tokens;
pub mod ws;
