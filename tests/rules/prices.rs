//! Prices that an operator changes while fans hold and pay: whoever took seats pays what they cost then, and nobody else's
//! change is overwritten unseen.

use crate::check;

#[test]
fn who_holds_pays_what_the_seat_cost_when_they_took_it() {
    check(
        "given alice has 500
         given bob has 500
         0s  alice     join              t1 PROGRESS until 600s, idle at 300s
         0s  bob       join              t2 PROGRESS until 600s, idle at 300s
         1s  alice     hold A1 B1        r1 held A1 B1 for 150 until 301s
         2s  operator  reprices VIP 120  done; show: VIP 100 to 120
         3s  bob       hold A2           r2 held A2 for 120 until 303s
         4s  alice     hold A1           r1 held A1 B1 for 150 until 301s
         5s  alice     pay r1            r1 paid 150, balance 350; alice DONE
         6s  operator  reprices VIP 90   done; show: VIP 120 to 90
         7s  bob       pay r2            r2 paid 120, balance 380; bob DONE
         8s  bob       cancel r2         r2 CANCELLED A2, balance 500",
    );
}

#[test]
fn a_hold_that_gets_another_seat_later_has_two_prices() {
    check(
        "given alice has 500
         0s  alice     join              t1 PROGRESS until 600s, idle at 300s
         1s  alice     hold A2           r1 held A2 for 100 until 301s
         2s  operator  reprices VIP 120  done; show: VIP 100 to 120
         3s  alice     hold A1           r1 held A1 A2 for 220 until 301s
         4s  alice     hold B1           r1 held A1 A2 B1 for 270 until 301s
         5s  operator  reprices VIP 100  done; show: VIP 120 to 100
         6s  alice     hold A3           r1 held A1 A2 A3 B1 for 370 until 301s
         7s  alice     release r1 A2     r1 held A1 A3 B1 for 270 until 301s
         8s  alice     release r1 A1     r1 held A3 B1 for 150 until 301s
         9s  alice     pay r1            r1 paid 150, balance 350; alice DONE",
    );
}

#[test]
fn prices_stay_with_a_hold_over_a_restart() {
    check(
        "given alice has 500
         0s  alice     join              t1 PROGRESS until 600s, idle at 300s
         1s  alice     hold A1           r1 held A1 for 100 until 301s
         2s  operator  reprices VIP 120  done; show: VIP 100 to 120
         3s  alice     hold A2           r1 held A1 A2 for 220 until 301s
         4s            restart           nothing
         5s  alice     hold A3           r1 held A1 A2 A3 for 340 until 301s
         6s  operator  reprices VIP 130 where VIP 120  done; show: VIP 120 to 130
         7s  alice     release r1 A1     r1 held A2 A3 for 240 until 301s
         8s  alice     pay r1            r1 paid 240, balance 260; alice DONE",
    );
}

#[test]
fn the_best_seats_are_chosen_by_what_they_cost_now() {
    check(
        "0s  alice     join                 t1 PROGRESS until 600s, idle at 300s
         1s  operator  reprices Floor 110   done; show: Floor 50 to 110
         2s  alice     best 1 upto 50       refused NO_SEATS_AVAILABLE
         3s  alice     best 4 upto 100      r1 held A1 A2 A3 A4 for 400 until 303s
         4s  alice     release r1           r1 CANCELLED A1 A2 A3 A4
         5s  operator  reprices Floor 50    done; show: Floor 110 to 50
         6s  alice     best 1 upto 50       r2 held B2 for 50 until 306s",
    );
}

#[test]
fn an_order_is_never_worth_more_than_money() {
    check(
        "0s  alice     join                             t1 PROGRESS until 600s, idle at 300s
         1s  operator  reprices VIP 9007199254740991    done; show: VIP 100 to 9007199254740991
         2s  alice     hold A1 B1                       refused HOLD_LIMIT 1
         3s  alice     hold A1                          r1 held A1 for 9007199254740991 until 303s
         4s  operator  reprices VIP 1                   done; show: VIP 9007199254740991 to 1
         5s  alice     hold A2                          refused HOLD_LIMIT 1",
    );
}

#[test]
fn each_performance_has_its_own_prices_and_all_are_changed_or_none() {
    check(
        "given show starts 1h
         given late seats A1 A2
         0s    alice     join                             t1 PROGRESS until 600s, idle at 300s
         1s    operator  reprices late VIP 70             done; late: VIP 100 to 70
         2s    alice     hold late A1                     r1 held late A1 for 70 until 302s
         3s    alice     hold A1                          r2 held A1 for 100 until 303s
         4s    operator  reprices late,show VIP 80 where VIP 70  refused CHANGED_MEANWHILE by nobody knows whom: VIP 100
         5s    operator  reprices late,show VIP 80        done; late: VIP 70 to 80; show: VIP 100 to 80
         6s    alice     release r1                       r1 CANCELLED late A1
         7s    alice     release r2                       r2 CANCELLED A1
         8s    alice     leave                            t1 EXPIRED left
         1h    operator  reprices late,show VIP 90        refused PERFORMANCE_BEGUN
         3601s operator  reprices show VIP 90             refused PERFORMANCE_BEGUN
         3602s operator  reprices late VIP 90             done; late: VIP 80 to 90",
    );
}

#[test]
fn who_saw_other_prices_is_told_them_and_whose_they_are() {
    check(
        "0s  operator  reprices VIP 120                     done; show: VIP 100 to 120
         1s  operator  reprices VIP 130 where VIP 100       refused CHANGED_MEANWHILE by an operator at 0s: VIP 120
         2s  operator  reprices Floor 60 where VIP 100      refused CHANGED_MEANWHILE by an operator at 0s: VIP 120, Floor 50
         3s  operator  reprices VIP 130 where VIP 120       done; show: VIP 120 to 130
         4s            restart                              nothing
         5s  operator  reprices VIP 140 where VIP 120       refused CHANGED_MEANWHILE by nobody knows whom: VIP 130",
    );
}

#[test]
fn the_same_price_again_changes_nothing_and_what_is_not_there_is_named() {
    check(
        "0s  operator  reprices VIP 100           done
         1s  operator  reprices VIP 120 Floor 50  done; show: VIP 100 to 120
         2s  operator  reprices X 1               refused an unknown category
         3s  operator  reprices VIP 1 where X 1   refused an unknown category
         4s  operator  reprices nowhere VIP 1     refused SCHEDULE_NOT_FOUND",
    );
}

#[test]
fn prices_change_whatever_the_sale_is_doing() {
    check(
        "given scheduled
         0s  operator  reprices VIP 110  done; show: VIP 100 to 110
         1s  operator  pauses            ok
         2s  operator  reprices VIP 120  done; show: VIP 110 to 120
         3s  operator  closes            ok
         4s  operator  reprices VIP 130  done; show: VIP 120 to 130",
    );
}
