//! The trace of what happened, as text and as one number. Two runs of a seed have the same number.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Lines that a failure prints: what led to it is rarely further back.
const LINES_KEPT: usize = 120;

#[derive(Default)]
pub struct Trace {
    hasher: DefaultHasher,
    lines: VecDeque<String>,
    count: u64,
}

impl Trace {
    pub fn add(&mut self, line: String) {
        line.hash(&mut self.hasher);
        self.count += 1;
        if self.lines.len() == LINES_KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    pub fn digest(&self) -> (u64, u64) {
        (self.count, self.hasher.finish())
    }

    pub fn lines(&self) -> impl Iterator<Item = &String> {
        self.lines.iter()
    }

    pub fn tail(&self) -> String {
        self.lines.iter().map(|line| format!("  {line}\n")).collect()
    }
}
