//! Nobody takes more seats of a sale than one user may have, held and bought together: what each user had whenever they took
//! some, by the journal.
//!
//! Only what rows say is judged: the limit, if the sale's operator set it, and nothing where it was the run's own or a server
//! ran that did not know it. What a user had already when the limit was lowered is theirs.

use std::collections::HashMap;

use serde_json::Value;

use crate::domain::ids::UserId;
use crate::domain::time::Timestamp;
use crate::store::journal::{SeatsChange, SeatsEntry};

#[derive(Default)]
pub struct SeatsPerUser {
    /// The time before which some server did not know the rule.
    since: Option<Timestamp>,
    seats: HashMap<UserId, u64>,
    /// The operator's last setting; `None`: no row said so far.
    max: Option<Option<u64>>,
    /// The most that each user had while no row had said.
    most: HashMap<UserId, Had>,
    found: Vec<TooMany>,
}

#[derive(Clone, Copy)]
struct Had {
    seats: u64,
    seq: u64,
}

/// A user took seats, and had more of them afterwards than they might.
#[derive(Clone, Copy)]
pub struct TooMany {
    pub user: UserId,
    pub seats: u64,
    pub max: u64,
    /// The number of the journal's row.
    pub seq: u64,
}

impl SeatsPerUser {
    pub fn known_since(&mut self, since: Option<Timestamp>) {
        self.since = since;
    }

    pub fn set(&mut self, before: &Value, after: &Value) {
        // A server that does not know the rule says nothing of it, and leaves it as it is.
        let own = |settings: &Value| settings.get("seats_per_user_max").map(Value::as_u64);
        if let (None, Some(before)) = (self.max, own(before)) {
            self.found.extend(too_many(&self.most, before));
            self.most.clear();
        }
        self.max = own(after).or(self.max);
    }

    pub fn change(&mut self, seq: u64, at: Timestamp, change: &SeatsEntry) {
        let user = change.user;
        let had = self.seats.entry(user).or_default();
        let count = change.seats.len() as u64;
        match change.change {
            SeatsChange::Hold { .. } | SeatsChange::Add { .. } => *had += count,
            // The box office may sell somebody as many as it likes.
            SeatsChange::Sell { .. } => {
                *had += count;
                return;
            }
            SeatsChange::Pay { .. } | SeatsChange::Move { .. } => return,
            SeatsChange::Release { .. } | SeatsChange::Lapse { .. } | SeatsChange::Refund { .. } => {
                *had = had.saturating_sub(count);
                return;
            }
        }
        let now = Had { seats: *had, seq };
        if self.since.is_some_and(|since| at < since) {
            return;
        }
        match self.max {
            None => {
                let most = self.most.entry(user).or_insert(now);
                if most.seats < now.seats {
                    *most = now;
                }
            }
            Some(max) => self.found.extend(judge(user, now, max)),
        }
    }

    /// `own` is what is set now.
    pub fn too_many(&self, own: Option<u32>) -> Vec<TooMany> {
        let unsaid = too_many(&self.most, own.map(u64::from));
        let mut found: Vec<_> = self.found.iter().copied().chain(unsaid).collect();
        found.sort_unstable_by_key(|found| (found.seq, found.user));
        found
    }
}

fn too_many(most: &HashMap<UserId, Had>, max: Option<u64>) -> impl Iterator<Item = TooMany> {
    most.iter().filter_map(move |(user, had)| judge(*user, *had, max))
}

fn judge(user: UserId, had: Had, max: Option<u64>) -> Option<TooMany> {
    let max = max.filter(|max| (1..had.seats).contains(max))?;
    Some(TooMany { user, seats: had.seats, max, seq: had.seq })
}
