//! The rules of a connection, as tables: when, what comes in, what goes out.

use super::*;
use crate::desk::request;
use crate::domain::ids::{EntryNo, OperatorId};
use crate::domain::record::{ExpiryReason, TokenRecord};
use crate::domain::rejection::Rejection;
use frontrow_protocol::{Role, parse_request};

const CONNECTION: ConnectionId = ConnectionId(9);
const BLOCK: AddressBlock = AddressBlock(1);
const START: Timestamp = Timestamp::from_millis(1_000_000_000);
/// The end of access tokens that are not about to end.
const FAR: Timestamp = Timestamp::from_millis(2_000_000_000);
/// Performance 70 is of concert 1, performance 80 of concert 2.
const SCHEDULES: [(u64, u32); 2] = [(70, 1), (80, 2)];

/// A queue token of concert `concert`.
fn token(concert: u32, entry: u64) -> QueueToken {
    let bits = u128::from(concert) << 96 | 8 << 76 | 0b10 << 62 | u128::from(entry);
    QueueToken(uuid::Uuid::from_u128(bits))
}

fn place(concert: u32, entry: u64, status: &str) -> Place {
    let status = match status {
        "WAITING" => TokenStatus::Waiting,
        "PROGRESS" => TokenStatus::Progress,
        "DONE" => TokenStatus::Done,
        "EXPIRED" => TokenStatus::Expired(ExpiryReason::Idle),
        other => panic!("no such status: {other}"),
    };
    let record = TokenRecord {
        concert: ConcertId(concert),
        entry: EntryNo(entry),
        token: token(concert, entry),
        user: UserId(7),
        status,
        entered_at: Timestamp::from_millis(0),
        admitted_at: None,
        expires_at: None,
        ended_at: (!status.is_live()).then_some(START),
    };
    Place { record, line: None, waiting: 0, sold_out: false, idle_at: None }
}

/// Runs a script of lines `time | input | outputs`, starting as a stranger.
fn check(script: &str) {
    check_from(Arrival::Stranger, ClientLimits::default(), script);
}

fn by(arrival: Arrival, block: Option<AddressBlock>) -> Newcomer {
    Newcomer { arrival, block, admits: Admits::Everybody }
}

/// Operator 3, in this role.
fn badge(role: &str) -> Badge {
    let roles = Role::from_name(role).into_iter().collect();
    let operator = Operator { id: Some(OperatorId(3)), roles, session: Some(4) };
    Badge { operator, token: "fro".into() }
}

fn check_from(arrival: Arrival, limits: ClientLimits, script: &str) {
    check_at(Admits::Everybody, arrival, limits, script);
}

fn check_at(admits: Admits, arrival: Arrival, limits: ClientLimits, script: &str) {
    let start = START;
    let mut out = Vec::new();
    let newcomer = Newcomer { arrival, block: Some(BLOCK), admits };
    let mut session = Session::open(CONNECTION, newcomer, &limits, start, start, &mut out);
    let mut sent = 0;
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let [time, input, expected] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("not three columns: {line}");
        };
        let seconds: f64 = time.strip_suffix('s').unwrap().parse().unwrap();
        let now = start + Duration::from_secs_f64(seconds);
        feed(&mut session, now, input, &mut sent, &mut out);
        let shown: Vec<_> = out.drain(..).map(show).collect();
        assert_eq!(shown.join("; "), expected, "after `{time} {input}`");
    }
}

