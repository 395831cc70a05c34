//! What is MySQL's own, on a private MariaDB.

use sqlx::AssertSqlSafe;

use super::proxy::Proxy;
use super::*;
use crate::mariadb::empty_database;
use crate::store::bounds::{self, Column};
use crate::store::conformance;

async fn fresh() -> (MySqlStore, ()) {
    (MySqlStore::open(&empty_database().await).await.unwrap(), ())
}

conformance::conformance_tests!(fresh());

/// In the words that MySQL and TiDB know too.
mod without_numbers {
    use super::*;

    async fn fresh() -> (MySqlStore, ()) {
        let (mut store, ()) = super::fresh().await;
        store.form = Form::Upsert;
        (store, ())
    }

    conformance::conformance_tests!(fresh());
}

async fn texts(connection: &mut MySqlConnection, sql: impl Into<String>, column: usize) -> Vec<String> {
    let rows = sqlx::raw_sql(AssertSqlSafe(sql.into())).fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.text(column).unwrap().to_owned()).collect()
}

/// Every table as the server would make it again, and which migrations are noted.
async fn schema_of(store: &MySqlStore) -> Vec<String> {
    let mut connection = store.reader().await.unwrap();
    let mut schema = Vec::new();
    for table in texts(&mut connection, "SHOW TABLES", 0).await {
        schema.append(&mut texts(&mut connection, format!("SHOW CREATE TABLE {table}"), 1).await);
    }
    let noted = "SELECT concat(version, name, checksum) FROM schema_migration ORDER BY version";
    schema.append(&mut texts(&mut connection, noted, 0).await);
    schema
}

/// The server is lost to a program that migrates, at every single word that it says; the next start goes on from
/// there, also while the server is still busy with the last word.
#[tokio::test]
async fn a_migration_that_is_cut_off_at_any_step_ends_in_the_same_schema() {
    let whole = schema_of(&fresh().await.0).await;
    // A table and a note for each that makes one, a note for each that changes one, and the table of notes.
    let tables = migrate::MYSQL.iter().filter(|migration| migration.sql.contains("CREATE TABLE")).count();
    assert_eq!(whole.len(), tables + migrate::MYSQL.len() + 1);
    let proxy = Proxy::start().await;
    let mut words = 1;
    loop {
        let url = empty_database().await;
        proxy.cut_after(words);
        let cut_off = MySqlStore::open(&proxy.url(&connection::options(&url).unwrap())).await.is_err();
        let store = MySqlStore::open(&url).await.unwrap();
        assert_eq!(schema_of(&store).await, whole, "cut off after {words} words");
        assert_eq!(MySqlStore::pending_migrations(&url).await.unwrap(), Vec::<&str>::new());
        if !cut_off {
            break;
        }
        words += 1;
    }
    // One for the statement and one for its note, at least.
    assert!(words > 2 * migrate::MYSQL.len(), "{words}");
}

/// A new database, as it is reached through each node of a cluster, if the tests are on one.
async fn through_each_node() -> Vec<String> {
    let url = empty_database().await;
    let node = std::env::var("FRONTROW_TEST_NODE").ok().filter(|node| !node.is_empty());
    let Some(node) = node else { return vec![url] };
    let options = connection::options(&url).unwrap();
    let other = node.replace("{database}", options.get_database().unwrap());
    // It comes by replication.
    while connection::connect(&connection::options(&other).unwrap()).await.is_err() {
        tokio::task::yield_now().await;
    }
    vec![url, other]
}

/// How often what may go wrong is tried: every time it has to go well.
const TRIES: usize = 10;

/// Of an empty database, and of one that lacks the last three changes.
#[tokio::test(flavor = "multi_thread")]
async fn ten_servers_may_bring_the_same_database_up_to_date_at_once() {
    let whole = schema_of(&fresh().await.0).await;
    for attempt in 0..TRIES {
        let known = if attempt % 2 == 0 { 0 } else { migrate::MYSQL.len() - 3 };
        let urls = through_each_node().await;
        let mut first = connection::connect(&connection::options(&urls[0]).unwrap()).await.unwrap();
        assert_eq!(schema::migrate(&mut first, &migrate::MYSQL[..known]).await.unwrap().len(), known);
        let starts = (0..10).map(|server| {
            let url = urls[server % urls.len()].clone();
            tokio::spawn(async move { MySqlStore::open(&url).await })
        });
        let mut stores = Vec::new();
        for started in starts.collect::<Vec<_>>() {
            stores.push(started.await.unwrap().unwrap());
        }
        assert_eq!(schema_of(&stores[0]).await, whole);
        let new = NewUser { name: "Fan".into(), balance: 1, guest: false, at: Timestamp::from_millis(0) };
        stores[0].add_user(new).await.unwrap();
    }
}

/// As through the nodes of a cluster, none of which knows the other's locks: each finds what the other has done.
#[tokio::test(flavor = "multi_thread")]
async fn servers_without_a_common_lock_may_bring_the_same_database_up_to_date_at_once() {
    let whole = schema_of(&fresh().await.0).await;
    for _ in 0..TRIES {
        let urls = through_each_node().await;
        let starts = (0..10).map(|server| {
            let url = urls[server % urls.len()].clone();
            tokio::spawn(async move {
                let mut connection = connection::connect(&connection::options(&url).unwrap()).await?;
                schema::take_steps(&mut connection, migrate::MYSQL).await
            })
        });
        for done in starts.collect::<Vec<_>>() {
            done.await.unwrap().unwrap();
        }
        assert_eq!(schema_of(&MySqlStore::open(&urls[0]).await.unwrap()).await, whole);
    }
}

