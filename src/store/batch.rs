//! Writing a batch, and finding out whether it was written: the part that SQL databases share.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::{SqlSafeStr, SqlStr};
use uuid::Uuid;

use super::bulk::{self, Bulk, Union};
use super::columns::{
    Bind, Cells, bind_actor, bind_ledger, bind_marked_ticket, bind_payment, bind_reservation_seat,
    bind_ticket, bind_token, bind_wallet, is_marked, own_prices,
};
use super::query::{self, Link};
use super::rows::{self, Became, Changed, LedgerRow, LogRow, PaymentRow, Rows, ScheduleRow, WalletRow};
use super::settings::bind_settings;
use super::{Batch, CommitError, Facts, SaleBatch, StoreError, WriterId, journal, words};
use crate::domain::command::Needs;
use crate::domain::event::{HouseSeats, PriceChange};
use crate::domain::ids::{ScheduleId, SeatId, UserId};
use crate::domain::record::{ScheduleState, Ticket};
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;

/// One lane's connection: one batch at a time.
#[async_trait]
pub trait BatchWriter: Send {
    /// Reads what the batch needs. Wallets are locked in the order of user ids, in the transaction that the batch is written in:
    /// without them there need not be any. With empty needs nothing is sent.
    async fn begin(&mut self, needs: &Needs) -> Result<Facts, StoreError>;

    /// Writes the batch and commits.
    async fn commit(&mut self, batch: &Batch) -> Result<(), CommitError>;

    /// Ends a transaction that `begin` may have opened and that has nothing to write.
    async fn rollback(&mut self) -> Result<(), StoreError>;

    /// Finds out after `CommitError::OutcomeUnknown` whether the batch was committed, and makes sure that it cannot
    /// appear later: it tries to insert a void row at each of its places in the journal. `Ok(true)`: it was
    /// committed. `Ok(false)`: it was not, and the journal of each of its sales now ends at the batch's place with
    /// the id `Batch::void_id`. May be repeated until it gives one of the two.
    async fn settle(&mut self, batch: &Batch) -> Result<bool, CommitError>;
}

/// Reads without a lock: if another writer adds the same row, the primary key decides. An older server knows no form, and
/// adds nothing.
pub const JOURNAL: &str = "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events, guests, form) \
     SELECT concert_id, seq + 1, ?, writer, ?, ?, ?, 1 FROM journal \
     WHERE concert_id = ? AND seq = ? AND batch_id = ? AND writer = ?";

/// The rows of several sales, of all or of none: where one stands on nothing, its number is NULL, which no row may have.
/// A query of a shorter list's rest is given 0, and gives nothing. The first query, which gives nothing either, says what the
/// columns are: by the values alone MariaDB takes some 50 KB of events for a short text, and fails with error 127.
pub static JOURNALS: Union = Union::new(
    "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events, guests, form) \
     SELECT concert_id, seq, batch_id, writer, at, events, guests, form FROM journal \
     WHERE concert_id = 0 AND seq = 0 AND FALSE UNION ALL ",
    "SELECT below.concert_id, below.seq + 1, ?, below.writer, ?, ?, ?, 1 \
     FROM (SELECT 1 AS given) AS part LEFT JOIN journal AS below \
       ON below.concert_id = ? AND below.seq = ? AND below.batch_id = ? AND below.writer = ? \
     WHERE part.given = ?",
);

/// What is said of a concert.
pub const TEXTS: &str = "UPDATE concert SET title = ?, about = ? WHERE concert_id = ?";

/// What the free seats of a performance cost, where that is not what they were imported with.
pub const PRICES: &str = "UPDATE concert_schedule SET prices = ? WHERE schedule_id = ?";

/// A line of the operators' log.
pub const LOG: &str = "INSERT INTO operator_log \
       (concert_id, seq, nr, at, operator_id, user_id, came_from, what, subject, was, became, reason) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// A performance starts at another time.
