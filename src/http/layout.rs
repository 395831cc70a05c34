//! The drawings of venues: made once a schedule, compressed, and kept by the clients for as long as they like.

use std::sync::Arc;

use dashmap::DashMap;
use serde_json::json;

use super::reply::Fixed;
use crate::domain::ids::ScheduleId;
use crate::fanout::{SaleView, SeatTopic};
use crate::gateway::translate;

/// The layouts that were asked for, by schedule. As many as there are schedules.
#[derive(Default)]
pub struct Layouts {
    made: DashMap<ScheduleId, Arc<Fixed>>,
}

impl Layouts {
    /// Made at the first request: a stadium takes a moment, so not on a thread that serves others.
    pub async fn of(&self, view: Arc<SaleView>, topic: Arc<SeatTopic>) -> Option<Arc<Fixed>> {
        let schedule = topic.schedule().id;
        if let Some(made) = self.made.get(&schedule) {
            return Some(made.clone());
        }
        let document = tokio::task::spawn_blocking(move || Arc::new(document(&view, &topic))).await.ok()?;
        Some(self.made.entry(schedule).or_insert(document).clone())
    }
}

fn document(view: &SaleView, topic: &SeatTopic) -> Fixed {
    let (schedule, layout, concert) = (topic.schedule(), topic.layout(), view.concert());
    let venue = (**layout).clone().without_guids();
    let mut seats = json!(venue.seats);
    if let Some(columns) = seats.as_object_mut() {
        // Only some plans have it, and no client needs it to draw.
        columns.remove("radius");
    }
    let drawing = json!({
        "schedule_id": schedule.id.0,
        "title": concert.title,
        "venue": concert.venue,
        "starts_at": translate::time(schedule.starts_at),
        "currency": concert.currency,
        "size": venue.size,
        "stage": venue.stage,
        "categories": venue.categories,
        "zones": venue.zones,
        "rows": venue.rows,
        "areas": venue.areas,
        "seats": seats,
    });
    Fixed::new("application/json", drawing.to_string().as_bytes())
}
