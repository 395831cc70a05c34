//! The findings of an import about a plan: faults, for which it is refused, and warnings, with which it is imported.
//! Both name the place in the file. Always: as many lines of warnings as kinds of them, however many seats they
//! concern.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

/// The number of different warnings that are listed apart; a file of ever new unknown keys must not fill the screen.
const WARNING_KINDS_MAX: usize = 200;

/// One reason why a plan is refused: where, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The place in the file, such as `zones[0].rows[3].seats[2].position.x`. `(file)` is the file as a whole, and
    /// `price "VIP"` a price given beside it.
    pub path: String,
    /// The problem, and where it helps, what would be right.
    pub problem: String,
    /// The place in the drawing, where it is in a zone.
    pub place: Option<Place>,
}

/// A zone of the file, a row of it, or a seat of that row, by their indices in the file: what a drawing can mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Place {
    pub zone: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seat: Option<usize>,
}

impl Place {
    /// The place that a path leads to, or through.
    fn of(path: &str) -> Option<Self> {
        fn index<'p>(path: &'p str, list: &str) -> Option<(usize, &'p str)> {
            let (index, rest) = path.strip_prefix(list)?.strip_prefix('[')?.split_once(']')?;
            Some((index.parse().ok()?, rest.strip_prefix('.').unwrap_or(rest)))
        }
        let (zone, rest) = index(path, "zones")?;
        let row = index(rest, "rows");
        let seat = row.and_then(|(_, rest)| index(rest, "seats"));
        Some(Self { zone, row: row.map(|(row, _)| row), seat: seat.map(|(seat, _)| seat) })
    }
}

impl Fault {
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        let path = path.into();
        Self { place: Place::of(&path), path, problem: problem.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

/// Warnings of one import. The same message at many places is one line that names the first place and the count.
#[derive(Clone, Debug, Default)]
pub struct Warnings {
    kinds: Vec<WarningKind>,
    index: HashMap<String, usize>,
    further: usize,
}

#[derive(Clone, Debug)]
struct WarningKind {
    message: String,
    first: String,
    count: usize,
}

impl Warnings {
    /// Notes `message` at `path`. Mass warnings share one text; it must not mention what differs from place to place.
    pub fn note(&mut self, path: &str, message: &str) {
        if let Some(&kind) = self.index.get(message) {
            self.kinds[kind].count += 1;
        } else if self.kinds.len() < WARNING_KINDS_MAX {
            self.index.insert(message.to_owned(), self.kinds.len());
            self.kinds.push(WarningKind { message: message.to_owned(), first: path.to_owned(), count: 1 });
        } else {
            self.further += 1;
        }
    }

    /// One line for each kind, in the order in which they came up first.
    pub fn into_lines(self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .kinds
            .into_iter()
            .map(|kind| match kind.count {
                1 => format!("{}: {}", kind.first, kind.message),
                count => format!("{}: {} ({count} times in all)", kind.first, kind.message),
            })
            .collect();
        if self.further > 0 {
            lines.push(format!("{}: {} more warnings of other kinds", shown(""), self.further));
        }
        lines
    }
}

/// The path of one seat's field, as faults and warnings name it.
pub fn seat_path(zone: usize, row: usize, seat: usize) -> String {
    format!("zones[{zone}].rows[{row}].seats[{seat}]")
}

/// A path for people: the file as a whole has an empty one.
pub fn shown(path: &str) -> &str {
    if path.is_empty() { "(file)" } else { path }
}

#[test]
fn a_path_says_the_place_that_a_drawing_can_mark() {
    let place = |zone, row, seat| Some(Place { zone, row, seat });
    for (path, expected) in [
        ("zones[3].rows[12].seats[0].position.x", place(3, Some(12), Some(0))),
        ("zones[3].rows[12].seats[7]", place(3, Some(12), Some(7))),
        ("zones[3].rows[12].position", place(3, Some(12), None)),
        ("zones[0]", place(0, None, None)),
        ("zones[0].areas[2].shape", place(0, None, None)),
        ("zones", None),
        ("categories[1].name", None),
        ("price \"zones[0]\"", None),
        ("(file)", None),
    ] {
        assert_eq!(Fault::new(path, "").place, expected, "{path}");
    }
}
