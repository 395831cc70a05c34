//! What operators do with performances and with the money of orders: from their calls to the commands of the sale.

use std::sync::Arc;

use frontrow_protocol::error::ChangedBy;
use frontrow_protocol::ops::box_office as wire;
use frontrow_protocol::ops::life::{CallOff, Postpone, RefundProgress, Refunds, ScheduleLife, StuckRefund};
use frontrow_protocol::ops::orders::{MoveSeat, Order, Refund, RefundedOrder};
use frontrow_protocol::{ErrorObject, Timestamp as WireTime};

use crate::desk::{Context, translate};
use crate::dispatcher::{Refusal, Rows};
use crate::domain::actor::Actor;
use crate::domain::command::{Answer, Command, Rejection};
use crate::domain::event::RefundWhy;
use crate::domain::ids::{ConcertId, ReservationId, ScheduleId, SeatId};
use crate::domain::record::{Reservation, SaleState};
use crate::domain::rules::SalePatch;
use crate::domain::time::Timestamp;
use crate::fanout::SaleView;
use crate::ops::refunds::{AtDesk, Progress};
use crate::store::operators::{LogEntry, LogQuery};

/// Lines of the log that are looked through for who gave an order back: more than its seats can have.
const REFUNDS_LOOKED_AT_MAX: u32 = 100;

impl Context {
    /// Gives a performance another start.
    pub async fn postpone(
        &self,
        schedule: ScheduleId,
        change: Postpone,
        by: Actor,
    ) -> Result<ScheduleLife, ErrorObject> {
        let view = self.woken_sale_of_schedule(schedule).await?;
        let time = |at: WireTime| Timestamp::from_millis(at.as_millis());
        let command = Command::Postpone {
            schedule,
            starts_at: time(change.starts_at),
            was: change.was.map(|was| time(was.starts_at)),
            reason: change.reason.map(String::into_boxed_str),
            by,
        };
        self.operate(view.concert().id, command).await?;
        let topic = view.topic(schedule).ok_or_else(ErrorObject::schedule_not_found)?;
        Ok(translate::schedule_life(&topic))
    }

    /// Calls a performance off, and has its refunds begun.
    pub async fn call_off(
        &self,
        schedule: ScheduleId,
        change: CallOff,
        by: Actor,
    ) -> Result<RefundProgress, ErrorObject> {
        let view = self.woken_sale_of_schedule(schedule).await?;
        self.call_off_one(&view, schedule, &change, &by).await?;
        self.refunds.wake();
        let progress = self.refunds.progress().into_iter().find(|of| of.schedule == schedule);
        Ok(refund_progress(progress.ok_or_else(ErrorObject::internal)?))
    }

    /// Calls every performance of a concert off, and closes its sale. Repeated, it goes on where it was broken off.
    pub async fn call_off_concert(
        &self,
        concert: ConcertId,
        change: CallOff,
        by: Actor,
    ) -> Result<Refunds, ErrorObject> {
        let view = self.woken_sale(concert).await?;
        for topic in view.topics() {
            self.call_off_one(&view, topic.id(), &change, &by).await?;
        }
        let patch = SalePatch { state: Some(SaleState::Closed), ..SalePatch::default() };
        self.operate(concert, Command::Configure { patch: Box::new(patch), was: None, by }).await?;
        self.refunds.wake();
        let of_it = self.refunds.progress().into_iter().filter(|of| of.concert == concert);
        Ok(Refunds { refunds: of_it.map(refund_progress).collect() })
    }

    /// Archives a concert of which everything is over. Asked again, it is so already.
    pub async fn archive(&self, concert: ConcertId, by: Actor) -> Result<(), ErrorObject> {
        if self.fanout.sale(concert).is_none() && self.read(self.store.is_archived(concert)).await? {
            return Ok(());
        }
        self.woken_sale(concert).await?;
        self.operate(concert, Command::Archive { by }).await.map(drop)
    }

    /// How far the refunds are of every performance that is called off and runs here.
    pub fn refunds_so_far(&self) -> Refunds {
        Refunds { refunds: self.refunds.progress().into_iter().map(refund_progress).collect() }
    }

    async fn call_off_one(
        &self,
        view: &SaleView,
        schedule: ScheduleId,
        change: &CallOff,
        by: &Actor,
    ) -> Result<(), ErrorObject> {
        let (reason, by) = (change.reason.as_str().into(), by.clone());
        self.operate(view.concert().id, Command::CallOff { schedule, reason, by }).await.map(drop)
    }

    /// A reservation with its payment, whatever became of it.
    async fn order(&self, id: ReservationId) -> Result<Option<Reservation>, ErrorObject> {
        let Some(concert) = id.concert() else { return Ok(None) };
        self.read_confirmed(Rows::OfSale(concert), || self.store.order(id)).await
    }

