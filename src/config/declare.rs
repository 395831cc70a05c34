//! The declaration of sections of settings: each setting once, with its explanation, type, default, and what it may be.
//! Names are those of `sections.rs`, where the declarations stand.

/// One setting by its name, explanation, place in the `Config` and kind.
macro_rules! setting {
    ($key:expr, [$($about:literal)+], |$config:ident| $place:expr, $kind:expr) => {
        Setting {
            key: $key,
            about: &[$($about),+],
            set: |$config, text| Kind::set(&$kind, &mut $place, text),
            show: |$config| Kind::show(&$kind, &$place),
        }
    };
}

/// A struct whose fields are settings, with its defaults. Fields in `besides` are sections of their own.
macro_rules! section {
    (
        $(#[$meta:meta])*
        pub struct $name:ident, $prefix:literal, |$config:ident| $place:expr;
        $($(#[doc = $about:literal])+ $field:ident: $type:ty = $default:expr, $kind:expr;)+
        $(besides { $($(#[$other_meta:meta])* $other:ident: $other_type:ty;)+ })?
    ) => {
        $(#[$meta])*
        pub struct $name {
            $($(#[doc = $about])+ pub $field: $type,)+
            $($($(#[$other_meta])* pub $other: $other_type,)+)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $default,)+
                    $($($other: Default::default(),)+)?
                }
            }
        }

        impl $name {
            pub(super) const SETTINGS: &[Setting] = &[
                $(setting!(
                    concat!($prefix, stringify!($field)),
                    [$($about)+],
                    |$config| $place.$field,
                    $kind
                ),)+
            ];
        }
    };
}

/// Settings whose values and defaults have a home elsewhere, by their names.
macro_rules! settings {
    (
        pub(super) const $name:ident, |$config:ident|;
        $($(#[doc = $about:literal])+ $key:literal => $place:expr, $kind:expr;)+
    ) => {
        pub(super) const $name: &[Setting] = &[
            $(setting!($key, [$($about)+], |$config| $place, $kind),)+
        ];
    };
}

pub(super) use {section, setting, settings};
