//! How rows that are there already are changed, many in one statement: seats that are held, sold and given back, and
//! reservations that end.
//!
//! Always: a statement changes only rows that are as memory believes, and the count of them says whether all were.

use std::io::Write;

use sqlx::Row;
use sqlx::mysql::MySqlConnection;

use super::connection::{Bound, Expect, Statements, TimeText, Values, fault, statements};
use crate::domain::ids::{ConcertId, ReservationId, ScheduleId, SeatId};
use crate::domain::record::Reservation;
use crate::store::bulk::{self, Bulk, Listing, Packing};
use crate::store::columns::{Bind, bind_reservation};
use crate::store::rows::SeatChange;
use crate::store::{SeatStatus, StoreError, words};

/// What the server understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An UPDATE of the rows that a list names, each given its part of one long value by its number among them: a third
    /// less work for the server, in words that only MariaDB knows.
    Numbered,
    /// Rows given as if they were new, with what to do because they are not: MySQL and TiDB know it too.
    Upsert,
}

impl Form {
    /// What the server at the other end understands.
    pub async fn of(connection: &mut MySqlConnection) -> Result<Self, StoreError> {
        let row = sqlx::raw_sql("SELECT version()").fetch_one(connection).await.map_err(fault)?;
        let version: String = row.try_get_unchecked(0).map_err(fault)?;
        Ok(if version.contains("MariaDB") { Self::Numbered } else { Self::Upsert })
    }
}

// The index is named, because right after an import the server believes that the table is empty and would read all of
// it. It gives rows in the order of their keys, which is the lists' order too, and so their numbers. That nothing else
// happened is looked at for every row: its status, which may not be NULL, is set to NULL otherwise, and that fails. To
// ask for the order instead would make the server collect the rows first and find each one again.

/// Given the seats and the reservations, each in one value; concert, schedule and seats.
static HELD_SEATS: Listing = Listing::new(&[
    "UPDATE concert_seat FORCE INDEX (PRIMARY) \
     SET status = IF(seat = SUBSTR(?, 10 * ROWNUM() - 9, 10), 'TEMP_RESERVED', NULL), \
       reservation_id = SUBSTR(?, 16 * ROWNUM() - 15, 16) \
     WHERE concert_id = ? AND schedule_id = ? AND seat IN (",
    ") AND reservation_id IS NULL",
]);

/// Given the reservations in one value; concert, schedule and seats.
static SOLD_SEATS: Listing = Listing::new(&[
    "UPDATE concert_seat FORCE INDEX (PRIMARY) \
     SET status = IF(reservation_id = SUBSTR(?, 16 * ROWNUM() - 15, 16), 'RESERVED', NULL) \
     WHERE concert_id = ? AND schedule_id = ? AND seat IN (",
    ")",
]);

/// Given concert, schedule, seats and reservations. Which of these had which seat is not compared: afterwards none has any.
static FREED_SEATS: Listing = Listing::new(&[
    "UPDATE concert_seat FORCE INDEX (PRIMARY) SET status = 'AVAILABLE', reservation_id = NULL \
     WHERE concert_id = ? AND schedule_id = ? AND seat IN (",
    ") AND reservation_id IN (",
    ")",
]);

/// Given the reservations in one value; a status; when each came about in one value; concert and reservations.
static ENDED_RESERVATIONS: Listing = Listing::new(&[
    "UPDATE reservation FORCE INDEX (PRIMARY) \
     SET status = IF(reservation_id = SUBSTR(?, 16 * ROWNUM() - 15, 16), ?, NULL), \
       ended_at = SUBSTR(?, 23 * ROWNUM() - 22, 23) \
     WHERE concert_id = ? AND reservation_id IN (",
    ")",
]);

/// Given (concert, schedule, seat, reservation). A seat that does not exist is inserted, and not counted as changed. The
/// status comes first because it looks at the reservation as it was.
macro_rules! upserted_seats {
    ($status:literal, $change:literal) => {
        Bulk::with_constants(
            "INSERT INTO concert_seat (concert_id, schedule_id, seat, reservation_id, status, label, category, price) \
             VALUES ",
            4,
            concat!(",'", $status, "','','',0"),
            concat!(" ON DUPLICATE KEY UPDATE ", $change),
        )
    };
}

static FREED_SEATS_UPSERTED: Bulk = upserted_seats!(
    "TEMP_RESERVED",
    "status = IF(reservation_id = VALUES(reservation_id), 'AVAILABLE', status), \
     reservation_id = IF(reservation_id = VALUES(reservation_id), NULL, reservation_id)"
);

