//! The import of a plan: from its file and prices to a layout that can be sold, or to every reason why not.
//!
//! The rule: what can be sold is imported, with a warning when something had to be mended; what is ambiguous is
//! refused, with every place named, so that an organiser mends a plan once and not fault by fault. Always: an
//! imported layout has seats, and every seat has a guid and a label of its own and a priced category.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::fault::{Fault, Place, Warnings, seat_path};
use super::labels::{LabelRow, labels};
use super::layout::{LayoutCategory, LayoutRow, LayoutZone, SeatColumns, VenueLayout};
use super::plan::{Area, Category, Plan, Point, Seat, Size};
use super::read::{Reading, read};
use super::{color, stage};
use crate::domain::ids::SeatId;
use crate::domain::seat_plan::{MONEY_MAX, Money};

/// The number of names that an error lists before it says "and more".
const NAMES_LISTED_MAX: usize = 12;
/// Seats closer than this part of the usual spacing cannot be told apart by eye or finger.
const OVERLAP_FACTOR: f64 = 0.25;
/// Positions keep this many units' fractions: a thousandth of a pixel, where some editors write fourteen digits.
const POSITION_DECIMALS: f64 = 1e3;

/// The changes that an import may make to a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Rename repeated guids instead of refusing the plan.
    pub fix_duplicates: bool,
}

/// A plan that can be sold.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedVenue {
    pub layout: VenueLayout,
    /// The plan's own, by its IANA name.
    pub time_zone: Option<String>,
    /// The number of seats; at least one.
    pub seats: usize,
    /// The seats that the plan keeps from sale, in ascending order.
    pub restricted: Vec<SeatId>,
    /// The things that were mended or ignored, each with its path in the file.
    pub warnings: Vec<String>,
}

/// The dearest seat: a reservation of as many as one may have is still money.
pub const PRICE_MAX: Money = frontrow_protocol::limits::PRICE_MAX;

/// Why a price could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    #[error("{0:?} has no '=': a price is CATEGORY=AMOUNT, such as VIP=110000")]
    NoEquals(String),
    #[error("{0:?} names no category before its last '='")]
    NoCategory(String),
    #[error("{0:?} has no amount after its last '='")]
    NoAmount(String),
    #[error(
        "the amount {0:?} is not a whole number: write it in the currency's minor unit, with digits alone, without \
         separators"
    )]
    NotWhole(String),
    #[error("the amount {0} is below 0")]
    Negative(String),
    #[error("the amount {0} is above {MONEY_MAX}")]
    TooLarge(String),
}

/// Reads `CATEGORY=AMOUNT`. A category's name may itself have an '=', so the last one counts.
pub fn parse_price(text: &str) -> Result<(String, Money), PriceError> {
    let (category, amount) = text.rsplit_once('=').ok_or_else(|| PriceError::NoEquals(text.to_owned()))?;
    if category.trim().is_empty() {
        return Err(PriceError::NoCategory(text.to_owned()));
    }
    let amount = amount.trim();
    let (negative, digits) = match amount.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, amount),
    };
    if amount.is_empty() {
        return Err(PriceError::NoAmount(text.to_owned()));
    }
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(PriceError::NotWhole(amount.to_owned()));
    }
    if negative && digits.bytes().any(|b| b != b'0') {
        return Err(PriceError::Negative(amount.to_owned()));
    }
    match digits.parse::<Money>() {
        Ok(money) if money <= MONEY_MAX => Ok((category.to_owned(), money)),
        _ => Err(PriceError::TooLarge(amount.to_owned())),
    }
}

/// Imports a plan. `prices` are amounts in the currency's minor unit by category name, exactly one for every
/// category that has seats.
pub fn import(
    plan_json: &[u8],
    prices: &[(String, Money)],
    options: ImportOptions,
) -> Result<ImportedVenue, Vec<Fault>> {
    examine(plan_json, options).priced(prices)
}

/// A plan that was read, before it has prices.
pub struct ExaminedPlan {
    plan: Plan,
    faults: Vec<Fault>,
    warnings: Warnings,
    /// Is all of it known? If not, it is not blamed for what was not read.
    whole: bool,
}

