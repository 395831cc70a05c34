//! What operators ask for beside the sales themselves: a file a subject.

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
mod rehearsal;
mod schedule;
mod seats;
mod told;

pub use kept::{POINTS_MAX, keep_figures};
pub use live::tell_operators;
pub use played::Rehearsals;
pub use rehearsal::play_rehearsals;
pub use told::Live;
