//! A performance that is called off: nothing of it is sold or held any more, and what was paid comes back, each order once.

use crate::check;

const TWO: &str = "given alice has 300
    given bob has 300
    given show starts 1000s
    given cancel_before_start 100s
    0s  alice  join        t1 PROGRESS until 600s, idle at 300s
    0s  bob    join        t2 PROGRESS until 600s, idle at 300s
    1s  alice  hold A1 A2  r1 held A1 A2 for 200 until 301s
    2s  bob    hold A3     r2 held A3 for 100 until 302s
    3s  alice  pay r1      r1 paid 200, balance 100; alice DONE
";

#[test]
fn what_is_held_ends_at_once_and_nothing_is_sold_any_more() {
    check(&format!(
        "{TWO}
         4s  operator  calls off show  done; called off
         4s            tick            r2 CANCELLED A3
         5s  bob       hold A4         refused PERFORMANCE_CALLED_OFF
         6s  bob       best 1          refused PERFORMANCE_CALLED_OFF
         7s  bob       pay r2          refused PERFORMANCE_CALLED_OFF
         8s  bob       release r2      r2 CANCELLED A3
         9s  alice     cancel r1       refused PERFORMANCE_CALLED_OFF"
    ));
}

#[test]
fn what_is_paid_comes_back_once_and_its_seats_are_kept() {
    check(&format!(
        "{TWO}
         4s   house     refunds r1                not r1 RESERVATION_INVALID RESERVED
         5s   operator  calls off show            done; called off
         5s             tick                      r2 CANCELLED A3
         6s   house     refunds r1                r1 CANCELLED A1 A2, balance 300; A1 A2 kept
         7s   house     refunds r1                not r1 ALREADY_REFUNDED at 6s
         8s   alice     cancel r1                 r1 CANCELLED A1 A2, balance 300
         9s             restart                   nothing
         10s  house     refunds r1 r2 r9          not r1 ALREADY_REFUNDED at 6s; not r2 RESERVATION_INVALID CANCELLED; not r? RESERVATION_NOT_FOUND
         11s  operator  figures                   OPEN with capacity 100: 0 waiting, 1 admitted, 0 done, 0 expired, 8 seats, 0 free, 0 held, 0 sold, 8 kept"
    ));
}

#[test]
fn there_is_no_way_back_and_the_same_again_changes_nothing() {
    check(&format!(
        "{TWO}
         4s  operator  calls off show          done; called off
         4s            tick                    r2 CANCELLED A3
         5s  operator  calls off show          done
         6s  operator  moves show to 2000s     refused PERFORMANCE_CALLED_OFF
         7s            restart                 nothing
         8s  operator  moves show to 2000s     refused PERFORMANCE_CALLED_OFF
         9s  operator  calls off nowhere       refused SCHEDULE_NOT_FOUND"
    ));
}

#[test]
fn one_that_has_begun_can_be_called_off_as_a_show_may_break_off() {
    check(&format!(
        "{TWO}
         4s     bob       release r2      r2 CANCELLED A3
         304s             tick            bob EXPIRED idle
         1000s  operator  calls off show  done; called off
         1001s  house     refunds r1      r1 CANCELLED A1 A2, balance 300; A1 A2 kept"
    ));
}

#[test]
fn nobody_is_let_in_for_seats_of_it() {
    check(
        "given show seats A1 A2
         given matinee seats B1
         given matinee starts 500s
         0s  operator  calls off show    done; called off
         1s  alice     join              t1 PROGRESS until 601s, idle at 301s
         2s  bob       join              t2 WAITING 1/1
         3s  alice     hold matinee B1   r1 held matinee B1 for 50 until 303s
         4s  alice     release r1        r1 CANCELLED matinee B1",
    );
}

#[test]
fn a_house_is_sold_out_by_what_is_played() {
    check(
        "given alice has 300
         given show seats A1 A2
         given matinee seats B1
         given matinee starts 500s
         0s  alice     join              t1 PROGRESS until 600s, idle at 300s
         1s  alice     hold matinee B1   r1 held matinee B1 for 50 until 301s
         2s  alice     pay r1            r1 paid 50, balance 250; alice DONE
         3s  operator  calls off show    done; called off
         4s  bob       join              t2 WAITING 1/1, sold out",
    );
}
