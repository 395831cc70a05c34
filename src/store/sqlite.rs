//! The embedded store: one SQLite file beside its write-ahead log. One connection writes at a time, and a lane's
//! batch is one transaction of it; reads go to connections of their own and never wait for a writer.
//!
//! Always: a commit that was confirmed survives a loss of power (`synchronous = FULL`). Other processes may write
//! too (`import`, `user add`): SQLite's own lock keeps them apart.

mod checkpoint;
mod connection;
mod open_files;
mod schema;
mod writer;

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection, SqlSafeStr, Sqlite, SqlitePool, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

use connection::{
    OpenError, Values, fault, is_busy, lane_options, reader_options, table_options, writer_options,
};
use open_files::OpenFiles;
pub use writer::SqliteWriter;

use super::archive::OldJournal;
use super::backend::{Backend, begin, commit};
use super::columns::Bind;
use super::query::Link;
use super::rows::Rows;
use super::{
    Alarms, BatchWriter, BoxOffice, Duties, FiguresStore, Making, Operators, Passkeys, Rehearsals, Repairs,
    Store, StoreError, TableWriter, Unfinished, Webhooks, WriterId, claims, files, migrate,
};
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;
use crate::metrics::Metrics;

/// The database's name in the data folder.
pub const FILE_NAME: &str = "frontrow.db";

/// Connections that read: as many as can be busy at once, since a read is answered in memory or waits for the disk.
const READERS_MAX: u32 = 4;
/// The time that a read waits for one of them.
const READER_PATIENCE: Duration = Duration::from_secs(5);
/// Two processes that make the same new file at once disturb each other for a moment.
const OPEN_ATTEMPTS_MAX: u32 = 50;
const OPEN_RETRY_AFTER: Duration = Duration::from_millis(50);

pub struct SqliteStore {
    files: Arc<OpenFiles>,
    /// The connection for everything that is written outside of batches.
    writer: Arc<Mutex<SqliteConnection>>,
    readers: SqlitePool,
    /// See `SqliteWriter::turn`.
    turn: Arc<Mutex<()>>,
}

impl SqliteStore {
    /// Opens the database in a data folder, makes both when they are not there, and brings the schema up to date.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = make_folder(folder)?;
        let mut writer = open_writer(&path).await?;
        schema::migrate(&mut writer, &path, migrate::SQLITE).await?;
        let readers = PoolOptions::<Sqlite>::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(READER_PATIENCE)
            // A file does not hang up; checking it before each use would only cost.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(reader_options(&path))
            .await
            .map_err(|error| OpenError::broken("read", &path, error))?;
        // Read once, so that the log is there.
        sqlx::query("SELECT 1 FROM schema_migration").fetch_one(&mut writer).await.map_err(fault)?;
        let files = Arc::new(OpenFiles::of(path)?);
        Ok(Self { files, writer: Arc::new(Mutex::new(writer)), readers, turn: Arc::default() })
    }

    /// The names of the migrations that `open` would apply; changes nothing but makes the file if there is none.
    pub async fn pending_migrations(folder: &Path) -> Result<Vec<&'static str>, StoreError> {
        let path = make_folder(folder)?;
        let mut connection = open_writer(&path).await?;
        let pending = schema::pending(&mut connection, &path, migrate::SQLITE).await?;
        Ok(pending.iter().map(|migration| migration.name).collect())
    }

    /// Takes the schema back to what a release knows that ends at migration `to`, and gives the names of what was taken back.
    /// Nobody may be at work with the database, and no row behind its journal.
    pub async fn take_back(folder: &Path, to: u32) -> Result<Vec<&'static str>, StoreError> {
        let path = make_folder(folder)?;
        let mut connection = open_writer(&path).await?;
        schema::take_back(&mut connection, &path, migrate::SQLITE, migrate::SQLITE_BACK, to).await
    }

    /// Gives what `open_writer` gives by its own type, for tests that look behind the trait.
    pub async fn new_writer(&self) -> Result<SqliteWriter, StoreError> {
        SqliteWriter::open(Arc::clone(&self.files), Arc::clone(&self.turn), lane_options).await
    }

    /// The same of `open_table_writer`.
    pub async fn new_table_writer(&self) -> Result<SqliteWriter, StoreError> {
        SqliteWriter::open(Arc::clone(&self.files), Arc::clone(&self.turn), table_options).await
    }
}

/// The connection for single changes, and this process's turn to write.
pub struct Held {
    connection: OwnedMutexGuard<SqliteConnection>,
    _turn: OwnedMutexGuard<()>,
}

impl Deref for Held {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

impl Backend for SqliteStore {
    type Db = Sqlite;
    type Link = SqliteConnection;
    type Held = Held;

