//! The findings of a load test: figures, the times of every operation, checks from the outside, and the course of it
//! all second by second. The same data as text, as JSON and as a page.

mod html;
mod summary;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::Context;
use frontrow_crowd::record::{OpSummary, Second};
use serde::Serialize;

pub use frontrow_crowd::figures::{Check, Figure};
use html::page;
pub use summary::{progress_line, summary};

/// Everything about one run. Written by `--json` as it is here.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub scenario: &'static str,
    /// The scenario, in a sentence.
    pub about: &'static str,
    /// Its options, by their names.
    pub settings: Vec<(String, String)>,
    pub machine: Machine,
    /// The time for which the figures were taken.
    pub window_seconds: f64,
    pub figures: Vec<Figure>,
    /// Every operation of the window.
    pub operations: Vec<OpSummary>,
    pub server: Option<ProcessUse>,
    pub client: Option<ProcessUse>,
    /// The database's server, if it is one of its own and was named.
    pub database: Option<ProcessUse>,
    pub checks: Vec<Check>,
    pub expectations: Vec<Expected>,
    /// The number of things that must not happen and did, and the first of them in words.
    pub faults: u64,
    pub first_faults: Vec<String>,
    /// Are all checks good and all expectations met?
    pub ok: bool,
    pub seconds: Vec<Second>,
}

/// The machine it ran on.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    pub cores: usize,
    pub processor: String,
    pub system: String,
    pub open_files_max: u64,
}

/// The share of the machine that a process used in the window.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ProcessUse {
    pub cpu_seconds: f64,
    /// The part of one core.
    pub cpu_percent: f64,
    /// Resident memory when the window began and when it ended, in bytes.
    pub rss_before_bytes: u64,
    pub rss_after_bytes: u64,
}

/// A bound that the run's figures had to keep.
#[derive(Clone, Debug, Serialize)]
pub struct Expected {
    pub expectation: String,
    /// `None`: there is no such figure.
    pub value: Option<f64>,
    pub ok: bool,
}

/// `figure>=bound` or `figure<=bound`.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    figure: String,
    at_least: bool,
    bound: f64,
}

impl FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let split = |sign| text.split_once(sign).map(|(figure, bound)| (figure, sign == ">=", bound));
        let (figure, at_least, bound) = split(">=")
            .or_else(|| split("<="))
            .ok_or_else(|| format!("`{text}` is not like holds_per_second>=15000"))?;
        let bound = bound.trim().parse().map_err(|_| format!("`{bound}` is not a number"))?;
        Ok(Self { figure: figure.trim().to_owned(), at_least, bound })
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.figure, if self.at_least { "≥" } else { "≤" }, self.bound)
    }
}

impl Expectation {
    /// Do the figures keep it?
    pub fn check(&self, figures: &[Figure]) -> Expected {
        let value = figures.iter().find(|figure| figure.name == self.figure).map(|figure| figure.value);
        let keeps = |value: f64| if self.at_least { value >= self.bound } else { value <= self.bound };
        Expected { expectation: self.to_string(), value, ok: value.is_some_and(keeps) }
    }
}

impl Machine {
    pub fn here() -> Self {
        let processor = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|info| {
            let line = info.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
        let system = std::fs::read_to_string("/proc/sys/kernel/osrelease");
        Self {
            cores: cores(),
            processor: processor.unwrap_or_else(|| "unknown".to_owned()),
            system: system
                .map_or_else(|_| "unknown".to_owned(), |release| format!("Linux {}", release.trim())),
            open_files_max: crate::file_limit::open_files_max(),
        }
    }
}

/// Writes the report to these files: as JSON, and as a page.
pub fn write(report: &Report, as_json: Option<&Path>, as_page: Option<&Path>) -> anyhow::Result<()> {
    let save = |path: &Path, text: String| {
        std::fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
    };
    if let Some(path) = as_json {
        save(path, serde_json::to_string_pretty(report)?)?;
    }
    if let Some(path) = as_page {
        save(path, page(report))?;
    }
    Ok(())
}

/// Processors that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
pub(crate) fn example() -> Report {
    use frontrow_crowd::record::SecondOfOp;
    use std::collections::BTreeMap;

    let second = |second: usize| Second {
        second,
        ops: BTreeMap::from([("hold", SecondOfOp { count: 100 * second as u64, p50_ms: 2.0, p99_ms: 9.5 })]),
        counters: BTreeMap::from([("seats_sold", 10)]),
        fans: BTreeMap::from([("waiting", 50), ("admitted", 4)]),
        refused: 1,
        failed: 0,
        server_cpu_percent: Some(80.0),
        server_rss_bytes: Some(64 << 20),
    };
    Report {
        scenario: "onsale",
        about: "Fans <buy>.",
        settings: vec![("fans".to_owned(), "4000".to_owned())],
        machine: Machine {
            cores: 2,
            processor: "one".to_owned(),
            system: "Linux".to_owned(),
            open_files_max: 20_000,
        },
        window_seconds: 3.0,
        figures: vec![Figure { name: "holds_per_second", value: 15_234.5, unit: "/s", about: "Holds" }],
        operations: vec![OpSummary {
            op: "hold",
            ok: 600,
            refused: 3,
            reasons: BTreeMap::from([("SEAT_TAKEN", 3)]),
            failed: 0,
            per_second: 200.0,
            p50_ms: 2.0,
            p90_ms: 5.0,
            p99_ms: 9.5,
            p999_ms: 12.0,
            max_ms: 13.0,
        }],
        server: Some(ProcessUse {
            cpu_seconds: 2.4,
            cpu_percent: 80.0,
            rss_before_bytes: 32 << 20,
            rss_after_bytes: 64 << 20,
        }),
        client: None,
        database: None,
        checks: vec![Check { name: "audit", ok: false, detail: "seat 3 <twice>".to_owned() }],
        expectations: Vec::new(),
        faults: 0,
        first_faults: Vec::new(),
        ok: false,
        seconds: (0..4).map(second).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expectation_is_read_and_kept() {
        let report = example();
        for (text, ok) in [
            ("holds_per_second>=15000", true),
            ("holds_per_second >= 15234.6", false),
            ("holds_per_second<=15234.5", true),
            ("other>=1", false),
        ] {
            let expected = text.parse::<Expectation>().unwrap().check(&report.figures);
            assert_eq!(expected.ok, ok, "{text}");
        }
        assert!("holds".parse::<Expectation>().is_err());
        assert!("holds>=many".parse::<Expectation>().is_err());
    }

    #[test]
    fn json_has_everything_by_name() {
        let json = serde_json::to_value(example()).unwrap();
        assert_eq!(json["figures"][0]["name"], "holds_per_second");
        assert_eq!(json["operations"][0]["reasons"]["SEAT_TAKEN"], 3);
        assert_eq!(json["seconds"][2]["ops"]["hold"]["count"], 200);
    }
}
