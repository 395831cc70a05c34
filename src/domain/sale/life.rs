//! What becomes of performances: there is another one, one starts at another time, or not at all. Who holds seats of it and who
//! bought some follow from that.

use super::{Sale, Step, Subject};
use crate::domain::actor::Actor;
use crate::domain::command::{Answer, NotOver, Rejection, Seen};
use crate::domain::event::{Archived, CalledOff, Event, PriceChange, Rescheduled, ScheduleAdded};
use crate::domain::ids::ScheduleId;
use crate::domain::record::SaleState;
use crate::domain::seat_map::SeatMap;
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::limits::PERFORMANCES_MAX;

impl Sale {
    /// Another performance in the same hall. It is on sale at once, if the sale is open.
    pub(super) fn add_schedule(
        &mut self,
        step: &mut Step<'_>,
        schedule: ScheduleId,
        starts_at: Timestamp,
        prices: &[(u16, Money)],
        by: &Actor,
    ) -> Result<Answer, Rejection> {
        if starts_at <= step.now.utc {
            return Err(Rejection::StartPassed);
        }
        let is_same = |map: &&SeatMap| map.starts_at() == starts_at && !map.is_called_off();
        // Who asks again finds it there.
        if self.schedules.get(&schedule).is_some_and(|map| is_same(&map)) {
            return Ok(Answer::Done);
        }
        if self.schedules.values().any(|map| is_same(&map)) || self.schedules.contains_key(&schedule) {
            return Err(Rejection::SameStart);
        }
        if self.schedules.len() >= PERFORMANCES_MAX {
            return Err(Rejection::TooManyPerformances);
        }
        let plan = self.schedules.values().next().ok_or(Rejection::ScheduleNotFound)?.plan();
        let mut own = Vec::with_capacity(prices.len());
        for (category, after) in prices {
            let of = plan.categories.get(usize::from(*category)).ok_or(Rejection::UnknownCategory)?;
            let (name, before) = (of.name.clone(), of.price);
            own.push(PriceChange { category: *category, name, before, after: *after });
        }
        own.retain(|of| of.before != of.after);
        own.sort_unstable_by_key(|of| of.category);
        own.dedup_by_key(|of| of.category);
        let seats = plan.seats.len() as u32;
        let added = ScheduleAdded { schedule, starts_at, seats, prices: own, by: by.clone() };
        self.change(step, Event::ScheduleAdded(added));
        Ok(Answer::Done)
    }

    /// Another start, later or earlier. Tickets keep their codes; what is held goes on, until the new start at most; until when
    /// an order may be cancelled follows from it.
    pub(super) fn postpone(
        &mut self,
        step: &mut Step<'_>,
        schedule: ScheduleId,
        starts_at: Timestamp,
        was: Option<Timestamp>,
        reason: Option<&str>,
        by: &Actor,
    ) -> Result<Answer, Rejection> {
        let map = self.schedules.get(&schedule).ok_or(Rejection::ScheduleNotFound)?;
        let before = map.starts_at();
        if was.is_some_and(|was| was != before) {
            return Err(Rejection::ChangedMeanwhile {
                is: Box::new(Seen::Start(schedule, before)),
                changed: self.changes.get(&Subject::Start(schedule)).cloned(),
            });
        }
        if map.is_called_off() {
            return Err(Rejection::PerformanceCalledOff);
        }
        if before <= step.now.utc {
            return Err(Rejection::PerformanceBegun);
        }
        if starts_at <= step.now.utc {
            return Err(Rejection::StartPassed);
        }
        if starts_at != before {
            let (reason, by) = (reason.map(Box::from), by.clone());
            let moved = Rescheduled { schedule, before, after: starts_at, reason, by };
            self.change(step, Event::Rescheduled(moved));
        }
        Ok(Answer::Done)
    }

    /// For ever: of what is archived nothing changes any more.
    pub(super) fn archive(&mut self, step: &mut Step<'_>, by: &Actor) -> Result<Answer, Rejection> {
        if self.settings.state != SaleState::Closed {
            return Err(Rejection::NotOver(NotOver::Sale));
        }
        let fans = self.room.waiting() + self.room.progress();
        if fans > 0 {
            return Err(Rejection::NotOver(NotOver::Fans(fans)));
        }
        for (id, map) in &self.schedules {
            if map.is_called_off() {
                if map.sold() > 0 {
                    return Err(Rejection::NotOver(NotOver::Refunds(*id)));
                }
            } else if map.starts_at() > step.now.utc {
                return Err(Rejection::NotOver(NotOver::Performance(*id)));
            }
        }
        self.change(step, Event::Archived(Archived { at: step.now.utc, by: by.clone() }));
        Ok(Answer::Done)
    }

    /// For ever, also after the start, as a show may break off. What is held ends with what is due next, and what is paid is
    /// refunded order by order: both may be many.
    pub(super) fn call_off(
        &mut self,
        step: &mut Step<'_>,
        schedule: ScheduleId,
        reason: &str,
        by: &Actor,
    ) -> Result<Answer, Rejection> {
        let map = self.schedules.get(&schedule).ok_or(Rejection::ScheduleNotFound)?;
        if !map.is_called_off() {
            let off = CalledOff { schedule, reason: reason.into(), by: by.clone() };
            self.change(step, Event::CalledOff(off));
        }
        Ok(Answer::Done)
    }
}
