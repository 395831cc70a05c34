//! The way everybody builds it: a row at a time. Each hold is a transaction of its own that reads the seat under lock,
//! writes the reservation and the seat, and commits; 16 connections do that at once, on the database and the disk that
//! the server uses, in tables of their own. No network, no sessions, no line in front: the comparison flatters it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use frontrow_crowd::record::{Board, Op, Outcome, Stats};
use frontrow_crowd::shop::rng_of;
use rand::RngExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use crate::common::{Common, duration};
use crate::report::{Figure, Machine, Report, summary};
use crate::server::Server;

/// Connections that hold at once.
const CONNECTIONS: usize = 16;
/// The time for which a connection waits for another one's lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

const ABOUT: &str = "holds row by row: a transaction each, 16 connections, no network in front.";

/// Holds a second the usual way: row-by-row transactions on 16 connections.
#[derive(Args)]
pub struct Baseline {
    /// Seats; each is held once, so there must be enough.
    #[arg(long, default_value_t = 200_000)]
    seats: usize,
    #[arg(long, default_value = "10s", value_parser = duration)]
    duration: Duration,
}

/// The database.
#[derive(Clone, Debug)]
pub enum Database {
    /// A folder on the disk in question.
    Sqlite(PathBuf),
    MySql(String),
}

/// The measurements.
pub struct Measured {
    pub per_second: f64,
    /// Connections at which it was best.
    pub connections: usize,
    board: Arc<Board>,
}

/// The database that a server uses; `None` for a server that was not started here.
pub fn database_of(server: &Server) -> Option<Database> {
    let folder = server.data()?.to_owned();
    Some(server.database_url().map_or(Database::Sqlite(folder), |url| Database::MySql(url.to_owned())))
}

impl Baseline {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        if !common.server.is_empty() {
            bail!("the baseline needs a database, not a server");
        }
        let folder = common.data_parent.join(format!("frontrow-baseline-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let database = match &common.database_url {
            Some(url) => Database::MySql(url.clone()),
            None => Database::Sqlite(folder.clone()),
        };
        let measured = measure(&database, self.seats, self.duration).await;
        std::fs::remove_dir_all(&folder)?;
        let measured = measured?;
        let (faults, first_faults) = measured.board.faults();
        let figures = vec![Figure {
            name: "baseline_per_second",
            value: measured.per_second,
            unit: "/s",
            about: "holds row by row",
        }];
        let expectations: Vec<_> =
            common.expect.iter().map(|expectation| expectation.check(&figures)).collect();
        let report = Report {
            scenario: "baseline",
            about: ABOUT,
            settings: vec![("connections".to_owned(), measured.connections.to_string())],
            machine: Machine::here(),
            window_seconds: measured.board.window().as_secs_f64(),
            figures,
            operations: measured.board.summary(),
            server: None,
            client: None,
            database: None,
            checks: Vec::new(),
            ok: faults == 0 && expectations.iter().all(|expected| expected.ok),
            expectations,
            faults,
            first_faults,
            seconds: measured.board.seconds(),
        };
        println!("{}", summary(&report));
        crate::report::write(&report, common.json.as_deref(), common.html.as_deref())?;
        Ok(report.ok)
    }
}

/// Measures for `time`: on SQLite with one connection and with sixteen, of which the better counts, because there
/// only one writes at a time and the others' waiting costs.
pub async fn measure(database: &Database, seats: usize, time: Duration) -> anyhow::Result<Measured> {
    match database {
        Database::MySql(_) => measure_with(database, seats, time, CONNECTIONS).await,
        Database::Sqlite(_) => {
            let one = measure_with(database, seats, time / 2, 1).await?;
            let many = measure_with(database, seats, time / 2, CONNECTIONS).await?;
            Ok(if one.per_second > many.per_second { one } else { many })
        }
    }
}

