use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::{Shape, generate, suggested_prices};
use crate::venue::{ImportOptions, Point, SEATS_MAX, VenueLayout, import};

const SHAPES: [Shape; 3] = [Shape::Hall, Shape::Arena, Shape::Stadium];

/// Imports a generated plan and checks everything that must hold of any.
fn check(seats: usize, shape: Shape) -> VenueLayout {
    let plan = generate(seats, shape).expect("the size is in range");
    let prices = suggested_prices(&plan);
    let bytes = serde_json::to_vec(&plan).expect("plain values");
    let venue = import(&bytes, &prices, ImportOptions::default())
        .unwrap_or_else(|faults| panic!("{shape} of {seats}: {}", faults[0]));
    assert_eq!(venue.warnings, Vec::<String>::new(), "{shape} of {seats}");
    assert_eq!(venue.seats, seats, "{shape}");
    let layout = venue.layout;
    check_distances(&layout);
    check_labels(&layout);
    check_seat_plan(&layout);
    layout
}

fn position(layout: &VenueLayout, seat: usize) -> Point {
    Point { x: layout.seats.x[seat], y: layout.seats.y[seat] }
}

/// No two seats nearer to each other than a seat is wide, and all within the size with room to spare.
fn check_distances(layout: &VenueLayout) {
    const NEAREST: f64 = 20.0;
    let cell = |at: Point| ((at.x / NEAREST).floor() as i64, (at.y / NEAREST).floor() as i64);
    let mut cells: HashMap<(i64, i64), Vec<usize>> = HashMap::new();
    for seat in 0..layout.seat_count() {
        let at = position(layout, seat);
        assert!(at.x > 20.0 && at.x < layout.size.width - 20.0, "seat {seat} at {at:?}");
        assert!(at.y > 20.0 && at.y < layout.size.height - 20.0, "seat {seat} at {at:?}");
        let (column, line) = cell(at);
        for near in (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (column + dx, line + dy))) {
            for &other in cells.get(&near).into_iter().flatten() {
                let distance = position(layout, other).distance(at);
                assert!(distance >= NEAREST, "seats {other} and {seat} are {distance} apart");
            }
        }
        cells.entry((column, line)).or_default().push(seat);
    }
}

fn check_labels(layout: &VenueLayout) {
    let mut seats: HashMap<&str, usize> = HashMap::new();
    for (seat, label) in layout.seats.label.iter().enumerate() {
        assert!(!label.contains('('), "{label} needed a suffix");
        if let Some(other) = seats.insert(label, seat) {
            panic!("seats {other} and {seat} are both {label}");
        }
    }
}

/// Seats of a row stand in a line: places rise with the numbers, and most neighbours are adjacent.
fn check_seat_plan(layout: &VenueLayout) {
    let plan = layout.seat_plan();
    assert_eq!(plan.seats.len(), layout.seat_count());
    assert_eq!(plan.rows.len(), layout.rows.len());
    assert!(plan.categories.iter().all(|category| category.price > 0), "every category is in use");
    for pair in plan.seats.windows(2) {
        if pair[0].row == pair[1].row {
            let step = pair[1].place.checked_sub(pair[0].place);
            assert!(matches!(step, Some(1..=4)), "{} and {}: {step:?}", pair[0].label, pair[1].label);
        }
    }
    assert!(plan.seats.iter().all(|seat| seat.stage_distance > 0.0));
}

#[test]
fn every_shape_comes_in_every_usual_size() {
    for shape in SHAPES {
        for seats in [1, 2, 3, 10, 99, 1_000, 12_345] {
            check(seats, shape);
        }
    }
}

#[test]
fn a_stadium_of_sixty_thousand_has_tiers_of_sections() {
    let layout = check(60_000, Shape::Stadium);
    assert!(layout.zones.len() > 80, "{} sections", layout.zones.len());
    let rows: HashMap<u32, usize> = layout.seats.row.iter().fold(HashMap::new(), |mut rows, row| {
        *rows.entry(*row).or_default() += 1;
        rows
    });
    let real = rows.values().filter(|seats| (10..=40).contains(*seats)).count();
    assert_eq!(real, rows.len(), "rows are as long as real ones");
    assert_eq!(layout.categories.len(), 6);
    let pitch = Point { x: layout.size.width / 2.0, y: layout.size.height / 2.0 };
    assert!(layout.stage.distance(pitch) < 2.0, "seats look at the middle of the pitch, {:?}", layout.stage);
}

#[test]
fn before_an_end_stage_the_first_rows_are_the_nearest() {
    for shape in [Shape::Hall, Shape::Arena] {
        let layout = check(3_000, shape);
        let plan = layout.seat_plan();
        let nearest = (0..plan.seats.len())
            .min_by(|a, b| plan.seats[*a].stage_distance.total_cmp(&plan.seats[*b].stage_distance))
            .expect("seats");
        assert_eq!(layout.categories[usize::from(plan.seats[nearest].category)].name, "VIP");
        assert!(plan.seats.iter().all(|seat| f64::from(seat.y) > layout.stage.y - layout.size.height / 3.0));
    }
}

#[test]
fn the_largest_plan_fits_the_bounds_of_an_import() {
    let plan = generate(SEATS_MAX, Shape::Stadium).expect("the size is in range");
    let zones = plan["zones"].as_array().expect("a list");
    let ids: HashSet<&str> = zones.iter().filter_map(|zone| zone["zone_id"].as_str()).collect();
    assert_eq!(ids.len(), zones.len(), "sections stay apart also when a tier has more than a hundred");
    let bytes = serde_json::to_vec(&plan).expect("plain values");
    assert!(bytes.len() < crate::venue::FILE_BYTES_MAX / 2, "{} bytes", bytes.len());
}

#[test]
fn sizes_out_of_range_are_refused() {
    assert_eq!(
        generate(0, Shape::Hall).map_err(|error| error.to_string()),
        Err("a plan has between 1 and 200000 seats, not 0".to_owned())
    );
    assert!(generate(SEATS_MAX + 1, Shape::Stadium).is_err());
}

#[test]
fn the_same_question_has_the_same_answer() {
    assert_eq!(generate(500, Shape::Arena), generate(500, Shape::Arena));
    let uuid = |seats| generate(seats, Shape::Hall).expect("in range")["zones"][0]["uuid"].clone();
    assert_ne!(uuid(500), uuid(501), "another plan has other uuids");
}

#[test]
fn shapes_are_named_as_on_the_command_line() {
    for shape in SHAPES {
        assert_eq!(shape.to_string().parse::<Shape>(), Ok(shape));
    }
    let error = "tent".parse::<Shape>().map_err(|error| error.to_string());
    assert_eq!(error, Err("\"tent\" is not a shape: choose hall, arena or stadium".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_size_of_any_shape_imports_without_a_warning(
        seats in prop_oneof![1_usize..200, 200_usize..6_000],
        shape in prop::sample::select(&SHAPES[..]),
    ) {
        check(seats, shape);
    }
}
