//! `frontrow user add`: a user of our own, with a token to act as them.

use anyhow::{Context, bail};
use clap::Subcommand;
use frontrow::clock::Clock;
use frontrow::desk::auth::Auth;
use frontrow::domain::seat_plan::MONEY_MAX;
use frontrow::store::NewUser;
use serde_json::json;

use super::token::DEFAULT_TTL;
use super::{DataArgs, open_store, prices, print_text};

#[derive(Subcommand)]
pub enum User {
    /// Make a user, or many alike. Prints a line for each: their id and an access token that is good for 12 hours.
    Add {
        #[arg(long)]
        name: String,
        /// The balance that the wallet starts with, in the currency's minor unit.
        #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
        balance: i64,
        /// The number of users to make, all of this name and balance; for load tests.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        count: u32,
        #[command(flatten)]
        data: DataArgs,
    },
}

impl User {
    pub async fn run(self) -> anyhow::Result<()> {
        let Self::Add { name, balance, count, data } = self;
        let name = prices::name("the name", &name, 100)?;
        if !(0..=MONEY_MAX).contains(&balance) {
            bail!("a balance is between 0 and {MONEY_MAX}, not {balance}");
        }
        let config = data.config()?;
        let store = open_store(&config, &data).await?;
        let auth = Auth::open(&config.data, &config.auth)?;
        let now = Clock::system().utc();
        let new = NewUser { name, balance, guest: false, at: now };
        let made = store.add_users(new, count).await.context("could not store the users")?;
        let mut lines = String::new();
        for user in made {
            let access_token = auth.mint_user(user, now, *DEFAULT_TTL);
            lines.push_str(&format!("{}\n", json!({"user_id": user.0, "access_token": access_token})));
        }
        print_text(&lines)
    }
}
