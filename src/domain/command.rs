//! The commands that a sale decides, and its answers. Randomness, wallets and facts that are no longer in memory come
//! in beside the command (`Inputs`), so that deciding needs nothing from outside.

use std::collections::HashMap;

use super::actor::Actor;
use super::concert::TextsPatch;
use super::event::RefundWhy;
use super::ids::{
    AddressBlock, ConcertId, ConnectionId, IdSource, NodeNo, QueueToken, ReservationId, ScheduleId, SeatId,
    UserId,
};
use super::record::{LedgerEntry, Payment, PaymentSource, Reservation, TokenRecord};
use super::rules::SalePatch;
use super::seat_map::SeatState;
use super::seat_plan::Money;
use super::time::Timestamp;
use super::wallet::Wallets;

pub use super::rejection::{NotOver, Rejection, Seen, refusal_of_ended};

/// The one who asks: a user, the token that their session carries, if any, and for guests where they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: UserId,
    pub token: Option<QueueToken>,
    /// Nobody vouches for them: what they hold counts with what other guests of the same address hold.
    pub guest_of: Option<AddressBlock>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take a place in line, or get back the live one. The connection, if any, counts as presence from now on.
    Join {
        user: UserId,
        connection: Option<ConnectionId>,
    },
    /// `hello` by queue token: the token's state and open reservations, whatever its status.
    Resume {
        token: QueueToken,
        connection: Option<ConnectionId>,
    },
    /// The token's state. Not activity; `polled` counts as presence.
    Get {
        caller: Caller,
        polled: bool,
    },
    /// "Still here": activity, and the token's state.
    Extend {
        caller: Caller,
    },
    Leave {
        caller: Caller,
    },
    /// A request that the sale has no part in was made: activity.
    Touch {
        user: UserId,
    },
    /// The user is connected: present by this connection if they have a live token here, whose place is the answer.
    Connect {
        user: UserId,
        connection: ConnectionId,
    },
    /// The connection is gone. A connection that the sale never saw changes nothing.
    Disconnect {
        user: UserId,
        connection: ConnectionId,
    },
    /// These are connected to another node, which tells whoever runs the sale anew: present are those who have a live token here.
    Present {
        connections: Vec<(UserId, ConnectionId)>,
    },
    /// The node is gone, and with it all connections to it.
    NodeGone {
        node: NodeNo,
    },
    /// Take all of these seats or none.
    Hold {
        caller: Caller,
        schedule: ScheduleId,
        seats: Vec<SeatId>,
    },
    /// Take the `count` best seats that are together, none of them dearer than `max_price`, none of `except`.
    HoldBest {
        caller: Caller,
        schedule: ScheduleId,
        count: u32,
        category: Option<Box<str>>,
        max_price: Option<Money>,
        except: Vec<SeatId>,
        request_id: Option<Box<str>>,
    },
    /// Give back some (`Some`) or all (`None`) of a reservation's seats.
    Release {
        caller: Caller,
        reservation: ReservationId,
        seats: Option<Vec<SeatId>>,
    },
    Pay {
        caller: Caller,
        reservation: ReservationId,
    },
    /// Give back a paid reservation for a refund.
    Cancel {
        caller: Caller,
        reservation: ReservationId,
    },
    /// Operators: change the sale.
    Configure {
        patch: Box<SalePatch>,
        /// What the operator saw of it before: if it is not so any more, they are told what it is.
        was: Option<Box<SalePatch>>,
        by: Actor,
    },
    /// Operators: keep seats from sale. What somebody holds or bought is left to them.
    Restrict {
        schedule: ScheduleId,
        seats: Vec<SeatId>,
        note: Option<Box<str>>,
        by: Actor,
    },
    /// Operators: give seats that the house keeps back to the sale.
    Unrestrict {
        schedule: ScheduleId,
        seats: Vec<SeatId>,
        note: Option<Box<str>>,
        by: Actor,
    },
    /// Operators: change what free seats of some categories cost in these performances, in all of them or in none.
    Reprice {
        schedules: Vec<ScheduleId>,
        /// By the plan's categories, each once.
        prices: Vec<(u16, Money)>,
        /// What the operator saw of them before.
        was: Vec<(u16, Money)>,
        by: Actor,
    },
    /// Operators: change what is said of the concert.
    Describe {
        patch: Box<TextsPatch>,
        /// What the operator saw of it before.
        was: Box<TextsPatch>,
        by: Actor,
    },
    /// Operators: another performance, whose seats the store has already.
    AddSchedule {
        schedule: ScheduleId,
        /// UTC.
        starts_at: Timestamp,
        /// What seats of these categories cost, where that is not what the layout says.
        prices: Vec<(u16, Money)>,
        /// The seats that the plan keeps from sale, if that is known still.
        of_plan: Option<Vec<SeatId>>,
        by: Actor,
    },
    /// Operators: another start for a performance that has not begun.
    Postpone {
        schedule: ScheduleId,
        /// UTC.
        starts_at: Timestamp,
        /// The start that the operator saw: if it is another one by now, they are told.
        was: Option<Timestamp>,
        reason: Option<Box<str>>,
        by: Actor,
    },
    /// Operators: everything is over.
    Archive {
        by: Actor,
    },
    /// Operators: a performance is not played, or broke off.
    CallOff {
        schedule: ScheduleId,
        reason: Box<str>,
        by: Actor,
    },
    /// Operators: sell seats to somebody who is at the desk, or give them away. All of these, free or kept, or none.
    SellAtDesk {
        /// Of this one order, made for it: asked again for the same user, it is the same order.
        user: UserId,
        schedule: ScheduleId,
        seats: Vec<SeatId>,
        /// Not a wallet.
        source: PaymentSource,
        /// What the operator saw that it costs.
        amount: Option<Money>,
        note: Option<Box<str>>,
        by: Actor,
    },
    /// Give paid orders back, each named with its user, whose wallet has to be read before. One that cannot be given back
    /// is left, and does not stop the others.
    Refund {
        orders: Vec<(ReservationId, UserId)>,
        why: RefundWhy,
    },
    /// Operators: give single seats of a paid order back, all of these or none.
    RefundSeats {
        order: ReservationId,
        user: UserId,
        seats: Vec<SeatId>,
        why: RefundWhy,
    },
    /// Operators: give who bought a seat another one of the same performance, free or kept, that costs no less.
    MoveSeat {
        order: ReservationId,
        from: SeatId,
        to: SeatId,
        /// The house keeps the seat that they had.
        keep: bool,
        note: Option<Box<str>>,
        by: Actor,
    },
    /// Operators: the figures of the sale.
    Figures,
}

