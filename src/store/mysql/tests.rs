//! Tests of what is MySQL's own, on a private MariaDB.

use std::sync::Arc;

use frontrow_testing::mariadb::empty_database;
use frontrow_testing::proxy::Proxy;
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, Row};

use super::*;
use crate::domain::ids::IdSource;
use crate::domain::record::{LedgerEntry, LedgerKind, SaleState};
use crate::domain::rules::{OwnRules, SaleSettings};
use crate::store::bounds::{self, Column, Kind};
use crate::store::columns::Cells;
use crate::store::{
    Batch, CatchUp, Claims, CommitError, Members, NewConcert, NewUser, Reads, Setup, box_office, random_id,
};
use crate::venue::{self, ImportOptions, Shape};

async fn fresh() -> (MySqlStore, ()) {
    (MySqlStore::open(&empty_database().await).await.unwrap(), ())
}

async fn texts(connection: &mut MySqlConnection, sql: impl Into<String>, column: usize) -> Vec<String> {
    let rows = sqlx::raw_sql(AssertSqlSafe(sql.into())).fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.try_get_unchecked(column).unwrap()).collect()
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

/// The server is lost to a program that migrates, at every single word that a migration takes; the next start goes on from
/// there, also while the server is still busy with the last word. Each database is cut off at the same word of every one.
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
        let options = connection::options(&url).unwrap();
        let through = connection::options(&proxy.url(&options)).unwrap();
        let mut cut_off = 0;
        for count in 1..=migrate::MYSQL.len() {
            let known = &migrate::MYSQL[..count];
            proxy.cut_after(words);
            let by_the_lost =
                async { schema::migrate(&mut connection::connect(&through).await?, known).await };
            cut_off += usize::from(by_the_lost.await.is_err());
            let mut next = connection::connect(&options).await.unwrap();
            schema::migrate(&mut next, known).await.unwrap();
            assert!(schema::pending(&mut next, known).await.unwrap().is_empty());
        }
        assert_eq!(
            schema_of(&MySqlStore::open(&url).await.unwrap()).await,
            whole,
            "cut off after {words} words"
        );
        if cut_off == 0 {
            break;
        }
        words += 1;
    }
    // One for the statement and one for its note, at least.
    assert!(words > 2, "{words}");
}

/// Goal: whoever stands still with a sale's rows locked does not keep the sale. Method: a transaction that changed its row is left
/// open, and the sale is claimed.
#[tokio::test]
async fn a_transaction_that_stands_still_ends_before_a_claim_gives_up() {
    let (store, ()) = fresh().await;
    let (concert, _) = store.add_concert(first_concert()).await.unwrap();
    let writer = WriterId(random_id());
    store.claim(concert, writer, Timestamp::from_millis(1_800_000_000_000), None).await.unwrap();
    let mut stopped = connection::connect(store.options()).await.unwrap();
    for sql in ["BEGIN".to_owned(), format!("UPDATE concert SET outage_ms = 7 WHERE concert_id = {concert}")]
    {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut stopped).await.unwrap();
    }
    let heir = WriterId(random_id());
    store.claim(concert, heir, Timestamp::from_millis(1_800_000_010_000), None).await.unwrap();
    assert_eq!(store.holder(concert).await.unwrap().writer, Some(heir));
    assert!(sqlx::raw_sql("COMMIT").execute(&mut stopped).await.is_err(), "it was hung up on");
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

/// The number of tries of what may go wrong: every one has to go well.
const TRIES: usize = 10;

/// The schema of an empty database, and of one that lacks the last three changes.
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

/// The nodes of a cluster do not know each other's locks: each start finds what the other has done.
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

/// A concert in a small hall.
fn first_concert() -> NewConcert {
    let plan = venue::generate(100, Shape::Hall).unwrap();
    let prices = venue::suggested_prices(&plan);
    let hall = venue::import(plan.to_string().as_bytes(), &prices, ImportOptions::default()).unwrap();
    let now = Timestamp::from_millis(1_900_000_000_000);
    let own = OwnRules::default();
    NewConcert {
        title: "First Night".into(),
        currency: "KRW".into(),
        time_zone: None,
        layout: hall.layout,
        starts_at: vec![now],
        restricted: Vec::new(),
        about: None,
        again: true,
        settings: SaleSettings { state: SaleState::Open, opens_at: None, message: None, own },
        at: now,
    }
}

