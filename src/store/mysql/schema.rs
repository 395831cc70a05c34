//! Brings a database to this program's schema. A DDL statement commits by itself, so each file holds one that may be
//! repeated: a crash between it and its record leaves nothing that the next start cannot go on from. Starts on one
//! server take turns by a lock that ends with its connection.

use sqlx::Executor;
use sqlx::mysql::{MySqlConnection, MySqlRow};

use super::fault::fault;
use crate::store::StoreError;
use crate::store::columns::Cells;
use crate::store::migrate::{self, Applied, Migration};

/// How long a start waits for another one to finish migrating.
const TURN_PATIENCE_SECONDS: i64 = 60;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
        version    INT UNSIGNED NOT NULL,
        name       VARCHAR(200) NOT NULL,
        checksum   CHAR(64)     NOT NULL COMMENT 'SHA-256 of the file',
        applied_at DATETIME(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        PRIMARY KEY (version)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
      COMMENT = 'Which files of migrations/mysql this schema is made of'";

/// Applies what is pending and gives the names of what it applied.
pub async fn migrate(
    connection: &mut MySqlConnection,
    known: &'static [Migration],
) -> Result<Vec<&'static str>, StoreError> {
    // A start with nothing to do must not wait for anybody.
    if pending(connection, known).await?.is_empty() {
        return Ok(Vec::new());
    }
    take_turn(connection).await?;
    let done = migrate_in_turn(connection, known).await;
    // Also ends by itself with the connection.
    connection.execute("DO RELEASE_LOCK(concat('frontrow ', sha1(DATABASE())))").await.map_err(fault)?;
    done
}

/// The migrations that `migrate` would apply.
pub async fn pending(
    connection: &mut MySqlConnection,
    known: &'static [Migration],
) -> Result<&'static [Migration], StoreError> {
    let applied = applied(connection).await?;
    migrate::pending(known, &applied).map_err(|error| StoreError::Broken(error.into()))
}

async fn migrate_in_turn(
    connection: &mut MySqlConnection,
    known: &'static [Migration],
) -> Result<Vec<&'static str>, StoreError> {
    connection.execute(CREATE).await.map_err(fault)?;
    let mut names = Vec::new();
    for next in pending(connection, known).await? {
        let failed = |error: sqlx::Error| {
            let (version, name) = (next.version, next.name);
            match fault(error) {
                StoreError::Broken(cause) => {
                    StoreError::Broken(format!("migration {version} ({name}) failed: {cause}").into())
                }
                other => other,
            }
        };
        connection.execute(next.sql).await.map_err(failed)?;
        sqlx::query("INSERT INTO schema_migration (version, name, checksum) VALUES (?, ?, ?)")
            .bind(next.version)
            .bind(next.name)
            .bind(next.checksum())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        names.push(next.name);
    }
    Ok(names)
}

/// The lock's name has to fit 64 characters, which a database's name may have by itself. A negative timeout means "for ever" to MySQL and "not at all" to MariaDB, so this one is positive and its answer
/// is looked at.
async fn take_turn(connection: &mut MySqlConnection) -> Result<(), StoreError> {
    let got = sqlx::query("SELECT GET_LOCK(concat('frontrow ', sha1(DATABASE())), ?)")
        .bind(TURN_PATIENCE_SECONDS)
        .fetch_one(connection)
        .await
        .map_err(fault)?;
    match got.opt_int(0)? {
        Some(1) => Ok(()),
        _ => Err(StoreError::broken("another process has been migrating this database for a minute")),
    }
}

async fn applied(connection: &mut MySqlConnection) -> Result<Vec<Applied>, StoreError> {
    let tables = sqlx::query(
        "SELECT CAST(count(*) AS SIGNED), CAST(coalesce(sum(table_name = 'schema_migration'), 0) AS SIGNED) \
         FROM information_schema.tables WHERE table_schema = DATABASE()",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(fault)?;
    match (tables.int(0)?, tables.int(1)?) {
        (0, _) => return Ok(Vec::new()),
        (_, 0) => return Err(StoreError::broken("the database has tables of another program")),
        _ => {}
    }
    let rows = sqlx::query("SELECT version, name, checksum FROM schema_migration ORDER BY version")
        .fetch_all(connection)
        .await
        .map_err(fault)?;
    let row = |row: &MySqlRow| {
        Ok(Applied {
            version: row.number(0)?,
            name: row.text(1)?.to_owned(),
            checksum: row.text(2)?.to_owned(),
        })
    };
    rows.iter().map(row).collect()
}