/// A category of a plan, and how many seats are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanCategory {
    pub name: String,
    pub color: String,
    pub seats: usize,
}

/// A plan as it is drawn while it is mended.
#[derive(Clone, Debug, PartialEq)]
pub struct Sketch {
    /// Without prices. Seats whose category is unknown are in one of their own, the last.
    pub layout: VenueLayout,
    /// Of each fault the first and the last seat that it is about, where it is about any.
    pub marks: Vec<Option<(u32, u32)>>,
    pub restricted: Vec<SeatId>,
    pub warnings: Vec<String>,
}

/// The category of seats that have none.
const NO_CATEGORY: &str = "?";

/// Reads a plan and finds every fault in it that is not about prices.
pub fn examine(plan_json: &[u8], options: ImportOptions) -> ExaminedPlan {
    let Reading { mut plan, mut faults, mut warnings, complete } = read(plan_json);
    if !complete {
        return ExaminedPlan { plan, faults, warnings, whole: false };
    }
    if options.fix_duplicates {
        rename_repeated_guids(&mut plan, &mut warnings);
    }
    let readable = faults.is_empty();
    let categories = check_categories(&plan, &mut warnings);
    check_guids(&plan, &mut faults);
    // The list of categories is missing, and every seat and price would be blamed for it.
    if !readable && categories.kept.is_empty() {
        return ExaminedPlan { plan, faults, warnings, whole: false };
    }
    check_seat_categories(&plan, &categories, &mut faults);
    // A file that could not be read at all is not blamed for having no seats.
    if readable && seats(&plan).next().is_none() {
        let path = if plan.zones.is_empty() { "zones" } else { "zones[0].rows" };
        faults.push(Fault::new(path, "has no seats"));
    }
    ExaminedPlan { plan, faults, warnings, whole: true }
}

impl ExaminedPlan {
    /// Every reason why it cannot be sold, whatever its prices are.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The plan's own, by its IANA name.
    pub fn time_zone(&self) -> Option<&str> {
        self.plan.time_zone.as_deref()
    }

    /// The venue's name.
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// Those that have seats, and so need a price.
    pub fn categories(&self) -> Vec<PlanCategory> {
        let categories = check_categories(&self.plan, &mut Warnings::default());
        let used = count_seats(&self.plan, &categories);
        let with_seats = categories.kept.iter().zip(&used.counts).filter(|(_, seats)| **seats > 0);
        let named = with_seats.map(|(&index, &seats)| PlanCategory {
            name: self.plan.categories[index].name.clone().unwrap_or_default(),
            color: color_of(&self.plan, index),
            seats,
        });
        named.collect()
    }

    /// The seats that the plan keeps from sale, in ascending order.
    fn restricted(&self) -> Vec<SeatId> {
        let seats = (0..).zip(seats(&self.plan));
        seats.filter(|(_, (_, seat))| seat.restricted).map(|(number, _)| SeatId(number)).collect()
    }

    /// It as it can be drawn, faults and all. `None`: there are no seats.
    pub fn sketch(&self) -> Option<Sketch> {
        let mut plan = self.plan.clone();
        let known: HashSet<String> = plan.categories.iter().filter_map(|known| known.name.clone()).collect();
        let mut has_strays = false;
        for seat in plan.zones.iter_mut().flat_map(|zone| &mut zone.rows).flat_map(|row| &mut row.seats) {
            if seat.category.as_ref().is_none_or(|category| !known.contains(category)) {
                seat.category = Some(NO_CATEGORY.to_owned());
                has_strays = true;
            }
        }
        if has_strays && !known.contains(NO_CATEGORY) {
            plan.categories.push(Category { name: Some(NO_CATEGORY.to_owned()), color: None });
        }
        seats(&plan).next()?;
        let mut warnings = self.warnings.clone();
        let categories = check_categories(&plan, &mut Warnings::default());
        let used = count_seats(&plan, &categories);
        let amounts = vec![0; categories.kept.len()];
        let layout = lay_out(&plan, &categories, &amounts, &used, &mut warnings);
        let mut numbers: HashMap<Place, (u32, u32)> = HashMap::new();
        for (number, ((zone, row, seat), _)) in (0..).zip(seats(&plan)) {
            for (row, seat) in [(None, None), (Some(row), None), (Some(row), Some(seat))] {
                let range = numbers.entry(Place { zone, row, seat }).or_insert((number, number));
                range.1 = number;
            }
        }
        let mark = |fault: &Fault| fault.place.and_then(|place| numbers.get(&place).copied());
        Some(Sketch {
            marks: self.faults.iter().map(mark).collect(),
            layout,
            restricted: self.restricted(),
            warnings: warnings.into_lines(),
        })
    }

