//! Making a concert: from what a promoter wrote, at the console or on a command line, to what is stored.

use crate::desk::translate;
use crate::domain::record::SaleState;
use crate::domain::rules::{OwnRules, SaleSettings};
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::store::NewConcert;
use crate::venue::{ExaminedPlan, Fault, TimeError, UnknownZone, WrittenTime, Zone};

/// Seats of all performances that are stored at once: one transaction writes them all.
pub const SEATS_ANNOUNCED_MAX: usize = 1_000_000;

/// A concert as its promoter wants it.
pub struct Wanted {
    pub title: String,
    pub currency: String,
    /// The venue's, if the plan does not name it, or another one.
    pub zone: Option<Zone>,
    pub starts_at: Vec<WrittenTime>,
    /// A price for each category that has seats.
    pub prices: Vec<(String, Money)>,
    pub opens_at: Option<WrittenTime>,
    /// Open it at once.
    pub open: bool,
    pub own: OwnRules,
    /// What its page says besides, as JSON.
    pub about: Option<Box<str>>,
    /// Also if the same one is there already.
    pub again: bool,
}

/// A concert that can be stored.
pub struct Ready {
    pub concert: NewConcert,
    /// What was mended, and what its promoter should know.
    pub warnings: Vec<String>,
}

/// Why a concert cannot be announced.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    #[error("the plan has faults")]
    Plan(Vec<Fault>),
    #[error(transparent)]
    Zone(#[from] UnknownZone),
    #[error(transparent)]
    Time(#[from] TimeError),
    #[error("two performances start at {0}")]
    Twice(frontrow_protocol::Timestamp),
    #[error("{0} seats in all performances are more than {SEATS_ANNOUNCED_MAX}")]
    TooManySeats(usize),
}

/// Everything that a concert needs is there and fits together, or why not.
pub fn announce(wanted: Wanted, plan: ExaminedPlan, now: Timestamp) -> Result<Ready, NotReady> {
    let imported = plan.priced(&wanted.prices).map_err(NotReady::Plan)?;
    let zone = match (wanted.zone, &imported.time_zone) {
        (Some(zone), _) => Some(zone),
        (None, own) => own.as_deref().map(str::parse::<Zone>).transpose()?,
    };
    let instant = |time: &WrittenTime| time.instant(zone.as_ref());
    let mut starts_at = wanted.starts_at.iter().map(instant).collect::<Result<Vec<_>, _>>()?;
    starts_at.sort_unstable();
    if let Some(twice) = starts_at.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(NotReady::Twice(translate::time(twice[0])));
    }
    let seats = starts_at.len() * imported.seats;
    if seats > SEATS_ANNOUNCED_MAX {
        return Err(NotReady::TooManySeats(seats));
    }
    let opens_at = wanted.opens_at.as_ref().map(instant).transpose()?;
    let mut warnings = imported.warnings;
    if zone.is_none() {
        warnings.push(
            "the venue's time zone is not known: fans see its performances in their own (--zone)".to_owned(),
        );
    }
    for at in starts_at.iter().filter(|at| **at <= now) {
        let at = translate::time(*at);
        warnings.push(format!("the performance at {at} has started already, and will not be sold"));
    }
    let concert = NewConcert {
        title: wanted.title,
        currency: wanted.currency,
        time_zone: zone.as_ref().map(|zone| zone.name().to_owned()),
        layout: imported.layout,
        starts_at,
        restricted: imported.restricted,
        about: wanted.about,
        again: wanted.again,
        settings: SaleSettings {
            state: if wanted.open { SaleState::Open } else { SaleState::Scheduled },
            opens_at,
            message: None,
            own: wanted.own,
        },
        at: now,
    };
    Ok(Ready { concert, warnings })
}
