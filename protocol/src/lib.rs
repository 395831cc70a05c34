//! The wire of Frontrow.
