//! How many entries a user may add to their ledger in a day. Every entry is kept for ever, so without a bound one user
//! could fill a disk with charges of one unit each.
//!
//! Always: what was committed counts, once; a new day begins anew. Not here: money, and refunds, which are never refused
//! because each follows a payment. The count is not stored: a restart forgets the day so far.

use std::collections::HashMap;

use super::ids::UserId;
use super::rejection::Rejection;
use super::time::Timestamp;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerBudget {
    max: u32,
    /// Days since 1970, UTC.
    day: i64,
    made: HashMap<UserId, u32>,
}

impl LedgerBudget {
    /// `max` entries a user and day.
    pub fn new(max: u32) -> Self {
        Self { max, day: 0, made: HashMap::new() }
    }

    /// May this user add another entry at `now` (UTC)?
    pub fn check(&self, user: UserId, now: Timestamp) -> Result<(), Rejection> {
        let made = if day(now) > self.day { 0 } else { self.made.get(&user).copied().unwrap_or(0) };
        if made < self.max {
            return Ok(());
        }
        let until = (self.day + 1) * DAY_MILLIS;
        Err(Rejection::LedgerFull { max: self.max, until: Timestamp::from_millis(until) })
    }

    /// An entry was committed.
    pub fn count(&mut self, user: UserId, at: Timestamp) {
        if day(at) > self.day {
            self.day = day(at);
            self.made = HashMap::new();
        }
        // Of a day that is over: a commit around midnight.
        if day(at) == self.day {
            *self.made.entry(user).or_default() += 1;
        }
    }
}

fn day(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_room_for_so_many_entries_of_each_user() {
        let at = |day: i64, millis: i64| Timestamp::from_millis(day * DAY_MILLIS + millis);
        let (alice, bob) = (UserId(1), UserId(2));
        let mut budget = LedgerBudget::new(2);
        for _ in 0..2 {
            assert_eq!(budget.check(alice, at(5, 0)), Ok(()));
            budget.count(alice, at(5, 0));
        }
        let full = Err(Rejection::LedgerFull { max: 2, until: at(6, 0) });
        assert_eq!(budget.check(alice, at(5, DAY_MILLIS - 1)), full);
        assert_eq!(budget.check(bob, at(5, 1)), Ok(()), "another user's day is another's");
        assert_eq!(budget.check(alice, at(6, 0)), Ok(()), "a new day");
        budget.count(bob, at(6, 0));
        assert_eq!(budget.check(alice, at(6, 1)), Ok(()));
        // What was committed around midnight is of the day before.
        budget.count(alice, at(5, DAY_MILLIS - 1));
        budget.count(alice, at(6, 2));
        assert_eq!(budget.check(alice, at(6, 3)), Ok(()));
    }
}
