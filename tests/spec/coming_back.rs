//! A lost connection, a lost server, and an orderly stop.

use std::path::{Path, PathBuf};

use frontrow::domain::ids::{EntryNo, UserId};
use frontrow::store::sqlite::FILE_NAME;
use frontrow_protocol::SeatState::TempReserved;
use serde_json::{Value, json};

use crate::harness::{Fan, House, Plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_token_brings_everything_back() {
    let house = House::open(Plan::default()).await;
    let schedule = house.schedule();
    let (mut phone, place) = house.joined(0).await;
    let held = phone.ok("hold", json!({"schedule_id": schedule, "seats": [3]})).await;
    let token = &place["token"];
    drop(phone);
    house.connections(0).await;

    let mut phone = house.stranger().await;
    let welcome = phone.ok("hello", json!({"queue_token": token})).await;
    assert_eq!(welcome["queue"]["token"], *token);
    assert_eq!(welcome["queue"]["status"], "PROGRESS");
    assert_eq!(welcome["reservations"], json!([held]));
    phone.ok("seats.watch", json!({"schedule_id": schedule})).await;
    phone.seats_until(schedule, &[(3, TempReserved)]).await;
    assert_eq!(phone.refused("queue.join", json!({"concert_id": house.concert.0 + 1})).await, "FORBIDDEN");
    // Pushes reach it as before.
    phone.ok("charge", json!({"amount": 1_000_000, "request_id": "c"})).await;
    phone.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    phone.status("DONE").await;

    let mut again = house.stranger().await;
    let welcome = again.ok("hello", json!({"queue_token": token})).await;
    assert_eq!((&welcome["queue"]["status"], &welcome["reservations"]), (&json!("DONE"), &json!([])));

    let bearer = format!("Bearer {}", token.as_str().unwrap());
    let mut by_header = Fan::connect(house.address(), &[("authorization", &bearer)]).await.unwrap();
    by_header.status("DONE").await;
    assert_eq!(by_header.ok("tickets", json!({})).await["tickets"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_confirmed_is_there_after_a_restart() {
    let mut house = House::open(Plan { capacity: 2, ..Plan::default() }).await;
    let schedule = house.schedule();
    let (mut paid, _) = house.joined(1_000_000).await;
    let (mut holding, _) = house.joined(0).await;
    let bought = paid.ok("hold", json!({"schedule_id": schedule, "seats": [0]})).await;
    paid.ok("pay", json!({"reservation_id": bought["reservation_id"]})).await;
    let held = holding.ok("hold", json!({"schedule_id": schedule, "seats": [1]})).await;
    let mut places = Vec::new();
    for _ in 0..3 {
        places.push(house.joined(0).await.1);
    }
    let holder = holding.ok("queue.get", json!({})).await["token"].clone();

    drop(paid);
    let stopped = house.stop();
    assert_eq!(holding.closed().await, 1012);
    stopped.await;
    house.clock.advance(std::time::Duration::from_secs(3_600));
    house.start().await;

    let mut back = house.stranger().await;
    let welcome = back.ok("hello", json!({"queue_token": holder})).await;
    assert_eq!(welcome["queue"]["status"], "PROGRESS", "an hour in which we were away is no time for fans");
    assert_eq!(welcome["reservations"][0]["reservation_id"], held["reservation_id"]);
    back.ok("charge", json!({"amount": 1_000_000, "request_id": "c"})).await;
    back.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    // The first of the three was admitted when a seat was bought before the restart, the second just now.
    let expected = [("PROGRESS", json!(null)), ("PROGRESS", json!(null)), ("WAITING", json!(1))];
    for (place, (status, position)) in places.iter().zip(expected) {
        let mut fan = house.stranger().await;
        let welcome = fan.ok("hello", json!({"queue_token": place["token"]})).await;
        assert_eq!((&welcome["queue"]["status"], &welcome["queue"]["position"]), (&json!(status), &position));
    }
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orderly_stop_answers_what_was_asked() {
    let mut house = House::open(Plan::default()).await;
    let (mut fan, _) = house.joined(0).await;
    let mut ids = Vec::new();
    for seat in 0..3 {
        ids.push(fan.send("hold", json!({"schedule_id": house.schedule(), "seats": [seat]})).await);
    }
    for id in &ids {
        fan.answer(*id).await.unwrap();
    }
    let last = fan.send("charge", json!({"amount": 5, "request_id": "x"})).await;
    let stopped = house.stop();
    // Either it was read before the stop, and then it is answered, or it was not, and then nothing was done.
    assert_eq!(fan.closed().await, 1012);
    let answered = fan.log.contains(&format!("answer {last}"));
    stopped.await;
    house.start().await;
    let mut fan = house.connection_of_token(&fan.access_token).await;
    assert_eq!(fan.ok("balance", json!({})).await["balance"], if answered { 5 } else { 0 });
    house.audit().await;
}

/// Goal: a token of before a backup was restored acts as nobody, also when its number in line, and even its user's number, were
/// given again since. Method: the same place is taken by two fans, one of whom nobody knows any more. Of the embedded database,
/// whose backup is its files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_before_a_restored_backup_acts_as_nobody() {
    let mut house = House::open(Plan::default()).await;
    if house.database_url().is_some() {
        return;
    }
    house.joined(0).await;
    house.stop().await;
    let backup = tempfile::tempdir().unwrap();
    replace_database(house.data(), backup.path());

    house.start().await;
    let (forgotten, of_before) = joins(&house).await;
    house.stop().await;
    replace_database(backup.path(), house.data());
    house.clock.advance(std::time::Duration::from_millis(1));
    house.start().await;
    let (user, token) = joins(&house).await;
    house.rows_follow().await;
    let last = house.store().last_tokens(user).await.unwrap().remove(0);
    assert_eq!((user, last.entry), (forgotten, EntryNo(1)), "both had this place");
    assert_ne!(token, of_before);

    let mut stranger = house.stranger().await;
    assert_eq!(stranger.refused("hello", json!({"queue_token": of_before})).await, "UNAUTHENTICATED");
    let mut owner = house.stranger().await;
    let welcome = owner.ok("hello", json!({"queue_token": token})).await;
    assert_eq!(welcome["queue"]["token"], token);
    house.audit().await;
}

/// A new user takes a place in line: who, and by which token.
async fn joins(house: &House) -> (UserId, Value) {
    let user = house.user(0).await;
    let mut fan = house.connection_of(user).await;
    let place = fan.ok("queue.join", json!({"concert_id": house.concert.0})).await;
    (user, place["token"].clone())
}

/// Puts the embedded database of one folder into another one, in the place of what is there.
fn replace_database(from: &Path, to: &Path) {
    let of_database = |folder: &Path| {
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let is_its = |file: &PathBuf| file.file_name().unwrap().to_string_lossy().starts_with(FILE_NAME);
        files.filter(is_its).collect::<Vec<_>>()
    };
    of_database(to).iter().for_each(|file| std::fs::remove_file(file).unwrap());
    for file in of_database(from) {
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}
