//! Reading a plan's file with patience.
//!
//! What decides which seats exist (lists, positions, guids, categories) must be right, and every fault in it is
//! found in one reading. What only decorates or names (colours, areas, sizes, labels) is mended, with a warning.
//! Always: the zones, rows and seats that `read` returns stand at the same indices as in the file, also after
//! faults, so that whoever checks them further can name their paths. Not here: prices, rules of sale, drawing.

use std::fmt;

use frontrow_protocol::limits::{is_blank, is_control};
use serde_json::{Map, Value};

use super::color;
use super::fault::{Fault, Warnings, shown};
use super::plan::{
    Area, AreaShape, AreaText, Category, Circle, Ellipse, Plan, Point, Polygon, Row, RowNumberPosition, Seat,
    Size, Zone,
};

/// The largest file. The largest plan allowed below, written with every key, is about half of it.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The most seats in a plan: twice the largest stadium there is.
pub const SEATS_MAX: usize = 200_000;
/// The most rows: one seat each is the finest there can be.
pub const ROWS_MAX: usize = SEATS_MAX;
/// The most zones; the largest real plans have some hundreds.
pub const ZONES_MAX: usize = 10_000;
/// The most categories; the domain counts them in 16 bits, people in tens.
pub const CATEGORIES_MAX: usize = 1_000;
/// The most areas that are drawn; what is beyond them is left out, because a drawing is no reason to refuse seats.
pub const AREAS_MAX: usize = 10_000;
/// The most corners of one polygon.
pub const POLYGON_POINTS_MAX: usize = 10_000;
/// The longest name of a plan, zone or category, in characters.
pub const NAME_CHARS_MAX: usize = 200;
/// The longest row or seat number, in characters; longer ones are cut.
pub const NUMBER_CHARS_MAX: usize = 60;
/// The longest guid, in characters; the editor's own limit.
pub const GUID_CHARS_MAX: usize = 190;
/// The largest coordinate and length, either sign. Larger ones are a broken file, and sums would lose their units.
pub const COORDINATE_MAX: f64 = 1e9;

/// What editors say of seats that are not for sale.
const KEPT_STATUSES: &[&str] =
    &["blocked", "unavailable", "reserved", "disabled", "not_for_sale", "hidden", "sold", "taken"];

/// The result of a reading. The plan is for checking further, and for selling only while `faults` is empty.
#[derive(Debug)]
pub struct Reading {
    pub plan: Plan,
    pub faults: Vec<Fault>,
    pub warnings: Warnings,
    /// Did the reading go through to the end? It stops at the first bound that is passed.
    pub complete: bool,
}

/// Reads a plan's file. Faults hold up nothing but the seats they are in, so that one reading finds them all.
pub fn read(bytes: &[u8]) -> Reading {
    let mut reader = Reader::default();
    let plan = match parse(bytes) {
        Ok(value) => reader.plan(&value),
        Err(problem) => {
            reader.faults.push(Fault::new(shown(""), problem));
            Plan::default()
        }
    };
    Reading { plan, faults: reader.faults, warnings: reader.warnings, complete: !reader.overfull }
}

fn parse(bytes: &[u8]) -> Result<Value, String> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(format!("is {} bytes long, at most {FILE_BYTES_MAX} are read", bytes.len()));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("is UTF-16; save it as UTF-8".to_owned());
    }
    // Some editors begin a file with a byte order mark, which is no part of JSON.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("is not UTF-8, first at byte {}", error.valid_up_to()))?;
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))
}

type Object = Map<String, Value>;

/// Walks the file with the path of where it is.
#[derive(Default)]
struct Reader {
    path: String,
    faults: Vec<Fault>,
    warnings: Warnings,
    zones: usize,
    rows: usize,
    seats: usize,
    areas: usize,
    /// Set once a bound is passed. From then on nothing more is read, so that faults stay bounded too.
    overfull: bool,
}

