//! The connection that writes batches. Always: whatever fails leaves no transaction open on it, so that what memory
//! undoes is undone here too; and whoever drops a lane in the middle of something drops its transaction.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{Connection, Executor, SqlSafeStr};
use uuid::Uuid;

use super::connection::{self, Asked, Bound, Expect, StatementBudget, statements, write};
use super::fault::{DUPLICATE, fault, is_rolled_back, is_used_up, number};
use super::form::Form;
use super::reservations::Reservations;
use super::seats::SeatSteps;
use super::values::Values;
use crate::domain::command::Needs;
use crate::domain::ids::UserId;
use crate::store::bulk::Bulk;
use crate::store::columns::{
    self, Bind, Cells, bind_ledger, bind_payment, bind_reservation_seat, bind_ticket, bind_token,
    bind_wallet, token_columns,
};
use crate::store::rows::{LedgerRow, Rows, WalletRow};
use crate::store::settings::{bind_settings, settings_update};
use crate::store::{Batch, CommitError, Facts, Lane, SaleBatch, StoreError, WriterId, journal, session};

/// How long the server may take for what a batch asks of it, short of COMMIT. Longer than it waits for a lock.
const BATCH_PATIENCE: Duration = Duration::from_secs(15);
/// How long it may take to commit.
const COMMIT_PATIENCE: Duration = Duration::from_secs(15);

// Each statement below is given new rows and changed ones alike, and finds a changed one by its primary key. If a row
// meets another one by a unique key instead, what must never be was about to happen: a column that may not be NULL is
// set to NULL then, which fails.

static TOKENS: Bulk = Bulk::new(
    concat!("INSERT INTO queue (", token_columns!(), ") VALUES "),
    columns::TOKEN,
    " ON DUPLICATE KEY UPDATE \
       user_id = IF(entry_no = VALUES(entry_no) AND token = VALUES(token), user_id, NULL), \
       status = VALUES(status), reason = VALUES(reason), admitted_at = VALUES(admitted_at), \
       expires_at = VALUES(expires_at), ended_at = VALUES(ended_at)",
);

static RESERVATION_SEATS: Bulk = Bulk::new(
    "INSERT INTO reservation_seat (concert_id, reservation_id, seat, schedule_id) VALUES ",
    columns::RESERVATION_SEAT,
    " ON DUPLICATE KEY UPDATE schedule_id = IF(schedule_id = VALUES(schedule_id), schedule_id, NULL)",
);

static PAYMENTS: Bulk = Bulk::new(
    "INSERT INTO payment (concert_id, payment_id, reservation_id, user_id, amount, status, at, cancelled_at) \
     VALUES ",
    columns::PAYMENT,
    " ON DUPLICATE KEY UPDATE user_id = IF(payment_id = VALUES(payment_id), user_id, NULL), \
       status = VALUES(status), cancelled_at = VALUES(cancelled_at)",
);

static TICKETS: Bulk = Bulk::new(
    "INSERT INTO ticket (concert_id, ticket_id, payment_id, reservation_id, schedule_id, seat, user_id, code, \
       issued_at, cancelled_at) VALUES ",
    columns::TICKET,
    " ON DUPLICATE KEY UPDATE user_id = IF(ticket_id = VALUES(ticket_id), user_id, NULL), \
       cancelled_at = VALUES(cancelled_at)",
);

static LEDGER: Bulk = Bulk::new(
    "INSERT INTO payment_history (user_id, entry_no, history_id, type, amount_change, balance, at, payment_id, \
       request_id) VALUES ",
    columns::LEDGER,
    " ON DUPLICATE KEY UPDATE \
       amount_change = IF(entry_no = VALUES(entry_no) AND history_id = VALUES(history_id), amount_change, NULL)",
);

static WALLETS: Bulk = Bulk::with_constants(
    "INSERT INTO users (user_id, balance, ledger_entries, name, created_at) VALUES ",
    columns::WALLET,
    ",'','1970-01-01'",
    " ON DUPLICATE KEY UPDATE balance = VALUES(balance), ledger_entries = VALUES(ledger_entries)",
);

/// Reads without a lock: if another writer adds the same row, the primary key decides.
const JOURNAL: &str = "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events) \
     SELECT concert_id, seq + 1, ?, writer, ?, ? FROM journal \
     WHERE concert_id = ? AND seq = ? AND batch_id = ? AND writer = ?";

/// A change in any case, also of a row that is as it was.
const SETTLED: &str = "INSERT INTO node (writer, started_at, heartbeat_at, settled) VALUES (?, ?, ?, 1) \
     ON DUPLICATE KEY UPDATE settled = settled + 1";

