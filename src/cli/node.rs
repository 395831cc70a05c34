//! `frontrow node`: the servers of one database, as its rows have them.

use anyhow::Context;
use clap::{Args, Subcommand};
use frontrow::clock::Clock;
use frontrow::domain::ids::NodeNo;
use frontrow::domain::mark::Reading;
use frontrow::domain::membership::{Member, MemberState, Members};
use frontrow::limits::MEMBER_BEAT_INTERVAL;
use frontrow::store::{DataFolder, FolderError, Store, member_state};
use serde_json::json;

use super::{DataArgs, open_store, print_json};

#[derive(Subcommand)]
pub enum Node {
    /// List the servers of the database, and which of them live. It takes some seconds where one seems to be dead.
    List(List),
}

#[derive(Args)]
pub struct List {
    #[command(flatten)]
    data: DataArgs,
}

impl Node {
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(command) => command.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let config = self.data.config()?;
        let store = open_store(&config, &self.data).await?;
        let (all, living) = if store.is_embedded() {
            let all = store.members().await.context("could not read the servers")?;
            // It has one at a time, which has the folder's lock.
            let is_served = matches!(DataFolder::lock(&config.data), Err(FolderError::InUse { .. }));
            let newest = all.last().filter(|_| is_served).map(|member| member.node);
            (all, newest.into_iter().collect())
        } else {
            watch(&*store).await?
        };
        let rows: Vec<_> = all.iter().map(|member| row(member, living.contains(&member.node))).collect();
        print_json(&json!({ "nodes": rows }))
    }
}

/// Watches the marks of all servers until it is known of each whether it lives.
async fn watch(store: &dyn Store) -> anyhow::Result<(Vec<Member>, Vec<NodeNo>)> {
    let clock = Clock::system();
    let mut seen = Members::default();
    let mut first: Vec<Member> = Vec::new();
    let mut moved: Vec<NodeNo> = Vec::new();
    loop {
        let began = clock.steady();
        let all = store.members().await.context("could not read the servers")?;
        seen.see(all.clone(), Reading { began, ended: clock.steady() });
        if first.is_empty() {
            first.clone_from(&all);
        }
        for member in &all {
            let was = first.iter().find(|was| was.node == member.node);
            if was.is_none_or(|was| was.beat != member.beat) && !moved.contains(&member.node) {
                moved.push(member.node);
            }
        }
        if seen.living().all(|member| moved.contains(&member.node)) {
            let living = seen.living().map(|member| member.node).collect();
            return Ok((all, living));
        }
        clock.sleep_until(began + MEMBER_BEAT_INTERVAL).await;
    }
}

fn row(member: &Member, lives: bool) -> serde_json::Value {
    let about = &member.about;
    json!({
        "node": member.node.0,
        "name": about.name,
        "alive": lives && member.state != MemberState::Stopped,
        "state": member_state(member.state),
        "release": about.release,
        "sales": member.sales,
        "key_print": about.key_print,
        "rules_print": about.rules_print,
    })
}
