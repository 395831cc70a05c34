//! What servers say to each other.

use super::clocks::Stamps;
use super::conversation::{Answers, AnswersOfSale, Asks, AsksOfSale};
use super::wire::{wire_enum, wire_struct};
use crate::domain::command::Command;
use crate::domain::ids::{ConcertId, NodeNo};
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
    /// To everybody, all the time: the sender lives, and heard these of late.
    Alive {
        hears: Vec<NodeNo>,
    },
    /// The sender gave this sale free for the one that it speaks to.
    Yours {
        concert: ConcertId,
    },
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
    Reply(Reply),
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

wire_enum! { Said {
    0 => Asks(asks),
    1 => Answers(answers),
    2 => Over { conversation },
    3 => Owns { concert, epoch },
    10 => Alive { hears },
    11 => Yours { concert },
} }

wire_enum! { Verdict {
    0 => Reply(reply),
    1 => NotMine,
    2 => Late,
} }
