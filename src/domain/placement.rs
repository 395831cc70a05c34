//! Which node a sale is wanted on: the one that ranks first for it (rendezvous hashing). It follows from the names alone, so all
//! nodes agree without a word, and a node that comes or goes changes the wish for its own sales only. A wish moves nothing that
//! runs: who *does* run a sale stands in its claim.

use std::time::Duration;

use super::ids::{ConcertId, NodeNo};

/// A node waits so much longer for each other one that ranks before it: most of the time the first has a sale by then.
pub const RANK_PATIENCE: Duration = Duration::from_millis(700);

/// The number of `others` that rank before this node for a sale: 0 for the one that is wanted. Of two that have one name the
/// older ranks first.
pub fn rank<'n>(
    concert: ConcertId,
    own: (&str, NodeNo),
    others: impl Iterator<Item = (&'n str, NodeNo)>,
) -> u32 {
    others.filter(|other| other.1 != own.1 && place(concert, *other) > place(concert, own)).count() as u32
}

/// Orders nodes for a sale: the greatest ranks first.
pub fn place(concert: ConcertId, (name, node): (&str, NodeNo)) -> impl Ord + use<> {
    (weight(concert, name), std::cmp::Reverse(node))
}

/// How much a sale is drawn to a name. It stays what it is for ever: nodes of two releases have to agree.
fn weight(concert: ConcertId, name: &str) -> u64 {
    // FNV-1a, and then the finish of SplitMix64, as the last bytes of FNV-1a hardly reach its upper bits.
    let bytes = name.bytes().chain(concert.0.to_le_bytes());
    let hash = bytes.fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let hash = (hash ^ hash >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let hash = (hash ^ hash >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ hash >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = ["a", "b", "c"];

    fn nodes<'n>(names: &'n [&'n str]) -> impl Iterator<Item = (&'n str, NodeNo)> {
        names.iter().zip(1..).map(|(name, node)| (*name, NodeNo(node)))
    }

    fn owner<'n>(concert: u32, names: &'n [&'n str]) -> &'n str {
        let ranks = |own: &(&str, NodeNo)| rank(ConcertId(concert), *own, nodes(names)) == 0;
        let mut first = nodes(names).filter(ranks);
        let owner = first.next().expect("one ranks first");
        assert_eq!(first.next(), None, "and one alone");
        owner.0
    }

    #[test]
    fn every_node_has_a_rank_of_its_own() {
        for concert in 0..1_000 {
            let mut ranks: Vec<_> =
                nodes(&NAMES).map(|own| rank(ConcertId(concert), own, nodes(&NAMES))).collect();
            ranks.sort_unstable();
            assert_eq!(ranks, [0, 1, 2]);
        }
    }

    #[test]
    fn sales_are_spread_evenly() {
        for name in NAMES {
            let own = (0..3_000).filter(|concert| owner(*concert, &NAMES) == name).count();
            assert!((900..1_100).contains(&own), "{name} has {own} of 3,000");
        }
    }

    #[test]
    fn a_node_that_goes_leaves_the_others_their_sales() {
        for concert in 0..1_000 {
            let before = owner(concert, &NAMES);
            let after = owner(concert, &NAMES[..2]);
            assert!(before == after || before == "c", "sale {concert} went from {before} to {after}");
        }
    }

    #[test]
    fn of_two_that_have_one_name_the_older_ranks_first() {
        let both = [("a", NodeNo(4)), ("a", NodeNo(9))];
        assert_eq!(rank(ConcertId(1), both[0], both.into_iter()), 0);
        assert_eq!(rank(ConcertId(1), both[1], both.into_iter()), 1);
    }

    #[test]
    fn the_hash_stays_what_it_is() {
        assert_eq!(weight(ConcertId(1), "a"), 0xF51A_D092_3BCB_8EB5);
    }
}
