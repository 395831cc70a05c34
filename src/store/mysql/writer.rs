//! The connection that writes batches. Always: whatever fails leaves no transaction open on it, so that what memory
//! undoes is undone here too; and whoever drops a lane in the middle of something drops its transaction.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{Connection, Executor};
use tokio::time::Instant;

use super::connection::{self, StatementBudget};
use super::fault::{fault, is_rolled_back, is_used_up};
use super::form::Form;
use super::reservations::Reservations;
use super::seats::SeatSteps;
use crate::domain::command::Needs;
use crate::domain::ids::UserId;
use crate::store::batch::{self, Expect, Tables};
use crate::store::bulk::Bulk;
use crate::store::columns::{self, Bind, token_columns};
use crate::store::rows::{LedgerRow, Rows, WalletRow};
use crate::store::{
    Batch, BatchWriter, CommitError, Facts, Following, StoreError, TableWriter, query, table_writer,
};

/// The time that the server may take for the statements of a batch, short of COMMIT. Longer than it waits for a lock.
const BATCH_PATIENCE: Duration = Duration::from_secs(15);
/// The time that a commit may take.
const COMMIT_PATIENCE: Duration = Duration::from_secs(15);
/// The time after which a server, or what stands before it, may have closed a connection that was silent: it is looked after
/// before a batch is entrusted to it, of which nobody would know what became of it.
const SILENCE_MAX: Duration = Duration::from_secs(5);

// Each statement below is given new rows and changed ones alike, and finds a changed one by its primary key. If a row
// meets another one by a unique key instead, what must never be was about to happen: a column that may not be NULL is
// set to NULL then, which fails.

static TABLES: Tables = Tables {
    tokens: Bulk::new(
        concat!("INSERT INTO queue (", token_columns!(), ") VALUES "),
        columns::TOKEN,
        " ON DUPLICATE KEY UPDATE \
           user_id = IF(entry_no = VALUES(entry_no) AND token = VALUES(token), user_id, NULL), \
           status = VALUES(status), reason = VALUES(reason), admitted_at = VALUES(admitted_at), \
           expires_at = VALUES(expires_at), ended_at = VALUES(ended_at)",
    ),
    reservation_seats: Bulk::new(
        "INSERT INTO reservation_seat (concert_id, reservation_id, seat, schedule_id) VALUES ",
        columns::RESERVATION_SEAT,
        " ON DUPLICATE KEY UPDATE schedule_id = IF(schedule_id = VALUES(schedule_id), schedule_id, NULL)",
    ),
    payments: Bulk::new(
        "INSERT INTO payment (concert_id, payment_id, reservation_id, user_id, amount, status, at, cancelled_at, \
           refunded, refund_reason, source) VALUES ",
        columns::PAYMENT,
        " ON DUPLICATE KEY UPDATE user_id = IF(payment_id = VALUES(payment_id), user_id, NULL), \
           status = VALUES(status), cancelled_at = VALUES(cancelled_at), refunded = VALUES(refunded), \
           refund_reason = VALUES(refund_reason)",
    ),
    tickets: Bulk::new(
        "INSERT INTO ticket (concert_id, ticket_id, payment_id, reservation_id, schedule_id, seat, user_id, code, \
           issued_at, cancelled_at) VALUES ",
        columns::TICKET,
        " ON DUPLICATE KEY UPDATE user_id = IF(ticket_id = VALUES(ticket_id), user_id, NULL), \
           cancelled_at = VALUES(cancelled_at)",
    ),
    marked_tickets: Bulk::new(
        "INSERT INTO ticket (concert_id, ticket_id, payment_id, reservation_id, schedule_id, seat, user_id, code, \
           issued_at, cancelled_at, price, moved_from, moved_to) VALUES ",
        columns::MARKED_TICKET,
        " ON DUPLICATE KEY UPDATE user_id = IF(ticket_id = VALUES(ticket_id), user_id, NULL), \
           cancelled_at = VALUES(cancelled_at), moved_to = VALUES(moved_to)",
    ),
    ledger: Bulk::new(
        "INSERT INTO payment_history (user_id, entry_no, history_id, type, amount_change, balance, at, payment_id, \
           request_id) VALUES ",
        columns::LEDGER,
        " ON DUPLICATE KEY UPDATE \
           amount_change = IF(entry_no = VALUES(entry_no) AND history_id = VALUES(history_id), amount_change, NULL)",
    ),
    wallets: Bulk::with_constants(
        "INSERT INTO users (user_id, balance, ledger_entries, name, created_at) VALUES ",
        columns::WALLET,
        ",'','1970-01-01'",
        " ON DUPLICATE KEY UPDATE balance = VALUES(balance), ledger_entries = VALUES(ledger_entries)",
    ),
    wallets_expected: Expect::Anything,
};

