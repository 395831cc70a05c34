//! `frontrow token`: an access token, signed with the key in the data folder.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use frontrow::clock::Clock;
use frontrow::desk::auth::Auth;
use frontrow::domain::ids::UserId;
use frontrow_protocol::HumanDuration;
use serde_json::json;

use super::{DataArgs, open_store, print_json};

pub const DEFAULT_TTL: &Duration = &Duration::from_secs(12 * 60 * 60);

#[derive(Args)]
pub struct Token {
    /// The user to act as.
    #[arg(long, value_name = "ID", required_unless_present = "operator", conflicts_with = "operator")]
    user: Option<u64>,
    /// An operator's token instead: for the admin calls.
    #[arg(long)]
    operator: bool,
    /// The time for which it is valid, such as 12h.
    #[arg(long, default_value = "12h")]
    ttl: HumanDuration,
    #[command(flatten)]
    data: DataArgs,
}

impl Token {
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.data.config()?;
        let auth = Auth::open(&config.data, &config.auth)?;
        let now = Clock::system().utc();
        let ttl = self.ttl.as_duration();
        let Some(user) = self.user else {
            let access_token = auth.mint_operator(now, ttl);
            return print_json(&json!({"role": "operator", "access_token": access_token}));
        };
        let user = UserId(user);
        let store = open_store(&config, &self.data).await?;
        if store.user(user).await.context("could not look the user up")?.is_none() {
            bail!("there is no user {user}; `frontrow user add` makes one");
        }
        print_json(&json!({"user_id": user.0, "access_token": auth.mint_user(user, now, ttl)}))
    }
}
