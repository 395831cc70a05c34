//! The money of an order that an operator gives back: each order once, whoever asks, and never to another's wallet.

use crate::check;

const BOUGHT: &str = "given alice has 300
    given show starts 3h
    given cancel_before_start 1h
    0s  alice  join        t1 PROGRESS until 600s, idle at 300s
    1s  alice  hold A1 A2  r1 held A1 A2 for 200 until 301s
    2s  alice  pay r1      r1 paid 200, balance 100; alice DONE
";

#[test]
fn an_order_comes_back_and_its_seats_are_free() {
    check(&format!(
        "{BOUGHT}
         3s  operator  refunds r1  r1 CANCELLED A1 A2, balance 300
         4s  bob       join        t2 PROGRESS until 604s, idle at 304s
         5s  bob       hold A1     r2 held A1 for 100 until 305s
         6s  alice     cancel r1   r1 CANCELLED A1 A2, balance 300"
    ));
}

#[test]
fn of_two_operators_the_second_is_told_when_it_was_done() {
    check(&format!(
        "{BOUGHT}
         3s     operator  refunds r1  r1 CANCELLED A1 A2, balance 300
         4s     operator  refunds r1  not r1 ALREADY_REFUNDED at 3s
         9999s  operator  refunds r1  not r1 ALREADY_REFUNDED at 3s"
    ));
    // The same order twice in one command, and one that its owner gave back before.
    check(&format!(
        "{BOUGHT}
         3s  operator  refunds r1 r1  r1 CANCELLED A1 A2, balance 300; not r1 ALREADY_REFUNDED at 3s"
    ));
    check(&format!(
        "{BOUGHT}
         3s  alice     cancel r1   r1 CANCELLED A1 A2, balance 300
         4s  operator  refunds r1  not r1 ALREADY_REFUNDED at 3s"
    ));
}

#[test]
fn it_is_too_late_for_no_operator() {
    check(&format!(
        "{BOUGHT}
         10799s  alice     cancel r1   refused CANCEL_TOO_LATE
         10800s  operator  refunds r1  r1 CANCELLED A1 A2, balance 300"
    ));
}

#[test]
fn single_seats_come_back_until_none_is_left() {
    check(&format!(
        "{BOUGHT}
         3s  operator  gives back r1 A2      r1 RESERVED A1, balance 200
         4s  bob       join                  t2 PROGRESS until 604s, idle at 304s
         5s  bob       hold A1               refused SEAT_TAKEN A1
         6s  bob       hold A2               r2 held A2 for 100 until 306s
         7s  operator  gives back r1 A2      refused ALREADY_REFUNDED A2 at 3s
         8s  operator  gives back r1 A1 A2   refused ALREADY_REFUNDED A2 at 3s
         9s  operator  gives back r1 A1 A1   r1 CANCELLED A1, balance 300
         9s  operator  gives back r1 A1      refused ALREADY_REFUNDED A1 at 9s
         9s  operator  refunds r1            not r1 ALREADY_REFUNDED at 9s"
    ));
}

#[test]
fn the_rest_of_an_order_comes_back_as_a_whole() {
    for (who, does) in [("alice", "cancel r1"), ("operator", "refunds r1")] {
        check(&format!(
            "{BOUGHT}
             3s     operator  gives back r1 A1      r1 RESERVED A2, balance 200
             4s     {who}  {does}                   r1 CANCELLED A2, balance 300
             9999s  operator  gives back r1 A1      refused ALREADY_REFUNDED A1 at 3s
             9999s  operator  gives back r1 A2      refused ALREADY_REFUNDED A2 at 4s"
        ));
    }
}

