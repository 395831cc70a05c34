//! How rows that are there already are changed, many in one statement: seats that are held, sold and given back, and
//! reservations that end.
//!
//! Always: a statement changes only rows that are as memory believes, and the count of them says whether all were.

use sqlx::Row;
use sqlx::mysql::MySqlConnection;

use super::connection::{Expect, Statements, Values, fault, statements};
use crate::domain::ids::{ConcertId, ReservationId, ScheduleId, SeatId};
use crate::domain::record::Reservation;
use crate::store::bulk::Bulk;
use crate::store::columns::{self, Bind, bind_reservation, bind_reservation_end};
use crate::store::rows::SeatChange;
use crate::store::{SeatStatus, StoreError, words};

/// What the server understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An UPDATE of a table joined with a list of values: a good quarter less work for the server, in words that only
    /// MariaDB knows.
    Join,
    /// Rows given as if they were new, with what to do because they are not: MySQL and TiDB know it too.
    Upsert,
}

impl Form {
    /// What the server at the other end understands.
    pub async fn of(connection: &mut MySqlConnection) -> Result<Self, StoreError> {
        let row = sqlx::raw_sql("SELECT version()").fetch_one(connection).await.map_err(fault)?;
        let version: String = row.try_get_unchecked(0).map_err(fault)?;
        Ok(if version.contains("MariaDB") { Self::Join } else { Self::Upsert })
    }
}

// The row in front says what the values are called and of which types they are. The index is named, because right after
// an import the server believes that the table is empty and would read all of it.

/// Given (concert, schedule, seat, reservation before, reservation, status): seats that are held, sold and given back,
/// all at once.
static CHANGED_SEATS: Bulk = Bulk::new(
    "UPDATE (SELECT CAST(0 AS SIGNED) AS concert_id, CAST(0 AS SIGNED) AS schedule_id, CAST(0 AS SIGNED) AS seat, \
       CAST(NULL AS BINARY(16)) AS reservation_before, CAST(NULL AS BINARY(16)) AS reservation_id, \
       CAST('' AS CHAR(16)) AS status UNION ALL VALUES ",
    6,
    ") v \
     STRAIGHT_JOIN concert_seat s FORCE INDEX (PRIMARY) \
       ON s.concert_id = v.concert_id AND s.schedule_id = v.schedule_id AND s.seat = v.seat \
         AND s.reservation_id <=> v.reservation_before \
     SET s.reservation_id = v.reservation_id, s.status = v.status",
);

/// Each is given (concert, schedule, seat, reservation).
struct UpsertedSeats {
    freed: Bulk,
    held: Bulk,
    sold: Bulk,
}

const SEAT_COLUMNS: usize = 4;

/// A seat that does not exist is inserted, and not counted as changed.
const SEAT: &str = "INSERT INTO concert_seat (concert_id, schedule_id, seat, reservation_id, status, label, category, \
     price) VALUES ";

// In each, the status comes first because it looks at the reservation as it was.
static UPSERTED_SEATS: UpsertedSeats = UpsertedSeats {
    freed: Bulk::with_constants(
        SEAT,
        SEAT_COLUMNS,
        ",'TEMP_RESERVED','','',0",
        " ON DUPLICATE KEY UPDATE status = IF(reservation_id = VALUES(reservation_id), 'AVAILABLE', status), \
           reservation_id = IF(reservation_id = VALUES(reservation_id), NULL, reservation_id)",
    ),
    held: Bulk::with_constants(
        SEAT,
        SEAT_COLUMNS,
        ",'TEMP_RESERVED','','',0",
        " ON DUPLICATE KEY UPDATE status = IF(reservation_id IS NULL, 'TEMP_RESERVED', status), \
           reservation_id = IF(reservation_id IS NULL, VALUES(reservation_id), reservation_id)",
    ),
    sold: Bulk::with_constants(
        SEAT,
        SEAT_COLUMNS,
        ",'RESERVED','','',0",
        " ON DUPLICATE KEY UPDATE status = IF(reservation_id = VALUES(reservation_id), 'RESERVED', status)",
    ),
};

static ENDED_RESERVATIONS: Bulk = Bulk::new(
    "UPDATE (SELECT CAST(0 AS SIGNED) AS concert_id, CAST('' AS BINARY(16)) AS reservation_id, \
       CAST('' AS CHAR(16)) AS status, CAST('1970-01-01' AS DATETIME(6)) AS ended_at UNION ALL VALUES ",
    columns::RESERVATION_END,
    ") v \
     STRAIGHT_JOIN reservation r FORCE INDEX (PRIMARY) \
       ON r.concert_id = v.concert_id AND r.reservation_id = v.reservation_id \
     SET r.status = v.status, r.ended_at = v.ended_at",
);

