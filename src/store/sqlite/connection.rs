//! Opening the database file, reading and binding its values, and sorting its errors by what to do about them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteError, SqliteJournalMode,
    SqliteQueryResult, SqliteRow, SqliteSynchronous,
};
use sqlx::{Arguments, ConnectOptions, Row, SqlStr};
use uuid::Uuid;

use crate::domain::time::Timestamp;
use crate::store::bulk::{Bulk, Packing};
use crate::store::columns::{self, Bind, Cells, ledger_columns, reservation_columns, token_columns};
use crate::store::query::{self, Changed, Dialect, Link, Take, question};
use crate::store::rehearsals::clear_rows;
use crate::store::settings::{new_concert, settings_columns, settings_update, settings_values};
use crate::store::{CommitError, StoreError};

/// Deletes some rows of a concert; a statement here takes no LIMIT.
macro_rules! clear {
    ($table:literal, $key:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE concert_id = ?1 AND (",
            $key,
            ") IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE concert_id = ?1 LIMIT ?2)"
        )
    };
}

/// The time that a transaction waits for one of another process, such as an import, before it is a certain rollback.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The log is copied into the database when it is longer than this many pages of 4 KiB. Longer makes commits
/// cheaper, since a page that changes often is copied once, and a restart slower.
pub const CHECKPOINT_PAGES: u32 = 8_192;
/// The size that the log's file shrinks to after a burst.
pub const LOG_BYTES_KEPT: u32 = 64 << 20;
/// Pages kept in memory by a connection that writes, in KiB: enough for the seats and the end of the line of a
/// large sale.
const WRITER_CACHE_KIB: u32 = 64 << 10;
/// Statements kept prepared by a connection: every bulk statement in every size, with room for the single ones.
const STATEMENTS_KEPT: usize = 200;
/// The number of rows that a connection reads ahead of the task that takes them.
const ROWS_AHEAD: usize = 512;

#[derive(Debug, thiserror::Error)]
#[error("cannot {step} {}", path.display())]
pub struct OpenError {
    step: &'static str,
    path: PathBuf,
    source: crate::store::error::Cause,
}

impl OpenError {
    /// Turns an error into one that an operator has to put right.
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
        // Confirmed data survives a loss of power, not only a crash of this process.
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        .pragma("journal_size_limit", LOG_BYTES_KEPT.to_string())
        .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"))
        // What undoes half a statement is not written to a file, which has to be made and thrown away each time.
        .pragma("temp_store", "MEMORY")
        .statement_cache_capacity(STATEMENTS_KEPT)
        .disable_statement_logging()
}

/// The options of a lane, whose commits must not wait until the log is copied or its file is cut: that is done beside them.
pub fn lane_options(path: &Path) -> SqliteConnectOptions {
    writer_options(path).pragma("wal_autocheckpoint", "0").pragma("journal_size_limit", "-1")
}

/// The options of a table writer. What it writes is lost with the power unless something was committed after it, and then
/// written anew from the journal, which is durable: so it waits for no disk.
pub fn table_options(path: &Path) -> SqliteConnectOptions {
    lane_options(path).synchronous(SqliteSynchronous::Normal)
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
/// A value that is too long, a rule that is broken, a value of the wrong kind.
const ROW_REFUSED: [i32; 3] = [18, 19, 20];

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
/// names it; it is no reason to refuse anybody else.
pub fn fault(error: sqlx::Error) -> StoreError {
    match (&error, code(&error)) {
        (_, Some(code)) => match code & 0xFF {
            SQLITE_BUSY | SQLITE_LOCKED | SQLITE_INTERRUPT => StoreError::RolledBack(error.into()),
            code if ROW_REFUSED.contains(&code) => StoreError::Refused(error.into()),
            _ => StoreError::Broken(error.into()),
        },
        (sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_), _) => {
            StoreError::Broken(error.into())
        }
        _ => StoreError::Unreachable(error.into()),
    }
}

impl Link for SqliteConnection {
    type Row = SqliteRow;
    type Values = Values;

    const DIALECT: &'static Dialect = &DIALECT;

    fn fault(error: sqlx::Error) -> StoreError {
        fault(error)
    }

    async fn all(&mut self, sql: SqlStr, values: Values) -> Result<Vec<SqliteRow>, StoreError> {
        sqlx::query_with(sql, values.0).fetch_all(self).await.map_err(fault)
    }

    async fn each(
        &mut self,
        sql: SqlStr,
        values: Values,
        take: &mut Take<'_, SqliteRow>,
    ) -> Result<(), StoreError> {
        query::each_of(sqlx::query_with(sql, values.0).fetch(self).map_err(fault), take).await
    }

    async fn run(&mut self, sql: SqlStr, values: Values) -> Result<Changed, StoreError> {
        sqlx::query_with(sql, values.0).execute(self).await.map(changed).map_err(fault)
    }

