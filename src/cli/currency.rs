//! `frontrow currency`: in which currency wallets are, and the decision where concerts are in several.

use anyhow::bail;
use clap::Args;
use frontrow::clock::Clock;
use frontrow::store::{DataFolder, FolderError};
use serde_json::json;

use super::{DataArgs, open_store, print_json};

#[derive(Args)]
pub struct Currency {
    /// Wallets are in this one, and only concerts in it are sold. Balances keep their number, so no server may run while
    /// it becomes another one.
    #[arg(value_name = "CODE")]
    decide: Option<String>,
    #[command(flatten)]
    data: DataArgs,
}

impl Currency {
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.data.config()?;
        let store = open_store(&config, &self.data).await?;
        if let Some(code) = &self.decide {
            let known = store.wallet_currency().await?;
            let mut there = known.code.iter().chain(&known.others);
            if !there.any(|there| there == code) {
                bail!("no concert is in {code}: decide between those that there are");
            }
            let now = Clock::system().utc();
            // No server begins with the embedded database until it is written down.
            let mut _folder = None;
            if known.code.as_ref() != Some(code) {
                let is_served = match config.database_url {
                    Some(_) => store.is_served(store.database_time().await?).await?,
                    None => match DataFolder::lock(&config.data) {
                        Ok(folder) => {
                            _folder = Some(folder);
                            false
                        }
                        Err(FolderError::InUse { .. }) => true,
                        Err(error) => return Err(error.into()),
                    },
                };
                if is_served {
                    bail!(
                        "a server is running: it would go on taking prices in {} out of wallets in {code}; stop it, \
                         decide, and start it again",
                        known.code.unwrap_or_default()
                    );
                }
            }
            store.decide_currency(code, now).await?;
        }
        let wallets = store.wallet_currency().await?;
        print_json(&json!({"currency": wallets.code, "decided": wallets.decided, "not_sold": wallets.others}))
    }
}
