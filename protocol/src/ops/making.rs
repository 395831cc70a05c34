//! Concerts that are still being made. Everything of a draft may be missing, and may change, until it is announced.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::about::About;
use crate::admin::{SalePatch, SaleSettingsOwn};
use crate::limits::{
    CATEGORY_CHARS_MAX, MONEY_MAX, PERFORMANCES_MAX, PRICES_MAX, TITLE_CHARS_MAX, is_blank, is_control,
};
use crate::result::SaleState;
use crate::time::Timestamp;

/// Characters of a time as it is written.
const TIME_CHARS_MAX: usize = 40;
/// Characters of a time zone's name.
const ZONE_CHARS_MAX: usize = 64;

/// What was entered of a draft.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entered {
    pub title: String,
    /// ISO 4217. `null`: that of the wallets.
    pub currency: Option<String>,
    /// The venue's IANA time zone. `null`: the plan's own.
    pub zone: Option<String>,
    /// The performances: RFC 3339, or without an offset by the venue's clocks.
    pub starts_at: Vec<String>,
    /// A price for each category that has seats, in the currency's minor unit.
    pub prices: BTreeMap<String, i64>,
    /// When the sale opens by itself, written as the starts are.
    pub opens_at: Option<String>,
    /// Open it as soon as it is announced.
    pub open: bool,
    /// The rules of this sale that are not the run's own.
    pub rules: SaleSettingsOwn,
    pub about: About,
    /// Rename repeated seat guids of the plan instead of naming them as faults.
    pub fix_duplicates: bool,
}

/// What is entered of a draft. An absent field stays as it is, one that is there takes the whole place of what was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftPatch {
    /// The revision that was seen. If it is another one, nothing is changed: `CHANGED_MEANWHILE`. Not for a new draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "title")]
    #[schemars(length(max = TITLE_CHARS_MAX))]
    pub title: Option<String>,
    /// Empty: that of the wallets.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "currency")]
    #[schemars(regex(pattern = "^([A-Z]{3})?$"))]
    pub currency: Option<String>,
    /// Empty: the plan's own.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "zone")]
    #[schemars(length(max = ZONE_CHARS_MAX))]
    pub zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "times")]
    #[schemars(length(max = PERFORMANCES_MAX))]
    pub starts_at: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "prices")]
    pub prices: Option<BTreeMap<String, i64>>,
    /// Empty: it does not open by itself.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    #[schemars(length(max = TIME_CHARS_MAX))]
    pub opens_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
    /// As `PATCH /admin/sales` takes them; the state, the opening and the message are no rules.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "rules")]
    #[schemars(with = "SalePatch")]
    pub rules: Option<SaleSettingsOwn>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "about")]
    pub about: Option<About>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix_duplicates: Option<bool>,
}

impl Entered {
    #[must_use]
    pub fn patched(self, patch: DraftPatch) -> Self {
        let unless_empty = |entered: Option<String>, before: Option<String>| match entered {
            None => before,
            Some(entered) => Some(entered).filter(|entered| !entered.is_empty()),
        };
        Self {
            title: patch.title.unwrap_or(self.title),
            currency: unless_empty(patch.currency, self.currency),
            zone: unless_empty(patch.zone, self.zone),
            starts_at: patch.starts_at.unwrap_or(self.starts_at),
            prices: patch.prices.unwrap_or(self.prices),
            opens_at: unless_empty(patch.opens_at, self.opens_at),
            open: patch.open.unwrap_or(self.open),
            rules: patch.rules.unwrap_or(self.rules),
            about: patch.about.unwrap_or(self.about),
            fix_duplicates: patch.fix_duplicates.unwrap_or(self.fix_duplicates),
        }
    }
}

/// A draft, and what is missing of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Draft {
    pub draft_id: u64,
    /// Counts the changes.
    pub revision: u64,
    pub made_at: Timestamp,
    pub changed_at: Timestamp,
    /// What became of it; absent before it is announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concert_id: Option<u32>,
    pub entered: Entered,
    pub plan: Option<DraftPlan>,
    /// What is in the way of announcing it; nothing, if it is empty.
    pub missing: Vec<Missing>,
}

/// All drafts, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drafts {
    pub drafts: Vec<Draft>,
}

/// A draft's seating plan: what was found in its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DraftPlan {
    /// The venue's name.
    pub venue: String,
    pub seats: u32,
    pub rows: u32,
    pub zones: u32,
    /// Those that have seats, and so need a price.
    pub categories: Vec<DraftCategory>,
    /// The plan's own, by its IANA name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// How many seats it keeps from sale.
    pub restricted: u32,
    /// The first hundred reasons why it cannot be sold.
    pub faults: Vec<PlanFault>,
    /// How many there are.
    pub faults_count: u32,
    /// What was mended or ignored.
    pub warnings: Vec<String>,
}

/// A category of a draft's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DraftCategory {
    pub name: String,
    /// The colour, in the notation of CSS.
    pub color: String,
    pub seats: u32,
}