/// A change in any case, also of a row that is as it was.
const SETTLED: &str = "INSERT INTO node (writer, started_at, heartbeat_at, settled) VALUES (?, ?, ?, 1) \
     ON DUPLICATE KEY UPDATE settled = settled + 1";

pub struct MySqlWriter {
    options: MySqlConnectOptions,
    form: Form,
    budget: StatementBudget,
    /// `None` after it was lost; made again when it is needed.
    connection: Option<MySqlConnection>,
    /// The writer is between START TRANSACTION and its end. A batch that is one statement needs neither.
    open: bool,
    /// Something was sent whose end was not seen: a task that is dropped meanwhile leaves it so.
    busy: bool,
    /// The last answer of the server.
    heard_at: Instant,
    /// The wallets that `begin` read.
    wallets: HashMap<UserId, WalletRow>,
}

impl MySqlWriter {
    pub async fn open(
        options: MySqlConnectOptions,
        form: Form,
        budget: StatementBudget,
    ) -> Result<Self, StoreError> {
        let connection = connection::connect(&budget.options(&options)).await?;
        Ok(Self {
            options,
            form,
            budget,
            connection: Some(connection),
            open: false,
            busy: false,
            heard_at: Instant::now(),
            wallets: HashMap::new(),
        })
    }

    /// Made again if it was lost.
    pub async fn connection(&mut self) -> Result<&mut MySqlConnection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connection::connect(&self.budget.options(&self.options)).await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Opens the transaction, unless it is open.
    async fn start(&mut self) -> Result<&mut MySqlConnection, StoreError> {
        if !self.open {
            self.hear("START TRANSACTION").await?;
            self.open = true;
        }
        self.connection().await
    }

    /// Sends a statement that may as well be sent again. A server closes a connection that was silent for a while: a connection
    /// that ended while nothing was under way on it is made anew before that counts as an outage.
    async fn hear(&mut self, statement: &'static str) -> Result<(), StoreError> {
        let is_kept = self.connection.is_some();
        let mut heard = self.connection().await?.execute(statement).await.map_err(fault);
        if is_kept && matches!(heard, Err(StoreError::Unreachable(_))) {
            self.connection = None;
            heard = self.connection().await?.execute(statement).await.map_err(fault);
        }
        heard.map(drop)
    }

    /// Forgets a connection, and with it the transaction. The server notices by itself.
    fn abandon(&mut self) {
        self.connection = None;
        self.open = false;
        self.busy = false;
        self.wallets.clear();
    }

    /// Leaves nothing of an open transaction. A lock that was waited for in vain ends only its statement, so the
    /// server is sent ROLLBACK, whatever it was that failed.
    async fn abort(&mut self) {
        if self.busy {
            return self.abandon();
        }
        self.wallets.clear();
        if self.open
            && let Some(connection) = &mut self.connection
        {
            self.busy = true;
            let rolled_back = connection.execute("ROLLBACK");
            match tokio::time::timeout(BATCH_PATIENCE, rolled_back).await {
                Ok(Ok(_)) => {
                    self.busy = false;
                    self.open = false;
                }
                _ => self.abandon(),
            }
        }
    }

