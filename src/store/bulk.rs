//! Statements that carry many rows at once. Their sizes come from a short list, so that a handful of prepared
//! statements serves batches of every size and none of them is ever prepared twice on a connection.

use std::sync::{Arc, OnceLock};

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::columns::Bind;

/// The numbers of rows that a statement may carry, descending. 1,024 rows of the widest table stay below every
/// backend's limit on parameters.
pub const BUCKETS: [usize; 10] = [1_024, 512, 256, 128, 64, 32, 16, 8, 4, 1];

/// The number of rows of padding that always costs less than one more statement.
const PADDING_MIN: usize = 8;

/// The way in which rows are cut into statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Full statements of few sizes: where a statement more costs little, because nobody has to be waited for.
    Full,
    /// Few statements, filled up by repeating the last row: where each one is a round trip. Its statements must do
    /// nothing more for a row that they are given twice.
    Padded,
    /// As few statements as there can be, for lists in which a key may be repeated for next to nothing.
    Listed,
}

impl Packing {
    fn has(self, size: usize) -> bool {
        match self {
            Self::Full => matches!(size, 512 | 128 | 32 | 8 | 1),
            Self::Padded | Self::Listed => true,
        }
    }

    /// The bucket that `rows` begin with; there is at least one of them.
    fn bucket(self, rows: usize) -> usize {
        let larger = BUCKETS.iter().rposition(|&size| size >= rows);
        match larger {
            Some(larger) if self == Self::Listed => larger,
            // One more round trip costs more than a quarter of padding, or a few rows of it.
            Some(larger)
                if self == Self::Padded && BUCKETS[larger] - rows <= PADDING_MIN.max(BUCKETS[larger] / 4) =>
            {
                larger
            }
            _ => BUCKETS.iter().position(|&size| size <= rows && self.has(size)).unwrap_or(BUCKETS.len() - 1),
        }
    }
}

/// A statement with a list of rows in its middle, each row a list of parameters.
pub struct Bulk {
    head: &'static str,
    columns: usize,
    /// The text in each row after the parameters.
    constants: &'static str,
    tail: &'static str,
    texts: [OnceLock<SqlStr>; BUCKETS.len()],
}

impl Bulk {
    /// `head` and `tail` are what stands before and after the rows of `columns` parameters.
    pub const fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        Self::with_constants(head, columns, "", tail)
    }

    /// The same with `constants` after the parameters of each row, beginning with a comma.
    pub const fn with_constants(
        head: &'static str,
        columns: usize,
        constants: &'static str,
        tail: &'static str,
    ) -> Self {
        Self { head, columns, constants, tail, texts: [const { OnceLock::new() }; BUCKETS.len()] }
    }

    /// The parameters of one piece.
    pub fn values<V: Bind + Default, T>(&self, bucket: usize, piece: &[T], bind: impl Fn(&mut V, &T)) -> V {
        let mut values = V::default();
        values.reserve(BUCKETS[bucket] * self.columns);
        padded(bucket, piece).for_each(|row| bind(&mut values, row));
        values
    }

    /// The statement for as many rows as the bucket has.
    pub fn sql(&self, bucket: usize) -> SqlStr {
        let text = || {
            let row = format!("({}{})", vec!["?"; self.columns].join(","), self.constants);
            let rows = vec![row; BUCKETS[bucket]].join(",");
            let text: Arc<str> = format!("{}{rows}{}", self.head, self.tail).into();
            AssertSqlSafe(text).into_sql_str()
        };
        self.texts[bucket].get_or_init(text).clone()
    }
}

/// A statement about rows whose keys it lists: one parameter each, in one list or in several of the same length.
pub struct Listing {
    /// The text around and between the lists.
    parts: &'static [&'static str],
    texts: [OnceLock<SqlStr>; BUCKETS.len()],
}

impl Listing {
    pub const fn new(parts: &'static [&'static str]) -> Self {
        Self { parts, texts: [const { OnceLock::new() }; BUCKETS.len()] }
    }

    /// The statement for as many keys as the bucket has.
    pub fn sql(&self, bucket: usize) -> SqlStr {
        let text = || {
            let list = vec!["?"; BUCKETS[bucket]].join(",");
            let text: Arc<str> = self.parts.join(&list).into();
            AssertSqlSafe(text).into_sql_str()
        };
        self.texts[bucket].get_or_init(text).clone()
    }
}

/// A statement that takes what several queries of one text give together.
pub struct Union {
    head: &'static str,
    query: &'static str,
    texts: [OnceLock<SqlStr>; BUCKETS.len()],
}

impl Union {
    /// The most queries that one may have: a compound of more is slow to read, and not every backend takes it.
    pub const QUERIES_MAX: usize = 64;

    pub const fn new(head: &'static str, query: &'static str) -> Self {
        Self { head, query, texts: [const { OnceLock::new() }; BUCKETS.len()] }
    }

