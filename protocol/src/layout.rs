//! A venue as it is drawn: what `GET /api/v1/schedules/{id}/layout` gives. Seats lie in columns, so that 60,000
//! of them stay small; the index is the seat's number. Lengths and positions are in the plan's own units, absolute,
//! x to the right and y down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The drawing of one performance, with labels, categories and prices. Never changes, but for a new `ETag`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Layout {
    pub schedule_id: u64,
    /// The concert's title.
    pub title: String,
    pub venue: String,
    pub starts_at: Timestamp,
    /// The venue's IANA time zone; null while unknown.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// ISO 4217.
    pub currency: String,
    pub size: Size,
    /// The stage's position, to find the seats nearest to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Point>,
    pub categories: Vec<LayoutCategory>,
    pub zones: Vec<LayoutZone>,
    pub rows: Vec<LayoutRow>,
    /// Stage, stairs, bars and the like, in the order in which they are drawn.
    pub areas: Vec<Area>,
    pub seats: SeatColumns,
}

/// A width and a height.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Size {
    pub width: f32,
    pub height: f32,
}

/// A place in the drawing, or a pair of radii.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    pub x: f32,
    pub y: f32,
}

/// A category that has seats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LayoutCategory {
    pub name: String,
    /// The colour, in the notation of CSS.
    pub color: String,
    /// Minor units of the currency.
    pub price: i64,
}

/// A part of the house.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LayoutZone {
    pub name: String,
}

/// A row of a zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LayoutRow {
    /// Index into `zones`.
    pub zone: u32,
    pub label: String,
    /// The row as the plan calls it, "Row 1" or "1열", where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_label: Option<String>,
    /// The plan's words for the row's seats, with `%s` for the number: "Seat %s" or "%s번".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat_label: Option<String>,
}

/// All seats; every column has one entry a seat.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeatColumns {
    pub x: Vec<f32>,
    pub y: Vec<f32>,
    /// Index into `rows`.
    pub row: Vec<u32>,
    /// The number on the seat.
    pub number: Vec<String>,
    /// Index into `categories`.
    pub category: Vec<u16>,
    /// Zone, row and number, each label once in the schedule.
    pub label: Vec<String>,
    /// Absent when no seat has a radius of its own; 0 for one that has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub radius: Vec<f32>,
}

/// Something drawn that is no seat. The member named like the shape has its sizes; one without sizes is drawn as its
/// text alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Area {
    pub shape: AreaShape,
    /// The upper left corner of a rectangle, the centre of a circle or an ellipse, the origin of a polygon.
    pub position: Point,
    /// Degrees, clockwise, around `position`.
    #[serde(default)]
    pub rotation: f32,
    /// The filling, as CSS has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub border_color: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<AreaText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rectangle: Option<Size>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circle: Option<Circle>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ellipse: Option<Ellipse>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polygon: Option<Polygon>,
}

/// The form of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AreaShape {
    Rectangle,
    Circle,
    Ellipse,
    Polygon,
    Text,
}

/// A caption.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AreaText {
    pub text: String,
    /// The middle of the text, relative to the area's position.
    pub position: Point,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// The height of the letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<f32>,
}

/// A circle's size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Circle {
    pub radius: f32,
}

/// An ellipse's size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ellipse {
    pub radius: Point,
}

/// A polygon's corners, relative to the area's position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Polygon {
    pub points: Vec<Point>,
}
