//! Every command may be sent again, as by a client that lost its connection before the answer.

use crate::check;

#[test]
fn a_whole_journey_said_twice() {
    check(
        "given capacity 1
         0s    alice  join              t1 PROGRESS until 600s, idle at 300s
         1s    alice  join              t1 PROGRESS until 600s, idle at 301s
         2s    alice  hold A1 A2        r1 held A1 A2 for 200 until 302s
         3s    alice  hold A1 A2        r1 held A1 A2 for 200 until 302s
         4s    alice  release r1 A2     r1 held A1 for 100 until 302s
         5s    alice  release r1 A2     r1 held A1 for 100 until 302s
         6s    alice  charge 100 as c   balance 100
         7s    alice  charge 100 as c   balance 100
         8s    alice  pay r1            r1 paid 100, balance 0; alice DONE
         9s    alice  pay r1            r1 paid 100, balance 0
         10s   alice  charge 100 as c   balance 100
         11s   alice  cancel r1         r1 CANCELLED A1, balance 100
         12s   alice  cancel r1         r1 CANCELLED A1, balance 100
         13s   alice  join              t2 PROGRESS until 613s, idle at 313s
         14s   alice  leave             t2 EXPIRED left
         15s   alice  leave             t2 EXPIRED left",
    );
}
