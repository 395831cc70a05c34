//! What the house does with its seats: keeping them from sale, giving them back to it, what they cost, and what is said of
//! the concert. It never takes what somebody has, nor changes what that costs.

use std::collections::BTreeSet;

use super::{Sale, Step, Subject};
use crate::domain::actor::Actor;
use crate::domain::command::{Answer, Rejection, Seen};
use crate::domain::concert::TextsPatch;
use crate::domain::event::{Description, Event, HouseSeats, PriceChange, Repricing};
use crate::domain::ids::{ScheduleId, SeatId};
use crate::domain::seat_map::{SeatMap, SeatState};
use crate::domain::seat_plan::Money;

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

    /// Changes what is said of the concert.
    pub(super) fn describe(
        &mut self,
        step: &mut Step<'_>,
        patch: &TextsPatch,
        was: &TextsPatch,
        by: &Actor,
    ) -> Result<Answer, Rejection> {
        if self.texts.patched(was) != self.texts {
            return Err(Rejection::ChangedMeanwhile {
                is: Box::new(Seen::Texts(self.texts.clone())),
                changed: self.changes.get(&Subject::Texts).cloned(),
            });
        }
        let after = self.texts.patched(patch);
        if after != self.texts {
            let before = self.texts.clone();
            self.change(step, Event::Described(Description { before, after, by: by.clone() }));
        }
        Ok(Answer::Done)
    }

    /// Changes what free seats cost, in all of these performances or in none.
    pub(super) fn reprice(
        &mut self,
        step: &mut Step<'_>,
        schedules: &[ScheduleId],
        prices: &[(u16, Money)],
        was: &[(u16, Money)],
        by: &Actor,
    ) -> Result<Answer, Rejection> {
        let mut events = Vec::with_capacity(schedules.len());
        for schedule in schedules.iter().collect::<BTreeSet<_>>() {
            let map = self.schedules.get(schedule).ok_or(Rejection::ScheduleNotFound)?;
            if map.starts_at() <= step.now.utc {
                return Err(Rejection::PerformanceBegun);
            }
            let now = |category: u16| map.prices().get(usize::from(category)).copied();
            if prices.iter().chain(was).any(|(category, _)| now(*category).is_none()) {
                return Err(Rejection::UnknownCategory);
            }
            if was.iter().any(|(category, price)| now(*category) != Some(*price)) {
                let mut looked_at: Vec<_> = prices.iter().chain(was).map(|(category, _)| *category).collect();
                looked_at.sort_unstable();
                looked_at.dedup();
                let of = |n: usize| (map.plan().categories[n].name.clone(), map.prices()[n]);
                let is = looked_at.into_iter().map(usize::from).map(of).collect();
                return Err(Rejection::ChangedMeanwhile {
                    is: Box::new(Seen::Prices(*schedule, is)),
                    changed: self.changes.get(&Subject::Prices(*schedule)).cloned(),
                });
            }
            let mut after = map.prices().to_vec();
            for (category, price) in prices {
                after[usize::from(*category)] = *price;
            }
            let named = (0..).zip(&map.plan().categories).zip(map.prices().iter().zip(&after));
            let changed = named.clone().filter(|(_, (before, after))| before != after);
            let changed: Vec<_> = changed
                .map(|((category, of), (before, after))| PriceChange {
                    category,
                    name: of.name.clone(),
                    before: *before,
                    after: *after,
                })
                .collect();
            if !changed.is_empty() {
                let own = named.filter(|((_, imported), (_, after))| imported.price != **after);
                let own = own.map(|((category, _), (_, after))| (category, *after)).collect();
                events.push(Repricing { schedule: *schedule, changed, own, by: by.clone() });
            }
        }
        events.into_iter().for_each(|event| self.change(step, Event::Repriced(event)));
        Ok(Answer::Done)
    }

    /// These seats, each once, in ascending order.
    pub(super) fn named(
        &self,
        schedule: ScheduleId,
        seats: &[SeatId],
    ) -> Result<(&SeatMap, Vec<SeatId>), Rejection> {
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
