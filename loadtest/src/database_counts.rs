//! What a MySQL-compatible database counts of its own work: the statements that it was sent, and the rows that it wrote.

use anyhow::{Context, anyhow};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{ConnectOptions, Connection, Row};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatabaseCounts {
    pub statements: u64,
    /// Inserted, changed and deleted.
    pub rows: u64,
}

const STATUS: &str = "SHOW GLOBAL STATUS WHERE Variable_name IN \
     ('Questions', 'Handler_write', 'Handler_update', 'Handler_delete')";

impl DatabaseCounts {
    /// So far. Read in a thread of its own, as a run's begin and end wait for nothing.
    pub fn of(url: &str) -> anyhow::Result<Self> {
        let options: MySqlConnectOptions = url.parse()?;
        let reading = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = options.connect().await?;
                let rows = sqlx::raw_sql(STATUS).fetch_all(&mut connection).await?;
                connection.close().await?;
                let counts = rows.iter().map(|row| {
                    let name: String = row.try_get(0)?;
                    let count: String = row.try_get(1)?;
                    Ok((name, count.parse()?))
                });
                Ok(Self::add(counts.collect::<anyhow::Result<Vec<_>>>()?))
            })
        });
        let counts: anyhow::Result<Self> =
            reading.join().map_err(|_| anyhow!("the thread that asks ended"))?;
        counts.context("could not read what the database counts")
    }

    fn add(counts: impl IntoIterator<Item = (String, u64)>) -> Self {
        let mut sum = Self::default();
        for (name, count) in counts {
            match name.as_str() {
                "Questions" => sum.statements += count,
                _ => sum.rows += count,
            }
        }
        sum
    }

    pub fn since(self, before: Self) -> Self {
        Self {
            statements: self.statements.saturating_sub(before.statements),
            rows: self.rows.saturating_sub(before.rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_every_kind_of_change() {
        let counts = [("Questions", 7), ("Handler_write", 2), ("Handler_update", 3), ("Handler_delete", 4)];
        let counts = DatabaseCounts::add(counts.map(|(name, count)| (name.to_owned(), count)));
        assert_eq!(counts, DatabaseCounts { statements: 7, rows: 9 });
        let before = DatabaseCounts { statements: 5, rows: 10 };
        assert_eq!(counts.since(before), DatabaseCounts { statements: 2, rows: 0 });
    }
}
