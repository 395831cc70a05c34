//! What an operator changes of a performance: from the words of the wire to the command of the sale, and what it is then.

use std::collections::BTreeMap;
use std::sync::Arc;

use frontrow_protocol::ErrorObject;
use frontrow_protocol::ops::schedule::{NewSchedule, ScheduleInfo, SchedulePatch};

use crate::desk::{Context, translate};
use crate::domain::actor::Actor;
use crate::domain::command::{Command, Rejection};
use crate::domain::ids::{ConcertId, ScheduleId, SeatId};
use crate::domain::record::ScheduleState;
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::fanout::{SaleView, SeatTopic};
use crate::limits;
use crate::store::journal::Entry;

/// Seats of a new performance that have to be stored within the time that a change may take.
const SEATS_AT_ONCE: usize = 10_000;

impl Context {
    /// Changes a performance, if it is as the operator saw it.
    pub async fn change_schedule(
        &self,
        schedule: ScheduleId,
        patch: &SchedulePatch,
        by: &Actor,
    ) -> Result<ScheduleInfo, ErrorObject> {
        let view = self.sale_of_schedule(schedule)?;
        let topic = view.topic(schedule).ok_or_else(ErrorObject::schedule_not_found)?;
        let was = patch.was.clone().unwrap_or_default();
        if !patch.prices.is_empty() {
            let command = Command::Reprice {
                schedules: if patch.all_performances {
                    self.to_come(&view, schedule)
                } else {
                    vec![schedule]
                },
                prices: numbered(&topic, "prices", &patch.prices)?,
                was: numbered(&topic, "was.prices", &was.prices)?,
                by: by.clone(),
            };
            let reply = self.submit_and_wait(view.id(), command).await;
            reply.map_err(|refusal| translate::refusal(&refusal))?;
        }
        Ok(info(&topic))
    }

    /// Adds a performance to a concert. Its seats are stored before anybody knows of it; what was broken off is gone on with.
    pub async fn add_schedule(
        &self,
        concert: ConcertId,
        new: &NewSchedule,
        by: Actor,
    ) -> Result<ScheduleInfo, ErrorObject> {
        let view = self.woken_sale(concert).await?;
        let topics: Vec<_> = view.topics().collect();
        let first = topics.first().ok_or_else(ErrorObject::schedule_not_found)?;
        let named = numbered(first, "prices", &new.prices)?;
        let of = match new.prices_of {
            None => None,
            Some(id) => {
                Some(view.topic(ScheduleId(id)).ok_or_else(ErrorObject::schedule_not_found)?.prices())
            }
        };
        let of = of.iter().flat_map(|prices| (0..).zip(prices.iter().copied()));
        let prices: BTreeMap<u16, Money> = of.chain(named).collect();
        let starts_at = Timestamp::from_millis(new.starts_at.as_millis());
        // What would be refused anyway leaves no seats behind.
        let is_same = |topic: &Arc<SeatTopic>| {
            let of = topic.schedule();
            of.starts_at == starts_at && of.state == ScheduleState::Planned
        };
        let refusal = match () {
            () if starts_at <= self.clock.utc() => Some(Rejection::StartPassed),
            () if topics.iter().any(is_same) => Some(Rejection::SameStart),
            () if topics.len() >= limits::PERFORMANCES_MAX => Some(Rejection::TooManyPerformances),
            () => None,
        };
        if let Some(refusal) = refusal {
            return Err(translate::rejection(&refusal));
        }
        // Of two at once the second would write the seats of the first.
        let being_made = self.additions.begin(concert, starts_at);
        let _being_made = being_made.ok_or_else(|| translate::rejection(&Rejection::SameStart))?;
        let schedule = loop {
            let prepare = self.store.prepare_schedule(concert, starts_at, SEATS_AT_ONCE);
            let prepared = self.change(prepare).await?;
            if prepared.is_whole {
                break prepared.schedule;
            }
        };
        let (prices, of_plan) = (prices.into_iter().collect(), self.kept_by_plan(concert).await?);
        self.operate(concert, Command::AddSchedule { schedule, starts_at, prices, of_plan, by }).await?;
        let topic = view.topic(schedule).ok_or_else(ErrorObject::schedule_not_found)?;
        Ok(info(&topic))
    }

    /// The seats that the house kept from sale when the concert began, if the beginning of its journal was not moved into files.
    async fn kept_by_plan(&self, concert: ConcertId) -> Result<Option<Vec<SeatId>>, ErrorObject> {
        let first = self.read(self.store.journal(concert, 0, 1)).await?;
        let events = first.into_iter().filter(|row| row.seq == 0).flat_map(|row| row.events);
        let mut kept = events.filter_map(|event| match event {
            Entry::New { restricted, .. } => Some(restricted),
            _ => None,
        });
        Ok(kept.next())
    }

    /// This performance, and every other one of the sale that has not begun.
    fn to_come(&self, view: &SaleView, schedule: ScheduleId) -> Vec<ScheduleId> {
        let others = view.listing(self.clock.utc()).into_iter().map(|listed| listed.schedule.id);
        std::iter::once(schedule).chain(others.filter(|other| *other != schedule)).collect()
    }
}

/// Prices by the numbers of their categories.
fn numbered(
    topic: &SeatTopic,
    field: &str,
    prices: &BTreeMap<String, Money>,
) -> Result<Vec<(u16, Money)>, ErrorObject> {
    let categories = &topic.layout().categories;
    let number = |(name, price): (&String, &Money)| match categories.iter().position(|of| of.name == *name) {
        Some(number) => Ok((number as u16, *price)),
        None => {
            let problem = format!("`{field}`: there is no category {name:?}");
            Err(ErrorObject::invalid_params(Some(field), &problem))
        }
    };
    prices.iter().map(number).collect()
}

fn info(topic: &SeatTopic) -> ScheduleInfo {
    let names = || topic.layout().categories.iter().map(|category| category.name.clone());
    ScheduleInfo {
        schedule_id: topic.id().0,
        starts_at: translate::time(topic.schedule().starts_at),
        prices: names().zip(topic.prices().iter().copied()).collect(),
        left: names().zip(topic.left()).collect(),
    }
}
