//! The connection that writes batches. Always: between `begin` and `commit` it has the database's write lock, and
//! whatever fails leaves no transaction open, so that what memory undoes is undone here too.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use super::connection::{Asked, Values, fault, lane_options, leaves_commit_unknown, write};
use super::open_files::OpenFiles;
use crate::domain::command::Needs;
use crate::domain::ids::UserId;
use crate::store::bulk::Bulk;
use crate::store::columns::{
    self, Bind, Cells, bind_ledger, bind_payment, bind_reservation, bind_reservation_seat, bind_seat,
    bind_ticket, bind_token, bind_wallet, token_columns,
};
use crate::store::rows::{Rows, WalletRow};
use crate::store::settings::{bind_settings, settings_update};
use crate::store::{Batch, CommitError, Facts, Lane, SaleBatch, StoreError, WriterId, journal, session};

static TOKENS: Bulk = Bulk::new(
    concat!("INSERT INTO queue (", token_columns!(), ") VALUES "),
    columns::TOKEN,
    " ON CONFLICT (concert_id, entry_no) DO UPDATE SET status = excluded.status, reason = excluded.reason, \
       admitted_at = excluded.admitted_at, expires_at = excluded.expires_at, ended_at = excluded.ended_at",
);

static SEATS: Bulk = Bulk::new(
    "WITH change (concert_id, schedule_id, seat, status, reservation_id) AS (VALUES ",
    columns::SEAT,
    ") UPDATE concert_seat SET status = change.status, reservation_id = change.reservation_id FROM change \
     WHERE concert_seat.concert_id = change.concert_id AND concert_seat.schedule_id = change.schedule_id \
       AND concert_seat.seat = change.seat",
);

static RESERVATIONS: Bulk = Bulk::new(
    concat!("INSERT INTO reservation (", columns::reservation_columns!(), ") VALUES "),
    columns::RESERVATION,
    " ON CONFLICT (concert_id, reservation_id) DO UPDATE SET status = excluded.status, seats = excluded.seats, \
       amount = excluded.amount, ended_at = excluded.ended_at, best_requests = excluded.best_requests, \
       guest_of = excluded.guest_of",
);

static RESERVATION_SEATS: Bulk = Bulk::new(
    "INSERT INTO reservation_seat (concert_id, reservation_id, seat, schedule_id) VALUES ",
    columns::RESERVATION_SEAT,
    "",
);

static PAYMENTS: Bulk = Bulk::new(
    "INSERT INTO payment (concert_id, payment_id, reservation_id, user_id, amount, status, at, cancelled_at) \
     VALUES ",
    columns::PAYMENT,
    " ON CONFLICT (concert_id, payment_id) DO UPDATE SET status = excluded.status, \
       cancelled_at = excluded.cancelled_at",
);

static TICKETS: Bulk = Bulk::new(
    "INSERT INTO ticket (concert_id, ticket_id, payment_id, reservation_id, schedule_id, seat, user_id, code, \
       issued_at, cancelled_at) VALUES ",
    columns::TICKET,
    " ON CONFLICT (concert_id, ticket_id) DO UPDATE SET cancelled_at = excluded.cancelled_at",
);

static LEDGER: Bulk = Bulk::new(
    "INSERT INTO payment_history (user_id, entry_no, history_id, type, amount_change, balance, at, payment_id, \
       request_id) VALUES ",
    columns::LEDGER,
    "",
);

static WALLETS: Bulk = Bulk::new(
    "WITH change (user_id, balance, ledger_entries) AS (VALUES ",
    columns::WALLET,
    ") UPDATE users SET balance = change.balance, ledger_entries = change.ledger_entries FROM change \
     WHERE users.user_id = change.user_id",
);

const JOURNAL: &str = "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events) \
     SELECT concert_id, seq + 1, ?, writer, ?, ? FROM journal \
     WHERE concert_id = ? AND seq = ? AND batch_id = ? AND writer = ?";

const SETTINGS: &str = settings_update!("json_patch");

/// One entry of a ledger.
const CHARGE: &str = "SELECT 1 FROM payment_history WHERE user_id = ? AND history_id = ?";

/// Every text above, lists of one row, for a test of their plans.
#[cfg(test)]
pub fn statements() -> Vec<String> {
    let lists = [&TOKENS, &SEATS, &RESERVATIONS, &RESERVATION_SEATS, &PAYMENTS, &TICKETS, &LEDGER, &WALLETS];
    let lists = lists.map(|list| list.sql(crate::store::bulk::BUCKETS.len() - 1).as_str().to_owned());
    lists.into_iter().chain([JOURNAL, SETTINGS, CHARGE].map(str::to_owned)).collect()
}

