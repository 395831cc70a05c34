//! Imports of small plans: what is refused, what is mended, and what comes out.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::import::PRICE_MAX;
use super::{Fault, ImportOptions, ImportedVenue, PriceError, examine, import, parse_price};
use crate::domain::ids::SeatId;
use crate::domain::seat_plan::MONEY_MAX;

/// Two rows of two seats before a stage: nothing wrong with it.
fn sound() -> Value {
    let seat = |guid: &str, number: &str, x: i32| {
        json!({"seat_guid": guid, "seat_number": number, "uuid": guid, "category": "VIP",
               "position": {"x": x, "y": 0}})
    };
    json!({
        "name": "Small hall",
        "size": {"width": 200, "height": 200},
        "categories": [{"name": "VIP", "color": "#c33"}],
        "zones": [{
            "name": "Ground floor", "zone_id": "g", "uuid": "z", "position": {"x": 10, "y": 20},
            "areas": [{"shape": "rectangle", "position": {"x": 0, "y": 0}, "uuid": "a", "color": "#eee",
                       "border_color": "#ccc", "rotation": 0, "rectangle": {"width": 100, "height": 30},
                       "text": {"text": "Stage", "position": {"x": 50, "y": 15}, "color": "#333"}}],
            "rows": [
                {"row_number": "A", "row_number_position": "both", "uuid": "r1", "position": {"x": 5, "y": 60},
                 "seats": [seat("a1", "1", 0), seat("a2", "2", 25)]},
                {"row_number": "B", "row_number_position": null, "uuid": "r2", "position": {"x": 5.5, "y": 90},
                 "seats": [seat("b1", "1", 0), seat("b2", "2", 25)]}
            ]
        }]
    })
}

/// A change of the plan: where, as a JSON pointer, and to what; `None` takes it away.
type Change = (&'static str, Option<Value>);

fn change(plan: &mut Value, (pointer, value): Change) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = plan.pointer_mut(parent).expect("the parent exists");
    match (parent, value) {
        (Value::Object(object), Some(value)) => {
            object.insert(key.to_owned(), value);
        }
        (Value::Object(object), None) => {
            object.remove(key).expect("the key exists");
        }
        (Value::Array(list), Some(value)) => {
            let index: usize = key.parse().expect("an index");
            if index == list.len() { list.push(value) } else { list[index] = value }
        }
        (parent, value) => panic!("cannot set {value:?} in {parent}"),
    }
}

fn changed(changes: impl IntoIterator<Item = Change>) -> Value {
    let mut plan = sound();
    changes.into_iter().for_each(|one| change(&mut plan, one));
    plan
}

fn import_with(plan: &Value, prices: &[(&str, i64)], fix: bool) -> Result<ImportedVenue, Vec<Fault>> {
    let prices: Vec<(String, i64)> =
        prices.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect();
    import(plan.to_string().as_bytes(), &prices, ImportOptions { fix_duplicates: fix })
}

fn faults(plan: &Value, prices: &[(&str, i64)]) -> Vec<String> {
    let faults = import_with(plan, prices, false).expect_err("refused");
    faults.iter().map(Fault::to_string).collect()
}

fn imported(plan: &Value) -> ImportedVenue {
    import_with(plan, &[("VIP", 100)], false).unwrap_or_else(|faults| panic!("{faults:?}"))
}

const SEAT: &str = "zones[0].rows[1].seats[0]";

#[test]
fn a_sound_plan_imports_as_it_is() {
    let ImportedVenue { layout, seats, time_zone, restricted, warnings } = imported(&sound());
    assert_eq!(restricted, []);
    assert_eq!(time_zone, None);
    assert_eq!((seats, warnings), (4, vec![]));
    let json = serde_json::to_value(&layout).expect("plain values");
    assert_eq!(
        json,
        json!({
            "name": "Small hall", "size": {"width": 200.0, "height": 200.0}, "stage": {"x": 60.0, "y": 50.0},
            "categories": [{"name": "VIP", "color": "#c33", "price": 100}],
            "zones": [{"name": "Ground floor"}],
            "rows": [{"zone": 0, "label": "A"}, {"zone": 0, "label": "B"}],
            "areas": [{"shape": "rectangle", "position": {"x": 10.0, "y": 20.0}, "rotation": 0.0,
                       "color": "#eee", "border_color": "#ccc", "rectangle": {"width": 100.0, "height": 30.0},
                       "text": {"text": "Stage", "position": {"x": 50.0, "y": 15.0}, "color": "#333", "size": 16.0}}],
            "seats": {"x": [15, 40, 15.5, 40.5], "y": [80, 80, 110, 110], "row": [0, 0, 1, 1],
                      "number": ["1", "2", "1", "2"], "category": [0, 0, 0, 0],
                      "label": ["A-1", "A-2", "B-1", "B-2"], "guid": ["a1", "a2", "b1", "b2"]}
        })
    );
    let back: super::VenueLayout = serde_json::from_value(json).expect("its own form");
    assert_eq!(back, layout, "what is stored comes back");
    assert!(layout.clone().without_guids().seats.guid.is_empty());
}

