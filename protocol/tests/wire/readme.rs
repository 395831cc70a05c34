//! Goal: the README's tables are true. Method: a row for each method, push, reason and close code, with its facts.

use frontrow_protocol::{CloseCode, Method, Push, Reason};

const README: &str = include_str!("../../README.md");

/// The cells of the one row that begins with `first`, without their backticks.
fn row(first: &str) -> Vec<String> {
    let rows: Vec<Vec<String>> = README
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'))
        .map(|line| line.split(" | ").map(|cell| cell.trim().replace('`', "")).collect())
        .filter(|cells: &Vec<String>| cells[0] == first)
        .collect();
    assert_eq!(rows.len(), 1, "the README has {} rows for {first}", rows.len());
    rows.into_iter().next().expect("one row")
}

#[test]
fn every_method_and_push_has_its_row() {
    for name in Method::ALL.iter().map(|method| method.as_str()).chain(Push::METHODS.iter().copied()) {
        assert!(row(name).len() >= 2, "{name}");
    }
}

#[test]
fn every_reason_has_its_row() {
    for reason in Reason::ALL {
        let expected = [reason.code().to_string(), reason.http_status().to_string()];
        let again = if reason.retryable() { "yes" } else { "no" };
        let cells = row(reason.as_str());
        assert_eq!(cells[1..3], expected, "{reason}");
        assert_eq!(cells[3], again, "{reason}");
        assert_eq!(cells.last(), Some(&reason.advice().replace('`', "")), "{reason}");
    }
}

#[test]
fn every_close_code_has_its_row() {
    for close in CloseCode::ALL {
        let again = if close.may_reconnect() { "yes" } else { "no" };
        assert_eq!(row(&close.code().to_string())[1], again, "{close:?}");
    }
}
