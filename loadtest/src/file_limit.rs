//! Open files: a load test needs one for every connection, and says so before it fails in the middle.

use anyhow::bail;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files besides connections: the runtime's, logs, the database of the baseline.
const OTHER_FILES: u64 = 100;

/// Makes room for `connections` in this process, as far as the system allows; an error says what to do.
pub fn make_room(connections: usize) -> anyhow::Result<()> {
    let needed = connections as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let most = limit.maximum.unwrap_or(u64::MAX);
    if most < needed {
        bail!(
            "{connections} connections need {needed} open files, and {most} are allowed: run `ulimit -n {needed}` \
             as root first, or put `* hard nofile {needed}` into /etc/security/limits.conf and log in again; the \
             server needs as many"
        );
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limit.maximum })?;
    Ok(())
}

/// The number of files that this process may open if it asks.
pub fn open_files_max() -> u64 {
    getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_is_refused_with_what_to_do() {
        assert!(make_room(1).is_ok());
        if open_files_max() < u64::MAX {
            let error = make_room(open_files_max() as usize).unwrap_err().to_string();
            assert!(error.contains("ulimit -n"), "{error}");
        }
    }
}
