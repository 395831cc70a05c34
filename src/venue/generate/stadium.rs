//! A stadium: a football pitch with stands all around it.

use super::bowl::{Bowl, Section, Side, margin_for_corner, tiers};
use super::draft::{A, B, C, Draft, R, S, VIP, circle, rectangle, with_text};
use crate::venue::plan::{Area, Point, Size};

const PITCH_FILL: &str = "#7fb585";
const PITCH_BORDER: &str = "#5f9a67";
const LINE: &str = "#e9f4ea";

/// `scale` 1 is a large one of some fifty thousand seats.
pub fn draft(scale: f64) -> Draft {
    // The sizes of a football pitch, 105 m by 68 m, at half a metre a seat.
    let half_length = (2_300.0 * scale).max(110.0);
    let half_width = half_length * 68.0 / 105.0;
    let corner = half_width * 0.42;
    let margin = margin_for_corner(corner, 70.0);
    let bowl =
        Bowl { half_width: half_length + margin, half_height: half_width + margin, corner, open_top: false };
    let sides = [
        Side::Bottom,
        Side::BottomRight,
        Side::Right,
        Side::TopRight,
        Side::Top,
        Side::TopLeft,
        Side::Left,
        Side::BottomLeft,
    ];
    let rows = (62.0 * scale).round() as usize;
    let zones =
        bowl.zones(&sides, &tiers(rows), |row| (row + 1).to_string(), |section| category(section, &bowl));
    Draft { name: "Frontrow Stadium", zones, areas: pitch(half_length, half_width) }
}

fn category(section: &Section, bowl: &Bowl) -> usize {
    let along = matches!(section.side, Side::Bottom | Side::Top);
    let central = along && section.at.x.abs() < bowl.half_width * 0.42;
    match (section.tier, section.tiers) {
        // The main stand's middle.
        (0, _) if central && section.side == Side::Bottom => VIP,
        (0, _) if along => R,
        (0, _) => S,
        // Those between the first and the last of three tiers or more.
        (tier, tiers) if tier + 1 < tiers && central => R,
        (tier, tiers) if tier + 1 < tiers && along => S,
        (tier, tiers) if tier + 1 < tiers => A,
        _ if central => A,
        _ if section.side.is_corner() => C,
        _ => B,
    }
}

fn pitch(half_length: f64, half_width: f64) -> Vec<Area> {
    let point = |x: f64, y: f64| Point { x, y };
    let size = |width: f64, height: f64| Size { width: width.round(), height: height.round() };
    let grass = rectangle(
        point(-half_length, -half_width),
        size(2.0 * half_length, 2.0 * half_width),
        PITCH_FILL,
        PITCH_BORDER,
    );
    // The lines of a pitch, in its own proportions: 105 by 68.
    let metre = half_length / 52.5;
    let boxed = |x: f64, depth: f64, width: f64| {
        rectangle(
            point(x * metre, -width / 2.0 * metre),
            size(depth * metre, width * metre),
            "transparent",
            LINE,
        )
    };
    vec![
        with_text(grass, "Pitch", point(0.0, half_width * 0.5), (half_width / 9.0).max(14.0), "#ffffff"),
        boxed(-50.5, 50.5, 64.0),
        boxed(0.0, 50.5, 64.0),
        boxed(-50.5, 16.5, 40.3),
        boxed(34.0, 16.5, 40.3),
        boxed(-50.5, 5.5, 18.3),
        boxed(45.0, 5.5, 18.3),
        circle(point(0.0, 0.0), (9.15 * metre).round(), "transparent", LINE),
    ]
}
