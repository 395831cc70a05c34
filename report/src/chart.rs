//! Line charts as inline SVG: axes with round numbers, a legend, and a tip for every moment. No script, no fonts of
//! its own; colours come from the page's style sheet by class.

use std::fmt::Write as _;

use super::numbers::grouped;
use super::page::escaped;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
/// Grid lines of the value axis, at most.
const STEPS_MAX: f64 = 5.0;
/// The line colours that the style sheet has.
pub const COLOURS: usize = 6;

/// Marks of the time axis, at most.
const MARKS_MAX: f64 = 7.0;
/// Distances of marks that people count by, in seconds.
const ROUND_TIMES: [f64; 17] = [
    1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 10_800.0, 21_600.0,
    43_200.0, 86_400.0, 604_800.0,
];

/// What moments are called.
pub enum Axis<'a> {
    /// Seconds since something began.
    Seconds,
    /// By this, which is given whole seconds.
    Clock(&'a dyn Fn(f64) -> String),
}

impl Axis<'_> {
    fn name(&self, second: f64) -> String {
        match self {
            Self::Seconds => format!("{} s", grouped(second)),
            Self::Clock(name) => name(second),
        }
    }

    /// The moments that are named below a chart.
    fn marks(&self, first: f64, last: f64) -> Vec<f64> {
        match self {
            Self::Seconds => {
                Scale::linear((last - first).max(1.0)).ticks().map(|tick| tick + first).collect()
            }
            Self::Clock(_) => {
                let fits = |step: &f64| (last - first) / step <= MARKS_MAX;
                let step = ROUND_TIMES.into_iter().find(fits).unwrap_or((last - first) / MARKS_MAX);
                let count = (last / step).floor() - (first / step).ceil();
                (0..=count.max(0.0) as usize).map(|n| ((first / step).ceil() + n as f64) * step).collect()
            }
        }
    }
}

/// One line: `None` where there is no value.
pub struct Line {
    pub name: String,
    pub values: Vec<Option<f64>>,
}

pub struct Chart<'a> {
    pub title: &'a str,
    pub unit: &'a str,
    /// The moment of each value, in seconds, ascending.
    pub at: &'a [f64],
    pub axis: Axis<'a>,
    pub lines: Vec<Line>,
    /// Powers of ten apart: for latencies, which differ by orders of magnitude.
    pub logarithmic: bool,
}

/// The chart as a `figure`; empty if no line has a value.
pub fn draw(chart: &Chart<'_>) -> String {
    let lines: Vec<_> =
        chart.lines.iter().filter(|line| line.values.iter().flatten().any(|value| *value > 0.0)).collect();
    if lines.is_empty() || chart.at.is_empty() {
        return String::new();
    }
    let values = || lines.iter().flat_map(|line| line.values.iter().flatten().copied());
    let largest = values().fold(0.0, f64::max);
    let scale = match chart.logarithmic {
        true => {
            let smallest = values().filter(|value| *value > 0.0).fold(largest, f64::min);
            Scale::powers(smallest, largest)
        }
        false => Scale::linear(largest),
    };
    let (first, last) = (chart.at[0], chart.at[chart.at.len() - 1]);
    let span = (last - first).max(1.0);
    let x = |second: f64| LEFT + (second - first) / span * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - scale.share(value) * (HEIGHT - TOP - BOTTOM);

    let mut svg = format!(
        "<figure><figcaption>{} <span class=\"unit\">{}</span></figcaption>\n\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n",
        escaped(chart.title),
        escaped(chart.unit),
        escaped(chart.title)
    );
    for tick in scale.ticks() {
        let at = y(tick);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0,
            grouped(tick)
        );
    }
    for second in chart.axis.marks(first, last) {
        let _ = writeln!(
            svg,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x(second),
            HEIGHT - 8.0,
            escaped(&chart.axis.name(second))
        );
    }
    for (index, line) in lines.iter().enumerate() {
        let mut path = String::new();
        let mut pen_down = false;
        for (second, value) in chart.at.iter().zip(&line.values) {
            match value {
                Some(value) => {
                    let _ = write!(
                        path,
                        "{}{:.1} {:.1}{}",
                        if pen_down { "L" } else { "M" },
                        x(*second),
                        y(*value),
                        // A moment alone is a dot: a line of no length is drawn with its round ends.
                        if pen_down { "" } else { "h0" }
                    );
                    pen_down = true;
                }
                None => pen_down = false,
            }
        }
        let _ = writeln!(svg, "<path class=\"line c{}\" d=\"{path}\"/>", index % COLOURS);
    }
    let strip = (WIDTH - LEFT - RIGHT) / chart.at.len() as f64;
    for (index, second) in chart.at.iter().enumerate() {
        let mut tip = chart.axis.name(*second);
        for line in &lines {
            if let Some(value) = line.values[index] {
                let _ = write!(tip, "\n{}: {} {}", line.name, grouped(value), chart.unit);
            }
        }
        let _ = writeln!(
            svg,
            "<rect class=\"tip\" x=\"{:.1}\" y=\"{TOP}\" width=\"{strip:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
            x(*second) - strip / 2.0,
            HEIGHT - TOP - BOTTOM,
            escaped(&tip)
        );
    }
    svg.push_str("</svg>\n<ul class=\"legend\">");
    for (index, line) in lines.iter().enumerate() {
        let _ = write!(svg, "<li class=\"c{}\">{}</li>", index % COLOURS, escaped(&line.name));
    }
    svg.push_str("</ul></figure>\n");
    svg
}

