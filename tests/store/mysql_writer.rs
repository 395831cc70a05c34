//! Every way in which a batch can fail on a real server, and that a lane goes on from each: deadlocks, locks, lost
//! connections, lost answers, a server that must not be written to, a full table, a schema that does not fit.

use std::sync::Arc;
use std::time::Duration;

use frontrow::domain::command::Needs;
use frontrow::domain::event::{Event, HoldEnd};
use frontrow::domain::ids::{SeatId, UserId};
use frontrow::domain::record::{Reservation, ReservationStatus};
use frontrow::domain::time::Timestamp;
use frontrow::store::mysql::{Form, MySqlStore, MySqlWriter};
use frontrow::store::{
    Batch, BatchWriter, CommitError, JournalPosition, NewUser, Reads, SeatStatus, Setup, Store as _,
    StoreError, TableWriter,
};
use frontrow_testing::conformance::{World, lapsed, opened};
use frontrow_testing::mariadb::{self, empty_database};
use frontrow_testing::proxy::{Fault, Proxy};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Row};

/// A world, the lane of its writer as what it is, and another program's connection to the same database.
pub async fn stage(store: &MySqlStore) -> (World<'_>, MySqlWriter, MySqlConnection) {
    let world = World::new(store, 3_000).await;
    let lane = store.new_writer().await.unwrap();
    let other = store.options().connect().await.unwrap();
    (world, lane, other)
}

async fn open() -> MySqlStore {
    MySqlStore::open(&empty_database().await).await.unwrap()
}

async fn run(connection: &mut MySqlConnection, sql: impl Into<String>) {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(connection).await.unwrap();
}

async fn number_of(connection: &mut MySqlConnection, sql: impl Into<String>) -> u64 {
    let row = sqlx::raw_sql(AssertSqlSafe(sql.into())).fetch_one(connection).await.unwrap();
    row.try_get_unchecked::<i64, _>(0).unwrap() as u64
}

