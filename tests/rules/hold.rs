//! `hold` takes all of the named seats or none.

use crate::check;

#[test]
fn all_or_none_and_the_answer_names_what_was_taken() {
    check(
        "0s   alice  join          t1 PROGRESS until 600s, idle at 300s
         0s   bob    join          t2 PROGRESS until 600s, idle at 300s
         1s   alice  hold A1 A2    r1 held A1 A2 for 200 until 301s
         2s   bob    hold A1 A2 A3    refused SEAT_TAKEN A1 A2
         3s   bob    hold A3       r2 held A3 for 100 until 303s
         4s   bob    hold A2 A4    refused SEAT_TAKEN A2
         5s   bob    hold A4       r2 held A3 A4 for 200 until 303s",
    );
}

#[test]
fn only_who_is_admitted_may_hold() {
    check(
        "given capacity 1
         given alice has 100
         0s   alice  join      t1 PROGRESS until 600s, idle at 300s
         0s   bob    join      t2 WAITING 1/1
         0s   bob    hold A1   refused WAITING
         1s   alice  hold A1   r1 held A1 for 100 until 301s
         2s   alice  pay r1    r1 paid 100, balance 0; alice DONE; bob PROGRESS
         2s   bob    hold A1   refused SEAT_TAKEN A1
         2s   bob    hold A2   r2 held A2 for 100 until 302s
         3s   alice  hold A3   refused TOKEN_DONE",
    );
}

#[test]
fn more_seats_join_the_reservation_whose_clock_runs_on() {
    check(
        "0s    alice  join        t1 PROGRESS until 600s, idle at 300s
         10s   alice  hold B1     r1 held B1 for 50 until 310s
         200s  alice  hold A2 A1  r1 held A1 A2 B1 for 250 until 310s
         310s  tick               r1 EXPIRED A1 A2 B1
         311s  alice  hold B1     r2 held B1 for 50 until 611s",
    );
}

#[test]
fn four_seats_are_the_most() {
    check(
        "0s   alice  join                 t1 PROGRESS until 600s, idle at 300s
         1s   alice  hold A1 A2 A3 A4 B1  refused HOLD_LIMIT 4
         2s   alice  hold A1 A2 A3        r1 held A1 A2 A3 for 300 until 302s
         3s   alice  hold A4 B1           refused HOLD_LIMIT 4
         4s   alice  hold A3 A4           r1 held A1 A2 A3 A4 for 400 until 302s
         5s   alice  hold B1              refused HOLD_LIMIT 4
         6s   alice  release r1 A1        r1 held A2 A3 A4 for 300 until 302s
         7s   alice  hold B1              r1 held A2 A3 A4 B1 for 350 until 302s",
    );
}

#[test]
fn the_limit_is_named_before_who_has_the_seats() {
    check(
        "0s   alice  join                 t1 PROGRESS until 600s, idle at 300s
         0s   bob    join                 t2 PROGRESS until 600s, idle at 300s
         1s   bob    hold A1              r1 held A1 for 100 until 301s
         2s   alice  hold A1 A2 A3 A4 B1  refused HOLD_LIMIT 4
         3s   alice  hold A1 A2           refused SEAT_TAKEN A1",
    );
}

#[test]
fn holding_ones_own_seats_again_changes_nothing() {
    check(
        "0s    alice  join        t1 PROGRESS until 600s, idle at 300s
         1s    alice  hold A1 A2  r1 held A1 A2 for 200 until 301s
         50s   alice  hold A2     r1 held A1 A2 for 200 until 301s
         60s   alice  hold A2 A1  r1 held A1 A2 for 200 until 301s
         70s   alice  hold A2 A3  r1 held A1 A2 A3 for 300 until 301s
         80s   alice@phone  hold A3  r1 held A1 A2 A3 for 300 until 301s",
    );
}

#[test]
fn what_does_not_exist_is_named() {
    check(
        "0s   alice  join           t1 PROGRESS until 600s, idle at 300s
         1s   alice  hold A1 Z9     refused SEAT_NOT_FOUND ?
         2s   alice  hold A1        r1 held A1 for 100 until 302s
         3s   alice  hold nowhere   refused SCHEDULE_NOT_FOUND
         4s   alice  hold           r1 held A1 for 100 until 302s",
    );
    check(
        "0s   alice  join     t1 PROGRESS until 600s, idle at 300s
         1s   alice  hold     refused SEAT_NOT_FOUND",
    );
}

#[test]
fn an_unpaid_hold_frees_its_seats_at_its_time() {
    check(
        "0s    alice  join      t1 PROGRESS until 600s, idle at 300s
         0s    bob    join      t2 PROGRESS until 600s, idle at 300s
         10s   alice  hold A1   r1 held A1 for 100 until 310s
         299s  bob    hold A1   refused SEAT_TAKEN A1
         309s  bob    hold A1   refused SEAT_TAKEN A1
         310s  tick             r1 EXPIRED A1; alice EXPIRED idle
         310s  bob    hold A1   r2 held A1 for 100 until 610s",
    );
}

#[test]
fn each_schedule_has_its_own_reservation() {
    check(
        "given matinee seats A1 A2
         0s   alice  join                t1 PROGRESS until 600s, idle at 300s
         1s   alice  hold A1             r1 held A1 for 100 until 301s
         50s  alice  hold matinee A1     r2 held matinee A1 for 100 until 350s
         60s  alice  hold A2 A3 A4       r1 held A1 A2 A3 A4 for 400 until 301s
         70s  alice  hold matinee A2     r2 held matinee A1 A2 for 200 until 350s
         301s tick                       r1 EXPIRED A1 A2 A3 A4",
    );
}
