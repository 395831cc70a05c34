//! The store for production: MariaDB, and what shares its SQL (MySQL 8, TiDB). Each lane has a connection of its own,
//! outside of the pool that serves reads and single changes.
//!
//! Always: a batch is a few statements for many rows each, prepared once a connection, in one transaction. Whether a
//! confirmed commit survives a loss of power is the server's setting; `open` warns when it is loose.

mod connection;
mod fault;
mod form;
mod lane;
mod reservations;
mod schema;
mod seats;
mod settings;
mod values;

use std::time::Duration;

use async_trait::async_trait;
use sqlx::mysql::{MySql, MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{Connection, MySqlPool, Transaction};
use tokio::sync::Mutex;
use uuid::Uuid;

use connection::{Asked, Expect, StatementBudget, statements, write};
use fault::{DUPLICATE, fault, number};
pub use form::Form;
pub use lane::MySqlLane;
use values::Values;

use super::archive::{Archive, OldJournal, OldRow};
use super::bulk::Bulk;
use super::columns::{self, Bind, Cells, bind_new_seat, new_seats, pack_layout};
use super::settings::{bind_settings, settings_columns, settings_values};
use super::{
    AuditReport, JournalRow, Lane, LoadedSale, NewConcert, NewUser, Store, StoreError, StoredTicket,
    SweepPage, SweepRows, UserRecord, WalletCurrency, WriterId, audit, journal, migrate, random_id, session,
};
use crate::domain::ids::{ConcertId, HistoryId, IdSource, ScheduleId, SeatId, UserId};
use crate::domain::record::{LedgerEntry, Reservation, TokenRecord};
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::limits::SUBJECT_BYTES_MAX;

/// Connections for reads and single changes: as many as a server with a few cores answers at once.
const POOL_MAX: u32 = 8;
/// How long a read waits for one of them, and an outage stays unnoticed.
const POOL_PATIENCE: Duration = Duration::from_secs(3);
/// No connection is kept for longer, which is below what servers and firewalls between allow. Also, behind a name or a
/// proxy another server may be the right one by then, and the one at the other end refuse everything.
const POOL_AGE_MAX: Duration = Duration::from_secs(60);

/// How long a heartbeat may take before the server counts as gone.
const BEAT_PATIENCE: Duration = Duration::from_secs(5);
/// Users made in one transaction.
const USERS_PER_TRANSACTION: usize = 1_000;
/// As many characters of an external subject as a user's name may have.
const NAME_CHARS_MAX: usize = 200;

pub struct MySqlStore {
    options: MySqlConnectOptions,
    form: Form,
    /// Of what lanes keep prepared.
    budget: StatementBudget,
    pool: MySqlPool,
    /// For heartbeats alone: they must neither wait for readers nor, as a pool does, for a server that is gone.
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
        let pool = PoolOptions::<MySql>::new()
            .max_connections(POOL_MAX)
            .acquire_timeout(POOL_PATIENCE)
            .max_lifetime(POOL_AGE_MAX)
            .after_connect(|connection, _| Box::pin(connection::prepare(connection)))
            .connect_lazy_with(options.clone());
        Ok(Self { options, form, budget: StatementBudget::default(), pool, beating: Mutex::new(None) })
    }

    /// The names of the migrations that `open` would apply; changes nothing.
    pub async fn pending_migrations(url: &str) -> Result<Vec<&'static str>, StoreError> {
        let mut connection = connection::connect(&connection::options(url)?).await?;
        let pending = schema::pending(&mut connection, migrate::MYSQL).await?;
        Ok(pending.iter().map(|migration| migration.name).collect())
    }

    pub fn options(&self) -> &MySqlConnectOptions {
        &self.options
    }

    /// What the server was found to understand.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The same, in the words of another server: what each can be told, one that understands all of it is told.
    pub fn in_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// What `open_lane` gives, as what it is: for who looks behind it.
    pub async fn new_lane(&self) -> Result<MySqlLane, StoreError> {
        MySqlLane::open(self.options.clone(), self.form, self.budget.clone()).await
    }

    async fn reader(&self) -> Result<PoolConnection<MySql>, StoreError> {
        self.pool.acquire().await.map_err(fault)
    }

    /// One view of the whole database, for what takes several questions.
    async fn read(&self) -> Result<Transaction<'static, MySql>, StoreError> {
        let begin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
             START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
        self.pool.begin_with(begin).await.map_err(fault)
    }

    async fn change(&self) -> Result<Transaction<'static, MySql>, StoreError> {
        self.pool.begin().await.map_err(fault)
    }
}

