//! A venue before it has seats: zones of rows, rows of curves that have room for so many. Coordinates are free until
//! `settle` moves everything into the plan's size.

use crate::venue::plan::{
    Area, AreaShape, AreaText, Category, Circle, Plan, Point, Polygon, Row, RowNumberPosition, Seat, Size,
    Zone,
};

/// The distance from one seat to the next, in the plan's units: half a metre.
pub const SEAT: f64 = 24.0;
/// The distance from one row to the next.
pub const ROW: f64 = 28.0;
/// The width of an aisle between two blocks of seats.
pub const AISLE: f64 = 34.0;
/// The factor by which seats may stand wider than `SEAT` so that a row fills its block from aisle to aisle.
const STRETCH_MAX: f64 = 1.15;
/// Empty space around everything drawn.
const MARGIN: f64 = 48.0;

/// Category names and colours from the best downwards: far apart in hue, and in lightness for the colour-blind.
pub const CATEGORIES: [(&str, &str); 6] = [
    ("VIP", "#7c4dbd"),
    ("R", "#d64562"),
    ("S", "#e8973a"),
    ("A", "#2a9d8f"),
    ("B", "#3f7fc1"),
    ("C", "#7d8799"),
];
pub const VIP: usize = 0;
pub const R: usize = 1;
pub const S: usize = 2;
pub const A: usize = 3;
pub const B: usize = 4;
pub const C: usize = 5;

const BLOCK_FILL: &str = "#f3f4f7";
const BLOCK_BORDER: &str = "#d5d9e2";
pub const BLOCK_TEXT: &str = "#5b6475";
pub const STAGE_FILL: &str = "#2b3040";
pub const STAGE_BORDER: &str = "#171b26";
pub const STAGE_TEXT: &str = "#ffffff";

/// A line along which seats stand, walked from left to right as seen from the seats.
#[derive(Clone, Copy, Debug)]
pub enum Curve {
    Line {
        from: Point,
        to: Point,
    },
    /// Angles in radians from straight down towards the right: x = r sin, y = r cos.
    Arc {
        center: Point,
        radius: f64,
        from: f64,
        to: f64,
    },
}

impl Curve {
    pub fn length(&self) -> f64 {
        match self {
            Self::Line { from, to } => from.distance(*to),
            Self::Arc { radius, from, to, .. } => radius * (to - from),
        }
    }

    /// The point `along` units from its beginning.
    pub fn at(&self, along: f64) -> Point {
        match *self {
            Self::Line { from, to } => {
                let t = along / self.length().max(f64::MIN_POSITIVE);
                Point { x: from.x + (to.x - from.x) * t, y: from.y + (to.y - from.y) * t }
            }
            Self::Arc { center, radius, from, .. } => {
                let (sin, cos) = (from + along / radius).sin_cos();
                Point { x: center.x + radius * sin, y: center.y + radius * cos }
            }
        }
    }

    /// The part between two fractions of it, less `trim` units at both ends. May come out with no length.
    pub fn part(&self, from_fraction: f64, to_fraction: f64, trim: f64) -> Self {
        let length = self.length();
        let begin = length * from_fraction + trim;
        let end = (length * to_fraction - trim).max(begin);
        match *self {
            Self::Line { .. } => Self::Line { from: self.at(begin), to: self.at(end) },
            Self::Arc { center, radius, from, .. } => {
                Self::Arc { center, radius, from: from + begin / radius, to: from + end / radius }
            }
        }
    }

    /// Points along it, close enough together for an outline.
    pub fn outline(&self) -> Vec<Point> {
        let pieces = match self {
            Self::Line { .. } => 1,
            Self::Arc { from, to, .. } => ((to - from) / 0.05).ceil().clamp(1.0, 64.0) as usize,
        };
        (0..=pieces).map(|i| self.at(self.length() * i as f64 / pieces as f64)).collect()
    }
}

/// Seats between two aisles.
pub struct Run {
    pub curve: Curve,
    /// Index into `CATEGORIES`.
    pub category: usize,
}

impl Run {
    fn capacity(&self) -> usize {
        // A hair more, so that a curve made for n seats holds n.
        (self.curve.length() / SEAT + 1e-6) as usize
    }

    /// `count` seats, spread from end to end as far as seats may stand apart, otherwise around the middle.
    fn seats(&self, count: usize) -> impl Iterator<Item = Point> {
        let length = self.curve.length();
        let spacing = (length / count.max(1) as f64).min(SEAT * STRETCH_MAX);
        let first = (length - spacing * count as f64) / 2.0 + spacing / 2.0;
        (0..count).map(move |i| self.curve.at(first + spacing * i as f64))
    }
}

