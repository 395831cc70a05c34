//! Goal: what somebody did to the tables by hand stops the sale that it concerns alone, and an operator's recorded word has it
//! go on. Method: a rule of the tables that no schema of ours has, and the program that operators run.

use std::process::Command;

use frontrow::domain::ids::OperatorId;
use frontrow::store::operators::{LogQuery, OperatorChange};
use frontrow::store::sqlite::FILE_NAME;
use frontrow_protocol::Role;
use serde_json::{Value, json};
use sqlx::mysql::MySqlConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::harness::{Fan, House, Plan, in_time};

/// Changes the database as somebody at its shell would.
async fn by_hand(house: &House, sqlite: &str, mysql: &str) {
    match house.database_url() {
        None => {
            let file = house.data().join(FILE_NAME);
            let mut link = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(sqlite.to_owned())).execute(&mut link).await.unwrap();
            link.close().await.unwrap();
        }
        Some(url) => {
            let mut link = MySqlConnection::connect(url).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(mysql.to_owned())).execute(&mut link).await.unwrap();
            link.close().await.unwrap();
        }
    }
}

/// Nobody gets these seats, whatever the journal says.
async fn refuse_seats(house: &House, seats: &str) {
    let which = format!("NEW.seat IN ({seats}) AND NEW.status <> 'AVAILABLE'");
    let sqlite = format!(
        "CREATE TRIGGER by_hand BEFORE UPDATE ON concert_seat WHEN {which} BEGIN SELECT RAISE(ABORT, 'by hand'); END"
    );
    let mysql = format!(
        "CREATE TRIGGER by_hand BEFORE UPDATE ON concert_seat FOR EACH ROW \
           IF {which} THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'by hand'; END IF"
    );
    by_hand(house, &sqlite, &mysql).await;
}

/// Runs a command on the house's data; its output, or what it says of why not.
async fn frontrow(house: &House, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
    command.args(arguments).arg("--data").arg(house.data());
    if let Some(url) = house.database_url() {
        command.args(["--database-url", url]);
    }
    let done = tokio::task::spawn_blocking(move || command.output().unwrap());
    let done = in_time("the end of a command", done).await.unwrap();
    match done.status.success() {
        true => Ok(String::from_utf8(done.stdout).unwrap()),
        false => Err(String::from_utf8(done.stderr).unwrap()),
    }
}

async fn repair(house: &House, by: u64, reason: &str) -> Result<Value, String> {
    let (concert, by) = (house.concert.to_string(), by.to_string());
    let done = frontrow(house, &["repair", &concert, "--by", &by, "--reason", reason]).await;
    done.map(|said| serde_json::from_str(&said).unwrap())
}

/// Waits until readiness is so, and gives what it says.
async fn ready(house: &House, status: u16) -> Value {
    let looking = async {
        loop {
            let said = house.http("GET", "/readyz", None, "").await;
            if said.status == status {
                return said.json();
            }
            for _ in 0..5 {
                house.step().await;
            }
        }
    };
    in_time("readiness", looking).await
}

