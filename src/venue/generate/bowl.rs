//! The stands of an arena or a stadium: tiers of sections along a rectangle with round corners, each row a little
//! further out than the one before.

use std::f64::consts::FRAC_PI_2;

use super::draft::{AISLE, BLOCK_TEXT, Curve, DraftRow, DraftZone, ROW, Run, SEAT, block, with_text};
use crate::venue::plan::{Point, RowNumberPosition};

/// About how many seats a row of a section has.
const SECTION_SEATS: f64 = 21.0;
/// A row of fewer seats than this, at the narrow front of a corner, is left out.
const ROW_SEATS_MIN: f64 = 3.0;
/// The walkway between two tiers.
const WALKWAY: f64 = 84.0;

/// The inner edge of the stands.
pub struct Bowl {
    pub half_width: f64,
    pub half_height: f64,
    /// The radius of its corners.
    pub corner: f64,
    /// There is no top: the stands at the left and right reach up to where its corners would end.
    pub open_top: bool,
}

/// The eight sides, in the order in which one walks around with the middle on the left: seats count from left to
/// right as seen from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Bottom,
    BottomRight,
    Right,
    TopRight,
    Top,
    TopLeft,
    Left,
    BottomLeft,
}

impl Side {
    pub fn is_corner(self) -> bool {
        matches!(self, Self::BottomRight | Self::TopRight | Self::TopLeft | Self::BottomLeft)
    }
}

/// A section as its category is chosen.
pub struct Section {
    pub side: Side,
    pub tier: usize,
    pub tiers: usize,
    /// The middle of its first row.
    pub at: Point,
}

/// The distance that straight lines must keep from the inner edge so that their right-angled corner stays clear of the
/// round one by `clearance`.
pub fn margin_for_corner(corner: f64, clearance: f64) -> f64 {
    corner * (1.0 - std::f64::consts::FRAC_1_SQRT_2) + clearance
}

impl Bowl {
    /// The line `outwards` behind the inner edge.
    fn side(&self, side: Side, outwards: f64) -> Curve {
        let (x, y) = (self.half_width - self.corner, self.half_height - self.corner);
        let side_top = if self.open_top { -self.half_height } else { -y };
        let (far_x, far_y) = (self.half_width + outwards, self.half_height + outwards);
        let line = |x1: f64, y1: f64, x2: f64, y2: f64| Curve::Line {
            from: Point { x: x1, y: y1 },
            to: Point { x: x2, y: y2 },
        };
        let arc = |x: f64, y: f64, quarter: f64| Curve::Arc {
            center: Point { x, y },
            radius: self.corner + outwards,
            from: FRAC_PI_2 * quarter,
            to: FRAC_PI_2 * (quarter + 1.0),
        };
        match side {
            Side::Bottom => line(-x, far_y, x, far_y),
            Side::BottomRight => arc(x, y, 0.0),
            Side::Right => line(far_x, y, far_x, side_top),
            Side::TopRight => arc(x, -y, 1.0),
            Side::Top => line(x, -far_y, -x, -far_y),
            Side::TopLeft => arc(-x, -y, 2.0),
            Side::Left => line(-far_x, side_top, -far_x, y),
            Side::BottomLeft => arc(-x, y, 3.0),
        }
    }

    /// Tiers further out are longer, so the last one has the most.
    fn sections_of_largest_tier(&self, sides: &[Side], tiers: &[usize]) -> usize {
        let Some((&last, before)) = tiers.split_last() else { return 0 };
        let outwards: f64 = before.iter().map(|&rows| depth(rows) + ROW + WALKWAY).sum();
        sides.iter().map(|&side| sections(&self.side(side, outwards + depth(last) / 2.0))).sum()
    }

    /// The sections of all tiers, from the front to the back, along `sides`.
    pub fn zones(
        &self,
        sides: &[Side],
        tiers: &[usize],
        row_label: impl Fn(usize) -> String,
        category: impl Fn(&Section) -> usize,
    ) -> Vec<DraftZone> {
        let mut zones = Vec::new();
        let most = self.sections_of_largest_tier(sides, tiers);
        // Sections are 101, 102 … in the first tier and 201 … in the second, while a hundred are enough.
        let hundred = if most < 100 { 100 } else { 1_000 };
        let mut outwards = 0.0;
        for (tier, &rows) in tiers.iter().enumerate() {
            let depth = depth(rows);
            let mut in_tier = 0;
            for &side in sides {
                let sections = sections(&self.side(side, outwards + depth / 2.0));
                for section in 0..sections {
                    let (from, to) =
                        (section as f64 / sections as f64, (section + 1) as f64 / sections as f64);
                    let line = |outwards: f64, trim: f64| self.side(side, outwards).part(from, to, trim);
                    let front_row = line(outwards, AISLE / 2.0);
                    let section = Section {
                        side,
                        tier,
                        tiers: tiers.len(),
                        at: front_row.at(front_row.length() / 2.0),
                    };
                    let category = category(&section);
                    in_tier += 1;
                    let number = ((tier + 1) * hundred + in_tier).to_string();
                    let rows = (0..rows)
                        .map(|row| (row, line(outwards + row as f64 * ROW, AISLE / 2.0)))
                        .filter(|(_, curve)| curve.length() >= ROW_SEATS_MIN * SEAT)
                        .map(|(row, curve)| DraftRow {
                            label: row_label(row),
                            label_position: RowNumberPosition::Start,
                            runs: vec![Run { curve, category }],
                        });
                    let trim = AISLE / 2.0 - SEAT / 4.0;
                    let front = line(outwards - 0.6 * ROW, trim);
                    let back = line(outwards + depth + 0.6 * ROW, trim);
                    let middle = line(outwards + depth / 2.0, trim);
                    let text_size = (depth / 5.0).min(middle.length() / 5.0).clamp(12.0, 72.0);
                    let text_at = middle.at(middle.length() / 2.0);
                    zones.push(DraftZone {
                        rows: rows.collect(),
                        areas: vec![with_text(block(&front, &back), &number, text_at, text_size, BLOCK_TEXT)],
                        name: format!("Section {number}"),
                        id: number,
                    });
                }
            }
            outwards += depth + ROW + WALKWAY;
        }
        zones
    }
}

/// The distance of a tier's last row from its first.
fn depth(rows: usize) -> f64 {
    (rows - 1) as f64 * ROW
}

/// The number of sections that share a side.
fn sections(middle_row: &Curve) -> usize {
    ((middle_row.length() / (SECTION_SEATS * SEAT + AISLE)).round() as usize).max(1)
}

/// Rows shared out among tiers of at most some thirty, the upper ones a little deeper.
pub fn tiers(rows: usize) -> Vec<usize> {
    match rows {
        0..=12 => vec![rows.max(1)],
        13..=48 => vec![rows * 45 / 100, rows - rows * 45 / 100],
        49..=90 => {
            let (lower, middle) = (rows * 40 / 100, rows * 20 / 100);
            vec![lower, middle, rows - lower - middle]
        }
        _ => {
            let tiers = rows.div_ceil(30);
            (0..tiers).map(|tier| (tier + 1) * rows / tiers - tier * rows / tiers).collect()
        }
    }
}
