//! The report of a night: what was kept of a sale, as a page of its own that can be sent and printed.
//!
//! Not here: what is kept and how (`crate::desk::ops`), and how a page and its charts are drawn (the crate `report/`, which the
//! load tester draws with, too).

mod money;
pub mod rehearsal;
mod words;

use frontrow_protocol::ErrorObject;
use frontrow_protocol::ops::figures::{KeptFigures, KeptPoint};
use frontrow_report::{Axis, COLOURS, Chart, Line, Page, draw, grouped};
use hyper::Response;
use hyper::header::{self, HeaderValue};

use self::words::Words;
use super::OpsAsked;
use super::sales::span;
use crate::desk::ops::POINTS_MAX;
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;
use crate::fanout::Standing;
use crate::http::query::number;
use crate::http::reply::{self, ApiResult, Body};
use crate::venue::Zone;

/// Points further apart than so many spans are not joined: nothing was kept between them.
const GAP_SPANS: f64 = 2.5;

pub async fn report(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&["from", "to", "lang"])?;
    let concert = ConcertId(number(id, "concert_id")?);
    let words = match language(asked)? {
        Language::English => &words::EN,
        Language::Korean => &words::KO,
    };
    let (from, to) = span(asked)?;
    let view = asked.context.fanout.sale(concert).ok_or_else(ErrorObject::concert_not_found)?;
    let standing = view.standing(asked.context.clock.utc());
    let kept = asked.context.kept_figures(concert, from, to, POINTS_MAX).await?;
    Ok(as_file(page(&standing, &kept, words), &format!("frontrow-{}-report.html", concert.0)))
}

/// The languages that a report may be in, which are the console's.
#[derive(Clone, Copy)]
enum Language {
    English,
    Korean,
}

fn language(asked: &OpsAsked<'_>) -> Result<Language, ErrorObject> {
    match asked.query.get("lang") {
        None | Some("en") => Ok(Language::English),
        Some("ko") => Ok(Language::Korean),
        Some(_) => Err(ErrorObject::invalid_params(Some("lang"), "`lang` must be en or ko")),
    }
}

/// A page whose style is in it, which no policy of ours lets run here: it is kept and opened as a file.
fn as_file(page: String, name: &str) -> Response<Body> {
    let mut response = reply::text("text/html; charset=utf-8", page);
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

fn page(standing: &Standing, kept: &KeptFigures, words: &Words) -> String {
    let concert = &standing.concert;
    let night = Night {
        standing,
        kept,
        words,
        zone: concert.time_zone.as_deref().and_then(|zone| zone.parse().ok()),
    };
    let zone = night.zone.as_ref().map_or("UTC", Zone::name);
    let (from, to) = (night.moment(kept.from.as_millis()), night.moment(kept.to.as_millis()));
    let mut page =
        Page::new(words.language, &concert.title, &format!("{}: {from} – {to} ({zone})", words.about));
    if kept.points.is_empty() {
        page.verdict(true, words.nothing);
    } else {
        page.figures(night.figures().iter().map(|(value, about)| (value.clone(), "", *about)));
        for chart in night.charts() {
            page.chart(&chart);
        }
        night.refusals(&mut page);
    }
    night.schedules(&mut page);
    page.finish()
}

/// All that a report tells of.
struct Night<'a> {
    standing: &'a Standing,
    kept: &'a KeptFigures,
    words: &'a Words,
    /// The venue's; `None`: UTC.
    zone: Option<Zone>,
}

/// A line of a chart: its name, what its values are multiplied by, and the value of a point.
type Told<'w> = (&'w str, f64, fn(&KeptPoint) -> f64);

