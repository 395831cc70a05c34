//! A seat whose hold ran out unpaid is not held again by the same user for a while; more often, for longer.

use crate::check::check;

#[test]
fn a_hold_that_ran_out_is_not_made_again_at_once() {
    check(
        "given hold_again_after 60s
         given hold_ttl 100s
         0s    alice  join           t1 PROGRESS until 600s, idle at 300s
         0s    bob    join           t2 PROGRESS until 600s, idle at 300s
         0s    alice  hold A1 A2     r1 held A1 A2 for 200 until 100s
         100s  tick                  r1 EXPIRED A1 A2
         101s  alice  hold A2 A3     refused HOLD_AGAIN_LATER A2 at 160s
         102s  alice  hold A3        r2 held A3 for 100 until 202s
         103s  alice  hold A1        refused HOLD_AGAIN_LATER A1 at 160s
         104s  bob    hold A1        r3 held A1 for 100 until 204s
         105s  alice  hold A1 A2     refused SEAT_TAKEN A1
         159s  alice  hold A2        refused HOLD_AGAIN_LATER A2 at 160s
         160s  alice  hold A2        r2 held A2 A3 for 200 until 202s",
    );
}

#[test]
fn each_time_within_an_hour_doubles_the_wait() {
    check(
        "given hold_again_after 60s
         given hold_ttl 10s
         given idle_ttl 2h
         given admission_ttl 2h
         0s      alice  join      t1 PROGRESS until 7200s, idle at 7200s
         0s      alice  hold A1   r1 held A1 for 100 until 10s
         10s     tick             r1 EXPIRED A1
         70s     alice  hold A1   r2 held A1 for 100 until 80s
         80s     tick             r2 EXPIRED A1
         199s    alice  hold A1   refused HOLD_AGAIN_LATER A1 at 200s
         200s    alice  hold A1   r3 held A1 for 100 until 210s
         210s    tick             r3 EXPIRED A1
         210s    alice  hold A1   refused HOLD_AGAIN_LATER A1 at 450s
         450s    alice  hold A1   r4 held A1 for 100 until 460s
         460s    tick             r4 EXPIRED A1
         460s    alice  hold A1   refused HOLD_AGAIN_LATER A1 at 940s
         4100s   alice  hold A1   r5 held A1 for 100 until 4110s
         4110s   tick             r5 EXPIRED A1
         4111s   alice  hold A1   refused HOLD_AGAIN_LATER A1 at 4170s",
    );
}

#[test]
fn the_best_seats_are_found_among_the_others() {
    check(
        "given hold_again_after 60s
         given hold_ttl 10s
         given show seats A1 A2 A3 A4
         0s   alice  join    t1 PROGRESS until 600s, idle at 300s
         0s   alice  best 2  r1 held A2 A3 for 200 until 10s
         10s  tick           r1 EXPIRED A2 A3
         11s  alice  best 1  r2 held A1 for 100 until 21s
         12s  alice  best 2  refused HOLD_AGAIN_LATER A2 A3 at 70s
         13s  alice  best 1  r2 held A1 A4 for 200 until 21s",
    );
}

#[test]
fn what_was_given_back_in_time_may_be_had_again() {
    check(
        "given hold_again_after 60s
         0s  alice  join        t1 PROGRESS until 600s, idle at 300s
         0s  alice  hold A1     r1 held A1 for 100 until 300s
         1s  alice  release r1  r1 CANCELLED A1
         2s  alice  hold A1     r2 held A1 for 100 until 302s",
    );
}

#[test]
fn a_restart_forgets_no_hold_that_ran_out() {
    check(
        "given hold_again_after 60s
         given hold_ttl 10s
         0s   alice     join     t1 PROGRESS until 600s, idle at 300s
         0s   alice     hold A1  r1 held A1 for 100 until 10s
         10s  tick               r1 EXPIRED A1
         20s  restart            nothing
         21s  alice     hold A1  refused HOLD_AGAIN_LATER A1 at 70s
         22s  operator  sets hold_again_after 30s  ok
         39s  alice     hold A1  refused HOLD_AGAIN_LATER A1 at 40s
         40s  alice     hold A1  r2 held A1 for 100 until 50s",
    );
}
