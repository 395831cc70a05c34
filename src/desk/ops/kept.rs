//! The kept figures of sales: what happened in each span of ten seconds, so that a night can be looked at tomorrow. They are
//! put together to longer spans when they are old, and for whoever looks at a long time.
//!
//! Always: what is counted of a span is in one row, and a row that the store did not take waits for the next time, as far as
//! there is room. Not here: the statements.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use frontrow_protocol::ErrorObject;
use frontrow_protocol::ops::figures::{KeptFigures, KeptPoint};

use super::lines;
use crate::desk::{Context, translate};
use crate::domain::ids::ConcertId;
use crate::domain::record::SaleState;
use crate::domain::time::Timestamp;
use crate::fanout::{Standing, Tallied};
use crate::store::StoreError;
use crate::store::figures::{FiguresRow, FiguresStore};

/// The length of a new span.
const SPAN: Duration = Duration::from_secs(10);
/// Rows that wait for the store: an hour of one sale, ten minutes of six.
const WAITING_MAX: usize = 360;
/// How old rows are when they are put together, and to which spans.
const THINNED: [(Duration, u32); 2] =
    [(Duration::from_secs(7 * 86_400), 60), (Duration::from_secs(90 * 86_400), 600)];
const THINNED_EVERY: Duration = Duration::from_secs(3_600);
/// Rows that are put together in one transaction, or read at once.
const ROWS_AT_ONCE: u32 = 1_000;
/// The most points that somebody gets: as many as a wide screen has room for.
pub const POINTS_MAX: u32 = 720;

/// Keeps the figures of every sale that runs here, for ever.
pub async fn keep_figures(context: Arc<Context>) {
    let Some(store) = context.store.figures() else { return };
    let mut former: BTreeMap<ConcertId, Tallied> = BTreeMap::new();
    let mut waiting: VecDeque<FiguresRow> = VecDeque::new();
    let mut thinned_at = context.clock.steady();
    loop {
        let span = SPAN.as_millis() as i64;
        let left = span - context.clock.utc().as_millis().rem_euclid(span);
        context.clock.sleep_until(context.clock.steady().shifted(left)).await;
        let at = Timestamp::from_millis(context.clock.utc().as_millis() / span * span);
        let standings: Vec<_> = context.fanout.sales().iter().map(|view| view.standing(at)).collect();
        former.retain(|concert, _| standings.iter().any(|standing| standing.concert.id == *concert));
        for standing in standings {
            let concert = standing.concert.id;
            let Some(before) = former.insert(concert, standing.tallied.clone()) else { continue };
            // A sale that was built anew counts from zero.
            let before = if before.joined > standing.tallied.joined { Tallied::default() } else { before };
            let point = point_of(&standing, &before);
            if is_worth_keeping(&standing, &point) {
                let figures = serde_json::to_string(&point).unwrap_or_default().into();
                waiting.push_back(FiguresRow { concert, at, span_s: SPAN.as_secs() as u32, figures });
            }
        }
        while waiting.len() > WAITING_MAX {
            waiting.pop_front();
        }
        if !waiting.is_empty() && context.change(store.keep_figures(waiting.make_contiguous())).await.is_ok()
        {
            waiting.clear();
        }
        if context.clock.steady().since(thinned_at) >= THINNED_EVERY {
            thinned_at = context.clock.steady();
            if let Err(error) = thin(&context, store).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "old figures could not be put together; it is tried again");
            }
        }
    }
}

/// Nothing is kept of a sale that is over, or has not begun, in which nothing happens.
fn is_worth_keeping(standing: &Standing, point: &KeptPoint) -> bool {
    let is_open = matches!(standing.settings.state, SaleState::Open | SaleState::Paused);
    is_open || standing.waiting + standing.progress > 0 || is_busy(point)
}

/// Did anything happen in the span?
fn is_busy(point: &KeptPoint) -> bool {
    let counts =
        [point.joins, point.admissions, point.seats_held, point.seats_sold, point.expiries, point.refused];
    counts.iter().any(|count| *count > 0)
}

