//! The lasting facts about the seats of a schedule: labels, categories, prices, and who sits beside whom. Made from a
//! venue's layout, at import and again at every start. Not here: who holds what.

/// An amount in the currency's minor unit, at most 2^53 − 1 so that every JSON reader keeps it whole.
pub type Money = i64;

/// The largest amount and the largest balance.
pub const MONEY_MAX: Money = (1 << 53) - 1;

/// The seats of one schedule; the index is the seat's number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeatPlan {
    pub seats: Vec<PlannedSeat>,
    pub categories: Vec<PlannedCategory>,
    /// Rows in the order of the plan; rows of one zone that follow each other are neighbours.
    pub rows: Vec<PlannedRow>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PlannedSeat {
    /// Zone, row and seat number, unique in the plan.
    pub label: Box<str>,
    /// Index into `SeatPlan::categories`.
    pub category: u16,
    /// Index into `SeatPlan::rows`.
    pub row: u32,
    /// The place along the row. Seats side by side differ by exactly one; an aisle or a hole adds more.
    pub place: u32,
    /// Its place in the drawing, in the plan's units.
    pub x: f32,
    pub y: f32,
    /// Its distance from the stage, in the plan's units; smaller is better.
    pub stage_distance: f32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PlannedCategory {
    pub name: Box<str>,
    pub price: Money,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PlannedRow {
    pub zone: u32,
    pub label: Box<str>,
}

impl SeatPlan {
    /// What was imported, by category.
    pub fn prices(&self) -> Vec<Money> {
        self.categories.iter().map(|category| category.price).collect()
    }

    /// What the seat cost when it was imported.
    pub fn price(&self, seat: usize) -> Money {
        self.categories[usize::from(self.seats[seat].category)].price
    }
}
