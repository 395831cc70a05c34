//! A sale's figures in the words of the wire.

use std::time::Duration;

use frontrow_protocol::ops::box_office::TakenAtDesk;
use frontrow_protocol::ops::watch::{LiveFigures, Quantiles, Runs, SaleDetail, SaleLine, ScheduleLine};

use crate::desk::translate;
use crate::dispatcher::Place;
use crate::domain::record::{ScheduleState, Takings};
use crate::ops::gather::{self, Line, Live};

pub fn line(of: &Line) -> SaleLine {
    let live = of.live.as_deref();
    SaleLine {
        concert_id: of.concert.0,
        title: live.map(|live| live.standing.concert.title.clone()),
        runs: match of.place {
            Place::Here => Runs::Here,
            Place::Elsewhere => Runs::Elsewhere,
            Place::Loading => Runs::Loading,
        },
        answers: of.answers,
        // Those of a sale that is here are as new as everything else; of what was here once they are from then.
        figures_at: live.filter(|_| of.place != Place::Here).map(|live| translate::time(live.at)),
        figures: live.map(figures),
    }
}

fn figures(live: &Live) -> LiveFigures {
    let (standing, pace) = (&live.standing, &live.pace);
    let (concert, settings, counts) = (&standing.concert, &standing.settings, standing.counts());
    let planned =
        standing.schedules.iter().map(|of| &of.schedule).filter(|of| of.state == ScheduleState::Planned);
    let next = planned.map(|schedule| schedule.starts_at);
    LiveFigures {
        venue: concert.venue.clone(),
        state: translate::sale_state(settings.state),
        opens_at: settings.opens_at.map(translate::time),
        next_start: next.filter(|start| *start > live.at).min().map(translate::time),
        time_zone: concert.time_zone.clone(),
        waiting: standing.waiting,
        progress: standing.progress,
        capacity: standing.rules.capacity,
        seats: counts.seats(),
        available: counts.available,
        held: counts.held,
        sold: counts.sold,
        restricted: counts.restricted,
        money: standing.tallied.takings.sum(),
        at_desk: taken_at_desk(standing.tallied.takings),
        currency: concert.currency.clone(),
        joins_per_minute: pace.joins_per_minute,
        admissions_per_minute: u32::try_from(standing.admissions_last_minute).unwrap_or(u32::MAX),
        sales_per_minute: pace.sales_per_minute,
        sells_out_in_s: pace.sells_out_in.map(|time| time.as_secs()),
    }
}

pub fn taken_at_desk(takings: Takings) -> TakenAtDesk {
    TakenAtDesk { cash: takings.cash, card: takings.card }
}

/// `connections` are those of the whole server.
pub fn detail(live: &Live, connections: u32) -> SaleDetail {
    let (standing, pace) = (&live.standing, &live.pace);
    let mut refusals = std::collections::BTreeMap::new();
    for (refusal, count) in &pace.refusals {
        // Several may be told with the same reason.
        *refusals.entry(translate::refusal(refusal).reason().to_string()).or_default() += count;
    }
    let expiries = [
        ("hold", pace.holds_out_per_minute),
        ("idle", pace.idle_per_minute),
        ("time", pace.out_of_time_per_minute),
        ("away", pace.away_per_minute),
    ];
    SaleDetail {
        message: standing.settings.message.as_deref().map(str::to_owned),
        settings: translate::settings(&standing.rules),
        settings_own: translate::settings_own(&standing.settings.own),
        by_schedule: standing.schedules.iter().map(schedule).collect(),
        answers_ms: pace.answers.map(quantiles),
        commit_ms: pace.commits.map(quantiles),
        refusals_per_minute: refusals,
        expiries_per_minute: expiries
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| (name.to_owned(), count))
            .collect(),
        watchers: standing.schedules.iter().map(|schedule| schedule.watchers as u32).sum(),
        connections,
    }
}

fn schedule(of: &crate::fanout::ScheduleStanding) -> ScheduleLine {
    ScheduleLine {
        schedule_id: of.schedule.id.0,
        starts_at: translate::time(of.schedule.starts_at),
        state: translate::schedule_state(of.schedule.state),
        available: of.counts.available,
        held: of.counts.held,
        sold: of.counts.sold,
        restricted: of.counts.restricted,
        left: of.left.iter().map(|(name, count)| (name.to_string(), *count)).collect(),
    }
}

fn quantiles(of: gather::Quantiles) -> Quantiles {
    // As far as they are known.
    let millis = |time: Duration| (time.as_secs_f64() * 100_000.0).round() / 100.0;
    Quantiles { p50: millis(of.p50), p99: millis(of.p99) }
}
