//! The report as one page that needs nothing else: no script, no font, no picture from anywhere.

use std::fmt::Write as _;

use super::summary::{grouped, short};
use super::svg::{COLOURS, Chart, Line, draw, escaped};
use super::{ProcessUse, Report};
use crate::record::{Counter, FanState, Op, Second, SecondOfOp};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub fn page(report: &Report) -> String {
    let title = format!("Frontrow load test: {}", report.scenario);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{}</title>\n<style>\n{STYLE}</style></head>\n<body><main>\n",
        escaped(&title)
    );
    let verdict = match report.ok {
        true => "<p class=\"verdict good\">Every check is good.</p>",
        false => "<p class=\"verdict bad\">Not everything is good: see the checks.</p>",
    };
    let _ = writeln!(
        page,
        "<header><h1>{}</h1><p class=\"about\">{}</p>{verdict}</header>",
        escaped(&title),
        escaped(report.about)
    );
    figures(&mut page, report);
    charts(&mut page, report);
    operations(&mut page, report);
    checks(&mut page, report);
    setup(&mut page, report);
    page.push_str("</main></body></html>\n");
    page
}

fn figures(page: &mut String, report: &Report) {
    page.push_str("<section class=\"figures\">");
    for figure in &report.figures {
        let _ = write!(
            page,
            "<div><strong>{}</strong> <span class=\"unit\">{}</span><br>{}</div>",
            grouped(figure.value),
            escaped(figure.unit),
            escaped(figure.about)
        );
    }
    page.push_str("</section>\n");
}

/// The data that the charts are drawn from.
struct Plots<'a> {
    report: &'a Report,
    seconds: Vec<usize>,
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
        draw(&Chart { title, unit, seconds: &self.seconds, lines, logarithmic })
    }
}

fn charts(page: &mut String, report: &Report) {
    let plots = Plots { report, seconds: report.seconds.iter().map(|second| second.second).collect() };
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
        page.push_str(&chart);
    }
}

fn operations(page: &mut String, report: &Report) {
    page.push_str(
        "<section><h2>Operations</h2><div class=\"scroll\"><table><thead><tr><th>operation<th>ok<th>refused<th>failed\
         <th>per s<th>p50 ms<th>p90 ms<th>p99 ms<th>p99.9 ms<th>max ms<th>reasons</tr></thead><tbody>\n",
    );
    for row in &report.operations {
        let reasons: Vec<_> = row.reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let _ = writeln!(
            page,
            "<tr><th>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td class=\"text\">{}</tr>",
            escaped(row.op),
            grouped(row.ok as f64),
            grouped(row.refused as f64),
            grouped(row.failed as f64),
            grouped(row.per_second),
            short(row.p50_ms),
            short(row.p90_ms),
            short(row.p99_ms),
            short(row.p999_ms),
            short(row.max_ms),
            escaped(&reasons.join(", "))
        );
    }
    page.push_str("</tbody></table></div></section>\n");
}

fn checks(page: &mut String, report: &Report) {
    page.push_str("<section><h2>Checks from the outside</h2><ul class=\"checks\">\n");
    for check in &report.checks {
        let class = if check.ok { "good" } else { "bad" };
        let _ =
            writeln!(page, "<li class=\"{class}\">{}: {}</li>", escaped(check.name), escaped(&check.detail));
    }
    for expected in &report.expectations {
        let class = if expected.ok { "good" } else { "bad" };
        let value = expected.value.map_or_else(|| "no such figure".to_owned(), grouped);
        let _ = writeln!(page, "<li class=\"{class}\">{}: {value}</li>", escaped(&expected.expectation));
    }
    page.push_str("</ul>\n");
    for fault in &report.first_faults {
        let _ = writeln!(page, "<p class=\"fault\">{}</p>", escaped(fault));
    }
    page.push_str("</section>\n");
}

fn setup(page: &mut String, report: &Report) {
    page.push_str("<section><h2>How it was run</h2><dl>");
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
    for (name, value) in rows {
        let _ = write!(page, "<dt>{}</dt><dd>{}</dd>", escaped(&name), escaped(&value));
    }
    page.push_str("</dl></section>\n");
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
