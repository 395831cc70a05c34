//! A seating plan in the format of the pretix seating plan editor, once it has been read, or before it is written.
//! Not here: what files really hold; that is `read`'s business.

use serde::{Deserialize, Serialize};

/// A whole plan. Positions add up: zone + row + seat, and zone + area. Units are the editor's pixels, y points down.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    pub name: String,
    pub categories: Vec<Category>,
    pub zones: Vec<Zone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// IANA, of the venue. The editor does not write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Category {
    /// Seats and prices name a category by this. `None` only after a fault.
    pub name: Option<String>,
    /// A CSS colour as `color::keep` lets it through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Zone {
    pub name: String,
    pub zone_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    pub position: Point,
    pub rows: Vec<Row>,
    pub areas: Vec<Area>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    /// Empty when the file has none.
    pub row_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_number_position: Option<RowNumberPosition>,
    /// The words for the row, with `%s` for its number; the zone's where the file gives it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_label: Option<String>,
    /// The words for each of its seats, with `%s` for the seat's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seat_label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    pub position: Point,
    pub seats: Vec<Seat>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Seat {
    /// Empty when the file has none.
    pub seat_number: String,
    /// Unique in the plan. `None` only after a fault.
    pub seat_guid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    pub position: Point,
    /// A category's name. `None` only after a fault.
    pub category: Option<String>,
    /// The size to draw it in; most plans leave that to the viewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radius: Option<f64>,
    /// The house keeps it from sale.
    #[serde(skip)]
    pub restricted: bool,
}

/// The place where a row's label is drawn: before its first seat, after its last, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RowNumberPosition {
    Start,
    End,
    Both,
    Left,
    Right,
    None,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

impl std::ops::Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { x: self.x + other.x, y: self.y + other.y }
    }
}

impl std::ops::Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { x: self.x - other.x, y: self.y - other.y }
    }
}

impl Point {
    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Size {
    pub width: f64,
    pub height: f64,
}

/// Something that is drawn but not sold. Everything within an area is relative to its position, and its rotation is
/// in degrees, clockwise, about that position. A rectangle has its position at the top left, a circle and an ellipse
/// at the centre.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Area {
    pub shape: AreaShape,
    pub position: Point,
    pub rotation: f64,
    pub color: String,
    pub border_color: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AreaShape {
    Rectangle,
    Circle,
    Ellipse,
    Polygon,
    Text,
}

/// A text with its middle at `position`, relative to its area's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AreaText {
    pub text: String,
    pub position: Point,
    pub color: String,
    /// The height of the letters, in the plan's units.
    pub size: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Circle {
    pub radius: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ellipse {
    pub radius: Point,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Polygon {
    pub points: Vec<Point>,
}
