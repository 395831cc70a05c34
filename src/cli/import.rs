//! `frontrow import`: a concert from a seating plan, whole or not at all.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use frontrow::clock::Clock;
use frontrow::desk::ops::making::{self, NotReady, Ready, Wanted};
use frontrow::domain::rules::OwnRules;
use frontrow::store::StoreError;
use frontrow::venue::{self, Fault, ImportOptions, WrittenTime, Zone};
use frontrow_protocol::limits::{PERFORMANCES_MAX, TITLE_CHARS_MAX};
use serde_json::json;

use super::rules::{self, Rule};
use super::{DataArgs, open_store, prices, print_json};

#[derive(Args)]
pub struct Import {
    /// A seating plan, as the seats.pretix.eu editor exports it.
    plan: PathBuf,
    #[arg(long)]
    title: String,
    /// The start of a performance, RFC 3339; without an offset by the venue's clocks. May be given more than once.
    #[arg(long, required = true)]
    starts_at: Vec<WrittenTime>,
    /// The venue's IANA time zone, such as Asia/Seoul, in which its performances are shown. Unset: the plan's own.
    #[arg(long)]
    zone: Option<Zone>,
    /// A price in the currency's minor unit for each category that has seats.
    #[arg(long = "price", value_name = "CATEGORY=AMOUNT", value_parser = prices::price)]
    prices: Vec<(String, i64)>,
    /// ISO 4217.
    #[arg(long, default_value = "KRW")]
    currency: String,
    /// The number of fans that may be admitted at a time.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(frontrow_protocol::limits::CAPACITY_MAX)))]
    capacity: Option<u32>,
    /// A rule of this sale, such as hold_ttl=3m, instead of the run's own; as `frontrow sale set` takes them.
    #[arg(long = "rule", value_name = "NAME=VALUE", value_parser = rules::rule)]
    rules: Vec<Rule>,
    /// The time at which the sale opens by itself, RFC 3339; without an offset by the venue's clocks.
    #[arg(long, conflicts_with = "open")]
    opens_at: Option<WrittenTime>,
    /// Open the sale at once.
    #[arg(long)]
    open: bool,
    /// Rename repeated seat guids instead of refusing the plan.
    #[arg(long)]
    fix_duplicates: bool,
    /// Store it even if a concert with this title, this plan and one of these starts is there already.
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// A plan on disk may not be larger; the largest stadiums have some 20 MiB.
const PLAN_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Faults that are listed: whoever mended so many runs the import again.
const FAULTS_LISTED_MAX: usize = 100;

impl Import {
    pub async fn run(self) -> anyhow::Result<()> {
        let title = prices::name("the title", &self.title, TITLE_CHARS_MAX)?;
        let own = OwnRules { capacity: self.capacity, ..OwnRules::default() };
        let own = own.patched(&rules::own(&self.rules)?);
        if self.currency.len() != 3 || !self.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            bail!("`{}` is not a currency code such as KRW", self.currency);
        }
        if self.starts_at.len() > PERFORMANCES_MAX {
            bail!("{} performances are more than {PERFORMANCES_MAX}", self.starts_at.len());
        }
        let path = self.plan.display();
        let mut plan = Vec::new();
        // The bound is on what is read, and not on a file's size, which pipes and devices do not have.
        File::open(&self.plan)
            .and_then(|file| file.take(PLAN_BYTES_MAX + 1).read_to_end(&mut plan))
            .with_context(|| format!("could not read {path}"))?;
        if plan.len() as u64 > PLAN_BYTES_MAX {
            bail!("{path} has more than {PLAN_BYTES_MAX} bytes");
        }
        let options = ImportOptions { fix_duplicates: self.fix_duplicates };
        let wanted = Wanted {
            title,
            currency: self.currency,
            zone: self.zone,
            starts_at: self.starts_at,
            prices: self.prices,
            opens_at: self.opens_at,
            open: self.open,
            own,
            about: None,
            again: self.again,
        };
        let ready = making::announce(wanted, venue::examine(&plan, options), Clock::system().utc());
        let Ready { concert, warnings } = ready.map_err(|reason| match reason {
            NotReady::Plan(faults) => refused(&path.to_string(), &faults),
            other => other.into(),
        })?;
        let (seats, time_zone) = (concert.layout.seat_count(), concert.time_zone.clone());
        let store = open_store(&self.data.config()?, &self.data).await?;
        let added = store.add_concert(concert).await;
        if let Err(StoreError::AlreadyThere { concert }) = added {
            bail!(
                "this is concert {concert} already, with the same title, plan and start, and nothing was stored: \
                 if it is another one all the same, say --again"
            );
        }
        let (concert, schedules) = added.context("could not store the concert")?;
        print_json(&json!({
            "concert_id": concert.0,
            "schedule_ids": schedules.iter().map(|schedule| schedule.0).collect::<Vec<_>>(),
            "seats": seats,
            "time_zone": time_zone,
            "warnings": warnings,
        }))
    }
}

/// Every fault with its place, as far as somebody mends them in one go.
fn refused(path: &str, faults: &[Fault]) -> anyhow::Error {
    let mut list: Vec<_> = faults.iter().take(FAULTS_LISTED_MAX).map(|fault| format!("  {fault}")).collect();
    if faults.len() > FAULTS_LISTED_MAX {
        list.push(format!("  and {} more", faults.len() - FAULTS_LISTED_MAX));
    }
    let count = match faults.len() {
        1 => "1 fault".to_owned(),
        many => format!("{many} faults"),
    };
    anyhow::anyhow!("{path} was refused for {count}, nothing was stored:\n{}", list.join("\n"))
}
