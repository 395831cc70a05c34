//! What is stored of a venue for each schedule, and served as its drawing.

use serde::{Deserialize, Serialize};

/// A venue's drawing, in columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VenueLayout {
    pub name: String,
}
