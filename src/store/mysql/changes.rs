//! How rows that are there already are changed, many in one statement: seats that are held, sold and given back, and
//! reservations that end.
//!
//! Always: a statement changes only rows that are as memory believes, and the count of them says whether all were.

use sqlx::Row;
use sqlx::mysql::MySqlConnection;

use super::connection::{Written, fault, write};
use crate::domain::ids::{ConcertId, ReservationId, ScheduleId, SeatId};
use crate::domain::record::Reservation;
use crate::store::bulk::Bulk;
use crate::store::columns::{self, Bind, bind_reservation, bind_reservation_end};
use crate::store::rows::SeatChange;
use crate::store::{SeatStatus, StoreError};

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

    fn seats(self) -> &'static SeatStatements {
        match self {
            Self::Join => &JOINED,
            Self::Upsert => &UPSERTED,
        }
    }

    /// Were this many rows changed, each as it was meant to be?
    fn all(self, written: Written, rows: usize) -> bool {
        match self {
            Self::Join => written.is_matched(rows),
            Self::Upsert => written.is_changed(rows),
        }
    }
}

/// Each is given (concert, schedule, seat, reservation).
struct SeatStatements {
    freed: Bulk,
    held: Bulk,
    sold: Bulk,
}

const SEAT_COLUMNS: usize = 4;

// The row in front says what the values are called and of which types they are. The index is named, because right after
// an import the server believes that the table is empty and would read all of it.

const SEATS: &str = "UPDATE (SELECT CAST(0 AS SIGNED) AS concert_id, CAST(0 AS SIGNED) AS schedule_id, \
       CAST(0 AS SIGNED) AS seat, CAST('' AS BINARY(16)) AS reservation_id UNION ALL VALUES ";

macro_rules! joined_seats {
    ($condition:literal, $change:literal) => {
        concat!(
            ") v \
             STRAIGHT_JOIN concert_seat s FORCE INDEX (PRIMARY) \
               ON s.concert_id = v.concert_id AND s.schedule_id = v.schedule_id AND s.seat = v.seat AND ",
            $condition,
            " SET ",
            $change
        )
    };
}

static JOINED: SeatStatements = SeatStatements {
    freed: Bulk::new(
        SEATS,
        SEAT_COLUMNS,
        joined_seats!(
            "s.reservation_id = v.reservation_id",
            "s.status = 'AVAILABLE', s.reservation_id = NULL"
        ),
    ),
    held: Bulk::new(
        SEATS,
        SEAT_COLUMNS,
        joined_seats!(
            "s.reservation_id IS NULL",
            "s.status = 'TEMP_RESERVED', s.reservation_id = v.reservation_id"
        ),
    ),
    sold: Bulk::new(
        SEATS,
        SEAT_COLUMNS,
        joined_seats!("s.reservation_id = v.reservation_id", "s.status = 'RESERVED'"),
    ),
};

/// A seat that does not exist is inserted, and not counted as changed.
const SEAT: &str = "INSERT INTO concert_seat (concert_id, schedule_id, seat, reservation_id, status, label, category, \
     price) VALUES ";

// In each, the status comes first because it looks at the reservation as it was.
static UPSERTED: SeatStatements = SeatStatements {
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

/// What the seats' rows are told, in this order: one may be given back and held by another in one batch, and held
/// and sold.
#[derive(Default)]
struct SeatSteps {
    freed: Vec<SeatStep>,
    held: Vec<SeatStep>,
    sold: Vec<SeatStep>,
}

impl SeatSteps {
    fn of(seats: &[SeatChange]) -> Self {
        let mut steps = Self::default();
        for SeatChange { row, before } in seats {
            let step = |reservation| (row.concert, row.schedule, row.seat, reservation);
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
}

pub async fn write_seats(
    connection: &mut MySqlConnection,
    form: Form,
    seats: &[SeatChange],
) -> Result<(), StoreError> {
    let steps = SeatSteps::of(seats);
    let SeatStatements { freed, held, sold } = form.seats();
    for (statement, steps) in [(freed, &steps.freed), (held, &steps.held), (sold, &steps.sold)] {
        let written = write(connection, statement, steps, |to, (concert, schedule, seat, reservation)| {
            to.id(concert.0.into());
            to.id(schedule.0);
            to.id(seat.0.into());
            to.uuid(Some(reservation.0));
        });
        expect("concert_seat", form.all(written.await?, steps.len()))?;
    }
    Ok(())
}

/// Of reservations that are there nothing changes but their status and when they ended. `upsert` is given them whole.
pub async fn write_ended(
    connection: &mut MySqlConnection,
    form: Form,
    ended: &[&Reservation],
    upsert: &Bulk,
) -> Result<(), StoreError> {
    if form == Form::Upsert {
        write(connection, upsert, ended, |to, row| bind_reservation(to, row)).await?;
        return Ok(());
    }
    let written = write(connection, &ENDED_RESERVATIONS, ended, |to, row| bind_reservation_end(to, row));
    expect("reservation", form.all(written.await?, ended.len()))
}

/// A row that is not as it should be means that memory and store have parted: never to be committed.
pub fn expect(table: &str, as_meant: bool) -> Result<(), StoreError> {
    if as_meant {
        return Ok(());
    }
    Err(StoreError::broken(format!("a row of {table} is not what memory believes")))
}

#[cfg(all(test, feature = "mariadb-tests"))]
mod tests {
    use super::*;
    use crate::mariadb::empty_database;
    use crate::store::bulk::BUCKETS;
    use crate::store::columns::Cells;
    use crate::store::mysql::MySqlStore;
    use crate::store::mysql::connection::{Values, connect};

    /// Also when the server believes that there are no rows at all, as in a table that was just filled.
    #[tokio::test]
    async fn rows_are_found_by_their_keys() {
        let store = MySqlStore::open(&empty_database().await).await.unwrap();
        let mut connection = connect(&store.options).await.unwrap();
        let SeatStatements { freed, held, sold } = &JOINED;
        for (statement, table) in [(freed, "s"), (held, "s"), (sold, "s"), (&ENDED_RESERVATIONS, "r")] {
            let sql = format!("EXPLAIN {}", statement.sql(BUCKETS.len() - 1).as_str());
            let mut values = Values::default();
            (0..4).for_each(|_| values.int(Some(1)));
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
