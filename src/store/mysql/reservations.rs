//! Statements for reservations: plain ones, those that end, and those to which anything may have happened.

use std::io::Write;

use sqlx::SqlSafeStr;
use sqlx::mysql::MySqlConnection;

use super::form::{Form, listed};
use super::values::{TimeText, Values};
use crate::domain::record::{Reservation, ReservationStatus};
use crate::store::batch::{Bound, Expect, Statements, statements};
use crate::store::bulk::{self, Bulk, Listing};
use crate::store::columns::{self, Bind, bind_held_reservation, bind_reservation, seat_list};
use crate::store::rows::Rows;
use crate::store::words;

/// A macro, because `concat!` takes nothing else.
macro_rules! reservation_update {
    () => {
        " ON DUPLICATE KEY UPDATE \
           user_id = IF(user_id = VALUES(user_id) AND schedule_id = VALUES(schedule_id), user_id, NULL), \
           status = VALUES(status), seats = VALUES(seats), amount = VALUES(amount), ended_at = VALUES(ended_at), \
           best_requests = VALUES(best_requests), guest_of = VALUES(guest_of), prices = VALUES(prices)"
    };
}

static RESERVATIONS: Bulk = Bulk::new(
    concat!("INSERT INTO reservation (segment, ", columns::reservation_columns!(), ") VALUES "),
    1 + columns::RESERVATION,
    reservation_update!(),
);

/// Most of what is written in a rush, with fewer parameters than the rest: each one costs the server.
static HELD_RESERVATIONS: Bulk = Bulk::with_constants(
    "INSERT INTO reservation (segment, concert_id, reservation_id, schedule_id, user_id, seats, amount, opened_at, \
       expires_at, status, ended_at, best_requests) VALUES ",
    1 + columns::HELD_RESERVATION,
    ",'TEMP_RESERVED',NULL,NULL",
    reservation_update!(),
);

/// The same of any one status, given segment, concert, reservations, schedules, users, seats, amounts, beginnings and ends, each of
/// these in one value; the status; when each came about in one value, or NULL; and how many there are, of `NUMBERED_MAX`.
const RESERVATIONS_NUMBERED: &str = concat!(
    "INSERT INTO reservation (segment, concert_id, reservation_id, schedule_id, user_id, seats, amount, opened_at, \
       expires_at, status, ended_at, best_requests) \
     SELECT ?, ?, SUBSTR(?, 16 * seq - 15, 16), SUBSTR(?, 19 * seq - 18, 19), SUBSTR(?, 19 * seq - 18, 19), \
       RTRIM(SUBSTR(?, 44 * seq - 43, 44)), SUBSTR(?, 16 * seq - 15, 16), SUBSTR(?, 23 * seq - 22, 23), \
       SUBSTR(?, 23 * seq - 22, 23), ?, SUBSTR(?, 23 * seq - 22, 23), NULL \
     FROM seq_1_to_1024 WHERE seq <= ?",
    reservation_update!()
);
const NUMBERED_MAX: usize = 1_024;
/// The number of seats that one of these may have: four numbers of up to ten digits, with commas, in 44 characters.
const NUMBERED_SEATS_MAX: usize = 4;

/// Given reservations that are there and of which nothing else changes, in one value; a status; when each came about in
/// one value; concert and reservations.
static ENDED_RESERVATIONS: Listing = Listing::new(&[
    "UPDATE reservation FORCE INDEX (PRIMARY) \
     SET status = IF(reservation_id = SUBSTR(?, 16 * ROWNUM() - 15, 16), ?, NULL), \
       ended_at = SUBSTR(?, 23 * ROWNUM() - 22, 23), guest_of = NULL \
     WHERE concert_id = ? AND reservation_id IN (",
    ")",
]);

/// The changes of reservations in a batch.
pub struct Reservations<'a> {
    /// With nothing to write that most lack; together with those of the same status, held ones first.
    plain: Vec<&'a Reservation>,
    /// Reservations of which anything may have changed.
    others: Vec<&'a Reservation>,
    /// Reservations of which nothing changed but their status and when it came about, together with those that became
    /// the same.
    ended: Vec<&'a Reservation>,
    /// Where new ones lie.
    segment: u64,
    form: Form,
}

impl<'a> Reservations<'a> {
    pub fn of(rows: &Rows<'a>, form: Form) -> Self {
        let is_plain = |row: &&Reservation| {
            let is_held = row.status == ReservationStatus::TempReserved && row.ended_at.is_none();
            let fits = match form {
                Form::Numbered => row.seats.len() <= NUMBERED_SEATS_MAX,
                Form::Upsert => is_held,
            };
            fits && row.best_requests.is_empty() && row.guest_of.is_none() && row.prices.is_empty()
        };
        let (mut plain, others): (Vec<_>, Vec<_>) = rows.reservations.iter().copied().partition(is_plain);
        plain.sort_by_key(|it| (it.concert, it.status as u8, it.ended_at.is_some()));
        let mut ended = rows.ended_reservations.clone();
        ended.sort_by_key(|it| (it.concert, it.status as u8, it.ended_at.is_some()));
        Self { plain, others, ended, segment: rows.segment, form }
    }

