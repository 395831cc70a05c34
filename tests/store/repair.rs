//! Going past what the tables of the embedded store refuse: as little as it takes is left out, and the audit knows of what.

use std::path::Path;

use frontrow::domain::actor::{Actor, Who};
use frontrow::domain::event::Event;
use frontrow::domain::ids::{ConcertId, OperatorId, UserId};
use frontrow::domain::time::Timestamp;
use frontrow::store::operators::Note;
use frontrow::store::repair::{Repair, Repaired};
use frontrow::store::sqlite::{FILE_NAME, SqliteStore};
use frontrow::store::{Reads, Repairs, StoreError};
use frontrow_testing::conformance::{World, admitted, opened};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

const NOW: Timestamp = Timestamp::from_millis(1_900_000_000_000);

async fn by_hand(folder: &Path, sql: &str) {
    let file = SqliteConnectOptions::new().filename(folder.join(FILE_NAME));
    let mut link = file.connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut link).await.unwrap();
    link.close().await.unwrap();
}

async fn repair(store: &SqliteStore, concert: ConcertId) -> Result<Repair, StoreError> {
    let note = Note { by: Actor::of(Who::Operator(OperatorId(7))), at: NOW };
    store.repair(concert, "by hand", &note).await
}

async fn repaired(store: &SqliteStore, concert: ConcertId) -> Repaired {
    match repair(store, concert).await.unwrap() {
        Repair::Done(done) => done,
        other => panic!("{other:?}"),
    }
}

async fn faults(store: &SqliteStore) -> Vec<String> {
    store.audit().await.unwrap().faults
}

/// Commits a batch, and has no table follow.
async fn commit_alone(world: &mut World<'_>, events: Vec<Event>) {
    let batch = world.batch(events, Vec::new());
    world.lane.commit(&batch).await.unwrap();
    world.journal.seq = batch.sales[0].seq;
    world.journal.batch = batch.id;
}

#[tokio::test]
async fn of_a_row_that_is_refused_as_little_is_left_out_as_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    let mut world = World::new(&store, 10).await;
    let concert = world.concert;
    for _ in 1..=8 {
        world.user(0).await;
    }
    assert_eq!(repair(&store, concert).await.unwrap(), Repair::NothingRefused { rows: 0 });
    by_hand(
        folder.path(),
        "CREATE TRIGGER by_hand BEFORE INSERT ON queue WHEN NEW.user_id IN (3, 5, 6) \
           BEGIN SELECT RAISE(ABORT, 'no such guest'); END",
    )
    .await;

    // Six join, three of them in vain; what follows of those who are not there has to be left out as well.
    let mut events = Vec::new();
    let tokens: Vec<_> = (1..=6).map(|user| world.waiting(UserId(user))).collect();
    events.extend(tokens.iter().cloned().map(Event::Joined));
    events.push(Event::Admitted(admitted(&tokens[2])));
    events.push(Event::Admitted(admitted(&tokens[1])));
    commit_alone(&mut world, events).await;
    let refused = world.journal.seq;
    let held = world.held(UserId(2), &[1]);
    commit_alone(&mut world, vec![opened(&held)]).await;
    assert_eq!(
        faults(&store).await,
        Vec::<String>::new(),
        "what is not in the tables yet is judged together with them"
    );

    let done = repaired(&store, concert).await;
    let left_out: Vec<_> = done.left_out.iter().map(|event| event.nr).collect();
    assert_eq!((done.row, left_out, done.next.clone()), (refused, vec![2, 4, 5, 6], None), "{done:?}");
    assert!(done.left_out[0].why.contains("no such guest"), "{done:?}");
    assert!(done.left_out[0].event.starts_with("[\"join\",2,3,"), "{done:?}");
    assert!(done.left_out[3].event.starts_with("[\"admit\",2,3,"), "{done:?}");
    let end = store.behind().await.unwrap();
    assert_eq!((end, done.applied), (Vec::new(), done.noted));
    assert_eq!(world.load().await.tokens.iter().map(|token| token.user.0).collect::<Vec<_>>(), [1, 2, 4]);
    assert_eq!(world.load().await.reservations, [held]);
    assert_eq!(faults(&store).await, Vec::<String>::new());

    // Whoever ran the sale is not its writer any more.
    let batch = world.batch(vec![Event::Joined(world.load().await.tokens[0].clone())], Vec::new());
    assert!(world.lane.commit(&batch).await.is_err());

    // The line goes on where it ends for the next one: a place that was left out at its end is given again.
    by_hand(folder.path(), "DROP TRIGGER by_hand").await;
    let loaded = world.load().await;
    assert_eq!(loaded.next_entry.0, 4);
    let writer = frontrow::store::WriterId(frontrow::store::random_id());
    frontrow::store::Claims::claim(&store, concert, writer, NOW, None).await.unwrap();
    (world.writer, world.journal) = (writer, world.load().await.journal);
    let mut next = world.waiting(UserId(8));
    next.entry = loaded.next_entry;
    next.token = world.token_secret.token(concert, next.entry, next.user, NOW);
    commit_alone(&mut world, vec![Event::Joined(next)]).await;
    assert_eq!(repair(&store, concert).await.unwrap(), Repair::NothingRefused { rows: 1 });
    assert_eq!(faults(&store).await, Vec::<String>::new());

    // A log and a journal that tell of different repairs are no repair.
    by_hand(
        folder.path(),
        "UPDATE operator_log SET was = json_set(was, '$.events', json('[2, 4, 5]')) WHERE what = 'repair'",
    )
    .await;
    let faults = faults(&store).await;
    assert!(
        faults.iter().any(|fault| fault.contains("of the log is not as event 0 of journal row")),
        "{faults:?}"
    );
}

#[tokio::test]
async fn a_sale_without_a_journal_or_with_a_hole_in_it_is_no_business_of_a_repair() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    assert!(matches!(repair(&store, ConcertId(77)).await, Err(StoreError::Broken(_))));
    let mut world = World::new(&store, 10).await;
    for user in 1..=3 {
        let joined = world.joining(UserId(user));
        commit_alone(&mut world, joined).await;
    }
    by_hand(folder.path(), &format!("DELETE FROM journal WHERE seq = {}", world.journal.seq - 1)).await;
    let broken = repair(&store, world.concert).await.unwrap_err();
    assert!(matches!(broken, StoreError::Broken(_)), "{broken:?}");
    assert!(broken.reason().contains("lacks row"), "{broken:?}");
}