/// One reason why a plan cannot be sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanFault {
    /// The place in the file, such as `zones[0].rows[3].seats[2].position.x`.
    pub path: String,
    pub problem: String,
    /// The first and the last of the drawing's seats that it is about, where it is about any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<(u32, u32)>,
}

/// Something that is in the way of announcing a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Missing {
    pub what: MissingPart,
    /// Which one of several: a category, or a time as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The same in words.
    pub problem: String,
}

/// What is missing or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingPart {
    Title,
    Plan,
    /// The plan has faults.
    PlanFaults,
    /// A category has seats and no price.
    Price,
    Zone,
    /// There is no performance.
    StartsAt,
    /// What was written is no time, or no one time.
    Time,
    /// A performance has begun already, or is there twice.
    Start,
    OpensAt,
    /// The seats of all performances together are too many to be announced at once.
    TooManySeats,
}

/// The body of `POST /admin/drafts/{draft_id}/generate`: a made-up plan takes the place of the draft's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeneratePlan {
    /// The revision of the draft that was seen.
    pub revision: u64,
    pub shape: Shape,
    #[schemars(range(min = 1, max = 200_000))]
    pub seats: u32,
}

/// The kind of venue that is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Curved rows before a stage, in tiers when it is large.
    Hall,
    /// Blocks on the floor before an end stage, and a horseshoe of sections around them.
    Arena,
    /// A pitch with sections all around it.
    Stadium,
}

/// The body of `POST /admin/drafts/{draft_id}/announce`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Announce {
    /// The revision of the draft that was seen.
    pub revision: u64,
    /// Also if a concert with this title, this plan and one of these starts is there already.
    #[serde(default)]
    pub again: bool,
}

/// A concert that was announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Announced {
    pub concert_id: u32,
    pub schedule_ids: Vec<u64>,
    /// Of one performance.
    pub seats: u32,
    pub state: SaleState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    pub warnings: Vec<String>,
}

/// A picture that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Uploaded {
    /// Its name in `about.image_id`.
    pub image_id: String,
    /// Its sizes, as they are served at `/images/{image_id}-{width}.jpg`.
    pub sizes: Vec<ImageSize>,
}

/// One size of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageSize {
    pub width: u32,
    pub height: u32,
    pub bytes: u32,
}

fn plain<'de, D: Deserializer<'de>>(deserializer: D, chars_max: usize) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let text = text.trim();
    if text.chars().any(is_control) {
        return Err(de::Error::custom("must have no control characters"));
    }
    if text.chars().count() > chars_max || (is_blank(text) && !text.is_empty()) {
        return Err(de::Error::custom(format_args!(
            "must have at most {chars_max} characters, not only what cannot be seen"
        )));
    }
    Ok(Some(text.to_owned()))
}

fn title<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    plain(deserializer, TITLE_CHARS_MAX)
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    plain(deserializer, ZONE_CHARS_MAX)
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    plain(deserializer, TIME_CHARS_MAX)
}

fn currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let code = String::deserialize(deserializer)?;
    match code.is_empty() || is_currency(&code) {
        true => Ok(Some(code)),
        false => Err(de::Error::custom("must be a currency code such as KRW")),
    }
}

/// Does it look like a code of ISO 4217?
pub fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn times<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let times = Vec::<String>::deserialize(deserializer)?;
    if times.len() > PERFORMANCES_MAX {
        return Err(de::Error::custom(format_args!("must be at most {PERFORMANCES_MAX} performances")));
    }
    if times.iter().any(|time| time.chars().count() > TIME_CHARS_MAX || time.chars().any(is_control)) {
        return Err(de::Error::custom("must be times such as 2027-05-01T19:00"));
    }
    Ok(Some(times.iter().map(|time| time.trim().to_owned()).collect()))
}

fn prices<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeMap<String, i64>>, D::Error> {
    let prices = BTreeMap::<String, i64>::deserialize(deserializer)?;
    let fits = |(name, price): (&String, &i64)| {
        name.chars().count() <= CATEGORY_CHARS_MAX && (0..=MONEY_MAX).contains(price)
    };
    match prices.len() <= PRICES_MAX && prices.iter().all(fits) {
        true => Ok(Some(prices)),
        false => Err(de::Error::custom(format_args!(
            "must be at most {PRICES_MAX} amounts from 0 in the currency's minor unit, by category"
        ))),
    }
}

/// As `PATCH /admin/sales` takes them, so that a rule is let in by one door as by the other.
fn rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SaleSettingsOwn>, D::Error> {
    let rules = serde_json::Value::deserialize(deserializer)?;
    let patch: SalePatch = serde_json::from_value(rules.clone()).map_err(de::Error::custom)?;
    let is_rule =
        patch.state.is_none() && patch.opens_at.is_keep() && patch.message.is_keep() && patch.was.is_none();
    if !is_rule {
        return Err(de::Error::custom("must be rules of a sale alone"));
    }
    serde_json::from_value(rules).map(Some).map_err(de::Error::custom)
}

fn about<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<About>, D::Error> {
    let about = About::deserialize(deserializer)?;
    about.to_json().map_err(de::Error::custom)?;
    Ok(Some(about))
}
