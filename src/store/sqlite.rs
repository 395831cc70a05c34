//! The embedded store: one SQLite file beside its write-ahead log. One connection writes at a time, and a lane's
//! batch is one transaction of it; reads go to connections of their own and never wait for a writer.
//!
//! Always: a commit that was confirmed survives a loss of power (`synchronous = FULL`). Other processes may write
//! too (`import`, `user add`): SQLite's own lock keeps them apart.

mod checkpoint;
mod connection;
mod lane;
mod open_files;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, Connection, Sqlite, SqlitePool, Transaction};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use connection::{Asked, OpenError, Values, fault, is_busy, reader_options, write, writer_options};
pub use lane::SqliteLane;
use open_files::OpenFiles;

use super::archive::{Archive, OldJournal, OldRow};
use super::bulk::Bulk;
use super::columns::{self, Bind, Cells, bind_new_seat, new_seats, pack_layout};
use super::settings::{bind_settings, settings_columns, settings_values};
use super::{
    AuditReport, JournalRow, Lane, LoadedSale, NewConcert, NewUser, Store, StoreError, StoredTicket,
    SweepPage, SweepRows, UserRecord, WalletCurrency, WriterId, audit, files, journal, migrate, random_id,
    session,
};
use crate::domain::ids::{ConcertId, HistoryId, IdSource, ScheduleId, SeatId, UserId};
use crate::domain::record::{LedgerEntry, Reservation, TokenRecord};
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::metrics::Metrics;

/// The database's name in the data folder.
pub const FILE_NAME: &str = "frontrow.db";

/// Connections that read: as many as can be busy at once, since a read is answered in memory or waits for the disk.
const READERS_MAX: u32 = 4;
/// How long a read waits for one of them.
const READER_PATIENCE: Duration = Duration::from_secs(5);
/// Two processes that make the same new file at once disturb each other for a moment.
const OPEN_ATTEMPTS_MAX: u32 = 50;
const OPEN_RETRY_AFTER: Duration = Duration::from_millis(50);

/// Users made in one transaction: a few milliseconds in which no batch is committed.
const USERS_PER_TRANSACTION: usize = 1_000;

pub struct SqliteStore {
    files: Arc<OpenFiles>,
    /// For everything that is written outside of batches.
    writer: Mutex<SqliteConnection>,
    readers: SqlitePool,
    /// See `SqliteLane::turn`.
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
            // A file does not hang up; asking it before each use would only cost.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(reader_options(&path))
            .await
            .map_err(|error| OpenError::broken("read", &path, error))?;
        // Read once, so that the log is there.
        sqlx::query("SELECT 1 FROM schema_migration").fetch_one(&mut writer).await.map_err(fault)?;
        let files = Arc::new(OpenFiles::of(path)?);
        Ok(Self { files, writer: Mutex::new(writer), readers, turn: Arc::default() })
    }

    /// The names of the migrations that `open` would apply; changes nothing but makes the file if there is none.
    pub async fn pending_migrations(folder: &Path) -> Result<Vec<&'static str>, StoreError> {
        let path = make_folder(folder)?;
        let mut connection = open_writer(&path).await?;
        let pending = schema::pending(&mut connection, &path, migrate::SQLITE).await?;
        Ok(pending.iter().map(|migration| migration.name).collect())
    }

    /// What `open_lane` gives, as what it is: for who looks behind it.
    pub async fn new_lane(&self) -> Result<SqliteLane, StoreError> {
        SqliteLane::open(Arc::clone(&self.files), Arc::clone(&self.turn)).await
    }

    /// The connection for single changes, and this process's turn to write.
    async fn writer(&self) -> Writer<'_> {
        let turn = self.turn.lock().await;
        Writer { files: &self.files, connection: self.writer.lock().await, _turn: turn }
    }

    async fn reader(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.readers.acquire().await.map_err(fault)
    }

    /// One view of the whole database, for what takes several questions.
    async fn read(&self) -> Result<Transaction<'_, Sqlite>, StoreError> {
        self.readers.begin().await.map_err(fault)
    }
}

struct Writer<'s> {
    files: &'s OpenFiles,
    connection: MutexGuard<'s, SqliteConnection>,
    _turn: MutexGuard<'s, ()>,
}

