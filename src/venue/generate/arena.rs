//! An arena set up for a concert: an end stage with a runway, blocks of chairs on the floor, and stands on three
//! sides.

use super::bowl::{Bowl, Section, Side, margin_for_corner, tiers};
use super::draft::{
    A, AISLE, B, BLOCK_TEXT, C, Curve, Draft, DraftRow, DraftZone, R, ROW, Run, S, SEAT, STAGE_BORDER,
    STAGE_FILL, STAGE_TEXT, VIP, block, circle, letters, rectangle, with_text,
};
use crate::venue::plan::{Area, Point, RowNumberPosition, Size};

/// Between two groups of floor blocks, where stewards walk.
const FLOOR_GAP: f64 = 62.0;

/// The floor between the stage (at y = 0) and the stands.
struct Floor {
    columns_a_half: usize,
    seats_a_row: usize,
    groups: usize,
    rows_a_group: usize,
    runway_half: f64,
}

impl Floor {
    fn new(scale: f64) -> Self {
        let half_seats = (26.0 * scale).round().max(2.0);
        let rows = (50.0 * scale).round().max(2.0);
        let columns_a_half = (half_seats / 14.0).round().max(1.0);
        let groups = (rows / 15.0).round().max(1.0);
        Self {
            columns_a_half: columns_a_half as usize,
            seats_a_row: (half_seats / columns_a_half).round() as usize,
            groups: groups as usize,
            rows_a_group: (rows / groups).round() as usize,
            runway_half: (60.0 * scale).clamp(AISLE / 2.0, 90.0),
        }
    }

    fn block_width(&self) -> f64 {
        self.seats_a_row as f64 * SEAT
    }

    fn group_depth(&self) -> f64 {
        (self.rows_a_group - 1) as f64 * ROW
    }

    fn half_width(&self) -> f64 {
        self.runway_half + AISLE + self.columns_a_half as f64 * (self.block_width() + AISLE)
    }

    /// The distance from the stage to behind the last row.
    fn depth(&self) -> f64 {
        self.groups as f64 * (self.group_depth() + ROW + FLOOR_GAP)
    }

    fn zones(&self) -> Vec<DraftZone> {
        let columns = 2 * self.columns_a_half;
        let mut zones = Vec::new();
        for group in 0..self.groups {
            let first_y = FLOOR_GAP + group as f64 * (self.group_depth() + ROW + FLOOR_GAP);
            for column in 0..columns {
                // Columns count from the left; the runway is in the middle.
                let from_middle = column as f64 - self.columns_a_half as f64;
                let past_runway = (self.runway_half + AISLE / 2.0).copysign(from_middle + 0.5);
                let x = from_middle * (self.block_width() + AISLE) + AISLE / 2.0 + past_runway;
                let line = |y: f64, wider: f64| Curve::Line {
                    from: Point { x: x - wider, y },
                    to: Point { x: x + self.block_width() + wider, y },
                };
                let number = group * columns + column;
                let short =
                    if self.groups * columns <= 26 { letters(number) } else { (number + 1).to_string() };
                let category = if 2 * group < self.groups { VIP } else { R };
                let rows = (0..self.rows_a_group).map(|row| DraftRow {
                    label: (row + 1).to_string(),
                    label_position: RowNumberPosition::Start,
                    runs: vec![Run { curve: line(first_y + row as f64 * ROW, 0.0), category }],
                });
                let front = line(first_y - 0.6 * ROW, 6.0);
                let back = line(first_y + self.group_depth() + 0.6 * ROW, 6.0);
                let text_at =
                    Point { x: x + self.block_width() / 2.0, y: first_y + self.group_depth() / 2.0 };
                let text_size = (self.block_width() / 5.0).min(self.group_depth() / 3.0).clamp(14.0, 72.0);
                zones.push(DraftZone {
                    name: format!("Floor {short}"),
                    id: format!("floor-{}", short.to_lowercase()),
                    rows: rows.collect(),
                    areas: vec![with_text(block(&front, &back), &short, text_at, text_size, BLOCK_TEXT)],
                });
            }
        }
        zones
    }
}

/// `scale` 1 is some eleven thousand seats.
pub fn draft(scale: f64) -> Draft {
    let floor = Floor::new(scale);
    let mut zones = floor.zones();
    let corner = floor.half_width() * 0.32;
    let margin = margin_for_corner(corner, 36.0);
    // The stands' rectangle reaches from the stage to behind the floor; its middle is the bowl's.
    let half_height = (floor.depth() + margin) / 2.0;
    let bowl = Bowl { half_width: floor.half_width() + margin, half_height, corner, open_top: true };
    let sides = [Side::Left, Side::BottomLeft, Side::Bottom, Side::BottomRight, Side::Right];
    let rows = (30.0 * scale).round() as usize;
    let mut stands = bowl.zones(&sides, &tiers(rows), letters, category);
    for zone in &mut stands {
        move_down(zone, half_height);
    }
    zones.extend(stands);
    Draft { name: "Frontrow Arena", zones, areas: stage(&floor, scale) }
}

fn category(section: &Section) -> usize {
    let beside = matches!(section.side, Side::Left | Side::Right);
    match (section.tier, section.tiers) {
        (0, 1) if beside => S,
        (0, 1) => A,
        (0, _) if beside => R,
        (0, _) => S,
        (1, 3..) if beside => S,
        (tier, tiers) if tier + 1 < tiers || beside => A,
        _ if section.side.is_corner() => B,
        _ => C,
    }
}

fn move_down(zone: &mut DraftZone, by: f64) {
    let shift = Point { x: 0.0, y: by };
    for run in zone.rows.iter_mut().flat_map(|row| &mut row.runs) {
        run.curve = match run.curve {
            Curve::Line { from, to } => Curve::Line { from: from + shift, to: to + shift },
            Curve::Arc { center, radius, from, to } => {
                Curve::Arc { center: center + shift, radius, from, to }
            }
        };
    }
    for area in &mut zone.areas {
        area.position = area.position + shift;
    }
}

/// The stage proper, a runway through the middle aisle, and a round stage at its end.
fn stage(floor: &Floor, scale: f64) -> Vec<Area> {
    let half_width = floor.half_width() * 0.8;
    let depth = (260.0 * scale).clamp(70.0, 900.0);
    let runway = floor.runway_half * 0.55;
    let length = floor.depth() * 0.42;
    let size = |width: f64, height: f64| Size { width: width.round(), height: height.round() };
    let main = rectangle(
        Point { x: -half_width, y: -depth },
        size(2.0 * half_width, depth),
        STAGE_FILL,
        STAGE_BORDER,
    );
    vec![
        rectangle(Point { x: -runway, y: -4.0 }, size(2.0 * runway, length), STAGE_FILL, STAGE_BORDER),
        circle(Point { x: 0.0, y: length }, (floor.runway_half * 0.95).round(), STAGE_FILL, STAGE_BORDER),
        with_text(
            main,
            "Stage",
            Point { x: 0.0, y: -depth / 2.0 },
            (half_width / 7.0).clamp(14.0, 140.0),
            STAGE_TEXT,
        ),
    ]
}
