//! A paid reservation can be given back for a refund until `cancel_until`.

use crate::check;

const BOUGHT: &str = "given alice has 100
    given show starts 3h
    given cancel_before_start 1h
    0s  alice  join     t1 PROGRESS until 600s, idle at 300s
    1s  alice  hold A1  r1 held A1 for 100 until 301s
";

#[test]
fn a_refund_frees_the_seats() {
    check(&format!(
        "{BOUGHT}
         2s   alice  pay r1     r1 paid 100, balance 0; alice DONE
         3s   bob    join       t2 PROGRESS until 603s, idle at 303s
         4s   bob    hold A1    refused SEAT_TAKEN A1
         5s   alice  cancel r1  r1 CANCELLED A1, balance 100
         6s   bob    hold A1    r2 held A1 for 100 until 306s
         7s   alice  hello      t1 DONE"
    ));
}

#[test]
fn cancelling_twice_refunds_once() {
    check(&format!(
        "{BOUGHT}
         2s     alice  pay r1     r1 paid 100, balance 0; alice DONE
         3s     alice  cancel r1  r1 CANCELLED A1, balance 100
         4s     alice  cancel r1  r1 CANCELLED A1, balance 100
         9999s  alice  cancel r1  r1 CANCELLED A1, balance 100"
    ));
}

#[test]
fn it_can_be_too_late() {
    check(&format!(
        "{BOUGHT}
         2s         alice  pay r1     r1 paid 100, balance 0; alice DONE
         7199999ms  alice  cancel r1  r1 CANCELLED A1, balance 100"
    ));
    check(&format!(
        "{BOUGHT}
         2s     alice     pay r1                         r1 paid 100, balance 0; alice DONE
         7200s  alice     cancel r1                      refused CANCEL_TOO_LATE
         7201s  operator  sets cancel_before_start 30m   ok
         7202s  alice     cancel r1                      r1 CANCELLED A1, balance 100"
    ));
}

#[test]
fn only_what_is_paid_and_ones_own() {
    check(&format!(
        "{BOUGHT}
         2s   bob    join         t2 PROGRESS until 602s, idle at 302s
         3s   alice  cancel r1    refused RESERVATION_INVALID held
         4s   bob    cancel r1    refused RESERVATION_NOT_FOUND
         5s   alice  pay r1       r1 paid 100, balance 0; alice DONE
         6s   bob    cancel r1    refused RESERVATION_NOT_FOUND
         7s   alice  cancel r9    refused RESERVATION_NOT_FOUND
         306s tick                bob EXPIRED idle"
    ));
    check(&format!(
        "{BOUGHT}
         2s    alice  release r1   r1 CANCELLED A1
         3s    alice  cancel r1    r1 CANCELLED A1, balance 100
         4s    alice  hold A2      r2 held A2 for 100 until 304s
         300s  alice  extend       t1 PROGRESS until 600s, idle at 600s
         304s  tick                r2 EXPIRED A2
         305s  alice  cancel r2    refused RESERVATION_INVALID EXPIRED"
    ));
}

#[test]
fn it_needs_no_place_in_line_and_works_when_closed() {
    check(&format!(
        "{BOUGHT}
         2s   alice     pay r1     r1 paid 100, balance 0; alice DONE
         3s   operator  closes     ok
         4s   alice     cancel r1  r1 CANCELLED A1, balance 100"
    ));
}

/// Goal: a refund that does not fit says so, and is no fault of the amount; with room made it is given.
#[test]
fn a_full_wallet_says_that_the_refund_does_not_fit() {
    check(&format!(
        "{BOUGHT}
         2s   alice  pay r1                          r1 paid 100, balance 0; alice DONE
         3s   alice  charge 9007199254740991 as c1   balance 9007199254740991
         4s   alice  cancel r1                       refused WALLET_FULL 9007199254740991 and 100
         5s   alice  join                            t2 PROGRESS until 605s, idle at 305s
         6s   alice  hold B1                         r2 held B1 for 50 until 306s
         7s   alice  hold A2                         r2 held A2 B1 for 150 until 306s
         8s   alice  pay r2                          r2 paid 150, balance 9007199254740841; alice DONE
         9s   alice  cancel r1                       r1 CANCELLED A1, balance 9007199254740941"
    ));
}
