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
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

/// Warnings of one import. The same message at many places is one line that names the first place and the count.
#[derive(Debug, Default)]
pub struct Warnings {
    kinds: Vec<WarningKind>,
    index: HashMap<String, usize>,
    further: usize,
}

#[derive(Debug)]
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
