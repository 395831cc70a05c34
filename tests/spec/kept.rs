//! The rows that are kept for ever, and what has no place in them.

use std::process::Command;

use frontrow::domain::time::Timestamp;
use frontrow::store::archive::Archive;
use serde_json::json;

use super::harness::{House, Plan};

/// Goal: old rows of the journal leave the database and are still read; the sale goes on. Method: a sale is archived to
/// its last row, twice broken off in between.
#[tokio::test(flavor = "multi_thread")]
async fn old_rows_of_the_journal_are_read_from_files_and_the_sale_goes_on() {
    let mut house = House::open(Plan::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::new(folder.path().join("journal"));
    let (mut fan, _) = house.joined(1_000_000).await;
    let mut reservation = json!(null);
    for seat in 0..4 {
        let held = fan.ok("hold", json!({"schedule_id": house.schedule(), "seats": [seat]})).await;
        reservation = held["reservation_id"].clone();
    }
    let future = Timestamp::from_millis(i64::MAX / 4);
    let now = house.clock.utc();
    house.rows_follow().await;
    // Nothing is old yet.
    assert_eq!(archive.run(&**house.store(), now, 1).await.unwrap().rows, 0);
    let moved = archive.run(&**house.store(), future, 3).await.unwrap();
    assert!(moved.rows > 0 && moved.files == 1, "{moved:?}");
    let again = archive.run(&**house.store(), future, 3).await.unwrap();
    assert_eq!(again.rows, 0, "a repeated run has nothing to do");

    // The writer's chain is whole: the same process goes on, and so does the next one.
    fan.ok("queue.extend", json!({})).await;
    fan.ok("release", json!({"reservation_id": reservation, "seats": [0]})).await;
    house.stop().await;
    house.start().await;
    let (mut other, _) = house.joined(1_000_000).await;
    other.ok("hold", json!({"schedule_id": house.schedule(), "seats": [9]})).await;

    house.rows_follow().await;
    // Everything but the newest row.
    let moved = archive.run(&**house.store(), future, 1).await.unwrap();
    assert!(moved.rows > 0);
    let newest = house.store().journal(house.concert, 0, 10).await.unwrap();
    assert_eq!(newest.len(), 1, "the newest row stays");
    assert_eq!(archive.end(house.concert).unwrap(), newest[0].seq);
    other.ok("hold", json!({"schedule_id": house.schedule(), "seats": [10]})).await;
    let report = house.store().audit_with(Some(&archive)).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
    let alone = house.store().audit().await.unwrap();
    assert!(alone.faults.iter().any(|fault| fault.contains("the journal has row")), "{:?}", alone.faults);

    // Broken off behind the file and before the rows were deleted: they are in both places.
    house.rows_follow().await;
    let old = house.store().old_journal().unwrap();
    let (rows, _) = old.old_rows(house.concert, 0, 100).await.unwrap();
    let copy = Archive::new(folder.path().join("broken off"));
    std::fs::create_dir_all(copy.folder().join(format!("sale-{}", house.concert))).unwrap();
    for file in std::fs::read_dir(archive.folder().join(format!("sale-{}", house.concert))).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap();
        std::fs::copy(&path, copy.folder().join(format!("sale-{}", house.concert)).join(name)).unwrap();
    }
    // A file that was half written counts for nothing.
    let draft = archive.folder().join(format!("sale-{}", house.concert)).join("writing");
    std::fs::write(&draft, "half a fi").unwrap();
    archive.run(&**house.store(), future, 1).await.unwrap();
    assert!(!draft.exists(), "the next run used its name");
    assert_eq!(rows.first().map(|row| row.seq), Some(newest[0].seq));
    let report = house.store().audit_with(Some(&archive)).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());

    // Files that do not follow each other are no archive, and cost no row.
    let first = std::fs::read_dir(copy.folder().join(format!("sale-{}", house.concert))).unwrap();
    let mut names: Vec<_> = first.map(|file| file.unwrap().path()).collect();
    names.sort();
    std::fs::remove_file(&names[0]).unwrap();
    assert!(copy.run(&**house.store(), future, 1).await.is_err());
}

