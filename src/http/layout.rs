//! The drawings of venues: made once a schedule, compressed, and made anew when what they say was changed. Clients may keep
//! them, and ask each time whether they are as they were.
//!
//! Always: one is made at most once, however many ask for it at the same moment. Usually that is before the first request.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use serde_json::json;
use tokio::sync::OnceCell;

use super::reply::Fixed;
use crate::desk::translate;
use crate::domain::ids::ScheduleId;
use crate::fanout::{Fanout, SaleView, SeatTopic};

/// The pause between two looks for new performances, to have their drawings ready before they are asked for.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(1);

/// The layouts by schedule. As many as there are schedules.
#[derive(Default)]
pub struct Layouts {
    made: DashMap<ScheduleId, Made>,
}

#[derive(Default)]
struct Made {
    /// The journal's place of the last change of what it says.
    revision: u64,
    drawing: Arc<OnceCell<Arc<Fixed>>>,
}

impl Layouts {
    /// `None`: making it broke.
    pub async fn of(&self, view: Arc<SaleView>, topic: Arc<SeatTopic>) -> Option<Arc<Fixed>> {
        let drawing = self.newest(&view, &topic);
        // A stadium takes a moment, so not on a thread that serves others.
        let make = || tokio::task::spawn_blocking(move || Arc::new(document(&view, &topic)));
        drawing.get_or_try_init(make).await.ok().cloned()
    }

    fn newest(&self, view: &SaleView, topic: &SeatTopic) -> Arc<OnceCell<Arc<Fixed>>> {
        // Read before the drawing is made: it may be newer than this says, and never older.
        let revision = view.drawing_revision(topic);
        let mut made = self.made.entry(topic.id()).or_default();
        if made.revision < revision {
            *made = Made { revision, ..Made::default() };
        }
        made.drawing.clone()
    }

    /// Makes those of all sales ahead of the rush, one after the other. Never ends.
    pub async fn prepare(&self, fanout: &Fanout) {
        loop {
            for view in fanout.sales() {
                for topic in view.topics() {
                    // The next one who needs it tries again, and says so if it breaks.
                    let _ = self.of(view.clone(), topic.clone()).await;
                }
            }
            tokio::time::sleep(LOOKUP_INTERVAL).await;
        }
    }
}

fn document(view: &SaleView, topic: &SeatTopic) -> Fixed {
    let (schedule, layout, concert) = (topic.schedule(), topic.layout(), view.concert());
    let venue = (**layout).clone().without_guids();
    let mut categories = venue.categories;
    for (category, price) in categories.iter_mut().zip(topic.prices().iter()) {
        category.price = *price;
    }
    let mut seats = json!(venue.seats);
    if let Some(columns) = seats.as_object_mut() {
        // The radius is left out: only some plans have it, and no client needs it to draw.
        columns.remove("radius");
    }
    let drawing = json!({
        "schedule_id": schedule.id.0,
        "title": concert.title,
        "venue": concert.venue,
        "starts_at": translate::time(schedule.starts_at),
        "time_zone": concert.time_zone,
        "currency": concert.currency,
        "size": venue.size,
        "stage": venue.stage,
        "categories": categories,
        "zones": venue.zones,
        "rows": venue.rows,
        "areas": venue.areas,
        "seats": seats,
    });
    Fixed::new("application/json", drawing.to_string().as_bytes())
}