pub struct DraftRow {
    pub label: String,
    pub label_position: RowNumberPosition,
    pub runs: Vec<Run>,
}

pub struct DraftZone {
    pub name: String,
    /// Unique in the draft; seats' guids begin with it.
    pub id: String,
    pub rows: Vec<DraftRow>,
    pub areas: Vec<Area>,
}

pub struct Draft {
    pub name: &'static str,
    pub zones: Vec<DraftZone>,
    /// Drawn under everything: stage, pitch.
    pub areas: Vec<Area>,
}

impl Draft {
    /// The number of seats that there is room for.
    pub fn capacity(&self) -> usize {
        self.runs().map(Run::capacity).sum()
    }

    fn runs(&self) -> impl Iterator<Item = &Run> {
        self.zones.iter().flat_map(|zone| zone.rows.iter().flat_map(|row| &row.runs))
    }

    /// The plan with exactly `seats` seats, at most the capacity, spread over all rows in proportion to their room.
    /// `seed` makes the uuids differ from those of other plans.
    pub fn settle(self, seats: usize, seed: &str) -> Plan {
        let capacity = self.capacity();
        assert!((1..=capacity).contains(&seats), "room for {capacity} seats, not for {seats}");
        let mut room = 0;
        let mut share = |run: &Run| {
            let before = room * seats / capacity;
            room += run.capacity();
            room * seats / capacity - before
        };
        let mut used = [false; CATEGORIES.len()];
        let mut zones = Vec::new();
        for zone in self.zones {
            let rows: Vec<Row> = zone
                .rows
                .iter()
                .filter_map(|row| settle_row(&zone.id, row, &mut share, &mut used, seed))
                .collect();
            if rows.is_empty() {
                continue;
            }
            zones.push(Zone {
                name: zone.name,
                uuid: Some(uuid(&[seed, &zone.id])),
                zone_id: zone.id,
                position: Point::default(),
                rows,
                areas: zone.areas,
            });
        }
        // Some seat exists, so some zone does.
        zones[0].areas.splice(0..0, self.areas);
        let mut plan = Plan {
            name: self.name.to_owned(),
            categories: (CATEGORIES.iter().zip(used))
                .filter(|(_, used)| *used)
                .map(|((name, color), _)| Category {
                    name: Some((*name).to_owned()),
                    color: Some((*color).to_owned()),
                })
                .collect(),
            zones,
            size: None,
            // Made-up venues stand in Seoul, as their prices do.
            time_zone: Some("Asia/Seoul".to_owned()),
        };
        move_into_size(&mut plan);
        name_areas(&mut plan, seed);
        plan
    }
}

/// A row with absolute seats for now, or nothing when no seat falls to it.
fn settle_row(
    zone_id: &str,
    row: &DraftRow,
    share: &mut impl FnMut(&Run) -> usize,
    used: &mut [bool],
    seed: &str,
) -> Option<Row> {
    let mut seats = Vec::new();
    for run in &row.runs {
        for position in run.seats(share(run)) {
            let number = (seats.len() + 1).to_string();
            let guid = format!("{zone_id}-{}-{number}", row.label);
            used[run.category] = true;
            seats.push(Seat {
                seat_number: number,
                uuid: Some(uuid(&[seed, &guid])),
                seat_guid: Some(guid),
                position,
                category: Some(CATEGORIES[run.category].0.to_owned()),
                radius: None,
                restricted: false,
            });
        }
    }
    (!seats.is_empty()).then(|| Row {
        row_number: row.label.clone(),
        row_number_position: Some(row.label_position),
        row_label: None,
        seat_label: None,
        uuid: Some(uuid(&[seed, zone_id, "row", &row.label])),
        position: Point::default(),
        seats,
    })
}

