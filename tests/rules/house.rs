//! A house to sell: rows of seats named by a letter and a number, row A next to the stage and dearer.

use std::sync::Arc;

use frontrow::domain::ids::{ScheduleId, SeatId};
use frontrow::domain::record::ScheduleState;
use frontrow::domain::sale::ScheduleSnapshot;
use frontrow::domain::seat_plan::{Money, PlannedCategory, PlannedRow, PlannedSeat, SeatPlan};
use frontrow::domain::time::Timestamp;

/// The price of a seat of row A, in category `VIP`; all other rows are `Floor`.
pub const VIP: Money = 100;
pub const FLOOR: Money = 50;

/// A performance, by the name that tables call it.
#[derive(Clone)]
pub struct Performance {
    pub name: String,
    pub id: ScheduleId,
    pub starts_at: Timestamp,
    pub plan: Arc<SeatPlan>,
}

impl Performance {
    pub fn new(name: &str, id: ScheduleId, starts_at: Timestamp, labels: &[&str]) -> Self {
        Self { name: name.to_owned(), id, starts_at, plan: Arc::new(plan(labels)) }
    }

    pub fn all_free(&self) -> ScheduleSnapshot {
        ScheduleSnapshot {
            id: self.id,
            starts_at: self.starts_at,
            state: ScheduleState::Planned,
            plan: self.plan.clone(),
            prices: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// A label that the plan does not have names a seat beyond its last one.
    pub fn seat(&self, label: &str) -> SeatId {
        let index = self.plan.seats.iter().position(|seat| &*seat.label == label);
        SeatId(index.unwrap_or(self.plan.seats.len()) as u32)
    }

    pub fn label(&self, seat: SeatId) -> String {
        self.plan.seats.get(seat.0 as usize).map_or("?".to_owned(), |seat| seat.label.to_string())
    }
}

fn plan(labels: &[&str]) -> SeatPlan {
    let mut plan = SeatPlan::default();
    for (name, price) in [("VIP", VIP), ("Floor", FLOOR)] {
        plan.categories.push(PlannedCategory { name: name.into(), price });
    }
    let row_of = |label: &str| label.chars().next().map_or(0, |letter| letter as u32 - 'A' as u32);
    for row in 0..=labels.iter().map(|label| row_of(label)).max().unwrap_or(0) {
        let label = char::from(b'A' + row as u8).to_string().into();
        plan.rows.push(PlannedRow { zone: 0, label });
    }
    for label in labels {
        let row = row_of(label);
        let place: u32 = label[1..].parse().expect("a seat is a letter and a number");
        let (x, y) = (place as f32, row as f32);
        plan.seats.push(PlannedSeat {
            label: (*label).into(),
            category: u16::from(row > 0),
            row,
            place,
            x,
            y,
            stage_distance: (x - 2.5).hypot(y + 1.0),
        });
    }
    plan
}
