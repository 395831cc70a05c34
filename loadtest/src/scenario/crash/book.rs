//! The answers that one fan got, and whether what the server says after a crash fits them.
//!
//! Always: a request is noted before it is sent and forgotten only when its answer was read. What was confirmed must be
//! there, wholly; a request without an answer may have happened or not, but nothing between.

use std::collections::BTreeMap;

use frontrow_crowd::fan::Place;
use frontrow_protocol::result::QueueStatus;
use uuid::Uuid;

use crate::server::PRICE;

/// An action of a fan. Every one may be repeated safely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Join,
    Hold(Vec<u32>),
    Release(Uuid),
    Charge {
        /// Minor units.
        amount: i64,
        request_id: String,
    },
    Pay(Uuid),
    Cancel(Uuid),
    Leave,
}

/// A fan's queue token, by the newest word about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfirmedPlace {
    /// `None`: not confirmed yet.
    pub token: Option<Uuid>,
    pub standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody gets in front of anybody: from here the position only falls.
    Waiting {
        position_max: u64,
    },
    Admitted,
    Ended,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// `None`: not confirmed yet.
    pub reservation: Option<Uuid>,
    /// Ascending.
    pub seats: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bought {
    pub reservation: Uuid,
    /// `None`: not confirmed yet.
    pub payment: Option<Uuid>,
    /// Ascending.
    pub seats: Vec<u32>,
}

/// Everything that was confirmed to a fan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    pub place: Option<ConfirmedPlace>,
    pub held: Option<Held>,
    pub bought: Vec<Bought>,
    /// Minor units.
    pub balance: i64,
}

/// The state that the server shows when everything is queried.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub place: Option<Place>,
    /// Open reservations, their seats ascending.
    pub held: BTreeMap<Uuid, Vec<u32>>,
    /// The seats of paid reservations' tickets, ascending.
    pub tickets: BTreeMap<Uuid, Vec<u32>>,
    /// Minor units.
    pub balance: i64,
}

/// A fan's own account of all that happened.
#[derive(Clone, Debug, Default)]
pub struct Book {
    pub confirmed: Confirmed,
    /// Sent, and not answered.
    pub pending: Option<Action>,
}

/// The outcome of a request whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Happened,
    DidNot,
}

impl Confirmed {
    /// The state once the action has happened.
    pub fn after(&self, action: &Action) -> Self {
        let mut confirmed = self.clone();
        match action {
            Action::Join => {
                let standing = Standing::Waiting { position_max: u64::MAX };
                confirmed.place = Some(ConfirmedPlace { token: None, standing });
            }
            Action::Hold(seats) => confirmed.held = Some(Held { reservation: None, seats: seats.clone() }),
            Action::Release(_) => confirmed.held = None,
            Action::Charge { amount, .. } => confirmed.balance += amount,
            Action::Pay(reservation) => {
                if let Some(held) = confirmed.held.take() {
                    confirmed.balance -= cost(&held.seats);
                    confirmed.bought.push(Bought {
                        reservation: *reservation,
                        payment: None,
                        seats: held.seats,
                    });
                }
                confirmed.end_place();
            }
            Action::Cancel(reservation) => {
                if let Some(index) =
                    confirmed.bought.iter().position(|bought| bought.reservation == *reservation)
                {
                    confirmed.balance += cost(&confirmed.bought.remove(index).seats);
                }
            }
            Action::Leave => {
                confirmed.held = None;
                confirmed.end_place();
            }
        }
        confirmed
    }

    fn end_place(&mut self) {
        if let Some(place) = &mut self.place {
            place.standing = Standing::Ended;
        }
    }

    /// Notes the newest word about the place in line.
    pub fn note_place(&mut self, place: Place) {
        let standing = match place.status {
            QueueStatus::Waiting => Standing::Waiting { position_max: place.position.unwrap_or(u64::MAX) },
            QueueStatus::Progress => Standing::Admitted,
            QueueStatus::Done | QueueStatus::Expired => Standing::Ended,
        };
        self.place = Some(ConfirmedPlace { token: Some(place.token), standing });
    }