impl Reader {
    /// Runs `read` with `key` (`name` or `[3]`) added to the path.
    fn within<T>(&mut self, key: fmt::Arguments<'_>, read: impl FnOnce(&mut Self) -> T) -> T {
        use fmt::Write;
        let outer = self.path.len();
        // Formatting into a string cannot fail.
        let _ = self.path.write_fmt(key);
        if self.path.starts_with('.') {
            self.path.remove(0);
        }
        let result = read(self);
        self.path.truncate(outer);
        result
    }

    fn fault(&mut self, problem: impl Into<String>) {
        self.faults.push(Fault::new(shown(&self.path), problem));
    }

    fn warn(&mut self, message: &str) {
        let path = shown(&self.path);
        self.warnings.note(path, message);
    }

    /// Notes keys that the format does not know, which are often misspelt ones.
    fn object<'v>(&mut self, value: &'v Value, known: &[&str]) -> Option<&'v Object> {
        let Some(object) = value.as_object() else {
            self.fault(format!("must be an object, is {}", kind(value)));
            return None;
        };
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            let shown: String = key.chars().take(NUMBER_CHARS_MAX).collect();
            self.warn(&format!("unknown key {shown:?}, ignored"));
        }
        Some(object)
    }

    /// The list under `key`, or a fault and an empty one.
    fn list<'v>(&mut self, object: &'v Object, key: &str) -> &'v [Value] {
        match object.get(key) {
            Some(Value::Array(list)) => list,
            Some(other) => {
                self.within(format_args!(".{key}"), |r| {
                    r.fault(format!("must be a list, is {}", kind(other)));
                });
                &[]
            }
            None => {
                self.within(format_args!(".{key}"), |r| r.fault("is missing, must be a list"));
                &[]
            }
        }
    }

    /// A name for people under `key`: cut, trimmed and turned into a string where that harms nobody.
    fn label(&mut self, object: &Object, key: &str, chars_max: usize, missing: Option<&str>) -> String {
        self.within(format_args!(".{key}"), |r| {
            let text = match object.get(key) {
                Some(Value::String(text)) => r.words(text),
                Some(Value::Number(number)) => {
                    r.warn("is a number, taken as a text");
                    number_text(number)
                }
                None | Some(Value::Null) => String::new(),
                Some(_) => {
                    r.warn("is not a text, ignored");
                    return String::new();
                }
            };
            if text.is_empty()
                && let Some(missing) = missing
            {
                r.warn(missing);
            }
            if text.chars().count() > chars_max {
                r.warn(&format!("is longer than {chars_max} characters, cut"));
                return text.chars().take(chars_max).collect();
            }
            text
        })
    }

    /// Text for people, without the blanks around it; empty where nothing of it shows. Control characters would break
    /// lines and terminals: a line break at the end was only left over, everything else is a fault.
    fn words(&mut self, text: &str) -> String {
        let words = text.trim();
        if words.chars().any(is_control) {
            self.fault("contains a control character");
            return String::new();
        }
        if words.len() < text.len() && text.chars().any(is_control) {
            self.warn("begins or ends with a tab or a line break, left out");
        }
        if is_blank(words) { String::new() } else { words.to_owned() }
    }

    /// A name that other places refer to: exactly as it is, or a fault.
    fn identity(&mut self, object: &Object, key: &str, chars_max: usize) -> Option<String> {
        self.within(format_args!(".{key}"), |r| {
            let text = match object.get(key) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Number(number)) => {
                    r.warn("is a number, taken as a text");
                    number_text(number)
                }
                None => {
                    r.fault("is missing");
                    return None;
                }
                Some(other) => {
                    r.fault(format!("must be a text, is {}", kind(other)));
                    return None;
                }
            };
            if text.chars().any(is_control) {
                r.fault("contains a control character");
                return None;
            }
            if is_blank(&text) {
                r.fault("is empty");
                return None;
            }
            if text.chars().count() > chars_max {
                r.fault(format!("is longer than {chars_max} characters"));
                return None;
            }
            Some(text)
        })
    }

    /// The words for rows and seats, with `%s` for their numbers; `None` where the file says nothing.
    fn patterns(&mut self, object: &Object) -> (Option<String>, Option<String>) {
        let mut pattern = |key| {
            let text = self.label(object, key, NUMBER_CHARS_MAX, None);
            Some(text).filter(|text| !text.is_empty())
        };
        (pattern("row_label"), pattern("seat_label"))
    }

    fn uuid(&mut self, object: &Object) -> Option<String> {
        match object.get("uuid") {
            Some(Value::String(uuid)) if !uuid.is_empty() => {
                let uuid = self.within(format_args!(".uuid"), |r| r.words(uuid));
                Some(uuid.chars().take(NUMBER_CHARS_MAX).collect()).filter(|uuid: &String| !uuid.is_empty())
            }
            Some(Value::Null | Value::String(_)) | None => {
                self.within(format_args!(".uuid"), |r| r.warn("is missing; nothing here needs it"));
                None
            }
            Some(_) => {
                self.within(format_args!(".uuid"), |r| r.warn("is not a text, ignored"));
                None
            }
        }
    }

    fn position(&mut self, object: &Object) -> Point {
        self.within(format_args!(".position"), |r| match object.get("position") {
            Some(value) => {
                let Some(object) = r.object(value, &["x", "y"]) else { return Point::default() };
                Point { x: r.coordinate(object, "x"), y: r.coordinate(object, "y") }
            }
            None => {
                r.fault("is missing");
                Point::default()
            }
        })
    }

    fn coordinate(&mut self, object: &Object, key: &str) -> f64 {
        self.within(format_args!(".{key}"), |r| match object.get(key) {
            Some(Value::Number(number)) => match bounded(number) {
                Some(number) => number,
                None => {
                    r.fault(format!(
                        "must be between -{COORDINATE_MAX:e} and {COORDINATE_MAX:e}, is {number}"
                    ));
                    0.0
                }
            },
            Some(other) => {
                r.fault(format!("must be a number, is {}", kind(other)));
                0.0
            }
            None => {
                r.fault("is missing");
                0.0
            }
        })
    }

    /// Passing a bound is one fault, and the end of the reading.
    fn count(&mut self, so_far: usize, max: usize, what: &str) -> bool {
        if so_far < max {
            return true;
        }
        if !self.overfull {
            self.overfull = true;
            self.fault(format!("is one too many: a plan has at most {max} {what}"));
        }
        false
    }

    fn plan(&mut self, value: &Value) -> Plan {
        let Some(top) = self.object(value, &["name", "categories", "zones", "size", "time_zone"]) else {
            return Plan::default();
        };
        let name = self.label(top, "name", NAME_CHARS_MAX, Some("is missing"));
        let mut plan = Plan { name, size: self.size(top), time_zone: self.time_zone(top), ..Plan::default() };
        for (index, value) in self.list(top, "categories").iter().enumerate() {
            let category = self.within(format_args!(".categories[{index}]"), |r| {
                r.count(index, CATEGORIES_MAX, "categories").then(|| r.category(value))
            });
            let Some(category) = category else { return plan };
            plan.categories.push(category);
        }
        for (index, value) in self.list(top, "zones").iter().enumerate() {
            let zone = self.within(format_args!(".zones[{index}]"), |r| {
                r.count(r.zones, ZONES_MAX, "zones").then(|| r.zone(value))
            });
            let Some(zone) = zone else { break };
            plan.zones.push(zone);
            if self.overfull {
                break;
            }
        }
        plan
    }

    /// A wrong one would move every performance by hours, so it is no mere decoration.
    fn time_zone(&mut self, top: &Object) -> Option<String> {
        let value = top.get("time_zone").filter(|value| !value.is_null())?;
        self.within(format_args!(".time_zone"), |r| {
            match value.as_str().map(str::parse::<super::zone::Zone>) {
                Some(Ok(zone)) => Some(zone.name().to_owned()),
                Some(Err(error)) => {
                    r.fault(error.to_string());
                    None
                }
                None => {
                    r.fault(format!("must be a text, is {}", kind(value)));
                    None
                }
            }
        })
    }

    fn size(&mut self, top: &Object) -> Option<Size> {
        let value = top.get("size").filter(|value| !value.is_null())?;
        self.within(format_args!(".size"), |r| {
            let size = value.as_object().and_then(dimensions);
            if size.is_none() {
                r.warn("has no width and height above 0");
            }
            size
        })
    }

    fn category(&mut self, value: &Value) -> Category {
        let Some(object) = self.object(value, &["name", "color", "uuid"]) else {
            return Category { name: None, color: None };
        };
        let name = self.identity(object, "name", NAME_CHARS_MAX);
        let color = self.color(object, "color").filter(|color| {
            let visible = color != "transparent";
            if !visible {
                self.within(format_args!(".color"), |r| r.warn("cannot be seen, replaced"));
            }
            visible
        });
        Category { name, color }
    }

    /// A colour that a browser can draw, or nothing and (if there was something) a warning.
    fn color(&mut self, object: &Object, key: &str) -> Option<String> {
        self.within(format_args!(".{key}"), |r| match object.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => None,
            Some(value) => {
                let kept = value.as_str().and_then(color::keep);
                if kept.is_none() {
                    r.warn("is not a colour of the form #rgb, #rrggbb or a CSS name, replaced");
                }
                kept
            }
        })
    }

    fn zone(&mut self, value: &Value) -> Zone {
        self.zones += 1;
        const KNOWN: &[&str] =
            &["name", "zone_id", "uuid", "position", "rows", "areas", "displayed", "row_label", "seat_label"];
        let Some(object) = self.object(value, KNOWN) else { return Zone::default() };
        let (row_label, seat_label) = self.patterns(object);
        let mut zone = Zone {
            name: self.label(object, "name", NAME_CHARS_MAX, Some("is missing")),
            zone_id: self.label(object, "zone_id", NAME_CHARS_MAX, None),
            uuid: self.uuid(object),
            position: self.position(object),
            ..Zone::default()
        };
        for (index, value) in self.list(object, "rows").iter().enumerate() {
            let row = self.within(format_args!(".rows[{index}]"), |r| {
                r.count(r.rows, ROWS_MAX, "rows").then(|| r.row(value))
            });
            let Some(mut row) = row else { break };
            // A zone's words hold for those of its rows that say nothing.
            row.row_label = row.row_label.or_else(|| row_label.clone());
            row.seat_label = row.seat_label.or_else(|| seat_label.clone());
            zone.rows.push(row);
            if self.overfull {
                return zone;
            }
        }
        self.within(format_args!(".areas"), |r| match object.get("areas") {
            None | Some(Value::Null) => {}
            Some(Value::Array(areas)) => {
                for (index, value) in areas.iter().enumerate() {
                    let area = r.within(format_args!("[{index}]"), |r| r.area(value));
                    zone.areas.extend(area);
                }
            }
            Some(_) => r.warn("is not a list, ignored"),
        });
        zone
    }

    fn row(&mut self, value: &Value) -> Row {
        self.rows += 1;
        const KNOWN: &[&str] = &[
            "row_number",
            "row_number_position",
            "uuid",
            "position",
            "seats",
            "row_label",
            "seat_label",
            "number_of_seats",
            "seats_spacing",
        ];
        let Some(object) = self.object(value, KNOWN) else { return Row::default() };
        let (row_label, seat_label) = self.patterns(object);
        let mut row = Row {
            row_label,
            seat_label,
            row_number: self.label(object, "row_number", NUMBER_CHARS_MAX, Some("is missing")),
            row_number_position: object.get("row_number_position").and_then(row_number_position),
            uuid: self.uuid(object),
            position: match object.get("position") {
                // The format lets a row do without; its seats then count from the zone.
                None | Some(Value::Null) => {
                    self.within(format_args!(".position"), |r| r.warn("is missing, taken as 0, 0"));
                    Point::default()
                }
                Some(_) => self.position(object),
            },
            seats: Vec::new(),
        };
        for (index, value) in self.list(object, "seats").iter().enumerate() {
            let seat = self.within(format_args!(".seats[{index}]"), |r| {
                r.count(r.seats, SEATS_MAX, "seats").then(|| r.seat(value))
            });
            let Some(seat) = seat else { break };
            row.seats.push(seat);
        }
        row
    }

    fn seat(&mut self, value: &Value) -> Seat {
        self.seats += 1;
        const KNOWN: &[&str] =
            &["seat_number", "seat_guid", "uuid", "position", "category", "radius", "seat_label", "status"];
        let Some(object) = self.object(value, KNOWN) else { return Seat::default() };
        if object.get("seat_label").is_some_and(|label| !label.is_null() && label != "") {
            self.within(format_args!(".seat_label"), |r| {
                r.warn("is read from a row or a zone alone, ignored");
            });
        }
        Seat {
            seat_number: self.label(
                object,
                "seat_number",
                NUMBER_CHARS_MAX,
                Some("is missing, counted instead"),
            ),
            seat_guid: self.identity(object, "seat_guid", GUID_CHARS_MAX),
            uuid: self.uuid(object),
            position: self.position(object),
            category: self.identity(object, "category", NAME_CHARS_MAX),
            radius: match object.get("radius") {
                None | Some(Value::Null) => None,
                Some(value) => {
                    let radius = length(value);
                    if radius.is_none() {
                        self.within(format_args!(".radius"), |r| r.warn("is not a length above 0, ignored"));
                    }
                    radius
                }
            },
            restricted: self.is_restricted(object),
        }
    }

    /// Does the plan say that a seat is not for sale? The format has no word for it, so that editors write what they like:
    /// whatever it does not say plainly is kept, as a seat may be given to sale later, and a sold one not taken back.
    fn is_restricted(&mut self, object: &Object) -> bool {
        self.within(format_args!(".status"), |r| {
            let word = match object.get("status") {
                None | Some(Value::Null) => return false,
                Some(Value::String(text)) => text.trim().to_lowercase(),
                Some(value) => {
                    r.warn(&format!("is {}, and no word: the seat is kept from sale", kind(value)));
                    return true;
                }
            };
            match word.as_str() {
                "" | "available" | "free" => return false,
                word if KEPT_STATUSES.contains(&word) => {
                    r.warn(&format!("is {word:?}: the seat is kept from sale"));
                }
                word => {
                    let word: String = word.chars().take(NUMBER_CHARS_MAX).collect();
                    r.warn(&format!("is {word:?}, which nobody knows: the seat is kept from sale"));
                }
            }
            true
        })
    }

    /// An area, or nothing and a warning when it cannot be drawn.
    fn area(&mut self, value: &Value) -> Option<Area> {
        const KNOWN: &[&str] = &[
            "shape",
            "position",
            "rotation",
            "color",
            "border_color",
            "border_width",
            "uuid",
            "text",
            "rectangle",
            "circle",
            "ellipse",
            "polygon",
        ];
        if self.areas == AREAS_MAX {
            self.warn(&format!("only {AREAS_MAX} areas are drawn, left out"));
            return None;
        }
        if !value.is_object() {
            self.warn("is not an object, left out of the drawing");
            return None;
        }
        let object = self.object(value, KNOWN)?;
        let Some(position) = object.get("position").and_then(point) else {
            self.within(format_args!(".position"), |r| r.warn("is not a position, the area is left out"));
            return None;
        };
        let Some(shape) = object.get("shape").and_then(Value::as_str).and_then(area_shape) else {
            self.within(format_args!(".shape"), |r| r.warn("is no known shape, the area is left out"));
            return None;
        };
        let part = |key: &str| object.get(key).and_then(Value::as_object);
        let mut area = Area {
            shape,
            position,
            rotation: match object.get("rotation") {
                None | Some(Value::Null) => 0.0,
                Some(value) => value.as_number().and_then(bounded).unwrap_or_else(|| {
                    self.within(format_args!(".rotation"), |r| r.warn("is not a number, taken as 0"));
                    0.0
                }),
            },
            color: self.color(object, "color").unwrap_or_else(|| color::AREA_FILL.to_owned()),
            border_color: self.color(object, "border_color").unwrap_or_else(|| color::AREA_BORDER.to_owned()),
            uuid: self.uuid(object),
            text: None,
            rectangle: None,
            circle: None,
            ellipse: None,
            polygon: None,
        };
        let drawable = match shape {
            AreaShape::Rectangle => {
                area.rectangle = part("rectangle").and_then(dimensions);
                area.rectangle.is_some()
            }
            AreaShape::Circle => {
                let radius = part("circle").and_then(|circle| length(circle.get("radius")?));
                area.circle = radius.map(|radius| Circle { radius });
                area.circle.is_some()
            }
            AreaShape::Ellipse => {
                let radius = part("ellipse").and_then(|ellipse| point(ellipse.get("radius")?));
                area.ellipse = radius.filter(|r| r.x > 0.0 && r.y > 0.0).map(|radius| Ellipse { radius });
                area.ellipse.is_some()
            }
            AreaShape::Polygon => {
                area.polygon = part("polygon").and_then(polygon);
                area.polygon.is_some()
            }
            AreaShape::Text => true,
        };
        if !drawable {
            self.warn("lacks the sizes of its shape, left out of the drawing");
            return None;
        }
        area.text = self.area_text(object, &area);
        if shape == AreaShape::Text && area.text.is_none() {
            // A text without words: nothing is lost with it.
            return None;
        }
        self.areas += 1;
        Some(area)
    }

    fn area_text(&mut self, object: &Object, area: &Area) -> Option<AreaText> {
        let text = object.get("text")?.as_object()?;
        // Drawn in one line, however many it has.
        let lines = text.get("text")?.as_str()?.replace(['\n', '\r', '\t'], " ");
        let words = self.within(format_args!(".text.text"), |r| r.words(&lines));
        if words.is_empty() {
            return None;
        }
        let middle = match area.rectangle {
            Some(size) => Point { x: size.width / 2.0, y: size.height / 2.0 },
            None => Point::default(),
        };
        Some(AreaText {
            text: words.chars().take(NAME_CHARS_MAX).collect(),
            position: text.get("position").and_then(point).unwrap_or(middle),
            color: self
                .within(format_args!(".text"), |r| r.color(text, "color"))
                .unwrap_or_else(|| color::AREA_TEXT.to_owned()),
            size: text.get("size").and_then(length).unwrap_or(16.0),
        })
    }
}