#[test]
fn the_plans_words_for_rows_and_seats_are_kept() {
    let plan = changed([
        ("/zones/0/row_label", Some(json!("%s열"))),
        ("/zones/0/seat_label", Some(json!("%s번"))),
        ("/zones/0/rows/1/row_label", Some(json!("Row %s"))),
        ("/zones/0/rows/1/seats/0/seat_label", Some(json!("throne"))),
    ]);
    let ImportedVenue { layout, warnings, .. } = imported(&plan);
    assert_eq!(layout.seats.label, ["A열 1번", "A열 2번", "Row B 1번", "Row B 2번"]);
    assert_eq!(
        serde_json::to_value(&layout.rows).expect("plain values"),
        json!([{"zone": 0, "label": "A", "row_label": "A열", "seat_label": "%s번"},
               {"zone": 0, "label": "B", "row_label": "Row B", "seat_label": "%s번"}])
    );
    assert_eq!(
        warnings,
        ["zones[0].rows[1].seats[0].seat_label: is read from a row or a zone alone, ignored"]
    );
}

#[test]
fn what_is_no_plan_is_refused() {
    for (bytes, problem) in [
        (&b""[..], "is empty"),
        (b"  \n", "is empty"),
        (b"{", "is not JSON: EOF while parsing an object at line 1 column 1"),
        (b"{\"zones\": NaN}", "is not JSON: expected value at line 1 column 11"),
        (b"{\"x\": 1e999}", "is not JSON: number out of range at line 1 column 11"),
        (b"\xff\xfe{\0", "is UTF-16; save it as UTF-8"),
        (b"{\"name\": \"\xfc\"}", "is not UTF-8, first at byte 10"),
        (b"[]", "must be an object, is a list"),
        (&b"[".repeat(1_000)[..], "is not JSON: recursion limit exceeded at line 1 column 128"),
    ] {
        let faults = import(bytes, &[], ImportOptions::default()).expect_err("refused");
        assert_eq!(faults, [Fault::new("(file)", problem)]);
    }
    let long = vec![b' '; super::FILE_BYTES_MAX + 1];
    let faults = import(&long, &[], ImportOptions::default()).expect_err("refused");
    assert_eq!(faults[0].to_string(), "(file): is 67108865 bytes long, at most 67108864 are read");
}

#[test]
fn a_byte_order_mark_is_no_fault() {
    let bytes = format!("\u{feff}{}", sound());
    let venue = import(bytes.as_bytes(), &[("VIP".to_owned(), 1)], ImportOptions::default());
    assert_eq!(venue.map(|venue| venue.warnings), Ok(vec![]));
}

