//! Concerts that are being made at the console: what was entered of them, what is missing, and what becomes of them. A plan's
//! faults do not refuse it here: they are named with their places, so that they can be mended.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use frontrow_protocol::ErrorObject;
use frontrow_protocol::about::{ConcertPage, PageCategory, PageSchedule};
use frontrow_protocol::ops::making::{
    self, Announce, Announced, Draft, DraftCategory, DraftPatch, DraftPlan, Drafts, Entered, GeneratePlan,
    Missing, MissingPart, PlanFault,
};
use frontrow_protocol::result::{Concert, ConcertSchedule, Sale, SaleState, ScheduleState};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::making::{NotReady, Ready, SEATS_ANNOUNCED_MAX, Wanted, announce};
use crate::desk::identity::unavailable;
use crate::desk::{Context, translate};
use crate::domain::time::Timestamp;
use crate::limits;
use crate::store::making::{DraftChange, DraftOutcome, DraftRecord};
use crate::store::operators::Note;
use crate::store::{Making, StoreError};
use crate::venue::import::PRICE_MAX;
use crate::venue::{
    self, ExaminedPlan, FILE_BYTES_MAX, ImportOptions, PlanCategory, Shape, TimeError, VenueLayout,
    WrittenTime, Zone,
};

/// Faults of a plan that are listed: whoever mended so many uploads it again.
const FAULTS_LISTED_MAX: usize = 100;

/// A draft as it is stored.
#[derive(Default, Serialize, Deserialize)]
struct Body {
    entered: Entered,
    plan: Option<DraftPlan>,
}

impl Body {
    fn of(record: &DraftRecord) -> Result<Self, ErrorObject> {
        serde_json::from_str(&record.body).map_err(|error| {
            tracing::error!(draft.id = record.id, %error, "a draft cannot be read");
            ErrorObject::internal()
        })
    }

    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers have a JSON form")
    }
}

fn draft_of(record: &DraftRecord, now: Timestamp) -> Result<Draft, ErrorObject> {
    let Body { entered, plan } = Body::of(record)?;
    let missing = match record.concert {
        Some(_) => Vec::new(),
        None => missing(&entered, plan.as_ref(), now),
    };
    Ok(Draft {
        draft_id: record.id,
        revision: record.revision,
        made_at: translate::time(record.made_at),
        changed_at: translate::time(record.changed_at),
        concert_id: record.concert.map(|concert| concert.0),
        entered,
        plan,
        missing,
    })
}

/// Everything that is in the way of announcing it.
fn missing(entered: &Entered, plan: Option<&DraftPlan>, now: Timestamp) -> Vec<Missing> {
    let mut found = Vec::new();
    let mut note = |what, of: Option<&str>, problem: String| {
        found.push(Missing { what, of: of.map(str::to_owned), problem });
    };
    if entered.title.is_empty() {
        note(MissingPart::Title, None, "there is no title".to_owned());
    }
    let mut zone = None;
    match entered.zone.as_deref().or(plan.and_then(|plan| plan.time_zone.as_deref())) {
        None => note(MissingPart::Zone, None, "the venue's time zone is not known".to_owned()),
        Some(name) => match name.parse::<Zone>() {
            Ok(known) => zone = Some(known),
            Err(error) => note(MissingPart::Zone, Some(name), error.to_string()),
        },
    }
    match plan {
        None => note(MissingPart::Plan, None, "there is no seating plan".to_owned()),
        Some(plan) => {
            if plan.faults_count > 0 {
                let problem = format!("the plan has {} faults", plan.faults_count);
                note(MissingPart::PlanFaults, None, problem);
            }
            for category in &plan.categories {
                let name = category.name.as_str();
                match entered.prices.get(name) {
                    None => note(MissingPart::Price, Some(name), format!("{name:?} has no price")),
                    Some(price) if *price > PRICE_MAX => {
                        let problem = format!("the price of {name:?} is more than {PRICE_MAX}");
                        note(MissingPart::Price, Some(name), problem);
                    }
                    Some(_) => {}
                }
            }
            let seats = plan.seats as usize * entered.starts_at.len();
            if seats > SEATS_ANNOUNCED_MAX {
                note(MissingPart::TooManySeats, None, NotReady::TooManySeats(seats).to_string());
            }
        }
    }
    if entered.starts_at.is_empty() {
        note(MissingPart::StartsAt, None, "there is no performance".to_owned());
    }
    // Without a zone, a time by the venue's clocks is none yet: the zone is what is missing.
    let instant = |text: &str| match text.parse::<WrittenTime>().and_then(|time| time.instant(zone.as_ref()))
    {
        Err(TimeError::NoZone(_)) => None,
        read => Some(read),
    };
    let mut seen = Vec::new();
    for text in &entered.starts_at {
        match instant(text) {
            None => {}
            Some(Err(error)) => note(MissingPart::Time, Some(text), error.to_string()),
            Some(Ok(at)) if at <= now => {
                note(MissingPart::Start, Some(text), "this performance has begun already".to_owned());
            }
            Some(Ok(at)) if seen.contains(&at) => {
                note(MissingPart::Start, Some(text), "this performance is there twice".to_owned());
            }
            Some(Ok(at)) => seen.push(at),
        }
    }
    if let Some(text) = &entered.opens_at
        && let Some(Err(error)) = instant(text)
    {
        note(MissingPart::OpensAt, Some(text), error.to_string());
    }
    found
}

