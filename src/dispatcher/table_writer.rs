//! A lane's table writer: it has the tables follow what the lane committed, beside the lane's commits. One transaction at a
//! time, of one sale each.
//!
//! Always: what the store did not say that it has is asked for again; the step in `applied` makes it happen once. A sale that
//! another writer took over is let go of.

use std::sync::Arc;
use std::time::Duration;

use super::handle::Shared;
use super::tables::Tables;
use crate::metrics::Metrics;
use crate::store::{self, Store, StoreError};

const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);

pub(super) struct TableWriter {
    pub tables: Arc<Tables>,
    pub store: Arc<dyn Store>,
    pub shared: Arc<Shared>,
    /// The lane's name.
    pub name: String,
}

impl TableWriter {
    /// Runs for as long as it is polled.
    pub async fn run(self) {
        let (mut connection, mut backoff, mut again) = (None, BACKOFF_MIN, None);
        loop {
            // What may be written already is asked for again as it was, with the same ends.
            let following = match again.take() {
                Some(same) => same,
                None => self.tables.next().await,
            };
            let concert = following.concert;
            match self.follow(&mut connection, &following).await {
                Ok(seq) => {
                    backoff = BACKOFF_MIN;
                    self.tables.applied(concert, seq);
                    continue;
                }
                Err(StoreError::Claimed { .. } | StoreError::NoSuchConcert { .. }) => {
                    // The lane finds out with its next batch or heartbeat.
                    self.tables.lose(concert);
                    continue;
                }
                Err(error @ StoreError::Refused(_)) => {
                    Metrics::count(&self.shared.metrics.store_errors, "apply_refused");
                    let rows = format!("rows {} to {}", following.from + 1, following.to);
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        concert.id = concert.0,
                        rows,
                        "the tables refuse what a sale's journal says"
                    );
                    let why = error.reason();
                    self.tables
                        .refuse(concert, format!("{rows} of its journal do not fit its tables: {why}"));
                    continue;
                }
                Err(error) => {
                    Metrics::count(&self.shared.metrics.store_errors, "apply");
                    if !matches!(error, StoreError::RolledBack(_)) {
                        connection = None;
                    }
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        lane = self.name,
                        concert.id = concert.0,
                        "the tables could not follow the journal, and are tried again"
                    );
                    again = Some(following);
                }
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    async fn follow(
        &self,
        connection: &mut Option<Box<dyn store::TableWriter>>,
        following: &store::Following,
    ) -> Result<u64, StoreError> {
        let mut opened = match connection.take() {
            Some(opened) => opened,
            None => self.store.open_table_writer().await?,
        };
        let followed = opened.follow(following).await;
        *connection = Some(opened);
        followed
    }
}
