//! A connection to a database of any backend, and the queries that all of them are sent. A backend says how it runs a
//! statement and, where the dialects differ, its text; what the rows mean is said once, here.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, TryStreamExt};
use sqlx::{SqlSafeStr, SqlStr};

use super::archive::OldRow;
use super::bulk::{self, Bulk, Packing};
use super::columns::{
    Bind, Cells, concert_columns, known, ledger_columns, read_concert, read_layout, read_ledger,
    read_own_prices, read_payment, read_reservation, read_seat, read_source, read_stored_ticket, read_ticket,
    read_token, read_token_secret, reservation_columns, ticket_list, token_columns, unpack_layout,
};
use super::fold::{Base, BaseSchedule, FoldedSchedule, Touched};
use super::journal::{self, LastTouched};
use super::rows::WalletRow;
use super::segments::reservations_of_user;
use super::settings::{read_settings, settings_columns};
use super::{
    Behind, CommitError, Facts, JournalPosition, JournalRow, LoadedCopy, LoadedSale, LoadedSchedule, Missed,
    NewConcert, OrderToRefund, ScheduleRecord, SeatStatus, StoreError, StoredTicket, SweepPage, SweepRows,
    UserRecord, WalletCurrency, WriterId, words,
};
use crate::domain::command::{EndedFacts, Needs};
use crate::domain::ids::{
    AddressBlock, ConcertId, EntryNo, HistoryId, ReservationId, ScheduleId, SeatId, UserId,
};
use crate::domain::lapses::REMEMBERED;
use crate::domain::record::{LedgerEntry, Reservation, ReservationStatus, Takings, TokenRecord};
use crate::domain::sale::LAPSES_KEPT_MAX;
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::domain::wallet::Wallets;
use crate::limits::{
    CANCELLED_TICKETS_LISTED_MAX, LAST_TOKENS_MAX, LEASE, RESERVATIONS_LISTED_MAX, RUNS_AFTER_START,
    TICKETS_LISTED_MAX,
};
use crate::venue::VenueLayout;

/// The function that takes each row.
pub type Take<'t, R> = dyn FnMut(&R) -> Result<(), StoreError> + Send + 't;

/// The change that a statement made.
#[derive(Clone, Copy, Debug)]
pub struct Changed {
    pub rows: u64,
    /// The id that the database gave to a new row, of a table whose ids it gives.
    pub last_id: u64,
}

/// A connection to a database.
pub trait Link: Send {
    type Row: Cells + Send + Sync;
    type Values: Bind + Default + Send;

    const DIALECT: &'static Dialect;

    /// Sorts an error by what to do about it.
    fn fault(error: sqlx::Error) -> StoreError;

    /// Every row that a query finds, in its order.
    fn all(
        &mut self,
        sql: SqlStr,
        values: Self::Values,
    ) -> impl Future<Output = Result<Vec<Self::Row>, StoreError>> + Send;

    /// The same, one row after the other, for results that are large.
    fn each(
        &mut self,
        sql: SqlStr,
        values: Self::Values,
        take: &mut Take<'_, Self::Row>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Runs a statement that changes rows.
    fn run(
        &mut self,
        sql: SqlStr,
        values: Self::Values,
    ) -> impl Future<Output = Result<Changed, StoreError>> + Send;

    /// The same; `None` if a row with one of its keys is there already.
    fn run_unless_there(
        &mut self,
        sql: SqlStr,
        values: Self::Values,
    ) -> impl Future<Output = Result<Option<Changed>, StoreError>> + Send;

    /// The same as `run`, outside of any transaction: the statement commits by itself, and its errors are those of a COMMIT as
    /// well.
    fn run_alone(
        &mut self,
        sql: SqlStr,
        values: Self::Values,
    ) -> impl Future<Output = Result<Changed, CommitError>> + Send;
}

/// Takes each of these rows.
pub async fn each_of<R: Send>(
    rows: impl Stream<Item = Result<R, StoreError>> + Send,
    take: &mut Take<'_, R>,
) -> Result<(), StoreError> {
    let mut rows = pin!(rows);
    while let Some(row) = rows.try_next().await? {
        take(&row)?;
    }
    Ok(())
}

/// Runs a query that takes a list of rows, and gives all that it finds; each once, also if the list repeats it.
async fn among<L: Link, T: Sync>(
    link: &mut L,
    query: &'static Bulk,
    rows: &[T],
    bind: impl Fn(&mut L::Values, &T) + Send,
) -> Result<Vec<L::Row>, StoreError> {
    let mut found = Vec::new();
    for (bucket, piece) in bulk::pieces(rows, L::DIALECT.packing) {
        let values = query.values(bucket, piece, &bind);
        found.append(&mut link.all(query.sql(bucket), values).await?);
    }
    Ok(found)
}

pub async fn one<L: Link>(
    link: &mut L,
    sql: &'static str,
    values: L::Values,
) -> Result<Option<L::Row>, StoreError> {
    Ok(link.all(sql.into_sql_str(), values).await?.into_iter().next())
}

/// Runs a statement that changes rows.
pub async fn run<L: Link>(
    link: &mut L,
    sql: &'static str,
    bind: impl FnOnce(&mut L::Values),
) -> Result<Changed, StoreError> {
    let mut values = L::Values::default();
    bind(&mut values);
    link.run(sql.into_sql_str(), values).await
}

/// The parameters of a query that takes only numbers.
pub fn numbers<V: Bind + Default>(numbers: &[u64]) -> V {
    let mut values = V::default();
    for &number in numbers {
        values.id(number);
    }
    values
}

/// Texts that differ between the backends. Queries with a list of rows end in it: `… IN (`list`)`.
pub struct Dialect {
    pub packing: Packing,
    /// Users (user).
    pub wallets: Bulk,
    /// Ledger entries (user, request id).
    pub charges: Bulk,
    /// Reservations (concert, reservation); so are the two after it.
    pub reservations: Bulk,
    pub payments: Bulk,
    pub tickets: Bulk,
    /// Tokens that ended (concert, token).
    pub ended_tokens: Bulk,
    /// The newest token of each (user, concert).
    pub last_tokens: Bulk,
    /// Places in line (concert, entry).
    pub tokens: Bulk,
    /// Seats (concert, schedule, seat).
    pub seats: Bulk,
    /// Concerts that are neither archived nor rehearsals with a start after the first parameter, a performance that is called off, or a live
    /// token; and those whose rows are behind their journal.
    pub concerts_to_run: &'static str,
    /// Selects the process that runs a concert's sale, for a transaction that changes it.
    pub holder: &'static str,
    /// A row on top of a sale's journal (batch, writer, at, events, concert).
    pub claim_row: &'static str,
    /// A process that says that it runs (writer, at, at).
    pub node_lives: &'static str,
    /// The time of the database's machine.
    pub now: &'static str,
    /// A new concert (id, title, venue, currency, its settings, time zone, at). Without an id it gets the next one.
    pub new_concert: &'static str,
    /// Changes a sale's settings (the settings, concert).
    pub settings: &'static str,
    /// The seats of a new concert.
    pub new_seats: Bulk,
    /// The currency of wallets, unless it is written down: the first concert's, or this one.
    pub first_currency: &'static str,
    /// The currency of wallets from now on (currency, at).
    pub decided_currency: &'static str,
    /// Writes down who has a turn that is taken one after the other (name, holder, at).
    pub turn: &'static str,
    /// The user of a subject, unless they are there (name, issuer, subject, at).
    pub new_subject: &'static str,
    /// Deletes rows of a concert, a statement for each table (concert, how many at most).
    pub clear_rows: &'static [&'static str],
    /// Locks a wallet for a transaction that only looks at it, where a query does not do so by itself (user).
    pub take_wallet: Option<&'static str>,
}