    /// It with a price for every category that has seats: what can be sold, or every reason why not.
    pub fn priced(self, prices: &[(String, Money)]) -> Result<ImportedVenue, Vec<Fault>> {
        let restricted = self.restricted();
        let Self { plan, mut faults, mut warnings, whole } = self;
        if !whole {
            return Err(faults);
        }
        let categories = check_categories(&plan, &mut Warnings::default());
        let used = count_seats(&plan, &categories);
        let amounts = check_prices(&plan, &categories, &used, prices, &mut faults, &mut warnings);
        if !faults.is_empty() {
            return Err(faults);
        }
        let layout = lay_out(&plan, &categories, &amounts, &used, &mut warnings);
        let (seats, warnings) = (layout.seat_count(), warnings.into_lines());
        Ok(ImportedVenue { seats, layout, time_zone: plan.time_zone, restricted, warnings })
    }
}

/// The seats with their indices of zone, row and seat in the file.
fn seats(plan: &Plan) -> impl Iterator<Item = ((usize, usize, usize), &Seat)> {
    plan.zones.iter().enumerate().flat_map(|(z, zone)| {
        zone.rows
            .iter()
            .enumerate()
            .flat_map(move |(r, row)| row.seats.iter().enumerate().map(move |(s, seat)| ((z, r, s), seat)))
    })
}

/// The number that each category's name has in the layout: the first of a name counts.
struct Categories<'a> {
    numbers: HashMap<&'a str, u16>,
    /// Indices in the file, in the layout's order.
    kept: Vec<usize>,
}

fn check_categories<'a>(plan: &'a Plan, warnings: &mut Warnings) -> Categories<'a> {
    let mut categories = Categories { numbers: HashMap::new(), kept: Vec::new() };
    for (index, category) in plan.categories.iter().enumerate() {
        let Some(name) = &category.name else { continue };
        // The reading allows fewer categories than 16 bits can count.
        let number = categories.kept.len() as u16;
        match categories.numbers.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(number);
                categories.kept.push(index);
            }
            Entry::Occupied(_) => warnings.note(
                &format!("categories[{index}].name"),
                &format!("repeats the category {name:?}; the first one counts"),
            ),
        }
    }
    categories
}

fn check_guids(plan: &Plan, faults: &mut Vec<Fault>) {
    let mut first_at = HashMap::new();
    for ((z, r, s), seat) in seats(plan) {
        let Some(guid) = &seat.seat_guid else { continue };
        match first_at.entry(guid.as_str()) {
            Entry::Vacant(entry) => {
                entry.insert((z, r, s));
            }
            Entry::Occupied(entry) => {
                let (first_z, first_r, first_s) = *entry.get();
                let first = seat_path(first_z, first_r, first_s);
                faults.push(Fault::new(
                    format!("{}.seat_guid", seat_path(z, r, s)),
                    format!("repeats {guid:?} of {first}.seat_guid"),
                ));
            }
        }
    }
}

/// Gives every repeated guid a "#2", "#3" … that no other seat has; the first seat keeps its name.
fn rename_repeated_guids(plan: &mut Plan, warnings: &mut Warnings) {
    let mut taken: HashSet<String> = seats(plan).filter_map(|(_, seat)| seat.seat_guid.clone()).collect();
    let mut seen: HashMap<String, u32> = HashMap::new();
    for (z, zone) in plan.zones.iter_mut().enumerate() {
        for (r, row) in zone.rows.iter_mut().enumerate() {
            for (s, seat) in row.seats.iter_mut().enumerate() {
                let Some(guid) = &mut seat.seat_guid else { continue };
                let count = seen.entry(guid.clone()).or_insert(0);
                *count += 1;
                if *count == 1 {
                    continue;
                }
                let renamed = loop {
                    let renamed = format!("{guid}#{count}");
                    if taken.insert(renamed.clone()) {
                        break renamed;
                    }
                    *count += 1;
                };
                *guid = renamed;
                warnings.note(&format!("{}.seat_guid", seat_path(z, r, s)), "was repeated, renamed");
            }
        }
    }
}