async fn measure_with(
    database: &Database,
    seats: usize,
    time: Duration,
    connections: usize,
) -> anyhow::Result<Measured> {
    eprintln!("row by row on {connections} connections for {:.1} s", time.as_secs_f64());
    let mut first =
        Connected::open(database).await.context("could not open the database for the baseline")?;
    first.make_tables(seats).await.context("could not make the baseline's tables")?;
    let board = Board::new();
    board.begin_window();
    let workers = (0..connections).map(|number| {
        let (database, board) = (database.clone(), board.clone());
        // Threads of their own, as a server's connection pool has: what they wait for is the database.
        std::thread::spawn(move || -> anyhow::Result<u64> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(hold_rows(&database, board, seats, time, number, connections))
        })
    });
    let workers: Vec<_> = workers.collect();
    // All of them end by themselves when the time is over.
    let joined = tokio::task::spawn_blocking(move || -> anyhow::Result<u64> {
        let joined = workers.into_iter().map(|worker| worker.join());
        joined.map(|done| done.map_err(|_| anyhow!("a connection of the baseline broke"))?).sum()
    });
    let done = joined.await??;
    board.end_window();
    board.settle();
    let per_second = done as f64 / board.window().as_secs_f64();
    first.drop_tables().await?;
    Ok(Measured { per_second, connections, board })
}

/// One connection's share of the seats, one after the other in an order of its own.
async fn hold_rows(
    database: &Database,
    board: Arc<Board>,
    seats: usize,
    time: Duration,
    number: usize,
    connections: usize,
) -> anyhow::Result<u64> {
    let mut connection = Connected::open(database).await?;
    let stats = Stats::new(board);
    let mut rng = rng_of(1, number);
    let began = Instant::now();
    let mut done = 0;
    while began.elapsed() < time {
        let seat = rng.random_range(0..seats / connections) * connections + number;
        let sent = Instant::now();
        match connection.hold(seat as i64, number as i64).await {
            Ok(true) => {
                done += 1;
                stats.ok(Op::Row, sent);
            }
            Ok(false) => {
                stats.record(
                    Op::Row,
                    sent.elapsed(),
                    &Outcome::Refused(frontrow_protocol::Reason::SeatTaken),
                );
            }
            Err(error) => stats.record(Op::Row, sent.elapsed(), &Outcome::Failed(error.to_string())),
        }
    }
    stats.flush();
    Ok(done)
}

enum Connected {
    Sqlite(SqliteConnection),
    MySql(MySqlConnection),
}

const MAKE_SEATS: &str =
    "CREATE TABLE baseline_seat (seat BIGINT PRIMARY KEY, held_by BIGINT, reservation BIGINT)";
const MAKE_RESERVATIONS_SQLITE: &str = "CREATE TABLE baseline_reservation (id INTEGER PRIMARY KEY, user_id BIGINT NOT NULL, seat BIGINT NOT NULL, status TEXT NOT NULL)";
const MAKE_RESERVATIONS_MYSQL: &str = "CREATE TABLE baseline_reservation (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT NOT NULL, seat BIGINT NOT NULL, status VARCHAR(20) NOT NULL) ENGINE=InnoDB";
const FILL_SQLITE: &str = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) INSERT INTO baseline_seat (seat) SELECT i FROM n";
const ADD_RESERVATION: &str =
    "INSERT INTO baseline_reservation (user_id, seat, status) VALUES (?, ?, 'TEMP_RESERVED')";
const TAKE_SEAT: &str = "UPDATE baseline_seat SET held_by = ?, reservation = ? WHERE seat = ?";

impl Connected {
    async fn open(database: &Database) -> anyhow::Result<Self> {
        match database {
            Database::Sqlite(folder) => {
                let options = SqliteConnectOptions::new()
                    .filename(folder.join("baseline.db"))
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(LOCK_PATIENCE);
                Ok(Self::Sqlite(options.connect().await?))
            }
            Database::MySql(url) => Ok(Self::MySql(url.parse::<MySqlConnectOptions>()?.connect().await?)),
        }
    }