    async fn read(&mut self, needs: &Needs) -> Result<Facts, StoreError> {
        if needs.wallets.is_empty() {
            return self.read_alone(needs).await;
        }
        let (facts, wallets) = query::facts(self.start().await?, needs).await?;
        self.wallets = wallets;
        Ok(facts)
    }

    /// Reads what ended of sales: nobody else writes it, and so nothing has to be locked, and no transaction begun.
    async fn read_alone(&mut self, needs: &Needs) -> Result<Facts, StoreError> {
        let is_kept = self.connection.is_some();
        let mut read = query::facts(self.connection().await?, needs).await;
        if is_kept && matches!(read, Err(StoreError::Unreachable(_))) {
            self.connection = None;
            read = query::facts(self.connection().await?, needs).await;
        }
        read.map(|(facts, _)| facts)
    }

    /// The connection, for a batch that is written outside of a transaction.
    async fn awake(&mut self) -> Result<&mut MySqlConnection, StoreError> {
        if self.heard_at.elapsed() > SILENCE_MAX {
            self.hear("DO 0").await?;
        }
        self.connection().await
    }

    /// Writes a batch that is one statement, which commits by itself.
    async fn write_alone(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let connection = in_time(self.awake()).await?;
        match tokio::time::timeout(COMMIT_PATIENCE, batch::write_alone(connection, batch)).await {
            Ok(written) => written,
            Err(late) => Err(CommitError::OutcomeUnknown(late.into())),
        }
    }

    async fn write(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let (form, known) = (self.form, std::mem::take(&mut self.wallets));
        let connection = self.start().await?;
        let rows = batch::write_journal(connection, batch).await?;
        let (ledger, wallets) = batch::on_wallets(connection, &rows, known).await?;
        write_rows(connection, &rows, (&ledger, &wallets), form).await?;
        Ok(())
    }

    /// Commits. Whatever is no clear answer of the server leaves the outcome unknown, and costs the connection.
    async fn finish(&mut self) -> Result<(), CommitError> {
        let connection = self.connection().await?;
        match tokio::time::timeout(COMMIT_PATIENCE, connection.execute("COMMIT")).await {
            Ok(Ok(_)) => {
                self.wallets.clear();
                self.open = false;
                Ok(())
            }
            Ok(Err(error)) if is_rolled_back(&error) => Err(fault(error).into()),
            Ok(Err(error)) => {
                self.abandon();
                Err(CommitError::OutcomeUnknown(error.into()))
            }
            Err(late) => {
                self.abandon();
                Err(CommitError::OutcomeUnknown(late.into()))
            }
        }
    }

    async fn write_and_finish(&mut self, batch: &Batch) -> Result<(), CommitError> {
        if !self.open && batch::is_one_statement(batch) {
            return self.write_alone(batch).await;
        }
        in_time(self.write(batch)).await?;
        self.finish().await
    }

    /// `Some`: there was nothing to write, as the tables have it already, up to that row.
    async fn write_behind(&mut self, following: &Following) -> Result<Option<u64>, StoreError> {
        let form = self.form;
        let connection = self.start().await?;
        if let Some(at) = table_writer::begin(connection, following).await? {
            return Ok(Some(at));
        }
        let mut rows = following.rows();
        rows.segment =
            table_writer::segment_for(connection, following.concert, rows.reservations.len()).await?;
        write_rows(connection, &rows, (&[], &[]), form).await?;
        table_writer::end(connection, following).await?;
        Ok(None)
    }

    async fn try_follow(&mut self, following: &Following) -> Result<u64, StoreError> {
        if let Some(at) = in_time(self.write_behind(following)).await? {
            return Ok(at);
        }
        match self.finish().await {
            Ok(()) => Ok(following.to),
            Err(CommitError::NotCommitted(error)) => Err(error),
            // The same again waits for what is under way, and finds out.
            Err(error) => Err(StoreError::Unreachable(error.into())),
        }
    }

