//! The servers of one database, as its rows have them: each life of one has a row, which it changes every second.
//!
//! Always: a number is given once, as the newest row stays; and `STOPPED` is a server's last word. Each change is one statement,
//! which commits by itself. Not here: who is dead.

use async_trait::async_trait;
use sqlx::SqlSafeStr;

use super::StoreError;
use super::backend::{Backend, again};
use super::columns::{Bind, Cells};
use super::query::{self, Link, numbers};
use crate::domain::ids::NodeNo;
use crate::domain::membership::{About, Member, MemberState};
use crate::domain::time::Timestamp;

/// Rows that are read at once: far more than there are servers, whose dead ones are taken away.
const MEMBERS_LISTED_MAX: usize = 1_000;
/// Characters of what a server says of itself, at most.
pub const MEMBER_NAME_CHARS_MAX: usize = 128;
const RELEASE_CHARS_MAX: usize = 64;
/// Servers that start at once, and take each other's numbers.
const ENTER_ATTEMPTS_MAX: u32 = 100;

/// Who there is.
#[async_trait]
pub trait Members: Send + Sync + 'static {
    /// Adds a row for a life that begins now, and gives its number.
    async fn join_members(&self, about: &About) -> Result<NodeNo, StoreError>;

    /// Adds this row. `false`: there is one with its number.
    async fn enter_member(&self, member: &Member) -> Result<bool, StoreError>;

    /// A server lives. `false`: it has no row, or said that it stopped.
    async fn beat_member(
        &self,
        node: NodeNo,
        state: MemberState,
        sales: u32,
        hears: u32,
    ) -> Result<bool, StoreError>;

    /// Wishes a server to give its sales away, or to take some again. `false`: it has no row, or has stopped.
    async fn wish_drain(&self, node: NodeNo, is_to_drain: bool) -> Result<bool, StoreError>;

    /// Every row that there is, by its number; the newest, if they are too many.
    async fn members(&self) -> Result<Vec<Member>, StoreError>;

    /// Takes a row away, unless its beat is another one by now.
    async fn forget_member(&self, node: NodeNo, beat: u64) -> Result<(), StoreError>;

    /// What the clock of the database's machine says, UTC.
    async fn database_time(&self) -> Result<Timestamp, StoreError>;
}

const LAST: &str = "SELECT node_no FROM member ORDER BY node_no DESC LIMIT 1";
const ENTER: &str = "INSERT INTO member (node_no, name, release_no, wire_min, wire_max, beat, state, key_print, \
       rules_print, sales) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const BEAT: &str = "UPDATE member SET beat = beat + 1, state = ?, sales = ?, hears = ? WHERE node_no = ? AND state <> 'STOPPED'";
const MEMBERS: &str = "SELECT node_no, name, release_no, wire_min, wire_max, beat, state, key_print, rules_print, sales, \
       hears, is_to_drain FROM member ORDER BY node_no DESC LIMIT ?";
const DRAIN: &str = "UPDATE member SET is_to_drain = ? WHERE node_no = ? AND state <> 'STOPPED'";
const FORGET: &str = "DELETE FROM member WHERE node_no = ? AND beat = ?";

/// Every text above that finds a row, for a test of their plans. All members are meant to be read.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[BEAT, DRAIN, FORGET];

#[async_trait]
impl<B: Backend> Members for B {
    async fn join_members(&self, about: &About) -> Result<NodeNo, StoreError> {
        for _ in 0..ENTER_ATTEMPTS_MAX {
            let last = query::one(&mut *self.own_reader().await?, LAST, numbers(&[])).await?;
            let last: u32 = last.map_or(Ok(0), |row| row.number("node_no"))?;
            let node = NodeNo(last + 1);
            if node.0 >= NodeNo::END {
                return Err(StoreError::broken(format!("there is no number after {last} for a server")));
            }
            let (about, state) = (about.clone(), MemberState::Up);
            let member = Member { node, about, beat: 0, state, sales: 0, hears: 0, is_to_drain: false };
            if self.enter_member(&member).await? {
                return Ok(node);
            }
        }
        Err(StoreError::RolledBack("other servers take every number first".into()))
    }

