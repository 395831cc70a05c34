//! `frontrow concert`: concerts that are being made at a running server, as the console makes them.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use frontrow::venue::Shape;
use frontrow_protocol::limits::{PICTURE_BODY_BYTES_MAX, PLAN_BODY_BYTES_MAX};
use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use super::client::ServerArgs;
use super::rules::{self, Rule};
use super::{prices, print_json};

const DRAFTS: &str = "/api/v1/admin/drafts";

#[derive(Args)]
pub struct Concert {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    call: Call,
}

#[derive(Subcommand)]
enum Call {
    /// Begin a draft.
    Draft(Entered),
    /// Show the drafts, or one of them, with what is missing.
    List { draft: Option<u64> },
    /// Change what was entered of a draft. What is not named stays as it is.
    Set {
        draft: u64,
        #[command(flatten)]
        entered: Entered,
    },
    /// Upload a seating plan, faults and all: they are named.
    Plan { draft: u64, plan: PathBuf },
    /// Make up a seating plan.
    Generate {
        draft: u64,
        #[arg(long, value_name = "N")]
        seats: u32,
        /// hall, arena or stadium.
        #[arg(long, default_value = "hall")]
        shape: Shape,
    },
    /// Upload the picture of a draft: a JPEG, a PNG or a WebP.
    Image { draft: u64, image: PathBuf },
    /// Make a concert of a draft.
    Announce {
        draft: u64,
        /// Also if a concert with this title, this plan and one of these starts is there already.
        #[arg(long)]
        again: bool,
    },
    /// Throw a draft away.
    Drop { draft: u64 },
    /// Archive a concert of which everything is over: its sale is not run any more, and no list has it.
    Archive { concert: u32 },
    /// Change what is said of a concert that is announced. What is not named stays as it is.
    Describe {
        concert: u32,
        #[arg(long)]
        title: Option<String>,
        /// All that its page says, as JSON: {"texts": {"description": …}}; {} says nothing.
        #[arg(long, value_name = "JSON")]
        about: Option<String>,
    },
}

#[derive(Args)]
struct Entered {
    #[arg(long)]
    title: Option<String>,
    /// The start of a performance, RFC 3339; without an offset by the venue's clocks. May be given more than once.
    #[arg(long)]
    starts_at: Vec<String>,
    /// The venue's IANA time zone, such as Asia/Seoul; empty: the plan's own.
    #[arg(long)]
    zone: Option<String>,
    /// A price in the currency's minor unit for each category that has seats.
    #[arg(long = "price", value_name = "CATEGORY=AMOUNT", value_parser = prices::price)]
    prices: Vec<(String, i64)>,
    /// ISO 4217; empty: that of the wallets.
    #[arg(long)]
    currency: Option<String>,
    /// The time at which the sale opens by itself; empty: it does not.
    #[arg(long)]
    opens_at: Option<String>,
    /// Open the sale as soon as it is announced.
    #[arg(long)]
    open: Option<bool>,
    /// A rule of this sale, such as capacity=500, instead of the run's own. Those that are given take the place of all.
    #[arg(long = "rule", value_name = "NAME=VALUE", value_parser = rules::rule)]
    rules: Vec<Rule>,
    /// What its page says, as JSON: {"texts": {"description": …, "address": …}, "map_url": …}.
    #[arg(long, value_name = "JSON")]
    about: Option<String>,
    /// Rename repeated seat guids of the plan.
    #[arg(long)]
    fix_duplicates: Option<bool>,
}

impl Entered {
    fn patch(&self) -> anyhow::Result<Map<String, Value>> {
        let mut patch = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            patch.extend(value.map(|value| (name.to_owned(), value)));
        };
        set("title", self.title.as_ref().map(|title| json!(title)));
        set(
            "starts_at",
            Some(&self.starts_at).filter(|starts| !starts.is_empty()).map(|starts| json!(starts)),
        );
        set("zone", self.zone.as_ref().map(|zone| json!(zone)));
        let prices: Map<_, _> =
            self.prices.iter().map(|(name, price)| (name.clone(), json!(price))).collect();
        set("prices", Some(prices).filter(|prices| !prices.is_empty()).map(Value::Object));
        set("currency", self.currency.as_ref().map(|currency| json!(currency)));
        set("opens_at", self.opens_at.as_ref().map(|time| json!(time)));
        set("open", self.open.map(|open| json!(open)));
        let rules = Some(&self.rules).filter(|rules| !rules.is_empty());
        set("rules", rules.map(|rules| rules::patch(rules)).transpose()?);
        let about = self.about.as_deref().map(serde_json::from_str).transpose();
        set("about", about.context("--about is not JSON")?);
        set("fix_duplicates", self.fix_duplicates.map(|fix| json!(fix)));
        Ok(patch)
    }
}