    /// Gives an order's money back, or that of single seats.
    pub async fn refund_order(
        &self,
        id: ReservationId,
        asked: Refund,
        by: Actor,
    ) -> Result<RefundedOrder, ErrorObject> {
        let concert = id.concert().ok_or_else(ErrorObject::reservation_not_found)?;
        // The wallet has to be named before it is read, and whose it is stays the same.
        let order = self.order(id).await?.ok_or_else(ErrorObject::reservation_not_found)?;
        self.wake(concert).await?;
        let why = RefundWhy::Operator { reason: asked.reason.into(), by };
        let seats = asked.seats.map(|seats| seats.into_iter().map(SeatId).collect());
        let command = match seats {
            None => Command::Refund { orders: vec![(id, order.user)], why },
            Some(seats) => Command::RefundSeats { order: id, user: order.user, seats, why },
        };
        let (done, left) = match self.submit_and_wait(concert, command).await {
            Ok(Answer::Refunded { done, left }) => (done, left),
            Ok(_) => return Err(ErrorObject::internal()),
            Err(Refusal::Rejected(rejection)) => (Vec::new(), vec![(id, rejection)]),
            Err(refusal) => return Err(translate::refusal(&refusal)),
        };
        if let Some((_, rejection)) = left.into_iter().next() {
            let error = translate::rejection(&rejection);
            return Err(match rejection {
                Rejection::AlreadyRefunded { seats, .. } => {
                    self.refunded_by(error, concert, id, &seats).await
                }
                _ => error,
            });
        }
        let (order, balance) = done.into_iter().next().ok_or_else(ErrorObject::internal)?;
        let order = translate::order(&self.fanout, &order).ok_or_else(ErrorObject::internal)?;
        Ok(RefundedOrder { order, balance })
    }

    /// Gives who bought a seat another one.
    pub async fn move_seat(
        &self,
        id: ReservationId,
        asked: MoveSeat,
        by: Actor,
    ) -> Result<Order, ErrorObject> {
        let concert = id.concert().ok_or_else(ErrorObject::reservation_not_found)?;
        self.order(id).await?.ok_or_else(ErrorObject::reservation_not_found)?;
        self.wake(concert).await?;
        let command = Command::MoveSeat {
            order: id,
            from: SeatId(asked.from),
            to: SeatId(asked.to),
            keep: asked.keep,
            note: asked.note.map(String::into_boxed_str),
            by,
        };
        let Answer::Moved(order) = self.operate(concert, command).await? else {
            return Err(ErrorObject::internal());
        };
        translate::order(&self.fanout, &order).ok_or_else(ErrorObject::internal)
    }

    /// Adds the operator who gave an order back before, or one of these seats of it, if it was one.
    async fn refunded_by(
        &self,
        error: ErrorObject,
        concert: ConcertId,
        id: ReservationId,
        seats: &[SeatId],
    ) -> ErrorObject {
        let at = error.data.at;
        let query = LogQuery {
            concert: Some(concert),
            subject: Some(format!("order {id}")),
            limit: REFUNDS_LOOKED_AT_MAX,
            ..LogQuery::default()
        };
        let Some(operators) = self.store.operators() else { return error };
        let (Ok(order), Ok(log)) = (self.order(id).await, operators.log(&query).await) else {
            return error;
        };
        // What its owner gave back, or what was called off, is no operator's doing.
        let of_an_operator = order.and_then(|order| order.payment?.refund_reason).is_some();
        let is_it = |entry: &&LogEntry| {
            let of = entry.became.as_ref().and_then(|became| became.get("seats"));
            let ranges = of.and_then(|seats| serde_json::from_value::<Vec<(u32, u32)>>(seats.clone()).ok());
            let has = |seat: &SeatId| {
                ranges.iter().flatten().any(|(first, last)| (*first..=*last).contains(&seat.0))
            };
            entry.what == "refund"
                && if ranges.is_some() { seats.iter().any(has) || seats.is_empty() } else { of_an_operator }
        };
        let last = log.iter().find(is_it).filter(|_| of_an_operator || !seats.is_empty());
        let by = last.map(|entry| ChangedBy {
            operator_id: entry.operator.as_ref().map(|(id, ..)| id.0),
            user_id: entry.user.map(|user| user.0),
        });
        error.made_so(by, at)
    }

    /// A sale for an operator: one with nothing left to run is loaded for them.
    pub(super) async fn woken_sale(&self, concert: ConcertId) -> Result<Arc<SaleView>, ErrorObject> {
        if self.fanout.sale(concert).is_none() {
            if !self.read(self.store.concerts()).await?.contains(&concert) {
                return Err(ErrorObject::concert_not_found());
            }
            self.wake(concert).await?;
        }
        self.fanout.sale(concert).ok_or_else(ErrorObject::concert_not_found)
    }

    /// Has an operator's command decided.
    pub async fn operate(&self, concert: ConcertId, command: Command) -> Result<Answer, ErrorObject> {
        let reply = self.submit_and_wait(concert, command).await;
        reply.map_err(|refusal| translate::refusal(&refusal))
    }
}

fn refund_progress(of: Progress) -> RefundProgress {
    let stuck = of.stuck.into_iter().map(|(id, rejection)| {
        let error = translate::rejection(&rejection);
        StuckRefund { reservation_id: id.0, reason: error.reason(), message: error.message.into_owned() }
    });
    let AtDesk { orders, seats, amount } = of.at_desk;
    RefundProgress {
        concert_id: of.concert.0,
        schedule_id: of.schedule.0,
        seats_left: of.seats_left,
        at_desk: wire::AtDesk { orders, seats, amount },
        orders_done: of.done,
        stuck: stuck.collect(),
    }
}
