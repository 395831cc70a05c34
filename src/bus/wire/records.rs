//! What a sale remembers, and what is set of it.

use super::{wire_enum, wire_struct};
use crate::domain::concert::{Texts, TextsPatch};
use crate::domain::record::{
    BestRequest, ExpiryReason, LedgerEntry, LedgerKind, Payment, PaymentSource, PaymentStatus, Reservation,
    ReservationStatus, SaleState, Ticket, TokenRecord, TokenStatus,
};
use crate::domain::rules::{GuestSeats, OwnRules, OwnRulesPatch, SalePatch, SaleRules, SaleSettings};
use crate::domain::seat_map::SeatState;

wire_enum! { SaleState {
    0 => Scheduled,
    1 => Open,
    2 => Paused,
    3 => Closed,
} }

wire_enum! { SeatState {
    0 => Available,
    1 => Held(reservation),
    2 => Sold(reservation),
    3 => Restricted,
} }

wire_enum! { TokenStatus {
    0 => Waiting,
    1 => Progress,
    2 => Done,
    3 => Expired(reason),
} }

wire_enum! { ExpiryReason {
    0 => Left,
    1 => Away,
    2 => Idle,
    3 => Time,
    4 => Closed,
} }

wire_struct! { TokenRecord {
    concert, entry, token, user, status, entered_at, admitted_at, expires_at, ended_at,
} }

wire_enum! { ReservationStatus {
    0 => TempReserved,
    1 => Reserved,
    2 => Expired,
    3 => Cancelled,
} }

wire_struct! { Reservation {
    id, concert, schedule, user, status, seats, prices, amount, opened_at, expires_at, ended_at, best_requests,
    guest_of, payment,
} }

wire_struct! { BestRequest { request_id, count, category, bounds } }

wire_enum! { PaymentSource {
    0 => Wallet,
    1 => Cash,
    2 => Card,
    3 => Gift,
} }

wire_enum! { PaymentStatus {
    0 => Done,
    1 => Cancelled,
} }

wire_struct! { Payment {
    id, reservation, user, source, amount, status, at, refunded, refund_reason, tickets,
} }

wire_struct! { Ticket { id, schedule, seat, price, code, cancelled_at, moved_from, moved_to } }

wire_enum! { LedgerKind {
    0 => Charge,
    1 => Payment,
    2 => Refund,
} }

wire_struct! { LedgerEntry { id, user, kind, amount_change, balance, at, payment, request_id } }

wire_struct! { SaleSettings { state, opens_at, message, own } }

wire_struct! { SalePatch { state, opens_at, message, own } }

/// Every rule of a sale: as it is in force, as it was set, and as it is changed.
macro_rules! rules {
    ($($rule:ident $(since $since:literal)?),+ $(,)?) => {
        wire_struct! { SaleRules { $($rule $(since $since)?,)+ guest_seats } }
        wire_struct! { OwnRules { $($rule $(since $since)?),+ } }
        wire_struct! { OwnRulesPatch { $($rule $(since $since)?),+ } }
    };
}

rules! {
    capacity, hold_ttl, admission_ttl, idle_ttl, away_ttl, seats_per_reservation_max, seats_per_user_max,
    cancel_before_start, hold_again_after,
}

wire_struct! { GuestSeats { at_least, percent } }

wire_struct! { Texts { title, about } }

wire_struct! { TextsPatch { title, about } }
