//! Connecting to a MySQL-compatible server, reading and binding its values, and sorting its errors by what to do
//! about them.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlQueryResult, MySqlRow};
use sqlx::{ConnectOptions, Executor, SqlStr};

use super::fault::{DUPLICATE, UNKNOWN_SYSTEM_VARIABLE, fault, is_undone, number};
use super::values::Values;
use crate::store::bulk::{Bulk, Packing};
use crate::store::columns::{self, ledger_columns, reservation_columns, token_columns};
use crate::store::query::{self, Changed, Dialect, Link, Take, question};
use crate::store::rehearsals::clear_rows;
use crate::store::settings::{new_concert, settings_columns, settings_update, settings_values};
use crate::store::{CommitError, StoreError};

/// Deletes some rows of a concert. Which ones does not matter, so the key is not named.
macro_rules! clear {
    ($table:literal, $key:literal) => {
        concat!("DELETE FROM ", $table, " WHERE concert_id = ? LIMIT ?")
    };
}

/// Statements kept prepared by a lane's connection, the least used one closed for the next: every bulk statement in
/// every size, with room for the single ones. Preparing one again costs a round trip.
const STATEMENTS_KEPT: usize = 256;
/// The least that a server has to allow, and that another connection begins with: some allow 50.
const STATEMENTS_KEPT_MIN: usize = 32;

/// The time that making a connection may take, so that an outage is noticed while clients still wait.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// MySQL's `caching_sha2_password` asks for the password itself, unless it has seen it since its own start. The driver's own
/// words for that are about how it was compiled.
const NO_PASSWORD_IN_CLEAR: &str = "the database server asks for the password itself, which is sent over an encrypted \
     connection alone: turn on TLS in the server, and let the URL end in `?ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE`";

/// The settings that every connection begins with: errors instead of silent changes to values, reads that see what
/// was committed, no waiting behind a lock for longer than a client waits for its answer, and no half-sent statement
/// that keeps its locks for long.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', \
     innodb_lock_wait_timeout = 5, net_read_timeout = 10";
const ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
/// A lane that stands still must not keep its locks for longer than who claims its sales waits for them. Whoever imports a large
/// hall on a busy machine may pause for longer.
const OF_LANE: [&str; 2] = ["SET SESSION net_read_timeout = 4", "SET SESSION idle_transaction_timeout = 4"];
/// Settings that only some servers know. A transaction whose client is gone without a word must not keep its locks (elsewhere such a
/// connection ends with the system's own timeouts); and a list of rows is to be looked up by key, not to be made a table of first.
const IF_KNOWN: [&str; 5] = [
    "SET SESSION idle_transaction_timeout = 10",
    "SET SESSION ob_trx_idle_timeout = 10000000",
    "SET SESSION in_predicate_conversion_threshold = 0",
    // The wait for a lock where innodb_lock_wait_timeout is a name without a meaning, in µs.
    "SET SESSION ob_trx_lock_timeout = 5000000",
    // A node of Galera reads nothing older than what was committed at another one before. What the server has on already stays.
    "SET SESSION wsrep_sync_wait = @@wsrep_sync_wait | 1",
];

/// The parameters that a URL may have, besides those that the driver takes under other names.
const PARAMETERS: [&str; 5] = ["ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "socket"];

/// Reads a `mysql://` or `mariadb://` URL. No error repeats the URL, which has a password in it.
pub fn options(url: &str) -> Result<MySqlConnectOptions, StoreError> {
    let parameters = url.rsplit_once('?').map_or("", |(_, parameters)| parameters);
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let name = parameter.split('=').next().unwrap_or(parameter);
        if !PARAMETERS.contains(&name) {
            // A password that should have been written with %3F looks like a parameter too, and is not printed.
            let is_word = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            let name = if is_word { name } else { "…" };
            return Err(StoreError::broken(format!(
                "the database URL has the parameter `{name}`, which is none of {}",
                PARAMETERS.join(", ")
            )));
        }
    }
    let options = MySqlConnectOptions::from_str(url)
        .map_err(|error| StoreError::broken(format!("the database URL cannot be used: {error}")))?;
    if options.get_database().is_none() {
        return Err(StoreError::broken(
            "the database URL names no database: mysql://USER@HOST:PORT/DATABASE",
        ));
    }
    let options = options
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .statement_cache_capacity(STATEMENTS_KEPT_MIN);
    Ok(options.disable_statement_logging())
}

