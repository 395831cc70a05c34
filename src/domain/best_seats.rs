//! The best free seats that are together: side by side in one row, else in rows one behind the other, and nearest to
//! the stage first. Rows are looked at in the order of their distance and left out when they have too few free seats,
//! so that a search costs little however large the house is.

use super::ids::SeatId;
use super::seat_plan::SeatPlan;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct BestSeats {
    /// The seats of each row, in the order of their places.
    rows: Vec<Row>,
    /// Row indices, the nearest to the stage first.
    nearest: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    seats: Vec<SeatId>,
    free: u32,
    /// The least of its seats' distances.
    distance: f32,
    /// The row behind or before it in the same zone.
    next: Option<u32>,
    /// The usual distance between neighbours.
    spacing: f32,
}

/// Seats side by side in one row.
#[derive(Clone, Copy)]
struct Window<'a> {
    seats: &'a [SeatId],
    distance: f32,
    centre: (f32, f32),
}

/// Seats found, and the sum of their distances.
struct Found {
    seats: Vec<SeatId>,
    distance: f32,
}

impl BestSeats {
    pub fn new(plan: &SeatPlan) -> Self {
        let mut seats: Vec<Vec<SeatId>> = vec![Vec::new(); plan.rows.len()];
        for (index, seat) in plan.seats.iter().enumerate() {
            seats[seat.row as usize].push(SeatId(index as u32));
        }
        let rows: Vec<Row> = seats
            .into_iter()
            .enumerate()
            .map(|(index, mut seats)| {
                seats.sort_by_key(|seat| (plan.seats[seat.0 as usize].place, *seat));
                let distances = seats.iter().map(|seat| plan.seats[seat.0 as usize].stage_distance);
                let next = plan.rows.get(index + 1).filter(|next| next.zone == plan.rows[index].zone);
                Row {
                    free: seats.len() as u32,
                    distance: distances.fold(f32::INFINITY, f32::min),
                    next: next.map(|_| index as u32 + 1),
                    spacing: spacing(plan, &seats),
                    seats,
                }
            })
            .collect();
        let mut nearest: Vec<u32> = (0..rows.len() as u32).collect();
        nearest.sort_by(|a, b| rows[*a as usize].distance.total_cmp(&rows[*b as usize].distance));
        Self { rows, nearest }
    }

    pub fn take(&mut self, plan: &SeatPlan, seat: SeatId) {
        self.rows[plan.seats[seat.0 as usize].row as usize].free -= 1;
    }

    pub fn free(&mut self, plan: &SeatPlan, seat: SeatId) {
        self.rows[plan.seats[seat.0 as usize].row as usize].free += 1;
    }

    /// `count` seats that are together, in ascending order, or `None` if there are none.
    pub fn find(
        &self,
        plan: &SeatPlan,
        count: usize,
        category: Option<u16>,
        free: impl Fn(SeatId) -> bool,
    ) -> Option<Vec<SeatId>> {
        let fits = |seat: SeatId| {
            free(seat) && category.is_none_or(|wanted| plan.seats[seat.0 as usize].category == wanted)
        };
        let found = self.in_one_row(plan, count, &fits).or_else(|| {
            // Two rows before three, and so on: closer together before nearer to the stage.
            (2..=count).find_map(|rows| self.in_rows(plan, count, rows, &fits))
        })?;
        let mut seats = found.seats;
        seats.sort_unstable();
        Some(seats)
    }

    /// Proves that the counts of free seats are right.
    pub fn check(&self, plan: &SeatPlan, free: impl Fn(SeatId) -> bool) {
        for (index, row) in self.rows.iter().enumerate() {
            let counted = row.seats.iter().filter(|seat| free(**seat)).count();
            assert_eq!(row.free as usize, counted, "free seats of row {}", plan.rows[index].label);
        }
    }

    fn in_one_row(&self, plan: &SeatPlan, count: usize, fits: &impl Fn(SeatId) -> bool) -> Option<Found> {
        let mut best: Option<Found> = None;
        for &index in &self.nearest {
            let row = &self.rows[index as usize];
            if best.as_ref().is_some_and(|found| row.distance * count as f32 >= found.distance) {
                break;
            }
            if (row.free as usize) < count {
                continue;
            }
            for window in windows(plan, row, count, fits) {
                if best.as_ref().is_none_or(|found| window.distance < found.distance) {
                    best = Some(Found { seats: window.seats.to_vec(), distance: window.distance });
                }
            }
        }
        best
    }

