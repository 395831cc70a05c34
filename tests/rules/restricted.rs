//! Seats that the house keeps from sale: nobody holds them, nobody waits for them, and what somebody has is never taken.

use crate::check;

#[test]
fn a_seat_that_is_kept_is_not_held_and_one_that_is_opened_again_is() {
    check(
        "0s  alice     join         t1 PROGRESS until 600s, idle at 300s
         1s  operator  keeps A1 A2  A1 A2
         2s  alice     hold A1      refused SEAT_RESTRICTED A1
         3s  alice     hold A1 A3   refused SEAT_RESTRICTED A1
         4s  operator  returns A1   A1
         5s  alice     hold A1      r1 held A1 for 100 until 305s
         6s  alice     hold A2      refused SEAT_RESTRICTED A2",
    );
}

#[test]
fn what_is_held_or_sold_is_left_and_named() {
    check(
        "given alice has 300
         0s  alice     join            t1 PROGRESS until 600s, idle at 300s
         0s  bob       join            t2 PROGRESS until 600s, idle at 300s
         1s  alice     hold A1         r1 held A1 for 100 until 301s
         2s  alice     pay r1          r1 paid 100, balance 200; alice DONE
         3s  bob       hold A2         r2 held A2 for 100 until 303s
         4s  operator  keeps A1 A2 A3  A3, not A1 sold to r1, not A2 held by r2
         5s  operator  returns A1 A2   nothing
         6s  bob       release r2      r2 CANCELLED A2
         7s  operator  keeps A2        A2",
    );
}

#[test]
fn the_same_again_changes_nothing() {
    check(
        "0s  operator  keeps A1       A1
         1s  operator  keeps A1 A2    A2
         2s  operator  keeps A1 A2    nothing
         3s  operator  returns A3     nothing
         4s  operator  returns A1 A1  A1",
    );
}

#[test]
fn seats_that_are_not_there_are_named_and_nothing_is_kept() {
    check(
        "0s  operator  keeps A1 X9    refused SEAT_NOT_FOUND ?
         1s  operator  keeps A1       A1
         2s  operator  keeps nowhere  refused SCHEDULE_NOT_FOUND
         3s  operator  keeps          refused SEAT_NOT_FOUND",
    );
}

#[test]
fn of_one_that_is_taken_and_one_that_is_kept_the_taken_one_is_named() {
    check(
        "0s  alice     join           t1 PROGRESS until 600s, idle at 300s
         0s  bob       join           t2 PROGRESS until 600s, idle at 300s
         1s  alice     hold A1        r1 held A1 for 100 until 301s
         2s  operator  keeps A2       A2
         3s  bob       hold A1 A2 A3  refused SEAT_TAKEN A1
         4s  bob       hold A2 A3     refused SEAT_RESTRICTED A2",
    );
}

#[test]
fn seats_on_both_sides_of_a_kept_one_are_not_together() {
    check(
        "given show seats A1 A2 A3 A4 A5
         0s  alice     join        t1 PROGRESS until 600s, idle at 300s
         1s  operator  keeps A3    A3
         2s  alice     best 3      refused NO_SEATS_AVAILABLE
         3s  alice     best 2      r1 held A1 A2 for 200 until 303s
         4s  operator  returns A3  A3
         5s  alice     release r1  r1 CANCELLED A1 A2
         6s  alice     best 3      r2 held A1 A2 A3 for 300 until 306s",
    );
}

#[test]
fn nobody_is_admitted_for_a_seat_that_is_kept() {
    check(
        "given show seats A1 A2
         0s  operator  keeps A2     A2
         1s  alice     join         t1 PROGRESS until 601s, idle at 301s
         2s  bob       join         t2 WAITING 1/1
         3s  operator  returns A2   A2; bob PROGRESS
         4s  operator  keeps A1 A2  A1 A2
         5s  carol     join         t3 WAITING 1/1",
    );
}

#[test]
fn a_house_is_sold_out_when_all_that_is_for_sale_is_sold() {
    check(
        "given show seats A1 A2
         given alice has 300
         0s  operator  keeps A2    A2
         1s  alice     join        t1 PROGRESS until 601s, idle at 301s
         2s  bob       join        t2 WAITING 1/1
         3s  alice     hold A1     r1 held A1 for 100 until 303s
         4s  alice     pay r1      r1 paid 100, balance 200; alice DONE
         5s  bob       get         t2 WAITING 1/1, sold out
         6s  operator  returns A2  A2; bob PROGRESS",
    );
}

#[test]
fn a_house_of_which_everything_is_kept_is_not_sold_out() {
    check(
        "given show seats A1 A2
         0s  operator  keeps A1 A2  A1 A2
         1s  alice     join         t1 WAITING 1/1
         2s  operator  figures      OPEN with capacity 100: 1 waiting, 0 admitted, 0 done, 0 expired, 2 seats, 0 free, 0 held, 0 sold, 2 kept",
    );
}

#[test]
fn guests_share_what_is_for_sale() {
    check(
        "given show seats A1 A2 A3 A4 A5 A6 A7 A8 A9 B1
         given guest_seats 1 30
         given guests alice bob
         0s  alice     join               t1 PROGRESS until 600s, idle at 300s
         0s  bob       join               t2 PROGRESS until 600s, idle at 300s
         1s  alice     hold A1 A2 A3      r1 held A1 A2 A3 for 300 until 301s
         2s  alice     release r1 A3      r1 held A1 A2 for 200 until 301s
         3s  operator  keeps A9 B1 A8 A7  A7 A8 A9 B1
         4s  bob       hold A4            refused RATE_LIMITED, guests hold 1",
    );
}

#[test]
fn a_kept_seat_stays_kept_over_a_restart_and_after_the_start() {
    check(
        "given show starts 100s
         0s    operator  keeps A1     A1
         1s              restart      nothing
         2s    alice     join         t1 PROGRESS until 602s, idle at 302s
         3s    alice     hold A1      refused SEAT_RESTRICTED A1
         100s  operator  keeps A2     A2
         101s  operator  returns A1   A1
         102s            restart      nothing
         103s  operator  keeps A1 A2  A1",
    );
}

#[test]
fn the_house_has_its_seats_before_the_sale_opens_and_while_it_is_paused_or_closed() {
    check(
        "given scheduled
         0s  operator  keeps A1    A1
         1s  operator  opens       ok
         2s  operator  pauses      ok
         3s  operator  keeps A2    A2
         4s  operator  closes      ok
         5s  operator  returns A1  A1
         6s  operator  keeps A1    A1",
    );
}
