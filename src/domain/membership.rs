//! The servers of one database, as one of them sees the others: who lives, who stopped, and who may own sales.
//!
//! Always: a server that said that it stopped is dead at once; any other one only when its mark stood still (`mark`).

use std::collections::BTreeMap;
use std::time::Duration;

use super::ids::{ConcertId, NodeNo};
use super::mark::{Mark, Reading};
use super::placement;

/// How far a server's clock may be from the database's: beyond that it owns nothing, as openings go by the clock.
pub const CLOCK_OFF_MAX: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    Up,
    /// It was asked to stop, and gives its sales away.
    Draining,
    /// It gave them away. This is its last word.
    Stopped,
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The same after a restart.
    pub name: String,
    pub release: String,
    /// The versions of what nodes say to each other that it understands; 0: none.
    pub wire: (u32, u32),
    /// Of the key that signs tokens: a guest of one server has to be known to all.
    pub key_print: String,
    /// Of the rules that sales have by default: a takeover must not change them.
    pub rules_print: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub node: NodeNo,
    pub about: About,
    /// Counts on while it lives.
    pub beat: u64,
    pub state: MemberState,
    /// The number of sales that it runs.
    pub sales: u32,
    /// The number of others that it hears over the bus.
    pub hears: u32,
    /// Somebody wishes it to give its sales away, and to take none.
    pub is_to_drain: bool,
}

impl Member {
    /// Its number and name, for people.
    pub fn named(&self) -> String {
        format!("node {} ({})", self.node, self.about.name)
    }
}

/// Every member that there is a row of, and what was seen of its mark.
#[derive(Debug, Default)]
pub struct Members {
    all: BTreeMap<NodeNo, (Member, Mark<u64>)>,
}

impl Members {
    /// These rows, and no others, were found.
    pub fn see(&mut self, rows: Vec<Member>, reading: Reading) {
        let mut before = std::mem::take(&mut self.all);
        for member in rows {
            let mark = match before.remove(&member.node) {
                Some((_, mut mark)) => {
                    mark.read(member.beat, reading);
                    mark
                }
                None => Mark::new(member.beat, reading),
            };
            self.all.insert(member.node, (member, mark));
        }
    }

    pub fn get(&self, node: NodeNo) -> Option<&Member> {
        self.all.get(&node).map(|(member, _)| member)
    }

    pub fn has_stopped(&self, node: NodeNo) -> bool {
        self.get(node).is_some_and(|member| member.state == MemberState::Stopped)
    }

    /// Is it dead, for all that was seen? Of one that is not known yet nothing was; one before others has had its row taken away.
    pub fn is_dead(&self, node: NodeNo) -> bool {
        self.all.get(&node).map_or_else(|| self.is_forgotten(node), is_dead)
    }

    /// Is nothing left of it, not even its row?
    pub fn is_forgotten(&self, node: NodeNo) -> bool {
        let newest = self.all.last_key_value().map(|(newest, _)| *newest);
        !self.all.contains_key(&node) && newest.is_some_and(|newest| node < newest)
    }

    /// Those that are dead, as far as there is a row of them.
    pub fn dead(&self) -> impl Iterator<Item = NodeNo> {
        self.all.iter().filter(|(_, seen)| is_dead(seen)).map(|(node, _)| *node)
    }

    /// Those that are not dead for all that was seen, by their numbers.
    pub fn living(&self) -> impl Iterator<Item = &Member> {
        self.all.values().filter(|seen| !is_dead(seen)).map(|(member, _)| member)
    }

    fn others_up(&self, own: NodeNo) -> impl Iterator<Item = &Member> {
        self.living().filter(move |member| member.node != own && member.state == MemberState::Up)
    }

    /// The first member that signs tokens with another key, was there before this one, and goes on.
    pub fn with_older_key(&self, own: NodeNo, key_print: &str) -> Option<&Member> {
        self.others_up(own).find(|member| member.node < own && member.about.key_print != key_print)
    }

    /// The first member with other rules that was there before this one, and goes on.
    pub fn with_older_rules(&self, own: NodeNo, rules_print: &str) -> Option<&Member> {
        self.others_up(own).find(|member| member.node < own && member.about.rules_print != rules_print)
    }

    /// How many of those that may own sales, and of whom it is not known better, rank before this one for a sale.
    pub fn rank(&self, concert: ConcertId, own: (&str, NodeNo), may_come: impl Fn(NodeNo) -> bool) -> u32 {
        let others = self.may_own(own.1).filter(|member| may_come(member.node));
        placement::rank(concert, own, others.map(|member| (member.about.name.as_str(), member.node)))
    }

    /// The others that may own sales.
    pub fn may_own(&self, own: NodeNo) -> impl Iterator<Item = &Member> {
        let oldest = self.living().find(|member| member.state == MemberState::Up);
        // Who has another key or other rules than the oldest owns nothing for now.
        let prints = |member: &Member| (member.about.key_print.clone(), member.about.rules_print.clone());
        let right = oldest.map(prints);
        self.others_up(own).filter(move |member| Some(prints(member)) == right)
    }

