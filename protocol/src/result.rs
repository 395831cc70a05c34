//! The contents of answers and notifications. They are read leniently: a server may add fields.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ops::who::Operator;
use crate::time::Timestamp;

/// Who the session acts as, and where it goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Welcome {
    /// Absent of an operator whose token names no user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<u64>,
    /// The operator, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
    pub server_time: Timestamp,
    /// The server's name and version.
    pub server: String,
    /// The place in line of the resumed queue token, also when it is `DONE` or `EXPIRED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueUpdate>,
    /// The open reservations of the resumed queue token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservations: Option<Vec<Reservation>>,
}

/// The concerts that are on sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Concerts {
    pub concerts: Vec<Concert>,
}

/// A concert and its sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Concert {
    pub concert_id: u32,
    pub title: String,
    pub venue: String,
    /// ISO 4217: in which its prices are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The venue's IANA time zone, in which its performances are to be shown; null while unknown.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// The number of seats that one reservation may have.
    #[serde(default)]
    pub seats_per_reservation_max: u32,
    /// The number of seats of the sale that one user may have, held and bought together, in all performances; 0: any
    /// number.
    #[serde(default)]
    pub seats_per_user_max: u32,
    pub sale: Sale,
    /// Those that have not started yet.
    pub schedules: Vec<ConcertSchedule>,
}

/// The state of a sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sale {
    pub state: SaleState,
    /// The time at which admission begins, if that is planned.
    pub opens_at: Option<Timestamp>,
    /// The operator's message to the fans.
    pub message: Option<String>,
}

/// The state of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SaleState {
    /// Not open yet: one may join, nobody is admitted.
    Scheduled,
    Open,
    /// No joins, admissions or new holds; paying goes on.
    Paused,
    /// Paused, and the line is dissolved.
    Closed,
}

impl SaleState {
    pub const ALL: &'static [Self] = &[Self::Scheduled, Self::Open, Self::Paused, Self::Closed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::Open => "OPEN",
            Self::Paused => "PAUSED",
            Self::Closed => "CLOSED",
        }
    }
}

/// Whether a performance is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScheduleState {
    #[default]
    Planned,
    /// It is not: nothing of it is sold, and what was paid comes back.
    CalledOff,
}

/// One performance, as anybody may see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConcertSchedule {
    pub schedule_id: u64,
    pub starts_at: Timestamp,
    pub sold_out: bool,
    #[serde(default)]
    pub state: ScheduleState,
    /// Why it was moved or called off, as the operator wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A place in line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueUpdate {
    /// The queue token. Whoever has it acts as its user in this sale.
    pub token: Uuid,
    pub concert_id: u32,
    pub status: QueueStatus,
    /// 1 + the number of fans before this one; null unless `WAITING`.
    pub position: Option<u64>,
    /// The fans before this one; null unless `WAITING`.
    pub ahead: Option<u64>,
    /// The length of the whole line.
    pub waiting: u64,
    /// Seconds to admission at the rate seen lately; null while unknown, and while no seat is free.
    pub eta_seconds: Option<u64>,
    /// No seat of the sale is free.
    pub sold_out: bool,
    pub entered_at: Timestamp,
    pub admitted_at: Option<Timestamp>,
    /// The time at which the admission ends; null unless `PROGRESS`.
    pub expires_at: Option<Timestamp>,
    /// The time at which it ends without activity; null unless `PROGRESS`.
    pub idle_at: Option<Timestamp>,
    /// Why it ended; null unless `EXPIRED`.
    pub reason: Option<EndReason>,
}

/// The status of a queue token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QueueStatus {
    Waiting,
    /// Admitted.
    Progress,
    /// Bought.
    Done,
    Expired,
}

impl QueueStatus {
    pub const ALL: &'static [Self] = &[Self::Waiting, Self::Progress, Self::Done, Self::Expired];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Progress => "PROGRESS",
            Self::Done => "DONE",
            Self::Expired => "EXPIRED",
        }
    }
}

/// Why a queue token is `EXPIRED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The fan left.
    Left,
    /// The waiting fan had no connection for too long.
    Away,
    /// The admitted fan did nothing for too long.
    Idle,
    /// The admission's time was over.
    Time,
    /// The sale was closed.
    Closed,
}

/// The performances that are played of the concert whose queue token the session carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Schedules {
    /// Rises with what is said of them: a `sale.update` with a higher one says that this is not so any more.
    #[serde(default)]
    pub revision: u64,
    pub schedules: Vec<Schedule>,
}

/// One performance, as an admitted fan sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Schedule {
    pub schedule_id: u64,
    pub starts_at: Timestamp,
    /// The venue's IANA time zone; null while unknown.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// The number of seats that one reservation may have.
    #[serde(default)]
    pub seats_per_reservation_max: u32,
    /// The number of seats of the sale that one user may have, held and bought together, in all performances; 0: any
    /// number.
    #[serde(default)]
    pub seats_per_user_max: u32,
    /// All seats, in whatever state.
    pub seats: u32,
    /// The free ones.
    pub available: u32,
    /// Those that the house keeps from sale.
    #[serde(default)]
    pub restricted: u32,
    pub sold_out: bool,
    /// Category to price, in minor units of the currency.
    pub prices: BTreeMap<String, i64>,
    /// Category to free seats; a category without any is 0.
    #[serde(default)]
    pub left: BTreeMap<String, u32>,
    /// Why it was moved to another start, as the operator wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The seats of one performance at one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    pub schedule_id: u64,
    /// Grows with every change.
    pub version: u64,
    /// Two bits a seat, seat 0 in the low bits of byte 0, base64 with padding: 0 AVAILABLE, 1 TEMP_RESERVED, 2 RESERVED,
    /// 3 RESTRICTED (not for sale).
    pub seats: String,
    /// All seats.
    pub count: u32,
    /// The free ones.
    pub available: u32,
}

