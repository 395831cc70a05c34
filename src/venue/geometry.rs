//! The order of the seats of a row, from where they stand alone: numbers jump, run odd and even, or are missing, but
//! neighbours are close. Always deterministic, O(n log n) in the seats of a row.

use super::plan::Point;

/// Neighbours further apart than this many typical spacings have an aisle or a hole between them. Real aisles begin
/// at about two; the play of a curved or hand-drawn row stays well below.
const GAP_FACTOR: f64 = 1.6;
/// Fewer steps than this say too little about a row's own spacing.
const STEPS_TELLING_MIN: usize = 3;
/// The largest jump of places at one gap: enough to keep far seats apart, and sums stay small.
const GAP_PLACES_MAX: f64 = 1_000.0;

/// The indices of `points` in the order in which one walks along the row.
///
/// Three orders are tried, and the shortest walk wins: as in the file (nearly always right, also for horseshoes and
/// double rows), along the main direction (numbers that run odd and even), and around the middle (tables, rings).
pub fn walk(points: &[Point]) -> Vec<usize> {
    let file: Vec<usize> = (0..points.len()).collect();
    if points.len() < 3 {
        return file;
    }
    // In a tie the file's order stays; a hair of tolerance keeps rounding from deciding.
    let mut best_length = length(points, &file) * (1.0 - 1e-9);
    let mut best = file;
    for order in [along_main_direction(points), around_middle(points)] {
        let length = length(points, &order);
        if length < best_length {
            best_length = length;
            best = order;
        }
    }
    best
}

/// The distances between neighbours of a walk; one fewer than seats.
pub fn steps(points: &[Point], walk: &[usize]) -> Vec<f64> {
    walk.windows(2).map(|pair| points[pair[0]].distance(points[pair[1]])).collect()
}