/// Takes in the span behind this one: what happened is added up, what stands is the later, times are the longest.
fn go_on(all: &mut KeptPoint, next: &KeptPoint) {
    let mut refusals = std::mem::take(&mut all.refusals);
    for (reason, count) in &next.refusals {
        *refusals.entry(reason.clone()).or_default() += count;
    }
    *all = KeptPoint {
        joins: all.joins + next.joins,
        admissions: all.admissions + next.admissions,
        seats_held: all.seats_held + next.seats_held,
        seats_sold: all.seats_sold + next.seats_sold,
        expiries: all.expiries + next.expiries,
        refused: all.refused + next.refused,
        refusals,
        answers_p50_ms: all.answers_p50_ms.max(next.answers_p50_ms),
        answers_p99_ms: all.answers_p99_ms.max(next.answers_p99_ms),
        commit_p50_ms: all.commit_p50_ms.max(next.commit_p50_ms),
        commit_p99_ms: all.commit_p99_ms.max(next.commit_p99_ms),
        ..next.clone()
    };
}

fn point_of(standing: &Standing, before: &Tallied) -> KeptPoint {
    let (counts, is) = (standing.counts(), &standing.tallied);
    let since = |of: fn(&Tallied) -> u64| of(is).saturating_sub(of(before));
    let millis =
        |time: Option<Duration>| time.map_or(0.0, |time| (time.as_secs_f64() * 100_000.0).round() / 100.0);
    let (answers, commits) = (is.answers.since(&before.answers), is.commits.since(&before.commits));
    let mut refusals: BTreeMap<String, u64> = BTreeMap::new();
    for (refusal, count) in is.refused_since(before) {
        *refusals.entry(translate::refusal(&refusal).reason().to_string()).or_default() += count;
    }
    KeptPoint {
        waiting: standing.waiting,
        progress: standing.progress,
        available: counts.available,
        held: counts.held,
        sold: counts.sold,
        restricted: counts.restricted,
        money: is.takings.sum(),
        at_desk: lines::taken_at_desk(is.takings),
        joins: since(|tallied| tallied.joined),
        admissions: since(|tallied| tallied.admitted),
        seats_held: since(|tallied| tallied.seats_held),
        seats_sold: since(|tallied| tallied.seats_sold),
        expiries: since(|tallied| tallied.holds_out + tallied.idle + tallied.out_of_time + tallied.away),
        refused: refusals.values().sum(),
        refusals,
        answers_p50_ms: millis(answers.quantile(0.5)),
        answers_p99_ms: millis(answers.quantile(0.99)),
        commit_p50_ms: millis(commits.quantile(0.5)),
        commit_p99_ms: millis(commits.quantile(0.99)),
    }
}

/// The end of the span of this length that a moment lies in.
fn end_of(at: Timestamp, span: Duration) -> Timestamp {
    let span = span.as_millis() as i64;
    Timestamp::from_millis((at.as_millis() + span - 1).div_euclid(span) * span)
}

/// Puts rows together whose time is over for being so many.
async fn thin(context: &Context, store: &dyn FiguresStore) -> Result<(), StoreError> {
    for concert in context.store.concerts().await? {
        for (age, span_s) in THINNED {
            let by = context.clock.utc() - age;
            loop {
                let rows = store.short_figures(concert, by, span_s, ROWS_AT_ONCE).await?;
                let (of, together) = put_together(&rows, by, span_s, rows.len() == ROWS_AT_ONCE as usize);
                if of.is_empty() {
                    break;
                }
                store.replace_figures(&of, &together).await?;
            }
        }
    }
    Ok(())
}

/// The rows whose whole span is there, and those that take their place. `there_are_more`: the last span may go on.
fn put_together(
    rows: &[FiguresRow],
    by: Timestamp,
    span_s: u32,
    there_are_more: bool,
) -> (Vec<FiguresRow>, Vec<FiguresRow>) {
    let span = Duration::from_secs(span_s.into());
    let mut spans: BTreeMap<Timestamp, Vec<&FiguresRow>> = BTreeMap::new();
    for row in rows {
        let end = end_of(row.at, span);
        if end <= by {
            spans.entry(end).or_default().push(row);
        }
    }
    if there_are_more && spans.len() > 1 {
        spans.pop_last();
    }
    let (mut of, mut together) = (Vec::new(), Vec::new());
    for (at, rows) in spans {
        let mut all: Option<KeptPoint> = None;
        for row in &rows {
            let Ok(point) = serde_json::from_str::<KeptPoint>(&row.figures) else { continue };
            match &mut all {
                None => all = Some(point),
                Some(all) => go_on(all, &point),
            }
        }
        let figures =
            all.map_or_else(|| "{}".into(), |all| serde_json::to_string(&all).unwrap_or_default().into());
        together.push(FiguresRow { concert: rows[0].concert, at, span_s, figures });
        of.extend(rows.into_iter().cloned());
    }
    (of, together)
}

