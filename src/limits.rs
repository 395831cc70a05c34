//! Every bound of the server, with its reason.

/// What `reservations` lists at most: a page for a person, not an export.
pub const RESERVATIONS_LISTED_MAX: u32 = 200;

/// What `tickets` lists at most.
pub const TICKETS_LISTED_MAX: u32 = 500;