    async fn enter_member(&self, member: &Member) -> Result<bool, StoreError> {
        let enter = || async {
            let mut held = self.own_hold().await?;
            held.run_unless_there(ENTER.into_sql_str(), entered::<B>(member)).await
        };
        Ok(again(enter).await?.is_some())
    }

    async fn beat_member(
        &self,
        node: NodeNo,
        state: MemberState,
        sales: u32,
        hears: u32,
    ) -> Result<bool, StoreError> {
        let beat = || async {
            let mut held = self.own_hold().await?;
            let beaten = query::run(&mut *held, BEAT, |to| {
                to.text(Some(member_state(state)));
                to.id(sales.into());
                to.id(hears.into());
                to.id(node.0.into());
            });
            beaten.await
        };
        Ok(again(beat).await?.rows == 1)
    }

    async fn wish_drain(&self, node: NodeNo, is_to_drain: bool) -> Result<bool, StoreError> {
        let wish = || async {
            let mut held = self.own_hold().await?;
            let wished = query::run(&mut *held, DRAIN, |to| {
                to.id(is_to_drain.into());
                to.id(node.0.into());
            });
            wished.await.map(drop)
        };
        again(wish).await?;
        // What is changed to what it was counts as no row at some servers.
        let members = self.members().await?;
        Ok(members.iter().any(|member| member.node == node && member.state != MemberState::Stopped))
    }

    async fn members(&self) -> Result<Vec<Member>, StoreError> {
        let most = numbers(&[MEMBERS_LISTED_MAX as u64]);
        let rows = self.own_reader().await?.all(MEMBERS.into_sql_str(), most).await?;
        rows.iter().rev().map(member_of).collect()
    }

    async fn forget_member(&self, node: NodeNo, beat: u64) -> Result<(), StoreError> {
        let mut held = self.own_hold().await?;
        let forgotten = query::run(&mut *held, FORGET, |to| {
            to.id(node.0.into());
            to.id(beat);
        });
        forgotten.await.map(drop)
    }

    async fn database_time(&self) -> Result<Timestamp, StoreError> {
        let row = query::one(&mut *self.own_reader().await?, B::Link::DIALECT.now, numbers(&[])).await?;
        let now = row.map(|row| row.opt_time("now")).transpose()?.flatten();
        now.ok_or_else(|| StoreError::broken("the database does not say what time it is"))
    }
}

fn entered<B: Backend>(member: &Member) -> <B::Link as Link>::Values {
    let mut values = <B::Link as Link>::Values::default();
    let about = &member.about;
    let short = |text: &str, chars_max: usize| text.chars().take(chars_max).collect::<String>();
    values.id(member.node.0.into());
    values.text(Some(&short(&about.name, MEMBER_NAME_CHARS_MAX)));
    values.text(Some(&short(&about.release, RELEASE_CHARS_MAX)));
    values.id(about.wire.0.into());
    values.id(about.wire.1.into());
    values.id(member.beat);
    values.text(Some(member_state(member.state)));
    values.text(Some(&about.key_print));
    values.text(Some(&about.rules_print));
    values.id(member.sales.into());
    values
}

fn member_of<R: Cells>(row: &R) -> Result<Member, StoreError> {
    let text = |column| row.text(column).map(str::to_owned);
    Ok(Member {
        node: NodeNo(row.number("node_no")?),
        about: About {
            name: text("name")?,
            release: text("release_no")?,
            wire: (row.number("wire_min")?, row.number("wire_max")?),
            key_print: text("key_print")?,
            rules_print: text("rules_print")?,
        },
        beat: row.number("beat")?,
        state: match row.text("state")? {
            "UP" => MemberState::Up,
            "DRAINING" => MemberState::Draining,
            "STOPPED" => MemberState::Stopped,
            other => {
                return Err(StoreError::broken(format!("a member is in no state that is called {other}")));
            }
        },
        sales: row.number("sales")?,
        hears: row.number("hears")?,
        is_to_drain: row.number::<u8>("is_to_drain")? == 1,
    })
}

pub const fn member_state(state: MemberState) -> &'static str {
    match state {
        MemberState::Up => "UP",
        MemberState::Draining => "DRAINING",
        MemberState::Stopped => "STOPPED",
    }
}
