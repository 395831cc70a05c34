//! The plan of a request, whichever door it came by: one list of all methods says what has to be done for each.
//!
//! Always: every request has a plan, and both doors carry out every kind of plan, so none can be left without an
//! answer. A sale is found while the plan is made, so that carrying it out needs nothing from outside. Not here: what
//! each door does by itself, the connection of a websocket and the path, status and headers of HTTP.

use frontrow_protocol::request::Hello;
use frontrow_protocol::{ErrorObject, IdempotencyKey, Method, Request};

use super::gate::QueueBearer;
use crate::domain::command::{Caller, Command};
use crate::domain::ids::{ConcertId, ConnectionId, HistoryId, QueueToken, ReservationId, ScheduleId, SeatId};
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::fanout::Scope;

#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// The door answers by itself.
    Local(Local),
    /// The store knows it.
    Read(Reading),
    /// A wallet, of which no sale is the owner, gets more.
    Charge { amount: Money, request_id: Box<str> },
    /// A sale decides it.
    ToSale { route: Route, task: Task },
    /// An operator looks on, or does so no more.
    Ops(OpsTask),
}

/// A request of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpsTask {
    Watch(Scope),
    Unwatch(Scope),
}

/// A request that a door answers by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Local {
    Hello(Hello),
    Concerts,
    Unwatch(ScheduleId),
    Ping,
}

/// A request that is answered from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Reservations,
    Balance,
    History { before: Option<HistoryId>, limit: u32 },
    Tickets,
}

/// The sale that a request goes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// The sale that the caller stands in line for.
    Own,
    Sale(ConcertId),
    /// No sale: the refusal says why.
    Nowhere(Box<ErrorObject>),
}

/// The part of a request that a sale decides.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// A look at what only the admitted see.
    View(View),
    Command(FanCommand),
}

/// A view that only the admitted get (`admission`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Schedules,
    Seats(ScheduleId),
}

/// A fan's command before it is known who gives it: that may depend on the sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FanCommand {
    Join,
    Get,
    /// The end of this token, which has ended.
    Recall(QueueToken),
    Extend,
    Leave,
    Hold {
        schedule: ScheduleId,
        seats: Vec<SeatId>,
    },
    HoldBest {
        schedule: ScheduleId,
        count: u32,
        category: Option<Box<str>>,
        max_price: Option<Money>,
        except: Vec<SeatId>,
        request_id: Option<Box<str>>,
    },
    Release {
        reservation: ReservationId,
        seats: Option<Vec<SeatId>>,
    },
    Pay(ReservationId),
    Cancel(ReservationId),
}

/// The plan of a request. `sale_of` finds the sale of a performance, or says why there is none.
pub fn plan(request: Request, sale_of: impl Fn(ScheduleId) -> Result<ConcertId, ErrorObject>) -> Plan {
    let seats = |list: &[u32]| -> Vec<SeatId> { list.iter().copied().map(SeatId).collect() };
    let key = |key: IdempotencyKey| -> Box<str> { key.as_str().into() };
    let in_own_sale = |task| Plan::ToSale { route: Route::Own, task };
    let by_schedule = |schedule, task| Plan::ToSale { route: Route::found(sale_of(schedule)), task };
    let by_reservation = |id: ReservationId, command| {
        // An id that was never one of ours names no sale.
        let concert = id.concert().ok_or_else(ErrorObject::reservation_not_found);
        Plan::ToSale { route: Route::found(concert), task: Task::Command(command) }
    };
    match request {
        Request::Hello(hello) => Plan::Local(Local::Hello(hello)),
        Request::Concerts(_) => Plan::Local(Local::Concerts),
        Request::SeatsUnwatch(of) => Plan::Local(Local::Unwatch(ScheduleId(of.schedule_id))),
        Request::Ping(_) => Plan::Local(Local::Ping),
        Request::Reservations(_) => Plan::Read(Reading::Reservations),
        Request::Balance(_) => Plan::Read(Reading::Balance),
        Request::History(page) => {
            Plan::Read(Reading::History { before: page.before.map(HistoryId), limit: page.limit })
        }
        Request::Tickets(_) => Plan::Read(Reading::Tickets),
        Request::Charge(charge) => Plan::Charge { amount: charge.amount, request_id: key(charge.request_id) },
        Request::QueueJoin(join) => Plan::ToSale {
            route: Route::Sale(ConcertId(join.concert_id)),
            task: Task::Command(FanCommand::Join),
        },
        Request::QueueGet(_) => in_own_sale(Task::Command(FanCommand::Get)),
        Request::QueueExtend(_) => in_own_sale(Task::Command(FanCommand::Extend)),
        Request::QueueLeave(_) => in_own_sale(Task::Command(FanCommand::Leave)),
        Request::Schedules(_) => in_own_sale(Task::View(View::Schedules)),
        Request::SeatsWatch(of) => {
            let schedule = ScheduleId(of.schedule_id);
            by_schedule(schedule, Task::View(View::Seats(schedule)))
        }
        Request::Hold(hold) => {
            let schedule = ScheduleId(hold.schedule_id);
            let seats = seats(hold.seats.as_slice());
            by_schedule(schedule, Task::Command(FanCommand::Hold { schedule, seats }))
        }
        Request::HoldBest(best) => {
            let schedule = ScheduleId(best.schedule_id);
            let command = FanCommand::HoldBest {
                schedule,
                count: best.count,
                category: best.category.map(String::into_boxed_str),
                max_price: best.max_price,
                except: best.except.as_ref().map(|list| seats(list.as_slice())).unwrap_or_default(),
                request_id: best.request_id.map(key),
            };
            by_schedule(schedule, Task::Command(command))
        }
        Request::Release(release) => {
            let reservation = ReservationId(release.reservation_id);
            let seats = release.seats.as_ref().map(|list| seats(list.as_slice()));
            by_reservation(reservation, FanCommand::Release { reservation, seats })
        }
        Request::Pay(of) => {
            let reservation = ReservationId(of.reservation_id);
            by_reservation(reservation, FanCommand::Pay(reservation))
        }
        Request::OpsWatch(of) => Plan::Ops(OpsTask::Watch(of.concert_id.map(ConcertId))),
        Request::OpsUnwatch(of) => Plan::Ops(OpsTask::Unwatch(of.concert_id.map(ConcertId))),
        Request::Cancel(of) => {
            let reservation = ReservationId(of.reservation_id);
            by_reservation(reservation, FanCommand::Cancel(reservation))
        }
    }
}