    /// `count` seats in `rows` rows that follow each other, shared out as evenly as they go.
    fn in_rows(
        &self,
        plan: &SeatPlan,
        count: usize,
        rows: usize,
        fits: &impl Fn(SeatId) -> bool,
    ) -> Option<Found> {
        let mut best: Option<Found> = None;
        for first in 0..self.rows.len() {
            let Some(block) = self.block(first, rows) else { continue };
            if block.iter().map(|row| row.free as usize).sum::<usize>() < count {
                continue;
            }
            for shares in shares(count, rows) {
                let found = together(plan, &block, &shares, fits);
                if let Some(found) = found
                    && best.as_ref().is_none_or(|best| found.distance < best.distance)
                {
                    best = Some(found);
                }
            }
        }
        best
    }

    fn block(&self, first: usize, rows: usize) -> Option<Vec<&Row>> {
        let mut block = vec![&self.rows[first]];
        while block.len() < rows {
            block.push(&self.rows[block.last()?.next? as usize]);
        }
        Some(block)
    }
}

/// The ways to share seats out over rows. Over two rows every way, the even one first; over more only evenly.
fn shares(count: usize, rows: usize) -> Vec<Vec<usize>> {
    if rows == 2 {
        let mut ways: Vec<_> = (1..count).map(|first| vec![first, count - first]).collect();
        ways.sort_by_key(|way| way[0].abs_diff(way[1]));
        return ways;
    }
    vec![(0..rows).map(|row| count / rows + usize::from(row < count % rows)).collect()]
}

/// The nearest seats with the given number in each row, each row's seats behind those of the row before.
fn together(
    plan: &SeatPlan,
    block: &[&Row],
    shares: &[usize],
    fits: &impl Fn(SeatId) -> bool,
) -> Option<Found> {
    let mut best: Option<Found> = None;
    for start in windows(plan, block[0], shares[0], fits) {
        let mut found = Found { seats: start.seats.to_vec(), distance: start.distance };
        let mut last = start;
        let complete = block.iter().zip(shares).skip(1).all(|(row, &share)| {
            let reach = (last.seats.len() + share) as f32 / 2.0 * row.spacing.max(f32::EPSILON);
            let closest = windows(plan, row, share, fits)
                .map(|window| (sideways(plan, row, &last, &window), window))
                .filter(|(aside, _)| *aside <= reach)
                .min_by(|(a, _), (b, _)| a.total_cmp(b));
            let Some((_, window)) = closest else { return false };
            found.seats.extend(window.seats);
            found.distance += window.distance;
            last = window;
            true
        });
        if complete && best.as_ref().is_none_or(|best| found.distance < best.distance) {
            best = Some(found);
        }
    }
    best
}

/// Runs of `count` seats side by side that all fit.
fn windows<'a>(
    plan: &'a SeatPlan,
    row: &'a Row,
    count: usize,
    fits: &'a impl Fn(SeatId) -> bool,
) -> impl Iterator<Item = Window<'a>> {
    let seat = |id: &SeatId| &plan.seats[id.0 as usize];
    row.seats.windows(count).filter_map(move |seats| {
        let side_by_side = seats.windows(2).all(|pair| seat(&pair[1]).place == seat(&pair[0]).place + 1);
        if !side_by_side || !seats.iter().all(|id| fits(*id)) {
            return None;
        }
        let n = count as f32;
        Some(Window {
            seats,
            distance: seats.iter().map(|id| seat(id).stage_distance).sum(),
            centre: (
                seats.iter().map(|id| seat(id).x).sum::<f32>() / n,
                seats.iter().map(|id| seat(id).y).sum::<f32>() / n,
            ),
        })
    })
}

/// The distance of one window from lying straight behind another: their distance along the row's direction.
fn sideways(plan: &SeatPlan, row: &Row, front: &Window<'_>, behind: &Window<'_>) -> f32 {
    let (dx, dy) = (behind.centre.0 - front.centre.0, behind.centre.1 - front.centre.1);
    let position = |id: &SeatId| (plan.seats[id.0 as usize].x, plan.seats[id.0 as usize].y);
    // Measured at the window itself, because a row may be curved.
    let at = row.seats.iter().position(|id| *id == behind.seats[0]).unwrap_or(0);
    let last = row.seats.len() - 1;
    let (from, to) = (position(&row.seats[at.saturating_sub(1)]), position(&row.seats[(at + 1).min(last)]));
    let (rx, ry) = (to.0 - from.0, to.1 - from.1);
    match rx.hypot(ry) {
        0.0 => dx.hypot(dy),
        length => (dx * rx + dy * ry).abs() / length,
    }
}

