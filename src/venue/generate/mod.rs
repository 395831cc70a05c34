//! Plans made up for demos, tests and load: a hall, an arena or a stadium of any size, in the format that `import`
//! reads. Always: exactly the number of seats asked for, the same plan for the same question, no seat on another,
//! everything within the plan's size, and nothing that an import would warn of. Not here: randomness.
//!
//! A venue is first drafted a little too large: rows as curves that could take so many seats. The smallest draft
//! that is large enough is found, and the seats are spread over all its rows in proportion, so that no row is left
//! half empty at the end.

mod arena;
mod bowl;
mod draft;
mod hall;
mod stadium;

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use self::draft::Draft;
use super::read::SEATS_MAX;
use crate::domain::seat_plan::Money;

/// The kind of venue that is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Curved rows before a stage, in tiers when it is large.
    Hall,
    /// Blocks on the floor before an end stage, and a horseshoe of sections around them.
    Arena,
    /// A pitch with sections all around it.
    Stadium,
}

/// The text is none of the shapes' names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a shape: choose hall, arena or stadium")]
pub struct UnknownShape(String);

impl FromStr for Shape {
    type Err = UnknownShape;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "hall" => Ok(Self::Hall),
            "arena" => Ok(Self::Arena),
            "stadium" => Ok(Self::Stadium),
            _ => Err(UnknownShape(text.to_owned())),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hall => "hall",
            Self::Arena => "arena",
            Self::Stadium => "stadium",
        })
    }
}

/// A number of seats that no plan can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a plan has between 1 and {SEATS_MAX} seats, not {0}")]
pub struct SeatsOutOfRange(usize);

/// Prices from the best category downwards, in won, as concerts in Seoul have them.
const PRICES: [Money; 6] = [154_000, 132_000, 110_000, 88_000, 66_000, 55_000];

/// Makes up a plan with exactly `seats` seats, 1 to `SEATS_MAX`.
pub fn generate(seats: usize, shape: Shape) -> Result<Value, SeatsOutOfRange> {
    if !(1..=SEATS_MAX).contains(&seats) {
        return Err(SeatsOutOfRange(seats));
    }
    let draft = smallest(seats, |scale| match shape {
        Shape::Hall => hall::draft(seats, scale),
        Shape::Arena => arena::draft(scale),
        Shape::Stadium => stadium::draft(scale),
    });
    let plan = draft.settle(seats, &format!("{shape}-{seats}"));
    // Strings, finite numbers and lists of them always have a JSON form.
    Ok(serde_json::to_value(plan).expect("a plan of plain values"))
}

/// A price for each category of a generated plan, in its order, for a demo.
pub fn suggested_prices(plan: &Value) -> Vec<(String, Money)> {
    let names = plan["categories"].as_array().into_iter().flatten().filter_map(|c| c["name"].as_str());
    names.zip(PRICES.into_iter().cycle()).map(|(name, price)| (name.to_owned(), price)).collect()
}

/// The smallest draft with room for `seats`, nearly: room does not grow quite steadily with the scale, but whatever
/// the search ends on is large enough.
fn smallest(seats: usize, draft: impl Fn(f64) -> Draft) -> Draft {
    let mut low = 0.0;
    let mut high = 0.05;
    let mut found = draft(high);
    while found.capacity() < seats {
        low = high;
        high *= 1.5;
        found = draft(high);
    }
    for _ in 0..12 {
        let middle = (low + high) / 2.0;
        let tried = draft(middle);
        if tried.capacity() < seats {
            low = middle;
        } else {
            high = middle;
            found = tried;
        }
    }
    found
}

#[cfg(test)]
mod tests;