    /// The statement for at least so many queries, at most `QUERIES_MAX`, and their number in it.
    pub fn sql(&self, queries: usize) -> (SqlStr, usize) {
        debug_assert!((1..=Self::QUERIES_MAX).contains(&queries), "{queries} are none or too many");
        let bucket = BUCKETS.iter().rposition(|&size| size >= queries).unwrap_or(0);
        let text = || {
            let queries = vec![self.query; BUCKETS[bucket]].join(" UNION ALL ");
            let text: Arc<str> = format!("{}{queries}", self.head).into();
            AssertSqlSafe(text).into_sql_str()
        };
        (self.texts[bucket].get_or_init(text).clone(), BUCKETS[bucket])
    }
}

/// A piece's rows, the last one repeated until the bucket is full.
pub fn padded<T>(bucket: usize, piece: &[T]) -> impl Iterator<Item = &T> {
    let padding = piece.last().into_iter().cycle().take(BUCKETS[bucket].saturating_sub(piece.len()));
    piece.iter().chain(padding)
}

/// Cuts rows into pieces, each with the bucket of its statement, from large to small.
pub fn pieces<T>(rows: &[T], packing: Packing) -> impl Iterator<Item = (usize, &[T])> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let bucket = packing.bucket(rest.len());
        let (piece, after) = rest.split_at(BUCKETS[bucket].min(rest.len()));
        rest = after;
        Some((bucket, piece))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(rows: usize, packing: Packing) -> Vec<usize> {
        let rows: Vec<usize> = (0..rows).collect();
        let cut: Vec<_> = pieces(&rows, packing).collect();
        assert_eq!(cut.iter().flat_map(|(_, piece)| *piece).copied().collect::<Vec<_>>(), rows);
        assert!(cut.iter().all(|(bucket, piece)| piece.len() <= BUCKETS[*bucket]));
        assert!(
            packing != Packing::Full || cut.iter().all(|(bucket, piece)| piece.len() == BUCKETS[*bucket])
        );
        cut.iter().map(|(bucket, _)| BUCKETS[*bucket]).collect()
    }

    #[test]
    fn rows_are_cut_and_none_is_lost() {
        assert_eq!(sizes(1_177, Packing::Full), [512, 512, 128, 8, 8, 8, 1]);
        assert_eq!(sizes(0, Packing::Full), Vec::<usize>::new());
    }

    #[test]
    fn padding_saves_statements_and_is_never_most_of_one() {
        assert_eq!(sizes(1_000, Packing::Padded), [1_024]);
        assert_eq!(sizes(2_000, Packing::Padded), [1_024, 1_024]);
        assert_eq!(sizes(600, Packing::Padded), [512, 64, 32]);
        assert_eq!(sizes(2, Packing::Padded), [4]);
        assert_eq!(sizes(9, Packing::Padded), [16]);
        assert_eq!(sizes(17, Packing::Padded), [16, 1]);
        assert_eq!(sizes(3, Packing::Padded), [4]);
        assert_eq!(sizes(0, Packing::Padded), Vec::<usize>::new());
        assert_eq!(sizes(333, Packing::Listed), [512]);
        assert_eq!(sizes(2_100, Packing::Listed), [1_024, 1_024, 64]);
        for rows in 1..3_000 {
            let sizes = sizes(rows, Packing::Padded);
            let padding = sizes.iter().sum::<usize>() - rows;
            assert!(sizes.len() <= 6 && padding <= (rows / 3).max(PADDING_MIN), "{rows}: {sizes:?}");
        }
    }

    #[test]
    fn a_statement_has_a_parameter_for_every_column_of_every_row() {
        static BULK: Bulk = Bulk::new("INSERT INTO t VALUES ", 3, " RETURNING 1");
        assert_eq!(BULK.sql(BUCKETS.len() - 1).as_str(), "INSERT INTO t VALUES (?,?,?) RETURNING 1");
        assert_eq!(BULK.sql(BUCKETS.len() - 3).as_str().matches('?').count(), 24);
        static LISTING: Listing = Listing::new(&["DELETE FROM t WHERE a IN (", ") AND b IN (", ")"]);
        assert_eq!(
            LISTING.sql(BUCKETS.len() - 2).as_str(),
            "DELETE FROM t WHERE a IN (?,?,?,?) AND b IN (?,?,?,?)"
        );
        static UNION: Union = Union::new("INSERT INTO t ", "SELECT ?");
        assert_eq!(UNION.sql(1).0.as_str(), "INSERT INTO t SELECT ?");
        let (four, size) = UNION.sql(2);
        assert_eq!(
            (four.as_str(), size),
            ("INSERT INTO t SELECT ? UNION ALL SELECT ? UNION ALL SELECT ? UNION ALL SELECT ?", 4)
        );
        static MORE: Bulk = Bulk::with_constants("INSERT INTO t VALUES ", 1, ",''", "");
        assert_eq!(MORE.sql(BUCKETS.len() - 2).as_str(), "INSERT INTO t VALUES (?,''),(?,''),(?,''),(?,'')");
    }
}
