//! A concert that gets another performance while its sale runs: with the seats of the others, for prices of its own.

use crate::check;

#[test]
fn what_is_added_is_on_sale_at_once() {
    check(
        "given alice has 500
         0s  alice     join                            t1 PROGRESS until 600s, idle at 300s
         1s  operator  adds matinee at 1h VIP 120      done; another at 3600s
         2s  alice     hold matinee A1 B1              r1 held matinee A1 B1 for 170 until 302s
         3s  alice     hold A1                         r2 held A1 for 100 until 303s
         4s  alice     pay r1                          r1 paid 170, balance 330; r2 CANCELLED A1; alice DONE
         5s  restart                                   nothing
         6s  bob       join                            t2 PROGRESS until 606s, idle at 306s
         7s  bob       hold matinee A2                 r3 held matinee A2 for 120 until 307s
         307s  tick                                    r3 EXPIRED matinee A2; bob EXPIRED idle
         3601s  carol  join                            t3 PROGRESS until 4201s, idle at 3901s
         3602s  carol  hold matinee A3                 refused SCHEDULE_NOT_FOUND",
    );
}

#[test]
fn whoever_waits_for_a_full_house_is_let_in() {
    check(
        "given show seats A1
         given alice has 100
         0s  alice     join                   t1 PROGRESS until 600s, idle at 300s
         1s  alice     hold A1                r1 held A1 for 100 until 301s
         2s  alice     pay r1                 r1 paid 100, balance 0; alice DONE
         3s  bob       join                   t2 WAITING 1/1, sold out
         4s  operator  adds matinee at 1h     done; another at 3600s; bob PROGRESS
         5s  bob       hold matinee A1        r2 held matinee A1 for 100 until 305s",
    );
}

#[test]
fn no_two_begin_at_the_same_time_and_none_has_begun() {
    check(
        "given show starts 3h
         1s  operator  adds matinee at 1s      refused a start that lies behind
         2s  operator  adds matinee at 3h      refused the start of another one
         3s  operator  adds matinee at 1h X 5  refused an unknown category
         4s  operator  adds matinee at 1h      done; another at 3600s
         5s  operator  adds matinee at 1h      done
         6s  operator  adds matinee at 2h      refused the start of another one
         7s  operator  calls off show          done; called off
         8s  operator  adds late at 3h         done; another at 10800s",
    );
}
