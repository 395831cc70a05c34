//! Every correct "no".

use super::concert::Texts;
use super::event::By;
use super::ids::{ScheduleId, SeatId};
use super::record::{ExpiryReason, ReservationStatus, TokenStatus};
use super::rules::SaleSettings;
use super::seat_plan::Money;
use super::time::Timestamp;

/// Why a command was refused. Every variant is a correct answer, not a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    UserNotFound,
    NotInQueue,
    /// Not admitted yet.
    Waiting,
    /// The token expired for this reason; `None`: it is still in PROGRESS, but `admission_ttl` is over and only
    /// what is held may be paid.
    TokenExpired(Option<ExpiryReason>),
    TokenDone,
    SaleNotOpen {
        opens_at: Option<Timestamp>,
    },
    SalePaused,
    SaleClosed,
    /// Its prices are in another currency than the wallets, so that nothing of it can be bought, not even what is held.
    OtherCurrency,
    ConcertNotFound,
    ScheduleNotFound,
    SeatNotFound {
        seats: Vec<SeatId>,
    },
    ReservationNotFound,
    SeatTaken {
        seats: Vec<SeatId>,
    },
    /// The house keeps these seats from sale.
    SeatRestricted {
        seats: Vec<SeatId>,
    },
    NoSeatsAvailable,
    /// A category that the plan does not have.
    UnknownCategory,
    HoldLimit {
        max: u32,
    },
    /// The user would have more seats of the sale than one may, held and bought together.
    PurchaseLimit {
        max: u32,
    },
    /// Guests of one address hold as many unpaid seats together as they may.
    GuestSeats {
        max: u64,
    },
    /// The user let these seats run out unpaid, and it is too early to hold them again.
    HoldAgainLater {
        seats: Vec<SeatId>,
        /// UTC.
        retry_at: Timestamp,
    },
    ReservationInvalid {
        status: ReservationStatus,
    },
    InvalidAmount,
    /// The user's ledger has as many entries of this day as it may.
    LedgerFull {
        max: u32,
        /// UTC: when the next day begins.
        until: Timestamp,
    },
    InsufficientBalance {
        balance: Money,
        required: Money,
    },
    RequestIdReused,
    /// An operator saw something else than this, which somebody set meanwhile: who and when (UTC), as far as it is known.
    ChangedMeanwhile {
        is: Box<Seen>,
        changed: Option<(By, Timestamp)>,
    },
    /// The performance has begun, and what was asked for is of those that have not.
    PerformanceBegun,
    CancelTooLate,
    PerformanceCalledOff,
    /// A start that lies behind.
    StartPassed,
    /// Something of the concert is not over.
    NotOver(NotOver),
    /// The concert is archived.
    Archived,
    /// The concert has a performance that begins at this time.
    SameStart,
    /// The concert has as many performances as one may have.
    TooManyPerformances,
    /// The seat costs less than the one in whose place it would be.
    SeatCheaper,
    /// The reservation was paid and given back at this time (UTC), or these seats of it were.
    AlreadyRefunded {
        at: Timestamp,
        /// None if it was all of it.
        seats: Vec<SeatId>,
    },
    /// The refund does not fit the wallet, which is at its bound.
    WalletFull {
        balance: Money,
        refund: Money,
    },
}

/// What of a concert is not over, the first of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOver {
    /// The sale is not closed.
    Sale,
    /// So many fans are still in line or admitted.
    Fans(u64),
    /// This performance is still to come.
    Performance(ScheduleId),
    /// Not everything that was paid for this performance, which is called off, is given back.
    Refunds(ScheduleId),
}

/// What an operator looks at before they change it, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Settings(SaleSettings),
    Texts(Texts),
    /// The price of a free seat of each category that was looked at of a performance.
    Prices(ScheduleId, Vec<(Box<str>, Money)>),
    /// When a performance starts (UTC).
    Start(ScheduleId, Timestamp),
}

/// Why a user without a live token may not act, from the token that they had last.
pub fn refusal_of_ended(status: TokenStatus) -> Rejection {
    match status {
        TokenStatus::Waiting => Rejection::Waiting,
        TokenStatus::Progress => Rejection::TokenExpired(None),
        TokenStatus::Done => Rejection::TokenDone,
        TokenStatus::Expired(reason) => Rejection::TokenExpired(Some(reason)),
    }
}
