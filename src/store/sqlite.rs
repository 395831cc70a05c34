//! The embedded store: one SQLite file beside its write-ahead log. One connection writes at a time, and a lane's
//! batch is one transaction of it; reads go to connections of their own and never wait for a writer.
//!
//! Always: a commit that was confirmed survives a loss of power (`synchronous = FULL`). Other processes may write
//! too (`import`, `user add`): SQLite's own lock keeps them apart.

mod connection;
mod lane;
mod query;
mod schema;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use futures_util::TryStreamExt;
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, Connection, Row, Sqlite, SqlitePool, Transaction};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use connection::{OpenError, Values, fault, is_busy, reader_options, write, writer_options};

use super::bulk::Bulk;
use super::columns::{
    Bind, Cells, bind_settings, concert_columns, ledger_columns, read_concert, read_ledger, read_reservation,
    read_seat, read_stored_ticket, read_token, reservation_columns, ticket_list, token_columns,
};
use super::{
    AuditReport, JournalPosition, Lane, LoadedSale, LoadedSchedule, NewConcert, NewUser, ScheduleRecord,
    SeatStatus, Store, StoreError, StoredTicket, UserRecord, WriterId, journal, migrate, random_id,
};
use crate::domain::ids::{ConcertId, EntryNo, HistoryId, IdSource, ScheduleId, UserId};
use crate::domain::record::{LedgerEntry, Reservation, TokenRecord};
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::limits::{RESERVATIONS_LISTED_MAX, TICKETS_LISTED_MAX};
use crate::venue::VenueLayout;

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

/// Tokens listed of a user who was in many sales.
const LAST_TOKENS_MAX: u32 = 100;

pub struct SqliteStore {
    path: PathBuf,
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
        Ok(Self { path, writer: Mutex::new(writer), readers, turn: Arc::default() })
    }

    /// The names of the migrations that `open` would apply; changes nothing but makes the file if there is none.
    pub async fn pending_migrations(folder: &Path) -> Result<Vec<&'static str>, StoreError> {
        let path = make_folder(folder)?;
        let mut connection = open_writer(&path).await?;
        let pending = schema::pending(&mut connection, &path, migrate::SQLITE).await?;
        Ok(pending.iter().map(|migration| migration.name).collect())
    }

    /// The connection for single changes, and this process's turn to write.
    async fn writer(&self) -> Writer<'_> {
        let turn = self.turn.lock().await;
        Writer { connection: self.writer.lock().await, _turn: turn }
    }

    /// One view of the whole database.
    async fn read(&self) -> Result<Transaction<'_, Sqlite>, StoreError> {
        self.readers.begin().await.map_err(fault)
    }
}

struct Writer<'s> {
    connection: MutexGuard<'s, SqliteConnection>,
    _turn: MutexGuard<'s, ()>,
}

impl Writer<'_> {
    async fn begin(&mut self) -> Result<Transaction<'_, Sqlite>, StoreError> {
        self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(fault)
    }
}

fn make_folder(folder: &Path) -> Result<PathBuf, StoreError> {
    std::fs::create_dir_all(folder)
        .map_err(|error| OpenError::broken("make the data folder", folder, error))?;
    Ok(folder.join(FILE_NAME))
}

async fn open_writer(path: &Path) -> Result<SqliteConnection, StoreError> {
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
        "INSERT INTO users (name, balance, ledger_entries, created_at) VALUES (?, ?, ?, ?) RETURNING user_id",
    )
    .bind(&new.name)
    .bind(new.balance)
    .bind(i64::from(new.balance > 0))
    .bind(new.at.as_millis())
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
    6,
    "",
);

const CLAIM_ROW: &str = "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events) \
     SELECT ?1, max(seq) + 1, ?2, ?3, ?4, ?5 FROM journal WHERE concert_id = ?1";

#[async_trait]
impl Store for SqliteStore {
    fn is_embedded(&self) -> bool {
        true
    }

    async fn open_lane(&self) -> Result<Box<dyn Lane>, StoreError> {
        Ok(Box::new(lane::SqliteLane::open(self.path.clone(), Arc::clone(&self.turn)).await?))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1 FROM schema_migration").fetch_one(&self.readers).await.map_err(fault)?;
        Ok(())
    }

