//! The database's files, as this process opened them. A file that is deleted or replaced while it is open is written to
//! all the same, and everything confirmed since then is gone when the process ends. So its name is looked up again
//! before anything is confirmed: two lookups a batch, a microsecond, and no descriptor of our own, whose closing would
//! take SQLite's locks with it.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::connection::OpenError;
use crate::store::StoreError;

pub struct OpenFiles {
    path: PathBuf,
    /// Beside it: what was committed lately is only there.
    log: PathBuf,
    known: [Identity; 2],
}

/// The identity of a file, whatever it is called.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let found = std::fs::metadata(path)?;
        Ok(Self { device: found.dev(), inode: found.ino() })
    }
}

impl OpenFiles {
    /// Notes the files of a database that is open, and stays so: its log is there as long as anybody has it open.
    pub fn of(path: PathBuf) -> Result<Self, StoreError> {
        let log = log_of(&path);
        let identity = |of: &Path| Identity::of(of).map_err(|error| OpenError::broken("find", of, error));
        let known = [identity(&path)?, identity(&log)?];
        Ok(Self { path, log, known })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Are they still there, and the same?
    pub fn check(&self) -> Result<(), StoreError> {
        for (path, known) in [&self.path, &self.log].into_iter().zip(self.known) {
            match Identity::of(path) {
                Ok(found) if found == known => {}
                Ok(_) => {
                    return Err(OpenError::broken("go on with", path, "it was replaced by another file"));
                }
                Err(error) => return Err(OpenError::broken("go on with", path, error)),
            }
        }
        Ok(())
    }
}

pub fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}