pub const MOVED: &str = "UPDATE concert_schedule SET starts_at = ?, reason = ? WHERE schedule_id = ?";
/// A performance whose seats are all stored is one of the sale's, unless it was given up.
pub const ADDED: &str = "UPDATE concert_schedule SET state = 'PLANNED', reason = ? \
     WHERE schedule_id = ? AND state = 'ADDING' AND reason IS NULL";
/// Everything of a concert is over.
pub const ARCHIVED: &str = "UPDATE concert SET archived_at = ? WHERE concert_id = ? AND archived_at IS NULL";
/// A performance is called off.
pub const CALLED_OFF: &str = "UPDATE concert_schedule SET state = ?, reason = ? WHERE schedule_id = ?";

const JOURNAL_ROW: &str = "SELECT batch_id, writer FROM journal WHERE concert_id = ? AND seq = ?";

/// One entry of a ledger.
pub const CHARGE: &str = "SELECT 1 FROM payment_history WHERE user_id = ? AND history_id = ?";

/// The statements for the tables that every backend writes alike.
pub struct Tables {
    pub tokens: Bulk,
    pub reservation_seats: Bulk,
    pub payments: Bulk,
    pub tickets: Bulk,
    /// Those with a price of their own, or in another one's place, which few are.
    pub marked_tickets: Bulk,
    pub ledger: Bulk,
    pub wallets: Bulk,
    /// The expectation for wallets, which are there.
    pub wallets_expected: Expect,
}

/// The count that the database gives for the rows of one statement, if all of them were as memory believes.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// Any number of rows is right.
    Anything,
    /// Each was written, and padding as well.
    Written,
    /// Each was there and was changed, which an upsert counts twice; padding was as it should be by then.
    Upserted,
}

/// A statement with its values, ready to be sent.
pub struct Bound<V> {
    pub table: &'static str,
    pub sql: SqlStr,
    pub values: V,
    /// The number of rows to be affected; `None`: any number.
    pub affected: Option<u64>,
}

pub type Statements<'a, V> = Box<dyn Iterator<Item = Bound<V>> + Send + 'a>;

/// The statements that write these rows, each bound when its turn comes.
pub fn statements<'a, L: Link, T: Sync>(
    table: &'static str,
    statement: &'static Bulk,
    rows: &'a [T],
    expect: Expect,
    bind: impl Fn(&mut L::Values, &T) + Send + 'a,
) -> Statements<'a, L::Values> {
    Box::new(bulk::pieces(rows, L::DIALECT.packing).map(move |(bucket, piece)| {
        let (count, size) = (piece.len() as u64, bulk::BUCKETS[bucket] as u64);
        let affected = match expect {
            Expect::Anything => None,
            Expect::Written => Some(size),
            Expect::Upserted => Some(count + size),
        };
        Bound { table, sql: statement.sql(bucket), values: statement.values(bucket, piece, &bind), affected }
    }))
}

/// Runs statements one after the other. A row that is not as it should be means that memory and store have parted:
/// never to be committed.
pub async fn write<L: Link>(
    link: &mut L,
    mut statements: impl Iterator<Item = Bound<L::Values>> + Send,
) -> Result<(), StoreError> {
    let mut next = statements.next();
    while let Some(Bound { table, sql, values, affected }) = next {
        // The next statement's values are bound while the database works.
        let (done, bound) = tokio::join!(biased; link.run(sql, values), async { statements.next() });
        let done = done?.rows;
        if affected.is_some_and(|affected| affected != done) {
            return Err(StoreError::refused(format!(
                "a row of {table} differs from what the server remembers"
            )));
        }
        next = bound;
    }
    Ok(())
}

/// Adds the batch's rows to the journals of its sales, before anything else, and gives the rows that are written with it.
pub async fn write_journal<'b, L: Link>(link: &mut L, batch: &'b Batch) -> Result<Rows<'b>, CommitError> {
    let add = async {
        for sales in batch.sales.chunks(Union::QUERIES_MAX) {
            let (sql, values) = bind_journals::<L>(batch, sales);
            let added = link.run(sql, values).await;
            see_added(link, batch, sales, added.map_err(CommitError::from)).await?;
        }
        Ok::<_, CommitError>(())
    };
    // The rest is made ready while the journal is written.
    let (added, rows) = tokio::join!(biased; add, async { Rows::at_once(batch) });
    added?;
    Ok(rows)
}

