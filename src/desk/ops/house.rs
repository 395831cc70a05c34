//! A concert and its performances, as operators look at them before they change something.

use frontrow_protocol::ErrorObject;
use frontrow_protocol::about::PageCategory;
use frontrow_protocol::ops::box_office::AtDesk;
use frontrow_protocol::ops::house::{HouseConcert, HouseSchedule, SoldOrders};

use crate::desk::{Context, translate};
use crate::dispatcher::Rows;
use crate::domain::ids::{ConcertId, ReservationId, ScheduleId};
use crate::domain::time::Timestamp;
use crate::fanout::SeatTopic;
use crate::limits::SOLD_ORDERS_AT_ONCE;

use super::concert::about_of;

impl Context {
    /// A concert with every performance of it; one with nothing left to run is loaded.
    pub async fn house_concert(&self, concert: ConcertId) -> Result<HouseConcert, ErrorObject> {
        let view = self.woken_sale(concert).await?;
        let (record, now) = (view.concert(), self.clock.utc());
        let mut schedules: Vec<_> = view.topics().map(|topic| house_schedule(&topic, now)).collect();
        schedules.sort_by_key(|schedule| (schedule.starts_at, schedule.schedule_id));
        Ok(HouseConcert {
            concert_id: concert.0,
            title: record.title.clone(),
            about: about_of(&record),
            currency: record.currency.clone(),
            time_zone: record.time_zone.clone(),
            schedules,
        })
    }

    /// What is sold of a performance, counted some orders at a time.
    pub async fn sold_orders(&self, schedule: ScheduleId) -> Result<SoldOrders, ErrorObject> {
        let view = self.woken_sale_of_schedule(schedule).await?;
        let (concert, currency) = (view.id(), view.concert().currency.clone());
        let mut sold = SoldOrders {
            concert_id: concert.0,
            schedule_id: schedule.0,
            orders: 0,
            seats: 0,
            amount: 0,
            at_desk: AtDesk::default(),
            currency,
        };
        let mut after: Option<ReservationId> = None;
        loop {
            let box_office = self.box_office()?;
            let page = || box_office.sold_orders(concert, schedule, after, SOLD_ORDERS_AT_ONCE);
            let page = self.read_confirmed(Rows::OfSale(concert), page).await?;
            let Some(last) = page.last() else { return Ok(sold) };
            after = Some(last.order);
            sold.orders += page.len() as u64;
            sold.seats += page.iter().map(|order| u64::from(order.seats)).sum::<u64>();
            sold.amount += page.iter().map(|order| order.amount).sum::<i64>();
            for order in page.iter().filter(|order| order.source.is_taken_at_desk()) {
                sold.at_desk.orders += 1;
                sold.at_desk.seats += u64::from(order.seats);
                sold.at_desk.amount += order.amount;
            }
        }
    }
}

fn house_schedule(topic: &SeatTopic, now: Timestamp) -> HouseSchedule {
    let schedule = topic.schedule();
    let categories = topic.layout().categories.iter();
    let left = topic.left();
    HouseSchedule {
        schedule_id: schedule.id.0,
        starts_at: translate::time(schedule.starts_at),
        state: translate::schedule_state(schedule.state),
        reason: topic.reason().as_deref().map(str::to_owned),
        begun: schedule.starts_at <= now,
        categories: categories
            .zip(topic.prices().iter().copied())
            .zip(left)
            .map(|((category, price), left)| PageCategory { name: category.name.clone(), price, left })
            .collect(),
    }
}
