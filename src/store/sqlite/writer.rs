//! The connection that writes batches. Always: between `begin` and `commit` it has the database's write lock, and
//! whatever fails leaves no transaction open, so that what memory undoes is undone here too.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::connection::{fault, leaves_commit_unknown};
use super::open_files::OpenFiles;
use crate::domain::command::Needs;
use crate::domain::ids::UserId;
use crate::domain::record::Reservation;
use crate::store::batch::{self, Expect, Tables, statements};
use crate::store::bulk::Bulk;
use crate::store::columns::{self, Bind, bind_reservation, bind_seat, token_columns};
use crate::store::rows::{LedgerRow, Rows, SeatChange, WalletRow};
use crate::store::{
    Batch, BatchWriter, CommitError, Facts, Following, StoreError, TableWriter, query, table_writer,
};

static TABLES: Tables = Tables {
    tokens: Bulk::new(
        concat!("INSERT INTO queue (", token_columns!(), ") VALUES "),
        columns::TOKEN,
        " ON CONFLICT (concert_id, entry_no) DO UPDATE SET status = excluded.status, reason = excluded.reason, \
           admitted_at = excluded.admitted_at, expires_at = excluded.expires_at, ended_at = excluded.ended_at",
    ),
    reservation_seats: Bulk::new(
        "INSERT INTO reservation_seat (concert_id, reservation_id, seat, schedule_id) VALUES ",
        columns::RESERVATION_SEAT,
        // Rows that are brought up to date may be there.
        " ON CONFLICT (concert_id, reservation_id, seat) DO NOTHING",
    ),
    payments: Bulk::new(
        "INSERT INTO payment (concert_id, payment_id, reservation_id, user_id, amount, status, at, cancelled_at, \
           refunded, refund_reason, source) VALUES ",
        columns::PAYMENT,
        " ON CONFLICT (concert_id, payment_id) DO UPDATE SET status = excluded.status, \
           cancelled_at = excluded.cancelled_at, refunded = excluded.refunded, \
           refund_reason = excluded.refund_reason",
    ),
    tickets: Bulk::new(
        "INSERT INTO ticket (concert_id, ticket_id, payment_id, reservation_id, schedule_id, seat, user_id, code, \
           issued_at, cancelled_at) VALUES ",
        columns::TICKET,
        " ON CONFLICT (concert_id, ticket_id) DO UPDATE SET cancelled_at = excluded.cancelled_at",
    ),
    marked_tickets: Bulk::new(
        "INSERT INTO ticket (concert_id, ticket_id, payment_id, reservation_id, schedule_id, seat, user_id, code, \
           issued_at, cancelled_at, price, moved_from, moved_to) VALUES ",
        columns::MARKED_TICKET,
        " ON CONFLICT (concert_id, ticket_id) DO UPDATE SET cancelled_at = excluded.cancelled_at, \
           moved_to = excluded.moved_to",
    ),
    ledger: Bulk::new(
        "INSERT INTO payment_history (user_id, entry_no, history_id, type, amount_change, balance, at, payment_id, \
           request_id) VALUES ",
        columns::LEDGER,
        "",
    ),
    wallets: Bulk::new(
        "WITH change (user_id, balance, ledger_entries) AS (VALUES ",
        columns::WALLET,
        ") UPDATE users SET balance = change.balance, ledger_entries = change.ledger_entries FROM change \
         WHERE users.user_id = change.user_id",
    ),
    wallets_expected: Expect::Written,
};

static SEATS: Bulk = Bulk::new(
    "WITH change (concert_id, schedule_id, seat, status, reservation_id) AS (VALUES ",
    columns::SEAT,
    ") UPDATE concert_seat SET status = change.status, reservation_id = change.reservation_id FROM change \
     WHERE concert_seat.concert_id = change.concert_id AND concert_seat.schedule_id = change.schedule_id \
       AND concert_seat.seat = change.seat",
);

static RESERVATIONS: Bulk = Bulk::new(
    concat!("INSERT INTO reservation (segment, ", columns::reservation_columns!(), ") VALUES "),
    1 + columns::RESERVATION,
    " ON CONFLICT (concert_id, reservation_id) DO UPDATE SET status = excluded.status, seats = excluded.seats, \
       amount = excluded.amount, ended_at = excluded.ended_at, best_requests = excluded.best_requests, \
       guest_of = excluded.guest_of, prices = excluded.prices",
);

/// The texts that batches are written with, lists of one row, for a test of their plans.
#[cfg(test)]
pub fn texts() -> Vec<String> {
    let Tables { tokens, reservation_seats, payments, tickets, marked_tickets, ledger, wallets, .. } =
        &TABLES;
    let all = [tokens, &SEATS, &RESERVATIONS, reservation_seats, payments, tickets, marked_tickets, ledger];
    let lists = all
        .into_iter()
        .chain([wallets])
        .map(|list| list.sql(crate::store::bulk::BUCKETS.len() - 1).as_str().to_owned());
    lists
        .into_iter()
        .chain(
            [
                batch::JOURNAL,
                super::connection::DIALECT.settings,
                batch::TEXTS,
                batch::PRICES,
                batch::MOVED,
                batch::ADDED,
                batch::ARCHIVED,
                batch::CALLED_OFF,
                batch::LOG,
                batch::CHARGE,
            ]
            .map(str::to_owned),
        )
        .chain([batch::JOURNALS.sql(2).0.as_str().to_owned()])
        .collect()
}

/// How a connection to the file is opened.
type Options = fn(&Path) -> SqliteConnectOptions;

