//! The settings of a database server without which confirmed data would not survive a loss of power.

use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};

use super::fault::fault;
use crate::store::StoreError;

/// (setting, what it must be, what is at stake otherwise).
const DURABLE: [(&str, &str, &str); 2] = [
    (
        "innodb_flush_log_at_trx_commit",
        "1",
        "confirmed places, holds and payments may be lost with the power",
    ),
    ("innodb_doublewrite", "ON", "a page that was half written when the power failed cannot be restored"),
];

/// Says in the log, once for all of them, which settings are looser than a sale needs, or that nobody can tell.
pub async fn warn_when_loose(connection: &mut MySqlConnection) -> Result<(), StoreError> {
    if !keeps_rows_in_innodb(connection).await? {
        tracing::warn!(
            "this database server does not keep its rows in InnoDB, so what it says of InnoDB's settings means nothing: \
             see in its own documents whether a confirmed commit survives a loss of power"
        );
        return Ok(());
    }
    let loose = loose(connection).await?;
    if !loose.is_empty() {
        tracing::warn!("the database server may lose what was confirmed: {}", loose.join("; "));
    }
    Ok(())
}

/// The settings that are looser than a sale needs, or that nobody can tell.
pub async fn all_loose(connection: &mut MySqlConnection) -> Result<Vec<String>, StoreError> {
    match keeps_rows_in_innodb(connection).await? {
        true => loose(connection).await,
        false => Ok(vec![
            "this database server does not keep its rows in InnoDB: see in its own documents".to_owned(),
        ]),
    }
}

/// Servers with an engine of their own answer for InnoDB's settings, too, with whatever is right; but they do not count what
/// InnoDB would have done.
async fn keeps_rows_in_innodb(connection: &mut MySqlConnection) -> Result<bool, StoreError> {
    let counter = sqlx::raw_sql("SHOW GLOBAL STATUS LIKE 'Innodb_page_size'").fetch_optional(connection);
    Ok(counter.await.map_err(fault)?.is_some())
}

/// Each names a setting, what it is and why it matters.
async fn loose(connection: &mut MySqlConnection) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('innodb_flush_log_at_trx_commit', 'innodb_doublewrite', \
           'log_bin', 'sync_binlog')",
    )
    .fetch_all(connection)
    .await
    .map_err(fault)?;
    let one = |row: &MySqlRow| Ok((row.try_get_unchecked(0)?, row.try_get_unchecked(1)?));
    let settings = rows.iter().map(one).collect::<Result<Vec<(String, String)>, _>>().map_err(fault)?;
    let set = |name: &str| settings.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());

    let mut loose = Vec::new();
    for (name, wanted, stake) in DURABLE {
        // A server that has no such setting has its own ways.
        if let Some(value) = set(name).filter(|value| !value.eq_ignore_ascii_case(wanted)) {
            loose.push(format!("{name} is {value} and should be {wanted}: {stake}"));
        }
    }
    // A commit counts as prepared until it is in the binary log too, if there is one.
    if set("log_bin") == Some("ON")
        && let Some(value) = set("sync_binlog").filter(|value| *value != "1")
    {
        loose.push(format!(
            "sync_binlog is {value} and should be 1: after a loss of power replicas may lack confirmed \
             transactions, or have others"
        ));
    }
    Ok(loose)
}

#[cfg(all(test, feature = "mariadb-tests"))]
mod tests {
    use super::*;
    use frontrow_testing::mariadb;

    #[tokio::test]
    async fn loose_settings_are_named_with_what_is_at_stake() {
        // The tests' own server is loose on purpose.
        let loose = loose(&mut mariadb::admin().await).await.unwrap();
        assert_eq!(loose.len(), 2, "{loose:?}");
        assert!(loose[0].starts_with("innodb_flush_log_at_trx_commit is 0 and should be 1: "), "{loose:?}");
        assert!(loose[1].starts_with("innodb_doublewrite is OFF and should be ON: "), "{loose:?}");
    }
}
