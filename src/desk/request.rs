//! Requests of either door as commands of the domain.

use frontrow_protocol::{IdempotencyKey, Request};

use crate::domain::command::{Caller, Command};
use crate::domain::ids::{ConcertId, ReservationId, ScheduleId, SeatId};

/// How a request finds the sale that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The sale that the caller stands in line for.
    Carried,
    Schedule(ScheduleId),
    /// `None`: the id was never one of ours, so there is no such reservation.
    Reservation(Option<ConcertId>),
}

/// Where a request goes that a lane decides; `None` for those that read, and for `queue.join`, which is about
/// connections too.
pub fn route(request: &Request) -> Option<Route> {
    match request {
        Request::QueueGet(_) | Request::QueueExtend(_) | Request::QueueLeave(_) => Some(Route::Carried),
        Request::Hold(hold) => Some(Route::Schedule(ScheduleId(hold.schedule_id))),
        Request::HoldBest(best) => Some(Route::Schedule(ScheduleId(best.schedule_id))),
        Request::Release(release) => {
            Some(Route::Reservation(ReservationId(release.reservation_id).concert()))
        }
        Request::Pay(of) | Request::Cancel(of) => {
            Some(Route::Reservation(ReservationId(of.reservation_id).concert()))
        }
        Request::Hello(_)
        | Request::Concerts(_)
        | Request::QueueJoin(_)
        | Request::Schedules(_)
        | Request::SeatsWatch(_)
        | Request::SeatsUnwatch(_)
        | Request::Reservations(_)
        | Request::Balance(_)
        | Request::Charge(_)
        | Request::History(_)
        | Request::Tickets(_)
        | Request::Ping(_) => None,
    }
}

/// The command of a request that has a route.
pub fn command(request: &Request, caller: Caller, polled: bool) -> Option<Command> {
    let seats = |list: &[u32]| list.iter().copied().map(SeatId).collect();
    Some(match request {
        Request::QueueGet(_) => Command::Get { caller, polled },
        Request::QueueExtend(_) => Command::Extend { caller },
        Request::QueueLeave(_) => Command::Leave { caller },
        Request::Hold(hold) => Command::Hold {
            caller,
            schedule: ScheduleId(hold.schedule_id),
            seats: seats(hold.seats.as_slice()),
        },
        Request::HoldBest(best) => Command::HoldBest {
            caller,
            schedule: ScheduleId(best.schedule_id),
            count: best.count,
            category: best.category.as_deref().map(Box::from),
            max_price: best.max_price,
            except: best.except.as_ref().map(|list| seats(list.as_slice())).unwrap_or_default(),
            request_id: best.request_id.as_ref().map(IdempotencyKey::as_str).map(Box::from),
        },
        Request::Release(release) => Command::Release {
            caller,
            reservation: ReservationId(release.reservation_id),
            seats: release.seats.as_ref().map(|list| seats(list.as_slice())),
        },
        Request::Pay(of) => Command::Pay { caller, reservation: ReservationId(of.reservation_id) },
        Request::Cancel(of) => Command::Cancel { caller, reservation: ReservationId(of.reservation_id) },
        Request::Hello(_)
        | Request::Concerts(_)
        | Request::QueueJoin(_)
        | Request::Schedules(_)
        | Request::SeatsWatch(_)
        | Request::SeatsUnwatch(_)
        | Request::Reservations(_)
        | Request::Balance(_)
        | Request::Charge(_)
        | Request::History(_)
        | Request::Tickets(_)
        | Request::Ping(_) => return None,
    })
}
