//! What is SQLite's own: opening and refusing files, a full disk, other processes, and an audit of planted faults.

use sqlx::{ConnectOptions, Connection};

use super::*;
use crate::domain::command::Needs;
use crate::domain::event::{Event, HoldEnd};
use crate::domain::record::ReservationStatus;
use crate::domain::rules::{OwnRules, SaleSettings};
use crate::store::bounds::{self, Column};
use crate::store::{CommitError, conformance};

async fn fresh() -> (SqliteStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (SqliteStore::open(folder.path()).await.unwrap(), folder)
}

conformance::conformance_tests!(fresh());

/// Another program's connection to the database.
async fn intruder(folder: &Path) -> SqliteConnection {
    writer_options(&folder.join(FILE_NAME)).connect().await.unwrap()
}

/// Each line plants one fault into an honest evening, past the constraints that would not let it in, and says what the
/// audit must find. `DROP INDEX` stands where the schema itself makes the fault impossible.
const PLANTED: &[(&str, &str)] = &[
    (
        "UPDATE schema_migration SET applied_at = 0; UPDATE concert_schedule SET starts_at = 1",
        "was made after its performance had begun",
    ),
    (
        "UPDATE reservation SET guest_of = randomblob(16) WHERE user_id = 5",
        "is EXPIRED, and still says where its guest came from",
    ),
    (
        "UPDATE users SET balance = balance + 1 WHERE user_id = 1",
        "the balance of user 1 is 841, their ledger adds up to 840",
    ),
    ("UPDATE users SET balance = -1 WHERE user_id = 1", "the balance of user 1 is -1, outside of 0"),
    (
        "UPDATE users SET ledger_entries = 9 WHERE user_id = 1",
        "the wallet of user 1 counts 9 ledger entries, there are 2",
    ),
    (
        "UPDATE payment_history SET balance = 5 WHERE user_id = 3",
        "of user 3 changes a balance of 0 by 1000 to 5",
    ),
    (
        "DELETE FROM payment_history WHERE user_id = 1 AND entry_no = 1",
        "the ledger of user 1 has entry 2 after entry 0",
    ),
    (
        "UPDATE payment_history SET amount_change = -1000 WHERE user_id = 3",
        "of user 3 does not fit its type Charge",
    ),
    ("UPDATE payment_history SET user_id = 77 WHERE user_id = 3", "is of user 77, who does not exist"),
    (
        "DROP INDEX payment_history_request; INSERT INTO payment_history (user_id, entry_no, history_id, type, \
         amount_change, balance, at, request_id) VALUES (2, 5, randomblob(16), 'CHARGE', 10, 1020, 0, 'r')",
        "user 2 was charged twice for request \"r\"",
    ),
    (
        "UPDATE payment_history SET payment_id = randomblob(16) WHERE user_id = 1 AND entry_no = 2",
        "which does not exist",
    ),
    (
        "UPDATE payment_history SET payment_id = randomblob(16) WHERE user_id = 1 AND entry_no = 2",
        "in the ledgers it is nowhere",
    ),
    (
        "DELETE FROM payment_history WHERE type = 'REFUND'",
        "over 60 is cancelled, its refunds in the ledgers are nowhere",
    ),
    (
        "UPDATE payment SET status = 'DONE', cancelled_at = NULL WHERE status = 'CANCELLED'",
        "is done, its refunds in the ledgers are 60 of user 2",
    ),
    ("UPDATE payment SET cancelled_at = 1 WHERE status = 'DONE'", "is DONE, its times say otherwise"),
    ("UPDATE payment SET amount = 7 WHERE user_id = 1", "is 7 by user 1, its reservation is 160 of user 1"),
    ("DELETE FROM payment WHERE user_id = 1", "is RESERVED and has no payment"),
    ("DELETE FROM payment WHERE user_id = 1", "which does not exist"),
    ("DELETE FROM payment WHERE user_id = 1", "user 1 paid 0 times, and 1 of their places in line are DONE"),
    (
        "DROP INDEX payment_reservation; INSERT INTO payment SELECT concert_id, randomblob(16), reservation_id, \
         user_id, amount, status, at, cancelled_at FROM payment WHERE user_id = 1",
        "has payments",
    ),
    ("DELETE FROM ticket WHERE seat = 0", "seat 1:0 is sold and has 0 valid tickets"),
    ("DELETE FROM ticket WHERE seat = 0", "are not for the seats of its reservation"),
    (
        "DROP INDEX ticket_valid; INSERT INTO ticket SELECT concert_id, randomblob(16), payment_id, reservation_id, \
         schedule_id, seat, user_id, code, issued_at, cancelled_at FROM ticket WHERE seat = 0",
        "seat 1:0 is sold and has 2 valid tickets",
    ),
    ("UPDATE ticket SET cancelled_at = 1 WHERE seat = 0", "the ticket for seat 1:0 is void, payment"),
    ("UPDATE ticket SET cancelled_at = NULL WHERE seat = 2", "the ticket for seat 1:2 is valid, payment"),
    ("UPDATE ticket SET user_id = 3 WHERE seat = 0", "the ticket for seat 1:0 names another user"),
    ("UPDATE ticket SET payment_id = randomblob(16) WHERE seat = 0", "is for payment"),
    (
        "UPDATE concert_seat SET status = 'AVAILABLE', reservation_id = NULL WHERE schedule_id = 1 AND seat = 0",
        "is paid for seat 1:0, which is free",
    ),
    (
        "UPDATE concert_seat SET status = 'AVAILABLE', reservation_id = NULL WHERE schedule_id = 1 AND seat = 0",
        "seat 1:0 is free, by the journal it is sold to",
    ),
    (
        "UPDATE concert_seat SET status = 'AVAILABLE' WHERE schedule_id = 1 AND seat = 0",
        "seat 1:0 is AVAILABLE and has",
    ),
    (
        "UPDATE concert_seat SET status = 'TEMP_RESERVED' WHERE schedule_id = 1 AND seat = 0",
        "seat 1:0 is TEMP_RESERVED by reservation",
    ),
    (
        "UPDATE concert_seat SET reservation_id = randomblob(16) WHERE schedule_id = 1 AND seat = 0",
        "seat 1:0 is taken by reservation",
    ),
    (
        "UPDATE concert_seat SET reservation_id = (SELECT reservation_id FROM concert_seat WHERE seat = 0 AND \
         schedule_id = 1) WHERE schedule_id = 1 AND seat = 5",
        "seat 1:5 is TEMP_RESERVED by reservation",
    ),
    (
        "INSERT INTO reservation_seat SELECT concert_id, reservation_id, 0, 1 FROM reservation WHERE user_id = 2; \
         UPDATE reservation SET status = 'RESERVED' WHERE user_id = 2",
        "is paid for seat 1:0, which is sold to reservation",
    ),
    (
        "UPDATE concert_seat SET price = 1 WHERE schedule_id = 1 AND seat = 9",
        "seat 1:9 is \"A-10\" in \"Rest\" for 1, the layout has",
    ),
    (
        "DELETE FROM concert_seat WHERE schedule_id = 2 AND seat = 9",
        "schedule 2 has 9 seats, the layout has 10",
    ),
    ("DELETE FROM concert_seat WHERE schedule_id = 2 AND seat = 3", "seat 2:4 comes where 3 is next"),
    ("DELETE FROM concert_schedule WHERE schedule_id = 2", "schedule 2 has 10 seats, the layout has 10"),
    ("DELETE FROM venue_layout", "there is no layout to compare with"),
    ("UPDATE venue_layout SET layout = x'00'", "a row of venue_layout cannot be read"),
    ("UPDATE venue_layout SET seats = 11", "the layout is said to have 11 seats and draws 10"),
    ("DELETE FROM queue WHERE user_id = 3", "the line has entry 3 where 2 is next"),
    ("DELETE FROM queue WHERE user_id = 3", "is held by user 3, who is not admitted"),
    ("DELETE FROM queue WHERE user_id = 3", "the journal gave 6 places in line, 5 are stored"),
    (
        "UPDATE queue SET status = 'WAITING' WHERE user_id = 3",
        "entry 2 of user 3 is WAITING, its times say otherwise",
    ),
    (
        "UPDATE queue SET status = 'WAITING', admitted_at = NULL, expires_at = NULL WHERE user_id = 3",
        "entry 2 is WAITING of user 3, the journal tells it Progress of user 3",
    ),
    ("UPDATE queue SET user_id = 77 WHERE user_id = 4", "entry 3 is of user 77, who does not exist"),
    (
        "DROP INDEX queue_live; UPDATE queue SET user_id = 3 WHERE user_id = 4",
        "user 3 has two live places in line, one of them 3",
    ),
    ("UPDATE queue SET token = randomblob(16) WHERE user_id = 4", "the token of entry 3 names another sale"),
    (
        "UPDATE queue SET token = (SELECT token FROM queue WHERE user_id = 3) WHERE user_id = 4",
        "the token of entry 3 was given before",
    ),
    (
        "UPDATE queue SET reason = 'bored' WHERE user_id = 6",
        "a row of queue cannot be read: the word \"EXPIRED\"",
    ),
    ("UPDATE reservation SET amount = 1 WHERE user_id = 3", "costs 1, its seats cost 120"),
    ("UPDATE reservation SET user_id = 77 WHERE user_id = 3", "is of user 77, who does not exist"),
    ("UPDATE reservation SET ended_at = NULL WHERE user_id = 5", "is EXPIRED, its times say otherwise"),
    ("UPDATE reservation SET status = 'EXPIRED' WHERE user_id = 1", "is EXPIRED and has payment"),
    ("UPDATE reservation SET schedule_id = 9 WHERE user_id = 5", "is for schedule 9, which is not here"),
    ("UPDATE reservation SET schedule_id = 2 WHERE user_id = 3", "which is TEMP_RESERVED in schedule 2"),
    (
        "UPDATE reservation SET status = 'TEMP_RESERVED', ended_at = NULL, user_id = 3 WHERE user_id = 5",
        "user 3 has two held reservations in schedule 1",
    ),
    ("UPDATE reservation SET seats = '' WHERE user_id = 5", "has no seats"),
    (
        "UPDATE reservation SET seats = '4,6' WHERE user_id = 3",
        "names the seats [4, 6], its seats are [4, 5]",
    ),
    ("UPDATE reservation SET seats = '' WHERE user_id = 1", "names the seats [], its seats are [0, 1]"),
    (
        "UPDATE reservation SET seats = '4,x' WHERE user_id = 3",
        "a row of reservation cannot be read: the word \"4,x\"",
    ),
    ("DELETE FROM reservation_seat WHERE seat = 0", "seat 1:0 is sold to reservation"),
    (
        "INSERT INTO reservation_seat SELECT concert_id, reservation_id, 4, 1 FROM reservation WHERE user_id = 3",
        "has no payment, and its seats are written as if it had one",
    ),
    ("UPDATE reservation_seat SET schedule_id = 2 WHERE seat = 0", "seat 2:0 is written to reservation"),
    ("DELETE FROM journal WHERE seq = 3", "the journal has row 4 where row 3 should be"),
    ("DELETE FROM journal", "the journal is empty"),
    ("UPDATE journal SET events = 'nonsense' WHERE seq = 3", "journal row 3: not a list of lists"),
    ("UPDATE journal SET events = '[[\"steal\",1]]' WHERE seq = 3", "journal row 3: event 0 cannot be read"),
    (
        "UPDATE journal SET events = '[[\"join\",9,1]]' WHERE seq = 2",
        "journal row 2: entry 9 joins where 0 is next",
    ),
    (
        "UPDATE journal SET events = '[[\"new\",[]]]' WHERE seq = 0",
        "does not begin with schedule 1 and its seats",
    ),
    (
        "UPDATE journal SET events = '[[\"hold\",\"00000001000080008000000000000000\",1,4,[0],9]]' \
         WHERE seq = (SELECT max(seq) FROM journal)",
        "seat 1:0 was sold to reservation",
    ),
    (
        "INSERT INTO queue SELECT 5, entry_no, token, user_id, status, reason, entered_at, admitted_at, expires_at, ended_at FROM queue WHERE user_id = 4",
        "queue has rows of concert 5, which does not exist",
    ),
    ("DELETE FROM concert", "journal has rows of concert 1, which does not exist"),
];

