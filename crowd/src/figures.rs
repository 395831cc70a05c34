//! The numbers that a night is about, and what has to be so at its end.

use serde::Serialize;

use crate::record::{Board, Counter, Op};

/// One number.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// The name for programs: lower case with underscores.
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
    /// The name for people.
    pub about: &'static str,
}

/// Something that must be so, looked at from the outside.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub ok: bool,
    pub detail: String,
}

/// Operations of a kind in a second of the window.
pub fn rate(board: &Board, op: Op, name: &'static str, about: &'static str) -> Figure {
    let window = board.window().as_secs_f64();
    Figure { name, value: board.done(op) as f64 / window.max(f64::MIN_POSITIVE), unit: "/s", about }
}

/// `None`: there was no such operation.
pub fn percentile(
    board: &Board,
    op: Op,
    percentile: f64,
    name: &'static str,
    about: &'static str,
) -> Option<Figure> {
    let value = board.percentile_ms(op, percentile)?;
    Some(Figure { name, value, unit: "ms", about })
}

/// The figures of a night, when all fans have come to their end.
pub fn of_night(board: &Board) -> Vec<Figure> {
    let count = |name, counter, about| Figure { name, value: board.counter(counter) as f64, unit: "", about };
    let mut figures = vec![
        count("seats_sold", Counter::SeatsSold, "seats sold"),
        count("buyers", Counter::Buyers, "fans with tickets"),
        rate(board, Op::Pay, "buyers_per_second", "fans with tickets"),
    ];
    for (op, half, most, about) in [
        (Op::Join, "join_p50", "join_p99", "answers to a join since the fan arrived"),
        (Op::Wait, "wait_p50", "wait_p99", "waits in line"),
        (Op::Hold, "hold_p50", "hold_p99", "answers to a hold"),
        (Op::Pay, "pay_p50", "pay_p99", "answers to a payment"),
    ] {
        figures.extend(percentile(board, op, 50.0, half, about));
        figures.extend(percentile(board, op, 99.0, most, about));
    }
    figures
}
