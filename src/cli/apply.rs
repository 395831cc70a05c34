//! `frontrow apply`: brings tables up to date that a killed server left behind their journals, and takes the schema back to
//! what an older release knows, so that it can be started again.

use anyhow::{Context, bail};
use clap::Args;
use frontrow::clock::Clock;
use frontrow::limits::{CAUGHT_UP_AT_ONCE_MAX, LEASE};
use frontrow::store::{self, DataFolder, Store, WriterId, random_id};
use serde_json::json;

use super::{DataArgs, open_store, print_json};

#[derive(Args)]
pub struct Apply {
    /// The release that is to be started next, by the last migration that it knows, as it says itself when it refuses a newer
    /// schema ("this program ends at 51"). Without it the tables alone are brought up to date.
    #[arg(long, value_name = "MIGRATION")]
    for_release: Option<u32>,
    #[command(flatten)]
    data: DataArgs,
}

impl Apply {
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.data.config()?;
        let url = config.database_url.as_ref().map(|url| url.reveal());
        if let Some(release) = self.for_release {
            store::may_take_back(url, release)?;
        }
        // Of the embedded database there is one server at most.
        let _folder = match url {
            None => Some(DataFolder::lock(&config.data).context("stop the server first")?),
            Some(_) => None,
        };
        let store = open_store(&config, &self.data).await?;
        refuse_servers(&*store).await?;
        let applied = catch_up(&*store).await?;
        // Whoever came meanwhile is at work by now.
        refuse_servers(&*store).await?;
        let mut taken_back = Vec::new();
        if let Some(release) = self.for_release {
            drop(store);
            taken_back = store::take_back(url, &config.data, release)
                .await
                .context("could not take the schema back; the same command again goes on")?;
        }
        print_json(&json!({"applied": applied, "taken_back": taken_back}))
    }
}

async fn refuse_servers(store: &dyn Store) -> anyhow::Result<()> {
    if !store.is_embedded() && store.is_served(store.database_time().await?).await? {
        bail!(
            "a server is at work with this database, or was killed less than {} s ago: stop it, and say it again",
            LEASE.as_secs()
        );
    }
    Ok(())
}

/// Writes what the tables lack. Gives the number of the journals' rows that were behind.
async fn catch_up(store: &dyn Store) -> anyhow::Result<u64> {
    let mut rows = 0;
    for of in store.behind().await? {
        let (writer, now) = (WriterId(random_id()), Clock::system().utc());
        let concert = of.concert;
        // No server is at work, and one that begins now is not disturbed.
        let holder = store.holder(concert).await?;
        let before = store.claim(concert, writer, now, Some(holder)).await?.before;
        let caught_up = store.catch_up(concert, writer, CAUGHT_UP_AT_ONCE_MAX).await;
        // Of a clock that was set back the sale's time knows nothing.
        let now = before.map_or(now, |before| before.max(now));
        store.release_claims(writer, Some(now)).await?;
        caught_up.with_context(|| {
            format!("the tables of concert {concert} do not take what its journal says (`frontrow repair {concert}`)")
        })?;
        rows += of.end - of.applied;
    }
    if let Some(of) = store.behind().await?.first() {
        bail!("the tables of concert {} are behind its journal again: somebody is at work", of.concert);
    }
    Ok(rows)
}
