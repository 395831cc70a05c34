//! Samples of everything that is listed: read as they were written, kept as fixtures, and broken on purpose.

mod fixtures;
mod sample;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{PREPARED_BYTES, Put, Reader, Take, WIRE, WireError, decode, decode_as, encode, encode_as};
use super::{wire_enum, wire_struct};
use crate::domain::command::Command;
use crate::domain::event::Event;
use crate::domain::ids::SeatId;
use crate::domain::record::Reservation;
use crate::fanout::Reply;

pub(crate) use sample::{Sample, Seed, nth, turns};

/// Calls this for each sample of what servers send each other.
macro_rules! for_each_sample {
    ($each:expr) => {
        Command::all(Seed::NEW).iter().for_each($each);
        Reply::all(Seed::NEW).iter().for_each($each);
        Event::all(Seed::NEW).iter().for_each($each);
    };
}

fn read<T: Take + Put + PartialEq + Debug>(bytes: &[u8]) -> Result<T, WireError> {
    let read = decode::<T>(bytes);
    if let Ok(value) = &read {
        // So nothing is in the value that is not in the bytes, and it takes no more memory than they stand for.
        assert_eq!(encode(value), bytes, "{value:?} has two encodings");
    }
    read
}

#[test]
fn every_sample_is_read_as_it_was_written() {
    fn check<T: Put + Take + PartialEq + Debug>(sample: &T) {
        assert_eq!(read::<T>(&encode(sample)).as_ref(), Ok(sample));
    }
    for_each_sample!(check);
}

#[test]
fn samples_show_what_is_deep_within() {
    let names = Reply::all(Seed::NEW).iter().map(fixtures::name_of).collect::<BTreeSet<_>>();
    for name in ["Ok.Done", "Err.Internal", "Err.Rejected.SeatTaken", "Err.Rejected.NotOver.Fans"] {
        assert!(names.contains(name), "no {name} in {names:?}");
    }
    let events = Event::all(Seed::NEW).iter().map(|event| format!("{event:?}")).collect::<Vec<_>>();
    for inner in ["HoldTime", "Operator(OperatorId(", "Unnamed", "OpensAt", "Expired(Away)"] {
        assert!(events.iter().any(|event| event.contains(inner)), "no {inner}");
    }
}

#[test]
fn what_is_cut_off_ends_too_early_and_what_is_added_is_left_over() {
    fn check<T: Put + Take + PartialEq + Debug>(sample: &T) {
        let mut bytes = encode(sample);
        for end in 0..bytes.len() {
            assert_eq!(read::<T>(&bytes[..end]), Err(WireError::Ended), "{sample:?} at {end}");
        }
        bytes.push(0);
        assert_eq!(read::<T>(&bytes), Err(WireError::LeftOver(1)));
    }
    for_each_sample!(check);
}

/// Goal: whatever another server sends, this one lives. Method: every sample, broken in a few places, often.
#[test]
fn broken_bytes_are_refused_or_mean_something_else() {
    fn check<T: Put + Take + PartialEq + Debug>(sample: &T, rng: &mut StdRng) {
        let whole = encode(sample);
        for _ in 0..300 {
            let mut bytes = whole.clone();
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..bytes.len());
                match rng.random_range(0..5) {
                    0 => bytes[at] = rng.random(),
                    1 => bytes[at] ^= 1 << rng.random_range(0..8),
                    2 => bytes.insert(at, rng.random()),
                    3 => bytes.truncate(at.max(1)),
                    // A number that is larger than anything.
                    _ => drop(bytes.splice(at..=at, [0xFF; 9].into_iter().chain([1]))),
                }
            }
            // Whether it can be read does not matter here.
            let _ = read::<T>(&bytes);
        }
    }
    let mut rng = StdRng::seed_from_u64(17);
    for_each_sample!(|sample| check(sample, &mut rng));
}

#[test]
fn a_list_is_given_no_more_memory_than_its_input_is_worth() {
    let mut short = Reader::new(&[0; 10], WIRE);
    assert_eq!(short.prepared::<SeatId>(10), 10);
    assert!(short.prepared::<Reservation>(usize::MAX) * size_of::<Reservation>() <= PREPARED_BYTES);
    assert_eq!(short.count(), Ok(0));
    let input = vec![0; 1_000_000];
    let long = Reader::new(&input, WIRE);
    assert!(long.prepared::<Reservation>(usize::MAX) * size_of::<Reservation>() <= input.len());
    for count in [2, 127, u64::from(u32::MAX), u64::MAX] {
        let mut bytes = encode(&count);
        bytes.push(0);
        assert_eq!(read::<Vec<SeatId>>(&bytes), Err(WireError::Ended));
        assert_eq!(read::<Vec<Reservation>>(&bytes), Err(WireError::Ended));
        assert_eq!(read::<Box<str>>(&bytes), Err(WireError::Ended));
        assert_eq!(read::<bytes::Bytes>(&bytes), Err(WireError::Ended));
    }
}

