//! What is said of a concert, which an operator may change at any time, if it is as they saw it.

use crate::check;

#[test]
fn texts_are_changed_one_by_one_and_who_saw_others_is_told_them() {
    check(
        "0s  operator  describes title One                       done; \"One\" about nothing
         1s  operator  describes about Two                       done; \"One\" about Two
         2s  operator  describes title One about Two             done
         3s  operator  describes title Six where title Five      refused CHANGED_MEANWHILE by an operator at 1s: \"One\" about Two
         4s  operator  describes title Six where about nothing   refused CHANGED_MEANWHILE by an operator at 1s: \"One\" about Two
         5s  operator  describes title Six where title One       done; \"Six\" about Two
         6s            restart                                   nothing
         7s  operator  describes about nothing where title One   refused CHANGED_MEANWHILE by nobody knows whom: \"Six\" about Two
         8s  operator  describes about nothing where about Two   done; \"Six\" about nothing",
    );
}

#[test]
fn of_texts_and_rules_each_is_as_it_was_seen_or_not() {
    check(
        "0s  operator  describes title One                  done; \"One\" about nothing
         1s  operator  sets capacity 7 where default        ok
         2s  operator  describes title Two where title One  done; \"Two\" about nothing
         3s  operator  closes                               ok
         4s  operator  describes title Six                  done; \"Six\" about nothing",
    );
}
