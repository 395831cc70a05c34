//! The point that the audience looks at. "Best seats" are those nearest to it.
//!
//! The point is where the stage's edge faces the seats: the middle of the front edge before an end stage, the middle
//! of the area when it lies among the seats, as a pitch or a centre stage does. The nearest edge instead would make
//! the whole first row equally good and rank a seat beside the stage above the middle of row two; the area's middle
//! would let the depth of a stage, which nobody sits in, blur the difference between rows.

use super::plan::{Area, AreaShape, Ellipse, Point, Size};

/// Words for where the performance is, best first: on a plan with a stage on a pitch, the stage is what people watch.
/// Latin and Cyrillic words must match whole or as a compound's end ("Hauptbühne"); the others anywhere.
const WORDS: [&[&str]; 3] = [
    &[
        "stage",
        "bühne",
        "buehne",
        "scene",
        "scène",
        "scena",
        "scen",
        "escenario",
        "palco",
        "palcoscenico",
        "podium",
        "сцена",
        "무대",
        "스테이지",
        "舞台",
        "ステージ",
    ],
    &[
        "pitch",
        "field",
        "spielfeld",
        "court",
        "rink",
        "ring",
        "octagon",
        "поле",
        "площадка",
        "필드",
        "그라운드",
        "코트",
        "링크",
        "ピッチ",
        "フィールド",
        "球場",
    ],
    &["screen", "leinwand", "écran", "pantalla", "экран", "스크린", "スクリーン"],
];

/// The number of the largest unnamed areas that are looked at; each look goes through all seats.
const UNNAMED_TRIED_MAX: usize = 8;

/// One area with its absolute position.
pub struct Candidate<'a> {
    pub area: &'a Area,
    pub position: Point,
    /// The name of the area's zone if that zone has no seats, otherwise empty: "Field" with seats in it is not the
    /// field that people watch.
    pub zone_name: &'a str,
}