/// The head of a query of `Dialect`, before its list. The dialect's hint about indexes follows the table.
macro_rules! question {
    (wallets $hint:literal) => {
        concat!("SELECT user_id, balance, ledger_entries FROM users ", $hint, " WHERE user_id IN (")
    };
    (charges $hint:literal) => {
        concat!(
            "SELECT ",
            ledger_columns!(),
            " FROM payment_history ",
            $hint,
            " WHERE request_id IS NOT NULL AND (user_id, request_id) IN ("
        )
    };
    (reservations) => {
        concat!(
            "SELECT ",
            reservation_columns!(),
            " FROM reservation WHERE (concert_id, reservation_id) IN ("
        )
    };
    (payments) => {
        "SELECT payment_id, reservation_id, user_id, source, amount, status, at, refunded, refund_reason FROM payment \
         WHERE (concert_id, reservation_id) IN ("
    };
    (tokens $hint:literal) => {
        concat!("SELECT ", token_columns!(), " FROM queue ", $hint, " WHERE (concert_id, entry_no) IN (")
    };
    (seats $hint:literal) => {
        concat!(
            "SELECT concert_id, schedule_id, seat, status, reservation_id FROM concert_seat ",
            $hint,
            " WHERE (concert_id, schedule_id, seat) IN ("
        )
    };
    (tickets $hint:literal) => {
        concat!(
            "SELECT ticket_id, schedule_id, seat, price, code, cancelled_at, moved_from, moved_to, reservation_id FROM ticket ",
            $hint,
            " WHERE (concert_id, reservation_id) IN ("
        )
    };
}
pub(super) use question;

pub const USER: &str = "SELECT user_id, name, balance, CASE WHEN issuer IS NULL AND vouched = 0 THEN 1 ELSE 0 END AS guest \
     FROM users WHERE user_id = ?";
pub const USER_OF_SUBJECT: &str = "SELECT user_id FROM users WHERE issuer = ? AND subject = ?";
const HISTORY: &str = concat!(
    "SELECT ",
    ledger_columns!(),
    " FROM payment_history WHERE user_id = ? ORDER BY entry_no DESC LIMIT ?"
);
const HISTORY_BEFORE: &str = concat!(
    "SELECT ",
    ledger_columns!(),
    " FROM payment_history WHERE user_id = ? AND entry_no < \
       (SELECT entry_no FROM payment_history WHERE user_id = ? AND history_id = ?) \
     ORDER BY entry_no DESC LIMIT ?"
);
/// Counts a user's entries after this one that were made since then.
const LEDGER_SINCE: &str =
    "SELECT count(*) AS entries FROM payment_history WHERE user_id = ? AND entry_no > ? AND at >= ?";
const RESERVATIONS_OF_USER: &str = concat!(
    reservations_of_user!(),
    "SELECT ",
    reservation_columns!(),
    " FROM theirs CROSS JOIN reservation ON concert_id = theirs.sale AND reservation_id = theirs.reservation \
     ORDER BY opened_at DESC, reservation_id DESC LIMIT ?"
);
const TICKETS_OF_USER: &str = concat!(
    ticket_list!("NULL", ""),
    " WHERE t.user_id = ? AND t.cancelled_at IS NULL ORDER BY t.ticket_id DESC LIMIT ?"
);
const CANCELLED_TICKETS_OF_USER: &str = concat!(
    ticket_list!(
        "y.refund_reason",
        " JOIN payment y ON y.concert_id = t.concert_id AND y.payment_id = t.payment_id"
    ),
    " WHERE t.user_id = ? AND t.cancelled_at IS NOT NULL AND t.moved_to IS NULL ORDER BY t.ticket_id DESC LIMIT ?"
);
const TOKENS_OF_USER: &str = concat!(
    "SELECT ",
    token_columns!(),
    " FROM queue WHERE (concert_id, entry_no) IN ( \
       SELECT concert_id, max(entry_no) FROM queue WHERE user_id = ? GROUP BY concert_id) \
     ORDER BY entered_at DESC, concert_id DESC LIMIT ?"
);
const CONCERT: &str = concat!(
    "SELECT ",
    concert_columns!(),
    ", ",
    settings_columns!(),
    ", outage_ms, token_secret, CASE WHEN rehearsal_of IS NULL THEN archived_at END AS archived_at, \
       (SELECT layout FROM venue_layout WHERE venue_layout.concert_id = concert.concert_id) AS layout \
     FROM concert WHERE concert_id = ?"
);
const JOURNAL_PAGE: &str =
    "SELECT seq, at, events FROM journal WHERE concert_id = ? AND seq >= ? ORDER BY seq LIMIT ?";
const CONCERTS: &str = "SELECT concert_id FROM concert WHERE rehearsal_of IS NULL ORDER BY concert_id";
/// The starts of concerts with this title, which are few.
const STARTS_OF_TITLE: &str = "SELECT c.concert_id, s.starts_at \
     FROM concert c JOIN concert_schedule s ON s.concert_id = c.concert_id \
     WHERE c.title = ? AND c.archived_at IS NULL AND c.rehearsal_of IS NULL AND s.state = 'PLANNED' \
     ORDER BY c.concert_id";