enum Scale {
    Linear { step: f64, top: f64 },
    Powers { low: i32, high: i32 },
}

impl Scale {
    /// An axis from 0 to a round number at or above `largest`.
    fn linear(largest: f64) -> Self {
        let rough = largest.max(f64::MIN_POSITIVE) / STEPS_MAX;
        let power = 10_f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].into_iter().map(|nice| nice * power).find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(10.0 * power);
        Self::Linear { step, top: (largest / step).ceil().max(1.0) * step }
    }

    fn powers(smallest: f64, largest: f64) -> Self {
        let low = smallest.log10().floor() as i32;
        Self::Powers { low, high: (largest.log10().ceil() as i32).max(low + 1) }
    }

    /// The place of a value, from 0 at the bottom to 1 at the top.
    fn share(&self, value: f64) -> f64 {
        match self {
            Self::Linear { top, .. } => value / top,
            Self::Powers { low, high } => {
                let exponent = value.max(10_f64.powi(*low)).log10();
                (exponent - f64::from(*low)) / f64::from(high - low)
            }
        }
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let ticks: Vec<f64> = match self {
            Self::Linear { step, top } => {
                let count = (top / step).round() as usize;
                (0..=count).map(|index| index as f64 * step).collect()
            }
            Self::Powers { low, high } => (*low..=*high).map(|exponent| 10_f64.powi(exponent)).collect(),
        };
        ticks.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_round_numbers() {
        for (largest, ticks) in [
            (9.0, vec![0.0, 2.0, 4.0, 6.0, 8.0, 10.0]),
            (100.0, vec![0.0, 20.0, 40.0, 60.0, 80.0, 100.0]),
            (23_000.0, vec![0.0, 5_000.0, 10_000.0, 15_000.0, 20_000.0, 25_000.0]),
        ] {
            assert_eq!(Scale::linear(largest).ticks().collect::<Vec<_>>(), ticks);
        }
        let scale = Scale::powers(0.5, 40.0);
        assert_eq!(scale.ticks().collect::<Vec<_>>(), [0.1, 1.0, 10.0, 100.0]);
        assert_eq!((scale.share(0.1), scale.share(0.0), scale.share(100.0)), (0.0, 0.0, 1.0));
    }

    #[test]
    fn times_of_day_are_named_at_round_ones() {
        let axis = Axis::Clock(&|second| format!("{second}"));
        assert_eq!(
            axis.marks(3_590.0, 7_300.0),
            [3_600.0, 4_200.0, 4_800.0, 5_400.0, 6_000.0, 6_600.0, 7_200.0]
        );
        assert_eq!(axis.marks(61.0, 61.0), [61.0]);
        assert_eq!(axis.marks(0.0, 3.0 * 86_400.0).len(), 7);
    }

    #[test]
    fn a_line_breaks_where_nothing_is_known() {
        let chart = Chart {
            title: "Holds & more",
            unit: "/s",
            at: &[0.0, 1.0, 2.0, 3.0],
            axis: Axis::Seconds,
            lines: vec![
                Line { name: "hold".to_owned(), values: vec![Some(1.0), None, Some(2.0), Some(4.0)] },
                Line { name: "nothing".to_owned(), values: vec![Some(0.0); 4] },
            ],
            logarithmic: false,
        };
        let svg = draw(&chart);
        assert!(svg.contains("Holds &amp; more") && !svg.contains("nothing"));
        let path = svg.split("d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1));
        assert_eq!(svg.matches("<rect").count(), 4);
        assert_eq!(draw(&Chart { lines: Vec::new(), ..chart }), "");
    }
}