fn spacing(plan: &SeatPlan, seats: &[SeatId]) -> f32 {
    let position = |id: SeatId| (plan.seats[id.0 as usize].x, plan.seats[id.0 as usize].y);
    let mut gaps: Vec<f32> = seats
        .windows(2)
        .map(|pair| {
            let (a, b) = (position(pair[0]), position(pair[1]));
            (b.0 - a.0).hypot(b.1 - a.1)
        })
        .collect();
    gaps.sort_by(f32::total_cmp);
    gaps.get(gaps.len() / 2).copied().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::seat_plan::{PlannedCategory, PlannedRow, PlannedSeat};

    /// Rows of seats, the first nearest to the stage. `o` free, `x` taken, `v` free and VIP, a space an aisle.
    fn best(house: &[&str], count: usize, category: Option<u16>) -> Option<Vec<String>> {
        let mut plan = SeatPlan::default();
        let mut free = Vec::new();
        for name in ["Floor", "VIP"] {
            plan.categories.push(PlannedCategory { name: name.into(), price: 1 });
        }
        for (r, row) in house.iter().enumerate() {
            let letter = char::from(b'A' + r as u8);
            plan.rows.push(PlannedRow { zone: 0, label: letter.to_string().into() });
            let middle = row.len() as f32 / 2.0 - 0.5;
            for (place, seat) in row.chars().enumerate().filter(|(_, seat)| *seat != ' ') {
                let (x, y) = (place as f32, r as f32);
                free.push(seat != 'x');
                plan.seats.push(PlannedSeat {
                    label: format!("{letter}{}", place + 1).into(),
                    category: u16::from(seat == 'v'),
                    row: r as u32,
                    place: place as u32,
                    x,
                    y,
                    stage_distance: (x - middle).hypot(y + 1.0),
                });
            }
        }
        let mut seats = BestSeats::new(&plan);
        for (index, _) in free.iter().enumerate().filter(|(_, free)| !**free) {
            seats.take(&plan, SeatId(index as u32));
        }
        seats.check(&plan, |seat| free[seat.0 as usize]);
        let found = seats.find(&plan, count, category, |seat| free[seat.0 as usize])?;
        Some(found.into_iter().map(|seat| plan.seats[seat.0 as usize].label.to_string()).collect())
    }

    fn labels(found: &[&str]) -> Option<Vec<String>> {
        Some(found.iter().map(|label| (*label).to_owned()).collect())
    }

    #[test]
    fn one_row_nearest_to_the_stage_and_its_middle() {
        assert_eq!(best(&["ooooo", "ooooo"], 1, None), labels(&["A3"]));
        assert_eq!(best(&["ooooo", "ooooo"], 3, None), labels(&["A2", "A3", "A4"]));
        assert_eq!(best(&["oxxxo", "ooooo"], 2, None), labels(&["B2", "B3"]));
    }

    #[test]
    fn an_aisle_parts_neighbours() {
        assert_eq!(best(&["o o o", "xooxx"], 2, None), labels(&["B2", "B3"]));
        assert_eq!(best(&["o o o"], 2, None), None);
    }

    #[test]
    fn rows_behind_each_other_when_no_row_has_enough() {
        assert_eq!(best(&["xooxx", "xooxx"], 4, None), labels(&["A2", "A3", "B2", "B3"]));
        assert_eq!(best(&["ooxxxxx", "xxxxxoo"], 4, None), None, "far apart is not together");
        assert_eq!(best(&["xoxxx", "xoxxx", "xoxxx"], 3, None), labels(&["A2", "B2", "C2"]));
    }

    #[test]
    fn only_the_wanted_category() {
        assert_eq!(best(&["ooooo", "ovvoo"], 2, Some(1)), labels(&["B2", "B3"]));
        assert_eq!(best(&["ooooo", "ovvoo"], 3, Some(1)), None);
        assert_eq!(best(&["ovooo", "ovooo"], 2, Some(1)), labels(&["A2", "B2"]));
    }
}
