//! What a sale is asked.

use super::wire_enum;
use crate::domain::command::Command;

wire_enum! { Command {
    0 => Join { user, connection },
    1 => Resume { token, connection },
    2 => Get { caller, polled },
    3 => Extend { caller },
    4 => Leave { caller },
    5 => Touch { user },
    6 => Connect { user, connection },
    7 => Disconnect { user, connection },
    8 => Hold { caller, schedule, seats },
    9 => HoldBest { caller, schedule, count, category, max_price, except, request_id },
    10 => Release { caller, reservation, seats },
    11 => Pay { caller, reservation },
    12 => Cancel { caller, reservation },
    13 => Configure { patch, was, by },
    14 => Restrict { schedule, seats, note, by },
    15 => Unrestrict { schedule, seats, note, by },
    16 => Reprice { schedules, prices, was, by },
    17 => Describe { patch, was, by },
    18 => AddSchedule { schedule, starts_at, prices, of_plan, by },
    19 => Postpone { schedule, starts_at, was, reason, by },
    20 => Archive { by },
    21 => CallOff { schedule, reason, by },
    22 => SellAtDesk { user, schedule, seats, source, amount, note, by },
    23 => Refund { orders, why },
    24 => RefundSeats { order, user, seats, why },
    25 => MoveSeat { order, from, to, keep, note, by },
    26 => Figures,
    27 => NodeGone { node },
    28 => Present { connections },
} }
