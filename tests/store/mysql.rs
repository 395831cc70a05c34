//! The store for production, on a private MariaDB: what every store has to do, in each form of its statements, an audit of
//! planted faults, and what the schema refuses.

use frontrow::store::Reads;
use frontrow::store::mysql::{Form, MySqlStore};
use frontrow_testing::mariadb::empty_database;
use frontrow_testing::{
    alarms_tests, conformance, conformance_tests, duties_tests, making_tests, operators_tests,
};
use sqlx::Connection;
use sqlx::mysql::{MySqlConnection, MySqlDatabaseError};

async fn fresh() -> (MySqlStore, ()) {
    (MySqlStore::open(&empty_database().await).await.unwrap(), ())
}

conformance_tests!(fresh());
operators_tests!(fresh());
duties_tests!(fresh());
alarms_tests!(fresh());
making_tests!(fresh());

/// The same in the words that MySQL and TiDB know too.
mod without_numbers {
    use super::*;

    async fn fresh() -> (MySqlStore, ()) {
        (super::fresh().await.0.in_form(Form::Upsert), ())
    }

    conformance_tests!(fresh());
}

/// A store, and another program's connection to the same database.
async fn stage() -> (MySqlStore, MySqlConnection) {
    let url = empty_database().await;
    (MySqlStore::open(&url).await.unwrap(), MySqlConnection::connect(&url).await.unwrap())
}

/// Each line plants one fault into an honest evening and says what the audit must find.
const PLANTED: &[(&str, &str)] = &[
    (
        "UPDATE users SET balance = balance + 1 WHERE user_id = 1",
        "the balance of user 1 is 841, their ledger adds up to 840",
    ),
    (
        "DELETE FROM payment_history WHERE user_id = 1 AND entry_no = 1",
        "the ledger of user 1 has entry 2 after entry 0",
    ),
    (
        "UPDATE payment SET amount = 7 WHERE user_id = 1",
        "is 7 by user 1, of which 0 came back, its reservation is 160 of user 1",
    ),
    ("DELETE FROM payment WHERE user_id = 1", "is RESERVED and has no payment"),
    ("DELETE FROM ticket WHERE seat = 0", "seat 1:0 is sold and has 0 valid tickets"),
];

#[tokio::test]
async fn a_rule_that_somebody_else_changed_is_not_overruled() {
    let (store, mut other) = stage().await;
    conformance::settings_that_others_changed(&store, async |sql: &'static str| {
        sqlx::query(sql).execute(&mut other).await.unwrap().rows_affected()
    })
    .await;
}

#[tokio::test]
async fn the_audit_names_planted_faults() {
    for (fault, sentence) in PLANTED {
        let (store, mut other) = stage().await;
        conformance::evening(&store).await;
        sqlx::raw_sql(*fault).execute(&mut other).await.unwrap();
        let report = store.audit().await.unwrap();
        let named = report.faults.iter().any(|fault| fault.contains(sentence));
        assert!(named, "{fault}\nshould be named as: {sentence}\nand was: {:#?}", report.faults);
    }
}

/// The schema itself refuses what must never be, whoever writes.
#[tokio::test]
async fn the_schema_refuses_what_must_never_be() {
    let (store, mut other) = stage().await;
    conformance::evening(&store).await;
    let never = [
        "UPDATE users SET balance = -1 WHERE user_id = 1",
        "UPDATE concert_seat SET reservation_id = NULL WHERE seat = 0",
        "INSERT INTO ticket (concert_id, ticket_id, payment_id, reservation_id, schedule_id, seat, user_id, code, \
           issued_at) SELECT concert_id, repeat('x', 16), payment_id, reservation_id, schedule_id, seat, user_id, \
           code, issued_at FROM ticket WHERE seat = 0",
        "INSERT INTO queue (concert_id, entry_no, token, user_id, status, entered_at) \
           SELECT concert_id, 99, repeat('x', 16), user_id, 'WAITING', entered_at FROM queue WHERE status = 'WAITING'",
        "INSERT INTO payment_history (user_id, entry_no, history_id, type, amount_change, balance, at, request_id) \
           VALUES (2, 99, repeat('x', 16), 'CHARGE', 10, 10, '2030-01-01', 'r')",
        "INSERT INTO payment (concert_id, payment_id, reservation_id, user_id, amount, status, at) \
           SELECT concert_id, repeat('x', 16), reservation_id, user_id, amount, 'DONE', at FROM payment \
           WHERE user_id = 1",
    ];
    for sql in never {
        let error = sqlx::raw_sql(sql).execute(&mut other).await.expect_err(sql);
        // A CHECK of MariaDB's, or of MySQL's, or a duplicate.
        let database =
            error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
        let number = database.map(MySqlDatabaseError::number);
        assert!(matches!(number, Some(4025 | 3819 | 1062)), "{sql}: {error}");
    }
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}
