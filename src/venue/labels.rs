//! The label of a seat on a ticket: "A-4", or "West 1 A-4" when the row and number alone would not find it; in the
//! plan's own words where it has some: "1열 17번", "West 1 Row A Seat 4". Always: unique in the plan, at most
//! `LABEL_CHARS_MAX` characters, the same for the same plan.

use std::collections::{HashMap, HashSet};

/// The longest label, in characters.
pub const LABEL_CHARS_MAX: usize = 64;
/// The part of it that the row and number may take, so that some of the zone is always left.
const ROW_CHARS_MAX: usize = 20;
const NUMBER_CHARS_MAX: usize = 20;
/// Room for " (2)" behind the row and again behind the whole.
const SUFFIX_CHARS_MAX: usize = 9;

/// A row as labels see it.
pub struct LabelRow<'a> {
    /// The zone's name, possibly empty or shared with other zones.
    pub zone: &'a str,
    /// Possibly empty, possibly shared with other rows.
    pub row: &'a str,
    /// The row in the plan's words, if it has some.
    pub row_label: Option<&'a str>,
    /// The plan's words for the row's seats, with `%s` for the number.
    pub seat_label: Option<&'a str>,
    /// The seats' numbers; none empty.
    pub numbers: &'a [String],
}

/// The labels of all seats in order.
pub struct Labels {
    pub labels: Vec<String>,
    /// The number of labels that got a suffix to be distinct, and the first of them as (row, seat in the row).
    pub repeated: usize,
    pub first_repeated: Option<(usize, usize)>,
}

