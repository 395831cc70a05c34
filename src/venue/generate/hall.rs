//! A hall: slightly curved rows before a stage, blocks between straight aisles, one or two balconies behind.

use super::draft::{
    A, AISLE, B, BLOCK_TEXT, Curve, Draft, DraftRow, DraftZone, R, ROW, Run, S, SEAT, STAGE_BORDER,
    STAGE_FILL, STAGE_TEXT, VIP, block, letters, polygon, text, with_text,
};
use crate::venue::plan::{Area, Point, RowNumberPosition};

/// The sizes from which on there is a balcony, and a second one.
const BALCONY_SEATS_MIN: usize = 700;
const UPPER_BALCONY_SEATS_MIN: usize = 2_500;
/// The longest row that one zone has from wall to wall; longer ones are cut at the aisles.
const ROW_SEATS_MAX: f64 = 40.0;
/// Seats of the first row for each row of the stalls.
const ASPECT: f64 = 1.9;
/// The most rows between two aisles that cross the hall.
const ROWS_BETWEEN_CROSSINGS: usize = 16;

struct Tier {
    name: &'static str,
    rows: usize,
    /// The radius of its first row, from the centre that all rows share.
    radius: f64,
}

/// The walls: half the width of the hall at a distance from the rows' centre.
struct Walls {
    first_radius: f64,
    half_width: f64,
    depth: f64,
}

impl Walls {
    /// Opens a little towards the back, like a fan, up to a third more.
    fn half_width_at(&self, radius: f64) -> f64 {
        self.half_width * (1.0 + 0.22 * ((radius - self.first_radius) / self.depth)).min(1.35)
    }

    /// The piece of a row between two fractions of the half width, -1 to 1, without half the aisle on inner sides.
    fn piece(&self, radius: f64, from: f64, to: f64, aisle: f64) -> Curve {
        let half_width = self.half_width_at(radius);
        let inner = |edge: f64| if edge.abs() < 1.0 { aisle / 2.0 } else { 0.0 };
        let angle = |x: f64| (x / radius).clamp(-1.0, 1.0).asin();
        let begin = angle(from * half_width + inner(from));
        let end = angle(to * half_width - inner(to)).max(begin);
        Curve::Arc { center: Point::default(), radius, from: begin, to: end }
    }
}

/// `scale` is the number of rows in the stalls; `seats` decides how many balconies there are.
pub fn draft(seats: usize, scale: f64) -> Draft {
    let width_seats = ASPECT * scale;
    let edges = block_edges(width_seats);
    let blocks = edges.len() - 1;
    let half_width = (SEAT * width_seats + AISLE * (blocks - 1) as f64) / 2.0;
    let tiers = tiers(seats, scale, half_width);
    let walls = Walls { first_radius: tiers[0].radius, half_width, depth: tiers[0].rows as f64 * ROW };
    let mut zones = Vec::new();
    for (tier_index, tier) in tiers.iter().enumerate() {
        let last = tier.radius + tier.depth();
        let whole = walls.half_width_at(last) * 2.0 <= ROW_SEATS_MAX * SEAT + AISLE * (blocks - 1) as f64;
        let parts: Vec<(usize, usize)> =
            if whole { vec![(0, blocks)] } else { (0..blocks).map(|b| (b, b + 1)).collect() };
        for &(first_block, end_block) in &parts {
            let name = match whole {
                true => tier.name.to_owned(),
                false => format!("{} {}", tier.name, block_name(first_block, blocks)),
            };
            let rows = (0..tier.rows)
                .map(|row| {
                    let radius = tier.radius + tier.offset(row);
                    let runs = (first_block..end_block).map(|b| Run {
                        curve: walls.piece(radius, edges[b], edges[b + 1], AISLE),
                        category: category(
                            tier_index,
                            tiers.len(),
                            row as f64 / tier.rows as f64,
                            // Blocks from the middle one, as a part of all on one side.
                            (2 * b + 1).abs_diff(blocks) as f64 / blocks as f64,
                        ),
                    });
                    DraftRow {
                        label: letters(row),
                        label_position: label_position(first_block, end_block, blocks),
                        runs: runs.collect(),
                    }
                })
                .collect();
            let outline =
                |radius: f64| walls.piece(radius, edges[first_block], edges[end_block], AISLE - SEAT);
            let (front, back) = (outline(tier.radius - 0.75 * ROW), outline(last + 0.75 * ROW));
            // Behind the last row, where no seat covers it, and turned with the row.
            let behind = outline(last + 1.5 * ROW);
            let text_size = (half_width / 16.0).clamp(12.0, 28.0);
            let areas = vec![block(&front, &back), name_behind(&name, &behind, text_size)];
            zones.push(DraftZone { id: name.to_lowercase().replace(' ', "-"), name, rows, areas });
        }
    }
    Draft { name: "Frontrow Hall", zones, areas: vec![stage(&walls)] }
}

