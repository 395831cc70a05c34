//! The outcome of a request, in the domain's words. Both doors make these; `translate` puts them into the wire's.

use std::sync::Arc;

use frontrow_protocol::ops::watch::OpsState;

use super::operators::Operator;
use crate::domain::command::{Answer, Place};
use crate::domain::ids::{ConcertId, ScheduleId, UserId};
use crate::domain::record::{LedgerEntry, Payment, Reservation};
use crate::domain::seat_plan::Money;
use crate::fanout::SeatSnapshot;
use crate::store::StoredTicket;

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// `hello`, of a user, an operator, or one who is both; `resumed` when it was by queue token.
    Welcome {
        user: Option<UserId>,
        operator: Option<Operator>,
        resumed: Option<(Place, Vec<Reservation>)>,
    },
    /// `created`: a join that made a new token.
    Place {
        place: Place,
        created: bool,
    },
    /// The list of what is on sale, read when it is sent.
    Concerts,
    /// The performances of this concert, read when they are sent.
    Schedules(ConcertId),
    Snapshot {
        schedule: ScheduleId,
        seats: Arc<SeatSnapshot>,
    },
    Reservation(Reservation),
    /// Newest first.
    Reservations(Vec<Reservation>),
    Balance(Money),
    Charged(LedgerEntry),
    /// Newest first.
    /// With the tickets that its payments and refunds are about, as far as they are listed.
    History(Vec<LedgerEntry>, Vec<StoredTicket>),
    Paid {
        payment: Payment,
        balance: Money,
    },
    Cancelled {
        reservation: Reservation,
        balance: Money,
    },
    /// The valid ones, and those of cancelled orders.
    Tickets(Vec<StoredTicket>, Vec<StoredTicket>),
    /// What an operator watches, in the wire's words, since it is made once for all who do.
    Watched(Box<OpsState>),
    Pong,
    Done,
}

impl Outcome {
    /// The outcome that a lane's answer is to its asker; what operators get is no fan's business.
    pub fn of(answer: Answer) -> Option<Self> {
        Some(match answer {
            Answer::Queue { place, created } => Self::Place { place, created },
            Answer::Resumed { place, reservations } => {
                let user = Some(place.record.user);
                Self::Welcome { user, operator: None, resumed: Some((place, reservations)) }
            }
            Answer::Reservation(reservation) => Self::Reservation(reservation),
            Answer::Paid { payment, balance } => Self::Paid { payment, balance },
            Answer::Cancelled { reservation, balance } => Self::Cancelled { reservation, balance },
            Answer::Charged(entry) => Self::Charged(entry),
            Answer::Done => Self::Done,
            Answer::Figures(_)
            | Answer::Restricted { .. }
            | Answer::Refunded { .. }
            | Answer::SoldAtDesk { .. }
            | Answer::Moved(_) => {
                return None;
            }
        })
    }
}