/// What was found in a plan's file, for those who mend it.
fn found_in(plan: &ExaminedPlan) -> DraftPlan {
    let sketch = plan.sketch();
    let marks = sketch.as_ref().map(|sketch| sketch.marks.as_slice()).unwrap_or_default();
    let marks = marks.iter().copied().chain(std::iter::repeat(None));
    let faults = plan.faults().iter().zip(marks).take(FAULTS_LISTED_MAX);
    let layout = sketch.as_ref().map(|sketch| &sketch.layout);
    let count = |of: fn(&VenueLayout) -> usize| layout.map_or(0, of) as u32;
    DraftPlan {
        venue: plan.name().to_owned(),
        seats: count(VenueLayout::seat_count),
        rows: count(|layout| layout.rows.len()),
        zones: count(|layout| layout.zones.len()),
        categories: plan
            .categories()
            .into_iter()
            .map(|category| DraftCategory {
                name: category.name,
                color: category.color,
                seats: category.seats as u32,
            })
            .collect(),
        time_zone: plan.time_zone().map(str::to_owned),
        restricted: sketch.as_ref().map_or(0, |sketch| sketch.restricted.len()) as u32,
        faults: faults
            .map(|(fault, seats)| PlanFault {
                path: fault.path.clone(),
                problem: fault.problem.clone(),
                seats,
            })
            .collect(),
        faults_count: plan.faults().len() as u32,
        warnings: sketch.map(|sketch| sketch.warnings).unwrap_or_default(),
    }
}

/// The fields that differ, as they were and as they become.
fn difference(before: &Entered, after: &Entered) -> (Value, Value) {
    let (mut was, mut became) = (json!(before), json!(after));
    let same: Vec<String> = was
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, value)| became[name.as_str()] == **value)
        .map(|(name, _)| name.clone())
        .collect();
    for side in [&mut was, &mut became] {
        let Some(fields) = side.as_object_mut() else { continue };
        same.iter().for_each(|name| drop(fields.remove(name)));
        // Whole pages of text would fill the log.
        for value in fields.values_mut().filter(|value| value.to_string().len() > LOGGED_BYTES_MAX) {
            *value = json!("…");
        }
    }
    (was, became)
}

/// The most that the log keeps of one field.
const LOGGED_BYTES_MAX: usize = 2_000;

fn pack(plan: &[u8]) -> Result<Vec<u8>, ErrorObject> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let packed = gzip.write_all(plan).and_then(|()| gzip.finish()).map_err(|_| ErrorObject::internal())?;
    match packed.len() > limits::PLAN_KEPT_BYTES_MAX {
        true => Err(ErrorObject::invalid_params(Some("plan"), "the plan is too large to be kept")),
        false => Ok(packed),
    }
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, ErrorObject> {
    let mut plan = Vec::new();
    let read = GzDecoder::new(packed).take(FILE_BYTES_MAX as u64).read_to_end(&mut plan);
    read.map(|_| plan).map_err(|_| ErrorObject::internal())
}

