//! What it answers, and every no.

use super::{wire_enum, wire_struct};
use crate::domain::command::{Answer, LinePosition, Place, SaleFigures};
use crate::domain::rejection::{NotOver, Rejection, Seen};
use crate::fanout::Refusal;

wire_enum! { Answer {
    0 => Queue { place, created },
    1 => Resumed { place, reservations },
    2 => Reservation(reservation),
    3 => Paid { payment, balance },
    4 => Cancelled { reservation, balance },
    5 => Charged(entry),
    6 => Figures(figures),
    7 => Restricted { changed, left },
    8 => Refunded { done, left },
    9 => SoldAtDesk { order, created },
    10 => Moved(order),
    11 => Done,
} }

wire_struct! { Place { record, line, waiting, sold_out, idle_at } }

wire_struct! { LinePosition { position, eta_seconds } }

wire_struct! { SaleFigures {
    concert, settings, rules, waiting, progress, done, expired, seats, available, held, sold, restricted,
    admissions_last_minute,
} }

wire_enum! { Refusal {
    0 => Rejected(rejection),
    1 => Overloaded { retry_after },
    2 => RateLimited { retry_after, message },
    3 => Unavailable { retry_after },
    4 => OutcomeUnknown,
    5 => Internal,
} }

wire_enum! { Rejection {
    0 => UserNotFound,
    1 => NotInQueue,
    2 => Waiting,
    3 => TokenExpired(reason),
    4 => TokenDone,
    5 => SaleNotOpen { opens_at },
    6 => SalePaused,
    7 => SaleClosed,
    8 => OtherCurrency,
    9 => ConcertNotFound,
    10 => ScheduleNotFound,
    11 => SeatNotFound { seats },
    12 => ReservationNotFound,
    13 => SeatTaken { seats },
    14 => SeatRestricted { seats },
    15 => NoSeatsAvailable,
    16 => UnknownCategory,
    17 => HoldLimit { max },
    18 => PurchaseLimit { max },
    19 => GuestSeats { max },
    20 => HoldAgainLater { seats, retry_at },
    21 => ReservationInvalid { status },
    22 => InvalidAmount,
    23 => LedgerFull { max, until },
    24 => InsufficientBalance { balance, required },
    25 => RequestIdReused,
    26 => ChangedMeanwhile { is, changed },
    27 => PerformanceBegun,
    28 => CancelTooLate,
    29 => PerformanceCalledOff,
    30 => StartPassed,
    31 => NotOver(what),
    32 => Archived,
    33 => SameStart,
    34 => TooManyPerformances,
    35 => SeatCheaper,
    36 => AlreadyRefunded { at, seats },
    37 => WalletFull { balance, refund },
} }

wire_enum! { NotOver {
    0 => Sale,
    1 => Fans(count),
    2 => Performance(schedule),
    3 => Refunds(schedule),
} }

wire_enum! { Seen {
    0 => Settings(settings),
    1 => Texts(texts),
    2 => Prices(schedule, prices),
    3 => Start(schedule, at),
} }