/// The middle one of the distances above zero: seats drawn on top of each other say nothing about spacing.
pub fn median(steps: &[f64]) -> Option<f64> {
    let mut steps: Vec<f64> = steps.iter().copied().filter(|step| *step > 0.0).collect();
    if steps.is_empty() {
        return None;
    }
    let middle = (steps.len() - 1) / 2;
    Some(*steps.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// The place of each seat of a walk: one more than its neighbour's when they sit side by side, otherwise further.
/// `usual` is the spacing of the surroundings, for rows too short to have one of their own.
pub fn places(steps: &[f64], usual: Option<f64>) -> Vec<u32> {
    let own = median(steps);
    let spacing = if steps.len() < STEPS_TELLING_MIN { usual.or(own) } else { own };
    let mut place = 0;
    let mut places = vec![0];
    for &step in steps {
        place += match spacing {
            Some(spacing) if step > spacing * GAP_FACTOR => {
                (step / spacing).round().clamp(2.0, GAP_PLACES_MAX) as u32
            }
            _ => 1,
        };
        places.push(place);
    }
    places
}

fn length(points: &[Point], order: &[usize]) -> f64 {
    order.windows(2).map(|pair| points[pair[0]].distance(points[pair[1]])).sum()
}

fn middle(points: &[Point]) -> Point {
    let count = points.len() as f64;
    let sum = points.iter().fold(Point::default(), |sum, point| sum + *point);
    Point { x: sum.x / count, y: sum.y / count }
}

/// Sorted by the projection on the axis along which the row is longest.
fn along_main_direction(points: &[Point]) -> Vec<usize> {
    let middle = middle(points);
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for point in points {
        let from_middle = *point - middle;
        xx += from_middle.x * from_middle.x;
        xy += from_middle.x * from_middle.y;
        yy += from_middle.y * from_middle.y;
    }
    let (sin, cos) = (0.5 * (2.0 * xy).atan2(xx - yy)).sin_cos();
    sorted_by_key(points, |point| {
        let from_middle = point - middle;
        (from_middle.x * cos + from_middle.y * sin, from_middle.y * cos - from_middle.x * sin)
    })
}

/// Sorted by the angle about the middle, beginning after the widest opening.
fn around_middle(points: &[Point]) -> Vec<usize> {
    let middle = middle(points);
    let angle = |point: Point| {
        let from_middle = point - middle;
        from_middle.y.atan2(from_middle.x)
    };
    let mut order = sorted_by_key(points, |point| (angle(point), point.distance(middle)));
    let opening = |at: usize| {
        let next = order[(at + 1) % order.len()];
        points[order[at]].distance(points[next])
    };
    let widest = (0..order.len())
        .max_by(|a, b| opening(*a).total_cmp(&opening(*b)).then(b.cmp(a)))
        .unwrap_or_default();
    let after = (widest + 1) % order.len();
    order.rotate_left(after);
    order
}

fn sorted_by_key(points: &[Point], key: impl Fn(Point) -> (f64, f64)) -> Vec<usize> {
    let mut keyed: Vec<((f64, f64), usize)> =
        points.iter().enumerate().map(|(index, point)| (key(*point), index)).collect();
    keyed.sort_unstable_by(|(a, i), (b, j)| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(i.cmp(j)));
    keyed.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::{places, steps, walk};
    use crate::venue::plan::Point;

    fn points(at: &[(f64, f64)]) -> Vec<Point> {
        at.iter().map(|(x, y)| Point { x: *x, y: *y }).collect()
    }

    /// The places of the seats in the file's order.
    fn placed(at: &[(f64, f64)], usual: Option<f64>) -> Vec<u32> {
        let points = points(at);
        let walk = walk(&points);
        let mut placed = vec![0; points.len()];
        for (seat, place) in walk.iter().zip(places(&steps(&points, &walk), usual)) {
            placed[*seat] = place;
        }
        placed
    }

    #[test]
    fn seats_side_by_side_differ_by_one_and_an_aisle_by_more() {
        let straight = [(0., 0.), (30., 0.), (60., 0.), (120., 0.), (150., 0.)];
        assert_eq!(placed(&straight, None), [0, 1, 2, 4, 5]);
        let far = [(0., 0.), (20., 0.), (40., 0.), (60., 0.), (600., 0.)];
        assert_eq!(placed(&far, None), [0, 1, 2, 3, 30]);
        let uneven = [(0., 0.), (30., 0.), (62., 0.), (95., 0.), (140., 0.)];
        assert_eq!(placed(&uneven, None), [0, 1, 2, 3, 4], "a hand-drawn row has no aisle at 1.4 spacings");
    }

    #[test]
    fn the_numbers_order_does_not_matter() {
        // Odd numbers to the left of the middle, even ones to the right, listed 1, 2, 3 …
        let odd_even = [(100., 0.), (130., 0.), (70., 0.), (160., 0.), (40., 0.), (190., 0.)];
        assert_eq!(placed(&odd_even, None), [2, 3, 1, 4, 0, 5]);
    }

    #[test]
    fn diagonal_and_curved_rows_count_along_themselves() {
        let diagonal = [(0., 0.), (20., 20.), (40., 40.), (80., 80.)];
        assert_eq!(placed(&diagonal, None), [0, 1, 2, 4]);
        let on_circle = |degrees: f64| (100. * degrees.to_radians().cos(), 100. * degrees.to_radians().sin());
        // A horseshoe of 270 degrees, shuffled.
        let horseshoe: Vec<_> =
            [3, 0, 9, 5, 1, 7, 2, 8, 4, 6].iter().map(|i| on_circle(f64::from(*i) * 30. - 45.)).collect();
        let placed = placed(&horseshoe, None);
        assert!(
            placed == [3, 0, 9, 5, 1, 7, 2, 8, 4, 6] || placed == [6, 9, 0, 4, 8, 2, 7, 1, 5, 3],
            "one end is first, whichever: {placed:?}"
        );
    }

    #[test]
    fn short_rows_borrow_the_usual_spacing() {
        let pair = [(0., 0.), (60., 0.)];
        assert_eq!(placed(&pair, None), [0, 1]);
        assert_eq!(placed(&pair, Some(30.)), [0, 2]);
        assert_eq!(placed(&pair, Some(45.)), [0, 1]);
        assert_eq!(placed(&[(5., 5.)], Some(45.)), [0]);
    }

    #[test]
    fn seats_on_top_of_each_other_are_side_by_side() {
        assert_eq!(placed(&[(0., 0.), (0., 0.), (0., 0.)], None), [0, 1, 2]);
        assert_eq!(placed(&[(0., 0.), (0., 0.), (30., 0.), (60., 0.), (90., 0.)], None), [0, 1, 2, 3, 4]);
    }
}