/// The number of statements that a lane's connection keeps prepared, found by trying: as many as are of use, until
/// the server refuses one more.
#[derive(Clone, Debug)]
pub struct StatementBudget(Arc<AtomicUsize>);

impl Default for StatementBudget {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(STATEMENTS_KEPT)))
    }
}

impl StatementBudget {
    pub fn options(&self, options: &MySqlConnectOptions) -> MySqlConnectOptions {
        options.clone().statement_cache_capacity(self.0.load(Ordering::Relaxed))
    }

    /// The server refused one more than these. While one is prepared, the one that it takes the place of is still there;
    /// and if the limit is on all connections together, others need some too.
    pub fn is_less_than(&self, prepared: usize) {
        let fewer = (prepared * 7 / 8).max(STATEMENTS_KEPT_MIN);
        if self.0.fetch_min(fewer, Ordering::Relaxed) > fewer {
            tracing::warn!(prepared, kept = fewer, "the database server refuses to prepare more statements");
        }
    }
}

/// A connection for a lane, or for its table writer.
pub async fn connect(options: &MySqlConnectOptions) -> Result<MySqlConnection, StoreError> {
    let connecting = async {
        let mut connection = options.connect().await?;
        prepare(&mut connection).await?;
        set_if_known(&mut connection, &OF_LANE).await?;
        Ok(connection)
    };
    match tokio::time::timeout(CONNECT_PATIENCE, connecting).await {
        Ok(Err(sqlx::Error::Configuration(cause))) if cause.to_string().starts_with("RSA auth") => {
            Err(StoreError::broken(NO_PASSWORD_IN_CLEAR))
        }
        Ok(connected) => connected.map_err(fault),
        Err(_) => Err(StoreError::Unreachable("the database server did not answer in time".into())),
    }
}

/// Sets up a connection that was just made.
pub async fn prepare(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute(SESSION).await?;
    connection.execute(ISOLATION).await?;
    set_if_known(connection, &IF_KNOWN).await
}

