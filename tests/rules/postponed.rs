//! A performance gets another start: what is held goes on until then at most, and until when it may be cancelled follows.

use crate::check;

const HELD: &str = "given alice has 300
    given show starts 1000s
    given cancel_before_start 100s
    given hold_ttl 2000s
    given admission_ttl 9000s
    given idle_ttl 9000s
    0s  alice  join     t1 PROGRESS until 9000s, idle at 9000s
    1s  alice  hold A1  r1 held A1 for 100 until 2001s
";

#[test]
fn what_is_held_ends_at_the_new_start() {
    check(&format!(
        "{HELD}
         2s     operator  moves show to 1500s  done; starts at 1500s
         1000s  alice     hold A1              r1 held A1 for 100 until 2001s
         1499s  alice     hold A1              r1 held A1 for 100 until 2001s
         1500s            tick                 r1 EXPIRED A1
         1501s  alice     hold A1              refused SCHEDULE_NOT_FOUND"
    ));
    check(&format!(
        "{HELD}
         2s    operator  moves show to 500s  done; starts at 500s
         499s  alice     hold A1             r1 held A1 for 100 until 2001s
         500s            tick                r1 EXPIRED A1"
    ));
}

#[test]
fn it_may_be_cancelled_as_long_before_the_new_start() {
    check(&format!(
        "{HELD}
         2s     alice     pay r1               r1 paid 100, balance 200; alice DONE
         900s   alice     cancel r1            refused CANCEL_TOO_LATE
         901s   operator  moves show to 1500s  done; starts at 1500s
         1399s  alice     cancel r1            r1 CANCELLED A1, balance 300"
    ));
    check(&format!(
        "{HELD}
         2s    alice     pay r1              r1 paid 100, balance 200; alice DONE
         3s    operator  moves show to 150s  done; starts at 150s
         50s   alice     cancel r1           refused CANCEL_TOO_LATE"
    ));
}

#[test]
fn one_that_has_begun_stays_and_no_start_lies_behind() {
    check(&format!(
        "{HELD}
         2s     operator  moves show to 2s     refused a start that lies behind
         3s     operator  moves show to 4s     done; starts at 4s
         4s               tick                 r1 EXPIRED A1
         5s     operator  moves show to 1500s  refused PERFORMANCE_BEGUN
         6s     operator  moves nowhere to 9s  refused SCHEDULE_NOT_FOUND"
    ));
}

#[test]
fn who_saw_another_start_is_told_what_it_is_and_the_same_again_changes_nothing() {
    check(&format!(
        "{HELD}
         2s  operator  moves show to 1500s seen at 1000s  done; starts at 1500s
         3s  operator  moves show to 1600s seen at 1000s  refused CHANGED_MEANWHILE by an operator at 2s: starts at 1500s
         4s  operator  moves show to 1500s                done
         5s            restart                            nothing
         6s  operator  moves show to 1600s seen at 1000s  refused CHANGED_MEANWHILE by nobody knows whom: starts at 1500s
         7s  operator  moves show to 1600s seen at 1500s  done; starts at 1600s"
    ));
}

#[test]
fn each_performance_ends_its_own_holds_in_whatever_order_they_come_to_be() {
    check(
        "given show starts 1000s
         given matinee seats A1 A2
         given matinee starts 500s
         given hold_ttl 5000s
         given admission_ttl 9000s
         given idle_ttl 9000s
         0s     alice     join                    t1 PROGRESS until 9000s, idle at 9000s
         1s     alice     hold A1                 r1 held A1 for 100 until 5001s
         2s     alice     hold matinee A2         r2 held matinee A2 for 100 until 5002s
         3s     operator  moves matinee to 1200s  done; starts at 1200s
         1000s            tick                    r1 EXPIRED A1
         1200s            tick                    r2 EXPIRED matinee A2",
    );
}
