//! An operator changes the rules of a sale while it runs.

use crate::check;

#[test]
fn a_new_hold_time_is_for_new_holds() {
    check(
        "given matinee seats A1
         given idle_ttl 1h
         0s    alice     join               t1 PROGRESS until 600s, idle at 3600s
         1s    alice     hold A1            r1 held A1 for 100 until 301s
         2s    operator  sets hold_ttl 10s  ok
         3s    alice     hold A2            r1 held A1 A2 for 200 until 301s
         4s    alice     hold matinee A1    r2 held matinee A1 for 100 until 14s
         14s   tick                         r2 EXPIRED matinee A1
         301s  tick                         r1 EXPIRED A1 A2",
    );
}

#[test]
fn a_new_admission_time_is_for_new_admissions() {
    check(
        "given idle_ttl 1h
         0s    alice     join                     t1 PROGRESS until 600s, idle at 3600s
         1s    operator  sets admission_ttl 60s   ok
         2s    bob       join                     t2 PROGRESS until 62s, idle at 3602s
         62s   tick                               bob EXPIRED time
         600s  tick                               alice EXPIRED time",
    );
}

#[test]
fn a_new_idle_time_is_for_all_at_once() {
    check(
        "0s    alice     join               t1 PROGRESS until 600s, idle at 300s
         0s    bob       join               t2 PROGRESS until 600s, idle at 300s
         50s   bob       extend             t2 PROGRESS until 600s, idle at 350s
         100s  operator  sets idle_ttl 80s  ok
         100s  tick                         alice EXPIRED idle
         130s  tick                         bob EXPIRED idle",
    );
    check(
        "0s    alice     join                t1 PROGRESS until 600s, idle at 300s
         100s  operator  sets idle_ttl 400s  ok
         400s  tick                          alice EXPIRED idle",
    );
}

#[test]
fn a_new_away_time_is_for_all_at_once() {
    check(
        "given capacity 0
         0s    alice     join               t1 WAITING 1/1
         0s    bob       join               t2 WAITING 2/2
         10s   alice     disconnects        done
         60s   bob       disconnects        done
         100s  operator  sets away_ttl 60s  ok
         100s  tick                         alice EXPIRED away
         120s  tick                         bob EXPIRED away",
    );
}

#[test]
fn a_lower_limit_of_seats_takes_none_away() {
    check(
        "0s   alice     join                               t1 PROGRESS until 600s, idle at 300s
         1s   alice     hold A1 A2 A3                      r1 held A1 A2 A3 for 300 until 301s
         2s   operator  sets seats_per_reservation_max 2   ok
         3s   alice     hold A4                            refused HOLD_LIMIT 2
         4s   alice     hold A1 A2 A3                      r1 held A1 A2 A3 for 300 until 301s
         5s   alice     release r1 A1 A2                   r1 held A3 for 100 until 301s
         6s   alice     hold A4                            r1 held A3 A4 for 200 until 301s
         7s   operator  sets seats_per_reservation_max 5   ok
         8s   alice     hold B1 B2 B3                      r1 held A3 A4 B1 B2 B3 for 350 until 301s",
    );
}

#[test]
fn a_rule_goes_back_to_the_default_of_the_run() {
    check(
        "given capacity 2
         0s   operator  sets capacity 1      ok
         0s   alice     join                 t1 PROGRESS until 600s, idle at 300s
         0s   bob       join                 t2 WAITING 1/1
         1s   operator  puts capacity back   ok; bob PROGRESS",
    );
}

#[test]
fn a_message_changes_nothing_else() {
    check(
        "given capacity 1
         0s   alice     join                t1 PROGRESS until 600s, idle at 300s
         0s   bob       join                t2 WAITING 1/1
         1s   operator  sets message hello  ok
         2s   bob       get                 t2 WAITING 1/1",
    );
}

#[test]
fn the_figures_add_up() {
    check(
        "given alice has 100
         given capacity 2
         0s   alice     join      t1 PROGRESS until 600s, idle at 300s
         0s   bob       join      t2 PROGRESS until 600s, idle at 300s
         0s   carol     join      t3 WAITING 1/1
         0s   dave      join      t4 WAITING 2/2
         1s   alice     hold A1   r1 held A1 for 100 until 301s
         1s   bob       hold A2   r2 held A2 for 100 until 301s
         2s   alice     pay r1    r1 paid 100, balance 0; alice DONE; carol PROGRESS
         3s   operator  figures   OPEN with capacity 2: 1 waiting, 2 admitted, 1 done, 0 expired, 8 seats, 6 free, 1 held, 1 sold
         4s   bob       leave     t2 EXPIRED left; r2 CANCELLED A2; dave PROGRESS
         5s   operator  figures   OPEN with capacity 2: 0 waiting, 2 admitted, 1 done, 1 expired, 8 seats, 7 free, 0 held, 1 sold",
    );
}

#[test]
fn who_saw_something_else_is_told_what_it_is_and_changes_nothing() {
    check(
        "0s  operator  sets capacity 5 where default   ok
         1s  operator  sets capacity 7 where default   refused CHANGED_MEANWHILE by an operator at 0s: OPEN, capacity 5
         2s  operator  sets capacity 7 where 6         refused CHANGED_MEANWHILE by an operator at 0s: OPEN, capacity 5
         3s  operator  sets capacity 7 where 5         ok
         4s  operator  sets capacity 8                 ok
         5s  operator  pauses where opens              ok
         6s  operator  closes where opens              refused CHANGED_MEANWHILE by an operator at 5s: PAUSED, capacity 8
         7s  operator  sets hold_ttl 9s where default  ok",
    );
}

#[test]
fn who_set_it_is_not_known_after_a_restart_and_an_opening_is_nobodys() {
    check(
        "given opens_at 5s
         0s            restart                         nothing
         1s  operator  opens where pauses              refused CHANGED_MEANWHILE by nobody knows whom: SCHEDULED, capacity default
         5s            tick                            sale OPEN
         6s  operator  closes where schedules          refused CHANGED_MEANWHILE by its opening at 5s: OPEN, capacity default
         7s  operator  closes where opens              ok",
    );
}
