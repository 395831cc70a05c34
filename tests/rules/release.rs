//! Single seats or all of them can be given back.

use crate::check;

#[test]
fn some_or_all() {
    check(
        "0s   alice  join              t1 PROGRESS until 600s, idle at 300s
         0s   bob    join              t2 PROGRESS until 600s, idle at 300s
         1s   alice  hold A1 A2 B1     r1 held A1 A2 B1 for 250 until 301s
         2s   bob    hold A2           refused SEAT_TAKEN A2
         3s   alice  release r1 A2 B1  r1 held A1 for 100 until 301s
         3s   bob    hold A2           r2 held A2 for 100 until 303s
         4s   alice  release r1 A1     r1 CANCELLED A1
         5s   bob    hold A1           r2 held A1 A2 for 200 until 303s
         6s   bob    release r2        r2 CANCELLED A1 A2
         7s   bob    hold A1           r3 held A1 for 100 until 307s",
    );
}

#[test]
fn what_is_released_already_stays_released() {
    check(
        "0s   alice  join           t1 PROGRESS until 600s, idle at 300s
         1s   alice  hold A1 A2     r1 held A1 A2 for 200 until 301s
         2s   alice  release r1 A1  r1 held A2 for 100 until 301s
         3s   alice  release r1 A1  r1 held A2 for 100 until 301s
         4s   alice  release r1 B4  r1 held A2 for 100 until 301s
         5s   alice  release r1     r1 CANCELLED A2
         6s   alice  release r1     r1 CANCELLED A2
         7s   alice  release r1 A1  r1 CANCELLED A2",
    );
    check(
        "0s    alice  join        t1 PROGRESS until 600s, idle at 300s
         1s    alice  hold A1     r1 held A1 for 100 until 301s
         200s  alice  extend      t1 PROGRESS until 600s, idle at 500s
         301s  tick               r1 EXPIRED A1
         302s  alice  release r1  r1 EXPIRED A1",
    );
}

#[test]
fn what_cannot_be_released_says_why() {
    check(
        "given alice has 100
         0s   alice  join           t1 PROGRESS until 600s, idle at 300s
         0s   bob    join           t2 PROGRESS until 600s, idle at 300s
         1s   alice  hold A1        r1 held A1 for 100 until 301s
         2s   alice  release r1 Z9  refused SEAT_NOT_FOUND ?
         3s   bob    release r1     refused RESERVATION_NOT_FOUND
         4s   alice  release r2     refused RESERVATION_NOT_FOUND
         5s   alice  pay r1         r1 paid 100, balance 0; alice DONE
         6s   alice  release r1     refused RESERVATION_INVALID RESERVED
         7s   bob    release r1     refused RESERVATION_NOT_FOUND
         8s   alice  cancel r1      r1 CANCELLED A1, balance 100
         9s   alice  release r1     r1 CANCELLED A1",
    );
}
