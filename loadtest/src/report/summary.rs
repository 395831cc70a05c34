//! The report for a terminal: a line a second while it runs, and the summary at the end.

use std::fmt::Write as _;

use frontrow_crowd::record::{Op, Second};
use frontrow_report::{grouped, short};

use super::Report;

/// The line for one second. `ops`: those that the scenario is about.
pub fn progress_line(second: &Second, ops: &[Op]) -> String {
    let mut line = format!("{:>4} s", second.second);
    for op in ops {
        let of_op = second.ops.get(op.name()).copied().unwrap_or_default();
        let _ = write!(
            line,
            "  {} {}/s p50 {} p99 {} ms",
            op.name(),
            grouped(of_op.count as f64),
            short(of_op.p50_ms),
            short(of_op.p99_ms)
        );
    }
    let _ = write!(line, "  refused {} failed {}  fans:", second.refused, second.failed);
    for (state, count) in second.fans.iter().filter(|(_, count)| **count > 0) {
        let _ = write!(line, " {} {state}", grouped(*count as f64));
    }
    if let (Some(cpu), Some(rss)) = (second.server_cpu_percent, second.server_rss_bytes) {
        let _ = write!(line, "  server {cpu:.0} % {} MiB", rss >> 20);
    }
    line
}

/// The findings, for people.
pub fn summary(report: &Report) -> String {
    let mut text = format!("\n{}: {}\n", report.scenario, report.about);
    let _ = writeln!(
        text,
        "{} in {:.1} s; {} cores, {}",
        settings(report),
        report.window_seconds,
        report.machine.cores,
        report.machine.processor
    );
    text.push('\n');
    for figure in &report.figures {
        let _ = writeln!(text, "{:>14} {:<6} {}", grouped(figure.value), figure.unit, figure.about);
    }
    let _ = writeln!(
        text,
        "\n{:<14} {:>10} {:>9} {:>7} {:>9} {:>8} {:>8} {:>8} {:>8}",
        "operation", "ok", "refused", "failed", "per s", "p50 ms", "p90 ms", "p99 ms", "max ms"
    );
    for row in &report.operations {
        let _ = writeln!(
            text,
            "{:<14} {:>10} {:>9} {:>7} {:>9} {:>8} {:>8} {:>8} {:>8}",
            row.op,
            grouped(row.ok as f64),
            row.refused,
            row.failed,
            grouped(row.per_second),
            short(row.p50_ms),
            short(row.p90_ms),
            short(row.p99_ms),
            short(row.max_ms)
        );
        for (reason, count) in &row.reasons {
            let _ = writeln!(text, "{:<14} {:>10} {:>9}", "", reason, count);
        }
    }
    for (name, used) in
        [("server", &report.server), ("database", &report.database), ("client", &report.client)]
    {
        if let Some(used) = used {
            let _ = writeln!(
                text,
                "\n{name}: {:.2} s of CPU ({:.0} % of a core), {} MiB resident before, {} MiB after",
                used.cpu_seconds,
                used.cpu_percent,
                used.rss_before_bytes >> 20,
                used.rss_after_bytes >> 20
            );
        }
    }
    text.push('\n');
    for check in &report.checks {
        let _ =
            writeln!(text, "{}  {}: {}", if check.ok { "good" } else { "BAD " }, check.name, check.detail);
    }
    for expected in &report.expectations {
        let value = expected.value.map_or_else(|| "no such figure".to_owned(), grouped);
        let sign = if expected.ok { "good" } else { "BAD " };
        let _ = writeln!(text, "{sign}  expected {}: {value}", expected.expectation);
    }
    for fault in &report.first_faults {
        let _ = writeln!(text, "fault: {fault}");
    }
    text
}

fn settings(report: &Report) -> String {
    let pairs: Vec<_> = report.settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
    pairs.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn the_summary_shows_figures_refusals_and_what_is_bad() {
        let text = summary(&example());
        for part in ["15,234 /s     Holds", "SEAT_TAKEN", "BAD   audit: seat 3 <twice>", "80 % of a core"] {
            assert!(text.contains(part), "no `{part}` in {text}");
        }
        let line = progress_line(&example().seconds[2], &[Op::Hold, Op::Pay]);
        assert!(line.contains("hold 200/s p50 2.00 p99 9.50 ms  pay 0/s"), "{line}");
        assert!(line.contains("4 admitted 50 waiting") && line.ends_with("server 80 % 64 MiB"), "{line}");
    }
}
