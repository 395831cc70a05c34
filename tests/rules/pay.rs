//! `pay` sells what is held: debit, seats, tickets and the end of the visit, together or not at all.

use crate::check;

#[test]
fn paying_sells_the_seats_and_ends_the_visit() {
    check(
        "given alice has 250
         given capacity 1
         0s   alice  join        t1 PROGRESS until 600s, idle at 300s
         0s   bob    join        t2 WAITING 1/1
         1s   alice  hold A1 B1  r1 held A1 B1 for 150 until 301s
         2s   alice  pay r1      r1 paid 150, balance 100; alice DONE; bob PROGRESS
         3s   bob    hold A1     refused SEAT_TAKEN A1
         4s   alice  get         t1 DONE
         5s   alice  extend      refused TOKEN_DONE",
    );
}

#[test]
fn paying_again_gives_the_same_payment_and_takes_no_money() {
    check(
        "given alice has 200
         0s    alice  join     t1 PROGRESS until 600s, idle at 300s
         1s    alice  hold A1  r1 held A1 for 100 until 301s
         2s    alice  pay r1   r1 paid 100, balance 100; alice DONE
         3s    alice  pay r1   r1 paid 100, balance 100
         4s    alice  join     t2 PROGRESS until 604s, idle at 304s
         5s    alice  pay r1   r1 paid 100, balance 100
         305s  tick            alice EXPIRED idle
         999s  alice  pay r1   r1 paid 100, balance 100",
    );
}

#[test]
fn what_else_was_held_is_released_by_buying() {
    check(
        "given alice has 100
         given matinee seats A1 A2
         0s   alice  join             t1 PROGRESS until 600s, idle at 300s
         1s   alice  hold A1          r1 held A1 for 100 until 301s
         2s   alice  hold matinee A1  r2 held matinee A1 for 100 until 302s
         3s   alice  pay r1           r1 paid 100, balance 0; r2 CANCELLED matinee A1; alice DONE
         4s   alice  pay r2           refused TOKEN_DONE",
    );
}

#[test]
fn it_needs_the_money() {
    check(
        "given alice has 99
         0s   alice  join             t1 PROGRESS until 600s, idle at 300s
         1s   alice  hold A1          r1 held A1 for 100 until 301s
         2s   alice  pay r1           refused INSUFFICIENT_BALANCE 99 of 100
         3s   alice  charge 1 as c1   balance 100
         4s   alice  pay r1           r1 paid 100, balance 0; alice DONE",
    );
}

#[test]
fn it_needs_the_hold() {
    check(
        "given alice has 100
         0s    alice  join      t1 PROGRESS until 600s, idle at 300s
         1s    alice  hold A1   r1 held A1 for 100 until 301s
         200s  alice  extend    t1 PROGRESS until 600s, idle at 500s
         301s  tick             r1 EXPIRED A1
         301s  alice  pay r1    refused RESERVATION_INVALID EXPIRED
         302s  alice  hold A1   r2 held A1 for 100 until 602s
         303s  alice  release r2    r2 CANCELLED A1
         304s  alice  pay r2    refused RESERVATION_INVALID CANCELLED
         305s  alice  pay r9    refused RESERVATION_NOT_FOUND",
    );
}

#[test]
fn the_last_moment_of_a_hold_is_the_one_before_its_time() {
    check(
        "given alice has 100
         given idle_ttl 1h
         0s       alice  join      t1 PROGRESS until 600s, idle at 3600s
         1s       alice  hold A1   r1 held A1 for 100 until 301s
         300999ms alice  pay r1    r1 paid 100, balance 0; alice DONE",
    );
}

#[test]
fn the_checks_come_in_their_order() {
    // PROGRESS before whose it is, before whether it is held, before the money.
    check(
        "given capacity 2
         0s   alice  join         t1 PROGRESS until 600s, idle at 300s
         0s   bob    join         t2 PROGRESS until 600s, idle at 300s
         0s   carol  join         t3 WAITING 1/1
         1s   alice  hold A1      r1 held A1 for 100 until 301s
         2s   carol  pay r1       refused WAITING
         3s   bob    pay r1       refused RESERVATION_NOT_FOUND
         4s   alice  release r1   r1 CANCELLED A1
         5s   alice  pay r1       refused RESERVATION_INVALID CANCELLED
         6s   bob    pay r1       refused RESERVATION_NOT_FOUND
         7s   alice  leave        t1 EXPIRED left; carol PROGRESS
         8s   alice  pay r1       refused TOKEN_EXPIRED left",
    );
}

#[test]
fn paying_after_cancelling_is_refused() {
    check(
        "given alice has 100
         0s   alice  join       t1 PROGRESS until 600s, idle at 300s
         1s   alice  hold A1    r1 held A1 for 100 until 301s
         2s   alice  pay r1     r1 paid 100, balance 0; alice DONE
         3s   alice  cancel r1  r1 CANCELLED A1, balance 100
         4s   alice  pay r1     refused TOKEN_DONE
         5s   alice  join       t2 PROGRESS until 605s, idle at 305s
         6s   alice  pay r1     refused RESERVATION_INVALID CANCELLED",
    );
}

#[test]
fn another_purchase_takes_another_visit() {
    check(
        "given alice has 200
         0s   alice  join     t1 PROGRESS until 600s, idle at 300s
         1s   alice  hold A1  r1 held A1 for 100 until 301s
         2s   alice  pay r1   r1 paid 100, balance 100; alice DONE
         3s   alice  hold A2  refused TOKEN_DONE
         4s   alice  join     t2 PROGRESS until 604s, idle at 304s
         5s   alice  hold A2  r2 held A2 for 100 until 305s
         6s   alice  pay r2   r2 paid 100, balance 0; alice DONE
         7s   alice  pay r1   r1 paid 100, balance 0",
    );
}