impl Writer<'_> {
    async fn begin(&mut self) -> Result<Transaction<'_, Sqlite>, StoreError> {
        self.files.check()?;
        // A COMMIT that failed (the disk is full) ended the transaction in SQLite, and sqlx believes it open.
        if self.connection.is_in_transaction() {
            *self.connection = writer_options(self.files.path()).connect().await.map_err(fault)?;
        }
        self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(fault)
    }
}

fn make_folder(folder: &Path) -> Result<PathBuf, StoreError> {
    files::make_folder(folder).map_err(|error| OpenError::broken("make the data folder", folder, error))?;
    Ok(folder.join(FILE_NAME))
}

async fn open_writer(path: &Path) -> Result<SqliteConnection, StoreError> {
    // Before SQLite does, which would let everybody read it; the log beside it takes after the file.
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

async fn insert_user(
    transaction: &mut Transaction<'_, Sqlite>,
    new: &NewUser,
    ids: &mut IdSource,
) -> Result<UserId, StoreError> {
    let row = sqlx::query(
        "INSERT INTO users (name, balance, ledger_entries, created_at, vouched) VALUES (?, ?, ?, ?, ?) \
         RETURNING user_id",
    )
    .bind(&new.name)
    .bind(new.balance)
    .bind(i64::from(new.balance > 0))
    .bind(new.at.as_millis())
    .bind(i64::from(!new.guest))
    .fetch_one(&mut **transaction)
    .await
    .map_err(fault)?;
    let user = UserId(row.number(0)?);
    if new.balance > 0 {
        sqlx::query(
            "INSERT INTO payment_history (user_id, entry_no, history_id, type, amount_change, balance, at) \
             VALUES (?1, 1, ?2, 'CHARGE', ?3, ?3, ?4)",
        )
        .bind(user.0 as i64)
        .bind(ids.history(new.at).0.as_bytes().to_vec())
        .bind(new.balance)
        .bind(new.at.as_millis())
        .execute(&mut **transaction)
        .await
        .map_err(fault)?;
    }
    Ok(user)
}

static NEW_SEATS: Bulk = Bulk::new(
    "INSERT INTO concert_seat (concert_id, schedule_id, seat, label, category, price) VALUES ",
    columns::NEW_SEAT,
    "",
);

const CLAIM_ROW: &str = "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events) \
     SELECT ?1, max(seq) + 1, ?2, ?3, ?4, ?5 FROM journal WHERE concert_id = ?1";

/// Does nothing where it is known already. A database of before has concerts, the first of which says it.
const FIRST_CURRENCY: &str = "INSERT INTO installation (id, currency) \
     VALUES (1, coalesce((SELECT currency FROM concert ORDER BY concert_id LIMIT 1), ?)) ON CONFLICT DO NOTHING";

#[async_trait]
impl Store for SqliteStore {
    fn is_embedded(&self) -> bool {
        true
    }

    async fn open_lane(&self) -> Result<Box<dyn Lane>, StoreError> {
        Ok(Box::new(self.new_lane().await?))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.files.check()?;
        sqlx::query("SELECT 1 FROM schema_migration").fetch_one(&self.readers).await.map_err(fault)?;
        Ok(())
    }

    async fn tend(&self, metrics: &Metrics) {
        checkpoint::run(self, metrics).await;
    }

    async fn concerts_to_run(&self, now: Timestamp) -> Result<Vec<ConcertId>, StoreError> {
        session::concerts_to_run(&mut Asked(&mut *self.reader().await?), now).await
    }

    async fn claim(
        &self,
        concert: ConcertId,
        writer: WriterId,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut connection = self.writer().await;
        let mut transaction = connection.begin().await?;
        let row = sqlx::query("SELECT writer, heartbeat_at FROM concert WHERE concert_id = ?")
            .bind(concert.0)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(fault)?
            .ok_or(StoreError::NoSuchConcert { concert })?;
        let (holder, heartbeat) = (row.opt_uuid(0)?.map(WriterId), row.opt_time(1)?);
        // Before it first ran there was nothing that could stand still.
        let outage = heartbeat.map_or(Duration::ZERO, |heartbeat| now.since(heartbeat));
        if holder.is_some_and(|holder| holder != writer) && heartbeat.is_some() && outage < lease {
            return Err(StoreError::Claimed { concert, holder, heartbeat });
        }
        sqlx::query(
            "UPDATE concert SET writer = ?, heartbeat_at = ?, outage_ms = outage_ms + ? WHERE concert_id = ?",
        )
        .bind(writer.0.as_bytes().to_vec())
        .bind(heartbeat.map_or(now, |heartbeat| heartbeat.max(now)).as_millis())
        .bind(millis(outage))
        .bind(concert.0)
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
        sqlx::query(CLAIM_ROW)
            .bind(concert.0)
            .bind(random_id().as_bytes().to_vec())
            .bind(writer.0.as_bytes().to_vec())
            .bind(now.as_millis())
            .bind(journal::claimed(outage))
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        node_lives(&mut transaction, writer, now).await?;
        transaction.commit().await.map_err(fault)?;
        Ok(heartbeat)
    }

    async fn load_sale(&self, concert: ConcertId, now: Timestamp) -> Result<LoadedSale, StoreError> {
        session::load_sale(&mut Asked(&mut *self.read().await?), concert, now).await
    }

    async fn heartbeat(
        &self,
        writer: WriterId,
        now: Timestamp,
        gap_max: Duration,
    ) -> Result<Vec<(ConcertId, Duration)>, StoreError> {
        let mut connection = self.writer().await;
        let mut transaction = connection.begin().await?;
        node_lives(&mut transaction, writer, now).await?;
        let rows = sqlx::query(
            "UPDATE concert SET \
               outage_ms = outage_ms + CASE WHEN ?1 - heartbeat_at > ?2 THEN ?1 - heartbeat_at ELSE 0 END, \
               heartbeat_at = ?1 \
             WHERE writer = ?3 RETURNING concert_id, outage_ms",
        )
        .bind(now.as_millis())
        .bind(millis(gap_max))
        .bind(writer.0.as_bytes().to_vec())
        .fetch_all(&mut *transaction)
        .await
        .map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        let one = |row: &SqliteRow| {
            Ok((ConcertId(Cells::number(row, 0)?), Duration::from_millis(Cells::number(row, 1)?)))
        };
        let mut sales = rows.iter().map(one).collect::<Result<Vec<_>, StoreError>>()?;
        sales.sort_unstable();
        Ok(sales)
    }

    async fn count_outage(
        &self,
        concert: ConcertId,
        writer: WriterId,
        outage: Duration,
    ) -> Result<Duration, StoreError> {
        let mut connection = self.writer().await;
        let mut transaction = connection.begin().await?;
        let row = sqlx::query(
            "UPDATE concert SET outage_ms = outage_ms + ? WHERE concert_id = ? AND writer = ? RETURNING outage_ms",
        )
        .bind(millis(outage))
        .bind(concert.0)
        .bind(writer.0.as_bytes().to_vec())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(fault)?
        .ok_or(StoreError::Claimed { concert, holder: None, heartbeat: None })?;
        transaction.commit().await.map_err(fault)?;
        Ok(Duration::from_millis(Cells::number(&row, 0)?))
    }

    async fn release_claims(&self, writer: WriterId, now: Option<Timestamp>) -> Result<(), StoreError> {
        let mut connection = self.writer().await;
        let mut transaction = connection.begin().await?;
        for statement in [
            "UPDATE concert SET heartbeat_at = COALESCE(?, heartbeat_at), writer = NULL WHERE writer = ?",
            "UPDATE node SET stopped_at = COALESCE(?, heartbeat_at) WHERE writer = ?",
        ] {
            sqlx::query(statement)
                .bind(now.map(Timestamp::as_millis))
                .bind(writer.0.as_bytes().to_vec())
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
        }
        transaction.commit().await.map_err(fault)
    }

    async fn add_concert(&self, new: NewConcert) -> Result<(ConcertId, Vec<ScheduleId>), StoreError> {
        let seats = new_seats(&new.layout);
        let layout = pack_layout(&new.layout)?;
        let mut connection = self.writer().await;
        let mut transaction = connection.begin().await?;

        sqlx::query(FIRST_CURRENCY).bind(&new.currency).execute(&mut *transaction).await.map_err(fault)?;
        let wallets = session::wallet_currency(&mut Asked(&mut transaction)).await?.code.unwrap_or_default();
        if wallets != new.currency {
            return Err(StoreError::OtherCurrency { wallets, concert: new.currency });
        }

        let mut values = Values::default();
        values.text(Some(&new.title));
        values.text(Some(&new.layout.name));
        values.text(Some(&new.currency));
        bind_settings(&mut values, &new.settings);
        values.text(new.time_zone.as_deref());
        values.time(Some(new.at));
        let row = sqlx::query_with(
            concat!(
                "INSERT INTO concert (title, venue, currency, ",
                settings_columns!(),
                ", time_zone, created_at) VALUES (?, ?, ?, ",
                settings_values!("json_patch"),
                ", ?, ?) RETURNING concert_id"
            ),
            values.0,
        )
        .fetch_one(&mut *transaction)
        .await
        .map_err(fault)?;
        let concert = ConcertId(row.number(0)?);

        sqlx::query("INSERT INTO venue_layout (concert_id, seats, layout) VALUES (?, ?, ?)")
            .bind(concert.0)
            .bind(seats.len() as i64)
            .bind(layout)
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        let mut schedules = Vec::with_capacity(new.starts_at.len());
        for starts_at in &new.starts_at {
            let row = sqlx::query(
                "INSERT INTO concert_schedule (concert_id, starts_at) VALUES (?, ?) RETURNING schedule_id",
            )
            .bind(concert.0)
            .bind(starts_at.as_millis())
            .fetch_one(&mut *transaction)
            .await
            .map_err(fault)?;
            let schedule = ScheduleId(row.number(0)?);
            schedules.push(schedule);
            write(&mut transaction, &NEW_SEATS, &seats, |to, seat| {
                bind_new_seat(to, concert, schedule, seat);
            })
            .await
            .map_err(fault)?;
        }
        let seats = u32::try_from(seats.len()).map_err(|error| StoreError::Broken(error.into()))?;
        let begun: Vec<_> = schedules.iter().map(|schedule| (*schedule, seats)).collect();
        sqlx::query(
            "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events) VALUES (?, 0, ?, ?, ?, ?)",
        )
        .bind(concert.0)
        .bind(random_id().as_bytes().to_vec())
        .bind(Uuid::nil().as_bytes().to_vec())
        .bind(new.at.as_millis())
        .bind(journal::new_concert(&begun))
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        Ok((concert, schedules))
    }

    async fn add_user(&self, new: NewUser) -> Result<UserId, StoreError> {
        let mut connection = self.writer().await;
        let mut transaction = connection.begin().await?;
        let user = insert_user(&mut transaction, &new, &mut IdSource::from_os()).await?;
        transaction.commit().await.map_err(fault)?;
        Ok(user)
    }

    async fn add_users(&self, new: NewUser, count: u32) -> Result<Vec<UserId>, StoreError> {
        let mut made = Vec::with_capacity(count as usize);
        let mut ids = IdSource::from_os();
        while made.len() < count as usize {
            // The writer is let go between transactions: a server may be at work on the same file.
            let mut connection = self.writer().await;
            let mut transaction = connection.begin().await?;
            for _ in 0..USERS_PER_TRANSACTION.min(count as usize - made.len()) {
                made.push(insert_user(&mut transaction, &new, &mut ids).await?);
            }
            transaction.commit().await.map_err(fault)?;
        }
        Ok(made)
    }

    async fn user(&self, user: UserId) -> Result<Option<UserRecord>, StoreError> {
        session::user(&mut Asked(&mut *self.reader().await?), user).await
    }

    async fn user_of_subject(
        &self,
        issuer: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<UserId, StoreError> {
        let found = session::user_of_subject(&mut Asked(&mut *self.reader().await?), issuer, subject).await?;
        if let Some(user) = found {
            return Ok(user);
        }
        let mut connection = self.writer().await;
        let mut transaction = connection.begin().await?;
        sqlx::query(
            "INSERT INTO users (name, issuer, subject, created_at) VALUES (?, ?, ?, ?) \
             ON CONFLICT (issuer, subject) WHERE issuer IS NOT NULL DO NOTHING",
        )
        .bind(subject)
        .bind(issuer)
        .bind(subject)
        .bind(now.as_millis())
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
        let found = session::user_of_subject(&mut Asked(&mut transaction), issuer, subject).await?;
        transaction.commit().await.map_err(fault)?;
        found.ok_or_else(|| StoreError::broken("a user who was just made is not there"))
    }

    async fn concerts(&self) -> Result<Vec<ConcertId>, StoreError> {
        session::concerts(&mut Asked(&mut *self.reader().await?)).await
    }

    async fn concert_of_schedule(&self, schedule: ScheduleId) -> Result<Option<ConcertId>, StoreError> {
        session::concert_of_schedule(&mut Asked(&mut *self.reader().await?), schedule).await
    }

    async fn seat_label(
        &self,
        concert: ConcertId,
        schedule: ScheduleId,
        seat: SeatId,
    ) -> Result<Option<String>, StoreError> {
        session::seat_label(&mut Asked(&mut *self.reader().await?), concert, schedule, seat).await
    }

    async fn journal(
        &self,
        concert: ConcertId,
        from: u64,
        rows_max: u32,
    ) -> Result<Vec<JournalRow>, StoreError> {
        session::journal(&mut Asked(&mut *self.reader().await?), concert, from, rows_max).await
    }

    async fn wallet_currency(&self) -> Result<WalletCurrency, StoreError> {
        let known = session::wallet_currency(&mut Asked(&mut *self.read().await?)).await?;
        let (None, Some(first)) = (&known.code, known.others.first()) else { return Ok(known) };
        let mut connection = self.writer().await;
        let mut transaction = connection.begin().await?;
        sqlx::query(FIRST_CURRENCY).bind(first).execute(&mut *transaction).await.map_err(fault)?;
        let known = session::wallet_currency(&mut Asked(&mut transaction)).await?;
        transaction.commit().await.map_err(fault)?;
        Ok(known)
    }

    async fn decide_currency(&self, currency: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut connection = self.writer().await;
        let mut transaction = connection.begin().await?;
        sqlx::query(
            "INSERT INTO installation (id, currency, decided_at) VALUES (1, ?1, ?2) \
             ON CONFLICT (id) DO UPDATE SET currency = ?1, decided_at = ?2",
        )
        .bind(currency)
        .bind(now.as_millis())
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
        transaction.commit().await.map_err(fault)
    }

    async fn is_served(&self, now: Timestamp) -> Result<bool, StoreError> {
        session::is_served(&mut Asked(&mut *self.reader().await?), now).await
    }

    async fn balance(&self, user: UserId) -> Result<Option<Money>, StoreError> {
        session::balance(&mut Asked(&mut *self.reader().await?), user).await
    }

    async fn history(
        &self,
        user: UserId,
        before: Option<HistoryId>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        session::history(&mut Asked(&mut *self.reader().await?), user, before, limit).await
    }

    async fn reservations(&self, user: UserId) -> Result<Vec<Reservation>, StoreError> {
        session::reservations(&mut Asked(&mut *self.read().await?), user).await
    }

    async fn tickets(&self, user: UserId) -> Result<Vec<StoredTicket>, StoreError> {
        session::tickets(&mut Asked(&mut *self.reader().await?), user).await
    }

    async fn cancelled_tickets(&self, user: UserId) -> Result<Vec<StoredTicket>, StoreError> {
        session::cancelled_tickets(&mut Asked(&mut *self.reader().await?), user).await
    }

    async fn last_tokens(&self, user: UserId) -> Result<Vec<TokenRecord>, StoreError> {
        session::last_tokens(&mut Asked(&mut *self.reader().await?), user).await
    }

    async fn sweep(&self, page: &SweepPage) -> Result<SweepRows, StoreError> {
        session::sweep(&mut Asked(&mut *self.read().await?), page).await
    }

    async fn audit_with(&self, archive: Option<&Archive>) -> Result<AuditReport, StoreError> {
        audit::run(&mut Asked(&mut *self.read().await?), archive).await
    }

    fn old_journal(&self) -> Option<&dyn OldJournal> {
        Some(self)
    }
}

#[async_trait]
impl OldJournal for SqliteStore {
    async fn old_rows(
        &self,
        concert: ConcertId,
        from: u64,
        rows_max: u32,
    ) -> Result<(Vec<OldRow>, u64), StoreError> {
        session::old_rows(&mut Asked(&mut *self.reader().await?), concert, from, rows_max).await
    }

    async fn delete_rows(&self, concert: ConcertId, first: u64, last: u64) -> Result<(), StoreError> {
        let mut connection = self.writer().await;
        let mut transaction = connection.begin().await?;
        session::delete_rows(&mut Asked(&mut transaction), concert, first, last).await?;
        transaction.commit().await.map_err(fault)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A process says that it runs.
async fn node_lives(
    connection: &mut SqliteConnection,
    writer: WriterId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO node (writer, started_at, heartbeat_at) VALUES (?1, ?2, ?2) \
         ON CONFLICT (writer) DO UPDATE SET heartbeat_at = excluded.heartbeat_at, stopped_at = NULL",
    )
    .bind(writer.0.as_bytes().to_vec())
    .bind(now.as_millis())
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

#[cfg(test)]
mod tests;