pub struct SqliteWriter {
    files: Arc<OpenFiles>,
    options: Options,
    /// `None` after its worker died; opened again when it is needed.
    connection: Option<SqliteConnection>,
    /// The turn to write, among the connections of this process: SQLite itself does not queue them fairly.
    turn: Arc<Mutex<()>>,
    /// Held from BEGIN until COMMIT or ROLLBACK, and while a batch is written that is one statement.
    holding: Option<OwnedMutexGuard<()>>,
    /// The wallets that `begin` read.
    wallets: HashMap<UserId, WalletRow>,
    /// Set while a batch is written: a task that was dropped meanwhile leaves half of it in the transaction.
    writing: bool,
}

impl SqliteWriter {
    pub async fn open(
        files: Arc<OpenFiles>,
        turn: Arc<Mutex<()>>,
        options: Options,
    ) -> Result<Self, StoreError> {
        files.check()?;
        let connection = options(files.path()).connect().await.map_err(fault)?;
        Ok(Self {
            files,
            options,
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
                (self.options)(self.files.path()).connect().await.map_err(fault)?
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
        let (facts, wallets) = query::facts(self.start().await?, needs).await?;
        self.wallets = wallets;
        Ok(facts)
    }

    async fn write(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let known = std::mem::take(&mut self.wallets);
        let connection = self.start().await?;
        let rows = batch::write_journal(connection, batch).await?;
        let (ledger, wallets) = batch::on_wallets(connection, &rows, known).await?;
        write_rows(connection, &rows, (&ledger, &wallets)).await?;
        Ok(())
    }

    /// Writes a batch that is one statement, which commits by itself.
    async fn write_alone(&mut self, batch: &Batch) -> Result<(), CommitError> {
        self.holding = Some(Arc::clone(&self.turn).lock_owned().await);
        batch::write_alone(self.connection().await?, batch).await?;
        self.committed()
    }

    async fn write_and_finish(&mut self, batch: &Batch) -> Result<(), CommitError> {
        if self.holding.is_none() && batch::is_one_statement(batch) {
            return self.write_alone(batch).await;
        }
        self.write(batch).await?;
        self.finish().await
    }

    fn committed(&mut self) -> Result<(), CommitError> {
        self.wallets.clear();
        self.writing = false;
        self.holding = None;
        // Into a file that nobody will find again? Then it is as good as lost, if nobody brings the file back.
        self.files.check().map_err(|error| CommitError::OutcomeUnknown(error.into()))
    }

    async fn finish(&mut self) -> Result<(), CommitError> {
        let committed = sqlx::query("COMMIT").execute(self.connection().await?).await;
        match committed {
            Ok(_) => self.committed(),
            Err(error) if leaves_commit_unknown(&error) => Err(CommitError::OutcomeUnknown(error.into())),
            Err(error) => Err(fault(error).into()),
        }
    }

    async fn try_follow(&mut self, following: &Following) -> Result<u64, StoreError> {
        let connection = self.start().await?;
        if let Some(at) = table_writer::begin(connection, following).await? {
            self.abort().await;
            return Ok(at);
        }
        let mut rows = following.rows();
        rows.segment =
            table_writer::segment_for(connection, following.concert, rows.reservations.len()).await?;
        write_rows(connection, &rows, (&[], &[])).await?;
        table_writer::end(connection, following).await?;
        match self.finish().await {
            Ok(()) => Ok(following.to),
            Err(CommitError::NotCommitted(error)) => Err(error),
            // The same again finds out.
            Err(error) => Err(StoreError::Unreachable(error.into())),
        }
    }

    async fn try_settle(&mut self, batch: &Batch) -> Result<bool, CommitError> {
        batch::settle(self.start().await?, batch).await
    }
}

#[async_trait]
impl BatchWriter for SqliteWriter {
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
        let done = self.write_and_finish(batch).await;
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

#[async_trait]
impl TableWriter for SqliteWriter {
    async fn follow(&mut self, rows: &Following) -> Result<u64, StoreError> {
        self.abort().await;
        self.files.check()?;
        let followed = self.try_follow(rows).await;
        if followed.is_err() {
            self.abort().await;
        }
        followed
    }
}

/// Writes rows of a batch besides its journal, or rows that follow.
pub async fn write_rows(
    connection: &mut SqliteConnection,
    rows: &Rows<'_>,
    wallets: (&[LedgerRow<'_>], &[WalletRow]),
) -> Result<(), StoreError> {
    let seats = statements::<SqliteConnection, _>(
        "concert_seat",
        &SEATS,
        &rows.seats,
        Expect::Written,
        |to, seat: &SeatChange| {
            bind_seat(to, &seat.row);
        },
    );
    let segment = rows.segment;
    let reservations = [&rows.reservations, &rows.ended_reservations].into_iter().flat_map(|rows| {
        statements::<SqliteConnection, _>(
            "reservation",
            &RESERVATIONS,
            rows,
            Expect::Anything,
            move |to, row: &&Reservation| {
                to.id(segment);
                bind_reservation(to, row);
            },
        )
    });
    batch::write_rows(connection, &TABLES, rows, wallets, seats.chain(reservations)).await
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{NewUser, Setup};

    #[tokio::test]
    async fn a_writer_whose_connection_died_makes_another() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).await.unwrap();
        let new = NewUser { name: "Ada".into(), balance: 5, guest: false, at: Timestamp::default() };
        let user = store.add_user(new).await.unwrap();
        let mut writer = store.new_writer().await.unwrap();
        writer.connection = None;
        let facts = writer.begin(&Needs { wallets: vec![user], ..Needs::default() }).await.unwrap();
        assert_eq!(facts.wallets.balance(user), Some(5));
    }
}