/// A look sees nothing of what the others are about to commit, and through another node not even what they have.
#[tokio::test(flavor = "multi_thread")]
async fn ten_servers_make_one_first_concert() {
    let concert = first_concert();
    for _ in 0..TRIES {
        let mut stores = Vec::new();
        for url in through_each_node().await {
            stores.push(Arc::new(MySqlStore::open(&url).await.unwrap()));
        }
        let starts = (0..10).map(|server| {
            let store = stores[server % stores.len()].clone();
            let concert = concert.clone();
            tokio::spawn(async move { store.add_first_concert(concert).await })
        });
        let mut made = 0;
        for started in starts.collect::<Vec<_>>() {
            made += u32::from(started.await.unwrap().unwrap());
        }
        assert_eq!(made, 1);
        assert_eq!(stores[0].concerts().await.unwrap().len(), 1);
    }
}

/// When a server is gone, its fans ask another one, all at once, which has its sales to take over meanwhile.
#[tokio::test]
async fn sales_are_taken_over_however_many_fans_wait_for_their_reads() {
    let store = fresh().await.0;
    store.add_first_concert(first_concert()).await.unwrap();
    let mut asked = Vec::new();
    for _ in 0..POOL_MAX {
        asked.push(store.reader().await.unwrap());
    }
    let now = Timestamp::from_millis(1_900_000_000_000);
    let concert = store.concerts_to_run(now).await.unwrap()[0];
    let (writer, holder) = (WriterId(random_id()), store.holder(concert).await.unwrap());
    store.claim(concert, writer, now, Some(holder)).await.unwrap();
    store.catch_up(concert, writer, 100).await.unwrap();
    assert_eq!(store.load_sale(concert, now).await.unwrap().tokens.len(), 0);
    assert_eq!(store.members().await.unwrap().len(), 0);
    assert_eq!(asked.len(), POOL_MAX as usize);
}

/// A fan asks one server and then another one, each of which has a node of the database for itself.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_through_one_node_is_read_through_another() {
    let mut stores = Vec::new();
    for url in through_each_node().await {
        stores.push(MySqlStore::open(&url).await.unwrap());
    }
    for number in 0..200 {
        let (writes, reads) = (&stores[number % stores.len()], &stores[(number + 1) % stores.len()]);
        let name = format!("Fan {number}");
        let new = NewUser { name: name.clone(), balance: 1, guest: false, at: Timestamp::from_millis(0) };
        let user = writes.add_user(new).await.unwrap();
        let read = reads.user(user).await.unwrap().unwrap_or_else(|| panic!("user {number} is not there"));
        assert_eq!(read.name, name);
    }
    // A server that does not know it is no node of such a cluster.
    for store in &stores {
        let mut connection = store.reader().await.unwrap();
        let waits = texts(&mut connection, "SHOW SESSION VARIABLES LIKE 'wsrep_sync_wait'", 1).await;
        assert!(waits.iter().all(|bits| bits.parse::<u32>().unwrap() & 1 == 1), "{waits:?}");
    }
}

