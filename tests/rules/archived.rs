//! A concert of which everything is over is put away, for ever.

use crate::check;

#[test]
fn only_what_is_over_is_archived() {
    check(
        "given alice has 300
         given show starts 3h
         0s      alice     join        t1 PROGRESS until 600s, idle at 300s
         1s      alice     hold A1     r1 held A1 for 100 until 301s
         2s      alice     pay r1      r1 paid 100, balance 200; alice DONE
         3s      bob       join        t2 PROGRESS until 603s, idle at 303s
         4s      operator  archives    refused NOT_OVER Sale
         5s      operator  closes      ok
         6s      operator  archives    refused NOT_OVER Fans(1)
         7s      bob       leave       t2 EXPIRED left
         8s      operator  archives    refused NOT_OVER Performance(ScheduleId(1))
         10800s  operator  archives    done; archived
         10801s  operator  archives    refused CONCERT_NOT_FOUND archived
         10802s  bob       join        refused SALE_CLOSED
         10803s  operator  refunds r1  refused CONCERT_NOT_FOUND archived
         10804s  restart               nothing
         10805s  operator  opens       refused CONCERT_NOT_FOUND archived",
    );
}

#[test]
fn what_is_called_off_has_to_be_given_back_first() {
    check(
        "given alice has 300
         0s  alice     join            t1 PROGRESS until 600s, idle at 300s
         1s  alice     hold A1         r1 held A1 for 100 until 301s
         2s  alice     pay r1          r1 paid 100, balance 200; alice DONE
         3s  operator  closes          ok
         4s  operator  calls off show  done; called off
         5s  operator  archives        refused NOT_OVER Refunds(ScheduleId(1))
         6s  house     refunds r1      r1 CANCELLED A1, balance 300; A1 kept
         7s  operator  archives        done; archived",
    );
}
