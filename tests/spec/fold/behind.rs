//! Rows that are behind their journal: those of the last comparison are put back, and a claim brings them up to date.

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::Poll;

use frontrow::domain::ids::ConcertId;
use frontrow::store::{Store, StoreError, WriterId, random_id};

use super::tables::{Database, Row};
use crate::harness::House;

/// What the names of copies begin with.
pub const COPY: &str = "copy_of_";

/// The tables that are written after the journal.
const TABLES: [&str; 4] = ["queue", "concert_seat", "reservation", "reservation_seat"];

/// Few, so that there are many transactions.
const EVENTS_MAX: usize = 20;

/// The times that a run is begun and broken off, before one is let through.
const BROKEN_OFF: usize = 3;

#[derive(Debug, Default)]
pub struct Behind {
    /// The ends of the journals when the copies were made.
    ends: BTreeMap<String, String>,
    /// Rows of the journals that runs wrote which came to their end, and the number of those that were given up in the middle.
    pub rows: u64,
    pub broken_off: usize,
}

impl Behind {
    /// With the server stopped: puts back the rows of the last time, has them brought up to date, and keeps a copy of them.
    pub async fn catch_up(&mut self, house: &House, database: &mut Database) {
        let ahead = rows(database).await;
        if !self.ends.is_empty() {
            let concerts = ends(database).await;
            for concert in concerts.keys() {
                let seq = self.ends.get(concert).map_or("0", String::as_str);
                database.all(format!("DELETE FROM applied WHERE concert_id = {concert}")).await;
                let applied = format!(
                    "INSERT INTO applied (concert_id, seq, writer) \
                     VALUES ({concert}, {seq}, X'00112233445566778899aabbccddeeff')"
                );
                database.all(applied).await;
            }
            for table in TABLES {
                let columns = database.columns(table).await.join(", ");
                // Seats of a performance that was added since are stored before the journal has it.
                let kept = match table {
                    "concert_seat" => format!(
                        " WHERE EXISTS (SELECT 1 FROM {COPY}{table} c WHERE c.schedule_id = {table}.schedule_id)"
                    ),
                    _ => String::new(),
                };
                database.all(format!("DELETE FROM {table}{kept}")).await;
                database
                    .all(format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM {COPY}{table}"))
                    .await;
                if table == "concert_seat" {
                    let added = format!(
                        "UPDATE {table} SET status = 'AVAILABLE', reservation_id = NULL WHERE schedule_id NOT IN ( \
                           SELECT schedule_id FROM {COPY}{table})"
                    );
                    database.all(added).await;
                }
            }
            let store = house.open_store().await;
            for concert in concerts.keys() {
                self.claim(house, &*store, ConcertId(concert.parse().unwrap())).await;
            }
            let now = rows(database).await;
            for (table, of_before) in &ahead {
                assert_eq!(now[table].len(), of_before.len(), "the rows of {table}");
                for (now, before) in now[table].iter().zip(of_before) {
                    assert_eq!(now, before, "{table}");
                }
            }
            assert_eq!(store.behind().await.unwrap(), []);
        }
        for table in TABLES {
            let columns = database.columns(table).await.join(", ");
            database.all(format!("DROP TABLE IF EXISTS {COPY}{table}")).await;
            database.all(format!("CREATE TABLE {COPY}{table} AS SELECT {columns} FROM {table}")).await;
        }
        self.ends = ends(database).await;
    }

    /// Several servers in turn, of which all but the last one are killed in the middle of it.
    async fn claim(&mut self, house: &House, store: &dyn Store, concert: ConcertId) {
        let mut former = None;
        for attempt in 0..=BROKEN_OFF {
            let writer = WriterId(random_id());
            store.claim(concert, writer, house.clock.utc(), None).await.unwrap();
            if let Some(former) = former.replace(writer) {
                match store.catch_up(concert, former, EVENTS_MAX).await {
                    // The one before it had come to the end.
                    Ok(0) | Err(StoreError::Claimed { .. }) => {}
                    other => panic!("{other:?}"),
                }
            }
            match begin_and_break_off(store, concert, writer, attempt).await {
                // A claim has a row of its own.
                Some(rows) => {
                    self.rows += rows;
                    assert!(rows > 0 || attempt > 0, "sale {concert} was not behind");
                }
                None => self.broken_off += 1,
            }
            store.release_claims(writer, None).await.unwrap();
        }
        let late = WriterId(random_id());
        assert_eq!(store.catch_up(concert, late, EVENTS_MAX).await.unwrap(), 0, "nothing is left to do");
    }
}

/// Begins to bring rows up to date, and gives up in the middle of it: `None`. Each attempt goes further, and the last one to the
/// end.
async fn begin_and_break_off(
    store: &dyn Store,
    concert: ConcertId,
    writer: WriterId,
    attempt: usize,
) -> Option<u64> {
    let mut catching_up = pin!(store.catch_up(concert, writer, EVENTS_MAX));
    let mut looks = 0;
    let done = std::future::poll_fn(|context| {
        looks += 1;
        match catching_up.as_mut().poll(context) {
            Poll::Pending if attempt < BROKEN_OFF && looks > 8 << attempt => Poll::Ready(None),
            polled => polled.map(Some),
        }
    });
    done.await.map(|done| done.unwrap())
}

/// The end of each journal.
async fn ends(database: &mut Database) -> BTreeMap<String, String> {
    let ends = "SELECT CAST(concert_id AS CHAR), CAST(max(seq) AS CHAR) FROM journal GROUP BY concert_id";
    let ends = database.all(ends.to_owned()).await.into_iter();
    ends.map(|row| (row[0].clone().unwrap(), row[1].clone().unwrap())).collect()
}

/// Every row, in the order of the tables' keys. Where guests came from is in no journal.
async fn rows(database: &mut Database) -> BTreeMap<&'static str, Vec<Row>> {
    let mut all = BTreeMap::new();
    for table in TABLES {
        let mut columns = database.columns(table).await;
        columns.retain(|column| column != "guest_of");
        let mut rows = database.rows(table, &columns).await;
        rows.sort();
        all.insert(table, rows);
    }
    all
}
