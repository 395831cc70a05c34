//! Time that stopped for us stopped for fans: deadlines are kept in sale time, which an outage does not move.

use crate::check;

#[test]
fn an_outage_moves_every_deadline() {
    check(
        "given capacity 1
         given alice has 100
         0s    alice  join         t1 PROGRESS until 600s, idle at 300s
         0s    bob    join         t2 WAITING 1/1
         0s    carol  join         t3 WAITING 2/2
         10s   alice  hold A1      r1 held A1 for 100 until 310s
         20s   bob    disconnects  done
         3650s outage 1h           nothing
         3651s alice  get          t1 PROGRESS until 4200s, idle at 3910s
         3652s alice  hold A1      r1 held A1 for 100 until 3910s
         3653s bob    hello        t2 WAITING 1/2
         3900s alice  pay r1       r1 paid 100, balance 0; alice DONE; bob PROGRESS",
    );
}

#[test]
fn what_is_not_done_by_its_moved_time_expires_then() {
    check(
        "given idle_ttl 10m
         0s    alice  join      t1 PROGRESS until 600s, idle at 600s
         10s   alice  hold A1   r1 held A1 for 100 until 310s
         200s  outage 100s      nothing
         250s  outage 40s       nothing
         450s  tick             r1 EXPIRED A1
         740s  tick             alice EXPIRED time",
    );
}

#[test]
fn the_start_of_a_performance_does_not_move() {
    check(
        "given idle_ttl 1h
         given matinee seats A1
         given matinee starts 200s
         0s    alice  join              t1 PROGRESS until 600s, idle at 3600s
         50s   alice  hold matinee A1   r1 held matinee A1 for 100 until 350s
         120s  outage 60s               nothing
         200s  tick                     r1 EXPIRED matinee A1",
    );
}

#[test]
fn the_opening_and_the_last_moment_to_cancel_do_not_move() {
    check(
        "given opens_at 100s
         given alice has 100
         given show starts 2h
         given cancel_before_start 1h
         0s    alice  join        t1 WAITING 1/1
         90s   outage 60s         nothing
         100s  tick               sale OPEN; alice PROGRESS
         101s  alice  hold A1     r1 held A1 for 100 until 401s
         102s  alice  pay r1      r1 paid 100, balance 0; alice DONE
         3600s alice  cancel r1   refused CANCEL_TOO_LATE",
    );
}

#[test]
fn an_opening_that_came_during_an_outage_opens_at_its_end() {
    check(
        "given opens_at 100s
         0s    alice  join       t1 WAITING 1/1
         200s  outage 150s       nothing
         200s  tick              sale OPEN; alice PROGRESS",
    );
}

#[test]
fn a_restart_keeps_every_place_and_hold_and_starts_presence_anew() {
    check(
        "given capacity 1
         given alice has 100
         given idle_ttl 64s
         given away_ttl 64s
         0s    alice  join         t1 PROGRESS until 600s, idle at 64s
         0s    bob    join         t2 WAITING 1/1
         0s    carol  join         t3 WAITING 2/2
         10s   alice  hold A1      r1 held A1 for 100 until 310s
         40s   bob    disconnects  done
         60s   restart             nothing
         61s   carol  hello        t3 WAITING 2/2
         62s   alice  hello        t1 PROGRESS until 600s, idle at 124s; r1 held A1 for 100 until 310s
         123s  alice  extend       t1 PROGRESS until 600s, idle at 187s
         124100ms  tick            bob EXPIRED away
         125s  carol  get          t3 WAITING 1/1
         126s  alice  pay r1       r1 paid 100, balance 0; alice DONE; carol PROGRESS
         127s  restart             nothing
         128s  alice  pay r1       r1 paid 100, balance 0
         129s  alice  hello        t1 DONE
         130s  alice  join         t4 WAITING 1/1",
    );
}