/// Of a rehearsal the column says something else.
const ARCHIVED: &str = "SELECT archived_at FROM concert WHERE concert_id = ? AND rehearsal_of IS NULL";
const APPLIED: &str = "SELECT seq, writer FROM applied WHERE concert_id = ?";
/// A row a sale, of which there are few, and the end of the journal of each.
const BEHIND: &str = "SELECT a.concert_id, a.seq, \
       (SELECT max(j.seq) FROM journal j WHERE j.concert_id = a.concert_id) AS newest FROM applied a";
const GUESTS: &str = "SELECT guests FROM journal WHERE concert_id = ? AND seq > ? AND seq <= ? AND guests IS NOT NULL \
     ORDER BY seq";
const LAYOUT_OF: &str = "SELECT layout FROM venue_layout WHERE concert_id = ?";
const CONCERT_OF_SCHEDULE: &str = "SELECT s.concert_id FROM concert_schedule s \
     JOIN concert k ON k.concert_id = s.concert_id WHERE s.schedule_id = ? AND k.rehearsal_of IS NULL";
const SEAT_LABEL: &str =
    "SELECT label FROM concert_seat WHERE concert_id = ? AND schedule_id = ? AND seat = ?";
const OLD_ROWS: &str = "SELECT seq, batch_id, writer, at, events FROM journal WHERE concert_id = ? AND seq >= ? \
     ORDER BY seq LIMIT ?";
/// A range of the primary key: what is deleted is far from the row that the writer goes on from.
const DELETE_ROWS: &str = "DELETE FROM journal WHERE concert_id = ? AND seq >= ? AND seq <= ?";
const JOURNAL_END: &str = "SELECT seq, batch_id FROM journal WHERE concert_id = ? ORDER BY seq DESC LIMIT 1";
const WALLETS: &str = "SELECT currency, decided_at FROM installation WHERE id = 1";
/// The oldest concert's first.
const CURRENCIES: &str = "SELECT currency FROM concert GROUP BY currency ORDER BY min(concert_id)";
/// Found by one of few rows.
const SERVED: &str = "SELECT 1 FROM node WHERE stopped_at IS NULL AND heartbeat_at > ? LIMIT 1";
const LAST_ENTRY: &str = "SELECT max(entry_no) AS last_entry FROM queue WHERE concert_id = ?";
/// Written with OR so that no planner prefers an index on live tokens, which are nearly all of a line that matters,
/// and sorts them afterwards.
const LIVE_TOKENS: &str = concat!(
    "SELECT ",
    token_columns!(),
    " FROM queue WHERE concert_id = ? AND (status = 'WAITING' OR status = 'PROGRESS') ORDER BY entry_no"
);
const HELD_RESERVATIONS: &str = concat!(
    "SELECT ",
    reservation_columns!(),
    " FROM reservation WHERE concert_id = ? AND reservation_id IN ( \
       SELECT reservation_id FROM concert_seat WHERE concert_id = ? AND status = 'TEMP_RESERVED') \
     ORDER BY reservation_id"
);
/// Found by the index on deadlines, which no hold outlives: what ended before its deadline, for its owner's idleness, is
/// found too. The newest first, and no more than are remembered.
const LAPSED_RESERVATIONS: &str = concat!(
    "SELECT ",
    reservation_columns!(),
    " FROM reservation WHERE concert_id = ? AND expires_at >= ? AND status = 'EXPIRED' \
     ORDER BY expires_at DESC LIMIT ?"
);
/// Counted here: what is sorted there, to be counted, is as much to read.
const BUYERS: &str = "SELECT user_id FROM ticket WHERE concert_id = ? AND cancelled_at IS NULL";
/// Added up here: a database's sum is of another type.
const TAKINGS: &str = "SELECT source, amount, refunded FROM payment WHERE concert_id = ? AND status = 'DONE'";
/// Those whose seats are all stored.
const SCHEDULES: &str = "SELECT schedule_id, starts_at, state, reason, prices FROM concert_schedule WHERE concert_id = ? AND state <> 'ADDING' \
     ORDER BY starts_at, schedule_id";
const TAKEN_SEATS: &str = "SELECT concert_id, schedule_id, seat, status, reservation_id FROM concert_seat \
     WHERE concert_id = ? AND reservation_id IS NOT NULL ORDER BY schedule_id, seat";

const OVERDUE_TOKENS: &str = concat!(
    "SELECT ",
    token_columns!(),
    " FROM queue WHERE concert_id = ? AND ended_at IS NULL AND expires_at < ? AND status = 'PROGRESS' \
     ORDER BY expires_at LIMIT ?"
);
const OVERDUE_RESERVATIONS: &str = concat!(
    "SELECT ",
    reservation_columns!(),
    " FROM reservation WHERE concert_id = ? AND expires_at >= ? AND expires_at < ? \
       AND status = 'TEMP_RESERVED' ORDER BY expires_at LIMIT ?"
);
const TOKENS_PAGE: &str = concat!(
    "SELECT ",
    token_columns!(),
    " FROM queue WHERE concert_id = ? AND entry_no >= ? ORDER BY entry_no LIMIT ?"
);
const RESERVATIONS_PAGE: &str = concat!(
    "SELECT ",
    reservation_columns!(),
    " FROM reservation WHERE concert_id = ? AND reservation_id >= ? ORDER BY reservation_id LIMIT ?"
);
const SEATS_PAGE: &str = "SELECT concert_id, schedule_id, seat, status, reservation_id FROM concert_seat \
     WHERE concert_id = ? AND schedule_id = ? AND seat >= ? ORDER BY seat LIMIT ?";

/// Found by the primary key, from the last one seen on.
const ORDERS_TO_REFUND: &str = "SELECT r.reservation_id, r.user_id, r.seats, y.source, y.amount, y.refunded \
     FROM reservation r \
     LEFT JOIN payment y ON y.concert_id = r.concert_id AND y.reservation_id = r.reservation_id \
     WHERE r.concert_id = ? AND r.reservation_id > ? AND r.schedule_id = ? AND r.status = 'RESERVED' \
     ORDER BY r.reservation_id LIMIT ?";
/// A user who was made for an order has that one alone.
const DESK_ORDER: &str = concat!(
    reservations_of_user!(),
    "SELECT ",
    reservation_columns!(),
    " FROM theirs CROSS JOIN reservation ON concert_id = theirs.sale AND reservation_id = theirs.reservation \
     WHERE theirs.sale = ? ORDER BY opened_at DESC, reservation_id DESC LIMIT 1"
);