#[test]
fn every_wrong_shape_is_named_by_its_path() {
    let seat = |field: &str| format!("{SEAT}.{field}");
    for (change, fault) in [
        (("/zones", None), "zones: is missing, must be a list".to_owned()),
        (("/zones", Some(json!({}))), "zones: must be a list, is an object".to_owned()),
        (("/zones", Some(json!([]))), "zones: has no seats".to_owned()),
        (("/zones/0/rows", Some(json!([]))), "zones[0].rows: has no seats".to_owned()),
        (("/categories", None), "categories: is missing, must be a list".to_owned()),
        (("/categories/0", Some(json!("VIP"))), "categories[0]: must be an object, is a text".to_owned()),
        (("/zones/0", Some(json!(7))), "zones[0]: must be an object, is a number".to_owned()),
        (("/zones/0/position", None), "zones[0].position: is missing".to_owned()),
        (("/zones/0/rows", None), "zones[0].rows: is missing, must be a list".to_owned()),
        (("/zones/0/rows/1/seats", None), "zones[0].rows[1].seats: is missing, must be a list".to_owned()),
        (
            ("/zones/0/rows/1/seats", Some(json!("many"))),
            "zones[0].rows[1].seats: must be a list, is a text".to_owned(),
        ),
        (("/zones/0/rows/1/seats/0", Some(json!(null))), format!("{SEAT}: must be an object, is null")),
        (("/zones/0/rows/1/seats/0/position", None), seat("position: is missing")),
        (("/zones/0/rows/1/seats/0/position/x", None), seat("position.x: is missing")),
        (
            ("/zones/0/rows/1/seats/0/position/y", Some(json!("NaN"))),
            seat("position.y: must be a number, is a text"),
        ),
        (
            ("/zones/0/rows/1/seats/0/position/y", Some(json!(-2_000_000_000_i64))),
            seat("position.y: must be between -1e9 and 1e9, is -2000000000"),
        ),
        (("/zones/0/rows/1/seats/0/seat_guid", None), seat("seat_guid: is missing")),
        (("/zones/0/rows/1/seats/0/seat_guid", Some(json!(""))), seat("seat_guid: is empty")),
        (("/zones/0/rows/1/seats/0/seat_guid", Some(json!("  "))), seat("seat_guid: is empty")),
        (
            ("/zones/0/rows/1/seats/0/seat_guid", Some(json!(null))),
            seat("seat_guid: must be a text, is null"),
        ),
        (
            ("/zones/0/rows/1/seats/0/seat_guid", Some(json!("x".repeat(191)))),
            seat("seat_guid: is longer than 190 characters"),
        ),
        (("/zones/0/rows/1/seats/0/category", None), seat("category: is missing")),
        (("/zones/0/rows/1/seats/0/category", Some(json!(""))), seat("category: is empty")),
        (
            ("/zones/0/rows/1/seats/0/category", Some(json!("vip"))),
            seat("category: \"vip\" is none of the plan's categories"),
        ),
        (
            ("/zones/0/rows/1/seats/0/seat_guid", Some(json!("a1"))),
            seat("seat_guid: repeats \"a1\" of zones[0].rows[0].seats[0].seat_guid"),
        ),
    ] {
        let pointer = change.0;
        assert_eq!(faults(&changed([change]), &[("VIP", 100)]), [fault], "{pointer}");
    }
}

#[test]
fn all_faults_are_found_in_one_reading() {
    let plan = changed([
        ("/zones/0/rows/0/seats/0/position", None),
        ("/zones/0/rows/0/seats/1/seat_guid", Some(json!(""))),
        ("/zones/0/rows/1/seats/0/category", Some(json!("Loge"))),
        ("/zones/0/rows/1/seats/1/seat_guid", Some(json!("b1"))),
        ("/zones/1", Some(json!("nothing"))),
        (
            "/zones/2",
            Some(json!({"name": "X", "position": {"x": 0}, "rows": [{"row_number": "1", "seats": 3}]})),
        ),
    ]);
    assert_eq!(
        faults(&plan, &[("Vip", 100), ("VIP", -1)]),
        [
            "zones[0].rows[0].seats[0].position: is missing",
            "zones[0].rows[0].seats[1].seat_guid: is empty",
            "zones[1]: must be an object, is a text",
            "zones[2].position.y: is missing",
            "zones[2].rows[0].seats: must be a list, is a number",
            "zones[0].rows[1].seats[1].seat_guid: repeats \"b1\" of zones[0].rows[1].seats[0].seat_guid",
            "zones[0].rows[1].seats[0].category: \"Loge\" is none of the plan's categories",
            "price \"Vip\": no such category in the plan; it has \"VIP\"",
            "price \"VIP\": must be between 0 and 450359962737049, is -1",
        ]
    );
}

#[test]
fn prices_must_fit_the_categories_that_have_seats() {
    let plan = changed([("/categories/1", Some(json!({"name": "Loge"})))]);
    let vip_without =
        "categories[0]: \"VIP\" has no price but 4 seats, the first at zones[0].rows[0].seats[0]";
    let loge_unused = "categories[1]: no seat is in \"Loge\"";
    let too_much = PRICE_MAX + 1;
    for (prices, expected) in [
        (&[][..], vec![vip_without.to_owned()]),
        (&[("Loge", 5)], vec![vip_without.to_owned()]),
        (
            &[("VIP", 5), ("VIP", 6), ("VIP", 7)],
            vec![
                "price \"VIP\": is given twice, 5 and 6".into(),
                "price \"VIP\": is given twice, 5 and 7".into(),
            ],
        ),
        (
            &[("VIP", too_much)],
            vec![format!("price \"VIP\": must be between 0 and {PRICE_MAX}, is {too_much}")],
        ),
        (
            &[("VIP", 5), ("Balcony", 6)],
            vec!["price \"Balcony\": no such category in the plan; it has \"VIP\", \"Loge\"".to_owned()],
        ),
    ] {
        assert_eq!(faults(&plan, prices), expected);
    }
    let venue = import_with(&plan, &[("VIP", 0)], false).expect("free seats are sold for nothing");
    assert_eq!(venue.warnings, [loge_unused]);
    let categories: Vec<_> = venue.layout.categories.iter().map(|c| (&*c.name, c.price)).collect();
    assert_eq!(categories, [("VIP", 0)], "what nobody can buy is not listed");
    let venue = import_with(&plan, &[("VIP", PRICE_MAX), ("Loge", 3)], false).expect("imported");
    assert_eq!(
        venue.warnings,
        ["price \"Loge\": no seat is in this category, the price is not needed", loge_unused]
    );
    assert_eq!(venue.layout.categories.len(), 1);
}

