//! The facts that a sale consists of, as they are remembered, stored and published. Times called `…_at` of something
//! that happened are UTC; deadlines are sale time and say so.

use super::ids::{
    AddressBlock, ConcertId, EntryNo, HistoryId, PaymentId, QueueToken, ReservationId, ScheduleId, SeatId,
    TicketId, UserId,
};
use super::seat_plan::Money;
use super::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SaleState {
    /// Joining counts, nobody is admitted yet.
    Scheduled,
    Open,
    /// No joins, admissions or new holds; paying works.
    Paused,
    /// Paused, and the line is dissolved.
    Closed,
}

/// Whether a performance will be played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ScheduleState {
    #[default]
    Planned,
    /// For ever: nobody buys or holds anything of it, and all who paid get their money back.
    CalledOff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenStatus {
    Waiting,
    /// Admitted.
    Progress,
    /// Bought.
    Done,
    Expired(ExpiryReason),
}

impl TokenStatus {
    /// Waiting or admitted: the user's one live token in the sale.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Waiting | Self::Progress)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExpiryReason {
    /// The user left.
    Left,
    /// Waiting without a connection for `away_ttl`.
    Away,
    /// Admitted without a request for `idle_ttl`.
    Idle,
    /// `admission_ttl` ended, and with it what was still held.
    Time,
    /// The sale closed.
    Closed,
}

/// A place in the line of one sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    pub concert: ConcertId,
    pub entry: EntryNo,
    pub token: QueueToken,
    pub user: UserId,
    pub status: TokenStatus,
    /// UTC.
    pub entered_at: Timestamp,
    /// UTC.
    pub admitted_at: Option<Timestamp>,
    /// Sale time: the end of the admission.
    pub expires_at: Option<Timestamp>,
    /// UTC.
    pub ended_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReservationStatus {
    /// Held, to be paid until `expires_at`.
    TempReserved,
    /// Paid.
    Reserved,
    /// Not paid in time.
    Expired,
    /// Given back: released, left, or refunded.
    Cancelled,
}

/// Seats of one schedule held together for one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    pub id: ReservationId,
    pub concert: ConcertId,
    pub schedule: ScheduleId,
    pub user: UserId,
    pub status: ReservationStatus,
    /// The seats, in ascending order, without those that were given back; once it has ended, those that it had at its end.
    pub seats: Vec<SeatId>,
    /// What each of `seats` costs, whatever becomes of prices. Empty: what they were imported with.
    pub prices: Vec<Money>,
    /// The sum of the seats' prices.
    pub amount: Money,
    /// UTC.
    pub opened_at: Timestamp,
    /// Sale time: until when it can be paid.
    pub expires_at: Timestamp,
    /// UTC.
    pub ended_at: Option<Timestamp>,
    /// The `hold_best` requests that it answers, so that a repeated one takes no more seats.
    pub best_requests: Vec<BestRequest>,
    /// The address of the guest who holds it; not kept when it has ended.
    pub guest_of: Option<AddressBlock>,
    /// Present once it was paid, and still after a refund.
    pub payment: Option<Payment>,
}

/// Requests of `hold_best` that a reservation remembers. Only the last few can still be on their way, but seats may be
/// taken and given back without end.
pub const BEST_REQUESTS_KEPT_MAX: usize = 16;

impl Reservation {
    /// It was paid, and these of its seats are given back for so much. With the last of them it is given back as a whole, and
    /// names those that it had last.
    #[must_use]
    pub fn refunded(self, seats: &[SeatId], amount: Money, at: Timestamp, reason: Option<&str>) -> Self {
        let kept: Vec<SeatId> = self.seats.iter().copied().filter(|seat| !seats.contains(seat)).collect();
        let payment = self.payment.map(|mut payment| {
            let given = |ticket: &&mut Ticket| ticket.is_valid() && seats.contains(&ticket.seat);
            payment.tickets.iter_mut().filter(given).for_each(|ticket| ticket.cancelled_at = Some(at));
            let status = if kept.is_empty() { PaymentStatus::Cancelled } else { payment.status };
            let refund_reason = reason.map(Box::from);
            Payment { status, refunded: payment.refunded + amount, refund_reason, ..payment }
        });
        if kept.is_empty() {
            return Self { status: ReservationStatus::Cancelled, ended_at: Some(at), payment, ..self };
        }
        let mut rest = Self { amount: self.amount - amount, payment, ..self };
        rest.keep(&kept);
        rest
    }

    /// It was paid, and `from` becomes the seat of this ticket, which is given in the place of the earlier one. `prices`: what
    /// each of its seats, in ascending order, costs then, if that is to be written.
    #[must_use]
    pub fn moved(mut self, from: SeatId, ticket: Ticket, prices: Vec<Money>, at: Timestamp) -> Self {
        let to = ticket.seat;
        if let Some(payment) = &mut self.payment {
            let earlier =
                payment.tickets.iter_mut().filter(|ticket| ticket.is_valid() && ticket.seat == from);
            earlier.for_each(|ticket| (ticket.cancelled_at, ticket.moved_to) = (Some(at), Some(to)));
            payment.tickets.push(ticket);
            payment.tickets.sort_unstable_by_key(|ticket| ticket.id);
        }
        self.seats.retain(|seat| *seat != from);
        self.seats.insert(self.seats.partition_point(|seat| *seat < to), to);
        self.prices = prices;
        self
    }