    async fn try_settle(&mut self, batch: &Batch) -> Result<bool, CommitError> {
        let connection = self.start().await?;
        let is_written = batch::settle(connection, batch).await?;
        // A row may be seen, and stand in the way, while its own commit is not durable yet; and to commit nothing waits for
        // nothing. What is written after it is durable only together with it.
        query::run(connection, SETTLED, |to| {
            to.uuid(Some(batch.writer.0));
            to.time(Some(batch.at));
            to.time(Some(batch.at));
        })
        .await?;
        Ok(is_written)
    }

    async fn settle_and_finish(&mut self, batch: &Batch) -> Result<bool, CommitError> {
        let settled = in_time(self.try_settle(batch)).await?;
        self.finish().await?;
        Ok(settled)
    }

    /// Follows every step: nothing half done stays.
    async fn end<T, E>(&mut self, done: Result<T, E>, fate: impl Fn(&E) -> Fate) -> Result<T, E> {
        match done.as_ref().map_err(fate) {
            Ok(_) => {
                self.busy = false;
                self.heard_at = Instant::now();
            }
            Err(Fate::Stays) => {
                self.busy = false;
                self.abort().await;
            }
            Err(Fate::UsedUp) => {
                let prepared = self.connection.as_ref().map_or(0, Connection::cached_statements_size);
                self.budget.is_less_than(prepared);
                self.abandon();
            }
            Err(Fate::Lost) => self.abandon(),
        }
        done
    }
}

#[async_trait]
impl TableWriter for MySqlWriter {
    async fn follow(&mut self, rows: &Following) -> Result<u64, StoreError> {
        self.abort().await;
        self.busy = true;
        let followed = self.try_follow(rows).await;
        let followed = self.end(followed, fate).await;
        // Nothing is left open where there was nothing to write.
        self.abort().await;
        followed
    }
}

/// Writes rows of a batch besides its journal, or rows that follow.
pub async fn write_rows(
    connection: &mut MySqlConnection,
    rows: &Rows<'_>,
    wallets: (&[LedgerRow<'_>], &[WalletRow]),
    form: Form,
) -> Result<(), StoreError> {
    let (seats, reservations) = (SeatSteps::of(&rows.seats), Reservations::of(rows, form));
    let seats_and_reservations = seats.statements(form).chain(reservations.statements());
    batch::write_rows(connection, &TABLES, rows, wallets, seats_and_reservations).await
}

/// The fate of a connection, by the error that came on it.
enum Fate {
    Stays,
    /// It has no more of something; another one has.
    UsedUp,
    Lost,
}

/// A server that does not answer any more is lost, and with it what was not committed.
async fn in_time<T, E: From<StoreError>>(step: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    match tokio::time::timeout(BATCH_PATIENCE, step).await {
        Ok(done) => done,
        Err(late) => Err(StoreError::Unreachable(late.into()).into()),
    }
}

fn fate(error: &StoreError) -> Fate {
    match error {
        StoreError::Unreachable(_) => Fate::Lost,
        error if is_used_up(error) => Fate::UsedUp,
        _ => Fate::Stays,
    }
}

fn fate_of_commit(error: &CommitError) -> Fate {
    match error {
        CommitError::NotCommitted(error) => fate(error),
        CommitError::OutcomeUnknown(_) => Fate::Lost,
        CommitError::SteppedDown { .. } => Fate::Stays,
    }
}

#[async_trait]
impl BatchWriter for MySqlWriter {
    async fn begin(&mut self, needs: &Needs) -> Result<Facts, StoreError> {
        // A transaction that is still open belongs to a batch that nobody waits for.
        self.abort().await;
        if needs.is_empty() {
            return Ok(Facts::default());
        }
        self.busy = true;
        let facts = in_time(self.read(needs)).await;
        self.end(facts, fate).await
    }

    async fn commit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        if self.busy {
            self.abandon();
        }
        self.busy = true;
        let done = self.write_and_finish(batch).await;
        self.end(done, fate_of_commit).await
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        self.abort().await;
        Ok(())
    }

    async fn settle(&mut self, batch: &Batch) -> Result<bool, CommitError> {
        self.abort().await;
        self.busy = true;
        let settled = self.settle_and_finish(batch).await;
        self.end(settled, fate_of_commit).await
    }
}