const JOURNAL_ROW: &str = "SELECT batch_id, writer FROM journal WHERE concert_id = ? AND seq = ?";

const SETTINGS: &str = settings_update!("JSON_MERGE_PATCH");

/// One entry of a ledger.
const CHARGE: &str = "SELECT 1 FROM payment_history WHERE user_id = ? AND history_id = ?";

pub struct MySqlLane {
    options: MySqlConnectOptions,
    form: Form,
    budget: StatementBudget,
    /// `None` after it was lost; made again when it is needed.
    connection: Option<MySqlConnection>,
    /// Between START TRANSACTION and its end.
    open: bool,
    /// Something was sent whose end was not seen: a task that is dropped meanwhile leaves it so.
    busy: bool,
    /// The wallets that `begin` read.
    wallets: HashMap<UserId, WalletRow>,
}

impl MySqlLane {
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

    /// Opens the transaction, unless it is open. A server hangs up on whom it has not heard of for a while: a connection
    /// that ended while nothing was under way on it is made anew before that counts as an outage.
    async fn start(&mut self) -> Result<&mut MySqlConnection, StoreError> {
        if !self.open {
            let is_kept = self.connection.is_some();
            let mut begun = self.connection().await?.execute("START TRANSACTION").await.map_err(fault);
            if is_kept && matches!(begun, Err(StoreError::Unreachable(_))) {
                self.connection = None;
                begun = self.connection().await?.execute("START TRANSACTION").await.map_err(fault);
            }
            begun?;
            self.open = true;
        }
        self.connection().await
    }

    /// Forgets a connection, and with it the transaction. The server notices by itself.
    fn abandon(&mut self) {
        self.connection = None;
        self.open = false;
        self.busy = false;
        self.wallets.clear();
    }

