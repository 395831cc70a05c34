//! An event says what happened. It is the only way a sale's state changes, the only thing that is stored, and what is
//! published after the commit. An event carries the whole record it leaves behind, so that a store can write rows
//! without reading, and can be taken back as long as its batch is not committed.

use super::actor::Actor;
use super::concert::Texts;
use super::ids::{ScheduleId, SeatId, UserId};
use super::record::{BestRequest, LedgerEntry, Reservation, ReservationStatus, TokenRecord};
use super::rules::SaleSettings;
use super::seat_plan::Money;
use super::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A user took a place at the tail of the line.
    Joined(TokenRecord),
    /// The waiting token whose turn it was, usually the oldest, was let in.
    Admitted(TokenRecord),
    /// A live token ended: bought or expired, as its status says.
    TokenEnded(TokenRecord),
    /// Seats joined a reservation, which the first of them opened.
    SeatsHeld {
        reservation: Reservation,
        seats: Vec<SeatId>,
        /// The price of each of `seats`.
        prices: Vec<Money>,
        opened: bool,
        /// The `hold_best` that chose them, if it may be repeated.
        request: Option<BestRequest>,
    },
    /// Some of a reservation's seats were given back; others are still held.
    SeatsReleased { reservation: Reservation, seats: Vec<SeatId> },
    /// An unpaid reservation ended, expired or cancelled as its status says, and its seats are free.
    ReservationEnded { reservation: Reservation, why: HoldEnd },
    /// A reservation was paid: seats sold, tickets made, the wallet debited.
    Paid { reservation: Reservation, ledger: LedgerEntry },
    /// An operator sold free seats, or gave them away, to somebody without a place in line: tickets made, no wallet debited.
    SoldAtDesk(SoldAtDesk),
    /// These seats of a paid reservation were given back, perhaps all that it had: they are free, their tickets void.
    Refunded(Refunded),
    /// A seat of a paid reservation became another one, which was free, with a ticket of its own.
    SeatMoved(SeatMoved),
    /// The house keeps seats from sale, which were free.
    SeatsRestricted(HouseSeats),
    /// Seats that the house kept are free.
    SeatsUnrestricted(HouseSeats),
    /// What is said of the concert was changed.
    Described(Description),
    /// What free seats of a performance cost was changed.
    Repriced(Repricing),
    /// The concert has another performance, with the seats of the others, all of them free.
    ScheduleAdded(ScheduleAdded),
    /// A performance that had not begun begins at another time.
    Rescheduled(Rescheduled),
    /// A performance will not be played, or broke off. What is held of it ends at once; what is paid is refunded by and by.
    CalledOff(CalledOff),
    /// Everything of the concert is over: nothing of it changes any more, and no process runs its sale.
    Archived(Archived),
    /// The sale was changed.
    SettingsChanged { before: Box<SaleSettings>, after: Box<SaleSettings>, by: By },
}

impl Event {
    /// The place in line as it leaves it behind.
    pub const fn token(&self) -> Option<&TokenRecord> {
        match self {
            Self::Joined(token) | Self::Admitted(token) | Self::TokenEnded(token) => Some(token),
            _ => None,
        }
    }

    /// The reservation as it leaves it behind.
    pub const fn reservation(&self) -> Option<&Reservation> {
        match self {
            Self::SeatsHeld { reservation, .. }
            | Self::SeatsReleased { reservation, .. }
            | Self::ReservationEnded { reservation, .. }
            | Self::Paid { reservation, .. }
            | Self::SoldAtDesk(SoldAtDesk { reservation, .. })
            | Self::Refunded(Refunded { reservation, .. })
            | Self::SeatMoved(SeatMoved { reservation, .. }) => Some(reservation),
            Self::Joined(_)
            | Self::Admitted(_)
            | Self::TokenEnded(_)
            | Self::SeatsRestricted(_)
            | Self::SeatsUnrestricted(_)
            | Self::Described(_)
            | Self::Repriced(_)
            | Self::ScheduleAdded(_)
            | Self::Rescheduled(_)
            | Self::CalledOff(_)
            | Self::Archived(_)
            | Self::SettingsChanged { .. } => None,
        }
    }

    /// The user whose rows it changes.
    pub fn user(&self) -> Option<UserId> {
        self.token()
            .map(|token| token.user)
            .or_else(|| self.reservation().map(|reservation| reservation.user))
    }
}

/// An order of the box office, sold and paid at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoldAtDesk {
    /// With its payment, which says how it was paid.
    pub reservation: Reservation,
    /// What the operator wrote of it.
    pub note: Option<Box<str>>,
    pub by: Actor,
}

