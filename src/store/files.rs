//! Files and folders of ours, for their owner alone: they hold keys, queue tokens and tickets.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The mode of our files: only the owner may read and write.
pub const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
const OTHERS: u32 = 0o077;

/// Makes a folder with those above it, for its owner alone. One that is there stays as its owner made it.
pub fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)
}

/// Makes an empty file for its owner alone, unless it is there.
pub fn make_file(path: &Path) -> io::Result<()> {
    // Append, because nothing that is there may be cut.
    OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path)?;
    close_to_others(path)
}

/// Takes away what a file of an earlier version allows to others. A file that is not there is none of theirs either.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    let mode = match std::fs::metadata(path) {
        Ok(file) => file.permissions().mode(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    match mode & OTHERS {
        0 => Ok(()),
        _ => std::fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_make_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (made, file) = (folder.path().join("a").join("b"), folder.path().join("a").join("b").join("f"));
        make_folder(&made).unwrap();
        make_file(&file).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&made), mode(made.parent().unwrap()), mode(&file)), (0o700, 0o700, 0o600));
        // One of an earlier version, with something in it.
        std::fs::write(&file, "kept").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        make_file(&file).unwrap();
        assert_eq!((mode(&file), std::fs::read_to_string(&file).unwrap()), (0o600, "kept".to_owned()));
        assert!(close_to_others(&folder.path().join("none")).is_ok());
    }
}