impl Context {
    /// What was kept of a sale between two moments, in so many points at most.
    pub async fn kept_figures(
        &self,
        concert: ConcertId,
        from: Timestamp,
        to: Timestamp,
        points: u32,
    ) -> Result<KeptFigures, ErrorObject> {
        let store = self.store.figures().ok_or_else(ErrorObject::internal)?;
        let width = to.since(from).as_secs().div_ceil(points.max(1).into());
        // Whole spans of ten seconds, so that each row lies in one.
        let span = Duration::from_secs(width.div_ceil(SPAN.as_secs()).max(1) * SPAN.as_secs());
        let mut told = KeptFigures {
            concert_id: concert.0,
            from: translate::time(from),
            to: translate::time(to),
            span_s: span.as_secs() as u32,
            points: Vec::new(),
            at: Vec::new(),
        };
        let (mut after, mut last) = (from, None);
        loop {
            let rows = self.read(store.figures(concert, after, to, ROWS_AT_ONCE)).await?;
            for row in &rows {
                let Ok(point) = serde_json::from_str::<KeptPoint>(&row.figures) else { continue };
                let end = end_of(row.at, span);
                match told.points.last_mut().filter(|_| last == Some(end)) {
                    Some(all) => go_on(all, &point),
                    None => {
                        told.at.push(translate::time(end));
                        told.points.push(point);
                        last = Some(end);
                    }
                }
            }
            match rows.last() {
                Some(row) if rows.len() == ROWS_AT_ONCE as usize => after = row.at,
                _ => return Ok(told),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seconds: i64, span_s: u32, sold: u64, seats_sold: u64, p99: f64) -> FiguresRow {
        let refusals = [("SEAT_TAKEN".to_owned(), seats_sold)].into_iter().filter(|(_, n)| *n > 0).collect();
        let point = KeptPoint { sold, seats_sold, answers_p99_ms: p99, refusals, ..KeptPoint::default() };
        let figures = serde_json::to_string(&point).unwrap().into();
        FiguresRow { concert: ConcertId(7), at: Timestamp::from_millis(seconds * 1_000), span_s, figures }
    }

    /// Goal: nothing is lost or counted twice when rows are put together: counts are added, levels are the last, times the
    /// longest. Method: rows at the ends of spans and beside them, some already long, the last span cut off.
    #[test]
    fn rows_of_one_span_become_one() {
        let rows = [
            row(10, 10, 1, 1, 3.0),
            row(60, 10, 3, 2, 9.0),
            // The next minute begins behind its first second.
            row(70, 10, 4, 1, 2.0),
            row(130, 10, 5, 1, 1.0),
        ];
        let by = Timestamp::from_millis(200_000);
        let (of, together) = put_together(&rows, by, 60, false);
        assert_eq!(of, rows);
        assert_eq!(together, [row(60, 60, 3, 3, 9.0), row(120, 60, 4, 1, 2.0), row(180, 60, 5, 1, 1.0)]);
        // What goes on behind what was read, or is not old enough yet, waits.
        let (of, together) = put_together(&rows, by, 60, true);
        assert_eq!((of.len(), together.len()), (3, 2));
        let (of, _) = put_together(&rows, Timestamp::from_millis(119_000), 60, false);
        assert_eq!(of, rows[..2]);
        assert_eq!(put_together(&[], by, 60, false), (Vec::new(), Vec::new()));
    }

    /// An hour has as many spans when clocks are changed: spans are of UTC.
    #[test]
    fn a_span_ends_at_a_whole_number_of_them() {
        for (at, span, end) in [(0, 10, 0), (1, 10, 10), (10, 10, 10), (61, 60, 120), (600, 600, 600)] {
            let found = end_of(Timestamp::from_millis(at * 1_000), Duration::from_secs(span));
            assert_eq!(found.as_millis(), end * 1_000, "{at} in {span}");
        }
    }
}
