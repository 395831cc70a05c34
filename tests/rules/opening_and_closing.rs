//! A sale is scheduled, open, paused or closed. Paying always works.

use std::fmt::Write;

use crate::check;

#[test]
fn before_it_opens_one_may_join_and_nobody_is_admitted() {
    check(
        "given opens_at 60s
         given capacity 1
         0s    alice  join      t1 WAITING 1/1
         1s    bob    join      t2 WAITING 2/2
         2s    alice  hold A1   refused SALE_NOT_OPEN before 60s
         3s    alice  best 1    refused SALE_NOT_OPEN before 60s
         60s   tick             sale OPEN; alice PROGRESS
         60s   alice  hold A1   r1 held A1 for 100 until 360s
         61s   bob    get       t2 WAITING 1/1",
    );
}

#[test]
fn a_sale_without_a_time_opens_when_its_operator_says_so() {
    check(
        "given scheduled
         0s     alice     join     t1 WAITING 1/1
         1s     alice     hold A1  refused SALE_NOT_OPEN
         9999s  operator  opens    ok; alice PROGRESS",
    );
}

#[test]
fn an_opening_may_be_moved() {
    check(
        "given opens_at 60s
         0s    alice     join                 t1 WAITING 1/1
         10s   operator  sets opens_at 100s   ok
         99s   alice     get                  t1 WAITING 1/1
         100s  tick                           sale OPEN; alice PROGRESS
         101s  operator  sets opens_at 200s   ok
         200s  bob       join                 t2 PROGRESS until 800s, idle at 500s",
    );
}

#[test]
fn a_paused_sale_takes_no_joins_admits_nobody_and_holds_nothing_new() {
    check(
        "given capacity 1
         0s   alice     join        t1 PROGRESS until 600s, idle at 300s
         0s   bob       join        t2 WAITING 1/1
         1s   alice     hold A1     r1 held A1 for 100 until 301s
         2s   operator  pauses      ok
         3s   carol     join        refused SALE_PAUSED
         4s   bob       join        t2 WAITING 1/1
         5s   alice     hold A2     refused SALE_PAUSED
         6s   alice     hold A1 A2  refused SALE_PAUSED
         7s   alice     best 1      refused SALE_PAUSED
         8s   alice     hold A1     r1 held A1 for 100 until 301s
         9s   alice     leave       t1 EXPIRED left; r1 CANCELLED A1
         10s  bob       get         t2 WAITING 1/1
         11s  operator  opens       ok; bob PROGRESS
         12s  carol     join        t3 WAITING 1/1",
    );
}

#[test]
fn paying_charging_releasing_and_cancelling_work_while_paused() {
    check(
        "given alice has 50
         0s   alice     join              t1 PROGRESS until 600s, idle at 300s
         1s   alice     hold A1 B1        r1 held A1 B1 for 150 until 301s
         2s   operator  pauses            ok
         3s   alice     release r1 B1     r1 held A1 for 100 until 301s
         4s   alice     charge 50 as c1   balance 100
         5s   alice     pay r1            r1 paid 100, balance 0; alice DONE
         6s   alice     cancel r1         r1 CANCELLED A1, balance 100",
    );
}

#[test]
fn deadlines_run_on_while_paused() {
    check(
        "given capacity 1
         0s    alice     join          t1 PROGRESS until 600s, idle at 300s
         0s    bob       join          t2 WAITING 1/1
         1s    alice     hold A1       r1 held A1 for 100 until 301s
         2s    operator  pauses        ok
         3s    bob       disconnects   done
         301s  tick                    r1 EXPIRED A1; alice EXPIRED idle
         303s  tick                    bob EXPIRED away",
    );
}

#[test]
fn closing_dissolves_the_line_and_lets_the_admitted_pay() {
    check(
        "given capacity 1
         given alice has 100
         0s   alice     join      t1 PROGRESS until 600s, idle at 300s
         0s   bob       join      t2 WAITING 1/1
         0s   carol     join      t3 WAITING 2/2
         1s   alice     hold A1   r1 held A1 for 100 until 301s
         2s   operator  closes    ok
         2s   tick                bob EXPIRED closed; carol EXPIRED closed
         3s   bob       join      refused SALE_CLOSED
         4s   alice     hold A2   refused SALE_CLOSED
         5s   alice     best 1    refused SALE_CLOSED
         6s   bob       get       t2 EXPIRED closed
         7s   alice     pay r1    r1 paid 100, balance 0; alice DONE
         8s   operator  opens     ok
         9s   bob       join      t4 PROGRESS until 609s, idle at 309s",
    );
}

#[test]
fn an_admission_outlives_the_closing() {
    check(
        "0s    alice     join      t1 PROGRESS until 600s, idle at 300s
         1s    operator  closes    ok
         2s    alice     join      t1 PROGRESS until 600s, idle at 302s
         302s  tick                alice EXPIRED idle",
    );
}

#[test]
fn a_closed_sale_has_no_line_even_before_it_is_dissolved() {
    check(
        "given capacity 1
         given idle_ttl 1h
         0s   alice     join              t1 PROGRESS until 600s, idle at 3600s
         0s   bob       join              t2 WAITING 1/1
         0s   carol     join              t3 WAITING 2/2
         0s   dave      join              t4 WAITING 3/3
         1s   operator  closes            ok
         1s   bob       get, unswept      t2 EXPIRED closed
         1s   carol     hold A1, unswept  refused SALE_CLOSED; carol EXPIRED closed
         1s   dave      join, unswept     refused SALE_CLOSED; dave EXPIRED closed",
    );
}

#[test]
fn who_opens_it_again_at_once_finds_the_line_dissolved_too() {
    check(
        "given capacity 1
         given idle_ttl 1h
         0s   alice     join            t1 PROGRESS until 600s, idle at 3600s
         0s   bob       join            t2 WAITING 1/1
         0s   carol     join            t3 WAITING 2/2
         1s   operator  closes          ok
         1s   operator  opens, unswept  ok; bob EXPIRED closed; carol EXPIRED closed
         2s   bob       join            t4 WAITING 1/1",
    );
}

#[test]
fn a_long_line_is_dissolved_before_its_sale_opens_again() {
    let mut table = "given capacity 0\n".to_owned();
    let fans = 1..=1_025;
    for fan in fans.clone() {
        writeln!(table, "0s  fan{fan}  join  t{fan} WAITING {fan}/{fan}").unwrap();
    }
    let gone: Vec<_> = fans.map(|fan| format!("fan{fan} EXPIRED closed")).collect();
    writeln!(table, "1s  operator  closes          ok").unwrap();
    writeln!(table, "1s  operator  opens, unswept  refused SALE_CLOSED").unwrap();
    writeln!(table, "1s  tick                      {}", gone.join("; ")).unwrap();
    writeln!(table, "1s  operator  opens           ok").unwrap();
    check(&table);
}
