//! What operators ask for beside the sales themselves: a file a subject.

mod schedule;
mod seats;
