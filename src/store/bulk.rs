//! Statements that carry many rows at once. Their sizes come from a short list, so that a handful of prepared
//! statements serves batches of every size and none of them is ever prepared twice on a connection.

use std::sync::{Arc, OnceLock};

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::columns::Bind;

/// How many rows a statement may carry, descending. 512 rows of the widest table stay below every backend's limit
/// on parameters; below 4 a statement costs less than choosing well.
pub const BUCKETS: [usize; 5] = [512, 128, 32, 8, 1];

/// A statement with a list of rows in its middle, each row a list of parameters.
pub struct Bulk {
    head: &'static str,
    columns: usize,
    tail: &'static str,
    texts: [OnceLock<SqlStr>; BUCKETS.len()],
}

impl Bulk {
    /// `head` and `tail` are what stands before and after the rows of `columns` parameters.
    pub const fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        Self { head, columns, tail, texts: [const { OnceLock::new() }; BUCKETS.len()] }
    }

    /// The parameters of one piece.
    pub fn values<V: Bind + Default, T>(&self, bucket: usize, piece: &[T], bind: impl Fn(&mut V, &T)) -> V {
        let mut values = V::default();
        values.reserve(BUCKETS[bucket] * self.columns);
        for row in piece {
            bind(&mut values, row);
        }
        values
    }

    /// The statement for as many rows as the bucket has.
    pub fn sql(&self, bucket: usize) -> SqlStr {
        let text = || {
            let row = format!("({})", vec!["?"; self.columns].join(","));
            let rows = vec![row; BUCKETS[bucket]].join(",");
            let text: Arc<str> = format!("{}{rows}{}", self.head, self.tail).into();
            AssertSqlSafe(text).into_sql_str()
        };
        self.texts[bucket].get_or_init(text).clone()
    }
}

/// Cuts rows into pieces, each with the bucket of its statement: full ones, from large to small.
pub fn pieces<T>(rows: &[T]) -> impl Iterator<Item = (usize, &[T])> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let bucket = BUCKETS.iter().position(|&size| size <= rest.len())?;
        let (piece, after) = rest.split_at(BUCKETS[bucket]);
        rest = after;
        Some((bucket, piece))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_and_none_is_lost() {
        let rows: Vec<usize> = (0..1_177).collect();
        let cut: Vec<_> = pieces(&rows).collect();
        assert!(cut.iter().all(|(bucket, piece)| piece.len() == BUCKETS[*bucket]));
        let sizes: Vec<_> = cut.iter().map(|(_, piece)| piece.len()).collect();
        assert_eq!(sizes, [512, 512, 128, 8, 8, 8, 1]);
        assert_eq!(cut.iter().flat_map(|(_, piece)| *piece).copied().collect::<Vec<_>>(), rows);
        assert_eq!(pieces::<usize>(&[]).count(), 0);
    }

    #[test]
    fn a_statement_has_a_parameter_for_every_column_of_every_row() {
        static BULK: Bulk = Bulk::new("INSERT INTO t VALUES ", 3, " RETURNING 1");
        assert_eq!(BULK.sql(4).as_str(), "INSERT INTO t VALUES (?,?,?) RETURNING 1");
        assert_eq!(BULK.sql(3).as_str().matches('?').count(), 24);
    }
}