impl Plan {
    /// The plan as far as it may be carried out at `now` (UTC) for somebody who is known by this queue token; by an
    /// access token all of it may.
    pub fn allowed(
        self,
        method: Method,
        bearer: Option<&QueueBearer>,
        now: Timestamp,
    ) -> Result<Self, ErrorObject> {
        let Some(bearer) = bearer else { return Ok(self) };
        bearer.may_request(method, now)?;
        match self {
            Self::ToSale { route: Route::Sale(concert), task: Task::Command(FanCommand::Join) } => {
                bearer.may_join(concert)?;
                Ok(self)
            }
            // A token that has ended shows its own visit, and not of the next one of its user.
            Self::ToSale { route: Route::Own, task } if !bearer.status.is_live() => match task {
                Task::Command(FanCommand::Get) => Ok(Self::ToSale {
                    route: Route::Sale(bearer.concert),
                    task: Task::Command(FanCommand::Recall(bearer.token)),
                }),
                Task::Command(_) | Task::View(_) => Err(bearer.refusal()),
            },
            plan => Ok(plan),
        }
    }

    /// Does the user's sale have to be notified that they did something? What it decides counts there by itself; saying
    /// hello, asking for the own place and `ping` are no activity.
    pub fn is_activity_elsewhere(&self) -> bool {
        match self {
            Self::Local(Local::Hello(_) | Local::Ping)
            | Self::ToSale { task: Task::Command(_), .. }
            | Self::Ops(_) => false,
            Self::Local(Local::Concerts | Local::Unwatch(_))
            | Self::Read(_)
            | Self::Charge { .. }
            | Self::ToSale { task: Task::View(_), .. } => true,
        }
    }
}

impl Route {
    fn found(sale: Result<ConcertId, ErrorObject>) -> Self {
        sale.map_or_else(|error| Self::Nowhere(Box::new(error)), Self::Sale)
    }
}

impl FanCommand {
    /// The command of this caller, by this connection if they have one. Without, a look at the own place is the sign
    /// that they are still there.
    pub fn given_by(self, caller: Caller, connection: Option<ConnectionId>) -> Command {
        match self {
            Self::Join => Command::Join { user: caller.user, connection },
            Self::Get => Command::Get { caller, polled: connection.is_none() },
            Self::Recall(token) => Command::Resume { token, connection: None },
            Self::Extend => Command::Extend { caller },
            Self::Leave => Command::Leave { caller },
            Self::Hold { schedule, seats } => Command::Hold { caller, schedule, seats },
            Self::HoldBest { schedule, count, category, max_price, except, request_id } => {
                Command::HoldBest { caller, schedule, count, category, max_price, except, request_id }
            }
            Self::Release { reservation, seats } => Command::Release { caller, reservation, seats },
            Self::Pay(reservation) => Command::Pay { caller, reservation },
            Self::Cancel(reservation) => Command::Cancel { caller, reservation },
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
