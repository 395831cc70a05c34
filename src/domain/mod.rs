//! The rules, pure. A sale is a state machine: state, time and a command in; events or a refusal out.
//! Not here, ever: IO, a clock, serde, SQL, and randomness but for the `IdSource` that a decision is given.

pub mod actor;
mod admission_rate;
mod best_seats;
pub mod command;
pub mod concert;
mod entries;
pub mod event;
mod guest_holds;
pub mod ids;
pub mod lapses;
pub mod ledger_budget;
pub mod line;
pub mod mark;
pub mod membership;
pub mod placement;
mod rank;
mod recent;
pub mod record;
pub mod rejection;
mod reservations;
pub mod rules;
pub mod sale;
pub mod seat_map;
pub mod seat_plan;
pub mod time;
pub mod token_secret;
mod user_seats;
mod waiting_room;
pub mod wallet;
