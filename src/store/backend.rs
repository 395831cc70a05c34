//! The base that SQL databases share: how a store gives its connections. The work on them is written once, in `claims`,
//! `reads` and `setup`.

use std::ops::DerefMut;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Database, SqlSafeStr, Transaction};

use super::archive::{OldJournal, OldRow};
use super::query::{self, Link};
use super::rows::Rows;
use super::{StoreError, WriterId};
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;

/// A store in an SQL database.
pub trait Backend: Send + Sync + 'static {
    type Db: Database<Connection = Self::Link>;
    type Link: Link + Connection<Database = Self::Db>;
    /// The connection that single changes are made on, for as long as one of them takes.
    type Held: DerefMut<Target = Self::Link> + Send;

    /// The statement that begins a transaction which changes something, if it is not the usual one.
    const BEGIN: Option<&'static str>;

    /// A connection for one query.
    fn reader(&self) -> impl Future<Output = Result<PoolConnection<Self::Db>, StoreError>> + Send;

    /// One view of the whole database, for what takes several queries.
    fn view(&self) -> impl Future<Output = Result<Transaction<'static, Self::Db>, StoreError>> + Send;

    fn hold(&self) -> impl Future<Output = Result<Self::Held, StoreError>> + Send;

    /// The same three for the server's own going on. Its claims, its place among the others and the sales that it takes over stand in
    /// no line with fans who ask, who may be thousands at once just when another server is gone.
    fn own_reader(&self) -> impl Future<Output = Result<PoolConnection<Self::Db>, StoreError>> + Send {
        self.reader()
    }

    fn own_view(&self) -> impl Future<Output = Result<Transaction<'static, Self::Db>, StoreError>> + Send {
        self.view()
    }

    fn own_hold(&self) -> impl Future<Output = Result<Self::Held, StoreError>> + Send {
        self.hold()
    }

    /// Writes these places in line, seats and reservations, within a transaction. Each seat that is listed changes.
    fn write_behind(
        &self,
        link: &mut Self::Link,
        rows: &Rows<'_>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// See `Claims::heartbeat`, which must wait for nobody.
    fn beat(
        &self,
        writer: WriterId,
        now: Timestamp,
        gap_max: Duration,
    ) -> impl Future<Output = Result<Vec<(ConcertId, Duration)>, StoreError>> + Send;
}

/// A transaction of single changes. Dropped before it is committed, it leaves nothing.
pub type Change<'h, B> = Transaction<'h, <B as Backend>::Db>;

pub async fn begin<B: Backend>(held: &mut B::Held) -> Result<Change<'_, B>, StoreError> {
    let begun = match B::BEGIN {
        Some(statement) => held.begin_with(statement.into_sql_str()).await,
        None => held.begin().await,
    };
    begun.map_err(B::Link::fault)
}

pub async fn commit<B: Backend>(change: Change<'_, B>) -> Result<(), StoreError> {
    change.commit().await.map_err(B::Link::fault)
}

/// The number of times that a single change may be lost to somebody else's: each of them may wait for a lock as long as the
/// database lets it.
const LOST_MAX: u32 = 4;
/// Longer each time, so that the same two do not meet again.
const PAUSE: Duration = Duration::from_millis(20);

/// Makes a change that is one transaction. Lost to somebody else's, by a deadlock or to another node of a cluster, it left
/// nothing: it is made again, and finds what they made.
pub async fn again<T, F>(make: impl Fn() -> F + Send) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>> + Send,
{
    let mut lost = 0;
    loop {
        match make().await {
            Err(StoreError::RolledBack(cause)) if lost < LOST_MAX => {
                lost += 1;
                tracing::info!(error = &*cause as &dyn std::error::Error, "a change was lost to another one");
                tokio::time::sleep(PAUSE * lost).await;
            }
            done => return done,
        }
    }
}

/// Ends a view that was read to its end.
pub async fn close<B: Backend>(view: Transaction<'static, B::Db>) -> Result<(), StoreError> {
    view.rollback().await.map_err(B::Link::fault)
}

#[async_trait]
impl<B: Backend> OldJournal for B {
    async fn old_rows(
        &self,
        concert: ConcertId,
        from: u64,
        rows_max: u32,
    ) -> Result<(Vec<OldRow>, u64), StoreError> {
        query::old_rows(&mut *self.reader().await?, concert, from, rows_max).await
    }

    async fn delete_rows(&self, concert: ConcertId, first: u64, last: u64) -> Result<(), StoreError> {
        let mut held = self.hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        query::delete_rows(&mut *change, concert, first, last).await?;
        commit::<B>(change).await
    }
}
