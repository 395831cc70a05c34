//! The lists of fields and variants by which a type is written and read. A list that is not the type's own does not compile: it
//! is taken apart, and put together, by every field and every variant.
//!
//! ```ignore
//! wire_struct! { SeatId(number) }
//! wire_struct! { Texts { title, about, subtitle since 2 } }
//! wire_enum! { NotOver { 0 => Sale, 1 => Fans(count), 2 => Performance { schedule } } }
//! ```
//!
//! For tests each list makes samples of its type, too, so that none is without.

/// Writes and reads a struct by its fields; those of a tuple have any names.
macro_rules! wire_struct {
    ($name:ident
        $(($($item:ident),+))?
        $({ $($field:ident $(since $since:literal)?),+ $(,)? })?
    ) => {
        impl $crate::bus::wire::Put for $name {
            fn put(&self, to: &mut $crate::bus::wire::Writer) {
                let Self $(($($item),+))? $({ $($field),+ })? = self;
                $($($crate::bus::wire::put_field!(to, $item);)+)?
                $($($crate::bus::wire::put_field!(to, $field $(, $since)?);)+)?
            }
        }

        impl $crate::bus::wire::Take for $name {
            fn take(from: &mut $crate::bus::wire::Reader<'_>) -> Result<Self, $crate::bus::wire::WireError> {
                $($(let $item = $crate::bus::wire::take_field!(from);)+)?
                $($(let $field = $crate::bus::wire::take_field!(from $(, $since)?);)+)?
                Ok(Self $(($($item),+))? $({ $($field),+ })?)
            }
        }

        #[cfg(test)]
        impl $crate::bus::wire::tests::Sample for $name {
            fn all(seed: $crate::bus::wire::tests::Seed) -> Vec<Self> {
                use $crate::bus::wire::tests::{Sample, nth, turns};
                $($(let $item = Sample::all(seed.of(stringify!($item)));)+)?
                $($(let $field = Sample::all(seed.of(stringify!($field)));)+)?
                let turns = turns([$($($item.len()),+)? $($($field.len()),+)?]);
                let sample = |turn| Self
                    $(($(nth(&$item, turn)),+))?
                    $({ $($field: nth(&$field, turn)),+ })?;
                (0..turns).map(sample).collect()
            }
        }
    };
}

/// Writes and reads an enum by its variants, each with its tag.
macro_rules! wire_enum {
    ($name:ident { $(
        $tag:literal => $variant:ident
            $(($($item:ident),+))?
            $({ $($field:ident $(since $since:literal)?),+ $(,)? })?
    ),+ $(,)? }) => {
        impl $crate::bus::wire::Put for $name {
            fn put(&self, to: &mut $crate::bus::wire::Writer) {
                match self { $(
                    Self::$variant $(($($item),+))? $({ $($field),+ })? => {
                        to.number($tag);
                        $($($crate::bus::wire::put_field!(to, $item);)+)?
                        $($($crate::bus::wire::put_field!(to, $field $(, $since)?);)+)?
                    }
                )+ }
            }
        }

        impl $crate::bus::wire::Take for $name {
            fn take(from: &mut $crate::bus::wire::Reader<'_>) -> Result<Self, $crate::bus::wire::WireError> {
                match from.number()? {
                    $($tag => {
                        $($(let $item = $crate::bus::wire::take_field!(from);)+)?
                        $($(let $field = $crate::bus::wire::take_field!(from $(, $since)?);)+)?
                        Ok(Self::$variant $(($($item),+))? $({ $($field),+ })?)
                    })+
                    tag => Err($crate::bus::wire::WireError::Unknown { what: stringify!($name), tag }),
                }
            }
        }

        #[cfg(test)]
        impl $crate::bus::wire::tests::Sample for $name {
            #[allow(unused_imports, unused_variables, reason = "for variants that have nothing in them")]
            fn all(seed: $crate::bus::wire::tests::Seed) -> Vec<Self> {
                use $crate::bus::wire::tests::{Sample, nth, turns};
                let mut all = Vec::new();
                $({
                    let seed = seed.of(stringify!($variant));
                    $($(let $item = Sample::all(seed.of(stringify!($item)));)+)?
                    $($(let $field = Sample::all(seed.of(stringify!($field)));)+)?
                    let turns = turns([1 $($(, $item.len())+)? $($(, $field.len())+)?]);
                    let sample = |turn| Self::$variant
                        $(($(nth(&$item, turn)),+))?
                        $({ $($field: nth(&$field, turn)),+ })?;
                    all.extend((0..turns).map(sample));
                })+
                all
            }
        }
    };
}

/// Writes a field, if it is there on the wire of who reads it.
macro_rules! put_field {
    ($to:ident, $field:ident) => {
        $crate::bus::wire::Put::put($field, $to)
    };
    ($to:ident, $field:ident, $since:literal) => {
        if $to.speaks($since) {
            $crate::bus::wire::Put::put($field, $to);
        }
    };
}

/// Reads a field, if it is there on the wire of who wrote it.
macro_rules! take_field {
    ($from:ident) => {
        $crate::bus::wire::Take::take($from)?
    };
    ($from:ident, $since:literal) => {
        match $from.speaks($since) {
            true => $crate::bus::wire::Take::take($from)?,
            false => Default::default(),
        }
    };
}

pub(crate) use {put_field, take_field, wire_enum, wire_struct};