    async fn concerts_to_run(&self, now: Timestamp) -> Result<Vec<ConcertId>, StoreError> {
        // Who holds seats has a live token, so held reservations need no look of their own.
        let rows = sqlx::query(
            "SELECT concert_id FROM concert c \
             WHERE EXISTS (SELECT 1 FROM concert_schedule s \
                           WHERE s.concert_id = c.concert_id AND s.starts_at > ?) \
                OR EXISTS (SELECT 1 FROM queue q \
                           WHERE q.concert_id = c.concert_id AND q.status IN ('WAITING', 'PROGRESS')) \
             ORDER BY concert_id",
        )
        .bind(now.as_millis())
        .fetch_all(&self.readers)
        .await
        .map_err(fault)?;
        rows.iter().map(|row| Ok(ConcertId(Cells::number(row, 0)?))).collect()
    }

    async fn claim(
        &self,
        concert: ConcertId,
        writer: WriterId,
        now: Timestamp,
        lease: Duration,
    ) -> Result<(), StoreError> {
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
            return Err(StoreError::Claimed { concert });
        }
        sqlx::query(
            "UPDATE concert SET writer = ?, heartbeat_at = ?, outage_ms = outage_ms + ? WHERE concert_id = ?",
        )
        .bind(writer.0.as_bytes().to_vec())
        .bind(now.as_millis())
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
        transaction.commit().await.map_err(fault)
    }

    async fn load_sale(&self, concert: ConcertId) -> Result<LoadedSale, StoreError> {
        let mut read = self.read().await?;
        load_sale(&mut read, concert).await
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
        .ok_or(StoreError::Claimed { concert })?;
        transaction.commit().await.map_err(fault)?;
        Ok(Duration::from_millis(Cells::number(&row, 0)?))
    }

    async fn release_claims(&self, writer: WriterId, now: Timestamp) -> Result<(), StoreError> {
        let mut connection = self.writer().await;
        let mut transaction = connection.begin().await?;
        for statement in [
            "UPDATE concert SET heartbeat_at = ?, writer = NULL WHERE writer = ?",
            "UPDATE node SET stopped_at = ? WHERE writer = ?",
        ] {
            sqlx::query(statement)
                .bind(now.as_millis())
                .bind(writer.0.as_bytes().to_vec())
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
        }
        transaction.commit().await.map_err(fault)
    }

    async fn add_concert(&self, new: NewConcert) -> Result<(ConcertId, Vec<ScheduleId>), StoreError> {
        let seats = seat_facts(&new.layout);
        let layout = pack(&new.layout)?;
        let mut connection = self.writer().await;
        let mut transaction = connection.begin().await?;

        let mut values = Values::default();
        values.text(Some(&new.title));
        values.text(Some(&new.layout.name));
        values.text(Some(&new.currency));
        bind_settings(&mut values, &new.settings);
        values.time(Some(new.at));
        let row = sqlx::query_with(
            "INSERT INTO concert (title, venue, currency, state, opens_at, message, capacity, hold_ttl_ms, \
               admission_ttl_ms, idle_ttl_ms, away_ttl_ms, seats_per_reservation_max, cancel_before_start_ms, \
               created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING concert_id",
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
                to.id(concert.0.into());
                to.id(schedule.0);
                to.id(seat.number as u64);
                to.text(Some(seat.label));
                to.text(Some(seat.category));
                to.int(Some(seat.price));
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
        let row = self.user_row("SELECT user_id, name, balance FROM users WHERE user_id = ?", user).await?;
        row.map(|row| {
            Ok(UserRecord {
                id: UserId(Cells::number(&row, 0)?),
                name: Cells::text(&row, 1)?.to_owned(),
                balance: Cells::int(&row, 2)?,
            })
        })
        .transpose()
    }

    async fn user_of_subject(
        &self,
        issuer: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<UserId, StoreError> {
        const FIND: &str = "SELECT user_id FROM users WHERE issuer = ? AND subject = ?";
        let find = sqlx::query(FIND).bind(issuer).bind(subject);
        if let Some(row) = find.fetch_optional(&self.readers).await.map_err(fault)? {
            return Ok(UserId(Cells::number(&row, 0)?));
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
        let find = sqlx::query(FIND).bind(issuer).bind(subject);
        let row = find.fetch_one(&mut *transaction).await.map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        Ok(UserId(Cells::number(&row, 0)?))
    }

    async fn balance(&self, user: UserId) -> Result<Option<Money>, StoreError> {
        let row = self.user_row("SELECT balance FROM users WHERE user_id = ?", user).await?;
        row.map(|row| Cells::int(&row, 0)).transpose()
    }

    async fn history(
        &self,
        user: UserId,
        before: Option<HistoryId>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        let mut values = Values::default();
        values.id(user.0);
        values.uuid(before.map(|id| id.0));
        values.int(Some(limit.into()));
        let rows = sqlx::query_with(
            concat!(
                "SELECT ",
                ledger_columns!(),
                " FROM payment_history WHERE user_id = ?1 AND (?2 IS NULL OR entry_no < \
                   (SELECT entry_no FROM payment_history WHERE user_id = ?1 AND history_id = ?2)) \
                 ORDER BY entry_no DESC LIMIT ?3"
            ),
            values.0,
        );
        rows.fetch_all(&self.readers).await.map_err(fault)?.iter().map(read_ledger).collect()
    }

    async fn reservations(&self, user: UserId) -> Result<Vec<Reservation>, StoreError> {
        let mut read = self.read().await?;
        let mut values = Values::default();
        values.id(user.0);
        values.int(Some(RESERVATIONS_LISTED_MAX.into()));
        let rows = sqlx::query_with(
            concat!(
                "SELECT ",
                reservation_columns!(),
                " FROM reservation WHERE user_id = ? ORDER BY opened_at DESC, reservation_id LIMIT ?"
            ),
            values.0,
        );
        let rows = rows.fetch_all(&mut *read).await.map_err(fault)?;
        let mut reservations = rows.iter().map(read_reservation).collect::<Result<Vec<_>, _>>()?;
        query::complete(&mut read, &mut reservations).await?;
        Ok(reservations)
    }

    async fn tickets(&self, user: UserId) -> Result<Vec<StoredTicket>, StoreError> {
        let mut values = Values::default();
        values.id(user.0);
        values.int(Some(TICKETS_LISTED_MAX.into()));
        let rows = sqlx::query_with(
            concat!(
                ticket_list!(),
                " WHERE t.user_id = ? AND t.cancelled_at IS NULL ORDER BY t.ticket_id DESC LIMIT ?"
            ),
            values.0,
        );
        rows.fetch_all(&self.readers).await.map_err(fault)?.iter().map(read_stored_ticket).collect()
    }

    async fn last_tokens(&self, user: UserId) -> Result<Vec<TokenRecord>, StoreError> {
        let mut values = Values::default();
        values.id(user.0);
        values.int(Some(LAST_TOKENS_MAX.into()));
        let rows = sqlx::query_with(
            concat!(
                "SELECT ",
                token_columns!(),
                " FROM queue WHERE (concert_id, entry_no) IN ( \
                   SELECT concert_id, max(entry_no) FROM queue WHERE user_id = ? GROUP BY concert_id) \
                 ORDER BY entered_at DESC, concert_id DESC LIMIT ?"
            ),
            values.0,
        );
        rows.fetch_all(&self.readers).await.map_err(fault)?.iter().map(read_token).collect()
    }

    async fn audit(&self) -> Result<AuditReport, StoreError> {
        Err(StoreError::broken("this store cannot be audited yet"))
    }
}

impl SqliteStore {
    async fn user_row(&self, sql: &'static str, user: UserId) -> Result<Option<SqliteRow>, StoreError> {
        let mut values = Values::default();
        values.id(user.0);
        sqlx::query_with(sql, values.0).fetch_optional(&self.readers).await.map_err(fault)
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

async fn load_sale(read: &mut SqliteConnection, concert: ConcertId) -> Result<LoadedSale, StoreError> {
    let row = sqlx::query(concat!(
        "SELECT ",
        concert_columns!(),
        ", outage_ms, (SELECT layout FROM venue_layout WHERE venue_layout.concert_id = concert.concert_id) \
         FROM concert WHERE concert_id = ?"
    ))
    .bind(concert.0)
    .fetch_optional(&mut *read)
    .await
    .map_err(fault)?
    .ok_or(StoreError::NoSuchConcert { concert })?;
    let (record, settings) = read_concert(&row)?;
    let outages = Duration::from_millis(Cells::number(&row, 14)?);
    let layout = Arc::new(unpack(row.try_get_unchecked(15).map_err(fault)?)?);

    let row = sqlx::query("SELECT seq, batch_id FROM journal WHERE concert_id = ? ORDER BY seq DESC LIMIT 1")
        .bind(concert.0)
        .fetch_one(&mut *read)
        .await
        .map_err(fault)?;
    let journal = JournalPosition { seq: Cells::number(&row, 0)?, batch: row.uuid(1)? };

    let row = sqlx::query("SELECT coalesce(max(entry_no) + 1, 0) FROM queue WHERE concert_id = ?")
        .bind(concert.0)
        .fetch_one(&mut *read)
        .await
        .map_err(fault)?;
    let next_entry = EntryNo(Cells::number(&row, 0)?);

    let mut tokens = Vec::new();
    // The unary plus keeps the planner from gathering a whole line by users and sorting it afterwards.
    let mut rows = sqlx::query(concat!(
        "SELECT ",
        token_columns!(),
        " FROM queue WHERE concert_id = ? AND +status IN ('WAITING', 'PROGRESS') ORDER BY entry_no"
    ))
    .bind(concert.0)
    .fetch(&mut *read);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        tokens.push(read_token(&row)?);
    }
    drop(rows);

    let mut reservations: Vec<Reservation> = sqlx::query(concat!(
        "SELECT ",
        reservation_columns!(),
        " FROM reservation WHERE concert_id = ?1 AND reservation_id IN ( \
           SELECT reservation_id FROM concert_seat WHERE concert_id = ?1 AND status = 'TEMP_RESERVED') \
         ORDER BY reservation_id"
    ))
    .bind(concert.0)
    .fetch_all(&mut *read)
    .await
    .map_err(fault)?
    .iter()
    .map(read_reservation)
    .collect::<Result<_, _>>()?;
    query::complete(read, &mut reservations).await?;

    let rows = sqlx::query(
        "SELECT schedule_id, starts_at FROM concert_schedule WHERE concert_id = ? \
         ORDER BY starts_at, schedule_id",
    )
    .bind(concert.0)
    .fetch_all(&mut *read)
    .await
    .map_err(fault)?;
    let mut schedules = Vec::with_capacity(rows.len());
    for row in &rows {
        let schedule = ScheduleRecord { id: ScheduleId(Cells::number(row, 0)?), starts_at: row.time(1)? };
        schedules.push(LoadedSchedule { schedule, layout: Arc::clone(&layout), taken: Vec::new() });
    }
    for row in sqlx::query(
        "SELECT concert_id, schedule_id, seat, status, reservation_id FROM concert_seat \
         WHERE concert_id = ? AND reservation_id IS NOT NULL ORDER BY schedule_id, seat",
    )
    .bind(concert.0)
    .fetch_all(&mut *read)
    .await
    .map_err(fault)?
    {
        let seat = read_seat(&row)?;
        let of = schedules.iter_mut().find(|loaded| loaded.schedule.id == seat.schedule);
        if let (Some(loaded), Some(reservation)) = (of, seat.reservation)
            && seat.status != SeatStatus::Available
        {
            loaded.taken.push((seat.seat, seat.status, reservation));
        }
    }
    Ok(LoadedSale {
        concert: record,
        settings,
        outages,
        journal,
        next_entry,
        tokens,
        reservations,
        schedules,
    })
}

/// What a seat's row says of it that never changes.
struct SeatFacts<'l> {
    number: usize,
    label: &'l str,
    category: &'l str,
    price: Money,
}

fn seat_facts(layout: &VenueLayout) -> Vec<SeatFacts<'_>> {
    let columns = &layout.seats;
    (0..columns.label.len())
        .map(|number| {
            let category = &layout.categories[usize::from(columns.category[number])];
            let (label, price) = (columns.label[number].as_str(), category.price);
            SeatFacts { number, label, category: &category.name, price }
        })
        .collect()
}

/// A layout as it is stored: gzip'd JSON.
fn pack(layout: &VenueLayout) -> Result<Vec<u8>, StoreError> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let packed = serde_json::to_writer(&mut gzip, layout)
        .map_err(std::io::Error::from)
        .and_then(|()| gzip.flush())
        .and_then(|()| gzip.finish());
    packed.map_err(|error| StoreError::Broken(error.into()))
}

fn unpack(packed: &[u8]) -> Result<VenueLayout, StoreError> {
    let gzip = std::io::BufReader::new(GzDecoder::new(packed));
    serde_json::from_reader(gzip).map_err(|error| StoreError::Broken(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fresh() -> (SqliteStore, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (SqliteStore::open(folder.path()).await.unwrap(), folder)
    }

    crate::store::conformance::conformance_tests!(fresh());
}
