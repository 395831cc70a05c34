//! Opening the database file, reading and binding its values, and sorting its errors by what to do about them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteError, SqliteJournalMode, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Arguments, ConnectOptions, Row};
use uuid::Uuid;

use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::bulk::{self, Bulk};
use crate::store::columns::{Bind, Cells};

/// How long a transaction waits for one of another process, such as an import, before it is a certain rollback.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The log is copied into the database when it is longer than this many pages of 4 KiB. Longer makes commits
/// cheaper, since a page that changes often is copied once, and a restart slower.
const CHECKPOINT_PAGES: u32 = 8_192;
/// What the log's file shrinks to after a burst.
const LOG_BYTES_KEPT: u32 = 64 << 20;
/// Pages kept in memory by a connection that writes, in KiB: enough for the seats and the end of the line of a
/// large sale.
const WRITER_CACHE_KIB: u32 = 64 << 10;
/// Statements kept prepared by a connection: every bulk statement in every size, with room for the single ones.
const STATEMENTS_KEPT: usize = 200;
/// How many rows a connection reads ahead of the task that takes them.
const ROWS_AHEAD: usize = 512;

#[derive(Debug, thiserror::Error)]
#[error("cannot {step} {}", path.display())]
pub struct OpenError {
    step: &'static str,
    path: PathBuf,
    source: crate::store::error::Cause,
}

impl OpenError {
    /// As what an operator has to put right.
    pub fn broken(
        step: &'static str,
        path: &Path,
        source: impl Into<crate::store::error::Cause>,
    ) -> StoreError {
        StoreError::Broken(Box::new(Self { step, path: path.to_owned(), source: source.into() }))
    }
}

pub fn writer_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(false)
        .journal_mode(SqliteJournalMode::Wal)
        // What was confirmed survives a loss of power, not only a crash of this process.
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        .pragma("journal_size_limit", LOG_BYTES_KEPT.to_string())
        .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"))
        .statement_cache_capacity(STATEMENTS_KEPT)
        .disable_statement_logging()
}

pub fn reader_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROWS_AHEAD)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .disable_statement_logging()
}

/// The primary code of SQLite's own error, if it is one.
fn code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.try_downcast_ref::<SqliteError>()?;
    sqlx::error::DatabaseError::code(code)?.parse().ok()
}

const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_INTERRUPT: i32 = 9;
const SQLITE_IOERR: i32 = 10;

pub fn is_busy(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| matches!(code & 0xFF, SQLITE_BUSY | SQLITE_LOCKED))
}

/// Could what this COMMIT wrote be found again after a crash, although it failed? Only when the disk failed in the
/// middle: the log may then hold the batch without this process knowing it.
pub fn leaves_commit_unknown(error: &sqlx::Error) -> bool {
    match code(error) {
        Some(code) => code & 0xFF == SQLITE_IOERR,
        None => true,
    }
}

/// Sorts an error of a statement other than COMMIT. A constraint that was violated is a bug of ours, and its message
/// names it.
pub fn fault(error: sqlx::Error) -> StoreError {
    match (&error, code(&error)) {
        (_, Some(code)) => match code & 0xFF {
            SQLITE_BUSY | SQLITE_LOCKED | SQLITE_INTERRUPT => StoreError::RolledBack(error.into()),
            _ => StoreError::Broken(error.into()),
        },
        (sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnIndexOutOfBounds { .. }, _) => {
            StoreError::Broken(error.into())
        }
        _ => StoreError::Unreachable(error.into()),
    }
}

/// Runs a statement for many rows and gives how many it changed.
pub async fn write<T>(
    connection: &mut SqliteConnection,
    statement: &Bulk,
    rows: &[T],
    bind: impl Fn(&mut Values, &T) + Send + Sync,
) -> Result<u64, sqlx::Error>
where
    T: Sync,
{
    let mut changed = 0;
    for (bucket, chunk) in bulk::full(rows) {
        let values = Values::of(statement, chunk, &bind);
        let done = sqlx::query_with(statement.sql(bucket), values.0).execute(&mut *connection).await?;
        changed += done.rows_affected();
    }
    Ok(changed)
}

/// Runs a query that takes a list of rows, and gives all that it finds.
pub async fn read<T>(
    connection: &mut SqliteConnection,
    query: &Bulk,
    rows: &[T],
    bind: impl Fn(&mut Values, &T) + Send + Sync,
) -> Result<Vec<SqliteRow>, StoreError>
where
    T: Sync,
{
    let mut found = Vec::new();
    for (bucket, chunk) in bulk::full(rows) {
        let values = Values::of(query, chunk, &bind);
        let query = sqlx::query_with(query.sql(bucket), values.0);
        found.extend(query.fetch_all(&mut *connection).await.map_err(fault)?);
    }
    Ok(found)
}

/// The values of a statement's parameters.
#[derive(Default)]
pub struct Values(pub SqliteArguments);

impl Values {
    fn of<T>(statement: &Bulk, rows: &[T], bind: &impl Fn(&mut Self, &T)) -> Self {
        let mut values = Self::default();
        values.0.reserve(rows.len() * statement.columns(), 0);
        for row in rows {
            bind(&mut values, row);
        }
        values
    }

    fn add<'v>(&mut self, value: impl sqlx::Encode<'v, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>) {
        self.0.add(value).expect("numbers, texts and bytes can always be encoded");
    }
}

impl Bind for Values {
    fn int(&mut self, value: Option<i64>) {
        self.add(value);
    }
    fn text(&mut self, value: Option<&str>) {
        self.add(value);
    }
    fn uuid(&mut self, value: Option<Uuid>) {
        self.add(value.map(|id| id.as_bytes().to_vec()));
    }
    fn time(&mut self, value: Option<Timestamp>) {
        self.add(value.map(Timestamp::as_millis));
    }
}

impl Cells for SqliteRow {
    fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        self.try_get_unchecked(column).map_err(fault)
    }
    fn opt_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        self.try_get_unchecked(column).map_err(fault)
    }
    fn opt_uuid(&self, column: usize) -> Result<Option<Uuid>, StoreError> {
        let bytes: Option<&[u8]> = self.try_get_unchecked(column).map_err(fault)?;
        bytes.map(Uuid::from_slice).transpose().map_err(|error| StoreError::Broken(error.into()))
    }
    fn opt_time(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(column)?.map(Timestamp::from_millis))
    }
}
