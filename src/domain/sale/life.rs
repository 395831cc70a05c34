//! What becomes of performances: there is another one, one starts at another time, or not at all. Who holds seats of it and who
//! bought some follow from that.

use std::collections::BTreeSet;

use super::{Sale, Step, Subject};
use crate::domain::actor::Actor;
use crate::domain::command::{Answer, NotOver, Rejection, Seen};
use crate::domain::event::{Archived, CalledOff, Event, HouseSeats, PriceChange, Rescheduled, ScheduleAdded};
use crate::domain::ids::{ScheduleId, SeatId};
use crate::domain::record::SaleState;
use crate::domain::seat_map::{SeatMap, SeatState};
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::limits::PERFORMANCES_MAX;

impl Sale {
    /// Another performance in the same hall. It is on sale at once, if the sale is open, but for the seats that the house keeps.
    pub(super) fn add_schedule(
        &mut self,
        step: &mut Step<'_>,
        schedule: ScheduleId,
        starts_at: Timestamp,
        prices: &[(u16, Money)],
        of_plan: Option<&[SeatId]>,
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
        let (seats, kept) = (plan.seats.len() as u32, self.kept_in_another(of_plan));
        let added = ScheduleAdded { schedule, starts_at, seats, prices: own, by: by.clone() };
        self.change(step, Event::ScheduleAdded(added));
        // In the same batch, so that nobody is sold a seat that the hall does not have.
        if !kept.is_empty() {
            let kept = HouseSeats { schedule, seats: kept, note: None, by: None };
            self.change(step, Event::SeatsRestricted(kept));
        }
        Ok(Answer::Done)
    }

    /// The seats that another performance keeps: those that all of them keep, and those of the plan that are not for sale in all by
    /// now, as one that the box office sold is the house's still. Performances that are called off do not count beside others, as
    /// they keep what was given back, too.
    fn kept_in_another(&self, of_plan: Option<&[SeatId]>) -> Vec<SeatId> {
        let is_off = self.schedules.values().all(SeatMap::is_called_off);
        let maps: Vec<_> = self.schedules.values().filter(|map| is_off || !map.is_called_off()).collect();
        let is = |map: &SeatMap, seat, states: fn(SeatState) -> bool| map.get(seat).is_some_and(states);
        let is_kept = |map: &SeatMap, seat| is(map, seat, |state| state == SeatState::Restricted);
        let is_for_sale = |map: &SeatMap, seat| {
            is(map, seat, |state| matches!(state, SeatState::Available | SeatState::Held(_)))
        };
        let planned = of_plan.unwrap_or_default().iter().copied();
        let planned = planned.filter(|seat| maps.iter().any(|map| map.get(*seat).is_some()));
        let mut kept: BTreeSet<SeatId> =
            planned.filter(|seat| !maps.iter().all(|map| is_for_sale(map, *seat))).collect();
        let least = maps.iter().min_by_key(|map| map.restricted()).filter(|map| map.restricted() > 0);
        if let Some(least) = least.filter(|_| !is_off || of_plan.is_none()) {
            let seats = (0..least.len() as u32).map(SeatId).filter(|seat| is_kept(least, *seat));
            kept.extend(seats.filter(|seat| maps.iter().all(|map| is_kept(map, *seat))));
        }
        kept.into_iter().collect()
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
