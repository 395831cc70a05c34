//! Venues: from an organiser's seating plan to what is stored, drawn and sold, and plans made up for trying things.
//!
//! `import` reads a plan's file and prices and gives a `VenueLayout`, or every fault with its path. A layout is
//! stored with its schedule, served to browsers, and turned into the domain's `SeatPlan` at every start. Always:
//! seats are numbered 0..n−1 in the order of the file, and the same file gives the same layout. Not here: files,
//! databases, who holds what.

mod color;
mod fault;
mod generate;
mod geometry;
pub mod import;
pub mod labels;
pub mod layout;
mod plan;
pub mod read;
mod stage;
mod zone;

pub use fault::{Fault, Place};
pub use generate::{SeatsOutOfRange, Shape, UnknownShape, generate, suggested_prices};
pub use import::{
    ExaminedPlan, ImportOptions, ImportedVenue, PlanCategory, PriceError, Sketch, examine, import,
    parse_price,
};
pub use layout::{LayoutCategory, LayoutRow, LayoutZone, SeatColumns, VenueLayout};
pub use plan::{Area, AreaShape, AreaText, Circle, Ellipse, Point, Polygon, Size};
pub use read::{FILE_BYTES_MAX, SEATS_MAX};
pub use zone::{TimeError, UnknownZone, WrittenTime, Zone};

#[cfg(test)]
mod tests;
