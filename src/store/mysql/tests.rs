//! What is MySQL's own, on a private MariaDB.

use super::*;
use crate::mariadb::empty_database;
use crate::store::conformance;

async fn fresh() -> (MySqlStore, ()) {
    (MySqlStore::open(&empty_database().await).await.unwrap(), ())
}

conformance::conformance_tests!(fresh());