/// The point that the seats face, in the plan's units.
pub fn focus(candidates: &[Candidate<'_>], seats: &[Point], size: Size) -> Point {
    let middle = middle(seats);
    if let Some(stage) = named(candidates).or_else(|| largest_without_seats(candidates, seats)) {
        return facing(bounds(stage), middle);
    }
    Point { x: size.width / 2.0, y: 0.0 }
}

/// The largest of the areas that carry the best word: by their text, or else by their zone's name.
fn named<'c, 'a>(candidates: &'c [Candidate<'a>]) -> Option<&'c Candidate<'a>> {
    let mut best: Option<(usize, f64, &Candidate<'_>)> = None;
    for candidate in candidates {
        let text = candidate.area.text.as_ref().map_or("", |text| &text.text);
        // A zone's name counts for less than any text, because a zone holds other things beside the stage.
        let by_zone = || rank(candidate.zone_name).map(|rank| rank + WORDS.len());
        let Some(rank) = rank(text).or_else(by_zone) else { continue };
        let surface = surface(candidate);
        if best.is_none_or(|(best_rank, best_surface, _)| {
            rank < best_rank || (rank == best_rank && surface > best_surface)
        }) {
            best = Some((rank, surface, candidate));
        }
    }
    best.map(|(_, _, candidate)| candidate)
}

/// The outline of a sector or the background is large too, but it has seats in it.
fn largest_without_seats<'c, 'a>(
    candidates: &'c [Candidate<'a>],
    seats: &[Point],
) -> Option<&'c Candidate<'a>> {
    let mut by_surface: Vec<(f64, &Candidate<'_>)> =
        candidates.iter().map(|candidate| (surface(candidate), candidate)).collect();
    by_surface.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    by_surface.into_iter().filter(|(surface, _)| *surface > 0.0).take(UNNAMED_TRIED_MAX).find_map(
        |(_, candidate)| {
            let (min, max) = bounds(candidate);
            let inside = |seat: &Point| seat.x > min.x && seat.x < max.x && seat.y > min.y && seat.y < max.y;
            (!seats.iter().any(inside)).then_some(candidate)
        },
    )
}

/// The rank of the best word in the text; lower is better.
fn rank(text: &str) -> Option<usize> {
    if text.is_empty() {
        return None;
    }
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    let matches = |word: &str, known: &str| {
        if known.chars().next().is_some_and(|c| c < '\u{1100}') {
            word == known
                || (known.chars().count() >= 5 && word.ends_with(known) && !word.starts_with("back"))
        } else {
            word.contains(known)
        }
    };
    (0..WORDS.len())
        .find(|rank| words.iter().any(|word| WORDS[*rank].iter().any(|known| matches(word, known))))
}

/// The point from the middle of the area towards the seats, as far as the area goes.
fn facing((min, max): (Point, Point), seats: Point) -> Point {
    let middle = Point { x: (min.x + max.x) / 2.0, y: (min.y + max.y) / 2.0 };
    let (half_width, half_height) = ((max.x - min.x) / 2.0, (max.y - min.y) / 2.0);
    let towards = seats - middle;
    if towards.x.abs() <= half_width && towards.y.abs() <= half_height {
        return middle;
    }
    // Along the side that the seats are further beyond, measured in the area's own proportions.
    if towards.y.abs() * half_width >= towards.x.abs() * half_height {
        Point { x: middle.x, y: middle.y + half_height.copysign(towards.y) }
    } else {
        Point { x: middle.x + half_width.copysign(towards.x), y: middle.y }
    }
}

fn middle(seats: &[Point]) -> Point {
    let sum = seats.iter().fold(Point::default(), |sum, seat| sum + *seat);
    let count = seats.len().max(1) as f64;
    Point { x: sum.x / count, y: sum.y / count }
}

/// The corners of an area relative to its position, before its rotation.
fn corners(area: &Area) -> Vec<Point> {
    let rectangle = |x: f64, y: f64, width: f64, height: f64| {
        vec![
            Point { x, y },
            Point { x: x + width, y },
            Point { x: x + width, y: y + height },
            Point { x, y: y + height },
        ]
    };
    match area.shape {
        AreaShape::Rectangle => {
            area.rectangle.map(|size| rectangle(0.0, 0.0, size.width, size.height)).unwrap_or_default()
        }
        AreaShape::Circle => area
            .circle
            .map(|circle| rectangle(-circle.radius, -circle.radius, 2.0 * circle.radius, 2.0 * circle.radius))
            .unwrap_or_default(),
        AreaShape::Ellipse => area
            .ellipse
            .map(|Ellipse { radius }| rectangle(-radius.x, -radius.y, 2.0 * radius.x, 2.0 * radius.y))
            .unwrap_or_default(),
        AreaShape::Polygon => area.polygon.as_ref().map(|polygon| polygon.points.clone()).unwrap_or_default(),
        AreaShape::Text => area.text.iter().map(|text| text.position).collect(),
    }
}

/// The smallest upright rectangle around an area, absolute.
pub fn bounds(candidate: &Candidate<'_>) -> (Point, Point) {
    let (sin, cos) = candidate.area.rotation.to_radians().sin_cos();
    let mut min = Point { x: f64::INFINITY, y: f64::INFINITY };
    let mut max = Point { x: f64::NEG_INFINITY, y: f64::NEG_INFINITY };
    for corner in corners(candidate.area) {
        let turned = Point { x: corner.x * cos - corner.y * sin, y: corner.x * sin + corner.y * cos };
        let at = candidate.position + turned;
        min = Point { x: min.x.min(at.x), y: min.y.min(at.y) };
        max = Point { x: max.x.max(at.x), y: max.y.max(at.y) };
    }
    if min.x > max.x {
        return (candidate.position, candidate.position);
    }
    (min, max)
}

fn surface(candidate: &Candidate<'_>) -> f64 {
    let (min, max) = bounds(candidate);
    (max.x - min.x) * (max.y - min.y)
}

#[cfg(test)]
mod tests {
    use super::{Candidate, focus};
    use crate::venue::plan::{Area, AreaShape, AreaText, Point, Size};

    fn rectangle(text: &str, width: f64, height: f64) -> Area {
        Area {
            shape: AreaShape::Rectangle,
            position: Point::default(),
            rotation: 0.0,
            color: String::new(),
            border_color: String::new(),
            uuid: None,
            text: Some(AreaText {
                text: text.to_owned(),
                position: Point::default(),
                color: String::new(),
                size: 16.0,
            }),
            rectangle: Some(Size { width, height }),
            circle: None,
            ellipse: None,
            polygon: None,
        }
    }

    fn point(x: f64, y: f64) -> Point {
        Point { x, y }
    }

    /// The point that seats in a block below look at, with areas of 100 × 20 that stand side by side at the top.
    fn seen(texts: &[&str]) -> Point {
        let areas: Vec<Area> = texts.iter().map(|text| rectangle(text, 100.0, 20.0)).collect();
        let candidates: Vec<Candidate<'_>> = areas
            .iter()
            .enumerate()
            .map(|(i, area)| Candidate { area, position: point(200.0 * i as f64, 0.0), zone_name: "" })
            .collect();
        let seats: Vec<Point> = (0..50).map(|i| point(10.0 * f64::from(i), 100.0)).collect();
        focus(&candidates, &seats, Size { width: 500.0, height: 300.0 })
    }

    #[test]
    fn the_stage_is_known_by_its_name_in_many_languages() {
        for name in ["STAGE", "Main stage", "Hauptbühne", "Сцена", "메인무대", "舞台", "Scène", "Spielfeld"]
        {
            assert_eq!(seen(&["Bar", name, "Foyer"]), point(250.0, 20.0), "{name}");
        }
        assert_eq!(
            seen(&["Pitch", "Stage"]),
            point(250.0, 20.0),
            "a stage on the pitch is what people watch"
        );
        assert_eq!(seen(&["Backstage", "Field"]), point(250.0, 20.0));
    }

    #[test]
    fn without_a_name_the_largest_empty_area_or_the_top_edge() {
        assert_eq!(seen(&["Bar", "Foyer"]), point(50.0, 20.0));
        assert_eq!(seen(&[]), point(250.0, 0.0));
        let background = rectangle("", 500.0, 300.0);
        let only = [Candidate { area: &background, position: point(0.0, 0.0), zone_name: "" }];
        let seats = [point(100.0, 200.0), point(130.0, 200.0)];
        assert_eq!(focus(&only, &seats, Size { width: 500.0, height: 300.0 }), point(250.0, 0.0));
        let stage = [Candidate { area: &background, position: point(0.0, 0.0), zone_name: "Stage" }];
        assert_eq!(focus(&stage, &seats, Size { width: 500.0, height: 300.0 }), point(250.0, 150.0));
    }

    #[test]
    fn the_front_edge_faces_the_seats_wherever_they_are() {
        let stage = rectangle("Stage", 100.0, 40.0);
        let at = |x, y| {
            let only = [Candidate { area: &stage, position: point(0.0, 0.0), zone_name: "" }];
            focus(&only, &[point(x, y)], Size { width: 500.0, height: 300.0 })
        };
        assert_eq!(at(50.0, 300.0), point(50.0, 40.0));
        assert_eq!(at(50.0, -300.0), point(50.0, 0.0));
        assert_eq!(at(400.0, 30.0), point(100.0, 20.0));
        assert_eq!(at(-400.0, 30.0), point(0.0, 20.0));
        assert_eq!(at(60.0, 25.0), point(50.0, 20.0), "seats all around");
    }

    #[test]
    fn a_turned_stage_turns_its_edge() {
        let mut stage = rectangle("Stage", 100.0, 20.0);
        stage.rotation = 90.0;
        let only = [Candidate { area: &stage, position: point(100.0, 0.0), zone_name: "" }];
        let seen = focus(&only, &[point(300.0, 50.0)], Size { width: 500.0, height: 300.0 });
        assert!(seen.distance(point(100.0, 50.0)) < 1e-6, "{seen:?}");
    }
}
