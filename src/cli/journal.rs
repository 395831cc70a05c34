//! `frontrow journal archive`: moves old rows of the journal out of the database, into files.

use anyhow::{Context, bail};
use clap::Subcommand;
use frontrow::clock::Clock;
use frontrow::store::archive::Archive;
use frontrow_protocol::HumanDuration;
use serde_json::json;

use super::{DataArgs, open_store, print_json};

/// A server that stood still for so long has been replaced, and its last batch was settled: nobody needs rows that
/// are older.
const OLDER_THAN_MIN: std::time::Duration = std::time::Duration::from_secs(60 * 60);
/// The rows of each sale that stay, so that whoever looks at the database alone sees what happened last.
const NEWEST_KEPT: u64 = 1_000;

#[derive(Subcommand)]
pub enum Journal {
    /// Move rows into files that `history` and `audit` read as well (`journal_archive`), but for the newest thousand of each
    /// sale. Servers may be running.
    Archive {
        /// The age that a row has to have, such as 30d; an hour at least.
        #[arg(long, default_value = "30d")]
        older_than: HumanDuration,
        #[command(flatten)]
        data: DataArgs,
    },
}

impl Journal {
    pub async fn run(self) -> anyhow::Result<()> {
        let Self::Archive { older_than, data } = self;
        let older_than = older_than.as_duration();
        if older_than < OLDER_THAN_MIN {
            bail!("--older-than must be an hour at least: a running server's last rows stay");
        }
        let config = data.config()?;
        let store = open_store(&config, &data).await?;
        let archive = Archive::new(config.journal_archive());
        let millis = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
        let now = Clock::system().utc().as_millis();
        let before = frontrow::domain::time::Timestamp::from_millis(now.saturating_sub(millis));
        let archived =
            archive.run(&*store, before, NEWEST_KEPT).await.context("could not archive the journal")?;
        print_json(&json!({
            "rows": archived.rows,
            "files": archived.files,
            "folder": archive.folder().display().to_string(),
        }))
    }
}
