//! The rules of a sale as tables: what is asked, when, and what happens. A module a rule; `check` is the one place
//! that knows how a sale is called.

mod added_performances;
mod admission;
mod archived;
mod away;
mod box_office;
mod called_off;
mod cancel;
mod charge;
mod check;
mod classes_and_draw;
mod currency;
mod expiry_order;
mod full_house;
mod guests;
mod hold;
mod hold_again;
mod hold_best;
mod house;
mod idle_and_admission_time;
mod moved_seats;
mod opening_and_closing;
mod pay;
mod performances;
mod places_in_line;
mod postponed;
mod prices;
mod properties;
mod queue_join;
mod queue_leave;
mod refunds;
mod release;
mod repeated;
mod restricted;
mod seats_per_user;
mod settings;
mod stored;
mod texts;
mod time;

use check::{check, check_lately};