impl Command {
    /// May it change something that is no fan's doing?
    pub fn is_of_operators(&self) -> bool {
        match self {
            Self::Configure { .. }
            | Self::Restrict { .. }
            | Self::Unrestrict { .. }
            | Self::Reprice { .. }
            | Self::Describe { .. }
            | Self::AddSchedule { .. }
            | Self::Postpone { .. }
            | Self::Archive { .. }
            | Self::CallOff { .. }
            | Self::Refund { .. }
            | Self::RefundSeats { .. }
            | Self::SellAtDesk { .. }
            | Self::MoveSeat { .. } => true,
            Self::Join { .. }
            | Self::Resume { .. }
            | Self::Get { .. }
            | Self::Extend { .. }
            | Self::Leave { .. }
            | Self::Touch { .. }
            | Self::Connect { .. }
            | Self::Disconnect { .. }
            | Self::Present { .. }
            | Self::NodeGone { .. }
            | Self::Hold { .. }
            | Self::HoldBest { .. }
            | Self::Release { .. }
            | Self::Pay { .. }
            | Self::Cancel { .. }
            | Self::Figures => false,
        }
    }

    /// Does it say who is there? Lost, it would cost a present fan's place, or keep an absent one's for ever.
    pub fn is_presence(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. } | Self::Disconnect { .. } | Self::Present { .. } | Self::NodeGone { .. }
        )
    }

    /// The fan who asks, if it says who that is.
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::Join { user, .. } | Self::Touch { user } | Self::Connect { user, .. } => Some(*user),
            Self::Get { caller, .. }
            | Self::Extend { caller }
            | Self::Leave { caller }
            | Self::Hold { caller, .. }
            | Self::HoldBest { caller, .. }
            | Self::Release { caller, .. }
            | Self::Pay { caller, .. }
            | Self::Cancel { caller, .. } => Some(caller.user),
            _ => None,
        }
    }

    /// The command's name for the log, which must not have a token in it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Join { .. } => "join",
            Self::Resume { .. } => "resume",
            Self::Connect { .. } => "connect",
            Self::Get { .. } => "get",
            Self::Extend { .. } => "extend",
            Self::Leave { .. } => "leave",
            Self::Touch { .. } => "touch",
            Self::Disconnect { .. } => "disconnect",
            Self::Present { .. } => "present",
            Self::NodeGone { .. } => "node_gone",
            Self::Hold { .. } => "hold",
            Self::HoldBest { .. } => "hold_best",
            Self::Release { .. } => "release",
            Self::Pay { .. } => "pay",
            Self::Cancel { .. } => "cancel",
            Self::Configure { .. } => "configure",
            Self::Restrict { .. } => "restrict",
            Self::Unrestrict { .. } => "unrestrict",
            Self::Reprice { .. } => "reprice",
            Self::Describe { .. } => "describe",
            Self::AddSchedule { .. } => "add_schedule",
            Self::Postpone { .. } => "postpone",
            Self::Archive { .. } => "archive",
            Self::CallOff { .. } => "call_off",
            Self::Refund { .. } => "refund",
            Self::RefundSeats { .. } => "refund_seats",
            Self::SellAtDesk { .. } => "sell_at_desk",
            Self::MoveSeat { .. } => "move_seat",
            Self::Figures => "figures",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `created`: a join that made a new token.
    Queue {
        place: Place,
        created: bool,
    },
    Resumed {
        place: Place,
        reservations: Vec<Reservation>,
    },
    Reservation(Reservation),
    Paid {
        payment: Payment,
        balance: Money,
    },
    Cancelled {
        reservation: Reservation,
        balance: Money,
    },
    /// The ledger's entry of a charge; the one made before if it was repeated.
    Charged(LedgerEntry),
    Figures(SaleFigures),
    /// Seats that the house keeps now, or gave back to the sale, and those that it could not have as somebody has them.
    Restricted {
        changed: Vec<SeatId>,
        left: Vec<(SeatId, SeatState)>,
    },
    /// The orders that were given back, as they are now, with the balance after each that came from a wallet, and those that
    /// were left, with the reason.
    Refunded {
        done: Vec<(Reservation, Option<Money>)>,
        left: Vec<(ReservationId, Rejection)>,
    },
    /// The order of the box office. `created`: it was not there before.
    SoldAtDesk {
        order: Reservation,
        created: bool,
    },
    /// The order whose seat is another one.
    Moved(Reservation),
    /// Nothing to say.
    Done,
}