    /// An error says what is missing or too much.
    pub fn fits(&self, seen: &Seen) -> Result<(), String> {
        self.place_fits(seen.place)?;
        let held: Vec<_> = seen.held.iter().collect();
        match (&self.held, held.as_slice()) {
            (None, []) => {}
            (Some(confirmed), [(id, seats)])
                if confirmed.seats == **seats
                    && confirmed.reservation.is_none_or(|confirmed| confirmed == **id) => {}
            (confirmed, held) => return Err(format!("confirmed to hold {confirmed:?}, holds {held:?}")),
        }
        let confirmed: BTreeMap<_, _> =
            self.bought.iter().map(|bought| (bought.reservation, bought.seats.clone())).collect();
        if confirmed != seen.tickets {
            return Err(format!(
                "confirmed to have bought {confirmed:?}, has tickets for {:?}",
                seen.tickets
            ));
        }
        if self.balance != seen.balance {
            return Err(format!("confirmed a balance of {}, has {}", self.balance, seen.balance));
        }
        Ok(())
    }

    fn place_fits(&self, seen: Option<Place>) -> Result<(), String> {
        let fits = match (self.place, seen) {
            (None, None) => true,
            // An ended token needs not be shown for ever.
            (Some(ConfirmedPlace { standing: Standing::Ended, .. }), None) => true,
            (Some(confirmed), Some(seen)) if confirmed.token.is_none_or(|token| token == seen.token) => {
                match (confirmed.standing, seen.status) {
                    (Standing::Waiting { position_max }, QueueStatus::Waiting) => {
                        seen.position.is_some_and(|position| position <= position_max)
                    }
                    (Standing::Waiting { .. } | Standing::Admitted, QueueStatus::Progress) => true,
                    (Standing::Ended, QueueStatus::Done | QueueStatus::Expired) => true,
                    _ => false,
                }
            }
            _ => false,
        };
        if fits { Ok(()) } else { Err(format!("confirmed the place {:?}, has {seen:?}", self.place)) }
    }
}

impl Book {
    /// Judges what the server says after a crash, and what became of the request whose answer was lost. An error says
    /// how neither fits.
    pub fn judge(&self, seen: &Seen) -> Result<Option<Settled>, String> {
        let without = self.confirmed.fits(seen);
        let Some(pending) = &self.pending else { return without.map(|()| None) };
        // A new token shows that the join happened; that the ended one is not shown any more does not.
        let with = self.confirmed.after(pending).fits(seen);
        match (without, with) {
            (Ok(()), _) => Ok(Some(Settled::DidNot)),
            (Err(_), Ok(())) => Ok(Some(Settled::Happened)),
            (Err(without), Err(with)) => {
                Err(format!("neither without {pending:?}: {without}; nor with it: {with}"))
            }
        }
    }
}

