//! Brings a database file to this program's schema, one migration a transaction, so that a crash in the middle of
//! one leaves nothing of it. Two processes that start at once take turns: each looks again once it has the lock.

use std::path::Path;

use sqlx::{Connection, Row, SqliteConnection};

use super::connection::{OpenError, fault};
use crate::store::StoreError;
use crate::store::migrate::{self, Applied, Back, Migration};

/// "frow": marks the file as ours, so that another program's database is not taken for an empty one.
const APPLICATION_ID: i32 = 0x6672_6F77;

/// Applies what is pending and gives the names of what it applied.
pub async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
    known: &'static [Migration],
) -> Result<Vec<&'static str>, StoreError> {
    let mut applied = Vec::new();
    while let Some(name) = migrate_once(connection, path, known).await? {
        applied.push(name);
    }
    Ok(applied)
}

/// The migrations that `migrate` would apply.
pub async fn pending(
    connection: &mut SqliteConnection,
    path: &Path,
    known: &'static [Migration],
) -> Result<&'static [Migration], StoreError> {
    let applied = applied(connection, path).await?;
    migrate::pending(known, &applied).map_err(|error| OpenError::broken("use the schema of", path, error))
}

/// Takes back what a release does not know that ends at migration `to`, and gives the names. Each is a transaction.
pub async fn take_back(
    connection: &mut SqliteConnection,
    path: &Path,
    known: &'static [Migration],
    backs: &'static [Back],
    to: u32,
) -> Result<Vec<&'static str>, StoreError> {
    let backs = migrate::back(known, backs, to)
        .map_err(|error| OpenError::broken("take back the schema of", path, error))?;
    let mut names = Vec::new();
    for back in backs {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
        sqlx::query("DELETE FROM schema_migration WHERE version = ?")
            .bind(back.version)
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        for statement in back.statements {
            sqlx::raw_sql(*statement).execute(&mut *transaction).await.map_err(fault)?;
        }
        transaction.commit().await.map_err(fault)?;
        names.extend(known.iter().filter(|of| of.version == back.version).map(|of| of.name));
    }
    Ok(names)
}

async fn migrate_once(
    connection: &mut SqliteConnection,
    path: &Path,
    known: &'static [Migration],
) -> Result<Option<&'static str>, StoreError> {
    // A start with nothing to do must not wait for a writer.
    if pending(connection, path, known).await?.is_empty() {
        return Ok(None);
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    let Some(next) = pending(&mut transaction, path, known).await?.first() else { return Ok(None) };
    let failed = |error: sqlx::Error| {
        let error = MigrationError { version: next.version, name: next.name, source: error };
        OpenError::broken("migrate", path, error)
    };
    if next.version == 1 {
        sqlx::raw_sql(
            "CREATE TABLE schema_migration (
                 version    INTEGER PRIMARY KEY,
                 name       TEXT    NOT NULL,
                 checksum   TEXT    NOT NULL,
                 applied_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
             ) STRICT",
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(mark)).execute(&mut *transaction).await.map_err(failed)?;
    }
    sqlx::raw_sql(next.sql).execute(&mut *transaction).await.map_err(failed)?;
    sqlx::query("INSERT INTO schema_migration (version, name, checksum) VALUES (?, ?, ?)")
        .bind(next.version)
        .bind(next.name)
        .bind(next.checksum())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(Some(next.name))
}

async fn applied(connection: &mut SqliteConnection, path: &Path) -> Result<Vec<Applied>, StoreError> {
    let opened = |error: sqlx::Error| OpenError::broken("read", path, error);
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(&mut *connection)
        .await
        .map_err(opened)?;
    if tables == 0 {
        return Ok(Vec::new());
    }
    // The mark is read after the tables, which come with it: another process may be making them at this moment.
    let mark: i32 =
        sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await.map_err(opened)?;
    if mark != APPLICATION_ID {
        return Err(OpenError::broken("use", path, "it is a database of another program"));
    }
    let rows = sqlx::query("SELECT version, name, checksum FROM schema_migration ORDER BY version")
        .fetch_all(connection)
        .await
        .map_err(opened)?;
    let row = |row: &sqlx::sqlite::SqliteRow| {
        Ok(Applied {
            version: row.try_get("version")?,
            name: row.try_get("name")?,
            checksum: row.try_get("checksum")?,
        })
    };
    rows.iter().map(row).collect::<Result<_, _>>().map_err(opened)
}

#[derive(Debug, thiserror::Error)]
#[error("migration {version} ({name}) failed")]
struct MigrationError {
    version: u32,
    name: &'static str,
    source: sqlx::Error,
}