#[test]
fn only_seats_of_the_order_come_back_all_of_them_or_none() {
    check(&format!(
        "{BOUGHT}
         3s  operator  gives back r1 A3         refused SEAT_NOT_FOUND A3
         4s  operator  gives back r1 A1 A3      refused SEAT_NOT_FOUND A3
         5s  operator  gives back r1            refused SEAT_NOT_FOUND
         6s  operator  gives back r1/bob A1     refused RESERVATION_NOT_FOUND
         7s  operator  gives back r9 A1         refused RESERVATION_NOT_FOUND
         8s  bob       join                     t2 PROGRESS until 608s, idle at 308s
         9s  bob       hold A3                  r2 held A3 for 100 until 309s
         9s  operator  gives back r2 A3         refused RESERVATION_INVALID held
         9s  operator  refunds r1               r1 CANCELLED A1 A2, balance 300"
    ));
}

/// Each seat comes back for what it cost in the order, whatever it costs by now.
#[test]
fn a_seat_comes_back_for_what_it_cost() {
    check(
        "given alice has 1000
         given show starts 3h
         0s  alice     join                 t1 PROGRESS until 600s, idle at 300s
         1s  alice     hold A1              r1 held A1 for 100 until 301s
         2s  operator  reprices VIP 250  done; show: VIP 100 to 250
         3s  alice     hold A2              r1 held A1 A2 for 350 until 301s
         4s  alice     pay r1               r1 paid 350, balance 650; alice DONE
         5s  operator  reprices VIP 400  done; show: VIP 250 to 400
         6s  operator  gives back r1 A1     r1 RESERVED A2, balance 750
         7s  operator  gives back r1 A2     r1 CANCELLED A2, balance 1000",
    );
}

#[test]
fn what_is_called_off_is_kept_by_the_house_seat_by_seat() {
    check(&format!(
        "{BOUGHT}
         3s  operator  calls off show      done; called off
         4s  operator  gives back r1 A2    r1 RESERVED A1, balance 200; A2 kept
         5s  house     refunds r1          r1 CANCELLED A1, balance 300; A1 kept"
    ));
}

#[test]
fn whoever_waits_for_a_full_house_is_let_in_when_seats_come_back() {
    for (who, does, answer) in [
        ("operator", "gives back r1 A2", "r1 RESERVED A1, balance 200"),
        ("operator", "refunds r1", "r1 CANCELLED A1 A2, balance 300"),
        ("alice", "cancel r1", "r1 CANCELLED A1 A2, balance 300"),
    ] {
        check(&format!(
            "given show seats A1 A2
             {BOUGHT}
             3s  bob       join                t2 WAITING 1/1, sold out
             4s  {who}     {does}              {answer}; bob PROGRESS
             5s  bob       get                 t2 PROGRESS until 604s, idle at 304s
             6s  bob       hold A2             r2 held A2 for 100 until 306s"
        ));
    }
}

#[test]
fn only_what_is_paid_and_by_whom() {
    check(&format!(
        "{BOUGHT}
         3s  bob       join                t2 PROGRESS until 603s, idle at 303s
         4s  bob       hold A3             r2 held A3 for 100 until 304s
         5s  operator  refunds r2          not r2 RESERVATION_INVALID held
         6s  operator  refunds r1/bob      not r1 RESERVATION_NOT_FOUND
         7s  bob       release r2          r2 CANCELLED A3
         8s  operator  refunds r2 r9 r1    r1 CANCELLED A1 A2, balance 300; not r2 RESERVATION_INVALID CANCELLED; not r? RESERVATION_NOT_FOUND"
    ));
}

#[test]
fn a_full_wallet_leaves_the_order_and_does_not_stop_the_others() {
    check(
        "given alice has 300
         given bob has 300
         given show starts 3h
         0s  alice     join                           t1 PROGRESS until 600s, idle at 300s
         0s  bob       join                           t2 PROGRESS until 600s, idle at 300s
         1s  alice     hold A1                        r1 held A1 for 100 until 301s
         2s  bob       hold A2                        r2 held A2 for 100 until 302s
         3s  alice     pay r1                         r1 paid 100, balance 200; alice DONE
         4s  bob       pay r2                         r2 paid 100, balance 200; bob DONE
         5s  alice     charge 9007199254740791 as c1  balance 9007199254740991
         6s  operator  refunds r1 r2                  r2 CANCELLED A2, balance 300; not r1 WALLET_FULL 9007199254740991 and 100",
    );
}
