//! Duties: what one server does for all of them. Whoever takes one has it for a while, and takes it again before that is
//! over; a holder that is lost is followed by another one then.
//!
//! Not here: that a thing is done once. Clocks may differ, so whoever has a duty still claims each single thing of it by a
//! conditional change.

use std::time::Duration;

use async_trait::async_trait;

use super::backend::{Backend, again, begin, commit};
use super::columns::Bind;
use super::query::{self, Link};
use super::{StoreError, WriterId};
use crate::domain::time::Timestamp;
use sqlx::SqlSafeStr;

/// The characters of a duty's name, at most.
pub const DUTY_CHARS_MAX: usize = 64;

/// Who does what there is to be done once for all servers.
#[async_trait]
pub trait Duties: Send + Sync {
    /// `holder` has the duty until `now` and so long after: it had it already, nobody did, or the other's time is over. `false`:
    /// another one has it.
    async fn take_duty(
        &self,
        name: &str,
        holder: WriterId,
        now: Timestamp,
        lasts: Duration,
    ) -> Result<bool, StoreError>;

    /// `holder` has the duty no longer: another one may have it at once.
    async fn leave_duty(&self, name: &str, holder: WriterId) -> Result<(), StoreError>;
}

const TAKE: &str =
    "UPDATE duty SET holder = ?, until = ? WHERE name = ? AND (holder IS NULL OR holder = ? OR until <= ?)";
const FIRST: &str = "INSERT INTO duty (holder, until, name) VALUES (?, ?, ?)";
const LEAVE: &str = "UPDATE duty SET holder = NULL WHERE name = ? AND holder = ?";
const HELD: &str = "SELECT 1 FROM duty WHERE name = ?";

/// Every text above that finds a row, for a test of their plans.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[TAKE, LEAVE, HELD];

#[async_trait]
impl<B: Backend> Duties for B {
    async fn take_duty(
        &self,
        name: &str,
        holder: WriterId,
        now: Timestamp,
        lasts: Duration,
    ) -> Result<bool, StoreError> {
        let take = || async {
            let mut held = self.own_hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let taken = take(&mut *change, name, holder, now, lasts).await?;
            commit::<B>(change).await?;
            Ok(taken)
        };
        again(take).await
    }

    async fn leave_duty(&self, name: &str, holder: WriterId) -> Result<(), StoreError> {
        let leave = || async {
            let mut held = self.own_hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            query::run(&mut *change, LEAVE, |to| {
                to.text(Some(name));
                to.uuid(Some(holder.0));
            })
            .await?;
            commit::<B>(change).await
        };
        again(leave).await
    }
}

async fn take<L: Link>(
    link: &mut L,
    name: &str,
    holder: WriterId,
    now: Timestamp,
    lasts: Duration,
) -> Result<bool, StoreError> {
    let taken = query::run(link, TAKE, |to| {
        to.uuid(Some(holder.0));
        to.time(Some(now + lasts));
        to.text(Some(name));
        to.uuid(Some(holder.0));
        to.time(Some(now));
    });
    if taken.await?.rows == 1 {
        return Ok(true);
    }
    let mut values = L::Values::default();
    values.text(Some(name));
    if query::one(link, HELD, values).await?.is_some() {
        return Ok(false);
    }
    let mut values = L::Values::default();
    values.uuid(Some(holder.0));
    values.time(Some(now + lasts));
    values.text(Some(name));
    // Of two that are the first, one makes the row.
    Ok(link.run_unless_there(FIRST.into_sql_str(), values).await?.is_some())
}