    /// Rows of dead members that nobody needs any more: all but the newest `kept` of those before `own`. Each with its beat, by
    /// which it is seen whether it is dead indeed.
    pub fn outlived(&self, own: NodeNo, kept: usize) -> Vec<(NodeNo, u64)> {
        let dead = self.all.range(..own).rev().filter(|(_, seen)| is_dead(seen));
        dead.skip(kept).map(|(node, (member, _))| (*node, member.beat)).collect()
    }
}

fn is_dead((member, mark): &(Member, Mark<u64>)) -> bool {
    member.state == MemberState::Stopped || mark.is_dead()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    fn member(node: u32, beat: u64, rules: &str) -> Member {
        let about = About {
            name: format!("n{node}"),
            release: "0.1.0".to_owned(),
            wire: (0, 0),
            key_print: "key".to_owned(),
            rules_print: rules.to_owned(),
        };
        let state = MemberState::Up;
        Member { node: NodeNo(node), about, beat, state, sales: 0, hears: 0, is_to_drain: false }
    }

    /// What is seen in six seconds of members that beat, and of others that do not any more.
    fn seen(beating: &[Member], still: &[Member]) -> Members {
        let mut members = Members::default();
        for second in 0..=6 {
            let beat = beating.iter().map(|member| Member { beat: second, ..member.clone() });
            let rows = beat.chain(still.iter().cloned()).collect();
            members.see(rows, Reading::at(Timestamp::from_millis(second as i64 * 1_000)));
        }
        members
    }

    fn living(members: &Members) -> Vec<u32> {
        members.living().map(|member| member.node.0).collect()
    }

    #[test]
    fn who_beats_lives_and_who_does_not_is_dead() {
        assert_eq!(living(&seen(&[member(1, 0, "r"), member(3, 0, "r")], &[member(2, 7, "r")])), [1, 3]);
    }

    #[test]
    fn who_said_that_it_stopped_is_dead_at_once() {
        let mut members = Members::default();
        let stopped = Member { state: MemberState::Stopped, ..member(1, 7, "r") };
        let draining = Member { state: MemberState::Draining, ..member(2, 7, "r") };
        members.see(vec![stopped, draining], Reading::at(Timestamp::from_millis(0)));
        assert_eq!(living(&members), [2]);
        assert!(members.has_stopped(NodeNo(1)) && !members.has_stopped(NodeNo(2)));
        assert!(!members.has_stopped(NodeNo(3)), "nothing is known of it");
    }

    #[test]
    fn another_key_counts_as_long_as_somebody_older_is_up_who_has_it() {
        let members = seen(&[member(1, 0, "r"), member(3, 0, "r")], &[member(2, 7, "r")]);
        assert_eq!(members.with_older_key(NodeNo(3), "key"), None);
        assert_eq!(members.with_older_key(NodeNo(3), "new").map(|of| of.node), Some(NodeNo(1)));
        assert_eq!(members.with_older_key(NodeNo(1), "new"), None, "it was first");
        let alone = seen(&[member(3, 0, "r")], &[member(1, 7, "r")]);
        assert_eq!(alone.with_older_key(NodeNo(3), "new"), None);
    }

    #[test]
    fn rules_are_those_of_who_was_there_first() {
        let both = seen(&[member(1, 0, "old"), member(2, 0, "new")], &[]);
        assert_eq!(both.with_older_rules(NodeNo(2), "new").map(|of| of.node), Some(NodeNo(1)));
        assert_eq!(both.with_older_rules(NodeNo(1), "old"), None, "who came later has to wait");
        let draining = Member { state: MemberState::Draining, ..member(1, 0, "old") };
        assert_eq!(seen(&[draining, member(2, 0, "new")], &[]).with_older_rules(NodeNo(2), "new"), None);
        assert_eq!(
            seen(&[member(2, 0, "new")], &[member(1, 7, "old")]).with_older_rules(NodeNo(2), "new"),
            None
        );
    }

    #[test]
    fn only_who_may_own_a_sale_ranks_before_another() {
        let members = seen(&[member(1, 0, "old"), member(2, 0, "new"), member(3, 0, "old")], &[]);
        let ranks = |of: &[u32]| -> Vec<u32> {
            let mut ranks: Vec<_> = of
                .iter()
                .map(|node| members.rank(ConcertId(1), (&format!("n{node}"), NodeNo(*node)), |_| true))
                .collect();
            ranks.sort_unstable();
            ranks
        };
        assert_eq!(ranks(&[1, 3]), [0, 1]);
    }

    #[test]
    fn the_rows_of_the_dead_are_bounded_and_the_newest_stay() {
        let dead: Vec<_> = (1..=9).map(|node| member(node, 70 + u64::from(node), "r")).collect();
        let members = seen(&[member(5, 0, "r"), member(10, 0, "r")], &[&dead[..4], &dead[5..]].concat());
        assert_eq!(members.outlived(NodeNo(10), 6), [(NodeNo(2), 72), (NodeNo(1), 71)]);
        assert_eq!(members.outlived(NodeNo(10), 8), []);
        assert_eq!(members.outlived(NodeNo(4), 2), [(NodeNo(1), 71)]);
    }
}