async fn seats_held(fan: &mut Fan) -> Vec<Value> {
    let list = fan.ok("reservations", json!({})).await["reservations"].take();
    let held = list.as_array().unwrap().iter().filter(|of| of["status"] == "TEMP_RESERVED");
    held.flat_map(|of| of["seats"].as_array().unwrap()).map(|seat| seat["seat"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_goes_past_what_its_tables_refuse_by_an_operators_word() {
    let house = House::open(Plan::default()).await;
    let (owner, _) = house.operator(Role::Owner).await;
    let (gone, _) = house.operator(Role::Manager).await;
    let disabled = OperatorChange { disabled: Some(true), ..OperatorChange::default() };
    let note = frontrow::store::operators::Note {
        by: frontrow::domain::actor::Actor::UNNAMED,
        at: house.clock.utc(),
    };
    let operators = house.store().operators().unwrap();
    operators.change_operator(OperatorId(gone), &disabled, &note).await.unwrap();
    let (mut alice, _) = house.joined(0).await;
    let (mut bob, _) = house.joined(0).await;
    let hold = |seat: u32| json!({"schedule_id": house.schedule(), "seats": [seat]});
    house.rows_follow().await;
    let said = repair(&house, owner, "to be sure").await.unwrap_err();
    assert!(said.contains("nothing is stuck"), "{said}");

    refuse_seats(&house, "7, 9").await;
    alice.ok("hold", hold(1)).await;
    alice.ok("hold", hold(7)).await;
    bob.ok("hold", hold(2)).await;
    bob.ok("hold", hold(9)).await;
    let said = ready(&house, 503).await.to_string();
    assert!(said.contains(&format!("sale {}", house.concert)), "{said}");

    // Not without a name, a reason and a sale.
    for (by, reason, why) in [
        (gone, "by hand", "there is no operator"),
        (owner + 100, "by hand", "there is no operator"),
        (owner, " ", "--reason must have"),
    ] {
        let said = repair(&house, by, reason).await.unwrap_err();
        assert!(said.contains(why), "{said}");
    }
    let said = frontrow(&house, &["repair", "77", "--by", "1", "--reason", "by hand"]).await.unwrap_err();
    assert!(said.contains("there is no concert 77"), "{said}");

    // One row for one word: what was refused of it is left out, and everything else is there.
    let first = repair(&house, owner, "seat 7 is broken").await.unwrap();
    let [out] = &first["left_out"].as_array().unwrap()[..] else { panic!("{first}") };
    assert_eq!((&out["event"], &out["says"][0], &out["says"][4]), (&json!(0), &json!("add"), &json!([7])));
    assert!(out["why"].as_str().unwrap().contains("by hand"), "{first}");
    assert_eq!(first["next"]["row"].as_u64(), first["applied"].as_u64().map(|row| row + 1), "{first}");
    let second = repair(&house, owner, "seat 9 as well").await.unwrap();
    assert_eq!(second["left_out"][0]["says"][4], json!([9]), "{second}");
    assert_eq!((&second["next"], second["row"].as_u64()), (&Value::Null, first["next"]["row"].as_u64()));
    assert!(second["noted"].as_u64() > first["noted"].as_u64(), "{second}");
    let said = repair(&house, owner, "once more").await.unwrap_err();
    assert!(said.contains("nothing is stuck"), "{said}");

    // The sale is back, with all that the tables have.
    by_hand(&house, "DROP TRIGGER by_hand", "DROP TRIGGER by_hand").await;
    ready(&house, 200).await;
    let mut alice = house.connection_of_token(&alice.access_token).await;
    let mut bob = house.connection_of_token(&bob.access_token).await;
    assert_eq!(seats_held(&mut alice).await, [json!(1)]);
    assert_eq!(seats_held(&mut bob).await, [json!(2)]);
    assert_eq!(alice.refused("hold", hold(2)).await, "SEAT_TAKEN");
    bob.ok("hold", hold(7)).await;
    house.rows_follow().await;
    house.audit().await;

    // It is told who did it, and why.
    let query = LogQuery { concert: Some(house.concert), limit: 10, ..LogQuery::default() };
    let log = operators.log(&query).await.unwrap();
    let told: Vec<_> = log.iter().map(|line| (&*line.what, line.reason.as_deref())).collect();
    assert_eq!(told, [("repair", Some("seat 9 as well")), ("repair", Some("seat 7 is broken"))]);
    assert!(log.iter().all(|line| line.operator.as_ref().is_some_and(|(id, ..)| id.0 == owner)));
    let was = json!({"row": first["row"], "events": [0]});
    assert_eq!(log[1].was, Some(was), "{log:?}");
    let history = frontrow(&house, &["history", "--sale", &house.concert.to_string()]).await.unwrap();
    let line =
        format!("left event 0 of row {} out of the tables, which refused it: seat 7 is broken", first["row"]);
    assert!(history.contains(&line), "{history}");
}
