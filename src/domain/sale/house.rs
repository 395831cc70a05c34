//! What the house does with its seats: keeping them from sale, and giving them back to it. It never takes what somebody has.

use super::{Sale, Step};
use crate::domain::actor::Actor;
use crate::domain::command::{Answer, Rejection};
use crate::domain::event::{Event, HouseSeats};
use crate::domain::ids::{ScheduleId, SeatId};
use crate::domain::seat_map::{SeatMap, SeatState};

impl Sale {
    /// Keeps those of these seats that are free; the ones that somebody has are left to them, and named.
    pub(super) fn restrict(
        &mut self,
        step: &mut Step<'_>,
        schedule: ScheduleId,
        seats: &[SeatId],
        note: Option<&str>,
        by: &Actor,
    ) -> Result<Answer, Rejection> {
        let (map, wanted) = self.named(schedule, seats)?;
        let (mut changed, mut left) = (Vec::new(), Vec::new());
        for seat in wanted {
            match map.get(seat) {
                Some(SeatState::Available) => changed.push(seat),
                Some(state @ (SeatState::Held(_) | SeatState::Sold(_))) => left.push((seat, state)),
                Some(SeatState::Restricted) | None => {}
            }
        }
        if !changed.is_empty() {
            let kept = HouseSeats::new(schedule, changed.clone(), note, by);
            self.change(step, Event::SeatsRestricted(kept));
        }
        Ok(Answer::Restricted { changed, left })
    }

    /// Gives those of these seats back to the sale that the house keeps.
    pub(super) fn unrestrict(
        &mut self,
        step: &mut Step<'_>,
        schedule: ScheduleId,
        seats: &[SeatId],
        note: Option<&str>,
        by: &Actor,
    ) -> Result<Answer, Rejection> {
        let (map, wanted) = self.named(schedule, seats)?;
        let is_kept = |seat: &SeatId| map.get(*seat) == Some(SeatState::Restricted);
        let changed: Vec<SeatId> = wanted.into_iter().filter(is_kept).collect();
        if !changed.is_empty() {
            let opened = HouseSeats::new(schedule, changed.clone(), note, by);
            self.change(step, Event::SeatsUnrestricted(opened));
        }
        Ok(Answer::Restricted { changed, left: Vec::new() })
    }

    /// These seats, each once, in ascending order.
    fn named(&self, schedule: ScheduleId, seats: &[SeatId]) -> Result<(&SeatMap, Vec<SeatId>), Rejection> {
        let map = self.schedules.get(&schedule).ok_or(Rejection::ScheduleNotFound)?;
        let mut wanted = seats.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let unknown: Vec<SeatId> = wanted.iter().copied().filter(|seat| map.get(*seat).is_none()).collect();
        if !unknown.is_empty() || wanted.is_empty() {
            return Err(Rejection::SeatNotFound { seats: unknown });
        }
        Ok((map, wanted))
    }
}
