//! What gateways, copies and whoever hands answers on have in common: who runs a sale, and whom to tell what.

use crate::domain::ids::{ConcertId, NodeNo, UserId};
use crate::fanout::{Reply, ReplyTo};

/// Who runs a sale, and by which claim: a greater epoch is a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub node: NodeNo,
    pub epoch: u64,
}

/// Somebody who waits no longer.
pub(super) struct Told {
    pub concert: ConcertId,
    /// The one who is told nothing else before.
    pub holds: Option<UserId>,
    /// The row of the sale's journal that the reply rests on, and how many of its events were before it; of what was not
    /// decided, nothing.
    pub at: (u64, u32),
    pub to: ReplyTo,
    pub reply: Reply,
}
