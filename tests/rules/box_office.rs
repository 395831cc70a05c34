//! The box office: seats sold or given away to somebody who stands there, and their money back.

use crate::check;

#[test]
fn the_box_office_sells_at_once_and_without_a_place_in_line() {
    check("given capacity 1
           given alice has 1000
           0s  alice     join                        t1 PROGRESS until 600s, idle at 300s
           0s  bob       join                        t2 WAITING 1/1
           1s  operator  sells anna cash A1 A2       r1 RESERVED A1 A2 cash 200
           1s  operator  sells ben card B1           r2 RESERVED B1 card 50
           1s  operator  sells eve gift B2 B3        r3 RESERVED B2 B3 gift 0
           1s  alice     hold A1                     refused SEAT_TAKEN A1
           1s  alice     hold A3                     r4 held A3 for 100 until 301s
           1s  operator  sells dan cash A3 A4        refused SEAT_TAKEN A3
           1s  operator  sells dan cash A1 B2        refused SEAT_TAKEN A1 B2
           1s  operator  sells dan cash A4           r5 RESERVED A4 cash 100
           2s  operator  figures                     OPEN with capacity 1: 1 waiting, 1 admitted, 0 done, 0 expired, 8 seats, 1 free, 1 held, 6 sold");
}

#[test]
fn a_repeated_request_sells_nothing_twice() {
    check(
        "0s  operator  sells anna cash A1 A2       r1 RESERVED A1 A2 cash 200
           1s  operator  sells anna cash A2 A1 A2    r1 RESERVED A1 A2 cash 200, as before
           1s  operator  sells anna card A1 A2       refused REQUEST_ID_REUSED
           1s  operator  sells anna cash A1          refused REQUEST_ID_REUSED
           1s  operator  sells anna cash A1 A2 A3    refused REQUEST_ID_REUSED
           2s  operator  gives r1 B1 for A1          refused a seat that costs less
           2s  operator  gives r1 A3 for A1          r1 RESERVED A2 A3
           3s  operator  sells anna cash A1 A2       r1 RESERVED A2 A3 cash 200, as before
           4s  operator  gives back r1 A2            r1 RESERVED A3, at the desk
           4s  operator  refunds r1                  r1 CANCELLED A3, at the desk
           5s  operator  sells anna cash A1 A2       r1 CANCELLED A3 cash 200, as before
           6s  operator  sells ben cash A1 A2        r2 RESERVED A1 A2 cash 200",
    );
}

#[test]
fn seats_that_the_house_keeps_are_sold_there_too() {
    check("0s  operator  keeps A1 A2 B1              A1 A2 B1
           1s  operator  sells anna cash A1 A3       r1 RESERVED A1 A3 cash 200
           1s  operator  sells ben gift B1           r2 RESERVED B1 gift 0
           2s  operator  figures                     OPEN with capacity 100: 0 waiting, 0 admitted, 0 done, 0 expired, 8 seats, 4 free, 0 held, 3 sold, 1 kept
           3s  operator  refunds r1 r2               r1 CANCELLED A1 A3, at the desk; r2 CANCELLED B1, at the desk
           4s  operator  figures                     OPEN with capacity 100: 0 waiting, 0 admitted, 0 done, 0 expired, 8 seats, 7 free, 0 held, 0 sold, 1 kept");
}

#[test]
fn it_sells_while_the_sale_is_open_or_closed_and_gives_away_at_any_time() {
    check(
        "0s  operator  schedules                   ok
           0s  operator  sells anna cash A1          refused SALE_NOT_OPEN
           0s  operator  sells anna gift A1          r1 RESERVED A1 gift 0
           1s  operator  pauses                      ok
           1s  operator  sells ben card A2           refused SALE_PAUSED
           1s  operator  sells ben gift A2           r2 RESERVED A2 gift 0
           2s  operator  closes                      ok
           2s  operator  sells dan cash A3           r3 RESERVED A3 cash 100
           2s  operator  sells eve wallet A4         refused NOT_IN_QUEUE",
    );
}

#[test]
fn it_sells_nothing_of_what_has_begun_or_is_called_off() {
    check(
        "given matinee starts 1h
           given matinee seats A1 A2
           0s     operator  sells anna cash matinee A1    r1 RESERVED matinee A1 cash 100
           3599s  operator  sells ben gift matinee A2     r2 RESERVED matinee A2 gift 0
           3600s  operator  sells dan cash matinee A2     refused PERFORMANCE_BEGUN
           3600s  operator  sells dan gift matinee A2     refused PERFORMANCE_BEGUN
           3601s  operator  calls off show                done; called off
           3602s  operator  sells dan cash A1             refused PERFORMANCE_CALLED_OFF
           3602s  operator  sells dan cash nowhere        refused SCHEDULE_NOT_FOUND",
    );
}

#[test]
fn it_costs_what_the_operator_saw_or_nothing_is_sold() {
    check("0s  operator  sells anna cash A1 B1 seen 150   r1 RESERVED A1 B1 cash 150
           1s  operator  reprices VIP 120                 done; show: VIP 100 to 120
           2s  operator  sells ben cash A2 B2 seen 150    refused CHANGED_MEANWHILE by nobody knows whom: VIP 120, Floor 50
           2s  operator  sells ben cash A2 B2 seen 170    r2 RESERVED A2 B2 cash 170
           3s  operator  sells eve gift A3 seen 0         r3 RESERVED A3 gift 0
           4s  operator  gives back r1 A1                 r1 RESERVED B1, at the desk
           5s  operator  refunds r2                       r2 CANCELLED A2 B2, at the desk");
}

#[test]
fn what_was_paid_at_the_desk_comes_back_there_when_the_performance_is_called_off() {
    check("given alice has 100
           0s  alice     join                 t1 PROGRESS until 600s, idle at 300s
           0s  alice     hold A1              r1 held A1 for 100 until 300s
           0s  alice     pay r1               r1 paid 100, balance 0; alice DONE
           1s  operator  sells anna cash A2   r2 RESERVED A2 cash 100
           1s  operator  sells ben card A3    r3 RESERVED A3 card 100
           1s  operator  sells eve gift A4    r4 RESERVED A4 gift 0
           2s  operator  calls off show       done; called off
           3s  house     refunds r1 r2 r3 r4  r1 CANCELLED A1, balance 100; r4 CANCELLED A4, at the desk; not r2 RESERVATION_INVALID RESERVED; not r3 RESERVATION_INVALID RESERVED; A1 kept; A4 kept
           4s  operator  refunds r2           r2 CANCELLED A2, at the desk; A2 kept
           4s  operator  refunds r2           not r2 ALREADY_REFUNDED at 4s
           5s  operator  closes               ok
           6s  operator  archives             refused NOT_OVER Refunds(ScheduleId(1))
           7s  operator  refunds r3           r3 CANCELLED A3, at the desk; A3 kept
           8s  operator  archives             done; archived");
}

#[test]
fn nobody_cancels_what_was_sold_at_the_desk() {
    check(
        "0s  operator  sells anna cash A1   r1 RESERVED A1 cash 100
           1s  anna      cancel r1            refused RESERVATION_INVALID RESERVED",
    );
}

#[test]
fn it_may_fill_the_house_and_whoever_waits_is_let_in_by_what_comes_back() {
    check(
        "given show seats A1 A2
           given capacity 2
           0s  operator  sells anna cash A1   r1 RESERVED A1 cash 100
           1s  alice     join                 t1 PROGRESS until 601s, idle at 301s
           1s  bob       join                 t2 WAITING 1/1
           2s  operator  sells ben cash A2    r2 RESERVED A2 cash 100
           3s  alice     leave                t1 EXPIRED left, sold out
           4s  operator  gives back r1 A1     r1 CANCELLED A1, at the desk; bob PROGRESS",
    );
}