/// On a thread that serves nobody else: a stadium's plan takes a second.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ErrorObject> + Send + 'static,
) -> Result<T, ErrorObject> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ErrorObject::internal())?
}

impl Context {
    /// What the store keeps of concerts that are being made.
    pub fn making(&self) -> Result<&dyn Making, ErrorObject> {
        self.store.making().ok_or_else(ErrorObject::internal)
    }

    pub async fn drafts(&self) -> Result<Drafts, ErrorObject> {
        let (records, now) = (self.read(self.making()?.drafts()).await?, self.clock.utc());
        let drafts = records.iter().map(|record| draft_of(record, now)).collect::<Result<_, _>>()?;
        Ok(Drafts { drafts })
    }

    pub async fn draft(&self, id: u64) -> Result<Draft, ErrorObject> {
        draft_of(&self.draft_record(id).await?, self.clock.utc())
    }

    async fn draft_record(&self, id: u64) -> Result<DraftRecord, ErrorObject> {
        let record = self.read(self.making()?.draft(id)).await?;
        record.ok_or_else(|| ErrorObject::not_found("draft"))
    }

    pub async fn add_draft(&self, patch: DraftPatch, note: &Note) -> Result<Draft, ErrorObject> {
        if patch.revision.is_some() {
            let problem = "a new draft has no revision yet";
            return Err(ErrorObject::invalid_params(Some("revision"), problem));
        }
        let body = Body { entered: Entered::default().patched(patch), plan: None }.to_json();
        match self.change(self.making()?.add_draft(&body, note)).await? {
            Some(record) => draft_of(&record, note.at),
            None => {
                let max = limits::DRAFTS_MAX;
                let mut full = ErrorObject::forbidden(format!("there are {max} drafts already: drop some"));
                full.data.max = Some(max);
                Err(full)
            }
        }
    }

    pub async fn change_draft(&self, id: u64, patch: DraftPatch, note: &Note) -> Result<Draft, ErrorObject> {
        let revision = patch.revision.ok_or_else(|| {
            ErrorObject::invalid_params(Some("revision"), "say which revision of the draft was seen")
        })?;
        let record = self.draft_record(id).await?;
        let Body { entered, mut plan } = Body::of(&record)?;
        let before = entered.clone();
        let after = entered.patched(patch);
        if before == after && record.revision == revision {
            return draft_of(&record, note.at);
        }
        if before.fix_duplicates != after.fix_duplicates && record.revision == revision {
            let options = ImportOptions { fix_duplicates: after.fix_duplicates };
            if let Some(packed) = self.read(self.making()?.draft_plan(id)).await? {
                let _turn = self.plans_at_work.acquire().await;
                plan = Some(aside(move || Ok(found_in(&venue::examine(&unpack(&packed)?, options)))).await?);
            }
        }
        let (was, became) = difference(&before, &after);
        let change = DraftChange {
            revision,
            body: Body { entered: after, plan }.to_json(),
            plan: None,
            what: "draft.set",
            was: Some(was),
            became: Some(became),
        };
        self.put_draft(id, &change, note).await
    }

    async fn put_draft(&self, id: u64, change: &DraftChange, note: &Note) -> Result<Draft, ErrorObject> {
        match self.change(self.making()?.change_draft(id, change, note)).await? {
            DraftOutcome::Done(record) => draft_of(&record, note.at),
            DraftOutcome::NoSuchDraft => Err(ErrorObject::not_found("draft")),
            DraftOutcome::IsOther(is) => Err(changed_meanwhile(&is, note.at)),
        }
    }