async fn set_if_known(
    connection: &mut MySqlConnection,
    settings: &'static [&'static str],
) -> Result<(), sqlx::Error> {
    for &setting in settings {
        match connection.execute(setting).await {
            Err(error) if number(&error) != Some(UNKNOWN_SYSTEM_VARIABLE) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

impl Link for MySqlConnection {
    type Row = MySqlRow;
    type Values = Values;

    const DIALECT: &'static Dialect = &DIALECT;

    fn fault(error: sqlx::Error) -> StoreError {
        fault(error)
    }

    async fn all(&mut self, sql: SqlStr, values: Values) -> Result<Vec<MySqlRow>, StoreError> {
        sqlx::query_with(sql, values.0).fetch_all(self).await.map_err(fault)
    }

    async fn each(
        &mut self,
        sql: SqlStr,
        values: Values,
        take: &mut Take<'_, MySqlRow>,
    ) -> Result<(), StoreError> {
        query::each_of(sqlx::query_with(sql, values.0).fetch(self).map_err(fault), take).await
    }

    async fn run(&mut self, sql: SqlStr, values: Values) -> Result<Changed, StoreError> {
        sqlx::query_with(sql, values.0).execute(self).await.map(changed).map_err(fault)
    }

    async fn run_unless_there(&mut self, sql: SqlStr, values: Values) -> Result<Option<Changed>, StoreError> {
        match sqlx::query_with(sql, values.0).execute(self).await {
            Ok(done) => Ok(Some(changed(done))),
            Err(error) if number(&error) == Some(DUPLICATE) => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    async fn run_alone(&mut self, sql: SqlStr, values: Values) -> Result<Changed, CommitError> {
        match sqlx::query_with(sql, values.0).execute(self).await {
            Ok(done) => Ok(changed(done)),
            Err(error) if is_undone(&error) => Err(fault(error).into()),
            Err(error) => Err(CommitError::OutcomeUnknown(error.into())),
        }
    }
}

fn changed(done: MySqlQueryResult) -> Changed {
    Changed { rows: done.rows_affected(), last_id: done.last_insert_id() }
}

/// Rows are looked up by the key that is meant even while a table is so small that reading all of it seemed cheaper:
/// under lock that would be waiting for everybody.
pub static DIALECT: Dialect = Dialect {
    packing: Packing::Padded,
    // The rows are locked in the order of user ids, so that two lanes never wait for each other.
    wallets: Bulk::new(question!(wallets "FORCE INDEX (PRIMARY)"), 1, ") ORDER BY user_id FOR UPDATE"),
    charges: Bulk::new(question!(charges "FORCE INDEX (payment_history_request)"), 2, ")"),
    reservations: Bulk::new(question!(reservations), 2, ")"),
    payments: Bulk::new(question!(payments), 2, ")"),
    tickets: Bulk::new(question!(tickets "FORCE INDEX (ticket_reservation)"), 2, ")"),
    ended_tokens: Bulk::new(
        concat!(
            "SELECT ",
            token_columns!(),
            " FROM queue FORCE INDEX (queue_ended) WHERE (concert_id, ended_token) IN ("
        ),
        2,
        ")",
    ),
    last_tokens: Bulk::new(
        concat!(
            "SELECT ",
            token_columns!(),
            " FROM queue WHERE (concert_id, entry_no) IN ( \
               SELECT concert_id, max(entry_no) FROM queue FORCE INDEX (queue_user) \
               WHERE (user_id, concert_id) IN ("
        ),
        2,
        ") GROUP BY user_id, concert_id)",
    ),
    tokens: Bulk::new(question!(tokens "FORCE INDEX (PRIMARY)"), 2, ")"),
    seats: Bulk::new(question!(seats "FORCE INDEX (PRIMARY)"), 3, ")"),
    // A user who holds seats has a live token, so held reservations need no look of their own.
    concerts_to_run: "SELECT concert_id FROM concert c \
         WHERE archived_at IS NULL AND rehearsal_of IS NULL AND ( \
               EXISTS (SELECT 1 FROM concert_schedule s \
                       WHERE s.concert_id = c.concert_id AND s.starts_at > ?) \
            OR EXISTS (SELECT 1 FROM concert_schedule s \
                       WHERE s.concert_id = c.concert_id AND s.state = 'CALLED_OFF') \
            OR EXISTS (SELECT 1 FROM queue q FORCE INDEX (queue_live) \
                       WHERE q.concert_id = c.concert_id AND q.live_user IS NOT NULL)) \
            OR EXISTS (SELECT 1 FROM applied a WHERE a.concert_id = c.concert_id AND a.seq < ( \
                       SELECT max(j.seq) FROM journal j WHERE j.concert_id = c.concert_id)) \
         ORDER BY concert_id",
    holder: "SELECT writer, epoch, heartbeat_at, moves_to FROM concert WHERE concert_id = ? FOR UPDATE",
    claim_row: "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events, form) \
         SELECT concert_id, max(seq) + 1, ?, ?, ?, ?, 1 FROM journal WHERE concert_id = ? GROUP BY concert_id",
    node_lives: "INSERT INTO node (writer, started_at, heartbeat_at) VALUES (?, ?, ?) \
         ON DUPLICATE KEY UPDATE heartbeat_at = VALUES(heartbeat_at), stopped_at = NULL",
    now: "SELECT UTC_TIMESTAMP(6) AS now",
    new_concert: new_concert!("JSON_MERGE_PATCH"),
    settings: settings_update!("JSON_MERGE_PATCH"),
    new_seats: Bulk::new(
        "INSERT INTO concert_seat (concert_id, schedule_id, seat, label, category, price, status, reservation_id) \
         VALUES ",
        columns::NEW_SEAT,
        // Padding repeats a row.
        " ON DUPLICATE KEY UPDATE label = IF(label = VALUES(label), label, NULL)",
    ),
    first_currency: "INSERT INTO installation (id, currency) \
         VALUES (1, coalesce((SELECT currency FROM concert ORDER BY concert_id LIMIT 1), ?)) \
         ON DUPLICATE KEY UPDATE id = id",
    decided_currency: "INSERT INTO installation (id, currency, decided_at) VALUES (1, ?, ?) \
         ON DUPLICATE KEY UPDATE currency = VALUES(currency), decided_at = VALUES(decided_at)",
    turn: "INSERT INTO duty (name, holder, until) VALUES (?, ?, ?) \
         ON DUPLICATE KEY UPDATE holder = VALUES(holder), until = VALUES(until)",
    new_subject: "INSERT INTO users (name, issuer, subject, created_at) VALUES (?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE user_id = user_id",
    clear_rows: clear_rows!(clear),
    take_wallet: None,
};

#[cfg(test)]
mod tests {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

    use super::*;

    /// Statements go out at once: a statement of several records, over TLS, would wait 40 ms for each acknowledgement.
    #[tokio::test]
    async fn the_connection_sends_at_once() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("mysql://fan@{}/f", listener.local_addr().unwrap());
        let connecting = tokio::spawn(async move { connect(&options(&url).unwrap()).await.map(|_| ()) });
        let (server, client) = listener.accept().await.unwrap();
        // The socket at the other end is one of this process, which may look at its own.
        let this = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
        let is_at_once = || {
            let files = std::fs::read_dir("/proc/self/fd").unwrap();
            files.filter_map(|file| file.ok()?.file_name().to_str()?.parse().ok()).find_map(|number| {
                let file = pidfd_getfd(&this, number, PidfdGetfdFlags::empty()).ok()?;
                let socket = socket2::Socket::from(file);
                let is_it = socket.local_addr().ok()?.as_socket()? == client
                    && socket.peer_addr().ok()?.as_socket()? == server.local_addr().unwrap();
                is_it.then(|| socket.tcp_nodelay().unwrap())
            })
        };
        // It is set right after connecting, which the listener may see first.
        while is_at_once() != Some(true) {
            assert!(!connecting.is_finished());
            tokio::task::yield_now().await;
        }
        connecting.abort();
    }

    fn refused(url: &str) -> String {
        let error = options(url).expect_err("this URL must be refused");
        std::error::Error::source(&error).expect("it has a cause").to_string()
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_without_its_password() {
        let faults = [
            ("mysql://fan:hush@db:3306", "names no database"),
            ("mysql://fan:hush@db:notaport/f", "cannot be used"),
            ("mysql://fan:hush@db/f?ssl-mode=SOMETIMES", "cannot be used"),
            ("mysql://fan:hush@db/f?ssl-modus=REQUIRED", "`ssl-modus`"),
            ("mysql://fan:what?hush@db/f", "the parameter `…`"),
        ];
        for (url, words) in faults {
            let message = refused(url);
            assert!(message.contains(words) && !message.contains("hush"), "{message}");
        }
    }

    #[test]
    fn a_url_may_ask_for_tls_and_a_socket() {
        for url in [
            "mysql://fan:hush@db/f?ssl-mode=VERIFY_IDENTITY&ssl-ca=/ca.pem&ssl-cert=/c.pem&ssl-key=/k.pem",
            "mariadb://fan@db:3307/f?socket=/run/mysqld/mysqld.sock",
        ] {
            assert_eq!(options(url).unwrap().get_database(), Some("f"));
        }
    }
}
