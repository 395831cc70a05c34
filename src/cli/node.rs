//! `frontrow node`: the servers of one database, as its rows have them.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use frontrow::clock::Clock;
use frontrow::desk::server_name;
use frontrow::domain::ids::{ConcertId, NodeNo};
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
    /// Have a server give its sales to others and take none; it serves on as their door. Waits until it has.
    Drain(Drain),
    /// Let a server take sales again. A restart does the same.
    Undrain(Drain),
}

#[derive(Args)]
pub struct Drain {
    /// The number or name of the server; this machine's, if none is named.
    node: Option<String>,
    #[command(flatten)]
    data: DataArgs,
}

/// The time that a server may take to give its sales away before a command says that it does not.
const MOVED_PATIENCE: Duration = Duration::from_secs(60);

#[derive(Args)]
pub struct List {
    #[command(flatten)]
    data: DataArgs,
}

impl Node {
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(command) => command.run().await,
            Self::Drain(command) => command.run(true).await,
            Self::Undrain(command) => command.run(false).await,
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
            (all, newest.into_iter().collect::<Vec<_>>())
        } else {
            let (all, seen) = watch(&*store).await?;
            (all, seen.living().map(|member| member.node).collect())
        };
        let rows: Vec<_> = all.iter().map(|member| row(member, living.contains(&member.node))).collect();
        print_json(&json!({ "nodes": rows }))
    }
}

impl Drain {
    async fn run(self, is_to_drain: bool) -> anyhow::Result<()> {
        let config = self.data.config()?;
        let store = open_store(&config, &self.data).await?;
        refuse_embedded(&*store)?;
        let (_, seen) = watch(&*store).await?;
        let name = self.node.unwrap_or_else(|| server_name(&config));
        let node = find(&seen, &name)?;
        if is_to_drain {
            refuse_without_heir(&seen, node, None)?;
        }
        if !store.wish_drain(node, is_to_drain).await.context("could not note the wish")? {
            bail!("node {node} has stopped");
        }
        if is_to_drain {
            wait(async || {
                let members = store.members().await.context("could not read the servers")?;
                let own = members.iter().find(|member| member.node == node);
                Ok(own.is_none_or(|own| own.state != MemberState::Up && own.sales == 0))
            })
            .await
            .with_context(|| format!("node {node} runs sales still: its log says why"))?;
        }
        print_json(&json!({ "node": node.0, "drained": is_to_drain }))
    }
}

/// Has a sale move to a server, by its number or name, and waits until it runs there.
pub async fn move_sale(data: &DataArgs, concert: ConcertId, to: &str) -> anyhow::Result<()> {
    let config = data.config()?;
    let store = open_store(&config, data).await?;
    refuse_embedded(&*store)?;
    let (_, seen) = watch(&*store).await?;
    let to = find(&seen, to)?;
    let holder = store.holder(concert).await.context("could not read who runs the sale")?;
    let runs = holder.writer.and_then(|writer| writer.node());
    if let Some(owner) = runs.filter(|owner| *owner != to) {
        refuse_without_heir(&seen, owner, Some(to))?;
    }
    if runs != Some(to) {
        store.wish_move(concert, to).await.context("could not note the wish")?;
        wait(async || {
            let holder = store.holder(concert).await.context("could not read who runs the sale")?;
            Ok(holder.writer.and_then(|writer| writer.node()) == Some(to))
        })
        .await
        .with_context(|| {
            format!("sale {concert} is not run by node {to}: the log of who runs it says why")
        })?;
    }
    print_json(&json!({ "concert": concert.0, "node": to.0 }))
}

fn refuse_embedded(store: &dyn Store) -> anyhow::Result<()> {
    match store.is_embedded() {
        true => bail!("the embedded database has one server, and nothing moves"),
        false => Ok(()),
    }
}

/// The server that lives and has this number, or this name; the newest of several.
fn find(seen: &Members, wanted: &str) -> anyhow::Result<NodeNo> {
    let number: Option<u32> = wanted.parse().ok();
    let is_it = |member: &&Member| Some(member.node.0) == number || member.about.name == wanted;
    let found = seen.living().filter(is_it).last();
    found.map(|member| member.node).with_context(|| format!("no server lives that is called {wanted}"))
}

/// Sales move only where a bus brings on what fans ask for meanwhile, and only to who may run them. `to`: to this server.
fn refuse_without_heir(seen: &Members, owner: NodeNo, to: Option<NodeNo>) -> anyhow::Result<()> {
    if seen.get(owner).is_none_or(|member| member.hears == 0) {
        bail!("node {owner} hears no other server over a bus: nothing moves while it runs");
    }
    if !seen.may_own(owner).any(|member| to.is_none_or(|to| member.node == to)) {
        bail!("there is no such server that may run the sales of node {owner}, and nothing moves");
    }
    Ok(())
}

/// Waits until something is so, for as long as giving sales away may take.
async fn wait(is_so: impl AsyncFn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let clock = Clock::system();
    let end = clock.steady() + MOVED_PATIENCE;
    while !is_so().await? {
        if clock.steady() >= end {
            bail!("{} s have passed", MOVED_PATIENCE.as_secs());
        }
        clock.sleep_until(clock.steady() + MEMBER_BEAT_INTERVAL / 4).await;
    }
    Ok(())
}

/// Watches the marks of all servers until it is known of each whether it lives.
async fn watch(store: &dyn Store) -> anyhow::Result<(Vec<Member>, Members)> {
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
            return Ok((all, seen));
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
        "hears": member.hears,
        "to_drain": member.is_to_drain,
        "key_print": about.key_print,
        "rules_print": about.rules_print,
    })
}
