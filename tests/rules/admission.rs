//! At most `capacity` fans are admitted; a place that frees goes at once to the oldest waiting one.

use std::fmt::Write;

use crate::check;

#[test]
fn the_oldest_is_admitted_by_the_same_event_that_frees_the_place() {
    check(
        "given capacity 2
         given alice has 100
         0s    alice  join      t1 PROGRESS until 600s, idle at 300s
         0s    bob    join      t2 PROGRESS until 600s, idle at 300s
         0s    carol  join      t3 WAITING 1/1
         0s    dave   join      t4 WAITING 2/2
         0s    erin   join      t5 WAITING 3/3
         0s    frank  join      t6 WAITING 4/4
         10s   alice  hold A1   r1 held A1 for 100 until 310s
         20s   alice  pay r1    r1 paid 100, balance 0; alice DONE; carol PROGRESS
         30s   carol  leave     t3 EXPIRED left; dave PROGRESS
         300s  tick             bob EXPIRED idle; erin PROGRESS
         301s  erin   extend    t5 PROGRESS until 900s, idle at 601s
         330s  tick             dave EXPIRED idle; frank PROGRESS",
    );
}

#[test]
fn a_join_below_the_capacity_is_admitted_in_its_answer() {
    check(
        "given capacity 1
         0s   alice  join     t1 PROGRESS until 600s, idle at 300s
         1s   alice  leave    t1 EXPIRED left
         2s   bob    join     t2 PROGRESS until 602s, idle at 302s
         2s   carol  join     t3 WAITING 1/1",
    );
}

#[test]
fn raising_the_capacity_admits_and_lowering_it_evicts_nobody() {
    check(
        "given capacity 1
         0s   alice     join              t1 PROGRESS until 600s, idle at 300s
         0s   bob       join              t2 WAITING 1/1
         0s   carol     join              t3 WAITING 2/2
         0s   dave      join              t4 WAITING 3/3
         1s   operator  sets capacity 3   ok; bob PROGRESS; carol PROGRESS
         2s   operator  sets capacity 1   ok
         3s   bob       get               t2 PROGRESS until 601s, idle at 301s
         4s   alice     leave             t1 EXPIRED left
         5s   bob       leave             t2 EXPIRED left
         6s   dave      get               t4 WAITING 1/1
         7s   carol     leave             t3 EXPIRED left; dave PROGRESS",
    );
}

#[test]
fn with_capacity_zero_nobody_is_admitted() {
    check(
        "given capacity 0
         0s   alice     join              t1 WAITING 1/1
         1s   operator  sets capacity 1   ok; alice PROGRESS",
    );
}

#[test]
fn an_absent_fan_in_front_is_admitted_and_the_idle_clock_starts_then() {
    check(
        "given capacity 1
         0s    alice  join         t1 PROGRESS until 600s, idle at 300s
         0s    bob    join         t2 WAITING 1/1
         0s    carol  join         t3 WAITING 2/2
         1s    bob    disconnects  done
         290s  alice  leave        t1 EXPIRED left; bob PROGRESS
         400s  bob    hello        t2 PROGRESS until 890s, idle at 590s
         590s  tick                bob EXPIRED idle; carol PROGRESS",
    );
}

#[test]
fn a_fan_in_front_who_was_away_too_long_is_passed_over() {
    check(
        "given capacity 1
         given idle_ttl 1h
         given admission_ttl 1h
         0s    alice  join         t1 PROGRESS until 3600s, idle at 3600s
         0s    bob    join         t2 WAITING 1/1
         0s    carol  join         t3 WAITING 2/2
         1s    bob    disconnects  done
         301s  tick                bob EXPIRED away
         301s  alice  leave        t1 EXPIRED left; carol PROGRESS",
    );
}

#[test]
fn a_wave_larger_than_one_command_admits_goes_on_by_itself() {
    let seats = (1..=120).map(|number| format!("A{number}")).collect::<Vec<_>>().join(" ");
    let mut table = format!("given capacity 100\ngiven show seats {seats}\ngiven scheduled\n");
    for fan in 1..=150 {
        writeln!(table, "0s  fan{fan}  join  t{fan} WAITING {fan}/{fan}").unwrap();
    }
    let admitted = |fans: std::ops::RangeInclusive<u32>| {
        fans.map(|fan| format!("fan{fan} PROGRESS")).collect::<Vec<_>>()
    };
    writeln!(table, "10s  operator  opens  ok; {}", admitted(1..=64).join("; ")).unwrap();
    writeln!(table, "10s  tick  {}", admitted(65..=100).join("; ")).unwrap();
    check(&table);
}
