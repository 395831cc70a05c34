//! `hold_best` picks seats that are together, nearest the stage first, once for a request id.

use std::fmt::Write;

use crate::{check, check_lately};

#[test]
fn the_nearest_together_in_a_category_or_anywhere() {
    check(
        "0s   alice  join              t1 PROGRESS until 600s, idle at 300s
         0s   bob    join              t2 PROGRESS until 600s, idle at 300s
         0s   carol  join              t3 PROGRESS until 600s, idle at 300s
         1s   alice  best 2            r1 held A2 A3 for 200 until 301s
         2s   bob    best 2            r2 held B2 B3 for 100 until 302s
         3s   carol  best 2 of VIP     refused NO_SEATS_AVAILABLE
         4s   carol  best 1 of VIP     r3 held A1 for 100 until 304s
         5s   carol  best 1 of Floor   r3 held A1 B1 for 150 until 304s
         6s   carol  best 2            r3 held A1 A4 B1 B4 for 300 until 304s
         7s   bob    best 2            refused NO_SEATS_AVAILABLE
         8s   bob    best 2 of Royal   refused an unknown category",
    );
}

#[test]
fn none_dearer_than_the_bound_and_none_that_were_proposed() {
    check(
        "0s   alice  join                        t1 PROGRESS until 600s, idle at 300s
         0s   bob    join                        t2 PROGRESS until 600s, idle at 300s
         1s   alice  best 2 upto 50              r1 held B2 B3 for 100 until 301s
         2s   alice  best 1 upto 49              refused NO_SEATS_AVAILABLE
         3s   bob    best 1 without A2           r2 held A3 for 100 until 303s
         4s   bob    best 1 without A1,A2        r2 held A3 A4 for 200 until 303s
         5s   bob    best 2 without A1,A2,B1,B4  refused NO_SEATS_AVAILABLE
         6s   bob    best 1 of VIP upto 99       refused NO_SEATS_AVAILABLE
         7s   bob    best 1 upto 100 without A1 as q1   r2 held A2 A3 A4 for 300 until 303s
         8s   bob    best 1 upto 100 without A1 as q1   r2 held A2 A3 A4 for 300 until 303s
         9s   bob    best 1 upto 99 without A1 as q1    refused REQUEST_ID_REUSED
         10s  bob    best 1 upto 100 as q1              refused REQUEST_ID_REUSED",
    );
}

#[test]
fn adjacent_rows_when_no_row_has_enough() {
    check(
        "given show seats A1 A2 B1 B2 C9
         0s   alice  join      t1 PROGRESS until 600s, idle at 300s
         1s   alice  best 4    r1 held A1 A2 B1 B2 for 300 until 301s
         2s   alice  release r1    r1 CANCELLED A1 A2 B1 B2
         3s   alice  best 3    r2 held A1 A2 B1 for 250 until 303s",
    );
}

#[test]
fn it_adds_to_the_open_reservation_up_to_the_limit() {
    check(
        "0s   alice  join     t1 PROGRESS until 600s, idle at 300s
         1s   alice  hold B4  r1 held B4 for 50 until 301s
         2s   alice  best 4   refused HOLD_LIMIT 4
         3s   alice  best 3   r1 held A1 A2 A3 B4 for 350 until 301s
         4s   alice  best 1   refused HOLD_LIMIT 4
         5s   alice  best 5   refused HOLD_LIMIT 4
         6s   alice  best 0   refused NO_SEATS_AVAILABLE",
    );
}

#[test]
fn the_same_request_takes_no_more_seats() {
    check(
        "given idle_ttl 1h
         0s    alice  join               t1 PROGRESS until 600s, idle at 3600s
         1s    alice  best 1 as q1       r1 held A2 for 100 until 301s
         2s    alice  best 1 as q1       r1 held A2 for 100 until 301s
         3s    alice  best 1 as q2       r1 held A2 A3 for 200 until 301s
         4s    alice@phone  best 1 as q1   r1 held A2 A3 for 200 until 301s
         5s    alice  best 2 as q1       refused REQUEST_ID_REUSED
         6s    alice  best 1 of VIP as q1   refused REQUEST_ID_REUSED
         7s    bob    join               t2 PROGRESS until 607s, idle at 3607s
         8s    bob    best 1 as q1       r2 held A1 for 100 until 308s",
    );
}

#[test]
fn a_request_is_known_in_every_schedule() {
    check(
        "given matinee seats A1 A2
         0s    alice  join                       t1 PROGRESS until 600s, idle at 300s
         1s    alice  best 1 as q1               r1 held A2 for 100 until 301s
         2s    alice  best 1 as q1 in matinee    refused REQUEST_ID_REUSED
         3s    alice  best 1 as q2 in matinee    r2 held matinee A2 for 100 until 303s",
    );
}

#[test]
fn the_same_request_is_known_whatever_the_sale_and_the_token_are_by_now() {
    check(
        "0s    alice     join          t1 PROGRESS until 600s, idle at 300s
         1s    alice     best 1 as q1  r1 held A2 for 100 until 301s
         2s    operator  pauses        ok
         3s    alice     best 1 as q1  r1 held A2 for 100 until 301s
         4s    alice     best 1 as q2  refused SALE_PAUSED",
    );
}

#[test]
fn a_request_whose_reservation_ended_lately_gives_its_end() {
    check_lately(
        "given alice has 100
         given idle_ttl 1h
         given admission_ttl 1h
         0s    alice  join           t1 PROGRESS until 3600s, idle at 3600s
         1s    alice  best 1 as q1   r1 held A2 for 100 until 301s
         301s  tick                  r1 EXPIRED A2
         302s  alice  best 1 as q1   r1 EXPIRED A2
         303s  alice  best 2 as q1   refused REQUEST_ID_REUSED
         304s  alice  best 1 as q2   r2 held A2 for 100 until 604s
         305s  alice  release r2     r2 CANCELLED A2
         306s  alice  best 1 as q2   r2 CANCELLED A2
         307s  alice  best 1 as q3   r3 held A2 for 100 until 607s
         308s  alice  pay r3         r3 paid 100, balance 0; alice DONE
         309s  alice  best 1 as q3   r3 RESERVED A2
         310s  alice  best 1 as q4   refused TOKEN_DONE",
    );
}

#[test]
fn a_reservation_remembers_its_last_sixteen_requests() {
    let mut table = "given idle_ttl 1h
        0s  alice  join     t1 PROGRESS until 600s, idle at 3600s
        1s  alice  hold A1  r1 held A1 for 100 until 301s\n"
        .to_owned();
    for request in 1..=17 {
        writeln!(table, "1s  alice  best 1 as q{request}  r1 held A1 A2 for 200 until 301s").unwrap();
        writeln!(table, "1s  alice  release r1 A2         r1 held A1 for 100 until 301s").unwrap();
    }
    table += "1s  alice  best 1 as q2   r1 held A1 for 100 until 301s
              1s  alice  best 1 as q17  r1 held A1 for 100 until 301s
              1s  alice  best 1 as q1   r1 held A1 A2 for 200 until 301s";
    check(&table);
}
