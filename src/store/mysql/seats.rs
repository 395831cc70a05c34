//! Statements that hold, sell and release seats, many in one.
//!
//! Always: a statement changes only rows that are as memory believes, and the count of them says whether all were.

use std::io::Write;

use sqlx::mysql::MySqlConnection;

use super::form::{Form, listed};
use super::values::Values;
use crate::domain::ids::{ConcertId, ReservationId, ScheduleId, SeatId};
use crate::store::SeatStatus;
use crate::store::batch::{Bound, Expect, Statements, statements};
use crate::store::bulk::{self, Bulk, Listing};
use crate::store::columns::Bind;
use crate::store::rows::SeatChange;

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

/// The changes of seats, in this order: one seat may be given back and held by another in one batch, and held and
/// sold. Each list is in the order of its keys.
#[derive(Default)]
pub struct SeatSteps {
    freed: Vec<SeatStep>,
    held: Vec<SeatStep>,
    sold: Vec<SeatStep>,
}

impl SeatSteps {
    /// Sorts changes that come in the order of their keys.
    pub fn of(seats: &[SeatChange]) -> Self {
        let mut steps = Self::default();
        for SeatChange { row, before } in seats {
            let (concert, schedule, seat) = (row.concert, row.schedule, row.seat);
            let step = |reservation| SeatStep { concert, schedule, seat, reservation };
            // Kept before and after: nothing is to be changed, and an upsert counts only what it changes.
            if *before == row.reservation && row.reservation.is_some_and(ReservationId::is_house) {
                continue;
            }
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

    pub fn statements(&self, form: Form) -> Statements<'_, Values> {
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

fn upserted_seats<'a>(statement: &'static Bulk, steps: &'a [SeatStep]) -> Statements<'a, Values> {
    statements::<MySqlConnection, _>("concert_seat", statement, steps, Expect::Upserted, |to, step| {
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
) -> impl Iterator<Item = Bound<Values>> + Send + 'a {
    let of_one_schedule = |a: &SeatStep, b: &SeatStep| (a.concert, a.schedule) == (b.concert, b.schedule);
    listed("concert_seat", statement, steps.chunk_by(of_one_schedule), bind)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_know_how_long_a_part_of_a_value_is() {
        let has_part = |statement: &'static Listing, length: usize| {
            let part = format!("SUBSTR(?, {length} * ROWNUM() - {}, {length})", length - 1);
            statement.sql(0).as_str().contains(&part)
        };
        assert!(has_part(&HELD_SEATS, u32::MAX.to_string().len()));
        for statement in [&HELD_SEATS, &SOLD_SEATS] {
            assert!(has_part(statement, size_of::<ReservationId>()));
        }
    }

    #[cfg(feature = "mariadb-tests")]
    #[tokio::test]
    async fn seats_are_changed_as_they_are_found() {
        for statement in [&HELD_SEATS, &SOLD_SEATS, &FREED_SEATS] {
            crate::store::mysql::form::tests::changes_rows_as_it_finds_them(statement).await;
        }
    }
}
