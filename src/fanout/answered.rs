//! The state that a connection has learnt from the answer to its own request, and so is not sent again as a
//! notification.

use super::{Reply, ReplyTo, Subscriber};
use crate::domain::command::Answer;
use crate::domain::ids::{ConnectionId, EntryNo, ReservationId};
use crate::domain::record::{Reservation, ReservationStatus, TokenRecord, TokenStatus};

/// It is about events of the same command, and so of the same sale.
pub struct Answered {
    connection: ConnectionId,
    known: Known,
}

enum Known {
    Token(EntryNo, TokenStatus),
    Reservation(ReservationId, ReservationStatus),
}

impl Answered {
    pub fn by(to: &ReplyTo, reply: &Reply) -> Option<Self> {
        let (ReplyTo::Session { subscriber, .. }, Ok(answer)) = (to.hearer(), reply) else { return None };
        let known = match answer {
            Answer::Queue { place, .. } | Answer::Resumed { place, .. } => {
                Known::Token(place.record.entry, place.record.status)
            }
            Answer::Reservation(reservation) | Answer::Cancelled { reservation, .. } => {
                Known::Reservation(reservation.id, reservation.status)
            }
            Answer::Paid { payment, .. } => {
                Known::Reservation(payment.reservation, ReservationStatus::Reserved)
            }
            Answer::Charged(_)
            | Answer::Figures(_)
            | Answer::Restricted { .. }
            | Answer::Refunded { .. }
            | Answer::SoldAtDesk { .. }
            | Answer::Moved(_)
            | Answer::Done => return None,
        };
        Some(Self { connection: subscriber.id(), known })
    }

    /// The state of a token that the answer has, or one on the way there.
    pub(super) fn knows_token(&self, subscriber: &Subscriber, token: &TokenRecord) -> bool {
        let Known::Token(entry, status) = self.known else { return false };
        subscriber.id() == self.connection
            && entry == token.entry
            && (status == token.status || !status.is_live())
    }

    pub(super) fn knows_reservation(&self, subscriber: &Subscriber, reservation: &Reservation) -> bool {
        let Known::Reservation(id, status) = self.known else { return false };
        subscriber.id() == self.connection && (id, status) == (reservation.id, reservation.status)
    }
}
