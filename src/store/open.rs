//! The choice of a backend, and the folder that the embedded one needs.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::migrate::{self, SchemaError};
use super::mysql::MySqlStore;
use super::sqlite::SqliteStore;
use super::{Store, StoreError, WriterId, files};

/// The store at `url`, or the embedded one in the folder `data`. Its schema is brought up to date.
pub async fn open(url: Option<&str>, data: &Path) -> Result<Arc<dyn Store>, StoreError> {
    match url {
        None => Ok(Arc::new(SqliteStore::open(data).await?)),
        Some(url) if is_mysql(url) => Ok(Arc::new(MySqlStore::open(url).await?)),
        Some(url) => Err(unknown(url)),
    }
}

/// The names of the migrations that `open` would apply. Changes nothing but makes the embedded database's file if there
/// is none.
pub async fn pending_migrations(url: Option<&str>, data: &Path) -> Result<Vec<&'static str>, StoreError> {
    match url {
        None => SqliteStore::pending_migrations(data).await,
        Some(url) if is_mysql(url) => MySqlStore::pending_migrations(url).await,
        Some(url) => Err(unknown(url)),
    }
}

/// Takes the schema back to what a release knows whose last migration is `to`, and gives the names of those that were taken
/// back. Only when no server is at work, and no row is behind its journal.
pub async fn take_back(url: Option<&str>, data: &Path, to: u32) -> Result<Vec<&'static str>, StoreError> {
    match url {
        None => SqliteStore::take_back(data, to).await,
        Some(url) if is_mysql(url) => MySqlStore::take_back(url, to).await,
        Some(url) => Err(unknown(url)),
    }
}

/// Can the schema be taken back to this? It is asked before anything is done.
pub fn may_take_back(url: Option<&str>, to: u32) -> Result<(), SchemaError> {
    let (known, backs) = match url {
        None => (migrate::SQLITE, migrate::SQLITE_BACK),
        Some(_) => (migrate::MYSQL, migrate::MYSQL_BACK),
    };
    migrate::back(known, backs, to).map(drop)
}

fn unknown(url: &str) -> StoreError {
    // The scheme alone: what follows may be a password.
    let scheme = url.split_once("://").map_or("…", |(scheme, _)| scheme);
    StoreError::broken(format!(
        "`{scheme}` is no database that this program knows: mysql://USER@HOST:PORT/DATABASE"
    ))
}

fn is_mysql(url: &str) -> bool {
    url.starts_with("mysql://") || url.starts_with("mariadb://")
}

const WRITERS: &str = "writers";

/// Is this a folder that a server has used, and that has lost the embedded database? `key` is the name of a file that a
/// server makes there beside it.
pub fn has_lost_its_database(data: &Path, key: &str) -> bool {
    let has = |name: &str| data.join(name).exists();
    !has(super::sqlite::FILE_NAME) && (has(key) || has(WRITERS))
}

/// A data folder that no other server uses: the embedded database has one writer of sales.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// The lock ends with the file.
    _lock: File,
}

#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("could not use the data folder {}", path.display())]
    Unusable {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("another server uses the data folder {}", path.display())]
    InUse { path: PathBuf },
}

impl DataFolder {
    /// Makes the folder if it is not there.
    pub fn lock(path: &Path) -> Result<Self, FolderError> {
        let unusable = |cause| FolderError::Unusable { path: path.to_owned(), cause };
        files::make_folder(path).map_err(unusable)?;
        let file = path.join("server.lock");
        files::make_file(&file).map_err(unusable)?;
        let lock = OpenOptions::new().write(true).open(file).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(cause)) => Err(unusable(cause)),
        }
    }
}

impl DataFolder {
    /// The writers of the server that had the folder before. It is dead, for we have the lock.
    pub fn former_writers(&self) -> Vec<WriterId> {
        // A missing or half-written file costs no more than the wait for a lease.
        let text = std::fs::read_to_string(self.path.join(WRITERS)).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok().map(WriterId)).collect()
    }

    /// Notes who writes now, for the next server.
    pub fn note_writers(&self, writers: &[WriterId]) -> Result<(), FolderError> {
        let text: String = writers.iter().map(|writer| format!("{}\n", writer.0)).collect();
        let unusable = |cause| FolderError::Unusable { path: self.path.clone(), cause };
        let path = self.path.join(WRITERS);
        files::make_file(&path).and_then(|()| std::fs::write(path, text)).map_err(unusable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_that_nobody_knows_is_refused_without_its_password() {
        for url in ["postgres://fan:hush@db/f", "hush"] {
            let error = open(Some(url), Path::new("")).await.err().expect("this must not open");
            let message = std::error::Error::source(&error).expect("it has a cause").to_string();
            assert!(
                message.contains("no database that this program knows") && !message.contains("hush"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_folder_has_one_server_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made");
        let first = DataFolder::lock(&path).unwrap();
        assert!(matches!(DataFolder::lock(&path), Err(FolderError::InUse { .. })));
        drop(first);
        assert!(DataFolder::lock(&path).is_ok());
    }

    #[test]
    fn a_folder_tells_the_next_server_who_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataFolder::lock(folder.path()).unwrap();
        assert_eq!(first.former_writers(), []);
        let writers = [WriterId(crate::store::random_id()), WriterId(crate::store::random_id())];
        first.note_writers(&writers).unwrap();
        assert!(matches!(DataFolder::lock(folder.path()), Err(FolderError::InUse { .. })));
        drop(first);
        let second = DataFolder::lock(folder.path()).unwrap();
        assert_eq!(second.former_writers(), writers);
        std::fs::write(folder.path().join(WRITERS), "half a lin").unwrap();
        assert_eq!(second.former_writers(), []);
    }
}
