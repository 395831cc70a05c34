//! The report as one page that needs nothing else.

use frontrow_crowd::record::{Counter, FanState, Op, Second, SecondOfOp};
use frontrow_report::{Axis, COLOURS, Chart, Line, Page, draw, grouped, short};

use super::{ProcessUse, Report};

/// The whole page.
pub fn page(report: &Report) -> String {
    let mut page = Page::new("en", &format!("Frontrow load test: {}", report.scenario), report.about);
    let verdict = match report.ok {
        true => "Every check is good.",
        false => "Not everything is good: see the checks.",
    };
    page.verdict(report.ok, verdict);
    page.figures(report.figures.iter().map(|figure| (grouped(figure.value), figure.unit, figure.about)));
    charts(&mut page, report);
    operations(&mut page, report);
    let checks = report.checks.iter().map(|check| (check.ok, format!("{}: {}", check.name, check.detail)));
    let expected = report.expectations.iter().map(|expected| {
        let value = expected.value.map_or_else(|| "no such figure".to_owned(), grouped);
        (expected.ok, format!("{}: {value}", expected.expectation))
    });
    let faults = report.first_faults.iter().map(String::as_str);
    page.checks("Checks from the outside", checks.chain(expected), faults);
    setup(&mut page, report);
    page.finish()
}

/// The data that the charts are drawn from.
struct Plots<'a> {
    report: &'a Report,
    at: Vec<f64>,
}

impl Plots<'_> {
    fn line(&self, name: &str, value: impl Fn(&Second) -> Option<f64>) -> Line {
        Line { name: name.to_owned(), values: self.report.seconds.iter().map(value).collect() }
    }

    /// Operations a second.
    fn rate(&self, op: Op) -> Line {
        self.line(op.name(), |second| Some(second.ops.get(op.name()).map_or(0, |of_op| of_op.count) as f64))
    }

    fn counted(&self, name: &str, counter: Counter) -> Line {
        self.line(name, |second| Some(second.counters.get(counter.name()).copied().unwrap_or(0) as f64))
    }

    /// Seats sold and not given back, up to each second.
    fn sold(&self) -> Line {
        let mut sold = 0.0;
        let values = self.report.seconds.iter().map(|second| {
            let count = |counter: Counter| second.counters.get(counter.name()).copied().unwrap_or(0) as f64;
            sold += count(Counter::SeatsSold) - count(Counter::SeatsFreed);
            Some(sold)
        });
        Line { name: "sold".to_owned(), values: values.collect() }
    }

    /// A latency of those operations that happened most; more lines would hide each other.
    fn latencies(&self, value: impl Fn(&SecondOfOp) -> f64) -> Vec<Line> {
        let mut rows: Vec<_> = self.report.operations.iter().filter(|row| row.ok > 0).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.ok));
        rows.truncate(COLOURS);
        rows.iter().map(|row| self.line(row.op, |second| second.ops.get(row.op).map(&value))).collect()
    }

    fn draw(&self, title: &str, unit: &str, lines: Vec<Line>, logarithmic: bool) -> String {
        draw(&Chart { title, unit, at: &self.at, axis: Axis::Seconds, lines, logarithmic })
    }
}

fn charts(page: &mut Page, report: &Report) {
    let plots = Plots { report, at: report.seconds.iter().map(|second| second.second as f64).collect() };
    let come = [
        plots.counted("arrivals", Counter::Arrivals),
        plots.counted("admissions", Counter::Admissions),
        plots.counted("buyers", Counter::Buyers),
        plots.counted("reconnects", Counter::Reconnects),
    ];
    let states = FanState::ALL.iter().map(|state| {
        plots.line(state.name(), |second| second.fans.get(state.name()).map(|count| *count as f64))
    });
    let done = [Op::Join, Op::Hold, Op::HoldBest, Op::Release, Op::Pay, Op::Row].map(|op| plots.rate(op));
    let memory =
        plots.line("server", |second| second.server_rss_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20)));
    let refused = [
        plots.line("refused", |second| Some(second.refused as f64)),
        plots.line("failed", |second| Some(second.failed as f64)),
    ];
    for chart in [
        plots.draw("Fans come and are let in", "a second", come.into(), false),
        plots.draw("Where the fans are", "fans", states.collect(), false),
        plots.draw("Done and durable", "a second", done.into(), false),
        plots.draw("Seats sold", "seats", vec![plots.sold()], false),
        plots.draw("What half wait at most (p50)", "ms", plots.latencies(|of_op| of_op.p50_ms), true),
        plots.draw("What 99 of 100 wait at most (p99)", "ms", plots.latencies(|of_op| of_op.p99_ms), true),
        plots.draw("Deltas received", "a second", vec![plots.counted("deltas", Counter::Deltas)], false),
        plots.draw(
            "The server's CPU",
            "% of one core",
            vec![plots.line("server", |second| second.server_cpu_percent)],
            false,
        ),
        plots.draw("The server's memory", "MiB resident", vec![memory], false),
        plots.draw("Refused by the rules, and failed", "a second", refused.into(), false),
    ] {
        page.chart(&chart);
    }
}

fn operations(page: &mut Page, report: &Report) {
    let heads = [
        "operation",
        "ok",
        "refused",
        "failed",
        "per s",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
        "reasons",
    ];
    let rows: Vec<_> = report
        .operations
        .iter()
        .map(|row| {
            let reasons: Vec<_> =
                row.reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            vec![
                row.op.to_owned(),
                grouped(row.ok as f64),
                grouped(row.refused as f64),
                grouped(row.failed as f64),
                grouped(row.per_second),
                short(row.p50_ms),
                short(row.p90_ms),
                short(row.p99_ms),
                short(row.p999_ms),
                short(row.max_ms),
                reasons.join(", "),
            ]
        })
        .collect();
    page.table("Operations", &heads, &rows, &[heads.len() - 1]);
}

fn setup(page: &mut Page, report: &Report) {
    let machine = &report.machine;
    let mut rows = vec![
        ("machine".to_owned(), format!("{} cores, {}, {}", machine.cores, machine.processor, machine.system)),
        ("figures taken for".to_owned(), format!("{:.1} s", report.window_seconds)),
    ];
    let used = |used: &ProcessUse| {
        format!(
            "{:.2} s of CPU ({:.0} % of a core), {} MiB before, {} MiB after",
            used.cpu_seconds,
            used.cpu_percent,
            used.rss_before_bytes >> 20,
            used.rss_after_bytes >> 20
        )
    };
    rows.extend(report.server.iter().map(|server| ("server".to_owned(), used(server))));
    rows.extend(report.database.iter().map(|database| ("database".to_owned(), used(database))));
    rows.extend(report.client.iter().map(|client| ("this tool".to_owned(), used(client))));
    rows.extend(report.settings.iter().cloned());
    page.facts("How it was run", rows);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn the_page_is_whole_and_needs_nothing_else() {
        let page = page(&example());
        for part in
            ["<svg", "Seats sold", "15,234", "SEAT_TAKEN 3", "Fans &lt;buy&gt;.", "seat 3 &lt;twice&gt;"]
        {
            assert!(page.contains(part), "no `{part}`");
        }
        for foreign in ["<script", "http://", "https://", "url(", "@import"] {
            assert!(!page.contains(foreign), "the page has `{foreign}`");
        }
        assert_eq!(page.matches("<figure>").count(), page.matches("</figure>").count());
    }
}