    async fn run_unless_there(&mut self, sql: SqlStr, values: Values) -> Result<Option<Changed>, StoreError> {
        match sqlx::query_with(sql, values.0).execute(self).await {
            Ok(done) => Ok(Some(changed(done))),
            Err(error) if error.as_database_error().is_some_and(|e| e.is_unique_violation()) => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    async fn run_alone(&mut self, sql: SqlStr, values: Values) -> Result<Changed, CommitError> {
        match sqlx::query_with(sql, values.0).execute(self).await {
            Ok(done) => Ok(changed(done)),
            Err(error) if leaves_commit_unknown(&error) => Err(CommitError::OutcomeUnknown(error.into())),
            Err(error) => Err(fault(error).into()),
        }
    }
}

fn changed(done: SqliteQueryResult) -> Changed {
    Changed { rows: done.rows_affected(), last_id: done.last_insert_rowid().cast_unsigned() }
}

/// The planner takes the first columns of a key for as good as a whole index when it has no statistics, hence the
/// hints.
pub static DIALECT: Dialect = Dialect {
    packing: Packing::Full,
    wallets: Bulk::new(concat!(question!(wallets ""), "VALUES "), 1, ")"),
    charges: Bulk::new(concat!(question!(charges "INDEXED BY payment_history_request"), "VALUES "), 2, ")"),
    reservations: Bulk::new(concat!(question!(reservations), "VALUES "), 2, ")"),
    payments: Bulk::new(concat!(question!(payments), "VALUES "), 2, ")"),
    tickets: Bulk::new(concat!(question!(tickets "INDEXED BY ticket_reservation"), "VALUES "), 2, ")"),
    ended_tokens: Bulk::new(
        concat!(
            "SELECT ",
            token_columns!(),
            " FROM queue WHERE status IN ('DONE', 'EXPIRED') AND (concert_id, token) IN (VALUES "
        ),
        2,
        ")",
    ),
    last_tokens: Bulk::new(
        concat!(
            "SELECT ",
            token_columns!(),
            " FROM queue WHERE (concert_id, entry_no) IN ( \
               SELECT concert_id, max(entry_no) FROM queue WHERE (user_id, concert_id) IN (VALUES "
        ),
        2,
        ") GROUP BY user_id, concert_id)",
    ),
    tokens: Bulk::new(concat!(question!(tokens ""), "VALUES "), 2, ")"),
    seats: Bulk::new(concat!(question!(seats ""), "VALUES "), 3, ")"),
    // A user who holds seats has a live token, so held reservations need no look of their own.
    concerts_to_run: "SELECT concert_id FROM concert c \
         WHERE archived_at IS NULL AND rehearsal_of IS NULL AND ( \
               EXISTS (SELECT 1 FROM concert_schedule s \
                       WHERE s.concert_id = c.concert_id AND s.starts_at > ?) \
            OR EXISTS (SELECT 1 FROM concert_schedule s \
                       WHERE s.concert_id = c.concert_id AND s.state = 'CALLED_OFF') \
            OR EXISTS (SELECT 1 FROM queue q INDEXED BY queue_live \
                       WHERE q.concert_id = c.concert_id AND q.status IN ('WAITING', 'PROGRESS'))) \
            OR EXISTS (SELECT 1 FROM applied a WHERE a.concert_id = c.concert_id AND a.seq < ( \
                       SELECT max(j.seq) FROM journal j WHERE j.concert_id = c.concert_id)) \
         ORDER BY concert_id",
    holder: "SELECT writer, epoch, heartbeat_at, moves_to FROM concert WHERE concert_id = ?",
    claim_row: "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events, form) \
         SELECT ?5, max(seq) + 1, ?1, ?2, ?3, ?4, 1 FROM journal WHERE concert_id = ?5",
    node_lives: "INSERT INTO node (writer, started_at, heartbeat_at) VALUES (?, ?, ?) \
         ON CONFLICT (writer) DO UPDATE SET heartbeat_at = excluded.heartbeat_at, stopped_at = NULL",
    now: "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now",
    new_concert: new_concert!("json_patch"),
    settings: settings_update!("json_patch"),
    new_seats: Bulk::new(
        "INSERT INTO concert_seat (concert_id, schedule_id, seat, label, category, price, status, reservation_id) \
         VALUES ",
        columns::NEW_SEAT,
        "",
    ),
    first_currency: "INSERT INTO installation (id, currency) \
         VALUES (1, coalesce((SELECT currency FROM concert ORDER BY concert_id LIMIT 1), ?)) \
         ON CONFLICT DO NOTHING",
    decided_currency: "INSERT INTO installation (id, currency, decided_at) VALUES (1, ?, ?) \
         ON CONFLICT (id) DO UPDATE SET currency = excluded.currency, decided_at = excluded.decided_at",
    turn: "INSERT INTO duty (name, holder, until) VALUES (?, ?, ?) \
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until",
    new_subject: "INSERT INTO users (name, issuer, subject, created_at) VALUES (?, ?, ?, ?) \
         ON CONFLICT (issuer, subject) WHERE issuer IS NOT NULL DO NOTHING",
    clear_rows: clear_rows!(clear),
    // The write lock is taken by then; what is changed cannot be changed by a log that is found again.
    take_wallet: Some("UPDATE users SET balance = balance WHERE user_id = ?"),
};

/// The values of a statement's parameters.
#[derive(Default)]
pub struct Values(pub SqliteArguments);

impl Values {
    fn add<'v>(&mut self, value: impl sqlx::Encode<'v, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>) {
        self.0.add(value).expect("numbers, texts and bytes can always be encoded");
    }
}

impl Bind for Values {
    fn reserve(&mut self, values: usize) {
        self.0.reserve(values, 0);
    }
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
    fn bytes(&mut self, value: &[u8]) {
        self.add(value.to_vec());
    }
}

impl Cells for SqliteRow {
    fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        self.try_get_unchecked(column).map_err(fault)
    }
    fn opt_text(&self, column: &str) -> Result<Option<&str>, StoreError> {
        self.try_get_unchecked(column).map_err(fault)
    }
    fn opt_uuid(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        self.opt_bytes(column)?
            .map(Uuid::from_slice)
            .transpose()
            .map_err(|error| StoreError::Broken(error.into()))
    }
    fn opt_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(column)?.map(Timestamp::from_millis))
    }
    fn opt_bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError> {
        self.try_get_unchecked(column).map_err(fault)
    }
}