/// Every text above, for a test of their plans.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[
    USER,
    USER_OF_SUBJECT,
    HISTORY,
    HISTORY_BEFORE,
    LEDGER_SINCE,
    RESERVATIONS_OF_USER,
    TICKETS_OF_USER,
    CANCELLED_TICKETS_OF_USER,
    TOKENS_OF_USER,
    CONCERT,
    STARTS_OF_TITLE,
    ARCHIVED,
    APPLIED,
    GUESTS,
    LAYOUT_OF,
    OLD_ROWS,
    JOURNAL_END,
    WALLETS,
    LAST_ENTRY,
    LIVE_TOKENS,
    HELD_RESERVATIONS,
    LAPSED_RESERVATIONS,
    BUYERS,
    TAKINGS,
    SCHEDULES,
    TAKEN_SEATS,
    OVERDUE_TOKENS,
    OVERDUE_RESERVATIONS,
    TOKENS_PAGE,
    RESERVATIONS_PAGE,
    SEATS_PAGE,
    ORDERS_TO_REFUND,
    DESK_ORDER,
];

#[cfg(test)]
impl Dialect {
    /// Every text of this dialect, lists of one row.
    pub fn questions(&self) -> Vec<String> {
        let lists = [
            &self.wallets,
            &self.charges,
            &self.reservations,
            &self.payments,
            &self.tickets,
            &self.ended_tokens,
            &self.last_tokens,
            &self.tokens,
            &self.seats,
        ];
        let lists = lists.map(|list| list.sql(super::bulk::BUCKETS.len() - 1).as_str().to_owned());
        lists.into_iter().chain([self.concerts_to_run.to_owned()]).collect()
    }
}

pub async fn concerts_to_run<L: Link>(link: &mut L, now: Timestamp) -> Result<Vec<ConcertId>, StoreError> {
    let mut values = L::Values::default();
    values.time(Some(now - RUNS_AFTER_START));
    let rows = link.all(L::DIALECT.concerts_to_run.into_sql_str(), values).await?;
    rows.iter().map(|row| Ok(ConcertId(row.number("concert_id")?))).collect()
}

pub async fn concerts<L: Link>(link: &mut L) -> Result<Vec<ConcertId>, StoreError> {
    let rows = link.all(CONCERTS.into_sql_str(), numbers(&[])).await?;
    rows.iter().map(|row| Ok(ConcertId(row.number("concert_id")?))).collect()
}

/// The drawing of a concert's hall.
pub async fn layout_of<L: Link>(link: &mut L, concert: ConcertId) -> Result<VenueLayout, StoreError> {
    let row = one(link, LAYOUT_OF, numbers(&[concert.0.into()])).await?;
    read_layout(&row.ok_or(StoreError::NoSuchConcert { concert })?)
}

/// The concert that is there with this title, one of these starts, and the same seats, whatever they cost. `packed` is its
/// layout as it is stored: numbers are compared as they are read from there.
pub async fn same_concert<L: Link>(
    link: &mut L,
    new: &NewConcert,
    packed: &[u8],
) -> Result<Option<ConcertId>, StoreError> {
    let mut values = L::Values::default();
    values.text(Some(&new.title));
    let rows = link.all(STARTS_OF_TITLE.into_sql_str(), values).await?;
    let mut candidates = Vec::new();
    for row in &rows {
        if new.starts_at.contains(&row.time("starts_at")?) {
            candidates.push(ConcertId(row.number("concert_id")?));
        }
    }
    candidates.dedup();
    let unpriced = |mut layout: VenueLayout| {
        layout.categories.iter_mut().for_each(|category| category.price = 0);
        layout
    };
    let layout = unpriced(unpack_layout(packed)?);
    for concert in candidates {
        let row = one(link, LAYOUT_OF, numbers(&[concert.0.into()])).await?;
        if row.as_ref().map(read_layout).transpose()?.map(unpriced).as_ref() == Some(&layout) {
            return Ok(Some(concert));
        }
    }
    Ok(None)
}

pub async fn concert_of_schedule(
    link: &mut impl Link,
    schedule: ScheduleId,
) -> Result<Option<ConcertId>, StoreError> {
    let row = one(link, CONCERT_OF_SCHEDULE, numbers(&[schedule.0])).await?;
    row.map(|row| Ok(ConcertId(row.number("concert_id")?))).transpose()
}

pub async fn seat_label(
    link: &mut impl Link,
    concert: ConcertId,
    schedule: ScheduleId,
    seat: SeatId,
) -> Result<Option<String>, StoreError> {
    let row = one(link, SEAT_LABEL, numbers(&[concert.0.into(), schedule.0, seat.0.into()])).await?;
    row.map(|row| Ok(row.text("label")?.to_owned())).transpose()
}

pub async fn journal<L: Link>(
    link: &mut L,
    concert: ConcertId,
    from: u64,
    rows_max: u32,
) -> Result<Vec<JournalRow>, StoreError> {
    let values = numbers(&[concert.0.into(), from, rows_max.into()]);
    let rows = link.all(JOURNAL_PAGE.into_sql_str(), values).await?;
    let read = |row: &L::Row| {
        let events = journal::decode(row.text("events")?).map_err(StoreError::broken)?;
        Ok(JournalRow { seq: row.number("seq")?, at: row.time("at")?, events })
    };
    rows.iter().map(read).collect()
}

/// Rows as they are, and the place of the newest one that the sale's other rows have.
pub async fn old_rows<L: Link>(
    link: &mut L,
    concert: ConcertId,
    from: u64,
    rows_max: u32,
) -> Result<(Vec<OldRow>, u64), StoreError> {
    let end = journal_end(link, concert).await?.seq;
    let newest = applied(link, concert).await?.map_or(end, |(at, _)| at.min(end));
    let values = numbers(&[concert.0.into(), from, rows_max.into()]);
    let rows = link.all(OLD_ROWS.into_sql_str(), values).await?;
    let read = |row: &L::Row| {
        let (seq, events) = (row.number("seq")?, row.text("events")?.to_owned());
        let (batch, writer) = (row.uuid("batch_id")?, row.uuid("writer")?);
        Ok(OldRow { seq, batch, writer, at: row.time("at")?, events })
    };
    Ok((rows.iter().map(read).collect::<Result<_, StoreError>>()?, newest))
}

/// The last row of its journal that a sale's rows have, and whose they are; `None`: nobody claimed it yet, and they have all
/// of it.
pub async fn applied(
    link: &mut impl Link,
    concert: ConcertId,
) -> Result<Option<(u64, WriterId)>, StoreError> {
    let row = one(link, APPLIED, numbers(&[concert.0.into()])).await?;
    row.map(|row| Ok((row.number("seq")?, WriterId(row.uuid("writer")?)))).transpose()
}

