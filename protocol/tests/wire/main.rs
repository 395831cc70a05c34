//! The fixtures against the types, the documents against the fixtures, the README against them all. So nothing can be
//! added to the wire without its fixture and its line.

mod documents;
mod fixture;
mod operators;
mod readme;
mod round_trip;