#[test]
fn what_can_be_sold_is_mended_with_a_warning() {
    let seat = |warning: &str| vec![format!("{SEAT}.{warning}")];
    let one = |warning: &str| vec![warning.to_owned()];
    let area = "/zones/0/areas/0";
    for (changes, warnings) in [
        (vec![("/name", None)], one("name: is missing")),
        (vec![("/size", None)], one("size: is missing, computed from what is drawn")),
        (
            vec![("/size/width", Some(json!(0)))],
            vec![
                "size: has no width and height above 0".to_owned(),
                "size: is missing, computed from what is drawn".to_owned(),
            ],
        ),
        (vec![("/version", Some(json!(3)))], one("(file): unknown key \"version\", ignored")),
        (
            vec![
                ("/zones/0/rows/0/seats/1/note", Some(json!("x"))),
                ("/zones/0/rows/1/seats/0/note", Some(json!("y"))),
            ],
            one("zones[0].rows[0].seats[1]: unknown key \"note\", ignored (2 times in all)"),
        ),
        (
            vec![
                ("/zones/0/uuid", None),
                ("/zones/0/rows/1/uuid", None),
                ("/zones/0/rows/0/seats/0/uuid", None),
            ],
            one("zones[0].uuid: is missing; nothing here needs it (3 times in all)"),
        ),
        (vec![("/zones/0/name", None)], one("zones[0].name: is missing")),
        (vec![("/zones/0/areas", None)], vec![]),
        (vec![("/zones/0/areas", Some(json!(1)))], one("zones[0].areas: is not a list, ignored")),
        (vec![("/zones/0/rows/1/row_number", None)], one("zones[0].rows[1].row_number: is missing")),
        (vec![("/zones/0/rows/1/row_number_position", Some(json!({"left": 1})))], vec![]),
        (
            vec![("/zones/0/rows/1/position", None)],
            one("zones[0].rows[1].position: is missing, taken as 0, 0"),
        ),
        (
            vec![(
                "/zones/0/rows/2",
                Some(json!({"row_number": "C", "uuid": "c", "position": {"x": 0, "y": 0}, "seats": []})),
            )],
            one("zones[0].rows[2].seats: has no seats, the row is left out"),
        ),
        (
            vec![("/zones/0/rows/1/seats/0/seat_number", Some(json!("")))],
            seat("seat_number: is missing, counted instead"),
        ),
        (
            vec![("/zones/0/rows/1/seats/0/seat_number", Some(json!(1)))],
            seat("seat_number: is a number, taken as a text"),
        ),
        (
            vec![("/zones/0/rows/1/seats/0/seat_number", Some(json!("9".repeat(61))))],
            seat("seat_number: is longer than 60 characters, cut"),
        ),
        (
            vec![("/zones/0/rows/1/seats/0/radius", Some(json!(-3)))],
            seat("radius: is not a length above 0, ignored"),
        ),
        (
            vec![("/zones/0/rows/1/seats/0/position/x", Some(json!(-16)))],
            seat("position: is outside the plan's size"),
        ),
        (
            vec![("/zones/0/rows/1/seats/0/position/x", Some(json!(1e9)))],
            seat("position: is outside the plan's size"),
        ),
        (
            vec![("/zones/0/rows/1/position/y", Some(json!(62)))],
            one("zones[0].rows[1].seats[0].position: is on top of another seat (2 times in all)"),
        ),
        (
            vec![("/zones/0/rows/1/row_number", Some(json!("A")))],
            one(
                "zones[0].rows[1].seats[0].seat_number: repeats a zone, row and number; 2 labels got a suffix",
            ),
        ),
        (
            vec![("/categories/0/color", Some(json!("rgb(1,2,3)")))],
            one("categories[0].color: is not a colour of the form #rgb, #rrggbb or a CSS name, replaced"),
        ),
        (
            vec![("/categories/0/color", Some(json!("transparent")))],
            one("categories[0].color: cannot be seen, replaced"),
        ),
        (
            vec![("/categories/1", Some(json!({"name": "VIP", "color": "red"})))],
            one("categories[1].name: repeats the category \"VIP\"; the first one counts"),
        ),
        (
            vec![("/zones/0/areas/0/color", Some(json!("#12")))],
            one("zones[0].areas[0].color: is not a colour of the form #rgb, #rrggbb or a CSS name, replaced"),
        ),
        (
            vec![("/zones/0/areas/0/rotation", Some(json!("45")))],
            one("zones[0].areas[0].rotation: is not a number, taken as 0"),
        ),
        (
            vec![("/zones/0/areas/0/shape", Some(json!("star")))],
            one("zones[0].areas[0].shape: is no known shape, the area is left out"),
        ),
        (
            vec![("/zones/0/areas/0/rectangle", None)],
            one("zones[0].areas[0]: lacks the sizes of its shape, left out of the drawing"),
        ),
        (
            vec![("/zones/0/areas/0/position", None)],
            one("zones[0].areas[0].position: is not a position, the area is left out"),
        ),
        (vec![(area, Some(json!([])))], one("zones[0].areas[0]: is not an object, left out of the drawing")),
    ] {
        let venue = imported(&changed(changes.clone()));
        assert_eq!(venue.warnings, warnings, "{changes:?}");
        assert_eq!(venue.seats, 4, "{changes:?}");
        let mut labels = venue.layout.seats.label.clone();
        labels.sort();
        labels.dedup();
        assert_eq!(labels.len(), 4, "labels stay unique: {changes:?}");
    }
}