/// The sales whose rows do not have all of their journal.
pub async fn behind<L: Link>(link: &mut L) -> Result<Vec<Behind>, StoreError> {
    let rows = link.all(BEHIND.into_sql_str(), numbers(&[])).await?;
    let read = |row: &L::Row| {
        let concert = ConcertId(row.number("concert_id")?);
        Ok(Behind { concert, applied: row.number("seq")?, end: row.number("newest")? })
    };
    let behind = rows.iter().map(read).collect::<Result<Vec<_>, StoreError>>()?;
    Ok(behind.into_iter().filter(|of| of.applied < of.end).collect())
}

/// Where guests come from, as it stands beside the rows behind the first one of these up to the second, in their order.
pub async fn guests<L: Link>(
    link: &mut L,
    concert: ConcertId,
    (from, to): (u64, u64),
) -> Result<Vec<(ReservationId, AddressBlock)>, StoreError> {
    let rows = link.all(GUESTS.into_sql_str(), numbers(&[concert.0.into(), from, to])).await?;
    let mut guests = Vec::new();
    for row in &rows {
        guests.append(&mut journal::guests_of(row.text("guests")?).map_err(StoreError::broken)?);
    }
    Ok(guests)
}

/// Deletes rows of a sale's journal, within a transaction. Refused for the newest one: the writer goes on from it, and
/// places only ascend. Also for what the sale's other rows do not have yet.
pub async fn delete_rows(
    link: &mut impl Link,
    concert: ConcertId,
    first: u64,
    last: u64,
) -> Result<(), StoreError> {
    if last >= journal_end(link, concert).await?.seq {
        return Err(StoreError::broken(format!("row {last} of sale {concert} is its newest one and stays")));
    }
    if let Some((applied, _)) = applied(link, concert).await?
        && last > applied
    {
        return Err(StoreError::broken(format!(
            "row {last} of sale {concert} is not in its other tables yet, and stays"
        )));
    }
    link.all(DELETE_ROWS.into_sql_str(), numbers(&[concert.0.into(), first, last])).await.map(drop)
}

pub async fn user(link: &mut impl Link, user: UserId) -> Result<Option<UserRecord>, StoreError> {
    let row = one(link, USER, numbers(&[user.0])).await?;
    row.map(|row| {
        Ok(UserRecord {
            id: UserId(row.number("user_id")?),
            name: row.text("name")?.to_owned(),
            balance: row.int("balance")?,
            guest: row.int("guest")? != 0,
        })
    })
    .transpose()
}

pub async fn balance(link: &mut impl Link, user: UserId) -> Result<Option<Money>, StoreError> {
    one(link, USER, numbers(&[user.0])).await?.map(|row| row.int("balance")).transpose()
}

/// The currency that is written down; where none is, `others` begins with the one that will be.
pub async fn wallet_currency<L: Link>(link: &mut L) -> Result<WalletCurrency, StoreError> {
    let row = one(link, WALLETS, numbers(&[])).await?;
    let rows = link.all(CURRENCIES.into_sql_str(), numbers(&[])).await?;
    let mut others = rows
        .iter()
        .map(|row| Ok(row.text("currency")?.to_owned()))
        .collect::<Result<Vec<_>, StoreError>>()?;
    let code = row.as_ref().map(|row| row.text("currency").map(str::to_owned)).transpose()?;
    let decided = row.map(|row| row.opt_time("decided_at")).transpose()?.flatten().is_some();
    others.retain(|other| Some(other) != code.as_ref());
    Ok(WalletCurrency { code, decided, others })
}

pub async fn is_served<L: Link>(link: &mut L, now: Timestamp) -> Result<bool, StoreError> {
    let mut values = L::Values::default();
    values.time(Some(now - LEASE));
    Ok(one(link, SERVED, values).await?.is_some())
}

pub async fn user_of_subject<L: Link>(
    link: &mut L,
    issuer: &str,
    subject: &str,
) -> Result<Option<UserId>, StoreError> {
    let mut values = L::Values::default();
    values.text(Some(issuer));
    values.text(Some(subject));
    let row = one(link, USER_OF_SUBJECT, values).await?;
    row.map(|row| Ok(UserId(row.number("user_id")?))).transpose()
}

pub async fn history<L: Link>(
    link: &mut L,
    user: UserId,
    before: Option<HistoryId>,
    limit: u32,
) -> Result<Vec<LedgerEntry>, StoreError> {
    let mut values: L::Values = numbers(&[user.0]);
    if let Some(before) = before {
        values.id(user.0);
        values.uuid(Some(before.0));
    }
    values.id(limit.into());
    let sql = if before.is_some() { HISTORY_BEFORE } else { HISTORY };
    link.all(sql.into_sql_str(), values).await?.iter().map(read_ledger).collect()
}

pub async fn reservations(link: &mut impl Link, user: UserId) -> Result<Vec<Reservation>, StoreError> {
    let values = numbers(&[user.0, user.0, user.0, user.0, RESERVATIONS_LISTED_MAX.into()]);
    let rows = link.all(RESERVATIONS_OF_USER.into_sql_str(), values).await?;
    let mut reservations = rows.iter().map(read_reservation).collect::<Result<Vec<_>, _>>()?;
    complete(link, &mut reservations).await?;
    Ok(reservations)
}

pub async fn tickets(link: &mut impl Link, user: UserId) -> Result<Vec<StoredTicket>, StoreError> {
    let values = numbers(&[user.0, TICKETS_LISTED_MAX.into()]);
    link.all(TICKETS_OF_USER.into_sql_str(), values).await?.iter().map(read_stored_ticket).collect()
}

pub async fn cancelled_tickets(link: &mut impl Link, user: UserId) -> Result<Vec<StoredTicket>, StoreError> {
    let values = numbers(&[user.0, CANCELLED_TICKETS_LISTED_MAX.into()]);
    let rows = link.all(CANCELLED_TICKETS_OF_USER.into_sql_str(), values).await?;
    rows.iter().map(read_stored_ticket).collect()
}

pub async fn last_tokens(link: &mut impl Link, user: UserId) -> Result<Vec<TokenRecord>, StoreError> {
    let values = numbers(&[user.0, LAST_TOKENS_MAX.into()]);
    link.all(TOKENS_OF_USER.into_sql_str(), values).await?.iter().map(read_token).collect()
}

