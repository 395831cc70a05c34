//! Frontrow.