    async fn make_tables(&mut self, seats: usize) -> anyhow::Result<()> {
        self.drop_tables().await?;
        match self {
            Self::Sqlite(connection) => {
                sqlx::query(MAKE_SEATS).execute(&mut *connection).await?;
                sqlx::query(MAKE_RESERVATIONS_SQLITE).execute(&mut *connection).await?;
                sqlx::query(FILL_SQLITE).bind(seats as i64).execute(&mut *connection).await?;
            }
            Self::MySql(connection) => {
                sqlx::query(MAKE_SEATS).execute(&mut *connection).await?;
                sqlx::query(MAKE_RESERVATIONS_MYSQL).execute(&mut *connection).await?;
                let numbers: Vec<i64> = (0..seats as i64).collect();
                for chunk in numbers.chunks(1_000) {
                    let mut insert = sqlx::QueryBuilder::new("INSERT INTO baseline_seat (seat) ");
                    insert.push_values(chunk, |mut row, seat| {
                        row.push_bind(*seat);
                    });
                    insert.build().execute(&mut *connection).await?;
                }
            }
        }
        Ok(())
    }

    async fn drop_tables(&mut self) -> anyhow::Result<()> {
        for drop in ["DROP TABLE IF EXISTS baseline_seat", "DROP TABLE IF EXISTS baseline_reservation"] {
            match self {
                Self::Sqlite(connection) => drop_one(sqlx::query(drop).execute(connection).await)?,
                Self::MySql(connection) => drop_one(sqlx::query(drop).execute(connection).await)?,
            }
        }
        Ok(())
    }

    /// Takes a seat, and says whether it was free.
    async fn hold(&mut self, seat: i64, user: i64) -> Result<bool, sqlx::Error> {
        match self {
            Self::Sqlite(connection) => {
                let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
                let held: Option<i64> =
                    sqlx::query_scalar("SELECT held_by FROM baseline_seat WHERE seat = ?")
                        .bind(seat)
                        .fetch_one(&mut *transaction)
                        .await?;
                if held.is_some() {
                    transaction.rollback().await?;
                    return Ok(false);
                }
                let added =
                    sqlx::query(ADD_RESERVATION).bind(user).bind(seat).execute(&mut *transaction).await?;
                let taken = sqlx::query(TAKE_SEAT).bind(user).bind(added.last_insert_rowid()).bind(seat);
                taken.execute(&mut *transaction).await?;
                transaction.commit().await?;
            }
            Self::MySql(connection) => {
                let mut transaction = connection.begin().await?;
                let held: Option<i64> =
                    sqlx::query_scalar("SELECT held_by FROM baseline_seat WHERE seat = ? FOR UPDATE")
                        .bind(seat)
                        .fetch_one(&mut *transaction)
                        .await?;
                if held.is_some() {
                    transaction.rollback().await?;
                    return Ok(false);
                }
                let added =
                    sqlx::query(ADD_RESERVATION).bind(user).bind(seat).execute(&mut *transaction).await?;
                let taken = sqlx::query(TAKE_SEAT).bind(user).bind(added.last_insert_id() as i64).bind(seat);
                taken.execute(&mut *transaction).await?;
                transaction.commit().await?;
            }
        }
        Ok(true)
    }
}

fn drop_one<T>(dropped: Result<T, sqlx::Error>) -> anyhow::Result<()> {
    dropped.map(drop).map_err(anyhow::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_row_is_held_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connected::open(&Database::Sqlite(folder.path().to_owned())).await.unwrap();
        connection.make_tables(10).await.unwrap();
        assert!(connection.hold(3, 1).await.unwrap());
        assert!(!connection.hold(3, 2).await.unwrap());
        assert!(connection.hold(4, 2).await.unwrap());
        connection.drop_tables().await.unwrap();
    }
}