/// It was lost with its machine, or the database is slow to notice that it is gone: a lock without anybody who gets on.
#[tokio::test]
async fn a_start_does_not_wait_for_a_server_that_migrates_no_more() {
    let url = empty_database().await;
    let mut lost = connection::connect(&connection::options(&url).unwrap()).await.unwrap();
    let known = &migrate::MYSQL[..migrate::MYSQL.len() - 1];
    schema::migrate(&mut lost, known).await.unwrap();
    let lock = schema::lock_name(&mut lost).await.unwrap();
    let got = sqlx::query("SELECT GET_LOCK(?, 0) AS got").bind(&lock).fetch_one(&mut lost).await.unwrap();
    assert_eq!(got.int("got").unwrap(), 1);
    // Far more than one step takes.
    let started = tokio::time::timeout(Duration::from_secs(30), MySqlStore::open(&url)).await;
    started.expect("it waits").unwrap();
    assert_eq!(MySqlStore::pending_migrations(&url).await.unwrap(), Vec::<&str>::new());
    let left =
        sqlx::query("SELECT RELEASE_LOCK(?) AS released").bind(&lock).fetch_one(&mut lost).await.unwrap();
    assert_eq!(left.int("released").unwrap(), 1, "the lock was there all the time");
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

#[tokio::test]
async fn the_schema_takes_whatever_is_let_in() {
    let (store, ()) = fresh().await;
    let mut connection = store.reader().await.unwrap();
    let sql = "SELECT table_name AS of_table, column_name AS named, CAST(data_type AS CHAR) AS kind, \
           CAST(character_maximum_length AS SIGNED) AS chars, CAST(character_octet_length AS SIGNED) AS bytes, \
           CAST(column_type AS CHAR) AS type, CAST(is_nullable AS CHAR) AS nullable, \
           CAST(COALESCE(generation_expression, '') AS CHAR) AS made_of \
         FROM information_schema.columns WHERE table_schema = DATABASE()";
    let columns = sqlx::raw_sql(sql).fetch_all(&mut *connection).await.unwrap();
    let sql = "SELECT t.table_name AS of_table, CAST(c.check_clause AS CHAR) AS stated FROM information_schema.check_constraints c \
         JOIN information_schema.table_constraints t \
           ON t.constraint_schema = c.constraint_schema AND t.constraint_name = c.constraint_name \
         WHERE c.constraint_schema = DATABASE()";
    let checks = sqlx::raw_sql(sql).fetch_all(&mut *connection).await.unwrap();
    bounds::all_stand_here(|table| {
        let of_table = columns.iter().filter(|row| row.text("of_table").unwrap() == table);
        let written = of_table.filter(|row| row.text("made_of").unwrap().is_empty());
        written.map(|row| row.text("named").unwrap().to_owned()).collect()
    });
    bounds::compare(|table, column| {
        let is_it =
            |row: &&MySqlRow| row.text("of_table").unwrap() == table && row.text("named").unwrap() == column;
        let found = columns.iter().find(is_it).expect("there is such a column");
        let length = |at| found.opt_int(at).unwrap().map(|most| most as usize);
        let of_table = checks.iter().filter(|row| row.text("of_table").unwrap() == table);
        let stated = of_table.filter_map(|row| bounds::checked(row.text("stated").unwrap(), column)).next();
        let (kind, widest) = match found.text("kind").unwrap() {
            "bigint" => (Kind::Number, Some((i64::MIN, i64::MAX))),
            "int" if found.text("type").unwrap().contains("unsigned") => {
                (Kind::Number, Some((0, u32::MAX.into())))
            }
            "int" => (Kind::Number, Some((i32::MIN.into(), i32::MAX.into()))),
            "datetime" => (Kind::Time, None),
            kind if kind.contains("text") || kind.contains("char") || kind == "enum" => (Kind::Text, None),
            kind if kind.contains("blob") || kind.contains("binary") => (Kind::Bytes, None),
            other => panic!("{other}"),
        };
        let numbers = widest.map(|(least, most)| {
            let (from, to) = stated.unwrap_or((i64::MIN, i64::MAX));
            (from.max(least), to.min(most))
        });
        Column {
            kind,
            nullable: found.text("nullable").unwrap() == "YES",
            numbers,
            chars: length("chars"),
            bytes: length("bytes"),
            words: bounds::words(found.text("type").unwrap(), "enum("),
        }
    });
}

/// Every row that the box office looks for can be found by a key or an index. Which one is taken is the server's business, and
/// of tables with next to no rows none is.
#[tokio::test]
async fn no_question_of_the_box_office_has_to_read_a_table_through() {
    let (store, ()) = fresh().await;
    let mut connection = store.reader().await.unwrap();
    for question in box_office::QUESTIONS {
        let mut written = String::new();
        for piece in question.split_inclusive('?') {
            // What a column is compared with is of its type.
            let (before, literal) = match piece.strip_suffix('?') {
                None => (piece, ""),
                Some(before) => {
                    let words = before.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
                    let column = words.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
                    let literal = match column.unwrap_or_default() {
                        "reservation_id" | "ticket_id" | "payment_id" => {
                            "X'00000001019f82008000000000000001'"
                        }
                        "name" | "code" => "'a'",
                        "opened_at" => "'2026-07-01 10:00:00'",
                        _ => "1",
                    };
                    (before, literal)
                }
            };
            written.push_str(before);
            written.push_str(literal);
        }
        let explain = AssertSqlSafe(format!("EXPLAIN {written}"));
        let steps = sqlx::raw_sql(explain).fetch_all(&mut *connection).await.unwrap();
        assert!(!steps.is_empty(), "{written}");
        for step in steps {
            let cell = |name: &str| step.try_get_unchecked::<Option<String>, _>(name).unwrap();
            // What is put together for the question alone has no key.
            let is_a_table = cell("table").is_some_and(|table| !table.starts_with('<'));
            let is_found = !is_a_table || cell("possible_keys").is_some() || cell("key").is_some();
            // Random codes have no index, since it would cost each sold seat more than whoever asks for one waits.
            if *question == box_office::ORDERS_OF_CODE {
                assert!(!is_found, "{written}\n{:?}", cell("table"));
                continue;
            }
            assert!(is_found, "{written}\n{:?}", cell("table"));
        }
    }
}

async fn run(connection: &mut MySqlConnection, sql: impl Into<String>) {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(connection).await.unwrap();
}

async fn connection_id(connection: &mut MySqlConnection) -> u64 {
    let sql = "SELECT CAST(connection_id() AS SIGNED)";
    sqlx::raw_sql(sql).fetch_one(connection).await.unwrap().try_get_unchecked::<i64, _>(0).unwrap() as u64
}

/// Some servers keep 50 statements a session, and for ever: the same again goes on another connection, with fewer.
#[tokio::test]
async fn a_connection_that_may_prepare_no_more_is_replaced_by_one_that_needs_fewer() {
    let (store, ()) = fresh().await;
    let at = Timestamp::from_millis(1_900_000_000_000);
    let new = NewUser { name: "Fan".into(), balance: 0, guest: false, at };
    let user = store.add_user(new).await.unwrap();
    let mut lane = store.new_writer().await.unwrap();
    let mut other = connection::connect(&store.options).await.unwrap();
    let mut ids = IdSource::seeded([3; 32]);
    let mut charge = |balance| {
        let entry = LedgerEntry {
            id: ids.history(at),
            user,
            kind: LedgerKind::Charge,
            amount_change: 5,
            balance,
            at,
            payment: None,
            request_id: None,
        };
        Batch { id: random_id(), writer: WriterId(random_id()), at, sales: Vec::new(), charges: vec![entry] }
    };
    lane.commit(&charge(5)).await.unwrap();
    let kept = || format!("{:?}", store.budget.options(&store.options));
    let (many, id) = (kept(), connection_id(lane.connection().await.unwrap()).await);
    let no_more = "CREATE TRIGGER no_more BEFORE INSERT ON payment_history FOR EACH ROW \
         SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 5930";
    run(&mut other, no_more).await;
    let batch = charge(10);
    let refused = lane.commit(&batch).await.unwrap_err();
    let is_rolled_back = matches!(refused, CommitError::NotCommitted(StoreError::RolledBack(_)));
    assert!(is_rolled_back, "the same again may succeed: {refused:?}");
    run(&mut other, "DROP TRIGGER no_more").await;
    lane.commit(&batch).await.unwrap();
    assert_eq!(store.balance(user).await.unwrap(), Some(10));
    assert_ne!(kept(), many);
    assert_ne!(connection_id(lane.connection().await.unwrap()).await, id);
}

/// A server closes a connection that was silent for longer than its `wait_timeout`.
#[tokio::test]
async fn a_heartbeat_whose_connection_was_closed_meanwhile_is_sent_on_another() {
    let (store, ()) = fresh().await;
    let mut other = connection::connect(&store.options).await.unwrap();
    let writer = WriterId(random_id());
    let beat = |at| store.heartbeat(writer, Timestamp::from_millis(at), Duration::from_secs(3));
    beat(1_800_000_000_000).await.unwrap();
    let idle = connection_id(store.beating.lock().await.as_mut().unwrap()).await;
    run(&mut other, format!("KILL {idle}")).await;
    let is_there = format!("SELECT id FROM information_schema.processlist WHERE id = {idle}");
    while !texts(&mut other, format!("SELECT 'x' FROM ({is_there}) found"), 0).await.is_empty() {
        tokio::task::yield_now().await;
    }
    beat(1_800_000_001_000).await.unwrap();
    assert_ne!(connection_id(store.beating.lock().await.as_mut().unwrap()).await, idle);
}