/// Paid orders of a performance, by their ids, from the one behind `after` on.
pub async fn orders_to_refund<L: Link>(
    link: &mut L,
    concert: ConcertId,
    schedule: ScheduleId,
    after: ReservationId,
    max: u32,
) -> Result<Vec<OrderToRefund>, StoreError> {
    let mut values: L::Values = numbers(&[concert.0.into()]);
    values.uuid(Some(after.0));
    values.id(schedule.0);
    values.id(max.into());
    let rows = link.all(ORDERS_TO_REFUND.into_sql_str(), values).await?;
    let order = |row: &L::Row| {
        let seats = row.text("seats")?.split(',').filter(|seat| !seat.is_empty()).count();
        Ok(OrderToRefund {
            id: ReservationId(row.uuid("reservation_id")?),
            user: UserId(row.number("user_id")?),
            source: read_source(row)?,
            seats: seats as u64,
            amount: row.int("amount")? - row.int("refunded")?,
        })
    };
    rows.iter().map(order).collect()
}

/// A reservation with its payment, whatever became of it.
pub async fn order(link: &mut impl Link, id: ReservationId) -> Result<Option<Reservation>, StoreError> {
    let needs = Needs { reservations: vec![id], ..Needs::default() };
    Ok(ended(link, &needs).await?.reservations.remove(&id))
}

/// Is everything of this concert over?
pub async fn is_archived(link: &mut impl Link, concert: ConcertId) -> Result<bool, StoreError> {
    let row = one(link, ARCHIVED, numbers(&[concert.0.into()])).await?;
    Ok(row.map(|row| row.opt_time("archived_at")).transpose()?.flatten().is_some())
}

/// Everything that a sale's memory is built from, within one transaction.
pub async fn load_sale<L: Link>(
    link: &mut L,
    concert: ConcertId,
    now: Timestamp,
) -> Result<LoadedSale, StoreError> {
    let of = u64::from(concert.0);
    let row = one(link, CONCERT, numbers(&[of])).await?.ok_or(StoreError::NoSuchConcert { concert })?;
    let (record, settings) = (read_concert(&row)?, read_settings(&row)?);
    let outages = Duration::from_millis(row.number("outage_ms")?);
    let token_secret = read_token_secret(&row)?;
    let archived = row.opt_time("archived_at")?;
    let layout = Arc::new(read_layout(&row)?);
    let wallets = one(link, WALLETS, numbers(&[])).await?;
    let wallets = wallets.as_ref().map(|row| row.text("currency")).transpose()?;
    let sells = wallets.is_none_or(|currency| currency == record.currency);

    let journal = journal_end(link, concert).await?;

    let row = one(link, LAST_ENTRY, numbers(&[of])).await?;
    let last = row.map(|row| row.opt_int("last_entry")).transpose()?.flatten();
    let next_entry = EntryNo(last.map_or(0, |last| last.cast_unsigned() + 1));

    let mut tokens = Vec::new();
    let take: &mut Take<'_, _> = &mut |row| {
        tokens.push(read_token(row)?);
        Ok(())
    };
    link.each(LIVE_TOKENS.into_sql_str(), numbers(&[of]), take).await?;

    let rows = link.all(HELD_RESERVATIONS.into_sql_str(), numbers(&[of, of])).await?;
    let mut reservations = rows.iter().map(read_reservation).collect::<Result<Vec<_>, _>>()?;

    let since = now - REMEMBERED;
    let mut values = L::Values::default();
    values.id(of);
    values.time(Some(since - outages));
    values.id(LAPSES_KEPT_MAX as u64);
    let rows = link.all(LAPSED_RESERVATIONS.into_sql_str(), values).await?;
    let mut lapsed = rows.iter().map(read_reservation).collect::<Result<Vec<_>, _>>()?;
    lapsed.retain(|expired| expired.ended_at.is_some_and(|at| at > since));

    let mut bought: HashMap<UserId, u32> = HashMap::new();
    let take: &mut Take<'_, L::Row> = &mut |row| {
        *bought.entry(UserId(row.number("user_id")?)).or_default() += 1;
        Ok(())
    };
    link.each(BUYERS.into_sql_str(), numbers(&[of]), take).await?;

    let mut takings = Takings::default();
    let take: &mut Take<'_, L::Row> = &mut |row| {
        takings.add(read_source(row)?, row.int("amount")? - row.int("refunded")?);
        Ok(())
    };
    link.each(TAKINGS.into_sql_str(), numbers(&[of]), take).await?;

    let mut schedules = Vec::new();
    for row in link.all(SCHEDULES.into_sql_str(), numbers(&[of])).await? {
        let word = row.text("state")?;
        let schedule = ScheduleRecord {
            id: ScheduleId(row.number("schedule_id")?),
            starts_at: row.time("starts_at")?,
            state: known(words::schedule_state_of(word), word)?,
        };
        let reason = row.opt_text("reason")?.map(Arc::from);
        let prices = row.opt_text("prices")?;
        let prices = prices.map_or(Ok(Vec::new()), |prices| read_own_prices(prices, &layout))?;
        let layout = Arc::clone(&layout);
        schedules.push(LoadedSchedule { schedule, reason, layout, prices, taken: Vec::new() });
    }
    let mut held: HashMap<ReservationId, Vec<SeatId>> = HashMap::new();
    for row in link.all(TAKEN_SEATS.into_sql_str(), numbers(&[of])).await? {
        let seat = read_seat(&row)?;
        if let (SeatStatus::TempReserved, Some(reservation)) = (seat.status, seat.reservation) {
            held.entry(reservation).or_default().push(seat.seat);
        }
        let of = schedules.iter_mut().find(|loaded| loaded.schedule.id == seat.schedule);
        if let (Some(loaded), Some(reservation)) = (of, seat.reservation) {
            loaded.taken.push((seat.seat, seat.status, reservation));
        }
    }
    // Should they differ, the seats say who holds them.
    for reservation in &mut reservations {
        reservation.seats = held.remove(&reservation.id).unwrap_or_default();
    }
    Ok(LoadedSale {
        sells,
        concert: record,
        settings,
        archived,
        outages,
        token_secret,
        journal,
        next_entry,
        tokens,
        reservations,
        lapsed,
        bought: bought.into_iter().collect(),
        takings,
        schedules,
    })
}

/// The journal's rows that are read at a time for what somebody missed.
const MISSED_PAGE_ROWS: u32 = 256;

