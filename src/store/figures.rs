//! The kept figures of sales: a row for each span of a night, longer spans the older it is.
//!
//! Always: a span is there once, whoever writes it twice. Not here: what a row says; it is a text to the store.

use async_trait::async_trait;
use sqlx::SqlSafeStr;

use super::StoreError;
use super::backend::{Backend, begin, commit};
use super::columns::{Bind, Cells};
use super::query::{self, Link};
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;

/// What happened in a sale in one span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiguresRow {
    pub concert: ConcertId,
    /// UTC: the end of the span.
    pub at: Timestamp,
    pub span_s: u32,
    /// JSON.
    pub figures: Box<str>,
}

#[async_trait]
pub trait FiguresStore: Send + Sync {
    /// Keeps rows; one of a span that is there already changes nothing.
    async fn keep_figures(&self, rows: &[FiguresRow]) -> Result<(), StoreError>;

    /// A sale's rows that end after `from` and not after `to`, oldest first, `rows_max` at most.
    async fn figures(
        &self,
        concert: ConcertId,
        from: Timestamp,
        to: Timestamp,
        rows_max: u32,
    ) -> Result<Vec<FiguresRow>, StoreError>;

    /// The rows of a sale that ended by then and are shorter than so many seconds, oldest first.
    async fn short_figures(
        &self,
        concert: ConcertId,
        by: Timestamp,
        span_s: u32,
        rows_max: u32,
    ) -> Result<Vec<FiguresRow>, StoreError>;

    /// Puts other rows in the place of these, all or none.
    async fn replace_figures(&self, of: &[FiguresRow], by: &[FiguresRow]) -> Result<(), StoreError>;
}

const KEEP: &str = "INSERT INTO sale_figures (concert_id, at, span_s, figures) VALUES (?, ?, ?, ?)";
const FORGET: &str = "DELETE FROM sale_figures WHERE concert_id = ? AND at = ? AND span_s = ?";
const FIGURES: &str = "SELECT concert_id, at, span_s, figures FROM sale_figures \
     WHERE concert_id = ? AND at > ? AND at <= ? ORDER BY at LIMIT ?";
const SHORT: &str = "SELECT concert_id, at, span_s, figures FROM sale_figures \
     WHERE concert_id = ? AND at <= ? AND span_s < ? ORDER BY at LIMIT ?";

/// Every text above that reads, for a test of their plans.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[FIGURES, SHORT];

#[async_trait]
impl<B: Backend> FiguresStore for B {
    async fn keep_figures(&self, rows: &[FiguresRow]) -> Result<(), StoreError> {
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        for row in rows {
            put(&mut *change, row).await?;
        }
        commit::<B>(change).await
    }

    async fn figures(
        &self,
        concert: ConcertId,
        from: Timestamp,
        to: Timestamp,
        rows_max: u32,
    ) -> Result<Vec<FiguresRow>, StoreError> {
        let mut values = <B::Link as Link>::Values::default();
        values.id(concert.0.into());
        values.time(Some(from));
        values.time(Some(to));
        values.id(rows_max.into());
        let rows = self.reader().await?.all(FIGURES.into_sql_str(), values).await?;
        rows.iter().map(read).collect()
    }

    async fn short_figures(
        &self,
        concert: ConcertId,
        by: Timestamp,
        span_s: u32,
        rows_max: u32,
    ) -> Result<Vec<FiguresRow>, StoreError> {
        let mut values = <B::Link as Link>::Values::default();
        values.id(concert.0.into());
        values.time(Some(by));
        values.id(span_s.into());
        values.id(rows_max.into());
        let rows = self.reader().await?.all(SHORT.into_sql_str(), values).await?;
        rows.iter().map(read).collect()
    }

    async fn replace_figures(&self, of: &[FiguresRow], by: &[FiguresRow]) -> Result<(), StoreError> {
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        for row in of {
            let forgotten = query::run(&mut *change, FORGET, |to| {
                to.id(row.concert.0.into());
                to.time(Some(row.at));
                to.int(Some(row.span_s.into()));
            });
            if forgotten.await?.rows == 0 {
                // Somebody else put it together meanwhile: what is in the place of all of them is theirs.
                return Ok(());
            }
        }
        for row in by {
            put(&mut *change, row).await?;
        }
        commit::<B>(change).await
    }
}

async fn put<L: Link>(link: &mut L, row: &FiguresRow) -> Result<(), StoreError> {
    let kept = query::run(link, KEEP, |to| {
        to.id(row.concert.0.into());
        to.time(Some(row.at));
        to.int(Some(row.span_s.into()));
        to.text(Some(&row.figures));
    });
    match kept.await {
        // The key is there already.
        Err(StoreError::Refused(_)) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

fn read(row: &impl Cells) -> Result<FiguresRow, StoreError> {
    Ok(FiguresRow {
        concert: ConcertId(row.number("concert_id")?),
        at: row.time("at")?,
        span_s: row.number("span_s")?,
        figures: row.text("figures")?.into(),
    })
}
