//! The number of connections that the operating system lets a process have.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::limits;

/// Raises the limit on open files as far as anybody may, and gives back how many connections it leaves room for.
pub fn raise() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    // None is infinity.
    let files = limit.current.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    files.saturating_sub(limits::FILES_RESERVED).clamp(limits::CONNECTIONS_MIN, limits::CONNECTIONS_MAX)
}
