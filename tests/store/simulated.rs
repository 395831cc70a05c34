//! The store that the simulation fails in, while nothing goes wrong.

use frontrow_testing::conformance_tests;
use frontrow_testing::simulated::{Database, SimulatedStore};

async fn fresh() -> (SimulatedStore, ()) {
    (Database::new(1).connect(), ())
}

conformance_tests!(fresh());
