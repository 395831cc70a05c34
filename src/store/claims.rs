//! The claims of processes on sales: one process at a time runs a sale, and says every second that it lives.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::SqlSafeStr;

use super::backend::{Backend, again, begin, close, commit};
use super::columns::{Bind, Cells};
use super::query::{self, Link, numbers};
use super::{
    Claimed, Holder, LoadedCopy, LoadedSale, Missed, StoreError, WriterId, catch_up, journal, random_id,
};
use crate::domain::ids::{ConcertId, NodeNo};
use crate::domain::time::Timestamp;
use crate::domain::token_secret::TokenSecret;

/// Becoming, staying and ceasing to be the writer of sales.
#[async_trait]
pub trait Claims: Send + Sync + 'static {
    /// Concerts that are neither archived nor rehearsals, and have something left to run: a performance that starts, or did less than
    /// `limits::RUNS_AFTER_START` ago, one that is called off, a live token or a held reservation. Also any whose rows are behind
    /// their journal. In ascending order.
    async fn concerts_to_run(&self, now: Timestamp) -> Result<Vec<ConcertId>, StoreError>;

    /// Makes `writer` the writer of a sale: counts the time since the last heartbeat as an outage (once, in the
    /// same transaction), and puts a row of its own on top of the journal, so that a former writer can add
    /// nothing more. Refused with `StoreError::OtherHolder` unless the sale is held as `expected`: of two that would replace the
    /// same holder one does, and none replaces who was heard of again. Without it, whoever holds the sale is replaced.
    async fn claim(
        &self,
        concert: ConcertId,
        writer: WriterId,
        now: Timestamp,
        expected: Option<Holder>,
    ) -> Result<Claimed, StoreError>;

    /// Who holds a sale now.
    async fn holder(&self, concert: ConcertId) -> Result<Holder, StoreError>;

    /// Who holds each sale that is held, or could be run.
    async fn holders(&self) -> Result<Vec<(ConcertId, Holder)>, StoreError>;

    /// Everything that a sale's memory is built from at `now`: its live tokens, held reservations, those that expired
    /// lately, and seats that are not free. Only after `claim`.
    async fn load_sale(&self, concert: ConcertId, now: Timestamp) -> Result<LoadedSale, StoreError>;

    /// Reads a sale that another server runs, as far as its rows follow its journal.
    async fn load_copy(
        &self,
        concert: ConcertId,
        now: Timestamp,
        missed: Option<Missed>,
    ) -> Result<LoadedCopy, StoreError>;

    /// Says that the sales which `writer` holds were alive at `now`. A gap of more than `gap_max` since the last
    /// heartbeat is added to a sale's outages. Gives the outages of each sale that is still `writer`'s.
    async fn heartbeat(
        &self,
        writer: WriterId,
        now: Timestamp,
        gap_max: Duration,
    ) -> Result<Vec<(ConcertId, Duration)>, StoreError>;

    /// Counts `outage` to a sale of `writer`, besides what heartbeats count: the time that loading it took. Gives
    /// the sum of its outages.
    async fn count_outage(
        &self,
        concert: ConcertId,
        writer: WriterId,
        outage: Duration,
    ) -> Result<Duration, StoreError>;

    /// Releases the sales of `writer`, so that others may claim them at once. Their outage begins at `now`; without it,
    /// because the writer is dead, at its last heartbeat.
    async fn release_claims(&self, writer: WriterId, now: Option<Timestamp>) -> Result<(), StoreError>;

    /// Releases one sale that `writer` has by this claim, alive at `now`, for its heir.
    async fn give_claim(
        &self,
        concert: ConcertId,
        (writer, epoch): (WriterId, u64),
        now: Timestamp,
        heir: NodeNo,
    ) -> Result<(), StoreError>;

    /// Wishes that this node runs a sale; whoever runs it now gives it away. `false`: there is no such sale.
    async fn wish_move(&self, concert: ConcertId, to: NodeNo) -> Result<bool, StoreError>;

    /// Was a server at work with this database less than a lease before `now`, by the database's clock, and has not stopped since?
    async fn is_served(&self, now: Timestamp) -> Result<bool, StoreError>;
}

/// The first claim also gives a sale the secret of its tokens.
const TAKE: &str = "UPDATE concert SET writer = ?, heartbeat_at = ?, outage_ms = outage_ms + ?, \
       moves_to = NULL, token_secret = COALESCE(token_secret, ?) WHERE concert_id = ?";