/// The number of seats of each of the layout's categories, and the first of them as indices in the file.
struct Used {
    counts: Vec<usize>,
    first_at: Vec<Option<(usize, usize, usize)>>,
}

fn check_seat_categories(plan: &Plan, categories: &Categories<'_>, faults: &mut Vec<Fault>) {
    for ((z, r, s), seat) in seats(plan) {
        let Some(name) = &seat.category else { continue };
        if !categories.numbers.contains_key(name.as_str()) {
            faults.push(Fault::new(
                format!("{}.category", seat_path(z, r, s)),
                format!("{name:?} is none of the plan's categories"),
            ));
        }
    }
}

fn count_seats(plan: &Plan, categories: &Categories<'_>) -> Used {
    let mut used =
        Used { counts: vec![0; categories.kept.len()], first_at: vec![None; categories.kept.len()] };
    for (at, seat) in seats(plan) {
        let name = seat.category.as_deref().unwrap_or_default();
        let Some(&number) = categories.numbers.get(name) else { continue };
        used.counts[usize::from(number)] += 1;
        used.first_at[usize::from(number)].get_or_insert(at);
    }
    used
}

/// The price of each of the layout's categories; 0 where there is none, which is refused if it has seats.
fn check_prices(
    plan: &Plan,
    categories: &Categories<'_>,
    used: &Used,
    prices: &[(String, Money)],
    faults: &mut Vec<Fault>,
    warnings: &mut Warnings,
) -> Vec<Money> {
    let mut amounts: Vec<Option<Money>> = vec![None; categories.kept.len()];
    for (name, amount) in prices {
        let path = format!("price {name:?}");
        if !(0..=PRICE_MAX).contains(amount) {
            let problem = format!("must be between 0 and {PRICE_MAX}, is {amount}");
            faults.push(Fault::new(path.clone(), problem));
        }
        let Some(&number) = categories.numbers.get(name.as_str()) else {
            let problem = format!("no such category in the plan; it has {}", listed(plan, categories));
            faults.push(Fault::new(path, problem));
            continue;
        };
        let number = usize::from(number);
        if let Some(earlier) = amounts[number] {
            let problem = format!("is given twice, {earlier} and {amount}");
            faults.push(Fault::new(path, problem));
            continue;
        }
        amounts[number] = Some(*amount);
        if used.counts[number] == 0 {
            warnings.note(&path, "no seat is in this category, the price is not needed");
        }
    }
    for (number, &index) in categories.kept.iter().enumerate() {
        let path = format!("categories[{index}]");
        let name = plan.categories[index].name.as_deref().unwrap_or_default();
        match used.first_at[number] {
            None => warnings.note(&path, &format!("no seat is in {name:?}")),
            Some((z, r, s)) if amounts[number].is_none() => faults.push(Fault::new(
                path,
                format!(
                    "{name:?} has no price but {} seats, the first at {}",
                    used.counts[number],
                    seat_path(z, r, s)
                ),
            )),
            Some(_) => {}
        }
    }
    amounts.into_iter().map(Option::unwrap_or_default).collect()
}

/// The names of the categories, for an error.
fn listed(plan: &Plan, categories: &Categories<'_>) -> String {
    if categories.kept.is_empty() {
        return "none".to_owned();
    }
    let mut names: Vec<String> = categories
        .kept
        .iter()
        .take(NAMES_LISTED_MAX)
        .filter_map(|index| plan.categories[*index].name.as_ref().map(|name| format!("{name:?}")))
        .collect();
    if categories.kept.len() > NAMES_LISTED_MAX {
        names.push(format!("{} more", categories.kept.len() - NAMES_LISTED_MAX));
    }
    names.join(", ")
}

fn color_of(plan: &Plan, category: usize) -> String {
    let own = plan.categories[category].color.clone();
    own.unwrap_or_else(|| color::of_category(category).to_owned())
}

