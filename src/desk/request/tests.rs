//! The plan of every method, as a table.

use serde_json::value::RawValue;

use super::*;
use crate::domain::ids::{AddressBlock, UserId};
use crate::domain::record::{ExpiryReason, TokenStatus};

/// Performance 70 is of concert 1, and there is no other.
pub fn sale_of(schedule: ScheduleId) -> Result<ConcertId, ErrorObject> {
    match schedule {
        ScheduleId(70) => Ok(ConcertId(1)),
        _ => Err(ErrorObject::schedule_not_found()),
    }
}

/// A request of this method about concert 1, performance 70 and a reservation there.
pub fn example(method: Method) -> Request {
    const RESERVATION: &str = r#"{"reservation_id":"00000001-0000-8000-8000-000000000007"}"#;
    let params = match method {
        Method::Hello => r#"{"access_token":"t"}"#,
        Method::QueueJoin => r#"{"concert_id":1}"#,
        Method::OpsWatch | Method::OpsUnwatch => r#"{"concert_id":1}"#,
        Method::SeatsWatch | Method::SeatsUnwatch => r#"{"schedule_id":70}"#,
        Method::Hold => r#"{"schedule_id":70,"seats":[1]}"#,
        Method::HoldBest => r#"{"schedule_id":70,"count":2}"#,
        Method::Release | Method::Pay | Method::Cancel => RESERVATION,
        Method::Charge => r#"{"amount":5,"request_id":"r"}"#,
        Method::Concerts
        | Method::QueueGet
        | Method::QueueExtend
        | Method::QueueLeave
        | Method::Schedules
        | Method::Reservations
        | Method::Balance
        | Method::History
        | Method::Tickets
        | Method::Ping => "{}",
    };
    let params: Box<RawValue> = serde_json::from_str(params).unwrap();
    Request::parse(method, Some(&params)).unwrap()
}

/// A plan in words: who carries it out, where, and whether the user's sale has to be notified that they did something.
fn show(plan: &Plan) -> String {
    let what = match plan {
        Plan::Local(Local::Hello(_)) => "hello here".to_owned(),
        Plan::Local(local) => format!("{local:?} here"),
        Plan::Read(reading) => format!("read {reading:?}"),
        Plan::Charge { amount, request_id } => format!("charge {amount} {request_id}"),
        Plan::Ops(task) => format!("operators: {task:?}"),
        Plan::ToSale { route, task } => {
            let caller = Caller { user: UserId(7), token: None, guest_of: None };
            let task = match task {
                Task::View(view) => format!("{view:?}"),
                Task::Command(command) => command.clone().given_by(caller, None).name().to_owned(),
            };
            match route {
                Route::Own => format!("{task} in the own sale"),
                Route::Sale(concert) => format!("{task} in {concert}"),
                Route::Nowhere(error) => format!("{task} nowhere: {}", error.reason()),
            }
        }
    };
    format!("{what}{}", if plan.is_activity_elsewhere() { ", activity" } else { "" })
}

#[test]
fn every_method_has_its_plan() {
    let table: String = Method::ALL
        .iter()
        .map(|&method| format!("{method:14} {}\n", show(&plan(example(method), sale_of))))
        .collect();
    assert_eq!(
        table,
        "hello          hello here
concerts       Concerts here, activity
queue.join     join in 1
queue.get      get in the own sale
queue.extend   extend in the own sale
queue.leave    leave in the own sale
schedules      Schedules in the own sale, activity
seats.watch    Seats(ScheduleId(70)) in 1, activity
seats.unwatch  Unwatch(ScheduleId(70)) here, activity
hold           hold in 1
hold_best      hold_best in 1
release        release in 1
reservations   read Reservations, activity
balance        read Balance, activity
charge         charge 5 r, activity
history        read History { before: None, limit: 50 }, activity
pay            pay in 1
cancel         cancel in 1
tickets        read Tickets, activity
ping           Ping here
ops.watch      operators: Watch(Some(ConcertId(1)))
ops.unwatch    operators: Unwatch(Some(ConcertId(1)))
"
    );
}