/// Is there nothing to write but rows of journals, few enough for one statement?
pub fn is_one_statement(batch: &Batch) -> bool {
    (1..=Union::QUERIES_MAX).contains(&batch.sales.len())
        && batch.charges.is_empty()
        && batch.sales.iter().flat_map(|sale| &sale.events).all(rows::is_only_followed)
}

/// Writes such a batch outside of any transaction: its statement commits by itself.
pub async fn write_alone<L: Link>(link: &mut L, batch: &Batch) -> Result<(), CommitError> {
    debug_assert!(Rows::at_once(batch).is_empty(), "what is not written now is not written at all");
    let (sql, values) = bind_journals::<L>(batch, &batch.sales);
    let added = link.run_alone(sql, values).await;
    see_added(link, batch, &batch.sales, added).await
}

/// The statement that adds the rows of these sales, of all or of none.
fn bind_journals<L: Link>(batch: &Batch, sales: &[SaleBatch]) -> (SqlStr, L::Values) {
    let mut values = L::Values::default();
    let bind = |values: &mut L::Values, sale: &SaleBatch| {
        let (events, guests) = (journal::encode(batch.at, &sale.events), journal::guests(&sale.events));
        bind_journal(values, sale, batch, batch.id, (&events, guests.as_deref()));
    };
    if let [sale] = sales {
        bind(&mut values, sale);
        return (JOURNAL.into_sql_str(), values);
    }
    let (sql, queries) = JOURNALS.sql(sales.len());
    for sale in sales {
        bind(&mut values, sale);
        values.id(1);
    }
    for sale in sales.last().into_iter().cycle().take(queries - sales.len()) {
        bind_journal(&mut values, sale, batch, batch.id, (journal::void(), None));
        values.id(0);
    }
    (sql, values)
}

/// If the rows of these sales were not added, whose could not be?
async fn see_added<L: Link>(
    link: &mut L,
    batch: &Batch,
    sales: &[SaleBatch],
    added: Result<query::Changed, CommitError>,
) -> Result<(), CommitError> {
    let refused = match added {
        Ok(added) if added.rows == sales.len() as u64 => return Ok(()),
        Ok(_) => StoreError::refused("a row of a journal was not added"),
        Err(CommitError::NotCommitted(error @ StoreError::Refused(_))) => error,
        Err(error) => return Err(error),
    };
    for sale in sales {
        let place = |seq| query::numbers(&[sale.concert.0.into(), seq]);
        let is_taken = query::one(link, JOURNAL_ROW, place(sale.seq)).await?.is_some();
        let below = match is_taken {
            true => None,
            false => query::one(link, JOURNAL_ROW, place(sale.seq.saturating_sub(1))).await?,
        };
        let below = below.map(|row| Ok::<_, StoreError>((row.uuid("batch_id")?, row.uuid("writer")?)));
        if below.transpose()? != Some((sale.after, batch.writer.0)) {
            return Err(CommitError::SteppedDown { concert: sale.concert });
        }
    }
    Err(refused.into())
}

/// The wallets that a batch changes, and its entries in their ledgers. `known` was read in this transaction already.
pub async fn on_wallets<'b, L: Link>(
    link: &mut L,
    rows: &Rows<'b>,
    mut known: HashMap<UserId, WalletRow>,
) -> Result<(Vec<LedgerRow<'b>>, Vec<WalletRow>), StoreError> {
    let unread: Vec<_> = rows.wallet_users().into_iter().filter(|user| !known.contains_key(user)).collect();
    known.extend(query::wallets(link, &unread).await?);
    rows.on_wallets(&known)
}