#[test]
fn every_shape_of_area_is_drawn() {
    let area = |shape: &str, sizes: Value| {
        let mut area = json!({"shape": shape, "uuid": shape, "position": {"x": 1, "y": 2}});
        area[shape] = sizes;
        area
    };
    let plan = changed([(
        "/zones/0/areas",
        Some(json!([
            area("circle", json!({"radius": 9})),
            area("ellipse", json!({"radius": {"x": 9, "y": 4.5}})),
            area("polygon", json!({"points": [{"x": 0, "y": 0}, {"x": 9, "y": 0}, {"x": -1, "y": 9}]})),
            area("text", json!({"text": "Bar"})),
            area("text", json!({"text": "  "})),
        ])),
    )]);
    let venue = imported(&plan);
    assert_eq!(venue.warnings, Vec::<String>::new());
    let areas = serde_json::to_value(&venue.layout.areas).expect("plain values");
    assert_eq!(areas.as_array().map(Vec::len), Some(4), "a text without words is nothing");
    assert_eq!(areas[0]["circle"], json!({"radius": 9.0}));
    assert_eq!(areas[1]["ellipse"], json!({"radius": {"x": 9.0, "y": 4.5}}));
    assert_eq!(areas[2]["polygon"]["points"][2], json!({"x": -1.0, "y": 9.0}));
    assert_eq!(areas[3]["text"]["text"], "Bar");
    assert_eq!(areas[3]["position"], json!({"x": 11.0, "y": 22.0}), "absolute");
}

#[test]
fn repeated_guids_are_renamed_when_asked() {
    let plan = changed([
        ("/zones/0/rows/0/seats/1/seat_guid", Some(json!("a1"))),
        ("/zones/0/rows/1/seats/0/seat_guid", Some(json!("a1#2"))),
        ("/zones/0/rows/1/seats/1/seat_guid", Some(json!("a1"))),
    ]);
    assert_eq!(faults(&plan, &[("VIP", 1)]).len(), 2);
    let venue = import_with(&plan, &[("VIP", 1)], true).expect("renamed");
    assert_eq!(venue.layout.seats.guid, ["a1", "a1#3", "a1#2", "a1#4"], "no new name is taken already");
    assert_eq!(
        venue.warnings,
        ["zones[0].rows[0].seats[1].seat_guid: was repeated, renamed (2 times in all)"]
    );
    let empty = changed([("/zones/0/rows/0/seats/1/seat_guid", Some(json!("")))]);
    assert!(import_with(&empty, &[("VIP", 1)], true).is_err(), "an empty guid is no repeated one");
}