#[test]
fn what_is_about_no_sale_of_ours_goes_nowhere() {
    for (method, params, expected) in [
        (Method::Hold, r#"{"schedule_id":71,"seats":[1]}"#, "hold nowhere: SCHEDULE_NOT_FOUND"),
        (Method::HoldBest, r#"{"schedule_id":71,"count":1}"#, "hold_best nowhere: SCHEDULE_NOT_FOUND"),
        (
            Method::SeatsWatch,
            r#"{"schedule_id":71}"#,
            "Seats(ScheduleId(71)) nowhere: SCHEDULE_NOT_FOUND, activity",
        ),
    ] {
        let params: Box<RawValue> = serde_json::from_str(params).unwrap();
        assert_eq!(show(&plan(Request::parse(method, Some(&params)).unwrap(), sale_of)), expected);
    }
    // A UUID of somebody else's making.
    let foreign = r#"{"reservation_id":"0198c0de-0000-7000-8000-000000000000"}"#;
    let params: Box<RawValue> = serde_json::from_str(foreign).unwrap();
    for method in [Method::Release, Method::Pay, Method::Cancel] {
        let plan = plan(Request::parse(method, Some(&params)).unwrap(), sale_of);
        assert_eq!(show(&plan), format!("{method} nowhere: RESERVATION_NOT_FOUND"));
    }
}

#[test]
fn a_queue_token_changes_what_may_be_done() {
    let now = Timestamp::from_millis(1_000_000_000);
    let bearer = |concert, status| QueueBearer {
        token: QueueToken(uuid::Uuid::nil()),
        concert: ConcertId(concert),
        status,
        ended_at: Some(now),
    };
    let allowed = |method, bearer| {
        let plan = plan(example(method), sale_of).allowed(method, Some(&bearer), now);
        plan.map_or_else(|error| error.reason().to_string(), |plan| show(&plan))
    };
    // An access token changes no plan.
    for &method in Method::ALL {
        let of_all = plan(example(method), sale_of);
        assert_eq!(of_all.clone().allowed(method, None, now), Ok(of_all));
    }
    // A live one joins no other sale than its own; all else is as it was.
    for status in [TokenStatus::Waiting, TokenStatus::Progress] {
        assert_eq!(allowed(Method::QueueJoin, bearer(2, status)), "FORBIDDEN");
        for &method in Method::ALL.iter().filter(|method| method.roles().is_none()) {
            assert_eq!(allowed(method, bearer(1, status)), show(&plan(example(method), sale_of)));
        }
    }
    // One that has ended shows its own visit, wherever its user stands by now.
    let ended = bearer(3, TokenStatus::Expired(ExpiryReason::Idle));
    assert_eq!(allowed(Method::QueueGet, ended), "resume in 3");
    assert_eq!(allowed(Method::QueueLeave, ended), "TOKEN_EXPIRED");
    assert_eq!(allowed(Method::Tickets, ended), "read Tickets, activity");
    assert_eq!(allowed(Method::QueueJoin, bearer(2, TokenStatus::Done)), "TOKEN_DONE");
}

/// Goal: a command says who gave it, and over a websocket by which connection. Method: every command that a request
/// becomes.
#[test]
fn a_command_is_its_callers() {
    let caller = Caller { user: UserId(7), token: None, guest_of: Some(AddressBlock(3)) };
    for &method in Method::ALL {
        let Plan::ToSale { task: Task::Command(command), .. } = plan(example(method), sale_of) else {
            continue;
        };
        for connection in [None, Some(ConnectionId(9))] {
            let by = match command.clone().given_by(caller, connection) {
                Command::Join { user, connection: joined } => {
                    assert_eq!(joined, connection);
                    Caller { user, ..caller }
                }
                Command::Get { caller, polled } => {
                    assert_eq!(polled, connection.is_none(), "who polls has no connection to be present by");
                    caller
                }
                Command::Extend { caller }
                | Command::Leave { caller }
                | Command::Hold { caller, .. }
                | Command::HoldBest { caller, .. }
                | Command::Release { caller, .. }
                | Command::Pay { caller, .. }
                | Command::Cancel { caller, .. } => caller,
                other => panic!("{method}: {other:?}"),
            };
            assert_eq!(by, caller, "{method}");
        }
    }
}
