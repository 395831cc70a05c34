//! A concert has performances; one that has started is not sold.

use crate::check;

#[test]
fn a_started_performance_takes_no_new_holds() {
    check(
        "given matinee seats A1 A2
         given matinee starts 100s
         given idle_ttl 1h
         0s        alice  join                  t1 PROGRESS until 600s, idle at 3600s
         50s       alice  hold matinee A1       r1 held matinee A1 for 100 until 350s
         99999ms   alice  hold matinee A2       r1 held matinee A1 A2 for 200 until 350s
         99999ms   alice  release r1 A2         r1 held matinee A1 for 100 until 350s
         100s      tick                         r1 EXPIRED matinee A1
         100s      alice  hold matinee A2       refused SCHEDULE_NOT_FOUND
         100s      alice  best 1 in matinee     refused SCHEDULE_NOT_FOUND
         101s      alice  hold matinee A1       refused SCHEDULE_NOT_FOUND
         102s      alice  release r1            r1 EXPIRED matinee A1",
    );
}

/// Goal: no money is taken for what has been missed. Method: two fans hold, one pays in the last millisecond.
#[test]
fn the_start_of_a_performance_ends_what_is_held_of_it_unpaid() {
    check(
        "given matinee seats A1 A2
         given matinee starts 100s
         given alice has 100
         given bob has 100
         0s        alice  join                  t1 PROGRESS until 600s, idle at 300s
         0s        bob    join                  t2 PROGRESS until 600s, idle at 300s
         50s       alice  hold matinee A1       r1 held matinee A1 for 100 until 350s
         50s       bob    hold matinee A2       r2 held matinee A2 for 100 until 350s
         51s       bob    hold A2               r3 held A2 for 100 until 351s
         99999ms   alice  pay r1                r1 paid 100, balance 0; alice DONE
         100s      tick                         r2 EXPIRED matinee A2
         100s      bob    pay r2                refused RESERVATION_INVALID EXPIRED
         101s      bob    pay r3                r3 paid 100, balance 0; bob DONE",
    );
}

#[test]
fn only_what_is_still_to_be_played_counts_as_sold_out() {
    check(
        "given show seats A1
         given matinee seats A1
         given matinee starts 100s
         given alice has 100
         0s    alice  join     t1 PROGRESS until 600s, idle at 300s
         1s    alice  hold A1  r1 held A1 for 100 until 301s
         2s    alice  pay r1   r1 paid 100, balance 0; alice DONE
         3s    alice  get      t1 DONE
         100s  alice  get      t1 DONE, sold out",
    );
}