#[test]
fn what_a_plan_says_is_not_for_sale_is_kept_from_it() {
    let status = |status: [Value; 4]| {
        let at = ["rows/0/seats/0", "rows/0/seats/1", "rows/1/seats/0", "rows/1/seats/1"];
        let mut plan = sound();
        for (at, status) in at.iter().zip(status) {
            plan.pointer_mut(&format!("/zones/0/{at}")).unwrap()["status"] = status;
        }
        let venue = imported(&plan);
        (venue.restricted, venue.warnings)
    };
    let kept = |seats: &[u32]| seats.iter().copied().map(SeatId).collect::<Vec<_>>();
    assert_eq!(
        status([json!("available"), json!(""), json!(null), json!(" Free ")]),
        (Vec::new(), Vec::new()),
        "what is for sale needs no word"
    );
    assert_eq!(
        status([json!("blocked"), json!("available"), json!("BLOCKED"), json!("not_for_sale")]),
        (
            kept(&[0, 2, 3]),
            vec![
                "zones[0].rows[0].seats[0].status: is \"blocked\": the seat is kept from sale (2 times in all)"
                    .to_owned(),
                "zones[0].rows[1].seats[1].status: is \"not_for_sale\": the seat is kept from sale".to_owned(),
            ]
        )
    );
    let (seats, warnings) = status([json!("perhaps"), json!(7), json!("available"), json!(["x"])]);
    assert_eq!(
        seats,
        kept(&[0, 1, 3]),
        "a seat that is kept can be given to sale, a sold one not taken back"
    );
    assert_eq!(
        warnings[0],
        "zones[0].rows[0].seats[0].status: is \"perhaps\", which nobody knows: the seat is kept from sale"
    );
    assert_eq!(
        warnings[1],
        "zones[0].rows[0].seats[1].status: is a number, and no word: the seat is kept from sale"
    );
}

#[test]
fn faults_are_drawn_where_they_are() {
    let plan = changed([
        ("/zones/0/rows/0/seats/1/seat_guid", None),
        ("/zones/0/rows/1/seats/0/category", Some(json!("Loge"))),
        ("/zones/0/rows/1/position", Some(json!({"x": 3}))),
        ("/zones/1", Some(json!({"name": "Empty", "rows": []}))),
        ("/categories/1", Some(json!({"color": "#fff"}))),
    ]);
    let examined = examine(plan.to_string().as_bytes(), ImportOptions::default());
    let sketch = examined.sketch().expect("it has seats");
    let marks: Vec<_> =
        examined.faults().iter().map(|fault| fault.path.as_str()).zip(sketch.marks.clone()).collect();
    assert_eq!(
        marks,
        [
            ("categories[1].name", None),
            ("zones[0].rows[0].seats[1].seat_guid", Some((1, 1))),
            ("zones[0].rows[1].position.y", Some((2, 3))),
            ("zones[1].position", None),
            ("zones[0].rows[1].seats[0].category", Some((2, 2))),
        ]
    );
    assert_eq!(sketch.layout.seat_count(), 4);
    let names: Vec<_> = sketch.layout.categories.iter().map(|category| category.name.as_str()).collect();
    assert_eq!((names, sketch.layout.seats.category), (vec!["VIP", "?"], vec![0, 0, 1, 0]));
    assert!(examined.priced(&[("VIP".to_owned(), 1)]).is_err(), "it can be drawn, and not be sold");

    let sound = examine(sound().to_string().as_bytes(), ImportOptions::default());
    assert_eq!(sound.sketch().map(|sketch| sketch.marks), Some(Vec::new()));
    assert_eq!(sound.categories().iter().map(|category| category.seats).collect::<Vec<_>>(), [4]);
    assert!(examine(b"{", ImportOptions::default()).sketch().is_none(), "nothing to be drawn");
}

#[test]
fn bounds_are_one_fault_each() {
    let categories: Vec<Value> = (0..1_001).map(|i| json!({"name": i.to_string()})).collect();
    assert_eq!(
        faults(&changed([("/categories", Some(json!(categories)))]), &[("VIP", 1)]),
        ["categories[1000]: is one too many: a plan has at most 1000 categories"]
    );
    let zones = vec![json!(0); 10_002];
    let found = faults(&changed([("/zones", Some(json!(zones)))]), &[("VIP", 1)]);
    assert_eq!(found.len(), 10_001);
    assert_eq!(found[10_000], "zones[10000]: is one too many: a plan has at most 10000 zones");
    let seats = vec![json!(0); 200_002];
    let found = faults(&changed([("/zones/0/rows/1/seats", Some(json!(seats)))]), &[("VIP", 1)]);
    assert_eq!(found.len(), 199_999);
    assert_eq!(
        found[199_998],
        "zones[0].rows[1].seats[199998]: is one too many: a plan has at most 200000 seats"
    );
}

#[test]
fn ever_new_unknown_keys_do_not_flood_the_warnings() {
    let mut plan = sound();
    for i in 0..1_000 {
        plan[format!("key{i}")] = json!(1);
    }
    let warnings = imported(&plan).warnings;
    assert_eq!(warnings.len(), 201);
    assert_eq!(warnings[200], "(file): 800 more warnings of other kinds");
}

#[test]
fn a_computed_size_covers_all_that_is_drawn() {
    let layout = imported(&changed([("/size", None)])).layout;
    assert!(layout.size.width >= 110.0 && layout.size.height >= 110.0, "{:?}", layout.size);
}