/// Goal: a run that was broken off between writing and deleting is put right, and an archive of another database is
/// refused. Method: the files of one sale are shown to a database that has the rows still, and to another one.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_in_both_places_are_compared_before_they_are_deleted() {
    let house = House::open(Plan::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::new(folder.path());
    let (mut fan, _) = house.joined(0).await;
    fan.ok("hold", json!({"schedule_id": house.schedule(), "seats": [1]})).await;
    let other = House::open(Plan::default()).await;
    let (mut elsewhere, _) = other.joined(0).await;
    elsewhere.ok("hold", json!({"schedule_id": other.schedule(), "seats": [1]})).await;
    let future = Timestamp::from_millis(i64::MAX / 4);
    assert_eq!(house.concert, other.concert);
    house.rows_follow().await;
    other.rows_follow().await;
    archive.run(&**house.store(), future, 1).await.unwrap();
    let before = other.store().journal(other.concert, 0, 100).await.unwrap();
    let refused = archive.run(&**other.store(), future, 1).await.unwrap_err().to_string();
    assert!(refused.contains("another one than the database's"), "{refused}");
    assert_eq!(other.store().journal(other.concert, 0, 100).await.unwrap(), before);
}

/// Goal: what the tables do not have yet is left to them, whoever asks for how much; a server that was killed finds it.
/// Method: the tables stand still while the journal goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_the_tables_lack_stay_in_the_journal() {
    let house = House::open(Plan::default()).await;
    let archive = Archive::new(house.journal_archive());
    let future = Timestamp::from_millis(i64::MAX / 4);
    let (mut fan, _) = house.joined(0).await;
    house.rows_follow().await;
    house.context().dispatcher.let_tables_stand(true);
    for seat in 0..4 {
        fan.ok("hold", json!({"schedule_id": house.schedule(), "seats": [seat]})).await;
    }
    let behind = house.store().behind().await.unwrap();
    let [behind] = behind[..] else { panic!("{behind:?}") };
    assert!(behind.applied < behind.end, "{behind:?}");

    archive.run(&**house.store(), future, 1).await.unwrap();
    // The newest row that they have stays as well: it is what they go on from.
    assert_eq!(archive.end(house.concert).unwrap(), behind.applied);
    let old = house.store().old_journal().unwrap();
    for last in [behind.applied + 1, behind.end - 1] {
        let refused = old.delete_rows(house.concert, behind.applied, last).await.unwrap_err().reason();
        assert!(refused.contains("not in its other tables yet"), "{refused}");
    }
    let report = house.store().audit_with(Some(&archive)).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());

    house.context().dispatcher.let_tables_stand(false);
    house.rows_follow().await;
    assert_eq!(house.store().behind().await.unwrap(), []);
    archive.run(&**house.store(), future, 1).await.unwrap();
    assert_eq!(archive.end(house.concert).unwrap(), behind.end);
    let report = house.store().audit_with(Some(&archive)).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_has_so_many_entries_a_day_and_refunds_always_fit() {
    let mut house =
        House::open(Plan { settings: |config| config.limits.ledger_entries_per_day = 3, ..Plan::default() })
            .await;
    let (mut fan, _) = house.joined(0).await;
    let held = fan.ok("hold", json!({"schedule_id": house.schedule(), "seats": [0]})).await;
    for n in 0..2 {
        fan.ok("charge", json!({"amount": 500_000, "request_id": n.to_string()})).await;
    }
    let paid = fan.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
    let refused = fan.call("charge", json!({"amount": 5, "request_id": "more"})).await.unwrap_err();
    assert_eq!((&*refused.reason, &refused.data["max"]), ("FORBIDDEN", &json!(3)));
    assert_eq!(refused.data["retryable"], false);
    // A charge that was made already is answered as before; a refund is never refused.
    let again = fan.ok("charge", json!({"amount": 500_000, "request_id": "1"})).await;
    assert_eq!(again["balance"], 1_000_000);
    assert_eq!(
        fan.ok("pay", json!({"reservation_id": held["reservation_id"]})).await["payment"],
        paid["payment"]
    );
    fan.ok("cancel", json!({"reservation_id": held["reservation_id"]})).await;
    // A restart begins no new day.
    house.stop().await;
    house.start().await;
    let mut fan = house.connection_of_token(&fan.access_token).await;
    let refused = fan.call("charge", json!({"amount": 5, "request_id": "more"})).await.unwrap_err();
    assert_eq!((&*refused.reason, &refused.data["max"]), ("FORBIDDEN", &json!(3)));
    // Another user's day is another's, and so is the next one.
    let mut other = house.fan(0).await;
    other.ok("charge", json!({"amount": 5, "request_id": "a"})).await;
    house.advance(24 * 60 * 60);
    let mut tomorrow = house.connection_of_token(&fan.access_token).await;
    while tomorrow.call("charge", json!({"amount": 5, "request_id": "tomorrow"})).await.is_err() {
        // The lane may have been asleep for the day that was turned.
        tokio::task::yield_now().await;
    }
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_messages_have_no_control_characters() {
    let house = House::open(Plan { settings: |config| config.guests = Some(true), ..Plan::default() }).await;
    let operator = house.operator_token();
    for bad in ["\\u0007", "\\n", "\\u001b[2J", "\\u0000", "\\u202e", "\\u2066", "\\u2028", "\\u009b"] {
        let name = house.http("POST", "/api/v1/users", None, &format!(r#"{{"name":"a{bad}b"}}"#)).await;
        assert_eq!(name.outcome(), (400, "INVALID_PARAMS".to_owned()), "{bad}");
        let path = format!("/api/v1/admin/sales/{}", house.concert);
        let body = format!(r#"{{"message":"a{bad}b"}}"#);
        let message = house.http("PATCH", &path, Some(&operator), &body).await;
        assert_eq!(message.outcome(), (400, "INVALID_PARAMS".to_owned()), "{bad}");
    }
    // Names made of what cannot be seen are refused as well.
    for blank in ["", "  ", "\\u200b", "\\ufeff", "\\u3164", "\\u00a0"] {
        let body = format!(r#"{{"name":"{blank}"}}"#);
        let name = house.http("POST", "/api/v1/users", None, &body).await;
        assert_eq!(name.outcome(), (400, "INVALID_PARAMS".to_owned()), "{blank}");
        let path = format!("/api/v1/admin/sales/{}", house.concert);
        let body = format!(r#"{{"message":"{blank}"}}"#);
        let message = house.http("PATCH", &path, Some(&operator), &body).await;
        assert_eq!(message.outcome(), (400, "INVALID_PARAMS".to_owned()), "{blank}");
    }
    let fine = house.http("POST", "/api/v1/users", None, r#"{"name":"김하늘 🎟️ א"}"#).await;
    assert_eq!(fine.status, 201);
}

/// Runs `frontrow import` with this file as its plan; its words on stderr.
fn import(plan: &std::path::Path, data: &std::path::Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
    command.arg("import").arg(plan).args(["--title", "t", "--starts-at", "2099-01-01T00:00:00Z", "--data"]);
    let output = command.arg(data).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn an_import_reads_so_much_of_anything_and_lists_so_many_faults() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // A file that has no size and no end.
    let printed = import(std::path::Path::new("/dev/zero"), &data);
    assert!(printed.contains("more than 67108864 bytes"), "{printed}");
    let seats: Vec<_> =
        (0..500).map(|n| json!({"seat_guid": format!("{n}\u{7}"), "seat_number": n})).collect();
    let row = json!({"position": {"x": 0, "y": 0}, "seats": seats});
    let plan =
        json!({"name": "p", "categories": [], "zones": [{"position": {"x": 0, "y": 0}, "rows": [row]}]});
    let path = folder.path().join("plan.json");
    std::fs::write(&path, plan.to_string()).unwrap();
    let printed = import(&path, &data);
    let lines: Vec<_> = printed.trim().lines().collect();
    assert!(lines[0].contains("faults, nothing was stored"), "{}", lines[0]);
    assert_eq!(lines.len(), 1 + 100 + 1, "{printed:.2000}");
    assert!(lines[101].starts_with("  and ") && lines[101].ends_with(" more"), "{}", lines[101]);
    assert!(printed.contains("contains a control character") && !printed.contains('\u{7}'));
}

#[test]
fn what_is_archived_is_said_as_an_age_or_as_a_time_an_hour_ago_at_least() {
    let folder = tempfile::tempdir().unwrap();
    let archive = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
        let output =
            command.args(["journal", "archive", "--data"]).arg(folder.path()).args(arguments).output();
        let output = output.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let (done, said, _) = archive(&["--before", "2020-01-01T00:00:00+09:00"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(done && said["rows"] == 0 && said["files"] == 0, "{said}");
    for (arguments, why) in [
        (&["--before", "2999-01-01T00:00:00Z"][..], "--before must be an hour ago at least"),
        (&["--older-than", "5m"], "--older-than must be an hour at least"),
        (&["--before", "yesterday"], "--before"),
        (&["--before", "2020-01-01T00:00:00Z", "--older-than", "2d"], "cannot be used with"),
    ] {
        let (done, _, said) = archive(arguments);
        assert!(!done && said.contains(why), "{arguments:?}: {said}");
    }
}
