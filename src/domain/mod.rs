//! The rules, pure. A sale is a state machine: state, time and a command in; events or a refusal out.
//! Not here, ever: IO, a clock, randomness, serde, SQL.

pub mod admission_rate;
pub mod command;
pub mod event;
pub mod ids;
pub mod rank;
pub mod record;
pub mod rules;
pub mod seat_plan;
pub mod time;
pub mod wallet;
