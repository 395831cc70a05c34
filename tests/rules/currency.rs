//! A concert in another currency than wallets are is not sold, whatever its settings say.

use crate::check;

#[test]
fn what_wallets_cannot_pay_for_takes_nobody_in() {
    check(
        "given another currency
         given alice has 500
         0s  alice     join               refused SALE_CLOSED
         1s  operator  opens              refused SALE_CLOSED
         2s  operator  schedules          ok
         3s  alice     join               refused SALE_CLOSED",
    );
}

#[test]
fn it_does_not_open_by_itself() {
    check(
        "given another currency
         given opens_at 10s
         5s    alice  join    refused SALE_CLOSED
         10s   alice  join    refused SALE_CLOSED
         60s   tick           nothing",
    );
}