/// Seats of a paid reservation that were given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refunded {
    pub reservation: Reservation,
    pub seats: Vec<SeatId>,
    /// What came back for them.
    pub amount: Money,
    /// UTC.
    pub at: Timestamp,
    /// The entry of the wallet that it came back to; `None`: it was handed out at the desk, or there was nothing to give.
    pub ledger: Option<LedgerEntry>,
    pub why: RefundWhy,
}

/// Why seats of a paid reservation were given back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RefundWhy {
    /// Its owner cancelled it.
    Cancelled,
    /// An operator gave the money back.
    Operator { reason: Box<str>, by: Actor },
    /// Its performance was called off; who did that is in the event of that.
    CalledOff,
}

impl RefundWhy {
    /// The reason, as an operator wrote it for this order or for these seats of it.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Operator { reason, .. } => Some(reason),
            Self::Cancelled | Self::CalledOff => None,
        }
    }

    pub fn by(&self) -> Option<&Actor> {
        match self {
            Self::Operator { by, .. } => Some(by),
            Self::Cancelled | Self::CalledOff => None,
        }
    }
}

/// Somebody who bought a seat gets another one of the same performance, for what they paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatMoved {
    pub reservation: Reservation,
    pub from: SeatId,
    pub to: SeatId,
    /// UTC.
    pub at: Timestamp,
    /// Why, as the operator wrote it.
    pub note: Option<Box<str>>,
    pub by: Actor,
}

/// Another performance of a concert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleAdded {
    pub schedule: ScheduleId,
    /// UTC.
    pub starts_at: Timestamp,
    /// The number of its seats.
    pub seats: u32,
    /// Each category that does not cost what the layout says, in the plan's order: `before` is what it says.
    pub prices: Vec<PriceChange>,
    pub by: Actor,
}

impl ScheduleAdded {
    pub fn own_prices(&self) -> Vec<(u16, Money)> {
        self.prices.iter().map(|of| (of.category, of.after)).collect()
    }
}

/// The starts of a performance, UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rescheduled {
    pub schedule: ScheduleId,
    pub before: Timestamp,
    pub after: Timestamp,
    /// Why, as fans are told.
    pub reason: Option<Box<str>>,
    pub by: Actor,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// UTC.
    pub at: Timestamp,
    pub by: Actor,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalledOff {
    pub schedule: ScheduleId,
    /// Why, as fans are told.
    pub reason: Box<str>,
    pub by: Actor,
}

/// Seats that the house keeps, or kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HouseSeats {
    pub schedule: ScheduleId,
    /// In ascending order.
    pub seats: Vec<SeatId>,
    /// Why, as the operator wrote it.
    pub note: Option<Box<str>>,
    /// `None`: it followed from something else, which says who did that.
    pub by: Option<Actor>,
}

impl HouseSeats {
    pub fn new(schedule: ScheduleId, seats: Vec<SeatId>, note: Option<&str>, by: &Actor) -> Self {
        Self { schedule, seats, note: note.map(Box::from), by: Some(by.clone()) }
    }
}

/// New texts of a concert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub before: Texts,
    pub after: Texts,
    pub by: Actor,
}

/// New prices of a performance's free seats. Who holds or bought some keeps theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repricing {
    pub schedule: ScheduleId,
    /// Each category whose price changed, in the plan's order.
    pub changed: Vec<PriceChange>,
    /// The price of every category that does not cost what it was imported with, in the plan's order.
    pub own: Vec<(u16, Money)>,
    pub by: Actor,
}

/// What free seats of one category cost, and cost now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceChange {
    /// Index into the plan's categories.
    pub category: u16,
    pub name: Box<str>,
    pub before: Money,
    pub after: Money,
}

/// The one who changed a sale's settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// Nobody: `opens_at` had come.
    OpensAt,
    Actor(Actor),
}

/// Why an unpaid reservation ended: the answer to its owner's question "why was it lost".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldEnd {
    /// Its owner released all of its seats.
    Released,
    /// Its owner left the sale.
    Left,
    /// Its owner bought another reservation; buying ends the visit.
    BoughtAnother,
    /// `hold_ttl` ran out.
    HoldTime,
    /// Its owner was silent for `idle_ttl`.
    Idle,
    /// The performance began: its seats are sold no more.
    Started,
    /// The performance was called off.
    CalledOff,
}

impl HoldEnd {
    /// The status of a reservation that has ended so: expired by time, cancelled by its owner's doing.
    pub fn leaves(self) -> ReservationStatus {
        match self {
            Self::HoldTime | Self::Idle | Self::Started => ReservationStatus::Expired,
            Self::Released | Self::Left | Self::BoughtAnother | Self::CalledOff => {
                ReservationStatus::Cancelled
            }
        }
    }
}
