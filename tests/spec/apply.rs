//! Goal: a release of before can be started again where this one sold, and this one after it: with the same rows. Method: the
//! program that operators run, on what a server left behind, and what the older one does to the database.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection};

use super::fold::{Database, Row};
use super::harness::{House, Plan, in_time};

/// What a sale leaves.
const TABLES: [&str; 9] = [
    "users",
    "payment_history",
    "queue",
    "concert_seat",
    "reservation",
    "reservation_seat",
    "payment",
    "ticket",
    "operator_log",
];

/// What every release knows of the journal.
const JOURNAL: [&str; 6] = ["concert_id", "seq", "batch_id", "writer", "at", "events"];

/// The row that a server of the release before puts on top of a journal when it claims a sale.
const OLDER_CLAIM: &str = "INSERT INTO journal (concert_id, seq, batch_id, writer, at, events) \
     SELECT concert_id, max(seq) + 1, X'00112233445566778899aabbccddeeff', X'ffeeddccbbaa99887766554433221100', \
       max(at), '[[\"claim\",0]]' FROM journal GROUP BY concert_id";

async fn apply(house: &House, arguments: &[&str]) -> Result<Value, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
    command.arg("apply").args(arguments).arg("--data").arg(house.data());
    if let Some(url) = house.database_url() {
        command.args(["--database-url", url]);
    }
    let done = tokio::task::spawn_blocking(move || command.output().unwrap());
    let done = in_time("the end of a command", done).await.unwrap();
    match done.status.success() {
        true => Ok(serde_json::from_slice(&done.stdout).unwrap()),
        false => Err(String::from_utf8(done.stderr).unwrap()),
    }
}

async fn rows(database: &mut Database) -> BTreeMap<&'static str, Vec<Row>> {
    let mut all = BTreeMap::new();
    for table in TABLES {
        let mut columns = database.columns(table).await;
        // Where a row lies is nothing that it says.
        columns.retain(|column| column != "segment");
        let mut rows = database.rows(table, &columns).await;
        rows.sort();
        all.insert(table, rows);
    }
    let mut rows = database.rows("journal", &JOURNAL.map(str::to_owned)).await;
    rows.sort();
    all.insert("journal", rows);
    all
}

async fn schema_ends_at(database: &mut Database) -> String {
    let sql = "SELECT CAST(max(version) AS CHAR) FROM schema_migration".to_owned();
    database.all(sql).await[0][0].clone().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_release_can_be_started_again_and_this_one_after_it() {
    let mut house = House::open(Plan::default()).await;
    let (mut alice, _) = house.joined(1_000_000).await;
    let (mut bob, _) = house.joined(0).await;
    let hold = |seat: u32| json!({"schedule_id": house.schedules[0], "seats": [seat]});
    let bought = alice.ok("hold", hold(0)).await;
    alice.ok("pay", json!({"reservation_id": bought["reservation_id"]})).await;
    let held = bob.ok("hold", hold(1)).await;
    house.rows_follow().await;
    house.context().dispatcher.let_tables_stand(true);
    bob.ok("hold", hold(2)).await;
    bob.ok("release", json!({"reservation_id": held["reservation_id"], "seats": [1]})).await;

    // Nothing is done beside a server, and nothing for a release that could not be helped.
    let refused = apply(&house, &["--for-release", "51"]).await.unwrap_err();
    assert!(refused.contains("stop"), "{refused}");
    house.stop().await;
    for other in ["7", "4000"] {
        let refused = apply(&house, &["--for-release", other]).await.unwrap_err();
        assert!(refused.contains("can be taken back to migration 51 at most"), "{refused}");
    }
    assert_eq!(house.open_store().await.behind().await.unwrap().len(), 1);

    // An older server that still runs adds nothing. Of the embedded database there is none: one server has its folder.
    if let Some(url) = house.database_url() {
        let mut link = MySqlConnection::connect(url).await.unwrap();
        let refused =
            sqlx::query(AssertSqlSafe(OLDER_CLAIM)).execute(&mut link).await.unwrap_err().to_string();
        assert!(refused.contains("form"), "{refused}");
    }

    let mut database = Database::open(&house).await;
    let newest = schema_ends_at(&mut database).await;
    let said = apply(&house, &[]).await.unwrap();
    assert!(said["applied"].as_u64() > Some(0) && said["taken_back"] == json!([]), "{said}");
    let even = rows(&mut database).await;
    let said = apply(&house, &["--for-release", "51"]).await.unwrap();
    assert_eq!(
        (&said["applied"], said["taken_back"].as_array().unwrap().last()),
        (&json!(0), Some(&json!("journal_form")))
    );
    assert_eq!(rows(&mut database).await, even);
    assert_eq!(schema_ends_at(&mut database).await, "51");
    let mut columns = database.columns("journal").await;
    columns.sort();
    assert_eq!(columns, ["at", "batch_id", "concert_id", "events", "seq", "writer"]);
    assert!(database.all("SELECT CAST(seq AS CHAR) FROM applied".to_owned()).await.is_empty());

    // The older one claims the sale, and goes away again.
    database.all(OLDER_CLAIM.to_owned()).await;
    let older = rows(&mut database).await;
    drop(house.open_store().await);
    assert_eq!(schema_ends_at(&mut database).await, newest);
    assert_eq!(rows(&mut database).await, older);
    house.start().await;
    let mut bob = house.connection_of_token(&bob.access_token).await;
    let list = bob.ok("reservations", json!({})).await;
    let seats: Vec<_> =
        list["reservations"][0]["seats"].as_array().unwrap().iter().map(|of| &of["seat"]).collect();
    assert_eq!(seats, [&json!(2)], "{list}");
    assert_eq!(
        bob.refused("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await,
        "SEAT_TAKEN"
    );
    bob.ok("hold", json!({"schedule_id": house.schedule(), "seats": [1]})).await;
    house.rows_follow().await;
    house.audit().await;
}
