//! What operators ask for beside the sales themselves: a file a subject.

mod alarms;
mod box_office;
mod concert;
mod drafts;
mod house;
mod kept;
mod life;
mod lines;
mod live;
pub mod making;
pub mod orders;
pub mod pictures;
mod played;
mod ready;
mod rehearsal;
mod schedule;
mod seats;
mod told;
mod webhooks;

pub use kept::{POINTS_MAX, keep_figures};
pub use live::tell_operators;
pub use played::Rehearsals;
pub use rehearsal::play_rehearsals;
pub use told::Live;
