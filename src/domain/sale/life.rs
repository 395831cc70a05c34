//! What becomes of a performance: another start, or none. Who holds seats of it and who bought some follow from that.

use super::{Sale, Step, Subject};
use crate::domain::actor::Actor;
use crate::domain::command::{Answer, Rejection, Seen};
use crate::domain::event::{CalledOff, Event, Rescheduled};
use crate::domain::ids::ScheduleId;
use crate::domain::time::Timestamp;

impl Sale {
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