    const BEGIN: Option<&'static str> = Some("BEGIN IMMEDIATE");

    async fn reader(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.readers.acquire().await.map_err(fault)
    }

    async fn view(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.readers.begin().await.map_err(fault)
    }

    async fn hold(&self) -> Result<Held, StoreError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let mut connection = Arc::clone(&self.writer).lock_owned().await;
        self.files.check()?;
        // A COMMIT that failed (the disk is full) ended the transaction in SQLite, and sqlx believes it open.
        if connection.is_in_transaction() {
            *connection = writer_options(self.files.path()).connect().await.map_err(fault)?;
        }
        Ok(Held { connection, _turn: turn })
    }

    async fn write_behind(&self, link: &mut SqliteConnection, rows: &Rows<'_>) -> Result<(), StoreError> {
        writer::write_rows(link, rows, (&[], &[])).await
    }

    async fn beat(
        &self,
        writer: WriterId,
        now: Timestamp,
        gap_max: Duration,
    ) -> Result<Vec<(ConcertId, Duration)>, StoreError> {
        let mut held = self.hold().await?;
        let mut change = begin::<Self>(&mut held).await?;
        claims::node_lives(&mut *change, writer, now).await?;
        let mut values = Values::default();
        values.time(Some(now));
        values.int(Some(claims::millis(gap_max)));
        values.uuid(Some(writer.0));
        let alive = change.all(BEAT.into_sql_str(), values).await?;
        commit::<Self>(change).await?;
        let mut sales = claims::outages(&alive)?;
        sales.sort_unstable();
        Ok(sales)
    }
}

const BEAT: &str = "UPDATE concert SET \
       outage_ms = outage_ms + CASE WHEN ?1 - heartbeat_at > ?2 THEN ?1 - heartbeat_at ELSE 0 END, \
       heartbeat_at = ?1 \
     WHERE writer = ?3 RETURNING concert_id, outage_ms";

fn make_folder(folder: &Path) -> Result<PathBuf, StoreError> {
    files::make_folder(folder).map_err(|error| OpenError::broken("make the data folder", folder, error))?;
    Ok(folder.join(FILE_NAME))
}

async fn open_writer(path: &Path) -> Result<SqliteConnection, StoreError> {
    // The file is made before SQLite does it, which would let everybody read it; the log beside it takes after the
    // file.
    let beside = |suffix| PathBuf::from(format!("{}{suffix}", path.display()));
    files::make_file(path)
        .and_then(|()| ["-wal", "-shm"].map(beside).iter().try_for_each(|file| files::close_to_others(file)))
        .map_err(|error| OpenError::broken("make the database", path, error))?;
    let mut attempt = 1;
    loop {
        match writer_options(path).connect().await {
            Ok(connection) => return Ok(connection),
            Err(error) if is_busy(&error) && attempt < OPEN_ATTEMPTS_MAX => {
                attempt += 1;
                tokio::time::sleep(OPEN_RETRY_AFTER).await;
            }
            Err(error) => return Err(OpenError::broken("open the database", path, error)),
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn is_embedded(&self) -> bool {
        true
    }

    async fn open_writer(&self) -> Result<Box<dyn BatchWriter>, StoreError> {
        Ok(Box::new(self.new_writer().await?))
    }

    async fn open_table_writer(&self) -> Result<Box<dyn TableWriter>, StoreError> {
        Ok(Box::new(self.new_table_writer().await?))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.files.check()?;
        sqlx::query("SELECT 1 FROM schema_migration").fetch_one(&self.readers).await.map_err(fault)?;
        Ok(())
    }

    async fn tend(&self, metrics: &Metrics) {
        checkpoint::run(self, metrics).await;
    }

    fn alarms(&self) -> Option<&dyn Alarms> {
        Some(self)
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(self)
    }

    fn figures(&self) -> Option<&dyn FiguresStore> {
        Some(self)
    }

    fn operators(&self) -> Option<&dyn Operators> {
        Some(self)
    }

    fn passkeys(&self) -> Option<&dyn Passkeys> {
        Some(self)
    }

    fn duties(&self) -> Option<&dyn Duties> {
        Some(self)
    }

    fn making(&self) -> Option<&dyn Making> {
        Some(self)
    }

    fn box_office(&self) -> Option<&dyn BoxOffice> {
        Some(self)
    }

    fn rehearsals(&self) -> Option<&dyn Rehearsals> {
        Some(self)
    }

    fn repairs(&self) -> Option<&dyn Repairs> {
        Some(self)
    }

    fn unfinished(&self) -> Option<&dyn Unfinished> {
        Some(self)
    }

    fn old_journal(&self) -> Option<&dyn OldJournal> {
        Some(self)
    }
}

#[cfg(test)]
mod tests;