    /// Leaves nothing of an open transaction. A lock that was waited for in vain ends only its statement, so the
    /// server is told, whatever it was that failed.
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
        let (facts, wallets) = session::facts(&mut Asked(self.start().await?), needs).await?;
        self.wallets = wallets;
        Ok(facts)
    }

    async fn write(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let (form, mut wallets) = (self.form, std::mem::take(&mut self.wallets));
        let connection = self.start().await?;
        let add = async {
            for sale in &batch.sales {
                let events = journal::encode(&sale.events);
                add_to_journal(connection, sale, batch, batch.id, &events).await?;
            }
            Ok::<_, CommitError>(())
        };
        // While the journal is written, the rest is made ready.
        let (added, rows) = tokio::join!(biased; add, async { Rows::of(batch) });
        added?;
        let unread: Vec<_> =
            rows.wallet_users().into_iter().filter(|user| !wallets.contains_key(user)).collect();
        wallets.extend(session::wallets(&mut Asked(connection), &unread).await?);
        let (ledger, wallets) = rows.on_wallets(&wallets)?;
        write_rows(connection, form, &rows, &ledger, &wallets).await?;
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
        in_time(self.write(batch)).await?;
        self.finish().await
    }

    async fn try_settle(&mut self, batch: &Batch) -> Result<bool, CommitError> {
        let connection = self.start().await?;
        let is_written = look_for(connection, batch).await?;
        // A row may be seen, and stand in the way, while its own commit is not durable yet; and to commit nothing waits for
        // nothing. What is written after it is durable only together with it.
        let mut values = Values::default();
        values.uuid(Some(batch.writer.0));
        values.time(Some(batch.at));
        values.time(Some(batch.at));
        sqlx::query_with(SETTLED, values.0).execute(connection).await.map_err(fault)?;
        Ok(is_written)
    }

    async fn settle_and_finish(&mut self, batch: &Batch) -> Result<bool, CommitError> {
        let settled = in_time(self.try_settle(batch)).await?;
        self.finish().await?;
        Ok(settled)
    }

    /// What follows every step: nothing half done stays.
    async fn end<T, E>(&mut self, done: Result<T, E>, fate: impl Fn(&E) -> Fate) -> Result<T, E> {
        match done.as_ref().map_err(fate) {
            Ok(_) => self.busy = false,
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

/// What an error says of the connection that it came on.
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
impl Lane for MySqlLane {
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

/// Adds a sale's row on top of the one that this writer wrote before; anything else there is another writer.
async fn add_to_journal(
    connection: &mut MySqlConnection,
    sale: &SaleBatch,
    batch: &Batch,
    id: Uuid,
    events: &str,
) -> Result<(), CommitError> {
    let mut values = Values::default();
    values.uuid(Some(id));
    values.time(Some(batch.at));
    values.text(Some(events));
    values.id(sale.concert.0.into());
    values.int(i64::try_from(sale.seq).ok().and_then(|seq| seq.checked_sub(1)));
    values.uuid(Some(sale.after));
    values.uuid(Some(batch.writer.0));
    match sqlx::query_with(JOURNAL, values.0).execute(connection).await {
        Ok(done) if done.rows_affected() == 1 => Ok(()),
        Ok(_) => Err(CommitError::SteppedDown { concert: sale.concert }),
        Err(error) if number(&error) == Some(DUPLICATE) => {
            Err(CommitError::SteppedDown { concert: sale.concert })
        }
        Err(error) => Err(fault(error).into()),
    }
}

/// Is a batch in the store? If it was not, it never will be.
async fn look_for(connection: &mut MySqlConnection, batch: &Batch) -> Result<bool, CommitError> {
    for sale in &batch.sales {
        match add_to_journal(connection, sale, batch, batch.void_id(), journal::void()).await {
            Ok(()) => {}
            Err(CommitError::SteppedDown { .. }) => return written_by(connection, sale, batch).await,
            Err(error) => return Err(error),
        }
    }
    match batch.sales.is_empty() {
        true => charges_written(connection, batch).await,
        false => Ok(false),
    }
}

/// The row at a batch's place in the journal is there already: is it the batch's own, or its void?
async fn written_by(
    connection: &mut MySqlConnection,
    sale: &SaleBatch,
    batch: &Batch,
) -> Result<bool, CommitError> {
    let mut values = Values::default();
    values.id(sale.concert.0.into());
    values.id(sale.seq);
    let row = sqlx::query_with(JOURNAL_ROW, values.0).fetch_optional(connection).await.map_err(fault)?;
    let Some(row) = row else { return Err(CommitError::SteppedDown { concert: sale.concert }) };
    let (id, writer) = (row.uuid(0)?, WriterId(row.uuid(1)?));
    match id {
        _ if writer != batch.writer => Err(CommitError::SteppedDown { concert: sale.concert }),
        id if id == batch.id => Ok(true),
        id if id == batch.void_id() => Ok(false),
        _ => Err(CommitError::SteppedDown { concert: sale.concert }),
    }
}

/// A batch of charges alone has no place in a journal: its ledger entries are there or not, and whoever has the
/// wallets' locks knows that the lost transaction, which had them, is over.
async fn charges_written(connection: &mut MySqlConnection, batch: &Batch) -> Result<bool, CommitError> {
    let mut users: Vec<_> = batch.charges.iter().map(|charge| charge.user).collect();
    users.sort_unstable();
    users.dedup();
    session::wallets(&mut Asked(connection), &users).await?;
    let mut written = false;
    for charge in &batch.charges {
        let mut values = Values::default();
        values.id(charge.user.0);
        values.uuid(Some(charge.id.0));
        let found = sqlx::query_with(CHARGE, values.0).fetch_optional(&mut *connection);
        written |= found.await.map_err(fault)?.is_some();
    }
    Ok(written)
}

async fn write_rows(
    connection: &mut MySqlConnection,
    form: Form,
    rows: &Rows<'_>,
    ledger: &[LedgerRow<'_>],
    wallets: &[WalletRow],
) -> Result<(), StoreError> {
    let (seats, reservations) = (SeatSteps::of(&rows.seats), Reservations::of(rows, form));
    let tickets = rows.tickets();
    let settings = rows.settings.iter().map(|(concert, settings)| {
        let mut values = Values::default();
        bind_settings(&mut values, settings);
        values.id(concert.0.into());
        Bound { table: "concert", sql: SETTINGS.into_sql_str(), values, affected: Some(1) }
    });
    let any = Expect::Anything;
    let all = statements("queue", &TOKENS, &rows.tokens, any, |to, token| bind_token(to, token))
        .chain(seats.statements(form))
        .chain(reservations.statements())
        .chain(statements(
            "reservation_seat",
            &RESERVATION_SEATS,
            &rows.reservation_seats,
            any,
            bind_reservation_seat,
        ))
        .chain(statements("payment", &PAYMENTS, &rows.payments, any, bind_payment))
        .chain(statements("ticket", &TICKETS, &tickets, any, bind_ticket))
        .chain(settings)
        .chain(statements("payment_history", &LEDGER, ledger, Expect::Inserted, bind_ledger))
        .chain(statements("users", &WALLETS, wallets, any, bind_wallet));
    write(connection, all).await
}