static NEW_SEATS: Bulk = Bulk::new(
    "INSERT INTO concert_seat (concert_id, schedule_id, seat, label, category, price) VALUES ",
    columns::NEW_SEAT,
    // Padding repeats a row.
    " ON DUPLICATE KEY UPDATE label = IF(label = VALUES(label), label, NULL)",
);

const CLAIM_ROW: &str = "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events) \
     SELECT concert_id, max(seq) + 1, ?, ?, ?, ? FROM journal WHERE concert_id = ? GROUP BY concert_id";

/// Runs one statement of a change and gives (rows affected, last inserted id).
async fn run(
    connection: &mut MySqlConnection,
    sql: &'static str,
    values: Values,
) -> Result<(u64, u64), sqlx::Error> {
    let done = sqlx::query_with(sql, values.0).execute(connection).await?;
    Ok((done.rows_affected(), done.last_insert_id()))
}

async fn insert_user(
    connection: &mut MySqlConnection,
    new: &NewUser,
    ids: &mut IdSource,
) -> Result<UserId, StoreError> {
    let mut values = Values::default();
    values.text(Some(&new.name));
    values.int(Some(new.balance));
    values.int(Some(i64::from(new.balance > 0)));
    values.time(Some(new.at));
    values.int(Some(i64::from(!new.guest)));
    const USER: &str =
        "INSERT INTO users (name, balance, ledger_entries, created_at, vouched) VALUES (?, ?, ?, ?, ?)";
    let (_, user) = run(connection, USER, values).await.map_err(fault)?;
    if new.balance > 0 {
        let mut values = Values::default();
        values.id(user);
        values.uuid(Some(ids.history(new.at).0));
        values.int(Some(new.balance));
        values.int(Some(new.balance));
        values.time(Some(new.at));
        const ENTRY: &str = "INSERT INTO payment_history \
               (user_id, entry_no, history_id, type, amount_change, balance, at) \
             VALUES (?, 1, ?, 'CHARGE', ?, ?, ?)";
        run(connection, ENTRY, values).await.map_err(fault)?;
    }
    Ok(UserId(user))
}

/// Does nothing where it is known already. A database of before has concerts, the first of which says it.
async fn first_currency(
    transaction: &mut Transaction<'static, MySql>,
    currency: &str,
) -> Result<(), StoreError> {
    let mut values = Values::default();
    values.text(Some(currency));
    const FIRST: &str = "INSERT INTO installation (id, currency) \
         VALUES (1, coalesce((SELECT currency FROM concert ORDER BY concert_id LIMIT 1), ?)) \
         ON DUPLICATE KEY UPDATE id = id";
    run(transaction, FIRST, values).await.map_err(fault)?;
    Ok(())
}

#[async_trait]
impl Store for MySqlStore {
    fn is_embedded(&self) -> bool {
        false
    }