/// The place of each of the layout's rows in the file, as zone and row, for warnings.
type RowPaths = Vec<(usize, usize)>;

fn lay_out(
    plan: &Plan,
    categories: &Categories<'_>,
    amounts: &[Money],
    used: &Used,
    warnings: &mut Warnings,
) -> VenueLayout {
    let mut layout = VenueLayout {
        name: if plan.name.is_empty() { "Venue".to_owned() } else { plan.name.clone() },
        ..VenueLayout::default()
    };
    // The number that each category has among those with seats.
    let mut numbers: HashMap<&str, u16> = HashMap::new();
    for (number, &index) in categories.kept.iter().enumerate().filter(|(number, _)| used.counts[*number] > 0)
    {
        let category = &plan.categories[index];
        let name = category.name.as_deref().unwrap_or_default();
        numbers.insert(name, layout.categories.len() as u16);
        layout.categories.push(LayoutCategory {
            name: name.to_owned(),
            color: color_of(plan, index),
            price: amounts[number],
        });
    }
    let row_paths = lay_out_seats(plan, &numbers, &mut layout, warnings);
    let candidates = lay_out_areas(plan, &mut layout);
    layout.size = plan.size.unwrap_or_else(|| {
        warnings.note("size", "is missing, computed from what is drawn");
        size_of(&layout, &candidates)
    });
    let seats: Vec<Point> = (0..layout.seat_count()).map(|seat| layout.position(seat)).collect();
    let focus = stage::focus(&candidates, &seats, layout.size);
    layout.stage = Point { x: rounded(focus.x), y: rounded(focus.y) };
    label(&mut layout, &row_paths, warnings);
    warn_of_places(&layout, &row_paths, warnings);
    layout
}

/// Fills the zones, the rows and the columns of seats.
fn lay_out_seats(
    plan: &Plan,
    categories: &HashMap<&str, u16>,
    layout: &mut VenueLayout,
    warnings: &mut Warnings,
) -> RowPaths {
    let mut columns = SeatColumns::default();
    let mut row_paths = Vec::new();
    for (z, zone) in plan.zones.iter().enumerate() {
        let zone_number = layout.zones.len();
        for (r, row) in zone.rows.iter().enumerate() {
            if row.seats.is_empty() {
                warnings.note(&format!("zones[{z}].rows[{r}].seats"), "has no seats, the row is left out");
                continue;
            }
            if layout.zones.len() == zone_number {
                layout.zones.push(LayoutZone { name: zone.name.clone() });
            }
            for (s, seat) in row.seats.iter().enumerate() {
                let at = zone.position + row.position + seat.position;
                columns.x.push(rounded(at.x));
                columns.y.push(rounded(at.y));
                // Bounds of the reading keep zones and rows far below 32 bits.
                columns.row.push(layout.rows.len() as u32);
                columns.number.push(match seat.seat_number.as_str() {
                    "" => (s + 1).to_string(),
                    number => number.to_owned(),
                });
                columns.category.push(categories[seat.category.as_deref().unwrap_or_default()]);
                columns.guid.push(seat.seat_guid.clone().unwrap_or_default());
                columns.radius.push(seat.radius.unwrap_or_default());
            }
            layout.rows.push(LayoutRow {
                zone: zone_number as u32,
                label: row.row_number.clone(),
                row_label: row.row_label.as_ref().map(|label| label.replace("%s", &row.row_number)),
                seat_label: row.seat_label.clone(),
            });
            row_paths.push((z, r));
        }
    }
    if columns.radius.iter().all(|radius| *radius == 0.0) {
        columns.radius = Vec::new();
    }
    layout.seats = columns;
    row_paths
}

/// Fills the areas; gives them with what their zones say about a stage.
fn lay_out_areas<'a>(plan: &'a Plan, layout: &mut VenueLayout) -> Vec<stage::Candidate<'a>> {
    let mut candidates = Vec::new();
    for zone in &plan.zones {
        let has_seats = zone.rows.iter().any(|row| !row.seats.is_empty());
        for area in &zone.areas {
            let at = zone.position + area.position;
            let position = Point { x: rounded(at.x), y: rounded(at.y) };
            layout.areas.push(Area { position, uuid: None, ..area.clone() });
            candidates.push(stage::Candidate {
                area,
                position,
                zone_name: if has_seats { "" } else { &zone.name },
            });
        }
    }
    candidates
}

