//! What servers say to each other.

use std::time::Duration;

use bytes::Bytes;

use super::clocks::Stamps;
use super::conversation::{Answers, AnswersOfSale, Asks, AsksOfSale};
use super::wire::{wire_enum, wire_struct};
use crate::domain::command::Command;
use crate::domain::ids::{ConcertId, NodeNo, UserId};
use crate::domain::time::Timestamp;
use crate::fanout::Reply;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub from: NodeNo,
    pub stamps: Stamps,
    pub said: Said,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Asks(Asks),
    Answers(Answers),
    /// The owner knows nothing of this conversation, or does not any more.
    Over {
        conversation: u64,
    },
    /// To everybody: the sender runs this sale by this claim.
    Owns {
        concert: ConcertId,
        epoch: u64,
    },
    /// To the readers of a sale: what was committed.
    Committed(Committed),
    /// To everybody: how the sender's sales stand. Each is a `Running` in bytes, so that one that cannot be read does not take
    /// the others with it.
    Running {
        sales: Vec<Bytes>,
    },
    /// To whoever runs a sale: what was committed from this row on did not come.
    Missed {
        concert: ConcertId,
        from: u64,
    },
    /// That is not kept any more.
    NotKept {
        concert: ConcertId,
        from: u64,
    },
    /// To whoever runs a sale: somebody waits for its tables to have this row.
    Awaited {
        concert: ConcertId,
        seq: u64,
    },
    /// To everybody: something happened to the wallets of these users that no sale has a part in.
    Wallets {
        users: Vec<UserId>,
    },
    /// To everybody, all the time: the sender lives, and heard these of late.
    Alive {
        hears: Vec<NodeNo>,
    },
    /// The sender gave this sale free for the one that it speaks to.
    Yours {
        concert: ConcertId,
    },
}

/// What was committed of a sale in one row of its journal, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    pub concert: ConcertId,
    pub seq: u64,
    /// Which part it is, counted from 0, and whether it is the last one.
    pub part: u32,
    pub is_last: bool,
    /// Each an `Event`.
    pub events: Vec<Bytes>,
    pub time: SaleTime,
}

/// The difference of sale time and UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SaleTime {
    pub outages: Duration,
    /// The milliseconds by which the owner's clock was set since it began.
    pub step: i64,
}

/// How a sale stands with the server that runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    pub concert: ConcertId,
    pub epoch: u64,
    /// The end of its journal, and the last row that its tables have.
    pub seq: u64,
    pub applied: u64,
    pub time: SaleTime,
}

/// A command as it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// By the gateway's steady clock: later than this it is not decided. `None`: whenever it comes.
    pub deadline: Option<Timestamp>,
    pub command: Command,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "it is nearly always a reply, and lives for a moment")]
pub enum Verdict {
    /// `at`: the row of the sale's journal that it rests on, and how many of that row's events were before it.
    Reply { at: (u64, u32), reply: Reply },
    /// The sale is not run by this claim here, and nothing was done.
    NotMine,
    /// It came behind its deadline, and nothing was done.
    Late,
}

wire_struct! { Message { from, stamps, said } }
wire_struct! { Stamps { sent, heard } }
wire_struct! { Asks { conversation, sales } }
wire_struct! { AsksOfSale { concert, epoch, attempt, answered, first, commands } }
wire_struct! { Answers { conversation, sales } }
wire_struct! { AnswersOfSale { concert, taken, answers } }
wire_struct! { Forwarded { deadline, command } }
wire_struct! { Committed { concert, seq, part, is_last, events, time } }
wire_struct! { SaleTime { outages, step } }
wire_struct! { Running { concert, epoch, seq, applied, time } }

wire_enum! { Said {
    0 => Asks(asks),
    1 => Answers(answers),
    2 => Over { conversation },
    3 => Owns { concert, epoch },
    4 => Committed(committed),
    5 => Running { sales },
    6 => Missed { concert, from },
    7 => NotKept { concert, from },
    8 => Awaited { concert, seq },
    9 => Wallets { users },
    10 => Alive { hears },
    11 => Yours { concert },
} }

wire_enum! { Verdict {
    0 => Reply { at, reply },
    1 => NotMine,
    2 => Late,
} }
