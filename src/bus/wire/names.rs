//! The names of things, and of those who do something.

use super::{wire_enum, wire_struct};
use crate::domain::actor::{Actor, Who};
use crate::domain::command::Caller;
use crate::domain::event::By;
use crate::domain::ids::{
    AddressBlock, ConcertId, ConnectionId, EntryNo, HistoryId, NodeNo, OperatorId, PaymentId, QueueToken,
    ReservationId, ScheduleId, SeatId, TicketId, UserId,
};

wire_struct! { ConcertId(number) }
wire_struct! { ScheduleId(number) }
wire_struct! { UserId(number) }
wire_struct! { OperatorId(number) }
wire_struct! { SeatId(number) }
wire_struct! { EntryNo(number) }
wire_struct! { NodeNo(number) }
wire_struct! { ConnectionId(number) }
wire_struct! { AddressBlock(bits) }
wire_struct! { QueueToken(uuid) }
wire_struct! { ReservationId(uuid) }
wire_struct! { PaymentId(uuid) }
wire_struct! { TicketId(uuid) }
wire_struct! { HistoryId(uuid) }

wire_struct! { Caller { user, token, guest_of } }

wire_struct! { Actor { who, from } }

wire_enum! { Who {
    0 => Operator(operator),
    1 => User(user),
    2 => Unnamed,
} }

wire_enum! { By {
    0 => OpensAt,
    1 => Actor(actor),
} }