/// Labels the seats of `rows`.
///
/// Zones are named on every label or on none, so that labels of one plan look alike. A row that repeats the labels
/// of an earlier one becomes "A (2)" as a whole, rather than only in those of its seats that collide.
pub fn labels(rows: &[LabelRow<'_>]) -> Labels {
    let with_zone = zones_share_seats(rows);
    let mut labels = Vec::with_capacity(rows.iter().map(|row| row.numbers.len()).sum());
    let mut layers: HashMap<String, u32> = HashMap::new();
    let mut taken: HashSet<String> = HashSet::with_capacity(labels.capacity());
    let mut next_suffix: HashMap<String, u32> = HashMap::new();
    let (mut repeated, mut first_repeated) = (0, None);
    for (row_index, row) in rows.iter().enumerate() {
        let zone = if with_zone { row.zone } else { "" };
        let layer = row
            .numbers
            .iter()
            .map(|number| layers.get(&compose(zone, row, number, 1)).copied().unwrap_or(0) + 1)
            .max()
            .unwrap_or(1);
        for (seat_index, number) in row.numbers.iter().enumerate() {
            layers.insert(compose(zone, row, number, 1), layer);
            let label = compose(zone, row, number, layer);
            let mut unique = label.clone();
            // A number that stands twice in its row, names cut to the same start, or "A (2)" as a row's own name.
            while taken.contains(&unique) {
                let suffix = next_suffix.entry(label.clone()).or_insert(2);
                unique = format!("{label} ({suffix})");
                *suffix += 1;
            }
            if layer > 1 || unique.len() > label.len() {
                repeated += 1;
                first_repeated = first_repeated.or(Some((row_index, seat_index)));
            }
            taken.insert(unique.clone());
            labels.push(unique);
        }
    }
    Labels { labels, repeated, first_repeated }
}

/// Do two zones of different names have a seat of the same row and number?
fn zones_share_seats(rows: &[LabelRow<'_>]) -> bool {
    let mut zone_of: HashMap<String, &str> = HashMap::new();
    rows.iter().any(|row| {
        row.numbers
            .iter()
            .any(|number| *zone_of.entry(compose("", row, number, 1)).or_insert(row.zone) != row.zone)
    })
}

fn compose(zone: &str, row: &LabelRow<'_>, number: &str, layer: u32) -> String {
    let seat = match (row.row_label, row.seat_label) {
        (None, None) => bare(row.row, number, layer),
        (row_label, seat_label) => {
            let row = cut(row_label.unwrap_or(row.row), ROW_CHARS_MAX);
            let number = seat_label.map_or_else(|| number.to_owned(), |label| label.replace("%s", number));
            let number = cut(&number, NUMBER_CHARS_MAX);
            let row = if layer > 1 { format!("{row} ({layer})") } else { row };
            format!("{row} {number}").trim_start().to_owned()
        }
    };
    if zone.is_empty() {
        return seat;
    }
    let room = LABEL_CHARS_MAX - SUFFIX_CHARS_MAX - 1 - seat.chars().count();
    format!("{} {seat}", cut(zone, room))
}

/// Row and number, where the plan has no words for them.
fn bare(row: &str, number: &str, layer: u32) -> String {
    let row = cut(row, ROW_CHARS_MAX);
    let number = cut(number, NUMBER_CHARS_MAX);
    match (row.is_empty(), layer) {
        (true, 1) => number,
        (true, _) => format!("{number} ({layer})"),
        // "17-1" in row 17 says the row already; "A (2) 17-1" would have to be read twice.
        (false, 1) if begins_with_row(&number, &row) => number,
        (false, 1) => format!("{row}-{number}"),
        (false, _) if begins_with_row(&number, &row) => format!("{number} ({layer})"),
        (false, _) => format!("{row} ({layer})-{number}"),
    }
}

/// "17-1" and "A1" say their rows 17 and A; "12" does not say row 1.
fn begins_with_row(number: &str, row: &str) -> bool {
    let Some(rest) = number.strip_prefix(row) else { return false };
    let (Some(last), Some(next)) = (row.chars().last(), rest.chars().next()) else { return false };
    // Something must follow the separator, or the number is no more than the row.
    let goes_on = rest.chars().any(char::is_alphanumeric);
    goes_on && (!next.is_alphanumeric() || last.is_numeric() != next.is_numeric())
}

fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::{LABEL_CHARS_MAX, LabelRow, labels};

    /// Rows as "zone | row | number number …"; gives the labels, joined by commas.
    fn labelled(rows: &[&str]) -> String {
        let parsed: Vec<(String, String, Vec<String>)> = rows
            .iter()
            .map(|row| {
                let mut parts = row.split('|').map(str::trim);
                let mut next = || parts.next().unwrap_or_default().to_owned();
                let (zone, row) = (next(), next());
                (zone, row, next().split_whitespace().map(str::to_owned).collect())
            })
            .collect();
        let rows: Vec<LabelRow<'_>> = parsed
            .iter()
            .map(|(zone, row, numbers)| LabelRow { zone, row, row_label: None, seat_label: None, numbers })
            .collect();
        let labels = labels(&rows).labels;
        assert!(labels.iter().all(|label| label.chars().count() <= LABEL_CHARS_MAX), "{labels:?}");
        labels.join(",")
    }

    #[test]
    fn the_zone_is_named_only_when_it_tells_seats_apart() {
        assert_eq!(labelled(&["Stalls|A|1 2", "Stalls|B|1"]), "A-1,A-2,B-1");
        assert_eq!(labelled(&["Stalls|A|1 2", "Balcony|B|1"]), "A-1,A-2,B-1");
        assert_eq!(
            labelled(&["West 1|A|1 2", "West 2|A|1", "West 2|B|7"]),
            "West 1 A-1,West 1 A-2,West 2 A-1,West 2 B-7",
            "on all or on none"
        );
        assert_eq!(labelled(&["1층|가|1", "2층|가|1"]), "1층 가-1,2층 가-1");
        assert_eq!(labelled(&["Захід|13А|1", "Схід|13А|1"]), "Захід 13А-1,Схід 13А-1");
    }

    #[test]
    fn a_number_that_says_its_row_does_not_repeat_it() {
        assert_eq!(labelled(&["Z|17|17-1 17-2"]), "17-1,17-2");
        assert_eq!(labelled(&["Z|A|A1 A2"]), "A1,A2");
        assert_eq!(labelled(&["Z|1|1 12"]), "1-1,1-12", "12 is not seat 2 of row 1");
        assert_eq!(labelled(&["Z|A|A AB"]), "A-A,A-AB");
        assert_eq!(labelled(&["Z||5 6"]), "5,6", "no row, nothing to say");
    }

    #[test]
    fn repeated_rows_are_counted_as_a_whole() {
        assert_eq!(
            labelled(&["Z|A|1 2", "Z|A|1 2 3", "Z|A|1"]),
            "A-1,A-2,A (2)-1,A (2)-2,A (2)-3,A (3)-1",
            "seat 3 collides with nothing, but stands in the second row A"
        );
        assert_eq!(labelled(&["Z|A|1 2", "Z|A|3 4"]), "A-1,A-2,A-3,A-4", "two halves of one row");
        assert_eq!(labelled(&["Z|9|9-1", "Z|9|9-1"]), "9-1,9-1 (2)");
        assert_eq!(
            labelled(&["Gate|A|1", "Gate|A|1"]),
            "A-1,A (2)-1",
            "zones of one name distinguish nothing"
        );
    }

    #[test]
    fn the_plans_own_words_tell_row_and_seat_apart() {
        let numbers = ["1".to_owned(), "17".to_owned()];
        let row = |zone, row, row_label, seat_label| LabelRow {
            zone,
            row,
            row_label,
            seat_label,
            numbers: &numbers,
        };
        let shown = |rows: &[LabelRow<'_>]| labels(rows).labels.join(",");
        let one =
            [row("104구역", "1", Some("1열"), Some("%s번")), row("105구역", "1", Some("1열"), Some("%s번"))];
        assert_eq!(shown(&one), "104구역 1열 1번,104구역 1열 17번,105구역 1열 1번,105구역 1열 17번");
        let other = [row("Stalls", "A", Some("Row A"), None), row("Stalls", "B", None, Some("Seat %s"))];
        assert_eq!(shown(&other), "Row A 1,Row A 17,B Seat 1,B Seat 17");
        let twice =
            [row("Z", "A", Some("Row A"), Some("Seat %s")), row("Z", "A", Some("Row A"), Some("Seat %s"))];
        assert_eq!(shown(&twice), "Row A Seat 1,Row A Seat 17,Row A (2) Seat 1,Row A (2) Seat 17");
        let long = "x".repeat(60);
        let cut = labels(&[row(&long, &long, Some(&long), Some(&long))]);
        assert!(cut.labels.iter().all(|label| label.chars().count() <= LABEL_CHARS_MAX), "{:?}", cut.labels);
    }

    #[test]
    fn a_suffix_settles_the_rest() {
        assert_eq!(labelled(&["Z|A|1 1 1"]), "A-1,A-1 (2),A-1 (3)");
        assert_eq!(labelled(&["Z|A|1", "Z|A|1", "Z|A (2)|1"]), "A-1,A (2)-1,A (2)-1 (2)");
        assert_eq!(labelled(&["Z|1|1-2 2"]), "1-2,1-2 (2)");
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let long = "x".repeat(200);
        let rows = [format!("{long}1|{long}|{long}"), format!("{long}2|{long}|{long}")];
        let labels = labelled(&[&rows[0], &rows[1]]);
        let (first, second) = labels.split_once(',').expect("two labels");
        assert_ne!(first, second);
    }
}