impl Night<'_> {
    fn moment(&self, millis: i64) -> String {
        Zone::day_and_clock(self.zone.as_ref(), Timestamp::from_millis(millis))
    }

    fn clock(&self, millis: i64) -> String {
        Zone::clock(self.zone.as_ref(), Timestamp::from_millis(millis))
    }

    fn figures(&self) -> Vec<(String, &'static str)> {
        let (points, words) = (&self.kept.points, self.words);
        let Some(last) = points.last() else { return Vec::new() };
        let sum = |of: fn(&KeptPoint) -> u64| grouped(points.iter().map(of).sum::<u64>() as f64);
        let most = |of: fn(&KeptPoint) -> f64| points.iter().map(of).fold(0.0, f64::max);
        let mut figures = vec![
            (money::written(last.money, &self.standing.concert.currency), words.money),
            (grouped(last.sold as f64), words.sold),
            (grouped(last.available as f64), words.free),
            (sum(|point| point.joins), words.joins),
            (sum(|point| point.admissions), words.admissions),
            (grouped(most(|point| point.waiting as f64)), words.longest_line),
            (sum(|point| point.seats_held), words.seats_held),
            (sum(|point| point.expiries), words.expiries),
            (sum(|point| point.refused), words.refused),
            (format!("{} ms", grouped(most(|point| point.answers_p99_ms))), words.slowest_answer),
        ];
        // As long as nothing is sold there, nobody asks.
        let at_desk = [(last.at_desk.cash, words.in_cash), (last.at_desk.card, words.by_card)];
        for (money, name) in at_desk.into_iter().filter(|(money, _)| *money != 0) {
            figures.insert(1, (money::written(money, &self.standing.concert.currency), name));
        }
        let sold_out =
            points.iter().position(|point| point.available == 0 && point.held == 0 && point.sold > 0);
        if let Some(at) = sold_out.and_then(|index| self.kept.at.get(index)) {
            figures.push((self.clock(at.as_millis()), words.sold_out));
        }
        figures
    }

    fn charts(&self) -> Vec<String> {
        let words = self.words;
        let minutes = 60.0 / f64::from(self.kept.span_s.max(1));
        // What is told by its title, its unit, and two lines or three; what is counted in a span is told by the minute.
        let is = |name, of: fn(&KeptPoint) -> f64| (name, 1.0, of);
        let by_minute = |name, of: fn(&KeptPoint) -> f64| (name, minutes, of);
        let (line, seats) = ((words.line, words.fans), (words.seats, words.seats_unit));
        let by = |title| (title, words.per_minute);
        let millis = |title| (title, "ms");
        let charts: [(_, Vec<Told<'_>>); 7] = [
            (
                line,
                vec![is(words.waiting, |of| of.waiting as f64), is(words.admitted, |of| of.progress as f64)],
            ),
            (
                by(words.came),
                vec![
                    by_minute(words.joins, |of| of.joins as f64),
                    by_minute(words.admissions, |of| of.admissions as f64),
                ],
            ),
            (
                seats,
                vec![
                    is(words.sold, |of| of.sold as f64),
                    is(words.held, |of| of.held as f64),
                    is(words.free, |of| of.available as f64),
                ],
            ),
            (
                by(words.trade),
                vec![
                    by_minute(words.seats_held, |of| of.seats_held as f64),
                    by_minute(words.seats_sold, |of| of.seats_sold as f64),
                ],
            ),
            (
                by(words.lost),
                vec![
                    by_minute(words.refused, |of| of.refused as f64),
                    by_minute(words.expiries, |of| of.expiries as f64),
                ],
            ),
            (
                millis(words.answers),
                vec![is(words.half, |of| of.answers_p50_ms), is(words.of_hundred, |of| of.answers_p99_ms)],
            ),
            (
                millis(words.commits),
                vec![is(words.half, |of| of.commit_p50_ms), is(words.of_hundred, |of| of.commit_p99_ms)],
            ),
        ];
        let named = |second: f64| self.clock((second * 1_000.0) as i64);
        let at = self.moments();
        let drawn = charts.into_iter().map(|((title, unit), lines)| {
            debug_assert!(lines.len() <= COLOURS);
            let lines = lines.into_iter().map(|(name, factor, of)| {
                let values = at.iter().map(|(_, point)| point.map(|point| of(point) * factor)).collect();
                Line { name: name.to_owned(), values }
            });
            let at: Vec<f64> = at.iter().map(|(at, _)| *at).collect();
            draw(&Chart {
                title,
                unit,
                at: &at,
                axis: Axis::Clock(&named),
                lines: lines.collect(),
                logarithmic: false,
            })
        });
        drawn.collect()
    }

    /// The seconds of each point, with one of nothing in each gap.
    fn moments(&self) -> Vec<(f64, Option<&KeptPoint>)> {
        let gap = f64::from(self.kept.span_s) * GAP_SPANS;
        let mut found: Vec<(f64, Option<&KeptPoint>)> = Vec::new();
        for (at, point) in self.kept.at.iter().zip(&self.kept.points) {
            let at = at.as_millis() as f64 / 1_000.0;
            if let Some((before, _)) = found.last().filter(|(before, _)| at - before > gap) {
                found.push((before + f64::from(self.kept.span_s), None));
            }
            found.push((at, Some(point)));
        }
        found
    }

    /// Why something was refused, the most frequent first.
    fn refusals(&self, page: &mut Page) {
        let mut counts = std::collections::BTreeMap::<&str, u64>::new();
        for (reason, count) in self.kept.points.iter().flat_map(|point| &point.refusals) {
            *counts.entry(reason).or_default() += count;
        }
        let mut rows: Vec<_> = counts.into_iter().collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let rows: Vec<_> =
            rows.into_iter().map(|(reason, count)| vec![reason.to_owned(), grouped(count as f64)]).collect();
        if !rows.is_empty() {
            page.table(self.words.refusals, &[self.words.reason, self.words.count], &rows, &[]);
        }
    }

    /// How the performances stand now.
    fn schedules(&self, page: &mut Page) {
        let words = self.words;
        let heads = [words.starts_at, words.sold, words.held, words.free, words.kept];
        let rows: Vec<_> = self
            .standing
            .schedules
            .iter()
            .map(|schedule| {
                let counts = schedule.counts;
                let mut row = vec![self.moment(schedule.schedule.starts_at.as_millis())];
                row.extend(
                    [counts.sold, counts.held, counts.available, counts.restricted]
                        .map(|n| grouped(n as f64)),
                );
                row
            })
            .collect();
        page.table(words.performances, &heads, &rows, &[]);
    }
}

#[cfg(test)]
mod tests;
