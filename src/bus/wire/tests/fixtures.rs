//! The wire as it is written down: `testdata/wire-1.txt` has a line a sample, its name and its bytes.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fmt::Write;

use super::super::{Put, Take, WIRE, decode_as, encode_as};
use super::{Command, Event, Reply, Sample, Seed};

/// The wires that are spoken, each with what was written down of it.
const WRITTEN: [(u16, &str); 1] = [(1, include_str!("../../testdata/wire-1.txt"))];

/// A value's variants, from outside: `Err.Rejected.SeatTaken`.
pub(super) fn name_of(value: &impl Debug) -> String {
    let debug = format!("{value:?}");
    let mut name = String::new();
    for part in debug.split('(') {
        let word = part.split(|char: char| !char.is_alphanumeric()).next().unwrap_or_default();
        if !word.starts_with(char::is_uppercase) {
            break;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(word);
        if word != part {
            break;
        }
    }
    name
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let pair = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(pair).collect()
}

/// The samples of a type, named after their variants and numbered.
fn named<T: Sample + Debug>(of: &str) -> Vec<(String, T)> {
    let mut counts = BTreeMap::new();
    let all = T::all(Seed::NEW).into_iter();
    all.map(|sample| {
        let name = format!("{of}.{}", name_of(&sample));
        let count = counts.entry(name.clone()).or_insert(0);
        *count += 1;
        (format!("{name}.{count}"), sample)
    })
    .collect()
}

/// Notes what is missing or another than what was written down, and takes away what was found.
fn compare<T: Sample + Put + Take + PartialEq + Debug>(
    of: &str,
    written: &mut BTreeMap<&str, Vec<u8>>,
    paste: &mut String,
) {
    for (name, sample) in named::<T>(of) {
        let bytes = encode_as(&sample, WIRE);
        if written.remove(&*name).is_none_or(|written| written != bytes) {
            let _ = writeln!(paste, "{name} {}", hex(&bytes));
        } else {
            assert_eq!(decode_as(&bytes, WIRE), Ok(sample), "{name}");
        }
    }
}

fn lines(text: &str) -> BTreeMap<&str, Vec<u8>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, hex) = line.split_once(' ').unwrap_or_else(|| panic!("{line}: no name and bytes"));
            (name, bytes_of(hex).unwrap_or_else(|| panic!("{name}: not in hexadecimal digits")))
        })
        .collect()
}

#[test]
fn samples_are_written_as_they_were() {
    let (_, text) = WRITTEN[WRITTEN.len() - 1];
    let (mut written, mut paste) = (lines(text), String::new());
    compare::<Command>("Command", &mut written, &mut paste);
    compare::<Reply>("Reply", &mut written, &mut paste);
    compare::<Event>("Event", &mut written, &mut paste);
    assert!(
        paste.is_empty() && written.is_empty(),
        "servers would not understand those of the last release. If this wire is in no release yet, \
         src/bus/testdata/wire-{WIRE}.txt has these lines:\n{paste}\nand none of {:?}",
        written.keys(),
    );
}

/// Values of an older wire are not compared with samples, which have more by now: what they are is in their bytes.
#[test]
fn every_wire_that_is_spoken_is_read_and_written_as_it_was() {
    fn check<T: Put + Take>(name: &str, bytes: &[u8], wire: u16) {
        let value: T =
            decode_as(bytes, wire).unwrap_or_else(|error| panic!("{name} of wire {wire}: {error}"));
        assert_eq!(encode_as(&value, wire), bytes, "{name} of wire {wire}");
    }
    assert_eq!(WRITTEN[WRITTEN.len() - 1].0, WIRE);
    for (wire, text) in WRITTEN {
        for (name, bytes) in lines(text) {
            match name.split('.').next() {
                Some("Command") => check::<Command>(name, &bytes, wire),
                Some("Reply") => check::<Reply>(name, &bytes, wire),
                Some("Event") => check::<Event>(name, &bytes, wire),
                _ => panic!("{name}: nothing is called so"),
            }
        }
    }
}
