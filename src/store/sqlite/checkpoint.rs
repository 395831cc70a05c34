//! Copies the log into the database beside the work, every second what came in it, on a connection of its own. A commit
//! never waits for that; only when the log has grown long under a load without pauses, commits wait for a moment until
//! its last part is copied, because it begins anew only when all of it is.
//!
//! A reader that stays keeps the log from beginning anew for as long, whoever it is: a forgotten transaction in a shell.
//! The log then grows with everything that is written, which is said once a minute. When that ends its file is cut part by
//! part: SQLite would cut it at once within a commit, for which all others would wait, some seconds on a slow disk.

use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Row};
use tokio::time::Instant;

use super::SqliteStore;
use super::connection::{CHECKPOINT_PAGES, LOG_BYTES_KEPT, fault, lane_options};
use crate::metrics::Metrics;
use crate::store::StoreError;

const INTERVAL: Duration = Duration::from_secs(1);
/// A log that is longer than this, in pages, has to begin anew.
const PAGES_LONG: u64 = 4 * CHECKPOINT_PAGES as u64;
/// A log that is longer than this has a reason that somebody should look for.
const PAGES_TOO_LONG: u64 = 8 * CHECKPOINT_PAGES as u64;
const SAY_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// The part by which the file of a log that had grown is cut while commits wait.
const CUT_BYTES: u64 = 16 << 20;
/// The time between two cuts, for commits.
const CUT_EVERY: Duration = Duration::from_millis(250);
/// The number of cuts until the log is copied again as always.
const CUTS_MAX: u32 = 8;

/// The length of the log and the part of it that is in the database, in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    pub log: u64,
    pub copied: u64,
}

/// Copies the log for as long as the store is in use.
pub(super) async fn run(store: &SqliteStore, metrics: &Metrics) {
    let mut connection = None;
    let mut said: Option<Instant> = None;
    loop {
        tokio::time::sleep(INTERVAL).await;
        metrics.store_log_bytes.set(log_bytes(store) as i64);
        let mut done = step(store, &mut connection).await;
        if done.as_ref().is_ok_and(|done| done.copied == done.log)
            && let Err(error) = shrink(store, &mut connection).await
        {
            done = Err(error);
        }
        match done {
            Ok(Progress { log, copied }) if log > PAGES_TOO_LONG && copied < log => {
                if said.is_none_or(|at| at.elapsed() >= SAY_AGAIN_AFTER) {
                    said = Some(Instant::now());
                    tracing::warn!(
                        log_pages = log,
                        copied_pages = copied,
                        "the database's log cannot begin anew and grows: somebody has been reading for long, such as \
                         a transaction that was forgotten in a shell"
                    );
                }
            }
            Ok(_) => {
                if said.take().is_some() {
                    tracing::info!("the database's log is whole in the database again");
                }
            }
            // The lane finds out for itself if nothing can be written.
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "could not copy the database's log"
                );
                connection = None;
            }
        }
    }
}

pub(super) async fn step(
    store: &SqliteStore,
    connection: &mut Option<SqliteConnection>,
) -> Result<Progress, StoreError> {
    let connection = match connection {
        Some(connection) => connection,
        None => {
            store.files.check()?;
            // Heartbeats are written by this one, and are not to wait either.
            sqlx::raw_sql("PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = -1")
                .execute(&mut *store.writer.lock().await)
                .await
                .map_err(fault)?;
            connection.insert(lane_options(store.files.path()).connect().await.map_err(fault)?)
        }
    };
    let done = copy(connection).await?;
    let left = done.log.saturating_sub(done.copied);
    if done.log <= PAGES_LONG || left == 0 || left > u64::from(CHECKPOINT_PAGES) {
        return Ok(done);
    }
    // Nobody adds to it for this moment, and what is left is little.
    let _turn = store.turn.lock().await;
    copy(connection).await
}

/// Cuts the file of a log that had grown, while there is something to cut and nobody reads.
async fn shrink(store: &SqliteStore, connection: &mut Option<SqliteConnection>) -> Result<(), StoreError> {
    let Some(connection) = connection else { return Ok(()) };
    for _ in 0..CUTS_MAX {
        let length = log_bytes(store);
        let kept = length.saturating_sub(CUT_BYTES).max(LOG_BYTES_KEPT.into());
        if kept >= length || !cut(store, connection, kept).await? {
            return Ok(());
        }
        tokio::time::sleep(CUT_EVERY).await;
    }
    Ok(())
}

/// Has the log begin anew, in a file of at most so many bytes. Gives whether it could: not while somebody reads of it.
pub(super) async fn cut(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    kept: u64,
) -> Result<bool, StoreError> {
    let _turn = store.turn.lock().await;
    let done = copy(connection).await?;
    if done.copied < done.log {
        return Ok(false);
    }
    // Whoever writes first to a log that is copied whole has it begin anew, and cuts its file to their own limit. The number
    // that is written is always 0, and of no use to us.
    let write = AssertSqlSafe(format!("PRAGMA journal_size_limit = {kept}; PRAGMA user_version = 0"));
    sqlx::raw_sql(write).execute(&mut *connection).await.map_err(fault)?;
    Ok(log_bytes(store) <= kept)
}

fn log_bytes(store: &SqliteStore) -> u64 {
    std::fs::metadata(store.files.log()).map_or(0, |log| log.len())
}

async fn copy(connection: &mut SqliteConnection) -> Result<Progress, StoreError> {
    let row = sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(connection).await.map_err(fault)?;
    let pages = |column| row.try_get::<i64, _>(column).map(|pages| pages.max(0) as u64).map_err(fault);
    Ok(Progress { log: pages(1)?, copied: pages(2)? })
}