/// Writes rows of a batch, or rows that follow. How seats and reservations are written is the backend's.
pub async fn write_rows<L: Link>(
    link: &mut L,
    tables: &'static Tables,
    rows: &Rows<'_>,
    (ledger, wallets): (&[LedgerRow<'_>], &[WalletRow]),
    seats_and_reservations: impl Iterator<Item = Bound<L::Values>> + Send,
) -> Result<(), StoreError> {
    let (marked, tickets): (Vec<_>, Vec<_>) =
        rows.tickets().into_iter().partition(|(_, ticket)| is_marked(ticket));
    // A seat's ticket is void before another one of it is valid.
    let void = |of: &[(PaymentRow<'_>, &Ticket)]| of.partition_point(|(_, ticket)| !ticket.is_valid());
    let (void_tickets, tickets) = tickets.split_at(void(&tickets));
    let (void_marked, marked) = marked.split_at(void(&marked));
    let settings = rows.settings.iter().map(|(concert, settings)| {
        let mut values = L::Values::default();
        bind_settings(&mut values, settings);
        values.id(concert.0.into());
        Bound { table: "concert", sql: L::DIALECT.settings.into_sql_str(), values, affected: Some(1) }
    });
    let texts = rows.texts.iter().map(|(concert, texts)| {
        let mut values = L::Values::default();
        values.text(Some(&texts.title));
        values.text(texts.about.as_deref());
        values.id(concert.0.into());
        Bound { table: "concert", sql: TEXTS.into_sql_str(), values, affected: Some(1) }
    });
    let prices = rows.prices.iter().map(|(_, schedule, own)| {
        let mut values = L::Values::default();
        values.text(own_prices(own).as_deref());
        values.id(schedule.0);
        Bound { table: "concert_schedule", sql: PRICES.into_sql_str(), values, affected: Some(1) }
    });
    let schedules = rows.schedules.iter().map(|row| {
        let mut values = L::Values::default();
        let sql = bind_schedule(&mut values, row);
        Bound { table: "concert_schedule", sql: sql.into_sql_str(), values, affected: Some(1) }
    });
    let archived = rows.archived.iter().map(|(concert, at)| {
        let mut values = L::Values::default();
        values.time(Some(*at));
        values.id(concert.0.into());
        Bound { table: "concert", sql: ARCHIVED.into_sql_str(), values, affected: Some(1) }
    });
    let log = rows.log.iter().map(|row| {
        let mut values = L::Values::default();
        bind_log(&mut values, row);
        Bound { table: "operator_log", sql: LOG.into_sql_str(), values, affected: Some(1) }
    });
    let (any, written) = (Expect::Anything, Expect::Written);
    let reservation_seats = &rows.reservation_seats;
    let all =
        statements::<L, _>("queue", &tables.tokens, &rows.tokens, any, |to, token| bind_token(to, token))
            .chain(seats_and_reservations)
            .chain(statements::<L, _>(
                "reservation_seat",
                &tables.reservation_seats,
                reservation_seats,
                any,
                bind_reservation_seat,
            ))
            .chain(statements::<L, _>("payment", &tables.payments, &rows.payments, any, bind_payment))
            .chain(statements::<L, _>("ticket", &tables.tickets, void_tickets, any, bind_ticket))
            .chain(statements::<L, _>("ticket", &tables.marked_tickets, void_marked, any, bind_marked_ticket))
            .chain(statements::<L, _>("ticket", &tables.tickets, tickets, any, bind_ticket))
            .chain(statements::<L, _>("ticket", &tables.marked_tickets, marked, any, bind_marked_ticket))
            .chain(settings)
            .chain(texts)
            .chain(prices)
            .chain(schedules)
            .chain(archived)
            .chain(log)
            .chain(statements::<L, _>("payment_history", &tables.ledger, ledger, written, bind_ledger))
            .chain(statements::<L, _>(
                "users",
                &tables.wallets,
                wallets,
                tables.wallets_expected,
                bind_wallet,
            ));
    write(link, all).await
}

/// Binds a performance's change, and gives the statement that makes it.
fn bind_schedule(to: &mut impl Bind, row: &ScheduleRow<'_>) -> &'static str {
    let sql = match row.became {
        Became::Moved(starts_at) => {
            to.time(Some(starts_at));
            MOVED
        }
        Became::Added => ADDED,
        Became::CalledOff => {
            to.text(Some(words::schedule_state(ScheduleState::CalledOff)));
            CALLED_OFF
        }
    };
    to.text(row.reason);
    to.id(row.schedule.0);
    sql
}

/// The journal's word for it, the performance if it is about one, and what was and became of it.
fn bind_log(to: &mut impl Bind, row: &LogRow<'_>) {
    let performance = |schedule: ScheduleId| Some(format!("performance {schedule}"));
    let house = |what, of: &'_ HouseSeats| {
        (what, performance(of.schedule), None, json!({"seats": journal::ranges(&of.seats)}))
    };
    let start = |at: Timestamp| json!({"starts_at": at.as_millis()});
    let (what, subject, was, became) = match row.changed {
        Changed::Settings { before, after } => {
            let (was, became) = journal::difference(before, after);
            ("set", None, Some(was), became)
        }
        Changed::Described(of) => {
            let (was, became) = journal::texts_difference(&of.before, &of.after);
            ("describe", None, Some(readable(was)), readable(became))
        }
        Changed::Repriced(of) => {
            let prices = |price: fn(&PriceChange) -> Money| {
                let prices: BTreeMap<_, _> = of.changed.iter().map(|of| (&*of.name, price(of))).collect();
                json!({"prices": prices})
            };
            ("price", performance(of.schedule), Some(prices(|of| of.before)), prices(|of| of.after))
        }
        Changed::Restricted(of) => house("keep", of),
        Changed::Unrestricted(of) => house("open", of),
        Changed::ScheduleAdded(of) => {
            let prices: BTreeMap<_, _> = of.prices.iter().map(|of| (&*of.name, of.after)).collect();
            let became = json!({"starts_at": of.starts_at.as_millis(), "prices": prices});
            ("perform", performance(of.schedule), None, became)
        }
        Changed::Rescheduled(of) => {
            ("postpone", performance(of.schedule), Some(start(of.before)), start(of.after))
        }
        Changed::Archived(of) => ("archive", None, None, json!({"archived_at": of.at.as_millis()})),
        Changed::CalledOff(of) => (
            "calloff",
            performance(of.schedule),
            None,
            json!({"state": words::schedule_state(ScheduleState::CalledOff)}),
        ),
        Changed::SeatMoved(of) => {
            let seat = |seat: SeatId| json!({"seat": seat.0});
            ("move", Some(format!("order {}", of.reservation.id)), Some(seat(of.from)), seat(of.to))
        }
        Changed::SoldAtDesk(of) => {
            let (order, payment) = (&of.reservation, of.reservation.payment.as_ref());
            let source = payment.map(|payment| words::payment_source(payment.source));
            let seats = journal::ranges(&order.seats);
            let became = json!({"source": source, "amount": order.amount, "seats": seats});
            ("sell", Some(format!("order {}", order.id)), None, became)
        }
        Changed::Refunded { order, amount, seats, .. } => {
            let became = match seats {
                None => json!({"refunded": amount}),
                Some(seats) => json!({"refunded": amount, "seats": journal::ranges(seats)}),
            };
            ("refund", Some(format!("order {}", order.id)), None, became)
        }
    };
    let reason = match row.changed {
        Changed::Settings { .. }
        | Changed::Described(_)
        | Changed::Repriced(_)
        | Changed::ScheduleAdded(_)
        | Changed::Archived(_) => None,
        Changed::Restricted(of) | Changed::Unrestricted(of) => of.note.as_deref(),
        Changed::Rescheduled(of) => of.reason.as_deref(),
        Changed::CalledOff(of) => Some(&*of.reason),
        Changed::Refunded { reason, .. } => Some(reason),
        Changed::SeatMoved(of) => of.note.as_deref(),
        Changed::SoldAtDesk(of) => of.note.as_deref(),
    };
    to.id(row.concert.0.into());
    to.id(row.seq);
    to.id(row.nr.into());
    to.time(Some(row.at));
    bind_actor(to, row.by);
    to.text(Some(what));
    to.text(subject.as_deref());
    to.text(was.map(|was| was.to_string()).as_deref());
    to.text(Some(&became.to_string()));
    to.text(reason);
}

/// With what a page says not as a text, but as what that means.
fn readable(mut texts: Value) -> Value {
    if let Some(about) = texts.get_mut("about")
        && let Some(read) = about.as_str().and_then(|text| serde_json::from_str(text).ok())
    {
        *about = read;
    }
    texts
}

/// Binds a sale's row, on top of the one that this writer wrote before.
fn bind_journal(
    values: &mut impl Bind,
    sale: &SaleBatch,
    batch: &Batch,
    id: Uuid,
    (events, guests): (&str, Option<&str>),
) {
    values.uuid(Some(id));
    values.time(Some(batch.at));
    values.text(Some(events));
    values.text(guests);
    values.id(sale.concert.0.into());
    values.int(i64::try_from(sale.seq).ok().and_then(|seq| seq.checked_sub(1)));
    values.uuid(Some(sale.after));
    values.uuid(Some(batch.writer.0));
}

/// Adds a void row at the batch's place in a sale's journal; anything else there is another writer.
async fn add_void<L: Link>(link: &mut L, sale: &SaleBatch, batch: &Batch) -> Result<(), CommitError> {
    let mut values = L::Values::default();
    bind_journal(&mut values, sale, batch, batch.void_id(), (journal::void(), None));
    match link.run_unless_there(JOURNAL.into_sql_str(), values).await? {
        Some(added) if added.rows == 1 => Ok(()),
        _ => Err(CommitError::SteppedDown { concert: sale.concert }),
    }
}

/// Is a batch in the store? If it was not, it never will be.
pub async fn settle<L: Link>(link: &mut L, batch: &Batch) -> Result<bool, CommitError> {
    for sale in &batch.sales {
        match add_void(link, sale, batch).await {
            Ok(()) => {}
            Err(CommitError::SteppedDown { .. }) => return written_by(link, sale, batch).await,
            Err(error) => return Err(error),
        }
    }
    match batch.sales.is_empty() {
        true => charges_written(link, batch).await,
        false => Ok(false),
    }
}

/// The row at a batch's place in the journal is there already: is it the batch's own, or its void?
async fn written_by<L: Link>(link: &mut L, sale: &SaleBatch, batch: &Batch) -> Result<bool, CommitError> {
    let stepped_down = || CommitError::SteppedDown { concert: sale.concert };
    let place = query::numbers(&[sale.concert.0.into(), sale.seq]);
    let row = query::one(link, JOURNAL_ROW, place).await?.ok_or_else(stepped_down)?;
    let (id, writer) = (row.uuid("batch_id")?, WriterId(row.uuid("writer")?));
    match id {
        _ if writer != batch.writer => Err(stepped_down()),
        id if id == batch.id => Ok(true),
        id if id == batch.void_id() => Ok(false),
        _ => Err(stepped_down()),
    }
}

/// A batch of charges alone has no place in a journal: its ledger entries are there or not, and whoever has its wallets
/// knows that the lost transaction, which had them, is over and cannot come back.
async fn charges_written<L: Link>(link: &mut L, batch: &Batch) -> Result<bool, CommitError> {
    let mut users: Vec<_> = batch.charges.iter().map(|charge| charge.user).collect();
    users.sort_unstable();
    users.dedup();
    query::take_wallets(link, &users).await?;
    let mut written = false;
    for charge in &batch.charges {
        let mut values = query::numbers::<L::Values>(&[charge.user.0]);
        values.uuid(Some(charge.id.0));
        written |= query::one(link, CHARGE, values).await?.is_some();
    }
    Ok(written)
}
