//! `frontrow currency`: in which currency wallets are, and the decision where concerts are in several.

use anyhow::bail;
use clap::Args;
use frontrow::clock::Clock;
use serde_json::json;

use super::{DataArgs, open_store, print_json};

#[derive(Args)]
pub struct Currency {
    /// Wallets are in this one from the server's next start on, and only concerts in it are sold. Balances keep their number.
    #[arg(value_name = "CODE")]
    decide: Option<String>,
    #[command(flatten)]
    data: DataArgs,
}

impl Currency {
    pub async fn run(self) -> anyhow::Result<()> {
        let store = open_store(&self.data.config()?, &self.data).await?;
        if let Some(code) = &self.decide {
            let known = store.wallet_currency().await?;
            let mut there = known.code.iter().chain(&known.others);
            if !there.any(|there| there == code) {
                bail!("no concert is in {code}: decide between those that there are");
            }
            store.decide_currency(code, Clock::system().utc()).await?;
        }
        let wallets = store.wallet_currency().await?;
        print_json(&json!({"currency": wallets.code, "decided": wallets.decided, "not_sold": wallets.others}))
    }
}