/// The kind of a JSON value, for people.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => format!("{value:.0}"),
        _ => number.to_string(),
    }
}

fn bounded(number: &serde_json::Number) -> Option<f64> {
    // Adding zero turns -0.0 into 0.0, which prints as people expect.
    number.as_f64().filter(|value| value.abs() <= COORDINATE_MAX).map(|value| value + 0.0)
}

fn length(value: &Value) -> Option<f64> {
    value.as_number().and_then(bounded).filter(|length| *length > 0.0)
}

fn point(value: &Value) -> Option<Point> {
    let object = value.as_object()?;
    Some(Point { x: bounded(object.get("x")?.as_number()?)?, y: bounded(object.get("y")?.as_number()?)? })
}

fn dimensions(object: &Object) -> Option<Size> {
    Some(Size { width: length(object.get("width")?)?, height: length(object.get("height")?)? })
}

fn polygon(object: &Object) -> Option<Polygon> {
    let points = object.get("points")?.as_array()?;
    if !(3..=POLYGON_POINTS_MAX).contains(&points.len()) {
        return None;
    }
    Some(Polygon { points: points.iter().map(point).collect::<Option<_>>()? })
}

fn area_shape(name: &str) -> Option<AreaShape> {
    Some(match name {
        "rectangle" => AreaShape::Rectangle,
        "circle" => AreaShape::Circle,
        "ellipse" => AreaShape::Ellipse,
        "polygon" => AreaShape::Polygon,
        "text" => AreaShape::Text,
        _ => return None,
    })
}

/// Editors have written all kinds of things here; what is not understood says nothing about the seats.
fn row_number_position(value: &Value) -> Option<RowNumberPosition> {
    Some(match value.as_str()? {
        "start" => RowNumberPosition::Start,
        "end" => RowNumberPosition::End,
        "both" => RowNumberPosition::Both,
        "left" => RowNumberPosition::Left,
        "right" => RowNumberPosition::Right,
        "none" => RowNumberPosition::None,
        _ => return None,
    })
}
