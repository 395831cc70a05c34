//! `frontrow audit`: reads the database alone.

use anyhow::Context;
use clap::Args;
use frontrow::store::archive::Archive;
use serde_json::json;

use super::{DataArgs, open_store, print_json, print_text};

#[derive(Args)]
pub struct Audit {
    /// `{ok, seen, faults}` instead of lines for people.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

impl Audit {
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.data.config()?;
        let store = open_store(&config, &self.data).await?;
        let archive = Archive::new(config.journal_archive());
        let report = store.audit_with(Some(&archive)).await.context("could not read the database")?;
        let mut seen: Vec<_> = report.seen.iter().collect();
        seen.sort_unstable();
        if self.json {
            print_json(
                &json!({"ok": report.faults.is_empty(), "seen": report.seen, "faults": report.faults}),
            )?;
        } else {
            let lines: Vec<_> = seen.iter().map(|(what, count)| format!("{count:>10}  {what}\n")).collect();
            print_text(&lines.concat())?;
            for fault in &report.faults {
                print_text(&format!("fault: {fault}\n"))?;
            }
        }
        match report.faults.len() {
            0 if self.json => Ok(()),
            0 => print_text("everything fits\n"),
            1 => anyhow::bail!("1 fault"),
            faults => anyhow::bail!("{faults} faults"),
        }
    }
}