#[test]
fn names_of_all_scripts_are_kept() {
    let plan = changed([
        ("/name", Some(json!(" 예술의전당\n"))),
        ("/categories/0/name", Some(json!("Партер = центр"))),
        ("/zones/0/name", Some(json!("1층"))),
        ("/zones/0/rows/0/seats/0/category", Some(json!("Партер = центр"))),
        ("/zones/0/rows/0/seats/1/category", Some(json!("Партер = центр"))),
        ("/zones/0/rows/1/seats/0/category", Some(json!("Партер = центр"))),
        ("/zones/0/rows/1/seats/1/category", Some(json!("Партер = центр"))),
        ("/zones/0/rows/1/row_number", Some(json!("13가"))),
    ]);
    let price = parse_price("Партер = центр=5000").expect("the last '=' counts");
    let venue = import(plan.to_string().as_bytes(), &[price], ImportOptions::default()).expect("imported");
    assert_eq!(venue.layout.name, "예술의전당");
    assert_eq!(venue.warnings, ["name: begins or ends with a tab or a line break, left out"]);
    assert_eq!(venue.layout.seats.label[2], "13가-1");
    assert_eq!(venue.layout.categories[0].price, 5_000);
}

/// Goal: nothing that a terminal or a page obeys gets into a name, and nothing is changed in a name silently.
/// Method: every name of a plan, each kind of character.
#[test]
fn control_characters_in_names_are_refused_where_they_are() {
    const NAMES: [(&str, &str); 9] = [
        ("/name", "name"),
        ("/categories/0/name", "categories[0].name"),
        ("/zones/0/name", "zones[0].name"),
        ("/zones/0/zone_id", "zones[0].zone_id"),
        ("/zones/0/row_label", "zones[0].row_label"),
        ("/zones/0/rows/1/row_number", "zones[0].rows[1].row_number"),
        ("/zones/0/rows/1/seat_label", "zones[0].rows[1].seat_label"),
        ("/zones/0/rows/1/seats/0/seat_number", "zones[0].rows[1].seats[0].seat_number"),
        ("/zones/0/rows/1/seats/0/seat_guid", "zones[0].rows[1].seats[0].seat_guid"),
    ];
    for (pointer, path) in NAMES {
        for bad in
            ["a\u{7}b", "a\nb", "a\tb", "\u{1b}[2Ja", "a\0", "a\u{202e}b", "a\u{2028}b", "a\u{9b}", "\u{7}"]
        {
            let found = faults(&changed([(pointer, Some(json!(bad)))]), &[]);
            assert_eq!(found[0], format!("{path}: contains a control character"), "{bad:?}");
        }
    }
    let stage = |words: &str| changed([("/zones/0/areas/0/text/text", Some(json!(words)))]);
    assert_eq!(
        faults(&stage("Sta\u{7}ge"), &[("VIP", 100)]),
        ["zones[0].areas[0].text.text: contains a control character"]
    );
    let drawn = serde_json::to_value(imported(&stage("Main\nstage\n")).layout).expect("plain values");
    assert_eq!(drawn["areas"][0]["text"]["text"], "Main stage");
}

#[test]
fn names_of_which_nothing_shows_are_none() {
    for blank in ["", " ", "\u{200b}", "\u{feff}\u{2060}", "\u{3164}", "\u{a0}\u{3000}", "\u{2800}"] {
        let found = faults(&changed([("/categories/0/name", Some(json!(blank)))]), &[]);
        assert_eq!(found[0], "categories[0].name: is empty", "{blank:?}");
        let venue = imported(&changed([("/zones/0/name", Some(json!(blank)))]));
        assert_eq!(venue.warnings, ["zones[0].name: is missing"], "{blank:?}");
    }
}

#[test]
fn prices_are_read_from_the_command_line() {
    let sold = |category: &str, amount| Ok((category.to_owned(), amount));
    assert_eq!(parse_price("VIP=110000"), sold("VIP", 110_000));
    assert_eq!(parse_price("a=b=7"), sold("a=b", 7));
    assert_eq!(parse_price("R= 0 "), sold("R", 0));
    assert_eq!(parse_price(&format!("R={MONEY_MAX}")), sold("R", MONEY_MAX));
    for (text, error) in [
        ("VIP", PriceError::NoEquals("VIP".into())),
        ("", PriceError::NoEquals("".into())),
        ("=5", PriceError::NoCategory("=5".into())),
        ("VIP=", PriceError::NoAmount("VIP=".into())),
        ("VIP=110,000", PriceError::NotWhole("110,000".into())),
        ("VIP=1.5", PriceError::NotWhole("1.5".into())),
        ("VIP=-", PriceError::NotWhole("-".into())),
        ("VIP=+5", PriceError::NotWhole("+5".into())),
        ("VIP=-5", PriceError::Negative("-5".into())),
        ("VIP=9007199254740992", PriceError::TooLarge("9007199254740992".into())),
        ("VIP=99999999999999999999", PriceError::TooLarge("99999999999999999999".into())),
    ] {
        assert_eq!(parse_price(text), Err(error), "{text}");
    }
}

