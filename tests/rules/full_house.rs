//! Nobody is let into a full house: there is a free seat for each admitted fan who has not had one yet.

use crate::check;

#[test]
fn one_is_admitted_only_while_a_free_seat_is_left_for_them() {
    check(
        "given show seats A1 A2
         0s   alice  join      t1 PROGRESS until 600s, idle at 300s
         0s   bob    join      t2 PROGRESS until 600s, idle at 300s
         0s   carol  join      t3 WAITING 1/1
         1s   alice  hold A1   r1 held A1 for 100 until 301s
         2s   carol  get       t3 WAITING 1/1
         3s   bob    leave     t2 EXPIRED left; carol PROGRESS
         4s   dave   join      t4 WAITING 1/1",
    );
}

#[test]
fn the_first_freed_seat_admits_exactly_the_oldest() {
    check(
        "given show seats A1 A2 A3
         given alice has 300
         given idle_ttl 1h
         0s   alice  join            t1 PROGRESS until 600s, idle at 3600s
         0s   alice  hold A1 A2 A3   r1 held A1 A2 A3 for 300 until 300s
         0s   bob    join            t2 WAITING 1/1
         0s   carol  join            t3 WAITING 2/2
         1s   alice  release r1 A1   r1 held A2 A3 for 200 until 300s; bob PROGRESS
         2s   bob    hold A1         r2 held A1 for 100 until 302s
         3s   alice  release r1 A2   r1 held A3 for 100 until 300s; carol PROGRESS
         4s   dave   join            t4 WAITING 1/1",
    );
}

#[test]
fn a_hold_that_ran_out_admits_a_waiting_fan_although_its_owner_stays() {
    check(
        "given show seats A1
         given hold_ttl 2s
         0s   alice  join      t1 PROGRESS until 600s, idle at 300s
         0s   alice  hold A1   r1 held A1 for 100 until 2s
         0s   bob    join      t2 WAITING 1/1
         0s   carol  join      t3 WAITING 2/2
         2s   tick             r1 EXPIRED A1; bob PROGRESS
         3s   bob    hold A1   r2 held A1 for 100 until 5s
         4s   alice  hold A1   refused SEAT_TAKEN A1
         5s   tick             r2 EXPIRED A1; carol PROGRESS
         6s   alice  hold A1   r3 held A1 for 100 until 8s
         7s   dave   join      t4 WAITING 1/1
         8s   tick             r3 EXPIRED A1",
    );
}

#[test]
fn who_gives_their_only_seat_back_may_choose_another_first() {
    check(
        "given show seats A1
         0s   alice  join         t1 PROGRESS until 600s, idle at 300s
         0s   alice  hold A1      r1 held A1 for 100 until 300s
         0s   bob    join         t2 WAITING 1/1
         1s   alice  release r1   r1 CANCELLED A1
         2s   bob    get          t2 WAITING 1/1
         3s   alice  leave        t1 EXPIRED left; bob PROGRESS",
    );
}

#[test]
fn a_sold_out_house_lets_nobody_in_until_a_seat_comes_back() {
    check(
        "given show seats A1 A2
         given alice has 200
         0s   alice  join         t1 PROGRESS until 600s, idle at 300s
         0s   alice  hold A1 A2   r1 held A1 A2 for 200 until 300s
         0s   bob    join         t2 WAITING 1/1
         0s   carol  join         t3 WAITING 2/2
         1s   alice  pay r1       r1 paid 200, balance 0; alice DONE
         2s   bob    get          t2 WAITING 1/2, sold out
         3s   alice  cancel r1    r1 CANCELLED A1 A2, balance 200; bob PROGRESS; carol PROGRESS
         4s   bob    get          t2 PROGRESS until 603s, idle at 303s",
    );
}

#[test]
fn seats_of_a_started_performance_are_not_free() {
    check(
        "given show seats A1
         given matinee seats A1 A2
         given matinee starts 100s
         0s    alice  join      t1 PROGRESS until 600s, idle at 300s
         0s    bob    join      t2 PROGRESS until 600s, idle at 300s
         100s  carol  join      t3 WAITING 1/1
         101s  alice  leave     t1 EXPIRED left
         102s  bob    hold A1   r1 held A1 for 100 until 402s
         103s  bob    leave     t2 EXPIRED left; r1 CANCELLED A1; carol PROGRESS",
    );
}

#[test]
fn a_full_house_promises_no_time_to_those_who_wait() {
    check(
        "given capacity 1
         given show seats A1
         given alice has 100
         0s   alice  join      t1 PROGRESS until 600s, idle at 300s
         0s   bob    join      t2 WAITING 1/1
         1s   alice  leave     t1 EXPIRED left; bob PROGRESS
         2s   bob    leave     t2 EXPIRED left
         2s   alice  join      t3 PROGRESS until 602s, idle at 302s
         2s   carol  join      t4 WAITING 1/1
         3s   carol  eta       t4 WAITING 1/1, eta 4s
         3s   alice  hold A1   r1 held A1 for 100 until 303s
         4s   carol  eta       t4 WAITING 1/1, eta unknown
         5s   alice  pay r1    r1 paid 100, balance 0; alice DONE
         6s   carol  eta       t4 WAITING 1/1, sold out, eta unknown",
    );
}