const EPOCH: &str = "UPDATE concert SET epoch = ? WHERE concert_id = ?";
const HOLDER: &str = "SELECT writer, epoch, heartbeat_at, moves_to FROM concert WHERE concert_id = ?";
const HOLDERS: &str = "SELECT concert_id, writer, epoch, heartbeat_at, moves_to FROM concert \
     WHERE writer IS NOT NULL OR archived_at IS NULL ORDER BY concert_id";
const COUNT: &str = "UPDATE concert SET outage_ms = outage_ms + ? WHERE concert_id = ? AND writer = ?";
const OUTAGES: &str = "SELECT outage_ms FROM concert WHERE concert_id = ?";
const GIVE: &str = "UPDATE concert SET heartbeat_at = ?, moves_to = ?, writer = NULL \
     WHERE concert_id = ? AND writer = ? AND epoch = ?";
const WISH: &str = "UPDATE concert SET moves_to = ? WHERE concert_id = ?";
const RELEASE: [&str; 2] = [
    "UPDATE concert SET heartbeat_at = COALESCE(?, heartbeat_at), writer = NULL WHERE writer = ?",
    "UPDATE node SET stopped_at = COALESCE(?, heartbeat_at) WHERE writer = ?",
];

#[async_trait]
impl<B: Backend> Claims for B {
    async fn concerts_to_run(&self, now: Timestamp) -> Result<Vec<ConcertId>, StoreError> {
        query::concerts_to_run(&mut *self.own_reader().await?, now).await
    }

    async fn claim(
        &self,
        concert: ConcertId,
        writer: WriterId,
        now: Timestamp,
        expected: Option<Holder>,
    ) -> Result<Claimed, StoreError> {
        let mut held = self.own_hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        let link = &mut *change;
        let row = query::one(link, B::Link::DIALECT.holder, numbers(&[concert.0.into()])).await?;
        let found = holder_of(&row.ok_or(StoreError::NoSuchConcert { concert })?)?;
        if expected.is_some_and(|expected| !expected.is_met_by(&found)) {
            return Err(StoreError::OtherHolder { concert, found });
        }
        let heartbeat = found.heartbeat;
        // Nothing could stand still before it first ran.
        let outage = heartbeat.map_or(Duration::ZERO, |heartbeat| now.since(heartbeat));
        query::run(link, TAKE, |to| {
            to.uuid(Some(writer.0));
            to.time(Some(heartbeat.map_or(now, |heartbeat| heartbeat.max(now))));
            to.int(Some(millis(outage)));
            to.bytes(&rand::random::<[u8; TokenSecret::BYTES]>());
            to.id(concert.0.into());
        })
        .await?;
        catch_up::take(link, concert, writer).await?;
        add_row(link, concert, writer, now, &journal::claimed(outage)).await?;
        let epoch = catch_up::begin_at(link, concert, writer).await?;
        query::run(link, EPOCH, |to| {
            to.id(epoch);
            to.id(concert.0.into());
        })
        .await?;
        node_lives(link, writer, now).await?;
        commit::<B>(change).await?;
        Ok(Claimed { epoch, before: heartbeat })
    }

    async fn holder(&self, concert: ConcertId) -> Result<Holder, StoreError> {
        let row = query::one(&mut *self.own_reader().await?, HOLDER, numbers(&[concert.0.into()])).await?;
        holder_of(&row.ok_or(StoreError::NoSuchConcert { concert })?)
    }

    async fn holders(&self) -> Result<Vec<(ConcertId, Holder)>, StoreError> {
        let rows = self.own_reader().await?.all(HOLDERS.into_sql_str(), numbers(&[])).await?;
        rows.iter().map(|row| Ok((ConcertId(row.number("concert_id")?), holder_of(row)?))).collect()
    }

    async fn load_sale(&self, concert: ConcertId, now: Timestamp) -> Result<LoadedSale, StoreError> {
        let mut view = self.own_view().await?;
        let loaded = query::load_sale(&mut *view, concert, now).await?;
        close::<B>(view).await?;
        Ok(loaded)
    }

    async fn load_copy(
        &self,
        concert: ConcertId,
        now: Timestamp,
        missed: Option<Missed>,
    ) -> Result<LoadedCopy, StoreError> {
        let mut view = self.own_view().await?;
        let loaded = query::load_copy(&mut *view, concert, now, missed.as_ref()).await?;
        close::<B>(view).await?;
        Ok(loaded)
    }

    async fn heartbeat(
        &self,
        writer: WriterId,
        now: Timestamp,
        gap_max: Duration,
    ) -> Result<Vec<(ConcertId, Duration)>, StoreError> {
        self.beat(writer, now, gap_max).await
    }

