//! A concert in another currency than wallets are is not sold, whatever its settings say.

use crate::check;

#[test]
fn what_wallets_cannot_pay_for_takes_nobody_in() {
    check(
        "given another currency
         given alice has 500
         0s  alice     join               refused SALE_CLOSED other currency
         1s  operator  opens              refused SALE_CLOSED other currency
         2s  operator  schedules          ok
         3s  alice     join               refused SALE_CLOSED other currency",
    );
}

#[test]
fn it_does_not_open_by_itself() {
    check(
        "given another currency
         given opens_at 10s
         5s    alice  join    refused SALE_CLOSED other currency
         10s   alice  join    refused SALE_CLOSED other currency
         60s   tick           nothing",
    );
}

/// Goal: nobody who holds seats of a sale that is not sold any more is told that they could pay them. Method: the wallets
/// became another currency's while seats were held.
#[test]
fn what_is_held_of_it_is_not_paid_but_given_back() {
    check(
        "given alice has 500
         0s   alice  join                      t1 PROGRESS until 600s, idle at 300s
         1s   alice  hold A1                   r1 held A1 for 100 until 301s
         2s   restart another currency  nothing
         3s   alice  pay r1                    refused SALE_CLOSED other currency
         4s   alice  hold A2                   refused SALE_CLOSED other currency
         5s   alice  release r1                r1 CANCELLED A1",
    );
}