    async fn open_lane(&self) -> Result<Box<dyn Lane>, StoreError> {
        Ok(Box::new(self.new_lane().await?))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1 FROM schema_migration LIMIT 1").fetch_one(&self.pool).await.map_err(fault)?;
        Ok(())
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
        let mut transaction = self.change().await?;
        let mut values = Values::default();
        values.id(concert.0.into());
        let row = sqlx::query_with(
            "SELECT writer, heartbeat_at FROM concert WHERE concert_id = ? FOR UPDATE",
            values.0,
        )
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
        let mut values = Values::default();
        values.uuid(Some(writer.0));
        values.time(Some(heartbeat.map_or(now, |heartbeat| heartbeat.max(now))));
        values.int(Some(millis(outage)));
        values.id(concert.0.into());
        const TAKE: &str =
            "UPDATE concert SET writer = ?, heartbeat_at = ?, outage_ms = outage_ms + ? WHERE concert_id = ?";
        run(&mut transaction, TAKE, values).await.map_err(fault)?;
        let mut values = Values::default();
        values.uuid(Some(random_id()));
        values.uuid(Some(writer.0));
        values.time(Some(now));
        values.text(Some(&journal::claimed(outage)));
        values.id(concert.0.into());
        match run(&mut transaction, CLAIM_ROW, values).await {
            Ok((1, _)) => {}
            Ok(_) => return Err(StoreError::broken(format!("sale {concert} has no journal"))),
            // The former writer was at it until this moment: the next try finds the new end.
            Err(error) if number(&error) == Some(DUPLICATE) => {
                return Err(StoreError::RolledBack(error.into()));
            }
            Err(error) => return Err(fault(error)),
        }
        node_lives(&mut transaction, writer, now).await?;
        transaction.commit().await.map_err(fault)?;
        Ok(heartbeat)
    }

    async fn load_sale(&self, concert: ConcertId, now: Timestamp) -> Result<LoadedSale, StoreError> {
        let mut view = self.read().await?;
        let loaded = session::load_sale(&mut Asked(&mut view), concert, now).await?;
        view.rollback().await.map_err(fault)?;
        Ok(loaded)
    }

    async fn heartbeat(
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
        // After an error it is not known what the connection is good for.
        *kept = Some(connection);
        Ok(alive)
    }

    async fn count_outage(
        &self,
        concert: ConcertId,
        writer: WriterId,
        outage: Duration,
    ) -> Result<Duration, StoreError> {
        let mut transaction = self.change().await?;
        let mut values = Values::default();
        values.int(Some(millis(outage)));
        values.id(concert.0.into());
        values.uuid(Some(writer.0));
        const COUNT: &str =
            "UPDATE concert SET outage_ms = outage_ms + ? WHERE concert_id = ? AND writer = ?";
        let (found, _) = run(&mut transaction, COUNT, values).await.map_err(fault)?;
        if found == 0 {
            return Err(StoreError::Claimed { concert, holder: None, heartbeat: None });
        }
        let mut values = Values::default();
        values.id(concert.0.into());
        let row = sqlx::query_with("SELECT outage_ms FROM concert WHERE concert_id = ?", values.0)
            .fetch_one(&mut *transaction)
            .await
            .map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        Ok(Duration::from_millis(Cells::number(&row, 0)?))
    }

    async fn release_claims(&self, writer: WriterId, now: Option<Timestamp>) -> Result<(), StoreError> {
        let mut transaction = self.change().await?;
        for statement in [
            "UPDATE concert SET heartbeat_at = COALESCE(?, heartbeat_at), writer = NULL WHERE writer = ?",
            "UPDATE node SET stopped_at = COALESCE(?, heartbeat_at) WHERE writer = ?",
        ] {
            let mut values = Values::default();
            values.time(now);
            values.uuid(Some(writer.0));
            run(&mut transaction, statement, values).await.map_err(fault)?;
        }
        transaction.commit().await.map_err(fault)
    }