fn rounded(number: f64) -> f64 {
    // Adding zero keeps "-0" out of the file.
    (number * POSITION_DECIMALS).round() / POSITION_DECIMALS + 0.0
}

/// The size from the origin to the furthest thing drawn, and the same margin beyond it as there is before the nearest.
fn size_of(layout: &VenueLayout, areas: &[stage::Candidate<'_>]) -> Size {
    const MARGIN: f64 = 20.0;
    let mut min = Point { x: f64::INFINITY, y: f64::INFINITY };
    let mut max = Point { x: f64::NEG_INFINITY, y: f64::NEG_INFINITY };
    let mut cover = |point: Point| {
        min = Point { x: min.x.min(point.x), y: min.y.min(point.y) };
        max = Point { x: max.x.max(point.x), y: max.y.max(point.y) };
    };
    (0..layout.seat_count()).for_each(|seat| cover(layout.position(seat)));
    for area in areas {
        let (low, high) = stage::bounds(area);
        cover(low);
        cover(high);
    }
    let length = |min: f64, max: f64| rounded((max + min.clamp(MARGIN, 5.0 * MARGIN)).max(2.0 * MARGIN));
    Size { width: length(min.x, max.x), height: length(min.y, max.y) }
}

fn label(layout: &mut VenueLayout, row_paths: &RowPaths, warnings: &mut Warnings) {
    let mut rows = Vec::with_capacity(layout.rows.len());
    let mut rest = layout.seats.number.as_slice();
    for (row, seats) in layout.rows.iter().zip(layout.seats.row.chunk_by(|a, b| a == b)) {
        let (numbers, further) = rest.split_at(seats.len());
        rest = further;
        rows.push(LabelRow {
            zone: &layout.zones[row.zone as usize].name,
            row: &row.label,
            row_label: row.row_label.as_deref(),
            seat_label: row.seat_label.as_deref(),
            numbers,
        });
    }
    let labels = labels(&rows);
    if let Some((row, seat)) = labels.first_repeated {
        let (z, r) = row_paths[row];
        let message = match labels.repeated {
            1 => "repeats a zone, row and number; its label got a suffix".to_owned(),
            count => format!("repeats a zone, row and number; {count} labels got a suffix"),
        };
        warnings.note(&format!("{}.seat_number", seat_path(z, r, seat)), &message);
    }
    layout.seats.label = labels.labels;
}

/// Seats that cannot be found in the drawing can be sold all the same.
fn warn_of_places(layout: &VenueLayout, row_paths: &RowPaths, warnings: &mut Warnings) {
    // Two seats closer than `reach` are in the same cell of this width or in cells that touch.
    let reach = (layout.seat_spacing() * OVERLAP_FACTOR).max(1e-3);
    let cell = |at: Point| ((at.x / reach).floor() as i64, (at.y / reach).floor() as i64);
    let mut cells: HashMap<(i64, i64), usize> = HashMap::with_capacity(layout.seat_count());
    let mut first_of_row = 0;
    for seat in 0..layout.seat_count() {
        if seat > 0 && layout.seats.row[seat] != layout.seats.row[seat - 1] {
            first_of_row = seat;
        }
        let at = layout.position(seat);
        let path = || {
            let (z, r) = row_paths[layout.seats.row[seat] as usize];
            seat_path(z, r, seat - first_of_row)
        };
        if !(0.0..=layout.size.width).contains(&at.x) || !(0.0..=layout.size.height).contains(&at.y) {
            warnings.note(&format!("{}.position", path()), "is outside the plan's size");
        }
        let (column, line) = cell(at);
        let covered = (-1..=1)
            .flat_map(|dx| (-1..=1).map(move |dy| (column + dx, line + dy)))
            .any(|near| cells.get(&near).is_some_and(|other| layout.position(*other).distance(at) < reach));
        if covered {
            warnings.note(&format!("{}.position", path()), "is on top of another seat");
        }
        cells.entry((column, line)).or_insert(seat);
    }
}