pub struct SqliteLane {
    files: Arc<OpenFiles>,
    /// `None` after its worker died; opened again when it is needed.
    connection: Option<SqliteConnection>,
    /// Whose turn it is to write, among the connections of this process: SQLite itself does not queue them fairly.
    turn: Arc<Mutex<()>>,
    /// Held from BEGIN until COMMIT or ROLLBACK.
    holding: Option<OwnedMutexGuard<()>>,
    /// The wallets that `begin` read.
    wallets: HashMap<UserId, WalletRow>,
    /// Set while a batch is written: a task that was dropped meanwhile leaves half of it in the transaction.
    writing: bool,
}

impl SqliteLane {
    pub async fn open(files: Arc<OpenFiles>, turn: Arc<Mutex<()>>) -> Result<Self, StoreError> {
        files.check()?;
        let connection = lane_options(files.path()).connect().await.map_err(fault)?;
        Ok(Self {
            files,
            connection: Some(connection),
            turn,
            holding: None,
            wallets: HashMap::new(),
            writing: false,
        })
    }

    /// Made again if it was lost.
    pub async fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                // A file that is gone must not be made anew, empty.
                self.files.check()?;
                lane_options(self.files.path()).connect().await.map_err(fault)?
            }
        };
        Ok(self.connection.insert(connection))
    }

    /// Takes the write lock, unless this lane has it.
    async fn start(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        if self.holding.is_none() {
            self.holding = Some(Arc::clone(&self.turn).lock_owned().await);
            let begun = sqlx::query("BEGIN IMMEDIATE").execute(self.connection().await?).await;
            begun.map_err(fault)?;
        }
        self.connection().await
    }

    /// Leaves nothing of an open transaction. SQLite ends some by itself when a statement fails; any other trouble
    /// with ROLLBACK costs the connection, and with it the transaction.
    async fn abort(&mut self) {
        if let Some(mut connection) = self.connection.take()
            && (self.holding.is_none() || roll_back(&mut connection).await)
        {
            self.connection = Some(connection);
        }
        self.wallets.clear();
        self.writing = false;
        self.holding = None;
    }

    async fn read(&mut self, needs: &Needs) -> Result<Facts, StoreError> {
        let (facts, wallets) = session::facts(&mut Asked(self.start().await?), needs).await?;
        self.wallets = wallets;
        Ok(facts)
    }

    async fn write(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let mut wallets = std::mem::take(&mut self.wallets);
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
        write_rows(connection, &rows).await?;
        let inserted = write(connection, &LEDGER, &ledger, bind_ledger).await.map_err(fault)?;
        expect("payment_history", inserted, ledger.len())?;
        let updated = write(connection, &WALLETS, &wallets, bind_wallet).await.map_err(fault)?;
        expect("users", updated, wallets.len())?;
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), CommitError> {
        let committed = sqlx::query("COMMIT").execute(self.connection().await?).await;
        match committed {
            Ok(_) => {
                self.wallets.clear();
                self.writing = false;
                self.holding = None;
                // Into a file that nobody will find again? Then it is as good as lost, if nobody brings the file back.
                self.files.check().map_err(|error| CommitError::OutcomeUnknown(error.into()))
            }
            Err(error) if leaves_commit_unknown(&error) => Err(CommitError::OutcomeUnknown(error.into())),
            Err(error) => Err(fault(error).into()),
        }
    }

    async fn try_settle(&mut self, batch: &Batch) -> Result<bool, CommitError> {
        let connection = self.start().await?;
        for sale in &batch.sales {
            match add_to_journal(connection, sale, batch, batch.void_id(), journal::void()).await {
                Ok(()) => {}
                Err(CommitError::SteppedDown { .. }) => return written_by(connection, sale, batch).await,
                Err(error) => return Err(error),
            }
        }
        if batch.sales.is_empty() {
            return charges_written(connection, batch).await;
        }
        Ok(false)
    }
}

#[async_trait]
impl Lane for SqliteLane {
    async fn begin(&mut self, needs: &Needs) -> Result<Facts, StoreError> {
        // A transaction that is still open belongs to a batch that nobody waits for.
        self.abort().await;
        if needs.is_empty() {
            return Ok(Facts::default());
        }
        let facts = self.read(needs).await;
        if facts.is_err() {
            self.abort().await;
        }
        facts
    }

    async fn commit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        if self.writing {
            self.abort().await;
        }
        self.writing = true;
        let mut done = self.write(batch).await;
        if done.is_ok() {
            done = self.finish().await;
        }
        if done.is_err() {
            self.abort().await;
        }
        done
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        self.abort().await;
        Ok(())
    }

    async fn settle(&mut self, batch: &Batch) -> Result<bool, CommitError> {
        self.abort().await;
        self.files.check()?;
        let mut settled = self.try_settle(batch).await;
        if settled.is_ok()
            && let Err(error) = self.finish().await
        {
            settled = Err(error);
        }
        if settled.is_err() {
            self.abort().await;
        }
        settled
    }
}