#[test]
fn the_domain_learns_who_sits_beside_whom_and_how_near_the_stage() {
    let plan = changed([
        (
            "/zones/0/rows/1/seats/2",
            Some(json!({"seat_guid": "b3", "uuid": "", "seat_number": "7", "category": "VIP",
            "position": {"x": 75, "y": 0}})),
        ),
        (
            "/zones/0/rows/1/seats/3",
            Some(json!({"seat_guid": "b4", "uuid": "u", "seat_number": "8",
            "category": "VIP", "position": {"x": 100, "y": 0}})),
        ),
    ]);
    let plan = imported(&plan).layout.seat_plan();
    let seats: Vec<_> = plan
        .seats
        .iter()
        .map(|seat| {
            format!("{} row {} place {} at {:.1}", seat.label, seat.row, seat.place, seat.stage_distance)
        })
        .collect();
    assert_eq!(
        seats,
        [
            "A-1 row 0 place 0 at 54.1",
            "A-2 row 0 place 1 at 36.1",
            "B-1 row 1 place 0 at 74.7",
            "B-2 row 1 place 1 at 63.1",
            "B-7 row 1 place 3 at 67.3",
            "B-8 row 1 place 4 at 81.7",
        ],
        "an aisle between 2 and 7, and the stage's front edge in the middle"
    );
    assert_eq!(plan.price(0), 100);
    assert_eq!(&*plan.rows[1].label, "B");
}

/// Pointers to everything in a plan but the plan itself.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(key, child)| (key.clone(), child)).collect(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, child)| (index.to_string(), child)).collect()
        }
        _ => return,
    };
    for (key, child) in children {
        let pointer = format!("{at}/{key}");
        pointers(child, &pointer, found);
        found.push(pointer);
    }
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-300.0..300.0).prop_map(Value::from),
        prop_oneof!["", "1", "A", "a1", "VIP", "\\PC{0,80}"].prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"x": 1, "y": -2})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Goal: whatever an organiser's file holds, there are either faults with places or a layout that can be sold.
    #[test]
    fn a_damaged_plan_is_refused_or_sold(
        damages in prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..4),
        fix_duplicates in any::<bool>(),
    ) {
        let mut plan = sound();
        for (index, value) in damages {
            let mut found = Vec::new();
            pointers(&plan, "", &mut found);
            if let Some(part) = plan.pointer_mut(index.get::<String>(&found)) {
                *part = value;
            }
        }
        let prices = [("VIP".to_owned(), 100)];
        match import(plan.to_string().as_bytes(), &prices, ImportOptions { fix_duplicates }) {
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                prop_assert!(faults.iter().all(|fault| !fault.path.is_empty() && !fault.problem.is_empty()));
            }
            Ok(venue) => {
                let seats = venue.layout.seat_plan().seats;
                prop_assert!(venue.seats > 0 && venue.seats == seats.len());
                let mut labels: Vec<&str> = seats.iter().map(|seat| &*seat.label).collect();
                prop_assert!(labels.iter().all(|label| (1..=64).contains(&label.chars().count())));
                labels.sort_unstable();
                labels.dedup();
                prop_assert_eq!(labels.len(), venue.seats);
                prop_assert!(seats.iter().all(|seat| seat.stage_distance.is_finite()));
                let mut guids = venue.layout.seats.guid.clone();
                guids.sort_unstable();
                guids.dedup();
                prop_assert_eq!(guids.len(), venue.seats);
            }
        }
    }
}

#[test]
fn a_plan_may_name_its_venues_zone_and_a_wrong_one_is_refused() {
    let named = changed([("/time_zone", Some(json!("europe/berlin")))]);
    let venue = imported(&named);
    assert_eq!((venue.time_zone.as_deref(), venue.warnings.len()), (Some("Europe/Berlin"), 0));
    assert_eq!(imported(&changed([("/time_zone", Some(Value::Null))])).time_zone, None);
    for (wrong, fault) in [
        (json!("Berlin"), "time_zone: \"Berlin\" is no IANA time zone such as Asia/Seoul"),
        (json!(9), "time_zone: must be a text, is a number"),
    ] {
        assert_eq!(faults(&changed([("/time_zone", Some(wrong))]), &[("VIP", 100)]), [fault]);
    }
}
