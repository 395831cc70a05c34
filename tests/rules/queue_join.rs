//! Joining gives one place in line to a user, whatever they do and from wherever.

use crate::check;

#[test]
fn a_user_has_one_live_token_on_all_devices() {
    check(
        "given capacity 1
         0s   alice        join     t1 PROGRESS until 600s, idle at 300s
         1s   bob          join     t2 WAITING 1/1
         2s   bob          join     t2 WAITING 1/1
         3s   bob@phone    join     t2 WAITING 1/1
         4s   bob@http     join     t2 WAITING 1/1
         5s   carol        join     t3 WAITING 2/2
         6s   alice@phone  join     t1 PROGRESS until 600s, idle at 306s",
    );
}

#[test]
fn after_it_has_ended_a_join_makes_a_new_token_at_the_tail() {
    check(
        "given capacity 1
         given alice has 100
         0s   alice  join      t1 PROGRESS until 600s, idle at 300s
         0s   bob    join      t2 WAITING 1/1
         0s   carol  join      t3 WAITING 2/2
         1s   bob    leave     t2 EXPIRED left
         2s   bob    join      t4 WAITING 2/2
         3s   alice  hold A1   r1 held A1 for 100 until 303s
         4s   alice  pay r1    r1 paid 100, balance 0; alice DONE; carol PROGRESS
         5s   alice  join      t5 WAITING 2/2
         6s   carol  leave     t3 EXPIRED left; bob PROGRESS
         7s   bob    leave     t4 EXPIRED left; alice PROGRESS
         8s   alice  get       t5 PROGRESS until 607s, idle at 307s",
    );
}

#[test]
fn hello_by_token_tells_its_state_whatever_it_is() {
    check(
        "given capacity 1
         given alice has 100
         0s   alice  hello       refused NOT_IN_QUEUE
         0s   alice  join        t1 PROGRESS until 600s, idle at 300s
         0s   bob    join        t2 WAITING 1/1
         1s   bob    hello       t2 WAITING 1/1
         2s   alice  hold A2 A1  r1 held A1 A2 for 200 until 302s
         3s   alice  hello       t1 PROGRESS until 600s, idle at 302s; r1 held A1 A2 for 200 until 302s
         4s   alice  release r1 A2    r1 held A1 for 100 until 302s
         5s   alice  pay r1      r1 paid 100, balance 0; alice DONE; bob PROGRESS
         6s   alice  hello       t1 DONE
         7s   bob    leave       t2 EXPIRED left
         8s   bob    hello       t2 EXPIRED left",
    );
}

#[test]
fn an_old_token_is_still_known_when_its_user_has_a_new_one() {
    check(
        "given capacity 1
         0s   zoe        join     t1 PROGRESS until 600s, idle at 300s
         0s   bob@old    join     t2 WAITING 1/1
         1s   bob@old    leave    t2 EXPIRED left
         2s   bob        join     t3 WAITING 1/1
         3s   bob@old    hello    t2 EXPIRED left
         4s   bob        hello    t3 WAITING 1/1",
    );
}

#[test]
fn who_never_joined_is_not_in_the_queue() {
    check(
        "0s   alice  get            refused NOT_IN_QUEUE
         0s   alice  extend         refused NOT_IN_QUEUE
         0s   alice  leave          refused NOT_IN_QUEUE
         0s   alice  hold A1        refused NOT_IN_QUEUE
         0s   alice  best 1         refused NOT_IN_QUEUE
         0s   alice  pay r1         refused NOT_IN_QUEUE
         0s   alice  release r1     refused RESERVATION_NOT_FOUND
         0s   alice  cancel r1      refused RESERVATION_NOT_FOUND
         0s   alice  looks around   done",
    );
}
