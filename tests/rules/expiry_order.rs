//! Everything that comes due at one moment happens in one order: holds first, so that the seats are there for the next.

use crate::check;

#[test]
fn holds_then_visits_then_admissions() {
    check(
        "given show seats A1
         given capacity 1
         0s    alice  join      t1 PROGRESS until 600s, idle at 300s
         0s    alice  hold A1   r1 held A1 for 100 until 300s
         0s    bob    join      t2 WAITING 1/1
         300s  tick             r1 EXPIRED A1; alice EXPIRED idle; bob PROGRESS",
    );
}

#[test]
fn a_place_that_frees_waits_for_nobodys_absence() {
    check(
        "given capacity 1
         0s    alice  join         t1 PROGRESS until 600s, idle at 300s
         0s    bob    join         t2 WAITING 1/1
         0s    carol  join         t3 WAITING 2/2
         0s    carol  disconnects  done
         300s  tick                alice EXPIRED idle; bob PROGRESS; carol EXPIRED away",
    );
}

#[test]
fn a_command_at_the_very_time_of_an_expiry_comes_after_it() {
    check(
        "given idle_ttl 1h
         0s        alice  join      t1 PROGRESS until 600s, idle at 3600s
         0s        bob    join      t2 PROGRESS until 600s, idle at 3600s
         0s        alice  hold A1   r1 held A1 for 100 until 300s
         299999ms  bob    hold A1   refused SEAT_TAKEN A1
         300s      tick             r1 EXPIRED A1
         300s      bob    hold A1   r2 held A1 for 100 until 600s",
    );
}

#[test]
fn reservations_expire_in_the_order_of_their_times() {
    check(
        "given idle_ttl 1h
         given matinee seats A1
         0s    alice  join             t1 PROGRESS until 600s, idle at 3600s
         0s    bob    join             t2 PROGRESS until 600s, idle at 3600s
         1s    bob    hold A1          r1 held A1 for 100 until 301s
         2s    alice  hold A2          r2 held A2 for 100 until 302s
         3s    alice  hold matinee A1  r3 held matinee A1 for 100 until 303s
         301s  tick                    r1 EXPIRED A1
         302s  tick                    r2 EXPIRED A2
         303s  tick                    r3 EXPIRED matinee A1",
    );
}
