//! `position` is exact, and the ETA comes from the admissions seen lately.

use crate::check;

#[test]
fn a_position_is_one_more_than_the_tokens_that_came_earlier() {
    check(
        "given capacity 1
         0s   alice  join     t1 PROGRESS until 600s, idle at 300s
         0s   bob    join     t2 WAITING 1/1
         0s   carol  join     t3 WAITING 2/2
         0s   dave   join     t4 WAITING 3/3
         0s   erin   join     t5 WAITING 4/4
         1s   dave   leave    t4 EXPIRED left
         2s   erin   get      t5 WAITING 3/3
         3s   alice  leave    t1 EXPIRED left; bob PROGRESS
         4s   erin   get      t5 WAITING 2/2
         5s   bob    get      t2 PROGRESS until 603s, idle at 303s
         6s   dave   join     t6 WAITING 3/3
         7s   carol  get      t3 WAITING 1/3",
    );
}

#[test]
fn the_eta_is_unknown_until_somebody_was_admitted_lately() {
    check(
        "given capacity 1
         given opens_at 10s
         0s    alice  join     t1 WAITING 1/1
         0s    bob    join     t2 WAITING 2/2
         0s    carol  join     t3 WAITING 3/3
         0s    dave   join     t4 WAITING 4/4
         1s    bob    eta      t2 WAITING 2/4, eta unknown
         10s   tick            sale OPEN; alice PROGRESS
         20s   alice  leave    t1 EXPIRED left; bob PROGRESS
         30s   bob    leave    t2 EXPIRED left; carol PROGRESS
         40s   dave   eta      t4 WAITING 1/1, eta 10s
         50s   erin   join     t5 WAITING 2/2
         70s   erin   eta      t5 WAITING 2/2, eta 60s
         200s  erin   eta      t5 WAITING 2/2, eta unknown",
    );
}