fn tiers(seats: usize, scale: f64, half_width: f64) -> Vec<Tier> {
    let rows = |share: f64| ((scale * share).round() as usize).max(1);
    let mut tiers = Vec::new();
    let mut radius = (half_width * 2.3).max(6.0 * ROW);
    for (name, share, from_seats) in [
        ("Stalls", 1.0, 0),
        ("Balcony", 0.38, BALCONY_SEATS_MIN),
        ("Upper Balcony", 0.34, UPPER_BALCONY_SEATS_MIN),
    ] {
        if seats < from_seats {
            break;
        }
        let rows = rows(share);
        let tier = Tier { name, rows, radius };
        // The front of the next tier, a foyer's width and a line of text behind this one.
        radius += tier.depth() + 4.5 * ROW;
        tiers.push(tier);
    }
    tiers
}

impl Tier {
    /// The distance of a row from the first one. Crossing aisles, a row wide, divide the tier evenly.
    fn offset(&self, row: usize) -> f64 {
        let parts = self.rows.div_ceil(ROWS_BETWEEN_CROSSINGS);
        (row + row * parts / self.rows) as f64 * ROW
    }

    fn depth(&self) -> f64 {
        self.offset(self.rows - 1)
    }
}

/// The fractions of the half width at which blocks begin and end: one block, or an odd number, so that nobody in the
/// middle looks along an aisle.
fn block_edges(width_seats: f64) -> Vec<f64> {
    if width_seats <= 16.0 {
        return vec![-1.0, 1.0];
    }
    let blocks = ((width_seats / 18.0).ceil() as usize).max(3) | 1;
    if blocks == 3 {
        return vec![-1.0, -0.46, 0.46, 1.0];
    }
    (0..=blocks).map(|edge| 2.0 * edge as f64 / blocks as f64 - 1.0).collect()
}

fn block_name(block: usize, blocks: usize) -> String {
    match (blocks, block) {
        (3, 0) => "Left".to_owned(),
        (3, 1) => "Centre".to_owned(),
        (3, _) => "Right".to_owned(),
        _ => (block + 1).to_string(),
    }
}

/// Labels stand where rows end at a wall.
fn label_position(first_block: usize, end_block: usize, blocks: usize) -> RowNumberPosition {
    match (first_block == 0, end_block == blocks) {
        (true, true) => RowNumberPosition::Both,
        (false, true) => RowNumberPosition::End,
        (true | false, false) => RowNumberPosition::Start,
    }
}

/// A block's name along the middle of a curve.
fn name_behind(name: &str, curve: &Curve, size: f64) -> Area {
    let middle = curve.at(curve.length() / 2.0);
    let turned = match curve {
        Curve::Arc { from, to, .. } => -((from + to) / 2.0).to_degrees(),
        Curve::Line { .. } => 0.0,
    };
    Area { rotation: (turned * 10.0).round() / 10.0 + 0.0, ..text(name, middle, size, BLOCK_TEXT) }
}

/// The category of a seat by its tier, how far back in it, and how far from the middle, each 0 to 1.
fn category(tier: usize, tiers: usize, back: f64, aside: f64) -> usize {
    match (tier, tiers) {
        (0, _) if back < 0.3 && aside < 0.42 => VIP,
        (0, _) if back < 0.62 && aside < 0.42 || back < 0.5 => R,
        (0, _) => S,
        (1, 2) if back >= 0.5 => B,
        (1, _) => A,
        _ => B,
    }
}

/// Its front follows the rows; its back is straight.
fn stage(walls: &Walls) -> Area {
    let radius = walls.first_radius - 3.0 * ROW;
    let half_width = walls.half_width * 0.78;
    let depth = (walls.half_width * 0.4).clamp(60.0, 300.0);
    let angle = (half_width / radius).asin();
    let front = Curve::Arc { center: Point::default(), radius, from: -angle, to: angle };
    let side = radius * angle.cos();
    let mut points = front.outline();
    points.push(Point { x: half_width * 0.86, y: side - depth });
    points.push(Point { x: -half_width * 0.86, y: side - depth });
    let middle = Point { x: 0.0, y: (side - depth + radius) / 2.0 };
    let text_size = (half_width / 7.0).clamp(14.0, 90.0);
    with_text(polygon(&points, STAGE_FILL, STAGE_BORDER), "Stage", middle, text_size, STAGE_TEXT)
}
