//! `frontrow import`: a concert from a seating plan, whole or not at all.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use frontrow::clock::Clock;
use frontrow::domain::record::SaleState;
use frontrow::domain::rules::{OwnRules, SaleSettings};
use frontrow::store::NewConcert;
use frontrow::venue::{self, ImportOptions, WrittenTime, Zone};
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
    #[command(flatten)]
    data: DataArgs,
}

/// A plan on disk may not be larger; the largest stadiums have some 20 MiB.
const PLAN_BYTES_MAX: u64 = 64 * 1024 * 1024;
const SCHEDULES_MAX: usize = 366;
/// Faults that are listed: whoever mended so many runs the import again.
const FAULTS_LISTED_MAX: usize = 100;

impl Import {
    pub async fn run(self) -> anyhow::Result<()> {
        let title = prices::name("the title", &self.title, 200)?;
        let own = OwnRules { capacity: self.capacity, ..OwnRules::default() };
        let own = own.patched(&rules::own(&self.rules)?);
        if self.currency.len() != 3 || !self.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            bail!("`{}` is not a currency code such as KRW", self.currency);
        }
        if self.starts_at.len() > SCHEDULES_MAX {
            bail!("{} performances are more than {SCHEDULES_MAX}", self.starts_at.len());
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
        let imported = venue::import(&plan, &self.prices, options).map_err(|faults| {
            let mut list: Vec<_> =
                faults.iter().take(FAULTS_LISTED_MAX).map(|fault| format!("  {fault}")).collect();
            if faults.len() > FAULTS_LISTED_MAX {
                list.push(format!("  and {} more", faults.len() - FAULTS_LISTED_MAX));
            }
            let count = match faults.len() {
                1 => "1 fault".to_owned(),
                many => format!("{many} faults"),
            };
            anyhow::anyhow!("{path} was refused for {count}, nothing was stored:\n{}", list.join("\n"))
        })?;
        let zone = match (self.zone, &imported.time_zone) {
            (Some(zone), _) => Some(zone),
            (None, own) => own.as_deref().map(str::parse::<Zone>).transpose()?,
        };
        let instant = |time: &WrittenTime| time.instant(zone.as_ref());
        let mut starts_at = self.starts_at.iter().map(instant).collect::<Result<Vec<_>, _>>()?;
        starts_at.sort_unstable();
        if let Some(twice) = starts_at.windows(2).find(|pair| pair[0] == pair[1]) {
            let at = frontrow_protocol::Timestamp::from_millis(twice[0].as_millis());
            bail!("two performances start at {at}");
        }
        let opens_at = self.opens_at.as_ref().map(instant).transpose()?;
        let now = Clock::system().utc();
        let mut warnings = imported.warnings;
        if zone.is_none() {
            warnings.push(
                "the venue's time zone is not known: fans see its performances in their own (--zone)"
                    .to_owned(),
            );
        }
        for at in starts_at.iter().filter(|at| **at <= now) {
            let at = frontrow_protocol::Timestamp::from_millis(at.as_millis());
            warnings.push(format!("the performance at {at} has started already, and will not be sold"));
        }
        let store = open_store(&self.data.config()?, &self.data).await?;
        let (concert, schedules) = store
            .add_concert(NewConcert {
                title,
                currency: self.currency,
                time_zone: zone.as_ref().map(|zone| zone.name().to_owned()),
                layout: imported.layout,
                starts_at,
                restricted: Vec::new(),
                settings: SaleSettings {
                    state: if self.open { SaleState::Open } else { SaleState::Scheduled },
                    opens_at,
                    message: None,
                    own,
                },
                at: now,
            })
            .await
            .context("could not store the concert")?;
        print_json(&json!({
            "concert_id": concert.0,
            "schedule_ids": schedules.iter().map(|schedule| schedule.0).collect::<Vec<_>>(),
            "seats": imported.seats,
            "time_zone": zone.map(|zone| zone.name().to_owned()),
            "warnings": warnings,
        }))
    }
}
