//! Samples of a type: together they show each of its variants, each optional value there and not, each list full and empty, and so for all
//! that is in it.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::domain::time::Timestamp;

pub(crate) trait Sample: Clone {
    fn all(seed: Seed) -> Vec<Self>;
}

/// What numbers and texts of a sample are made of: the way to their field, so that those of two fields differ, and those of
/// one stay when another is added.
#[derive(Clone, Copy)]
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) const NEW: Self = Self(0xcbf2_9ce4_8422_2325);

    /// FNV-1a.
    pub(crate) fn of(self, part: &str) -> Self {
        let mixed = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(part.bytes().chain([0]).fold(self.0, mixed))
    }

    /// A number that an id or an amount might be.
    fn small(self) -> u16 {
        (self.0 >> 20) as u16
    }
}

/// The number of samples that show everything that so many of each field show.
pub(crate) fn turns<const N: usize>(counts: [usize; N]) -> usize {
    counts.into_iter().max().unwrap_or(1)
}

/// The samples of a field with fewer of them begin anew.
pub(crate) fn nth<T: Clone>(all: &[T], turn: usize) -> T {
    all[turn % all.len()].clone()
}

macro_rules! numbers {
    ($($number:ty)+) => {$(
        impl Sample for $number {
            fn all(seed: Seed) -> Vec<Self> {
                vec![seed.small() as Self, Self::MAX - seed.small() as Self]
            }
        }
    )+};
}

numbers!(u8 u16 u32 u64 u128);

impl Sample for i64 {
    fn all(seed: Seed) -> Vec<Self> {
        vec![seed.small().into(), -1 - Self::from(seed.small())]
    }
}

impl Sample for bool {
    fn all(_: Seed) -> Vec<Self> {
        vec![true, false]
    }
}

impl Sample for Uuid {
    fn all(seed: Seed) -> Vec<Self> {
        vec![Self::from_u64_pair(seed.0, !seed.0)]
    }
}

impl Sample for Timestamp {
    fn all(seed: Seed) -> Vec<Self> {
        vec![Self::from_millis(1_790_000_000_000 + i64::from(seed.small()))]
    }
}

impl Sample for Duration {
    fn all(seed: Seed) -> Vec<Self> {
        vec![Self::from_millis(seed.small().into())]
    }
}

macro_rules! texts {
    ($($text:ty)+) => {$(
        impl Sample for $text {
            fn all(seed: Seed) -> Vec<Self> {
                vec![format!("좌석 {}", seed.small()).into()]
            }
        }
    )+};
}

texts!(Box<str> String Cow<'static, str> Bytes);

impl<T: Sample> Sample for Box<T> {
    fn all(seed: Seed) -> Vec<Self> {
        T::all(seed).into_iter().map(Self::new).collect()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn all(seed: Seed) -> Vec<Self> {
        T::all(seed).into_iter().map(Some).chain([None]).collect()
    }
}

impl<T: Sample, E: Sample> Sample for Result<T, E> {
    fn all(seed: Seed) -> Vec<Self> {
        T::all(seed).into_iter().map(Ok).chain(E::all(seed).into_iter().map(Err)).collect()
    }
}

impl<A: Sample, B: Sample> Sample for (A, B) {
    fn all(seed: Seed) -> Vec<Self> {
        let (a, b) = (A::all(seed.of("0")), B::all(seed.of("1")));
        (0..turns([a.len(), b.len()])).map(|turn| (nth(&a, turn), nth(&b, turn))).collect()
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn all(seed: Seed) -> Vec<Self> {
        vec![T::all(seed), Self::new()]
    }
}