/// Waits until somebody waits for a lock on a row of this store's database. The server's own report shows it, because
/// its tables of transactions are not renewed while they are queried all the time.
async fn somebody_waits(store: &MySqlStore) {
    let mut admin = mariadb::admin().await;
    let table = format!("of table `{}`.", store.options().get_database().unwrap());
    let is_waiting = |line: &str| line.contains(&table) && line.contains("lock") && line.ends_with("waiting");
    loop {
        let status = sqlx::raw_sql("SHOW ENGINE INNODB STATUS").fetch_one(&mut admin).await.unwrap();
        if status.get::<String, _>(2).lines().any(is_waiting) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

fn took_place(world: &mut World<'_>, batch: &Batch) {
    world.journal = JournalPosition { seq: batch.sales[0].seq, batch: batch.id };
}

async fn commits(world: &mut World<'_>, lane: &mut MySqlWriter, batch: &Batch) {
    lane.commit(batch).await.unwrap();
    world.follow(batch).await;
    took_place(world, batch);
    assert_eq!(world.load().await.journal, world.journal);
}

fn is_rolled_back(error: &CommitError) -> bool {
    matches!(error, CommitError::NotCommitted(StoreError::RolledBack(_)))
}

fn is_unreachable(error: &CommitError) -> bool {
    matches!(error, CommitError::NotCommitted(StoreError::Unreachable(_)))
}

fn is_broken(error: &CommitError) -> bool {
    matches!(error, CommitError::NotCommitted(StoreError::Broken(_)))
}

fn is_unknown(error: &CommitError) -> bool {
    matches!(error, CommitError::OutcomeUnknown(_))
}

fn is_refused(error: &CommitError) -> bool {
    matches!(error, CommitError::NotCommitted(StoreError::Refused(_)))
}

pub fn holding(world: &mut World<'_>, user: u64, seat: u32) -> Batch {
    let held = world.held(UserId(user), &[seat]);
    world.batch(vec![opened(&held)], Vec::new())
}

/// The server's counters of this lane's connection: everything that it was sent, statements it had to prepare,
/// transactions begun and committed.
async fn counted(lane: &mut MySqlWriter) -> [u64; 4] {
    let sql = "SELECT variable_name, CAST(variable_value AS SIGNED) FROM information_schema.session_status \
         WHERE variable_name IN ('QUESTIONS', 'COM_STMT_PREPARE', 'COM_BEGIN', 'COM_COMMIT')";
    let rows = sqlx::raw_sql(sql).fetch_all(lane.connection().await.unwrap()).await.unwrap();
    ["QUESTIONS", "COM_STMT_PREPARE", "COM_BEGIN", "COM_COMMIT"].map(|name| {
        let row = rows.iter().find(|row| row.get::<String, _>(0).eq_ignore_ascii_case(name));
        row.expect("it is counted").try_get_unchecked::<i64, _>(1).unwrap() as u64
    })
}

#[tokio::test]
async fn a_warm_batch_without_money_is_one_statement() {
    for schedules in [1, 2] {
        a_warm_batch_is_one_statement(schedules).await;
    }
}

/// A batch of several sales is prepared the first time that there are so many, or up to twice as many.
#[tokio::test]
async fn so_is_one_of_several_sales() {
    let store = open().await;
    let mut worlds = Vec::new();
    let (first, mut lane, _) = stage(&store).await;
    let writer = first.writer;
    for _ in 0..2 {
        let mut world = World::new(&store, 10).await;
        world.writer = writer;
        worlds.push(world);
    }
    worlds.insert(0, first);
    for world in &mut worlds {
        world.claim_again().await;
    }
    for round in 0..3 {
        let mut batch = worlds[0].batch(Vec::new(), Vec::new());
        for world in &mut worlds {
            let held = opened(&world.held(UserId(1), &[round]));
            batch.sales.extend(world.batch(vec![held], Vec::new()).sales);
        }
        let before = counted(&mut lane).await;
        lane.begin(&Needs::default()).await.unwrap();
        lane.commit(&batch).await.unwrap();
        let after = counted(&mut lane).await;
        let [sent, prepared, begun, committed] = std::array::from_fn(|i| after[i] - before[i]);
        assert_eq!((sent - 1, begun, committed), (1, 0, 0));
        assert_eq!(prepared, u64::from(round == 0));
        for (world, sale) in worlds.iter_mut().zip(&batch.sales) {
            world.journal = JournalPosition { seq: sale.seq, batch: batch.id };
        }
    }
}

/// What is only read is locked by nobody.
#[tokio::test]
async fn what_is_read_of_a_sale_begins_no_transaction() {
    let store = open().await;
    let (mut world, mut lane, _) = stage(&store).await;
    let held = world.held(UserId(1), &[1]);
    let batch = world.batch(vec![opened(&held)], Vec::new());
    let before = counted(&mut lane).await;
    let needs = Needs { reservations: vec![held.id], ..Needs::default() };
    lane.begin(&needs).await.unwrap();
    commits(&mut world, &mut lane, &batch).await;
    lane.begin(&needs).await.unwrap();
    lane.rollback().await.unwrap();
    let after = counted(&mut lane).await;
    assert_eq!((after[2] - before[2], after[3] - before[3]), (0, 0));
}

async fn a_warm_batch_is_one_statement(schedules: u64) {
    const HOLDS: u64 = 1_000;
    let store = open().await;
    let (mut world, mut lane, _) = stage(&store).await;
    for round in 0..3 {
        let seat = |user: u64| (round * HOLDS + user) as u32;
        let mut hold = |user: u64| {
            let schedule = world.schedules[(user % schedules) as usize];
            opened(&Reservation { schedule, ..world.held(UserId(user + 1), &[seat(user)]) })
        };
        let holds = (0..HOLDS).map(&mut hold).collect();
        let batch = world.batch(holds, Vec::new());
        let before = counted(&mut lane).await;
        lane.begin(&Needs::default()).await.unwrap();
        commits(&mut world, &mut lane, &batch).await;
        let after = counted(&mut lane).await;
        let [sent, prepared, begun, committed] = std::array::from_fn(|i| after[i] - before[i]);
        // The question for the counters is one of those sent.
        assert_eq!((sent - 1, begun, committed), (1, 0, 0));
        assert!(round == 0 || prepared == 0, "round {round} prepared {prepared} statements");
    }
    assert_eq!(world.load().await.reservations.len(), 3 * HOLDS as usize);
}

#[tokio::test]
async fn a_deadlock_is_a_certain_rollback() {
    let store = open().await;
    let (mut world, mut lane, mut other) = stage(&store).await;
    let user = world.user(100).await;
    let batch = holding(&mut world, user.0, 1);
    // The other transaction has done more, so the lane's is the one that the server gives up.
    run(&mut other, "CREATE TABLE work (n INT PRIMARY KEY) ENGINE = InnoDB").await;
    run(
        &mut other,
        "START TRANSACTION; INSERT INTO work SELECT seat FROM concert_seat WHERE schedule_id = 1",
    )
    .await;
    run(&mut other, "SELECT 1 FROM journal WHERE concert_id = 1 FOR UPDATE").await;
    lane.begin(&Needs { wallets: vec![user], ..Needs::default() }).await.unwrap();
    let wallet = format!("SELECT 1 FROM users WHERE user_id = {user} FOR UPDATE");
    let (refused, ()) = tokio::join!(lane.commit(&batch), run(&mut other, wallet));
    let refused = refused.unwrap_err();
    assert!(is_rolled_back(&refused), "{refused:?}");
    run(&mut other, "ROLLBACK").await;
    commits(&mut world, &mut lane, &batch).await;
}

#[tokio::test]
async fn a_lock_that_does_not_come_is_a_certain_rollback_of_the_whole_batch() {
    let store = open().await;
    let (mut world, mut lane, mut other) = stage(&store).await;
    let user = world.user(100).await;
    run(lane.connection().await.unwrap(), "SET SESSION innodb_lock_wait_timeout = 0").await;
    // The server gives up only the statement; what came before it in the batch has to go too.
    for (seat, wallets) in [(1, vec![]), (2, vec![user])] {
        let needs = Needs { wallets, ..Needs::default() };
        let batch = holding(&mut world, 1, seat);
        run(&mut other, "START TRANSACTION").await;
        run(&mut other, "SELECT 1 FROM journal WHERE concert_id = 1 FOR UPDATE").await;
        lane.begin(&needs).await.unwrap();
        let refused = lane.commit(&batch).await.unwrap_err();
        assert!(is_rolled_back(&refused), "{refused:?}");
        assert_eq!(world.load().await.journal, world.journal);
        run(&mut other, "ROLLBACK").await;
        commits(&mut world, &mut lane, &batch).await;
    }
}

#[tokio::test]
async fn a_statement_that_an_operator_stops_is_a_certain_rollback() {
    let store = open().await;
    let (mut world, mut lane, mut other) = stage(&store).await;
    let batch = holding(&mut world, 1, 1);
    let lane_id = number_of(lane.connection().await.unwrap(), "SELECT connection_id()").await;
    run(&mut other, "START TRANSACTION").await;
    run(&mut other, "SELECT 1 FROM journal WHERE concert_id = 1 FOR UPDATE").await;
    let stop = async {
        somebody_waits(&store).await;
        run(&mut mariadb::admin().await, format!("KILL QUERY {lane_id}")).await;
    };
    let (refused, ()) = tokio::join!(lane.commit(&batch), stop);
    let refused = refused.unwrap_err();
    assert!(is_rolled_back(&refused), "{refused:?}");
    run(&mut other, "ROLLBACK").await;
    commits(&mut world, &mut lane, &batch).await;
}

#[tokio::test]
async fn a_connection_that_is_lost_before_the_commit_is_made_again() {
    let store = open().await;
    let (mut world, mut lane, _) = stage(&store).await;
    let user = world.user(100).await;
    let lane_id = number_of(lane.connection().await.unwrap(), "SELECT connection_id()").await;
    lane.begin(&Needs { wallets: vec![user], ..Needs::default() }).await.unwrap();
    run(&mut mariadb::admin().await, format!("KILL {lane_id}")).await;
    let batch = holding(&mut world, user.0, 1);
    let refused = lane.commit(&batch).await.unwrap_err();
    assert!(is_unreachable(&refused), "{refused:?}");
    assert_eq!(world.load().await.journal, world.journal);
    commits(&mut world, &mut lane, &batch).await;
}

/// Of a batch that is one statement nobody knows: its sale is claimed anew, and loaded with it or without it.
#[tokio::test]
async fn a_lane_that_was_dropped_in_the_middle_leaves_nothing_half_done() {
    let store = open().await;
    let (mut world, mut lane, mut other) = stage(&store).await;
    let user = world.user(100).await;
    for needs in [Needs { wallets: vec![user], ..Needs::default() }, Needs::default()] {
        let is_alone = needs.is_empty();
        run(&mut other, "START TRANSACTION").await;
        run(&mut other, "SELECT 1 FROM journal WHERE concert_id = 1 FOR UPDATE").await;
        let dropped = holding(&mut world, 1, 1);
        lane.begin(&needs).await.unwrap();
        tokio::select! {
            _ = lane.commit(&dropped) => panic!("it cannot have the journal's lock"),
            () = somebody_waits(&store) => {}
        }
        run(&mut other, "ROLLBACK").await;
        if is_alone {
            world.claim_again().await;
        }
        let next = holding(&mut world, 2, if is_alone { 3 } else { 2 });
        commits(&mut world, &mut lane, &next).await;
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    // A port that was free a moment ago, and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = MySqlStore::open(&format!("mysql://fan:hush@127.0.0.1:{port}/f")).await.err().unwrap();
    assert!(matches!(error, StoreError::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_is_for_an_operator_and_is_not_printed() {
    let url = empty_database().await.replace("root@", "nobody:hush@");
    let error = MySqlStore::open(&url).await.err().unwrap();
    assert!(matches!(error, StoreError::Broken(_)));
    assert!(!format!("{error:?}").contains("hush"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_must_not_be_written_to_is_left_for_another_connection() {
    let url = empty_database().await;
    let store = MySqlStore::open(&url).await.unwrap();
    let (mut world, ..) = stage(&store).await;
    // The user whom `read_only` concerns has every right to the database and none to the server.
    let mut admin = mariadb::admin().await;
    let database = store.options().get_database().unwrap();
    run(&mut admin, "CREATE USER plain@localhost").await;
    run(&mut admin, format!("GRANT ALL ON {database}.* TO plain@localhost")).await;
    let mut lane =
        MySqlStore::open(&url.replace("root@", "plain@")).await.unwrap().new_writer().await.unwrap();
    let own_id = "SELECT CAST(connection_id() AS SIGNED)";
    let refusing = number_of(lane.connection().await.unwrap(), own_id).await;
    run(&mut admin, "SET GLOBAL read_only = 1").await;
    let batch = holding(&mut world, 1, 1);
    let refused = lane.commit(&batch).await;
    run(&mut admin, "SET GLOBAL read_only = 0").await;
    let refused = refused.unwrap_err();
    assert!(is_unreachable(&refused), "{refused:?}");
    assert_ne!(number_of(lane.connection().await.unwrap(), own_id).await, refusing);
    commits(&mut world, &mut lane, &batch).await;
}

#[tokio::test]
async fn a_full_table_is_followed_when_there_is_room() {
    const BALANCE: i64 = 100_000_000;
    let store = open().await;
    let (mut world, mut lane, mut other) = stage(&store).await;
    run(&mut other, "SET SESSION max_heap_table_size = 16384").await;
    run(&mut other, "ALTER TABLE reservation_seat ENGINE = MEMORY").await;
    let seats: Vec<u32> = (0..3_000).collect();
    let user = world.user(BALANCE).await;
    let held = world.held(user, &seats);
    let batch = world.batch(vec![opened(&held)], Vec::new());
    commits(&mut world, &mut lane, &batch).await;
    let paid = world.paid(&held, BALANCE);
    let batch = world.batch(vec![paid], Vec::new());
    lane.commit(&batch).await.unwrap();
    let following = world.following(&batch);
    let refused = lane.follow(&following).await.unwrap_err();
    assert!(is_broken(&refused.into()), "the table is full");
    assert_eq!(store.behind().await.unwrap().len(), 1);
    run(&mut other, "DELETE FROM reservation_seat").await;
    run(&mut other, "ALTER TABLE reservation_seat ENGINE = InnoDB").await;
    assert_eq!(lane.follow(&following).await.unwrap(), following.to);
    took_place(&mut world, &batch);
    let next = holding(&mut world, 2, 1);
    assert!(is_refused(&lane.follow(&world.following(&next)).await.unwrap_err().into()), "it is sold");
    assert_eq!(store.balance(user).await.unwrap(), Some(BALANCE - held.amount));
}

#[tokio::test]
async fn a_schema_that_does_not_fit_is_for_an_operator() {
    let store = open().await;
    let (mut world, mut lane, mut other) = stage(&store).await;
    run(&mut other, "RENAME TABLE journal TO mislaid").await;
    let batch = holding(&mut world, 1, 1);
    let refused = lane.commit(&batch).await.unwrap_err();
    assert!(is_broken(&refused), "{refused:?}");
    run(&mut other, "RENAME TABLE mislaid TO journal").await;
    commits(&mut world, &mut lane, &batch).await;
}

type OfClass = fn(&CommitError) -> bool;

/// This server does not do it by itself: it is made to answer so.
#[tokio::test]
async fn each_number_is_of_its_class() {
    let classes: [(&[u16], OfClass); 5] = [
        (&[1020, 1205, 1213, 1412, 1969, 3101, 8002, 8022, 8028, 9007], is_rolled_back),
        (&[1461, 1615, 5930], is_rolled_back),
        (&[1040, 1047, 1053, 1180, 1223, 1290, 1792, 1836, 1927, 3032, 3100], is_unreachable),
        (&[1021, 1028, 1030, 1114], is_broken),
        (&[1048, 1062, 1264, 1265, 1292, 1366, 1406, 1644, 1690, 3819, 4025], is_refused),
    ];
    answers_are_of_their_classes(&classes, true).await;
}

/// Of a statement that commits by itself, what may have come in its commit is no answer.
#[tokio::test]
async fn each_number_is_of_its_class_in_a_batch_of_one_statement() {
    let classes: [(&[u16], OfClass); 6] = [
        (&[1020, 1205, 1213, 1412, 1969, 3101, 8002, 8022, 8028, 9007], is_rolled_back),
        (&[1461, 1615, 5930], is_rolled_back),
        (&[1223, 1290, 1792, 1836], is_unreachable),
        (&[1114], is_broken),
        (&[1040, 1047, 1053, 1180, 1927, 3032, 3100, 1021, 1028, 1030], is_unknown),
        (&[1048, 1062, 1264, 1265, 1292, 1366, 1406, 1644, 1690, 3819, 4025], is_refused),
    ];
    answers_are_of_their_classes(&classes, false).await;
}

async fn answers_are_of_their_classes(classes: &[(&[u16], OfClass)], in_transaction: bool) {
    let store = open().await;
    let (mut world, mut lane, mut other) = stage(&store).await;
    let user = world.user(100).await;
    let wallets = if in_transaction { vec![user] } else { Vec::new() };
    let needs = Needs { wallets, ..Needs::default() };
    let batch = holding(&mut world, 1, 1);
    for (numbers, of_class) in classes {
        for number in *numbers {
            let trigger = format!(
                "CREATE OR REPLACE TRIGGER fails BEFORE INSERT ON journal FOR EACH ROW \
                 SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}"
            );
            run(&mut other, trigger).await;
            lane.begin(&needs).await.unwrap();
            let refused = lane.commit(&batch).await.unwrap_err();
            assert!(of_class(&refused), "{number}: {refused:?}");
        }
    }
    run(&mut other, "DROP TRIGGER fails").await;
    commits(&mut world, &mut lane, &batch).await;
}

#[tokio::test]
async fn a_seat_that_is_somebody_elses_is_never_written() {
    for form in [Form::Numbered, Form::Upsert] {
        refuses_what_is_somebody_elses(form).await;
    }
}

async fn refuses_what_is_somebody_elses(form: Form) {
    let store = open().await;
    assert_eq!(store.form(), Form::Numbered);
    let store = store.in_form(form);
    let (mut world, mut lane, _) = stage(&store).await;
    let first = holding(&mut world, 1, 1);
    commits(&mut world, &mut lane, &first).await;
    let twice = holding(&mut world, 2, 1);
    let not_theirs = world.held(UserId(3), &[1]);
    let release = Event::SeatsReleased { reservation: not_theirs.clone(), seats: vec![SeatId(1)] };
    let release = world.batch(vec![release], Vec::new());
    let pay = world.paid(&not_theirs, 1_000);
    let pay = world.batch(vec![pay], Vec::new());
    for batch in [twice, release, pay] {
        let refused = lane.follow(&world.following(&batch)).await.unwrap_err();
        assert!(is_refused(&refused.into()));
    }
    let taken = &world.load().await.schedules[0].taken;
    assert_eq!(taken.len(), 1);
    assert_eq!(world.load().await.journal, world.journal);
}

/// Nobody else has them: two fans of the same batch have each other's.
#[tokio::test]
async fn a_seat_is_sold_to_nobody_but_its_holder() {
    for form in [Form::Numbered, Form::Upsert] {
        let store = open().await.in_form(form);
        let (mut world, mut lane, _) = stage(&store).await;
        for name in ["one", "other"] {
            let fan =
                NewUser { name: name.into(), balance: 1_000, guest: false, at: Timestamp::from_millis(0) };
            store.add_user(fan).await.unwrap();
        }
        let held = [world.held(UserId(1), &[5, 7]), world.held(UserId(2), &[6, 8])];
        let batch = world.batch(held.iter().map(opened).collect(), Vec::new());
        commits(&mut world, &mut lane, &batch).await;
        let [one, other] = &held;
        let mixed_up = [
            Reservation { seats: other.seats.clone(), ..one.clone() },
            Reservation { seats: one.seats.clone(), ..other.clone() },
        ];
        let mut paid = |reservations: &[Reservation]| {
            let paid = reservations.iter().map(|held| world.paid(held, 1_000)).collect();
            world.batch(paid, Vec::new())
        };
        let (wrong, right) = (paid(&mixed_up), paid(&held));
        let refused = lane.follow(&world.following(&wrong)).await.unwrap_err();
        assert!(is_refused(&refused.into()));
        commits(&mut world, &mut lane, &right).await;
        let sold =
            |seat: u32| (SeatId(seat), SeatStatus::Reserved, held[usize::from(seat.is_multiple_of(2))].id);
        assert_eq!(world.load().await.schedules[0].taken, [sold(5), sold(6), sold(7), sold(8)]);
    }
}

/// Goal: a server of before, which runs as a standby while the schema becomes this one's, sells nothing twice. Method: the
/// statements by which it wrote and claimed.
#[tokio::test]
async fn an_older_server_can_neither_write_nor_claim() {
    let store = open().await;
    let (world, _, mut other) = stage(&store).await;
    run(&mut other, "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'").await;
    let before = world.load().await.journal;
    for last in ["ORDER BY seq DESC LIMIT 1", "GROUP BY concert_id"] {
        let seq = if last.starts_with("GROUP") { "max(seq)" } else { "seq" };
        let sql = format!(
            "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events) \
             SELECT concert_id, {seq} + 1, repeat('x', 16), repeat('y', 16), '2030-01-01', '[]' FROM journal \
             WHERE concert_id = 1 {last}"
        );
        let refused = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut other).await.unwrap_err();
        assert!(refused.to_string().contains("form"), "{refused}");
    }
    assert_eq!(world.load().await.journal, before);
}

#[tokio::test]
async fn a_reservation_that_is_not_there_cannot_end() {
    let store = open().await;
    let (mut world, mut lane, mut other) = stage(&store).await;
    let held = world.held(UserId(1), &[1]);
    let batch = world.batch(vec![opened(&held)], Vec::new());
    commits(&mut world, &mut lane, &batch).await;
    run(&mut other, "DELETE FROM reservation").await;
    let expired = lapsed(&held, ReservationStatus::Expired, HoldEnd::HoldTime);
    let expired = world.following(&world.batch(vec![expired], Vec::new()));
    let refused = CommitError::from(lane.follow(&expired).await.unwrap_err());
    assert!(is_refused(&refused) && format!("{refused:?}").contains("a row of reservation"), "{refused:?}");
}

/// A lane behind a proxy that can cut it off, and a batch for it.
async fn behind_proxy(store: &MySqlStore) -> (World<'_>, Arc<Proxy>, MySqlWriter, Batch) {
    let mut world = World::new(store, 10).await;
    let proxy = Proxy::start().await;
    let behind = MySqlStore::open(&proxy.url(store.options())).await.unwrap();
    let lane = behind.new_writer().await.unwrap();
    let batch = holding(&mut world, 1, 1);
    (world, proxy, lane, batch)
}

async fn unknown(lane: &mut MySqlWriter, batch: &Batch) {
    let refused = lane.commit(batch).await.unwrap_err();
    assert!(is_unknown(&refused), "{refused:?}");
}

/// The same in a transaction, because a wallet is read with it.
async fn unknown_in_transaction(world: &World<'_>, lane: &mut MySqlWriter, batch: &Batch) {
    let needs = Needs { wallets: vec![world.user(0).await], ..Needs::default() };
    lane.begin(&needs).await.unwrap();
    unknown(lane, batch).await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_to_be_there() {
    let store = open().await;
    let (mut world, proxy, mut lane, batch) = behind_proxy(&store).await;
    proxy.arm(Fault::AnswerLost);
    unknown(&mut lane, &batch).await;
    assert!(lane.settle(&batch).await.unwrap());
    took_place(&mut world, &batch);
    assert_eq!(world.load().await.journal, world.journal);
}

#[tokio::test]
async fn a_commit_that_did_not_arrive_can_never_appear() {
    let store = open().await;
    let (mut world, proxy, mut lane, batch) = behind_proxy(&store).await;
    proxy.arm(Fault::CommitLost);
    unknown(&mut lane, &batch).await;
    assert!(!lane.settle(&batch).await.unwrap());
    let void = JournalPosition { seq: batch.sales[0].seq, batch: batch.void_id() };
    assert_eq!(world.load().await.journal, void);
    assert!(world.load().await.reservations.is_empty());
    let refused = lane.commit(&batch).await.unwrap_err();
    assert!(matches!(refused, CommitError::SteppedDown { .. }), "{refused:?}");
    world.journal = void;
    let again = holding(&mut world, 1, 1);
    commits(&mut world, &mut lane, &again).await;
}

#[tokio::test]
async fn a_transaction_that_is_still_open_is_waited_for_whether_its_commit_arrives_or_not() {
    for arrives in [false, true] {
        let store = open().await;
        let (world, proxy, mut lane, batch) = behind_proxy(&store).await;
        proxy.arm(Fault::CommitDelayed);
        unknown_in_transaction(&world, &mut lane, &batch).await;
        let end = async {
            somebody_waits(&store).await;
            match arrives {
                true => proxy.deliver_delayed().await,
                false => proxy.drop_delayed().await,
            }
        };
        let (settled, ()) = tokio::join!(lane.settle(&batch), end);
        assert_eq!(settled.unwrap(), arrives);
        let last = if arrives { batch.id } else { batch.void_id() };
        assert_eq!(world.load().await.journal.batch, last);
    }
}

#[tokio::test]
async fn a_lost_transaction_that_stays_open_for_long_is_settled_again() {
    let store = open().await;
    let (world, proxy, mut lane, batch) = behind_proxy(&store).await;
    proxy.arm(Fault::CommitDelayed);
    unknown_in_transaction(&world, &mut lane, &batch).await;
    run(lane.connection().await.unwrap(), "SET SESSION innodb_lock_wait_timeout = 0").await;
    let error = lane.settle(&batch).await.unwrap_err();
    assert!(is_rolled_back(&error), "{error:?}");
    proxy.drop_delayed().await;
    // The server needs a moment to see that nobody is there any more.
    let settled = loop {
        match lane.settle(&batch).await {
            Err(error) if is_rolled_back(&error) => tokio::task::yield_now().await,
            settled => break settled.unwrap(),
        }
    };
    assert!(!settled);
    assert_eq!(world.load().await.journal.batch, batch.void_id());
}

/// A statement that commits by itself holds nothing while it is on its way: whoever comes first has its place.
#[tokio::test]
async fn a_statement_that_arrives_late_finds_its_place_taken() {
    let store = open().await;
    let (world, proxy, mut lane, batch) = behind_proxy(&store).await;
    proxy.arm(Fault::CommitDelayed);
    unknown(&mut lane, &batch).await;
    assert!(!lane.settle(&batch).await.unwrap());
    proxy.deliver_delayed().await;
    assert_eq!(world.load().await.journal.batch, batch.void_id());
}

#[tokio::test]
async fn charges_by_themselves_are_settled_by_their_wallets() {
    for (fault, there) in [(Fault::AnswerLost, true), (Fault::CommitLost, false)] {
        let store = open().await;
        let (mut world, proxy, mut lane, _) = behind_proxy(&store).await;
        let user = world.user(0).await;
        let charge = world.charge(user, 5, 0, "r");
        let batch = world.batch(Vec::new(), vec![charge]);
        proxy.arm(fault);
        unknown(&mut lane, &batch).await;
        assert_eq!(lane.settle(&batch).await.unwrap(), there);
        assert_eq!(store.balance(user).await.unwrap(), Some(if there { 5 } else { 0 }));
    }
}

/// The server hangs up on this connection, as it does on those that were idle for longer than its `wait_timeout`.
async fn hang_up(other: &mut MySqlConnection, connection: u64) {
    run(other, format!("KILL {connection}")).await;
    let is_there = format!(
        "SELECT CAST(count(*) AS SIGNED) FROM information_schema.processlist WHERE id = {connection}"
    );
    while number_of(other, is_there.clone()).await > 0 {
        tokio::task::yield_now().await;
    }
}

/// Also in the middle of the question, after the pool found it alive.
#[tokio::test]
async fn a_connection_that_ends_does_not_make_readiness_say_no() {
    let store = open().await;
    let proxy = Proxy::start().await;
    let behind = MySqlStore::open(&proxy.url(store.options())).await.unwrap();
    behind.ping().await.unwrap();
    for words in 1..=4 {
        proxy.cut_after(words);
        behind.ping().await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_it_was_idle_is_no_outage() {
    let store = open().await;
    let (mut world, mut lane, mut other) = stage(&store).await;
    let own_id = "SELECT CAST(connection_id() AS SIGNED)";
    let first = holding(&mut world, 1, 1);
    commits(&mut world, &mut lane, &first).await;

    let idle = number_of(lane.connection().await.unwrap(), own_id).await;
    hang_up(&mut other, idle).await;
    let needs = Needs { wallets: vec![UserId(1)], ..Needs::default() };
    lane.begin(&needs).await.unwrap();
    let second = holding(&mut world, 2, 2);
    commits(&mut world, &mut lane, &second).await;

    // A batch that is one statement is entrusted to no connection that was silent for long.
    let idle = number_of(lane.connection().await.unwrap(), own_id).await;
    hang_up(&mut other, idle).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    let third = holding(&mut world, 3, 3);
    commits(&mut world, &mut lane, &third).await;

    // If it ends right before one, nobody knows, until somebody looks.
    let idle = number_of(lane.connection().await.unwrap(), own_id).await;
    hang_up(&mut other, idle).await;
    let lost = holding(&mut world, 5, 5);
    unknown(&mut lane, &lost).await;
    assert!(!lane.settle(&lost).await.unwrap());
    world.journal = JournalPosition { seq: lost.sales[0].seq, batch: lost.void_id() };

    // A transaction that is under way is another matter: it went with the connection.
    lane.begin(&needs).await.unwrap();
    let busy = number_of(lane.connection().await.unwrap(), own_id).await;
    hang_up(&mut other, busy).await;
    let fourth = holding(&mut world, 4, 4);
    assert!(is_unreachable(&lane.commit(&fourth).await.unwrap_err()));
    commits(&mut world, &mut lane, &fourth).await;
}
