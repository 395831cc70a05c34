//! A waiting fan who has had no connection and has not polled for `away_ttl` loses the place; a shorter absence
//! costs nothing.

use crate::check;

const LINE: &str = "given capacity 1
    given idle_ttl 1h
    given admission_ttl 1h
    0s  zoe  join  t1 PROGRESS until 3600s, idle at 3600s
";

fn check_line(rows: &str) {
    check(&format!("{LINE}{rows}"));
}

#[test]
fn a_lost_connection_within_the_time_costs_nothing() {
    check_line(
        "0s    bob    join          t2 WAITING 1/1
         0s    carol  join          t3 WAITING 2/2
         10s   bob    disconnects   done
         309s  bob    hello         t2 WAITING 1/2
         900s  bob    get           t2 WAITING 1/2",
    );
}

#[test]
fn after_the_time_the_place_is_lost() {
    check_line(
        "0s    bob    join          t2 WAITING 1/1
         0s    carol  join          t3 WAITING 2/2
         10s   bob    disconnects   done
         310s  tick                 bob EXPIRED away
         310s  bob    hello         t2 EXPIRED away
         310s  bob    hold A1       refused TOKEN_EXPIRED away
         310s  carol  get           t3 WAITING 1/1
         311s  bob    join          t4 WAITING 2/2",
    );
}

#[test]
fn presence_is_a_set_of_connections() {
    check_line(
        "0s    bob        join          t2 WAITING 1/1
         5s    bob@phone  hello         t2 WAITING 1/1
         6s    bob@tv     join          t2 WAITING 1/1
         10s   bob        disconnects   done
         400s  bob@phone  disconnects   done
         900s  bob@tv     disconnects   done
         1199s bob        get           t2 WAITING 1/1
         1200s tick                     bob EXPIRED away",
    );
}

#[test]
fn asking_without_a_connection_counts_only_when_it_is_polling() {
    check_line(
        "0s    bob@http   join      t2 WAITING 1/1
         200s  bob@http   get       t2 WAITING 1/1
         499s  bob@http   get       t2 WAITING 1/1
         500s  bob        get       t2 WAITING 1/1
         799s  tick                 bob EXPIRED away",
    );
}

#[test]
fn polling_beside_a_connection_does_not_shorten_it() {
    check_line(
        "0s    bob        join          t2 WAITING 1/1
         200s  bob@http   get           t2 WAITING 1/1
         900s  bob        disconnects   done
         1000s bob@http   get           t2 WAITING 1/1
         1300s tick                     bob EXPIRED away",
    );
}

#[test]
fn a_device_that_stayed_connected_is_presence_for_the_next_token_too() {
    check_line(
        "0s    bob        join          t2 WAITING 1/1
         1s    bob@phone  hello         t2 WAITING 1/1
         2s    bob        leave         t2 EXPIRED left
         3s    bob        join          t3 WAITING 1/1
         4s    bob        disconnects   done
         900s  bob@phone  get           t3 WAITING 1/1
         901s  bob@phone  disconnects   done
         1201s tick                     bob EXPIRED away",
    );
    check_line(
        "0s    bob        join          t2 WAITING 1/1
         2s    bob        leave         t2 EXPIRED left
         3s    bob@phone  hello         t2 EXPIRED left
         4s    bob        join          t3 WAITING 1/1
         5s    bob        disconnects   done
         900s  bob@phone  disconnects   done
         1200s tick                     bob EXPIRED away",
    );
}

#[test]
fn a_connection_that_the_sale_never_saw_changes_nothing() {
    check_line(
        "0s    bob        join          t2 WAITING 1/1
         1s    bob@phone  hello         t2 WAITING 1/1
         2s    bob@phone  disconnects   done
         3s    bob@phone  hello         t2 WAITING 1/1
         4s    bob        disconnects   done
         900s  bob@phone  get           t2 WAITING 1/1",
    );
}

#[test]
fn an_admitted_fan_is_never_away() {
    check(
        "given idle_ttl 1h
         given admission_ttl 1h
         0s     alice  join          t1 PROGRESS until 3600s, idle at 3600s
         1s     alice  disconnects   done
         3599s  alice  hello         t1 PROGRESS until 3600s, idle at 3600s",
    );
}

#[test]
fn before_the_opening_one_may_be_away_no_longer_than_later() {
    check(
        "given opens_at 1h
         0s    alice  join          t1 WAITING 1/1
         1s    alice  disconnects   done
         301s  tick                 alice EXPIRED away",
    );
}

#[test]
fn a_command_of_who_is_away_too_long_finds_the_place_lost_before_anybody_looked() {
    for command in [
        "hello       t2 EXPIRED away",
        "get         t2 EXPIRED away",
        "leave       t2 EXPIRED away",
        "extend      refused TOKEN_EXPIRED away; bob EXPIRED away",
        "hold A1     refused TOKEN_EXPIRED away; bob EXPIRED away",
        "best 1      refused TOKEN_EXPIRED away; bob EXPIRED away",
        "pay r1      refused TOKEN_EXPIRED away; bob EXPIRED away",
        "join        t4 WAITING 2/2; bob EXPIRED away",
    ] {
        let (what, happens) = command.split_once("  ").unwrap();
        check_line(&format!(
            "0s    bob    join            t2 WAITING 1/1
             0s    carol  join            t3 WAITING 2/2
             10s   bob    disconnects     done
             310s  bob    {what}, unswept  {happens}
             310s  carol  get             t3 WAITING 1/{}",
            if what == "join" { 2 } else { 1 }
        ));
    }
}

#[test]
fn the_place_of_who_is_away_too_long_is_lost_even_if_the_join_is_refused() {
    check_line(
        "0s    bob       join           t2 WAITING 1/1
         10s   bob       disconnects    done
         20s   operator  pauses         ok
         310s  bob       join, unswept  refused SALE_PAUSED; bob EXPIRED away
         311s  bob       get            t2 EXPIRED away",
    );
}

/// Goal: who has a connection is present wherever they have a place, and by it alone nobody gets one.
#[test]
fn a_connection_counts_in_every_line_of_its_user() {
    check_line(
        "0s    bob        join          t2 WAITING 1/1
         10s   bob        disconnects   done
         20s   bob@tv     connects      t2 WAITING 1/1
         900s  bob@tv     disconnects   done
         1199s bob@tv     connects      t2 WAITING 1/1
         1300s bob@tv     disconnects   done
         1600s tick                     bob EXPIRED away
         1600s bob@tv     connects      done
         1700s dora       connects      done",
    );
}
