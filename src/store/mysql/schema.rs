//! Brings a database to this program's schema. A DDL statement commits by itself, so each file holds one that may be
//! repeated: a crash between it and its record leaves nothing that the next start cannot go on from.
//!
//! Always: any number of servers may be at it at once, also through several nodes of a cluster, none of which knows the
//! other's locks. So no lock is relied on: each takes one step after the other as it finds them, and who comes second to
//! one finds that it was made already, or loses and looks again. Where there is a lock, it saves most from trying.

use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::Executor;
use sqlx::mysql::{MySqlConnection, MySqlRow};

use super::fault::{MADE_ALREADY, NO_SUCH_TABLE, fault, number};
use crate::store::StoreError;
use crate::store::columns::Cells;
use crate::store::migrate::{self, Applied, Back, Migration};

/// The time that a start waits for another one to take its next step before it does the same beside it. No longer: a server
/// that was lost together with its machine keeps the lock until the database notices, which may take hours.
const TURN_PATIENCE_SECONDS: i64 = 2;
/// The number of times that a step may be lost to somebody else, who then is one step further.
const LOST_MAX: u32 = 100;
/// Longer each time, so that many do not meet again.
const PAUSE: Duration = Duration::from_millis(10);

const CREATE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
        version    INT UNSIGNED NOT NULL,
        name       VARCHAR(200) NOT NULL,
        checksum   CHAR(64)     NOT NULL COMMENT 'SHA-256 of the file',
        applied_at DATETIME(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        PRIMARY KEY (version)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
      COMMENT = 'Which files of migrations/mysql this schema is made of'";

/// The one who was first has written the same.
const NOTE: &str = "INSERT INTO schema_migration (version, name, checksum) VALUES (?, ?, ?) \
     ON DUPLICATE KEY UPDATE version = version";

/// Applies what is pending and gives the names of what it applied.
pub async fn migrate(
    connection: &mut MySqlConnection,
    known: &'static [Migration],
) -> Result<Vec<&'static str>, StoreError> {
    // A start with nothing to do must not wait for anybody.
    match pending(connection, known).await {
        Ok(&[]) => return Ok(Vec::new()),
        Ok(_) | Err(StoreError::RolledBack(_)) => {}
        Err(error) => return Err(error),
    }
    let lock = take_turn(connection, known).await?;
    let names = take_steps(connection, known).await?;
    // The lock also ends by itself with the connection.
    if let Some(lock) = lock {
        sqlx::query("SELECT RELEASE_LOCK(?)").bind(lock).fetch_all(connection).await.map_err(fault)?;
    }
    Ok(names)
}