/// A sale that another server runs, within one transaction.
pub async fn load_copy<L: Link>(
    link: &mut L,
    concert: ConcertId,
    now: Timestamp,
    missed: Option<&Missed>,
) -> Result<LoadedCopy, StoreError> {
    let sale = load_sale(link, concert, now).await?;
    let end = sale.journal.seq;
    let applied = applied(link, concert).await?.map_or(end, |(at, _)| at);
    let (mut tokens, mut reservations) = (Vec::new(), Vec::new());
    if let Some(Missed { since, users }) = missed {
        let mut touched = LastTouched::default();
        let mut at = *since;
        while at < end {
            let page = journal(link, concert, at + 1, MISSED_PAGE_ROWS).await?;
            let Some(last) = page.last() else { break };
            at = last.seq;
            page.iter().for_each(|row| touched.add(row, users));
        }
        // What changed behind the rows comes with what is said of that.
        touched.retain_until(applied);
        // Those who come back from a server that died are thousands, and not to be asked for one by one.
        let entries: Vec<_> = touched.tokens.keys().copied().collect();
        let rows = among(link, &L::DIALECT.tokens, &entries, |to, entry| {
            to.id(concert.0.into());
            to.id(entry.0);
        });
        tokens = rows.await?.iter().map(read_token).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<_> = touched.reservations.keys().map(|id| (concert, *id)).collect();
        let rows = among(link, &L::DIALECT.reservations, &ids, bind_key).await?;
        reservations = rows.iter().map(read_reservation).collect::<Result<Vec<_>, _>>()?;
        complete(link, &mut reservations).await?;
    }
    Ok(LoadedCopy { sale, applied, tokens, reservations })
}

/// The rows of a sale that a part of its journal is folded onto, within the transaction that writes what comes of it.
pub async fn base_of<L: Link>(
    link: &mut L,
    concert: ConcertId,
    touched: &Touched,
) -> Result<Base, StoreError> {
    let of = u64::from(concert.0);
    let row = one(link, CONCERT, numbers(&[of])).await?.ok_or(StoreError::NoSuchConcert { concert })?;
    let (token_secret, layout) = (read_token_secret(&row)?, Arc::new(read_layout(&row)?));
    let row = one(link, LAST_ENTRY, numbers(&[of])).await?;
    let last = row.map(|row| row.opt_int("last_entry")).transpose()?.flatten();
    let mut schedules = BTreeMap::new();
    for row in link.all(SCHEDULES.into_sql_str(), numbers(&[of])).await? {
        let word = row.text("state")?;
        let prices = row.opt_text("prices")?;
        let prices = prices.map_or(Ok(Vec::new()), |prices| read_own_prices(prices, &layout))?;
        let folded = FoldedSchedule {
            seats: layout.seat_count() as u32,
            starts_at: Some(row.time("starts_at")?),
            state: known(words::schedule_state_of(word), word)?,
            reason: row.opt_text("reason")?.map(Box::from),
        };
        let schedule = BaseSchedule { folded, prices: prices.into_iter().collect() };
        schedules.insert(ScheduleId(row.number("schedule_id")?), schedule);
    }
    let tokens: Vec<_> = touched.tokens.iter().copied().collect();
    let tokens = among(link, &L::DIALECT.tokens, &tokens, |to, entry| {
        to.id(of);
        to.id(entry.0);
    });
    let tokens = tokens.await?.iter().map(read_token).collect::<Result<_, _>>()?;
    let seats: Vec<_> = touched.seats.iter().copied().collect();
    let seats = among(link, &L::DIALECT.seats, &seats, |to, (schedule, seat)| {
        to.id(of);
        to.id(schedule.0);
        to.id(seat.0.into());
    });
    let mut taken = HashMap::new();
    for row in &seats.await? {
        let seat = read_seat(row)?;
        taken.extend(seat.reservation.map(|by| ((seat.schedule, seat.seat), (seat.status, by))));
    }
    let reservations: Vec<_> = touched.reservations.iter().map(|id| (concert, *id)).collect();
    let rows = among(link, &L::DIALECT.reservations, &reservations, bind_key).await?;
    let mut reservations = rows.iter().map(read_reservation).collect::<Result<Vec<_>, _>>()?;
    complete(link, &mut reservations).await?;
    let places = last.map_or(0, |last| last.cast_unsigned() + 1);
    Ok(Base { concert, token_secret, layout, schedules, places, tokens, taken, reservations })
}

/// Some rows of a sale, within one transaction.
pub async fn sweep<L: Link>(link: &mut L, page: &SweepPage) -> Result<SweepRows, StoreError> {
    let (of, rows_max) = (u64::from(page.concert.0), u64::from(page.rows_max));
    let overdue = |from: Option<Timestamp>| {
        let mut values: L::Values = numbers(&[of]);
        from.into_iter().for_each(|from| values.time(Some(from)));
        values.time(Some(page.overdue_before));
        values.id(rows_max);
        values
    };
    let applied = match applied(link, page.concert).await? {
        Some((at, _)) => at,
        None => journal_end(link, page.concert).await?.seq,
    };
    let tokens = |rows: Vec<L::Row>| rows.iter().map(read_token).collect::<Result<Vec<_>, _>>();
    let overdue_tokens = tokens(link.all(OVERDUE_TOKENS.into_sql_str(), overdue(None)).await?)?;
    let values = numbers(&[of, page.tokens_from.0, rows_max]);
    let tokens = tokens(link.all(TOKENS_PAGE.into_sql_str(), values).await?)?;

    let rows = link.all(OVERDUE_RESERVATIONS.into_sql_str(), overdue(Some(page.holds_overdue_from))).await?;
    let overdue_reservations = rows.iter().map(read_reservation).collect::<Result<_, _>>()?;
    let mut values: L::Values = numbers(&[of]);
    values.uuid(Some(page.reservations_from.0));
    values.id(rows_max);
    let rows = link.all(RESERVATIONS_PAGE.into_sql_str(), values).await?;
    let reservations = rows.iter().map(read_reservation).collect::<Result<_, _>>()?;

    let (schedule, seat) = page.seats_from;
    let values = numbers(&[of, schedule.0, seat.0.into(), rows_max]);
    let rows = link.all(SEATS_PAGE.into_sql_str(), values).await?;
    let seat = |row: &L::Row| read_seat(row).map(|seat| (seat.seat, seat.status, seat.reservation));
    let seats = rows.iter().map(seat).collect::<Result<_, _>>()?;
    Ok(SweepRows { applied, overdue_tokens, overdue_reservations, tokens, reservations, seats })
}

