//! The rows of the servers that are played, among those of the cluster. They say that they are to stop, so that nobody gives
//! them a sale; for all else they live.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use frontrow::domain::ids::{ConcertId, NodeNo};
use frontrow::domain::membership::{About, Member, MemberState};
use frontrow::limits;
use frontrow::store::{Store, StoreError};

use super::WIRE;

/// A sale that was made just now is claimed within seconds.
const CLAIM_PATIENCE: Duration = Duration::from_secs(30);

/// Who runs the sale.
pub struct Owner {
    pub member: Member,
    pub epoch: u64,
}

impl Owner {
    pub async fn find(store: &dyn Store, concert: ConcertId) -> anyhow::Result<Self> {
        let began = Instant::now();
        loop {
            let (holder, members) = (store.holder(concert).await?, store.members().await?);
            if let Some(node) = holder.writer.and_then(|writer| writer.node()) {
                let member = members.into_iter().find(|member| member.node == node);
                let member = member.with_context(|| format!("node {node} is not among the members"))?;
                let (least, most) = member.about.wire;
                ensure!(most > 0, "{} has no bus: it needs cluster.bus", member.named());
                ensure!(
                    (least..=most).contains(&WIRE.into()),
                    "{} speaks wire {least} to {most}, and this tool {WIRE}",
                    member.named()
                );
                return Ok(Self { member, epoch: holder.epoch });
            }
            if began.elapsed() > CLAIM_PATIENCE {
                bail!("nobody runs the sale of concert {concert}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

pub struct Roster {
    store: Arc<dyn Store>,
    nodes: Vec<NodeNo>,
    /// Those who live besides.
    others: usize,
}

impl Roster {
    /// Joins the cluster that often, with the key and the rules of `like`.
    pub async fn join(store: Arc<dyn Store>, like: &Member, nodes: usize) -> anyhow::Result<Self> {
        let others = store.members().await?;
        let others = others.iter().filter(|member| member.state != MemberState::Stopped).count();
        let mut roster = Self { store, nodes: Vec::with_capacity(nodes), others };
        for number in 1..=nodes {
            let about = About {
                name: format!("loadtest-{number}"),
                wire: (WIRE.into(), WIRE.into()),
                ..like.about.clone()
            };
            roster.nodes.push(roster.store.join_members(&about).await?);
        }
        roster.say(MemberState::Draining).await?;
        Ok(roster)
    }

    pub fn nodes(&self) -> &[NodeNo] {
        &self.nodes
    }

    /// How many servers the cluster has.
    pub fn living(&self) -> usize {
        self.others + self.nodes.len()
    }

    /// Says every second that they live, until it cannot.
    pub async fn beat(self: Arc<Self>) {
        let mut turns = tokio::time::interval(limits::MEMBER_BEAT_INTERVAL);
        loop {
            turns.tick().await;
            if let Err(error) = self.say(MemberState::Draining).await {
                return eprintln!("the beats of the servers cannot be written: {error:#}");
            }
        }
    }

    /// Says that they stopped, so that nobody needs to wait to know it.
    pub async fn leave(&self) -> anyhow::Result<()> {
        self.say(MemberState::Stopped).await
    }

    async fn say(&self, state: MemberState) -> anyhow::Result<()> {
        let hears = self.living() as u32 - 1;
        for node in &self.nodes {
            let has_row = self.beat_of(*node, state, hears).await?;
            ensure!(has_row, "the row of node {node} is gone: the cluster took it for dead");
        }
        Ok(())
    }

    async fn beat_of(&self, node: NodeNo, state: MemberState, hears: u32) -> Result<bool, StoreError> {
        self.store.beat_member(node, state, 0, hears).await
    }
}