    pub fn statements(&self) -> Statements<'_, Values> {
        let segment = self.segment;
        let others = upserts(&RESERVATIONS, &self.others, segment, bind_reservation);
        match self.form {
            Form::Numbered => {
                let became_alike = |a: &&Reservation, b: &&Reservation| {
                    let became = |it: &Reservation| (it.concert, it.status, it.ended_at.is_some());
                    became(a) == became(b)
                };
                let plain = self.plain.chunk_by(became_alike).flat_map(|plain| plain.chunks(NUMBERED_MAX));
                let ended = self.ended.chunk_by(became_alike);
                Box::new(plain.map(move |rows| numbered(rows, segment)).chain(others).chain(listed(
                    "reservation",
                    &ENDED_RESERVATIONS,
                    ended,
                    bind_ended,
                )))
            }
            Form::Upsert => Box::new(
                upserts(&HELD_RESERVATIONS, &self.plain, segment, bind_held_reservation)
                    .chain(others)
                    .chain(upserts(&RESERVATIONS, &self.ended, segment, bind_reservation)),
            ),
        }
    }
}

fn upserts<'a>(
    statement: &'static Bulk,
    rows: &'a [&Reservation],
    segment: u64,
    bind: fn(&mut Values, &Reservation),
) -> Statements<'a, Values> {
    statements::<MySqlConnection, _>("reservation", statement, rows, Expect::Anything, move |to, row| {
        to.id(segment);
        bind(to, row);
    })
}

/// Up to `NUMBERED_MAX` of one concert that became the same.
fn numbered(rows: &[&Reservation], segment: u64) -> Bound<Values> {
    let (mut values, first) = (Values::default(), rows[0]);
    values.id(segment);
    values.id(first.concert.0.into());
    values.parts(16, rows, |to, it| to.extend(it.id.0.as_bytes()));
    // Writing to a `Vec` cannot fail.
    values.parts(19, rows, |to, it| _ = write!(to, "{:019}", it.schedule.0));
    values.parts(19, rows, |to, it| _ = write!(to, "{:019}", it.user.0));
    values.parts(44, rows, |to, it| _ = write!(to, "{:44}", seat_list(&it.seats)));
    values.parts(16, rows, |to, it| _ = write!(to, "{:016}", it.amount));
    let (mut opened, mut expires) = (TimeText::default(), TimeText::default());
    values.parts(TimeText::LENGTH, rows, |to, it| opened.put(to, it.opened_at));
    values.parts(TimeText::LENGTH, rows, |to, it| expires.put(to, it.expires_at));
    values.text(Some(words::reservation_status(first.status)));
    bind_ends(&mut values, rows);
    values.id(rows.len() as u64);
    Bound { table: "reservation", sql: RESERVATIONS_NUMBERED.into_sql_str(), values, affected: None }
}

/// When each of these came about that became the same, in one value.
fn bind_ends(to: &mut Values, of: &[&Reservation]) {
    let mut text = TimeText::default();
    match of[0].ended_at {
        Some(_) => {
            to.parts(TimeText::LENGTH, of, |to, it| it.ended_at.into_iter().for_each(|at| text.put(to, at)));
        }
        None => to.time(None),
    }
}

fn bind_ended(to: &mut Values, bucket: usize, piece: &[&Reservation]) {
    let first = piece[0];
    to.reserve(2 * bulk::BUCKETS[bucket]);
    to.parts(16, piece, |to, reservation| to.extend(reservation.id.0.as_bytes()));
    to.text(Some(words::reservation_status(first.status)));
    bind_ends(to, piece);
    to.id(first.concert.0.into());
    bulk::padded(bucket, piece).for_each(|reservation| to.uuid(Some(reservation.id.0)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ReservationId, SeatId};
    use crate::domain::time::Timestamp;

    #[test]
    fn statements_know_how_long_a_part_of_a_value_is() {
        let lengths = |sql: &str, number: &str| -> Vec<usize> {
            let parts =
                sql.split("SUBSTR(?, ").skip(1).map(|part| part.split([')', ',', ' ']).collect::<Vec<_>>());
            let length = |part: Vec<&str>| {
                let length: usize = part[0].parse().unwrap();
                let whole = format!("{length} * {number} - {}, {length}", length - 1);
                assert!(sql.contains(&whole), "{whole}");
                length
            };
            parts.map(length).collect()
        };
        let id = size_of::<ReservationId>();
        let number = i64::MAX.to_string().len();
        let seats = seat_list(&[SeatId(u32::MAX); NUMBERED_SEATS_MAX]).len();
        let amount = crate::domain::seat_plan::MONEY_MAX.to_string().len();
        let time = TimeText::LENGTH;
        for millis in [i64::MIN, 0, 1_800_000_000_001, i64::MAX] {
            let mut text = Vec::new();
            TimeText::default().put(&mut text, Timestamp::from_millis(millis));
            assert_eq!(text.len(), time, "{millis}");
        }
        let plain = lengths(RESERVATIONS_NUMBERED, "seq");
        assert_eq!(plain, [id, number, number, seats + 1, amount, time, time, time]);
        assert_eq!(lengths(ENDED_RESERVATIONS.sql(0).as_str(), "ROWNUM()"), [id, time]);
    }

    #[cfg(feature = "mariadb-tests")]
    #[tokio::test]
    async fn reservations_end_as_they_are_found() {
        crate::store::mysql::form::tests::changes_rows_as_it_finds_them(&ENDED_RESERVATIONS).await;
    }
}