/// A token's state with its place in line. `position`, `ahead` and `eta_seconds` are `None` unless waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub record: TokenRecord,
    pub line: Option<LinePosition>,
    pub waiting: u64,
    /// Every seat that is still to be played is sold.
    pub sold_out: bool,
    /// Sale time: when the admission ends without activity.
    pub idle_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinePosition {
    /// 1 + the number of waiting tokens that came earlier.
    pub position: u64,
    /// Whole seconds, from the admission rate of the last minute; `None` while nobody was admitted in it.
    pub eta_seconds: Option<u64>,
}

/// The figures of a sale that an operator sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleFigures {
    pub concert: ConcertId,
    pub settings: super::rules::SaleSettings,
    pub rules: super::rules::SaleRules,
    pub waiting: u64,
    pub progress: u64,
    /// Tokens ended since this process began to run the sale.
    pub done: u64,
    pub expired: u64,
    pub seats: u64,
    pub available: u64,
    pub held: u64,
    pub sold: u64,
    pub restricted: u64,
    pub admissions_last_minute: u64,
}

/// The inputs that a batch of commands needs besides the sale: read under lock before deciding, thrown away with the
/// batch.
pub struct Inputs {
    pub wallets: Wallets,
    pub ended: EndedFacts,
    pub ids: IdSource,
}

/// Facts that are no longer in memory, read from the store because a command of the batch names them.
#[derive(Clone, Debug, Default)]
pub struct EndedFacts {
    pub reservations: HashMap<ReservationId, Reservation>,
    /// Tokens of any status but live.
    pub tokens: HashMap<QueueToken, TokenRecord>,
    /// The token that a user had last in a sale.
    pub last_tokens: HashMap<(ConcertId, UserId), TokenRecord>,
    /// The order that was made at the desk for a user.
    pub desk_orders: HashMap<(ConcertId, UserId), Reservation>,
}

/// The rows that have to be read before a command is decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub wallets: Vec<UserId>,
    pub charges: Vec<(UserId, Box<str>)>,
    pub reservations: Vec<ReservationId>,
    pub tokens: Vec<QueueToken>,
    pub last_tokens: Vec<(ConcertId, UserId)>,
    pub desk_orders: Vec<(ConcertId, UserId)>,
    /// Users whose ledger of today is not known, once for each entry that they may add, and what of it matters.
    pub ledgers: Vec<UserId>,
    pub ledger_since: Timestamp,
    pub ledger_max: u32,
}

impl Needs {
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}