#[tokio::test]
async fn every_planted_fault_is_named() {
    let (store, folder) = fresh().await;
    conformance::evening(&store).await;
    // The log goes into the file, so that the file alone is the evening.
    let mut connection = intruder(folder.path()).await;
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
    let honest = std::fs::read(folder.path().join(FILE_NAME)).unwrap();
    for (fault, sentence) in PLANTED {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE_NAME), &honest).unwrap();
        let mut connection = intruder(folder.path()).await;
        sqlx::raw_sql("PRAGMA ignore_check_constraints = ON").execute(&mut connection).await.unwrap();
        sqlx::raw_sql(*fault).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let report = SqliteStore::open(folder.path()).await.unwrap().audit().await.unwrap();
        let named = report.faults.iter().any(|fault| fault.contains(sentence));
        assert!(named, "{fault}\nshould be named as: {sentence}\nand was: {:#?}", report.faults);
    }
}

#[tokio::test]
async fn a_payment_of_before_starts_ended_sales_is_no_fault() {
    let (store, folder) = fresh().await;
    conformance::evening(&store).await;
    let mut connection = intruder(folder.path()).await;
    // The evening's payments are older than the migration, then younger, and then of a server that ran on meanwhile.
    for (sql, faults) in [
        (
            "UPDATE concert_schedule SET starts_at = 1; UPDATE schema_migration SET applied_at = 1900000000001",
            0,
        ),
        ("UPDATE schema_migration SET applied_at = 1", 2),
        ("INSERT INTO node (writer, started_at, heartbeat_at) VALUES (randomblob(16), 0, 1900000000000)", 0),
    ] {
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        assert_eq!(store.audit().await.unwrap().faults.len(), faults, "{sql}");
    }
}

