//! A user has so many seats of a sale and no more, held and bought together, in all of its performances.

use crate::check;

#[test]
fn one_fan_in_four_rounds_of_four_gets_four() {
    check(
        "given seats_per_user_max 4
         given alice has 1000
         0s   alice  join              t1 PROGRESS until 600s, idle at 300s
         1s   alice  hold A1 A2 A3 A4  r1 held A1 A2 A3 A4 for 400 until 301s
         2s   alice  pay r1            r1 paid 400, balance 600; alice DONE
         3s   alice  join              t2 PROGRESS until 603s, idle at 303s
         4s   alice  hold B1 B2 B3 B4  refused PURCHASE_LIMIT 4
         5s   alice  best 4            refused PURCHASE_LIMIT 4
         6s   alice  leave             t2 EXPIRED left
         7s   alice  join              t3 PROGRESS until 607s, idle at 307s
         8s   alice  hold B1           refused PURCHASE_LIMIT 4
         9s   alice  best 1            refused PURCHASE_LIMIT 4
         10s  bob    join              t4 PROGRESS until 610s, idle at 310s
         11s  bob    hold B1 B2 B3 B4  r2 held B1 B2 B3 B4 for 200 until 311s",
    );
}

#[test]
fn what_was_cancelled_counts_no_longer() {
    check(
        "given seats_per_user_max 4
         given alice has 1000
         0s  alice  join              t1 PROGRESS until 600s, idle at 300s
         1s  alice  hold A1 A2 A3 A4  r1 held A1 A2 A3 A4 for 400 until 301s
         2s  alice  pay r1            r1 paid 400, balance 600; alice DONE
         3s  alice  join              t2 PROGRESS until 603s, idle at 303s
         4s  alice  best 1            refused PURCHASE_LIMIT 4
         5s  alice  cancel r1         r1 CANCELLED A1 A2 A3 A4, balance 1000
         6s  alice  best 2            r2 held A2 A3 for 200 until 306s
         7s  alice  hold B1 B2        r2 held A2 A3 B1 B2 for 300 until 306s
         8s  alice  pay r2            r2 paid 300, balance 700; alice DONE
         9s  restart                  nothing
         10s  alice  join             t3 PROGRESS until 610s, idle at 310s
         11s  alice  hold B3          refused PURCHASE_LIMIT 4",
    );
}

#[test]
fn what_lapsed_or_was_released_counts_no_longer() {
    check(
        "given seats_per_user_max 2
         given idle_ttl 1h
         0s    alice  join        t1 PROGRESS until 600s, idle at 3600s
         1s    alice  hold A1 A2  r1 held A1 A2 for 200 until 301s
         2s    alice  hold A3     refused PURCHASE_LIMIT 2
         3s    alice  release r1 A1  r1 held A2 for 100 until 301s
         4s    alice  hold A3     r1 held A2 A3 for 200 until 301s
         5s    alice  hold A1     refused PURCHASE_LIMIT 2
         301s  tick               r1 EXPIRED A2 A3
         302s  alice  hold A1 A2  r2 held A1 A2 for 200 until 602s",
    );
}

#[test]
fn all_performances_and_all_devices_count_together() {
    check(
        "given seats_per_user_max 3
         given matinee seats A1 A2 A3
         0s  alice        join                t1 PROGRESS until 600s, idle at 300s
         0s  alice@phone  hello               t1 PROGRESS until 600s, idle at 300s
         1s  alice        hold A1 A2          r1 held A1 A2 for 200 until 301s
         1s  alice@phone  hold matinee A1 A2  refused PURCHASE_LIMIT 3
         2s  alice@phone  hold matinee A1     r2 held matinee A1 for 100 until 302s
         3s  alice@phone  best 1 in matinee   refused PURCHASE_LIMIT 3
         4s  alice        hold A1 A2          r1 held A1 A2 for 200 until 301s",
    );
}

#[test]
fn a_lower_limit_takes_nothing_away_and_a_higher_one_gives_more() {
    check(
        "given alice has 1000
         0s  alice     join                       t1 PROGRESS until 600s, idle at 300s
         1s  alice     hold A1 A2 A3              r1 held A1 A2 A3 for 300 until 301s
         2s  operator  sets seats_per_user_max 2  ok
         3s  alice     hold A4                    refused PURCHASE_LIMIT 2
         4s  alice     hold A1                    r1 held A1 A2 A3 for 300 until 301s
         5s  operator  sets seats_per_user_max 4  ok
         6s  alice     hold A4                    r1 held A1 A2 A3 A4 for 400 until 301s
         7s  operator  sets seats_per_user_max 1  ok
         8s  alice     pay r1                     r1 paid 400, balance 600; alice DONE
         9s  alice     join                       t2 PROGRESS until 609s, idle at 309s
         10s  alice    hold B1                    refused PURCHASE_LIMIT 1
         11s  operator  sets seats_per_user_max 0  ok
         12s  alice    hold B1                    r2 held B1 for 50 until 312s",
    );
}

#[test]
fn the_limit_of_a_reservation_is_named_first() {
    check(
        "given seats_per_user_max 2
         0s  alice  join                  t1 PROGRESS until 600s, idle at 300s
         1s  alice  hold A1 A2 A3 A4 B1   refused HOLD_LIMIT 4
         2s  alice  hold A1 A2 A3         refused PURCHASE_LIMIT 2
         3s  alice  best 3                refused PURCHASE_LIMIT 2
         4s  alice  hold A1 A2            r1 held A1 A2 for 200 until 304s",
    );
}