/// Takes the steps without a lock.
pub async fn take_steps(
    connection: &mut MySqlConnection,
    known: &'static [Migration],
) -> Result<Vec<&'static str>, StoreError> {
    let (mut names, mut lost) = (Vec::new(), 0);
    loop {
        match step(connection, known).await {
            Ok(Some(name)) => {
                names.push(name);
                lost = 0;
            }
            Ok(None) => return Ok(names),
            // Somebody else was at the same at the same moment, and won.
            Err(StoreError::RolledBack(cause)) if lost < LOST_MAX => {
                lost += 1;
                tracing::info!(error = &*cause as &dyn std::error::Error, "another server migrates, too");
                tokio::time::sleep(PAUSE * lost).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Waits for the others as long as they get on, and gives the name of the lock that was got; `None` if they have done
/// everything, if whoever has the lock does nothing, and where there is no such lock.
async fn take_turn(
    connection: &mut MySqlConnection,
    known: &'static [Migration],
) -> Result<Option<String>, StoreError> {
    let lock = lock_name(connection).await?;
    let mut left = known.len() + 1;
    loop {
        let still_left = match pending(connection, known).await {
            Ok(pending) => pending.len(),
            // They are at the very first step.
            Err(StoreError::RolledBack(_)) => known.len(),
            Err(error) => return Err(error),
        };
        if still_left == 0 || still_left >= left {
            return Ok(None);
        }
        left = still_left;
        let got = sqlx::query("SELECT GET_LOCK(?, ?) AS got").bind(&lock).bind(TURN_PATIENCE_SECONDS);
        match got.fetch_one(&mut *connection).await.map_err(fault) {
            Ok(got) if got.opt_int("got")? == Some(1) => return Ok(Some(lock)),
            Ok(_) => {}
            Err(StoreError::Broken(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// Takes back what a release does not know that ends at migration `to`, and gives the names. Whatever it breaks off at, this
/// program's next start puts right, and the same again goes on: a migration is forgotten before it is undone.
pub async fn take_back(
    connection: &mut MySqlConnection,
    known: &'static [Migration],
    backs: &'static [Back],
    to: u32,
) -> Result<Vec<&'static str>, StoreError> {
    let backs = migrate::back(known, backs, to).map_err(|error| StoreError::Broken(error.into()))?;
    let mut names = Vec::new();
    for back in backs {
        let forgotten = sqlx::query("DELETE FROM schema_migration WHERE version = ?").bind(back.version);
        forgotten.execute(&mut *connection).await.map_err(fault)?;
        for statement in back.statements {
            change(connection, statement).await?;
        }
        names.extend(known.iter().filter(|of| of.version == back.version).map(|of| of.name));
    }
    Ok(names)
}

/// It has to fit 64 characters, which a database's name may have by itself.
pub async fn lock_name(connection: &mut MySqlConnection) -> Result<String, StoreError> {
    let database = sqlx::query("SELECT DATABASE() AS named").fetch_one(connection).await.map_err(fault)?;
    let digest: String =
        Sha256::digest(database.text("named")?).iter().take(20).map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("frontrow {digest}"))
}

/// The migrations that `migrate` would apply.
pub async fn pending(
    connection: &mut MySqlConnection,
    known: &'static [Migration],
) -> Result<&'static [Migration], StoreError> {
    left(known, &applied(connection).await?)
}

fn left(known: &'static [Migration], applied: &[Applied]) -> Result<&'static [Migration], StoreError> {
    migrate::pending(known, applied).map_err(|error| StoreError::Broken(error.into()))
}

/// Applies the first one that is pending and gives its name; `None` if there was none. What is done already is found so.
async fn step(
    connection: &mut MySqlConnection,
    known: &'static [Migration],
) -> Result<Option<&'static str>, StoreError> {
    let applied = applied(connection).await?;
    let Some(next) = left(known, &applied)?.first() else { return Ok(None) };
    let failed = |error: StoreError| match error {
        StoreError::Broken(cause) => {
            let (version, name) = (next.version, next.name);
            StoreError::Broken(format!("migration {version} ({name}) failed: {cause}").into())
        }
        other => other,
    };
    if applied.is_empty() {
        change(connection, CREATE).await?;
    }
    change(connection, next.sql).await.map_err(failed)?;
    sqlx::query(NOTE)
        .bind(next.version)
        .bind(next.name)
        .bind(next.checksum())
        .execute(connection)
        .await
        .map_err(fault)
        .map_err(failed)?;
    Ok(Some(next.name))
}

/// Runs a statement that may be repeated, also by several at once.
async fn change(connection: &mut MySqlConnection, sql: &'static str) -> Result<(), StoreError> {
    match connection.execute(sql).await {
        Err(error) if !number(&error).is_some_and(|number| MADE_ALREADY.contains(&number)) => {
            Err(fault(error))
        }
        _ => Ok(()),
    }
}

async fn applied(connection: &mut MySqlConnection) -> Result<Vec<Applied>, StoreError> {
    let tables = sqlx::query(
        "SELECT CAST(count(*) AS SIGNED) AS found, \
           CAST(coalesce(sum(table_name = 'schema_migration'), 0) AS SIGNED) AS ours FROM information_schema.tables WHERE table_schema = DATABASE()",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(fault)?;
    match (tables.int("found")?, tables.int("ours")?) {
        (0, _) => return Ok(Vec::new()),
        (_, 0) => return Err(StoreError::broken("the database has tables of another program")),
        _ => {}
    }
    let rows = sqlx::query("SELECT version, name, checksum FROM schema_migration ORDER BY version")
        .fetch_all(connection)
        .await;
    let rows = match rows {
        // Another node of a cluster is still at making it.
        Err(error) if number(&error) == Some(NO_SUCH_TABLE) => {
            return Err(StoreError::RolledBack(error.into()));
        }
        rows => rows.map_err(fault)?,
    };
    let row = |row: &MySqlRow| {
        Ok(Applied {
            version: row.number("version")?,
            name: row.text("name")?.to_owned(),
            checksum: row.text("checksum")?.to_owned(),
        })
    };
    rows.iter().map(row).collect()
}