pub async fn journal_end(link: &mut impl Link, concert: ConcertId) -> Result<JournalPosition, StoreError> {
    let row = one(link, JOURNAL_END, numbers(&[concert.0.into()])).await?;
    let row = row.ok_or_else(|| StoreError::broken(format!("sale {concert} has no journal")))?;
    Ok(JournalPosition { seq: row.number("seq")?, batch: row.uuid("batch_id")? })
}

/// Reads what a batch needs, and the wallets as they are stored. The caller has the locks.
pub async fn facts<L: Link>(
    link: &mut L,
    needs: &Needs,
) -> Result<(Facts, HashMap<UserId, WalletRow>), StoreError> {
    let wallets = wallets(link, &needs.wallets).await?;
    let charges = among(link, &L::DIALECT.charges, &needs.charges, |to, (user, request)| {
        to.id(user.0);
        to.text(Some(request));
    });
    let charges = charges.await?.iter().map(read_ledger).collect::<Result<_, _>>()?;
    let ended = ended(link, needs).await?;
    let mut ledgers = Vec::with_capacity(needs.ledgers.len());
    let max = u64::from(needs.ledger_max);
    for asked in needs.ledgers.chunk_by(|a, b| a == b) {
        let Some(wallet) = wallets.get(&asked[0]) else { continue };
        // A ledger that stays short is within bounds, whatever its times are; it is read again when it has grown.
        if wallet.ledger_entries + asked.len() as u64 <= max {
            continue;
        }
        let mut values: L::Values = numbers(&[wallet.user.0, wallet.ledger_entries.saturating_sub(max)]);
        values.time(Some(needs.ledger_since));
        let counted = one(link, LEDGER_SINCE, values).await?;
        ledgers.push((wallet.user, counted.map_or(Ok(0), |row| row.number("entries"))?));
    }
    let balances = wallets.values().map(|wallet| (wallet.user, wallet.balance));
    Ok((
        Facts { wallets: Wallets::new(balances, charges), ended, ledgers, ledger_since: needs.ledger_since },
        wallets,
    ))
}

/// Takes wallets for this transaction without changing them.
pub async fn take_wallets<L: Link>(link: &mut L, users: &[UserId]) -> Result<(), StoreError> {
    let Some(sql) = L::DIALECT.take_wallet else { return wallets(link, users).await.map(drop) };
    for user in users {
        run(link, sql, |to| to.id(user.0)).await?;
    }
    Ok(())
}

pub async fn wallets<L: Link>(
    link: &mut L,
    users: &[UserId],
) -> Result<HashMap<UserId, WalletRow>, StoreError> {
    let rows = among(link, &L::DIALECT.wallets, users, |to, user| to.id(user.0)).await?;
    let wallet = |row: &_| {
        let user = UserId(Cells::number(row, "user_id")?);
        let (balance, ledger_entries) = (Cells::int(row, "balance")?, Cells::number(row, "ledger_entries")?);
        Ok((user, WalletRow { user, balance, ledger_entries }))
    };
    rows.iter().map(wallet).collect()
}

/// Reads what a batch needs of things that are no longer in memory.
async fn ended<L: Link>(link: &mut L, needs: &Needs) -> Result<EndedFacts, StoreError> {
    let dialect = L::DIALECT;
    let ids: Vec<_> = needs.reservations.iter().filter_map(|id| Some((id.concert()?, *id))).collect();
    let rows = among(link, &dialect.reservations, &ids, bind_key).await?;
    let mut reservations = rows.iter().map(read_reservation).collect::<Result<Vec<_>, _>>()?;
    complete(link, &mut reservations).await?;

    let tokens: Vec<_> = needs.tokens.iter().filter_map(|token| Some((token.concert()?, *token))).collect();
    let tokens = among(link, &dialect.ended_tokens, &tokens, |to, (concert, token)| {
        to.id(concert.0.into());
        to.uuid(Some(token.0));
    });
    let tokens = tokens.await?;
    let last_tokens = among(link, &dialect.last_tokens, &needs.last_tokens, |to, (concert, user)| {
        to.id(user.0);
        to.id(concert.0.into());
    });
    let last_tokens = last_tokens.await?;
    // The box office sells by hand: there is one in a batch, if there is any.
    let mut desk_orders = Vec::new();
    for (concert, user) in &needs.desk_orders {
        let found =
            one(link, DESK_ORDER, numbers(&[user.0, user.0, user.0, user.0, concert.0.into()])).await?;
        desk_orders.extend(found.as_ref().map(read_reservation).transpose()?);
    }
    complete(link, &mut desk_orders).await?;

    Ok(EndedFacts {
        reservations: reservations.into_iter().map(|r| (r.id, r)).collect(),
        tokens: tokens.iter().map(|row| read_token(row).map(|t| (t.token, t))).collect::<Result<_, _>>()?,
        last_tokens: last_tokens
            .iter()
            .map(|row| read_token(row).map(|t| ((t.concert, t.user), t)))
            .collect::<Result<_, _>>()?,
        desk_orders: desk_orders.into_iter().map(|r| ((r.concert, r.user), r)).collect(),
    })
}

/// Adds payments and tickets to those reservations that may have them.
async fn complete<L: Link>(link: &mut L, reservations: &mut [Reservation]) -> Result<(), StoreError> {
    let dialect = L::DIALECT;
    let is_paid = |r: &&Reservation| match r.status {
        ReservationStatus::Reserved | ReservationStatus::Cancelled => true,
        ReservationStatus::TempReserved | ReservationStatus::Expired => false,
    };
    let paid: Vec<_> = reservations.iter().filter(is_paid).map(|r| (r.concert, r.id)).collect();
    let mut payments = HashMap::new();
    for row in among(link, &dialect.payments, &paid, bind_key).await? {
        let payment = read_payment(&row)?;
        payments.insert(payment.reservation, payment);
    }
    let paid: Vec<_> = paid.into_iter().filter(|(_, id)| payments.contains_key(id)).collect();
    for row in among(link, &dialect.tickets, &paid, bind_key).await? {
        if let Some(payment) = payments.get_mut(&ReservationId(row.uuid("reservation_id")?)) {
            payment.tickets.push(read_ticket(&row)?);
        }
    }
    for reservation in reservations {
        reservation.payment = payments.remove(&reservation.id);
        if let Some(payment) = &mut reservation.payment {
            payment.tickets.sort_unstable_by_key(|ticket| ticket.id);
        }
    }
    Ok(())
}

fn bind_key(to: &mut impl Bind, (concert, id): &(ConcertId, ReservationId)) {
    to.id(concert.0.into());
    to.uuid(Some(id.0));
}