fn feed(session: &mut Session, now: Timestamp, input: &str, sent: &mut i64, out: &mut Vec<Output>) {
    let words: Vec<_> = input.splitn(3, ' ').collect();
    let error = |reason: &str| ErrorObject::new(Reason::from_name(reason), "");
    let input = match words[..] {
        // The outputs of `open` itself are shown.
        ["opened"] => return,
        ["tick"] => Input::Tick { utc: now },
        ["alive"] => Input::Alive,
        ["wallet"] => Input::Wallet,
        ["superseded"] => Input::Superseded,
        ["restarting"] => Input::Restarting,
        ["text", ..] => read(&input["text ".len()..]),
        ["send", method, ..] => {
            *sent += 1;
            let params = words.get(2).copied().unwrap_or("{}");
            let params = params.replace("TOKEN", &token(1, 5).to_string());
            read(&format!(r#"{{"jsonrpc":"2.0","id":{sent},"method":"{method}","params":{params}}}"#))
        }
        ["found", tag, what] => {
            let found = match what.split(' ').collect::<Vec<_>>()[..] {
                ["user", user] => Ok(Found::User {
                    user: UserId(user.parse().unwrap()),
                    guest: false,
                    ends_at: FAR,
                    badge: None,
                }),
                ["guest", user] => Ok(Found::User {
                    user: UserId(user.parse().unwrap()),
                    guest: true,
                    ends_at: FAR,
                    badge: None,
                }),
                ["user", user, "until", seconds] => Ok(Found::User {
                    user: UserId(user.parse().unwrap()),
                    guest: false,
                    ends_at: START + Duration::from_secs(seconds.parse().unwrap()),
                    badge: None,
                }),
                ["operator", role] => Ok(Found::Operator { badge: badge(role), ends_at: FAR }),
                ["operator", role, "until", seconds] => Ok(Found::Operator {
                    badge: badge(role),
                    ends_at: START + Duration::from_secs(seconds.parse().unwrap()),
                }),
                ["both", user, role] => Ok(Found::User {
                    user: UserId(user.parse().unwrap()),
                    guest: false,
                    ends_at: FAR,
                    badge: Some(badge(role)),
                }),
                ["owner", user] => Ok(Found::Owner { user: UserId(user.parse().unwrap()), guest: false }),
                ["sale", "none"] => Ok(Found::Sale(None)),
                ["sale", concert] => Ok(Found::Sale(Some(ConcertId(concert.parse().unwrap())))),
                ["balance", balance] => {
                    Ok(Found::Outcome(Box::new(Outcome::Balance(balance.parse().unwrap()))))
                }
                ["error", reason] => Err(error(reason)),
                _ => panic!("{what}"),
            };
            Input::Found { tag: tag.parse().unwrap(), found }
        }
        ["reply", tag, what] => {
            let reply = match what.split(' ').collect::<Vec<_>>()[..] {
                ["place", status] => Ok(Answer::Queue { place: place(1, 5, status), created: true }),
                ["resumed", status] => {
                    Ok(Answer::Resumed { place: place(1, 5, status), reservations: Vec::new() })
                }
                ["done"] => Ok(Answer::Done),
                ["not_in_queue"] => Err(Rejection::NotInQueue.into()),
                ["no_concert"] => Err(Rejection::ConcertNotFound.into()),
                ["too_many_joins"] => {
                    Err(Refusal::RateLimited { retry_after: Duration::from_secs(1), message: "".into() })
                }
                ["unavailable"] => Err(Refusal::Unavailable { retry_after: Duration::from_secs(1) }),
                _ => panic!("{what}"),
            };
            Input::Reply { tag: tag.parse().unwrap(), reply }
        }
        ["pushed_in", concert, what] => {
            let [entry, status] = what.split(' ').collect::<Vec<_>>()[..] else { panic!("{what}") };
            Input::Place(place(concert.parse().unwrap(), entry.parse().unwrap(), status))
        }
        ["pushed", entry, status] => Input::Place(place(1, entry.parse().unwrap(), status)),
        _ => panic!("no such input: {input}"),
    };
    session.handle(now, input, out);
}

/// A text frame as the connection reads it.
fn read(text: &str) -> Input {
    let sale_of = |schedule: ScheduleId| {
        let known = SCHEDULES.iter().find(|(id, _)| *id == schedule.0);
        known.map(|(_, concert)| ConcertId(*concert)).ok_or_else(ErrorObject::schedule_not_found)
    };
    match parse_request(text) {
        Ok((id, request)) => {
            Input::Request { id, method: request.method(), plan: request::plan(request, sale_of) }
        }
        Err(malformed) => Input::Malformed(malformed),
    }
}

fn show(output: Output) -> String {
    let id = |id: Option<RequestId>| id.map_or("#?".to_owned(), |id| format!("#{id}"));
    match output {
        Output::Answer { id: of, outcome: Err(error), .. } => format!("{} {}", id(of), error.reason()),
        Output::Answer { id: of, outcome: Ok(outcome), .. } => {
            let outcome = match outcome {
                Outcome::Welcome { resumed: None, operator: None, .. } => "welcome".to_owned(),
                Outcome::Welcome { resumed: None, operator: Some(of), .. } => {
                    format!("welcome {:?}", of.roles.iter().collect::<Vec<_>>())
                }
                Outcome::Welcome { resumed: Some((place, _)), .. } => {
                    format!("welcome back {:?}", place.record.status)
                }
                Outcome::Place { place, .. } => format!("{:?}", place.record.status),
                other => format!("{other:?}"),
            };
            format!("{} {outcome}", id(of))
        }
        Output::Watch { id: of, schedule, begun: false } => format!("{} watch {schedule}", id(of)),
        Output::Watch { id: of, schedule, begun: true } => {
            format!("{} watch {schedule}, begun or not", id(of))
        }
        Output::WatchSales { id: of, scope } => format!("#{of} watch sales {scope:?}"),
        Output::UnwatchSales { id: of, scope } => format!("#{of} unwatch sales {scope:?}"),
        Output::RegisterOperator { operator } => {
            format!("register operator {:?}", operator.id.map(|id| id.0))
        }
        Output::Unwatch { id: of, schedule } => format!("{} unwatch {schedule}", id(of)),
        Output::Submit { tag, concert, command } => {
            let command = match command {
                Command::Join { user, connection } => format!("join {user} {connection:?}"),
                Command::Resume { connection, .. } => format!("resume {connection:?}"),
                Command::Get { caller, polled } => format!("get{} {}", u8::from(polled), who(caller)),
                Command::Extend { caller } => format!("extend {}", who(caller)),
                Command::Hold { caller, .. } => format!("hold {}", who(caller)),
                Command::Pay { caller, .. } => format!("pay {}", who(caller)),
                other => format!("{other:?}"),
            };
            format!("[{tag}] to {concert}: {command}").replace("Some(ConnectionId(9))", "here")
        }
        Output::Charge { tag, user, amount, request_id } => {
            format!("[{tag}] charge {user} {amount} {request_id}")
        }
        Output::Query { tag, question } => match question {
            Question::OwnerOf(_) => format!("[{tag}] owner?"),
            Question::Identify { access_token } => format!("[{tag}] who is {access_token}?"),
            Question::SaleOf(user) => format!("[{tag}] sale of {user}?"),
            Question::Of { user, only: None, reading: Reading::Balance } => {
                format!("[{tag}] balance of {user}?")
            }
            Question::Of { user, only, reading } => format!("[{tag}] {reading:?} of {user}, only {only:?}"),
        },
        Output::Touch { concert: Some(concert), .. } => format!("touch {concert}"),
        Output::Touch { concert: None, .. } => "touch".to_owned(),
        Output::Register { user } => format!("register {user}"),
        Output::Greet { except: None, .. } => "greet".to_owned(),
        Output::Greet { except: Some(concert), .. } => format!("greet but {concert}"),
        Output::BePresent { concert, .. } => format!("be present in {concert}"),
        Output::PushPlace(place) => format!("push {:?}", place.record.status),
        Output::PushReservation(reservation) => format!("push {}", reservation.id),
        Output::PushBalance(balance) => format!("push {balance}"),
        Output::PushSale(news) => format!("push {:?}", news.state),
        Output::PushHelloAgain { within } => format!("hello again within {} s", within.as_secs()),
        Output::Ping => "ping".to_owned(),
        Output::Close(code) => format!("close {}", code.code()),
    }
}

fn who(caller: Caller) -> String {
    format!("{}{}", caller.user, if caller.token.is_some() { " by token" } else { "" })
}

#[test]
fn nothing_is_asked_for_a_stranger() {
    check(
        r#"0s  | send ping                           | #1 UNAUTHENTICATED
           0s  | send queue.join {"concert_id":1}    | #2 UNAUTHENTICATED
           0s  | send hello {"access_token":"t"}     | [0] who is t?
           0s  | found 0 user 7                      | register 7; #3 welcome; greet
           0s  | send ping                           | #4 Pong"#,
    );
}

#[test]
fn without_a_hello_the_connection_is_closed() {
    check(
        r#"9.9s | tick                               |
           10s  | tick                               | close 4000
           10s  | send hello {"access_token":"t"}    |"#,
    );
    check(
        r#"9.9s | send hello {"access_token":"t"}    | [0] who is t?
           11s  | tick                               |
           11s  | found 0 error UNAVAILABLE          | #1 UNAVAILABLE
           11s  | tick                               | close 4000"#,
    );
}

#[test]
fn a_bad_token_is_refused_and_the_connection_closed() {
    check(
        r#"0s | send hello {"access_token":"t"}      | [0] who is t?
           0s | found 0 error UNAUTHENTICATED        | #1 UNAUTHENTICATED; close 4500"#,
    );
    check(
        r#"0s | send hello {"access_token":"t"}      | [0] who is t?
           0s | found 0 error USER_NOT_FOUND         | #1 USER_NOT_FOUND
           1s | send hello {"access_token":"u"}      | [1] who is u?
           1s | found 1 user 7                       | register 7; #2 welcome; greet"#,
    );
    let foreign = "00000000-0000-0000-0000-000000000000";
    check(&format!(r#"0s | send hello {{"queue_token":"{foreign}"}} | #1 UNAUTHENTICATED; close 4500"#));
    check(
        r#"0s | send hello {"queue_token":"TOKEN"}   | [0] owner?
           0s | found 0 owner 7                      | register 7; [1] to 1: resume here
           0s | reply 1 not_in_queue                 | #1 UNAUTHENTICATED; close 4500"#,
    );
}

#[test]
fn what_comes_right_behind_a_hello_waits_for_it() {
    check(
        r#"0s | send hello {"access_token":"t"}      | [0] who is t?
           0s | send queue.join {"concert_id":1}     |
           0s | send ping                            |
           0s | found 0 user 7                       | register 7; #1 welcome; greet; [1] to 1: join 7 here; #3 Pong"#,
    );
    check(
        r#"0s | send hello {"access_token":"t"}      | [0] who is t?
           0s | send ping                            |
           0s | found 0 error USER_NOT_FOUND         | #1 USER_NOT_FOUND; #2 UNAUTHENTICATED"#,
    );
}

#[test]
fn a_queue_token_resumes_and_may_not_join_another_sale() {
    check(
        r#"0s | send hello {"queue_token":"TOKEN"}   | [0] owner?
           0s | found 0 owner 7                      | register 7; [1] to 1: resume here
           0s | reply 1 resumed PROGRESS             | #1 welcome back Progress; greet but 1
           1s | send queue.join {"concert_id":2}     | #2 FORBIDDEN
           1s | send queue.join {"concert_id":1}     | [2] to 1: join 7 here
           1s | send hold {"schedule_id":70,"seats":[1]} | [3] to 1: hold 7 by token
           1s | send charge {"amount":5,"request_id":"r"} | touch 1; [4] charge 7 5 r
           2s | send hello {"access_token":"t"}      | [5] who is t?
           2s | found 5 user 7                       | #6 welcome; greet
           2s | send queue.join {"concert_id":2}     | [6] to 2: join 7 here"#,
    );
    check(
        r#"0s | send hello {"queue_token":"TOKEN"}   | [0] owner?
           0s | found 0 owner 7                      | register 7; [1] to 1: resume here
           0s | reply 1 resumed EXPIRED              | #1 welcome back Expired(Idle)
           0s | send schedules                       | #2 TOKEN_EXPIRED
           0s | send queue.join {"concert_id":1}     | #3 TOKEN_EXPIRED
           0s | send concerts                        | #4 Concerts"#,
    );
}

#[test]
fn an_ended_queue_token_tells_of_its_own_visit_for_an_hour() {
    check(
        r#"0s     | send hello {"queue_token":"TOKEN"}   | [0] owner?
           0s     | found 0 owner 7                      | register 7; [1] to 1: resume here
           0s     | reply 1 resumed PROGRESS             | #1 welcome back Progress; greet but 1
           1s     | send balance                         | touch 1; [2] balance of 7?
           1s     | found 2 balance 5                    | #2 Balance(5)
           2s     | pushed 5 DONE                        | push Done
           3s     | send balance                         | #3 TOKEN_DONE
           3s     | send charge {"amount":5,"request_id":"r"} | #4 TOKEN_DONE
           3s     | send queue.join {"concert_id":1}     | #5 TOKEN_DONE
           3s     | send reservations                    | [3] Reservations of 7, only Some(ConcertId(1))
           3s     | send tickets                         | [4] Tickets of 7, only Some(ConcertId(1))
           3s     | send queue.get                       | [5] to 1: resume None
           3s     | reply 5 resumed DONE                 | #8 Done
           3s     | pushed 6 PROGRESS                    |
           4s     | send hold {"schedule_id":70,"seats":[1]} | #9 TOKEN_DONE
           3599s  | send reservations                    | [6] Reservations of 7, only Some(ConcertId(1))
           3600s  | send reservations                    | #11 TOKEN_DONE
           3600s  | alive                                |
           3600s  | tick                                 | hello again within 60 s; ping
           3601s  | send ping                            | #12 Pong
           3660s  | tick                                 | close 4500"#,
    );
}

#[test]
fn a_session_does_not_outlive_its_access_token() {
    let says_hello = r#"0s   | send hello {"access_token":"t"}      | [0] who is t?
           0s   | found 0 user 7 until 30              | register 7; #1 welcome; greet
           29s  | tick                                 | ping
           30s  | tick                                 | hello again within 60 s
           31s  | send charge {"amount":5,"request_id":"r"} | touch; [1] charge 7 5 r
           35s  | tick                                 |
           "#;
    // Nobody answers.
    check(&format!(
        r#"{says_hello} 89.9s | tick | ping
           90s | tick | close 4500"#
    ));
    // The same user again, on the same socket.
    check(&format!(
        r#"{says_hello} 40s | send hello {{"access_token":"u"}} | [2] who is u?
           40s  | found 2 user 7 until 100             | #3 welcome; greet
           90s  | tick                                 | ping
           99s  | alive                                |
           100s | tick                                 | hello again within 60 s"#
    ));
    // Another user is no answer.
    check(
        &format!(
            r#"{says_hello} 40s | send hello {{"access_token":"u"}} | [2] who is u?
           40s  | found 2 user 8                       | #3 INVALID_REQUEST
           90s  | tick                                 | ping; close 4500"#
        )
        .replace("ping; close", "close"),
    );
    // A queue token is enough to keep the place, and is then all that the session is known by.
    check(&format!(
        r#"{says_hello} 40s | send hello {{"queue_token":"TOKEN"}} | [2] owner?
           40s  | found 2 owner 7                      | [3] to 1: resume here
           40s  | reply 3 resumed WAITING              | #3 welcome back Waiting
           95s  | tick                                 | ping
           96s  | send queue.join {{"concert_id":2}}   | #4 FORBIDDEN"#
    ));
    // A machine that slept is pinged before it is closed.
    check(
        r#"0s    | send hello {"access_token":"t"}     | [0] who is t?
           0s    | found 0 user 7 until 30             | register 7; #1 welcome; greet
           9000s | tick                                | hello again within 60 s; ping"#,
    );
    // An older token takes nothing away.
    check(
        r#"0s    | send hello {"access_token":"t"}     | [0] who is t?
           0s    | found 0 user 7 until 30             | register 7; #1 welcome; greet
           0s    | send hello {"access_token":"u"}     | [1] who is u?
           0s    | found 1 user 7 until 10             | #2 welcome; greet
           15s   | tick                                |"#,
    );
}

#[test]
fn the_timer_is_set_for_the_end_of_the_token() {
    let mut out = Vec::new();
    let ends_at = START + Duration::from_secs(5);
    let arrival = Arrival::User { user: UserId(7), guest: false, ends_at, badge: None };
    let steady = Timestamp::from_millis(77);
    let limits = ClientLimits::default();
    let mut session = Session::open(CONNECTION, by(arrival, None), &limits, steady, START, &mut out);
    assert_eq!(session.next_tick(), steady + Duration::from_secs(5));
    // UTC was set back a second: the token ends a second later.
    let now = steady + Duration::from_secs(5);
    session.handle(now, Input::Tick { utc: START + Duration::from_secs(4) }, &mut out);
    assert_eq!(session.next_tick(), now + Duration::from_secs(1));
    assert!(!out.iter().any(|output| matches!(output, Output::PushHelloAgain { .. })));
    session.handle(now + Duration::from_secs(1), Input::Tick { utc: ends_at }, &mut out);
    assert!(out.iter().any(|output| matches!(output, Output::PushHelloAgain { .. })));
    assert_eq!(session.next_tick(), steady + PING_INTERVAL);
}

#[test]
fn a_connection_stays_with_its_user() {
    check(
        r#"0s | send hello {"access_token":"t"}      | [0] who is t?
           0s | found 0 user 7                       | register 7; #1 welcome; greet
           0s | send hello {"access_token":"u"}      | [1] who is u?
           0s | found 1 user 8                       | #2 INVALID_REQUEST
           0s | send hello {"queue_token":"TOKEN"}   | [2] owner?
           0s | found 2 owner 8                      | #3 INVALID_REQUEST
           0s | send queue.join {"concert_id":1}     | [3] to 1: join 7 here"#,
    );
}

const USER: Arrival = Arrival::User { user: UserId(7), guest: false, ends_at: FAR, badge: None };

#[test]
fn a_header_is_as_good_as_a_hello() {
    let limits = ClientLimits::default();
    check_from(
        USER,
        limits,
        r#"0s  | opened                               | register 7; greet
           11s | tick                                 |
           11s | send ping                            | #1 Pong"#,
    );
    let arrival = Arrival::Token { user: UserId(7), guest: false, token: token(1, 5), concert: ConcertId(1) };
    check_from(
        arrival.clone(),
        limits,
        r#"0s  | opened                               | register 7; [0] to 1: resume here
           0s  | send queue.get                       |
           0s  | reply 0 resumed WAITING              | push Waiting; greet but 1; [1] to 1: get0 7 by token"#,
    );
    check_from(
        arrival,
        limits,
        r#"0s  | opened                               | register 7; [0] to 1: resume here
           0s  | reply 0 not_in_queue                 | close 4500"#,
    );
}

#[test]
fn admission_opens_what_needs_it() {
    check_from(
        USER,
        ClientLimits::default(),
        r#"0s | opened                               | register 7; greet
           0s | send queue.join {"concert_id":1}     | [0] to 1: join 7 here
           0s | reply 0 place WAITING                | #1 Waiting
           1s | send schedules                       | [1] to 1: get0 7 by token
           1s | reply 1 place WAITING                | #2 WAITING
           2s | pushed 5 PROGRESS                    | push Progress
           2s | send schedules                       | touch 1; #3 Schedules(ConcertId(1))
           2s | send seats.watch {"schedule_id":70}  | touch 1; #4 watch 70
           2s | send seats.watch {"schedule_id":80}  | touch 1; [2] to 2: get0 7
           2s | reply 2 not_in_queue                 | #5 NOT_IN_QUEUE
           2s | send seats.watch {"schedule_id":1}   | touch 1; #6 SCHEDULE_NOT_FOUND
           2s | send seats.unwatch {"schedule_id":70} | touch 1; #7 unwatch 70
           3s | pushed 5 DONE                        | push Done
           3s | send seats.watch {"schedule_id":70}  | [3] to 1: get0 7 by token
           3s | reply 3 place DONE                   | #8 TOKEN_DONE"#,
    );
}

#[test]
fn an_admission_that_was_published_elsewhere_counts_here() {
    check_from(
        USER,
        ClientLimits::default(),
        r#"0s | opened                               | register 7; greet
           0s | send queue.join {"concert_id":1}     | [0] to 1: join 7 here
           0s | reply 0 place WAITING                | #1 Waiting
           1s | send seats.watch {"schedule_id":70}  | [1] to 1: get0 7 by token
           1s | reply 1 place PROGRESS               | #2 watch 70
           1s | send schedules                       | touch 1; #3 Schedules(ConcertId(1))"#,
    );
}

#[test]
fn without_a_token_the_users_sale_is_looked_for() {
    check_from(
        USER,
        ClientLimits::default(),
        r#"0s | opened                               | register 7; greet
           0s | send queue.get                       | [0] sale of 7?
           0s | found 0 sale none                    | #1 NOT_IN_QUEUE
           0s | send schedules                       | touch; [1] sale of 7?
           0s | found 1 sale 1                       | [2] to 1: get0 7
           0s | reply 2 place PROGRESS               | #2 Schedules(ConcertId(1))
           0s | send queue.extend                    | [3] sale of 7?
           0s | found 3 sale 1                       | [4] to 1: extend 7
           0s | reply 4 unavailable                  | #3 UNAVAILABLE"#,
    );
}

#[test]
fn a_newer_token_of_the_user_is_carried_and_an_older_one_is_not() {
    check_from(
        USER,
        ClientLimits::default(),
        r#"0s | opened                               | register 7; greet
           0s | send queue.join {"concert_id":1}     | [0] to 1: join 7 here
           0s | reply 0 place EXPIRED                | #1 Expired(Idle)
           1s | pushed 4 PROGRESS                    | push Progress
           1s | send schedules                       | [1] to 1: get0 7 by token
           2s | pushed 6 PROGRESS                    | push Progress
           2s | send schedules                       | touch 1; #3 Schedules(ConcertId(1))"#,
    );
}

/// Goal: one connection in two lines is notified of both, and is present in both, also in one that it was joined to elsewhere.
#[test]
fn a_place_in_another_line_is_pushed_and_the_user_is_present_there() {
    check_from(
        USER,
        ClientLimits::default(),
        r#"0s | opened                               | register 7; greet
           0s | send queue.join {"concert_id":1}     | [0] to 1: join 7 here
           0s | reply 0 place WAITING                | #1 Waiting
           1s | pushed_in 2 3 WAITING                | be present in 2; push Waiting
           2s | pushed_in 2 3 PROGRESS               | push Progress
           2s | send schedules                       | [1] to 1: get0 7 by token
           3s | pushed_in 4 3 DONE                   | push Done"#,
    );
}

/// Goal: what is pushed last is what the wallet has, whoever changed it in between, and whether or not it could be read.
#[test]
fn a_changed_wallet_is_read_and_pushed_and_never_an_older_balance() {
    check_from(
        USER,
        ClientLimits::default(),
        r#"0s  | opened                               | register 7; greet
           1s  | wallet                               | [0] balance of 7?
           1s  | found 0 balance 500                  | push 500
           2s  | wallet                               | [1] balance of 7?
           2s  | wallet                               |
           2s  | found 1 balance 400                  | [2] balance of 7?
           2s  | found 2 balance 300                  | push 300
           3s  | wallet                               | [3] balance of 7?
           3s  | found 3 error UNAVAILABLE            |
           20s | tick                                 | [4] balance of 7?; ping
           20s | found 4 balance 200                  | push 200"#,
    );
}

#[test]
fn a_refused_join_leaves_the_session_where_it_was() {
    check_from(
        USER,
        ClientLimits::default(),
        r#"0s | opened                               | register 7; greet
           0s | send queue.join {"concert_id":1}     | [0] to 1: join 7 here
           0s | reply 0 place PROGRESS               | #1 Progress
           0s | send queue.join {"concert_id":9}     | [1] to 9: join 7 here
           0s | reply 1 no_concert                   | #2 CONCERT_NOT_FOUND
           0s | send schedules                       | touch 1; #3 Schedules(ConcertId(1))"#,
    );
}

#[test]
fn an_unknown_reservation_is_just_that() {
    let id = "00000000-0000-0000-0000-000000000000";
    let ours = token(3, 1);
    check_from(
        USER,
        ClientLimits::default(),
        &format!(
            r#"0s | opened                                | register 7; greet
               0s | send pay {{"reservation_id":"{id}"}}    | #1 RESERVATION_NOT_FOUND
               0s | send pay {{"reservation_id":"{ours}"}}  | [0] to 3: pay 7
               0s | reply 0 no_concert                    | #2 RESERVATION_NOT_FOUND"#
        ),
    );
}

#[test]
fn a_peer_is_pinged_and_hung_up_on_when_it_is_gone() {
    check_from(
        USER,
        ClientLimits::default(),
        r#"0s   | opened | register 7; greet
           19s  | tick   |
           20s  | tick   | ping
           40s  | tick   | ping
           41s  | alive  |
           60s  | tick   | ping
           80s  | tick   | ping
           100s | tick   | ping
           120s | tick   | close 4001"#,
    );
    check_from(
        USER,
        ClientLimits::default(),
        r#"0s    | opened | register 7; greet
           9000s | tick   | ping"#,
    );
}

#[test]
fn requests_over_the_rate_are_refused_and_then_not_read() {
    let limits = ClientLimits { requests_per_second: 2, requests_burst: 2, ..ClientLimits::default() };
    check_from(
        USER,
        limits,
        r#"0s   | opened    | register 7; greet
           0s   | send ping | #1 Pong
           0s   | send ping | #2 Pong
           0s   | send ping | #3 RATE_LIMITED
           0.5s | send ping | #4 Pong
           0.5s | send ping | #5 RATE_LIMITED"#,
    );
    let now = START;
    let (mut out, mut sent) = (Vec::new(), 0);
    let mut session = Session::open(CONNECTION, by(USER, None), &limits, now, now, &mut out);
    let mut answered = 0;
    while session.may_read(now) {
        feed(&mut session, now, "send ping", &mut sent, &mut out);
        answered += 1;
    }
    assert_eq!(answered, 10_003, "the burst, the refusals at once, and the one that was too much");
    assert!(!session.may_read(now));
    assert!(session.next_tick() <= now + Duration::from_millis(1));
    assert!(session.may_read(now + Duration::from_millis(1)));
    let all_answered = out.iter().filter(|o| matches!(o, Output::Answer { .. })).count();
    assert_eq!(all_answered, answered);
}

#[test]
fn only_so_many_requests_may_be_unanswered() {
    let limits = ClientLimits { requests_in_flight: 2, ..ClientLimits::default() };
    check_from(
        USER,
        limits,
        r#"0s | opened            | register 7; greet
           0s | send balance      | touch; [0] balance of 7?
           0s | send balance      | touch; [1] balance of 7?
           0s | send balance      | #3 RATE_LIMITED
           0s | found 0 balance 5 | #1 Balance(5)
           0s | send balance      | touch; [2] balance of 7?"#,
    );
}

#[test]
fn over_a_hundred_malformed_requests_in_a_minute_close() {
    let mut script = String::from("0s | opened | register 7; greet\n");
    script.push_str(&"0s | text nonsense | #? PARSE\n".repeat(50));
    script.push_str(&"59s | text [] | #? INVALID_REQUEST\n".repeat(50));
    check_from(USER, ClientLimits::default(), &format!("{script}60s | text x | #? PARSE\n"));
    check_from(USER, ClientLimits::default(), &format!("{script}59.9s | text x | #? PARSE; close 4501\n"));
}

#[test]
fn malformed_requests_are_answered_with_their_id() {
    check_from(
        USER,
        ClientLimits::default(),
        r#"0s | opened                                                     | register 7; greet
           0s | text {"jsonrpc":"2.0","id":"a","method":"sing"}            | #a UNKNOWN_METHOD
           0s | text {"jsonrpc":"2.0","id":4,"method":"pay","params":{}}   | #4 INVALID_PARAMS
           0s | text {"id":5,"method":"ping"}                              | #5 INVALID_REQUEST
           0s | text {"jsonrpc":"2.0","method":"ping"}                     | #? INVALID_REQUEST"#,
    );
}

#[test]
fn a_restart_waits_for_what_was_begun() {
    check_from(
        USER,
        ClientLimits::default(),
        r#"0s | opened            | register 7; greet
           0s | send balance      | touch; [0] balance of 7?
           0s | restarting        |
           0s | found 0 balance 5 | #1 Balance(5); close 1012"#,
    );
    check("0s | restarting | close 1012");
}

#[test]
fn the_oldest_connection_of_too_many_goes() {
    check_from(
        USER,
        ClientLimits::default(),
        "0s | opened | register 7; greet\n0s | superseded | close 4502",
    );
}

#[test]
fn a_guest_is_one_for_as_long_as_the_connection_lasts() {
    let mut out = Vec::new();
    let now = Timestamp::from_millis(0);
    let limits = ClientLimits::default();
    let mut session =
        Session::open(CONNECTION, by(Arrival::Stranger, Some(BLOCK)), &limits, now, now, &mut out);
    let mut sent = 0;
    feed(&mut session, now, r#"send hello {"access_token":"x"}"#, &mut sent, &mut out);
    assert_eq!(session.guest_of(), None, "nobody yet");
    feed(&mut session, now, "found 0 guest 7", &mut sent, &mut out);
    assert_eq!(session.guest_of(), Some(BLOCK));
    out.clear();
    feed(&mut session, now, r#"send hold {"schedule_id":70,"seats":[1]}"#, &mut sent, &mut out);
    let asked = out.iter().find_map(|output| match output {
        Output::Submit { command: Command::Hold { caller, .. }, .. } => Some(caller.guest_of),
        _ => None,
    });
    assert_eq!(asked, Some(Some(BLOCK)), "what they hold counts by their address");
    // A guest is like everybody where no limits hold.
    let guest = Arrival::User { user: UserId(7), guest: true, ends_at: FAR, badge: None };
    assert_eq!(
        Session::open(CONNECTION, by(guest.clone(), None), &limits, now, now, &mut out).guest_of(),
        None
    );
}

#[test]
fn a_join_that_came_too_fast_leaves_nothing_behind() {
    let mut out = Vec::new();
    let now = Timestamp::from_millis(0);
    let guest = Arrival::User { user: UserId(7), guest: true, ends_at: FAR, badge: None };
    let mut session =
        Session::open(CONNECTION, by(guest, Some(BLOCK)), &ClientLimits::default(), now, now, &mut out);
    let mut sent = 0;
    feed(&mut session, now, r#"send queue.join {"concert_id":1}"#, &mut sent, &mut out);
    assert_eq!(session.present_in(), [ConcertId(1)]);
    out.clear();
    feed(&mut session, now, "reply 0 too_many_joins", &mut sent, &mut out);
    let shown: Vec<_> = out.drain(..).map(show).collect();
    assert_eq!(shown, ["#1 RATE_LIMITED"]);
    assert_eq!(session.present_in(), [], "the sale was never notified of this connection");
}

/// Brings a session into a state.
type Reach = fn(&mut Session, &mut Vec<Output>);

/// Goal: every request gets exactly one answer, whoever sends it. Method: every method, in every state of a session;
/// whatever the session queries is answered, until it queries nothing more.
#[test]
fn every_method_is_answered_once_in_every_state() {
    let states: [(&str, Reach); 6] = [
        ("a stranger", |_, _| {}),
        ("whose hello is looked into", |session, out| {
            session.handle(START, request_of(Method::Hello, 0), out);
        }),
        ("known by an access token", |session, out| known(session, out)),
        ("waiting", |session, out| {
            known(session, out);
            joined(session, "WAITING", out);
        }),
        ("admitted", |session, out| {
            known(session, out);
            joined(session, "PROGRESS", out);
        }),
        ("known by a token that has ended", |session, out| {
            let hello = Plan::Local(Local::Hello(Hello::QueueToken(token(1, 5).0)));
            let id = RequestId::from(0);
            session.handle(START, Input::Request { id, method: Method::Hello, plan: hello }, out);
            answer_all(session, "EXPIRED", out);
        }),
    ];
    for (state, reach) in states {
        for &method in Method::ALL {
            let (mut out, limits) = (Vec::new(), ClientLimits::default());
            let mut session =
                Session::open(CONNECTION, by(Arrival::Stranger, None), &limits, START, START, &mut out);
            reach(&mut session, &mut out);
            let before = out.len();
            session.handle(START, request_of(method, 1), &mut out);
            answer_all(&mut session, "PROGRESS", &mut out);
            let answers = out[before..].iter().filter(|output| match output {
                Output::Answer { id, method: of, .. } => {
                    *id == Some(RequestId::from(1)) && *of == Some(method)
                }
                Output::Watch { id, .. } => *id == Some(RequestId::from(1)) && method == Method::SeatsWatch,
                Output::Unwatch { id, .. } => {
                    *id == Some(RequestId::from(1)) && method == Method::SeatsUnwatch
                }
                _ => false,
            });
            assert_eq!(answers.count(), 1, "{method} of somebody {state}: {:?}", &out[before..]);
            assert!(session.pending.is_empty() && session.held_back.is_empty());
        }
    }
}

/// A request with this id.
fn request_of(method: Method, id: i64) -> Input {
    let plan = request::plan(request::tests::example(method), request::tests::sale_of);
    Input::Request { id: RequestId::from(id), method, plan }
}

fn known(session: &mut Session, out: &mut Vec<Output>) {
    session.handle(START, request_of(Method::Hello, 0), out);
    answer_all(session, "PROGRESS", out);
}

fn joined(session: &mut Session, status: &str, out: &mut Vec<Output>) {
    session.handle(START, request_of(Method::QueueJoin, 0), out);
    answer_all(session, status, out);
}

/// Answers whatever the session queries, of sales with a token in this status.
fn answer_all(session: &mut Session, status: &str, out: &mut Vec<Output>) {
    let mut answered = 0;
    while let Some(output) = out.get(answered) {
        let input = match output {
            Output::Submit { tag, command, .. } => {
                let reply = match command {
                    Command::Resume { .. } => {
                        Ok(Answer::Resumed { place: place(1, 5, status), reservations: Vec::new() })
                    }
                    Command::Join { .. } | Command::Get { .. } | Command::Extend { .. } => {
                        Ok(Answer::Queue { place: place(1, 5, status), created: false })
                    }
                    _ => Ok(Answer::Done),
                };
                Some(Input::Reply { tag: *tag, reply })
            }
            Output::Charge { tag, .. } => Some(Input::Reply { tag: *tag, reply: Ok(Answer::Done) }),
            Output::Query { tag, question } => {
                let found = match question {
                    Question::Identify { .. } => {
                        Found::User { user: UserId(7), guest: false, ends_at: FAR, badge: None }
                    }
                    Question::OwnerOf(_) => Found::Owner { user: UserId(7), guest: false },
                    Question::SaleOf(_) => Found::Sale(Some(ConcertId(1))),
                    Question::Of { .. } => Found::Outcome(Box::new(Outcome::Done)),
                };
                Some(Input::Found { tag: *tag, found: Ok(found) })
            }
            _ => None,
        };
        answered += 1;
        if let Some(input) = input {
            session.handle(START, input, out);
        }
    }
}

const HELLO: &str = r#"send hello {"access_token":"fro"}"#;

#[test]
fn an_operator_watches_sales_and_seats_and_does_nothing_of_a_users() {
    check(&format!(
        r#"0s | send ops.watch | #1 UNAUTHENTICATED
           0s | {HELLO} | [0] who is fro?
           0s | send ops.watch {{"concert_id":1}} |
           0s | found 0 operator viewer | register operator Some(3); #2 welcome [Viewer]; #3 watch sales Some(ConcertId(1))
           1s | send ops.unwatch | #4 unwatch sales None
           1s | send seats.watch {{"schedule_id":70}} | #5 watch 70, begun or not
           1s | send seats.watch {{"schedule_id":71}} | #6 SCHEDULE_NOT_FOUND
           1s | send seats.unwatch {{"schedule_id":70}} | #7 unwatch 70
           1s | send ping | #8 Pong
           1s | send concerts | #9 Concerts
           1s | send queue.join {{"concert_id":1}} | #10 FORBIDDEN
           1s | send schedules | #11 FORBIDDEN
           1s | send hold {{"schedule_id":70,"seats":[1]}} | #12 FORBIDDEN
           1s | send balance | #13 FORBIDDEN
           1s | send charge {{"amount":5,"request_id":"r"}} | #14 FORBIDDEN
           1s | {HELLO} | [1] who is fro?
           1s | found 1 user 7 | #15 INVALID_REQUEST"#
    ));
    // At the door nobody watches.
    check(&format!(
        r#"0s | {HELLO} | [0] who is fro?
           0s | found 0 operator door | register operator Some(3); #1 welcome [Door]
           0s | send ops.watch | #2 FORBIDDEN
           0s | send seats.watch {{"schedule_id":70}} | #3 FORBIDDEN"#
    ));
    // Who is a user, too, may do both, and sees seats as users do.
    check(&format!(
        r#"0s | {HELLO} | [0] who is fro?
           0s | found 0 both 7 manager | register 7; #1 welcome [Manager]; greet
           0s | send ops.watch | #2 watch sales None
           0s | send balance | touch; [1] balance of 7?"#
    ));
    check_from(
        USER,
        ClientLimits::default(),
        r#"0s | opened | register 7; greet
           0s | send ops.watch | #1 FORBIDDEN
           0s | send ops.unwatch | #2 FORBIDDEN"#,
    );
}

/// Goal: whoever is an operator no more is out within a second of this server knowing it. Method: what is found at the looks
/// that a session takes by itself.
#[test]
fn an_operators_token_is_looked_at_again_and_again() {
    let opened = format!(
        r#"0s | {HELLO} | [0] who is fro?
           0s | found 0 operator manager | register operator Some(3); #1 welcome [Manager]
           0.9s | tick |
           1s | tick | [1] who is fro?
           2s | tick |
           2s | found 1 operator viewer |
           2s | send ops.watch | #2 watch sales None
           3s | tick | [2] who is fro?
        "#
    );
    for (found, outcome) in [
        ("operator owner", ""),
        ("operator door", "close 4500"),
        ("user 7", "close 4500"),
        ("error UNAUTHENTICATED", "close 4500"),
        ("error FORBIDDEN", "close 4500"),
        // They are needed most while something is wrong.
        ("error UNAVAILABLE", ""),
    ] {
        check(&format!("{opened}3s | found 2 {found} | {outcome}"));
    }
    // One that merely runs out is told, and nobody is asked about it any more.
    check(&format!(
        r#"0s | {HELLO} | [0] who is fro?
           0s | found 0 operator manager until 1 | register operator Some(3); #1 welcome [Manager]
           0.9s | tick |
           1s | tick | hello again within 60 s
           2s | tick |
           9s | {HELLO} | [1] who is fro?
           9s | found 1 operator manager | #2 welcome [Manager]
           10s | tick | [2] who is fro?
           10s | found 2 operator manager until 11 |
           10.9s | tick |
           11s | tick | hello again within 60 s
           71s | tick | close 4500"#
    ));
}

#[test]
fn a_door_lets_its_own_in() {
    let check = |admits, script: &str| check_at(admits, Arrival::Stranger, ClientLimits::default(), script);
    check(
        Admits::Operators,
        &format!(
            r#"0s | {HELLO} | [0] who is fro?
               0s | found 0 user 7 | #1 FORBIDDEN
               0s | send hello {{"queue_token":"TOKEN"}} | #2 FORBIDDEN
               0s | {HELLO} | [1] who is fro?
               0s | found 1 both 7 viewer | register operator Some(3); #3 welcome [Viewer]
               0s | send balance | #4 FORBIDDEN"#
        ),
    );
    check(
        Admits::Fans,
        &format!(
            r#"0s | {HELLO} | [0] who is fro?
               0s | found 0 operator owner | #1 FORBIDDEN
               0s | {HELLO} | [1] who is fro?
               0s | found 1 both 7 owner | register 7; #2 welcome; greet
               0s | send ops.watch | #3 FORBIDDEN"#
        ),
    );
}