    async fn add_concert(&self, new: NewConcert) -> Result<(ConcertId, Vec<ScheduleId>), StoreError> {
        let seats = new_seats(&new.layout);
        let layout = pack_layout(&new.layout)?;
        let mut transaction = self.change().await?;

        first_currency(&mut transaction, &new.currency).await?;
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
        const CONCERT: &str = concat!(
            "INSERT INTO concert (title, venue, currency, ",
            settings_columns!(),
            ", time_zone, created_at) VALUES (?, ?, ?, ",
            settings_values!("JSON_MERGE_PATCH"),
            ", ?, ?)"
        );
        let (_, concert) = run(&mut transaction, CONCERT, values).await.map_err(fault)?;
        let concert = ConcertId(u32::try_from(concert).map_err(|error| StoreError::Broken(error.into()))?);

        let mut values = Values::default();
        values.id(concert.0.into());
        values.id(seats.len() as u64);
        values.bytes(&layout);
        const LAYOUT: &str = "INSERT INTO venue_layout (concert_id, seats, layout) VALUES (?, ?, ?)";
        run(&mut transaction, LAYOUT, values).await.map_err(fault)?;
        let mut schedules = Vec::with_capacity(new.starts_at.len());
        for starts_at in &new.starts_at {
            let mut values = Values::default();
            values.id(concert.0.into());
            values.time(Some(*starts_at));
            const SCHEDULE: &str = "INSERT INTO concert_schedule (concert_id, starts_at) VALUES (?, ?)";
            let (_, schedule) = run(&mut transaction, SCHEDULE, values).await.map_err(fault)?;
            let schedule = ScheduleId(schedule);
            schedules.push(schedule);
            let rows = statements("concert_seat", &NEW_SEATS, &seats, Expect::Anything, |to, seat| {
                bind_new_seat(to, concert, schedule, seat);
            });
            write(&mut transaction, rows).await?;
        }
        let seats = u32::try_from(seats.len()).map_err(|error| StoreError::Broken(error.into()))?;
        let begun: Vec<_> = schedules.iter().map(|schedule| (*schedule, seats)).collect();
        let mut values = Values::default();
        values.id(concert.0.into());
        values.uuid(Some(random_id()));
        values.uuid(Some(Uuid::nil()));
        values.time(Some(new.at));
        values.text(Some(&journal::new_concert(&begun)));
        const FIRST_ROW: &str =
            "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events) VALUES (?, 0, ?, ?, ?, ?)";
        run(&mut transaction, FIRST_ROW, values).await.map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        Ok((concert, schedules))
    }

    async fn add_user(&self, new: NewUser) -> Result<UserId, StoreError> {
        let mut transaction = self.change().await?;
        let user = insert_user(&mut transaction, &new, &mut IdSource::from_os()).await?;
        transaction.commit().await.map_err(fault)?;
        Ok(user)
    }

    async fn add_users(&self, new: NewUser, count: u32) -> Result<Vec<UserId>, StoreError> {
        let mut made = Vec::with_capacity(count as usize);
        let mut ids = IdSource::from_os();
        while made.len() < count as usize {
            let mut transaction = self.change().await?;
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
        if issuer.len() > SUBJECT_BYTES_MAX || subject.len() > SUBJECT_BYTES_MAX {
            return Err(StoreError::broken(format!(
                "an issuer or a subject has more than {SUBJECT_BYTES_MAX} bytes"
            )));
        }
        let mut connection = self.reader().await?;
        if let Some(user) = session::user_of_subject(&mut Asked(&mut connection), issuer, subject).await? {
            return Ok(user);
        }
        let mut values = Values::default();
        values.text(Some(&subject.chars().take(NAME_CHARS_MAX).collect::<String>()));
        values.text(Some(issuer));
        values.text(Some(subject));
        values.time(Some(now));
        // Somebody else may make the same user at this moment; then theirs is the one.
        const USER: &str = "INSERT INTO users (name, issuer, subject, created_at) VALUES (?, ?, ?, ?) \
             ON DUPLICATE KEY UPDATE user_id = user_id";
        run(&mut connection, USER, values).await.map_err(fault)?;
        let found = session::user_of_subject(&mut Asked(&mut connection), issuer, subject).await?;
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
        let known = session::wallet_currency(&mut Asked(&mut *self.reader().await?)).await?;
        let (None, Some(first)) = (&known.code, known.others.first()) else { return Ok(known) };
        let mut transaction = self.change().await?;
        first_currency(&mut transaction, first).await?;
        transaction.commit().await.map_err(fault)?;
        session::wallet_currency(&mut Asked(&mut *self.reader().await?)).await
    }

    async fn decide_currency(&self, currency: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.change().await?;
        let mut values = Values::default();
        values.text(Some(currency));
        values.time(Some(now));
        const DECIDE: &str = "INSERT INTO installation (id, currency, decided_at) VALUES (1, ?, ?) \
             ON DUPLICATE KEY UPDATE currency = VALUES(currency), decided_at = VALUES(decided_at)";
        run(&mut transaction, DECIDE, values).await.map_err(fault)?;
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
        let mut view = self.read().await?;
        let reservations = session::reservations(&mut Asked(&mut view), user).await?;
        view.rollback().await.map_err(fault)?;
        Ok(reservations)
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
        let mut view = self.read().await?;
        let rows = session::sweep(&mut Asked(&mut view), page).await?;
        view.rollback().await.map_err(fault)?;
        Ok(rows)
    }

    async fn audit_with(&self, archive: Option<&Archive>) -> Result<AuditReport, StoreError> {
        let mut view = self.read().await?;
        let report = audit::run(&mut Asked(&mut view), archive).await?;
        view.rollback().await.map_err(fault)?;
        Ok(report)
    }

    fn old_journal(&self) -> Option<&dyn OldJournal> {
        Some(self)
    }
}

#[async_trait]
impl OldJournal for MySqlStore {
    async fn old_rows(
        &self,
        concert: ConcertId,
        from: u64,
        rows_max: u32,
    ) -> Result<(Vec<OldRow>, u64), StoreError> {
        session::old_rows(&mut Asked(&mut *self.reader().await?), concert, from, rows_max).await
    }

