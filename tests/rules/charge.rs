//! `charge` adds to the wallet exactly once for a request id, in any state of the queue.

use crate::check;

#[test]
fn the_same_request_charges_once() {
    check(
        "0s   alice  charge 100 as c1   balance 100
         1s   alice  charge 100 as c1   balance 100
         2s   alice  charge 100 as c2   balance 200
         3s   alice  charge 100 as c1   balance 100
         4s   alice  charge 50 as c1    refused REQUEST_ID_REUSED
         5s   bob    charge 50 as c1    balance 50
         6s   alice  charge 1 as c3     balance 201",
    );
}

#[test]
fn amounts_are_above_zero_and_balances_bounded() {
    check(
        "0s   alice  charge 0 as c1                  refused INVALID_AMOUNT
         0s   alice  charge -1 as c1                 refused INVALID_AMOUNT
         0s   alice  charge 9007199254740992 as c1   refused INVALID_AMOUNT
         0s   alice  charge 9007199254740991 as c1   balance 9007199254740991
         1s   alice  charge 1 as c2                  refused INVALID_AMOUNT",
    );
}

#[test]
fn it_works_in_any_state_of_the_queue() {
    check(
        "given capacity 1
         0s   bob    charge 1 as c1    balance 1
         0s   alice  join              t1 PROGRESS until 600s, idle at 300s
         0s   bob    join              t2 WAITING 1/1
         1s   bob    charge 1 as c2    balance 2
         2s   alice  leave             t1 EXPIRED left; bob PROGRESS
         3s   alice  charge 1 as c1    balance 1
         4s   bob    charge 98 as c3   balance 100
         5s   bob    hold A1           r1 held A1 for 100 until 305s
         6s   bob    pay r1            r1 paid 100, balance 0; bob DONE
         7s   bob    charge 98 as c3   balance 100
         8s   bob    charge 5 as c4    balance 5",
    );
}