/// Is the connection out of any transaction now?
async fn roll_back(connection: &mut SqliteConnection) -> bool {
    match sqlx::query("ROLLBACK").execute(&mut *connection).await {
        Ok(_) => true,
        Err(error) => {
            error.as_database_error().is_some_and(|e| e.message().contains("no transaction is active"))
        }
    }
}

/// Adds a sale's row on top of the one that this writer wrote before; anything else there is another writer.
async fn add_to_journal(
    connection: &mut SqliteConnection,
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
        Err(error) if error.as_database_error().is_some_and(|e| e.is_unique_violation()) => {
            Err(CommitError::SteppedDown { concert: sale.concert })
        }
        Err(error) => Err(fault(error).into()),
    }
}

/// The row at a batch's place in the journal is there already: is it the batch's own, or its void?
async fn written_by(
    connection: &mut SqliteConnection,
    sale: &SaleBatch,
    batch: &Batch,
) -> Result<bool, CommitError> {
    let mut values = Values::default();
    values.id(sale.concert.0.into());
    values.id(sale.seq);
    let row =
        sqlx::query_with("SELECT batch_id, writer FROM journal WHERE concert_id = ? AND seq = ?", values.0)
            .fetch_optional(connection)
            .await
            .map_err(fault)?;
    let Some(row) = row else { return Err(CommitError::SteppedDown { concert: sale.concert }) };
    let (id, writer) = (row.uuid(0)?, WriterId(row.uuid(1)?));
    match id {
        _ if writer != batch.writer => Err(CommitError::SteppedDown { concert: sale.concert }),
        id if id == batch.id => Ok(true),
        id if id == batch.void_id() => Ok(false),
        _ => Err(CommitError::SteppedDown { concert: sale.concert }),
    }
}

/// A batch of charges alone has no place in a journal: its ledger entries are there or not, and as this transaction
/// has the write lock and changes the wallets' pages, what was lost cannot come back.
async fn charges_written(connection: &mut SqliteConnection, batch: &Batch) -> Result<bool, CommitError> {
    let mut written = false;
    for charge in &batch.charges {
        let mut values = Values::default();
        values.id(charge.user.0);
        sqlx::query_with("UPDATE users SET balance = balance WHERE user_id = ?", values.0)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
        let mut values = Values::default();
        values.id(charge.user.0);
        values.uuid(Some(charge.id.0));
        let found = sqlx::query_with(CHARGE, values.0);
        written |= found.fetch_optional(&mut *connection).await.map_err(fault)?.is_some();
    }
    Ok(written)
}

async fn write_rows(connection: &mut SqliteConnection, rows: &Rows<'_>) -> Result<(), StoreError> {
    write(connection, &TOKENS, &rows.tokens, |to, token| bind_token(to, token)).await.map_err(fault)?;
    let updated =
        write(connection, &SEATS, &rows.seats, |to, seat| bind_seat(to, &seat.row)).await.map_err(fault)?;
    expect("concert_seat", updated, rows.seats.len())?;
    for reservations in [&rows.reservations, &rows.ended_reservations] {
        write(connection, &RESERVATIONS, reservations, |to, row| bind_reservation(to, row))
            .await
            .map_err(fault)?;
    }
    write(connection, &RESERVATION_SEATS, &rows.reservation_seats, bind_reservation_seat)
        .await
        .map_err(fault)?;
    write(connection, &PAYMENTS, &rows.payments, bind_payment).await.map_err(fault)?;
    write(connection, &TICKETS, &rows.tickets(), bind_ticket).await.map_err(fault)?;
    for (concert, settings) in &rows.settings {
        let mut values = Values::default();
        bind_settings(&mut values, settings);
        values.id(concert.0.into());
        let done = sqlx::query_with(SETTINGS, values.0).execute(&mut *connection).await.map_err(fault)?;
        expect("concert", done.rows_affected(), 1)?;
    }
    Ok(())
}

/// A row that should be there and is not means that memory and store have parted: never to be committed.
fn expect(table: &str, changed: u64, rows: usize) -> Result<(), StoreError> {
    if changed == rows as u64 {
        return Ok(());
    }
    Err(StoreError::refused(format!("{changed} rows of {table} were written, {rows} were meant")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{NewUser, Store};

    #[tokio::test]
    async fn a_lane_whose_connection_died_makes_another() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).await.unwrap();
        let new = NewUser { name: "Ada".into(), balance: 5, guest: false, at: Timestamp::default() };
        let user = store.add_user(new).await.unwrap();
        let mut lane = store.new_lane().await.unwrap();
        lane.connection = None;
        let facts = lane.begin(&Needs { wallets: vec![user], ..Needs::default() }).await.unwrap();
        assert_eq!(facts.wallets.balance(user), Some(5));
    }
}
