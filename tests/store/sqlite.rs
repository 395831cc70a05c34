//! The embedded store: what every store has to do, files that go away under it, a full disk, other processes, tasks that
//! are dropped, and an audit of planted faults.

use std::future::{Future, poll_fn};
use std::path::Path;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use frontrow::domain::actor::Actor;
use frontrow::domain::event::{By, Event, HoldEnd};
use frontrow::domain::ids::{ConcertId, UserId};
use frontrow::domain::record::{Reservation, ReservationStatus};
use frontrow::domain::rules::{OwnRules, SaleSettings};
use frontrow::domain::time::Timestamp;
use frontrow::store::sqlite::{FILE_NAME, SqliteStore, SqliteWriter};
use frontrow::store::{
    BatchWriter, CatchUp, Claims, CommitError, Reads, Store, StoreError, WriterId, random_id,
};
use frontrow_testing::conformance::{self, World};
use frontrow_testing::{alarms_tests, conformance_tests, duties_tests, making_tests, operators_tests};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

async fn fresh() -> (SqliteStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (SqliteStore::open(folder.path()).await.unwrap(), folder)
}

conformance_tests!(fresh());
operators_tests!(fresh());
duties_tests!(fresh());
alarms_tests!(fresh());
making_tests!(fresh());

/// Another program's connection to the database.
async fn intruder(folder: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(folder.join(FILE_NAME)).foreign_keys(false).connect().await.unwrap()
}