#[test]
fn numbers_have_one_encoding_each() {
    for (number, bytes) in [
        (0_u64, &[0][..]),
        (127, &[0x7F]),
        (128, &[0x80, 1]),
        (300, &[0xAC, 2]),
        (u64::MAX, &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]),
    ] {
        assert_eq!(encode(&number), bytes);
        assert_eq!(read(bytes), Ok(number));
    }
    let malformed = Err(WireError::Malformed("number"));
    // 0 and 1 in two bytes; 2^64; eleven bytes.
    assert_eq!(read::<u64>(&[0x80, 0]), malformed);
    assert_eq!(read::<u64>(&[0x81, 0]), malformed);
    assert_eq!(read::<u64>(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2]), malformed);
    assert_eq!(read::<u64>(&[0xFF; 11]), malformed);
    for number in [0, -1, 1, 63, -64, i64::MIN, i64::MAX] {
        assert_eq!(read(&encode(&number)), Ok(number));
    }
    assert_eq!(encode(&-64_i64).len(), 1);
    assert_eq!(read::<u32>(&encode(&(1_u64 << 32))), Err(WireError::Malformed("u32")));
    assert_eq!(read::<u16>(&encode(&65_536_u32)), Err(WireError::Malformed("u16")));
}

#[test]
fn what_no_release_writes_is_malformed() {
    assert_eq!(read::<bool>(&[2]), Err(WireError::Malformed("yes or no")));
    assert_eq!(read::<Option<u8>>(&[2, 0]), Err(WireError::Malformed("yes or no")));
    assert_eq!(read::<Box<str>>(&[2, 0xC3, 0x28]), Err(WireError::Malformed("text")));
    let second = encode(&(0_u64, 1_000_000_000_u32));
    assert_eq!(read::<Duration>(&second), Err(WireError::Malformed("time")));
    let last = encode(&(u64::MAX, u32::MAX));
    assert_eq!(read::<Duration>(&last), Err(WireError::Malformed("time")));
    assert_eq!(read(&encode(&Duration::MAX)), Ok(Duration::MAX));
    assert_eq!(read(&encode(&String::new())), Ok(String::new()));
}

/// A type of two releases: the second added a field, and a variant.
#[derive(Clone, Debug, PartialEq)]
struct Note {
    text: Box<str>,
    urgent: bool,
    seat: SeatId,
}

#[derive(Clone, Debug, PartialEq)]
enum Said {
    Note(Note),
    Seats { first: u32, last: u32 },
    Nothing,
}

#[derive(Clone, Debug, PartialEq)]
enum SaidBefore {
    Nothing,
}

wire_struct! { Note { text, urgent since 2, seat } }
wire_enum! { Said { 0 => Nothing, 1 => Note(note), 2 => Seats { first, last since 2 } } }
wire_enum! { SaidBefore { 0 => Nothing } }

#[test]
fn a_release_speaks_the_wire_of_the_one_before() {
    let note = Note { text: "late".into(), urgent: true, seat: SeatId(7) };
    assert_eq!(decode_as(&encode_as(&note, 2), 2), Ok(note.clone()));
    let before = encode_as(&note, 1);
    assert_eq!(before, b"\x04late\x07");
    assert_eq!(decode_as(&before, 1), Ok(Note { urgent: false, ..note.clone() }));
    let seats = Said::Seats { first: 1, last: 2 };
    assert_eq!(decode_as(&encode_as(&seats, 1), 1), Ok(Said::Seats { first: 1, last: 0 }));
    assert_eq!(decode_as(&encode_as(&seats, 2), 2), Ok(seats));
    assert_eq!(decode(&encode(&Said::Nothing)), Ok(SaidBefore::Nothing));
    let newer = encode(&Said::Note(note));
    assert_eq!(decode::<SaidBefore>(&newer), Err(WireError::Unknown { what: "SaidBefore", tag: 1 }));
}
