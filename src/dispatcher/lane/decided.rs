//! What a lane has decided and not committed yet.

use std::ops::Range;

use crate::domain::ids::{ConcertId, UserId};
use crate::domain::record::LedgerEntry;
use crate::fanout::Reply;

/// What was decided for `pending`.
#[derive(Default)]
pub(in crate::dispatcher) struct Decided {
    /// One for each command decided, in order.
    pub(super) spoken: Vec<Spoken>,
    /// Events of expiries after the last command.
    pub(super) tail: Vec<(ConcertId, Range<usize>)>,
    pub(super) charges: Vec<LedgerEntry>,
    pub(super) expiries: usize,
    /// More than that must be in another batch.
    pub(super) is_full: bool,
}

pub(in crate::dispatcher) struct Spoken {
    pub(super) reply: Reply,
    /// The events up to and including this command's, and where its own begin.
    pub(super) events: Option<(ConcertId, Range<usize>)>,
    /// Whose wallet was charged by it, now and not when it was first asked for.
    pub(super) charged: Option<UserId>,
}