#[tokio::test]
async fn a_seat_that_its_user_held_again_too_early_is_named() {
    let (store, folder) = fresh().await;
    let mut world = conformance::World::new(&store, 10).await;
    let user = world.user(0).await;
    world.admit(user).await;
    let lapse = |held: &Reservation| conformance::lapsed(held, ReservationStatus::Expired, HoldEnd::HoldTime);
    let held = world.held(user, &[2]);
    world.commit(vec![conformance::opened(&held), lapse(&held)]).await;
    let Event::ReservationEnded { reservation: over, .. } = lapse(&held) else { unreachable!() };
    let again = world.held(user, &[2, 3]);
    let mut batch = world.batch(vec![conformance::opened(&again)], Vec::new());
    batch.at = over.ended_at.unwrap() + Duration::from_secs(10);
    world.try_commit(&batch).await.unwrap();
    let mut connection = intruder(folder.path()).await;
    for (own, faults) in [("NULL", 0), ("10000", 0), ("10001", 1)] {
        let sql = format!("UPDATE concert SET hold_again_after_ms = {own}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        let found = store.audit().await.unwrap().faults;
        assert_eq!(found.len(), faults, "{own}: {found:?}");
        assert!(
            found.iter().all(|fault| fault.contains("user 1 held seat 1:2 again less than 10001 ms after"))
        );
    }
    // What was set afterwards says nothing of before.
    let own =
        |millis| OwnRules { hold_again_after: Some(Duration::from_millis(millis)), ..OwnRules::default() };
    let settings = |millis| SaleSettings { own: own(millis), ..conformance::settings() };
    let (before, after) = (Box::new(settings(10_000)), Box::new(settings(60_000)));
    world.commit(vec![Event::SettingsChanged { before, after }]).await;
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

/// The chain of an error's causes, as a log would print it.
fn told(error: &StoreError) -> String {
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
    assert!(told(&error).contains(words), "{}", told(&error));
}

#[tokio::test]
async fn what_was_stored_is_there_when_it_is_opened_again() {
    let (store, folder) = fresh().await;
    conformance::evening(&store).await;
    drop(store);
    let store = SqliteStore::open(folder.path()).await.unwrap();
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
    assert_eq!(store.load_sale(ConcertId(1), Timestamp::default()).await.unwrap().tokens.len(), 3);
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
    assert!(told(&error).contains("migration 2 (half) failed"), "{}", told(&error));
    let half: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'half'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(half, 0);
    connection.close().await.unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    conformance::an_honest_evening_is_audited_clean(&store).await;
}

/// What is read whole on purpose: the concerts, of which there are few, and a statement's own list of rows.
const READ_WHOLE: [&str; 3] = ["SCAN c", "SCAN change", "SCAN CONSTANT ROW"];

/// What reads every row of a sale or of a user.
const TOO_MUCH: [&str; 2] = ["PRIMARY KEY (concert_id=?)", "PRIMARY KEY (user_id=?)"];

/// Every row that a question or a batch looks for is found by a key or an index.
#[tokio::test]
async fn no_question_reads_more_than_it_asks_for() {
    let (_store, folder) = fresh().await;
    let mut connection = intruder(folder.path()).await;
    // Those of `session` take a sale or a user in whole, so what they read they want.
    let wanting_all = session::QUESTIONS.iter().map(|question| ((*question).to_owned(), true));
    let others = connection::DIALECT.questions().into_iter().chain(lane::statements());
    for (question, wants_all) in wanting_all.chain(others.map(|question| (question, false))) {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {question}"));
        for step in sqlx::raw_sql(explain).fetch_all(&mut connection).await.unwrap() {
            let step = Cells::text(&step, 3).unwrap();
            let whole = step.starts_with("SCAN ") && !READ_WHOLE.contains(&step);
            let too_much = !wants_all && TOO_MUCH.iter().any(|key| step.ends_with(key));
            assert!(!whole && !too_much && !step.contains("AUTOMATIC"), "{question}\n{step}");
        }
    }
}

/// What a full disk leaves behind: SQLite ends the transaction by itself when COMMIT fails, and says so too late.
#[tokio::test]
async fn a_commit_that_failed_does_not_block_the_next_change() {
    let (store, _folder) = fresh().await;
    {
        let mut writer = store.writer().await;
        let mut transaction = writer.begin().await.unwrap();
        sqlx::query("ROLLBACK").execute(&mut *transaction).await.unwrap();
        assert!(transaction.commit().await.is_err());
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

/// What a process that is killed leaves: the files as they are at this moment.
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
    bounds::compare(|table, column| {
        let found = tables.iter().find(|row| row.text(0).unwrap() == table).expect("there is such a table");
        let sql = found.text(1).unwrap();
        assert!(sql.lines().any(|line| line.split_whitespace().next() == Some(column)), "{table}.{column}");
        // A text may be as long as it likes, where no check says otherwise.
        Column { numbers: bounds::checked(sql, column), ..Column::default() }
    });
}

/// A row of a lane's, and the store's own look at its files.
#[tokio::test]
async fn a_database_that_is_deleted_or_replaced_is_noticed_before_anything_is_confirmed() {
    for name in [FILE_NAME, "frontrow.db-wal"] {
        let (store, folder) = fresh().await;
        let mut world = conformance::World::new(&store, 10).await;
        let (path, aside) = (folder.path().join(name), folder.path().join("aside"));
        let user = world.user(0).await;

        std::fs::rename(&path, &aside).unwrap();
        let joining = Event::Joined(world.waiting(user));
        let batch = world.batch(vec![joining], Vec::new());
        let lost = world.lane.commit(&batch).await.unwrap_err();
        assert!(matches!(lost, CommitError::OutcomeUnknown(_)), "{name}: {lost:?}");
        for _ in 0..2 {
            let unsettled = world.lane.settle(&batch).await.unwrap_err();
            assert!(matches!(unsettled, CommitError::NotCommitted(StoreError::Broken(_))), "{unsettled:?}");
        }
        assert!(store.ping().await.is_err() && store.open_lane().await.is_err());
        let beat = store.heartbeat(world.writer, Timestamp::from_millis(0), Duration::from_secs(1)).await;
        assert!(told(&beat.unwrap_err()).contains("cannot go on with"));
        assert!(!path.exists(), "{name}: nothing was made in its place");

        // Another file by that name is not the database.
        std::fs::write(&path, "").unwrap();
        assert!(told(&store.ping().await.unwrap_err()).contains("replaced"));
        std::fs::rename(&aside, &path).unwrap();
        assert!(world.lane.settle(&batch).await.unwrap(), "{name}: it was written");
        store.ping().await.unwrap();
    }
}

#[tokio::test]
async fn the_log_is_copied_beside_the_work_and_a_reader_that_stays_is_seen() {
    let (store, _folder) = fresh().await;
    let mut world = conformance::World::new(&store, 10).await;
    let mut connection = None;
    let mut reader = store.read().await.unwrap();
    sqlx::query("SELECT 1 FROM users").fetch_optional(&mut *reader).await.unwrap();
    let user = world.user(0).await;
    // Something that only came behind the reader, and a batch that is open meanwhile.
    world.lane.begin(&Needs { wallets: vec![user], ..Needs::default() }).await.unwrap();
    let behind = checkpoint::step(&store, &mut connection).await.unwrap();
    assert!(behind.copied < behind.log, "{behind:?}");
    reader.rollback().await.unwrap();
    let whole = checkpoint::step(&store, &mut connection).await.unwrap();
    assert_eq!(whole.copied, whole.log, "nobody waits for the batch, and it for nobody");
    world.lane.rollback().await.unwrap();
}
