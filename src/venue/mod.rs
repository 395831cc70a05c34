//! Venues: seating plans in, layouts and seat plans out.

pub mod layout;