/// A result that says nothing but "done".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {}

/// Seats of one performance, held together or sold together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reservation {
    pub reservation_id: Uuid,
    pub concert_id: u32,
    pub schedule_id: u64,
    pub status: ReservationStatus,
    /// The sum of the seats' prices, in minor units of the currency.
    pub amount: i64,
    /// The time at which the unpaid seats are released; null unless `TEMP_RESERVED`.
    pub expires_at: Option<Timestamp>,
    /// The seats, in the order of their numbers. After the end, those that it still had then.
    pub seats: Vec<ReservedSeat>,
}

/// The status of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReservationStatus {
    /// Held, to be paid in time.
    TempReserved,
    /// Paid.
    Reserved,
    /// Not paid in time.
    Expired,
    /// Given back, before or after paying.
    Cancelled,
}

impl ReservationStatus {
    pub const ALL: &'static [Self] = &[Self::TempReserved, Self::Reserved, Self::Expired, Self::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TempReserved => "TEMP_RESERVED",
            Self::Reserved => "RESERVED",
            Self::Expired => "EXPIRED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// One seat of a reservation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReservedSeat {
    pub seat: u32,
    /// Zone, row and number, as printed on the ticket.
    pub label: String,
    pub category: String,
    /// Minor units of the currency.
    pub price: i64,
}

/// The user's reservations, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reservations {
    pub reservations: Vec<Reservation>,
}

/// The wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Balance {
    /// Minor units of the currency.
    pub balance: i64,
    /// ISO 4217, of every wallet; null before the first concert.
    #[serde(default)]
    pub currency: Option<String>,
}

/// The wallet after a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Charged {
    /// Minor units of the currency. The same charge sent again gives what it gave first.
    pub balance: i64,
    /// ISO 4217, of every wallet; null before the first concert.
    #[serde(default)]
    pub currency: Option<String>,
    pub history_id: Uuid,
}

/// A page of the wallet's ledger, newest entry first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// ISO 4217, of every wallet; null before the first concert.
    #[serde(default)]
    pub currency: Option<String>,
    pub entries: Vec<HistoryEntry>,
}

/// One change of the wallet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryEntry {
    pub history_id: Uuid,
    #[serde(rename = "type")]
    pub kind: HistoryKind,
    /// Minor units of the currency; below zero when money went out.
    pub amount_change: i64,
    /// The balance after it.
    pub balance: i64,
    pub at: Timestamp,
    /// The payment that was made or refunded; absent for a charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<Uuid>,
    /// The purchase that the payment made; absent for a charge, and for one that is too old to be among the listed
    /// tickets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchase: Option<Purchase>,
}

/// The purchase that a payment made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Purchase {
    pub reservation_id: Uuid,
    pub concert_id: u32,
    /// The concert's title.
    pub title: String,
    pub starts_at: Timestamp,
    /// The venue's IANA time zone; absent while unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The number of seats.
    pub seats: u32,
}

/// Why the wallet changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HistoryKind {
    Charge,
    Payment,
    Refund,
}

/// A paid reservation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Paid {
    pub payment: Payment,
    /// The wallet after it, in minor units of the currency.
    pub balance: i64,
    /// One for each seat.
    pub tickets: Vec<Ticket>,
}

/// The paying of one reservation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    pub payment_id: Uuid,
    pub reservation_id: Uuid,
    /// Minor units of the currency.
    pub amount: i64,
    pub status: PaymentStatus,
    pub at: Timestamp,
}

/// The status of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentStatus {
    Progress,
    Done,
    /// Refunded.
    Cancelled,
}

impl PaymentStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Progress => "PROGRESS",
            Self::Done => "DONE",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// A sold seat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ticket {
    pub ticket_id: Uuid,
    /// The reservation to `cancel`.
    pub reservation_id: Uuid,
    pub concert_id: u32,
    pub schedule_id: u64,
    pub seat: u32,
    /// Zone, row and number.
    pub label: String,
    pub category: String,
    /// Minor units of the currency.
    pub price: i64,
    /// The code that is scanned at the door.
    pub code: String,
    /// The concert's title. With `venue` and `starts_at` always present in `tickets`, not in `pay`, whose caller knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// The venue's IANA time zone, in which `starts_at` is to be shown; absent while unknown, and in `pay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The time until which `cancel` is allowed; present in `tickets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_until: Option<Timestamp>,
    /// The time at which its order was cancelled; from then on its code opens no door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<Timestamp>,
    /// The performance is not played: absent unless that is so. What was paid comes back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub called_off: bool,
    /// Why the performance was moved or called off, or an operator gave the money back, as they wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The label of the seat in whose place an operator gave this one; the code of the ticket for that one opens no door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A paid reservation given back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cancelled {
    pub reservation: Reservation,
    /// The wallet after the refund, in minor units of the currency.
    pub balance: i64,
}

/// The user's tickets, the next performance first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tickets {
    pub tickets: Vec<Ticket>,
    /// Those of cancelled orders, the one cancelled last first.
    #[serde(default)]
    pub cancelled: Vec<Ticket>,
}

/// The server is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pong {
    pub server_time: Timestamp,
}
