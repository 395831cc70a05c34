//! `frontrow journal archive`: moves old rows of the journal out of the database, into files.

use anyhow::{Context, bail};
use clap::Subcommand;
use frontrow::clock::Clock;
use frontrow::domain::time::Timestamp;
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
    /// sale, and none that its other tables do not have yet. Servers may be running.
    Archive {
        /// The age that a row has to have, such as 30d; an hour at least.
        #[arg(long, default_value = "30d", conflicts_with = "before")]
        older_than: HumanDuration,
        /// The time that a row has to be older than, RFC 3339 with an offset, such as 2026-11-29T00:00:00Z; an hour ago at
        /// the latest.
        #[arg(long, value_name = "TIME", value_parser = time)]
        before: Option<Timestamp>,
        #[command(flatten)]
        data: DataArgs,
    },
}

impl Journal {
    pub async fn run(self) -> anyhow::Result<()> {
        let Self::Archive { older_than, before, data } = self;
        let now = Clock::system().utc();
        let (named, before) = match before {
            Some(before) => ("--before must be an hour ago at least", before),
            None => ("--older-than must be an hour at least", now - older_than.as_duration()),
        };
        if before > now - OLDER_THAN_MIN {
            bail!("{named}: a running server's last rows stay");
        }
        let config = data.config()?;
        let store = open_store(&config, &data).await?;
        let archive = Archive::new(config.journal_archive());
        let archived =
            archive.run(&*store, before, NEWEST_KEPT).await.context("could not archive the journal")?;
        print_json(&json!({
            "rows": archived.rows,
            "files": archived.files,
            "folder": archive.folder().display().to_string(),
        }))
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    let read = chrono::DateTime::parse_from_rfc3339(text).map_err(|error| error.to_string())?;
    Ok(Timestamp::from_millis(read.timestamp_millis()))
}
