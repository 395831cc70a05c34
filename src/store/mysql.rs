//! The store for production: MariaDB, and what shares its SQL (MySQL 8, TiDB). Each lane has a connection of its own,
//! outside of the pool that serves reads and single changes.
//!
//! Always: a batch is a few statements for many rows each, prepared once a connection, in one transaction, or a single one. Whether a
//! confirmed commit survives a loss of power is the server's setting; `open` warns when it is loose.

mod connection;
mod fault;
mod form;
mod reservations;
mod schema;
mod seats;
mod settings;
mod values;
mod writer;

use std::time::Duration;

use async_trait::async_trait;
use sqlx::mysql::{MySql, MySqlConnectOptions, MySqlConnection};
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{Connection, MySqlPool, SqlSafeStr, Transaction};
use tokio::sync::Mutex;

use connection::StatementBudget;
use fault::fault;
pub use form::Form;
pub use writer::MySqlWriter;

use super::archive::OldJournal;
use super::backend::Backend;
use super::columns::Bind;
use super::query::{self, Link};
use super::rows::Rows;
use super::{
    Alarms, BatchWriter, BoxOffice, Duties, FiguresStore, Making, Operators, Passkeys, Rehearsals, Repairs,
    Store, StoreError, TableWriter, Unfinished, Webhooks, WriterId, claims, migrate,
};
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;
use crate::limits;

/// Connections for reads and single changes: as many as a server with a few cores answers at once.
const POOL_MAX: u32 = 8;
/// Connections for what keeps the server going: a sale each that it loads, one to look what there is to take, one for its place
/// among the others.
const OWN_POOL_MAX: u32 = limits::SALES_LOADED_AT_ONCE_MAX as u32 + 2;
/// The time that a read waits for one of them, and that an outage stays unnoticed.
const POOL_PATIENCE: Duration = Duration::from_secs(3);
/// No connection is kept for longer, which is below what servers and firewalls between allow. Also, behind a name or a
/// proxy another server may be the right one by then, and the one at the other end refuse everything.
const POOL_AGE_MAX: Duration = Duration::from_secs(60);

/// The time that a heartbeat may take before the server counts as gone.
const BEAT_PATIENCE: Duration = Duration::from_secs(5);
pub struct MySqlStore {
    options: MySqlConnectOptions,
    form: Form,
    /// The budget for what lanes keep prepared.
    budget: StatementBudget,
    pool: MySqlPool,
    own: MySqlPool,
    /// A connection for heartbeats alone: they must neither wait for readers nor, as a pool does, for a server that is
    /// gone.
    beating: Mutex<Option<MySqlConnection>>,
}

impl MySqlStore {
    /// Connects, and brings the schema up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = connection::options(url)?;
        let mut first = connection::connect(&options).await?;
        settings::warn_when_loose(&mut first).await?;
        let form = Form::of(&mut first).await?;
        schema::migrate(&mut first, migrate::MYSQL).await?;
        // An answer is not waited for: everything is done.
        let _ = tokio::time::timeout(Duration::from_secs(1), first.close()).await;
        let (pool, own) = (pool(&options, POOL_MAX), pool(&options, OWN_POOL_MAX));
        let (budget, beating) = (StatementBudget::default(), Mutex::new(None));
        Ok(Self { options, form, budget, pool, own, beating })
    }

    /// The names of the migrations that `open` would apply; changes nothing.
    pub async fn pending_migrations(url: &str) -> Result<Vec<&'static str>, StoreError> {
        let mut connection = connection::connect(&connection::options(url)?).await?;
        let pending = schema::pending(&mut connection, migrate::MYSQL).await?;
        Ok(pending.iter().map(|migration| migration.name).collect())
    }

    /// Takes the schema back to what a release knows that ends at migration `to`, and gives the names of what was taken back.
    /// Nobody may be at work with the database, and no row behind its journal.
    pub async fn take_back(url: &str, to: u32) -> Result<Vec<&'static str>, StoreError> {
        let mut connection = connection::connect(&connection::options(url)?).await?;
        schema::take_back(&mut connection, migrate::MYSQL, migrate::MYSQL_BACK, to).await
    }

    pub fn options(&self) -> &MySqlConnectOptions {
        &self.options
    }

    /// The form of SQL that the server was found to understand.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The same store in the form of another server: one that understands all forms takes each of them.
    pub fn in_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// Gives what `open_writer` gives by its own type, for tests that look behind the trait.
    pub async fn new_writer(&self) -> Result<MySqlWriter, StoreError> {
        MySqlWriter::open(self.options.clone(), self.form, self.budget.clone()).await
    }

    /// The same of `open_table_writer`.
    pub async fn new_table_writer(&self) -> Result<MySqlWriter, StoreError> {
        self.new_writer().await
    }
}

fn pool(options: &MySqlConnectOptions, connections_max: u32) -> MySqlPool {
    PoolOptions::<MySql>::new()
        .max_connections(connections_max)
        .acquire_timeout(POOL_PATIENCE)
        .max_lifetime(POOL_AGE_MAX)
        .after_connect(|connection, _| Box::pin(connection::prepare(connection)))
        .connect_lazy_with(options.clone())
}

