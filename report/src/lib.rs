//! Pages of figures that need nothing else: no script, no font, no picture from anywhere. The server tells of a night so,
//! and the load tester of a run.
//!
//! Always: whatever text comes in stands in the page as text.

mod chart;
mod numbers;
mod page;

pub use chart::{Axis, COLOURS, Chart, Line, draw};
pub use numbers::{grouped, short};
pub use page::{Page, escaped};
