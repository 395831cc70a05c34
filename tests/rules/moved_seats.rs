//! A sold seat that becomes another one: for what was paid, never a cheaper one, and never one that somebody has.

use crate::check;

const BOUGHT: &str = "given alice has 300
    given show starts 3h
    given cancel_before_start 1h
    0s  alice  join        t1 PROGRESS until 600s, idle at 300s
    1s  alice  hold A1 B1  r1 held A1 B1 for 150 until 301s
    2s  alice  pay r1      r1 paid 150, balance 150; alice DONE
";

#[test]
fn whoever_bought_a_seat_gets_another_one_and_pays_nothing() {
    check(&format!(
        "{BOUGHT}
         3s  bob       join                 t2 PROGRESS until 603s, idle at 303s
         4s  operator  gives r1 A2 for A1   r1 RESERVED A2 B1
         5s  bob       hold A2              refused SEAT_TAKEN A2
         6s  bob       hold A1              r2 held A1 for 100 until 306s
         7s  operator  gives r1 A3 for B1   r1 RESERVED A2 A3
         8s  operator  gives back r1 A3     r1 RESERVED A2, balance 200
         9s  alice     cancel r1            r1 CANCELLED A2, balance 300"
    ));
}

#[test]
fn nobody_gets_a_cheaper_seat_or_one_that_somebody_has() {
    check(&format!(
        "{BOUGHT}
         3s  bob       join                 t2 PROGRESS until 603s, idle at 303s
         4s  bob       hold A2              r2 held A2 for 100 until 304s
         5s  operator  gives r1 B2 for A1   refused a seat that costs less
         6s  operator  gives r1 A2 for B1   refused SEAT_TAKEN A2
         7s  operator  gives r1 A1 for B1   refused SEAT_TAKEN A1
         8s  operator  gives r1 B1 for B1   refused SEAT_TAKEN B1
         9s  operator  gives r1 B3 for B2   refused SEAT_NOT_FOUND B2
         10s operator  gives r2 A3 for A2   refused RESERVATION_INVALID held
         11s operator  gives r9 A3 for A2   refused RESERVATION_NOT_FOUND
         12s operator  gives r1 B2 for B1   r1 RESERVED A1 B2"
    ));
}

/// What costs less by now may be the dearer one by what was imported: what counts is what free seats cost.
#[test]
fn what_seats_cost_now_counts() {
    check(&format!(
        "{BOUGHT}
         3s  operator  reprices VIP 40      done; show: VIP 100 to 40
         4s  operator  gives r1 A2 for B1   refused a seat that costs less
         5s  operator  gives r1 B2 for A1   r1 RESERVED B1 B2
         6s  operator  reprices VIP 100     done; show: VIP 40 to 100
         7s  operator  gives back r1 B2     r1 RESERVED B1, balance 250
         8s  alice     cancel r1            r1 CANCELLED B1, balance 300"
    ));
}

#[test]
fn a_kept_seat_may_be_given_and_the_former_one_kept() {
    check(&format!(
        "{BOUGHT}
         3s  operator  keeps A2                     A2
         4s  operator  gives r1 A2 for A1 keeping   r1 RESERVED A2 B1
         5s  bob       join                         t2 PROGRESS until 605s, idle at 305s
         6s  bob       hold A1                      refused SEAT_RESTRICTED A1
         7s  bob       hold A2                      refused SEAT_TAKEN A2
         8s  operator  gives back r1 A1             refused SEAT_NOT_FOUND A1
         9s  operator  gives r1 A1 for A2           r1 RESERVED A1 B1
         10s bob       hold A2                      r2 held A2 for 100 until 310s"
    ));
}

#[test]
fn also_after_the_start_but_not_of_what_is_called_off_or_given_back() {
    check(&format!(
        "{BOUGHT}
         10800s  operator  gives r1 A2 for A1   r1 RESERVED A2 B1
         10801s  operator  calls off show       done; called off
         10802s  operator  gives r1 A3 for A2   refused PERFORMANCE_CALLED_OFF"
    ));
    check(&format!(
        "{BOUGHT}
         3s  alice     cancel r1            r1 CANCELLED A1 B1, balance 300
         4s  operator  gives r1 A2 for A1   refused RESERVATION_INVALID CANCELLED"
    ));
}

/// Who waits for a full house is not let in for a seat that only changed.
#[test]
fn a_full_house_stays_full() {
    check(
        "given alice has 300
         given show seats A1 A2
         0s  operator  keeps A2             A2
         0s  alice     join                 t1 PROGRESS until 600s, idle at 300s
         1s  alice     hold A1              r1 held A1 for 100 until 301s
         2s  alice     pay r1               r1 paid 100, balance 200; alice DONE
         3s  bob       join                 t2 WAITING 1/1, sold out
         4s  operator  gives r1 A2 for A1 keeping   r1 RESERVED A2
         5s  operator  gives r1 A1 for A2   r1 RESERVED A1; bob PROGRESS",
    );
}