async fn view_of(pool: &MySqlPool) -> Result<Transaction<'static, MySql>, StoreError> {
    let begin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
         START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    pool.begin_with(begin).await.map_err(fault)
}

impl Backend for MySqlStore {
    type Db = MySql;
    type Link = MySqlConnection;
    type Held = PoolConnection<MySql>;

    const BEGIN: Option<&'static str> = None;

    async fn reader(&self) -> Result<PoolConnection<MySql>, StoreError> {
        self.pool.acquire().await.map_err(fault)
    }

    async fn view(&self) -> Result<Transaction<'static, MySql>, StoreError> {
        view_of(&self.pool).await
    }

    async fn hold(&self) -> Result<PoolConnection<MySql>, StoreError> {
        self.reader().await
    }

    async fn own_reader(&self) -> Result<PoolConnection<MySql>, StoreError> {
        self.own.acquire().await.map_err(fault)
    }

    async fn own_view(&self) -> Result<Transaction<'static, MySql>, StoreError> {
        view_of(&self.own).await
    }

    async fn own_hold(&self) -> Result<PoolConnection<MySql>, StoreError> {
        self.own_reader().await
    }

    async fn write_behind(&self, link: &mut MySqlConnection, rows: &Rows<'_>) -> Result<(), StoreError> {
        writer::write_rows(link, rows, (&[], &[]), self.form).await
    }

    async fn beat(
        &self,
        writer: WriterId,
        now: Timestamp,
        gap_max: Duration,
    ) -> Result<Vec<(ConcertId, Duration)>, StoreError> {
        let mut kept = self.beating.lock().await;
        if let Some(mut connection) = kept.take() {
            match beat_in_time(&mut connection, writer, now, gap_max).await {
                Ok(alive) => {
                    *kept = Some(connection);
                    return Ok(alive);
                }
                // The server may only have hung up on an idle connection. What was said already may be said again.
                Err(StoreError::Unreachable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let mut connection = connection::connect(&self.options).await?;
        let alive = beat_in_time(&mut connection, writer, now, gap_max).await?;
        // A connection that had an error is not kept: nobody knows what it is good for.
        *kept = Some(connection);
        Ok(alive)
    }
}

#[async_trait]
impl Store for MySqlStore {
    fn is_embedded(&self) -> bool {
        false
    }

    async fn open_writer(&self) -> Result<Box<dyn BatchWriter>, StoreError> {
        Ok(Box::new(self.new_writer().await?))
    }

    async fn open_table_writer(&self) -> Result<Box<dyn TableWriter>, StoreError> {
        Ok(Box::new(self.new_table_writer().await?))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let asked = || async {
            sqlx::query("SELECT 1 FROM schema_migration LIMIT 1").fetch_one(&self.pool).await.map_err(fault)
        };
        match asked().await {
            // One connection that ends is no outage: the server closes those that were idle, whenever it likes.
            Err(StoreError::Unreachable(_)) => asked().await.map(drop),
            answered => answered.map(drop),
        }
    }

    async fn loose_settings(&self) -> Result<Vec<String>, StoreError> {
        settings::all_loose(&mut *self.reader().await?).await
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

async fn beat_in_time(
    connection: &mut MySqlConnection,
    writer: WriterId,
    now: Timestamp,
    gap_max: Duration,
) -> Result<Vec<(ConcertId, Duration)>, StoreError> {
    let late = |_| StoreError::Unreachable("the database server did not answer in time".into());
    tokio::time::timeout(BEAT_PATIENCE, beat(connection, writer, now, gap_max)).await.map_err(late)?
}

/// Says that the sales of `writer` were alive at `now`.
async fn beat(
    connection: &mut MySqlConnection,
    writer: WriterId,
    now: Timestamp,
    gap_max: Duration,
) -> Result<Vec<(ConcertId, Duration)>, StoreError> {
    let mut transaction = connection.begin().await.map_err(fault)?;
    claims::node_lives(&mut *transaction, writer, now).await?;
    query::run(&mut *transaction, BEAT, |to| {
        to.time(Some(now));
        to.int(Some(claims::millis(gap_max).saturating_mul(1_000)));
        to.time(Some(now));
        to.time(Some(now));
        to.uuid(Some(writer.0));
    })
    .await?;
    let mut of = values::Values::default();
    of.uuid(Some(writer.0));
    let alive = transaction.all(ALIVE.into_sql_str(), of).await?;
    transaction.commit().await.map_err(fault)?;
    claims::outages(&alive)
}

/// The outage comes first because it looks at the heartbeat as it was.
const BEAT: &str = "UPDATE concert SET \
       outage_ms = outage_ms + CASE WHEN TIMESTAMPDIFF(MICROSECOND, heartbeat_at, ?) > ? \
         THEN TIMESTAMPDIFF(MICROSECOND, heartbeat_at, ?) DIV 1000 ELSE 0 END, \
       heartbeat_at = ? \
     WHERE writer = ?";
const ALIVE: &str = "SELECT concert_id, outage_ms FROM concert WHERE writer = ? ORDER BY concert_id";

#[cfg(all(test, feature = "mariadb-tests"))]
mod tests;
