//! A venue as it is stored with a schedule, served to browsers, and turned into the domain's seats.
//!
//! Columns, so that a stadium stays small; the index into every column is the seat's number, which is its place in
//! the plan's file. Always: all columns of seats are equally long (`guid` may be empty, `radius` too), and every
//! index in them names an existing row or category. Not here: which seats are free.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::geometry;
use super::plan::{Area, Point, Size};
use crate::domain::seat_plan::{Money, PlannedCategory, PlannedRow, PlannedSeat, SeatPlan};

/// The drawing, the names and the prices of one schedule's seats. Lengths are in the plan's units, y points down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VenueLayout {
    /// The venue's name.
    pub name: String,
    pub size: Size,
    /// The point that the audience looks at, and that "nearest the stage" is measured from.
    pub stage: Point,
    /// The categories in the plan's order, like zones and rows; as with them, only those with seats.
    pub categories: Vec<LayoutCategory>,
    pub zones: Vec<LayoutZone>,
    pub rows: Vec<LayoutRow>,
    /// The areas in the plan's order: later ones are drawn over earlier ones. Their positions are absolute; all else
    /// within an area is relative to its position.
    pub areas: Vec<Area>,
    pub seats: SeatColumns,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayoutCategory {
    pub name: String,
    /// A CSS colour: `#rgb`, `#rrggbb` or a name.
    pub color: String,
    /// The price in the currency's minor unit.
    pub price: Money,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayoutZone {
    /// Empty when the plan has none.
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayoutRow {
    /// Index into `zones`.
    pub zone: u32,
    /// Empty when the plan has none.
    pub label: String,
    /// The row as the plan calls it, "Row 1" or "1열".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_label: Option<String>,
    /// The plan's words for the row's seats, with `%s` for the number: "Seat %s" or "%s번".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat_label: Option<String>,
}

/// The seats; one entry each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeatColumns {
    /// Absolute.
    #[serde(serialize_with = "short_numbers")]
    pub x: Vec<f64>,
    #[serde(serialize_with = "short_numbers")]
    pub y: Vec<f64>,
    /// Index into `rows`; never decreases.
    pub row: Vec<u32>,
    /// The number within the row as printed at the seat; never empty.
    pub number: Vec<String>,
    /// Index into `categories`.
    pub category: Vec<u16>,
    /// Zone, row and number as on a ticket; unique.
    pub label: Vec<String>,
    /// The plan's own name for the seat; unique. Only in what is stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guid: Vec<String>,
    /// The radius of each seat, 0 where the plan does not say; empty when it never does.
    #[serde(default, skip_serializing_if = "Vec::is_empty", serialize_with = "short_numbers")]
    pub radius: Vec<f64>,
}

/// 120 instead of 120.0: whole numbers are most of a plan.
fn short_numbers<S: serde::Serializer>(numbers: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Short {
        Whole(i64),
        Broken(f64),
    }
    serializer.collect_seq(numbers.iter().map(|&number| {
        // Far below 2^53, so the conversion is exact.
        if number.fract() == 0.0 { Short::Whole(number as i64) } else { Short::Broken(number) }
    }))
}

impl VenueLayout {
    /// The number of seats.
    pub fn seat_count(&self) -> usize {
        self.seats.x.len()
    }

    /// The layout without the plan's own seat names, which no client needs.
    pub fn without_guids(mut self) -> Self {
        self.seats.guid = Vec::new();
        self
    }

    /// The seats as the domain sees them: who sits beside whom, and how near the stage. O(n log n).
    pub fn seat_plan(&self) -> SeatPlan {
        let seats = &self.seats;
        let walks = self.walk_rows();
        let mut places = vec![0; self.seat_count()];
        let zone_spacing = self.zone_spacings(&walks);
        for walk in &walks {
            let usual = zone_spacing.get(&self.zone_of(walk.row)).copied();
            for (&seat, place) in walk.seats.iter().zip(geometry::places(&walk.steps, usual)) {
                places[seat] = place;
            }
        }
        let planned = (0..self.seat_count()).map(|seat| {
            let at = self.position(seat);
            PlannedSeat {
                label: seats.label[seat].as_str().into(),
                category: seats.category[seat],
                row: seats.row[seat],
                place: places[seat],
                x: at.x as f32,
                y: at.y as f32,
                stage_distance: at.distance(self.stage) as f32,
            }
        });
        SeatPlan {
            seats: planned.collect(),
            categories: self
                .categories
                .iter()
                .map(|category| PlannedCategory {
                    name: category.name.as_str().into(),
                    price: category.price,
                })
                .collect(),
            rows: self
                .rows
                .iter()
                .map(|row| PlannedRow { zone: row.zone, label: row.label.as_str().into() })
                .collect(),
        }
    }

    /// The median distance between neighbours over the whole plan; 0 when no row has two seats apart.
    pub(super) fn seat_spacing(&self) -> f64 {
        let steps: Vec<f64> = self.walk_rows().into_iter().flat_map(|walk| walk.steps).collect();
        geometry::median(&steps).unwrap_or_default()
    }

    pub(super) fn position(&self, seat: usize) -> Point {
        Point { x: self.seats.x[seat], y: self.seats.y[seat] }
    }

    fn zone_of(&self, row: u32) -> u32 {
        self.rows[row as usize].zone
    }

    fn walk_rows(&self) -> Vec<RowWalk> {
        let mut walks = Vec::with_capacity(self.rows.len());
        let mut first = 0;
        for seats in self.seats.row.chunk_by(|a, b| a == b) {
            let points: Vec<Point> = (first..first + seats.len()).map(|seat| self.position(seat)).collect();
            let walk = geometry::walk(&points);
            walks.push(RowWalk {
                row: seats[0],
                steps: geometry::steps(&points, &walk),
                seats: walk.into_iter().map(|seat| first + seat).collect(),
            });
            first += seats.len();
        }
        walks
    }

    /// The median distance between neighbours in each zone that has any.
    fn zone_spacings(&self, walks: &[RowWalk]) -> HashMap<u32, f64> {
        let mut steps: HashMap<u32, Vec<f64>> = HashMap::new();
        for walk in walks {
            steps.entry(self.zone_of(walk.row)).or_default().extend(&walk.steps);
        }
        steps.into_iter().filter_map(|(zone, steps)| Some((zone, geometry::median(&steps)?))).collect()
    }
}

/// One row in the order in which one walks along it.
struct RowWalk {
    row: u32,
    /// Seat numbers.
    seats: Vec<usize>,
    /// Distances between neighbours; one fewer than seats.
    steps: Vec<f64>,
}
