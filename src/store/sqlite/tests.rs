//! Tests of what is SQLite's own, seen from inside: opening and refusing files, migrations that are killed, plans of
//! statements.

use sqlx::{ConnectOptions, Connection};

use super::*;
use crate::domain::command::Needs;
use crate::store::bounds::{self, Column, Kind};
use crate::store::columns::Cells;
use crate::store::{
    NewUser, Reads, Setup, alarms, box_office, catch_up, duty, figures, making, members, operators, passkeys,
    query, rehearsals, segments, table_writer, unfinished, webhooks,
};

async fn fresh() -> (SqliteStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (SqliteStore::open(folder.path()).await.unwrap(), folder)
}

/// Another program's connection to the database.
async fn intruder(folder: &Path) -> SqliteConnection {
    writer_options(&folder.join(FILE_NAME)).connect().await.unwrap()
}

/// The chain of an error's causes, as a log would print it.
fn message(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Opening the folder fails, and the reason says so in these words.
async fn refused(folder: &Path, words: &str) {
    let error = SqliteStore::open(folder).await.err().expect("this must not open");
    assert!(matches!(error, StoreError::Broken(_)));
    assert!(message(&error).contains(words), "{}", message(&error));
}

#[tokio::test]
async fn several_processes_may_make_the_same_database_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let open = || SqliteStore::open(folder.path());
    let (one, two, three, four) = tokio::join!(open(), open(), open(), open());
    for store in [one, two, three, four] {
        let store = store.unwrap();
        store
            .add_user(NewUser { name: "Fan".into(), balance: 1, guest: false, at: Timestamp::from_millis(0) })
            .await
            .unwrap();
    }
    let pending = SqliteStore::pending_migrations(folder.path()).await.unwrap();
    assert_eq!(pending, Vec::<&str>::new());
}

#[tokio::test]
async fn a_check_of_the_schema_names_what_is_pending_and_applies_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let pending = SqliteStore::pending_migrations(folder.path()).await.unwrap();
        assert_eq!(pending.len(), migrate::SQLITE.len());
        assert_eq!(pending[0], "users");
    }
}

#[tokio::test]
async fn files_that_are_not_ours_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    std::fs::write(&path, "Minutes of the meeting, which are longer than the header of a database is.")
        .unwrap();
    refused(folder.path(), "file is not a database").await;
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("Minutes"));
    // A folder that is a file.
    refused(&path, "cannot make the data folder").await;

    let folder = tempfile::tempdir().unwrap();
    let mut other = intruder(folder.path()).await;
    sqlx::raw_sql("CREATE TABLE users (name TEXT)").execute(&mut other).await.unwrap();
    refused(folder.path(), "it is a database of another program").await;
}

