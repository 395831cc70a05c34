//! What happened in a sale.

use super::{wire_enum, wire_struct};
use crate::domain::event::{
    Archived, CalledOff, Description, Event, HoldEnd, HouseSeats, PriceChange, RefundWhy, Refunded,
    Repricing, Rescheduled, ScheduleAdded, SeatMoved, SoldAtDesk,
};

wire_enum! { Event {
    0 => Joined(record),
    1 => Admitted(record),
    2 => TokenEnded(record),
    3 => SeatsHeld { reservation, seats, prices, opened, request },
    4 => SeatsReleased { reservation, seats },
    5 => ReservationEnded { reservation, why },
    6 => Paid { reservation, ledger },
    7 => SoldAtDesk(sold),
    8 => Refunded(refunded),
    9 => SeatMoved(moved),
    10 => SeatsRestricted(seats),
    11 => SeatsUnrestricted(seats),
    12 => Described(description),
    13 => Repriced(repricing),
    14 => ScheduleAdded(added),
    15 => Rescheduled(rescheduled),
    16 => CalledOff(called_off),
    17 => Archived(archived),
    18 => SettingsChanged { before, after, by },
} }

wire_enum! { HoldEnd {
    0 => Released,
    1 => Left,
    2 => BoughtAnother,
    3 => HoldTime,
    4 => Idle,
    5 => Started,
    6 => CalledOff,
} }

wire_enum! { RefundWhy {
    0 => Cancelled,
    1 => Operator { reason, by },
    2 => CalledOff,
} }

wire_struct! { SoldAtDesk { reservation, note, by } }

wire_struct! { Refunded { reservation, seats, amount, at, ledger, why } }

wire_struct! { SeatMoved { reservation, from, to, at, note, by } }

wire_struct! { ScheduleAdded { schedule, starts_at, seats, prices, by } }

wire_struct! { Rescheduled { schedule, before, after, reason, by } }

wire_struct! { Archived { at, by } }

wire_struct! { CalledOff { schedule, reason, by } }

wire_struct! { HouseSeats { schedule, seats, note, by } }

wire_struct! { Description { before, after, by } }

wire_struct! { Repricing { schedule, changed, own, by } }

wire_struct! { PriceChange { category, name, before, after } }