static HELD_SEATS_UPSERTED: Bulk = upserted_seats!(
    "TEMP_RESERVED",
    "status = IF(reservation_id IS NULL, 'TEMP_RESERVED', status), \
     reservation_id = IF(reservation_id IS NULL, VALUES(reservation_id), reservation_id)"
);

static SOLD_SEATS_UPSERTED: Bulk =
    upserted_seats!("RESERVED", "status = IF(reservation_id = VALUES(reservation_id), 'RESERVED', status)");

#[derive(Clone, Copy)]
struct SeatStep {
    concert: ConcertId,
    schedule: ScheduleId,
    seat: SeatId,
    reservation: ReservationId,
}

/// What becomes of the seats, in this order: one seat may be given back and held by another in one batch, and held and
/// sold. Each list is in the order of its keys.
#[derive(Default)]
pub struct SeatSteps {
    freed: Vec<SeatStep>,
    held: Vec<SeatStep>,
    sold: Vec<SeatStep>,
}

impl SeatSteps {
    /// Of changes in the order of their keys.
    pub fn of(seats: &[SeatChange]) -> Self {
        let mut steps = Self::default();
        for SeatChange { row, before } in seats {
            let (concert, schedule, seat) = (row.concert, row.schedule, row.seat);
            let step = |reservation| SeatStep { concert, schedule, seat, reservation };
            if *before != row.reservation {
                steps.freed.extend(before.map(step));
                steps.held.extend(row.reservation.map(step));
            }
            if row.status == SeatStatus::Reserved {
                steps.sold.extend(row.reservation.map(step));
            }
        }
        steps
    }

    pub fn statements(&self, form: Form) -> Statements<'_> {
        let Self { freed, held, sold } = self;
        match form {
            Form::Numbered => Box::new(
                listed_seats(&FREED_SEATS, freed, bind_freed)
                    .chain(listed_seats(&HELD_SEATS, held, bind_held))
                    .chain(listed_seats(&SOLD_SEATS, sold, bind_sold)),
            ),
            Form::Upsert => Box::new(
                upserted_seats(&FREED_SEATS_UPSERTED, freed)
                    .chain(upserted_seats(&HELD_SEATS_UPSERTED, held))
                    .chain(upserted_seats(&SOLD_SEATS_UPSERTED, sold)),
            ),
        }
    }
}

fn upserted_seats<'a>(statement: &'static Bulk, steps: &'a [SeatStep]) -> Statements<'a> {
    statements("concert_seat", statement, steps, Expect::Changed, |to, step| {
        to.id(step.concert.0.into());
        to.id(step.schedule.0);
        to.id(step.seat.0.into());
        to.uuid(Some(step.reservation.0));
    })
}

/// Binds a piece of seats of one schedule to a statement of a bucket's size.
type BindSeats = fn(&mut Values, usize, &[SeatStep]);

fn listed_seats<'a>(
    statement: &'static Listing,
    steps: &'a [SeatStep],
    bind: BindSeats,
) -> impl Iterator<Item = Bound> + Send + 'a {
    let of_one_schedule = |a: &SeatStep, b: &SeatStep| (a.concert, a.schedule) == (b.concert, b.schedule);
    listed("concert_seat", statement, steps.chunk_by(of_one_schedule), bind)
}

/// One statement after the other for lists of keys, which each finds exactly once.
fn listed<'a, T: Sync + 'a>(
    table: &'static str,
    statement: &'static Listing,
    lists: impl Iterator<Item = &'a [T]> + Send + 'a,
    bind: fn(&mut Values, usize, &[T]),
) -> impl Iterator<Item = Bound> + Send + 'a {
    lists.flat_map(|list| bulk::pieces(list, Packing::Listed)).map(move |(bucket, piece)| {
        let mut values = Values::default();
        bind(&mut values, bucket, piece);
        Bound { table, sql: statement.sql(bucket), values, affected: Some(piece.len() as u64) }
    })
}

fn bind_held(to: &mut Values, bucket: usize, piece: &[SeatStep]) {
    // Writing to a `Vec` cannot fail.
    to.parts(10, piece, |to, step| _ = write!(to, "{:010}", step.seat.0));
    bind_sold(to, bucket, piece);
}

fn bind_sold(to: &mut Values, bucket: usize, piece: &[SeatStep]) {
    to.parts(16, piece, |to, step| to.extend(step.reservation.0.as_bytes()));
    bind_seats(to, bucket, piece);
}

fn bind_freed(to: &mut Values, bucket: usize, piece: &[SeatStep]) {
    bind_seats(to, bucket, piece);
    bulk::padded(bucket, piece).for_each(|step| to.uuid(Some(step.reservation.0)));
}