#[tokio::test]
async fn a_check_of_the_schema_names_what_is_pending_and_applies_nothing() {
    let url = empty_database().await;
    for _ in 0..2 {
        let pending = MySqlStore::pending_migrations(&url).await.unwrap();
        assert_eq!(pending.len(), migrate::MYSQL.len());
    }
}

/// Opening the database fails for an operator to see to, and the reason says so in these words.
async fn refused(url: &str, words: &str) {
    match MySqlStore::open(url).await.err().expect("this must not open") {
        StoreError::Broken(cause) => assert!(cause.to_string().contains(words), "{cause}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_schema_that_is_newer_changed_or_not_ours_is_refused() {
    let url = empty_database().await;
    let store = MySqlStore::open(&url).await.unwrap();
    let mut connection = store.reader().await.unwrap();
    let mut change = async |sql: &'static str| {
        sqlx::raw_sql(sql).execute(&mut *connection).await.unwrap();
    };
    change("INSERT INTO schema_migration (version, name, checksum) VALUES (9999, 'tomorrow', '')").await;
    refused(&url, "migration 9999 (tomorrow)").await;
    change("DELETE FROM schema_migration WHERE version = 9999").await;
    change("UPDATE schema_migration SET checksum = 'x' WHERE version = 3").await;
    refused(&url, "migration 3 (concert) is not what this program would have applied").await;
    change("DROP TABLE schema_migration").await;
    refused(&url, "tables of another program").await;
}

#[tokio::test]
async fn a_database_that_noted_what_a_file_was_before_goes_on() {
    let url = empty_database().await;
    let store = MySqlStore::open(&url).await.unwrap();
    let reworded: Vec<_> = migrate::MYSQL.iter().filter(|migration| !migration.formerly.is_empty()).collect();
    assert!(!reworded.is_empty());
    for migration in reworded {
        let noted = format!(
            "UPDATE schema_migration SET checksum = '{}' WHERE version = {}",
            migration.formerly[0], migration.version
        );
        sqlx::raw_sql(AssertSqlSafe(noted)).execute(&mut *store.reader().await.unwrap()).await.unwrap();
    }
    MySqlStore::open(&url).await.unwrap();
}

/// Every table and column that is not explained by its name says in the schema what it is.
#[tokio::test]
async fn tables_are_commented() {
    let (store, ()) = fresh().await;
    let silent = "SELECT table_name FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_comment = ''";
    let mut connection = store.reader().await.unwrap();
    assert_eq!(texts(&mut connection, silent, 0).await, Vec::<String>::new());
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
    ("UPDATE payment SET amount = 7 WHERE user_id = 1", "is 7 by user 1, its reservation is 160 of user 1"),
    ("DELETE FROM payment WHERE user_id = 1", "is RESERVED and has no payment"),
    ("DELETE FROM ticket WHERE seat = 0", "seat 1:0 is sold and has 0 valid tickets"),
];

#[tokio::test]
async fn the_audit_names_planted_faults() {
    for (fault, sentence) in PLANTED {
        let (store, ()) = fresh().await;
        conformance::evening(&store).await;
        sqlx::raw_sql(*fault).execute(&mut *store.reader().await.unwrap()).await.unwrap();
        let report = store.audit().await.unwrap();
        let named = report.faults.iter().any(|fault| fault.contains(sentence));
        assert!(named, "{fault}\nshould be named as: {sentence}\nand was: {:#?}", report.faults);
    }
}

/// What must never be is refused by the schema itself, whoever writes.
#[tokio::test]
async fn the_schema_refuses_what_must_never_be() {
    let (store, ()) = fresh().await;
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
    let mut connection = store.reader().await.unwrap();
    for sql in never {
        let error = sqlx::raw_sql(sql).execute(&mut *connection).await.expect_err(sql);
        // A CHECK of MariaDB's, or of MySQL's, or a duplicate.
        assert!(matches!(number(&error), Some(4025 | 3819 | DUPLICATE)), "{sql}: {error}");
    }
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn the_schema_takes_whatever_is_let_in() {
    let (store, ()) = fresh().await;
    let mut connection = store.reader().await.unwrap();
    let sql = "SELECT table_name, column_name, CAST(data_type AS CHAR), CAST(character_maximum_length AS SIGNED), \
         CAST(character_octet_length AS SIGNED) FROM information_schema.columns WHERE table_schema = DATABASE()";
    let columns = sqlx::raw_sql(sql).fetch_all(&mut *connection).await.unwrap();
    let sql = "SELECT t.table_name, CAST(c.check_clause AS CHAR) FROM information_schema.check_constraints c \
         JOIN information_schema.table_constraints t \
           ON t.constraint_schema = c.constraint_schema AND t.constraint_name = c.constraint_name \
         WHERE c.constraint_schema = DATABASE()";
    let checks = sqlx::raw_sql(sql).fetch_all(&mut *connection).await.unwrap();
    bounds::compare(|table, column| {
        let is_it = |row: &&MySqlRow| row.text(0).unwrap() == table && row.text(1).unwrap() == column;
        let found = columns.iter().find(is_it).expect("there is such a column");
        let length = |at| found.opt_int(at).unwrap().map(|most| most as usize);
        let of_table = checks.iter().filter(|row| row.text(0).unwrap() == table);
        let stated = of_table.filter_map(|row| bounds::checked(row.text(1).unwrap(), column)).next();
        let numbers = match found.text(2).unwrap() {
            "bigint" => stated.or(Some((i64::MIN, i64::MAX))),
            "int" => stated.or(Some((i32::MIN.into(), i32::MAX.into()))),
            _ => None,
        };
        Column { numbers, chars: length(3), bytes: length(4) }
    });
}