    /// Takes a plan's file, faults and all: they are named, and can be mended.
    pub async fn set_plan(
        &self,
        id: u64,
        revision: u64,
        plan: Bytes,
        what: &'static str,
        note: &Note,
    ) -> Result<Draft, ErrorObject> {
        let record = self.draft_record(id).await?;
        let Body { entered, .. } = Body::of(&record)?;
        let options = ImportOptions { fix_duplicates: entered.fix_duplicates };
        let looked_at = aside(move || Ok((pack(&plan)?, found_in(&venue::examine(&plan, options)))));
        let (packed, plan) = looked_at.await?;
        let became = json!({"venue": plan.venue, "seats": plan.seats, "faults": plan.faults_count});
        let change = DraftChange {
            revision,
            body: Body { entered, plan: Some(plan) }.to_json(),
            plan: Some(packed),
            what,
            was: None,
            became: Some(became),
        };
        self.put_draft(id, &change, note).await
    }

    /// Puts a made-up plan in the place of the draft's.
    pub async fn generate_plan(&self, id: u64, of: GeneratePlan, note: &Note) -> Result<Draft, ErrorObject> {
        let shape = match of.shape {
            making::Shape::Hall => Shape::Hall,
            making::Shape::Arena => Shape::Arena,
            making::Shape::Stadium => Shape::Stadium,
        };
        let _turn = self.plans_at_work.acquire().await;
        let make = move || {
            let plan = venue::generate(of.seats as usize, shape);
            plan.map(|plan| Bytes::from(plan.to_string()))
                .map_err(|error| ErrorObject::invalid_params(Some("seats"), &error.to_string()))
        };
        self.set_plan(id, of.revision, aside(make).await?, "draft.generate", note).await
    }

    pub async fn drop_draft(&self, id: u64, note: &Note) -> Result<(), ErrorObject> {
        match self.change(self.making()?.drop_draft(id, note)).await? {
            true => Ok(()),
            false => Err(ErrorObject::not_found("draft")),
        }
    }

    /// The drawing of a draft's plan, with its prices and where its faults are. It may have faults, and no price.
    pub async fn draft_layout(&self, id: u64) -> Result<String, ErrorObject> {
        let Body { entered, plan } = Body::of(&self.draft_record(id).await?)?;
        let packed = self.read(self.making()?.draft_plan(id)).await?;
        let packed = packed.ok_or_else(|| ErrorObject::not_found("plan"))?;
        let _turn = self.plans_at_work.acquire().await;
        let draw = move || {
            let options = ImportOptions { fix_duplicates: entered.fix_duplicates };
            let sketch = venue::examine(&unpack(&packed)?, options).sketch();
            let mut sketch = sketch.ok_or_else(|| ErrorObject::not_found("drawing"))?;
            for category in &mut sketch.layout.categories {
                category.price = entered.prices.get(&category.name).copied().unwrap_or(0);
            }
            let restricted: Vec<u32> = sketch.restricted.iter().map(|seat| seat.0).collect();
            let layout = sketch.layout.without_guids();
            let mut seats = json!(layout.seats);
            if let Some(columns) = seats.as_object_mut() {
                columns.remove("radius");
            }
            let drawing = json!({
                "title": entered.title,
                "venue": layout.name,
                "time_zone": entered.zone.or(plan.and_then(|plan| plan.time_zone)),
                "currency": entered.currency,
                "size": layout.size,
                "stage": layout.stage,
                "categories": layout.categories,
                "zones": layout.zones,
                "rows": layout.rows,
                "areas": layout.areas,
                "seats": seats,
                "restricted": restricted,
            });
            Ok(drawing.to_string())
        };
        aside(draw).await
    }

