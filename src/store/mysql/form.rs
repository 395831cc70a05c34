//! Statements for many rows, in the words of the server at the other end.

use sqlx::mysql::MySqlConnection;

use super::fault::fault;
use super::values::Values;
use crate::store::StoreError;
use crate::store::batch::Bound;
use crate::store::bulk::{self, Listing, Packing};

/// The form of SQL that the server understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The values of a statement's rows are cut out of long values by each row's number: a third less work for the
    /// server, in words that only MariaDB knows.
    Numbered,
    /// Rows given as if they were new, with what to do because they are not: MySQL and TiDB know it too.
    Upsert,
}

/// Tries what `Numbered` needs: numbers of rows, and a table of numbers. A server can be told to have no such table.
const NUMBERED: &str = "SELECT ROWNUM() FROM seq_1_to_1024 WHERE seq <= 1";

impl Form {
    /// Finds out what the server at the other end understands.
    pub async fn of(connection: &mut MySqlConnection) -> Result<Self, StoreError> {
        match sqlx::raw_sql(NUMBERED).fetch_one(connection).await.map_err(fault) {
            Ok(_) => Ok(Self::Numbered),
            Err(StoreError::Broken(_)) => Ok(Self::Upsert),
            Err(error) => Err(error),
        }
    }
}

/// One statement after the other for lists of keys, which each finds exactly once.
pub fn listed<'a, T: Sync + 'a>(
    table: &'static str,
    statement: &'static Listing,
    lists: impl Iterator<Item = &'a [T]> + Send + 'a,
    bind: fn(&mut Values, usize, &[T]),
) -> impl Iterator<Item = Bound<Values>> + Send + 'a {
    lists.flat_map(|list| bulk::pieces(list, Packing::Listed)).map(move |(bucket, piece)| {
        let mut values = Values::default();
        bind(&mut values, bucket, piece);
        Bound { table, sql: statement.sql(bucket), values, affected: Some(piece.len() as u64) }
    })
}

#[cfg(all(test, feature = "mariadb-tests"))]
pub mod tests {
    use sqlx::{AssertSqlSafe, Executor};

    use super::*;
    use crate::store::columns::{Bind, Cells};
    use crate::store::mysql::MySqlStore;
    use crate::store::mysql::connection::{connect, options};
    use frontrow_testing::mariadb::empty_database;

    /// Rows are found by their primary key, also when the server believes that there are no rows at all, as in a
    /// table that was just filled.
    pub async fn changes_rows_as_it_finds_them(statement: &Listing) {
        let store = MySqlStore::open(&empty_database().await).await.unwrap();
        let mut connection = connect(&store.options).await.unwrap();
        let sql = format!("EXPLAIN {}", statement.sql(bulk::BUCKETS.len() - 2).as_str());
        let mut values = Values::default();
        (0..sql.matches('?').count()).for_each(|value| values.int(Some(value as i64)));
        let plan = sqlx::query_with(AssertSqlSafe(sql), values.0).fetch_all(&mut connection).await.unwrap();
        let cell = |column| plan[0].opt_text(column).unwrap();
        let found = (plan.len(), cell("type"), cell("key"), cell("Extra"));
        assert_eq!(found, (1, Some("range"), Some("PRIMARY"), Some("Using where")));
    }

    #[tokio::test]
    async fn a_server_without_numbers_is_given_upserts() {
        let options = options(&empty_database().await).unwrap();
        let mut connection = connect(&options).await.unwrap();
        assert_eq!(Form::of(&mut connection).await.unwrap(), Form::Numbered);
        // A place where no table of numbers can be.
        connection.execute("USE information_schema").await.unwrap();
        assert_eq!(Form::of(&mut connection).await.unwrap(), Form::Upsert);
    }
}
