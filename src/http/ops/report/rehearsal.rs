//! What a rehearsal found, as a page of its own: the load test's report, for those who never see the console.

use frontrow_protocol::ops::rehearsal::{Rehearsal, RehearsalReport, RehearsalSecond};
use frontrow_report::{Axis, Chart, Line, Page, draw, grouped, short};

use super::words::rehearsal::{EN, KO, Words};
use super::{Language, as_file, language};
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;
use crate::http::ops::OpsAsked;
use crate::http::query::number;
use crate::http::reply::ApiResult;
use crate::venue::Zone;

pub async fn report(asked: &OpsAsked<'_>, id: &str) -> ApiResult {
    asked.query.only(&["lang"])?;
    let concert = ConcertId(number(id, "concert_id")?);
    let words = match language(asked)? {
        Language::English => &EN,
        Language::Korean => &KO,
    };
    let (title, rehearsal) = asked.context.rehearsal_found(concert).await?;
    let page = page(&title, &rehearsal, words);
    Ok(as_file(page, &format!("frontrow-{}-rehearsal.html", concert.0)))
}

fn page(title: &str, of: &Rehearsal, words: &Words) -> String {
    let began = Zone::day_and_clock(None, Timestamp::from_millis(of.began_at.as_millis()));
    let mut page = Page::new(words.language, title, &format!("{}: {began} (UTC)", words.about));
    let report = of.report.as_ref();
    let is_good = of.problem.is_none() && report.is_some_and(|report| report.ok);
    page.verdict(is_good, if is_good { words.good } else { words.bad });
    if let Some(report) = report {
        let about = |name: &str, about| {
            words.figures.iter().find(|(of, _)| *of == name).map_or(about, |(_, own)| *own)
        };
        page.figures(report.figures.iter().map(|figure| {
            (grouped(figure.value), figure.unit.as_str(), about(&figure.name, figure.about.as_str()))
        }));
        charts(&mut page, report, words);
        operations(&mut page, report, words);
        let named = |name: &str| words.checks.iter().find(|(of, _)| *of == name).map(|(_, own)| *own);
        let checks = report.checks.iter().map(|check| {
            (check.ok, format!("{}: {}", named(&check.name).unwrap_or(&check.name), check.detail))
        });
        page.checks(words.looked_at, checks, report.first_faults.iter().map(String::as_str));
    }
    let asked = &of.asked;
    let facts = [
        (words.buyers, grouped(f64::from(asked.buyers))),
        (words.arrive_within, format!("{} s", grouped(f64::from(asked.arrive_within)))),
        (words.think, format!("{} ms", grouped(f64::from(asked.think_ms)))),
        (words.abandon, grouped(f64::from(asked.abandon))),
        (words.lasts, format!("{} s", grouped(f64::from(asked.seconds)))),
        (words.seed, asked.seed.to_string()),
    ];
    let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value));
    let problem = of.problem.iter().map(|problem| (words.problem.to_owned(), problem.clone()));
    page.facts(words.how, facts.chain(problem));
    page.finish()
}

fn charts(page: &mut Page, report: &RehearsalReport, words: &Words) {
    let at: Vec<f64> = report.seconds.iter().map(|second| f64::from(second.second)).collect();
    let line = |name: &str, of: fn(&RehearsalSecond) -> u64| Line {
        name: name.to_owned(),
        values: report.seconds.iter().map(|second| Some(of(second) as f64)).collect(),
    };
    let mut add = |title, unit, lines| {
        page.chart(&draw(&Chart { title, unit, at: &at, axis: Axis::Seconds, lines, logarithmic: false }));
    };
    let come = vec![line(words.arrived, |of| of.arrived), line(words.admissions, |of| of.admissions)];
    add(words.came, words.a_second, come);
    add(words.line, words.fans, vec![line(words.waiting, |of| of.waiting)]);
    let trade = vec![line(words.held, |of| of.seats_held), line(words.sold, |of| of.seats_sold)];
    add(words.seats, words.a_second, trade);
}