#[tokio::test]
async fn a_schema_that_is_newer_or_was_changed_is_refused() {
    let (store, folder) = fresh().await;
    drop(store);
    let mut connection = intruder(folder.path()).await;
    let newer = "INSERT INTO schema_migration (version, name, checksum) VALUES (9999, 'tomorrow', '')";
    sqlx::raw_sql(newer).execute(&mut connection).await.unwrap();
    refused(folder.path(), "migration 9999 (tomorrow)").await;
    let changed = "DELETE FROM schema_migration WHERE version = 9999; \
         UPDATE schema_migration SET checksum = 'x' WHERE version = 3";
    sqlx::raw_sql(changed).execute(&mut connection).await.unwrap();
    refused(folder.path(), "migration 3 (concert) is not what this program would have applied").await;
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_of_itself_and_the_next_start_goes_on() {
    const BROKEN: &[migrate::Migration] = &[
        migrate::SQLITE[0],
        migrate::Migration {
            version: 2,
            name: "half",
            sql: "-- Half.\nCREATE TABLE half (x); CREATE NONSENSE",
            formerly: &[],
        },
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    let mut connection = intruder(folder.path()).await;
    let error = schema::migrate(&mut connection, &path, BROKEN).await.unwrap_err();
    assert!(message(&error).contains("migration 2 (half) failed"), "{}", message(&error));
    let half: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'half'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(half, 0);
    connection.close().await.unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
    assert_eq!(schema_of(folder.path()).await, schema_of(fresh().await.1.path()).await);
}

/// The tables that are read whole on purpose: the concerts, of which there are few, a statement's own list of rows or its part in a
/// union, and the tickets by their random codes, of which an index costs each sold seat more than whoever asks for one waits.
const READ_WHOLE: [&str; 7] =
    ["SCAN c", "SCAN change", "SCAN part", "SCAN CONSTANT ROW", "SCAN ticket", "SCAN places", "SCAN s"];

/// Plans that read every row of a sale or of a user.
const TOO_MUCH: [&str; 2] = ["PRIMARY KEY (concert_id=?)", "PRIMARY KEY (user_id=?)"];

/// Every row that a question or a batch looks for is found by a key or an index.
#[tokio::test]
async fn no_question_reads_more_than_it_asks_for() {
    let (_store, folder) = fresh().await;
    let mut connection = intruder(folder.path()).await;
    // Those of `query` take a sale or a user in whole, so what they read they want.
    let wanting_all = query::QUESTIONS.iter().chain(connection::DIALECT.clear_rows);
    let wanting_all = wanting_all.map(|question| ((*question).to_owned(), true));
    let others = connection::DIALECT.questions().into_iter().chain(writer::texts());
    let of_operators = operators::QUESTIONS.iter().chain(passkeys::QUESTIONS);
    let of_operators = of_operators.map(|question| ((*question).to_owned(), false));
    let of_duties = duty::QUESTIONS
        .iter()
        .chain(catch_up::QUESTIONS)
        .chain(members::QUESTIONS)
        .chain(table_writer::QUESTIONS)
        .chain(segments::QUESTIONS)
        .map(|question| ((*question).to_owned(), false));
    let of_figures = figures::QUESTIONS.iter().map(|question| ((*question).to_owned(), false));
    let of_making = making::QUESTIONS.iter().chain(rehearsals::QUESTIONS).chain(unfinished::QUESTIONS);
    let of_making = of_making.map(|question| ((*question).to_owned(), false));
    let of_alarms = alarms::QUESTIONS.iter().chain(webhooks::QUESTIONS);
    let of_alarms = of_alarms.map(|question| ((*question).to_owned(), false));
    let of_box_office = box_office::QUESTIONS.iter().map(|question| ((*question).to_owned(), false));
    let others = others
        .map(|question| (question, false))
        .chain(of_operators)
        .chain(of_duties)
        .chain(of_figures)
        .chain(of_making)
        .chain(of_box_office)
        .chain(of_alarms);
    for (question, wants_all) in wanting_all.chain(others) {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {question}"));
        for step in sqlx::raw_sql(explain).fetch_all(&mut connection).await.unwrap() {
            let step = Cells::text(&step, "detail").unwrap();
            let whole = step.starts_with("SCAN ") && !READ_WHOLE.contains(&step);
            let too_much = !wants_all && TOO_MUCH.iter().any(|key| step.ends_with(key));
            assert!(!whole && !too_much && !step.contains("AUTOMATIC"), "{question}\n{step}");
        }
    }
}

/// A full disk: SQLite ends the transaction by itself when COMMIT fails, and says so too late.
#[tokio::test]
async fn a_commit_that_failed_does_not_block_the_next_change() {
    let (store, _folder) = fresh().await;
    {
        let mut held = store.hold().await.unwrap();
        let mut change = begin::<SqliteStore>(&mut held).await.unwrap();
        sqlx::query("ROLLBACK").execute(&mut *change).await.unwrap();
        assert!(change.commit().await.is_err());
    }
    let user = store
        .add_user(NewUser { name: "Ada".into(), balance: 5, guest: false, at: Timestamp::default() })
        .await;
    assert_eq!(store.balance(user.unwrap()).await.unwrap(), Some(5));
}

async fn schema_of(folder: &Path) -> Vec<String> {
    let mut connection = intruder(folder).await;
    let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    let mut schema: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
    let noted = "SELECT version || name || checksum FROM schema_migration ORDER BY version";
    schema.extend(sqlx::query_scalar::<_, String>(noted).fetch_all(&mut connection).await.unwrap());
    connection.close().await.unwrap();
    schema
}

/// The files that a process leaves which is killed at this moment.
fn image(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

/// Killed before and after each statement of each migration, and before and after its COMMIT: the next start goes on.
#[tokio::test]
async fn a_migration_that_is_killed_at_any_step_ends_in_the_same_schema() {
    let (store, folder) = fresh().await;
    drop(store);
    let whole = schema_of(folder.path()).await;
    let mut images = 0;
    for done in 0..migrate::SQLITE.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        let mut connection = open_writer(&path).await.unwrap();
        schema::migrate(&mut connection, &path, &migrate::SQLITE[..done]).await.unwrap();
        let mut killed = vec![image(folder.path())];
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        // Into the file, as a large transaction would be, and not only into memory.
        sqlx::raw_sql("PRAGMA cache_size = 1").execute(&mut connection).await.unwrap();
        for statement in migrate::SQLITE[done].sql.split_inclusive(";\n") {
            sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
            killed.push(image(folder.path()));
        }
        sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.unwrap();
        images += killed.len();
        for killed in killed {
            drop(SqliteStore::open(killed.path()).await.unwrap());
            assert_eq!(schema_of(killed.path()).await, whole, "killed in migration {}", done + 1);
        }
    }
    assert!(images > 2 * migrate::SQLITE.len());
}

#[tokio::test]
async fn the_schema_takes_whatever_is_let_in() {
    let (store, _folder) = fresh().await;
    let mut reader = store.reader().await.unwrap();
    let tables = sqlx::query("SELECT name, sql FROM sqlite_schema WHERE type = 'table'");
    let tables = tables.fetch_all(&mut *reader).await.unwrap();
    let columns = sqlx::query(
        "SELECT t.name AS of_table, c.name AS named, c.type AS kind, c.\"notnull\" AS required, c.hidden AS hidden \
         FROM sqlite_schema t, pragma_table_xinfo(t.name) c WHERE t.type = 'table'",
    );
    let columns = columns.fetch_all(&mut *reader).await.unwrap();
    let of_table =
        |table: &str| columns.iter().filter(|row| row.text("of_table").unwrap() == table).collect::<Vec<_>>();
    bounds::all_stand_here(|table| {
        let written = of_table(table).into_iter().filter(|row| row.int("hidden").unwrap() == 0);
        written.map(|row| row.text("named").unwrap().to_owned()).collect()
    });
    bounds::compare(|table, column| {
        let found = of_table(table).into_iter().find(|row| row.text("named").unwrap() == column);
        let found = found.unwrap_or_else(|| panic!("there is no column {table}.{column}"));
        let made = tables.iter().find(|row| row.text("name").unwrap() == table).unwrap();
        let sql = made.text("sql").unwrap();
        let kind = match found.text("kind").unwrap() {
            "INTEGER" => Kind::NumberOrTime,
            "TEXT" => Kind::Text,
            "BLOB" => Kind::Bytes,
            other => panic!("{other}"),
        };
        // A text may be as long as it likes, where no check says otherwise.
        Column {
            kind,
            nullable: found.int("required").unwrap() == 0,
            numbers: bounds::checked(sql, column),
            words: bounds::words(sql, &format!("{column} IN (")),
            ..Column::default()
        }
    });
}

#[tokio::test]
async fn the_log_is_copied_beside_the_work_and_a_reader_that_stays_is_seen() {
    let (store, _folder) = fresh().await;
    let at = Timestamp::default();
    let fan = || NewUser { name: "Ada".into(), balance: 5, guest: false, at };
    let mut lane = store.new_writer().await.unwrap();
    store.add_user(fan()).await.unwrap();
    let mut connection = None;
    let mut reader = store.view().await.unwrap();
    sqlx::query("SELECT 1 FROM users").fetch_optional(&mut *reader).await.unwrap();
    let user = store.add_user(fan()).await.unwrap();
    // Something that only came behind the reader, and a batch that is open meanwhile.
    lane.begin(&Needs { wallets: vec![user], ..Needs::default() }).await.unwrap();
    let behind = checkpoint::step(&store, &mut connection).await.unwrap();
    assert!(behind.copied < behind.log, "{behind:?}");
    reader.rollback().await.unwrap();
    let whole = checkpoint::step(&store, &mut connection).await.unwrap();
    assert_eq!(whole.copied, whole.log, "nobody waits for the batch, and it for nobody");
    lane.rollback().await.unwrap();
}

#[tokio::test]
async fn a_log_that_had_grown_is_cut_part_by_part_and_by_no_commit() {
    const MIB: u64 = 1 << 20;
    let (store, folder) = fresh().await;
    let length = || std::fs::metadata(store.files.log()).unwrap().len();
    let mut lane = store.new_writer().await.unwrap();
    let limit = sqlx::query_scalar::<_, i64>("PRAGMA journal_size_limit");
    assert_eq!(limit.fetch_one(lane.connection().await.unwrap()).await.unwrap(), -1);
    let mut other = intruder(folder.path()).await;
    let grow =
        "CREATE TABLE filler (bytes BLOB); INSERT INTO filler VALUES (zeroblob(4194304)); DROP TABLE filler";
    sqlx::raw_sql(grow).execute(&mut other).await.unwrap();
    let long = length();
    assert!(long > 4 * MIB, "{long}");
    let mut connection = None;
    let whole = checkpoint::step(&store, &mut connection).await.unwrap();
    assert_eq!(whole.copied, whole.log);
    let connection = connection.as_mut().unwrap();
    // Somebody who reads of it keeps it as it is.
    let mut reader = store.view().await.unwrap();
    sqlx::query("SELECT 1 FROM users").fetch_optional(&mut *reader).await.unwrap();
    store
        .add_user(NewUser { name: "Ada".into(), balance: 5, guest: false, at: Timestamp::default() })
        .await
        .unwrap();
    assert!(!checkpoint::cut(&store, connection, long - MIB).await.unwrap());
    reader.rollback().await.unwrap();
    for cuts in 1..=2 {
        assert!(checkpoint::cut(&store, connection, long - cuts * MIB).await.unwrap());
        assert_eq!(length(), long - cuts * MIB);
    }
}
