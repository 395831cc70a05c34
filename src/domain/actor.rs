//! Who changes a sale from the house's side, as every such change is noted. Not here: what they may do.

use super::ids::{OperatorId, UserId};

/// The characters that `Actor::from` may have: an address of IPv6 with its zone.
pub const FROM_CHARS_MAX: usize = 64;

/// An operator who changes something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    pub who: Who,
    /// The address that the request came from, if it came from one.
    pub from: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    Operator(OperatorId),
    /// A token that names an operator as a user of ours.
    User(UserId),
    /// A token that says of its bearer only that they are an operator.
    Unnamed,
}

impl Actor {
    /// An operator of whom nothing more is known.
    pub const UNNAMED: Self = Self { who: Who::Unnamed, from: None };

    pub fn of(who: Who) -> Self {
        Self { who, from: None }
    }
}
