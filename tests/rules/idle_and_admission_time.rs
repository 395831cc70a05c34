//! A visit ends `admission_ttl` after the admission, or after `idle_ttl` without a request, whichever is first.

use crate::check;

#[test]
fn silence_ends_a_visit() {
    check(
        "0s    alice  join     t1 PROGRESS until 600s, idle at 300s
         300s  tick            alice EXPIRED idle
         300s  alice  extend   refused TOKEN_EXPIRED idle
         300s  alice  get      t1 EXPIRED idle",
    );
}

#[test]
fn any_request_of_the_user_is_activity_even_a_refused_one() {
    check(
        "given admission_ttl 1h
         given idle_ttl 100s
         0s    alice  join             t1 PROGRESS until 3600s, idle at 100s
         50s   alice  extend           t1 PROGRESS until 3600s, idle at 150s
         140s  alice  looks around     done
         230s  alice  hold A9          refused SEAT_NOT_FOUND ?
         320s  alice  pay r1           refused RESERVATION_NOT_FOUND
         410s  alice  release r1       refused RESERVATION_NOT_FOUND
         500s  alice  cancel r1        refused RESERVATION_NOT_FOUND
         590s  alice  best 9           refused HOLD_LIMIT 4
         680s  alice  join             t1 PROGRESS until 3600s, idle at 780s
         770s  alice@phone  extend     t1 PROGRESS until 3600s, idle at 870s
         870s  tick                    alice EXPIRED idle",
    );
}

#[test]
fn hello_polling_and_a_lost_connection_are_not_activity() {
    check(
        "0s    alice       join         t1 PROGRESS until 600s, idle at 300s
         100s  alice@phone  hello        t1 PROGRESS until 600s, idle at 300s
         150s  alice@http   get          t1 PROGRESS until 600s, idle at 300s
         200s  alice       get          t1 PROGRESS until 600s, idle at 300s
         250s  alice       disconnects  done
         300s  tick                     alice EXPIRED idle",
    );
}

#[test]
fn the_end_of_the_admission_comes_in_spite_of_activity() {
    check(
        "0s    alice  join     t1 PROGRESS until 600s, idle at 300s
         290s  alice  extend   t1 PROGRESS until 600s, idle at 590s
         580s  alice  extend   t1 PROGRESS until 600s, idle at 880s
         599s  alice  hold A1  r1 held A1 for 100 until 899s
         600s  alice  get      t1 PROGRESS until 600s, idle at 899s
         600s  alice  hold A2  refused TOKEN_EXPIRED",
    );
    check(
        "0s    alice  join     t1 PROGRESS until 600s, idle at 300s
         290s  alice  extend   t1 PROGRESS until 600s, idle at 590s
         580s  alice  extend   t1 PROGRESS until 600s, idle at 880s
         600s  tick            alice EXPIRED time
         600s  alice  hold A1  refused TOKEN_EXPIRED time",
    );
}

#[test]
fn what_is_held_at_the_end_of_the_admission_may_be_paid_until_its_own_time_is_over() {
    check(
        "given alice has 100
         given capacity 1
         0s    alice  join         t1 PROGRESS until 600s, idle at 300s
         0s    bob    join         t2 WAITING 1/1
         290s  alice  extend       t1 PROGRESS until 600s, idle at 590s
         580s  alice  hold A1      r1 held A1 for 100 until 880s
         600s  alice  hold A1      r1 held A1 for 100 until 880s
         600s  alice  hold A1 A2   refused TOKEN_EXPIRED
         600s  alice  best 1       refused TOKEN_EXPIRED
         700s  alice  get          t1 PROGRESS until 600s, idle at 900s
         879s  alice  pay r1       r1 paid 100, balance 0; alice DONE; bob PROGRESS",
    );
    check(
        "given alice has 100
         given capacity 1
         given away_ttl 1h
         0s    alice  join      t1 PROGRESS until 600s, idle at 300s
         0s    bob    join      t2 WAITING 1/1
         290s  alice  extend    t1 PROGRESS until 600s, idle at 590s
         580s  alice  hold A1   r1 held A1 for 100 until 880s
         880s  tick             r1 EXPIRED A1; alice EXPIRED time; bob PROGRESS
         880s  alice  pay r1    refused TOKEN_EXPIRED time",
    );
}

#[test]
fn giving_the_last_seat_back_after_the_admission_ends_the_visit() {
    check(
        "given capacity 1
         given idle_ttl 1h
         0s    alice  join            t1 PROGRESS until 600s, idle at 3600s
         0s    bob    join            t2 WAITING 1/1
         500s  alice  hold A1 A2      r1 held A1 A2 for 200 until 800s
         700s  alice  release r1 A1   r1 held A2 for 100 until 800s
         710s  alice  release r1      r1 CANCELLED A2
         710s  tick                   alice EXPIRED time; bob PROGRESS",
    );
}

#[test]
fn silence_while_holding_ends_the_visit_and_frees_the_seats() {
    check(
        "given hold_ttl 10m
         given matinee seats A1
         0s    alice  join             t1 PROGRESS until 600s, idle at 300s
         10s   alice  hold A1 A2       r1 held A1 A2 for 200 until 610s
         20s   alice  hold matinee A1  r2 held matinee A1 for 100 until 620s
         320s  tick                    r2 EXPIRED matinee A1; r1 EXPIRED A1 A2; alice EXPIRED idle
         320s  alice  pay r1           refused TOKEN_EXPIRED idle
         321s  bob    join             t2 PROGRESS until 921s, idle at 621s
         321s  bob    hold A1 A2       r3 held A1 A2 for 200 until 921s",
    );
}

#[test]
fn silence_after_the_admission_ends_what_is_held_too() {
    check(
        "given hold_ttl 10m
         0s    alice  join      t1 PROGRESS until 600s, idle at 300s
         290s  alice  extend    t1 PROGRESS until 600s, idle at 590s
         580s  alice  hold A1   r1 held A1 for 100 until 1180s
         880s  tick             r1 EXPIRED A1; alice EXPIRED idle",
    );
}