    async fn count_outage(
        &self,
        concert: ConcertId,
        writer: WriterId,
        outage: Duration,
    ) -> Result<Duration, StoreError> {
        let mut held = self.own_hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        let counted = query::run(&mut *change, COUNT, |to| {
            to.int(Some(millis(outage)));
            to.id(concert.0.into());
            to.uuid(Some(writer.0));
        });
        let row = match counted.await?.rows {
            0 => None,
            _ => query::one(&mut *change, OUTAGES, numbers(&[concert.0.into()])).await?,
        };
        let row = row.ok_or(StoreError::Claimed { concert, holder: None })?;
        commit::<B>(change).await?;
        Ok(Duration::from_millis(row.number("outage_ms")?))
    }

    async fn release_claims(&self, writer: WriterId, now: Option<Timestamp>) -> Result<(), StoreError> {
        let mut held = self.own_hold().await?;
        let mut change = begin::<B>(&mut held).await?;
        for statement in RELEASE {
            query::run(&mut *change, statement, |to| {
                to.time(now);
                to.uuid(Some(writer.0));
            })
            .await?;
        }
        commit::<B>(change).await
    }

    async fn give_claim(
        &self,
        concert: ConcertId,
        (writer, epoch): (WriterId, u64),
        now: Timestamp,
        heir: NodeNo,
    ) -> Result<(), StoreError> {
        let give = || async {
            let mut held = self.own_hold().await?;
            let given = query::run(&mut *held, GIVE, |to| {
                to.time(Some(now));
                to.id(heir.0.into());
                to.id(concert.0.into());
                to.uuid(Some(writer.0));
                to.id(epoch);
            });
            given.await.map(drop)
        };
        again(give).await
    }

    async fn wish_move(&self, concert: ConcertId, to: NodeNo) -> Result<bool, StoreError> {
        // What is changed to what it was counts as no row at some servers.
        let found = self.holder(concert).await;
        if matches!(found, Err(StoreError::NoSuchConcert { .. })) {
            return Ok(false);
        }
        let wish = || async {
            let mut held = self.own_hold().await?;
            let wished = query::run(&mut *held, WISH, |values| {
                values.id(to.0.into());
                values.id(concert.0.into());
            });
            wished.await.map(drop)
        };
        found.map(drop)?;
        again(wish).await.map(|()| true)
    }

    async fn is_served(&self, now: Timestamp) -> Result<bool, StoreError> {
        query::is_served(&mut *self.own_reader().await?, now).await
    }
}

fn holder_of<R: Cells>(row: &R) -> Result<Holder, StoreError> {
    Ok(Holder {
        writer: row.opt_uuid("writer")?.map(WriterId),
        epoch: row.number("epoch")?,
        heartbeat: row.opt_time("heartbeat_at")?,
        moves_to: row.opt_int("moves_to")?.and_then(|node| u32::try_from(node).ok()).map(NodeNo),
    })
}

/// Adds a row to a sale's journal whatever is its last one, for whoever claims the sale or has just claimed it.
pub async fn add_row<L: Link>(
    link: &mut L,
    concert: ConcertId,
    writer: WriterId,
    now: Timestamp,
    events: &str,
) -> Result<(), StoreError> {
    let mut values = L::Values::default();
    values.uuid(Some(random_id()));
    values.uuid(Some(writer.0));
    values.time(Some(now));
    values.text(Some(events));
    values.id(concert.0.into());
    match link.run_unless_there(L::DIALECT.claim_row.into_sql_str(), values).await? {
        Some(added) if added.rows == 1 => Ok(()),
        Some(_) => Err(StoreError::broken(format!("sale {concert} has no journal"))),
        // The former writer was at it until this moment: the next try finds the new end.
        None => Err(StoreError::RolledBack("the former writer added a row meanwhile".into())),
    }
}

/// A process says that it runs.
pub async fn node_lives<L: Link>(link: &mut L, writer: WriterId, now: Timestamp) -> Result<(), StoreError> {
    query::run(link, L::DIALECT.node_lives, |to| {
        to.uuid(Some(writer.0));
        to.time(Some(now));
        to.time(Some(now));
    })
    .await?;
    Ok(())
}

/// Concerts and the sums of their outages.
pub fn outages<R: Cells>(rows: &[R]) -> Result<Vec<(ConcertId, Duration)>, StoreError> {
    let one =
        |row: &R| Ok((ConcertId(row.number("concert_id")?), Duration::from_millis(row.number("outage_ms")?)));
    rows.iter().map(one).collect()
}

pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