fn bind_seats(to: &mut Values, bucket: usize, piece: &[SeatStep]) {
    let first = piece[0];
    to.reserve(2 * bulk::BUCKETS[bucket]);
    to.id(first.concert.0.into());
    to.id(first.schedule.0);
    bulk::padded(bucket, piece).for_each(|step| to.id(step.seat.0.into()));
}

/// Reservations that are there and of which nothing changes but their status and when they ended.
pub struct Ended<'a>(Vec<&'a Reservation>);

impl<'a> Ended<'a> {
    /// Of reservations in the order of their keys.
    pub fn of(reservations: &[&'a Reservation]) -> Self {
        let mut ended = reservations.to_vec();
        ended.sort_by_key(|it| (it.concert, it.status as u8, it.ended_at.is_some()));
        Self(ended)
    }

    /// `upsert` is given them whole.
    pub fn statements(&self, form: Form, upsert: &'static Bulk) -> Statements<'_> {
        match form {
            Form::Numbered => {
                let alike = |a: &&Reservation, b: &&Reservation| {
                    let kind = |it: &Reservation| (it.concert, it.status, it.ended_at.is_some());
                    kind(a) == kind(b)
                };
                Box::new(listed("reservation", &ENDED_RESERVATIONS, self.0.chunk_by(alike), bind_ended))
            }
            Form::Upsert => statements("reservation", upsert, &self.0, Expect::Anything, |to, row| {
                bind_reservation(to, row);
            }),
        }
    }
}

fn bind_ended(to: &mut Values, bucket: usize, piece: &[&Reservation]) {
    let first = piece[0];
    to.reserve(2 * bulk::BUCKETS[bucket]);
    to.parts(16, piece, |to, reservation| to.extend(reservation.id.0.as_bytes()));
    to.text(Some(words::reservation_status(first.status)));
    let mut text = TimeText::default();
    if first.ended_at.is_some() {
        to.parts(TimeText::LENGTH, piece, |to, it| it.ended_at.into_iter().for_each(|at| text.put(to, at)));
    } else {
        to.time(None);
    }
    to.id(first.concert.0.into());
    bulk::padded(bucket, piece).for_each(|reservation| to.uuid(Some(reservation.id.0)));
}

#[cfg(all(test, feature = "mariadb-tests"))]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;
    use crate::mariadb::empty_database;
    use crate::store::bulk::BUCKETS;
    use crate::store::columns::Cells;
    use crate::store::mysql::MySqlStore;
    use crate::store::mysql::connection::connect;

    #[test]
    fn statements_know_how_long_a_part_of_a_value_is() {
        let has_part = |statement: &'static Listing, length: usize| {
            let part = format!("SUBSTR(?, {length} * ROWNUM() - {}, {length})", length - 1);
            statement.sql(0).as_str().contains(&part)
        };
        for statement in [&HELD_SEATS, &SOLD_SEATS, &ENDED_RESERVATIONS] {
            assert!(has_part(statement, size_of::<ReservationId>()));
        }
        assert!(has_part(&HELD_SEATS, u32::MAX.to_string().len()));
        for millis in [i64::MIN, 0, 1_800_000_000_001, i64::MAX] {
            let mut text = Vec::new();
            TimeText::default().put(&mut text, Timestamp::from_millis(millis));
            assert!(has_part(&ENDED_RESERVATIONS, text.len()), "{millis}");
        }
    }

    /// Also when the server believes that there are no rows at all, as in a table that was just filled; and they are
    /// changed as they are found.
    #[tokio::test]
    async fn rows_are_found_by_their_keys() {
        let store = MySqlStore::open(&empty_database().await).await.unwrap();
        let mut connection = connect(&store.options).await.unwrap();
        for statement in [&HELD_SEATS, &SOLD_SEATS, &FREED_SEATS, &ENDED_RESERVATIONS] {
            let sql = format!("EXPLAIN {}", statement.sql(BUCKETS.len() - 2).as_str());
            let mut values = Values::default();
            (0..sql.matches('?').count()).for_each(|value| values.int(Some(value as i64)));
            let plan = sqlx::query_with(sqlx::AssertSqlSafe(sql), values.0)
                .fetch_all(&mut connection)
                .await
                .unwrap();
            let cell = |column| plan[0].opt_text(column).unwrap();
            assert_eq!((plan.len(), cell(3), cell(5)), (1, Some("range"), Some("PRIMARY")));
            assert_eq!(cell(9), Some("Using where"));
        }
    }
}