fn operations(page: &mut Page, report: &RehearsalReport, words: &Words) {
    let heads = words.heads;
    let rows: Vec<_> = report
        .operations
        .iter()
        .map(|of| {
            let reasons: Vec<_> =
                of.reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            let counts = [of.ok, of.refused, of.failed].map(|count| grouped(count as f64));
            let times = [of.p50_ms, of.p90_ms, of.p99_ms, of.max_ms].map(short);
            let mut row = vec![of.op.clone()];
            row.extend(counts);
            row.push(grouped(of.per_second));
            row.extend(times);
            row.push(reasons.join(", "));
            row
        })
        .collect();
    page.table(words.operations, &heads, &rows, &[heads.len() - 1]);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use frontrow_protocol::Timestamp as WireTime;
    use frontrow_protocol::ops::rehearsal::{
        RehearsalAsked, RehearsalCheck, RehearsalFigure, RehearsalFigures, RehearsalOperation, RehearsalState,
    };

    use super::*;

    fn rehearsal(ok: bool) -> Rehearsal {
        let check = RehearsalCheck { name: "everybody came".into(), ok, detail: "20 of <20>".into() };
        let seconds =
            (0..3).map(|second| RehearsalSecond { second, arrived: 7, ..RehearsalSecond::default() });
        Rehearsal {
            state: RehearsalState::Over,
            began_at: WireTime::from_millis(1_785_574_800_000),
            ended_at: None,
            asked: RehearsalAsked {
                buyers: 2_000,
                seconds: 120,
                arrive_within: 5,
                think_ms: 1_000,
                abandon: 5,
                seed: 1,
            },
            figures: RehearsalFigures::default(),
            report: Some(RehearsalReport {
                ok,
                window_seconds: 2.5,
                figures: vec![RehearsalFigure {
                    name: "buyers".into(),
                    value: 1_900.0,
                    unit: String::new(),
                    about: "fans with tickets".into(),
                }],
                operations: vec![RehearsalOperation {
                    op: "hold".into(),
                    ok: 334,
                    refused: 7,
                    reasons: BTreeMap::from([("SEAT_TAKEN".to_owned(), 7)]),
                    failed: 0,
                    per_second: 65.0,
                    p50_ms: 0.77,
                    p90_ms: 2.0,
                    p99_ms: 9.0,
                    max_ms: 12.0,
                }],
                checks: vec![check],
                faults: 1,
                first_faults: vec!["seat 3 <twice>".into()],
                seconds: seconds.collect(),
            }),
            problem: None,
        }
    }

    #[test]
    fn what_was_found_is_told_in_the_words_of_its_reader() {
        for (words, told) in [
            (&EN, [EN.good, "Buyers with tickets", "Everybody came: 20 of &lt;20&gt;", "2,000"]),
            (&KO, [KO.good, "티켓을 산 구매자", "모두 도착함: 20 of &lt;20&gt;", "2,000"]),
        ] {
            let page = page("<b>한여름 밤</b>", &rehearsal(true), words);
            for part in told.into_iter().chain([
                "&lt;b&gt;한여름 밤&lt;/b&gt;",
                "2026-08-01 09:00 (UTC)",
                "SEAT_TAKEN 7",
                "seat 3 &lt;twice&gt;",
                "<svg",
            ]) {
                assert!(page.contains(part), "no `{part}` in {page}");
            }
            assert!(!page.contains("<b>") && !page.contains("<script"));
        }
        assert!(page("A", &rehearsal(false), &EN).contains(EN.bad));
        // Every check and every figure of a rehearsal has words of its own in each language.
        assert_eq!(EN.checks.map(|(name, _)| name), KO.checks.map(|(name, _)| name));
        assert_eq!(EN.figures.map(|(name, _)| name), KO.figures.map(|(name, _)| name));
    }

    #[test]
    fn one_that_came_to_no_good_end_says_why() {
        let problem = Some("the copy of the sale could not be loaded".to_owned());
        let page = page("A", &Rehearsal { problem, ..rehearsal(true) }, &EN);
        assert!(page.contains(EN.bad) && page.contains("could not be loaded"));
    }
}
