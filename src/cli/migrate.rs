//! `frontrow migrate`: the schema alone, for those who do not want a server to change it by starting.

use anyhow::Context;
use clap::Args;
use frontrow::store;
use serde_json::json;

use super::{DataArgs, print_json, refuse_lost_database};

#[derive(Args)]
pub struct Migrate {
    /// Say what would be applied and change nothing; exits with 1 if there is anything.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    data: DataArgs,
}

impl Migrate {
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.data.config()?;
        refuse_lost_database(&config, &self.data)?;
        let url = config.database_url.as_ref().map(|url| url.reveal());
        let pending =
            store::pending_migrations(url, &config.data).await.context("could not look at the schema")?;
        if self.check {
            print_json(&json!({"pending": pending}))?;
            anyhow::ensure!(pending.is_empty(), "the schema lacks {}", pending.join(", "));
            return Ok(());
        }
        store::open(url, &config.data).await.context("could not bring the schema up to date")?;
        print_json(&json!({"applied": pending}))
    }
}