/// Shifts everything so that the drawing begins at the margin, and makes positions relative: zones count from the
/// origin, rows and areas from their zone, seats from their row.
fn move_into_size(plan: &mut Plan) {
    let mut min = Point { x: f64::INFINITY, y: f64::INFINITY };
    let mut max = Point { x: f64::NEG_INFINITY, y: f64::NEG_INFINITY };
    for zone in &plan.zones {
        let seats = zone.rows.iter().flat_map(|row| &row.seats).map(|seat| seat.position);
        for point in seats.chain(zone.areas.iter().flat_map(extent)) {
            min = Point { x: min.x.min(point.x), y: min.y.min(point.y) };
            max = Point { x: max.x.max(point.x), y: max.y.max(point.y) };
        }
    }
    let shift = Point { x: MARGIN - min.x, y: MARGIN - min.y };
    for zone in &mut plan.zones {
        let corner = zone.rows.iter().flat_map(|row| &row.seats).map(|seat| seat.position + shift).fold(
            Point { x: f64::INFINITY, y: f64::INFINITY },
            |corner, at| Point { x: corner.x.min(at.x), y: corner.y.min(at.y) },
        );
        zone.position = Point { x: corner.x.floor(), y: corner.y.floor() };
        for row in &mut zone.rows {
            // Rounded before the subtraction, so that the sums are as round as the parts.
            let at: Vec<Point> = row.seats.iter().map(|seat| tenths(seat.position + shift)).collect();
            row.position = tenths(at[0] - zone.position);
            for (seat, at) in row.seats.iter_mut().zip(&at) {
                seat.position = tenths(*at - zone.position - row.position);
            }
        }
        for area in &mut zone.areas {
            area.position = tenths(area.position + shift - zone.position);
        }
    }
    plan.size = Some(Size {
        width: (max.x - min.x + 2.0 * MARGIN).ceil(),
        height: (max.y - min.y + 2.0 * MARGIN).ceil(),
    });
}

fn tenths(point: Point) -> Point {
    let round = |number: f64| (number * 10.0).round() / 10.0 + 0.0;
    Point { x: round(point.x), y: round(point.y) }
}

/// Points that an area reaches to.
fn extent(area: &Area) -> Vec<Point> {
    let at = area.position;
    if let Some(polygon) = &area.polygon {
        return polygon.points.iter().map(|point| at + *point).collect();
    }
    if let Some(size) = area.rectangle {
        return vec![at, at + Point { x: size.width, y: size.height }];
    }
    if let Some(circle) = area.circle {
        let reach = Point { x: circle.radius, y: circle.radius };
        return vec![at - reach, at + reach];
    }
    match &area.text {
        // Letters are at most about as wide as they are high.
        Some(text) => {
            let reach = Point { x: text.size * text.text.chars().count() as f64 / 2.0, y: text.size };
            vec![at + text.position - reach, at + text.position + reach]
        }
        None => vec![at],
    }
}

fn name_areas(plan: &mut Plan, seed: &str) {
    for zone in &mut plan.zones {
        for (index, area) in zone.areas.iter_mut().enumerate() {
            area.uuid = Some(uuid(&[seed, &zone.zone_id, "area", &index.to_string()]));
        }
    }
}

/// A UUIDv8 that depends on nothing but the parts: 128 bits of FNV-1a, which is enough to tell names apart.
fn uuid(parts: &[&str]) -> String {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    uuid::Builder::from_custom_bytes(hash.to_be_bytes()).into_uuid().to_string()
}

/// An area that is all default but for its place and shape.
fn area(shape: AreaShape, position: Point, color: &str, border_color: &str) -> Area {
    Area {
        shape,
        position,
        rotation: 0.0,
        color: color.to_owned(),
        border_color: border_color.to_owned(),
        uuid: None,
        text: None,
        rectangle: None,
        circle: None,
        ellipse: None,
        polygon: None,
    }
}

pub fn polygon(points: &[Point], color: &str, border_color: &str) -> Area {
    let position = tenths(points[0]);
    let points = points.iter().map(|point| tenths(*point - position)).collect();
    Area { polygon: Some(Polygon { points }), ..area(AreaShape::Polygon, position, color, border_color) }
}

pub fn rectangle(min: Point, size: Size, color: &str, border_color: &str) -> Area {
    Area { rectangle: Some(size), ..area(AreaShape::Rectangle, min, color, border_color) }
}

pub fn circle(center: Point, radius: f64, color: &str, border_color: &str) -> Area {
    Area { circle: Some(Circle { radius }), ..area(AreaShape::Circle, center, color, border_color) }
}

/// Adds a text with its middle at a point, which counts from where the area's position does.
pub fn with_text(mut area: Area, text: &str, at: Point, size: f64, color: &str) -> Area {
    area.text = Some(AreaText {
        text: text.to_owned(),
        position: tenths(at - area.position),
        color: color.to_owned(),
        size: size.round(),
    });
    area
}

/// A text alone, with its middle at a point.
pub fn text(words: &str, at: Point, size: f64, color: &str) -> Area {
    with_text(area(AreaShape::Text, at, color, color), words, at, size, color)
}

/// The outline of a block of seats between its front and its back edge.
pub fn block(front: &Curve, back: &Curve) -> Area {
    let mut points = front.outline();
    points.extend(back.outline().into_iter().rev());
    polygon(&points, BLOCK_FILL, BLOCK_BORDER)
}

/// A, B … Z, AA, AB …
pub fn letters(index: usize) -> String {
    let mut letters = String::new();
    let mut rest = index + 1;
    while rest > 0 {
        letters.insert(0, char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters
}