/// A world whose lane is at hand as what it is.
async fn world_and_lane(store: &SqliteStore) -> (World<'_>, SqliteWriter) {
    (World::new(store, 10).await, store.new_writer().await.unwrap())
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
        "over 60 is cancelled, 60 of it came back, its refunds in the ledgers are nowhere",
    ),
    (
        "UPDATE payment SET status = 'DONE', cancelled_at = NULL WHERE status = 'CANCELLED'",
        "of which 60 came back, its reservation is 60 of user 2",
    ),
    ("UPDATE payment SET cancelled_at = 1 WHERE status = 'DONE'", "is DONE, its times say otherwise"),
    (
        "UPDATE payment SET amount = 7 WHERE user_id = 1",
        "is 7 by user 1, of which 0 came back, its reservation is 160 of user 1",
    ),
    ("DELETE FROM payment WHERE user_id = 1", "is RESERVED and has no payment"),
    ("DELETE FROM payment WHERE user_id = 1", "which does not exist"),
    ("DELETE FROM payment WHERE user_id = 1", "user 1 paid 0 times, and 1 of their places in line are DONE"),
    (
        "DROP INDEX payment_reservation; INSERT INTO payment (concert_id, payment_id, reservation_id, user_id, amount, \
         status, at, cancelled_at) SELECT concert_id, randomblob(16), reservation_id, user_id, amount, status, at, \
         cancelled_at FROM payment WHERE user_id = 1",
        "has payments",
    ),
    ("DELETE FROM ticket WHERE seat = 0", "seat 1:0 is sold and has 0 valid tickets"),
    ("DELETE FROM ticket WHERE seat = 0", "are not for the seats of its reservation"),
    (
        "DROP INDEX ticket_valid; INSERT INTO ticket (concert_id, ticket_id, payment_id, reservation_id, schedule_id, \
         seat, user_id, code, issued_at, cancelled_at) SELECT concert_id, randomblob(16), payment_id, reservation_id, \
         schedule_id, seat, user_id, code, issued_at, cancelled_at FROM ticket WHERE seat = 0",
        "seat 1:0 is sold and has 2 valid tickets",
    ),
    (
        "UPDATE payment SET refunded = 5 WHERE status = 'DONE'",
        "is done, 5 of it came back, its refunds in the ledgers are",
    ),
    ("UPDATE ticket SET moved_to = 7 WHERE seat = 0", "is in no journal as it is"),
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
        "UPDATE reservation SET status = 'RESERVED', seats = '0' WHERE user_id = 2",
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
        "entry 2 is WAITING of user 3, the journal has it as PROGRESS of user 3",
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
        "UPDATE queue SET token = CAST(substr(token, 1, 15) || x'00' AS BLOB) WHERE user_id = 4",
        "entry 3 is not as in the journal: token",
    ),
    (
        "UPDATE concert SET token_secret = NULL",
        "entry 3 has a token of the sale's secret, which is not there",
    ),
    ("UPDATE concert SET token_secret = x'00'", "a secret of tokens has 1 bytes instead of 32"),
    (
        "UPDATE queue SET reason = 'bored' WHERE user_id = 6",
        "a row of queue cannot be read: unknown word \"EXPIRED\"",
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
        "a row of reservation cannot be read: unknown word \"4,x\"",
    ),
    ("DELETE FROM reservation_seat WHERE seat = 0", "seat 1:0 is sold to reservation"),
    ("UPDATE queue SET entered_at = 1 WHERE user_id = 4", "entry 3 is not as in the journal: entered_at"),
    ("UPDATE queue SET admitted_at = 1 WHERE user_id = 3", "entry 2 is not as in the journal: admitted_at"),
    ("UPDATE queue SET ended_at = 1 WHERE user_id = 6", "entry 5 is not as in the journal: ended_at"),
    ("UPDATE reservation SET opened_at = 1 WHERE user_id = 3", "is not as in the journal: opened_at"),
    ("UPDATE reservation SET expires_at = 1 WHERE user_id = 5", "is not as in the journal: expires_at"),
    (
        "UPDATE reservation SET best_requests = '[[\"r\",1,null]]' WHERE user_id = 3",
        "is not as in the journal: best_requests",
    ),
    ("DELETE FROM reservation WHERE user_id = 5", "the journal opened 4 reservations, 3 are stored"),
    (
        "INSERT INTO reservation (concert_id, reservation_id, schedule_id, user_id, status, seats, amount, opened_at, \
         expires_at, ended_at, best_requests, guest_of) SELECT concert_id, randomblob(16), schedule_id, user_id, status, \
         seats, amount, opened_at, expires_at, ended_at, best_requests, guest_of FROM reservation WHERE user_id = 5",
        "is in no journal",
    ),
    ("UPDATE payment SET at = 1 WHERE user_id = 1", "is not as in the journal: at"),
    (
        "UPDATE payment SET payment_id = randomblob(16) WHERE user_id = 1",
        "is not as in the journal: payment_id",
    ),
    ("UPDATE ticket SET ticket_id = randomblob(16) WHERE seat = 0", "is in no journal"),
    (
        "UPDATE journal SET events = replace(events, '[0,1],160,', '[0,1],159,')",
        "costs 160, and 159 was paid",
    ),
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
    (
        "UPDATE concert SET rehearsal_of = 7, archived_at = 5",
        "concert 1 is a rehearsal of concert 7 that is being made or taken away",
    ),
    (
        "INSERT INTO users (name, issuer, subject, created_at) VALUES ('R', 'frontrow:rehearsal:9', '1', 0)",
        "is left over from a rehearsal",
    ),
    ("DELETE FROM concert", "journal has rows of concert 1, which does not exist"),
    ("DELETE FROM concert", "operator_log has rows of concert 1, which does not exist"),
    ("DELETE FROM operator_log WHERE what = 'set'", "a `set` by operator 7, is not in the operators' log"),
    ("UPDATE operator_log SET nr = 7 WHERE what = 'keep'", "which no operator made"),
    (
        "UPDATE operator_log SET nr = 7 WHERE what = 'keep'",
        "a `keep` by operator 7, is not in the operators' log",
    ),
    (
        "INSERT INTO operator_log (concert_id, seq, nr, at, operator_id, what) VALUES (1, 1, 0, 0, 8, 'refund')",
        "of the log is about event 0 of journal row 1, which no operator made",
    ),
    (
        "UPDATE operator_log SET at = 1, operator_id = 8, reason = 'rain' WHERE what = 'keep'",
        ": at, who, reason",
    ),
    ("UPDATE operator_log SET came_from = NULL WHERE what = 'keep'", ": who"),
    (
        "UPDATE operator_log SET subject = 'performance 1', became = '{\"seats\":[[7,9]]}' WHERE what = 'keep'",
        ": subject, became",
    ),
    ("UPDATE operator_log SET what = 'open' WHERE what = 'keep'", ": what"),
    (
        "UPDATE operator_log SET was = '{\"capacity\":1}' WHERE what = 'set'",
        "of the log is not as event 0 of journal row",
    ),
    (
        "UPDATE operator_log SET user_id = 3 WHERE what = 'set'",
        "a row of operator_log cannot be read: it names an operator and a user",
    ),
    (r#"UPDATE journal SET events = replace(events, '"operator":7}', '"operator":9}')"#, ": who"),
];