/// The price of seats, in minor units.
pub fn cost(seats: &[u32]) -> i64 {
    PRICE * seats.len() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Uuid = Uuid::from_u128(1);
    const RESERVATION: Uuid = Uuid::from_u128(2);

    fn place(status: QueueStatus, position: Option<u64>) -> Place {
        Place { token: TOKEN, status, position, sold_out: false, reason: None }
    }

    /// A fan in line at 5, then admitted, holding two seats with money for them.
    fn shopper() -> (Book, Seen) {
        let mut book = Book::default();
        book.confirmed.note_place(place(QueueStatus::Progress, None));
        book.confirmed.held = Some(Held { reservation: Some(RESERVATION), seats: vec![3, 4] });
        book.confirmed.balance = 2 * PRICE;
        let seen = Seen {
            place: Some(place(QueueStatus::Progress, None)),
            held: [(RESERVATION, vec![3, 4])].into(),
            tickets: BTreeMap::new(),
            balance: 2 * PRICE,
        };
        (book, seen)
    }

    #[test]
    fn a_place_may_come_nearer_and_never_go_back() {
        let mut confirmed = Confirmed::default();
        confirmed.note_place(place(QueueStatus::Waiting, Some(5)));
        let seen = |status, position| Seen { place: Some(place(status, position)), ..Seen::default() };
        assert!(confirmed.fits(&seen(QueueStatus::Waiting, Some(5))).is_ok());
        assert!(confirmed.fits(&seen(QueueStatus::Waiting, Some(1))).is_ok());
        assert!(confirmed.fits(&seen(QueueStatus::Progress, None)).is_ok());
        assert!(confirmed.fits(&seen(QueueStatus::Waiting, Some(6))).is_err());
        assert!(confirmed.fits(&seen(QueueStatus::Expired, None)).is_err());
        assert!(confirmed.fits(&Seen::default()).is_err(), "a confirmed place is gone");
        confirmed.note_place(place(QueueStatus::Progress, None));
        assert!(confirmed.fits(&seen(QueueStatus::Waiting, Some(1))).is_err(), "admitted, and back in line");
    }

    #[test]
    fn what_was_confirmed_must_be_there() {
        let (book, seen) = shopper();
        assert_eq!(book.judge(&seen), Ok(None));
        let lost_hold = Seen { held: BTreeMap::new(), ..seen.clone() };
        assert!(book.judge(&lost_hold).unwrap_err().contains("confirmed to hold"));
        let half_hold = Seen { held: [(RESERVATION, vec![3])].into(), ..seen.clone() };
        assert!(book.judge(&half_hold).is_err());
        let lost_money = Seen { balance: PRICE, ..seen.clone() };
        assert!(book.judge(&lost_money).unwrap_err().contains("balance"));
        let given = Seen { tickets: [(RESERVATION, vec![3, 4])].into(), ..seen };
        assert!(book.judge(&given).unwrap_err().contains("tickets"));
    }

    #[test]
    fn a_payment_without_an_answer_happened_wholly_or_not_at_all() {
        let (mut book, before) = shopper();
        book.pending = Some(Action::Pay(RESERVATION));
        let after = Seen {
            place: Some(place(QueueStatus::Done, None)),
            held: BTreeMap::new(),
            tickets: [(RESERVATION, vec![3, 4])].into(),
            balance: 0,
        };
        assert_eq!(book.judge(&before), Ok(Some(Settled::DidNot)));
        assert_eq!(book.judge(&after), Ok(Some(Settled::Happened)));
        for torn in [
            Seen { balance: 0, ..before.clone() },
            Seen { held: BTreeMap::new(), ..before },
            Seen { tickets: BTreeMap::new(), ..after.clone() },
            Seen { balance: 2 * PRICE, ..after },
        ] {
            assert!(book.judge(&torn).is_err(), "{torn:?}");
        }
    }

    #[test]
    fn every_action_may_have_happened_or_not() {
        let (book, seen) = shopper();
        let released = Seen { held: BTreeMap::new(), ..seen.clone() };
        let left = Seen { place: Some(place(QueueStatus::Expired, None)), ..released.clone() };
        let charged = Seen { balance: 5 * PRICE, ..seen.clone() };
        let charge = Action::Charge { amount: 3 * PRICE, request_id: "c".into() };
        for (action, after) in
            [(Action::Release(RESERVATION), released), (Action::Leave, left), (charge, charged)]
        {
            let book = Book { pending: Some(action), ..book.clone() };
            assert_eq!(book.judge(&seen), Ok(Some(Settled::DidNot)));
            assert_eq!(book.judge(&after), Ok(Some(Settled::Happened)));
            assert!(book.judge(&Seen::default()).is_err());
        }
        let confirmed = book.confirmed.after(&Action::Pay(RESERVATION)).after(&Action::Cancel(RESERVATION));
        assert_eq!((confirmed.balance, confirmed.bought.len(), &confirmed.held), (2 * PRICE, 0, &None));
        let joined = confirmed.after(&Action::Join).place.unwrap();
        assert_eq!(
            joined,
            ConfirmedPlace { token: None, standing: Standing::Waiting { position_max: u64::MAX } }
        );
    }
}
