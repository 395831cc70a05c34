//! Numbers, texts, times, and what holds others.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::{Put, Reader, Take, WireError, Writer};
use crate::domain::time::Timestamp;

impl Put for u8 {
    fn put(&self, to: &mut Writer) {
        to.raw(&[*self]);
    }
}

impl Take for u8 {
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        from.byte()
    }
}

macro_rules! numbers {
    ($($number:ty)+) => {$(
        impl Put for $number {
            #[inline]
            fn put(&self, to: &mut Writer) {
                to.number(u64::from(*self));
            }
        }

        impl Take for $number {
            #[inline]
            fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
                from.number()?.try_into().map_err(|_| WireError::Malformed(stringify!($number)))
            }
        }
    )+};
}

numbers!(u16 u32);

impl Put for u64 {
    #[inline]
    fn put(&self, to: &mut Writer) {
        to.number(*self);
    }
}

impl Take for u64 {
    #[inline]
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        from.number()
    }
}

impl Put for i64 {
    #[inline]
    fn put(&self, to: &mut Writer) {
        to.number(((self << 1) ^ (self >> 63)) as u64);
    }
}

impl Take for i64 {
    #[inline]
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let zigzag = from.number()?;
        Ok((zigzag >> 1) as Self ^ -((zigzag & 1) as Self))
    }
}

/// Not counted but named by: all of its bits are used.
impl Put for u128 {
    fn put(&self, to: &mut Writer) {
        to.raw(&self.to_be_bytes());
    }
}

impl Take for u128 {
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        from.array().map(Self::from_be_bytes)
    }
}

impl Put for Uuid {
    fn put(&self, to: &mut Writer) {
        to.raw(self.as_bytes());
    }
}

impl Take for Uuid {
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        from.array().map(Self::from_bytes)
    }
}

impl Put for bool {
    fn put(&self, to: &mut Writer) {
        to.number(u64::from(*self));
    }
}

impl Take for bool {
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError::Malformed("yes or no")),
        }
    }
}

impl Put for Timestamp {
    #[inline]
    fn put(&self, to: &mut Writer) {
        self.as_millis().put(to);
    }
}

impl Take for Timestamp {
    #[inline]
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        i64::take(from).map(Self::from_millis)
    }
}

impl Put for Duration {
    fn put(&self, to: &mut Writer) {
        self.as_secs().put(to);
        self.subsec_nanos().put(to);
    }
}

impl Take for Duration {
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let (seconds, nanos) = (u64::take(from)?, u32::take(from)?);
        match nanos {
            // More would be whole seconds, which are carried over, and there may be no room.
            0..1_000_000_000 => Ok(Self::new(seconds, nanos)),
            _ => Err(WireError::Malformed("time")),
        }
    }
}

fn put_text(text: &str, to: &mut Writer) {
    to.number(text.len() as u64);
    to.raw(text.as_bytes());
}

fn take_text<'b>(from: &mut Reader<'b>) -> Result<&'b str, WireError> {
    let count = from.count()?;
    std::str::from_utf8(from.raw(count)?).map_err(|_| WireError::Malformed("text"))
}

macro_rules! texts {
    ($($text:ty)+) => {$(
        impl Put for $text {
            fn put(&self, to: &mut Writer) {
                put_text(self, to);
            }
        }

        impl Take for $text {
            fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
                take_text(from).map(Self::from)
            }
        }
    )+};
}

texts!(Box<str> String);

/// A text of ours here, and of whoever wrote it there.
impl Put for Cow<'static, str> {
    fn put(&self, to: &mut Writer) {
        put_text(self, to);
    }
}

impl Take for Cow<'static, str> {
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        String::take(from).map(Self::Owned)
    }
}

/// What is encoded already, or what only somebody else reads.
impl Put for Bytes {
    fn put(&self, to: &mut Writer) {
        to.number(self.len() as u64);
        to.raw(self);
    }
}

impl Take for Bytes {
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = from.count()?;
        from.raw(count).map(Self::copy_from_slice)
    }
}

impl<T: Put> Put for Box<T> {
    fn put(&self, to: &mut Writer) {
        (**self).put(to);
    }
}

impl<T: Take> Take for Box<T> {
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        T::take(from).map(Self::new)
    }
}

impl<T: Put> Put for Option<T> {
    #[inline]
    fn put(&self, to: &mut Writer) {
        self.is_some().put(to);
        if let Some(value) = self {
            value.put(to);
        }
    }
}

impl<T: Take> Take for Option<T> {
    #[inline]
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        match bool::take(from)? {
            true => T::take(from).map(Some),
            false => Ok(None),
        }
    }
}

impl<T: Put, E: Put> Put for Result<T, E> {
    fn put(&self, to: &mut Writer) {
        self.is_ok().put(to);
        match self {
            Ok(value) => value.put(to),
            Err(error) => error.put(to),
        }
    }
}

impl<T: Take, E: Take> Take for Result<T, E> {
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        match bool::take(from)? {
            true => T::take(from).map(Ok),
            false => E::take(from).map(Err),
        }
    }
}

impl<A: Put, B: Put> Put for (A, B) {
    #[inline]
    fn put(&self, to: &mut Writer) {
        self.0.put(to);
        self.1.put(to);
    }
}

impl<A: Take, B: Take> Take for (A, B) {
    #[inline]
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok((A::take(from)?, B::take(from)?))
    }
}

impl<T: Put> Put for Vec<T> {
    fn put(&self, to: &mut Writer) {
        to.number(self.len() as u64);
        self.iter().for_each(|item| item.put(to));
    }
}

impl<T: Take> Take for Vec<T> {
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = from.count()?;
        let mut items = Self::with_capacity(from.prepared::<T>(count));
        for _ in 0..count {
            items.push(T::take(from)?);
        }
        Ok(items)
    }
}