#[tokio::test]
async fn what_operators_did_before_there_was_a_log_is_no_fault() {
    let (store, folder) = fresh().await;
    conformance::evening(&store).await;
    let mut connection = intruder(folder.path()).await;
    // The log lost all of it, and then what it lost is older than the log, or of an older server that ran on meanwhile.
    for (sql, faults) in [
        ("DELETE FROM operator_log", 2),
        ("UPDATE schema_migration SET applied_at = 1900000000001 WHERE name = 'operator_log'", 0),
        ("UPDATE schema_migration SET applied_at = 1 WHERE name = 'operator_log'", 2),
        ("INSERT INTO node (writer, started_at, heartbeat_at) VALUES (randomblob(16), 0, 1900000000000)", 0),
    ] {
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        let found = store.audit().await.unwrap().faults;
        assert_eq!(found.len(), faults, "{sql}: {found:?}");
    }
}

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
async fn a_rule_that_somebody_else_changed_is_not_overruled() {
    let (store, folder) = fresh().await;
    let mut connection = intruder(folder.path()).await;
    conformance::settings_that_others_changed(&store, async |sql: &'static str| {
        sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected()
    })
    .await;
}

#[tokio::test]
async fn a_user_who_took_more_seats_than_one_may_is_named() {
    let (store, folder) = fresh().await;
    let mut world = conformance::World::new(&store, 10).await;
    let user = world.user(0).await;
    world.admit(user).await;
    let lapse = |held: &Reservation| conformance::lapsed(held, ReservationStatus::Expired, HoldEnd::HoldTime);
    let first = world.held(user, &[1, 2]);
    let second = Reservation { schedule: world.schedules[1], ..world.held(user, &[1, 2, 3]) };
    world.commit(vec![conformance::opened(&first)]).await;
    world.commit(vec![conformance::opened(&second)]).await;
    // The row by which this process claimed the sale is 1, that of the token 2.
    let had = |seats: u32, row: u32, max: u32| {
        format!(
            "sale 1: user 1 took seats in journal row {row} and had {seats} then, where one may have {max}"
        )
    };
    let mut connection = intruder(folder.path()).await;
    let mut faults = async |sql: &'static str| {
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        store.audit().await.unwrap().faults
    };
    let none = Vec::<String>::new();
    assert_eq!(faults("UPDATE concert SET own_rules = NULL").await, none);
    assert_eq!(faults(r#"UPDATE concert SET own_rules = '{"seats_per_user_max": 0}'"#).await, none);
    assert_eq!(faults(r#"UPDATE concert SET own_rules = '{"seats_per_user_max": 5}'"#).await, none);
    let four = r#"UPDATE concert SET own_rules = '{"seats_per_user_max": 4}'"#;
    assert_eq!(faults(four).await, [had(5, 4, 4)]);
    // A limit that is set afterwards takes nothing away, and holds for whatever is taken from then on.
    let limit = |max| {
        let own = OwnRules { seats_per_user_max: Some(max), ..OwnRules::default() };
        Box::new(SaleSettings { own, ..conformance::settings() })
    };
    world
        .commit(vec![Event::SettingsChanged {
            before: limit(5),
            after: limit(2),
            by: By::Actor(Actor::UNNAMED),
        }])
        .await;
    assert_eq!(faults(four).await, none);
    world.commit(vec![lapse(&second)]).await;
    assert_eq!(faults(four).await, none);
    let third = Reservation { schedule: world.schedules[1], ..world.held(user, &[5]) };
    world.commit(vec![conformance::opened(&third)]).await;
    assert_eq!(faults(four).await, [had(3, 7, 2)]);
    // A server that did not know the limit ran until then.
    let since = "UPDATE schema_migration SET applied_at = 1900000000001 WHERE name = 'concert_own_rules'";
    assert_eq!(faults(since).await, none);
}

#[tokio::test]
async fn a_seat_that_its_user_held_again_too_early_is_named() {
    let (store, folder) = fresh().await;
    let mut world = World::new(&store, 10).await;
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
    // A setting that is set afterwards says nothing of before.
    let own =
        |millis| OwnRules { hold_again_after: Some(Duration::from_millis(millis)), ..OwnRules::default() };
    let settings = |millis| SaleSettings { own: own(millis), ..conformance::settings() };
    let (before, after) = (Box::new(settings(10_000)), Box::new(settings(60_000)));
    let by = By::Actor(Actor::UNNAMED);
    world.commit(vec![Event::SettingsChanged { before, after, by }]).await;
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
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

/// A row of a lane's, and the store's own look at its files.
#[tokio::test]
async fn a_database_that_is_deleted_or_replaced_is_noticed_before_anything_is_confirmed() {
    for name in [FILE_NAME, "frontrow.db-wal"] {
        let (store, folder) = fresh().await;
        let mut world = World::new(&store, 10).await;
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
        assert!(store.ping().await.is_err() && store.open_writer().await.is_err());
        let beat = store.heartbeat(world.writer, Timestamp::from_millis(0), Duration::from_secs(1)).await;
        assert!(message(&beat.unwrap_err()).contains("cannot go on with"));
        assert!(!path.exists(), "{name}: nothing was made in its place");

        // Another file by that name is not the database.
        std::fs::write(&path, "").unwrap();
        assert!(message(&store.ping().await.unwrap_err()).contains("replaced"));
        std::fs::rename(&aside, &path).unwrap();
        assert!(world.lane.settle(&batch).await.unwrap(), "{name}: it was written");
        store.ping().await.unwrap();
    }
}

/// What an older program wrote last, it wrote together with its rows.
#[tokio::test]
async fn a_sale_whose_journal_ends_with_a_row_of_before_has_all_of_it() {
    let (store, folder) = fresh().await;
    let mut world = World::new(&store, 10).await;
    let joining = world.joining(UserId(1));
    let batch = world.batch(joining, Vec::new());
    world.lane.commit(&batch).await.unwrap();
    assert_eq!(store.behind().await.unwrap().len(), 1);
    let old = "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events) \
               SELECT concert_id, max(seq) + 1, randomblob(16), writer, at, '[]' FROM journal";
    sqlx::raw_sql(old).execute(&mut intruder(folder.path()).await).await.unwrap();
    let next = WriterId(random_id());
    store.claim(world.concert, next, Timestamp::from_millis(1_900_000_000_000), None).await.unwrap();
    assert_eq!(store.behind().await.unwrap(), []);
    assert_eq!(store.catch_up(world.concert, next, 100).await.unwrap(), 0);
}

async fn pragma(lane: &mut SqliteWriter, pragma: String) {
    let pragma = sqlx::raw_sql(sqlx::AssertSqlSafe(pragma));
    pragma.execute(lane.connection().await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_the_batch_whole_and_the_lane_goes_on_when_there_is_room() {
    let (store, _folder) = fresh().await;
    let (mut world, mut lane) = world_and_lane(&store).await;
    let pages: i64 =
        sqlx::query_scalar("PRAGMA page_count").fetch_one(lane.connection().await.unwrap()).await.unwrap();
    pragma(&mut lane, format!("PRAGMA max_page_count = {pages}")).await;
    let joins = (1..=2_000).flat_map(|user| world.joining(UserId(user))).collect::<Vec<Event>>();
    let batch = world.batch(joins, Vec::new());
    let refused = lane.commit(&batch).await.unwrap_err();
    assert!(matches!(&refused, CommitError::NotCommitted(StoreError::Broken(cause))
        if cause.to_string().contains("full")));
    assert!(world.load().await.tokens.is_empty());
    assert_eq!(world.load().await.journal, world.journal);

    pragma(&mut lane, format!("PRAGMA max_page_count = {}", pages + 1_000)).await;
    lane.commit(&batch).await.unwrap();
    world.follow(&batch).await;
    assert_eq!(world.load().await.tokens.len(), 2_000);
}

#[tokio::test]
async fn another_process_that_writes_for_long_makes_a_certain_rollback() {
    let (store, folder) = fresh().await;
    let (mut world, mut lane) = world_and_lane(&store).await;
    let mut other = intruder(folder.path()).await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();

    pragma(&mut lane, "PRAGMA busy_timeout = 1".to_owned()).await;
    let joining = world.joining(UserId(1));
    let batch = world.batch(joining, Vec::new());
    for _ in 0..2 {
        let refused = lane.commit(&batch).await.unwrap_err();
        assert!(matches!(refused, CommitError::NotCommitted(StoreError::RolledBack(_))), "{refused:?}");
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    lane.commit(&batch).await.unwrap();
    world.follow(&batch).await;
    assert_eq!(world.load().await.tokens.len(), 1);
}

/// The result of `step`, if it is there before it has been polled so often.
async fn dropped_after<T>(polls: usize, step: impl Future<Output = T>) -> Option<T> {
    let mut step = pin!(step);
    let mut left = polls;
    poll_fn(move |context| match left {
        0 => Poll::Ready(None),
        _ => {
            left -= 1;
            step.as_mut().poll(context).map(Some)
        }
    })
    .await
}

/// Goal: half a batch that nobody waits for any more is never committed with the next one. Method: its task is dropped
/// wherever it waits for the database.
#[tokio::test]
async fn half_a_batch_that_nobody_waits_for_is_not_committed_with_the_next() {
    for polls in 1.. {
        let (store, _folder) = fresh().await;
        let (mut world, mut lane) = world_and_lane(&store).await;
        let user = world.user(1_000).await;
        let held = world.held(user, &[1]);
        let (joining, pay) = (world.joining(user), world.paid(&held, 1_000));
        let events = joining.into_iter().chain([conformance::opened(&held), pay]).collect();
        let dropped = world.batch(events, Vec::new());
        if dropped_after(polls, lane.commit(&dropped)).await.is_some() {
            assert!(polls > 5, "it waited {polls} times");
            break;
        }
        let joining = world.joining(UserId(2));
        let next = world.batch(joining, Vec::new());
        match lane.commit(&next).await {
            Ok(()) => world.follow(&next).await,
            // It had got to its COMMIT, which was done.
            Err(CommitError::SteppedDown { .. }) => {
                assert!(lane.settle(&dropped).await.unwrap());
                world.follow(&dropped).await;
            }
            Err(error) => panic!("{error:?}"),
        }
        let tokens: Vec<_> = world.load().await.tokens.iter().map(|token| token.user).collect();
        let balance = store.balance(user).await.unwrap();
        let is_whole = tokens == [user] && balance == Some(1_000 - held.amount);
        assert!(
            is_whole || (tokens == [UserId(2)] && balance == Some(1_000)),
            "after {polls}: {tokens:?}, {balance:?}"
        );
    }
}
