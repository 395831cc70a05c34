//! The names under which messages travel.

use async_nats::Subject;

use crate::bus::carrier::To;
use crate::limits::BUS_PREFIX_CHARS_MAX;

/// Those of one cluster: others may use the same bus.
pub(super) struct Subjects {
    prefix: String,
}

impl Subjects {
    /// `None`: the prefix is not a single word that NATS takes everywhere.
    pub fn new(prefix: &str) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let is_word = prefix.chars().all(is_plain) && (1..=BUS_PREFIX_CHARS_MAX).contains(&prefix.len());
        is_word.then(|| Self { prefix: prefix.to_owned() })
    }

    pub fn of(&self, to: To) -> Subject {
        let prefix = &self.prefix;
        match to {
            To::Node(node) => format!("frontrow.{prefix}.node.{node}"),
            To::Sale(concert) => format!("frontrow.{prefix}.sale.{concert}"),
            To::All => format!("frontrow.{prefix}.all"),
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ConcertId, NodeNo};

    #[test]
    fn whom_a_message_is_for_is_its_subject() {
        let subjects = Subjects::new("seoul-1").unwrap();
        for (to, subject) in [
            (To::Node(NodeNo(7)), "frontrow.seoul-1.node.7"),
            (To::Sale(ConcertId(42)), "frontrow.seoul-1.sale.42"),
            (To::All, "frontrow.seoul-1.all"),
        ] {
            assert_eq!(subjects.of(to).as_str(), subject);
        }
    }

    #[test]
    fn a_prefix_is_one_word_without_wildcards() {
        let longest = "a".repeat(BUS_PREFIX_CHARS_MAX);
        let too_long = format!("{longest}a");
        for (prefix, is_one) in [
            ("main", true),
            ("Seoul_1-b", true),
            (&*longest, true),
            ("", false),
            ("a.b", false),
            ("a b", false),
            ("a\r\n", false),
            ("*", false),
            (">", false),
            ("서울", false),
            (&*too_long, false),
        ] {
            assert_eq!(Subjects::new(prefix).is_some(), is_one, "{prefix:?}");
        }
    }
}