    /// The page of the concert that a draft will be, as fans will see it. What is missing is left out.
    pub async fn draft_page(&self, id: u64) -> Result<ConcertPage, ErrorObject> {
        let Body { entered, plan } = Body::of(&self.draft_record(id).await?)?;
        let packed = self.read(self.making()?.draft_plan(id)).await?;
        let left = match packed {
            None => Vec::new(),
            Some(packed) => {
                let options = ImportOptions { fix_duplicates: entered.fix_duplicates };
                let _turn = self.plans_at_work.acquire().await;
                aside(move || Ok(for_sale(&venue::examine(&unpack(&packed)?, options)))).await?
            }
        };
        let currency = self.currency_of(&entered).await?;
        let rules = translate::own_rules(&entered.rules).over(&self.usual);
        let zone = entered.zone.clone().or(plan.as_ref().and_then(|plan| plan.time_zone.clone()));
        let clocks = zone.as_deref().and_then(|name| name.parse::<Zone>().ok());
        let instant = |text: &String| text.parse::<WrittenTime>().ok()?.instant(clocks.as_ref()).ok();
        let now = self.clock.utc();
        let mut starts: Vec<_> =
            entered.starts_at.iter().filter_map(instant).filter(|at| *at > now).collect();
        starts.sort_unstable();
        starts.dedup();
        let numbered = || (1..).zip(starts.iter().map(|at| translate::time(*at)));
        let sold_out = left.iter().all(|(_, left)| *left == 0);
        let priced = |(name, left): &(String, u32)| {
            let price = *entered.prices.get(name)?;
            Some(PageCategory { name: name.clone(), price, left: *left })
        };
        let categories: Vec<_> = left.iter().filter_map(priced).collect();
        Ok(ConcertPage {
            concert: Concert {
                concert_id: 0,
                title: entered.title.clone(),
                venue: plan.map(|plan| plan.venue).unwrap_or_default(),
                currency: Some(currency),
                time_zone: zone,
                seats_per_reservation_max: rules.seats_per_reservation_max,
                seats_per_user_max: rules.seats_per_user_max,
                sale: Sale {
                    state: if entered.open { SaleState::Open } else { SaleState::Scheduled },
                    opens_at: entered
                        .opens_at
                        .as_ref()
                        .filter(|_| !entered.open)
                        .and_then(instant)
                        .map(translate::time),
                    message: None,
                },
                schedules: numbered()
                    .map(|(schedule_id, starts_at)| ConcertSchedule {
                        schedule_id,
                        starts_at,
                        sold_out,
                        state: ScheduleState::Planned,
                        reason: None,
                    })
                    .collect(),
            },
            about: entered.about.clone(),
            schedules: numbered()
                .map(|(schedule_id, starts_at)| PageSchedule {
                    schedule_id,
                    starts_at,
                    sold_out,
                    categories: categories.clone(),
                })
                .collect(),
            cancel_before_start_ms: rules.cancel_before_start.as_millis() as u64,
        })
    }

    async fn currency_of(&self, entered: &Entered) -> Result<String, ErrorObject> {
        match entered.currency.clone() {
            Some(currency) => Ok(currency),
            None => {
                let wallets = self.read(self.store.wallet_currency()).await?;
                Ok(wallets.code.unwrap_or_else(|| "KRW".to_owned()))
            }
        }
    }

