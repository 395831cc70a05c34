//! Questions that more than one place asks: rows by a list of keys, and a reservation made whole.

use std::collections::HashMap;

use sqlx::SqliteConnection;

use super::connection::read;
use crate::domain::command::{EndedFacts, Needs};
use crate::domain::ids::{ConcertId, ReservationId, SeatId, UserId};
use crate::domain::record::{LedgerEntry, Reservation, ReservationStatus};
use crate::store::StoreError;
use crate::store::bulk::Bulk;
use crate::store::columns::{
    Bind, Cells, ledger_columns, read_ledger, read_payment, read_reservation, read_ticket, read_token,
    reservation_columns, token_columns,
};
use crate::store::rows::WalletRow;

static WALLETS: Bulk =
    Bulk::new("SELECT user_id, balance, ledger_entries FROM users WHERE user_id IN (VALUES ", 1, ")");

static CHARGES: Bulk = Bulk::new(
    concat!("SELECT ", ledger_columns!(), " FROM payment_history WHERE (user_id, request_id) IN (VALUES "),
    2,
    ")",
);

static RESERVATIONS: Bulk = Bulk::new(
    concat!(
        "SELECT ",
        reservation_columns!(),
        " FROM reservation WHERE (concert_id, reservation_id) IN (VALUES "
    ),
    2,
    ")",
);

/// Seats of reservations that have ended or are paid.
static ENDED_SEATS: Bulk = Bulk::new(
    "SELECT reservation_id, seat FROM reservation_seat WHERE (concert_id, reservation_id) IN (VALUES ",
    2,
    ") ORDER BY seat",
);

/// Seats of reservations that are held.
static HELD_SEATS: Bulk = Bulk::new(
    "SELECT reservation_id, seat FROM concert_seat WHERE (concert_id, reservation_id) IN (VALUES ",
    2,
    ") ORDER BY seat",
);

static PAYMENTS: Bulk = Bulk::new(
    "SELECT payment_id, reservation_id, user_id, amount, status, at FROM payment \
     WHERE (concert_id, reservation_id) IN (VALUES ",
    2,
    ")",
);

static TICKETS: Bulk = Bulk::new(
    "SELECT ticket_id, schedule_id, seat, code, reservation_id FROM ticket \
     WHERE (concert_id, reservation_id) IN (VALUES ",
    2,
    ") ORDER BY ticket_id",
);

static ENDED_TOKENS: Bulk = Bulk::new(
    concat!(
        "SELECT ",
        token_columns!(),
        " FROM queue WHERE status IN ('DONE', 'EXPIRED') AND (concert_id, token) IN (VALUES "
    ),
    2,
    ")",
);

static LAST_TOKENS: Bulk = Bulk::new(
    concat!(
        "SELECT ",
        token_columns!(),
        " FROM queue WHERE (concert_id, entry_no) IN ( \
            SELECT concert_id, max(entry_no) FROM queue WHERE (user_id, concert_id) IN (VALUES "
    ),
    2,
    ") GROUP BY user_id, concert_id)",
);

pub async fn wallets(
    connection: &mut SqliteConnection,
    users: &[UserId],
) -> Result<HashMap<UserId, WalletRow>, StoreError> {
    let rows = read(connection, &WALLETS, users, |to, user| to.id(user.0)).await?;
    let wallet = |row: &_| {
        let user = UserId(Cells::number(row, 0)?);
        let (balance, ledger_entries) = (Cells::int(row, 1)?, Cells::number(row, 2)?);
        Ok((user, WalletRow { user, balance, ledger_entries }))
    };
    rows.iter().map(wallet).collect()
}

/// Charges made before under these (user, request id).
pub async fn charges(
    connection: &mut SqliteConnection,
    requests: &[(UserId, Box<str>)],
) -> Result<Vec<LedgerEntry>, StoreError> {
    let bind = |to: &mut super::connection::Values, (user, request): &(UserId, Box<str>)| {
        to.id(user.0);
        to.text(Some(request));
    };
    read(connection, &CHARGES, requests, bind).await?.iter().map(read_ledger).collect()
}

/// What a batch asks about things that are no longer in memory.
pub async fn ended(connection: &mut SqliteConnection, needs: &Needs) -> Result<EndedFacts, StoreError> {
    let ids: Vec<_> = needs.reservations.iter().filter_map(|id| Some((id.concert()?, *id))).collect();
    let mut reservations = read_reservations(connection, &ids).await?;
    complete(connection, &mut reservations).await?;

    let tokens: Vec<_> = needs.tokens.iter().filter_map(|token| Some((token.concert()?, *token))).collect();
    let tokens = read(connection, &ENDED_TOKENS, &tokens, |to, (concert, token)| {
        to.id(concert.0.into());
        to.uuid(Some(token.0));
    });
    let tokens = tokens.await?;
    let last_tokens = read(connection, &LAST_TOKENS, &needs.last_tokens, |to, (concert, user)| {
        to.id(user.0);
        to.id(concert.0.into());
    });
    let last_tokens = last_tokens.await?;

    Ok(EndedFacts {
        reservations: reservations.into_iter().map(|r| (r.id, r)).collect(),
        tokens: tokens.iter().map(|row| read_token(row).map(|t| (t.token, t))).collect::<Result<_, _>>()?,
        last_tokens: last_tokens
            .iter()
            .map(|row| read_token(row).map(|t| ((t.concert, t.user), t)))
            .collect::<Result<_, _>>()?,
    })
}

async fn read_reservations(
    connection: &mut SqliteConnection,
    ids: &[(ConcertId, ReservationId)],
) -> Result<Vec<Reservation>, StoreError> {
    read(connection, &RESERVATIONS, ids, bind_key).await?.iter().map(read_reservation).collect()
}

/// Adds seats, payments and tickets to reservations.
pub async fn complete(
    connection: &mut SqliteConnection,
    reservations: &mut [Reservation],
) -> Result<(), StoreError> {
    let key = |r: &&Reservation| (r.concert, r.id);
    let is_held = |r: &&Reservation| r.status == ReservationStatus::TempReserved;
    let held: Vec<_> = reservations.iter().filter(is_held).map(|r| key(&r)).collect();
    let ended: Vec<_> = reservations.iter().filter(|r| !is_held(r)).map(|r| key(&r)).collect();

    let mut seats: HashMap<ReservationId, Vec<SeatId>> = HashMap::new();
    for (query, keys) in [(&HELD_SEATS, &held), (&ENDED_SEATS, &ended)] {
        for row in read(connection, query, keys, bind_key).await? {
            seats.entry(ReservationId(row.uuid(0)?)).or_default().push(SeatId(row.number(1)?));
        }
    }
    let mut payments = HashMap::new();
    for row in read(connection, &PAYMENTS, &ended, bind_key).await? {
        let payment = read_payment(&row)?;
        payments.insert(payment.reservation, payment);
    }
    for row in read(connection, &TICKETS, &ended, bind_key).await? {
        if let Some(payment) = payments.get_mut(&ReservationId(row.uuid(4)?)) {
            payment.tickets.push(read_ticket(&row)?);
        }
    }
    for reservation in reservations {
        reservation.seats = seats.remove(&reservation.id).unwrap_or_default();
        reservation.payment = payments.remove(&reservation.id);
    }
    Ok(())
}

fn bind_key(to: &mut super::connection::Values, (concert, id): &(ConcertId, ReservationId)) {
    to.id(concert.0.into());
    to.uuid(Some(id.0));
}