    /// More of its seats were held, for this request if any. `prices` has one for each of them exactly if those of all its
    /// seats are to be written.
    pub fn add(&mut self, seats: &[SeatId], prices: &[Money], request: Option<BestRequest>) {
        if prices.is_empty() {
            self.seats.extend(seats);
            self.seats.sort_unstable();
        } else {
            let old = self.seats.drain(..).zip(self.prices.drain(..));
            let mut priced: Vec<_> = old.chain(seats.iter().copied().zip(prices.iter().copied())).collect();
            priced.sort_unstable();
            (self.seats, self.prices) = priced.into_iter().unzip();
        }
        if request.is_some() && self.best_requests.len() == BEST_REQUESTS_KEPT_MAX {
            self.best_requests.remove(0);
        }
        self.best_requests.extend(request);
    }

    /// It has only these of its seats, which are in ascending order.
    pub fn keep(&mut self, kept: &[SeatId]) {
        if !self.prices.is_empty() {
            self.prices = kept.iter().filter_map(|seat| self.price(*seat)).collect();
        }
        self.seats = kept.to_vec();
    }

    /// What one of its seats costs, where that is written.
    pub fn price(&self, seat: SeatId) -> Option<Money> {
        self.prices.get(self.seats.binary_search(&seat).ok()?).copied()
    }

    /// It is held no longer.
    #[must_use]
    pub fn ended(self, status: ReservationStatus, at: Timestamp) -> Self {
        Self { status, ended_at: Some(at), guest_of: None, ..self }
    }
}

/// A `hold_best` with a `request_id`, and what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BestRequest {
    pub request_id: Box<str>,
    pub count: u32,
    pub category: Option<Box<str>>,
    /// Stands for the highest price and the seats that were not to be among them; 0 for neither.
    pub bounds: u64,
}

impl BestRequest {
    /// A short number for what may be long, to know a request again by: FNV-1a, the same in every version.
    pub fn bounds_of(max_price: Option<Money>, except: &[SeatId]) -> u64 {
        if max_price.is_none() && except.is_empty() {
            return 0;
        }
        let price = max_price.map_or(u64::MAX, |price| price as u64);
        let words = std::iter::once(price).chain(except.iter().map(|seat| u64::from(seat.0)));
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in words.flat_map(u64::to_le_bytes) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash.max(1)
    }
}

/// The way in which an order was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentSource {
    /// By a fan, from their wallet.
    Wallet,
    /// At the desk, where an operator took the money. No wallet has a part in it, and what comes back does so at the desk.
    Cash,
    Card,
    /// By nobody: the house gave the seats away.
    Gift,
}

impl PaymentSource {
    /// Is it in no wallet, but in the box office's drawer or on its terminal?
    pub fn is_taken_at_desk(self) -> bool {
        match self {
            Self::Cash | Self::Card => true,
            Self::Wallet | Self::Gift => false,
        }
    }
}

/// What was paid and not given back, by the way in which it was paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takings {
    pub wallet: Money,
    pub cash: Money,
    pub card: Money,
}

impl Takings {
    pub fn add(&mut self, source: PaymentSource, money: Money) {
        match source {
            PaymentSource::Wallet => self.wallet += money,
            PaymentSource::Cash => self.cash += money,
            PaymentSource::Card => self.card += money,
            PaymentSource::Gift => {}
        }
    }

    pub fn sum(self) -> Money {
        self.wallet + self.cash + self.card
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    Done,
    /// Refunded.
    Cancelled,
}

/// The paying of one reservation, with the tickets it gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub reservation: ReservationId,
    pub user: UserId,
    pub source: PaymentSource,
    pub amount: Money,
    pub status: PaymentStatus,
    /// UTC.
    pub at: Timestamp,
    /// The part of the amount that was given back.
    pub refunded: Money,
    /// Why, as an operator wrote it who gave back last; `None` if its owner did, or the performance was called off.
    pub refund_reason: Option<Box<str>>,
    /// In the order of their ids, those that are void included.
    pub tickets: Vec<Ticket>,
}

/// A sold seat's ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub id: TicketId,
    pub schedule: ScheduleId,
    pub seat: SeatId,
    /// What was paid for it. `None`: what the seat was imported with.
    pub price: Option<Money>,
    /// 16 characters; whoever shows it is let in, so it is never logged.
    pub code: Box<str>,
    /// UTC: since when it lets nobody in.
    pub cancelled_at: Option<Timestamp>,
    /// The seat of an earlier ticket, in whose place it was given.
    pub moved_from: Option<SeatId>,
    /// The seat of the ticket that was given in its place; it lets nobody in itself.
    pub moved_to: Option<SeatId>,
}

impl Ticket {
    pub fn is_valid(&self) -> bool {
        self.cancelled_at.is_none()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LedgerKind {
    Charge,
    Payment,
    Refund,
}

/// One change of a wallet. The sum of a user's changes is the balance, always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    pub id: HistoryId,
    pub user: UserId,
    pub kind: LedgerKind,
    /// Positive for charges and refunds, negative for payments.
    pub amount_change: Money,
    /// The balance after it.
    pub balance: Money,
    /// UTC.
    pub at: Timestamp,
    pub payment: Option<PaymentId>,
    /// The request id of a charge, which makes it exactly-once.
    pub request_id: Option<Box<str>>,
}