type SeatStep = (ConcertId, ScheduleId, SeatId, ReservationId);

/// What becomes of the seats.
pub enum SeatWork<'a> {
    /// All at once.
    Changes(Vec<&'a SeatChange>),
    /// In this order, where it cannot be told at once: one seat may be given back and held by another in one batch, and
    /// held and sold.
    Steps { freed: Vec<SeatStep>, held: Vec<SeatStep>, sold: Vec<SeatStep> },
}

impl<'a> SeatWork<'a> {
    pub fn of(seats: &'a [SeatChange], form: Form) -> Self {
        let is_sold = |change: &SeatChange| change.row.status == SeatStatus::Reserved;
        let is_passed_on = |change: &SeatChange| change.before != change.row.reservation;
        if form == Form::Join {
            return Self::Changes(seats.iter().filter(|it| is_passed_on(it) || is_sold(it)).collect());
        }
        let (mut freed, mut held, mut sold) = (Vec::new(), Vec::new(), Vec::new());
        for change @ SeatChange { row, before } in seats {
            let step = |reservation| (row.concert, row.schedule, row.seat, reservation);
            if is_passed_on(change) {
                freed.extend(before.map(step));
                held.extend(row.reservation.map(step));
            }
            if is_sold(change) {
                sold.extend(row.reservation.map(step));
            }
        }
        Self::Steps { freed, held, sold }
    }

    pub fn statements(&self) -> Statements<'_> {
        match self {
            Self::Changes(changes) => {
                statements("concert_seat", &CHANGED_SEATS, changes, Expect::Matched, |to, change| {
                    let SeatChange { row, before } = change;
                    bind_seat_key(to, (row.concert, row.schedule, row.seat), *before);
                    to.uuid(row.reservation.map(|id| id.0));
                    to.text(Some(words::seat_status(row.status)));
                })
            }
            Self::Steps { freed, held, sold } => {
                let steps = |statement, steps| {
                    statements("concert_seat", statement, steps, Expect::Changed, |to, step: &SeatStep| {
                        let (concert, schedule, seat, reservation) = *step;
                        bind_seat_key(to, (concert, schedule, seat), Some(reservation));
                    })
                };
                let UpsertedSeats { freed: free, held: hold, sold: sell } = &UPSERTED_SEATS;
                Box::new(steps(free, &freed[..]).chain(steps(hold, held)).chain(steps(sell, sold)))
            }
        }
    }
}

fn bind_seat_key(
    to: &mut Values,
    (concert, schedule, seat): (ConcertId, ScheduleId, SeatId),
    reservation: Option<ReservationId>,
) {
    to.id(concert.0.into());
    to.id(schedule.0);
    to.id(seat.0.into());
    to.uuid(reservation.map(|id| id.0));
}

/// Of reservations that are there nothing changes but their status and when they ended. `upsert` is given them whole.
pub fn ended_reservations<'a>(
    ended: &'a [&Reservation],
    form: Form,
    upsert: &'static Bulk,
) -> Statements<'a> {
    match form {
        Form::Join => statements("reservation", &ENDED_RESERVATIONS, ended, Expect::Matched, |to, row| {
            bind_reservation_end(to, row);
        }),
        Form::Upsert => statements("reservation", upsert, ended, Expect::Anything, |to, row| {
            bind_reservation(to, row);
        }),
    }
}

#[cfg(all(test, feature = "mariadb-tests"))]
mod tests {
    use super::*;
    use crate::mariadb::empty_database;
    use crate::store::bulk::BUCKETS;
    use crate::store::columns::Cells;
    use crate::store::mysql::MySqlStore;
    use crate::store::mysql::connection::connect;

    /// Also when the server believes that there are no rows at all, as in a table that was just filled.
    #[tokio::test]
    async fn rows_are_found_by_their_keys() {
        let store = MySqlStore::open(&empty_database().await).await.unwrap();
        let mut connection = connect(&store.options).await.unwrap();
        for (statement, columns, table) in [(&CHANGED_SEATS, 6, "s"), (&ENDED_RESERVATIONS, 4, "r")] {
            let sql = format!("EXPLAIN {}", statement.sql(BUCKETS.len() - 1).as_str());
            let mut values = Values::default();
            (0..columns).for_each(|_| values.int(Some(1)));
            let plan = sqlx::query_with(sqlx::AssertSqlSafe(sql), values.0)
                .fetch_all(&mut connection)
                .await
                .unwrap();
            let way = |table: &str| {
                let row = plan.iter().find(|row| row.opt_text(2).unwrap() == Some(table)).unwrap();
                (row.text(3).unwrap().to_owned(), row.text(5).unwrap().to_owned())
            };
            assert_eq!(way(table), ("eq_ref".to_owned(), "PRIMARY".to_owned()));
        }
    }
}