    async fn delete_rows(&self, concert: ConcertId, first: u64, last: u64) -> Result<(), StoreError> {
        let mut transaction = self.change().await?;
        session::delete_rows(&mut Asked(&mut transaction), concert, first, last).await?;
        transaction.commit().await.map_err(fault)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
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
    node_lives(&mut transaction, writer, now).await?;
    let mut values = Values::default();
    values.time(Some(now));
    values.int(Some(millis(gap_max).saturating_mul(1_000)));
    values.time(Some(now));
    values.time(Some(now));
    values.uuid(Some(writer.0));
    // The outage comes first because it looks at the heartbeat as it was.
    const BEAT: &str = "UPDATE concert SET \
           outage_ms = outage_ms + CASE WHEN TIMESTAMPDIFF(MICROSECOND, heartbeat_at, ?) > ? \
             THEN TIMESTAMPDIFF(MICROSECOND, heartbeat_at, ?) DIV 1000 ELSE 0 END, \
           heartbeat_at = ? \
         WHERE writer = ?";
    run(&mut transaction, BEAT, values).await.map_err(fault)?;
    let mut values = Values::default();
    values.uuid(Some(writer.0));
    let rows = sqlx::query_with(
        "SELECT concert_id, outage_ms FROM concert WHERE writer = ? ORDER BY concert_id",
        values.0,
    )
    .fetch_all(&mut *transaction)
    .await
    .map_err(fault)?;
    transaction.commit().await.map_err(fault)?;
    let one = |row: &MySqlRow| {
        Ok((ConcertId(Cells::number(row, 0)?), Duration::from_millis(Cells::number(row, 1)?)))
    };
    rows.iter().map(one).collect()
}

/// A process says that it runs.
async fn node_lives(
    connection: &mut MySqlConnection,
    writer: WriterId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut values = Values::default();
    values.uuid(Some(writer.0));
    values.time(Some(now));
    values.time(Some(now));
    const NODE: &str = "INSERT INTO node (writer, started_at, heartbeat_at) VALUES (?, ?, ?) \
         ON DUPLICATE KEY UPDATE heartbeat_at = VALUES(heartbeat_at), stopped_at = NULL";
    run(connection, NODE, values).await.map_err(fault)?;
    Ok(())
}

#[cfg(all(test, feature = "mariadb-tests"))]
mod tests;
