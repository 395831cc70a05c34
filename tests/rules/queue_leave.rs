//! Leaving ends the place in line or the visit, and with it what the user holds.

use crate::check;

#[test]
fn leaving_the_line_moves_up_who_is_behind() {
    check(
        "given capacity 1
         0s   alice  join     t1 PROGRESS until 600s, idle at 300s
         0s   bob    join     t2 WAITING 1/1
         0s   carol  join     t3 WAITING 2/2
         1s   bob    leave    t2 EXPIRED left
         2s   carol  get      t3 WAITING 1/1",
    );
}

#[test]
fn leaving_a_visit_frees_its_place_and_its_seats() {
    check(
        "given capacity 1
         given matinee seats A1 A2
         0s   alice  join             t1 PROGRESS until 600s, idle at 300s
         0s   bob    join             t2 WAITING 1/1
         1s   alice  hold A1 B1       r1 held A1 B1 for 150 until 301s
         1s   alice  hold matinee A2  r2 held matinee A2 for 100 until 301s
         2s   alice  leave            t1 EXPIRED left; r2 CANCELLED matinee A2; r1 CANCELLED A1 B1; bob PROGRESS
         3s   bob    hold A1 B1       r3 held A1 B1 for 150 until 303s
         3s   alice  hold A2          refused TOKEN_EXPIRED left",
    );
}

#[test]
fn leaving_twice_is_as_good_as_once_and_spares_a_new_token() {
    check(
        "given capacity 1
         given alice has 100
         0s   alice      join     t1 PROGRESS until 600s, idle at 300s
         0s   bob@old    join     t2 WAITING 1/1
         1s   bob@old    leave    t2 EXPIRED left
         2s   bob@old    leave    t2 EXPIRED left
         3s   bob        join     t3 WAITING 1/1
         4s   bob@old    leave    t2 EXPIRED left
         5s   bob        get      t3 WAITING 1/1
         6s   alice      hold A1  r1 held A1 for 100 until 306s
         7s   alice      pay r1   r1 paid 100, balance 0; alice DONE; bob PROGRESS
         8s   alice      leave    t1 DONE",
    );
}
