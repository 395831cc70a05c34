//! One person may be many guests: those of one address hold so many unpaid seats together.

use crate::check::check;

#[test]
fn guests_of_one_address_share_what_they_hold_unpaid() {
    check(
        "given guests mia moe max
         given guests ann
         given guest_seats 3 0
         given mia has 500
         0s    mia  join           t1 PROGRESS until 600s, idle at 300s
         0s    moe  join           t2 PROGRESS until 600s, idle at 300s
         0s    ann  join           t3 PROGRESS until 600s, idle at 300s
         0s    bob  join           t4 PROGRESS until 600s, idle at 300s
         0s    mia  hold A1 A2     r1 held A1 A2 for 200 until 300s
         1s    moe  hold A3 A4     refused RATE_LIMITED, guests hold 3
         1s    moe  best 2         refused RATE_LIMITED, guests hold 3
         1s    moe  hold A3        r2 held A3 for 100 until 301s
         1s    mia  hold A4        refused RATE_LIMITED, guests hold 3
         1s    mia  hold A1        r1 held A1 A2 for 200 until 300s
         2s    ann  hold B1 B2 B3  r3 held B1 B2 B3 for 150 until 302s
         2s    bob  hold A4        r4 held A4 for 100 until 302s
         3s    mia  pay r1         r1 paid 200, balance 300; mia DONE
         4s    moe  hold B4        r2 held A3 B4 for 150 until 301s
         5s    moe  release r2     r2 CANCELLED A3 B4
         6s    moe  hold A1 A3     refused SEAT_TAKEN A1
         6s    moe  hold A2 A3 B4  refused SEAT_TAKEN A2
         7s    moe  hold A3 B4     r5 held A3 B4 for 150 until 307s",
    );
}

#[test]
fn a_restart_forgives_guests_nothing() {
    check(
        "given guests mia moe
         given guest_seats 3 0
         0s   mia  join          t1 PROGRESS until 600s, idle at 300s
         0s   moe  join          t2 PROGRESS until 600s, idle at 300s
         0s   mia  hold A1 A2    r1 held A1 A2 for 200 until 300s
         10s       restart       nothing
         10s  moe  hold A3 A4    refused RATE_LIMITED, guests hold 3
         10s  moe  hold A3       r2 held A3 for 100 until 310s
         11s  mia  release r1    r1 CANCELLED A1 A2
         12s       restart       nothing
         12s  moe  hold A4 B1    r2 held A3 A4 B1 for 250 until 310s
         13s  mia  hold A1       refused RATE_LIMITED, guests hold 3",
    );
}

#[test]
fn a_large_house_has_more_room_for_them() {
    check(
        "given guests mia moe
         given guest_seats 1 50
         0s  mia  join              t1 PROGRESS until 600s, idle at 300s
         0s  moe  join              t2 PROGRESS until 600s, idle at 300s
         0s  mia  hold A1 A2 A3 A4  r1 held A1 A2 A3 A4 for 400 until 300s
         0s  moe  hold B1           refused RATE_LIMITED, guests hold 4",
    );
}