impl Concert {
    pub async fn run(self) -> anyhow::Result<()> {
        let answer = match &self.call {
            Call::Draft(entered) => self.send(Method::POST, DRAFTS, Value::Object(entered.patch()?)).await?,
            Call::List { draft: None } => self.server.call(Method::GET, DRAFTS, None).await?,
            Call::List { draft: Some(draft) } => self.draft(*draft).await?,
            Call::Set { draft, entered } => self.set(*draft, entered.patch()?).await?,
            Call::Plan { draft, plan } => {
                let file = read(plan, PLAN_BODY_BYTES_MAX)?;
                let revision = self.revision(*draft).await?;
                let path = format!("{}/plan?revision={revision}", path(*draft));
                self.server.upload(&path, file).await?
            }
            Call::Generate { draft, seats, shape } => {
                let revision = self.revision(*draft).await?;
                let body = json!({"revision": revision, "shape": shape.to_string(), "seats": seats});
                self.send(Method::POST, &format!("{}/generate", path(*draft)), body).await?
            }
            Call::Image { draft, image } => {
                let file = read(image, PICTURE_BODY_BYTES_MAX)?;
                let made = self.server.upload("/api/v1/admin/images", file).await?;
                let mut about = self.draft(*draft).await?["entered"]["about"].take();
                about["image_id"] = made["image_id"].clone();
                self.set(*draft, Map::from_iter([("about".to_owned(), about)])).await?
            }
            Call::Announce { draft, again } => {
                let body = json!({"revision": self.revision(*draft).await?, "again": again});
                self.send(Method::POST, &format!("{}/announce", path(*draft)), body).await?
            }
            Call::Drop { draft } => {
                self.server.call(Method::DELETE, &path(*draft), None).await?;
                json!({"draft_id": draft, "dropped": true})
            }
            Call::Archive { concert } => {
                let path = format!("/api/v1/admin/concerts/{concert}/archive");
                self.server.call(Method::POST, &path, None).await?;
                json!({"concert_id": concert, "archived": true})
            }
            Call::Describe { concert, title, about } => {
                let about: Option<Value> =
                    about.as_deref().map(serde_json::from_str).transpose().context("--about is not JSON")?;
                let said = [("title", title.as_ref().map(|title| json!(title))), ("about", about)];
                let said = said.into_iter().filter_map(|(name, said)| Some((name.to_owned(), said?)));
                let path = format!("/api/v1/admin/concerts/{concert}");
                self.send(Method::PATCH, &path, Value::Object(said.collect())).await?
            }
        };
        print_json(&answer)
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> anyhow::Result<Value> {
        self.server.call(method, path, Some(&body)).await
    }

    async fn draft(&self, draft: u64) -> anyhow::Result<Value> {
        self.server.call(Method::GET, &path(draft), None).await
    }

    async fn revision(&self, draft: u64) -> anyhow::Result<Value> {
        Ok(self.draft(draft).await?["revision"].take())
    }

    async fn set(&self, draft: u64, mut patch: Map<String, Value>) -> anyhow::Result<Value> {
        if patch.is_empty() {
            bail!("nothing is to be changed");
        }
        patch.insert("revision".to_owned(), self.revision(draft).await?);
        self.send(Method::PATCH, &path(draft), Value::Object(patch)).await
    }
}

fn path(draft: u64) -> String {
    format!("{DRAFTS}/{draft}")
}

fn read(path: &Path, bytes_max: usize) -> anyhow::Result<Bytes> {
    let file = std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    if file.len() > bytes_max {
        bail!("{} has more than {bytes_max} bytes", path.display());
    }
    Ok(file.into())
}
