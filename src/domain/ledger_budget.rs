//! A bound on the entries that a user adds to their ledger in a day. Every entry is kept for ever, so without a bound
//! one user could fill a disk with charges of one unit each.
//!
//! Always: what was committed counts, once; a new day begins anew. A user's entries of the day are read from the ledger
//! before they are judged for the first time, so a restart forgets nothing. Not here: money, and refunds, which are never
//! refused because each follows a payment.

use std::collections::HashMap;

use super::command::Needs;
use super::ids::UserId;
use super::rejection::Rejection;
use super::time::Timestamp;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerBudget {
    max: u32,
    /// Days since 1970, UTC.
    day: i64,
    /// The entries of users whose day is known.
    made: HashMap<UserId, u32>,
}

impl LedgerBudget {
    /// `max` entries a user and day.
    pub fn new(max: u32) -> Self {
        Self { max, day: 0, made: HashMap::new() }
    }

    /// Notes that this user's entries of the day have to be read before they are judged at `now` (UTC), if they have.
    pub fn needs(&self, user: UserId, now: Timestamp, needs: &mut Needs) {
        // More than any ledger has is no bound.
        let is_known = day(now) == self.day && self.made.contains_key(&user);
        if is_known || day(now) < self.day || self.max == u32::MAX {
            return;
        }
        needs.ledgers.push(user);
        needs.ledger_since = Timestamp::from_millis(day(now) * DAY_MILLIS);
        needs.ledger_max = self.max;
    }

    /// Nobody knows what was committed last: every day is read anew.
    pub fn forget(&mut self) {
        self.made.clear();
    }

    /// Takes in how many entries of these users were committed in a day, which is named by its beginning.
    pub fn learn(&mut self, of: Timestamp, made: impl IntoIterator<Item = (UserId, u32)>) {
        self.turn(of);
        if day(of) == self.day {
            self.made.extend(made);
        }
    }

    /// May this user add another entry at `now` (UTC), besides `more` that are not committed yet?
    pub fn check(&self, user: UserId, more: u32, now: Timestamp) -> Result<(), Rejection> {
        let made = if day(now) > self.day { 0 } else { self.made.get(&user).copied().unwrap_or(0) };
        if made.saturating_add(more) < self.max {
            return Ok(());
        }
        let until = (self.day + 1) * DAY_MILLIS;
        Err(Rejection::LedgerFull { max: self.max, until: Timestamp::from_millis(until) })
    }

    /// An entry was committed.
    pub fn count(&mut self, user: UserId, at: Timestamp) {
        self.turn(at);
        // A day that is over counts no longer: a commit around midnight. A user whose day is not known is read when it
        // matters.
        if day(at) == self.day
            && let Some(made) = self.made.get_mut(&user)
        {
            *made = made.saturating_add(1);
        }
    }

    fn turn(&mut self, at: Timestamp) {
        if day(at) > self.day {
            self.day = day(at);
            self.made = HashMap::new();
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
        budget.learn(at(5, 0), [(alice, 0), (bob, 0)]);
        for _ in 0..2 {
            assert_eq!(budget.check(alice, 0, at(5, 0)), Ok(()));
            budget.count(alice, at(5, 0));
        }
        assert!(budget.check(bob, 2, at(5, 1)).is_err(), "others of the same batch count");
        let full = Err(Rejection::LedgerFull { max: 2, until: at(6, 0) });
        assert_eq!(budget.check(alice, 0, at(5, DAY_MILLIS - 1)), full);
        assert_eq!(budget.check(bob, 0, at(5, 1)), Ok(()), "another user's day is another's");
        assert_eq!(budget.check(alice, 0, at(6, 0)), Ok(()), "a new day");
        budget.learn(at(6, 0), [(alice, 0)]);
        assert_eq!(budget.check(alice, 0, at(6, 1)), Ok(()));
        // Entries committed around midnight are of the day before.
        budget.count(alice, at(5, DAY_MILLIS - 1));
        budget.count(alice, at(6, 2));
        assert_eq!(budget.check(alice, 0, at(6, 3)), Ok(()));
    }

    #[test]
    fn whose_day_is_not_known_is_read_once() {
        let at = |day: i64, millis: i64| Timestamp::from_millis(day * DAY_MILLIS + millis);
        let (alice, bob) = (UserId(1), UserId(2));
        let needs = |budget: &LedgerBudget, user, now| {
            let mut needs = Needs::default();
            budget.needs(user, now, &mut needs);
            needs
        };
        let of = |user, since| Needs {
            ledgers: vec![user],
            ledger_since: since,
            ledger_max: 2,
            ..Needs::default()
        };
        let mut budget = LedgerBudget::new(2);
        assert_eq!(needs(&budget, alice, at(5, 7)), of(alice, at(5, 0)));
        // It was committed before anybody needed it: it is read with the rest.
        budget.count(alice, at(5, 7));
        assert_eq!(needs(&budget, alice, at(5, 8)), of(alice, at(5, 0)));
        budget.learn(at(5, 0), [(alice, 2)]);
        assert!(needs(&budget, alice, at(5, 8)).is_empty());
        assert!(budget.check(alice, 0, at(5, 8)).is_err(), "as it was before the restart");
        assert_eq!(needs(&budget, bob, at(5, 8)), of(bob, at(5, 0)));
        assert_eq!(needs(&budget, alice, at(6, 8)), of(alice, at(6, 0)), "a new day");
        budget.learn(at(6, 0), [(alice, 0)]);
        budget.learn(at(5, 0), [(bob, 2)]);
        assert_eq!(budget.check(bob, 0, at(6, 9)), Ok(()), "a day that is over matters no more");
        assert!(needs(&LedgerBudget::new(u32::MAX), alice, at(5, 0)).is_empty(), "without a bound");
    }
}