    /// Makes a concert of a draft.
    pub async fn announce_draft(
        &self,
        id: u64,
        asked: Announce,
        note: &Note,
    ) -> Result<Announced, ErrorObject> {
        let record = self.draft_record(id).await?;
        if record.revision != asked.revision || record.concert.is_some() {
            return Err(changed_meanwhile(&record, note.at));
        }
        let draft = draft_of(&record, note.at)?;
        if !draft.missing.is_empty() {
            let problems: Vec<_> = draft.missing.iter().map(|missing| missing.problem.as_str()).collect();
            return Err(ErrorObject::invalid_params(Some("draft"), &problems.join("; ")));
        }
        let packed = self.read(self.making()?.draft_plan(id)).await?;
        let packed = packed.ok_or_else(|| ErrorObject::not_found("plan"))?;
        let currency = self.currency_of(&draft.entered).await?;
        let (now, again, entered) = (note.at, asked.again, draft.entered);
        let _turn = self.plans_at_work.acquire().await;
        let Ready { concert, warnings } = aside(move || {
            let plan =
                venue::examine(&unpack(&packed)?, ImportOptions { fix_duplicates: entered.fix_duplicates });
            announce(wanted(entered, &plan, currency, again)?, plan, now)
                .map_err(|reason| ErrorObject::invalid_params(Some("draft"), &reason.to_string()))
        })
        .await?;
        let stored = self.making()?.announce_draft(id, asked.revision, &concert, note);
        let stored = tokio::select! {
            biased;
            stored = stored => stored,
            () = self.clock.run_out(limits::ANNOUNCE_PATIENCE) => return Err(ErrorObject::outcome_unknown()),
        };
        let (id, schedules) = match stored {
            Ok(DraftOutcome::Done(made)) => made,
            Ok(DraftOutcome::NoSuchDraft) => return Err(ErrorObject::not_found("draft")),
            Ok(DraftOutcome::IsOther(is)) => return Err(changed_meanwhile(&is, note.at)),
            Err(StoreError::AlreadyThere { concert }) => {
                return Err(ErrorObject::already_announced(concert.0));
            }
            Err(error @ StoreError::OtherCurrency { .. }) => {
                return Err(ErrorObject::invalid_params(Some("currency"), &error.to_string()));
            }
            Err(error) => return Err(unavailable(&error)),
        };
        Ok(Announced {
            concert_id: id.0,
            schedule_ids: schedules.iter().map(|schedule| schedule.0).collect(),
            seats: concert.layout.seat_count() as u32,
            state: translate::sale_state(concert.settings.state),
            opens_at: concert.settings.opens_at.map(translate::time),
            time_zone: concert.time_zone,
            warnings,
        })
    }
}

/// The categories that have seats, each with those that are for sale, as far as the plan can be drawn.
fn for_sale(plan: &ExaminedPlan) -> Vec<(String, u32)> {
    let Some(sketch) = plan.sketch() else { return Vec::new() };
    let (layout, mut left) = (&sketch.layout, vec![0_u32; sketch.layout.categories.len()]);
    for category in &layout.seats.category {
        left[usize::from(*category)] += 1;
    }
    let has_seats: Vec<_> = left.iter().map(|seats| *seats > 0).collect();
    for seat in &sketch.restricted {
        left[usize::from(layout.seats.category[seat.0 as usize])] -= 1;
    }
    let named = layout.categories.iter().map(|category| category.name.clone()).zip(left);
    named.zip(has_seats).filter(|(_, has_seats)| *has_seats).map(|(of, _)| of).collect()
}

/// What was entered, as it is announced. Prices for what the plan does not have are left over from an earlier one.
fn wanted(
    entered: Entered,
    plan: &ExaminedPlan,
    currency: String,
    again: bool,
) -> Result<Wanted, ErrorObject> {
    let wrong = |field: &str, problem: String| ErrorObject::invalid_params(Some(field), &problem);
    let about = entered.about.to_json().map_err(|error| wrong("about", error.to_string()))?;
    let zone = entered.zone.as_deref().map(str::parse::<Zone>).transpose();
    let time = |text: &String| text.parse::<WrittenTime>();
    let starts_at = entered.starts_at.iter().map(time).collect::<Result<Vec<_>, _>>();
    let opens_at = entered.opens_at.as_ref().filter(|_| !entered.open).map(time).transpose();
    let categories = plan.categories();
    let price = |category: &PlanCategory| {
        let price = entered.prices.get(&category.name).copied();
        price.map(|price| (category.name.clone(), price))
    };
    Ok(Wanted {
        title: entered.title.clone(),
        currency,
        zone: zone.map_err(|error| wrong("zone", error.to_string()))?,
        starts_at: starts_at.map_err(|error| wrong("starts_at", error.to_string()))?,
        prices: categories.iter().filter_map(price).collect(),
        opens_at: opens_at.map_err(|error| wrong("opens_at", error.to_string()))?,
        open: entered.open,
        own: translate::own_rules(&entered.rules),
        about: about.map(String::into_boxed_str),
        again,
    })
}

/// With the whole draft as it is now.
fn changed_meanwhile(is: &DraftRecord, now: Timestamp) -> ErrorObject {
    match draft_of(is, now).map(|draft| json!(draft)) {
        Ok(Value::Object(draft)) => ErrorObject::changed_meanwhile(draft),
        _ => ErrorObject::internal(),
    }
}
