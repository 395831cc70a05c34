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

#[test]
fn what_every_performance_keeps_is_kept_in_the_added_one_too() {
    check(
        "given alice has 500
         0s  operator  keeps A1 A2              A1 A2
         1s  operator  adds matinee at 1h       done; another at 3600s; A1 A2 kept
         2s  operator  returns A2               A2
         3s  operator  adds late at 2h          done; another at 7200s; A1 kept
         4s  restart                            nothing
         5s  alice     join                     t1 PROGRESS until 605s, idle at 305s
         6s  alice     hold late A1             refused SEAT_RESTRICTED A1
         7s  alice     hold late A2             r1 held late A2 for 100 until 307s
         8s  alice     hold matinee A2          refused SEAT_RESTRICTED A2",
    );
}

/// One that is called off keeps what was given back as well, which the next one may sell.
#[test]
fn what_was_given_back_of_one_that_is_called_off_is_for_sale_in_the_next() {
    check(
        "given alice has 500
         0s  alice     join                     t1 PROGRESS until 600s, idle at 300s
         1s  alice     hold A3                  r1 held A3 for 100 until 301s
         2s  alice     pay r1                   r1 paid 100, balance 400; alice DONE
         3s  operator  adds matinee at 1h       done; another at 3600s
         4s  operator  keeps A1                 A1
         5s  operator  keeps matinee A1         A1
         6s  operator  calls off show           done; called off
         7s  operator  refunds r1               r1 CANCELLED A3, balance 500; A3 kept
         8s  operator  adds late at 2h          done; another at 7200s; A1 kept",
    );
}

/// What the box office sold of them is the house's still; what is for sale in every performance is not.
#[test]
fn what_the_plan_keeps_is_kept_unless_it_is_for_sale_by_now() {
    check(
        "0s  operator  keeps A1 A2 A3                        A1 A2 A3
         1s  operator  sells anna cash A1                     r1 RESERVED A1 cash 100
         2s  operator  returns A2                             A2
         3s  operator  adds matinee at 1h planned A1 A2 A3    done; another at 3600s; A1 A3 kept
         4s  operator  calls off show                         done; called off
         5s  operator  calls off matinee                      done; called off
         6s  operator  adds late at 2h planned A1 A2 A3       done; another at 7200s; A1 A3 kept",
    );
}
